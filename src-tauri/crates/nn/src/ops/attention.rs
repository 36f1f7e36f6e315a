//! Multi-head self-attention over packed sequences (Vaswani et al. 2017), between the projections.
//!
//! Shapes: `[tokens, 3 × hidden]` (query, key, value side by side, without their bias) → `[tokens, hidden]`. Every
//! token sees the tokens of its own sequence only, because sequences are handled one by one; there is no mask.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use crate::kernels::attention::{Head, Scratch};
use crate::kernels::matmul::{View, ViewMut};
use crate::kernels::parallel;
use crate::parameters::Dense;
use crate::random::DropoutMask;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// What one attention is made of.
#[derive(Debug, Clone)]
pub struct AttentionShape {
    /// Number of heads; divides the hidden size.
    pub heads: usize,
    /// Bias of query, key and value, `[3 × hidden]`.
    pub bias: Dense,
    /// Probability that a probability is dropped.
    pub dropout: f32,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Lets every token gather from the tokens of its sequence. `offsets` as in [`crate::PackedBatch`].
pub fn attention(tape: &mut Tape, qkv: &Var, offsets: &Arc<[usize]>, shape: &AttentionShape) -> Var {
    let hidden = qkv.columns() / 3;
    let plan = Plan {
        offsets: offsets.clone(),
        heads: shape.heads,
        size: hidden / shape.heads,
        mask: tape.mask(shape.dropout),
        mask_starts: mask_starts(offsets, shape.heads),
    };
    let mut context = tape.pool().take(qkv.rows() * hidden);
    let out = ViewMut::dense(&mut context, qkv.rows(), hidden);
    let bias = tape.parameters().get(shape.bias);
    parallel::for_tasks(plan.tasks(), |task| {
        let (head, rows, columns) = plan.head(task, qkv.values(), bias);
        // SAFETY: every task has its own rows (sequence) and columns (head).
        let out = unsafe { out.block(rows, columns) };
        SCRATCH.with_borrow_mut(|scratch| head.forward(out, scratch));
    });
    let context = tape.var(context, hidden);
    tape.record(|| Attention {
        qkv: qkv.clone(),
        bias: shape.bias,
        plan,
        context: (&context).into(),
    });
    context
}

/// How an attention divides into tasks of one sequence and one head.
struct Plan {
    offsets: Arc<[usize]>,
    heads: usize,
    size: usize,
    mask: DropoutMask,
    mask_starts: Vec<u32>,
}

/// Index of each sequence's first probability in the dropout mask's stream.
fn mask_starts(offsets: &[usize], heads: usize) -> Vec<u32> {
    let mut start = 0_u32;
    offsets
        .windows(2)
        .map(|pair| {
            let this = start;
            let length = (pair[1] - pair[0]) as u32;
            start = start.wrapping_add(length.wrapping_mul(length).wrapping_mul(heads as u32));
            this
        })
        .collect()
}

impl Plan {
    fn tasks(&self) -> usize {
        (self.offsets.len() - 1) * self.heads
    }

    /// One task: its head, its rows and its columns within the context.
    fn head<'a>(
        &self,
        task: usize,
        qkv: &'a [f32],
        bias: &'a [f32],
    ) -> (Head<'a>, Range<usize>, Range<usize>) {
        let (sequence, index) = (task / self.heads, task % self.heads);
        let rows = self.offsets[sequence]..self.offsets[sequence + 1];
        let columns = index * self.size..(index + 1) * self.size;
        let (length, row_stride) = (rows.len(), bias.len());
        let head = Head {
            qkv: &qkv[rows.start * row_stride..rows.end * row_stride],
            bias,
            length,
            row_stride,
            column: columns.start,
            size: self.size,
            mask: self.mask,
            mask_start: self.mask_starts[sequence].wrapping_add((index * length * length) as u32),
        };
        (head, rows, columns)
    }
}

struct Attention {
    qkv: Var,
    bias: Dense,
    plan: Plan,
    context: VarId,
}

impl Backward for Attention {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let (tokens, width) = (self.qkv.rows(), self.qkv.columns());
        let hidden = width / 3;
        let d_context = pass.take(self.context);
        let mut d_qkv = pass.pool.take(tokens * width);
        let out = ViewMut::dense(&mut d_qkv, tokens, width);
        let bias = pass.parameters.get(self.bias);
        parallel::for_tasks(self.plan.tasks(), |task| {
            let (head, rows, columns) = self.plan.head(task, self.qkv.values(), bias);
            let from = rows.start * hidden + columns.start;
            let d = View::new(&d_context[from..], rows.len(), columns.len(), hidden);
            let blocks = [0, 1, 2].map(|which| {
                let columns = columns.start + which * hidden..columns.end + which * hidden;
                // SAFETY: every task has its own rows (sequence) and columns (head; query, key, value).
                unsafe { out.block(rows.clone(), columns) }
            });
            SCRATCH.with_borrow_mut(|scratch| head.backward(d, blocks, scratch));
        });
        pass.pool.give(d_context);
        crate::kernels::elementwise::bias_activation_backward(&mut d_qkv, &[], pass.gradients.add(self.bias));
        pass.add(VarId::from(&self.qkv), d_qkv);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check;
    use crate::parameters::{Init, Parameters};
    use crate::pool::Pool;
    use crate::tape::Mode;

    fn parameters(tokens: usize, hidden: usize) -> (Parameters, Dense, Dense) {
        let mut parameters = Parameters::default();
        let qkv = parameters.matrix("qkv", tokens, 3 * hidden, Init::Normal(1.0));
        let bias = parameters.vector("bias", 3 * hidden, Init::Normal(1.0));
        (parameters, qkv, bias)
    }

    #[test]
    fn gradients_equal_finite_differences() {
        for dropout in [0.0, 0.3] {
            let (parameters, qkv, bias) = parameters(6, 4);
            let offsets: Arc<[usize]> = Arc::from([0, 1, 6]);
            check::gradients(parameters, |tape| {
                let qkv = check::leaf(tape, qkv);
                attention(
                    tape,
                    &qkv,
                    &offsets,
                    &AttentionShape {
                        heads: 2,
                        bias,
                        dropout,
                    },
                )
            });
        }
    }

    #[test]
    fn a_sequence_does_not_see_its_neighbours_in_the_pack() {
        let (mut parameters, qkv, bias) = parameters(8, 4);
        parameters.initialise(0, 1);
        let run = |parameters: &Parameters| {
            let mut tape = Tape::new(parameters, &Pool::default(), Mode::Inference);
            let qkv = check::leaf(&mut tape, qkv);
            let shape = AttentionShape {
                heads: 2,
                bias,
                dropout: 0.1,
            };
            attention(&mut tape, &qkv, &Arc::from([0, 3, 8]), &shape)
                .values()
                .to_vec()
        };
        let before = run(&parameters);
        parameters.values_mut(0)[3 * 12..].fill(7.0);
        let after = run(&parameters);
        assert_eq!(before[..3 * 4], after[..3 * 4]);
        assert_ne!(before[3 * 4..], after[3 * 4..]);
    }
}
