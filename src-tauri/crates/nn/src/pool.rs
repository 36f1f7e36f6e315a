//! Buffers that go round: a training step needs the same few hundred large vectors as the step before.
//!
//! Asking the system for fresh pages at every step costs more than some of the arithmetic; a [`Pool`] keeps what was
//! given back and hands it out again. Contents are never cleared: whoever takes a buffer writes all of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A shared store of free `f32` buffers, ordered by capacity. Cloning shares the store.
#[derive(Debug, Clone, Default)]
pub struct Pool(Arc<Mutex<BTreeMap<usize, Vec<Vec<f32>>>>>);

/// A buffer may be this many times larger than asked for before a new one is made instead.
const MAX_SLACK: usize = 2;

impl Pool {
    /// A buffer of `len` numbers with unspecified (but initialised) contents.
    pub fn take(&self, len: usize) -> Vec<f32> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = free
            .range(len..=len.saturating_mul(MAX_SLACK))
            .next()
            .map(|(capacity, _)| *capacity);
        let reused = found.and_then(|capacity| {
            let shelf = free.get_mut(&capacity)?;
            let buffer = shelf.pop();
            if shelf.is_empty() {
                free.remove(&capacity);
            }
            buffer
        });
        if reused.is_none() {
            // Batches differ in length: a buffer that proved too small makes room for the one that replaces it.
            if let Some((&capacity, _)) = free.range(..len).next_back() {
                free.remove(&capacity);
            }
        }
        drop(free);
        match reused {
            Some(mut buffer) => {
                buffer.resize(len, 0.0);
                buffer
            }
            None => vec![0.0; len],
        }
    }

    /// A buffer of `len` zeros.
    pub fn take_zeroed(&self, len: usize) -> Vec<f32> {
        let mut buffer = self.take(len);
        buffer.fill(0.0);
        buffer
    }

    /// Returns a buffer for later use.
    pub fn give(&self, buffer: Vec<f32>) {
        if buffer.capacity() == 0 {
            return;
        }
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.entry(buffer.capacity()).or_default().push(buffer);
    }

    /// Frees everything that is not in use.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Bytes held for later use.
    pub fn free_bytes(&self) -> usize {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.iter()
            .map(|(capacity, shelf)| capacity * shelf.len() * size_of::<f32>())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_returned_buffer_is_handed_out_again() {
        let pool = Pool::default();
        let buffer = pool.take(100);
        let address = buffer.as_ptr();
        pool.give(buffer);
        let again = pool.take(80);
        assert_eq!(again.as_ptr(), address);
        assert_eq!(again.len(), 80);
        assert_eq!(pool.free_bytes(), 0);
    }

    #[test]
    fn a_small_request_does_not_take_a_huge_buffer() {
        let pool = Pool::default();
        pool.give(vec![0.0; 10_000]);
        assert!(pool.take(10).capacity() < 10_000);
        assert_eq!(pool.free_bytes(), 40_000);
    }

    #[test]
    fn a_zeroed_buffer_is_zero_even_when_reused() {
        let pool = Pool::default();
        pool.give(vec![7.0; 64]);
        assert!(pool.take_zeroed(64).iter().all(|&x| x == 0.0));
    }
}
