//! What the texts are now: the raw ones, with corrections by hand and the rules in force.

use rayon::prelude::*;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;

use super::audit::append;
use super::project::{Project, read_setting};
use super::search::IndexChanges;
use super::sql::{from_json, now, number};
use super::{HEAD_CHARS, LONG_TEXT};
use crate::clean::Pipeline;
use crate::error::{DataError, Result};
use crate::text::{content_hash, head, length};
use crate::types::{CleaningRule, EditEntry, ExampleDetail, TextRule};

/// The setting that counts how often texts were changed.
const VERSION: &str = "text_version";

/// Rows that are worked on together.
const CHUNK: u32 = 4_096;

impl Project {
    /// The rules in force that change texts, in their order: what a text must go through before a model that learnt from
    /// this project's texts is asked about it.
    ///
    /// # Errors
    /// Those of the database.
    pub fn text_rules(&self) -> Result<Vec<TextRule>> {
        text_rules(&self.db)
    }

    /// Puts a corrected text in the place of the imported one, or takes the correction back (`None`). The rules in force
    /// apply to it as to any other. The imported text stays beside it, and every correction is kept.
    ///
    /// # Errors
    /// `UnknownExample`, `EmptyText`, and those of the database.
    pub fn edit_text(&mut self, example: u32, text: Option<&str>, who: &str) -> Result<ExampleDetail> {
        if text.is_some_and(|text| text.trim().is_empty()) {
            return Err(DataError::EmptyText);
        }
        let tx = self.write()?;
        let pipeline = Pipeline::new(&text_rules(&tx)?);
        correct(&tx, &pipeline, example, text, who)?;
        tx.commit()?;
        self.example(example)
    }
}

/// Adds the texts that the rules in force changed at an import to what their steps tell.
pub(super) fn count_changes(tx: &Transaction<'_>, changed: &[u32]) -> Result<()> {
    let mut query = tx.prepare("SELECT id, rule FROM cleaning_step WHERE undone_at IS NULL ORDER BY id")?;
    let steps = query.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?)))?;
    let mut of_texts = Vec::new();
    for step in steps {
        let (id, rule) = step?;
        if let CleaningRule::Texts(_) = from_json(&rule)? {
            of_texts.push(id);
        }
    }
    for (step, rows) in of_texts.into_iter().zip(changed) {
        tx.execute(
            "UPDATE cleaning_step SET rows = rows + ?2 WHERE id = ?1",
            params![step, rows],
        )?;
    }
    Ok(())
}

/// Puts a corrected text in the place of the imported one, or takes the correction back.
pub(super) fn correct(
    tx: &Transaction<'_>,
    pipeline: &Pipeline,
    example: u32,
    text: Option<&str>,
    who: &str,
) -> Result<()> {
    let raw: String = tx
        .prepare_cached("SELECT text FROM content WHERE example = ?1")?
        .query_row([example], |row| row.get(0))
        .optional()?
        .ok_or(DataError::UnknownExample { id: example })?;
    // A correction that says what stood there first is none.
    let text = text.filter(|text| *text != raw);
    if written(tx, example)?.as_deref() == text {
        return Ok(());
    }
    tx.prepare_cached("INSERT INTO edit (example, text, who, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![example, text, who, now(tx)?])?;
    let corrected = text.unwrap_or(&raw);
    let present = pipeline.apply(corrected).unwrap_or_else(|| corrected.to_owned());
    Changes::prepare(tx)?.set(example, &raw, &present)?;
    IndexChanges::begin(tx)?.set(tx, example, &present)?;
    bump(tx)?;
    append(
        tx,
        "text_edited",
        &json!({ "example": example, "who": who, "taken_back": text.is_none() }),
    )
}

/// The rules in force that change texts, in their order.
pub(super) fn text_rules(db: &Connection) -> Result<Vec<TextRule>> {
    let mut query =
        db.prepare_cached("SELECT rule FROM cleaning_step WHERE undone_at IS NULL ORDER BY id")?;
    let mut rows = query.query([])?;
    let mut rules = Vec::new();
    while let Some(row) = rows.next()? {
        if let CleaningRule::Texts(rule) = from_json(&row.get::<_, String>(0)?)? {
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// Fills this connection's list of the texts that come more than once, hidden ones included, unless it is known already:
/// labels do not change it, so it is worth keeping.
pub(super) fn find_repeated(db: &Connection) -> Result<()> {
    let now = texts_now(db)?;
    db.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS repeated (text_hash BLOB PRIMARY KEY) WITHOUT ROWID;
         CREATE TEMP TABLE IF NOT EXISTS repeated_as_of (texts TEXT);",
    )?;
    let known: Option<String> = db
        .prepare_cached("SELECT texts FROM temp.repeated_as_of")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if known.as_deref() == Some(now.as_str()) {
        return Ok(());
    }
    db.execute_batch(
        "DELETE FROM temp.repeated;
         DELETE FROM temp.repeated_as_of;
         INSERT INTO temp.repeated SELECT text_hash FROM state GROUP BY text_hash HAVING count(*) > 1;",
    )?;
    db.execute("INSERT INTO temp.repeated_as_of VALUES (?1)", [now])?;
    Ok(())
}

/// Which texts there are: the newest row, and how often texts were changed.
pub(super) fn texts_now(db: &Connection) -> Result<String> {
    let newest = number(db, "SELECT coalesce(max(id), 0) FROM example", [])?;
    let changed = read_setting(db, VERSION)?.unwrap_or_default();
    Ok(format!("{newest}/{changed}"))
}

fn bump(tx: &Transaction<'_>) -> Result<()> {
    tx.execute(
        "INSERT INTO setting VALUES (?1, '1') ON CONFLICT (key) DO UPDATE SET value = value + 1",
        [VERSION],
    )?;
    Ok(())
}

/// The text as it was corrected last; `None` where the imported one stands.
pub(super) fn written(db: &Connection, example: u32) -> Result<Option<String>> {
    let mut query = db.prepare_cached("SELECT text FROM edit WHERE example = ?1 ORDER BY id DESC LIMIT 1")?;
    Ok(query.query_row([example], |row| row.get(0)).optional()?.flatten())
}

/// Who corrected a text last; `None` when nobody did or it was taken back.
pub(super) fn edited(db: &Connection, example: u32) -> Result<Option<EditEntry>> {
    let mut query = db.prepare_cached(
        "SELECT who, at, text IS NOT NULL FROM edit WHERE example = ?1 ORDER BY id DESC LIMIT 1",
    )?;
    let found = query.query_row([example], |row| {
        let entry = EditEntry {
            who: row.get(0)?,
            at: row.get(1)?,
        };
        Ok((entry, row.get(2)?))
    });
    Ok(found
        .optional()?
        .and_then(|(entry, stands)| Some(entry).filter(|_| stands)))
}

/// The beginning of a text that is long enough to be stored with it.
pub(super) fn start(text: &str) -> Option<&str> {
    (text.len() > LONG_TEXT).then(|| head(text, HEAD_CHARS))
}

/// What is written about a text that changes.
struct Changes<'t> {
    change: rusqlite::CachedStatement<'t>,
    forget: rusqlite::CachedStatement<'t>,
    measure: rusqlite::CachedStatement<'t>,
}

impl<'t> Changes<'t> {
    fn prepare(tx: &'t Transaction<'_>) -> Result<Self> {
        Ok(Changes {
            change: tx.prepare_cached(
                "INSERT INTO changed_text (example, head, text) VALUES (?1, ?2, ?3)
                 ON CONFLICT (example) DO UPDATE SET head = excluded.head, text = excluded.text",
            )?,
            forget: tx.prepare_cached("DELETE FROM changed_text WHERE example = ?1")?,
            measure: tx.prepare_cached("UPDATE state SET length = ?2, text_hash = ?3 WHERE example = ?1")?,
        })
    }

    fn set(&mut self, example: u32, raw: &str, present: &str) -> Result<()> {
        if present == raw {
            self.forget.execute([example])?;
        } else {
            self.change.execute(params![example, start(present), present])?;
        }
        self.measure
            .execute(params![example, length(present), content_hash(present)])?;
        Ok(())
    }
}

struct Candidate {
    example: u32,
    visible: bool,
    raw: String,
    edited: Option<String>,
    present: Option<String>,
}

/// How many texts a rule changed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Changed {
    /// Of visible rows.
    pub(super) visible: u32,
    /// Hidden ones included.
    pub(super) all: u32,
}

/// Computes all texts again by the rules in force, and answers for each of them how many it changed. `progress`
/// is told the share that is done and answers whether to go on.
///
/// # Errors
/// `Cancelled`, and those of the database.
pub(super) fn rewrite(tx: &Transaction<'_>, progress: &mut dyn FnMut(f64) -> bool) -> Result<Vec<Changed>> {
    let rules = text_rules(tx)?;
    let pipeline = Pipeline::new(&rules);
    let total = number(tx, "SELECT coalesce(max(id), 0) FROM example", [])?;
    let mut counts = vec![Changed::default(); rules.len()];
    let mut changes = Changes::prepare(tx)?;
    let mut index = IndexChanges::begin(tx)?;
    let mut changed_any = false;
    let mut after = 0;
    loop {
        let chunk = candidates(tx, after)?;
        let Some(last) = chunk.last() else { break };
        after = last.example;
        let results: Vec<(Option<String>, Vec<bool>)> = chunk
            .par_iter()
            .map(|row| {
                let mut by_rule = vec![false; rules.len()];
                let corrected = row.edited.as_deref().unwrap_or(&row.raw);
                let present = pipeline.apply_each(corrected, |rule| by_rule[rule] = true);
                (present, by_rule)
            })
            .collect();
        for (row, (cleaned, by_rule)) in chunk.iter().zip(results) {
            for (count, changed) in counts.iter_mut().zip(by_rule) {
                count.all += u32::from(changed);
                count.visible += u32::from(changed && row.visible);
            }
            let present = cleaned.as_deref().or(row.edited.as_deref()).unwrap_or(&row.raw);
            if present != row.present.as_deref().unwrap_or(&row.raw) {
                changes.set(row.example, &row.raw, present)?;
                index.set(tx, row.example, present)?;
                changed_any = true;
            }
        }
        if !progress(f64::from(after) / f64::from(total.max(1))) {
            return Err(DataError::Cancelled);
        }
    }
    if changed_any {
        bump(tx)?;
    }
    Ok(counts)
}

fn candidates(tx: &Transaction<'_>, after: u32) -> Result<Vec<Candidate>> {
    let mut query = tx.prepare_cached(
        "SELECT c.example, s.hidden_by IS NULL, c.text, k.text,
                (SELECT text FROM edit WHERE edit.example = c.example ORDER BY id DESC LIMIT 1)
         FROM content c JOIN state s ON s.example = c.example LEFT JOIN changed_text k ON k.example = c.example
         WHERE c.example > ?1 ORDER BY c.example LIMIT ?2",
    )?;
    let rows = query.query_map([after, CHUNK], |row| {
        Ok(Candidate {
            example: row.get(0)?,
            visible: row.get(1)?,
            raw: row.get(2)?,
            present: row.get(3)?,
            edited: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Hands over the visible texts as they are now, a chunk at a time, with their rows' ids.
///
/// # Errors
/// `Cancelled` when the work answers that it is enough, and those of the database.
pub(super) fn each_chunk(
    db: &Connection,
    mut work: impl FnMut(&[(u32, String)], f64) -> Result<bool>,
) -> Result<()> {
    let total = number(db, "SELECT coalesce(max(id), 0) FROM example", [])?;
    // The plus keeps the indexes on `hidden_by` out: each chunk would go through all rows again.
    let mut query = db.prepare_cached(
        "SELECT s.example, c.text FROM state s JOIN present_text c ON c.example = s.example
         WHERE +s.hidden_by IS NULL AND s.example > ?1 ORDER BY s.example LIMIT ?2",
    )?;
    let mut after = 0;
    loop {
        let rows = query.query_map([after, CHUNK], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let chunk: Vec<(u32, String)> = rows.collect::<rusqlite::Result<_>>()?;
        let Some((last, _)) = chunk.last() else {
            return Ok(());
        };
        after = *last;
        if !work(&chunk, f64::from(after) / f64::from(total.max(1)))? {
            return Err(DataError::Cancelled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::project_with;
    use crate::types::{OnlyRows, RowFilter};

    fn texts(project: &Project) -> Vec<String> {
        project.rows_page(&RowFilter::default(), 0, 100).unwrap().text
    }

    #[test]
    fn a_correction_stands_beside_the_imported_text_and_can_be_taken_back() {
        let (_place, mut project) = project_with("text,label\nteh tenant,x\nother,y\n");
        let detail = project.edit_text(1, Some("the tenant"), "person").unwrap();
        assert_eq!(
            (detail.text.as_str(), detail.imported_text.as_deref()),
            ("the tenant", Some("teh tenant"))
        );
        assert_eq!(detail.edited.unwrap().who, "person");
        assert_eq!(texts(&project), ["the tenant", "other"]);
        let found = RowFilter {
            search: "the t".to_owned(),
            only: OnlyRows::All,
            ..RowFilter::default()
        };
        project.prepare_search(&mut |_| true).unwrap();
        assert_eq!(project.rows_page(&found, 0, 9).unwrap().id, [1]);
        let detail = project.edit_text(1, None, "person").unwrap();
        assert_eq!(
            (detail.text.as_str(), detail.imported_text, detail.edited),
            ("teh tenant", None, None)
        );
        assert!(project.verify_audit().unwrap().broken.is_none());
    }

    #[test]
    fn what_is_corrected_is_the_text_before_the_rules() {
        let (_place, mut project) = project_with("text,label\nTeh Tenant,x\nb,y\n");
        let lower = CleaningRule::Texts(TextRule::Lowercase);
        project.clean(&[lower], &mut |_| true).unwrap();
        let detail = project.example(1).unwrap();
        assert_eq!(
            (detail.text.as_str(), detail.written.as_str()),
            ("teh tenant", "Teh Tenant")
        );
        let detail = project.edit_text(1, Some("The Tenant"), "person").unwrap();
        assert_eq!(
            (detail.text.as_str(), detail.written.as_str()),
            ("the tenant", "The Tenant")
        );
        project.undo_cleaning(1, &mut |_| true).unwrap();
        assert_eq!(texts(&project)[0], "The Tenant");
    }

    #[test]
    fn a_correction_of_nothing_is_none() {
        let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
        let before = project.verify_audit().unwrap().entries;
        assert_eq!(project.edit_text(1, Some("a"), "person").unwrap().edited, None);
        assert_eq!(project.verify_audit().unwrap().entries, before);
        assert!(matches!(
            project.edit_text(1, Some(" "), "person"),
            Err(DataError::EmptyText)
        ));
        assert!(matches!(
            project.edit_text(9, Some("c"), "person"),
            Err(DataError::UnknownExample { id: 9 })
        ));
    }

    #[test]
    fn texts_that_a_correction_makes_equal_are_duplicates() {
        let (_place, mut project) = project_with("text,label\nsame,x\nsaem,x\n");
        assert_eq!(project.summary().unwrap().duplicate_rows, 0);
        project.edit_text(2, Some("same"), "person").unwrap();
        assert_eq!(project.summary().unwrap().duplicate_rows, 1);
    }
}
