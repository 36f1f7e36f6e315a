//! Bringing a large file into an empty project the quick way.

use rusqlite::Transaction;

use super::super::project::Project;
use crate::error::Result;

/// A large file into an empty project is brought in the quick way: indexes are made once at the end, and rows go straight
/// to their place instead of through the write-ahead log. A cut-off import is rolled back all the same.
pub(super) struct Bulk {
    /// What makes the indexes again; empty when nothing is worth while.
    indexes: Vec<(String, String)>,
}

/// A file of so many bytes is large.
const LARGE_FILE: u64 = 20_000_000;

impl Bulk {
    pub(super) fn begin(project: &mut Project, bytes: u64) -> Result<Bulk> {
        if bytes < LARGE_FILE || !project.is_empty()? {
            return Ok(Bulk { indexes: Vec::new() });
        }
        // Where another process has the project open, the log stays.
        project.use_log(false)?;
        let mut query = project.db.prepare(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
             AND tbl_name IN ('example', 'state', 'annotation')",
        )?;
        let indexes = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Bulk {
            indexes: indexes.collect::<rusqlite::Result<_>>()?,
        })
    }

    pub(super) fn drop_indexes(&self, tx: &Transaction<'_>) -> Result<()> {
        for (name, _) in &self.indexes {
            tx.execute_batch(&format!("DROP INDEX {name}"))?;
        }
        Ok(())
    }

    pub(super) fn make_indexes(&self, tx: &Transaction<'_>) -> Result<()> {
        for (_, sql) in &self.indexes {
            tx.execute_batch(sql)?;
        }
        Ok(())
    }
}
