//! What a training by adapters has learned, without the model that it began with: low-rank changes of matrices and the parts
//! that are new, in the files of Hugging Face's PEFT library.
//!
//! The change of a matrix is the trained one less the one that the training began with. It has at most the rank of its
//! adapter, so its two factors are found again from the difference: an orthonormal basis of what it makes of some random
//! vectors (Halko, Martinsson & Tropp 2011, which is exact where the rank is not larger than asked for), and the difference
//! seen in it. Nothing needs to be kept beside a trained model for that.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

use crate::classifier::{SequenceClassifier, WEIGHTS_FILE, WINDOW_QUERY};
use crate::error::{NnError, Result};
use crate::kernels::matmul::{Precision, Threads, View, ViewMut, matmul};
use crate::parameters::Place;
use crate::random::Key;
use crate::weights::{self, TensorFile};

/// PEFT's names of the two files, and what it puts before every tensor's name.
const TENSORS: &str = "adapter_model.safetensors";
const CONFIG: &str = "adapter_config.json";
const PREFIX: &str = "base_model.model.";

/// What Transformers calls most heads.
const HEAD: &str = "classifier";

/// What the difference may be off by when it is put together again, as a share of its length: rounding of the sum of matrix
/// and change, which the trained model keeps.
const TOLERANCE: f32 = 1e-3;

/// A tensor to be written.
struct Tensor {
    name: String,
    shape: Vec<usize>,
    numbers: Vec<f32>,
}

/// The two factors of a change: `down` is `[rank, columns]`, `up` is `[rows, rank]`, and their product `up · down` the change.
struct Factors {
    down: Vec<f32>,
    up: Vec<f32>,
}

impl SequenceClassifier {
    /// Writes what this model, trained with adapters of `rank`, differs in from the one in the folder `base`, which is called
    /// `base_name`: `adapter_model.safetensors` and `adapter_config.json` for PEFT, and the classifier's own `config.json`.
    /// Returns how many matrices have a change.
    ///
    /// # Errors
    /// [`NnError::NotLowRank`] when more has changed than adapters can; [`NnError::File`], [`NnError::Weights`].
    pub fn save_adapter(&self, base: &Path, base_name: &str, rank: usize, target: &Path) -> Result<usize> {
        let mut before = TensorFile::open(&base.join(WEIGHTS_FILE))?;
        let head = self.own_layers() + 1;
        let mut tensors: Vec<Tensor> = Vec::new();
        let (mut changed, mut whole) = (Vec::new(), Vec::new());
        for entry in self.parameters.entries() {
            // It gathers windows, which only this program does.
            if entry.name == WINDOW_QUERY {
                continue;
            }
            let numbers = self.parameters.values(entry);
            let module = entry
                .name
                .rsplit_once('.')
                .map_or(&*entry.name, |(module, _)| module);
            let known = before.find(&entry.name, self.prefix());
            let known = known.filter(|name| entry.depth < head && before.shape(name) == entry.shape);
            let Some(known) = known else {
                // PEFT takes a head of this name whole, whatever is in it.
                let module = if module.starts_with(HEAD) { HEAD } else { module };
                whole.push(module.to_owned());
                tensors.push(Tensor {
                    name: format!("{PREFIX}{}", entry.name),
                    shape: entry.shape.clone(),
                    numbers: numbers.to_vec(),
                });
                continue;
            };
            let mut change = vec![0.0; numbers.len()];
            before.read_into(&known, &mut change)?;
            change
                .iter_mut()
                .zip(numbers)
                .for_each(|(old, new)| *old = new - *old);
            if change.iter().all(|x| *x == 0.0) {
                continue;
            }
            let [rows, columns] = entry.shape[..] else {
                return Err(not_low_rank(&entry.name));
            };
            let factors = match entry.place {
                Place::Dense(_) => factors(&change, rows, columns, rank.min(rows).min(columns)),
                Place::Table(_) => None,
            };
            let Some(Factors { down, up }) = factors else {
                return Err(not_low_rank(&entry.name));
            };
            changed.push(module.to_owned());
            let rank = down.len() / columns;
            for (part, shape, numbers) in [
                ("lora_A", vec![rank, columns], down),
                ("lora_B", vec![rows, rank], up),
            ] {
                tensors.push(Tensor {
                    name: format!("{PREFIX}{module}.{part}.weight"),
                    shape,
                    numbers,
                });
            }
        }
        whole.dedup();
        write(&tensors, &target.join(TENSORS))?;
        let config = json!({
            "peft_type": "LORA", "task_type": "SEQ_CLS", "base_model_name_or_path": base_name,
            "r": rank, "lora_alpha": rank, "lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": false,
            "inference_mode": true, "target_modules": changed, "modules_to_save": whole,
        });
        let path = target.join(CONFIG);
        std::fs::write(&path, format!("{config:#}")).map_err(|source| NnError::File { path, source })?;
        self.write_config(target)?;
        Ok(changed.len())
    }
}

fn not_low_rank(name: &str) -> NnError {
    NnError::NotLowRank {
        name: name.to_owned(),
    }
}

/// The factors of a matrix of at most this rank; `None` where its rank is larger.
fn factors(change: &[f32], rows: usize, columns: usize, rank: usize) -> Option<Factors> {
    let change_view = View::dense(change, rows, columns);
    let key = Key::new(0x10AD);
    let probes: Vec<f32> = (0..columns * rank).map(|i| key.normal(i as u64) as f32).collect();
    let mut seen = vec![0.0; rows * rank];
    multiply(
        change_view,
        View::dense(&probes, columns, rank),
        ViewMut::dense(&mut seen, rows, rank),
    );
    let up = orthonormal(&seen, rows, rank);
    let mut down = vec![0.0; rank * columns];
    multiply(
        View::dense(&up, rows, rank).t(),
        change_view,
        ViewMut::dense(&mut down, rank, columns),
    );
    let mut again = vec![0.0; rows * columns];
    multiply(
        View::dense(&up, rows, rank),
        View::dense(&down, rank, columns),
        ViewMut::dense(&mut again, rows, columns),
    );
    let length = |x: &mut dyn Iterator<Item = f32>| x.map(|x| x * x).sum::<f32>().sqrt();
    let off = length(&mut again.iter().zip(change).map(|(a, b)| a - b));
    (off <= TOLERANCE * length(&mut change.iter().copied())).then_some(Factors { down, up })
}

fn multiply(a: View, b: View, out: ViewMut) {
    matmul(a, b, out, false, Threads::All, Precision::F32);
}

/// The columns of a matrix made orthonormal (Gram and Schmidt, twice, in double precision); those that depend on others
/// become zero.
fn orthonormal(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut basis: Vec<Vec<f64>> = (0..columns)
        .map(|column| {
            (0..rows)
                .map(|row| f64::from(matrix[row * columns + column]))
                .collect()
        })
        .collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for column in 0..columns {
        let (known, rest) = basis.split_at_mut(column);
        let own = &mut rest[0];
        let before = product(own, own).sqrt();
        for _ in 0..2 {
            for other in known.iter() {
                let share = product(own, other);
                own.iter_mut().zip(other).for_each(|(x, y)| *x -= share * y);
            }
        }
        let after = product(own, own).sqrt();
        let factor = if after > 1e-6 * before { 1.0 / after } else { 0.0 };
        own.iter_mut().for_each(|x| *x *= factor);
    }
    (0..rows * columns)
        .map(|i| basis[i % columns][i / columns] as f32)
        .collect()
}

fn write(tensors: &[Tensor], path: &Path) -> Result<()> {
    let failed = |reason: String| NnError::Weights {
        path: path.to_owned(),
        reason,
    };
    let views = tensors.iter().map(|tensor| {
        let bytes = bytemuck::cast_slice(&tensor.numbers);
        let view =
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(|e| failed(e.to_string()))?;
        Ok((tensor.name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    weights::write(path, views, metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(up: &[f32], down: &[f32], rank: usize, columns: usize) -> Vec<f32> {
        let rows = up.len() / rank;
        let mut out = vec![0.0; rows * columns];
        multiply(
            View::dense(up, rows, rank),
            View::dense(down, rank, columns),
            ViewMut::dense(&mut out, rows, columns),
        );
        out
    }

    #[test]
    fn a_change_of_low_rank_is_found_again_and_a_larger_one_is_not() {
        let normal =
            |seed, n: usize| -> Vec<f32> { (0..n).map(|i| Key::new(seed).normal(i as u64) as f32).collect() };
        let change = product(&normal(1, 12 * 2), &normal(2, 2 * 9), 2, 9);
        // Also where more rank is asked for than there is.
        for rank in [2, 4] {
            let found = factors(&change, 12, 9, rank).unwrap();
            let again = product(&found.up, &found.down, rank, 9);
            for (a, b) in again.iter().zip(&change) {
                assert!((a - b).abs() < 1e-4, "{a} {b}");
            }
        }
        assert!(factors(&change, 12, 9, 1).is_none());
    }
}
