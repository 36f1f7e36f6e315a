//! Text that is a table, and text that is none.

use crate::read::making::{Place, look, names};
use crate::read::preview;
use crate::types::{DialectOverrides, Format};

#[test]
fn a_txt_file_that_is_no_table_has_a_text_a_line() {
    let seen = look("a.txt", b"Well, yes.\n\"No, never.\n\nOf course, sir.\n").unwrap();
    assert_eq!(seen.dialect.format, Format::Lines);
    assert_eq!((names(&seen), seen.rows.len()), (vec!["text"], 3));
    assert_eq!(seen.rows[1], ["\"No, never."]);
    let table = look("a.txt", b"text\tlabel\na, b\tx\nc, d\ty\n").unwrap();
    assert_eq!(table.dialect.format, Format::Delimited);
}

#[test]
fn the_user_decides_whether_lines_are_cut_and_at_what() {
    let place = Place::new();
    let path = place.file("a.csv", b"text#label\na, b#x\nc#y\n");
    let with = |delimiter: &str, header| {
        let given = DialectOverrides {
            delimiter: Some(delimiter.to_owned()),
            header,
            ..DialectOverrides::default()
        };
        preview(&path, &given, 5).unwrap()
    };
    assert_eq!(names(&with("#", None)), ["text", "label"]);
    let lines = with("", None);
    assert_eq!((lines.dialect.format, lines.rows.len()), (Format::Lines, 3));
    let named = with("", Some(true));
    assert_eq!((names(&named), named.rows.len()), (vec!["text#label"], 2));
}
