//! Excel and OpenDocument workbooks.

use proptest::prelude::*;

use crate::error::{DataError, NotATable};
use crate::read::FileRow;
use crate::read::making::{choose, look, names, ods, rows, sheet, xlsx, zip};
use crate::types::{ColumnRole, Format, ProblemKind};

const XLS: &[u8] = include_bytes!("../../../tests/fixtures/messy_csv/csvkit/test.xls");

#[test]
fn a_sheet_reads_as_its_owner_sees_it() {
    let data = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c><c r="B1" t="inlineStr"><is><t>n</t></is></c><c r="C1" t="inlineStr"><is><t>day</t></is></c><c r="D1" t="inlineStr"><is><t>ok</t></is></c></row>
        <row r="2"><c r="A2" t="inlineStr"><is><t>Frau &amp; Müller</t></is></c><c r="B2"><v>12</v></c><c r="C2" s="1"><v>45413</v></c><c r="D2" t="b"><v>1</v></c></row>
        <row r="3"><c r="A3" t="str"><f>A2&amp;"!"</f><v>cached</v></c><c r="B3"><v>0.30000000000000004</v></c><c r="C3" s="2"><v>45413.5</v></c><c r="D3" t="e"><v>#N/A</v></c></row>
        <row r="4"><c r="A4" t="inlineStr"><is><t>c</t></is></c><c r="B4"><v>-1.5</v></c><c r="C4" s="3"><v>1.25</v></c></row>
        <row r="9"><c r="B9" s="1"/></row></sheetData>"#;
    let seen = look("a.xlsx", &xlsx(&[("One", data)])).unwrap();
    assert_eq!(seen.dialect.format, Format::Workbook);
    assert_eq!(
        (seen.dialect.sheet.as_deref(), seen.sheets.len()),
        (Some("One"), 0)
    );
    assert_eq!(names(&seen), ["text", "n", "day", "ok"]);
    assert_eq!(seen.rows[0], ["Frau & Müller", "12", "2024-05-01", "TRUE"]);
    assert_eq!(seen.rows[1], ["cached", "0.3", "2024-05-01T12:00:00", ""]);
    assert_eq!(seen.rows[2], ["c", "-1.5", "30:00:00", ""]);
    assert_eq!(seen.rows.len(), 3);
}

#[test]
fn the_first_sheet_with_rows_is_read_unless_another_is_chosen() {
    let book = xlsx(&[
        ("Empty", "</sheetData>"),
        (
            "Letters",
            &sheet(&[&["text", "label"], &["a b", "x"], &["c d", "y"]]),
        ),
        ("Other", &sheet(&[&["z"], &["q"]])),
    ]);
    let seen = look("a.xlsx", &book).unwrap();
    assert_eq!(seen.sheets, ["Empty", "Letters", "Other"]);
    assert_eq!(seen.dialect.sheet.as_deref(), Some("Letters"));
    assert_eq!(seen.rows.len(), 2);
    assert_eq!(seen.columns[1].role, ColumnRole::Label);
    let other = choose("a.xlsx", &book, Some("Other")).unwrap();
    assert_eq!(
        (names(&other), other.rows[0].clone()),
        (vec!["z"], vec!["q".to_owned()])
    );
    assert!(matches!(
        choose("a.xlsx", &book, Some("Empty")),
        Err(DataError::EmptyFile { .. })
    ));
    assert!(matches!(
        choose("a.xlsx", &book, Some("Nope")),
        Err(DataError::UnknownSheet { sheets, .. }) if sheets.len() == 3
    ));
}

#[test]
fn merged_cells_hold_for_every_row_they_span() {
    let data = sheet(&[
        &["patient", "note"],
        &["P1", "first"],
        &["", "second"],
        &["", ""],
        &["P2", "third"],
    ]) + r#"<mergeCells count="1"><mergeCell ref="A2:A4"/></mergeCells>"#;
    let seen = look("a.xlsx", &xlsx(&[("S", &data)])).unwrap();
    assert_eq!(seen.rows, [["P1", "first"], ["P1", "second"], ["P2", "third"]]);
}

#[test]
fn merged_cells_of_opendocument_sheets_hold_for_every_row_too() {
    let cell = |attributes: &str, text: &str| {
        format!(
            r#"<table:table-cell office:value-type="string" {attributes}><text:p>{text}</text:p></table:table-cell>"#
        )
    };
    let covered = "<table:covered-table-cell/>";
    let row = |cells: &[&str]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let merged =
        |rows: u32| format!(r#"table:number-rows-spanned="{rows}" table:number-columns-spanned="1""#);
    let rows = [
        r#"<table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>"#.to_owned(),
        row(&[&cell("", "patient"), &cell("", "note"), &cell("", "day")]),
        row(&[
            &cell(&merged(2), "P1"),
            &cell("", "first"),
            &cell(&merged(3), "Monday"),
        ]),
        row(&[covered, &cell("", "second"), covered]),
        row(&[&cell("", "P2"), &cell("", "third"), covered]),
        row(&[
            &cell(r#"table:number-columns-repeated="2""#, "P3"),
            &cell("", "Tuesday"),
        ]),
    ];
    let seen = look("a.ods", &ods(&rows.concat())).unwrap();
    assert_eq!(names(&seen), ["patient", "note", "day"]);
    assert_eq!(
        seen.rows,
        [
            ["P1", "first", "Monday"],
            ["P1", "second", "Monday"],
            ["P2", "third", "Monday"],
            ["P3", "P3", "Tuesday"]
        ]
    );
}

#[test]
fn a_table_may_begin_anywhere_and_a_cell_outside_of_it_is_told() {
    let mut grid: Vec<Vec<String>> = vec![vec![]; 300];
    for (number, row) in grid.iter_mut().enumerate().skip(3) {
        *row = vec![String::new(), format!("text {number}"), format!("{}", number % 2)];
    }
    grid[2] = ["", "text", "label"].map(str::to_owned).to_vec();
    grid[280].push("a remark".to_owned());
    let grid: Vec<Vec<&str>> = grid
        .iter()
        .map(|row| row.iter().map(String::as_str).collect())
        .collect();
    let grid: Vec<&[&str]> = grid.iter().map(Vec::as_slice).collect();
    let all = rows("a.xlsx", &xlsx(&[("S", &sheet(&grid))])).unwrap();
    assert_eq!(all.len(), 297);
    assert_eq!(all[0], FileRow::Cells(vec!["text 3".into(), "1".into()]));
    let FileRow::Problem(problem) = &all[277] else {
        panic!("a row that is too long was taken");
    };
    assert_eq!(
        (problem.row, problem.raw.as_str()),
        (281, "text 280\t0\ta remark")
    );
    assert_eq!(
        problem.kind,
        ProblemKind::CellCount {
            expected: 2,
            found: 3
        }
    );
}

#[test]
fn a_cell_in_the_sheets_last_corner_costs_nothing() {
    let data = sheet(&[&["text"], &["a"]]).replace(
        "</sheetData>",
        r#"<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c></row></sheetData>"#,
    );
    let seen = look("a.xlsx", &xlsx(&[("S", &data)])).unwrap();
    assert_eq!(seen.columns.len(), 16_384);
    assert_eq!(seen.rows.len(), 2);
}

#[test]
fn opendocument_sheets_read_alike() {
    let cell = |text: &str| {
        format!(r#"<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#)
    };
    let rows = format!(
        r#"<table:table-row>{}{}</table:table-row><table:table-row>{}<table:table-cell office:value-type="float" office:value="12"><text:p>12</text:p></table:table-cell></table:table-row><table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="1000"/></table:table-row>"#,
        cell("text"),
        cell("n"),
        cell("合同")
    );
    let seen = look("a.ods", &ods(&rows)).unwrap();
    assert_eq!(names(&seen), ["text", "n"]);
    assert_eq!(seen.rows, [["合同", "12"]]);
}

#[test]
fn old_excel_files_read_alike() {
    let seen = look("a.xls", XLS).unwrap();
    assert_eq!(seen.dialect.format, Format::Workbook);
    assert!(seen.columns.len() > 1 && !seen.rows.is_empty());
}

#[test]
fn what_cannot_be_opened_says_why() {
    let whole = xlsx(&[("S", &sheet(&[&["text"], &["a"]]))]);
    assert!(matches!(
        look("cut.xlsx", &whole[..whole.len() / 2]),
        Err(DataError::DamagedFile { .. })
    ));
    let empty = xlsx(&[("S", "</sheetData>")]);
    assert!(matches!(look("a.xlsx", &empty), Err(DataError::EmptyFile { .. })));
    let broken = xlsx(&[("S", "<row><c></row>")]);
    assert!(matches!(
        look("a.xlsx", &broken),
        Err(DataError::DamagedFile { .. })
    ));
    let wide = |name: &str| name.bytes().flat_map(|byte| [byte, 0]).collect::<Vec<u8>>();
    let container = |stream: &str| {
        [
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(),
            vec![0; 600],
            wide(stream),
        ]
        .concat()
    };
    assert!(matches!(
        look("a.xlsx", &container("EncryptedPackage")),
        Err(DataError::PasswordProtected { .. })
    ));
    for (name, bytes, expected) in [
        ("a.doc", container("WordDocument"), NotATable::Document),
        (
            "a.docx",
            zip(&[("word/document.xml", b"<w/>")]),
            NotATable::Document,
        ),
        (
            "a.numbers",
            zip(&[("Index/Document.iwa", b"x")]),
            NotATable::Spreadsheet,
        ),
    ] {
        assert!(matches!(look(name, &bytes), Err(DataError::NotATable { why, .. }) if why == expected));
    }
    assert!(matches!(
        look("a.xls", &container("?")),
        Err(DataError::DamagedFile { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_broken_workbook_panics(at in any::<proptest::sample::Index>(), bytes in proptest::collection::vec(any::<u8>(), 1..40), old in any::<bool>()) {
        let mut file = if old { XLS.to_vec() } else { xlsx(&[("S", &sheet(&[&["text", "label"], &["a", "b"]]))]) };
        let at = at.index(file.len());
        let end = (at + bytes.len()).min(file.len());
        file[at..end].copy_from_slice(&bytes[..end - at]);
        if let Ok(seen) = look("a.xlsx", &file) {
            prop_assert!(seen.rows.iter().all(|row| row.len() == seen.columns.len()));
        }
    }

    #[test]
    fn no_broken_sheet_panics(text in "[<>/=\" a-zA-Z0-9&;:]{0,200}") {
        let _ = look("a.xlsx", &xlsx(&[("S", &text)]));
        let _ = look("a.ods", &ods(&text));
    }
}

#[test]
fn a_title_page_is_passed_over_for_the_sheet_with_the_rows() {
    let bytes = xlsx(&[
        ("Cover", &sheet(&[&["Letters of 2024"], &["confidential"]])),
        (
            "Letters",
            &sheet(&[
                &["text", "label"],
                &["pay me back", "refund"],
                &["thank you", "thanks"],
            ]),
        ),
    ]);
    let seen = look("a.xlsx", &bytes).unwrap();
    assert_eq!(seen.dialect.sheet.as_deref(), Some("Letters"));
    let cover = choose("a.xlsx", &bytes, Some("Cover")).unwrap();
    assert_eq!(cover.rows.last().unwrap(), &["confidential"]);
    let short = xlsx(&[
        ("One", &sheet(&[&["a"], &["1"]])),
        ("Two", &sheet(&[&["b"], &["2"]])),
    ]);
    let seen = look("a.xlsx", &short).unwrap();
    assert_eq!(
        seen.dialect.sheet.as_deref(),
        Some("One"),
        "all are short: the first"
    );
}

#[test]
fn an_old_workbook_that_claims_billions_of_rows_is_damaged() {
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/messy_csv/csvkit/test.xls"
    );
    let mut bytes = std::fs::read(fixture).unwrap();
    let record = bytes
        .windows(18)
        .position(|w| w[..4] == [0, 2, 14, 0] && w[16..] == [0, 0])
        .unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.xls");
    std::fs::write(&path, &bytes).unwrap();
    assert!(crate::preview(&path, &crate::types::DialectOverrides::default(), 5).is_ok());
    bytes[record + 8..record + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let refused = crate::preview(&path, &crate::types::DialectOverrides::default(), 5);
    assert!(
        matches!(refused, Err(DataError::DamagedFile { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_title_above_the_header_is_put_aside() {
    let titled: [&[&str]; 5] = [
        &["Report of 2024"],
        &[],
        &["text", "label", "date"],
        &["a b", "x", "2024-01-01"],
        &["c d", "x", "2024-01-02"],
    ];
    let seen = look("a.xlsx", &xlsx(&[("S", &sheet(&titled))])).unwrap();
    assert_eq!(
        (names(&seen), seen.rows.len()),
        (vec!["text", "label", "date"], 2)
    );
    assert_eq!(
        (seen.problems[0].row, seen.problems[0].raw.trim_end()),
        (1, "Report of 2024")
    );
    let two: [&[&str]; 4] = [&["Report"], &[], &["text", "label"], &["a b", "x"]];
    let seen = look("a.xlsx", &xlsx(&[("S", &sheet(&two))])).unwrap();
    assert_eq!((names(&seen), seen.rows.len()), (vec!["text", "label"], 1));
    let text = "Report of 2024\n\ntext,label,date\na b,x,1\nc d,x,2\n";
    for text in [text, &text.replace("2024\n", "2024,,\n")] {
        let seen = look("a.csv", text.as_bytes()).unwrap();
        assert_eq!(
            (names(&seen), seen.rows.len()),
            (vec!["text", "label", "date"], 2)
        );
        assert_eq!((seen.problems.len(), seen.problems[0].row), (1, 1));
    }
}
