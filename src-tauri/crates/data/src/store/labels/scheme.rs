//! The scheme: which labels there are, what they mean, how many a row may carry.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;

use super::super::audit::append;
use super::super::label_sets::{Sets, ensure_set};
use super::super::project::{Project, read_setting};
use super::super::sql::{from_json, from_word, number, to_json, to_word};
use super::give_together;
use crate::error::{DataError, Result};
use crate::types::{LabelChange, LabelNotes, LabelState, ProblemType, Scheme, SchemeLabel};

/// Characters of a label's name.
pub(in super::super) const NAME_LIMIT: usize = 200;

/// More classes than this are no classes.
pub(in super::super) const MOST_LABELS: usize = 1_000;

/// Characters of what is said about a label.
const WORDS_LIMIT: usize = 5_000;

/// Where the project keeps what the expert wrote down.
const NOTES: &str = "label_notes";

const KEYS: &str = "1234567890abcdefghijklmnopqrstuvwxyz";

impl Project {
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

    /// Changes what is said about a label: its name, colour, key, what it means, whether it is still given.
    ///
    /// # Errors
    /// `UnknownLabel`, `LabelName`, `LabelExists`, `LabelKey`.
    pub fn change_label(&mut self, id: u32, change: &LabelChange) -> Result<LabelState> {
        let tx = self.write()?;
        let before = label_name(&tx, id)?;
        if let Some(name) = &change.name {
            let name = checked_name(name)?;
            refuse_taken(&tx, name, Some(id))?;
            tx.execute("UPDATE label SET name = ?2 WHERE id = ?1", params![id, name])?;
        }
        if let Some(key) = &change.key {
            give_key(&tx, id, key)?;
        }
        let words = [
            ("description", &change.description),
            ("examples", &change.examples),
            ("counter_examples", &change.counter_examples),
            ("group_name", &change.group),
        ];
        for (column, value) in words {
            if let Some(value) = value {
                let value = limited(value);
                tx.execute(
                    &format!("UPDATE label SET {column} = ?2 WHERE id = ?1"),
                    params![id, value],
                )?;
            }
        }
        let numbers = [
            ("colour", change.colour),
            ("retired", change.retired.map(u32::from)),
        ];
        for (column, value) in numbers {
            if let Some(value) = value {
                tx.execute(
                    &format!("UPDATE label SET {column} = ?2 WHERE id = ?1"),
                    params![id, value],
                )?;
            }
        }
        append(
            &tx,
            "label_changed",
            &json!({ "label": id, "name": before, "change": change }),
        )?;
        tx.commit()?;
        self.label_state()
    }

    /// Puts the labels into this order; those that are not named come after.
    ///
    /// # Errors
    /// `UnknownLabel`.
    pub fn order_labels(&mut self, ids: &[u32]) -> Result<LabelState> {
        let tx = self.write()?;
        tx.execute("UPDATE label SET position = NULL", [])?;
        for (position, id) in ids.iter().enumerate() {
            label_name(&tx, *id)?;
            tx.execute(
                "UPDATE label SET position = ?2 WHERE id = ?1",
                params![id, position as u32],
            )?;
        }
        append(&tx, "labels_ordered", &json!({ "labels": ids }))?;
        tx.commit()?;
        self.label_state()
    }

    /// What the expert wrote down for labelling.
    ///
    /// # Errors
    /// Those of the database.
    pub fn label_notes(&self) -> Result<LabelNotes> {
        match read_setting(&self.db, NOTES)? {
            Some(text) => from_json(&text),
            None => Ok(LabelNotes::default()),
        }
    }

    /// Keeps what the expert wrote down.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_label_notes(&mut self, notes: &LabelNotes) -> Result<()> {
        self.set_setting(NOTES, &to_json(notes)?)
    }

    /// The scheme, to be handed on.
    ///
    /// # Errors
    /// Those of the database.
    pub fn scheme(&self) -> Result<Scheme> {
        let (state, notes) = (self.label_state()?, self.label_notes()?);
        Ok(Scheme {
            problem_type: state.problem_type,
            guidelines: notes.guidelines,
            keywords: notes.keywords,
            labels: state
                .labels
                .into_iter()
                .map(|label| SchemeLabel {
                    name: label.name,
                    colour: Some(label.colour),
                    key: Some(label.key),
                    description: label.description,
                    examples: label.examples,
                    counter_examples: label.counter_examples,
                    group: label.group,
                    retired: label.retired,
                })
                .collect(),
        })
    }

    /// Takes a scheme over: adds the labels that are missing and says of those that are there what the scheme says.
    /// Nothing is removed, and no text changes its labels.
    ///
    /// # Errors
    /// `LabelName`, `TooManyLabels`, `SeveralLabels`.
    pub fn take_scheme(&mut self, scheme: &Scheme) -> Result<LabelState> {
        let mut notes = self.label_notes()?;
        for (own, given) in [
            (&mut notes.guidelines, &scheme.guidelines),
            (&mut notes.keywords, &scheme.keywords),
        ] {
            if !given.trim().is_empty() {
                *own = limited(given);
            }
        }
        let notes = to_json(&notes)?;
        let tx = self.write()?;
        if scheme.problem_type == ProblemType::MultiLabel {
            become_type(&tx, scheme.problem_type)?;
        }
        tx.execute(
            "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [NOTES, &notes],
        )?;
        for (position, label) in scheme.labels.iter().enumerate() {
            let id = ensure_label(&tx, checked_name(&label.name)?)?;
            tx.execute(
                "UPDATE label SET description = ?2, examples = ?3, counter_examples = ?4, group_name = ?5, retired = ?6,
                 colour = coalesce(?7, colour), position = ?8 WHERE id = ?1",
                params![
                    id,
                    limited(&label.description),
                    limited(&label.examples),
                    limited(&label.counter_examples),
                    limited(&label.group),
                    label.retired,
                    label.colour,
                    position as u32
                ],
            )?;
            if let Some(key) = &label.key {
                give_key(&tx, id, key)?;
            }
        }
        append(&tx, "scheme_taken", &json!({ "labels": scheme.labels.len() }))?;
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

    /// Gives every row that carries one of `labels` the label `into` instead, as one step that is undone at once. The
    /// labels that nobody carries then are removed; an undo brings them back. `go_on` is told the share that is done; when
    /// it says no, all stays as it was.
    ///
    /// # Errors
    /// `UnknownLabel`, `Cancelled`, and those of the database.
    pub fn merge_labels(
        &mut self,
        labels: &[u32],
        into: u32,
        who: &str,
        go_on: &mut dyn FnMut(f64) -> bool,
    ) -> Result<LabelState> {
        let tx = self.write()?;
        let into_name = label_name(&tx, into)?;
        let merged: Vec<u32> = labels.iter().copied().filter(|label| *label != into).collect();
        let names = merged
            .iter()
            .map(|label| label_name(&tx, *label))
            .collect::<Result<Vec<String>>>()?;
        let given = with_label_instead(&tx, &merged, into)?;
        give_together(&tx, &given, false, who, go_on)?;
        let instead = sets_instead(&tx, &merged, into)?;
        for (from, to) in instead {
            tx.execute("UPDATE vote SET label_set = ?2 WHERE label_set = ?1", [from, to])?;
        }
        for label in &merged {
            tx.execute("UPDATE label SET removed = 1 WHERE id = ?1", [label])?;
        }
        if !merged.is_empty() {
            let detail = json!({ "labels": merged, "names": names, "into": into, "into_name": into_name, "rows": given.len() });
            append(&tx, "labels_merged", &detail)?;
        }
        tx.commit()?;
        self.state_for(who, None)
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
pub(in super::super) fn labels_in_use(db: &Connection) -> Result<Vec<(u32, String)>> {
    let mut query = db.prepare_cached(
        "SELECT id, name FROM label WHERE EXISTS
         (SELECT 1 FROM label_set_member AS member JOIN state ON state.label_set = member.label_set
          WHERE member.label = label.id AND hidden_by IS NULL) ORDER BY id",
    )?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What is said about a label, not longer than anybody reads.
fn limited(words: &str) -> String {
    words.trim().chars().take(WORDS_LIMIT).collect()
}

/// Gives a label its key; a label that had it gets this one's.
fn give_key(tx: &Transaction<'_>, id: u32, key: &str) -> Result<()> {
    let key = key.to_lowercase();
    if !key.is_empty() && (key.chars().count() != 1 || !KEYS.contains(&key)) {
        return Err(DataError::LabelKey { key });
    }
    let own: String = tx.query_row("SELECT key FROM label WHERE id = ?1", [id], |row| row.get(0))?;
    tx.execute(
        "UPDATE label SET key = ?3 WHERE key = ?1 AND ?1 <> '' AND id <> ?2 AND removed = 0",
        params![key, id, own],
    )?;
    tx.execute("UPDATE label SET key = ?2 WHERE id = ?1", params![id, key])?;
    Ok(())
}

/// The id of the label called `name`, made or brought back when there is none.
pub(in super::super) fn ensure_label(tx: &Transaction<'_>, name: &str) -> Result<u32> {
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

pub(in super::super) fn checked_name(name: &str) -> Result<&str> {
    let name = name.trim();
    match name.chars().count() {
        1..=NAME_LIMIT => Ok(name),
        _ => Err(DataError::LabelName { limit: NAME_LIMIT }),
    }
}

pub(super) fn refuse_taken(db: &Connection, name: &str, but: Option<u32>) -> Result<()> {
    let taken = "SELECT count(*) FROM label WHERE removed = 0 AND name = ?1 AND id IS NOT ?2";
    if number(db, taken, params![name, but])? > 0 {
        return Err(DataError::LabelExists {
            name: name.to_owned(),
        });
    }
    Ok(())
}

pub(super) fn label_name(db: &Connection, id: u32) -> Result<String> {
    let mut query = db.prepare_cached("SELECT name FROM label WHERE id = ?1 AND removed = 0")?;
    query
        .query_row([id], |row| row.get(0))
        .optional()?
        .ok_or(DataError::UnknownLabel { id })
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
pub(in super::super) fn become_type(tx: &Transaction<'_>, to: ProblemType) -> Result<()> {
    if problem_type(tx)? == to {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [PROBLEM_TYPE, &to_word(&to)?],
    )?;
    append(tx, "problem_type", &json!({ "to": to }))
}

/// The sets that people answered with and that hold one of `labels`, each with the set that has `into` in their place.
fn sets_instead(tx: &Transaction<'_>, labels: &[u32], into: u32) -> Result<Vec<(u32, u32)>> {
    let mut query = tx.prepare_cached("SELECT DISTINCT label_set FROM vote")?;
    let voted = query.query_map([], |row| row.get(0))?;
    let voted: Vec<u32> = voted.collect::<rusqlite::Result<_>>()?;
    let mut sets = Sets::default();
    let mut found = Vec::new();
    for set in voted {
        if let Some(instead) = set_instead(tx, &mut sets, set, labels, into)? {
            found.push((set, instead));
        }
    }
    Ok(found)
}

/// A set with `into` in the place of `labels`; `None` where it holds none of them.
pub(super) fn set_instead(
    tx: &Transaction<'_>,
    sets: &mut Sets,
    set: u32,
    labels: &[u32],
    into: u32,
) -> Result<Option<u32>> {
    let members = sets.members(tx, set)?;
    if !members.iter().any(|label| labels.contains(label)) {
        return Ok(None);
    }
    let renamed = members
        .iter()
        .map(|label| if labels.contains(label) { into } else { *label });
    Ok(Some(ensure_set(tx, &renamed.collect::<Vec<u32>>())?))
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
                let new = set_instead(tx, &mut sets, set, labels, into)?;
                instead.insert(set, new);
                new
            }
        };
        given.extend(new.map(|new| (example, Some(new))));
    }
    Ok(given)
}
