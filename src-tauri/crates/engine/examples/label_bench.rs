//! How much the helper helps, by labels that are known already: `npm run bench -- label` runs it.
//!
//! `label_bench PROJECT BUDGET STEP SEEDS` takes a project whose labelled texts were read (`understudy assist read`), sets
//! 30 % of them aside to judge by, and prints one JSON object: what planted errors are found, how the accuracy grows with
//! labels by chance and in the helper's order, and how often forecasts came true. Everything is done by the functions that
//! the app itself uses.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;

use serde_json::{Value, json};
use understudy_assist::{
    Gold, Head, Vectors, begins_with_typical, doubts, forecast, learn, typical, uncertain_and_spread,
    uncertainty,
};
use understudy_data::{Project, TextHash, VectorFile};
use understudy_engine::models::STARTER;
use understudy_eval::most_probable;
use understudy_eval::random::Stream;

/// Labelled texts with their vectors and classes.
struct Texts {
    vectors: Vec<f32>,
    dimensions: usize,
    labels: Vec<usize>,
    classes: usize,
}

impl Texts {
    fn of(project: &Project) -> Self {
        let rows = project.labelled_rows().unwrap();
        let file = VectorFile::find(project.folder(), &format!("{STARTER} mean 256"))
            .unwrap()
            .unwrap();
        let hashes: Vec<(u32, TextHash)> = rows.iter().map(|row| (row.example, row.hash)).collect();
        let (found, vectors) = file.get(&hashes).unwrap();
        let mut names: Vec<u32> = rows.iter().map(|row| row.labels[0]).collect();
        names.sort_unstable();
        names.dedup();
        let class = |place: &usize| {
            names
                .iter()
                .position(|name| *name == rows[*place].labels[0])
                .unwrap()
        };
        Texts {
            labels: found.iter().map(class).collect(),
            vectors,
            dimensions: file.dimensions(),
            classes: names.len(),
        }
    }

    fn all(&self) -> Vectors<'_> {
        Vectors::new(&self.vectors, self.dimensions)
    }

    fn head(&self, chosen: &[usize]) -> Head {
        let vectors = self.all().select(chosen);
        let labels: Vec<usize> = chosen.iter().map(|text| self.labels[*text]).collect();
        Head::fit(
            Vectors::new(&vectors, self.dimensions),
            self.gold(&each(&labels)),
            &|| false,
        )
        .unwrap()
    }

    fn gold<'a>(&self, labels: &'a [&'a [usize]]) -> Gold<'a> {
        Gold {
            labels,
            classes: self.classes,
            several: false,
        }
    }

    fn accuracy(&self, head: &Head, judged: &[usize]) -> f64 {
        let vectors = self.all().select(judged);
        let answers = head.probabilities(Vectors::new(&vectors, self.dimensions));
        let rows = answers.chunks_exact(self.classes).zip(judged);
        rows.filter(|(row, text)| most_probable(row) == self.labels[**text])
            .count() as f64
            / judged.len() as f64
    }
}

fn each(labels: &[usize]) -> Vec<&[usize]> {
    labels.iter().map(std::slice::from_ref).collect()
}

/// All texts in a random order.
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let stream = Stream::new(seed, 77);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|text| (stream.below(*text as u64, usize::MAX), *text));
    order
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let project = Project::open(Path::new(&arguments[1])).unwrap();
    let number = |place: usize| arguments[place].parse::<usize>().unwrap();
    let (budget, step, seeds) = (number(2), number(3), number(4));
    let texts = Texts::of(&project);
    println!(
        "{}",
        json!({
            "texts": texts.labels.len(),
            "classes": texts.classes,
            "planted": planted(&texts, seeds),
            "active": active(&texts, budget, step, seeds),
            "forecasts": forecasts(&texts, budget, seeds),
        })
    );
}

/// One of twenty labels is changed to another one; the share of them among the first doubts.
fn planted(texts: &Texts, seeds: usize) -> Vec<Value> {
    let groups: Vec<u64> = (0..texts.labels.len() as u64).collect();
    (0..seeds as u64)
        .map(|seed| {
            let stream = Stream::new(seed, 5);
            let mut labels = texts.labels.clone();
            let flipped: Vec<usize> = shuffled(labels.len(), seed)
                .into_iter()
                .take(labels.len() / 20)
                .collect();
            for (counter, text) in flipped.iter().enumerate() {
                let other = 1 + stream.below(counter as u64, texts.classes - 1);
                labels[*text] = (labels[*text] + other) % texts.classes;
            }
            let gold = each(&labels);
            let began = std::time::Instant::now();
            let learnt = learn(texts.all(), texts.gold(&gold), &groups, seed, &|| false).unwrap();
            let found = doubts(&learnt.out_of_fold, &gold, texts.classes, false);
            let seconds = began.elapsed().as_secs_f64();
            let top = |count: usize| {
                found
                    .iter()
                    .take(count)
                    .filter(|doubt| flipped.contains(&doubt.text))
                    .count()
            };
            let right = found
                .iter()
                .filter(|doubt| flipped.contains(&doubt.text) && doubt.better == [texts.labels[doubt.text]]);
            json!({
                "flipped": flipped.len(), "doubts": found.len(), "seconds": seconds,
                "recall_at_2n": top(2 * flipped.len()) as f64 / flipped.len() as f64,
                "precision_at_n": top(flipped.len()) as f64 / flipped.len() as f64,
                "true_label_proposed": right.count() as f64 / flipped.len() as f64,
            })
        })
        .collect()
}

/// Accuracy by the number of labels, given by chance and in the helper's order.
fn active(texts: &Texts, budget: usize, step: usize, seeds: usize) -> Vec<Value> {
    (0..seeds as u64)
        .map(|seed| {
            let order = shuffled(texts.labels.len(), 1_000 + seed);
            let (judged, pool) = order.split_at(order.len() * 3 / 10);
            let by_chance: Vec<f64> = (1..=budget / step)
                .map(|round| texts.accuracy(&texts.head(&pool[..round * step]), judged))
                .collect();
            let (mut open, mut chosen) = (pool.to_vec(), Vec::new());
            let mut by_helper = Vec::new();
            for _ in 0..budget / step {
                let vectors = texts.all().select(&open);
                let vectors = Vectors::new(&vectors, texts.dimensions);
                let labels: Vec<usize> = chosen.iter().map(|text: &usize| texts.labels[*text]).collect();
                let of_chosen = texts.all().select(&chosen);
                let known = Vectors::new(&of_chosen, texts.dimensions);
                // The helper counts the classes that it has seen.
                let seen = labels.iter().collect::<std::collections::HashSet<_>>().len();
                let next = match chosen.is_empty() || begins_with_typical(chosen.len(), seen) {
                    true => typical(vectors, known, step, seed),
                    false => {
                        let groups: Vec<u64> = (0..chosen.len() as u64).collect();
                        let gold = each(&labels);
                        let learnt = learn(known, texts.gold(&gold), &groups, seed, &|| false);
                        let probabilities = learnt.unwrap().head.probabilities(vectors);
                        let unsure = uncertainty(&probabilities, texts.classes, false);
                        uncertain_and_spread(vectors, &unsure, step, seed)
                    }
                };
                chosen.extend(next.iter().map(|place| open[*place]));
                let mut taken = next;
                taken.sort_unstable();
                taken.into_iter().rev().for_each(|place| {
                    open.swap_remove(place);
                });
                by_helper.push(texts.accuracy(&texts.head(&chosen), judged));
            }
            json!({ "step": step, "by_chance": by_chance, "by_helper": by_helper })
        })
        .collect()
}

/// Forecasts from labels by chance, and what came of them.
fn forecasts(texts: &Texts, budget: usize, seeds: usize) -> Vec<Value> {
    const MORE: [usize; 3] = [50, 100, 200];
    let mut told = Vec::new();
    for seed in 0..seeds as u64 {
        let order = shuffled(texts.labels.len(), 2_000 + seed);
        let (judged, pool) = order.split_at(order.len() * 3 / 10);
        for known in [100, 200, 400, 800].into_iter().filter(|known| *known <= budget) {
            let labels: Vec<usize> = pool[..known].iter().map(|text| texts.labels[*text]).collect();
            let vectors = texts.all().select(&pool[..known]);
            let groups: Vec<u64> = (0..known as u64).collect();
            let gold = each(&labels);
            let found = forecast(
                Vectors::new(&vectors, texts.dimensions),
                texts.gold(&gold),
                &groups,
                &MORE,
                seed,
                &|| false,
            );
            let Some(found) = found else { continue };
            let now = texts.accuracy(&texts.head(&pool[..known]), judged);
            told.push(json!({ "known": known, "more": 0, "told": found.now, "came": now, "measured": found.measured }));
            for (then, more) in found.then.iter().zip(MORE) {
                let came = texts.accuracy(&texts.head(&pool[..known + more]), judged);
                told.push(json!({ "known": known, "more": more, "told": then, "came": came }));
            }
        }
    }
    told
}
