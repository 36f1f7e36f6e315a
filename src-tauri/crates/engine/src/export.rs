//! A run's model for other programs: a Hugging Face folder, an ONNX file, an archive with its report, or what its adapters have
//! learned alone.
//!
//! Whatever is written appears in one step, under its own name, when it is whole.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use understudy_data::DataError;
use understudy_hub::HubError;
use understudy_report::{self as report, Language};
use understudy_train::{Method, Truncation};

use crate::error::{EngineError, Result};
use crate::session::Session;
use crate::{files, models, runs};

/// What a model can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ModelFormat {
    /// A folder that Hugging Face Transformers loads.
    Folder,
    /// For ONNX Runtime: a file, or a folder with the tokenizer beside it.
    Onnx,
    /// The Hugging Face folder and the report as one archive, which Understudy takes in elsewhere.
    Zip,
    /// A folder with only what adapters have learned, which PEFT puts on the model that the training began with.
    Adapter,
}

impl ModelFormat {
    /// What a path means by its ending.
    pub fn of(path: &Path) -> Self {
        let is = |ending: &str| {
            path.extension()
                .is_some_and(|found| found.eq_ignore_ascii_case(ending))
        };
        if is("onnx") {
            ModelFormat::Onnx
        } else if is("zip") {
            ModelFormat::Zip
        } else {
            ModelFormat::Folder
        }
    }
}

/// A model that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ModelExported {
    /// Where.
    pub path: String,
    /// Tokens that an ONNX file reads of a text where the model itself reads more, in several windows, or the end of longer texts.
    pub reads_only: Option<u32>,
}

/// Name of the graph in a folder.
const ONNX_FILE: &str = "model.onnx";

/// Name of the report in an archive.
const REPORT_FILE: &str = "report.html";

/// Writes a run's model to `target`. `replace` says whether a file of that name may go; a folder must be empty. `go_on`
/// is told the share that is done, and says whether to.
///
/// # Errors
/// [`EngineError::RunNotFinished`]; [`HubError::Taken`] and [`DataError::FolderTaken`]; those of models and files.
pub fn export_model(
    session: &mut Session,
    run: &str,
    target: &Path,
    format: ModelFormat,
    replace: bool,
    language: Language,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Result<ModelExported> {
    let mut reads_only = None;
    match format {
        ModelFormat::Folder => session.export(run, target, language)?,
        ModelFormat::Onnx => {
            runs::outcome(&runs::find(&session.project, run)?)?;
            let source = runs::model_folder(&session.project, run);
            reads_only = onnx(&source, target, replace, go_on)?;
            record(session, run, target, "onnx")?;
        }
        ModelFormat::Zip => {
            free(target, replace)?;
            archive(session, run, target, language, go_on)?;
            record(session, run, target, "zip")?;
        }
        ModelFormat::Adapter => {
            check(go_on(0.0))?;
            adapter(session, run, target)?;
            record(session, run, target, "adapter")?;
        }
    }
    Ok(ModelExported {
        path: target.display().to_string(),
        reads_only,
    })
}

fn record(session: &mut Session, run: &str, target: &Path, format: &str) -> Result<()> {
    let detail = serde_json::json!({ "run": run, "to": target.display().to_string(), "format": format });
    Ok(session.project.record("model_exported", detail)?)
}

/// A file by its ending; else a folder as ONNX Runtime's users know it, with the tokenizer and what is noted.
fn onnx(
    source: &Path,
    target: &Path,
    replace: bool,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Result<Option<u32>> {
    let alone = ModelFormat::of(target) == ModelFormat::Onnx;
    if alone {
        free(target, replace)?;
    } else {
        empty(target)?;
    }
    let making = Making::beside(target)?;
    let graph = making.0.join(ONNX_FILE);
    check(go_on(0.0))?;
    let (file, reading) = understudy_train::save_onnx(source, &graph)?;
    check(go_on(0.9))?;
    if alone {
        fs::rename(&graph, target).map_err(files::failed(target))?;
    } else {
        for entry in fs::read_dir(source).map_err(files::failed(source))? {
            let entry = entry.map_err(files::failed(source))?;
            let to = making.0.join(entry.file_name());
            if entry
                .path()
                .extension()
                .is_none_or(|ending| ending != "safetensors")
            {
                fs::copy(entry.path(), &to).map_err(files::failed(&to))?;
            }
        }
        making.becomes(target)?;
    }
    let most = reading.max_length.min(file.max_length);
    let reads_on = reading.windows > 1 || reading.truncation != Truncation::Head;
    Ok(reads_on.then_some(most as u32))
}

/// How PEFT puts an adapter on its model.
fn how_to_load(base: &str) -> String {
    format!(
        r#"```python
from peft import PeftModel
from transformers import AutoConfig, AutoModelForSequenceClassification

folder = "."
config = AutoConfig.from_pretrained(folder)
base = AutoModelForSequenceClassification.from_pretrained("{base}", config=config)
model = PeftModel.from_pretrained(base, folder)
```
"#
    )
}

fn adapter(session: &Session, run: &str, target: &Path) -> Result<()> {
    let record = runs::find(&session.project, run)?;
    runs::outcome(&record)?;
    let settings = runs::settings(&record)?;
    if settings.method != Method::Lora {
        return Err(EngineError::NoAdapters { run: run.to_owned() });
    }
    empty(target)?;
    let base = models::base_folder(&settings.model)?;
    let source = runs::model_folder(&session.project, run);
    let making = Making::beside(target)?;
    let rank = settings.lora_rank as usize;
    understudy_train::save_adapter(&source, &base, &settings.model, rank, &making.0)?;
    files::write(
        &making.0.join("README.md"),
        how_to_load(&settings.model).as_bytes(),
    )?;
    making.becomes(target)
}

fn archive(
    session: &mut Session,
    run: &str,
    target: &Path,
    language: Language,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Result<()> {
    let record = runs::find(&session.project, run)?;
    let outcome = runs::outcome(&record)?;
    let input = crate::report::input(&session.project, &record, &outcome, language)?;
    let html = report::html(&input, language)?;
    let making = Making::beside(target)?;
    let folder = making.0.join("model");
    session.write_model(run, &folder, language)?;
    files::write(&folder.join(REPORT_FILE), html.as_bytes())?;
    let packed = making.0.join("model.zip");
    let mut tell = |done: u64, total: u64| go_on(done as f64 / total.max(1) as f64);
    understudy_hub::pack(&folder, &packed, &mut tell)?;
    fs::rename(&packed, target).map_err(files::failed(target))
}

/// Nothing is overwritten that nobody let go.
fn free(target: &Path, replace: bool) -> Result<()> {
    match target.exists() && !replace {
        true => Err(HubError::Taken {
            path: target.to_owned(),
        }
        .into()),
        false => Ok(()),
    }
}

/// A folder to be written must not be there, or have nothing in it.
fn empty(target: &Path) -> Result<()> {
    match fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some()) {
        true => Err(DataError::FolderTaken {
            folder: target.to_owned(),
        }
        .into()),
        false => Ok(()),
    }
}

fn check(goes_on: bool) -> Result<()> {
    match goes_on {
        true => Ok(()),
        false => Err(EngineError::Hub(HubError::Cancelled)),
    }
}

/// A folder in the making, beside what it will become; removed with all that is still in it.
struct Making(PathBuf);

impl Making {
    fn beside(target: &Path) -> Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let folder = target.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        fs::create_dir_all(&folder).map_err(files::failed(&folder))?;
        Ok(Making(folder))
    }

    /// The whole folder is what was made.
    fn becomes(&self, target: &Path) -> Result<()> {
        // Of the target only an empty folder is there; not every system renames onto one.
        let _ = fs::remove_dir(target);
        fs::rename(&self.0, target).map_err(files::failed(target))
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // After the rename there is nothing to remove.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_what_is_meant() {
        let of = |path: &str| ModelFormat::of(Path::new(path));
        assert_eq!(
            [of("a/model.onnx"), of("b.ZIP"), of("c"), of("d.understudy")],
            [
                ModelFormat::Onnx,
                ModelFormat::Zip,
                ModelFormat::Folder,
                ModelFormat::Folder
            ]
        );
    }

    #[test]
    fn what_is_in_the_making_goes_when_it_is_not_finished() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("model.zip");
        let making = Making::beside(&target).unwrap();
        fs::write(making.0.join("half"), "x").unwrap();
        drop(making);
        assert!(fs::read_dir(place.path()).unwrap().next().is_none());
        fs::write(&target, "the user's").unwrap();
        assert!(matches!(
            free(&target, false),
            Err(EngineError::Hub(HubError::Taken { .. }))
        ));
        assert!(free(&target, true).is_ok());
    }
}
