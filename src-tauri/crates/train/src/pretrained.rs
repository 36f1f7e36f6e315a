//! Whether a folder's model can be trained, before it is accepted.

use std::path::Path;

use understudy_nn::{Footprint, SequenceClassifier};

use crate::error::{Result, TrainError};
use crate::tokenizer::Tokenizer;

/// Reads the whole model once: every tensor that its architecture needs must be there, in the right shape and of finite
/// numbers, and no word of its tokenizer may lie beyond its embeddings.
///
/// # Errors
/// [`TrainError::Model`] and [`TrainError::Tokenizer`] with what is wrong; [`TrainError::VocabularyMismatch`].
pub fn check_pretrained(folder: &Path) -> Result<Footprint> {
    let footprint = Footprint::read(folder)?;
    // Before the weights: it takes a moment only.
    let tokenizer = Tokenizer::load(folder, footprint.max_length, 1)?;
    let labels = ["0".to_owned(), "1".to_owned()];
    let (model, _) = SequenceClassifier::from_pretrained(folder, &labels, 0)?;
    match tokenizer.highest_id() {
        Some(token) if token as usize >= model.vocabulary() => Err(TrainError::VocabularyMismatch {
            token,
            vocabulary: model.vocabulary(),
        }),
        _ => Ok(footprint),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    /// A copy of a small model with a tokenizer of `words` words.
    fn model(words: usize) -> TempDir {
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/fixtures/tiny-bert");
        let folder = tempfile::tempdir().unwrap();
        for name in ["config.json", "model.safetensors"] {
            fs::copy(source.join(name), folder.path().join(name)).unwrap();
        }
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"];
        let words = special
            .iter()
            .map(|word| (*word).to_owned())
            .chain((special.len()..words).map(|n| format!("w{n}")));
        fs::write(
            folder.path().join("vocab.txt"),
            words.collect::<Vec<_>>().join("\n"),
        )
        .unwrap();
        folder
    }

    #[test]
    fn a_sound_model_is_accepted_and_one_with_more_words_than_embeddings_is_not() {
        let vocabulary = check_pretrained(model(20).path())
            .map(|footprint| footprint.tables)
            .unwrap();
        assert!(vocabulary > 0);
        let refused = check_pretrained(model(100_000).path());
        assert!(
            matches!(refused, Err(TrainError::VocabularyMismatch { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn a_tokenizer_that_would_bring_the_program_down_is_refused() {
        let unigram = |pieces: serde_json::Value, normalizer: serde_json::Value| {
            serde_json::json!({"version": "1.0", "added_tokens": [], "normalizer": normalizer, "pre_tokenizer": null,
                "post_processor": null, "decoder": null, "truncation": null, "padding": null,
                "model": {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": false}})
        };
        let sound = serde_json::json!([["<unk>", 0.0], ["a", -1.0]]);
        let long = serde_json::json!([["<unk>", 0.0], ["a", -1.0], ["x".repeat(3_000_000), -2.0]]);
        // A table whose length is a lie.
        let table = serde_json::json!({"type": "Precompiled", "precompiled_charsmap": "/////wAA"});
        let mut broken = unigram(sound.clone(), serde_json::Value::Null);
        broken["decoder"] = serde_json::json!(5);
        for (tokenizer, accepted) in [
            (unigram(sound.clone(), serde_json::Value::Null), true),
            (unigram(long, serde_json::Value::Null), false),
            (broken, false),
            (unigram(sound.clone(), table.clone()), false),
            (
                unigram(
                    sound,
                    serde_json::json!({"type": "Sequence", "normalizers": [table]}),
                ),
                false,
            ),
        ] {
            let folder = model(20);
            fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
            let found = check_pretrained(folder.path());
            assert_eq!(found.is_ok(), accepted, "{found:?}");
        }
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        let folder = model(20);
        let path = folder.path().join("model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        // The first tensor is one of the embeddings'.
        bytes[8 + header..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        let refused = check_pretrained(folder.path());
        assert!(matches!(refused, Err(TrainError::Model(_))), "{refused:?}");
    }
}
