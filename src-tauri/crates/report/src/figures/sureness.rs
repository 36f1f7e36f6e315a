//! One line from 0 to 100: the number that the model is judged by with its range, and what always
//! answering the commonest label would reach.

use plotters::style::text_anchor::HPos;
use understudy_eval::Scores;

use super::{
    WIDTH,
    canvas::{self, SMALL, Words, dot, filled, line, words},
    palette::{ACCENT, GRID, INK, MUTED, PALE, SECOND},
};
use crate::{
    Catalogue, Language, ReportError,
    judgement::Judgement,
    numbers::{interval_of_100, of_100},
};

const LEFT: i32 = 16;
const RIGHT: i32 = WIDTH as i32 - 28;
/// The line's distance from the top.
const LINE: i32 = 46;

/// Draws how sure the scores are.
///
/// # Errors
/// When the drawing library refuses.
pub fn sureness(scores: &Scores, language: Language) -> Result<String, ReportError> {
    let texts = Catalogue::report(language);
    let x = |share: f64| LEFT + (share * f64::from(RIGHT - LEFT)).round() as i32;
    canvas::draw((WIDTH, 104), |area| {
        line(area, vec![(x(0.0), LINE), (x(1.0), LINE)], GRID, 2)?;
        for tick in 0..=4 {
            let share = f64::from(tick) / 4.0;
            line(area, vec![(x(share), LINE - 4), (x(share), LINE + 4)], GRID, 2)?;
            words(
                area,
                &of_100(share).to_string(),
                (x(share), LINE + 18),
                Words::new(11.0, MUTED, HPos::Center),
            )?;
        }
        let Judgement {
            value,
            interval,
            majority,
        } = Judgement::of(scores);
        filled(
            area,
            (x(interval.low), LINE - 7),
            (x(interval.high), LINE + 7),
            PALE,
        )?;
        line(
            area,
            vec![(x(majority), LINE - 11), (x(majority), LINE + 11)],
            SECOND,
            3,
        )?;
        dot(area, (x(value), LINE), 6, ACCENT)?;

        let (low, high) = interval_of_100(interval);
        let (low, high) = (low.to_string(), high.to_string());
        let right = of_100(value).to_string();
        let model = texts.text(
            "figure.model",
            &[("right", &right), ("low", &low), ("high", &high)],
        );
        let right = of_100(majority).to_string();
        let commonest = texts.text("figure.commonest", &[("right", &right)]);
        let model_x = within(x(value), &model, SMALL + 1.0);
        words(
            area,
            &model,
            (model_x, 18),
            Words::new(SMALL + 1.0, INK, HPos::Center),
        )?;
        let commonest_x = within(x(majority), &commonest, SMALL);
        words(
            area,
            &commonest,
            (commonest_x, 90),
            Words::new(SMALL, MUTED, HPos::Center),
        )
    })
}

/// The middle nearest to `x` at which the text stays on the page.
fn within(x: i32, text: &str, size: f64) -> i32 {
    let half = canvas::width(text, size) / 2 + 4;
    x.max(half).min(WIDTH as i32 - half)
}
