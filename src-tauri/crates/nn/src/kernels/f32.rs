//! Matrix products in `f32` on x86-64 for few tokens and many weights.
//!
//! A training step multiplies a few hundred tokens with matrices of weights: what is packed for such a product (BLIS; Van Zee &
//! van de Geijn 2015) is read once or a few times, so that packing costs much of it. Here one operand is read a register of
//! lanes at a time (the *wide* one), of the other single numbers are broadcast (the *narrow* one), which needs no order at all.
//! The wide operand needs its lanes side by side: in `dx = dy W` and `dW = dyᵀ x` one of the operands has them as it lies (and is
//! copied together only where it is read often enough), and in `y = x Wᵀ` the tokens are turned while they are few, and the product
//! is written transposed.
//!
//! Measured beside `gemm` in docs/performance.md.

use std::arch::x86_64::{__m256, __m512, _MM_HINT_T1, _mm_prefetch};
use std::cell::RefCell;

use super::lines::{LINE, Lines};
use super::operand::{Operand, Target};
use super::wide::Wide;
use super::{avx2, avx512};

/// Numbers of the inner dimension in a block: a tile's numbers of the narrow operand fit into L1.
const DEPTH: usize = 384;
/// Numbers of the narrow operand in a block, which are packed together where they need it: `NUMBERS × DEPTH` fit into L2 beside the
/// wide operand's.
const NUMBERS: usize = 384;
/// Lanes of the wide operand in a block, whole panels of every kernel: `BLOCK × DEPTH` numbers fit into L2.
const BLOCK: usize = 288;
/// A wide operand that lies well is read where it lies where it meets so few numbers of the narrow one: packed it would be read
/// little oftener. Elsewhere rows that lie far apart cost more than packing: each is a page of its own, and many fall into the same
/// lines of L1. Panels of AVX2 are no wider than a cache line, which the processor does not foresee either: they are always packed.
const READ_IN_PLACE: usize = 32;
/// Lanes after which a product may be cut for several threads: whole panels of every kernel.
pub const STEP: usize = 48;

/// What one thread packs, kept from call to call.
#[derive(Default)]
struct Packed {
    wide: Lines,
    narrow: Lines,
}

thread_local! {
    static PACKED: RefCell<Packed> = RefCell::default();
}

/// Computes `out = a b` (or `out += a b`) for `a` `[m, k]` and `b` `[k, n]` on the calling thread: `product(m, n, k, a, b, out)`.
///
/// # Safety
/// The operands must be readable over their whole extent, and nothing else may read or write the target.
pub type Product = unsafe fn(usize, usize, usize, Operand, Operand, Target);

/// The fastest product that this processor has the instructions for.
pub fn fastest() -> Option<Product> {
    if avx512::is_available() {
        Some(product_avx512)
    } else if avx2::is_available() {
        Some(product_avx2)
    } else {
        None
    }
}

// 24 accumulators, 3 wide registers and a broadcast one of 32.
#[target_feature(enable = "avx512f")]
unsafe fn product_avx512(m: usize, n: usize, k: usize, a: Operand, b: Operand, out: Target) {
    // SAFETY: the caller's promises.
    unsafe { product::<__m512, 3, 8>(m, n, k, a, b, out) }
}

// 12 accumulators, 2 wide registers and a broadcast one of 16: with none to spare the compiler keeps sums in memory.
#[target_feature(enable = "avx2,fma")]
unsafe fn product_avx2(m: usize, n: usize, k: usize, a: Operand, b: Operand, out: Target) {
    // SAFETY: the caller's promises.
    unsafe { product::<__m256, 2, 6>(m, n, k, a, b, out) }
}

/// With tiles of `WIDE` registers of the wide operand and `N` numbers of the narrow one.
///
/// What is called from here on is inlined into one function that may use the processor's instructions. A closure that is handed to a
/// function of the standard library would not be.
#[inline(always)]
unsafe fn product<W: Wide, const WIDE: usize, const N: usize>(
    m: usize,
    n: usize,
    k: usize,
    a: Operand,
    b: Operand,
    out: Target,
) {
    let mut packed = PACKED.take();
    // Where the columns of `b` are the wide operand's lanes the result is written as it comes, else it is turned. Lanes that lie side
    // by side are copied by whole registers if at all: turning is what costs.
    let to_pack = |lanes: usize, operand: Operand| if operand.lane == 1 { 0 } else { lanes * k };
    let flipped = m * n + to_pack(m, a) < to_pack(n, b);
    // SAFETY: the caller's promises.
    unsafe {
        if flipped {
            blocks::<W, WIDE, N, true>([m, n, k], a, b, out, &mut packed);
        } else {
            blocks::<W, WIDE, N, false>([n, m, k], b, a, out, &mut packed);
        }
    }
    PACKED.set(packed);
}

/// Goes over blocks of the narrow operand's numbers, of the inner dimension and of the wide operand's lanes. `FLIPPED`: its lanes are
/// the target's rows.
#[inline(always)]
unsafe fn blocks<W: Wide, const WIDE: usize, const N: usize, const FLIPPED: bool>(
    [lanes, numbers, k]: [usize; 3],
    wide: Operand,
    narrow: Operand,
    out: Target,
    packed: &mut Packed,
) {
    let panel = WIDE * W::LANES;
    let depth = k.div_ceil(k.div_ceil(DEPTH).max(1)).max(1);
    let together = if narrow.inner == 1 {
        numbers.max(1)
    } else {
        NUMBERS
    };
    for first in (0..numbers).step_by(together) {
        let count = together.min(numbers - first);
        for from in (0..k.max(1)).step_by(depth) {
            let inner = depth.min(k - from);
            // SAFETY: all blocks and tiles lie within their matrices, packed panels and tiles within the buffers.
            unsafe {
                let tiles = narrow.at(first, from);
                let tiles = if tiles.inner == 1 {
                    let apart = N * tiles.lane;
                    Tiles { first: tiles, apart }
                } else {
                    pack_narrow::<W, N>(tiles, count, inner, &mut packed.narrow)
                };
                for left in (0..lanes).step_by(BLOCK) {
                    let width = BLOCK.min(lanes - left);
                    let block = wide.at(left, from);
                    let panels = if block.lane == 1 && W::LANES > 8 && numbers <= READ_IN_PLACE {
                        Panels {
                            data: block.data,
                            apart: panel,
                            inner: block.inner,
                        }
                    } else {
                        pack_wide::<W>(panel, block, width, inner, &mut packed.wide)
                    };
                    let next = match (left + width, from + inner) {
                        (left, _) if left < lanes => {
                            Ahead::of(wide.at(left, from), BLOCK.min(lanes - left), inner)
                        }
                        (_, from) if from < k => {
                            Ahead::of(wide.at(0, from), BLOCK.min(lanes), depth.min(k - from))
                        }
                        _ => Ahead::nothing(),
                    };
                    let (row, column) = if FLIPPED { (left, first) } else { (first, left) };
                    let target = Target {
                        data: out.data.add(row * out.stride + column),
                        accumulate: out.accumulate || from > 0,
                        ..out
                    };
                    // What is packed, or was read for the lanes before, is near already.
                    let is_far = tiles.first.inner == 1 && left == 0;
                    block_of::<W, WIDE, N, FLIPPED>(
                        [width, count, inner],
                        panels,
                        tiles,
                        target,
                        next,
                        is_far,
                    );
                }
            }
        }
    }
}

/// One block, a tile after the other: the narrow operand's numbers of a tile with all panels of the wide one. Meanwhile the next block of
/// the wide operand is asked for, and where the narrow one `is_far`, its next tile.
#[inline(always)]
unsafe fn block_of<W: Wide, const WIDE: usize, const N: usize, const FLIPPED: bool>(
    [lanes, numbers, inner]: [usize; 3],
    panels: Panels,
    tiles: Tiles,
    out: Target,
    mut next_block: Ahead,
    is_far: bool,
) {
    let panel = WIDE * W::LANES;
    let in_row = lanes.div_ceil(panel);
    let lines_of_block = next_block.lines().div_ceil(numbers.div_ceil(N) * in_row);
    for number in (0..numbers).step_by(N) {
        let here = N.min(numbers - number);
        let left = numbers - number - here;
        // SAFETY: all tiles lie within their operands and the target.
        unsafe {
            let mut next_tile = if is_far && left > 0 {
                Ahead::of(tiles.operand(number / N + 1), N.min(left), inner)
            } else {
                Ahead::nothing()
            };
            let lines_of_tile = next_tile.lines().div_ceil(in_row);
            for lane in (0..lanes).step_by(panel) {
                next_block.ask_for(lines_of_block);
                next_tile.ask_for(lines_of_tile);
                let (row, column) = if FLIPPED { (lane, number) } else { (number, lane) };
                let data = out.data.add(row * out.stride + column);
                tile_of::<W, WIDE, FLIPPED>(
                    [panel.min(lanes - lane), here, inner],
                    panels.operand(lane / panel),
                    tiles.operand(number / N),
                    Target { data, ..out },
                );
            }
        }
    }
}

/// What is multiplied next and may lie in memory still: asked for bit by bit beforehand, so that it need not be waited for.
struct Ahead {
    data: *const f32,
    /// Rows of numbers that follow each other.
    rows: usize,
    /// Numbers of a row.
    width: usize,
    /// From a row to the next.
    apart: usize,
    row: usize,
    column: usize,
}

impl Ahead {
    #[inline(always)]
    fn of(operand: Operand, lanes: usize, inner: usize) -> Self {
        let (rows, width, apart) = if operand.lane == 1 {
            (inner, lanes, operand.inner)
        } else {
            (lanes, inner, operand.lane)
        };
        Ahead {
            data: operand.data,
            rows,
            width,
            apart,
            row: 0,
            column: 0,
        }
    }

    #[inline(always)]
    fn nothing() -> Self {
        Ahead {
            data: std::ptr::null(),
            rows: 0,
            width: 0,
            apart: 0,
            row: 0,
            column: 0,
        }
    }

    /// Cache lines of all of it, a row's last one begun.
    #[inline(always)]
    fn lines(&self) -> usize {
        self.rows * self.width.div_ceil(LINE)
    }

    /// Asks for so many lines more.
    ///
    /// # Safety
    /// The operand must be readable over its whole extent.
    #[inline(always)]
    unsafe fn ask_for(&mut self, lines: usize) {
        for _ in 0..lines {
            if self.row == self.rows {
                return;
            }
            // SAFETY: the number lies within the operand.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(self.data.add(self.row * self.apart + self.column).cast()) };
            self.column += LINE;
            if self.column >= self.width {
                (self.row, self.column) = (self.row + 1, 0);
            }
        }
    }
}

/// The narrow operand, tile by tile.
#[derive(Clone, Copy)]
struct Tiles {
    first: Operand,
    /// From a tile to the next.
    apart: usize,
}

impl Tiles {
    #[inline(always)]
    unsafe fn operand(&self, tile: usize) -> Operand {
        // SAFETY: the caller asks for a tile that exists.
        let data = unsafe { self.first.data.add(tile * self.apart) };
        Operand { data, ..self.first }
    }
}

/// Panels of the wide operand: number `p` of the inner dimension of a panel's lane `l` at `p * inner + l`.
struct Panels {
    data: *const f32,
    /// From a panel to the next.
    apart: usize,
    inner: usize,
}

impl Panels {
    #[inline(always)]
    unsafe fn operand(&self, panel: usize) -> Operand {
        // SAFETY: the caller asks for a panel that exists.
        let data = unsafe { self.data.add(panel * self.apart) };
        Operand {
            data,
            lane: 1,
            inner: self.inner,
        }
    }
}

/// Puts the lanes of a block side by side, in panels of `panel` lanes.
#[inline(always)]
unsafe fn pack_wide<W: Wide>(
    panel: usize,
    from: Operand,
    lanes: usize,
    inner: usize,
    packed: &mut Lines,
) -> Panels {
    // Squares are turned as a whole.
    let apart = panel * inner.next_multiple_of(W::LANES);
    let packed = packed.room(lanes.div_ceil(panel) * apart);
    for left in (0..lanes).step_by(W::LANES) {
        let here = W::LANES.min(lanes - left);
        // SAFETY: the lanes exist, and a panel has room for a multiple of `LANES` numbers of each.
        unsafe {
            let to = packed.add(left / panel * apart + left % panel);
            if from.lane == 1 {
                let mask = W::first(here);
                for p in 0..inner {
                    W::load_first(from.at(left, p).data, mask).store(to.add(p * panel));
                }
            } else {
                for p in (0..inner).step_by(W::LANES) {
                    W::turn(from.at(left, p), here, inner - p, to.add(p * panel), panel);
                }
            }
        }
    }
    Panels {
        data: packed,
        apart,
        inner: panel,
    }
}

/// Puts the numbers of each tile side by side, of which `numbers` exist; they follow each other as it is, but whole rows apart.
#[inline(always)]
unsafe fn pack_narrow<W: Wide, const N: usize>(
    from: Operand,
    numbers: usize,
    inner: usize,
    packed: &mut Lines,
) -> Tiles {
    let apart = inner * N;
    // A register is written whole: the next one, or the next tile, lies over what is too much.
    let packed = packed.room(numbers.div_ceil(N) * apart + W::LANES);
    for number in (0..numbers).step_by(N) {
        // SAFETY: these numbers exist, and the buffer has room for the last register.
        unsafe {
            let mask = W::first(N.min(numbers - number));
            let to = packed.add(number / N * apart);
            for p in 0..inner {
                W::load_first(from.at(number, p).data, mask).store(to.add(p * N));
            }
        }
    }
    let first = Operand {
        data: packed,
        lane: 1,
        inner: N,
    };
    Tiles { first, apart }
}

/// One tile, by the program that is made for its size (lanes, numbers, inner dimension).
#[inline(always)]
unsafe fn tile_of<W: Wide, const WIDE: usize, const FLIPPED: bool>(
    [lanes, numbers, inner]: [usize; 3],
    wide: Operand,
    narrow: Operand,
    out: Target,
) {
    macro_rules! by_size {
        ($($n:literal)*) => {
            // SAFETY: the caller's promises.
            unsafe {
                match (lanes.div_ceil(W::LANES), numbers) {
                    $(_ if lanes == WIDE * W::LANES && numbers == $n => tile::<W, WIDE, $n, true, FLIPPED>(lanes, inner, wide, narrow, out),
                      (1, $n) => tile::<W, 1, $n, false, FLIPPED>(lanes, inner, wide, narrow, out),
                      (2, $n) => tile::<W, 2, $n, false, FLIPPED>(lanes, inner, wide, narrow, out),
                      (_, $n) => tile::<W, 3, $n, false, FLIPPED>(lanes, inner, wide, narrow, out),)*
                    _ => unreachable!("no tile has so many numbers"),
                }
            }
        };
    }
    by_size!(1 2 3 4 5 6 7 8)
}

/// `N × V` registers of sums over `inner` products, written (or added) to `out`. `FULL`: no lane of the last register is absent.
#[inline(always)]
#[expect(
    clippy::needless_range_loop,
    reason = "an index into three arrays, of registers that the compiler must keep apart"
)]
unsafe fn tile<W: Wide, const V: usize, const N: usize, const FULL: bool, const FLIPPED: bool>(
    lanes: usize,
    inner: usize,
    wide: Operand,
    narrow: Operand,
    out: Target,
) {
    // SAFETY: both operands hold `inner` numbers of these lanes, and the masks keep reads and writes within them.
    unsafe {
        let mut masks = [W::first(0); V];
        let mut sums = [[W::zero(); V]; N];
        let mut numbers = [narrow.data; N];
        for v in 0..V {
            masks[v] = W::first(lanes - v * W::LANES);
        }
        for n in 0..N {
            numbers[n] = narrow.data.add(n * narrow.lane);
        }
        for p in 0..inner {
            let mut x = [W::zero(); V];
            for v in 0..V {
                let from = wide.data.add(p * wide.inner + v * W::LANES);
                x[v] = if FULL {
                    W::load(from)
                } else {
                    W::load_first(from, masks[v])
                };
            }
            for n in 0..N {
                let y = W::splat(*numbers[n].add(p * narrow.inner));
                for v in 0..V {
                    sums[n][v] = x[v].multiply_add(y, sums[n][v]);
                }
            }
        }
        for v in 0..V {
            if FLIPPED {
                let mut columns = [W::zero(); N];
                for n in 0..N {
                    columns[n] = sums[n][v];
                }
                let data = out.data.add(v * W::LANES * out.stride);
                W::store_columns(columns, lanes - v * W::LANES, Target { data, ..out });
            } else {
                for n in 0..N {
                    sums[n][v].store_first(
                        out.data.add(n * out.stride + v * W::LANES),
                        masks[v],
                        out.accumulate,
                    );
                }
            }
        }
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

    /// A matrix of `lanes` × `k` numbers that lies one way or the other.
    fn operand(data: &[f32], lanes: usize, k: usize, side_by_side: bool) -> Operand {
        let (lane, inner) = if side_by_side { (1, lanes) } else { (k, 1) };
        Operand {
            data: data.as_ptr(),
            lane,
            inner,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn products_equal_the_definition_on_every_kind_of_processor(
            m in 1_usize..450, n in 1_usize..450, k in 1_usize..900, layout in 0..4, accumulate: bool,
        ) {
            let (a, b) = (random(1, m * k), random(2, n * k));
            let (a_view, b_view) = (operand(&a, m, k, layout & 1 != 0), operand(&b, n, k, layout & 2 != 0));
            let kinds: [(bool, Product); 2] = [(avx512::is_available(), product_avx512), (avx2::is_available(), product_avx2)];
            for (_, product) in kinds.into_iter().filter(|(is_available, _)| *is_available) {
                let stride = n + 3;
                let mut out = vec![7.0; m * stride];
                let target = Target { data: out.as_mut_ptr(), stride, accumulate };
                // SAFETY: the operands and the target were just made with these extents.
                unsafe { product(m, n, k, a_view, b_view, target) };
                for i in (0..m).step_by(1 + m / 23) {
                    for j in (0..n).step_by(1 + n / 67) {
                        let exact: f64 = (0..k).map(|p| {
                            f64::from(a[i * a_view.lane + p * a_view.inner]) * f64::from(b[j * b_view.lane + p * b_view.inner])
                        }).sum();
                        let expected = exact + if accumulate { 7.0 } else { 0.0 };
                        let found = f64::from(out[i * stride + j]);
                        prop_assert!((found - expected).abs() < 1e-5 * k as f64, "({i}, {j}): {found} instead of {expected}");
                    }
                    prop_assert!(out[i * stride + n..(i + 1) * stride].iter().all(|&x| x == 7.0), "columns beyond are left alone");
                }
            }
        }
    }
}
