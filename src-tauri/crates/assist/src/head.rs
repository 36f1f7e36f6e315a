//! A linear model on frozen vectors: logistic regression with an L2 penalty, as scikit-learn's
//! `LogisticRegression(C=10)`, and probabilities that mean what they say.
//!
//! Every text is also judged by a head that has not seen it (cross-validation). These answers say how good the head is,
//! show labels that do not fit, and calibrate it: one temperature divides all scores so that the answers are as likely as
//! possible (Guo, Pleiss, Sun & Weinberger 2017).

use understudy_eval::random::Stream;
use understudy_eval::{Link, minimise};
use understudy_nn::kernels::matmul::{View, ViewMut};

use crate::vectors::{Vectors, product};

/// Inverse strength of the penalty.
const C: f64 = 10.0;
const ITERATIONS: usize = 60;
const FOLDS: usize = 5;

/// What is to be learnt: the classes of each text, of how many, and whether a text may have several.
#[derive(Debug, Clone, Copy)]
pub struct Gold<'a> {
    /// Indexes of each text's classes.
    pub labels: &'a [&'a [usize]],
    /// How many classes there are.
    pub classes: usize,
    /// Whether a text may have any number of them.
    pub several: bool,
}

impl Gold<'_> {
    fn link(&self) -> Link {
        match self.several {
            true => Link::Sigmoid,
            false => Link::Softmax,
        }
    }
}

/// A linear model with a temperature.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// `[dimensions + 1, classes]`, the last row added to all.
    numbers: Vec<f32>,
    classes: usize,
    several: bool,
    /// Divides the scores.
    temperature: f32,
}

impl Head {
    /// Learns from labelled texts, without calibration. `None` when `stop` said so.
    ///
    /// # Panics
    /// When there are not as many vectors as labels.
    pub fn fit(vectors: Vectors, gold: Gold, stop: &dyn Fn() -> bool) -> Option<Head> {
        assert_eq!(vectors.len(), gold.labels.len(), "a vector for each text");
        let start = vec![0.0; (vectors.dimensions() + 1) * gold.classes];
        let numbers = minimise(
            start,
            |numbers| objective(vectors, gold, numbers),
            ITERATIONS,
            stop,
        )?;
        Some(Head {
            numbers,
            classes: gold.classes,
            several: gold.several,
            temperature: 1.0,
        })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Probability of every class for every text, `[texts, classes]`: summing to one, or each for itself where a text may
    /// have several.
    pub fn probabilities(&self, vectors: Vectors) -> Vec<f32> {
        let mut scores = scores(vectors, &self.numbers, self.classes);
        into_probabilities(&mut scores, self.classes, self.several, self.temperature);
        scores
    }
}

/// What was learnt, with what each text would be called by a head that has not seen it.
#[derive(Debug, Clone)]
pub struct Learnt {
    /// The head, learnt from all texts and calibrated.
    pub head: Head,
    /// Calibrated probabilities of unseen texts, `[texts, classes]`.
    pub out_of_fold: Vec<f32>,
}

/// Learns a calibrated head. Texts of one `group` are never on both sides of a fold (texts that stand there twice). `None`
/// when there are fewer than two texts or classes, or when `stop` said so.
///
/// # Panics
/// When vectors, labels and groups are not of one number.
pub fn learn(
    vectors: Vectors,
    gold: Gold,
    groups: &[u64],
    seed: u64,
    stop: &dyn Fn() -> bool,
) -> Option<Learnt> {
    let least = if gold.several { 1 } else { 2 };
    if vectors.len() < 2 || gold.classes < least {
        return None;
    }
    let mut head = Head::fit(vectors, gold, stop)?;
    let folds = folds(gold.labels, groups, FOLDS.min(vectors.len()), seed);
    let mut out_of_fold = vec![0.0; vectors.len() * gold.classes];
    // Whether the head that judged a text had seen one of its class: else its loss says nothing about certainty.
    let mut known = vec![false; vectors.len()];
    for fold in 0..FOLDS.min(vectors.len()) {
        let (held, kept): (Vec<usize>, Vec<usize>) =
            (0..vectors.len()).partition(|text| folds[*text] == fold);
        if held.is_empty() || kept.is_empty() {
            continue;
        }
        let (of_kept, of_held) = (vectors.select(&kept), vectors.select(&held));
        let labels: Vec<&[usize]> = kept.iter().map(|text| gold.labels[*text]).collect();
        let gold_kept = Gold {
            labels: &labels,
            ..gold
        };
        let of_fold = Head::fit(Vectors::new(&of_kept, vectors.dimensions()), gold_kept, stop)?;
        let found = scores(
            Vectors::new(&of_held, vectors.dimensions()),
            &of_fold.numbers,
            gold.classes,
        );
        for (text, scores) in held.iter().zip(found.chunks_exact(gold.classes)) {
            out_of_fold[text * gold.classes..][..gold.classes].copy_from_slice(scores);
            let seen = |class: &usize| labels.iter().any(|labels| labels.contains(class));
            known[*text] = gold.labels[*text].iter().all(seen);
        }
    }
    let known: Vec<usize> = (0..known.len()).filter(|text| known[*text]).collect();
    let labels: Vec<&[usize]> = known.iter().map(|text| gold.labels[*text]).collect();
    let scores = known
        .iter()
        .flat_map(|text| &out_of_fold[text * gold.classes..][..gold.classes]);
    let scores: Vec<f32> = scores.copied().collect();
    head.temperature = understudy_eval::temperature(&scores, &labels, gold.classes, gold.link());
    into_probabilities(&mut out_of_fold, gold.classes, gold.several, head.temperature);
    Some(Learnt { head, out_of_fold })
}

/// Mean loss plus penalty, and its gradient. The offsets of the classes are not penalised.
fn objective(vectors: Vectors, gold: Gold, numbers: &[f32]) -> (f64, Vec<f32>) {
    let (count, dimensions, classes) = (vectors.len(), vectors.dimensions(), gold.classes);
    let mut rest = scores(vectors, numbers, classes);
    let link = gold.link();
    let mut loss = 0.0;
    for (rest, labels) in rest.chunks_exact_mut(classes).zip(gold.labels) {
        loss += link.loss_and_slope(rest, labels);
    }
    let share = 1.0 / count as f64;
    let penalty = 1.0 / (C * count as f64);
    let (weights, _) = numbers.split_at(dimensions * classes);
    let mut gradient = vec![0.0; numbers.len()];
    let (of_weights, of_offsets) = gradient.split_at_mut(dimensions * classes);
    product(
        vectors.view().t(),
        View::dense(&rest, count, classes),
        ViewMut::dense(of_weights, dimensions, classes),
    );
    let mut norm = 0.0;
    for (g, w) in of_weights.iter_mut().zip(weights) {
        *g = share as f32 * *g + penalty as f32 * w;
        norm += f64::from(w * w);
    }
    for rest in rest.chunks_exact(classes) {
        of_offsets
            .iter_mut()
            .zip(rest)
            .for_each(|(g, r)| *g += share as f32 * r);
    }
    (share * loss + 0.5 * penalty * norm, gradient)
}

/// `[texts, classes]`.
fn scores(vectors: Vectors, numbers: &[f32], classes: usize) -> Vec<f32> {
    let (weights, offsets) = numbers.split_at(vectors.dimensions() * classes);
    let mut found = vec![0.0; vectors.len() * classes];
    product(
        vectors.view(),
        View::dense(weights, vectors.dimensions(), classes),
        ViewMut::dense(&mut found, vectors.len(), classes),
    );
    for row in found.chunks_exact_mut(classes) {
        row.iter_mut()
            .zip(offsets)
            .for_each(|(score, offset)| *score += offset);
    }
    found
}

fn into_probabilities(scores: &mut [f32], classes: usize, several: bool, temperature: f32) {
    let link = if several { Link::Sigmoid } else { Link::Softmax };
    for row in scores.chunks_exact_mut(classes) {
        row.iter_mut().for_each(|score| *score /= temperature);
        link.probabilities(row);
    }
}

/// A fold for each text: those of a class are dealt out in turn, those of a group stay together.
fn folds(labels: &[&[usize]], groups: &[u64], folds: usize, seed: u64) -> Vec<usize> {
    assert_eq!(labels.len(), groups.len(), "a group for each text");
    let stream = Stream::new(seed, 0);
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|text| {
        (
            labels[*text].first(),
            stream.below(groups[*text], usize::MAX),
            *text,
        )
    });
    let mut of_group = std::collections::HashMap::new();
    let mut found = vec![0; labels.len()];
    let mut next = 0;
    for text in order {
        found[text] = *of_group.entry(groups[text]).or_insert_with(|| {
            next += 1;
            (next - 1) % folds
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Blobs, each};

    #[test]
    fn the_gradient_is_the_slope_of_the_objective() {
        let blobs = Blobs::new(20, 3, 0.5, 1);
        let labels = each(&blobs.labels);
        let mut numbers: Vec<f32> = (0..(Blobs::DIMENSIONS + 1) * 3)
            .map(|i| ((i * 37 % 11) as f32 - 5.0) * 0.1)
            .collect();
        for several in [false, true] {
            let gold = Gold {
                labels: &labels,
                classes: 3,
                several,
            };
            let (_, gradient) = objective(blobs.vectors(), gold, &numbers);
            for i in (0..gradient.len()).step_by(5) {
                let x = numbers[i];
                numbers[i] = x + 0.01;
                let above = objective(blobs.vectors(), gold, &numbers).0;
                numbers[i] = x - 0.01;
                let below = objective(blobs.vectors(), gold, &numbers).0;
                numbers[i] = x;
                assert!(
                    (f64::from(gradient[i]) - (above - below) / 0.02).abs() < 1e-4,
                    "{i}"
                );
            }
        }
    }

    #[test]
    fn groups_of_texts_are_told_apart_and_the_same_way_every_time() {
        let blobs = Blobs::new(90, 3, 0.5, 2);
        let labels = each(&blobs.labels);
        let gold = Gold {
            labels: &labels,
            classes: 3,
            several: false,
        };
        let groups: Vec<u64> = (0..90).collect();
        let learnt = learn(blobs.vectors(), gold, &groups, 7, &|| false).unwrap();
        let right = |probabilities: &[f32], labels: &[usize]| {
            let rows = probabilities.chunks_exact(3).zip(labels);
            rows.filter(|(row, label)| understudy_eval::most_probable(row) == **label)
                .count()
        };
        let unseen = Blobs::new(60, 3, 0.5, 3);
        assert!(right(&learnt.head.probabilities(unseen.vectors()), &unseen.labels) > 57);
        assert!(right(&learnt.out_of_fold, &blobs.labels) > 85);
        let again = learn(blobs.vectors(), gold, &groups, 7, &|| false).unwrap();
        assert_eq!((again.head, again.out_of_fold), (learnt.head, learnt.out_of_fold));
    }

    #[test]
    fn probabilities_come_true_as_often_as_they_say() {
        // Overlapping blobs: nobody can be sure.
        let blobs = Blobs::new(600, 3, 2.0, 4);
        let labels = each(&blobs.labels);
        let gold = Gold {
            labels: &labels,
            classes: 3,
            several: false,
        };
        let groups: Vec<u64> = (0..600).collect();
        let learnt = learn(blobs.vectors(), gold, &groups, 0, &|| false).unwrap();
        let unseen = Blobs::new(2_000, 3, 2.0, 5);
        let found = learnt.head.probabilities(unseen.vectors());
        let (mut sure, mut right) = (0.0, 0.0);
        for (row, label) in found.chunks_exact(3).zip(&unseen.labels) {
            let top = understudy_eval::most_probable(row);
            sure += f64::from(row[top]) / 2_000.0;
            right += f64::from(u8::from(top == *label)) / 2_000.0;
        }
        assert!((sure - right).abs() < 0.05, "{sure} sure, {right} right");
        assert!((0.4..0.95).contains(&right), "{right}");
    }

    #[test]
    fn several_labels_are_learnt_each_for_itself() {
        let blobs = Blobs::new(120, 4, 0.4, 6);
        // Class 3 has both labels, class 2 has none.
        let sets: Vec<Vec<usize>> = blobs
            .labels
            .iter()
            .map(|class| [vec![0], vec![1], vec![], vec![0, 1]][*class].clone())
            .collect();
        let labels: Vec<&[usize]> = sets.iter().map(Vec::as_slice).collect();
        let gold = Gold {
            labels: &labels,
            classes: 2,
            several: true,
        };
        let groups: Vec<u64> = (0..120).collect();
        let learnt = learn(blobs.vectors(), gold, &groups, 0, &|| false).unwrap();
        let right = learnt.out_of_fold.chunks_exact(2).zip(&sets);
        let right = right
            .filter(|(row, set)| understudy_eval::given(row, &[0.5, 0.5]) == **set)
            .count();
        assert!(right > 110, "{right}");
    }

    #[test]
    fn texts_of_a_group_share_a_fold_and_classes_are_spread() {
        let labels = [0, 0, 0, 0, 1, 1, 1, 1, 0, 1];
        let labels = each(&labels);
        let groups = [1, 2, 3, 4, 5, 6, 7, 8, 1, 5];
        let folds = folds(&labels, &groups, 4, 3);
        assert_eq!((folds[0], folds[4]), (folds[8], folds[9]));
        for class in [0..4, 4..8] {
            let mut of_class: Vec<usize> = folds[class].to_vec();
            of_class.sort_unstable();
            assert_eq!(of_class, [0, 1, 2, 3]);
        }
    }

    #[test]
    fn there_must_be_something_to_tell_apart() {
        let blobs = Blobs::new(2, 1, 0.5, 1);
        let gold = |labels| Gold {
            labels,
            classes: 1,
            several: false,
        };
        assert!(learn(blobs.vectors(), gold(&[&[0], &[0]]), &[1, 2], 0, &|| false).is_none());
        assert!(learn(Vectors::new(&[], 4), gold(&[]), &[], 0, &|| false).is_none());
    }
}
