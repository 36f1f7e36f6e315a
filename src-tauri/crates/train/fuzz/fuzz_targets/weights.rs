//! Any bytes as `model.safetensors` of an otherwise sound model: accepted or refused, never a panic.
#![no_main]

#[path = "model.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::check(&[("model.safetensors", bytes)]));
