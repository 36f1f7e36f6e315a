//! Which model is proposed for a project's texts, and why.

use understudy_hub::{CommercialUse, Domain};
use understudy_report::Language;

use crate::models::STARTER;
use crate::models::cards::ModelCard;
use crate::models::fit::{Fitting, Verdict};
use crate::words;

/// Minutes of training beyond which a smaller model is the better proposal.
const PATIENCE_MINUTES: f64 = 20.0;

/// What a model's size counts for, against its time beyond that: twice the numbers bring less than twice the time costs.
const SIZE_COUNTS: f64 = 0.6;

/// Numbers in layers from which a model is large, and texts below which large models often fail to learn at all (Devlin et
/// al. 2019, section 4.1).
const LARGE: (f64, usize) = (1.5e8, 20_000);

impl Fitting {
    /// The model that is proposed for these texts, and why: the most capable that reads their language, knows their
    /// subject where there is such a one, may be used for work, and is trained in bearable time.
    ///
    /// A rule of thumb, not a measurement: more numbers in layers mean more accuracy on the public benchmarks that the
    /// catalogue's models were published with; with few examples, encoders that place texts by meaning are better starts
    /// (docs/performance.md).
    pub fn recommend<'a>(&self, cards: &'a [ModelCard]) -> Option<&'a ModelCard> {
        if !self.need.known {
            return cards.iter().find(|card| card.id == STARTER);
        }
        // Of equals the last is taken: the catalogue has the better known first.
        let scored = cards
            .iter()
            .rev()
            .filter_map(|card| Some((self.score(card)?, card)));
        scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, card)| card)
    }

    fn score(&self, card: &ModelCard) -> Option<f64> {
        let fit = &card.fit;
        let recommended = card.recommended_by_us;
        if !recommended
            || fit.training == Verdict::DoesNotFit
            || fit.reads_language == Some(false)
            || !fit.disk
        {
            return None;
        }
        let mut score = SIZE_COUNTS * card.layer_parameters.max(1.0).ln();
        let few = self.need.texts < 16 * self.need.classes;
        if card.layer_parameters > LARGE.0 && self.need.texts < LARGE.1 {
            score -= 1.0;
        }
        // ELECTRA's discriminators know much, but often do not begin to learn with few texts.
        if card.architecture == "electra" && self.need.texts < 1000 {
            score -= 1.0;
        }
        if card.mean_pooling && few {
            score += 2.0;
        }
        // What was made to compare texts has forgotten a little of what single words mean.
        if card.domain == Some(Domain::Sentences) && !few {
            score -= 0.1;
        }
        if let Some(domain @ (Domain::Legal | Domain::Medical | Domain::Scientific)) = card.domain {
            score += if domain == self.need.domain { 0.6 } else { -1.5 };
        }
        // A model for one language knows it better; for texts of which nobody knows the language it is a wager.
        score -= match (card.multilingual, self.need.languages.is_empty()) {
            (true, false) => 0.8,
            (false, true) => 2.0,
            _ => 0.0,
        };
        if fit.training == Verdict::Tight {
            score -= 1.0;
        }
        if card.commercial_use != CommercialUse::Yes {
            score -= 0.7;
        }
        if let Some(seconds) = fit.training_seconds {
            score -= (seconds / (60.0 * PATIENCE_MINUTES)).max(1.0).ln();
        }
        if card.installed {
            score += 0.2;
        }
        Some(score)
    }

    /// The reason of a recommendation, in one or two sentences.
    pub fn reason(&self, card: &ModelCard, language: Language) -> String {
        let text = |key: &str, facts: &[(&str, &str)]| words::catalogue(language).text(key, facts);
        let need = &self.need;
        if !need.known {
            return text("recommend.no_texts", &[]);
        }
        let median = need.median.to_string();
        let (texts, labels) = (need.texts.to_string(), need.classes.to_string());
        let facts: &[(&str, &str)] = &[("characters", &median), ("texts", &texts), ("labels", &labels)];
        let mut reason = vec![match need.languages.as_slice() {
            [] => text("recommend.texts_unknown", facts),
            [one] => {
                let name = language_name(one, language);
                text("recommend.texts", &[facts, &[("language", &name)]].concat())
            }
            several => {
                let named: Vec<String> = several.iter().map(|code| language_name(code, language)).collect();
                let list = named.join(if language == Language::Zh { "、" } else { ", " });
                text(
                    "recommend.texts_mixed",
                    &[facts, &[("languages", &list)]].concat(),
                )
            }
        }];
        if card.domain == Some(need.domain) && need.domain != Domain::General {
            let subject = match need.domain {
                Domain::Legal => "recommend.legal",
                Domain::Medical => "recommend.medical",
                _ => "recommend.scientific",
            };
            reason.push(text(subject, &[]));
        }
        if card.mean_pooling && need.texts < 16 * need.classes {
            reason.push(text("recommend.few", &[]));
        }
        reason.push(match card.fit.training_seconds {
            Some(seconds) => text(
                "recommend.fits",
                &[
                    ("minutes", &(seconds / 60.0).ceil().max(1.0).to_string()),
                    ("memory", &memory_of(card)),
                ],
            ),
            None => text("recommend.fits_memory", &[("memory", &memory_of(card))]),
        });
        // Chinese sentences follow each other without a space.
        reason.join(if language == Language::Zh { "" } else { " " })
    }
}

/// A language's name; a code that we have no name for stays as it is.
fn language_name(code: &str, language: Language) -> String {
    let key = format!("language.{code}");
    let name = words::catalogue(language).text(&key, &[]);
    if name == key { code.to_owned() } else { name }
}

/// Two digits: more would promise too much.
fn memory_of(card: &ModelCard) -> String {
    format!("{:.1} GB", card.fit.training_mb / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::cards::cards;
    use crate::models::fit::tests::{GB, need, on};
    use crate::models::need::Need;

    fn recommended(fitting: &Fitting) -> ModelCard {
        let cards = cards(fitting).unwrap();
        fitting.recommend(&cards).unwrap().clone()
    }

    #[test]
    fn chinese_texts_get_a_model_that_reads_chinese() {
        let card = recommended(&on(16.0 * GB, need("zh", 3000, 12)));
        assert!(
            card.languages.contains(&"zh".into()) && !card.multilingual,
            "{}",
            card.id
        );
        assert_eq!(card.domain, Some(Domain::General), "{}", card.id);
    }

    #[test]
    fn texts_of_a_profession_get_its_model() {
        let legal = Need {
            domain: Domain::Legal,
            ..need("en", 2000, 10)
        };
        let card = recommended(&on(32.0 * GB, legal));
        assert_eq!(card.domain, Some(Domain::Legal), "{}", card.id);
        let general = recommended(&on(32.0 * GB, need("en", 2000, 10)));
        assert!(
            !matches!(general.domain, Some(Domain::Legal | Domain::Medical)),
            "{}",
            general.id
        );
    }

    #[test]
    fn few_examples_get_an_encoder_that_places_texts_by_meaning() {
        let card = recommended(&on(16.0 * GB, need("en", 100, 20)));
        assert!(card.mean_pooling, "{}", card.id);
    }

    #[test]
    fn many_long_texts_on_a_slow_machine_get_a_smaller_model() {
        let many = on(16.0 * GB, need("en", 200_000, 10));
        let few = on(16.0 * GB, need("en", 500, 10));
        assert!(recommended(&many).layer_parameters < recommended(&few).layer_parameters);
    }

    #[test]
    fn texts_that_no_model_of_one_language_reads_get_a_multilingual_one() {
        for languages in [&["dan"][..], &["sv"], &["zh", "en"], &[]] {
            let need = Need {
                languages: languages.iter().map(|code| (*code).to_owned()).collect(),
                ..need("en", 3000, 10)
            };
            let card = recommended(&on(16.0 * GB, need));
            assert!(
                card.multilingual && card.fit.reads_language != Some(false),
                "{languages:?}: {}",
                card.id
            );
        }
    }

    #[test]
    fn reasons_are_told_in_both_languages() {
        let fitting = on(16.0 * GB, need("zh", 3000, 12));
        let card = recommended(&fitting);
        for language in [Language::En, Language::Zh] {
            let reason = fitting.reason(&card, language);
            assert!(
                reason.contains("540") && reason.contains("12") && !reason.contains("recommend."),
                "{reason}"
            );
        }
    }
}
