//! Labels that are probably one and the same, and texts that carry different labels: what is put before the expert.

use std::collections::HashMap;

use rusqlite::Connection;
use unicode_normalization::UnicodeNormalization;

use super::label_sets::Sets;
use super::project::Project;
use super::sql::number;
use super::texts::find_repeated;
use crate::clean::Pipeline;
use crate::error::Result;
use crate::types::{ConflictPage, ConflictRow, ConflictingText, Label, LabelState, SpellingGroup, TextRule};

/// Letters from which a name may have one wrong and still be the same.
const LONG_NAME: usize = 7;

/// The most texts a page may have, and rows of a text that are shown.
const PAGE_LIMIT: u32 = 200;
const ROWS_SHOWN: u32 = 50;

/// Visible texts that carry more than one set of labels. Needs [`find_repeated`].
pub(super) const CONFLICTS: &str = "
    SELECT text_hash, min(example) AS first FROM state
    WHERE +hidden_by IS NULL AND +label_set IS NOT NULL AND +length > 0
      AND text_hash IN (SELECT text_hash FROM temp.repeated)
    GROUP BY text_hash HAVING count(DISTINCT label_set) > 1";

impl Project {
    /// Labels whose names differ only in case, spaces, punctuation, width, script (simplified or traditional) or one letter,
    /// with the one to keep: that which most rows carry.
    ///
    /// # Errors
    /// Those of the database.
    pub fn label_spellings(&self) -> Result<Vec<SpellingGroup>> {
        let mut labels = self.label_state()?.labels;
        // A label that no row carries can simply be removed.
        labels.retain(|label| label.count > 0);
        Ok(spellings(&labels))
    }

    /// Gives all visible rows with the text of `example` the same labels, as one step that is undone at once.
    ///
    /// # Errors
    /// As [`Project::annotate_many`].
    pub fn decide_conflict(&mut self, example: u32, labels: &[u32], who: &str) -> Result<LabelState> {
        let rows: Vec<u32> = {
            let mut query = self.db.prepare_cached(
                "SELECT example FROM state WHERE hidden_by IS NULL
                 AND text_hash = (SELECT text_hash FROM state WHERE example = ?1) ORDER BY example",
            )?;
            let rows = query.query_map([example], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        self.annotate_many(&rows, Some(labels), who)
    }

    /// Texts that carry different labels, with their rows: how many there are, and a page of them.
    ///
    /// # Errors
    /// Those of the database.
    pub fn conflicts_page(&self, offset: u32, limit: u32) -> Result<ConflictPage> {
        let tx = self.read()?;
        find_repeated(&tx)?;
        let total = number(&tx, &format!("SELECT count(*) FROM ({CONFLICTS})"), [])?;
        let mut query = tx.prepare_cached(&format!("{CONFLICTS} ORDER BY first LIMIT ?1 OFFSET ?2"))?;
        let found = query.query_map([limit.min(PAGE_LIMIT), offset], |row| row.get(0))?;
        let hashes: Vec<Vec<u8>> = found.collect::<rusqlite::Result<_>>()?;
        let texts = hashes
            .iter()
            .map(|hash| conflict(&tx, hash))
            .collect::<Result<_>>()?;
        Ok(ConflictPage { total, texts })
    }
}

fn conflict(db: &Connection, hash: &[u8]) -> Result<ConflictingText> {
    let mut query = db.prepare_cached(
        "SELECT s.example, s.label_set, source.file_name, e.row, s.part, substr(c.text, 1, 2000)
         FROM state s JOIN example e ON e.id = s.example JOIN source ON source.id = e.source
         JOIN present_text c ON c.example = s.example
         WHERE s.text_hash = ?1 AND s.hidden_by IS NULL ORDER BY s.example LIMIT ?2",
    )?;
    let mut found = query.query(rusqlite::params![hash, ROWS_SHOWN])?;
    let mut sets = Sets::default();
    let mut text = String::new();
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        if text.is_empty() {
            text = row.get(5)?;
        }
        rows.push(ConflictRow {
            id: row.get(0)?,
            labels: sets.of(db, row.get(1)?)?,
            file_name: row.get(2)?,
            row: row.get(3)?,
            part: row.get(4)?,
        });
    }
    let visible = "FROM state WHERE text_hash = ?1 AND hidden_by IS NULL";
    let mut query = db.prepare_cached(&format!(
        "SELECT DISTINCT label_set {visible} AND label_set IS NOT NULL ORDER BY label_set"
    ))?;
    let carried = query.query_map([hash], |row| row.get(0))?;
    let carried: Vec<u32> = carried.collect::<rusqlite::Result<_>>()?;
    let answers = carried
        .into_iter()
        .map(|set| Ok(sets.members(db, set)?.to_vec()))
        .collect::<Result<_>>()?;
    Ok(ConflictingText {
        text,
        answers,
        total: number(db, &format!("SELECT count(*) {visible}"), [hash])?,
        rows,
    })
}

fn spellings(labels: &[Label]) -> Vec<SpellingGroup> {
    let normal: Vec<Vec<char>> = labels.iter().map(|label| normal(&label.name)).collect();
    let mut group: Vec<usize> = (0..labels.len()).collect();
    let mut by_name: HashMap<&[char], usize> = HashMap::new();
    for (index, name) in normal.iter().enumerate() {
        group[index] = *by_name.entry(name).or_insert(index);
    }
    for a in 0..labels.len() {
        for b in a + 1..labels.len() {
            if group[a] != group[b] && one_letter_apart(&normal[a], &normal[b]) {
                let (from, to) = (group[b].max(group[a]), group[a].min(group[b]));
                group
                    .iter_mut()
                    .filter(|group| **group == from)
                    .for_each(|group| *group = to);
            }
        }
    }
    let mut groups: Vec<SpellingGroup> = Vec::new();
    for first in 0..labels.len() {
        let members: Vec<&Label> = labels
            .iter()
            .zip(&group)
            .filter(|(_, group)| **group == first)
            .map(|(label, _)| label)
            .collect();
        // Of equally common names the earlier one stays.
        let kept = members.iter().rev().max_by_key(|label| label.count);
        if let Some(kept) = kept.filter(|_| members.len() > 1) {
            groups.push(SpellingGroup {
                labels: members.iter().map(|label| label.id).collect(),
                keep: kept.id,
            });
        }
    }
    groups
}

/// What is left of a name without what people write now one way and now another.
fn normal(name: &str) -> Vec<char> {
    let plain: String = name
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .collect();
    let simplified = Pipeline::new(&[TextRule::Simplified]).apply(&plain);
    let letters: Vec<char> = simplified.unwrap_or(plain).chars().collect();
    // A name of signs only, such as "+" and "-", is what it is.
    if letters.is_empty() {
        name.trim().chars().collect()
    } else {
        letters
    }
}

/// Whether long names differ by one letter that is missing, wrong or exchanged with its neighbour. Digits count: "article 1"
/// and "article 2" are two things.
fn one_letter_apart(a: &[char], b: &[char]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() < LONG_NAME || long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    let letters = |some: &[char]| {
        some.iter()
            .all(|c| c.is_alphabetic() && !matches!(c, '\u{3400}'..='\u{9fff}'))
    };
    match (short, long) {
        ([], [last]) => letters(&[*last]),
        (short, [first, rest @ ..]) if short.len() == rest.len() => letters(&[*first]) && short == rest,
        ([a, b, short @ ..], [c, d, long @ ..]) if a == d && b == c && short == long => letters(&[*a, *b]),
        ([a, short @ ..], [b, long @ ..]) => short == long && letters(&[*a, *b]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::project_with;

    fn groups(names: &[&str]) -> Vec<Vec<String>> {
        let labels: Vec<Label> = (names.iter().enumerate())
            .map(|(index, name)| Label {
                id: index as u32,
                name: (*name).to_owned(),
                colour: 0,
                key: String::new(),
                count: index as u32,
                ..Label::default()
            })
            .collect();
        let named = |group: SpellingGroup| {
            group
                .labels
                .iter()
                .map(|id| names[*id as usize].to_owned())
                .collect()
        };
        spellings(&labels).into_iter().map(named).collect()
    }

    #[test]
    fn spellings_of_one_name_are_told_and_other_names_are_not() {
        assert_eq!(
            groups(&["Contract", "contract ", "CON-TRACT", "Lease"]),
            [["Contract", "contract ", "CON-TRACT"]]
        );
        assert_eq!(
            groups(&["合同纠纷", "合同糾紛", "劳动争议"]),
            [["合同纠纷", "合同糾紛"]]
        );
        assert_eq!(
            groups(&["Termination", "Terminaton", "Temrination"]),
            [["Termination", "Terminaton", "Temrination"]]
        );
        assert_eq!(groups(&["Ｙｅｓ", "yes", "no"]), [["Ｙｅｓ", "yes"]]);
        let different = [
            "article 1",
            "article 2",
            "+",
            "-",
            "pos",
            "neg",
            "lost_card",
            "lost_cards_abroad",
            "spam",
            "ham",
            "行政处罚决定一",
            "行政处罚决定二",
        ];
        assert_eq!(groups(&different), [] as [Vec<String>; 0]);
    }

    #[test]
    fn texts_with_different_labels_are_listed_with_their_rows() {
        let (_place, mut project) = project_with("text,label\nsame,x\nsame,y\nother,x\nsame,\n");
        let page = project.conflicts_page(0, 9).unwrap();
        assert_eq!(page.total, 1);
        let text = &page.texts[0];
        assert_eq!(text.text, "same");
        let rows: Vec<_> = text
            .rows
            .iter()
            .map(|row| (row.id, row.labels.clone(), row.row))
            .collect();
        assert_eq!(rows, [(1, Some(vec![1]), 2), (2, Some(vec![2]), 3), (4, None, 5)]);
        assert_eq!((text.total, text.answers.clone()), (3, vec![vec![1], vec![2]]));
        project.decide_conflict(2, &[2], "person").unwrap();
        assert_eq!(project.example(4).unwrap().labels, Some(vec![2]));
        assert_eq!(project.conflicts_page(0, 9).unwrap().total, 0);
    }

    #[test]
    fn the_name_that_most_rows_carry_is_kept() {
        let (_place, project) = project_with("text,label\na,Lease\nb,lease\nc,lease\nd,x\n");
        assert_eq!(
            project.label_spellings().unwrap(),
            [SpellingGroup {
                labels: vec![1, 2],
                keep: 2
            }]
        );
    }
}
