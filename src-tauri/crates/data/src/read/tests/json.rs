//! JSON and JSON Lines.

use proptest::prelude::*;

use crate::error::{DataError, NotATable};
use crate::read::FileRow;
use crate::read::making::{choose, look, names, rows};
use crate::types::{ColumnRole, Format, ProblemKind};

#[test]
fn objects_a_line_become_rows() {
    let text = "{\"text\": \"a, b\", \"label\": \"x\"}\n\n{\"text\": \"c\", \"label\": \"y\", \"n\": {\"p\": 1}}\n{\"label\": \"x\", \"text\": \"d\"}\n{\"label\": \"y\", \"text\": \"e\"}\n";
    for name in ["a.jsonl", "a.csv", "a.txt"] {
        let seen = look(name, text.as_bytes()).unwrap();
        assert_eq!(seen.dialect.format, Format::JsonLines, "{name}");
        assert_eq!(names(&seen), ["text", "label", "n.p"]);
        assert_eq!(seen.rows[1], ["c", "y", "1"]);
        assert_eq!(seen.columns[0].role, ColumnRole::Text);
        assert_eq!(seen.columns[1].role, ColumnRole::Label);
    }
}

#[test]
fn a_broken_line_is_put_aside_and_costs_no_other() {
    let text = "{\"text\": \"a\"}\n{\"text\": \"b\"\n[1]\n{\"text\": \"c\"}\n";
    let all = rows("a.jsonl", text.as_bytes()).unwrap();
    let problem = |at: usize| match &all[at] {
        FileRow::Problem(problem) => problem.clone(),
        FileRow::Cells(cells) => panic!("{cells:?}"),
    };
    assert_eq!(all[0], FileRow::Cells(vec!["a".into()]));
    assert_eq!((problem(1).row, problem(1).raw.as_str()), (2, "{\"text\": \"b\""));
    assert!(matches!(
        problem(1).kind,
        ProblemKind::BrokenJson { line: 1, column: 12 }
    ));
    assert_eq!(problem(2).kind, ProblemKind::NotAnObject);
    assert_eq!(all[3], FileRow::Cells(vec!["c".into()]));
    // The first line may be the broken one: then the name decides.
    assert_eq!(
        rows("b.jsonl", b"{\"text\": \n{\"text\": \"c\"}\n")
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_name_that_comes_too_late_for_a_column_puts_its_row_aside() {
    let late = "{\"text\": \"z\", \"late\": 1}\n";
    let text = "{\"text\": \"a\"}\n".repeat(10_000) + late;
    let all = rows("a.jsonl", text.as_bytes()).unwrap();
    assert!(matches!(
        all.last(),
        Some(FileRow::Problem(problem))
            if problem.kind == ProblemKind::UnknownKey { key: "late".into() } && problem.raw == late.trim()
    ));
}

#[test]
fn a_list_of_objects_is_streamed_wherever_it_stands() {
    let list = r#"[ {"text": "a", "n": 1}, {"text": "]", "n": null} ]"#;
    let plain = look("a.json", list.as_bytes()).unwrap();
    assert_eq!(plain.dialect.format, Format::Json);
    assert_eq!(plain.rows, [["a", "1"], ["]", ""]]);
    let inside = format!(r#"{{"version": 2, "data": {list}, "tail": []}}"#);
    let seen = look("a.json", inside.as_bytes()).unwrap();
    assert_eq!((seen.rows, seen.sheets.len()), (plain.rows, 0));
}

#[test]
fn several_lists_are_a_choice() {
    let text = r#"{"train": [{"text": "a"}], "test": [{"text": "b"}]}"#;
    let seen = look("a.json", text.as_bytes()).unwrap();
    assert_eq!(
        (seen.sheets.clone(), seen.dialect.sheet),
        (vec!["train".to_owned(), "test".to_owned()], Some("train".into()))
    );
    assert_eq!(
        choose("a.json", text.as_bytes(), Some("test")).unwrap().rows,
        [["b"]]
    );
    assert!(matches!(
        choose("a.json", text.as_bytes(), Some("dev")),
        Err(DataError::UnknownSheet { .. })
    ));
}

#[test]
fn objects_over_several_lines_need_no_list() {
    let seen = look("a.json", b"{\n \"text\": \"a\"\n}\n{\n \"text\": \"b\"\n}\n").unwrap();
    assert_eq!(seen.rows, [["a"], ["b"]]);
}

#[test]
fn a_document_cut_in_the_middle_keeps_its_whole_objects() {
    let all = rows("a.json", br#"[{"text": "a"}, {"text": "b"}, {"te"#).unwrap();
    assert_eq!(all.len(), 3);
    assert!(
        matches!(&all[2], FileRow::Problem(problem) if matches!(problem.kind, ProblemKind::BrokenJson { .. }))
    );
    let at_a_comma = rows("a.json", br#"[{"text": "a"}, "#).unwrap();
    assert!(matches!(&at_a_comma[1], FileRow::Problem(_)));
}

#[test]
fn other_encodings_are_read_too() {
    let text: Vec<u8> = "\u{feff}{\"文本\": \"合同\"}\n{\"文本\": \"条款\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let seen = look("a.jsonl", &text).unwrap();
    assert_eq!(
        (names(&seen), seen.rows.clone()),
        (
            vec!["文本"],
            vec![vec!["合同".to_owned()], vec!["条款".to_owned()]]
        )
    );
}

#[test]
fn json_without_objects_is_refused() {
    for text in ["[1, 2]", "{\"a\": 1}", "[[1]]", "{\"a\": [1]}"] {
        assert!(
            matches!(
                look("a.json", text.as_bytes()),
                Err(DataError::NotATable {
                    why: NotATable::Json,
                    ..
                })
            ),
            "{text}"
        );
    }
    assert!(matches!(look("a.json", b"[]"), Err(DataError::EmptyFile { .. })));
}

#[test]
fn a_table_that_begins_with_a_bracket_is_a_table() {
    assert_eq!(
        look("a.csv", b"[x],{y}\n1,2\n3,4\n").unwrap().dialect.format,
        Format::Delimited
    );
    assert_eq!(
        look("a.csv", b"{x},y\n1,2\n3,4\n").unwrap().dialect.format,
        Format::Delimited
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\[\\]{}:,\"\\\\a1 \n]{0,120}", start in prop::sample::select(vec!["", "[{", "{\"a\": [{", "{\"a\":1}\n"])) {
        for name in ["a.json", "a.jsonl", "a.csv"] {
            if let Ok(all) = rows(name, format!("{start}{text}").as_bytes()) {
                prop_assert!(all.len() <= 2 * text.len() + 8);
            }
        }
    }

    #[test]
    fn any_texts_come_back_as_they_were_written(texts in prop::collection::vec(".{0,30}", 1..20)) {
        let list = serde_json::to_string(&texts.iter().map(|text| serde_json::json!({ "text": text })).collect::<Vec<_>>()).unwrap();
        let expected: Vec<FileRow> = texts.into_iter().map(|text| FileRow::Cells(vec![text])).collect();
        prop_assert_eq!(rows("a.json", list.as_bytes()).unwrap(), expected);
    }
}
