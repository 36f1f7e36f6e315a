//! Texts to token ids, once per run.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::control::Control;
use crate::error::{Result, TrainError};
use crate::tokenizer_files;

/// No token is longer than this many characters (WordPiece gives up at 100, and spaces are few): what lies beyond
/// `max_length` times as much cannot be read anyway and is not tokenised, so that a text of a million characters
/// costs no more than a long one.
const CHARACTERS_PER_TOKEN: usize = 128;

/// Neighbouring windows share this part of their length, so that what stands at a border is read whole once.
const OVERLAP: usize = 8;

/// Turns texts into ids: one window of tokens a text, or several where a text is longer and that is wanted.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Special tokens before and after a text.
    around: (Vec<u32>, Vec<u32>),
    max_length: usize,
    windows: usize,
    path: PathBuf,
}

/// Token ids of many texts, end to end, window by window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    ids: Vec<u32>,
    /// Where each window begins, and the end.
    offsets: Vec<usize>,
    /// The first window of each text, and the end.
    texts: Vec<usize>,
    truncated: Vec<bool>,
}

impl Default for Encoded {
    fn default() -> Self {
        Encoded {
            ids: Vec::new(),
            offsets: vec![0],
            texts: vec![0],
            truncated: Vec::new(),
        }
    }
}

impl Tokenizer {
    /// Reads the tokenizer in `folder`; of a text up to `windows` overlapping windows of at most `max_length` tokens
    /// will be read, special tokens included.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn load(folder: &Path, max_length: usize, windows: usize) -> Result<Self> {
        let path = tokenizer_files::main_file(folder);
        let failed = |reason: tokenizers::Error| TrainError::Tokenizer {
            path: path.clone(),
            reason: reason.to_string(),
        };
        let mut inner = tokenizer_files::read(folder).map_err(failed)?;
        // Published tokenizers carry settings of their own (MiniLM's pads everything to 128 tokens).
        inner.with_padding(None);
        // Texts are cut here: the library's own windows leave out the middle of a text (0.23).
        inner.with_truncation(None).map_err(failed)?;
        let around = special_tokens(&inner).map_err(failed)?;
        Ok(Tokenizer {
            inner,
            around,
            max_length,
            windows: windows.max(1),
            path,
        })
    }

    /// The highest id that a text can have, with what is put around it; `None` without words.
    pub fn highest_id(&self) -> Option<u32> {
        let (before, after) = &self.around;
        let around = before.iter().chain(after).copied();
        self.inner.get_vocab(false).into_values().chain(around).max()
    }

    /// The ids of one text, window by window, and whether some of it was left out.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn encode_one(&self, text: &str) -> Result<(Vec<Vec<u32>>, bool)> {
        let limit = self.max_length * self.windows * CHARACTERS_PER_TOKEN;
        let (text, too_long) = match text.char_indices().nth(limit) {
            Some((end, _)) => (&text[..end], true),
            None => (text, false),
        };
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|e| TrainError::Tokenizer {
                path: self.path.clone(),
                reason: e.to_string(),
            })?;
        let (windows, cut) = self.windows(encoding.get_ids());
        Ok((windows, cut || too_long))
    }

    /// Cuts a text's ids into windows with special tokens around each; also tells whether some of them were left out.
    fn windows(&self, ids: &[u32]) -> (Vec<Vec<u32>>, bool) {
        let (before, after) = &self.around;
        let room = self.max_length.saturating_sub(before.len() + after.len()).max(1);
        let step = room - (self.max_length / OVERLAP).min(room - 1);
        let mut windows = Vec::new();
        let mut start = 0;
        loop {
            let end = (start + room).min(ids.len());
            windows.push([before, &ids[start..end], after].concat());
            if end == ids.len() || windows.len() == self.windows {
                return (windows, end < ids.len());
            }
            start += step;
        }
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
        let mut encoded = Encoded::default();
        for (index, chunk) in texts.chunks(CHUNK).enumerate() {
            control.check()?;
            let parts: Vec<_> = chunk
                .par_iter()
                .map(|text| self.encode_one(text.as_ref()))
                .collect::<Result<_>>()?;
            for (windows, truncated) in parts {
                for ids in windows {
                    encoded.ids.extend_from_slice(&ids);
                    encoded.offsets.push(encoded.ids.len());
                }
                encoded.texts.push(encoded.offsets.len() - 1);
                encoded.truncated.push(truncated);
            }
            progress(index * CHUNK + chunk.len());
        }
        Ok(encoded)
    }
}

/// What the tokenizer puts before and after a text.
fn special_tokens(tokenizer: &tokenizers::Tokenizer) -> tokenizers::Result<(Vec<u32>, Vec<u32>)> {
    const WORD: &str = "a";
    let bare = tokenizer.encode_fast(WORD, false)?.get_ids().to_vec();
    let whole = tokenizer.encode_fast(WORD, true)?.get_ids().to_vec();
    let start = whole
        .windows(bare.len().max(1))
        .position(|part| part == bare)
        .ok_or("a word changes when special tokens are added")?;
    Ok((whole[..start].to_vec(), whole[start + bare.len()..].to_vec()))
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

    /// The windows of text `index`.
    pub fn windows(&self, index: usize) -> impl Iterator<Item = &[u32]> {
        let windows = self.texts[index]..self.texts[index + 1];
        windows.map(|window| &self.ids[self.offsets[window]..self.offsets[window + 1]])
    }

    /// Whether some text has several windows.
    pub fn has_windows(&self) -> bool {
        self.texts.len() < self.offsets.len()
    }

    /// The ids of text `index`, of all its windows.
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
        self.offsets[self.texts[index]]..self.offsets[self.texts[index + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer(max_length: usize, windows: usize) -> Tokenizer {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/fixtures/tiny-bert");
        Tokenizer::load(&folder, max_length, windows).unwrap()
    }

    /// A text of so many words of one token each.
    fn text(words: usize) -> String {
        let known = ["good", "bad", "court", "law", "pain", "heart", "contract", "pays"];
        (0..words).map(|i| known[i * i % 7]).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn windows_cover_a_text_with_an_overlap_and_what_is_left_out_is_said() {
        // 16 tokens a window: two special ones and 14 of the text, of which 2 are shared with the window before.
        let (windows, cut) = tokenizer(16, 4).encode_one(&text(40)).unwrap();
        assert_eq!(windows.iter().map(Vec::len).collect::<Vec<_>>(), [16, 16, 16, 6]);
        assert!(!cut);
        assert_eq!(
            windows[0][13..15],
            windows[1][1..3],
            "neighbours share what stands at the border"
        );
        let (windows, cut) = tokenizer(16, 2).encode_one(&text(40)).unwrap();
        assert_eq!((windows.len(), cut), (2, true));
        let (windows, cut) = tokenizer(16, 1).encode_one(&text(14)).unwrap();
        assert_eq!((windows.len(), cut), (1, false));
    }

    #[test]
    fn texts_of_one_and_of_several_windows_are_kept_apart() {
        let encoded = tokenizer(16, 4)
            .encode(&[text(3), text(40), String::new()], &Control::default(), |_| {})
            .unwrap();
        let windows = |text: usize| encoded.windows(text).map(<[u32]>::len).collect::<Vec<_>>();
        assert_eq!(
            (windows(0), windows(1), windows(2)),
            (vec![5], vec![16, 16, 16, 6], vec![2])
        );
        assert_eq!(encoded.length(1), 54);
        let batch = crate::batch::pack(&encoded, &[1, 0]);
        assert_eq!(
            (batch.sequences(), batch.texts.as_deref()),
            (5, Some(&[0, 4, 5][..]))
        );
    }
}
