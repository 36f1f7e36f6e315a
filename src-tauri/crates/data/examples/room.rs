//! How quickly the data room answers about a project: one JSON object of milliseconds. For `npm run bench -- data`.

// The figures are its output.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use understudy_data::{OnlyRows, Part, Project, RowFilter};

fn milliseconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let began = Instant::now();
    let result = work();
    (began.elapsed().as_secs_f64() * 1000.0, result)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("the folder of a project")?;
    let (open, project) = milliseconds(|| Project::open(folder.as_ref()));
    let mut project = project?;
    let (summary, _) = milliseconds(|| project.summary());
    let (index, done) = milliseconds(|| project.prepare_search(&mut |_| true));
    done?;
    let (again, _) = milliseconds(|| project.summary());
    let mut figures =
        serde_json::json!({ "open": open, "summary": summary, "summary_again": again, "index": index });
    let all = RowFilter::default();
    let filters = [
        ("all", all.clone()),
        (
            "labelled",
            RowFilter {
                only: OnlyRows::Labelled,
                ..all.clone()
            },
        ),
        (
            "label",
            RowFilter {
                label: Some(7),
                ..all.clone()
            },
        ),
        (
            "train",
            RowFilter {
                part: Some(Part::Train),
                ..all.clone()
            },
        ),
        (
            "validation",
            RowFilter {
                part: Some(Part::Validation),
                ..all.clone()
            },
        ),
    ];
    let searches = arguments.map(|words| {
        (
            format!("search {words}"),
            RowFilter {
                search: words,
                ..all.clone()
            },
        )
    });
    let named = filters
        .into_iter()
        .map(|(name, filter)| (name.to_owned(), filter));
    for (name, filter) in named.chain(searches) {
        let (first, page) = milliseconds(|| project.rows_page(&filter, 0, 200));
        let total = page?.total;
        // Any further page of the same filter, here the one in the middle.
        let (next, _) = milliseconds(|| project.rows_page(&filter, total / 2, 200));
        figures[name] = serde_json::json!({ "rows": total, "first": first, "next": next });
    }
    println!("{figures}");
    Ok(())
}
