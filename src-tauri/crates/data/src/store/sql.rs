//! How our small types stand in the database, and the helpers that every table's file uses.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::types::Part;

impl ToSql for Part {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok((self.index() as i64).into())
    }
}

impl FromSql for Part {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let index = usize::try_from(value.as_i64()?).map_err(|_| FromSqlError::InvalidType)?;
        Part::ALL.get(index).copied().ok_or(FromSqlError::InvalidType)
    }
}

/// The time now: UTC, ISO 8601, milliseconds.
pub(super) fn now(db: &Connection) -> Result<String> {
    let mut query = db.prepare_cached("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")?;
    Ok(query.query_row([], |row| row.get(0))?)
}

/// The one number that a query answers.
pub(super) fn number(db: &Connection, sql: &str, params: impl Params) -> Result<u32> {
    Ok(db.prepare_cached(sql)?.query_row(params, |row| row.get(0))?)
}

/// A value as JSON text. Our types have string keys only, so this does not fail.
pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

/// A value from JSON text; damage is `DataError::Corrupt`.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    Ok(serde_json::from_str(text)?)
}

/// The word under which a unit-variant enum is serialised.
pub(super) fn to_word(value: &impl Serialize) -> Result<String> {
    from_json(&to_json(value)?)
}

/// The enum's variant from its word.
pub(super) fn from_word<T: DeserializeOwned>(word: String) -> Result<T> {
    Ok(serde_json::from_value(serde_json::Value::String(word))?)
}
