//! The project's splits: versions of which row is in which part, and the rows of a part.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::json;

use super::audit::append;
use super::label_sets::Sets;
use super::labels::labels_in_use;
use super::near;
use super::project::Project;
use super::sql::{from_json, now, number, to_json};
use crate::error::{DataError, Result};
use crate::split::{Plan, SplitRow, divide};
use crate::types::{LabelledText, Leaks, Part, PartCount, SplitSummary};

/// For rows that a file's own split leaves open.
const USUAL_PERCENT: [u32; 3] = [70, 15, 15];

impl Project {
    /// Divides the labelled, visible rows anew: train, validation, test by `percent`, reproducible by `seed`.
    /// Parts that files brought along stay as they are. Near-duplicates are looked for first, and stay together.
    ///
    /// # Errors
    /// `Split`, and those of the database.
    pub fn make_split(&mut self, percent: [u32; 3], seed: u32) -> Result<SplitSummary> {
        self.find_near_duplicates(&mut |_| true)?;
        let tx = self.write()?;
        let rows = SplitRows::read(&tx)?;
        let plan = divide(&rows.rows, &rows.names, percent, seed)?;
        store(
            &tx,
            &rows,
            &plan,
            &Made {
                percent,
                seed,
                from_file: false,
            },
        )?;
        tx.commit()?;
        self.split_summary()?.ok_or(DataError::NoSplit)
    }

    /// The newest split with its counts as of now; `None` before the first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn split_summary(&self) -> Result<Option<SplitSummary>> {
        let tx = self.read()?;
        let sql = "SELECT version, seed, percent, grouped, from_file, notes FROM split ORDER BY version DESC LIMIT 1";
        let newest = tx.query_row(sql, [], |row| {
            let texts: [String; 2] = [row.get(2)?, row.get(5)?];
            Ok((row.get(0)?, row.get(1)?, row.get(3)?, row.get(4)?, texts))
        });
        let Some((version, seed, grouped, from_file, [percent, notes])) = newest.optional()? else {
            return Ok(None);
        };
        let labels = labels_in_use(&tx)?;
        Ok(Some(SplitSummary {
            version,
            seed,
            percent: from_json(&percent)?,
            parts: count_parts(&tx, &labels)?,
            labels: labels.into_iter().map(|(_, name)| name).collect(),
            grouped,
            from_file,
            unlabelled: unlabelled(&tx)?,
            notes: from_json(&notes)?,
            leaks: Some(leaks(&tx)?),
        }))
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

/// Makes a split from the parts that files brought along. When the rows cannot be divided yet there is none:
/// [`Project::make_split`] says why, once it is asked for.
pub(super) fn ready_made(tx: &Transaction<'_>) -> Result<()> {
    let rows = SplitRows::read(tx)?;
    let Ok(plan) = divide(&rows.rows, &rows.names, USUAL_PERCENT, 0) else {
        return Ok(());
    };
    store(
        tx,
        &rows,
        &plan,
        &Made {
            percent: plan.shares(),
            seed: 0,
            from_file: true,
        },
    )
}

struct Made {
    percent: [u32; 3],
    seed: u32,
    from_file: bool,
}

struct SplitRows {
    rows: Vec<SplitRow>,
    names: Vec<String>,
}

impl SplitRows {
    /// The labelled, visible rows, in the order of their ids; groups as numbers.
    fn read(db: &Connection) -> Result<SplitRows> {
        let labels = labels_in_use(db)?;
        let mut indexes = Indexes::new(&labels);
        let mut groups: HashMap<String, u32> = HashMap::new();
        let mut query = db.prepare_cached(
            "SELECT e.id, s.label_set, e.group_key, s.text_hash, e.file_part, n.cluster
             FROM state s JOIN example e ON e.id = s.example LEFT JOIN near_cluster n ON n.example = e.id
             WHERE s.hidden_by IS NULL AND s.label_set IS NOT NULL ORDER BY e.id",
        )?;
        let mut found = query.query([])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
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
            });
        }
        Ok(SplitRows {
            rows,
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
    notes.extend(crate::split::SplitNote::unlabelled(unlabelled(tx)?));
    let grouped = rows.rows.iter().any(|row| row.group.is_some());
    tx.execute(
        "INSERT INTO split (seed, percent, grouped, from_file, notes, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            made.seed,
            to_json(&made.percent)?,
            grouped,
            made.from_file,
            to_json(&notes)?,
            now(tx)?
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
        "version": version, "seed": made.seed, "percent": made.percent, "from_file": made.from_file,
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
    })
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
    use crate::split::{SplitError, SplitNote};
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
        let summary = project.make_split([70, 15, 15], 7).unwrap();
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
        assert_eq!(project.make_split([70, 15, 15], 7).unwrap().version, 2);
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
        assert_eq!(sizes(&project.make_split([70, 15, 15], 0).unwrap()), [28, 6, 3]);
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
        project.make_split([100, 0, 0], 0).unwrap();
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
        let summary = project.make_split([60, 20, 20], 3).unwrap();
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
                group: 1
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
        let split = project.make_split([60, 20, 20], 1).unwrap();
        assert_eq!(
            split.leaks,
            Some(Leaks {
                exact: 0,
                near: Some(0),
                group: 0
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
        let refused = |csv: &str| match project_with(csv).1.make_split([70, 15, 15], 0) {
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
}
