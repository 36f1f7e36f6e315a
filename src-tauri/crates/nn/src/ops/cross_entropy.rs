//! The loss of single-label classification: mean cross entropy of the softmax.

use super::Objective;
use crate::error::{NnError, Result};

/// Loss over the rows of `logits` (`[rows, classes]`), divided by `total` (the batch's [`Objective::total_weight`]), and
/// its gradient towards them.
///
/// # Errors
/// [`NnError::Batch`] when a row has not exactly one label.
pub(super) fn cross_entropy(
    logits: &[f32],
    classes: usize,
    labels: &[&[usize]],
    objective: &Objective,
    total: f64,
) -> Result<(f64, Vec<f32>)> {
    if let Some(labels) = labels.iter().find(|labels| labels.len() != 1) {
        return Err(NnError::Batch {
            what: "labels of a text",
            value: labels.len(),
            limit: 1,
        });
    }
    let mut gradient = vec![0.0; logits.len()];
    let mut loss = 0.0;
    let even = objective.label_smoothing / classes as f64;
    for ((logits, gradient), &label) in logits
        .chunks_exact(classes)
        .zip(gradient.chunks_exact_mut(classes))
        .zip(labels.iter().copied().flatten())
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
        let labels: Vec<&[usize]> = labels.iter().map(std::slice::from_ref).collect();
        cross_entropy(
            logits,
            classes,
            &labels,
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
            ..Objective::default()
        };
        let labels: [&[usize]; 2] = [&[2], &[0]];
        let total = objective.total_weight(&labels, 3);
        let (loss, gradient) = cross_entropy(&logits, 3, &labels, &objective, total).unwrap();
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
    fn a_row_with_another_number_of_labels_is_refused() {
        for labels in [&[][..], &[0, 1]] {
            assert!(cross_entropy(&[0.0; 3], 3, &[labels], &Objective::default(), 1.0).is_err());
        }
    }
}
