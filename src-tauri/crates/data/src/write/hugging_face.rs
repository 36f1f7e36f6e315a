//! A folder as `datasets.load_dataset(FOLDER)` opens it: `data/PART-00000-of-00001.parquet` with the features in the file's
//! metadata, and a card that names the files.
//!
//! The label is a number, whose names are in the features; -1 says that there is none yet, as everywhere in `datasets`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};

use super::{ExportHead, ExportRow, RowWriter};
use crate::error::{DataError, Result};

/// Rows that are written together.
const GROUP: usize = 10_000;

/// The parts' names in `datasets`; rows that are in no part are learnt from.
const PARTS: [&str; 3] = ["train", "validation", "test"];

pub(super) struct Folder {
    path: PathBuf,
    head: ExportHead,
    parts: [Option<PartFile>; 3],
}

struct PartFile {
    path: PathBuf,
    file: SerializedFileWriter<File>,
    waiting: Vec<(String, Option<Vec<usize>>)>,
    rows: usize,
}

impl Folder {
    pub(super) fn begin(path: &Path, head: ExportHead) -> Result<Self> {
        if path.exists() {
            return Err(DataError::FolderTaken {
                folder: path.to_owned(),
            });
        }
        let data = path.join("data");
        fs::create_dir_all(&data).map_err(DataError::io(&data))?;
        Ok(Folder {
            path: path.to_owned(),
            head,
            parts: [None, None, None],
        })
    }

    fn start(&self, part: usize) -> Result<PartFile> {
        let path = self
            .path
            .join("data")
            .join(format!("{}-00000-of-00001.parquet", PARTS[part]));
        let file = File::create(&path).map_err(DataError::io(&path))?;
        let schema = match self.head.several {
            false => "message schema { required binary text (UTF8); required int64 label; }",
            true => {
                "message schema { required binary text (UTF8);
                 required group labels (LIST) { repeated group list { required int64 element; } } }"
            }
        };
        let schema = parse_message_type(schema).map_err(unusable(&path))?;
        let file = SerializedFileWriter::new(file, Arc::new(schema), properties(&self.head))
            .map_err(unusable(&path))?;
        Ok(PartFile {
            path,
            file,
            waiting: Vec::new(),
            rows: 0,
        })
    }
}

impl RowWriter for Folder {
    fn row(&mut self, row: &ExportRow) -> Result<bool> {
        let part = row.part.map_or(0, crate::types::Part::index);
        let several = self.head.several;
        let mut file = match self.parts[part].take() {
            Some(file) => file,
            None => self.start(part)?,
        };
        file.waiting.push((row.text.clone(), row.labels.clone()));
        if file.waiting.len() == GROUP {
            file.write(several)?;
        }
        self.parts[part] = Some(file);
        Ok(false)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let several = self.head.several;
        let mut rows = [None; 3];
        for (file, rows) in self.parts.iter_mut().zip(&mut rows) {
            if let Some(mut file) = file.take() {
                file.write(several)?;
                *rows = Some(file.rows);
                file.file.close().map_err(unusable(&file.path))?;
            }
        }
        let card = self.path.join("README.md");
        fs::write(&card, read_me(&self.head, rows)).map_err(DataError::io(&card))
    }
}

impl PartFile {
    fn write(&mut self, several: bool) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        self.rows += waiting.len();
        if !waiting.is_empty() {
            self.group(&waiting, several).map_err(unusable(&self.path))?;
        }
        Ok(())
    }

    fn group(
        &mut self,
        rows: &[(String, Option<Vec<usize>>)],
        several: bool,
    ) -> std::result::Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        let texts: Vec<ByteArray> = rows.iter().map(|(text, _)| text.as_str().into()).collect();
        if let Some(mut column) = group.next_column()? {
            column.typed::<ByteArrayType>().write_batch(&texts, None, None)?;
            column.close()?;
        }
        if let Some(mut column) = group.next_column()? {
            let writer = column.typed::<Int64Type>();
            if several {
                let (mut values, mut there, mut further) = (Vec::new(), Vec::new(), Vec::new());
                for (_, labels) in rows {
                    let labels = labels.as_deref().unwrap_or_default();
                    if labels.is_empty() {
                        there.push(0);
                        further.push(0);
                    }
                    for (place, label) in labels.iter().enumerate() {
                        values.push(*label as i64);
                        there.push(1);
                        further.push(i16::from(place > 0));
                    }
                }
                writer.write_batch(&values, Some(&there), Some(&further))?;
            } else {
                let label = |labels: &Option<Vec<usize>>| {
                    let first = labels.as_ref().and_then(|labels| labels.first());
                    first.map_or(-1, |label| *label as i64)
                };
                let values: Vec<i64> = rows.iter().map(|(_, labels)| label(labels)).collect();
                writer.write_batch(&values, None, None)?;
            }
            column.close()?;
        }
        group.close().map(drop)
    }
}

/// The features as `datasets` keeps them in a Parquet file.
fn features(head: &ExportHead) -> Value {
    let class = json!({ "names": head.labels, "_type": "ClassLabel" });
    let text = json!({ "dtype": "string", "_type": "Value" });
    match head.several {
        true => json!({ "text": text, "labels": { "feature": class, "_type": "List" } }),
        false => json!({ "text": text, "label": class }),
    }
}

fn properties(head: &ExportHead) -> WriterPropertiesPtr {
    let info = json!({ "info": { "features": features(head) } }).to_string();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![KeyValue::new("huggingface".to_owned(), info)]));
    Arc::new(properties.build())
}

/// The card: where the files are, for the library, and what they hold, for people.
fn read_me(head: &ExportHead, rows: [Option<usize>; 3]) -> String {
    let there = || {
        PARTS
            .iter()
            .zip(rows)
            .filter_map(|(part, rows)| Some((part, rows?)))
    };
    let files: String = there()
        .map(|(part, _)| format!("  - split: {part}\n    path: data/{part}-*\n"))
        .collect();
    // Quoted as in JSON, which YAML takes for itself.
    let classes: String = (head.labels.iter().enumerate())
        .map(|(place, name)| format!("          '{place}': {}\n", json!(name)))
        .collect();
    let label = match head.several {
        false => format!("  - name: label\n    dtype:\n      class_label:\n        names:\n{classes}"),
        true => format!("  - name: labels\n    sequence:\n      class_label:\n        names:\n{classes}"),
    };
    let counts: String = there()
        .map(|(part, rows)| format!("- {part}: {rows}\n"))
        .collect();
    let labels: String = head.labels.iter().map(|label| format!("- {label}\n")).collect();
    format!(
        "---\ndataset_info:\n  features:\n  - name: text\n    dtype: string\n{label}configs:\n- config_name: default\n  data_files:\n{files}---\n\n# {}\n\nTexts labelled with Understudy.\n\n## Rows\n\n{counts}\n## Labels\n\n{labels}",
        head.name
    )
}

fn unusable(path: &Path) -> impl FnOnce(ParquetError) -> DataError {
    move |error| DataError::io(path)(std::io::Error::other(error.to_string()))
}
