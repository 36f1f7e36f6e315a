//! Texts as rows of numbers.

use understudy_nn::Precision;
use understudy_nn::kernels::matmul::{Threads, View, ViewMut, matmul};

/// Rows of one length, end to end: `[texts, dimensions]`, each of Euclidean length one (or zero: a text without words).
#[derive(Debug, Clone, Copy)]
pub struct Vectors<'a> {
    values: &'a [f32],
    dimensions: usize,
}

impl<'a> Vectors<'a> {
    /// What is left over of `values` is not looked at.
    pub fn new(values: &'a [f32], dimensions: usize) -> Self {
        Vectors { values, dimensions }
    }

    /// Number of texts.
    pub fn len(self) -> usize {
        self.values.len().checked_div(self.dimensions).unwrap_or_default()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Numbers of a text.
    pub fn dimensions(self) -> usize {
        self.dimensions
    }

    /// All numbers, `[texts, dimensions]`.
    pub fn numbers(self) -> &'a [f32] {
        self.values
    }

    /// One text's numbers.
    ///
    /// # Panics
    /// When there is no such text.
    pub fn row(self, text: usize) -> &'a [f32] {
        &self.values[text * self.dimensions..][..self.dimensions]
    }

    /// Some of the texts, in the order asked for.
    ///
    /// # Panics
    /// When there is no such text.
    pub fn select(self, texts: &[usize]) -> Vec<f32> {
        let mut found = Vec::with_capacity(texts.len() * self.dimensions);
        texts
            .iter()
            .for_each(|text| found.extend_from_slice(self.row(*text)));
        found
    }

    /// Cosines of all texts with all of `others`, `[texts, others]`.
    pub fn cosines(self, others: Vectors) -> Vec<f32> {
        let mut found = vec![0.0; self.len() * others.len()];
        product(
            self.view(),
            others.view().t(),
            ViewMut::dense(&mut found, self.len(), others.len()),
        );
        found
    }

    pub(crate) fn view(self) -> View<'a> {
        View::dense(self.values, self.len(), self.dimensions)
    }
}

/// `out = a b`.
pub(crate) fn product(a: View, b: View, out: ViewMut) {
    matmul(a, b, out, false, Threads::All, Precision::F32);
}

/// Makes a row's length one; a row of zeros stays.
pub fn normalise(row: &mut [f32]) {
    let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|x| *x /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_those_of_the_rows() {
        let a = [1.0, 0.0, 0.6, 0.8];
        let b = [0.0, 1.0];
        let (a, b) = (Vectors::new(&a, 2), Vectors::new(&b, 2));
        assert_eq!(a.cosines(b), [0.0, 0.8]);
        assert_eq!((a.len(), Vectors::new(&[], 2).len()), (2, 0));
        assert_eq!(a.select(&[1, 0]), [0.6, 0.8, 1.0, 0.0]);
    }

    #[test]
    fn a_row_of_zeros_stays_one() {
        let (mut none, mut some) = ([0.0, 0.0], [3.0, 4.0]);
        normalise(&mut none);
        normalise(&mut some);
        assert_eq!((none, some), ([0.0, 0.0], [0.6, 0.8]));
    }
}
