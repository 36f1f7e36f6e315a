//! Labels in the cells of a table: several in one cell, or a column for each.

use std::collections::HashSet;

use crate::text::{HASH_BYTES, content_hash};

/// What may stand between the labels of a cell, the surest first.
const SEPARATORS: [&str; 7] = ["|", ";", "；", "、", ",", "，", "/"];

/// Characters beyond which a part of a cell is no name of a class.
const LONGEST_PART: usize = 60;

/// Whether a row carries the label that a column is named after; `None` when the cell says neither yes nor no. An empty
/// cell says no.
pub(crate) fn flag(cell: &str) -> Option<bool> {
    match cell.trim().to_lowercase().as_str() {
        "1" | "1.0" | "true" | "yes" | "y" | "t" | "x" | "✓" | "✔" | "是" | "有" | "真" | "√" => {
            Some(true)
        }
        "0" | "0.0" | "false" | "no" | "n" | "f" | "" | "-" | "否" | "无" | "假" | "×" => Some(false),
        _ => None,
    }
}

/// The labels of a cell, in its order.
pub(crate) fn parts<'a>(cell: &'a str, separator: &'a str) -> impl Iterator<Item = &'a str> {
    cell.split(separator)
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// Looks at a column's cells for something that stands between labels.
#[derive(Debug, Default)]
pub(super) struct SeparatorGuess {
    cells: usize,
    whole: HashSet<[u8; HASH_BYTES]>,
    by_separator: [Parts; SEPARATORS.len()],
}

#[derive(Debug, Default)]
struct Parts {
    /// Cells with more than one part.
    several: usize,
    parts: usize,
    distinct: HashSet<[u8; HASH_BYTES]>,
    too_long: bool,
}

impl SeparatorGuess {
    /// Takes a filled cell in.
    pub(super) fn add(&mut self, cell: &str) {
        self.cells += 1;
        self.whole.insert(content_hash(cell));
        for (found, separator) in self.by_separator.iter_mut().zip(SEPARATORS) {
            let mut count = 0;
            for part in parts(cell, separator) {
                count += 1;
                found.too_long |= part.chars().nth(LONGEST_PART).is_some();
                found.distinct.insert(content_hash(part));
            }
            found.parts += count;
            found.several += usize::from(count > 1);
        }
    }

    /// The separator after which the cells are made of few different parts, each of which comes again.
    pub(super) fn separator(&self) -> Option<&'static str> {
        let fits = |found: &Parts| {
            found.several * 50 >= self.cells.max(1)
                && found.several > 0
                && !found.too_long
                && found.distinct.len() * 2 <= found.parts
                && found.distinct.len() < self.whole.len()
        };
        let mut with = self.by_separator.iter().zip(SEPARATORS);
        with.find(|(found, _)| fits(found))
            .map(|(_, separator)| separator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(cells: &[&str]) -> Option<&'static str> {
        let mut guess = SeparatorGuess::default();
        cells.iter().for_each(|cell| guess.add(cell));
        guess.separator()
    }

    #[test]
    fn cells_made_of_few_parts_have_a_separator() {
        assert_eq!(
            guess(&["joy|love", "joy", "anger", "anger|joy", "love"]),
            Some("|")
        );
        assert_eq!(
            guess(&["违约、赔偿", "赔偿", "违约", "保密、违约", "保密"]),
            Some("、")
        );
        assert_eq!(guess(&["a, b", "b", "a", "c, b", "c, a"]), Some(","));
    }

    #[test]
    fn names_with_a_comma_of_their_own_have_none() {
        assert_eq!(guess(&["Terms, general", "Terms, general", "Fees", "Fees"]), None);
        assert_eq!(guess(&["yes", "no", "yes"]), None);
        assert_eq!(guess(&[]), None);
    }

    #[test]
    fn yes_and_no_in_both_languages() {
        assert_eq!(["1", "Yes", " 是 ", "x", "TRUE"].map(flag), [Some(true); 5]);
        assert_eq!(["0", "no", "否", "", "False"].map(flag), [Some(false); 5]);
        assert_eq!(flag("maybe"), None);
    }

    #[test]
    fn parts_are_trimmed_and_empty_ones_left_out() {
        assert_eq!(parts(" a | b||", "|").collect::<Vec<_>>(), ["a", "b"]);
    }
}
