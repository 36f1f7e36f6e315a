//! Pretrained models: what there is and what fits ([`cards`], [`fit`]), which is proposed,, how they get here ([`bring`]), what the model
//! hub has besides ([`hub`]), how fast this machine is ([`speed`]).

pub mod bring;
pub mod cards;
pub mod fit;
pub mod hub;
mod need;
mod recommend;
pub mod speed;

use std::path::{Path, PathBuf};

use understudy_data::DataError;
use understudy_hub::{Library, check_folder, default_library_root};
use understudy_train::TrainError;

use crate::error::Result;
use crate::files;

pub(crate) use need::text_languages;

/// The model that every new project starts with.
pub const STARTER: &str = "sentence-transformers/all-MiniLM-L6-v2";

/// The shared library of models of this user: where the environment says, else where the user has moved it.
pub fn library() -> Library {
    let chosen = if library_is_given() { None } else { moved() };
    Library::new(chosen.unwrap_or_else(default_library_root))
}

/// Whether the environment says where the library is.
fn library_is_given() -> bool {
    std::env::var_os("UNDERSTUDY_MODELS").is_some_and(|value| !value.is_empty())
}

/// The file that says where the library was moved to. It is of its own, because a worker writes it.
fn moved_path() -> PathBuf {
    files::config_folder().join("library.json")
}

fn moved() -> Option<PathBuf> {
    files::read_json(&moved_path()).ok()?
}

/// The folder of a base model, verified: one of the library by its id, or any folder by its path.
///
/// # Errors
/// Those of the library; what is wrong with the folder's files.
pub fn base_folder(model: &str) -> Result<PathBuf> {
    let path = Path::new(model);
    if path.is_absolute() && path.is_dir() {
        check_folder(path)?;
        return Ok(path.to_owned());
    }
    Ok(library().folder(model)?)
}

/// Whether a model is here and undamaged.
pub fn is_installed(model: &str) -> bool {
    library().has(model).unwrap_or(false)
}

/// Writes the plain tensors of a folder's `pytorch_model.bin` as `model.safetensors` beside it; nothing of the file is
/// run. Returns how many there are.
///
/// # Errors
/// When the file holds anything but plain tensors, or there is a `model.safetensors` already.
pub fn convert(folder: &Path) -> Result<usize> {
    let target = folder.join("model.safetensors");
    if target.exists() {
        return Err(DataError::FolderTaken { folder: target }.into());
    }
    let source = folder.join(understudy_train::PICKLE_FILE);
    Ok(understudy_train::convert(&source, &target).map_err(TrainError::from)?)
}
