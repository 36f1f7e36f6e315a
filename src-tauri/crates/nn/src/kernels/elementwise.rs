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
fn bias_activation_block(x: &mut [f32], slope: &mut [f32], bias: &[f32], activation: Activation) {
    let columns = bias.len();
    let keep_slope = !slope.is_empty();
    for (row, x) in x.chunks_exact_mut(columns).enumerate() {
        let slope = if keep_slope {
            &mut slope[row * columns..][..columns]
        } else {
            &mut [][..]
        };
        match (activation, keep_slope) {
            (Activation::Identity, _) => {
                for i in 0..columns {
                    x[i] += bias[i];
                }
            }
            (Activation::Gelu, true) => {
                for i in 0..columns {
                    (x[i], slope[i]) = math::gelu(x[i] + bias[i]);
                }
            }
            (Activation::Gelu, false) => {
                for i in 0..columns {
                    x[i] = math::gelu(x[i] + bias[i]).0;
                }
            }
            (Activation::Tanh, _) => {
                for i in 0..columns {
                    x[i] = math::tanh(x[i] + bias[i]);
                }
                for (slope, y) in slope.iter_mut().zip(x.iter()) {
                    *slope = 1.0 - y * y;
                }
            }
            (Activation::Relu, _) => {
                for i in 0..columns {
                    x[i] = (x[i] + bias[i]).max(0.0);
                }
                for (slope, y) in slope.iter_mut().zip(x.iter()) {
                    *slope = if *y > 0.0 { 1.0 } else { 0.0 };
                }
            }
        }
    }
}

/// `x = activation(x + bias)` in place, rows of `bias.len()`; `slope` receives the derivative (or is empty).
pub fn bias_activation(x: &mut [f32], slope: &mut [f32], bias: &[f32], activation: Activation) {
    let columns = bias.len();
    let slope_columns = if slope.is_empty() { 0 } else { columns };
    parallel::for_row_pairs(x, columns, slope, slope_columns, |_, x, slope| {
        bias_activation_block(x, slope, bias, activation);
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
            Activation::Tanh,
            Activation::Relu,
        ] {
            let at = |x: f32| {
                let mut y = vec![x; 3];
                bias_activation(&mut y, &mut [], &bias, activation);
                y
            };
            let mut y = vec![0.7; 3];
            let mut slope = vec![0.0; 3];
            bias_activation(&mut y, &mut slope, &bias, activation);
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
