//! The model that a run keeps, in its folder: replaced in one step, put back after a kill between two renames, and made
//! as sure as it should be at the end.

use std::path::Path;

use understudy_eval::{Link, logits, temperature};
use understudy_nn::ProblemType;

use crate::averaging::Averaged;
use crate::error::{Result, TrainError};
use crate::job::TrainingJob;
use crate::judging::all_labels;
use crate::predictor;

/// Finds the temperature at which the kept model is right as often as it says, by its answers to the validation part, and
/// writes it into the saved model's numbers, in one step that cannot be seen half done; with what is mixed in them, so that
/// neither is done twice.
pub(crate) fn calibrate(job: &TrainingJob, averaged: &mut Averaged) -> Result<f32> {
    let link = match job.problem_type {
        ProblemType::SingleLabel => Link::Softmax,
        ProblemType::MultiLabel => Link::Sigmoid,
    };
    let logits = logits(&averaged.answers, link);
    let found = temperature(&logits, &all_labels(&job.validation), job.labels.len(), link);
    averaged.model.set_temperature(found);
    replace_model(&job.model, |partial| {
        predictor::save(partial, &averaged.model, &job.base, job.settings.reading())?;
        predictor::note_what_is_kept(partial, averaged.share, &averaged.epochs)?;
        predictor::note_temperature(partial, found)
    })?;
    Ok(found)
}

/// Lets `write` make a model folder, and puts it in the place of the one before: at every moment there is a whole model.
pub(crate) fn replace_model(model: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let (partial, before) = (model.with_extension("partial"), model.with_extension("before"));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TrainError::File { path, source }
    };
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(failed(&partial))?;
    }
    write(&partial)?;
    if model.exists() {
        std::fs::rename(model, &before).map_err(failed(&before))?;
    }
    std::fs::rename(&partial, model).map_err(failed(model))?;
    if before.exists() {
        std::fs::remove_dir_all(&before).map_err(failed(&before))?;
    }
    Ok(())
}

/// Puts the kept model back if a kill fell between the two renames of [`replace_model`], and clears away the one before
/// if it fell after them: no later model could take its place otherwise.
pub(crate) fn restore(job: &TrainingJob) -> Result<()> {
    let before = job.model.with_extension("before");
    if !before.exists() {
        return Ok(());
    }
    let done = match job.model.exists() {
        true => std::fs::remove_dir_all(&before),
        false => std::fs::rename(&before, &job.model),
    };
    done.map_err(|source| TrainError::File {
        path: job.model.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with one file that says which model it is.
    fn model(folder: &Path, name: &str) {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("which"), name).unwrap();
    }

    fn job(place: &Path) -> TrainingJob {
        TrainingJob {
            base: place.join("base"),
            model: place.join("model"),
            checkpoint: place.join("checkpoint"),
            labels: Vec::new(),
            problem_type: ProblemType::SingleLabel,
            train: Vec::new(),
            validation: Vec::new(),
            test: Vec::new(),
            device: None,
            settings: crate::settings::TrainSettings::textbook("base"),
        }
    }

    #[test]
    fn wherever_a_kill_fell_there_is_one_whole_model_and_the_next_can_take_its_place() {
        let which = |folder: &Path| std::fs::read_to_string(folder.join("model/which")).unwrap();
        let between = tempfile::tempdir().unwrap();
        model(&between.path().join("model.before"), "old");
        let after = tempfile::tempdir().unwrap();
        model(&after.path().join("model.before"), "old");
        model(&after.path().join("model"), "new");
        for (place, left) in [(&between, "old"), (&after, "new")] {
            let job = job(place.path());
            restore(&job).unwrap();
            assert_eq!(which(place.path()), left);
            replace_model(&job.model, |partial| {
                model(partial, "next");
                Ok(())
            })
            .unwrap();
            assert_eq!(which(place.path()), "next");
            assert!(!place.path().join("model.before").exists());
        }
    }
}
