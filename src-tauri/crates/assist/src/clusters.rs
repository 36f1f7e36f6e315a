//! Texts in groups by meaning: spherical k-means (Dhillon & Modha 2001) with weights, begun by k-means++ (Arthur &
//! Vassilvitskii 2007).

use understudy_eval::random::Stream;

use crate::vectors::{Vectors, normalise};

const ROUNDS: usize = 12;

/// Groups of texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// The group of each text.
    pub of: Vec<usize>,
    /// The cosine of each text with the centre of its group.
    pub nearness: Vec<f32>,
    /// How many groups there are: at most as many as asked for.
    pub count: usize,
    /// The centre of each group, `[count, dimensions]`, each of length one.
    pub centres: Vec<f32>,
}

impl Clusters {
    /// The group of each of some other texts: that of the nearest centre.
    ///
    /// # Panics
    /// When there are no groups, or their vectors have another length.
    pub fn nearest(&self, vectors: Vectors) -> Vec<usize> {
        assign(vectors, self.centres.clone(), self.count).of
    }
}

/// Divides texts into at most `count` groups; texts with more weight draw a centre more strongly.
///
/// # Panics
/// When there are not as many weights as texts.
pub fn clusters(vectors: Vectors, weights: &[f32], count: usize, seed: u64) -> Clusters {
    assert_eq!(vectors.len(), weights.len(), "a weight for each text");
    let dimensions = vectors.dimensions();
    let mut centres = first_centres(vectors, weights, count.min(vectors.len()), seed);
    let count = centres.len().checked_div(dimensions).unwrap_or_default();
    let mut found = assign(vectors, centres.clone(), count);
    for _ in 0..ROUNDS {
        let mut moved = vec![0.0; centres.len()];
        for (text, cluster) in found.of.iter().enumerate() {
            let centre = &mut moved[cluster * dimensions..][..dimensions];
            let row = vectors.row(text);
            centre
                .iter_mut()
                .zip(row)
                .for_each(|(c, x)| *c += weights[text] * x);
        }
        for (centre, before) in moved
            .chunks_exact_mut(dimensions)
            .zip(centres.chunks_exact(dimensions))
        {
            // A group that lost all its texts keeps its place.
            if centre.iter().all(|x| *x == 0.0) {
                centre.copy_from_slice(before);
            }
            normalise(centre);
        }
        centres = moved;
        let next = assign(vectors, centres.clone(), count);
        let settled = next.of == found.of;
        found = next;
        if settled {
            break;
        }
    }
    found
}

/// Each centre is a text, drawn with a probability that grows with its distance from those before.
fn first_centres(vectors: Vectors, weights: &[f32], count: usize, seed: u64) -> Vec<f32> {
    const PARTS: usize = 1 << 30;
    let stream = Stream::new(seed, 1);
    let mut centres: Vec<f32> = Vec::new();
    let mut distance: Vec<f64> = weights.iter().map(|w| f64::from(w.max(1e-6))).collect();
    for drawn in 0..count {
        let total: f64 = distance.iter().sum();
        if total <= 0.0 {
            break;
        }
        let mut left = total * stream.below(drawn as u64, PARTS) as f64 / PARTS as f64;
        let chosen = distance.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        let Some(chosen) = chosen.or_else(|| distance.iter().rposition(|share| *share > 0.0)) else {
            break;
        };
        let centre = vectors.row(chosen);
        centres.extend_from_slice(centre);
        for (text, cosine) in vectors
            .cosines(Vectors::new(centre, vectors.dimensions()))
            .into_iter()
            .enumerate()
        {
            // Cosines of one text with itself are off by rounding.
            let apart = f64::from((1.0 - cosine).max(0.0));
            let apart = if apart < 1e-6 { 0.0 } else { apart };
            let own = apart * f64::from(weights[text].max(1e-6));
            distance[text] = if drawn == 0 { own } else { distance[text].min(own) };
        }
    }
    centres
}

fn assign(vectors: Vectors, centres: Vec<f32>, count: usize) -> Clusters {
    let mut found = Clusters {
        of: Vec::with_capacity(vectors.len()),
        nearness: Vec::with_capacity(vectors.len()),
        count,
        centres,
    };
    if count == 0 {
        return found;
    }
    let cosines = vectors.cosines(Vectors::new(&found.centres, vectors.dimensions()));
    for row in cosines.chunks_exact(count) {
        let nearest = understudy_eval::most_probable(row);
        found.of.push(nearest);
        found.nearness.push(row[nearest]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Blobs;

    #[test]
    fn texts_that_mean_the_same_are_together() {
        let blobs = Blobs::new(60, 3, 0.2, 1);
        let found = clusters(blobs.vectors(), &[1.0; 60], 3, 0);
        assert_eq!(found.count, 3);
        for (text, label) in blobs.labels.iter().enumerate() {
            assert_eq!(
                found.of[text], found.of[*label],
                "the first three texts are of three classes"
            );
        }
        assert!(found.nearness.iter().all(|cosine| *cosine > 0.8));
        assert_eq!(found.nearest(blobs.vectors()), found.of);
        assert_eq!(clusters(blobs.vectors(), &[1.0; 60], 3, 0), found);
    }

    #[test]
    fn there_are_never_more_groups_than_different_texts() {
        let same = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
        let found = clusters(Vectors::new(&same, 2), &[1.0; 3], 3, 0);
        assert_eq!(found.count, 2);
        assert_eq!(found.of[0], found.of[1]);
        assert_eq!(clusters(Vectors::new(&[], 2), &[], 3, 0).count, 0);
    }
}
