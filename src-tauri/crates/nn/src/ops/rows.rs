//! Some rows of a parameter matrix as an activation: `[rows, columns]`.

use std::ops::Range;

use crate::device;
use crate::parameters::Dense;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// The rows `range` of `table`.
pub fn rows(tape: &mut Tape, table: Dense, range: Range<usize>) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::rows(tape, mirror, table, range);
    }
    let columns = table.columns();
    let numbers = &tape.parameters().get(table)[range.start * columns..range.end * columns];
    let mut y = tape.pool().take(numbers.len());
    y.copy_from_slice(numbers);
    let y = tape.var(y, columns);
    tape.record(|| Rows {
        table,
        start: range.start * columns,
        y: (&y).into(),
    });
    y
}

struct Rows {
    table: Dense,
    start: usize,
    y: VarId,
}

impl Backward for Rows {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let d = pass.take(self.y);
        let gradient = &mut pass.gradients.add(self.table)[self.start..self.start + d.len()];
        gradient.iter_mut().zip(&d).for_each(|(sum, d)| *sum += d);
        pass.pool.give(d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};

    #[test]
    fn gradients_reach_these_rows_only() {
        let mut parameters = Parameters::default();
        let table = parameters.matrix("table", 5, 3, Init::Normal(1.0));
        check::gradients(parameters, |tape| rows(tape, table, 1..4));
    }
}
