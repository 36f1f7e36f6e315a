//! Rows gathered by number, and the way back: every row gets the sum of what was made of it.

use candle_core::{DType, Device, Result, Tensor};

/// Stands for a row that is not one: it reads any row and gives nothing back.
pub(crate) const NO_ROW: u32 = u32::MAX;

/// Which row each row of a result is, for the way there and back.
#[derive(Debug, Clone)]
pub(crate) struct RowMap {
    forward: Tensor,
    back: Sums,
}

impl RowMap {
    /// Of `indices` into `sources` rows.
    pub fn new(indices: &[u32], sources: usize, device: &Device) -> Result<Self> {
        let readable: Vec<u32> = indices
            .iter()
            .map(|&index| if index == NO_ROW { 0 } else { index })
            .collect();
        Ok(RowMap {
            forward: Tensor::from_vec(readable, indices.len(), device)?,
            back: Sums::new(indices, sources, device)?,
        })
    }

    /// The rows of `x`, `[indices, columns]`.
    pub fn gather(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.index_select(&self.forward, 0)
    }

    /// The gradient of what was gathered from, `[sources, columns]`.
    pub fn back(&self, d: &Tensor) -> Result<Tensor> {
        self.back.of(d)
    }
}

/// Sums of rows by number, in a fixed order: neighbours of one number are added in pairs, then the sums in pairs, so that
/// a number that occurs `n` times takes `log₂ n` rounds over ever fewer rows.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    /// Rows sorted by number; the last is one of zeros.
    order: Tensor,
    /// The two rows that each row of the next round is the sum of.
    rounds: Vec<[Tensor; 2]>,
    /// Row of each number after the last round.
    places: Tensor,
}

impl Sums {
    fn new(indices: &[u32], sources: usize, device: &Device) -> Result<Self> {
        let zero = indices.len() as u32;
        let mut order: Vec<u32> = (0..zero).filter(|&i| indices[i as usize] != NO_ROW).collect();
        order.sort_by_key(|&i| indices[i as usize]);
        // How often each number that occurs does, by rising number.
        let mut runs: Vec<(u32, usize)> = Vec::new();
        for &i in &order {
            match runs.last_mut() {
                Some((number, count)) if *number == indices[i as usize] => *count += 1,
                _ => runs.push((indices[i as usize], 1)),
            }
        }
        order.push(zero);
        let mut rounds = Vec::new();
        while runs.iter().any(|(_, count)| *count > 1) {
            let nothing = runs.iter().map(|(_, count)| count).sum::<usize>() as u32;
            let (mut left, mut right, mut start) = (Vec::new(), Vec::new(), 0_u32);
            for (_, count) in &mut runs {
                for first in (0..*count as u32).step_by(2) {
                    left.push(start + first);
                    let has_second = (first as usize) + 1 < *count;
                    right.push(if has_second { start + first + 1 } else { nothing });
                }
                start += *count as u32;
                *count = count.div_ceil(2);
            }
            left.push(nothing);
            right.push(nothing);
            let tensor = |rows: Vec<u32>| {
                let count = rows.len();
                Tensor::from_vec(rows, count, device)
            };
            rounds.push([tensor(left)?, tensor(right)?]);
        }
        let mut places = vec![runs.len() as u32; sources];
        for (place, (number, _)) in runs.iter().enumerate() {
            places[*number as usize] = place as u32;
        }
        Ok(Sums {
            order: Tensor::from_slice(&order, order.len(), device)?,
            rounds,
            places: Tensor::from_vec(places, sources, device)?,
        })
    }

    /// Sums of the rows of `d`, in 32 bits where there is something to add up: `[sources, columns]`.
    fn of(&self, d: &Tensor) -> Result<Tensor> {
        let dtype = d.dtype();
        let nothing = Tensor::zeros((1, d.dim(1)?), dtype, d.device())?;
        let mut rows = Tensor::cat(&[d, &nothing], 0)?.index_select(&self.order, 0)?;
        if !self.rounds.is_empty() {
            rows = rows.to_dtype(DType::F32)?;
        }
        for [left, right] in &self.rounds {
            rows = (rows.index_select(left, 0)? + rows.index_select(right, 0)?)?;
        }
        rows.index_select(&self.places, 0)?.to_dtype(dtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_gets_the_sum_of_what_was_made_of_it(
            picks in prop::collection::vec(prop::option::weighted(0.9, 0_u32..7), 0..60)
        ) {
            let device = Device::Cpu;
            let indices: Vec<u32> = picks.iter().map(|pick| pick.unwrap_or(NO_ROW)).collect();
            let map = RowMap::new(&indices, 7, &device).unwrap();
            let d: Vec<f32> = (0..indices.len() * 2).map(|i| i as f32).collect();
            let found = map.back(&Tensor::from_slice(&d, (indices.len(), 2), &device).unwrap()).unwrap();
            let mut expected = vec![vec![0.0; 2]; 7];
            for (row, &index) in indices.iter().enumerate() {
                if index != NO_ROW {
                    expected[index as usize][0] += d[2 * row];
                    expected[index as usize][1] += d[2 * row + 1];
                }
            }
            prop_assert_eq!(found.to_vec2::<f32>().unwrap(), expected);
        }
    }
}
