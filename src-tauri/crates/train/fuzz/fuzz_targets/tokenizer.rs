//! Any bytes as `tokenizer.json` of an otherwise sound model: accepted or refused, never a panic, also not when it reads.
#![no_main]

#[path = "model.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::check(&[("tokenizer.json", bytes)]));
