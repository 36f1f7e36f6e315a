//! The models on this machine: one folder a model, verified against what was written down when it came.
//!
//! ```text
//! ROOT/OWNER--NAME/             a model, complete: folders appear here only by a rename
//! ROOT/.records/OWNER--NAME.json   its files with their hashes, and whence it came
//! ROOT/.partial/OWNER--NAME/    what has arrived of a model so far
//! ROOT/.partial/OWNER--NAME.lock   held by whoever brings it
//! ROOT/.verified/OWNER--NAME.json
//! ROOT/.lock                    held for the moment in which a model enters or leaves, and while the library moves
//! ```

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use crate::manifest::{check_id, folder_name};
use crate::record::Record;
use crate::staging::{create_parent, remove};
use crate::verified::Verified;
use crate::{HubError, Manifest};

/// A folder of models. Several programs may use the same one at the same time.
#[derive(Debug, Clone)]
pub struct Library {
    root: PathBuf,
}

/// A model whose download was begun and is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// The model.
    pub id: String,
    /// Bytes of its files that have arrived.
    pub bytes: u64,
}

impl Library {
    /// The library at `root`, which need not exist yet.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder that holds the models.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All models that are here, also damaged ones, by id.
    ///
    /// # Errors
    /// [`HubError::Io`] when the library cannot be read. A record that cannot be read is passed over: its model can be
    /// fetched or added again.
    pub fn installed(&self) -> Result<Vec<Record>, HubError> {
        let mut records: Vec<Record> = names(&self.root.join(".records"))?
            .iter()
            .filter_map(|path| Record::read(path).ok())
            .collect();
        let starter = Manifest::starter()?;
        if records.iter().all(|record| record.id != starter.id) {
            records.push(Record::of_manifest(&starter));
        }
        records.retain(|record| self.folder_path(&record.id).is_dir());
        records.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(records)
    }

    /// What is known of a model that is here.
    ///
    /// # Errors
    /// [`HubError::UnknownModel`] for a name that no model can have, [`HubError::NotInstalled`],
    /// [`HubError::Unreadable`].
    pub fn record(&self, id: &str) -> Result<Record, HubError> {
        check_id(id)?;
        let folder = self.folder_path(id);
        let absent = || HubError::NotInstalled {
            id: id.to_owned(),
            folder: folder.clone(),
        };
        if !folder.try_exists().map_err(HubError::io(&folder))? {
            return Err(absent());
        }
        match Record::read(&self.record_path(id)) {
            // Two ids can have the same folder name; then the folder is the other's.
            Ok(record) if record.id == id => Ok(record),
            Ok(_) => Err(absent()),
            Err(HubError::MissingFile { .. }) => Manifest::built_in(id)
                .map(|manifest| Record::of_manifest(&manifest))
                .ok_or_else(absent),
            Err(error) => Err(error),
        }
    }

    /// The folder of an installed model, verified. Files are hashed only when they have changed.
    ///
    /// # Errors
    /// As [`Library::record`], and what is wrong with a damaged model:
    /// [`HubError::MissingFile`], [`HubError::WrongSize`], [`HubError::WrongHash`].
    pub fn folder(&self, id: &str) -> Result<PathBuf, HubError> {
        let record = self.record(id)?;
        self.check(&record, Verified::load(&self.memory(id)))
    }

    /// Hashes every file of an installed model, whatever is remembered of it.
    ///
    /// # Errors
    /// As [`Library::folder`].
    pub fn verify(&self, id: &str) -> Result<(), HubError> {
        self.check(&self.record(id)?, Verified::default()).map(drop)
    }

    /// Whether a model is here and undamaged.
    ///
    /// # Errors
    /// [`HubError::Io`].
    pub fn has(&self, id: &str) -> Result<bool, HubError> {
        match self.folder(id) {
            Ok(_) => Ok(true),
            Err(
                HubError::UnknownModel { .. }
                | HubError::NotInstalled { .. }
                | HubError::MissingFile { .. }
                | HubError::Unreadable { .. }
                | HubError::WrongSize { .. }
                | HubError::WrongHash { .. },
            ) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether `manifest`'s model is here, undamaged, and of the same revision.
    pub(crate) fn has_all(&self, manifest: &Manifest) -> Result<bool, HubError> {
        if !self.has(&manifest.id)? {
            return Ok(false);
        }
        let record = self.record(&manifest.id)?;
        Ok(match manifest.revision() {
            Some(revision) => record.revision.as_deref() == Some(revision),
            // Of a model that never was on the hub there are no versions: only the same files are the same model.
            None => record.files == manifest.files,
        })
    }

    /// Removes a model, and what has arrived of it. Nothing happens when it is not there.
    ///
    /// # Errors
    /// [`HubError::UnknownModel`] for a name that no model can have, [`HubError::Busy`] while it is being brought,
    /// [`HubError::Io`].
    pub fn remove(&self, id: &str) -> Result<(), HubError> {
        check_id(id)?;
        let _locks = (
            self.at_once(&self.model_lock(id))?,
            self.at_once(&self.lock_path())?,
        );
        self.remove_locked(id)
    }

    pub(crate) fn remove_locked(&self, id: &str) -> Result<(), HubError> {
        self.refuse_another(id)?;
        // The record goes last: until then the model counts as damaged, and can be removed again.
        for path in [
            self.partial_path(id),
            self.folder_path(id),
            self.memory(id),
            self.record_path(id),
        ] {
            remove(&path)?;
        }
        Ok(())
    }

    /// Gives up what has arrived of a model so far.
    ///
    /// # Errors
    /// As [`Library::remove`].
    pub fn discard(&self, id: &str) -> Result<(), HubError> {
        check_id(id)?;
        let _lock = self.at_once(&self.model_lock(id))?;
        remove(&self.partial_path(id))
    }

    /// On a file system that does not tell large letters from small ones, two models can have one folder.
    pub(crate) fn refuse_another(&self, id: &str) -> Result<(), HubError> {
        match Record::read(&self.record_path(id)) {
            Ok(record) if record.id != id => Err(HubError::Taken {
                path: self.folder_path(id),
            }),
            _ => Ok(()),
        }
    }

    /// Models that are here by their records, but not whole any more.
    ///
    /// # Errors
    /// [`HubError::Io`].
    pub fn damaged(&self) -> Result<Vec<Record>, HubError> {
        let mut damaged = Vec::new();
        for record in self.installed()? {
            if !self.has(&record.id)? {
                damaged.push(record);
            }
        }
        Ok(damaged)
    }

    /// Downloads that were begun and are not done.
    ///
    /// # Errors
    /// [`HubError::Io`].
    pub fn partial(&self) -> Result<Vec<Partial>, HubError> {
        let mut partial = Vec::new();
        for folder in names(&self.root.join(".partial"))?
            .into_iter()
            .filter(|path| path.is_dir())
        {
            let id = fs::read_to_string(folder.join(ID_FILE)).unwrap_or_default();
            if check_id(&id).is_ok() {
                let bytes = size_below(&folder.join("files"))?;
                partial.push(Partial { id, bytes });
            }
        }
        Ok(partial)
    }

    /// Waits until nobody else puts a model in or takes one out.
    pub(crate) fn lock(&self, cancelled: &AtomicBool) -> Result<File, HubError> {
        lock(&self.lock_path(), cancelled)
    }

    /// Waits until nobody else brings this model.
    pub(crate) fn lock_model(&self, id: &str, cancelled: &AtomicBool) -> Result<File, HubError> {
        lock(&self.model_lock(id), cancelled)
    }

    /// A lock at once, for what a user waits for.
    pub(crate) fn at_once(&self, path: &Path) -> Result<File, HubError> {
        match lock(path, &AtomicBool::new(true)) {
            Err(HubError::Cancelled) => Err(HubError::Busy),
            lock => lock,
        }
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.root.join(".lock")
    }

    pub(crate) fn model_lock(&self, id: &str) -> PathBuf {
        self.root.join(".partial").join(folder_name(id) + ".lock")
    }

    pub(crate) fn folder_path(&self, id: &str) -> PathBuf {
        self.root.join(folder_name(id))
    }

    pub(crate) fn partial_path(&self, id: &str) -> PathBuf {
        self.root.join(".partial").join(folder_name(id))
    }

    pub(crate) fn record_path(&self, id: &str) -> PathBuf {
        self.root.join(".records").join(folder_name(id) + ".json")
    }

    fn memory(&self, id: &str) -> PathBuf {
        self.root.join(".verified").join(folder_name(id) + ".json")
    }

    fn check(&self, record: &Record, remembered: Verified) -> Result<PathBuf, HubError> {
        let folder = self.folder_path(&record.id);
        let mut verified = remembered.clone();
        verified.check(&folder, &record.files)?;
        if verified != remembered {
            verified.save(&self.memory(&record.id))?;
        }
        Ok(folder)
    }
}

/// Waits for a lock, which lasts as long as the returned file and ends with the process however that ends.
fn lock(path: &Path, cancelled: &AtomicBool) -> Result<File, HubError> {
    create_parent(path)?;
    let file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(HubError::io(path))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(HubError::io(path)(error)),
            Err(TryLockError::WouldBlock) if cancelled.load(Ordering::Relaxed) => {
                return Err(HubError::Cancelled);
            }
            Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(100)),
        }
    }
}

/// The file in a model's place under `.partial` that says which it is.
pub(crate) const ID_FILE: &str = "id";

/// What lies in a folder that need not exist.
fn names(folder: &Path) -> Result<Vec<PathBuf>, HubError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(HubError::io(folder))?,
    };
    entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(HubError::io(folder)))
        .collect()
}

/// Length of all files in a folder and below.
fn size_below(folder: &Path) -> Result<u64, HubError> {
    let mut bytes = 0;
    for path in names(folder)? {
        let metadata = fs::symlink_metadata(&path).map_err(HubError::io(&path))?;
        bytes += if metadata.is_dir() {
            size_below(&path)?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}

/// Where this user's models are: `UNDERSTUDY_MODELS` when set, else `understudy/models` in the system's
/// folder for a user's local data (in the folder for temporary files when the user has no home).
#[must_use]
pub fn default_library_root() -> PathBuf {
    set("UNDERSTUDY_MODELS").unwrap_or_else(|| {
        data_folder()
            .unwrap_or_else(env::temp_dir)
            .join("understudy")
            .join("models")
    })
}

#[cfg(windows)]
fn data_folder() -> Option<PathBuf> {
    set("LOCALAPPDATA").or_else(|| Some(env::home_dir()?.join("AppData").join("Local")))
}

#[cfg(target_os = "macos")]
fn data_folder() -> Option<PathBuf> {
    Some(env::home_dir()?.join("Library").join("Application Support"))
}

// The XDG specification: a path that is not absolute is to be ignored.
#[cfg(not(any(windows, target_os = "macos")))]
fn data_folder() -> Option<PathBuf> {
    let given = set("XDG_DATA_HOME").filter(|path| path.is_absolute());
    given.or_else(|| Some(env::home_dir()?.join(".local").join("share")))
}

fn set(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use tempfile::TempDir;

    use super::*;
    use crate::{Network, Source, fetch};

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn manifest(from: &Path) -> Manifest {
        let files = format!(r#"[{{"path": "sub/abc.txt", "bytes": 3, "sha256": "{ABC}"}}]"#);
        let mut manifest = Manifest::parse(&format!(
            r#"{{"id": "o/m", "licence": "MIT", "sources": [], "files": {files}}}"#
        ))
        .unwrap();
        manifest.sources = vec![Source::Folder {
            path: from.to_owned(),
        }];
        manifest
    }

    /// A folder that holds the model as a user may have it, and an empty library.
    fn given() -> (TempDir, PathBuf, Library) {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("given");
        fs::create_dir_all(from.join("sub")).unwrap();
        fs::write(from.join("sub/abc.txt"), "abc").unwrap();
        let library = Library::new(folder.path().join("models"));
        (folder, from, library)
    }

    fn add(from: &Path, library: &Library) -> Result<PathBuf, HubError> {
        let network = Network::closed();
        let never = AtomicBool::new(false);
        fetch(&manifest(from), library, &network, &mut |_| (), &never)?.place()
    }

    #[test]
    fn a_new_library_has_nothing_and_looking_leaves_no_trace() {
        let (_folder, _, library) = given();
        let id = Manifest::starter().unwrap().id;
        assert_eq!(library.installed().unwrap(), []);
        assert_eq!(library.partial().unwrap(), []);
        assert!(matches!(library.folder(&id), Err(HubError::NotInstalled { .. })));
        assert!(matches!(library.verify(&id), Err(HubError::NotInstalled { .. })));
        assert!(!library.root().exists());
    }

    #[test]
    fn a_name_that_climbs_out_of_the_library_is_no_model() {
        let (folder, _, library) = given();
        fs::write(folder.path().join("x"), "precious").unwrap();
        for result in [
            library.record("../x").map(drop),
            library.verify("../x"),
            library.remove("../x"),
            library.discard("../x"),
        ] {
            assert!(matches!(result, Err(HubError::UnknownModel { id }) if id == "../x"));
        }
        assert!(folder.path().join("x").exists());
    }

    #[test]
    fn a_given_folder_is_copied_without_what_does_not_belong_to_the_model() {
        let (_folder, from, library) = given();
        fs::write(from.join("other.bin"), "x").unwrap();
        let added = add(&from, &library).unwrap();
        assert_eq!(library.folder("o/m").unwrap(), added);
        assert!(!added.join("other.bin").exists());
        assert!(!library.partial_path("o/m").exists());
        assert_eq!(fs::read_to_string(from.join("sub/abc.txt")).unwrap(), "abc");
        let installed = library.installed().unwrap();
        let told = (installed[0].id.as_str(), installed[0].bytes());
        assert_eq!((installed.len(), told), (1, ("o/m", 3)));
        assert_eq!(installed[0].origin, from.display().to_string());
    }

    #[test]
    fn a_given_folder_with_a_missing_or_wrong_file_adds_nothing() {
        let (_folder, from, library) = given();
        fs::write(from.join("sub/abc.txt"), "abd").unwrap();
        let wrong = add(&from, &library);
        assert!(
            matches!(&wrong, Err(HubError::WrongHash { origin, .. }) if *origin == from.display().to_string()),
            "{wrong:?}"
        );
        fs::remove_file(from.join("sub/abc.txt")).unwrap();
        let missing = add(&from, &library);
        assert!(matches!(missing, Err(HubError::MissingFile { path }) if path.starts_with(&from)));
        assert!(!library.has("o/m").unwrap());
    }

    #[test]
    fn a_removed_model_is_gone_and_can_come_again() {
        let (_folder, from, library) = given();
        let added = add(&from, &library).unwrap();
        library.remove("o/m").unwrap();
        assert!(!added.exists() && library.installed().unwrap().is_empty());
        library.remove("o/m").unwrap();
        assert_eq!(add(&from, &library).unwrap(), added);
    }

    #[test]
    fn a_folder_that_is_another_model_s_is_neither_taken_for_this_one_nor_touched() {
        let (_folder, from, library) = given();
        let placed = add(&from, &library).unwrap();
        // As on a file system that does not tell large letters from small ones.
        let record = fs::read_to_string(library.record_path("o/m")).unwrap();
        fs::write(library.record_path("o/m"), record.replace("\"o/m\"", "\"O/M\"")).unwrap();
        assert!(matches!(
            library.folder("o/m"),
            Err(HubError::NotInstalled { .. })
        ));
        assert!(matches!(library.remove("o/m"), Err(HubError::Taken { .. })));
        assert!(matches!(add(&from, &library), Err(HubError::Taken { .. })));
        assert!(placed.join("sub/abc.txt").exists());
    }

    #[test]
    fn a_file_that_was_changed_or_cut_or_lost_is_noticed() {
        let (_folder, from, library) = given();
        let file = add(&from, &library).unwrap().join("sub/abc.txt");
        // Some file systems count time in steps of two seconds.
        let later = SystemTime::now() + Duration::from_secs(10);

        fs::write(&file, "abd").unwrap();
        File::options()
            .append(true)
            .open(&file)
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert!(matches!(library.folder("o/m"), Err(HubError::WrongHash { .. })));
        fs::write(&file, "ab").unwrap();
        assert!(matches!(
            library.folder("o/m"),
            Err(HubError::WrongSize {
                expected: 3,
                found: 2,
                ..
            })
        ));
        fs::remove_file(&file).unwrap();
        assert!(matches!(library.folder("o/m"), Err(HubError::MissingFile { .. })));
        assert!(!library.has("o/m").unwrap());
        // A damaged model is replaced by a sound one.
        add(&from, &library).unwrap();
        assert!(library.has("o/m").unwrap());
    }

    #[test]
    fn an_unchanged_file_is_not_hashed_again_unless_a_verification_is_asked_for() {
        let (_folder, from, library) = given();
        let file = add(&from, &library).unwrap().join("sub/abc.txt");
        // Changed behind the library's back: only the hash can tell.
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, "abd").unwrap();
        File::options()
            .append(true)
            .open(&file)
            .unwrap()
            .set_modified(modified)
            .unwrap();

        library.folder("o/m").unwrap();
        assert!(matches!(library.verify("o/m"), Err(HubError::WrongHash { .. })));
    }

    #[test]
    fn a_damaged_memory_only_costs_a_new_hash() {
        let (_folder, from, library) = given();
        add(&from, &library).unwrap();
        fs::write(library.memory("o/m"), "{\"sub").unwrap();
        library.folder("o/m").unwrap();
        assert_ne!(fs::read_to_string(library.memory("o/m")).unwrap(), "{\"sub");
    }

    #[test]
    fn a_damaged_record_is_told_and_the_model_can_be_added_again() {
        let (_folder, from, library) = given();
        add(&from, &library).unwrap();
        fs::write(library.record_path("o/m"), "{").unwrap();
        assert!(matches!(library.folder("o/m"), Err(HubError::Unreadable { .. })));
        add(&from, &library).unwrap();
        assert!(library.has("o/m").unwrap());
    }

    #[test]
    fn the_default_library_lies_in_a_folder_of_its_own() {
        let root = default_library_root();
        assert!(
            env::var_os("UNDERSTUDY_MODELS").is_some() || root.ends_with("understudy/models"),
            "{root:?}"
        );
    }
}
