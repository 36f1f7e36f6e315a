//! The audit log: who-did-what entries, each carrying the SHA-256 of the one before.
//!
//! Changing, removing or inserting an entry breaks the chain from there on. Cutting entries off the end is only
//! seen by someone who kept an earlier [`AuditReport::head`] (a report prints it). Labels given by hand are covered
//! in batches: an entry `labels` holds the hash of the annotations since the last one.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::label_sets::Sets;
use super::project::Project;
use super::sql::{from_json, now, number, to_json};
use crate::error::Result;
use crate::text::hex;

const LABELS: &str = "labels";

/// Annotations by hand after which an entry covers them even if nothing else happens.
pub(super) const BATCH: u32 = 100;

/// What a check of the audit log found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AuditReport {
    /// Entries in the log.
    pub entries: u32,
    /// The hash of the last sound entry.
    pub head: String,
    /// The first broken entry.
    pub broken: Option<BrokenEntry>,
}

/// An entry that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BrokenEntry {
    /// Its number.
    pub entry: u32,
    /// What does not fit.
    pub kind: BreakKind,
}

/// How an entry can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// Entries are missing before it.
    Missing,
    /// It does not carry the hash of the one before.
    Chain,
    /// It was changed.
    Content,
    /// The annotations that it covers were changed.
    Labels,
}

impl Project {
    /// Appends an entry to the audit log.
    ///
    /// # Errors
    /// Those of the database.
    pub fn record(&mut self, action: &str, detail: Value) -> Result<()> {
        let tx = self.write()?;
        append(&tx, action, &detail)?;
        Ok(tx.commit()?)
    }

    /// What was recorded of one kind, the oldest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn recorded(&self, action: &str) -> Result<Vec<Value>> {
        let mut query = self
            .db
            .prepare_cached("SELECT detail FROM audit WHERE action = ?1 ORDER BY id")?;
        let details = query.query_map([action], |row| row.get::<_, String>(0))?;
        let mut found = Vec::new();
        for detail in details {
            found.push(from_json(&detail?)?);
        }
        Ok(found)
    }

    /// Checks every entry of the audit log and the annotations it covers.
    ///
    /// # Errors
    /// Those of the database.
    pub fn verify_audit(&self) -> Result<AuditReport> {
        let tx = self.read()?;
        let mut report = AuditReport {
            entries: 0,
            head: String::new(),
            broken: None,
        };
        let mut query = tx.prepare("SELECT id, at, action, detail, previous, hash FROM audit ORDER BY id")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let entry = Entry::from_row(row)?;
            report.entries += 1;
            if report.broken.is_some() {
                continue;
            }
            match entry.fault(&tx, report.entries, &report.head)? {
                Some(kind) => {
                    report.broken = Some(BrokenEntry {
                        entry: entry.id,
                        kind,
                    })
                }
                None => report.head = entry.hash,
            }
        }
        Ok(report)
    }
}

/// Appends an entry, after one that covers the annotations by hand since the last.
pub(super) fn append(tx: &Transaction<'_>, action: &str, detail: &Value) -> Result<()> {
    cover_labels(tx)?;
    append_entry(tx, action, detail)
}

/// Appends an entry `labels` when annotations by hand are not covered yet.
pub(super) fn cover_labels(tx: &Transaction<'_>) -> Result<()> {
    let last: Option<String> = tx
        .prepare_cached("SELECT detail FROM audit WHERE action = ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([LABELS], |row| row.get(0))
        .optional()?;
    let covered = match last {
        Some(detail) => from_json::<Value>(&detail)?["to"].as_u64().unwrap_or_default() as u32,
        None => 0,
    };
    let newest = number(
        tx,
        "SELECT coalesce(max(id), 0) FROM annotation WHERE kind <> 'import'",
        [],
    )?;
    if newest <= covered {
        return Ok(());
    }
    let (count, sha256) = hash_labels(tx, covered + 1, newest)?;
    let detail = json!({ "from": covered + 1, "to": newest, "annotations": count, "sha256": sha256 });
    append_entry(tx, LABELS, &detail)
}

fn append_entry(tx: &Transaction<'_>, action: &str, detail: &Value) -> Result<()> {
    let last: Option<(u32, String)> = tx
        .prepare_cached("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (id, previous) = last.map_or((1, String::new()), |(id, hash)| (id + 1, hash));
    let mut entry = Entry {
        id,
        at: now(tx)?,
        action: action.to_owned(),
        detail: to_json(detail)?,
        previous,
        hash: String::new(),
    };
    entry.hash = entry.computed_hash();
    tx.execute(
        "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            entry.id,
            entry.at,
            entry.action,
            entry.detail,
            entry.previous,
            entry.hash
        ],
    )?;
    Ok(())
}

struct Entry {
    id: u32,
    at: String,
    action: String,
    detail: String,
    previous: String,
    hash: String,
}

impl Entry {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Entry> {
        Ok(Entry {
            id: row.get(0)?,
            at: row.get(1)?,
            action: row.get(2)?,
            detail: row.get(3)?,
            previous: row.get(4)?,
            hash: row.get(5)?,
        })
    }

    fn computed_hash(&self) -> String {
        let id = self.id.to_string();
        hash_fields([&self.previous, &id, &self.at, &self.action, &self.detail])
    }

    fn fault(&self, db: &Connection, expected_id: u32, previous: &str) -> Result<Option<BreakKind>> {
        if self.id != expected_id {
            return Ok(Some(BreakKind::Missing));
        }
        if self.previous != previous {
            return Ok(Some(BreakKind::Chain));
        }
        if self.hash != self.computed_hash() {
            return Ok(Some(BreakKind::Content));
        }
        if self.action == LABELS {
            let detail: Value = from_json(&self.detail)?;
            let bound = |key: &str| detail[key].as_u64().unwrap_or_default() as u32;
            let (_, sha256) = hash_labels(db, bound("from"), bound("to"))?;
            if detail["sha256"] != sha256 {
                return Ok(Some(BreakKind::Labels));
            }
        }
        Ok(None)
    }
}

/// The number and hash of the annotations by hand from `from` to `to`. Imported labels are left out: the entry of
/// their import carries the file's own hash.
fn hash_labels(db: &Connection, from: u32, to: u32) -> Result<(u32, String)> {
    let mut query = db.prepare_cached(
        "SELECT id, example, label_set, kind, target, who, at, suggestion, seconds, own FROM annotation INDEXED BY annotation_hand
         WHERE id BETWEEN ?1 AND ?2 AND kind <> 'import' ORDER BY id",
    )?;
    let mut rows = query.query([from, to])?;
    let mut hasher = Sha256::new();
    let mut sets = Sets::default();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let [id, example]: [u32; 2] = [row.get(0)?, row.get(1)?];
        let [set, target]: [Option<u32>; 2] = [row.get(2)?, row.get(4)?];
        let [kind, who, at]: [String; 3] = [row.get(3)?, row.get(5)?, row.get(6)?];
        // A set of one label is written as the first format wrote its label, so that older entries still hold.
        let labels = match sets.of(db, set)?.as_deref() {
            Some([label]) => format!("{:?}", Some(label)),
            labels => format!("{labels:?}"),
        };
        let numbers = format!("{id} {example} {labels} {target:?}");
        hasher.update(hash_fields([&numbers, &kind, &who, &at]));
        let (suggestion, seconds): (Option<u32>, Option<f64>) = (row.get(7)?, row.get(8)?);
        // Entries of earlier versions tell nothing of how they came about, and hold as they were hashed.
        if suggestion.is_some() || seconds.is_some() {
            let suggested = sets.of(db, suggestion)?;
            hasher.update(hash_fields([&format!("{suggested:?} {seconds:?}")]));
        }
        if !row.get::<_, bool>(9)? {
            hasher.update(hash_fields(["not their own answer"]));
        }
        count += 1;
    }
    Ok((count, hex(&hasher.finalize())))
}

/// Lengths go in with the fields, so that moving a character from one to the next changes the hash.
fn hash_fields<const N: usize>(fields: [&str; N]) -> String {
    let mut hasher = Sha256::new();
    for field in fields {
        hasher.update((field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::project_with;

    fn broken_after(damage: &str) -> Option<BrokenEntry> {
        let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
        project.annotate(1, Some(&[2]), "person").unwrap();
        for number in 0..3 {
            project.record("note", json!({ "number": number })).unwrap();
        }
        let report = project.verify_audit().unwrap();
        assert_eq!(
            (report.entries, report.broken),
            (6, None),
            "created, imported, labels, three notes"
        );
        let without_guard = "DROP TRIGGER audit_keep; DROP TRIGGER audit_stay; DROP TRIGGER annotation_keep;";
        project
            .db
            .execute_batch(&format!("{without_guard} {damage}"))
            .unwrap();
        project.verify_audit().unwrap().broken
    }

    #[test]
    fn a_changed_entry_is_found() {
        let found = broken_after("UPDATE audit SET detail = '{\"number\":7}' WHERE id = 5");
        assert_eq!(
            found,
            Some(BrokenEntry {
                entry: 5,
                kind: BreakKind::Content
            })
        );
    }

    #[test]
    fn a_removed_entry_is_found() {
        let found = broken_after("DELETE FROM audit WHERE id = 4");
        assert_eq!(
            found,
            Some(BrokenEntry {
                entry: 5,
                kind: BreakKind::Missing
            })
        );
    }

    #[test]
    fn a_removed_entry_is_found_even_when_the_rest_is_renumbered() {
        let found = broken_after("DELETE FROM audit WHERE id = 4; UPDATE audit SET id = id - 1 WHERE id > 4");
        assert_eq!(
            found,
            Some(BrokenEntry {
                entry: 4,
                kind: BreakKind::Chain
            })
        );
    }

    #[test]
    fn a_changed_label_is_found() {
        let found = broken_after("UPDATE annotation SET label_set = 1 WHERE kind = 'set'");
        assert_eq!(
            found,
            Some(BrokenEntry {
                entry: 3,
                kind: BreakKind::Labels
            })
        );
    }

    #[test]
    fn a_set_that_got_other_members_is_found() {
        let found =
            broken_after("DROP TRIGGER label_set_keep; UPDATE label_set SET members = '[1,2]' WHERE id = 2");
        assert_eq!(found.map(|broken| broken.kind), Some(BreakKind::Labels));
    }

    #[test]
    fn the_log_refuses_to_be_rewritten() {
        let (_place, project) = project_with("text,label\na,x\n");
        for statement in [
            "UPDATE audit SET action = ''",
            "DELETE FROM audit",
            "DELETE FROM annotation",
        ] {
            assert!(project.db.execute_batch(statement).is_err(), "{statement}");
        }
    }
}
