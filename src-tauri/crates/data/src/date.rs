//! Days as people write them.
//!
//! In: the cells of a column. Out: days, counted from 1 January 1970. "3/4/2024" is the 4th of March or the 3rd of April:
//! the column as a whole decides, by a cell that can be only one of the two.

/// Days since 1 January 1970.
pub(crate) type Day = i32;

/// Whether a cell is a day that is written as one: a mere number is rather a count.
pub(crate) fn is_day(cell: &str) -> bool {
    let mut order = Order::default();
    order.see(cell);
    !cell.trim().bytes().all(|byte| byte.is_ascii_digit()) && order.day(cell).is_some()
}

/// What a cell says, before the column has decided which of two numbers is the day.
enum Written {
    Day(Day),
    /// Two numbers that are day and month in some order, and the year; whether points stand between them.
    Numbers(u32, u32, i32, bool),
}

/// In which order a column writes day and month, as far as its cells have told.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Order {
    day_first: bool,
    month_first: bool,
    /// Some cell leaves it open with slashes or hyphens rather than points.
    without_points: bool,
}

impl Order {
    /// Takes a cell into account.
    pub(crate) fn see(&mut self, cell: &str) {
        if let Some(Written::Numbers(first, second, _, points)) = read(cell) {
            self.day_first |= first > 12;
            self.month_first |= second > 12;
            self.without_points |= !points;
        }
    }

    /// The day that a cell of the column is, if it is one.
    pub(crate) fn day(self, cell: &str) -> Option<Day> {
        // Points are German, Russian …, where the day is always first; slashes that leave it open are American more often.
        let day_first = self.day_first || (!self.month_first && !self.without_points);
        match read(cell)? {
            Written::Day(day) => Some(day),
            Written::Numbers(first, second, year, _) if day_first => day_of(year, second, first),
            Written::Numbers(first, second, year, _) => day_of(year, first, second),
        }
    }
}

fn read(cell: &str) -> Option<Written> {
    let cell = cell.trim();
    if cell.len() > 60 {
        return None;
    }
    if cell.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits_only(cell).map(Written::Day);
    }
    let mut numbers: Vec<(u32, usize)> = Vec::new();
    let mut month = None;
    for (start, token) in tokens(cell) {
        match token.parse() {
            Ok(number) => numbers.push((number, token.len())),
            Err(_) => {
                let named = month_from_word(token);
                // A weekday or a time's "T" says nothing; another word means that this is no date.
                if named.is_none() && !is_filler(token) {
                    return None;
                }
                month = month.or(named);
            }
        }
        // What follows a date is a time.
        let needed = if month.is_some() { 2 } else { 3 };
        if numbers.len() == needed && (month.is_some() || start > 0) {
            break;
        }
    }
    let numbers_only: Vec<u32> = numbers.iter().map(|(number, _)| *number).collect();
    let is_year = |(number, digits): (u32, usize)| digits == 4 && (1000..=2999).contains(&number);
    match (month, &numbers_only[..]) {
        (Some(month), [a, b]) if is_year(numbers[1]) => day_of(*b as i32, month, *a).map(Written::Day),
        (Some(month), [a, b]) if is_year(numbers[0]) => day_of(*a as i32, month, *b).map(Written::Day),
        (None, [year, month, day]) if is_year(numbers[0]) => {
            day_of(*year as i32, *month, *day).map(Written::Day)
        }
        (None, [year, month]) if is_year(numbers[0]) => day_of(*year as i32, *month, 1).map(Written::Day),
        (None, [a, b, year]) if is_year(numbers[2]) || numbers[2].1 == 2 => {
            let century = match (numbers[2].1, year) {
                (2, 70..) => 1900,
                (2, _) => 2000,
                _ => 0,
            };
            Some(Written::Numbers(
                *a,
                *b,
                (year + century) as i32,
                cell.contains('.'),
            ))
        }
        _ => None,
    }
}

/// Runs of digits and runs of letters, with where they start; Chinese characters divide.
fn tokens(cell: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = cell;
    let mut at = 0;
    std::iter::from_fn(move || {
        let skipped =
            rest.find(|c: char| c.is_ascii_digit() || (c.is_alphabetic() && !is_chinese_mark(c)))?;
        at += skipped;
        rest = &rest[skipped..];
        let digits = rest.starts_with(|c: char| c.is_ascii_digit());
        let end = rest
            .find(|c: char| {
                c.is_ascii_digit() != digits
                    || !(c.is_ascii_digit() || (c.is_alphabetic() && !is_chinese_mark(c)))
            })
            .unwrap_or(rest.len());
        let token = (at, &rest[..end]);
        at += end;
        rest = &rest[end..];
        Some(token)
    })
}

fn is_chinese_mark(c: char) -> bool {
    matches!(c, '年' | '月' | '日' | '号')
}

fn is_filler(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "t", "z", "st", "nd", "rd", "th", "of", "de", "am", "pm", "um", "mon", "tue", "tues", "wed", "thu",
        "thur", "thurs", "fri", "sat", "sun",
    ];
    let lower = word.to_lowercase();
    WORDS.contains(&lower.as_str()) || lower.ends_with("day")
}

fn month_from_word(word: &str) -> Option<u32> {
    const MONTHS: [&[&str]; 12] = [
        &["jan", "januar", "enero", "janvier"],
        &["feb", "februar", "febrero", "février"],
        &["mar", "märz", "marzo", "mars"],
        &["apr", "april", "abril", "avril"],
        &["may", "mai", "mayo"],
        &["jun", "juni", "junio", "juin"],
        &["jul", "juli", "julio", "juillet"],
        &["aug", "august", "agosto", "août"],
        &["sep", "sept", "september", "septiembre", "septembre"],
        &["oct", "okt", "oktober", "octubre", "octobre"],
        &["nov", "november", "noviembre", "novembre"],
        &["dec", "dez", "dezember", "diciembre", "décembre"],
    ];
    const ENGLISH: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let lower = word.to_lowercase();
    let named = |names: &&[&str]| names.contains(&lower.as_str());
    let found = MONTHS
        .iter()
        .position(named)
        .or_else(|| ENGLISH.iter().position(|name| *name == lower))?;
    Some(found as u32 + 1)
}

/// "20240305", a year, or seconds or milliseconds since 1970.
fn digits_only(cell: &str) -> Option<Day> {
    let number: i64 = cell.parse().ok()?;
    match cell.len() {
        8 => day_of(
            (number / 10_000) as i32,
            (number / 100 % 100) as u32,
            (number % 100) as u32,
        ),
        4 if (1000..=2999).contains(&number) => day_of(number as i32, 1, 1),
        10 => Some((number / 86_400) as i32),
        13 => Some((number / 86_400_000) as i32),
        _ => None,
    }
}

/// Days from 1 January 1970 to a day of the Gregorian calendar, by counting from 1 March so that a leap day comes last.
fn day_of(year: i32, month: u32, day: u32) -> Option<Day> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month as i32 + 9) % 12) + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// A day as ISO 8601, the inverse of [`day_of`].
pub(crate) fn iso(day: Day) -> String {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + i32::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn days(cells: &[&str]) -> Vec<Option<Day>> {
        let mut order = Order::default();
        cells.iter().for_each(|cell| order.see(cell));
        cells.iter().map(|cell| order.day(cell)).collect()
    }

    fn read_all(cells: &[&str]) -> Vec<String> {
        days(cells)
            .into_iter()
            .map(|day| day.map_or_else(String::new, iso))
            .collect()
    }

    #[test]
    fn days_are_read_as_people_write_them() {
        let same = [
            "2024-03-05",
            "2024/3/5",
            "2024.03.05",
            "2024年3月5日",
            "20240305",
            "5 March 2024",
            "March 5th, 2024",
            "5. März 2024",
            "2024-03-05T23:59:59Z",
            "2024-03-05 10:30",
            "Tue, 5 Mar 2024 10:00",
            "1709600000",
            "1709600000000",
            "2024 Mar 5",
        ];
        for cell in same {
            assert_eq!(read_all(&[cell]), ["2024-03-05"], "{cell}");
        }
        assert_eq!(read_all(&["2024-03", "1999"]), ["2024-03-01", "1999-01-01"]);
    }

    #[test]
    fn the_column_decides_what_is_the_day() {
        assert_eq!(read_all(&["3/4/2024", "13/4/2024"]), ["2024-04-03", "2024-04-13"]);
        assert_eq!(read_all(&["3/4/2024", "4/13/2024"]), ["2024-03-04", "2024-04-13"]);
        assert_eq!(read_all(&["3.4.2024"]), ["2024-04-03"]);
        assert_eq!(read_all(&["3/4/24", "3/4/99"]), ["2024-03-04", "1999-03-04"]);
    }

    #[test]
    fn what_is_no_day_is_none() {
        for cell in [
            "",
            "soon",
            "2024-13-05",
            "2023-02-29",
            "31/31/2024",
            "12",
            "version 1.2.2024",
            "第3条",
            "May",
            "1/2",
        ] {
            assert_eq!(read_all(&[cell]), [""], "{cell}");
        }
        assert_eq!(read_all(&["2024-02-29"]), ["2024-02-29"]);
    }

    proptest! {
        #[test]
        fn a_day_is_written_and_read_again(day in -300_000i32..300_000) {
            prop_assert_eq!(days(&[&iso(day)]), [Some(day)]);
        }
    }
}
