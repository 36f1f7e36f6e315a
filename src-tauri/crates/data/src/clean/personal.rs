//! Personal data by rules: patterns, and check digits where a number has them.
//!
//! A text in, the text with placeholders out. Within a text the same value has the same placeholder. What no rule can know,
//! such as a name that stands alone in a sentence, stays.

mod columns;
mod numbers;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::LazyLock;

pub(crate) use columns::is_personal_column;
use regex::Regex;

use super::mask::EMAIL;
use super::pattern;
use crate::near::is_word_by_itself;
use crate::types::PersonalKind;

/// The text with what is found replaced; where two kinds fit the same characters, the earlier one counts.
pub(super) fn replace(text: &str, kinds: &[PersonalKind]) -> Option<String> {
    let found = find(text, kinds);
    if found.is_empty() {
        return None;
    }
    let mut replaced = String::with_capacity(text.len());
    let mut numbers: HashMap<(PersonalKind, String), usize> = HashMap::new();
    let mut counts: HashMap<PersonalKind, usize> = HashMap::new();
    let mut end = 0;
    for (span, kind) in found {
        replaced.push_str(&text[end..span.start]);
        let number = *numbers
            .entry((kind, normal(&text[span.clone()], kind)))
            .or_insert_with(|| {
                let count = counts.entry(kind).or_default();
                *count += 1;
                *count
            });
        replaced.push_str(&format!("[{}_{number}]", placeholder(kind)));
        end = span.end;
    }
    replaced.push_str(&text[end..]);
    Some(replaced)
}

fn placeholder(kind: PersonalKind) -> &'static str {
    match kind {
        PersonalKind::Email => "EMAIL",
        PersonalKind::ChineseId => "ID",
        PersonalKind::UsSsn => "SSN",
        PersonalKind::Iban => "ACCOUNT",
        PersonalKind::CreditCard => "CARD",
        PersonalKind::NhsNumber => "NHS_NUMBER",
        PersonalKind::Phone => "PHONE",
        PersonalKind::Date => "DATE",
        PersonalKind::Address => "ADDRESS",
        PersonalKind::Name => "NAME",
        PersonalKind::RecordNumber => "RECORD",
    }
}

/// One spelling of a value, so that "020 7946 0958" and "02079460958" are the same.
fn normal(value: &str, kind: PersonalKind) -> String {
    match kind {
        PersonalKind::Name | PersonalKind::Address | PersonalKind::Email | PersonalKind::Date => {
            value.to_lowercase()
        }
        _ => value
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
            .to_lowercase(),
    }
}

/// Spans that do not overlap, in the text's order.
fn find(text: &str, kinds: &[PersonalKind]) -> Vec<(Range<usize>, PersonalKind)> {
    // By where they start: long texts have thousands of them.
    let mut found: BTreeMap<usize, (usize, PersonalKind)> = BTreeMap::new();
    for kind in kinds {
        for span in spans(text, *kind) {
            let before = found.range(..span.end).next_back();
            if before.is_none_or(|(_, (end, _))| *end <= span.start) {
                found.insert(span.start, (span.end, *kind));
            }
        }
    }
    found
        .into_iter()
        .map(|(start, (end, kind))| (start..end, kind))
        .collect()
}

fn spans(text: &str, kind: PersonalKind) -> Vec<Range<usize>> {
    match kind {
        PersonalKind::Email => match text.contains('@') {
            true => EMAIL.find_iter(text).map(|found| found.range()).collect(),
            false => Vec::new(),
        },
        PersonalKind::ChineseId => checked(text, &CHINESE_ID, |number, _| numbers::is_chinese_id(number)),
        PersonalKind::Iban => ibans(text),
        PersonalKind::CreditCard => checked(text, &CARD, |number, _| numbers::is_card(number)),
        PersonalKind::NhsNumber => checked(text, &NHS, |number, after| {
            !is_joined(after) && numbers::is_nhs(number)
        }),
        PersonalKind::UsSsn => checked(text, &SSN, |number, after| {
            !is_joined(after) && numbers::is_ssn(number)
        }),
        PersonalKind::Phone => checked(text, &PHONE, |number, after| {
            !is_joined(after) && (7..=15).contains(&numbers::digits(number).len())
        }),
        PersonalKind::Date => dates(text),
        PersonalKind::Address => addresses(text),
        PersonalKind::Name => names(text),
        PersonalKind::RecordNumber => values(text, &RECORD_FIELD),
    }
}

static CHINESE_ID: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{17}[\dXx]"));
static IBAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}"));
static CARD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[2-6]\d{3}(?:[ -]?\d){9,15}"));
static NHS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{3}[ -]?\d{3}[ -]?\d{4}"));
static SSN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{3}[- ]\d{2}[- ]\d{4}"));

/// International numbers; North American, Chinese mobile and land lines; British and German ones with their area code, and
/// with an extension.
static PHONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\+\d{1,3}[ .\-]?(?:\(0?\d{1,4}\)[ .\-]?)?\d{1,4}(?:[ .\-/]?\d{2,4}){1,4}|(?:\(\d{3}\) ?|\d{3}[.\- ])\d{3}[.\- ]\d{4}|1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}|(?:\(?0\d{2,4}\)?[ \-/]\d{6,9}|0\d{9,10})-\d{1,5}|\(?0\d{2,4}\)?[ \-/]\d{3,4}[ \-]?\d{3,5}|0\d{9,10}",
    )
});

/// Spans of a pattern that stand alone and are no part of a longer number, and whose digits are sound. `sound` is told the
/// number and what follows it.
fn checked(text: &str, pattern: &Regex, sound: impl Fn(&str, &str) -> bool) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some(found) = pattern.find_at(text, from) {
        let start = found.start();
        // A number that was told already is no part of the one after it.
        let told = spans.last().map_or(0, |last| last.end);
        let before = &text[if told <= start { told } else { 0 }..start];
        let reading = readings(found.as_str()).find(|reading| {
            let span = start..start + reading.len();
            let whole = |found: regex::Match<'_>| found.len() == reading.len();
            stands_alone(text, &span)
                && sound(reading, &text[span.end..])
                && pattern.find(reading).is_some_and(whole)
        });
        if let Some(reading) = reading
            && !goes_on(before, reading)
        {
            let end = start + reading.len();
            match spans.last_mut() {
                // Two readings of the same digits ("2023 4111 1111 1111 1111"): nothing of either stays.
                Some(last) if start < last.end => last.end = last.end.max(end),
                _ => spans.push(start..end),
            }
        }
        // The next one may begin with the next group of digits, which this one may have taken for its own.
        let group_ends = text[start..]
            .find(|c: char| !c.is_ascii_alphanumeric())
            .map_or(text.len(), |end| start + end);
        from = group_ends.max(start + 1);
    }
    spans
}

/// Whether digits behind a hyphen go on with a number, as in an order's "028-1234567-1234567": few check digits, or none, do
/// not tell otherwise.
fn is_joined(after: &str) -> bool {
    after
        .strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// A number as the pattern took it, then without its last group of digits, which may belong to what follows, and so on.
fn readings(number: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(number), |longer| {
        let last_group = longer.rfind(|c: char| !c.is_ascii_alphanumeric())?;
        Some(&longer[..last_group])
    })
}

/// Whether a number only goes on with one that stands before it: its digits are joined to others, or it is one of several
/// groups of four, as in an account number ("3704 0044 0532"). A year before it is none of these.
fn goes_on(before: &str, number: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    let joint = |c: char| matches!(c, '-' | '.');
    if before.ends_with(joint) {
        return before.trim_end_matches(joint).ends_with(digit);
    }
    let Some(before) = before.strip_suffix(' ') else {
        return false;
    };
    let (rest, group) = before.split_at(before.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len());
    let year = matches!(group.as_bytes(), [b'1', b'9', ..] | [b'2', b'0', ..])
        && group.bytes().all(|c| c.is_ascii_digit())
        && !rest.trim_end().ends_with(digit);
    let first = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    group.len() == 4 && group.ends_with(digit) && first == 4 && !year
}

/// Whether neither a digit nor a Latin letter touches the span.
fn stands_alone(text: &str, span: &Range<usize>) -> bool {
    let touches = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = text[..span.start].chars().next_back();
    let after = text[span.end..].chars().next();
    !before.is_some_and(touches) && !after.is_some_and(touches)
}

/// Account numbers of the length that their country has; the pattern may have run on into the next word.
fn ibans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut from = 0;
    while let Some(found) = IBAN.find_at(text, from) {
        let length = numbers::iban_length(&found.as_str()[..2]);
        let mut taken = found.as_str().char_indices().filter(|(_, c)| *c != ' ');
        let last = length.and_then(|length| taken.nth(length - 1));
        let span = last.map(|(last, _)| found.start()..found.start() + last + 1);
        match span.filter(|span| stands_alone(text, span) && numbers::is_iban(&text[span.clone()])) {
            Some(span) => {
                from = span.end;
                spans.push(span);
            }
            // The next one may begin within what the pattern took.
            None => from = found.start() + 1,
        }
    }
    spans
}

const MONTHS: &str = "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember)";

static NUMERIC_DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?P<y1>(?:19|20)\d{2})[-/.](?P<m1>\d{1,2})[-/.](?P<d1>\d{1,2})|(?P<a>\d{1,2})(?P<s>[-/.]) ?(?P<b>\d{1,2})(?P<t>[-/.]) ?(?:(?:19|20)\d{2}|\d{2})|(?P<y2>(?:19|20)\d{2}) ?年 ?(?P<m2>\d{1,2}) ?月 ?(?P<d2>\d{1,2}) ?[日号]",
    )
});
static WORDED_DATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"\b(?:{MONTHS}\.? \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d{{2}}|\d{{1,2}}(?:st|nd|rd|th|\.)? (?:day of |of )?{MONTHS}\.?,? (?:19|20)\d{{2}})\b"
    ))
});

fn dates(text: &str) -> Vec<Range<usize>> {
    let within = |value: Option<regex::Match<'_>>, most: u32| {
        value
            .and_then(|value| value.as_str().parse().ok())
            .is_some_and(|n: u32| (1..=most).contains(&n))
    };
    let numeric = NUMERIC_DATE.captures_iter(text).filter_map(|found| {
        let span = found.get(0)?.range();
        let sound = if found.name("a").is_some() {
            // Day and month in either order.
            let (a, b) = (found.name("a"), found.name("b"));
            // "7.5/10" is a mark.
            let alike =
                found.name("s").map(|mark| mark.as_str()) == found.name("t").map(|mark| mark.as_str());
            alike && ((within(a, 31) && within(b, 12)) || (within(a, 12) && within(b, 31)))
        } else if found.name("y1").is_some() {
            within(found.name("m1"), 12) && within(found.name("d1"), 31)
        } else {
            within(found.name("m2"), 12) && within(found.name("d2"), 31)
        };
        // "Version 1.2.03.4" and "1/2/03/04" are no dates; "1.2.2024-5.2.2024" are two.
        let mark = text[span.clone()].chars().find(|c| matches!(c, '.' | '-' | '/'));
        let goes_on = |c: Option<char>, then: Option<char>| {
            c == mark && c.is_some() && then.is_some_and(|c| c.is_ascii_digit())
        };
        let (mut before, mut after) = (text[..span.start].chars().rev(), text[span.end..].chars());
        let longer = goes_on(before.next(), before.next()) || goes_on(after.next(), after.next());
        let time = text[span.end..].starts_with('T')
            && text[span.end + 1..].starts_with(|c: char| c.is_ascii_digit());
        let alone = match time {
            true => stands_alone(&text[..span.end], &span),
            false => stands_alone(text, &span),
        };
        (sound && !longer && alone).then_some(span)
    });
    let worded = WORDED_DATE.find_iter(text).map(|found| found.range());
    numeric.chain(worded).collect()
}

static ENGLISH_ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b\d{1,5}[A-Za-z]? (?:[NSEW]\.? )?(?:[A-Z][A-Za-z'’]+ ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Court|Ct|Square|Sq|Place|Pl|Way|Terrace|Crescent|Parkway|Highway)\b\.?(?:,? (?:Apt|Apartment|Suite|Unit|Flat|Floor)\.? ?#?\w{1,6})?",
    )
});
static GERMAN_ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b[A-ZÄÖÜ][a-zäöüß]+(?:straße|strasse|str\.|weg|platz|allee|gasse) \d{1,4} ?[a-z]?\b")
});
static BRITISH_POSTCODE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b"));
static CHINESE_ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:\p{Han}{2,8}?(?:省|自治区|市|区|县|镇|乡|村)){0,5}\p{Han}{1,8}?(?:路|街|大道|道|巷|弄|胡同|里|村|小区|花园|新村)\d{1,5}(?:号|弄|栋|幢|座)(?:院)?(?:\d{1,5}(?:号楼|号|楼|栋|幢|座|单元|层|室))*",
    )
});
/// What may stand before a Chinese address, from which it cannot be told by characters alone.
const BEFORE_ADDRESS: &[&str] = &[
    "住址",
    "地址",
    "居住在",
    "居住于",
    "位于",
    "坐落于",
    "家住",
    "住在",
    "现住",
    "户籍地",
    "住所地",
    "还有",
    "不远处",
    "后面",
    "前面",
    "旁边",
    "对面",
    "附近",
    "在",
    "住",
    "至",
    "到",
    "往",
    "于",
    "是",
    "为",
    "了",
];

fn addresses(text: &str) -> Vec<Range<usize>> {
    let patterned = [&ENGLISH_ADDRESS, &GERMAN_ADDRESS, &BRITISH_POSTCODE]
        .into_iter()
        .flat_map(|pattern| pattern.find_iter(text).map(|found| found.range()));
    let mut spans: Vec<Range<usize>> = patterned.collect();
    for found in CHINESE_ADDRESS.find_iter(text) {
        let lead = BEFORE_ADDRESS
            .iter()
            .filter_map(|word| found.as_str().rfind(word).map(|at| at + word.len()))
            .max()
            .unwrap_or_default();
        // A lead-in stands at the beginning; deep inside, the same characters belong to a name.
        let lead = if lead * 2 <= found.len() { lead } else { 0 };
        spans.push(found.start() + lead..found.end());
    }
    spans
}

static NAME_FIELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\b(?:(?:patient|client|customer|claimant|defendant|plaintiff|applicant|employee|tenant|doctor|physician|witness)(?:'s)?(?: name)?|(?:full |first |last |given |family |maiden )?name|surname)|姓名|患者姓名|患者|病人|当事人|原告|被告|申请人|被申请人|委托人|联系人|医生|证人|法定代表人)[ \t]*[:：][ \t]*(?P<value>[^\n\r,;，；。:：()（）]{2,60})",
    )
});
/// What a name looks like: up to four capitalised words, or two to four Chinese characters.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"(?:\p{Lu}\.|\p{Lu}[\p{L}'’\-]+)";
    pattern(&format!(
        r"^(?:{word}(?:[ \t]+(?:(?:van|von|de|der|den|di|da|la|al|bin)[ \t]+)*{word}){{0,3}}|\p{{Han}}{{2,4}}(?:·\p{{Han}}{{1,6}})?)"
    ))
});
static TITLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Herr|Frau|Mme|Sr|Sra)\.? (?P<value>\p{Lu}[\p{Ll}'’\-]+(?:[ \t](?:\p{Lu}\.|\p{Lu}[\p{Ll}'’\-]+)){0,2})",
    )
});
static RECORD_FIELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\b(?:MRN|medical record (?:number|no\.?)|record (?:number|no\.?)|patient (?:id|number|no\.?)|case (?:number|no\.?)|policy (?:number|no\.?)|passport (?:number|no\.?)|account (?:number|no\.?))|病历号|住院号|门诊号|案号|保单号|护照号码?|身份证号码?|账号)[ \t]*[:：#]?[ \t]*(?P<value>[（(]\d{4}[)）][\p{Han}\d]{2,20}号|[A-Za-z0-9\-/]*\d[A-Za-z0-9\-/]*)",
    )
});

/// What stands after a field's word.
fn values(text: &str, field: &Regex) -> Vec<Range<usize>> {
    field
        .captures_iter(text)
        .filter_map(|found| Some(found.name("value")?.range()))
        .collect()
}

/// Words that begin a sentence or a heading after a colon or a word that looks like a title ("I miss Your letters").
const NO_NAMES: &[&str] = &[
    "a", "all", "an", "and", "any", "as", "at", "but", "by", "for", "from", "he", "her", "his", "how", "i",
    "if", "in", "is", "it", "its", "my", "no", "none", "not", "of", "on", "or", "our", "she", "so", "that",
    "the", "their", "there", "these", "they", "this", "those", "to", "unknown", "was", "we", "what", "when",
    "where", "who", "with", "yes", "you", "your",
];

/// Chinese words that stand after a field's word and are no names, and characters that follow a name of two.
const NO_CHINESE_NAMES: &[&str] = &[
    "女性", "男性", "你好", "您好", "未知", "不详", "本人", "无", "女", "男", "患者", "同上", "主诉", "因",
    "自述",
];
const AFTER_CHINESE_NAME: &str = "诉称说述于在因与和及是为向的男女系，。出到对将被";

/// How long a name is that begins a field's value; `None` where it is none. Who somebody is ("Patient: …") is more often said
/// by what follows than by a name, so one capitalised word is not enough there.
fn name_length(value: &str, after_role: bool) -> Option<usize> {
    let found = NAME.find(value)?.as_str();
    if found.starts_with(is_word_by_itself) {
        let ends = found
            .char_indices()
            .skip(2)
            .find(|(_, c)| AFTER_CHINESE_NAME.contains(*c));
        let name = &found[..ends.map_or(found.len(), |(at, _)| at)];
        return (!NO_CHINESE_NAMES.iter().any(|word| name.starts_with(word))).then_some(name.len());
    }
    (!after_role || found.split_whitespace().count() > 1).then_some(found.len())
}

/// The span of a name without what follows it in the language: "Murray's" is Murray's.
fn without_possessive(text: &str, span: Range<usize>) -> Range<usize> {
    let name = &text[span.clone()];
    let end = ["'s", "’s", "'", "’"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .map_or(name.len(), str::len);
    span.start..span.start + end
}

/// Whether a field's bare word "name" belongs to another one: "Product name: …".
fn is_another_field(text: &str, field: &Range<usize>) -> bool {
    let bare = text
        .get(field.start..field.start + 4)
        .is_some_and(|word| word.eq_ignore_ascii_case("name"));
    let line = &text[..field.start];
    let line = &line[line.rfind(['\n', '\r']).map_or(0, |at| at + 1)..];
    bare && line
        .trim_end_matches([' ', '\t'])
        .ends_with(|c: char| c.is_ascii_alphabetic())
}

/// Different names of one text that are looked for everywhere in it.
const MOST_NAMES: usize = 200;

/// Names after a title or a field's word, and wherever else the text has them.
fn names(text: &str) -> Vec<Range<usize>> {
    let fields = NAME_FIELD.captures_iter(text).filter_map(|found| {
        let (field, value) = (found.get(0)?.range(), found.name("value")?.range());
        let word = &text[field.start..value.start];
        let says_name = word.to_ascii_lowercase().contains("name") || word.contains("姓名");
        let length = name_length(&text[value.clone()], !says_name)?;
        (!is_another_field(text, &field)).then(|| value.start..value.start + length)
    });
    let is_name = |span: &Range<usize>| {
        let first = text[span.clone()].split_whitespace().next().unwrap_or_default();
        !NO_NAMES.contains(&first.to_lowercase().as_str())
    };
    let told = fields
        .chain(values(text, &TITLED))
        .map(|span| without_possessive(text, span))
        .filter(is_name);
    let mut spans: Vec<Range<usize>> = told.collect();
    let mut known: Vec<&str> = spans.iter().map(|span| &text[span.clone()]).collect();
    known.sort_unstable_by_key(|name| (name.len(), *name));
    known.dedup();
    known.truncate(MOST_NAMES);
    // "Dr. Murray" stands elsewhere: what follows in "Dr. Murray Products" is no part of the name.
    for span in &mut spans {
        let name = &text[span.clone()];
        let shorter = known.iter().find(|other| {
            name.strip_prefix(**other)
                .is_some_and(|rest| rest.starts_with(' '))
        });
        span.end = span.start + shorter.map_or(name.len(), |shorter| shorter.len());
    }
    for name in known {
        let again = text.match_indices(name).map(|(at, name)| at..at + name.len());
        let whole = |span: &Range<usize>| {
            let letter = |c: char| c.is_alphanumeric() && !matches!(c, '\u{4e00}'..='\u{9fff}');
            !text[..span.start].chars().next_back().is_some_and(letter)
                && !text[span.end..].chars().next().is_some_and(letter)
        };
        spans.extend(again.filter(whole));
    }
    spans
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> String {
        replace(text, &PersonalKind::ALL).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn what_rules_know_is_replaced_and_the_same_value_keeps_its_placeholder() {
        assert_eq!(
            all("Write to a.b@c.org or Call +44 20 7946 0958; a.b@c.org again, or (212) 555-0199, x@y.de."),
            "Write to [EMAIL_1] or Call [PHONE_1]; [EMAIL_1] again, or [PHONE_2], [EMAIL_2]."
        );
        assert_eq!(
            all("卡号 4111 1111 1111 1111，身份证11010519491231002X，电话13812345678。"),
            "卡号 [CARD_1]，身份证[ID_1]，电话[PHONE_1]。"
        );
        assert_eq!(
            all("Pay to DE89 3704 0044 0532 0130 00 BY FRIDAY or GB82WEST12345698765432."),
            "Pay to [ACCOUNT_1] BY FRIDAY or [ACCOUNT_2]."
        );
        assert_eq!(
            all("SSN 219-09-9999, NHS 943 476 5919"),
            "SSN [SSN_1], NHS [NHS_NUMBER_1]"
        );
    }

    #[test]
    fn dates_and_addresses_are_found_by_their_form() {
        assert_eq!(
            all("on 2024-03-05, 5/3/24, 05.03.2024, March 5th, 2024 and 5 March 2024"),
            "on [DATE_1], [DATE_2], [DATE_3], [DATE_4] and [DATE_5]"
        );
        assert_eq!(all("于2024年3月5日签订"), "于[DATE_1]签订");
        assert_eq!(
            all("at 221 Baker Street, London NW1 6XE"),
            "at [ADDRESS_1], London [ADDRESS_2]"
        );
        assert_eq!(all("Lindenstraße 12 a, Berlin"), "[ADDRESS_1], Berlin");
        assert_eq!(
            all("我住在北京市朝阳区建国路88号2单元301室。"),
            "我住在[ADDRESS_1]。"
        );
    }

    #[test]
    fn names_are_found_where_something_says_so_and_then_everywhere() {
        assert_eq!(
            all("Patient: Jane van Doe, born 1 May 1980. Jane van Doe says that Dr. Smith left."),
            "Patient: [NAME_1], born [DATE_1]. [NAME_1] says that Dr. [NAME_2] left."
        );
        assert_eq!(
            all("Dr. Murray's fee for the \"Dr. Murray Products\""),
            "Dr. [NAME_1]'s fee for the \"Dr. [NAME_1] Products\""
        );
        assert_eq!(
            all("姓名：张三，诉称张三借款。"),
            "姓名：[NAME_1]，诉称[NAME_1]借款。"
        );
        assert_eq!(
            all("MRN: 00123-A, 案号：（2021）京01民初5号。"),
            "MRN: [RECORD_1], 案号：[RECORD_2]。"
        );
    }

    #[test]
    fn numbers_beside_others_are_found_all_the_same() {
        for (text, replaced) in [
            ("44 219-09-9999", "44 [SSN_1]"),
            ("12 943 476 5919", "12 [NHS_NUMBER_1]"),
            ("Room 4 +44 20 7946 0958", "Room 4 [PHONE_1]"),
            (
                "GB82WEST12345698765432 DE89370400440532013000",
                "[ACCOUNT_1] [ACCOUNT_2]",
            ),
            ("2024-03-05T10:30", "[DATE_1]T10:30"),
            ("01/02/2024-05/02/2024", "[DATE_1]-[DATE_2]"),
            ("原告：张三诉称，张三已还款", "原告：[NAME_1]诉称，[NAME_1]已还款"),
            ("患者：女性，65岁", "患者：女性，65岁"),
            ("医生：你好", "医生：你好"),
            (
                "Patient: Stable. Discharged home",
                "Patient: Stable. Discharged home",
            ),
        ] {
            assert_eq!(all(text), replaced);
        }
    }

    #[test]
    fn numbers_are_found_whatever_stands_around_them() {
        for (text, replaced) in [
            ("card 4111 1111 1111 1111 05/26", "card [CARD_1] 05/26"),
            ("4111111111111111 05/26", "[CARD_1] 05/26"),
            ("4111 1111 1111 1111 123", "[CARD_1] 123"),
            ("4111-1111-1111-1111-123", "[CARD_1]-123"),
            ("4111 1111 1111 1111 2025 ok", "[CARD_1] 2025 ok"),
            ("4111-1111-1111-1111/123", "[CARD_1]/123"),
            ("paid in 2023 4111111111111111", "paid in 2023 [CARD_1]"),
            ("paid in 2023 4111 1111 1111 1111", "paid in 2023 [CARD_1]"),
            ("4111 1111 1111 1111 5555 5555 5555 4444", "[CARD_1] [CARD_2]"),
            ("born 1985 123-45-6789", "born 1985 [SSN_1]"),
            (
                "联系电话：13812345678/13912345678",
                "联系电话：[PHONE_1]/[PHONE_2]",
            ),
            ("身份证11010519491231002X/13812345678", "身份证[ID_1]/[PHONE_1]"),
            ("电话010-12345678-801。", "电话[PHONE_1]。"),
            ("030 1234567-12", "[PHONE_1]"),
            ("身份证11010519491231002X-1", "身份证[ID_1]-1"),
            ("+44 20 7946 0958 20250101", "[PHONE_1] 20250101"),
            ("212-555-0123/212-555-0124", "[PHONE_1]/[PHONE_2]"),
            (
                "NHS no: 943 476 5919/4010232137",
                "NHS no: [NHS_NUMBER_1]/[NHS_NUMBER_2]",
            ),
            ("an müller@x.de, o'neil@firm.com", "an [EMAIL_1], [EMAIL_2]"),
        ] {
            assert_eq!(all(text), replaced);
        }
    }

    proptest! {
        #[test]
        fn no_sound_card_number_stays_beside_other_numbers(
            digits in "[3-6][0-9]{14}",
            separator in prop_oneof![Just(""), Just(" "), Just("-")],
            before in prop_oneof![Just(""), Just("paid in 2023 "), Just("12/"), Just("卡号"), Just("5555 5555 5555 4444 ")],
            after in prop_oneof![Just(""), Just(" 05/26"), Just("/123"), Just(" 2025 ok"), Just(" 123"), Just("。"), Just(" 4111111111111111")],
        ) {
            let check = (0..10).map(|check| format!("{digits}{check}")).find(|card| numbers::is_card(card));
            let card = check.unwrap();
            let groups: Vec<&str> = (0..4).map(|group| &card[4 * group..4 * group + 4]).collect();
            let replaced = all(&format!("{before}{}{after}", groups.join(separator)));
            let around = format!("{before}{after}");
            for group in groups {
                prop_assert!(!replaced.contains(group) || around.contains(group), "{}", replaced);
            }
        }
    }

    #[test]
    fn long_texts_take_no_longer_than_long() {
        let turns: String = (0..20_000)
            .map(|i| {
                format!(
                    "Mr. {}: on 05/03/20{:02} I said so.\n",
                    ["Smith", "Jones"][i % 2],
                    i % 100
                )
            })
            .collect();
        let began = std::time::Instant::now();
        let replaced = all(&turns);
        assert!(replaced.starts_with("Mr. [NAME_1]: on [DATE_1]") && replaced.contains("Mr. [NAME_2]"));
        assert!(
            began.elapsed() < std::time::Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
    }

    #[test]
    fn numbers_that_are_none_of_these_stay() {
        for text in [
            "4111 1111 1111 1112",
            "110105194912310021",
            "DE88 3704 0044 0532 0130 00",
            "219-00-9999",
            "clause 12.3.4 of 1998",
            "version 1.2.03.4",
            "13/13/2024",
            "USD 1,250,000.00 in 36 months",
            "the name of the game",
            "2 Road",
            "Section 10 of the Act",
            "ISBN 978-3-16-148410-0",
            "合同第12条第3款",
            "7.5/10",
            "EUR 1.234.567,89",
            "§ 12/2004",
            "4111 1111 1111 1112 2025",
            "3704 0044 0532 0130",
            "212-555-0123-4567",
            "012-3456-7890-1234",
            "order 028-1234567-1234567",
            "1.5-56 months",
            "Product Name: Agreed Quantity",
            "You Will Miss Your Best FRIEND",
            "Patients: In contrast",
        ] {
            assert_eq!(all(text), text);
        }
    }
}
