//! Small files of every format, made for tests.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::error::Result;
use crate::read::{FileRow, Rows, preview};
use crate::types::{DialectOverrides, Preview};

/// A folder that lasts as long as the test, and a file in it.
pub(super) struct Place(tempfile::TempDir);

impl Place {
    pub(super) fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

pub(super) fn look(name: &str, bytes: &[u8]) -> Result<Preview> {
    choose(name, bytes, None)
}

pub(super) fn choose(name: &str, bytes: &[u8], sheet: Option<&str>) -> Result<Preview> {
    let overrides = DialectOverrides {
        sheet: sheet.map(str::to_owned),
        ..DialectOverrides::default()
    };
    preview(&Place::new().file(name, bytes), &overrides, 50)
}

/// All rows of a file, the problems among them too.
pub(super) fn rows(name: &str, bytes: &[u8]) -> Result<Vec<FileRow>> {
    let place = Place::new();
    Rows::open(&place.file(name, bytes), &DialectOverrides::default())?.collect()
}

pub(super) fn names(preview: &Preview) -> Vec<&str> {
    preview
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect()
}

pub(super) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A workbook of sheets, each a name and what stands between `<sheetData>` and the end of the worksheet.
pub(super) fn xlsx(sheets: &[(&str, &str)]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let listed: String = (1..)
        .zip(sheets)
        .map(|(id, (name, _))| format!(r#"<sheet name="{name}" sheetId="{id}" r:id="rId{id}"/>"#))
        .collect();
    let relations: String = (1..=sheets.len())
        .map(|id| {
            format!(
                r#"<Relationship Id="rId{id}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{id}.xml"/>"#
            )
        })
        .collect();
    let mut files = vec![
        (
            "_rels/.rels".to_owned(),
            format!(
                r#"<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml".to_owned(),
            format!(r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>"#),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!(
                r#"<Relationships xmlns="{PACKAGE}">{relations}<Relationship Id="rId99" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>"#
            ),
        ),
        (
            // The second format is a date, the third a date with its time, the fourth a duration.
            "xl/styles.xml".to_owned(),
            format!(
                r#"<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="46"/></cellXfs></styleSheet>"#
            ),
        ),
    ];
    for (id, (_, data)) in (1..).zip(sheets) {
        files.push((
            format!("xl/worksheets/sheet{id}.xml"),
            format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{data}</worksheet>"#),
        ));
    }
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    zip(&files)
}

/// A sheet of texts from A1 on; an empty one is no cell.
pub(super) fn sheet(rows: &[&[&str]]) -> String {
    let mut data = String::new();
    for (number, row) in (1..).zip(rows) {
        data += &format!(r#"<row r="{number}">"#);
        for (column, text) in ('A'..).zip(*row).filter(|(_, text)| !text.is_empty()) {
            data += &format!(r#"<c r="{column}{number}" t="inlineStr"><is><t>{text}</t></is></c>"#);
        }
        data += "</row>";
    }
    data + "</sheetData>"
}

/// An OpenDocument workbook with one table, given as its rows' XML.
pub(super) fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        r#"<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="Sheet1">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    let manifest =
        r#"<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>"#;
    zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest.as_bytes()),
        ("content.xml", content.as_bytes()),
    ])
}
