//! Help while labelling, by what a frozen encoder makes of the texts: numbers in, facts out.
//!
//! - [`vectors`]: texts as rows of numbers of length one, and how near they are to each other.
//! - [`head`]: a linear model on them, with calibrated probabilities, learnt in a second or two from some thousand texts.
//! - [`doubts`]: labels that are probably wrong (confident learning).
//! - [`order`]: which texts are worth labelling next (uncertainty with diversity).
//! - [`clusters`]: texts in groups by meaning.
//! - [`keywords`]: what texts of a group say that others do not.
//! - [`forecast`]: what more labels would bring (a learning curve with its uncertainty).
//! - [`agreement`]: how far several people agree.
//!
//! **Architecture Invariant:** plain data in, plain data out. No file, no project, no language. The same input gives the
//! same output: everything random is a function of a seed.

pub mod agreement;
pub mod clusters;
pub mod doubts;
pub mod forecast;
pub mod head;
pub mod keywords;
pub mod order;
pub mod vectors;

#[cfg(test)]
mod testing;

pub use clusters::{Clusters, clusters};
pub use doubts::{Doubt, doubts};
pub use forecast::{Forecast, forecast};
pub use head::{Gold, Head, Learnt, learn};
pub use keywords::keywords;
pub use order::{begins_with_typical, typical, uncertain_and_spread, uncertainty};
pub use vectors::Vectors;
