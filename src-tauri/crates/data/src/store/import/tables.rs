//! The statements that store rows, many rows each: what a statement costs by itself is more than what a row does.

use rusqlite::{Statement, Transaction, params};

use super::super::texts::start;
use super::meaning::Row;
use crate::error::Result;

/// Rows that one statement stores.
const AT_ONCE: usize = 64;

/// A row that has its id.
pub(super) struct Placed<'r> {
    pub(super) id: i64,
    pub(super) row: &'r Row,
    pub(super) label_set: Option<u32>,
}

/// Statements, prepared once.
pub(super) struct Tables<'a> {
    many: Statements<'a>,
    one: Statements<'a>,
    changed: Statement<'a>,
}

struct Statements<'a> {
    example: Statement<'a>,
    content: Statement<'a>,
    state: Statement<'a>,
}

impl<'a> Tables<'a> {
    pub(super) fn prepare(tx: &'a Transaction<'_>) -> Result<Self> {
        Ok(Tables {
            many: Statements::prepare(tx, AT_ONCE)?,
            one: Statements::prepare(tx, 1)?,
            changed: tx.prepare("INSERT INTO changed_text (example, head, text) VALUES (?1, ?2, ?3)")?,
        })
    }

    /// Stores rows of the file `source`, in their order.
    pub(super) fn store(&mut self, source: i64, rows: &[Placed<'_>]) -> Result<()> {
        for rows in rows.chunks(AT_ONCE) {
            if rows.len() == AT_ONCE {
                self.many.store(source, rows)?;
            } else {
                for row in rows {
                    self.one.store(source, std::slice::from_ref(row))?;
                }
            }
            for Placed { id, row, .. } in rows {
                if let Some(changed) = &row.changed {
                    self.changed
                        .execute(params![id, start(&changed.text), changed.text])?;
                }
            }
        }
        Ok(())
    }
}

impl<'a> Statements<'a> {
    /// Statements for so many rows.
    fn prepare(tx: &'a Transaction<'_>, rows: usize) -> Result<Self> {
        let into = |table: &str, columns: &str| {
            let row = format!("({})", vec!["?"; columns.split(',').count()].join(", "));
            tx.prepare(&format!(
                "INSERT INTO {table} ({columns}) VALUES {}",
                vec![row; rows].join(", ")
            ))
        };
        Ok(Statements {
            example: into(
                "example",
                "id, source, row, length, text_hash, group_key, file_part, date",
            )?,
            content: into("content", "example, head, columns, text")?,
            state: into("state", "example, label_set, length, text_hash")?,
        })
    }

    /// Stores as many rows as the statements were prepared for.
    fn store(&mut self, source: i64, rows: &[Placed<'_>]) -> Result<()> {
        let (mut example, mut content, mut state) = (1, 1, 1);
        for Placed { id, row, label_set } in rows {
            let raw = &row.raw;
            bind(
                &mut self.example,
                &mut example,
                params![
                    id, source, row.number, raw.length, raw.hash, row.group, row.part, row.date
                ],
            )?;
            bind(
                &mut self.content,
                &mut content,
                params![id, start(&raw.text), row.others, raw.text],
            )?;
            let present = row.changed.as_ref().unwrap_or(raw);
            bind(
                &mut self.state,
                &mut state,
                params![id, label_set, present.length, present.hash],
            )?;
        }
        for statement in [&mut self.example, &mut self.content, &mut self.state] {
            statement.raw_execute()?;
        }
        Ok(())
    }
}

/// Binds the next parameters.
fn bind(statement: &mut Statement<'_>, next: &mut usize, values: &[&dyn rusqlite::ToSql]) -> Result<()> {
    for value in values {
        statement.raw_bind_parameter(*next, value)?;
        *next += 1;
    }
    Ok(())
}
