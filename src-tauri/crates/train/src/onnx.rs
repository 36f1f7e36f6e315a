//! A trained model's folder as an ONNX file.

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
