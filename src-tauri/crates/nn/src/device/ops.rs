//! The operations of [`crate::ops`] but attention, on a device.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{D, DType, Result, Tensor};

use super::apply::apply;
use super::factors::factors;
use super::gather::{NO_ROW, RowMap};
use super::{Mirror, dtype};
use crate::kernels::elementwise::Activation;
use crate::kernels::matmul::Precision;
use crate::ops::{EmbeddingTables, LayerNorm};
use crate::parameters::{Adapter, Dense, TableId};
use crate::random::DropoutMask;
use crate::tape::{Backward, BackwardPass, Tape, Var, VarId};

/// As [`crate::ops::linear`].
pub(crate) fn linear(tape: &mut Tape, mirror: &Mirror, x: &Var, weight: Dense) -> Var {
    let (adapter, precision) = (tape.parameters().adapter(weight), tape.precision());
    let product = |x: &Tensor| -> Result<(Tensor, Option<Tensor>)> {
        let y = x.matmul(&mirror.matrix(weight, precision)?.t()?)?;
        let Some(adapter) = adapter else {
            return Ok((y, None));
        };
        let low = (x.matmul(&mirror.matrix(adapter.down, precision)?.t()?)? * f64::from(adapter.scale))?;
        let y = (y + low.matmul(&mirror.matrix(adapter.up, precision)?.t()?)?)?;
        Ok((y, Some(low)))
    };
    let (y, low) = match x.tensor().and_then(product) {
        Ok((y, low)) => (Ok(y), low),
        Err(error) => (Err(error), None),
    };
    let y = tape.place(y);
    tape.record(|| Linear {
        x: x.clone(),
        weight,
        adapter: adapter.zip(low),
        precision,
        y: (&y).into(),
    });
    y
}

struct Linear {
    x: Var,
    weight: Dense,
    /// The adapter and `scale · x Dᵀ`.
    adapter: Option<(Adapter, Tensor)>,
    precision: Precision,
    y: VarId,
}

impl Backward for Linear {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        pass.on_device(|pass, mirror| {
            let d = pass.take_tensor(self.y)?;
            let x = self.x.tensor()?;
            let gradient = |d: &Tensor, x: &Tensor| d.t()?.matmul(x)?.to_dtype(DType::F32);
            if !pass.parameters.is_frozen(self.weight) {
                pass.gradients
                    .device
                    .add(self.weight.range(), &gradient(&d, x)?)?;
            }
            let mut dx = d.matmul(&mirror.matrix(self.weight, self.precision)?)?;
            if let Some((adapter, low)) = &self.adapter {
                pass.gradients
                    .device
                    .add(adapter.up.range(), &gradient(&d, low)?)?;
                let d_low =
                    (d.matmul(&mirror.matrix(adapter.up, self.precision)?)? * f64::from(adapter.scale))?;
                pass.gradients
                    .device
                    .add(adapter.down.range(), &gradient(&d_low, x)?)?;
                dx = (dx + d_low.matmul(&mirror.matrix(adapter.down, self.precision)?)?)?;
            }
            pass.add_tensor(VarId::from(&self.x), dx)
        });
    }
}

/// As [`crate::ops::bias_activation`].
pub(crate) fn bias_activation(
    tape: &mut Tape,
    mirror: &Mirror,
    x: &Var,
    bias: Option<Dense>,
    activation: Activation,
) -> Var {
    apply(tape, mirror, &[x], bias.as_slice(), move |arguments| {
        let (dtype, mut x) = (arguments[0].dtype(), arguments[0].to_dtype(DType::F32)?);
        if let Some(bias) = arguments.get(1) {
            x = x.broadcast_add(bias)?;
        }
        activate(&x, activation)?.to_dtype(dtype)
    })
}

fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
        Activation::Tanh => x.tanh(),
        Activation::Relu => x.relu(),
    }
}

/// As [`crate::ops::gated`].
pub(crate) fn gated(tape: &mut Tape, mirror: &Mirror, x: &Var, activation: Activation) -> Var {
    apply(tape, mirror, &[x], &[], move |arguments| {
        let x = &arguments[0];
        let columns = x.dim(1)? / 2;
        let half = |start: usize| x.narrow(1, start, columns)?.contiguous()?.to_dtype(DType::F32);
        (activate(&half(0)?, activation)? * half(columns)?)?.to_dtype(x.dtype())
    })
}

/// As [`crate::ops::add`].
pub(crate) fn add(tape: &mut Tape, mirror: &Mirror, x: &Var, residual: &Var) -> Var {
    apply(tape, mirror, &[x, residual], &[], |arguments| {
        &arguments[0] + &arguments[1]
    })
}

/// As [`crate::ops::dropout`], of a mask that drops something.
pub(crate) fn dropout(tape: &mut Tape, mirror: &Mirror, x: &Var, mask: DropoutMask) -> Var {
    let columns = x.columns();
    match mirror.row_starts(x.rows(), columns) {
        Ok(starts) => apply(tape, mirror, &[x], &[], move |arguments| {
            let x = &arguments[0];
            x * factors(mask, &starts, columns)?.to_dtype(x.dtype())?
        }),
        Err(error) => tape.place(Err(error)),
    }
}

/// As [`crate::ops::layer_norm`] and [`crate::ops::add_layer_norm`].
pub(crate) fn normalise(
    tape: &mut Tape,
    mirror: &Mirror,
    x: &Var,
    norm: LayerNorm,
    branch: Option<(Dense, &Var)>,
    mask: DropoutMask,
) -> Var {
    let mut inputs = vec![x];
    let mut parameters = vec![norm.scale];
    parameters.extend(norm.shift);
    if let Some((bias, residual)) = branch {
        inputs.push(residual);
        parameters.push(bias);
    }
    let (in_branch, shifted) = (branch.is_some(), norm.shift.is_some());
    let columns = norm.scale.columns();
    let starts = match mirror.row_starts(x.rows(), columns) {
        Ok(starts) => starts,
        Err(error) => return tape.place(Err(error)),
    };
    let first = inputs.len();
    apply(tape, mirror, &inputs, &parameters, move |arguments| {
        let dtype = arguments[0].dtype();
        let mut x = arguments[0].to_dtype(DType::F32)?;
        if in_branch {
            x = x.broadcast_add(&arguments[arguments.len() - 1])?;
            if !mask.keeps_all() {
                x = (x * factors(mask, &starts, columns)?)?;
            }
            x = (x + arguments[1].to_dtype(DType::F32)?)?;
        }
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let y = centred.broadcast_div(&(variance + f64::from(norm.epsilon))?.sqrt()?)?;
        let mut y = y.broadcast_mul(&arguments[first])?;
        if shifted {
            y = y.broadcast_add(&arguments[first + 1])?;
        }
        y.to_dtype(dtype)
    })
}

/// As [`crate::ops::embed`], without an interpolation.
pub(crate) fn embed(
    tape: &mut Tape,
    mirror: &Mirror,
    tables: &EmbeddingTables,
    ids: &[u32],
    indices: &[Vec<u32>],
) -> Var {
    let (table, precision) = (mirror.table_of(tables.words), tape.precision());
    let words = RowMap::new(ids, table.dims()[0], mirror.device())
        .and_then(|map| Ok((map.gather(table)?.to_dtype(dtype(precision))?, map)));
    let (words, map) = match words {
        Ok((words, map)) => (Ok(words), Some(map)),
        Err(error) => (Err(error), None),
    };
    let mut sum = tape.place(words);
    if let Some(map) = map {
        tape.record(|| Words {
            table: tables.words,
            map,
            y: (&sum).into(),
        });
    }
    for (&table, indices) in tables.others.iter().zip(indices) {
        let table = rows(tape, mirror, table, 0..table.rows());
        let other = gather(tape, mirror, &table, indices);
        sum = add(tape, mirror, &sum, &other);
    }
    sum
}

struct Words {
    table: TableId,
    map: RowMap,
    y: VarId,
}

impl Backward for Words {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        pass.on_device(|pass, _| {
            let d = pass.take_tensor(self.y)?.to_dtype(DType::F32)?;
            pass.gradients
                .device
                .add_table(self.table.index(), self.map.back(&d)?)
        });
    }
}

/// As [`crate::ops::rows`].
pub(crate) fn rows(tape: &mut Tape, mirror: &Mirror, table: Dense, range: Range<usize>) -> Var {
    let dtype = dtype(tape.precision());
    let numbers = mirror
        .parameter(table)
        .and_then(|numbers| numbers.narrow(0, range.start, range.len())?.to_dtype(dtype));
    let y = tape.place(numbers);
    tape.record(|| Rows {
        table,
        range,
        y: (&y).into(),
    });
    y
}

struct Rows {
    table: Dense,
    range: Range<usize>,
    y: VarId,
}

impl Backward for Rows {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        pass.on_device(|pass, _| {
            let d = pass.take_tensor(self.y)?.to_dtype(DType::F32)?;
            // Rows that were not read have a gradient too: zero.
            let zeros = |rows: usize| Tensor::zeros((rows, self.table.columns()), DType::F32, d.device());
            let around = [
                zeros(self.range.start)?,
                d.clone(),
                zeros(self.table.rows() - self.range.end)?,
            ];
            pass.gradients
                .device
                .add(self.table.range(), &Tensor::cat(&around, 0)?)
        });
    }
}

/// Rows of `x` by number ([`NO_ROW`] for one that does not matter): `[indices, columns]`.
pub(super) fn gather(tape: &mut Tape, mirror: &Mirror, x: &Var, indices: &[u32]) -> Var {
    // What failed before has no rows to be numbered.
    let map = x
        .tensor()
        .and_then(|_| RowMap::new(indices, x.rows(), mirror.device()));
    match map {
        Ok(map) => gather_by(tape, x, map),
        Err(error) => tape.place(Err(error)),
    }
}

/// Rows of `x` by a map.
pub(super) fn gather_by(tape: &mut Tape, x: &Var, map: RowMap) -> Var {
    let y = tape.place(x.tensor().and_then(|x| map.gather(x)));
    tape.record(|| Gather {
        x: x.into(),
        map,
        y: (&y).into(),
    });
    y
}

struct Gather {
    x: VarId,
    map: RowMap,
    y: VarId,
}

impl Backward for Gather {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        pass.on_device(|pass, _| {
            let d = pass.take_tensor(self.y)?;
            pass.add_tensor(self.x, self.map.back(&d)?)
        });
    }
}

/// As [`crate::ops::first_tokens`].
pub(crate) fn first_tokens(tape: &mut Tape, mirror: &Mirror, x: &Var, offsets: &[usize]) -> Var {
    let first: Vec<u32> = offsets[..offsets.len() - 1]
        .iter()
        .map(|&row| row as u32)
        .collect();
    gather(tape, mirror, x, &first)
}

/// As [`crate::ops::mean_tokens`].
pub(crate) fn mean_tokens(tape: &mut Tape, mirror: &Mirror, x: &Var, offsets: &Arc<[usize]>) -> Var {
    if let Err(error) = x.tensor() {
        return tape.place(Err(error));
    }
    let (groups, rows) = (offsets.len() - 1, x.rows());
    let mut shares = vec![0.0_f32; groups * rows];
    for (pair, shares) in offsets.windows(2).zip(shares.chunks_exact_mut(rows.max(1))) {
        shares[pair[0]..pair[1]].fill(1.0 / (pair[1] - pair[0]) as f32);
    }
    match Tensor::from_vec(shares, (groups, rows), mirror.device()) {
        Ok(shares) => apply(tape, mirror, &[x], &[], move |arguments| {
            let x = &arguments[0];
            shares.matmul(&x.to_dtype(DType::F32)?)?.to_dtype(x.dtype())
        }),
        Err(error) => tape.place(Err(error)),
    }
}

/// The rows of each group one under another, `[groups × largest, columns]`, what is missing in them as [`NO_ROW`], and the
/// size of the largest.
fn grouped(offsets: &[usize]) -> (Vec<u32>, usize) {
    let largest = offsets
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap_or(0);
    let rows = offsets.windows(2).flat_map(|pair| {
        let (start, end) = (pair[0], pair[1]);
        (start..start + largest).map(move |row| if row < end { row as u32 } else { NO_ROW })
    });
    (rows.collect(), largest)
}

/// 0 for rows that are there, `far` for others: `[groups, largest, 1]`.
fn absent(rows: &[u32], largest: usize, mirror: &Mirror) -> Result<Tensor> {
    let far = super::padding::NEVER as f32;
    let numbers: Vec<f32> = rows
        .iter()
        .map(|&row| if row == NO_ROW { far } else { 0.0 })
        .collect();
    Tensor::from_vec(
        numbers,
        (rows.len() / largest.max(1), largest, 1),
        mirror.device(),
    )
}

/// As [`crate::ops::max_rows`].
pub(crate) fn max_rows(tape: &mut Tape, mirror: &Mirror, x: &Var, offsets: &[usize]) -> Var {
    let (rows, largest) = grouped(offsets);
    let absent = absent(&rows, largest, mirror);
    let (x, columns) = (gather(tape, mirror, x, &rows), x.columns());
    match absent {
        Ok(absent) => apply(tape, mirror, &[&x], &[], move |arguments| {
            let x = arguments[0].to_dtype(DType::F32)?;
            let x = x.reshape(((), largest, columns))?.broadcast_add(&absent)?;
            // Gathered by its place, so that of equal numbers one alone gets the gradient.
            let place = x.detach().argmax(1)?.unsqueeze(1)?;
            x.gather(&place, 1)?.squeeze(1)?.to_dtype(arguments[0].dtype())
        }),
        Err(error) => tape.place(Err(error)),
    }
}

/// As [`crate::ops::attend_rows`].
pub(crate) fn attend_rows(tape: &mut Tape, mirror: &Mirror, x: &Var, query: Dense, offsets: &[usize]) -> Var {
    let (rows, largest) = grouped(offsets);
    let absent = absent(&rows, largest, mirror);
    let (x, columns) = (gather(tape, mirror, x, &rows), x.columns());
    match absent {
        Ok(absent) => apply(tape, mirror, &[&x], &[query], move |arguments| {
            let x = arguments[0]
                .to_dtype(DType::F32)?
                .reshape(((), largest, columns))?;
            let scores = x.broadcast_mul(&arguments[1])?.sum_keepdim(D::Minus1)?;
            let scores = ((scores / (columns as f64).sqrt())? + &absent)?;
            let weights = softmax(&scores, 1)?;
            x.broadcast_mul(&weights)?.sum(1)?.to_dtype(arguments[0].dtype())
        }),
        Err(error) => tape.place(Err(error)),
    }
}

/// Shares along a dimension. The largest score takes no part in the gradient, of which it drops out.
pub(super) fn softmax(scores: &Tensor, dim: usize) -> Result<Tensor> {
    let powers = scores.broadcast_sub(&scores.detach().max_keepdim(dim)?)?.exp()?;
    powers.broadcast_div(&powers.sum_keepdim(dim)?)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Error};

    use super::*;
    use crate::device::{attend, first_token_attention};
    use crate::error::NnError;
    use crate::ops::{AttentionShape, RelativePositions};
    use crate::parameters::{Gradients, Init, Parameters};
    use crate::pool::Pool;
    use crate::random::Key;
    use crate::tape::Mode;

    /// A card's memory may run out anywhere; the architectures go on calling operations then.
    #[test]
    fn what_follows_a_failure_computes_nothing_and_the_first_failure_is_told() {
        let mut parameters = Parameters::default();
        let matrix = parameters.matrix("m", 4, 4, Init::Normal(1.0));
        let vector = parameters.vector("v", 4, Init::Ones);
        let bias = parameters.vector("b", 12, Init::Zeros);
        let table = parameters.matrix("t", 3, 2, Init::Zeros);
        let mirror = Mirror::new(&parameters, &Device::Cpu, Precision::F32).unwrap();
        let mode = Mode::Training {
            key: Key::new(1),
            dropout: true,
        };
        let mut tape = Tape::new(&parameters, &Pool::default(), mode).with_mirror(Some(&mirror));
        let first = "CUDA_ERROR_OUT_OF_MEMORY";
        let x = tape.place(Err(Error::Msg(first.into())));
        let offsets: Arc<[usize]> = Arc::from([0, 2, 5]);
        let norm = LayerNorm {
            scale: vector,
            shift: Some(vector),
            epsilon: 1e-5,
        };
        let shape = AttentionShape {
            heads: 2,
            bias: Some(bias),
            dropout: 0.1,
            window: Some(1),
            rotary: None,
        };
        let by_bias = RelativePositions::Bias {
            table,
            buckets: Arc::from([0, 0, 1, 2, 2]),
        };
        let by_rows = RelativePositions::Disentangled {
            rows: x.clone(),
            places: Arc::from([0, 0, 0, 0, 0]),
        };
        let mask = DropoutMask::new(Key::new(1), 0.5);
        let t = &mut tape;
        let m = &mirror;
        let results = [
            linear(t, m, &x, matrix),
            bias_activation(t, m, &x, Some(vector), Activation::Gelu),
            gated(t, m, &x, Activation::Gelu),
            add(t, m, &x, &x),
            dropout(t, m, &x, mask),
            normalise(t, m, &x, norm, Some((vector, &x)), mask),
            first_tokens(t, m, &x, &offsets),
            mean_tokens(t, m, &x, &offsets),
            max_rows(t, m, &x, &offsets),
            attend_rows(t, m, &x, vector, &offsets),
            attend(t, m, &x, &offsets, &shape, None),
            attend(t, m, &x, &offsets, &shape, Some(&by_bias)),
            attend(t, m, &x, &offsets, &shape, Some(&by_rows)),
            first_token_attention(t, m, &x, &x, &offsets, &shape),
        ];
        for (index, result) in results.iter().enumerate() {
            assert!(
                result.tensor().is_err(),
                "operation {index} made something of nothing"
            );
        }
        let last = results.last().unwrap();
        let told = tape.read(last);
        assert!(
            matches!(&told, Err(NnError::DeviceMemory { reason }) if reason == first),
            "{told:?}"
        );
    }

    #[test]
    fn of_equal_rows_one_alone_gets_the_gradient_of_their_maximum() {
        let mut parameters = Parameters::default();
        let table = parameters.matrix("t", 3, 2, Init::Ones);
        parameters.initialise(0, 0);
        let mirror = Mirror::new(&parameters, &Device::Cpu, Precision::F32).unwrap();
        let mode = Mode::Training {
            key: Key::new(1),
            dropout: false,
        };
        let mut tape = Tape::new(&parameters, &Pool::default(), mode).with_mirror(Some(&mirror));
        let x = rows(&mut tape, &mirror, table, 0..3);
        let y = max_rows(&mut tape, &mirror, &x, &[0, 3]);
        let mut gradients = Gradients::new(&parameters);
        tape.backward(&y, vec![1.0, 1.0], &mut gradients).unwrap();
        let found = gradients.to_dense(&parameters.entries()[0]);
        assert_eq!(found.iter().sum::<f32>(), 2.0);
    }
}
