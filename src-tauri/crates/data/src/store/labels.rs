//! Labels and the log of who gave which row which labels.
//!
//! The log only grows: an undo appends what stood before, a redo appends what was undone. Each person has their own
//! undo stack; a new label by hand ends what they could redo.

mod counts;
mod divide;
mod scheme;

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::audit::{BATCH, cover_labels};
use super::label_sets::{Sets, ensure_set};
use super::project::Project;
use super::sql::{now, number};
use crate::error::{DataError, Result};
use crate::types::{Circumstances, LabelState, ProblemType};

pub(super) use counts::Counts;
pub(super) use scheme::{MOST_LABELS, NAME_LIMIT, become_type, checked_name, ensure_label, labels_in_use};
use scheme::{label_name, problem_type, refuse_taken};

/// Rows of a step after which it is asked whether to go on.
const ASKED_EVERY: usize = 1_000;

impl Project {
    /// All labels with their counts; `can_undo` and `can_redo` are about whoever labels now.
    ///
    /// # Errors
    /// Those of the database.
    pub fn label_state(&self) -> Result<LabelState> {
        self.state_for(&self.person()?, None)
    }

    /// Gives `example` these labels in place of those it has, or takes them away (`None`). An empty list says that none
    /// of the labels applies. On disk when this returns.
    ///
    /// # Errors
    /// `UnknownExample`, `UnknownLabel`, `LabelRetired`, `OneLabelOnly`, `Locked`, `DiskFull`.
    pub fn annotate(&mut self, example: u32, labels: Option<&[u32]>, who: &str) -> Result<LabelState> {
        self.annotate_in(example, labels, &Circumstances::default(), who)
    }

    /// The same, with what is known about how it came about.
    ///
    /// # Errors
    /// As [`Project::annotate`].
    pub fn annotate_in(
        &mut self,
        example: u32,
        labels: Option<&[u32]>,
        how: &Circumstances,
        who: &str,
    ) -> Result<LabelState> {
        let before = self.counts_stamp()?;
        let tx = self.write()?;
        let label_set = checked_set(&tx, example, labels)?;
        let suggestion = match &how.suggested {
            Some(labels) => Some(ensure_set(&tx, labels)?),
            None => None,
        };
        let entry = give(
            &tx,
            &Given {
                label_set,
                suggestion,
                seconds: how.seconds,
                ..Given::by(who, example, "set")
            },
        )?;
        if entry.id % BATCH == 0 {
            cover_labels(&tx)?;
        }
        tx.commit()?;
        if entry.visible {
            self.count_moved(before, entry.previous, label_set)?;
        }
        self.state_for(who, None)
    }

    /// Gives several rows these labels, or takes theirs away (`None`), as one step that is undone at once.
    ///
    /// # Errors
    /// As [`Project::annotate`].
    pub fn annotate_many(
        &mut self,
        examples: &[u32],
        labels: Option<&[u32]>,
        who: &str,
    ) -> Result<LabelState> {
        let tx = self.write()?;
        let mut given: Vec<(u32, Option<u32>)> = Vec::with_capacity(examples.len());
        for example in examples {
            given.push((*example, checked_set(&tx, *example, labels)?));
        }
        give_together(&tx, &given, true, who, &mut |_| true)?;
        cover_labels(&tx)?;
        tx.commit()?;
        self.state_for(who, None)
    }

    /// Gives several rows this label as one step: in place of theirs, or where a row may carry several beside them.
    /// `go_on` is told the share that is done; when it says no, nothing is labelled.
    ///
    /// # Errors
    /// As [`Project::annotate`], and `Cancelled`.
    pub fn label_many(
        &mut self,
        examples: &[u32],
        label: u32,
        who: &str,
        go_on: &mut dyn FnMut(f64) -> bool,
    ) -> Result<LabelState> {
        let several = self.problem_type()? == ProblemType::MultiLabel;
        let tx = self.write()?;
        let mut sets = Sets::default();
        // What a set becomes is the same for all rows that carry it.
        let mut become_of: HashMap<Option<u32>, Option<u32>> = HashMap::new();
        let mut given: Vec<(u32, Option<u32>)> = Vec::with_capacity(examples.len());
        for example in examples {
            let carried = tx
                .prepare_cached("SELECT label_set FROM state WHERE example = ?1")?
                .query_row([*example], |row| row.get(0))
                .optional()?
                .ok_or(DataError::UnknownExample { id: *example })?;
            let set = match become_of.get(&carried) {
                Some(known) => *known,
                None => {
                    let mut labels = vec![label];
                    if several {
                        labels.extend(sets.of(&tx, carried)?.unwrap_or_default());
                    }
                    let set = checked_set(&tx, *example, Some(&labels))?;
                    become_of.insert(carried, set);
                    set
                }
            };
            // What a row is called already is not confirmed by a step about many, which nobody read one by one.
            if set != carried {
                given.push((*example, set));
            }
        }
        give_together(&tx, &given, true, who, go_on)?;
        cover_labels(&tx)?;
        tx.commit()?;
        self.state_for(who, None)
    }

    /// Rows of the step that an undo would take back.
    ///
    /// # Errors
    /// Those of the database.
    pub fn rows_to_undo(&self, who: &str) -> Result<usize> {
        rows_of_step(&self.db, undoable(&self.db, who)?)
    }

    /// Rows of the step that a redo would give again.
    ///
    /// # Errors
    /// Those of the database.
    pub fn rows_to_redo(&self, who: &str) -> Result<usize> {
        rows_of_step(&self.db, redoable(&self.db, who)?)
    }

    /// Takes back the last label by `who` that is not undone; without one, nothing happens.
    ///
    /// # Errors
    /// `LabelExists` when the label to bring back was removed and its name given to another.
    pub fn undo_annotation(&mut self, who: &str) -> Result<LabelState> {
        self.undo_step(who, &mut |_| true)
    }

    /// The same; `go_on` is told the share of a step about many rows that is done. When it says no, all stays as it was.
    ///
    /// # Errors
    /// As [`Project::undo_annotation`], and `Cancelled`.
    pub fn undo_step(&mut self, who: &str, go_on: &mut dyn FnMut(f64) -> bool) -> Result<LabelState> {
        self.give_again("undo", who, undoable, |set| set.previous, go_on)
    }

    /// Gives again what `who` undid last; without that, nothing happens.
    ///
    /// # Errors
    /// `LabelExists` when the label to bring back was removed and its name given to another.
    pub fn redo_annotation(&mut self, who: &str) -> Result<LabelState> {
        self.redo_step(who, &mut |_| true)
    }

    /// The same; `go_on` as for [`Project::undo_step`].
    ///
    /// # Errors
    /// As [`Project::redo_annotation`], and `Cancelled`.
    pub fn redo_step(&mut self, who: &str, go_on: &mut dyn FnMut(f64) -> bool) -> Result<LabelState> {
        self.give_again("redo", who, redoable, |set| set.label_set, go_on)
    }

    /// Gives the rows of an earlier step the labels that stood before it or after it.
    fn give_again(
        &mut self,
        kind: &str,
        who: &str,
        find: fn(&Connection, &str) -> Result<Option<u32>>,
        labels: fn(&SetEntry) -> Option<u32>,
        go_on: &mut dyn FnMut(f64) -> bool,
    ) -> Result<LabelState> {
        let tx = self.write()?;
        let example = match find(&tx, who)? {
            Some(target) => {
                let mut step = entries_of_step(&tx, target)?;
                let undone = kind == "undo";
                if undone {
                    // A row that the step gave two labels in turn goes back through both.
                    step.reverse();
                }
                let mut revived: HashSet<Option<u32>> = HashSet::new();
                for (done, target) in step.iter().enumerate() {
                    ask(done, step.len(), go_on)?;
                    let set = set_entry(&tx, *target)?;
                    if revived.insert(labels(&set)) {
                        revive(&tx, labels(&set))?;
                    }
                    give(
                        &tx,
                        &Given {
                            label_set: labels(&set),
                            target: Some(*target),
                            own: set.own,
                            ..Given::by(who, set.example, kind)
                        },
                    )?;
                }
                divide::follow(&tx, target, undone)?;
                Some(set_entry(&tx, target)?.example)
            }
            None => None,
        };
        cover_labels(&tx)?;
        tx.commit()?;
        self.state_for(who, example)
    }

    /// The next visible row without a label after `after`, wrapping round; `None` when all are labelled.
    ///
    /// # Errors
    /// Those of the database.
    pub fn next_unlabelled(&self, after: Option<u32>) -> Result<Option<u32>> {
        let mut query = self.db.prepare_cached(
            "SELECT min(example) FROM state WHERE hidden_by IS NULL AND label_set IS NULL AND example > ?1",
        )?;
        let mut first_after = |id: u32| query.query_row([id], |row| row.get::<_, Option<u32>>(0));
        match first_after(after.unwrap_or_default())? {
            Some(next) => Ok(Some(next)),
            None => Ok(first_after(0)?),
        }
    }

    /// The last row without a label before one, or of all; what came to the project last comes first then.
    ///
    /// # Errors
    /// Those of the database.
    pub fn last_unlabelled(&self, before: Option<u32>) -> Result<Option<u32>> {
        let mut query = self.db.prepare_cached(
            "SELECT max(example) FROM state WHERE hidden_by IS NULL AND label_set IS NULL AND example < ?1",
        )?;
        let mut last_before = |id: u32| query.query_row([id], |row| row.get::<_, Option<u32>>(0));
        match last_before(before.unwrap_or(u32::MAX))? {
            Some(next) => Ok(Some(next)),
            None => Ok(last_before(u32::MAX)?),
        }
    }
}

/// Brings back the labels of a set that were removed.
fn revive(tx: &Transaction<'_>, set: Option<u32>) -> Result<()> {
    for label in Sets::default().of(tx, set)?.unwrap_or_default() {
        let removed: Option<String> = tx
            .query_row(
                "SELECT name FROM label WHERE id = ?1 AND removed = 1",
                [label],
                |row| row.get(0),
            )
            .optional()?;
        if let Some(name) = removed {
            refuse_taken(tx, &name, None)?;
            tx.execute("UPDATE label SET removed = 0 WHERE id = ?1", [label])?;
        }
    }
    Ok(())
}

/// The set of labels that are known and that a row of this project may carry together. A retired label can be kept, not
/// given.
pub(super) fn checked_set(tx: &Transaction<'_>, example: u32, labels: Option<&[u32]>) -> Result<Option<u32>> {
    let Some(labels) = labels else {
        return Ok(None);
    };
    if problem_type(tx)? == ProblemType::SingleLabel && labels.len() != 1 {
        return Err(DataError::OneLabelOnly { labels: labels.len() });
    }
    for label in labels {
        let name = label_name(tx, *label)?;
        let given = "SELECT retired AND NOT EXISTS
             (SELECT 1 FROM state JOIN label_set_member USING (label_set) WHERE example = ?2 AND label = ?1)
             FROM label WHERE id = ?1";
        if number(tx, given, [*label, example])? == 1 {
            return Err(DataError::LabelRetired { name });
        }
    }
    Ok(Some(ensure_set(tx, labels)?))
}

/// Gives rows their sets as one step; `own` says whether that is the author's own answer about each. Returns the entries.
fn give_together(
    tx: &Transaction<'_>,
    given: &[(u32, Option<u32>)],
    own: bool,
    who: &str,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Result<Vec<u32>> {
    // The step has its first entry's id, which nobody else can take within this transaction.
    let first = number(tx, "SELECT coalesce(max(id), 0) + 1 FROM annotation", [])?;
    let mut entries = Vec::with_capacity(given.len());
    for (done, (example, label_set)) in given.iter().enumerate() {
        ask(done, given.len(), go_on)?;
        let given = Given {
            label_set: *label_set,
            batch: Some(first),
            own,
            ..Given::by(who, *example, "set")
        };
        entries.push(give(tx, &given)?.id);
    }
    Ok(entries)
}

/// Asks now and then whether a step about many rows is to go on.
fn ask(done: usize, of: usize, go_on: &mut dyn FnMut(f64) -> bool) -> Result<()> {
    match done.is_multiple_of(ASKED_EVERY) && !go_on(done as f64 / of.max(1) as f64) {
        true => Err(DataError::Cancelled),
        false => Ok(()),
    }
}

fn rows_of_step(db: &Connection, entry: Option<u32>) -> Result<usize> {
    entry.map_or(Ok(0), |entry| Ok(entries_of_step(db, entry)?.len()))
}

/// The entries that were given together with this one, itself included.
fn entries_of_step(db: &Connection, entry: u32) -> Result<Vec<u32>> {
    let mut query = db.prepare_cached(
        "SELECT id FROM annotation WHERE batch = (SELECT batch FROM annotation WHERE id = ?1) ORDER BY id",
    )?;
    let ids = query.query_map([entry], |row| row.get(0))?;
    let ids: Vec<u32> = ids.collect::<rusqlite::Result<_>>()?;
    Ok(if ids.is_empty() { vec![entry] } else { ids })
}

/// A label to be given.
pub(super) struct Given<'a> {
    pub(super) example: u32,
    pub(super) label_set: Option<u32>,
    pub(super) kind: &'a str,
    pub(super) target: Option<u32>,
    /// The step that it is a part of.
    pub(super) batch: Option<u32>,
    /// What was suggested on screen.
    pub(super) suggestion: Option<u32>,
    /// How long the text stood there.
    pub(super) seconds: Option<f64>,
    /// Whether it is the author's own answer.
    pub(super) own: bool,
    pub(super) who: &'a str,
}

impl<'a> Given<'a> {
    /// Nothing but who it is about what.
    pub(super) fn by(who: &'a str, example: u32, kind: &'a str) -> Self {
        Given {
            example,
            label_set: None,
            kind,
            target: None,
            batch: None,
            suggestion: None,
            seconds: None,
            own: true,
            who,
        }
    }
}

/// An entry that was appended to the log.
pub(super) struct Entry {
    pub(super) id: u32,
    previous: Option<u32>,
    /// Whether the row is not hidden.
    visible: bool,
}

/// Appends to the log and brings along what is known of it elsewhere: `state` and `vote`.
pub(super) fn give(tx: &Transaction<'_>, given: &Given<'_>) -> Result<Entry> {
    let (previous, visible): (Option<u32>, bool) = tx
        .prepare_cached("SELECT label_set, hidden_by IS NULL FROM state WHERE example = ?1")?
        .query_row([given.example], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or(DataError::UnknownExample { id: given.example })?;
    let at = now(tx)?;
    tx.prepare_cached(
        "INSERT INTO annotation (example, label_set, previous, kind, target, who, at, batch, suggestion, seconds, own)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        given.example,
        given.label_set,
        previous,
        given.kind,
        given.target,
        given.who,
        at,
        given.batch,
        given.suggestion,
        given.seconds,
        given.own
    ])?;
    let id = tx.last_insert_rowid() as u32;
    tx.prepare_cached("UPDATE state SET label_set = ?2 WHERE example = ?1")?
        .execute(params![given.example, given.label_set])?;
    if given.own {
        // Taken back, what they themselves had said before holds again, whatever the label is then.
        let answer = match given.kind {
            "undo" => earlier_answer(tx, given)?,
            _ => given.label_set,
        };
        match answer {
            Some(set) => tx
                .prepare_cached(
                    "INSERT OR REPLACE INTO vote (example, who, label_set, at, arrived) VALUES (?1, ?2, ?3, ?4, ?4)",
                )?
                .execute(params![given.example, given.who, set, at])?,
            None => tx
                .prepare_cached("DELETE FROM vote WHERE example = ?1 AND who = ?2")?
                .execute(params![given.example, given.who])?,
        };
    }
    Ok(Entry {
        id,
        previous,
        visible,
    })
}

/// What the author of an undone answer had said about the text before it, and not taken back.
fn earlier_answer(db: &Connection, given: &Given<'_>) -> Result<Option<u32>> {
    let sql = "SELECT label_set FROM annotation AS a WHERE example = ?1 AND who = ?2 AND own = 1 AND kind = 'set' AND id < ?3
         AND (SELECT kind FROM annotation WHERE target = a.id ORDER BY id DESC LIMIT 1) IS NOT 'undo'
         ORDER BY id DESC LIMIT 1";
    let found = db
        .prepare_cached(sql)?
        .query_row(params![given.example, given.who, given.target], |row| row.get(0))
        .optional()?;
    Ok(found.flatten())
}

struct SetEntry {
    example: u32,
    own: bool,
    label_set: Option<u32>,
    previous: Option<u32>,
}

fn set_entry(tx: &Transaction<'_>, id: u32) -> Result<SetEntry> {
    let sql = "SELECT example, label_set, previous, own FROM annotation WHERE id = ?1";
    Ok(tx.prepare_cached(sql)?.query_row([id], |row| {
        Ok(SetEntry {
            example: row.get(0)?,
            label_set: row.get(1)?,
            previous: row.get(2)?,
            own: row.get(3)?,
        })
    })?)
}

/// The last label by `who` whose latest undo, if any, was redone.
fn undoable(db: &Connection, who: &str) -> Result<Option<u32>> {
    let sql = "SELECT id FROM annotation AS a WHERE who = ?1 AND kind = 'set'
         AND (SELECT kind FROM annotation WHERE target = a.id ORDER BY id DESC LIMIT 1) IS NOT 'undo'
         ORDER BY id DESC LIMIT 1";
    Ok(db
        .prepare_cached(sql)?
        .query_row([who], |row| row.get(0))
        .optional()?)
}

/// The label whose undo by `who` is the latest since their last new label, and is not redone.
fn redoable(db: &Connection, who: &str) -> Result<Option<u32>> {
    let sql = "SELECT target FROM annotation AS a WHERE who = ?1 AND kind = 'undo'
         AND id > coalesce((SELECT max(id) FROM annotation WHERE who = ?1 AND kind = 'set'), 0)
         AND NOT EXISTS (SELECT 1 FROM annotation WHERE target = a.target AND id > a.id)
         ORDER BY id DESC LIMIT 1";
    Ok(db
        .prepare_cached(sql)?
        .query_row([who], |row| row.get(0))
        .optional()?)
}

#[cfg(test)]
mod tests;
