//! Layer normalisation (Ba, Kiros, Hinton 2016), fused with what stands before it in a transformer:
//! `y = norm(dropout(x + bias) + residual) * scale + shift`.

use multiversion::multiversion;

use super::{math, parallel};
use crate::random::DropoutMask;

/// The parameters of one fused normalisation. `bias` and `residual` may be empty slices (absent).
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// Added before dropout, `[columns]`, or empty.
    pub bias: &'a [f32],
    /// Added after dropout, `[rows, columns]`, or empty.
    pub residual: &'a [f32],
    /// Factor of the normalised row, `[columns]`.
    pub scale: &'a [f32],
    /// Added to the scaled row, `[columns]`, or empty.
    pub shift: &'a [f32],
    /// Added to the variance.
    pub epsilon: f32,
    /// Applied to `x + bias`.
    pub mask: DropoutMask,
}

/// Mean and inverse deviation of a row.
#[inline(always)]
fn moments(x: &[f32], epsilon: f32) -> (f32, f32) {
    let n = x.len() as f32;
    let mean = math::sum(x.len(), |i| x[i]) / n;
    let variance = math::sum(x.len(), |i| (x[i] - mean) * (x[i] - mean)) / n;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn forward_block(x: &mut [f32], y: &mut [f32], input: Input, first_row: usize) {
    let columns = input.scale.len();
    for (row, (x, y)) in x
        .chunks_exact_mut(columns)
        .zip(y.chunks_exact_mut(columns))
        .enumerate()
    {
        if !input.bias.is_empty() {
            let bias = &input.bias[..columns];
            for i in 0..columns {
                x[i] += bias[i];
            }
        }
        if !input.mask.keeps_all() {
            let first = ((first_row + row) * columns) as u32;
            for i in 0..columns {
                x[i] *= input.mask.factor(first.wrapping_add(i as u32));
            }
        }
        if !input.residual.is_empty() {
            let residual = &input.residual[(first_row + row) * columns..][..columns];
            for i in 0..columns {
                x[i] += residual[i];
            }
        }
        let (mean, inverse) = moments(x, input.epsilon);
        let scale = &input.scale[..columns];
        for i in 0..columns {
            y[i] = (x[i] - mean) * inverse * scale[i];
        }
        if !input.shift.is_empty() {
            let shift = &input.shift[..columns];
            for i in 0..columns {
                y[i] += shift[i];
            }
        }
    }
}

/// Forward: `x` (`[rows, columns]`) becomes the sum that is normalised (the backward pass needs it), `y` the result.
pub fn forward(x: &mut [f32], y: &mut [f32], input: Input) {
    let columns = input.scale.len();
    parallel::for_row_pairs(x, columns, y, columns, |rows, x, y| {
        forward_block(x, y, input, rows.start)
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn backward_block(dy: &mut [f32], sum: &[f32], scale: &[f32], epsilon: f32, sums: &mut [f32]) {
    let columns = scale.len();
    let (scale_gradient, shift_gradient) = sums.split_at_mut(columns);
    let shift_gradient = &mut shift_gradient[..columns];
    for (dy, x) in dy.chunks_exact_mut(columns).zip(sum.chunks_exact(columns)) {
        let (mean, inverse) = moments(x, epsilon);
        for i in 0..columns {
            scale_gradient[i] = dy[i].mul_add((x[i] - mean) * inverse, scale_gradient[i]);
            shift_gradient[i] += dy[i];
        }
        let n = columns as f32;
        let mean_d = math::sum(columns, |i| dy[i] * scale[i]) / n;
        let mean_dx = math::sum(columns, |i| dy[i] * scale[i] * (x[i] - mean) * inverse) / n;
        for i in 0..columns {
            let normalised = (x[i] - mean) * inverse;
            dy[i] = inverse * (dy[i] * scale[i] - mean_d - normalised * mean_dx);
        }
    }
}

/// Backward through the normalisation: `dy` becomes the gradient of `sum` (what [`forward`] left in `x`); the
/// gradients of scale and shift are added to `gradients` (`[2 * columns]`: scale, then shift).
pub fn backward(dy: &mut [f32], sum: &[f32], scale: &[f32], epsilon: f32, gradients: &mut [f32]) {
    let columns = scale.len();
    parallel::for_rows_with_sums(dy, columns, gradients, |rows, dy, sums| {
        backward_block(
            dy,
            &sum[rows.start * columns..rows.end * columns],
            scale,
            epsilon,
            sums,
        );
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn branch_block(dx: &mut [f32], d: &[f32], mask: DropoutMask, first: u32, sums: &mut [f32]) {
    let columns = sums.len();
    for (row, (dx, d)) in dx
        .chunks_exact_mut(columns)
        .zip(d.chunks_exact(columns))
        .enumerate()
    {
        let first = first.wrapping_add((row * columns) as u32);
        for i in 0..columns {
            dx[i] = d[i] * mask.factor(first.wrapping_add(i as u32));
            sums[i] += dx[i];
        }
    }
}

/// Backward through the branch before the sum: `dx = d * mask`, its column sums are added to `bias_gradient`.
pub fn branch_backward(dx: &mut [f32], d: &[f32], mask: DropoutMask, bias_gradient: &mut [f32]) {
    let columns = bias_gradient.len();
    parallel::for_rows_with_sums(dx, columns, bias_gradient, |rows, dx, sums| {
        let first = (rows.start * columns) as u32;
        branch_block(
            dx,
            &d[rows.start * columns..rows.end * columns],
            mask,
            first,
            sums,
        );
    });
}
