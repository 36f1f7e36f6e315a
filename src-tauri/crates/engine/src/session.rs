//! One open project, with everything the window and the command line ask of it.

use std::path::{Path, PathBuf};

use understudy_data::{
    ColumnRole, DialectOverrides, ImportOptions, ImportSummary, ImportedBefore, Part, Project, RunStatus,
    SplitWay, Wanted, preview,
};
use understudy_report::Language;

use crate::error::{EngineError, Result};
use crate::view::{
    Overview, Preview, ProblemPage, RoomState, Rooms, RowProblem, RunSummary, SplitSummary, StepTold,
};
use crate::{cross_validation, files, models, received, runs, words};

/// Key of the setting that names the columns the texts came from, as a JSON list; earlier versions noted the only one.
const TEXT_COLUMNS: &str = "text_columns";
const TEXT_COLUMN: &str = "text_column";
const MODEL: &str = "model";

/// Rows that a preview shows.
const PREVIEW_ROWS: usize = 50;
/// An open project.
pub struct Session {
    /// Its data.
    pub project: Project,
}

/// A project's folder for a name in `parent`; the project keeps its name as typed.
pub fn folder_for(parent: &Path, name: &str) -> PathBuf {
    parent.join(format!("{}.understudy", file_name(name)))
}

/// A name without the characters that one system or another does not allow in names of files.
pub fn file_name(name: &str) -> String {
    let safe: String = name
        .trim()
        .chars()
        .map(|c| {
            if c.is_control() || r#"/\:*?"<>|"#.contains(c) {
                '-'
            } else {
                c
            }
        })
        .take(80)
        .collect();
    safe.trim_matches(['.', ' ']).to_owned()
}

/// The beginning of a file, in a language; its columns are for what they were for when it was imported `before`.
///
/// # Errors
/// Those of reading.
pub fn preview_file(
    path: &Path,
    dialect: &DialectOverrides,
    before: Option<&ImportedBefore>,
    language: Language,
) -> Result<Preview> {
    let mut preview = preview(path, dialect, PREVIEW_ROWS)?;
    if let Some(before) = before {
        remember_roles(before, &mut preview);
    }
    Ok(Preview::told(preview, language))
}

/// Gives the columns of a file that was imported before the roles they had, where all that mattered are still there.
pub fn remember_roles(before: &ImportedBefore, preview: &mut understudy_data::Preview) {
    let names: Vec<&str> = preview.columns.iter().map(|column| &*column.name).collect();
    if let Some(roles) = before.roles(&names) {
        for (column, role) in preview.columns.iter_mut().zip(roles) {
            column.role = role;
        }
        preview.label_separator = before.label_separator.clone();
    }
}

/// Names of the columns that a project's texts came from.
///
/// # Errors
/// Those of the database.
pub fn text_columns(project: &Project) -> Result<Vec<String>> {
    let several = project.setting(TEXT_COLUMNS)?;
    if let Some(names) = several.and_then(|names| serde_json::from_str(&names).ok()) {
        return Ok(names);
    }
    Ok(project.setting(TEXT_COLUMN)?.into_iter().collect())
}

/// The id of a project's chosen model.
pub(crate) fn chosen_model(project: &Project) -> Result<String> {
    Ok(project
        .setting(MODEL)?
        .unwrap_or_else(|| models::STARTER.to_owned()))
}

/// The project at a glance.
///
/// # Errors
/// Those of the database.
pub fn overview(project: &Project, language: Language) -> Result<Overview> {
    let data = project.summary()?;
    let labels = project.label_state()?;
    let split = project.split_at_a_glance()?;
    let split = split.map(|split| SplitSummary::told(split, language));
    let runs = run_summaries(project, language)?;
    let model = chosen_model(project)?;
    let finished = runs.iter().any(|run| run.status == RunStatus::Finished);
    let done_if = |done: bool| if done { RoomState::Done } else { RoomState::Empty };
    let installed = || models::is_installed(&model);
    let rooms = Rooms {
        data: match data.rows {
            0 => RoomState::Empty,
            _ if data.problem_rows + data.duplicate_rows + data.empty_texts > 0 => RoomState::Attention,
            _ => RoomState::Done,
        },
        labels: match labels.labelled {
            0 if data.rows > 0 => RoomState::Attention,
            0 => RoomState::Empty,
            labelled if labelled < labels.rows => RoomState::Working,
            _ => RoomState::Done,
        },
        split: done_if(split.is_some()),
        model: match data.rows {
            0 => RoomState::Empty,
            _ if installed() => RoomState::Done,
            _ => RoomState::Attention,
        },
        train: match runs.first().map(|run| run.status) {
            None => RoomState::Empty,
            Some(RunStatus::Queued | RunStatus::Running) => RoomState::Working,
            Some(RunStatus::Finished) => RoomState::Done,
            Some(_) => RoomState::Attention,
        },
        results: done_if(finished),
        // A model that somebody else trained answers in a project without any training.
        r#use: done_if(finished || received::are_there()),
    };
    Ok(Overview {
        problem_type: labels.problem_type,
        name: project.name().to_owned(),
        path: project.folder().display().to_string(),
        rooms,
        rows: data.rows,
        labelled: labels.labelled,
        labels: labels.labels.len() as u32,
        problem_rows: data.problem_rows,
        duplicate_rows: data.duplicate_rows,
        split,
        model: Some(model),
        runs,
    })
}

fn run_summaries(project: &Project, language: Language) -> Result<Vec<RunSummary>> {
    let runs = project.runs()?;
    runs.iter()
        .map(|run| runs::summary(project, run, language))
        .collect()
}

pub(crate) fn note_text_columns(project: &mut Project, names: &[String]) -> Result<()> {
    Ok(project.set_setting(TEXT_COLUMNS, &serde_json::json!(names).to_string())?)
}

impl Session {
    /// Makes a new project in its own folder.
    ///
    /// # Errors
    /// Those of the project.
    pub fn create(folder: &Path, name: &str) -> Result<Self> {
        if name.trim().is_empty() {
            return Err(understudy_data::DataError::EmptyProjectName.into());
        }
        if let Some(parent) = folder.parent() {
            std::fs::create_dir_all(parent).map_err(files::failed(parent))?;
        }
        Ok(Session {
            project: Project::create(folder, name.trim())?,
        })
    }

    /// Opens a project, and marks runs that were cut off by a power cut.
    ///
    /// # Errors
    /// Those of the project.
    pub fn open(folder: &Path) -> Result<Self> {
        let mut project = Project::open(folder)?;
        // On a full disk nothing can be written down, but everything can still be looked at.
        if let Err(error) = runs::recover(&mut project).and_then(|()| cross_validation::recover(&mut project))
        {
            eprintln!("runs that were cut off could not be marked: {error}");
        }
        Ok(Session { project })
    }

    /// Keeps a table that was pasted, until it is imported, and tells where: in the project's own folder, because it is as
    /// private as the rest.
    ///
    /// # Errors
    /// Those of writing.
    pub fn keep_pasted(&self, table: &str) -> Result<PathBuf> {
        self.project.check_reachable()?;
        let folder = self.pasted();
        std::fs::create_dir_all(&folder).map_err(files::failed(&folder))?;
        let path = folder.join("pasted.tsv");
        files::write(&path, table.as_bytes())?;
        Ok(path)
    }

    fn pasted(&self) -> PathBuf {
        self.project.folder().join("pasted")
    }

    /// Imports a file; rows of an official test file go to `part`.
    ///
    /// # Errors
    /// Those of reading and of the database.
    pub fn import(
        &mut self,
        path: &Path,
        options: &ImportOptions,
        part: Option<Part>,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<ImportSummary> {
        let columns = preview(path, &options.dialect, 1)?.columns;
        let summary = match part {
            Some(part) => self.project.import_part(path, options, part, progress)?,
            None => self.project.import(path, options, progress)?,
        };
        let text = columns
            .iter()
            .zip(&options.roles)
            .filter(|(_, role)| **role == ColumnRole::Text);
        let text: Vec<String> = text.map(|(column, _)| column.name.clone()).collect();
        note_text_columns(&mut self.project, &text)?;
        let pasted = self.pasted();
        if path.starts_with(&pasted) {
            // Its rows are in the project now.
            std::fs::remove_dir_all(&pasted).map_err(files::failed(&pasted))?;
        }
        Ok(summary)
    }

    /// The project at a glance.
    ///
    /// # Errors
    /// Those of the database.
    pub fn overview(&self, language: Language) -> Result<Overview> {
        overview(&self.project, language)
    }

    /// Rows put aside at import.
    ///
    /// # Errors
    /// Those of the database.
    pub fn problems_page(&self, offset: u32, limit: u32, language: Language) -> Result<ProblemPage> {
        let (total, problems) = self.project.problems_page(offset, limit)?;
        Ok(ProblemPage {
            total,
            problems: problems
                .into_iter()
                .map(|p| RowProblem::told(p, language))
                .collect(),
        })
    }

    /// The current split.
    ///
    /// # Errors
    /// Those of the database.
    pub fn split_summary(&self, language: Language) -> Result<Option<SplitSummary>> {
        Ok(self
            .project
            .split_summary()?
            .map(|split| SplitSummary::told(split, language)))
    }

    /// Divides the rows by three percentages.
    ///
    /// # Errors
    /// Those of dividing.
    pub fn make_split(
        &mut self,
        percent: &[u32],
        seed: u32,
        way: SplitWay,
        language: Language,
    ) -> Result<SplitSummary> {
        cross_validation::refuse_while_away(&self.project)?;
        let percent: [u32; 3] = percent.try_into().map_err(|_| EngineError::Protocol {
            reason: format!("{} percentages", percent.len()),
        })?;
        let split = self.project.make_split(Wanted { percent, seed, way })?;
        Ok(SplitSummary::told(split, language))
    }

    /// Lets the labelled rows that are in no part yet be learned from.
    ///
    /// # Errors
    /// Those of the database.
    pub fn add_to_training(&mut self, language: Language) -> Result<SplitSummary> {
        cross_validation::refuse_while_away(&self.project)?;
        Ok(SplitSummary::told(self.project.add_to_training()?, language))
    }

    /// Allows to divide the rows anew although a model was judged on the test part.
    ///
    /// # Errors
    /// Those of the database.
    pub fn open_test(&mut self, language: Language) -> Result<SplitSummary> {
        Ok(SplitSummary::told(self.project.open_test()?, language))
    }

    /// The cleaning steps in force, the oldest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn cleaning_steps(&self, language: Language) -> Result<Vec<StepTold>> {
        let steps = self.project.summary()?.cleaning.into_iter();
        Ok(steps
            .filter(|step| !step.undone)
            .map(|step| StepTold {
                id: step.id,
                text: words::step(&step, language),
            })
            .collect())
    }

    /// The chosen model's id.
    ///
    /// # Errors
    /// Those of the database.
    pub fn model(&self) -> Result<String> {
        chosen_model(&self.project)
    }

    /// Chooses a model that is in the library.
    ///
    /// # Errors
    /// What is wrong with it there, and those of the database.
    pub fn choose_model(&mut self, id: &str) -> Result<()> {
        models::library().folder(id)?;
        Ok(self.project.set_setting(MODEL, id)?)
    }

    /// All runs, the newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn runs(&self, language: Language) -> Result<Vec<RunSummary>> {
        run_summaries(&self.project, language)
    }

    /// Copies a run's model, a Hugging Face folder, to `target` (which must not exist or be empty), with a model card in
    /// `language`.
    ///
    /// # Errors
    /// [`EngineError::RunNotFinished`], and those of files.
    pub fn export(&mut self, run: &str, target: &Path, language: Language) -> Result<()> {
        self.write_model(run, target, language)?;
        let detail = serde_json::json!({ "run": run, "to": target.display().to_string() });
        Ok(self.project.record("model_exported", detail)?)
    }

    /// As [`Session::export`], unrecorded: a part of something that is recorded as a whole.
    pub(crate) fn write_model(&mut self, run: &str, target: &Path, language: Language) -> Result<()> {
        let card = crate::report::model_card(&self.project, run, language)?;
        if std::fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(understudy_data::DataError::FolderTaken {
                folder: target.to_owned(),
            }
            .into());
        }
        std::fs::create_dir_all(target).map_err(files::failed(target))?;
        let source = runs::model_folder(&self.project, run);
        for entry in std::fs::read_dir(&source).map_err(files::failed(&source))? {
            let entry = entry.map_err(files::failed(&source))?;
            let to = target.join(entry.file_name());
            std::fs::copy(entry.path(), &to).map_err(files::failed(&to))?;
        }
        received::keep_rules(target, &received::trained(&self.project, run)?.rules)?;
        files::write(&target.join("README.md"), card.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_table_lies_in_the_project_until_it_is_imported() {
        let place = tempfile::tempdir().unwrap();
        let mut session = Session::create(&place.path().join("p.understudy"), "p").unwrap();
        let path = session
            .keep_pasted("text\tlabel\nfirst words\ta\nother words\tb\n")
            .unwrap();
        let seen = preview(&path, &DialectOverrides::default(), 5).unwrap();
        assert_eq!((seen.dialect.delimiter.as_str(), seen.rows.len()), ("\t", 2));
        let options = ImportOptions {
            dialect: DialectOverrides::default(),
            roles: vec![ColumnRole::Text, ColumnRole::Label],
            label_separator: None,
        };
        let summary = session.import(&path, &options, None, &mut |_, _| true).unwrap();
        assert_eq!(summary.rows, 2);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_is_gone_is_not_made_anew() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("p.understudy");
        let mut session = Session::create(&folder, "p").unwrap();
        std::fs::rename(&folder, place.path().join("q.understudy")).unwrap();
        let settings = understudy_train::TrainSettings::textbook("tiny");
        let refused = [
            session.keep_pasted("a\tb\n").map(|_| ()),
            runs::create(&mut session.project, &settings).map(|_| ()),
            session.project.set_setting("a", "b").map_err(EngineError::from),
        ];
        for refused in refused {
            let told = refused.unwrap_err().told(Language::En);
            assert_eq!(told.kind, "project_unreachable");
        }
        assert!(!folder.exists());
    }

    #[test]
    fn a_project_of_any_name_gets_a_folder_that_every_system_allows() {
        let name = |name: &str| {
            folder_for(Path::new("/p"), name)
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(name("合同条款"), "合同条款.understudy");
        assert_eq!(name(" a/b:c? "), "a-b-c-.understudy");
        assert_eq!(name("..."), ".understudy");
        assert!(name(&"x".repeat(500)).len() < 100);
    }
}
