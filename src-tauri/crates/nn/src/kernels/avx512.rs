//! Registers of AVX-512.

use std::arch::x86_64::*;

use super::operand::{Operand, Target};
use super::wide::Wide;

/// Words of a register.
pub const LANES: usize = 16;

/// Whether this processor has them.
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
}

// SAFETY: the methods keep what the trait says; whoever calls them has asked `is_available`.
unsafe impl Wide for __m512 {
    const LANES: usize = LANES;
    type Mask = __mmask16;

    #[inline(always)]
    unsafe fn first(count: usize) -> __mmask16 {
        first(count)
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the trait's contract.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, mask: __mmask16) -> Self {
        // SAFETY: the trait's contract.
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { _mm512_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, mask: __mmask16, accumulate: bool) {
        // SAFETY: the trait's contract.
        unsafe {
            let sum = if accumulate {
                _mm512_add_ps(self, _mm512_maskz_loadu_ps(mask, to))
            } else {
                self
            };
            _mm512_mask_storeu_ps(to, mask, sum);
        }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, x: Self, y: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { _mm512_fmadd_ps(self, x, y) }
    }

    #[inline(always)]
    unsafe fn turn(from: Operand, lanes: usize, count: usize, to: *mut f32, apart: usize) {
        // SAFETY: the trait's contract; the mask keeps reads within a lane's numbers.
        unsafe {
            let mut rows = [_mm512_setzero_ps(); LANES];
            for (lane, row) in rows.iter_mut().enumerate().take(lanes) {
                *row = _mm512_maskz_loadu_ps(first(count), from.data.add(lane * from.lane));
            }
            for (i, column) in transpose(rows).into_iter().enumerate() {
                _mm512_storeu_ps(to.add(i * apart), column);
            }
        }
    }

    #[inline(always)]
    unsafe fn store_columns<const N: usize>(columns: [Self; N], rows: usize, out: Target) {
        // SAFETY: the trait's contract; the mask keeps reads and writes within the row's `N` columns.
        unsafe {
            let mut all = [_mm512_setzero_ps(); LANES];
            all[..N].copy_from_slice(&columns);
            for (row, sum) in transpose(all).into_iter().enumerate().take(rows) {
                sum.store_first(out.data.add(row * out.stride), first(N), out.accumulate);
            }
        }
    }
}

/// Turns 16 rows of 16 words into columns.
#[target_feature(enable = "avx512f")]
pub fn transpose(rows: [__m512; LANES]) -> [__m512; LANES] {
    // Neighbouring rows, then neighbouring pairs, within quarters of a register; then quarters among registers.
    let mut pairs = rows;
    for i in 0..8 {
        pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    let mut fours = pairs;
    for i in 0..4 {
        for h in 0..2 {
            let (x, y) = (
                _mm512_castps_pd(pairs[4 * i + h]),
                _mm512_castps_pd(pairs[4 * i + 2 + h]),
            );
            fours[4 * i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y));
            fours[4 * i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
        }
    }
    let mut columns = fours;
    for c in 0..4 {
        let (a, b, d, e) = (fours[c], fours[4 + c], fours[8 + c], fours[12 + c]);
        let (low, high) = (
            _mm512_shuffle_f32x4::<0x44>(a, b),
            _mm512_shuffle_f32x4::<0xEE>(a, b),
        );
        let (low2, high2) = (
            _mm512_shuffle_f32x4::<0x44>(d, e),
            _mm512_shuffle_f32x4::<0xEE>(d, e),
        );
        columns[c] = _mm512_shuffle_f32x4::<0x88>(low, low2);
        columns[4 + c] = _mm512_shuffle_f32x4::<0xDD>(low, low2);
        columns[8 + c] = _mm512_shuffle_f32x4::<0x88>(high, high2);
        columns[12 + c] = _mm512_shuffle_f32x4::<0xDD>(high, high2);
    }
    columns
}

/// A mask of the first `count` lanes.
pub fn first(count: usize) -> __mmask16 {
    if count >= LANES {
        u16::MAX
    } else {
        (1 << count) - 1
    }
}
