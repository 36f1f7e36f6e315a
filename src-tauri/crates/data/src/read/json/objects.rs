//! One JSON object → names and texts.
//!
//! Values are taken as they are written: `12.50` stays `12.50`. A list of plain values is joined by `|`, an object in
//! an object becomes one column a name (`a.b`), anything deeper stays JSON. `null` is an empty cell.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::tools;
use crate::types::ProblemKind;

/// An object's names and values in the order of the file, the values as they are written.
struct Ordered(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Ordered;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// The names and cells of the object that `text` is.
///
/// # Errors
/// `BrokenJson`, `NotAnObject`.
pub(super) fn flatten(text: &str) -> Result<Vec<(String, String)>, ProblemKind> {
    let parsed = serde_json::from_str(text).or_else(|error| match without_nan(text) {
        Some(mended) => serde_json::from_str(&mended).map_err(|_| error),
        None => Err(error),
    });
    let Ordered(entries) = parsed.map_err(|error| match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => ProblemKind::NotAnObject,
        Err(_) => ProblemKind::BrokenJson {
            line: error.line().max(1) as u32,
            column: error.column().max(1) as u32,
        },
    })?;
    let mut cells = Vec::with_capacity(entries.len());
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    let (tasks, lines) = (tools::is_label_studio(&names), tools::is_prodigy(&names));
    let accepted = || {
        entries
            .iter()
            .any(|(name, value)| name == "answer" && value.get() == "\"accept\"")
    };
    let accepted = lines && accepted();
    for (name, value) in entries {
        let chosen = match (tasks, lines) {
            (true, _) => tools::label_studio(&name, &value),
            (_, true) => tools::prodigy(&name, &value, accepted),
            _ => None,
        };
        if let Some(chosen) = chosen {
            cells.extend(chosen);
            continue;
        }
        match serde_json::from_str(value.get()) {
            Ok(Ordered(inner)) => {
                let inner = inner.into_iter();
                cells.extend(inner.map(|(key, value)| (format!("{name}.{key}"), cell(value.get()))));
            }
            Err(_) => cells.push((name, cell(value.get()))),
        }
    }
    Ok(cells)
}

/// The text with `null` for what is no number: Python's `json` writes `NaN` for an empty cell although JSON has no word
/// for it. `None` where there is none.
fn without_nan(text: &str) -> Option<String> {
    const WORDS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];
    let mut mended = String::with_capacity(text.len());
    let (mut quoted, mut escaped, mut found) = (false, false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = WORDS.into_iter().find(|word| !quoted && rest.starts_with(word));
        if let Some(word) = word {
            found = true;
            mended.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        quoted = if quoted { escaped || c != '"' } else { c == '"' };
        escaped = quoted && !escaped && c == '\\';
        mended.push(c);
        rest = &rest[c.len_utf8()..];
    }
    found.then_some(mended)
}

/// A value as a cell.
fn cell(raw: &str) -> String {
    match raw.as_bytes().first() {
        Some(b'"') => text(raw),
        Some(b'n') => String::new(),
        Some(b'[') => joined(raw).unwrap_or_else(|| raw.to_owned()),
        _ => raw.to_owned(),
    }
}

/// A string. Half a character, as programs write that cut texts within one, is U+FFFD: JSON allows the escape for it, but
/// no text has it.
fn text(raw: &str) -> String {
    let whole = serde_json::from_str(raw).or_else(|_| serde_json::from_str(&without_halves(raw)));
    whole.unwrap_or_else(|_| raw.to_owned())
}

/// The string with U+FFFD for each surrogate that is not one of a pair.
fn without_halves(raw: &str) -> String {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u").and_then(|rest| rest.get(..4));
        digits.and_then(|digits| u16::from_str_radix(digits, 16).ok())
    };
    let mut mended = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let (kept, length) = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (&escape[..12], 12),
            (Some(0xD800..=0xDFFF), _) => ("\u{fffd}", 6),
            // What comes after a backslash is one byte in any sound string.
            _ => (escape.get(..2).unwrap_or(escape), escape.len().min(2)),
        };
        mended.push_str(kept);
        rest = escape.get(length..).unwrap_or_default();
    }
    mended + rest
}

/// A list of plain values.
fn joined(raw: &str) -> Option<String> {
    let values: Vec<Box<RawValue>> = serde_json::from_str(raw).ok()?;
    let texts = || values.iter().map(|value| value.get());
    let cells = || texts().map(cell);
    texts()
        .all(|text| !text.starts_with(['[', '{']))
        .then(|| cells().collect::<Vec<String>>().join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<String> {
        let flat = flatten(text).unwrap();
        flat.into_iter()
            .map(|(name, cell)| format!("{name}={cell}"))
            .collect()
    }

    #[test]
    fn values_are_texts_in_the_order_of_the_file() {
        assert_eq!(
            cells(r#"{"z": "a\n\u7c7b", "b": 12.50, "a": true, "n": null, "l": ["x", 2, null]}"#),
            ["z=a\n类", "b=12.50", "a=true", "n=", "l=x|2|"]
        );
    }

    #[test]
    fn half_a_character_costs_no_more_than_itself() {
        assert_eq!(
            cells(r#"{"a": "bad \uD800 surrogate\n", "b": "\ud83d\ude00\udE00\\uD800", "c": ["\uDC00"]}"#),
            ["a=bad \u{fffd} surrogate\n", "b=😀\u{fffd}\\uD800", "c=\u{fffd}"]
        );
    }

    #[test]
    fn objects_are_opened_once_and_stay_json_below() {
        assert_eq!(
            cells(r#"{"a": {"b": 1, "c": {"d": [2]}}, "l": [{"e": 3}], "m": [[1], 2], "o": {}}"#),
            ["a.b=1", r#"a.c={"d": [2]}"#, r#"l=[{"e": 3}]"#, "m=[[1], 2]"]
        );
    }

    #[test]
    fn what_label_studio_and_prodigy_write_is_a_text_with_its_label() {
        let task = r#"{"id": 7, "data": {"text": "t"}, "annotations": [
            {"result": [{"type": "choices", "value": {"choices": ["old"]}}]},
            {"result": [{"type": "choices", "value": {"choices": ["a", "b"]}}], "was_cancelled": false},
            {"result": [], "was_cancelled": true}], "predictions": [{"result": []}]}"#;
        assert_eq!(cells(task), ["id=7", "data.text=t", "label=a|b"]);
        let line = r#"{"text": "t", "_task_hash": 1, "options": [{"id": "a"}], "accept": ["a"], "answer": "accept"}"#;
        assert_eq!(cells(line), ["text=t", "label=a", "answer=accept"]);
        assert_eq!(
            cells(&line.replace(r#": "accept"}"#, r#": "reject"}"#))[1],
            "label="
        );
        assert_eq!(
            cells(r#"{"annotations": [{"a": 1}]}"#),
            [r#"annotations=[{"a": 1}]"#],
            "any other list stays"
        );
    }

    #[test]
    fn what_is_no_number_is_empty_but_stays_a_word_within_a_text() {
        assert_eq!(
            cells(r#"{"label": NaN, "x": [-Infinity, 1], "text": "a NaN \" NaN", "y": Infinity}"#),
            ["label=", "x=|1", "text=a NaN \" NaN", "y="]
        );
        assert!(flatten(r#"{"a": Nan}"#).is_err());
    }

    #[test]
    fn what_is_no_object_is_told_apart_from_what_is_no_json() {
        assert_eq!(flatten("[1]"), Err(ProblemKind::NotAnObject));
        assert_eq!(flatten("7"), Err(ProblemKind::NotAnObject));
        assert_eq!(
            flatten(r#"{"a": 1,, }"#),
            Err(ProblemKind::BrokenJson { line: 1, column: 9 })
        );
        assert!(matches!(
            flatten(""),
            Err(ProblemKind::BrokenJson { line: 1, .. })
        ));
    }
}
