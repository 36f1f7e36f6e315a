//! Matrix products over strided views: through [`super::f32`] on x86-64, through [`super::bf16`] where operands may be rounded and the
//! processor has the instructions, and through the `gemm` crate on other processors.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::OnceLock;
use std::time::Instant;

use serde::{Deserialize, Serialize};

#[cfg(target_arch = "x86_64")]
use super::operand::{Operand, Target};
#[cfg(target_arch = "x86_64")]
use super::{bf16, parallel};

/// A matrix inside a slice: element `(i, j)` is `data[i * row_stride + j * column_stride]`.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// A row-major matrix `[rows, columns]` whose rows lie `row_stride` numbers apart.
    ///
    /// # Panics
    /// When the slice is too short.
    pub fn new(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(columns <= row_stride || rows <= 1);
        assert!(rows == 0 || columns == 0 || data.len() >= (rows - 1) * row_stride + columns);
        View {
            data,
            rows,
            columns,
            row_stride,
            column_stride: 1,
        }
    }

    /// A dense row-major matrix `[rows, columns]`.
    pub fn dense(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::new(data, rows, columns, columns)
    }

    /// Some of the rows.
    ///
    /// # Panics
    /// When there are fewer.
    #[must_use]
    pub fn rows(self, rows: Range<usize>) -> Self {
        assert!(rows.end <= self.rows);
        View {
            data: &self.data[rows.start * self.row_stride..],
            rows: rows.len(),
            ..self
        }
    }

    /// The transpose, without moving anything.
    #[must_use]
    pub fn t(self) -> Self {
        View {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// A block of a row-major matrix to write to: rows lie `row_stride` numbers apart.
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: *mut f32,
    rows: usize,
    columns: usize,
    row_stride: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

// SAFETY: a `ViewMut` is a mutable borrow of numbers; where blocks are shared among threads, `block`'s contract
// keeps them disjoint.
unsafe impl Send for ViewMut<'_> {}
// SAFETY: as above; through `&ViewMut` only `block` can reach the numbers, under its contract.
unsafe impl Sync for ViewMut<'_> {}

impl<'a> ViewMut<'a> {
    /// A matrix `[rows, columns]` within a slice.
    ///
    /// # Panics
    /// When the slice is too short.
    pub fn new(data: &'a mut [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(columns <= row_stride || rows <= 1);
        assert!(rows == 0 || columns == 0 || data.len() >= (rows - 1) * row_stride + columns);
        ViewMut {
            data: data.as_mut_ptr(),
            rows,
            columns,
            row_stride,
            lifetime: PhantomData,
        }
    }

    /// A dense matrix `[rows, columns]`.
    pub fn dense(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        Self::new(data, rows, columns, columns)
    }

    /// The block of `rows` × `columns`.
    ///
    /// # Safety
    /// Blocks of one matrix that are in use at the same time must not overlap.
    ///
    /// # Panics
    /// When the block leaves the matrix.
    pub unsafe fn block(&self, rows: Range<usize>, columns: Range<usize>) -> ViewMut<'a> {
        assert!(rows.end <= self.rows && columns.end <= self.columns);
        // SAFETY: the block's first element lies within the matrix, by the assertion.
        let data = unsafe { self.data.add(rows.start * self.row_stride + columns.start) };
        ViewMut {
            data,
            rows: rows.len(),
            columns: columns.len(),
            row_stride: self.row_stride,
            lifetime: PhantomData,
        }
    }

    /// Some of the rows, while nothing else is written to.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn rows(&mut self, rows: Range<usize>) -> ViewMut<'_> {
        // SAFETY: the matrix is borrowed mutably as long as the block lives.
        unsafe { self.block(rows, 0..self.columns) }
    }

    /// One row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows);
        // SAFETY: the row lies within the matrix, and the block is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(row * self.row_stride), self.columns) }
    }
}

/// Whether a product may use all threads or stays on the calling one (inside work that is parallel already).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// All threads of the current pool.
    All,
    /// The calling thread.
    One,
}

/// In what numbers the operands of a product are multiplied. Results are always summed and kept in `f32`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// Rounded to bfloat16 where the processor has products of these; 32-bit floats elsewhere.
    Bf16,
}

impl Precision {
    /// Whether [`Precision::Bf16`] makes a difference on this processor.
    pub fn rounds_bf16() -> bool {
        #[cfg(target_arch = "x86_64")]
        return bf16::is_available();
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Whether it makes products faster, by trying it for some milliseconds the first time: having the instructions does not say so.
    /// AMD's Zen 4 and 5 multiply twice as many rounded numbers at a time, Intel's Xeons (without AMX) fewer than of the others.
    pub fn bf16_is_fast() -> bool {
        static IS_FAST: OnceLock<bool> = OnceLock::new();
        *IS_FAST.get_or_init(|| {
            Self::rounds_bf16() && {
                let [exact, rounded] = seconds_of_a_product([Precision::F32, Precision::Bf16]);
                exact > WORTH_ROUNDING * rounded
            }
        })
    }
}

/// How many times as fast products of rounded numbers must be: half the digits are not given up for little.
const WORTH_ROUNDING: f64 = 1.2;

/// The shortest of some times that a product like a small model's takes on one thread, in turn.
fn seconds_of_a_product(precisions: [Precision; 2]) -> [f64; 2] {
    const TOKENS: usize = 96;
    const HIDDEN: usize = 384;
    let (x, weight) = (vec![0.5; TOKENS * HIDDEN], vec![0.25; HIDDEN * HIDDEN]);
    let mut y = vec![0.0; TOKENS * HIDDEN];
    let mut shortest = [f64::INFINITY; 2];
    for _ in 0..8 {
        for (precision, shortest) in precisions.into_iter().zip(&mut shortest) {
            let began = Instant::now();
            let (x, weight) = (
                View::dense(&x, TOKENS, HIDDEN),
                View::dense(&weight, HIDDEN, HIDDEN),
            );
            let y = ViewMut::dense(&mut y, TOKENS, HIDDEN);
            matmul(x, weight.t(), y, false, Threads::One, precision);
            *shortest = shortest.min(began.elapsed().as_secs_f64());
        }
    }
    shortest
}

/// `out = a b`, or `out += a b` when `accumulate`.
///
/// # Panics
/// When the dimensions do not agree.
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables))]
pub fn matmul(a: View, b: View, mut out: ViewMut, accumulate: bool, threads: Threads, precision: Precision) {
    assert_eq!(a.columns, b.rows, "inner dimensions");
    assert_eq!((a.rows, b.columns), (out.rows, out.columns), "outer dimensions");
    if a.rows == 0 || b.columns == 0 || (a.columns == 0 && accumulate) {
        return;
    }
    if a.columns == 0 {
        (0..out.rows).for_each(|row| out.row(row).fill(0.0));
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if precision == Precision::Bf16 && bf16::is_available() {
        // SAFETY: the instructions are there.
        let product = |m, n, k, a, b, out| unsafe { bf16::product(m, n, k, a, b, out) };
        return in_blocks(a, b, &out, accumulate, threads, [bf16::MR, bf16::NR], product);
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(product) = super::f32::fastest() {
        // SAFETY: the instructions are there.
        let product = |m, n, k, a, b, out| unsafe { product(m, n, k, a, b, out) };
        return in_blocks(a, b, &out, accumulate, threads, [super::f32::STEP; 2], product);
    }
    matmul_gemm(a, b, out, accumulate, threads);
}

/// Products of fewer multiplications than this stay on one thread.
#[cfg(target_arch = "x86_64")]
const WORTH_A_THREAD: usize = 1 << 19;

/// Into how many blocks of rows and of columns a product is cut, so that every thread has one and as little as
/// possible is packed twice.
#[cfg(target_arch = "x86_64")]
fn grid(m: usize, n: usize, k: usize, threads: usize) -> (usize, usize) {
    if threads == 1 || m * n * k < WORTH_A_THREAD {
        return (1, 1);
    }
    (1..=threads)
        .filter(|rows| threads.is_multiple_of(*rows))
        .map(|rows| (rows, threads / rows))
        .min_by_key(|(rows, columns)| rows * n + columns * m)
        .unwrap_or((1, 1))
}

/// Computes blocks of a product side by side, cut after so many rows and columns, with `product(m, n, k, a, b, out)`, which may rely
/// on its operands and target lying within their matrices.
#[cfg(target_arch = "x86_64")]
fn in_blocks(
    a: View,
    b: View,
    out: &ViewMut,
    accumulate: bool,
    threads: Threads,
    [row_step, column_step]: [usize; 2],
    product: impl Fn(usize, usize, usize, Operand, Operand, Target) + Sync + Send,
) {
    let (m, n, k) = (a.rows, b.columns, a.columns);
    let threads = match threads {
        Threads::All => rayon::current_num_threads(),
        Threads::One => 1,
    };
    let (row_blocks, column_blocks) = grid(m, n, k, threads);
    parallel::for_tasks(row_blocks * column_blocks, |task| {
        let rows = parallel::range_of_steps(m, row_step, row_blocks, task / column_blocks);
        let columns = parallel::range_of_steps(n, column_step, column_blocks, task % column_blocks);
        let a = Operand {
            data: a.data[rows.start * a.row_stride..].as_ptr(),
            lane: a.row_stride,
            inner: a.column_stride,
        };
        let b = Operand {
            data: b.data[columns.start * b.column_stride..].as_ptr(),
            lane: b.column_stride,
            inner: b.row_stride,
        };
        // SAFETY: blocks of different tasks do not overlap.
        let block = unsafe { out.block(rows.clone(), columns.clone()) };
        let target = Target {
            data: block.data,
            stride: block.row_stride,
            accumulate,
        };
        product(rows.len(), columns.len(), k, a, b, target);
    });
}

fn matmul_gemm(a: View, b: View, out: ViewMut, accumulate: bool, threads: Threads) {
    let (m, n, k) = (a.rows, b.columns, a.columns);
    let parallelism = match threads {
        Threads::All => gemm::Parallelism::Rayon(0),
        Threads::One => gemm::Parallelism::None,
    };
    // SAFETY: all views were checked against their slices when they were made; `out` is a mutable borrow, so it
    // overlaps neither input. When `accumulate` is false, `out` is not read.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.data,
            1,
            out.row_stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0_f32,
            1.0_f32,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;
    use proptest::prelude::*;

    fn random(key: u64, n: usize) -> Vec<f32> {
        (0..n).map(|i| Key::new(key).normal(i as u64) as f32).collect()
    }

    fn naive(a: View, b: View) -> Vec<f32> {
        let at = |v: &View, i: usize, j: usize| f64::from(v.data[i * v.row_stride + j * v.column_stride]);
        let mut out = Vec::new();
        for i in 0..a.rows {
            for j in 0..b.columns {
                out.push((0..a.columns).map(|k| at(&a, i, k) * at(&b, k, j)).sum::<f64>() as f32);
            }
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn products_equal_the_definition(m in 1usize..40, n in 1usize..40, k in 1usize..40, transposed in 0..4, accumulate: bool) {
            let (a, b) = (random(1, m * k), random(2, k * n));
            let a = if transposed & 1 == 0 { View::dense(&a, m, k) } else { View::dense(&a, k, m).t() };
            let b = if transposed & 2 == 0 { View::dense(&b, k, n) } else { View::dense(&b, n, k).t() };
            let mut out = vec![1.0; m * n];
            matmul(a, b, ViewMut::dense(&mut out, m, n), accumulate, Threads::All, Precision::F32);
            let base = if accumulate { 1.0 } else { 0.0 };
            for (x, y) in out.iter().zip(naive(a, b)) {
                prop_assert!((x - base - y).abs() < 1e-4, "{x} {y}");
            }
        }
    }

    #[test]
    fn a_product_over_nothing_is_zero_or_adds_nothing() {
        let nothing = View::dense(&[], 3, 0);
        for (accumulate, expected) in [(false, 0.0), (true, 7.0)] {
            let mut out = vec![7.0; 3 * 600];
            let wide = View::dense(&[], 600, 0).t();
            let to = ViewMut::dense(&mut out, 3, 600);
            matmul(nothing, wide, to, accumulate, Threads::All, Precision::F32);
            assert!(out.iter().all(|x| *x == expected));
        }
    }

    #[test]
    fn a_product_cut_into_blocks_is_the_product() {
        for (m, n, k) in [(230, 96, 300), (37, 1000, 64), (1, 900, 700)] {
            let (a, b) = (random(1, m * k), random(2, k * n));
            let (a, b) = (View::dense(&a, m, k), View::dense(&b, n, k).t());
            let product = |threads| {
                let mut out = vec![1.0; m * n];
                matmul(
                    a,
                    b,
                    ViewMut::dense(&mut out, m, n),
                    true,
                    threads,
                    Precision::Bf16,
                );
                out
            };
            assert_eq!(product(Threads::All), product(Threads::One), "{m} × {n} × {k}");
        }
    }

    /// `cargo test -p understudy-nn --lib speed -- --ignored --nocapture`, with `HIDDEN` and `TOKENS`.
    #[test]
    #[ignore = "a measurement: this crate's products beside gemm's, in turn"]
    fn speed() {
        let setting = |name: &str, or: usize| std::env::var(name).map_or(or, |x| x.parse().unwrap());
        let (hidden, tokens) = (setting("HIDDEN", 768), setting("TOKENS", 200));
        for (outputs, inputs) in [(hidden, hidden), (4 * hidden, hidden), (hidden, 4 * hidden)] {
            // As many matrices as a model's: they come from memory, and not from a cache.
            let copies = 40_000_000 / (outputs * inputs) + 1;
            let weights = random(0, outputs * inputs).repeat(copies);
            let mut gradients = vec![0.0; weights.len()];
            let (x, dy) = (random(1, tokens * inputs), random(2, tokens * outputs));
            let (mut y, mut dx) = (vec![0.0; tokens * outputs], vec![0.0; tokens * inputs]);
            let mut run = |which: usize, way: Option<Precision>| {
                let start = std::time::Instant::now();
                for (w, dw) in weights
                    .chunks_exact(outputs * inputs)
                    .zip(gradients.chunks_exact_mut(outputs * inputs))
                {
                    let (w, d) = (View::dense(w, outputs, inputs), View::dense(&dy, tokens, outputs));
                    let x = View::dense(&x, tokens, inputs);
                    let (a, b, out) = match which {
                        0 => (x, w.t(), ViewMut::dense(&mut y, tokens, outputs)),
                        1 => (d, w, ViewMut::dense(&mut dx, tokens, inputs)),
                        _ => (d.t(), x, ViewMut::dense(dw, outputs, inputs)),
                    };
                    match way {
                        Some(precision) => matmul(a, b, out, false, Threads::All, precision),
                        None => matmul_gemm(a, b, out, false, Threads::All),
                    }
                }
                2.0 * (tokens * weights.len()) as f64 / start.elapsed().as_secs_f64() / 1e9
            };
            for (which, name) in ["y = x Wᵀ", "dx = dy W", "dW = dyᵀ x"].into_iter().enumerate() {
                let ways = [Some(Precision::F32), Some(Precision::Bf16), None];
                let rounds: Vec<[f64; 3]> = (0..5).map(|_| ways.map(|way| run(which, way))).collect();
                let [f32, bf16, gemm] =
                    [0, 1, 2].map(|i| rounds.iter().map(|round| round[i]).fold(0.0, f64::max));
                println!(
                    "{tokens} tokens, {inputs} → {outputs}, {name}: {f32:.0} GFLOP/s, rounded {bf16:.0}, gemm {gemm:.0}"
                );
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn every_thread_gets_a_block_and_the_longer_side_is_cut() {
        assert_eq!(grid(230, 1536, 384, 2), (1, 2));
        assert_eq!(grid(4096, 384, 384, 2), (2, 1));
        assert_eq!(grid(1000, 1000, 384, 4), (2, 2));
        assert_eq!(grid(14, 14, 32, 8), (1, 1));
    }

    #[test]
    fn rows_may_lie_apart_in_inputs_and_output() {
        let (a, b) = (random(1, 3 * 10), random(2, 4 * 7));
        let mut out = vec![9.0; 3 * 8];
        let target = ViewMut::new(&mut out, 3, 5, 8);
        matmul(
            View::new(&a, 3, 4, 10),
            View::new(&b, 4, 5, 7),
            target,
            false,
            Threads::One,
            Precision::F32,
        );
        let expected = naive(View::new(&a, 3, 4, 10), View::new(&b, 4, 5, 7));
        for (row, chunk) in out.chunks_exact(8).enumerate() {
            for column in 0..5 {
                assert!((chunk[column] - expected[row * 5 + column]).abs() < 1e-5);
            }
            assert!(
                chunk[5..].iter().all(|&x| x == 9.0),
                "columns outside the product are left alone"
            );
        }
    }
}
