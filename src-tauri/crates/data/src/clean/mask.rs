//! Addresses and numbers as one word each, where only their presence matters.

use std::sync::LazyLock;

use regex::Regex;

use super::{if_changed, pattern};

static URL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?-u:\b)(?:https?://|ftp://|www\.)[^\s<>"'，。；、！？（）“”【】《》]*[^\s<>"'，。；、！？（）“”【】《》.,;:!?)\]]"#,
    )
});

/// Letters of all scripts may be in an address (RFC 6531), but where words are written without spaces, nothing would tell
/// where it begins or ends: "请联系zhang@firm.cn". An apostrophe between letters is a part of it, around it is none.
pub(super) static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    let letter = r"\p{Latin}\p{Greek}\p{Cyrillic}";
    let word = format!(r"[{letter}\d][{letter}\p{{Mn}}\d]*");
    let part = format!(r"{word}(?:-+{word})*");
    pattern(&format!(
        r"{word}(?:(?:[._%+\-]+|['’]){word})*[._%+\-]*@{part}(?:\.{part})*\.[{letter}\p{{Mn}}]{{2,24}}"
    ))
});

/// A number with its separators; digits that are part of a word ("B2B") are none.
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(^|[^\p{Alphabetic}\p{Nd}_]|\p{Han})(\p{Nd}+(?:[.,:/\-]\p{Nd}+)*)"));

pub(super) fn urls(text: &str) -> Option<String> {
    if !text.contains("://") && !text.contains("www.") && !text.contains("WWW.") {
        return None;
    }
    if_changed(text, URL.replace_all(text, "[URL]").into_owned())
}

pub(super) fn emails(text: &str) -> Option<String> {
    if !text.contains('@') {
        return None;
    }
    if_changed(text, EMAIL.replace_all(text, "[EMAIL]").into_owned())
}

pub(super) fn numbers(text: &str) -> Option<String> {
    if !text.contains(char::is_numeric) {
        return None;
    }
    if_changed(text, NUMBER.replace_all(text, "${1}[NUMBER]").into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_becomes_one_word() {
        assert_eq!(
            urls("see (https://a.b/c?d=1), or www.x.org.").as_deref(),
            Some("see ([URL]), or [URL].")
        );
        assert_eq!(urls("见https://a.b/c。再说").as_deref(), Some("见[URL]。再说"));
        assert_eq!(
            emails("to a.b+c@d-e.co.uk, now").as_deref(),
            Some("to [EMAIL], now")
        );
        assert_eq!(emails("a @ b"), None);
        assert_eq!(
            emails("müller@bücher.de, мария@почта.рф, 'o'neil@firm.com'").as_deref(),
            Some("[EMAIL], [EMAIL], '[EMAIL]'")
        );
        assert_eq!(
            emails("请联系zhang@firm.cn或メールa-b@c.jpへ").as_deref(),
            Some("请联系[EMAIL]或メール[EMAIL]へ")
        );
        assert_eq!(
            numbers("pay 1,200.50 by 12/05/2024, B2B, 第3条").as_deref(),
            Some("pay [NUMBER] by [NUMBER], B2B, 第[NUMBER]条")
        );
    }
}
