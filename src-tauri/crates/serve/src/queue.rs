//! Requests that wait for the model. There is one model and it takes all cores, so one thread asks it; requests that
//! wait at the same time are answered together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::fault::Fault;
use crate::limits::{TOGETHER, WAITING};

/// Says something about texts.
pub trait Answerer: Send + Sync + 'static {
    /// An answer a text, in their order; or why there are none. `wanted` says whether anybody still waits for them.
    ///
    /// # Errors
    /// What the caller is told.
    fn answer(&self, texts: &[String], wanted: &dyn Fn() -> bool) -> Result<Vec<Value>, String>;
}

type Answers = Result<Vec<Value>, String>;

struct Question {
    texts: Vec<String>,
    reply: oneshot::Sender<Answers>,
}

/// The way to the model.
#[derive(Clone)]
pub(crate) struct Queue {
    questions: mpsc::Sender<Question>,
    answered: Arc<AtomicU64>,
}

impl Queue {
    /// Starts the thread that asks; it ends with the last clone of the queue.
    pub(crate) fn start(answerer: Arc<dyn Answerer>) -> Queue {
        let (sender, mut questions) = mpsc::channel::<Question>(WAITING);
        let answered = Arc::new(AtomicU64::new(0));
        let counter = answered.clone();
        std::thread::spawn(move || {
            while let Some(first) = questions.blocking_recv() {
                let mut together = vec![first];
                let mut texts = together[0].texts.len();
                while texts < TOGETHER
                    && let Ok(next) = questions.try_recv()
                {
                    texts += next.texts.len();
                    together.push(next);
                }
                counter.fetch_add(answer(&*answerer, together), Ordering::Relaxed);
            }
        });
        Queue {
            questions: sender,
            answered,
        }
    }

    /// Texts that were answered so far.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// The answers to some texts.
    pub(crate) async fn ask(&self, texts: Vec<String>) -> Result<Vec<Value>, Fault> {
        let (reply, answers) = oneshot::channel();
        let gone = || Fault::Failed {
            reason: "the model is gone".to_owned(),
        };
        self.questions
            .try_send(Question { texts, reply })
            .map_err(|error| match error {
                TrySendError::Full(_) => Fault::Busy,
                TrySendError::Closed(_) => gone(),
            })?;
        let answers = answers.await.map_err(|_| gone())?;
        answers.map_err(|reason| Fault::Failed { reason })
    }
}

/// Answers what waits, and says how many texts that were.
fn answer(answerer: &dyn Answerer, mut together: Vec<Question>) -> u64 {
    // Whoever has gone away meanwhile needs no answer.
    together.retain(|question| !question.reply.is_closed());
    let texts: Vec<String> = together
        .iter()
        .flat_map(|question| question.texts.iter().cloned())
        .collect();
    let wanted = || together.iter().any(|question| !question.reply.is_closed());
    let mut all = match (ask(answerer, &texts, &wanted), together.len()) {
        (Ok(answers), _) => answers.into_iter(),
        // Each by itself, so that a text that cannot be answered is nobody else's trouble.
        (Err(_), 2..) => return together.into_iter().map(|one| answer(answerer, vec![one])).sum(),
        (Err(reason), _) => {
            for question in together {
                let _ = question.reply.send(Err(reason.clone()));
            }
            return 0;
        }
    };
    let mut answered = 0;
    for Question { texts, reply } in together {
        // It may have gone away while the model was at work.
        if reply.send(Ok(all.by_ref().take(texts.len()).collect())).is_ok() {
            answered += texts.len() as u64;
        }
    }
    answered
}

/// A model that panics has answered wrongly once; the next texts are none of its business.
fn ask(answerer: &dyn Answerer, texts: &[String], wanted: &dyn Fn() -> bool) -> Answers {
    let answered = catch_unwind(AssertUnwindSafe(|| answerer.answer(texts, wanted)));
    answered.unwrap_or_else(|panic| {
        let told = panic.downcast_ref::<String>().map(String::as_str);
        let told = told.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(told.unwrap_or("a panic").to_owned())
    })
}
