//! Where products pack their operands.

/// Numbers of a cache line.
pub const LINE: usize = 16;

/// Room for numbers that begins with a cache line: a register that lay across two would be read as two.
#[derive(Default)]
pub struct Lines(Vec<Line>);

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    _numbers: [f32; LINE],
}

impl Lines {
    /// Room for at least so many numbers; what was there may be lost.
    pub fn room(&mut self, numbers: usize) -> *mut f32 {
        let lines = numbers.div_ceil(LINE);
        if self.0.len() < lines {
            let zeros = Line {
                _numbers: [0.0; LINE],
            };
            self.0.resize(lines, zeros);
        }
        self.0.as_mut_ptr().cast()
    }
}
