//! GeGLU (Shazeer 2020): `y = gelu(first half of x) * second half of x`, shapes `[rows, 2 n]` → `[rows, n]`.

use crate::device;
use crate::kernels::elementwise::{self, Activation};
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// Lets one half of every row, through GELU, decide how much of the other passes.
pub fn gated(tape: &mut Tape, x: &Var, activation: Activation) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::gated(tape, mirror, x, activation);
    }
    let columns = x.columns() / 2;
    let mut y = tape.pool().take(x.rows() * columns);
    elementwise::gated(x.values(), &mut y, columns, activation);
    let y = tape.var(y, columns);
    tape.record(|| Gated {
        x: x.clone(),
        activation,
        y: (&y).into(),
    });
    y
}

struct Gated {
    x: Var,
    activation: Activation,
    y: VarId,
}

impl Backward for Gated {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let d = pass.take(self.y);
        let mut dx = pass.pool.take(self.x.values().len());
        let columns = self.x.columns() / 2;
        elementwise::gated_backward(self.x.values(), &d, &mut dx, columns, self.activation);
        pass.pool.give(d);
        pass.add(VarId::from(&self.x), dx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};

    #[test]
    fn gradients_equal_finite_differences() {
        for activation in [Activation::Gelu, Activation::GeluTanh] {
            let mut parameters = Parameters::default();
            let input = parameters.matrix("x", 3, 14, Init::Normal(1.0));
            check::gradients(parameters, |tape| {
                let x = check::leaf(tape, input);
                gated(tape, &x, activation)
            });
        }
    }
}
