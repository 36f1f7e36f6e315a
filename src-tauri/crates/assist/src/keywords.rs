//! What texts of a group say that others do not: words by their log-odds with an informative prior (Monroe, Colaresi & Quinn
//! 2008, "Fightin' Words"), counted by texts, so that a text that repeats itself says nothing twice.

use std::collections::{HashMap, HashSet};

/// Texts that a word of the prior weighs as much as.
const PRIOR: f64 = 10.0;
/// Standard errors that a word must lie above what chance would give.
const LEAST: f64 = 1.0;
/// A word that more than this share of the texts elsewhere have, too, says nothing to people ("of", "shall"), even where it
/// is a little commoner here.
const COMMON: f64 = 0.3;
/// Texts of the group that must have a word.
const FEWEST: u32 = 2;

/// The most telling words of each group, at most `most` each, the most telling first. Each text is its words, with the number
/// of its group (below `groups`).
pub fn keywords<'t>(texts: &[(usize, HashSet<&'t str>)], groups: usize, most: usize) -> Vec<Vec<&'t str>> {
    let mut sizes = vec![0_u32; groups];
    let mut counts: HashMap<&str, Vec<u32>> = HashMap::new();
    for (group, words) in texts {
        sizes[*group] += 1;
        for word in words {
            counts.entry(word).or_insert_with(|| vec![0; groups])[*group] += 1;
        }
    }
    let all: u32 = sizes.iter().sum();
    let of_group = |group: usize| {
        let mut found: Vec<(f64, &str)> = counts
            .iter()
            .filter(|(_, by_group)| by_group[group] >= FEWEST)
            .map(|(word, by_group)| {
                let everywhere: u32 = by_group.iter().sum();
                let here = (f64::from(by_group[group]), f64::from(sizes[group]));
                let elsewhere = (
                    f64::from(everywhere - by_group[group]),
                    f64::from(all - sizes[group]),
                );
                let common = elsewhere.0 > COMMON * elsewhere.1;
                let distance = distance(here, elsewhere, f64::from(everywhere) / f64::from(all));
                (if common { 0.0 } else { distance }, *word)
            })
            .filter(|(distance, _)| *distance >= LEAST)
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        found.truncate(most);
        found.into_iter().map(|(_, word)| word).collect()
    };
    (0..groups).map(of_group).collect()
}

/// How many standard errors a word's log-odds here lie above those elsewhere; each place is the texts that have the word, of
/// all of its texts, and `share` is how common the word is everywhere.
fn distance(here: (f64, f64), elsewhere: (f64, f64), share: f64) -> f64 {
    let prior = PRIOR * share;
    let odds = |(with, all): (f64, f64)| ((with + prior) / (all + PRIOR - with - prior).max(1e-9)).ln();
    let variance = 1.0 / (here.0 + prior) + 1.0 / (elsewhere.0 + prior);
    (odds(here) - odds(elsewhere)) / variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(group: usize, words: &'static str) -> (usize, HashSet<&'static str>) {
        (group, words.split(' ').collect())
    }

    #[test]
    fn words_of_one_group_tell_and_words_of_all_do_not() {
        let texts = [
            text(0, "the rent is due"),
            text(0, "the rent rises"),
            text(0, "pay the rent monthly"),
            text(1, "the court decides"),
            text(1, "the court of appeal"),
            text(1, "a court for the parties"),
        ];
        let told = keywords(&texts, 2, 3);
        assert_eq!((told[0][0], told[1][0]), ("rent", "court"));
        assert!(told.iter().flatten().all(|word| *word != "the"));
        assert!(
            told.iter().flatten().all(|word| *word != "monthly"),
            "one text is chance"
        );
    }

    #[test]
    fn words_that_stand_everywhere_do_not_tell() {
        let mut texts = vec![text(0, "of rent"); 20];
        texts.extend(vec![text(1, "of court"); 12]);
        texts.extend(vec![text(1, "a judge"); 8]);
        assert_eq!(keywords(&texts, 2, 3)[0], ["rent"]);
    }

    #[test]
    fn nothing_is_told_of_nothing() {
        assert_eq!(keywords(&[], 2, 3), [Vec::<&str>::new(), Vec::new()]);
        let alone = keywords(&[text(0, "a b"), text(0, "a b")], 1, 3);
        assert_eq!(alone, [Vec::<&str>::new()], "there is nothing to tell it from");
    }
}
