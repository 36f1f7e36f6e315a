//! A stream of bytes in some encoding → the same text as a stream of UTF-8.
//!
//! A byte order mark is no part of the text; bytes that the encoding does not know become U+FFFD.

use std::io::{BufRead, Read, Result};

use encoding_rs::{Decoder, Encoding};

use super::encoding::fill;

const CHUNK: usize = 64 * 1024;

/// The text of `source`, read in chunks.
pub(super) struct Decoded<R> {
    source: R,
    decoder: Decoder,
    bytes: Vec<u8>,
    /// Decoded and not yet consumed: `text[at..end]`.
    text: Vec<u8>,
    at: usize,
    end: usize,
    exhausted: bool,
    nul: bool,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(source: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        let room = decoder.max_utf8_buffer_length(CHUNK).unwrap_or(4 * CHUNK);
        Decoded {
            source,
            decoder,
            bytes: vec![0; CHUNK],
            text: vec![0; room],
            at: 0,
            end: 0,
            exhausted: false,
            nul: false,
        }
    }

    pub(super) fn source(&mut self) -> &mut R {
        &mut self.source
    }

    /// Whether a NUL character was met so far, which no text has.
    pub(super) fn has_nul(&self) -> bool {
        self.nul
    }
}

impl<R: Read> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        while self.at == self.end && !self.exhausted {
            let length = fill(&mut self.source, &mut self.bytes)?;
            self.exhausted = length < self.bytes.len();
            // The buffer holds the longest decoding of a chunk, so all of it is read in one call.
            let (_, _, written, _) =
                self.decoder
                    .decode_to_utf8(&self.bytes[..length], &mut self.text, self.exhausted);
            (self.at, self.end) = (0, written);
            self.nul = self.nul || self.text[..written].contains(&0);
        }
        Ok(&self.text[self.at..self.end])
    }

    fn consume(&mut self, amount: usize) {
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

    fn decoded(bytes: &[u8], encoding: &'static Encoding) -> String {
        let mut text = String::new();
        Decoded::new(bytes, encoding).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn text_of_any_encoding_comes_out_as_utf8_without_its_mark() {
        assert_eq!(
            decoded(b"\xFF\xFE\x7B\x7C\x2B\x52", encoding_rs::UTF_16LE),
            "类别"
        );
        assert_eq!(decoded(b"\xEF\xBB\xBFa\xFF", encoding_rs::UTF_8), "a\u{fffd}");
    }

    #[test]
    fn characters_cut_by_a_chunk_are_whole() {
        let text = format!("x{}", "合".repeat(CHUNK));
        assert_eq!(decoded(text.as_bytes(), encoding_rs::UTF_8), text);
    }
}
