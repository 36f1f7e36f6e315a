//! One label becomes several: some of its rows carry another one from then on.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::json;

use super::super::audit::append;
use super::super::label_sets::Sets;
use super::super::project::Project;
use super::super::sql::number;
use super::give_together;
use super::scheme::{checked_name, ensure_label, label_name, set_instead};
use crate::error::Result;
use crate::types::{LabelPart, LabelState};

/// Rows that carry a label, hidden ones included.
const CARRIERS: &str = "SELECT count(*) FROM state WHERE label_set IN
    (SELECT label_set FROM label_set_member WHERE label = ?1)";

impl Project {
    /// Gives rows that carry a label another one in its place, as one step that is undone at once. Labels that are new are
    /// made, in the group of the divided one; rows that do not carry it (any more) stay as they are. A label that nobody
    /// carries then is removed; an undo brings it back. What people had answered about those rows stands in the log, but is
    /// no answer to the new question (see [`Project::votes`]).
    ///
    /// # Errors
    /// `UnknownLabel`, `LabelName`, `TooManyLabels`, and those of the database.
    pub fn divide_label(&mut self, id: u32, parts: &[LabelPart], who: &str) -> Result<LabelState> {
        let tx = self.write()?;
        let name = label_name(&tx, id)?;
        let mut sets = Sets::default();
        let mut given: Vec<(u32, Option<u32>)> = Vec::new();
        let mut told = Vec::new();
        for part in parts {
            let into = part_label(&tx, id, checked_name(&part.name)?)?;
            let before = given.len();
            let mut instead: HashMap<u32, Option<u32>> = HashMap::new();
            for example in &part.examples {
                let Some(set) = carried(&tx, *example)? else {
                    continue;
                };
                let new = match instead.get(&set) {
                    Some(known) => *known,
                    None => {
                        let new = set_instead(&tx, &mut sets, set, &[id], into)?;
                        instead.insert(set, new);
                        new
                    }
                };
                given.extend(new.map(|new| (*example, Some(new))));
            }
            told.push(json!({ "label": into, "name": part.name, "rows": given.len() - before }));
        }
        give_together(&tx, &given, false, who)?;
        let left = number(&tx, CARRIERS, [id])?;
        if left == 0 {
            tx.execute("UPDATE label SET removed = 1 WHERE id = ?1", [id])?;
        }
        let detail = json!({ "label": id, "name": name, "parts": told, "left": left });
        append(&tx, "label_divided", &detail)?;
        tx.commit()?;
        self.state_for(who, None)
    }
}

/// The label of a part; one that is new stands in the group of the divided one.
fn part_label(tx: &Transaction<'_>, divided: u32, name: &str) -> Result<u32> {
    let before = number(tx, "SELECT count(*) FROM label", [])?;
    let into = ensure_label(tx, name)?;
    if number(tx, "SELECT count(*) FROM label", [])? > before {
        tx.execute(
            "UPDATE label SET group_name = (SELECT group_name FROM label WHERE id = ?2) WHERE id = ?1",
            params![into, divided],
        )?;
    }
    Ok(into)
}

/// The set that a row carries; `None` where it has none or is not there.
fn carried(tx: &Transaction<'_>, example: u32) -> Result<Option<u32>> {
    let mut query = tx.prepare_cached("SELECT label_set FROM state WHERE example = ?1")?;
    let set = query
        .query_row([example], |row| row.get::<_, Option<u32>>(0))
        .optional()?;
    Ok(set.flatten())
}
