//! Rules that change a text, as pure functions: a text in, the changed text out.
//!
//! A [`Pipeline`] applies the rules of a project in their order; the same pipeline is applied to texts that a trained model
//! is asked about. No database here.

mod boilerplate;
mod characters;
mod chinese;
mod language;
mod markup;
mod mask;
mod mojibake;
mod personal;

use std::collections::HashSet;

use regex::Regex;

pub(crate) use boilerplate::Lines;
pub use language::language;
pub(crate) use personal::is_personal_column;

use crate::types::{PersonalKind, TextRule};

/// A rule made ready: the changed text, or `None` where there is nothing to change.
type Change = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Rules in their order, made ready.
pub struct Pipeline {
    rules: Vec<Change>,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pipeline of {} rules", self.rules.len())
    }
}

impl Pipeline {
    /// The rules, applied one after the other.
    pub fn new(rules: &[TextRule]) -> Pipeline {
        Pipeline {
            rules: rules.iter().map(ready).collect(),
        }
    }

    /// Whether it changes nothing whatever the text.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The changed text, or `None` where no rule changes it.
    pub fn apply(&self, text: &str) -> Option<String> {
        self.apply_each(text, |_| {})
    }

    /// The same, telling the index of each rule that changes something.
    pub(crate) fn apply_each(&self, text: &str, mut changing: impl FnMut(usize)) -> Option<String> {
        let mut changed: Option<String> = None;
        for (index, rule) in self.rules.iter().enumerate() {
            if let Some(next) = rule(changed.as_deref().unwrap_or(text)) {
                changed = Some(next);
                changing(index);
            }
        }
        changed.filter(|changed| changed != text)
    }
}

fn ready(rule: &TextRule) -> Change {
    let plain = |change: fn(&str) -> Option<String>| -> Change { Box::new(change) };
    match rule {
        TextRule::Mojibake => plain(mojibake::repair),
        TextRule::Markup => plain(markup::strip),
        TextRule::ControlCharacters => plain(characters::without_control),
        TextRule::Width => plain(characters::usual_width),
        TextRule::Compatibility => plain(characters::compatible),
        TextRule::Simplified => plain(chinese::simplified),
        TextRule::Traditional => plain(chinese::traditional),
        TextRule::Boilerplate { lines } => {
            let lines: HashSet<String> = lines.iter().cloned().collect();
            Box::new(move |text| boilerplate::without(text, &lines))
        }
        TextRule::MaskUrls => plain(mask::urls),
        TextRule::MaskEmails => plain(mask::emails),
        TextRule::MaskNumbers => plain(mask::numbers),
        TextRule::Deidentify { kinds } => {
            let mut kinds = kinds.clone();
            kinds.sort_by_key(|kind| PersonalKind::ALL.iter().position(|other| other == kind));
            Box::new(move |text| personal::replace(text, &kinds))
        }
        TextRule::Symbols => plain(characters::without_symbols),
        TextRule::Lowercase => plain(characters::lower_case),
        TextRule::Whitespace => plain(characters::usual_space),
    }
}

/// A text if it is another one than before.
fn if_changed(before: &str, after: String) -> Option<String> {
    (before != after).then_some(after)
}

/// The lines of a text, each with what ends it: `\n`, `\r\n`, `\r`, or nothing.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some(at) = text.find(['\n', '\r']) else {
            return Some((text, ""));
        };
        let (line, after) = text.split_at(at);
        let (end, after) = after.split_at(if after.starts_with("\r\n") { 2 } else { 1 });
        rest = Some(after);
        Some((line, end))
    })
}

#[expect(
    clippy::expect_used,
    reason = "the patterns are our own, and a test compiles each of them"
)]
pub(crate) fn pattern(text: &str) -> Regex {
    // The digits of all scripts would make the search several times slower; numbers with check digits have none of them.
    Regex::new(&text.replace(r"\d", "[0-9]")).expect("a pattern of our own")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rules_follow_each_other() {
        let pipeline = Pipeline::new(&[TextRule::Markup, TextRule::Lowercase, TextRule::Whitespace]);
        assert_eq!(
            pipeline.apply("<b>The&nbsp; Tenant</b>").as_deref(),
            Some("the tenant")
        );
        assert_eq!(pipeline.apply("the tenant"), None);
        assert!(Pipeline::new(&[]).is_empty());
    }

    fn every_rule() -> Vec<TextRule> {
        TextRule::every(vec!["a".to_owned()])
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_and_a_change_is_a_change(text in "(\\PC|[a-z0-9 @.<>&;\r\n\u{0}：])*") {
            for rule in every_rule() {
                let changed = Pipeline::new(std::slice::from_ref(&rule)).apply(&text);
                prop_assert_ne!(changed.as_deref(), Some(text.as_str()), "{:?}", rule);
            }
        }

        #[test]
        fn what_a_rule_left_it_leaves_again(text in "(\\PC|[a-z0-9 @.\r\n\u{0}：]){0,60}") {
            // Markup is none of these: "&amp;lt;" is "&lt;", which a second time would be "<".
            for rule in every_rule().into_iter().filter(|rule| !matches!(rule, TextRule::Markup | TextRule::Mojibake | TextRule::Traditional | TextRule::Simplified | TextRule::Deidentify { .. })) {
                let pipeline = Pipeline::new(std::slice::from_ref(&rule));
                if let Some(once) = pipeline.apply(&text) {
                    prop_assert_eq!(pipeline.apply(&once), None, "{:?}", rule);
                }
            }
        }
    }
}
