//! What counting words reaches: TF-IDF with logistic regression, the baseline that a trained model has to beat.
//!
//! As in scikit-learn's `TfidfVectorizer(ngram_range=(1, 2), min_df=2)` (characters, one to three, where the texts are
//! written without spaces) and `LogisticRegression(C=10)`: smoothed inverse document frequencies, rows of length one,
//! multinomial loss with an L2 penalty, minimised by L-BFGS. Deterministic.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use crate::link::Link;
use crate::minimise::{dot, minimise};

/// Inverse strength of the penalty.
const C: f64 = 10.0;
const ITERATIONS: usize = 100;
/// Numbers of the model (terms × classes) beyond which the rarest terms are left out.
const MAX_NUMBERS: usize = 4_000_000;

/// The probabilities of the classes of every text in `asked` (`[texts, classes]`, row-major), by counting the words of
/// `texts`, whose classes are `gold`: one each, or any number where `several` says so (one regression a class then).
/// `None` when `stop` said so, when there is nothing to learn from, or when no term occurs twice.
pub fn bag_of_words<T: AsRef<str> + Sync>(
    texts: &[T],
    gold: &[&[usize]],
    classes: usize,
    several: bool,
    asked: &[T],
    stop: &dyn Fn() -> bool,
) -> Option<Vec<f32>> {
    let one_each = || gold.iter().all(|labels| labels.len() == 1);
    if texts.is_empty()
        || texts.len() != gold.len()
        || classes < 1
        || (!several && (classes < 2 || !one_each()))
    {
        return None;
    }
    let link = if several { Link::Sigmoid } else { Link::Softmax };
    let kind = Terms::of(texts);
    let vocabulary = Vocabulary::learn(texts, kind, classes)?;
    let rows = Rows::new(texts, &vocabulary, kind);
    let numbers = fit(&rows, gold, classes, link, vocabulary.idf.len(), stop)?;
    let weights = Weights {
        numbers: &numbers,
        classes,
    };
    let asked = Rows::new(asked, &vocabulary, kind);
    let probabilities = asked.rows.par_iter().flat_map_iter(|row| {
        let mut scores = weights.scores(row);
        link.probabilities(&mut scores);
        scores
    });
    Some(probabilities.collect())
}

/// What texts are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terms {
    /// Words and pairs of neighbours.
    Words,
    /// One to three characters in a row.
    Characters,
}

impl Terms {
    /// Characters where a third of the letters belong to a script without spaces.
    fn of<T: AsRef<str>>(texts: &[T]) -> Self {
        let (mut letters, mut dense) = (0_usize, 0_usize);
        for text in texts.iter().step_by(texts.len().div_ceil(200)) {
            for c in text.as_ref().chars().take(2000).filter(|c| c.is_alphanumeric()) {
                letters += 1;
                dense += usize::from(
                    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{0E00}'..='\u{0E7F}'),
                );
            }
        }
        if dense * 3 > letters {
            Terms::Characters
        } else {
            Terms::Words
        }
    }

    /// Calls `each` with every term of a text, in its order.
    fn visit(self, text: &str, mut each: impl FnMut(&str)) {
        let text = text.to_lowercase();
        match self {
            Terms::Words => {
                let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
                let mut before: Option<&str> = None;
                let mut pair = String::new();
                for word in words.filter(|word| word.chars().nth(1).is_some()) {
                    each(word);
                    if let Some(before) = before {
                        pair.clear();
                        pair.extend([before, " ", word]);
                        each(&pair);
                    }
                    before = Some(word);
                }
            }
            Terms::Characters => {
                let starts: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
                for length in 1..=3 {
                    for pair in starts.windows(length + 1) {
                        each(&text[pair[0]..pair[length]]);
                    }
                }
            }
        }
    }
}

/// The terms that count, with their inverse document frequencies.
struct Vocabulary {
    places: HashMap<String, u32>,
    idf: Vec<f32>,
}

impl Vocabulary {
    fn learn<T: AsRef<str> + Sync>(texts: &[T], kind: Terms, classes: usize) -> Option<Self> {
        let mut frequency: HashMap<String, u32> = HashMap::new();
        let mut seen: HashSet<String> = HashSet::new();
        for text in texts {
            seen.clear();
            kind.visit(text.as_ref(), |term| {
                if !seen.contains(term) {
                    seen.insert(term.to_owned());
                    match frequency.get_mut(term) {
                        Some(count) => *count += 1,
                        None => {
                            frequency.insert(term.to_owned(), 1);
                        }
                    }
                }
            });
        }
        let mut terms: Vec<(String, u32)> = frequency.into_iter().filter(|(_, count)| *count >= 2).collect();
        // The commonest first, then by the alphabet: the same in every run.
        terms.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        terms.truncate(MAX_NUMBERS / classes);
        if terms.is_empty() {
            return None;
        }
        let documents = texts.len() as f64;
        let idf =
            |(_, count): &(String, u32)| ((1.0 + documents) / (1.0 + f64::from(*count))).ln() as f32 + 1.0;
        Some(Vocabulary {
            idf: terms.iter().map(idf).collect(),
            places: terms.into_iter().map(|(term, _)| term).zip(0..).collect(),
        })
    }
}

/// Texts as sparse rows of length one: `(term, value)`.
struct Rows {
    rows: Vec<Vec<(u32, f32)>>,
}

impl Rows {
    fn new<T: AsRef<str> + Sync>(texts: &[T], vocabulary: &Vocabulary, kind: Terms) -> Self {
        let row = |text: &T| {
            let mut counts: HashMap<u32, f32> = HashMap::new();
            kind.visit(text.as_ref(), |term| {
                if let Some(&place) = vocabulary.places.get(term) {
                    *counts.entry(place).or_default() += 1.0;
                }
            });
            let mut row: Vec<(u32, f32)> = counts
                .into_iter()
                .map(|(place, count)| (place, count * vocabulary.idf[place as usize]))
                .collect();
            row.sort_unstable_by_key(|(place, _)| *place);
            let norm = row.iter().map(|(_, x)| x * x).sum::<f32>().sqrt();
            row.iter_mut().for_each(|(_, x)| *x /= norm);
            row
        };
        Rows {
            rows: texts.par_iter().map(row).collect(),
        }
    }

    /// By terms: which rows hold each, with the value.
    fn columns(&self, terms: usize) -> Vec<Vec<(u32, f32)>> {
        let mut columns = vec![Vec::new(); terms];
        for (row, index) in self.rows.iter().zip(0..) {
            for &(term, x) in row {
                columns[term as usize].push((index, x));
            }
        }
        columns
    }
}

/// A linear model: `[terms + 1, classes]`, the last row added to all.
#[derive(Clone, Copy)]
struct Weights<'a> {
    numbers: &'a [f32],
    classes: usize,
}

impl Weights<'_> {
    fn scores(self, row: &[(u32, f32)]) -> Vec<f32> {
        let mut scores = self.numbers[self.numbers.len() - self.classes..].to_vec();
        for &(term, x) in row {
            let weights = &self.numbers[term as usize * self.classes..][..self.classes];
            scores.iter_mut().zip(weights).for_each(|(s, w)| *s += x * w);
        }
        scores
    }
}

/// Minimises mean loss plus penalty.
fn fit(
    rows: &Rows,
    gold: &[&[usize]],
    classes: usize,
    link: Link,
    terms: usize,
    stop: &dyn Fn() -> bool,
) -> Option<Vec<f32>> {
    let columns = rows.columns(terms);
    let start = vec![0.0; (terms + 1) * classes];
    let objective = |numbers: &[f32]| objective(rows, &columns, gold, link, Weights { numbers, classes });
    minimise(start, objective, ITERATIONS, stop)
}

/// Mean loss plus penalty, and its gradient. The offsets of the classes are not penalised.
fn objective(
    rows: &Rows,
    columns: &[Vec<(u32, f32)>],
    gold: &[&[usize]],
    link: Link,
    at: Weights,
) -> (f64, Vec<f32>) {
    let (classes, count) = (at.classes, rows.rows.len());
    let mut rest = vec![0.0_f32; count * classes];
    let losses: Vec<f64> = rest
        .par_chunks_mut(classes)
        .zip(&rows.rows)
        .zip(gold)
        .map(|((rest, row), labels)| {
            rest.copy_from_slice(&at.scores(row));
            link.loss_and_slope(rest, labels)
        })
        .collect();
    let share = 1.0 / count as f64;
    let penalty = 1.0 / (C * count as f64);
    let (weights, _) = at.numbers.split_at(columns.len() * classes);
    let mut gradient = vec![0.0_f32; at.numbers.len()];
    let (by_term, offsets) = gradient.split_at_mut(columns.len() * classes);
    by_term
        .par_chunks_mut(classes)
        .zip(columns)
        .zip(weights.par_chunks(classes))
        .for_each(|((gradient, column), weights)| {
            for &(row, x) in column {
                let rest = &rest[row as usize * classes..][..classes];
                gradient.iter_mut().zip(rest).for_each(|(g, r)| *g += x * r);
            }
            for (g, w) in gradient.iter_mut().zip(weights) {
                *g = share as f32 * *g + penalty as f32 * w;
            }
        });
    for rest in rest.chunks_exact(classes) {
        offsets
            .iter_mut()
            .zip(rest)
            .for_each(|(g, r)| *g += share as f32 * r);
    }
    let value = share * losses.iter().sum::<f64>() + 0.5 * penalty * dot(weights, weights);
    (value, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(kind: Terms, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        kind.visit(text, |term| found.push(term.to_owned()));
        found
    }

    #[test]
    fn words_of_two_letters_and_pairs_of_neighbours_count() {
        assert_eq!(
            terms(Terms::Words, "The Court, a court_2!"),
            ["the", "court", "the court", "court_2", "court court_2"]
        );
        assert_eq!(
            terms(Terms::Characters, "合同法"),
            ["合", "同", "法", "合同", "同法", "合同法"]
        );
    }

    #[test]
    fn chinese_is_counted_by_characters_and_english_by_words() {
        assert_eq!(
            Terms::of(&["劳动合同没有签", "可以要求赔偿吗 OK"]),
            Terms::Characters
        );
        assert_eq!(
            Terms::of(&["the word 合同 is Chinese for contract"]),
            Terms::Words
        );
    }

    /// One label a text.
    fn each(labels: &[usize]) -> Vec<&[usize]> {
        labels.iter().map(std::slice::from_ref).collect()
    }

    /// Texts whose class is told by one word among others.
    fn examples(n: usize) -> (Vec<String>, Vec<usize>) {
        let telling = ["court", "heart", "invoice"];
        let fill = ["the", "patient", "letter", "of", "yesterday", "was", "here"];
        let text = |i: usize| format!("{} {} {}", fill[i % 7], telling[i % 3], fill[(i / 3) % 7]);
        ((0..n).map(text).collect(), (0..n).map(|i| i % 3).collect())
    }

    #[test]
    fn telling_words_are_found_and_the_answers_are_the_same_every_time() {
        let (texts, gold) = examples(90);
        let asked: Vec<String> = ["an invoice came", "at court", "his heart"]
            .map(str::to_owned)
            .to_vec();
        let found = bag_of_words(&texts, &each(&gold), 3, false, &asked, &|| false).unwrap();
        let answers: Vec<usize> = found.chunks(3).map(crate::most_probable).collect();
        assert_eq!(answers, [2, 0, 1]);
        assert!(
            found
                .chunks(3)
                .all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5)
        );
        let again = bag_of_words(&texts, &each(&gold), 3, false, &asked, &|| false).unwrap();
        assert_eq!(again, found);
    }

    #[test]
    fn several_labels_are_found_each_for_itself() {
        let (texts, _) = examples(90);
        let both: Vec<String> = (0..60)
            .map(|i| format!("{} and {}", texts[i], texts[i + 1]))
            .collect();
        let gold: Vec<Vec<usize>> = (0..60).map(|i| vec![i % 3, (i + 1) % 3]).collect();
        let texts: Vec<String> = texts[..60].iter().cloned().chain(both).collect();
        let gold: Vec<Vec<usize>> = (0..60).map(|i| vec![i % 3]).chain(gold).collect();
        let gold: Vec<&[usize]> = gold.iter().map(Vec::as_slice).collect();
        let asked = ["an invoice came to court", "his heart"].map(str::to_owned);
        let found = bag_of_words(&texts, &gold, 3, true, &asked, &|| false).unwrap();
        let given: Vec<Vec<usize>> = found.chunks(3).map(|row| crate::given(row, &[0.5; 3])).collect();
        assert_eq!(given, [vec![0, 2], vec![1]]);
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_objective() {
        let (texts, gold) = examples(30);
        let vocabulary = Vocabulary::learn(&texts, Terms::Words, 3).unwrap();
        let rows = Rows::new(&texts, &vocabulary, Terms::Words);
        let columns = rows.columns(vocabulary.idf.len());
        let mut numbers: Vec<f32> = (0..(vocabulary.idf.len() + 1) * 3)
            .map(|i| ((i * 37 % 11) as f32 - 5.0) * 0.1)
            .collect();
        let classes = 3;
        let gold = each(&gold);
        for link in [Link::Softmax, Link::Sigmoid] {
            let at = |numbers: &[f32]| objective(&rows, &columns, &gold, link, Weights { numbers, classes });
            let (_, gradient) = at(&numbers);
            for i in (0..gradient.len()).step_by(5) {
                let x = numbers[i];
                numbers[i] = x + 0.01;
                let above = at(&numbers).0;
                numbers[i] = x - 0.01;
                let below = at(&numbers).0;
                numbers[i] = x;
                assert!(
                    (f64::from(gradient[i]) - (above - below) / 0.02).abs() < 1e-4,
                    "{link:?} {i}"
                );
            }
        }
    }

    #[test]
    fn nothing_to_learn_from_and_a_stop_give_no_answer() {
        let none: [&str; 0] = [];
        assert_eq!(bag_of_words(&none, &[], 2, false, &["a"], &|| false), None);
        assert_eq!(
            bag_of_words(&["only once"], &[&[0]], 2, false, &["a"], &|| false),
            None
        );
        let (texts, gold) = examples(30);
        assert_eq!(
            bag_of_words(&texts, &each(&gold), 3, false, &texts, &|| true),
            None
        );
        assert_eq!(
            bag_of_words(&["a b", "a b"], &[&[0, 1], &[1]], 2, false, &["a"], &|| false),
            None,
            "two labels where there is one"
        );
    }

    #[test]
    fn a_text_of_unknown_words_gets_an_answer_all_the_same() {
        let (texts, gold) = examples(30);
        let asked = ["zzz".to_owned(), String::new()];
        let found = bag_of_words(&texts, &each(&gold), 3, false, &asked, &|| false).unwrap();
        assert!(found.len() == 6 && found.iter().all(|p| p.is_finite()));
    }
}
