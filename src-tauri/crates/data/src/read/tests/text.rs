//! Text that is a table, and text that is none.

use crate::read::making::{Place, look, names};
use crate::read::preview;
use crate::types::{DialectOverrides, Format, MixedEncoding};

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

/// Rows of UTF-8, and after them some of GBK.
fn mixed(rows: &[&str], foreign: &[&str]) -> Vec<u8> {
    let foreign = foreign
        .iter()
        .flat_map(|row| encoding_rs::GBK.encode(row).0.into_owned());
    rows.iter().flat_map(|row| row.bytes()).chain(foreign).collect()
}

#[test]
fn rows_in_another_encoding_are_read_and_named_in_every_kind_of_text() {
    let told = |name: &str, bytes: &[u8]| {
        let seen = look(name, bytes).unwrap();
        assert_eq!(seen.dialect.encoding, "UTF-8", "{name}");
        let last = seen.rows.last().unwrap().join("|");
        assert!(last.contains("押金不予退还给承租人"), "{name}: {last}");
        seen.mixed
    };
    let gbk = |rows: &[u32]| MixedEncoding {
        encoding: Some("GBK".to_owned()),
        rows: rows.len() as u32,
        first_rows: rows.to_vec(),
        example: None,
    };
    let table = mixed(
        &["文本,类别\n", "双方协商解决,违约\n", "甲方承担责任,违约\n"],
        &["租赁合同的违约责任,违约\n", "押金不予退还给承租人,押金\n"],
    );
    assert_eq!(told("a.csv", &table), [gbk(&[4, 5])]);
    let lines = mixed(&["双方协商解决\n", "甲方承担责任\n"], &["押金不予退还给承租人\n"]);
    assert_eq!(told("a.txt", &lines), [gbk(&[3])]);
    let objects = mixed(
        &["{\"text\":\"双方协商解决\"}\n", "{\"text\":\"甲方承担责任\"}\n"],
        &["{\"text\":\"押金不予退还给承租人\"}\n"],
    );
    assert_eq!(told("a.jsonl", &objects), [gbk(&[3])]);
    let list = mixed(
        &[
            "[{\"text\":\"双方协商解决\"},\n",
            "{\"text\":\"甲方承担责任\"},\n",
        ],
        &["{\"text\":\"押金不予退还给承租人\"}]\n"],
    );
    assert_eq!(told("a.json", &list), [gbk(&[3])]);
}

#[test]
fn a_row_of_names_in_another_encoding_is_named_too() {
    let (header, _, _) = encoding_rs::GBK.encode("租赁合同文本,合同类别\n");
    let rows = "双方协商解决,违约\n甲方承担责任,违约\n";
    let seen = look("a.csv", &[&header, rows.as_bytes()].concat()).unwrap();
    assert_eq!(names(&seen), ["租赁合同文本", "合同类别"]);
    assert_eq!(seen.mixed[0].first_rows, [1]);
}
