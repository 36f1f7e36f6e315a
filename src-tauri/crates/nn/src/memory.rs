//! Memory for numbers that every step walks over: weights, gradients, moments.
//!
//! A model of BERT-base's size has a gigabyte of them. In pages of 4 KiB the first step of a run takes half a million
//! page faults, and products miss the address cache; in pages of 2 MiB, which Linux gives who asks, neither counts.

/// So many zeros, in large pages where the system gives them. Pages that nobody writes to stay unmapped.
pub fn zeros(length: usize) -> Vec<f32> {
    let numbers = vec![0.0; length];
    advise(&numbers, Advice::WhenTouched);
    numbers
}

/// Moves numbers that are already there to large pages, where the system can.
pub fn move_to_large_pages(numbers: &mut [f32]) {
    advise(numbers, Advice::WhenTouched);
    advise(numbers, Advice::Now);
}

#[derive(Clone, Copy)]
enum Advice {
    /// Pages are large from the moment on that they are first written to.
    WhenTouched,
    /// Pages already written to are gathered into large ones (Linux 6.1 and later).
    Now,
}

#[cfg(target_os = "linux")]
fn advise(numbers: &[f32], advice: Advice) {
    const LARGE: usize = 1 << 21;
    // linux/mman.h; the libc crate has no name for it.
    const MADV_COLLAPSE: libc::c_int = 25;
    let range = numbers.as_ptr_range();
    let start = (range.start as usize).next_multiple_of(LARGE);
    let end = range.end as usize / LARGE * LARGE;
    if start >= end {
        return;
    }
    let advice = match advice {
        Advice::WhenTouched => libc::MADV_HUGEPAGE,
        Advice::Now => MADV_COLLAPSE,
    };
    // An older system refuses, and small pages do as well: nothing to tell.
    // SAFETY: the pages lie within `numbers`, and neither advice changes what they hold.
    unsafe { libc::madvise(start as *mut libc::c_void, end - start, advice) };
}

/// Other systems choose by themselves.
#[cfg(not(target_os = "linux"))]
fn advise(_: &[f32], _: Advice) {}
