//! A hundred thousand rows stay quick. The bounds are several times what a slow machine needs.

// The times are worth seeing with --nocapture.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use understudy_data::{ColumnRole, DialectOverrides, ImportOptions, OnlyRows, Project, RowFilter};

const ROWS: usize = 100_000;

fn timed<T>(what: &str, bound: Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let taken = start.elapsed();
    println!("{what}: {taken:?}");
    assert!(taken < bound, "{what} took {taken:?}, more than {bound:?}");
    result
}

#[test]
fn a_hundred_thousand_rows_are_imported_paged_labelled_and_split_quickly() {
    let place = tempfile::tempdir().unwrap();
    let filler = "the quick brown fox jumps over the lazy dog and back again ".repeat(4);
    let rows: String = (0..ROWS)
        .map(|i| format!("row {i} {filler},label {}\n", i % 20))
        .collect();
    let file = place.path().join("rows.csv");
    std::fs::write(&file, format!("text,label\n{rows}")).unwrap();
    let mut project = Project::create(&place.path().join("test.understudy"), "test").unwrap();
    let options = ImportOptions {
        dialect: DialectOverrides::default(),
        roles: vec![ColumnRole::Text, ColumnRole::Label],
        label_separator: None,
    };

    let seconds = Duration::from_secs;
    let summary = timed("import", seconds(60), || {
        project.import(&file, &options, &mut |_, _| true).unwrap()
    });
    assert_eq!((summary.rows, summary.labels), (ROWS as u32, 20));
    timed("split", seconds(20), || {
        project
            .make_split(understudy_data::split::Wanted::random([70, 15, 15], 0))
            .unwrap()
    });
    timed("summary", seconds(10), || project.summary().unwrap());

    let page_bound = Duration::from_millis(160);
    let filters = [
        ("all", RowFilter::default()),
        (
            "one label",
            RowFilter {
                label: Some(7),
                ..RowFilter::default()
            },
        ),
        (
            "labelled",
            RowFilter {
                only: OnlyRows::Labelled,
                ..RowFilter::default()
            },
        ),
        (
            "train",
            RowFilter {
                part: Some(understudy_data::Part::Train),
                ..RowFilter::default()
            },
        ),
    ];
    for (name, filter) in &filters {
        timed(&format!("first page, {name}"), page_bound, || {
            project.rows_page(filter, 0, 100).unwrap()
        });
        let total = project.rows_page(filter, 0, 1).unwrap().total;
        let last = timed(&format!("last page, {name}"), page_bound, || {
            project.rows_page(filter, total - 100, 100).unwrap()
        });
        assert_eq!(last.id.len(), 100);
    }
    let search = RowFilter {
        search: "ROW 99".to_owned(),
        ..RowFilter::default()
    };
    timed("index for searching", seconds(60), || {
        project.prepare_search(&mut |_| true).unwrap()
    });
    let page = timed("first page of a search", Duration::from_millis(500), || {
        project.rows_page(&search, 0, 100).unwrap()
    });
    assert_eq!(page.total, 1 + 10 + 100 + 1_000);
    timed("next page of a search", page_bound, || {
        project.rows_page(&search, 100, 100).unwrap()
    });
    timed("annotate", Duration::from_millis(500), || {
        project.annotate(1, Some(&[2]), "person").unwrap()
    });
    timed("labelled", seconds(10), || {
        project.labelled(understudy_data::Part::Train).unwrap()
    });
}
