//! The loss of multi-label classification: mean cross entropy of a yes or no for every class.

use super::Objective;

/// Loss over the elements of `logits` (`[rows, classes]`), divided by `total` (the batch's
/// [`Objective::total_weight`]), and its gradient towards them. `labels` are below `classes`.
pub(super) fn binary_cross_entropy(
    logits: &[f32],
    classes: usize,
    labels: &[&[usize]],
    objective: &Objective,
    total: f64,
) -> (f64, Vec<f32>) {
    let mut gradient = vec![0.0; logits.len()];
    let mut loss = 0.0;
    let unsure = objective.label_smoothing / 2.0;
    let mut targets = vec![unsure; classes];
    for ((logits, gradient), labels) in logits
        .chunks_exact(classes)
        .zip(gradient.chunks_exact_mut(classes))
        .zip(labels)
    {
        targets.fill(unsure);
        labels.iter().for_each(|&label| targets[label] = 1.0 - unsure);
        for (class, ((gradient, &x), &target)) in gradient.iter_mut().zip(logits).zip(&targets).enumerate() {
            let x = f64::from(x);
            let (yes, no) = (objective.weight(class) * target, 1.0 - target);
            // -ln of the probabilities of yes and of no, without an overflow of exp().
            let rest = (-x.abs()).exp().ln_1p();
            let (cost_of_yes, cost_of_no) = (rest + (-x).max(0.0), rest + x.max(0.0));
            loss += yes * cost_of_yes + no * cost_of_no;
            let probability = (-cost_of_yes).exp();
            *gradient = (((yes + no) * probability - yes) / total) as f32;
        }
    }
    (loss / total, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProblemType;

    const LOGITS: [f32; 6] = [0.3, -1.0, 2.0, 0.1, 0.0, -0.5];
    const LABELS: [&[usize]; 2] = [&[0, 2], &[]];

    fn objective(label_smoothing: f64, class_weights: &[f32]) -> Objective {
        Objective {
            problem_type: ProblemType::MultiLabel,
            label_smoothing,
            class_weights: class_weights.to_vec(),
        }
    }

    fn judged(logits: &[f32], labels: &[&[usize]], objective: &Objective) -> (f64, Vec<f32>) {
        binary_cross_entropy(logits, 3, labels, objective, objective.total_weight(labels, 3))
    }

    #[test]
    fn loss_and_gradient_are_those_of_pytorch() {
        // torch.nn.BCEWithLogitsLoss(pos_weight)(logits, labels * (1 - smoothing) + smoothing / 2), torch 2.15
        for (objective, expected, gradients) in [
            (
                objective(0.0, &[]),
                0.484_360_961_307,
                [
                    -0.070_926_247,
                    0.044_823_570,
                    -0.019_867_154,
                    0.087_496_531,
                    0.083_333_333,
                    0.062_923_445,
                ],
            ),
            (
                objective(0.1, &[1.0, 4.0, 0.5]),
                0.551_247_394_701,
                [
                    -0.062_592_914,
                    0.018_213_772,
                    -0.002_096_922,
                    0.079_163_198,
                    0.062_5,
                    0.057_183_692,
                ],
            ),
        ] {
            let (loss, gradient) = judged(&LOGITS, &LABELS, &objective);
            assert!((loss - expected).abs() < 1e-7, "{loss}");
            for (found, expected) in gradient.iter().zip(gradients) {
                assert!((f64::from(*found) - expected).abs() < 1e-7, "{gradient:?}");
            }
        }
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let objective = objective(0.1, &[1.0, 4.0, 0.5]);
        let (_, gradient) = judged(&LOGITS, &LABELS, &objective);
        for i in 0..LOGITS.len() {
            let at = |step: f32| {
                let mut moved = LOGITS;
                moved[i] += step;
                judged(&moved, &LABELS, &objective).0
            };
            assert!((f64::from(gradient[i]) - (at(0.01) - at(-0.01)) / 0.02).abs() < 1e-4);
        }
    }

    #[test]
    fn huge_logits_stay_finite() {
        let (loss, gradient) = judged(&[1e30, -1e30, 0.0], &[&[0]], &objective(0.0, &[]));
        assert!((loss - 2.0_f64.ln() / 3.0).abs() < 1e-12);
        assert!(gradient.iter().all(|x| x.is_finite()));
    }
}
