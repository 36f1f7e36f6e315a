//! Which encoding a text is in.
//!
//! In order: a byte order mark; UTF-16 without one (NUL bytes on one side of every pair); UTF-8 when it decodes,
//! allowing for a few broken bytes, and when most lines do; else what `chardetng` guesses from the lines that are not, the
//! first of them: so few are needed that a preview sees the same as an import.

use std::io::Read;
use std::path::Path;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{DataError, Result};

const CHUNK: usize = 64 * 1024;

/// A file with one broken byte is still UTF-8 when it has this many sound multi-byte characters for each.
const SOUND_PER_BROKEN: u64 = 20;

/// Bytes of lines that are not UTF-8 from which their encoding is guessed.
const LEGACY_BYTES: usize = 1024 * 1024;

/// Encodings in which not every byte is text, so that a single line can rule them out.
const SEVERAL_BYTES: [&Encoding; 5] = [GBK, BIG5, SHIFT_JIS, EUC_JP, EUC_KR];

/// The encoding called `name` in the WHATWG Encoding Standard (`utf-8`, `gb18030`, `windows-1252`, …).
pub(super) fn by_name(name: &str) -> Result<&'static Encoding> {
    Encoding::for_label(name.trim().as_bytes())
        .filter(|encoding| *encoding != encoding_rs::REPLACEMENT)
        .ok_or_else(|| DataError::UnknownEncoding {
            name: name.to_owned(),
        })
}

/// Guesses from at most `limit` bytes of `source`. `go_on` is asked before every chunk.
///
/// # Errors
/// `EmptyFile`, `Cancelled`, `Io`.
pub(super) fn detect(
    path: &Path,
    source: &mut impl Read,
    limit: u64,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<&'static Encoding> {
    let mut source = source.take(limit);
    let mut chunk = vec![0; CHUNK];
    let mut tally = Utf8Tally::default();
    let mut legacy = Vec::new();
    let mut first = true;
    // Bytes at the beginning of the chunk: a line begun.
    let mut begun = 0;
    let to_the_end = loop {
        if !go_on() {
            return Err(DataError::Cancelled);
        }
        let length = begun + fill(&mut source, &mut chunk[begun..]).map_err(DataError::io(path))?;
        if first {
            first = false;
            if let Some(certain) = from_beginning(path, &chunk[..length])? {
                return Ok(certain);
            }
        }
        let done = length < chunk.len();
        // A line cut by the limit is no line of the file.
        let end_of_file = done && source.limit() > 0;
        let last_line = chunk[..length].iter().rposition(is_line_end);
        let whole = match last_line.filter(|_| !end_of_file) {
            Some(end) => end + 1,
            None => length,
        };
        let broken = tally.broken;
        tally.feed(&chunk[..whole]);
        if tally.broken > broken && legacy.len() < LEGACY_BYTES {
            let lines = chunk[..whole].split_inclusive(is_line_end);
            let foreign = lines.filter(|line| std::str::from_utf8(line).is_err());
            foreign.for_each(|line| legacy.extend_from_slice(line));
        }
        if done {
            break end_of_file && legacy.len() < LEGACY_BYTES;
        }
        chunk.copy_within(whole..length, 0);
        begun = length - whole;
    };
    // A character cut by a limit, in a line without end, is no error of the file.
    let whole = to_the_end || legacy.last().is_some_and(is_line_end);
    match tally.is_utf8() {
        true => Ok(UTF_8),
        false => Ok(most_probable(&legacy, whole)),
    }
}

pub(super) fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// What lines are in that are not UTF-8. Where a damaged line, or one in a third encoding, rules out what most lines are in,
/// these are asked without it. `whole`: their last character is not cut.
fn most_probable(lines: &[u8], whole: bool) -> &'static Encoding {
    let all = guess(lines, whole);
    if SEVERAL_BYTES.contains(&all) {
        return all;
    }
    let total = lines.split_inclusive(is_line_end).count();
    let of_most = |encoding: &&'static Encoding| {
        let is_sound = |line: &&[u8]| {
            let text = encoding.decode_without_bom_handling_and_without_replacement(line);
            text.is_some()
        };
        let sound: Vec<&[u8]> = lines.split_inclusive(is_line_end).filter(is_sound).collect();
        (total / 2 + 1..total).contains(&sound.len()) && guess(&sound.concat(), whole) == *encoding
    };
    SEVERAL_BYTES.into_iter().find(of_most).unwrap_or(all)
}

fn guess(bytes: &[u8], whole: bool) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, whole);
    detector.guess(None, Utf8Detection::Deny)
}

/// What the first bytes settle on their own.
fn from_beginning(path: &Path, bytes: &[u8]) -> Result<Option<&'static Encoding>> {
    if bytes.is_empty() {
        return Err(DataError::EmptyFile {
            path: path.to_path_buf(),
        });
    }
    Ok(Encoding::for_bom(bytes)
        .map(|(encoding, _)| encoding)
        .or_else(|| utf16_without_mark(bytes)))
}

/// Reads until `buffer` is full or the source ends; returns the bytes read.
pub(super) fn fill(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// In UTF-16 every ASCII character, if only delimiters and line ends, has a NUL on the same side of its pair.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let nul_at = |parity: usize| {
        bytes
            .iter()
            .skip(parity)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd) = (nul_at(0), nul_at(1));
    let enough = (bytes.len() / 100).max(3);
    let guess = match (even, odd) {
        (0, odd) if odd >= enough => UTF_16LE,
        (even, 0) if even >= enough => UTF_16BE,
        _ => return None,
    };
    // A chunk may end inside a pair, which is no error of the text.
    let whole = &bytes[..bytes.len() - bytes.len() % 2];
    let sound = guess
        .decode_without_bom_handling_and_without_replacement(whole)
        .is_some();
    sound.then_some(guess)
}

/// Counts sound and broken multi-byte characters over a stream of chunks, and the lines that have them.
#[derive(Default)]
pub(super) struct Utf8Tally {
    pub(super) sound: u64,
    pub(super) broken: u64,
    /// Lines with sound characters only, and with broken ones.
    sound_lines: u64,
    broken_lines: u64,
    /// What the line at hand has had so far.
    line: (bool, bool),
    /// The beginning of a character that a chunk cut.
    carried: Vec<u8>,
}

impl Utf8Tally {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let joined: Vec<u8>;
        let mut rest = if self.carried.is_empty() {
            bytes
        } else {
            joined = [self.carried.as_slice(), bytes].concat();
            self.carried.clear();
            &joined
        };
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => return self.count(text.as_bytes()),
                Err(error) => {
                    let (good, bad) = rest.split_at(error.valid_up_to());
                    self.count(good);
                    let Some(length) = error.error_len() else {
                        self.carried = bad.to_vec();
                        return;
                    };
                    self.broken += 1;
                    self.line.1 = true;
                    rest = &bad[length..];
                }
            }
        }
    }

    fn count(&mut self, good: &[u8]) {
        // Most files are mostly ASCII, and a line without anything else is not counted.
        if self.line == (false, false) && good.is_ascii() {
            return;
        }
        let mut pieces = good.split(|byte| *byte == b'\n');
        self.count_piece(pieces.next().unwrap_or_default());
        for piece in pieces {
            self.end_line();
            self.count_piece(piece);
        }
    }

    fn count_piece(&mut self, piece: &[u8]) {
        if !piece.is_ascii() {
            self.sound += piece.iter().filter(|byte| **byte >= 0xC0).count() as u64;
            self.line.0 = true;
        }
    }

    fn end_line(&mut self) {
        match std::mem::take(&mut self.line) {
            (_, true) => self.broken_lines += 1,
            (true, false) => self.sound_lines += 1,
            (false, false) => {}
        }
    }

    /// Lines of another encoding hardly ever are sound UTF-8: where most are, that is what the file is in, however many
    /// characters the others break.
    fn is_utf8(&mut self) -> bool {
        self.end_line();
        self.broken * SOUND_PER_BROKEN <= self.sound || self.broken_lines < self.sound_lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(bytes: &[u8]) -> Result<&'static Encoding> {
        detect(Path::new("x.csv"), &mut &bytes[..], u64::MAX, &mut || true)
    }

    #[test]
    fn plain_ascii_is_utf8() {
        assert_eq!(guess(b"text,label\na,b\n").unwrap(), UTF_8);
    }

    #[test]
    fn one_broken_byte_in_chinese_text_does_not_turn_the_file_into_another_encoding() {
        let mut bytes = "合同条款,类别\n违约责任由双方协商解决,违约\n"
            .repeat(20)
            .into_bytes();
        bytes.extend_from_slice(b"\xFF,x\n");
        assert_eq!(guess(&bytes).unwrap(), UTF_8);
    }

    #[test]
    fn a_file_with_a_third_of_its_rows_in_another_encoding_is_in_that_of_the_most() {
        let (foreign, _, _) = encoding_rs::GBK.encode("租赁合同的违约责任,押金不予退还\n");
        let row = ["双方协商解决,违约\n".repeat(2).as_bytes(), &foreign].concat();
        assert_eq!(guess(&row.repeat(40)).unwrap(), UTF_8);
        let row = ["双方协商解决,违约\n".as_bytes(), &foreign, &foreign].concat();
        assert_ne!(guess(&row.repeat(40)).unwrap(), UTF_8);
    }

    #[test]
    fn a_character_cut_by_a_chunk_is_not_broken() {
        let mut bytes = vec![b'a'; CHUNK - 1];
        bytes.extend("é and ascii".as_bytes());
        assert_eq!(guess(&bytes).unwrap(), UTF_8);
    }

    #[test]
    fn chinese_windows_text_is_gbk() {
        let text = "评论,情感\n房间很干净，服务员态度也不错，下次还会入住,正面\n".repeat(10);
        let (bytes, _, _) = encoding_rs::GBK.encode(&text);
        assert_eq!(guess(&bytes).unwrap(), encoding_rs::GBK);
    }

    #[test]
    fn one_row_in_another_encoding_does_not_turn_the_whole_file_into_that_of_none() {
        let text = format!(
            "文本,标签\n{}",
            "房间很干净，服务员态度也不错，下次还会入住,正面\n".repeat(30_000)
        );
        let (gbk, _, _) = encoding_rs::GBK.encode(&text);
        let utf8 = "这一行是UTF8编码的内容,乙\n".as_bytes();
        let (western, _, _) = encoding_rs::WINDOWS_1252.encode("déjà,x\n");
        for odd in [utf8, b"\xB7\xBF\xFF\xFF,x\n", &western] {
            assert_eq!(guess(&[&gbk, odd].concat()).unwrap(), encoding_rs::GBK, "{odd:?}");
            assert_eq!(guess(&[odd, &gbk].concat()).unwrap(), encoding_rs::GBK, "{odd:?}");
            // A short file as well.
            let rows = 10 + 5 * 48;
            assert_eq!(guess(&[&gbk[..rows], odd].concat()).unwrap(), encoding_rs::GBK);
        }
    }

    #[test]
    fn western_windows_text_is_windows_1252() {
        let text = "Text;Prüfer\nDas Gericht hält die Klage für zulässig;Müller\n".repeat(10);
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
        assert_eq!(guess(&bytes).unwrap(), encoding_rs::WINDOWS_1252);
    }

    #[test]
    fn a_line_without_end_tells_its_encoding_though_it_is_cut() {
        let text = format!(
            "[{{\"text\": \"x{}\"}}]",
            "房间很干净，服务员态度也不错。".repeat(60_000)
        );
        let (bytes, _, _) = encoding_rs::GBK.encode(&text);
        assert_eq!(guess(&bytes).unwrap(), encoding_rs::GBK);
        for limit in [999, 1_000] {
            let beginning = detect(Path::new("x.json"), &mut &bytes[..], limit, &mut || true);
            assert_eq!(beginning.unwrap(), encoding_rs::GBK);
        }
    }

    #[test]
    fn utf16_is_known_with_and_without_its_mark() {
        let little: Vec<u8> = "a\t类\nb\t别\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let big: Vec<u8> = "a\t类\nb\t别\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(guess(&little).unwrap(), UTF_16LE);
        assert_eq!(guess(&big).unwrap(), UTF_16BE);
        assert_eq!(
            guess(&[b"\xFF\xFE".as_slice(), &little].concat()).unwrap(),
            UTF_16LE
        );
        assert_eq!(guess(&[b"\xFE\xFF".as_slice(), &big].concat()).unwrap(), UTF_16BE);
    }

    #[test]
    fn an_unknown_encoding_is_refused_by_name() {
        assert!(matches!(by_name("klingon"), Err(DataError::UnknownEncoding { name }) if name == "klingon"));
        assert_eq!(by_name("gb2312").unwrap(), encoding_rs::GBK);
    }
}
