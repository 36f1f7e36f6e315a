//! Labelled texts out of the project, to other tools.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::json;

use super::label_sets::Sets;
use super::project::Project;
use crate::error::{DataError, Result};
use crate::types::ProblemType;
use crate::write::{ExportFormat, ExportHead, ExportRow, ExportSummary, begin};

/// Rows between two looks at whether to go on.
const CHUNK: u32 = 1_000;

impl Project {
    /// Writes the visible rows, or only those with labels, to `path`; what is there is replaced once all is written, and a
    /// stop leaves nothing. Notes that it was done.
    ///
    /// # Errors
    /// `Io`, `DiskFull`, `FolderTaken`, `SheetFull`, `Cancelled`.
    pub fn export_rows(
        &mut self,
        path: &Path,
        format: ExportFormat,
        only_labelled: bool,
        go_on: &mut dyn FnMut(f64) -> bool,
    ) -> Result<ExportSummary> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        let partial = Path::new(&name);
        let written = self.write_rows(partial, format, only_labelled, go_on);
        if format == ExportFormat::HuggingFace && path.exists() {
            remove(partial);
            return Err(DataError::FolderTaken {
                folder: path.to_owned(),
            });
        }
        let summary = match written {
            Ok(summary) => summary,
            Err(error) => {
                remove(partial);
                return Err(error);
            }
        };
        std::fs::rename(partial, path).map_err(DataError::io(path))?;
        let detail = json!({ "to": path.display().to_string(), "format": format, "rows": summary.rows });
        self.record("labels_exported", detail)?;
        Ok(summary)
    }

    fn write_rows(
        &self,
        path: &Path,
        format: ExportFormat,
        only_labelled: bool,
        go_on: &mut dyn FnMut(f64) -> bool,
    ) -> Result<ExportSummary> {
        let labels = self.label_state()?;
        let tx = self.read()?;
        let places: HashMap<u32, usize> = labels.labels.iter().map(|label| label.id).zip(0..).collect();
        let head = ExportHead {
            name: self.name().to_owned(),
            labels: labels.labels.into_iter().map(|label| label.name).collect(),
            several: labels.problem_type == ProblemType::MultiLabel,
        };
        let marked = |kind: &str| -> Result<HashSet<u32>> {
            let mut query = tx.prepare_cached("SELECT example FROM marked WHERE kind = ?1")?;
            let ids = query.query_map([kind], |row| row.get(0))?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
        };
        let (unsure, flagged) = (marked("unsure")?, marked("flag")?);
        let mut writer = begin(path, format, head)?;
        let mut query = tx.prepare(
            "SELECT s.example, c.text, s.label_set, s.part, m.value FROM state s
             JOIN present_text c ON c.example = s.example
             LEFT JOIN marked m ON m.kind = 'comment' AND m.example = s.example
             WHERE +s.hidden_by IS NULL AND (s.label_set IS NOT NULL OR NOT ?1) ORDER BY s.example",
        )?;
        let mut rows = query.query([only_labelled])?;
        let mut sets = Sets::default();
        let mut summary = ExportSummary::default();
        while let Some(row) = rows.next()? {
            let example = row.get(0)?;
            let carried = sets.of(&tx, row.get(2)?)?;
            let out = ExportRow {
                example,
                text: row.get(1)?,
                labels: carried.map(|carried| {
                    carried
                        .iter()
                        .filter_map(|label| places.get(label).copied())
                        .collect()
                }),
                part: row.get(3)?,
                unsure: unsure.contains(&example),
                flagged: flagged.contains(&example),
                comment: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            };
            summary.rows += 1;
            summary.labelled += u32::from(out.labels.is_some());
            summary.cut += u32::from(writer.row(&out)?);
            let of = if only_labelled {
                labels.labelled
            } else {
                labels.rows
            };
            if summary.rows.is_multiple_of(CHUNK) && !go_on(f64::from(summary.rows) / f64::from(of.max(1))) {
                return Err(DataError::Cancelled);
            }
        }
        writer.finish()?;
        Ok(summary)
    }
}

/// What was written so far is of no use; if it cannot be removed it at least has a name that says so.
fn remove(partial: &Path) {
    let _ = match partial.is_dir() {
        true => std::fs::remove_dir_all(partial),
        false => std::fs::remove_file(partial),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{folder, project, project_with};
    use crate::types::{ColumnRole, DialectOverrides, ImportOptions, MarkKind};

    fn labelled() -> (tempfile::TempDir, Project) {
        let (place, mut project) = project_with(
            "text,label\n\"The tenant, and nobody else, pays.\",x\n承租人应当按时支付全部租金并承担水电费用。,y\n=1+1 is not a formula here but a text,x\nThis one is still open for a label,\n",
        );
        project.set_mark(2, MarkKind::Unsure, Some(""), "me").unwrap();
        project
            .set_mark(2, MarkKind::Comment, Some("see § 5"), "me")
            .unwrap();
        (place, project)
    }

    /// Reads a file back as a user would, with the roles that are guessed.
    fn back(path: &Path) -> (Vec<(String, Option<String>)>, u32) {
        let (_place, mut fresh) = project();
        let seen = crate::preview(path, &DialectOverrides::default(), 10).unwrap();
        let options = ImportOptions {
            dialect: DialectOverrides::default(),
            roles: seen.columns.iter().map(|column| column.role).collect(),
            label_separator: seen.label_separator.clone(),
        };
        assert!(
            options.roles.contains(&ColumnRole::Text) && options.roles.contains(&ColumnRole::Label),
            "{seen:?}"
        );
        let summary = fresh.import(path, &options, &mut |_, _| true).unwrap();
        let names = fresh.label_state().unwrap().labels;
        let name = |id: u32| names.iter().find(|label| label.id == id).unwrap().name.clone();
        let rows = (1..=summary.rows)
            .map(|id| {
                let detail = fresh.example(id).unwrap();
                (detail.text, detail.labels.map(|labels| name(labels[0])))
            })
            .collect();
        (rows, summary.problem_rows)
    }

    #[test]
    fn every_file_that_is_written_is_read_again_as_it_was() {
        let (_place, mut project) = labelled();
        let there = folder();
        let wanted: Vec<(String, Option<String>)> = [
            ("The tenant, and nobody else, pays.", Some("x")),
            ("承租人应当按时支付全部租金并承担水电费用。", Some("y")),
            ("=1+1 is not a formula here but a text", Some("x")),
            ("This one is still open for a label", None),
        ]
        .map(|(text, label)| (text.to_owned(), label.map(str::to_owned)))
        .to_vec();
        for (format, name) in [
            (ExportFormat::Csv, "out.csv"),
            (ExportFormat::Xlsx, "out.xlsx"),
            (ExportFormat::LabelStudio, "out.json"),
            (ExportFormat::Doccano, "doccano.jsonl"),
            (ExportFormat::Prodigy, "prodigy.jsonl"),
        ] {
            let path = there.path().join(name);
            let summary = project.export_rows(&path, format, false, &mut |_| true).unwrap();
            assert_eq!((summary.rows, summary.labelled, summary.cut), (4, 3, 0));
            assert_eq!(back(&path), (wanted.clone(), 0), "{format:?}");
        }
        let only = project
            .export_rows(
                &there.path().join("only.csv"),
                ExportFormat::Csv,
                true,
                &mut |_| true,
            )
            .unwrap();
        assert_eq!(only.rows, 3);
    }

    #[test]
    fn a_folder_for_hugging_face_has_a_file_a_part_and_names_its_labels() {
        let (_place, mut project) = project_with("text,label\na,x\nb,y\nc,x\nd,y\ne,x\nf,y\n");
        project
            .make_split(crate::split::Wanted::random([100, 0, 0], 0))
            .unwrap();
        let there = folder();
        let path = there.path().join("set");
        project
            .export_rows(&path, ExportFormat::HuggingFace, true, &mut |_| true)
            .unwrap();
        let card = std::fs::read_to_string(path.join("README.md")).unwrap();
        assert!(
            card.contains("- split: train") && card.contains("- x\n- y\n") && !card.contains("split: test")
        );
        let file = path.join("data/train-00000-of-00001.parquet");
        let rows = crate::preview(&file, &DialectOverrides::default(), 9).unwrap();
        assert_eq!(
            rows.rows,
            [
                ["a", "0"],
                ["b", "1"],
                ["c", "0"],
                ["d", "1"],
                ["e", "0"],
                ["f", "1"]
            ]
        );
        assert!(matches!(
            project.export_rows(&path, ExportFormat::HuggingFace, true, &mut |_| true),
            Err(DataError::FolderTaken { .. })
        ));
    }

    #[test]
    fn a_stop_leaves_nothing_and_a_file_that_is_there_stays() {
        let rows: String = (0..2_500).map(|i| format!("text {i},x\n")).collect();
        let (_place, mut project) = project_with(&format!("text,label\n{rows}"));
        let there = folder();
        let path = there.path().join("out.csv");
        std::fs::write(&path, "mine").unwrap();
        let stopped = project.export_rows(&path, ExportFormat::Csv, false, &mut |_| false);
        assert!(matches!(stopped, Err(DataError::Cancelled)));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(std::fs::read_dir(there.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_text_that_no_cell_holds_is_cut_and_told() {
        let (_place, mut project) = project_with(&format!("text,label\n{},x\nb,y\n", "long ".repeat(8_000)));
        let there = folder();
        let summary = project
            .export_rows(
                &there.path().join("out.xlsx"),
                ExportFormat::Xlsx,
                false,
                &mut |_| true,
            )
            .unwrap();
        assert_eq!(summary.cut, 1);
    }
}
