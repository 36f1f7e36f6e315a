//! Showing a run's model to others: the user's own examples, kept beside it.

use std::path::PathBuf;

use understudy_data::Project;

use crate::error::Result;
use crate::models::bring::plain_name;
use crate::{files, received, runs};

/// More would not fit a screen.
const MOST: usize = 12;

/// Characters of an example.
const LONGEST: usize = 20_000;

fn path(project: &Project, run: &str) -> Result<PathBuf> {
    if let Some(name) = received::name_of(run) {
        let folder = project.folder().join("demo");
        std::fs::create_dir_all(&folder).map_err(files::failed(&folder))?;
        return Ok(folder.join(format!("{}.json", plain_name(name))));
    }
    let run = runs::find(project, run)?;
    Ok(project.run_folder(&run.id).join("demo.json"))
}

/// The examples, in the user's order; none unless some were kept.
///
/// # Errors
/// `UnknownRun`, and those of files.
pub fn examples(project: &Project, run: &str) -> Result<Vec<String>> {
    Ok(files::read_json(&path(project, run)?)?.unwrap_or_default())
}

/// Keeps these examples instead of those that were there: without empty and repeated ones, twelve at most.
///
/// # Errors
/// `UnknownRun`, and those of files.
pub fn set_examples(project: &Project, run: &str, texts: &[String]) -> Result<()> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        let text: String = text.trim().chars().take(LONGEST).collect();
        if !text.is_empty() && !kept.contains(&text) && kept.len() < MOST {
            kept.push(text);
        }
    }
    files::write_json(&path(project, run)?, &kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;

    #[test]
    fn examples_are_the_users_own_and_none_twice() {
        let place = tempfile::tempdir().unwrap();
        let mut session = Session::create(&place.path().join("p.understudy"), "p").unwrap();
        let settings = understudy_train::TrainSettings::textbook("m");
        let run = runs::create(&mut session.project, &settings).unwrap();
        assert!(examples(&session.project, &run).unwrap().is_empty());
        let texts = [" a ", "b", "a", "  "].map(str::to_owned);
        set_examples(&session.project, &run, &texts).unwrap();
        assert_eq!(examples(&session.project, &run).unwrap(), ["a", "b"]);
        assert!(examples(&session.project, "no run").is_err());
        let theirs = "model:o/../../theirs";
        set_examples(&session.project, theirs, &texts).unwrap();
        assert_eq!(examples(&session.project, theirs).unwrap(), ["a", "b"]);
        assert_eq!(
            std::fs::read_dir(session.project.folder().join("demo"))
                .unwrap()
                .count(),
            1
        );
    }
}
