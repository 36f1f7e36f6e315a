use super::*;
use crate::split::SplitError;
use crate::store::testing::{import, options, project, project_with};
use crate::types::ColumnRole;
use crate::types::Leaks;

fn rows(labels: &[&str], each: usize) -> String {
    let row = |i: usize, label: &str| format!("text {label} {i},{label}\n");
    let rows = labels
        .iter()
        .flat_map(|label| (0..each).map(move |i| row(i, label)));
    format!("text,label\n{}", rows.collect::<String>())
}

fn sizes(summary: &SplitSummary) -> Vec<u32> {
    summary.parts.iter().map(|part| part.rows).collect()
}

#[test]
fn a_split_gives_every_part_its_texts() {
    let (_place, mut project) = project_with(&(rows(&["a", "b"], 20) + "no label,\n"));
    assert!(matches!(project.labelled(Part::Train), Err(DataError::NoSplit)));
    assert_eq!(project.split_summary().unwrap(), None);
    let summary = project
        .make_split(crate::split::Wanted::random([70, 15, 15], 7))
        .unwrap();
    assert_eq!(
        (sizes(&summary), summary.unlabelled, summary.version),
        (vec![28, 6, 6], 1, 1)
    );
    assert_eq!(summary.parts[2].per_label, [3, 3]);
    assert_eq!(summary.notes, [SplitNote::Unlabelled { rows: 1 }]);
    let test = project.labelled(Part::Test).unwrap();
    assert_eq!(test.len(), 6);
    assert!(
        test.iter()
            .all(|row| row.text.contains(["a", "b"][row.labels[0]]))
    );
    assert_eq!(
        project
            .make_split(crate::split::Wanted::random([70, 15, 15], 7))
            .unwrap()
            .version,
        2
    );
    assert_eq!(
        project.labelled(Part::Test).unwrap(),
        test,
        "same seed, same split"
    );
}

#[test]
fn an_official_test_file_stays_the_test_part() {
    let (_place, mut project) = project_with(&rows(&["a", "b"], 17));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "text,label\nt1,a\nt2,b\nt3,b\n").unwrap();
    let roles = options(&[ColumnRole::Text, ColumnRole::Label]);
    project
        .import_part(file.path(), &roles, Part::Test, &mut |_, _| true)
        .unwrap();
    assert_eq!(
        sizes(
            &project
                .make_split(crate::split::Wanted::random([70, 15, 15], 0))
                .unwrap()
        ),
        [28, 6, 3]
    );
    let test: Vec<String> = project
        .labelled(Part::Test)
        .unwrap()
        .into_iter()
        .map(|row| row.text)
        .collect();
    assert_eq!(test, ["t1", "t2", "t3"]);
}

#[test]
fn rows_hidden_or_unlabelled_after_the_split_are_in_no_part() {
    let (_place, mut project) = project_with(&(rows(&["a", "b"], 10) + " ,a\n"));
    project
        .make_split(crate::split::Wanted::random([100, 0, 0], 0))
        .unwrap();
    assert_eq!(project.labelled(Part::Train).unwrap().len(), 21);
    project
        .clean(
            &[crate::types::CleaningRule::Rows(crate::types::RowRule::DropEmpty)],
            &mut |_| true,
        )
        .unwrap();
    project.annotate(1, None, "person").unwrap();
    assert_eq!(project.labelled(Part::Train).unwrap().len(), 19);
    assert_eq!(sizes(&project.split_summary().unwrap().unwrap()), [19, 0, 0]);
}

#[test]
fn groups_do_not_straddle_in_a_project_either() {
    let (_place, mut project) = project();
    let csv: String = (0..40)
        .map(|i| format!("text {i},{},patient {}\n", ["a", "b"][i % 2], i / 4))
        .collect();
    let roles = [ColumnRole::Text, ColumnRole::Label, ColumnRole::Group];
    import(&mut project, &format!("text,label,patient\n{csv}"), &roles);
    let summary = project
        .make_split(crate::split::Wanted::random([60, 20, 20], 3))
        .unwrap();
    assert!(summary.grouped);
    assert_eq!(sizes(&summary), [24, 8, 8]);
    let mut part_of = HashMap::new();
    for part in Part::ALL {
        for row in project.labelled(part).unwrap() {
            assert_eq!(*part_of.entry((row.example - 1) / 4).or_insert(part), part);
        }
    }
}

#[test]
fn what_the_test_part_gives_away_is_counted_for_a_files_own_split_too() {
    let (_place, mut project) = project();
    let clause =
        "the tenant shall return the keys on the last day of the lease and leave the flat swept and empty";
    let csv = format!(
        "text,label,part,case\n{clause},x,train,1\n{},y,test,2\nsame,x,validation,3\nsame,x,test,4\nb,y,train,2\nc,x,dev,5\nd,y,dev,6\n",
        clause.replace("empty", "clean"),
    );
    let roles = [
        ColumnRole::Text,
        ColumnRole::Label,
        ColumnRole::Split,
        ColumnRole::Group,
    ];
    import(&mut project, &csv, &roles);
    let leaks = |project: &Project| project.split_summary().unwrap().unwrap().leaks.unwrap();
    assert_eq!(
        leaks(&project),
        Leaks {
            exact: 1,
            near: None,
            group: 1,
            date: None,
            validation: 0
        }
    );
    project.find_near_duplicates(&mut |_| true).unwrap();
    assert_eq!(leaks(&project).near, Some(1));
}

#[test]
fn texts_and_groups_that_a_file_gives_to_learning_and_to_checking_are_counted() {
    let (_place, mut project) = project();
    let csv =
        "text,label,part,case\na,x,train,1\na,x,dev,2\nb,y,train,3\nc,y,dev,3\nd,x,train,4\ne,y,test,5\n";
    let roles = [
        ColumnRole::Text,
        ColumnRole::Label,
        ColumnRole::Split,
        ColumnRole::Group,
    ];
    import(&mut project, csv, &roles);
    let split = project.split_summary().unwrap().unwrap();
    let leaks = split.leaks.unwrap();
    assert_eq!((leaks.exact, leaks.group, leaks.validation), (0, 0, 2));
    let kept = |note: &SplitNote| {
        matches!(
            note,
            SplitNote::GroupsKeptTogether { .. } | SplitNote::DuplicatesKeptTogether { .. }
        )
    };
    assert!(!split.notes.iter().any(kept), "{:?}", split.notes);
}

#[test]
fn what_an_earlier_version_noted_about_leaks_with_a_run_can_be_read() {
    let noted = r#"{ "exact": 1, "near": null, "group": 0, "date": null }"#;
    let leaks: Leaks = serde_json::from_str(noted).unwrap();
    assert_eq!((leaks.exact, leaks.validation), (1, 0));
}

#[test]
fn a_judged_test_part_whose_rows_were_changed_since_is_told() {
    let (_place, mut project) = project_with(&rows(&["x", "y"], 20));
    project
        .make_split(crate::split::Wanted::random([50, 20, 30], 0))
        .unwrap();
    let test: Vec<u32> = project
        .labelled(Part::Test)
        .unwrap()
        .iter()
        .map(|row| row.example)
        .collect();
    let told = |project: &Project| {
        let notes = project.split_summary().unwrap().unwrap().notes;
        notes.into_iter().find_map(|note| match note {
            SplitNote::TestChanged { rows } => Some(rows),
            _ => None,
        })
    };
    project.annotate(test[0], Some(&[1]), "person").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    let now = "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
    let created_at = project.db.query_row(now, [], |row| row.get(0)).unwrap();
    project
        .insert_run(&crate::RunRecord {
            created_at,
            status: crate::types::RunStatus::Finished,
            summary: Some(serde_json::json!({ "test": { "accuracy": 0.9 } })),
            ..run()
        })
        .unwrap();
    assert_eq!(
        told(&project),
        None,
        "what was changed before is as it was judged"
    );
    std::thread::sleep(std::time::Duration::from_millis(5));
    let other = 3 - project.example(test[1]).unwrap().labels.unwrap()[0];
    project.annotate(test[1], Some(&[other]), "person").unwrap();
    let same = project.example(test[2]).unwrap().labels.unwrap();
    project.annotate(test[2], Some(&same), "person").unwrap();
    assert_eq!(told(&project), Some(1), "to say the same again is no change");
    project
        .edit_text(test[3], Some("another text"), "person")
        .unwrap();
    assert_eq!(told(&project), Some(2));
    let (gone, kept) = (test[4], test.len() as u32);
    project
        .edit_text(gone, Some(&"long ".repeat(40)), "person")
        .unwrap();
    let step = crate::types::CleaningRule::Rows(crate::types::RowRule::DropLong { characters: 100 });
    project.clean(&[step], &mut |_| true).unwrap();
    assert_eq!(told(&project), Some(3));
    // Another split of the same draw, in which the hidden row is not.
    project.add_to_training().unwrap();
    assert_eq!(project.labelled(Part::Test).unwrap().len() as u32, kept - 1);
    assert_eq!(told(&project), Some(3));
    let all = crate::types::CleaningRule::Rows(crate::types::RowRule::DropShort { characters: 1000 });
    project.clean(&[all], &mut |_| true).unwrap();
    assert_eq!(told(&project), Some(kept));
}

#[test]
fn a_split_keeps_near_duplicates_out_of_the_test_part_and_says_so() {
    let clauses: String = (0..30)
        .map(|i| format!("clause {i} says that the tenant of flat {i} pays rent number {i} on the first day of month {i},{}\n", ["x", "y"][i % 2]))
        .collect();
    let twins = "the landlord keeps the roof and the walls of the house in good order at all times and at his own cost";
    let csv = format!(
        "text,label\n{clauses}{twins},x\n{},x\n",
        twins.replace("roof", "cellar")
    );
    let (_place, mut project) = project_with(&csv);
    let split = project
        .make_split(crate::split::Wanted::random([60, 20, 20], 1))
        .unwrap();
    assert_eq!(
        split.leaks,
        Some(Leaks {
            exact: 0,
            near: Some(0),
            group: 0,
            date: None,
            validation: 0
        })
    );
    assert!(
        split
            .notes
            .contains(&SplitNote::NearDuplicatesKeptTogether { rows: 2 })
    );
}

#[test]
fn a_project_that_cannot_be_divided_says_why() {
    let refused = |csv: &str| match project_with(csv)
        .1
        .make_split(crate::split::Wanted::random([70, 15, 15], 0))
    {
        Err(DataError::Split(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("text,label\na,\n"), SplitError::NoLabels);
    assert_eq!(
        refused("text,label\na,x\nb,x\n"),
        SplitError::OneClass {
            label: "x".to_owned()
        }
    );
}

fn run() -> crate::RunRecord {
    crate::RunRecord {
        id: "r1".to_owned(),
        status: crate::types::RunStatus::Running,
        model: "m".to_owned(),
        created_at: String::new(),
        settings: serde_json::json!({}),
        split_version: Some(1),
        summary: None,
        reason: None,
    }
}

#[test]
fn a_test_part_that_a_model_was_judged_on_is_not_drawn_again_without_a_word() {
    let (_place, mut project) = project_with(&rows(&["a", "b"], 20));
    let wanted = Wanted::random([70, 15, 15], 1);
    project.make_split(wanted).unwrap();
    let mut run = run();
    project.insert_run(&run).unwrap();
    assert_eq!(project.split_summary().unwrap().unwrap().lock, None);
    run.status = crate::types::RunStatus::Finished;
    run.summary = Some(serde_json::json!({ "test": null }));
    project.update_run(&run).unwrap();
    assert_eq!(
        project.split_summary().unwrap().unwrap().lock,
        None,
        "not judged on the test part"
    );
    run.summary = Some(serde_json::json!({ "test": { "accuracy": 0.9 } }));
    project.update_run(&run).unwrap();
    assert_eq!(
        project.split_summary().unwrap().unwrap().lock,
        Some(TestLock { runs: 1, open: false })
    );
    assert!(matches!(
        project.make_split(wanted),
        Err(DataError::TestLocked { runs: 1 })
    ));
    assert_eq!(
        project.open_test().unwrap().lock,
        Some(TestLock { runs: 1, open: true })
    );
    let split = project.make_split(wanted).unwrap();
    assert_eq!((split.version, split.lock), (2, None));
    assert!(split.notes.contains(&SplitNote::TestReopened { times: 1 }));
    assert!(
        project
            .make_split(wanted)
            .unwrap()
            .notes
            .contains(&SplitNote::TestReopened { times: 1 })
    );
    assert!(project.verify_audit().unwrap().broken.is_none());
}

#[test]
fn the_next_fold_is_no_new_draw() {
    let (_place, mut project) = project_with(&rows(&["a", "b"], 20));
    let fold = |number, seed| Wanted {
        way: SplitWay::Fold { number, of: 4 },
        ..Wanted::random([70, 15, 15], seed)
    };
    project.make_split(fold(1, 0)).unwrap();
    let mut run = run();
    project.insert_run(&run).unwrap();
    run.status = crate::types::RunStatus::Finished;
    run.summary = Some(serde_json::json!({ "test": {} }));
    project.update_run(&run).unwrap();
    assert!(matches!(
        project.make_split(fold(2, 9)),
        Err(DataError::TestLocked { .. })
    ));
    assert_eq!(
        project.make_split(fold(2, 0)).unwrap().way,
        Some(SplitWay::Fold { number: 2, of: 4 })
    );
}

#[test]
fn labels_given_between_two_folds_do_not_draw_the_judged_rows_again() {
    let (_place, mut project) = project_with(&(rows(&["a", "b"], 20) + "new one,\nnew two,\n"));
    let fold = |number| Wanted {
        way: SplitWay::Fold { number, of: 4 },
        ..Wanted::random([70, 15, 15], 0)
    };
    let tested = |project: &Project| -> Vec<u32> {
        let rows = project.labelled(Part::Test).unwrap();
        rows.iter().map(|row| row.example).collect()
    };
    project.make_split(fold(1)).unwrap();
    let first = tested(&project);
    let mut run = run();
    project.insert_run(&run).unwrap();
    run.status = crate::types::RunStatus::Finished;
    run.summary = Some(serde_json::json!({ "test": {} }));
    project.update_run(&run).unwrap();
    for example in (1..=10).chain([41, 42]) {
        project.annotate(example, Some(&[2]), "person").unwrap();
    }
    let mut all = Vec::new();
    for number in [1, 2, 3, 4] {
        project.make_split(fold(number)).unwrap();
        let now = tested(&project);
        assert!(number != 1 || now == first, "{now:?} {first:?}");
        all.extend(now);
    }
    all.sort_unstable();
    assert_eq!(all, (1..=40).collect::<Vec<u32>>(), "each row of the draw once");
    assert!(project.verify_audit().unwrap().broken.is_none());
}

#[test]
fn a_cross_validation_gives_the_split_back_with_its_lock() {
    let (_place, mut project) = project_with(&rows(&["a", "b"], 20));
    let before = project.make_split(Wanted::random([70, 15, 15], 0)).unwrap();
    let test = project.labelled(Part::Test).unwrap();
    let mut run = run();
    project.insert_run(&run).unwrap();
    run.status = crate::types::RunStatus::Finished;
    run.summary = Some(serde_json::json!({ "test": {} }));
    project.update_run(&run).unwrap();
    let fold = |number| Wanted {
        way: SplitWay::Fold { number, of: 4 },
        ..Wanted::random([70, 15, 15], 0)
    };
    let draw = project.draw_fold(fold(1), None).unwrap();
    assert_ne!(project.labelled(Part::Test).unwrap(), test);
    assert_eq!(
        [before.version, draw].map(|version| project.fold_of_split(version).unwrap()),
        [None, Some((1, 4))]
    );
    project.return_to_split(before.version).unwrap();
    assert_eq!(project.labelled(Part::Test).unwrap(), test);
    let after = project.split_summary().unwrap().unwrap();
    assert_eq!(
        (after.parts, after.way, after.lock),
        (before.parts, before.way, Some(TestLock { runs: 1, open: false }))
    );
    let anew = project.make_split(Wanted::random([70, 15, 15], 9));
    assert!(matches!(anew, Err(DataError::TestLocked { .. })));
    assert_ne!(
        project.draw_fold(fold(2), Some(draw)).unwrap(),
        draw,
        "nothing was judged on it"
    );
}

#[test]
fn by_date_the_test_part_lies_in_the_future() {
    let (_place, mut project) = project();
    let csv: String = (1..=28)
        .map(|day| format!("text {day},{},{day}/3/2024\n", ["a", "b"][day % 2]))
        .collect();
    import(
        &mut project,
        &format!("text,label,day\n{csv}"),
        &[ColumnRole::Text, ColumnRole::Label, ColumnRole::Date],
    );
    let way = |way| Wanted {
        way,
        ..Wanted::random([70, 15, 15], 0)
    };
    let split = project.make_split(way(SplitWay::ByDate)).unwrap();
    assert_eq!((split.dated, split.leaks.unwrap().date), (Some(true), Some(0)));
    assert_eq!(
        split.notes[0],
        SplitNote::FromDates {
            validation: Some("2024-03-21".to_owned()),
            test: Some("2024-03-25".to_owned())
        }
    );
    let split = project.make_split(way(SplitWay::Random)).unwrap();
    assert!(split.leaks.unwrap().date > Some(0));
}

#[test]
fn another_fold_does_not_open_the_lock_and_a_files_parts_do_not_either() {
    let (_place, mut project) = project_with(&rows(&["a", "b"], 20));
    let fold = |number| Wanted {
        way: SplitWay::Fold { number, of: 4 },
        ..Wanted::random([70, 15, 15], 0)
    };
    project.make_split(fold(1)).unwrap();
    let mut run = run();
    project.insert_run(&run).unwrap();
    run.status = crate::types::RunStatus::Finished;
    run.summary = Some(serde_json::json!({ "test": {} }));
    project.update_run(&run).unwrap();
    project.make_split(fold(2)).unwrap();
    let anew = project.make_split(Wanted::random([70, 15, 15], 0));
    assert!(matches!(anew, Err(DataError::TestLocked { runs: 1 })), "{anew:?}");
    let before = project.labelled(Part::Test).unwrap();
    let roles = [ColumnRole::Text, ColumnRole::Label, ColumnRole::Split];
    import(&mut project, "text,label,part\nc,a,train\nd,b,test\n", &roles);
    assert_eq!(project.labelled(Part::Test).unwrap(), before);
}

#[test]
fn how_a_file_writes_its_days_is_decided_by_all_its_rows() {
    let (_place, mut project) = project();
    let labelled: String = (1..=9)
        .map(|day| format!("text {day},{},0{day}/03/2024\n", ["a", "b"][day % 2]))
        .collect();
    let csv = format!("text,label,day\n{labelled}not labelled yet,,13/03/2024\n");
    import(
        &mut project,
        &csv,
        &[ColumnRole::Text, ColumnRole::Label, ColumnRole::Date],
    );
    let split = project
        .make_split(Wanted {
            way: SplitWay::ByDate,
            ..Wanted::random([70, 0, 30], 0)
        })
        .unwrap();
    assert_eq!(
        split.notes[0],
        SplitNote::FromDates {
            validation: None,
            test: Some("2024-03-07".to_owned())
        }
    );
}

#[test]
fn new_labels_are_learned_from_without_a_new_draw() {
    let (_place, mut project) = project_with(&(rows(&["a", "b"], 20) + "new one,\nnew two,\n"));
    project.make_split(Wanted::random([70, 15, 15], 0)).unwrap();
    let before = project.labelled(Part::Test).unwrap();
    let twin = before[0].text.clone();
    import(
        &mut project,
        &format!("text,label\n{twin},a\n"),
        &[ColumnRole::Text, ColumnRole::Label],
    );
    project.annotate(41, Some(&[1]), "person").unwrap();
    assert_eq!(project.split_summary().unwrap().unwrap().unplaced, Some(2));
    let split = project.add_to_training().unwrap();
    assert!(
        split
            .notes
            .contains(&SplitNote::AddedToTraining { rows: 1, left_out: 1 }),
        "{:?}",
        split.notes
    );
    assert_eq!((sizes(&split), split.unplaced), (vec![29, 6, 6], Some(1)));
    assert_eq!(project.labelled(Part::Test).unwrap(), before);
    assert_eq!(split.leaks.unwrap().exact, 0);
}
