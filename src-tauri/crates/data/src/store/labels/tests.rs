use super::*;
use crate::store::testing::project_with;
use crate::types::{LabelChange, LabelNotes, LabelPart};

const ME: &str = "person";

fn rename(project: &mut Project, id: u32, name: &str) -> Result<LabelState> {
    let change = LabelChange {
        name: Some(name.to_owned()),
        ..LabelChange::default()
    };
    project.change_label(id, &change)
}

/// The label of a row that carries at most one.
fn label_of(project: &Project, example: u32) -> Option<u32> {
    let labels = project.example(example).unwrap().labels;
    assert!(labels.as_ref().is_none_or(|labels| labels.len() == 1));
    labels.map(|labels| labels[0])
}

#[test]
fn labels_get_a_key_a_colour_and_a_distinct_name() {
    let (_place, mut project) = project_with("text,label\na,\nb,\n");
    project.add_label(" Termination ").unwrap();
    let state = project.add_label("违约").unwrap();
    let seen: Vec<_> = state
        .labels
        .iter()
        .map(|l| (l.name.as_str(), l.key.as_str(), l.colour))
        .collect();
    assert_eq!(seen, [("Termination", "1", 0), ("违约", "2", 1)]);
    assert!(matches!(project.add_label("违约"), Err(DataError::LabelExists { name }) if name == "违约"));
    assert!(matches!(project.add_label(" "), Err(DataError::LabelName { .. })));
    assert!(matches!(
        rename(&mut project, 1, "违约"),
        Err(DataError::LabelExists { .. })
    ));
    assert_eq!(rename(&mut project, 1, "End").unwrap().labels[0].name, "End");
    assert!(matches!(
        rename(&mut project, 9, "x"),
        Err(DataError::UnknownLabel { id: 9 })
    ));
}

#[test]
fn a_label_goes_only_when_no_row_carries_it_and_frees_its_key() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    assert!(matches!(
        project.remove_label(1),
        Err(DataError::LabelInUse { rows: 1, .. })
    ));
    project.annotate(1, None, ME).unwrap();
    assert_eq!(project.remove_label(1).unwrap().labels.len(), 1);
    assert_eq!(project.add_label("z").unwrap().labels[1].key, "1");
}

#[test]
fn every_label_is_kept_in_the_rows_history() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    let state = project.annotate(1, Some(&[2]), ME).unwrap();
    assert_eq!(
        (state.labels[0].count, state.labels[1].count, state.labelled),
        (0, 2, 2)
    );
    let history = project.example(1).unwrap().history;
    let seen: Vec<_> = history
        .iter()
        .map(|entry| (entry.labels.as_deref(), entry.who.as_str()))
        .collect();
    let expected: [(Option<&[u32]>, &str); 2] = [(Some(&[1]), "import"), (Some(&[2]), ME)];
    assert_eq!(seen, expected);
    assert!(matches!(
        project.annotate(99, None, ME),
        Err(DataError::UnknownExample { id: 99 })
    ));
    assert!(matches!(
        project.annotate(1, Some(&[99]), ME),
        Err(DataError::UnknownLabel { id: 99 })
    ));
}

#[test]
fn undo_and_redo_walk_back_and_forth_through_a_persons_labels() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    assert!(
        !project.label_state().unwrap().can_undo,
        "an import is no step to undo"
    );
    project.annotate(1, Some(&[2]), ME).unwrap();
    project.annotate(2, None, ME).unwrap();
    assert_eq!(project.undo_annotation(ME).unwrap().example, Some(2));
    let state = project.undo_annotation(ME).unwrap();
    assert_eq!(
        (state.example, state.can_undo, state.can_redo),
        (Some(1), false, true)
    );
    assert_eq!((label_of(&project, 1), label_of(&project, 2)), (Some(1), Some(2)));
    assert_eq!(project.undo_annotation(ME).unwrap().example, None, "nothing left");

    assert_eq!(project.redo_annotation(ME).unwrap().example, Some(1));
    assert_eq!(project.redo_annotation(ME).unwrap().example, Some(2));
    assert_eq!(project.redo_annotation(ME).unwrap().example, None);
    assert_eq!((label_of(&project, 1), label_of(&project, 2)), (Some(2), None));
    assert_eq!(
        project.undo_annotation(ME).unwrap().example,
        Some(2),
        "what was redone can be undone"
    );
}

#[test]
fn a_new_label_ends_what_could_be_redone() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    project.annotate(1, Some(&[2]), ME).unwrap();
    project.undo_annotation(ME).unwrap();
    let state = project.annotate(2, Some(&[1]), ME).unwrap();
    assert_eq!((state.can_undo, state.can_redo), (true, false));
    assert_eq!(project.undo_annotation(ME).unwrap().example, Some(2));
    assert_eq!(
        project.undo_annotation(ME).unwrap().example,
        None,
        "the first was undone before"
    );
}

#[test]
fn people_undo_only_their_own_labels() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    project.annotate(1, Some(&[2]), "ann").unwrap();
    assert!(!project.annotate(2, Some(&[1]), "bo").unwrap().can_redo);
    assert_eq!(project.undo_annotation("ann").unwrap().example, Some(1));
    assert!(
        !project.label_state().unwrap().can_redo,
        "nobody in particular labelled"
    );
    project.set_person("ann").unwrap();
    assert!(
        project.label_state().unwrap().can_redo,
        "about ann, who labels now"
    );
    assert!(!project.redo_annotation("bo").unwrap().can_redo);
}

#[test]
fn an_undo_brings_a_removed_label_back() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    project.annotate(1, Some(&[2]), ME).unwrap();
    project.remove_label(1).unwrap();
    assert_eq!(project.undo_annotation(ME).unwrap().labels[0].name, "x");
    assert_eq!(label_of(&project, 1), Some(1));
}

#[test]
fn the_next_unlabelled_row_is_found_round_the_end() {
    let (_place, mut project) = project_with("text,label\na,\nb,x\nc,\n");
    assert_eq!(project.next_unlabelled(None).unwrap(), Some(1));
    assert_eq!(project.next_unlabelled(Some(1)).unwrap(), Some(3));
    assert_eq!(project.next_unlabelled(Some(3)).unwrap(), Some(1));
    project.annotate(1, Some(&[1]), ME).unwrap();
    project.annotate(3, Some(&[1]), ME).unwrap();
    assert_eq!(project.next_unlabelled(Some(2)).unwrap(), None);
}

#[test]
fn a_row_carries_one_label_until_the_project_allows_several() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\nc,\n");
    assert!(matches!(
        project.annotate(1, Some(&[1, 2]), ME),
        Err(DataError::OneLabelOnly { labels: 2 })
    ));
    assert!(matches!(
        project.annotate(1, Some(&[]), ME),
        Err(DataError::OneLabelOnly { labels: 0 })
    ));
    assert_eq!(
        project
            .set_problem_type(ProblemType::MultiLabel)
            .unwrap()
            .problem_type,
        ProblemType::MultiLabel
    );
    let state = project.annotate(1, Some(&[2, 1]), ME).unwrap();
    assert_eq!(
        (state.labels[0].count, state.labels[1].count, state.labelled),
        (1, 2, 2)
    );
    let state = project.annotate(3, Some(&[]), ME).unwrap();
    assert_eq!(
        (state.labelled, state.rows),
        (3, 3),
        "none of the labels is an answer"
    );
    assert_eq!(project.next_unlabelled(None).unwrap(), None);
    assert_eq!(project.example(1).unwrap().labels, Some(vec![1, 2]));
    assert!(matches!(
        project.remove_label(1),
        Err(DataError::LabelInUse { rows: 1, .. })
    ));
    assert!(matches!(
        project.set_problem_type(ProblemType::SingleLabel),
        Err(DataError::SeveralLabels { rows: 2 })
    ));
    assert_eq!(project.undo_annotation(ME).unwrap().labelled, 2);
    assert_eq!(project.undo_annotation(ME).unwrap().labels[1].count, 1);
    assert_eq!(
        project
            .set_problem_type(ProblemType::SingleLabel)
            .unwrap()
            .problem_type,
        ProblemType::SingleLabel,
        "what was undone is in nobody's way"
    );
    assert_eq!(project.verify_audit().unwrap().broken, None);
}

#[test]
fn a_filter_by_label_finds_rows_that_carry_others_too() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    project.set_problem_type(ProblemType::MultiLabel).unwrap();
    project.annotate(1, Some(&[1, 2]), ME).unwrap();
    let of = |label| crate::types::RowFilter {
        label: Some(label),
        ..crate::types::RowFilter::default()
    };
    assert_eq!(project.rows_page(&of(1), 0, 9).unwrap().id, [1]);
    assert_eq!(project.rows_page(&of(2), 0, 9).unwrap().id, [1, 2]);
    assert_eq!(project.label_names().unwrap(), ["x", "y"]);
}

#[test]
fn labels_given_together_are_undone_and_redone_together() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\nc,\n");
    project.annotate(3, Some(&[2]), ME).unwrap();
    project.annotate_many(&[1, 3], Some(&[2]), ME).unwrap();
    assert_eq!(
        [1, 2, 3].map(|id| label_of(&project, id)),
        [Some(2), Some(2), Some(2)]
    );
    project.undo_annotation(ME).unwrap();
    assert_eq!(
        [1, 2, 3].map(|id| label_of(&project, id)),
        [Some(1), Some(2), Some(2)]
    );
    project.redo_annotation(ME).unwrap();
    assert_eq!(
        [1, 2, 3].map(|id| label_of(&project, id)),
        [Some(2), Some(2), Some(2)]
    );
    project.undo_annotation(ME).unwrap();
    let state = project.undo_annotation(ME).unwrap();
    assert_eq!((label_of(&project, 3), state.can_undo), (None, false));
    assert!(project.verify_audit().unwrap().broken.is_none());
}

#[test]
fn labels_are_merged_and_come_back() {
    let (_place, mut project) = project_with("text,label\na,Contract\nb,contract\nc,CONTRACT\nd,Lease\n");
    let state = project.merge_labels(&[1, 2, 3], 1, ME, &mut |_| true).unwrap();
    let seen: Vec<_> = state
        .labels
        .iter()
        .map(|label| (label.name.as_str(), label.count))
        .collect();
    assert_eq!(seen, [("Contract", 3), ("Lease", 1)]);
    let state = project.undo_annotation(ME).unwrap();
    assert_eq!(
        state.labels.iter().map(|label| label.count).collect::<Vec<_>>(),
        [1, 1, 1, 1]
    );
    assert!(matches!(
        project.merge_labels(&[9], 1, ME, &mut |_| true),
        Err(DataError::UnknownLabel { id: 9 })
    ));
    assert!(project.verify_audit().unwrap().broken.is_none());
}

#[test]
fn where_texts_have_several_labels_a_merge_keeps_the_others() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    project.set_problem_type(ProblemType::MultiLabel).unwrap();
    project.add_label("z").unwrap();
    project.annotate(1, Some(&[1, 2, 3]), ME).unwrap();
    project.merge_labels(&[1], 2, ME, &mut |_| true).unwrap();
    assert_eq!(project.example(1).unwrap().labels, Some(vec![2, 3]));
}

#[test]
fn what_is_said_about_a_label_changes_and_keys_change_hands() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    let change = LabelChange {
        name: Some("Termination".to_owned()),
        key: Some("2".to_owned()),
        description: Some(" ends the contract ".to_owned()),
        group: Some("End".to_owned()),
        colour: Some(7),
        ..LabelChange::default()
    };
    let state = project.change_label(1, &change).unwrap();
    let label = &state.labels[0];
    assert_eq!(
        (
            label.name.as_str(),
            label.description.as_str(),
            label.group.as_str(),
            label.colour
        ),
        ("Termination", "ends the contract", "End", 7)
    );
    assert_eq!((label.key.as_str(), state.labels[1].key.as_str()), ("2", "1"));
    let refused = project.change_label(
        1,
        &LabelChange {
            key: Some("§".to_owned()),
            name: Some("Other".to_owned()),
            ..LabelChange::default()
        },
    );
    assert!(matches!(refused, Err(DataError::LabelKey { .. })));
    assert_eq!(
        project.label_state().unwrap().labels[0].name,
        "Termination",
        "all or nothing"
    );
    let order = project.order_labels(&[2, 1]).unwrap();
    assert_eq!(
        order.labels.iter().map(|label| label.id).collect::<Vec<u32>>(),
        [2, 1]
    );
    assert_eq!(
        project.label_names().unwrap()[0],
        "Termination",
        "a model's classes keep their order"
    );
}

#[test]
fn a_retired_label_is_kept_and_no_longer_given() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\nc,\n");
    let retire = |retired| LabelChange {
        retired: Some(retired),
        ..LabelChange::default()
    };
    assert!(project.change_label(1, &retire(true)).unwrap().labels[0].retired);
    assert!(matches!(
        project.annotate(3, Some(&[1]), ME),
        Err(DataError::LabelRetired { .. })
    ));
    project.annotate(1, Some(&[1]), ME).unwrap();
    assert_eq!(label_of(&project, 1), Some(1), "kept where it was");
    project.change_label(1, &retire(false)).unwrap();
    project.annotate(3, Some(&[1]), ME).unwrap();
}

#[test]
fn counts_follow_every_label_and_what_others_write() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\nc,\n");
    let counts = |state: &LabelState| {
        let labels: Vec<u32> = state.labels.iter().map(|label| label.count).collect();
        (labels, state.rows, state.labelled)
    };
    assert_eq!(counts(&project.label_state().unwrap()), (vec![1, 1], 3, 2));
    assert_eq!(
        counts(&project.annotate(3, Some(&[1]), ME).unwrap()),
        (vec![2, 1], 3, 3)
    );
    assert_eq!(
        counts(&project.annotate(3, Some(&[2]), ME).unwrap()),
        (vec![1, 2], 3, 3)
    );
    assert_eq!(
        counts(&project.annotate(1, None, ME).unwrap()),
        (vec![0, 2], 3, 2)
    );
    Project::open(project.folder())
        .unwrap()
        .annotate(2, Some(&[1]), "other")
        .unwrap();
    assert_eq!(
        counts(&project.annotate(1, Some(&[1]), ME).unwrap()),
        (vec![2, 1], 3, 3)
    );
    assert_eq!(counts(&project.undo_annotation(ME).unwrap()), (vec![1, 1], 3, 2));
    let fresh = Project::open(project.folder()).unwrap();
    assert_eq!(counts(&fresh.label_state().unwrap()), (vec![1, 1], 3, 2));
}

#[test]
fn how_a_label_came_about_is_kept_and_covered_by_the_audit_log() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\nc,\n");
    let how = Circumstances {
        suggested: Some(vec![2]),
        seconds: Some(1.5),
    };
    project.annotate_in(3, Some(&[2]), &how, ME).unwrap();
    project.annotate_in(1, Some(&[1]), &how, ME).unwrap();
    let as_suggested = |project: &Project, example| {
        let history = project.example(example).unwrap().history;
        history.last().unwrap().as_suggested
    };
    assert!(as_suggested(&project, 3) && !as_suggested(&project, 1));
    project.add_label("z").unwrap();
    assert_eq!(project.verify_audit().unwrap().broken, None);
    project
        .db
        .execute_batch(
            "DROP TRIGGER annotation_keep; UPDATE annotation SET suggestion = NULL WHERE seconds = 1.5",
        )
        .unwrap();
    assert!(project.verify_audit().unwrap().broken.is_some());
}

#[test]
fn a_scheme_goes_from_one_project_to_another() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\n");
    let change = LabelChange {
        description: Some("means x".to_owned()),
        retired: Some(true),
        ..LabelChange::default()
    };
    project.change_label(1, &change).unwrap();
    project.order_labels(&[2, 1]).unwrap();
    let notes = LabelNotes {
        guidelines: "When in doubt, y.".to_owned(),
        keywords: "shall\nmust".to_owned(),
        goal: Some(50),
    };
    project.set_label_notes(&notes).unwrap();
    let scheme = project.scheme().unwrap();
    let (_other_place, mut other) = project_with("text,label\nc,z\nd,x\n");
    let state = other.take_scheme(&scheme).unwrap();
    let names: Vec<&str> = state.labels.iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names, ["y", "x", "z"]);
    assert!(state.labels[1].retired && state.labels[1].description == "means x");
    let taken = other.label_notes().unwrap();
    assert_eq!(
        (taken.guidelines, taken.keywords, taken.goal),
        (notes.guidelines, notes.keywords, None)
    );
    assert_eq!(state.labelled, 2, "no text changed its labels");
}

#[test]
fn many_rows_gain_a_label_beside_theirs_where_they_may_have_several() {
    let (_place, mut project) = project_with("text,label\na,x\nb,y\nc,\n");
    project.label_many(&[1, 3], 2, ME, &mut |_| true).unwrap();
    assert_eq!((label_of(&project, 1), label_of(&project, 3)), (Some(2), Some(2)));
    project.undo_annotation(ME).unwrap();
    assert_eq!((label_of(&project, 1), label_of(&project, 3)), (Some(1), None));
    project.set_problem_type(ProblemType::MultiLabel).unwrap();
    project.label_many(&[1, 3], 2, ME, &mut |_| true).unwrap();
    assert_eq!(project.example(1).unwrap().labels, Some(vec![1, 2]));
    assert_eq!(project.example(3).unwrap().labels, Some(vec![2]));
}

#[test]
fn a_step_that_is_stopped_in_the_middle_leaves_all_as_it_was() {
    let rows: String = (0..1_500).map(|row| format!("text {row},x\n")).collect();
    let (_place, mut project) = project_with(&format!("text,label\n{rows}other,y\n"));
    let before = project.label_state().unwrap();
    let all: Vec<u32> = (1..=1_500).collect();
    // The first question comes before the first row, the second in the middle.
    let stop = || {
        let mut asked = 0;
        move |_: f64| {
            asked += 1;
            asked < 2
        }
    };
    let stopped = |result: Result<LabelState>| matches!(result, Err(DataError::Cancelled));
    assert!(stopped(project.label_many(&all, 2, ME, &mut stop())));
    assert!(stopped(project.merge_labels(&[1], 2, ME, &mut stop())));
    let parts = [LabelPart {
        name: "z".to_owned(),
        examples: all.clone(),
    }];
    assert!(stopped(project.divide_label(1, &parts, ME, &mut stop())));
    assert_eq!(project.label_state().unwrap(), before);
    assert_eq!(
        (
            project.rows_to_undo(ME).unwrap(),
            project.rows_to_redo(ME).unwrap()
        ),
        (0, 0)
    );
    assert_eq!(project.carriers(&[1, 2]).unwrap(), 1_501);

    project.label_many(&all, 2, ME, &mut |_| true).unwrap();
    assert_eq!(project.rows_to_undo(ME).unwrap(), 1_500);
    assert!(stopped(project.undo_step(ME, &mut stop())));
    assert_eq!(project.carriers(&[2]).unwrap(), 1_501);
    project.undo_annotation(ME).unwrap();
    assert_eq!(project.carriers(&[2]).unwrap(), 1);
    assert_eq!(project.rows_to_redo(ME).unwrap(), 1_500);
    assert!(stopped(project.redo_step(ME, &mut stop())));
    assert_eq!(project.carriers(&[2]).unwrap(), 1);
}

#[test]
fn another_connection_waits_while_this_program_writes_at_length() {
    let (place, mut project) = project_with("text,label\na,x\nb,y\n");
    let mut second = Project::open(project.folder()).unwrap();
    let held = crate::LongWrite::begin();
    let writing = project.write().unwrap();
    let waiting = std::thread::spawn(move || second.annotate(1, Some(&[2]), ME).map(|state| state.labelled));
    // Longer than anybody else is waited for.
    std::thread::sleep(std::time::Duration::from_millis(5_600));
    assert!(!waiting.is_finished());
    drop(writing);
    drop(held);
    assert_eq!(waiting.join().unwrap().unwrap(), 2);
    drop(place);
}

#[test]
fn what_came_last_can_come_first() {
    let (_place, mut project) = project_with("text,label\na,\nb,x\nc,\nd,\n");
    assert_eq!(project.last_unlabelled(None).unwrap(), Some(4));
    assert_eq!(project.last_unlabelled(Some(4)).unwrap(), Some(3));
    assert_eq!(
        project.last_unlabelled(Some(1)).unwrap(),
        Some(4),
        "from the end again"
    );
    for row in [1, 3, 4] {
        project.annotate(row, Some(&[1]), "me").unwrap();
    }
    assert_eq!(project.last_unlabelled(None).unwrap(), None);
}

#[test]
fn a_label_is_divided_as_one_step() {
    let (_place, mut project) = project_with("text,label\na,x\nb,x\nc,x\nd,y\n");
    let change = LabelChange {
        group: Some("letters".to_owned()),
        ..LabelChange::default()
    };
    project.change_label(1, &change).unwrap();
    let part = |name: &str, examples: &[u32]| LabelPart {
        name: name.to_owned(),
        examples: examples.to_vec(),
    };
    // A row that carries another label, and one that is not there, are passed over.
    let state = project
        .divide_label(
            1,
            &[part(" x early ", &[1, 4, 99]), part("y", &[2])],
            ME,
            &mut |_| true,
        )
        .unwrap();
    let told: Vec<_> = state
        .labels
        .iter()
        .map(|label| (label.name.as_str(), label.count, label.group.as_str()))
        .collect();
    assert_eq!(
        told,
        [("x", 1, "letters"), ("y", 2, ""), ("x early", 1, "letters")]
    );
    assert_eq!(
        label_of(&project, 3),
        Some(1),
        "what is in no part keeps its label"
    );
    assert_eq!(project.undo_annotation(ME).unwrap().labels[0].count, 3);
    project.redo_annotation(ME).unwrap();
    let state = project
        .divide_label(1, &[part("x late", &[3])], ME, &mut |_| true)
        .unwrap();
    assert!(
        state.labels.iter().all(|label| label.name != "x"),
        "nobody carries it"
    );
    assert_eq!(project.undo_annotation(ME).unwrap().labels[0].name, "x");
    assert!(matches!(
        project.divide_label(1, &[part("  ", &[])], ME, &mut |_| true),
        Err(DataError::LabelName { .. })
    ));
    assert_eq!(project.verify_audit().unwrap().broken, None);
}

#[test]
fn a_label_among_several_is_divided_and_the_others_stay() {
    let (_place, mut project) = project_with("text,label\na,x\nb,x\nc,y\n");
    project.set_problem_type(ProblemType::MultiLabel).unwrap();
    project.annotate(1, Some(&[1, 2]), ME).unwrap();
    let parts = [LabelPart {
        name: "z".to_owned(),
        examples: vec![1],
    }];
    project.divide_label(1, &parts, ME, &mut |_| true).unwrap();
    assert_eq!(project.example(1).unwrap().labels, Some(vec![2, 3]));
    assert_eq!(project.example(2).unwrap().labels, Some(vec![1]));
}

#[test]
fn hidden_repetitions_follow_and_retired_labels_are_not_given() {
    let (_place, mut project) = project_with("text,label\na,x\na,x\nb,x\nc,y\n");
    let rule = crate::types::CleaningRule::Rows(crate::types::RowRule::DropDuplicates);
    project.clean(&[rule], &mut |_| true).unwrap();
    let part = |name: &str| LabelPart {
        name: name.to_owned(),
        examples: vec![1, 3],
    };
    let retire = LabelChange {
        retired: Some(true),
        ..LabelChange::default()
    };
    project.change_label(2, &retire).unwrap();
    assert!(matches!(
        project.divide_label(1, &[part("y")], ME, &mut |_| true),
        Err(DataError::LabelRetired { .. })
    ));
    let state = project.divide_label(1, &[part("z")], ME, &mut |_| true).unwrap();
    assert!(
        state.labels.iter().all(|label| label.name != "x"),
        "the hidden row follows"
    );
    assert_eq!(project.undo_annotation(ME).unwrap().labels[0].count, 2);
}

#[test]
fn a_step_about_many_rows_leaves_those_that_have_the_label() {
    let (_place, mut project) = project_with("text,label\na,x\nb,\n");
    project.label_many(&[1, 2], 1, ME, &mut |_| true).unwrap();
    assert!(!project.is_confirmed(1).unwrap(), "nobody looked at it by itself");
    project.undo_annotation(ME).unwrap();
    assert_eq!((label_of(&project, 1), label_of(&project, 2)), (Some(1), None));
}
