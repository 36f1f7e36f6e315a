//! Files in gzip files and zip archives.

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::{DataError, NotATable};
use crate::read::making::{Place, choose, gz, look, names, rows, sheet, xlsx, zip};
use crate::read::{Extent, Record, Table};
use crate::text::hex;
use crate::types::{DialectOverrides, Format};

const CSV: &[u8] = b"text,label\na b,x\nc d,y\n";

#[test]
fn a_gzip_file_reads_as_what_is_in_it() {
    let seen = look("a.csv.gz", &gz(CSV)).unwrap();
    assert_eq!((names(&seen), seen.rows.len()), (vec!["text", "label"], 2));
    let lines = look("a.jsonl.gz", &gz(b"{\"text\": \"a\"}\n{\"text\": \"b\"}\n")).unwrap();
    assert_eq!(lines.dialect.format, Format::JsonLines);
    let prose = look("a.txt.gz", &gz(b"one\ntwo, three\n")).unwrap();
    assert_eq!(prose.dialect.format, Format::Lines);
    let book = look("a.gz", &gz(&xlsx(&[("S", &sheet(&[&["text"], &["a"]]))]))).unwrap();
    assert_eq!(book.dialect.format, Format::Workbook);
}

#[test]
fn gzip_files_joined_end_to_end_are_one() {
    let joined = [gz(b"text,label\na b,x\n"), gz(b"c d,y\n")].concat();
    assert_eq!(look("a.csv.gz", &joined).unwrap().rows.len(), 2);
}

#[test]
fn an_archive_with_one_table_is_that_table() {
    let archive = zip(&[
        ("data/", b""),
        ("data/a.csv", CSV),
        ("README.md", b"about"),
        ("__MACOSX/._a.csv", b"x"),
    ]);
    let seen = look("a.zip", &archive).unwrap();
    assert_eq!((seen.rows.len(), seen.sheets.len()), (2, 0));
    let book = zip(&[(
        "b.xlsx",
        &xlsx(&[
            ("One", &sheet(&[&["text"], &["a"]])),
            ("Two", &sheet(&[&["t"], &["b"]])),
        ]),
    )]);
    assert_eq!(look("b.zip", &book).unwrap().sheets, ["One", "Two"]);
    assert_eq!(choose("b.zip", &book, Some("Two")).unwrap().rows, [["b"]]);
}

#[test]
fn several_tables_in_an_archive_are_a_choice() {
    let archive = zip(&[
        ("train.csv", CSV),
        ("test.jsonl", b"{\"text\": \"q\"}\n"),
        ("notes.md", b"x"),
    ]);
    let seen = look("a.zip", &archive).unwrap();
    assert_eq!(seen.sheets, ["train.csv", "test.jsonl"]);
    assert_eq!(seen.dialect.sheet.as_deref(), Some("train.csv"));
    assert_eq!(
        choose("a.zip", &archive, Some("test.jsonl")).unwrap().rows,
        [["q"]]
    );
    assert!(matches!(
        choose("a.zip", &archive, Some("x")),
        Err(DataError::UnknownSheet { .. })
    ));
}

#[test]
fn an_archive_of_a_folder_of_texts_is_that_folder() {
    let texts: [(&str, &[u8]); 6] = [
        ("z/", b""),
        ("z/pos/2.txt", "\u{feff}good\nfilm".as_bytes()),
        ("z/neg/1.txt", b"bad film\n"),
        ("z/neg/3.txt", b"\0\x01"),
        ("z/README.md", b"about"),
        ("__MACOSX/z/pos/._2.txt", b"x"),
    ];
    let archive = zip(&texts);
    let seen = look("a.zip", &archive).unwrap();
    assert_eq!(seen.dialect.format, Format::Folder);
    assert_eq!(names(&seen), ["text", "file", "folder"]);
    assert_eq!(
        seen.rows,
        [["bad film", "1.txt", "neg"], ["good\nfilm", "2.txt", "pos"]]
    );
    assert_eq!(seen.problems[0].raw, "z/neg/3.txt");
    assert_eq!((seen.sheets.len(), seen.other_files), (0, 1));
    // One of its files is had by its name all the same.
    let lines = choose("a.zip", &archive, Some("z/pos/2.txt")).unwrap();
    assert_eq!(lines.rows, [["good"], ["film"]]);
    let flat = zip(&[("a.txt", b"one"), ("b.txt", b"two"), ("c.txt", b"three\nlines\n")]);
    let seen = look("a.zip", &flat).unwrap();
    assert_eq!((names(&seen), seen.rows.len()), (vec!["text", "file"], 3));
    let two = zip(&[("train.txt", b"one\ntwo\n"), ("test.txt", b"three\n")]);
    assert_eq!(look("a.zip", &two).unwrap().sheets, ["train.txt", "test.txt"]);
}

#[test]
fn a_text_about_a_table_is_not_taken_for_it() {
    let archive = zip(&[
        ("README.txt", b"about\nit\n"),
        ("LICENSE.txt", b"x\n"),
        ("data.csv", CSV),
    ]);
    let seen = look("a.zip", &archive).unwrap();
    assert_eq!(seen.dialect.sheet.as_deref(), Some("data.csv"));
    assert_eq!(seen.sheets, ["README.txt", "LICENSE.txt", "data.csv"]);
}

#[test]
fn archives_without_a_table_are_refused() {
    for archive in [
        zip(&[]),
        zip(&[("a.md", b"x"), ("b.md", b"y")]),
        zip(&[("a.zip", &zip(&[("a.csv", CSV)]))]),
    ] {
        assert!(matches!(
            look("a.zip", &archive),
            Err(DataError::NotATable {
                why: NotATable::Archive,
                ..
            })
        ));
    }
    assert!(matches!(
        look("a.gz", &gz(&gz(CSV))),
        Err(DataError::NotATable {
            why: NotATable::Archive,
            ..
        })
    ));
    let mut tar = vec![0; 600];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(matches!(
        look("a.tar.gz", &gz(&tar)),
        Err(DataError::NotATable {
            why: NotATable::Archive,
            ..
        })
    ));
}

#[test]
fn a_cut_or_altered_file_is_told() {
    let long = "text,label\n".to_owned()
        + &(0..20_000)
            .map(|n| format!("text {n},{}\n", n % 7))
            .collect::<String>();
    let whole = gz(long.as_bytes());
    assert!(matches!(
        rows("a.csv.gz", &whole[..whole.len() / 2]),
        Err(DataError::DamagedFile { .. })
    ));
    let mut archive = zip(&[("a.csv", long.as_bytes())]);
    let sum = archive
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap()
        + 16;
    archive[sum] ^= 1;
    assert!(
        matches!(rows("a.zip", &archive), Err(DataError::DamagedFile { reason, .. }) if reason == "wrong checksum")
    );
}

#[test]
fn a_bomb_is_stopped() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let line = format!("text,{}\n", "a".repeat(1_000_000));
    for _ in 0..1_100 {
        std::io::Write::write_all(&mut encoder, line.as_bytes()).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 3_000_000);
    assert!(matches!(
        rows("a.csv.gz", &bomb),
        Err(DataError::UnpacksTooLarge {
            limit_bytes: 1_000_000_000,
            ..
        })
    ));
}

#[test]
fn the_hash_is_that_of_the_file_on_disk_whatever_is_in_it() {
    let place = Place::new();
    for (name, bytes) in [
        ("a.csv", CSV.to_vec()),
        ("a.csv.gz", gz(CSV)),
        ("a.zip", zip(&[("a.csv", CSV)])),
        (
            "b.zip",
            zip(&[("a/1.txt", b"a"), ("a/2.txt", b"b"), ("b/3.txt", b"c")]),
        ),
        ("a.xlsx", xlsx(&[("S", &sheet(&[&["text"], &["a"]]))])),
        ("a.jsonl", b"{\"text\": \"a\"}".to_vec()),
    ] {
        let path = place.file(name, &bytes);
        let mut table =
            Table::open(&path, &DialectOverrides::default(), Extent::Whole, &mut || true).unwrap();
        let mut record = Record::default();
        while table.next(&mut record).unwrap() {}
        assert_eq!(table.sha256(), hex(&Sha256::digest(&bytes)), "{name}");
        assert_eq!(table.bytes_read(), bytes.len() as u64, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_broken_archive_panics(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 1..20), gzip in any::<bool>()) {
        let mut file = if gzip { gz(CSV) } else { zip(&[("a.csv", CSV), ("b.csv", CSV)]) };
        let at = at.index(file.len());
        let end = (at + bytes.len()).min(file.len());
        file[at..end].copy_from_slice(&bytes[..end - at]);
        let _ = look("a.csv.gz", &file);
    }

    #[test]
    fn no_bytes_behind_a_magic_number_panic(magic in prop::sample::select(vec![&b"\x1F\x8B\x08\0"[..], b"PK\x03\x04", b"PAR1", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"]), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(look("a", &[magic, &bytes].concat()).is_err());
    }
}
