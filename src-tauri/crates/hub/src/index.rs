//! Where a Python package index keeps a file.
//!
//! Speaks the simple repository API in its JSON form (PEP 691) and, for mirrors that have only that, its
//! HTML form (PEP 503). Only the address is taken from there: size and hash are pinned by the manifest.

use std::sync::atomic::AtomicBool;

use serde::Deserialize;
use url::Url;

use crate::answer::answer;
use crate::connection::{Question, bad_answer, host};
use crate::{HubError, Network};

const FORMS: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, \
                     text/html;q=0.1";
/// The largest project pages have a few megabytes.
const MOST_BYTES: usize = 32 << 20;

/// The address of `file` among the files of the project whose page is `page`.
///
/// # Errors
/// [`HubError::NotOffered`], [`HubError::BadAnswer`], and those of [`ask`].
pub(crate) fn address(
    network: &Network,
    page: &Url,
    file: &str,
    why: &str,
    cancelled: &AtomicBool,
) -> Result<Url, HubError> {
    let question = Question {
        url: page.clone(),
        accept: FORMS,
        from: 0,
        to: None,
        why,
    };
    let (head, bytes) = answer(network, &question, MOST_BYTES, cancelled)?;
    let text = String::from_utf8_lossy(&bytes);
    let found = if head.content_type.contains("json") {
        in_json(&text, file).map_err(|error| bad_answer(&head.url, error.to_string()))?
    } else {
        in_html(&text, &head.url, file)
    };
    let link = found.ok_or_else(|| HubError::NotOffered {
        host: host(&head.url),
        file: file.to_owned(),
    })?;
    head.url
        .join(&link)
        .map_err(|error| bad_answer(&head.url, error.to_string()))
}

#[derive(Deserialize)]
struct Project {
    files: Vec<ProjectFile>,
}

#[derive(Deserialize)]
struct ProjectFile {
    filename: String,
    url: String,
}

fn in_json(text: &str, file: &str) -> Result<Option<String>, serde_json::Error> {
    let project: Project = serde_json::from_str(text)?;
    Ok(project
        .files
        .into_iter()
        .find(|offered| offered.filename == file)
        .map(|offered| offered.url))
}

/// The first link whose address ends with the file's name. A wheel's name needs no escaping, neither in
/// an address nor in HTML.
fn in_html(text: &str, base: &Url, file: &str) -> Option<String> {
    links(text).map(|link| link.replace("&amp;", "&")).find(|link| {
        let url = base.join(link).ok();
        url.and_then(|url| url.path_segments()?.next_back().map(|name| name == file))
            .unwrap_or(false)
    })
}

/// The value of every `href`, quoted either way.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("href=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest[1..].split(quote).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "a_b-0.1.0-py3-none-any.whl";

    #[test]
    fn the_pinned_name_is_found_in_json() {
        let page = r#"{"meta": {"api-version": "1.1"}, "name": "a-b", "files": [
            {"filename": "a_b-0.0.9-py3-none-any.whl", "url": "https://files.example/old", "hashes": {}},
            {"filename": "a_b-0.1.0-py3-none-any.whl", "url": "https://files.example/new", "hashes": {}}]}"#;
        assert_eq!(
            in_json(page, FILE).unwrap().as_deref(),
            Some("https://files.example/new")
        );
        assert_eq!(in_json(page, "a_b-9.whl").unwrap(), None);
        assert!(in_json("<html>", FILE).is_err());
    }

    #[test]
    fn the_pinned_name_is_found_in_html_of_several_makes() {
        let base = Url::parse("https://mirror.example/simple/a-b/").unwrap();
        for link in [
            format!("<a href=\"../../packages/{FILE}#sha256=00\">{FILE}</a>"),
            format!(
                "<a data-requires-python='&gt;=3' href='https://files.example/x/{FILE}?a=1&amp;b=2'>x</a>"
            ),
        ] {
            let page = format!("<html><a href='/other-0.1.0.whl'>other</a>{link}</html>");
            let found = in_html(&page, &base, FILE).unwrap();
            assert!(base.join(&found).unwrap().path().ends_with(FILE), "{link}");
            assert!(!found.contains("&amp;"));
        }
    }

    #[test]
    fn a_name_that_only_contains_the_pinned_one_is_not_taken() {
        let base = Url::parse("https://mirror.example/simple/a-b/").unwrap();
        for link in [
            format!("{FILE}.metadata"),
            format!("evil-{FILE}"),
            format!("x?{FILE}"),
            format!("#{FILE}"),
        ] {
            assert_eq!(
                in_html(&format!("<a href=\"{link}\">"), &base, FILE),
                None,
                "{link}"
            );
        }
    }

    #[test]
    fn a_torn_page_offers_nothing() {
        let base = Url::parse("https://mirror.example/").unwrap();
        for page in ["", "href=", "<a href=\"", "<a href=中"] {
            assert_eq!(in_html(page, &base, FILE), None);
        }
    }
}
