//! Pretrained models: what there is, where it lies, how it gets here.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use understudy_data::DataError;
use understudy_hub::{Library, Manifest, ModelCard, Network, check_folder, default_library_root};

use understudy_train::TrainError;

use crate::error::Result;
use crate::files;
use crate::job::{Phase, Progress};

/// The model that every new project starts with.
pub const STARTER: &str = "sentence-transformers/all-MiniLM-L6-v2";

/// The shared library of models of this user.
pub fn library() -> Library {
    Library::new(default_library_root())
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

/// The cards of all models that this version can train.
///
/// # Errors
/// Those of the library.
pub fn cards() -> Result<Vec<ModelCard>> {
    Ok(library().models()?)
}

/// Brings a model into the library: at once when it is there, else from its sources in order.
///
/// # Errors
/// Those of the hub; [`understudy_hub::HubError::Cancelled`] when `cancelled` was set.
pub fn fetch(id: &str, cancelled: &AtomicBool, report: &mut dyn FnMut(Progress)) -> Result<PathBuf> {
    let manifest = Manifest::find(id)?;
    let network = Network::from_env(Some(files::connection_log()));
    let began = std::time::Instant::now();
    let mut first = None;
    let folder = understudy_hub::fetch(
        &manifest,
        &library(),
        &network,
        &mut |progress| {
            let (done, total) = (progress.done as f64, progress.total as f64);
            // What an earlier attempt left does not count for the speed.
            let start = *first.get_or_insert(done);
            let rate = (done - start) / began.elapsed().as_secs_f64().max(1e-3);
            report(Progress {
                rate: (rate > 0.0).then_some(rate),
                seconds_left: (rate > 0.0).then(|| (total - done) / rate),
                ..Progress::new(Phase::Download, done, total)
            });
        },
        cancelled,
    )?;
    Ok(folder)
}
