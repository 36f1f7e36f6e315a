//! A file of answers in the making: rows that are only ever appended, and a note beside them that says how many of them
//! are safely on the disk. Whoever is killed goes on from the note; the finished file appears in one step.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{EngineError, Result};
use crate::files;

/// How much work a kill may cost.
const NOTE_EVERY: Duration = Duration::from_secs(3);

/// How far the answers are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Names the file, the model and the way of reading: another question does not go on from these answers.
    pub(super) asked: String,
    /// Rows read of the file, those included that do not fit its columns.
    pub(super) read: u64,
    /// Rows answered.
    pub(super) rows: u64,
    /// Bytes of the answers.
    bytes: u64,
}

/// Makes the output of the rows in a file.
pub(super) type Convert<'c> = &'c mut dyn FnMut(&Path) -> Result<()>;

/// Answers in the making; nobody else writes them meanwhile.
pub(super) struct Partial {
    output: PathBuf,
    rows: PathBuf,
    file: File,
    note: Note,
    noted: Instant,
}

fn beside(output: &Path, ending: &str) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Partial {
    /// Goes on with what was asked before, or begins anew.
    ///
    /// # Errors
    /// [`EngineError::OutputBusy`], [`EngineError::File`].
    pub(super) fn open(output: &Path, asked: String, from_start: bool) -> Result<Self> {
        if output.is_dir() {
            let is_a_folder = std::io::Error::from(std::io::ErrorKind::IsADirectory);
            return Err(files::failed(output)(is_a_folder));
        }
        if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::metadata(folder).map_err(files::failed(folder))?;
        }
        let rows = beside(output, ".partial");
        let failed = || files::failed(&rows);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&rows)
            .map_err(failed())?;
        // A disk that knows no locks is no reason to refuse.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(EngineError::OutputBusy {
                path: output.to_owned(),
            });
        }
        let length = file.metadata().map_err(failed())?.len();
        // A note that cannot be read is none.
        let note: Option<Note> = files::read_json(&beside(output, NOTE)).unwrap_or(None);
        let goes_on = |note: &Note| !from_start && note.asked == asked && note.bytes <= length;
        let note = note.filter(goes_on).unwrap_or(Note {
            asked,
            ..Note::default()
        });
        file.set_len(note.bytes).map_err(failed())?;
        file.seek(SeekFrom::End(0)).map_err(failed())?;
        Ok(Partial {
            output: output.to_owned(),
            rows,
            file,
            note,
            noted: Instant::now(),
        })
    }

    /// How far it is.
    pub(super) fn note(&self) -> &Note {
        &self.note
    }

    /// Whether nothing stands there yet.
    pub(super) fn is_empty(&self) -> bool {
        self.note.bytes == 0
    }

    /// Where the rows lie until all are there.
    pub(super) fn rows(&self) -> &Path {
        &self.rows
    }

    /// Appends rows, after which `read` rows of the file are done, `rows` of them with an answer.
    ///
    /// # Errors
    /// [`EngineError::File`].
    pub(super) fn append(&mut self, bytes: &[u8], read: u64, rows: u64) -> Result<()> {
        self.file.write_all(bytes).map_err(files::failed(&self.rows))?;
        self.note.bytes += bytes.len() as u64;
        (self.note.read, self.note.rows) = (read, rows);
        if self.noted.elapsed() >= NOTE_EVERY {
            self.keep()?;
        }
        Ok(())
    }

    /// Brings all rows to the disk and notes that they are there.
    ///
    /// # Errors
    /// [`EngineError::File`].
    pub(super) fn keep(&mut self) -> Result<()> {
        self.file.sync_data().map_err(files::failed(&self.rows))?;
        files::write_json(&beside(&self.output, NOTE), &self.note)?;
        self.noted = Instant::now();
        Ok(())
    }

    /// Makes the rows the finished file, or what `convert` makes of them at the path it is given.
    ///
    /// # Errors
    /// [`EngineError::File`], and those of `convert`, after which the rows are still there.
    pub(super) fn finish(mut self, convert: Option<Convert<'_>>) -> Result<()> {
        self.keep()?;
        let Partial {
            output, rows, file, ..
        } = self;
        match convert {
            None => {
                // A file that is open cannot be renamed everywhere.
                drop(file);
                std::fs::rename(&rows, &output).map_err(files::failed(&output))?;
            }
            Some(convert) => {
                let made = beside(&output, ".partial-converted");
                let done = convert(&made).and_then(|()| {
                    let synced = File::open(&made).and_then(|file| file.sync_all());
                    synced.map_err(files::failed(&made))?;
                    std::fs::rename(&made, &output).map_err(files::failed(&output))
                });
                if done.is_err() {
                    // Half a workbook is of no use; the rows that it is made from stay.
                    let _ = std::fs::remove_file(&made);
                }
                done?;
                drop(file);
                std::fs::remove_file(&rows).map_err(files::failed(&rows))?;
            }
        }
        let note = beside(&output, NOTE);
        std::fs::remove_file(&note).map_err(files::failed(&note))
    }
}

const NOTE: &str = ".partial.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_noted_is_cut_off_and_another_question_begins_anew() {
        let place = tempfile::tempdir().unwrap();
        let output = place.path().join("out.csv");
        let open = |asked: &str, from_start| Partial::open(&output, asked.to_owned(), from_start).unwrap();
        let mut partial = open("a", false);
        partial.append(b"one\n", 1, 1).unwrap();
        partial.keep().unwrap();
        // Written, but never noted: as after a kill.
        partial.append(b"tw", 2, 2).unwrap();
        drop(partial);
        let again = open("a", false);
        assert_eq!((again.note().read, again.note().bytes), (1, 4));
        assert_eq!(std::fs::read(again.rows()).unwrap(), b"one\n");
        drop(again);
        assert!(open("b", false).is_empty());
        let mut partial = open("a", false);
        partial.append(b"one\n", 1, 1).unwrap();
        partial.keep().unwrap();
        drop(partial);
        assert!(open("a", true).is_empty());
    }

    #[test]
    fn a_note_without_its_rows_is_worth_nothing() {
        let place = tempfile::tempdir().unwrap();
        let output = place.path().join("out.csv");
        let mut partial = Partial::open(&output, "a".to_owned(), false).unwrap();
        partial.append(b"one\n", 1, 1).unwrap();
        partial.keep().unwrap();
        std::fs::write(beside(&output, ".partial"), b"o").unwrap();
        drop(partial);
        assert!(Partial::open(&output, "a".to_owned(), false).unwrap().is_empty());
    }

    #[test]
    fn two_jobs_never_write_the_same_file() {
        let place = tempfile::tempdir().unwrap();
        let output = place.path().join("out.csv");
        let first = Partial::open(&output, "a".to_owned(), false).unwrap();
        let second = Partial::open(&output, "a".to_owned(), true);
        assert!(matches!(second, Err(EngineError::OutputBusy { .. })));
        first.finish(None).unwrap();
        assert!(output.is_file());
        let left = std::fs::read_dir(place.path()).unwrap().count();
        assert_eq!(left, 1, "something was left beside the file");
    }
}
