//! What the layers of a pass share: made on the processor and copied to the device once, not in every layer.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::Result;

/// What was made of each of a few things. They are held, so that another never takes the address of one of them.
#[derive(Debug)]
pub(super) struct Shared<K: ?Sized, M>(Mutex<Vec<(Arc<K>, M)>>);

impl<K: ?Sized, M> Default for Shared<K, M> {
    fn default() -> Self {
        Shared(Mutex::default())
    }
}

impl<K: ?Sized, M: Clone> Shared<K, M> {
    /// What `make` makes of this very thing, made once.
    pub fn of(&self, thing: &Arc<K>, make: impl FnOnce() -> Result<M>) -> Result<M> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, made)) = known.iter().find(|(known, _)| Arc::ptr_eq(known, thing)) {
            return Ok(made.clone());
        }
        let made = make()?;
        known.push((Arc::clone(thing), made.clone()));
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_made_once_and_another_like_it_anew() {
        let (shared, mut made) = (Shared::default(), 0);
        let things: [Arc<[u32]>; 2] = [Arc::from([1, 2]), Arc::from([1, 2])];
        let mut of = |thing: &Arc<[u32]>| {
            shared
                .of(thing, || {
                    made += 1;
                    Ok(made)
                })
                .unwrap()
        };
        assert_eq!([of(&things[0]), of(&things[1]), of(&things[0])], [1, 2, 1]);
    }
}
