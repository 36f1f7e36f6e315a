//! Which texts a step sees.

use understudy_nn::PackedBatch;
use understudy_nn::random::Key;

use crate::tokenizer::Encoded;

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

/// Groups of texts for results only: of similar length, at most `texts` each and about `tokens` tokens, so that a few
/// very long texts do not need as much memory as many of them.
pub fn evaluation_batches(encoded: &Encoded, texts: usize, tokens: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..encoded.len()).collect();
    order.sort_by_key(|&text| std::cmp::Reverse(encoded.length(text)));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut size = 0;
    for text in order {
        let length = encoded.length(text);
        match batches.last_mut() {
            Some(batch) if batch.len() < texts && size + length <= tokens => {
                batch.push(text);
                size += length;
            }
            _ => {
                batches.push(vec![text]);
                size = length;
            }
        }
    }
    batches
}
