//! UTF-8 that was once read as another encoding: "Ã©" for "é", "涓枃" for "中文".
//!
//! A wrong reading can be undone when it kept every byte: the characters are written in the wrong encoding again and read
//! as UTF-8. That succeeds by chance so rarely that success is the proof.

use encoding_rs::{GB18030, WINDOWS_1252};

/// Chinese characters that a repair of Chinese must bring out; one alone may be chance.
const FEWEST_CHINESE: usize = 2;

/// The text with what was read wrongly read rightly; twice where it happened twice.
pub(super) fn repair(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let repaired = western(text).or_else(|| chinese(text));
    let repaired = repaired.map(|once| western(&once).unwrap_or(once));
    let known = repaired.as_deref().unwrap_or(text);
    as_windows(known).or(repaired)
}

/// Control characters that are Windows-1252 read as Latin-1: "\u{85}" is "…".
fn as_windows(text: &str) -> Option<String> {
    let is_control = |c: char| matches!(c, '\u{80}'..='\u{9f}');
    if !text.contains(is_control) {
        return None;
    }
    let meant = |c: char| {
        let byte = [u32::from(c) as u8];
        let read = WINDOWS_1252.decode_without_bom_handling(&byte).0.chars().next();
        if is_control(c) { read.unwrap_or(c) } else { c }
    };
    super::if_changed(text, text.chars().map(meant).collect())
}

/// UTF-8 read as Windows-1252 or Latin-1. Each character's bytes are judged alone: "Ã" before a space stays.
///
/// Correct typography can look the same: in "société\u{a0}»" the last three characters are one of UTF-8, too. So something is
/// repaired only where the text has at least one hit that correct writing cannot make, and doubtful hits then only where they
/// begin as such wrong readings usually do.
fn western(text: &str) -> Option<String> {
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let hits = hits(&characters);
    if !hits.iter().any(|hit| hit.certain) {
        return None;
    }
    let mut repaired = String::with_capacity(text.len());
    let mut copied = 0;
    for hit in hits.into_iter().filter(|hit| hit.certain || hit.usual) {
        repaired.push_str(&text[copied..characters[hit.first].0]);
        repaired.push_str(&hit.read);
        copied = characters
            .get(hit.first + hit.length)
            .map_or(text.len(), |(next, _)| *next);
    }
    repaired.push_str(&text[copied..]);
    (repaired != text).then_some(repaired)
}

/// Characters that are the bytes of one other character.
struct Hit {
    /// Index of the first of them, and how many they are.
    first: usize,
    length: usize,
    read: String,
    /// Correct writing does not put these side by side.
    certain: bool,
    /// It begins with one of the characters that most wrong readings begin with.
    usual: bool,
}

fn hits(characters: &[(usize, char)]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut at = 0;
    while let Some(&(_, first)) = characters.get(at) {
        let length = match byte(first) {
            Some(0xc2..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf4) => 4,
            _ => 1,
        };
        let run = characters.get(at..at + length).filter(|_| length > 1);
        let bytes: Option<Vec<u8>> = run.and_then(|run| run.iter().map(|(_, c)| byte(*c)).collect());
        let read = bytes.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        match (run, read.filter(|read| read.chars().all(is_usual))) {
            (Some(run), Some(read)) => {
                let euro_within_a_word = first == 'â' && run[1].1 == '€';
                hits.push(Hit {
                    first: at,
                    length,
                    read: read.to_owned(),
                    certain: euro_within_a_word || run[1..].iter().any(|(_, c)| !may_follow_a_letter(*c)),
                    usual: matches!(first, 'Ã' | 'Â' | 'â'),
                });
                at += length;
            }
            _ => at += 1,
        }
    }
    hits
}

/// Signs that correct writing sets directly behind a letter.
fn may_follow_a_letter(c: char) -> bool {
    matches!(
        c,
        '\u{a0}'
            | '«'
            | '»'
            | '‹'
            | '›'
            | '‘'
            | '’'
            | '‚'
            | '“'
            | '”'
            | '„'
            | '–'
            | '—'
            | '…'
            | '€'
            | '•'
            | '·'
            | '°'
            | '™'
            | '®'
    )
}

/// Characters of the scripts and signs that texts are made of: two Western letters that stand side by side rightly, such as
/// "ß€", would otherwise become a letter of a script that nobody here writes.
fn is_usual(c: char) -> bool {
    matches!(c, '\u{a0}'..='\u{24f}' | '\u{370}'..='\u{4ff}' | '\u{2000}'..='\u{2bff}' | '\u{3000}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{fe0f}' | '\u{feff}'..='\u{ffef}' | '\u{1f000}'..='\u{1faff}')
}

/// The byte that Windows-1252, or Latin-1 where that has none, reads as this character.
fn byte(c: char) -> Option<u8> {
    if let Ok(byte) = u8::try_from(u32::from(c)) {
        return Some(byte);
    }
    let mut buffer = [0; 4];
    let (bytes, _, failed) = WINDOWS_1252.encode(c.encode_utf8(&mut buffer));
    (!failed && bytes.len() == 1).then(|| bytes[0])
}

/// UTF-8 read as GBK: whole runs of characters beyond ASCII that all become Chinese.
fn chinese(text: &str) -> Option<String> {
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| !c.is_ascii()) {
        let (plain, from) = rest.split_at(start);
        let end = from.find(|c: char| c.is_ascii()).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        repaired.push_str(plain);
        repaired.push_str(&as_chinese(run).unwrap_or_else(|| run.to_owned()));
        rest = after;
    }
    repaired.push_str(rest);
    super::if_changed(text, repaired)
}

fn as_chinese(run: &str) -> Option<String> {
    let (bytes, _, failed) = GB18030.encode(run);
    if failed {
        return None;
    }
    let read = std::str::from_utf8(&bytes).ok()?;
    let is_chinese = |c: char| matches!(c, '\u{4e00}'..='\u{9fff}');
    let is_punctuation =
        |c: char| matches!(c, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' | '\u{2014}'..='\u{2026}');
    let found = read.chars().filter(|c| is_chinese(*c)).count();
    (found >= FEWEST_CHINESE && read.chars().all(|c| is_chinese(c) || is_punctuation(c)))
        .then(|| read.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wrong_readings_are_read_rightly() {
        assert_eq!(
            repair("cafÃ© â€œhelloâ€\u{9d} â‚¬5").as_deref(),
            Some("café “hello” €5")
        );
        assert_eq!(repair("ä¸\u{ad}æ–‡").as_deref(), Some("中文"));
        assert_eq!(repair("cafÃƒÂ©").as_deref(), Some("café"), "twice");
        assert_eq!(
            repair("wait\u{85} it\u{92}s \u{93}on\u{94}").as_deref(),
            Some("wait… it’s “on”")
        );
        let wrong = GB18030.decode("合同条款".as_bytes()).0.into_owned();
        assert_eq!(repair(&format!("1. {wrong}")).as_deref(), Some("1. 合同条款"));
    }

    #[test]
    fn what_is_right_stays() {
        for text in [
            "café",
            "Ärger über Öl",
            "中文",
            "联通",
            "“quoted” – €5",
            "São Tomé",
            "À la carte",
            "Ünüvar Âge",
            "ÃO SALÃO",
            "naïve Ã",
            "« société\u{a0}» et « qualité\u{a0}»",
            "“café”…",
            "«CAFFÈ»",
            "«PERÒ»",
            "5\u{a0}°C à Orléans®",
        ] {
            assert_eq!(repair(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_wrong_reading_of_western_letters_is_undone(text in "([a-zäöüéèñß]{1,8} |€[0-9]{1,3} ){1,8}") {
            let wrong = WINDOWS_1252.decode(text.as_bytes()).0.into_owned();
            prop_assert_eq!(repair(&wrong).unwrap_or(wrong), text);
        }
    }
}
