//! Blocks become marks on pages of A4: what is drawn where, and which element of the document it belongs to.

use super::{
    blocks::{Block, Tone},
    figure,
    fonts::{Line, Typesetter, Weight},
    tables,
};
use crate::{ReportError, figures::palette::*};
use plotters::style::RGBColor;

/// A4 in points, and the margins around the text.
pub const PAGE: (f32, f32) = (595.28, 841.89);
pub const LEFT: f32 = 54.0;
pub const RIGHT: f32 = PAGE.0 - 54.0;
pub const WIDTH: f32 = RIGHT - LEFT;
const TOP: f32 = 68.0;
const BOTTOM: f32 = PAGE.1 - 60.0;
/// Height of a whole page of text.
pub const HEIGHT: f32 = BOTTOM - TOP;
/// Size of the text.
pub const SIZE: f32 = 9.5;
/// Size of captions and terms.
pub const SMALL: f32 = 8.0;
/// From one line to the next, in sizes.
pub const LEADING: f32 = 1.5;
/// Room for lines to be filled in by hand.
const BLANKS: f32 = 44.0;
/// Room for a heading of one line with what is above and below.
const HEADING: f32 = 44.0;
/// Points of a page for a pixel of a figure.
const PIXEL: f32 = 0.64;

/// Something drawn. `at` is where the baseline begins.
#[derive(Debug, Clone)]
pub enum Mark {
    Text {
        at: (f32, f32),
        size: f32,
        colour: RGBColor,
        line: Line,
        upwards: bool,
    },
    Stroke {
        points: Vec<(f32, f32)>,
        width: f32,
        colour: RGBColor,
    },
    Box {
        from: (f32, f32),
        size: (f32, f32),
        colour: RGBColor,
    },
    Disc {
        centre: (f32, f32),
        radius: f32,
        colour: RGBColor,
    },
}

/// What an element of the document is, for those who have it read aloud.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Paragraph,
    Heading(u16, String),
    List,
    ListItem,
    Table,
    Row,
    ColumnHeader,
    RowHeader,
    Cell,
    Caption,
    /// With its text for those who cannot see it.
    Figure(String),
}

/// An element and the one that it is part of.
#[derive(Debug, Clone)]
pub struct Element {
    pub kind: Kind,
    pub within: Option<usize>,
}

/// Marks of one element; of none where they only decorate.
#[derive(Debug, Clone)]
pub struct Piece {
    pub element: Option<usize>,
    pub marks: Vec<Mark>,
}

/// A heading's place.
#[derive(Debug, Clone)]
pub struct Entry {
    pub level: u16,
    pub title: String,
    pub page: usize,
    pub y: f32,
}

/// Everything laid out.
pub struct Laid {
    pub pages: Vec<Vec<Piece>>,
    pub elements: Vec<Element>,
    pub entries: Vec<Entry>,
}

/// Lays blocks out, one below the other.
pub struct Layout<'a> {
    pub setter: &'a Typesetter<'a>,
    laid: Laid,
    /// How far down the page is filled.
    pub y: f32,
}

/// Lays out all blocks.
///
/// # Errors
/// When a figure cannot be read.
pub fn lay_out(blocks: &[Block], setter: &Typesetter) -> Result<Laid, ReportError> {
    let mut layout = Layout {
        setter,
        laid: Laid {
            pages: vec![Vec::new()],
            elements: Vec::new(),
            entries: Vec::new(),
        },
        y: TOP,
    };
    for (at, block) in blocks.iter().enumerate() {
        if let Block::Heading(..) = block {
            // No heading ends a page.
            let next = blocks
                .get(at + 1)
                .map_or(Ok(0.0), |next| layout.beginning(next))?;
            layout.make_room(HEADING + next);
        }
        layout.block(block)?;
    }
    Ok(layout.laid)
}

impl Layout<'_> {
    fn block(&mut self, block: &Block) -> Result<(), ReportError> {
        match block {
            Block::Break => self.new_page(),
            Block::Kind(text) => self.paragraph(text, SIZE, ACCENT.light, Weight::Bold, 2.0),
            Block::Heading(level, text) => self.heading(*level, text),
            Block::Text(Tone::Lead, text) => self.paragraph(text, 13.5, INK.light, Weight::Regular, 8.0),
            Block::Text(Tone::Plain, text) => self.paragraph(text, SIZE, INK.light, Weight::Regular, 5.0),
            Block::Text(Tone::Muted, text) => self.paragraph(text, SMALL, MUTED.light, Weight::Regular, 5.0),
            Block::Points(points) => self.points(points),
            Block::Facts(facts) => self.facts(facts),
            Block::Table(table) => tables::table(self, table),
            Block::Figure { svg, caption } => self.figure(svg, caption)?,
            Block::Blanks(names) => self.blanks(names),
        }
        Ok(())
    }

    /// A new element.
    pub fn element(&mut self, kind: Kind, within: Option<usize>) -> usize {
        self.laid.elements.push(Element { kind, within });
        self.laid.elements.len() - 1
    }

    /// Draws on the present page.
    pub fn draw(&mut self, element: Option<usize>, marks: Vec<Mark>) {
        if let Some(page) = self.laid.pages.last_mut()
            && !marks.is_empty()
        {
            page.push(Piece { element, marks });
        }
    }

    pub fn new_page(&mut self) {
        self.laid.pages.push(Vec::new());
        self.y = TOP;
    }

    /// Begins a new page where less than `height` is left on this one; says whether it did.
    pub fn make_room(&mut self, height: f32) -> bool {
        let full = self.y + height > BOTTOM && self.y > TOP;
        if full {
            self.new_page();
        }
        full
    }

    /// Leaves room above, except at the top of a page.
    pub fn space(&mut self, height: f32) {
        if self.y > TOP {
            self.y += height;
        }
    }

    fn heading(&mut self, level: u16, text: &str) {
        let (size, above, below) = match level {
            1 => (22.0, 0.0, 4.0),
            2 => (13.5, 18.0, 5.0),
            _ => (10.5, 10.0, 3.0),
        };
        self.space(above);
        let (page, y) = (self.laid.pages.len() - 1, self.y);
        self.laid.entries.push(Entry {
            level,
            title: text.to_owned(),
            page,
            y,
        });
        let element = self.element(Kind::Heading(level, text.to_owned()), None);
        self.lines(element, text, (LEFT, WIDTH), size, INK.light, Weight::Bold);
        self.y += below;
    }

    fn paragraph(&mut self, text: &str, size: f32, colour: RGBColor, weight: Weight, below: f32) {
        let element = self.element(Kind::Paragraph, None);
        self.lines(element, text, (LEFT, WIDTH), size, colour, weight);
        self.y += below;
    }

    /// Lines of text from the left edge in a width, which may go on on the next page.
    pub fn lines(
        &mut self,
        element: usize,
        text: &str,
        (left, width): (f32, f32),
        size: f32,
        colour: RGBColor,
        weight: Weight,
    ) {
        let leading = size * if size > 13.0 { 1.35 } else { LEADING };
        for line in self.setter.wrapped(text, weight, width / size) {
            self.make_room(leading);
            let at = (left, baseline(self.y, leading, size));
            let mark = text_mark(line, at, size, colour);
            self.draw(Some(element), vec![mark]);
            self.y += leading;
        }
    }

    fn points(&mut self, points: &[String]) {
        let list = self.element(Kind::List, None);
        for point in points {
            let item = self.element(Kind::ListItem, Some(list));
            self.make_room(SIZE * LEADING);
            let centre = (LEFT + 4.0, self.y + SIZE * LEADING / 2.0);
            let disc = Mark::Disc {
                centre,
                radius: 1.5,
                colour: MUTED.light,
            };
            self.draw(None, vec![disc]);
            self.lines(
                item,
                point,
                (LEFT + 13.0, WIDTH - 13.0),
                SIZE,
                INK.light,
                Weight::Regular,
            );
            self.y += 1.5;
        }
        self.y += 3.0;
    }

    fn facts(&mut self, facts: &[(String, String)]) {
        const TERM: f32 = 150.0;
        let table = self.element(Kind::Table, None);
        for (term, value) in facts {
            let wrap =
                |text: &str, size: f32, width: f32| self.setter.wrapped(text, Weight::Regular, width / size);
            let (terms, values) = (
                wrap(term, SMALL, TERM - 12.0),
                wrap(value, SMALL + 0.5, WIDTH - TERM),
            );
            let leading = (SMALL + 0.5) * LEADING;
            let height = leading * terms.len().max(values.len()).max(1) as f32 + 3.5;
            self.make_room(height.min(HEIGHT));
            let row = self.element(Kind::Row, Some(table));
            for (kind, lines, left, size, colour) in [
                (Kind::RowHeader, terms, LEFT, SMALL, MUTED.light),
                (Kind::Cell, values, LEFT + TERM, SMALL + 0.5, INK.light),
            ] {
                let cell = self.element(kind, Some(row));
                let place = |at: usize| {
                    (
                        left,
                        baseline(self.y + 1.8 + leading * at as f32, leading, SMALL + 0.5),
                    )
                };
                let lines = lines.into_iter().enumerate();
                let marks = lines.map(|(at, line)| text_mark(line, place(at), size, colour));
                let marks = marks.collect();
                self.draw(Some(cell), marks);
            }
            self.y += height;
            self.draw(None, vec![rule(self.y)]);
        }
        self.y += 6.0;
    }

    /// How much of a block should stand on the page of its heading.
    fn beginning(&self, block: &Block) -> Result<f32, ReportError> {
        Ok(match block {
            Block::Figure { svg, caption } => {
                let size = figure::read(svg, self.setter)?.size;
                let (scale, below) = self.figure_scale(size, caption);
                size.1 * scale + below
            }
            Block::Table(_) => 80.0,
            Block::Blanks(_) => BLANKS,
            _ => 40.0,
        })
    }

    /// The scale at which a figure fits below its heading, and the room for its caption.
    fn figure_scale(&self, size: (f32, f32), caption: &str) -> (f32, f32) {
        let lines = self.setter.wrapped(caption, Weight::Regular, WIDTH / SMALL).len() as f32;
        let below = lines * SMALL * LEADING + 18.0;
        let scale = PIXEL.min(WIDTH / size.0).min((HEIGHT - HEADING - below) / size.1);
        (scale, below)
    }

    fn figure(&mut self, svg: &str, caption: &str) -> Result<(), ReportError> {
        let drawing = figure::read(svg, self.setter)?;
        let size = drawing.size;
        let (scale, below) = self.figure_scale(size, caption);
        self.space(4.0);
        self.make_room(size.1 * scale + below);
        let element = self.element(Kind::Figure(caption.to_owned()), None);
        let marks = drawing.placed((LEFT, self.y), scale);
        self.draw(Some(element), marks);
        self.y += size.1 * scale + 4.0;
        let caption_of = self.element(Kind::Caption, Some(element));
        self.lines(
            caption_of,
            caption,
            (LEFT, WIDTH),
            SMALL,
            MUTED.light,
            Weight::Regular,
        );
        self.y += 10.0;
        Ok(())
    }

    fn blanks(&mut self, names: &[String]) {
        const GAP: f32 = 18.0;
        self.make_room(BLANKS);
        self.y += 26.0;
        let width = (WIDTH + GAP) / names.len().max(1) as f32 - GAP;
        for (at, name) in names.iter().enumerate() {
            let left = LEFT + at as f32 * (width + GAP);
            let points = vec![(left, self.y), (left + width, self.y)];
            let line = Mark::Stroke {
                points,
                width: 0.7,
                colour: INK.light,
            };
            self.draw(None, vec![line]);
            let element = self.element(Kind::Paragraph, None);
            let line = self.setter.shortened(name, Weight::Regular, width / SMALL);
            let mark = text_mark(line, (left, self.y + 11.0), SMALL, MUTED.light);
            self.draw(Some(element), vec![mark]);
        }
        self.y += 18.0;
    }
}

/// Where a line's letters stand that is `leading` high and begins at `y`.
pub fn baseline(y: f32, leading: f32, size: f32) -> f32 {
    y + leading / 2.0 + size * 0.36
}

pub fn text_mark(line: Line, at: (f32, f32), size: f32, colour: RGBColor) -> Mark {
    Mark::Text {
        at,
        size,
        colour,
        line,
        upwards: false,
    }
}

/// A thin line from margin to margin.
pub fn rule(y: f32) -> Mark {
    Mark::Stroke {
        points: vec![(LEFT, y), (RIGHT, y)],
        width: 0.5,
        colour: GRID.light,
    }
}
