//! Parquet files, written by the crate that reads them.

use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
    Int64Type,
};
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

/// Writes the next column of a group of rows.
macro_rules! column {
    ($group:ident, $kind:ty, $values:expr, $definitions:expr, $repetitions:expr) => {{
        let mut column = $group.next_column().unwrap().unwrap();
        let typed = column.typed::<$kind>();
        typed.write_batch(&$values, $definitions, $repetitions).unwrap();
        column.close().unwrap();
    }};
}

fn writer(schema: &str, compression: Compression) -> SerializedFileWriter<Vec<u8>> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    SerializedFileWriter::new(Vec::new(), schema, properties).unwrap()
}

fn file(compression: Compression) -> Vec<u8> {
    let text = |text: &str| ByteArray::from(text);
    let mut writer = writer(SCHEMA, compression);
    let mut group = writer.next_row_group().unwrap();
    column!(group, ByteArrayType, [text("a \"b\""), text("合同")], None, None);
    column!(group, Int64Type, [12], Some(&[1, 0]), None);
    column!(group, DoubleType, [0.5, 3.0], None, None);
    column!(group, BoolType, [true, false], None, None);
    column!(group, Int32Type, [19_844, 0], None, None);
    column!(group, Int64Type, [1_714_564_800_250, 0], None, None);
    column!(
        group,
        ByteArrayType,
        [text("x"), text("y")],
        Some(&[3, 3, 0]),
        Some(&[0, 1, 0])
    );
    column!(group, ByteArrayType, [text("Ann"), text("Bo")], None, None);
    column!(group, Int32Type, [40, 41], None, None);
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
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::BROTLI(Default::default()),
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
fn values_that_say_only_in_the_schema_what_they_are_come_out_as_that() {
    let schema = "message m {
        required int64 at (TIMESTAMP(NANOS, false)); required fixed_len_byte_array(12) lasts (INTERVAL);
        required fixed_len_byte_array(16) id (UUID); required binary blob;
        optional group days (LIST) { repeated group list { optional int64 element (TIMESTAMP(NANOS, true)); } }
    }";
    let fixed = |bytes: Vec<u8>| FixedLenByteArray::from(bytes);
    let mut writer = writer(schema, Compression::UNCOMPRESSED);
    let mut group = writer.next_row_group().unwrap();
    column!(
        group,
        Int64Type,
        [1_714_564_800_250_000_007, -1_000_000_000],
        None,
        None
    );
    let lasts = [fixed(vec![1; 12]), fixed(vec![2; 12])];
    column!(group, FixedLenByteArrayType, lasts, None, None);
    let id = [fixed((0..16).collect()), fixed(vec![0xAB; 16])];
    column!(group, FixedLenByteArrayType, id, None, None);
    let blob = [
        ByteArray::from(vec![0xFF, 0x00, 0xD8]),
        ByteArray::from(vec![0xFF; 65]),
    ];
    column!(group, ByteArrayType, blob, None, None);
    column!(
        group,
        Int64Type,
        [0, 86_400_000_000_000],
        Some(&[3, 3, 0]),
        Some(&[0, 1, 0])
    );
    group.close().unwrap();
    let seen = look("a.parquet", &writer.into_inner().unwrap()).unwrap();
    assert_eq!(
        names(&seen),
        ["at", "id", "blob", "days"],
        "intervals are left out"
    );
    assert_eq!(
        seen.rows[0],
        [
            "2024-05-01T12:00:00.250000007",
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
            "ff00d8",
            "1970-01-01|1970-01-02"
        ]
    );
    let blob = format!("{}…", "ff".repeat(64));
    assert_eq!(
        seen.rows[1],
        [
            "1969-12-31T23:59:59",
            "abababab-abab-abab-abab-abababababab",
            &blob,
            ""
        ]
    );
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
