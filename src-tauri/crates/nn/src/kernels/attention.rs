//! Softmax attention within one sequence and one head, on rows of a packed query-key-value matrix.
//!
//! The probabilities are not kept for the backward pass: it computes them again from the same inputs with the same
//! kernel, which costs one small product and saves `heads × length²` numbers a sequence.

use multiversion::multiversion;

use super::math;
use super::matmul::{Threads, View, ViewMut, matmul};
use crate::random::DropoutMask;

/// What one call works on.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Rows of this sequence, `[length, row_stride]`, each holding query, key and value of all heads.
    pub qkv: &'a [f32],
    /// Bias of the same columns, `[row_stride]`.
    pub bias: &'a [f32],
    /// Number of tokens.
    pub length: usize,
    /// Length of a row of `qkv`: 3 × hidden size.
    pub row_stride: usize,
    /// First column of this head's query; key and value lie `row_stride / 3` and twice that further on.
    pub column: usize,
    /// Size of a head.
    pub size: usize,
    /// Dropout of the probabilities.
    pub mask: DropoutMask,
    /// Index of this head's first probability in the mask's stream.
    pub mask_start: u32,
}

/// Buffers of one thread, kept from call to call.
#[derive(Default)]
pub struct Scratch {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    probabilities: Vec<f32>,
    dropped: Vec<f32>,
    gradient: Vec<f32>,
    out: Vec<f32>,
}

impl Head<'_> {
    /// Copies one of query (0), key (1), value (2) with its bias into `[length, size]`, times `factor`.
    fn gather(&self, which: usize, factor: f32, out: &mut Vec<f32>) {
        let column = self.column + which * self.row_stride / 3;
        let bias = &self.bias[column..column + self.size];
        out.clear();
        for row in 0..self.length {
            let x = &self.qkv[row * self.row_stride + column..][..self.size];
            out.extend(x.iter().zip(bias).map(|(x, b)| (x + b) * factor));
        }
    }

    fn scale(&self) -> f32 {
        1.0 / (self.size as f32).sqrt()
    }

    /// Fills `q` (scaled), `k`, `v` and the probabilities before dropout.
    fn probabilities(&self, scratch: &mut Scratch) {
        self.gather(0, self.scale(), &mut scratch.q);
        self.gather(1, 1.0, &mut scratch.k);
        self.gather(2, 1.0, &mut scratch.v);
        let (n, d) = (self.length, self.size);
        scratch.probabilities.resize(n * n, 0.0);
        let (q, k) = (View::dense(&scratch.q, n, d), View::dense(&scratch.k, n, d));
        matmul(
            q,
            k.t(),
            ViewMut::dense(&mut scratch.probabilities, n, n),
            false,
            Threads::One,
        );
        softmax_rows(&mut scratch.probabilities, n);
    }

    /// The probabilities after dropout.
    fn dropped<'s>(&self, probabilities: &'s [f32], dropped: &'s mut Vec<f32>) -> &'s [f32] {
        if self.mask.keeps_all() {
            return probabilities;
        }
        dropped.resize(probabilities.len(), 0.0);
        apply_mask(dropped, probabilities, self.mask, self.mask_start);
        dropped
    }

    /// Writes this head's context to `out` (`[length, size]`).
    pub fn forward(&self, out: ViewMut, scratch: &mut Scratch) {
        self.probabilities(scratch);
        let (n, d) = (self.length, self.size);
        let probabilities = self.dropped(&scratch.probabilities, &mut scratch.dropped);
        matmul(
            View::dense(probabilities, n, n),
            View::dense(&scratch.v, n, d),
            out,
            false,
            Threads::One,
        );
    }

    /// From the gradient of this head's context (`[length, size]`) to those of its query, key and value.
    pub fn backward(&self, d_context: View, d_qkv: [ViewMut; 3], scratch: &mut Scratch) {
        self.probabilities(scratch);
        let (n, d) = (self.length, self.size);
        let [mut d_query, d_key, d_value] = d_qkv;
        let Scratch {
            q,
            k,
            v,
            probabilities,
            dropped,
            gradient,
            out,
        } = scratch;
        gradient.resize(n * n, 0.0);
        matmul(
            d_context,
            View::dense(v, n, d).t(),
            ViewMut::dense(gradient, n, n),
            false,
            Threads::One,
        );
        let after_dropout = View::dense(self.dropped(probabilities, dropped), n, n);
        matmul(after_dropout.t(), d_context, d_value, false, Threads::One);
        if !self.mask.keeps_all() {
            mask_in_place(gradient, self.mask, self.mask_start);
        }
        softmax_rows_backward(gradient, probabilities, n);
        // The query was scaled when it was gathered: the key's gradient needs no factor, the query's does.
        let gradient = View::dense(gradient, n, n);
        matmul(gradient.t(), View::dense(q, n, d), d_key, false, Threads::One);
        out.resize(n * d, 0.0);
        matmul(
            gradient,
            View::dense(k, n, d),
            ViewMut::dense(out, n, d),
            false,
            Threads::One,
        );
        for (row, x) in out.chunks_exact(d).enumerate() {
            for (to, x) in d_query.row(row).iter_mut().zip(x) {
                *to = x * self.scale();
            }
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn softmax_rows(x: &mut [f32], columns: usize) {
    for row in x.chunks_exact_mut(columns) {
        let mut largest = [f32::NEG_INFINITY; math::LANES];
        let mut chunks = row.chunks_exact(math::LANES);
        for chunk in &mut chunks {
            for lane in 0..math::LANES {
                largest[lane] = if chunk[lane] > largest[lane] {
                    chunk[lane]
                } else {
                    largest[lane]
                };
            }
        }
        let largest = largest
            .iter()
            .chain(chunks.remainder())
            .fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        for x in row.iter_mut() {
            *x = math::exp(*x - largest);
        }
        let inverse = 1.0 / math::sum(columns, |i| row[i]);
        for x in row.iter_mut() {
            *x *= inverse;
        }
    }
}

/// `d = p * (d - Σ d p)` by rows.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn softmax_rows_backward(d: &mut [f32], p: &[f32], columns: usize) {
    for (d, p) in d.chunks_exact_mut(columns).zip(p.chunks_exact(columns)) {
        let inner = math::sum(columns, |i| d[i] * p[i]);
        for i in 0..columns {
            d[i] = p[i] * (d[i] - inner);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn apply_mask(out: &mut [f32], x: &[f32], mask: DropoutMask, first: u32) {
    for (i, (out, x)) in out.iter_mut().zip(x).enumerate() {
        *out = x * mask.factor(first.wrapping_add(i as u32));
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn mask_in_place(x: &mut [f32], mask: DropoutMask, first: u32) {
    for (i, x) in x.iter_mut().enumerate() {
        *x *= mask.factor(first.wrapping_add(i as u32));
    }
}
