//! The learning rate over time: a linear rise, then a linear fall to zero.

/// A schedule over a known number of steps.
#[derive(Debug, Clone, Copy)]
pub struct LinearSchedule {
    peak: f64,
    warmup: f64,
    steps: f64,
}

impl LinearSchedule {
    /// Rises to `peak` within `warmup_ratio` of `steps`, then falls to 0 at their end.
    pub fn new(peak: f64, warmup_ratio: f64, steps: u32) -> Self {
        let warmup = (warmup_ratio * f64::from(steps)).ceil();
        LinearSchedule {
            peak,
            warmup,
            steps: f64::from(steps),
        }
    }

    /// The learning rate of step `step` (from 0).
    pub fn at(&self, step: u32) -> f64 {
        let step = f64::from(step);
        let factor = if step < self.warmup {
            // The first step already learns something: (0 + 1) / warmup.
            (step + 1.0) / self.warmup
        } else {
            (self.steps - step) / (self.steps - self.warmup).max(1.0)
        };
        self.peak * factor.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_nearly_zero() {
        let schedule = LinearSchedule::new(1.0, 0.1, 100);
        assert_eq!(schedule.at(0), 0.1);
        assert_eq!(schedule.at(9), 1.0);
        assert_eq!(schedule.at(10), 1.0);
        assert!((schedule.at(55) - 0.5).abs() < 1e-12);
        assert!((schedule.at(99) - 1.0 / 90.0).abs() < 1e-12);
    }

    #[test]
    fn a_single_step_and_a_schedule_without_warmup_work() {
        assert_eq!(LinearSchedule::new(1.0, 0.1, 1).at(0), 1.0);
        assert_eq!(LinearSchedule::new(1.0, 0.0, 4).at(0), 1.0);
        assert_eq!(LinearSchedule::new(1.0, 1.0, 4).at(3), 1.0);
    }
}
