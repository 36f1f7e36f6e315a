//! `y = x Wᵀ`, shapes `[rows, in] × [out, in] → [rows, out]`. The bias belongs to the operation that follows, which
//! walks over the result anyway.
//!
//! Where the matrix has an adapter (Hu et al. 2021, "LoRA", <https://arxiv.org/abs/2106.09685>), the product is
//! `x (W + scale · U D)ᵀ` with `D` `[rank, in]` and `U` `[out, rank]`, and `W` has no gradient.

use crate::device;
use crate::kernels::matmul::{Precision, Threads, View, ViewMut, matmul};
use crate::parameters::{Adapter, Dense};
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// Multiplies every row of `x` with the matrix `weight` (`[out, in]`, as in a checkpoint).
pub fn linear(tape: &mut Tape, x: &Var, weight: Dense) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::linear(tape, mirror, x, weight);
    }
    let (rows, inputs, outputs) = (x.rows(), x.columns(), weight.rows());
    let (parameters, precision) = (tape.parameters(), tape.precision());
    let mut y = tape.pool().take(rows * outputs);
    let product = |a: View, b: View, out: ViewMut, accumulate| {
        matmul(a, b, out, accumulate, Threads::All, precision);
    };
    let input = View::dense(x.values(), rows, inputs);
    let w = View::dense(parameters.get(weight), outputs, inputs);
    product(input, w.t(), ViewMut::dense(&mut y, rows, outputs), false);
    let adapter = parameters.adapter(weight).map(|adapter| {
        let rank = adapter.down.rows();
        let mut low = tape.pool().take(rows * rank);
        let down = View::dense(parameters.get(adapter.down), rank, inputs);
        product(input, down.t(), ViewMut::dense(&mut low, rows, rank), false);
        low.iter_mut().for_each(|x| *x *= adapter.scale);
        let up = View::dense(parameters.get(adapter.up), outputs, rank);
        let low_view = View::dense(&low, rows, rank);
        product(low_view, up.t(), ViewMut::dense(&mut y, rows, outputs), true);
        (adapter, tape.var(low, rank))
    });
    let y = tape.var(y, outputs);
    tape.record(|| Linear {
        x: x.clone(),
        weight,
        adapter,
        precision,
        y: (&y).into(),
    });
    y
}

struct Linear {
    x: Var,
    weight: Dense,
    /// The adapter and `scale · x Dᵀ`.
    adapter: Option<(Adapter, Var)>,
    precision: Precision,
    y: VarId,
}

impl Backward for Linear {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let (rows, inputs, outputs) = (self.x.rows(), self.x.columns(), self.weight.rows());
        let product = |a: View, b: View, out: ViewMut, accumulate| {
            matmul(a, b, out, accumulate, Threads::All, self.precision);
        };
        let parameters = pass.parameters;
        let dy = pass.take(self.y);
        let d = View::dense(&dy, rows, outputs);
        let x = View::dense(self.x.values(), rows, inputs);
        if !parameters.is_frozen(self.weight) {
            let (dw, accumulate) = pass.gradients.write(self.weight);
            product(d.t(), x, ViewMut::dense(dw, outputs, inputs), accumulate);
        }
        let input = VarId::from(&self.x);
        let (mut dx, accumulate) = pass.write(input);
        let w = View::dense(parameters.get(self.weight), outputs, inputs);
        product(d, w, ViewMut::dense(&mut dx, rows, inputs), accumulate);
        if let Some((adapter, low)) = &self.adapter {
            let rank = low.columns();
            let (d_up, accumulate) = pass.gradients.write(adapter.up);
            let low = View::dense(low.values(), rows, rank);
            product(d.t(), low, ViewMut::dense(d_up, outputs, rank), accumulate);
            let mut d_low = pass.pool.take(rows * rank);
            let up = View::dense(parameters.get(adapter.up), outputs, rank);
            product(d, up, ViewMut::dense(&mut d_low, rows, rank), false);
            d_low.iter_mut().for_each(|x| *x *= adapter.scale);
            let d_low_view = View::dense(&d_low, rows, rank);
            let (d_down, accumulate) = pass.gradients.write(adapter.down);
            product(
                d_low_view.t(),
                x,
                ViewMut::dense(d_down, rank, inputs),
                accumulate,
            );
            let down = View::dense(parameters.get(adapter.down), rank, inputs);
            product(d_low_view, down, ViewMut::dense(&mut dx, rows, inputs), true);
            pass.pool.give(d_low);
        }
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

    #[test]
    fn gradients_through_an_adapter_equal_finite_differences_also_for_parts_of_the_matrix() {
        let mut parameters = Parameters::default();
        let weight = parameters.matrix("w", 6, 4, Init::Normal(1.0));
        let input = parameters.matrix("x", 3, 4, Init::Normal(1.0));
        parameters.add_adapter(weight, "w", 2, 0.7);
        parameters.freeze(|entry| entry.name == "w");
        check::gradients(parameters, |tape| {
            let x = check::leaf(tape, input);
            let y = linear(tape, &x, weight.part(0..4));
            let z = linear(tape, &x, weight.part(2..6));
            crate::ops::add(tape, y, &z)
        });
    }
}
