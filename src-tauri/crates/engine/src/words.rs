//! The engine's own texts: errors, problem rows, notes on a split.

use std::sync::LazyLock;

use understudy_data::{
    CleaningRule, CleaningStep, Leaks, Part, PersonalKind, ProblemKind, RowRule, SplitNote, TextRule,
};
use understudy_report::{Catalogue, Language};
use understudy_train::presets::Reason;

use crate::error::{Facts, UserError, explain};

/// The engine's texts in one language.
pub fn catalogue(language: Language) -> &'static Catalogue {
    // Tests parse both files, which are part of the program; were one broken all the same, keys for words are better
    // than none.
    static EN: LazyLock<Catalogue> = LazyLock::new(|| {
        Catalogue::parse(include_str!("../../../../resources/messages/engine.en.json")).unwrap_or_default()
    });
    static ZH: LazyLock<Catalogue> = LazyLock::new(|| {
        Catalogue::parse(include_str!("../../../../resources/messages/engine.zh.json")).unwrap_or_default()
    });
    match language {
        Language::En => &EN,
        Language::Zh => &ZH,
    }
}

/// Why a row was put aside, and its kind's name.
pub fn problem(kind: &ProblemKind, language: Language) -> UserError {
    let (name, facts) = problem_facts(kind);
    explain(name, &facts, language)
}

/// The kind of problem and what its texts mention.
pub(crate) fn problem_facts(kind: &ProblemKind) -> Facts {
    match kind {
        ProblemKind::CellCount { expected, found } => (
            "row_cell_count",
            vec![("expected", expected.to_string()), ("found", found.to_string())],
        ),
        ProblemKind::UnclosedQuote => ("row_unclosed_quote", vec![]),
        ProblemKind::BrokenJson { line, column } => (
            "row_broken_json",
            vec![("line", line.to_string()), ("column", column.to_string())],
        ),
        ProblemKind::NotAnObject => ("row_not_an_object", vec![]),
        ProblemKind::UnknownKey { key } => ("row_unknown_key", vec![("key", key.clone())]),
        ProblemKind::NotText => ("row_not_text", vec![]),
        ProblemKind::UnknownPart { value } => ("row_unknown_part", vec![("value", value.clone())]),
        ProblemKind::NotAFlag { column, value } => (
            "row_not_a_flag",
            vec![("column", column.clone()), ("value", value.clone())],
        ),
        ProblemKind::LongLabel { length, limit } => (
            "row_long_label",
            vec![("length", length.to_string()), ("limit", limit.to_string())],
        ),
    }
}

/// That rows to learn from are nearly rows of the test part, where some are.
pub fn near_leak(leaks: &Leaks, language: Language) -> Option<String> {
    let rows = leaks.near.filter(|rows| *rows > 0)?;
    Some(catalogue(language).text("note.near_shared_with_test", &[("count", &rows.to_string())]))
}

/// What is worth knowing about a split, in a sentence.
pub fn note(note: &SplitNote, language: Language) -> String {
    let text = |key: &str, arguments: &[(&str, &str)]| catalogue(language).text(key, arguments);
    match note {
        SplitNote::TinyClass { label, rows } => text(
            "note.tiny_class",
            &[("label", label), ("count", &rows.to_string())],
        ),
        SplitNote::SingleRow { label } => text("note.single_row", &[("label", label)]),
        SplitNote::MissingFrom { label, part } => text(
            "note.missing_from",
            &[("label", label), ("part", &part_name(*part, language))],
        ),
        SplitNote::GroupsKeptTogether { groups } => text("note.groups", &[("count", &groups.to_string())]),
        SplitNote::NearDuplicatesKeptTogether { rows } => {
            text("note.near_duplicates", &[("count", &rows.to_string())])
        }
        SplitNote::DuplicatesKeptTogether { rows } => {
            text("note.duplicates", &[("count", &rows.to_string())])
        }
        SplitNote::SharedWithTest { rows } => text("note.shared_with_test", &[("count", &rows.to_string())]),
        SplitNote::FromDates { validation, test } => match (validation, test) {
            (Some(validation), Some(test)) => {
                text("note.from_dates", &[("validation", validation), ("test", test)])
            }
            (_, Some(test)) => text("note.test_from_date", &[("test", test)]),
            (Some(validation), None) => text("note.validation_from_date", &[("validation", validation)]),
            (None, None) => String::new(),
        },
        SplitNote::LaterThanTest { rows } => text("note.later_than_test", &[("count", &rows.to_string())]),
        SplitNote::EmptyPart { part } => text("note.empty_part", &[("part", &part_name(*part, language))]),
        SplitNote::TestChanged { rows } => text("note.test_changed", &[("count", &rows.to_string())]),
        SplitNote::Undated { rows } => text("note.undated", &[("count", &rows.to_string())]),
        SplitNote::TestReopened { times } => text("note.test_reopened", &[("count", &times.to_string())]),
        SplitNote::AddedToTraining { rows, left_out: 0 } => {
            text("note.added", &[("count", &rows.to_string())])
        }
        SplitNote::AddedToTraining { rows, left_out } => {
            let added = text("note.added", &[("count", &rows.to_string())]);
            let left = text("note.added_left_out", &[("count", &left_out.to_string())]);
            format!("{added}{}{left}", text("list.sentence", &[]))
        }
        SplitNote::Unlabelled { rows } => text("note.unlabelled", &[("count", &rows.to_string())]),
    }
}

/// What a cleaning step did, in a sentence.
pub fn step(step: &CleaningStep, language: Language) -> String {
    let catalogue = catalogue(language);
    let rows = ("count", step.rows.to_string());
    let with = |key: &str, more: &[(&str, String)]| {
        let all: Vec<(&str, &str)> = [&rows]
            .into_iter()
            .chain(more)
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        catalogue.text(key, &all)
    };
    let text = |key: &str| with(key, &[]);
    match &step.rule {
        CleaningRule::Rows(rule) => match rule {
            RowRule::DropDuplicates => text("step.drop_duplicates"),
            RowRule::DropNearDuplicates => text("step.drop_near_duplicates"),
            RowRule::DropConflicts => text("step.drop_conflicts"),
            RowRule::DropGone { file } => with("step.drop_gone", &[("file", file.clone())]),
            RowRule::DropEmpty => text("step.drop_empty"),
            RowRule::DropShort { characters } => {
                with("step.drop_short", &[("characters", characters.to_string())])
            }
            RowRule::DropLong { characters } => {
                with("step.drop_long", &[("characters", characters.to_string())])
            }
            RowRule::DropLanguages { languages } => {
                with("step.drop_languages", &[("languages", languages.join(", "))])
            }
        },
        CleaningRule::Texts(rule) => match rule {
            TextRule::Mojibake => text("step.mojibake"),
            TextRule::Markup => text("step.markup"),
            TextRule::ControlCharacters => text("step.control_characters"),
            TextRule::Width => text("step.width"),
            TextRule::Compatibility => text("step.compatibility"),
            TextRule::Simplified => text("step.simplified"),
            TextRule::Traditional => text("step.traditional"),
            TextRule::Boilerplate { lines } => {
                with("step.boilerplate", &[("lines", lines.len().to_string())])
            }
            TextRule::MaskUrls => text("step.mask_urls"),
            TextRule::MaskEmails => text("step.mask_emails"),
            TextRule::MaskNumbers => text("step.mask_numbers"),
            TextRule::Deidentify { kinds } => {
                let named: Vec<String> = kinds.iter().map(|kind| personal(*kind, language)).collect();
                with(
                    "step.deidentify",
                    &[("kinds", named.join(&catalogue.text("list.comma", &[])))],
                )
            }
            TextRule::Symbols => text("step.symbols"),
            TextRule::Lowercase => text("step.lowercase"),
            TextRule::Whitespace => text("step.whitespace"),
        },
    }
}

/// What a kind of personal data is called.
fn personal(kind: PersonalKind, language: Language) -> String {
    let key = match kind {
        PersonalKind::Email => "personal.email",
        PersonalKind::ChineseId => "personal.chinese_id",
        PersonalKind::Iban => "personal.iban",
        PersonalKind::CreditCard => "personal.credit_card",
        PersonalKind::NhsNumber => "personal.nhs_number",
        PersonalKind::UsSsn => "personal.us_ssn",
        PersonalKind::Phone => "personal.phone",
        PersonalKind::Date => "personal.date",
        PersonalKind::Address => "personal.address",
        PersonalKind::Name => "personal.name",
        PersonalKind::RecordNumber => "personal.record_number",
    };
    catalogue(language).text(key, &[])
}

/// Why a preset chose a setting, in a sentence.
pub fn reason(reason: &Reason, language: Language) -> String {
    let text = |key: &str, arguments: &[(&str, &str)]| catalogue(language).text(key, arguments);
    match reason {
        Reason::MeansTexts => text("reason.means_texts", &[]),
        Reason::FewExamples { rarest } => text("reason.few_examples", &[("rarest", &rarest.to_string())]),
        Reason::ModelSize { hidden_size } => {
            text("reason.model_size", &[("hidden_size", &hidden_size.to_string())])
        }
        Reason::Steps { steps } => text("reason.steps", &[("steps", &steps.to_string())]),
        Reason::Lengths { tokens } => text("reason.lengths", &[("tokens", &tokens.to_string())]),
        Reason::LongTexts { tokens } => text("reason.long_texts", &[("tokens", &tokens.to_string())]),
        Reason::EndsTell { tokens } => text("reason.ends_tell", &[("tokens", &tokens.to_string())]),
        Reason::Processor => text("reason.processor", &[]),
        Reason::StopsItself => text("reason.stops_itself", &[]),
        Reason::LooksBack => text("reason.looks_back", &[]),
        Reason::SeveralTrainings => text("reason.several_trainings", &[]),
        Reason::HeadFirst => text("reason.head_first", &[]),
        Reason::Imbalance { times } => text("reason.imbalance", &[("times", &times.to_string())]),
        Reason::Memory { megabytes } => text("reason.memory", &[("megabytes", &megabytes.to_string())]),
    }
}

/// A part's name.
pub fn part_name(part: Part, language: Language) -> String {
    let key = match part {
        Part::Train => "part.train",
        Part::Validation => "part.validation",
        Part::Test => "part.test",
    };
    catalogue(language).text(key, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_texts_with_the_same_placeholders() {
        let differences = catalogue(Language::En).differences(catalogue(Language::Zh));
        assert!(differences.is_empty(), "{differences:?}");
        assert!(catalogue(Language::En).keys().count() > 100);
    }

    #[test]
    fn every_kind_of_failure_has_three_sentences() {
        let english = catalogue(Language::En);
        let kinds: std::collections::BTreeSet<&str> = english
            .keys()
            .filter_map(|key| key.strip_prefix("error.")?.rsplit_once('.').map(|(kind, _)| kind))
            .collect();
        for kind in kinds {
            for part in ["what", "why", "next"] {
                assert!(english.contains(&format!("error.{kind}.{part}")), "{kind}.{part}");
            }
        }
    }
}
