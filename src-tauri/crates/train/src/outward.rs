//! A trained model's folder for other programs: as an ONNX file, or as what its adapters have learned.

use std::path::Path;

use understudy_nn::OnnxFile;

use crate::error::Result;
use crate::predictor::{Reading, load};

/// Writes the model in `folder` to the file `target`. With it comes how the model reads texts: a graph reads one window,
/// so one that reads several answers about the first of them only.
///
/// # Errors
/// [`crate::TrainError::Model`].
pub fn save_onnx(folder: &Path, target: &Path) -> Result<(OnnxFile, Reading)> {
    let (model, notes) = load(folder)?;
    Ok((model.save_onnx(target)?, notes.reading))
}

/// Writes what the model in `folder`, trained with adapters of `rank`, has learned beyond the one in `base`, which is called
/// `base_name`, into the folder `target` as PEFT has it. Returns how many matrices have a change.
///
/// # Errors
/// [`crate::TrainError::Model`], as `NotLowRank` where it was trained in another way.
pub fn save_adapter(
    folder: &Path,
    base: &Path,
    base_name: &str,
    rank: usize,
    target: &Path,
) -> Result<usize> {
    let (model, _) = load(folder)?;
    Ok(model.save_adapter(base, base_name, rank, target)?)
}
