//! Inverted dropout (Srivastava et al. 2014).

use crate::device;
use crate::kernels::elementwise;
use crate::random::DropoutMask;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// Drops numbers with this probability and scales the rest up; does nothing outside training.
pub fn dropout(tape: &mut Tape, x: Var, probability: f32) -> Var {
    let mask = tape.mask(probability);
    if mask.keeps_all() {
        return x;
    }
    if let Some(mirror) = tape.mirror() {
        return device::dropout(tape, mirror, &x, mask);
    }
    let columns = x.columns();
    let input = VarId::from(&x);
    let mut y = x.into_buffer(tape.pool());
    elementwise::dropout(&mut y, mask);
    let y = tape.var(y, columns);
    tape.record(|| Dropout {
        input,
        mask,
        y: (&y).into(),
    });
    y
}

struct Dropout {
    input: VarId,
    mask: DropoutMask,
    y: VarId,
}

impl Backward for Dropout {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let mut d = pass.take(self.y);
        elementwise::dropout(&mut d, self.mask);
        pass.add(self.input, d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};

    #[test]
    fn gradients_equal_finite_differences_under_the_same_mask() {
        let mut parameters = Parameters::default();
        let input = parameters.matrix("x", 8, 9, Init::Normal(1.0));
        check::gradients(parameters, |tape| {
            let x = check::leaf(tape, input);
            dropout(tape, x, 0.4)
        });
    }
}
