//! What a run needs to go on after a stop as if it had not been stopped: weights, moments, progress.
//!
//! One safetensors file, written beside the old one and renamed over it, so that a kill at any moment leaves a whole
//! checkpoint. Everything random is keyed by step, so no generator's state is kept.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use understudy_eval::EpochScores;
use understudy_nn::NnError;
use understudy_nn::parameters::Parameters;
use understudy_nn::weights::TensorFile;

use crate::error::{Result, TrainError};
use crate::optimizer::{AdamW, TableState};
use crate::settings::TrainSettings;

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The settings that the run was started with.
    #[serde(deserialize_with = "stored_settings")]
    pub settings: TrainSettings,
    /// Number of training texts, to recognise other data.
    pub texts: usize,
    /// Steps taken.
    pub step: u32,
    /// Sum of the losses of the steps of the current epoch.
    pub epoch_loss: f64,
    /// Mean of the latest losses, the older ones counting less and less.
    #[serde(default)]
    pub recent_loss: f64,
    /// Seconds spent on steps so far, over all sittings.
    pub seconds: f64,
    /// Seconds spent on the current epoch so far.
    pub epoch_seconds: f64,
    /// The finished epochs.
    pub epochs: Vec<EpochScores>,
    /// The epoch (from 1) of the current training whose model was kept; 0 before the first.
    pub best_epoch: u32,
    /// Where the current training began.
    #[serde(default)]
    pub began: Began,
    /// What the trainings before it left.
    #[serde(default)]
    pub left: Vec<Left>,
    /// How many parts a step's texts are read in by now: more than was chosen where a device's memory ran out.
    #[serde(default)]
    pub parts: usize,
    /// How many tokens a part has at most, unless one text has more; earlier versions did not look.
    #[serde(default = "any_number")]
    pub tokens_per_part: usize,
}

/// A training that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Its first epoch (from 1).
    pub first_epoch: u32,
    /// The epoch whose model it left.
    pub best_epoch: u32,
}

/// What was done before a training of a run began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    /// Epochs.
    pub epochs: u32,
    /// Steps.
    pub steps: u32,
}

fn any_number() -> usize {
    usize::MAX
}

fn stored_settings<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<TrainSettings, D::Error> {
    let stored = serde_json::Value::deserialize(deserializer)?;
    TrainSettings::from_stored(stored).map_err(serde::de::Error::custom)
}

const FILE: &str = "checkpoint.safetensors";
const PROGRESS: &str = "progress";

/// The checkpoint's file within its folder.
pub fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Whether there is a checkpoint to go on from.
pub fn exists(folder: &Path) -> bool {
    path(folder).is_file()
}

/// Removes what a kill left of checkpoints that were being written.
///
/// # Errors
/// [`TrainError::File`].
pub fn clear_leftovers(folder: &Path) -> Result<()> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TrainError::File { path, source }
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(folder)(error)),
    };
    for entry in entries {
        let path = entry.map_err(failed(folder))?.path();
        // The writer's own name until all is there.
        let is_leftover = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(".tmp"));
        if is_leftover {
            std::fs::remove_file(&path).map_err(failed(&path))?;
        }
    }
    Ok(())
}

/// Removes the checkpoint: the run begins anew.
///
/// # Errors
/// [`TrainError::File`].
pub fn remove(folder: &Path) -> Result<()> {
    let path = path(folder);
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(TrainError::File { path, source })
        }
        _ => Ok(()),
    }
}

/// Writes the checkpoint.
///
/// # Errors
/// [`TrainError::File`]; the checkpoint before is then untouched.
pub fn save(folder: &Path, progress: &Progress, parameters: &Parameters, optimizer: &AdamW) -> Result<()> {
    let target = path(folder);
    let partial = target.with_extension("partial");
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let touched: Vec<TouchedRows> = parameters
            .tables
            .iter()
            .zip(&optimizer.tables)
            .map(|(table, state)| TouchedRows::gather(table.columns, state))
            .collect();
        let pending: Vec<f64> = optimizer.tables.iter().map(|state| state.pending_decay).collect();
        let mut tensors = vec![floats("weights", &parameters.dense)?];
        // What does not learn has no moments.
        for range in optimizer.learning() {
            for (name, moments) in MOMENTS.into_iter().zip(optimizer.dense.both()) {
                tensors.push(floats(&from(name, range.start), &moments[range.clone()])?);
            }
        }
        for (i, (table, touched)) in parameters.tables.iter().zip(&touched).enumerate() {
            tensors.push(floats(&format!("table.{i}"), &table.values)?);
            tensors.push(floats(&format!("table.{i}.first"), &touched.first)?);
            tensors.push(floats(&format!("table.{i}.second"), &touched.second)?);
            tensors.push(view(
                &format!("table.{i}.rows"),
                Dtype::U32,
                bytemuck::cast_slice(&touched.rows),
            )?);
        }
        let metadata = HashMap::from([
            (PROGRESS.to_owned(), serde_json::to_string(progress)?),
            (PENDING_DECAY.to_owned(), serde_json::to_string(&pending)?),
        ]);
        safetensors::serialize_to_file(tensors, Some(metadata), &partial).map_err(|error| match error {
            safetensors::SafeTensorError::IoError(source) => source,
            other => std::io::Error::other(other.to_string()),
        })?;
        std::fs::File::open(&partial)?.sync_all()?;
        std::fs::rename(&partial, &target)
    };
    write()
        .inspect_err(|_| {
            // Half a checkpoint is of no use, and would keep a full disk full.
            let _ = std::fs::remove_file(&partial);
        })
        .map_err(|source| TrainError::File {
            path: target.clone(),
            source,
        })
}

/// Where the run stood when the checkpoint was written.
///
/// # Errors
/// [`TrainError::File`]; [`TrainError::Checkpoint`] when it is damaged.
pub fn progress(folder: &Path) -> Result<Progress> {
    let path = path(folder);
    let file = TensorFile::open(&path).map_err(unreadable)?;
    noted(&file, PROGRESS, &path)
}

/// Reads the checkpoint into parameters and an optimiser that were made for the same model, tensor by tensor: it is several
/// times the model's size.
///
/// # Errors
/// [`TrainError::File`]; [`TrainError::Checkpoint`] when it is damaged or of another model.
pub fn load(folder: &Path, parameters: &mut Parameters, optimizer: &mut AdamW) -> Result<Progress> {
    let path = path(folder);
    let mut file = TensorFile::open(&path).map_err(unreadable)?;
    let progress: Progress = noted(&file, PROGRESS, &path)?;
    let pending: Vec<f64> = noted(&file, PENDING_DECAY, &path)?;
    let learning = optimizer.learning();
    let mut read = || -> understudy_nn::Result<()> {
        file.read_into("weights", &mut parameters.dense)?;
        for (name, moments) in MOMENTS.into_iter().zip(optimizer.dense.both_mut()) {
            // Earlier versions wrote those of all numbers.
            if file.has(name) {
                file.read_into(name, moments)?;
                continue;
            }
            for range in &learning {
                file.read_into(&from(name, range.start), &mut moments[range.clone()])?;
            }
        }
        Ok(())
    };
    read().map_err(unreadable)?;
    let tables = parameters.tables.iter_mut().zip(&mut optimizer.tables);
    for (i, (table, state)) in tables.enumerate() {
        let mut read = || -> understudy_nn::Result<TouchedRows> {
            file.read_into(&format!("table.{i}"), &mut table.values)?;
            let rows = file.read_u32(&format!("table.{i}.rows"))?;
            let mut touched = TouchedRows {
                first: vec![0.0; rows.len() * table.columns],
                second: vec![0.0; rows.len() * table.columns],
                rows,
            };
            file.read_into(&format!("table.{i}.first"), &mut touched.first)?;
            file.read_into(&format!("table.{i}.second"), &mut touched.second)?;
            Ok(touched)
        };
        let damaged = |reason: String| TrainError::Checkpoint {
            path: path.clone(),
            reason,
        };
        let touched = read().map_err(unreadable)?;
        touched.scatter(table.columns, state).map_err(damaged)?;
        let decay = pending.get(i);
        state.pending_decay = *decay.ok_or_else(|| damaged("a table has no pending decay".into()))?;
    }
    optimizer.step = progress.step.saturating_sub(progress.began.steps);
    Ok(progress)
}

/// What the checkpoint at `path` notes under `field`.
fn noted<T: DeserializeOwned>(file: &TensorFile, field: &str, path: &Path) -> Result<T> {
    let damaged = |reason: String| TrainError::Checkpoint {
        path: path.to_owned(),
        reason,
    };
    let text = file.note(field);
    let text = text.ok_or_else(|| damaged(format!("{field} is missing")))?;
    serde_json::from_str(text).map_err(|error| damaged(error.to_string()))
}

/// A checkpoint is no model: what is wrong with it has other advice.
fn unreadable(error: NnError) -> TrainError {
    match error {
        NnError::File { path, source } => TrainError::File { path, source },
        NnError::Weights { path, reason } => TrainError::Checkpoint { path, reason },
        other => TrainError::Model(other),
    }
}

/// Names of the two moments.
const MOMENTS: [&str; 2] = ["first", "second"];

/// The name of those of a range that starts at `start`.
fn from(name: &str, start: usize) -> String {
    format!("{name}.{start}")
}

const PENDING_DECAY: &str = "pending_decay";

/// The moments of the rows of a table that have been read: few of many.
struct TouchedRows {
    rows: Vec<u32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl TouchedRows {
    fn gather(columns: usize, state: &TableState) -> Self {
        let rows: Vec<u32> = (0_u32..)
            .zip(&state.touched)
            .filter(|(_, t)| **t)
            .map(|(row, _)| row)
            .collect();
        let of = |numbers: &[f32]| -> Vec<f32> {
            rows.iter()
                .flat_map(|&row| &numbers[row as usize * columns..][..columns])
                .copied()
                .collect()
        };
        TouchedRows {
            first: of(&state.moments.first),
            second: of(&state.moments.second),
            rows,
        }
    }

    fn scatter(self, columns: usize, state: &mut TableState) -> std::result::Result<(), String> {
        for (i, &row) in self.rows.iter().enumerate() {
            let row = row as usize;
            *state
                .touched
                .get_mut(row)
                .ok_or(format!("row {row} is beyond the table"))? = true;
            let (from, to) = (i * columns..(i + 1) * columns, row * columns..(row + 1) * columns);
            state.moments.first[to.clone()].copy_from_slice(&self.first[from.clone()]);
            state.moments.second[to].copy_from_slice(&self.second[from]);
        }
        Ok(())
    }
}

fn view<'a>(name: &str, dtype: Dtype, bytes: &'a [u8]) -> std::io::Result<(String, TensorView<'a>)> {
    let view = TensorView::new(dtype, vec![bytes.len() / 4], bytes);
    Ok((
        name.to_owned(),
        view.map_err(|e| std::io::Error::other(e.to_string()))?,
    ))
}

fn floats<'a>(name: &str, numbers: &'a [f32]) -> std::io::Result<(String, TensorView<'a>)> {
    view(name, Dtype::F32, bytemuck::cast_slice(numbers))
}
