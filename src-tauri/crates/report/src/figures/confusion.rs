//! The confusion matrix: a row a true label, a column an answer; the shade is the share of the row,
//! the number the count.

use std::cmp::Reverse;

use plotters::style::text_anchor::HPos;
use understudy_eval::Scores;

use super::{
    WIDTH,
    canvas::{self, Area, SMALL, Words, filled, line, shortened, words},
    palette::{GRID, INK, MUTED, shade},
};
use crate::{Catalogue, Language, ReportError, numbers};

/// Up to here every class is shown.
const ALL_UP_TO: usize = 30;
/// Above it, so many of the most confused ones.
const MOST_CONFUSED: usize = 25;
/// Room for the labels at the left and at the top, at most.
const LABELS: (i32, i32) = (200, 170);

/// The classes in the figure.
pub(crate) struct Shown {
    /// Their places in the list of labels, rising.
    pub classes: Vec<usize>,
    /// How many occur.
    pub of: usize,
}

impl Shown {
    /// "25" of "77", where not all are shown.
    pub fn some(&self) -> Option<(String, String)> {
        (self.classes.len() < self.of).then(|| (self.classes.len().to_string(), self.of.to_string()))
    }
}

/// The classes to draw, in the order of the labels: all that occur, or, of more than 30, the
/// 25 with the most mistakes.
pub(crate) fn shown_classes(scores: &Scores) -> Shown {
    let occurs = |class: usize| scores.classes[class].support + scores.classes[class].predicted;
    let mut classes: Vec<usize> = (0..scores.classes.len())
        .filter(|&class| occurs(class) > 0)
        .collect();
    let of = classes.len();
    if of > ALL_UP_TO {
        classes.sort_by_key(|&class| Reverse(occurs(class) - 2 * scores.confusion[class][class]));
        classes.truncate(MOST_CONFUSED);
        classes.sort_unstable();
    }
    Shown { classes, of }
}

/// Where everything lies, in pixels.
struct Layout {
    /// Side of a cell.
    cell: i32,
    /// Size of the labels.
    size: f64,
    /// Left and top edge of the cells.
    left: i32,
    top: i32,
    /// Labels of the columns are written upwards.
    upwards: bool,
}

/// Draws the confusion matrix.
///
/// # Errors
/// When the drawing library refuses.
pub fn confusion_matrix(scores: &Scores, language: Language) -> Result<String, ReportError> {
    let texts = Catalogue::report(language);
    let shown = shown_classes(scores);
    let note = shown
        .some()
        .map(|(shown, all)| texts.text("figure.most_confused", &[("shown", &shown), ("all", &all)]));
    let shown = shown.classes;
    let labels: Vec<&str> = shown
        .iter()
        .map(|&class| scores.classes[class].label.as_str())
        .collect();
    let layout = Layout::of(&labels, note.is_some());
    let side = layout.cell * shown.len() as i32;
    let (width, height) = (layout.left + side + 4, layout.top + side + 4);
    canvas::draw((width.max(360) as u32, height as u32), |area| {
        if let Some(note) = &note {
            words(area, note, (0, 10), Words::new(SMALL, MUTED, HPos::Left))?;
        }
        titles(area, &layout, texts, note.is_some())?;
        for (at, label) in labels.iter().enumerate() {
            layout.row_label(area, at as i32, label)?;
            layout.column_label(area, at as i32, label)?;
        }
        layout.grid(area, shown.len() as i32)?;
        for (row, &gold) in shown.iter().enumerate() {
            for (column, &predicted) in shown.iter().enumerate() {
                let count = scores.confusion[gold][predicted];
                let share = f64::from(count) / f64::from(scores.classes[gold].support.max(1));
                layout.cell(area, (column as i32, row as i32), count, share)?;
            }
        }
        Ok(())
    })
}

fn titles(area: &Area, layout: &Layout, texts: &Catalogue, below_note: bool) -> Result<(), ReportError> {
    let y = if below_note { 32 } else { 10 };
    words(
        area,
        &texts.text("figure.answer", &[]),
        (layout.left, y),
        Words::new(11.0, MUTED, HPos::Left),
    )?;
    let true_label = Words::new(11.0, MUTED, HPos::Right);
    words(
        area,
        &texts.text("figure.true_label", &[]),
        (layout.left - 10, layout.top - 10),
        true_label,
    )
}

impl Layout {
    fn of(labels: &[&str], note: bool) -> Self {
        let size = if labels.len() <= 15 { SMALL } else { 10.5 };
        let longest = labels
            .iter()
            .map(|label| canvas::width(label, size))
            .max()
            .unwrap_or(0);
        // At least as wide as "true label ↓" above them.
        let left = longest.clamp(70, LABELS.0) + 14;
        let cell = ((WIDTH as i32 - left - 4) / labels.len().max(1) as i32).clamp(18, 72);
        let upwards = longest > cell - 6;
        let top = 24 + if note { 22 } else { 0 } + if upwards { longest.min(LABELS.1) + 10 } else { 18 };
        Self {
            cell,
            size,
            left,
            top,
            upwards,
        }
    }

    fn middle(&self, edge: i32, at: i32) -> i32 {
        edge + self.cell * at + self.cell / 2
    }

    fn row_label(&self, area: &Area, at: i32, label: &str) -> Result<(), ReportError> {
        let label = shortened(label, self.size, LABELS.0);
        words(
            area,
            &label,
            (self.left - 10, self.middle(self.top, at)),
            Words::new(self.size, INK, HPos::Right),
        )
    }

    fn column_label(&self, area: &Area, at: i32, label: &str) -> Result<(), ReportError> {
        let x = self.middle(self.left, at);
        let style = Words::new(self.size, INK, HPos::Center);
        if self.upwards {
            let label = shortened(label, self.size, LABELS.1);
            words(
                area,
                &label,
                (x, self.top - 8),
                Words {
                    align: HPos::Left,
                    upwards: true,
                    ..style
                },
            )
        } else {
            words(
                area,
                &shortened(label, self.size, self.cell),
                (x, self.top - 12),
                style,
            )
        }
    }

    fn grid(&self, area: &Area, classes: i32) -> Result<(), ReportError> {
        let side = self.cell * classes;
        for at in 0..=classes {
            let (x, y) = (self.left + self.cell * at, self.top + self.cell * at);
            line(area, vec![(self.left, y), (self.left + side, y)], GRID, 1)?;
            line(area, vec![(x, self.top), (x, self.top + side)], GRID, 1)?;
        }
        Ok(())
    }

    fn cell(
        &self,
        area: &Area,
        (column, row): (i32, i32),
        count: u32,
        share: f64,
    ) -> Result<(), ReportError> {
        if count == 0 {
            return Ok(());
        }
        let (x, y) = (self.left + self.cell * column, self.top + self.cell * row);
        let (ground, ink) = shade(share);
        filled(area, (x + 1, y + 1), (x + self.cell, y + self.cell), ground)?;
        let text = numbers::count(count.into());
        let size = (f64::from(self.cell) * 0.42)
            .min(f64::from(self.cell - 3) / (text.len() as f64 * 0.6))
            .min(13.0);
        let middle = (self.middle(self.left, column), self.middle(self.top, row));
        words(area, &text, middle, Words::new(size, ink, HPos::Center))
    }
}
