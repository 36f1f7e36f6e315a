//! The sections on what the model can do.

use maud::{Markup, html};
use understudy_eval::{ClassScore, MultiLabelScores, Scores};

use super::{Page, figure, section, table};
use crate::{
    ExplanationFacts, Holding, ReportError, WrongAnswer, figures,
    judgement::Judgement,
    numbers::{self, interval, interval_of_100, of_100, score},
    words::JUDGEABLE,
};

/// Wrong answers shown, and characters shown of each.
pub(crate) const WRONG_SHOWN: usize = 20;
const TEXT_SHOWN: usize = 300;

/// A line of the table of scores: key of its name, what it says of a part.
pub(crate) type Measure = (&'static str, fn(&Scores) -> Value);

/// A score with its interval, where it has one.
pub(crate) struct Value(pub(crate) String, pub(crate) Option<String>);

const MEASURES: [Measure; 9] = [
    ("scores.examples", |s| Value::count(s.examples)),
    ("scores.correct", |s| Value::count(s.correct)),
    ("scores.accuracy", |s| {
        Value(score(s.accuracy), Some(interval(s.accuracy_interval)))
    }),
    ("scores.macro_f1", |s| {
        Value(score(s.macro_f1), Some(interval(s.macro_f1_interval)))
    }),
    ("scores.macro_precision", |s| Value::score(s.macro_precision)),
    ("scores.macro_recall", |s| Value::score(s.macro_recall)),
    ("scores.weighted_f1", |s| Value::score(s.weighted_f1)),
    ("scores.loss", |s| Value::score(s.loss)),
    ("scores.majority", |s| Value::score(s.majority_accuracy)),
];

/// The same where a text may have several labels.
const SEVERAL_MEASURES: [Measure; 12] = [
    ("scores.examples", |s| Value::count(s.examples)),
    ("scores.exact", |s| Value::count(s.correct)),
    ("scores.micro_f1", |s| {
        let interval = s
            .multi_label
            .as_ref()
            .map(|several| interval(several.micro_f1_interval));
        Value(score(s.micro_f1), interval)
    }),
    ("scores.micro_precision", |s| {
        Value::several(s, |several| several.micro_precision)
    }),
    ("scores.micro_recall", |s| {
        Value::several(s, |several| several.micro_recall)
    }),
    ("scores.macro_f1", |s| {
        Value(score(s.macro_f1), Some(interval(s.macro_f1_interval)))
    }),
    ("scores.macro_precision", |s| Value::score(s.macro_precision)),
    ("scores.macro_recall", |s| Value::score(s.macro_recall)),
    ("scores.subset_accuracy", |s| {
        Value(score(s.accuracy), Some(interval(s.accuracy_interval)))
    }),
    ("scores.hamming_loss", |s| {
        Value::several(s, |several| several.hamming_loss)
    }),
    ("scores.loss", |s| Value::score(s.loss)),
    ("scores.majority_micro_f1", |s| {
        Value::several(s, |several| several.majority_micro_f1)
    }),
];

impl Value {
    fn count(count: u32) -> Self {
        Value(numbers::count(count.into()), None)
    }

    fn score(value: f64) -> Self {
        Value(score(value), None)
    }

    fn several(scores: &Scores, value: fn(&MultiLabelScores) -> f64) -> Self {
        Value(
            scores
                .multi_label
                .as_ref()
                .map_or_else(String::new, |several| score(value(several))),
            None,
        )
    }
}

impl Page<'_> {
    pub fn how_sure(&self) -> Result<Markup, ReportError> {
        let judged = self.input.judged();
        let count = numbers::count(judged.examples.into());
        let measured = if self.input.test.is_some() {
            "sure.test"
        } else {
            "sure.validation"
        };
        let several = judged.multi_label.is_some();
        let (low, high) = interval_of_100(Judgement::of(judged).interval);
        let (low, high) = (low.to_string(), high.to_string());
        let macro_f1 = [
            ("score", score(judged.macro_f1)),
            ("interval", interval(judged.macro_f1_interval)),
        ];
        let drawing = figure(
            &figures::sureness(judged, self.language)?,
            &self.text(if several {
                "sure.caption_several"
            } else {
                "sure.caption"
            }),
        );
        Ok(section(
            &self.text("sure.title"),
            html! {
                (drawing)
                p { (self.fill(measured, &[("count", &count)])) }
                p { (self.fill("sure.interval", &[("low", &low), ("high", &high)])) }
                p { (self.fill("sure.macro", &macro_f1.each_ref().map(|(name, value)| (*name, value.as_str())))) }
            },
        ))
    }

    /// The parts with scores, the one that counts first, each with the key of its name.
    pub(crate) fn scored_parts(&self) -> Vec<(&'static str, &Scores)> {
        let test = self.input.test.as_ref().map(|test| ("part.test", test));
        test.into_iter()
            .chain([("part.validation", &self.input.validation)])
            .collect()
    }

    /// The lines of the table of scores.
    pub(crate) fn measures_told(&self) -> &'static [Measure] {
        match self.input.judged().multi_label {
            None => &MEASURES,
            Some(_) => &SEVERAL_MEASURES,
        }
    }

    pub fn scores(&self) -> Markup {
        let parts = self.scored_parts();
        let names: Vec<String> = parts.iter().map(|(name, _)| self.text(name)).collect();
        let measures = self.measures_told();
        let rows = html! { tbody { @for (name, value) in measures.iter().copied() { (self.measure(name, value, &parts)) } } };
        let table = table(
            &self.text("scores.caption"),
            &[self.text("scores.measure")],
            &names,
            rows,
        );
        section(&self.text("scores.title"), html! { div.whole { (table) } })
    }

    fn measure(&self, name: &str, value: fn(&Scores) -> Value, parts: &[(&str, &Scores)]) -> Markup {
        let term = format!("{name}.term");
        html! {
            tr {
                th scope="row" {
                    (self.text(name))
                    @if self.texts.contains(&term) { span.term { (self.text(&term)) } }
                }
                @for (_, scores) in parts {
                    @let Value(value, range) = value(scores);
                    td.number { (value) @if let Some(range) = range { span.term { (range) } } }
                }
            }
        }
    }

    pub fn classes(&self) -> Result<Markup, ReportError> {
        let judged = self.input.judged();
        let caption = self.fill("classes.figure", &[("least", &JUDGEABLE.to_string())]);
        let drawing = figure(&figures::per_class(judged, self.language)?, &caption);
        let mut numbers = self.all("classes", &["precision", "recall", "f1", "support", "predicted"]);
        let thresholds = judged
            .multi_label
            .as_ref()
            .map(|several| several.thresholds.as_slice());
        if thresholds.is_some() {
            numbers.push(self.text("classes.threshold"));
        }
        let rows = html! {
            tbody {
                @for (place, class) in judged.classes.iter().enumerate() {
                    (class_row(class, thresholds.and_then(|thresholds| thresholds.get(place))))
                }
            }
        };
        let table = table(
            &self.text("classes.caption"),
            &[self.text("classes.label")],
            &numbers,
            rows,
        );
        Ok(section(&self.text("classes.title"), html! { (drawing) (table) }))
    }

    /// What is taken for what; where a text may have several labels there is no such thing.
    pub fn confusion(&self) -> Result<Markup, ReportError> {
        let judged = self.input.judged();
        if judged.multi_label.is_some() {
            return Ok(html! {});
        }
        let mut caption = self.text("confusion.figure");
        if let Some((shown, all)) = figures::shown_classes(judged).some() {
            caption += &self.text("list.after_sentence");
            caption += &self.fill("confusion.some", &[("shown", &shown), ("all", &all)]);
        }
        let drawing = figure(&figures::confusion_matrix(judged, self.language)?, &caption);
        Ok(section(&self.text("confusion.title"), drawing))
    }

    /// Which words tell, and whether explanations hold; nothing where nobody asked.
    pub fn explanations(&self) -> Markup {
        let Some(found) = &self.input.explanations else {
            return html! {};
        };
        let rows = html! {
            tbody {
                @for (label, words) in &found.words { tr { th scope="row" { (label) } td.text { (self.words_of(words)) } } }
            }
        };
        let words = self.all("explanations", &["label", "words"]);
        let table = table(&self.text("explanations.caption"), &words, &[], rows);
        section(
            &self.text("explanations.title"),
            html! { @for told in self.explanations_told(found) { p { (told) } } (table) },
        )
    }

    /// How many answers were explained, and whether that holds.
    pub(crate) fn explanations_told(&self, found: &ExplanationFacts) -> Vec<String> {
        let (texts, of) = (
            numbers::count(found.texts.into()),
            numbers::count(found.of.into()),
        );
        let method = self.text(match found.by_gradients {
            true => "explanations.gradients",
            false => "explanations.occlusion",
        });
        let mut told = vec![self.fill(
            "explanations.lede",
            &[("texts", &texts), ("of", &of), ("method", &method)],
        )];
        let Some(check) = &found.check else {
            told.push(self.text("explanations.unchecked"));
            return told;
        };
        let share = of_100(check.share).to_string();
        let points = |drop: f64| format!("{:.1}", 100.0 * drop);
        let (telling, random) = (points(check.telling_drop), points(check.random_drop));
        let (held, texts) = (
            numbers::count(check.held.into()),
            numbers::count(check.texts.into()),
        );
        told.push(self.fill(
            "explanations.check",
            &[
                ("share", &share),
                ("telling", &telling),
                ("random", &random),
                ("held", &held),
                ("count", &texts),
            ],
        ));
        told.push(self.text(match check.holding {
            Holding::Holds => "explanations.holds",
            Holding::Fails => "explanations.fails",
            Holding::Unclear => "explanations.unclear",
        }));
        told
    }

    /// Words in a cell.
    pub(crate) fn words_of(&self, words: &[String]) -> String {
        match words.is_empty() {
            true => self.text("explanations.no_words"),
            false => words.join(&self.text("list.separator")),
        }
    }

    pub fn wrong_answers(&self) -> Markup {
        let mut wrong: Vec<&WrongAnswer> = self.input.wrong.iter().collect();
        wrong.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        wrong.truncate(WRONG_SHOWN);
        let content = if wrong.is_empty() {
            self.no_wrong_answers()
        } else {
            self.wrong_table(&wrong)
        };
        section(&self.text("wrong.title"), content)
    }

    fn no_wrong_answers(&self) -> Markup {
        let judged = self.input.judged();
        let missed = numbers::count((judged.examples - judged.correct).into());
        let key = if judged.correct == judged.examples {
            "wrong.none"
        } else {
            "wrong.not_listed"
        };
        html! { p { (self.fill(key, &[("count", &missed)])) } }
    }

    /// Labels in a cell.
    pub(crate) fn labels(&self, labels: &[String]) -> String {
        match labels.is_empty() {
            true => self.text("wrong.no_label"),
            false => labels.join(&self.text("list.separator")),
        }
    }

    fn wrong_table(&self, wrong: &[&WrongAnswer]) -> Markup {
        let caption = self.fill("wrong.caption", &[("count", &wrong.len().to_string())]);
        let words = self.all("wrong", &["text", "gold", "predicted"]);
        let rows = html! {
            tbody {
                @for answer in wrong {
                    tr {
                        td.text { (cut(&answer.text)) }
                        td { (self.labels(&answer.gold)) }
                        td { (self.labels(&answer.predicted)) }
                        td.number { (of_100(answer.confidence)) "%" }
                    }
                }
            }
        };
        table(&caption, &words, &[self.text("wrong.confidence")], rows)
    }
}

fn class_row(class: &ClassScore, threshold: Option<&f64>) -> Markup {
    html! {
        tr {
            th scope="row" { (class.label) }
            @for value in [class.precision, class.recall, class.f1] { td.number { (score(value)) } }
            @for count in [class.support, class.predicted] { td.number { (numbers::count(count.into())) } }
            @if let Some(threshold) = threshold { td.number { (score(*threshold)) } }
        }
    }
}

/// The first 300 characters.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_SHOWN) {
        Some((end, _)) => text[..end].trim_end().to_owned() + "…",
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Language, html, sample};

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut(&"约".repeat(301)), "约".repeat(300) + "…");
        assert_eq!(cut(&"a".repeat(300)), "a".repeat(300));
    }

    #[test]
    fn only_the_twenty_most_confident_mistakes_are_shown() {
        let mut input = sample::contracts();
        let answer = |i: u32| WrongAnswer {
            text: format!("text number {i}."),
            gold: vec!["A".into()],
            predicted: vec!["B".into()],
            confidence: f64::from(i) / 100.0,
        };
        input.wrong = (1..=25).map(answer).collect();
        let page = html(&input, Language::En).unwrap();
        assert!(page.contains("text number 25.") && page.contains("text number 6."));
        assert!(!page.contains("text number 5."));
    }

    #[test]
    fn wrong_answers_that_were_not_handed_over_are_not_denied() {
        let mut input = sample::contracts();
        input.wrong.clear();
        assert!(
            html(&input, Language::En)
                .unwrap()
                .contains("The 23 wrong answers are not listed here.")
        );
        assert!(
            html(&sample::perfect(), Language::En)
                .unwrap()
                .contains("There was no wrong answer.")
        );
    }

    #[test]
    fn several_labels_a_text_are_told_by_measures_of_their_own() {
        let page = html(&sample::letters(), Language::En).unwrap();
        for said in [
            "micro precision",
            "Hamming loss",
            "Given from",
            "thresholds were chosen on the validation part",
        ] {
            assert!(page.contains(said), "{said}");
        }
        // The second wrong answer is one of a text without labels.
        assert!(page.contains("<td>none</td>") && page.contains("<td>urgent, refund</td>"));
        assert!(!page.contains("What is taken for what") && !page.contains("labels that occur"));
    }

    #[test]
    fn a_report_before_the_test_part_was_opened_says_so() {
        let mut input = sample::contracts();
        input.test = None;
        let page = html(&input, Language::En).unwrap();
        assert!(page.contains("the test part was not opened"));
    }
}
