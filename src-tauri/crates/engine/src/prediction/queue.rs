//! Rows that a person should look at, from a file that was answered, into the project: so that they are labelled, and
//! the next model learns from them.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use understudy_data::{ColumnRole, DialectOverrides, FileRow, ImportOptions, Rows, joined_text, preview};

use crate::error::{EngineError, Result};
use crate::files;
use crate::session::{self, Session};

/// What became of the rows to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Queued {
    /// Texts that wait for a label now.
    pub texts: u32,
    /// Texts that the project had already.
    pub known: u32,
}

/// Takes the rows of an answered file that are marked for a person into the project, as texts without a label. What the
/// project has already is left out, so that nothing comes twice.
///
/// # Errors
/// [`EngineError::NoReviewColumn`], [`EngineError::NoTextColumn`], and those of reading and importing.
pub fn queue_for_review(
    session: &mut Session,
    answered: &Path,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Queued> {
    session.project.check_reachable()?;
    let preview = preview(answered, &DialectOverrides::default(), 1)?;
    // The columns of the answers come last; one of the file's own may have the same name.
    let review = preview.columns.iter().rposition(|column| {
        let rest = column.name.strip_prefix("review");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    });
    let review = review.ok_or_else(|| EngineError::NoReviewColumn {
        file: preview.file_name.clone(),
    })?;
    let columns = super::file::text_columns(&session.project, answered)?;
    let names: Vec<&str> = columns
        .iter()
        .map(|column| preview.columns[*column].name.as_str())
        .collect();
    let mut incoming = Incoming::new(&names);
    for row in Rows::open(answered, &DialectOverrides::default())? {
        let FileRow::Cells(cells) = row? else { continue };
        if matches!(cells[review].as_str(), "yes" | "true") {
            let texts: Vec<&str> = columns.iter().map(|column| cells[*column].as_str()).collect();
            incoming.add(session, &texts)?;
        }
    }
    let stem = answered.file_stem().unwrap_or_default().to_string_lossy();
    incoming.import(session, &format!("{stem} review.csv"), progress)
}

/// Takes one text into the project, without a label.
///
/// # Errors
/// Those of importing.
pub fn queue_text(session: &mut Session, text: &str) -> Result<Queued> {
    session.project.check_reachable()?;
    let mut names = session::text_columns(&session.project)?;
    names.truncate(1);
    let name = names.pop().unwrap_or_else(|| "text".to_owned());
    let mut incoming = Incoming::new(&[&name]);
    incoming.add(session, &[text])?;
    incoming.import(session, "review.csv", &mut |_, _| true)
}

/// Texts on their way into the project, as a table with its text columns.
struct Incoming {
    table: csv::Writer<Vec<u8>>,
    columns: usize,
    seen: HashSet<String>,
    queued: Queued,
}

impl Incoming {
    fn new(columns: &[&str]) -> Self {
        let mut incoming = Incoming {
            table: csv::Writer::from_writer(Vec::new()),
            columns: columns.len(),
            seen: HashSet::new(),
            queued: Queued::default(),
        };
        incoming.write(columns);
        incoming
    }

    fn add(&mut self, session: &Session, texts: &[&str]) -> Result<()> {
        let text = joined_text(texts.iter().copied());
        if text.trim().is_empty() {
            return Ok(());
        }
        if session.project.has_text(&text)? || !self.seen.insert(text) {
            self.queued.known += 1;
            return Ok(());
        }
        self.write(texts);
        self.queued.texts += 1;
        Ok(())
    }

    fn write(&mut self, cells: &[&str]) {
        // Into memory, and rows of one length: there is nothing that could fail.
        let written = self.table.write_record(cells);
        debug_assert!(written.is_ok());
    }

    fn import(
        self,
        session: &mut Session,
        name: &str,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Queued> {
        if self.queued.texts == 0 {
            return Ok(self.queued);
        }
        let table = self.table.into_inner().map_err(|error| {
            let failed = std::io::Error::other(error.error().to_string());
            files::failed(Path::new(name))(failed)
        })?;
        let path = session.keep_beside(name, &table)?;
        let options = ImportOptions {
            dialect: DialectOverrides {
                encoding: Some("utf-8".to_owned()),
                delimiter: Some(",".to_owned()),
                header: Some(true),
                sheet: None,
            },
            roles: vec![ColumnRole::Text; self.columns],
            label_separator: None,
        };
        // A project whose data had another number of text columns keeps their names.
        let names = session::text_columns(&session.project)?;
        session.import(&path, &options, None, progress)?;
        if names.len() > self.columns {
            session::note_text_columns(&mut session.project, &names)?;
        }
        Ok(self.queued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_to_look_at_come_in_once_and_without_labels() {
        let place = tempfile::tempdir().unwrap();
        let mut session = Session::create(&place.path().join("p.understudy"), "p").unwrap();
        let file = place.path().join("table.csv");
        std::fs::write(&file, "id,clause,label\n1,known,x\n2,other,y\n").unwrap();
        let options = ImportOptions {
            dialect: DialectOverrides::default(),
            roles: vec![ColumnRole::Id, ColumnRole::Text, ColumnRole::Label],
            label_separator: None,
        };
        session.import(&file, &options, None, &mut |_, _| true).unwrap();
        let answered = place.path().join("new predicted.csv");
        // The file had a column of that name itself.
        let rows = "review,clause,predicted_label,confidence,review_2\n\
            yes,sure,x,0.9,no\nno,\"doubtful, with a comma\",x,0.5,yes\nno,known ,y,0.4,yes\nno,,,,yes\n\
            no,\"doubtful, with a comma\",x,0.5,yes\nno,合同到期,y,0.4,yes\n";
        std::fs::write(&answered, rows).unwrap();
        let queue = |session: &mut Session| queue_for_review(session, &answered, &mut |_, _| true).unwrap();
        assert_eq!(queue(&mut session), Queued { texts: 2, known: 2 });
        assert_eq!(queue(&mut session), Queued { texts: 0, known: 4 });
        assert_eq!(
            queue_text(&mut session, " one more ").unwrap(),
            Queued { texts: 1, known: 0 }
        );
        assert_eq!(session.project.last_unlabelled(None).unwrap(), Some(5));
        let text = |row| session.project.example(row).unwrap().text;
        assert_eq!([text(3), text(4)], ["doubtful, with a comma", "合同到期"]);
        assert_eq!(session.project.label_state().unwrap().labelled, 2);
        assert_eq!(session::text_columns(&session.project).unwrap(), ["clause"]);
        let plain = place.path().join("plain.csv");
        std::fs::write(&plain, "clause\na\n").unwrap();
        let refused = queue_for_review(&mut session, &plain, &mut |_, _| true).unwrap_err();
        assert!(matches!(refused, EngineError::NoReviewColumn { .. }), "{refused}");
    }
}
