//! From scores to probabilities, and how far these are off.

/// How scores become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Of one class among all.
    Softmax,
    /// Of each class for itself.
    Sigmoid,
}

impl Link {
    /// Scores of one text become its probabilities.
    pub fn probabilities(self, scores: &mut [f32]) {
        match self {
            Link::Softmax => {
                let top = scores.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
                scores.iter_mut().for_each(|s| *s = (*s - top).exp());
                let total: f32 = scores.iter().sum();
                scores.iter_mut().for_each(|s| *s /= total);
            }
            Link::Sigmoid => scores.iter_mut().for_each(|s| *s = 1.0 / (1.0 + (-*s).exp())),
        }
    }

    /// The loss of a text with these scores and labels; the scores become its slope.
    pub fn loss_and_slope(self, scores: &mut [f32], labels: &[usize]) -> f64 {
        let loss = match self {
            Link::Softmax => {
                let top = scores.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
                let total: f32 = scores.iter().map(|s| (s - top).exp()).sum();
                let own: f32 = labels.iter().map(|&label| scores[label]).sum();
                f64::from(total.ln() + top - own)
            }
            Link::Sigmoid => {
                // ln(1 + e^s) of every class, less the scores of those that apply.
                let all: f32 = scores.iter().map(|s| s.max(0.0) + (-s.abs()).exp().ln_1p()).sum();
                let own: f32 = labels.iter().map(|&label| scores[label]).sum();
                f64::from(all - own)
            }
        };
        self.probabilities(scores);
        labels.iter().for_each(|&label| scores[label] -= 1.0);
        loss
    }
}
