//! `y = x + residual`, `[rows, columns]`: the end of each half of a pre-normalised layer.

use crate::device;
use crate::kernels::elementwise;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// Adds two activations of one shape. Takes `x` because it is overwritten where nobody else needs it.
pub fn add(tape: &mut Tape, x: Var, residual: &Var) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::add(tape, mirror, &x, residual);
    }
    let columns = x.columns();
    let input = VarId::from(&x);
    let mut y = x.into_buffer(tape.pool());
    elementwise::add(&mut y, residual.values());
    let y = tape.var(y, columns);
    tape.record(|| Add {
        input,
        residual: residual.into(),
        y: (&y).into(),
    });
    y
}

struct Add {
    input: VarId,
    residual: VarId,
    y: VarId,
}

impl Backward for Add {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let d = pass.take(self.y);
        let mut copy = pass.pool.take(d.len());
        copy.copy_from_slice(&d);
        pass.add(self.input, copy);
        pass.add(self.residual, d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};

    #[test]
    fn gradients_reach_both_inputs_also_when_they_are_one() {
        let mut parameters = Parameters::default();
        let (a, b) = (
            parameters.matrix("a", 3, 5, Init::Normal(1.0)),
            parameters.matrix("b", 3, 5, Init::Normal(1.0)),
        );
        check::gradients(parameters, |tape| {
            let (a, b) = (check::leaf(tape, a), check::leaf(tape, b));
            let sum = add(tape, a, &b);
            add(tape, sum.clone(), &sum)
        });
    }
}
