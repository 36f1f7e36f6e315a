#![no_main]
//! Any text through every rule: no panic, and what is left is text.

use understudy_data::{Pipeline, TextRule};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let rules = TextRule::every(vec![]);
    for rule in &rules {
        if let Some(changed) = Pipeline::new(std::slice::from_ref(rule)).apply(text) {
            assert_ne!(changed, text);
        }
    }
    Pipeline::new(&rules).apply(text);
});
