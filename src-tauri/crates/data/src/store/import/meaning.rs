//! What the cells of a record mean: text, labels, group, part, by the columns' roles. No database.

use super::super::labels::NAME_LIMIT;
use super::super::sql::to_json;
use crate::clean::Pipeline;
use crate::error::{DataError, Result};
use crate::read::{Misfit, Record, cell_problem, flag, part_from_word, parts};
use crate::text::{HASH_BYTES, content_hash, head, joined_text, length};
use crate::types::{ColumnRole, ImportOptions, Part, ProblemKind};

/// The columns that matter, by index.
pub(super) struct Columns {
    /// One, or several whose cells are joined, in the file's order.
    pub(super) text: Vec<usize>,
    pub(super) labels: LabelColumns,
    group: Option<usize>,
    date: Option<usize>,
    id: Option<usize>,
    pub(super) split: Option<usize>,
}

/// Where a row's labels stand.
pub(super) enum LabelColumns {
    /// Nowhere.
    None,
    /// In one cell: one label, or several with something between them.
    Cell {
        column: usize,
        separator: Option<String>,
    },
    /// In a column for each, which says yes or no.
    Flags(Vec<usize>),
}

impl LabelColumns {
    /// Whether a row may carry several.
    pub(super) fn several(&self) -> bool {
        matches!(
            self,
            LabelColumns::Flags(_)
                | LabelColumns::Cell {
                    separator: Some(_),
                    ..
                }
        )
    }
}

/// What each column is for.
///
/// # Errors
/// `RolesMismatch`, `NoTextColumn`, `RepeatedRole`.
pub(super) fn check_roles(options: &ImportOptions, columns: usize) -> Result<Columns> {
    let roles = &options.roles;
    if roles.len() != columns {
        return Err(DataError::RolesMismatch {
            roles: roles.len(),
            columns,
        });
    }
    let with = |role: ColumnRole| roles.iter().filter(|other| **other == role).count();
    let first = |role: ColumnRole| roles.iter().position(|other| *other == role);
    for role in [ColumnRole::Group, ColumnRole::Split, ColumnRole::Date] {
        if with(role) > 1 {
            return Err(DataError::RepeatedRole {
                role,
                columns: with(role),
            });
        }
    }
    let all = |role: ColumnRole| (0..roles.len()).filter(move |column| roles[*column] == role);
    let labels = match (first(ColumnRole::Label), with(ColumnRole::Label)) {
        (None, _) => LabelColumns::None,
        (Some(column), 1) => LabelColumns::Cell {
            column,
            separator: options
                .label_separator
                .clone()
                .filter(|separator| !separator.is_empty()),
        },
        _ => LabelColumns::Flags(all(ColumnRole::Label).collect()),
    };
    let text: Vec<usize> = all(ColumnRole::Text).collect();
    if text.is_empty() {
        return Err(DataError::NoTextColumn);
    }
    Ok(Columns {
        text,
        labels,
        group: first(ColumnRole::Group),
        date: first(ColumnRole::Date),
        id: first(ColumnRole::Id),
        split: first(ColumnRole::Split),
    })
}

/// What the columns of a table mean.
pub(super) struct Reading {
    pub(super) columns: Columns,
    /// The table's display names.
    pub(super) names: Vec<String>,
    /// The part that all rows belong to.
    pub(super) part: Option<Part>,
    /// The rules in force that change texts.
    pub(super) pipeline: Pipeline,
}

/// A text with what is stored about it.
pub(super) struct Measured {
    pub(super) text: String,
    /// Characters of the trimmed text.
    pub(super) length: u32,
    pub(super) hash: [u8; HASH_BYTES],
}

impl Measured {
    fn new(text: String) -> Measured {
        Measured {
            length: length(&text),
            hash: content_hash(&text),
            text,
        }
    }
}

/// A row as it is stored.
pub(super) struct Row {
    /// See [`crate::RowProblem::row`].
    pub(super) number: u32,
    /// As it stands in the file.
    pub(super) raw: Measured,
    /// What the rules in force make of it, where that is another text.
    pub(super) changed: Option<Measured>,
    /// Indexes of the rules that changed something.
    pub(super) changed_by: Vec<usize>,
    /// `None` = not labelled yet.
    pub(super) labels: Option<Vec<String>>,
    pub(super) group: Option<String>,
    /// The cell of the column with dates.
    pub(super) date: Option<String>,
    /// The cell of the column with case numbers.
    pub(super) id: Option<String>,
    pub(super) part: Option<Part>,
    /// How it was read where its bytes do not fit the file's encoding.
    pub(super) misfit: Option<Misfit>,
    /// The cells of all columns but the text, as JSON.
    pub(super) others: String,
}

/// What becomes of a record.
pub(super) enum Understood {
    Row(Row),
    Problem {
        number: u32,
        kind: ProblemKind,
        raw: String,
    },
}

impl Reading {
    /// # Errors
    /// None but those of writing JSON, which do not happen.
    pub(super) fn understand(&self, record: &Record) -> Result<Understood> {
        Ok(match self.row(record) {
            Ok(row) => Understood::Row(Row {
                others: to_json(&self.others(record))?,
                ..row
            }),
            Err(kind) => Understood::Problem {
                number: record.row,
                kind,
                raw: record.raw.clone(),
            },
        })
    }

    fn others<'r>(&self, record: &'r Record) -> Vec<&'r str> {
        (0..self.names.len())
            .filter(|column| !self.columns.text.contains(column))
            .map(|column| record.cell(column))
            .collect()
    }

    fn row(&self, record: &Record) -> std::result::Result<Row, ProblemKind> {
        if let Some(kind) = cell_problem(record, self.names.len()) {
            return Err(kind);
        }
        let filled = |column: Option<usize>| {
            column
                .map(|column| record.cell(column).trim())
                .filter(|cell| !cell.is_empty())
        };
        let labels = self.labels_of(record)?;
        let from_file = match filled(self.columns.split) {
            Some(word) => {
                let unknown = || ProblemKind::UnknownPart {
                    value: head(word, 100).to_owned(),
                };
                Some(part_from_word(word).ok_or_else(unknown)?)
            }
            None => None,
        };
        let text = match self.columns.text[..] {
            [only] => record.cell(only).to_owned(),
            ref several => joined_text(several.iter().map(|column| record.cell(*column))),
        };
        let mut changed_by = Vec::new();
        Ok(Row {
            number: record.row,
            changed: self
                .pipeline
                .apply_each(&text, |rule| changed_by.push(rule))
                .map(Measured::new),
            changed_by,
            raw: Measured::new(text),
            labels: labels.map(|labels| labels.into_iter().map(str::to_owned).collect()),
            group: filled(self.columns.group).map(str::to_owned),
            date: filled(self.columns.date).map(str::to_owned),
            id: filled(self.columns.id).map(str::to_owned),
            part: self.part.or(from_file),
            misfit: record.misfit,
            others: String::new(),
        })
    }

    fn labels_of<'r>(&'r self, record: &'r Record) -> std::result::Result<Option<Vec<&'r str>>, ProblemKind> {
        let labels: Vec<&str> = match &self.columns.labels {
            LabelColumns::None => return Ok(None),
            LabelColumns::Cell { column, separator } => {
                let cell = record.cell(*column).trim();
                match separator {
                    Some(separator) => parts(cell, separator).collect(),
                    None => Some(cell).filter(|cell| !cell.is_empty()).into_iter().collect(),
                }
            }
            LabelColumns::Flags(columns) => {
                let mut carried = Vec::new();
                for column in columns {
                    let cell = record.cell(*column);
                    match flag(cell) {
                        Some(true) => carried.push(self.names[*column].as_str()),
                        Some(false) => {}
                        None => {
                            return Err(ProblemKind::NotAFlag {
                                column: self.names[*column].clone(),
                                value: head(cell, 100).to_owned(),
                            });
                        }
                    }
                }
                // "No" everywhere is an answer; nothing anywhere is none.
                let filled = columns
                    .iter()
                    .any(|column| !record.cell(*column).trim().is_empty());
                return Ok(filled.then_some(carried));
            }
        };
        let longest = labels
            .iter()
            .map(|label| label.chars().count())
            .max()
            .unwrap_or_default();
        match longest > NAME_LIMIT {
            true => Err(ProblemKind::LongLabel {
                length: longest as u32,
                limit: NAME_LIMIT as u32,
            }),
            false => Ok(Some(labels).filter(|labels| !labels.is_empty())),
        }
    }
}
