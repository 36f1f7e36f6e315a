//! What the helper asks of the project: which texts there are to read, what they are called, which are still without a label.

use rusqlite::OptionalExtension;

use super::label_sets::Sets;
use super::project::Project;
use super::sql::number;
use super::vectors::TextHash;
use crate::error::{DataError, Result};
use crate::text::content_hash;
use crate::types::Among;

/// A row that carries labels, or says that none applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledRow {
    /// Its id.
    pub example: u32,
    /// Hash of its present text.
    pub hash: TextHash,
    /// Ids of its labels, ascending.
    pub labels: Vec<u32>,
}

impl Project {
    /// Visible rows with a text after `after`, at most `limit`, by their ids.
    ///
    /// # Errors
    /// Those of the database.
    pub fn text_hashes(&self, after: u32, limit: u32) -> Result<Vec<(u32, TextHash)>> {
        let mut query = self.db.prepare_cached(
            "SELECT example, text_hash FROM state WHERE example > ?1 AND +hidden_by IS NULL AND +length > 0
             ORDER BY example LIMIT ?2",
        )?;
        let rows = query.query_map([after, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How many visible rows have a text.
    ///
    /// # Errors
    /// Those of the database.
    pub fn visible_texts(&self) -> Result<u32> {
        number(
            &self.db,
            "SELECT count(*) FROM state WHERE hidden_by IS NULL AND length > 0",
            [],
        )
    }

    /// The present texts of these rows, in their order; of a longer one the first `characters`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn texts_of(&self, examples: &[u32], characters: usize) -> Result<Vec<String>> {
        let mut query = self
            .db
            .prepare_cached("SELECT substr(text, 1, ?2) FROM present_text WHERE example = ?1")?;
        let text = |example: &u32| query.query_row([*example, characters as u32], |row| row.get(0));
        Ok(examples.iter().map(text).collect::<rusqlite::Result<_>>()?)
    }

    /// The beginning of a row's present text, at most 300 characters, and its labels; `None` where it has none.
    ///
    /// # Errors
    /// `UnknownExample`.
    pub fn head_of(&self, example: u32) -> Result<(String, Option<Vec<u32>>)> {
        let mut query = self.db.prepare_cached(
            "SELECT substr(head, 1, 300), label_set FROM state JOIN present_text USING (example) WHERE example = ?1",
        )?;
        let (head, set) = query
            .query_row([example], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
            .ok_or(DataError::UnknownExample { id: example })?;
        Ok((head, Sets::default().of(&self.db, set)?))
    }

    /// The visible, labelled rows with a text, by their ids.
    ///
    /// # Errors
    /// Those of the database.
    pub fn labelled_rows(&self) -> Result<Vec<LabelledRow>> {
        let tx = self.read()?;
        let mut query = tx.prepare_cached(
            "SELECT example, text_hash, label_set FROM state
             WHERE hidden_by IS NULL AND label_set IS NOT NULL AND length > 0",
        )?;
        let mut sets = Sets::default();
        let mut found = Vec::new();
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            found.push(LabelledRow {
                example: row.get(0)?,
                hash: row.get(1)?,
                labels: sets.members(&tx, row.get(2)?)?.to_vec(),
            });
        }
        found.sort_unstable_by_key(|row| row.example);
        Ok(found)
    }

    /// Visible rows with a text, of those asked for, by their ids: how many there are, and all of them, or where there are
    /// more than `most` every so many.
    ///
    /// # Errors
    /// Those of the database.
    pub fn rows_among(&self, among: Among, most: u32) -> Result<(u32, Vec<(u32, TextHash)>)> {
        let which = format!(
            "FROM state WHERE hidden_by IS NULL AND length > 0 AND {}",
            condition(among)
        );
        let tx = self.read()?;
        let all = number(&tx, &format!("SELECT count(*) {which}"), [])?;
        // By a hash of the number (Knuth's multiplicative one), so that no rhythm in the file is hit.
        let step = all.div_ceil(most.max(1)).max(1);
        let mut query = tx.prepare_cached(&format!(
            "SELECT example, text_hash {which} AND (((example * 2654435761) & 4294967295) >> 12) % ?1 = 0"
        ))?;
        let rows = query.query_map([step], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut found: Vec<(u32, TextHash)> = rows.collect::<rusqlite::Result<_>>()?;
        found.sort_unstable();
        Ok((all, found))
    }

    /// Whether a row is visible, has a text and is one of those.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_among(&self, example: u32, among: Among) -> Result<bool> {
        let sql = format!(
            "SELECT count(*) FROM state WHERE example = ?1 AND hidden_by IS NULL AND length > 0 AND {}",
            condition(among)
        );
        let mut query = self.db.prepare_cached(&sql)?;
        Ok(query.query_row([example], |row| row.get::<_, u32>(0))? == 1)
    }

    /// The hash of a visible row's present text; `None` where it is hidden or empty.
    ///
    /// # Errors
    /// Those of the database.
    pub fn text_hash(&self, example: u32) -> Result<Option<TextHash>> {
        let mut query = self.db.prepare_cached(
            "SELECT text_hash FROM state WHERE example = ?1 AND hidden_by IS NULL AND length > 0",
        )?;
        Ok(query.query_row([example], |row| row.get(0)).optional()?)
    }

    /// Whether the project has this text already, apart from spaces, hidden rows included.
    ///
    /// # Errors
    /// Those of the database.
    pub fn has_text(&self, text: &str) -> Result<bool> {
        let mut query = self
            .db
            .prepare_cached("SELECT 1 FROM example WHERE text_hash = ?1 LIMIT 1")?;
        Ok(query.exists([content_hash(text)])?)
    }

    /// Whether a visible row carries just these labels.
    ///
    /// # Errors
    /// Those of the database.
    pub fn carries(&self, example: u32, labels: &[u32]) -> Result<bool> {
        let mut query = self.db.prepare_cached(
            "SELECT label_set FROM state WHERE example = ?1 AND hidden_by IS NULL AND label_set IS NOT NULL",
        )?;
        let set: Option<u32> = query.query_row([example], |row| row.get(0)).optional()?;
        Ok(match Sets::default().of(&self.db, set)? {
            Some(carried) => carried == labels,
            None => false,
        })
    }

    /// Whether somebody gave a row the labels that it carried already: to say that they are right.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_confirmed(&self, example: u32) -> Result<bool> {
        const WHICH: &str = "SELECT EXISTS (SELECT 1 FROM annotation JOIN state USING (example)
             WHERE example = ?1 AND kind = 'set' AND annotation.label_set = previous
               AND annotation.label_set = state.label_set
               AND (SELECT later.kind FROM annotation AS later WHERE later.target = annotation.id
                    ORDER BY later.id DESC LIMIT 1) IS NOT 'undo')";
        Ok(number(&self.db, WHICH, [example])? == 1)
    }

    /// A visible row with a text and without a label, by chance, another one than `but`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn random_unlabelled(&self, but: Option<u32>) -> Result<Option<u32>> {
        /// Draws before all open rows are counted: enough where one in ten is open.
        const DRAWS: usize = 40;
        let mut draw = self
            .db
            .prepare_cached("SELECT 1 + abs(random() % (SELECT coalesce(max(example), 1) FROM state))")?;
        for _ in 0..DRAWS {
            let drawn = draw.query_row([], |row| row.get(0))?;
            if Some(drawn) != but && self.is_among(drawn, Among::Unlabelled)? {
                return Ok(Some(drawn));
            }
        }
        const OPEN: &str =
            "FROM state WHERE hidden_by IS NULL AND label_set IS NULL AND length > 0 AND example IS NOT ?1";
        let open = number(&self.db, &format!("SELECT count(*) {OPEN}"), [but])?;
        let mut query = self.db.prepare_cached(&format!(
            "SELECT example {OPEN} LIMIT 1 OFFSET abs(random() % max(1, ?2))"
        ))?;
        Ok(query
            .query_row(rusqlite::params![but, open], |row| row.get(0))
            .optional()?)
    }
}

/// What says of a row of `state` that it is one of those.
fn condition(among: Among) -> String {
    match among {
        Among::All => "1".to_owned(),
        Among::Unlabelled => "label_set IS NULL".to_owned(),
        Among::Labelled => "label_set IS NOT NULL".to_owned(),
        Among::Label { id } => {
            format!("label_set IN (SELECT label_set FROM label_set_member WHERE label = {id})")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::store::testing::project_with;
    use crate::types::Among;

    #[test]
    fn rows_are_told_apart_by_what_the_helper_needs() {
        let (_place, project) = project_with("text,label\nfirst,x\nsecond,\n,y\nfourth,y\nfirst,\n");
        let labelled = project.labelled_rows().unwrap();
        let told: Vec<(u32, &[u32])> = labelled
            .iter()
            .map(|row| (row.example, &row.labels[..]))
            .collect();
        assert_eq!(told, [(1, &[1][..]), (4, &[2][..])]);
        let unlabelled = project.rows_among(Among::Unlabelled, 10).unwrap().1;
        assert_eq!(unlabelled.iter().map(|(id, _)| *id).collect::<Vec<u32>>(), [2, 5]);
        assert_eq!(unlabelled[1].1, labelled[0].hash, "the same text");
        assert_eq!(project.text_hash(1).unwrap(), Some(labelled[0].hash));
        assert_eq!(project.text_hash(3).unwrap(), None, "nothing to read");
        assert!(project.has_text(" second ").unwrap() && !project.has_text("Second").unwrap());
        let hashes = project.text_hashes(1, 2).unwrap();
        assert_eq!(hashes.iter().map(|(id, _)| *id).collect::<Vec<u32>>(), [2, 4]);
        assert_eq!(project.visible_texts().unwrap(), 4);
        assert_eq!(project.texts_of(&[4, 1], 3).unwrap(), ["fou", "fir"]);
    }

    #[test]
    fn rows_are_carried_confirmed_and_drawn() {
        let (_place, mut project) = project_with("text,label\nfirst,x\nsecond,\nthird,y\n");
        assert!(project.carries(1, &[1]).unwrap() && !project.carries(1, &[2]).unwrap());
        assert!(!project.carries(2, &[]).unwrap());
        let is = |example, among| project.is_among(example, among).unwrap();
        assert!(is(2, Among::Unlabelled) && !is(1, Among::Unlabelled) && is(1, Among::Labelled));
        assert!(is(1, Among::Label { id: 1 }) && !is(3, Among::Label { id: 1 }) && is(3, Among::All));
        let (all, rows) = project.rows_among(Among::Label { id: 2 }, 10).unwrap();
        assert_eq!((all, rows[0].0, rows.len()), (1, 3, 1));
        assert!(!project.is_confirmed(1).unwrap());
        project.annotate(1, Some(&[1]), "me").unwrap();
        assert!(project.is_confirmed(1).unwrap());
        project.undo_annotation("me").unwrap();
        assert!(!project.is_confirmed(1).unwrap(), "taken back");
        project.redo_annotation("me").unwrap();
        project.annotate(1, Some(&[2]), "me").unwrap();
        assert!(!project.is_confirmed(1).unwrap(), "that was about another label");
        assert_eq!(project.random_unlabelled(None).unwrap(), Some(2));
        assert_eq!(project.random_unlabelled(Some(2)).unwrap(), None);
    }

    #[test]
    fn chance_is_fair_to_rows_after_a_long_labelled_stretch_and_samples_follow_no_rhythm() {
        let rows: String = (0..600)
            .map(|i| format!("text {i},{}\n", if i < 500 { "x" } else { "" }))
            .collect();
        let (_place, project) = project_with(&format!("text,label\nfirst,y\n{rows}"));
        let drawn: Vec<u32> = (0..200)
            .filter_map(|_| project.random_unlabelled(None).unwrap())
            .collect();
        let first = drawn.iter().filter(|id| **id == 502).count();
        assert!(drawn.len() == 200 && first < 20, "{first}");
        let even: String = (0..1_000)
            .map(|i| format!("text {i},{}\n", if i % 2 == 1 { "x" } else { "" }))
            .collect();
        let (_other_place, project) = project_with(&format!("text,label\nfirst,y\n{even}"));
        assert!((150..=350).contains(&project.rows_among(Among::Unlabelled, 250).unwrap().1.len()));
    }

    #[test]
    fn of_many_rows_about_as_many_as_asked_for_are_taken() {
        let rows: String = (0..1_000).map(|i| format!("text {i},\n")).collect();
        let (_place, project) = project_with(&format!("text,label\n{rows}"));
        let found = project.rows_among(Among::Unlabelled, 100).unwrap().1.len();
        assert!((80..=110).contains(&found), "{found}");
    }
}
