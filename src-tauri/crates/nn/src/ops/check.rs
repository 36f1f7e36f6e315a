//! Finite differences for the tests of the operations.

use crate::parameters::{Dense, Gradients, Parameters};
use crate::pool::Pool;
use crate::random::Key;
use crate::tape::{Backward, BackwardPass, Mode, Tape, Var, VarId};

/// Makes a parameter an activation, so that an operation's gradient towards its input can be checked like any
/// parameter's.
pub fn leaf(tape: &mut Tape, handle: Dense) -> Var {
    let numbers = tape.parameters().get(handle).to_vec();
    let var = tape.var(numbers, handle.columns());
    tape.record(|| Leaf {
        handle,
        var: (&var).into(),
    });
    var
}

struct Leaf {
    handle: Dense,
    var: VarId,
}

impl Backward for Leaf {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let d = pass.take(self.var);
        for (sum, x) in pass.gradients.add(self.handle).iter_mut().zip(d) {
            *sum += x;
        }
    }
}

const MODE: Mode = Mode::Training {
    key: Key::KEY_FOR_TESTS,
    dropout: true,
};

/// Checks the gradient of `Σ weightᵢ resultᵢ` (fixed random weights) towards every number of every parameter that is
/// not frozen.
pub fn gradients(mut parameters: Parameters, run: impl Fn(&mut Tape) -> Var) {
    for index in 0..parameters.len() {
        parameters.initialise(index, 11);
        // Ones and zeros would hide mistakes in scales and shifts.
        for (i, x) in parameters.values_mut(index).iter_mut().enumerate() {
            *x += 0.3 * Key::new(99).with(index as u64).normal(i as u64) as f32;
        }
    }
    let pool = Pool::default();
    let weight = |i: usize| Key::new(5).normal(i as u64) as f32;
    let value = |parameters: &Parameters| -> f64 {
        let mut tape = Tape::new(parameters, &pool, MODE);
        let y = run(&mut tape);
        y.values()
            .iter()
            .enumerate()
            .map(|(i, y)| f64::from(*y) * f64::from(weight(i)))
            .sum()
    };
    let mut gradients = Gradients::new(&parameters);
    let mut tape = Tape::new(&parameters, &pool, MODE);
    let y = run(&mut tape);
    let weights = (0..y.values().len()).map(weight).collect();
    tape.backward(&y, weights, &mut gradients).unwrap();
    const STEP: f32 = 1e-2;
    for index in 0..parameters.len() {
        if parameters.entries()[index].frozen {
            continue;
        }
        let found = gradients.to_dense(&parameters.entries()[index]);
        for (i, found) in found.into_iter().enumerate() {
            let at = parameters.values_mut(index)[i];
            parameters.values_mut(index)[i] = at + STEP;
            let above = value(&parameters);
            parameters.values_mut(index)[i] = at - STEP;
            let below = value(&parameters);
            parameters.values_mut(index)[i] = at;
            let expected = (above - below) / (2.0 * f64::from(STEP));
            let difference = (f64::from(found) - expected).abs();
            let name = &parameters.entries()[index].name;
            assert!(
                difference < 4e-3 * (1.0 + expected.abs()),
                "{name}[{i}]: {found} instead of {expected}"
            );
        }
    }
}
