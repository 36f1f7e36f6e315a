//! Further measures of the same answers, for those who know the field: gold labels and probabilities in, [`Measures`]
//! out. Every figure has scikit-learn's name and definition.

use serde::{Deserialize, Serialize};

use crate::{EvalError, Link, scores::check_gold, scores::check_probabilities};

/// How well a class's probability tells its texts from all others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClassRanking {
    /// Name of the class.
    pub label: String,
    /// Area under the ROC curve: the chance that a text of the class is given a higher probability than another. `None`
    /// where all texts or none carry it.
    pub roc_auc: Option<f64>,
    /// Average precision, the area under the precision-recall curve; `None` where no text carries it.
    pub average_precision: Option<f64>,
}

/// How often the right class is among the `k` most probable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TopK {
    /// So many answers are looked at.
    pub k: u32,
    /// Share of the texts whose class is among them.
    pub accuracy: f64,
}

/// What is told beside [`Scores`](crate::Scores).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Measures {
    /// Mean recall of the classes that occur; `None` where a text may have several labels, as for the next two.
    pub balanced_accuracy: Option<f64>,
    /// Cohen's κ of gold and answers: agreement beyond chance.
    pub cohen_kappa: Option<f64>,
    /// Matthews' correlation coefficient, −1 to 1 (Gorodkin 2004 for several classes).
    pub matthews: Option<f64>,
    /// Mean cross entropy in nats; where a text may have several labels, of each decision.
    pub log_loss: f64,
    /// Mean squared distance of the probabilities from the truth: of all classes of a text together (0 to 2), or where a
    /// text may have several labels of each decision (0 to 1).
    pub brier: f64,
    /// For one label a text: k of 2, 3 and 5, where there are more classes than that.
    pub top_k: Vec<TopK>,
    /// Mean of the classes' areas, where they are defined.
    pub macro_roc_auc: Option<f64>,
    /// Mean of the classes' average precisions, where they are defined.
    pub macro_average_precision: Option<f64>,
    /// In the order of the labels.
    pub classes: Vec<ClassRanking>,
}

/// Measures answers: `gold[i]` are the classes of text i, row i of `probabilities` (`[texts, labels]`, row-major) what the
/// model thinks of it. `confusion[gold][predicted]` is empty where a text may have several labels.
///
/// # Errors
/// When the sizes do not fit together, a label is out of range, or a value is not a probability.
pub fn measures(
    gold: &[&[usize]],
    probabilities: &[f32],
    labels: &[String],
    confusion: &[Vec<u32>],
    link: Link,
) -> Result<Measures, EvalError> {
    check_probabilities(gold.len(), probabilities, labels.len(), 0)?;
    check_gold(gold, labels.len())?;
    let rows = || gold.iter().zip(probabilities.chunks_exact(labels.len()));
    let single = link == Link::Softmax;
    let classes: Vec<ClassRanking> = labels
        .iter()
        .enumerate()
        .map(|(class, label)| {
            let ranked = Ranked::new(
                rows()
                    .map(|(gold, row)| (row[class], gold.contains(&class)))
                    .collect(),
            );
            ClassRanking {
                label: label.clone(),
                roc_auc: ranked.roc_auc(),
                average_precision: ranked.average_precision(),
            }
        })
        .collect();
    let squares: f64 = rows().map(|(gold, row)| squared_distance(gold, row)).sum();
    let decisions = if single { gold.len() } else { probabilities.len() };
    let mean = |values: Vec<f64>| match values.len() {
        0 => None,
        count => Some(values.iter().sum::<f64>() / count as f64),
    };
    Ok(Measures {
        balanced_accuracy: single.then(|| balanced_accuracy(confusion)),
        cohen_kappa: single.then(|| cohen_kappa(confusion)).flatten(),
        matthews: single.then(|| matthews(confusion)),
        log_loss: rows()
            .map(|(gold, row)| cross_entropy(gold, row, link))
            .sum::<f64>()
            / decisions as f64,
        brier: squares / decisions as f64,
        top_k: match single {
            true => [2, 3, 5]
                .into_iter()
                .filter(|&k| k < labels.len())
                .map(|k| top_k(&rows, gold.len(), k))
                .collect(),
            false => Vec::new(),
        },
        macro_roc_auc: mean(classes.iter().filter_map(|class| class.roc_auc).collect()),
        macro_average_precision: mean(
            classes
                .iter()
                .filter_map(|class| class.average_precision)
                .collect(),
        ),
        classes,
    })
}

fn squared_distance(gold: &[usize], row: &[f32]) -> f64 {
    let truth = |class: usize| if gold.contains(&class) { 1.0 } else { 0.0 };
    row.iter()
        .enumerate()
        .map(|(class, &p)| (f64::from(p) - truth(class)).powi(2))
        .sum()
}

/// A probability that f32 rounded to 0 costs −ln ε instead of infinity, as in scikit-learn.
fn cross_entropy(gold: &[usize], row: &[f32], link: Link) -> f64 {
    let cost = |p: f64| -p.clamp(f64::EPSILON, 1.0).ln();
    match link {
        Link::Softmax => gold.iter().map(|&class| cost(f64::from(row[class]))).sum(),
        Link::Sigmoid => row
            .iter()
            .enumerate()
            .map(|(class, &p)| match gold.contains(&class) {
                true => cost(f64::from(p)),
                false => cost(1.0 - f64::from(p)),
            })
            .sum(),
    }
}

fn top_k<'a, I>(rows: &impl Fn() -> I, texts: usize, k: usize) -> TopK
where
    I: Iterator<Item = (&'a &'a [usize], &'a [f32])>,
{
    // Of equal probabilities the first class comes first, as in the answer itself.
    let before = |row: &[f32], class: usize| {
        let own = row[class];
        let earlier = row[..class].iter().filter(|p| **p >= own).count();
        earlier + row[class + 1..].iter().filter(|p| **p > own).count()
    };
    let among = rows()
        .filter(|(gold, row)| gold.iter().all(|&class| before(row, class) < k))
        .count();
    TopK {
        k: k as u32,
        accuracy: among as f64 / texts as f64,
    }
}

fn balanced_accuracy(confusion: &[Vec<u32>]) -> f64 {
    let recalls: Vec<f64> = confusion
        .iter()
        .enumerate()
        .filter_map(|(class, row)| {
            let support: u32 = row.iter().sum();
            (support > 0).then(|| f64::from(row[class]) / f64::from(support))
        })
        .collect();
    recalls.iter().sum::<f64>() / recalls.len() as f64
}

/// By class: texts that carry it, and answers that say it.
fn margins(confusion: &[Vec<u32>]) -> (Vec<f64>, Vec<f64>) {
    let gold = confusion
        .iter()
        .map(|row| f64::from(row.iter().sum::<u32>()))
        .collect();
    let answered = |class: usize| f64::from(confusion.iter().map(|row| row[class]).sum::<u32>());
    (gold, (0..confusion.len()).map(answered).collect())
}

/// `None` where both always say the same one class: then there is nothing beyond chance to agree on.
fn cohen_kappa(confusion: &[Vec<u32>]) -> Option<f64> {
    let (gold, answered) = margins(confusion);
    let total: f64 = gold.iter().sum();
    let agreed: f64 = (0..confusion.len())
        .map(|class| f64::from(confusion[class][class]))
        .sum::<f64>()
        / total;
    let by_chance = dot(&gold, &answered) / (total * total);
    (by_chance < 1.0).then(|| (agreed - by_chance) / (1.0 - by_chance))
}

/// 0 where gold or answers are always the same class, as in scikit-learn.
fn matthews(confusion: &[Vec<u32>]) -> f64 {
    let (gold, answered) = margins(confusion);
    let total: f64 = gold.iter().sum();
    let right: f64 = (0..confusion.len())
        .map(|class| f64::from(confusion[class][class]))
        .sum();
    let covariance = right * total - dot(&gold, &answered);
    let spread = (total * total - dot(&answered, &answered)) * (total * total - dot(&gold, &gold));
    if spread == 0.0 {
        0.0
    } else {
        covariance / spread.sqrt()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A curve of shares, `[x, y]` each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RankingCurves {
    /// Share of the others that are taken in (false positive rate) and of the class's texts that are found (recall).
    pub roc: Vec<[f64; 2]>,
    /// Share of the class's texts that are found (recall) and of the found that are right (precision).
    pub precision_recall: Vec<[f64; 2]>,
}

/// Points of a curve that is drawn; more cannot be told apart.
const CURVE_POINTS: usize = 200;

/// The curves of one class over all thresholds, thinned to what can be drawn; `None` where all texts or none carry it.
pub fn ranking_curves(decisions: Vec<(f32, bool)>) -> Option<RankingCurves> {
    let ranked = Ranked::new(decisions);
    let (carried, others) = (ranked.carried, ranked.others());
    if carried == 0 || others == 0 {
        return None;
    }
    let steps: Vec<(f64, f64)> = ranked
        .steps()
        .map(|(found, taken)| (found as f64, taken as f64))
        .collect();
    let every = steps.len().div_ceil(CURVE_POINTS).max(1);
    let last = steps.len() - 1;
    let kept = || {
        (0..steps.len())
            .filter(|i| i % every == 0 || *i == last)
            .map(|i| steps[i])
    };
    let (carried, others) = (carried as f64, others as f64);
    Some(RankingCurves {
        roc: std::iter::once([0.0, 0.0])
            .chain(kept().map(|(found, taken)| [(taken - found) / others, found / carried]))
            .collect(),
        precision_recall: kept()
            .map(|(found, taken)| [found / carried, found / taken])
            .collect(),
    })
}

/// Decisions about one class, the most probable first.
struct Ranked {
    decisions: Vec<(f32, bool)>,
    carried: usize,
}

impl Ranked {
    fn new(mut decisions: Vec<(f32, bool)>) -> Self {
        decisions.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let carried = decisions.iter().filter(|(_, carried)| *carried).count();
        Ranked { decisions, carried }
    }

    fn others(&self) -> usize {
        self.decisions.len() - self.carried
    }

    /// At each threshold, from the highest: how many of the class are found, and how many are taken in all. Equal
    /// probabilities cannot be parted.
    fn steps(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut found = 0;
        let count = self.decisions.len();
        (0..count).filter_map(move |i| {
            let (p, carried) = self.decisions[i];
            found += usize::from(carried);
            let parted = i + 1 == count || self.decisions[i + 1].0 != p;
            parted.then_some((found, i + 1))
        })
    }

    /// By the trapezoids between thresholds.
    fn roc_auc(&self) -> Option<f64> {
        if self.carried == 0 || self.others() == 0 {
            return None;
        }
        let (mut area, mut before) = (0.0, (0, 0));
        for (found, taken) in self.steps() {
            let wrong = (taken - found) as f64 - (before.1 - before.0) as f64;
            area += wrong * (found + before.0) as f64 / 2.0;
            before = (found, taken);
        }
        Some(area / (self.carried as f64 * self.others() as f64))
    }

    /// Precision at each threshold, weighted by the recall it adds.
    fn average_precision(&self) -> Option<f64> {
        if self.carried == 0 {
            return None;
        }
        let (mut sum, mut before) = (0.0, 0);
        for (found, taken) in self.steps() {
            sum += (found - before) as f64 * found as f64 / taken as f64;
            before = found;
        }
        Some(sum / self.carried as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_probabilities_are_no_ranking() {
        let ranked = Ranked::new(vec![(0.5, true), (0.5, false), (0.5, false), (0.5, true)]);
        assert_eq!(ranked.roc_auc(), Some(0.5));
        assert_eq!(ranked.average_precision(), Some(0.5));
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        let none = Ranked::new(vec![(0.2, false), (0.7, false)]);
        assert_eq!((none.roc_auc(), none.average_precision()), (None, None));
        assert_eq!(ranking_curves(vec![(0.2, true)]), None);
        assert_eq!(cohen_kappa(&[vec![4, 0], vec![0, 0]]), None);
        assert_eq!(matthews(&[vec![4, 0], vec![0, 0]]), 0.0);
    }

    #[test]
    fn a_drawn_curve_begins_and_ends_where_it_should_and_is_thin() {
        let decisions = (0..5_000).map(|i| (i as f32 / 5_000.0, i % 3 == 0)).collect();
        let curves = ranking_curves(decisions).unwrap();
        assert_eq!(
            (curves.roc[0], curves.roc[curves.roc.len() - 1]),
            ([0.0, 0.0], [1.0, 1.0])
        );
        assert_eq!(curves.precision_recall.last().unwrap()[0], 1.0);
        assert!(curves.roc.len() <= CURVE_POINTS + 2);
    }

    proptest! {
        #[test]
        fn the_area_is_the_chance_that_a_text_of_the_class_ranks_higher(
            decisions in prop::collection::vec((0_u8..12, any::<bool>()), 2..60)
        ) {
            let decisions: Vec<(f32, bool)> = decisions.into_iter().map(|(p, c)| (f32::from(p) / 12.0, c)).collect();
            let of = |carried: bool| decisions.iter().filter(move |d| d.1 == carried).map(|d| d.0);
            let pairs: Vec<f64> = of(true)
                .flat_map(|a| of(false).map(move |b| if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 }))
                .collect();
            let area = Ranked::new(decisions.clone()).roc_auc();
            match pairs.len() {
                0 => prop_assert_eq!(area, None),
                count => prop_assert!((area.unwrap() - pairs.iter().sum::<f64>() / count as f64).abs() < 1e-12),
            }
        }
    }
}
