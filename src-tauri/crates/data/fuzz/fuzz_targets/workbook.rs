#![no_main]

mod reading;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let names = ["a.xlsx", "a.xls", "a.ods", "a.xlsb"];
    if let Some((first, bytes)) = data.split_first() {
        reading::read(names[*first as usize % names.len()], bytes);
    }
});
