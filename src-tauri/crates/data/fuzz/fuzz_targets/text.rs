#![no_main]

mod reading;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let names = ["a.csv", "a.txt", "a.tsv", "a.json", "a.jsonl"];
    if let Some((first, bytes)) = data.split_first() {
        reading::read(names[*first as usize % names.len()], bytes);
    }
});
