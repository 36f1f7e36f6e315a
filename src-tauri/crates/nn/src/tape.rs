//! The record of a forward pass, and the walk back over it.
//!
//! Every operation of [`crate::ops`] computes its result at once and, when training, leaves a [`Backward`] on the
//! tape with the values it will need. [`Tape::backward`] walks over these in reverse. A [`Var`]'s buffer returns to
//! the pool when the last operation that needs it lets go, so memory is bounded by what the backward pass needs —
//! and in inference by two or three layers' activations.

use std::sync::Arc;

use candle_core::{DType, Tensor};

use crate::device::{self, Mirror};
use crate::error::{NnError, Result};
use crate::kernels::matmul::Precision;
use crate::parameters::{Gradients, Parameters, TableId};
use crate::pool::Pool;
use crate::random::{DropoutMask, Key};

/// A matrix of activations `[rows, columns]`, row-major. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Var(Arc<Values>);

#[derive(Debug)]
struct Values {
    id: usize,
    rows: usize,
    columns: usize,
    /// Empty where the numbers lie on a device.
    numbers: Vec<f32>,
    /// Where they do; `None` also where the device failed.
    tensor: Option<Tensor>,
    pool: Pool,
}

impl Drop for Values {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.numbers));
    }
}

impl Var {
    /// The numbers, row-major; none where they lie on a device ([`Tape::read`]).
    pub fn values(&self) -> &[f32] {
        &self.0.numbers
    }

    /// The numbers on their device, `[rows, columns]`.
    ///
    /// # Errors
    /// That an operation before failed; its own error is the tape's.
    pub(crate) fn tensor(&self) -> candle_core::Result<&Tensor> {
        let missing = || candle_core::Error::Msg("an operation before has failed".into());
        self.0.tensor.as_ref().ok_or_else(missing)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.0.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.0.columns
    }

    /// The numbers as a buffer to write to: the same one when nobody else holds it, else a copy.
    pub(crate) fn into_buffer(self, pool: &Pool) -> Vec<f32> {
        match Arc::try_unwrap(self.0) {
            Ok(mut values) => std::mem::take(&mut values.numbers),
            Err(shared) => {
                let mut copy = pool.take(shared.numbers.len());
                copy.copy_from_slice(&shared.numbers);
                copy
            }
        }
    }
}

/// What a forward pass is for.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// Only results: nothing is kept for a backward pass, nothing is dropped out.
    Inference,
    /// Keep what the backward pass needs; dropout draws its masks from this key.
    Training {
        /// Random numbers of this step.
        key: Key,
        /// Whether dropout is active (off in gradient checks).
        dropout: bool,
    },
}

/// What happens to the operations of a training pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recording {
    /// They are kept.
    Now,
    /// They are done again on the way back, and kept then.
    Later,
    /// Nothing before them is trained.
    Never,
}

/// One recorded operation.
pub trait Backward {
    /// Takes the gradient of its result and adds to the gradients of its inputs and parameters.
    fn backward(self: Box<Self>, pass: &mut BackwardPass);
}

/// Where the word embeddings of a pass stand between those of other words and the batch's own: every token's is
/// `(1 - share) · from + share · own`. For questions about the words instead of the parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Interpolation {
    /// The word to begin from, one a token; a token's own id leaves it as it is.
    pub from: Vec<u32>,
    /// How much of the way is gone, one a token.
    pub shares: Vec<f32>,
}

/// A forward pass in the making.
pub struct Tape<'p> {
    parameters: &'p Parameters,
    pool: Pool,
    mode: Mode,
    precision: Precision,
    recording: Recording,
    recompute: bool,
    nodes: Vec<Box<dyn Backward>>,
    vars: usize,
    masks: u64,
    interpolation: Option<Interpolation>,
    embedded: Option<(VarId, TableId)>,
    mirror: Option<&'p Mirror>,
    /// The first failure of the device: what follows it computes nothing.
    failure: Option<NnError>,
}

impl<'p> Tape<'p> {
    /// An empty tape over these parameters, with buffers from `pool`.
    pub fn new(parameters: &'p Parameters, pool: &Pool, mode: Mode) -> Self {
        Tape {
            parameters,
            pool: pool.clone(),
            mode,
            precision: Precision::default(),
            recording: Recording::Now,
            recompute: false,
            nodes: Vec::new(),
            vars: 0,
            masks: 0,
            interpolation: None,
            embedded: None,
            mirror: None,
            failure: None,
        }
    }

    /// The same tape, whose operations run where the parameters' mirror lies, if there is one.
    #[must_use]
    pub fn with_mirror(self, mirror: Option<&'p Mirror>) -> Self {
        Tape { mirror, ..self }
    }

    /// The parameters on the device that operations run on, if not on the processor.
    pub(crate) fn mirror(&self) -> Option<&'p Mirror> {
        self.mirror
    }

    /// Makes a [`Var`] of what an operation on the device came to, `[rows, columns]`. A failure is kept for
    /// [`Tape::read`], and what depends on it is not computed.
    pub(crate) fn place(&mut self, result: candle_core::Result<Tensor>) -> Var {
        let dims = result.and_then(|tensor| Ok((tensor.dims2()?, tensor)));
        let (rows, columns, tensor) = match dims {
            Ok(((rows, columns), tensor)) => (rows, columns, Some(tensor)),
            Err(error) => {
                self.failure.get_or_insert_with(|| NnError::from_device(error));
                (0, 0, None)
            }
        };
        self.vars += 1;
        Var(Arc::new(Values {
            id: self.vars - 1,
            rows,
            columns,
            numbers: Vec::new(),
            tensor,
            pool: self.pool.clone(),
        }))
    }

    /// A matrix of numbers, `[rows, columns]`, as something to begin with.
    pub(crate) fn given(&mut self, numbers: &[f32], columns: usize) -> Var {
        match self.mirror {
            Some(mirror) => {
                let rows = numbers.len() / columns;
                let tensor = Tensor::from_slice(numbers, (rows, columns), mirror.device());
                self.place(tensor.and_then(|tensor| tensor.to_dtype(device::dtype(self.precision))))
            }
            None => self.var(numbers.to_vec(), columns),
        }
    }

    /// The numbers of a result, from wherever they lie.
    ///
    /// # Errors
    /// [`NnError::Device`], [`NnError::DeviceMemory`]: what the device said at the first operation that failed.
    pub(crate) fn read(&mut self, var: &Var) -> Result<Vec<f32>> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        match &var.0.tensor {
            Some(tensor) => {
                let numbers = tensor
                    .to_dtype(DType::F32)
                    .and_then(|tensor| tensor.flatten_all()?.to_vec1());
                numbers.map_err(NnError::from_device)
            }
            None => Ok(var.values().to_vec()),
        }
    }

    /// The same tape, with products computed in these numbers.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Tape { precision, ..self }
    }

    /// The same tape, which keeps of every [`Tape::block`] only its inputs and computes the rest again on the way back
    /// (Chen et al. 2016, "Training deep nets with sublinear memory cost"): a third more work, a fraction of the memory.
    #[must_use]
    pub fn with_recompute(self, recompute: bool) -> Self {
        Tape { recompute, ..self }
    }

    /// The same tape, whose way back ends at the embeddings instead of their tables:
    /// [`Tape::backward_to_embeddings`].
    #[must_use]
    pub fn with_interpolation(self, interpolation: Interpolation) -> Self {
        Tape {
            interpolation: Some(interpolation),
            ..self
        }
    }

    /// Where the word embeddings stand, if not at the batch's own.
    pub fn interpolation(&self) -> Option<&Interpolation> {
        self.interpolation.as_ref()
    }

    /// Notes what the way back ends at.
    pub(crate) fn set_embedded(&mut self, embedded: &Var, words: TableId) {
        self.embedded = Some((embedded.into(), words));
    }

    /// Whether operations are kept for the backward pass from now on. What was computed in between has no gradient, and
    /// nothing is dropped out of it.
    pub fn set_recording(&mut self, recording: bool) {
        self.recording = match recording {
            true => Recording::Now,
            false => Recording::Never,
        };
    }

    /// In what numbers products are computed.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The parameters that the operations read.
    pub fn parameters(&self) -> &'p Parameters {
        self.parameters
    }

    /// Where buffers come from.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Whether a backward pass will follow.
    pub fn training(&self) -> bool {
        self.recording == Recording::Now && matches!(self.mode, Mode::Training { .. })
    }

    /// Runs a part of the forward pass, a layer for instance, whose result depends on `inputs` and parameters only.
    pub fn block(&mut self, inputs: Vec<Var>, run: impl Fn(&mut Tape, &[Var]) -> Var + 'static) -> Var {
        if !self.recompute || !self.training() {
            return run(self, &inputs);
        }
        let (mode, precision, masks) = (self.mode, self.precision, self.masks);
        self.recording = Recording::Later;
        let y = run(self, &inputs);
        self.recording = Recording::Now;
        self.nodes.push(Box::new(Block {
            y: (&y).into(),
            inputs,
            run: Box::new(run),
            mode,
            precision,
            masks,
        }));
        y
    }

    /// Makes a [`Var`] of a computed buffer.
    pub fn var(&mut self, numbers: Vec<f32>, columns: usize) -> Var {
        self.vars += 1;
        Var(Arc::new(Values {
            id: self.vars - 1,
            rows: numbers.len() / columns,
            columns,
            numbers,
            tensor: None,
            pool: self.pool.clone(),
        }))
    }

    /// Leaves an operation for the backward pass; `node` is made only when there will be one.
    pub fn record<N: Backward + 'static>(&mut self, node: impl FnOnce() -> N) {
        if self.training() && self.failure.is_none() {
            self.nodes.push(Box::new(node()));
        }
    }

    /// The next dropout mask of this pass. Each call of a pass gets its own stream, in the order of the calls.
    pub fn mask(&mut self, probability: f32) -> DropoutMask {
        self.masks += 1;
        match self.mode {
            Mode::Training { key, dropout: true } if self.recording != Recording::Never => {
                DropoutMask::new(key.with(self.masks), probability)
            }
            _ => DropoutMask::new(Key::new(0), 0.0),
        }
    }

    /// Walks back from `result`, whose gradient is `gradient` (as long as its values), and adds up the gradients of
    /// all parameters.
    ///
    /// # Errors
    /// [`crate::NnError::MissingGradient`] when a parameter was not reached; [`NnError::Device`] and
    /// [`NnError::DeviceMemory`] where a device failed.
    pub fn backward(self, result: &Var, gradient: Vec<f32>, gradients: &mut Gradients) -> Result<()> {
        let parameters = self.parameters;
        let pass = self.walk_back(result, gradient, gradients);
        match pass.failure {
            Some(failure) => Err(failure),
            None => pass.gradients.check_complete(parameters),
        }
    }

    /// Walks back from `result` to the sum of the embeddings, as far as the tape was made
    /// [`Tape::with_interpolation`]: their gradient, `[tokens, embedding]`, and the words' table. What parameters that are not frozen would
    /// get on the way goes to `gradients`.
    ///
    /// # Errors
    /// [`crate::NnError::MissingGradient`] when nothing was embedded.
    pub fn backward_to_embeddings(
        self,
        result: &Var,
        gradient: Vec<f32>,
        gradients: &mut Gradients,
    ) -> Result<(Vec<f32>, TableId)> {
        let (embedded, words) = self.embedded.ok_or_else(|| NnError::MissingGradient {
            name: "embeddings".to_owned(),
        })?;
        Ok((self.walk_back(result, gradient, gradients).take(embedded), words))
    }

    fn walk_back<'g>(
        mut self,
        result: &Var,
        gradient: Vec<f32>,
        gradients: &'g mut Gradients,
    ) -> BackwardPass<'g>
    where
        'p: 'g,
    {
        let mut pass = BackwardPass {
            parameters: self.parameters,
            gradients,
            pool: self.pool.clone(),
            pending: Vec::new(),
            mirror: self.mirror,
            precision: self.precision,
            pending_tensors: Vec::new(),
            failure: self.failure.take(),
        };
        pass.pending.resize_with(self.vars, || None);
        if self.mirror.is_some() {
            pass.pending_tensors.resize_with(self.vars, || None);
            pass.on_device(|pass, mirror| {
                let shape = (result.rows(), result.columns());
                let gradient = Tensor::from_vec(gradient, shape, mirror.device())?;
                pass.add_tensor(result.into(), gradient.to_dtype(device::dtype(pass.precision))?)
            });
        } else {
            pass.pending[result.0.id] = Some(gradient);
        }
        while let Some(node) = self.nodes.pop() {
            node.backward(&mut pass);
        }
        pass
    }
}

/// A part of a forward pass, as a function of its inputs.
type Run = dyn Fn(&mut Tape, &[Var]) -> Var;

/// A part of a forward pass that is done again on the way back.
struct Block {
    inputs: Vec<Var>,
    run: Box<Run>,
    mode: Mode,
    precision: Precision,
    masks: u64,
    y: VarId,
}

impl Backward for Block {
    fn backward(self: Box<Self>, pass: &mut BackwardPass) {
        let before = pass.pending.len();
        let mut tape = Tape {
            vars: before,
            masks: self.masks,
            mirror: pass.mirror,
            ..Tape::new(pass.parameters, &pass.pool, self.mode).with_precision(self.precision)
        };
        let y = VarId::from(&(self.run)(&mut tape, &self.inputs));
        pass.pending.resize_with(tape.vars, || None);
        match pass.mirror {
            Some(_) => {
                pass.failure = pass.failure.take().or(tape.failure.take());
                pass.pending_tensors.resize_with(tape.vars, || None);
                pass.on_device(|pass, _| {
                    let gradient = pass.take_tensor(self.y)?;
                    pass.add_tensor(y, gradient)
                });
            }
            None => {
                let gradient = pass.take(self.y);
                pass.put(y, gradient);
            }
        }
        while let Some(node) = tape.nodes.pop() {
            node.backward(pass);
        }
        pass.pending.truncate(before);
        pass.pending_tensors.truncate(before);
    }
}

/// A backward pass in progress.
pub struct BackwardPass<'a> {
    /// The parameters that the forward pass read.
    pub parameters: &'a Parameters,
    /// Where the parameters' gradients are added up.
    pub gradients: &'a mut Gradients,
    /// Where buffers come from.
    pub pool: Pool,
    /// Gradients of activations that are not used up yet, by the variable's id.
    pending: Vec<Option<Vec<f32>>>,
    mirror: Option<&'a Mirror>,
    precision: Precision,
    /// The same on a device.
    pending_tensors: Vec<Option<Tensor>>,
    /// The first failure of the device.
    failure: Option<NnError>,
}

/// Stands for an activation in the backward pass once its values are no longer needed.
#[derive(Debug, Clone, Copy)]
pub struct VarId {
    id: usize,
    rows: usize,
    columns: usize,
}

impl From<&Var> for VarId {
    fn from(var: &Var) -> Self {
        VarId {
            id: var.0.id,
            rows: var.rows(),
            columns: var.columns(),
        }
    }
}

impl BackwardPass<'_> {
    /// The complete gradient of a result. Zeros when nothing depended on it.
    pub fn take(&mut self, var: VarId) -> Vec<f32> {
        self.pending[var.id]
            .take()
            .unwrap_or_else(|| self.pool.take_zeroed(var.rows * var.columns))
    }

    /// A buffer for the gradient of an input, and whether it must be added to (`true`) or overwritten (`false`).
    /// Must be handed back by [`BackwardPass::put`].
    pub fn write(&mut self, var: VarId) -> (Vec<f32>, bool) {
        match self.pending[var.id].take() {
            Some(buffer) => (buffer, true),
            None => (self.pool.take(var.rows * var.columns), false),
        }
    }

    /// Hands back the buffer of an input's gradient.
    pub fn put(&mut self, var: VarId, gradient: Vec<f32>) {
        self.pending[var.id] = Some(gradient);
    }

    /// Runs a piece of the way back on the device, unless it has failed before.
    pub(crate) fn on_device(&mut self, work: impl FnOnce(&mut Self, &Mirror) -> candle_core::Result<()>) {
        let Some(mirror) = self.mirror.filter(|_| self.failure.is_none()) else {
            return;
        };
        if let Err(error) = work(self, mirror) {
            self.failure = Some(NnError::from_device(error));
        }
    }

    /// As [`BackwardPass::take`], on the device.
    pub(crate) fn take_tensor(&mut self, var: VarId) -> candle_core::Result<Tensor> {
        let shape = (var.rows, var.columns);
        match (self.pending_tensors[var.id].take(), self.mirror) {
            (Some(gradient), _) => Ok(gradient),
            (None, Some(mirror)) => Tensor::zeros(shape, device::dtype(self.precision), mirror.device()),
            (None, None) => candle_core::bail!("a gradient on a device without one"),
        }
    }

    /// As [`BackwardPass::add`], on the device.
    pub(crate) fn add_tensor(&mut self, var: VarId, gradient: Tensor) -> candle_core::Result<()> {
        let pending = &mut self.pending_tensors[var.id];
        *pending = Some(match pending.take() {
            Some(before) => (before + gradient)?,
            None => gradient,
        });
        Ok(())
    }

    /// Adds a whole gradient to an input's; the buffer is used or returned to the pool.
    pub fn add(&mut self, var: VarId, gradient: Vec<f32>) {
        match &mut self.pending[var.id] {
            Some(sum) => {
                crate::kernels::elementwise::add(sum, &gradient);
                self.pool.give(gradient);
            }
            empty => *empty = Some(gradient),
        }
    }
}
