//! Any bytes as `tokenizer.json` of an otherwise sound model: accepted or refused, never a panic, also not when it reads.
#![no_main]

#[path = "model.rs"]
mod model;

// libFuzzer ends at every panic; those of `tokenizers` are caught and answered. One that is not caught still ends it.
libfuzzer_sys::fuzz_target!(init: drop(std::panic::take_hook()), |bytes: &[u8]| model::check(&[("tokenizer.json", bytes)]));
