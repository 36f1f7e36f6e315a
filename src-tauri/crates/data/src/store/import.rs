//! A file's rows into the project: one transaction, streamed, all or nothing. One thread reads and understands rows while
//! another stores them.

mod bulk;
mod meaning;
mod mend;
mod tables;
mod update;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::audit::append;
use super::label_sets::ensure_set;
use super::labels::{MOST_LABELS, become_type, ensure_label};
use super::project::Project;
use super::splits::ready_made;
use super::sql::{now, to_json};
use super::texts::{count_changes, text_rules};
use crate::clean::Pipeline;
use crate::error::{DataError, Result};
use crate::read::{Extent, Record, Table};
use crate::types::{
    ColumnRole, Dialect, ImportOptions, ImportSummary, MixedEncoding, Part, ProblemKind, ProblemType,
};
use bulk::Bulk;
use meaning::{LabelColumns, Reading, Row, Understood, check_roles};
use mend::note_options;
use tables::{Placed, Tables};
pub use update::ImportedBefore;

/// How a file was read, as it is remembered with it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredDialect {
    #[serde(flatten)]
    dialect: Dialect,
    /// Earlier versions did not look.
    #[serde(default)]
    pub(super) mixed: Vec<MixedEncoding>,
}

/// A column as it is remembered with its file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredColumn {
    pub(super) name: String,
    pub(super) role: ColumnRole,
}

impl Project {
    /// Imports the rows of the file at `path`. `progress` is told the bytes done and the bytes in all, and answers
    /// whether to go on. A refused or cancelled import leaves nothing behind. A split column makes a split at once.
    ///
    /// # Errors
    /// Those of [`crate::preview`], and `RolesMismatch`, `NoTextColumn`, `RepeatedRole`, `TooManyLabels`,
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
        // Also after a panic: the connection is used further.
        let all = AssertUnwindSafe(|| self.bring_all_in(path, options, part, progress));
        let summary = catch_unwind(all);
        let restored = self.work_as_always();
        let summary = summary.unwrap_or_else(|panic| resume_unwind(panic))?;
        restored?;
        Ok(summary)
    }

    fn bring_all_in(
        &mut self,
        path: &Path,
        options: &ImportOptions,
        part: Option<Part>,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<ImportSummary> {
        let total = std::fs::metadata(path).map_err(DataError::io(path))?.len();
        let table = Table::open(path, &options.dialect, Extent::Whole, &mut || progress(0, total))?;
        let total = table.bytes;
        let columns = check_roles(options, table.columns.len())?;
        let bulk = Bulk::begin(self, total)?;
        let tx = self.write()?;
        bulk.drop_indexes(&tx)?;
        let reading = Arc::new(Reading {
            columns,
            names: table.columns.clone(),
            part,
            pipeline: Pipeline::new(&text_rules(&tx)?),
        });
        let mut importer = Importer::begin(&tx, &table, &options.roles, Arc::clone(&reading))?;
        note_options(&tx, importer.source, options.label_separator.as_deref(), part)?;
        let table = std::thread::scope(|scope| {
            let (sender, batches) = sync_channel(WAITING_BATCHES);
            let reader = scope.spawn(move || read_all(table, &reading, &sender));
            importer.take(batches, total, progress)?;
            match reader.join() {
                Ok(read) => read,
                Err(panic) => resume_unwind(panic),
            }
        })?;
        importer.log_labels()?;
        bulk.make_indexes(&tx)?;
        let summary = importer.finish(&table)?;
        tx.commit()?;
        Ok(summary)
    }
}

/// The folder that a file lies in, with all its parents where they can be made out.
fn folder_of(file: &Path) -> Option<String> {
    let whole = std::path::absolute(file).ok()?;
    Some(whole.parent()?.to_string_lossy().into_owned())
}

/// The highest id of a row; 0 where there is none.
fn newest_row(tx: &Transaction<'_>) -> Result<i64> {
    Ok(tx.query_row("SELECT coalesce(max(id), 0) FROM example", [], |row| row.get(0))?)
}

/// Records that are handed over together, and bytes of them.
const BATCH_ROWS: usize = 512;
const BATCH_BYTES: usize = 4_000_000;

/// Batches that wait to be stored.
const WAITING_BATCHES: usize = 4;

/// Records in their order, and the bytes of the file that were read for them.
struct Batch {
    records: Vec<Understood>,
    bytes_read: u64,
}

/// Reads a table to its end, or until nobody listens any more.
fn read_all(mut table: Table, reading: &Reading, batches: &SyncSender<Batch>) -> Result<Table> {
    let mut record = Record::default();
    let mut more = true;
    while more {
        let mut records = Vec::with_capacity(BATCH_ROWS);
        let mut bytes = 0;
        while records.len() < BATCH_ROWS && bytes < BATCH_BYTES && more {
            more = table.next(&mut record)?;
            if more {
                bytes += record.bytes();
                records.push(reading.understand(&record)?);
            }
        }
        let bytes_read = table.bytes_read();
        // Whoever stores the rows has hung up after an error of its own, which is the one to tell.
        if batches.send(Batch { records, bytes_read }).is_err() {
            return Err(DataError::Cancelled);
        }
    }
    Ok(table)
}

struct Importer<'a> {
    tx: &'a Transaction<'a>,
    source: i64,
    /// The id of the newest row before these.
    last_before: i64,
    reading: Arc<Reading>,
    at: String,
    labels: HashMap<String, u32>,
    sets: HashMap<Vec<u32>, u32>,
    /// Texts that each rule in force changed.
    changed: Vec<u32>,
    summary: ImportSummary,
}

impl<'a> Importer<'a> {
    fn begin(
        tx: &'a Transaction<'a>,
        table: &Table,
        roles: &[ColumnRole],
        reading: Arc<Reading>,
    ) -> Result<Self> {
        let at = now(tx)?;
        let stored: Vec<StoredColumn> = (table.columns.iter().zip(roles))
            .map(|(name, role)| StoredColumn {
                name: name.clone(),
                role: *role,
            })
            .collect();
        tx.execute(
            "INSERT INTO source (file_name, bytes, sha256, dialect, columns, rows, problem_rows, imported_at, folder)
             VALUES (?1, ?2, '', ?3, ?4, 0, 0, ?5, ?6)",
            params![
                table.file_name(),
                table.bytes as i64,
                to_json(&table.dialect)?,
                to_json(&stored)?,
                at,
                folder_of(&table.path)
            ],
        )?;
        let summary = ImportSummary {
            file_name: table.file_name(),
            rows: 0,
            labelled: 0,
            labels: 0,
            problem_rows: 0,
            empty_texts: 0,
            mixed: table.mixed.clone(),
        };
        let mut importer = Importer {
            tx,
            source: tx.last_insert_rowid(),
            last_before: newest_row(tx)?,
            reading: Arc::clone(&reading),
            at,
            labels: HashMap::new(),
            sets: HashMap::new(),
            changed: Vec::new(),
            summary,
        };
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
}

impl<'a> Importer<'a> {
    /// For a further row of a file that was imported before.
    fn go_on(tx: &'a Transaction<'a>, source: i64, reading: Reading) -> Result<Self> {
        Ok(Importer {
            tx,
            source,
            last_before: newest_row(tx)?,
            reading: Arc::new(reading),
            at: now(tx)?,
            labels: HashMap::new(),
            sets: HashMap::new(),
            changed: Vec::new(),
            summary: ImportSummary::default(),
        })
    }
}

impl Importer<'_> {
    /// Stores what is read until there is no more.
    fn take(
        &mut self,
        batches: Receiver<Batch>,
        total: u64,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<()> {
        let tx = self.tx;
        let mut tables = Tables::prepare(tx)?;
        for batch in batches {
            let mut rows = Vec::with_capacity(batch.records.len());
            for understood in &batch.records {
                match understood {
                    Understood::Row(row) => rows.push(self.place(row)?),
                    Understood::Problem { number, kind, raw } => self.put_aside(*number, kind, raw)?,
                }
            }
            tables.store(self.source, &rows)?;
            if !progress(batch.bytes_read, total) {
                return Err(DataError::Cancelled);
            }
        }
        Ok(())
    }

    /// Stores one row and returns its id.
    fn insert(&mut self, into: &mut Tables<'_>, row: &Row) -> Result<i64> {
        let placed = self.place(row)?;
        into.store(self.source, std::slice::from_ref(&placed))?;
        Ok(placed.id)
    }

    /// Gives a row its id and counts it.
    fn place<'r>(&mut self, row: &'r Row) -> Result<Placed<'r>> {
        let label_set = row
            .labels
            .as_deref()
            .map(|names| self.label_set(names))
            .transpose()?;
        let id = self.last_before + i64::from(self.summary.rows) + 1;
        for rule in &row.changed_by {
            self.changed.resize(self.changed.len().max(rule + 1), 0);
            self.changed[*rule] += 1;
        }
        self.note_misfit(row, id);
        self.summary.rows += 1;
        self.summary.labelled += u32::from(label_set.is_some());
        self.summary.empty_texts += u32::from(row.raw.length == 0);
        Ok(Placed { id, row, label_set })
    }

    /// Enters the labels that came with the rows into their log, all at once: one statement a row would take as long as the
    /// rows themselves.
    fn log_labels(&self) -> Result<()> {
        self.tx.execute(
            "INSERT INTO annotation (example, label_set, kind, who, at)
             SELECT example, label_set, 'import', 'import', ?2 FROM state
             WHERE example > ?1 AND label_set IS NOT NULL ORDER BY example",
            params![self.last_before, self.at],
        )?;
        Ok(())
    }

    fn note_misfit(&mut self, row: &Row, example: i64) {
        if let Some(misfit) = row.misfit {
            misfit.tell(&mut self.summary.mixed, row.number, u32::try_from(example).ok());
        }
    }

    /// Keeps with the file what was met in it: its hash, its rows, and rows in another encoding.
    fn close_source(&self, table: &Table) -> Result<()> {
        let summary = &self.summary;
        let dialect = StoredDialect {
            dialect: table.dialect.clone(),
            mixed: summary.mixed.clone(),
        };
        self.tx.execute(
            "UPDATE source SET sha256 = ?2, rows = ?3, problem_rows = ?4, dialect = ?5 WHERE id = ?1",
            params![
                self.source,
                table.sha256(),
                summary.rows,
                summary.problem_rows,
                to_json(&dialect)?
            ],
        )?;
        Ok(())
    }

    fn label_set(&mut self, names: &[String]) -> Result<u32> {
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

    fn put_aside(&mut self, number: u32, kind: &ProblemKind, raw: &str) -> Result<()> {
        self.tx
            .prepare_cached("INSERT INTO problem_row (source, row, kind, raw) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.source, number, to_json(kind)?, raw])?;
        self.summary.problem_rows += 1;
        Ok(())
    }

    fn finish(mut self, table: &Table) -> Result<ImportSummary> {
        self.summary.labels = self.labels.len() as u32;
        self.close_source(table)?;
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
        let detail = json!({
            "file_name": summary.file_name, "sha256": table.sha256(), "part": self.reading.part, "rows": summary.rows,
            "labelled": summary.labelled, "problem_rows": summary.problem_rows,
            "other_encodings": summary.mixed,
        });
        append(self.tx, "imported", &detail)?;
        count_changes(self.tx, &self.changed)?;
        if self.reading.columns.split.is_some() {
            ready_made(self.tx)?;
        }
        Ok(summary)
    }
}

#[cfg(test)]
mod tests;
