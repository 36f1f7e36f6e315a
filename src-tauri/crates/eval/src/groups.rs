//! How sure scores are where texts come in groups: several of one contract, patient or author.
//!
//! Texts of a group resemble each other, so that a hundred texts of ten contracts say less than a hundred of a hundred.
//! The intervals are those of a cluster bootstrap (Field and Welsh 2007, <https://doi.org/10.1111/j.1467-9868.2007.00593.x>):
//! whole groups are drawn with replacement.

use std::collections::BTreeMap;

use crate::interval::{Interval, percentile, wilson};
use crate::random::Stream;
use crate::scores::{Scores, ratio};

/// Fewer groups say nothing of how groups vary.
const FEWEST: usize = 10;
/// As for texts without groups.
const RESAMPLES: usize = 1_000;

/// What the texts of a group add up to.
#[derive(Default)]
struct Group {
    texts: u32,
    right: u32,
    /// By class: gold, given, both.
    classes: BTreeMap<usize, [u32; 3]>,
}

/// Widens the intervals of `scores` to those over groups: text i carries the labels `gold[i]`, was given `given[i]`
/// and belongs to `groups[i]`. None becomes narrower: a percentile bootstrap is too sure of itself near 0 and 1, where the
/// intervals before are not. Nothing changes where every text is a group of its own, or where there are fewer than
/// ten groups; else the number of groups is noted in the scores.
pub fn intervals_over_groups(
    scores: &mut Scores,
    gold: &[&[usize]],
    given: &[&[usize]],
    groups: &[u32],
    seed: u64,
) {
    let mut by_group: BTreeMap<u32, Group> = BTreeMap::new();
    for ((gold, given), group) in gold.iter().zip(given).zip(groups) {
        let group = by_group.entry(*group).or_default();
        group.texts += 1;
        group.right += u32::from(gold == given);
        for class in *gold {
            group.classes.entry(*class).or_default()[0] += 1;
        }
        for class in *given {
            let counts = group.classes.entry(*class).or_default();
            counts[1] += 1;
            counts[2] += u32::from(gold.contains(class));
        }
    }
    let groups: Vec<Group> = by_group.into_values().collect();
    if groups.len() < FEWEST || groups.len() == gold.len() {
        return;
    }
    scores.groups = Some(groups.len() as u32);
    if scores.correct == scores.examples {
        // Without a mistake every resample is perfect: as many groups without one.
        let perfect = wilson(groups.len(), groups.len());
        return widen(scores, [perfect; 3]);
    }
    let all_classes = scores.multi_label.is_some();
    let mut resampled = [const { Vec::new() }; 3];
    let mut classes = vec![[0_u32; 3]; scores.classes.len()];
    for resample in 0..RESAMPLES {
        let stream = Stream::new(seed, resample as u64);
        classes.fill([0; 3]);
        let (mut texts, mut right) = (0, 0);
        for counter in 0..groups.len() {
            let group = &groups[stream.below(counter as u64, groups.len())];
            texts += group.texts;
            right += group.right;
            for (class, counts) in &group.classes {
                for (sum, count) in classes[*class].iter_mut().zip(counts) {
                    *sum += count;
                }
            }
        }
        let sum = |which: usize| classes.iter().map(|counts| counts[which]).sum::<u32>();
        resampled[0].push(ratio(right, texts));
        resampled[1].push(macro_f1(&classes, all_classes));
        resampled[2].push(ratio(2 * sum(2), sum(0) + sum(1)));
    }
    let [accuracy, by_class, micro] = resampled.map(|mut values| {
        values.sort_by(f64::total_cmp);
        Interval {
            low: percentile(&values, 0.025),
            high: percentile(&values, 0.975),
        }
    });
    widen(scores, [accuracy, by_class, micro]);
}

/// Widens the intervals of accuracy, macro F1 and micro F1.
fn widen(scores: &mut Scores, over_groups: [Interval; 3]) {
    let wider = |a: Interval, b: Interval| Interval {
        low: a.low.min(b.low),
        high: a.high.max(b.high),
    };
    let [accuracy, macro_f1, micro_f1] = over_groups;
    scores.accuracy_interval = wider(scores.accuracy_interval, accuracy);
    scores.macro_f1_interval = wider(scores.macro_f1_interval, macro_f1);
    if let Some(several) = &mut scores.multi_label {
        several.micro_f1_interval = wider(several.micro_f1_interval, micro_f1);
    }
}

/// Mean F1 of the classes that occur, or of all of them, as the scores themselves have it.
fn macro_f1(classes: &[[u32; 3]], all: bool) -> f64 {
    let counted = classes.iter().filter(|[gold, given, _]| all || gold + given > 0);
    let f1 = counted.map(|[gold, given, both]| ratio(2 * both, gold + given));
    let (sum, count) = f1.fold((0.0, 0), |(sum, count), f1| (sum + f1, count + 1));
    sum / f64::from(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::scores;

    /// Forty groups of five texts; the model is right about whole groups or not at all.
    fn judged(groups: &[u32]) -> (Scores, Scores) {
        let gold: Vec<usize> = (0..200).map(|i| i % 2).collect();
        let wrong = |i: usize| (i / 5).is_multiple_of(4);
        let given: Vec<usize> = (0..200)
            .map(|i| if wrong(i) { 1 - i % 2 } else { i % 2 })
            .collect();
        let probabilities: Vec<f32> = given
            .iter()
            .flat_map(|class| [0.9 - 0.8 * *class as f32, 0.1 + 0.8 * *class as f32])
            .collect();
        let names = ["a".to_owned(), "b".to_owned()];
        let plain = scores(&gold, &probabilities, &names, 0, 1).unwrap();
        let mut grouped = plain.clone();
        let (gold, given): (Vec<&[usize]>, Vec<&[usize]>) =
            (gold.chunks(1).collect(), given.chunks(1).collect());
        intervals_over_groups(&mut grouped, &gold, &given, groups, 1);
        (plain, grouped)
    }

    #[test]
    fn texts_that_stand_or_fall_together_say_less() {
        let groups: Vec<u32> = (0..200).map(|i| i / 5).collect();
        let (plain, grouped) = judged(&groups);
        assert_eq!(grouped.groups, Some(40));
        assert_eq!(
            (grouped.accuracy, grouped.macro_f1),
            (plain.accuracy, plain.macro_f1)
        );
        let width = |interval: Interval| interval.high - interval.low;
        // Five texts of a group are as good as one: the interval is wider by about the root of five.
        let wider = width(grouped.accuracy_interval) / width(plain.accuracy_interval);
        assert!((1.9..2.6).contains(&wider), "{wider}");
        assert!(width(grouped.macro_f1_interval) > 1.7 * width(plain.macro_f1_interval));
        // 40 groups of which three in four are right: ± 1.96 · √(0.75 · 0.25 / 40) = ± 0.134.
        assert!((width(grouped.accuracy_interval) - 0.268).abs() < 0.03);
    }

    #[test]
    fn one_pair_among_many_texts_makes_nothing_surer() {
        let mut groups: Vec<u32> = (0..200).collect();
        groups[1] = 0;
        let (plain, grouped) = judged(&groups);
        assert_eq!(grouped.groups, Some(199));
        assert!(grouped.accuracy_interval.low <= plain.accuracy_interval.low);
        assert!(grouped.accuracy_interval.high >= plain.accuracy_interval.high);
    }

    #[test]
    fn without_groups_or_with_too_few_nothing_changes() {
        let own: Vec<u32> = (0..200).collect();
        let few: Vec<u32> = (0..200).map(|i| i % 9).collect();
        for groups in [own, few] {
            let (plain, grouped) = judged(&groups);
            assert_eq!(plain, grouped);
        }
    }
}
