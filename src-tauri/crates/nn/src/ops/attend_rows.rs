//! The rows of a group gathered by attention with one learned query: which of them tell is learned with the rest (as in Yang
//! et al. 2016, "Hierarchical Attention Networks", without their projection).

use std::sync::Arc;

use crate::device;
use crate::parameters::Dense;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// `[rows, columns]` → `[groups, columns]`: the sum of each group's rows `x`, weighted by the softmax of `x · query / √columns`
/// over the group. A query of zeros gives the mean; a group of one row is that row.
pub fn attend_rows(tape: &mut Tape, x: &Var, query: Dense, offsets: &Arc<[usize]>) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::attend_rows(tape, mirror, x, query, offsets);
    }
    let columns = x.columns();
    let groups = offsets.len() - 1;
    let scale = 1.0 / (columns as f32).sqrt();
    let q = tape.parameters().get(query);
    let mut weights: Vec<f32> = x
        .values()
        .chunks_exact(columns)
        .map(|row| scale * dot(row, q))
        .collect();
    let mut y = tape.pool().take_zeroed(groups * columns);
    for (y, pair) in y.chunks_exact_mut(columns).zip(offsets.windows(2)) {
        let weights = &mut weights[pair[0]..pair[1]];
        softmax(weights);
        let rows = &x.values()[pair[0] * columns..pair[1] * columns];
        for (weight, row) in weights.iter().zip(rows.chunks_exact(columns)) {
            y.iter_mut().zip(row).for_each(|(sum, x)| *sum += weight * x);
        }
    }
    let y = tape.var(y, columns);
    let rows = tape.training().then(|| x.values().to_vec());
    tape.record(|| AttendRows {
        x: x.into(),
        rows: rows.unwrap_or_default(),
        weights,
        query,
        offsets: offsets.clone(),
        y: (&y).into(),
    });
    y
}

struct AttendRows {
    x: VarId,
    /// What was gathered: one row a window, which is little.
    rows: Vec<f32>,
    weights: Vec<f32>,
    query: Dense,
    offsets: Arc<[usize]>,
    y: VarId,
}

impl Backward for AttendRows {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let columns = self.query.columns();
        let scale = 1.0 / (columns as f32).sqrt();
        let d = pass.take(self.y);
        let query = pass.parameters.get(self.query).to_vec();
        let mut d_query = vec![0.0; columns];
        let (mut dx, accumulate) = pass.write(self.x);
        if !accumulate {
            dx.fill(0.0);
        }
        for (d, pair) in d.chunks_exact(columns).zip(self.offsets.windows(2)) {
            let row = |i: usize| &self.rows[i * columns..][..columns];
            // Through the softmax: a row's score gains by what it adds to the result beyond the weighted mean.
            let gains: Vec<f32> = (pair[0]..pair[1]).map(|i| dot(d, row(i))).collect();
            let mean: f32 = gains
                .iter()
                .zip(&self.weights[pair[0]..pair[1]])
                .map(|(gain, weight)| gain * weight)
                .sum();
            for (i, gain) in (pair[0]..pair[1]).zip(&gains) {
                let weight = self.weights[i];
                let d_score = scale * weight * (gain - mean);
                let to = &mut dx[i * columns..][..columns];
                for ((to, d), q) in to.iter_mut().zip(d).zip(&query) {
                    *to += weight * d + d_score * q;
                }
                for (sum, x) in d_query.iter_mut().zip(row(i)) {
                    *sum += d_score * x;
                }
            }
        }
        pass.put(self.x, dx);
        for (sum, x) in pass.gradients.add(self.query).iter_mut().zip(&d_query) {
            *sum += x;
        }
        pass.pool.give(d);
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn softmax(scores: &mut [f32]) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores
        .iter_mut()
        .for_each(|score| *score = (*score - largest).exp());
    let total: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= total);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};

    #[test]
    fn gradients_reach_the_rows_and_the_query() {
        let mut parameters = Parameters::default();
        let input = parameters.matrix("x", 6, 3, Init::Normal(1.0));
        let query = parameters.matrix("q", 1, 3, Init::Normal(1.0));
        let offsets: Arc<[usize]> = Arc::from([0, 3, 4, 6]);
        check::gradients(parameters, |tape| {
            let x = check::leaf(tape, input);
            attend_rows(tape, &x, query, &offsets)
        });
    }
}
