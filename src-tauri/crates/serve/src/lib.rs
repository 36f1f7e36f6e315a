//! Answers over HTTP for the firm's own programs, on this machine only.
//!
//! In: texts as JSON, from a program that knows the token. Out: whatever the [`Answerer`] says about each. It listens
//! on the loopback addresses alone, never opens a connection, and knows no models: whoever starts it brings the
//! answers and the words for what goes wrong. Every limit is a constant of [`limits`].

mod fault;
pub mod limits;
mod queue;
mod request;
mod server;
mod token;

pub use fault::{Fault, Told};
pub use queue::Answerer;
pub use server::{Server, Words, run};
pub use token::Token;
