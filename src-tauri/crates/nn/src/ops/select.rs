//! One row a sequence: its first token (`[CLS]`), where BERT-like models gather the whole text's meaning, or the mean
//! of its tokens.

use std::sync::Arc;

use crate::device;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// `[tokens, hidden]` → `[sequences, hidden]`: the row at each sequence's offset.
pub fn first_tokens(tape: &mut Tape, x: &Var, offsets: &Arc<[usize]>) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::first_tokens(tape, mirror, x, offsets);
    }
    let columns = x.columns();
    let sequences = offsets.len() - 1;
    let mut y = tape.pool().take(sequences * columns);
    for (y, &row) in y.chunks_exact_mut(columns).zip(offsets.iter()) {
        y.copy_from_slice(&x.values()[row * columns..][..columns]);
    }
    let y = tape.var(y, columns);
    tape.record(|| FirstTokens {
        x: x.into(),
        offsets: offsets.clone(),
        columns,
        y: (&y).into(),
    });
    y
}

struct FirstTokens {
    x: VarId,
    offsets: Arc<[usize]>,
    columns: usize,
    y: VarId,
}

impl Backward for FirstTokens {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let d = pass.take(self.y);
        let (mut dx, accumulate) = pass.write(self.x);
        if !accumulate {
            dx.fill(0.0);
        }
        for (d, &row) in d.chunks_exact(self.columns).zip(self.offsets.iter()) {
            dx[row * self.columns..][..self.columns]
                .iter_mut()
                .zip(d)
                .for_each(|(sum, x)| *sum += x);
        }
        pass.put(self.x, dx);
        pass.pool.give(d);
    }
}

/// `[tokens, hidden]` → `[sequences, hidden]`: the mean of each sequence's rows.
pub fn mean_tokens(tape: &mut Tape, x: &Var, offsets: &Arc<[usize]>) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::mean_tokens(tape, mirror, x, offsets);
    }
    let columns = x.columns();
    let sequences = offsets.len() - 1;
    let mut y = tape.pool().take_zeroed(sequences * columns);
    for (y, pair) in y.chunks_exact_mut(columns).zip(offsets.windows(2)) {
        let rows = &x.values()[pair[0] * columns..pair[1] * columns];
        let share = 1.0 / (pair[1] - pair[0]) as f32;
        for row in rows.chunks_exact(columns) {
            y.iter_mut().zip(row).for_each(|(sum, x)| *sum += share * x);
        }
    }
    let y = tape.var(y, columns);
    tape.record(|| MeanTokens {
        x: x.into(),
        offsets: offsets.clone(),
        columns,
        y: (&y).into(),
    });
    y
}

/// `[rows, columns]` → `[groups, columns]`: the largest number of each column among each group's rows.
pub fn max_rows(tape: &mut Tape, x: &Var, offsets: &Arc<[usize]>) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::max_rows(tape, mirror, x, offsets);
    }
    let columns = x.columns();
    let groups = offsets.len() - 1;
    let mut y = tape.pool().take(groups * columns);
    let mut from = vec![0_u32; groups * columns];
    for (group, pair) in offsets.windows(2).enumerate() {
        for column in 0..columns {
            let at = |row: usize| x.values()[row * columns + column];
            // The first of equals, so that it is the same every time.
            let row =
                (pair[0]..pair[1]).fold(pair[0], |best, row| if at(row) > at(best) { row } else { best });
            y[group * columns + column] = at(row);
            from[group * columns + column] = row as u32;
        }
    }
    let y = tape.var(y, columns);
    tape.record(|| MaxRows {
        x: x.into(),
        from,
        columns,
        y: (&y).into(),
    });
    y
}

struct MaxRows {
    x: VarId,
    /// Row that each number came from.
    from: Vec<u32>,
    columns: usize,
    y: VarId,
}

impl Backward for MaxRows {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let d = pass.take(self.y);
        let (mut dx, accumulate) = pass.write(self.x);
        if !accumulate {
            dx.fill(0.0);
        }
        for (i, (d, &row)) in d.iter().zip(&self.from).enumerate() {
            dx[row as usize * self.columns + i % self.columns] += d;
        }
        pass.put(self.x, dx);
        pass.pool.give(d);
    }
}

struct MeanTokens {
    x: VarId,
    offsets: Arc<[usize]>,
    columns: usize,
    y: VarId,
}

impl Backward for MeanTokens {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let d = pass.take(self.y);
        let tokens = self.offsets.last().copied().unwrap_or_default();
        let mut dx = pass.pool.take(tokens * self.columns);
        for (d, pair) in d.chunks_exact(self.columns).zip(self.offsets.windows(2)) {
            let share = 1.0 / (pair[1] - pair[0]) as f32;
            let rows = &mut dx[pair[0] * self.columns..pair[1] * self.columns];
            for row in rows.chunks_exact_mut(self.columns) {
                row.iter_mut().zip(d).for_each(|(to, d)| *to = share * d);
            }
        }
        pass.add(self.x, dx);
        pass.pool.give(d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};

    #[test]
    fn gradients_reach_the_first_tokens_only() {
        let mut parameters = Parameters::default();
        let input = parameters.matrix("x", 5, 3, Init::Normal(1.0));
        let offsets: Arc<[usize]> = Arc::from([0, 2, 5]);
        check::gradients(parameters, |tape| {
            let x = check::leaf(tape, input);
            first_tokens(tape, &x, &offsets)
        });
    }

    #[test]
    fn gradients_of_the_mean_reach_every_token() {
        let mut parameters = Parameters::default();
        let input = parameters.matrix("x", 5, 3, Init::Normal(1.0));
        let offsets: Arc<[usize]> = Arc::from([0, 2, 5]);
        check::gradients(parameters, |tape| {
            let x = check::leaf(tape, input);
            mean_tokens(tape, &x, &offsets)
        });
    }

    #[test]
    fn gradients_reach_the_largest_of_each_column() {
        let mut parameters = Parameters::default();
        let input = parameters.matrix("x", 5, 3, Init::Normal(1.0));
        let offsets: Arc<[usize]> = Arc::from([0, 2, 5]);
        check::gradients(parameters, |tape| {
            let x = check::leaf(tape, input);
            max_rows(tape, &x, &offsets)
        });
    }
}
