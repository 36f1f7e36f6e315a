//! Registers of several `f32`, as [`super::f32`] uses them.

use super::operand::{Operand, Target};

/// A register of [`Wide::LANES`] numbers, with the instructions of one kind of processor.
///
/// # Safety
/// Every method may be called only where the processor has these instructions, and is fast only where it is compiled into a
/// function that may use them.
pub unsafe trait Wide: Copy {
    /// Numbers of a register.
    const LANES: usize;
    /// A register's lanes that are read or written.
    type Mask: Copy;

    /// The first `count` lanes.
    unsafe fn first(count: usize) -> Self::Mask;
    /// Zeros.
    unsafe fn zero() -> Self;
    /// One number in all lanes.
    unsafe fn splat(x: f32) -> Self;
    /// Numbers that follow each other.
    unsafe fn load(from: *const f32) -> Self;
    /// The same; zero in lanes that the mask leaves out, which are not touched.
    unsafe fn load_first(from: *const f32, mask: Self::Mask) -> Self;
    /// Writes all lanes.
    unsafe fn store(self, to: *mut f32);
    /// Writes the lanes of the mask, or adds them to what is there.
    unsafe fn store_first(self, to: *mut f32, mask: Self::Mask, accumulate: bool);
    /// `self * x + y`, rounded once.
    unsafe fn multiply_add(self, x: Self, y: Self) -> Self;
    /// Reads a square of `lanes` lanes whose numbers follow each other (`count` of them are there) and writes it with the lanes
    /// side by side, `apart` numbers between one number of the inner dimension and the next. What is absent is written as zero.
    unsafe fn turn(from: Operand, lanes: usize, count: usize, to: *mut f32, apart: usize);
    /// Writes registers as columns: lane `l` of register `n` to row `l` (of `rows`), column `n`. At most 8 registers.
    unsafe fn store_columns<const N: usize>(columns: [Self; N], rows: usize, out: Target);
}
