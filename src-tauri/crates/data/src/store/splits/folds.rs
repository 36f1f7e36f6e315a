//! Folds that are gone on with: what was tested stays tested, and the split that was there before comes back.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::super::project::Project;
use super::{Made, SplitRows, draw_rows, newest, store, stored};
use crate::error::{DataError, Result};
use crate::split::{FoldPlace, Plan, SplitNote, SplitRow, SplitWay, Wanted};
use crate::types::Part;

impl Project {
    /// Divides the rows by folds for a cross-validation, whose caller goes back to the split that was there before with
    /// [`Project::return_to_split`]: that one's test part stays as it is, locked or not. `draw` is the answer for an
    /// earlier fold of the same cross-validation.
    ///
    /// # Errors
    /// `Split`, and those of the database.
    pub fn draw_fold(&mut self, wanted: Wanted, draw: Option<u32>) -> Result<u32> {
        self.find_near_duplicates(&mut |_| true)?;
        let tx = self.write()?;
        draw_rows(&tx, wanted, draw)?;
        let drawn = newest(&tx)?.ok_or(DataError::NoSplit)?.draw;
        tx.commit()?;
        Ok(drawn)
    }

    /// Which fold of how many an earlier split made the test part; `None` where it was no fold.
    ///
    /// # Errors
    /// Those of the database.
    pub fn fold_of_split(&self, version: u32) -> Result<Option<(u32, u32)>> {
        Ok(match stored(&self.db, version)?.map(|split| split.way) {
            Some(SplitWay::Fold { number, of }) => Some((number, of)),
            _ => None,
        })
    }

    /// Makes an earlier split the present one again, with its draw and so with the lock of its test part. Rows that came
    /// later are in no part.
    ///
    /// # Errors
    /// `NoSplit`, and those of the database.
    pub fn return_to_split(&mut self, version: u32) -> Result<()> {
        let tx = self.write()?;
        let split = stored(&tx, version)?.ok_or(DataError::NoSplit)?;
        let mut query = tx.prepare("SELECT example, part FROM split_part WHERE split = ?1")?;
        let found = query.query_map([version], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let parts_then: HashMap<u32, Part> = found.collect::<rusqlite::Result<_>>()?;
        drop(query);
        let rows = SplitRows::read(&tx)?;
        let mut kept = SplitRows {
            names: rows.names,
            rows: Vec::new(),
            parts: Vec::new(),
        };
        let mut parts = Vec::new();
        for row in rows.rows {
            if let Some(part) = parts_then.get(&row.id) {
                parts.push(*part);
                kept.rows.push(row);
            }
        }
        let mut notes = split.notes;
        // Counted anew.
        notes.retain(|note| !matches!(note, SplitNote::Unlabelled { .. }));
        let made = Made {
            wanted: Wanted {
                percent: split.percent,
                seed: split.seed,
                way: split.way,
            },
            from_file: split.from_file,
            draw: Some(split.draw),
        };
        store(&tx, &kept, &Plan { parts, notes }, &made)?;
        Ok(tx.commit()?)
    }
}

/// Tells each row where it stands in a draw of folds.
pub(super) fn place(db: &Connection, draw: u32, rows: &mut [SplitRow]) -> Result<()> {
    let mut query = db.prepare("SELECT example FROM split_part WHERE split = ?1")?;
    let drawn = query.query_map([draw], |row| row.get(0))?;
    let drawn: HashSet<u32> = drawn.collect::<rusqlite::Result<_>>()?;
    let mut query = db.prepare(
        "SELECT p.example, json_extract(s.way, '$.number') FROM split s JOIN split_part p ON p.split = s.version
         WHERE coalesce(s.draw, s.version) = ?1 AND json_extract(s.way, '$.way') = 'fold' AND p.part = ?2
         ORDER BY s.version DESC",
    )?;
    // The first one that a row was tested in counts: it is read last.
    let tested = query.query_map((draw, Part::Test), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let tested: HashMap<u32, u32> = tested.collect::<rusqlite::Result<_>>()?;
    for row in rows {
        row.fold = match tested.get(&row.id) {
            Some(fold) => FoldPlace::Tested(*fold),
            None if drawn.contains(&row.id) => FoldPlace::Open,
            None => FoldPlace::Later,
        };
    }
    Ok(())
}
