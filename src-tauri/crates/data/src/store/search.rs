//! Search by words: an index of all texts as they are now (SQLite's FTS5).
//!
//! A text is found when it has all words of the query, in any order and any case, with or without accents; the last one may
//! be only begun. Chinese and Japanese have no spaces: there a word is any two characters that follow each other. What is
//! not a letter or a digit ("100%") must stand in the text as it was typed.

use std::sync::LazyLock;

use regex::Regex;
use rusqlite::{Connection, Transaction, params};

use super::project::{Project, read_setting};
use super::sql::number;
use crate::clean::pattern;
use crate::error::{DataError, Result};
use crate::near::is_word_by_itself;

/// The setting that says up to which row texts are in the index.
const INDEXED: &str = "search_index";

/// Rows that are added to the index in one transaction: other writers wait no longer than that.
const CHUNK: u32 = 20_000;

/// Texts changed at once from which the index is made again rather than mended.
const MANY_CHANGES: u32 = 5_000;

impl Project {
    /// Whether all rows are in the index.
    ///
    /// # Errors
    /// Those of the database.
    pub fn can_search(&self) -> Result<bool> {
        Ok(indexed(&self.db)? >= newest(&self.db)?)
    }

    /// Adds the rows to the index that are not in it yet; [`Project::rows_page`] needs that to search. `progress` is told the
    /// share that is done and answers whether to go on; stopped, what is done stays done.
    ///
    /// # Errors
    /// `Cancelled`, and those of the database.
    pub fn prepare_search(&mut self, progress: &mut dyn FnMut(f64) -> bool) -> Result<()> {
        let newest = newest(&self.db)?;
        loop {
            // Within the transaction: others may make the index or change texts meanwhile.
            let tx = self.write()?;
            let before = indexed(&tx)?;
            if before >= newest {
                return Ok(());
            }
            let last = add(&tx, before)?;
            tx.commit()?;
            if !progress(f64::from(last) / f64::from(newest)) {
                return Err(DataError::Cancelled);
            }
        }
    }
}

fn newest(db: &Connection) -> Result<u32> {
    number(db, "SELECT coalesce(max(id), 0) FROM example", [])
}

fn indexed(db: &Connection) -> Result<u32> {
    Ok(read_setting(db, INDEXED)?
        .and_then(|row| row.parse().ok())
        .unwrap_or_default())
}

fn note(tx: &Transaction<'_>, last: u32) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![INDEXED, last.to_string()])?;
    Ok(())
}

/// Adds the next rows; answers the last of them.
fn add(tx: &Transaction<'_>, after: u32) -> Result<u32> {
    let mut query = tx.prepare_cached(
        "SELECT example, text FROM present_text WHERE example > ?1 ORDER BY example LIMIT ?2",
    )?;
    let mut insert = tx.prepare_cached("INSERT INTO text_index (rowid, text) VALUES (?1, ?2)")?;
    let mut rows = query.query([after, CHUNK])?;
    let mut last = after;
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        match words(text) {
            Some(words) => insert.execute(params![last, words])?,
            None => insert.execute(params![last, text])?,
        };
    }
    note(tx, last)?;
    Ok(last)
}

/// Brings the index along with texts that change, as far as they are in it.
pub(super) struct IndexChanges {
    indexed: u32,
    changed: u32,
}

impl IndexChanges {
    pub(super) fn begin(tx: &Transaction<'_>) -> Result<Self> {
        Ok(IndexChanges {
            indexed: indexed(tx)?,
            changed: 0,
        })
    }

    pub(super) fn set(&mut self, tx: &Transaction<'_>, example: u32, text: &str) -> Result<()> {
        if example > self.indexed {
            return Ok(());
        }
        self.changed += 1;
        if self.changed > MANY_CHANGES {
            // Made again at the next search, which is quicker than mending so much.
            self.indexed = 0;
            tx.execute("INSERT INTO text_index (text_index) VALUES ('delete-all')", [])?;
            return note(tx, 0);
        }
        tx.prepare_cached("DELETE FROM text_index WHERE rowid = ?1")?
            .execute([example])?;
        let words = words(text);
        tx.prepare_cached("INSERT INTO text_index (rowid, text) VALUES (?1, ?2)")?
            .execute(params![example, words.as_deref().unwrap_or(text)])?;
        Ok(())
    }
}

/// A search in the index's language, and what must stand in the text literally.
pub(super) struct Search {
    /// `None` where there is no word to look up.
    pub(super) words: Option<String>,
    /// A pattern for LIKE with `\` as its escape.
    pub(super) literal: Option<String>,
}

impl Search {
    pub(super) fn new(typed: &str) -> Search {
        let typed = typed.trim();
        let tokens: Vec<String> = match words(typed) {
            Some(words) => words.split(' ').map(str::to_owned).collect(),
            None => typed.split(|c: char| !is_in_word(c)).map(str::to_owned).collect(),
        };
        let tokens: Vec<&str> = tokens
            .iter()
            .map(String::as_str)
            .filter(|token| !token.is_empty())
            .collect();
        let is_character = |token: &str| token.chars().count() == 1 && token.contains(is_word_by_itself);
        let mut terms = Vec::new();
        for (place, token) in tokens.iter().enumerate() {
            // The last character of a run stands in its last pair already.
            if is_character(token) && place > 0 && tokens[place - 1].ends_with(token) {
                continue;
            }
            // A single character stands for the pairs that it begins; the last word may be still in the typing.
            let begun = is_character(token) || place + 1 == tokens.len();
            terms.push(format!("\"{token}\"{}", if begun { "*" } else { "" }));
        }
        let plain = typed.chars().all(|c| is_in_word(c) || c.is_whitespace());
        Search {
            words: Some(terms.join(" ")).filter(|terms| !terms.is_empty()),
            literal: (!plain).then(|| like_pattern(typed)),
        }
    }
}

/// Whether the index takes a character for a part of a word. Vowel signs and other marks divide words there, although they
/// are letters in their scripts: a search for such a word looks for its parts, and then for it literally.
fn is_in_word(c: char) -> bool {
    static WORDS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[\p{L}\p{N}\p{Co}]$"));
    c.is_ascii_alphanumeric() || (!c.is_ascii() && WORDS.is_match(c.encode_utf8(&mut [0; 4])))
}

/// What the user typed, taken literally, anywhere in the text.
fn like_pattern(typed: &str) -> String {
    let literal = typed.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{literal}%")
}

/// The text with the characters that are words by themselves as pairs, which the index takes for words; `None` where there
/// are none. The last of a run also stands alone, so that one character is found wherever it stands.
fn words(text: &str) -> Option<String> {
    if text.is_ascii() || !text.contains(is_word_by_itself) {
        return None;
    }
    let mut words = String::with_capacity(text.len() * 3);
    let mut before: Option<char> = None;
    for c in text.chars() {
        if is_word_by_itself(c) {
            match before.replace(c) {
                Some(first) => words.extend([first, c, ' ']),
                None => words.push(' '),
            }
        } else {
            if let Some(last) = before.take() {
                words.extend([last, ' ']);
            }
            words.push(if c.is_alphanumeric() { c } else { ' ' });
        }
    }
    words.extend(before);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{import, project_with};
    use crate::types::{CleaningRule, ColumnRole, RowFilter, TextRule};

    fn found(project: &mut Project, typed: &str) -> Vec<u32> {
        project.prepare_search(&mut |_| true).unwrap();
        let filter = RowFilter {
            search: typed.to_owned(),
            ..RowFilter::default()
        };
        project.rows_page(&filter, 0, 100).unwrap().id
    }

    #[test]
    fn words_are_found_in_any_order_case_and_accent_and_may_be_only_begun() {
        let (_place, mut project) = project_with(
            "text,label\nThe tenant's café,x\nrent and TENANCY,y\nan e-mail at 100%,x\n1000 e mails,y\n",
        );
        assert_eq!(found(&mut project, "ten"), [1, 2]);
        assert_eq!(found(&mut project, "Cafe tenant"), [1]);
        assert_eq!(found(&mut project, "tenancy rent"), [2]);
        assert_eq!(found(&mut project, "100%"), [3]);
        assert_eq!(found(&mut project, "e-mail"), [3]);
        assert_eq!(found(&mut project, "%"), [3]);
        assert_eq!(
            found(&mut project, "\"quoted\" AND NOT"),
            [] as [u32; 0],
            "no language of its own"
        );
        assert_eq!(found(&mut project, " "), [1, 2, 3, 4]);
        import(
            &mut project,
            "text,label\nयह हिन्दी है,x\n",
            &[ColumnRole::Text, ColumnRole::Label],
        );
        assert_eq!(found(&mut project, "हिन्दी"), [5]);
    }

    #[test]
    fn chinese_is_found_by_characters_that_follow_each_other() {
        let (_place, mut project) =
            project_with("text,label\n合同条款的解释,x\n条件与合约,y\nA合同1号,x\n合同条款 1,y\n");
        assert_eq!(found(&mut project, "合同"), [1, 3, 4]);
        assert_eq!(found(&mut project, "合同条"), [1, 4]);
        assert_eq!(found(&mut project, "条"), [1, 2, 4]);
        assert_eq!(found(&mut project, "条 解释"), [1]);
        assert_eq!(found(&mut project, "释"), [1]);
        assert_eq!(found(&mut project, "约"), [2]);
        assert_eq!(found(&mut project, "合同 1"), [3, 4]);
    }

    #[test]
    fn the_index_follows_new_rows_corrections_and_cleaning() {
        let (_place, mut project) = project_with("text,label\n<b>first</b> words,x\nsecond words,y\n");
        assert_eq!(found(&mut project, "first"), [1]);
        import(
            &mut project,
            "text,label\nthird words,x\n",
            &[ColumnRole::Text, ColumnRole::Label],
        );
        assert_eq!(found(&mut project, "words"), [1, 2, 3]);
        project.edit_text(2, Some("another thing"), "person").unwrap();
        assert_eq!(found(&mut project, "words"), [1, 3]);
        project
            .clean(&[CleaningRule::Texts(TextRule::Markup)], &mut |_| true)
            .unwrap();
        assert_eq!(found(&mut project, "b"), [] as [u32; 0]);
        project.undo_cleaning(1, &mut |_| true).unwrap();
        assert_eq!(found(&mut project, "b"), [1]);
    }

    #[test]
    fn an_index_in_the_making_can_be_stopped_and_gone_on_with() {
        let rows: String = (0..CHUNK + 5).map(|i| format!("text {i},x\n")).collect();
        let (_place, mut project) = project_with(&format!("text,label\n{rows}last one,y\n"));
        assert!(matches!(
            project.prepare_search(&mut |_| false),
            Err(DataError::Cancelled)
        ));
        assert_eq!(indexed(&project.db).unwrap(), CHUNK);
        assert_eq!(found(&mut project, "last"), [CHUNK + 6]);
    }
}
