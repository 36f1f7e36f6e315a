//! Parquet files, written by the crate that reads them.

use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use crate::error::DataError;
use crate::read::making::{gz, look, names, rows};
use crate::types::{ColumnRole, Format};

const SCHEMA: &str = "message m {
    required binary text (STRING); optional int64 n; required double share; required boolean ok;
    required int32 day (DATE); required int64 at (TIMESTAMP(MILLIS, true));
    optional group tags (LIST) { repeated group list { optional binary element (STRING); } }
    required group who { required binary name (STRING); required int32 age; }
}";

fn file(compression: Compression) -> Vec<u8> {
    let text = |text: &str| ByteArray::from(text);
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    macro_rules! column {
        ($kind:ty, $values:expr, $definitions:expr, $repetitions:expr) => {{
            let mut column = group.next_column().unwrap().unwrap();
            let typed = column.typed::<$kind>();
            typed.write_batch(&$values, $definitions, $repetitions).unwrap();
            column.close().unwrap();
        }};
    }
    column!(ByteArrayType, [text("a \"b\""), text("合同")], None, None);
    column!(Int64Type, [12], Some(&[1, 0]), None);
    column!(DoubleType, [0.5, 3.0], None, None);
    column!(BoolType, [true, false], None, None);
    column!(Int32Type, [19_844, 0], None, None);
    column!(Int64Type, [1_714_564_800_250, 0], None, None);
    column!(
        ByteArrayType,
        [text("x"), text("y")],
        Some(&[3, 3, 0]),
        Some(&[0, 1, 0])
    );
    column!(ByteArrayType, [text("Ann"), text("Bo")], None, None);
    column!(Int32Type, [40, 41], None, None);
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn every_kind_of_value_is_a_cell() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(Default::default()),
    ] {
        let seen = look("a.bin", &file(compression)).unwrap();
        assert_eq!(seen.dialect.format, Format::Parquet);
        assert_eq!(
            names(&seen),
            ["text", "n", "share", "ok", "day", "at", "tags", "who"]
        );
        assert_eq!(
            seen.rows[0],
            [
                "a \"b\"",
                "12",
                "0.5",
                "true",
                "2024-05-01",
                "2024-05-01T12:00:00.25",
                "x|y",
                r#"{"age":40,"name":"Ann"}"#
            ]
        );
        assert_eq!(
            seen.rows[1],
            [
                "合同",
                "",
                "3",
                "false",
                "1970-01-01",
                "1970-01-01",
                "",
                r#"{"age":41,"name":"Bo"}"#
            ]
        );
        assert_eq!(seen.columns[0].role, ColumnRole::Text);
    }
}

#[test]
fn a_compressed_copy_reads_alike() {
    assert_eq!(
        look("a.parquet.gz", &gz(&file(Compression::SNAPPY)))
            .unwrap()
            .rows
            .len(),
        2
    );
}

#[test]
fn a_cut_file_is_damaged() {
    let whole = file(Compression::SNAPPY);
    assert!(matches!(
        look("a.parquet", &whole[..whole.len() - 9]),
        Err(DataError::DamagedFile { .. })
    ));
    assert!(matches!(
        look("a.parquet", b"PARE....PARE"),
        Err(DataError::PasswordProtected { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_broken_file_panics(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 1..8)) {
        let mut file = file(Compression::UNCOMPRESSED);
        let at = at.index(file.len());
        let end = (at + bytes.len()).min(file.len());
        file[at..end].copy_from_slice(&bytes[..end - at]);
        let _ = rows("a.parquet", &file);
    }
}
