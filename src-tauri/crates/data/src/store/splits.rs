//! The project's splits: versions of which row is in which part, and the rows of a part.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;

use super::audit::append;
use super::label_sets::Sets;
use super::labels::labels_in_use;
use super::near;
use super::project::{Project, read_setting};
use super::sql::{from_json, now, number, to_json};
use crate::date::{Day, Order};
use crate::error::{DataError, Result};
use crate::split::{Plan, SplitNote, SplitRow, SplitWay, Wanted, divide};
use crate::types::{LabelledText, Leaks, Part, PartCount, SplitSummary, TestLock};

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
        let reopened = match &newest {
            Some(split) if !is_next_fold(split, &wanted) => match lock(&tx, split)? {
                Some(TestLock { open: false, runs }) => return Err(DataError::TestLocked { runs }),
                Some(_) => true,
                None => false,
            },
            _ => false,
        };
        let rows = SplitRows::read(&tx)?;
        let draw = newest
            .filter(|split| is_next_fold(split, &wanted))
            .map(|split| split.draw);
        let mut plan = divide(&rows.rows, &rows.names, wanted)?;
        if reopened {
            tx.execute(
                "INSERT INTO setting VALUES (?1, '1') ON CONFLICT (key) DO UPDATE SET value = value + 1",
                [REOPENED],
            )?;
        }
        // It concerns every later split, because what was seen is not forgotten.
        let times: u32 = read_setting(&tx, REOPENED)?
            .and_then(|times| times.parse().ok())
            .unwrap_or_default();
        plan.notes
            .extend((times > 0).then_some(SplitNote::TestReopened { times }));
        store(
            &tx,
            &rows,
            &plan,
            &Made {
                wanted,
                from_file: false,
                draw,
            },
        )?;
        tx.commit()?;
        self.split_summary()?.ok_or(DataError::NoSplit)
    }

    /// Lets the labelled rows that are in no part yet be learned from, and leaves every other row where it is: more can be
    /// learned without drawing a new test. Rows whose text, group or wording stands in the validation or the test part stay
    /// out.
    ///
    /// # Errors
    /// `NoSplit`, and those of the database.
    pub fn add_to_training(&mut self) -> Result<SplitSummary> {
        self.find_near_duplicates(&mut |_| true)?;
        let tx = self.write()?;
        let split = newest(&tx)?.ok_or(DataError::NoSplit)?;
        let rows = SplitRows::read(&tx)?;
        let mut judged = Keys::default();
        for (row, part) in rows.rows.iter().zip(&rows.parts) {
            if matches!(part, Some(Part::Validation | Part::Test)) {
                judged.add(row);
            }
        }
        let is_new = |index: usize| rows.parts[index].is_none();
        let learned: Vec<bool> = (0..rows.rows.len())
            .map(|index| !is_new(index) || !judged.has(&rows.rows[index]))
            .collect();
        let added = (0..rows.rows.len())
            .filter(|index| is_new(*index) && learned[*index])
            .count() as u32;
        let left_out = learned.iter().filter(|learned| !**learned).count() as u32;
        let placed = |index: &usize| learned[*index];
        let plan = Plan {
            parts: (0..rows.rows.len())
                .filter(placed)
                .map(|index| rows.parts[index].unwrap_or(Part::Train))
                .collect(),
            notes: split
                .notes
                .into_iter()
                .filter(|note| {
                    !matches!(
                        note,
                        SplitNote::Unlabelled { .. } | SplitNote::AddedToTraining { .. }
                    )
                })
                .chain([SplitNote::AddedToTraining {
                    rows: added,
                    left_out,
                }])
                .collect(),
        };
        let kept = SplitRows {
            names: rows.names.clone(),
            parts: Vec::new(),
            rows: (0..rows.rows.len())
                .filter(placed)
                .map(|index| rows.rows[index].clone())
                .collect(),
        };
        let wanted = Wanted {
            percent: split.percent,
            seed: split.seed,
            way: split.way,
        };
        store(
            &tx,
            &kept,
            &plan,
            &Made {
                wanted,
                from_file: split.from_file,
                draw: Some(split.draw),
            },
        )?;
        tx.commit()?;
        self.split_summary()?.ok_or(DataError::NoSplit)
    }

    /// Allows to divide the rows anew although a model was judged on the test part; written into the audit log, and told in
    /// the reports of the splits that follow.
    ///
    /// # Errors
    /// `NoSplit`, and those of the database.
    pub fn open_test(&mut self) -> Result<SplitSummary> {
        let tx = self.write()?;
        let split = newest(&tx)?.ok_or(DataError::NoSplit)?;
        if let Some(TestLock { runs, open: false }) = lock(&tx, &split)? {
            tx.execute(
                "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                params![OPENED, split.draw.to_string()],
            )?;
            append(
                &tx,
                "test_opened",
                &json!({ "split": split.version, "runs": runs }),
            )?;
        }
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

/// What must not stand on both sides of a test.
#[derive(Default)]
struct Keys {
    contents: HashSet<u128>,
    groups: HashSet<u32>,
    near: HashSet<u32>,
}

impl Keys {
    fn add(&mut self, row: &SplitRow) {
        self.contents.insert(row.content);
        self.groups.extend(row.group);
        self.near.extend(row.near);
    }

    fn has(&self, row: &SplitRow) -> bool {
        self.contents.contains(&row.content)
            || row.group.is_some_and(|group| self.groups.contains(&group))
            || row.near.is_some_and(|near| self.near.contains(&near))
    }
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
    let sql = "SELECT version, seed, grouped, from_file, percent, notes, way, coalesce(draw, version)
         FROM split ORDER BY version DESC LIMIT 1";
    let found = db.query_row(sql, [], |row| {
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

/// Whether another fold of the draw that is there is wanted: every row is tested once, none is chosen.
fn is_next_fold(split: &Stored, wanted: &Wanted) -> bool {
    match (split.way, wanted.way) {
        (SplitWay::Fold { of, .. }, SplitWay::Fold { of: wanted_of, .. }) => {
            of == wanted_of && split.seed == wanted.seed
        }
        _ => false,
    }
}

/// The setting that says which split's test part was opened, and the one that counts how often that led to a new split.
const OPENED: &str = "test_opened";
const REOPENED: &str = "test_reopened";

/// Whether models were judged on the test part of a split, or of another fold of the same draw.
fn lock(db: &Connection, split: &Stored) -> Result<Option<TestLock>> {
    let judged = "SELECT count(*) FROM run JOIN split ON split.version = run.split_version
         WHERE coalesce(split.draw, split.version) = ?1 AND status = 'finished'
         AND json_extract(summary, '$.test') IS NOT NULL";
    let runs = number(db, judged, [split.draw])?;
    let open = read_setting(db, OPENED)?.is_some_and(|opened| opened == split.draw.to_string());
    Ok((runs > 0).then_some(TestLock { runs, open }))
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
            });
        }
        Ok(SplitRows {
            rows,
            parts,
            names: labels.into_iter().map(|(_, name)| name).collect(),
        })
    }
}

/// How each file writes its days: one decision for all its rows, labelled or not.
fn date_orders(db: &Connection) -> Result<HashMap<u32, Order>> {
    let mut orders: HashMap<u32, Order> = HashMap::new();
    let mut query = db.prepare_cached("SELECT source, date FROM example WHERE date IS NOT NULL")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let cell = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        orders.entry(row.get(0)?).or_default().see(cell);
    }
    Ok(orders)
}

fn day_of_row(orders: &HashMap<u32, Order>, source: u32, cell: Option<String>) -> Option<Day> {
    orders.get(&source)?.day(&cell?)
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
    let detail = json!({
        "version": version, "seed": made.wanted.seed, "percent": made.wanted.percent, "way": made.wanted.way,
        "from_file": made.from_file,
        "rows": Part::ALL.map(|part| plan.parts.iter().filter(|other| **other == part).count()),
    });
    append(tx, "split", &detail)
}

/// What the test part shares with what is learnt from.
fn leaks(db: &Connection) -> Result<Leaks> {
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
    })
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
mod tests {
    use super::*;
    use crate::split::SplitError;
    use crate::store::testing::{import, options, project, project_with};
    use crate::types::ColumnRole;

    fn rows(labels: &[&str], each: usize) -> String {
        let row = |i: usize, label: &str| format!("text {label} {i},{label}\n");
        let rows = labels
            .iter()
            .flat_map(|label| (0..each).map(move |i| row(i, label)));
        format!("text,label\n{}", rows.collect::<String>())
    }

    fn sizes(summary: &SplitSummary) -> Vec<u32> {
        summary.parts.iter().map(|part| part.rows).collect()
    }

    #[test]
    fn a_split_gives_every_part_its_texts() {
        let (_place, mut project) = project_with(&(rows(&["a", "b"], 20) + "no label,\n"));
        assert!(matches!(project.labelled(Part::Train), Err(DataError::NoSplit)));
        assert_eq!(project.split_summary().unwrap(), None);
        let summary = project
            .make_split(crate::split::Wanted::random([70, 15, 15], 7))
            .unwrap();
        assert_eq!(
            (sizes(&summary), summary.unlabelled, summary.version),
            (vec![28, 6, 6], 1, 1)
        );
        assert_eq!(summary.parts[2].per_label, [3, 3]);
        assert_eq!(summary.notes, [SplitNote::Unlabelled { rows: 1 }]);
        let test = project.labelled(Part::Test).unwrap();
        assert_eq!(test.len(), 6);
        assert!(
            test.iter()
                .all(|row| row.text.contains(["a", "b"][row.labels[0]]))
        );
        assert_eq!(
            project
                .make_split(crate::split::Wanted::random([70, 15, 15], 7))
                .unwrap()
                .version,
            2
        );
        assert_eq!(
            project.labelled(Part::Test).unwrap(),
            test,
            "same seed, same split"
        );
    }

    #[test]
    fn an_official_test_file_stays_the_test_part() {
        let (_place, mut project) = project_with(&rows(&["a", "b"], 17));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "text,label\nt1,a\nt2,b\nt3,b\n").unwrap();
        let roles = options(&[ColumnRole::Text, ColumnRole::Label]);
        project
            .import_part(file.path(), &roles, Part::Test, &mut |_, _| true)
            .unwrap();
        assert_eq!(
            sizes(
                &project
                    .make_split(crate::split::Wanted::random([70, 15, 15], 0))
                    .unwrap()
            ),
            [28, 6, 3]
        );
        let test: Vec<String> = project
            .labelled(Part::Test)
            .unwrap()
            .into_iter()
            .map(|row| row.text)
            .collect();
        assert_eq!(test, ["t1", "t2", "t3"]);
    }

    #[test]
    fn rows_hidden_or_unlabelled_after_the_split_are_in_no_part() {
        let (_place, mut project) = project_with(&(rows(&["a", "b"], 10) + " ,a\n"));
        project
            .make_split(crate::split::Wanted::random([100, 0, 0], 0))
            .unwrap();
        assert_eq!(project.labelled(Part::Train).unwrap().len(), 21);
        project
            .clean(
                &[crate::types::CleaningRule::Rows(crate::types::RowRule::DropEmpty)],
                &mut |_| true,
            )
            .unwrap();
        project.annotate(1, None, "person").unwrap();
        assert_eq!(project.labelled(Part::Train).unwrap().len(), 19);
        assert_eq!(sizes(&project.split_summary().unwrap().unwrap()), [19, 0, 0]);
    }

    #[test]
    fn groups_do_not_straddle_in_a_project_either() {
        let (_place, mut project) = project();
        let csv: String = (0..40)
            .map(|i| format!("text {i},{},patient {}\n", ["a", "b"][i % 2], i / 4))
            .collect();
        let roles = [ColumnRole::Text, ColumnRole::Label, ColumnRole::Group];
        import(&mut project, &format!("text,label,patient\n{csv}"), &roles);
        let summary = project
            .make_split(crate::split::Wanted::random([60, 20, 20], 3))
            .unwrap();
        assert!(summary.grouped);
        assert_eq!(sizes(&summary), [24, 8, 8]);
        let mut part_of = HashMap::new();
        for part in Part::ALL {
            for row in project.labelled(part).unwrap() {
                assert_eq!(*part_of.entry((row.example - 1) / 4).or_insert(part), part);
            }
        }
    }

    #[test]
    fn what_the_test_part_gives_away_is_counted_for_a_files_own_split_too() {
        let (_place, mut project) = project();
        let clause = "the tenant shall return the keys on the last day of the lease and leave the flat swept and empty";
        let csv = format!(
            "text,label,part,case\n{clause},x,train,1\n{},y,test,2\nsame,x,validation,3\nsame,x,test,4\nb,y,train,2\nc,x,dev,5\nd,y,dev,6\n",
            clause.replace("empty", "clean"),
        );
        let roles = [
            ColumnRole::Text,
            ColumnRole::Label,
            ColumnRole::Split,
            ColumnRole::Group,
        ];
        import(&mut project, &csv, &roles);
        let leaks = |project: &Project| project.split_summary().unwrap().unwrap().leaks.unwrap();
        assert_eq!(
            leaks(&project),
            Leaks {
                exact: 1,
                near: None,
                group: 1,
                date: None
            }
        );
        project.find_near_duplicates(&mut |_| true).unwrap();
        assert_eq!(leaks(&project).near, Some(1));
    }

    #[test]
    fn a_split_keeps_near_duplicates_out_of_the_test_part_and_says_so() {
        let clauses: String = (0..30)
            .map(|i| format!("clause {i} says that the tenant of flat {i} pays rent number {i} on the first day of month {i},{}\n", ["x", "y"][i % 2]))
            .collect();
        let twins = "the landlord keeps the roof and the walls of the house in good order at all times and at his own cost";
        let csv = format!(
            "text,label\n{clauses}{twins},x\n{},x\n",
            twins.replace("roof", "cellar")
        );
        let (_place, mut project) = project_with(&csv);
        let split = project
            .make_split(crate::split::Wanted::random([60, 20, 20], 1))
            .unwrap();
        assert_eq!(
            split.leaks,
            Some(Leaks {
                exact: 0,
                near: Some(0),
                group: 0,
                date: None
            })
        );
        assert!(
            split
                .notes
                .contains(&SplitNote::NearDuplicatesKeptTogether { rows: 2 })
        );
    }

    #[test]
    fn a_project_that_cannot_be_divided_says_why() {
        let refused = |csv: &str| match project_with(csv)
            .1
            .make_split(crate::split::Wanted::random([70, 15, 15], 0))
        {
            Err(DataError::Split(error)) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused("text,label\na,\n"), SplitError::NoLabels);
        assert_eq!(
            refused("text,label\na,x\nb,x\n"),
            SplitError::OneClass {
                label: "x".to_owned()
            }
        );
    }

    fn run() -> crate::RunRecord {
        crate::RunRecord {
            id: "r1".to_owned(),
            status: crate::types::RunStatus::Running,
            model: "m".to_owned(),
            created_at: String::new(),
            settings: serde_json::json!({}),
            split_version: Some(1),
            summary: None,
            reason: None,
        }
    }

    #[test]
    fn a_test_part_that_a_model_was_judged_on_is_not_drawn_again_without_a_word() {
        let (_place, mut project) = project_with(&rows(&["a", "b"], 20));
        let wanted = Wanted::random([70, 15, 15], 1);
        project.make_split(wanted).unwrap();
        let mut run = run();
        project.insert_run(&run).unwrap();
        assert_eq!(project.split_summary().unwrap().unwrap().lock, None);
        run.status = crate::types::RunStatus::Finished;
        run.summary = Some(serde_json::json!({ "test": null }));
        project.update_run(&run).unwrap();
        assert_eq!(
            project.split_summary().unwrap().unwrap().lock,
            None,
            "not judged on the test part"
        );
        run.summary = Some(serde_json::json!({ "test": { "accuracy": 0.9 } }));
        project.update_run(&run).unwrap();
        assert_eq!(
            project.split_summary().unwrap().unwrap().lock,
            Some(TestLock { runs: 1, open: false })
        );
        assert!(matches!(
            project.make_split(wanted),
            Err(DataError::TestLocked { runs: 1 })
        ));
        assert_eq!(
            project.open_test().unwrap().lock,
            Some(TestLock { runs: 1, open: true })
        );
        let split = project.make_split(wanted).unwrap();
        assert_eq!((split.version, split.lock), (2, None));
        assert!(split.notes.contains(&SplitNote::TestReopened { times: 1 }));
        assert!(
            project
                .make_split(wanted)
                .unwrap()
                .notes
                .contains(&SplitNote::TestReopened { times: 1 })
        );
        assert!(project.verify_audit().unwrap().broken.is_none());
    }

    #[test]
    fn the_next_fold_is_no_new_draw() {
        let (_place, mut project) = project_with(&rows(&["a", "b"], 20));
        let fold = |number, seed| Wanted {
            way: SplitWay::Fold { number, of: 4 },
            ..Wanted::random([70, 15, 15], seed)
        };
        project.make_split(fold(1, 0)).unwrap();
        let mut run = run();
        project.insert_run(&run).unwrap();
        run.status = crate::types::RunStatus::Finished;
        run.summary = Some(serde_json::json!({ "test": {} }));
        project.update_run(&run).unwrap();
        assert!(matches!(
            project.make_split(fold(2, 9)),
            Err(DataError::TestLocked { .. })
        ));
        assert_eq!(
            project.make_split(fold(2, 0)).unwrap().way,
            Some(SplitWay::Fold { number: 2, of: 4 })
        );
    }

    #[test]
    fn by_date_the_test_part_lies_in_the_future() {
        let (_place, mut project) = project();
        let csv: String = (1..=28)
            .map(|day| format!("text {day},{},{day}/3/2024\n", ["a", "b"][day % 2]))
            .collect();
        import(
            &mut project,
            &format!("text,label,day\n{csv}"),
            &[ColumnRole::Text, ColumnRole::Label, ColumnRole::Date],
        );
        let way = |way| Wanted {
            way,
            ..Wanted::random([70, 15, 15], 0)
        };
        let split = project.make_split(way(SplitWay::ByDate)).unwrap();
        assert_eq!((split.dated, split.leaks.unwrap().date), (Some(true), Some(0)));
        assert_eq!(
            split.notes[0],
            SplitNote::FromDates {
                validation: Some("2024-03-21".to_owned()),
                test: Some("2024-03-25".to_owned())
            }
        );
        let split = project.make_split(way(SplitWay::Random)).unwrap();
        assert!(split.leaks.unwrap().date > Some(0));
    }

    #[test]
    fn another_fold_does_not_open_the_lock_and_a_files_parts_do_not_either() {
        let (_place, mut project) = project_with(&rows(&["a", "b"], 20));
        let fold = |number| Wanted {
            way: SplitWay::Fold { number, of: 4 },
            ..Wanted::random([70, 15, 15], 0)
        };
        project.make_split(fold(1)).unwrap();
        let mut run = run();
        project.insert_run(&run).unwrap();
        run.status = crate::types::RunStatus::Finished;
        run.summary = Some(serde_json::json!({ "test": {} }));
        project.update_run(&run).unwrap();
        project.make_split(fold(2)).unwrap();
        let anew = project.make_split(Wanted::random([70, 15, 15], 0));
        assert!(matches!(anew, Err(DataError::TestLocked { runs: 1 })), "{anew:?}");
        let before = project.labelled(Part::Test).unwrap();
        let roles = [ColumnRole::Text, ColumnRole::Label, ColumnRole::Split];
        import(&mut project, "text,label,part\nc,a,train\nd,b,test\n", &roles);
        assert_eq!(project.labelled(Part::Test).unwrap(), before);
    }

    #[test]
    fn new_labels_are_learned_from_without_a_new_draw() {
        let (_place, mut project) = project_with(&(rows(&["a", "b"], 20) + "new one,\nnew two,\n"));
        project.make_split(Wanted::random([70, 15, 15], 0)).unwrap();
        let before = project.labelled(Part::Test).unwrap();
        let twin = before[0].text.clone();
        import(
            &mut project,
            &format!("text,label\n{twin},a\n"),
            &[ColumnRole::Text, ColumnRole::Label],
        );
        project.annotate(41, Some(&[1]), "person").unwrap();
        assert_eq!(project.split_summary().unwrap().unwrap().unplaced, Some(2));
        let split = project.add_to_training().unwrap();
        assert!(
            split
                .notes
                .contains(&SplitNote::AddedToTraining { rows: 1, left_out: 1 }),
            "{:?}",
            split.notes
        );
        assert_eq!((sizes(&split), split.unplaced), (vec![29, 6, 6], Some(1)));
        assert_eq!(project.labelled(Part::Test).unwrap(), before);
        assert_eq!(split.leaks.unwrap().exact, 0);
    }
}
