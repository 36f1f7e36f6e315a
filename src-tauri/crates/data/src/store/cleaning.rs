//! Cleaning: recorded steps that hide rows and can be taken back. Nothing is ever deleted.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::audit::append;
use super::project::Project;
use super::sql::{from_word, now, to_word};
use crate::error::{DataError, Result};
use crate::types::{CleaningKind, CleaningStep, DataSummary};

/// Visible rows that repeat a text with the same labels, or that repeat a labelled text without a label. Of each
/// the first stays, a row of the official test part before any other. Texts with two labels stay: they are a
/// question for the expert. Empty texts are no duplicates.
pub(super) const DUPLICATES: &str = "
    SELECT id FROM (
        SELECT e.id, s.label_set,
               row_number() OVER (PARTITION BY e.text_hash, s.label_set ORDER BY e.file_part IS NOT 2, e.id) AS nth,
               count(s.label_set) OVER (PARTITION BY e.text_hash) AS labelled
        FROM example e JOIN state s ON s.example = e.id
        WHERE s.hidden_by IS NULL AND e.length > 0
          AND e.text_hash IN (SELECT text_hash FROM example GROUP BY text_hash HAVING count(*) > 1)
    ) WHERE nth > 1 OR (label_set IS NULL AND labelled > 0)";

/// Visible rows whose text is nearly that of another one of their cluster that has the same labels, or that has labels
/// where they have none. Which stays is as for exact duplicates, labelled rows before others.
const NEAR_DUPLICATES: &str = "
    SELECT id FROM (
        SELECT n.example AS id, s.label_set, row_number() OVER kept_first AS nth,
               first_value(s.label_set) OVER kept_first AS kept
        FROM near_cluster n JOIN state s ON s.example = n.example JOIN example e ON e.id = n.example
        WHERE s.hidden_by IS NULL
        WINDOW kept_first AS (
            PARTITION BY n.cluster ORDER BY e.file_part IS NOT 2, s.label_set IS NULL, n.example
        )
    ) WHERE nth > 1 AND (label_set IS NULL OR label_set = kept)";

const EMPTY: &str = "
    SELECT e.id FROM example e JOIN state s ON s.example = e.id WHERE s.hidden_by IS NULL AND e.length = 0";

impl Project {
    /// Hides exact duplicates (texts equal but for whitespace) with the same label or none. Without any, no step
    /// is recorded.
    ///
    /// # Errors
    /// Those of the database.
    pub fn drop_duplicates(&mut self) -> Result<DataSummary> {
        self.hide(CleaningKind::DropDuplicates, DUPLICATES)
    }

    /// Looks for near-duplicates and hides all but one of each cluster, as far as their labels agree; rows with other
    /// labels stay, for the expert to decide. Without any, no step is recorded.
    ///
    /// # Errors
    /// Those of the database.
    pub fn drop_near_duplicates(&mut self) -> Result<DataSummary> {
        self.find_near_duplicates(&mut |_| true)?;
        self.hide(CleaningKind::DropNearDuplicates, NEAR_DUPLICATES)
    }

    /// Hides rows without text. Without any, no step is recorded.
    ///
    /// # Errors
    /// Those of the database.
    pub fn drop_empty(&mut self) -> Result<DataSummary> {
        self.hide(CleaningKind::DropEmpty, EMPTY)
    }

    /// Shows the rows again that `step` hid; taking back a step twice changes nothing.
    ///
    /// # Errors
    /// `UnknownStep`, and those of the database.
    pub fn undo_cleaning(&mut self, step: u32) -> Result<DataSummary> {
        let tx = self.write()?;
        let undone: Option<bool> = tx
            .query_row(
                "SELECT undone_at IS NOT NULL FROM cleaning_step WHERE id = ?1",
                [step],
                |row| row.get(0),
            )
            .optional()?;
        if !undone.ok_or(DataError::UnknownStep { id: step })? {
            tx.execute(
                "UPDATE cleaning_step SET undone_at = ?2 WHERE id = ?1",
                params![step, now(&tx)?],
            )?;
            let rows = tx.execute("UPDATE state SET hidden_by = NULL WHERE hidden_by = ?1", [step])?;
            append(&tx, "cleaning_undone", &json!({ "step": step, "rows": rows }))?;
        }
        tx.commit()?;
        self.summary()
    }

    fn hide(&mut self, kind: CleaningKind, which: &str) -> Result<DataSummary> {
        let tx = self.write()?;
        tx.execute(
            "INSERT INTO cleaning_step (kind, rows_hidden, at) VALUES (?1, 0, ?2)",
            params![to_word(&kind)?, now(&tx)?],
        )?;
        let step = tx.last_insert_rowid();
        let hide = format!("UPDATE state SET hidden_by = ?1 WHERE example IN ({which})");
        let rows = tx.execute(&hide, [step])?;
        if rows > 0 {
            tx.execute(
                "UPDATE cleaning_step SET rows_hidden = ?2 WHERE id = ?1",
                params![step, rows as i64],
            )?;
            append(
                &tx,
                "cleaned",
                &json!({ "step": step, "kind": kind, "rows": rows }),
            )?;
            tx.commit()?;
        } else {
            tx.rollback()?;
        }
        self.summary()
    }
}

/// All steps, the oldest first.
pub(super) fn steps(db: &Connection) -> Result<Vec<CleaningStep>> {
    let mut query = db.prepare_cached(
        "SELECT id, kind, rows_hidden, at, undone_at IS NOT NULL FROM cleaning_step ORDER BY id",
    )?;
    let mut rows = query.query([])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        steps.push(CleaningStep {
            id: row.get(0)?,
            kind: from_word(row.get(1)?)?,
            rows_hidden: row.get(2)?,
            at: row.get(3)?,
            undone: row.get(4)?,
        });
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{options, project_with};
    use crate::types::{ColumnRole, Part, RowFilter};

    fn visible(project: &Project) -> Vec<u32> {
        project.rows_page(&RowFilter::default(), 0, 100).unwrap().id
    }

    #[test]
    fn duplicates_go_and_come_back() {
        let csv = "text,label\nsame  text,x\nother,y\n same text ,x\nsame text,\nsame text,x\n";
        let (_place, mut project) = project_with(csv);
        assert_eq!(project.summary().unwrap().duplicate_rows, 3);
        let summary = project.drop_duplicates().unwrap();
        assert_eq!((summary.rows, summary.hidden, summary.duplicate_rows), (2, 3, 0));
        assert_eq!(visible(&project), [1, 2]);
        assert_eq!(
            project.drop_duplicates().unwrap().cleaning.len(),
            1,
            "nothing to drop is no step"
        );
        let summary = project.undo_cleaning(1).unwrap();
        assert_eq!(
            (
                summary.rows,
                summary.cleaning[0].rows_hidden,
                summary.cleaning[0].undone
            ),
            (5, 3, true)
        );
        assert_eq!(project.undo_cleaning(1).unwrap().rows, 5);
        assert!(matches!(
            project.undo_cleaning(7),
            Err(DataError::UnknownStep { id: 7 })
        ));
    }

    #[test]
    fn a_text_with_two_labels_is_left_to_the_expert() {
        let (_place, mut project) = project_with("text,label\nsame,x\nsame,y\nsame,y\nb,x\n");
        assert_eq!(project.summary().unwrap().conflicting_texts, 1);
        project.drop_duplicates().unwrap();
        assert_eq!(visible(&project), [1, 2, 4]);
        assert_eq!(project.summary().unwrap().conflicting_texts, 1);
    }

    #[test]
    fn unlabelled_repetitions_keep_one_row() {
        let (_place, mut project) = project_with("text,label\nsame,\nsame,\nb,x\n");
        project.drop_duplicates().unwrap();
        assert_eq!(visible(&project), [1, 3]);
    }

    #[test]
    fn of_texts_that_are_nearly_the_same_one_stays_and_other_labels_are_left_to_the_expert() {
        let text = |word: &str| {
            format!("the tenant shall return the keys on the last day of the {word} and leave the flat swept")
        };
        let rows = [("lease", ""), ("term", "x"), ("year", "x"), ("month", "y")];
        let rows: String = rows
            .iter()
            .map(|(word, label)| format!("{},{label}\n", text(word)))
            .collect();
        let (_place, mut project) = project_with(&format!(
            "text,label\n{rows}quite another text about roofs and walls,x\n"
        ));
        let summary = project.drop_near_duplicates().unwrap();
        assert_eq!(
            (summary.rows, summary.cleaning[0].kind),
            (3, CleaningKind::DropNearDuplicates)
        );
        assert_eq!(visible(&project), [2, 4, 5]);
        assert_eq!(project.undo_cleaning(1).unwrap().rows, 5);
    }

    #[test]
    fn empty_texts_are_hidden_by_their_own_step() {
        let (_place, mut project) = project_with("text,label\na,x\n ,y\n,y\n");
        assert_eq!(
            project.drop_duplicates().unwrap().rows,
            3,
            "empty texts are no duplicates"
        );
        let summary = project.drop_empty().unwrap();
        assert_eq!((summary.rows, summary.empty_texts), (1, 0));
        assert_eq!(summary.cleaning[0].kind, CleaningKind::DropEmpty);
    }

    #[test]
    fn the_official_test_row_stays_when_a_training_row_repeats_it() {
        let (_place, mut project) = project_with("text,label\nsame,x\nb,y\n");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "text,label\nsame,x\nc,y\n").unwrap();
        let roles = options(&[ColumnRole::Text, ColumnRole::Label]);
        project
            .import_part(file.path(), &roles, Part::Test, &mut |_, _| true)
            .unwrap();
        project.drop_duplicates().unwrap();
        assert_eq!(visible(&project), [2, 3, 4]);
    }
}
