//! Why a run's model answers as it does: one text; and over the test part, which words tell and whether explanations
//! hold.

use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use understudy_data::{Part, Project};
use understudy_train::{self as train, Control, ExplanationMethod, Faithfulness, Manner, TellingWord};

use crate::error::{EngineError, Result};
use crate::job::{Phase, Progress};
use crate::prediction::Model;
use crate::{files, runs};

/// Occurrences from which on the mean of a word's scores says something.
const FEWEST_OCCURRENCES: u32 = 3;

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

/// What was found out about a run's answers to its test part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Examined {
    /// How words were weighed.
    pub method: ExplanationMethod,
    /// Decided which texts were looked at.
    pub seed: u32,
    /// Texts looked at.
    pub texts: u32,
    /// Texts of the test part.
    pub of: u32,
    /// Time it took.
    pub seconds: f64,
    /// When.
    pub created_at: String,
    /// SHA-256 of the texts looked at.
    pub texts_sha256: String,
    /// Whether explanations hold: without the words that tell most the model must be less sure than without as many at
    /// random. `None` when every text was too short to tell.
    pub faithfulness: Option<Faithfulness>,
    /// The words that tell most for each label that was given.
    pub labels: Vec<LabelWords>,
}

/// The words that tell most for a label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LabelWords {
    /// The label.
    pub label: String,
    /// Texts that were given it.
    pub texts: u32,
    /// The words, the most telling first.
    pub words: Vec<TellingWord>,
}

/// How a run's answers are examined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Examination {
    /// How words are weighed.
    pub method: ExplanationMethod,
    /// Share of a text's words that are left out to see whether they told.
    pub share: f64,
    /// Texts of the test part that are looked at, at most, drawn by chance.
    pub most: u32,
    /// Decides the draw of texts, and of the words that are left out at random.
    pub seed: u32,
}

impl Default for Examination {
    fn default() -> Self {
        Examination {
            method: ExplanationMethod::Gradients,
            share: 0.2,
            most: 200,
            seed: 0,
        }
    }
}

fn path(project: &Project, run: &str) -> Result<PathBuf> {
    let run = runs::find(project, run)?;
    Ok(project.run_folder(&run.id).join("explanations.json"))
}

/// What was found out about a run's answers when they were last examined; nothing where the texts have changed since, as
/// when names were taken out of them: words of what they were must not be told any more.
///
/// # Errors
/// `UnknownRun`, and those of files and of the database.
pub fn examined(project: &Project, run: &str) -> Result<Option<Examined>> {
    let Some(found) = files::read_json::<Examined>(&path(project, run)?)? else {
        return Ok(None);
    };
    let (texts, _) = drawn_texts(project, run, found.texts, found.seed)?;
    Ok((hash(&texts) == found.texts_sha256).then_some(found))
}

/// Explains a run's answers to its test part, and keeps what was found beside the model.
///
/// # Errors
/// [`EngineError::NoTestTexts`], and those of predicting and of files.
pub fn examine(
    project: &Project,
    run: &str,
    how: &Examination,
    control: &Control,
    report: &mut dyn FnMut(Progress),
) -> Result<Examined> {
    let target = path(project, run)?;
    let model = crate::prediction::load(project, run)?;
    let (present, of) = drawn_texts(project, run, how.most, how.seed)?;
    if present.is_empty() {
        return Err(EngineError::NoTestTexts { run: run.to_owned() });
    }
    let texts: Vec<String> = present
        .iter()
        .map(|text| model.cleaned(text).into_owned())
        .collect();
    let began = Instant::now();
    let total = texts.len() as f64;
    let mut progress = |done: usize| {
        let seconds = began.elapsed().as_secs_f64();
        let rate = done as f64 / seconds.max(f64::MIN_POSITIVE);
        report(Progress {
            rate: Some(rate),
            seconds_left: Some((total - done as f64) / rate),
            ..Progress::new(Phase::Explain, done as f64, total)
        });
    };
    let manner = Manner {
        method: how.method,
        share: how.share,
        seed: how.seed.into(),
        fewest: FEWEST_OCCURRENCES,
        most: WORDS_LISTED,
    };
    let found = train::examine(&model.predictor, &texts, &manner, control, &mut progress)?;
    let names = model.predictor.labels();
    let given = found.telling.into_iter().filter(|found| found.texts > 0);
    let found = Examined {
        method: how.method,
        seed: how.seed,
        texts: texts.len() as u32,
        of,
        seconds: began.elapsed().as_secs_f64(),
        created_at: files::now(),
        texts_sha256: hash(&present),
        faithfulness: found.faithfulness,
        labels: given
            .map(|found| LabelWords {
                label: names[found.class].clone(),
                texts: found.texts,
                words: found.words,
            })
            .collect(),
    };
    files::write_json(&target, &found)?;
    Ok(found)
}

/// Texts that a run was judged on, drawn by chance, and how many there are to draw from.
fn drawn_texts(project: &Project, run: &str, most: u32, seed: u32) -> Result<(Vec<String>, u32)> {
    let judged = project.predictions(run, Part::Test)?;
    let places = train::sample(judged.len(), most as usize, seed.into());
    let examples: Vec<u32> = places.into_iter().map(|place| judged[place].example).collect();
    Ok((project.texts_of(&examples, TEXT_CHARACTERS)?, judged.len() as u32))
}

fn hash(texts: &[String]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    understudy_data::hex(&hasher.finalize())
}

/// Characters read of a text of the test part: more than any model reads, and no more than SQLite can count.
pub(crate) const TEXT_CHARACTERS: usize = 1 << 24;

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
