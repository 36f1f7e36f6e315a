//! A stream of bytes in some encoding → the same text as a stream of UTF-8.
//!
//! A byte order mark is no part of the text. Lines whose bytes are no text in the encoding are read by the next best guess,
//! and bytes that nothing makes sense of become U+FFFD; both is remembered and asked for with [`Decoded::misfit`].

use std::io::{BufRead, Read, Result};

use encoding_rs::{Decoder, Encoding, UTF_8};

use super::encoding::{fill, is_line_end};
use super::misfit::{Misfit, Misfits, is_rather_utf8};

const CHUNK: usize = 64 * 1024;

/// The text of `source`, read in chunks.
pub(super) struct Decoded<R> {
    source: R,
    encoding: &'static Encoding,
    decoder: Decoder,
    /// Whether a line end is one byte that is part of nothing else, so that each line can be decoded for itself.
    by_lines: bool,
    bytes: Vec<u8>,
    /// Bytes at the beginning of `bytes` that are read and not yet decoded: a line begun.
    begun: usize,
    /// The last chunk ended within a line.
    within_line: bool,
    /// Decoded and not yet consumed: `text[at..end]`.
    text: Vec<u8>,
    at: usize,
    end: usize,
    /// What is read once more before the text goes on: `again[again_at..]`.
    again: Vec<u8>,
    again_at: usize,
    /// What was decoded before `text`, in bytes.
    before: u64,
    exhausted: bool,
    nul: bool,
    misfits: Misfits,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(source: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        let room = decoder.max_utf8_buffer_length(CHUNK).unwrap_or(4 * CHUNK);
        Decoded {
            source,
            encoding,
            decoder,
            by_lines: encoding.is_ascii_compatible(),
            bytes: vec![0; CHUNK],
            begun: 0,
            within_line: false,
            text: vec![0; room],
            at: 0,
            end: 0,
            again: Vec::new(),
            again_at: 0,
            before: 0,
            exhausted: false,
            nul: false,
            misfits: Misfits::new(encoding),
        }
    }

    pub(super) fn source(&mut self) -> &mut R {
        &mut self.source
    }

    /// Whether a NUL character was met so far, which no text has.
    pub(super) fn has_nul(&self) -> bool {
        self.nul
    }

    /// How a line was read that was consumed since this was asked last, and whose bytes are no text in the encoding.
    pub(super) fn misfit(&mut self) -> Option<Misfit> {
        let again = self.again.len() - self.again_at;
        self.misfits.take(self.before + self.at as u64 - again as u64)
    }

    /// Takes back `text`, which was consumed last, so that it is read once more.
    pub(super) fn unread(&mut self, text: &[u8]) {
        // What came from here as a whole is still here; else what was here is used up.
        match self.again_at.checked_sub(text.len()) {
            Some(at) => self.again_at = at,
            None => {
                self.again = text.to_vec();
                self.again_at = 0;
            }
        }
    }

    /// Decodes the first `length` bytes.
    fn decode(&mut self, length: usize) {
        let rest = match self.within_line {
            true => first_line_end(&self.bytes[..length]).unwrap_or(length),
            false => 0,
        };
        self.end = 0;
        if rest > 0 {
            // The beginning of this line is decoded already: it can only go on in the same way.
            let broken = self.stream(0..rest, self.exhausted && rest == length);
            self.note_replaced(broken, 0);
        }
        let whole = self.bytes[..length].last().is_some_and(is_line_end);
        if rest < length {
            let start = self.end;
            let broken = self.stream(rest..length, self.exhausted);
            if (broken || self.has_utf8(rest..length)) && self.by_lines && (whole || self.exhausted) {
                self.decode_misfits(rest..length, start);
            } else {
                self.note_replaced(broken, start);
            }
        }
        self.within_line = self.by_lines && !whole;
    }

    /// Whether there was something that could not be read. The text has room for the longest decoding of a chunk, so that
    /// all is decoded in one call.
    fn stream(&mut self, bytes: std::ops::Range<usize>, last: bool) -> bool {
        let text = &mut self.text[self.end..];
        let (_, _, written, broken) = self.decoder.decode_to_utf8(&self.bytes[bytes], text, last);
        self.end += written;
        broken
    }

    /// Whether there are lines of UTF-8 in a text that is not.
    fn has_utf8(&self, bytes: std::ops::Range<usize>) -> bool {
        let mut lines = self.bytes[bytes].split_inclusive(is_line_end);
        self.encoding != UTF_8 && lines.any(is_rather_utf8)
    }

    /// Decodes lines again, each for itself, to behind `start`.
    fn decode_misfits(&mut self, bytes: std::ops::Range<usize>, start: usize) {
        let mut lines = &self.bytes[bytes];
        if self.encoding == UTF_8 && self.before == 0 && start == 0 {
            lines = lines.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(lines);
        }
        let mut text = Vec::with_capacity(lines.len() * 2);
        self.misfits.decode(lines, self.before + start as u64, &mut text);
        self.end = start + text.len();
        if self.text.len() < self.end {
            self.text.resize(self.end, 0);
        }
        self.text[start..self.end].copy_from_slice(&text);
        self.decoder = self.encoding.new_decoder_without_bom_handling();
    }

    fn note_replaced(&mut self, broken: bool, start: usize) {
        if broken {
            let text = &self.text[start..self.end];
            self.misfits.replaced(text, self.before + start as u64);
        }
    }
}

/// Behind the first line end.
fn first_line_end(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(is_line_end).map(|at| at + 1)
}

/// Behind the last line end.
fn last_line_end(bytes: &[u8]) -> Option<usize> {
    bytes.iter().rposition(is_line_end).map(|at| at + 1)
}

impl<R: Read> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        if self.again_at < self.again.len() {
            return Ok(&self.again[self.again_at..]);
        }
        if !self.again.is_empty() {
            self.again = Vec::new();
            self.again_at = 0;
        }
        while self.at == self.end && !self.exhausted {
            let length = self.begun + fill(&mut self.source, &mut self.bytes[self.begun..])?;
            self.exhausted = length < self.bytes.len();
            let whole_lines = match self.by_lines && !self.exhausted {
                true => last_line_end(&self.bytes[..length]).unwrap_or(length),
                false => length,
            };
            self.before += self.end as u64;
            self.decode(whole_lines);
            self.at = 0;
            self.bytes.copy_within(whole_lines..length, 0);
            self.begun = length - whole_lines;
            self.nul = self.nul || self.text[..self.end].contains(&0);
        }
        Ok(&self.text[self.at..self.end])
    }

    fn consume(&mut self, amount: usize) {
        if self.again_at < self.again.len() {
            self.again_at = (self.again_at + amount).min(self.again.len());
            return;
        }
        self.at = (self.at + amount).min(self.end);
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut available = self.fill_buf()?;
        let length = available.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{GBK, UTF_16LE};
    use proptest::prelude::*;

    fn decoded(bytes: &[u8], encoding: &'static Encoding) -> String {
        let mut text = String::new();
        Decoded::new(bytes, encoding).read_to_string(&mut text).unwrap();
        text
    }

    /// Line by line, each with how it was read if it does not fit.
    fn lines(bytes: &[u8], encoding: &'static Encoding) -> Vec<(String, Option<Misfit>)> {
        let mut decoded = Decoded::new(bytes, encoding);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if decoded.read_line(&mut line).unwrap() == 0 {
                return lines;
            }
            lines.push((line, decoded.misfit()));
        }
    }

    #[test]
    fn text_of_any_encoding_comes_out_as_utf8_without_its_mark() {
        assert_eq!(decoded(b"\xFF\xFE\x7B\x7C\x2B\x52", UTF_16LE), "类别");
        assert_eq!(decoded(b"\xEF\xBB\xBFa", UTF_8), "a");
        assert_eq!(decoded(b"\xEF\xBB\xBFa\xFF", UTF_8), "aÿ");
    }

    #[test]
    fn characters_cut_by_a_chunk_are_whole() {
        let text = format!("x{}", "合".repeat(CHUNK));
        assert_eq!(decoded(text.as_bytes(), UTF_8), text);
        let lines = "合同条款\r\n".repeat(CHUNK);
        assert_eq!(decoded(lines.as_bytes(), UTF_8), lines);
        let (gbk, _, _) = GBK.encode(&text);
        assert_eq!(decoded(&gbk, GBK), text);
    }

    #[test]
    fn lines_of_another_encoding_are_told_wherever_a_chunk_ends() {
        let (foreign, _, _) = GBK.encode("租赁合同的违约责任,押金不予退还\n");
        let rows = 3 * CHUNK / 30;
        let mut bytes = Vec::new();
        for row in 0..rows {
            match row % 1_000 {
                500 => bytes.extend_from_slice(&foreign),
                _ => bytes.extend_from_slice("双方协商解决,违约\n".as_bytes()),
            }
        }
        let lines = lines(&bytes, UTF_8);
        assert_eq!(lines.len(), rows);
        for (row, (line, misfit)) in lines.iter().enumerate() {
            let expected = match row % 1_000 {
                500 => ("租赁合同的违约责任,押金不予退还\n", Some(Misfit::ReadAs(GBK))),
                _ => ("双方协商解决,违约\n", None),
            };
            assert_eq!((line.as_str(), *misfit), expected, "row {row}");
        }
    }

    #[test]
    fn lines_of_utf8_are_told_in_a_text_that_is_not() {
        let (gbk, _, _) = GBK.encode("租赁合同\n联通\n");
        // Both could be read as GBK and would be: all of the first line, and half of the second.
        let bytes = [&gbk, "违约责任\n".as_bytes(), "违约责任。\n".as_bytes(), &gbk].concat();
        let lines = lines(&bytes, GBK);
        let odd = Some(Misfit::ReadAs(UTF_8));
        let expected = ["租赁合同", "联通", "违约责任", "违约责任。", "租赁合同", "联通"];
        for (row, (line, misfit)) in lines.iter().enumerate() {
            assert_eq!(line.trim_end(), expected[row]);
            assert_eq!(*misfit, odd.filter(|_| row == 2 || row == 3), "row {row}");
        }
    }

    #[test]
    fn a_line_longer_than_a_chunk_is_read_with_replacement_and_told() {
        let bytes = [
            "good\n".as_bytes(),
            "x".repeat(2 * CHUNK).as_bytes(),
            b"\xD6\xD0\nnext\n",
        ]
        .concat();
        let told: Vec<Option<Misfit>> = lines(&bytes, UTF_8)
            .into_iter()
            .map(|(_, misfit)| misfit)
            .collect();
        assert_eq!(told, [None, Some(Misfit::Replaced), None]);
    }

    #[test]
    fn what_is_no_utf16_is_told() {
        let units = [0x7C7B_u16, 0x0A, 0xD800, 0x0A, 0x522B];
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let told: Vec<Option<Misfit>> = lines(&bytes, UTF_16LE)
            .into_iter()
            .map(|(_, misfit)| misfit)
            .collect();
        assert_eq!(told, [None, Some(Misfit::Replaced), None]);
    }

    proptest! {
        /// Whatever the bytes: text comes out, and a line without a misfit is what the encoding says.
        #[test]
        fn sound_lines_are_never_touched(pieces in proptest::collection::vec(
            prop_oneof![any::<Vec<u8>>(), Just("合同\n".as_bytes().to_vec()), Just(b"\n".to_vec())], 0..40,
        )) {
            let bytes = pieces.concat();
            let expected: Vec<String> = String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes))
                .split_inclusive('\n').map(str::to_owned).collect();
            let lines = lines(&bytes, UTF_8);
            for ((line, misfit), expected) in lines.iter().zip(&expected) {
                prop_assert!(misfit.is_some() || line == expected, "{line:?} {expected:?}");
            }
        }
    }
}
