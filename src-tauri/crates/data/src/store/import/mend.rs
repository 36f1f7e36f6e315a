//! Rows that were put aside at import, mended by hand: their cells are given again and go the same way as all others.

use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::json;

use super::super::audit::append;
use super::super::project::Project;
use super::super::sql::from_json;
use super::super::texts::text_rules;
use super::meaning::{Reading, Understood, check_roles};
use super::tables::Tables;
use super::{Importer, StoredColumn};
use crate::clean::Pipeline;
use crate::error::{DataError, Result};
use crate::read::{Marks, RAW_LIMIT, Record, cells_of_line};
use crate::types::{ColumnRole, Dialect, DialectOverrides, Format, ImportOptions, MendForm, Part};

/// A row that was put aside, and the file it came from.
struct Aside {
    source: i64,
    row: u32,
    raw: String,
    columns: Vec<StoredColumn>,
    dialect: Dialect,
    label_separator: Option<String>,
    part: Option<Part>,
}

impl Project {
    /// What a person needs to mend a row that was put aside: the columns, and the cells as far as they can be made out.
    ///
    /// # Errors
    /// `UnknownProblem`, and those of the database.
    pub fn mend_form(&self, problem: u32) -> Result<MendForm> {
        let tx = self.read()?;
        let aside = aside(&tx, problem)?;
        let cut = aside.raw.chars().count() >= RAW_LIMIT;
        let cells = aside.guess();
        Ok(MendForm {
            columns: aside.columns.into_iter().map(|column| column.name).collect(),
            cells,
            cut,
        })
    }

    /// Takes a row in that was put aside, with these cells, one a column. It counts as a row of its file.
    ///
    /// # Errors
    /// `UnknownProblem`, `StillAProblem` when the cells cannot be taken either, and those of the database.
    pub fn mend_row(&mut self, problem: u32, cells: &[String]) -> Result<u32> {
        let tx = self.write()?;
        let aside = aside(&tx, problem)?;
        let mut record = Record::default();
        record.begin(aside.row);
        cells.iter().for_each(|cell| record.push(cell));
        let reading = aside.reading(&tx)?;
        let row = match reading.understand(&record)? {
            Understood::Row(row) => row,
            Understood::Problem { kind, .. } => return Err(DataError::StillAProblem { kind }),
        };
        let mut importer = Importer::go_on(&tx, aside.source, reading)?;
        let example = importer.insert(&mut Tables::prepare(&tx)?, &row)?;
        importer.log_labels()?;
        tx.execute(
            "UPDATE problem_row SET mended = ?2 WHERE id = ?1",
            params![problem, example],
        )?;
        tx.execute(
            "UPDATE source SET rows = rows + 1, problem_rows = problem_rows - 1 WHERE id = ?1",
            [aside.source],
        )?;
        let detail = json!({ "source": aside.source, "row": aside.row, "example": example, "cells": cells });
        append(&tx, "row_mended", &detail)?;
        tx.commit()?;
        Ok(example as u32)
    }
}

fn aside(tx: &Transaction<'_>, problem: u32) -> Result<Aside> {
    let mut query = tx.prepare_cached(
        "SELECT p.source, p.row, p.raw, s.columns, s.dialect, s.label_separator, s.part
         FROM problem_row p JOIN source s ON s.id = p.source WHERE p.id = ?1 AND p.mended IS NULL",
    )?;
    let found = query.query_row([problem], |row| {
        let texts: [String; 3] = [row.get(2)?, row.get(3)?, row.get(4)?];
        Ok((row.get(0)?, row.get(1)?, texts, row.get(5)?, row.get(6)?))
    });
    let (source, row, [raw, columns, dialect], label_separator, part) = found
        .optional()?
        .ok_or(DataError::UnknownProblem { id: problem })?;
    Ok(Aside {
        source,
        row,
        raw,
        columns: from_json(&columns)?,
        dialect: from_json(&dialect)?,
        label_separator,
        part,
    })
}

impl Aside {
    fn reading(&self, tx: &Transaction<'_>) -> Result<Reading> {
        let options = ImportOptions {
            dialect: DialectOverrides::default(),
            roles: self.columns.iter().map(|column| column.role).collect(),
            label_separator: self.label_separator.clone(),
        };
        Ok(Reading {
            columns: check_roles(&options, self.columns.len())?,
            names: self.columns.iter().map(|column| column.name.clone()).collect(),
            part: self.part,
            pipeline: Pipeline::new(&text_rules(tx)?),
        })
    }

    /// The cells, one a column. Where there are too many, a delimiter most probably stands in the text without quotes.
    fn guess(&self) -> Vec<String> {
        let delimiter = match self.dialect.format {
            Format::Delimited => self.dialect.delimiter.clone(),
            // The cells of other formats are kept with tabs between.
            Format::Workbook | Format::Parquet => "\t".to_owned(),
            Format::Lines | Format::Json | Format::JsonLines | Format::Folder => String::new(),
        };
        let mut cells = match delimiter.as_bytes() {
            [delimiter] => cells_of_line(&self.raw, Marks::new(*delimiter, self.dialect.quoting)),
            _ => vec![self.raw.clone()],
        };
        let text = self
            .columns
            .iter()
            .position(|column| column.role == ColumnRole::Text)
            .unwrap_or_default();
        let surplus = cells.len().saturating_sub(self.columns.len());
        if surplus > 0 {
            let joined = cells
                .splice(text..=text + surplus, [])
                .collect::<Vec<_>>()
                .join(&delimiter);
            cells.insert(text, joined);
        } else if cells.len() == 1 {
            // What cannot be divided is the text rather than the first column.
            cells.splice(0..0, std::iter::repeat_n(String::new(), text));
        }
        cells.resize(self.columns.len(), String::new());
        cells
    }
}

/// Remembers what is needed to read a row of a file again.
pub(super) fn note_options(
    tx: &Transaction<'_>,
    source: i64,
    separator: Option<&str>,
    part: Option<Part>,
) -> Result<()> {
    tx.execute(
        "UPDATE source SET label_separator = ?2, part = ?3 WHERE id = ?1",
        params![source, separator, part],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{import, project};
    use crate::types::{ProblemKind, RowFilter};

    fn with_problems(csv: &str, roles: &[ColumnRole]) -> (tempfile::TempDir, Project) {
        let (place, mut project) = project();
        import(&mut project, csv, roles);
        (place, project)
    }

    #[test]
    fn a_row_that_was_put_aside_is_mended_and_counts_as_a_row_of_its_file() {
        let csv = "id,text,label\n1,fine,x\n2,one, two, three,y\n3\n";
        let roles = [ColumnRole::Id, ColumnRole::Text, ColumnRole::Label];
        let (_place, mut project) = with_problems(csv, &roles);
        let (total, problems) = project.problems_page(0, 9).unwrap();
        assert_eq!(total, 2);
        let first = problems[0].id.unwrap();
        let form = project.mend_form(first).unwrap();
        assert_eq!(
            (form.columns, form.cut),
            (
                vec!["id".to_owned(), "text".to_owned(), "label".to_owned()],
                false
            )
        );
        assert_eq!(
            form.cells,
            ["2", "one, two, three", "y"],
            "the comma stood in the text"
        );
        assert_eq!(
            project.mend_form(problems[1].id.unwrap()).unwrap().cells,
            ["", "3", ""]
        );
        let example = project.mend_row(first, &form.cells).unwrap();
        let detail = project.example(example).unwrap();
        assert_eq!(
            (detail.text.as_str(), detail.row, detail.labels),
            ("one, two, three", 3, Some(vec![2]))
        );
        assert_eq!(project.problems_page(0, 9).unwrap().0, 1);
        let summary = project.summary().unwrap();
        assert_eq!(
            (summary.rows, summary.problem_rows, summary.sources[0].rows),
            (2, 1, 2)
        );
        assert!(matches!(
            project.mend_row(first, &form.cells),
            Err(DataError::UnknownProblem { .. })
        ));
        assert!(project.verify_audit().unwrap().broken.is_none());
    }

    #[test]
    fn cells_that_cannot_be_taken_either_are_told_and_change_nothing() {
        let csv = "text,part,label\na,train,x\nb,holdout,y\n";
        let roles = [ColumnRole::Text, ColumnRole::Split, ColumnRole::Label];
        let (_place, mut project) = with_problems(csv, &roles);
        let problem = project.problems_page(0, 9).unwrap().1[0].id.unwrap();
        let cells = |part: &str| ["b", part, "y"].map(str::to_owned).to_vec();
        let refused = project.mend_row(problem, &cells("other"));
        assert!(matches!(
            refused,
            Err(DataError::StillAProblem {
                kind: ProblemKind::UnknownPart { .. }
            })
        ));
        assert_eq!(project.rows_page(&RowFilter::default(), 0, 9).unwrap().total, 1);
        project.mend_row(problem, &cells("test")).unwrap();
        assert_eq!(
            project.rows_page(&RowFilter::default(), 0, 9).unwrap().text,
            ["a", "b"]
        );
    }
}
