//! The report's figures as SVG texts, drawn by `plotters`. Words stay text, so that they can be
//! searched and read aloud; their fonts are the reader's own.
//!
//! Drawn in the colours of light paper; the report's style sheet exchanges them for a
//! dark window. Shade, never hue alone, carries a value.

mod canvas;
mod classes;
mod confusion;
mod learning;
pub(crate) mod palette;
mod sureness;

pub use classes::per_class;
pub use confusion::confusion_matrix;
pub use learning::learning_curve;
pub use sureness::sureness;

pub(crate) use confusion::shown_classes;

/// Width of every figure that fills the page, in pixels.
const WIDTH: u32 = 760;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Language, sample};

    fn every_figure(input: &crate::ReportInput, language: Language) -> Vec<String> {
        let judged = input.judged();
        let mut figures = vec![
            sureness(judged, language).unwrap(),
            per_class(judged, language).unwrap(),
            learning_curve(input, language).unwrap(),
        ];
        if judged.multi_label.is_none() {
            figures.push(confusion_matrix(judged, language).unwrap());
        }
        figures
    }

    #[test]
    fn figures_use_only_the_colours_that_the_dark_theme_knows() {
        let known: Vec<String> = palette::all()
            .iter()
            .map(|colour| palette::hex(colour.light))
            .collect();
        for (_, input) in sample::all() {
            for svg in every_figure(&input, Language::Zh) {
                for colour in svg.match_indices("=\"#").map(|(at, _)| &svg[at + 2..at + 9]) {
                    assert!(known.iter().any(|known| known == colour), "{colour}");
                }
            }
        }
    }

    #[test]
    fn words_in_figures_are_text_in_fonts_that_cover_chinese() {
        for svg in every_figure(&sample::consultations(), Language::Zh) {
            assert!(svg.contains("<text") && svg.contains("Noto Sans CJK SC"));
        }
    }

    #[test]
    fn markup_in_a_label_stays_text() {
        let mut input = sample::contracts();
        input.test.as_mut().unwrap().classes[0].label = "<b>&\u{0}".into();
        let svg = every_figure(&input, Language::En).concat();
        assert!(svg.contains("&lt;b&gt;&amp; ") && !svg.contains("<b>") && !svg.contains('\u{0}'));
    }

    #[test]
    fn everything_drawn_lies_on_the_page() {
        for (_, input) in sample::all() {
            for svg in every_figure(&input, Language::En) {
                let size = |name: &str| number(&svg[..120], name).unwrap();
                for tag in svg
                    .lines()
                    .filter(|line| line.starts_with("<text") || line.starts_with("<rect"))
                {
                    let (x, y) = (number(tag, "x").unwrap(), number(tag, "y").unwrap());
                    assert!(
                        (0.0..=size("width")).contains(&x) && (0.0..=size("height")).contains(&y),
                        "{tag}"
                    );
                }
            }
        }
    }

    #[test]
    fn of_more_than_thirty_classes_the_most_confused_are_shown_and_the_figure_says_so() {
        let svg = confusion_matrix(sample::intents().judged(), Language::En).unwrap();
        assert!(svg.contains("The 25 most confused of 77 labels"));
        let shown = shown_classes(sample::intents().judged());
        assert_eq!((shown.classes.len(), shown.of), (25, 77));
    }

    #[test]
    fn a_training_without_numbers_still_has_a_figure() {
        let mut input = sample::tiny();
        input.loss_curve = crate::LossCurve {
            steps: vec![1],
            loss: vec![f64::NAN],
        };
        input.epochs[0].validation_loss = f64::NAN;
        assert!(learning_curve(&input, Language::En).is_ok());
        input.epochs.clear();
        assert!(learning_curve(&input, Language::En).is_ok());
    }

    fn number(tag: &str, name: &str) -> Option<f64> {
        let at = tag.find(&format!(" {name}=\""))? + name.len() + 3;
        tag[at..].split('"').next()?.parse().ok()
    }
}
