//! Tokenizers from SentencePiece files against the ids that Transformers gives the same texts. The fixtures are made by
//! `fixtures/sentencepiece/make_fixtures.py`.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use understudy_train::TrainError;
use understudy_train::tokenizer::Tokenizer;

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    model: String,
    file: String,
    files: BTreeMap<String, Value>,
    /// By the text's number; of further cases of a kind only those that differ from the first one's.
    ids: BTreeMap<usize, Vec<u32>>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sentencepiece")
}

fn golden() -> Golden {
    serde_json::from_slice(&fs::read(fixtures().join("golden.json")).unwrap()).unwrap()
}

/// A model's folder with nothing but what belongs to its tokenizer.
fn folder(case: &Case) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixtures().join(&case.model), folder.path().join(&case.file)).unwrap();
    for (name, content) in &case.files {
        fs::write(folder.path().join(name), content.to_string()).unwrap();
    }
    folder
}

fn load(folder: &Path) -> Result<Tokenizer, TrainError> {
    Tokenizer::load(folder, 10_000, 1)
}

fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    let (mut windows, cut) = tokenizer.encode_one(text).unwrap();
    assert!(!cut && windows.len() == 1);
    windows.remove(0)
}

/// What loading says about a folder that it must refuse, with the file that it names.
fn refusal(folder: &Path) -> (PathBuf, String) {
    match load(folder) {
        Err(TrainError::Tokenizer { path, reason }) => (path, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ids_are_those_of_transformers() {
    let golden = golden();
    for case in &golden.cases {
        let tokenizer = load(folder(case).path()).unwrap();
        assert!(!case.ids.is_empty());
        for (index, expected) in &case.ids {
            let text = &golden.texts[*index];
            assert_eq!(&ids(&tokenizer, text), expected, "{}: {text:?}", case.name);
        }
    }
}

#[test]
fn the_class_of_the_tokenizer_counts_more_than_the_kind_of_model() {
    let golden = golden();
    let case = golden
        .cases
        .iter()
        .find(|case| case.name == "xlm-roberta")
        .unwrap();
    let folder = folder(case);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("config.json", r#"{"model_type": "bert"}"#);
    let (path, reason) = refusal(folder.path());
    assert!(path.ends_with("sentencepiece.bpe.model"));
    assert!(reason.contains("bert"), "{reason}");
    write(
        "tokenizer_config.json",
        r#"{"tokenizer_class": "XLMRobertaTokenizerFast"}"#,
    );
    assert_eq!(ids(&load(folder.path()).unwrap(), &golden.texts[0]), case.ids[&0]);
}

#[test]
fn files_that_are_something_else_are_refused_by_name() {
    let golden = golden();
    for case in &golden.cases {
        let folder = folder(case);
        let file = folder.path().join(&case.file);
        for bytes in [
            &b""[..],
            b"<html>not found</html>",
            b"version https://git-lfs.github.com/spec/v1\n",
        ] {
            fs::write(&file, bytes).unwrap();
            assert_eq!(refusal(folder.path()).0, file);
        }
        fs::write(folder.path().join("tokenizer_config.json"), "{").unwrap();
        assert!(refusal(folder.path()).1.contains("tokenizer_config.json"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_damaged_file_is_refused_or_gives_a_tokenizer_that_works(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::weighted(0.2, any::<proptest::sample::Index>()),
        text in "\\PC{0,60}",
    ) {
        let golden = golden();
        for name in ["deberta-v3", "camembert", "albert"] {
            let case = golden.cases.iter().find(|case| case.name == name).unwrap();
            let folder = folder(case);
            let path = folder.path().join(&case.file);
            let mut bytes = fs::read(&path).unwrap();
            for (place, byte) in &damage {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            fs::write(&path, bytes).unwrap();
            match load(folder.path()) {
                Ok(tokenizer) => {
                    for text in golden.texts.iter().chain([&text]) {
                        tokenizer.encode_one(text).unwrap();
                    }
                }
                Err(error) => {
                    let is_about_the_tokenizer = matches!(error, TrainError::Tokenizer { .. });
                    prop_assert!(is_about_the_tokenizer);
                }
            }
        }
    }
}
