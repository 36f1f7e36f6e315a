use super::*;
use crate::store::HEAD_CHARS;
use crate::store::labels::NAME_LIMIT;
use crate::store::testing::{import, options, project, project_with};
use crate::types::{OnlyRows, RowFilter};
use ColumnRole::*;

fn refused(csv: &str, roles: &[ColumnRole]) -> DataError {
    let (_place, mut project) = project();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), csv).unwrap();
    let error = project
        .import(file.path(), &options(roles), &mut |_, _| true)
        .unwrap_err();
    assert_eq!(left_behind(&project), 0, "a refused import leaves nothing behind");
    error
}

fn left_behind(project: &Project) -> u32 {
    let tables = [
        "source",
        "example",
        "content",
        "state",
        "annotation",
        "label",
        "problem_row",
        "split",
    ];
    tables
        .iter()
        .map(|table| {
            let count = format!("SELECT count(*) FROM {table}");
            project
                .db
                .query_row(&count, [], |row| row.get::<_, u32>(0))
                .unwrap()
        })
        .sum()
}

#[test]
fn rows_labels_and_problems_are_counted() {
    let (_place, mut project) = project();
    let csv = "text,label\nhello,a\n\"two\nlines\", b \nno label,\n   ,a\nshort\n1,2,3\n";
    let summary = import(&mut project, csv, &[Text, Label]);
    let seen = (
        summary.rows,
        summary.labelled,
        summary.labels,
        summary.problem_rows,
        summary.empty_texts,
    );
    assert_eq!(seen, (4, 3, 2, 2, 1));
    let (total, problems) = project.problems_page(0, 10).unwrap();
    assert_eq!(
        (total, problems[1].row, problems[1].raw.as_str()),
        (2, 7, "1,2,3")
    );
    assert_eq!(
        problems[1].kind,
        ProblemKind::CellCount {
            expected: 2,
            found: 3
        }
    );
    assert_eq!(project.example(2).unwrap().text, "two\nlines");
}

#[test]
fn the_other_columns_stay_with_the_row() {
    let (_place, mut project) = project();
    import(
        &mut project,
        "nr,text,note,label\n7,hello, keep \"\" ,a\n8,x,,b\n",
        &[Id, Text, Ignore, Label],
    );
    let columns = project.example(1).unwrap().columns;
    let seen: Vec<_> = columns
        .iter()
        .map(|c| (c.name.as_str(), c.value.as_str()))
        .collect();
    assert_eq!(seen, [("nr", "7"), ("note", " keep \"\" "), ("label", "a")]);
    assert_eq!(project.example(1).unwrap().row, 2);
}

#[test]
fn roles_must_fit_the_file() {
    let csv = "a,b\nx,y\n";
    assert!(matches!(
        refused(csv, &[Text]),
        DataError::RolesMismatch { roles: 1, columns: 2 }
    ));
    assert!(matches!(refused(csv, &[Ignore, Label]), DataError::NoTextColumn));
    assert!(matches!(
        refused("a,b,c\n1,2,3\n", &[Text, Group, Group]),
        DataError::RepeatedRole { .. }
    ));
}

#[test]
fn files_without_a_usable_row_are_refused() {
    assert!(matches!(
        refused("text,label\n", &[Text, Label]),
        DataError::HeaderOnly { .. }
    ));
    let only_short = refused("text,label\none\ntwo\n", &[Text, Label]);
    assert!(matches!(only_short, DataError::NoUsableRows { problems: 2 }));
    assert!(matches!(
        refused("text,label\n ,a\n,b\n", &[Text, Label]),
        DataError::AllTextsEmpty { rows: 2 }
    ));
}

#[test]
fn a_column_of_a_thousand_values_is_no_label_column() {
    let rows: String = (0..=MOST_LABELS)
        .map(|i| format!("text {i},label {i}\n"))
        .collect();
    let error = refused(&format!("text,label\n{rows}"), &[Text, Label]);
    assert!(matches!(error, DataError::TooManyLabels { limit: MOST_LABELS }));
    let long = format!("text,label\na,{}\n", "x".repeat(NAME_LIMIT + 1));
    assert!(matches!(
        refused(&long, &[Text, Label]),
        DataError::NoUsableRows { problems: 1 }
    ));
}

#[test]
fn a_cancelled_import_leaves_nothing_behind() {
    let (_place, mut project) = project();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        format!("text,label\n{}", "some text,a\n".repeat(50_000)),
    )
    .unwrap();
    let mut told = Vec::new();
    let result = project.import(file.path(), &options(&[Text, Label]), &mut |done, total| {
        told.push((done, total));
        done < 200_000
    });
    assert!(matches!(result, Err(DataError::Cancelled)));
    assert_eq!(left_behind(&project), 0);
    assert!(
        told.iter()
            .all(|(done, total)| done <= total && *total == 600_011)
    );
}

#[test]
fn a_second_file_adds_to_the_first_and_shares_its_labels() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    assert_eq!(
        import(&mut project, "text,label\nc,y\nd,z\n", &[Text, Label]).labels,
        2
    );
    assert_eq!(project.label_names().unwrap(), ["x", "y", "z"]);
    assert_eq!(project.summary().unwrap().sources.len(), 2);
}

#[test]
fn a_text_of_a_million_characters_is_kept_whole_and_paged_short() {
    let long = "条".repeat(1_000_000);
    let (_place, project) = project_with(&format!("text,label\n{long},x\nb,y\n"));
    let page = project
        .rows_page(
            &RowFilter {
                only: OnlyRows::All,
                ..RowFilter::default()
            },
            0,
            10,
        )
        .unwrap();
    assert_eq!(page.text[0].chars().count(), HEAD_CHARS);
    assert_eq!(project.example(1).unwrap().text, long);
}

#[test]
fn a_files_own_split_stands_at_once() {
    let (_place, mut project) = project();
    let csv = "text,label,part\na,x,train\nb,y,TRAIN\nc,x,dev\nd,y,验证\ne,x,test\nf,y,test\ng,y,holdout\n";
    let summary = import(&mut project, csv, &[Text, Label, Split]);
    assert_eq!((summary.rows, summary.problem_rows), (6, 1));
    let split = project.split_summary().unwrap().unwrap();
    assert!(split.from_file);
    assert_eq!(
        split.parts.iter().map(|part| part.rows).collect::<Vec<_>>(),
        [2, 2, 2]
    );
    assert_eq!(split.percent, [34, 33, 33]);
    let kind = &project.problems_page(0, 1).unwrap().1[0].kind;
    assert_eq!(
        *kind,
        ProblemKind::UnknownPart {
            value: "holdout".to_owned()
        }
    );
}

/// Imports with something between the labels of a cell.
fn import_separated(project: &mut Project, csv: &str, separator: &str) -> ImportSummary {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), csv).unwrap();
    let options = ImportOptions {
        label_separator: Some(separator.to_owned()),
        ..options(&[Text, Label])
    };
    project.import(file.path(), &options, &mut |_, _| true).unwrap()
}

fn labels_of(project: &Project, example: u32) -> Option<Vec<u32>> {
    project.example(example).unwrap().labels
}

#[test]
fn a_cell_may_hold_several_labels() {
    let (_place, mut project) = project();
    let summary = import_separated(&mut project, "text,labels\na,x | y\nb,y|x|y\nc,z\nd,\n", "|");
    assert_eq!((summary.labelled, summary.labels), (3, 3));
    assert_eq!(project.problem_type().unwrap(), ProblemType::MultiLabel);
    assert_eq!(labels_of(&project, 1), Some(vec![1, 2]));
    assert_eq!(labels_of(&project, 2), Some(vec![1, 2]));
    assert_eq!(labels_of(&project, 4), None, "an empty cell is not labelled yet");
    assert_eq!(project.label_names().unwrap(), ["x", "y", "z"]);
}

#[test]
fn each_of_several_label_columns_says_yes_or_no() {
    let (_place, mut project) = project();
    let csv = "text,urgent,refund,other\na,1,0,0\nb,yes,x,\nc,0,0,0\nd,,,\ne,1,maybe,0\n";
    let summary = import(&mut project, csv, &[Text, Label, Label, Label]);
    assert_eq!((summary.rows, summary.labelled, summary.problem_rows), (4, 3, 1));
    assert_eq!(project.problem_type().unwrap(), ProblemType::MultiLabel);
    assert_eq!(labels_of(&project, 2), Some(vec![1, 2]));
    assert_eq!(labels_of(&project, 3), Some(vec![]), "no everywhere is an answer");
    assert_eq!(labels_of(&project, 4), None);
    let kind = &project.problems_page(0, 1).unwrap().1[0].kind;
    assert!(
        matches!(kind, ProblemKind::NotAFlag { column, value } if column == "refund" && value == "maybe")
    );
    assert_eq!(
        project.label_state().unwrap().labels.len(),
        3,
        "a label that no row carries is one all the same"
    );
}

#[test]
fn several_labels_a_row_are_split_alike_and_counted_each() {
    let (_place, mut project) = project();
    let rows: String = (0..60)
        .map(|i| format!("text {i},{}\n", ["x|y", "y", "z"][i % 3]))
        .collect();
    import_separated(&mut project, &format!("text,labels\n{rows}"), "|");
    let split = project
        .make_split(crate::split::Wanted::random([70, 15, 15], 0))
        .unwrap();
    assert_eq!(split.parts[0].rows, 42);
    assert_eq!(split.parts[2].per_label, [3, 6, 3]);
    let test = project.labelled(Part::Test).unwrap();
    assert!(test.iter().any(|row| row.labels == [0, 1]));
}

#[test]
fn several_text_columns_become_one_text_and_a_date_is_kept() {
    let (_place, mut project) = project();
    let csv = "title,day,body,label\nRent,2024-03-05,is due,x\n,2024-03-06,no title,y\n";
    import(&mut project, csv, &[Text, ColumnRole::Date, Text, Label]);
    let page = project.rows_page(&RowFilter::default(), 0, 9).unwrap();
    assert_eq!(page.text, ["Rent\nis due", "no title"]);
    let columns = project.example(1).unwrap().columns;
    assert_eq!(
        columns
            .iter()
            .map(|column| column.value.as_str())
            .collect::<Vec<_>>(),
        ["2024-03-05", "x"]
    );
}

#[test]
fn rows_in_another_encoding_are_named_with_their_file_for_good() {
    let (place, mut project) = project();
    let (foreign, _, _) = encoding_rs::GBK.encode("租赁合同的违约责任,b\n");
    let bytes = [
        "text,label\n双方协商解决,a\n甲方承担责任,b\n书面通知,a\n".as_bytes(),
        &foreign,
        "合同,".as_bytes(),
        b"\xE5,x\n",
    ];
    let path = place.path().join("mixed.csv");
    std::fs::write(&path, bytes.concat()).unwrap();
    let roles = options(&[ColumnRole::Text, ColumnRole::Label]);
    let summary = project.import(&path, &roles, &mut |_, _| true).unwrap();
    assert_eq!((summary.rows, summary.problem_rows), (4, 1));
    assert_eq!(project.example(4).unwrap().text, "租赁合同的违约责任");
    let gbk = [crate::types::MixedEncoding {
        encoding: Some("GBK".to_owned()),
        rows: 1,
        first_rows: vec![5],
        example: Some(4),
    }];
    assert_eq!(summary.mixed, gbk, "the row put aside is told as such");
    assert_eq!(
        project.summary().unwrap().sources[0].mixed.as_deref(),
        Some(&gbk[..])
    );
    project
        .update_from_file(&path, &roles, false, &mut |_, _| true)
        .unwrap();
    assert_eq!(
        project.summary().unwrap().sources[1].mixed.as_deref(),
        Some(&gbk[..])
    );
    assert_eq!(
        project.mend_form(1).unwrap().cells.len(),
        2,
        "the dialect is still read"
    );
}
