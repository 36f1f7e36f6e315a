//! What a run's model answered for the rows of a part.

use rusqlite::types::Type;
use rusqlite::{Row, params};

use super::project::Project;
use super::sql::{number, to_json};
use crate::error::{DataError, Result};
use crate::types::Part;

/// The most rows a page of wrong answers may have.
const PAGE_LIMIT: u32 = 1_000;

/// A model's answer for one row. Classes are indexes into the run's own list of labels.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StoredPrediction {
    /// The row.
    pub example: u32,
    /// The classes the expert gave.
    pub gold: Vec<usize>,
    /// The classes the model gave.
    pub predicted: Vec<usize>,
    /// The model's probability for its answer, 0 to 1; where a row may have several labels, for the least certain of its
    /// decisions.
    pub confidence: f64,
    /// Its probabilities for all classes.
    pub probabilities: Vec<f32>,
    /// Whether the text is unlike those that the model learned from; `None` of answers of earlier versions.
    pub unfamiliar: Option<bool>,
}

/// A row of the test part that the model got wrong.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct WrongRow {
    /// The row.
    pub example: u32,
    /// Its text, cut at 300 characters.
    pub text: String,
    /// The classes the expert gave.
    pub gold: Vec<usize>,
    /// The classes the model gave.
    pub predicted: Vec<usize>,
    /// As in [`StoredPrediction`].
    pub confidence: f64,
}

/// Which wrong answers are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhichWrong {
    /// Rows that carry this class without the model saying so.
    pub gold: Option<usize>,
    /// Rows where the model says this class and the expert does not.
    pub predicted: Option<usize>,
    /// Only these rows.
    pub only: Option<Vec<u32>>,
}

/// Whence a row and its label came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOrigin {
    /// The imported file.
    pub source: String,
    /// When somebody gave it the label that it was judged by, as this machine's clock says; `None` when the label came with the file.
    pub labelled_at: Option<String>,
}

impl Project {
    /// Stores a run's answers for a part in place of earlier ones.
    ///
    /// # Errors
    /// `UnknownRun`, `UnknownExample`, and those of the database.
    pub fn save_predictions(&mut self, run: &str, part: Part, rows: &[StoredPrediction]) -> Result<()> {
        self.known_run(run)?;
        let tx = self.write()?;
        tx.execute(
            "DELETE FROM prediction WHERE run = ?1 AND part = ?2",
            params![run, part],
        )?;
        let known = "SELECT count(*) FROM example WHERE id = ?1";
        let mut insert =
            tx.prepare_cached("INSERT INTO prediction VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
        for row in rows {
            if number(&tx, known, [row.example])? == 0 {
                return Err(DataError::UnknownExample { id: row.example });
            }
            let bytes: Vec<u8> = row.probabilities.iter().flat_map(|p| p.to_le_bytes()).collect();
            insert.execute(params![
                run,
                part,
                row.example,
                to_json(&row.gold)?,
                to_json(&row.predicted)?,
                row.confidence,
                bytes,
                row.unfamiliar
            ])?;
        }
        drop(insert);
        Ok(tx.commit()?)
    }

    /// A run's answers for a part, in the order of the rows.
    ///
    /// # Errors
    /// `UnknownRun`, and those of the database.
    pub fn predictions(&self, run: &str, part: Part) -> Result<Vec<StoredPrediction>> {
        self.known_run(run)?;
        let mut query = self.db.prepare_cached(
            "SELECT example, gold, predicted, confidence, probabilities, unfamiliar FROM prediction
             WHERE run = ?1 AND part = ?2 ORDER BY example",
        )?;
        let rows = query.query_map(params![run, part], |row| {
            let bytes: Vec<u8> = row.get(4)?;
            let (floats, _) = bytes.as_chunks();
            Ok(StoredPrediction {
                example: row.get(0)?,
                gold: classes(row, 1)?,
                predicted: classes(row, 2)?,
                confidence: row.get(3)?,
                probabilities: floats.iter().map(|float| f32::from_le_bytes(*float)).collect(),
                unfamiliar: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The rows of the test part that the run got wrong, the most confident first: how many pass the filter, and a page
    /// of them.
    ///
    /// # Errors
    /// `UnknownRun`, and those of the database.
    pub fn wrong_predictions(
        &self,
        run: &str,
        which: &WhichWrong,
        offset: u32,
        limit: u32,
    ) -> Result<(u32, Vec<WrongRow>)> {
        self.known_run(run)?;
        const WRONG: &str = "FROM prediction p WHERE run = ?1 AND part = 2 AND gold <> predicted
             AND (?2 IS NULL OR ?2 IN (SELECT value FROM json_each(gold)) AND ?2 NOT IN (SELECT value FROM json_each(predicted)))
             AND (?3 IS NULL OR ?3 IN (SELECT value FROM json_each(predicted)) AND ?3 NOT IN (SELECT value FROM json_each(gold)))
             AND (?4 IS NULL OR example IN (SELECT value FROM json_each(?4)))";
        let tx = self.read()?;
        let [gold, predicted] = [which.gold, which.predicted].map(|class| class.map(|index| index as i64));
        let only = which.only.as_ref().map(to_json).transpose()?;
        let total = number(
            &tx,
            &format!("SELECT count(*) {WRONG}"),
            params![run, gold, predicted, only],
        )?;
        let mut query = tx.prepare_cached(&format!(
            "SELECT example, gold, predicted, confidence,
             (SELECT substr(head, 1, 300) FROM present_text WHERE present_text.example = p.example)
             {WRONG} ORDER BY confidence DESC, example LIMIT ?5 OFFSET ?6"
        ))?;
        let rows = query.query_map(
            params![run, gold, predicted, only, limit.min(PAGE_LIMIT), offset],
            |row| {
                Ok(WrongRow {
                    example: row.get(0)?,
                    gold: classes(row, 1)?,
                    predicted: classes(row, 2)?,
                    confidence: row.get(3)?,
                    text: row.get(4)?,
                })
            },
        )?;
        Ok((total, rows.collect::<rusqlite::Result<_>>()?))
    }

    /// Whence the rows of a run's test part came, in the order of [`Project::predictions`].
    ///
    /// # Errors
    /// `UnknownRun`, and those of the database.
    pub fn origins_of_judged(&self, run: &str) -> Result<Vec<RowOrigin>> {
        self.known_run(run)?;
        // The label that the run was judged by: the last one given before the run was made.
        let mut query = self.db.prepare_cached(
            "SELECT (SELECT file_name FROM source WHERE id = e.source), datetime(a.at, 'localtime'), a.kind
             FROM prediction p JOIN example e ON e.id = p.example
             LEFT JOIN annotation last ON last.id = (
                 SELECT max(id) FROM annotation WHERE example = p.example
                 AND at <= (SELECT created_at FROM run WHERE id = ?1))
             -- An undo brings back what was given before.
             LEFT JOIN annotation a ON a.id = (
                 SELECT max(id) FROM annotation WHERE example = p.example AND id <= last.id
                 AND kind IN ('import', 'set') AND label_set IS last.label_set)
             WHERE p.run = ?1 AND p.part = 2 ORDER BY p.example",
        )?;
        let rows = query.query_map([run], |row| {
            let kind: Option<String> = row.get(2)?;
            let at: Option<String> = row.get(1)?;
            Ok(RowOrigin {
                source: row.get(0)?,
                labelled_at: at.filter(|_| kind.is_some_and(|kind| kind != "import")),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// A list of classes as it is stored.
fn classes(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<usize>> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RunRecord;
    use crate::store::testing::project_with;
    use crate::types::RunStatus;

    fn answer(example: u32, gold: usize, predicted: usize, confidence: f64) -> StoredPrediction {
        StoredPrediction {
            example,
            gold: vec![gold],
            predicted: vec![predicted],
            confidence,
            probabilities: vec![0.25, 0.75],
            unfamiliar: None,
        }
    }

    fn project_with_run() -> (tempfile::TempDir, Project) {
        let (place, mut project) = project_with("text,label\na,x\nb,y\nc,x\nd,y\n");
        let run = RunRecord {
            id: "r1".to_owned(),
            status: RunStatus::Running,
            model: "minilm".to_owned(),
            created_at: "2026-01-01T00:00:00Z".to_owned(),
            settings: serde_json::json!({}),
            split_version: None,
            summary: None,
            reason: None,
        };
        project.insert_run(&run).unwrap();
        (place, project)
    }

    #[test]
    fn predictions_replace_those_of_the_same_part() {
        let (_place, mut project) = project_with_run();
        project
            .save_predictions("r1", Part::Test, &[answer(1, 0, 1, 0.9)])
            .unwrap();
        project
            .save_predictions("r1", Part::Validation, &[answer(2, 1, 1, 0.8)])
            .unwrap();
        let newer = [
            StoredPrediction {
                unfamiliar: Some(true),
                ..answer(3, 0, 0, 0.75)
            },
            StoredPrediction {
                unfamiliar: Some(false),
                ..answer(4, 1, 0, 0.6)
            },
        ];
        project.save_predictions("r1", Part::Test, &newer).unwrap();
        assert_eq!(project.predictions("r1", Part::Test).unwrap(), newer);
        assert_eq!(project.predictions("r1", Part::Validation).unwrap().len(), 1);
    }

    #[test]
    fn a_prediction_for_no_row_keeps_the_earlier_ones() {
        let (_place, mut project) = project_with_run();
        project
            .save_predictions("r1", Part::Test, &[answer(1, 0, 1, 0.9)])
            .unwrap();
        let refused = project.save_predictions("r1", Part::Test, &[answer(99, 0, 1, 0.9)]);
        assert!(matches!(refused, Err(DataError::UnknownExample { id: 99 })));
        assert_eq!(project.predictions("r1", Part::Test).unwrap().len(), 1);
        assert!(matches!(
            project.predictions("r2", Part::Test),
            Err(DataError::UnknownRun { .. })
        ));
    }

    #[test]
    fn wrong_answers_come_most_confident_first_and_can_be_narrowed() {
        let (_place, mut project) = project_with_run();
        let rows = [
            answer(1, 0, 1, 0.6),
            answer(2, 1, 0, 0.7),
            answer(3, 0, 1, 0.9),
            answer(4, 1, 1, 0.99),
        ];
        project.save_predictions("r1", Part::Test, &rows).unwrap();
        let all = WhichWrong::default();
        let (total, wrong) = project.wrong_predictions("r1", &all, 0, 2).unwrap();
        let seen: Vec<_> = wrong.iter().map(|row| (row.example, row.text.as_str())).collect();
        assert_eq!((total, seen), (3, vec![(3, "c"), (2, "b")]));
        let confused = WhichWrong {
            gold: Some(0),
            predicted: Some(1),
            only: None,
        };
        let (total, wrong) = project.wrong_predictions("r1", &confused, 1, 5).unwrap();
        assert_eq!((total, wrong[0].example), (2, 1));
        let only = WhichWrong {
            only: Some(vec![2, 4]),
            ..WhichWrong::default()
        };
        let (total, wrong) = project.wrong_predictions("r1", &only, 0, 5).unwrap();
        assert_eq!((total, wrong[0].example), (1, 2), "the other is right");
    }

    #[test]
    fn a_label_is_as_old_as_when_it_was_given_before_the_run() {
        let (_place, mut project) = project_with_run();
        let run = RunRecord {
            id: "later".to_owned(),
            created_at: "2999-01-01T00:00:00Z".to_owned(),
            ..project.run("r1").unwrap().unwrap()
        };
        project.insert_run(&run).unwrap();
        let label = project.label_state().unwrap().labels[0].id;
        project.annotate(2, Some(&[label]), "me").unwrap();
        for run in ["r1", "later"] {
            let rows = [answer(1, 0, 1, 0.6), answer(2, 1, 0, 0.7)];
            project.save_predictions(run, Part::Test, &rows).unwrap();
        }
        let by_hand = |project: &Project, run: &str| -> Vec<bool> {
            let origins = project.origins_of_judged(run).unwrap();
            assert!(!origins[0].source.is_empty());
            origins
                .iter()
                .map(|origin| origin.labelled_at.is_some())
                .collect()
        };
        assert_eq!(by_hand(&project, "later"), [false, true]);
        assert_eq!(
            by_hand(&project, "r1"),
            [false, false],
            "it was given after that run"
        );
        project.undo_annotation("me").unwrap();
        assert_eq!(
            by_hand(&project, "later"),
            [false, false],
            "the file's label is back"
        );
    }

    #[test]
    fn of_several_labels_the_missed_and_the_wrongly_given_can_be_told_apart() {
        let (_place, mut project) = project_with_run();
        let several = |example, gold: &[usize], predicted: &[usize]| StoredPrediction {
            gold: gold.to_vec(),
            predicted: predicted.to_vec(),
            ..answer(example, 0, 0, 0.9)
        };
        let rows = [
            several(1, &[0, 1], &[0]),
            several(2, &[], &[1]),
            several(3, &[0, 1], &[0, 1]),
            several(4, &[1], &[0, 1]),
        ];
        project.save_predictions("r1", Part::Test, &rows).unwrap();
        assert_eq!(project.predictions("r1", Part::Test).unwrap(), rows);
        let wrong = |gold, predicted| {
            let which = WhichWrong {
                gold,
                predicted,
                only: None,
            };
            let (_, wrong) = project.wrong_predictions("r1", &which, 0, 9).unwrap();
            wrong.into_iter().map(|row| row.example).collect::<Vec<_>>()
        };
        assert_eq!(wrong(None, None), [1, 2, 4]);
        assert_eq!(wrong(Some(1), None), [1], "label 1 was missed");
        assert_eq!(wrong(None, Some(1)), [2], "label 1 was given wrongly");
        assert_eq!(wrong(None, Some(0)), [4]);
    }
}
