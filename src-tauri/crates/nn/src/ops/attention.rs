//! Multi-head self-attention over packed sequences (Vaswani et al. 2017), between the projections.
//!
//! Shapes: `[tokens, 3 × hidden]` (query, key, value side by side, without their bias) → `[tokens, hidden]`. Every
//! token sees the tokens of its own sequence only, because sequences are handled one by one; there is no mask.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use crate::device;
use crate::kernels::attention::{
    Disentangled, DistanceGradients, Distances, Head, Rotation, Scratch, SingleQuery,
};
use crate::kernels::matmul::{Precision, View, ViewMut};
use crate::kernels::{elementwise, parallel};
use crate::parameters::Dense;
use crate::random::DropoutMask;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// What one attention is made of.
#[derive(Debug, Clone)]
pub struct AttentionShape {
    /// Number of heads; divides the hidden size.
    pub heads: usize,
    /// Bias of query, key and value, `[3 × hidden]`, where there is one.
    pub bias: Option<Dense>,
    /// Probability that a probability is dropped.
    pub dropout: f32,
    /// Tokens further apart than this do not see each other.
    pub window: Option<usize>,
    /// Position embeddings that turn queries and keys.
    pub rotary: Option<Arc<Rotary>>,
}

/// Cosines and sines of rotary position embeddings (Su et al. 2021).
#[derive(Debug)]
pub struct Rotary {
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rotary {
    /// For heads of `size` numbers at up to `positions` positions, with the base `theta` of the wave lengths.
    pub fn new(positions: usize, size: usize, theta: f64) -> Self {
        let angles = (0..positions).flat_map(|position| {
            (0..size / 2).map(move |i| position as f64 * theta.powf(-2.0 * i as f64 / size as f64))
        });
        let (cosines, sines) = angles
            .map(|angle| (angle.cos() as f32, angle.sin() as f32))
            .unzip();
        Rotary { cosines, sines }
    }

    /// Cosines and sines, `[positions, size / 2]` each.
    pub fn tables(&self) -> (&[f32], &[f32]) {
        (&self.cosines, &self.sines)
    }
}

/// What the distance of two tokens adds to the score of their attention.
#[derive(Debug, Clone)]
pub enum RelativePositions {
    /// A learnt number for each bucket of distances and each head: `[buckets, heads]`.
    Bias {
        /// The numbers.
        table: Dense,
        /// Bucket of each distance of a key from its query: `buckets[key - query + centre]`.
        buckets: Arc<[u32]>,
    },
    /// Products with projected embeddings of distances, `[places, 2 × hidden]`: queries, then keys.
    Disentangled {
        /// The projections, without their bias (which is that of query and key).
        rows: Var,
        /// Row of each distance of a query from its key: `places[query - key + centre]`.
        places: Arc<[u32]>,
    },
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Lets every token gather from the tokens of its sequence. `offsets` as in [`crate::PackedBatch`].
pub fn attention(tape: &mut Tape, qkv: &Var, offsets: &Arc<[usize]>, shape: &AttentionShape) -> Var {
    attend(tape, qkv, offsets, shape, None)
}

/// As [`attention`], with scores that also depend on the distance of the tokens.
pub fn relative_attention(
    tape: &mut Tape,
    qkv: &Var,
    offsets: &Arc<[usize]>,
    shape: &AttentionShape,
    positions: &RelativePositions,
) -> Var {
    attend(tape, qkv, offsets, shape, Some(positions.clone()))
}

fn attend(
    tape: &mut Tape,
    qkv: &Var,
    offsets: &Arc<[usize]>,
    shape: &AttentionShape,
    positions: Option<RelativePositions>,
) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::attend(tape, mirror, qkv, offsets, shape, positions.as_ref());
    }
    let hidden = qkv.columns() / 3;
    let plan = Plan {
        offsets: offsets.clone(),
        heads: shape.heads,
        size: hidden / shape.heads,
        window: shape.window,
        rotary: shape.rotary.clone(),
        positions,
        mask: tape.mask(shape.dropout),
        mask_starts: mask_starts(offsets, shape.heads),
        precision: tape.precision(),
    };
    let mut context = tape.pool().take(qkv.rows() * hidden);
    let out = ViewMut::dense(&mut context, qkv.rows(), hidden);
    let parameters = tape.parameters();
    let bias = shape.bias.map_or(&[][..], |bias| parameters.get(bias));
    let by_head = plan.bias_by_head(|table| parameters.get(table));
    parallel::for_tasks(plan.sequences() * plan.heads, |task| {
        let (sequence, index) = (task / plan.heads, task % plan.heads);
        let distances = plan.distances(index, &by_head, bias);
        let (head, rows, columns) = plan.head(sequence, index, qkv.values(), bias, distances);
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

/// How an attention divides into tasks.
struct Plan {
    offsets: Arc<[usize]>,
    heads: usize,
    size: usize,
    window: Option<usize>,
    rotary: Option<Arc<Rotary>>,
    positions: Option<RelativePositions>,
    mask: DropoutMask,
    mask_starts: Vec<u32>,
    precision: Precision,
}

/// Index of each sequence's first probability in the dropout mask's stream.
pub(crate) fn mask_starts(offsets: &[usize], heads: usize) -> Vec<u32> {
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
    fn sequences(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The learnt numbers of a bias, by head and distance: `[heads, distances]`.
    fn bias_by_head<'p>(&self, numbers: impl Fn(Dense) -> &'p [f32]) -> Vec<Vec<f32>> {
        match &self.positions {
            Some(RelativePositions::Bias { table, buckets }) => {
                let table = numbers(*table);
                let of_head = |head| {
                    buckets
                        .iter()
                        .map(|&bucket| table[bucket as usize * self.heads + head])
                        .collect()
                };
                (0..self.heads).map(of_head).collect()
            }
            _ => Vec::new(),
        }
    }

    fn distances<'a>(&'a self, head: usize, by_head: &'a [Vec<f32>], bias: &'a [f32]) -> Distances<'a> {
        match &self.positions {
            None => Distances::None,
            Some(RelativePositions::Bias { buckets, .. }) => Distances::Bias {
                bias: &by_head[head],
                centre: buckets.len() / 2,
            },
            Some(RelativePositions::Disentangled { rows, places }) => Distances::Disentangled(Disentangled {
                rows: rows.values(),
                bias: bias.get(..rows.columns()).unwrap_or_default(),
                stride: rows.columns(),
                places,
                centre: places.len() / 2,
            }),
        }
    }

    /// One head of one sequence: its rows and its columns within the context.
    fn head<'a>(
        &'a self,
        sequence: usize,
        index: usize,
        qkv: &'a [f32],
        bias: &'a [f32],
        distances: Distances<'a>,
    ) -> (Head<'a>, Range<usize>, Range<usize>) {
        let rows = self.offsets[sequence]..self.offsets[sequence + 1];
        let columns = index * self.size..(index + 1) * self.size;
        let (length, row_stride) = (rows.len(), 3 * self.heads * self.size);
        // DeBERTa's scores are sums of three products.
        let terms = match distances {
            Distances::Disentangled(_) => 3.0,
            _ => 1.0,
        };
        let head = Head {
            qkv: &qkv[rows.start * row_stride..rows.end * row_stride],
            bias,
            length,
            row_stride,
            column: columns.start,
            size: self.size,
            scale: 1.0 / (terms * self.size as f32).sqrt(),
            window: self.window,
            rotation: self.rotary.as_ref().map(|rotary| Rotation {
                cosines: &rotary.cosines,
                sines: &rotary.sines,
            }),
            distances,
            mask: self.mask,
            mask_start: self.mask_starts[sequence].wrapping_add((index * length * length) as u32),
            precision: self.precision,
        };
        (head, rows, columns)
    }
}

struct Attention {
    qkv: Var,
    bias: Option<Dense>,
    plan: Plan,
    context: VarId,
}

/// Gradients of what the distances add, one entry a head, filled by the head's own task.
struct DistanceSums {
    first: Vec<Vec<f32>>,
    second: Vec<Vec<f32>>,
}

impl Attention {
    /// Way back of one head of one sequence.
    fn head_backward(
        &self,
        (sequence, index): (usize, usize),
        distances: Distances,
        d_distances: DistanceGradients,
        bias: &[f32],
        d_context: &[f32],
        out: &ViewMut,
    ) {
        let hidden = self.qkv.columns() / 3;
        let (head, rows, columns) = self
            .plan
            .head(sequence, index, self.qkv.values(), bias, distances);
        let from = rows.start * hidden + columns.start;
        let d = View::new(&d_context[from..], rows.len(), columns.len(), hidden);
        let blocks = [0, 1, 2].map(|which| {
            let columns = columns.start + which * hidden..columns.end + which * hidden;
            // SAFETY: every task has its own rows (sequence) and columns (head; query, key, value).
            unsafe { out.block(rows.clone(), columns) }
        });
        SCRATCH.with_borrow_mut(|scratch| head.backward(d, blocks, d_distances, scratch));
    }

    /// All heads, where gradients of distances are summed over the sequences: a task a head, so that they are summed
    /// in one order.
    fn backward_with_distances(
        &self,
        bias: &[f32],
        by_head: &[Vec<f32>],
        d: &[f32],
        out: &ViewMut,
    ) -> DistanceSums {
        use rayon::prelude::*;
        let (first, second) = match &self.plan.positions {
            Some(RelativePositions::Disentangled { rows, .. }) => {
                (rows.rows() * self.plan.size, rows.rows() * self.plan.size)
            }
            Some(RelativePositions::Bias { buckets, .. }) => (buckets.len(), 0),
            None => (0, 0),
        };
        let mut sums = DistanceSums {
            first: vec![vec![0.0; first]; self.plan.heads],
            second: vec![vec![0.0; second]; self.plan.heads],
        };
        let heads = sums.first.par_iter_mut().zip(&mut sums.second).enumerate();
        heads.for_each(|(index, (first, second))| {
            let distances = self.plan.distances(index, by_head, bias);
            for sequence in 0..self.plan.sequences() {
                let gradients = match distances {
                    Distances::Disentangled(_) => DistanceGradients::Disentangled(first, second),
                    Distances::Bias { .. } => DistanceGradients::Bias(first),
                    Distances::None => DistanceGradients::None,
                };
                self.head_backward((sequence, index), distances, gradients, bias, d, out);
            }
        });
        sums
    }
}

impl Backward for Attention {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let (tokens, width) = (self.qkv.rows(), self.qkv.columns());
        let heads = self.plan.heads;
        let d_context = pass.take(self.context);
        let mut d_qkv = pass.pool.take(tokens * width);
        let out = ViewMut::dense(&mut d_qkv, tokens, width);
        let parameters = pass.parameters;
        let bias = self.bias.map_or(&[][..], |bias| parameters.get(bias));
        match &self.plan.positions {
            None => parallel::for_tasks(self.plan.sequences() * heads, |task| {
                let task = (task / heads, task % heads);
                let none = DistanceGradients::None;
                self.head_backward(task, Distances::None, none, bias, &d_context, &out);
            }),
            Some(positions) => {
                let by_head = self.plan.bias_by_head(|table| parameters.get(table));
                let sums = self.backward_with_distances(bias, &by_head, &d_context, &out);
                add_distances(pass, positions, &sums, &self.plan, self.bias);
            }
        }
        pass.pool.give(d_context);
        if let Some(bias) = self.bias {
            elementwise::bias_activation_backward(&mut d_qkv, &[], pass.gradients.add(bias));
        }
        pass.add(VarId::from(&self.qkv), d_qkv);
    }
}

/// Hands the gradients by head and distance to the parameters or activations that they belong to.
fn add_distances(
    pass: &mut BackwardPass,
    positions: &RelativePositions,
    sums: &DistanceSums,
    plan: &Plan,
    bias: Option<Dense>,
) {
    match positions {
        RelativePositions::Bias { table, buckets } => {
            let gradient = pass.gradients.add(*table);
            for (head, sums) in sums.first.iter().enumerate() {
                for (&bucket, sum) in buckets.iter().zip(sums) {
                    gradient[bucket as usize * plan.heads + head] += sum;
                }
            }
        }
        RelativePositions::Disentangled { rows, .. } => {
            let (width, size) = (rows.columns(), plan.size);
            let mut d_rows = pass.pool.take(rows.values().len());
            for (head, (queries, keys)) in sums.first.iter().zip(&sums.second).enumerate() {
                for (column, numbers) in [(head * size, queries), (width / 2 + head * size, keys)] {
                    let targets = d_rows.chunks_exact_mut(width);
                    for (to, from) in targets.zip(numbers.chunks_exact(size)) {
                        to[column..column + size].copy_from_slice(from);
                    }
                }
            }
            if let Some(bias) = bias {
                let gradient = &mut pass.gradients.add(bias)[..width];
                elementwise::bias_activation_backward(&mut d_rows, &[], gradient);
            }
            pass.add(VarId::from(rows), d_rows);
        }
    }
}

/// The attention of each sequence's first token only: what a model needs of its last layer when it reads nothing else
/// from it. `query` is `[sequences, hidden]` (of the first tokens), `kv` `[tokens, 2 × hidden]`, both without bias;
/// the result is `[sequences, hidden]`. Neither window nor rotary embeddings are supported.
pub fn first_token_attention(
    tape: &mut Tape,
    query: &Var,
    kv: &Var,
    offsets: &Arc<[usize]>,
    shape: &AttentionShape,
) -> Var {
    if let Some(mirror) = tape.mirror() {
        return device::first_token_attention(tape, mirror, query, kv, offsets, shape);
    }
    let hidden = query.columns();
    let plan = FirstPlan {
        offsets: offsets.clone(),
        heads: shape.heads,
        size: hidden / shape.heads,
        mask: tape.mask(shape.dropout),
    };
    let parameters = tape.parameters();
    let bias = shape.bias.map_or(&[][..], |bias| parameters.get(bias));
    let mut context = tape.pool().take(query.rows() * hidden);
    let out = ViewMut::dense(&mut context, query.rows(), hidden);
    parallel::for_tasks(plan.tasks(), |task| {
        let (sequence, columns) = plan.place(task);
        let q = plan.query(query.values(), bias, sequence, &columns);
        // SAFETY: every task has its own row (sequence) and columns (head).
        let mut out = unsafe { out.block(sequence..sequence + 1, columns.clone()) };
        let head = plan.head(task, &q, kv.values(), bias);
        SCRATCH.with_borrow_mut(|scratch| head.forward(out.row(0), scratch));
    });
    let context = tape.var(context, hidden);
    tape.record(|| FirstTokenAttention {
        query: query.clone(),
        kv: kv.clone(),
        bias: shape.bias,
        plan,
        context: (&context).into(),
    });
    context
}

/// How the attention of the first tokens divides into tasks of one sequence and one head.
struct FirstPlan {
    offsets: Arc<[usize]>,
    heads: usize,
    size: usize,
    mask: DropoutMask,
}

impl FirstPlan {
    fn tasks(&self) -> usize {
        (self.offsets.len() - 1) * self.heads
    }

    /// A task's sequence and columns.
    fn place(&self, task: usize) -> (usize, Range<usize>) {
        let head = task % self.heads;
        (task / self.heads, head * self.size..(head + 1) * self.size)
    }

    fn query(&self, queries: &[f32], bias: &[f32], sequence: usize, columns: &Range<usize>) -> Vec<f32> {
        let mut query = queries[sequence * self.heads * self.size..][columns.clone()].to_vec();
        if let Some(bias) = bias.get(columns.clone()) {
            query.iter_mut().zip(bias).for_each(|(q, b)| *q += b);
        }
        query
    }

    fn head<'a>(&self, task: usize, query: &'a [f32], kv: &'a [f32], bias: &'a [f32]) -> SingleQuery<'a> {
        let (sequence, columns) = self.place(task);
        let rows = self.offsets[sequence]..self.offsets[sequence + 1];
        let hidden = self.heads * self.size;
        let value_bias = bias.get(2 * hidden + columns.start..2 * hidden + columns.end);
        SingleQuery {
            query,
            kv: &kv[rows.start * 2 * hidden..rows.end * 2 * hidden],
            value_bias: value_bias.unwrap_or_default(),
            row_stride: 2 * hidden,
            column: columns.start,
            mask: self.mask,
            mask_start: (rows.start * self.heads + (task % self.heads) * rows.len()) as u32,
        }
    }
}

struct FirstTokenAttention {
    query: Var,
    kv: Var,
    bias: Option<Dense>,
    plan: FirstPlan,
    context: VarId,
}

impl Backward for FirstTokenAttention {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let (sequences, hidden) = (self.query.rows(), self.query.columns());
        let (tokens, plan) = (self.kv.rows(), &self.plan);
        let d_context = pass.take(self.context);
        let mut d_query = pass.pool.take(sequences * hidden);
        let mut d_kv = pass.pool.take(tokens * 2 * hidden);
        // The value's bias reaches the result through the sum of the probabilities, which dropout changes.
        let mut totals = vec![0.0; plan.tasks()];
        let parameters = pass.parameters;
        let bias = self.bias.map_or(&[][..], |bias| parameters.get(bias));
        let out_q = ViewMut::dense(&mut d_query, sequences, hidden);
        let out_kv = ViewMut::dense(&mut d_kv, tokens, 2 * hidden);
        let out_totals = ViewMut::dense(&mut totals, plan.tasks(), 1);
        parallel::for_tasks(plan.tasks(), |task| {
            let (sequence, columns) = plan.place(task);
            let rows = plan.offsets[sequence]..plan.offsets[sequence + 1];
            let q = plan.query(self.query.values(), bias, sequence, &columns);
            let head = plan.head(task, &q, self.kv.values(), bias);
            let values = hidden + columns.start..hidden + columns.end;
            // SAFETY: every task has its own rows (sequence) and columns (head; query, key, value), and its own total.
            let (mut d_q, d_k, d_v, mut total) = unsafe {
                (
                    out_q.block(sequence..sequence + 1, columns.clone()),
                    out_kv.block(rows.clone(), columns.clone()),
                    out_kv.block(rows, values),
                    out_totals.block(task..task + 1, 0..1),
                )
            };
            let d = &d_context[sequence * hidden..][columns];
            SCRATCH.with_borrow_mut(|scratch| {
                total.row(0)[0] = head.backward(d, d_q.row(0), d_k, d_v, scratch);
            });
        });
        if let Some(bias) = self.bias {
            let gradient = pass.gradients.add(bias);
            let (query_gradient, rest) = gradient.split_at_mut(hidden);
            elementwise::bias_activation_backward(&mut d_query, &[], query_gradient);
            // The key's bias adds the same to all scores of a query: its gradient is zero.
            for (task, total) in totals.iter().enumerate() {
                let (sequence, columns) = plan.place(task);
                let d = &d_context[sequence * hidden..][columns.clone()];
                let sums = &mut rest[hidden..][columns];
                sums.iter_mut().zip(d).for_each(|(sum, d)| *sum += total * d);
            }
        }
        pass.pool.give(d_context);
        pass.add(VarId::from(&self.query), d_query);
        pass.add(VarId::from(&self.kv), d_kv);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{check, first_tokens};
    use crate::parameters::{Init, Parameters};
    use crate::pool::Pool;
    use crate::tape::Mode;

    fn parameters(tokens: usize, hidden: usize) -> (Parameters, Dense, Dense) {
        let mut parameters = Parameters::default();
        let qkv = parameters.matrix("qkv", tokens, 3 * hidden, Init::Normal(1.0));
        let bias = parameters.vector("bias", 3 * hidden, Init::Normal(1.0));
        (parameters, qkv, bias)
    }

    fn shape(bias: Option<Dense>, dropout: f32) -> AttentionShape {
        AttentionShape {
            heads: 2,
            bias,
            dropout,
            window: None,
            rotary: None,
        }
    }

    fn two_sequences() -> Arc<[usize]> {
        Arc::from([0, 1, 6])
    }

    #[test]
    fn gradients_equal_finite_differences() {
        for dropout in [0.0, 0.3] {
            let (parameters, qkv, bias) = parameters(6, 4);
            check::gradients(parameters, |tape| {
                let qkv = check::leaf(tape, qkv);
                attention(tape, &qkv, &two_sequences(), &shape(Some(bias), dropout))
            });
        }
    }

    #[test]
    fn gradients_with_rotary_embeddings_and_a_window_equal_finite_differences() {
        let mut parameters = Parameters::default();
        let qkv = parameters.matrix("qkv", 6, 24, Init::Normal(1.0));
        let rotary = Arc::new(Rotary::new(6, 4, 100.0));
        for window in [None, Some(1)] {
            check::gradients(parameters.clone(), |tape| {
                let qkv = check::leaf(tape, qkv);
                let shape = AttentionShape {
                    window,
                    rotary: Some(rotary.clone()),
                    ..shape(None, 0.2)
                };
                attention(tape, &qkv, &two_sequences(), &shape)
            });
        }
    }

    #[test]
    fn gradients_with_a_bias_by_distance_equal_finite_differences() {
        let (mut parameters, qkv, bias) = parameters(6, 4);
        let table = parameters.matrix("table", 3, 2, Init::Normal(1.0));
        // Five tokens: distances -4 to 4 in three buckets.
        let buckets = Arc::from([0, 0, 0, 0, 1, 2, 2, 2, 2]);
        check::gradients(parameters, |tape| {
            let qkv = check::leaf(tape, qkv);
            let positions = RelativePositions::Bias {
                table,
                buckets: Arc::clone(&buckets),
            };
            relative_attention(tape, &qkv, &two_sequences(), &shape(Some(bias), 0.2), &positions)
        });
    }

    #[test]
    fn gradients_with_disentangled_positions_equal_finite_differences() {
        let (mut parameters, qkv, bias) = parameters(6, 4);
        let rows = parameters.matrix("rows", 4, 8, Init::Normal(1.0));
        let places = Arc::from([0, 0, 0, 1, 2, 3, 3, 3, 3]);
        check::gradients(parameters, |tape| {
            let (qkv, rows) = (check::leaf(tape, qkv), check::leaf(tape, rows));
            let positions = RelativePositions::Disentangled {
                rows,
                places: Arc::clone(&places),
            };
            relative_attention(tape, &qkv, &two_sequences(), &shape(Some(bias), 0.2), &positions)
        });
    }

    #[test]
    fn gradients_of_the_first_tokens_attention_equal_finite_differences() {
        for dropout in [0.0, 0.3] {
            let mut parameters = Parameters::default();
            let query = parameters.matrix("query", 2, 4, Init::Normal(1.0));
            let kv = parameters.matrix("kv", 6, 8, Init::Normal(1.0));
            let bias = parameters.vector("bias", 12, Init::Normal(1.0));
            check::gradients(parameters, |tape| {
                let (query, kv) = (check::leaf(tape, query), check::leaf(tape, kv));
                first_token_attention(tape, &query, &kv, &two_sequences(), &shape(Some(bias), dropout))
            });
        }
    }

    fn split(numbers: &[f32], columns: usize, part: Range<usize>) -> Vec<f32> {
        numbers
            .chunks_exact(columns)
            .flat_map(|row| &row[part.clone()])
            .copied()
            .collect()
    }

    #[test]
    fn the_first_tokens_attention_is_the_whole_attention_at_the_first_tokens() {
        let (mut parameters, qkv, bias) = parameters(6, 4);
        (0..2).for_each(|i| parameters.initialise(i, 1));
        let mut tape = Tape::new(&parameters, &Pool::default(), Mode::Inference);
        let all = check::leaf(&mut tape, qkv);
        let shape = shape(Some(bias), 0.1);
        let whole = attention(&mut tape, &all, &two_sequences(), &shape);
        let expected = first_tokens(&mut tape, &whole, &two_sequences());
        let query = tape.var(split(all.values(), 12, 0..4), 4);
        let query = first_tokens(&mut tape, &query, &two_sequences());
        let kv = tape.var(split(all.values(), 12, 4..12), 8);
        let found = first_token_attention(&mut tape, &query, &kv, &two_sequences(), &shape);
        for (found, expected) in found.values().iter().zip(expected.values()) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn a_sequence_does_not_see_its_neighbours_in_the_pack() {
        let (mut parameters, qkv, bias) = parameters(8, 4);
        parameters.initialise(0, 1);
        let run = |parameters: &Parameters| {
            let mut tape = Tape::new(parameters, &Pool::default(), Mode::Inference);
            let qkv = check::leaf(&mut tape, qkv);
            attention(&mut tape, &qkv, &Arc::from([0, 3, 8]), &shape(Some(bias), 0.1))
                .values()
                .to_vec()
        };
        let before = run(&parameters);
        parameters.values_mut(0)[3 * 12..].fill(7.0);
        let after = run(&parameters);
        assert_eq!(before[..3 * 4], after[..3 * 4]);
        assert_ne!(before[3 * 4..], after[3 * 4..]);
    }

    #[test]
    fn long_sequences_in_blocks_give_what_one_block_gives() {
        // 700 tokens are two blocks of queries; a window wider than the sequence changes nothing but the blocks.
        let (tokens, hidden) = (700, 4);
        let (mut parameters, qkv, bias) = parameters(tokens, hidden);
        (0..2).for_each(|i| parameters.initialise(i, 1));
        let run = |window| {
            let mut tape = Tape::new(&parameters, &Pool::default(), Mode::Inference);
            let qkv = check::leaf(&mut tape, qkv);
            let shape = AttentionShape {
                window,
                ..shape(Some(bias), 0.0)
            };
            attention(&mut tape, &qkv, &Arc::from([0, tokens]), &shape)
                .values()
                .to_vec()
        };
        let (whole, windowed) = (run(None), run(Some(tokens)));
        for (a, b) in whole.iter().zip(&windowed) {
            assert!((a - b).abs() < 1e-6);
        }
        let narrow = run(Some(3));
        assert!(narrow.iter().zip(&whole).any(|(a, b)| (a - b).abs() > 1e-2));
    }
}
