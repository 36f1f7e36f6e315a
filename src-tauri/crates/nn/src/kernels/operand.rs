//! What a product reads and where it writes.

/// A matrix to read: element `(i, k)` at `data + i * lane + k * inner`, where `i` counts rows of `a` or columns of
/// `b`, and `k` the inner dimension. One of the strides is 1.
#[derive(Clone, Copy)]
pub struct Operand {
    /// The first number.
    pub data: *const f32,
    /// Distance of rows of `a` or columns of `b`.
    pub lane: usize,
    /// Distance of numbers of the inner dimension.
    pub inner: usize,
}

impl Operand {
    /// What begins with this lane and this number of the inner dimension.
    ///
    /// # Safety
    /// That number must lie within the matrix.
    #[inline(always)]
    pub unsafe fn at(self, lane: usize, number: usize) -> Self {
        // SAFETY: the caller's promise.
        let data = unsafe { self.data.add(lane * self.lane + number * self.inner) };
        Operand { data, ..self }
    }
}

/// Where the result goes: row-major, rows `stride` apart.
#[derive(Clone, Copy)]
pub struct Target {
    /// The first number.
    pub data: *mut f32,
    /// Distance of rows.
    pub stride: usize,
    /// Whether to add to what is there instead of overwriting it.
    pub accumulate: bool,
}
