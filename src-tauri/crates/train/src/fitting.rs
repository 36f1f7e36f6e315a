//! Work that is done in smaller parts where a device's memory is too small for it.

use understudy_nn::NnError;

use crate::error::{Result, TrainError};

/// Does work in `parts` parts; where a device's memory runs out, again in twice as many, down to one text each. Also says in
/// how many it was done.
pub fn fitting<T>(
    mut parts: usize,
    texts: usize,
    mut work: impl FnMut(usize) -> Result<T>,
) -> Result<(T, usize)> {
    loop {
        match work(parts) {
            Err(TrainError::Model(NnError::DeviceMemory { .. })) if parts < texts => parts *= 2,
            done => return done.map(|done| (done, parts)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_memory_takes_more_parts_until_each_is_one_text() {
        let full = || {
            TrainError::Model(NnError::DeviceMemory {
                reason: String::new(),
            })
        };
        let mut tried = Vec::new();
        let mut work = |fits: usize| {
            fitting(2, 32, |parts| {
                tried.push(parts);
                if 32 / parts <= fits {
                    Ok(parts)
                } else {
                    Err(full())
                }
            })
        };
        assert_eq!(work(16).unwrap(), (2, 2));
        assert_eq!(work(5).unwrap(), (8, 8));
        assert!(matches!(
            work(0),
            Err(TrainError::Model(NnError::DeviceMemory { .. }))
        ));
        assert_eq!(tried, [2, 2, 4, 8, 2, 4, 8, 16, 32]);
        let other = fitting::<()>(2, 32, |_| Err(TrainError::Cancelled));
        assert!(
            matches!(other, Err(TrainError::Cancelled)),
            "another failure is not tried again"
        );
    }
}
