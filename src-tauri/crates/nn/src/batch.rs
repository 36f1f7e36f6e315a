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
    /// [`NnError::Batch`] for an empty sequence, one longer than `positions`, or an id beyond `vocabulary`.
    pub fn check(&self, vocabulary: usize, positions: usize) -> Result<()> {
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
