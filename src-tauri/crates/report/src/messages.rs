//! Message catalogues: flat JSON objects `{"key": "text with {placeholder}"}`, one a language.
//!
//! A text may come in two forms, `key.one` and `key.other`; the argument `count` chooses. Chinese
//! has the same keys with equal texts, so that two catalogues can be compared key by key.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use serde::{Deserialize, Serialize};

use crate::ReportError;

/// The languages of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Language {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

impl Language {
    /// The language's tag for HTML and operating systems (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-Hans",
        }
    }
}

/// The texts of one language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    texts: BTreeMap<String, String>,
}

impl Catalogue {
    /// Reads a catalogue.
    ///
    /// # Errors
    /// When `json` is not one flat object whose values are texts.
    pub fn parse(json: &str) -> Result<Self, ReportError> {
        Ok(Self {
            texts: serde_json::from_str(json)?,
        })
    }

    /// The report's own texts.
    pub fn report(language: Language) -> &'static Self {
        // Tests parse both files, which are part of the binary. Should one be broken all the same,
        // a report with keys for words is better than none.
        static EN: LazyLock<Catalogue> = LazyLock::new(|| {
            Catalogue::parse(include_str!("../../../../resources/messages/report.en.json"))
                .unwrap_or_default()
        });
        static ZH: LazyLock<Catalogue> = LazyLock::new(|| {
            Catalogue::parse(include_str!("../../../../resources/messages/report.zh.json"))
                .unwrap_or_default()
        });
        match language {
            Language::En => &EN,
            Language::Zh => &ZH,
        }
    }

    /// The text of a key, its `{name}`s replaced by the arguments; braces within an argument stay
    /// as they are. An argument `count` chooses between `key.one` and `key.other` where they exist.
    /// A key without a text stands for itself.
    pub fn text(&self, key: &str, arguments: &[(&str, &str)]) -> String {
        let form = match argument(arguments, "count") {
            Some("1") => self.texts.get(&format!("{key}.one")),
            Some(_) => self.texts.get(&format!("{key}.other")),
            None => None,
        };
        match form.or_else(|| self.texts.get(key)) {
            Some(text) => fill(text, arguments),
            None => key.to_owned(),
        }
    }

    /// Whether the key has a text of its own.
    pub fn contains(&self, key: &str) -> bool {
        self.texts.contains_key(key)
    }

    /// All keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// The keys that only one of two catalogues has, or whose placeholders differ; empty for two
    /// languages that are complete.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let placeholders = |texts: &BTreeMap<String, String>, key: &str| {
            texts
                .get(key)
                .map(|text| names(text).into_iter().map(str::to_owned).collect::<Vec<_>>())
        };
        let keys: BTreeSet<&str> = self.keys().chain(other.keys()).collect();
        keys.into_iter()
            .filter(|key| placeholders(&self.texts, key) != placeholders(&other.texts, key))
            .map(str::to_owned)
            .collect()
    }
}

fn argument<'a>(arguments: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    arguments
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
}

/// Replaces in one pass: what an argument brings in is never looked at again.
fn fill(text: &str, arguments: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Name(name) => match argument(arguments, name) {
                Some(value) => filled.push_str(value),
                None => filled.extend(["{", name, "}"]),
            },
        }
    }
    filled
}

fn names(text: &str) -> BTreeSet<&str> {
    pieces(text)
        .into_iter()
        .filter_map(|piece| {
            if let Piece::Name(name) = piece {
                Some(name)
            } else {
                None
            }
        })
        .collect()
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((before, rest)) = text.split_once('{') {
        let Some((name, after)) = rest.split_once('}') else {
            break;
        };
        pieces.extend([Piece::Text(before), Piece::Name(name)]);
        text = after;
    }
    pieces.push(Piece::Text(text));
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::parse(
            r#"{"hello": "Hello, {name}!", "rows.one": "{count} row", "rows.other": "{count} rows", "brace": "a { b"}"#,
        )
        .unwrap()
    }

    #[test]
    fn placeholders_are_replaced_and_a_missing_argument_shows() {
        assert_eq!(catalogue().text("hello", &[("name", "李")]), "Hello, 李!");
        assert_eq!(catalogue().text("hello", &[]), "Hello, {name}!");
        assert_eq!(catalogue().text("brace", &[]), "a { b");
    }

    #[test]
    fn what_an_argument_brings_in_is_not_replaced_again() {
        assert_eq!(
            catalogue().text("hello", &[("name", "{name} {count}"), ("count", "3")]),
            "Hello, {name} {count}!"
        );
    }

    #[test]
    fn count_chooses_the_form() {
        let rows = |count| catalogue().text("rows", &[("count", count)]);
        assert_eq!(
            (rows("1"), rows("0"), rows("2")),
            ("1 row".into(), "0 rows".into(), "2 rows".into())
        );
    }

    #[test]
    fn a_key_without_a_text_stands_for_itself() {
        assert_eq!(
            catalogue().text("nobody.wrote.this", &[("count", "1")]),
            "nobody.wrote.this"
        );
    }

    #[test]
    fn a_nested_catalogue_is_refused() {
        assert!(Catalogue::parse(r#"{"a": {"b": "c"}}"#).is_err());
    }

    #[test]
    fn differences_are_keys_of_one_side_and_other_placeholders() {
        let other = Catalogue::parse(r#"{"hello": "你好，{nom}！", "brace": "x", "new": "y"}"#).unwrap();
        assert_eq!(
            catalogue().differences(&other),
            ["hello", "new", "rows.one", "rows.other"]
        );
    }

    #[test]
    fn english_and_chinese_have_the_same_keys_and_placeholders() {
        let (en, zh) = (Catalogue::report(Language::En), Catalogue::report(Language::Zh));
        assert_eq!(en.differences(zh), Vec::<String>::new());
        assert!(en.keys().count() > 50);
    }

    #[test]
    fn every_text_is_told_somewhere() {
        let sources = [
            include_str!("words.rs"),
            include_str!("card.rs"),
            include_str!("decision.rs"),
            include_str!("pdf/content.rs"),
            include_str!("pdf/write.rs"),
            include_str!("numbers.rs"),
            include_str!("html/mod.rs"),
            include_str!("html/results.rs"),
            include_str!("html/facts.rs"),
            include_str!("figures/classes.rs"),
            include_str!("figures/confusion.rs"),
            include_str!("figures/learning.rs"),
            include_str!("figures/sureness.rs"),
        ]
        .concat();
        let quoted = |text: &str| sources.contains(&format!("\"{text}\""));
        // Settings are named by the engine.
        for key in Catalogue::report(Language::En)
            .keys()
            .filter(|key| !key.starts_with("setting."))
        {
            let key = [".one", ".other", ".term"]
                .iter()
                .fold(key, |key, form| key.trim_end_matches(form));
            let by_parts = key
                .split_once('.')
                .is_some_and(|(room, name)| quoted(room) && quoted(name));
            assert!(quoted(key) || by_parts, "nothing tells {key}");
        }
    }

    #[test]
    fn chinese_has_one_text_for_both_forms() {
        let zh = Catalogue::report(Language::Zh);
        for key in zh.keys().filter_map(|key| key.strip_suffix(".one")) {
            let other = &zh.texts[&format!("{key}.other")];
            assert_eq!(&zh.texts[&format!("{key}.one")], other, "{key}");
        }
    }

    proptest! {
        #[test]
        fn any_text_without_arguments_stays_as_it_is(text in ".*") {
            prop_assert_eq!(fill(&text, &[]), text);
        }
    }
}
