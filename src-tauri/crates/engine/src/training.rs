//! Carrying out a run: the project's texts go to the trainer, its news and results into the project.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use understudy_data::{
    CleaningRule, DataError, LabelledText, Part, Project, RowRule, RunRecord, RunStatus, StoredPrediction,
};
use understudy_eval::{
    Scores, bag_of_words, calibration, intervals_over_groups, most_probable, multi_label_scores, scores,
    thresholds,
};
use understudy_hub::check_folder;
use understudy_train::predictor::{confidence, decide};
use understudy_train::{
    Control, DeviceKind, Example, Outcome, ProblemType, TrainError, TrainEvent, TrainSettings, TrainingJob,
    note_review, train,
};

use crate::error::{EngineError, Problem, Result};
use crate::files;
use crate::job::{Event, Phase, Progress};
use crate::judgement;
use crate::models;
use crate::runs::{self, RunData, RunOutcome, UnfamiliarTexts, metric, to_value};

/// Points of the loss curve that are kept of a run.
const CURVE_POINTS: u32 = 300;

/// Trains a run to its end, or goes on with it, and returns the error that stopped it. The run's status in the
/// project is true at every moment.
///
/// # Errors
/// Whatever stopped it; the run is then marked cancelled or failed, with the reason.
pub fn execute(
    project: &mut Project,
    id: &str,
    control: &Control,
    emit: &mut dyn FnMut(Event),
) -> Result<()> {
    let mut run = runs::find(project, id)?;
    let folder = project.run_folder(id);
    let _lock = runs::lock(&folder, id)?;
    if run.status == RunStatus::Finished {
        return Err(EngineError::RunFinished { id: id.to_owned() });
    }
    run.status = RunStatus::Running;
    run.reason = None;
    patiently(|| project.update_run(&run))?;
    let result = learn(project, &run, control, emit);
    match &result {
        Ok(outcome) => {
            let files = runs::kept_files(&runs::model_folder(project, id))?;
            let kept = serde_json::json!({ "run": id, "files": files });
            patiently(|| project.record(runs::KEPT, kept.clone()))?;
            run.status = RunStatus::Finished;
            run.summary = Some(to_value(outcome)?);
        }
        Err(error) if error.is_cancelled() => run.status = RunStatus::Cancelled,
        Err(error) => {
            run.status = RunStatus::Failed;
            run.reason = Some(to_value(&Problem::from(error))?);
        }
    }
    patiently(|| project.update_run(&run))?;
    if run.status == RunStatus::Finished {
        // Where it cannot be cleared away now, it is before the next run.
        let _ = runs::clear_checkpoint(project, id);
    }
    result.map(|_| ())
}

/// How long the end of a run waits for its turn to be written down: cleaning a million rows holds the database for a minute.
const PATIENCE: Duration = Duration::from_secs(600);

/// Writes, again and again while somebody else holds the database.
fn patiently<T>(mut write: impl FnMut() -> understudy_data::Result<T>) -> Result<T> {
    let began = Instant::now();
    loop {
        match write() {
            // The database has waited for some seconds already.
            Err(DataError::Locked) if began.elapsed() < PATIENCE => {}
            done => return Ok(done?),
        }
    }
}

fn learn(
    project: &mut Project,
    run: &RunRecord,
    control: &Control,
    emit: &mut dyn FnMut(Event),
) -> Result<RunOutcome> {
    let (mut data, parts) = read_together(project)?;
    parts.check_unchanged(project, run)?;
    let settings = runs::settings(run)?;
    if settings.device != DeviceKind::Cpu {
        let machine = understudy_hub::machine(project.folder());
        // Another card is another machine: its sums have other last bits.
        let card = machine.gpus.into_iter().next().map(|gpu| gpu.name);
        data.machine = format!("{} · {}", data.machine, card.unwrap_or_default());
    }
    let base = models::base_folder(&settings.model)?;
    let job = TrainingJob {
        base,
        checkpoint: runs::checkpoint_folder(project, &run.id),
        model: runs::model_folder(project, &run.id),
        labels: parts.labels.clone(),
        problem_type: parts.problem_type,
        train: examples(&parts.train),
        validation: examples(&parts.validation),
        test: examples(&parts.test),
        device: settings.device.open().map_err(TrainError::from)?,
        settings,
    };
    let steps = job.settings.steps(job.train.len());
    let mut recorder = Recorder::new(project, &run.id, &job.settings, steps);
    let outcome = train(&job, control, &mut |event| recorder.hear(event, emit))?;
    let counted = counting_words(&parts, control, emit);
    let mut judged = judge(project, run, &parts, &job, outcome, data)?;
    match parts.problem_type {
        ProblemType::SingleLabel => judged.bag_of_words_accuracy = counted,
        ProblemType::MultiLabel => judged.bag_of_words_micro_f1 = counted,
    }
    Ok(judged)
}

/// What counting words reaches on the part that the model is judged by: its accuracy, or where a text may have several
/// labels its micro F1, with thresholds tuned on validation like the model's. `None` where it cannot be told, or when the
/// user does not want to wait for it: the model is trained by then.
fn counting_words(parts: &Parts, control: &Control, emit: &mut dyn FnMut(Event)) -> Option<f64> {
    emit(Event::Progress(Progress::new(Phase::Compare, 0.0, 1.0)));
    let judged = if parts.test.is_empty() {
        &parts.validation
    } else {
        &parts.test
    };
    let texts = |rows: &[LabelledText]| rows.iter().map(|row| row.text.clone()).collect::<Vec<_>>();
    let stop = || control.is_cancelled();
    let classes = parts.labels.len();
    let several = parts.problem_type == ProblemType::MultiLabel;
    // Validation first: where a text may have several labels, it tunes the thresholds.
    let asked = [texts(&parts.validation), texts(judged)].concat();
    let found = bag_of_words(
        &texts(&parts.train),
        &labels_of(&parts.train),
        classes,
        several,
        &asked,
        &stop,
    )?;
    let (validation, answers) = found.split_at(parts.validation.len() * classes);
    if several {
        let thresholds = thresholds(&labels_of(&parts.validation), validation, classes);
        let scores = multi_label_scores(&labels_of(judged), answers, &parts.labels, &thresholds, 0, 0);
        return scores.ok().map(|scores| scores.micro_f1);
    }
    let right = answers
        .chunks_exact(classes)
        .zip(judged)
        .filter(|(answer, row)| [most_probable(answer)] == row.labels[..])
        .count();
    Some(right as f64 / judged.len() as f64)
}

/// The labels of each text.
fn labels_of(rows: &[LabelledText]) -> Vec<&[usize]> {
    rows.iter().map(|row| row.labels.as_slice()).collect()
}

/// What the run learns from, and the texts, as of one moment: somebody may clean or divide anew meanwhile.
fn read_together(project: &Project) -> Result<(RunData, Parts)> {
    loop {
        let before = project.changes_by_others()?;
        let (data, parts) = (data_of(project)?, Parts::read(project)?);
        if project.changes_by_others()? == before {
            return Ok((data, parts));
        }
    }
}

/// What the run learns from, for its report.
fn data_of(project: &Project) -> Result<RunData> {
    let summary = project.summary()?;
    let mut cleaning = summary.cleaning;
    cleaning.retain(|step| !step.undone);
    let repeats = [RowRule::DropDuplicates, RowRule::DropNearDuplicates].map(CleaningRule::Rows);
    let duplicates = cleaning.iter().filter(|step| repeats.contains(&step.rule));
    let machine = understudy_hub::machine(project.folder());
    let memory = machine.memory_bytes / 1e9;
    Ok(RunData {
        split: project.split_summary()?.ok_or(DataError::NoSplit)?,
        duplicates_removed: duplicates.map(|step| step.rows).sum(),
        cleaning: Some(cleaning),
        machine: format!(
            "{} · {} × {} · {memory:.0} GB",
            machine.os, machine.cores, machine.cpu
        ),
        sources: summary.sources,
    })
}

/// The labelled texts of a project by part.
struct Parts {
    labels: Vec<String>,
    problem_type: ProblemType,
    train: Vec<LabelledText>,
    validation: Vec<LabelledText>,
    test: Vec<LabelledText>,
}

impl Parts {
    fn read(project: &Project) -> Result<Self> {
        Ok(Parts {
            labels: project.label_names()?,
            problem_type: problem_type(project)?,
            train: project.labelled(Part::Train)?,
            validation: project.labelled(Part::Validation)?,
            test: project.labelled(Part::Test)?,
        })
    }

    /// Everything the result depends on, in a hash.
    fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        self.labels.iter().for_each(|label| add(label.as_bytes()));
        for part in [&self.train, &self.validation, &self.test] {
            add(&(part.len() as u64).to_le_bytes());
            for row in part {
                if self.problem_type == ProblemType::MultiLabel {
                    add(&(row.labels.len() as u64).to_le_bytes());
                }
                row.labels
                    .iter()
                    .for_each(|label| add(&(*label as u64).to_le_bytes()));
                add(row.text.as_bytes());
            }
        }
        understudy_data::hex(&hasher.finalize())
    }

    /// The first time, notes what the run learns from; when it goes on, refuses other data.
    fn check_unchanged(&self, project: &Project, run: &RunRecord) -> Result<()> {
        let path = project.run_folder(&run.id).join("job.json");
        let found = serde_json::json!({
            "run": run.id, "settings": run.settings, "labels": self.labels,
            "rows": [self.train.len(), self.validation.len(), self.test.len()], "data_sha256": self.fingerprint(),
        });
        match files::read_json::<serde_json::Value>(&path)? {
            None => files::write_json(&path, &found),
            Some(noted) if noted["data_sha256"] == found["data_sha256"] => Ok(()),
            Some(_) => Err(EngineError::DataChanged { id: run.id.clone() }),
        }
    }
}

/// The hash of what a run would learn from now.
pub(crate) fn data_fingerprint(project: &Project) -> Result<String> {
    Ok(read_together(project)?.1.fingerprint())
}

/// The hash of what a run has learnt from; runs of the first versions noted none.
pub(crate) fn noted_fingerprint(project: &Project, run: &str) -> Result<Option<String>> {
    let noted = files::read_json::<serde_json::Value>(&project.run_folder(run).join("job.json"))?;
    Ok(noted.and_then(|noted| noted["data_sha256"].as_str().map(str::to_owned)))
}

/// Whether a run was trained with one set of settings from its beginning to its end.
pub(crate) fn kept_its_settings(project: &Project, run: &RunRecord) -> Result<bool> {
    let noted = files::read_json::<serde_json::Value>(&project.run_folder(&run.id).join("job.json"))?;
    Ok(noted.is_some_and(|noted| noted["settings"] == run.settings))
}

fn examples(rows: &[LabelledText]) -> Vec<Example> {
    rows.iter()
        .map(|row| Example {
            text: row.text.clone(),
            labels: row.labels.clone(),
        })
        .collect()
}

/// How many labels a text of this project may have, in the trainer's terms.
pub(crate) fn problem_type(project: &Project) -> Result<ProblemType> {
    Ok(match project.problem_type()? {
        understudy_data::ProblemType::SingleLabel => ProblemType::SingleLabel,
        understudy_data::ProblemType::MultiLabel => ProblemType::MultiLabel,
    })
}

/// Passes the trainer's news on, and keeps the curves.
struct Recorder<'p> {
    project: &'p mut Project,
    run: &'p str,
    /// Rounds asked for.
    epochs: u32,
    /// Rounds that there may still be.
    rounds: u32,
    steps: u32,
    /// Steps whose mean loss is one point of the curve.
    every: u32,
    sum: f64,
    count: u32,
    last_step: u32,
    /// Values that could not be stored yet: an import may hold the database for longer than a writer waits.
    unstored: Vec<(u32, &'static str, f64)>,
}

impl<'p> Recorder<'p> {
    fn new(project: &'p mut Project, run: &'p str, settings: &TrainSettings, steps: u32) -> Self {
        Recorder {
            project,
            run,
            epochs: settings.rounds(),
            rounds: settings.rounds(),
            steps,
            every: steps.div_ceil(CURVE_POINTS).max(1),
            sum: 0.0,
            count: 0,
            last_step: 0,
            unstored: Vec::new(),
        }
    }

    fn hear(&mut self, event: TrainEvent, emit: &mut dyn FnMut(Event)) {
        match event {
            TrainEvent::Progress {
                phase,
                done,
                total,
                epoch,
                seconds_left,
                rate,
            } => {
                if phase == understudy_train::Phase::Train {
                    // A training that ended early leaves fewer.
                    self.rounds = total / (self.steps / self.epochs).max(1);
                }
                emit(Event::Progress(Progress {
                    phase: phase.into(),
                    done: f64::from(done),
                    total: f64::from(total),
                    seconds_left,
                    rate,
                    epoch: (epoch > 0).then_some(epoch),
                    epochs: (epoch > 0).then_some(self.rounds),
                }));
            }
            TrainEvent::GoesOn { step } => {
                if let Err(error) = self.project.forget_metrics_after(self.run, step) {
                    emit(Event::Log {
                        message: format!("the curve will show steps that were undone: {error}"),
                    });
                }
            }
            TrainEvent::Step {
                step,
                loss,
                learning_rate,
            } => {
                self.last_step = step;
                self.sum += loss;
                self.count += 1;
                if step % self.every == 0 || step == self.steps {
                    let mean = self.sum / f64::from(self.count);
                    (self.sum, self.count) = (0.0, 0);
                    self.keep(
                        &[(metric::LOSS, mean), (metric::LEARNING_RATE, learning_rate)],
                        emit,
                    );
                    emit(Event::Step {
                        step,
                        steps: self.steps,
                        loss: mean,
                        learning_rate,
                    });
                }
            }
            TrainEvent::Epoch(scores) => {
                // A run that goes on just before its judging has not seen a step yet.
                self.last_step = self.steps / self.epochs * scores.epoch;
                let values = [
                    (metric::TRAIN_LOSS, scores.train_loss),
                    (metric::VALIDATION_LOSS, scores.validation_loss),
                    (metric::VALIDATION_ACCURACY, scores.validation_accuracy),
                    (metric::VALIDATION_MACRO_F1, scores.validation_macro_f1),
                    (metric::SECONDS, scores.seconds),
                    (metric::TRAINING, f64::from(scores.training)),
                ];
                self.keep(&values, emit);
                emit(Event::Epoch { scores });
            }
        }
    }

    /// Stores values, and those that could not be stored before. A training is not stopped for a point of its curve.
    fn keep(&mut self, values: &[(&'static str, f64)], emit: &mut dyn FnMut(Event)) {
        self.unstored
            .extend(values.iter().map(|(name, value)| (self.last_step, *name, *value)));
        while let Some((step, name, value)) = self.unstored.first().copied() {
            if let Err(error) = self.project.add_metrics(self.run, step, &[(name, value)]) {
                return emit(Event::Log {
                    message: format!("the curve will be stored later: {error}"),
                });
            }
            self.unstored.remove(0);
        }
    }
}

/// Judges the kept model and stores its answers.
fn judge(
    project: &mut Project,
    run: &RunRecord,
    parts: &Parts,
    job: &TrainingJob,
    outcome: Outcome,
    data: RunData,
) -> Result<RunOutcome> {
    let majority = commonest(&parts.train, parts.labels.len());
    let seed = u64::from(job.settings.seed);
    let mut judged = Vec::new();
    let mut unfamiliar = None;
    let flags = outcome.unfamiliar.as_ref();
    for (part, rows, probabilities, flags) in [
        (
            Part::Validation,
            &parts.validation,
            &outcome.validation,
            flags.map(|flags| flags.validation.as_slice()),
        ),
        (
            Part::Test,
            &parts.test,
            &outcome.test,
            flags.map(|flags| flags.test.as_slice()),
        ),
    ] {
        let thresholds = outcome.thresholds.as_deref();
        let answers = stored(rows, probabilities, parts.labels.len(), thresholds, flags);
        patiently(|| project.save_predictions(&run.id, part, &answers))?;
        if part == Part::Validation {
            note_review(&job.model, judgement::usual_review(&answers))?;
        }
        if rows.is_empty() {
            judged.push(None);
            continue;
        }
        if part == Part::Test && flags.is_some() {
            unfamiliar = UnfamiliarTexts::among(&answers);
        }
        let mut scores = judged_part(rows, probabilities, &parts.labels, thresholds, majority, seed)?;
        let examples: Vec<u32> = rows.iter().map(|row| row.example).collect();
        if let Some(groups) = project.groups_of(&examples)? {
            let given: Vec<&[usize]> = answers.iter().map(|answer| answer.predicted.as_slice()).collect();
            intervals_over_groups(&mut scores, &labels_of(rows), &given, &groups, seed);
        }
        judged.push(Some(scores));
    }
    let (rows, probabilities) = match parts.test.is_empty() {
        true => (&parts.validation, &outcome.validation),
        false => (&parts.test, &outcome.test),
    };
    let link = judgement::link(parts.problem_type);
    let calibration = calibration(
        &labels_of(rows),
        probabilities,
        parts.labels.len(),
        outcome.temperature,
        link,
    );
    let test = judged.pop().flatten();
    let validation = judged
        .pop()
        .flatten()
        .ok_or(understudy_train::TrainError::EmptyPart { part: "validation" })?;
    Ok(RunOutcome {
        labels: parts.labels.clone(),
        best_epoch: outcome.best_epoch(),
        epochs: outcome.epochs,
        kept_epochs: outcome.kept_epochs,
        trained_share: outcome.trained_share,
        steps: outcome.steps,
        validation,
        test,
        bag_of_words_accuracy: None,
        bag_of_words_micro_f1: None,
        calibration: Some(calibration),
        unfamiliar,
        seconds_training: outcome.seconds_training,
        samples_per_second: outcome.samples_per_second,
        tokens_per_second: outcome.tokens_per_second,
        peak_memory_mb: files::peak_memory_mb(),
        threads: std::thread::available_parallelism()
            .ok()
            .map(|threads| threads.get() as u32),
        truncated: outcome.truncated,
        model_sha256: check_folder(&job.model)?.model_sha256,
        data,
    })
}

fn judged_part(
    rows: &[LabelledText],
    probabilities: &[f32],
    labels: &[String],
    thresholds: Option<&[f32]>,
    majority: usize,
    seed: u64,
) -> Result<Scores> {
    let gold = labels_of(rows);
    Ok(match thresholds {
        Some(thresholds) => multi_label_scores(&gold, probabilities, labels, thresholds, majority, seed)?,
        None => scores(&gold.concat(), probabilities, labels, majority, seed)?,
    })
}

/// The commonest class: what a guesser would always say.
fn commonest(rows: &[LabelledText], classes: usize) -> usize {
    let mut counts = vec![0_usize; classes];
    rows.iter()
        .flat_map(|row| &row.labels)
        .for_each(|label| counts[*label] += 1);
    (0..classes)
        .max_by_key(|&class| (counts[class], std::cmp::Reverse(class)))
        .unwrap_or_default()
}

/// The answers as they are kept. Without `flags` nothing is known of how familiar texts look, and the model will call
/// none unfamiliar.
fn stored(
    rows: &[LabelledText],
    probabilities: &[f32],
    classes: usize,
    thresholds: Option<&[f32]>,
    flags: Option<&[bool]>,
) -> Vec<StoredPrediction> {
    rows.iter()
        .zip(probabilities.chunks_exact(classes))
        .enumerate()
        .map(|(i, (row, probabilities))| StoredPrediction {
            example: row.example,
            gold: row.labels.clone(),
            predicted: decide(probabilities, thresholds),
            confidence: confidence(probabilities, thresholds),
            probabilities: probabilities.to_vec(),
            unfamiliar: Some(flags.is_some_and(|flags| flags[i])),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_class_is_the_first_of_equals() {
        let row = |label| LabelledText {
            example: 0,
            text: String::new(),
            labels: vec![label],
        };
        assert_eq!(commonest(&[row(1), row(2), row(2), row(1), row(0)], 3), 1);
        assert_eq!(commonest(&[], 3), 0);
    }

    #[test]
    fn any_change_of_text_label_or_part_changes_the_fingerprint() {
        let row = |text: &str, label| LabelledText {
            example: 0,
            text: text.to_owned(),
            labels: vec![label],
        };
        let parts = |train: Vec<LabelledText>, test: Vec<LabelledText>| Parts {
            labels: vec!["a".into(), "b".into()],
            problem_type: ProblemType::SingleLabel,
            train,
            validation: vec![],
            test,
        };
        let prints = [
            parts(vec![row("x", 0), row("y", 1)], vec![]).fingerprint(),
            parts(vec![row("x", 0), row("y", 0)], vec![]).fingerprint(),
            parts(vec![row("xy", 0), row("", 1)], vec![]).fingerprint(),
            parts(vec![row("x", 0)], vec![row("y", 1)]).fingerprint(),
        ];
        let distinct: std::collections::BTreeSet<_> = prints.iter().collect();
        assert_eq!(distinct.len(), prints.len());
    }
}
