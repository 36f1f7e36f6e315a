//! Rows that a person should look at, from a file that was answered, into the project: so that they are labelled, and
//! the next model learns from them.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use understudy_data::{ColumnRole, DialectOverrides, FileRow, ImportOptions, Rows, joined_text, preview};

use crate::error::{EngineError, Result};
use crate::files;
use crate::session::{self, Session};

/// Columns that are added to a file when it is answered.
const ANSWERS: usize = 3;

/// Rows between two looks at whether to stop.
const LOOK_EVERY: u64 = 1024;

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
/// project has already is left out, so that nothing comes twice. `text` as in [`super::FileJob`].
///
/// # Errors
/// [`EngineError::NoReviewColumn`], [`EngineError::NoTextColumn`], and those of reading and importing.
pub fn queue_for_review(
    session: &mut Session,
    answered: &Path,
    text: &[String],
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
    // What came before the answers is the file that was asked about.
    let own = &preview.columns[..preview.columns.len().saturating_sub(ANSWERS)];
    let texts = super::file::text_columns(&session.project, &preview.file_name, own, text)?;
    let roles = session.project.column_roles()?;
    let mut columns: Vec<(usize, ColumnRole)> =
        texts.iter().map(|column| (*column, ColumnRole::Text)).collect();
    // Which contract or patient a text belongs to must come along: no group may straddle a division.
    for (at, column) in own.iter().enumerate() {
        if let Some(role @ (ColumnRole::Group | ColumnRole::Date | ColumnRole::Id)) = roles.get(&column.name)
            && !columns.iter().any(|(_, taken)| taken == role)
        {
            columns.push((at, *role));
        }
    }
    let known = session::text_columns(&session.project)?;
    let name = |(at, role): &(usize, ColumnRole)| match (role, known.first()) {
        // One column of texts may be called anything in another file.
        (ColumnRole::Text, Some(first)) if texts.len() == 1 => first.clone(),
        _ => preview.columns[*at].name.clone(),
    };
    let mut incoming = Incoming::new(columns.iter().map(|column| (name(column), column.1)).collect());
    let mut rows = Rows::open(answered, &DialectOverrides::default())?;
    let mut read = 0_u64;
    while let Some(row) = rows.next() {
        read += 1;
        if read.is_multiple_of(LOOK_EVERY) && !progress(rows.bytes_read(), rows.bytes()) {
            return Err(understudy_data::DataError::Cancelled.into());
        }
        let FileRow::Cells(cells) = row? else { continue };
        if matches!(cells[review].as_str(), "yes" | "true") {
            let cells: Vec<&str> = columns.iter().map(|(at, _)| cells[*at].as_str()).collect();
            incoming.add(session, &cells)?;
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
    let mut incoming = Incoming::new(vec![(name, ColumnRole::Text)]);
    incoming.add(session, &[text])?;
    incoming.import(session, "review.csv", &mut |_, _| true)
}

/// Rows on their way into the project, as a table of their own.
struct Incoming {
    table: csv::Writer<Vec<u8>>,
    roles: Vec<ColumnRole>,
    seen: HashSet<String>,
    queued: Queued,
}

impl Incoming {
    fn new(columns: Vec<(String, ColumnRole)>) -> Self {
        let (names, roles): (Vec<String>, Vec<ColumnRole>) = columns.into_iter().unzip();
        let mut incoming = Incoming {
            table: csv::Writer::from_writer(Vec::new()),
            roles,
            seen: HashSet::new(),
            queued: Queued::default(),
        };
        incoming.write(&names);
        incoming
    }

    /// A row with a cell a column; nothing where its text is empty or known.
    fn add(&mut self, session: &Session, cells: &[&str]) -> Result<()> {
        let texts = cells.iter().zip(&self.roles);
        let texts = texts.filter(|(_, role)| **role == ColumnRole::Text);
        let text = joined_text(texts.map(|(cell, _)| *cell));
        if text.trim().is_empty() {
            return Ok(());
        }
        if session.project.has_text(&text)? || !self.seen.insert(text) {
            self.queued.known += 1;
            return Ok(());
        }
        self.write(cells);
        self.queued.texts += 1;
        Ok(())
    }

    fn write<C: AsRef<[u8]>>(&mut self, cells: &[C]) {
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
        // Beside what was pasted and waits to be imported.
        let folder = session.project.folder().join("incoming");
        std::fs::create_dir_all(&folder).map_err(files::failed(&folder))?;
        let path = folder.join(name);
        files::write(&path, &table)?;
        let options = ImportOptions {
            dialect: DialectOverrides {
                encoding: Some("utf-8".to_owned()),
                delimiter: Some(",".to_owned()),
                header: Some(true),
                ..DialectOverrides::default()
            },
            roles: self.roles,
            label_separator: None,
        };
        // A project whose data had another number of text columns keeps their names.
        let names = session::text_columns(&session.project)?;
        let imported = session.import(&path, &options, None, progress);
        std::fs::remove_dir_all(&folder).map_err(files::failed(&folder))?;
        imported?;
        if !names.is_empty() {
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
        std::fs::write(&file, "contract,clause,label\n1,known,x\n2,other,y\n").unwrap();
        let options = ImportOptions {
            dialect: DialectOverrides::default(),
            roles: vec![ColumnRole::Group, ColumnRole::Text, ColumnRole::Label],
            label_separator: None,
        };
        session.import(&file, &options, None, &mut |_, _| true).unwrap();
        let answered = place.path().join("new predicted.csv");
        // The file had a column of that name itself.
        let rows = "review,clause,contract,predicted_label,confidence,review_2\n\
            yes,sure,3,x,0.9,no\nno,\"doubtful, with a comma\",1,x,0.5,yes\nno,known ,1,y,0.4,yes\nno,,1,,,yes\n\
            no,\"doubtful, with a comma\",1,x,0.5,yes\nno,合同到期,4,y,0.4,yes\n";
        // A table that was pasted and waits is left alone.
        let pasted = session.keep_pasted("clause\nwaits\n").unwrap();
        std::fs::write(&answered, rows).unwrap();
        let queue =
            |session: &mut Session| queue_for_review(session, &answered, &[], &mut |_, _| true).unwrap();
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
        assert!(pasted.is_file());
        let groups = session.project.groups_of(&[1, 2, 3, 4]).unwrap().unwrap();
        assert_eq!(groups, [0, 1, 0, 2], "a text belongs to its contract");
        let only = place.path().join("only.csv");
        std::fs::write(
            &only,
            "body,predicted_label,confidence,review\nof one column,x,0.2,yes\n",
        )
        .unwrap();
        let queued = queue_for_review(&mut session, &only, &[], &mut |_, _| true).unwrap();
        assert_eq!(queued.texts, 1);
        let other = place.path().join("other.csv");
        std::fs::write(
            &other,
            "id,body,predicted_label,confidence,review\n1,called otherwise,x,0.2,yes\n",
        )
        .unwrap();
        let queue = |session: &mut Session, text: &[String]| {
            queue_for_review(session, &other, text, &mut |_, _| true)
        };
        let refused = queue(&mut session, &[]).unwrap_err();
        assert!(matches!(refused, EngineError::NoTextColumn { .. }), "{refused}");
        assert_eq!(queue(&mut session, &["body".to_owned()]).unwrap().texts, 1);
        assert_eq!(session::text_columns(&session.project).unwrap(), ["clause"]);
        let plain = place.path().join("plain.csv");
        std::fs::write(&plain, "clause\na\n").unwrap();
        let refused = queue_for_review(&mut session, &plain, &[], &mut |_, _| true).unwrap_err();
        assert!(matches!(refused, EngineError::NoReviewColumn { .. }), "{refused}");
    }
}
