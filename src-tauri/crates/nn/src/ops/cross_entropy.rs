//! The loss of single-label classification: mean cross entropy of the softmax.

use crate::error::{NnError, Result};

/// Mean loss over the rows of `logits` (`[rows, classes]`) and its gradient towards them.
///
/// # Errors
/// [`NnError::Batch`] when a label is not below `classes`.
pub fn cross_entropy(logits: &[f32], classes: usize, labels: &[usize]) -> Result<(f64, Vec<f32>)> {
    if let Some(&label) = labels.iter().find(|&&label| label >= classes) {
        return Err(NnError::Batch {
            what: "label",
            value: label,
            limit: classes,
        });
    }
    let mut gradient = vec![0.0; logits.len()];
    let mut loss = 0.0;
    let rows = labels.len() as f64;
    for ((logits, gradient), &label) in logits
        .chunks_exact(classes)
        .zip(gradient.chunks_exact_mut(classes))
        .zip(labels)
    {
        let largest = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        let total: f64 = logits.iter().map(|&x| f64::from(x - largest).exp()).sum();
        loss += total.ln() - f64::from(logits[label] - largest);
        for (class, (gradient, &x)) in gradient.iter_mut().zip(logits).enumerate() {
            let probability = f64::from(x - largest).exp() / total;
            let target = if class == label { 1.0 } else { 0.0 };
            *gradient = ((probability - target) / rows) as f32;
        }
    }
    Ok((loss / rows, gradient))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_logits_cost_the_logarithm_of_the_number_of_classes() {
        let (loss, gradient) = cross_entropy(&[0.0; 8], 4, &[1, 3]).unwrap();
        assert!((loss - 4.0_f64.ln()).abs() < 1e-12);
        assert!((gradient[1] - (0.25 - 1.0) / 2.0).abs() < 1e-7);
        assert!((gradient.iter().sum::<f32>()).abs() < 1e-7);
    }

    #[test]
    fn huge_logits_stay_finite() {
        let (loss, gradient) = cross_entropy(&[1e30, -1e30, 0.0], 3, &[0]).unwrap();
        assert_eq!(loss, 0.0);
        assert!(gradient.iter().all(|x| x.is_finite()));
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let logits = [0.3, -1.0, 2.0, 0.1, 0.0, -0.5];
        let (_, gradient) = cross_entropy(&logits, 3, &[2, 0]).unwrap();
        for i in 0..logits.len() {
            let at = |step: f32| {
                let mut moved = logits;
                moved[i] += step;
                cross_entropy(&moved, 3, &[2, 0]).unwrap().0
            };
            assert!((f64::from(gradient[i]) - (at(0.01) - at(-0.01)) / 0.02).abs() < 1e-4);
        }
    }

    #[test]
    fn a_label_beyond_the_classes_is_refused() {
        assert!(cross_entropy(&[0.0; 3], 3, &[3]).is_err());
    }
}
