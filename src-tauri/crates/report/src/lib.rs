//! Telling an expert what a trained classifier can do: a run's plain facts ([`ReportInput`]) in,
//! [`sentences`], [`figures`] and one self-contained [`html`] or [`pdf()`] file out, in English or Chinese.
//!
//! **Architecture Invariant:** this crate opens no file and no connection and computes no score; it
//! gets everything handed, fonts too, and returns text or bytes. Every word comes from a [`Catalogue`], and what it
//! returns refers to nothing outside itself.

mod card;
mod decision;
mod error;
pub mod figures;
mod html;
mod input;
mod judgement;
mod messages;
mod numbers;
mod pdf;
#[cfg(test)]
mod sample;
mod words;

pub use card::model_card;
pub use error::ReportError;
pub use html::html;
pub use input::{
    ExplanationCheck, ExplanationFacts, FileHash, Holding, LossCurve, ModelFacts, Part, PartCount,
    ReportInput, ReviewFacts, Setting, UnfamiliarFacts, WrongAnswer,
};
pub use messages::{Catalogue, Language};
pub use pdf::{FontFace, Fonts, pdf};
pub use words::sentences;
