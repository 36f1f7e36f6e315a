#![no_main]
//! Any text through every rule: no panic, and what is left is text.

use understudy_data::{PersonalKind, Pipeline, TextRule};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let rules = [
        TextRule::Mojibake,
        TextRule::Markup,
        TextRule::ControlCharacters,
        TextRule::Width,
        TextRule::Compatibility,
        TextRule::Simplified,
        TextRule::MaskUrls,
        TextRule::MaskEmails,
        TextRule::Deidentify { kinds: PersonalKind::ALL.to_vec() },
        TextRule::MaskNumbers,
        TextRule::Symbols,
        TextRule::Lowercase,
        TextRule::Whitespace,
    ];
    for rule in &rules {
        if let Some(changed) = Pipeline::new(std::slice::from_ref(rule)).apply(text) {
            assert_ne!(changed, text);
        }
    }
    Pipeline::new(&rules).apply(text);
});
