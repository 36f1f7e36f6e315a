//! A project's folder and database: create, open, migrate, settings.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use serde_json::json;

use super::audit;
use super::labels::Counts;
use super::rows::Listing;
use super::sql::number;
use crate::error::{DataError, Result};

/// One file a format, in order; `user_version` counts those applied.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_start.sql"),
    include_str!("migrations/0002_label_sets.sql"),
    include_str!("migrations/0003_near_duplicates.sql"),
    include_str!("migrations/0004_texts.sql"),
    include_str!("migrations/0005_label_room.sql"),
    include_str!("migrations/0006_division.sql"),
    include_str!("migrations/0007_unfamiliar.sql"),
    include_str!("migrations/0008_part_rows.sql"),
    include_str!("migrations/0009_source_folder.sql"),
];

/// "Usty" in SQLite's header: tells our database from any other.
const APPLICATION_ID: i32 = 0x5573_7479;

const SUFFIX: &str = ".understudy";
const DATABASE: &str = "project.db";
const NAME_KEY: &str = "name";
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks whether the database is free.
const PAUSE: Duration = Duration::from_millis(10);
/// Long writers of this process that are at work.
static WRITERS: AtomicUsize = AtomicUsize::new(0);

/// While it lives, others of this process that want to write wait for as long as it takes instead of a moment: what holds
/// the database is this program itself.
#[derive(Debug)]
pub struct LongWrite(());

impl LongWrite {
    /// A long writer begins.
    pub fn begin() -> Self {
        WRITERS.fetch_add(1, Ordering::SeqCst);
        LongWrite(())
    }
}

impl Drop for LongWrite {
    fn drop(&mut self) {
        WRITERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Asked by SQLite each time that it finds the database taken.
fn wait_on(times: i32) -> bool {
    let waited = PAUSE * times.unsigned_abs();
    if waited >= PATIENCE && WRITERS.load(Ordering::SeqCst) == 0 {
        return false;
    }
    std::thread::sleep(PAUSE);
    true
}

/// An open project. It may move to another thread but not be shared between threads: a second one opens its own.
#[derive(Debug)]
pub struct Project {
    pub(super) db: Connection,
    folder: PathBuf,
    name: String,
    /// The ids of the last filter, so that scrolling does not search again.
    pub(super) listing: RefCell<Option<Listing>>,
    /// How many rows carry each label.
    pub(super) counts: RefCell<Option<Counts>>,
}

impl Project {
    /// Makes the folder (which must end in `.understudy`) and an empty project in it.
    ///
    /// # Errors
    /// `FolderName`, `EmptyProjectName`, `FolderTaken` when the folder exists and is not empty, `Io`, `DiskFull`.
    pub fn create(folder: &Path, name: &str) -> Result<Project> {
        if !folder.to_string_lossy().ends_with(SUFFIX) {
            return Err(DataError::FolderName {
                folder: folder.to_path_buf(),
            });
        }
        let name = name.trim();
        if name.is_empty() {
            return Err(DataError::EmptyProjectName);
        }
        fs::create_dir_all(folder).map_err(DataError::io(folder))?;
        if fs::read_dir(folder)
            .map_err(DataError::io(folder))?
            .next()
            .is_some()
        {
            return Err(DataError::FolderTaken {
                folder: folder.to_path_buf(),
            });
        }
        let mut db = connect(folder, OpenFlags::SQLITE_OPEN_CREATE)?;
        // The journal's mode belongs to the file and cannot change inside a transaction.
        db.pragma_update(None, "journal_mode", "WAL")?;
        migrate(&mut db, |tx| {
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.execute("INSERT INTO setting VALUES (?1, ?2)", [NAME_KEY, name])?;
            audit::append(tx, "project_created", &json!({ "name": name }))
        })?;
        Ok(Project {
            db,
            folder: folder.to_path_buf(),
            name: name.to_owned(),
            listing: RefCell::default(),
            counts: RefCell::default(),
        })
    }

    /// Opens the project in `folder` and brings it to this version's format.
    ///
    /// # Errors
    /// `NotAProject`, `NewerVersion`, `Corrupt`, `ReadOnly`, `Locked`.
    pub fn open(folder: &Path) -> Result<Project> {
        let not_a_project = || DataError::NotAProject {
            folder: folder.to_path_buf(),
        };
        if !folder.join(DATABASE).is_file() {
            return Err(not_a_project());
        }
        let mut db = connect(folder, OpenFlags::empty())?;
        let id: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        if id != APPLICATION_ID {
            return Err(not_a_project());
        }
        if db.is_readonly("main")? {
            return Err(DataError::ReadOnly);
        }
        migrate(&mut db, |_| Ok(()))?;
        let name = read_setting(&db, NAME_KEY)?.ok_or_else(not_a_project)?;
        let mut project = Project {
            db,
            folder: folder.to_path_buf(),
            name,
            listing: RefCell::default(),
            counts: RefCell::default(),
        };
        // A large import that was cut off has left it off.
        project.use_log(true)?;
        Ok(project)
    }

    /// A number that is another one whenever another connection has written.
    ///
    /// # Errors
    /// Those of the database.
    pub fn changes_by_others(&self) -> Result<i64> {
        Ok(self
            .db
            .pragma_query_value(None, "data_version", |row| row.get(0))?)
    }

    /// Whether no row was ever imported.
    ///
    /// # Errors
    /// Those of the database.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(number(&self.db, "SELECT EXISTS (SELECT 1 FROM example)", [])? == 0)
    }

    /// The project's folder, as given.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The project's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where a run keeps its files; not created here.
    pub fn run_folder(&self, id: &str) -> PathBuf {
        self.folder.join("runs").join(id)
    }

    /// A stored setting.
    ///
    /// # Errors
    /// Those of the database.
    pub fn setting(&self, key: &str) -> Result<Option<String>> {
        read_setting(&self.db, key)
    }

    /// Stores a setting. The key `name` is the project's name.
    ///
    /// # Errors
    /// Those of the database.
    pub fn set_setting(&mut self, key: &str, value: &str) -> Result<()> {
        let tx = self.write()?;
        tx.execute(
            "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [key, value],
        )?;
        tx.commit()?;
        if key == NAME_KEY {
            self.name = value.to_owned();
        }
        Ok(())
    }

    /// Writes through the write-ahead log (as always), or straight to the file, which nobody else may have open then:
    /// otherwise nothing changes.
    pub(super) fn use_log(&mut self, log: bool) -> Result<()> {
        let mode = if log { "WAL" } else { "DELETE" };
        self.db.busy_timeout(Duration::ZERO)?;
        let changed = self
            .db
            .pragma_update_and_check(None, "journal_mode", mode, |_| Ok(()));
        self.db.busy_handler(Some(wait_on))?;
        match changed.map_err(DataError::from) {
            Err(DataError::Locked) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Works as always again, after an import that did not.
    pub(super) fn work_as_always(&mut self) -> Result<()> {
        if !self.db.is_autocommit() {
            // What could not be rolled back: settings do not take within it.
            self.db.execute_batch("ROLLBACK")?;
        }
        let log = self.use_log(true);
        set_up(&self.db)?;
        log
    }

    /// Whether the folder is still where it was opened. A database that was moved away takes writes all the same, which
    /// nobody would find again; a missing folder would be made anew beside it.
    ///
    /// # Errors
    /// `Unreachable`.
    pub fn check_reachable(&self) -> Result<()> {
        let database = fs::metadata(self.folder.join(DATABASE));
        database.map(|_| ()).map_err(|_| DataError::Unreachable)
    }

    /// A transaction that has its turn to write from the start, so that it never fails half-way for waiting.
    pub(super) fn write(&mut self) -> Result<Transaction<'_>> {
        self.check_reachable()?;
        Ok(self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// A transaction in which every query sees the same state, whatever other processes write.
    pub(super) fn read(&self) -> Result<Transaction<'_>> {
        Ok(self.db.unchecked_transaction()?)
    }
}

pub(super) fn read_setting(db: &Connection, key: &str) -> Result<Option<String>> {
    let mut query = db.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
    Ok(query.query_row([key], |row| row.get(0)).optional()?)
}

fn connect(folder: &Path, extra: OpenFlags) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | extra;
    let mut db = Connection::open_with_flags(folder.join(DATABASE), flags)?;
    db.busy_handler(Some(wait_on))?;
    db.set_prepared_statement_cache_capacity(64);
    // FULL: every commit reaches the disk before the call returns, so that no label is ever lost.
    db.pragma_update(None, "synchronous", "FULL")?;
    set_up(&db)?;
    Ok(db)
}

/// How a connection works but for moments.
fn set_up(db: &Connection) -> Result<()> {
    db.pragma_update(None, "foreign_keys", true)?;
    usual_memory(db)
}

/// What a connection works with but for moments: 64 MiB, in which the upper levels of the indexes of a million rows fit, and no
/// thread of its own.
pub(super) fn usual_memory(db: &Connection) -> Result<()> {
    db.pragma_update(None, "cache_size", -65_536)?;
    Ok(db.pragma_update(None, "threads", 0)?)
}

/// Applies the formats that are missing, then `and_then`, in one transaction.
fn migrate(db: &mut Connection, and_then: impl FnOnce(&Transaction<'_>) -> Result<()>) -> Result<()> {
    let known = MIGRATIONS.len() as u32;
    let version = |db: &Connection| db.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0));
    let found = version(db)?;
    if found > known {
        return Err(DataError::NewerVersion { found, known });
    }
    if found == known {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    for migration in MIGRATIONS.iter().skip(version(&tx)? as usize) {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "user_version", known)?;
    and_then(&tx)?;
    Ok(tx.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{folder, options, project_with};
    use crate::types::ColumnRole;

    #[test]
    fn a_created_project_opens_again_under_its_name() {
        let place = folder();
        let path = place.path().join("案卷.understudy");
        Project::create(&path, " 案卷 ")
            .unwrap()
            .set_setting("model", "minilm")
            .unwrap();
        let project = Project::open(&path).unwrap();
        assert_eq!((project.name(), project.folder()), ("案卷", path.as_path()));
        assert_eq!(project.setting("model").unwrap().as_deref(), Some("minilm"));
        assert_eq!(project.setting("nothing").unwrap(), None);
        assert_eq!(project.run_folder("r1"), path.join("runs/r1"));
    }

    #[test]
    fn only_an_empty_folder_of_the_right_name_becomes_a_project() {
        let place = folder();
        let path = place.path().join("a.understudy");
        assert!(matches!(
            Project::create(&place.path().join("a"), "a"),
            Err(DataError::FolderName { .. })
        ));
        assert!(matches!(
            Project::create(&path, "  "),
            Err(DataError::EmptyProjectName)
        ));
        Project::create(&path, "a").unwrap();
        assert!(matches!(
            Project::create(&path, "a"),
            Err(DataError::FolderTaken { .. })
        ));
    }

    #[test]
    fn folders_that_hold_no_project_are_refused() {
        let place = folder();
        assert!(matches!(
            Project::open(place.path()),
            Err(DataError::NotAProject { .. })
        ));
        fs::write(
            place.path().join(DATABASE),
            "this is no database, however long the text may be",
        )
        .unwrap();
        assert!(matches!(
            Project::open(place.path()),
            Err(DataError::Corrupt { .. })
        ));
        fs::remove_file(place.path().join(DATABASE)).unwrap();
        Connection::open(place.path().join(DATABASE))
            .unwrap()
            .execute_batch("CREATE TABLE x (y)")
            .unwrap();
        assert!(matches!(
            Project::open(place.path()),
            Err(DataError::NotAProject { .. })
        ));
    }

    #[test]
    fn a_project_of_a_later_version_is_left_alone() {
        let place = folder();
        let path = place.path().join("a.understudy");
        let project = Project::create(&path, "a").unwrap();
        project.db.pragma_update(None, "user_version", 99).unwrap();
        drop(project);
        let known = MIGRATIONS.len() as u32;
        let refused = Project::open(&path).unwrap_err();
        assert!(matches!(refused, DataError::NewerVersion { found: 99, known: k } if k == known));
    }

    #[test]
    fn a_damaged_database_is_called_damaged() {
        let place = folder();
        let path = place.path().join("a.understudy");
        drop(Project::create(&path, "a").unwrap());
        let mut bytes = fs::read(path.join(DATABASE)).unwrap();
        bytes[100..4096].fill(0xAA);
        fs::write(path.join(DATABASE), bytes).unwrap();
        assert!(matches!(Project::open(&path), Err(DataError::Corrupt { .. })));
    }

    #[test]
    fn a_second_writer_waits_its_turn_and_then_says_so() {
        let place = folder();
        let path = place.path().join("a.understudy");
        let mut first = Project::create(&path, "a").unwrap();
        let mut second = Project::open(&path).unwrap();
        second.db.busy_timeout(Duration::from_millis(10)).unwrap();
        let tx = first.write().unwrap();
        assert!(matches!(second.set_setting("a", "b"), Err(DataError::Locked)));
        assert_eq!(second.setting("a").unwrap(), None, "readers do not wait");
        drop(tx);
        second.set_setting("a", "b").unwrap();
    }

    #[test]
    fn a_project_that_cannot_be_written_still_reads() {
        let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
        project.db.pragma_update(None, "query_only", true).unwrap();
        assert!(matches!(
            project.annotate(1, None, "person"),
            Err(DataError::ReadOnly)
        ));
        assert_eq!(project.label_state().unwrap().labelled, 2);
    }

    #[test]
    fn nothing_is_written_into_a_folder_that_was_moved_away() {
        let (place, mut project) = project_with("text,label\na,x\nb,y\n");
        let folder = project.folder().to_owned();
        let moved = place.path().join("moved.understudy");
        fs::rename(&folder, &moved).unwrap();
        let label = |project: &mut Project| project.annotate(1, Some(&[2]), "person");
        assert!(matches!(label(&mut project), Err(DataError::Unreachable)));
        assert!(matches!(
            project.find_near_duplicates(&mut |_| true),
            Err(DataError::Unreachable)
        ));
        assert!(matches!(
            Project::open(&folder),
            Err(DataError::NotAProject { .. })
        ));
        fs::rename(&moved, &folder).unwrap();
        label(&mut project).unwrap();
    }

    #[test]
    fn a_disk_that_does_not_answer_is_told_as_one() {
        let failure = |code| {
            let failure = rusqlite::ffi::Error::new(code);
            DataError::from(rusqlite::Error::SqliteFailure(failure, None))
        };
        for code in [
            rusqlite::ffi::SQLITE_IOERR_READ,
            rusqlite::ffi::SQLITE_IOERR_WRITE,
            rusqlite::ffi::SQLITE_IOERR_FSYNC,
        ] {
            assert!(matches!(failure(code), DataError::Unreachable));
        }
        for code in [rusqlite::ffi::SQLITE_READONLY, rusqlite::ffi::SQLITE_CANTOPEN] {
            assert!(matches!(failure(code), DataError::ReadOnly));
        }
    }

    #[test]
    fn a_full_disk_takes_nothing_away() {
        let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
        let pages: u32 = project
            .db
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        project
            .db
            .pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(()))
            .unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            file.path(),
            format!("text,label\n{}", "some text,x\n".repeat(5_000)),
        )
        .unwrap();
        let roles = options(&[ColumnRole::Text, ColumnRole::Label]);
        let result = project.import(file.path(), &roles, &mut |_, _| true);
        assert!(matches!(result, Err(DataError::DiskFull)), "{result:?}");
        assert_eq!(project.summary().unwrap().rows, 2);
    }

    /// A project as the first version left it: two labelled rows, one label taken back, a run's answers, and an audit
    /// entry whose hashes were computed apart from this code, by the first version's rule.
    fn of_the_first_format(folder: &Path) {
        const LABELS: &str = r#"{"from":1,"to":4,"annotations":2,"sha256":"92e57f9f0bea87d586f35d7f5bc4ce9ae9ec554ec6ffa8091dc6928420fde256"}"#;
        const ENTRY: &str = "5043d04af24df7e823e49b8dcf13f4684392d342efbef6809d473f2c67f57672";
        fs::create_dir_all(folder).unwrap();
        let db = connect(folder, OpenFlags::SQLITE_OPEN_CREATE).unwrap();
        db.execute_batch(MIGRATIONS[0]).unwrap();
        db.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = 1;
             INSERT INTO setting VALUES ('name', 'old');
             INSERT INTO source VALUES (1, 'a.csv', 1, '', '{{}}', '[]', 3, 0, '');
             INSERT INTO label (id, name, colour, key) VALUES (3, 'x', 0, '1'), (5, 'y', 1, '2');
             INSERT INTO example VALUES (1, 1, 1, 1, x'00', NULL, NULL), (2, 1, 2, 1, x'01', NULL, NULL), (3, 1, 3, 1, x'02', NULL, NULL);
             INSERT INTO content VALUES (1, NULL, '[]', 'a'), (2, NULL, '[]', 'b'), (3, NULL, '[]', 'c');
             INSERT INTO annotation VALUES
                 (1, 1, 3, NULL, 'import', NULL, 'import', 't1'), (2, 2, 5, NULL, 'import', NULL, 'import', 't1'),
                 (3, 1, 5, 3, 'set', NULL, 'person', 't2'), (4, 1, 3, 5, 'undo', 3, 'person', 't3');
             INSERT INTO state VALUES (1, 3, NULL, 0), (2, 5, NULL, 2), (3, NULL, NULL, NULL);
             INSERT INTO run VALUES (1, 'r1', 'finished', 'm', '', '{{}}', NULL, NULL, NULL);
             INSERT INTO prediction VALUES ('r1', 2, 2, 1, 0, 0.75, x'0000803E0000403F');
             INSERT INTO audit VALUES (1, 't4', 'labels', '{LABELS}', '', '{ENTRY}');"
        ))
        .unwrap();
    }

    #[test]
    fn a_project_of_the_first_format_keeps_everything() {
        let place = folder();
        let path = place.path().join("old.understudy");
        of_the_first_format(&path);
        let mut project = Project::open(&path).unwrap();
        let labels = |project: &Project, id| project.example(id).unwrap().labels;
        assert_eq!(
            [1, 2, 3].map(|id| labels(&project, id)),
            [Some(vec![3]), Some(vec![5]), None]
        );
        let history = project.example(1).unwrap().history;
        let seen: Vec<_> = history.into_iter().map(|entry| entry.labels.unwrap()).collect();
        assert_eq!(seen, [[3], [5], [3]]);
        let answers = project.predictions("r1", crate::types::Part::Test).unwrap();
        assert_eq!((&answers[0].gold, &answers[0].predicted), (&vec![1], &vec![0]));
        assert_eq!(answers[0].unfamiliar, None, "nobody noted it then");
        let audit = project.verify_audit().unwrap();
        assert_eq!(
            (audit.entries, audit.broken),
            (1, None),
            "the log of labels still holds"
        );
        assert_eq!(project.redo_annotation("person").unwrap().example, Some(1));
        project.annotate(3, Some(&[5]), "person").unwrap();
        assert_eq!(project.label_state().unwrap().labels[1].count, 3);
        assert!(
            project.db.execute_batch("DELETE FROM annotation").is_err(),
            "the guards are there again"
        );
        let broken: Vec<String> = project
            .db
            .prepare("PRAGMA foreign_key_check")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert_eq!(broken, [] as [String; 0]);
    }
}
