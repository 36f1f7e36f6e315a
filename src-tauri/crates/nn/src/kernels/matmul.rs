//! Matrix products over strided views, through the `gemm` crate.

use std::marker::PhantomData;
use std::ops::Range;

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

/// `out = a b`, or `out += a b` when `accumulate`.
///
/// # Panics
/// When the dimensions do not agree.
pub fn matmul(a: View, b: View, out: ViewMut, accumulate: bool, threads: Threads) {
    assert_eq!(a.columns, b.rows, "inner dimensions");
    assert_eq!((a.rows, b.columns), (out.rows, out.columns), "outer dimensions");
    let (m, n, k) = (a.rows, b.columns, a.columns);
    if m == 0 || n == 0 {
        return;
    }
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
            matmul(a, b, ViewMut::dense(&mut out, m, n), accumulate, Threads::All);
            let base = if accumulate { 1.0 } else { 0.0 };
            for (x, y) in out.iter().zip(naive(a, b)) {
                prop_assert!((x - base - y).abs() < 1e-4, "{x} {y}");
            }
        }
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
