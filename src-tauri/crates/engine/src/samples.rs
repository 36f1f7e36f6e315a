//! The sample projects that come with the app.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use understudy_data::{ColumnRole, DialectOverrides, ImportOptions, Project, preview};
use understudy_hub::LocalizedText;

use crate::error::{EngineError, Result};
use crate::files;
use crate::view::SampleInfo;

const INDEX: &str = include_str!("../../../../resources/samples/index.json");

const FILES: [(&str, &[u8]); 3] = [
    (
        "contract-clauses.csv",
        include_bytes!("../../../../resources/samples/contract-clauses.csv"),
    ),
    (
        "patient-abstracts.csv",
        include_bytes!("../../../../resources/samples/patient-abstracts.csv"),
    ),
    (
        "legal-questions-zh.csv",
        include_bytes!("../../../../resources/samples/legal-questions-zh.csv"),
    ),
];

#[derive(Deserialize)]
struct Sample {
    #[serde(flatten)]
    info: SampleInfo,
    file: String,
    text: String,
    label: String,
}

fn index() -> Result<Vec<Sample>> {
    serde_json::from_str(INDEX).map_err(|e| EngineError::Protocol {
        reason: format!("samples: {e}"),
    })
}

/// The samples there are.
///
/// # Errors
/// [`EngineError::Protocol`] when the app was built wrong.
pub fn list() -> Result<Vec<SampleInfo>> {
    Ok(index()?.into_iter().map(|sample| sample.info).collect())
}

/// Makes a project of a sample in `projects`, or finds the one that was made of it before.
///
/// # Errors
/// [`EngineError::UnknownSample`], and those of creating and importing.
pub fn open(id: &str, projects: &Path, in_language: impl Fn(&LocalizedText) -> String) -> Result<PathBuf> {
    let sample = index()?.into_iter().find(|sample| sample.info.id == id);
    let sample = sample.ok_or_else(|| EngineError::UnknownSample { id: id.to_owned() })?;
    let folder = projects.join(format!("{id}.understudy"));
    if Project::open(&folder).is_ok() {
        return Ok(folder);
    }
    let bytes = FILES
        .iter()
        .find(|(name, _)| *name == sample.file)
        .map(|(_, bytes)| *bytes);
    let bytes = bytes.ok_or_else(|| EngineError::UnknownSample { id: id.to_owned() })?;
    // The project is made beside its final place, so that a kill leaves no half of it to be found later.
    let partial = projects.join(format!(".{id}.partial.understudy"));
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(files::failed(&partial))?;
    }
    std::fs::create_dir_all(projects).map_err(files::failed(projects))?;
    let mut project = Project::create(&partial, &in_language(&sample.info.title))?;
    let file = partial.join(&sample.file);
    files::write(&file, bytes)?;
    let columns = preview(&file, &DialectOverrides::default(), 1)?.columns;
    let roles = columns
        .iter()
        .map(|column| match &column.name {
            name if *name == sample.text => ColumnRole::Text,
            name if *name == sample.label => ColumnRole::Label,
            _ => ColumnRole::Ignore,
        })
        .collect();
    project.import(
        &file,
        &ImportOptions {
            dialect: DialectOverrides::default(),
            roles,
            label_separator: None,
        },
        &mut |_, _| true,
    )?;
    crate::session::note_text_columns(&mut project, std::slice::from_ref(&sample.text))?;
    drop(project);
    std::fs::remove_file(&file).map_err(files::failed(&file))?;
    std::fs::rename(&partial, &folder).map_err(files::failed(&folder))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_opens_with_the_rows_and_labels_it_promises_and_only_once() {
        let place = tempfile::tempdir().unwrap();
        for info in list().unwrap() {
            let folder = open(&info.id, place.path(), |text| text.en.clone()).unwrap();
            let project = Project::open(&folder).unwrap();
            assert_eq!(project.name(), info.title.en);
            assert_eq!(project.summary().unwrap().rows, info.rows);
            assert_eq!(project.label_names().unwrap().len() as u32, info.labels);
            assert_eq!(
                open(&info.id, place.path(), |text| text.en.clone()).unwrap(),
                folder
            );
        }
        assert!(matches!(
            open("nothing", place.path(), |t| t.en.clone()),
            Err(EngineError::UnknownSample { .. })
        ));
    }
}
