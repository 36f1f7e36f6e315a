//! Why a run's model answers as it does: one text, and whether such explanations hold over the test part.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use understudy_data::{Part, Project};
use understudy_train::faithfulness::{self, Faithfulness};
use understudy_train::telling::{self, TellingWord};
use understudy_train::{Control, ExplanationMethod};

use crate::error::{EngineError, Result};
use crate::job::{Phase, Progress};
use crate::prediction::Model;

/// Occurrences from which on the mean of a word's scores says something.
const FEWEST_OCCURRENCES: usize = 3;

/// Words that are listed a class.
const WORDS_LISTED: usize = 15;

/// What each word of a text adds to a label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Explanation {
    /// The text as the model reads it, after the cleaning that its texts went through.
    pub text: String,
    /// The label that is explained.
    pub label: String,
    /// Its probability.
    pub probability: f64,
    /// The labels that are given.
    pub labels: Vec<String>,
    /// How the words were weighed.
    pub method: ExplanationMethod,
    /// Words, numbers and signs in the order of the text, as far as it is read.
    pub words: Vec<ExplainedWord>,
    /// Share of the whole that the scores miss, where they should add up.
    pub gap: Option<f64>,
    /// Tokens read.
    pub tokens: u32,
    /// Whether the text was longer than the model reads.
    pub truncated: bool,
    /// Time it took.
    pub milliseconds: f64,
}

/// A word with what it adds to the log-odds of a label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ExplainedWord {
    /// Where it begins, in UTF-16 code units, as JavaScript counts.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// The word.
    pub word: String,
    /// Above zero it speaks for the label, below against it.
    pub score: f64,
}

/// Explains the answer to a text, or what speaks for another label.
///
/// # Errors
/// [`EngineError::NoSuchLabel`], and those of predicting.
pub fn explain(
    model: &Model,
    text: &str,
    label: Option<&str>,
    method: ExplanationMethod,
    control: &Control,
) -> Result<Explanation> {
    let began = Instant::now();
    let names = model.predictor.labels();
    let class = |label: &str| {
        let found = names.iter().position(|name| name == label);
        found.ok_or_else(|| EngineError::NoSuchLabel {
            name: label.to_owned(),
        })
    };
    let class = label.map(class).transpose()?;
    let text = model.cleaned(text).into_owned();
    let found = model.predictor.explain(&text, class, method, control)?;
    let mut utf16 = Utf16::default();
    let words = found.words.into_iter().map(|word| ExplainedWord {
        start: utf16.place(&text, word.place.start),
        end: utf16.place(&text, word.place.end),
        word: text[word.place].to_owned(),
        score: word.score,
    });
    Ok(Explanation {
        words: words.collect(),
        label: names[found.class].clone(),
        probability: f64::from(found.probabilities[found.class]),
        labels: found.labels.iter().map(|label| names[*label].clone()).collect(),
        method,
        gap: found.gap,
        tokens: found.tokens as u32,
        truncated: found.truncated,
        milliseconds: began.elapsed().as_secs_f64() * 1000.0,
        text,
    })
}

/// Counts UTF-16 code units up to places that only go forward.
#[derive(Default)]
struct Utf16 {
    bytes: usize,
    units: u32,
}

impl Utf16 {
    fn place(&mut self, text: &str, bytes: usize) -> u32 {
        self.units += text[self.bytes..bytes].encode_utf16().count() as u32;
        self.bytes = bytes;
        self.units
    }
}

/// The words that tell most for a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelWords {
    /// The label.
    pub label: String,
    /// Texts that were given it.
    pub texts: usize,
    /// The words, the most telling first.
    pub words: Vec<TellingWord>,
}

/// Texts of the test part that are looked at, drawn by chance.
#[derive(Debug, Clone, Copy)]
pub struct Drawn {
    /// At most so many.
    pub most: usize,
    /// Decides the draw.
    pub seed: u64,
}

/// Whether explanations of a run's answers to its test part hold: without the `share` of the words that tell most the
/// model must be less sure than without as many at random.
///
/// # Errors
/// [`EngineError::NoTestTexts`], and those of predicting.
pub fn check_faithfulness(
    project: &Project,
    run: &str,
    method: ExplanationMethod,
    share: f64,
    drawn: Drawn,
    control: &Control,
    report: &mut dyn FnMut(Progress),
) -> Result<Faithfulness> {
    let model = crate::prediction::load(project, run)?;
    let texts = test_texts(project, run, &model, drawn)?;
    let total = texts.len() as f64;
    let mut progress = |done| report(Progress::new(Phase::Explain, done as f64, total));
    let seed = drawn.seed;
    faithfulness::faithfulness(
        &model.predictor,
        &texts,
        method,
        share,
        seed,
        control,
        &mut progress,
    )?
    .ok_or_else(|| EngineError::NoTestTexts { run: run.to_owned() })
}

/// The words that tell most for each label over a run's test part.
///
/// # Errors
/// As [`check_faithfulness`].
pub fn telling_words(
    project: &Project,
    run: &str,
    method: ExplanationMethod,
    drawn: Drawn,
    control: &Control,
    report: &mut dyn FnMut(Progress),
) -> Result<Vec<LabelWords>> {
    let model = crate::prediction::load(project, run)?;
    let texts = test_texts(project, run, &model, drawn)?;
    let total = texts.len() as f64;
    let mut progress = |done| report(Progress::new(Phase::Explain, done as f64, total));
    let found = telling::telling_words(
        &model.predictor,
        &texts,
        method,
        FEWEST_OCCURRENCES,
        WORDS_LISTED,
        control,
        &mut progress,
    )?;
    let names = model.predictor.labels();
    let named = found.into_iter().map(|found| LabelWords {
        label: names[found.class].clone(),
        texts: found.texts,
        words: found.words,
    });
    Ok(named.collect())
}

/// Texts that a run was judged on, as its model reads them.
fn test_texts(project: &Project, run: &str, model: &Model, drawn: Drawn) -> Result<Vec<String>> {
    let judged = project.predictions(run, Part::Test)?;
    let places = faithfulness::sample(judged.len(), drawn.most, drawn.seed);
    let examples: Vec<u32> = places.into_iter().map(|place| judged[place].example).collect();
    let texts = project.texts_of(&examples, TEXT_CHARACTERS)?;
    if texts.is_empty() {
        return Err(EngineError::NoTestTexts { run: run.to_owned() });
    }
    Ok(texts
        .iter()
        .map(|text| model.cleaned(text).into_owned())
        .collect())
}

/// Characters read of a text of the test part: more than any model reads, and no more than SQLite can count.
const TEXT_CHARACTERS: usize = 1 << 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_javascript_counts() {
        let text = "a𝒳文b";
        let mut utf16 = Utf16::default();
        let places = [0, 1, 5, 8, 9].map(|bytes| utf16.place(text, bytes));
        assert_eq!(places, [0, 1, 3, 4, 5]);
    }
}
