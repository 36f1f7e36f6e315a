//! Whether a folder holds a model that can be read, before anything is built on it.
//!
//! Looks at `config.json`, `tokenizer.json` and the header of `model.safetensors`; no tensor is loaded.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::HubError;
use crate::hash::{missing, sha256_of};

/// What a model's own files say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFacts {
    /// `model_type`, as in `bert`.
    pub architecture: String,
    /// Width of a token vector.
    pub hidden_size: u32,
    /// Transformer layers.
    pub layers: u32,
    /// The most tokens it can read at once.
    pub max_length: u32,
    /// Entries of its vocabulary.
    pub vocabulary: u32,
    /// Numbers in its floating-point tensors.
    pub parameters: u64,
    /// SHA-256 of `model.safetensors`, in lower-case hexadecimal.
    pub model_sha256: String,
}

/// Checks a Hugging Face model folder and tells what is in it.
///
/// # Errors
/// [`HubError::MissingFile`]; [`HubError::PickleOnly`] when the weights are there only as
/// `pytorch_model.bin`; [`HubError::Truncated`] when the weights file is shorter or longer than its
/// header says; [`HubError::Unreadable`] for a file that is not what its name promises.
pub fn check_folder(folder: &Path) -> Result<FolderFacts, HubError> {
    let config: Config = read_json(&folder.join("config.json"))?;
    let tokenizer = folder.join("tokenizer.json");
    // Some models have a word list, byte pairs or a SentencePiece file only, from which the tokenizer can be built.
    let has = |name: &str| folder.join(name).is_file();
    let has_pieces = ["spm.model", "spiece.model", "sentencepiece.bpe.model"]
        .into_iter()
        .any(has);
    if tokenizer.exists() || !(has_pieces || has("vocab.txt") || has("vocab.json") && has("merges.txt")) {
        let _: Tokenizer = read_json(&tokenizer)?;
    }
    let weights = folder.join("model.safetensors");
    if !weights.exists() && folder.join("pytorch_model.bin").exists() {
        return Err(HubError::PickleOnly {
            path: folder.join("pytorch_model.bin"),
        });
    }
    let parameters = check_weights(&weights)?;
    Ok(FolderFacts {
        architecture: config.model_type,
        hidden_size: config.hidden_size,
        layers: config.num_hidden_layers,
        max_length: config.max_position_embeddings,
        vocabulary: config.vocab_size,
        parameters,
        model_sha256: sha256_of(&weights, &AtomicBool::new(false))?,
    })
}

#[derive(Deserialize)]
struct Config {
    model_type: String,
    // DistilBERT has names of its own.
    #[serde(alias = "dim")]
    hidden_size: u32,
    #[serde(alias = "n_layers")]
    num_hidden_layers: u32,
    max_position_embeddings: u32,
    vocab_size: u32,
}

/// The one part that every `tokenizer.json` has.
#[derive(Deserialize)]
struct Tokenizer {
    #[serde(rename = "model")]
    _model: serde::de::IgnoredAny,
}

#[derive(Deserialize)]
struct TensorHeader {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, HubError> {
    let bytes = fs::read(path).map_err(missing(path))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(path, error))
}

/// Compares a safetensors file's header with itself and with the file's length; counts the parameters.
///
/// The format: eight bytes with the header's length N (little-endian), N bytes of JSON, then the data of
/// all tensors without gaps. <https://huggingface.co/docs/safetensors#format>
fn check_weights(path: &Path) -> Result<u64, HubError> {
    let mut file = File::open(path).map_err(missing(path))?;
    let found = file.metadata().map_err(HubError::io(path))?.len();
    let mut length = [0; 8];
    if found < 8 {
        return Err(HubError::Truncated {
            path: path.to_path_buf(),
            expected: 8,
            found,
        });
    }
    file.read_exact(&mut length).map_err(HubError::io(path))?;
    let header_length = u64::from_le_bytes(length);
    if header_length > MOST_HEADER_BYTES {
        return Err(unreadable(path, format!("a header of {header_length} bytes")));
    }
    if found < 8 + header_length {
        return Err(HubError::Truncated {
            path: path.to_path_buf(),
            expected: 8 + header_length,
            found,
        });
    }
    let mut header = Vec::new();
    file.take(header_length)
        .read_to_end(&mut header)
        .map_err(HubError::io(path))?;
    let tensors = tensors(&header).map_err(|reason| unreadable(path, reason))?;
    let data = tensors
        .iter()
        .map(|tensor| tensor.data_offsets[1])
        .max()
        .unwrap_or(0);
    let expected = data.saturating_add(8 + header_length);
    if found != expected {
        return Err(HubError::Truncated {
            path: path.to_path_buf(),
            expected,
            found,
        });
    }
    let floating = tensors.iter().filter(|tensor| tensor.dtype.contains('F'));
    Ok(floating.map(|tensor| tensor.shape.iter().product::<u64>()).sum())
}

/// The limit of the safetensors library itself.
const MOST_HEADER_BYTES: u64 = 100_000_000;

/// The tensors of a header, each with as many bytes as its shape needs.
fn tensors(header: &[u8]) -> Result<Vec<TensorHeader>, String> {
    let mut entries: BTreeMap<String, Value> =
        serde_json::from_slice(header).map_err(|error| error.to_string())?;
    entries.remove("__metadata__");
    entries
        .into_iter()
        .map(|(name, entry)| tensor(entry).map_err(|why| format!("{name}: {why}")))
        .collect()
}

fn tensor(entry: Value) -> Result<TensorHeader, String> {
    let tensor: TensorHeader = serde_json::from_value(entry).map_err(|error| error.to_string())?;
    let [start, end] = tensor.data_offsets;
    let bits = bits(&tensor.dtype).ok_or_else(|| format!("numbers of type {}", tensor.dtype))?;
    let needed = tensor
        .shape
        .iter()
        .try_fold(bits, |product, side| product.checked_mul(*side));
    let held = end.checked_sub(start).and_then(|bytes| bytes.checked_mul(8));
    if held.is_none() || held != needed {
        return Err(format!("shape {:?} in bytes {start} to {end}", tensor.shape));
    }
    Ok(tensor)
}

/// Bits of one number.
fn bits(dtype: &str) -> Option<u64> {
    match dtype {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => Some(8),
        "U16" | "I16" | "F16" | "BF16" => Some(16),
        "U32" | "I32" | "F32" => Some(32),
        "U64" | "I64" | "F64" => Some(64),
        _ => None,
    }
}

fn unreadable(path: &Path, reason: impl ToString) -> HubError {
    HubError::Unreadable {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    const CONFIG: &str = r#"{"model_type": "bert", "hidden_size": 2, "num_hidden_layers": 1,
        "max_position_embeddings": 16, "vocab_size": 3, "architectures": ["BertModel"]}"#;

    fn weights() -> Vec<u8> {
        let header =
            br#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]},
            "ids":{"dtype":"I64","shape":[2],"data_offsets":[24,40]}}"#;
        safetensors(header, 40)
    }

    fn safetensors(header: &[u8], data: usize) -> Vec<u8> {
        let length = header.len() as u64;
        [&length.to_le_bytes(), header, &vec![0; data]].concat()
    }

    fn model() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), CONFIG).unwrap();
        fs::write(
            folder.path().join("tokenizer.json"),
            r#"{"model": {"type": "WordPiece"}}"#,
        )
        .unwrap();
        fs::write(folder.path().join("model.safetensors"), weights()).unwrap();
        folder
    }

    #[test]
    fn a_sentencepiece_file_stands_in_for_the_whole_tokenizer() {
        for name in ["spm.model", "spiece.model", "sentencepiece.bpe.model"] {
            let folder = model();
            fs::rename(folder.path().join("tokenizer.json"), folder.path().join(name)).unwrap();
            check_folder(folder.path()).unwrap();
        }
    }

    #[test]
    fn a_sound_folder_tells_its_facts_and_counts_only_floating_numbers() {
        let facts = check_folder(model().path()).unwrap();
        assert_eq!(
            (facts.architecture.as_str(), facts.parameters, facts.max_length),
            ("bert", 6, 16)
        );
        assert_eq!((facts.hidden_size, facts.layers, facts.vocabulary), (2, 1, 3));
        assert_eq!(facts.model_sha256.len(), 64);
    }

    #[test]
    fn each_missing_file_is_told_by_name() {
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            let folder = model();
            fs::remove_file(folder.path().join(name)).unwrap();
            match check_folder(folder.path()) {
                Err(HubError::MissingFile { path }) => assert!(path.ends_with(name)),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn weights_that_are_only_a_pickle_are_refused() {
        let folder = model();
        let weights = folder.path().join("model.safetensors");
        fs::rename(&weights, folder.path().join("pytorch_model.bin")).unwrap();
        assert!(matches!(
            check_folder(folder.path()),
            Err(HubError::PickleOnly { .. })
        ));
    }

    #[test]
    fn weights_that_lack_their_last_byte_are_refused_with_both_lengths() {
        let folder = model();
        let whole = weights();
        fs::write(folder.path().join("model.safetensors"), &whole[..whole.len() - 1]).unwrap();
        match check_folder(folder.path()) {
            Err(HubError::Truncated { expected, found, .. }) => {
                assert_eq!((expected, found), (whole.len() as u64, whole.len() as u64 - 1));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_config_that_is_not_json_or_lacks_a_field_is_unreadable() {
        for text in ["", "<html>", r#"{"model_type": "bert"}"#] {
            let folder = model();
            fs::write(folder.path().join("config.json"), text).unwrap();
            match check_folder(folder.path()) {
                Err(HubError::Unreadable { path, .. }) => assert!(path.ends_with("config.json")),
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_header_that_contradicts_itself_is_unreadable() {
        for header in [
            r#"{"a":{"dtype":"F32","shape":[3,2],"data_offsets":[0,20]}}"#,
            r#"{"a":{"dtype":"F32","shape":[3,2],"data_offsets":[24,0]}}"#,
            r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,20]}}"#,
            r#"{"a":{"dtype":"Z9","shape":[5],"data_offsets":[0,20]}}"#,
            r#"{"a":1}"#,
            "not json",
        ] {
            let folder = model();
            let bytes = safetensors(header.as_bytes(), 20);
            fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
            let result = check_folder(folder.path());
            assert!(
                matches!(result, Err(HubError::Unreadable { .. })),
                "{header}: {result:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn weights_cut_anywhere_are_refused(cut in 0_usize..1000) {
            let whole = weights();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("model.safetensors");
            fs::write(&path, &whole[..cut % whole.len()]).unwrap();
            let refused = matches!(check_weights(&path), Err(HubError::Truncated { .. }));
            prop_assert!(refused);
        }

        #[test]
        fn no_bytes_make_the_check_fail_otherwise_than_by_its_errors(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("model.safetensors");
            fs::write(&path, &bytes).unwrap();
            prop_assert!(check_weights(&path).is_err());
        }
    }
}
