//! The same steps where the parameters lie on a device.
//!
//! Parameters that learn and lie side by side move in a few operations over all of them. Tables move whole, as in
//! PyTorch: a card walks over a vocabulary faster than it would look for the rows that a batch touched.

use std::ops::Range;

use understudy_nn::device::{Device, DeviceGradients, Mirror, Tensor};
use understudy_nn::parameters::Parameters;
use understudy_nn::{NnError, SequenceClassifier};

use super::{AdamW, BETA1, BETA2, EPSILON};
use crate::error::Result;

/// [`AdamW`] on a device.
#[derive(Debug)]
pub struct DeviceAdamW {
    /// What a checkpoint keeps; its moments are those of the latest [`DeviceAdamW::fetch`].
    plain: AdamW,
    spans: Vec<Span>,
    tables: Vec<Option<Moving>>,
}

/// Dense parameters side by side that learn.
#[derive(Debug)]
struct Span {
    range: Range<usize>,
    /// Factor of the learning rate, `[range]`; `None` where it is 1 everywhere.
    rates: Option<Tensor>,
    /// The same factor where weight decay applies, else 0: `[range]`.
    decays: Tensor,
    moments: Moving,
}

/// Moments on the device.
#[derive(Debug)]
struct Moving {
    first: Tensor,
    second: Tensor,
}

/// What is the same for every number of a step.
#[derive(Clone, Copy)]
struct Step {
    clip: f64,
    weight_decay: f64,
    step_size: f64,
    second_scale: f64,
}

type OnDevice<T> = std::result::Result<T, understudy_nn::device::Error>;

impl DeviceAdamW {
    /// Takes up where `plain` stands, for a model that was placed on `device` after [`AdamW::settle`].
    ///
    /// # Errors
    /// [`crate::TrainError::Model`]: the device's memory is too small, or it failed.
    pub fn new(plain: AdamW, parameters: &Parameters, device: &Device) -> Result<Self> {
        let spans = spans(&plain, device).map_err(NnError::from_device)?;
        let tables = plain
            .tables
            .iter()
            .zip(&parameters.tables)
            .zip(&plain.table_factors);
        let tables = tables.map(|((state, table), factor)| {
            let shape = (table.values.len() / table.columns, table.columns);
            let moving = || {
                Ok(Moving {
                    first: Tensor::from_slice(&state.moments.first, shape, device)?,
                    second: Tensor::from_slice(&state.moments.second, shape, device)?,
                })
            };
            factor.map(|_| moving()).transpose()
        });
        let tables = tables
            .collect::<OnDevice<Vec<_>>>()
            .map_err(NnError::from_device)?;
        Ok(DeviceAdamW { plain, spans, tables })
    }

    /// As [`AdamW::update`], of the parameters on the device.
    ///
    /// # Errors
    /// As [`DeviceAdamW::new`].
    pub fn update(
        &mut self,
        mirror: &mut Mirror,
        gradients: &DeviceGradients,
        learning_rate: f64,
    ) -> Result<f64> {
        let norm = self.moved(mirror, gradients, learning_rate);
        Ok(norm.map_err(NnError::from_device)?)
    }

    fn moved(
        &mut self,
        mirror: &mut Mirror,
        gradients: &DeviceGradients,
        learning_rate: f64,
    ) -> OnDevice<f64> {
        let device = mirror.device().clone();
        let dense = self
            .spans
            .iter()
            .map(|span| gradients.dense(&span.range, &device));
        let dense = dense.collect::<OnDevice<Vec<_>>>()?;
        let learning = self
            .tables
            .iter()
            .enumerate()
            .filter(|(_, moving)| moving.is_some());
        let of_tables = learning.filter_map(|(index, _)| gradients.table(index));
        let mut squares = 0.0;
        for gradient in dense.iter().chain(of_tables) {
            squares += sum_of_squares(gradient)?;
        }
        let norm = squares.sqrt();
        self.plain.step += 1;
        let steps = self.plain.step as i32;
        let step = Step {
            clip: if norm > self.plain.max_grad_norm {
                self.plain.max_grad_norm / (norm + 1e-6)
            } else {
                1.0
            },
            weight_decay: learning_rate * self.plain.weight_decay,
            step_size: learning_rate / (1.0 - f64::from(BETA1).powi(steps)),
            second_scale: 1.0 / (1.0 - f64::from(BETA2).powi(steps)).sqrt(),
        };
        for (span, gradient) in self.spans.iter_mut().zip(dense) {
            let weights = mirror.dense(&span.range)?;
            let mut change = (span.moments.direction(&gradient, step)? * step.step_size)?;
            if let Some(rates) = &span.rates {
                change = (change * rates)?;
            }
            let kept = ((&span.decays * -step.weight_decay)? + 1.0)?;
            mirror.set_dense(span.range.start, &((weights * kept)? - change)?)?;
        }
        mirror.round()?;
        for (index, (moving, factor)) in self.tables.iter_mut().zip(&self.plain.table_factors).enumerate() {
            let (Some(moving), Some(factor)) = (moving, factor) else {
                continue;
            };
            let Some(gradient) = gradients.table(index) else {
                continue;
            };
            let change = (moving.direction(gradient, step)? * (step.step_size * factor))?;
            let kept = (mirror.table(index) * (1.0 - step.weight_decay * factor))?;
            mirror.set_table(index, (kept - change)?);
        }
        Ok(norm)
    }

    /// Brings parameters and moments back: what a checkpoint needs.
    ///
    /// # Errors
    /// As [`DeviceAdamW::new`].
    pub fn fetch(&mut self, model: &mut SequenceClassifier) -> Result<&AdamW> {
        model.fetch()?;
        self.fetch_moments().map_err(NnError::from_device)?;
        Ok(&self.plain)
    }

    fn fetch_moments(&mut self) -> OnDevice<()> {
        for span in &self.spans {
            let Moving { first, second } = &span.moments;
            self.plain.dense.first[span.range.clone()].copy_from_slice(&first.to_vec1::<f32>()?);
            self.plain.dense.second[span.range.clone()].copy_from_slice(&second.to_vec1::<f32>()?);
        }
        for (state, moving) in self.plain.tables.iter_mut().zip(&self.tables) {
            let Some(Moving { first, second }) = moving else {
                continue;
            };
            let columns = second.dims2()?.1;
            state.moments.first = first.flatten_all()?.to_vec1()?;
            state.moments.second = second.flatten_all()?.to_vec1()?;
            // A row without moments only decays, and that has been done to it.
            let rows = state.moments.second.chunks_exact(columns);
            state.touched = rows.map(|row| row.iter().any(|moment| *moment != 0.0)).collect();
        }
        Ok(())
    }
}

impl Moving {
    /// Takes a gradient in and says where to go: `m / (√v + ε)` with the second moment's correction.
    fn direction(&mut self, gradient: &Tensor, step: Step) -> OnDevice<Tensor> {
        let blended = |moment: &Tensor, beta: f32, news: Tensor| {
            (moment * f64::from(beta))? + (news * (1.0 - f64::from(beta)))?
        };
        let gradient = (gradient * step.clip)?;
        self.second = blended(&self.second, BETA2, gradient.sqr()?)?;
        self.first = blended(&self.first, BETA1, gradient)?;
        let spread = ((self.second.sqrt()? * step.second_scale)? + f64::from(EPSILON))?;
        &self.first / spread
    }
}

/// Row by row first: candle sums each row in a block of threads, and a whole vector in one block alone.
fn sum_of_squares(numbers: &Tensor) -> OnDevice<f64> {
    const ROW: usize = 1024;
    let numbers = numbers.flatten_all()?;
    let whole = numbers.elem_count() / ROW * ROW;
    let rest = numbers.narrow(0, whole, numbers.elem_count() - whole)?;
    let mut sum = rest.sqr()?.sum_all()?;
    if whole > 0 {
        let rows = numbers.narrow(0, 0, whole)?.reshape((whole / ROW, ROW))?;
        sum = (sum + rows.sqr()?.sum(1)?.sum_all()?)?;
    }
    Ok(f64::from(sum.to_scalar::<f32>()?))
}

/// The sections that lie side by side as one.
fn spans(plain: &AdamW, device: &Device) -> OnDevice<Vec<Span>> {
    let of_range = |range: Range<usize>| {
        let sections = || {
            plain
                .layout
                .iter()
                .filter(|section| range.contains(&section.range.start))
        };
        let numbers = |of: &dyn Fn(&super::Section) -> f32| -> Vec<f32> {
            sections()
                .flat_map(|section| std::iter::repeat_n(of(section), section.range.len()))
                .collect()
        };
        let tensor = |numbers: Vec<f32>| Tensor::from_vec(numbers, range.len(), device);
        let even = sections().all(|section| section.factor == 1.0);
        Ok(Span {
            rates: (!even)
                .then(|| tensor(numbers(&|section| section.factor as f32)))
                .transpose()?,
            decays: tensor(numbers(&|section| {
                if section.decays {
                    section.factor as f32
                } else {
                    0.0
                }
            }))?,
            moments: Moving {
                first: tensor(plain.dense.first[range.clone()].to_vec())?,
                second: tensor(plain.dense.second[range.clone()].to_vec())?,
            },
            range,
        })
    };
    plain.learning().into_iter().map(of_range).collect()
}
