//! Characters that a reader does not see or sees as others.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::{UnicodeNormalization, is_nfkc_quick};

use super::{if_changed, lines, pattern};

/// Without control characters (tab and line ends apart) and without characters that only steer the display. The joiners that
/// Arabic, Indian scripts and emoji need stay.
pub(super) fn without_control(text: &str) -> Option<String> {
    let unseen = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
            || matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffe}')
    };
    text.contains(unseen).then(|| text.replace(unseen, ""))
}

/// Full-width letters, digits and spaces as half-width ones, half-width katakana as full-width ones.
pub(super) fn usual_width(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let mut changed = String::with_capacity(text.len());
    let mut katakana = String::new();
    for c in text.chars() {
        if matches!(c, '\u{ff66}'..='\u{ff9f}') {
            // A letter and its voicing mark become one character: they are composed together.
            katakana.push(c);
            continue;
        }
        changed.extend(katakana.drain(..).nfkc());
        changed.push(match c {
            '\u{3000}' => ' ',
            // Commas, brackets and the like are Chinese punctuation, which belongs to its text.
            '０'..='９'
            | 'Ａ'..='Ｚ'
            | 'ａ'..='ｚ'
            | '％'
            | '＋'
            | '－'
            | '／'
            | '＝'
            | '＠'
            | '＿'
            | '＆'
            | '＃'
            | '＊'
            | '＄'
            | '＂'
            | '＇'
            | '．' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            other => other,
        });
    }
    changed.extend(katakana.drain(..).nfkc());
    if_changed(text, changed)
}

/// Unicode's compatibility composition, NFKC (Unicode Standard Annex 15).
pub(super) fn compatible(text: &str) -> Option<String> {
    if text.is_ascii() || is_nfkc_quick(text.chars()) == unicode_normalization::IsNormalized::Yes {
        return None;
    }
    if_changed(text, text.nfkc().collect())
}

/// Without emoji and other symbols of no script (Unicode's categories So, Co and Cn, and what modifies emoji).
pub(super) fn without_symbols(text: &str) -> Option<String> {
    static SYMBOLS: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"[\p{So}\p{Co}\p{Cn}\u{fe0e}\u{fe0f}\u{1f3fb}-\u{1f3ff}--[°©®™№℃℉]]"));
    if text.is_ascii() {
        return None;
    }
    if_changed(text, SYMBOLS.replace_all(text, "").into_owned())
}

pub(super) fn lower_case(text: &str) -> Option<String> {
    let small = |c: char| c.is_lowercase() || !c.is_alphabetic();
    if text.chars().all(small) {
        return None;
    }
    if_changed(text, text.to_lowercase())
}

/// One space for a run of them, one empty line for several, nothing at the ends of lines and of the text.
pub(super) fn usual_space(text: &str) -> Option<String> {
    if is_usual_space(text) {
        return None;
    }
    let mut changed = String::with_capacity(text.len());
    let mut empty_lines = 0;
    for (line, _) in lines(text) {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else {
            empty_lines += 1;
            continue;
        };
        if !changed.is_empty() {
            changed.push_str(if empty_lines > 0 { "\n\n" } else { "\n" });
        }
        empty_lines = 0;
        changed.push_str(first);
        for word in words {
            changed.push(' ');
            changed.push_str(word);
        }
    }
    if_changed(text, changed)
}

/// Whether plain spaces stand alone between words of one line: most texts are like that, and need no copy.
fn is_usual_space(text: &str) -> bool {
    let mut before = ' ';
    for c in text.chars() {
        if c.is_whitespace() && (c != ' ' || before == ' ') {
            return false;
        }
        before = c;
    }
    text.is_empty() || before != ' '
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_goes() {
        assert_eq!(
            without_control("a\0b\u{200b}c\u{feff}\n\td").as_deref(),
            Some("abc\n\td")
        );
        assert_eq!(
            without_control("می\u{200c}خواهم"),
            None,
            "a joiner that is part of the spelling"
        );
    }

    #[test]
    fn widths_become_usual_and_chinese_punctuation_stays() {
        assert_eq!(
            usual_width("第３条　ＡＢＣ，（甲方）").as_deref(),
            Some("第3条 ABC，（甲方）")
        );
        assert_eq!(usual_width("ｶﾞｲﾄﾞ").as_deref(), Some("ガイド"));
        assert_eq!(usual_width("第3条"), None);
    }

    #[test]
    fn compatible_characters_become_plain() {
        assert_eq!(compatible("ﬁle № ① x²").as_deref(), Some("file No 1 x2"));
        assert_eq!(compatible("e\u{301}").as_deref(), Some("é"));
        assert_eq!(compatible("合同"), None);
    }

    #[test]
    fn symbols_go_and_what_means_something_stays() {
        assert_eq!(
            without_symbols("good ✅ 👍🏽 café €5 ±2 50 °C ©").as_deref(),
            Some("good   café €5 ±2 50 °C ©")
        );
        assert_eq!(without_symbols("第一条：“甲方”"), None);
    }

    #[test]
    fn space_becomes_usual() {
        assert_eq!(
            usual_space("  a \t b\r\n\r\n\r\n\nc \u{3000}d \n e\n").as_deref(),
            Some("a b\n\nc d\ne")
        );
        assert_eq!(usual_space("a b\n\nc"), None);
        assert_eq!(
            usual_space("line a\r\nline b\r\n\r\nline c\rline d").as_deref(),
            Some("line a\nline b\n\nline c\nline d")
        );
    }
}
