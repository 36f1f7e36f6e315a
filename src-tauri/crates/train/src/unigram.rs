//! The tokenizer of a model that has only a SentencePiece file: DeBERTa v2 and v3, XLM-RoBERTa, CamemBERT, ALBERT.
//!
//! Each is put together as the `convert_slow_tokenizer.py` of Transformers 4 does it, whose `tokenizer.json` files are on
//! the hub, oddities included: pieces for bytes are never fallen back to, and the file's own `add_dummy_prefix` and
//! `remove_extra_whitespaces` are not looked at.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{
    Lowercase, NFKD, NormalizerWrapper, Precompiled, Replace, Sequence, Strip, StripAccents,
};
use tokenizers::pre_tokenizers::metaspace::Metaspace;
use tokenizers::pre_tokenizers::punctuation::Punctuation;
use tokenizers::pre_tokenizers::sequence::Sequence as OneByOne;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

use crate::sentencepiece::{self, Piece, PieceKind, SentencePieces};

/// What the models' SentencePiece files are called: DeBERTa's; ALBERT's; XLM-RoBERTa's and CamemBERT's, which are
/// unigram models in spite of their name.
pub const FILES: [&str; 3] = ["spm.model", "spiece.model", "sentencepiece.bpe.model"];

/// The tokens with a role, in the order in which Transformers adds those that the vocabulary lacks.
const ROLES: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// Further special tokens, without a role.
const ADDITIONAL: &str = "additional_special_tokens";

/// Models that make the same tokenizer of a SentencePiece file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Deberta,
    XlmRoberta,
    Camembert,
    Albert,
}

/// What a model's folder says beside the SentencePiece file; null where it says nothing.
struct Settings {
    tokenizer: Value,
    special_tokens: Value,
    added_tokens: Value,
}

/// A special token as the folder or Transformers names it: with its manners, or only a word.
enum Named {
    Token(AddedToken),
    Word(String),
}

/// The SentencePiece file in `folder`, if there is one.
pub fn file(folder: &Path) -> Option<PathBuf> {
    FILES
        .map(|name| folder.join(name))
        .into_iter()
        .find(|path| path.is_file())
}

/// The tokenizer of the model in `folder`, from its SentencePiece file at `path`.
///
/// # Errors
/// When a file cannot be read or is damaged, or no such tokenizer is known for this kind of model.
pub fn read(folder: &Path, path: &Path) -> tokenizers::Result<Tokenizer> {
    let config = json(folder, "config.json")?;
    let settings = Settings {
        tokenizer: json(folder, "tokenizer_config.json")?,
        special_tokens: json(folder, "special_tokens_map.json")?,
        added_tokens: json(folder, "added_tokens.json")?,
    };
    let family = Family::of(&config, &settings.tokenizer).ok_or_else(|| {
        let model_type = config["model_type"].as_str().unwrap_or("unknown");
        format!("no tokenizer is known for a {model_type} model with a SentencePiece file only")
    })?;
    family.build(sentencepiece::read(path)?, &settings)
}

fn json(folder: &Path, name: &str) -> tokenizers::Result<Value> {
    let path = folder.join(name);
    if !path.is_file() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&std::fs::read(path)?).map_err(|error| format!("{name}: {error}").into())
}

impl Family {
    /// As Transformers chooses: the tokenizer's class counts more than the kind of model, for there are models of BERT's
    /// shape with XLM-RoBERTa's vocabulary.
    fn of(config: &Value, tokenizer: &Value) -> Option<Self> {
        let class = tokenizer["tokenizer_class"]
            .as_str()
            .or(config["tokenizer_class"].as_str());
        match class.map(|class| class.strip_suffix("Fast").unwrap_or(class)) {
            Some("DebertaV2Tokenizer") => return Some(Family::Deberta),
            Some("XLMRobertaTokenizer") => return Some(Family::XlmRoberta),
            Some("CamembertTokenizer") => return Some(Family::Camembert),
            Some("AlbertTokenizer") => return Some(Family::Albert),
            _ => {}
        }
        match config["model_type"].as_str()? {
            "deberta-v2" => Some(Family::Deberta),
            "xlm-roberta" => Some(Family::XlmRoberta),
            "camembert" => Some(Family::Camembert),
            "albert" => Some(Family::Albert),
            _ => None,
        }
    }

    fn build(self, file: SentencePieces, settings: &Settings) -> tokenizers::Result<Tokenizer> {
        let unknown = match self {
            Family::Deberta | Family::Albert => file.unknown,
            Family::XlmRoberta | Family::Camembert => 3,
        };
        let model = Unigram::from(self.vocabulary(&file.pieces), Some(unknown), false)?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_normalizer(Some(
            self.normalizer(file.characters.as_deref(), &settings.tokenizer)?,
        ))?;
        if self == Family::Deberta && settings.tokenizer["split_by_punct"] == true {
            let punctuation = Punctuation::new(SplitDelimiterBehavior::Isolated);
            tokenizer.with_pre_tokenizer(Some(OneByOne::new(vec![
                punctuation.into(),
                Metaspace::default().into(),
            ])));
        } else {
            tokenizer.with_pre_tokenizer(Some(Metaspace::default()));
        }
        tokenizer.with_decoder(Some(Metaspace::default()));
        let around = self.around(&tokenizer)?;
        tokenizer.with_post_processor(Some(around));
        tokenizer.add_tokens(self.added_tokens(&file.pieces, settings))?;
        Ok(tokenizer)
    }

    /// The pieces with their scores, in the order of their ids.
    fn vocabulary(self, pieces: &[Piece]) -> Vec<(String, f64)> {
        let own = pieces
            .iter()
            .map(|piece| (piece.text.clone(), f64::from(piece.score)));
        let given = |words: &[&str]| -> Vec<(String, f64)> {
            words.iter().map(|word| ((*word).to_owned(), 0.0)).collect()
        };
        match self {
            Family::Deberta => own.collect(),
            // A comma after a number is kept apart from it.
            Family::Albert => own
                .map(|(text, score)| {
                    let mut last = text.chars().rev();
                    let after_number = last.next() == Some(',') && last.next().is_some_and(char::is_numeric);
                    (text, if after_number { score - 100.0 } else { score })
                })
                .collect(),
            // fairseq numbers its own special tokens before the pieces, of which it leaves out `<unk>`, `<s>`, `</s>`.
            Family::XlmRoberta => given(&["<s>", "<pad>", "</s>", "<unk>"])
                .into_iter()
                .chain(own.skip(3))
                .chain(given(&["<mask>"]))
                .collect(),
            // CamemBERT's vocabulary was numbered by fairseq twice: `<s>` and `</s>` are used from the second place.
            Family::Camembert => given(&["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>"])
                .into_iter()
                .chain([("<unk>NOTUSED".to_owned(), -100.0)])
                .chain(own.skip(1))
                .chain(given(&["<mask>"]))
                .collect(),
        }
    }

    fn normalizer(self, characters: Option<&[u8]>, tokenizer: &Value) -> tokenizers::Result<Sequence> {
        let characters = characters
            .map(Precompiled::from)
            .transpose()?
            .map(NormalizerWrapper::from);
        let replace = |pattern: &str, by: &str| Replace::new(pattern, by).map(NormalizerWrapper::from);
        let spaces = |by: &str| {
            Replace::new(ReplacePattern::Regex(" {2,}".to_owned()), by).map(NormalizerWrapper::from)
        };
        let mut steps: Vec<NormalizerWrapper> = Vec::new();
        match self {
            Family::Deberta => {
                if tokenizer["do_lower_case"] == true {
                    steps.push(Lowercase.into());
                }
                steps.push(Strip::new(true, true).into());
                steps.extend(characters);
                steps.push(spaces(" ")?);
            }
            Family::Albert => {
                steps.extend([replace("``", "\"")?, replace("''", "\"")?]);
                if tokenizer["keep_accents"] != true {
                    steps.extend([NFKD.into(), StripAccents.into()]);
                }
                if tokenizer["do_lower_case"] != false {
                    steps.push(Lowercase.into());
                }
                steps.extend(characters);
                steps.push(spaces(" ")?);
            }
            Family::XlmRoberta | Family::Camembert => {
                steps.extend(characters);
                steps.extend([Strip::new(false, true).into(), spaces("▁")?]);
            }
        }
        Ok(Sequence::new(steps))
    }

    /// What stands before and after a text, and between two.
    fn around(self, tokenizer: &Tokenizer) -> tokenizers::Result<TemplateProcessing> {
        let (before, after, single, pair) = match self {
            Family::Deberta | Family::Albert => (
                "[CLS]",
                "[SEP]",
                "[CLS]:0 $A:0 [SEP]:0",
                "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
            ),
            Family::XlmRoberta | Family::Camembert => {
                ("<s>", "</s>", "<s> $A </s>", "<s> $A </s> </s> $B </s>")
            }
        };
        let mut ids = Vec::new();
        for word in [before, after] {
            let id = tokenizer
                .token_to_id(word)
                .ok_or_else(|| format!("it has no piece {word}"))?;
            ids.push((word, id));
        }
        let mut template = TemplateProcessing::builder();
        template.try_single(single)?.try_pair(pair)?.special_tokens(ids);
        Ok(template.build()?)
    }

    /// The token of each role unless the model's folder says otherwise.
    fn roles(self) -> [&'static str; 7] {
        match self {
            Family::Deberta => ["[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"],
            Family::Albert => ["[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"],
            Family::XlmRoberta | Family::Camembert => {
                ["<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>"]
            }
        }
    }

    /// Every token that is found in a text before it is cut into pieces. Those that the vocabulary lacks get the ids
    /// after it, in this order; of two with the same text the later one's manners count.
    fn added_tokens(self, pieces: &[Piece], settings: &Settings) -> Vec<AddedToken> {
        let declared = settings.declared();
        let special = self.special_tokens(settings, &declared);
        let names: HashSet<&str> = special.iter().map(Named::text).collect();
        let mut tokens: Vec<AddedToken> = pieces
            .iter()
            .filter(|piece| piece.kind != PieceKind::Plain)
            .map(|piece| AddedToken::from(&piece.text, piece.kind == PieceKind::Control).normalized(false))
            .collect();
        for token in declared {
            let special = token.special || names.contains(token.content.as_str());
            tokens.push(token.special(special));
        }
        let known: HashSet<String> = tokens.iter().map(|token| token.content.clone()).collect();
        tokens.extend(special.into_iter().filter_map(|named| match named {
            Named::Token(token) => Some(token.special(true)),
            Named::Word(word) => (!known.contains(&word)).then(|| AddedToken::from(word, true)),
        }));
        tokens
    }

    /// The special tokens by their roles, then those without one.
    fn special_tokens(self, settings: &Settings, declared: &[AddedToken]) -> Vec<Named> {
        let mut all = Vec::new();
        for (role, usual) in ROLES.into_iter().zip(self.roles()) {
            let (named, given) = match settings.special(role) {
                Some(value) => (named(value), true),
                None => (Some(Named::Word(usual.to_owned())), false),
            };
            all.extend(named.map(|named| {
                // A token that the folder names for a role and declares in detail is as declared.
                let detail = declared
                    .iter()
                    .find(|token| given && settings.in_detail() && token.content == named.text());
                match (detail, named) {
                    (Some(token), _) => Named::Token(token.clone()),
                    (None, Named::Word(word)) => self.manners(role, word),
                    (None, token) => token,
                }
            }));
        }
        match settings.additional() {
            Some(additional) => all.extend(additional.into_iter().filter_map(named)),
            None if self == Family::Camembert => {
                let unused = ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"];
                all.extend(unused.map(|word| Named::Word(word.to_owned())));
            }
            None => {}
        }
        // Most tokens have several roles, and the first counts.
        let mut seen = HashSet::new();
        all.retain(|named| seen.insert(named.text().to_owned()));
        all
    }

    /// How Transformers looks for the token of a role if only its word is given.
    fn manners(self, role: &str, word: String) -> Named {
        match (self, role) {
            (Family::Deberta, "unk_token") => Named::Token(AddedToken::from(word, true).normalized(true)),
            (Family::Deberta, _) => Named::Word(word),
            (_, "mask_token") => Named::Token(AddedToken::from(word, true).lstrip(true)),
            _ => Named::Word(word),
        }
    }
}

impl Settings {
    /// Whether the tokens are declared with their manners, as newer versions of Transformers write them; the other files
    /// are then not looked at.
    fn in_detail(&self) -> bool {
        self.tokenizer["added_tokens_decoder"].is_object()
    }

    /// What the folder says about a special token's role: nothing, that there is none (null), or which.
    fn special(&self, role: &str) -> Option<&Value> {
        let map = (!self.in_detail())
            .then(|| self.special_tokens.get(role))
            .flatten();
        map.or(self.tokenizer.get(role))
    }

    /// Special tokens without a role, where the folder says which.
    fn additional(&self) -> Option<Vec<&Value>> {
        let map = (!self.in_detail())
            .then(|| self.special_tokens[ADDITIONAL].as_array())
            .flatten();
        let lists = [self.tokenizer[ADDITIONAL].as_array(), map];
        lists
            .iter()
            .any(Option::is_some)
            .then(|| lists.into_iter().flatten().flatten().collect())
    }

    /// The tokens that the folder declares with an id, in the order of their ids.
    fn declared(&self) -> Vec<AddedToken> {
        if let Some(tokens) = self.tokenizer["added_tokens_decoder"].as_object() {
            let tokens = tokens
                .iter()
                .filter_map(|(id, token)| Some((id.parse::<u32>().ok()?, detailed(token)?)));
            return tokens.collect::<BTreeMap<_, _>>().into_values().collect();
        }
        let named: Vec<Named> = ROLES
            .into_iter()
            .filter_map(|role| self.special(role))
            .chain(self.additional().unwrap_or_default())
            .filter_map(named)
            .collect();
        let tokens = self
            .added_tokens
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(word, id)| {
                let special = named.iter().any(|named| named.text() == word);
                Some((id.as_u64()?, AddedToken::from(word, special)))
            });
        tokens.collect::<BTreeMap<_, _>>().into_values().collect()
    }
}

impl Named {
    fn text(&self) -> &str {
        match self {
            Named::Token(token) => &token.content,
            Named::Word(word) => word,
        }
    }
}

/// A token as a file of Transformers writes it: a word, or an object; `None` for null and what is neither.
fn named(value: &Value) -> Option<Named> {
    match value {
        Value::String(word) => Some(Named::Word(word.clone())),
        value => detailed(value).map(Named::Token),
    }
}

/// A token from its object.
fn detailed(value: &Value) -> Option<AddedToken> {
    let yes = |name: &str| value[name] == true;
    let token = AddedToken::from(value["content"].as_str()?, yes("special"))
        .single_word(yes("single_word"))
        .lstrip(yes("lstrip"))
        .rstrip(yes("rstrip"));
    Some(match value["normalized"].as_bool() {
        Some(normalized) => token.normalized(normalized),
        None => token,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn build(family: Family, model: &str, settings: &Settings) -> Tokenizer {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sentencepiece");
        let file = sentencepiece::read(&fixtures.join(model)).unwrap();
        family.build(file, settings).unwrap()
    }

    fn nothing() -> Settings {
        Settings {
            tokenizer: Value::Null,
            special_tokens: Value::Null,
            added_tokens: Value::Null,
        }
    }

    /// As a trained model's folder is.
    #[test]
    fn what_is_written_as_a_whole_reads_texts_alike() {
        for (family, model) in [
            (Family::Deberta, "deberta.model"),
            (Family::XlmRoberta, "fairseq.model"),
            (Family::Camembert, "fairseq.model"),
            (Family::Albert, "albert.model"),
        ] {
            let built = build(family, model, &nothing());
            let read: Tokenizer = built.to_string(false).unwrap().parse().unwrap();
            for text in ["Ａ court’s  ruling (2024), é ①", "劳动合同 [MASK]<mask>", ""] {
                let ids = |tokenizer: &Tokenizer| tokenizer.encode(text, true).unwrap().get_ids().to_vec();
                assert_eq!(ids(&built), ids(&read), "{model}: {text}");
                assert_eq!(
                    built.decode(&ids(&built), true).unwrap(),
                    read.decode(&ids(&built), true).unwrap()
                );
            }
        }
    }

    #[test]
    fn a_role_can_be_left_without_a_token() {
        let mask =
            |settings: &Settings| build(Family::Deberta, "deberta.model", settings).token_to_id("[MASK]");
        assert_eq!(mask(&nothing()), Some(650));
        let tokenizer = json!({"mask_token": null});
        assert_eq!(
            mask(&Settings {
                tokenizer,
                ..nothing()
            }),
            None
        );
    }

    #[test]
    fn a_file_for_another_family_is_refused() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sentencepiece");
        let file = sentencepiece::read(&fixtures.join("fairseq.model")).unwrap();
        let error = Family::Deberta.build(file, &nothing()).unwrap_err();
        assert!(error.to_string().contains("[CLS]"), "{error}");
    }
}
