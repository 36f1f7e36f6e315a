//! Small facts about a text: its normal form, its content hash, its head.

use sha2::{Digest, Sha256};

/// Bytes of a content hash kept: the first half of SHA-256, so that equal hashes mean equal texts.
pub(crate) const HASH_BYTES: usize = 16;

/// The SHA-256 (cut to [`HASH_BYTES`]) of the text trimmed and with every run of whitespace as one space:
/// two texts with the same hash are exact duplicates to a reader.
pub(crate) fn content_hash(text: &str) -> [u8; HASH_BYTES] {
    if is_normal(text.as_bytes()) {
        return hash(text);
    }
    let mut normal = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.push_str(word);
    }
    hash(&normal)
}

fn hash(text: &str) -> [u8; HASH_BYTES] {
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(&Sha256::digest(text)[..HASH_BYTES]);
    hash
}

/// Whether this is plain ASCII with single spaces between words: most texts are, and need no copy. All bytes are looked at,
/// without a way out half through: sixty-four at a time.
fn is_normal(bytes: &[u8]) -> bool {
    let odd = |byte: &u8| u8::from(!byte.is_ascii() || matches!(byte, 9..=13));
    let twice = |(one, next): (&u8, &u8)| u8::from(*one == b' ' && *next == b' ');
    let trimmed = bytes.first() != Some(&b' ') && bytes.last() != Some(&b' ');
    let any_odd = bytes.iter().map(odd).fold(0, std::ops::BitOr::bitor) > 0;
    trimmed
        && !any_odd
        && bytes
            .iter()
            .zip(bytes.iter().skip(1))
            .map(twice)
            .fold(0, std::ops::BitOr::bitor)
            == 0
}

/// Characters of the trimmed text.
pub(crate) fn length(text: &str) -> u32 {
    text.trim().chars().count() as u32
}

/// The cells of several text columns as one text: those that are not empty, a line each.
pub fn joined_text<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let filled: Vec<&str> = cells.filter(|cell| !cell.trim().is_empty()).collect();
    filled.join("\n")
}

/// The first `limit` characters.
pub(crate) fn head(text: &str, limit: usize) -> &str {
    // No character is shorter than a byte.
    if text.len() <= limit {
        return text;
    }
    match text.char_indices().nth(limit) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of `hex`; `None` where it is something else or of another length.
pub fn unhex<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let bytes: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|at| {
            hex.get(at..at + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_there_and_back_and_nothing_else_is_taken_for_it() {
        let bytes = [0, 10, 255];
        assert_eq!((hex(&bytes).as_str(), unhex("000aff")), ("000aff", Some(bytes)));
        for other in ["000a", "000afff0", "000afg", "00中f", "000af"] {
            assert_eq!(unhex::<3>(other), None, "{other}");
        }
    }

    #[test]
    fn texts_that_differ_only_in_whitespace_are_the_same_content() {
        assert_eq!(content_hash(" a\r\n b\u{3000}c "), content_hash("a b c"));
        assert_ne!(content_hash("ab"), content_hash("a b"));
        for same in ["a  b", " a b", "a b ", "a\tb", "a\u{b}b", "a\u{a0}b"] {
            assert_eq!(content_hash(same), content_hash("a b"), "{same:?}");
        }
    }

    #[test]
    fn a_head_is_cut_between_characters() {
        assert_eq!(head("合同条款", 2), "合同");
        assert_eq!(head("ab", 5), "ab");
    }
}
