//! Which texts a step sees.

use understudy_nn::PackedBatch;
use understudy_nn::random::Key;

use crate::tokenizer::Encoded;

/// Tokens that a step on the processor reads at once, unless one text has more: what the way back needs is kept of these
/// alone.
pub const TOKENS_PER_PART: usize = 1024;

/// The texts of step `step` of epoch `epoch` (both from 0): a slice of a random order that depends on the run's key
/// and the epoch only, so that a resumed run sees what it would have seen.
pub fn epoch_order(key: Key, epoch: u32, texts: usize) -> Vec<usize> {
    key.with(0x0DE2).with(u64::from(epoch)).permutation(texts)
}

/// Packs these texts, in this order.
pub fn pack(encoded: &Encoded, texts: &[usize]) -> PackedBatch {
    let mut batch = PackedBatch::from_sequences(texts.iter().flat_map(|&text| encoded.windows(text)));
    if encoded.has_windows() {
        let counts = texts.iter().map(|&text| encoded.windows(text).count());
        let starts = counts.scan(0, |end, count| {
            *end += count;
            Some(*end)
        });
        batch.texts = Some(std::iter::once(0).chain(starts).collect());
    }
    batch
}

/// Groups of texts for results only: of similar length, as [`parts`] cuts them, so that a few very long texts do not need as
/// much memory as many of them.
pub fn evaluation_batches(encoded: &Encoded, texts: usize, tokens: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..encoded.len()).collect();
    order.sort_by_key(|&text| std::cmp::Reverse(encoded.length(text)));
    parts(encoded, &order, texts, tokens)
        .into_iter()
        .map(<[usize]>::to_vec)
        .collect()
}

/// Cuts a sequence of texts into parts of at most `most` texts and `tokens` tokens; a text that has more stands alone.
pub fn parts<'t>(encoded: &Encoded, texts: &'t [usize], most: usize, tokens: usize) -> Vec<&'t [usize]> {
    let mut parts = Vec::new();
    let (mut begin, mut size) = (0, 0);
    for (at, &text) in texts.iter().enumerate() {
        let length = encoded.length(text);
        if at > begin && (at - begin == most || size + length > tokens) {
            parts.push(&texts[begin..at]);
            (begin, size) = (at, 0);
        }
        size += length;
    }
    if begin < texts.len() {
        parts.push(&texts[begin..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of so many tokens.
    fn of_lengths(lengths: &[usize]) -> Encoded {
        let mut encoded = Encoded::default();
        for &length in lengths {
            encoded.push([&vec![7; length][..]].into_iter(), false);
        }
        encoded
    }

    #[test]
    fn parts_keep_the_order_and_neither_limit_is_passed_but_by_a_text_alone() {
        let encoded = of_lengths(&[4, 4, 2, 11, 1, 1, 1, 1]);
        let texts: Vec<usize> = (0..8).collect();
        let cut = |most, tokens| parts(&encoded, &texts, most, tokens);
        assert_eq!(
            cut(8, 10),
            [&[0, 1, 2][..], &[3], &[4, 5, 6, 7]],
            "an exact fit, a long one alone"
        );
        assert_eq!(cut(2, 10), [&[0, 1][..], &[2], &[3], &[4, 5], &[6, 7]]);
        assert_eq!(cut(3, usize::MAX), [&[0, 1, 2][..], &[3, 4, 5], &[6, 7]]);
        assert_eq!(cut(8, 1).len(), 8);
        assert_eq!(parts(&encoded, &[5, 3, 0], 8, 12), [&[5, 3][..], &[0]]);
        assert!(parts(&encoded, &[], 8, 12).is_empty());
    }
}
