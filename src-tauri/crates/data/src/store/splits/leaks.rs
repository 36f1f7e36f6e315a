//! What the test part of a split gives away, and how files write their days.

use std::collections::HashMap;

use rusqlite::Connection;

use super::super::near;
use super::super::sql::number;
use crate::date::{Day, Order};
use crate::error::Result;
use crate::types::{Leaks, Part};

/// What the test part shares with what is learnt from.
pub(super) fn leaks(db: &Connection) -> Result<Leaks> {
    let shared = |column: &str| {
        let of = |parts: &str| {
            format!(
                "SELECT {column} AS key FROM state s JOIN example e ON e.id = s.example
                 LEFT JOIN near_cluster n ON n.example = e.id
                 WHERE s.hidden_by IS NULL AND s.label_set IS NOT NULL AND s.part {parts} AND key IS NOT NULL"
            )
        };
        let (learnt, tested) = (of("IN (0, 1)"), of("= 2"));
        number(
            db,
            &format!("SELECT count(*) FROM ({learnt}) WHERE key IN ({tested})"),
            [],
        )
    };
    Ok(Leaks {
        exact: shared("s.text_hash")?,
        near: match near::is_known(db)? {
            true => Some(shared("n.cluster")?),
            false => None,
        },
        group: shared("e.group_key")?,
        date: later_than_tested(db)?,
        validation: shared_with_validation(db)?,
    })
}

/// Rows to learn from that share their text or their group with the validation part.
fn shared_with_validation(db: &Connection) -> Result<u32> {
    let of = |column: &str, part: u8| {
        format!(
            "SELECT {column} FROM state s JOIN example e ON e.id = s.example
             WHERE s.hidden_by IS NULL AND s.label_set IS NOT NULL AND s.part = {part} AND {column} IS NOT NULL"
        )
    };
    number(
        db,
        &format!(
            "SELECT count(*) FROM state s JOIN example e ON e.id = s.example
             WHERE s.hidden_by IS NULL AND s.label_set IS NOT NULL AND s.part = 0
             AND (s.text_hash IN ({}) OR e.group_key IN ({}))",
            of("s.text_hash", 1),
            of("e.group_key", 1)
        ),
        [],
    )
}

/// Rows to learn from whose day is later than the first one of the test part; `None` where the test part has no days.
fn later_than_tested(db: &Connection) -> Result<Option<u32>> {
    let mut query = db.prepare_cached(
        "SELECT e.source, e.date, s.part FROM state s JOIN example e ON e.id = s.example
         WHERE s.hidden_by IS NULL AND s.label_set IS NOT NULL AND s.part IS NOT NULL AND e.date IS NOT NULL",
    )?;
    let mut found = query.query([])?;
    let orders = date_orders(db)?;
    let mut days: Vec<Option<Day>> = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    while let Some(row) = found.next()? {
        days.push(day_of_row(&orders, row.get(0)?, row.get(1)?));
        parts.push(row.get(2)?);
    }
    let of = |tested: bool| {
        days.iter()
            .zip(&parts)
            .filter(move |(_, part)| (**part == Part::Test) == tested)
            .filter_map(|(day, _)| *day)
    };
    Ok(of(true)
        .min()
        .map(|first| of(false).filter(|day| *day > first).count() as u32))
}

/// How each file writes its days: one decision for all its rows, labelled or not.
pub(super) fn date_orders(db: &Connection) -> Result<HashMap<u32, Order>> {
    let mut orders: HashMap<u32, Order> = HashMap::new();
    let mut query = db.prepare_cached("SELECT source, date FROM example WHERE date IS NOT NULL")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let cell = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        orders.entry(row.get(0)?).or_default().see(cell);
    }
    Ok(orders)
}

pub(super) fn day_of_row(orders: &HashMap<u32, Order>, source: u32, cell: Option<String>) -> Option<Day> {
    orders.get(&source)?.day(&cell?)
}
