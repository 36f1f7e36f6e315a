//! Labels that are probably wrong: confident learning (Northcutt, Jiang & Chuang 2021, “Confident Learning: Estimating
//! Uncertainty in Dataset Labels”).
//!
//! A class's threshold is the mean probability that the texts called so have for it. A text belongs confidently to the
//! most probable class whose threshold it reaches; where that is another one than it was given, the label is doubted. Where
//! a text may have several labels, each is judged for itself, as a question of yes or no. The probabilities must come from
//! heads that have not seen the text ([`crate::head::learn`]).

use serde::{Deserialize, Serialize};

/// Of a class with fewer texts nothing is known: heads that have not seen one of them have hardly seen any.
const LEAST_OF_CLASS: usize = 5;

/// A text whose labels are doubted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// Which text.
    pub text: usize,
    /// The labels that would fit better, all of them.
    pub better: Vec<usize>,
    /// Probability of the given label; of the most doubtful decision where a text may have several.
    pub given: f32,
    /// Probability of what would fit better.
    pub likelier: f32,
}

/// The doubted texts, the most doubtful first.
///
/// # Panics
/// When there is not a row of `classes` probabilities for each text.
pub fn doubts(probabilities: &[f32], gold: &[&[usize]], classes: usize, several: bool) -> Vec<Doubt> {
    assert_eq!(probabilities.len(), gold.len() * classes, "a row for each text");
    let rows = || probabilities.chunks_exact(classes).zip(gold);
    let mut found: Vec<Doubt> = if several {
        let thresholds = thresholds_of_several(rows(), classes);
        rows()
            .enumerate()
            .filter_map(|(text, (row, given))| of_several(text, row, given, &thresholds))
            .collect()
    } else {
        let thresholds = thresholds_of_one(rows(), classes);
        rows()
            .enumerate()
            .filter_map(|(text, (row, given))| of_one(text, row, *given.first()?, &thresholds))
            .collect()
    };
    // By the margin between the given label and the likelier one.
    found.sort_by(|a, b| {
        let margin = |doubt: &Doubt| doubt.given - doubt.likelier;
        margin(a).total_cmp(&margin(b)).then(a.text.cmp(&b.text))
    });
    found
}

fn thresholds_of_one<'a>(
    rows: impl Iterator<Item = (&'a [f32], &'a &'a [usize])>,
    classes: usize,
) -> Vec<f32> {
    let mut means = vec![Mean::default(); classes];
    for (row, given) in rows {
        if let [label, ..] = **given {
            means[label].add(row[label]);
        }
    }
    means.iter().map(Mean::value).collect()
}

fn of_one(text: usize, row: &[f32], given: usize, thresholds: &[f32]) -> Option<Doubt> {
    let confident = row
        .iter()
        .enumerate()
        .filter(|(class, p)| **p >= thresholds[*class])
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))?;
    let known = thresholds[given].is_finite();
    (known && confident.0 != given && *confident.1 > row[given]).then(|| Doubt {
        text,
        better: vec![confident.0],
        given: row[given],
        likelier: *confident.1,
    })
}

/// For each class the mean probability of yes where it was given, and of no where it was not.
fn thresholds_of_several<'a>(
    rows: impl Iterator<Item = (&'a [f32], &'a &'a [usize])>,
    classes: usize,
) -> Vec<[f32; 2]> {
    let mut means = vec![[Mean::default(); 2]; classes];
    for (row, given) in rows {
        for (class, p) in row.iter().enumerate() {
            match given.contains(&class) {
                true => means[class][1].add(*p),
                false => means[class][0].add(1.0 - p),
            }
        }
    }
    means.iter().map(|[no, yes]| [no.value(), yes.value()]).collect()
}

fn of_several(text: usize, row: &[f32], given: &[usize], thresholds: &[[f32; 2]]) -> Option<Doubt> {
    let mut better = given.to_vec();
    let mut least = 1.0_f32;
    for (class, &p) in row.iter().enumerate() {
        let [no, yes] = thresholds[class];
        let was_given = given.contains(&class);
        if !(no.is_finite() && yes.is_finite()) {
            continue;
        }
        let own = if was_given { p } else { 1.0 - p };
        let other_reaches = if was_given { 1.0 - p >= no } else { p >= yes };
        if other_reaches && own < 0.5 {
            match was_given {
                true => better.retain(|label| *label != class),
                false => better.push(class),
            }
            least = least.min(own);
        }
    }
    better.sort_unstable();
    (better != given).then_some(Doubt {
        text,
        better,
        given: least,
        likelier: 1.0 - least,
    })
}

/// A running mean; a class that hardly anybody was given has a threshold that nothing reaches.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: f32) {
        self.sum += f64::from(value);
        self.count += 1;
    }

    fn value(&self) -> f32 {
        match self.count {
            few if few < LEAST_OF_CLASS => f32::INFINITY,
            count => (self.sum / count as f64) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::{Gold, learn};
    use crate::testing::{Blobs, each};

    /// Rows for five times as many texts.
    fn five_times<T: Clone>(rows: &[T]) -> Vec<T> {
        std::iter::repeat_n(rows, LEAST_OF_CLASS)
            .flatten()
            .cloned()
            .collect()
    }

    #[test]
    fn a_label_is_doubted_where_another_class_reaches_its_threshold() {
        // Class 0 is answered with little certainty (threshold 0.6), class 1 with much (0.66).
        let rows = [[0.7, 0.3], [0.5, 0.5], [0.1, 0.9], [0.3, 0.7], [0.62, 0.38]];
        let gold: [&[usize]; 5] = [&[0], &[0], &[1], &[1], &[1]];
        let found = doubts(&five_times(&rows).concat(), &five_times(&gold), 2, false);
        assert_eq!(found.len(), LEAST_OF_CLASS);
        assert_eq!((found[0].text, &found[0].better[..]), (4, &[0][..]));
        assert_eq!((found[0].given, found[0].likelier), (0.38, 0.62));
    }

    #[test]
    fn a_class_of_a_single_text_is_neither_proposed_nor_doubted() {
        let mut rows = five_times(&[[0.9, 0.08, 0.02], [0.2, 0.77, 0.03], [0.6, 0.36, 0.04]]);
        let mut gold: Vec<&[usize]> = five_times(&[&[0][..], &[1], &[1]]);
        rows.push([0.5, 0.5, 0.0]);
        gold.push(&[2]);
        let found = doubts(&rows.concat(), &gold, 3, false);
        assert!(
            found.iter().all(|doubt| doubt.better != [2] && doubt.text != 15),
            "{found:?}"
        );
    }

    #[test]
    fn planted_errors_stand_at_the_top() {
        let blobs = Blobs::new(300, 4, 0.5, 1);
        let planted: Vec<usize> = (0..300).step_by(17).collect();
        let mut labels = blobs.labels.clone();
        planted
            .iter()
            .for_each(|text| labels[*text] = (labels[*text] + 1) % 4);
        let labels = each(&labels);
        let gold = Gold {
            labels: &labels,
            classes: 4,
            several: false,
        };
        let groups: Vec<u64> = (0..300).collect();
        let learnt = learn(blobs.vectors(), gold, &groups, 0, &|| false).unwrap();
        let found = doubts(&learnt.out_of_fold, &labels, 4, false);
        let top = found
            .iter()
            .take(planted.len())
            .filter(|doubt| planted.contains(&doubt.text));
        assert!(top.count() >= planted.len() * 3 / 4, "{found:?}");
        let first = &found[0];
        assert_eq!(first.better, [blobs.labels[first.text]]);
    }

    #[test]
    fn of_several_labels_a_missing_and_a_wrong_one_are_named() {
        let rows: [([f32; 2], &[usize]); 6] = [
            ([0.9, 0.1], &[0]),
            ([0.8, 0.9], &[0, 1]),
            ([0.1, 0.8], &[1]),
            ([0.2, 0.1], &[]),
            ([0.95, 0.95], &[0]),
            ([0.03, 0.05], &[0]),
        ];
        let rows = five_times(&rows);
        let probabilities: Vec<f32> = rows.iter().flat_map(|(row, _)| *row).collect();
        let gold: Vec<&[usize]> = rows.iter().map(|(_, given)| *given).collect();
        let found = doubts(&probabilities, &gold, 2, true);
        let told: Vec<(usize, &[usize])> = found
            .iter()
            .filter(|doubt| doubt.text < 6)
            .map(|doubt| (doubt.text, &doubt.better[..]))
            .collect();
        assert_eq!(told, [(5, &[][..]), (4, &[0, 1][..])]);
    }

    #[test]
    fn nothing_is_doubted_where_all_fits() {
        let (rows, gold) = (
            five_times(&[[0.9, 0.1], [0.2, 0.8]]),
            five_times(&[&[0][..], &[1]]),
        );
        assert_eq!(doubts(&rows.concat(), &gold, 2, false), []);
        assert_eq!(doubts(&[], &[], 2, false), []);
    }
}
