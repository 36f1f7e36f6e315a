//! Attention between the projections, on a device: as [`crate::ops::attention`] in a rectangle of the longest sequence.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};

use super::Mirror;
use super::apply::apply;
use super::factors::factors;
use super::gather::RowMap;
use super::ops::{bias_activation, gather_by, softmax};
use super::padding::{Key, NEVER, Padding, Queries};
use crate::kernels::elementwise::Activation;
use crate::ops::{AttentionShape, RelativePositions, Rotary};
use crate::random::DropoutMask;
use crate::tape::{Tape, Var};

/// As [`crate::ops::attention`] and [`crate::ops::relative_attention`].
pub(crate) fn attend(
    tape: &mut Tape,
    mirror: &Mirror,
    qkv: &Var,
    offsets: &Arc<[usize]>,
    shape: &AttentionShape,
    positions: Option<&RelativePositions>,
) -> Var {
    let mask = tape.mask(shape.dropout);
    if let Err(error) = qkv.tensor() {
        return tape.place(Err(error));
    }
    let hidden = qkv.columns() / 3;
    let padding = match mirror.padding(offsets) {
        Ok(padding) => padding,
        Err(error) => return tape.place(Err(error)),
    };
    let qkv = with_bias(tape, mirror, qkv, shape, 0..3 * hidden);
    let qkv = to_rectangle(tape, &qkv, &padding);
    let mut inputs = vec![qkv];
    let distances = match positions {
        None => Distances::None,
        Some(RelativePositions::Bias { table, buckets }) => {
            let table = super::rows(tape, mirror, *table, 0..table.rows());
            let map = padding.bias_rows.of(buckets, || {
                let of_pairs = pairs(padding.longest(), |query, key| {
                    buckets[key + buckets.len() / 2 - query]
                });
                RowMap::new(&of_pairs, table.rows(), mirror.device())
            });
            match map {
                Ok(map) => inputs.push(gather_by(tape, &table, map)),
                Err(error) => return tape.place(Err(error)),
            }
            Distances::Bias
        }
        Some(RelativePositions::Disentangled { rows, places }) => {
            inputs.push(with_bias(tape, mirror, rows, shape, 0..2 * hidden));
            let place = |query: usize, key: usize| places[query + places.len() / 2 - key];
            let made = padding.places.of(places, || {
                Ok(Arc::new(Places::new(padding.longest(), place, mirror.device())?))
            });
            match made {
                Ok(places) => Distances::Disentangled(places),
                Err(error) => return tape.place(Err(error)),
            }
        }
    };
    let plan = Plan::new(
        shape,
        hidden,
        Arc::clone(&padding),
        mask,
        distances,
        mirror.device(),
    );
    let context = match plan {
        Ok(plan) => {
            let inputs: Vec<&Var> = inputs.iter().collect();
            apply(tape, mirror, &inputs, &[], move |arguments| plan.run(arguments))
        }
        Err(error) => tape.place(Err(error)),
    };
    to_pack(tape, &context, &padding)
}

/// As [`crate::ops::first_token_attention`].
pub(crate) fn first_token_attention(
    tape: &mut Tape,
    mirror: &Mirror,
    query: &Var,
    kv: &Var,
    offsets: &Arc<[usize]>,
    shape: &AttentionShape,
) -> Var {
    let mask = tape.mask(shape.dropout);
    if let Err(error) = query.tensor() {
        return tape.place(Err(error));
    }
    let hidden = query.columns();
    let padding = match mirror.padding(offsets) {
        Ok(padding) => padding,
        Err(error) => return tape.place(Err(error)),
    };
    let query = with_bias(tape, mirror, query, shape, 0..hidden);
    let kv = with_bias(tape, mirror, kv, shape, hidden..3 * hidden);
    let kv = to_rectangle(tape, &kv, &padding);
    let heads = shape.heads;
    let starts = Starts::new(mask, &padding, Queries::First, heads, mirror.device());
    match starts {
        Ok(starts) => apply(tape, mirror, &[&query, &kv], &[], move |arguments| {
            let (sequences, longest) = (padding.sequences(), padding.longest());
            let query = arguments[0].reshape((sequences, heads, 1, hidden / heads))?;
            let kv = arguments[1].reshape((sequences, longest, 2 * hidden))?;
            let [key, value] = [0, hidden].map(|column| by_head(&kv, column, hidden, heads));
            let scale = 1.0 / ((hidden / heads) as f64).sqrt();
            let scores = (query.matmul(&key?.t()?)?.to_dtype(DType::F32)? * scale)?;
            let shares = starts.drop_out(&softmax(&padding.hide(&scores)?, 3)?)?;
            let context = shares.to_dtype(query.dtype())?.matmul(&value?)?;
            context.reshape((sequences, hidden))
        }),
        Err(error) => tape.place(Err(error)),
    }
}

/// Query, key and value with their bias, of which `part` belongs to these columns.
fn with_bias(
    tape: &mut Tape,
    mirror: &Mirror,
    x: &Var,
    shape: &AttentionShape,
    part: std::ops::Range<usize>,
) -> Var {
    match shape.bias {
        Some(bias) => bias_activation(tape, mirror, x, Some(bias.part(part)), Activation::Identity),
        None => x.clone(),
    }
}

fn to_rectangle(tape: &mut Tape, x: &Var, padding: &Padding) -> Var {
    match padding.to_rectangle() {
        Some(map) => gather_by(tape, x, map.clone()),
        None => x.clone(),
    }
}

fn to_pack(tape: &mut Tape, x: &Var, padding: &Padding) -> Var {
    match padding.to_pack() {
        Some(map) => gather_by(tape, x, map.clone()),
        None => x.clone(),
    }
}

/// What `of` says of every query and key, row by row: `[longest × longest]`.
fn pairs(longest: usize, of: impl Fn(usize, usize) -> u32) -> Vec<u32> {
    (0..longest)
        .flat_map(|query| (0..longest).map(move |key| (query, key)))
        .map(|(query, key)| of(query, key))
        .collect()
}

/// Columns `column..column + hidden` of `[sequences, longest, …]` by head: `[sequences, heads, longest, size]`.
fn by_head(x: &Tensor, column: usize, hidden: usize, heads: usize) -> Result<Tensor> {
    let (sequences, longest, _) = x.dims3()?;
    x.narrow(2, column, hidden)?
        .reshape((sequences, longest, heads, hidden / heads))?
        .transpose(1, 2)?
        .contiguous()
}

/// What distances add to scores; the activations that it takes follow query, key and value.
enum Distances {
    None,
    /// `[longest × longest, heads]`.
    Bias,
    /// `[places, 2 × hidden]`: queries, then keys.
    Disentangled(Arc<Places>),
}

/// Which place each pair's distance has, from either side.
#[derive(Debug)]
pub(super) struct Places {
    /// `[1, 1, queries, keys]`.
    by_query: Tensor,
    /// `[1, 1, keys, queries]`.
    by_key: Tensor,
}

impl Places {
    fn new(longest: usize, place: impl Fn(usize, usize) -> u32 + Copy, device: &Device) -> Result<Self> {
        let tensor = |numbers: Vec<u32>| Tensor::from_vec(numbers, (1, 1, longest, longest), device);
        Ok(Places {
            by_query: tensor(pairs(longest, place))?,
            by_key: tensor(pairs(longest, |key, query| place(query, key)))?,
        })
    }
}

/// Where the dropout of each query's probabilities begins; `None` where nothing is dropped.
struct Starts(Option<(DropoutMask, Tensor)>);

impl Starts {
    fn new(
        mask: DropoutMask,
        padding: &Padding,
        queries: Queries,
        heads: usize,
        device: &Device,
    ) -> Result<Self> {
        if mask.keeps_all() {
            return Ok(Starts(None));
        }
        let starts = padding.kept(Key::Starts(queries, heads), || {
            let starts = match queries {
                Queries::All => padding.probability_starts(heads),
                Queries::First => padding.first_probability_starts(heads),
            };
            let rows = starts.len();
            Tensor::from_vec(starts, rows, device)
        })?;
        Ok(Starts(Some((mask, starts))))
    }

    /// Shares `[…, keys]`, 32 bits, of which some are dropped.
    fn drop_out(&self, shares: &Tensor) -> Result<Tensor> {
        match &self.0 {
            Some((mask, starts)) => {
                let keys = shares.dim(3)?;
                shares * factors(*mask, starts, keys)?.reshape(shares.shape())?
            }
            None => Ok(shares.clone()),
        }
    }
}

struct Plan {
    heads: usize,
    hidden: usize,
    padding: Arc<Padding>,
    starts: Starts,
    distances: Distances,
    /// Cosines and sines, `[longest, size]` each.
    rotary: Option<[Tensor; 2]>,
    /// Hides what is too far away, `[1, 1, longest, longest]`.
    window: Option<Tensor>,
}

impl Plan {
    fn new(
        shape: &AttentionShape,
        hidden: usize,
        padding: Arc<Padding>,
        mask: DropoutMask,
        distances: Distances,
        device: &Device,
    ) -> Result<Self> {
        let longest = padding.longest();
        let window = shape.window.filter(|&window| window + 1 < longest).map(|window| {
            padding.kept(Key::Window(window), || {
                let far = |query: usize, key: usize| query.abs_diff(key) > window;
                let numbers: Vec<f32> = pairs(longest, |query, key| u32::from(far(query, key)))
                    .into_iter()
                    .map(|far| if far == 1 { NEVER as f32 } else { 0.0 })
                    .collect();
                Tensor::from_vec(numbers, (1, 1, longest, longest), device)
            })
        });
        let rotary = shape.rotary.as_ref().map(|rotary| {
            let size = hidden / shape.heads;
            padding.turns.of(rotary, || turns(rotary, longest, size, device))
        });
        Ok(Plan {
            heads: shape.heads,
            hidden,
            starts: Starts::new(mask, &padding, Queries::All, shape.heads, device)?,
            padding,
            distances,
            rotary: rotary.transpose()?,
            window: window.transpose()?,
        })
    }

    /// `[sequences × longest, 3 × hidden]` and what the distances take → `[sequences × longest, hidden]`.
    fn run(&self, arguments: &[Tensor]) -> Result<Tensor> {
        let (sequences, longest) = (self.padding.sequences(), self.padding.longest());
        let (hidden, heads) = (self.hidden, self.heads);
        let qkv = arguments[0].reshape((sequences, longest, 3 * hidden))?;
        let mut query = by_head(&qkv, 0, hidden, heads)?;
        let mut key = by_head(&qkv, hidden, hidden, heads)?;
        let value = by_head(&qkv, 2 * hidden, hidden, heads)?;
        if let Some(rotary) = &self.rotary {
            (query, key) = (turn(&query, rotary)?, turn(&key, rotary)?);
        }
        let mut scores = query.matmul(&key.t()?)?.to_dtype(DType::F32)?;
        // DeBERTa's scores are sums of three products.
        let mut terms = 1.0;
        if let Distances::Disentangled(places) = &self.distances {
            terms = 3.0;
            scores = (scores + self.disentangled(&query, &key, &arguments[1], places)?)?;
        }
        scores = (scores * (1.0 / (terms * (hidden / heads) as f64).sqrt()))?;
        if let Distances::Bias = self.distances {
            let bias = arguments[1]
                .reshape((longest, longest, heads))?
                .permute((2, 0, 1))?;
            scores = scores.broadcast_add(&bias.contiguous()?.unsqueeze(0)?.to_dtype(DType::F32)?)?;
        }
        if let Some(window) = &self.window {
            scores = scores.broadcast_add(window)?;
        }
        let shares = self.starts.drop_out(&softmax(&self.padding.hide(&scores)?, 3)?)?;
        let context = shares.to_dtype(query.dtype())?.matmul(&value)?;
        context
            .transpose(1, 2)?
            .contiguous()?
            .reshape((sequences * longest, hidden))
    }

    /// Products with the embeddings of distances, from the query's side and from the key's: 32 bits.
    fn disentangled(&self, query: &Tensor, key: &Tensor, rows: &Tensor, places: &Places) -> Result<Tensor> {
        let (sequences, heads, longest, size) = query.dims4()?;
        let rows = rows.unsqueeze(0)?;
        let full = |places: &Tensor| {
            places
                .broadcast_as((sequences, heads, longest, longest))?
                .contiguous()
        };
        let product = |x: &Tensor, column: usize| -> Result<Tensor> {
            let rows = by_head(&rows, column, self.hidden, heads)?;
            let shape = (sequences, heads, rows.dim(2)?, size);
            x.matmul(&rows.broadcast_as(shape)?.contiguous()?.t()?)?
                .to_dtype(DType::F32)
        };
        let from_query = product(query, self.hidden)?.gather(&full(&places.by_query)?, 3)?;
        let from_key = product(key, 0)?.gather(&full(&places.by_key)?, 3)?;
        from_query + from_key.t()?
    }
}

/// Cosines and sines of both halves of a head, `[longest, size]` each.
fn turns(rotary: &Rotary, longest: usize, size: usize, device: &Device) -> Result<[Tensor; 2]> {
    let (cosines, sines) = rotary.tables();
    let both_halves = |numbers: &[f32]| {
        let rows = numbers[..longest * size / 2].chunks_exact(size / 2);
        let twice: Vec<f32> = rows.flat_map(|row| row.iter().chain(row).copied()).collect();
        Tensor::from_vec(twice, (longest, size), device)
    };
    Ok([both_halves(cosines)?, both_halves(sines)?])
}

/// Number `i` and number `i + size / 2` turned together.
fn turn(x: &Tensor, [cosines, sines]: &[Tensor; 2]) -> Result<Tensor> {
    let (dtype, half) = (x.dtype(), x.dim(3)? / 2);
    let x = x.to_dtype(DType::F32)?;
    let (first, second) = (x.narrow(3, 0, half)?, x.narrow(3, half, half)?);
    let across = Tensor::cat(&[second.neg()?, first.contiguous()?], 3)?;
    (x.broadcast_mul(cosines)? + across.broadcast_mul(sines)?)?.to_dtype(dtype)
}
