//! What a page is made of, before anyone knows how large it comes out.

/// A piece of the report, from margin to margin.
#[derive(Debug, Clone)]
pub enum Block {
    /// Begins a new page.
    Break,
    /// The line above the title.
    Kind(String),
    /// Level 1 is the title's.
    Heading(u16, String),
    /// Text, with how it is set.
    Text(Tone, String),
    /// Points of a list.
    Points(Vec<String>),
    /// Terms and what they are.
    Facts(Vec<(String, String)>),
    /// Columns of words, then columns of numbers.
    Table(Table),
    /// An SVG from [`crate::figures`] and its caption.
    Figure { svg: String, caption: String },
    /// Lines to be filled in by hand, side by side.
    Blanks(Vec<String>),
}

/// How a paragraph is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The first sentence of all.
    Lead,
    Plain,
    /// Of second rank, smaller.
    Muted,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    pub caption: String,
    pub words: Vec<String>,
    pub numbers: Vec<String>,
    pub rows: Vec<Row>,
}

/// A row; its first cell names it.
#[derive(Debug, Clone)]
pub struct Row {
    pub cells: Vec<Cell>,
    pub bold: bool,
}

impl Row {
    pub fn plain(cells: Vec<String>) -> Self {
        Row {
            cells: cells.into_iter().map(Cell::from).collect(),
            bold: false,
        }
    }
}

/// A cell, with a smaller line below.
#[derive(Debug, Clone)]
pub struct Cell {
    pub text: String,
    pub term: Option<String>,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell { text, term: None }
    }
}
