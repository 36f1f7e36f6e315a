//! A model out of the library to another machine, and the library to another disk.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::fetch::{Progress, fetch};
use crate::given::EXPORT_RECORD;
use crate::{HubError, Library, Network, Source};

impl Library {
    /// Writes an installed model, verified, as one zip archive that [`crate::given`] takes in on another machine.
    ///
    /// # Errors
    /// As [`Library::folder`]; [`HubError::Taken`] when there is such a file, [`HubError::DiskFull`],
    /// [`HubError::Cancelled`], [`HubError::Io`].
    pub fn export(
        &self,
        id: &str,
        target: &Path,
        progress: &mut dyn FnMut(u64, u64),
        cancelled: &AtomicBool,
    ) -> Result<(), HubError> {
        let (folder, record) = (self.folder(id)?, self.record(id)?);
        if target.exists() {
            return Err(HubError::Taken {
                path: target.to_owned(),
            });
        }
        let part = target.with_extension("part");
        let full = HubError::writing(target, record.bytes());
        let written = || -> Result<(), HubError> {
            let file = File::create(&part).map_err(HubError::io(&part))?;
            let mut archive = ZipWriter::new(file);
            // Weights do not get smaller, and a model may be larger than 4 GiB.
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .large_file(true);
            let mut done = 0;
            for file in &record.files {
                let source = folder.join(&file.path);
                let mut source = File::open(&source).map_err(HubError::io(&source))?;
                archive.start_file(&file.path, options).map_err(zipped(&part))?;
                let mut buffer = vec![0; 1 << 20];
                loop {
                    if cancelled.load(Ordering::Relaxed) {
                        return Err(HubError::Cancelled);
                    }
                    let read = source.read(&mut buffer).map_err(HubError::io(target))?;
                    if read == 0 {
                        break;
                    }
                    archive
                        .write_all(&buffer[..read])
                        .map_err(HubError::writing(&part, record.bytes() - done))?;
                    done += read as u64;
                    progress(done, record.bytes());
                }
            }
            archive
                .start_file(EXPORT_RECORD, options)
                .map_err(zipped(&part))?;
            let json = serde_json::to_vec_pretty(&record).map_err(|error| full(error.into()))?;
            archive.write_all(&json).map_err(HubError::writing(&part, 0))?;
            let file = archive.finish().map_err(zipped(&part))?;
            file.sync_all().map_err(HubError::io(&part))?;
            fs::rename(&part, target).map_err(HubError::io(target))
        };
        let result = written();
        if result.is_err() && part.exists() {
            fs::remove_file(&part).map_err(HubError::io(&part))?;
        }
        result
    }

    /// Copies all models to a library at `root`, each verified on both sides, then removes them here. Returns the new
    /// library; until then this one is whole.
    ///
    /// # Errors
    /// [`HubError::Taken`] when `root` lies in this library or holds something else; as [`fetch`].
    pub fn move_to(
        &self,
        root: PathBuf,
        progress: &mut dyn FnMut(u64, u64),
        cancelled: &AtomicBool,
    ) -> Result<Library, HubError> {
        let holds_others = || {
            let entries = fs::read_dir(&root).into_iter().flatten().flatten();
            entries.count() > 0 && !root.join(".lock").exists()
        };
        if root.starts_with(self.root()) || self.root().starts_with(&root) || holds_others() {
            return Err(HubError::Taken { path: root });
        }
        let records = self.installed()?;
        let total = records.iter().map(crate::Record::bytes).sum();
        let new = Library::new(root);
        fs::create_dir_all(new.root()).map_err(HubError::io(new.root()))?;
        let mut before = 0;
        for record in &records {
            let from = self.folder(&record.id)?;
            let manifest = record.manifest(vec![Source::Folder { path: from }]);
            let mut tell = |part: Progress<'_>| progress(before + part.done, total);
            fetch(&manifest, &new, &Network::closed(), &mut tell, cancelled)?.place()?;
            // What is known of it moves with it.
            record.save(&new)?;
            before += record.bytes();
        }
        drop(new.lock(cancelled)?);
        for record in &records {
            self.remove(&record.id)?;
        }
        Ok(new)
    }
}

fn zipped(path: &Path) -> impl FnOnce(zip::result::ZipError) -> HubError {
    let path = path.to_path_buf();
    move |error| HubError::writing(&path, 0)(io::Error::from(error))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::given;

    const NEVER: AtomicBool = AtomicBool::new(false);

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
        library.export("mine", &archive, &mut |_, _| (), &NEVER).unwrap();
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
        let taken = library.export("mine", &archive, &mut |_, _| (), &NEVER);
        assert!(matches!(taken, Err(HubError::Taken { .. })));
    }

    #[test]
    fn an_archive_that_was_changed_on_the_way_is_refused() {
        let (folder, library) = world();
        let archive = folder.path().join("mine.zip");
        library.export("mine", &archive, &mut |_, _| (), &NEVER).unwrap();
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
        assert!(
            library
                .move_to(target.clone(), &mut |_, _| (), &cancelled)
                .is_err()
        );
        assert!(library.has("mine").unwrap());
        for inside in [library.root().join("x"), folder.path().to_owned()] {
            let refused = library.move_to(inside, &mut |_, _| (), &NEVER);
            assert!(matches!(refused, Err(HubError::Taken { .. })));
        }
        let mut last = (0, 0);
        let new = library
            .move_to(target, &mut |done, total| last = (done, total), &NEVER)
            .unwrap();
        assert_eq!(new.record("mine").unwrap(), record);
        assert!(new.has("mine").unwrap() && !library.has("mine").unwrap());
        assert_eq!(last, (record.bytes(), record.bytes()));
    }
}
