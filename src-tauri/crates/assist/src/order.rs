//! Which texts are worth an expert's time next.
//!
//! Where a model is unsure, a label teaches it most; but the most unsure texts are often alike. So the most unsure ones are
//! put into groups by meaning, and one of each group is asked for (Zhdanov 2019, “Diverse mini-batch active learning”).
//! A model that has seen little knows little about what it does not know: until then, typical texts of kinds that were not
//! seen yet are asked for (Hacohen, Dekel & Weinshall 2022, “Active learning on a budget”). Measured by
//! `npm run bench -- label`.

use crate::clusters::clusters;
use crate::vectors::Vectors;

/// So many times more unsure texts are looked at than are asked for.
const CANDIDATES: usize = 8;
/// Weight of a text that the model is sure of: as nothing, but not nothing.
const LEAST_WEIGHT: f32 = 0.01;

/// With fewer labels for each class than this, typical texts teach more than unsure ones.
const TYPICAL_PER_CLASS: usize = 5;
/// With so many labels in all, unsure ones do, however many classes there are; more groups would also take long to make.
const TYPICAL_AT_MOST: usize = 400;

/// Whether typical texts are worth more than unsure ones, with so many labelled texts of so many classes.
pub fn begins_with_typical(labelled: usize, classes: usize) -> bool {
    labelled < (TYPICAL_PER_CLASS * classes).min(TYPICAL_AT_MOST)
}

/// How unsure a model is of each text, 0 to 1: how near its two best classes are (margin), or where a text may have several
/// how near to one half the least certain decision is.
///
/// # Panics
/// When `probabilities` are not whole rows.
pub fn uncertainty(probabilities: &[f32], classes: usize, several: bool) -> Vec<f32> {
    assert_eq!(probabilities.len() % classes.max(1), 0, "whole rows");
    let of_text = |row: &[f32]| {
        if several {
            return row
                .iter()
                .map(|p| 1.0 - 2.0 * (p - 0.5).abs())
                .fold(0.0, f32::max);
        }
        let (mut first, mut second) = (0.0_f32, 0.0_f32);
        for &p in row {
            if p > first {
                (first, second) = (p, first);
            } else {
                second = second.max(p);
            }
        }
        1.0 - (first - second)
    };
    probabilities.chunks_exact(classes.max(1)).map(of_text).collect()
}

/// Up to `count` texts that are unsure and differ from each other, the most unsure first.
///
/// # Panics
/// When there are not as many numbers as texts.
pub fn uncertain_and_spread(vectors: Vectors, uncertainty: &[f32], count: usize, seed: u64) -> Vec<usize> {
    assert_eq!(vectors.len(), uncertainty.len(), "a number for each text");
    let mut candidates: Vec<usize> = (0..vectors.len()).collect();
    candidates.sort_by(|a, b| uncertainty[*b].total_cmp(&uncertainty[*a]).then(a.cmp(b)));
    candidates.truncate(count.saturating_mul(CANDIDATES));
    let weights: Vec<f32> = candidates
        .iter()
        .map(|text| uncertainty[*text].max(LEAST_WEIGHT))
        .collect();
    let chosen = one_a_group(vectors, &candidates, &weights, count, seed);
    let mut chosen: Vec<usize> = chosen.into_iter().map(|place| candidates[place]).collect();
    chosen.sort_by(|a, b| uncertainty[*b].total_cmp(&uncertainty[*a]).then(a.cmp(b)));
    chosen
}

/// Up to `count` typical texts: all texts, those that are `known` by their labels among them, are put into so many groups
/// that `count` have no known one, and of each the text nearest to its middle is asked for. Groups without a known text
/// come first, the largest of them first.
///
/// # Panics
/// When the vectors are not of one length.
pub fn typical(vectors: Vectors, known: Vectors, count: usize, seed: u64) -> Vec<usize> {
    assert_eq!(vectors.dimensions(), known.dimensions(), "vectors of one length");
    let rows = [vectors.numbers(), known.numbers()].concat();
    let all = Vectors::new(&rows, vectors.dimensions());
    let found = clusters(all, &vec![1.0; all.len()], known.len() + count, seed);
    let (of_open, of_known) = found.of.split_at(vectors.len());
    let mut is_known = vec![false; found.count];
    of_known.iter().for_each(|group| is_known[*group] = true);
    let mut groups = most_typical(of_open, &found.nearness, found.count);
    groups.sort_by_key(|group| (is_known[group.number], std::cmp::Reverse(group.size), group.text));
    groups.truncate(count);
    groups.into_iter().map(|group| group.text).collect()
}

/// A group of texts by the one nearest to its middle.
struct Group {
    number: usize,
    text: usize,
    size: usize,
}

/// The groups that have texts at all.
fn most_typical(of: &[usize], nearness: &[f32], count: usize) -> Vec<Group> {
    let mut groups: Vec<Option<Group>> = Vec::new();
    groups.resize_with(count, || None);
    for (text, &number) in of.iter().enumerate() {
        let group = groups[number].get_or_insert(Group {
            number,
            text,
            size: 0,
        });
        group.size += 1;
        if nearness[text] > nearness[group.text] {
            group.text = text;
        }
    }
    groups.into_iter().flatten().collect()
}

/// Of each group the one nearest to its middle; the largest groups first.
fn one_a_group(vectors: Vectors, texts: &[usize], weights: &[f32], count: usize, seed: u64) -> Vec<usize> {
    let rows = vectors.select(texts);
    let found = clusters(Vectors::new(&rows, vectors.dimensions()), weights, count, seed);
    let mut groups = most_typical(&found.of, &found.nearness, found.count);
    groups.sort_by_key(|group| (std::cmp::Reverse(group.size), group.text));
    groups.into_iter().map(|group| group.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Blobs;

    #[test]
    fn a_text_between_two_classes_is_unsure() {
        let found = uncertainty(&[0.5, 0.5, 0.0, 0.9, 0.05, 0.05], 3, false);
        assert!((found[0] - 1.0).abs() < 1e-6 && (found[1] - 0.15).abs() < 1e-6);
        let found = uncertainty(&[0.99, 0.45, 0.01, 0.99], 2, true);
        assert!((found[0] - 0.9).abs() < 1e-6 && (found[1] - 0.02).abs() < 1e-6);
    }

    #[test]
    fn the_first_texts_are_of_every_kind() {
        let blobs = Blobs::new(200, 5, 0.3, 1);
        let kinds = |texts: Vec<usize>| {
            let mut kinds: Vec<usize> = texts.iter().map(|text| blobs.labels[*text]).collect();
            kinds.sort_unstable();
            kinds
        };
        let nothing = Vectors::new(&[], Blobs::DIMENSIONS);
        assert_eq!(kinds(typical(blobs.vectors(), nothing, 5, 0)), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn kinds_that_are_known_come_last() {
        let blobs = Blobs::new(200, 5, 0.05, 1);
        let of = |class: usize| blobs.labels.iter().position(|label| *label == class).unwrap();
        let known = blobs.vectors().select(&[of(0), of(2), of(4)]);
        let known = Vectors::new(&known, Blobs::DIMENSIONS);
        let found = typical(blobs.vectors(), known, 2, 0);
        let mut kinds: Vec<usize> = found.iter().map(|text| blobs.labels[*text]).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, [1, 3]);
    }

    #[test]
    fn typical_texts_are_asked_for_until_there_are_some_of_each_class() {
        assert!(begins_with_typical(24, 5) && !begins_with_typical(25, 5));
        assert!(begins_with_typical(399, 1_000) && !begins_with_typical(400, 1_000));
    }

    #[test]
    fn unsure_texts_are_asked_for_but_not_all_of_one_kind() {
        let blobs = Blobs::new(200, 4, 0.2, 2);
        // Classes 0 and 1 are unsure, 0 a little more so.
        let unsure: Vec<f32> = blobs
            .labels
            .iter()
            .map(|label| [0.9, 0.8, 0.1, 0.0][*label])
            .collect();
        let chosen = uncertain_and_spread(blobs.vectors(), &unsure, 10, 0);
        assert_eq!(chosen.len(), 10);
        let of = |class: usize| chosen.iter().filter(|text| blobs.labels[**text] == class).count();
        assert!(of(0) > 0 && of(1) > 0 && of(2) + of(3) == 0, "{chosen:?}");
        assert!(chosen.windows(2).all(|pair| unsure[pair[0]] >= unsure[pair[1]]));
    }

    #[test]
    fn fewer_texts_than_asked_for_are_all_asked_for() {
        let blobs = Blobs::new(3, 3, 0.2, 2);
        assert_eq!(
            uncertain_and_spread(blobs.vectors(), &[0.1, 0.2, 0.3], 10, 0),
            [2, 1, 0]
        );
        let nothing = Vectors::new(&[], 4);
        assert_eq!(typical(nothing, nothing, 10, 0), [] as [usize; 0]);
    }
}
