//! What Understudy does, without a window: the use cases that the shell and the command line share.
//!
//! [`Session`] is one open project; everything that takes longer than a moment is a [`job`] in a [`worker`] process of
//! its own, started and watched by a [`supervisor`]. What crosses to the window is plain data ([`view`]), every
//! failure becomes a sentence in the user's language ([`error`]). Nothing here knows Tauri or command-line flags.

pub mod assist;
pub mod cross_validation;
pub mod demo;
pub mod error;
pub mod explanation;
pub mod export;
pub mod files;
mod fonts;
pub mod job;
pub mod judgement;
pub mod models;
pub mod network;
pub mod people;
mod planning;
pub mod prediction;
pub mod received;
pub mod report;
pub mod results;
pub mod runs;
pub mod samples;
pub mod scheme;
pub mod serving;
pub mod session;
pub mod settings;
pub mod supervisor;
pub mod training;
pub mod verification;
pub mod view;
pub mod words;
pub mod worker;
pub mod wrong;

pub use error::{EngineError, Problem, Result, UserError};
pub use session::Session;
pub use understudy_report::Language;
