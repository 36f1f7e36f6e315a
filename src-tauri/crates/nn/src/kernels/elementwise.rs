//! Sums over columns, bias with activation, dropout: everything that walks once over a matrix.

use multiversion::multiversion;

use super::math;
use super::parallel;
use crate::random::DropoutMask;

/// The functions that may follow a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x
    Identity,
    /// x Φ(x), with the error function
    Gelu,
    /// x Φ(x), with Φ approximated by a hyperbolic tangent
    GeluTanh,
    /// tanh x
    Tanh,
    /// max(0, x)
    Relu,
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn add_block(sum: &mut [f32], x: &[f32]) {
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum += x;
    }
}

/// `sum += x`, element by element.
pub fn add(sum: &mut [f32], x: &[f32]) {
    parallel::for_rows(sum, 1, |rows, block| add_block(block, &x[rows]));
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn bias_activation_block(
    x: &mut [f32],
    slope: &mut [f32],
    columns: usize,
    bias: &[f32],
    activation: Activation,
) {
    let keep_slope = !slope.is_empty();
    for (row, x) in x.chunks_exact_mut(columns).enumerate() {
        let slope = if keep_slope {
            &mut slope[row * columns..][..columns]
        } else {
            &mut [][..]
        };
        if !bias.is_empty() {
            let bias = &bias[..columns];
            for i in 0..columns {
                x[i] += bias[i];
            }
        }
        match (activation, keep_slope) {
            (Activation::Identity, _) => {}
            (Activation::Gelu, true) => {
                for i in 0..columns {
                    (x[i], slope[i]) = math::gelu(x[i]);
                }
            }
            (Activation::Gelu, false) => {
                for i in 0..columns {
                    x[i] = math::gelu(x[i]).0;
                }
            }
            (Activation::GeluTanh, true) => {
                for i in 0..columns {
                    (x[i], slope[i]) = math::gelu_tanh(x[i]);
                }
            }
            (Activation::GeluTanh, false) => {
                for i in 0..columns {
                    x[i] = math::gelu_tanh(x[i]).0;
                }
            }
            (Activation::Tanh, _) => {
                for i in 0..columns {
                    x[i] = math::tanh(x[i]);
                }
                for (slope, y) in slope.iter_mut().zip(x.iter()) {
                    *slope = 1.0 - y * y;
                }
            }
            (Activation::Relu, _) => {
                for i in 0..columns {
                    x[i] = x[i].max(0.0);
                }
                for (slope, y) in slope.iter_mut().zip(x.iter()) {
                    *slope = if *y > 0.0 { 1.0 } else { 0.0 };
                }
            }
        }
    }
}

/// `x = activation(x + bias)` in place, rows of `columns`; `bias` may be empty (none), `slope` receives the derivative
/// (or is empty).
pub fn bias_activation(
    x: &mut [f32],
    slope: &mut [f32],
    columns: usize,
    bias: &[f32],
    activation: Activation,
) {
    let slope_columns = if slope.is_empty() { 0 } else { columns };
    parallel::for_row_pairs(x, columns, slope, slope_columns, |_, x, slope| {
        bias_activation_block(x, slope, columns, bias, activation);
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn scale_and_sum_block(dy: &mut [f32], slope: &[f32], sums: &mut [f32]) {
    let columns = sums.len();
    for (row, dy) in dy.chunks_exact_mut(columns).enumerate() {
        if slope.is_empty() {
            for i in 0..columns {
                sums[i] += dy[i];
            }
        } else {
            let slope = &slope[row * columns..][..columns];
            for i in 0..columns {
                dy[i] *= slope[i];
                sums[i] += dy[i];
            }
        }
    }
}

/// The way back of [`bias_activation`]: `dy *= slope` in place (as it is when `slope` is empty), and the sums of the
/// columns are added to `bias_gradient`.
pub fn bias_activation_backward(dy: &mut [f32], slope: &[f32], bias_gradient: &mut [f32]) {
    let columns = bias_gradient.len();
    parallel::for_rows_with_sums(dy, columns, bias_gradient, |rows, dy, sums| {
        let slope = if slope.is_empty() {
            slope
        } else {
            &slope[rows.start * columns..rows.end * columns]
        };
        scale_and_sum_block(dy, slope, sums);
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn dropout_block(x: &mut [f32], mask: DropoutMask, first: u32) {
    for (i, x) in x.iter_mut().enumerate() {
        *x *= mask.factor(first.wrapping_add(i as u32));
    }
}

/// `x *= mask` in place: dropout, and its way back.
pub fn dropout(x: &mut [f32], mask: DropoutMask) {
    if !mask.keeps_all() {
        parallel::for_rows(x, 1, |rows, block| dropout_block(block, mask, rows.start as u32));
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn gated_block(x: &[f32], y: &mut [f32], activation: Activation) {
    let columns = y.len();
    let (value, gate) = (&x[..columns], &x[columns..2 * columns]);
    match activation {
        Activation::GeluTanh => (0..columns).for_each(|i| y[i] = math::gelu_tanh(value[i]).0 * gate[i]),
        _ => (0..columns).for_each(|i| y[i] = math::gelu(value[i]).0 * gate[i]),
    }
}

/// `y = gelu(first half of x) * second half of x` by rows of `2 * columns` and `columns`.
pub fn gated(x: &[f32], y: &mut [f32], columns: usize, activation: Activation) {
    parallel::for_rows(y, columns, |rows, y| {
        for (row, y) in rows.zip(y.chunks_exact_mut(columns)) {
            gated_block(&x[row * 2 * columns..][..2 * columns], y, activation);
        }
    });
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn gated_backward_block(x: &[f32], dy: &[f32], dx: &mut [f32], activation: Activation) {
    let columns = dy.len();
    let (value, gate) = (&x[..columns], &x[columns..2 * columns]);
    let (d_value, d_gate) = dx.split_at_mut(columns);
    let d_gate = &mut d_gate[..columns];
    for i in 0..columns {
        let (y, slope) = match activation {
            Activation::GeluTanh => math::gelu_tanh(value[i]),
            _ => math::gelu(value[i]),
        };
        d_value[i] = dy[i] * gate[i] * slope;
        d_gate[i] = dy[i] * y;
    }
}

/// The way back of [`gated`].
pub fn gated_backward(x: &[f32], dy: &[f32], dx: &mut [f32], columns: usize, activation: Activation) {
    parallel::for_rows(dx, 2 * columns, |rows, dx| {
        for (row, dx) in rows.zip(dx.chunks_exact_mut(2 * columns)) {
            gated_backward_block(
                &x[row * 2 * columns..][..2 * columns],
                &dy[row * columns..][..columns],
                dx,
                activation,
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn dropout_does_not_depend_on_how_rows_are_divided() {
        let mask = DropoutMask::new(Key::new(1), 0.3);
        let mut whole = vec![1.0; 100_000];
        dropout(&mut whole, mask);
        for (i, x) in whole.iter().enumerate() {
            assert_eq!(*x, mask.factor(i as u32));
        }
    }

    #[test]
    fn the_slope_of_every_activation_is_its_derivative() {
        let bias = [0.3_f32, -0.2, 0.0];
        for activation in [
            Activation::Identity,
            Activation::Gelu,
            Activation::GeluTanh,
            Activation::Tanh,
            Activation::Relu,
        ] {
            let at = |x: f32| {
                let mut y = vec![x; 3];
                bias_activation(&mut y, &mut [], 3, &bias, activation);
                y
            };
            let mut y = vec![0.7; 3];
            let mut slope = vec![0.0; 3];
            bias_activation(&mut y, &mut slope, 3, &bias, activation);
            assert_eq!(y, at(0.7), "the value is the same with and without the slope");
            let mut dy = vec![1.0; 3];
            let mut bias_gradient = vec![0.0; 3];
            let slope = if activation == Activation::Identity {
                &[][..]
            } else {
                &slope[..]
            };
            bias_activation_backward(&mut dy, slope, &mut bias_gradient);
            for i in 0..3 {
                let difference = (at(0.71)[i] - at(0.69)[i]) / 0.02;
                assert!((dy[i] - difference).abs() < 1e-3, "{activation:?}");
                assert_eq!(dy[i], bias_gradient[i]);
            }
        }
    }
}
