//! Layer normalisation, alone or fused with bias, dropout and residual before it.

use crate::device;
use crate::kernels::layer_norm::{self as kernel, Input};
use crate::parameters::Dense;
use crate::random::DropoutMask;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// The parameters of a normalisation. `scale` and `shift` are vectors of the hidden size.
#[derive(Debug, Clone, Copy)]
pub struct LayerNorm {
    /// Factor of the normalised row (`weight` in checkpoints).
    pub scale: Dense,
    /// Added afterwards (`bias` in checkpoints), where there is one.
    pub shift: Option<Dense>,
    /// Added to the variance.
    pub epsilon: f32,
}

/// `y = norm(x) * scale + shift`, by rows.
pub fn layer_norm(tape: &mut Tape, x: Var, norm: LayerNorm) -> Var {
    normalise(tape, x, norm, None, 0.0)
}

/// `y = norm(dropout(x + bias) + residual) * scale + shift`, by rows: the end of each half of a transformer layer.
pub fn add_layer_norm(
    tape: &mut Tape,
    x: Var,
    bias: Dense,
    residual: &Var,
    dropout: f32,
    norm: LayerNorm,
) -> Var {
    normalise(tape, x, norm, Some((bias, residual)), dropout)
}

fn normalise(tape: &mut Tape, x: Var, norm: LayerNorm, branch: Option<(Dense, &Var)>, dropout: f32) -> Var {
    let columns = x.columns();
    let mask = tape.mask(dropout);
    if let Some(mirror) = tape.mirror() {
        return device::normalise(tape, mirror, &x, norm, branch, mask);
    }
    let input = VarId::from(&x);
    let mut sum = x.into_buffer(tape.pool());
    let mut y = tape.pool().take(sum.len());
    let parameters = tape.parameters();
    kernel::forward(
        &mut sum,
        &mut y,
        Input {
            bias: branch.map_or(&[][..], |(bias, _)| parameters.get(bias)),
            residual: branch.map_or(&[][..], |(_, residual)| residual.values()),
            scale: parameters.get(norm.scale),
            shift: norm.shift.map_or(&[][..], |shift| parameters.get(shift)),
            epsilon: norm.epsilon,
            mask,
        },
    );
    let y = tape.var(y, columns);
    if tape.training() {
        let branch = branch.map(|(bias, residual)| Branch {
            bias,
            residual: residual.into(),
            mask,
        });
        tape.record(|| Normalise {
            input,
            sum,
            norm,
            branch,
            y: (&y).into(),
        });
    } else {
        tape.pool().give(sum);
    }
    y
}

struct Branch {
    bias: Dense,
    residual: VarId,
    mask: DropoutMask,
}

struct Normalise {
    input: VarId,
    /// What was normalised.
    sum: Vec<f32>,
    norm: LayerNorm,
    branch: Option<Branch>,
    y: VarId,
}

impl Backward for Normalise {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let columns = self.norm.scale.columns();
        let mut d = pass.take(self.y);
        let mut gradients = vec![0.0; 2 * columns];
        let scale = pass.parameters.get(self.norm.scale);
        kernel::backward(&mut d, &self.sum, scale, self.norm.epsilon, &mut gradients);
        for (handle, part) in [Some(self.norm.scale), self.norm.shift]
            .into_iter()
            .zip(gradients.chunks_exact(columns))
        {
            let Some(handle) = handle else { continue };
            for (sum, x) in pass.gradients.add(handle).iter_mut().zip(part) {
                *sum += x;
            }
        }
        match self.branch {
            None => {
                pass.pool.give(self.sum);
                pass.add(self.input, d);
            }
            Some(branch) => {
                // The buffer of the sum is used up: it becomes the branch's gradient.
                let mut dx = self.sum;
                kernel::branch_backward(&mut dx, &d, branch.mask, pass.gradients.add(branch.bias));
                pass.add(self.input, dx);
                pass.add(branch.residual, d);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};

    fn norm(parameters: &mut Parameters, columns: usize) -> LayerNorm {
        LayerNorm {
            scale: parameters.vector("scale", columns, Init::Ones),
            shift: Some(parameters.vector("shift", columns, Init::Zeros)),
            epsilon: 1e-12,
        }
    }

    #[test]
    fn gradients_of_the_plain_norm_equal_finite_differences() {
        let mut parameters = Parameters::default();
        let norm = norm(&mut parameters, 21);
        let input = parameters.matrix("x", 3, 21, Init::Normal(1.0));
        check::gradients(parameters, |tape| {
            let x = check::leaf(tape, input);
            layer_norm(tape, x, norm)
        });
    }

    #[test]
    fn gradients_of_a_norm_without_shift_equal_finite_differences() {
        let mut parameters = Parameters::default();
        let norm = LayerNorm {
            shift: None,
            scale: parameters.vector("scale", 21, Init::Ones),
            epsilon: 1e-5,
        };
        let input = parameters.matrix("x", 3, 21, Init::Normal(1.0));
        check::gradients(parameters, |tape| {
            let x = check::leaf(tape, input);
            layer_norm(tape, x, norm)
        });
    }

    #[test]
    fn gradients_of_the_fused_norm_equal_finite_differences() {
        let mut parameters = Parameters::default();
        let norm = norm(&mut parameters, 18);
        let input = parameters.matrix("x", 3, 18, Init::Normal(1.0));
        let residual = parameters.matrix("residual", 3, 18, Init::Normal(1.0));
        let bias = parameters.vector("bias", 18, Init::Normal(1.0));
        check::gradients(parameters, |tape| {
            let (x, residual) = (check::leaf(tape, input), check::leaf(tape, residual));
            add_layer_norm(tape, x, bias, &residual, 0.2, norm)
        });
    }

    #[test]
    fn an_activation_used_as_input_and_residual_gets_both_gradients() {
        let mut parameters = Parameters::default();
        let norm = norm(&mut parameters, 10);
        let input = parameters.matrix("x", 2, 10, Init::Normal(1.0));
        let bias = parameters.vector("bias", 10, Init::Normal(1.0));
        check::gradients(parameters, |tape| {
            let x = check::leaf(tape, input);
            add_layer_norm(tape, x.clone(), bias, &x, 0.3, norm)
        });
    }
}
