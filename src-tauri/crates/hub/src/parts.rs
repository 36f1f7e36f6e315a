//! Which files of a repository or a folder make a model: weights, configuration, word list, what is said about it. All
//! others (weights for other programs, training logs, pictures) stay where they are.

use crate::HubError;
use crate::hash::Digest;
use crate::manifest::ManifestFile;

/// The weights, where they can be used as they are.
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// The weights in a format that can run code.
pub(crate) const PICKLE: &str = "pytorch_model.bin";

/// Says that the weights are in several files.
const PARTS: &str = "model.safetensors.index.json";

/// Files that are taken where they are there, with what Understudy keeps beside a model that it trained: how it reads, which
/// texts are unlike those it learnt from, how texts were cleaned. The order is that of nothing: files come by size.
const TAKEN: [&str; 24] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spm.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "understudy.json",
    "familiarity.safetensors",
    "cleaning.json",
    "README.md",
    "LICENSE",
    "LICENSE.txt",
    "LICENSE.md",
    "NOTICE",
    WEIGHTS,
];

/// From any one of these sets of files a tokenizer can be made.
const WORD_LISTS: [&[&str]; 6] = [
    &["tokenizer.json"],
    &["vocab.txt"],
    &["vocab.json", "merges.txt"],
    &["spm.model"],
    &["spiece.model"],
    &["sentencepiece.bpe.model"],
];

/// The weights that a list of files offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// As `model.safetensors`.
    Safetensors,
    /// Only in a format that can run code.
    PickleOnly,
    /// In several files.
    Parts,
    /// None that are known here.
    None,
}

/// What weights these files offer.
pub(crate) fn weights<'a>(names: impl Iterator<Item = &'a str>) -> Weights {
    let mut found = Weights::None;
    for name in names {
        match name {
            WEIGHTS => return Weights::Safetensors,
            PARTS => found = Weights::Parts,
            PICKLE if found == Weights::None => found = Weights::PickleOnly,
            _ => {}
        }
    }
    found
}

/// Whether a file of this name can be part of a model, or tells that a model is there that cannot be used.
pub(crate) fn matters(name: &str) -> bool {
    TAKEN.contains(&name) || [PICKLE, PARTS].contains(&name)
}

/// Picks a model's files out of those of `id`, small ones first. `pickle` says whether weights in PyTorch's own format
/// are taken where there are no others (they are to be converted, never loaded).
///
/// # Errors
/// [`HubError::MissingFile`] without a configuration, [`HubError::NoTokenizer`], [`HubError::PickleOnly`],
/// [`HubError::NoWeights`].
pub(crate) fn choose(
    id: &str,
    files: Vec<ManifestFile>,
    pickle: bool,
) -> Result<Vec<ManifestFile>, HubError> {
    let has = |name: &str| files.iter().any(|file| file.path == name);
    if !has("config.json") {
        return Err(HubError::MissingFile {
            path: format!("{id}/config.json").into(),
        });
    }
    if !WORD_LISTS.iter().any(|names| names.iter().all(|name| has(name))) {
        return Err(HubError::NoTokenizer { id: id.to_owned() });
    }
    let weights = match weights(files.iter().map(|file| file.path.as_str())) {
        Weights::Safetensors => WEIGHTS,
        Weights::PickleOnly if pickle => PICKLE,
        Weights::PickleOnly => {
            return Err(HubError::PickleOnly {
                path: format!("{id}/{PICKLE}").into(),
            });
        }
        other => {
            return Err(HubError::NoWeights {
                id: id.to_owned(),
                parts: other == Weights::Parts,
            });
        }
    };
    let taken = |name: &str| name == weights || (name != WEIGHTS && TAKEN.contains(&name));
    let mut chosen: Vec<ManifestFile> = files.into_iter().filter(|file| taken(&file.path)).collect();
    // A source that fails shall fail before the long download.
    chosen.sort_by(|a, b| (a.bytes, &a.path).cmp(&(b.bytes, &b.path)));
    chosen.dedup_by(|a, b| a.path == b.path);
    // Weights are told by a hash that nobody can forge.
    match chosen.iter().find(|file| file.path == weights) {
        Some(ManifestFile {
            digest: Digest::Sha256(_),
            ..
        }) => Ok(chosen),
        _ => Err(HubError::NoWeights {
            id: id.to_owned(),
            parts: false,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<ManifestFile> {
        let sized = names.iter().enumerate();
        sized
            .map(|(index, name)| ManifestFile {
                path: (*name).to_owned(),
                bytes: 1000 - index as u64,
                digest: Digest::Sha256("0".repeat(64)),
            })
            .collect()
    }

    fn chosen(names: &[&str], pickle: bool) -> Result<Vec<String>, HubError> {
        choose("o/m", files(names), pickle).map(|files| files.into_iter().map(|file| file.path).collect())
    }

    #[test]
    fn only_what_makes_the_model_is_taken_and_the_small_files_come_first() {
        let all = [
            "model.safetensors",
            "pytorch_model.bin",
            "tf_model.h5",
            "onnx/model.onnx",
            "../x",
            "vocab.txt",
            "config.json",
        ];
        assert_eq!(
            chosen(&all, true).unwrap(),
            ["config.json", "vocab.txt", "model.safetensors"]
        );
    }

    #[test]
    fn a_pickle_is_taken_only_where_that_is_allowed() {
        let only = ["pytorch_model.bin", "vocab.txt", "config.json"];
        assert!(matches!(chosen(&only, false), Err(HubError::PickleOnly { .. })));
        assert_eq!(
            chosen(&only, true).unwrap(),
            ["config.json", "vocab.txt", "pytorch_model.bin"]
        );
    }

    #[test]
    fn what_is_missing_is_told() {
        let missing = chosen(&["model.safetensors", "vocab.txt"], true);
        assert!(matches!(missing, Err(HubError::MissingFile { .. })));
        let words = chosen(&["model.safetensors", "config.json", "vocab.json"], true);
        assert!(matches!(words, Err(HubError::NoTokenizer { .. })));
        let parts = ["config.json", "vocab.txt", "model.safetensors.index.json"];
        assert!(matches!(
            chosen(&parts, true),
            Err(HubError::NoWeights { parts: true, .. })
        ));
        let none = ["config.json", "vocab.txt", "tf_model.h5"];
        assert!(matches!(
            chosen(&none, true),
            Err(HubError::NoWeights { parts: false, .. })
        ));
    }

    #[test]
    fn weights_without_a_strong_hash_are_not_taken() {
        let mut files = files(&["config.json", "vocab.txt", "model.safetensors"]);
        files[2].digest = Digest::GitBlob("0".repeat(40));
        assert!(matches!(
            choose("o/m", files, true),
            Err(HubError::NoWeights { .. })
        ));
    }
}
