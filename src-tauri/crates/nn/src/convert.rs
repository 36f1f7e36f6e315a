//! Weights in PyTorch's own format, made safe.
//!
//! `pytorch_model.bin` is a pickle: a program that builds objects. PyTorch's loader runs it; candle's reader follows only
//! the few instructions that build plain tensors and refuses every other, so nothing of the file is ever run.

use std::collections::HashMap;
use std::panic::catch_unwind;
use std::path::Path;

use candle_core::Tensor;
use candle_core::pickle::{PthTensors, TensorInfo};

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
    for (name, tensor) in read(from).map_err(failed(from))? {
        // Buffers such as position ids are no weights, and Transformers no longer saves them.
        if tensor.dtype().is_float() {
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

/// The tensors of a file, by name.
fn read(from: &Path) -> candle_core::Result<Vec<(String, Tensor)>> {
    let size = std::fs::metadata(from)?.len();
    let read_all = || {
        let file = PthTensors::new(from, None)?;
        check_sizes(&file, size)?;
        let names = file.tensor_infos().keys();
        let read = names.map(|name| Ok(file.get(name)?.map(|tensor| (name.clone(), tensor))));
        read.filter_map(candle_core::Result::transpose).collect()
    };
    // candle's reader (0.11) takes the arguments that a tensor is built of from their tuple without looking how many there are.
    // Nothing outlives a panic here.
    catch_unwind(read_all)
        .unwrap_or_else(|_| Err(candle_core::Error::Msg("a tensor is built of too little".into())))
}

/// Refuses tensors that say that they are larger than the file, before memory is taken for them. PyTorch does not compress; a
/// table that is used at both ends of a model is one in the file.
fn check_sizes(file: &PthTensors, size: u64) -> candle_core::Result<()> {
    let bytes = |info: &TensorInfo| {
        let dims = info.layout.dims().iter();
        let numbers = dims.copied().try_fold(1_usize, usize::checked_mul);
        numbers.and_then(|numbers| numbers.checked_mul(info.dtype.size_in_bytes()))
    };
    let mut all = file.tensor_infos().values().map(bytes);
    let all = all.try_fold(0_usize, |all, bytes| all.checked_add(bytes?));
    match all {
        Some(all) if all as u64 <= 2 * size => Ok(()),
        _ => Err(candle_core::Error::Msg(
            "its tensors are larger than it is".into(),
        )),
    }
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
    fn tensors_that_are_built_of_too_little_or_larger_than_their_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("model.safetensors");
        for (name, why) in [("short.bin", "too little"), ("large.bin", "larger")] {
            let told = convert(&fixture("tiny-bert-pickle").join(name), &target);
            let Err(NnError::Weights { reason, .. }) = told else {
                panic!("{name}: {told:?}")
            };
            assert!(reason.contains(why), "{name}: {reason}");
        }
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
