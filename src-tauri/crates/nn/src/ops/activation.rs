//! `y = activation(x + bias)`, shapes `[rows, columns] + [columns]`.

use crate::device;
use crate::kernels::elementwise::{self, Activation};
use crate::parameters::Dense;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// Adds a bias (if there is one) and applies a function to every number. Takes `x` because it is overwritten where
/// nobody else needs it.
pub fn bias_activation(tape: &mut Tape, x: Var, bias: Option<Dense>, activation: Activation) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::bias_activation(tape, mirror, &x, bias, activation);
    }
    let columns = x.columns();
    let input = VarId::from(&x);
    let mut y = x.into_buffer(tape.pool());
    let needs_slope = tape.training() && activation != Activation::Identity;
    let mut slope = tape.pool().take(if needs_slope { y.len() } else { 0 });
    let parameters = tape.parameters();
    let numbers = bias.map_or(&[][..], |bias| parameters.get(bias));
    elementwise::bias_activation(&mut y, &mut slope, columns, numbers, activation);
    let y = tape.var(y, columns);
    tape.record(|| BiasActivation {
        input,
        bias,
        slope,
        columns,
        y: (&y).into(),
    });
    y
}

struct BiasActivation {
    input: VarId,
    bias: Option<Dense>,
    columns: usize,
    /// Derivative of the function at every number; empty for the identity.
    slope: Vec<f32>,
    y: VarId,
}

impl Backward for BiasActivation {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let mut d = pass.take(self.y);
        match self.bias {
            Some(bias) => {
                elementwise::bias_activation_backward(&mut d, &self.slope, pass.gradients.add(bias));
            }
            // The sums of the columns go nowhere.
            None => elementwise::bias_activation_backward(&mut d, &self.slope, &mut vec![0.0; self.columns]),
        }
        pass.pool.give(self.slope);
        pass.add(self.input, d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};

    #[test]
    fn gradients_equal_finite_differences() {
        let functions = [
            Activation::Identity,
            Activation::Gelu,
            Activation::GeluTanh,
            Activation::Tanh,
        ];
        for (activation, with_bias) in functions.into_iter().flat_map(|f| [(f, true), (f, false)]) {
            let mut parameters = Parameters::default();
            let input = parameters.matrix("x", 4, 19, Init::Normal(1.0));
            let bias = with_bias.then(|| parameters.vector("bias", 19, Init::Normal(1.0)));
            check::gradients(parameters, |tape| {
                let x = check::leaf(tape, input);
                bias_activation(tape, x, bias, activation)
            });
        }
    }
}
