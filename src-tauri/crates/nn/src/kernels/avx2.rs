//! Registers of AVX2, with fused products.

use std::arch::x86_64::*;

use super::operand::{Operand, Target};
use super::wide::Wide;

const LANES: usize = 8;

/// Whether this processor has them.
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

// SAFETY: the methods keep what the trait says; whoever calls them has asked `is_available`.
unsafe impl Wide for __m256 {
    const LANES: usize = LANES;
    type Mask = __m256i;

    #[inline(always)]
    unsafe fn first(count: usize) -> __m256i {
        // SAFETY: the trait's contract.
        unsafe {
            _mm256_cmpgt_epi32(
                _mm256_set1_epi32(count.min(LANES) as i32),
                _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
            )
        }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the trait's contract.
        unsafe { _mm256_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_first(from: *const f32, mask: __m256i) -> Self {
        // SAFETY: the trait's contract.
        unsafe { _mm256_maskload_ps(from, mask) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { _mm256_storeu_ps(to, self) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, mask: __m256i, accumulate: bool) {
        // SAFETY: the trait's contract.
        unsafe {
            let sum = if accumulate {
                _mm256_add_ps(self, _mm256_maskload_ps(to, mask))
            } else {
                self
            };
            _mm256_maskstore_ps(to, mask, sum);
        }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, x: Self, y: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { _mm256_fmadd_ps(self, x, y) }
    }

    #[inline(always)]
    unsafe fn turn(from: Operand, lanes: usize, count: usize, to: *mut f32, apart: usize) {
        // SAFETY: the trait's contract; the mask keeps reads within a lane's numbers.
        unsafe {
            let mask = Self::first(count);
            let mut rows = [_mm256_setzero_ps(); LANES];
            for (lane, row) in rows.iter_mut().enumerate().take(lanes) {
                *row = _mm256_maskload_ps(from.data.add(lane * from.lane), mask);
            }
            for (i, column) in transpose(rows).into_iter().enumerate() {
                _mm256_storeu_ps(to.add(i * apart), column);
            }
        }
    }

    #[inline(always)]
    unsafe fn store_columns<const N: usize>(columns: [Self; N], rows: usize, out: Target) {
        // SAFETY: the trait's contract; the mask keeps reads and writes within the row's `N` columns.
        unsafe {
            let mask = Self::first(N);
            let mut all = [_mm256_setzero_ps(); LANES];
            all[..N].copy_from_slice(&columns);
            for (row, sum) in transpose(all).into_iter().enumerate().take(rows) {
                sum.store_first(out.data.add(row * out.stride), mask, out.accumulate);
            }
        }
    }
}

/// Turns 8 rows of 8 numbers into columns.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [__m256; LANES]) -> [__m256; LANES] {
    // Neighbouring rows, then neighbouring pairs, within halves of a register; then halves among registers.
    let mut pairs = rows;
    for i in 0..4 {
        pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    let mut fours = pairs;
    for i in 0..2 {
        for h in 0..2 {
            let (x, y) = (
                _mm256_castps_pd(pairs[4 * i + h]),
                _mm256_castps_pd(pairs[4 * i + 2 + h]),
            );
            fours[4 * i + 2 * h] = _mm256_castpd_ps(_mm256_unpacklo_pd(x, y));
            fours[4 * i + 2 * h + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(x, y));
        }
    }
    let mut columns = fours;
    for c in 0..4 {
        columns[c] = _mm256_permute2f128_ps::<0x20>(fours[c], fours[4 + c]);
        columns[4 + c] = _mm256_permute2f128_ps::<0x31>(fours[c], fours[4 + c]);
    }
    columns
}
