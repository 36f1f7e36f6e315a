//! Whether explanations hold: without the words that are said to tell most, the model must be less sure than without as
//! many words at random (DeYoung et al. 2020, "comprehensiveness", <https://arxiv.org/abs/1911.03429>).

use std::ops::Range;

use serde::{Deserialize, Serialize};
use understudy_eval::{Interval, wilson};
use understudy_nn::random::Key;

use crate::control::Control;
use crate::error::Result;
use crate::explain::{Explanation, WordScore};
use crate::predictor::Predictor;

/// Draws of random words a text; their mean is compared with.
const DRAWS: usize = 5;

/// Texts with fewer words than this have too few to choose from.
const FEWEST_WORDS: usize = 5;

/// With fewer texts nothing is said about whether explanations hold.
const FEWEST_TEXTS: usize = 20;

/// Whether explanations hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// Without the telling words the model is less sure than without others, by more than chance.
    Holds,
    /// It is not, by more than chance.
    Fails,
    /// There are too few texts to tell.
    Unclear,
}

/// What the check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Faithfulness {
    /// Whether explanations hold.
    pub holding: Holding,
    /// Texts judged.
    pub texts: u32,
    /// Texts that had too few words.
    pub too_short: u32,
    /// Share of each text's words that were left out.
    pub share: f64,
    /// By how much the probability of the given class fell on average without the most telling words.
    pub telling_drop: f64,
    /// The same without as many words at random.
    pub random_drop: f64,
    /// 95 % interval of the mean difference of both.
    pub difference_interval: Interval,
    /// Texts where the most telling words made the larger difference.
    pub held: u32,
    /// Their share.
    pub held_share: f64,
    /// 95 % interval of that share.
    pub held_interval: Interval,
}

/// A part of `0..count`, `most` at most, drawn by chance, in rising order.
pub fn sample(count: usize, most: usize, seed: u64) -> Vec<usize> {
    let mut drawn = Key::new(seed).with(0x5A3E).permutation(count);
    drawn.truncate(most);
    drawn.sort_unstable();
    drawn
}

/// The drops of the texts looked at so far.
#[derive(Debug)]
pub(crate) struct Drops {
    share: f64,
    key: Key,
    /// A text each: by how much the probability fell without the most telling words, and without random ones.
    drops: Vec<[f64; 2]>,
    too_short: usize,
}

impl Drops {
    /// Leaves out the `share` of a text's words; `seed` decides which words at random.
    pub(crate) fn new(share: f64, seed: u64) -> Self {
        Drops {
            share,
            key: Key::new(seed),
            drops: Vec::new(),
            too_short: 0,
        }
    }

    /// Looks at one more text, which was given the explained class.
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    pub(crate) fn add(
        &mut self,
        predictor: &Predictor,
        text: &str,
        explanation: &Explanation,
        control: &Control,
    ) -> Result<()> {
        let index = self.drops.len() + self.too_short;
        let Some(variants) = variants(text, explanation, self.share, self.key.with(index as u64)) else {
            self.too_short += 1;
            return Ok(());
        };
        let before = explanation.probabilities[explanation.class];
        let after = predictor.predict(&variants, control)?;
        let drops = after
            .iter()
            .map(|predicted| f64::from(before - predicted.probabilities[explanation.class]));
        let drops: Vec<f64> = drops.collect();
        let random = drops[1..].iter().sum::<f64>() / DRAWS as f64;
        self.drops.push([drops[0], random]);
        Ok(())
    }

    /// What was found; `None` when every text was too short.
    pub(crate) fn summary(&self) -> Option<Faithfulness> {
        summary(&self.drops, self.too_short, self.share)
    }
}

fn summary(drops: &[[f64; 2]], too_short: usize, share: f64) -> Option<Faithfulness> {
    if drops.is_empty() {
        return None;
    }
    let n = drops.len() as f64;
    let mean = |of: &dyn Fn(&[f64; 2]) -> f64| drops.iter().map(of).sum::<f64>() / n;
    let difference = mean(&|[telling, random]| telling - random);
    let variance =
        mean(&|[telling, random]| (telling - random - difference).powi(2)) * n / (n - 1.0).max(1.0);
    let half = 1.96 * (variance / n).sqrt();
    let held = drops.iter().filter(|[telling, random]| telling > random).count();
    let (low, high) = (difference - half, difference + half);
    Some(Faithfulness {
        holding: match drops.len() {
            few if few < FEWEST_TEXTS => Holding::Unclear,
            _ if low > 0.0 => Holding::Holds,
            _ if high < 0.0 => Holding::Fails,
            _ => Holding::Unclear,
        },
        texts: drops.len() as u32,
        too_short: too_short as u32,
        share,
        telling_drop: mean(&|[telling, _]| *telling),
        random_drop: mean(&|[_, random]| *random),
        difference_interval: Interval { low, high },
        held: held as u32,
        held_share: held as f64 / n,
        held_interval: wilson(held, drops.len()),
    })
}

/// The text without its most telling words, and without random ones.
fn variants(text: &str, explanation: &Explanation, share: f64, key: Key) -> Option<Vec<String>> {
    let is_word = |word: &&WordScore| text[word.place.clone()].contains(char::is_alphanumeric);
    let mut words: Vec<&WordScore> = explanation.words.iter().filter(is_word).collect();
    if words.len() < FEWEST_WORDS {
        return None;
    }
    let count = ((words.len() as f64 * share).round() as usize).clamp(1, words.len());
    let random = (0..DRAWS).map(|draw| {
        let order = key.with(draw as u64).permutation(words.len());
        order[..count]
            .iter()
            .map(|&word| words[word].place.clone())
            .collect()
    });
    let random: Vec<Vec<Range<usize>>> = random.collect();
    words.sort_by(|a, b| b.score.total_cmp(&a.score));
    let telling = words[..count].iter().map(|word| word.place.clone()).collect();
    let left_out = std::iter::once(telling).chain(random);
    Some(left_out.map(|places| without(text, places)).collect())
}

/// The text without these parts.
fn without(text: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_by_key(|place| place.start);
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    for place in places {
        rest.push_str(&text[at..place.start]);
        at = place.end;
    }
    rest.push_str(&text[at..]);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_left_out_and_the_rest_stays() {
        assert_eq!(without("one 两 three", vec![8..13, 0..3]), " 两 ");
    }

    #[test]
    fn a_sample_is_the_same_every_time_and_no_larger_than_wanted() {
        assert_eq!(sample(100, 7, 1), sample(100, 7, 1));
        assert_ne!(sample(100, 7, 1), sample(100, 7, 2));
        assert_eq!(sample(3, 7, 1), [0, 1, 2]);
    }

    #[test]
    fn drops_are_summed_up_with_their_uncertainty() {
        let found = summary(&[[0.5, 0.1], [0.3, 0.1], [0.0, 0.1]], 2, 0.2).unwrap();
        assert_eq!((found.texts, found.too_short, found.held), (3, 2, 2));
        assert!((found.telling_drop - 0.8 / 3.0).abs() < 1e-12);
        // Differences 0.4, 0.2 and -0.1: mean 1/6, standard deviation 0.2517.
        assert!((found.difference_interval.high - (1.0 / 6.0 + 1.96 * 0.251_661 / 3f64.sqrt())).abs() < 1e-4);
        assert!(summary(&[], 2, 0.2).is_none());
        let of = |texts: usize, drops: [f64; 2]| summary(&vec![drops; texts], 0, 0.2).unwrap().holding;
        assert_eq!(of(30, [0.4, 0.1]), Holding::Holds);
        assert_eq!(of(30, [0.1, 0.4]), Holding::Fails);
        assert_eq!(of(30, [0.2, 0.2]), Holding::Unclear);
        assert_eq!(of(19, [0.4, 0.1]), Holding::Unclear, "too few to tell");
    }
}
