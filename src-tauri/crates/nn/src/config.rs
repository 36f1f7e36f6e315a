//! `config.json` of a Hugging Face folder: read with its unknown fields kept, written back with labels.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::{NnError, Result};

/// Name of the configuration in a model folder.
pub(crate) const CONFIG_FILE: &str = "config.json";

/// How many labels a text may have, as `config.json` has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProblemType {
    /// Exactly one: `single_label_classification`.
    #[default]
    SingleLabel,
    /// Any number: `multi_label_classification`.
    MultiLabel,
}

impl ProblemType {
    fn word(self) -> &'static str {
        match self {
            ProblemType::SingleLabel => "single_label_classification",
            ProblemType::MultiLabel => "multi_label_classification",
        }
    }
}

/// A model's configuration. Typed access to the fields that are needed; everything else is carried along unchanged,
/// so that a saved model is configured like the one it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Config(Map<String, Value>);

/// The largest size that a field may have. A configuration comes from anywhere, and is believed before its weights are
/// there: without limits it could ask for all the memory, or for sizes whose products overflow. XLM-V has 901 629 words, the
/// widest encoder that we know of 10 240 numbers a token, the deepest 100 layers.
fn limit(field: &str) -> usize {
    match field {
        "vocab_size" | "max_position_embeddings" => 1 << 24,
        _ if field.contains("layers") => 1 << 10,
        _ => 1 << 16,
    }
}

impl Config {
    /// Reads `config.json` in `folder`.
    ///
    /// # Errors
    /// [`NnError::File`] when it cannot be read, [`NnError::Config`] when it is not a JSON object.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG_FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| NnError::File { path, source })?;
        Self::parse(&text)
    }

    /// Parses the text of a `config.json`.
    ///
    /// # Errors
    /// [`NnError::Config`] when it is not a JSON object.
    pub fn parse(text: &str) -> Result<Self> {
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(Config(fields)),
            Ok(_) => Err(invalid("", "is not an object")),
            Err(error) => Err(invalid("", error)),
        }
    }

    /// Writes `config.json` into `folder`.
    ///
    /// # Errors
    /// [`NnError::File`].
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(CONFIG_FILE);
        let text = format!("{:#}\n", Value::Object(self.0.clone()));
        std::fs::write(&path, text).map_err(|source| NnError::File { path, source })
    }

    /// A count or size. `default` stands in for a missing field; `None` makes the field required.
    ///
    /// # Errors
    /// [`NnError::Config`] when it is missing without a default, or not a whole number.
    pub fn size(&self, field: &str, default: Option<usize>) -> Result<usize> {
        match (self.0.get(field), default) {
            (None | Some(Value::Null), Some(default)) => Ok(default),
            (None | Some(Value::Null), None) => Err(invalid(field, "is missing")),
            (Some(value), _) => match value.as_u64().map(|n| n as usize) {
                Some(size) if size <= limit(field) => Ok(size),
                Some(size) => Err(invalid(field, format!("{size} is too large"))),
                None => Err(invalid(field, format!("{value} is not a size"))),
            },
        }
    }

    /// As [`Config::size`], of what there must be at least one of.
    ///
    /// # Errors
    /// As there, and when it is 0.
    pub fn count(&self, field: &str, default: Option<usize>) -> Result<usize> {
        match self.size(field, default)? {
            0 => Err(invalid(field, "is 0")),
            count => Ok(count),
        }
    }

    /// A number, with a default for a missing field.
    ///
    /// # Errors
    /// [`NnError::Config`] when it is not a number.
    pub fn number(&self, field: &str, default: f64) -> Result<f64> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value
                .as_f64()
                .ok_or_else(|| invalid(field, format!("{value} is not a number"))),
        }
    }

    /// A word, with a default for a missing field.
    ///
    /// # Errors
    /// [`NnError::Config`] when it is not a string.
    pub fn word<'a>(&'a self, field: &str, default: &'a str) -> Result<&'a str> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value
                .as_str()
                .ok_or_else(|| invalid(field, format!("{value} is not a word"))),
        }
    }

    /// A yes or no, with a default for a missing field.
    ///
    /// # Errors
    /// [`NnError::Config`] when it is neither.
    pub fn flag(&self, field: &str, default: bool) -> Result<bool> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| invalid(field, format!("{value} is not true or false"))),
        }
    }

    /// A list of words, also where it is written as one word with bars between.
    ///
    /// # Errors
    /// [`NnError::Config`] when it is something else.
    pub fn words(&self, field: &str) -> Result<Vec<String>> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(words)) => Ok(words.split('|').map(str::to_owned).collect()),
            Some(value) => serde_json::from_value(value.clone()).map_err(|e| invalid(field, e)),
        }
    }

    /// A field as it stands.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// Takes a field out.
    pub fn remove(&mut self, field: &str) {
        self.0.remove(field);
    }

    /// Sets a field.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.0.insert(field.to_owned(), value.into());
    }

    /// The class names, in the order of the logits: from `id2label`, or made up from `num_labels`.
    ///
    /// # Errors
    /// [`NnError::Config`] when `id2label` is not a map from `"0"`, `"1"`, … to words, or there are none.
    pub fn labels(&self) -> Result<Vec<String>> {
        let Some(Value::Object(map)) = self.0.get("id2label") else {
            return Ok((0..self.count("num_labels", Some(2))?)
                .map(|i| format!("LABEL_{i}"))
                .collect());
        };
        if map.is_empty() {
            return Err(invalid("id2label", "is empty"));
        }
        (0..map.len())
            .map(|i| match map.get(&i.to_string()) {
                Some(Value::String(label)) => Ok(label.clone()),
                _ => Err(invalid("id2label", format!("has no word for {i}"))),
            })
            .collect()
    }

    /// How many labels a text may have: one, unless the field says otherwise.
    pub fn problem_type(&self) -> ProblemType {
        match self.0.get("problem_type").and_then(Value::as_str) {
            Some(word) if word == ProblemType::MultiLabel.word() => ProblemType::MultiLabel,
            _ => ProblemType::SingleLabel,
        }
    }

    /// Sets how many labels a text may have.
    pub fn set_problem_type(&mut self, problem_type: ProblemType) {
        self.set("problem_type", problem_type.word());
    }

    /// Sets the class names and what goes with them (`id2label`, `label2id`), for one label a text.
    pub fn set_labels(&mut self, labels: &[String]) {
        let by_id: Map<String, Value> = labels
            .iter()
            .enumerate()
            .map(|(i, l)| (i.to_string(), json!(l)))
            .collect();
        let by_label: Map<String, Value> = labels
            .iter()
            .enumerate()
            .map(|(i, l)| (l.clone(), json!(i)))
            .collect();
        self.set("id2label", by_id);
        self.set("label2id", by_label);
        self.set_problem_type(ProblemType::SingleLabel);
        self.0.remove("num_labels");
    }
}

/// A field that cannot be used.
pub(crate) fn invalid(field: &str, reason: impl ToString) -> NnError {
    NnError::Config {
        field: field.to_owned(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_survive_and_labels_are_written_both_ways() {
        let folder = tempfile::tempdir().unwrap();
        let mut config =
            Config::parse(r#"{"model_type": "bert", "strange": [1, 2], "hidden_size": 8}"#).unwrap();
        let labels: Vec<String> = (0..12).map(|i| format!("类别 {i}")).collect();
        config.set_labels(&labels);
        config.write(folder.path()).unwrap();
        let read = Config::read(folder.path()).unwrap();
        assert_eq!(read, config);
        assert_eq!(read.labels().unwrap(), labels);
        assert_eq!(read.0["strange"], json!([1, 2]));
        assert_eq!(read.0["label2id"]["类别 11"], json!(11));
        assert_eq!(read.problem_type(), ProblemType::SingleLabel);
        config.set_problem_type(ProblemType::MultiLabel);
        assert_eq!(config.0["problem_type"], json!("multi_label_classification"));
        assert_eq!(config.problem_type(), ProblemType::MultiLabel);
    }

    #[test]
    fn missing_and_mistyped_fields_are_named() {
        let config = Config::parse(r#"{"hidden_size": "big"}"#).unwrap();
        for (field, reason) in [
            ("hidden_size", "\"big\" is not a size"),
            ("num_layers", "is missing"),
        ] {
            match config.size(field, None) {
                Err(NnError::Config { field: f, reason: r }) => {
                    assert_eq!((f.as_str(), r.as_str()), (field, reason))
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(Config::parse("[1]"), Err(NnError::Config { .. })));
        assert!(matches!(Config::parse("{"), Err(NnError::Config { .. })));
    }
}
