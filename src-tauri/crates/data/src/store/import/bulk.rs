//! Bringing a large file into an empty project the quick way.

use rusqlite::Transaction;

use super::super::project::{Project, usual_memory};
use crate::error::Result;

/// A large file into an empty project is brought in the quick way: indexes are made once at the end, rows go
/// straight to their place instead of through the write-ahead log, and references are not looked up one by one: each is
/// to a row that was written just before. A cut-off import is rolled back all the same. Afterwards the
/// project must be told to work as always.
pub(super) struct Bulk {
    /// What makes the indexes again; empty when nothing is worth while.
    indexes: Vec<(String, String)>,
}

/// A file of so many bytes is large.
const LARGE_FILE: u64 = 20_000_000;

/// While an index is sorted, it is sorted in pieces of so many KiB, which fit into the processor's own memory, by a thread
/// beside the one that reads the rows (measured: 2.0 s for five indexes of a million rows instead of 3.3 s). The pieces lie
/// in nameless temporary files, a few tens of bytes a row.
const SORTED_AT_ONCE: i64 = 2_000;
const SORTING_THREADS: u32 = 1;

impl Bulk {
    pub(super) fn begin(project: &mut Project, bytes: u64) -> Result<Bulk> {
        if bytes < LARGE_FILE || !project.is_empty()? {
            return Ok(Bulk { indexes: Vec::new() });
        }
        // Where another process has the project open, the log stays.
        project.use_log(false)?;
        project.db.pragma_update(None, "foreign_keys", false)?;
        let mut query = project.db.prepare(
            // Those with a condition have no entry for rows as they come: nothing is won.
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
             AND tbl_name IN ('example', 'state', 'annotation') AND sql NOT LIKE '% WHERE %'",
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
        if self.indexes.is_empty() {
            return Ok(());
        }
        tx.pragma_update(None, "cache_size", -SORTED_AT_ONCE)?;
        tx.pragma_update(None, "threads", SORTING_THREADS)?;
        for (_, sql) in &self.indexes {
            tx.execute_batch(sql)?;
        }
        usual_memory(tx)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::error::DataError;
    use crate::store::testing::{import, options, project};
    use crate::types::ColumnRole;

    fn schema(project: &Project) -> Vec<(String, Option<String>)> {
        let mut query = project
            .db
            .prepare("SELECT name, sql FROM sqlite_master ORDER BY name")
            .unwrap();
        let entries = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        entries.collect::<rusqlite::Result<_>>().unwrap()
    }

    fn setting(project: &Project, name: &str) -> String {
        let value = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        format!("{:?}", project.db.pragma_query_value(None, name, value).unwrap())
    }

    #[test]
    fn the_quick_way_leaves_the_same_project_as_the_usual_one() {
        let long = "word ".repeat(2_100);
        let rows: String = (0..2_100)
            .map(|i| match i % 100 {
                // Ragged, without a label, empty: in the midst of rows that are stored together.
                50 => format!("{i},{long},a,b\n"),
                60 => format!("{i} {long},\n"),
                70 => ",a\n".to_owned(),
                _ => format!("{i} {long},label {}\n", i % 7),
            })
            .collect();
        let csv = format!("text,label\n{rows}");
        assert!(csv.len() as u64 > LARGE_FILE);
        let roles = [ColumnRole::Text, ColumnRole::Label];
        let (_place, mut quick) = project();
        let before = schema(&quick);
        let settings = [
            "foreign_keys",
            "cache_size",
            "threads",
            "journal_mode",
            "synchronous",
        ];
        let as_always = settings.map(|name| setting(&quick, name));
        let summary = import(&mut quick, &csv, &roles);
        assert_eq!(
            (summary.rows, summary.problem_rows, summary.labelled),
            (2_079, 21, 2_058)
        );
        assert_eq!(schema(&quick), before);
        assert_eq!(settings.map(|name| setting(&quick, name)), as_always);

        // So does one that is stopped, or refused at the end.
        let (_place, mut stopped) = project();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &csv).unwrap();
        let cancelled = stopped.import(file.path(), &options(&roles), &mut |done, _| done < 10_000_000);
        assert!(matches!(cancelled, Err(DataError::Cancelled)), "{cancelled:?}");
        let blank = format!(
            "text,label\n{}",
            format!(" ,{}\n", "b".repeat(90)).repeat(230_000)
        );
        std::fs::write(file.path(), blank).unwrap();
        let refused = stopped.import(file.path(), &options(&roles), &mut |_, _| true);
        assert!(
            matches!(refused, Err(DataError::AllTextsEmpty { .. })),
            "{refused:?}"
        );
        let panics =
            AssertUnwindSafe(|| stopped.import(file.path(), &options(&roles), &mut |_, _| panic!("a test")));
        assert!(catch_unwind(panics).is_err());
        assert_eq!(schema(&stopped), before);
        assert_eq!(settings.map(|name| setting(&stopped, name)), as_always);
        assert!(stopped.is_empty().unwrap());

        // A project that has rows already takes the usual way.
        let (_place, mut usual) = project();
        import(&mut usual, "text,label\nfirst,label 0\n", &roles);
        import(&mut usual, &csv, &roles);
        let all = |project: &Project, table: &str, key: &str, beyond: i64| {
            let sql = format!("SELECT * FROM {table} WHERE {key} > {beyond} ORDER BY {key}");
            let mut query = project.db.prepare(&sql).unwrap();
            let columns: Vec<usize> = (0..query.column_count())
                // Numbers and times differ.
                .filter(|i| {
                    !matches!(
                        query.column_name(*i).unwrap(),
                        "id" | "example" | "source" | "at" | "label_set"
                    )
                })
                .collect();
            let rows = query
                .query_map([], |row| {
                    let cells: Vec<_> = columns
                        .iter()
                        .map(|i| row.get::<_, rusqlite::types::Value>(*i).unwrap())
                        .collect();
                    Ok(format!("{cells:?}"))
                })
                .unwrap();
            rows.collect::<rusqlite::Result<Vec<_>>>().unwrap()
        };
        for (table, key) in [
            ("example", "id"),
            ("content", "example"),
            ("state", "example"),
            ("annotation", "id"),
            ("problem_row", "id"),
        ] {
            let beyond = i64::from(table != "problem_row");
            let [quick, usual] = [all(&quick, table, key, 0), all(&usual, table, key, beyond)];
            assert!(quick == usual && !quick.is_empty(), "{table}");
        }
        let names = |project: &Project, beyond: i64| -> Vec<(i64, String)> {
            let mut query = project
                .db
                .prepare(
                    "SELECT a.example - ?1, l.name FROM annotation a JOIN label_set_member m ON m.label_set = a.label_set
                     JOIN label l ON l.id = m.label WHERE a.example > ?1 ORDER BY a.example",
                )
                .unwrap();
            let names = query
                .query_map([beyond], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            names.collect::<rusqlite::Result<_>>().unwrap()
        };
        assert_eq!(names(&quick, 0), names(&usual, 1));
        let mut broken = quick.db.prepare("PRAGMA foreign_key_check").unwrap();
        assert!(!broken.exists([]).unwrap());
    }
}
