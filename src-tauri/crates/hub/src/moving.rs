//! A model out of the library to another machine, and the library to another disk.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::fetch::{Arrival, Progress, fetch};
use crate::given::EXPORT_RECORD;
use crate::staging::remove;
use crate::{HubError, Library, Network, Record, Source};

impl Library {
    /// Writes an installed model, verified, as one zip archive that [`crate::given`] takes in on another machine.
    /// `replace` says whether a file of that name may go.
    ///
    /// # Errors
    /// As [`Library::folder`]; [`HubError::Taken`] when there is such a file, [`HubError::DiskFull`],
    /// [`HubError::Cancelled`], [`HubError::Io`].
    pub fn export(
        &self,
        id: &str,
        target: &Path,
        replace: bool,
        progress: &mut dyn FnMut(u64, u64),
        cancelled: &AtomicBool,
    ) -> Result<(), HubError> {
        let (folder, record) = (self.folder(id)?, self.record(id)?);
        if target.exists() && !replace {
            return Err(HubError::Taken {
                path: target.to_owned(),
            });
        }
        // A name that nobody else has: what lies beside the target is the user's.
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let part = target.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = File::create_new(&part).map_err(HubError::io(&part))?;
        let result = write_archive(file, &part, &folder, &record, progress, cancelled)
            .and_then(|()| fs::rename(&part, target).map_err(HubError::io(target)));
        if result.is_err() {
            remove(&part)?;
        }
        result
    }

    /// Copies all whole models to a library at `root`, each verified on both sides; then tells `point` where they are from
    /// now on; only then removes them here. Whenever it is stopped, one of the two libraries is whole and pointed to.
    /// Damaged models and half downloads stay behind.
    ///
    /// # Errors
    /// [`HubError::Taken`] when `root` is this library, lies in it, or has something else in it, another model of the same
    /// name among it; [`HubError::Busy`] while a model is being brought; as [`fetch`]; what `point` says.
    pub fn move_to<E: From<HubError>>(
        &self,
        root: &Path,
        point: impl FnOnce(&Path) -> Result<(), E>,
        progress: &mut dyn FnMut(u64, u64),
        cancelled: &AtomicBool,
    ) -> Result<Library, E> {
        let _lock = self.at_once(&self.lock_path())?;
        for partial in self.partial()? {
            drop(self.at_once(&self.model_lock(&partial.id))?);
        }
        let new = self.elsewhere(root)?;
        let mut records = Vec::new();
        for record in self.installed()? {
            if self.has(&record.id)? {
                records.push(record);
            }
        }
        for record in &records {
            let there = new.record(&record.id);
            if there.is_ok_and(|there| there.files != record.files) {
                return Err(HubError::Taken {
                    path: new.folder_path(&record.id),
                }
                .into());
            }
        }
        let total = records.iter().map(Record::bytes).sum();
        let mut before = 0;
        for record in &records {
            let from = self.folder(&record.id)?;
            let manifest = record.manifest(vec![Source::Folder { path: from }]);
            let mut tell = |part: Progress<'_>| progress(before + part.done, total);
            let arrival = fetch(&manifest, &new, &Network::closed(), &mut tell, cancelled)?;
            let came = matches!(arrival, Arrival::New(_));
            arrival.place()?;
            if came {
                // What is known of it moves with it.
                record.save(&new)?;
            }
            before += record.bytes();
        }
        point(new.root())?;
        for record in &records {
            self.remove_locked(&record.id)?;
        }
        Ok(new)
    }

    /// The library at another place than this one, however the two are written.
    fn elsewhere(&self, root: &Path) -> Result<Library, HubError> {
        let taken = || HubError::Taken {
            path: root.to_owned(),
        };
        if fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some())
            && !root.join(".lock").exists()
        {
            return Err(taken());
        }
        fs::create_dir_all(root).map_err(HubError::io(root))?;
        let there = fs::canonicalize(root).map_err(HubError::io(root))?;
        let here = fs::canonicalize(self.root()).map_err(HubError::io(self.root()))?;
        if there.starts_with(&here) || here.starts_with(&there) {
            return Err(taken());
        }
        let new = Library::new(there);
        // From now on it is known as a library, also when it is not done.
        drop(new.at_once(&new.lock_path())?);
        Ok(new)
    }
}

fn write_archive(
    file: File,
    part: &Path,
    folder: &Path,
    record: &Record,
    progress: &mut dyn FnMut(u64, u64),
    cancelled: &AtomicBool,
) -> Result<(), HubError> {
    let mut archive = ZipWriter::new(file);
    // Weights do not get smaller, and a model may be larger than 4 GiB.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(true);
    let (mut done, mut buffer) = (0, vec![0; 1 << 20]);
    for file in &record.files {
        let path = folder.join(&file.path);
        let mut source = File::open(&path).map_err(HubError::io(&path))?;
        archive.start_file(&file.path, options).map_err(zipped(part))?;
        loop {
            if cancelled.load(Ordering::Relaxed) {
                return Err(HubError::Cancelled);
            }
            let read = source.read(&mut buffer).map_err(HubError::io(&path))?;
            if read == 0 {
                break;
            }
            archive
                .write_all(&buffer[..read])
                .map_err(HubError::writing(part, record.bytes() - done))?;
            done += read as u64;
            progress(done, record.bytes());
        }
    }
    archive.start_file(EXPORT_RECORD, options).map_err(zipped(part))?;
    let json = serde_json::to_vec_pretty(record).map_err(|error| HubError::io(part)(error.into()))?;
    archive.write_all(&json).map_err(HubError::writing(part, 0))?;
    let file = archive.finish().map_err(zipped(part))?;
    file.sync_all().map_err(HubError::io(part))
}

fn zipped(path: &Path) -> impl FnOnce(zip::result::ZipError) -> HubError {
    let path = path.to_path_buf();
    move |error| HubError::writing(&path, 0)(io::Error::from(error))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::given;

    static NEVER: AtomicBool = AtomicBool::new(false);

    /// A folder with a model as a user may have it, and a library with that model.
    fn world() -> (TempDir, Library) {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("given");
        fs::create_dir_all(from.join("1_Pooling")).unwrap();
        for (name, content) in [
            ("config.json", "{\"a\": 1}"),
            ("vocab.txt", "a\nb\n"),
            ("1_Pooling/config.json", "{}"),
            ("model.safetensors", "weights"),
            ("training.log", "not part of it"),
        ] {
            fs::write(from.join(name), content).unwrap();
        }
        let library = Library::new(folder.path().join("models"));
        add(&from, &library).unwrap();
        (folder, library)
    }

    fn add(from: &Path, library: &Library) -> Result<PathBuf, HubError> {
        let manifest = given(from, "mine", &NEVER)?;
        fetch(&manifest, library, &Network::closed(), &mut |_| (), &NEVER)?.place()
    }

    #[test]
    fn a_model_travels_as_an_archive_and_is_the_same_on_the_other_machine() {
        let (folder, library) = world();
        let archive = folder.path().join("mine.zip");
        library
            .export("mine", &archive, false, &mut |_, _| (), &NEVER)
            .unwrap();
        let other = Library::new(folder.path().join("other"));
        let manifest = given(&archive, "renamed", &NEVER).unwrap();
        assert_eq!(manifest.id, "mine", "an exported model keeps its name");
        let arrival = fetch(&manifest, &other, &Network::closed(), &mut |_| (), &NEVER);
        let placed = arrival.and_then(crate::Arrival::place).unwrap();
        assert_eq!(
            other.record("mine").unwrap().files,
            library.record("mine").unwrap().files
        );
        assert!(placed.join("1_Pooling/config.json").exists() && !placed.join("training.log").exists());
        let taken = library.export("mine", &archive, false, &mut |_, _| (), &NEVER);
        assert!(matches!(taken, Err(HubError::Taken { .. })));
        // What lies beside it is the user's; what the user lets go is replaced.
        let beside = archive.with_extension("part");
        fs::write(&beside, "the user's").unwrap();
        library
            .export("mine", &archive, true, &mut |_, _| (), &NEVER)
            .unwrap();
        assert_eq!(fs::read_to_string(beside).unwrap(), "the user's");
    }

    #[test]
    fn an_archive_that_was_changed_on_the_way_is_refused() {
        let (folder, library) = world();
        let archive = folder.path().join("mine.zip");
        library
            .export("mine", &archive, false, &mut |_, _| (), &NEVER)
            .unwrap();
        let mut bytes = fs::read(&archive).unwrap();
        let at = bytes.windows(7).position(|part| part == b"weights").unwrap();
        bytes[at] = b'W';
        fs::write(&archive, bytes).unwrap();
        let other = Library::new(folder.path().join("other"));
        let wrong = add(&archive, &other);
        let expected = matches!(
            wrong,
            Err(HubError::BadArchive { .. } | HubError::WrongHash { .. })
        );
        assert!(expected, "{wrong:?}");
        assert!(!other.has("mine").unwrap());
    }

    #[test]
    fn an_ordinary_archive_of_a_folder_is_taken_whatever_the_folder_is_called() {
        let (folder, library) = world();
        let archive = folder.path().join("plain.zip");
        let mut writer = ZipWriter::new(File::create(&archive).unwrap());
        for name in [
            "config.json",
            "vocab.txt",
            "1_Pooling/config.json",
            "model.safetensors",
        ] {
            let content = fs::read(folder.path().join("given").join(name)).unwrap();
            writer
                .start_file(format!("my model/{name}"), SimpleFileOptions::default())
                .unwrap();
            writer.write_all(&content).unwrap();
        }
        writer
            .start_file("my model/../../evil", SimpleFileOptions::default())
            .unwrap();
        writer.finish().unwrap();
        let other = Library::new(folder.path().join("other"));
        add(&archive, &other).unwrap();
        assert_eq!(
            other.record("mine").unwrap().files,
            library.record("mine").unwrap().files
        );
        assert!(!folder.path().join("evil").exists());
    }

    #[test]
    fn what_holds_no_model_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.zip");
        fs::write(&file, "no archive").unwrap();
        assert!(matches!(
            given(&file, "x", &NEVER),
            Err(HubError::BadArchive { .. })
        ));
        assert!(matches!(
            given(folder.path(), "x", &NEVER),
            Err(HubError::NoModel { .. })
        ));
        ZipWriter::new(File::create(&file).unwrap()).finish().unwrap();
        assert!(matches!(given(&file, "x", &NEVER), Err(HubError::NoModel { .. })));
    }

    #[test]
    fn a_library_moves_whole_or_stays_where_it_is() {
        let (folder, library) = world();
        let record = library.record("mine").unwrap();
        let cancelled = AtomicBool::new(true);
        let target = folder.path().join("stick/models");
        let went = |root: &Path, cancelled: &AtomicBool| {
            let mut last = (0, 0);
            let mut tell = |done, total| last = (done, total);
            let moved = library.move_to(root, |_| Ok::<(), HubError>(()), &mut tell, cancelled);
            moved.map(|new| (new, last))
        };
        assert!(went(&target, &cancelled).is_err());
        assert!(library.has("mine").unwrap());
        let around = folder.path().join("x/../models");
        fs::create_dir(folder.path().join("x")).unwrap();
        for inside in [
            library.root().to_owned(),
            around,
            library.root().join("x"),
            folder.path().to_owned(),
        ] {
            let refused = went(&inside, &NEVER);
            assert!(
                matches!(refused, Err(HubError::Taken { .. })),
                "{inside:?}: {refused:?}"
            );
            assert!(library.has("mine").unwrap(), "{inside:?}");
        }
        let (new, last) = went(&target, &NEVER).unwrap();
        assert_eq!(new.record("mine").unwrap(), record);
        assert!(new.has("mine").unwrap() && !library.has("mine").unwrap());
        assert_eq!(last, (record.bytes(), record.bytes()));
    }

    #[test]
    fn nothing_is_removed_before_it_is_written_down_where_everything_is() {
        let (folder, library) = world();
        let target = folder.path().join("elsewhere");
        let failing = |_: &Path| {
            Err(HubError::Taken {
                path: "the pointer".into(),
            })
        };
        assert!(library.move_to(&target, failing, &mut |_, _| (), &NEVER).is_err());
        assert!(library.has("mine").unwrap());
    }

    #[test]
    fn another_model_of_the_same_name_in_the_new_place_is_not_overwritten() {
        let (folder, library) = world();
        let other = Library::new(folder.path().join("other"));
        fs::write(folder.path().join("given/model.safetensors"), "other weights").unwrap();
        add(&folder.path().join("given"), &other).unwrap();
        let refused = library.move_to(other.root(), |_| Ok::<(), HubError>(()), &mut |_, _| (), &NEVER);
        assert!(matches!(refused, Err(HubError::Taken { .. })));
        assert!(library.has("mine").unwrap() && other.has("mine").unwrap());
    }

    #[test]
    fn a_library_that_a_model_is_coming_into_does_not_move() {
        let (folder, library) = world();
        let partial = library.partial_path("o/m");
        fs::create_dir_all(partial.join("files")).unwrap();
        fs::write(partial.join(crate::library::ID_FILE), "o/m").unwrap();
        let _held = library.lock_model("o/m", &NEVER).unwrap();
        let target = folder.path().join("elsewhere");
        let refused = library.move_to(&target, |_| Ok::<(), HubError>(()), &mut |_, _| (), &NEVER);
        assert!(matches!(refused, Err(HubError::Busy)), "{refused:?}");
        assert!(matches!(library.discard("o/m"), Err(HubError::Busy)));
    }
}
