//! The place where a model is put together before it enters the library whole.
//!
//! Whatever stops the work, the library holds either the complete model or none, and what has arrived
//! is found again the next time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::hash::Pinned;
use crate::library::ID_FILE;
use crate::record::Record;
use crate::{HubError, Library, Manifest, ManifestFile};

/// One model's place under `.partial`, with all its files verified once a fetch has given it out. While it lives, no
/// other program brings this model.
#[derive(Debug)]
pub struct Staging<'a> {
    library: &'a Library,
    manifest: &'a Manifest,
    folder: PathBuf,
    origin: String,
    _lock: File,
}

impl<'a> Staging<'a> {
    /// Opens the model's place, with what is left there. `lock` is the model's, held until the end.
    pub(crate) fn open(library: &'a Library, manifest: &'a Manifest, lock: File) -> Result<Self, HubError> {
        let folder = library.partial_path(&manifest.id);
        fs::create_dir_all(&folder).map_err(HubError::io(&folder))?;
        let id = folder.join(ID_FILE);
        fs::write(&id, &manifest.id).map_err(HubError::io(&id))?;
        Ok(Self {
            library,
            manifest,
            folder,
            origin: String::new(),
            _lock: lock,
        })
    }

    /// Takes away what an earlier attempt has left of another version: it would become part of this one.
    pub(crate) fn prune(&self) -> Result<(), HubError> {
        let files = self.files();
        let mut found = Vec::new();
        list(&files, Path::new(""), &mut found)?;
        for name in found {
            let told = name.to_string_lossy().replace('\\', "/");
            if !self.manifest.files.iter().any(|file| file.path == told) {
                remove(&files.join(&name))?;
            }
        }
        Ok(())
    }

    /// Says where the files came from: a host or a path.
    pub(crate) fn came_from(&mut self, origin: &str) {
        origin.clone_into(&mut self.origin);
    }

    /// Where things may lie that are not files of the model.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the model's files. Whoever looks at them before they are placed may add to them and take away.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Where `file` lies once it is accepted.
    pub(crate) fn target(&self, file: &ManifestFile) -> PathBuf {
        self.files().join(&file.path)
    }

    /// Where `file` grows until it is accepted; its folder exists.
    pub(crate) fn part(&self, file: &ManifestFile) -> Result<PathBuf, HubError> {
        let part = part_of(&self.target(file));
        create_parent(&part)?;
        Ok(part)
    }

    /// Takes a whole `file` that came from `origin`; one that is not what it must be is removed.
    pub(crate) fn accept(
        &self,
        file: &ManifestFile,
        origin: &str,
        cancelled: &AtomicBool,
    ) -> Result<(), HubError> {
        accept(&file.pinned(), &self.target(file), origin, cancelled)
    }

    /// Whether `file` has been accepted before and is still what it must be.
    pub(crate) fn has(&self, file: &ManifestFile, cancelled: &AtomicBool) -> Result<bool, HubError> {
        holds(&file.pinned(), &self.target(file), cancelled)
    }

    /// Bytes of the model that have not arrived yet.
    pub(crate) fn missing_bytes(&self, cancelled: &AtomicBool) -> Result<u64, HubError> {
        let mut missing = 0;
        for file in &self.manifest.files {
            if !self.has(file, cancelled)? {
                missing += file
                    .bytes
                    .saturating_sub(crate::segments::arrived(&part_of(&self.target(file)))?);
            }
        }
        Ok(missing)
    }

    /// Moves the complete model into the library, in the place of a damaged or older one, writes down what it is, and
    /// clears up. Returns its folder.
    ///
    /// # Errors
    /// [`HubError::Taken`] when another model has its folder; [`HubError::Io`].
    pub fn place(self) -> Result<PathBuf, HubError> {
        let _lock = self.library.lock(&AtomicBool::new(false))?;
        self.library.refuse_another(&self.manifest.id)?;
        let target = self.library.folder_path(&self.manifest.id);
        let record = Record::of_folder(self.manifest, &self.files(), &self.origin)?;
        if target.try_exists().map_err(HubError::io(&target))? {
            let replaced = self.folder.join("replaced");
            remove(&replaced)?;
            fs::rename(&target, &replaced).map_err(HubError::io(&target))?;
        }
        // Between these two steps the model counts as damaged (or, the starter model, as itself), never as another.
        record.save(self.library)?;
        fs::rename(self.files(), &target).map_err(HubError::io(&target))?;
        sync_folder(self.library.root())?;
        remove(&self.folder)?;
        self.library.folder(&self.manifest.id)
    }

    /// Gives up what has arrived: it is not what it was said to be.
    ///
    /// # Errors
    /// [`HubError::Io`].
    pub fn discard(self) -> Result<(), HubError> {
        remove(&self.folder)
    }
}

/// The names of all files in a folder and below; links are told, not followed.
pub(crate) fn list(folder: &Path, below: &Path, names: &mut Vec<PathBuf>) -> Result<(), HubError> {
    let at = folder.join(below);
    let entries = match fs::read_dir(&at) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(HubError::io(&at))?,
    };
    for entry in entries {
        let entry = entry.map_err(HubError::io(&at))?;
        let name = below.join(entry.file_name());
        if entry.file_type().map_err(HubError::io(&at))?.is_dir() {
            list(folder, &name, names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

/// Where `target` grows until it is accepted.
pub(crate) fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Renames the part of `target` to `target` once it is what it must be and safely on disk; removes it
/// when it is not.
pub(crate) fn accept(
    pinned: &Pinned<'_>,
    target: &Path,
    origin: &str,
    cancelled: &AtomicBool,
) -> Result<(), HubError> {
    let part = part_of(target);
    match pinned.check(&part, origin, cancelled) {
        Err(wrong @ (HubError::WrongHash { .. } | HubError::WrongSize { .. })) => {
            remove(&part)?;
            Err(wrong)
        }
        Err(error) => Err(error),
        Ok(()) => {
            let file = File::options()
                .append(true)
                .open(&part)
                .map_err(HubError::io(&part))?;
            file.sync_all().map_err(HubError::io(&part))?;
            fs::rename(&part, target).map_err(HubError::io(target))
        }
    }
}

/// Whether `target` is there and is what it must be; one that is not is removed.
pub(crate) fn holds(pinned: &Pinned<'_>, target: &Path, cancelled: &AtomicBool) -> Result<bool, HubError> {
    match pinned.check(target, "", cancelled) {
        Ok(()) => Ok(true),
        Err(HubError::MissingFile { .. }) => Ok(false),
        Err(HubError::WrongHash { .. } | HubError::WrongSize { .. }) => remove(target).map(|()| false),
        Err(error) => Err(error),
    }
}

/// The length of a file in bytes; 0 when there is none.
pub(crate) fn length(path: &Path) -> Result<u64, HubError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(HubError::Io {
            path: path.to_path_buf(),
            error,
        }),
    }
}

pub(crate) fn create_parent(path: &Path) -> Result<(), HubError> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .map_err(HubError::io(path))
}

/// Removes a file or a folder, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), HubError> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(HubError::Io {
            path: path.to_path_buf(),
            error,
        }),
        _ => Ok(()),
    }
}

// A rename is safe from a power cut only when its folder is on disk. Windows has no such call.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), HubError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(HubError::io(folder))
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), HubError> {
    Ok(())
}
