//! Files as they are found in the world: csv-spectrum (BSD-2) and csvkit's examples (MIT), see
//! `fixtures/messy_csv/README.md`. Each is read, or refused with the right reason.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use understudy_data::{DataError, DialectOverrides, FileRow, Rows, preview};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/messy_csv")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// How a file was read, in a few lines.
fn told(path: &Path) -> String {
    let mut told = String::new();
    let name = path.file_name().unwrap().to_string_lossy();
    let seen = match preview(path, &DialectOverrides::default(), 2) {
        Ok(seen) => seen,
        Err(error) => {
            let error = format!("{error:?}").replace(&*fixtures().to_string_lossy(), "…");
            return format!("{name}: refused, {error}\n");
        }
    };
    let dialect = &seen.dialect;
    write!(told, "{name}: {:?} {}", dialect.format, dialect.encoding).unwrap();
    if !dialect.delimiter.is_empty() {
        write!(told, " {:?}", dialect.delimiter).unwrap();
    }
    if let Some(sheet) = &dialect.sheet {
        write!(told, ", {sheet:?} of {:?}", seen.sheets).unwrap();
    }
    let (mut rows, mut problems) = (0, Vec::new());
    for row in Rows::open(path, &DialectOverrides::default()).unwrap() {
        match row.unwrap() {
            FileRow::Cells(_) => rows += 1,
            FileRow::Problem(problem) => problems.push((problem.row, problem.kind)),
        }
    }
    let columns: Vec<&str> = seen.columns.iter().map(|column| column.name.as_str()).collect();
    writeln!(
        told,
        "\n  columns {columns:?}, header {}, {rows} rows",
        dialect.header
    )
    .unwrap();
    for row in seen.rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.chars().take(40).collect()).collect();
        writeln!(told, "  {cells:?}").unwrap();
    }
    for (row, kind) in problems {
        writeln!(told, "  put aside: row {row}, {kind:?}").unwrap();
    }
    told
}

#[test]
fn every_file_is_read_or_refused_as_was_approved() {
    let folders = ["csvkit", "csv-spectrum/csvs", "csv-spectrum/json"];
    let all = folders.iter().flat_map(|folder| files(&fixtures().join(folder)));
    let told: Vec<String> = all.map(|path| told(&path)).collect();
    insta::assert_snapshot!(told.concat());
}

/// Names and cells of all rows.
fn rows(path: &Path, header: Option<bool>) -> Vec<Vec<(String, String)>> {
    let overrides = DialectOverrides {
        header,
        ..DialectOverrides::default()
    };
    let rows = Rows::open(path, &overrides).unwrap();
    let names = rows.columns().to_vec();
    let cells = |row: Result<FileRow, DataError>| match row.unwrap() {
        FileRow::Cells(cells) => names.iter().cloned().zip(cells).collect(),
        FileRow::Problem(problem) => panic!("{}: {problem:?}", path.display()),
    };
    rows.map(cells).collect()
}

#[test]
fn every_table_of_csv_spectrum_says_what_its_json_says() {
    let folder = fixtures().join("csv-spectrum");
    let tables = files(&folder.join("csvs"));
    assert_eq!(tables.len(), 12);
    for table in tables {
        let name = table.file_stem().unwrap().to_string_lossy().into_owned();
        // Its JSON is another record than its table.
        if name == "location_coordinates" {
            continue;
        }
        let told: serde_json::Value = serde_json::from_str(
            &std::fs::read_to_string(folder.join("json").join(format!("{name}.json"))).unwrap(),
        )
        .unwrap();
        let found = rows(&table, Some(true));
        let expected: Vec<Vec<(String, String)>> = told
            .as_array()
            .unwrap()
            .iter()
            .map(|object| {
                // The tables came here with plain line ends.
                let fields = found[0].iter().map(|(name, _)| name);
                fields
                    .map(|name| (name.clone(), object[name].as_str().unwrap().replace("\r\n", "\n")))
                    .collect()
            })
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_facts_of_the_list_hold() {
    let text = std::fs::read_to_string(fixtures().join("EXPECTED.json")).unwrap();
    let expected: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let mut looked_at = 0;
    for (name, facts) in &expected {
        let path = fixtures().join(name);
        // The derived files are made of texts that may not be copied here.
        if name.starts_with("derived/") {
            continue;
        }
        looked_at += 1;
        assert_eq!(
            std::fs::metadata(&path).unwrap().len(),
            facts["bytes"].as_u64().unwrap(),
            "{name}"
        );
    }
    assert_eq!(looked_at, 53);
}
