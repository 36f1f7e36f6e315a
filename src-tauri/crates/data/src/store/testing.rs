//! What the store's tests share: a temporary project filled from a few lines of CSV.

use super::Project;
use crate::types::{ColumnRole, DialectOverrides, ImportOptions, ImportSummary};

pub(super) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A project in a folder that goes with the guard.
pub(super) fn project() -> (tempfile::TempDir, Project) {
    let place = folder();
    let project = Project::create(&place.path().join("test.understudy"), "test").unwrap();
    (place, project)
}

/// A project with the columns text and label.
pub(super) fn project_with(csv: &str) -> (tempfile::TempDir, Project) {
    let (place, mut project) = project();
    import(&mut project, csv, &[ColumnRole::Text, ColumnRole::Label]);
    (place, project)
}

pub(super) fn options(roles: &[ColumnRole]) -> ImportOptions {
    let dialect = DialectOverrides {
        encoding: None,
        delimiter: Some(",".to_owned()),
        header: Some(true),
        ..DialectOverrides::default()
    };
    ImportOptions {
        dialect,
        roles: roles.to_vec(),
        label_separator: None,
    }
}

pub(super) fn import(project: &mut Project, csv: &str, roles: &[ColumnRole]) -> ImportSummary {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), csv).unwrap();
    project
        .import(file.path(), &options(roles), &mut |_, _| true)
        .unwrap()
}
