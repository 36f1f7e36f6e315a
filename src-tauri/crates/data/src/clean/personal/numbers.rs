//! Check digits.

/// The digits of a number as it is written.
pub(super) fn digits(number: &str) -> Vec<u32> {
    number.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// Payment cards: the Luhn check (ISO/IEC 7812-1).
pub(super) fn is_card(number: &str) -> bool {
    let digits = digits(number);
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit })
        .sum();
    (13..=19).contains(&digits.len())
        && sum.is_multiple_of(10)
        && digits.iter().any(|digit| *digit != digits[0])
}

/// NHS numbers: weights 10 to 2, modulo 11.
pub(super) fn is_nhs(number: &str) -> bool {
    let digits = digits(number);
    let [first @ .., check] = digits.as_slice() else {
        return false;
    };
    let sum: u32 = first
        .iter()
        .zip((2..=10).rev())
        .map(|(digit, weight)| digit * weight)
        .sum();
    digits.len() == 10 && (11 - sum % 11) % 11 == *check && sum > 0
}

/// Chinese resident identity numbers: a date of birth, and ISO 7064 modulo 11-2 (GB 11643-1999).
pub(super) fn is_chinese_id(number: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    let digits = digits(&number[..17]);
    let two = |at: usize| digits[at] * 10 + digits[at + 1];
    let (century, month, day) = (two(6), two(10), two(12));
    let sum: u32 = digits
        .iter()
        .zip(WEIGHTS)
        .map(|(digit, weight)| digit * weight)
        .sum();
    let check = number.as_bytes()[17].to_ascii_uppercase();
    (18..=20).contains(&century)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && CHECKS[(sum % 11) as usize] == check
}

/// US social security numbers: ranges that were never given out (SSA).
pub(super) fn is_ssn(number: &str) -> bool {
    let parts: Vec<u32> = number
        .split(['-', ' '])
        .filter_map(|part| part.parse().ok())
        .collect();
    matches!(parts[..], [area, group, serial] if area != 0 && area != 666 && area < 900 && group != 0 && serial != 0)
}

/// Characters of an account number by country (SWIFT's IBAN registry).
pub(super) fn iban_length(country: &str) -> Option<usize> {
    const LENGTHS: &[(&str, usize)] = &[
        ("AD", 24),
        ("AE", 23),
        ("AL", 28),
        ("AT", 20),
        ("AZ", 28),
        ("BA", 20),
        ("BE", 16),
        ("BG", 22),
        ("BH", 22),
        ("BR", 29),
        ("BY", 28),
        ("CH", 21),
        ("CR", 22),
        ("CY", 28),
        ("CZ", 24),
        ("DE", 22),
        ("DK", 18),
        ("DO", 28),
        ("EE", 20),
        ("EG", 29),
        ("ES", 24),
        ("FI", 18),
        ("FO", 18),
        ("FR", 27),
        ("GB", 22),
        ("GE", 22),
        ("GI", 23),
        ("GL", 18),
        ("GR", 27),
        ("GT", 28),
        ("HR", 21),
        ("HU", 28),
        ("IE", 22),
        ("IL", 23),
        ("IQ", 23),
        ("IS", 26),
        ("IT", 27),
        ("JO", 30),
        ("KW", 30),
        ("KZ", 20),
        ("LB", 28),
        ("LI", 21),
        ("LT", 20),
        ("LU", 20),
        ("LV", 21),
        ("MC", 27),
        ("MD", 24),
        ("ME", 22),
        ("MK", 19),
        ("MR", 27),
        ("MT", 31),
        ("MU", 30),
        ("NL", 18),
        ("NO", 15),
        ("PK", 24),
        ("PL", 28),
        ("PS", 29),
        ("PT", 25),
        ("QA", 29),
        ("RO", 24),
        ("RS", 22),
        ("SA", 24),
        ("SE", 24),
        ("SI", 19),
        ("SK", 24),
        ("SM", 27),
        ("TN", 24),
        ("TR", 26),
        ("UA", 29),
        ("VA", 22),
        ("VG", 24),
        ("XK", 20),
    ];
    LENGTHS
        .iter()
        .find(|(code, _)| *code == country)
        .map(|(_, length)| *length)
}

/// International account numbers: the first four characters at the end, letters as 10 to 35, modulo 97 is 1 (ISO 13616).
pub(super) fn is_iban(number: &str) -> bool {
    let plain: Vec<char> = number.chars().filter(|c| *c != ' ').collect();
    if plain.len() < 5 {
        return false;
    }
    let moved = plain[4..].iter().chain(&plain[..4]);
    let rest = moved
        .filter_map(|c| c.to_digit(36))
        .fold(0, |rest, value| match value {
            0..=9 => (rest * 10 + value) % 97,
            _ => (rest * 100 + value) % 97,
        });
    rest == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn published_examples_pass() {
        // The examples of the standards and of the institutions that give the numbers out.
        for card in ["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005"] {
            assert!(is_card(card), "{card}");
        }
        assert!(is_nhs("943 476 5919") && is_nhs("4010232137"));
        assert!(is_chinese_id("11010519491231002X") && is_chinese_id("440524188001010014"));
        for iban in [
            "GB82 WEST 1234 5698 7654 32",
            "DE89370400440532013000",
            "FR14 2004 1010 0505 0001 3M02 606",
        ] {
            assert!(is_iban(iban), "{iban}");
        }
        assert!(
            is_ssn("219-09-9999")
                && !is_ssn("000-12-3456")
                && !is_ssn("666-12-3456")
                && !is_ssn("900-12-3456")
        );
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_seen(place in 0usize..16, by in 1u32..10) {
            let wrong = |number: &str| -> String {
                number.chars().enumerate().map(|(at, c)| match c.to_digit(10) {
                    Some(digit) if at == place => char::from_digit((digit + by) % 10, 10).unwrap(),
                    _ => c,
                }).collect()
            };
            prop_assert!(!is_card(&wrong("5555555555554444")));
            if place < 10 {
                prop_assert!(!is_nhs(&wrong("9434765919")));
            }
            if place > 3 {
                prop_assert!(!is_iban(&wrong("DE89370400440532013000")));
            }
            prop_assert!(!is_chinese_id(&wrong("11010519491231002X")));
        }
    }
}
