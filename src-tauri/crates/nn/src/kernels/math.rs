//! Scalar functions in a form that compilers vectorise: no branches, no calls.

/// e^x to within 2 units in the last place on [-87, 88]; arguments beyond are clamped.
///
/// Range reduction by ln 2 in two parts, then a polynomial of degree 6 (coefficients of the Cephes library's `expf`,
/// S. Moshier).
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let n = (x * std::f32::consts::LOG2_E).round_ties_even();
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4_f32;
    p = p.mul_add(r, 1.398_199_9e-3);
    p = p.mul_add(r, 8.333_452e-3);
    p = p.mul_add(r, 4.166_579_6e-2);
    p = p.mul_add(r, 1.666_666_5e-1);
    p = p.mul_add(r, 0.5);
    let y = p.mul_add(r * r, r) + 1.0;
    // n + 127 is a whole number in [1, 254] by the clamp above, and lies in the lowest bits of its sum with 1.5 * 2^23: shifted,
    // it is the exponent of 2^n. Where x is not a number, y is none either.
    const WHOLE: f32 = 12_582_912.0;
    f32::from_bits((n + 127.0 + WHOLE).to_bits() << 23) * y
}

/// The error function to within 5e-7 absolute: a rational approximation on [-3.93, 3.93] (coefficients of Eigen's
/// `erf`, Mozilla Public License 2.0, a table of numbers), beyond which it is ±1 in `f32`.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let x = x.clamp(-3.925_724, 3.925_724);
    let z = x * x;
    let mut a = -2.726_142e-10_f32;
    a = a.mul_add(z, 2.770_681_6e-8);
    a = a.mul_add(z, -2.101_024e-6);
    a = a.mul_add(z, -5.692_506_5e-5);
    a = a.mul_add(z, -7.349_906_3e-4);
    a = a.mul_add(z, -2.954_6e-3);
    a = a.mul_add(z, -1.609_603_3e-2);
    let mut b = -1.456_607_2e-5_f32;
    b = b.mul_add(z, -2.133_740_6e-4);
    b = b.mul_add(z, -1.682_827e-3);
    b = b.mul_add(z, -7.373_329_3e-3);
    b = b.mul_add(z, -1.426_473_9e-2);
    x * a / b
}

/// tanh(x), from [`exp`].
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let e = exp(2.0 * x.clamp(-10.0, 10.0));
    (e - 1.0) / (e + 1.0)
}

/// GELU with the error function, x Φ(x) (Hendrycks & Gimpel 2016), and its derivative Φ(x) + x φ(x).
#[inline(always)]
pub fn gelu(x: f32) -> (f32, f32) {
    const INVERSE_SQRT_TAU: f32 = 0.398_942_3;
    let cdf = 0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
    (x * cdf, (x * INVERSE_SQRT_TAU).mul_add(exp(-0.5 * x * x), cdf))
}

/// GELU with the hyperbolic tangent (`gelu_new`, `gelu_pytorch_tanh`), and its derivative.
#[inline(always)]
pub fn gelu_tanh(x: f32) -> (f32, f32) {
    const SQRT_2_OVER_PI: f32 = 0.797_884_6;
    const CUBIC: f32 = 0.044_715;
    let t = tanh(SQRT_2_OVER_PI * (CUBIC * x * x).mul_add(x, x));
    let cdf = 0.5 * (1.0 + t);
    let inner_slope = SQRT_2_OVER_PI * (3.0 * CUBIC * x).mul_add(x, 1.0);
    (x * cdf, (0.5 * x * (1.0 - t * t)).mul_add(inner_slope, cdf))
}

/// Lanes of the partial sums below: enough for two AVX-512 registers' latency to hide.
pub const LANES: usize = 16;

/// Adds up `term(i)` for `i in 0..n` in [`LANES`] partial sums, so that the loop vectorises.
#[inline(always)]
pub fn sum(n: usize, term: impl Fn(usize) -> f32) -> f32 {
    let mut partial = [0.0_f32; LANES];
    let whole = n / LANES * LANES;
    let mut i = 0;
    while i < whole {
        for lane in 0..LANES {
            partial[lane] += term(i + lane);
        }
        i += LANES;
    }
    let mut total: f32 = partial.iter().sum();
    for i in whole..n {
        total += term(i);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    /// erf by its Taylor series in f64 (exact enough below |x| = 4).
    fn erf_series(x: f64) -> f64 {
        let (mut term, mut total) = (x, x);
        for n in 1..200 {
            let n = f64::from(n);
            term *= -x * x / n;
            total += term / (2.0 * n + 1.0);
        }
        total * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn exp_agrees_with_the_library_over_its_range() {
        for i in -8_600..8_700 {
            let x = i as f32 * 0.01;
            let expected = f64::from(x).exp();
            let relative = (f64::from(exp(x)) - expected).abs() / expected;
            assert!(relative < 3e-7, "exp({x}): {relative}");
        }
    }

    #[test]
    fn exp_of_what_is_no_number_is_none_and_beyond_its_range_it_stays_at_its_ends() {
        assert!(exp(f32::NAN).is_nan());
        assert_eq!(exp(f32::INFINITY), exp(88.0));
        assert_eq!(exp(f32::NEG_INFINITY), exp(-87.0));
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn erf_agrees_with_its_series() {
        for i in -380..=380 {
            let x = i as f32 * 0.01;
            assert!(
                (f64::from(erf(x)) - erf_series(f64::from(x))).abs() < 5e-7,
                "erf({x})"
            );
        }
        assert!((erf(50.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn tanh_agrees_with_the_library() {
        for i in -1_200..1_200 {
            let x = i as f32 * 0.01;
            assert!((tanh(x) - x.tanh()).abs() < 1e-6, "tanh({x})");
        }
    }

    #[test]
    fn the_derivative_of_gelu_is_its_slope() {
        for i in -400..400 {
            let x = i as f32 * 0.01;
            let slope = (f64::from(gelu(x + 1e-2).0) - f64::from(gelu(x - 1e-2).0)) / 2e-2;
            assert!((f64::from(gelu(x).1) - slope).abs() < 1e-4, "x = {x}");
        }
    }

    #[test]
    fn sum_adds_every_term_once() {
        for n in [0, 1, 15, 16, 17, 100] {
            assert_eq!(sum(n, |i| i as f32), (0..n).sum::<usize>() as f32);
        }
    }
}
