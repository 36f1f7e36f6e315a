//! A folder with a trained model as one zip archive, which [`crate::given`] takes in and anybody can open.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::HubError;

/// Weights do not get smaller.
const STORED: [&str; 2] = ["safetensors", "onnx"];

/// Writes the files of `folder`, in the order of their names and without times: the same files give the same archive.
/// `go_on` is told bytes done and in all, and says whether to.
///
/// # Errors
/// [`HubError::DiskFull`], [`HubError::Cancelled`], [`HubError::Io`]; then there may be half an archive.
pub fn pack(folder: &Path, archive: &Path, go_on: &mut dyn FnMut(u64, u64) -> bool) -> Result<u64, HubError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(HubError::io(folder))? {
        let entry = entry.map_err(HubError::io(folder))?;
        let metadata = entry.metadata().map_err(HubError::io(&entry.path()))?;
        if metadata.is_file() {
            files.push((
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
                metadata.len(),
            ));
        }
    }
    files.sort();
    let total = files.iter().map(|(_, _, bytes)| bytes).sum();
    let file = File::create(archive).map_err(HubError::io(archive))?;
    let (mut writer, mut buffer, mut done) = (ZipWriter::new(file), vec![0; 1 << 20], 0);
    let zipped = |error: zip::result::ZipError| HubError::writing(archive, total)(error.into());
    for (name, path, bytes) in files {
        let stored = path
            .extension()
            .is_some_and(|e| STORED.iter().any(|&stored| e == stored));
        let method = match stored {
            true => CompressionMethod::Stored,
            false => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .large_file(bytes > u64::from(u32::MAX / 2));
        writer.start_file(name, options).map_err(zipped)?;
        let mut source = File::open(&path).map_err(HubError::io(&path))?;
        loop {
            if !go_on(done, total) {
                return Err(HubError::Cancelled);
            }
            let read = source.read(&mut buffer).map_err(HubError::io(&path))?;
            if read == 0 {
                break;
            }
            writer
                .write_all(&buffer[..read])
                .map_err(HubError::writing(archive, total - done))?;
            done += read as u64;
        }
    }
    let file = writer.finish().map_err(zipped)?;
    file.sync_all().map_err(HubError::io(archive))?;
    Ok(file.metadata().map_err(HubError::io(archive))?.len())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::given;

    #[test]
    fn the_same_folder_gives_the_same_archive_and_it_is_a_model() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("model");
        fs::create_dir(&folder).unwrap();
        for name in ["report.html", "config.json", "vocab.txt", "model.safetensors"] {
            fs::write(folder.join(name), "{}").unwrap();
        }
        let archives = ["a.zip", "b.zip"].map(|name| place.path().join(name));
        for archive in &archives {
            let bytes = pack(&folder, archive, &mut |_, _| true).unwrap();
            assert_eq!(bytes, fs::metadata(archive).unwrap().len());
            // A later time of a file changes nothing.
            fs::write(folder.join("vocab.txt"), "{}").unwrap();
        }
        assert_eq!(fs::read(&archives[0]).unwrap(), fs::read(&archives[1]).unwrap());
        let manifest = given(&archives[0], "mine", &AtomicBool::new(false)).unwrap();
        let names: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["config.json", "model.safetensors", "vocab.txt"]);
    }

    #[test]
    fn a_stop_is_a_stop() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("config.json"), "{}").unwrap();
        let stopped = pack(place.path(), &place.path().join("x.zip"), &mut |_, _| false);
        assert!(matches!(stopped, Err(HubError::Cancelled)), "{stopped:?}");
    }
}
