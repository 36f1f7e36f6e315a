//! What the texts of a project are like, as far as a model is chosen by it: lengths, languages, what they are about.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use understudy_data::{DataSummary, Part, ProblemType, Project, SplitSummary, language};
use understudy_hub::Domain;
use understudy_train::memory::Texts;
use understudy_train::presets::DataFacts;

use crate::error::Result;
use crate::models::fit::Candidate;

/// Lengths of this many texts stand for all.
const SAMPLE: u32 = 400;

/// Letters a token in languages with an alphabet, read by a model that knows the language: English in BERT's word pieces.
const LETTERS_PER_TOKEN: f64 = 4.4;

/// What is assumed of a project that has no texts yet: paragraphs of an ordinary length.
const USUAL: (usize, usize) = (1000, 600);

/// What the texts are like, as far as a model is chosen by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    /// Characters of the texts of a sample.
    pub(super) characters: Vec<usize>,
    /// Of these characters, those of Chinese and Japanese.
    pub(super) ideographs: f64,
    /// Texts to learn from.
    pub(super) texts: usize,
    /// Texts to judge by after every round.
    pub(super) validation: usize,
    /// Labels.
    pub(super) classes: usize,
    /// Whether a text may have several labels.
    pub(super) several: bool,
    /// Codes of the languages that many of the texts are in, the commonest first; none where it cannot be told.
    pub(super) languages: Vec<String>,
    /// Half of the texts are no longer, in characters.
    pub(super) median: u32,
    /// What most of them are about.
    pub(super) domain: Domain,
    /// Whether there are texts at all.
    pub(super) known: bool,
}

impl Need {
    /// Of a project; `None` for no project, or one without texts.
    ///
    /// # Errors
    /// Those of the database.
    pub fn of(project: Option<&Project>) -> Result<Self> {
        let Some(project) = project else {
            return Ok(Self::usual());
        };
        let beginnings = project.text_beginnings(SAMPLE)?;
        let labels = project.label_state()?;
        if beginnings.is_empty() {
            return Ok(Self::usual());
        }
        let (texts, validation) = match project.split_at_a_glance()? {
            Some(split) => (rows_of(&split, Part::Train), rows_of(&split, Part::Validation)),
            // What a split by the usual parts would give, once the texts have labels.
            None => {
                let labelled = if labels.labelled > 0 {
                    labels.labelled
                } else {
                    labels.rows
                } as usize;
                (labelled * 70 / 100, labelled * 15 / 100)
            }
        };
        let (all, summary) = (beginnings.concat(), project.summary()?);
        Ok(Self {
            characters: lengths(&summary),
            ideographs: share(
                &all,
                |c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'),
            ),
            texts: texts.max(1),
            validation,
            classes: labels.labels.len().max(2),
            several: labels.problem_type == ProblemType::MultiLabel,
            languages: common_languages(&beginnings),
            median: summary.length_median,
            domain: domain(&beginnings),
            known: true,
        })
    }

    pub(super) fn usual() -> Self {
        Self {
            characters: vec![USUAL.1],
            ideographs: 0.0,
            texts: USUAL.0,
            validation: USUAL.0 / 5,
            classes: 5,
            several: false,
            languages: Vec::new(),
            median: USUAL.1 as u32,
            domain: Domain::General,
            known: false,
        }
    }

    /// Whether a model reads all languages that many of the texts are in; `None` where that is not known.
    pub(super) fn is_read_by(&self, languages: &[String], multilingual: bool) -> Option<bool> {
        let reads = |language: &String| languages.contains(language);
        match self.languages.iter().all(reads) {
            _ if self.languages.is_empty() => None,
            true => Some(true),
            // It reads more languages than are named.
            false if multilingual => None,
            false => Some(false),
        }
    }

    /// Lengths in tokens of a model's, and what else of the texts takes memory.
    pub(super) fn tokens(&self, model: &Candidate<'_>) -> Texts {
        let per_ideograph = match (model.architecture, model.multilingual) {
            // Word lists of whole pieces join common characters.
            ("xlm-roberta" | "deberta-v2", true) => 0.7,
            // Byte pairs that never saw Chinese write a character in two or three.
            ("roberta" | "modernbert", false) if self.is_read_by(model.languages, false) != Some(true) => 2.3,
            _ => 1.0,
        };
        let per_letter = match self.is_read_by(model.languages, model.multilingual) {
            Some(false) => 1.4 / LETTERS_PER_TOKEN,
            _ => 1.0 / LETTERS_PER_TOKEN,
        };
        let per_character = self.ideographs * per_ideograph + (1.0 - self.ideographs) * per_letter;
        let lengths: Vec<usize> = self
            .characters
            .iter()
            .map(|&characters| (characters as f64 * per_character).ceil() as usize + 2)
            .collect();
        let tokens = lengths.iter().sum::<usize>() as f64 / lengths.len().max(1) as f64 * self.texts as f64;
        let bytes = self.characters.iter().sum::<usize>() as f64 / self.characters.len().max(1) as f64
            * self.texts as f64
            * (1.0 + 2.0 * self.ideographs);
        Texts {
            lengths,
            count: self.texts,
            bytes: bytes as usize,
            // Heaps' law, with the constants of English prose.
            vocabulary: (30.0 * tokens.sqrt())
                .min(model.footprint.tables as f64 / model.footprint.table_columns.max(1) as f64)
                as usize,
        }
    }

    /// For the choice of settings.
    pub(super) fn facts(&self, texts: &Texts) -> DataFacts {
        let mut lengths = texts.lengths.clone();
        lengths.sort_unstable();
        let each = texts.count / self.classes;
        DataFacts {
            texts: texts.count,
            classes: self.classes,
            rarest: each,
            commonest: each,
            length_p95: lengths.get(lengths.len() * 95 / 100).copied().unwrap_or_default(),
            several: self.several,
        }
    }
}

fn rows_of(split: &SplitSummary, part: Part) -> usize {
    let of_part = split.parts.iter().filter(|count| count.part == part);
    of_part.map(|count| count.rows as usize).sum()
}

/// Lengths in characters that stand for all texts, ascending: as often as they are common.
fn lengths(summary: &DataSummary) -> Vec<usize> {
    let rows: f64 = summary.lengths.iter().map(|bin| f64::from(bin.rows)).sum();
    let mut lengths = Vec::new();
    for bin in &summary.lengths {
        let share = (f64::from(bin.rows) / rows.max(1.0) * f64::from(SAMPLE)).round() as usize;
        // The last bar reaches to the longest text, far beyond where most of its texts are.
        let middle = (bin.from + bin.to.min(2 * bin.from.max(summary.length_p95))) / 2;
        lengths.extend(std::iter::repeat_n(middle as usize, share));
    }
    if lengths.is_empty() {
        lengths.push(summary.length_median as usize);
    }
    lengths.sort_unstable();
    lengths
}

fn share(text: &str, of: impl Fn(char) -> bool) -> f64 {
    let count = text.chars().count().max(1);
    text.chars().filter(|&c| of(c)).count() as f64 / count as f64
}

/// Of 100 texts, those in a language from which it counts.
const MANY: usize = 20;

/// Codes of the languages that many of a project's texts are in.
///
/// # Errors
/// Those of the database.
pub(crate) fn text_languages(project: &Project) -> Result<Vec<String>> {
    Ok(common_languages(&project.text_beginnings(SAMPLE)?))
}

/// Codes of the languages that many of the texts are in, of those whose language can be told: the commonest first. ISO 639-1
/// where it is one that models of the catalogue name, else ISO 639-3.
fn common_languages(texts: &[String]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for code in texts
        .iter()
        .map(|text| language(text))
        .filter(|code| !code.is_empty())
    {
        *counts.entry(code).or_default() += 1;
    }
    let all: usize = counts.values().sum();
    let mut common: Vec<(&str, usize)> = counts
        .into_iter()
        .filter(|(_, count)| count * 100 >= all * MANY)
        .collect();
    common.sort_by_key(|(_, count)| Reverse(*count));
    let short = |code: &str| {
        let known = SHORT.iter().find(|(long, _)| *long == code);
        known.map_or(code, |(_, short)| *short).to_owned()
    };
    common.into_iter().map(|(code, _)| short(code)).collect()
}

/// ISO 639-3 codes and their ISO 639-1 codes, of the languages that models of the catalogue read.
const SHORT: [(&str, &str); 24] = [
    ("eng", "en"),
    ("cmn", "zh"),
    ("fra", "fr"),
    ("deu", "de"),
    ("spa", "es"),
    ("ita", "it"),
    ("por", "pt"),
    ("nld", "nl"),
    ("rus", "ru"),
    ("jpn", "ja"),
    ("kor", "ko"),
    ("ara", "ar"),
    ("pol", "pl"),
    ("tur", "tr"),
    ("vie", "vi"),
    ("hin", "hi"),
    ("ind", "id"),
    ("tha", "th"),
    ("swe", "sv"),
    ("ces", "cs"),
    ("ukr", "uk"),
    ("ell", "el"),
    ("heb", "he"),
    ("ron", "ro"),
];

/// Words by which texts of the professions are known: one of them stands in at least 22 of 100 texts of every legal or
/// medical data set that we have (questions of lay people apart), and in at most 1 of 100 of all others (mail, reviews, news,
/// bank customers' questions).
const LEGAL: &str = "agreement clause clauses contract contracts court plaintiff defendant hereby hereto herein thereof \
                     hereunder indemnify indemnification licensee licensor lessee lessor pursuant statute";
const LEGAL_ZH: &str = "合同 甲方 乙方 法院 原告 被告 条款 违约 诉讼 律师 起诉 赔偿 劳动法 仲裁";
const MEDICAL: &str = "patients diagnosis diagnosed clinical symptoms disease diseases surgery tumor tumors tumour therapy \
                       carcinoma syndrome infection lesions";
const MEDICAL_ZH: &str = "患者 诊断 治疗 症状 手术 病史 临床 药物 肿瘤";

/// Of 100 texts, those with such a word from which all are taken to be about a subject.
const ABOUT_IT: usize = 15;

/// What the texts are about, by their words.
fn domain(texts: &[String]) -> Domain {
    // Words are whole; Chinese has no spaces between them.
    let about = |words: &str, chinese: &str| {
        let speaks = |text: &&String| {
            let text = text.to_lowercase();
            text.split(|c: char| !c.is_alphanumeric())
                .any(|found| words.split(' ').any(|word| word == found))
                || chinese.split(' ').any(|word| text.contains(word))
        };
        texts.iter().filter(speaks).count()
    };
    let (legal, medical) = (about(LEGAL, LEGAL_ZH), about(MEDICAL, MEDICAL_ZH));
    match legal.max(medical) * 100 >= texts.len() * ABOUT_IT {
        true if legal >= medical => Domain::Legal,
        true => Domain::Medical,
        false => Domain::General,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_those_of_many_texts() {
        let english = "The tenant shall pay the rent on the first day of every month.".to_owned();
        let chinese = "房间很干净，服务也不错，下次还会来。".to_owned();
        let danish = "Lejeren skal betale husleje den første dag i hver måned til udlejeren.".to_owned();
        let two = [english.clone(), english.clone(), chinese.clone()];
        assert_eq!(common_languages(&two), ["en", "zh"]);
        assert_eq!(
            common_languages(&[vec![english; 9], vec![chinese]].concat()),
            ["en"]
        );
        assert_eq!(common_languages(&[danish]), ["dan"]);
        assert!(common_languages(&["12 34".to_owned()]).is_empty());
    }

    #[test]
    fn subjects_are_known_by_their_words() {
        let texts = |text: &str| vec![text.to_owned(); 3];
        assert_eq!(
            domain(&texts("The parties to this Agreement submit to the court.")),
            Domain::Legal
        );
        assert_eq!(
            domain(&texts("患者主诉头痛三天，诊断为偏头痛，给予药物治疗。")),
            Domain::Medical
        );
        assert_eq!(domain(&texts("甲方应在合同签订后三日内付款。")), Domain::Legal);
        assert_eq!(
            domain(&texts("The room was clean and the staff friendly.")),
            Domain::General
        );
        // Words that everybody uses say nothing.
        let everyday = texts("Shall we be patient and treat the guests well?");
        assert_eq!(domain(&everyday), Domain::General);
    }
}
