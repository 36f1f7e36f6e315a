//! L-BFGS: the minimum of a smooth function of many numbers (Nocedal & Wright 2006, algorithm 7.5), with a line search by
//! halving. Deterministic.

use rayon::prelude::*;

/// Pairs of steps and gradients that are remembered.
const MEMORY: usize = 6;
/// The slope at the minimum, as a share of the slope at the start.
const TOLERANCE: f64 = 1e-4;

/// Where `objective`, which answers its value and gradient, is smallest, beginning at `start`; after at most `iterations`
/// steps. `None` when `stop` said so.
pub fn minimise(
    start: Vec<f32>,
    mut objective: impl FnMut(&[f32]) -> (f64, Vec<f32>),
    iterations: usize,
    stop: &dyn Fn() -> bool,
) -> Option<Vec<f32>> {
    let mut at = start;
    let (mut value, mut gradient) = objective(&at);
    let first_norm = dot(&gradient, &gradient).sqrt();
    let mut pairs: Vec<(Vec<f32>, Vec<f32>, f64)> = Vec::new();
    for _ in 0..iterations {
        if stop() {
            return None;
        }
        let direction = direction(&gradient, &pairs);
        let slope = dot(&direction, &gradient);
        if slope >= 0.0 || dot(&gradient, &gradient).sqrt() < TOLERANCE * first_norm {
            break;
        }
        // The first step has no scale yet; later ones are nearly right as they are.
        let mut step = if pairs.is_empty() {
            1.0 / first_norm.max(1e-12)
        } else {
            1.0
        };
        let mut found = None;
        for _ in 0..20 {
            let numbers = at.iter().zip(&direction);
            let next: Vec<f32> = numbers.map(|(x, d)| x + step as f32 * d).collect();
            let (next_value, next_gradient) = objective(&next);
            if next_value <= value + 1e-4 * step * slope {
                found = Some((next, next_value, next_gradient));
                break;
            }
            step *= 0.5;
        }
        let Some((next, next_value, next_gradient)) = found else {
            break;
        };
        let moved: Vec<f32> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let turned: Vec<f32> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&moved, &turned);
        if curvature > 1e-12 {
            if pairs.len() == MEMORY {
                pairs.remove(0);
            }
            pairs.push((moved, turned, curvature));
        }
        (at, value, gradient) = (next, next_value, next_gradient);
    }
    Some(at)
}

/// The two loops of L-BFGS.
fn direction(gradient: &[f32], pairs: &[(Vec<f32>, Vec<f32>, f64)]) -> Vec<f32> {
    let mut q: Vec<f32> = gradient.iter().map(|g| -g).collect();
    let mut factors = vec![0.0; pairs.len()];
    for (i, (moved, turned, curvature)) in pairs.iter().enumerate().rev() {
        factors[i] = dot(moved, &q) / curvature;
        add(&mut q, turned, -factors[i]);
    }
    if let Some((_, turned, curvature)) = pairs.last() {
        let scale = (curvature / dot(turned, turned)) as f32;
        q.iter_mut().for_each(|x| *x *= scale);
    }
    for (i, (moved, turned, curvature)) in pairs.iter().enumerate() {
        let factor = factors[i] - dot(turned, &q) / curvature;
        add(&mut q, moved, factor);
    }
    q
}

/// Sums in parts of one size, added in their order: the same with any number of threads.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    const PART: usize = 1 << 14;
    let part = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    let parts: Vec<f64> = a.par_chunks(PART).zip(b.par_chunks(PART)).map(part).collect();
    parts.iter().sum()
}

fn add(sum: &mut [f32], x: &[f32], factor: f64) {
    let factor = factor as f32;
    sum.par_iter_mut()
        .zip(x)
        .with_min_len(1 << 14)
        .for_each(|(s, x)| *s += factor * x);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley.
    fn valley(x: &[f32]) -> (f64, Vec<f32>) {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        let value = f64::from(a * a + 100.0 * b * b);
        (value, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
    }

    #[test]
    fn the_bottom_of_a_curved_valley_is_found() {
        let found = minimise(vec![-1.2, 1.0], valley, 200, &|| false).unwrap();
        assert!(found.iter().all(|x| (x - 1.0).abs() < 0.01), "{found:?}");
    }

    #[test]
    fn a_stop_gives_no_answer() {
        assert_eq!(minimise(vec![-1.2, 1.0], valley, 200, &|| true), None);
    }
}
