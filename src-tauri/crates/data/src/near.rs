//! Near-duplicates: texts that share most of their wording, found without comparing all pairs.
//!
//! In: texts, a chunk at a time. Out: clusters of texts. A text is the set of its shingles (two words in a row, or three
//! characters where words are not divided by spaces). MinHash signatures (Broder 1997) put texts that are alike into the
//! same bucket of a band with high probability (locality-sensitive hashing; Leskovec, Rajaraman & Ullman, ch. 3); what
//! meets in a bucket is compared by the smallest hashes of both. Deterministic; 330 bytes a text at most.

use rayon::prelude::*;

/// Texts are near-duplicates from this share of common shingles (Jaccard) on.
const ALIKE: f64 = 0.7;

/// Rows of a signature in a band, and bands: texts at [`ALIKE`] meet with a probability of 0.99, texts with half of their
/// shingles in common are compared in two of three cases.
const ROWS: usize = 4;
const BANDS: usize = 16;

/// The smallest shingle hashes that are kept of a text: all of a short one.
const SKETCH: usize = 64;

/// Texts of a bucket that a text is compared with: enough to join them all to each other, one after the other.
const NEIGHBOURS: usize = 8;

/// Tokens of a shingle: words, or characters where words are not divided by spaces. With more words, a sentence in which
/// one word was changed would be another.
const WORDS: usize = 2;
const CHARACTERS: usize = 3;

/// Collects texts and finds those that are alike.
#[derive(Debug, Default)]
pub(crate) struct NearDuplicates {
    /// Band hashes, `[texts, BANDS]`.
    bands: Vec<u32>,
    /// The sketches end to end, and where each ends.
    sketches: Vec<u32>,
    ends: Vec<usize>,
}

impl NearDuplicates {
    /// Takes texts in; they are numbered in the order in which they come.
    pub(crate) fn add<T: AsRef<str> + Sync>(&mut self, texts: &[T]) {
        let seen: Vec<([u32; BANDS], Vec<u32>)> = texts
            .par_iter()
            .map_init(Vec::new, |shingles, text| {
                shingle(text.as_ref(), shingles);
                (bands(shingles), shingles.iter().copied().take(SKETCH).collect())
            })
            .collect();
        for (bands, sketch) in seen {
            self.bands.extend_from_slice(&bands);
            self.sketches.extend_from_slice(&sketch);
            self.ends.push(self.sketches.len());
        }
    }

    /// Texts taken in.
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn sketch(&self, text: u32) -> &[u32] {
        let text = text as usize;
        let start = if text == 0 { 0 } else { self.ends[text - 1] };
        &self.sketches[start..self.ends[text]]
    }

    /// The number of each text's cluster: that of its first text. A text that is like no other is alone in its own.
    /// `go_on` is asked between bands with the share that is done.
    pub(crate) fn clusters(&self, mut go_on: impl FnMut(f64) -> bool) -> Option<Vec<u32>> {
        let mut parent: Vec<u32> = (0..self.len() as u32).collect();
        let mut buckets: Vec<(u32, u32)> = Vec::with_capacity(self.len());
        for band in 0..BANDS {
            if !go_on(band as f64 / BANDS as f64) {
                return None;
            }
            buckets.clear();
            // A text without a word is like nothing.
            let worded = (0..self.len() as u32).filter(|text| !self.sketch(*text).is_empty());
            buckets.extend(worded.map(|text| (self.bands[text as usize * BANDS + band], text)));
            buckets.par_sort_unstable();
            for bucket in buckets.chunk_by(|a, b| a.0 == b.0) {
                for (place, (_, text)) in bucket.iter().enumerate() {
                    for (_, other) in &bucket[place.saturating_sub(NEIGHBOURS)..place] {
                        let (a, b) = (root(&mut parent, *other), root(&mut parent, *text));
                        if a != b && resemblance(self.sketch(*other), self.sketch(*text)) >= ALIKE {
                            parent[a.max(b) as usize] = a.min(b);
                        }
                    }
                }
            }
        }
        Some(
            (0..self.len() as u32)
                .map(|text| root(&mut parent, text))
                .collect(),
        )
    }
}

/// The representative of a text in a forest of parents, halving the path on the way.
fn root(parent: &mut [u32], mut text: u32) -> u32 {
    while parent[text as usize] != text {
        parent[text as usize] = parent[parent[text as usize] as usize];
        text = parent[text as usize];
    }
    text
}

/// The different shingles of a text as ascending hashes.
fn shingle(text: &str, shingles: &mut Vec<u32>) {
    let mut tokens: Vec<u64> = Vec::new();
    let mut characters = 0;
    let mut word: Option<u64> = None;
    for c in text.chars().flat_map(char::to_lowercase) {
        if is_word_by_itself(c) {
            tokens.extend(word.take());
            tokens.push(mix(u64::from(c)));
            characters += 1;
        } else if c.is_alphanumeric() {
            word = Some(mix(word.unwrap_or_default() ^ u64::from(c)));
        } else {
            tokens.extend(word.take());
        }
    }
    tokens.extend(word);
    let size = match 2 * characters > tokens.len() {
        true => CHARACTERS,
        false => WORDS,
    };
    shingles.clear();
    let last = tokens.len().saturating_sub(size);
    let starts = if tokens.is_empty() { 0..0 } else { 0..last + 1 };
    shingles.extend(starts.map(|start| combined(&tokens[start..(start + size).min(tokens.len())])));
    shingles.sort_unstable();
    shingles.dedup();
}

/// Whether a character is of a script that is written without spaces.
pub(crate) fn is_word_by_itself(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{0E00}'..='\u{0E7F}' | '\u{20000}'..='\u{323AF}')
}

fn combined(tokens: &[u64]) -> u32 {
    (tokens.iter().fold(0, |hash, token| mix(hash ^ token)) >> 32) as u32
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014).
fn mix(z: u64) -> u64 {
    let mut z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A hash of each band of the MinHash signature: the smallest values of `ROWS × BANDS` multiply-shift functions.
fn bands(shingles: &[u32]) -> [u32; BANDS] {
    const FUNCTIONS: usize = ROWS * BANDS;
    let mut smallest = [u32::MAX; FUNCTIONS];
    let factors: [u64; FUNCTIONS] = std::array::from_fn(|function| mix(function as u64) | 1);
    for &shingle in shingles {
        // Spread over all bits first: a product alone keeps the order of small numbers.
        let wide = mix(u64::from(shingle));
        for (smallest, factor) in smallest.iter_mut().zip(&factors) {
            *smallest = (*smallest).min((wide.wrapping_mul(*factor) >> 32) as u32);
        }
    }
    std::array::from_fn(|band| {
        let rows = &smallest[band * ROWS..][..ROWS];
        let hash = rows
            .iter()
            .fold(band as u64, |hash, row| mix(hash ^ u64::from(*row)));
        (hash >> 32) as u32
    })
}

/// The share of common shingles, by the smallest hashes of both (exact where both have at most [`SKETCH`]).
fn resemblance(a: &[u32], b: &[u32]) -> f64 {
    let (mut i, mut j, mut common, mut all) = (0, 0, 0_usize, 0_usize);
    // Beyond the smallest of both together nothing is known of the longer one.
    let limit = if a.len() == SKETCH || b.len() == SKETCH {
        SKETCH
    } else {
        usize::MAX
    };
    while (i < a.len() || j < b.len()) && all < limit {
        match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) if x == y => {
                common += 1;
                (i, j) = (i + 1, j + 1);
            }
            (Some(x), Some(y)) if x < y => i += 1,
            (Some(_), None) => i += 1,
            _ => j += 1,
        }
        all += 1;
    }
    common as f64 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn clusters(texts: &[&str]) -> Vec<u32> {
        let mut near = NearDuplicates::default();
        near.add(texts);
        near.clusters(|_| true).unwrap()
    }

    const CLAUSE: &str = "This Agreement shall be governed by and construed in accordance with the laws of the State of \
        New York, without regard to its conflict of laws principles, and the parties submit to its courts for any dispute.";

    #[test]
    fn texts_that_differ_in_a_word_or_in_punctuation_are_alike_and_others_are_not() {
        let other = CLAUSE.replace("State of New York", "State of Delaware");
        let shouted = CLAUSE.to_uppercase().replace(',', " ;");
        let found = clusters(&[
            CLAUSE,
            "Either party may terminate this Agreement upon thirty days' written notice to the other party.",
            &other,
            &shouted,
        ]);
        assert_eq!(found, [0, 1, 0, 0]);
    }

    #[test]
    fn chinese_is_compared_by_characters() {
        let text = "公司拖欠工资三个月，我多次催要都没有结果，请问该如何通过劳动仲裁维护自己的权益，需要准备哪些材料？";
        let other = text.replace("三个月", "四个月");
        assert_eq!(
            clusters(&[text, &other, "房东不退押金怎么办？合同里没有写明退还的条件。"]),
            [0, 0, 2]
        );
    }

    #[test]
    fn texts_without_words_are_alike_to_none() {
        assert_eq!(clusters(&["!!!", "???", "", "a", "a"]), [0, 1, 2, 3, 3]);
    }

    #[test]
    fn a_work_that_is_stopped_has_no_result() {
        let mut near = NearDuplicates::default();
        near.add(&["a b c d"]);
        assert_eq!(near.clusters(|done| done < 0.5), None);
    }

    /// The share of common shingles, exactly.
    fn jaccard(a: &str, b: &str) -> f64 {
        let set = |text: &str| {
            let mut shingles = Vec::new();
            shingle(text, &mut shingles);
            shingles.into_iter().collect::<HashSet<u32>>()
        };
        let (a, b) = (set(a), set(b));
        a.intersection(&b).count() as f64 / a.union(&b).count().max(1) as f64
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(0_u8..200, 20..60)
    }

    fn written(words: &[u8]) -> String {
        words.iter().map(|word| format!("word{word} ")).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn what_is_joined_is_alike_and_what_is_clearly_alike_is_joined(words in text(), changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..200), 0..6)) {
            let mut changed = words.clone();
            for (place, word) in changes {
                let place = place.index(changed.len());
                changed[place] = word;
            }
            let (a, b) = (written(&words), written(&changed));
            let joined = clusters(&[&a, &b])[1] == 0;
            let alike = jaccard(&a, &b);
            // Both have fewer shingles than a sketch holds, so that the comparison is exact.
            prop_assert!(!joined || alike >= ALIKE, "joined at {alike}");
            prop_assert!(joined || alike < 0.85, "not joined at {alike}");
        }
    }
}
