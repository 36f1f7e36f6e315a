//! A file's rows into the project: one transaction, streamed, all or nothing.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::HEAD_CHARS;
use super::audit::append;
use super::labels::{MOST_LABELS, NAME_LIMIT, ensure_label};
use super::project::Project;
use super::splits::ready_made;
use super::sql::{now, to_json};
use crate::error::{DataError, Result};
use crate::read::{Extent, Record, Table, cell_problem, part_from_word};
use crate::text::{content_hash, head};
use crate::types::{ColumnRole, ImportOptions, ImportSummary, Part, ProblemKind};

/// A column as it is remembered with its file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredColumn {
    pub(super) name: String,
    pub(super) role: ColumnRole,
}

/// The columns that matter, by index.
struct Columns {
    text: usize,
    label: Option<usize>,
    group: Option<usize>,
    split: Option<usize>,
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
        let columns = check_roles(&options.roles, table.columns.len())?;
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

fn check_roles(roles: &[ColumnRole], columns: usize) -> Result<Columns> {
    if roles.len() != columns {
        return Err(DataError::RolesMismatch {
            roles: roles.len(),
            columns,
        });
    }
    let with = |role: ColumnRole| roles.iter().filter(|other| **other == role).count();
    let first = |role: ColumnRole| roles.iter().position(|other| *other == role);
    for role in [ColumnRole::Label, ColumnRole::Group, ColumnRole::Split] {
        if with(role) > 1 {
            return Err(DataError::RepeatedRole {
                role,
                columns: with(role),
            });
        }
    }
    match (first(ColumnRole::Text), with(ColumnRole::Text)) {
        (Some(text), 1) => Ok(Columns {
            text,
            label: first(ColumnRole::Label),
            group: first(ColumnRole::Group),
            split: first(ColumnRole::Split),
        }),
        (_, found) => Err(DataError::TextColumns { found }),
    }
}

struct Importer<'a> {
    tx: &'a Transaction<'a>,
    source: i64,
    columns: Columns,
    width: usize,
    part: Option<Part>,
    at: String,
    labels: HashMap<String, u32>,
    summary: ImportSummary,
}

/// What the cells of one row mean.
struct Meaning<'a> {
    text: &'a str,
    label: Option<&'a str>,
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
        let (source, width) = (tx.last_insert_rowid(), table.columns.len());
        Ok(Importer {
            tx,
            source,
            columns,
            width,
            part,
            at,
            labels: HashMap::new(),
            summary,
        })
    }

    fn add(&mut self, record: &Record) -> Result<()> {
        match self.meaning(record) {
            Ok(row) => self.insert(record, &row),
            Err(kind) => self.put_aside(record, &kind),
        }
    }

    fn meaning<'r>(&self, record: &'r Record) -> std::result::Result<Meaning<'r>, ProblemKind> {
        if let Some(kind) = cell_problem(record, self.width) {
            return Err(kind);
        }
        let filled = |column: Option<usize>| {
            column
                .map(|column| record.cell(column).trim())
                .filter(|cell| !cell.is_empty())
        };
        let label = filled(self.columns.label);
        if let Some(length) = label
            .map(|label| label.chars().count())
            .filter(|n| *n > NAME_LIMIT)
        {
            return Err(ProblemKind::LongLabel {
                length: length as u32,
                limit: NAME_LIMIT as u32,
            });
        }
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
            label,
            group: filled(self.columns.group),
            part: self.part.or(from_file),
        })
    }

    fn insert(&mut self, record: &Record, row: &Meaning<'_>) -> Result<()> {
        let label = row.label.map(|name| self.label(name)).transpose()?;
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

        let others: Vec<&str> = (0..self.width)
            .filter(|i| *i != self.columns.text)
            .map(|i| record.cell(i))
            .collect();
        let start = head(row.text, HEAD_CHARS);
        let start = (start.len() < row.text.len()).then_some(start);
        self.tx
            .prepare_cached("INSERT INTO content (example, head, columns, text) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id, start, to_json(&others)?, row.text])?;
        self.tx
            .prepare_cached("INSERT INTO state (example, label) VALUES (?1, ?2)")?
            .execute(params![id, label])?;
        if label.is_some() {
            self.tx
                .prepare_cached(
                    "INSERT INTO annotation (example, label, kind, who, at)
                     VALUES (?1, ?2, 'import', 'import', ?3)",
                )?
                .execute(params![id, label, self.at])?;
        }
        self.summary.rows += 1;
        self.summary.labelled += u32::from(label.is_some());
        self.summary.empty_texts += u32::from(length == 0);
        Ok(())
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
            "file_name": summary.file_name, "sha256": sha256, "part": self.part, "rows": summary.rows,
            "labelled": summary.labelled, "problem_rows": summary.problem_rows,
        });
        append(self.tx, "imported", &detail)?;
        if self.columns.split.is_some() {
            ready_made(self.tx)?;
        }
        Ok(summary)
    }
}

#[cfg(test)]
mod tests;
