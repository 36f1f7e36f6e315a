//! The project's splits: versions of which row is in which part, and the rows of a part.

mod folds;
mod leaks;
mod lock;
mod more;

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;

use super::audit::append;
use super::label_sets::Sets;
use super::labels::labels_in_use;
use super::part_rows;
use super::project::Project;
use super::sql::{from_json, now, number, to_json};
use crate::error::{DataError, Result};
use crate::split::{FoldPlace, Plan, SplitNote, SplitRow, SplitWay, Wanted, divide};
use crate::types::{LabelledText, Part, PartCount, SplitSummary, TestLock};
use leaks::{date_orders, day_of_row, leaks};
use lock::{count_reopening, is_next_fold, judged_runs, lock, reopened, test_changed};

/// For rows that a file's own split leaves open.
const USUAL_PERCENT: [u32; 3] = [70, 15, 15];

impl Project {
    /// Divides the labelled, visible rows anew. Parts that files brought along stay as they are. Near-duplicates are
    /// looked for first, and stay together.
    ///
    /// A test part that a model was judged on is locked: whoever divides again after having seen the result chooses a
    /// test by its outcome. [`Project::open_test`] allows it, in writing. The next fold of the same draw is no new draw.
    ///
    /// # Errors
    /// `Split`, `TestLocked`, and those of the database.
    pub fn make_split(&mut self, wanted: Wanted) -> Result<SplitSummary> {
        self.find_near_duplicates(&mut |_| true)?;
        let tx = self.write()?;
        let newest = newest(&tx)?;
        let anew = match &newest {
            Some(split) if !is_next_fold(split, &wanted) => match lock(&tx, split)? {
                Some(TestLock { open: false, runs }) => return Err(DataError::TestLocked { runs }),
                Some(_) => true,
                None => false,
            },
            _ => false,
        };
        let draw = newest
            .filter(|split| is_next_fold(split, &wanted))
            .map(|split| split.draw);
        if anew {
            count_reopening(&tx)?;
        }
        draw_rows(&tx, wanted, draw)?;
        tx.commit()?;
        self.split_summary()?.ok_or(DataError::NoSplit)
    }

    /// The newest split with its counts as of now; `None` before the first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn split_summary(&self) -> Result<Option<SplitSummary>> {
        let tx = self.read()?;
        let mut summary = summary(&tx)?;
        if let Some(summary) = &mut summary {
            summary.leaks = Some(leaks(&tx)?);
            summary.notes.extend(test_changed(&tx)?);
        }
        Ok(summary)
    }

    /// The same without its leaks, which take seconds to find among a million rows.
    ///
    /// # Errors
    /// Those of the database.
    pub fn split_at_a_glance(&self) -> Result<Option<SplitSummary>> {
        let tx = self.read()?;
        summary(&tx)
    }

    /// The labelled, visible rows of a part, in the order of their ids. `labels` are indexes into
    /// [`Project::label_names`].
    ///
    /// # Errors
    /// `NoSplit`, and those of the database.
    pub fn labelled(&self, part: Part) -> Result<Vec<LabelledText>> {
        let tx = self.read()?;
        if number(&tx, "SELECT count(*) FROM split", [])? == 0 {
            return Err(DataError::NoSplit);
        }
        let mut indexes = Indexes::new(&labels_in_use(&tx)?);
        let mut query = tx.prepare_cached(
            "SELECT s.example, s.label_set, c.text FROM state s JOIN present_text c ON c.example = s.example
             WHERE s.hidden_by IS NULL AND s.part = ?1 AND s.label_set IS NOT NULL ORDER BY s.example",
        )?;
        let mut found = query.query([part])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(LabelledText {
                example: row.get(0)?,
                labels: indexes.of(&tx, row.get(1)?)?.to_vec(),
                text: row.get(2)?,
            });
        }
        Ok(rows)
    }

    /// The group of each of some rows, numbered from 0 in the order of their appearance; a row without a group is one of
    /// its own. `None` where no row has any.
    ///
    /// # Errors
    /// Those of the database.
    pub fn groups_of(&self, examples: &[u32]) -> Result<Option<Vec<u32>>> {
        let tx = self.read()?;
        let mut query = tx.prepare_cached("SELECT group_key FROM example WHERE id = ?1")?;
        let mut known = HashMap::new();
        let (mut groups, mut next) = (Vec::with_capacity(examples.len()), 0);
        for example in examples {
            let key: Option<String> = query.query_row([example], |row| row.get(0)).optional()?.flatten();
            let found = match key {
                Some(key) => *known.entry(key).or_insert(next),
                None => next,
            };
            next = next.max(found + 1);
            groups.push(found);
        }
        Ok((!known.is_empty()).then_some(groups))
    }
}

/// Divides the rows; with the draw that a fold belongs to, its rows stay where they were tested.
fn draw_rows(tx: &Transaction<'_>, wanted: Wanted, draw: Option<u32>) -> Result<()> {
    let mut rows = SplitRows::read(tx)?;
    // A draw on which nothing was judged gives nothing away: it can be drawn again.
    let draw = match draw {
        Some(draw) if judged_runs(tx, draw)? > 0 => Some(draw),
        _ => None,
    };
    if let Some(draw) = draw {
        folds::place(tx, draw, &mut rows.rows)?;
    }
    let mut plan = divide(&rows.rows, &rows.names, wanted)?;
    plan.notes.extend(reopened(tx)?);
    let made = Made {
        wanted,
        from_file: false,
        draw,
    };
    store(tx, &rows, &plan, &made)
}

/// The newest split with its counts as of now.
fn summary(db: &Connection) -> Result<Option<SplitSummary>> {
    let Some(split) = newest(db)? else {
        return Ok(None);
    };
    let labels = labels_in_use(db)?;
    Ok(Some(SplitSummary {
        version: split.version,
        seed: split.seed,
        percent: split.percent.into(),
        parts: count_parts(db, &labels)?,
        labels: labels.into_iter().map(|(_, name)| name).collect(),
        grouped: split.grouped,
        from_file: split.from_file,
        unlabelled: unlabelled(db)?,
        notes: split.notes.clone(),
        leaks: None,
        way: Some(split.way),
        dated: Some(
            number(
                db,
                "SELECT EXISTS (SELECT 1 FROM example WHERE date IS NOT NULL)",
                [],
            )? == 1,
        ),
        unplaced: Some(number(
            db,
            "SELECT count(*) FROM state WHERE hidden_by IS NULL AND label_set IS NOT NULL AND part IS NULL",
            [],
        )?),
        lock: lock(db, &split)?,
    }))
}

/// Makes a split from the parts that files brought along. When the rows cannot be divided yet there is none:
/// [`Project::make_split`] says why, once it is asked for.
pub(super) fn ready_made(tx: &Transaction<'_>) -> Result<()> {
    if let Some(split) = newest(tx)?
        && lock(tx, &split)?.is_some()
    {
        // A test part that was judged on stays; the rows of the file can be learned from.
        return Ok(());
    }
    let rows = SplitRows::read(tx)?;
    let usual = Wanted::random(USUAL_PERCENT, 0);
    let Ok(plan) = divide(&rows.rows, &rows.names, usual) else {
        return Ok(());
    };
    store(
        tx,
        &rows,
        &plan,
        &Made {
            wanted: Wanted::random(plan.shares(), 0),
            from_file: true,
            draw: None,
        },
    )
}

struct Made {
    wanted: Wanted,
    from_file: bool,
    /// Of which draw it is; `None` = a new one.
    draw: Option<u32>,
}

/// A split as it is stored.
struct Stored {
    version: u32,
    draw: u32,
    seed: u32,
    percent: [u32; 3],
    way: SplitWay,
    grouped: bool,
    from_file: bool,
    notes: Vec<SplitNote>,
}

fn newest(db: &Connection) -> Result<Option<Stored>> {
    let last: Option<u32> = db.query_row("SELECT max(version) FROM split", [], |row| row.get(0))?;
    last.map_or(Ok(None), |version| stored(db, version))
}

/// A split by its version.
fn stored(db: &Connection, version: u32) -> Result<Option<Stored>> {
    let sql = "SELECT version, seed, grouped, from_file, percent, notes, way, coalesce(draw, version)
         FROM split WHERE version = ?1";
    let found = db.query_row(sql, [version], |row| {
        let texts: [String; 3] = [row.get(4)?, row.get(5)?, row.get(6)?];
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            texts,
            row.get(7)?,
        ))
    });
    let Some((version, seed, grouped, from_file, [percent, notes, way], draw)) = found.optional()? else {
        return Ok(None);
    };
    Ok(Some(Stored {
        version,
        draw,
        seed,
        percent: from_json(&percent)?,
        way: from_json(&way)?,
        grouped,
        from_file,
        notes: from_json(&notes)?,
    }))
}

struct SplitRows {
    rows: Vec<SplitRow>,
    names: Vec<String>,
    /// Where each row is now.
    parts: Vec<Option<Part>>,
}

impl SplitRows {
    /// The labelled, visible rows, in the order of their ids; groups as numbers.
    fn read(db: &Connection) -> Result<SplitRows> {
        let labels = labels_in_use(db)?;
        let mut indexes = Indexes::new(&labels);
        let mut groups: HashMap<String, u32> = HashMap::new();
        let mut query = db.prepare_cached(
            "SELECT e.id, s.label_set, e.group_key, s.text_hash, e.file_part, n.cluster, e.date, e.source, s.part
             FROM state s JOIN example e ON e.id = s.example LEFT JOIN near_cluster n ON n.example = e.id
             WHERE s.hidden_by IS NULL AND s.label_set IS NOT NULL ORDER BY e.id",
        )?;
        let mut found = query.query([])?;
        let mut rows = Vec::new();
        let orders = date_orders(db)?;
        let mut parts = Vec::new();
        while let Some(row) = found.next()? {
            parts.push(row.get(8)?);
            let next = groups.len() as u32;
            let group = row
                .get::<_, Option<String>>(2)?
                .map(|key| *groups.entry(key).or_insert(next));
            rows.push(SplitRow {
                id: row.get(0)?,
                labels: indexes.of(db, row.get(1)?)?,
                group,
                content: u128::from_be_bytes(row.get(3)?),
                file_part: row.get(4)?,
                near: row.get(5)?,
                date: day_of_row(&orders, row.get(7)?, row.get(6)?),
                fold: FoldPlace::default(),
            });
        }
        Ok(SplitRows {
            rows,
            parts,
            names: labels.into_iter().map(|(_, name)| name).collect(),
        })
    }
}

/// Sets of labels as indexes into the classes in use.
struct Indexes {
    index_of: HashMap<u32, usize>,
    sets: Sets,
    known: HashMap<u32, Arc<[usize]>>,
}

impl Indexes {
    fn new(labels: &[(u32, String)]) -> Self {
        let indexes = labels.iter().enumerate();
        Indexes {
            index_of: indexes.map(|(index, (id, _))| (*id, index)).collect(),
            sets: Sets::default(),
            known: HashMap::new(),
        }
    }

    /// Shared, because a million rows carry few different sets.
    fn of(&mut self, db: &Connection, set: u32) -> Result<Arc<[usize]>> {
        if let Some(known) = self.known.get(&set) {
            return Ok(Arc::clone(known));
        }
        let members = self.sets.members(db, set)?;
        let indexes: Arc<[usize]> = members.iter().map(|label| self.index_of[label]).collect();
        self.known.insert(set, Arc::clone(&indexes));
        Ok(indexes)
    }
}

fn store(tx: &Transaction<'_>, rows: &SplitRows, plan: &Plan, made: &Made) -> Result<()> {
    let mut notes = plan.notes.clone();
    notes.extend(SplitNote::unlabelled(unlabelled(tx)?));
    let grouped = rows.rows.iter().any(|row| row.group.is_some());
    tx.execute(
        "INSERT INTO split (seed, percent, grouped, from_file, notes, at, way, draw)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            made.wanted.seed,
            to_json(&made.wanted.percent)?,
            grouped,
            made.from_file,
            to_json(&notes)?,
            now(tx)?,
            to_json(&made.wanted.way)?,
            made.draw
        ],
    )?;
    let version = tx.last_insert_rowid();
    tx.execute("UPDATE state SET part = NULL WHERE part IS NOT NULL", [])?;
    let mut remember =
        tx.prepare_cached("INSERT INTO split_part (split, example, part) VALUES (?1, ?2, ?3)")?;
    let mut set = tx.prepare_cached("UPDATE state SET part = ?2 WHERE example = ?1")?;
    for (row, part) in rows.rows.iter().zip(&plan.parts) {
        remember.execute(params![version, row.id, part])?;
        set.execute(params![row.id, part])?;
    }
    let rows_and_parts = rows.rows.iter().zip(&plan.parts);
    part_rows::keep(tx, version, rows_and_parts.map(|(row, part)| (row.id, *part)))?;
    let detail = json!({
        "version": version, "seed": made.wanted.seed, "percent": made.wanted.percent, "way": made.wanted.way,
        "from_file": made.from_file,
        "rows": Part::ALL.map(|part| plan.parts.iter().filter(|other| **other == part).count()),
    });
    append(tx, "split", &detail)
}

fn unlabelled(db: &Connection) -> Result<u32> {
    number(
        db,
        "SELECT count(*) FROM state WHERE hidden_by IS NULL AND label_set IS NULL",
        [],
    )
}

fn count_parts(db: &Connection, labels: &[(u32, String)]) -> Result<Vec<PartCount>> {
    let mut indexes = Indexes::new(labels);
    let empty = |part| PartCount {
        part,
        rows: 0,
        per_label: vec![0; labels.len()],
    };
    let mut parts = Part::ALL.map(empty);
    let mut query = db.prepare_cached(
        "SELECT part, label_set, count(*) FROM state
         WHERE hidden_by IS NULL AND part IS NOT NULL AND label_set IS NOT NULL GROUP BY part, label_set",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (part, set, count): (Part, u32, u32) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let counted = &mut parts[part.index()];
        counted.rows += count;
        for label in indexes.of(db, set)?.iter() {
            counted.per_label[*label] += count;
        }
    }
    Ok(parts.into())
}

#[cfg(test)]
mod tests;
