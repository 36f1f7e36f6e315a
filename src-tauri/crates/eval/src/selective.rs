//! Answering only what one is sure of: the risk-coverage curve (El-Yaniv and Wiener 2010) and the threshold that keeps
//! the share of errors among the answers given. Confidences and whether they were right in, plain numbers out. What goes
//! to a person however sure the answer is never among the answers given, at no threshold, but it is among the texts.

use serde::{Deserialize, Serialize};

use crate::interval::{Interval, wilson};

/// An answer that may be given or left to a person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// How sure it says to be, 0 to 1.
    pub confidence: f64,
    /// Whether it is right.
    pub right: bool,
    /// Whether a person gets the text however sure the answer is.
    pub withheld: bool,
}

/// What happens when only answers of at least this confidence are given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RiskPoint {
    /// The least confidence of an answer that is given.
    pub threshold: f64,
    /// Answers given.
    pub answered: u32,
    /// Wrong ones among them.
    pub wrong: u32,
    /// Texts that a person gets at every threshold.
    pub withheld: u32,
    /// Share of all texts that are answered.
    pub coverage: f64,
    /// Share of the answers given that is wrong; 0 where none is given.
    pub risk: f64,
    /// 95 % interval of `risk`.
    pub interval: Interval,
}

/// Points of a curve that is drawn.
const CURVE_POINTS: usize = 200;

/// What happens at each threshold, from answering all that may be to answering least; thinned to what can be drawn.
pub fn risk_coverage(answers: &[Answer]) -> Vec<RiskPoint> {
    let sorted = by_confidence(answers);
    let mut points = Vec::new();
    let mut wrong = 0;
    for (i, answer) in sorted.iter().enumerate() {
        wrong += u32::from(!answer.right);
        if is_parted(&sorted, i) {
            points.push(point(answers, answer.confidence, i as u32 + 1, wrong));
        }
    }
    points.reverse();
    let every = points.len().div_ceil(CURVE_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let kept = points
        .into_iter()
        .enumerate()
        .filter(|(i, _)| i % every == 0 || *i == last);
    kept.map(|(_, point)| point).collect()
}

/// What happens at one threshold.
pub fn risk_at(answers: &[Answer], threshold: f64) -> RiskPoint {
    let given = answers
        .iter()
        .filter(|answer| !answer.withheld && answer.confidence >= threshold);
    let (answered, wrong) = given.fold((0, 0), |(answered, wrong), answer| {
        (answered + 1, wrong + u32::from(!answer.right))
    });
    point(answers, threshold, answered, wrong)
}

/// Shares of the answers at which a threshold may lie.
const PLACES: usize = 20;

/// The least threshold whose answers are wrong at most as often as `allowed`, by these answers and one more that would be
/// wrong: what was seen once may come out a little worse the next time (as in conformal risk control, Angelopoulos et al.
/// 2022). `None` where no threshold promises that: too few answers were seen, or the surest are wrong too often.
///
/// It is looked for after each twentieth of the answers only, not after each answer: among so many places one is always
/// lucky. `docs/performance.md` tells how often the promise was broken then and before.
pub fn threshold_for(answers: &[Answer], allowed: f64) -> Option<f64> {
    threshold_among(answers, allowed, PLACES)
}

/// The threshold after one of so many even shares of the answers.
fn threshold_among(answers: &[Answer], allowed: f64, places: usize) -> Option<f64> {
    let sorted = by_confidence(answers);
    let mut found = None;
    let (mut wrong, mut place) = (0_u32, 1);
    for (i, answer) in sorted.iter().enumerate() {
        wrong += u32::from(!answer.right);
        let given = i + 1;
        if given * places < place * sorted.len() || !is_parted(&sorted, i) {
            continue;
        }
        place = given * places / sorted.len() + 1;
        if f64::from(wrong + 1) <= allowed * (given + 1) as f64 {
            // Between this confidence and the next lower: a threshold that f32 and text files cannot round away.
            let next = sorted.get(given);
            found = Some(next.map_or(0.0, |next| f64::midpoint(answer.confidence, next.confidence)));
        }
    }
    found
}

/// Those that may be given, the surest first.
fn by_confidence(answers: &[Answer]) -> Vec<Answer> {
    let mut sorted: Vec<Answer> = answers
        .iter()
        .filter(|answer| !answer.withheld)
        .copied()
        .collect();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    sorted
}

/// Whether a threshold can lie after this answer: equal confidences cannot be parted.
fn is_parted(sorted: &[Answer], at: usize) -> bool {
    sorted
        .get(at + 1)
        .is_none_or(|next| next.confidence != sorted[at].confidence)
}

fn point(answers: &[Answer], threshold: f64, answered: u32, wrong: u32) -> RiskPoint {
    let whole = f64::from(answered.max(1));
    RiskPoint {
        threshold,
        answered,
        wrong,
        withheld: answers.iter().filter(|answer| answer.withheld).count() as u32,
        coverage: f64::from(answered) / answers.len().max(1) as f64,
        risk: f64::from(wrong) / whole,
        interval: match answered {
            0 => Interval { low: 0.0, high: 1.0 },
            _ => wilson(wrong as usize, answered as usize),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Stream;

    fn answer(confidence: f64, right: bool) -> Answer {
        Answer {
            confidence,
            right,
            withheld: false,
        }
    }

    /// 100 answers: those below 0.5 are wrong.
    fn half() -> Vec<Answer> {
        (0..100).map(|i| answer(f64::from(i) / 100.0, i >= 50)).collect()
    }

    #[test]
    fn the_threshold_parts_where_errors_begin() {
        let threshold = threshold_for(&half(), 0.02).unwrap();
        assert_eq!(threshold, 0.495);
        let point = risk_at(&half(), threshold);
        assert_eq!((point.answered, point.wrong, point.coverage), (50, 0, 0.5));
        assert_eq!(threshold_for(&half(), 0.6), Some(0.0), "all may be answered");
    }

    /// As [`half`], with ten more that are as sure as can be and wrong.
    fn with_strange_ones(withheld: bool) -> Vec<Answer> {
        let strange = Answer {
            withheld,
            ..answer(1.0, false)
        };
        [half(), vec![strange; 10]].concat()
    }

    #[test]
    fn what_a_person_gets_anyway_is_a_text_but_never_an_answer() {
        let counted = with_strange_ones(true);
        let threshold = threshold_for(&counted, 0.02).unwrap();
        assert_eq!(threshold, 0.495, "as without them");
        assert_eq!(threshold_for(&with_strange_ones(false), 0.02), None);
        let point = risk_at(&counted, threshold);
        assert_eq!((point.answered, point.wrong, point.withheld), (50, 0, 10));
        assert_eq!(point.coverage, 50.0 / 110.0);
        let everything = risk_at(&counted, 0.0);
        assert_eq!((everything.answered, everything.wrong), (100, 50));
        let curve = risk_coverage(&counted);
        assert_eq!((curve[0].answered, curve[0].coverage), (100, 100.0 / 110.0));
        assert_eq!(
            curve.last().map(|point| (point.threshold, point.risk)),
            Some((0.99, 0.0))
        );
        assert_eq!(risk_coverage(&with_strange_ones(false)).last().unwrap().risk, 1.0);
        let all = [Answer {
            withheld: true,
            ..answer(0.9, true)
        }; 40];
        assert_eq!((threshold_for(&all, 0.5), risk_coverage(&all)), (None, vec![]));
        assert_eq!(
            (risk_at(&all, 0.0).answered, risk_at(&all, 0.0).coverage),
            (0, 0.0)
        );
    }

    #[test]
    fn nothing_is_promised_on_too_few_answers() {
        assert_eq!(threshold_for(&[answer(0.9, true); 18], 0.05), None);
        assert_eq!(threshold_for(&[answer(0.9, true); 19], 0.05), Some(0.0));
        assert_eq!(threshold_for(&[], 0.5), None);
    }

    #[test]
    fn the_curve_goes_from_everything_to_the_surest() {
        let curve = risk_coverage(&half());
        assert_eq!((curve[0].coverage, curve[0].wrong), (1.0, 50));
        assert_eq!(
            curve.last().map(|point| (point.answered, point.risk)),
            Some((1, 0.0))
        );
        assert_eq!(risk_coverage(&[answer(0.5, true), answer(0.5, false)]).len(), 1);
        assert!(risk_coverage(&[]).is_empty());
        let many: Vec<Answer> = (0..9_999)
            .map(|i| answer(f64::from(i) / 1e4, i % 7 != 0))
            .collect();
        assert!(risk_coverage(&many).len() <= CURVE_POINTS + 1);
    }

    #[test]
    fn a_lucky_stretch_among_the_surest_is_no_place_for_a_threshold() {
        // Whatever it says, it is wrong one time in four; the surest four happen to be right.
        let answers: Vec<Answer> = (0..400)
            .map(|i| answer(1.0 - f64::from(i) / 400.0, i < 4 || i % 4 != 0))
            .collect();
        assert_eq!(threshold_for(&answers, 0.2), None);
        assert_eq!(threshold_for(&answers, 0.3), Some(0.0));
        // Where many answers are equally sure, a threshold lies after the last of them.
        let equal: Vec<Answer> = (0..60)
            .map(|i| answer(if i < 34 { 0.9 } else { 0.1 }, i < 34))
            .collect();
        assert_eq!(threshold_for(&equal, 0.05), Some(0.5));
    }

    /// Answers of a draw.
    const DRAWN: usize = 200;

    #[test]
    fn the_promise_is_kept_on_average_on_texts_that_were_not_seen() {
        let draw = |seed: u64| -> Vec<Answer> {
            let stream = Stream::new(seed, 0);
            let uniform = |counter| stream.below(counter, 1 << 40) as f64 / (1_u64 << 40) as f64;
            (0..DRAWN as u64)
                .map(|i| answer(uniform(2 * i), uniform(2 * i + 1) < 0.6 + 0.4 * uniform(2 * i)))
                .collect()
        };
        // Of these answers, those surer than a half are wrong as often as is allowed, those surer than T by (1 - T) / 5.
        let of = |places: usize| {
            let thresholds: Vec<f64> = (0..2_000)
                .filter_map(|seed| threshold_among(&draw(seed), 0.1, places))
                .collect();
            let drawn = thresholds.len() as f64;
            let broken = thresholds.iter().filter(|threshold| **threshold < 0.5).count() as f64 / drawn;
            let risk = thresholds
                .iter()
                .map(|threshold| (1.0 - threshold) / 5.0)
                .sum::<f64>()
                / drawn;
            (drawn, broken, risk)
        };
        let [(_, ever, risk_ever), (drawn, broken, risk)] = [of(DRAWN), of(PLACES)];
        assert!(drawn > 1_900.0 && risk < 0.1, "{drawn} {risk}");
        assert!(
            broken < 0.95 * ever && risk < risk_ever,
            "{broken} {ever}, {risk} {risk_ever}"
        );
    }

    proptest! {
        #[test]
        fn a_threshold_keeps_what_it_promises_on_what_it_saw(
            answers in prop::collection::vec((0_u8..50, any::<bool>(), any::<bool>()), 0..80),
            allowed in 0.01_f64..0.9,
        ) {
            let answers: Vec<Answer> = answers
                .into_iter()
                .map(|(c, right, withheld)| Answer { confidence: f64::from(c) / 50.0, right, withheld })
                .collect();
            if let Some(threshold) = threshold_for(&answers, allowed) {
                let point = risk_at(&answers, threshold);
                prop_assert!(point.answered > 0 && point.risk <= allowed, "{point:?}");
                prop_assert!(point.answered + point.withheld <= answers.len() as u32);
            }
        }
    }
}
