//! A file's rows into the project: one transaction, streamed, all or nothing.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::HEAD_CHARS;
use super::audit::append;
use super::label_sets::ensure_set;
use super::labels::{MOST_LABELS, NAME_LIMIT, become_type, ensure_label};
use super::project::Project;
use super::splits::ready_made;
use super::sql::{now, to_json};
use crate::error::{DataError, Result};
use crate::read::{Extent, Record, Table, cell_problem, flag, part_from_word, parts};
use crate::text::{content_hash, head};
use crate::types::{ColumnRole, ImportOptions, ImportSummary, Part, ProblemKind, ProblemType};

/// A column as it is remembered with its file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredColumn {
    pub(super) name: String,
    pub(super) role: ColumnRole,
}

/// The columns that matter, by index.
struct Columns {
    text: usize,
    labels: LabelColumns,
    group: Option<usize>,
    split: Option<usize>,
}

/// Where a row's labels stand.
enum LabelColumns {
    /// Nowhere.
    None,
    /// In one cell: one label, or several with something between them.
    Cell {
        column: usize,
        separator: Option<String>,
    },
    /// In a column for each, which says yes or no.
    Flags(Vec<usize>),
}

impl LabelColumns {
    /// Whether a row may carry several.
    fn several(&self) -> bool {
        matches!(
            self,
            LabelColumns::Flags(_)
                | LabelColumns::Cell {
                    separator: Some(_),
                    ..
                }
        )
    }
}

impl Project {
    /// Imports the rows of the file at `path`. `progress` is told the bytes done and the bytes in all, and answers
    /// whether to go on. A refused or cancelled import leaves nothing behind. A split column makes a split at once.
    ///
    /// # Errors
    /// Those of [`crate::preview`], and `RolesMismatch`, `TextColumns`, `RepeatedRole`, `TooManyLabels`,
    /// `NoUsableRows`, `AllTextsEmpty`, `Cancelled`, `Locked`, `DiskFull`.
    pub fn import(
        &mut self,
        path: &Path,
        options: &ImportOptions,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<ImportSummary> {
        self.bring_in(path, options, None, progress)
    }

    /// Imports a file whose rows all belong to `part`, such as an official test file. A later
    /// [`Project::make_split`] honours it.
    ///
    /// # Errors
    /// As [`Project::import`].
    pub fn import_part(
        &mut self,
        path: &Path,
        options: &ImportOptions,
        part: Part,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<ImportSummary> {
        self.bring_in(path, options, Some(part), progress)
    }

    fn bring_in(
        &mut self,
        path: &Path,
        options: &ImportOptions,
        part: Option<Part>,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<ImportSummary> {
        let total = std::fs::metadata(path).map_err(DataError::io(path))?.len();
        let mut table = Table::open(path, &options.dialect, Extent::Whole, &mut || progress(0, total))?;
        let total = table.bytes;
        let columns = check_roles(options, table.columns.len())?;
        let tx = self.write()?;
        let mut importer = Importer::begin(&tx, &table, &options.roles, columns, part)?;
        let mut record = Record::default();
        let mut told = 0;
        while table.next(&mut record)? {
            importer.add(&record)?;
            if table.bytes_read() > told {
                told = table.bytes_read();
                if !progress(told, total) {
                    return Err(DataError::Cancelled);
                }
            }
        }
        let summary = importer.finish(&table)?;
        tx.commit()?;
        Ok(summary)
    }
}

fn check_roles(options: &ImportOptions, columns: usize) -> Result<Columns> {
    let roles = &options.roles;
    if roles.len() != columns {
        return Err(DataError::RolesMismatch {
            roles: roles.len(),
            columns,
        });
    }
    let with = |role: ColumnRole| roles.iter().filter(|other| **other == role).count();
    let first = |role: ColumnRole| roles.iter().position(|other| *other == role);
    for role in [ColumnRole::Group, ColumnRole::Split] {
        if with(role) > 1 {
            return Err(DataError::RepeatedRole {
                role,
                columns: with(role),
            });
        }
    }
    let all_labels = || (0..roles.len()).filter(|column| roles[*column] == ColumnRole::Label);
    let labels = match (first(ColumnRole::Label), with(ColumnRole::Label)) {
        (None, _) => LabelColumns::None,
        (Some(column), 1) => LabelColumns::Cell {
            column,
            separator: options
                .label_separator
                .clone()
                .filter(|separator| !separator.is_empty()),
        },
        _ => LabelColumns::Flags(all_labels().collect()),
    };
    match (first(ColumnRole::Text), with(ColumnRole::Text)) {
        (Some(text), 1) => Ok(Columns {
            text,
            labels,
            group: first(ColumnRole::Group),
            split: first(ColumnRole::Split),
        }),
        (_, found) => Err(DataError::TextColumns { found }),
    }
}

/// What the columns of a table mean.
struct Reading {
    columns: Columns,
    /// The table's display names.
    names: Vec<String>,
    /// The part that all rows belong to.
    part: Option<Part>,
}

struct Importer<'a> {
    tx: &'a Transaction<'a>,
    source: i64,
    reading: Rc<Reading>,
    at: String,
    labels: HashMap<String, u32>,
    sets: HashMap<Vec<u32>, u32>,
    summary: ImportSummary,
}

/// What the cells of one row mean.
struct Meaning<'a> {
    text: &'a str,
    /// `None` = not labelled yet.
    labels: Option<Vec<&'a str>>,
    group: Option<&'a str>,
    part: Option<Part>,
}

impl<'a> Importer<'a> {
    fn begin(
        tx: &'a Transaction<'a>,
        table: &Table,
        roles: &[ColumnRole],
        columns: Columns,
        part: Option<Part>,
    ) -> Result<Self> {
        let at = now(tx)?;
        let stored: Vec<StoredColumn> = (table.columns.iter().zip(roles))
            .map(|(name, role)| StoredColumn {
                name: name.clone(),
                role: *role,
            })
            .collect();
        tx.execute(
            "INSERT INTO source (file_name, bytes, sha256, dialect, columns, rows, problem_rows, imported_at)
             VALUES (?1, ?2, '', ?3, ?4, 0, 0, ?5)",
            params![
                table.file_name(),
                table.bytes as i64,
                to_json(&table.dialect)?,
                to_json(&stored)?,
                at
            ],
        )?;
        let summary = ImportSummary {
            file_name: table.file_name(),
            rows: 0,
            labelled: 0,
            labels: 0,
            problem_rows: 0,
            empty_texts: 0,
        };
        let mut importer = Importer {
            tx,
            source: tx.last_insert_rowid(),
            reading: Rc::new(Reading {
                columns,
                names: table.columns.clone(),
                part,
            }),
            at,
            labels: HashMap::new(),
            sets: HashMap::new(),
            summary,
        };
        let reading = Rc::clone(&importer.reading);
        if reading.columns.labels.several() {
            become_type(tx, ProblemType::MultiLabel)?;
        }
        if let LabelColumns::Flags(columns) = &reading.columns.labels {
            // A label that no row carries is one of the scheme all the same.
            for column in columns {
                importer.label(&reading.names[*column])?;
            }
        }
        Ok(importer)
    }

    fn add(&mut self, record: &Record) -> Result<()> {
        // What a row means borrows names of columns, while its labels may be new ones.
        let reading = Rc::clone(&self.reading);
        match reading.meaning(record) {
            Ok(row) => self.insert(record, &row),
            Err(kind) => self.put_aside(record, &kind),
        }
    }
}

impl Reading {
    fn meaning<'r>(&'r self, record: &'r Record) -> std::result::Result<Meaning<'r>, ProblemKind> {
        if let Some(kind) = cell_problem(record, self.names.len()) {
            return Err(kind);
        }
        let filled = |column: Option<usize>| {
            column
                .map(|column| record.cell(column).trim())
                .filter(|cell| !cell.is_empty())
        };
        let labels = self.labels_of(record)?;
        let from_file = match filled(self.columns.split) {
            Some(word) => {
                let unknown = || ProblemKind::UnknownPart {
                    value: head(word, 100).to_owned(),
                };
                Some(part_from_word(word).ok_or_else(unknown)?)
            }
            None => None,
        };
        let text = record.cell(self.columns.text);
        Ok(Meaning {
            text,
            labels,
            group: filled(self.columns.group),
            part: self.part.or(from_file),
        })
    }

    fn labels_of<'r>(&'r self, record: &'r Record) -> std::result::Result<Option<Vec<&'r str>>, ProblemKind> {
        let labels: Vec<&str> = match &self.columns.labels {
            LabelColumns::None => return Ok(None),
            LabelColumns::Cell { column, separator } => {
                let cell = record.cell(*column).trim();
                match separator {
                    Some(separator) => parts(cell, separator).collect(),
                    None => Some(cell).filter(|cell| !cell.is_empty()).into_iter().collect(),
                }
            }
            LabelColumns::Flags(columns) => {
                let mut carried = Vec::new();
                for column in columns {
                    let cell = record.cell(*column);
                    match flag(cell) {
                        Some(true) => carried.push(self.names[*column].as_str()),
                        Some(false) => {}
                        None => {
                            return Err(ProblemKind::NotAFlag {
                                column: self.names[*column].clone(),
                                value: head(cell, 100).to_owned(),
                            });
                        }
                    }
                }
                // "No" everywhere is an answer; nothing anywhere is none.
                let filled = columns
                    .iter()
                    .any(|column| !record.cell(*column).trim().is_empty());
                return Ok(filled.then_some(carried));
            }
        };
        let longest = labels
            .iter()
            .map(|label| label.chars().count())
            .max()
            .unwrap_or_default();
        match longest > NAME_LIMIT {
            true => Err(ProblemKind::LongLabel {
                length: longest as u32,
                limit: NAME_LIMIT as u32,
            }),
            false => Ok(Some(labels).filter(|labels| !labels.is_empty())),
        }
    }
}

impl Importer<'_> {
    fn insert(&mut self, record: &Record, row: &Meaning<'_>) -> Result<()> {
        let labels = row
            .labels
            .as_deref()
            .map(|names| self.label_set(names))
            .transpose()?;
        let length = row.text.trim().chars().count() as u32;
        self.tx
            .prepare_cached(
                "INSERT INTO example (source, row, length, text_hash, group_key, file_part)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.source,
                record.row,
                length,
                content_hash(row.text),
                row.group,
                row.part
            ])?;
        let id = self.tx.last_insert_rowid();

        let others: Vec<&str> = (0..self.reading.names.len())
            .filter(|i| *i != self.reading.columns.text)
            .map(|i| record.cell(i))
            .collect();
        let start = head(row.text, HEAD_CHARS);
        let start = (start.len() < row.text.len()).then_some(start);
        self.tx
            .prepare_cached("INSERT INTO content (example, head, columns, text) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id, start, to_json(&others)?, row.text])?;
        self.tx
            .prepare_cached("INSERT INTO state (example, label_set) VALUES (?1, ?2)")?
            .execute(params![id, labels])?;
        if labels.is_some() {
            self.tx
                .prepare_cached(
                    "INSERT INTO annotation (example, label_set, kind, who, at)
                     VALUES (?1, ?2, 'import', 'import', ?3)",
                )?
                .execute(params![id, labels, self.at])?;
        }
        self.summary.rows += 1;
        self.summary.labelled += u32::from(labels.is_some());
        self.summary.empty_texts += u32::from(length == 0);
        Ok(())
    }

    fn label_set(&mut self, names: &[&str]) -> Result<u32> {
        let labels = names
            .iter()
            .map(|name| self.label(name))
            .collect::<Result<Vec<u32>>>()?;
        match self.sets.get(&labels) {
            Some(known) => Ok(*known),
            None => {
                let set = ensure_set(self.tx, &labels)?;
                self.sets.insert(labels, set);
                Ok(set)
            }
        }
    }

    fn label(&mut self, name: &str) -> Result<u32> {
        if let Some(id) = self.labels.get(name) {
            return Ok(*id);
        }
        if self.labels.len() >= MOST_LABELS {
            return Err(DataError::TooManyLabels { limit: MOST_LABELS });
        }
        let id = ensure_label(self.tx, name)?;
        self.labels.insert(name.to_owned(), id);
        Ok(id)
    }

    fn put_aside(&mut self, record: &Record, kind: &ProblemKind) -> Result<()> {
        self.tx
            .prepare_cached("INSERT INTO problem_row (source, row, kind, raw) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.source, record.row, to_json(kind)?, record.raw])?;
        self.summary.problem_rows += 1;
        Ok(())
    }

    fn finish(mut self, table: &Table) -> Result<ImportSummary> {
        self.summary.labels = self.labels.len() as u32;
        let summary = self.summary;
        match (summary.rows, summary.problem_rows) {
            (0, 0) => {
                let columns = table.columns.clone();
                return Err(DataError::HeaderOnly {
                    path: table.path.clone(),
                    columns,
                });
            }
            (0, problems) => return Err(DataError::NoUsableRows { problems }),
            (rows, _) if rows == summary.empty_texts => return Err(DataError::AllTextsEmpty { rows }),
            _ => {}
        }
        let sha256 = table.sha256();
        self.tx.execute(
            "UPDATE source SET sha256 = ?2, rows = ?3, problem_rows = ?4 WHERE id = ?1",
            params![self.source, sha256, summary.rows, summary.problem_rows],
        )?;
        let detail = json!({
            "file_name": summary.file_name, "sha256": sha256, "part": self.reading.part, "rows": summary.rows,
            "labelled": summary.labelled, "problem_rows": summary.problem_rows,
        });
        append(self.tx, "imported", &detail)?;
        if self.reading.columns.split.is_some() {
            ready_made(self.tx)?;
        }
        Ok(summary)
    }
}

#[cfg(test)]
mod tests;
