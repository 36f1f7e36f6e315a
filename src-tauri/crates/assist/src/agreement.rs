//! How far several people agree on the labels of the same texts, beyond what chance would bring.
//!
//! Cohen's κ (1960) for two people, Fleiss' κ (1971) for texts that all of them labelled, Krippendorff's α (1980, nominal)
//! for any number of people with gaps. Each with 95 % limits from resampled texts (percentile bootstrap). 1 is full
//! agreement, 0 what chance would bring.

use serde::{Deserialize, Serialize};
use understudy_eval::Interval;
use understudy_eval::random::Stream;

const RESAMPLES: usize = 1_000;

/// Answers about texts: for each text one place a person, `None` where they gave none. An answer is the number of a class
/// (or of a set of classes: answers are the same or they are not).
pub type Answers<'a> = &'a [Vec<Option<usize>>];

/// A coefficient of agreement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Agreement {
    /// At most 1; below 0 where people agree less than chance would.
    pub value: f64,
    /// 95 % limits.
    pub interval: Interval,
    /// Texts that say something about it.
    pub texts: u32,
}

/// Cohen's κ of two people, by the texts that both labelled. `None` without any, or where both gave one and the same
/// answer to all of them: then chance cannot be told from agreement.
pub fn cohen_kappa(answers: Answers, first: usize, second: usize, seed: u64) -> Option<Agreement> {
    let pairs: Vec<Vec<usize>> = answers
        .iter()
        .filter_map(|text| Some(vec![text[first]?, text[second]?]))
        .collect();
    with_limits(&pairs, seed, &|texts| {
        let count = texts.len() as f64;
        let classes = classes(texts);
        let mut margins = vec![[0.0; 2]; classes];
        let mut same = 0.0;
        for pair in texts {
            same += f64::from(u8::from(pair[0] == pair[1]));
            margins[pair[0]][0] += 1.0;
            margins[pair[1]][1] += 1.0;
        }
        let chance: f64 = margins.iter().map(|[a, b]| a * b / (count * count)).sum();
        (chance < 1.0).then(|| (same / count - chance) / (1.0 - chance))
    })
}

/// Fleiss' κ of all people, by the texts that all of them labelled. `None` as in [`cohen_kappa`].
pub fn fleiss_kappa(answers: Answers, seed: u64) -> Option<Agreement> {
    let whole: Vec<Vec<usize>> = answers
        .iter()
        .filter_map(|text| text.iter().copied().collect::<Option<Vec<usize>>>())
        .filter(|text| text.len() >= 2)
        .collect();
    with_limits(&whole, seed, &|texts| {
        let (count, people) = (texts.len() as f64, texts[0].len() as f64);
        let mut totals = vec![0.0; classes(texts)];
        let mut agreement = 0.0;
        for text in texts {
            for (class, votes) in votes(text) {
                totals[class] += votes;
                agreement += votes * (votes - 1.0);
            }
        }
        let observed = agreement / (count * people * (people - 1.0));
        let chance: f64 = totals
            .iter()
            .map(|total| (total / (count * people)).powi(2))
            .sum();
        (chance < 1.0).then(|| (observed - chance) / (1.0 - chance))
    })
}

/// Krippendorff's α for nominal answers, by the texts that at least two people labelled. `None` as in [`cohen_kappa`].
pub fn krippendorff_alpha(answers: Answers, seed: u64) -> Option<Agreement> {
    let pairable: Vec<Vec<usize>> = answers
        .iter()
        .map(|text| text.iter().copied().flatten().collect::<Vec<usize>>())
        .filter(|text| text.len() >= 2)
        .collect();
    with_limits(&pairable, seed, &|texts| {
        let mut totals = vec![0.0; classes(texts)];
        // Pairs of answers to one text that differ, each text counting as much as it has answers.
        let mut differing = 0.0;
        for text in texts {
            let answers = text.len() as f64;
            for (class, votes) in votes(text) {
                totals[class] += votes;
                differing += votes * (answers - votes) / (answers - 1.0);
            }
        }
        let all: f64 = totals.iter().sum();
        let by_chance: f64 = totals.iter().map(|total| total * (all - total)).sum::<f64>() / (all - 1.0);
        (by_chance > 0.0).then(|| 1.0 - differing / by_chance)
    })
}

fn classes(texts: &[&[usize]]) -> usize {
    texts
        .iter()
        .flat_map(|text| text.iter())
        .max()
        .map_or(0, |class| class + 1)
}

/// How often each answer was given to a text.
fn votes(text: &[usize]) -> Vec<(usize, f64)> {
    let mut found: Vec<(usize, f64)> = Vec::new();
    for class in text {
        match found.iter_mut().find(|(known, _)| known == class) {
            Some((_, votes)) => *votes += 1.0,
            None => found.push((*class, 1.0)),
        }
    }
    found
}

fn with_limits(
    texts: &[Vec<usize>],
    seed: u64,
    coefficient: &dyn Fn(&[&[usize]]) -> Option<f64>,
) -> Option<Agreement> {
    if texts.is_empty() {
        return None;
    }
    let all: Vec<&[usize]> = texts.iter().map(Vec::as_slice).collect();
    let value = coefficient(&all)?;
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .filter_map(|resample| {
            let stream = Stream::new(seed, resample as u64);
            let drawn = (0..all.len()).map(|counter| all[stream.below(counter as u64, all.len())]);
            coefficient(&drawn.collect::<Vec<&[usize]>>())
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| resampled.get((share * resampled.len() as f64) as usize).copied();
    Some(Agreement {
        value,
        interval: Interval {
            low: at(0.025).unwrap_or(value).min(value),
            high: at(0.975).unwrap_or(value).max(value),
        },
        texts: texts.len() as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Krippendorff, “Computing Krippendorff's Alpha-Reliability” (2011), section C: four people, gaps.
    fn with_gaps() -> Vec<Vec<Option<usize>>> {
        let people = [
            "1 2 3 3 2 1 4 1 2 . . .",
            "1 2 3 3 2 2 4 1 2 5 . 3",
            ". 3 3 3 2 3 4 2 2 5 1 .",
            "1 2 3 3 2 4 4 1 2 5 1 .",
        ];
        let answers: Vec<Vec<Option<usize>>> = people
            .iter()
            .map(|person| person.split(' ').map(|answer| answer.parse().ok()).collect())
            .collect();
        (0..12)
            .map(|text| answers.iter().map(|person| person[text]).collect())
            .collect()
    }

    #[test]
    fn alpha_is_that_of_krippendorffs_own_example() {
        let found = krippendorff_alpha(&with_gaps(), 0).unwrap();
        assert!((found.value - 0.743).abs() < 5e-4, "{found:?}");
        assert_eq!(found.texts, 11, "one text has a single answer");
        assert!(found.interval.low < found.value && found.value < found.interval.high);
    }

    #[test]
    fn kappa_of_two_is_that_of_cohens_table() {
        // 20 both yes, 15 both no, 5 and 10 apart: 0.4 (a well-known example).
        let counts = [((1, 1), 20), ((1, 0), 5), ((0, 1), 10), ((0, 0), 15)];
        let answers: Vec<Vec<Option<usize>>> = counts
            .iter()
            .flat_map(|((a, b), times)| std::iter::repeat_n(vec![Some(*a), Some(*b)], *times))
            .collect();
        let found = cohen_kappa(&answers, 0, 1, 0).unwrap();
        assert!((found.value - 0.4).abs() < 1e-12);
        assert_eq!(found.texts, 50);
    }

    #[test]
    fn kappa_of_many_is_that_of_fleiss_example() {
        // Fleiss 1971 by way of Wikipedia's table: 14 people, 10 texts, 5 classes: 0.210.
        let table = [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ];
        let answers: Vec<Vec<Option<usize>>> = table
            .iter()
            .map(|text| {
                let votes = text.iter().enumerate();
                votes
                    .flat_map(|(class, votes)| std::iter::repeat_n(Some(class), *votes))
                    .collect()
            })
            .collect();
        let found = fleiss_kappa(&answers, 0).unwrap();
        assert!((found.value - 0.210).abs() < 5e-4, "{found:?}");
    }

    #[test]
    fn full_agreement_is_one_and_a_single_answer_says_nothing() {
        let same = vec![vec![Some(0), Some(0)], vec![Some(1), Some(1)]];
        for found in [
            cohen_kappa(&same, 0, 1, 0),
            fleiss_kappa(&same, 0),
            krippendorff_alpha(&same, 0),
        ] {
            assert!((found.unwrap().value - 1.0).abs() < 1e-12);
        }
        let one = vec![vec![Some(0), Some(0)]; 3];
        assert_eq!(cohen_kappa(&one, 0, 1, 0), None);
        assert_eq!(krippendorff_alpha(&[vec![Some(0), None]], 0), None);
        assert_eq!(fleiss_kappa(&[], 0), None);
    }
}
