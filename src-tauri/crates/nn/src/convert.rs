//! Weights in PyTorch's own format, made safe.
//!
//! `pytorch_model.bin` is a pickle: a program that builds objects. PyTorch's loader runs it; candle's reader follows only
//! the few instructions that build plain tensors and refuses every other, so nothing of the file is ever run.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::{NnError, Result};

/// Name of the weights in PyTorch's own format.
pub const PICKLE_FILE: &str = "pytorch_model.bin";

/// Reads the plain tensors of `from` and writes them as safetensors to `to`. Returns how many there were.
///
/// # Errors
/// [`NnError::Weights`] when the file holds anything but plain tensors, or cannot be read or written.
pub fn convert(from: &Path, to: &Path) -> Result<usize> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: candle_core::Error| NnError::Weights {
            path,
            reason: error.to_string(),
        }
    };
    let mut tensors = HashMap::new();
    let mut seen = HashSet::new();
    for (name, tensor) in candle_core::pickle::read_all(from).map_err(failed(from))? {
        // Buffers such as position ids are no weights, and Transformers no longer saves them.
        if seen.insert(name.clone()) && tensor.dtype().is_float() {
            tensors.insert(name, tensor.contiguous().map_err(failed(from))?);
        }
    }
    if tensors.is_empty() {
        return Err(NnError::Weights {
            path: from.to_owned(),
            reason: "it holds no tensors".to_owned(),
        });
    }
    candle_core::safetensors::save(&tensors, to).map_err(failed(to))?;
    Ok(tensors.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SequenceClassifier;

    fn fixture(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name)
    }

    #[test]
    fn a_converted_model_is_the_model() {
        let folder = tempfile::tempdir().unwrap();
        let source = fixture("tiny-bert");
        std::fs::copy(source.join("config.json"), folder.path().join("config.json")).unwrap();
        let target = folder.path().join("model.safetensors");
        let count = convert(&fixture("tiny-bert-pickle").join(PICKLE_FILE), &target).unwrap();
        let (converted, original) = (
            SequenceClassifier::load(folder.path()).unwrap(),
            SequenceClassifier::load(&source).unwrap(),
        );
        assert_eq!(count, original.parameters.len());
        assert_eq!(converted.parameters.dense, original.parameters.dense);
        assert_eq!(
            converted.parameters.tables[0].values,
            original.parameters.tables[0].values
        );
    }

    #[test]
    fn a_pickle_that_would_run_a_program_is_refused_and_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("model.safetensors");
        let evil = fixture("tiny-bert-pickle").join("evil.bin");
        assert!(matches!(convert(&evil, &target), Err(NnError::Weights { .. })));
        assert!(!target.exists());
        assert!(!Path::new("/tmp/understudy-pickle-was-run").exists());
        let garbage = folder.path().join("garbage.bin");
        std::fs::write(&garbage, b"no zip at all").unwrap();
        assert!(matches!(convert(&garbage, &target), Err(NnError::Weights { .. })));
    }
}
