//! Simplified and traditional Chinese, with OpenCC's dictionaries: by phrases, not character by character.

use std::sync::LazyLock;

use ferrous_opencc::OpenCC;
use ferrous_opencc::config::BuiltinConfig;

use super::if_changed;

/// `None` when the dictionaries that are built in cannot be read; a test holds that they can.
static TO_SIMPLIFIED: LazyLock<Option<OpenCC>> =
    LazyLock::new(|| OpenCC::from_config(BuiltinConfig::T2s).ok());
static TO_TRADITIONAL: LazyLock<Option<OpenCC>> =
    LazyLock::new(|| OpenCC::from_config(BuiltinConfig::S2t).ok());

pub(super) fn simplified(text: &str) -> Option<String> {
    convert(TO_SIMPLIFIED.as_ref(), text)
}

pub(super) fn traditional(text: &str) -> Option<String> {
    convert(TO_TRADITIONAL.as_ref(), text)
}

fn convert(converter: Option<&OpenCC>, text: &str) -> Option<String> {
    let chinese = |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}');
    if text.is_ascii() || !text.contains(chinese) {
        return None;
    }
    if_changed(text, converter?.convert(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_by_phrase() {
        assert_eq!(
            simplified("買賣雙方應於頭髮乾燥後發貨").as_deref(),
            Some("买卖双方应于头发干燥后发货")
        );
        assert_eq!(traditional("头发干燥后发货").as_deref(), Some("頭髮乾燥後發貨"));
        assert_eq!(simplified("买卖双方"), None);
        assert_eq!(simplified("plain English, é"), None);
    }
}
