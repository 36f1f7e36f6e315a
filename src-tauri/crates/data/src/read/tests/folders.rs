//! Folders of text files.

use crate::error::DataError;
use crate::read::making::{Place, names};
use crate::read::{Extent, FileRow, Record, Rows, Table, preview};
use crate::types::{ColumnRole, DialectOverrides, Format, ProblemKind};

fn none() -> DialectOverrides {
    DialectOverrides::default()
}

#[test]
fn every_text_file_is_a_row_and_its_sub_folder_a_label() {
    let place = Place::new();
    place.file("neg/1.txt", b"bad film\n");
    place.file("pos/1.TXT", "\u{feff}good\nfilm".as_bytes());
    place.file("pos/readme.md", b"x");
    place.file(".hidden/1.txt", b"x");
    let seen = preview(&place.path(""), &none(), 50).unwrap();
    assert_eq!(seen.dialect.format, Format::Folder);
    assert_eq!(names(&seen), ["text", "file", "folder"]);
    assert_eq!(
        seen.rows,
        [["bad film", "1.txt", "neg"], ["good\nfilm", "1.TXT", "pos"]]
    );
    let roles: Vec<ColumnRole> = seen.columns.iter().map(|column| column.role).collect();
    assert_eq!(roles, [ColumnRole::Text, ColumnRole::Id, ColumnRole::Label]);
    assert_eq!(seen.other_files, 1);
}

#[test]
fn a_flat_folder_has_no_labels() {
    let place = Place::new();
    place.file("b.txt", b"two");
    place.file("a.txt", b"one");
    let seen = preview(&place.path(""), &none(), 50).unwrap();
    assert_eq!((names(&seen), seen.rows.len()), (vec!["text", "file"], 2));
    assert_eq!(seen.rows[0], ["one", "a.txt"]);
}

#[test]
fn files_of_different_encodings_lie_side_by_side() {
    let place = Place::new();
    let (gbk, _, _) = encoding_rs::GBK.encode("房间很干净，服务员态度也不错，下次还会入住");
    place.file("1.txt", &gbk);
    place.file("2.txt", "合同".as_bytes());
    let seen = preview(&place.path(""), &none(), 50).unwrap();
    assert_eq!(seen.rows[0][0], "房间很干净，服务员态度也不错，下次还会入住");
    assert_eq!(seen.rows[1][0], "合同");
}

#[test]
fn a_file_that_is_no_text_is_put_aside() {
    let place = Place::new();
    place.file("a.txt", b"one");
    place.file("b.txt", b"\0\x01\x02");
    let all: Vec<FileRow> = Rows::open(&place.path(""), &none())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(matches!(&all[1], FileRow::Problem(problem)
        if problem.kind == ProblemKind::NotText && problem.raw.ends_with("b.txt")));
}

#[test]
fn a_folder_without_texts_says_so() {
    let place = Place::new();
    place.file("a.md", b"x");
    assert!(matches!(
        preview(&place.path(""), &none(), 5),
        Err(DataError::NoTextFiles { other_files: 1, .. })
    ));
}

#[test]
fn the_hash_covers_names_and_contents() {
    let hash = |files: &[(&str, &[u8])]| {
        let place = Place::new();
        for (name, bytes) in files {
            place.file(name, bytes);
        }
        let mut table = Table::open(&place.path(""), &none(), Extent::Whole, &mut || true).unwrap();
        let mut record = Record::default();
        while table.next(&mut record).unwrap() {}
        table.sha256()
    };
    let first = hash(&[("a.txt", b"1"), ("b.txt", b"2")]);
    assert_eq!(first, hash(&[("b.txt", b"2"), ("a.txt", b"1")]));
    assert_ne!(first, hash(&[("a.txt", b"2"), ("b.txt", b"1")]));
    assert_ne!(first, hash(&[("a.txt", b"1"), ("c.txt", b"2")]));
}
