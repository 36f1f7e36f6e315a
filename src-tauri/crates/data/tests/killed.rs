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
        "import at any moment" => {
            println!("\n{READY}");
            let imported = project.import(&folder.with_file_name("rows.csv"), &options(), &mut |_, _| true);
            imported.unwrap();
            std::thread::sleep(std::time::Duration::from_secs(60));
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

/// A large file into an empty project takes a way of its own, straight to the database's file.
#[test]
fn fifty_kills_at_any_moment_of_a_large_import_leave_nothing_or_everything() {
    const ROWS: usize = 90_000;
    let place = tempfile::tempdir().unwrap();
    let filler = "the quick brown fox jumps over the lazy dog and back again ".repeat(4);
    let rows: String = (0..ROWS)
        .map(|i| format!("row {i} {filler},label {}\n", i % 20))
        .collect();
    assert!(rows.len() > 20_000_000, "large enough for the quick way");
    std::fs::write(place.path().join("rows.csv"), format!("text,label\n{rows}")).unwrap();
    let folder = place.path().join("test.understudy");
    Project::create(&folder, "test").unwrap();
    let (mut nothing, mut everything) = (0, 0);
    for kill_number in 0..50_u64 {
        let child = start("import at any moment", &folder);
        // From the first moment to well after the end, in an order that is no order.
        std::thread::sleep(std::time::Duration::from_millis(kill_number * 37 % 50 * 24));
        kill(child);
        let project = Project::open(&folder).unwrap();
        assert_eq!(project.verify_audit().unwrap().broken, None, "kill {kill_number}");
        match project.summary().unwrap().rows as usize {
            0 => {
                assert_eq!(
                    project.label_state().unwrap().labels.len(),
                    0,
                    "kill {kill_number}"
                );
                nothing += 1;
            }
            ROWS => {
                everything += 1;
                drop(project);
                std::fs::remove_dir_all(&folder).unwrap();
                Project::create(&folder, "test").unwrap();
            }
            some => panic!("kill {kill_number}: {some} rows"),
        }
    }
    assert!(nothing > 0, "killed in the middle");
    println!("{nothing} kills left nothing, {everything} everything");
    let mut project = Project::open(&folder).unwrap();
    let again = project
        .import(&place.path().join("rows.csv"), &options(), &mut |_, _| true)
        .unwrap();
    assert_eq!(again.rows as usize, ROWS);
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
