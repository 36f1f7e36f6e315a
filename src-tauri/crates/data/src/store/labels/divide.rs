//! One label becomes several: some of its rows carry another one from then on.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::json;

use super::super::audit::append;
use super::super::label_sets::Sets;
use super::super::project::Project;
use super::super::sql::{now, number};
use super::super::vectors::TextHash;
use super::give_together;
use super::scheme::{checked_name, ensure_label, label_name, set_instead};
use crate::error::{DataError, Result};
use crate::types::{LabelPart, LabelState};

/// Rows that carry a label, hidden ones included.
const CARRIERS: &str = "SELECT count(*) FROM state WHERE label_set IN
    (SELECT label_set FROM label_set_member WHERE label = ?1)";

/// The label of a part.
struct Part {
    label: u32,
    /// Whether it is new.
    made: bool,
    name: String,
    rows: u32,
}

/// A row of the divided label.
struct Carrier {
    example: u32,
    set: u32,
    hash: TextHash,
}

impl Project {
    /// How many rows carry one of these labels, hidden ones included: so many a step about all of them may change.
    ///
    /// # Errors
    /// Those of the database.
    pub fn carriers(&self, labels: &[u32]) -> Result<usize> {
        let of_label = labels
            .iter()
            .map(|label| Ok(number(&self.db, CARRIERS, [label])? as usize));
        of_label.sum()
    }

    /// Gives rows that carry a label another one in its place, as one step that is undone at once. Labels that are new are
    /// made, in the group of the divided one; rows that do not carry it (any more) stay as they are; hidden rows of the same
    /// text follow. A label that nobody carries then is removed; an undo brings it back. What people had answered about those
    /// rows with the divided label stands in the log, but is no answer to the new question (see [`Project::votes`]).
    ///
    /// `go_on` is told the share that is done; when it says no, all stays as it was.
    ///
    /// # Errors
    /// `UnknownLabel`, `LabelName`, `LabelRetired`, `TooManyLabels`, `Cancelled`, and those of the database.
    pub fn divide_label(
        &mut self,
        id: u32,
        parts: &[LabelPart],
        who: &str,
        go_on: &mut dyn FnMut(f64) -> bool,
    ) -> Result<LabelState> {
        let tx = self.write()?;
        let name = label_name(&tx, id)?;
        let mut sets = Sets::default();
        let mut given: Vec<(u32, Option<u32>)> = Vec::new();
        let mut part_of: Vec<usize> = Vec::new();
        let mut told: Vec<Part> = Vec::new();
        let (carriers, hidden) = carriers(&tx, id)?;
        let mut taken: HashSet<u32> = HashSet::new();
        for part in parts {
            let part_name = checked_name(&part.name)?;
            let (label, made) = part_label(&tx, id, part_name)?;
            if label == id {
                continue;
            }
            let mut instead: HashMap<u32, Option<u32>> = HashMap::new();
            let mut moved = Vec::new();
            for example in &part.examples {
                let Some(carrier) = carriers.get(example).filter(|_| taken.insert(*example)) else {
                    continue;
                };
                let same_text = hidden.get(&carrier.hash).into_iter().flatten();
                moved.push(carrier);
                moved.extend(same_text.filter(|carrier| taken.insert(carrier.example)));
            }
            for carrier in &moved {
                let new = match instead.get(&carrier.set) {
                    Some(known) => *known,
                    None => {
                        let new = set_instead(&tx, &mut sets, carrier.set, &[id], label)?;
                        instead.insert(carrier.set, new);
                        new
                    }
                };
                given.push((carrier.example, new));
                part_of.push(told.len());
            }
            told.push(Part {
                label,
                made,
                name: part_name.to_owned(),
                rows: moved.len() as u32,
            });
        }
        let entries = give_together(&tx, &given, false, who, go_on)?;
        note(&tx, id, &entries, &given, &part_of, &told)?;
        let left = remove_if_unused(&tx, id)?;
        let parts = told
            .iter()
            .map(|part| json!({ "label": part.label, "name": part.name, "rows": part.rows }));
        let detail = json!({ "label": id, "name": name, "parts": parts.collect::<Vec<_>>(), "left": left });
        append(&tx, "label_divided", &detail)?;
        tx.commit()?;
        self.state_for(who, None)
    }
}

/// Notes which rows got another label in place of which.
fn note(
    tx: &Transaction<'_>,
    divided: u32,
    entries: &[u32],
    given: &[(u32, Option<u32>)],
    part_of: &[usize],
    parts: &[Part],
) -> Result<()> {
    let at = now(tx)?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO division (annotation, example, label, part, made, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for ((entry, (example, _)), part) in entries.iter().zip(given).zip(part_of) {
        let part = &parts[*part];
        insert.execute(params![entry, example, divided, part.label, part.made, at])?;
    }
    Ok(())
}

/// After a step was undone or done again that may have divided a label: labels that it made (undone), or the one that it
/// divided (done again), are in use no more where nobody carries them.
pub(super) fn follow(tx: &Transaction<'_>, entry: u32, undone: bool) -> Result<()> {
    let which = if undone { "part" } else { "label" };
    let made = if undone { "AND made = 1" } else { "" };
    let mut query = tx.prepare_cached(&format!(
        "SELECT DISTINCT {which} FROM division JOIN annotation ON annotation.id = division.annotation
         WHERE annotation.batch = (SELECT batch FROM annotation WHERE id = ?1) {made}"
    ))?;
    let labels = query.query_map([entry], |row| row.get(0))?;
    for label in labels.collect::<rusqlite::Result<Vec<u32>>>()? {
        remove_if_unused(tx, label)?;
    }
    Ok(())
}

/// Removes a label that no row carries; tells how many carry it.
fn remove_if_unused(tx: &Transaction<'_>, label: u32) -> Result<u32> {
    let left = number(tx, CARRIERS, [label])?;
    if left == 0 {
        tx.execute("UPDATE label SET removed = 1 WHERE id = ?1", [label])?;
    }
    Ok(left)
}

/// The label of a part, and whether it is new (or was gone). A new one stands in the group of the divided one.
fn part_label(tx: &Transaction<'_>, divided: u32, name: &str) -> Result<(u32, bool)> {
    let known = tx
        .query_row(
            "SELECT id, retired FROM label WHERE name = ?1 AND removed = 0",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match known {
        Some((label, false)) => return Ok((label, false)),
        Some((label, true)) if label == divided => return Ok((label, false)),
        Some((_, true)) => {
            return Err(DataError::LabelRetired {
                name: name.to_owned(),
            });
        }
        None => {}
    }
    let label = ensure_label(tx, name)?;
    tx.execute(
        "UPDATE label SET retired = 0, group_name = (SELECT group_name FROM label WHERE id = ?2) WHERE id = ?1",
        params![label, divided],
    )?;
    Ok((label, true))
}

/// The visible rows that carry a label, by their ids, and the hidden ones by their texts.
type Carriers = (HashMap<u32, Carrier>, HashMap<TextHash, Vec<Carrier>>);

fn carriers(tx: &Transaction<'_>, label: u32) -> Result<Carriers> {
    let mut query = tx.prepare_cached(
        "SELECT example, label_set, text_hash, hidden_by IS NOT NULL FROM state
         WHERE label_set IN (SELECT label_set FROM label_set_member WHERE label = ?1)",
    )?;
    let (mut visible, mut hidden) = (HashMap::new(), HashMap::new());
    let mut rows = query.query([label])?;
    while let Some(row) = rows.next()? {
        let carrier = Carrier {
            example: row.get(0)?,
            set: row.get(1)?,
            hash: row.get(2)?,
        };
        match row.get(3)? {
            false => drop(visible.insert(carrier.example, carrier)),
            true => hidden.entry(carrier.hash).or_insert_with(Vec::new).push(carrier),
        }
    }
    Ok((visible, hidden))
}
