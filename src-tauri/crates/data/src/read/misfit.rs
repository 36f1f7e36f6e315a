//! Lines whose bytes are no text in their file's encoding: usually rows that were pasted in from another system.
//!
//! In: such a line, and all that came before it. Out: its text by the next best guess, else with U+FFFD for what cannot be
//! read; which of the two is told, so that nobody trusts the text unseen.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8};

use super::encoding::{Utf8Tally, is_line_end};
use crate::types::MixedEncoding;

/// Row numbers that are told.
const ROWS_TOLD: usize = 20;

/// Bytes beyond ASCII that tell too little of an encoding: four characters of Chinese.
const FEW_BYTES: usize = 8;

/// How bytes were read that are no text in their file's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// In another encoding, in which all of them are text.
    ReadAs(&'static Encoding),
    /// In the file's; what could not be read is U+FFFD.
    Replaced,
}

impl Misfit {
    /// Adds a row to what is told of its file.
    pub(crate) fn tell(self, told: &mut Vec<MixedEncoding>, row: u32, example: Option<u32>) {
        let encoding = match self {
            Misfit::ReadAs(encoding) => Some(encoding.name().to_owned()),
            Misfit::Replaced => None,
        };
        let known = told.iter().position(|known| known.encoding == encoding);
        let known = known.unwrap_or_else(|| {
            told.push(MixedEncoding {
                encoding,
                rows: 0,
                first_rows: Vec::new(),
                example: None,
            });
            told.len() - 1
        });
        let entry = &mut told[known];
        entry.rows += 1;
        entry.example = entry.example.or(example);
        if entry.first_rows.len() < ROWS_TOLD {
            entry.first_rows.push(row);
        }
    }
}

/// Guesses what misfits are written in, and remembers where they stand in the decoded text.
pub(super) struct Misfits {
    encoding: &'static Encoding,
    /// Where the sound lines are from, as the domain of a country: the detector's way to be told.
    country: Option<&'static str>,
    met: VecDeque<(Range<u64>, Misfit)>,
}

impl Misfits {
    pub(super) fn new(encoding: &'static Encoding) -> Self {
        Misfits {
            encoding,
            country: None,
            met: VecDeque::new(),
        }
    }

    /// Decodes whole lines of which at least one is a misfit, into `text`; `before` is where they stand in the decoded text.
    pub(super) fn decode(&mut self, bytes: &[u8], before: u64, text: &mut Vec<u8>) {
        let lines = || bytes.split_inclusive(is_line_end);
        let sound: Vec<Option<Cow<'_, str>>> = lines().map(|line| sound(line, self.encoding)).collect();
        // The lines around them tell the language.
        let told = sound.iter().flatten().find_map(|text| country(text));
        self.country = told.or(self.country);
        for (line, sound) in lines().zip(sound) {
            let start = before + text.len() as u64;
            let (decoded, misfit) = match sound {
                Some(sound) => (sound, None),
                None => {
                    let (decoded, misfit) = read_otherwise(line, self.encoding, self.country);
                    (decoded, Some(misfit))
                }
            };
            text.extend_from_slice(decoded.as_bytes());
            if let Some(misfit) = misfit {
                self.met.push_back((start..before + text.len() as u64, misfit));
            }
        }
    }

    /// Remembers the lines of `text`, which is decoded already, in which something could not be read.
    pub(super) fn replaced(&mut self, text: &[u8], before: u64) {
        let mut start = before;
        for line in text.split_inclusive(is_line_end) {
            let end = start + line.len() as u64;
            if line.windows(3).any(|three| three == "\u{fffd}".as_bytes()) {
                self.met.push_back((start..end, Misfit::Replaced));
            }
            start = end;
        }
    }

    /// The first misfit that begins before `consumed` in the decoded text, and has not been told; one that goes on behind
    /// it will be told again.
    pub(super) fn take(&mut self, consumed: u64) -> Option<Misfit> {
        let mut first = None;
        while let Some((range, misfit)) = self.met.front().filter(|(range, _)| range.start < consumed) {
            first = first.or(Some(*misfit));
            if range.end > consumed {
                break;
            }
            self.met.pop_front();
        }
        first
    }
}

/// The country whose script a text is in, where it has several encodings of its own: a short line alone does not tell them
/// from Western European ones.
fn country(text: &str) -> Option<&'static str> {
    let has = |script: std::ops::RangeInclusive<char>| text.chars().any(|c| script.contains(&c));
    match () {
        () if text.is_ascii() => None,
        () if has('\u{3040}'..='\u{30ff}') => Some("jp"),
        () if has('\u{ac00}'..='\u{d7a3}') => Some("kr"),
        () if has('\u{4e00}'..='\u{9fff}') => Some("cn"),
        () => None,
    }
}

/// A line of the file's own encoding.
fn sound<'b>(line: &'b [u8], encoding: &'static Encoding) -> Option<Cow<'b, str>> {
    let is_own = encoding == UTF_8 || !is_rather_utf8(line);
    is_own
        .then(|| encoding.decode_without_bom_handling_and_without_replacement(line))
        .flatten()
}

/// Whether a line of a text that is not UTF-8 is: its bytes could well be characters of the text's encoding, but those
/// hardly ever come as sound UTF-8. Characters of two bytes do.
pub(super) fn is_rather_utf8(line: &[u8]) -> bool {
    line.iter().any(|byte| *byte >= 0xE0) && std::str::from_utf8(line).is_ok()
}

/// What bytes are written in, for themselves: rows of several origins may lie side by side. Where they are so few that they
/// could be anything, it is an encoding of the language around them; letters of the West stand alone between others.
fn guess(bytes: &[u8], country: Option<&'static str>) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let alone = detector.guess(None, Utf8Detection::Deny);
    let runs = || bytes.split(u8::is_ascii).map(<[u8]>::len);
    let few = runs().sum::<usize>() <= FEW_BYTES && runs().any(|run| run > 1);
    let Some(country) = country.filter(|_| few) else {
        return alone;
    };
    let own: &[&Encoding] = match country {
        "jp" => &[SHIFT_JIS, EUC_JP],
        "kr" => &[EUC_KR],
        _ => &[GBK, BIG5],
    };
    match own.contains(&alone) {
        true => alone,
        false => detector.guess(Some(country.as_bytes()), Utf8Detection::Deny),
    }
}

/// The text of a misfit, as a whole: of a file that has no lines.
pub(super) fn read_alone<'b>(bytes: &'b [u8], encoding: &'static Encoding) -> (Cow<'b, str>, Misfit) {
    read_otherwise(bytes, encoding, None)
}

/// Whether bytes that are no text in `encoding` are probably written in another one, rather than damaged: a broken
/// character among sound ones is damage.
fn is_foreign(bytes: &[u8], encoding: &'static Encoding) -> bool {
    if encoding != UTF_8 {
        return std::str::from_utf8(bytes).is_ok();
    }
    let mut tally = Utf8Tally::default();
    tally.feed(bytes);
    tally.broken > tally.sound
}

fn read_otherwise<'b>(
    bytes: &'b [u8],
    encoding: &'static Encoding,
    country: Option<&'static str>,
) -> (Cow<'b, str>, Misfit) {
    let other = is_foreign(bytes, encoding).then(|| match encoding == UTF_8 {
        true => guess(bytes, country),
        false => UTF_8,
    });
    let read = other.and_then(|other| {
        let decoded = other.decode_without_bom_handling_and_without_replacement(bytes)?;
        Some((decoded, Misfit::ReadAs(other)))
    });
    read.unwrap_or_else(|| (encoding.decode_without_bom_handling(bytes).0, Misfit::Replaced))
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::WINDOWS_1252;

    fn decode(bytes: &[u8], encoding: &'static Encoding) -> (String, Vec<Misfit>) {
        let mut misfits = Misfits::new(encoding);
        let mut text = Vec::new();
        misfits.decode(bytes, 0, &mut text);
        let kinds = misfits.met.iter().map(|(_, misfit)| *misfit).collect();
        (String::from_utf8(text).unwrap(), kinds)
    }

    #[test]
    fn lines_of_another_encoding_are_read_in_it_and_the_others_as_they_are() {
        let (gbk, _, _) = GBK.encode("租赁合同的违约责任\n押金不予退还\n");
        let bytes = ["双方协商\n".as_bytes(), &gbk, "plain\n".as_bytes()].concat();
        let (text, misfits) = decode(&bytes, UTF_8);
        assert_eq!(text, "双方协商\n租赁合同的违约责任\n押金不予退还\nplain\n");
        assert_eq!(misfits, [Misfit::ReadAs(GBK); 2]);
        let (western, _, _) = WINDOWS_1252.encode("Die Klägerin hält die Prüfung für zulässig\r\n");
        let (text, misfits) = decode(&western, UTF_8);
        assert_eq!(text, "Die Klägerin hält die Prüfung für zulässig\r\n");
        assert_eq!(misfits, [Misfit::ReadAs(WINDOWS_1252)]);
    }

    #[test]
    fn each_line_is_read_in_its_own_encoding() {
        let foreign = [
            (GBK, "租赁合同的违约责任,违约\n"),
            (WINDOWS_1252, "Die Klägerin hält die Prüfung für nötig,x\n"),
            (BIG5, "這家餐廳的服務很好,正面\n"),
            (SHIFT_JIS, "この商品はとても良いです,良い\n"),
            (WINDOWS_1252, "schön,x\n"),
            // So short that only its neighbours tell.
            (GBK, "好,x\n"),
            (GBK, "快递很快,x\n"),
        ];
        let mut bytes = "双方协商解决,违约\n".as_bytes().to_vec();
        for (encoding, line) in foreign {
            bytes.extend_from_slice(&encoding.encode(line).0);
        }
        let (text, misfits) = decode(&bytes, UTF_8);
        let expected: String = foreign.iter().map(|(_, line)| *line).collect();
        assert_eq!(text, format!("双方协商解决,违约\n{expected}"));
        assert_eq!(misfits, foreign.map(|(encoding, _)| Misfit::ReadAs(encoding)));
    }

    #[test]
    fn a_broken_character_among_sound_ones_is_damage_and_no_other_encoding() {
        let bytes = ["合同条款".as_bytes(), b"\xE5\x90,x\n"].concat();
        let (text, misfits) = decode(&bytes, UTF_8);
        assert_eq!(text, "合同条款\u{fffd},x\n");
        assert_eq!(misfits, [Misfit::Replaced]);
    }

    #[test]
    fn a_line_of_utf8_in_a_file_that_is_not_is_read_as_such() {
        let (gbk, _, _) = GBK.encode("租赁合同\n");
        let bytes = [&gbk, "责任无\n".as_bytes()].concat();
        let (text, misfits) = decode(&bytes, GBK);
        assert_eq!(text, "租赁合同\n责任无\n");
        assert_eq!(misfits, [Misfit::ReadAs(UTF_8)]);
    }

    #[test]
    fn rows_are_told_by_encoding_the_first_ones_by_number() {
        let mut told = Vec::new();
        (1..=30).for_each(|row| Misfit::ReadAs(GBK).tell(&mut told, row, (row > 1).then_some(row + 100)));
        Misfit::Replaced.tell(&mut told, 31, None);
        assert_eq!(
            (told[0].encoding.as_deref(), told[0].rows, told[0].example),
            (Some("GBK"), 30, Some(102))
        );
        assert_eq!(told[0].first_rows, (1..=20).collect::<Vec<u32>>());
        assert_eq!(
            (&told[1].encoding, told[1].first_rows.as_slice()),
            (&None, [31].as_slice())
        );
    }
}
