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

/// A text as it is read, with the place of every token in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Token ids, window by window.
    pub windows: Vec<Vec<u32>>,
    /// Of each of them its place in the text, in bytes; `None` for special tokens and for those that stand for nothing.
    pub places: Vec<Vec<Option<Range<usize>>>>,
    /// Whether some of the text was left out.
    pub truncated: bool,
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
        let (text, too_long) = self.readable(text);
        let encoding = self.inner.encode_fast(text, false).map_err(|e| self.failed(&e))?;
        let (windows, cut) = self.windows(encoding.get_ids());
        Ok((windows, cut || too_long))
    }

    /// The same with the place of every token in the text.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn encode_with_places(&self, text: &str) -> Result<Placed> {
        let (text, too_long) = self.readable(text);
        let encoding = self.inner.encode(text, false).map_err(|e| self.failed(&e))?;
        let places: Vec<_> = encoding
            .get_offsets()
            .iter()
            .map(|&(start, end)| trimmed(text, start..end))
            .collect();
        let (windows, cut) = self.windows(encoding.get_ids());
        let (before, after) = &self.around;
        let around = |special: &[u32]| vec![None; special.len()];
        let of_window =
            |range: Range<usize>| [around(before), places[range].to_vec(), around(after)].concat();
        Ok(Placed {
            windows,
            places: self.cuts(places.len()).0.into_iter().map(of_window).collect(),
            truncated: cut || too_long,
        })
    }

    /// A token that says as little as a token can: the one that stands for a hidden word where there is one.
    pub fn neutral_token(&self) -> u32 {
        const NAMES: [&str; 6] = ["[MASK]", "<mask>", "[PAD]", "<pad>", "[UNK]", "<unk>"];
        let known = NAMES.iter().find_map(|name| self.inner.token_to_id(name));
        known.unwrap_or_default()
    }

    /// The part of a text that can be read at all, and whether it is not the whole.
    fn readable<'t>(&self, text: &'t str) -> (&'t str, bool) {
        let limit = self.max_length * self.windows * CHARACTERS_PER_TOKEN;
        match text.char_indices().nth(limit) {
            Some((end, _)) => (&text[..end], true),
            None => (text, false),
        }
    }

    fn failed(&self, error: &tokenizers::Error) -> TrainError {
        TrainError::Tokenizer {
            path: self.path.clone(),
            reason: error.to_string(),
        }
    }

    /// Cuts a text's ids into windows with special tokens around each; also tells whether some of them were left out.
    fn windows(&self, ids: &[u32]) -> (Vec<Vec<u32>>, bool) {
        let (before, after) = &self.around;
        let (cuts, cut) = self.cuts(ids.len());
        let window = |range: Range<usize>| [before.as_slice(), &ids[range], after].concat();
        (cuts.into_iter().map(window).collect(), cut)
    }

    /// Where a text of so many tokens is cut, and whether some of them are left out.
    fn cuts(&self, tokens: usize) -> (Vec<Range<usize>>, bool) {
        let (before, after) = &self.around;
        let room = self.max_length.saturating_sub(before.len() + after.len()).max(1);
        let step = room - (self.max_length / OVERLAP).min(room - 1);
        let mut cuts = Vec::new();
        let mut start = 0;
        loop {
            let end = (start + room).min(tokens);
            cuts.push(start..end);
            if end == tokens || cuts.len() == self.windows {
                return (cuts, end < tokens);
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
                encoded.push(windows.iter().map(Vec::as_slice), truncated);
            }
            progress(index * CHUNK + chunk.len());
        }
        Ok(encoded)
    }
}

/// A token's place without the space around it (some tokens begin with the space before a word), if anything is left.
/// Tokens that are parts of a character stand where it stands.
fn trimmed(text: &str, place: Range<usize>) -> Option<Range<usize>> {
    let start = text.floor_char_boundary(place.start);
    let part = &text[start..text.ceil_char_boundary(place.end).max(start)];
    let start = start + part.len() - part.trim_start().len();
    let end = start + part.trim().len();
    (start < end).then_some(start..end)
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

    /// Adds a text by its windows.
    pub(crate) fn push<'w>(&mut self, windows: impl Iterator<Item = &'w [u32]>, truncated: bool) {
        for ids in windows {
            self.ids.extend_from_slice(ids);
            self.offsets.push(self.ids.len());
        }
        self.texts.push(self.offsets.len() - 1);
        self.truncated.push(truncated);
    }

    /// These texts, in this order.
    pub fn chosen(&self, texts: &[usize]) -> Encoded {
        let mut chosen = Encoded::default();
        for &text in texts {
            chosen.push(self.windows(text), self.truncated[text]);
        }
        chosen
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
