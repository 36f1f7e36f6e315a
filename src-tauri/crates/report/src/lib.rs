//! Telling an expert what a trained classifier can do: a run's plain facts ([`ReportInput`]) in,
//! [`sentences`], [`figures`] and one self-contained [`html`] file out, in English or Chinese.
//!
//! **Architecture Invariant:** this crate opens no file and no connection and computes no score; it
//! gets everything handed and returns text. Every word comes from a [`Catalogue`], and what it
//! returns refers to nothing outside itself.

mod error;
pub mod figures;
mod html;
mod input;
mod judgement;
mod messages;
mod numbers;
#[cfg(test)]
mod sample;
mod words;

pub use error::ReportError;
pub use html::html;
pub use input::{FileHash, LossCurve, ModelFacts, Part, PartCount, ReportInput, Setting, WrongAnswer};
pub use messages::{Catalogue, Language};
pub use words::sentences;
