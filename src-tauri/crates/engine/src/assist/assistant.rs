//! A head on what the encoder made of the texts, learnt again as labels come.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use understudy_assist::{
    Doubt, Forecast, Gold, Head, Vectors, begins_with_typical, doubts, forecast, learn, typical,
    uncertain_and_spread, uncertainty,
};
use understudy_data::{Among, LabelledRow, ProblemType, Project, TextHash, VectorFile};
use understudy_eval::{given, most_probable, wilson};

use super::view::{AssistState, DoubtPage, DoubtfulRow, LabelChance, Next, Order, Suggestion, Waiting};
use super::{encoder, kept_as};
use crate::error::Result;

/// Fewer labelled texts teach nothing.
pub const LEAST_LABELLED: usize = 10;
/// Of more a part is learnt from, all of rare labels: a head on frozen vectors hardly learns more, and takes longer.
const MOST_LABELLED: usize = 5_000;
/// Texts without a label that are looked at for the next ones.
const CANDIDATES: u32 = 6_000;
/// Texts that are put in line; the head learns again before they run out.
const QUEUE: usize = 48;
/// Likeliest labels that are told.
const CHANCES: usize = 5;
/// Similar texts that are told of a doubtful one.
const NEIGHBOURS: usize = 10;
/// Characters of a doubtful text.
const SHOWN: usize = 2_000;
/// The same labels give the same order.
const SEED: u64 = 17;

/// What was learnt from the labels that there were.
#[derive(Debug)]
pub struct Assistant {
    state: AssistState,
    several: bool,
    /// Ids of the labels, in the order of the probabilities.
    labels: Vec<u32>,
    /// Whether each of them is still given.
    offered: Vec<bool>,
    head: Option<Head>,
    file: Option<VectorFile>,
    useful: Vec<u32>,
    rare: Vec<u32>,
    /// The labelled rows that were learnt from, and their vectors.
    learnt_from: Vec<LabelledRow>,
    vectors: Vec<f32>,
    dimensions: usize,
    doubts: Vec<Doubt>,
}

impl Assistant {
    /// Learns from the labels that there are; what it cannot do yet is said in its state. `stop` is asked now and then.
    ///
    /// # Errors
    /// Those of the database and of reading.
    pub fn learn(project: &Project, stop: &dyn Fn() -> bool) -> Result<Assistant> {
        let began = Instant::now();
        let encoder = encoder(project)?;
        let file = VectorFile::find(project.folder(), &kept_as(&encoder))?;
        let several = project.problem_type()? == ProblemType::MultiLabel;
        let mut assistant = Assistant {
            state: AssistState {
                encoder,
                waiting: Some(Waiting::Texts),
                learnt_from: 0,
                least: LEAST_LABELLED as u32,
                right: None,
                right_interval: None,
                doubts: 0,
                seconds: 0.0,
            },
            several,
            labels: Vec::new(),
            offered: Vec::new(),
            head: None,
            dimensions: file.as_ref().map_or(0, VectorFile::dimensions),
            file: None,
            useful: Vec::new(),
            rare: Vec::new(),
            learnt_from: Vec::new(),
            vectors: Vec::new(),
            doubts: Vec::new(),
        };
        if let Some(file) = file {
            assistant.learn_from_labels(project, &file, stop)?;
            assistant.put_in_line(project, &file)?;
            assistant.file = Some(file);
        }
        assistant.state.seconds = began.elapsed().as_secs_f64();
        Ok(assistant)
    }

    fn learn_from_labels(
        &mut self,
        project: &Project,
        file: &VectorFile,
        stop: &dyn Fn() -> bool,
    ) -> Result<()> {
        let (rows, vectors) = with_vectors(file, a_part_of(project.labelled_rows()?, MOST_LABELLED))?;
        let wanted = Wanted::of(&rows, self.several);
        (self.labels, self.learnt_from, self.vectors) = (wanted.labels.clone(), rows, vectors);
        let known = project.label_state()?.labels;
        let offered = |id: &u32| known.iter().any(|label| label.id == *id && !label.retired);
        self.offered = self.labels.iter().map(offered).collect();
        self.state.learnt_from = self.learnt_from.len() as u32;
        if self.learnt_from.len() < LEAST_LABELLED {
            self.state.waiting = Some(Waiting::Labels);
            return Ok(());
        }
        let gold: Vec<&[usize]> = wanted.gold.iter().map(Vec::as_slice).collect();
        let classes = wanted.labels.len();
        let gold = Gold {
            labels: &gold,
            classes,
            several: self.several,
        };
        let Some(learnt) = learn(self.learnt_vectors(), gold, &wanted.groups, SEED, stop) else {
            self.state.waiting = Some(Waiting::Labels);
            return Ok(());
        };
        let answers = learnt.out_of_fold.chunks_exact(classes).zip(gold.labels);
        let right = answers
            .filter(|(row, labels)| match self.several {
                true => given(row, &vec![0.5; classes]) == **labels,
                false => labels.first() == Some(&most_probable(row)),
            })
            .count();
        self.state.right = Some(right as f64 / gold.labels.len() as f64);
        self.state.right_interval = Some(wilson(right, gold.labels.len()));
        for doubt in doubts(&learnt.out_of_fold, gold.labels, classes, self.several) {
            let possible = doubt.better.iter().all(|class| self.offered[*class]);
            if possible && !project.is_confirmed(self.learnt_from[doubt.text].example)? {
                self.doubts.push(doubt);
            }
        }
        self.state.doubts = self.doubts.len() as u32;
        self.state.waiting = None;
        self.head = Some(learnt.head);
        Ok(())
    }

    /// Chooses the texts to label next.
    fn put_in_line(&mut self, project: &Project, file: &VectorFile) -> Result<()> {
        let rows = project.rows_among(Among::Unlabelled, CANDIDATES)?.1;
        let (found, vectors) = file.get(&rows)?;
        let vectors = Vectors::new(&vectors, self.dimensions);
        let ids = |chosen: Vec<usize>| chosen.into_iter().map(|place| rows[found[place]].0).collect();
        let early = begins_with_typical(self.learnt_from.len(), self.labels.len());
        if early || self.head.is_none() {
            self.useful = ids(typical(vectors, self.learnt_vectors(), QUEUE, SEED));
        }
        let Some(head) = &self.head else {
            return Ok(());
        };
        let probabilities = head.probabilities(vectors);
        if !early {
            let unsure = uncertainty(&probabilities, head.classes(), self.several);
            self.useful = ids(uncertain_and_spread(vectors, &unsure, QUEUE, SEED));
        }
        self.rare = ids(self.rare_first(&probabilities));
        Ok(())
    }

    /// The texts that probably carry labels that few texts carry.
    fn rare_first(&self, probabilities: &[f32]) -> Vec<usize> {
        let mut counts = vec![0_u32; self.labels.len()];
        for row in &self.learnt_from {
            for label in &row.labels {
                if let Some(class) = self.labels.iter().position(|known| known == label) {
                    counts[class] += 1;
                }
            }
        }
        let weights: Vec<f32> = counts.iter().map(|count| 1.0 / (*count as f32 + 1.0)).collect();
        let of_text = |row: &[f32]| {
            row.iter()
                .zip(&weights)
                .map(|(p, weight)| p * weight)
                .sum::<f32>()
        };
        let rarity: Vec<f32> = probabilities
            .chunks_exact(self.labels.len())
            .map(of_text)
            .collect();
        let mut order: Vec<usize> = (0..rarity.len()).collect();
        order.sort_by(|a, b| rarity[*b].total_cmp(&rarity[*a]).then(a.cmp(b)));
        order.truncate(QUEUE);
        order
    }

    /// How far it is.
    pub fn state(&self) -> &AssistState {
        &self.state
    }

    /// What a row is probably called; `None` while it cannot say.
    ///
    /// # Errors
    /// Those of the database and of reading.
    pub fn suggestion(&self, project: &Project, example: u32) -> Result<Option<Suggestion>> {
        let (Some(head), Some(file)) = (&self.head, &self.file) else {
            return Ok(None);
        };
        let Some(hash) = project.text_hash(example)? else {
            return Ok(None);
        };
        let (found, vector) = file.get(&[(example, hash)])?;
        if found.is_empty() {
            return Ok(None);
        }
        // A retired label is suggested to nobody; nor is anything while the project has another kind of labels by now.
        let mut row = head.probabilities(Vectors::new(&vector, self.dimensions));
        let offered = row.iter_mut().zip(&self.offered);
        offered
            .filter(|(_, offered)| !**offered)
            .for_each(|(p, _)| *p = 0.0);
        if (project.problem_type()? == ProblemType::MultiLabel) != self.several {
            return Ok(None);
        }
        let chosen = match self.several {
            true => given(&row, &vec![0.5; row.len()]),
            false => vec![most_probable(&row)],
        };
        let confidence = match self.several {
            true => row.iter().map(|p| p.max(1.0 - p)).fold(1.0, f32::min),
            false => row[chosen[0]],
        };
        let mut chances: Vec<LabelChance> = self
            .labels
            .iter()
            .zip(&row)
            .map(|(label, p)| LabelChance {
                label: *label,
                probability: f64::from(*p),
            })
            .collect();
        chances.sort_by(|a, b| {
            b.probability
                .total_cmp(&a.probability)
                .then(a.label.cmp(&b.label))
        });
        chances.truncate(CHANCES);
        Ok(Some(Suggestion {
            labels: chosen.into_iter().map(|class| self.labels[class]).collect(),
            confidence: f64::from(confidence),
            chances,
        }))
    }

    /// The row to label next, none of `but` (the one on screen first, then those that were passed over); `None` when all
    /// others are labelled.
    ///
    /// # Errors
    /// Those of the database.
    pub fn next(&self, project: &Project, order: Order, but: &[u32]) -> Result<Option<Next>> {
        let after = but.first().copied();
        let line = match order {
            Order::Useful => &self.useful,
            Order::Rare => &self.rare,
            Order::Random => {
                return Ok(project.random_unlabelled(after)?.map(|example| Next {
                    example,
                    by: Some(order),
                    typical: false,
                }));
            }
        };
        for example in line {
            // Rows are labelled and hidden while the line stands.
            if !but.contains(example) && project.is_among(*example, Among::Unlabelled)? {
                return Ok(Some(Next {
                    example: *example,
                    by: Some(order),
                    typical: self.head.is_none(),
                }));
            }
        }
        Ok(project.next_unlabelled(after)?.map(|example| Next {
            example,
            by: None,
            typical: false,
        }))
    }

    /// The rows that stand in line by an order and are still without a label, the first ones first; by chance none do.
    ///
    /// # Errors
    /// Those of the database.
    pub fn line(&self, project: &Project, order: Order, limit: usize) -> Result<Vec<u32>> {
        let line = match order {
            Order::Useful => &self.useful[..],
            Order::Rare => &self.rare,
            Order::Random => &[],
        };
        let mut open = Vec::new();
        for example in line {
            if open.len() < limit && project.is_among(*example, Among::Unlabelled)? {
                open.push(*example);
            }
        }
        Ok(open)
    }

    /// A page of the doubtful rows; those that carry other labels by now are left out.
    ///
    /// # Errors
    /// Those of the database.
    pub fn doubts_page(&self, project: &Project, offset: u32, limit: u32) -> Result<DoubtPage> {
        let mut open = Vec::new();
        for doubt in &self.doubts {
            let row = &self.learnt_from[doubt.text];
            if project.carries(row.example, &row.labels)? && !project.is_confirmed(row.example)? {
                open.push(doubt);
            }
        }
        let total = open.len() as u32;
        let page = open.into_iter().skip(offset as usize).take(limit as usize);
        let rows = page
            .map(|doubt| self.doubtful(project, doubt))
            .collect::<Result<_>>()?;
        Ok(DoubtPage {
            total,
            of: self.learnt_from.len() as u32,
            rows,
        })
    }

    fn doubtful(&self, project: &Project, doubt: &Doubt) -> Result<DoubtfulRow> {
        let row = &self.learnt_from[doubt.text];
        let better: Vec<u32> = doubt.better.iter().map(|class| self.labels[*class]).collect();
        let near = self.neighbours(doubt.text);
        let called = |labels: &[u32]| {
            near.iter()
                .filter(|other| self.learnt_from[**other].labels == labels)
                .count()
        };
        let text = project.texts_of(&[row.example], SHOWN)?.pop().unwrap_or_default();
        Ok(DoubtfulRow {
            example: row.example,
            text,
            given: f64::from(doubt.given),
            likelier: f64::from(doubt.likelier),
            neighbours: near.len() as u32,
            neighbours_as_given: called(&row.labels) as u32,
            neighbours_as_better: called(&better) as u32,
            labels: row.labels.clone(),
            better,
        })
    }

    /// The most similar of the rows that were learnt from; the same text again is not counted.
    fn neighbours(&self, text: usize) -> Vec<usize> {
        let vectors = self.learnt_vectors();
        let asked = Vectors::new(vectors.row(text), self.dimensions);
        let cosines = vectors.cosines(asked);
        let own = self.learnt_from[text].hash;
        let mut others: Vec<usize> = (0..cosines.len())
            .filter(|other| self.learnt_from[*other].hash != own)
            .collect();
        others.sort_by(|a, b| cosines[*b].total_cmp(&cosines[*a]).then(a.cmp(b)));
        others.truncate(NEIGHBOURS);
        others
    }

    fn learnt_vectors(&self) -> Vectors<'_> {
        Vectors::new(&self.vectors, self.dimensions)
    }
}

/// What 50, 100 and 200 more labels would bring; `None` while there are too few.
///
/// # Errors
/// Those of the database and of reading.
pub fn foretell(project: &Project, stop: &dyn Fn() -> bool) -> Result<Option<Forecast>> {
    const MORE: [usize; 3] = [50, 100, 200];
    let several = project.problem_type()? == ProblemType::MultiLabel;
    let Some(file) = VectorFile::find(project.folder(), &kept_as(&encoder(project)?))? else {
        return Ok(None);
    };
    let (rows, vectors) = with_vectors(&file, a_part_of(project.labelled_rows()?, MOST_LABELLED))?;
    let wanted = Wanted::of(&rows, several);
    if wanted.labels.len() < if several { 1 } else { 2 } {
        return Ok(None);
    }
    let gold: Vec<&[usize]> = wanted.gold.iter().map(Vec::as_slice).collect();
    let gold = Gold {
        labels: &gold,
        classes: wanted.labels.len(),
        several,
    };
    let vectors = Vectors::new(&vectors, file.dimensions());
    Ok(forecast(vectors, gold, &wanted.groups, &MORE, SEED, stop))
}

/// All, or of more than `most` about as many: of every label an equal share, all of the rare ones, and of the others
/// some from everywhere.
fn a_part_of(rows: Vec<LabelledRow>, most: usize) -> Vec<LabelledRow> {
    if rows.len() <= most {
        return rows;
    }
    let mut counts: HashMap<Option<u32>, usize> = HashMap::new();
    for row in &rows {
        *counts.entry(row.labels.first().copied()).or_default() += 1;
    }
    // What rare labels leave of their share is for the others.
    let mut sizes: Vec<usize> = counts.values().copied().collect();
    sizes.sort_unstable();
    let (mut left, mut share) = (most, most);
    for (place, size) in sizes.iter().enumerate() {
        share = left / (sizes.len() - place);
        if *size > share {
            break;
        }
        left -= size;
    }
    let mut seen: HashMap<Option<u32>, usize> = HashMap::new();
    rows.into_iter()
        .filter(|row| {
            let label = row.labels.first().copied();
            let (size, seen) = (counts[&label], seen.entry(label).or_default());
            // The n-th row is taken where n × share / size passes a whole number.
            *seen += share.min(size);
            let passes = *seen >= size;
            *seen -= if passes { size } else { 0 };
            passes
        })
        .collect()
}

/// The rows that have a vector, with the vectors end to end.
fn with_vectors(file: &VectorFile, rows: Vec<LabelledRow>) -> Result<(Vec<LabelledRow>, Vec<f32>)> {
    let hashes: Vec<(u32, TextHash)> = rows.iter().map(|row| (row.example, row.hash)).collect();
    let (found, vectors) = file.get(&hashes)?;
    let found: HashSet<usize> = found.into_iter().collect();
    let rows = rows
        .into_iter()
        .enumerate()
        .filter(|(place, _)| found.contains(place));
    Ok((rows.map(|(_, row)| row).collect(), vectors))
}

/// Labels as classes.
struct Wanted {
    /// Ids of the labels, ascending: class i is the i-th.
    labels: Vec<u32>,
    /// Classes of each row.
    gold: Vec<Vec<usize>>,
    /// Rows of one text are of one group.
    groups: Vec<u64>,
}

impl Wanted {
    fn of(rows: &[LabelledRow], several: bool) -> Self {
        let mut labels: Vec<u32> = rows.iter().flat_map(|row| row.labels.iter().copied()).collect();
        labels.sort_unstable();
        labels.dedup();
        let classes: HashMap<u32, usize> = labels.iter().copied().zip(0..).collect();
        let class = |label: &u32| classes[label];
        // Where a text has one label again, an undo may have brought back several.
        let most = if several { usize::MAX } else { 1 };
        Wanted {
            gold: rows
                .iter()
                .map(|row| row.labels.iter().take(most).map(class).collect())
                .collect(),
            groups: rows
                .iter()
                .map(|row| u64::from_le_bytes(row.hash[..8].try_into().unwrap_or_default()))
                .collect(),
            labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use understudy_data::{ColumnRole, DialectOverrides, ImportOptions};

    use super::*;

    /// A project of texts of three kinds, read by an encoder for which each kind lies in a direction of its own; `label`
    /// says what is labelled.
    fn project(rows: u32, label: impl Fn(u32) -> Option<u32>) -> (tempfile::TempDir, Project) {
        let place = tempfile::tempdir().unwrap();
        let mut project = Project::create(&place.path().join("p.understudy"), "p").unwrap();
        let row = |i: u32| {
            let label = label(i).map_or(String::new(), |label| {
                ["law", "heart", "bill"][label as usize].to_owned()
            });
            format!("text {i},{label}\n")
        };
        let csv = place.path().join("t.csv");
        std::fs::write(
            &csv,
            format!("text,label\n{}", (0..rows).map(row).collect::<String>()),
        )
        .unwrap();
        let options = ImportOptions {
            dialect: DialectOverrides::default(),
            roles: vec![ColumnRole::Text, ColumnRole::Label],
            label_separator: None,
        };
        project.import(&csv, &options, &mut |_, _| true).unwrap();
        let file = VectorFile::open(project.folder(), &kept_as(crate::models::STARTER), 4).unwrap();
        let hashes = project.text_hashes(0, rows).unwrap();
        let vectors: Vec<f32> = (0..rows)
            .flat_map(|i| {
                let mut vector = [0.05 * (i % 7) as f32; 4];
                vector[(i % 3) as usize] = 1.0;
                understudy_assist::vectors::normalise(&mut vector);
                vector
            })
            .collect();
        file.put(&hashes, &vectors).unwrap();
        (place, project)
    }

    fn label_id(project: &Project, name: &str) -> u32 {
        let labels = project.label_state().unwrap().labels;
        labels.iter().find(|label| label.name == name).unwrap().id
    }

    #[test]
    fn after_a_few_labels_the_others_are_suggested() {
        let (_place, project) = project(60, |i| (i < 12).then_some(i % 3));
        let assistant = Assistant::learn(&project, &|| false).unwrap();
        let state = assistant.state();
        assert_eq!((state.waiting, state.learnt_from, state.doubts), (None, 12, 0));
        assert_eq!(state.right, Some(1.0));
        // Row ids count from 1: row 14 is text 13, of the second kind.
        let suggestion = assistant.suggestion(&project, 14).unwrap().unwrap();
        assert_eq!(suggestion.labels, [label_id(&project, "heart")]);
        assert!(suggestion.confidence > 0.5 && suggestion.chances.len() == 3);
        assert!(suggestion.chances[0].probability >= suggestion.chances[1].probability);
    }

    #[test]
    fn before_there_are_labels_typical_texts_of_every_kind_come_first() {
        let (_place, mut project) = project(60, |_| None);
        let assistant = Assistant::learn(&project, &|| false).unwrap();
        assert_eq!(assistant.state().waiting, Some(Waiting::Labels));
        assert_eq!(assistant.suggestion(&project, 1).unwrap(), None);
        let first = assistant.next(&project, Order::Useful, &[]).unwrap().unwrap();
        assert!(first.typical && first.by == Some(Order::Useful));
        let label = project.add_label("law").unwrap().labels[0].id;
        project.annotate(first.example, Some(&[label]), "me").unwrap();
        let second = assistant
            .next(&project, Order::Useful, &[first.example])
            .unwrap()
            .unwrap();
        assert_ne!(second.example, first.example);
    }

    #[test]
    fn all_orders_end_when_all_is_labelled() {
        let (_place, mut project) = project(30, |i| (i < 29).then_some(i % 3));
        let assistant = Assistant::learn(&project, &|| false).unwrap();
        let label = label_id(&project, "law");
        for order in [Order::Useful, Order::Rare, Order::Random] {
            assert_eq!(assistant.next(&project, order, &[]).unwrap().unwrap().example, 30);
        }
        project.annotate(30, Some(&[label]), "me").unwrap();
        for order in [Order::Useful, Order::Rare, Order::Random] {
            assert_eq!(assistant.next(&project, order, &[]).unwrap(), None);
        }
    }

    #[test]
    fn of_very_many_labelled_rows_all_of_rare_labels_are_learnt_from() {
        let row = |example: u32| LabelledRow {
            example,
            hash: [0; 16],
            labels: vec![if example.is_multiple_of(100) {
                1
            } else {
                2 + example % 3
            }],
        };
        let part = a_part_of((1..=1_000).map(row).collect(), 100);
        let of = |label: u32| part.iter().filter(|row| row.labels == [label]).count();
        assert_eq!(of(1), 10);
        assert!((2..5).all(|label| of(label) == 30), "{}", part.len());
    }

    #[test]
    fn a_retired_label_is_not_suggested_and_what_was_passed_over_does_not_come_back() {
        let (_place, mut project) = project(60, |i| (i < 12).then_some(i % 3));
        let assistant = Assistant::learn(&project, &|| false).unwrap();
        let first = assistant
            .next(&project, Order::Useful, &[])
            .unwrap()
            .unwrap()
            .example;
        let second = assistant
            .next(&project, Order::Useful, &[first])
            .unwrap()
            .unwrap()
            .example;
        let third = assistant
            .next(&project, Order::Useful, &[second, first])
            .unwrap()
            .unwrap()
            .example;
        assert!(first != second && third != first && third != second);
        let heart = label_id(&project, "heart");
        let retire = understudy_data::LabelChange {
            retired: Some(true),
            ..understudy_data::LabelChange::default()
        };
        project.change_label(heart, &retire).unwrap();
        let assistant = Assistant::learn(&project, &|| false).unwrap();
        let suggestion = assistant.suggestion(&project, 14).unwrap().unwrap();
        assert_ne!(suggestion.labels, [heart]);
    }

    #[test]
    fn rare_labels_come_first_where_that_is_wanted() {
        // Of the third kind a single one is labelled.
        let (_place, project) = project(90, |i| (i < 30 && (i % 3 != 2 || i == 2)).then_some(i % 3));
        let assistant = Assistant::learn(&project, &|| false).unwrap();
        let next = assistant.next(&project, Order::Rare, &[]).unwrap().unwrap();
        assert_eq!((next.example - 1) % 3, 2, "of the rare kind");
    }

    #[test]
    fn a_wrong_label_is_doubted_with_what_its_neighbours_say_until_it_is_confirmed() {
        let (_place, mut project) = project(60, |i| Some(if i == 30 { 1 } else { i % 3 }));
        let assistant = Assistant::learn(&project, &|| false).unwrap();
        let page = assistant.doubts_page(&project, 0, 10).unwrap();
        assert_eq!((page.total, page.of), (1, 60));
        let row = &page.rows[0];
        assert_eq!((row.example, row.text.as_str()), (31, "text 30"));
        assert_eq!(
            (&row.labels, &row.better),
            (
                &vec![label_id(&project, "heart")],
                &vec![label_id(&project, "law")]
            )
        );
        assert_eq!(
            (row.neighbours, row.neighbours_as_given, row.neighbours_as_better),
            (10, 0, 10)
        );
        let given = row.labels.clone();
        project.annotate(31, Some(&given), "me").unwrap();
        assert_eq!(
            assistant.doubts_page(&project, 0, 10).unwrap().total,
            0,
            "confirmed"
        );
        assert_eq!(Assistant::learn(&project, &|| false).unwrap().state().doubts, 0);
    }

    #[test]
    fn texts_that_were_not_read_are_waited_for_and_changed_ones_are_not_judged() {
        let (_place, mut project) = project(30, |i| (i < 15).then_some(i % 3));
        project.edit_text(20, Some("something else"), "me").unwrap();
        let assistant = Assistant::learn(&project, &|| false).unwrap();
        assert_eq!(assistant.suggestion(&project, 20).unwrap(), None);
        assert!(assistant.suggestion(&project, 21).unwrap().is_some());
        std::fs::remove_dir_all(project.folder().join("vectors")).unwrap();
        let assistant = Assistant::learn(&project, &|| false).unwrap();
        assert_eq!(assistant.state().waiting, Some(Waiting::Texts));
        assert!(assistant.next(&project, Order::Useful, &[]).unwrap().is_some());
    }

    #[test]
    fn similar_texts_are_found_by_meaning() {
        let (_place, mut project) = project(30, |_| None);
        let similar = |project: &Project, example, among| {
            super::super::meaning::similar(project, example, among, 5).unwrap()
        };
        let near = similar(&project, 1, Among::All).unwrap();
        assert_eq!(near.rows.len(), 5);
        assert!(
            near.rows
                .iter()
                .all(|row| (row.example - 1) % 3 == 0 && row.example != 1),
            "{near:?}"
        );
        project
            .edit_text(near.rows[0].example, Some("something else"), "me")
            .unwrap();
        let again = similar(&project, 1, Among::All).unwrap();
        assert!(again.rows.iter().all(|row| row.example != near.rows[0].example));
        assert_eq!(
            similar(&project, near.rows[0].example, Among::All),
            None,
            "not read again yet"
        );
        project.add_label("rare").unwrap();
        let rare = label_id(&project, "rare");
        project.label_many(&[2, 7], rare, "me", &mut |_| true).unwrap();
        let told = similar(&project, 4, Among::Label { id: rare }).unwrap();
        assert_eq!(
            told.rows.iter().map(|row| row.example).collect::<Vec<_>>(),
            [7, 2]
        );
    }

    #[test]
    fn texts_fall_into_groups_by_meaning_also_those_of_one_label() {
        // The first label is given to texts of two kinds.
        let (_place, mut project) = project(60, |i| (i < 30).then_some(if i % 3 == 1 { 0 } else { i % 3 }));
        let kinds = |examples: &[u32]| -> std::collections::HashSet<u32> {
            examples.iter().map(|example| (example - 1) % 3).collect()
        };
        let all = super::super::groups(&project, Among::All, 3).unwrap();
        assert_eq!((all.all, all.looked_at, all.groups.len()), (60, 60, 3));
        assert!(all.groups.iter().all(|group| kinds(&group.examples).len() == 1));
        let mixed = project.example(1).unwrap().labels.unwrap()[0];
        let of_label = super::super::groups(&project, Among::Label { id: mixed }, 2).unwrap();
        assert_eq!((of_label.all, of_label.groups.len()), (20, 2));
        let first = &of_label.groups[0];
        assert_eq!(
            (kinds(&first.examples).len(), first.shown.len()),
            (1, first.examples.len())
        );
        project.edit_text(1, Some("something else"), "me").unwrap();
        let again = super::super::groups(&project, Among::Label { id: mixed }, 2).unwrap();
        assert_eq!((again.all, again.looked_at), (20, 19), "it has to be read again");
    }

    #[test]
    fn more_labels_are_foretold_to_help_or_not() {
        let (_place, project) = project(90, |i| (i < 45).then_some(i % 3));
        let told = foretell(&project, &|| false).unwrap().unwrap();
        assert_eq!((told.now.texts, told.then.len()), (45, 3));
        assert!(told.now.score > 0.95 && told.gain.expected < 0.05);
        let (_other_place, few) = self::project(90, |i| (i < 12).then_some(i % 3));
        assert_eq!(foretell(&few, &|| false).unwrap(), None);
    }
}
