//! Gradients of parameters on a device.

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{Device, Result, Tensor};

use crate::parameters::{Parameter, Place};

/// The gradients of a step: of the dense parameters by ranges as they arrived, of tables whole. All in 32 bits.
#[derive(Debug, Clone, Default)]
pub struct DeviceGradients {
    /// By start and end; a later range may overlap an earlier one, as where a layer is used whole and in parts.
    dense: BTreeMap<(usize, usize), Tensor>,
    tables: BTreeMap<usize, Tensor>,
}

impl DeviceGradients {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.dense.clear();
        self.tables.clear();
    }

    /// Adds the gradient of the dense numbers in `range`, of any shape.
    pub(crate) fn add(&mut self, range: Range<usize>, gradient: &Tensor) -> Result<()> {
        let gradient = gradient.flatten_all()?;
        let sum = match self.dense.remove(&(range.start, range.end)) {
            Some(before) => (before + gradient)?,
            None => gradient,
        };
        self.dense.insert((range.start, range.end), sum);
        Ok(())
    }

    /// Adds the gradient of a table, `[rows, columns]`.
    pub(crate) fn add_table(&mut self, index: usize, gradient: Tensor) -> Result<()> {
        let sum = match self.tables.remove(&index) {
            Some(before) => (before + gradient)?,
            None => gradient,
        };
        self.tables.insert(index, sum);
        Ok(())
    }

    /// The gradient of a table, if it has one.
    #[must_use]
    pub fn table(&self, index: usize) -> Option<&Tensor> {
        self.tables.get(&index)
    }

    /// Whether every number of `range` has a gradient.
    pub(crate) fn covers(&self, range: &Range<usize>) -> bool {
        let mut reached = range.start;
        for &(start, end) in self.dense.keys() {
            if start <= reached {
                reached = reached.max(end);
            }
        }
        reached >= range.end
    }

    /// The gradient of a named tensor, if it is complete here and the device gives it.
    pub(crate) fn of(&self, entry: &Parameter) -> Option<Vec<f32>> {
        let gradient = match &entry.place {
            Place::Table(index) => self.table(*index)?.clone(),
            Place::Dense(range) => {
                let device = self.dense.values().next()?.device();
                self.covers(range).then(|| self.dense(range, device).ok())??
            }
        };
        gradient.flatten_all().ok()?.to_vec1().ok()
    }

    /// The gradient of the dense numbers in `range`, `[range]`; zeros where there is none.
    ///
    /// # Errors
    /// What the device says.
    pub fn dense(&self, range: &Range<usize>, device: &Device) -> Result<Tensor> {
        // Disjoint pieces side by side in one copy; what overlaps them is added afterwards.
        let (mut side_by_side, mut over) = (Vec::new(), Vec::new());
        let mut reached = range.start;
        let zeros = |length: usize| Tensor::zeros(length, candle_core::DType::F32, device);
        for (&(start, end), gradient) in &self.dense {
            let (from, to) = (start.max(range.start), end.min(range.end));
            if from >= to {
                continue;
            }
            let part = gradient.narrow(0, from - start, to - from)?;
            if from < reached {
                over.push((from, to, part));
                continue;
            }
            if from > reached {
                side_by_side.push(zeros(from - reached)?);
            }
            side_by_side.push(part);
            reached = to;
        }
        if reached < range.end {
            side_by_side.push(zeros(range.end - reached)?);
        }
        let mut sum = Tensor::cat(&side_by_side, 0)?;
        for (from, to, part) in over {
            let around = [zeros(from - range.start)?, part, zeros(range.end - to)?];
            sum = (sum + Tensor::cat(&around, 0)?)?;
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_the_whole_add_up_in_any_order() {
        let device = Device::Cpu;
        let ones = |length: usize| Tensor::ones(length, candle_core::DType::F32, &device).unwrap();
        let mut gradients = DeviceGradients::default();
        for range in [1..3, 2..6, 4..5, 1..3] {
            gradients.add(range.clone(), &ones(range.len())).unwrap();
        }
        let found = |range: Range<usize>| {
            gradients
                .dense(&range, &device)
                .unwrap()
                .to_vec1::<f32>()
                .unwrap()
        };
        assert_eq!(found(0..8), [0.0, 2.0, 3.0, 1.0, 2.0, 1.0, 0.0, 0.0]);
        assert_eq!(found(2..5), [3.0, 1.0, 2.0]);
        assert!(gradients.covers(&(1..6)) && !gradients.covers(&(0..2)) && !gradients.covers(&(5..7)));
    }
}
