//! A model's tokenizer, from `tokenizer.json` or, where a model has none, from its word list or SentencePiece file.

use std::ffi::OsStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use tokenizers::models::bpe::BPE;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::{AddedToken, Model, Tokenizer};

use crate::sentencepiece::{self, LONGEST_PIECE};
use crate::unigram;

/// The whole tokenizer in one file.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// BERT's word list: a word a line, its number the id.
const WORD_LIST: &str = "vocab.txt";
/// RoBERTa's byte pairs.
const PAIRS: [&str; 2] = ["vocab.json", "merges.txt"];

/// The file that the tokenizer of the model in `folder` is made from, perhaps with others beside it; the whole
/// tokenizer's where there is none.
pub fn main_file(folder: &Path) -> PathBuf {
    let whole = folder.join(TOKENIZER_FILE);
    let has = |name: &str| folder.join(name).is_file();
    if whole.is_file() {
        whole
    } else if has(WORD_LIST) {
        folder.join(WORD_LIST)
    } else if PAIRS.into_iter().all(has) {
        folder.join(PAIRS[0])
    } else {
        unigram::file(folder).unwrap_or(whole)
    }
}

/// Reads the tokenizer of the model in `folder`.
///
/// # Errors
/// When a file cannot be read or is not what its name says.
pub fn read(folder: &Path) -> tokenizers::Result<Tokenizer> {
    let path = main_file(folder);
    match path.file_name().and_then(OsStr::to_str) {
        Some(WORD_LIST) => from_word_list(folder),
        Some(name) if name == PAIRS[0] => from_pairs(&path, &folder.join(PAIRS[1])),
        Some(name) if unigram::FILES.contains(&name) => unigram::read(folder, &path),
        // Says that the file is missing if it is.
        _ => from_whole(&path),
    }
}

/// `tokenizer.json`, after a look at the parts that `tokenizers` trusts blindly: a damaged table of characters would make it
/// panic, a word of millions of letters overflow its stack.
fn from_whole(path: &Path) -> tokenizers::Result<Tokenizer> {
    let text = std::fs::read_to_string(path)?;
    if text.contains(CHARACTERS) || text.contains("Unigram") {
        check_parts(&serde_json::from_str(&text)?)?;
    }
    // `tokenizers` (0.23) panics on a decoder that is none; found by fuzzing. Nothing outlives a panic here.
    catch_unwind(AssertUnwindSafe(|| text.parse())).unwrap_or_else(|_| Err("a part of it is none".into()))
}

/// Where `tokenizer.json` has a table of characters, in base 64.
const CHARACTERS: &str = "precompiled_charsmap";

fn check_parts(value: &Value) -> tokenizers::Result<()> {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(table)) = fields.get(CHARACTERS) {
                sentencepiece::check_characters(&BASE64.decode(table)?)?;
            }
            if fields.get("type").is_some_and(|kind| kind == "Unigram") {
                let pieces = fields.get("vocab").and_then(Value::as_array);
                let too_long =
                    |piece: &Value| piece[0].as_str().is_some_and(|text| text.len() > LONGEST_PIECE);
                if pieces.is_some_and(|pieces| pieces.iter().any(too_long)) {
                    return Err(format!("a piece of more than {LONGEST_PIECE} bytes").into());
                }
            }
            fields.values().try_for_each(check_parts)
        }
        // The vocabulary has been looked at, and nothing lies below it.
        Value::Array(values) if values.first().is_some_and(Value::is_object) => {
            values.iter().try_for_each(check_parts)
        }
        _ => Ok(()),
    }
}

/// BERT's tokenizer: lower-cased unless `tokenizer_config.json` says otherwise.
fn from_word_list(folder: &Path) -> tokenizers::Result<Tokenizer> {
    let path = folder.join(WORD_LIST);
    let model = WordPiece::from_file(&path.to_string_lossy())
        .unk_token("[UNK]".to_owned())
        .build()?;
    let config = std::fs::read_to_string(folder.join("tokenizer_config.json")).ok();
    let config: Option<serde_json::Value> = config.and_then(|text| serde_json::from_str(&text).ok());
    let lower = config.is_none_or(|config| config["do_lower_case"] != false);
    let id = |word: &str| {
        model
            .token_to_id(word)
            .ok_or(format!("{WORD_LIST} has no {word}"))
    };
    let around = BertProcessing::new(
        ("[SEP]".to_owned(), id("[SEP]")?),
        ("[CLS]".to_owned(), id("[CLS]")?),
    );
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(BertNormalizer::new(true, true, None, lower)))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer.with_post_processor(Some(around));
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    tokenizer.add_special_tokens(special.map(|word| AddedToken::from(word, true)))?;
    Ok(tokenizer)
}

/// RoBERTa's tokenizer: byte pairs.
fn from_pairs(vocabulary: &Path, merges: &Path) -> tokenizers::Result<Tokenizer> {
    let model = BPE::from_file(&vocabulary.to_string_lossy(), &merges.to_string_lossy()).build()?;
    let id = |word: &str| {
        model
            .token_to_id(word)
            .ok_or(format!("{} has no {word}", PAIRS[0]))
    };
    let around = RobertaProcessing::new(("</s>".to_owned(), id("</s>")?), ("<s>".to_owned(), id("<s>")?))
        .add_prefix_space(false);
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(ByteLevel::default().add_prefix_space(false)));
    tokenizer.with_post_processor(Some(around));
    let special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"];
    tokenizer.add_special_tokens(special.map(|word| AddedToken::from(word, true)))?;
    Ok(tokenizer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
        tokenizer.encode(text, true).unwrap().get_ids().to_vec()
    }

    #[test]
    fn a_word_list_gives_the_tokenizer_that_was_saved_whole() {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/fixtures/tiny-bert");
        let mut whole = read(&fixture).unwrap();
        whole.with_padding(None).with_truncation(None).unwrap();
        let mut words: Vec<(String, u32)> = whole.get_vocab(false).into_iter().collect();
        words.sort_unstable_by_key(|(_, id)| *id);
        let folder = tempfile::tempdir().unwrap();
        let list: String = words.into_iter().map(|(word, _)| word + "\n").collect();
        std::fs::write(folder.path().join(WORD_LIST), list).unwrap();
        let built = read(folder.path()).unwrap();
        for text in ["The Court pays, good heart!", "", "contract é 合同"] {
            assert_eq!(ids(&built, text), ids(&whole, text), "{text}");
        }
        std::fs::write(
            folder.path().join("tokenizer_config.json"),
            r#"{"do_lower_case": false}"#,
        )
        .unwrap();
        assert_ne!(ids(&read(folder.path()).unwrap(), "Court"), ids(&whole, "Court"));
    }

    #[test]
    fn byte_pairs_are_read_and_a_list_without_special_tokens_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "vocab.json",
            r#"{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5, "ab": 6, "<mask>": 7}"#,
        );
        write("merges.txt", "#version: 0.2\na b\n");
        assert_eq!(ids(&read(folder.path()).unwrap(), "abb"), [0, 6, 5, 2]);
        write(WORD_LIST, "good\nbad\n");
        assert!(read(folder.path()).is_err());
    }

    #[test]
    fn a_folder_without_any_tokenizer_is_refused() {
        assert!(read(tempfile::tempdir().unwrap().path()).is_err());
    }
}
