//! Matrix products with operands rounded to bfloat16, for processors with AVX-512-BF16.
//!
//! The scheme is that of GotoBLAS and BLIS (Goto & van de Geijn 2008; Van Zee & van de Geijn 2015), for matrices that
//! fit into the caches of one core: a block of `a` is packed into panels of [`MR`] rows that stay in L2, then one
//! panel of [`NR`] columns of `b` at a time is packed into L1 and multiplied with all of them. Numbers are rounded (to
//! nearest, ties to even) while they are packed, two of the inner dimension to a word; products are summed in `f32`.
//! Memory keeps full precision.
//!
//! On a Zen 5 core this reaches 380–430 GFLOP/s, twice what `gemm` reaches in `f32` (docs/performance.md).

use std::arch::x86_64::*;
use std::cell::RefCell;

use super::avx512::{LANES, first, transpose};
use super::lines::Lines;
use super::operand::{Operand, Target};

/// Rows of a panel of `a`: 14 × 2 accumulators, 2 words of `b` and a broadcast one fit into 32 registers.
pub const MR: usize = 14;
/// Columns of a panel of `b`: two registers.
pub const NR: usize = 2 * LANES;
/// Numbers of the inner dimension in a panel: `NR × DEPTH` of them fit into L1.
const DEPTH: usize = 512;
/// Rows of `a` in a block: `BLOCK × DEPTH` numbers fit into L2.
const BLOCK: usize = MR * 24;
/// Packed panels of one thread, kept from call to call.
#[derive(Default)]
struct Panels {
    a: Lines,
    b: Lines,
}

thread_local! {
    static PANELS: RefCell<Panels> = RefCell::default();
}

/// Whether this processor has the instructions that [`product`] needs.
pub fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bf16")
}

/// `out = a b` (or `out += a b`) for `a` `[m, k]` and `b` `[k, n]`, on the calling thread.
///
/// # Safety
/// [`is_available`] must be true, the operands must be readable over their whole extent, and nothing else may read or
/// write the target.
pub unsafe fn product(m: usize, n: usize, k: usize, a: Operand, b: Operand, out: Target) {
    // SAFETY: the caller's promises.
    PANELS.with_borrow_mut(|panels| unsafe { blocks(m, n, k, a, b, out, panels) });
}

/// Goes over the blocks of the inner dimension, of `a`, and the panels of `b`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn blocks(m: usize, n: usize, k: usize, a: Operand, b: Operand, out: Target, panels: &mut Panels) {
    let depth = k.div_ceil(k.div_ceil(DEPTH).max(1)).next_multiple_of(2).max(2);
    let words = depth / 2;
    // `pack` may write a register's words past the end.
    let panels_a = panels.a.room(BLOCK.min(m.next_multiple_of(MR)) * words + LANES);
    let panel_b = panels.b.room(NR * words + LANES);
    for from in (0..k.max(1)).step_by(depth) {
        let inner = depth.min(k - from);
        let words = inner.div_ceil(2);
        let accumulate = out.accumulate || from > 0;
        for top in (0..m).step_by(BLOCK) {
            let rows = BLOCK.min(m - top);
            // SAFETY: every panel lies within the buffers sized above, every block within its matrix.
            unsafe {
                for row in (0..rows).step_by(MR) {
                    let lanes = MR.min(rows - row);
                    pack::<MR>(a.at(top + row, from), lanes, inner, panels_a.add(row * words));
                }
                for column in (0..n).step_by(NR) {
                    let columns = NR.min(n - column);
                    pack::<NR>(b.at(column, from), columns, inner, panel_b);
                    for row in (0..rows).step_by(MR) {
                        let target = Target {
                            data: out.data.add((top + row) * out.stride + column),
                            accumulate,
                            ..out
                        };
                        let rows = MR.min(rows - row);
                        tile(words, panels_a.add(row * words), panel_b, target, rows, columns);
                    }
                }
            }
        }
    }
}

/// `MR × NR` sums over `words` words; the first `rows` × `columns` of them are written (or added) to `out`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn tile(words: usize, a: *const f32, b: *const f32, out: Target, rows: usize, columns: usize) {
    let mut sums = [[_mm512_setzero_ps(); 2]; MR];
    for word in 0..words {
        // SAFETY: the panels hold `words` words of `MR` and `NR` lanes.
        let (b0, b1) = unsafe {
            let b = b.add(word * NR);
            (pairs(_mm512_loadu_ps(b)), pairs(_mm512_loadu_ps(b.add(LANES))))
        };
        for i in 0..MR {
            // SAFETY: as above.
            let x = pairs(_mm512_set1_ps(unsafe { *a.add(word * MR + i) }));
            sums[i][0] = _mm512_dpbf16_ps(sums[i][0], x, b0);
            sums[i][1] = _mm512_dpbf16_ps(sums[i][1], x, b1);
        }
    }
    let masks = [first(columns), first(columns.saturating_sub(LANES))];
    for i in 0..MR {
        if i < rows {
            for half in 0..2 {
                // SAFETY: the masks keep reads and writes within the `columns` of the target's row.
                unsafe {
                    let place = out.data.wrapping_add(i * out.stride + half * LANES);
                    let mut y = sums[i][half];
                    if out.accumulate {
                        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(masks[half], place));
                    }
                    _mm512_mask_storeu_ps(place, masks[half], y);
                }
            }
        }
    }
}

/// Packs `lanes` (at most `WIDTH`) lanes of `inner` numbers each: word `w` of all lanes side by side, `WIDTH` apart;
/// absent lanes are zero. Panels are written front to back: a panel narrower than a register overlaps its next word,
/// which is then overwritten.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn pack<const WIDTH: usize>(from: Operand, lanes: usize, inner: usize, to: *mut f32) {
    let words = inner.div_ceil(2);
    for part in (0..WIDTH).step_by(LANES) {
        let here = lanes.saturating_sub(part).min(LANES);
        if from.inner == 1 {
            for word in (0..words).step_by(LANES) {
                let mut rows = [_mm512_setzero_ps(); LANES];
                for (lane, row) in rows.iter_mut().enumerate() {
                    if lane < here {
                        let data = from.data.wrapping_add((part + lane) * from.lane + 2 * word);
                        // SAFETY: the lane exists and has this many numbers left.
                        *row = unsafe { along(data, inner - 2 * word) };
                    }
                }
                let columns = transpose(rows);
                for (i, column) in columns.iter().enumerate() {
                    if word + i < words {
                        // SAFETY: the panel has room for `words` words and a register more.
                        unsafe { _mm512_storeu_ps(to.add((word + i) * WIDTH + part), *column) };
                    }
                }
            }
        } else {
            for word in 0..words {
                let data = from.data.wrapping_add(2 * word * from.inner + part * from.lane);
                // SAFETY: as above.
                unsafe {
                    let x = across(data, from.inner, first(here), inner - 2 * word);
                    _mm512_storeu_ps(to.add(word * WIDTH + part), x);
                }
            }
        }
    }
}

/// [`LANES`] words of one lane: numbers that follow each other in memory, of which `count` exist.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn along(from: *const f32, count: usize) -> __m512 {
    let rest = first(count.saturating_sub(LANES));
    // SAFETY: the masks keep the reads within `count` numbers.
    unsafe {
        let low = _mm512_maskz_loadu_ps(first(count), from);
        let high = _mm512_maskz_loadu_ps(rest, from.wrapping_add(LANES));
        words(_mm512_cvtne2ps_pbh(high, low))
    }
}

/// One word of each of the lanes in `lanes`, which follow each other in memory: this number of the inner dimension
/// and the next, `inner` further on, if there is one (`count` of them are left).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn across(from: *const f32, inner: usize, lanes: __mmask16, count: usize) -> __m512 {
    let second = if count > 1 { lanes } else { 0 };
    // SAFETY: the masks keep the reads within the lanes that exist.
    let (low, high) = unsafe {
        (
            _mm512_maskz_loadu_ps(lanes, from),
            _mm512_maskz_loadu_ps(second, from.wrapping_add(inner)),
        )
    };
    let (low, high) = (half(_mm512_cvtneps_pbh(low)), half(_mm512_cvtneps_pbh(high)));
    let high = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(high));
    _mm512_castsi512_ps(_mm512_or_si512(_mm512_cvtepu16_epi32(low), high))
}

#[target_feature(enable = "avx512f")]
fn pairs(words: __m512) -> __m512bh {
    // SAFETY: both are 512 bits without invalid patterns.
    unsafe { std::mem::transmute(words) }
}

#[target_feature(enable = "avx512f")]
fn words(pairs: __m512bh) -> __m512 {
    // SAFETY: as above.
    unsafe { std::mem::transmute(pairs) }
}

#[target_feature(enable = "avx512f,avx512vl")]
fn half(x: __m256bh) -> __m256i {
    // SAFETY: both are 256 bits without invalid patterns.
    unsafe { std::mem::transmute(x) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;
    use proptest::prelude::*;

    /// A number rounded to bfloat16, to nearest, ties to even.
    fn rounded(x: f32) -> f32 {
        let bits = x.to_bits();
        f32::from_bits((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
    }

    fn random(key: u64, n: usize) -> Vec<f32> {
        (0..n).map(|i| Key::new(key).normal(i as u64) as f32).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn products_equal_the_definition_over_rounded_operands(
            m in 1_usize..400, n in 1_usize..80, k in 1_usize..1100, layout in 0..4, accumulate: bool,
        ) {
            // Elsewhere these products are never asked for.
            if !is_available() {
                return Ok(());
            }
            let (a, b) = (random(1, m * k), random(2, k * n));
            let a_view = match layout & 1 { 0 => Operand { data: a.as_ptr(), lane: k, inner: 1 }, _ => Operand { data: a.as_ptr(), lane: 1, inner: m } };
            let b_view = match layout & 2 { 0 => Operand { data: b.as_ptr(), lane: k, inner: 1 }, _ => Operand { data: b.as_ptr(), lane: 1, inner: n } };
            let stride = n + 3;
            let mut out = vec![7.0; m * stride];
            let target = Target { data: out.as_mut_ptr(), stride, accumulate };
            // SAFETY: the operands and the target were just made with these extents.
            unsafe { product(m, n, k, a_view, b_view, target) };
            for i in (0..m).step_by(1 + m / 23) {
                for j in 0..n {
                    let exact: f64 = (0..k).map(|p| {
                        f64::from(rounded(a[i * a_view.lane + p * a_view.inner])) * f64::from(rounded(b[j * b_view.lane + p * b_view.inner]))
                    }).sum();
                    let expected = exact + if accumulate { 7.0 } else { 0.0 };
                    let found = f64::from(out[i * stride + j]);
                    prop_assert!((found - expected).abs() < 1e-3 * (k as f64).sqrt().max(1.0), "({i}, {j}): {found} instead of {expected}");
                }
                prop_assert!(out[i * stride + n..(i + 1) * stride].iter().all(|&x| x == 7.0), "columns beyond are left alone");
            }
        }
    }

    #[test]
    fn rounding_is_to_nearest_with_ties_to_even() {
        if !is_available() {
            return;
        }
        // 1 + 2⁻⁸ lies in the middle of two bfloat16 and goes to the even one, 1; a little more goes up.
        for (x, expected) in [
            (1.0 + 1.0 / 256.0, 1.0),
            (1.0 + 1.1 / 256.0, 1.0 + 1.0 / 128.0),
            (1.0 + 3.0 / 256.0, 1.0 + 2.0 / 128.0),
        ] {
            let (a, b, mut out) = ([x], [1.0_f32], [0.0_f32]);
            let operand = |data: &[f32]| Operand {
                data: data.as_ptr(),
                lane: 1,
                inner: 1,
            };
            let target = Target {
                data: out.as_mut_ptr(),
                stride: 1,
                accumulate: false,
            };
            // SAFETY: matrices of one number.
            unsafe { product(1, 1, 1, operand(&a), operand(&b), target) };
            assert_eq!(out[0], expected);
        }
    }
}
