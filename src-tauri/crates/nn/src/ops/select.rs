//! The first token of every sequence (`[CLS]`), where BERT-like models gather the whole text's meaning.

use std::sync::Arc;

use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// `[tokens, hidden]` → `[sequences, hidden]`: the row at each sequence's offset.
pub fn first_tokens(tape: &mut Tape, x: &Var, offsets: &Arc<[usize]>) -> Var {
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
}
