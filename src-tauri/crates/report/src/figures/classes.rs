//! F1 by class as bars, best first, with the number of cases each rests on.

use plotters::style::text_anchor::HPos;
use understudy_eval::{ClassScore, Scores};

use super::{
    WIDTH,
    canvas::{self, Area, SMALL, Words, filled, line, shortened, words},
    palette::{ACCENT, GRID, INK, MUTED, PALE},
};
use crate::{
    Catalogue, Language, ReportError,
    numbers::{self, score},
    words::JUDGEABLE,
};

/// More bars do not fit on a printed page.
const MOST: usize = 80;
/// Room for the labels, at most.
const LABELS: i32 = 220;
/// Room for the numbers at the right.
const NUMBERS: i32 = 104;

/// Draws the F1 of each class that occurs, at most the 80 weakest.
///
/// # Errors
/// When the drawing library refuses.
pub fn per_class(scores: &Scores, language: Language) -> Result<String, ReportError> {
    let texts = Catalogue::report(language);
    let (classes, all) = sorted(scores);
    let (row, size) = if classes.len() <= 40 {
        (24, SMALL)
    } else {
        (13, 9.5)
    };
    let top = if classes.len() < all { 46 } else { 26 };
    let height = top + row * classes.len() as i32 + 8;
    let left = classes
        .iter()
        .map(|class| canvas::width(&class.label, size))
        .max()
        .unwrap_or(0)
        .min(LABELS)
        + 12;
    let right = WIDTH as i32 - NUMBERS;
    let x = |share: f64| left + (share * f64::from(right - left)).round() as i32;

    canvas::draw((WIDTH, height as u32), |area| {
        if classes.len() < all {
            let note = texts.text(
                "figure.weakest",
                &[("shown", &classes.len().to_string()), ("all", &all.to_string())],
            );
            words(area, &note, (0, 12), Words::new(SMALL, MUTED, HPos::Left))?;
        }
        for (share, text) in [(0.0, "0"), (0.5, "0.5"), (1.0, "1")] {
            line(area, vec![(x(share), top - 4), (x(share), height - 8)], GRID, 1)?;
            words(
                area,
                text,
                (x(share), top - 14),
                Words::new(11.0, MUTED, HPos::Center),
            )?;
        }
        words(
            area,
            "F1",
            (right + 52, top - 14),
            Words::new(11.0, MUTED, HPos::Right),
        )?;
        let cases = texts.text("figure.cases", &[]);
        words(
            area,
            &cases,
            (WIDTH as i32 - 2, top - 14),
            Words::new(11.0, MUTED, HPos::Right),
        )?;
        for (at, class) in classes.iter().enumerate() {
            let middle = top + row * at as i32 + row / 2;
            bar(area, class, middle, row, size, left, &x)?;
        }
        Ok(())
    })
}

fn bar(
    area: &Area,
    class: &ClassScore,
    middle: i32,
    row: i32,
    size: f64,
    left: i32,
    x: &impl Fn(f64) -> i32,
) -> Result<(), ReportError> {
    let half = row * 3 / 10;
    let colour = if class.support < JUDGEABLE { PALE } else { ACCENT };
    let label = shortened(&class.label, size, LABELS);
    words(
        area,
        &label,
        (left - 10, middle),
        Words::new(size, INK, HPos::Right),
    )?;
    filled(
        area,
        (x(0.0), middle - half),
        (x(class.f1), middle + half),
        colour,
    )?;
    let f1 = score(class.f1);
    words(
        area,
        &f1,
        (WIDTH as i32 - NUMBERS + 52, middle),
        Words::new(size, INK, HPos::Right),
    )?;
    let support = numbers::count(class.support.into());
    words(
        area,
        &support,
        (WIDTH as i32 - 2, middle),
        Words::new(size, MUTED, HPos::Right),
    )
}

/// The classes to show, best first, and how many occur.
fn sorted(scores: &Scores) -> (Vec<&ClassScore>, usize) {
    let mut classes: Vec<&ClassScore> = scores
        .classes
        .iter()
        .filter(|class| class.support + class.predicted > 0)
        .collect();
    classes.sort_by(|a, b| b.f1.total_cmp(&a.f1).then(b.support.cmp(&a.support)));
    let all = classes.len();
    (classes.split_off(all.saturating_sub(MOST)), all)
}
