//! A SentencePiece file: bytes in, the pieces of a unigram model with their scores out.
//!
//! The file is a protocol buffer
//! (<https://github.com/google/sentencepiece/blob/v0.2.0/src/sentencepiece_model.proto>), of which only what a tokenizer
//! is built from is read; all else is skipped. Damaged bytes give an error, never a panic, neither here nor later: what
//! this module returns is also safe for `tokenizers`, which trusts a table of characters blindly. Memory stays in
//! proportion to the file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest known, XLM-V's with 900 000 pieces, has 18 MB.
const LARGEST_FILE: u64 = 32 << 20;

/// SentencePiece itself learns pieces of at most 16 characters. `tokenizers` goes through a piece by recursion, a byte a
/// call, so a long one would overflow the stack.
pub(crate) const LONGEST_PIECE: usize = 512;

/// The longest that NFKC puts in a character's place has 33 bytes. Without a limit, damage could make every character
/// of a text megabytes long.
const LONGEST_REPLACEMENT: usize = 512;

/// What a unigram tokenizer is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct SentencePieces {
    /// The vocabulary; a piece's place is its id in the file.
    pub pieces: Vec<Piece>,
    /// The place of the piece for all that is unknown; within `pieces`.
    pub unknown: usize,
    /// What characters are replaced by, in SentencePiece's own binary form; `None` where they stay as they are.
    pub characters: Option<Vec<u8>>,
}

/// An entry of the vocabulary.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Never empty.
    pub text: String,
    /// Logarithm of its probability; finite.
    pub score: f32,
    /// What it is for.
    pub kind: PieceKind,
}

/// What a piece is for, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// A part of words.
    Plain,
    /// A special token, as in `[CLS]`.
    Control,
    /// Always a token of its own wherever it stands.
    UserDefined,
}

/// Why a SentencePiece file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SentencePieceError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// It is larger than any SentencePiece file.
    #[error("it has more than {LARGEST_FILE} bytes")]
    TooLarge,
    /// It is no protocol buffer, or a part of it is missing.
    #[error("it is damaged or no SentencePiece file")]
    Damaged,
    /// It was trained with another algorithm than unigram.
    #[error("it is a {0} model; only unigram models are supported")]
    NotUnigram(&'static str),
    /// A piece is empty, too long, not UTF-8, or its score is not a number.
    #[error("its piece {0} is damaged")]
    Piece(usize),
    /// There is no piece for what is unknown.
    #[error("its unknown piece is number {unknown} of {pieces}")]
    Unknown {
        /// The place that the file says.
        unknown: u64,
        /// How many pieces there are.
        pieces: usize,
    },
    /// The table of characters contradicts itself.
    #[error("its table of characters is damaged")]
    Characters,
}

type Result<T> = std::result::Result<T, SentencePieceError>;

/// Reads the SentencePiece file at `path`.
///
/// # Errors
/// [`SentencePieceError`].
pub fn read(path: &Path) -> Result<SentencePieces> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(SentencePieceError::TooLarge);
    }
    parse(&bytes)
}

/// Reads a SentencePiece file's bytes. Field numbers and defaults are those of `sentencepiece_model.proto`.
fn parse(bytes: &[u8]) -> Result<SentencePieces> {
    let mut pieces = Vec::new();
    let (mut model_type, mut unknown) = (1, 0);
    let mut characters: &[u8] = &[];
    let (mut has_trainer, mut has_normalizer) = (false, false);
    for field in Fields(bytes) {
        match field? {
            (1, Value::Bytes(piece)) => pieces.push(parse_piece(piece, pieces.len())?),
            (2, Value::Bytes(trainer)) => {
                has_trainer = true;
                for field in Fields(trainer) {
                    match field? {
                        (3, Value::Number(number)) => model_type = number,
                        (40, Value::Number(number)) => unknown = number,
                        _ => {}
                    }
                }
            }
            (3, Value::Bytes(normalizer)) => {
                has_normalizer = true;
                for field in Fields(normalizer) {
                    if let (2, Value::Bytes(table)) = field? {
                        characters = table;
                    }
                }
            }
            _ => {}
        }
    }
    // Every file has both, after the pieces: without them it would be another model, not a smaller one.
    if !(has_trainer && has_normalizer) {
        return Err(SentencePieceError::Damaged);
    }
    match model_type {
        1 => {}
        2 => return Err(SentencePieceError::NotUnigram("BPE")),
        3 => return Err(SentencePieceError::NotUnigram("word")),
        4 => return Err(SentencePieceError::NotUnigram("character")),
        _ => return Err(SentencePieceError::Damaged),
    }
    if !characters.is_empty() {
        check_characters(characters)?;
    }
    Ok(SentencePieces {
        unknown: usize::try_from(unknown)
            .ok()
            .filter(|place| *place < pieces.len())
            .ok_or(SentencePieceError::Unknown {
                unknown,
                pieces: pieces.len(),
            })?,
        pieces,
        characters: (!characters.is_empty()).then(|| characters.to_vec()),
    })
}

fn parse_piece(bytes: &[u8], index: usize) -> Result<Piece> {
    let mut text: &[u8] = &[];
    let mut score = 0.0;
    let mut kind = PieceKind::Plain;
    for field in Fields(bytes) {
        match field? {
            (1, Value::Bytes(bytes)) => text = bytes,
            (2, Value::Float(number)) => score = number,
            (3, Value::Number(3)) => kind = PieceKind::Control,
            (3, Value::Number(4)) => kind = PieceKind::UserDefined,
            (3, Value::Number(_)) => kind = PieceKind::Plain,
            _ => {}
        }
    }
    match std::str::from_utf8(text) {
        Ok(text) if (1..=LONGEST_PIECE).contains(&text.len()) && score.is_finite() => Ok(Piece {
            text: text.to_owned(),
            score,
            kind,
        }),
        _ => Err(SentencePieceError::Piece(index)),
    }
}

/// A field's value, by its wire type. Eight-byte values, which no SentencePiece file has, are skipped.
enum Value<'a> {
    Number(u64),
    Float(f32),
    Bytes(&'a [u8]),
    Skipped,
}

/// The fields of a message with their numbers: <https://protobuf.dev/programming-guides/encoding>.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field().ok_or(SentencePieceError::Damaged);
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    /// `None` where the bytes end too early or mean nothing.
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => {
                self.take(8)?;
                Value::Skipped
            }
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Float(f32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        Some((tag >> 3, value))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

/// Whether every step that `spm_precompiled` can take through the table stays within it; it checks none.
///
/// The table is the length of a trie in bytes, the trie, and replacements that end with a zero byte. The trie is a
/// double array of 32-bit units as in Darts (<https://github.com/s-yata/darts-clone>): from a unit, bytes lead to the
/// units around `index ^ offset`, which differ in the last eight bits.
pub(crate) fn check_characters(table: &[u8]) -> Result<()> {
    const IS_VALUE: u32 = 1 << 31;
    const HAS_VALUE: u32 = 1 << 8;
    let check = || {
        let (length, rest) = table.split_first_chunk::<4>()?;
        let (trie, replacements) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let replacements = std::str::from_utf8(replacements).ok()?;
        let (units, []) = trie.as_chunks::<4>() else {
            return None;
        };
        let unit = |index: usize| units.get(index).map(|bytes| u32::from_le_bytes(*bytes));
        unit(0)?;
        for index in 0..units.len() {
            let this = unit(index)?;
            // A value is never gone on from, unless it stands where the search begins.
            if this & IS_VALUE != 0 && index > 0 {
                continue;
            }
            let offset = (this >> 10) << ((this & (1 << 9)) >> 6);
            let next = index ^ offset as usize;
            unit(next | 0xFF)?;
            if this & HAS_VALUE != 0 {
                let replacement = replacements.get((unit(next)? & !IS_VALUE) as usize..)?;
                let length = replacement.bytes().take_while(|byte| *byte != 0);
                if length.take(LONGEST_REPLACEMENT + 1).count() > LONGEST_REPLACEMENT {
                    return None;
                }
            }
        }
        Some(())
    };
    check().ok_or(SentencePieceError::Characters)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokenizers::models::unigram::Unigram;
    use tokenizers::normalizers::Precompiled;

    use super::*;

    const FIXTURES: [&[u8]; 3] = [
        include_bytes!("../tests/fixtures/sentencepiece/albert.model"),
        include_bytes!("../tests/fixtures/sentencepiece/deberta.model"),
        include_bytes!("../tests/fixtures/sentencepiece/fairseq.model"),
    ];

    /// A field with bytes as its value.
    fn field(number: u8, value: &[u8]) -> Vec<u8> {
        let length = u8::try_from(value.len()).unwrap();
        let varint = if length < 128 {
            vec![length]
        } else {
            vec![length, 1]
        };
        [&[number << 3 | 2], &varint[..], value].concat()
    }

    fn piece(text: &str, score: f32) -> Vec<u8> {
        field(
            1,
            &[
                field(1, text.as_bytes()),
                vec![2 << 3 | 5],
                score.to_le_bytes().to_vec(),
            ]
            .concat(),
        )
    }

    /// A table with one unit a block that leads to a value, and these replacements.
    fn table(trie: &[u32], replacements: &[u8]) -> Vec<u8> {
        let units = trie.iter().flat_map(|unit| unit.to_le_bytes());
        let length = u32::try_from(trie.len() * 4).unwrap();
        length
            .to_le_bytes()
            .into_iter()
            .chain(units)
            .chain(replacements.iter().copied())
            .collect()
    }

    /// A file of these pieces.
    fn model(pieces: &[Vec<u8>], trainer: &[u8]) -> Vec<u8> {
        [pieces.concat(), field(2, trainer), field(3, &[])].concat()
    }

    #[test]
    fn pieces_are_read_with_scores_and_kinds() {
        let model = parse(FIXTURES[0]).unwrap();
        let first: Vec<_> = model
            .pieces
            .iter()
            .take(6)
            .map(|piece| (piece.text.as_str(), piece.kind))
            .collect();
        use PieceKind::{Control, Plain, UserDefined};
        assert_eq!(
            first,
            [
                ("<pad>", Control),
                ("<unk>", Plain),
                ("[CLS]", Control),
                ("[SEP]", Control),
                ("[MASK]", Control),
                ("(", UserDefined)
            ]
        );
        assert_eq!((model.pieces.len(), model.unknown), (400, 1));
        assert!(model.pieces[20].score < 0.0);
        assert!(model.characters.is_some());
    }

    #[test]
    fn what_a_file_leaves_out_has_the_defaults_of_the_format() {
        let file = [
            model(&[field(1, &field(1, b"a"))], &[]),
            field(9, b"unknown field"),
        ]
        .concat();
        let model = parse(&file).unwrap();
        assert_eq!(
            model,
            SentencePieces {
                pieces: vec![Piece {
                    text: "a".to_owned(),
                    score: 0.0,
                    kind: PieceKind::Plain
                }],
                unknown: 0,
                characters: None,
            }
        );
    }

    #[test]
    fn other_algorithms_are_refused_by_name() {
        for (number, name) in [(2, "BPE"), (3, "word"), (4, "character")] {
            let error = parse(&model(&[piece("a", 0.0)], &[3 << 3, number])).unwrap_err();
            assert!(matches!(error, SentencePieceError::NotUnigram(_)));
            assert!(error.to_string().contains(name), "{error}");
        }
        let error = parse(&model(&[piece("a", 0.0)], &[3 << 3, 9])).unwrap_err();
        assert!(matches!(error, SentencePieceError::Damaged));
    }

    #[test]
    fn pieces_that_tokenizers_could_not_stand_are_refused() {
        for wrong in [
            piece("", 0.0),
            piece("a", f32::NAN),
            piece("a", f32::INFINITY),
            field(1, &field(1, b"\xFF")),
        ] {
            assert!(matches!(
                parse(&[piece("a", 0.0), wrong].concat()),
                Err(SentencePieceError::Piece(1))
            ));
        }
        assert!(matches!(
            parse_piece(&[&[1 << 3 | 2, 0x81, 4], &[b'a'; 513][..]].concat(), 0),
            Err(SentencePieceError::Piece(0))
        ));
        assert!(parse_piece(&[&[1 << 3 | 2, 0x80, 4], &[b'a'; 512][..]].concat(), 0).is_ok());
    }

    /// Tests run on small stacks, as the threads do that read texts.
    #[test]
    fn the_longest_piece_does_not_overflow_the_stack() {
        let pieces = vec![("?".to_owned(), 0.0), ("a".repeat(LONGEST_PIECE), -1.0)];
        let model = Unigram::from(pieces, Some(0), false).unwrap();
        drop(model.clone());
    }

    #[test]
    fn a_model_without_a_piece_for_the_unknown_is_refused() {
        let with = |pieces: &[Vec<u8>], varint: &[u8]| parse(&model(pieces, &[&[0xC0, 2], varint].concat()));
        assert!(with(&[piece("a", 0.0)], &[0]).is_ok());
        assert!(matches!(
            with(&[], &[0]),
            Err(SentencePieceError::Unknown { pieces: 0, .. })
        ));
        let none = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]; // -1
        for varint in [&[1][..], &none] {
            let result = with(&[piece("a", 0.0)], varint);
            assert!(matches!(
                result,
                Err(SentencePieceError::Unknown { pieces: 1, .. })
            ));
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_unless_nothing_that_counts_is_missing() {
        for bytes in FIXTURES {
            let whole = parse(bytes).unwrap();
            for cut in 0..bytes.len() {
                assert!(parse(&bytes[..cut]).map_or(true, |model| model == whole), "{cut}");
            }
        }
    }

    #[test]
    fn tables_that_lead_out_of_themselves_are_refused() {
        // Unit 0 leads to the units from 256 on; `a` is unit 256 ^ 97, whose value stands at its own offset.
        let mut trie = vec![0; 512];
        trie[0] = 256 << 10;
        trie[256 ^ 97] = 97 | 1 << 8 | 1 << 10;
        trie[256 ^ 97 ^ 1] = 1 << 31 | 2;
        let good = table(&trie, b"b\0cd\0");
        check_characters(&good).unwrap();
        let replaced = Precompiled::from(&good).unwrap();
        assert_eq!(replaced.normalize_string("axa"), "cdxcd");

        let wrong = |unit: usize, value: u32| {
            let mut trie = trie.clone();
            trie[unit] = value;
            check_characters(&table(&trie, b"b\0cd\0"))
        };
        assert!(wrong(0, 512 << 10).is_err(), "beyond the trie");
        assert!(
            wrong(0, 512 << 10 | 1 << 31).is_err(),
            "beyond the trie, as a value"
        );
        assert!(
            wrong(256 ^ 97 ^ 1, 1 << 31 | 6).is_err(),
            "beyond the replacements"
        );
        assert!(
            check_characters(&table(&trie, &[b'b'; 515])).is_err(),
            "a replacement without end"
        );
        assert!(
            check_characters(&table(&trie, "b\u{e9}".as_bytes())).is_err(),
            "within a character"
        );
        assert!(check_characters(&table(&trie, b"b\0\xFF")).is_err(), "not UTF-8");
        assert!(
            check_characters(&table(&trie[..300], b"b\0cd\0")).is_err(),
            "half a block"
        );
        assert!(check_characters(&table(&[], b"b\0cd\0")).is_err(), "no trie");
        assert!(check_characters(&good[..100]).is_err(), "cut");
        assert!(check_characters(&[0xFF; 4]).is_err(), "four gigabytes promised");
    }

    #[test]
    fn a_file_larger_than_any_is_refused_without_being_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(LARGEST_FILE + 1).unwrap();
        assert!(matches!(read(file.path()), Err(SentencePieceError::TooLarge)));
        assert!(matches!(
            read(Path::new("/nowhere/spm.model")),
            Err(SentencePieceError::File(_))
        ));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
            let _ = check_characters(&bytes);
        }

        #[test]
        fn a_damaged_table_that_passes_can_be_used(
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
            text in "\\PC{0,40}",
        ) {
            let mut table = parse(FIXTURES[2]).unwrap().characters.unwrap();
            for (place, byte) in damage {
                let place = place.index(table.len());
                table[place] = byte;
            }
            if check_characters(&table).is_ok() {
                let replaced = Precompiled::from(&table).unwrap().normalize_string(&format!("{text}Ａﬁ½\u{3000}가"));
                prop_assert!(replaced.len() <= (text.len() + 20) * LONGEST_REPLACEMENT);
            }
        }
    }
}
