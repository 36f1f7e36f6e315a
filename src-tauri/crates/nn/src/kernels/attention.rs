//! Softmax attention within one sequence and one head, on rows of a packed query-key-value matrix.
//!
//! The probabilities are not kept for the backward pass: it computes them again from the same inputs with the same
//! kernel, which costs one small product and saves `heads × length²` numbers a sequence. Queries are handled in blocks
//! of [`BLOCK`] rows, so that memory grows with the length and not with its square.

use std::ops::Range;

use multiversion::multiversion;

use super::math;
use super::matmul::{Precision, Threads, View, ViewMut, matmul};
use crate::random::DropoutMask;

/// Queries that are handled at once.
const BLOCK: usize = 512;

/// A score that makes a probability vanish.
const NEVER: f32 = -1e30;

/// A score so far below the largest of its row counts for nothing: e^-50 is 2e-22 of it. Smaller shares, and what is multiplied
/// with them, would turn subnormal, over which Intel's processors take many times as long.
const VANISHES: f32 = -50.0;

/// What one call works on.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Rows of this sequence, `[length, row_stride]`, each holding query, key and value of all heads.
    pub qkv: &'a [f32],
    /// Bias of the same columns, `[row_stride]`, or empty.
    pub bias: &'a [f32],
    /// Number of tokens.
    pub length: usize,
    /// Length of a row of `qkv`: 3 × hidden size.
    pub row_stride: usize,
    /// First column of this head's query; key and value lie `row_stride / 3` and twice that further on.
    pub column: usize,
    /// Size of a head.
    pub size: usize,
    /// Factor of the scores.
    pub scale: f32,
    /// Tokens further apart than this do not see each other.
    pub window: Option<usize>,
    /// Cosines and sines by which queries and keys are turned, or none.
    pub rotation: Option<Rotation<'a>>,
    /// What the distance of two tokens adds to their score.
    pub distances: Distances<'a>,
    /// Dropout of the probabilities.
    pub mask: DropoutMask,
    /// Index of this head's first probability in the mask's stream.
    pub mask_start: u32,
    /// In what numbers products are computed.
    pub precision: Precision,
}

/// Rotary position embeddings (Su et al. 2021): number `i` and number `i + size / 2` of a query or key are turned by
/// the angle `position × θ^(-2i / size)`.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'a> {
    /// Cosine of each position's angles, `[positions, size / 2]`.
    pub cosines: &'a [f32],
    /// Sine of the same.
    pub sines: &'a [f32],
}

/// What the distance of two tokens adds to their score.
#[derive(Debug, Clone, Copy)]
pub enum Distances<'a> {
    /// Nothing.
    None,
    /// A number for each distance (T5, MPNet): for a query at `i` and a key at `j`, `bias[j - i + centre]`.
    Bias {
        /// Numbers by distance.
        bias: &'a [f32],
        /// Place of distance 0.
        centre: usize,
    },
    /// Products with embeddings of the distance (DeBERTa: content to position and position to content).
    Disentangled(Disentangled<'a>),
}

/// Embeddings of distances, projected to a key and a query.
#[derive(Debug, Clone, Copy)]
pub struct Disentangled<'a> {
    /// `[places, stride]`: query of all heads, then key of all heads.
    pub rows: &'a [f32],
    /// Bias of the same columns (the query's and the key's), or empty.
    pub bias: &'a [f32],
    /// Length of a row: 2 × hidden size.
    pub stride: usize,
    /// Row of each distance: for a query at `i` and a key at `j`, `places[i - j + centre]`; rises with the distance.
    pub places: &'a [u32],
    /// Place of distance 0.
    pub centre: usize,
}

impl Disentangled<'_> {
    fn place(&self, query: usize, key: usize) -> usize {
        self.places[query + self.centre - key] as usize
    }

    /// The rows that a sequence of this length needs.
    fn range(&self, length: usize) -> Range<usize> {
        self.place(0, length - 1)..self.place(length - 1, 0) + 1
    }
}

/// Where the gradients of [`Distances`] are added.
pub enum DistanceGradients<'a> {
    /// There are none.
    None,
    /// As long as the bias by distance.
    Bias(&'a mut [f32]),
    /// Of this head's columns: gradient of the query rows, then of the key rows, each `[places, size]`.
    Disentangled(&'a mut [f32], &'a mut [f32]),
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
    /// Gradients of query, key and value, `[3, length, size]`.
    out: Vec<f32>,
    /// Products with embeddings of distances.
    far: Far,
}

/// What [`Distances::Disentangled`] needs besides.
#[derive(Default)]
struct Far {
    query_rows: Vec<f32>,
    key_rows: Vec<f32>,
    by_query: Vec<f32>,
    by_key: Vec<f32>,
    d_by_query: Vec<f32>,
    d_by_key: Vec<f32>,
}

impl Head<'_> {
    /// Copies one of query (0), key (1), value (2) with its bias into `[length, size]`, times `factor`.
    fn gather(&self, which: usize, factor: f32, out: &mut Vec<f32>) {
        let column = self.column + which * self.row_stride / 3;
        let rows = self.qkv.chunks_exact(self.row_stride);
        gather_rows(rows, self.bias, column, self.size, factor, out);
        if let Some(rotation) = self.rotation
            && which < 2
        {
            rotate(out, self.size, rotation, 1.0);
        }
    }

    /// The queries that are handled at once, and the keys that they see.
    fn blocks(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + use<> {
        let (length, window) = (self.length, self.window);
        // A narrow window pays for narrow blocks.
        let block = window.map_or(BLOCK, |window| window.clamp(32, BLOCK));
        (0..length).step_by(block).map(move |start| {
            let end = (start + block).min(length);
            let keys = match window {
                Some(window) => start.saturating_sub(window)..(end + window).min(length),
                None => 0..length,
            };
            (start..end, keys)
        })
    }

    /// Fills `q` (scaled), `k`, `v` and what the distances need.
    fn prepare(&self, scratch: &mut Scratch) {
        self.gather(0, self.scale, &mut scratch.q);
        self.gather(1, 1.0, &mut scratch.k);
        self.gather(2, 1.0, &mut scratch.v);
        let Distances::Disentangled(far) = self.distances else {
            return;
        };
        let (n, d, range) = (self.length, self.size, far.range(self.length));
        let rows = far.rows[range.start * far.stride..range.end * far.stride].chunks_exact(far.stride);
        let f = &mut scratch.far;
        gather_rows(rows.clone(), far.bias, self.column, d, 1.0, &mut f.query_rows);
        let key_column = self.column + far.stride / 2;
        gather_rows(rows, far.bias, key_column, d, 1.0, &mut f.key_rows);
        let places = range.len();
        for (x, rows, out) in [
            (&scratch.q, &f.key_rows, &mut f.by_query),
            (&scratch.k, &f.query_rows, &mut f.by_key),
        ] {
            out.resize(n * places, 0.0);
            let rows = View::dense(rows, places, d).t();
            self.product(View::dense(x, n, d), rows, ViewMut::dense(out, n, places), false);
        }
    }

    fn product(&self, a: View, b: View, out: ViewMut, accumulate: bool) {
        matmul(a, b, out, accumulate, Threads::One, self.precision);
    }

    /// Fills the probabilities of some queries over some keys, before dropout.
    fn probabilities(&self, queries: &Range<usize>, keys: &Range<usize>, scratch: &mut Scratch) {
        let d = self.size;
        let (rows, columns) = (queries.len(), keys.len());
        scratch.probabilities.resize(rows * columns, 0.0);
        self.product(
            View::dense(&scratch.q[queries.start * d..], rows, d),
            View::dense(&scratch.k[keys.start * d..], columns, d).t(),
            ViewMut::dense(&mut scratch.probabilities, rows, columns),
            false,
        );
        let scores = queries
            .clone()
            .zip(scratch.probabilities.chunks_exact_mut(columns));
        match self.distances {
            Distances::None => {}
            Distances::Bias { bias, centre } => {
                for (i, row) in scores {
                    let bias = &bias[keys.start + centre - i..][..columns];
                    row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
                }
            }
            Distances::Disentangled(far) => {
                let range = far.range(self.length);
                let f = &scratch.far;
                for (i, row) in scores {
                    let by_query = &f.by_query[i * range.len()..][..range.len()];
                    for (j, x) in keys.clone().zip(row) {
                        let place = far.place(i, j) - range.start;
                        *x += by_query[place] + self.scale * f.by_key[j * range.len() + place];
                    }
                }
            }
        }
        if let Some(window) = self.window {
            let scores = queries
                .clone()
                .zip(scratch.probabilities.chunks_exact_mut(columns));
            for (i, row) in scores {
                let before = i.saturating_sub(window).saturating_sub(keys.start);
                let after = (i + window + 1).saturating_sub(keys.start).min(columns);
                row[..before].fill(NEVER);
                row[after..].fill(NEVER);
            }
        }
        softmax_rows(&mut scratch.probabilities, columns);
    }

    /// The probabilities after dropout.
    fn dropped<'s>(
        &self,
        queries: &Range<usize>,
        keys: &Range<usize>,
        probabilities: &'s [f32],
        dropped: &'s mut Vec<f32>,
    ) -> &'s [f32] {
        if self.mask.keeps_all() {
            return probabilities;
        }
        dropped.resize(probabilities.len(), 0.0);
        let rows = dropped
            .chunks_exact_mut(keys.len())
            .zip(probabilities.chunks_exact(keys.len()));
        for (i, (out, x)) in queries.clone().zip(rows) {
            apply_mask(out, x, self.mask, self.mask_index(i, keys.start));
        }
        dropped
    }

    fn mask_index(&self, query: usize, key: usize) -> u32 {
        self.mask_start.wrapping_add((query * self.length + key) as u32)
    }

    /// Writes this head's context to `out` (`[length, size]`).
    pub fn forward(&self, mut out: ViewMut, scratch: &mut Scratch) {
        self.prepare(scratch);
        let d = self.size;
        for (queries, keys) in self.blocks() {
            self.probabilities(&queries, &keys, scratch);
            let Scratch {
                v,
                probabilities,
                dropped,
                ..
            } = scratch;
            let p = self.dropped(&queries, &keys, probabilities, dropped);
            let p = View::dense(p, queries.len(), keys.len());
            let v = View::dense(&v[keys.start * d..], keys.len(), d);
            self.product(p, v, out.rows(queries), false);
        }
    }

    /// From the gradient of this head's context (`[length, size]`) to those of its query, key and value, and of what
    /// the distances added.
    pub fn backward(
        &self,
        d_context: View,
        d_qkv: [ViewMut; 3],
        mut d_distances: DistanceGradients,
        scratch: &mut Scratch,
    ) {
        self.prepare(scratch);
        let (n, d) = (self.length, self.size);
        if let Distances::Disentangled(far) = self.distances {
            let numbers = n * far.range(n).len();
            for sums in [&mut scratch.far.d_by_query, &mut scratch.far.d_by_key] {
                sums.clear();
                sums.resize(numbers, 0.0);
            }
        }
        scratch.out.clear();
        scratch.out.resize(3 * n * d, 0.0);
        for (queries, keys) in self.blocks() {
            self.probabilities(&queries, &keys, scratch);
            self.block_backward(&queries, &keys, d_context, &mut d_distances, scratch);
        }
        self.distances_backward(d_distances, scratch);
        for (which, mut to) in d_qkv.into_iter().enumerate() {
            let gradient = &mut scratch.out[which * n * d..][..n * d];
            if let Some(rotation) = self.rotation
                && which < 2
            {
                rotate(gradient, d, rotation, -1.0);
            }
            // The query was scaled when it was gathered: the key's gradient needs no factor, the query's does.
            let factor = if which == 0 { self.scale } else { 1.0 };
            for (row, x) in gradient.chunks_exact(d).enumerate() {
                to.row(row).iter_mut().zip(x).for_each(|(to, x)| *to = x * factor);
            }
        }
    }

    fn block_backward(
        &self,
        queries: &Range<usize>,
        keys: &Range<usize>,
        d_context: View,
        d_distances: &mut DistanceGradients,
        scratch: &mut Scratch,
    ) {
        let (n, d) = (self.length, self.size);
        let (rows, columns) = (queries.len(), keys.len());
        let Scratch {
            q,
            k,
            v,
            probabilities,
            dropped,
            gradient,
            out,
            far,
        } = scratch;
        let d_context = d_context.rows(queries.clone());
        gradient.resize(rows * columns, 0.0);
        let values = View::dense(&v[keys.start * d..], columns, d);
        self.product(
            d_context,
            values.t(),
            ViewMut::dense(gradient, rows, columns),
            false,
        );
        let (d_query, rest) = out.split_at_mut(n * d);
        let (d_key, d_value) = rest.split_at_mut(n * d);
        let after_dropout = View::dense(self.dropped(queries, keys, probabilities, dropped), rows, columns);
        let d_value = ViewMut::dense(&mut d_value[keys.start * d..], columns, d);
        self.product(after_dropout.t(), d_context, d_value, true);
        if !self.mask.keeps_all() {
            for (i, row) in queries.clone().zip(gradient.chunks_exact_mut(columns)) {
                mask_in_place(row, self.mask, self.mask_index(i, keys.start));
            }
        }
        softmax_rows_backward(gradient, probabilities, columns);
        self.scores_backward(queries, keys, gradient, d_distances, far);
        let gradient = View::dense(gradient, rows, columns);
        let queries_of_block = View::dense(&q[queries.start * d..], rows, d);
        let d_key = ViewMut::dense(&mut d_key[keys.start * d..], columns, d);
        self.product(gradient.t(), queries_of_block, d_key, true);
        let d_query = ViewMut::dense(&mut d_query[queries.start * d..], rows, d);
        self.product(
            gradient,
            View::dense(&k[keys.start * d..], columns, d),
            d_query,
            true,
        );
    }

    /// Adds the gradient of scores to that of what the distances added to them.
    fn scores_backward(
        &self,
        queries: &Range<usize>,
        keys: &Range<usize>,
        gradient: &[f32],
        d_distances: &mut DistanceGradients,
        scratch: &mut Far,
    ) {
        let columns = keys.len();
        let rows = queries.clone().zip(gradient.chunks_exact(columns));
        match (self.distances, d_distances) {
            (Distances::Bias { centre, .. }, DistanceGradients::Bias(sums)) => {
                for (i, row) in rows {
                    let sums = &mut sums[keys.start + centre - i..][..columns];
                    sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
                }
            }
            (Distances::Disentangled(far), _) => {
                let range = far.range(self.length);
                for (i, row) in rows {
                    for (j, x) in keys.clone().zip(row) {
                        let place = far.place(i, j) - range.start;
                        scratch.d_by_query[i * range.len() + place] += x;
                        scratch.d_by_key[j * range.len() + place] += self.scale * x;
                    }
                }
            }
            _ => {}
        }
    }

    /// From the gradients of the products with embeddings of distances to those of query, key and the embeddings.
    fn distances_backward(&self, d_distances: DistanceGradients, scratch: &mut Scratch) {
        let (Distances::Disentangled(far), DistanceGradients::Disentangled(d_query_rows, d_key_rows)) =
            (self.distances, d_distances)
        else {
            return;
        };
        let (n, d, range) = (self.length, self.size, far.range(self.length));
        let places = range.len();
        let Scratch { q, k, out, far, .. } = scratch;
        let (d_query, rest) = out.split_at_mut(n * d);
        let d_key = &mut rest[..n * d];
        for (gradient, x, d_x, rows, d_rows) in [
            (&far.d_by_query, q, d_query, &far.key_rows, d_key_rows),
            (&far.d_by_key, k, d_key, &far.query_rows, d_query_rows),
        ] {
            let gradient = View::dense(gradient, n, places);
            let rows = View::dense(rows, places, d);
            self.product(gradient, rows, ViewMut::dense(d_x, n, d), true);
            let d_rows = ViewMut::dense(&mut d_rows[range.start * d..range.end * d], places, d);
            self.product(gradient.t(), View::dense(x, n, d), d_rows, true);
        }
    }
}

/// Copies `size` columns of rows, plus their bias (if there is one), times a factor.
fn gather_rows<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    bias: &[f32],
    column: usize,
    size: usize,
    factor: f32,
    out: &mut Vec<f32>,
) {
    out.clear();
    for row in rows {
        let x = &row[column..column + size];
        match bias.get(column..column + size) {
            Some(bias) => out.extend(x.iter().zip(bias).map(|(x, b)| (x + b) * factor)),
            None => out.extend(x.iter().map(|x| x * factor)),
        }
    }
}

/// Turns every row by its position's angles, or back when `direction` is -1.
fn rotate(rows: &mut [f32], size: usize, rotation: Rotation, direction: f32) {
    let half = size / 2;
    for (position, row) in rows.chunks_exact_mut(size).enumerate() {
        let (first, second) = row.split_at_mut(half);
        let cosines = &rotation.cosines[position * half..][..half];
        let sines = &rotation.sines[position * half..][..half];
        for i in 0..half {
            let (x, y, sine) = (first[i], second[i], direction * sines[i]);
            first[i] = x * cosines[i] - y * sine;
            second[i] = y * cosines[i] + x * sine;
        }
    }
}

/// One query of a sequence over all of its keys: what the first token of a last layer needs.
#[derive(Clone, Copy)]
pub struct SingleQuery<'a> {
    /// This head's query with its bias, `[size]`.
    pub query: &'a [f32],
    /// Rows of this sequence, `[length, row_stride]`, each holding key and value of all heads, without their bias.
    pub kv: &'a [f32],
    /// Bias of this head's value, `[size]`, or empty. (That of the key adds the same to all scores: nothing.)
    pub value_bias: &'a [f32],
    /// Length of a row of `kv`: 2 × hidden size.
    pub row_stride: usize,
    /// First column of this head's key; its value lies `row_stride / 2` further on.
    pub column: usize,
    /// Dropout of the probabilities.
    pub mask: DropoutMask,
    /// Index of this head's first probability in the mask's stream.
    pub mask_start: u32,
}

impl SingleQuery<'_> {
    fn scale(&self) -> f32 {
        1.0 / (self.query.len() as f32).sqrt()
    }

    fn probabilities(&self, out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.kv.len() / self.row_stride, 0.0);
        let keys = &self.kv[self.column..];
        row_products(out, keys, self.row_stride, self.query, self.scale());
        let length = out.len();
        softmax_rows(out, length);
    }

    fn dropped(&self, probabilities: &[f32], out: &mut Vec<f32>) {
        out.resize(probabilities.len(), 0.0);
        apply_mask(out, probabilities, self.mask, self.mask_start);
    }

    /// Writes this head's context, `[size]`.
    pub fn forward(&self, out: &mut [f32], scratch: &mut Scratch) {
        self.probabilities(&mut scratch.probabilities);
        self.dropped(&scratch.probabilities, &mut scratch.dropped);
        out.fill(0.0);
        add_rows(
            out,
            &self.kv[self.column + self.row_stride / 2..],
            self.row_stride,
            &scratch.dropped,
        );
        let total: f32 = scratch.dropped.iter().sum();
        out.iter_mut()
            .zip(self.value_bias)
            .for_each(|(y, b)| *y += total * b);
    }

    /// From the gradient of the context to those of the query (`[size]`), and of key and value (`[length, size]` each).
    /// Returns the sum of the probabilities after dropout: the value's bias has `d_context` times this as gradient.
    pub fn backward(
        &self,
        d_context: &[f32],
        d_query: &mut [f32],
        mut d_key: ViewMut,
        mut d_value: ViewMut,
        scratch: &mut Scratch,
    ) -> f32 {
        self.probabilities(&mut scratch.probabilities);
        self.dropped(&scratch.probabilities, &mut scratch.dropped);
        let Scratch {
            probabilities,
            dropped,
            gradient,
            ..
        } = scratch;
        let bias: f32 = d_context.iter().zip(self.value_bias).map(|(d, b)| d * b).sum();
        gradient.clear();
        gradient.resize(probabilities.len(), 0.0);
        let values = &self.kv[self.column + self.row_stride / 2..];
        row_products(gradient, values, self.row_stride, d_context, 1.0);
        gradient.iter_mut().for_each(|x| *x += bias);
        mask_in_place(gradient, self.mask, self.mask_start);
        softmax_rows_backward(gradient, probabilities, probabilities.len());
        d_query.fill(0.0);
        gradient.iter_mut().for_each(|x| *x *= self.scale());
        add_rows(d_query, &self.kv[self.column..], self.row_stride, gradient);
        for (token, (&score, &p)) in gradient.iter().zip(dropped.iter()).enumerate() {
            let rows = d_key.row(token).iter_mut().zip(self.query);
            rows.for_each(|(to, q)| *to = score * q);
            let rows = d_value.row(token).iter_mut().zip(d_context);
            rows.for_each(|(to, d)| *to = p * d);
        }
        dropped.iter().sum()
    }
}

/// `out[t] = factor × Σ rows[t] x` over the first numbers of rows that lie `stride` apart.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn row_products(out: &mut [f32], rows: &[f32], stride: usize, x: &[f32], factor: f32) {
    for (token, out) in out.iter_mut().enumerate() {
        let row = &rows[token * stride..][..x.len()];
        *out = factor * math::sum(x.len(), |i| row[i] * x[i]);
    }
}

/// `out += Σ factors[t] rows[t]`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+avx2+fma", "x86_64+avx2+fma"))]
fn add_rows(out: &mut [f32], rows: &[f32], stride: usize, factors: &[f32]) {
    for (token, factor) in factors.iter().enumerate() {
        let row = &rows[token * stride..][..out.len()];
        out.iter_mut()
            .zip(row)
            .for_each(|(y, x)| *y = x.mul_add(*factor, *y));
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
            let below = *x - largest;
            *x = if below < VANISHES { 0.0 } else { math::exp(below) };
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
