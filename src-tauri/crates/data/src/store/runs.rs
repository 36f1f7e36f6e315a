//! Training runs and their metrics.

use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::audit::append;
use super::project::Project;
use super::sql::{from_json, from_word, number, to_json, to_word};
use crate::error::{DataError, Result};
use crate::text::hex;
use crate::types::RunStatus;

/// A training run. What `settings`, `summary` and `reason` hold is the engine's.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RunRecord {
    /// Its id, which is also the name of its folder: letters, digits, `-` and `_`.
    pub id: String,
    /// Where it stands.
    pub status: RunStatus,
    /// The model it started from.
    pub model: String,
    /// When, UTC, ISO 8601.
    pub created_at: String,
    /// How it trains.
    pub settings: Value,
    /// The version of the split it learns from.
    pub split_version: Option<u32>,
    /// What came out.
    pub summary: Option<Value>,
    /// Why it stopped, when it did not finish.
    pub reason: Option<Value>,
}

const COLUMNS: &str = "id, status, model, created_at, settings, split_version, summary, reason";

impl RunRecord {
    /// The SHA-256 of what is told of the run; `None` before its end.
    pub fn summary_sha256(&self) -> Option<String> {
        let summary = self.summary.as_ref()?;
        Some(hex(&Sha256::digest(summary.to_string())))
    }
}

impl Project {
    /// Adds a run.
    ///
    /// # Errors
    /// `RunId` when the id is taken or cannot name a folder; those of the database.
    pub fn insert_run(&mut self, run: &RunRecord) -> Result<()> {
        let names_a_folder = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let tx = self.write()?;
        let taken = number(&tx, "SELECT count(*) FROM run WHERE id = ?1", [&run.id])? > 0;
        if taken || run.id.is_empty() || !run.id.chars().all(names_a_folder) {
            return Err(DataError::RunId { id: run.id.clone() });
        }
        let settings = to_json(&run.settings)?;
        let [summary, reason] = [optional_json(&run.summary)?, optional_json(&run.reason)?];
        let status = to_word(&run.status)?;
        tx.execute(
            &format!("INSERT INTO run ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
            params![
                run.id,
                status,
                run.model,
                run.created_at,
                settings,
                run.split_version,
                summary,
                reason
            ],
        )?;
        let detail = json!({
            "run": run.id, "model": run.model, "settings": run.settings, "split": run.split_version,
        });
        append(&tx, "run_created", &detail)?;
        Ok(tx.commit()?)
    }

    /// Writes a run's state over the stored one; a change of status goes into the audit log.
    ///
    /// # Errors
    /// `UnknownRun`, and those of the database.
    pub fn update_run(&mut self, run: &RunRecord) -> Result<()> {
        let tx = self.write()?;
        let before = read_run(&tx, &run.id)?.ok_or_else(|| unknown(&run.id))?;
        let settings = to_json(&run.settings)?;
        let [summary, reason] = [optional_json(&run.summary)?, optional_json(&run.reason)?];
        tx.execute(
            "UPDATE run SET status = ?2, model = ?3, created_at = ?4, settings = ?5, split_version = ?6,
             summary = ?7, reason = ?8 WHERE id = ?1",
            params![
                run.id,
                to_word(&run.status)?,
                run.model,
                run.created_at,
                settings,
                run.split_version,
                summary,
                reason
            ],
        )?;
        if before.status != run.status {
            // What is told of a run from now on is covered by the history.
            let detail =
                json!({ "run": run.id, "status": run.status, "summary_sha256": run.summary_sha256() });
            append(&tx, "run_status", &detail)?;
        }
        Ok(tx.commit()?)
    }

    /// A run by its id.
    ///
    /// # Errors
    /// Those of the database.
    pub fn run(&self, id: &str) -> Result<Option<RunRecord>> {
        read_run(&self.db, id)
    }

    /// All runs, the newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn runs(&self) -> Result<Vec<RunRecord>> {
        let mut query = self
            .db
            .prepare_cached(&format!("SELECT {COLUMNS} FROM run ORDER BY number DESC"))?;
        let mut rows = query.query([])?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            runs.push(run_from_row(row)?);
        }
        Ok(runs)
    }

    /// Stores values of a run's curves at a step, in one transaction; the same step and name again replaces a value.
    ///
    /// # Errors
    /// `UnknownRun`, and those of the database.
    pub fn add_metrics(&mut self, run: &str, step: u32, values: &[(&str, f64)]) -> Result<()> {
        self.known_run(run)?;
        let tx = self.write()?;
        for (name, value) in values {
            tx.prepare_cached(
                "INSERT OR REPLACE INTO metric (run, step, name, value) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![run, step, name, value])?;
        }
        Ok(tx.commit()?)
    }

    /// Takes back the values of a run's curves after this step: the run goes on from there.
    ///
    /// # Errors
    /// `UnknownRun`, and those of the database.
    pub fn forget_metrics_after(&mut self, run: &str, step: u32) -> Result<()> {
        self.known_run(run)?;
        let tx = self.write()?;
        tx.execute(
            "DELETE FROM metric WHERE run = ?1 AND step > ?2",
            params![run, step],
        )?;
        Ok(tx.commit()?)
    }

    /// A run's curves as (step, name, value), by step and name.
    ///
    /// # Errors
    /// `UnknownRun`, and those of the database.
    pub fn metrics(&self, run: &str) -> Result<Vec<(u32, String, f64)>> {
        self.known_run(run)?;
        let mut query = self
            .db
            .prepare_cached("SELECT step, name, value FROM metric WHERE run = ?1 ORDER BY step, name")?;
        let rows = query.query_map([run], |row| {
            let value: Option<f64> = row.get(2)?;
            Ok((row.get(0)?, row.get(1)?, value.unwrap_or(f64::NAN)))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Refuses an id that no run has.
    pub(super) fn known_run(&self, id: &str) -> Result<()> {
        match number(&self.db, "SELECT count(*) FROM run WHERE id = ?1", [id])? {
            0 => Err(unknown(id)),
            _ => Ok(()),
        }
    }
}

fn unknown(id: &str) -> DataError {
    DataError::UnknownRun { id: id.to_owned() }
}

fn optional_json(value: &Option<Value>) -> Result<Option<String>> {
    value.as_ref().map(to_json).transpose()
}

fn read_run(db: &Connection, id: &str) -> Result<Option<RunRecord>> {
    let mut query = db.prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE id = ?1"))?;
    let mut rows = query.query([id])?;
    rows.next()?.map(run_from_row).transpose()
}

fn run_from_row(row: &Row<'_>) -> Result<RunRecord> {
    let json = |index: usize| -> Result<Option<Value>> {
        row.get::<_, Option<String>>(index)?
            .map(|text| from_json(&text))
            .transpose()
    };
    Ok(RunRecord {
        id: row.get(0)?,
        status: from_word(row.get(1)?)?,
        model: row.get(2)?,
        created_at: row.get(3)?,
        settings: json(4)?.unwrap_or_default(),
        split_version: row.get(5)?,
        summary: json(6)?,
        reason: json(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::project_with;

    fn queued(id: &str) -> RunRecord {
        RunRecord {
            id: id.to_owned(),
            status: RunStatus::Queued,
            model: "minilm".to_owned(),
            created_at: "2026-01-01T00:00:00Z".to_owned(),
            settings: json!({ "epochs": 3 }),
            split_version: None,
            summary: None,
            reason: None,
        }
    }

    #[test]
    fn a_run_is_found_again_as_it_was_left() {
        let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
        project.insert_run(&queued("r1")).unwrap();
        project.insert_run(&queued("r2")).unwrap();
        let finished = RunRecord {
            status: RunStatus::Finished,
            summary: Some(json!({ "f1": 0.9 })),
            ..queued("r1")
        };
        project.update_run(&finished).unwrap();
        assert_eq!(project.run("r1").unwrap(), Some(finished.clone()));
        assert_eq!(project.runs().unwrap(), [queued("r2"), finished]);
        assert_eq!(project.run("r3").unwrap(), None);
        assert!(matches!(
            project.update_run(&queued("r3")),
            Err(DataError::UnknownRun { .. })
        ));
    }

    #[test]
    fn an_id_that_is_taken_or_leaves_the_folder_is_refused() {
        let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
        project.insert_run(&queued("2026-01-01_a")).unwrap();
        for id in ["2026-01-01_a", "", "..", "a/b", "a b"] {
            assert!(
                matches!(project.insert_run(&queued(id)), Err(DataError::RunId { .. })),
                "{id:?}"
            );
        }
    }

    #[test]
    fn metrics_are_replaced_and_kept_even_when_not_a_number() {
        let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
        project.insert_run(&queued("r1")).unwrap();
        project.add_metrics("r1", 1, &[("loss", 2.0)]).unwrap();
        project.add_metrics("r1", 1, &[("loss", 1.5)]).unwrap();
        project.add_metrics("r1", 2, &[("loss", f64::NAN)]).unwrap();
        let metrics = project.metrics("r1").unwrap();
        assert_eq!(metrics[0], (1, "loss".to_owned(), 1.5));
        assert!(metrics.len() == 2 && metrics[1].2.is_nan());
        assert!(matches!(
            project.add_metrics("r9", 1, &[("loss", 0.0)]),
            Err(DataError::UnknownRun { .. })
        ));
    }
}
