//! The model card: a `README.md` in the format of the Hugging Face hub, to lie beside an exported model. It is made to be
//! passed on, so it tells no text, no file name and no folder of the one who trained.

use std::fmt::Write;

use serde_json::json;

use crate::{
    Language, ReportInput, decision,
    html::{
        Page,
        facts::part_key,
        results::{Measure, Value},
    },
    numbers::{self, count, score},
    sentences,
};

/// Licences that the hub knows by these names, which are SPDX's in small letters.
const LICENCES: [&str; 18] = [
    "afl-3.0",
    "agpl-3.0",
    "apache-2.0",
    "artistic-2.0",
    "bsd-2-clause",
    "bsd-3-clause",
    "bsl-1.0",
    "cc-by-4.0",
    "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0",
    "cc-by-sa-4.0",
    "cc0-1.0",
    "gpl-3.0",
    "isc",
    "lgpl-3.0",
    "mit",
    "mpl-2.0",
    "unlicense",
];

/// Writes the card.
pub fn model_card(input: &ReportInput, language: Language) -> String {
    let page = Page::new(input, language);
    let mut card = front_matter(input);
    let _ = write!(card, "\n# {}\n", escaped(&input.project));
    page.card_in_short(&mut card);
    page.card_use(&mut card);
    page.card_scores(&mut card);
    page.card_labels(&mut card);
    page.card_training(&mut card);
    card
}

/// The block that the hub reads. Strings of others are written as JSON, which YAML reads as it is.
fn front_matter(input: &ReportInput) -> String {
    let judged = input.judged();
    let mut lines = vec!["---".to_owned()];
    let licence = input.model.licence.to_lowercase();
    if LICENCES.contains(&licence.as_str()) {
        lines.push(format!("license: {licence}"));
    } else {
        lines.push("license: other".to_owned());
        if !matches!(licence.as_str(), "" | "?") {
            lines.push(format!("license_name: {}", json!(input.model.licence)));
        }
    }
    if !input.languages.is_empty() {
        lines.push("language:".to_owned());
        lines.extend(input.languages.iter().map(|code| format!("- {}", json!(code))));
    }
    if is_hub_id(&input.model.id) {
        lines.push(format!("base_model: {}", input.model.id));
    }
    let metrics = match &judged.multi_label {
        None => vec![
            ("accuracy", "Accuracy", judged.accuracy),
            ("f1", "Macro F1", judged.macro_f1),
            ("precision", "Macro precision", judged.macro_precision),
            ("recall", "Macro recall", judged.macro_recall),
        ],
        Some(several) => vec![
            ("f1", "Micro F1", judged.micro_f1),
            ("f1", "Macro F1", judged.macro_f1),
            ("precision", "Micro precision", several.micro_precision),
            ("recall", "Micro recall", several.micro_recall),
            ("accuracy", "Subset accuracy", judged.accuracy),
        ],
    };
    let mut kinds: Vec<&str> = metrics.iter().map(|metric| metric.0).collect();
    kinds.sort_unstable();
    kinds.dedup();
    lines.extend(
        [
            "pipeline_tag: text-classification",
            "library_name: transformers",
            "tags:",
            "- understudy",
            "metrics:",
        ]
        .map(str::to_owned),
    );
    lines.extend(kinds.iter().map(|kind| format!("- {kind}")));
    let split = if input.test.is_some() {
        "test"
    } else {
        "validation"
    };
    let name = json!(input.project);
    lines.push(format!("model-index:\n- name: {name}\n  results:\n  - task:\n      type: text-classification\n      name: Text classification\n    dataset:\n      type: private\n      name: {name}\n      split: {split}\n    metrics:"));
    lines.extend(metrics.iter().map(|(kind, name, value)| {
        format!("    - type: {kind}\n      name: {name}\n      value: {value:.4}")
    }));
    lines.push("---\n".to_owned());
    lines.join("\n")
}

/// "owner/name", and no folder of someone's disk.
fn is_hub_id(id: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    id.split_once('/')
        .is_some_and(|(owner, name)| plain(owner) && plain(name))
}

/// What the base model is called where its folder is nobody's business.
fn base_name(id: &str) -> &str {
    match is_hub_id(id) {
        true => id,
        false => id
            .rsplit(['/', '\\'])
            .find(|part| !part.is_empty())
            .unwrap_or("?"),
    }
}

/// A text that Markdown and HTML leave as it is, on one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !escaped.is_empty() {
            escaped.push(' ');
        }
        for c in word.chars().filter(|c| !c.is_control()) {
            match c {
                '<' => escaped.push_str("&lt;"),
                '&' => escaped.push_str("&amp;"),
                '\\' | '`' | '*' | '_' | '[' | ']' | '>' | '#' | '|' | '~' | '$' | '!' => {
                    escaped.push('\\');
                    escaped.push(c);
                }
                c => escaped.push(c),
            }
        }
    }
    escaped
}

impl Page<'_> {
    fn card_in_short(&self, card: &mut String) {
        let input = self.input;
        let _ = write!(
            card,
            "\n**{}**\n\n",
            escaped(&decision::verdict(input, self.language))
        );
        points(card, &sentences(input, self.language));
        heading(card, &self.text("decision.limits"));
        points(card, &decision::limits(input, self.language));
    }

    fn card_use(&self, card: &mut String) {
        heading(card, &self.text("card.use"));
        // "." is the folder that the card lies in.
        card.push_str("```python\nfrom transformers import pipeline\n\nclassify = pipeline(\"text-classification\", model=\".\", top_k=None, truncation=True, max_length=");
        let length = self.input.max_length.to_string();
        let _ = write!(card, "{length})\nprint(classify(\"…\"))\n```\n\n");
        let _ = writeln!(
            card,
            "{}",
            escaped(&self.fill("card.reads", &[("length", &length)]))
        );
        if self.input.reads_the_end {
            let _ = writeln!(card, "\n{}", escaped(&self.text("card.reads_the_end")));
        }
    }

    fn card_scores(&self, card: &mut String) {
        let parts = self.scored_parts();
        let measures = self.measures_told();
        let mut heads = vec![self.text("scores.measure")];
        heads.extend(parts.iter().map(|(name, _)| self.text(name)));
        let row = |(name, value): &Measure| {
            let term = format!("{name}.term");
            let mut measure = self.text(name);
            if self.texts.contains(&term) {
                let _ = write!(measure, " ({})", self.text(&term));
            }
            let mut cells = vec![measure];
            cells.extend(parts.iter().map(|(_, scores)| match value(scores) {
                Value(value, Some(range)) => format!("{value} ({range})"),
                Value(value, None) => value,
            }));
            cells
        };
        heading(card, &self.text("scores.title"));
        let _ = writeln!(card, "{}\n", escaped(&self.text("scores.caption")));
        table(card, &heads, measures.iter().map(row));
    }

    fn card_labels(&self, card: &mut String) {
        let judged = self.input.judged();
        let several = judged.multi_label.as_ref();
        let mut heads = self.all("classes", &["label", "precision", "recall", "f1", "support"]);
        heads.extend(several.map(|_| self.text("classes.threshold")));
        heading(card, &self.text("classes.title"));
        let rows = judged.classes.iter().enumerate().map(|(at, class)| {
            let mut cells = vec![class.label.clone()];
            cells.extend([class.precision, class.recall, class.f1].map(score));
            cells.push(count(class.support.into()));
            let least = several.and_then(|several| several.thresholds.get(at));
            cells.extend(least.map(|least| score(*least)));
            cells
        });
        table(card, &heads, rows);
    }

    fn card_training(&self, card: &mut String) {
        let input = self.input;
        heading(card, &self.text("card.training"));
        let mut facts = vec![
            (self.text("appendix.model"), base_name(&input.model.id).to_owned()),
            (self.text("appendix.licence"), input.model.licence.clone()),
            (self.text("appendix.model_sha256"), input.model_sha256.clone()),
            (self.text("report.made"), numbers::date_time(&input.created_at)),
            (self.text("appendix.app"), self.app()),
            (
                self.text("appendix.seconds"),
                numbers::duration(input.seconds_training, self.texts),
            ),
        ];
        let parts = input.parts.iter();
        facts.extend(parts.map(|part| (self.text(part_key(part.part)), count(part.rows.into()))));
        // The model is named above, where its folder is left out.
        let settings = input.settings.iter().filter(|setting| setting.key != "model");
        facts.extend(settings.map(|setting| self.setting(setting)));
        table(
            card,
            &[self.text("card.what"), self.text("card.value")],
            facts.into_iter().map(|(term, value)| vec![term, value]),
        );
        let mut told = vec![self.fill("data.seed", &[("seed", &input.seed.to_string())])];
        if input.kept_epochs.len() > 1 {
            let trainings = input.kept_epochs.len().to_string();
            told.push(self.fill("card.averaged", &[("trainings", &trainings)]));
        }
        if input.trained_share < 1.0 {
            let share = numbers::of_100(input.trained_share);
            let shares = [
                ("share", &*share.to_string()),
                ("rest", &*(100 - share).to_string()),
            ];
            told.push(self.fill("card.mixed", &shares));
        }
        told.push(self.text("card.no_texts"));
        for sentence in told {
            let _ = writeln!(card, "\n{}", escaped(&sentence));
        }
    }
}

fn heading(card: &mut String, title: &str) {
    let _ = write!(card, "\n## {}\n\n", escaped(title));
}

fn points(card: &mut String, points: &[String]) {
    for point in points {
        let _ = writeln!(card, "- {}", escaped(point));
    }
}

fn table(card: &mut String, heads: &[String], rows: impl Iterator<Item = Vec<String>>) {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    card.push_str(&line(heads));
    let _ = writeln!(card, "|{}", " --- |".repeat(heads.len()));
    rows.for_each(|row| card.push_str(&line(&row)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn cards_read_well() {
        insta::assert_snapshot!("contracts_en", model_card(&sample::contracts(), Language::En));
        insta::assert_snapshot!(
            "consultations_zh",
            model_card(&sample::consultations(), Language::Zh)
        );
        insta::assert_snapshot!("letters_en", model_card(&sample::letters(), Language::En));
    }

    #[test]
    fn what_a_user_typed_is_neither_yaml_nor_markup() {
        let mut input = sample::contracts();
        input.project = "a: \"b\"\n---\n# <script>|*x*".into();
        input.model.licence = "My: licence\n- x".into();
        if let Some(test) = &mut input.test {
            test.classes[0].label = "[x](http://y) | `z`\n# no".into();
        }
        let card = model_card(&input, Language::En);
        assert_eq!(card.lines().filter(|line| *line == "---").count(), 2);
        assert!(card.contains("license: other\nlicense_name: \"My: licence\\n- x\""));
        // Before it a name is a quoted string.
        let (_, body) = card.split_once("---\n\n").unwrap();
        assert!(!body.contains("<script>") && !body.contains("[x]("), "{body}");
        assert!(body.contains("\\| \\`z\\` \\# no"), "{body}");
    }

    #[test]
    fn a_card_tells_no_text_no_file_and_no_folder() {
        let mut input = sample::contracts();
        input.model.id = "/home/ann/models/mine".into();
        input.settings.push(crate::Setting {
            key: "model".into(),
            value: "/home/ann/models/mine".into(),
        });
        let card = model_card(&input, Language::En);
        assert!(card.contains("mine") && !card.contains("/home") && !card.contains("base_model"));
        assert!(!card.contains("clauses.csv"));
        for answer in &input.wrong {
            assert!(!card.contains(&answer.text[..30]));
        }
    }
}
