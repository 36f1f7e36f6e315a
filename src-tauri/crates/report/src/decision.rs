//! What someone who decides needs to know and no number says: may this model be relied on, and where not.

use understudy_eval::Scores;

use crate::{Catalogue, Language, ReportInput, judgement::Judgement, numbers, numbers::of_100};

/// Labels named before "and … more".
const NAMED: usize = 6;

/// One sentence: use it or not, as far as the measured cases can tell.
pub(crate) fn verdict(input: &ReportInput, language: Language) -> String {
    let texts = Catalogue::report(language);
    let judged = input.judged();
    let judgement = Judgement::of(judged);
    let counted = match judged.multi_label {
        None => input.bag_of_words_accuracy,
        Some(_) => input.bag_of_words_micro_f1,
    };
    let key = if judgement.value < judgement.majority {
        "decision.worse"
    } else if judged.examples < numbers::FEW {
        "decision.few"
    } else if judgement.interval.low <= judgement.majority {
        "decision.unclear"
    } else if counted.is_some_and(|counted| judgement.interval.high < counted) {
        "decision.below_counting"
    } else if counted.is_some_and(|counted| judgement.interval.low <= counted) {
        "decision.as_counting"
    } else if input.test.is_none() {
        "decision.validation"
    } else {
        "decision.better"
    };
    texts.text(key, &[])
}

/// What the model must not be used for, a sentence each.
pub(crate) fn limits(input: &ReportInput, language: Language) -> Vec<String> {
    let texts = Catalogue::report(language);
    let judged = input.judged();
    let labels = named(&input.labels, texts);
    let only = match judged.multi_label {
        None => "decision.limit.labels",
        Some(_) => "decision.limit.labels_several",
    };
    let mut limits = vec![
        texts.text(only, &[("labels", &labels)]),
        texts.text("decision.limit.texts", &[]),
        mistakes(judged, texts),
    ];
    if judged
        .classes
        .iter()
        .any(|class| class.support < crate::words::JUDGEABLE)
    {
        limits.push(texts.text("decision.limit.rare", &[]));
    }
    limits.push(match input.model.licence.as_str() {
        "" | "?" => texts.text("decision.limit.licence_unknown", &[]),
        licence => texts.text("decision.limit.licence", &[("licence", licence)]),
    });
    limits
}

fn mistakes(judged: &Scores, texts: &Catalogue) -> String {
    if judged.correct == judged.examples {
        return texts.text("decision.limit.no_mistakes", &[]);
    }
    let wrong = (100 - of_100(judged.accuracy)).to_string();
    let count = numbers::count((judged.examples - judged.correct).into());
    let all = numbers::count(judged.examples.into());
    if judged.examples < numbers::FEW {
        return texts.text("decision.limit.mistakes_few", &[("wrong", &count), ("all", &all)]);
    }
    texts.text("decision.limit.mistakes", &[("wrong", &wrong)])
}

fn named(labels: &[String], texts: &Catalogue) -> String {
    let quote = |label: &String| texts.text("list.quote", &[("label", label)]);
    let shown: Vec<String> = labels.iter().take(NAMED).map(quote).collect();
    let list = shown.join(&texts.text("list.separator", &[]));
    if labels.len() <= NAMED {
        return list;
    }
    let (more, all) = ((labels.len() - NAMED).to_string(), labels.len().to_string());
    texts.text("list.more", &[("labels", &list), ("more", &more), ("all", &all)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn no_verdict_is_better_than_what_was_measured() {
        let says = |input: &ReportInput, what: &str| {
            let verdict = verdict(input, Language::En);
            assert!(verdict.contains(what), "{verdict}");
        };
        says(&sample::contracts(), "Clearly better");
        says(&sample::useless(), "Do not");
        says(&sample::tiny(), "too few");
        let mut input = sample::contracts();
        input.test = None;
        says(&input, "not been opened");
        input.bag_of_words_accuracy = Some(input.validation.accuracy);
        says(&input, "counting words");
        input.bag_of_words_accuracy = Some(1.0);
        says(&input, "worse than only counting words");
    }

    #[test]
    fn limits_name_the_labels_and_the_share_of_mistakes() {
        let limits = limits(&sample::contracts(), Language::En).concat();
        assert!(
            limits.contains("“Governing Law”") && limits.contains("9 of 100"),
            "{limits}"
        );
        let limits = super::limits(&sample::intents(), Language::Zh).concat();
        assert!(limits.contains("77"), "{limits}");
    }
}
