//! How far a run's answers can be trusted: further measures, calibration, how many answers to leave to a person, kinds of
//! texts that it fails at, and two runs side by side. Computed from the stored answers, so that older runs have it too.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use understudy_data::{Part, Project, StoredPrediction, language};
use understudy_eval::{
    Answer, Calibration, Comparison, EpochScores, Link, Measures, SliceScore, compare, measures,
    ranking_curves, risk_at, risk_coverage, threshold_for, worst_slices,
};
pub use understudy_eval::{RankingCurves, RiskPoint};
use understudy_report::ReviewFacts;
use understudy_train::{ProblemType, Review, note_review, review};

use crate::error::{EngineError, Result};
use crate::runs::{self, RunOutcome};

/// What is told beside the scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RunJudgement {
    /// Further measures of the judged part.
    pub measures: Measures,
    /// How sure its answers say to be beside how often they are right; runs of earlier versions do not tell.
    pub calibration: Option<Calibration>,
    /// Which answers go to a person.
    pub review: ReviewState,
    /// Kinds of texts that the model fails at, the worst first.
    pub slices: Vec<Slice>,
}

/// Which answers go to a person, and what that promises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ReviewState {
    /// In force; none: every answer is given.
    pub rule: Option<Review>,
    /// What each threshold means on the validation part, from answering everything to answering least.
    pub curve: Vec<RiskPoint>,
    /// What the rule in force (or answering everything) means on the validation part, where it was found.
    pub promised: RiskPoint,
    /// The same on the test part, which had no say in it; `None` without a test part.
    pub kept: Option<RiskPoint>,
    /// Whether texts unlike those learned from count as going to a person in all these, as they do; runs of earlier
    /// versions did not note which they are.
    pub unfamiliar_counted: bool,
}

/// A kind of texts that the model fails at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Slice {
    /// What makes the kind.
    pub kind: SliceKind,
    /// Which word, label or language; of lengths, the shortest in characters.
    pub value: String,
    /// How the model does on it.
    pub score: SliceScore,
}

/// What makes a kind of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SliceKind {
    /// They carry a label.
    Label,
    /// They are among the longest quarter.
    Long,
    /// They are among the shortest quarter.
    Short,
    /// They are in a language.
    Language,
    /// They contain a word, or two Chinese characters.
    Word,
}

/// Two runs on the same texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RunComparison {
    /// How their answers differ.
    pub comparison: Comparison,
    /// Whether that is more than chance.
    pub real: bool,
    /// Settings that differ: name, the first's, the second's.
    pub settings: Vec<(String, String, String)>,
    /// How they learned, round by round: the first's, the second's.
    pub rounds: (Vec<EpochScores>, Vec<EpochScores>),
    /// By label: F1 of the first and of the second, by the texts that both answered.
    pub classes: Vec<(String, f64, f64)>,
    /// Texts that the second gets right and the first does not.
    pub fixed: Vec<ChangedText>,
    /// Texts that the first gets right and the second does not.
    pub broken: Vec<ChangedText>,
}

/// A text about which two runs differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ChangedText {
    /// The row.
    pub example: u32,
    /// Its text, cut at 300 characters.
    pub text: String,
    /// The expert's labels.
    pub gold: Vec<String>,
    /// The first run's.
    pub first: Vec<String>,
    /// The second run's.
    pub second: Vec<String>,
}

/// Changed texts of one kind that are told.
const CHANGED_SHOWN: usize = 100;
/// Of a longer text, what tells its kind.
pub(crate) const CHARACTERS: usize = 2_000;
/// Words that are looked at, the commonest first.
const MOST_WORDS: usize = 2_000;
/// Errors allowed when nobody has said how many.
const USUAL_ERRORS: f64 = 0.05;

/// How scores become probabilities.
pub(crate) fn link(problem_type: ProblemType) -> Link {
    match problem_type {
        ProblemType::SingleLabel => Link::Softmax,
        ProblemType::MultiLabel => Link::Sigmoid,
    }
}

/// A run's answers to both parts.
struct Answers {
    outcome: RunOutcome,
    validation: Vec<StoredPrediction>,
    test: Vec<StoredPrediction>,
}

impl Answers {
    fn read(project: &Project, run: &str) -> Result<Self> {
        Ok(Answers {
            outcome: runs::outcome(&runs::find(project, run)?)?,
            validation: project.predictions(run, Part::Validation)?,
            test: project.predictions(run, Part::Test)?,
        })
    }

    /// Those of the part that counts.
    fn judged(&self) -> &[StoredPrediction] {
        match self.test.is_empty() {
            true => &self.validation,
            false => &self.test,
        }
    }

    fn link(&self) -> Link {
        match self.outcome.validation.multi_label {
            None => Link::Softmax,
            Some(_) => Link::Sigmoid,
        }
    }
}

fn is_right(answer: &StoredPrediction) -> bool {
    answer.gold == answer.predicted
}

/// The answers as the rule for those given sees them. A text that nobody called unfamiliar counts as any other.
fn ruled(answers: &[StoredPrediction]) -> Vec<Answer> {
    answers
        .iter()
        .map(|answer| Answer {
            confidence: answer.confidence,
            right: is_right(answer),
            withheld: answer.unfamiliar.unwrap_or(false),
        })
        .collect()
}

/// Whether it is known of all these texts if they are unlike those learned from.
fn unfamiliar_counted<'a>(answers: impl IntoIterator<Item = &'a StoredPrediction>) -> bool {
    answers.into_iter().all(|answer| answer.unfamiliar.is_some())
}

/// Everything about how far a run can be trusted.
///
/// # Errors
/// [`EngineError::RunNotFinished`], and those of the database.
pub fn judgement(project: &Project, run: &str) -> Result<RunJudgement> {
    let answers = Answers::read(project, run)?;
    let judged = answers.judged();
    let gold: Vec<&[usize]> = judged.iter().map(|answer| answer.gold.as_slice()).collect();
    let probabilities: Vec<f32> = judged
        .iter()
        .flat_map(|answer| answer.probabilities.iter().copied())
        .collect();
    let outcome = &answers.outcome;
    let scores = outcome.test.as_ref().unwrap_or(&outcome.validation);
    Ok(RunJudgement {
        measures: measures(
            &gold,
            &probabilities,
            &outcome.labels,
            &scores.confusion,
            answers.link(),
        )?,
        calibration: outcome.calibration.clone(),
        review: review_state(project, run, &answers)?,
        slices: slices(project, judged, &outcome.labels)?,
    })
}

fn review_state(project: &Project, run: &str, answers: &Answers) -> Result<ReviewState> {
    let rule = review(&runs::model_folder(project, run))?;
    let below = rule.map_or(0.0, |rule| rule.below);
    let validation = ruled(&answers.validation);
    Ok(ReviewState {
        rule,
        curve: risk_coverage(&validation),
        promised: risk_at(&validation, below),
        kept: (!answers.test.is_empty()).then(|| risk_at(&ruled(&answers.test), below)),
        unfamiliar_counted: unfamiliar_counted(answers.validation.iter().chain(&answers.test)),
    })
}

/// Decides how many of the answers given may be wrong: the others go to a person. Kept with the model, and told in the
/// audit log. `None` gives every answer.
///
/// # Errors
/// [`EngineError::NoSuchPromise`] when no threshold can promise it by the validation part, [`EngineError::RunNotFinished`], and
/// those of the database and of files.
pub fn set_review(project: &mut Project, run: &str, errors_allowed: Option<f64>) -> Result<ReviewState> {
    let answers = Answers::read(project, run)?;
    let rule = match errors_allowed {
        None => None,
        Some(errors_allowed) => {
            let below = threshold_for(&ruled(&answers.validation), errors_allowed).ok_or(
                EngineError::NoSuchPromise {
                    errors_allowed,
                    cases: answers.validation.len() as u32,
                },
            )?;
            Some(Review {
                errors_allowed,
                below,
            })
        }
    };
    note_review(&runs::model_folder(project, run), rule)?;
    project.record("review_rule", serde_json::json!({ "run": run, "rule": rule }))?;
    review_state(project, run, &answers)
}

/// The rule in force for a report: what came of it on the judged part.
pub(crate) fn review_facts(project: &Project, run: &str) -> Result<Option<ReviewFacts>> {
    let Some(rule) = review(&runs::model_folder(project, run))? else {
        return Ok(None);
    };
    let answers = Answers::read(project, run)?;
    Ok(Some(ReviewFacts {
        errors_allowed: rule.errors_allowed,
        kept: risk_at(&ruled(answers.judged()), rule.below),
        unfamiliar_counted: unfamiliar_counted(answers.judged()),
    }))
}

/// The rule for a run that has just been trained: the usual one where the validation part can promise it.
pub(crate) fn usual_review(validation: &[StoredPrediction]) -> Option<Review> {
    let below = threshold_for(&ruled(validation), USUAL_ERRORS)?;
    Some(Review {
        errors_allowed: USUAL_ERRORS,
        below,
    })
}

/// How one class is ranked on the judged part, over all thresholds; `None` where all texts or none carry it, or the
/// run does not know it.
///
/// # Errors
/// [`EngineError::RunNotFinished`], and those of the database.
pub fn class_curves(project: &Project, run: &str, label: &str) -> Result<Option<RankingCurves>> {
    let answers = Answers::read(project, run)?;
    let Some(class) = answers.outcome.labels.iter().position(|known| known == label) else {
        return Ok(None);
    };
    let decision = |answer: &StoredPrediction| (answer.probabilities[class], answer.gold.contains(&class));
    Ok(ranking_curves(answers.judged().iter().map(decision).collect()))
}

/// Kinds of texts that stand out.
fn slices(project: &Project, answers: &[StoredPrediction], labels: &[String]) -> Result<Vec<Slice>> {
    let ids: Vec<u32> = answers.iter().map(|answer| answer.example).collect();
    let texts = project.texts_of(&ids, CHARACTERS)?;
    let mut kinds: BTreeMap<(SliceKind, String), Vec<usize>> = BTreeMap::new();
    let lengths: Vec<usize> = texts.iter().map(|text| text.chars().count()).collect();
    let mut sorted = lengths.clone();
    sorted.sort_unstable();
    for (i, (answer, text)) in answers.iter().zip(&texts).enumerate() {
        let mut add = |kind, value: String| kinds.entry((kind, value)).or_default().push(i);
        for label in answer.gold.iter().filter_map(|class| labels.get(*class)) {
            add(SliceKind::Label, label.clone());
        }
        let (short, long) = (
            sorted[sorted.len() / 4],
            sorted[sorted.len() - 1 - sorted.len() / 4],
        );
        if lengths[i] <= short && short < long {
            add(SliceKind::Short, short.to_string());
        }
        if lengths[i] >= long && short < long {
            add(SliceKind::Long, long.to_string());
        }
        let language = language(text);
        if !language.is_empty() {
            add(SliceKind::Language, language.to_owned());
        }
    }
    let words = words(&texts);
    kinds.extend(
        words
            .into_iter()
            .map(|(word, texts)| ((SliceKind::Word, word), texts)),
    );
    let (names, lists): (Vec<_>, Vec<_>) = kinds.into_iter().unzip();
    let wrong: Vec<bool> = answers.iter().map(|answer| !is_right(answer)).collect();
    let found = worst_slices(&wrong, &lists);
    Ok(found
        .into_iter()
        .map(|(slice, score)| Slice {
            kind: names[slice].0,
            value: names[slice].1.clone(),
            score,
        })
        .take(12)
        .collect())
}

/// The commonest words, each with the texts that contain it; of Chinese, pairs of neighbouring characters. Words that
/// nearly every text has tell no kind.
fn words(texts: &[String]) -> Vec<(String, Vec<usize>)> {
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, text) in texts.iter().enumerate() {
        let mut of_text = BTreeSet::new();
        for run in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
            match run.chars().any(|c| ('\u{3400}'..='\u{9fff}').contains(&c)) {
                true => {
                    let characters: Vec<char> = run.chars().collect();
                    of_text.extend(characters.windows(2).map(|pair| pair.iter().collect::<String>()));
                }
                false if run.chars().count() >= 3 => {
                    of_text.insert(run.to_owned());
                }
                false => {}
            }
        }
        for word in of_text {
            found.entry(word).or_default().push(i);
        }
    }
    let mut found: Vec<_> = found
        .into_iter()
        .filter(|(_, of)| of.len() * 10 < texts.len() * 6)
        .collect();
    found.sort_by_key(|(_, of)| std::cmp::Reverse(of.len()));
    found.truncate(MOST_WORDS);
    found
}

/// Two runs on the texts that both were judged on with the same labels.
///
/// # Errors
/// [`EngineError::NothingToCompare`] where there are none, and those of the database.
pub fn compare_runs(project: &Project, first: &str, second: &str) -> Result<RunComparison> {
    let (a, b) = (Answers::read(project, first)?, Answers::read(project, second)?);
    let of_second: BTreeMap<u32, &StoredPrediction> =
        b.judged().iter().map(|answer| (answer.example, answer)).collect();
    let names = |answers: &Answers, classes: &[usize]| -> Vec<String> {
        classes
            .iter()
            .filter_map(|class| answers.outcome.labels.get(*class))
            .cloned()
            .collect()
    };
    // Two runs may list their labels in another order.
    let set = |names: Vec<String>| names.into_iter().collect::<BTreeSet<String>>();
    let pairs: Vec<(&StoredPrediction, &StoredPrediction)> = a
        .judged()
        .iter()
        .filter_map(|answer| Some((answer, *of_second.get(&answer.example)?)))
        .filter(|(x, y)| set(names(&a, &x.gold)) == set(names(&b, &y.gold)))
        .collect();
    let right = |pick: &dyn Fn(&(&StoredPrediction, &StoredPrediction)) -> bool| {
        pairs.iter().map(pick).collect::<Vec<bool>>()
    };
    let found = compare(
        &right(&|pair| is_right(pair.0)),
        &right(&|pair| is_right(pair.1)),
        0,
    );
    let comparison = found.ok_or_else(|| EngineError::NothingToCompare {
        first: first.to_owned(),
        second: second.to_owned(),
    })?;
    let changed = |better: bool| -> Result<Vec<ChangedText>> {
        let of = pairs
            .iter()
            .filter(|(x, y)| is_right(x) != is_right(y) && is_right(y) == better);
        let of: Vec<_> = of.take(CHANGED_SHOWN).collect();
        let ids: Vec<u32> = of.iter().map(|(x, _)| x.example).collect();
        let texts = project.texts_of(&ids, 300)?;
        let told = of.iter().zip(texts).map(|((x, y), text)| ChangedText {
            example: x.example,
            text,
            gold: names(&a, &x.gold),
            first: names(&a, &x.predicted),
            second: names(&b, &y.predicted),
        });
        Ok(told.collect())
    };
    let f1 = |label: &str| {
        let of =
            |answers: &Answers,
             pick: &dyn Fn(&(&StoredPrediction, &StoredPrediction)) -> StoredPrediction| {
                let Some(class) = answers.outcome.labels.iter().position(|known| known == label) else {
                    return 0.0;
                };
                let (mut both, mut either) = (0_u32, 0_u32);
                for answer in pairs.iter().map(pick) {
                    let (gold, given) = (answer.gold.contains(&class), answer.predicted.contains(&class));
                    both += u32::from(gold && given);
                    either += u32::from(gold) + u32::from(given);
                }
                2.0 * f64::from(both) / f64::from(either.max(1))
            };
        (of(&a, &|pair| pair.0.clone()), of(&b, &|pair| pair.1.clone()))
    };
    let labels: Vec<&String> = a
        .outcome
        .labels
        .iter()
        .filter(|label| b.outcome.labels.contains(label))
        .collect();
    Ok(RunComparison {
        real: comparison.is_real(),
        comparison,
        settings: differing_settings(project, first, second)?,
        rounds: (a.outcome.epochs.clone(), b.outcome.epochs.clone()),
        classes: labels
            .into_iter()
            .map(|label| {
                let (first, second) = f1(label);
                (label.clone(), first, second)
            })
            .collect(),
        fixed: changed(true)?,
        broken: changed(false)?,
    })
}

fn differing_settings(project: &Project, first: &str, second: &str) -> Result<Vec<(String, String, String)>> {
    let settings = |run: &str| -> Result<serde_json::Value> {
        runs::to_value(&runs::settings(&runs::find(project, run)?)?)
    };
    let (a, b) = (settings(first)?, settings(second)?);
    let fields = a.as_object().into_iter().flatten();
    Ok(fields
        .filter_map(|(name, value)| {
            let other = b.get(name)?;
            let word = crate::planning::setting_word;
            (value != other).then(|| (name.clone(), word(value), word(other)))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_once_a_text_and_those_of_all_texts_are_left_out() {
        let texts: Vec<String> = [
            "the Heart heart",
            "the court",
            "the 合同法 of",
            "the 合同",
            "the x",
        ]
        .map(str::to_owned)
        .to_vec();
        let found: BTreeMap<String, Vec<usize>> = words(&texts).into_iter().collect();
        assert_eq!(found["heart"], [0]);
        assert_eq!(found["合同"], [2, 3]);
        assert!(!found.contains_key("the") && !found.contains_key("of"));
    }

    #[test]
    fn the_usual_rule_needs_cases_enough() {
        let answer = |confidence: f64, right: bool| StoredPrediction {
            example: 1,
            gold: vec![0],
            predicted: vec![usize::from(!right)],
            confidence,
            probabilities: vec![confidence as f32, 1.0 - confidence as f32],
            unfamiliar: Some(false),
        };
        assert_eq!(usual_review(&vec![answer(0.9, true); 10]), None);
        let many: Vec<_> = (0..200)
            .map(|i| answer(0.5 + f64::from(i) / 400.0, i > 100))
            .collect();
        let rule = usual_review(&many).unwrap();
        assert!(
            (0.7..0.8).contains(&rule.below) && rule.errors_allowed == 0.05,
            "{rule:?}"
        );
        // As many again that it is as sure of as can be, wrong, and that a person gets anyway.
        let strange = StoredPrediction {
            unfamiliar: Some(true),
            ..answer(1.0, false)
        };
        let with_strange = [many, vec![strange; 200]].concat();
        assert_eq!(usual_review(&with_strange), Some(rule));
        let unknown: Vec<_> = with_strange
            .into_iter()
            .map(|answer| StoredPrediction {
                unfamiliar: None,
                ..answer
            })
            .collect();
        assert_eq!(
            usual_review(&unknown),
            None,
            "nobody knows that a person gets them"
        );
    }
}
