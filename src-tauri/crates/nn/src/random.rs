//! Counter-based random numbers: every number is a pure function of a key and an index.
//!
//! Nothing has a state, so a run that was stopped and resumed draws exactly the numbers that it would have drawn
//! without the stop, and threads need not agree on an order. A [`Key`] is made from a seed and narrowed by what the
//! numbers are for (`Key::new(seed).with(step).with(layer)`). Not for cryptography.

/// Names one stream of random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// A fixed key.
    #[cfg(test)]
    pub(crate) const KEY_FOR_TESTS: Key = Key(0x1234_5678_9ABC_DEF0);

    /// The key of a run.
    pub fn new(seed: u64) -> Self {
        Key(mix(seed ^ 0x5EED_00FA_1100))
    }

    /// A key of its own for `part` within this key.
    #[must_use]
    pub fn with(self, part: u64) -> Self {
        Key(mix(self.0 ^ mix(part.wrapping_add(0x9E37_79B9_7F4A_7C15))))
    }

    /// The key for the 32-bit generator of the kernels.
    pub fn word(self) -> u32 {
        (self.0 >> 32) as u32 ^ self.0 as u32
    }

    /// The `index`-th number of the stream, uniform over all `u64`.
    pub fn bits(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// The `index`-th number of the stream, uniform in [0, 1).
    pub fn uniform(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The `index`-th number of the stream, normal with mean 0 and deviation 1 (Box–Muller).
    pub fn normal(self, index: u64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform(2 * index)).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform(2 * index + 1)).cos()
    }

    /// A random order of `0..n` (Fisher–Yates).
    pub fn permutation(self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            let j = (self.uniform(i as u64) * (i + 1) as f64) as usize;
            order.swap(i, j);
        }
        order
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Inverted dropout as a pure function: element `index` is kept with probability `1 - p` and then scaled by
/// `1 / (1 - p)`. 32-bit arithmetic (the finaliser of MurmurHash3), so that loops over it vectorise.
#[derive(Debug, Clone, Copy)]
pub struct DropoutMask {
    key: u32,
    threshold: u32,
    scale: f32,
}

impl DropoutMask {
    /// A mask that drops with probability `p` in [0, 1); `p == 0` keeps everything.
    pub fn new(key: Key, p: f32) -> Self {
        let threshold = (f64::from(p) * 4_294_967_296.0) as u32;
        DropoutMask {
            key: key.word(),
            threshold,
            scale: 1.0 / (1.0 - p),
        }
    }

    /// Whether every element is kept.
    pub fn keeps_all(&self) -> bool {
        self.threshold == 0
    }

    /// Key, threshold and scale, for a kernel that does the same elsewhere.
    #[cfg(any(test, feature = "cuda"))]
    pub(crate) fn parts(&self) -> (u32, u32, f32) {
        (self.key, self.threshold, self.scale)
    }

    /// The factor of element `index`: 0 or `1 / (1 - p)`.
    #[inline(always)]
    pub fn factor(&self, index: u32) -> f32 {
        let mut h = index.wrapping_mul(0x9E37_79B1).wrapping_add(self.key);
        h ^= h >> 15;
        h = h.wrapping_mul(0x85EB_CA77);
        h ^= h >> 13;
        h = h.wrapping_mul(0xC2B2_AE3D);
        h ^= h >> 16;
        if h >= self.threshold { self.scale } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_holds_every_index_once_and_depends_on_the_key() {
        let order = Key::new(1).with(7).permutation(1000);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
        assert_eq!(order, Key::new(1).with(7).permutation(1000));
        assert_ne!(order, Key::new(1).with(8).permutation(1000));
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let key = Key::new(3);
        let n = 100_000;
        let numbers: Vec<f64> = (0..n).map(|i| key.normal(i)).collect();
        let mean = numbers.iter().sum::<f64>() / n as f64;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        assert!(mean.abs() < 0.02, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.03, "variance {variance}");
    }

    #[test]
    fn dropout_keeps_the_expected_share_and_the_expected_sum() {
        let mask = DropoutMask::new(Key::new(5).with(2), 0.1);
        let n = 200_000;
        let kept = (0..n).filter(|&i| mask.factor(i) > 0.0).count() as f64 / f64::from(n);
        let sum: f64 = (0..n).map(|i| f64::from(mask.factor(i))).sum::<f64>() / f64::from(n);
        assert!((kept - 0.9).abs() < 0.005, "kept {kept}");
        assert!((sum - 1.0).abs() < 0.006, "sum {sum}");
        assert!(DropoutMask::new(Key::new(5), 0.0).keeps_all());
    }

    #[test]
    fn masks_of_two_keys_are_unrelated() {
        let (a, b) = (
            DropoutMask::new(Key::new(1), 0.5),
            DropoutMask::new(Key::new(2), 0.5),
        );
        let same = (0..100_000).filter(|&i| a.factor(i) == b.factor(i)).count() as f64 / 100_000.0;
        assert!((same - 0.5).abs() < 0.01, "same {same}");
    }
}
