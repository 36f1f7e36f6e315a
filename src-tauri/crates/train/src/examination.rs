//! Many answers explained: which words tell most for each class, and whether such explanations hold.

use crate::control::Control;
use crate::error::Result;
use crate::explain::{Explanation, ExplanationMethod};
use crate::faithfulness::{Drops, Faithfulness};
use crate::predictor::Predictor;
use crate::telling::{Tallies, TellingWords};

/// How answers are examined.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How words are weighed.
    pub method: ExplanationMethod,
    /// Share of a text's words that are left out to see whether they told.
    pub share: f64,
    /// Decides which words are left out at random.
    pub seed: u64,
    /// Times that a word must occur in texts of a class to tell for it.
    pub fewest: u32,
    /// Words that are listed a class.
    pub most: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Examination {
    /// Whether explanations hold; `None` when every text was too short to tell.
    pub faithfulness: Option<Faithfulness>,
    /// A class each, in their order.
    pub telling: Vec<TellingWords>,
}

/// The classes that a text is given, the most probable first.
fn given(explanation: &Explanation) -> Vec<usize> {
    let mut given = explanation.labels.clone();
    given.sort_by(|a, b| explanation.probabilities[*b].total_cmp(&explanation.probabilities[*a]));
    given
}

/// Explains the answers to some texts, each once. `progress(done)` is called after each text.
///
/// # Errors
/// As [`Predictor::explain`].
pub fn examine<T: AsRef<str>>(
    predictor: &Predictor,
    texts: &[T],
    manner: &Manner,
    control: &Control,
    progress: &mut dyn FnMut(usize),
) -> Result<Examination> {
    let mut drops = Drops::new(manner.share, manner.seed);
    let mut tallies = Tallies::new(predictor.labels().len());
    for (index, text) in texts.iter().enumerate() {
        let text = text.as_ref();
        let first = predictor.explain(text, None, manner.method, control)?;
        // Where a text may have several labels, each that is given has its own reasons; one without any has none.
        for (number, class) in given(&first).into_iter().enumerate() {
            let other;
            let explanation = if class == first.class {
                &first
            } else {
                other = predictor.explain(text, Some(class), manner.method, control)?;
                &other
            };
            if number == 0 {
                drops.add(predictor, text, explanation, control)?;
            }
            tallies.add(text, explanation);
        }
        progress(index + 1);
    }
    Ok(Examination {
        faithfulness: drops.summary(),
        telling: tallies.telling(manner.fewest, manner.most),
    })
}
