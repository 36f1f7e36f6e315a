//! Labels and the log of who gave which row which labels.
//!
//! The log only grows: an undo appends what stood before, a redo appends what was undone. Each person has their own
//! undo stack; a new label by hand ends what they could redo.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;

use super::audit::{BATCH, append, cover_labels};
use super::label_sets::{Sets, ensure_set};
use super::project::{Project, read_setting};
use super::sql::{from_word, now, number, to_word};
use crate::error::{DataError, Result};
use crate::types::{Label, LabelState, ProblemType};

/// Characters of a label's name.
pub(super) const NAME_LIMIT: usize = 200;

/// More classes than this are no classes.
pub(super) const MOST_LABELS: usize = 1_000;

const KEYS: &str = "1234567890abcdefghijklmnopqrstuvwxyz";

impl Project {
    /// All labels with their counts; `can_undo` and `can_redo` are about who labelled last.
    ///
    /// # Errors
    /// Those of the database.
    pub fn label_state(&self) -> Result<LabelState> {
        let tx = self.read()?;
        let newest = "SELECT who FROM annotation WHERE kind <> 'import' ORDER BY id DESC LIMIT 1";
        let who: Option<String> = tx.query_row(newest, [], |row| row.get(0)).optional()?;
        label_state(&tx, who.as_deref().unwrap_or_default(), None)
    }

    /// Adds a label; the name is trimmed.
    ///
    /// # Errors
    /// `LabelName`, `LabelExists`, `TooManyLabels`.
    pub fn add_label(&mut self, name: &str) -> Result<LabelState> {
        let name = checked_name(name)?;
        let tx = self.write()?;
        refuse_taken(&tx, name, None)?;
        let id = ensure_label(&tx, name)?;
        append(&tx, "label_added", &json!({ "label": id, "name": name }))?;
        tx.commit()?;
        self.label_state()
    }

    /// Gives a label another name.
    ///
    /// # Errors
    /// `UnknownLabel`, `LabelName`, `LabelExists`.
    pub fn rename_label(&mut self, id: u32, name: &str) -> Result<LabelState> {
        let name = checked_name(name)?;
        let tx = self.write()?;
        let before = label_name(&tx, id)?;
        refuse_taken(&tx, name, Some(id))?;
        tx.execute("UPDATE label SET name = ?2 WHERE id = ?1", params![id, name])?;
        append(
            &tx,
            "label_renamed",
            &json!({ "label": id, "from": before, "to": name }),
        )?;
        tx.commit()?;
        self.label_state()
    }

    /// Removes a label that no row carries, hidden rows included. An undo that needs it brings it back.
    ///
    /// # Errors
    /// `UnknownLabel`, `LabelInUse`.
    pub fn remove_label(&mut self, id: u32) -> Result<LabelState> {
        let tx = self.write()?;
        let name = label_name(&tx, id)?;
        let carriers = "SELECT count(*) FROM state WHERE label_set IN
             (SELECT label_set FROM label_set_member WHERE label = ?1)";
        let rows = number(&tx, carriers, [id])?;
        if rows > 0 {
            return Err(DataError::LabelInUse { name, rows });
        }
        tx.execute("UPDATE label SET removed = 1 WHERE id = ?1", [id])?;
        append(&tx, "label_removed", &json!({ "label": id, "name": name }))?;
        tx.commit()?;
        self.label_state()
    }

    /// How many labels a row may carry.
    ///
    /// # Errors
    /// Those of the database.
    pub fn problem_type(&self) -> Result<ProblemType> {
        problem_type(&self.db)
    }

    /// Decides how many labels a row may carry. Runs that are there stay as they were made.
    ///
    /// # Errors
    /// `SeveralLabels` when one label a row is asked for and rows carry another number of them.
    pub fn set_problem_type(&mut self, to: ProblemType) -> Result<LabelState> {
        let tx = self.write()?;
        if to == ProblemType::SingleLabel {
            let rows = number(
                &tx,
                "SELECT count(*) FROM state JOIN label_set ON label_set.id = label_set
                 WHERE json_array_length(members) <> 1",
                [],
            )?;
            if rows > 0 {
                return Err(DataError::SeveralLabels { rows });
            }
        }
        become_type(&tx, to)?;
        tx.commit()?;
        self.label_state()
    }

    /// Gives `example` these labels in place of those it has, or takes them away (`None`). An empty list says that none
    /// of the labels applies. On disk when this returns.
    ///
    /// # Errors
    /// `UnknownExample`, `UnknownLabel`, `OneLabelOnly`, `Locked`, `DiskFull`.
    pub fn annotate(&mut self, example: u32, labels: Option<&[u32]>, who: &str) -> Result<LabelState> {
        let tx = self.write()?;
        let label_set = checked_set(&tx, labels)?;
        let id = give(
            &tx,
            &Given {
                example,
                label_set,
                kind: "set",
                target: None,
                batch: None,
                who,
            },
        )?;
        if id % BATCH == 0 {
            cover_labels(&tx)?;
        }
        tx.commit()?;
        label_state(&self.db, who, None)
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
        let label_set = checked_set(&tx, labels)?;
        let given: Vec<(u32, Option<u32>)> = examples.iter().map(|example| (*example, label_set)).collect();
        give_together(&tx, &given, who)?;
        cover_labels(&tx)?;
        tx.commit()?;
        label_state(&self.db, who, None)
    }

    /// Gives every row that carries one of `labels` the label `into` instead, as one step that is undone at once. The
    /// labels that nobody carries then are removed; an undo brings them back.
    ///
    /// # Errors
    /// `UnknownLabel`, and those of the database.
    pub fn merge_labels(&mut self, labels: &[u32], into: u32, who: &str) -> Result<LabelState> {
        let tx = self.write()?;
        let into_name = label_name(&tx, into)?;
        let merged: Vec<u32> = labels.iter().copied().filter(|label| *label != into).collect();
        let names = merged
            .iter()
            .map(|label| label_name(&tx, *label))
            .collect::<Result<Vec<String>>>()?;
        let given = with_label_instead(&tx, &merged, into)?;
        give_together(&tx, &given, who)?;
        for label in &merged {
            tx.execute("UPDATE label SET removed = 1 WHERE id = ?1", [label])?;
        }
        if !merged.is_empty() {
            let detail = json!({ "labels": merged, "names": names, "into": into, "into_name": into_name, "rows": given.len() });
            append(&tx, "labels_merged", &detail)?;
        }
        tx.commit()?;
        label_state(&self.db, who, None)
    }

    /// Takes back the last label by `who` that is not undone; without one, nothing happens.
    ///
    /// # Errors
    /// `LabelExists` when the label to bring back was removed and its name given to another.
    pub fn undo_annotation(&mut self, who: &str) -> Result<LabelState> {
        self.give_again("undo", who, undoable, |set| set.previous)
    }

    /// Gives again what `who` undid last; without that, nothing happens.
    ///
    /// # Errors
    /// `LabelExists` when the label to bring back was removed and its name given to another.
    pub fn redo_annotation(&mut self, who: &str) -> Result<LabelState> {
        self.give_again("redo", who, redoable, |set| set.label_set)
    }

    /// Gives the rows of an earlier step the labels that stood before it or after it.
    fn give_again(
        &mut self,
        kind: &str,
        who: &str,
        find: fn(&Connection, &str) -> Result<Option<u32>>,
        labels: fn(&SetEntry) -> Option<u32>,
    ) -> Result<LabelState> {
        let tx = self.write()?;
        let example = match find(&tx, who)? {
            Some(target) => {
                let step = entries_of_step(&tx, target)?;
                for target in &step {
                    let set = set_entry(&tx, *target)?;
                    revive(&tx, labels(&set))?;
                    give(
                        &tx,
                        &Given {
                            example: set.example,
                            label_set: labels(&set),
                            kind,
                            target: Some(*target),
                            batch: None,
                            who,
                        },
                    )?;
                }
                Some(set_entry(&tx, step[0])?.example)
            }
            None => None,
        };
        cover_labels(&tx)?;
        tx.commit()?;
        label_state(&self.db, who, example)
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

    /// The names of the classes in use (carried by at least one visible row), in the order of their ids.
    ///
    /// # Errors
    /// Those of the database.
    pub fn label_names(&self) -> Result<Vec<String>> {
        Ok(labels_in_use(&self.db)?
            .into_iter()
            .map(|(_, name)| name)
            .collect())
    }
}

/// Ids and names of the labels carried by visible rows, in the order of their ids.
pub(super) fn labels_in_use(db: &Connection) -> Result<Vec<(u32, String)>> {
    let mut query = db.prepare_cached(
        "SELECT id, name FROM label WHERE EXISTS
         (SELECT 1 FROM label_set_member AS member JOIN state ON state.label_set = member.label_set
          WHERE member.label = label.id AND hidden_by IS NULL) ORDER BY id",
    )?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The id of the label called `name`, made or brought back when there is none.
pub(super) fn ensure_label(tx: &Transaction<'_>, name: &str) -> Result<u32> {
    let known: Option<(u32, bool)> = tx
        .query_row(
            "SELECT id, removed FROM label WHERE name = ?1 ORDER BY removed LIMIT 1",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match known {
        Some((id, false)) => return Ok(id),
        Some((id, true)) => {
            tx.execute("UPDATE label SET removed = 0 WHERE id = ?1", [id])?;
            return Ok(id);
        }
        None => {}
    }
    let mut query = tx.prepare_cached("SELECT colour, key FROM label WHERE removed = 0")?;
    let taken: Vec<(u32, String)> = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    if taken.len() >= MOST_LABELS {
        return Err(DataError::TooManyLabels { limit: MOST_LABELS });
    }
    let colour = (0..)
        .find(|colour| taken.iter().all(|(other, _)| other != colour))
        .unwrap_or_default();
    let key = KEYS
        .chars()
        .map(String::from)
        .find(|key| taken.iter().all(|(_, other)| other != key));
    tx.execute(
        "INSERT INTO label (name, colour, key) VALUES (?1, ?2, ?3)",
        params![name, colour, key.unwrap_or_default()],
    )?;
    Ok(tx.last_insert_rowid() as u32)
}

fn checked_name(name: &str) -> Result<&str> {
    let name = name.trim();
    match name.chars().count() {
        1..=NAME_LIMIT => Ok(name),
        _ => Err(DataError::LabelName { limit: NAME_LIMIT }),
    }
}

fn refuse_taken(db: &Connection, name: &str, but: Option<u32>) -> Result<()> {
    let taken = "SELECT count(*) FROM label WHERE removed = 0 AND name = ?1 AND id IS NOT ?2";
    if number(db, taken, params![name, but])? > 0 {
        return Err(DataError::LabelExists {
            name: name.to_owned(),
        });
    }
    Ok(())
}

fn label_name(db: &Connection, id: u32) -> Result<String> {
    let mut query = db.prepare_cached("SELECT name FROM label WHERE id = ?1 AND removed = 0")?;
    query
        .query_row([id], |row| row.get(0))
        .optional()?
        .ok_or(DataError::UnknownLabel { id })
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

/// Where the project notes how many labels a row may carry.
const PROBLEM_TYPE: &str = "problem_type";

pub(super) fn problem_type(db: &Connection) -> Result<ProblemType> {
    match read_setting(db, PROBLEM_TYPE)? {
        Some(word) => from_word(word),
        None => Ok(ProblemType::default()),
    }
}

/// Notes it, in the audit log as well where it is news.
pub(super) fn become_type(tx: &Transaction<'_>, to: ProblemType) -> Result<()> {
    if problem_type(tx)? == to {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [PROBLEM_TYPE, &to_word(&to)?],
    )?;
    append(tx, "problem_type", &json!({ "to": to }))
}

/// The set of labels that are known and that a row of this project may carry together.
fn checked_set(tx: &Transaction<'_>, labels: Option<&[u32]>) -> Result<Option<u32>> {
    let single = problem_type(tx)? == ProblemType::SingleLabel;
    match labels {
        Some(labels) if single && labels.len() != 1 => Err(DataError::OneLabelOnly { labels: labels.len() }),
        Some(labels) => {
            labels
                .iter()
                .try_for_each(|label| label_name(tx, *label).map(drop))?;
            Ok(Some(ensure_set(tx, labels)?))
        }
        None => Ok(None),
    }
}

/// The rows that carry one of `labels`, hidden ones included, each with its set with `into` in their place.
fn with_label_instead(tx: &Transaction<'_>, labels: &[u32], into: u32) -> Result<Vec<(u32, Option<u32>)>> {
    let mut query = tx.prepare_cached(
        "SELECT example, label_set FROM state WHERE label_set IS NOT NULL ORDER BY example",
    )?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(u32, u32)> = rows.collect::<rusqlite::Result<_>>()?;
    let mut sets = Sets::default();
    // Few different sets are carried by many rows.
    let mut instead: HashMap<u32, Option<u32>> = HashMap::new();
    let mut given = Vec::new();
    for (example, set) in rows {
        let new = match instead.get(&set) {
            Some(known) => *known,
            None => {
                let members = sets.members(tx, set)?;
                let new = match members.iter().any(|label| labels.contains(label)) {
                    true => {
                        let renamed = members
                            .iter()
                            .map(|label| if labels.contains(label) { into } else { *label });
                        Some(ensure_set(tx, &renamed.collect::<Vec<u32>>())?)
                    }
                    false => None,
                };
                instead.insert(set, new);
                new
            }
        };
        given.extend(new.map(|new| (example, Some(new))));
    }
    Ok(given)
}

/// Gives rows their sets as one step.
fn give_together(tx: &Transaction<'_>, given: &[(u32, Option<u32>)], who: &str) -> Result<()> {
    // The step has its first entry's id, which nobody else can take within this transaction.
    let first = number(tx, "SELECT coalesce(max(id), 0) + 1 FROM annotation", [])?;
    for (example, label_set) in given {
        give(
            tx,
            &Given {
                example: *example,
                label_set: *label_set,
                kind: "set",
                target: None,
                batch: Some(first),
                who,
            },
        )?;
    }
    Ok(())
}

/// The entries that were given together with this one, itself included.
fn entries_of_step(tx: &Transaction<'_>, entry: u32) -> Result<Vec<u32>> {
    let mut query = tx.prepare_cached(
        "SELECT id FROM annotation WHERE batch = (SELECT batch FROM annotation WHERE id = ?1) ORDER BY id",
    )?;
    let ids = query.query_map([entry], |row| row.get(0))?;
    let ids: Vec<u32> = ids.collect::<rusqlite::Result<_>>()?;
    Ok(if ids.is_empty() { vec![entry] } else { ids })
}

struct Given<'a> {
    example: u32,
    label_set: Option<u32>,
    kind: &'a str,
    target: Option<u32>,
    /// The step that it is a part of.
    batch: Option<u32>,
    who: &'a str,
}

/// Appends to the log and brings `state` along; returns the entry's id.
fn give(tx: &Transaction<'_>, given: &Given<'_>) -> Result<u32> {
    let previous: Option<u32> = tx
        .prepare_cached("SELECT label_set FROM state WHERE example = ?1")?
        .query_row([given.example], |row| row.get(0))
        .optional()?
        .ok_or(DataError::UnknownExample { id: given.example })?;
    tx.prepare_cached(
        "INSERT INTO annotation (example, label_set, previous, kind, target, who, at, batch)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        given.example,
        given.label_set,
        previous,
        given.kind,
        given.target,
        given.who,
        now(tx)?,
        given.batch
    ])?;
    let id = tx.last_insert_rowid() as u32;
    tx.prepare_cached("UPDATE state SET label_set = ?2 WHERE example = ?1")?
        .execute(params![given.example, given.label_set])?;
    Ok(id)
}

struct SetEntry {
    example: u32,
    label_set: Option<u32>,
    previous: Option<u32>,
}

fn set_entry(tx: &Transaction<'_>, id: u32) -> Result<SetEntry> {
    let sql = "SELECT example, label_set, previous FROM annotation WHERE id = ?1";
    Ok(tx.query_row(sql, [id], |row| {
        Ok(SetEntry {
            example: row.get(0)?,
            label_set: row.get(1)?,
            previous: row.get(2)?,
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

fn label_state(db: &Connection, who: &str, example: Option<u32>) -> Result<LabelState> {
    let mut query = db.prepare_cached(
        "SELECT id, name, colour, key, coalesce(n, 0) FROM label LEFT JOIN
         (SELECT member.label AS carried, sum(rows) AS n FROM label_set_member AS member JOIN
          (SELECT label_set, count(*) AS rows FROM state WHERE hidden_by IS NULL GROUP BY label_set) AS carrier
          ON carrier.label_set = member.label_set GROUP BY member.label) ON carried = id
         WHERE removed = 0 ORDER BY id",
    )?;
    let labels: Vec<Label> = query
        .query_map([], |row| {
            Ok(Label {
                id: row.get(0)?,
                name: row.get(1)?,
                colour: row.get(2)?,
                key: row.get(3)?,
                count: row.get(4)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let visible = "SELECT count(*), count(label_set) FROM state WHERE hidden_by IS NULL";
    let mut query = db.prepare_cached(visible)?;
    let (rows, labelled) = query.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(LabelState {
        problem_type: problem_type(db)?,
        rows,
        labelled,
        labels,
        can_undo: undoable(db, who)?.is_some(),
        can_redo: redoable(db, who)?.is_some(),
        example,
    })
}

#[cfg(test)]
mod tests;
