//! A process killed with SIGKILL leaves a project that opens, whole.
//!
//! The test runs itself again as the process to be killed: the child finds its orders in environment variables.

// The helpers of a test are part of it, and the child speaks to its parent on stdout.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use understudy_data::{ColumnRole, DialectOverrides, ImportOptions, OnlyRows, Project, RowFilter};

const ORDER: &str = "UNDERSTUDY_TEST_ORDER";
const FOLDER: &str = "UNDERSTUDY_TEST_FOLDER";
const READY: &str = "ready to be killed";

/// Not a test of its own: what the child does. Without orders it does nothing.
#[test]
fn child() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let mut project = Project::open(&folder).unwrap();
    match order.as_str() {
        "import" => {
            let file = folder.with_file_name("rows.csv");
            let mut rows_in = 0;
            let result = project.import(&file, &options(), &mut |done, total| {
                rows_in = done;
                if done > total / 2 {
                    wait_to_be_killed();
                }
                true
            });
            panic!("the import of {rows_in} bytes was not stopped: {result:?}");
        }
        "annotate" => {
            project.annotate(3, Some(&[1]), "person").unwrap();
            wait_to_be_killed();
        }
        other => panic!("{other}"),
    }
}

fn wait_to_be_killed() {
    println!("\n{READY}");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

fn start(order: &str, folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(ORDER, order)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == READY), "the child got that far");
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

fn options() -> ImportOptions {
    ImportOptions {
        dialect: DialectOverrides::default(),
        roles: vec![ColumnRole::Text, ColumnRole::Label],
        label_separator: None,
    }
}

fn project_with_rows(place: &Path, rows: usize) -> PathBuf {
    let folder = place.join("test.understudy");
    let mut project = Project::create(&folder, "test").unwrap();
    let file = place.join("rows.csv");
    std::fs::write(&file, "text,label\none,a\ntwo,b\nthree,\n").unwrap();
    project.import(&file, &options(), &mut |_, _| true).unwrap();
    let rows: String = (0..rows)
        .map(|i| format!("a text of row {i},{}\n", ["a", "b"][i % 2]))
        .collect();
    std::fs::write(&file, format!("text,label\n{rows}")).unwrap();
    folder
}

#[test]
fn a_kill_in_the_middle_of_an_import_leaves_the_project_as_it_was() {
    let place = tempfile::tempdir().unwrap();
    let folder = project_with_rows(place.path(), 40_000);
    kill(start("import", &folder));
    let mut project = Project::open(&folder).unwrap();
    assert_eq!(project.summary().unwrap().rows, 3);
    assert_eq!(project.verify_audit().unwrap().broken, None);
    let again = project
        .import(&place.path().join("rows.csv"), &options(), &mut |_, _| true)
        .unwrap();
    assert_eq!((again.rows, project.summary().unwrap().rows), (40_000, 40_003));
}

#[test]
fn a_label_survives_a_kill_right_after_it_was_given() {
    let place = tempfile::tempdir().unwrap();
    let folder = project_with_rows(place.path(), 0);
    kill(start("annotate", &folder));
    let project = Project::open(&folder).unwrap();
    let labelled = RowFilter {
        only: OnlyRows::Labelled,
        ..RowFilter::default()
    };
    assert_eq!(project.rows_page(&labelled, 0, 10).unwrap().id, [1, 2, 3]);
    assert!(project.label_state().unwrap().can_undo);
}

#[test]
fn another_process_reads_while_an_import_is_under_way() {
    let place = tempfile::tempdir().unwrap();
    let folder = project_with_rows(place.path(), 40_000);
    let child = start("import", &folder);
    let reader = Project::open(&folder).unwrap();
    assert_eq!(
        reader.summary().unwrap().rows,
        3,
        "the rows under way are not seen yet"
    );
    kill(child);
}
