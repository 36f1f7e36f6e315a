//! Texts to token ids, once per run.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tokenizers::{TruncationParams, TruncationStrategy};

use crate::control::Control;
use crate::error::{Result, TrainError};

/// Name of the tokenizer's file in a model folder.
pub const TOKENIZER_FILE: &str = "tokenizer.json";

/// No token is longer than this many characters (WordPiece gives up at 100, and spaces are few): what lies beyond
/// `max_length` times as much cannot be read anyway and is not tokenised, so that a text of a million characters
/// costs no more than a long one.
const CHARACTERS_PER_TOKEN: usize = 128;

/// Turns texts into ids, cut at a number of tokens.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    max_length: usize,
    path: PathBuf,
}

/// Token ids of many texts, end to end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoded {
    ids: Vec<u32>,
    offsets: Vec<usize>,
    truncated: Vec<bool>,
}

impl Tokenizer {
    /// Reads `tokenizer.json` in `folder`; texts will be cut at `max_length` tokens, special tokens included.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn load(folder: &Path, max_length: usize) -> Result<Self> {
        let path = folder.join(TOKENIZER_FILE);
        let failed = |reason: tokenizers::Error| TrainError::Tokenizer {
            path: path.clone(),
            reason: reason.to_string(),
        };
        let mut inner = tokenizers::Tokenizer::from_file(&path).map_err(failed)?;
        // Published tokenizers carry settings of their own (MiniLM's pads everything to 128 tokens).
        inner.with_padding(None);
        let truncation = TruncationParams {
            max_length,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
            ..TruncationParams::default()
        };
        inner.with_truncation(Some(truncation)).map_err(failed)?;
        Ok(Tokenizer {
            inner,
            max_length,
            path,
        })
    }

    /// The ids of one text, and whether it was cut.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn encode_one(&self, text: &str) -> Result<(Vec<u32>, bool)> {
        let limit = self.max_length * CHARACTERS_PER_TOKEN;
        let (text, too_long) = match text.char_indices().nth(limit) {
            Some((end, _)) => (&text[..end], true),
            None => (text, false),
        };
        let encoding = self
            .inner
            .encode_fast(text, true)
            .map_err(|e| TrainError::Tokenizer {
                path: self.path.clone(),
                reason: e.to_string(),
            })?;
        let cut = too_long || !encoding.get_overflowing().is_empty();
        Ok((encoding.get_ids().to_vec(), cut))
    }

    /// The ids of many texts, in parallel. `progress(done)` is called now and then.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`], [`TrainError::Cancelled`].
    pub fn encode<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
        control: &Control,
        mut progress: impl FnMut(usize),
    ) -> Result<Encoded> {
        const CHUNK: usize = 512;
        let mut encoded = Encoded {
            offsets: vec![0],
            ..Encoded::default()
        };
        for (index, chunk) in texts.chunks(CHUNK).enumerate() {
            control.check()?;
            let parts: Vec<_> = chunk
                .par_iter()
                .map(|text| self.encode_one(text.as_ref()))
                .collect::<Result<_>>()?;
            for (ids, truncated) in parts {
                encoded.ids.extend_from_slice(&ids);
                encoded.offsets.push(encoded.ids.len());
                encoded.truncated.push(truncated);
            }
            progress(index * CHUNK + chunk.len());
        }
        Ok(encoded)
    }
}

impl Encoded {
    /// Number of texts.
    pub fn len(&self) -> usize {
        self.truncated.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.truncated.is_empty()
    }

    /// The ids of text `index`.
    pub fn ids(&self, index: usize) -> &[u32] {
        &self.ids[self.range(index)]
    }

    /// Number of tokens of text `index`.
    pub fn length(&self, index: usize) -> usize {
        self.range(index).len()
    }

    /// Whether text `index` was cut.
    pub fn was_truncated(&self, index: usize) -> bool {
        self.truncated[index]
    }

    /// Tokens over all texts.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// The largest id.
    pub fn largest_id(&self) -> u32 {
        self.ids.iter().copied().max().unwrap_or(0)
    }

    fn range(&self, index: usize) -> Range<usize> {
        self.offsets[index]..self.offsets[index + 1]
    }
}
