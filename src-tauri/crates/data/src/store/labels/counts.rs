//! How many rows carry each label: counted once, and kept up with every label given here.
//!
//! Counting a million rows takes longer than an expert should wait for the next text.

use std::collections::HashMap;

use super::super::label_sets::Sets;
use super::super::project::Project;
use super::super::rows::{Stamp, stamp};
use super::scheme::problem_type;
use super::{redoable, undoable};
use crate::error::Result;
use crate::types::{Label, LabelState};

/// Visible rows by their set of labels, valid until the database changes.
#[derive(Debug)]
pub(in super::super) struct Counts {
    stamp: Stamp,
    of_set: HashMap<Option<u32>, u32>,
}

impl Project {
    /// What the counts are compared with.
    pub(super) fn counts_stamp(&self) -> Result<Stamp> {
        stamp(&self.db)
    }

    /// A visible row went from one set to another by what this connection has just written; nothing else was written since
    /// `before`.
    pub(super) fn count_moved(&self, before: Stamp, from: Option<u32>, to: Option<u32>) -> Result<()> {
        let now = stamp(&self.db)?;
        let mut counts = self.counts.borrow_mut();
        if let Some(counts) = counts.as_mut()
            && counts.stamp == before
            && before.same_others(now)
        {
            if let Some(rows) = counts.of_set.get_mut(&from) {
                *rows = rows.saturating_sub(1);
            }
            *counts.of_set.entry(to).or_default() += 1;
            counts.stamp = now;
        }
        Ok(())
    }

    /// All labels with their counts, and what `who` can undo; `example` is the row that an undo or redo touched.
    pub(in super::super) fn state_for(&self, who: &str, example: Option<u32>) -> Result<LabelState> {
        let tx = self.read()?;
        let stamp = stamp(&tx)?;
        let mut counts = self.counts.borrow_mut();
        let counts = match counts.take() {
            Some(known) if known.stamp == stamp => counts.insert(known),
            _ => {
                let mut query = tx.prepare_cached(
                    "SELECT label_set, count(*) FROM state WHERE hidden_by IS NULL GROUP BY label_set",
                )?;
                let of_set = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                let of_set = of_set.collect::<rusqlite::Result<_>>()?;
                counts.insert(Counts { stamp, of_set })
            }
        };
        let mut sets = Sets::default();
        let mut carriers: HashMap<u32, u32> = HashMap::new();
        let (mut rows, mut labelled) = (0, 0);
        for (set, count) in &counts.of_set {
            rows += count;
            if let Some(set) = set {
                labelled += count;
                for label in sets.members(&tx, *set)? {
                    *carriers.entry(*label).or_default() += count;
                }
            }
        }
        let mut query = tx.prepare_cached(
            "SELECT id, name, colour, key, description, examples, counter_examples, group_name, retired FROM label
             WHERE removed = 0 ORDER BY position IS NULL, position, id",
        )?;
        let labels = query.query_map([], |row| {
            let id = row.get(0)?;
            Ok(Label {
                id,
                name: row.get(1)?,
                colour: row.get(2)?,
                key: row.get(3)?,
                description: row.get(4)?,
                examples: row.get(5)?,
                counter_examples: row.get(6)?,
                group: row.get(7)?,
                retired: row.get(8)?,
                count: carriers.get(&id).copied().unwrap_or_default(),
            })
        })?;
        let labels: Vec<Label> = labels.collect::<rusqlite::Result<_>>()?;
        Ok(LabelState {
            problem_type: problem_type(&tx)?,
            rows,
            labelled,
            labels,
            can_undo: undoable(&tx, who)?.is_some(),
            can_redo: redoable(&tx, who)?.is_some(),
            example,
        })
    }
}
