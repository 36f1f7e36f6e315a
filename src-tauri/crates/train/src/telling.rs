//! The words that tell most for each class, over many texts.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::explain::Explanation;

/// Words that add less than this share of what the most telling one does are not worth listing.
const LEAST: f64 = 0.1;

/// A word of the texts that were given a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TellingWord {
    /// The word, in small letters.
    pub word: String,
    /// What it adds to the log-odds of the class on average, each time it occurs.
    pub score: f64,
    /// How often it occurs.
    pub occurrences: u32,
}

/// The words that tell most for one class.
#[derive(Debug, Clone, PartialEq)]
pub struct TellingWords {
    /// The class.
    pub class: usize,
    /// Texts that were given it.
    pub texts: u32,
    /// The words, the most telling first.
    pub words: Vec<TellingWord>,
}

/// The words of the texts looked at so far, by the class that each was given.
#[derive(Debug)]
pub(crate) struct Tallies(Vec<Tally>);

impl Tallies {
    /// Of so many classes.
    pub(crate) fn new(classes: usize) -> Self {
        Tallies(vec![Tally::default(); classes])
    }

    /// Takes in the words of one more text.
    pub(crate) fn add(&mut self, text: &str, explanation: &Explanation) {
        let tally = &mut self.0[explanation.class];
        tally.texts += 1;
        for word in &explanation.words {
            tally.add(&text[word.place.clone()], word.score);
        }
    }

    /// For each class the mean score of every word that occurs at least `fewest` times in texts of it; the `most` largest
    /// above zero.
    pub(crate) fn telling(self, fewest: u32, most: usize) -> Vec<TellingWords> {
        let classes = self.0.into_iter().enumerate();
        classes
            .map(|(class, tally)| tally.telling(class, fewest, most))
            .collect()
    }
}

/// What the texts of one class say.
#[derive(Debug, Clone, Default)]
struct Tally {
    texts: u32,
    /// Sum of the scores and number of occurrences.
    words: HashMap<String, (f64, u32)>,
}

impl Tally {
    /// Takes a word in; signs are none.
    fn add(&mut self, word: &str, score: f64) {
        if word.contains(char::is_alphanumeric) {
            let (sum, occurrences) = self.words.entry(word.to_lowercase()).or_default();
            *sum += score;
            *occurrences += 1;
        }
    }

    fn telling(self, class: usize, fewest: u32, most: usize) -> TellingWords {
        let often = self
            .words
            .into_iter()
            .filter(|(_, (_, occurrences))| *occurrences >= fewest);
        let mut words: Vec<TellingWord> = often
            .map(|(word, (sum, occurrences))| TellingWord {
                word,
                score: sum / f64::from(occurrences),
                occurrences,
            })
            .filter(|word| word.score > 0.0)
            .collect();
        words.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.word.cmp(&b.word)));
        let least = words.first().map_or(0.0, |first| LEAST * first.score);
        words.retain(|word| word.score >= least);
        words.truncate(most);
        TellingWords {
            class,
            texts: self.texts,
            words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_and_signs_are_left_out_and_the_mean_decides() {
        let mut tally = Tally::default();
        for (word, score) in [
            ("Notice", 3.0),
            ("notice", 1.0),
            (",", 9.0),
            ("once", 8.0),
            ("the", 0.5),
            ("The", 0.1),
            ("of", 0.1),
            ("of", 0.1),
            ("not", -1.0),
            ("not", -1.0),
        ] {
            tally.add(word, score);
        }
        let found = tally.telling(1, 2, 5);
        let words: Vec<_> = found
            .words
            .iter()
            .map(|word| (word.word.as_str(), word.score, word.occurrences))
            .collect();
        assert_eq!(words, [("notice", 2.0, 2), ("the", 0.3, 2)]);
    }
}
