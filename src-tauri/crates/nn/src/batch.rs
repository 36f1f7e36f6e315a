//! What a model reads: token ids of several sequences, laid end to end.

use std::sync::Arc;

use crate::error::{NnError, Result};

/// Sequences packed end to end: sequence `s` is `ids[offsets[s]..offsets[s + 1]]`. No padding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackedBatch {
    /// Token ids, `[tokens]`.
    pub ids: Vec<u32>,
    /// Segment ids (0 for the first text, 1 for the second of a pair), `[tokens]`.
    pub types: Vec<u32>,
    /// Where each sequence begins, and the end: `[sequences + 1]`, rising, starting at 0.
    pub offsets: Vec<usize>,
    /// Where texts are of several sequences (windows of a long text): the first sequence of each text, and the end,
    /// `[texts + 1]`. Else every sequence is a text.
    pub texts: Option<Arc<[usize]>>,
}

impl PackedBatch {
    /// Packs sequences of token ids, all of segment 0.
    pub fn from_sequences<'a>(sequences: impl IntoIterator<Item = &'a [u32]>) -> Self {
        let mut batch = PackedBatch {
            offsets: vec![0],
            ..PackedBatch::default()
        };
        for sequence in sequences {
            batch.ids.extend_from_slice(sequence);
            batch.offsets.push(batch.ids.len());
        }
        batch.types = vec![0; batch.ids.len()];
        batch
    }

    /// Number of sequences.
    pub fn sequences(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Number of texts.
    pub fn texts(&self) -> usize {
        self.texts
            .as_ref()
            .map_or(self.sequences(), |texts| texts.len() - 1)
    }

    /// Number of tokens over all sequences.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Refuses what a model with these limits cannot read.
    ///
    /// # Errors
    /// [`NnError::Batch`] for offsets that are not those of all tokens, an empty sequence, one longer than `positions`, or an
    /// id beyond `vocabulary`.
    pub fn check(&self, vocabulary: usize, positions: usize) -> Result<()> {
        let covers = |offsets: &[usize], all: usize| {
            offsets.first() == Some(&0) && offsets.last() == Some(&all) && offsets.is_sorted()
        };
        let packed = covers(&self.offsets, self.ids.len()) && self.types.len() == self.ids.len();
        let texts = self.texts.as_ref();
        if !packed || !texts.is_none_or(|texts| covers(texts, self.sequences())) {
            return Err(NnError::Batch {
                what: "offsets",
                value: self.offsets.last().copied().unwrap_or_default(),
                limit: self.ids.len(),
            });
        }
        for pair in self.offsets.windows(2) {
            let length = pair[1] - pair[0];
            if length == 0 {
                return Err(NnError::Batch {
                    what: "sequence length",
                    value: 0,
                    limit: 1,
                });
            }
            if length > positions {
                return Err(NnError::Batch {
                    what: "sequence length",
                    value: length,
                    limit: positions + 1,
                });
            }
        }
        match self.ids.iter().find(|&&id| id as usize >= vocabulary) {
            Some(&id) => Err(NnError::Batch {
                what: "token id",
                value: id as usize,
                limit: vocabulary,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_whose_parts_do_not_agree_is_refused() {
        let batch = PackedBatch::from_sequences([[1, 2].as_slice(), &[3]]);
        assert!(batch.check(4, 2).is_ok());
        let spoil: [fn(&mut PackedBatch); 6] = [
            |batch| batch.offsets[0] = 1,
            |batch| batch.offsets.truncate(2),
            |batch| batch.offsets.push(2),
            |batch| batch.types.clear(),
            |batch| batch.texts = Some(Arc::from([0, 1])),
            |batch| *batch = PackedBatch::default(),
        ];
        for (number, spoil) in spoil.into_iter().enumerate() {
            let mut batch = batch.clone();
            spoil(&mut batch);
            assert!(
                matches!(batch.check(4, 2), Err(NnError::Batch { .. })),
                "{number}"
            );
        }
    }
}
