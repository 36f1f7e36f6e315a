//! Sets of labels, each stored once: what a row carries is one of them.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::sql::{from_json, to_json};
use crate::error::Result;

/// The set with these labels, made when there is none. Order and repetitions do not matter.
pub(super) fn ensure_set(tx: &Transaction<'_>, labels: &[u32]) -> Result<u32> {
    let mut members = labels.to_vec();
    members.sort_unstable();
    members.dedup();
    let written = to_json(&members)?;
    let known: Option<u32> = tx
        .prepare_cached("SELECT id FROM label_set WHERE members = ?1")?
        .query_row([&written], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    tx.execute("INSERT INTO label_set (members) VALUES (?1)", [&written])?;
    let id = tx.last_insert_rowid() as u32;
    for label in members {
        tx.execute(
            "INSERT INTO label_set_member (label, label_set) VALUES (?1, ?2)",
            params![label, id],
        )?;
    }
    Ok(id)
}

/// Sets looked up once each.
#[derive(Debug, Default)]
pub(super) struct Sets {
    known: HashMap<u32, Vec<u32>>,
}

impl Sets {
    /// The labels of a set, ascending.
    pub(super) fn members(&mut self, db: &Connection, set: u32) -> Result<&[u32]> {
        use std::collections::hash_map::Entry;
        Ok(match self.known.entry(set) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let mut query = db.prepare_cached("SELECT members FROM label_set WHERE id = ?1")?;
                let members: String = query.query_row([set], |row| row.get(0))?;
                free.insert(from_json(&members)?)
            }
        })
    }

    /// The same for a row that may carry none.
    pub(super) fn of(&mut self, db: &Connection, set: Option<u32>) -> Result<Option<Vec<u32>>> {
        set.map(|set| Ok(self.members(db, set)?.to_vec())).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::project_with;

    #[test]
    fn a_set_is_stored_once_whatever_its_order() {
        let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
        let tx = project.write().unwrap();
        let set = ensure_set(&tx, &[2, 1, 2]).unwrap();
        assert_eq!(ensure_set(&tx, &[1, 2]).unwrap(), set);
        assert_ne!(ensure_set(&tx, &[1]).unwrap(), set);
        let none = ensure_set(&tx, &[]).unwrap();
        let mut sets = Sets::default();
        assert_eq!(sets.members(&tx, set).unwrap(), [1, 2]);
        assert_eq!(sets.of(&tx, Some(none)).unwrap(), Some(vec![]));
        assert_eq!(sets.of(&tx, None).unwrap(), None);
    }
}
