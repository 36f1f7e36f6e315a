//! Rows that were labelled or brought in after the rows had been divided.

use std::collections::HashSet;

use super::super::project::Project;
use super::{Made, SplitRows, newest, store};
use crate::error::{DataError, Result};
use crate::split::{Plan, SplitNote, SplitRow, Wanted};
use crate::types::{Part, SplitSummary};

impl Project {
    /// Lets the labelled rows that are in no part yet be learned from, and leaves every other row where it is: more can be
    /// learned without drawing a new test. Rows whose text, group or wording stands in the validation or the test part stay
    /// out, and so do rows of a file that is not to be learned from.
    ///
    /// # Errors
    /// `NoSplit`, and those of the database.
    pub fn add_to_training(&mut self) -> Result<SplitSummary> {
        self.find_near_duplicates(&mut |_| true)?;
        let tx = self.write()?;
        let split = newest(&tx)?.ok_or(DataError::NoSplit)?;
        let rows = SplitRows::read(&tx)?;
        let mut judged = Keys::default();
        let placed = rows.rows.iter().zip(&rows.parts);
        placed
            .filter(|(_, part)| matches!(part, Some(Part::Validation | Part::Test)))
            .for_each(|(row, _)| judged.add(row));
        let mut kept = SplitRows {
            names: rows.names,
            rows: Vec::new(),
            parts: Vec::new(),
        };
        let (mut parts, mut added, mut left_out) = (Vec::new(), 0, 0);
        for (row, part) in rows.rows.into_iter().zip(rows.parts) {
            let official = matches!(row.file_part, Some(Part::Validation | Part::Test));
            if part.is_none() && (official || judged.has(&row)) {
                left_out += 1;
                continue;
            }
            added += u32::from(part.is_none());
            parts.push(part.unwrap_or(Part::Train));
            kept.rows.push(row);
        }
        let mut notes = split.notes;
        notes.retain(|note| match note {
            SplitNote::AddedToTraining { rows, .. } => {
                added += rows;
                false
            }
            // Counted anew.
            SplitNote::Unlabelled { .. } => false,
            _ => true,
        });
        notes.push(SplitNote::AddedToTraining {
            rows: added,
            left_out,
        });
        let wanted = Wanted {
            percent: split.percent,
            seed: split.seed,
            way: split.way,
        };
        store(
            &tx,
            &kept,
            &Plan { parts, notes },
            &Made {
                wanted,
                from_file: split.from_file,
                draw: Some(split.draw),
            },
        )?;
        tx.commit()?;
        self.split_summary()?.ok_or(DataError::NoSplit)
    }
}

/// What must not stand on both sides of a test.
#[derive(Default)]
struct Keys {
    contents: HashSet<u128>,
    groups: HashSet<u32>,
    near: HashSet<u32>,
}

impl Keys {
    fn add(&mut self, row: &SplitRow) {
        self.contents.insert(row.content);
        self.groups.extend(row.group);
        self.near.extend(row.near);
    }

    fn has(&self, row: &SplitRow) -> bool {
        self.contents.contains(&row.content)
            || row.group.is_some_and(|group| self.groups.contains(&group))
            || row.near.is_some_and(|near| self.near.contains(&near))
    }
}
