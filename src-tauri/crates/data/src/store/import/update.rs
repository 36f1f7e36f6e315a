//! A file that was imported before and has changed since: its rows are found again, and what people did to them stays.
//!
//! A row is the same when it has the same number in the column of case numbers, or where there is none the same text. What is
//! new comes in, a text that changed is corrected, a label that changed is changed unless a person gave another, a row that
//! is gone is hidden by a step that can be undone. Nothing is overwritten: groups, days and parts, which lie with the raw
//! row, stay as they were, and it is told for how many rows the file has others now. What is new in a file that was imported
//! as one part, such as an official test file, belongs to that part.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::json;

use super::super::audit::append;
use super::super::cleaning::hide_these;
use super::super::project::Project;
use super::super::sql::{from_json, to_json};
use super::super::texts::{correct, count_changes, text_rules};
use super::meaning::{Reading, Row, Understood, check_roles};
use super::mend::note_options;
use super::tables::Tables;
use super::{Importer, StoredColumn, folder_of};
use crate::clean::Pipeline;
use crate::error::{DataError, Result};
use crate::read::{Extent, Record, Table, file_name};
use crate::text::{HASH_BYTES, content_hash};
use crate::types::{ColumnRole, FileChanges, ImportOptions, Part, RowRule};

/// Rows between two questions whether to go on.
const ASK_EVERY: u32 = 1_000;

/// Who changes a text or a label when a file does.
const IMPORT: &str = "import";

type Key = [u8; HASH_BYTES];

/// A row of the file as it was imported before.
struct Known {
    example: u32,
    /// Of its text as the file had it last.
    hash: Key,
    /// The labels that the file gave it last.
    given: Option<u32>,
    /// Whether a person, or a model, labelled it since.
    labelled_since: bool,
    /// Whether a person corrected its text since.
    corrected: bool,
    /// Hidden because it was gone from the file.
    was_gone: bool,
    place: Place,
}

/// How a file was imported the last time, for when it is imported again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedBefore {
    /// The names of its columns and what they were for.
    pub columns: Vec<(String, ColumnRole)>,
    /// What stood between the labels of a cell.
    pub label_separator: Option<String>,
}

impl ImportedBefore {
    /// What the columns of these names are for now: as before, if all that mattered then are still there.
    pub fn roles(&self, names: &[&str]) -> Option<Vec<ColumnRole>> {
        let before = |name: &str| self.columns.iter().find(|(known, _)| known == name);
        let mattered = self
            .columns
            .iter()
            .filter(|(_, role)| *role != ColumnRole::Ignore);
        let all_there = mattered
            .into_iter()
            .all(|(name, _)| names.contains(&name.as_str()));
        all_there.then(|| {
            let roles = names.iter().map(|name| before(name));
            roles
                .map(|known| known.map_or(ColumnRole::Ignore, |(_, role)| *role))
                .collect()
        })
    }
}

/// What decides where a row may stand in a split, as far as the file tells it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    group: Option<String>,
    date: Option<String>,
    part: Option<Part>,
}

impl Place {
    /// Without what no column of these roles tells.
    fn told_by(self, roles: &[ColumnRole]) -> Place {
        let told = |role| roles.contains(&role);
        Place {
            group: self.group.filter(|_| told(ColumnRole::Group)),
            date: self.date.filter(|_| told(ColumnRole::Date)),
            part: self.part.filter(|_| told(ColumnRole::Split)),
        }
    }
}

impl Project {
    /// How a file was imported the last time; `None` for one that never was. Which file it is, is told as for
    /// [`Project::update_from_file`].
    ///
    /// # Errors
    /// Those of the database.
    pub fn imported_before(&self, path: &Path) -> Result<Option<ImportedBefore>> {
        let tx = self.read()?;
        let file = KnownFile::find(&tx, path)?;
        let newest = "SELECT columns, label_separator FROM source
             WHERE id = (SELECT max(value) FROM json_each(?1))";
        let found: Option<(String, Option<String>)> = tx
            .query_row(newest, [&file.sources], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((columns, label_separator)) = found else {
            return Ok(None);
        };
        let columns: Vec<StoredColumn> = from_json(&columns)?;
        Ok(Some(ImportedBefore {
            columns: columns
                .into_iter()
                .map(|column| (column.name, column.role))
                .collect(),
            label_separator,
        }))
    }

    /// Brings the rows of a file that was imported before up to date, or only tells what that would change. It is the file of
    /// the same name in the same folder; where none was imported from there, of the same name: files are moved. A file that
    /// was never imported is all new.
    ///
    /// # Errors
    /// As [`Project::import`].
    pub fn update_from_file(
        &mut self,
        path: &Path,
        options: &ImportOptions,
        only_tell: bool,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<FileChanges> {
        let total = std::fs::metadata(path).map_err(DataError::io(path))?.len();
        let mut table = Table::open(path, &options.dialect, Extent::Whole, &mut || progress(0, total))?;
        let columns = check_roles(options, table.columns.len())?;
        let tx = self.write()?;
        let pipeline = || Ok::<_, DataError>(Pipeline::new(&text_rules(&tx)?));
        let file = KnownFile::find(&tx, path)?;
        let reading = Arc::new(Reading {
            columns,
            names: table.columns.clone(),
            part: file.part,
            pipeline: pipeline()?,
        });
        let by_id = options.roles.contains(&ColumnRole::Id);
        let mut known = known_rows(&tx, &file, &options.roles)?;
        let importer = Importer::begin(&tx, &table, &options.roles, Arc::clone(&reading))?;
        note_options(
            &tx,
            importer.source,
            options.label_separator.as_deref(),
            file.part,
        )?;
        let mut update = Update {
            pipeline: pipeline()?,
            tables: Tables::prepare(&tx)?,
            importer,
            roles: &options.roles,
            changes: FileChanges::default(),
        };
        let mut record = Record::default();
        let mut seen: u32 = 0;
        while table.next(&mut record)? {
            match reading.understand(&record)? {
                Understood::Row(row) => match known.take(&key(&row, by_id)) {
                    Some(before) => update.again(&before, &row)?,
                    None => update.new_row(&row)?,
                },
                Understood::Problem { number, kind, raw } => {
                    update.importer.put_aside(number, &kind, &raw)?
                }
            }
            seen += 1;
            if seen.is_multiple_of(ASK_EVERY) && !progress(table.bytes_read(), table.bytes) {
                return Err(DataError::Cancelled);
            }
        }
        let gone = known.left();
        update.changes.gone = gone.len() as u32;
        update.changes.problem_rows = update.importer.summary.problem_rows;
        let changes = update.finish(&table, &file)?;
        let rule = RowRule::DropGone {
            file: table.file_name(),
        };
        hide_these(&tx, &rule, &gone)?;
        append(
            &tx,
            "updated_from_file",
            &json!({ "file_name": table.file_name(), "changes": changes }),
        )?;
        if only_tell {
            tx.rollback()?;
        } else {
            tx.commit()?;
        }
        Ok(changes)
    }
}

fn key(row: &Row, by_id: bool) -> Key {
    match &row.id {
        Some(id) if by_id => content_hash(id),
        _ => row.raw.hash,
    }
}

/// The rows of a file, to be found again each once.
struct KnownRows {
    rows: HashMap<Key, Vec<Known>>,
}

impl KnownRows {
    /// The first row with this key that was not found yet.
    fn take(&mut self, key: &Key) -> Option<Known> {
        let rows = self.rows.get_mut(key)?;
        (!rows.is_empty()).then(|| rows.remove(0))
    }

    /// Rows that were not found again, and are not hidden for that already.
    fn left(self) -> Vec<u32> {
        let left = self.rows.into_values().flatten().filter(|row| !row.was_gone);
        let mut left: Vec<u32> = left.map(|row| row.example).collect();
        left.sort_unstable();
        left
    }
}

/// A file that was imported before, as often as it was.
struct KnownFile {
    name: String,
    /// Its imports, as JSON.
    sources: String,
    /// The part that all its rows belong to.
    part: Option<Part>,
}

impl KnownFile {
    fn find(tx: &Transaction<'_>, path: &Path) -> Result<KnownFile> {
        let name = file_name(path);
        let mut query =
            tx.prepare("SELECT id, part, folder IS ?2 FROM source WHERE file_name = ?1 ORDER BY id")?;
        let rows = query.query_map(params![name, folder_of(path)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        let mut sources: Vec<(i64, Option<Part>, bool)> = rows.collect::<rusqlite::Result<_>>()?;
        if sources.iter().any(|(_, _, here)| *here) {
            sources.retain(|(_, _, here)| *here);
        }
        let part = sources.last().and_then(|(_, part, _)| *part);
        let ids: Vec<i64> = sources.into_iter().map(|(id, _, _)| id).collect();
        Ok(KnownFile {
            name,
            sources: to_json(&ids)?,
            part,
        })
    }
}

fn known_rows(tx: &Transaction<'_>, file: &KnownFile, roles: &[ColumnRole]) -> Result<KnownRows> {
    let by_id = roles.contains(&ColumnRole::Id);
    let gone = steps_of(tx, &file.name)?;
    let id_columns = id_columns(tx, file)?;
    let mut query = tx.prepare(
        "SELECT e.id, e.source, e.text_hash, c.columns, s.hidden_by,
                (SELECT text FROM edit WHERE example = e.id AND who = ?2 ORDER BY id DESC LIMIT 1),
                (SELECT who <> ?2 AND text IS NOT NULL FROM edit WHERE example = e.id ORDER BY id DESC LIMIT 1),
                (SELECT label_set FROM annotation WHERE example = e.id AND kind = 'import' ORDER BY id DESC LIMIT 1),
                EXISTS (SELECT 1 FROM annotation WHERE example = e.id AND kind <> 'import'),
                e.group_key, e.date, e.file_part
         FROM example e JOIN content c ON c.example = e.id JOIN state s ON s.example = e.id
         WHERE e.source IN (SELECT value FROM json_each(?1)) ORDER BY e.id",
    )?;
    let mut found = query.query(params![file.sources, IMPORT])?;
    let mut rows: HashMap<Key, Vec<Known>> = HashMap::new();
    while let Some(row) = found.next()? {
        let from_file: Option<String> = row.get(5)?;
        let hash: Key = match &from_file {
            Some(text) => content_hash(text),
            None => row.get(2)?,
        };
        let id = match id_columns.get(&row.get::<_, i64>(1)?).filter(|_| by_id) {
            Some(place) => {
                let cells: Vec<String> = from_json(&row.get::<_, String>(3)?)?;
                cells
                    .get(*place)
                    .map(|id| id.trim().to_owned())
                    .filter(|id| !id.is_empty())
            }
            None => None,
        };
        let known = Known {
            example: row.get(0)?,
            hash,
            given: row.get(7)?,
            labelled_since: row.get(8)?,
            corrected: row.get::<_, Option<bool>>(6)?.unwrap_or_default(),
            was_gone: row
                .get::<_, Option<i64>>(4)?
                .is_some_and(|step| gone.contains(&step)),
            place: Place {
                group: row.get(9)?,
                date: row.get(10)?,
                part: row.get(11)?,
            }
            .told_by(roles),
        };
        let key = id.map_or(hash, |id| content_hash(&id));
        rows.entry(key).or_default().push(known);
    }
    Ok(KnownRows { rows })
}

/// The steps that hide rows because they were gone from this file.
fn steps_of(tx: &Transaction<'_>, file_name: &str) -> Result<HashSet<i64>> {
    let mut query = tx.prepare("SELECT id, rule FROM cleaning_step WHERE undone_at IS NULL")?;
    let mut rows = query.query([])?;
    let wanted = crate::types::CleaningRule::Rows(RowRule::DropGone {
        file: file_name.to_owned(),
    });
    let mut steps = HashSet::new();
    while let Some(row) = rows.next()? {
        if from_json::<crate::types::CleaningRule>(&row.get::<_, String>(1)?)? == wanted {
            steps.insert(row.get(0)?);
        }
    }
    Ok(steps)
}

/// Where the case number stands among the cells that are kept beside the text, by source.
fn id_columns(tx: &Transaction<'_>, file: &KnownFile) -> Result<HashMap<i64, usize>> {
    let mut query =
        tx.prepare("SELECT id, columns FROM source WHERE id IN (SELECT value FROM json_each(?1))")?;
    let mut rows = query.query([&file.sources])?;
    let mut places = HashMap::new();
    while let Some(row) = rows.next()? {
        let columns: Vec<StoredColumn> = from_json(&row.get::<_, String>(1)?)?;
        let kept = columns.iter().filter(|column| column.role != ColumnRole::Text);
        if let Some(place) = kept.into_iter().position(|column| column.role == ColumnRole::Id) {
            places.insert(row.get(0)?, place);
        }
    }
    Ok(places)
}

/// What an update does row by row.
struct Update<'a> {
    importer: Importer<'a>,
    roles: &'a [ColumnRole],
    tables: Tables<'a>,
    pipeline: Pipeline,
    changes: FileChanges,
}

impl Update<'_> {
    fn new_row(&mut self, row: &Row) -> Result<()> {
        self.importer.insert(&mut self.tables, row)?;
        self.changes.new += 1;
        Ok(())
    }

    fn again(&mut self, before: &Known, row: &Row) -> Result<()> {
        let tx = self.importer.tx;
        self.importer.note_misfit(row, before.example.into());
        let mut same = true;
        if before.was_gone {
            tx.prepare_cached("UPDATE state SET hidden_by = NULL WHERE example = ?1")?
                .execute([before.example])?;
            self.changes.back += 1;
            same = false;
        }
        if before.hash != row.raw.hash {
            same = false;
            // A person's correction stands; the file's new text would undo it.
            if before.corrected {
                self.changes.kept += 1;
            } else {
                correct(tx, &self.pipeline, before.example, Some(&row.raw.text), IMPORT)?;
                self.changes.changed += 1;
            }
        }
        let labels = row
            .labels
            .as_deref()
            .map(|names| self.importer.label_set(names))
            .transpose()?;
        // Without a column of labels the file says nothing about them.
        if self.roles.contains(&ColumnRole::Label) && labels != before.given {
            same = false;
            if before.labelled_since {
                self.changes.kept += 1;
            } else {
                tx.prepare_cached("UPDATE state SET label_set = ?2 WHERE example = ?1")?
                    .execute(params![before.example, labels])?;
                tx.prepare_cached(
                    "INSERT INTO annotation (example, label_set, kind, who, at)
                     VALUES (?1, ?2, 'import', 'import', ?3)",
                )?
                .execute(params![before.example, labels, self.importer.at])?;
                self.changes.relabelled += 1;
            }
        }
        let place = Place {
            group: row.group.clone(),
            date: row.date.clone(),
            part: row.part,
        }
        .told_by(self.roles);
        if place != before.place {
            same = false;
            self.changes.not_moved += 1;
        }
        self.changes.same += u32::from(same);
        Ok(())
    }

    /// Rows that the file's earlier versions had put aside are those of this version now.
    fn finish(self, table: &Table, file: &KnownFile) -> Result<FileChanges> {
        let importer = self.importer;
        importer.log_labels()?;
        count_changes(importer.tx, &importer.changed)?;
        importer.tx.execute(
            "UPDATE problem_row SET superseded_by = ?1 WHERE mended IS NULL AND source IN
             (SELECT value FROM json_each(?2))",
            params![importer.source, file.sources],
        )?;
        importer.close_source(table)?;
        Ok(self.changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{options, project};
    use crate::types::RowFilter;
    use ColumnRole::{Id, Label, Text};

    struct Case {
        place: tempfile::TempDir,
        project: Project,
    }

    impl Case {
        fn new(csv: &str, roles: &[ColumnRole]) -> Case {
            let (place, project) = project();
            let mut case = Case { place, project };
            case.write(csv);
            let path = case.place.path().join("cases.csv");
            case.project
                .import(&path, &options(roles), &mut |_, _| true)
                .unwrap();
            case
        }

        fn write(&self, csv: &str) {
            std::fs::write(self.place.path().join("cases.csv"), csv).unwrap();
        }

        fn update(&mut self, csv: &str, roles: &[ColumnRole], only_tell: bool) -> FileChanges {
            self.write(csv);
            let path = self.place.path().join("cases.csv");
            self.project
                .update_from_file(&path, &options(roles), only_tell, &mut |_, _| true)
                .unwrap()
        }

        fn texts(&self) -> Vec<String> {
            self.project
                .rows_page(&RowFilter::default(), 0, 100)
                .unwrap()
                .text
        }
    }

    #[test]
    fn rows_are_found_again_by_their_number_and_what_people_did_stays() {
        let roles = [Id, Text, Label];
        let mut case = Case::new(
            "id,text,label\n1,one,x\n2,two,x\n3,three,y\n4,four,y\n5,five,x\n",
            &roles,
        );
        case.project.annotate(2, Some(&[2]), "person").unwrap();
        case.project
            .edit_text(3, Some("three, corrected"), "person")
            .unwrap();
        let changed = "id,text,label\n5,five,x\n1,one more,x\n2,two,y\n3,3,y\n6,six,x\n4,four,x\n7\n";
        let told = case.update(changed, &roles, true);
        let expected = FileChanges {
            same: 1,
            new: 1,
            changed: 1,
            relabelled: 1,
            kept: 2,
            not_moved: 0,
            gone: 0,
            back: 0,
            problem_rows: 1,
        };
        assert_eq!(told, expected);
        assert_eq!(
            case.texts(),
            ["one", "two", "three, corrected", "four", "five"],
            "only told"
        );
        assert_eq!(case.update(changed, &roles, false), expected);
        assert_eq!(
            case.texts(),
            ["one more", "two", "three, corrected", "four", "five", "six"]
        );
        let labels = |case: &Case, id| case.project.example(id).unwrap().labels;
        assert_eq!([2, 4].map(|id| labels(&case, id)), [Some(vec![2]), Some(vec![1])]);
        assert_eq!(
            case.project.example(1).unwrap().imported_text.as_deref(),
            Some("one")
        );
        let again = case.update(changed, &roles, false);
        assert_eq!(
            (again.changed, again.relabelled, again.new, again.problem_rows),
            (0, 0, 0, 1),
            "{again:?}"
        );
        assert_eq!(
            case.project.problems_page(0, 9).unwrap().0,
            1,
            "the row aside is told once"
        );
        assert!(case.project.verify_audit().unwrap().broken.is_none());
    }

    #[test]
    fn groups_days_and_parts_stay_as_first_imported_and_that_is_told() {
        use ColumnRole::{Date, Group, Ignore, Split};
        let roles = [Id, Text, Label, Group, Date, Split];
        let mut case = Case::new(
            "id,text,label,patient,day,part\n1,one,x,p,2024-01-01,train\n2,two,y,p,,test\n3,three,y,q,,test\n",
            &roles,
        );
        let changed = "id,text,label,patient,day,part\n1,one,x,q,2024-01-02,train\n2,two,y,p,,train\n3,three,y,q,,test\n";
        let told = case.update(changed, &roles, false);
        assert_eq!((told.same, told.not_moved), (1, 2), "a row counts once");
        let values = case.project.example(1).unwrap().columns;
        assert!(values.iter().any(|column| column.value == "p"), "{values:?}");
        let unasked = case.update(changed, &[Id, Text, Label, Ignore, Ignore, Ignore], false);
        assert_eq!((unasked.same, unasked.not_moved), (3, 0));
    }

    #[test]
    fn rows_that_are_gone_are_hidden_and_come_back() {
        let roles = [Text, Label];
        let full = "text,label\na,x\nb,y\nb,y\nc,x\n";
        let mut case = Case::new(full, &roles);
        let changes = case.update("text,label\na,x\nb,y\n", &roles, false);
        assert_eq!((changes.same, changes.gone), (2, 2));
        assert_eq!(case.texts(), ["a", "b"]);
        let changes = case.update(full, &roles, false);
        assert_eq!((changes.same, changes.back, changes.new), (2, 2, 0));
        assert_eq!(case.texts(), ["a", "b", "b", "c"]);
        case.update("text,label\na,x\n", &roles, false);
        let step = case.project.summary().unwrap().cleaning.last().unwrap().id;
        case.project.undo_cleaning(step, &mut |_| true).unwrap();
        assert_eq!(case.texts().len(), 4);
    }

    #[test]
    fn of_two_files_of_one_name_the_one_in_the_same_folder_is_brought_up_to_date() {
        let roles = [Id, Text, Label];
        let csv = "id,text,label\n1,one,x\n2,two,y\n";
        let mut case = Case::new(csv, &roles);
        let other = case.place.path().join("other");
        std::fs::create_dir(&other).unwrap();
        let twin = other.join("cases.csv");
        std::fs::write(&twin, "id,text,label\n1,eins,x\n2,zwei,y\n").unwrap();
        case.project
            .import(&twin, &options(&roles), &mut |_, _| true)
            .unwrap();
        let changes = case.update(csv, &roles, false);
        assert_eq!((changes.same, changes.new, changes.gone), (2, 0, 0));
        assert_eq!(case.texts(), ["one", "two", "eins", "zwei"]);
        // Moved: its name is all there is to know it by.
        let moved = case.place.path().join("moved");
        std::fs::rename(&other, &moved).unwrap();
        let path = moved.join("cases.csv");
        let all = options(&roles);
        let changes = case
            .project
            .update_from_file(&path, &all, true, &mut |_, _| true)
            .unwrap();
        assert_eq!((changes.new, changes.changed), (0, 2), "{changes:?}");
    }

    #[test]
    fn what_is_new_in_an_official_test_file_is_not_learned_from() {
        let (place, project) = project();
        let mut case = Case { place, project };
        let roles = [Text, Label];
        let learn: String = (0..20)
            .map(|i| format!("learn {i},{}\n", ["x", "y"][i % 2]))
            .collect();
        case.write(&format!("text,label\n{learn}"));
        let path = case.place.path().join("cases.csv");
        case.project
            .import(&path, &options(&roles), &mut |_, _| true)
            .unwrap();
        let official = case.place.path().join("official.csv");
        std::fs::write(&official, "text,label\na,x\nb,y\n").unwrap();
        case.project
            .import_part(&official, &options(&roles), Part::Test, &mut |_, _| true)
            .unwrap();
        case.project
            .make_split(crate::split::Wanted::random([70, 15, 15], 0))
            .unwrap();
        std::fs::write(&official, "text,label\na,x\nb,y\nc,x\n").unwrap();
        let changes = case
            .project
            .update_from_file(&official, &options(&roles), false, &mut |_, _| true)
            .unwrap();
        assert_eq!((changes.same, changes.new, changes.not_moved), (2, 1, 0));
        let split = case.project.add_to_training().unwrap();
        assert!(
            split
                .notes
                .contains(&crate::split::SplitNote::AddedToTraining { rows: 0, left_out: 1 }),
            "{:?}",
            split.notes
        );
    }

    #[test]
    fn a_label_that_the_file_takes_back_is_taken_back() {
        let roles = [Id, Text, Label];
        let mut case = Case::new("id,text,label\n1,one,x\n2,two,y\n", &roles);
        case.project.annotate(2, Some(&[1]), "person").unwrap();
        let changed = "id,text,label\n1,one,\n2,two,\n";
        let changes = case.update(changed, &roles, false);
        assert_eq!((changes.relabelled, changes.kept, changes.same), (1, 1, 0));
        let labels = |case: &Case, id| case.project.example(id).unwrap().labels;
        assert_eq!([1, 2].map(|id| labels(&case, id)), [None, Some(vec![1])]);
        assert_eq!(case.update(changed, &roles, false).relabelled, 0);
        let without = case.update("id,text\n1,one\n2,two\n", &[Id, Text], false);
        assert_eq!(without.same, 2, "a file without labels says nothing about them");
    }

    #[test]
    fn what_the_columns_were_for_is_remembered() {
        let case = Case::new("id,cat,body\n1,one,x\n2,two,y\n", &[Id, Text, Label]);
        let path = case.place.path().join("cases.csv");
        let before = case.project.imported_before(&path).unwrap().unwrap();
        let more = before.roles(&["body", "id", "new", "cat"]);
        assert_eq!(more, Some(vec![Label, Id, ColumnRole::Ignore, Text]));
        assert_eq!(before.roles(&["id", "cat"]), None, "the labels are gone");
        let never = case.place.path().join("never.csv");
        assert_eq!(case.project.imported_before(&never).unwrap(), None);
    }

    #[test]
    fn changed_texts_go_through_the_rules_in_force() {
        let roles = [Id, Text, Label];
        let mut case = Case::new("id,text,label\n1,<b>one</b>,x\n2,two,y\n", &roles);
        let markup = crate::types::CleaningRule::Texts(crate::types::TextRule::Markup);
        case.project.clean(&[markup], &mut |_| true).unwrap();
        case.update(
            "id,text,label\n1,<i>eins</i>,x\n2,two,y\n3,<b>three</b>,x\n",
            &roles,
            false,
        );
        assert_eq!(case.texts(), ["eins", "two", "three"]);
    }
}
