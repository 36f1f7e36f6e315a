//! AdamW: Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019), in one pass over memory.
//!
//! Embedding tables are large and a step touches few of their rows. A row that no text has touched yet has zero
//! moments, so all that happens to it is weight decay, which is a factor: [`AdamW::touch`] applies the factors that
//! have piled up at the moment a row is first read, and only rows touched before are walked over at each step. The
//! result is what PyTorch's dense `AdamW` computes.

mod device;

use std::ops::Range;

use rayon::prelude::*;
use understudy_nn::parameters::{Gradients, Parameter, Parameters, Place};

pub use device::DeviceAdamW;

use crate::settings::TrainSettings;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Numbers per task: large enough to be worth a thread, small enough to share well.
const CHUNK: usize = 1 << 15;

/// The state of the optimiser: two moments for every number that has had a gradient.
#[derive(Debug, Clone)]
pub struct AdamW {
    /// Moments of the dense parameters.
    pub dense: Moments,
    /// State of every embedding table.
    pub tables: Vec<TableState>,
    /// Steps taken.
    pub step: u32,
    weight_decay: f64,
    max_grad_norm: f64,
    /// The dense parameters that learn, in the arena's order.
    layout: Vec<Section>,
    /// Factors of the tables' learning rates; `None` for those that do not learn.
    table_factors: Vec<Option<f64>>,
}

/// A dense parameter that learns.
#[derive(Debug, Clone)]
struct Section {
    range: Range<usize>,
    decays: bool,
    /// Factor of its learning rate.
    factor: f64,
}

/// First and second moments, as long as the numbers they belong to.
#[derive(Debug, Clone, Default)]
pub struct Moments {
    /// Running mean of the gradient.
    pub first: Vec<f32>,
    /// Running mean of its square.
    pub second: Vec<f32>,
}

/// State of an embedding table.
#[derive(Debug, Clone)]
pub struct TableState {
    /// Moments, `[rows, columns]`; pages that no row touched are never mapped.
    pub moments: Moments,
    /// Which rows have been read at least once.
    pub touched: Vec<bool>,
    /// Weight decay that rows never touched still have to suffer.
    pub pending_decay: f64,
}

impl Moments {
    fn new(length: usize) -> Self {
        Moments {
            first: vec![0.0; length],
            second: vec![0.0; length],
        }
    }

    /// The first and the second.
    pub(crate) fn both(&self) -> [&[f32]; 2] {
        [&self.first, &self.second]
    }

    /// As [`Moments::both`], to be filled.
    pub(crate) fn both_mut(&mut self) -> [&mut [f32]; 2] {
        [&mut self.first, &mut self.second]
    }
}

/// What is the same for every number of a step.
#[derive(Clone, Copy)]
struct Step {
    gradient_scale: f32,
    decay: f32,
    step_size: f32,
    second_scale: f32,
}

impl AdamW {
    /// A fresh optimiser for the parameters that are not frozen. A parameter one layer deeper than another learns
    /// `layer_decay` times as fast.
    pub fn new(parameters: &Parameters, settings: &TrainSettings) -> Self {
        let top = parameters
            .entries()
            .iter()
            .map(|entry| entry.depth)
            .max()
            .unwrap_or(0);
        let factor = |entry: &Parameter| settings.layer_decay.powi((top - entry.depth) as i32);
        let layout = parameters
            .entries()
            .iter()
            .filter(|entry| !entry.frozen)
            .filter_map(|entry| match &entry.place {
                Place::Dense(range) => Some(Section {
                    range: range.clone(),
                    decays: entry.decays(),
                    factor: factor(entry),
                }),
                Place::Table(_) => None,
            });
        let table_factors = parameters
            .entries()
            .iter()
            .filter_map(|entry| match &entry.place {
                Place::Dense(_) => None,
                Place::Table(_) => Some((!entry.frozen).then(|| factor(entry))),
            });
        let tables = parameters
            .tables
            .iter()
            .map(|table| TableState {
                moments: Moments::new(table.values.len()),
                touched: vec![false; table.values.len() / table.columns],
                pending_decay: 1.0,
            })
            .collect();
        AdamW {
            dense: Moments {
                first: parameters.zeros(),
                second: parameters.zeros(),
            },
            tables,
            step: 0,
            weight_decay: settings.weight_decay,
            max_grad_norm: settings.max_grad_norm,
            layout: layout.collect(),
            table_factors: table_factors.collect(),
        }
    }

    /// Which of the dense numbers learn, in their order; those of neighbours are one range.
    pub(crate) fn learning(&self) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for section in &self.layout {
            match ranges.last_mut() {
                Some(range) if range.end == section.range.start => range.end = section.range.end,
                _ => ranges.push(section.range.clone()),
            }
        }
        ranges
    }

    /// Must be called with the ids of a batch before they are read: catches up on the weight decay of rows that are
    /// read for the first time.
    pub fn touch(&mut self, parameters: &mut Parameters, ids: &[u32]) {
        let learning = self.table_factors.iter().map(Option::is_some);
        for ((table, state), learns) in parameters.tables.iter_mut().zip(&mut self.tables).zip(learning) {
            if !learns {
                continue;
            }
            for &id in ids {
                let touched = &mut state.touched[id as usize];
                if !*touched {
                    *touched = true;
                    let row = &mut table.values[id as usize * table.columns..][..table.columns];
                    row.iter_mut()
                        .for_each(|x| *x = (f64::from(*x) * state.pending_decay) as f32);
                }
            }
        }
    }

    /// Catches up on the weight decay of all rows, so that the parameters are what a dense optimiser would have made
    /// of them: before judging or saving.
    pub fn settle(&mut self, parameters: &mut Parameters) {
        for (table, state) in parameters.tables.iter_mut().zip(&mut self.tables) {
            if state.pending_decay == 1.0 {
                continue;
            }
            let factor = state.pending_decay;
            let touched = &state.touched;
            table
                .values
                .par_chunks_mut(table.columns)
                .zip(touched)
                .filter(|(_, touched)| !**touched)
                .for_each(|(row, _)| row.iter_mut().for_each(|x| *x = (f64::from(*x) * factor) as f32));
            state.pending_decay = 1.0;
        }
    }

    /// One step down the gradients with this learning rate. Returns the norm of the gradients before clipping.
    pub fn update(&mut self, parameters: &mut Parameters, gradients: &Gradients, learning_rate: f64) -> f64 {
        let norm = self.gradient_norm(gradients);
        self.step += 1;
        let clip = if norm > self.max_grad_norm {
            self.max_grad_norm / (norm + 1e-6)
        } else {
            1.0
        };
        let correction1 = 1.0 - f64::from(BETA1).powi(self.step as i32);
        let correction2 = 1.0 - f64::from(BETA2).powi(self.step as i32);
        let weight_decay = self.weight_decay;
        let step = |factor: f64| Step {
            gradient_scale: clip as f32,
            decay: (1.0 - factor * learning_rate * weight_decay) as f32,
            step_size: (factor * learning_rate / correction1) as f32,
            second_scale: (1.0 / correction2.sqrt()) as f32,
        };
        self.update_dense(&mut parameters.dense, &gradients.dense, step);
        for (((table, state), gradient), factor) in parameters
            .tables
            .iter_mut()
            .zip(&mut self.tables)
            .zip(&gradients.tables)
            .zip(&self.table_factors)
        {
            let Some(factor) = *factor else { continue };
            let (columns, step) = (table.columns, step(factor));
            let Moments { first, second } = &mut state.moments;
            table
                .values
                .par_chunks_mut(columns)
                .zip(first.par_chunks_mut(columns))
                .zip(second.par_chunks_mut(columns))
                .zip(&state.touched)
                .enumerate()
                .with_min_len(256)
                .filter(|(_, (_, touched))| **touched)
                .for_each(|(row, (((w, m), v), _))| match gradient.row(row) {
                    Some(g) => move_numbers(w, m, v, g, step),
                    None => move_without_gradient(w, m, v, step),
                });
            state.pending_decay *= 1.0 - factor * learning_rate * weight_decay;
        }
        norm
    }

    fn update_dense(&mut self, weights: &mut [f32], gradients: &[f32], step: impl Fn(f64) -> Step) {
        let (mut w, mut m, mut v) = (weights, &mut self.dense.first[..], &mut self.dense.second[..]);
        let (mut g, mut place) = (gradients, 0);
        let mut tasks = Vec::new();
        for section in &self.layout {
            let mut step = step(section.factor);
            if !section.decays {
                step.decay = 1.0;
            }
            let gap = section.range.start - place;
            (w, m, v, g) = (&mut w[gap..], &mut m[gap..], &mut v[gap..], &g[gap..]);
            let mut left = section.range.len();
            while left > 0 {
                let size = left.min(CHUNK);
                let (w1, w2) = w.split_at_mut(size);
                let (m1, m2) = m.split_at_mut(size);
                let (v1, v2) = v.split_at_mut(size);
                let (g1, g2) = g.split_at(size);
                tasks.push((w1, m1, v1, g1, step));
                (w, m, v, g) = (w2, m2, v2, g2);
                left -= size;
            }
            place = section.range.end;
        }
        tasks
            .into_par_iter()
            .for_each(|(w, m, v, g, step)| move_numbers(w, m, v, g, step));
    }

    /// Euclidean norm of all gradients of what learns. Partial sums are added in a fixed order.
    fn gradient_norm(&self, gradients: &Gradients) -> f64 {
        let dense = self
            .layout
            .iter()
            .map(|section| &gradients.dense[section.range.clone()]);
        let tables = gradients
            .tables
            .iter()
            .zip(&self.table_factors)
            .filter_map(|(table, factor)| factor.is_some().then_some(&table.values[..]));
        let chunks: Vec<&[f32]> = dense
            .chain(tables)
            .flat_map(|numbers| numbers.chunks(CHUNK))
            .collect();
        let squares: Vec<f64> = chunks.into_par_iter().map(sum_of_squares).collect();
        squares.iter().sum::<f64>().sqrt()
    }
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn sum_of_squares(numbers: &[f32]) -> f64 {
    f64::from(understudy_nn::kernels::math::sum(numbers.len(), |i| {
        numbers[i] * numbers[i]
    }))
}

/// A moment, or zero where it no longer moves anything: [`EPSILON`] is added to the root of the second, which divides the
/// first. Without it the moments of rows that no text has for some hundred steps would turn subnormal and stay so, rounded up
/// again at every step, and Intel's processors take ten times as long over such numbers.
#[inline(always)]
fn or_nothing(moment: f32) -> f32 {
    if moment.abs() < 1e-30 { 0.0 } else { moment }
}

#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn move_numbers(w: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32], step: Step) {
    let n = w.len();
    let (m, v, g) = (&mut m[..n], &mut v[..n], &g[..n]);
    for i in 0..n {
        let x = g[i] * step.gradient_scale;
        m[i] = or_nothing(BETA1.mul_add(m[i], (1.0 - BETA1) * x));
        v[i] = or_nothing(BETA2.mul_add(v[i], (1.0 - BETA2) * x * x));
        w[i] = w[i] * step.decay - step.step_size * m[i] / v[i].sqrt().mul_add(step.second_scale, EPSILON);
    }
}

/// As [`move_numbers`] with a gradient of zero.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx2+fma", "x86_64+avx2+fma"))]
fn move_without_gradient(w: &mut [f32], m: &mut [f32], v: &mut [f32], step: Step) {
    let n = w.len();
    let (m, v) = (&mut m[..n], &mut v[..n]);
    for i in 0..n {
        m[i] = or_nothing(m[i] * BETA1);
        v[i] = or_nothing(v[i] * BETA2);
        w[i] = w[i] * step.decay - step.step_size * m[i] / v[i].sqrt().mul_add(step.second_scale, EPSILON);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_nn::parameters::Init;
    use understudy_nn::random::Key;

    fn settings(weight_decay: f64, max_grad_norm: f64) -> TrainSettings {
        TrainSettings {
            weight_decay,
            max_grad_norm,
            ..TrainSettings::default()
        }
    }

    /// The textbook algorithm in f64, dense.
    fn reference(w: &mut [f64], m: &mut [f64], v: &mut [f64], g: &[f64], lr: f64, wd: f64, t: i32) {
        for i in 0..w.len() {
            w[i] *= 1.0 - lr * wd;
            m[i] = 0.9 * m[i] + 0.1 * g[i];
            v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
            let (m, v) = (m[i] / (1.0 - 0.9_f64.powi(t)), v[i] / (1.0 - 0.999_f64.powi(t)));
            w[i] -= lr * m / (v.sqrt() + 1e-8);
        }
    }

    #[test]
    fn dense_and_sparse_parameters_move_as_a_dense_adamw_moves_them() {
        let mut parameters = Parameters::default();
        let dense = parameters.matrix("w", 3, 5, Init::Normal(1.0));
        let bias = parameters.vector("b", 4, Init::Normal(1.0));
        let table = parameters.table("t", 6, 2, Init::Normal(1.0));
        (0..3).for_each(|i| parameters.initialise(i, 3));
        let (lr, wd) = (0.01, 0.1);
        let mut optimizer = AdamW::new(&parameters, &settings(wd, 1e9));
        let mut gradients = Gradients::new(&parameters);
        let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let mut expected: Vec<Vec<f64>> = parameters
            .entries()
            .iter()
            .map(|e| wide(parameters.values(e)))
            .collect();
        let mut moments: Vec<(Vec<f64>, Vec<f64>)> = expected
            .iter()
            .map(|x| (vec![0.0; x.len()], vec![0.0; x.len()]))
            .collect();
        // Row 5 is never touched, row 4 only once and late.
        for (t, rows) in [vec![0, 2], vec![2], vec![1, 3], vec![4], vec![0]]
            .into_iter()
            .enumerate()
        {
            optimizer.touch(&mut parameters, &rows);
            gradients.clear();
            let key = Key::new(t as u64);
            for handle in [dense, bias] {
                for (i, g) in gradients.add(handle).iter_mut().enumerate() {
                    *g = key.with(handle.range().start as u64).normal(i as u64) as f32;
                }
            }
            for &row in &rows {
                gradients
                    .table(table)
                    .add(row, &[key.normal(u64::from(row)) as f32, 0.5]);
            }
            optimizer.update(&mut parameters, &gradients, lr);
            for (i, entry) in parameters.entries().iter().enumerate() {
                let g = wide(&gradients.to_dense(entry));
                let (m, v) = &mut moments[i];
                reference(
                    &mut expected[i],
                    m,
                    v,
                    &g,
                    lr,
                    if entry.decays() { wd } else { 0.0 },
                    t as i32 + 1,
                );
            }
        }
        optimizer.settle(&mut parameters);
        for (entry, expected) in parameters.entries().iter().zip(&expected) {
            for (found, expected) in parameters.values(entry).iter().zip(expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-5,
                    "{}: {found} {expected}",
                    entry.name
                );
            }
        }
    }

    #[test]
    fn moments_of_rows_that_no_text_has_any_more_become_nothing_and_never_subnormal() {
        let mut parameters = Parameters::default();
        parameters.table("t", 2, 3, Init::Ones);
        parameters.initialise(0, 3);
        let mut optimizer = AdamW::new(&parameters, &settings(0.0, 1e9));
        let mut gradients = Gradients::new(&parameters);
        optimizer.touch(&mut parameters, &[0]);
        gradients.tables[0].add(0, &[0.5; 3]);
        optimizer.update(&mut parameters, &gradients, 0.01);
        gradients.clear();
        for _ in 0..1000 {
            optimizer.update(&mut parameters, &gradients, 0.01);
            let moments = optimizer.tables[0].moments.both();
            assert!(moments.into_iter().flatten().all(|x| *x == 0.0 || x.is_normal()));
        }
        assert!(optimizer.tables[0].moments.first.iter().all(|m| *m == 0.0));
        assert!(
            optimizer.tables[0].moments.second[0] > 0.0,
            "it is forgotten slowly"
        );
    }

    #[test]
    fn long_gradients_are_shortened_to_the_limit() {
        let mut parameters = Parameters::default();
        let w = parameters.vector("w", 2, Init::Zeros);
        let mut gradients = Gradients::new(&parameters);
        gradients.add(w).copy_from_slice(&[3.0, 4.0]);
        let mut optimizer = AdamW::new(&parameters, &settings(0.0, 1.0));
        assert_eq!(optimizer.update(&mut parameters, &gradients, 0.1), 5.0);
        assert!((optimizer.dense.first[0] - 0.1 * 0.6).abs() < 1e-6);
    }

    #[test]
    fn deeper_layers_learn_slower_and_frozen_ones_not_at_all() {
        let mut parameters = Parameters::default();
        let handles: Vec<_> = (0..3)
            .map(|depth| {
                parameters.set_depth(depth);
                parameters.vector(&format!("w{depth}"), 2, Init::Ones)
            })
            .collect();
        (0..3).for_each(|i| parameters.initialise(i, 0));
        parameters.freeze(|entry| entry.depth == 0);
        let settings = TrainSettings {
            layer_decay: 0.5,
            ..settings(0.0, 1e9)
        };
        let mut optimizer = AdamW::new(&parameters, &settings);
        let mut gradients = Gradients::new(&parameters);
        for &handle in &handles {
            gradients.add(handle).fill(1.0);
        }
        let norm = optimizer.update(&mut parameters, &gradients, 0.1);
        assert!((norm - 2.0).abs() < 1e-9, "what is frozen does not count: {norm}");
        let moved: Vec<f32> = handles.iter().map(|&h| 1.0 - parameters.get(h)[0]).collect();
        assert_eq!(moved[0], 0.0);
        assert!(
            (moved[2] - 0.1).abs() < 1e-5 && (moved[1] - 0.05).abs() < 1e-5,
            "{moved:?}"
        );
    }
}
