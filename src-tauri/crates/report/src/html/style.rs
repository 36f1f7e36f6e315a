//! The style sheet: the written one, plus the colours that figures exchange in a dark window.

use std::fmt::Write;

use crate::figures::palette;

/// The whole style sheet.
pub fn sheet() -> String {
    let mut sheet = include_str!("report.css").to_owned();
    sheet.push_str("@media screen and (prefers-color-scheme: dark) {\n");
    for colour in palette::all() {
        let (light, dark) = (palette::hex(colour.light), palette::hex(colour.dark));
        // A figure names its colours in attributes; a style wins over them.
        let _ = writeln!(
            sheet,
            "svg [fill=\"{light}\"]{{fill:{dark}}}svg [stroke=\"{light}\"]{{stroke:{dark}}}"
        );
    }
    sheet.push_str("}\n");
    sheet
}
