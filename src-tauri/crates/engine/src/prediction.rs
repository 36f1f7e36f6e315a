//! A run's model at work: one text, or a file.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use understudy_data::{DialectOverrides, FileRow, Pipeline, Project, Rows, joined_text, preview};
use understudy_train::{Control, Predicted, Predictor};

use crate::error::{EngineError, Result};
use crate::files;
use crate::job::{Phase, Progress};
use crate::runs;
use crate::session;
use crate::view::{LabelProbability, Prediction};

/// Rows of a file that are answered together.
const CHUNK: usize = 512;

/// A run's model, and the way that its texts went before it learnt from them: new texts go the same way.
pub struct Model {
    pub(crate) predictor: Predictor,
    pipeline: Pipeline,
}

impl Model {
    /// A text as the model reads it.
    pub(crate) fn cleaned<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.pipeline.apply(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Answers, in the texts' order.
    fn predict<T: AsRef<str> + Sync>(&self, texts: &[T], control: &Control) -> Result<Vec<Predicted>> {
        if self.pipeline.is_empty() {
            return Ok(self.predictor.predict(texts, control)?);
        }
        let cleaned = texts.iter().map(|text| {
            let text = text.as_ref();
            self.pipeline.apply(text).unwrap_or_else(|| text.to_owned())
        });
        Ok(self
            .predictor
            .predict(&cleaned.collect::<Vec<String>>(), control)?)
    }
}

/// The model of a finished run.
///
/// # Errors
/// [`EngineError::RunNotFinished`], and those of reading the model.
pub fn load(project: &Project, run: &str) -> Result<Model> {
    let outcome = runs::outcome(&runs::find(project, run)?)?;
    Ok(Model {
        predictor: Predictor::load(&runs::model_folder(project, run))?,
        pipeline: Pipeline::new(&outcome.data.text_rules()),
    })
}

/// Answers to some texts, in their order.
///
/// # Errors
/// Those of predicting.
pub fn answer(model: &Model, texts: &[String], control: &Control) -> Result<Vec<Prediction>> {
    let predictor = &model.predictor;
    let began = Instant::now();
    let found = model.predict(texts, control)?;
    let milliseconds = began.elapsed().as_secs_f64() * 1000.0 / texts.len().max(1) as f64;
    Ok(found
        .into_iter()
        .map(|predicted| told(predictor, predicted, milliseconds))
        .collect())
}

fn told(predictor: &Predictor, predicted: Predicted, milliseconds: f64) -> Prediction {
    let labels = predictor.labels();
    let mut scores: Vec<LabelProbability> = labels
        .iter()
        .zip(&predicted.probabilities)
        .map(|(label, &p)| LabelProbability {
            label: label.clone(),
            probability: f64::from(p),
        })
        .collect();
    scores.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    Prediction {
        labels: predicted
            .labels
            .iter()
            .map(|label| labels[*label].clone())
            .collect(),
        confidence: predicted.confidence,
        scores,
        several: predictor.thresholds().is_some(),
        tokens: predicted.tokens as u32,
        truncated: predicted.truncated,
        unsure: predicted.unsure,
        milliseconds,
    }
}

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct FileOutcome {
    /// Rows answered.
    pub rows: u64,
    /// Rows that do not fit the file's columns and were left out.
    pub problem_rows: u64,
}

/// Answers every row of a table and writes it again with two more columns: the label and its probability, or where a text
/// may have several labels all of them and the probability of the least certain decision. Streamed; the output appears in
/// one step at the end.
///
/// # Errors
/// [`EngineError::NoTextColumn`], and those of reading, predicting and writing.
pub fn predict_file(
    project: &Project,
    run: &str,
    input: &Path,
    output: &Path,
    control: &Control,
    report: &mut dyn FnMut(Progress),
) -> Result<FileOutcome> {
    let model = load(project, run)?;
    let predictor = &model.predictor;
    let columns = text_columns(project, input)?;
    let mut rows = Rows::open(input, &DialectOverrides::default())?;
    if same_file(input, output) {
        return Err(EngineError::SameFile {
            path: output.to_owned(),
        });
    }
    let partial = Partial::beside(output);
    let mut writer = csv::Writer::from_path(&partial.0).map_err(|e| files::failed(&partial.0)(e.into()))?;
    let failed = |error: csv::Error| files::failed(&partial.0)(error.into());
    let several = predictor.thresholds().is_some();
    let separator = separator(predictor.labels());
    let added = added_columns(rows.columns(), several);
    writer
        .write_record(rows.columns().iter().chain(&added))
        .map_err(failed)?;
    let mut done = FileOutcome {
        rows: 0,
        problem_rows: 0,
    };
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        for row in rows.by_ref() {
            match row? {
                FileRow::Cells(cells) => chunk.push(cells),
                FileRow::Problem(_) => done.problem_rows += 1,
            }
            if chunk.len() == CHUNK {
                break;
            }
        }
        if chunk.is_empty() {
            break;
        }
        let texts: Vec<String> = chunk
            .iter()
            .map(|cells| match columns[..] {
                [only] => cells[only].clone(),
                ref several => joined_text(several.iter().map(|column| cells[*column].as_str())),
            })
            .collect();
        for ((cells, text), predicted) in chunk.iter().zip(&texts).zip(model.predict(&texts, control)?) {
            let answer = match text.trim().is_empty() {
                // About nothing there is nothing to say.
                true => [String::new(), String::new()],
                false => {
                    let given = predicted
                        .labels
                        .iter()
                        .map(|label| predictor.labels()[*label].as_str());
                    [
                        given.collect::<Vec<_>>().join(separator),
                        format!("{:.4}", predicted.confidence),
                    ]
                }
            };
            writer.write_record(cells.iter().chain(&answer)).map_err(failed)?;
        }
        done.rows += chunk.len() as u64;
        report(Progress::new(
            Phase::Predict,
            rows.bytes_read() as f64,
            rows.bytes() as f64,
        ));
    }
    writer.flush().map_err(files::failed(&partial.0))?;
    drop(writer);
    std::fs::rename(&partial.0, output).map_err(files::failed(output))?;
    Ok(done)
}

/// Whether two paths name one file that exists.
fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// A file in the making, under a name of its own; removed unless it was renamed in the end.
struct Partial(PathBuf);

impl Partial {
    fn beside(output: &Path) -> Self {
        let mut name = output.as_os_str().to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        Partial(name.into())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After the rename there is nothing to remove.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The columns with the texts: named as in the project's own data, or the file's only one. Nothing is guessed, because
/// answers about the wrong column look like any others.
fn text_columns(project: &Project, input: &Path) -> Result<Vec<usize>> {
    let preview = preview(input, &DialectOverrides::default(), 1)?;
    let mut known = session::text_columns(project)?;
    if known.is_empty() {
        known.push("text".to_owned());
    }
    if preview.columns.len() == 1 && known.len() == 1 {
        return Ok(vec![0]);
    }
    known
        .into_iter()
        .map(|name| {
            let found = preview.columns.iter().position(|column| column.name == name);
            found.ok_or_else(|| EngineError::NoTextColumn {
                file: preview.file_name.clone(),
                column: name,
            })
        })
        .collect()
}

/// What stands between labels: something that none of them contains, as far as there is such a thing.
fn separator(labels: &[String]) -> &'static str {
    let free = |separator: &&str| !labels.iter().any(|label| label.contains(*separator));
    ["|", ";", "\t", " || "].into_iter().find(free).unwrap_or("|")
}

/// Names of the new columns, distinct from the file's own.
fn added_columns(columns: &[String], several: bool) -> [String; 2] {
    let labels = if several {
        "predicted_labels"
    } else {
        "predicted_label"
    };
    [labels, "confidence"].map(|name| {
        let taken = |name: &String| columns.contains(name);
        let numbered = (2..).map(|n| format!("{name}_{n}"));
        std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| !taken(name))
            .unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_columns_never_hide_the_files_own() {
        let columns = ["text", "confidence", "confidence_2"].map(str::to_owned);
        assert_eq!(
            added_columns(&columns, false),
            ["predicted_label", "confidence_3"]
        );
        assert_eq!(added_columns(&columns, true)[0], "predicted_labels");
    }

    #[test]
    fn labels_are_parted_by_what_none_of_them_contains() {
        assert_eq!(separator(&["a".into(), "b".into()]), "|");
        assert_eq!(separator(&["a|b".into(), "c".into()]), ";");
    }
}
