//! How a job is paused or stopped from outside: a flag that the work looks at between steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Result, TrainError};

const RUNNING: u8 = 0;
const PAUSED: u8 = 1;
const CANCELLED: u8 = 2;

/// Shared by whoever works and whoever may stop it.
#[derive(Debug, Clone, Default)]
pub struct Control(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    asked: AtomicU8,
    /// Milliseconds that the work has waited in.
    waited: AtomicU64,
}

impl Control {
    /// Asks the work to stop for good; cannot be taken back.
    pub fn cancel(&self) {
        self.0.asked.store(CANCELLED, Ordering::Relaxed);
    }

    /// Asks the work to wait.
    pub fn pause(&self) {
        let _ = self
            .0
            .asked
            .compare_exchange(RUNNING, PAUSED, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Lets the work go on.
    pub fn resume(&self) {
        let _ = self
            .0
            .asked
            .compare_exchange(PAUSED, RUNNING, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Whether the work was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed) == CANCELLED
    }

    /// How long the work has waited because it was asked to.
    pub fn waited(&self) -> Duration {
        Duration::from_millis(self.0.waited.load(Ordering::Relaxed))
    }

    /// Called between steps: waits while paused.
    ///
    /// # Errors
    /// [`TrainError::Cancelled`] when the work is to stop.
    pub fn check(&self) -> Result<()> {
        loop {
            match self.0.asked.load(Ordering::Relaxed) {
                CANCELLED => return Err(TrainError::Cancelled),
                PAUSED => {
                    let began = Instant::now();
                    std::thread::sleep(Duration::from_millis(50));
                    let milliseconds = began.elapsed().as_millis() as u64;
                    self.0.waited.fetch_add(milliseconds, Ordering::Relaxed);
                }
                _ => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_job_goes_on_after_resume_and_stops_after_cancel() {
        let control = Control::default();
        control.pause();
        let other = control.clone();
        let waiting = std::thread::spawn(move || other.check());
        std::thread::sleep(Duration::from_millis(80));
        assert!(!waiting.is_finished());
        control.resume();
        assert!(waiting.join().unwrap().is_ok());
        assert!(control.waited() >= Duration::from_millis(50));
        control.cancel();
        control.resume();
        assert!(matches!(control.check(), Err(TrainError::Cancelled)));
    }
}
