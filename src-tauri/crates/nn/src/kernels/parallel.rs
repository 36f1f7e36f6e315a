//! Dividing rows among threads, always in the same way for the same sizes and number of threads.

use std::ops::Range;

use rayon::prelude::*;

/// Rows below which a thread of its own does not pay (in numbers touched).
const GRAIN: usize = 1 << 14;

/// A pointer that threads may share because each writes rows of its own.
#[derive(Clone, Copy)]
struct Shared(*mut f32);
// SAFETY: only handed out below as disjoint row ranges.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// How many parts `rows` rows of `columns` numbers are cut into.
fn parts(rows: usize, columns: usize) -> usize {
    let worth = (rows * columns).div_ceil(GRAIN);
    worth.min(rayon::current_num_threads() * 4).clamp(1, rows.max(1))
}

/// The `part`-th of `parts` nearly equal ranges of `0..rows`.
pub fn range(rows: usize, parts: usize, part: usize) -> Range<usize> {
    rows * part / parts..rows * (part + 1) / parts
}

/// As [`range`], with boundaries at multiples of `step`.
pub fn range_of_steps(length: usize, step: usize, parts: usize, part: usize) -> Range<usize> {
    let steps = range(length.div_ceil(step), parts, part);
    (steps.start * step).min(length)..(steps.end * step).min(length)
}

/// Runs `work(rows, block)` over disjoint blocks of rows of `out` (`[rows, columns]`), in parallel.
pub fn for_rows(out: &mut [f32], columns: usize, work: impl Fn(Range<usize>, &mut [f32]) + Sync) {
    let rows = out.len() / columns.max(1);
    for_rows2(
        out,
        columns,
        &mut [],
        0,
        |range, block, _| work(range, block),
        rows,
    );
}

/// As [`for_rows`], with a second output of the same number of rows and `columns2` columns.
pub fn for_row_pairs(
    out: &mut [f32],
    columns: usize,
    out2: &mut [f32],
    columns2: usize,
    work: impl Fn(Range<usize>, &mut [f32], &mut [f32]) + Sync,
) {
    let rows = out.len() / columns.max(1);
    for_rows2(out, columns, out2, columns2, work, rows);
}

fn for_rows2(
    out: &mut [f32],
    columns: usize,
    out2: &mut [f32],
    columns2: usize,
    work: impl Fn(Range<usize>, &mut [f32], &mut [f32]) + Sync,
    rows: usize,
) {
    assert!(out.len() >= rows * columns && out2.len() >= rows * columns2);
    let parts = parts(rows, columns + columns2);
    if parts == 1 {
        return work(0..rows, out, out2);
    }
    let (first, second) = (Shared(out.as_mut_ptr()), Shared(out2.as_mut_ptr()));
    (0..parts).into_par_iter().for_each(|part| {
        let (first, second) = (first, second);
        let rows = range(rows, parts, part);
        // SAFETY: the ranges of different parts do not overlap and stay within the slices (asserted above), which
        // are borrowed mutably for the whole call.
        let (block, block2) = unsafe {
            (
                std::slice::from_raw_parts_mut(first.0.add(rows.start * columns), rows.len() * columns),
                std::slice::from_raw_parts_mut(second.0.add(rows.start * columns2), rows.len() * columns2),
            )
        };
        work(rows, block, block2);
    });
}

/// As [`for_rows`], while every part also fills `sums` numbers of its own; they are added to `totals` in the order of
/// the parts.
pub fn for_rows_with_sums(
    out: &mut [f32],
    columns: usize,
    totals: &mut [f32],
    work: impl Fn(Range<usize>, &mut [f32], &mut [f32]) + Sync,
) {
    let rows = out.len() / columns.max(1);
    // Sums cost memory and additions per part: one part a thread is enough.
    let parts = parts(rows, columns).min(rayon::current_num_threads());
    let mut sums = vec![0.0; totals.len() * parts];
    let width = totals.len();
    let shared = Shared(out.as_mut_ptr());
    sums.par_chunks_mut(width.max(1))
        .enumerate()
        .for_each(|(part, sums)| {
            // Captures the wrapper, which threads may share, and not its pointer alone.
            let output = shared;
            let rows = range(rows, parts, part);
            // SAFETY: as in `for_rows2`.
            let block = unsafe {
                std::slice::from_raw_parts_mut(output.0.add(rows.start * columns), rows.len() * columns)
            };
            work(rows, block, sums);
        });
    for sums in sums.chunks_exact(width.max(1)) {
        for (total, sum) in totals.iter_mut().zip(sums) {
            *total += sum;
        }
    }
}

/// Runs `work(task)` for every task in parallel; the tasks must write to disjoint places.
pub fn for_tasks(tasks: usize, work: impl Fn(usize) + Sync + Send) {
    if tasks <= 1 || rayon::current_num_threads() == 1 {
        (0..tasks).for_each(work);
    } else {
        (0..tasks).into_par_iter().for_each(work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_all_rows_once() {
        for rows in [0, 1, 7, 64, 1000] {
            for parts in 1..9 {
                let covered: Vec<usize> = (0..parts).flat_map(|part| range(rows, parts, part)).collect();
                assert_eq!(covered, (0..rows).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn every_row_is_visited_with_its_own_block() {
        let (rows, columns) = (5000, 24);
        let mut out = vec![0.0; rows * columns];
        for_rows(&mut out, columns, |range, block| {
            for (row, chunk) in range.zip(block.chunks_exact_mut(columns)) {
                chunk.fill(row as f32);
            }
        });
        assert!(
            out.chunks_exact(columns)
                .enumerate()
                .all(|(row, chunk)| chunk.iter().all(|&x| x == row as f32))
        );
    }

    #[test]
    fn sums_of_the_parts_are_added_up() {
        let (rows, columns) = (3000, 32);
        let mut out = vec![1.0; rows * columns];
        let mut totals = vec![0.5; 2];
        for_rows_with_sums(&mut out, columns, &mut totals, |range, _, sums| {
            sums[0] += range.len() as f32;
            sums[1] += 1.0;
        });
        assert_eq!(totals[0], 0.5 + rows as f32);
        assert!(totals[1] >= 1.5);
    }
}
