//! What can be wrong with the numbers handed to the judge.

/// Why [`scores`](crate::scores) could not judge. Rows count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// There is nothing to judge.
    #[error("no examples")]
    NoExamples,
    /// There are no labels to tell apart.
    #[error("no labels")]
    NoLabels,
    /// The probabilities do not have the shape `[examples, labels]`.
    #[error("{values} probabilities for {examples} examples of {labels} labels")]
    Shape {
        /// Examples, by the gold labels.
        examples: usize,
        /// Labels.
        labels: usize,
        /// Probabilities given.
        values: usize,
    },
    /// A gold label is not in the list of labels.
    #[error("gold label {gold} in row {row}, but there are {labels} labels")]
    GoldOutOfRange {
        /// Row of the example.
        row: usize,
        /// Its gold label.
        gold: usize,
        /// Labels.
        labels: usize,
    },
    /// The commonest label is not in the list of labels.
    #[error("majority label {majority}, but there are {labels} labels")]
    MajorityOutOfRange {
        /// The commonest label of the training part.
        majority: usize,
        /// Labels.
        labels: usize,
    },
    /// A value that is no probability: not a number, below 0 or above 1. Logits end here.
    #[error("{value} in row {row}, column {column} is not a probability")]
    NotAProbability {
        /// Row of the example.
        row: usize,
        /// Column, that is, label.
        column: usize,
        /// The value.
        value: f32,
    },
}
