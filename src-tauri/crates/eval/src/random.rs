//! Counter-based random numbers: number `counter` of stream `stream` is a function of the seed
//! alone, so any part of a computation can be repeated without what came before it.

/// Weyl increment and finaliser of SplitMix64 (Steele, Lea, Flood 2014).
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One stream of random numbers.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    key: u64,
}

impl Stream {
    /// Stream `stream` of `seed`.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self {
            key: mix(mix(seed.wrapping_add(GAMMA)).wrapping_add(stream.wrapping_mul(GAMMA))),
        }
    }

    /// Number `counter` of the stream, in `0..bound`. The bias of the multiplication is below
    /// `bound` / 2⁶⁴.
    #[inline]
    pub fn below(self, counter: u64, bound: usize) -> usize {
        let bits = mix(self.key.wrapping_add(counter.wrapping_mul(GAMMA)));
        ((u128::from(bits) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_and_counters_give_equal_numbers_and_others_do_not() {
        let draw = |seed, stream| {
            (0..64)
                .map(|i| Stream::new(seed, stream).below(i, 1 << 40))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(7, 0), draw(7, 0));
        assert_ne!(draw(7, 0), draw(7, 1));
        assert_ne!(draw(7, 0), draw(8, 0));
    }

    #[test]
    fn every_number_below_the_bound_is_about_equally_likely() {
        let mut counts = [0_i64; 10];
        for i in 0..100_000 {
            counts[Stream::new(1, 2).below(i, 10)] += 1;
        }
        // Six standard deviations of a binomial count with n = 100,000 and p = 0.1.
        assert!(counts.iter().all(|c| (c - 10_000).abs() < 570), "{counts:?}");
    }
}
