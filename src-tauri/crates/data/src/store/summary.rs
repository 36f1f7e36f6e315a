//! The state of a project's rows in one look.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::cleaning::{DUPLICATES, steps};
use super::import::{StoredColumn, StoredDialect};
use super::project::Project;
use super::spellings::CONFLICTS;
use super::sql::{from_json, number};
use super::texts::find_repeated;
use crate::clean::is_personal_column;
use crate::error::Result;
use crate::types::{ColumnRole, DataSummary, LengthBin, PersonalColumn, SourceFile};

/// Bars of the histogram.
const BINS: u32 = 24;

impl Project {
    /// What the columns of the imported files are for, by their names; of files that differ, as the latest has it.
    ///
    /// # Errors
    /// Those of the database.
    pub fn column_roles(&self) -> Result<HashMap<String, ColumnRole>> {
        let mut query = self.db.prepare_cached("SELECT columns FROM source ORDER BY id")?;
        let stored = query.query_map([], |row| row.get::<_, String>(0))?;
        let mut roles = HashMap::new();
        for columns in stored {
            let columns: Vec<StoredColumn> = from_json(&columns?)?;
            roles.extend(columns.into_iter().map(|column| (column.name, column.role)));
        }
        Ok(roles)
    }

    /// Counts, lengths, cleaning steps and sources.
    ///
    /// # Errors
    /// Those of the database.
    pub fn summary(&self) -> Result<DataSummary> {
        let tx = self.read()?;
        find_repeated(&tx)?;
        let lengths = Lengths::read(&tx)?;
        Ok(DataSummary {
            rows: lengths.rows,
            hidden: number(&tx, "SELECT count(*) FROM state WHERE hidden_by IS NOT NULL", [])?,
            problem_rows: number(
                &tx,
                "SELECT count(*) FROM problem_row WHERE mended IS NULL AND superseded_by IS NULL",
                [],
            )?,
            duplicate_rows: number(&tx, &format!("SELECT count(*) FROM ({DUPLICATES})"), [])?,
            conflicting_texts: number(&tx, &format!("SELECT count(*) FROM ({CONFLICTS})"), [])?,
            empty_texts: lengths.empty(),
            length_mean: lengths.mean(),
            length_median: lengths.quantile(50),
            length_p95: lengths.quantile(95),
            length_max: lengths.quantile(100),
            lengths: lengths.bins(),
            cleaning: steps(&tx)?,
            sources: sources(&tx)?,
            personal_columns: personal_columns(&tx)?,
        })
    }

    /// How many visible texts have more characters than this.
    ///
    /// # Errors
    /// Those of the database.
    pub fn rows_longer_than(&self, characters: u32) -> Result<u32> {
        number(
            &self.db,
            "SELECT count(*) FROM state WHERE hidden_by IS NULL AND length > ?1",
            [characters],
        )
    }

    /// Up to `most` visible texts, evenly from all of them; of long ones only the beginning.
    ///
    /// # Errors
    /// Those of the database.
    pub fn text_beginnings(&self, most: u32) -> Result<Vec<String>> {
        let last = number(&self.db, "SELECT coalesce(max(example), 0) FROM state", [])?;
        let step = last.div_ceil(most.max(1)).max(1);
        let mut query = self.db.prepare_cached(
            "SELECT p.head FROM state s JOIN present_text p ON p.example = s.example
             WHERE s.example BETWEEN ?1 AND ?2 AND +s.hidden_by IS NULL ORDER BY s.example LIMIT 1",
        )?;
        let mut beginnings = Vec::new();
        for first in (1..=last).step_by(step as usize) {
            let found = query.query_row([first, first.saturating_add(step - 1)], |row| row.get(0));
            beginnings.extend(found.optional()?);
        }
        Ok(beginnings)
    }
}

/// Labels are learned by their names and are meant to be seen: their columns are left out.
fn personal_columns(db: &Connection) -> Result<Vec<PersonalColumn>> {
    let mut query = db.prepare_cached("SELECT columns FROM source ORDER BY id")?;
    let mut rows = query.query([])?;
    let mut found: Vec<PersonalColumn> = Vec::new();
    while let Some(row) = rows.next()? {
        let columns: Vec<StoredColumn> = from_json(&row.get::<_, String>(0)?)?;
        for StoredColumn { name, role } in columns {
            if role == ColumnRole::Label || !is_personal_column(&name) {
                continue;
            }
            let in_text = role == ColumnRole::Text;
            match found.iter_mut().find(|known| known.name == name) {
                Some(known) => known.in_text |= in_text,
                None => found.push(PersonalColumn { name, in_text }),
            }
        }
    }
    Ok(found)
}

fn sources(db: &Connection) -> Result<Vec<SourceFile>> {
    let mut query =
        db.prepare_cached("SELECT file_name, rows, sha256, imported_at, dialect FROM source ORDER BY id")?;
    let mut rows = query.query([])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        let dialect: StoredDialect = from_json(&row.get::<_, String>(4)?)?;
        files.push(SourceFile {
            file_name: row.get(0)?,
            rows: row.get(1)?,
            sha256: row.get(2)?,
            imported_at: row.get(3)?,
            mixed: Some(dialect.mixed),
        });
    }
    Ok(files)
}

/// How many visible rows have which length in characters, ascending.
struct Lengths {
    rows: u32,
    counts: Vec<(u32, u32)>,
}

impl Lengths {
    fn read(db: &Connection) -> Result<Lengths> {
        let mut query = db.prepare_cached(
            "SELECT length, count(*) FROM state WHERE hidden_by IS NULL GROUP BY length ORDER BY length",
        )?;
        let counts = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Lengths::from_counts(counts.collect::<rusqlite::Result<_>>()?))
    }

    fn from_counts(counts: Vec<(u32, u32)>) -> Lengths {
        Lengths {
            rows: counts.iter().map(|(_, rows)| rows).sum(),
            counts,
        }
    }

    fn empty(&self) -> u32 {
        self.counts
            .first()
            .filter(|(length, _)| *length == 0)
            .map_or(0, |(_, rows)| *rows)
    }

    fn mean(&self) -> f64 {
        let sum: f64 = self
            .counts
            .iter()
            .map(|(length, rows)| f64::from(*length) * f64::from(*rows))
            .sum();
        sum / f64::from(self.rows.max(1))
    }

    /// The smallest length that `percent` of the rows do not exceed; 0 without rows.
    fn quantile(&self, percent: u64) -> u32 {
        let needed = (u64::from(self.rows) * percent).div_ceil(100);
        let mut seen = 0;
        let reached = self.counts.iter().find(|(_, rows)| {
            seen += u64::from(*rows);
            seen >= needed
        });
        reached.map_or(0, |(length, _)| *length)
    }

    /// Equal bars up to the 99th percentile, so that one endless text does not flatten the picture; the last bar
    /// takes what is longer.
    fn bins(&self) -> Vec<LengthBin> {
        if self.rows == 0 {
            return Vec::new();
        }
        let longest = self.quantile(100);
        let width = (self.quantile(99) / BINS + 1).max(1);
        let mut bins: Vec<LengthBin> = (0..=longest / width)
            .take(BINS as usize)
            .map(|index| LengthBin {
                from: index * width,
                to: (index + 1) * width - 1,
                rows: 0,
            })
            .collect();
        let last = bins.len() - 1;
        bins[last].to = longest;
        for (length, rows) in &self.counts {
            bins[((length / width) as usize).min(last)].rows += rows;
        }
        bins
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{import, project};
    use ColumnRole::{Group, Ignore, Label, Text};
    use proptest::prelude::*;

    #[test]
    fn columns_about_people_are_told_apart_by_whether_the_model_reads_them() {
        let (_place, mut project) = project();
        import(
            &mut project,
            "patient,text,address,phone\np1,first,a street,x\np2,second,b street,y\n",
            &[Group, Text, Text, Label],
        );
        import(&mut project, "address,text\nc street,third\n", &[Ignore, Text]);
        let told = project.summary().unwrap().personal_columns;
        let told: Vec<(&str, bool)> = told
            .iter()
            .map(|column| (column.name.as_str(), column.in_text))
            .collect();
        assert_eq!(told, [("patient", false), ("address", true)]);
    }

    #[test]
    fn a_sample_of_beginnings_is_even_and_leaves_hidden_rows_out() {
        let (_place, mut project) = project();
        let long = "x".repeat(4_000);
        let rows: String = (0..10).map(|i| format!("{i}{long},a\n")).collect();
        import(
            &mut project,
            &format!("text,label\n{rows}0{long},a\n"),
            &[Text, Label],
        );
        let begin = |project: &Project, most| -> String {
            let sample = project.text_beginnings(most).unwrap();
            assert!(sample.iter().all(|text| text.len() == 300));
            sample.iter().filter_map(|text| text.chars().next()).collect()
        };
        assert_eq!(begin(&project, 100), "01234567890");
        assert_eq!(begin(&project, 4), "0369");
        let duplicates = crate::types::CleaningRule::Rows(crate::types::RowRule::DropDuplicates);
        project.clean(&[duplicates], &mut |_| true).unwrap();
        assert_eq!(begin(&project, 100), "0123456789");
        assert_eq!(
            (
                project.rows_longer_than(4_000).unwrap(),
                project.rows_longer_than(4_001).unwrap()
            ),
            (10, 0)
        );
    }

    #[test]
    fn lengths_are_summed_up() {
        let lengths = Lengths::from_counts(vec![(0, 1), (10, 8), (1_000_000, 1)]);
        assert_eq!((lengths.rows, lengths.empty()), (10, 1));
        assert_eq!(
            (lengths.quantile(50), lengths.quantile(95), lengths.quantile(100)),
            (10, 1_000_000, 1_000_000)
        );
        assert!((lengths.mean() - 100_008.0).abs() < 1e-9);
        assert_eq!(Lengths::from_counts(Vec::new()).bins(), []);
    }

    proptest! {
        #[test]
        fn the_histogram_holds_every_row_once(lengths in proptest::collection::btree_map(0u32..5_000, 1u32..50, 1..60)) {
            let lengths = Lengths::from_counts(lengths.into_iter().collect());
            let bins = lengths.bins();
            prop_assert!(bins.len() <= BINS as usize);
            prop_assert_eq!(bins.iter().map(|bin| bin.rows).sum::<u32>(), lengths.rows);
            prop_assert!(bins.windows(2).all(|pair| pair[0].to + 1 == pair[1].from));
            prop_assert_eq!(bins[bins.len() - 1].to, lengths.quantile(100));
            let alone: u32 = lengths.counts.iter().filter(|(n, _)| *n <= bins[0].to).map(|(_, rows)| rows).sum();
            prop_assert_eq!(bins[0].rows, alone);
        }
    }
}
