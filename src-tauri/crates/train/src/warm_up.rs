//! The head learns before the whole model does.

use understudy_nn::random::Key;
use understudy_nn::{Gradients, Input, Objective, SequenceClassifier, Step};

use crate::batch;
use crate::control::Control;
use crate::error::Result;
use crate::job::TrainingJob;
use crate::learner::Learner;
use crate::optimizer::AdamW;
use crate::schedule::LinearSchedule;
use crate::trainer::rows;

/// Learning rate and batch size of a head that learns alone: there is little that could be destroyed.
const HEAD_LEARNING_RATE: f64 = 1e-3;
const HEAD_BATCH: usize = 32;

/// Lets the head learn on fixed features, so that the whole model does not have to follow one that knows nothing yet.
pub fn warm_up_head(
    job: &TrainingJob,
    model: &mut SequenceClassifier,
    features: &[f32],
    objective: &Objective,
    control: &Control,
) -> Result<()> {
    model.freeze(model.own_layers() + 1);
    let count = job.train.len();
    let key = Key::new(u64::from(job.settings.seed)).with(0x4EAD);
    let mut learner = Learner::new(
        AdamW::new(&model.parameters, &job.settings),
        model,
        job.device.as_ref(),
    )?;
    let mut gradients = Gradients::new(&model.parameters);
    let steps = count.div_ceil(HEAD_BATCH) as u32 * job.settings.head_epochs;
    let schedule = LinearSchedule::new(HEAD_LEARNING_RATE, job.settings.warmup_ratio, steps);
    let mut done = 0;
    for epoch in 0..job.settings.head_epochs {
        for texts in batch::epoch_order(key, epoch, count).chunks(HEAD_BATCH) {
            control.check()?;
            let labels: Vec<&[usize]> = texts
                .iter()
                .map(|&text| job.train[text].labels.as_slice())
                .collect();
            let step = Step {
                labels: &labels,
                objective,
                total_weight: objective.total_weight(&labels, job.labels.len()),
                dropout: Some(key.with(0x57E9).with(u64::from(done))),
            };
            let rows = rows(features, count, texts);
            gradients.clear();
            model.loss_and_gradients(Input::Features(&rows), &step, &mut gradients)?;
            learner.update(model, &gradients, schedule.at(done))?;
            done += 1;
        }
    }
    learner.settle(model)
}
