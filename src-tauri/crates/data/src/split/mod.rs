//! From labelled rows to train, validation and test: a pure function.
//!
//! In: rows with labels, group, content and the part their file gave them; percentages; a seed. Out: a part for each
//! row and what is worth knowing. Rows of one group, of one content or of one cluster of
//! near-duplicates are a *unit* and never straddle parts. Classes
//! are spread alike over the parts. The same rows and seed give the same split, on every machine.
//!
//! A part that the file gave stays: official test rows are the test part whatever else is in the project, and a
//! part that the file fills takes no further rows. Training rows of a file that brings no validation rows are free
//! to be divided, since nothing could be learned well without validation.

mod spread;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::date::iso;
use crate::types::Part;
use spread::{Unit, spread};

/// A cluster of near-duplicates that is larger than this share of all rows is a form that most texts are written in: kept
/// together it would leave nothing to divide. What it gives away is told with the split's leaks.
const LARGEST_CLUSTER: f64 = 0.1;
/// Clusters up to this size are kept together in any case.
const SMALL_CLUSTER: u32 = 20;

/// A class with fewer rows than this can hardly be learned or judged.
const TINY_CLASS: u32 = 10;

/// A labelled row, as far as the split cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitRow {
    /// Its id.
    pub id: u32,
    /// Indexes of its classes: one, or any number where a row may have several.
    pub labels: Arc<[usize]>,
    /// The unit it belongs to, such as a patient.
    pub group: Option<u32>,
    /// Hash of its text: equal for exact duplicates.
    pub content: u128,
    /// The cluster of near-duplicates it belongs to.
    pub near: Option<u32>,
    /// The part its file gave it.
    pub file_part: Option<Part>,
    /// Its day, counted from 1 January 1970.
    pub date: Option<i32>,
    /// Where it stands in the draw of folds that is gone on with.
    pub fold: FoldPlace,
}

/// Where a row stands in a draw of folds of which some were tested. A row is tested in one fold, whatever happens to labels
/// and rows between two folds: else the next one would be another draw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoldPlace {
    /// In one of the folds that were tested, counted from 1.
    Tested(u32),
    /// In one of the others.
    #[default]
    Open,
    /// In none: it came after the draw and is only learned from.
    Later,
}

/// By what rows are divided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "way", rename_all = "snake_case")]
pub enum SplitWay {
    /// By chance, classes spread alike.
    #[default]
    Random,
    /// By date: the oldest rows are learned from, the newest are the test part.
    ByDate,
    /// One of several folds, spread alike, is the test part; the other shares as in the percentages.
    Fold {
        /// Which, counted from 1.
        number: u32,
        /// Of how many, at least 2.
        of: u32,
    },
}

/// How rows are to be divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Train, validation and test; they sum to 100. The last does not count for folds.
    pub percent: [u32; 3],
    /// Decides the draw.
    pub seed: u32,
    /// By what.
    pub way: SplitWay,
}

/// A split: what [`divide`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The part of each row, in the order of the rows.
    pub parts: Vec<Part>,
    /// What is worth knowing.
    pub notes: Vec<SplitNote>,
}

/// Something worth knowing about a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SplitNote {
    /// A class with fewer than ten rows, but more than one.
    TinyClass {
        /// The class.
        label: String,
        /// Its rows.
        rows: u32,
    },
    /// A class with one row, which goes to train unless its file says otherwise.
    SingleRow {
        /// The class.
        label: String,
    },
    /// A part has rows, but none of this class.
    MissingFrom {
        /// The class.
        label: String,
        /// The part.
        part: Part,
    },
    /// Groups of several rows that are each whole in one part; those that a file divided do not count.
    GroupsKeptTogether {
        /// How many.
        groups: u32,
    },
    /// Rows whose texts share most of their wording and are with all of their kind in one part.
    NearDuplicatesKeptTogether {
        /// How many.
        rows: u32,
    },
    /// Rows whose text comes more than once and always in the same part.
    DuplicatesKeptTogether {
        /// How many.
        rows: u32,
    },
    /// Rows of train and validation whose text or group also stands in the test part that a file gave.
    SharedWithTest {
        /// How many.
        rows: u32,
    },
    /// Divided by date: the first days of the parts.
    FromDates {
        /// ISO 8601; `None` where the part is empty.
        validation: Option<String>,
        /// The same.
        test: Option<String>,
    },
    /// Divided by date, but these rows to learn from or to compare rounds on are later than the first day of the test part:
    /// they belong together with earlier ones.
    LaterThanTest {
        /// How many.
        rows: u32,
    },
    /// A part that was to have rows has none: the files that say which rows are whose fill the others.
    EmptyPart {
        /// The part.
        part: Part,
    },
    /// Rows of the test part that were hidden, corrected or labelled otherwise since a model was judged on it.
    TestChanged {
        /// How many.
        rows: u32,
    },
    /// Divided by date, rows without a day that can be read are learned from.
    Undated {
        /// How many.
        rows: u32,
    },
    /// The division before was given up after a model had been judged on its test part.
    TestReopened {
        /// How often that happened in this project.
        times: u32,
    },
    /// Rows that were labelled or brought in after the rows had been divided are learned from.
    AddedToTraining {
        /// How many.
        rows: u32,
        /// How many are not, because their like stands in the validation or the test part.
        left_out: u32,
    },
    /// Rows without a label, in no part.
    Unlabelled {
        /// How many.
        rows: u32,
    },
}

impl Wanted {
    /// By chance.
    pub fn random(percent: [u32; 3], seed: u32) -> Wanted {
        Wanted {
            percent,
            seed,
            way: SplitWay::Random,
        }
    }
}

impl SplitNote {
    /// The note about `rows` without a label, if there are any.
    pub fn unlabelled(rows: u32) -> Option<SplitNote> {
        (rows > 0).then_some(SplitNote::Unlabelled { rows })
    }
}

/// Why rows cannot be divided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The percentages do not sum to 100, or train would get nothing.
    #[error("percentages {percent:?}")]
    Percent {
        /// Train, validation, test as given.
        percent: [u32; 3],
    },
    /// No row has a label.
    #[error("no labelled row")]
    NoLabels,
    /// All labelled rows have the same label.
    #[error("one class only: {label:?}")]
    OneClass {
        /// The class.
        label: String,
    },
    /// Rows cannot be divided by date: too few different days can be read.
    #[error("{days} different days")]
    TooFewDates {
        /// Different days that could be read.
        days: u32,
    },
    /// No such fold.
    #[error("fold {number} of {of}")]
    Fold {
        /// As asked for.
        number: u32,
        /// As asked for.
        of: u32,
    },
    /// A file says which rows are the test part; folds would mix them with the others.
    #[error("folds beside a test part from a file")]
    FoldsBesideTestFile,
    /// Fewer than two classes have two rows or more.
    #[error("too few rows: {rows} for {classes} classes")]
    TooFewRows {
        /// Labelled rows.
        rows: u32,
        /// Classes among them.
        classes: u32,
    },
}

impl Plan {
    /// The rows of each part in whole percent that sum to 100 (the largest remainders round up).
    pub fn shares(&self) -> [u32; 3] {
        let total = self.parts.len().max(1);
        let rows = Part::ALL.map(|part| self.parts.iter().filter(|other| **other == part).count());
        let mut shares = rows.map(|rows| (rows * 100 / total) as u32);
        let mut by_remainder = [0, 1, 2];
        by_remainder.sort_by_key(|index| std::cmp::Reverse(rows[*index] * 100 % total));
        let missing = 100u32.saturating_sub(shares.iter().sum()) as usize;
        by_remainder
            .into_iter()
            .take(missing)
            .for_each(|index| shares[index] += 1);
        shares
    }
}

/// Divides `rows`; `names` are the classes' names, by label index.
///
/// # Errors
/// `Percent`, `NoLabels`, `OneClass`, `TooFewRows`, `TooFewDates`, `Fold`, `FoldsBesideTestFile`.
pub fn divide(rows: &[SplitRow], names: &[String], wanted: Wanted) -> Result<Plan, SplitError> {
    check(rows, names, wanted.percent)?;
    let fixed = fixed_parts(rows);
    let free: Vec<usize> = (0..rows.len()).filter(|index| fixed[*index].is_none()).collect();
    let units = units(rows, &free);
    let wish = wish(wanted.percent, &fixed);
    let chosen = match wanted.way {
        SplitWay::Random => spread(&units, names.len(), wish, wanted.seed),
        SplitWay::ByDate => by_date(rows, &units, wish)?,
        SplitWay::Fold { number, of } => {
            if fixed.contains(&Some(Part::Test)) {
                return Err(SplitError::FoldsBesideTestFile);
            }
            fold(rows, &units, names.len(), wanted, number, of)?
        }
    };
    let mut parts: Vec<Part> = fixed.iter().map(|part| part.unwrap_or(Part::Train)).collect();
    for (unit, part) in units.iter().zip(chosen) {
        unit.rows.iter().for_each(|row| parts[*row] = part);
    }
    let mut notes = notes(rows, names, &parts, wanted.percent);
    if wanted.way == SplitWay::ByDate {
        notes.splice(0..0, date_notes(rows, &parts));
    }
    Ok(Plan { parts, notes })
}

/// The part of each unit by its first day; units of one day are not divided. Units without a day are learned from.
fn by_date(rows: &[SplitRow], units: &[Unit], wish: [f64; 3]) -> Result<Vec<Part>, SplitError> {
    let first_day = |unit: &Unit| unit.rows.iter().filter_map(|row| rows[*row].date).min();
    let mut dated: Vec<(i32, usize)> = (units.iter().enumerate())
        .filter_map(|(index, unit)| Some((first_day(unit)?, index)))
        .collect();
    dated.sort_unstable();
    let days: Vec<&[(i32, usize)]> = dated.chunk_by(|a, b| a.0 == b.0).collect();
    let has = |part: Part| usize::from(wish[part.index()] > 0.0);
    let (validation, test) = (has(Part::Validation), has(Part::Test));
    if days.len() < (1 + validation + test).max(2) {
        return Err(SplitError::TooFewDates {
            days: days.len() as u32,
        });
    }
    let sizes: Vec<usize> = days
        .iter()
        .map(|day| day.iter().map(|(_, unit)| units[*unit].rows.len()).sum())
        .collect();
    let total: usize = sizes.iter().sum();
    // The days whose middle row lies within a share of all rows.
    let within = |share: f64| {
        let mut seen = 0;
        let middles = sizes.iter().map(|size| {
            seen += size;
            seen as f64 - *size as f64 / 2.0
        });
        middles
            .take_while(|middle| *middle < share * total as f64)
            .count()
    };
    let train_days = within(wish[0]).clamp(1, days.len() - validation - test);
    let learnt_days = within(wish[0] + wish[1]).clamp(train_days + validation, days.len() - test);
    let mut chosen = vec![Part::Train; units.len()];
    for (index, day) in days.iter().enumerate().skip(train_days) {
        let part = if index < learnt_days {
            Part::Validation
        } else {
            Part::Test
        };
        day.iter().for_each(|(_, unit)| chosen[*unit] = part);
    }
    Ok(chosen)
}

/// The rows of a fold that was tested are its test part again. Else one fold after the other is drawn from what was never
/// tested, and the last one drawn is the test part.
fn fold(
    rows: &[SplitRow],
    units: &[Unit],
    classes: usize,
    wanted: Wanted,
    number: u32,
    of: u32,
) -> Result<Vec<Part>, SplitError> {
    if of < 2 || !(1..=of).contains(&number) || of as usize > units.len() {
        return Err(SplitError::Fold { number, of });
    }
    // Rows that belong together now may have been tested in different folds: together they stay.
    let place = |unit: &Unit| unit.rows.iter().map(|row| rows[*row].fold).min();
    let places: Vec<FoldPlace> = units.iter().map(|unit| place(unit).unwrap_or_default()).collect();
    let is_tested = |fold: u32| places.contains(&FoldPlace::Tested(fold));
    let mut chosen = vec![Part::Train; units.len()];
    let mut test = |unit: usize| chosen[unit] = Part::Test;
    if is_tested(number) {
        (0..units.len())
            .filter(|unit| places[*unit] == FoldPlace::Tested(number))
            .for_each(&mut test);
    } else {
        let mut left: Vec<usize> = (0..units.len())
            .filter(|unit| places[*unit] == FoldPlace::Open)
            .collect();
        let open: Vec<u32> = (1..=of).filter(|fold| !is_tested(*fold)).collect();
        for (drawn, fold) in open.iter().enumerate().take_while(|(_, fold)| **fold <= number) {
            let share = 1.0 / (open.len() - drawn) as f64;
            let rest: Vec<Unit> = left.iter().map(|unit| units[*unit].clone()).collect();
            let parts = spread(&rest, classes, [1.0 - share, 0.0, share], wanted.seed);
            // The last fold is what is left.
            let is_drawn = |place: usize| drawn + 1 == open.len() || parts[place] == Part::Test;
            if *fold == number {
                (0..left.len())
                    .filter(|place| is_drawn(*place))
                    .for_each(|place| test(left[place]));
            }
            left = (0..left.len())
                .filter(|place| !is_drawn(*place))
                .map(|place| left[place])
                .collect();
        }
    }
    let [train, validation, _] = wanted.percent.map(f64::from);
    let others: Vec<usize> = (0..units.len())
        .filter(|unit| chosen[*unit] != Part::Test)
        .collect();
    let rest: Vec<Unit> = others.iter().map(|unit| units[*unit].clone()).collect();
    let share = validation / (train + validation);
    for (unit, part) in others
        .iter()
        .zip(spread(&rest, classes, [1.0 - share, share, 0.0], wanted.seed))
    {
        chosen[*unit] = part;
    }
    Ok(chosen)
}

fn date_notes(rows: &[SplitRow], parts: &[Part]) -> Vec<SplitNote> {
    let first = |wanted: Part| {
        let days = rows
            .iter()
            .zip(parts)
            .filter(|(_, part)| **part == wanted)
            .filter_map(|(row, _)| row.date);
        days.min().map(iso)
    };
    let mut notes = vec![SplitNote::FromDates {
        validation: first(Part::Validation),
        test: first(Part::Test),
    }];
    let day = |wanted: bool| {
        let of_part = rows.iter().zip(parts);
        let of_part = of_part.filter(move |(_, part)| (**part == Part::Test) == wanted);
        of_part.filter_map(|(row, _)| row.date)
    };
    if let Some(first) = day(true).min() {
        let later = day(false).filter(|day| *day > first).count() as u32;
        notes.extend((later > 0).then_some(SplitNote::LaterThanTest { rows: later }));
    }
    let undated = rows.iter().filter(|row| row.date.is_none()).count() as u32;
    notes.extend((undated > 0).then_some(SplitNote::Undated { rows: undated }));
    notes
}

fn check(rows: &[SplitRow], names: &[String], percent: [u32; 3]) -> Result<(), SplitError> {
    let sum: u64 = percent.iter().map(|part| u64::from(*part)).sum();
    if sum != 100 || percent[0] == 0 {
        return Err(SplitError::Percent { percent });
    }
    let counts = count_labels(rows, names.len());
    let everywhere = |label: usize| counts[label] as usize == rows.len();
    let mut used = counts.iter().enumerate().filter(|(_, rows)| **rows > 0);
    match (used.next(), used.next()) {
        (None, _) => Err(SplitError::NoLabels),
        // One label that some rows carry and others do not is something to learn.
        (Some((label, _)), None) if everywhere(label) => Err(SplitError::OneClass {
            label: names[label].clone(),
        }),
        _ if distinguishable(rows, &counts) < 2 => Err(SplitError::TooFewRows {
            rows: rows.len() as u32,
            classes: counts.iter().filter(|rows| **rows > 0).count() as u32,
        }),
        _ => Ok(()),
    }
}

fn count_labels(rows: &[SplitRow], classes: usize) -> Vec<u32> {
    let mut counts = vec![0; classes];
    rows.iter()
        .flat_map(|row| row.labels.iter())
        .for_each(|label| counts[*label] += 1);
    counts
}

/// Classes with two rows or more; rows with none of the labels count as one.
fn distinguishable(rows: &[SplitRow], counts: &[u32]) -> usize {
    let bare = rows.iter().filter(|row| row.labels.is_empty()).count();
    counts.iter().filter(|rows| **rows > 1).count() + usize::from(bare > 1)
}

/// The part that each row's file settles.
fn fixed_parts(rows: &[SplitRow]) -> Vec<Option<Part>> {
    let has_validation = rows.iter().any(|row| row.file_part == Some(Part::Validation));
    let settled = |part: &Part| *part != Part::Train || has_validation;
    rows.iter().map(|row| row.file_part.filter(settled)).collect()
}

/// The share of the free rows for each part: by percent among train and the parts that no file fills.
fn wish(percent: [u32; 3], fixed: &[Option<Part>]) -> [f64; 3] {
    let filled = |part: Part| part != Part::Train && fixed.contains(&Some(part));
    let open = Part::ALL.map(|part| if filled(part) { 0 } else { percent[part.index()] });
    let sum: u32 = open.iter().sum();
    open.map(|part| f64::from(part) / f64::from(sum))
}

/// The clusters of near-duplicates that are kept together, with their rows.
fn kept_clusters(rows: &[SplitRow]) -> HashMap<u32, u32> {
    let mut clusters = repeated(rows.iter().filter_map(|row| row.near));
    let most = (LARGEST_CLUSTER * rows.len() as f64) as u32;
    clusters.retain(|_, size| *size <= most.max(SMALL_CLUSTER));
    clusters
}

/// The free rows joined by group, by content and by cluster of near-duplicates.
fn units(rows: &[SplitRow], free: &[usize]) -> Vec<Unit> {
    let mut parent: Vec<usize> = (0..free.len()).collect();
    let mut first_of_group: HashMap<u32, usize> = HashMap::new();
    let mut first_of_content: HashMap<u128, usize> = HashMap::new();
    let mut first_of_near: HashMap<u32, usize> = HashMap::new();
    let clusters = kept_clusters(rows);
    for (index, row) in free.iter().map(|row| &rows[*row]).enumerate() {
        join(
            &mut parent,
            index,
            *first_of_content.entry(row.content).or_insert(index),
        );
        if let Some(near) = row.near.filter(|near| clusters.contains_key(near)) {
            join(&mut parent, index, *first_of_near.entry(near).or_insert(index));
        }
        if let Some(group) = row.group {
            join(&mut parent, index, *first_of_group.entry(group).or_insert(index));
        }
    }
    let mut unit_of_root: HashMap<usize, usize> = HashMap::new();
    let mut units: Vec<Unit> = Vec::new();
    for (index, row) in free.iter().enumerate() {
        let root = root(&mut parent, index);
        let unit = *unit_of_root.entry(root).or_insert_with(|| {
            units.push(Unit::default());
            units.len() - 1
        });
        units[unit].add(*row, &rows[*row].labels);
    }
    units
}

/// The representative of `index` in a forest of parents, halving the path on the way.
fn root(parent: &mut [usize], mut index: usize) -> usize {
    while parent[index] != index {
        parent[index] = parent[parent[index]];
        index = parent[index];
    }
    index
}

fn join(parent: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parent, a), root(parent, b));
    // The earlier row stays the representative, so that the order of units does not depend on hashing.
    parent[a.max(b)] = a.min(b);
}

fn notes(rows: &[SplitRow], names: &[String], parts: &[Part], percent: [u32; 3]) -> Vec<SplitNote> {
    let empty = |part: &Part| percent[part.index()] > 0 && !parts.contains(part);
    let empty = Part::ALL.into_iter().filter(empty);
    let mut notes: Vec<SplitNote> = empty.map(|part| SplitNote::EmptyPart { part }).collect();
    let mut by_part = vec![[0u32; 3]; names.len()];
    for (row, part) in rows.iter().zip(parts) {
        row.labels
            .iter()
            .for_each(|label| by_part[*label][part.index()] += 1);
    }
    let used_parts: Vec<Part> = Part::ALL
        .into_iter()
        .filter(|part| parts.contains(part))
        .collect();
    for (counts, label) in by_part.iter().zip(names) {
        match counts.iter().sum() {
            0 => continue,
            1 => notes.push(SplitNote::SingleRow { label: label.clone() }),
            rows if rows < TINY_CLASS => notes.push(SplitNote::TinyClass {
                label: label.clone(),
                rows,
            }),
            _ => {}
        }
        let missing = used_parts.iter().filter(|part| counts[part.index()] == 0);
        notes.extend(missing.map(|part| SplitNote::MissingFrom {
            label: label.clone(),
            part: *part,
        }));
    }
    let placed = || rows.iter().zip(parts.iter().copied());
    let groups = kept_whole(placed().filter_map(|(row, part)| Some((row.group?, part)))).len() as u32;
    if groups > 0 {
        notes.push(SplitNote::GroupsKeptTogether { groups });
    }
    let duplicates: u32 = kept_whole(placed().map(|(row, part)| (row.content, part)))
        .values()
        .sum();
    if duplicates > 0 {
        notes.push(SplitNote::DuplicatesKeptTogether { rows: duplicates });
    }
    let near: u32 = kept_whole(placed().filter_map(|(row, part)| Some((row.near?, part))))
        .values()
        .sum();
    if near > 0 {
        notes.push(SplitNote::NearDuplicatesKeptTogether { rows: near });
    }
    let shared = shared_with_test(rows, parts);
    if shared > 0 {
        notes.push(SplitNote::SharedWithTest { rows: shared });
    }
    notes
}

/// The keys that come more than once, with how often.
fn repeated<K: Hash + Eq>(keys: impl Iterator<Item = K>) -> HashMap<K, u32> {
    let mut counts = HashMap::new();
    keys.for_each(|key| *counts.entry(key).or_insert(0) += 1);
    counts.retain(|_, count| *count > 1);
    counts
}

/// As [`repeated`], without the keys that come in more than one part.
fn kept_whole<K: Hash + Eq>(placed: impl Iterator<Item = (K, Part)>) -> HashMap<K, u32> {
    let mut counts: HashMap<K, (u32, Part, bool)> = HashMap::new();
    for (key, part) in placed {
        let (count, first, whole) = counts.entry(key).or_insert((0, part, true));
        *count += 1;
        *whole &= *first == part;
    }
    let kept = |(key, (count, _, whole))| (count > 1 && whole).then_some((key, count));
    counts.into_iter().filter_map(kept).collect()
}

fn shared_with_test(rows: &[SplitRow], parts: &[Part]) -> u32 {
    let of_part = |wanted: bool| {
        rows.iter()
            .zip(parts)
            .filter(move |(_, part)| (**part == Part::Test) == wanted)
            .map(|(row, _)| row)
    };
    let contents: HashSet<u128> = of_part(true).map(|row| row.content).collect();
    let groups: HashSet<u32> = of_part(true).filter_map(|row| row.group).collect();
    let shared = |row: &&SplitRow| {
        contents.contains(&row.content) || row.group.is_some_and(|group| groups.contains(&group))
    };
    of_part(false).filter(shared).count() as u32
}
