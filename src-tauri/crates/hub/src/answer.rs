//! A small answer of a web server, kept in memory.

use std::sync::atomic::AtomicBool;

use crate::connection::{Head, Question, Sink, ask, bad_answer};
use crate::{HubError, Network};

/// Asks, again where that may help, and keeps at most `most_bytes` of the answer.
///
/// # Errors
/// Those of [`ask`]; [`HubError::BadAnswer`] for one that is empty or too long.
pub(crate) fn answer(
    network: &Network,
    question: &Question<'_>,
    most_bytes: usize,
    cancelled: &AtomicBool,
) -> Result<(Head, Vec<u8>), HubError> {
    let mut page = Page::new(most_bytes);
    network.patience.persist(
        cancelled,
        || Ok(0),
        || {
            page = Page::new(most_bytes);
            ask(network, question, cancelled, &mut page)
        },
    )?;
    match page.head {
        Some(head) => Ok((head, page.bytes)),
        None => Err(bad_answer(&question.url, "an empty answer".into())),
    }
}

struct Page {
    head: Option<Head>,
    bytes: Vec<u8>,
    most_bytes: usize,
}

impl Page {
    fn new(most_bytes: usize) -> Self {
        Self {
            head: None,
            bytes: Vec::new(),
            most_bytes,
        }
    }
}

impl Sink for Page {
    fn begin(&mut self, head: &Head) -> Result<(), HubError> {
        self.head = Some(head.clone());
        Ok(())
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<(), HubError> {
        self.bytes.extend_from_slice(bytes);
        match &self.head {
            Some(head) if self.bytes.len() > self.most_bytes => Err(bad_answer(
                &head.url,
                format!("more than {} bytes", self.most_bytes),
            )),
            _ => Ok(()),
        }
    }
}
