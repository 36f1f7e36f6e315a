//! Whether a text is like those that a model learned from.
//!
//! A classifier answers anything, and may be sure of an answer to a text of another kind altogether. What its encoder
//! makes of a text (its *features*) tells more: the distance to the nearest class's mean, measured by how far features
//! spread within classes (Mahalanobis distance; Lee et al. 2018, <https://arxiv.org/abs/1807.03888>). The spread is
//! estimated by Ledoit and Wolf's shrinkage (2004, <https://doi.org/10.1016/S0047-259X(03)00096-4>), so that a few
//! hundred texts are enough. The limit is where the distances of the validation part leave [`FLAGGED`] outside. Only
//! means and a spread are kept: no text's own features lie beside the model.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use rayon::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use understudy_nn::random::Key;

use crate::error::{Result, TrainError};

/// The file in a model's folder.
pub const FILE: &str = "familiarity.safetensors";

/// Share of texts of the known kind that may be called unfamiliar.
const FLAGGED: f64 = 0.02;

/// With fewer texts to learn from, or to find the limit by, nothing can be said.
const FEWEST: usize = 20;

/// More texts make no better estimate of the spread.
const MOST: usize = 4000;

/// Of each class that has so many, at least so many are looked at, however rare it is.
const OF_EACH: usize = 16;

/// A class with fewer texts has no mean of its own: it would be a text's own features, and say little about others. Such
/// classes count as one.
const OF_ITS_OWN: usize = 5;

/// Which texts to look at, in rising order: some of every class, then at random until there are enough.
pub(crate) fn drawn(classes: &[&[usize]], seed: u64) -> Vec<usize> {
    let order = Key::new(seed).with(0xFA31).permutation(classes.len());
    let mut seen: HashMap<usize, usize> = HashMap::new();
    let mut is_drawn = vec![false; classes.len()];
    for &text in &order {
        let kinds = if classes[text].is_empty() {
            NONE
        } else {
            classes[text]
        };
        if kinds
            .iter()
            .any(|kind| seen.get(kind).is_none_or(|count| *count < OF_EACH))
        {
            is_drawn[text] = true;
            kinds.iter().for_each(|kind| *seen.entry(*kind).or_default() += 1);
        }
    }
    let mut left = MOST.saturating_sub(is_drawn.iter().filter(|drawn| **drawn).count());
    for text in order {
        if left == 0 {
            break;
        }
        if !is_drawn[text] {
            is_drawn[text] = true;
            left -= 1;
        }
    }
    (0..classes.len()).filter(|text| is_drawn[*text]).collect()
}

/// The kind of texts that carry no label.
const NONE: &[usize] = &[usize::MAX];

/// The kind of all classes that are too rare for one of their own.
const RARE: usize = usize::MAX - 1;

/// What the features of familiar texts look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Familiarity {
    /// Numbers of a text's features.
    hidden: usize,
    /// `[classes, hidden]`: each class's mean, after `whitening`.
    means: Vec<f32>,
    /// `[hidden, hidden]`, zero above the diagonal: times features, it makes distances comparable in all directions.
    whitening: Vec<f32>,
    /// The distance above which a text is unfamiliar.
    limit: f64,
}

impl Familiarity {
    /// By the features of texts, `[texts, hidden]`, and the classes of each; a text without any belongs to a class of its
    /// own kind. There is no limit yet. `None` when there are too few texts, or they are all the same.
    pub(crate) fn of(features: &[f32], hidden: usize, classes: &[&[usize]]) -> Option<Self> {
        let texts = classes.len();
        assert_eq!(features.len(), texts * hidden, "a row for each text");
        if texts < FEWEST {
            return None;
        }
        let rows: Vec<&[f32]> = features.chunks_exact(hidden).collect();
        let (means, kinds) = class_means(&rows, hidden, classes);
        // What is left of a text without its class: the nearest where it has several.
        let rest = |(row, kinds): (&&[f32], &Vec<usize>)| -> Option<Vec<f64>> {
            let without = kinds
                .iter()
                .map(|kind| difference(row, &means[kind * hidden..][..hidden]));
            without.min_by(|a, b| square(a).total_cmp(&square(b)))
        };
        let rests: Vec<Vec<f64>> = rows.iter().zip(&kinds).filter_map(rest).collect();
        if rests.len() < FEWEST {
            return None;
        }
        let lower = cholesky(shrunk(&rests, hidden)?, hidden)?;
        let whitening = inverse(&lower, hidden);
        let narrow = |numbers: Vec<f64>| -> Vec<f32> { numbers.into_iter().map(|x| x as f32).collect() };
        let whitening = narrow(whitening);
        let means = means.chunks_exact(hidden).flat_map(|mean| {
            let mean: Vec<f32> = mean.iter().map(|x| *x as f32).collect();
            whiten(&whitening, &mean)
        });
        Some(Familiarity {
            hidden,
            means: means.collect(),
            whitening,
            limit: f64::INFINITY,
        })
    }

    /// Sets the limit by distances of texts of the known kind that were not learned from. `None` when they are too few.
    pub(crate) fn with_limit(mut self, distances: &[f64]) -> Option<Self> {
        if distances.len() < FEWEST {
            return None;
        }
        let mut sorted = distances.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        self.limit = sorted[(distances.len() as f64 * FLAGGED) as usize];
        Some(self)
    }

    /// How far a text's features are from the nearest class, in standard deviations over all directions.
    pub(crate) fn distance(&self, features: &[f32]) -> f64 {
        let at = whiten(&self.whitening, features);
        let squares = self.means.chunks_exact(self.hidden).map(|mean| {
            let differences = mean.iter().zip(&at).map(|(mean, at)| f64::from(at - mean));
            differences.map(|difference| difference * difference).sum::<f64>()
        });
        squares.fold(f64::INFINITY, f64::min).sqrt()
    }

    /// Whether a text at this distance is unlike those learned from.
    pub(crate) fn is_unfamiliar(&self, distance: f64) -> bool {
        distance > self.limit
    }

    /// Writes it into a model's folder, in one step.
    ///
    /// # Errors
    /// [`TrainError::File`].
    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let failed = |source| TrainError::File {
            path: path.clone(),
            source,
        };
        let classes = self.means.len() / self.hidden;
        let limit = [self.limit];
        let (means, whitening, limit): (&[u8], &[u8], &[u8]) = (
            bytemuck::cast_slice(&self.means),
            bytemuck::cast_slice(&self.whitening),
            bytemuck::cast_slice(&limit),
        );
        let tensors = [
            ("means", Dtype::F32, vec![classes, self.hidden], means),
            ("whitening", Dtype::F32, vec![self.hidden, self.hidden], whitening),
            ("limit", Dtype::F64, vec![1], limit),
        ];
        let tensors = tensors
            .into_iter()
            .map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(dtype, shape, bytes)?)))
            .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>();
        let tensors = tensors.map_err(std::io::Error::other).map_err(failed)?;
        let bytes = safetensors::serialize(tensors, None)
            .map_err(std::io::Error::other)
            .map_err(failed)?;
        let partial = path.with_extension("partial");
        let write = || {
            std::fs::write(&partial, bytes)?;
            std::fs::File::open(&partial)?.sync_all()?;
            std::fs::rename(&partial, &path)
        };
        write().map_err(failed)
    }

    /// Reads it from a model's folder; `None` where there is none, as beside models of earlier versions.
    ///
    /// # Errors
    /// [`TrainError::File`] when it cannot be read or is not what [`Familiarity::save`] wrote for features so wide.
    pub(crate) fn load(folder: &Path, hidden: usize) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        let failed = |source| TrainError::File {
            path: path.clone(),
            source,
        };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let damaged = || failed(std::io::ErrorKind::InvalidData.into());
        let file = SafeTensors::deserialize(&bytes).map_err(|error| failed(std::io::Error::other(error)))?;
        let numbers = |name: &str| -> Result<Vec<f32>> {
            let tensor = file.tensor(name).map_err(|_| damaged())?;
            let right = tensor.dtype() == Dtype::F32 && tensor.shape().last() == Some(&hidden);
            right.then(|| read_f32(tensor.data())).ok_or_else(damaged)
        };
        let (means, whitening) = (numbers("means")?, numbers("whitening")?);
        let limit = file.tensor("limit").map_err(|_| damaged())?;
        let limit = <[u8; 8]>::try_from(limit.data()).map_err(|_| damaged())?;
        if means.is_empty() || whitening.len() != hidden * hidden {
            return Err(damaged());
        }
        Ok(Some(Familiarity {
            hidden,
            means,
            whitening,
            limit: f64::from_le_bytes(limit),
        }))
    }
}

fn read_f32(bytes: &[u8]) -> Vec<f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// The mean of each kind, `[kinds, hidden]`, and the kinds of each text: its classes, or having none. Classes too rare for
/// a mean of their own are one kind; where even that has too few texts, they have none.
fn class_means(rows: &[&[f32]], hidden: usize, classes: &[&[usize]]) -> (Vec<f64>, Vec<Vec<usize>>) {
    let classes = || {
        classes
            .iter()
            .map(|classes| if classes.is_empty() { NONE } else { *classes })
    };
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for class in classes().flatten() {
        *counts.entry(*class).or_default() += 1;
    }
    let kind_of = |class: &usize| if counts[class] < OF_ITS_OWN { RARE } else { *class };
    let kinds: Vec<BTreeSet<usize>> = classes()
        .map(|classes| classes.iter().map(kind_of).collect())
        .collect();
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for kind in kinds.iter().flatten() {
        *sizes.entry(*kind).or_default() += 1;
    }
    sizes.retain(|_, size| *size >= OF_ITS_OWN);
    let places: HashMap<usize, usize> = sizes.keys().copied().zip(0..).collect();
    let kinds: Vec<Vec<usize>> = kinds
        .iter()
        .map(|kinds| {
            kinds
                .iter()
                .filter_map(|kind| places.get(kind).copied())
                .collect()
        })
        .collect();
    let mut means = vec![0.0; sizes.len() * hidden];
    for (row, kinds) in rows.iter().zip(&kinds) {
        for &kind in kinds {
            let mean = &mut means[kind * hidden..][..hidden];
            mean.iter_mut()
                .zip(*row)
                .for_each(|(sum, x)| *sum += f64::from(*x));
        }
    }
    for (mean, size) in means.chunks_exact_mut(hidden).zip(sizes.values()) {
        mean.iter_mut().for_each(|sum| *sum /= *size as f64);
    }
    (means, kinds)
}

fn difference(row: &[f32], mean: &[f64]) -> Vec<f64> {
    row.iter()
        .zip(mean)
        .map(|(x, mean)| f64::from(*x) - mean)
        .collect()
}

fn square(x: &[f64]) -> f64 {
    dot(x, x)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The covariance of rows of mean zero, `[hidden, hidden]`, drawn towards the same spread in all directions as far as
/// Ledoit and Wolf's estimate of its own error asks for. `None` when there is no spread.
fn shrunk(rows: &[Vec<f64>], hidden: usize) -> Option<Vec<f64>> {
    let (n, p) = (rows.len() as f64, hidden as f64);
    let columns: Vec<Vec<f64>> = (0..hidden)
        .map(|column| rows.iter().map(|row| row[column]).collect())
        .collect();
    let mut covariance = vec![0.0; hidden * hidden];
    covariance
        .par_chunks_exact_mut(hidden)
        .enumerate()
        .for_each(|(i, row)| {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = dot(&columns[i], &columns[j]) / n;
            }
        });
    let mean_variance = (0..hidden).map(|i| covariance[i * hidden + i]).sum::<f64>() / p;
    if mean_variance <= 0.0 || !mean_variance.is_finite() {
        return None;
    }
    let norm = square(&covariance);
    // Both as in the paper, times p: how far the covariance is from the target, and how uncertain it is itself.
    let spread = norm - p * mean_variance * mean_variance;
    let fourth = rows.iter().map(|row| square(row).powi(2)).sum::<f64>() / n;
    let error = ((fourth - norm) / n).clamp(0.0, spread.max(0.0));
    let shrinkage = if spread > 0.0 { error / spread } else { 1.0 };
    // A direction in which nothing varies at all must not be infinitely telling.
    let shrinkage = shrinkage.max(1e-4);
    for (place, entry) in covariance.iter_mut().enumerate() {
        let target = if place % (hidden + 1) == 0 {
            mean_variance
        } else {
            0.0
        };
        *entry = (1.0 - shrinkage) * *entry + shrinkage * target;
    }
    Some(covariance)
}

/// The lower triangle `L` with `L Lᵀ` the matrix; `None` when it is not positive definite.
fn cholesky(mut matrix: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    for i in 0..size {
        let (above, from_i) = matrix.split_at_mut(i * size);
        let row = &mut from_i[..size];
        for j in 0..i {
            let other = &above[j * size..][..size];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let rest = row[i] - square(&row[..i]);
        if rest <= 0.0 || !rest.is_finite() {
            return None;
        }
        row[i] = rest.sqrt();
        row[i + 1..].fill(0.0);
    }
    Some(matrix)
}

/// The inverse of a lower triangle.
fn inverse(lower: &[f64], size: usize) -> Vec<f64> {
    // Column by column, kept as rows while they grow.
    let columns: Vec<Vec<f64>> = (0..size)
        .into_par_iter()
        .map(|column| {
            let mut x = vec![0.0; size];
            x[column] = 1.0 / lower[column * size + column];
            for i in column + 1..size {
                let row = &lower[i * size..][..size];
                x[i] = -dot(&row[column..i], &x[column..i]) / row[i];
            }
            x
        })
        .collect();
    (0..size)
        .flat_map(|row| columns.iter().map(move |column| column[row]))
        .collect()
}

/// A lower triangle times features.
fn whiten(whitening: &[f32], features: &[f32]) -> Vec<f32> {
    let rows = whitening.chunks_exact(features.len()).enumerate();
    rows.map(|(i, row)| row[..=i].iter().zip(features).map(|(a, b)| a * b).sum())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows about two centres, stretched a hundredfold in the first direction.
    fn rows(count: usize, hidden: usize, seed: u64) -> (Vec<f32>, Vec<Vec<usize>>) {
        let classes: Vec<Vec<usize>> = (0..count).map(|text| vec![text % 2]).collect();
        let numbers = (0..count * hidden).map(|at| {
            let (text, column) = (at / hidden, at % hidden);
            let uniform = Key::new(seed).uniform(at as u64) - 0.5;
            let centre = if column == 1 { (text % 2) as f32 * 5.0 } else { 0.0 };
            centre + uniform as f32 * if column == 0 { 100.0 } else { 1.0 }
        });
        (numbers.collect(), classes)
    }

    fn slices(classes: &[Vec<usize>]) -> Vec<&[usize]> {
        classes.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn distance_counts_by_how_far_familiar_texts_spread() {
        let hidden = 4;
        let (learned, classes) = rows(400, hidden, 1);
        let found = Familiarity::of(&learned, hidden, &slices(&classes)).unwrap();
        let (held_out, _) = rows(200, hidden, 2);
        let distances: Vec<f64> = held_out
            .chunks_exact(hidden)
            .map(|row| found.distance(row))
            .collect();
        let found = found.with_limit(&distances).unwrap();
        let outside = distances.iter().filter(|d| found.is_unfamiliar(**d)).count();
        assert_eq!(outside, 4, "two of a hundred");
        // Far in the direction that varies anyway, and less far in one that does not.
        assert!(!found.is_unfamiliar(found.distance(&[45.0, 0.0, 0.0, 0.0])));
        assert!(found.is_unfamiliar(found.distance(&[0.0, 0.0, 5.0, 0.0])));
        assert!(!found.is_unfamiliar(found.distance(&[0.0, 5.0, 0.0, 0.0])));
        assert!(
            found.is_unfamiliar(found.distance(&[0.0, 2.5, 0.0, 0.0])),
            "between both"
        );
    }

    #[test]
    fn the_shrinkage_is_scikit_learns() {
        // sklearn.covariance.ledoit_wolf(X, assume_centered=True), scikit-learn 1.9.1.
        let x = [[1.0, 2.0], [-1.0, 0.5], [2.0, 1.0], [-2.0, -3.5]];
        let rows: Vec<Vec<f64>> = x.iter().map(|row| row.to_vec()).collect();
        let found = shrunk(&rows, 2).unwrap();
        let expected = [3.099_311_84, 0.946_926_85, 0.946_926_85, 3.775_688_16];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-8, "{found} {expected}");
        }
    }

    #[test]
    fn few_texts_of_many_numbers_are_enough_and_too_few_are_not() {
        let hidden = 64;
        let (learned, classes) = rows(40, hidden, 3);
        let found = Familiarity::of(&learned, hidden, &slices(&classes)).unwrap();
        assert!(found.distance(&[9.0; 64]).is_finite());
        assert!(found.clone().with_limit(&[1.0; 19]).is_none());
        assert!(Familiarity::of(&learned[..19 * hidden], hidden, &slices(&classes[..19])).is_none());
        assert!(Familiarity::of(&vec![1.0; 40 * hidden], hidden, &slices(&classes)).is_none());
    }

    #[test]
    fn texts_with_several_labels_or_none_have_their_place() {
        let (learned, _) = rows(60, 4, 5);
        let classes: Vec<Vec<usize>> = (0..60)
            .map(|text| match text % 3 {
                0 => vec![],
                1 => vec![0, 7],
                _ => vec![7],
            })
            .collect();
        let found = Familiarity::of(&learned, 4, &slices(&classes)).unwrap();
        assert_eq!(found.means.len(), 3 * 4);
    }

    #[test]
    fn rare_classes_are_looked_at_and_no_single_text_is_kept() {
        let mut classes: Vec<Vec<usize>> = (0..9000).map(|_| vec![0]).collect();
        classes.extend([vec![1], vec![2], vec![2], vec![3], vec![4]]);
        let drawn = drawn(&slices(&classes), 1);
        assert_eq!(drawn.len(), MOST);
        assert!((9000..9005).all(|text| drawn.contains(&text)));
        // Each alone would be a text's own features; together they are five.
        let (learned, _) = rows(40, 4, 6);
        let mut few: Vec<Vec<usize>> = (0..35).map(|_| vec![0]).collect();
        few.extend([vec![1], vec![2], vec![3], vec![4]]);
        let kinds = |classes: &[Vec<usize>]| {
            let texts = classes.len();
            let found = Familiarity::of(&learned[..texts * 4], 4, &slices(classes)).unwrap();
            found.means.len() / 4
        };
        assert_eq!(kinds(&few), 1, "four are too few");
        few.push(vec![5]);
        assert_eq!(kinds(&few), 2);
    }

    #[test]
    fn it_is_read_as_it_was_written_and_damage_is_told() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(Familiarity::load(place.path(), 4).unwrap(), None);
        let (learned, classes) = rows(60, 4, 4);
        let found = Familiarity::of(&learned, 4, &slices(&classes)).unwrap();
        let found = found.with_limit(&[2.0; 30]).unwrap();
        found.save(place.path()).unwrap();
        assert_eq!(Familiarity::load(place.path(), 4).unwrap(), Some(found));
        assert!(Familiarity::load(place.path(), 5).is_err());
        let path = place.path().join(FILE);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(Familiarity::load(place.path(), 4).is_err());
    }
}
