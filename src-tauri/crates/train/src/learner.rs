//! The optimiser and the parameters it moves, wherever they lie.

use understudy_nn::device::Device;
use understudy_nn::parameters::Gradients;
use understudy_nn::{NnError, SequenceClassifier};

use crate::error::Result;
use crate::optimizer::{AdamW, DeviceAdamW};

/// [`AdamW`] on the processor or on a device.
#[derive(Debug)]
pub enum Learner {
    /// The parameters are the model's own.
    Processor(AdamW),
    /// They lie on a device; the model's own are behind.
    Device(Box<DeviceAdamW>),
}

impl Learner {
    /// Goes on from `optimizer`, on `device` if there is one: the model is placed there.
    ///
    /// # Errors
    /// [`crate::TrainError::Model`] where a device fails.
    pub fn new(
        mut optimizer: AdamW,
        model: &mut SequenceClassifier,
        device: Option<&Device>,
    ) -> Result<Self> {
        let Some(device) = device else {
            return Ok(Learner::Processor(optimizer));
        };
        optimizer.settle(&mut model.parameters);
        model.place(device)?;
        let learner = DeviceAdamW::new(optimizer, &model.parameters, device)?;
        Ok(Learner::Device(Box::new(learner)))
    }

    /// As [`AdamW::touch`].
    pub fn touch(&mut self, model: &mut SequenceClassifier, ids: &[u32]) {
        if let Learner::Processor(optimizer) = self {
            optimizer.touch(&mut model.parameters, ids);
        }
    }

    /// As [`AdamW::update`].
    ///
    /// # Errors
    /// [`crate::TrainError::Model`] where a device fails.
    pub fn update(
        &mut self,
        model: &mut SequenceClassifier,
        gradients: &Gradients,
        learning_rate: f64,
    ) -> Result<f64> {
        match self {
            Learner::Processor(optimizer) => {
                Ok(optimizer.update(&mut model.parameters, gradients, learning_rate))
            }
            Learner::Device(optimizer) => {
                let mirror = model.mirror_mut().ok_or_else(|| NnError::Device {
                    reason: "the model does not lie there".into(),
                })?;
                optimizer.update(mirror, &gradients.device, learning_rate)
            }
        }
    }

    /// Makes the model's own parameters what they are by now: before they are judged or saved.
    ///
    /// # Errors
    /// [`crate::TrainError::Model`] where a device fails.
    pub fn settle(&mut self, model: &mut SequenceClassifier) -> Result<()> {
        match self {
            Learner::Processor(optimizer) => optimizer.settle(&mut model.parameters),
            Learner::Device(_) => model.fetch()?,
        }
        Ok(())
    }

    /// What a checkpoint keeps beside the model's own parameters, which are brought up to date.
    ///
    /// # Errors
    /// [`crate::TrainError::Model`] where a device fails.
    pub fn state(&mut self, model: &mut SequenceClassifier) -> Result<&AdamW> {
        match self {
            Learner::Processor(optimizer) => Ok(optimizer),
            Learner::Device(optimizer) => optimizer.fetch(model),
        }
    }
}
