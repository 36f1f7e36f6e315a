//! The training loop, visible whole.

use std::time::{Duration, Instant};

use understudy_eval::EpochScores;
use understudy_nn::memory;
use understudy_nn::random::Key;
use understudy_nn::{Gradients, Input, NnError, Objective, ProblemType, SequenceClassifier, Step};

use crate::averaging;
use crate::batch;
use crate::checkpoint::{self, Began, Left, Progress};
use crate::control::Control;
use crate::error::{Result, TrainError};
use crate::fitting::fitting;
use crate::job::{Example, Outcome, Phase, REPORT_EVERY, TrainEvent, TrainingJob, Unfamiliar};
use crate::judging::{evaluate, familiar, features, is_better, judged, thresholds_for, validation_scores};
use crate::kept;
use crate::learner::Learner;
use crate::optimizer::AdamW;
use crate::predictor::{self, Answers};
use crate::schedule::LinearSchedule;
use crate::settings::{Method, Pooling, TrainSettings};
use crate::tokenizer::{Encoded, Tokenizer};
use crate::warm_up::warm_up_head;

/// A checkpoint is written this often within an epoch: what a kill costs at most.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

/// At an epoch's end one is written unless there is one this young: writing it would take longer than doing it again.
const WORTH_A_CHECKPOINT: Duration = Duration::from_secs(2);

/// Fine-tunes a pretrained model, keeps the best epoch by macro-F1 on validation (the lower loss where
/// equal), or the mean of the best epochs of several trainings, and judges it once on test. Where a text may have several labels, validation also tunes from which probability
/// on each is given: its own scores are a little too good then, those of test are not. Goes on from a checkpoint where there is one; the result is then the same, bit
/// for bit, as without the stop.
///
/// # Errors
/// Any [`TrainError`]; after [`TrainError::Cancelled`] there is a checkpoint to go on from.
pub fn train(job: &TrainingJob, control: &Control, report: &mut dyn FnMut(TrainEvent)) -> Result<Outcome> {
    let mut run = Run::prepare(job, control, report)?;
    loop {
        while !run.training_is_over() {
            match run.epoch(control, report) {
                Err(error @ TrainError::Diverged { .. }) => {
                    run.fall_back()?;
                    return Err(error);
                }
                other => other?,
            }
        }
        if run.is_last_training() {
            return run.finish(control, report);
        }
        run = run.begin_again()?;
    }
}

/// A run in progress.
struct Run<'j> {
    job: &'j TrainingJob,
    texts: Encoded,
    validation: Encoded,
    test: Encoded,
    model: SequenceClassifier,
    learner: Learner,
    gradients: Gradients,
    objective: Objective,
    /// What the encoder makes of the training and validation texts, where only the head learns: `[texts, hidden]`.
    features: Option<[Vec<f32>; 2]>,
    schedule: LinearSchedule,
    progress: Progress,
    key: Key,
    sitting: Sitting,
}

/// What is measured since this process took the run up.
struct Sitting {
    started: Instant,
    steps: u32,
    last_report: Instant,
    last_checkpoint: Instant,
}

impl<'j> Run<'j> {
    fn prepare(job: &'j TrainingJob, control: &Control, report: &mut dyn FnMut(TrainEvent)) -> Result<Self> {
        let settings = &job.settings;
        for (part, examples) in [("train", &job.train), ("validation", &job.validation)] {
            if examples.is_empty() {
                return Err(TrainError::EmptyPart { part });
            }
        }
        let examples = || [&job.train, &job.validation, &job.test].into_iter().flatten();
        if job.problem_type == ProblemType::SingleLabel
            && let Some(other) = examples().find(|example| example.labels.len() != 1)
        {
            return Err(TrainError::Model(NnError::Batch {
                what: "labels of a text",
                value: other.labels.len(),
                limit: 1,
            }));
        }
        let mut model = untrained(job)?;
        settings.check(model.max_length())?;
        set_up(job, &mut model);
        let [texts, validation, test] = tokenize(job, &model, control, report)?;
        let objective = objective(job);
        checkpoint::clear_leftovers(&job.checkpoint)?;
        let is_new = !checkpoint::exists(&job.checkpoint);
        let head_only = settings.method == Method::Head;
        if let Some(device) = &job.device {
            model.place(device)?;
        }
        let (mut known_features, mut seconds) = (None, 0.0);
        if head_only {
            let began = Instant::now();
            let of_texts = features(&model, &texts, control, report)?;
            seconds = began.elapsed().as_secs_f64();
            known_features = Some([of_texts, features(&model, &validation, control, report)?]);
        } else if settings.head_epochs > 0 && is_new {
            let began = Instant::now();
            let of_texts = features(&model, &texts, control, report)?;
            warm_up_head(job, &mut model, &of_texts, &objective, control)?;
            if settings.mixes() || settings.trainings() > 1 {
                averaging::note_start(job, &model)?;
            }
            seconds = began.elapsed().as_secs_f64();
        }
        let seed = u64::from(settings.seed);
        let mut optimizer = ready_to_learn(settings, &mut model);
        let progress = if !is_new {
            let progress = checkpoint::load(&job.checkpoint, &mut model.parameters, &mut optimizer)?;
            check_same_run(&progress, job)?;
            Progress {
                parts: progress.parts.max(settings.accumulation_steps as usize),
                ..progress
            }
        } else {
            Progress {
                settings: settings.clone(),
                texts: texts.len(),
                step: 0,
                epoch_loss: 0.0,
                recent_loss: 0.0,
                seconds,
                epoch_seconds: 0.0,
                epochs: Vec::new(),
                best_epoch: 0,
                began: Began::default(),
                left: Vec::new(),
                parts: settings.accumulation_steps as usize,
                tokens_per_part: match head_only || job.device.is_some() {
                    true => usize::MAX,
                    false => batch::TOKENS_PER_PART,
                },
            }
        };
        kept::restore(job)?;
        report(TrainEvent::GoesOn { step: progress.step });
        let learner = Learner::new(optimizer, &mut model, job.device.as_ref())?;
        let now = Instant::now();
        Ok(Run {
            gradients: Gradients::new(&model.parameters),
            schedule: LinearSchedule::new(
                settings.learning_rate,
                settings.warmup_ratio,
                settings.steps_per_epoch(texts.len()) * settings.epochs,
            ),
            key: Key::new(seed),
            sitting: Sitting {
                started: now,
                steps: 0,
                last_report: now,
                last_checkpoint: now,
            },
            job,
            texts,
            validation,
            test,
            model,
            learner,
            objective,
            features: known_features,
            progress,
        })
    }

    /// Whether all epochs of the current training are done, or enough of them brought nothing better.
    fn training_is_over(&self) -> bool {
        let (progress, settings) = (&self.progress, &self.job.settings);
        let done = progress.epochs.len() as u32;
        let in_vain = done - progress.best_epoch.max(progress.began.epochs);
        done - progress.began.epochs >= settings.epochs
            || (settings.patience > 0 && in_vain >= settings.patience)
    }

    fn is_last_training(&self) -> bool {
        self.progress.left.len() as u32 + 1 >= self.job.settings.trainings()
    }

    /// Puts aside what the current training came to, and goes back to where it began; the texts will come in other orders.
    fn begin_again(mut self) -> Result<Self> {
        // Of the epoch that ended the training there may be no checkpoint yet.
        self.checkpoint()?;
        averaging::put_aside(self.job, self.progress.left.len())?;
        let Run {
            job,
            model,
            learner,
            gradients,
            mut progress,
            ..
        } = self;
        // Frees their memory before others are made.
        drop((model, learner, gradients));
        progress.left.push(Left {
            first_epoch: progress.began.epochs + 1,
            best_epoch: progress.best_epoch,
        });
        progress.began = Began {
            epochs: progress.epochs.len() as u32,
            steps: progress.step,
        };
        (progress.best_epoch, progress.recent_loss) = (0, 0.0);
        let mut model = averaging::beginning(job)?;
        set_up(job, &mut model);
        let optimizer = ready_to_learn(&job.settings, &mut model);
        let learner = Learner::new(optimizer, &mut model, job.device.as_ref())?;
        let mut run = Run {
            gradients: Gradients::new(&model.parameters),
            model,
            learner,
            progress,
            ..self
        };
        run.checkpoint()?;
        Ok(run)
    }

    /// Trains what is left of the current epoch, judges it, keeps it if it is the best.
    fn epoch(&mut self, control: &Control, report: &mut dyn FnMut(TrainEvent)) -> Result<()> {
        let epoch = self.progress.epochs.len() as u32;
        let per_epoch = self.job.settings.steps_per_epoch(self.texts.len());
        let order = batch::epoch_order(self.key, epoch, self.texts.len());
        let batches: Vec<&[usize]> = order.chunks(self.job.settings.batch_size as usize).collect();
        let first = self.progress.step - epoch * per_epoch;
        for texts in &batches[first as usize..] {
            if let Err(stopped) = control.check() {
                self.checkpoint()?;
                return Err(stopped);
            }
            self.step(texts, control, report)?;
            if self.sitting.last_checkpoint.elapsed() > CHECKPOINT_EVERY {
                self.checkpoint()?;
            }
        }
        if let Err(stopped) = self.judge(epoch + 1, control, report) {
            // Stopped while judging: the epoch's last step is in the checkpoint, the judging is done again. Of a model that
            // cannot be judged the checkpoint before is the better one.
            if matches!(stopped, TrainError::Cancelled) {
                self.checkpoint()?;
            }
            return Err(stopped);
        }
        // The first one in any case: a run that gets out of hand goes on from there.
        let is_young = self.sitting.last_checkpoint.elapsed() < WORTH_A_CHECKPOINT;
        if !is_young || !checkpoint::exists(&self.job.checkpoint) {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// One step: forward, loss, backward, clip, move.
    fn step(&mut self, texts: &[usize], control: &Control, report: &mut dyn FnMut(TrainEvent)) -> Result<()> {
        let began = Instant::now();
        let step = self.progress.step;
        let loss = self.gradients(texts)?;
        if !loss.is_finite() || self.explodes(loss) {
            return Err(TrainError::Diverged { step: step + 1, loss });
        }
        let learning_rate = self.schedule.at(step - self.progress.began.steps);
        let norm = self
            .learner
            .update(&mut self.model, &self.gradients, learning_rate)?;
        if !norm.is_finite() {
            return Err(TrainError::Diverged {
                step: step + 1,
                loss: norm,
            });
        }
        let seconds = began.elapsed().as_secs_f64();
        self.progress.step += 1;
        self.progress.epoch_loss += loss;
        self.progress.seconds += seconds;
        self.progress.epoch_seconds += seconds;
        self.sitting.steps += 1;
        report(TrainEvent::Step {
            step: step + 1,
            loss,
            learning_rate,
        });
        if self.sitting.last_report.elapsed() > REPORT_EVERY {
            self.sitting.last_report = Instant::now();
            report(self.train_progress(control));
        }
        Ok(())
    }

    /// The loss of these texts and the gradients of what learns.
    fn gradients(&mut self, texts: &[usize]) -> Result<f64> {
        let (loss, parts) = fitting(self.progress.parts, texts.len(), |parts| {
            self.gradients_in_parts(texts, parts)
        })?;
        self.progress.parts = parts;
        Ok(loss)
    }

    /// A step's texts in so many parts, and in more where a part would have too many tokens.
    fn gradients_in_parts(&mut self, texts: &[usize], parts: usize) -> Result<f64> {
        let labels_of = |texts: &[usize]| -> Vec<&[usize]> {
            let labels = texts.iter().map(|&text| self.job.train[text].labels.as_slice());
            labels.collect()
        };
        let total_weight = self
            .objective
            .total_weight(&labels_of(texts), self.job.labels.len());
        let key = self.key.with(0x57E9).with(u64::from(self.progress.step));
        self.gradients.clear();
        let parts = batch::parts(
            &self.texts,
            texts,
            texts.len().div_ceil(parts),
            self.progress.tokens_per_part,
        );
        let mut loss = 0.0;
        for (part, texts) in parts.into_iter().enumerate() {
            let step = Step {
                labels: &labels_of(texts),
                objective: &self.objective,
                total_weight,
                dropout: Some(if part == 0 { key } else { key.with(part as u64) }),
            };
            loss += match &self.features {
                Some([features, _]) => {
                    let rows = rows(features, self.texts.len(), texts);
                    self.model
                        .loss_and_gradients(Input::Features(&rows), &step, &mut self.gradients)?
                }
                None => {
                    let packed = batch::pack(&self.texts, texts);
                    self.learner.touch(&mut self.model, &packed.ids);
                    self.model
                        .loss_and_gradients(Input::Texts(&packed), &step, &mut self.gradients)?
                }
            };
        }
        Ok(loss)
    }

    /// Whether the mean of the latest losses is far beyond what guessing costs: the weights have run away although the
    /// numbers are still finite.
    fn explodes(&mut self, loss: f64) -> bool {
        const TIMES: f64 = 5.0;
        let mean = &mut self.progress.recent_loss;
        *mean = (1.0 - FORGETTING) * *mean + FORGETTING * loss;
        *mean > TIMES * guessing(self.job)
    }

    /// After the weights ran away: leaves a checkpoint of the last good state, from which the run can go on more carefully.
    /// That is the best round of the current training; the checkpoint that is there, if it was written before; else where
    /// the training began.
    fn fall_back(self) -> Result<()> {
        let Run {
            job,
            texts,
            model,
            learner,
            gradients,
            mut progress,
            ..
        } = self;
        // Frees their memory before others are made.
        drop((model, learner, gradients));
        let worth_keeping = |loss: f64| loss <= WORTH_KEEPING * guessing(job);
        let epochs = &progress.epochs[progress.began.epochs as usize..];
        let best = epochs.iter().find(|scores| scores.epoch == progress.best_epoch);
        // Adapters are kept within the matrices that they change.
        let best =
            best.filter(|scores| worth_keeping(scores.train_loss) && job.settings.method != Method::Lora);
        let kept = best.map(|scores| scores.epoch);
        if kept.is_none() && checkpoint::exists(&job.checkpoint) {
            let written = checkpoint::progress(&job.checkpoint)?;
            let steps = written.step.saturating_sub(written.began.steps);
            // The mean begins at zero.
            let share = 1.0 - (1.0 - FORGETTING).powi(steps as i32);
            if written.began == progress.began && steps > 0 && worth_keeping(written.recent_loss / share) {
                return Ok(());
            }
        }
        let per_epoch = job.settings.steps_per_epoch(texts.len());
        progress
            .epochs
            .truncate(kept.unwrap_or(progress.began.epochs) as usize);
        progress.step = progress.epochs.len() as u32 * per_epoch;
        progress.best_epoch = kept.unwrap_or_default();
        (progress.recent_loss, progress.epoch_loss, progress.epoch_seconds) = (0.0, 0.0, 0.0);
        let mut model = match (kept, progress.left.is_empty()) {
            (None, true) => return checkpoint::remove(&job.checkpoint),
            _ => averaging::beginning(job)?,
        };
        if kept.is_some() {
            let (good, _) = predictor::load(&job.model)?;
            model.parameters.mix(&good.parameters, 0.0);
        }
        let optimizer = ready_to_learn(&job.settings, &mut model);
        checkpoint::save(&job.checkpoint, &progress, &model.parameters, &optimizer)
    }

    fn train_progress(&self, control: &Control) -> TrainEvent {
        let (settings, progress) = (&self.job.settings, &self.progress);
        // A training that ended early has taken fewer steps than it might have.
        let of_training = settings.steps_per_epoch(self.texts.len()) * settings.epochs;
        let trainings = settings.trainings() - progress.left.len() as u32;
        let total = progress.began.steps + of_training * trainings;
        let worked = self.sitting.started.elapsed().saturating_sub(control.waited());
        let per_step = worked.as_secs_f64() / f64::from(self.sitting.steps.max(1));
        TrainEvent::Progress {
            phase: Phase::Train,
            done: self.progress.step,
            total,
            epoch: self.progress.epochs.len() as u32 + 1,
            // The first steps say little: caches are cold.
            seconds_left: (self.sitting.steps >= 5).then(|| per_step * f64::from(total - self.progress.step)),
            rate: Some(f64::from(self.job.settings.batch_size) / per_step),
        }
    }

    /// Judges the epoch just trained by the validation part, and keeps its model if it is the best so far.
    fn judge(&mut self, epoch: u32, control: &Control, report: &mut dyn FnMut(TrainEvent)) -> Result<()> {
        self.learner.settle(&mut self.model)?;
        let probabilities = match &self.features {
            Some([_, features]) => predictor::probabilities_of_features(&self.model, features)?,
            None => evaluate(
                &self.model,
                &self.validation,
                Phase::Validate,
                epoch,
                control,
                report,
            )?,
        };
        let judged = validation_scores(self.job, &probabilities)?;
        let steps = self.job.settings.steps_per_epoch(self.texts.len());
        let found = EpochScores {
            epoch,
            training: self.progress.left.len() as u32 + 1,
            train_loss: self.progress.epoch_loss / f64::from(steps),
            validation_loss: judged.loss,
            validation_accuracy: judged.accuracy,
            validation_macro_f1: judged.macro_f1,
            seconds: self.progress.epoch_seconds,
        };
        let best = self
            .progress
            .epochs
            .iter()
            .find(|e| e.epoch == self.progress.best_epoch);
        let of = |scores: &EpochScores| (scores.validation_macro_f1, scores.validation_loss);
        if best.is_none_or(|best| is_better(of(&found), of(best))) {
            report(TrainEvent::of_phase(Phase::Save, 0, 1, epoch));
            self.keep()?;
            self.progress.best_epoch = epoch;
        }
        self.progress.epochs.push(found);
        self.progress.epoch_loss = 0.0;
        self.progress.epoch_seconds = 0.0;
        report(TrainEvent::Epoch(found));
        Ok(())
    }

    /// Writes the current model as the best one, in one step that cannot be seen half done.
    fn keep(&self) -> Result<()> {
        let job = self.job;
        kept::replace_model(&job.model, |partial| {
            predictor::save(partial, &self.model, &job.base, job.settings.reading())
        })
    }

    fn checkpoint(&mut self) -> Result<()> {
        let optimizer = self.learner.state(&mut self.model)?;
        checkpoint::save(
            &self.job.checkpoint,
            &self.progress,
            &self.model.parameters,
            optimizer,
        )?;
        self.sitting.last_checkpoint = Instant::now();
        Ok(())
    }

    /// Judges the kept model on both parts.
    fn finish(self, control: &Control, report: &mut dyn FnMut(TrainEvent)) -> Result<Outcome> {
        let Run {
            job,
            texts,
            validation,
            test,
            progress,
            model,
            learner,
            gradients,
            features,
            ..
        } = self;
        let features = features.map(|[texts, _]| texts);
        // Frees the memory of training before another model is read.
        drop((model, learner, gradients));
        let (best, notes) = predictor::load(&job.model)?;
        let (mut best, temperature, trained_share, kept_epochs) = match notes.temperature {
            Some(temperature) => (best, temperature, notes.trained_share, notes.kept_epochs),
            None => {
                drop(best);
                let mut averaged = averaging::choose(job, &progress, &validation, control, report)?;
                let temperature = kept::calibrate(job, &mut averaged)?;
                (averaged.model, temperature, averaged.share, averaged.epochs)
            }
        };
        // The temperature is a part of the numbers by now.
        if let Some(device) = &job.device {
            best.place(device)?;
        }
        let known = familiar(job, &best, &texts, features, control, report)?;
        let known = known.as_ref();
        let validation = judged(&best, &validation, known, Phase::Validate, control, report)?;
        let test = judged(&best, &test, known, Phase::Test, control, report)?;
        let known = known.and_then(|known| known.clone().with_limit(&validation.distances));
        if let Some(known) = &known {
            known.save(&job.model)?;
        }
        let unfamiliar = known.map(|known| {
            let of = |part: &Answers| part.distances.iter().map(|at| known.is_unfamiliar(*at)).collect();
            Unfamiliar {
                validation: of(&validation),
                test: of(&test),
            }
        });
        let (validation, test) = (validation.probabilities, test.probabilities);
        let thresholds = thresholds_for(job, &validation);
        if let Some(thresholds) = &thresholds {
            predictor::note_thresholds(&job.model, thresholds)?;
        }
        let epochs = progress.epochs.len() as f64;
        let truncated = (0..texts.len()).filter(|&text| texts.was_truncated(text)).count();
        Ok(Outcome {
            kept_epochs: match kept_epochs.is_empty() {
                // An earlier version judged it, and was stopped.
                true => vec![progress.best_epoch],
                false => kept_epochs,
            },
            steps: progress.step,
            validation,
            test,
            unfamiliar,
            thresholds,
            temperature,
            trained_share,
            seconds_training: progress.seconds,
            samples_per_second: epochs * texts.len() as f64 / progress.seconds,
            tokens_per_second: epochs * texts.tokens() as f64 / progress.seconds,
            truncated: truncated as f64 / texts.len() as f64,
            epochs: progress.epochs,
        })
    }
}

/// How much the latest loss counts in the mean of those before.
const FORGETTING: f64 = 0.1;

/// A state whose loss is so many times what guessing costs has learned nothing that is worth going on from.
const WORTH_KEEPING: f64 = 1.5;

/// The loss of who guesses, or 1 where that is less.
fn guessing(job: &TrainingJob) -> f64 {
    (job.labels.len() as f64).ln().max(1.0)
}

/// How answers are judged while learning.
fn objective(job: &TrainingJob) -> Objective {
    let classes = job.labels.len();
    let mut counts = vec![0_usize; classes];
    for label in job.train.iter().flat_map(|example| &example.labels) {
        if let Some(count) = counts.get_mut(*label) {
            *count += 1;
        }
    }
    let rows = job.train.len() as f64;
    let weight = |&count: &usize| {
        let carried = count.max(1) as f64;
        let weight = match job.problem_type {
            // scikit-learn's "balanced": rows / (classes × rows of the class).
            ProblemType::SingleLabel => rows / classes as f64 / carried,
            // Noes for a yes, under a root: as they stand, a hundredfold weight makes the model see a rare label
            // everywhere. The thresholds do the rest.
            ProblemType::MultiLabel => ((rows - carried).max(1.0) / carried).sqrt(),
        };
        weight as f32
    };
    Objective {
        problem_type: job.problem_type,
        label_smoothing: job.settings.label_smoothing,
        class_weights: match job.settings.class_weights {
            true => counts.iter().map(weight).collect(),
            false => Vec::new(),
        },
    }
}

/// How a model is to learn.
fn set_up(job: &TrainingJob, model: &mut SequenceClassifier) {
    let settings = &job.settings;
    model.set_problem_type(job.problem_type);
    model.set_dropout(settings.dropout as f32);
    model.set_window_pooling(settings.window_pooling);
    model.set_training_precision(settings.precision);
    model.set_recompute(settings.recompute);
}

/// The pretrained encoder with a head that knows nothing yet.
pub(crate) fn untrained(job: &TrainingJob) -> Result<SequenceClassifier> {
    let seed = u64::from(job.settings.seed);
    let (model, _) = match job.settings.pooling {
        Pooling::Native => SequenceClassifier::from_pretrained(&job.base, &job.labels, seed)?,
        Pooling::Mean => SequenceClassifier::from_sentence_encoder(&job.base, &job.labels, seed)?,
    };
    Ok(model)
}

/// Freezes what the settings leave as it is, adds what they train instead, and makes an optimiser for that.
fn ready_to_learn(settings: &TrainSettings, model: &mut SequenceClassifier) -> AdamW {
    let above = match settings.trained_layers {
        0 => 0,
        layers => (model.own_layers() + 1).saturating_sub(layers as usize),
    };
    match settings.method {
        Method::Full => model.freeze(above),
        Method::Head => model.freeze(model.own_layers() + 1),
        Method::Lora => model.add_adapters(settings.lora_rank as usize, above, u64::from(settings.seed)),
    }
    memory::move_to_large_pages(&mut model.parameters.dense);
    AdamW::new(&model.parameters, settings)
}

/// These rows of a matrix with `count` rows.
pub(crate) fn rows(numbers: &[f32], count: usize, rows: &[usize]) -> Vec<f32> {
    let columns = numbers.len() / count;
    rows.iter()
        .flat_map(|&row| &numbers[row * columns..(row + 1) * columns])
        .copied()
        .collect()
}

/// Turns all texts into ids and checks that the model knows them.
fn tokenize(
    job: &TrainingJob,
    model: &SequenceClassifier,
    control: &Control,
    report: &mut dyn FnMut(TrainEvent),
) -> Result<[Encoded; 3]> {
    let reading = job.settings.reading();
    let tokenizer = Tokenizer::load(&job.base, reading.max_length, reading.windows)?;
    let tokenizer = tokenizer.with_truncation(reading.truncation);
    let total = job.train.len() + job.validation.len() + job.test.len();
    let mut before = 0;
    let mut encode = |examples: &[Example]| {
        let texts: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
        let encoded = tokenizer.encode(&texts, control, |done| {
            report(TrainEvent::of_phase(Phase::Tokenize, before + done, total, 0))
        })?;
        before += texts.len();
        let vocabulary = model.vocabulary();
        match encoded.largest_id() {
            token if token as usize >= vocabulary => {
                Err(TrainError::VocabularyMismatch { token, vocabulary })
            }
            _ => Ok(encoded),
        }
    };
    Ok([encode(&job.train)?, encode(&job.validation)?, encode(&job.test)?])
}

/// A checkpoint only continues the run that wrote it.
fn check_same_run(progress: &Progress, job: &TrainingJob) -> Result<()> {
    let mismatch = |reason: String| TrainError::Checkpoint {
        path: checkpoint::path(&job.checkpoint),
        reason,
    };
    // A run that ran away goes on with a smaller learning rate.
    let before = TrainSettings {
        learning_rate: job.settings.learning_rate,
        ..progress.settings.clone()
    };
    if before != job.settings {
        return Err(mismatch("it was written with other settings".to_owned()));
    }
    if progress.texts != job.train.len() {
        return Err(mismatch(format!(
            "it was written for {} texts, there are {}",
            progress.texts,
            job.train.len()
        )));
    }
    let per_epoch = job.settings.steps_per_epoch(job.train.len());
    let done = progress.epochs.len() as u32;
    let steps = done.saturating_mul(per_epoch)..=done.saturating_add(1).saturating_mul(per_epoch);
    let began = progress.began;
    let trainings_fit = began.epochs <= done
        && began.steps == began.epochs.saturating_mul(per_epoch)
        && progress.left.len() < job.settings.trainings() as usize;
    if !steps.contains(&progress.step) || progress.best_epoch > done || !trainings_fit {
        let step = progress.step;
        return Err(mismatch(format!(
            "step {step} does not lie in round {}",
            done + 1
        )));
    }
    Ok(())
}
