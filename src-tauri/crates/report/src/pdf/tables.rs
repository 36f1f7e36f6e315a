//! Tables: columns as wide as they need, rows that no page breaks, the head repeated on every page.

use super::{
    blocks::{Cell, Row, Table},
    fonts::{Line, Weight},
    layout::{HEIGHT, Kind, LEADING, LEFT, Layout, Mark, SMALL, WIDTH, baseline, rule, text_mark},
};
use crate::figures::palette::{INK, MUTED};

const SIZE: f32 = 8.5;
const TERM: f32 = 7.5;
/// Between two columns, above and below a row.
const GAP: f32 = 10.0;
const PAD: f32 = 3.0;
const LINE: f32 = SIZE * LEADING;
/// A column of numbers whose heads are longer breaks them.
const MOST_HEAD: f32 = 62.0;

/// Share of the width that a column of labels takes beside one of texts.
const LABELS: f32 = 0.19;

/// A cell's lines with their sizes, the terms after the text.
type Set = Vec<(Line, f32)>;

/// Draws a table under its caption.
pub fn table(layout: &mut Layout, table: &Table) {
    let widths = widths(layout, table);
    let element = layout.element(Kind::Table, None);
    let caption_height = SMALL
        * LEADING
        * layout
            .setter
            .wrapped(&table.caption, Weight::Regular, WIDTH / SMALL)
            .len() as f32;
    layout.space(4.0);
    layout.make_room(caption_height + 4.0 * (LINE + 2.0 * PAD));
    let caption = layout.element(Kind::Caption, Some(element));
    layout.lines(
        caption,
        &table.caption,
        (LEFT, WIDTH),
        SMALL,
        MUTED.light,
        Weight::Regular,
    );
    layout.y += 3.0;

    let heads: Vec<String> = table.words.iter().chain(&table.numbers).cloned().collect();
    let head = Row::plain(heads);
    let words = table.words.len();
    draw_row(layout, &head, &widths, words, Some(element), true);
    for row in &table.rows {
        let height = height(&set(layout, row, &widths, SIZE));
        if layout.make_room(height) {
            // For the eye only: who has it read aloud has heard it.
            draw_row(layout, &head, &widths, words, None, true);
        }
        draw_row(layout, row, &widths, words, Some(element), false);
    }
    layout.y += 10.0;
}

/// Widths of the columns without gaps. Numbers get what they need, words share the rest: a column that needs less than
/// its share leaves it to the others.
fn widths(layout: &Layout, table: &Table) -> Vec<f32> {
    let setter = layout.setter;
    let columns = table.words.len() + table.numbers.len();
    let head = |at: usize| {
        let heads = table.words.iter().chain(&table.numbers);
        heads.into_iter().nth(at).map_or("", String::as_str)
    };
    let content = |at: usize| {
        let cells = table
            .rows
            .iter()
            .filter_map(|row| Some((row.cells.get(at)?, weight(row))));
        let width = |(cell, weight): (&Cell, Weight)| {
            let term = cell.term.as_deref().unwrap_or("");
            (setter.line(&cell.text, weight).width * SIZE)
                .max(setter.line(term, Weight::Regular).width * TERM)
        };
        cells.map(width).fold(0.0, f32::max)
    };
    let mut widths = vec![0.0; columns];
    let mut left = WIDTH - GAP * columns.saturating_sub(1) as f32;
    for (at, column) in widths.iter_mut().enumerate().skip(table.words.len()) {
        let whole = setter.line(head(at), Weight::Regular).width * SMALL;
        let piece = setter.widest_piece(head(at), Weight::Regular) * SMALL;
        *column = content(at).max(piece.max(whole.min(MOST_HEAD))) + 0.5;
        left -= *column;
    }
    let mut open: Vec<(usize, f32)> = (0..table.words.len())
        .map(|at| {
            (
                at,
                content(at).max(setter.line(head(at), Weight::Regular).width * SMALL) + 0.5,
            )
        })
        .collect();
    open.sort_by(|a, b| a.1.total_cmp(&b.1));
    // Where the first column holds texts, the labels beside it may take two lines.
    let texts = open.len() > 1 && open.iter().any(|(at, needed)| *at == 0 && *needed > left / 2.0);
    for place in 0..open.len() {
        let (at, mut needed) = open[place];
        if texts && at > 0 {
            needed = needed.min(WIDTH * LABELS);
        }
        let share = (left / (open.len() - place) as f32).max(30.0);
        widths[at] = needed.min(share);
        left -= widths[at];
    }
    // The first column takes what nobody needs.
    if let Some(first) = widths.first_mut() {
        *first += left.max(0.0);
    }
    widths
}

fn weight(row: &Row) -> Weight {
    if row.bold { Weight::Bold } else { Weight::Regular }
}

fn set(layout: &Layout, row: &Row, widths: &[f32], size: f32) -> Vec<Set> {
    let most = ((HEIGHT - 60.0) / LINE) as usize;
    let cells = row.cells.iter().zip(widths);
    let set = cells.map(|(cell, width)| {
        let mut lines: Set = layout
            .setter
            .wrapped(&cell.text, weight(row), width / size)
            .into_iter()
            .map(|line| (line, size))
            .collect();
        if let Some(term) = &cell.term {
            let terms = layout.setter.wrapped(term, Weight::Regular, width / TERM);
            lines.extend(terms.into_iter().map(|line| (line, TERM)));
        }
        // Nothing that is longer than a page helps anyone in a table.
        lines.truncate(most);
        lines
    });
    set.collect()
}

fn height(set: &[Set]) -> f32 {
    let lines = set.iter().map(Vec::len).max().unwrap_or(0).max(1);
    lines as f32 * LINE + 2.0 * PAD
}

fn draw_row(layout: &mut Layout, row: &Row, widths: &[f32], words: usize, table: Option<usize>, head: bool) {
    let set = set(layout, row, widths, if head { SMALL } else { SIZE });
    let height = height(&set);
    let element = table.map(|table| layout.element(Kind::Row, Some(table)));
    let mut left = LEFT;
    let lines_most = set.iter().map(Vec::len).max().unwrap_or(0);
    for (at, lines) in set.into_iter().enumerate() {
        let width = widths[at];
        let kind = match (head, at) {
            (true, _) => Kind::ColumnHeader,
            (false, 0) => Kind::RowHeader,
            _ => Kind::Cell,
        };
        let cell = element.map(|row| layout.element(kind, Some(row)));
        // Heads stand at the foot of their row.
        let first = if head { lines_most - lines.len() } else { 0 };
        let mut marks: Vec<Mark> = Vec::with_capacity(lines.len());
        for (place, (line, size)) in lines.into_iter().enumerate() {
            let y = layout.y + PAD + LINE * (first + place) as f32;
            let x = if at < words {
                left
            } else {
                left + width - line.width * size
            };
            let colour = if head || size == TERM { MUTED } else { INK };
            marks.push(text_mark(line, (x, baseline(y, LINE, SIZE)), size, colour.light));
        }
        layout.draw(cell, marks);
        left += width + GAP;
    }
    layout.y += height;
    layout.draw(None, vec![rule(layout.y)]);
}
