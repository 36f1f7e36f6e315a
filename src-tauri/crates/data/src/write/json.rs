//! JSON as the annotation tools read and write it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{ExportHead, ExportRow, RowWriter, names};
use crate::error::{DataError, Result};

/// Whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One list of tasks.
    LabelStudio,
    /// One object a line.
    Doccano,
    /// One object a line.
    Prodigy,
}

pub(super) struct Json {
    path: PathBuf,
    file: BufWriter<File>,
    head: ExportHead,
    shape: Shape,
    /// Prodigy repeats what can be chosen in every line.
    options: Value,
    rows: u32,
}

impl Json {
    pub(super) fn begin(path: &Path, head: ExportHead, shape: Shape) -> Result<Self> {
        let file = File::create(path).map_err(DataError::io(path))?;
        let options = head.labels.iter().map(|name| json!({ "id": name, "text": name }));
        Ok(Json {
            path: path.to_owned(),
            file: BufWriter::new(file),
            options: options.collect(),
            head,
            shape,
            rows: 0,
        })
    }

    fn object(&self, row: &ExportRow) -> Value {
        let labels: Option<Vec<&str>> = row
            .labels
            .as_deref()
            .map(|labels| names(&self.head, labels).collect());
        match self.shape {
            Shape::LabelStudio => {
                let annotation = labels.map(|labels| {
                    let choices = json!({
                        "from_name": "label", "to_name": "text", "type": "choices", "value": { "choices": labels },
                    });
                    json!({ "result": [choices], "was_cancelled": false })
                });
                json!({
                    "id": row.example,
                    "data": { "text": row.text },
                    "annotations": annotation.into_iter().collect::<Vec<Value>>(),
                    "meta": meta(row),
                })
            }
            Shape::Doccano => {
                let comments: Vec<&str> = Some(row.comment.as_str())
                    .filter(|words| !words.is_empty())
                    .into_iter()
                    .collect();
                json!({
                    "id": row.example, "text": row.text, "label": labels.unwrap_or_default(), "Comments": comments,
                })
            }
            Shape::Prodigy => json!({
                "text": row.text,
                "options": self.options,
                "accept": labels.clone().unwrap_or_default(),
                "answer": if labels.is_some() { "accept" } else { "ignore" },
                "config": { "choice_style": if self.head.several { "multiple" } else { "single" } },
                "meta": meta(row),
            }),
        }
    }
}

/// What the tools keep without looking at it.
fn meta(row: &ExportRow) -> Value {
    json!({ "id": row.example, "unsure": row.unsure, "flagged": row.flagged, "comment": row.comment })
}

impl RowWriter for Json {
    fn row(&mut self, row: &ExportRow) -> Result<bool> {
        let object = self.object(row).to_string();
        let before = match (self.shape, self.rows) {
            (Shape::LabelStudio, 0) => "[\n",
            (Shape::LabelStudio, _) => ",\n",
            _ => "",
        };
        let after = if self.shape == Shape::LabelStudio {
            ""
        } else {
            "\n"
        };
        self.rows += 1;
        write!(self.file, "{before}{object}{after}").map_err(DataError::io(&self.path))?;
        Ok(false)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let end = match (self.shape, self.rows) {
            (Shape::LabelStudio, 0) => "[]\n",
            (Shape::LabelStudio, _) => "\n]\n",
            _ => "",
        };
        write!(self.file, "{end}")
            .and_then(|()| self.file.flush())
            .map_err(DataError::io(&self.path))
    }
}
