//! How a run's models are judged: what they make of texts, which round is the better one, which texts are unlike others.

use std::time::Instant;

use understudy_eval::{Scores, multi_label_scores, scores, thresholds};
use understudy_nn::{ProblemType, SequenceClassifier};

use crate::control::Control;
use crate::error::Result;
use crate::familiarity::{self, Familiarity};
use crate::job::{Example, Phase, REPORT_EVERY, TrainEvent, TrainingJob};
use crate::predictor::{self, Answers};
use crate::tokenizer::Encoded;
use crate::trainer::rows;

/// What the encoder makes of all texts, `[texts, hidden]`.
pub(crate) fn features(
    model: &SequenceClassifier,
    texts: &Encoded,
    control: &Control,
    report: &mut dyn FnMut(TrainEvent),
) -> Result<Vec<f32>> {
    let mut last = Instant::now();
    predictor::features(model, texts, control, |done| {
        if last.elapsed() > REPORT_EVERY {
            last = Instant::now();
            report(TrainEvent::of_phase(Phase::Features, done, texts.len(), 0));
        }
    })
}

/// The labels of each text.
pub(crate) fn all_labels(examples: &[Example]) -> Vec<&[usize]> {
    examples.iter().map(|example| example.labels.as_slice()).collect()
}

/// Where a text may have several labels: the probability from which on each is given, by these of the validation part.
pub(crate) fn thresholds_for(job: &TrainingJob, validation: &[f32]) -> Option<Vec<f32>> {
    (job.problem_type == ProblemType::MultiLabel)
        .then(|| thresholds(&all_labels(&job.validation), validation, job.labels.len()))
}

/// How good these answers to the validation part are, `[texts, classes]`.
pub(crate) fn validation_scores(job: &TrainingJob, answers: &[f32]) -> Result<Scores> {
    let gold = all_labels(&job.validation);
    Ok(match thresholds_for(job, answers) {
        Some(thresholds) => multi_label_scores(&gold, answers, &job.labels, &thresholds, 0, 0)?,
        None => scores(&gold.concat(), answers, &job.labels, 0, 0)?,
    })
}

/// Whether a model with this macro-F1 and mean loss on the validation part is to be preferred to another.
pub fn is_better((macro_f1, loss): (f64, f64), (other_f1, other_loss): (f64, f64)) -> bool {
    (macro_f1, -loss) > (other_f1, -other_loss)
}

/// What the features of the training texts look like to the finished model, by a few thousand of them. Where only the head
/// has learnt, `known` has all of them, and nothing need be read again.
pub(crate) fn familiar(
    job: &TrainingJob,
    model: &SequenceClassifier,
    texts: &Encoded,
    known: Option<Vec<f32>>,
    control: &Control,
    report: &mut dyn FnMut(TrainEvent),
) -> Result<Option<Familiarity>> {
    let labels = all_labels(&job.train);
    let drawn = familiarity::drawn(&labels, u64::from(job.settings.seed));
    let features = match known {
        Some(known) => rows(&known, texts.len(), &drawn),
        None => features(model, &texts.chosen(&drawn), control, report)?,
    };
    let labels: Vec<&[usize]> = drawn.into_iter().map(|text| labels[text]).collect();
    Ok(Familiarity::of(&features, model.hidden_size(), &labels))
}

/// Probabilities of all texts, `[texts, classes]`, with the progress of a phase of this epoch.
pub(crate) fn evaluate(
    model: &SequenceClassifier,
    texts: &Encoded,
    phase: Phase,
    epoch: u32,
    control: &Control,
    report: &mut dyn FnMut(TrainEvent),
) -> Result<Vec<f32>> {
    Ok(answers_of(model, texts, None, (phase, epoch), control, report)?.probabilities)
}

/// As [`evaluate`], of the finished model, with how far the texts are from those learned from.
pub(crate) fn judged(
    model: &SequenceClassifier,
    texts: &Encoded,
    known: Option<&Familiarity>,
    phase: Phase,
    control: &Control,
    report: &mut dyn FnMut(TrainEvent),
) -> Result<Answers> {
    answers_of(model, texts, known, (phase, 0), control, report)
}

fn answers_of(
    model: &SequenceClassifier,
    texts: &Encoded,
    known: Option<&Familiarity>,
    (phase, epoch): (Phase, u32),
    control: &Control,
    report: &mut dyn FnMut(TrainEvent),
) -> Result<Answers> {
    let mut last = Instant::now();
    predictor::answers(model, texts, known, control, |done| {
        if last.elapsed() > REPORT_EVERY {
            last = Instant::now();
            report(TrainEvent::of_phase(phase, done, texts.len(), epoch));
        }
    })
}
