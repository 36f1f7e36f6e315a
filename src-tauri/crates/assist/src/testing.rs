//! Texts for tests, as numbers.

use understudy_eval::random::Stream;

use crate::vectors::{Vectors, normalise};

/// Vectors scattered around one centre a class.
pub(crate) struct Blobs {
    pub(crate) labels: Vec<usize>,
    values: Vec<f32>,
}

impl Blobs {
    pub(crate) const DIMENSIONS: usize = 8;

    /// `texts` of `classes` in turn, `scatter` as wide as their centres are far apart. The centres are the same for all
    /// seeds.
    pub(crate) fn new(texts: usize, classes: usize, scatter: f32, seed: u64) -> Self {
        let labels: Vec<usize> = (0..texts).map(|text| text % classes).collect();
        let mut values = Vec::new();
        for (text, class) in labels.iter().enumerate() {
            let stream = Stream::new(seed, text as u64);
            let mut row: Vec<f32> = (0..Self::DIMENSIONS)
                .map(|i| {
                    // Near enough to a normal distribution.
                    let draws =
                        (0..4).map(|d| stream.below((i * 4 + d) as u64, 1_000) as f32 / 1_000.0 - 0.5);
                    let centre = if i == *class { 1.0 } else { 0.0 };
                    centre + scatter * draws.sum::<f32>()
                })
                .collect();
            normalise(&mut row);
            values.extend(row);
        }
        Blobs { labels, values }
    }

    pub(crate) fn vectors(&self) -> Vectors<'_> {
        Vectors::new(&self.values, Self::DIMENSIONS)
    }
}

/// One label a text.
pub(crate) fn each(labels: &[usize]) -> Vec<&[usize]> {
    labels.iter().map(std::slice::from_ref).collect()
}
