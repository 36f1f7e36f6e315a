//! `y = x Wᵀ`, shapes `[rows, in] × [out, in] → [rows, out]`. The bias belongs to the operation that follows, which
//! walks over the result anyway.

use crate::kernels::matmul::{Threads, View, ViewMut, matmul};
use crate::parameters::Dense;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// Multiplies every row of `x` with the matrix `weight` (`[out, in]`, as in a checkpoint).
pub fn linear(tape: &mut Tape, x: &Var, weight: Dense) -> Var {
    let (rows, inputs, outputs) = (x.rows(), x.columns(), weight.rows());
    let mut y = tape.pool().take(rows * outputs);
    let w = View::dense(tape.parameters().get(weight), outputs, inputs);
    let out = ViewMut::dense(&mut y, rows, outputs);
    matmul(
        View::dense(x.values(), rows, inputs),
        w.t(),
        out,
        false,
        Threads::All,
    );
    let y = tape.var(y, outputs);
    tape.record(|| Linear {
        x: x.clone(),
        weight,
        y: (&y).into(),
    });
    y
}

struct Linear {
    x: Var,
    weight: Dense,
    y: VarId,
}

impl Backward for Linear {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let (rows, inputs, outputs) = (self.x.rows(), self.x.columns(), self.weight.rows());
        let dy = pass.take(self.y);
        let d = View::dense(&dy, rows, outputs);
        let (dw, accumulate) = pass.gradients.write(self.weight);
        let x = View::dense(self.x.values(), rows, inputs);
        matmul(
            d.t(),
            x,
            ViewMut::dense(dw, outputs, inputs),
            accumulate,
            Threads::All,
        );
        let input = VarId::from(&self.x);
        let (mut dx, accumulate) = pass.write(input);
        let w = View::dense(pass.parameters.get(self.weight), outputs, inputs);
        matmul(
            d,
            w,
            ViewMut::dense(&mut dx, rows, inputs),
            accumulate,
            Threads::All,
        );
        pass.put(input, dx);
        pass.pool.give(dy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};

    #[test]
    fn gradients_equal_finite_differences() {
        let mut parameters = Parameters::default();
        let weight = parameters.matrix("w", 5, 4, Init::Normal(1.0));
        let input = parameters.matrix("x", 3, 4, Init::Normal(1.0));
        check::gradients(parameters, |tape| {
            let x = check::leaf(tape, input);
            linear(tape, &x, weight)
        });
    }
}
