use super::*;
use proptest::prelude::*;

fn row(id: u32, label: usize) -> SplitRow {
    SplitRow {
        id,
        labels: Arc::new([label]),
        group: None,
        content: u128::from(id),
        near: None,
        file_part: None,
        date: None,
        fold: FoldPlace::Open,
    }
}

fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("class {class}")).collect()
}

/// `sizes[c]` rows of class c, each on its own.
fn rows_of(sizes: &[u32]) -> Vec<SplitRow> {
    let labels = sizes
        .iter()
        .enumerate()
        .flat_map(|(label, size)| (0..*size).map(move |_| label));
    labels
        .enumerate()
        .map(|(id, label)| row(id as u32, label))
        .collect()
}

fn count(rows: &[SplitRow], plan: &Plan, label: usize, part: Part) -> u32 {
    let of = rows
        .iter()
        .zip(&plan.parts)
        .filter(|(row, other)| row.labels.contains(&label) && **other == part);
    of.count() as u32
}

fn plan(rows: &[SplitRow], percent: [u32; 3]) -> Plan {
    let classes = rows
        .iter()
        .flat_map(|row| row.labels.iter())
        .max()
        .map_or(0, |label| label + 1);
    divide(rows, &names(classes), Wanted::random(percent, 0)).unwrap()
}

#[test]
fn a_plain_split_has_the_shares_asked_for() {
    let rows = rows_of(&[100, 40]);
    let plan = plan(&rows, [70, 15, 15]);
    let counts = Part::ALL.map(|part| (count(&rows, &plan, 0, part), count(&rows, &plan, 1, part)));
    assert_eq!(counts, [(70, 28), (15, 6), (15, 6)]);
    assert_eq!(plan.notes, []);
    assert_eq!(plan.shares(), [70, 15, 15]);
}

#[test]
fn what_cannot_be_divided_says_why() {
    let divide =
        |rows: &[SplitRow], percent| divide(rows, &names(3), Wanted::random(percent, 0)).unwrap_err();
    assert_eq!(
        divide(&rows_of(&[9, 9]), [70, 20, 20]),
        SplitError::Percent {
            percent: [70, 20, 20]
        }
    );
    assert_eq!(
        divide(&rows_of(&[9, 9]), [0, 50, 50]),
        SplitError::Percent { percent: [0, 50, 50] }
    );
    assert_eq!(divide(&[], [70, 15, 15]), SplitError::NoLabels);
    let one = SplitError::OneClass {
        label: "class 1".to_owned(),
    };
    assert_eq!(divide(&rows_of(&[0, 9]), [70, 15, 15]), one);
    assert_eq!(
        divide(&rows_of(&[9, 1]), [70, 15, 15]),
        SplitError::TooFewRows { rows: 10, classes: 2 }
    );
}

#[test]
fn small_classes_are_noted_and_a_single_row_is_learned_from() {
    let rows = rows_of(&[30, 3, 1]);
    let plan = plan(&rows, [20, 40, 40]);
    assert_eq!(Part::ALL.map(|part| count(&rows, &plan, 1, part)), [1, 1, 1]);
    assert_eq!(count(&rows, &plan, 2, Part::Train), 1);
    let label = "class 2".to_owned();
    let expected = [
        SplitNote::TinyClass {
            label: "class 1".to_owned(),
            rows: 3,
        },
        SplitNote::SingleRow { label: label.clone() },
        SplitNote::MissingFrom {
            label: label.clone(),
            part: Part::Validation,
        },
        SplitNote::MissingFrom {
            label,
            part: Part::Test,
        },
    ];
    assert_eq!(plan.notes, expected);
}

#[test]
fn groups_and_duplicates_are_joined_even_through_each_other() {
    let mut rows = rows_of(&[20, 20]);
    rows[0].group = Some(1);
    rows[1].group = Some(1);
    rows[1].content = 999;
    rows[30].content = 999;
    let plan = plan(&rows, [50, 25, 25]);
    assert_eq!([plan.parts[0], plan.parts[30]], [plan.parts[1]; 2]);
    let together = [
        SplitNote::GroupsKeptTogether { groups: 1 },
        SplitNote::DuplicatesKeptTogether { rows: 2 },
    ];
    assert_eq!(plan.notes, together);
}

#[test]
fn near_duplicates_stay_together() {
    let mut rows = rows_of(&[20, 20]);
    [0, 5, 33].into_iter().for_each(|row| rows[row].near = Some(7));
    for seed in 0..9 {
        let plan = divide(&rows, &names(2), Wanted::random([50, 25, 25], seed)).unwrap();
        assert_eq!([plan.parts[5], plan.parts[33]], [plan.parts[0]; 2]);
        assert_eq!(plan.notes, [SplitNote::NearDuplicatesKeptTogether { rows: 3 }]);
    }
}

#[test]
fn a_form_that_most_texts_are_written_in_can_be_divided_all_the_same() {
    let mut rows = rows_of(&[100, 100]);
    rows.iter_mut().take(150).for_each(|row| row.near = Some(1));
    let plan = plan(&rows, [70, 15, 15]);
    assert_eq!(plan.shares(), [70, 15, 15]);
    assert_eq!(plan.notes, []);
}

#[test]
fn an_official_test_part_stays_and_what_it_shares_with_the_rest_is_noted() {
    let mut rows = rows_of(&[50, 50]);
    rows[0].file_part = Some(Part::Test);
    rows[99].file_part = Some(Part::Test);
    rows[1].content = rows[0].content;
    let plan = plan(&rows, [70, 15, 15]);
    let sizes = Part::ALL.map(|part| plan.parts.iter().filter(|other| **other == part).count());
    assert_eq!(sizes[2], 2);
    assert!((79..=82).contains(&sizes[0]), "70:15 of 98 rows, not {sizes:?}");
    assert!(plan.notes.contains(&SplitNote::SharedWithTest { rows: 1 }));
}

#[test]
fn a_file_with_all_three_parts_is_taken_at_its_word_and_without_validation_some_is_drawn() {
    let mut rows = rows_of(&[20, 20]);
    for (index, row) in rows.iter_mut().enumerate() {
        row.file_part = Some(Part::ALL[index % 3]);
    }
    let given: Vec<Part> = (0..40).map(|index| Part::ALL[index % 3]).collect();
    assert_eq!(plan(&rows, [70, 15, 15]).parts, given);
    for row in &mut rows {
        row.file_part = row
            .file_part
            .filter(|part| *part == Part::Test)
            .or(Some(Part::Train));
    }
    let drawn = plan(&rows, [80, 20, 0]);
    let validation = drawn
        .parts
        .iter()
        .filter(|part| **part == Part::Validation)
        .count();
    assert_eq!(validation, 6, "a fifth of the 27 rows outside test, the nearest");
}

#[test]
fn shares_always_sum_to_a_hundred() {
    use Part::*;
    let plan = |parts: &[Part]| Plan {
        parts: parts.to_vec(),
        notes: Vec::new(),
    };
    assert_eq!(plan(&[Train, Validation, Test]).shares(), [34, 33, 33]);
    assert_eq!(
        plan(&[Train, Train, Train, Train, Train, Train, Test]).shares(),
        [86, 0, 14]
    );
}

fn percents() -> impl Strategy<Value = [u32; 3]> {
    (1u32..=100)
        .prop_flat_map(|train| (Just(train), 0..=100 - train))
        .prop_map(|(train, validation)| [train, validation, 100 - train - validation])
}

/// At least two classes of two rows, so that there is something to divide.
fn sizes() -> impl Strategy<Value = Vec<u32>> {
    (2u32..60, 2u32..60, proptest::collection::vec(0u32..40, 0..6))
        .prop_map(|(a, b, more)| [vec![a, b], more].concat())
}

/// Rows in groups and with repeated contents.
fn tangled_rows() -> impl Strategy<Value = Vec<SplitRow>> {
    let row = (0usize..4, proptest::option::of(0u32..12), 0u128..60);
    proptest::collection::vec(row, 1..120).prop_map(|rows| {
        let rows = rows.into_iter().enumerate();
        let made = rows.map(|(id, (label, group, content))| SplitRow {
            id: id as u32,
            labels: Arc::new([label]),
            group,
            content,
            near: None,
            file_part: None,
            date: None,
            fold: FoldPlace::Open,
        });
        made.collect()
    })
}

proptest! {
    #[test]
    fn every_row_has_a_part_and_only_parts_asked_for(sizes in sizes(), percent in percents(), seed in 0u32..9) {
        let rows = rows_of(&sizes);
        let plan = divide(&rows, &names(sizes.len()), Wanted::random(percent, seed)).unwrap();
        prop_assert_eq!(plan.parts.len(), rows.len());
        for part in Part::ALL {
            prop_assert!(percent[part.index()] > 0 || !plan.parts.contains(&part));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_split(rows in tangled_rows(), percent in percents(), seed: u32) {
        prop_assert_eq!(divide(&rows, &names(4), Wanted::random(percent, seed)), divide(&rows, &names(4), Wanted::random(percent, seed)));
    }

    #[test]
    fn rows_on_their_own_are_within_one_row_of_their_share(sizes in sizes(), percent in percents(), seed in 0u32..9) {
        let rows = rows_of(&sizes);
        let plan = divide(&rows, &names(sizes.len()), Wanted::random(percent, seed)).unwrap();
        for (label, size) in sizes.iter().enumerate().filter(|(_, size)| **size > 0) {
            let wishes = percent.map(|part| f64::from(*size) * f64::from(part) / 100.0);
            // Where a share is less than a row, the row a part gets all the same may cost another part one more.
            let bound = if wishes.iter().all(|wish| *wish == 0.0 || *wish >= 1.0) { 1.0 } else { 2.0 };
            for part in Part::ALL {
                let off = (f64::from(count(&rows, &plan, label, part)) - wishes[part.index()]).abs();
                prop_assert!(off <= bound + 1e-9, "class {} of {} rows is {} off in {:?}", label, size, off, part);
            }
        }
    }

    #[test]
    fn a_class_of_three_rows_or_more_stands_in_every_part(sizes in sizes(), percent in percents(), seed in 0u32..9) {
        let rows = rows_of(&sizes);
        let plan = divide(&rows, &names(sizes.len()), Wanted::random(percent, seed)).unwrap();
        for (label, size) in sizes.iter().enumerate().filter(|(_, size)| **size > 0) {
            prop_assert!(count(&rows, &plan, label, Part::Train) > 0);
            for part in Part::ALL.into_iter().filter(|part| *size >= 3 && percent[part.index()] > 0) {
                prop_assert!(count(&rows, &plan, label, part) > 0);
            }
        }
    }

    #[test]
    fn groups_and_contents_never_straddle(rows in tangled_rows(), percent in percents(), seed in 0u32..9) {
        if let Ok(plan) = divide(&rows, &names(4), Wanted::random(percent, seed)) {
            let mut part_of_group = HashMap::new();
            let mut part_of_content = HashMap::new();
            for (row, part) in rows.iter().zip(&plan.parts) {
                prop_assert_eq!(part_of_content.entry(row.content).or_insert(*part), part);
                if let Some(group) = row.group {
                    prop_assert_eq!(part_of_group.entry(group).or_insert(*part), part);
                }
            }
        }
    }
}

#[test]
fn another_seed_gives_another_split() {
    let rows = rows_of(&[50, 50]);
    let [a, b] = [1, 2].map(|seed| {
        divide(&rows, &names(2), Wanted::random([70, 15, 15], seed))
            .unwrap()
            .parts
    });
    assert_ne!(a, b);
}

#[test]
fn a_seed_is_a_promise_that_later_versions_keep() {
    let plan = divide(&rows_of(&[6, 6]), &names(2), Wanted::random([50, 25, 25], 42)).unwrap();
    let drawn: String = plan
        .parts
        .iter()
        .map(|part| ["r", "v", "t"][part.index()])
        .collect();
    assert_eq!(drawn, "vrrvrtrtrrvt");
}

/// Rows with up to four of eight labels, the later ones rare.
fn rows_with_several_labels() -> impl Strategy<Value = Vec<SplitRow>> {
    let labels = proptest::collection::btree_set((0usize..8, 0usize..8).prop_map(|(a, b)| a.min(b)), 0..4);
    proptest::collection::vec(labels, 60..400).prop_map(|rows| {
        let rows = rows.into_iter().zip(0..);
        rows.map(|(labels, id)| SplitRow {
            labels: labels.into_iter().collect(),
            ..row(id, 0)
        })
        .collect()
    })
}

proptest! {
    #[test]
    fn each_of_several_labels_is_spread_alike(rows in rows_with_several_labels(), seed in 0u32..9) {
        let Ok(plan) = divide(&rows, &names(8), Wanted::random([70, 15, 15], seed)) else { return Ok(()) };
        for label in 0..8 {
            let size = rows.iter().filter(|row| row.labels.contains(&label)).count() as f64;
            for (part, share) in Part::ALL.into_iter().zip([0.7, 0.15, 0.15]) {
                let found = f64::from(count(&rows, &plan, label, part));
                prop_assert!((found - share * size).abs() <= 3.0 + 0.04 * size, "label {label}: {found} of {size} in {part:?}");
                prop_assert!(size < 6.0 || found > 0.0, "label {label} is missing from {part:?}");
            }
        }
        for (part, share) in Part::ALL.into_iter().zip([0.7, 0.15, 0.15]) {
            let size = plan.parts.iter().filter(|other| **other == part).count() as f64;
            prop_assert!((size - share * rows.len() as f64).abs() <= 3.0 + 0.05 * rows.len() as f64, "{part:?}: {size} of {}", rows.len());
        }
    }
}

#[test]
fn a_label_that_only_some_rows_carry_is_enough_and_one_that_all_carry_is_not() {
    let with = |labels: &[&[usize]]| -> Vec<SplitRow> {
        let rows = labels.iter().zip(0..);
        rows.map(|(labels, id)| SplitRow {
            labels: (*labels).into(),
            ..row(id, 0)
        })
        .collect()
    };
    let some = with(&[&[0], &[], &[0], &[], &[0], &[]]);
    assert!(divide(&some, &names(1), Wanted::random([50, 25, 25], 0)).is_ok());
    let all = with(&[&[0], &[0], &[0]]);
    assert!(matches!(
        divide(&all, &names(1), Wanted::random([50, 25, 25], 0)),
        Err(SplitError::OneClass { .. })
    ));
    assert_eq!(
        divide(&with(&[&[], &[]]), &names(1), Wanted::random([50, 25, 25], 0)),
        Err(SplitError::NoLabels)
    );
}

fn dated(days: &[Option<i32>]) -> Vec<SplitRow> {
    let rows = days.iter().enumerate();
    rows.map(|(id, date)| SplitRow {
        date: *date,
        ..row(id as u32, id % 2)
    })
    .collect()
}

fn by_date(percent: [u32; 3]) -> Wanted {
    Wanted {
        way: SplitWay::ByDate,
        ..Wanted::random(percent, 0)
    }
}

#[test]
fn by_date_the_past_is_learned_from_and_a_day_is_not_divided() {
    let days: Vec<Option<i32>> = (0..40).map(|i| Some((i * 7) % 20)).chain([None]).collect();
    let rows = dated(&days);
    let plan = divide(&rows, &names(2), by_date([70, 15, 15])).unwrap();
    let of = |wanted: Part| {
        rows.iter()
            .zip(&plan.parts)
            .filter(move |(_, part)| **part == wanted)
            .filter_map(|(row, _)| row.date)
    };
    assert_eq!(
        [
            of(Part::Train).max(),
            of(Part::Validation).min(),
            of(Part::Validation).max(),
            of(Part::Test).min()
        ],
        [Some(13), Some(14), Some(16), Some(17)]
    );
    assert_eq!(of(Part::Test).count(), 6);
    assert_eq!(plan.parts[40], Part::Train);
    assert_eq!(
        plan.notes[..2],
        [
            SplitNote::FromDates {
                validation: Some("1970-01-15".to_owned()),
                test: Some("1970-01-18".to_owned())
            },
            SplitNote::Undated { rows: 1 },
        ]
    );
}

#[test]
fn by_date_every_part_has_a_day_or_it_is_refused() {
    let rows = dated(&[vec![Some(1); 30], vec![Some(2)], vec![Some(3)]].concat());
    let plan = divide(&rows, &names(2), by_date([70, 15, 15])).unwrap();
    assert_eq!(plan.parts[30..], [Part::Validation, Part::Test]);
    let rows = dated(&[vec![Some(1); 30], vec![Some(2); 5], vec![None; 9]].concat());
    let refused = divide(&rows, &names(2), by_date([70, 15, 15]));
    assert_eq!(refused, Err(SplitError::TooFewDates { days: 2 }));
    assert!(divide(&rows, &names(2), by_date([80, 0, 20])).is_ok());
}

#[test]
fn by_date_rows_that_are_later_than_the_test_begins_are_told() {
    let mut rows = dated(&(0..20).map(Some).collect::<Vec<_>>());
    // One patient is seen over the whole time.
    (rows[0].group, rows[19].group) = (Some(1), Some(1));
    let plan = divide(&rows, &names(2), by_date([70, 15, 15])).unwrap();
    assert_eq!(plan.parts[19], Part::Train);
    assert!(
        plan.notes.contains(&SplitNote::LaterThanTest { rows: 1 }),
        "{:?}",
        plan.notes
    );
}

#[test]
fn a_part_that_a_file_leaves_empty_is_told() {
    let mut rows = rows_of(&[10, 10]);
    for (index, row) in rows.iter_mut().enumerate() {
        row.file_part = Some(if index % 5 == 0 {
            Part::Validation
        } else {
            Part::Train
        });
    }
    let told = plan(&rows, [70, 15, 15]).notes;
    assert_eq!(told, [SplitNote::EmptyPart { part: Part::Test }]);
    assert_eq!(plan(&rows, [80, 20, 0]).notes, []);
}

#[test]
fn folds_are_the_test_part_in_turn() {
    let rows = rows_of(&[33, 20, 4]);
    let mut tested = vec![0; rows.len()];
    for number in 1..=5 {
        let way = SplitWay::Fold { number, of: 5 };
        let plan = divide(
            &rows,
            &names(3),
            Wanted {
                way,
                ..Wanted::random([70, 15, 15], 3)
            },
        )
        .unwrap();
        let test = plan.parts.iter().filter(|part| **part == Part::Test).count();
        assert!((8..=14).contains(&test), "{test}");
        assert!((5..=8).contains(&count(&rows, &plan, 0, Part::Test)));
        let validation = plan
            .parts
            .iter()
            .filter(|part| **part == Part::Validation)
            .count();
        assert!((6..=11).contains(&validation), "{validation}");
        plan.parts
            .iter()
            .zip(&mut tested)
            .for_each(|(part, tested)| *tested += u32::from(*part == Part::Test));
    }
    assert!(
        tested.iter().all(|times| *times == 1),
        "each row is tested once: {tested:?}"
    );
}

#[test]
fn rows_that_were_tested_stay_in_their_fold_whatever_labels_they_carry_now() {
    let wanted = |number| Wanted {
        way: SplitWay::Fold { number, of: 4 },
        ..Wanted::random([70, 15, 15], 3)
    };
    let tested = |rows: &[SplitRow], labels: usize, number| -> Vec<u32> {
        let plan = divide(rows, &names(labels), wanted(number)).unwrap();
        let test = rows
            .iter()
            .zip(plan.parts)
            .filter(|(_, part)| *part == Part::Test);
        test.map(|(row, _)| row.id).collect()
    };
    let mut rows = rows_of(&[20, 20]);
    let first = tested(&rows, 2, 1);
    for row in &mut rows {
        if first.contains(&row.id) {
            row.fold = FoldPlace::Tested(1);
        }
        // Half of the labels are corrected, and new rows come in.
        row.labels = Arc::new([row.id as usize % 3]);
    }
    rows.extend((100..110).map(|id| SplitRow {
        fold: FoldPlace::Later,
        ..row(id, 0)
    }));
    assert_eq!(tested(&rows, 3, 1), first);
    let others: Vec<u32> = (2..=4).flat_map(|number| tested(&rows, 3, number)).collect();
    assert_eq!(
        others.len(),
        40 - first.len(),
        "each once, and the new ones never"
    );
    assert!(others.iter().all(|id| !first.contains(id) && *id < 100));
}

#[test]
fn folds_that_are_none_are_refused() {
    let rows = rows_of(&[9, 9]);
    for (number, of) in [(0, 5), (6, 5), (1, 1), (1, 19)] {
        let wanted = Wanted {
            way: SplitWay::Fold { number, of },
            ..Wanted::random([70, 15, 15], 0)
        };
        assert_eq!(
            divide(&rows, &names(2), wanted),
            Err(SplitError::Fold { number, of })
        );
    }
    let mut official = rows_of(&[9, 9]);
    official[0].file_part = Some(Part::Test);
    let wanted = Wanted {
        way: SplitWay::Fold { number: 1, of: 3 },
        ..Wanted::random([70, 15, 15], 0)
    };
    assert_eq!(
        divide(&official, &names(2), wanted),
        Err(SplitError::FoldsBesideTestFile)
    );
}
