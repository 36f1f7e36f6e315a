//! Packed sequences as a rectangle `[sequences, longest]`: attention alone wants one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Result, Tensor};

use super::attention::Places;
use super::gather::{NO_ROW, RowMap};
use super::shared::Shared;
use crate::ops::{Rotary, mask_starts};

/// Hides a key that is not one.
pub(super) const NEVER: f64 = -1e30;

/// How packed rows lie in a rectangle.
#[derive(Debug)]
pub(super) struct Padding {
    offsets: Arc<[usize]>,
    longest: usize,
    /// Rows of the rectangle and of the pack; `None` where all sequences have one length and both are the same.
    maps: Option<[RowMap; 2]>,
    /// 0 for keys that are there and [`NEVER`] for others, `[sequences, 1, 1, longest]`; `None` where all are there.
    hidden_keys: Option<Tensor>,
    /// What every layer asks for again, copied to the device once.
    kept: Mutex<HashMap<Key, Tensor>>,
    /// The places of distances that layers share.
    pub places: Shared<[u32], Arc<Places>>,
    /// The rows of a table of distances that layers share.
    pub bias_rows: Shared<[u32], RowMap>,
    /// Cosines and sines that layers share.
    pub turns: Shared<Rotary, [Tensor; 2]>,
}

/// Which tokens ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Queries {
    /// Every token.
    All,
    /// The first of each sequence.
    First,
}

/// What follows from the lengths of the sequences and a number of the layer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// Where dropout begins for this many heads.
    Starts(Queries, usize),
    /// Hides keys further away than this.
    Window(usize),
}

impl Padding {
    pub fn new(offsets: &Arc<[usize]>, device: &Device) -> Result<Self> {
        let lengths: Vec<usize> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let tokens = offsets.last().copied().unwrap_or(0);
        let (mut maps, mut hidden_keys) = (None, None);
        if lengths.iter().any(|&length| length != longest) {
            let mut rectangle = Vec::with_capacity(lengths.len() * longest);
            let mut pack = Vec::with_capacity(tokens);
            let mut keys = Vec::with_capacity(rectangle.capacity());
            for (sequence, &length) in lengths.iter().enumerate() {
                for place in 0..longest {
                    let there = place < length;
                    rectangle.push(if there {
                        (offsets[sequence] + place) as u32
                    } else {
                        NO_ROW
                    });
                    keys.push(if there { 0.0 } else { NEVER as f32 });
                    if there {
                        pack.push((sequence * longest + place) as u32);
                    }
                }
            }
            maps = Some([
                RowMap::new(&rectangle, tokens, device)?,
                RowMap::new(&pack, rectangle.len(), device)?,
            ]);
            hidden_keys = Some(Tensor::from_vec(keys, (lengths.len(), 1, 1, longest), device)?);
        }
        Ok(Padding {
            offsets: Arc::clone(offsets),
            longest,
            maps,
            hidden_keys,
            kept: Mutex::default(),
            places: Shared::default(),
            bias_rows: Shared::default(),
            turns: Shared::default(),
        })
    }

    /// What `make` makes, made once.
    pub fn kept(&self, key: Key, make: impl FnOnce() -> Result<Tensor>) -> Result<Tensor> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tensor) = kept.get(&key) {
            return Ok(tensor.clone());
        }
        let tensor = make()?;
        kept.insert(key, tensor.clone());
        Ok(tensor)
    }

    /// Whether it is that of these sequences.
    pub fn is_of(&self, offsets: &Arc<[usize]>) -> bool {
        Arc::ptr_eq(&self.offsets, offsets) || self.offsets == *offsets
    }

    pub fn sequences(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Rows of the pack to rows of the rectangle; `None` where they are the same.
    pub fn to_rectangle(&self) -> Option<&RowMap> {
        self.maps.as_ref().map(|[rectangle, _]| rectangle)
    }

    /// Rows of the rectangle to rows of the pack; `None` where they are the same.
    pub fn to_pack(&self) -> Option<&RowMap> {
        self.maps.as_ref().map(|[_, pack]| pack)
    }

    /// Scores `[sequences, heads, queries, longest]`, 32 bits, in which keys that are not there are never seen.
    pub fn hide(&self, scores: &Tensor) -> Result<Tensor> {
        match &self.hidden_keys {
            Some(keys) => scores.broadcast_add(&keys.to_dtype(DType::F32)?),
            None => Ok(scores.clone()),
        }
    }

    /// Where the dropout of each query's probabilities begins in the mask's stream, as the processor's kernel counts them:
    /// `[sequences × heads × longest]`.
    pub fn probability_starts(&self, heads: usize) -> Vec<u32> {
        let starts = mask_starts(&self.offsets, heads);
        let mut rows = Vec::with_capacity(self.sequences() * heads * self.longest);
        for (pair, start) in self.offsets.windows(2).zip(starts) {
            let length = (pair[1] - pair[0]) as u32;
            for head in 0..heads as u32 {
                let first = start.wrapping_add(head.wrapping_mul(length).wrapping_mul(length));
                rows.extend(
                    (0..self.longest as u32).map(|query| first.wrapping_add(query.wrapping_mul(length))),
                );
            }
        }
        rows
    }

    /// The same for the first tokens' queries alone: `[sequences × heads]`.
    pub fn first_probability_starts(&self, heads: usize) -> Vec<u32> {
        let of_sequence = |pair: &[usize]| {
            let (start, length) = (pair[0] as u32, (pair[1] - pair[0]) as u32);
            let first = start.wrapping_mul(heads as u32);
            (0..heads as u32).map(move |head| first.wrapping_add(head.wrapping_mul(length)))
        };
        self.offsets.windows(2).flat_map(of_sequence).collect()
    }
}
