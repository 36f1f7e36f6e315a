//! The models on this machine: one folder a model, verified against its manifest.
//!
//! ```text
//! ROOT/OWNER--NAME/             a model, complete: folders appear here only by a rename
//! ROOT/.partial/OWNER--NAME/    what has arrived of a model so far
//! ROOT/.verified/OWNER--NAME.json
//! ROOT/.lock                    held by whoever puts a model in
//! ```

use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use crate::staging::Staging;
use crate::verified::Verified;
use crate::{HubError, Manifest, ModelCard, catalogue};

/// A folder of models. Several programs may use the same one at the same time.
#[derive(Debug, Clone)]
pub struct Library {
    root: PathBuf,
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

    /// All supported models, installed or not.
    ///
    /// # Errors
    /// [`HubError::Io`] when the library cannot be read. A damaged model is told as not installed.
    pub fn models(&self) -> Result<Vec<ModelCard>, HubError> {
        catalogue::cards()?
            .into_iter()
            .map(|card| self.with_folder(card))
            .collect()
    }

    /// The card of one model.
    ///
    /// # Errors
    /// [`HubError::UnknownModel`]; else as [`Library::models`].
    pub fn find(&self, id: &str) -> Result<ModelCard, HubError> {
        let card = catalogue::cards()?.into_iter().find(|card| card.id == id);
        card.ok_or_else(|| HubError::UnknownModel { id: id.to_owned() })
            .and_then(|card| self.with_folder(card))
    }

    /// The folder of an installed model, verified. Files are hashed only when they have changed.
    ///
    /// # Errors
    /// [`HubError::UnknownModel`], [`HubError::NotInstalled`], and what is wrong with a damaged one:
    /// [`HubError::MissingFile`], [`HubError::WrongSize`], [`HubError::WrongHash`].
    pub fn folder(&self, id: &str) -> Result<PathBuf, HubError> {
        self.complete(&Manifest::find(id)?)
    }

    /// Hashes every file of an installed model, whatever is remembered of it.
    ///
    /// # Errors
    /// As [`Library::folder`].
    pub fn verify(&self, id: &str) -> Result<(), HubError> {
        self.check(&Manifest::find(id)?, Verified::default()).map(drop)
    }

    /// Copies a model's files out of a folder that the user has, verified, and returns their new folder.
    /// Nothing is copied when the model is already installed.
    ///
    /// # Errors
    /// [`HubError::UnknownModel`], what is wrong with the files at `from` (as [`Library::folder`]),
    /// [`HubError::DiskFull`], [`HubError::Io`].
    pub fn add(&self, from: &Path, id: &str) -> Result<PathBuf, HubError> {
        self.add_as(from, &Manifest::find(id)?)
    }

    pub(crate) fn add_as(&self, from: &Path, manifest: &Manifest) -> Result<PathBuf, HubError> {
        if self.is_complete(manifest)? {
            return Ok(self.folder_path(manifest));
        }
        let never = AtomicBool::new(false);
        let staging = Staging::open(self, manifest, self.lock(&never)?)?;
        let origin = from.display().to_string();
        for file in &manifest.files {
            let (source, part) = (from.join(&file.path), staging.part(file)?);
            file.pinned().check(&source, &origin, &never)?;
            copy(&source, &part).map_err(HubError::writing(&part, file.bytes))?;
            staging.accept(file, &origin, &never)?;
        }
        staging.place()
    }

    /// The folder of `manifest`'s model, verified.
    pub(crate) fn complete(&self, manifest: &Manifest) -> Result<PathBuf, HubError> {
        self.check(manifest, Verified::load(&self.memory(manifest)))
    }

    /// Whether `manifest`'s model is installed and undamaged.
    pub(crate) fn is_complete(&self, manifest: &Manifest) -> Result<bool, HubError> {
        match self.complete(manifest) {
            Ok(_) => Ok(true),
            Err(
                HubError::NotInstalled { .. }
                | HubError::MissingFile { .. }
                | HubError::WrongSize { .. }
                | HubError::WrongHash { .. },
            ) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits until no other program puts a model in. The lock lasts as long as the returned file, and
    /// ends with the process however that ends.
    pub(crate) fn lock(&self, cancelled: &AtomicBool) -> Result<File, HubError> {
        fs::create_dir_all(&self.root).map_err(HubError::io(&self.root))?;
        let path = self.root.join(".lock");
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(HubError::io(&path))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(HubError::Io { path, error }),
                Err(TryLockError::WouldBlock) if cancelled.load(Ordering::Relaxed) => {
                    return Err(HubError::Cancelled);
                }
                Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(100)),
            }
        }
    }

    pub(crate) fn folder_path(&self, manifest: &Manifest) -> PathBuf {
        self.root.join(manifest.folder_name())
    }

    pub(crate) fn partial_path(&self, manifest: &Manifest) -> PathBuf {
        self.root.join(".partial").join(manifest.folder_name())
    }

    fn memory(&self, manifest: &Manifest) -> PathBuf {
        self.root.join(".verified").join(manifest.folder_name() + ".json")
    }

    fn check(&self, manifest: &Manifest, remembered: Verified) -> Result<PathBuf, HubError> {
        let folder = self.folder_path(manifest);
        if !folder.try_exists().map_err(HubError::io(&folder))? {
            return Err(HubError::NotInstalled {
                id: manifest.id.clone(),
                folder,
            });
        }
        let mut verified = remembered.clone();
        verified.check(&folder, manifest)?;
        if verified != remembered {
            verified.save(&self.memory(manifest))?;
        }
        Ok(folder)
    }

    fn with_folder(&self, mut card: ModelCard) -> Result<ModelCard, HubError> {
        let manifest = Manifest::find(&card.id)?;
        card.installed = self.is_complete(&manifest)?;
        card.folder = card
            .installed
            .then(|| self.folder_path(&manifest).display().to_string());
        Ok(card)
    }
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

/// The content only: `fs::copy` would copy an installer's read-only permission too.
fn copy(source: &Path, target: &Path) -> io::Result<()> {
    io::copy(&mut File::open(source)?, &mut File::create(target)?).map(drop)
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

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn manifest() -> Manifest {
        let files = format!(r#"[{{"path": "sub/abc.txt", "bytes": 3, "sha256": "{ABC}"}}]"#);
        Manifest::parse(&format!(
            r#"{{"id": "o/m", "licence": "MIT", "sources": [], "files": {files}}}"#
        ))
        .unwrap()
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

    #[test]
    fn a_new_library_has_the_starter_model_s_card_but_not_the_model() {
        let (_folder, _, library) = given();
        let id = Manifest::starter().unwrap().id;
        let card = library.find(&id).unwrap();
        assert_eq!((card.installed, card.folder), (false, None));
        assert_eq!(library.models().unwrap().len(), 1);
        assert!(matches!(library.folder(&id), Err(HubError::NotInstalled { .. })));
        assert!(matches!(library.verify(&id), Err(HubError::NotInstalled { .. })));
        assert!(!library.root().exists(), "looking leaves no trace");
    }

    #[test]
    fn an_unknown_model_is_told_by_its_name() {
        let (_folder, from, library) = given();
        for result in [
            library.find("../x").map(drop),
            library.verify("../x"),
            library.add(&from, "../x").map(drop),
        ] {
            assert!(matches!(result, Err(HubError::UnknownModel { id }) if id == "../x"));
        }
    }

    #[test]
    fn a_given_folder_is_copied_without_what_does_not_belong_to_the_model() {
        let (_folder, from, library) = given();
        fs::write(from.join("other.bin"), "x").unwrap();
        let added = library.add_as(&from, &manifest()).unwrap();
        assert_eq!(library.complete(&manifest()).unwrap(), added);
        assert!(!added.join("other.bin").exists());
        assert!(!library.partial_path(&manifest()).exists());
        assert_eq!(fs::read_to_string(from.join("sub/abc.txt")).unwrap(), "abc");
    }

    #[test]
    fn a_given_folder_with_a_missing_or_wrong_file_adds_nothing() {
        let (_folder, from, library) = given();
        fs::write(from.join("sub/abc.txt"), "abd").unwrap();
        let wrong = library.add_as(&from, &manifest());
        assert!(
            matches!(wrong, Err(HubError::WrongHash { origin, .. }) if origin == from.display().to_string())
        );
        fs::remove_file(from.join("sub/abc.txt")).unwrap();
        let missing = library.add_as(&from, &manifest());
        assert!(matches!(missing, Err(HubError::MissingFile { path }) if path.starts_with(&from)));
        assert!(matches!(
            library.complete(&manifest()),
            Err(HubError::NotInstalled { .. })
        ));
    }

    #[test]
    fn a_file_that_was_changed_or_cut_or_lost_is_noticed() {
        let (_folder, from, library) = given();
        let file = library.add_as(&from, &manifest()).unwrap().join("sub/abc.txt");
        // Some file systems count time in steps of two seconds.
        let later = SystemTime::now() + Duration::from_secs(10);

        fs::write(&file, "abd").unwrap();
        File::options()
            .append(true)
            .open(&file)
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert!(matches!(
            library.complete(&manifest()),
            Err(HubError::WrongHash { .. })
        ));
        fs::write(&file, "ab").unwrap();
        assert!(matches!(
            library.complete(&manifest()),
            Err(HubError::WrongSize {
                expected: 3,
                found: 2,
                ..
            })
        ));
        fs::remove_file(&file).unwrap();
        assert!(matches!(
            library.complete(&manifest()),
            Err(HubError::MissingFile { .. })
        ));
        assert!(!library.is_complete(&manifest()).unwrap());
    }

    #[test]
    fn an_unchanged_file_is_not_hashed_again_unless_a_verification_is_asked_for() {
        let (_folder, from, library) = given();
        let file = library.add_as(&from, &manifest()).unwrap().join("sub/abc.txt");
        // Changed behind the library's back: only the hash can tell.
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, "abd").unwrap();
        File::options()
            .append(true)
            .open(&file)
            .unwrap()
            .set_modified(modified)
            .unwrap();

        library.complete(&manifest()).unwrap();
        let hashed = library.check(&manifest(), Verified::default());
        assert!(matches!(hashed, Err(HubError::WrongHash { .. })));
    }

    #[test]
    fn a_damaged_memory_only_costs_a_new_hash() {
        let (_folder, from, library) = given();
        library.add_as(&from, &manifest()).unwrap();
        fs::write(library.memory(&manifest()), "{\"sub").unwrap();
        library.complete(&manifest()).unwrap();
        assert_ne!(fs::read_to_string(library.memory(&manifest())).unwrap(), "{\"sub");
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
