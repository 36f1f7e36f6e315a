//! Numbers as people read them. Rounding never flatters: "100 of 100" means all, and an interval is
//! rounded outward.

use understudy_eval::Interval;

use crate::Catalogue;

/// Below so many cases a share is told as a count: "8 of 9" instead of "89 of 100".
pub const FEW: u32 = 20;

/// A share as a number out of 100; 0 and 100 only where nothing or everything is meant.
pub fn of_100(share: f64) -> u32 {
    let rounded = (share * 100.0).round() as u32;
    if share >= 1.0 {
        100
    } else if share <= 0.0 {
        0
    } else {
        rounded.clamp(1, 99)
    }
}

/// An interval out of 100, rounded outward.
pub fn interval_of_100(interval: Interval) -> (u32, u32) {
    // The epsilon keeps 0.29 * 100 = 28.999… from reaching 28.
    let low = (interval.low * 100.0 + 1e-9).floor() as u32;
    let high = (interval.high * 100.0 - 1e-9).ceil() as u32;
    (low, high)
}

/// A score with three decimals, for the tables.
pub fn score(value: f64) -> String {
    format!("{value:.3}")
}

/// "0.838–0.953", rounded outward.
pub fn interval(interval: Interval) -> String {
    let low = (interval.low * 1_000.0 + 1e-9).floor() / 1_000.0;
    let high = (interval.high * 1_000.0 - 1e-9).ceil() / 1_000.0;
    format!("{low:.3}–{high:.3}")
}

/// A count with separators: 12,345.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A duration in its two largest units: "3 min 12 s".
pub fn duration(seconds: f64, texts: &Catalogue) -> String {
    let total = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    let text = |key, large: u64, small: u64| {
        texts.text(
            key,
            &[("large", &large.to_string()), ("small", &small.to_string())],
        )
    };
    if hours > 0 {
        text("duration.hours", hours, minutes)
    } else if minutes > 0 {
        text("duration.minutes", minutes, seconds)
    } else {
        texts.text("duration.seconds", &[("small", &seconds.to_string())])
    }
}

/// "2026-11-23 21:02" of an RFC 3339 time, with its offset where it is UTC; anything else as it is.
pub fn date_time(rfc3339: &str) -> String {
    match rfc3339.split_once('T') {
        Some((date, time)) if time.is_char_boundary(5) && time.as_bytes().get(2) == Some(&b':') => {
            let zone = if time.ends_with('Z') || time.ends_with("+00:00") {
                " UTC"
            } else {
                ""
            };
            format!("{date} {}{zone}", &time[..5])
        }
        _ => rfc3339.to_owned(),
    }
}

/// Watts that a busy processor thread is taken to draw: about what common laptop and office processors are rated at,
/// by their number of threads. A guess, and told as one: what a machine really draws is told to its administrator alone.
pub const WATTS_PER_THREAD: f64 = 5.0;

/// Watt-hours that `threads` busy threads have drawn in `seconds`, about.
pub fn watt_hours(seconds: f64, threads: u32) -> f64 {
    seconds * f64::from(threads) * WATTS_PER_THREAD / 3600.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Language;

    #[test]
    fn shares_are_whole_only_when_the_thing_is() {
        assert_eq!([0.0, 0.001, 0.912, 0.999, 1.0].map(of_100), [0, 1, 91, 99, 100]);
    }

    #[test]
    fn intervals_are_rounded_outward() {
        assert_eq!(
            interval_of_100(Interval {
                low: 0.8377,
                high: 0.9519
            }),
            (83, 96)
        );
        assert_eq!(interval_of_100(Interval { low: 0.29, high: 1.0 }), (29, 100));
        assert_eq!(
            interval(Interval {
                low: 0.8377,
                high: 0.9511
            }),
            "0.837–0.952"
        );
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1_000, 22_713_216].map(count),
            ["0", "999", "1,000", "22,713,216"]
        );
    }

    #[test]
    fn durations_show_two_units() {
        let texts = Catalogue::report(Language::En);
        assert_eq!(
            [12.4, 192.0, 7_500.0].map(|s| duration(s, texts)),
            ["12 s", "3 min 12 s", "2 h 5 min"]
        );
    }

    #[test]
    fn times_lose_their_seconds_and_nothing_else() {
        assert_eq!(date_time("2026-11-23T21:02:22Z"), "2026-11-23 21:02 UTC");
        assert_eq!(date_time("2026-11-23T21:02:22+08:00"), "2026-11-23 21:02");
        assert_eq!(date_time("Tuesday"), "Tuesday");
    }

    proptest! {
        #[test]
        fn a_rounded_interval_contains_the_rounded_share(low in 0.0..1.0_f64, share in 0.0..1.0_f64, high in 0.0..1.0_f64) {
            let mut sorted = [low, share, high];
            sorted.sort_by(f64::total_cmp);
            let (low, high) = interval_of_100(Interval { low: sorted[0], high: sorted[2] });
            prop_assert!(low <= of_100(sorted[1]) && of_100(sorted[1]) <= high.max(1));
        }
    }
}
