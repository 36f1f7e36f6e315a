//! The words that tell most for each class, over many texts.

use std::collections::HashMap;

use serde::Serialize;

use crate::control::Control;
use crate::error::Result;
use crate::explain::ExplanationMethod;
use crate::predictor::Predictor;

/// A word of the texts that were given a class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TellingWord {
    /// The word, in small letters.
    pub word: String,
    /// What it adds to the log-odds of the class on average, each time it occurs.
    pub score: f64,
    /// How often it occurs.
    pub occurrences: usize,
}

/// The words that tell most for one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TellingWords {
    /// The class.
    pub class: usize,
    /// Texts that were given it.
    pub texts: usize,
    /// The words, the most telling first.
    pub words: Vec<TellingWord>,
}

/// Explains the classes that texts are given, and takes the mean score of every word that occurs at least `fewest`
/// times in texts of a class; the `most` largest above zero a class. `progress(done)` is called after each text.
///
/// # Errors
/// As [`Predictor::explain`].
pub fn telling_words<T: AsRef<str>>(
    predictor: &Predictor,
    texts: &[T],
    method: ExplanationMethod,
    fewest: usize,
    most: usize,
    control: &Control,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<TellingWords>> {
    let mut tallies: Vec<Tally> = vec![Tally::default(); predictor.labels().len()];
    for (index, text) in texts.iter().enumerate() {
        let text = text.as_ref();
        let explanation = predictor.explain(text, None, method, control)?;
        let tally = &mut tallies[explanation.class];
        tally.texts += 1;
        for word in &explanation.words {
            tally.add(&text[word.place.clone()], word.score);
        }
        progress(index + 1);
    }
    let classes = tallies.into_iter().enumerate();
    Ok(classes
        .map(|(class, tally)| tally.telling(class, fewest, most))
        .collect())
}

/// What the texts of one class say.
#[derive(Debug, Clone, Default)]
struct Tally {
    texts: usize,
    /// Sum of the scores and number of occurrences.
    words: HashMap<String, (f64, usize)>,
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

    fn telling(self, class: usize, fewest: usize, most: usize) -> TellingWords {
        let often = self
            .words
            .into_iter()
            .filter(|(_, (_, occurrences))| *occurrences >= fewest);
        let mut words: Vec<TellingWord> = often
            .map(|(word, (sum, occurrences))| TellingWord {
                word,
                score: sum / occurrences as f64,
                occurrences,
            })
            .filter(|word| word.score > 0.0)
            .collect();
        words.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.word.cmp(&b.word)));
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
