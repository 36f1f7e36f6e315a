//! What people note about texts: not sure, a flag, a comment. A log that only grows, and what holds now.

use rusqlite::{Connection, params};

use super::project::Project;
use super::sql::{from_word, now, number, to_word};
use crate::error::{DataError, Result};
use crate::types::{ExampleDetail, Mark, MarkKind};

/// Characters of a comment.
const LONGEST: usize = 10_000;

impl Project {
    /// Notes something about a text, or takes it back (`None`). On disk when this returns.
    ///
    /// # Errors
    /// `UnknownExample`, and those of the database.
    pub fn set_mark(
        &mut self,
        example: u32,
        kind: MarkKind,
        value: Option<&str>,
        who: &str,
    ) -> Result<ExampleDetail> {
        let word = to_word(&kind)?;
        let value = value.map(|value| value.trim().chars().take(LONGEST).collect::<String>());
        // A comment without words is none.
        let value = value.filter(|value| kind != MarkKind::Comment || !value.is_empty());
        let tx = self.write()?;
        if number(&tx, "SELECT count(*) FROM example WHERE id = ?1", [example])? == 0 {
            return Err(DataError::UnknownExample { id: example });
        }
        tx.execute(
            "INSERT INTO mark (example, kind, value, who, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![example, word, value, who, now(&tx)?],
        )?;
        match &value {
            Some(value) => tx.execute(
                "INSERT OR REPLACE INTO marked (example, kind, value) VALUES (?1, ?2, ?3)",
                params![example, word, value],
            )?,
            None => tx.execute(
                "DELETE FROM marked WHERE example = ?1 AND kind = ?2",
                params![example, word],
            )?,
        };
        tx.commit()?;
        self.example(example)
    }
}

/// What holds of a text.
pub(super) fn marks(db: &Connection, example: u32) -> Result<Vec<Mark>> {
    let mut query = db.prepare_cached(
        "SELECT kind, value FROM marked WHERE kind IN ('unsure', 'flag', 'comment') AND example = ?1 ORDER BY kind",
    )?;
    let found = query.query_map([example], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let mut marks = Vec::new();
    for mark in found {
        let (kind, value) = mark?;
        marks.push(Mark {
            kind: from_word(kind)?,
            value,
        });
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::project_with;
    use crate::types::{OnlyRows, RowFilter};

    #[test]
    fn what_is_noted_is_found_again_and_can_be_taken_back() {
        let (_place, mut project) = project_with("text,label\na,x\nb,\n");
        project.set_mark(2, MarkKind::Unsure, Some(""), "me").unwrap();
        let detail = project
            .set_mark(2, MarkKind::Comment, Some(" see § 5 "), "me")
            .unwrap();
        let comment = Mark {
            kind: MarkKind::Comment,
            value: "see § 5".to_owned(),
        };
        assert_eq!(detail.marks.len(), 2);
        assert!(detail.marks.contains(&comment));
        let only = |only| RowFilter {
            only,
            ..RowFilter::default()
        };
        let ids = |project: &Project, what| project.rows_page(&only(what), 0, 9).unwrap().id;
        assert_eq!(
            (ids(&project, OnlyRows::Unsure), ids(&project, OnlyRows::Flagged)),
            (vec![2], vec![])
        );
        assert_eq!(ids(&project, OnlyRows::Commented), [2]);
        project.set_mark(2, MarkKind::Unsure, None, "me").unwrap();
        let detail = project.set_mark(2, MarkKind::Comment, Some("  "), "me").unwrap();
        assert_eq!(detail.marks, []);
        let log = number(&project.db, "SELECT count(*) FROM mark", []).unwrap();
        assert_eq!(log, 4, "the log keeps everything");
    }

    #[test]
    fn a_row_that_is_not_there_cannot_be_marked() {
        let (_place, mut project) = project_with("text,label\na,x\nb,\n");
        assert!(matches!(
            project.set_mark(9, MarkKind::Flag, Some(""), "me"),
            Err(DataError::UnknownExample { id: 9 })
        ));
    }
}
