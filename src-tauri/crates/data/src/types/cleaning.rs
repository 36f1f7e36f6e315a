//! Cleaning: what rules there are, what each would change, which were applied.

use serde::{Deserialize, Serialize};

/// What changes a text. Raw rows stay as they are: the changed text lies beside them and goes when the rule is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TextRule {
    /// Characters that came out wrong because a file was once read in the wrong encoding.
    Mojibake,
    /// HTML tags go, entities become characters, paragraphs become lines.
    Markup,
    /// Control characters and invisible ones go.
    ControlCharacters,
    /// Full-width letters, digits and spaces become half-width, half-width katakana full-width. Chinese punctuation stays.
    Width,
    /// Unicode's compatibility form (NFKC): ligatures, circled numbers, superscripts and widths become plain characters.
    Compatibility,
    /// Traditional Chinese becomes simplified.
    Simplified,
    /// Simplified Chinese becomes traditional.
    Traditional,
    /// Lines that stand in many texts (disclaimers, letterheads) go.
    Boilerplate {
        /// They, trimmed.
        lines: Vec<String>,
    },
    /// Web addresses become `[URL]`.
    MaskUrls,
    /// E-mail addresses become `[EMAIL]`.
    MaskEmails,
    /// Numbers become `[NUMBER]`.
    MaskNumbers,
    /// Personal data become placeholders, the same value the same one within a text: `[PHONE_1]`.
    Deidentify {
        /// What is looked for.
        kinds: Vec<PersonalKind>,
    },
    /// Emoji, box-drawing characters and other symbols go; letters, digits, punctuation, money and mathematics stay.
    Symbols,
    /// Letters become lower-case.
    Lowercase,
    /// Runs of spaces become one, empty lines at most one, ends are trimmed.
    Whitespace,
}

impl TextRule {
    /// Every rule once, in the order in which they are best applied: what came in wrong first, what reads the words next,
    /// what evens out last.
    ///
    /// `lines`: of the rule for boilerplate.
    pub fn every(lines: Vec<String>) -> Vec<TextRule> {
        vec![
            TextRule::Mojibake,
            TextRule::Markup,
            TextRule::ControlCharacters,
            TextRule::Width,
            TextRule::Compatibility,
            TextRule::Simplified,
            TextRule::Traditional,
            TextRule::Boilerplate { lines },
            TextRule::Deidentify {
                kinds: PersonalKind::ALL.to_vec(),
            },
            TextRule::MaskUrls,
            TextRule::MaskEmails,
            TextRule::MaskNumbers,
            TextRule::Symbols,
            TextRule::Lowercase,
            TextRule::Whitespace,
        ]
    }
}

/// Personal data that rules can find. Names are only found after a title or a field's word ("Patient: …"); a name that stands
/// alone in a sentence is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum PersonalKind {
    /// E-mail addresses.
    Email,
    /// Chinese resident identity numbers, with their check digit (GB 11643).
    ChineseId,
    /// International bank account numbers, with their check digits (ISO 13616).
    Iban,
    /// Payment cards, with their check digit (ISO/IEC 7812).
    CreditCard,
    /// NHS numbers, with their check digit.
    NhsNumber,
    /// US social security numbers, by their form and the ranges that were given out (they have no check digit).
    UsSsn,
    /// Telephone numbers.
    Phone,
    /// Dates of a day.
    Date,
    /// Street addresses and British postcodes, by pattern.
    Address,
    /// Names after a title or a field's word, and the same name elsewhere in the text.
    Name,
    /// What stands after a field's word for a record's number ("MRN: …").
    RecordNumber,
}

impl PersonalKind {
    /// All of them; where two fit the same characters, the earlier one counts.
    pub const ALL: [PersonalKind; 11] = [
        PersonalKind::Email,
        PersonalKind::ChineseId,
        PersonalKind::Iban,
        PersonalKind::CreditCard,
        PersonalKind::UsSsn,
        PersonalKind::NhsNumber,
        PersonalKind::Phone,
        PersonalKind::Date,
        PersonalKind::Address,
        PersonalKind::RecordNumber,
        PersonalKind::Name,
    ];
}

/// What hides rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RowRule {
    /// Repetitions of a text with the same label or none.
    DropDuplicates,
    /// Rows whose text is nearly that of another with the same labels or none.
    DropNearDuplicates,
    /// Rows whose text carries other labels elsewhere: all of them.
    DropConflicts,
    /// Rows that are gone from a file that was brought up to date; only [`crate::Project::update_from_file`] makes it.
    DropGone {
        /// The file's name.
        file: String,
    },
    /// Rows without text.
    DropEmpty,
    /// Rows with fewer characters.
    DropShort {
        /// Than this.
        characters: u32,
    },
    /// Rows with more characters.
    DropLong {
        /// Than this.
        characters: u32,
    },
    /// Rows in some languages; those whose language cannot be told stay.
    DropLanguages {
        /// These, ISO 639-3.
        languages: Vec<String>,
    },
}

/// A cleaning rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(untagged)]
pub enum CleaningRule {
    /// It hides rows.
    Rows(RowRule),
    /// It changes texts.
    Texts(TextRule),
}

/// A recorded cleaning step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CleaningStep {
    /// Its id.
    pub id: u32,
    /// What it did.
    pub rule: CleaningRule,
    /// How many rows it hid, or how many texts it changed.
    pub rows: u32,
    /// When, UTC, ISO 8601.
    pub at: String,
    /// Whether it was taken back.
    pub undone: bool,
}

/// A text before and after a rule: the surroundings of the first change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CleaningExample {
    /// The row.
    pub example: u32,
    /// Before.
    pub before: String,
    /// After.
    pub after: String,
}

/// What a rule would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CleaningProposal {
    /// The rule; personal data are proposed kind by kind.
    pub rule: TextRule,
    /// Visible texts that it would change.
    pub rows: u32,
    /// Some of them.
    pub examples: Vec<CleaningExample>,
}

/// Texts in a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LanguageCount {
    /// ISO 639-3; empty where it cannot be told, as of very short texts.
    pub language: String,
    /// Visible texts.
    pub rows: u32,
}

/// What cleaning could do for the visible texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CleaningLook {
    /// Texts that were looked at.
    pub rows: u32,
    /// Rules that would change something, in the order in which they are best applied.
    pub proposals: Vec<CleaningProposal>,
    /// The languages, the commonest first.
    pub languages: Vec<LanguageCount>,
}
