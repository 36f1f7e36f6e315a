//! The report as one HTML file: style and figures inside, no script, nothing fetched from anywhere.
//!
//! Escaping is `maud`'s: whatever is spliced in is escaped unless marked `PreEscaped`, and that is
//! done for two things only, the style sheet and the figures, which escape their own texts.

pub(crate) mod facts;
pub(crate) mod results;
mod style;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{Catalogue, Language, ReportError, ReportInput, numbers, sentences};

/// What a section is made from.
pub(crate) struct Page<'a> {
    pub(crate) input: &'a ReportInput,
    pub(crate) language: Language,
    pub(crate) texts: &'static Catalogue,
}

/// Nothing may be loaded or run, whatever a text may contain.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Writes the report.
///
/// # Errors
/// When a figure cannot be drawn.
pub fn html(input: &ReportInput, language: Language) -> Result<String, ReportError> {
    let page = Page::new(input, language);
    let sections = [
        page.in_short(),
        page.how_sure()?,
        page.scores(),
        page.classes()?,
        page.confusion()?,
        page.rounds()?,
        page.wrong_answers(),
        page.explanations(),
        page.data(),
        page.appendix(),
    ];
    let title = format!("{} · {}", input.project, page.text("report.title"));
    let document = html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(style::sheet())) }
            }
            body {
                (page.header())
                main { @for section in sections { (section) } }
            }
        }
    };
    Ok(document.into_string())
}

impl<'a> Page<'a> {
    pub(crate) fn new(input: &'a ReportInput, language: Language) -> Self {
        Page {
            input,
            language,
            texts: Catalogue::report(language),
        }
    }
}

impl Page<'_> {
    pub(crate) fn text(&self, key: &str) -> String {
        self.texts.text(key, &[])
    }

    /// The texts of `room.name` for each name.
    pub(crate) fn all(&self, room: &str, names: &[&str]) -> Vec<String> {
        names
            .iter()
            .map(|name| self.text(&format!("{room}.{name}")))
            .collect()
    }

    pub(crate) fn fill(&self, key: &str, arguments: &[(&str, &str)]) -> String {
        self.texts.text(key, arguments)
    }

    fn header(&self) -> Markup {
        let input = self.input;
        html! {
            header {
                p.kind { (self.text("report.title")) }
                h1 { (input.project) }
                dl.title {
                    (fact(self.text("report.model"), &input.model.id))
                    (fact(self.text("report.made"), numbers::date_time(&input.created_at)))
                    @if let Some(author) = &input.author { (fact(self.text("report.by"), author)) }
                    (fact(self.text("appendix.app"), self.app()))
                }
            }
        }
    }

    pub(crate) fn app(&self) -> String {
        self.fill("report.app", &[("version", &self.input.app_version)])
    }

    fn in_short(&self) -> Markup {
        let sentences = sentences(self.input, self.language);
        let (lead, others) = sentences
            .split_first()
            .map_or(("", &[][..]), |(lead, others)| (lead, others));
        section(
            &self.text("report.contents"),
            html! {
                p.lead { (lead) }
                @for sentence in others { p { (sentence) } }
            },
        )
    }
}

fn section(title: &str, content: Markup) -> Markup {
    html! { section { h2 { (title) } (content) } }
}

/// A term and what it is, within a `dl`.
fn fact(term: impl maud::Render, value: impl maud::Render) -> Markup {
    html! { div { dt { (term) } dd { (value) } } }
}

/// A drawn figure under a caption, which is also its name for those who cannot see it.
fn figure(svg: &str, caption: &str) -> Markup {
    let label = maud::html! { (caption) }.into_string();
    let svg = svg
        .replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{label}\" "), 1)
        .replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    html! {
        figure {
            div.drawing tabindex="0" { (PreEscaped(svg)) }
            figcaption { (caption) }
        }
    }
}

/// A table under its caption: columns of words, columns of numbers, then `tbody` and `tfoot`. On a
/// narrow window it scrolls by itself, for which a keyboard has to reach it.
fn table(caption: &str, words: &[String], numbers: &[String], rows: Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for word in words { th scope="col" { (word) } }
                        @for number in numbers { th.number scope="col" { (number) } }
                    }
                }
                (rows)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{WrongAnswer, sample};

    #[test]
    fn nothing_a_user_typed_becomes_markup() {
        let evil = "<script>alert('x')</script><img src=x onerror=y>\"";
        let mut input = sample::contracts();
        input.project = evil.into();
        input.author = Some(evil.into());
        input.model.id = evil.into();
        input.machine = evil.into();
        input.labels[0] = evil.into();
        input.notes = vec![evil.into()];
        input.settings[0].key = evil.into();
        input.settings[0].value = evil.into();
        input.data_hashes[0].file = evil.into();
        for scores in [Some(&mut input.validation), input.test.as_mut()]
            .into_iter()
            .flatten()
        {
            scores.classes[0].label = evil.into();
            scores.majority_label = evil.into();
        }
        input.wrong = vec![WrongAnswer {
            text: evil.into(),
            gold: vec![evil.into()],
            predicted: vec![evil.into()],
            confidence: 0.9,
        }];
        for language in [Language::En, Language::Zh] {
            let page = html(&input, language).unwrap();
            assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
            assert!(page.matches("&lt;script&gt;").count() >= 12);
        }
    }

    #[test]
    fn a_quote_in_a_label_cannot_leave_the_name_of_a_figure() {
        let figure = figure("<svg width=\"1\"></svg>", "\" onload=\"x").into_string();
        assert!(
            figure.contains("aria-label=\"&quot; onload=&quot;x\""),
            "{figure}"
        );
    }

    #[test]
    fn the_file_refers_to_nothing_outside_itself() {
        for language in [Language::En, Language::Zh] {
            let page = html(&sample::contracts(), language).unwrap();
            for reference in [
                "src=", "href=", "url(", "@import", "<script", "<link", "http://", "https://", "<iframe",
            ] {
                assert!(!page.contains(reference), "{reference}");
            }
            assert!(page.contains("default-src 'none'") || page.contains("default-src &#39;none&#39;"));
        }
    }

    #[test]
    fn every_word_of_both_languages_comes_from_the_catalogue() {
        let rooms: BTreeSet<&str> = Catalogue::report(Language::En)
            .keys()
            .filter_map(|key| key.split('.').next())
            .collect();
        for language in [Language::En, Language::Zh] {
            for (name, input) in sample::all() {
                let page = html(&input, language).unwrap();
                // A key without a text stands for itself, in the report's own sections.
                for room in &rooms {
                    for after in page.split(&format!("{room}.")).skip(1) {
                        assert!(
                            !after.starts_with(|c: char| c.is_ascii_lowercase()),
                            "{name}: {room}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_page_says_in_which_language_it_is() {
        let page = |language| html(&sample::tiny(), language).unwrap();
        assert!(page(Language::En).contains("<html lang=\"en\">"));
        assert!(page(Language::Zh).contains("<html lang=\"zh-Hans\">"));
    }

    #[test]
    fn headings_captions_and_tables_are_there_for_a_screen_reader() {
        let page = html(&sample::contracts(), Language::En).unwrap();
        let count = |tag: &str| page.matches(tag).count();
        assert_eq!(count("<h1"), 1);
        assert_eq!((count("<h2"), count("<section")), (10, 10));
        assert_eq!(count("<table"), count("<caption"));
        assert_eq!(
            (count("<figure"), count("<figcaption"), count("role=\"img\"")),
            (4, 4, 4)
        );
        assert!(count("scope=\"col\"") > 10 && count("scope=\"row\"") > 10);
    }
}
