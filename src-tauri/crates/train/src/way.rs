//! A way walked from one point to another, and what each part of the walker adds to a value that changes on it.
//!
//! What is seen at a place comes in (the value there, and how fast each part changes it), what each part adds on the whole
//! way goes out. Nothing here knows a model or a text.
//!
//! The mean slope of each piece of the way is taken by Simpson's rule from its ends and its middle. What a piece misses is
//! known and not guessed, since the values at its ends are: so the piece that misses most is cut in two until all together
//! miss little (adaptive quadrature: Kuncir 1962, <https://doi.org/10.1145/367766.368179>, with the error known).

use std::collections::HashMap;

/// Where the pieces of the way meet at first. Most happens soon after the words begin to show (about nine tenths of it
/// before the middle, for clauses and MiniLM), so that pieces are shorter there.
const MEETINGS: [f64; 4] = [0.0, 0.25, 0.5, 1.0];

/// Places on the way that are looked at, at most.
const MOST_PLACES: usize = 33;

/// Share of the whole difference that the pieces may miss, each for itself.
const MISSED: f64 = 0.15;

/// Share that they may miss together, where what one misses the other may have too much.
const GAP: f64 = 0.1;

/// Where parts nearly cancel, the difference says nothing about how large they are: it counts as at least this share of
/// what they add and take away.
const CANCELLED: f64 = 0.05;

/// What is seen at a place.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The value there.
    pub(crate) value: f64,
    /// What each part would add if the whole way went on like here.
    pub(crate) slopes: Vec<f64>,
}

/// The way as far as it was looked at.
#[derive(Debug)]
pub(crate) struct Way {
    /// In the order of the way.
    pieces: Vec<Piece>,
    /// What was seen at each place, by the share of the way in bits.
    seen: HashMap<u64, Seen>,
}

/// A piece of the way, as shares of the whole.
#[derive(Debug, Clone, Copy)]
struct Piece {
    from: f64,
    to: f64,
}

impl Piece {
    fn middle(self) -> f64 {
        f64::midpoint(self.from, self.to)
    }

    /// The places of Simpson's rule with their weights.
    fn places(self) -> [(f64, f64); 3] {
        let length = self.to - self.from;
        [
            (self.from, length / 6.0),
            (self.middle(), length * 2.0 / 3.0),
            (self.to, length / 6.0),
        ]
    }
}

impl Way {
    /// Looks at as many places as it takes: `look` answers for some of them, in their order; the very first is the end
    /// of the way.
    ///
    /// # Errors
    /// Those of `look`.
    pub(crate) fn walk<E>(mut look: impl FnMut(&[f64]) -> Result<Vec<Seen>, E>) -> Result<Self, E> {
        let mut way = Way::begin();
        loop {
            way.see(&mut look)?;
            let Some(worst) = way.to_cut() else {
                return Ok(way);
            };
            way.cut(worst);
        }
    }

    fn begin() -> Self {
        let ends = MEETINGS.windows(2);
        let pieces = ends.map(|ends| Piece {
            from: ends[0],
            to: ends[1],
        });
        Way {
            pieces: pieces.collect(),
            seen: HashMap::new(),
        }
    }

    /// Looks at those places of the pieces that were not looked at, from the end of the way.
    fn see<E>(&mut self, look: &mut impl FnMut(&[f64]) -> Result<Vec<Seen>, E>) -> Result<(), E> {
        let places = self
            .pieces
            .iter()
            .rev()
            .flat_map(|piece| piece.places().into_iter().rev());
        let mut unseen: Vec<f64> = places.map(|(share, _)| share).collect();
        unseen.dedup();
        unseen.retain(|share| !self.seen.contains_key(&share.to_bits()));
        let found = look(&unseen)?;
        let unseen = unseen.iter().map(|share| share.to_bits());
        self.seen.extend(unseen.zip(found));
        Ok(())
    }

    fn cut(&mut self, place: usize) {
        let Piece { from, to } = self.pieces[place];
        let middle = self.pieces[place].middle();
        let halves = [Piece { from, to: middle }, Piece { from: middle, to }];
        self.pieces.splice(place..=place, halves);
    }

    /// The piece that misses most, unless all miss little or enough was looked at.
    fn to_cut(&self) -> Option<usize> {
        let missed = self.missed();
        let whole = self.whole();
        let enough = missed.iter().map(|missed| missed.abs()).sum::<f64>() <= MISSED * whole
            && missed.iter().sum::<f64>().abs() <= GAP * whole;
        let worst = (0..missed.len()).max_by(|&a, &b| missed[a].abs().total_cmp(&missed[b].abs()));
        worst.filter(|_| !enough && self.seen.len() + 2 <= MOST_PLACES)
    }

    fn at(&self, share: f64) -> &Seen {
        &self.seen[&share.to_bits()]
    }

    /// By how much the slopes of each piece miss the difference of the values at its ends.
    fn missed(&self) -> Vec<f64> {
        let missed = self.pieces.iter().map(|piece| {
            let whole = self.at(piece.to).value - self.at(piece.from).value;
            let parts = piece
                .places()
                .map(|(share, weight)| weight * self.at(share).slopes.iter().sum::<f64>());
            parts.iter().sum::<f64>() - whole
        });
        missed.collect()
    }

    /// The value at the beginning and at the end.
    pub(crate) fn ends(&self) -> [f64; 2] {
        [0.0, 1.0].map(|share| self.at(share).value)
    }

    /// What may be missed is measured by this: the whole difference, or what the parts come to where they cancel.
    fn whole(&self) -> f64 {
        let [from, to] = self.ends();
        let moved: f64 = self.parts().iter().map(|part| part.abs()).sum();
        (to - from).abs().max(CANCELLED * moved)
    }

    /// Places that were looked at.
    pub(crate) fn places(&self) -> usize {
        self.seen.len()
    }

    /// What each part adds on the whole way.
    pub(crate) fn parts(&self) -> Vec<f64> {
        let mut parts = vec![0.0; self.at(1.0).slopes.len()];
        for (share, weight) in self.pieces.iter().flat_map(|piece| piece.places()) {
            let slopes = &self.at(share).slopes;
            parts
                .iter_mut()
                .zip(slopes)
                .for_each(|(part, slope)| *part += weight * slope);
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// What is seen where the value and the slope of the only part are plain functions of the place.
    fn plain(
        value: impl Fn(f64) -> f64,
        slope: impl Fn(f64) -> f64,
    ) -> impl FnMut(&[f64]) -> Result<Vec<Seen>, Infallible> {
        move |places| {
            let see = |&share: &f64| Seen {
                value: value(share),
                slopes: vec![slope(share)],
            };
            Ok(places.iter().map(see).collect())
        }
    }

    fn missed_in_all(way: &Way) -> f64 {
        way.missed().iter().map(|missed| missed.abs()).sum()
    }

    #[test]
    fn parts_that_cancel_are_not_looked_at_for_the_little_that_is_left() {
        // One part gains 5, the other loses 4.98, both by a curve that three pieces miss a little.
        let gain = |x: f64| 5.0 * x.powf(0.3);
        let slope = |x: f64| 1.5 * x.max(1e-3).powf(-0.7);
        let look = |places: &[f64]| -> Result<Vec<Seen>, Infallible> {
            let see = |&share: &f64| Seen {
                value: 0.004 * gain(share),
                slopes: vec![slope(share), -0.996 * slope(share)],
            };
            Ok(places.iter().map(see).collect())
        };
        let Ok(way) = Way::walk(look);
        let Ok(one) = Way::walk(plain(|x| 0.004 * gain(x), |x| 0.004 * slope(x)));
        assert!(way.places() < one.places(), "{} {}", way.places(), one.places());
        assert_eq!(way.places(), 7, "nothing is cut");
    }

    #[test]
    fn the_pieces_make_the_way_and_their_rule_is_exact_for_cubics() {
        let Ok(way) = Way::walk(plain(|x| x.powi(4), |x| 4.0 * x.powi(3)));
        let places: Vec<(f64, f64)> = way.pieces.iter().flat_map(|piece| piece.places()).collect();
        assert_eq!((places[0].0, places.last().unwrap().0), (0.0, 1.0));
        assert!((places.iter().map(|(_, weight)| weight).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((way.parts()[0] - 1.0).abs() < 1e-12, "{:?}", way.parts());
        assert_eq!(way.ends(), [0.0, 1.0]);
        assert_eq!(
            way.places(),
            7,
            "nothing is looked at again where nothing is missed"
        );
    }

    #[test]
    fn a_piece_that_misses_much_is_cut_until_little_is_missed() {
        // All happens around a twentieth of the way, between two places of the first look.
        let value = |x: f64| 1.0 / (1.0 + ((0.05 - x) / 0.01).exp());
        let slope = |x: f64| value(x) * (1.0 - value(x)) / 0.01;
        let mut first = Way::begin();
        let Ok(()) = first.see(&mut plain(value, slope));
        assert!(missed_in_all(&first) > 0.9, "{}", missed_in_all(&first));

        let Ok(way) = Way::walk(plain(value, slope));
        let lengths: Vec<f64> = way.pieces.iter().map(|piece| piece.to - piece.from).collect();
        assert!(lengths[0] < 0.25 && lengths.len() > 3, "{lengths:?}");
        assert_eq!(
            lengths[lengths.len() - 2..],
            [0.25, 0.5],
            "where nothing happens nothing is cut"
        );
        assert_eq!(way.places(), 2 * lengths.len() + 1);
        assert!(missed_in_all(&way) <= MISSED, "{}", missed_in_all(&way));
        assert!((way.parts()[0] - 1.0).abs() <= GAP);
    }

    #[test]
    fn a_way_that_never_adds_up_comes_to_an_end() {
        let Ok(way) = Way::walk(plain(|x| x, |_| 0.0));
        assert_eq!(way.places(), MOST_PLACES);
    }
}
