//! The words of a text, for people: pieces that a tokenizer cuts mean nothing to them.

use std::ops::Range;

use icu_segmenter::WordSegmenter;
use icu_segmenter::options::WordBreakInvariantOptions;

/// Words, numbers and signs by the rules of Unicode, in Chinese and Japanese by a dictionary, without the space between
/// them; words that a token spans count as one. `tokens` are places in bytes, in rising order; words without any token
/// are left out.
pub(crate) fn words(text: &str, tokens: &[Range<usize>]) -> Vec<Range<usize>> {
    let segmenter = WordSegmenter::new_auto(WordBreakInvariantOptions::default());
    let borders: Vec<usize> = segmenter.segment_str(text).collect();
    let segments: Vec<Range<usize>> = borders
        .windows(2)
        .map(|pair| pair[0]..pair[1])
        .filter(|segment| !text[segment.clone()].trim().is_empty())
        .collect();
    let mut words: Vec<Range<usize>> = Vec::new();
    for token in tokens {
        let first = segments.partition_point(|segment| segment.end <= token.start);
        let after = segments.partition_point(|segment| segment.start < token.end);
        if first >= after {
            continue;
        }
        let (start, end) = (segments[first].start, segments[after - 1].end);
        match words.last_mut() {
            Some(last) if start < last.end => last.end = last.end.max(end),
            _ => words.push(start..end),
        }
    }
    words
}

/// The words of a text with letters or digits, by the same rules; signs are none.
pub fn spoken_words(text: &str) -> impl Iterator<Item = &str> {
    let segmenter = WordSegmenter::new_auto(WordBreakInvariantOptions::default());
    let borders: Vec<usize> = segmenter.segment_str(text).collect();
    (1..borders.len())
        .map(move |end| &text[borders[end - 1]..borders[end]])
        .filter(|word| word.contains(char::is_alphanumeric))
}

/// The word that a token belongs to.
pub(crate) fn word_of(words: &[Range<usize>], token: &Range<usize>) -> Option<usize> {
    let word = words.partition_point(|word| word.end <= token.start);
    (words.get(word)?.start < token.end).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spoken_words_are_those_of_either_language() {
        let spoken: Vec<&str> = spoken_words("The tenant's rent, 50 %: 劳动合同的解除。").collect();
        assert_eq!(
            spoken,
            ["The", "tenant's", "rent", "50", "劳动", "合同", "的", "解除"]
        );
        assert_eq!(spoken_words("").count(), 0);
    }

    /// The words of a text whose tokens are these, one after the other.
    fn of<'t>(text: &'t str, tokens: &[&str]) -> Vec<&'t str> {
        let mut at = 0;
        let places: Vec<_> = tokens
            .iter()
            .map(|token| {
                let start = at + text[at..].find(token).unwrap();
                at = start + token.len();
                start..at
            })
            .collect();
        let words = words(text, &places);
        for place in &places {
            let word = word_of(&words, place).unwrap();
            assert!(words[word].start <= place.start && place.end <= words[word].end);
        }
        words.into_iter().map(|word| &text[word]).collect()
    }

    #[test]
    fn pieces_become_words_numbers_and_signs() {
        let text = "He doesn't indemnify, per 15.4.";
        let pieces = [
            "He", "doesn", "'", "t", "in", "dem", "nify", ",", "per", "15", ".", "4", ".",
        ];
        assert_eq!(
            of(text, &pieces),
            ["He", "doesn't", "indemnify", ",", "per", "15.4", "."]
        );
    }

    #[test]
    fn chinese_characters_become_words() {
        let text = "房东要求解除合同。";
        let characters: Vec<String> = text.chars().map(String::from).collect();
        let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
        assert_eq!(of(text, &characters), ["房东", "要求", "解除", "合同", "。"]);
    }

    #[test]
    fn words_that_a_token_spans_are_one_and_what_was_not_read_is_none() {
        assert_eq!(of("解除合同了吗", &["解除", "合同了"]), ["解除", "合同了"]);
        assert_eq!(words("one two three", &[0..3, 4..7]), [0..3, 4..7]);
        assert!(words("", &[]).is_empty());
    }
}
