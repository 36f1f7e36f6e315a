//! Every row of a file answered, however many there are.
//!
//! In: a table that can be read from beginning to end; it is, once, before the first answer. Out: the same rows with
//! the label, how sure the model is, and whether a person should look. Rows are read, answered and written by three
//! threads, in pieces that depend on the file alone: whoever goes on after a kill computes the same pieces, and writes
//! the same bytes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use sha2::{Digest, Sha256};
use understudy_data::{
    AnswerWriter, ColumnPreview, DialectOverrides, FileRow, Project, RowAnswer, Rows, TableFormat, hex,
    joined_text, preview, workbook_of_answers,
};
use understudy_train::{Control, Predicted};

use super::partial::Partial;
use super::{Model, load};
use crate::error::{EngineError, Result};
use crate::files;
use crate::job::{Phase, Progress};
use crate::session;

/// Rows that are answered together: enough of them that texts of one length come together.
const ROWS: usize = 1024;

/// Bytes of texts that are answered together, so that a piece of long texts does not take minutes.
const BYTES: usize = 256 << 10;

/// Rows by which somebody is shown what a file's columns hold.
const LOOKED_AT: usize = 50;

/// Rows between two looks at whether to stop, where nothing is computed.
const LOOK_EVERY: u64 = 1024;

/// What is asked about a file.
#[derive(Debug, Clone, Copy)]
pub struct FileJob<'a> {
    /// The run whose model answers.
    pub run: &'a str,
    /// The file to read.
    pub input: &'a Path,
    /// The file to write; its ending says how.
    pub output: &'a Path,
    /// The columns with the texts; those of the project's own name where nothing is said.
    pub text: &'a [String],
    /// Whether answers that an earlier try left behind are dropped.
    pub from_start: bool,
}

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct FileOutcome {
    /// Rows answered.
    pub rows: u64,
    /// Of them by an earlier try, from which this one went on.
    pub kept_rows: u64,
    /// Rows that do not fit the file's columns and were left out.
    pub problem_rows: u64,
    /// Cells that were cut because a workbook's hold no more.
    pub cut_cells: u64,
}

/// Answers every row of a table and writes it again with three more columns: the label (or all of them, where a text
/// may have several), the probability that this is right, and whether a person should look. Streamed; the output
/// appears in one step at the end. A job that was stopped or killed goes on where it was when it is asked for again.
///
/// # Errors
/// [`EngineError::NoTextColumn`], [`EngineError::OutputFormat`], [`EngineError::SheetTooSmall`],
/// [`EngineError::OutputBusy`], [`EngineError::SameFile`], and those of reading, predicting and writing.
pub fn predict_file(
    project: &Project,
    job: &FileJob<'_>,
    control: &Control,
    report: &mut dyn FnMut(Progress),
) -> Result<FileOutcome> {
    let format = TableFormat::of(job.output).ok_or_else(|| EngineError::OutputFormat {
        path: job.output.to_owned(),
    })?;
    if same_file(job.input, job.output) {
        return Err(EngineError::SameFile {
            path: job.output.to_owned(),
        });
    }
    let model = load(project, job.run)?;
    let seen = preview(job.input, &DialectOverrides::default(), 1)?;
    let columns = text_columns(project, &seen.file_name, &seen.columns, job.text)?;
    let work = Work {
        input: job.input,
        format,
        columns: &columns,
        labels: model.predictor.labels(),
        several: model.predictor.thresholds().is_some(),
        prepare: &|text| model.pipeline.apply(text),
        predict: &|texts| Ok(model.predictor.predict(texts, control)?),
    };
    let looked = work.look(control, report)?;
    let asked = [looked.sha256.clone(), fingerprint(&model)?].join(" ");
    let partial = Partial::open(job.output, format!("{asked} {columns:?}"), job.from_start)?;
    work.carry_out(partial, &looked, control, report)
}

/// Names everything of a model that an answer depends on.
fn fingerprint(model: &Model) -> Result<String> {
    let files = files::hashes(&model.folder)?;
    let version = env!("CARGO_PKG_VERSION");
    let all = format!("{version} {ROWS} {BYTES} {:?} {files:?}", model.rules);
    Ok(hex(&Sha256::digest(all)))
}

/// What the first look at a file finds.
struct Looked {
    rows: u64,
    problem_rows: u64,
    sha256: String,
}

/// Texts in, what the model says about each out.
type Predict<'a> = dyn Fn(&[String]) -> Result<Vec<Predicted>> + Sync + 'a;

/// The work on a file, whatever answers.
struct Work<'a> {
    input: &'a Path,
    format: TableFormat,
    columns: &'a [usize],
    labels: &'a [String],
    several: bool,
    /// What a text becomes before it is read; `None` where nothing changes.
    prepare: &'a (dyn Fn(&str) -> Option<String> + Sync),
    predict: &'a Predict<'a>,
}

/// Rows that are answered together.
struct Piece {
    rows: Vec<Vec<String>>,
    /// Distinct texts, in the order of their first appearance.
    texts: Vec<String>,
    /// Which of the texts each row has; about nothing there is nothing to say.
    text_of: Vec<Option<usize>>,
    /// Rows read of the file when this piece is done, those included that do not fit its columns.
    read: u64,
}

impl Work<'_> {
    /// Reads the file once to its end: a file that is damaged there, or too long for a sheet, is told now and not
    /// after hours.
    fn look(&self, control: &Control, report: &mut dyn FnMut(Progress)) -> Result<Looked> {
        let mut rows = Rows::open(self.input, &DialectOverrides::default())?;
        let (mut fitting, mut problem_rows) = (0, 0);
        while let Some(row) = rows.next() {
            match row? {
                FileRow::Cells(_) => fitting += 1,
                FileRow::Problem(_) => problem_rows += 1,
            }
            if (fitting + problem_rows) % LOOK_EVERY == 0 {
                control.check()?;
                let (done, total) = (rows.bytes_read() as f64, rows.bytes() as f64);
                report(Progress::new(Phase::Check, done, total));
            }
        }
        if let Some(most) = self.format.most_rows()
            && fitting > most
        {
            return Err(EngineError::SheetTooSmall { rows: fitting, most });
        }
        Ok(Looked {
            rows: fitting,
            problem_rows,
            sha256: rows.sha256(),
        })
    }

    fn carry_out(
        &self,
        mut partial: Partial,
        looked: &Looked,
        control: &Control,
        report: &mut dyn FnMut(Progress),
    ) -> Result<FileOutcome> {
        let mut rows = Rows::open(self.input, &DialectOverrides::default())?;
        let writer = AnswerWriter::new(self.format, rows.columns(), self.labels, self.several);
        if partial.is_empty() {
            let mut header = Vec::new();
            writer.header(&mut header);
            partial.append(&header, 0, 0)?;
        }
        let (read, kept_rows) = (partial.note().read, partial.note().rows);
        let mut progress = Pace::new(kept_rows, looked.rows);
        report(progress.after(kept_rows));
        let (computed, partial) = std::thread::scope(|scope| {
            let (piece_in, pieces) = sync_channel(1);
            let (answered_in, answered) = sync_channel(1);
            scope.spawn(move || self.read(&mut rows, read, control, &piece_in));
            let writing = scope.spawn(move || self.write(&writer, partial, &answered));
            let computed = self.compute(pieces, answered_in, kept_rows, &mut |rows| {
                report(progress.after(rows));
            });
            match writing.join() {
                Ok(written) => (computed, written),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        // What could not be written says more than that nobody took the answers.
        let partial = partial?;
        computed?;
        let outcome = FileOutcome {
            rows: partial.note().rows,
            kept_rows,
            problem_rows: looked.problem_rows,
            cut_cells: 0,
        };
        if self.format != TableFormat::Xlsx {
            partial.finish(None)?;
            return Ok(outcome);
        }
        let rows = partial.rows().to_owned();
        let mut cut_cells = 0;
        let mut converted = 0;
        partial.finish(Some(&mut |book| {
            cut_cells = workbook_of_answers(&rows, book, &mut || {
                converted += 1;
                if converted % LOOK_EVERY == 0 {
                    report(Progress::new(Phase::Save, converted as f64, outcome.rows as f64));
                }
                control.check().is_ok()
            })?;
            Ok(())
        }))?;
        Ok(FileOutcome { cut_cells, ..outcome })
    }

    /// Reads the rows from `read` on, piece by piece, until the end or until nobody takes them any more.
    fn read(&self, rows: &mut Rows, read: u64, control: &Control, pieces: &SyncSender<Result<Piece>>) {
        let mut skipped = 0;
        while skipped < read {
            // They were read without a failure before.
            if rows.next().is_none() || (skipped % LOOK_EVERY == 0 && control.check().is_err()) {
                // What comes next would not be the row that is due.
                return;
            }
            skipped += 1;
        }
        let mut read = read;
        loop {
            let piece = self.piece(rows, read);
            let last = !matches!(&piece, Ok(piece) if !piece.rows.is_empty());
            if let Ok(piece) = &piece {
                read = piece.read;
            }
            if pieces.send(piece).is_err() || last {
                return;
            }
        }
    }

    /// The rows that come next; none at the end.
    fn piece(&self, rows: &mut Rows, read: u64) -> Result<Piece> {
        let mut piece = Piece {
            rows: Vec::with_capacity(ROWS),
            texts: Vec::with_capacity(ROWS),
            text_of: Vec::with_capacity(ROWS),
            read,
        };
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut bytes = 0;
        while piece.rows.len() < ROWS && bytes < BYTES {
            let Some(row) = rows.next() else { break };
            piece.read += 1;
            let FileRow::Cells(cells) = row? else { continue };
            let text = match self.columns {
                [only] => cells[*only].clone(),
                several => joined_text(several.iter().map(|column| cells[*column].as_str())),
            };
            bytes += text.len();
            // Of some texts nothing is left once they are cleaned.
            let text = (self.prepare)(&text).unwrap_or(text);
            let place = match text.trim().is_empty() {
                true => None,
                false => {
                    let next = known.len();
                    Some(*known.entry(text).or_insert_with_key(|text| {
                        piece.texts.push(text.clone());
                        next
                    }))
                }
            };
            piece.text_of.push(place);
            piece.rows.push(cells);
        }
        Ok(piece)
    }

    /// Answers piece after piece. `done(rows)` is told how many rows have an answer.
    fn compute(
        &self,
        pieces: Receiver<Result<Piece>>,
        answered: SyncSender<(Piece, Vec<Predicted>)>,
        mut rows: u64,
        done: &mut dyn FnMut(u64),
    ) -> Result<()> {
        for piece in pieces {
            let piece = piece?;
            let answers = (self.predict)(&piece.texts)?;
            rows += piece.rows.len() as u64;
            if answered.send((piece, answers)).is_err() {
                // The disk is full, or the like: the writer says so.
                return Ok(());
            }
            done(rows);
        }
        Ok(())
    }

    /// Writes piece after piece until no more come; then everything that came is on the disk and noted.
    fn write(
        &self,
        writer: &AnswerWriter,
        mut partial: Partial,
        answered: &Receiver<(Piece, Vec<Predicted>)>,
    ) -> Result<Partial> {
        let mut out = Vec::new();
        while let Ok((piece, answers)) = answered.recv() {
            out.clear();
            for (cells, text) in piece.rows.iter().zip(&piece.text_of) {
                writer.row(cells, &self.answer(text.map(|text| &answers[text])), &mut out);
            }
            let rows = partial.note().rows + piece.rows.len() as u64;
            partial.append(&out, piece.read, rows)?;
        }
        partial.keep()?;
        Ok(partial)
    }

    fn answer(&self, predicted: Option<&Predicted>) -> RowAnswer {
        let Some(predicted) = predicted else {
            return RowAnswer {
                labels: Vec::new(),
                confidence: None,
                review: true,
            };
        };
        let labels = predicted.labels.iter().map(|label| self.labels[*label].clone());
        RowAnswer {
            labels: labels.collect(),
            confidence: Some(predicted.confidence),
            review: needs_review(predicted),
        }
    }
}

/// Whether a person should look.
fn needs_review(predicted: &Predicted) -> bool {
    predicted.unsure || predicted.unfamiliar
}

/// How fast rows are answered, for the time that is left.
struct Pace {
    began: Instant,
    from: u64,
    total: u64,
}

impl Pace {
    fn new(from: u64, total: u64) -> Self {
        Pace {
            began: Instant::now(),
            from,
            total,
        }
    }

    fn after(&mut self, rows: u64) -> Progress {
        let rate = (rows - self.from) as f64 / self.began.elapsed().as_secs_f64();
        let known = (rows > self.from).then_some(rate);
        Progress {
            rate: known,
            seconds_left: known.map(|rate| (self.total - rows.min(self.total)) as f64 / rate),
            ..Progress::new(Phase::Predict, rows as f64, self.total as f64)
        }
    }
}

/// Whether two paths name one file that exists.
fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// A file that answers are wanted for.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AskedFile {
    /// Where it is.
    pub path: String,
    /// Its name.
    pub file_name: String,
    /// Its columns, by a first look.
    pub columns: Vec<ColumnPreview>,
    /// The columns with the texts, where the project's names for them are among them; else somebody has to say which.
    pub text: Vec<String>,
}

/// Looks at a file before it is answered.
///
/// # Errors
/// Those of reading.
pub fn look_at_file(project: &Project, input: &Path) -> Result<AskedFile> {
    let seen = preview(input, &DialectOverrides::default(), LOOKED_AT)?;
    let text = match text_columns(project, &seen.file_name, &seen.columns, &[]) {
        Ok(found) => found
            .into_iter()
            .map(|column| seen.columns[column].name.clone())
            .collect(),
        Err(EngineError::NoTextColumn { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(AskedFile {
        path: input.display().to_string(),
        file_name: seen.file_name,
        columns: seen.columns,
        text,
    })
}

/// The columns with the texts: those that are wanted, else those named as in the project's own data, or the file's only
/// one. Nothing is guessed, because answers about the wrong column look like any others.
pub(super) fn text_columns(
    project: &Project,
    file: &str,
    columns: &[ColumnPreview],
    wanted: &[String],
) -> Result<Vec<usize>> {
    let mut names = match wanted {
        [] => session::text_columns(project)?,
        wanted => wanted.to_vec(),
    };
    if names.is_empty() {
        names.push("text".to_owned());
    }
    if wanted.is_empty() && columns.len() == 1 && names.len() == 1 {
        return Ok(vec![0]);
    }
    names
        .into_iter()
        .map(|name| {
            let found = columns.iter().position(|column| column.name == name);
            found.ok_or_else(|| EngineError::NoTextColumn {
                file: file.to_owned(),
                column: name,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Says of every text whether its length is even; `calls` more times.
    fn lengths(texts: &[String], calls: &AtomicU32, control: &Control) -> Result<Vec<Predicted>> {
        if calls.load(Ordering::Relaxed) == 0 {
            control.cancel();
        }
        control.check()?;
        calls.fetch_sub(1, Ordering::Relaxed);
        let mut distinct = texts.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), texts.len(), "a text was asked about twice");
        let answer = |text: &String| Predicted {
            probabilities: vec![0.25, 0.75],
            labels: vec![text.len() % 2],
            confidence: 0.75,
            tokens: 1,
            truncated: false,
            unsure: text.len().is_multiple_of(3),
            unfamiliar: text.contains("number 8"),
        };
        Ok(texts.iter().map(answer).collect())
    }

    fn table(place: &Path, rows: usize) -> PathBuf {
        let path = place.join("in.csv");
        let mut text = "n,text\n".to_owned();
        for row in 0..rows {
            match row % 100 {
                13 => text += "a row that fits nothing\n",
                14 => text += &format!("{row},\n"),
                15 => text += &format!("{row},the same again\n"),
                _ => text += &format!("{row},\"text, number {row}\"\n"),
            }
        }
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Answers `input` into `output`, and is stopped after so many pieces.
    fn answered(input: &Path, output: &Path, pieces: u32) -> Result<FileOutcome> {
        let (control, calls) = (Control::default(), AtomicU32::new(pieces));
        let work = Work {
            input,
            format: TableFormat::of(output).unwrap(),
            columns: &[1],
            labels: &["even".to_owned(), "odd".to_owned()],
            several: false,
            prepare: &|text| text.contains('7').then(|| text.replace('7', "seven")),
            predict: &|texts| lengths(texts, &calls, &control),
        };
        let looked = work.look(&control, &mut |_| {})?;
        let partial = Partial::open(output, looked.sha256.clone(), false)?;
        work.carry_out(partial, &looked, &control, &mut |progress| {
            assert!(progress.done <= progress.total, "{progress:?}");
        })
    }

    #[test]
    fn stopped_anywhere_it_ends_with_the_same_bytes() {
        let place = tempfile::tempdir().unwrap();
        let input = table(place.path(), 5000);
        for ending in ["csv", "tsv", "jsonl", "xlsx"] {
            let whole = place.path().join(format!("whole.{ending}"));
            let outcome = answered(&input, &whole, 100).unwrap();
            assert_eq!((outcome.rows, outcome.problem_rows), (4950, 50), "{ending}");
            let output = place.path().join(format!("out.{ending}"));
            let mut kept = 0;
            for pieces in [0, 1, 2] {
                let stopped = answered(&input, &output, pieces).unwrap_err();
                assert!(stopped.is_cancelled(), "{stopped}");
                assert!(!output.exists());
                kept += u64::from(pieces) * ROWS as u64;
            }
            let outcome = answered(&input, &output, 100).unwrap();
            assert_eq!((outcome.rows, outcome.kept_rows), (4950, kept), "{ending}");
            if ending == "xlsx" {
                assert_eq!(cells(&output), cells(&whole));
            } else {
                assert!(std::fs::read(&output).unwrap() == std::fs::read(&whole).unwrap());
            }
        }
        let left = std::fs::read_dir(place.path()).unwrap().count();
        assert_eq!(left, 9, "something was left beside the files");
    }

    fn cells(path: &Path) -> Vec<FileRow> {
        let rows = Rows::open(path, &DialectOverrides::default()).unwrap();
        rows.map(|row| row.unwrap()).collect()
    }

    #[test]
    fn rows_keep_their_order_and_an_empty_text_gets_no_label() {
        let place = tempfile::tempdir().unwrap();
        let input = table(place.path(), 200);
        let output = place.path().join("out.csv");
        answered(&input, &output, 100).unwrap();
        let rows = cells(&output);
        let row = |at: usize| match &rows[at] {
            FileRow::Cells(cells) => cells.iter().map(String::as_str).collect::<Vec<&str>>(),
            FileRow::Problem(problem) => unreachable!("{problem:?}"),
        };
        assert_eq!(row(0), ["0", "text, number 0", "even", "0.7500", "no"]);
        // Cleaned for the model ("number seven", 18 characters), but not in the file.
        assert_eq!(row(7), ["7", "text, number 7", "even", "0.7500", "yes"]);
        assert_eq!(row(13), ["14", "", "", "", "yes"]);
        assert_eq!(row(14), ["15", "the same again", "even", "0.7500", "no"]);
    }
}
