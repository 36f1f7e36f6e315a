//! The plan of a training: settings with their reasons, what they will cost, what stands in the way.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use understudy_data::{DataError, LabelledText, Part, ProblemType, Project, RunStatus, SplitError};
use understudy_report::Language;
use understudy_train::memory::{self, Texts};
use understudy_train::presets::{self, DataFacts, ModelFacts, Preset, Reason};
use understudy_train::tokenizer::Tokenizer;
use understudy_train::{Config, Control, DeviceKind, Method, TrainError, TrainSettings};

use crate::error::{EngineError, Result, UserError};
use crate::view::{ChosenSetting, LongTexts, SplitSummary, TrainPlan};
use crate::{Session, models, runs, words};

/// Training texts that are tokenised to tell their lengths.
const LENGTH_SAMPLE: usize = 400;

/// Tokens beyond which lengths are no longer told apart.
const LONGEST_TOLD: usize = 8192;

/// Part of the free memory that a run may use: other programs grow too.
pub(crate) const USABLE_MEMORY: f64 = 0.85;

/// Key of the project's setting that keeps what was chosen for the next training.
const CHOICE: &str = "train_choice";

/// What was chosen for the next training; neither: what fits the data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Choice {
    preset: Option<Preset>,
    /// Only where something was changed by hand.
    settings: Option<TrainSettings>,
}

/// What the training texts and the model are like.
struct Facts {
    data: DataFacts,
    model: ModelFacts,
    footprint: understudy_train::Footprint,
    /// `model_type` of its configuration.
    architecture: String,
    texts: Texts,
}

impl Facts {
    fn gather(project: &Project, folder: &Path) -> Result<Self> {
        let rows = &project.labelled(Part::Train)?;
        let classes = project.label_names()?.len();
        let (model, footprint) = ModelFacts::read(folder)?;
        let texts = texts(rows, folder, model.max_length)?;
        let mut counts = vec![0_usize; classes];
        rows.iter()
            .flat_map(|row| &row.labels)
            .for_each(|label| counts[*label] += 1);
        let present = || counts.iter().copied().filter(|&count| count > 0);
        let mut lengths = texts.lengths.clone();
        lengths.sort_unstable();
        let data = DataFacts {
            texts: rows.len(),
            classes,
            rarest: present().min().unwrap_or_default(),
            commonest: present().max().unwrap_or_default(),
            length_p95: lengths.get(lengths.len() * 95 / 100).copied().unwrap_or_default(),
            several: project.problem_type()? == ProblemType::MultiLabel,
        };
        Ok(Facts {
            data,
            model,
            footprint,
            architecture: architecture(folder)?,
            texts,
        })
    }

    /// The settings of a preset, made to fit into the free memory, and why they are what they are.
    fn choose(
        &self,
        preset: Option<Preset>,
        model: &str,
        free: f64,
    ) -> (TrainSettings, Vec<presets::Choice>) {
        let preset = preset.unwrap_or_else(|| presets::propose(&self.data, &self.model));
        let (mut settings, mut choices) = presets::choose(preset, model, &self.data, &self.model);
        let before = settings.clone();
        let needed = memory::fit(
            &self.footprint,
            &mut settings,
            self.data.classes,
            &self.texts,
            threads(),
            USABLE_MEMORY * free,
        );
        let megabytes = (needed / 1e6) as u32;
        for (setting, changed) in [
            (
                "accumulation_steps",
                settings.accumulation_steps != before.accumulation_steps,
            ),
            ("recompute", settings.recompute != before.recompute),
        ] {
            if changed {
                choices.push(presets::Choice {
                    setting: setting.to_owned(),
                    reason: Reason::Memory { megabytes },
                });
            }
        }
        (settings, choices)
    }

    fn memory_mb(&self, settings: &TrainSettings) -> f64 {
        memory::estimate(
            &self.footprint,
            settings,
            self.data.classes,
            &self.texts,
            threads(),
        ) / 1e6
    }

    /// Seconds of a training at most, by what was measured on this machine; `None` before that.
    fn seconds(&self, settings: &TrainSettings, judged: u32) -> Option<f64> {
        let speed = models::speed::known()?;
        Some(speed.seconds_of_training(
            &self.footprint,
            &self.architecture,
            settings,
            &self.texts,
            judged as usize,
        ))
    }

    /// Share of the texts longer than what is read of them.
    fn truncated(&self, settings: &TrainSettings) -> f64 {
        let read = settings.tokens_read();
        let lengths = &self.texts.lengths;
        let cut = lengths.iter().filter(|&&length| length > read).count();
        cut as f64 / lengths.len().max(1) as f64
    }
}

/// `model_type` of the model in `folder`.
fn architecture(folder: &Path) -> Result<String> {
    let told = || Config::read(folder)?.word("model_type", "").map(str::to_owned);
    Ok(told().map_err(TrainError::from)?)
}

/// Characters that this many tokens hold in texts like these, special tokens apart; `None` where they have no tokens.
fn characters_read(texts: &[String], folder: &Path, max_length: usize) -> Result<Option<f64>> {
    let tokenizer = Tokenizer::load(folder, LONGEST_TOLD.max(max_length), 1)?;
    let around = tokenizer.encode(&[""], &Control::default(), |_| {})?.length(0);
    let encoded = tokenizer.encode(texts, &Control::default(), |_| {})?;
    let tokens: usize = (0..encoded.len())
        .map(|text| encoded.length(text).saturating_sub(around))
        .sum();
    let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    let room = max_length.saturating_sub(around);
    Ok((tokens > 0).then(|| room as f64 * characters as f64 / tokens as f64))
}

/// Two digits: more would promise too much.
fn about(characters: f64) -> u32 {
    let step = 10_f64.powf(characters.max(1.0).log10().floor() - 1.0).max(1.0);
    ((characters / step).round() * step) as u32
}

pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Lengths and vocabulary of the texts, from an even sample of them.
fn texts(rows: &[LabelledText], folder: &Path, max_length: usize) -> Result<Texts> {
    let sample: Vec<&str> = rows
        .iter()
        .step_by(rows.len().div_ceil(LENGTH_SAMPLE).max(1))
        .map(|row| row.text.as_str())
        .collect();
    let encoded = Tokenizer::load(folder, LONGEST_TOLD.max(max_length), 1)?.encode(
        &sample,
        &Control::default(),
        |_| {},
    )?;
    let known: HashSet<u32> = (0..encoded.len())
        .flat_map(|text| encoded.ids(text))
        .copied()
        .collect();
    // Heaps' law: the number of different words grows about as the square root of the number of words.
    let growth = (rows.len() as f64 / sample.len().max(1) as f64).sqrt();
    Ok(Texts {
        lengths: (0..encoded.len()).map(|text| encoded.length(text)).collect(),
        count: rows.len(),
        bytes: rows.iter().map(|row| row.text.len()).sum(),
        vocabulary: (known.len() as f64 * growth) as usize,
    })
}

impl Session {
    /// The settings of a preset (or of the one that fits the data) for this project's model and texts.
    ///
    /// # Errors
    /// Those of the database and the model's files.
    pub fn proposed_settings(&self, preset: Option<Preset>) -> Result<TrainSettings> {
        let model = self.model()?;
        self.settings_for(preset, &model)
    }

    /// As [`Session::proposed_settings`] for another model.
    ///
    /// # Errors
    /// As there.
    pub fn settings_for(&self, preset: Option<Preset>, model: &str) -> Result<TrainSettings> {
        let folder = models::base_folder(model)?;
        let facts = Facts::gather(&self.project, &folder)?;
        Ok(facts.choose(preset, model, self.free_memory()).0)
    }

    fn free_memory(&self) -> f64 {
        understudy_hub::machine(self.project.folder()).memory_free_bytes
    }

    /// What a training would be: with these settings, else with those of a preset, else with those of the preset that
    /// fits the data.
    ///
    /// # Errors
    /// Those of the database. What stands in the way is no error but told in the plan.
    pub fn train_plan(
        &self,
        preset: Option<Preset>,
        settings: Option<TrainSettings>,
        language: Language,
    ) -> Result<TrainPlan> {
        Ok(self.plan_and_change(preset, settings, language)?.0)
    }

    /// A plan, and whether its settings are other than those of their preset; `None` while nobody can tell.
    fn plan_and_change(
        &self,
        preset: Option<Preset>,
        settings: Option<TrainSettings>,
        language: Language,
    ) -> Result<(TrainPlan, Option<bool>)> {
        let model = match &settings {
            Some(settings) => settings.model.clone(),
            None => self.model()?,
        };
        let split = self.split_summary(language)?;
        let rows_of = |part| split.as_ref().map_or(0, |split| split.rows(part));
        let mut blockers = Vec::new();
        let folder = models::base_folder(&model);
        if let Err(error) = &folder {
            blockers.push(error.told(language));
        }
        blockers.extend(self.data_blockers(split.as_ref(), language)?);
        let facts = match &folder {
            Ok(folder) if split.is_some() => Some(Facts::gather(&self.project, folder)?),
            _ => None,
        };
        let free = self.free_memory();
        let preset = preset.or(settings.as_ref().map(|settings| settings.preset));
        let (proposed, choices) = match &facts {
            Some(facts) => facts.choose(preset, &model, free),
            None => (
                TrainSettings {
                    preset: preset.unwrap_or_default(),
                    ..TrainSettings::textbook(&model)
                },
                Vec::new(),
            ),
        };
        let settings = settings.unwrap_or_else(|| proposed.clone());
        let positions = facts.as_ref().map_or(512, |facts| facts.model.max_length);
        let refused = settings.check(positions);
        // Of settings that cannot work there is nothing to foretell.
        let foretold = facts.as_ref().filter(|_| refused.is_ok());
        if let Err(error) = refused {
            blockers.push(EngineError::from(error).told(language));
        }
        let choices = reasons(&choices, &proposed, &settings, language)?;
        let changed = facts.is_some().then(|| settings != proposed);
        let train_rows = rows_of(Part::Train);
        // What was measured and counted is the processor's; a graphics card is judged by the runs before.
        let of_processor = foretold.filter(|_| settings.device == DeviceKind::Cpu);
        let plan = TrainPlan {
            train_rows,
            validation_rows: rows_of(Part::Validation),
            test_rows: rows_of(Part::Test),
            labels: split.as_ref().map_or(0, |split| split.labels.len() as u32),
            steps: match foretold {
                Some(_) => settings.steps(train_rows as usize),
                None => 0,
            },
            truncated: foretold.map_or(0.0, |facts| facts.truncated(&settings)),
            tokens_read: settings.tokens_read() as u32,
            seconds: {
                // The runs before tell of learning alone, the measurement of reading what it is judged by, too.
                let before = self.forecast(&settings, train_rows)?;
                let measured = of_processor.and_then(|facts| {
                    facts.seconds(&settings, rows_of(Part::Validation) + rows_of(Part::Test))
                });
                before.into_iter().chain(measured).reduce(f64::max)
            },
            memory_mb: of_processor.map(|facts| facts.memory_mb(&settings)),
            memory_free_mb: free / 1e6,
            choices,
            settings,
            blockers,
        };
        Ok((plan, changed))
    }

    /// The plan that somebody works on: what is chosen is kept with the project. With `preset` or `settings` that is
    /// chosen now; without both it is what was chosen last. What a preset chose is chosen anew when texts or model have
    /// changed, what the user changed by hand stays; for another model than the chosen one nothing stays but the preset.
    ///
    /// # Errors
    /// As [`Session::train_plan`].
    pub fn plan_on(
        &mut self,
        preset: Option<Preset>,
        settings: Option<TrainSettings>,
        language: Language,
    ) -> Result<TrainPlan> {
        let kept = match self.project.setting(CHOICE)? {
            // What another version noted is chosen anew.
            Some(kept) => serde_json::from_str(&kept).unwrap_or_default(),
            None => Choice::default(),
        };
        let mut choice = match (preset, settings) {
            (None, None) => kept.clone(),
            (preset, settings) => Choice { preset, settings },
        };
        let model = self.model()?;
        if let Some(settings) = choice.settings.take_if(|settings| settings.model != model) {
            choice.preset = Some(settings.preset);
        }
        let (plan, changed) = self.plan_and_change(choice.preset, choice.settings.clone(), language)?;
        // A user who changed nothing follows the preset.
        if choice.settings.is_some() && changed == Some(false) {
            choice = Choice {
                preset: Some(plan.settings.preset),
                settings: None,
            };
        }
        if choice != kept {
            self.project
                .set_setting(CHOICE, &runs::to_value(&choice)?.to_string())?;
        }
        Ok(plan)
    }

    /// The texts that are longer than the chosen model reads at once, labelled or not; `None` without texts, and while the
    /// model is not on this machine.
    ///
    /// # Errors
    /// Those of the database and the model's files.
    pub fn long_texts(&self) -> Result<Option<LongTexts>> {
        let Ok(folder) = models::base_folder(&self.model()?) else {
            return Ok(None);
        };
        let sample = self.project.text_beginnings(LENGTH_SAMPLE as u32)?;
        let (model, _) = ModelFacts::read(&folder)?;
        let Some(characters) = characters_read(&sample, &folder, model.max_length)? else {
            return Ok(None);
        };
        let characters = about(characters);
        Ok(Some(LongTexts {
            rows: self.project.rows_longer_than(characters)?,
            characters,
        }))
    }

    fn data_blockers(&self, split: Option<&SplitSummary>, language: Language) -> Result<Vec<UserError>> {
        // One label that a text may have or not have is something to learn.
        let least = match self.project.problem_type()? {
            ProblemType::SingleLabel => 2,
            ProblemType::MultiLabel => 1,
        };
        let blocker: Option<EngineError> = match split {
            _ if self.project.label_state()?.labelled == 0 => {
                Some(DataError::Split(SplitError::NoLabels).into())
            }
            None => Some(DataError::NoSplit.into()),
            Some(split) if split.rows(Part::Train) == 0 => {
                Some(TrainError::EmptyPart { part: "train" }.into())
            }
            Some(split) if split.rows(Part::Validation) == 0 => {
                Some(TrainError::EmptyPart { part: "validation" }.into())
            }
            Some(split) if split.labels.len() < least => {
                let label = split.labels.first().cloned().unwrap_or_default();
                Some(DataError::Split(SplitError::OneClass { label }).into())
            }
            Some(_) => None,
        };
        Ok(blocker.iter().map(|error| error.told(language)).collect())
    }

    /// Seconds of a training, judged by the speed of the latest finished run that trained in the same way.
    fn forecast(&self, settings: &TrainSettings, rows: u32) -> Result<Option<f64>> {
        for run in self.project.runs()? {
            if run.status != RunStatus::Finished || run.model != settings.model {
                continue;
            }
            let before = runs::settings(&run)?;
            let same_way = |s: &TrainSettings| {
                (
                    s.max_length * s.windows,
                    s.method,
                    s.precision,
                    s.device,
                    s.recompute,
                    s.trained_layers,
                )
            };
            if same_way(&before) == same_way(settings) {
                let outcome = runs::outcome(&run)?;
                let rounds = outcome.epochs.len() as f64;
                let rows_before = outcome.samples_per_second * outcome.seconds_training / rounds.max(1.0);
                // A head that learns alone reads everything once, however many rounds it takes.
                let rounds = match settings.method {
                    Method::Head => 1.0,
                    _ => f64::from(settings.rounds()) / rounds.max(1.0),
                };
                return Ok(Some(
                    outcome.seconds_training * rounds * f64::from(rows) / rows_before.max(1.0),
                ));
            }
        }
        Ok(None)
    }
}

/// The reasons of the settings that are still what the preset chose.
fn reasons(
    choices: &[presets::Choice],
    proposed: &TrainSettings,
    settings: &TrainSettings,
    language: Language,
) -> Result<Vec<ChosenSetting>> {
    let (proposed, now) = (runs::to_value(proposed)?, runs::to_value(settings)?);
    let unchanged = choices
        .iter()
        .filter(|choice| proposed.get(&choice.setting) == now.get(&choice.setting));
    Ok(unchanged
        .map(|choice| ChosenSetting {
            setting: choice.setting.clone(),
            value: now.get(&choice.setting).map(setting_word).unwrap_or_default(),
            why: words::reason(&choice.reason, language),
        })
        .collect())
}

/// A setting's value as a word: numbers as they are, names without quotes.
pub(crate) fn setting_word(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(word) => word.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_data::{ColumnRole, DialectOverrides, ImportOptions, SplitWay};

    #[test]
    fn a_length_is_told_to_two_digits() {
        assert_eq!(
            [0.0, 7.4, 84.6, 2_349.0, 2_351.0, 123_456.0].map(about),
            [0, 7, 85, 2_300, 2_400, 120_000]
        );
    }

    fn tiny() -> String {
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/fixtures/tiny-bert");
        tiny.canonicalize().unwrap().display().to_string()
    }

    fn session(place: &Path) -> Session {
        let mut session = Session::create(&place.join("p.understudy"), "p").unwrap();
        session.project.set_setting("model", &tiny()).unwrap();
        session
    }

    #[test]
    fn what_was_chosen_is_kept_and_what_a_preset_chose_follows_texts_and_model() {
        let place = tempfile::tempdir().unwrap();
        let mut session = session(place.path());
        let table = |rows: usize| {
            let file = place.path().join(format!("{rows}.csv"));
            let rows = (0..rows).map(|i| format!("court law number {i},{}\n", ["a", "b"][i % 2]));
            std::fs::write(&file, format!("text,label\n{}", rows.collect::<String>())).unwrap();
            file
        };
        let options = ImportOptions {
            dialect: DialectOverrides::default(),
            roles: vec![ColumnRole::Text, ColumnRole::Label],
            label_separator: None,
        };
        let import = |session: &mut Session, rows: usize| {
            session
                .import(&table(rows), &options, None, &mut |_, _| true)
                .unwrap();
            session
                .make_split(&[50, 25, 25], 0, SplitWay::Random, Language::En)
                .unwrap();
        };
        import(&mut session, 40);
        let plan = |session: &mut Session, preset, settings| {
            session.plan_on(preset, settings, Language::En).unwrap().settings
        };
        let chosen = plan(&mut session, Some(Preset::Balanced), None);
        // Asked about as it is, it still follows the preset.
        assert_eq!(plan(&mut session, None, Some(chosen.clone())), chosen);
        import(&mut session, 4000);
        let more = plan(&mut session, None, None);
        assert_eq!(more.preset, Preset::Balanced);
        assert_ne!(
            more, chosen,
            "a hundred times the texts are learned from in another way"
        );
        let by_hand = TrainSettings {
            epochs: 7,
            seed: 3,
            ..more
        };
        assert_eq!(plan(&mut session, None, Some(by_hand.clone())), by_hand);
        assert_eq!(plan(&mut session, None, None), by_hand, "kept");
        let folder = session.project.folder().to_owned();
        drop(session);
        let mut session = Session::open(&folder).unwrap();
        assert_eq!(
            plan(&mut session, None, None),
            by_hand,
            "also when it is opened again"
        );
        session.project.set_setting("model", "another").unwrap();
        let other = plan(&mut session, None, None);
        assert_eq!(
            (other.model.as_str(), other.preset),
            ("another", Preset::Balanced)
        );
        assert_ne!(other.epochs, 7);
    }

    #[test]
    fn texts_longer_than_the_model_reads_are_counted() {
        let place = tempfile::tempdir().unwrap();
        let mut session = session(place.path());
        let tiny = tiny();
        assert_eq!(session.long_texts().unwrap(), None, "no texts yet");
        let file = place.path().join("texts.csv");
        let longer = "court law ".repeat(500);
        std::fs::write(&file, format!("text\ncourt law\nlaw court law\n{longer}\n")).unwrap();
        let options = ImportOptions {
            dialect: DialectOverrides::default(),
            roles: vec![ColumnRole::Text],
            label_separator: None,
        };
        session.import(&file, &options, None, &mut |_, _| true).unwrap();
        let long = session.long_texts().unwrap().unwrap();
        // Two words of five characters for two tokens, and two special tokens of the room.
        let room = ModelFacts::read(Path::new(&tiny)).unwrap().0.max_length as f64 - 2.0;
        assert_eq!((long.rows, long.characters), (1, about(room * 5.0)));
        session.project.set_setting("model", "/no/such/model").unwrap();
        assert_eq!(session.long_texts().unwrap(), None);
    }
}
