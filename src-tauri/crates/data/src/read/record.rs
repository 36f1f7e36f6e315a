//! One row of cells, whatever it was read from.

use super::RAW_LIMIT;
use super::misfit::Misfit;
use crate::text::head;
use crate::types::ProblemKind;

/// One record; reused from row to row.
#[derive(Debug, Default, Clone)]
pub(crate) struct Record {
    text: String,
    ends: Vec<usize>,
    /// The record as it stands in the file, cut at 2,000 characters, without its line end.
    pub(crate) raw: String,
    /// Where it stands: see [`crate::RowProblem::row`].
    pub(crate) row: u32,
    /// What the reader found wrong with it.
    pub(crate) problem: Option<ProblemKind>,
    /// How it was read where its bytes are no text in the file's encoding.
    pub(crate) misfit: Option<Misfit>,
}

impl Record {
    /// Empties the record for the row `row`.
    pub(crate) fn begin(&mut self, row: u32) {
        self.text.clear();
        self.ends.clear();
        self.raw.clear();
        self.row = row;
        self.problem = None;
        self.misfit = None;
    }

    /// Adds a cell.
    pub(crate) fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// Adds all cells at once: their texts end to end, and where each ends.
    pub(super) fn extend(&mut self, text: &str, ends: &[usize]) {
        self.text.push_str(text);
        self.ends.extend_from_slice(ends);
    }

    /// Puts a row aside that stands above a table of `columns` columns.
    pub(super) fn is_title(&mut self, columns: usize) {
        self.problem = Some(ProblemKind::CellCount {
            expected: columns as u32,
            found: self.cells().filter(|cell| !cell.trim().is_empty()).count() as u32,
        });
    }

    /// Keeps the beginning of what stands in the file.
    pub(super) fn keep_raw(&mut self, raw: &str) {
        self.raw.clear();
        self.raw.push_str(head(raw, RAW_LIMIT));
    }

    /// For formats whose rows are no text: the cells, divided by tabs, stand for the raw row.
    pub(super) fn keep_cells_as_raw(&mut self) {
        let cells: Vec<&str> = self.cells().map(|cell| head(cell, RAW_LIMIT)).collect();
        let raw = cells.join("\t");
        self.keep_raw(&raw);
    }

    /// Bytes of all cells together.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Number of cells.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The cells in order.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|index| self.cell(index))
    }

    /// Cell `index`; empty beyond the last.
    pub(crate) fn cell(&self, index: usize) -> &str {
        let start = if index == 0 {
            0
        } else {
            self.ends.get(index - 1).copied().unwrap_or_default()
        };
        let end = self.ends.get(index).copied().unwrap_or(start);
        &self.text[start..end]
    }
}
