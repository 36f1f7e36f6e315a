//! HTML in texts that were copied from web pages or exported from systems that store it.

use super::if_changed;

/// Elements whose content is no text.
const UNREAD: &[&str] = &["script", "style", "head", "noscript", "template"];

/// Elements that begin and end a line.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// Elements within a line; with [`BLOCKS`] and [`UNREAD`], what counts as HTML. Anything else in angle brackets is text.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "body", "button", "caption", "center", "cite", "code",
    "col", "colgroup", "data", "del", "details", "dfn", "em", "font", "html", "i", "iframe", "img", "input",
    "ins", "kbd", "label", "legend", "link", "map", "mark", "meta", "object", "option", "q", "rp", "rt",
    "ruby", "s", "samp", "select", "small", "span", "strike", "strong", "sub", "summary", "sup", "tbody",
    "td", "textarea", "tfoot", "th", "thead", "time", "title", "tt", "u", "var", "video", "wbr",
];

/// The text without tags and comments, entities as their characters.
pub(super) fn strip(text: &str) -> Option<String> {
    if !text.contains(['<', '&']) {
        return None;
    }
    let tags = is_html(text);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        plain.push_str(before);
        let comment = from
            .strip_prefix("<!--")
            .and_then(|comment| Some(&comment[comment.find("-->")? + 3..]));
        if let Some(after) = comment {
            rest = after;
            continue;
        }
        // An element whose content is no text ends somewhere, or it is only spoken of.
        let tag = Tag::at(from).filter(|_| tags);
        let unread = tag
            .as_ref()
            .is_some_and(|tag| UNREAD.contains(&tag.name.as_str()) && !tag.closes);
        let after = tag
            .as_ref()
            .and_then(|tag| after_closing(&from[tag.length..], &tag.name));
        match tag.filter(|_| !unread || after.is_some()) {
            Some(tag) => {
                rest = &from[tag.length..];
                if let Some(after) = after.filter(|_| unread) {
                    rest = after;
                } else if BLOCKS.contains(&tag.name.as_str()) {
                    if !plain.is_empty() && !plain.ends_with('\n') {
                        plain.push('\n');
                    }
                } else if matches!(tag.name.as_str(), "td" | "th")
                    && !tag.closes
                    && !plain.is_empty()
                    && !plain.ends_with([' ', '\n'])
                {
                    plain.push(' ');
                }
            }
            None => {
                plain.push('<');
                rest = &from[1..];
            }
        }
    }
    plain.push_str(rest);
    let plain = match plain.contains('&') {
        true => html_escape::decode_html_entities(&plain).replace('\u{a0}', " "),
        false => plain,
    };
    // The line end of the last paragraph ends nothing.
    let ended = if text.ends_with('\n') {
        plain.as_str()
    } else {
        plain.trim_end_matches('\n')
    };
    if_changed(text, ended.to_owned())
}

struct Tag {
    name: String,
    closes: bool,
    /// Bytes, angle brackets included.
    length: usize,
}

impl Tag {
    /// The tag that the text begins with, when it is one of HTML.
    fn at(text: &str) -> Option<Tag> {
        let inner = text.strip_prefix('<')?;
        if inner.starts_with("!doctype") || inner.starts_with("!DOCTYPE") {
            let length = inner.find('>')? + 2;
            return Some(Tag {
                name: "html".to_owned(),
                closes: false,
                length,
            });
        }
        let closes = inner.starts_with('/');
        let inner = inner.strip_prefix('/').unwrap_or(inner);
        let end = inner
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(inner.len());
        let name = inner[..end].to_ascii_lowercase();
        let known = [UNREAD, BLOCKS, INLINE]
            .iter()
            .any(|names| names.contains(&name.as_str()));
        let follows = inner[end..].starts_with(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>');
        if !known || !follows {
            return None;
        }
        let mut quote = None;
        for (at, c) in inner[end..].char_indices() {
            match (quote, c) {
                (None, '>') => {
                    let length = 1 + usize::from(closes) + end + at + 1;
                    return Some(Tag { name, closes, length });
                }
                // A second tag begins: the first one was none.
                (None, '<') => return None,
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                _ => {}
            }
        }
        None
    }
}

/// Whether tags are more than words in angle brackets ("Dear <title>"): one of them closes, has an attribute, or is one that
/// nobody writes about without meaning it.
fn is_html(text: &str) -> bool {
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let from = &rest[start..];
        match Tag::at(from) {
            Some(tag) => {
                let written = &from[..tag.length];
                if tag.closes
                    || written.contains('=')
                    || matches!(tag.name.as_str(), "br" | "p" | "hr" | "img" | "div")
                {
                    return true;
                }
                rest = &from[tag.length..];
            }
            None => rest = &from[1..],
        }
    }
    false
}

/// What follows the end of an element whose content is no text; `None` where it never ends.
fn after_closing<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = text;
    while let Some(start) = rest.find("</") {
        let from = &rest[start..];
        match Tag::at(from) {
            Some(tag) if tag.name == name => return Some(&from[tag.length..]),
            _ => rest = &from[2..],
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_paragraphs_become_lines() {
        let html = "<html><head><title>T</title></head><p class=\"a>b\">The <b>tenant</b></p><p>pays<br/>rent &amp; taxes&nbsp;now</p><!-- x --><script>var a = '<p>';</script></html>";
        assert_eq!(strip(html).as_deref(), Some("The tenant\npays\nrent & taxes now"));
        assert_eq!(
            strip("<table><tr><td>a</td><td>b</td></tr></table>").as_deref(),
            Some("a b")
        );
        assert_eq!(
            strip("<p>put a <script> here</p>").as_deref(),
            Some("put a <script> here"),
            "what is only spoken of stays"
        );
        assert_eq!(
            strip("caf&eacute; &#8364;5 &#x4e2d;").as_deref(),
            Some("café €5 中")
        );
        assert_eq!(
            strip("Great film.<br /><br />Loved it").as_deref(),
            Some("Great film.\nLoved it")
        );
    }

    #[test]
    fn angle_brackets_that_are_no_tags_stay() {
        for text in [
            "a < b and b > c",
            "if x<5 then",
            "<Name> of the patient",
            "R&D at AT&T",
            "<3",
            "a <b",
            "<<",
            "1 <i 2 < 3",
            "How do I put a <script> into my page?",
            "Dear <title>, meet at <time> at <address>",
            "a <!-- never closed",
        ] {
            assert_eq!(strip(text), None, "{text}");
        }
    }
}
