//! Requests that wait for the model. There is one model and it takes all cores, so one thread asks it; requests that
//! wait at the same time are answered together.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::fault::Fault;
use crate::limits::{TOGETHER, WAITING};

/// Says something about texts.
pub trait Answerer: Send + Sync + 'static {
    /// An answer a text, in their order; or why there are none.
    ///
    /// # Errors
    /// What the caller is told.
    fn answer(&self, texts: &[String]) -> Result<Vec<Value>, String>;
}

type Answers = Result<Vec<Value>, String>;

struct Question {
    texts: Vec<String>,
    reply: oneshot::Sender<Answers>,
}

/// The way to the model.
#[derive(Clone)]
pub(crate) struct Queue(mpsc::Sender<Question>);

impl Queue {
    /// Starts the thread that asks; it ends with the last clone of the queue.
    pub(crate) fn start(answerer: Arc<dyn Answerer>) -> Queue {
        let (sender, mut questions) = mpsc::channel::<Question>(WAITING);
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
                answer(&*answerer, together);
            }
        });
        Queue(sender)
    }

    /// The answers to some texts.
    pub(crate) async fn ask(&self, texts: Vec<String>) -> Result<Vec<Value>, Fault> {
        let (reply, answers) = oneshot::channel();
        let gone = || Fault::Failed {
            reason: "the model is gone".to_owned(),
        };
        self.0
            .try_send(Question { texts, reply })
            .map_err(|error| match error {
                TrySendError::Full(_) => Fault::Busy,
                TrySendError::Closed(_) => gone(),
            })?;
        let answers = answers.await.map_err(|_| gone())?;
        answers.map_err(|reason| Fault::Failed { reason })
    }
}

fn answer(answerer: &dyn Answerer, mut together: Vec<Question>) {
    // Whoever has gone away meanwhile needs no answer.
    together.retain(|question| !question.reply.is_closed());
    let counts: Vec<usize> = together.iter().map(|question| question.texts.len()).collect();
    let texts: Vec<String> = together
        .iter_mut()
        .flat_map(|question| std::mem::take(&mut question.texts))
        .collect();
    let mut answers = answerer.answer(&texts).map(Vec::into_iter);
    for (question, count) in together.into_iter().zip(counts) {
        let own = match &mut answers {
            Ok(all) => Ok(all.by_ref().take(count).collect()),
            Err(reason) => Err(reason.clone()),
        };
        // It may have gone away while the model was at work.
        let _ = question.reply.send(own);
    }
}
