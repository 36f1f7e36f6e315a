//! The loss of single-label classification: mean cross entropy of the softmax.

use crate::error::{NnError, Result};

/// How a classifier's answers are judged while it learns; PyTorch's `CrossEntropyLoss` with the same names.
#[derive(Debug, Clone, Default)]
pub struct Objective {
    /// Share of every target that is spread evenly over all classes (Szegedy et al. 2016), in [0, 1).
    pub label_smoothing: f64,
    /// Weight of each class, `[classes]`; empty for equal weights.
    pub class_weights: Vec<f32>,
}

impl Objective {
    fn weight(&self, class: usize) -> f64 {
        self.class_weights.get(class).copied().map_or(1.0, f64::from)
    }

    /// What the losses of rows with these labels are divided by.
    pub fn total_weight(&self, labels: &[usize]) -> f64 {
        labels.iter().map(|&label| self.weight(label)).sum()
    }
}

/// Loss over the rows of `logits` (`[rows, classes]`), divided by `total` (the batch's [`Objective::total_weight`]), and
/// its gradient towards them.
///
/// # Errors
/// [`NnError::Batch`] when a label is not below `classes`.
pub fn cross_entropy(
    logits: &[f32],
    classes: usize,
    labels: &[usize],
    objective: &Objective,
    total: f64,
) -> Result<(f64, Vec<f32>)> {
    if let Some(&label) = labels.iter().find(|&&label| label >= classes) {
        return Err(NnError::Batch {
            what: "label",
            value: label,
            limit: classes,
        });
    }
    let mut gradient = vec![0.0; logits.len()];
    let mut loss = 0.0;
    let even = objective.label_smoothing / classes as f64;
    for ((logits, gradient), &label) in logits
        .chunks_exact(classes)
        .zip(gradient.chunks_exact_mut(classes))
        .zip(labels)
    {
        let largest = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        let sum: f64 = logits.iter().map(|&x| f64::from(x - largest).exp()).sum();
        let target = |class: usize| {
            let own = if class == label {
                1.0 - objective.label_smoothing
            } else {
                0.0
            };
            // Smoothing weighs every class by its own weight, the rest by the label's: as PyTorch does.
            own * objective.weight(label) + even * objective.weight(class)
        };
        let mass: f64 = match (
            objective.label_smoothing > 0.0,
            objective.class_weights.is_empty(),
        ) {
            (true, false) => (0..classes).map(target).sum(),
            _ => objective.weight(label),
        };
        for (class, (gradient, &x)) in gradient.iter_mut().zip(logits).enumerate() {
            let shifted = f64::from(x - largest);
            let target = target(class);
            if target > 0.0 {
                loss += target * (sum.ln() - shifted);
            }
            *gradient = ((mass * shifted.exp() / sum - target) / total) as f32;
        }
    }
    Ok((loss / total, gradient))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean loss with equal weights.
    fn plain(logits: &[f32], classes: usize, labels: &[usize]) -> Result<(f64, Vec<f32>)> {
        cross_entropy(
            logits,
            classes,
            labels,
            &Objective::default(),
            labels.len() as f64,
        )
    }

    #[test]
    fn smoothing_and_weights_are_those_of_pytorch() {
        // torch.nn.CrossEntropyLoss(weight=[1, 2, .5], label_smoothing=.1)(logits, [2, 0]), torch 2.15
        let logits = [0.3, -1.0, 2.0, 0.1, 0.0, -0.5];
        let objective = Objective {
            label_smoothing: 0.1,
            class_weights: vec![1.0, 2.0, 0.5],
        };
        let labels = [2, 0];
        let (loss, gradient) =
            cross_entropy(&logits, 3, &labels, &objective, objective.total_weight(&labels)).unwrap();
        let expected = (
            0.869_542_84,
            [
                0.033_774_06,
                -0.029_183_68,
                -0.004_590_37,
                -0.345_989_64,
                0.205_501_12,
                0.140_488_52,
            ],
        );
        assert!((loss - expected.0).abs() < 1e-6, "{loss}");
        for (found, expected) in gradient.iter().zip(expected.1) {
            assert!((found - expected).abs() < 1e-6, "{gradient:?}");
        }
    }

    #[test]
    fn even_logits_cost_the_logarithm_of_the_number_of_classes() {
        let (loss, gradient) = plain(&[0.0; 8], 4, &[1, 3]).unwrap();
        assert!((loss - 4.0_f64.ln()).abs() < 1e-12);
        assert!((gradient[1] - (0.25 - 1.0) / 2.0).abs() < 1e-7);
        assert!((gradient.iter().sum::<f32>()).abs() < 1e-7);
    }

    #[test]
    fn huge_logits_stay_finite() {
        let (loss, gradient) = plain(&[1e30, -1e30, 0.0], 3, &[0]).unwrap();
        assert_eq!(loss, 0.0);
        assert!(gradient.iter().all(|x| x.is_finite()));
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let logits = [0.3, -1.0, 2.0, 0.1, 0.0, -0.5];
        let (_, gradient) = plain(&logits, 3, &[2, 0]).unwrap();
        for i in 0..logits.len() {
            let at = |step: f32| {
                let mut moved = logits;
                moved[i] += step;
                plain(&moved, 3, &[2, 0]).unwrap().0
            };
            assert!((f64::from(gradient[i]) - (at(0.01) - at(-0.01)) / 0.02).abs() < 1e-4);
        }
    }

    #[test]
    fn a_label_beyond_the_classes_is_refused() {
        assert!(plain(&[0.0; 3], 3, &[3]).is_err());
    }
}
