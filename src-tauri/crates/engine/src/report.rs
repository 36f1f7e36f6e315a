//! A run's report: the project's facts are gathered, `understudy_report` makes one file of them, HTML or PDF.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use understudy_data::{Project, RunRecord, WhichWrong};
use understudy_report::{
    self as report, ExplanationCheck, ExplanationFacts, Language, LossCurve, ModelFacts, ReportInput,
    Setting, WrongAnswer,
};
use understudy_train::{ExplanationMethod, Holding};

use crate::error::Result;
use crate::explanation::{self, Examined};
use crate::files;
use crate::fonts;
use crate::judgement;
use crate::models;
use crate::runs::{self, RunOutcome};
use crate::view::SplitSummary;
use crate::words;

/// How the project's history calls a report that was written.
pub(crate) const WRITTEN: &str = "report_written";

/// Wrong answers that the report shows.
const WRONG_SHOWN: u32 = 20;

/// Characters read of each: one more than the report shows, so that it can tell what it has cut.
const WRONG_CHARACTERS: usize = 301;

/// Telling words that the report shows a label.
const WORDS_SHOWN: usize = 8;

/// The files that a report can be saved as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum ReportFormat {
    /// One page for a browser.
    Html,
    /// Pages of A4.
    Pdf,
}

impl ReportFormat {
    /// How the names of such files end.
    pub fn ending(self) -> &'static str {
        match self {
            ReportFormat::Html => "html",
            ReportFormat::Pdf => "pdf",
        }
    }
}

/// Where a run's report lies, one a language.
pub fn path(project: &Project, run: &str, language: Language) -> PathBuf {
    let name = match language {
        Language::En => "report.en.html",
        Language::Zh => "report.zh.html",
    };
    project.run_folder(run).join(name)
}

/// Writes a run's report into its folder.
///
/// # Errors
/// [`crate::EngineError::RunNotFinished`], and those of the database and of files.
pub fn write(project: &mut Project, run: &str, language: Language) -> Result<PathBuf> {
    let target = path(project, run, language);
    write_to(project, run, language, &target)?;
    Ok(target)
}

/// Writes a run's report to `target`: a PDF where the name ends so, else HTML.
///
/// # Errors
/// As [`write`], and [`report::ReportError::NoFont`] of a PDF with letters that no font of this machine has.
pub fn write_to(project: &mut Project, run: &str, language: Language, target: &Path) -> Result<()> {
    let record = runs::find(project, run)?;
    let outcome = runs::outcome(&record)?;
    let input = input(project, &record, &outcome, language)?;
    let bytes = match target.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("pdf") => {
            fonts::with_fonts(language, |fonts| report::pdf(&input, language, fonts))?
        }
        _ => report::html(&input, language)?.into_bytes(),
    };
    files::write(target, &bytes)?;
    let to = std::path::absolute(target).map_err(files::failed(target))?;
    let sha256 = understudy_data::hex(&Sha256::digest(&bytes));
    Ok(project.record(
        WRITTEN,
        serde_json::json!({ "run": run, "to": to.display().to_string(), "sha256": sha256 }),
    )?)
}

/// A run's model card, to lie beside its model.
///
/// # Errors
/// As [`write`].
pub fn model_card(project: &Project, run: &str, language: Language) -> Result<String> {
    let record = runs::find(project, run)?;
    let outcome = runs::outcome(&record)?;
    let input = input(project, &record, &outcome, language)?;
    Ok(report::model_card(&input, language))
}

/// Everything that a report tells.
///
/// # Errors
/// Those of the database.
pub(crate) fn input(
    project: &Project,
    record: &RunRecord,
    outcome: &RunOutcome,
    language: Language,
) -> Result<ReportInput> {
    let settings = runs::settings(record)?;
    let history = runs::history(project, record, language)?;
    let history_of_project = project.verify_audit()?;
    let split = SplitSummary::told(outcome.data.split.clone(), language);
    let (_, wrong) = project.wrong_predictions(&record.id, &WhichWrong::default(), 0, WRONG_SHOWN)?;
    let examples: Vec<u32> = wrong.iter().map(|row| row.example).collect();
    let texts = project.texts_of(&examples, WRONG_CHARACTERS)?;
    let labels = |classes: &[usize]| -> Vec<String> {
        classes
            .iter()
            .filter_map(|class| outcome.labels.get(*class))
            .cloned()
            .collect()
    };
    Ok(ReportInput {
        project: project.name().to_owned(),
        author: None,
        created_at: record.created_at.clone(),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: outcome.data.machine.clone(),
        model: model_facts(&record.model, &runs::model_folder(project, &record.id))?,
        model_sha256: outcome.model_sha256.clone(),
        languages: models::text_languages(project)?,
        settings: settings_of(&settings)?,
        labels: outcome.labels.clone(),
        validation: outcome.validation.clone(),
        test: outcome.test.clone(),
        epochs: outcome.epochs.clone(),
        best_epoch: outcome.best_epoch,
        kept_epochs: outcome.kept_epochs.clone(),
        trained_share: f64::from(outcome.trained_share),
        loss_curve: LossCurve {
            steps: history.step,
            loss: history.loss,
        },
        parts: split.parts.iter().map(part_count).collect(),
        seed: u64::from(split.seed),
        duplicates_removed: outcome.data.duplicates_removed,
        cleaning: outcome
            .data
            .cleaning
            .iter()
            .flatten()
            .map(|step| words::step(step, language))
            .collect(),
        notes: split.notes,
        wrong: wrong
            .into_iter()
            .zip(texts)
            .map(|(row, text)| WrongAnswer {
                text,
                gold: labels(&row.gold),
                predicted: labels(&row.predicted),
                confidence: row.confidence,
            })
            .collect(),
        bag_of_words_accuracy: outcome.bag_of_words_accuracy,
        bag_of_words_micro_f1: outcome.bag_of_words_micro_f1,
        calibration: outcome.calibration.clone(),
        review: judgement::review_facts(project, &record.id)?,
        unfamiliar: outcome.unfamiliar.map(|found| report::UnfamiliarFacts {
            texts: found.texts,
            unfamiliar: found.unfamiliar,
            wrong: found.wrong,
        }),
        // Only derived: where it cannot be read the report goes without, and the window says why.
        explanations: explanation::examined(project, &record.id)
            .ok()
            .flatten()
            .map(explanation_facts),
        truncated: outcome.truncated,
        max_length: settings.max_length,
        tokens_read: settings.tokens_read() as u32,
        reads_the_end: settings.reads_the_end(),
        seconds_training: outcome.seconds_training,
        samples_per_second: outcome.samples_per_second,
        peak_memory_mb: outcome.peak_memory_mb,
        threads: outcome.threads,
        history_entries: history_of_project.entries,
        // A chain that is broken has no head that says anything.
        history_head: match history_of_project.broken {
            None => Some(history_of_project.head),
            Some(_) => None,
        },
        data_hashes: outcome
            .data
            .sources
            .iter()
            .map(|source| report::FileHash {
                file: source.file_name.clone(),
                sha256: source.sha256.clone(),
            })
            .collect(),
    })
}

fn explanation_facts(found: Examined) -> ExplanationFacts {
    let check = found.faithfulness.map(|found| ExplanationCheck {
        texts: found.texts,
        holding: match found.holding {
            Holding::Holds => report::Holding::Holds,
            Holding::Fails => report::Holding::Fails,
            Holding::Unclear => report::Holding::Unclear,
        },
        share: found.share,
        telling_drop: found.telling_drop,
        random_drop: found.random_drop,
        held: found.held,
    });
    let words = found.labels.into_iter().map(|label| {
        let words = label.words.into_iter().take(WORDS_SHOWN).map(|word| word.word);
        (label.label, words.collect())
    });
    ExplanationFacts {
        by_gradients: found.method == ExplanationMethod::Gradients,
        texts: found.texts,
        of: found.of,
        check,
        words: words.collect(),
    }
}

/// What is known of the model that learning began from: by its card, else by its folder, whose licence nobody here knows.
/// It may have been removed since; then the trained model in `trained` tells its kind and sizes.
fn model_facts(model: &str, trained: &Path) -> Result<ModelFacts> {
    let told =
        |architecture: &str, layers: u32, size: u32| format!("{architecture}, {layers} layers of {size}");
    let path = Path::new(model);
    if !path.is_absolute()
        && let Ok(card) = models::cards::card(model, None)
    {
        return Ok(ModelFacts {
            id: model.to_owned(),
            licence: card.licence.unwrap_or_else(|| "?".to_owned()),
            parameters: card.parameters as u64,
            architecture: told(&card.architecture, card.layers, card.hidden_size),
        });
    }
    let folder = if path.is_dir() { path } else { trained };
    let facts = understudy_hub::check_folder(folder)?;
    Ok(ModelFacts {
        id: model.to_owned(),
        licence: "?".to_owned(),
        parameters: facts.parameters,
        architecture: told(&facts.architecture, facts.layers, facts.hidden_size),
    })
}

/// All settings under their own names, in the order of their declaration; those that change nothing are left out.
fn settings_of(settings: &understudy_train::TrainSettings) -> Result<Vec<Setting>> {
    let plain = understudy_train::TrainSettings::textbook(&settings.model);
    let (found, plain) = (runs::to_value(settings)?, runs::to_value(&plain)?);
    let always = [
        "model",
        "epochs",
        "batch_size",
        "learning_rate",
        "max_length",
        "seed",
        "preset",
        "method",
        "precision",
    ];
    let idle = settings.without_effect();
    let fields = found.as_object().into_iter().flatten();
    Ok(fields
        .filter(|(key, _)| !idle.contains(&key.as_str()))
        .filter(|(key, value)| always.contains(&key.as_str()) || plain.get(key) != Some(value))
        .map(|(key, value)| Setting {
            key: key.clone(),
            value: crate::planning::setting_word(value),
        })
        .collect())
}

fn part_count(count: &understudy_data::PartCount) -> report::PartCount {
    use understudy_data::Part;
    report::PartCount {
        part: match count.part {
            Part::Train => report::Part::Train,
            Part::Validation => report::Part::Validation,
            Part::Test => report::Part::Test,
        },
        rows: count.rows,
        per_label: count.per_label.clone(),
    }
}

#[cfg(test)]
mod tests {
    use understudy_report::{Catalogue, Language};
    use understudy_train::presets::Preset;
    use understudy_train::{
        DeviceKind, Method, Pooling, Precision, TrainSettings, Truncation, WindowPooling,
    };

    use super::*;

    #[test]
    fn every_setting_and_choice_is_told_in_words_in_both_languages() {
        let plain = || TrainSettings {
            class_weights: true,
            ..TrainSettings::textbook("model")
        };
        let mut all: Vec<TrainSettings> = Preset::ALL
            .map(|preset| TrainSettings { preset, ..plain() })
            .into();
        all.extend(
            [Method::Full, Method::Lora, Method::Head].map(|method| TrainSettings { method, ..plain() }),
        );
        all.extend([Pooling::Native, Pooling::Mean].map(|pooling| TrainSettings { pooling, ..plain() }));
        all.extend([Precision::F32, Precision::Bf16].map(|precision| TrainSettings { precision, ..plain() }));
        all.extend(
            [Truncation::Head, Truncation::HeadAndTail].map(|truncation| TrainSettings {
                truncation,
                ..plain()
            }),
        );
        all.extend(
            [DeviceKind::Cpu, DeviceKind::Cuda, DeviceKind::Metal]
                .map(|device| TrainSettings { device, ..plain() }),
        );
        all.extend(
            [WindowPooling::Mean, WindowPooling::Max, WindowPooling::Attention].map(|window_pooling| {
                TrainSettings {
                    window_pooling,
                    ..plain()
                }
            }),
        );
        for settings in all {
            let fields = runs::to_value(&settings).unwrap();
            for (key, value) in fields.as_object().unwrap() {
                let texts = [Language::En, Language::Zh].map(Catalogue::report);
                let name = format!("setting.{key}");
                let value = match value {
                    serde_json::Value::String(word) if key != "model" => format!("{name}.{word}"),
                    serde_json::Value::Bool(yes) => format!("setting.{yes}"),
                    _ => name.clone(),
                };
                for text in texts {
                    assert!(text.contains(&name) && text.contains(&value), "{name}: {value}");
                }
            }
        }
    }
}
