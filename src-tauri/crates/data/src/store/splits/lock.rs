//! The lock of a test part that a model was judged on, and how it is opened.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;

use super::super::audit::append;
use super::super::project::{Project, read_setting};
use super::super::sql::number;
use super::{Stored, newest};
use crate::error::{DataError, Result};
use crate::split::{SplitNote, SplitWay, Wanted};
use crate::types::{SplitSummary, TestLock};

impl Project {
    /// Allows to divide the rows anew although a model was judged on the test part; written into the audit log, and told in
    /// the reports of the splits that follow.
    ///
    /// # Errors
    /// `NoSplit`, and those of the database.
    pub fn open_test(&mut self) -> Result<SplitSummary> {
        let tx = self.write()?;
        let split = newest(&tx)?.ok_or(DataError::NoSplit)?;
        if let Some(TestLock { runs, open: false }) = lock(&tx, &split)? {
            tx.execute(
                "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                params![OPENED, split.draw.to_string()],
            )?;
            append(
                &tx,
                "test_opened",
                &json!({ "split": split.version, "runs": runs }),
            )?;
        }
        tx.commit()?;
        self.split_summary()?.ok_or(DataError::NoSplit)
    }
}

/// Whether another fold of the draw that is there is wanted: every row is tested once, none is chosen.
pub(super) fn is_next_fold(split: &Stored, wanted: &Wanted) -> bool {
    match (split.way, wanted.way) {
        (SplitWay::Fold { of, .. }, SplitWay::Fold { of: wanted_of, .. }) => {
            of == wanted_of && split.seed == wanted.seed
        }
        _ => false,
    }
}

/// The setting that says which split's test part was opened, and the one that counts how often that led to a new split.
const OPENED: &str = "test_opened";
const REOPENED: &str = "test_reopened";

/// Finished runs that were judged on a test part of a draw.
pub(super) fn judged_runs(db: &Connection, draw: u32) -> Result<u32> {
    let judged = "SELECT count(*) FROM run JOIN split ON split.version = run.split_version
         WHERE coalesce(split.draw, split.version) = ?1 AND status = 'finished'
         AND json_extract(summary, '$.test') IS NOT NULL";
    number(db, judged, [draw])
}

/// Whether models were judged on the test part of a split, or of another fold of the same draw.
pub(super) fn lock(db: &Connection, split: &Stored) -> Result<Option<TestLock>> {
    let runs = judged_runs(db, split.draw)?;
    let open = read_setting(db, OPENED)?.is_some_and(|opened| opened == split.draw.to_string());
    Ok((runs > 0).then_some(TestLock { runs, open }))
}

/// Notes that rows were divided anew after the test part had been opened.
pub(super) fn count_reopening(tx: &Transaction<'_>) -> Result<()> {
    tx.execute(
        "INSERT INTO setting VALUES (?1, '1') ON CONFLICT (key) DO UPDATE SET value = value + 1",
        [REOPENED],
    )?;
    Ok(())
}

/// That it happened, for every later split: what was seen is not forgotten.
pub(super) fn reopened(db: &Connection) -> Result<Option<SplitNote>> {
    let times = read_setting(db, REOPENED)?.and_then(|times| times.parse().ok());
    Ok(times.map(|times| SplitNote::TestReopened { times }))
}

/// Rows of the test part that are not what they were when a model was first judged on it: hidden, corrected or labelled
/// otherwise since. Scores from before and after do not compare. Asked of the split as it was judged: a later one of the
/// same draw has forgotten the rows that were hidden.
pub(super) fn test_changed(db: &Connection) -> Result<Option<SplitNote>> {
    let Some(split) = newest(db)? else {
        return Ok(None);
    };
    let first: Option<(String, u32)> = db
        .query_row(
            "SELECT run.created_at, split.version FROM run JOIN split ON split.version = run.split_version
             WHERE coalesce(split.draw, split.version) = ?1
             AND split.way = (SELECT way FROM split WHERE version = ?2)
             AND status = 'finished' AND json_extract(summary, '$.test') IS NOT NULL
             ORDER BY run.created_at, run.number LIMIT 1",
            [split.draw, split.version],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((judged_at, version)) = first else {
        return Ok(None);
    };
    let rows = number(
        db,
        "SELECT count(*) FROM split_part p JOIN state s ON s.example = p.example
         WHERE p.split = ?2 AND p.part = 2 AND (
            s.hidden_by IN (SELECT id FROM cleaning_step WHERE at > ?1)
            OR EXISTS (SELECT 1 FROM annotation WHERE example = s.example AND at > ?1)
                AND s.label_set IS NOT (SELECT label_set FROM annotation
                    WHERE example = s.example AND at <= ?1 ORDER BY id DESC LIMIT 1)
            OR EXISTS (SELECT 1 FROM edit WHERE example = s.example AND at > ?1))",
        params![judged_at, version],
    )?;
    Ok((rows > 0).then_some(SplitNote::TestChanged { rows }))
}
