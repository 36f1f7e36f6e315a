//! Any bytes as `config.json` of an otherwise sound model: accepted or refused, never a panic or all the memory.
#![no_main]

#[path = "model.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::check(&[("config.json", bytes)]));
