//! Which rows are in each part of the newest split, a bit a row: of a part that most rows are in, reading them one by one
//! takes longer than a page of the grid may.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::Result;
use crate::types::Part;

/// The rows of a part.
pub(super) struct PartRows(Vec<u8>);

impl PartRows {
    /// Those of the newest split; `None` where an earlier version made it.
    pub(super) fn of(db: &Connection, part: Part) -> Result<Option<PartRows>> {
        let mut query = db.prepare_cached(
            "SELECT rows FROM part_rows WHERE part = ?1 AND split = (SELECT max(version) FROM split)",
        )?;
        Ok(query
            .query_row([part], |row| row.get(0))
            .optional()?
            .map(PartRows))
    }

    pub(super) fn has(&self, id: u32) -> bool {
        let byte = self.0.get(id as usize / 8);
        byte.is_some_and(|byte| byte >> (id % 8) & 1 == 1)
    }

    fn add(&mut self, id: u32) {
        let byte = id as usize / 8;
        if byte >= self.0.len() {
            self.0.resize(byte + 1, 0);
        }
        self.0[byte] |= 1 << (id % 8);
    }
}

/// Keeps the rows of each part of a split, which is the newest from now on.
pub(super) fn keep(
    tx: &Transaction<'_>,
    split: i64,
    rows: impl Iterator<Item = (u32, Part)> + Clone,
) -> Result<()> {
    tx.execute("DELETE FROM part_rows", [])?;
    for part in Part::ALL {
        let mut those = PartRows(Vec::new());
        let of_part = rows.clone().filter(|(_, other)| *other == part);
        of_part.for_each(|(id, _)| those.add(id));
        tx.execute(
            "INSERT INTO part_rows (part, split, rows) VALUES (?1, ?2, ?3)",
            params![part, split, those.0],
        )?;
    }
    Ok(())
}
