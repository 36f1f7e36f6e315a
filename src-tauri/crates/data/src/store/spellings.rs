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

/// Letters from which a word may have one wrong and still be the same.
const LONG_WORD: usize = 7;

/// Letters at a word's beginning and at its end that make another word of it: "typical" and "atypical", "abduction" and
/// "adduction", "employer" and "employee".
const BEGINNING: usize = 2;
const ENDING: usize = 2;

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
    let words: Vec<Vec<Vec<char>>> = labels.iter().map(|label| words(&label.name)).collect();
    let mut group: Vec<usize> = (0..labels.len()).collect();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (index, words) in words.iter().enumerate() {
        group[index] = *by_name.entry(joined(words)).or_insert(index);
    }
    for a in 0..labels.len() {
        for b in a + 1..labels.len() {
            if group[a] != group[b] && one_letter_apart(&words[a], &words[b]) {
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

/// A name's words, numbers and signs, without what people write now one way and now another.
fn words(name: &str) -> Vec<Vec<char>> {
    let plain: String = name.nfkc().collect();
    let simplified = Pipeline::new(&[TextRule::Simplified]).apply(&plain);
    let characters: Vec<char> = simplified.unwrap_or(plain).chars().collect();
    let mut words: Vec<Vec<char>> = Vec::new();
    let mut before = ' ';
    for (at, &c) in characters.iter().enumerate() {
        if c.is_alphanumeric() {
            // "CategoryII" and "category2" are two words each.
            let goes_on = before.is_alphanumeric()
                && before.is_numeric() == c.is_numeric()
                && !(before.is_lowercase() && c.is_uppercase());
            match words.last_mut() {
                Some(word) if goes_on => word.extend(c.to_lowercase()),
                _ => words.push(c.to_lowercase().collect()),
            }
        } else if is_sign(&characters[..at], c, &characters[at + 1..]) {
            words.push(vec![if is_minus(c) { '-' } else { c }]);
        }
        before = c;
    }
    // A name of other signs only, such as "?" and "!", is what it is.
    if words.is_empty() {
        words.push(name.trim().chars().collect());
    }
    words
}

/// Whether a character that is no letter makes a name another one: "A+", "A-" and "A" are three. A hyphen between words, with
/// spaces around it or without, only divides them.
fn is_sign(before: &[char], c: char, after: &[char]) -> bool {
    let word_at = |neighbour: Option<&char>| neighbour.is_some_and(|c| c.is_alphanumeric());
    let not_space = |c: &&char| !c.is_whitespace();
    let divides = word_at(before.iter().rev().find(not_space))
        && word_at(after.iter().find(not_space))
        && word_at(before.last()) == word_at(after.first());
    matches!(c, '+' | '<' | '>' | '=' | '≤' | '≥' | '≠' | '±' | '*') || (is_minus(c) && !divides)
}

fn is_minus(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '−')
}

/// The words as one. Numbers stay apart: "1.5" is not 15.
fn joined(words: &[Vec<char>]) -> String {
    let mut joined = String::new();
    for word in words {
        if joined.ends_with(char::is_numeric) && word.first().is_some_and(|c| c.is_numeric()) {
            joined.push(' ');
        }
        joined.extend(word);
    }
    joined
}

/// Whether names differ in one word, and that only by a typing error.
fn one_letter_apart(a: &[Vec<char>], b: &[Vec<char>]) -> bool {
    let mut different = a.iter().zip(b).filter(|(a, b)| a != b);
    let first = different.next();
    a.len() == b.len() && different.next().is_none() && first.is_some_and(|(a, b)| is_typing_error(a, b))
}

/// Whether long words differ by one letter that is missing, wrong or exchanged with its neighbour, where that makes no other
/// word. Digits and Roman numerals count: "article 1" and "article 2" are two things.
fn is_typing_error(a: &[char], b: &[char]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let is_roman = |word: &[char]| word.iter().all(|c| "ivxlcdm".contains(*c));
    if short.len() < LONG_WORD || long.len() - short.len() > 1 || is_roman(short) || is_roman(long) {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    if same < BEGINNING {
        return false;
    }
    let (short, long) = (&short[same..], &long[same..]);
    let letters = |some: &[char]| {
        some.iter()
            .all(|c| c.is_alphabetic() && !matches!(c, '\u{3400}'..='\u{9fff}'))
    };
    match (short, long) {
        ([], [last]) => letters(&[*last]),
        (short, [first, rest @ ..]) if short.len() == rest.len() => letters(&[*first]) && short == rest,
        ([a, b, short @ ..], [c, d, long @ ..]) if a == d && b == c && short == long => letters(&[*a, *b]),
        ([a, short @ ..], [b, long @ ..]) => short == long && short.len() >= ENDING && letters(&[*a, *b]),
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
    fn opposites_are_no_spellings_of_one_name() {
        for different in [
            &["A+", "A-", "A", "A*"][..],
            &["HIV (+)", "HIV (-)", "HIV"],
            &["symptomatic", "asymptomatic"],
            &["clinically typical", "clinically atypical"],
            &["legal", "illegal", "valid", "invalid", "possible", "impossible"],
            &[
                "regular",
                "irregular",
                "limited",
                "unlimited",
                "compliance",
                "noncompliance",
            ],
            &["abduction", "adduction", "employer", "employee"],
            &["1", "2", "1.5", "15", "<18", ">18", "-1"],
            &["Type I", "Type II", "Category I", "Category II"],
            &["CategoryI", "CategoryII"],
            &["Part LXXVIII", "Part LXXXVIII"],
            &["Hepatitis A", "Hepatitis B", "Hepatitis"],
        ] {
            assert_eq!(groups(different), [] as [Vec<String>; 0]);
        }
        assert_eq!(groups(&["A -", "a−", "Ａ－"]), [["A -", "a−", "Ａ－"]]);
        assert_eq!(
            groups(&["Lease - Commercial", "lease-commercial", "Lease Comercial"]),
            [["Lease - Commercial", "lease-commercial", "Lease Comercial"]]
        );
        assert_eq!(
            groups(&["BreachOfContract", "breach_of_contract"]),
            [["BreachOfContract", "breach_of_contract"]]
        );
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
