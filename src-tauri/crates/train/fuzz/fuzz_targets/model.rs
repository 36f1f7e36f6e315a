//! A small sound model, with some of its files in the place of its own, is looked at as it would be before it is accepted.

use std::fs;
use std::path::Path;

use understudy_train::tokenizer::Tokenizer;
use understudy_train::check_pretrained;

const SOUND: [(&str, &[u8]); 3] = [
    ("config.json", include_bytes!("../../../nn/tests/fixtures/tiny-bert/config.json")),
    ("tokenizer.json", include_bytes!("../../../nn/tests/fixtures/tiny-bert/tokenizer.json")),
    ("model.safetensors", include_bytes!("../../../nn/tests/fixtures/tiny-bert/model.safetensors")),
];

/// What a tokenizer that was accepted must be able to read.
const TEXTS: [&str; 4] = ["a word", "合同 ﬁ Ｆｕｌｌ é", "", "[CLS] <s> ▁ \u{0} \u{fffd}"];

/// An empty file of `files` means that the model has none.
pub fn check(files: &[(&str, &[u8])]) {
    let Ok(folder) = tempfile::tempdir() else { return };
    for (name, content) in SOUND.iter().chain(files) {
        let path = folder.path().join(name);
        if content.is_empty() && files.iter().any(|(given, _)| given == name) {
            drop(fs::remove_file(path));
        } else {
            fs::write(path, content).expect("a temporary folder can be written to");
        }
    }
    if check_pretrained(folder.path()).is_ok() {
        read(folder.path());
    }
}

fn read(folder: &Path) {
    if let Ok(tokenizer) = Tokenizer::load(folder, 24, 1) {
        for text in TEXTS {
            // Refusing a text is an answer; only a panic is none.
            drop(tokenizer.encode_one(text));
        }
    }
}
