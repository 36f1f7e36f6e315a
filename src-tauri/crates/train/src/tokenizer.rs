//! Texts to token ids, once per run.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::error::{Result, TrainError};
use crate::tokenizer_files;

/// No token is longer than this many characters (WordPiece gives up at 100, and spaces are few): what lies beyond
/// `max_length` times as much cannot be read anyway and is not tokenised, so that a text of a million characters
/// costs no more than a long one.
const CHARACTERS_PER_TOKEN: usize = 128;

/// Neighbouring windows share this part of their length, so that what stands at a border is read whole once.
const OVERLAP: usize = 8;

/// Of [`Truncation::HeadAndTail`], one in so many tokens is of the head.
const HEAD: usize = 4;

/// What is read of a text that is longer than its one window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Truncation {
    /// Its beginning, as everywhere else.
    #[default]
    Head,
    /// A quarter of the window from its beginning, the rest from its end, where texts come to their point (Sun et al. 2019, "How
    /// to fine-tune BERT for text classification", <https://arxiv.org/abs/1905.05583>, 128 and 382 tokens).
    HeadAndTail,
}

/// What is read of a text, in bytes or in tokens: its beginning and its end, of which the second is mostly empty.
type Parts = [Range<usize>; 2];

/// Turns texts into ids: one window of tokens a text, or several where a text is longer and that is wanted.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Special tokens before and after a text.
    around: (Vec<u32>, Vec<u32>),
    max_length: usize,
    windows: usize,
    truncation: Truncation,
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

/// How far a window with `room` for tokens of the text lies behind the one before.
fn step(max_length: usize, room: usize) -> usize {
    room - (max_length / OVERLAP).min(room - 1)
}

/// What most tokenizers put around a text.
const USUALLY_AROUND: usize = 2;

/// Tokens that are read of a long text in so many windows, those around it counted once.
pub fn tokens_read(max_length: usize, windows: usize) -> usize {
    let room = max_length.saturating_sub(USUALLY_AROUND).max(1);
    max_length + windows.saturating_sub(1) * step(max_length, room)
}

/// The fewest windows in which so many tokens are read.
pub fn windows_for(tokens: usize, max_length: usize) -> usize {
    let room = max_length.saturating_sub(USUALLY_AROUND).max(1);
    1 + tokens.saturating_sub(max_length).div_ceil(step(max_length, room))
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
            truncation: Truncation::Head,
            path,
        })
    }

    /// What is to be read of a text that is longer than one window, where there is only one.
    #[must_use]
    pub fn with_truncation(self, truncation: Truncation) -> Self {
        Tokenizer { truncation, ..self }
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
        let (parts, too_long) = self.readable(text);
        let mut ids = Vec::new();
        for part in present(parts) {
            let encoding = self.inner.encode_fast(&text[part], false);
            ids.extend_from_slice(encoding.map_err(|e| self.failed(&e))?.get_ids());
        }
        let (windows, cut) = self.windows(&ids);
        Ok((windows, cut || too_long))
    }

    /// The same with the place of every token in the text.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn encode_with_places(&self, text: &str) -> Result<Placed> {
        let (parts, too_long) = self.readable(text);
        let (mut ids, mut places) = (Vec::new(), Vec::new());
        for part in present(parts) {
            let encoding = self.inner.encode(&text[part.clone()], false);
            let encoding = encoding.map_err(|e| self.failed(&e))?;
            ids.extend_from_slice(encoding.get_ids());
            let offsets = encoding.get_offsets().iter();
            places.extend(offsets.map(|&(start, end)| trimmed(text, part.start + start..part.start + end)));
        }
        let (windows, cut) = self.windows(&ids);
        let (before, after) = &self.around;
        let around = |special: &[u32]| vec![None; special.len()];
        let of_window = |[first, second]: Parts| {
            [
                around(before),
                places[first].to_vec(),
                places[second].to_vec(),
                around(after),
            ]
            .concat()
        };
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

    /// Whether the end of a long text is read, too.
    fn reads_the_end(&self) -> bool {
        self.windows == 1 && self.truncation == Truncation::HeadAndTail
    }

    /// The parts of a text that can be read at all, in bytes, and whether they are not the whole.
    fn readable(&self, text: &str) -> (Parts, bool) {
        let limit = self.max_length * self.windows * CHARACTERS_PER_TOKEN;
        let mut places = text.char_indices();
        let Some((end, _)) = places.nth(limit) else {
            return ([0..text.len(), 0..0], false);
        };
        if !self.reads_the_end() {
            return ([0..end, 0..0], true);
        }
        // Where less than as much again is left, all of it.
        let start = places.nth_back(limit - 1).map_or(end, |(start, _)| start);
        ([0..end, start..text.len()], start > end)
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
        let window = |[first, second]: Parts| [before.as_slice(), &ids[first], &ids[second], after].concat();
        (cuts.into_iter().map(window).collect(), cut)
    }

    /// Where a text of so many tokens is cut, and whether some of them are left out.
    fn cuts(&self, tokens: usize) -> (Vec<Parts>, bool) {
        let (before, after) = &self.around;
        let room = self.max_length.saturating_sub(before.len() + after.len()).max(1);
        if self.reads_the_end() && tokens > room {
            let head = room / HEAD;
            return (vec![[0..head, tokens - (room - head)..tokens]], true);
        }
        let step = step(self.max_length, room);
        let mut cuts = Vec::new();
        let mut start = 0;
        loop {
            let end = (start + room).min(tokens);
            cuts.push([start..end, end..end]);
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

/// The beginning, and the end where there is one: what nothing is left of must not become a token.
fn present([beginning, end]: Parts) -> impl Iterator<Item = Range<usize>> {
    std::iter::once(beginning).chain(Some(end).filter(|end| !end.is_empty()))
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
    fn what_windows_read_is_foretold_as_it_is() {
        for windows in 1..5 {
            let most = tokens_read(16, windows) - 2;
            let cut = |tokens: usize| tokenizer(16, windows).encode_one(&text(tokens)).unwrap().1;
            assert!(!cut(most) && cut(most + 1), "{windows} windows");
            assert_eq!(windows_for(most + 2, 16), windows);
            assert_eq!(windows_for(most + 3, 16), windows + 1);
        }
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
    fn of_a_long_text_the_beginning_and_the_end_are_read_where_that_is_wanted() {
        let plain = tokenizer(18, 1);
        let both = plain.clone().with_truncation(Truncation::HeadAndTail);
        let words = text(40);
        let (all, _) = tokenizer(100, 1).encode_one(&words).unwrap();
        let (windows, cut) = both.encode_one(&words).unwrap();
        // Two special tokens, 4 of the beginning and 12 of the end.
        assert_eq!(windows, [[&all[0][..5], &all[0][41 - 12..]].concat()]);
        assert!(cut);
        assert_eq!(
            both.encode_one(&text(16)).unwrap(),
            plain.encode_one(&text(16)).unwrap()
        );
        let several = tokenizer(18, 2);
        let of_both = several.clone().with_truncation(Truncation::HeadAndTail);
        assert_eq!(
            of_both.encode_one(&words).unwrap(),
            several.encode_one(&words).unwrap()
        );
    }

    #[test]
    fn the_end_of_a_very_long_text_stands_where_it_stands() {
        let both = tokenizer(18, 1).with_truncation(Truncation::HeadAndTail);
        // Longer than what is tokenised of a text's beginning, then longer than that and what is of its end.
        for middle in [3_000, 30_000] {
            let words = format!("law {} good heart", "x".repeat(middle));
            let placed = both.encode_with_places(&words).unwrap();
            let read: Vec<&str> = placed.places[0]
                .iter()
                .flatten()
                .map(|place| &words[place.clone()])
                .collect();
            assert_eq!(
                (read[0], &read[read.len() - 2..]),
                ("law", &["good", "heart"][..]),
                "{middle}"
            );
            assert_eq!(
                both.encode_one(&words).unwrap(),
                (placed.windows, placed.truncated)
            );
        }
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
