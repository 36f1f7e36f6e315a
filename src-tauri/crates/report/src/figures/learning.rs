//! How the learning went: the losses by round at the left, the validation scores at the right.

use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::types::RangedCoordf64,
    prelude::{Cartesian2d, Circle, LineSeries, SVGBackend},
    style::{Color, TRANSPARENT, text_anchor::HPos},
};
use understudy_eval::EpochScores;

use super::{
    WIDTH,
    canvas::{self, Area, SMALL, Words, line, refused, shortened, words},
    palette::{ACCENT, Colour, GRID, INK, MUTED, SECOND},
};
use crate::{Catalogue, Language, LossCurve, ReportError, ReportInput};

const HEIGHT: u32 = 290;
/// Room at the right of a panel for the names of its lines.
const NAMES: i32 = 78;
/// A training loss is drawn as the means of at most so many stretches.
const STRETCHES: usize = 120;

/// A panel's axes: rounds to the right, losses or scores upwards.
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Points of a line, x in rounds.
type Points = Vec<(f64, f64)>;

/// A line of a panel.
struct Series {
    name: String,
    points: Points,
    colour: Colour,
    /// A mark at every point; a line without marks is thin.
    marks: bool,
}

/// A panel of the figure.
struct Panel {
    title: String,
    series: Vec<Series>,
    rounds: f64,
    y: (f64, f64),
    /// Where a training ends and the next begins anew, in rounds.
    ends: Vec<f64>,
}

/// Draws losses and validation scores by round; the rounds whose models were kept are marked.
///
/// # Errors
/// When the drawing library refuses.
pub fn learning_curve(input: &ReportInput, language: Language) -> Result<String, ReportError> {
    let texts = Catalogue::report(language);
    canvas::draw((WIDTH, HEIGHT), |area| {
        let (left, right) = area.split_horizontally(WIDTH / 2);
        let kept = input.kept_rounds();
        panel(&left, &losses(input, texts), kept, texts)?;
        panel(&right, &scores(input, texts), kept, texts)
    })
}

fn losses(input: &ReportInput, texts: &Catalogue) -> Panel {
    let rounds = input.epochs.len().max(1) as f64;
    let training = Series {
        name: texts.text("figure.training", &[]),
        points: smoothed(&input.loss_curve, rounds),
        colour: SECOND,
        marks: false,
    };
    let validation = Series {
        name: texts.text("figure.validation", &[]),
        points: by_round(&input.epochs, |round| round.validation_loss),
        colour: ACCENT,
        marks: true,
    };
    let highest = highest(&[&training, &validation]);
    let y = (0.0, if highest > 0.0 { 1.05 * highest } else { 1.0 });
    Panel {
        title: texts.text("figure.loss", &[]),
        series: vec![training, validation],
        rounds,
        y,
        ends: ends(&input.epochs),
    }
}

fn scores(input: &ReportInput, texts: &Catalogue) -> Panel {
    let accuracy = Series {
        name: texts.text("figure.accuracy", &[]),
        points: by_round(&input.epochs, |round| round.validation_accuracy),
        colour: SECOND,
        marks: true,
    };
    let macro_f1 = Series {
        name: texts.text("figure.macro_f1", &[]),
        points: by_round(&input.epochs, |round| round.validation_macro_f1),
        colour: ACCENT,
        marks: true,
    };
    let lowest = accuracy
        .points
        .iter()
        .chain(&macro_f1.points)
        .map(|point| point.1)
        .fold(0.9, f64::min);
    let y = ((lowest * 10.0).floor() / 10.0, 1.0);
    let rounds = input.epochs.len().max(1) as f64;
    Panel {
        title: texts.text("figure.scores", &[]),
        series: vec![accuracy, macro_f1],
        rounds,
        y,
        ends: ends(&input.epochs),
    }
}

fn ends(epochs: &[EpochScores]) -> Vec<f64> {
    let trainings = epochs.chunk_by(|a, b| a.training == b.training);
    let last = trainings.filter_map(|rounds| rounds.last());
    last.map(|round| f64::from(round.epoch)).collect()
}

fn highest(series: &[&Series]) -> f64 {
    series
        .iter()
        .flat_map(|series| &series.points)
        .map(|point| point.1)
        .fold(0.0, f64::max)
}

fn by_round(epochs: &[EpochScores], value: impl Fn(&EpochScores) -> f64) -> Points {
    epochs
        .iter()
        .map(|round| (f64::from(round.epoch), value(round)))
        .filter(|point| point.1.is_finite())
        .collect()
}

/// The curve as means over stretches of equal length, each at its middle; the last step lies at the
/// end of the last round.
fn smoothed(curve: &LossCurve, rounds: f64) -> Points {
    let last = f64::from(curve.steps.last().copied().unwrap_or(1).max(1));
    let points: Points = curve
        .steps
        .iter()
        .zip(&curve.loss)
        .map(|(&step, &loss)| (rounds * f64::from(step) / last, loss))
        .filter(|point| point.1.is_finite())
        .collect();
    points
        .chunks(points.len().div_ceil(STRETCHES).max(1))
        .map(mean)
        .collect()
}

fn mean(points: &[(f64, f64)]) -> (f64, f64) {
    let n = points.len() as f64;
    (
        points.iter().map(|p| p.0).sum::<f64>() / n,
        points.iter().map(|p| p.1).sum::<f64>() / n,
    )
}

fn panel(area: &Area, panel: &Panel, marked: &[u32], texts: &Catalogue) -> Result<(), ReportError> {
    words(
        area,
        &panel.title,
        (2, 12),
        Words::new(SMALL + 1.0, INK, HPos::Left),
    )?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(40)
        .margin_right(NAMES)
        .x_label_area_size(44)
        .y_label_area_size(42)
        .build_cartesian_2d(0.0..panel.rounds + 0.05, panel.y.0..panel.y.1)
        .map_err(refused)?;
    axes(&mut chart, panel.rounds)?;

    // plotters answers in pixels of the whole figure, but draws in those of the panel.
    let origin = area.get_pixel_range().0.start;
    let pixel = |chart: &Chart, x: f64, y: f64| {
        let (left, top) = chart.backend_coord(&(x, y));
        (left - origin, top)
    };
    for round in marked.iter().copied().map(f64::from) {
        kept(
            area,
            pixel(&chart, round, panel.y.0),
            pixel(&chart, round, panel.y.1),
            texts,
        )?;
    }
    let (x, y) = pixel(&chart, panel.rounds / 2.0, panel.y.0);
    let round = texts.text("figure.round", &[]);
    words(area, &round, (x, y + 34), Words::new(11.0, MUTED, HPos::Center))?;

    let mut ends = Vec::new();
    for series in &panel.series {
        draw_series(&mut chart, series, &panel.ends)?;
        ends.extend(series.points.last().map(|&(x, y)| (pixel(&chart, x, y), series)));
    }
    names(area, ends)
}

fn axes(chart: &mut Chart, rounds: f64) -> Result<(), ReportError> {
    let whole = |x: &f64| {
        if x.fract() == 0.0 {
            format!("{x:.0}")
        } else {
            String::new()
        }
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.light)
        .axis_style(GRID.light)
        .label_style(Words::new(11.0, MUTED, HPos::Left).style())
        .x_labels(rounds.min(8.0) as usize + 1)
        .y_labels(5)
        .x_label_formatter(&whole)
        .y_label_formatter(&|y| format!("{y:.2}"))
        .draw()
        .map_err(refused)
}

/// One line a training.
fn draw_series(chart: &mut Chart, series: &Series, ends: &[f64]) -> Result<(), ReportError> {
    let colour = series.colour.light;
    let stroke = colour.stroke_width(if series.marks { 2 } else { 1 });
    let part = |x: f64| ends.partition_point(|&end| end < x);
    for line in series.points.chunk_by(|a, b| part(a.0) == part(b.0)) {
        chart
            .draw_series(LineSeries::new(line.iter().copied(), stroke))
            .map_err(refused)?;
    }
    if series.marks {
        let points = series.points.iter().copied();
        let dots = points.map(|point| Circle::new(point, 4, colour.filled()));
        chart.draw_series(dots).map_err(refused)?;
    }
    Ok(())
}

/// A mark over a round whose model was kept.
fn kept(area: &Area, bottom: (i32, i32), top: (i32, i32), texts: &Catalogue) -> Result<(), ReportError> {
    for y in (top.1..bottom.1).step_by(8) {
        line(area, vec![(bottom.0, y), (bottom.0, y + 3)], MUTED, 1)?;
    }
    let text = texts.text("figure.kept", &[]);
    words(
        area,
        &text,
        (bottom.0, top.1 - 8),
        Words::new(11.0, MUTED, HPos::Center),
    )
}

/// The name of each line at its end, moved apart where two lines end close together.
fn names(area: &Area, mut ends: Vec<((i32, i32), &Series)>) -> Result<(), ReportError> {
    ends.sort_by_key(|((_, y), _)| *y);
    let mut free = i32::MIN;
    for ((x, y), series) in ends {
        let y = y.max(free);
        free = y + 15;
        let colour = if series.colour.light == ACCENT.light {
            ACCENT
        } else {
            MUTED
        };
        let name = shortened(&series.name, 11.0, NAMES - 10);
        words(area, &name, (x + 9, y), Words::new(11.0, colour, HPos::Left))?;
    }
    Ok(())
}
