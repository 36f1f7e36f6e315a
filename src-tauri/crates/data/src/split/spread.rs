//! Spreading units over parts so that every class is spread alike.
//!
//! Where rows carry several labels, the label with the fewest rows left is served next, and each of its units goes
//! where that label is owed most: iterative stratification (Sechidis, Tsoumakas & Vlahavas 2011). The common labels,
//! which came last, are then evened out by moving single units as long as that helps.
//!
//! Each part keeps a debt to each class: the rows it should have less the rows it has. First every class is given a
//! foot in every part, the rarest class first; then every unit, the largest first, goes where its classes are owed
//! most. For rows on their own this keeps every class within one row of its share.

use std::cmp::Reverse;

use crate::types::Part;

/// A class with this many units can stand in all three parts.
const UNITS_FOR_ALL_PARTS: usize = 3;

/// Rows that must stay together.
#[derive(Debug, Clone, Default)]
pub(super) struct Unit {
    /// Indexes of its rows.
    pub(super) rows: Vec<usize>,
    /// Rows by class, for the classes it has.
    counts: Vec<(usize, u32)>,
}

impl Unit {
    pub(super) fn add(&mut self, row: usize, labels: &[usize]) {
        self.rows.push(row);
        for label in labels {
            match self.counts.iter_mut().find(|(known, _)| known == label) {
                Some((_, count)) => *count += 1,
                None => self.counts.push((*label, 1)),
            }
        }
    }

    /// Whether its rows carry one label each.
    fn is_single(&self) -> bool {
        self.counts
            .iter()
            .map(|(_, count)| *count as usize)
            .sum::<usize>()
            == self.rows.len()
    }
}

/// The part of each unit. `wish` sums to 1; a part with no wish gets nothing.
pub(super) fn spread(units: &[Unit], classes: usize, wish: [f64; 3], seed: u32) -> Vec<Part> {
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by_key(|unit| (Reverse(units[*unit].rows.len()), random(seed, *unit as u64)));
    let mut ledger = Ledger::new(units, classes, wish);
    let mut chosen: Vec<Option<Part>> = vec![None; units.len()];
    for (unit, part) in footholds(units, classes, wish, &order) {
        ledger.give(&units[unit], part);
        chosen[unit] = Some(part);
    }
    let several = !units.iter().all(Unit::is_single);
    if several {
        rarest_first(units, classes, &order, &mut ledger, &mut chosen);
    }
    for unit in order {
        if chosen[unit].is_none() {
            let part = ledger.most_owed(&units[unit].counts);
            ledger.give(&units[unit], part);
            chosen[unit] = Some(part);
        }
    }
    let mut chosen: Vec<Part> = chosen
        .into_iter()
        .map(|part| part.unwrap_or(Part::Train))
        .collect();
    if several {
        ledger.even_out(units, &mut chosen);
    }
    chosen
}

/// Serves the labels one after the other, always the one with the fewest units left; units without labels stay.
fn rarest_first(
    units: &[Unit],
    classes: usize,
    order: &[usize],
    ledger: &mut Ledger,
    chosen: &mut [Option<Part>],
) {
    let mut units_of: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for unit in order.iter().filter(|unit| chosen[**unit].is_none()) {
        units[*unit]
            .counts
            .iter()
            .for_each(|(label, _)| units_of[*label].push(*unit));
    }
    let mut left: Vec<usize> = units_of.iter().map(Vec::len).collect();
    let mut unserved: Vec<usize> = (0..classes).collect();
    while let Some(place) = (0..unserved.len()).min_by_key(|place| (left[unserved[*place]], unserved[*place]))
    {
        let label = unserved.swap_remove(place);
        for unit in std::mem::take(&mut units_of[label]) {
            if chosen[unit].is_none() {
                let part = ledger.most_owed(&[(label, 1)]);
                ledger.give(&units[unit], part);
                chosen[unit] = Some(part);
                units[unit].counts.iter().for_each(|(other, _)| left[*other] -= 1);
            }
        }
    }
}

/// Small units that bring each class into each part: the rarest class first, train first. A class with fewer than
/// three units is only brought into train.
fn footholds(units: &[Unit], classes: usize, wish: [f64; 3], order: &[usize]) -> Vec<(usize, Part)> {
    let mut units_of: Vec<Vec<usize>> = vec![Vec::new(); classes];
    // The smallest unit last, so that it is the first to be popped.
    for unit in order {
        units[*unit]
            .counts
            .iter()
            .for_each(|(label, _)| units_of[*label].push(*unit));
    }
    let mut by_rarity: Vec<usize> = (0..classes).collect();
    by_rarity.sort_by_key(|label| units_of[*label].len());

    let mut taken = vec![false; units.len()];
    let mut present = vec![[false; 3]; classes];
    let mut footholds = Vec::new();
    for label in by_rarity {
        let all_parts = units_of[label].len() >= UNITS_FOR_ALL_PARTS;
        for part in Part::ALL {
            let wanted = part == Part::Train || (all_parts && wish[part.index()] > 0.0);
            if !wanted || present[label][part.index()] {
                continue;
            }
            while units_of[label].last().is_some_and(|unit| taken[*unit]) {
                units_of[label].pop();
            }
            let Some(unit) = units_of[label].pop() else {
                continue;
            };
            taken[unit] = true;
            units[unit]
                .counts
                .iter()
                .for_each(|(other, _)| present[*other][part.index()] = true);
            footholds.push((unit, part));
        }
    }
    footholds
}

/// What each part should have and has, by class.
struct Ledger {
    wish: [f64; 3],
    rows: f64,
    given: [f64; 3],
    rows_of: Vec<f64>,
    given_of: Vec<[f64; 3]>,
}

impl Ledger {
    fn new(units: &[Unit], classes: usize, wish: [f64; 3]) -> Ledger {
        let mut rows_of = vec![0.0; classes];
        for (label, count) in units.iter().flat_map(|unit| &unit.counts) {
            rows_of[*label] += f64::from(*count);
        }
        Ledger {
            wish,
            rows: units.iter().map(|unit| unit.rows.len()).sum::<usize>() as f64,
            given: [0.0; 3],
            rows_of,
            given_of: vec![[0.0; 3]; classes],
        }
    }

    fn give(&mut self, unit: &Unit, part: Part) {
        self.given[part.index()] += unit.rows.len() as f64;
        for (label, count) in &unit.counts {
            self.given_of[*label][part.index()] += f64::from(*count);
        }
    }

    fn take_back(&mut self, unit: &Unit, part: Part) {
        self.given[part.index()] -= unit.rows.len() as f64;
        for (label, count) in &unit.counts {
            self.given_of[*label][part.index()] -= f64::from(*count);
        }
    }

    /// Moves units to other parts while that brings classes and rows nearer to their shares. No class loses its last
    /// row in a part by it.
    fn even_out(&mut self, units: &[Unit], chosen: &mut [Part]) {
        const PASSES: usize = 4;
        let open: Vec<Part> = Part::ALL
            .into_iter()
            .filter(|part| self.wish[part.index()] > 0.0)
            .collect();
        for _ in 0..PASSES {
            let mut moved = false;
            for (unit, part) in units.iter().zip(chosen.iter_mut()) {
                let stays =
                    |(label, count): &(usize, u32)| self.given_of[*label][part.index()] <= f64::from(*count);
                if unit.counts.iter().any(stays) {
                    continue;
                }
                self.take_back(unit, *part);
                let costs = open.iter().map(|part| self.cost(unit, *part));
                let mut best = (self.cost(unit, *part) - 1e-9, *part);
                for (cost, other) in costs.zip(&open) {
                    if cost < best.0 {
                        best = (cost, *other);
                    }
                }
                self.give(unit, best.1);
                moved |= best.1 != *part;
                *part = best.1;
            }
            if !moved {
                return;
            }
        }
    }

    /// How much further from their shares rows and classes would be with this unit in a part: the growth of the squared
    /// distances, each relative to its number of rows.
    fn cost(&self, unit: &Unit, part: Part) -> f64 {
        let part = part.index();
        let growth = |given: f64, more: f64, all: f64| {
            let off = given - all * self.wish[part];
            ((off + more).powi(2) - off.powi(2)) / all
        };
        let of_class = |(label, count): &(usize, u32)| {
            growth(
                self.given_of[*label][part],
                f64::from(*count),
                self.rows_of[*label],
            )
        };
        growth(self.given[part], unit.rows.len() as f64, self.rows)
            + unit.counts.iter().map(of_class).sum::<f64>()
    }

    /// The part that owes these classes most; of equals the one that lacks most rows in all.
    fn most_owed(&self, counts: &[(usize, u32)]) -> Part {
        let debt = |part: &Part| {
            let part = part.index();
            let owed = |(label, count): &(usize, u32)| {
                f64::from(*count) * (self.rows_of[*label] * self.wish[part] - self.given_of[*label][part])
            };
            let to_classes: f64 = counts.iter().map(owed).sum();
            (to_classes, self.rows * self.wish[part] - self.given[part])
        };
        let open = Part::ALL.into_iter().filter(|part| self.wish[part.index()] > 0.0);
        let most = open.max_by(|a, b| {
            let ((a, a_in_all), (b, b_in_all)) = (debt(a), debt(b));
            a.total_cmp(&b).then(a_in_all.total_cmp(&b_in_all))
        });
        most.unwrap_or(Part::Train)
    }
}

/// The `index`-th number of the stream keyed by `seed`: splitmix64's output function (Steele, Lea & Flood 2014) over
/// a counter. Written out because it must never change: a seed is a promise.
fn random(seed: u32, index: u64) -> u64 {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    mix(mix(u64::from(seed).wrapping_add(GOLDEN)).wrapping_add(index.wrapping_mul(GOLDEN)))
}
