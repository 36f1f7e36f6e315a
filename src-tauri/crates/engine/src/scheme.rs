//! The label scheme as a file: to be kept, and handed on to another project.

use std::path::Path;

use understudy_data::{LabelState, Project, Scheme};

use crate::error::{EngineError, Result};
use crate::files;

/// No scheme is larger.
const LARGEST: u64 = 10 << 20;

/// Writes a project's scheme.
///
/// # Errors
/// Those of the database and of writing.
pub fn write(project: &Project, path: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(&project.scheme()?).map_err(|error| EngineError::Protocol {
        reason: error.to_string(),
    })?;
    files::write(path, text.as_bytes())
}

/// Takes a scheme over.
///
/// # Errors
/// [`EngineError::NoScheme`], and those of the project.
pub fn take(project: &mut Project, path: &Path) -> Result<LabelState> {
    let no_scheme = |reason: String| EngineError::NoScheme {
        path: path.to_owned(),
        reason,
    };
    let size = std::fs::metadata(path).map_err(files::failed(path))?.len();
    if size > LARGEST {
        return Err(no_scheme(format!("{size} bytes")));
    }
    let bytes = std::fs::read(path).map_err(files::failed(path))?;
    let scheme: Scheme = serde_json::from_slice(&bytes).map_err(|error| no_scheme(error.to_string()))?;
    Ok(project.take_scheme(&scheme)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_written_and_taken_and_something_else_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let mut project = Project::create(&place.path().join("a.understudy"), "a").unwrap();
        project.add_label("合同").unwrap();
        let file = place.path().join("scheme.json");
        write(&project, &file).unwrap();
        let mut other = Project::create(&place.path().join("b.understudy"), "b").unwrap();
        assert_eq!(take(&mut other, &file).unwrap().labels[0].name, "合同");
        std::fs::write(&file, "[1, 2]").unwrap();
        assert!(matches!(
            take(&mut other, &file),
            Err(EngineError::NoScheme { .. })
        ));
    }
}
