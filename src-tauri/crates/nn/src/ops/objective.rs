//! How a classifier's answers are judged while it learns.

use super::{binary_cross_entropy, cross_entropy};
use crate::config::ProblemType;
use crate::error::{NnError, Result};

/// The loss and its weights, with PyTorch's names: `CrossEntropyLoss` where a text has one label, `BCEWithLogitsLoss`
/// where it may have several.
#[derive(Debug, Clone, Default)]
pub struct Objective {
    /// How many labels a text may have.
    pub problem_type: ProblemType,
    /// Share of every target that is spread evenly over all classes (Szegedy et al. 2016), in [0, 1); where a text may
    /// have several labels, over yes and no.
    pub label_smoothing: f64,
    /// Weight of each class, `[classes]`; empty for equal weights. Where a text may have several labels it is that of a
    /// yes against a no (`pos_weight`).
    pub class_weights: Vec<f32>,
}

impl Objective {
    pub(super) fn weight(&self, class: usize) -> f64 {
        self.class_weights.get(class).copied().map_or(1.0, f64::from)
    }

    /// What the losses of rows with these labels are divided by.
    pub fn total_weight(&self, labels: &[&[usize]], classes: usize) -> f64 {
        match self.problem_type {
            ProblemType::SingleLabel => labels
                .iter()
                .copied()
                .flatten()
                .map(|&label| self.weight(label))
                .sum(),
            ProblemType::MultiLabel => (labels.len() * classes) as f64,
        }
    }

    /// Loss over the rows of `logits` (`[rows, classes]`), divided by `total` (the batch's
    /// [`Objective::total_weight`]), and its gradient towards them.
    ///
    /// # Errors
    /// [`NnError::Batch`] when a label is not below `classes`, or a row has not one where one is needed.
    pub fn loss(
        &self,
        logits: &[f32],
        classes: usize,
        labels: &[&[usize]],
        total: f64,
    ) -> Result<(f64, Vec<f32>)> {
        if let Some(&label) = labels.iter().copied().flatten().find(|&&label| label >= classes) {
            return Err(NnError::Batch {
                what: "label",
                value: label,
                limit: classes,
            });
        }
        match self.problem_type {
            ProblemType::SingleLabel => cross_entropy(logits, classes, labels, self, total),
            ProblemType::MultiLabel => Ok(binary_cross_entropy(logits, classes, labels, self, total)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_beyond_the_classes_is_refused() {
        for problem_type in [ProblemType::SingleLabel, ProblemType::MultiLabel] {
            let objective = Objective {
                problem_type,
                ..Objective::default()
            };
            assert!(objective.loss(&[0.0; 3], 3, &[&[3]], 1.0).is_err());
        }
    }
}
