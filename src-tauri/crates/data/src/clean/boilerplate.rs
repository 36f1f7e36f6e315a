//! Lines that stand in many texts: letterheads, disclaimers, "sent from my phone".

use std::collections::{HashMap, HashSet};

use super::lines;

/// The width of a line that is worth taking out; shorter ones ("Yes", "Dear Sir") carry meaning by where they stand.
const SHORTEST: usize = 12;

/// The share of the texts with more than one line in which a line must stand, and the least number of them.
const SHARE: f64 = 0.05;
const FEWEST: u32 = 5;

/// Lines that are found.
const MOST: usize = 200;

/// Lines counted before the rare ones are forgotten (lossy counting; Manku & Motwani 2002).
const BUCKET: u32 = 200_000;

/// Counts in how many texts each line stands. Memory is bounded: lines far rarer than those looked for are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    counts: HashMap<String, u32>,
    seen: u32,
    texts: u32,
}

impl Lines {
    /// Takes a text in.
    pub(crate) fn add(&mut self, text: &str) {
        let mut lines: Vec<&str> = filled_lines(text).collect();
        if lines.len() < 2 {
            return;
        }
        self.texts += 1;
        lines.retain(|line| width(line) >= SHORTEST);
        lines.sort_unstable();
        lines.dedup();
        for line in lines {
            match self.counts.get_mut(line) {
                Some(count) => *count += 1,
                None => drop(self.counts.insert(line.to_owned(), 1)),
            }
            self.seen += 1;
            if self.seen.is_multiple_of(BUCKET) {
                let least = self.seen / BUCKET;
                self.counts.retain(|_, count| *count > least);
            }
        }
    }

    /// The lines that stand in many texts, the commonest first.
    pub(crate) fn common(self) -> Vec<String> {
        let least = FEWEST.max((SHARE * f64::from(self.texts)).ceil() as u32);
        let mut common: Vec<(String, u32)> = self
            .counts
            .into_iter()
            .filter(|(_, count)| *count >= least)
            .collect();
        common.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        common.into_iter().take(MOST).map(|(line, _)| line).collect()
    }
}

fn filled_lines(text: &str) -> impl Iterator<Item = &str> {
    lines(text)
        .map(|(line, _)| line.trim())
        .filter(|line| !line.is_empty())
}

/// Characters, those of the scripts that say more with each of them (Chinese, kana, hangul) counted twice, as they are drawn.
fn width(line: &str) -> usize {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}');
    line.chars().map(|c| 1 + usize::from(wide(c))).sum()
}

/// The text without these lines; a text of nothing else stays.
pub(super) fn without(text: &str, boilerplate: &HashSet<String>) -> Option<String> {
    let stays = |line: &str| !boilerplate.contains(line.trim());
    if lines(text).all(|(line, _)| stays(line)) {
        return None;
    }
    let mut kept = String::with_capacity(text.len());
    for (line, end) in lines(text).filter(|(line, _)| stays(line)) {
        kept.push_str(line);
        kept.push_str(end);
    }
    let kept = kept.trim_matches(['\n', '\r']);
    (!kept.trim().is_empty() && kept != text).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_many_texts_are_found_and_taken_out() {
        let mut seen = Lines::default();
        for i in 0..40 {
            seen.add(&format!(
                "A matter of number {i} was raised\nPage 1\nThis message is confidential.\n"
            ));
            seen.add("This message is confidential.");
        }
        let common = seen.common();
        assert_eq!(common, ["This message is confidential."]);
        let common: HashSet<String> = common.into_iter().collect();
        assert_eq!(
            without("Pay now.\n  This message is confidential. \n", &common).as_deref(),
            Some("Pay now.")
        );
        assert_eq!(
            without("This message is confidential.", &common),
            None,
            "a text of nothing else"
        );
        assert_eq!(without("Pay now.", &common), None);
    }

    #[test]
    fn a_line_is_a_line_whatever_ends_it_and_the_others_keep_their_ends() {
        for end in ["\n", "\r\n", "\r"] {
            let mut seen = Lines::default();
            for i in 0..60 {
                seen.add(&format!("Text {i}{end}Sent from my lovely phone{end}Bye"));
            }
            let common = seen.common();
            assert_eq!(common, ["Sent from my lovely phone"], "{end:?}");
            let common: HashSet<String> = common.into_iter().collect();
            let text = format!("Pay\r\nnow.{end}Sent from my lovely phone{end}{end}Bye");
            assert_eq!(without(&text, &common), Some(format!("Pay\r\nnow.{end}{end}Bye")));
        }
    }

    #[test]
    fn a_chinese_line_says_more_with_fewer_characters() {
        let mut seen = Lines::default();
        for i in 0..60 {
            seen.add(&format!("正文{i}\n您好\n此致敬礼\n发自我的华为手机"));
        }
        assert_eq!(seen.common(), ["发自我的华为手机"]);
    }

    #[test]
    fn counting_forgets_rare_lines_only() {
        let mut seen = Lines::default();
        for i in 0..300_000_u32 {
            seen.add(&format!(
                "a line that is said once: {i}\n{}",
                if i % 10 == 0 {
                    "the common disclaimer"
                } else {
                    "no"
                }
            ));
        }
        assert!(seen.counts.len() < 2 * BUCKET as usize);
        assert_eq!(seen.common(), ["the common disclaimer"]);
    }
}
