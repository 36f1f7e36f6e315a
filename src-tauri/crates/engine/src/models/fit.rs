//! Which model fits these texts and this machine, told before anything is downloaded.
//!
//! Memory comes from the estimator of the learning core, time from a measurement of this machine. Lengths in tokens are
//! reckoned from letters, because the tokenizer of a model that is not here is not here either; the plan of a training
//! counts them exactly.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use understudy_data::{Part, ProblemType, Project, SplitSummary, language};
use understudy_hub::{CommercialUse, Domain};
use understudy_report::Language;
use understudy_train::memory::{self, Texts};
use understudy_train::presets::{self, DataFacts, ModelFacts};
use understudy_train::{Footprint, Method, Speed, TrainSettings};

use crate::error::Result;
use crate::models::STARTER;
use crate::models::cards::ModelCard;
use crate::planning::{USABLE_MEMORY, threads};
use crate::words;

/// Lengths of this many texts stand for all.
const SAMPLE: u32 = 400;

/// Letters a token in languages with an alphabet, read by a model that knows the language: English in BERT's word pieces.
const LETTERS_PER_TOKEN: f64 = 4.4;

/// What is assumed of a project that has no texts yet: paragraphs of an ordinary length.
const USUAL: (usize, usize) = (1000, 600);

/// Minutes of training beyond which a smaller model is the better proposal.
const PATIENCE_MINUTES: f64 = 20.0;

/// What a model's size counts for, against its time beyond that: twice the numbers bring less than twice the time costs.
const SIZE_COUNTS: f64 = 0.6;

/// Numbers in layers from which a model is large, and texts below which large models often fail to learn at all (Devlin et
/// al. 2019, section 4.1).
const LARGE: (f64, usize) = (1.5e8, 20_000);

/// Whether a model can do something on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can.
    Fits,
    /// It can in a slower way, or when other programs give memory back.
    Tight,
    /// It needs more memory than the machine has.
    DoesNotFit,
}

/// What a model would need for this project on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Fit {
    /// Whether it can be trained.
    pub training: Verdict,
    /// Memory of a training, MB.
    pub training_mb: f64,
    /// Seconds that a training takes at most; `None` before this machine was measured.
    pub training_seconds: Option<f64>,
    /// Whether it can answer once it is trained.
    pub answering: Verdict,
    /// Memory of answering, MB.
    pub answering_mb: f64,
    /// Texts that it answers in a second; `None` before this machine was measured.
    pub texts_per_second: Option<f64>,
    /// Whether the disk has room for it.
    pub disk: bool,
    /// Whether it reads the language that most texts are in; `None` where that is not known.
    pub reads_language: Option<bool>,
}

impl Fit {
    /// Before anything is known.
    pub(crate) fn unknown() -> Self {
        Self {
            training: Verdict::DoesNotFit,
            training_mb: 0.0,
            training_seconds: None,
            answering: Verdict::DoesNotFit,
            answering_mb: 0.0,
            texts_per_second: None,
            disk: false,
            reads_language: None,
        }
    }
}

/// What the texts are like, as far as a model is chosen by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    /// Characters of the texts of a sample, ascending.
    characters: Vec<usize>,
    /// Of these characters, those of Chinese and Japanese.
    ideographs: f64,
    /// Texts to learn from.
    texts: usize,
    /// Texts to judge by after every round.
    validation: usize,
    /// Labels.
    classes: usize,
    /// Whether a text may have several labels.
    several: bool,
    /// Codes of the languages that many of the texts are in, the commonest first; none where it cannot be told.
    languages: Vec<String>,
    /// Half of the texts are no longer, in characters.
    median: u32,
    /// What most of them are about.
    domain: Domain,
    /// Whether there are texts at all.
    known: bool,
}

/// The texts and the machine together.
#[derive(Debug, Clone)]
pub struct Fitting {
    need: Need,
    memory_free: f64,
    memory_total: f64,
    disk_free: f64,
    speed: Option<Speed>,
}

/// What is known of a model for its fit.
pub(crate) struct Candidate<'a> {
    pub footprint: &'a Footprint,
    pub architecture: &'a str,
    pub languages: &'a [String],
    pub multilingual: bool,
    pub mean_pooling: bool,
    /// Bytes still to be downloaded.
    pub download: f64,
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
        let all: String = beginnings.concat();
        Ok(Self {
            characters: lengths(project)?,
            ideographs: share(
                &all,
                |c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'),
            ),
            texts: texts.max(1),
            validation,
            classes: labels.labels.len().max(2),
            several: labels.problem_type == ProblemType::MultiLabel,
            languages: common_languages(&beginnings),
            median: project.summary()?.length_median,
            domain: domain(&beginnings),
            known: true,
        })
    }

    fn usual() -> Self {
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
    fn is_read_by(&self, languages: &[String], multilingual: bool) -> Option<bool> {
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
    fn tokens(&self, model: &Candidate<'_>) -> Texts {
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
}

impl Fitting {
    /// For a project on this machine; `at` is on the disk that models come to.
    ///
    /// # Errors
    /// Those of the database.
    pub fn new(project: Option<&Project>, speed: Option<Speed>) -> Result<Self> {
        let machine = understudy_hub::machine(crate::models::library().root());
        Ok(Self {
            need: Need::of(project)?,
            memory_free: machine.memory_free_bytes,
            memory_total: machine.memory_bytes,
            disk_free: machine.disk_free_bytes,
            speed,
        })
    }

    /// What a model would need.
    pub(crate) fn of(&self, model: &Candidate<'_>) -> Fit {
        let texts = self.need.tokens(model);
        let usable = USABLE_MEMORY * self.memory_free;
        let facts = ModelFacts {
            hidden_size: model.footprint.hidden,
            max_length: model.footprint.max_length,
            means_texts: model.mean_pooling && model.footprint.takes_pooling_layer,
        };
        let data = self.need.facts(&texts);
        let preset = presets::propose(&data, &facts);
        let (mut settings, _) = presets::choose(preset, "", &data, &facts);
        let plain = memory::estimate(model.footprint, &settings, self.need.classes, &texts, threads());
        let (training, needed) = self.training(model.footprint, &mut settings, &texts, plain, usable);
        let answering = memory::of_answering(model.footprint, settings.max_length as usize, threads());
        let speed = self.speed.as_ref();
        Fit {
            training,
            training_mb: needed / 1e6,
            training_seconds: speed.map(|speed| {
                speed.seconds_of_training(
                    model.footprint,
                    model.architecture,
                    &settings,
                    &texts,
                    self.need.validation,
                )
            }),
            answering: self.verdict(answering, usable),
            answering_mb: answering / 1e6,
            texts_per_second: speed
                .map(|speed| speed.texts_per_second(model.footprint, model.architecture, &settings, &texts)),
            disk: model.download < self.disk_free,
            reads_language: self.need.is_read_by(model.languages, model.multilingual),
        }
    }

    /// A way to train within the memory there is: as proposed, else in parts and with layers computed again, else with
    /// adapters only. It does not fit when no way fits into all the memory that the machine has.
    fn training(
        &self,
        footprint: &Footprint,
        settings: &mut TrainSettings,
        texts: &Texts,
        plain: f64,
        usable: f64,
    ) -> (Verdict, f64) {
        if plain <= usable {
            return (Verdict::Fits, plain);
        }
        let needed = memory::fit(footprint, settings, self.need.classes, texts, threads(), usable);
        if needed <= USABLE_MEMORY * self.memory_total {
            return (Verdict::Tight, needed);
        }
        settings.method = Method::Lora;
        let needed = memory::fit(footprint, settings, self.need.classes, texts, threads(), usable);
        (self.verdict(needed, usable).max_tight(), needed)
    }

    fn verdict(&self, needed: f64, usable: f64) -> Verdict {
        match needed {
            needed if needed <= usable => Verdict::Fits,
            needed if needed <= USABLE_MEMORY * self.memory_total => Verdict::Tight,
            _ => Verdict::DoesNotFit,
        }
    }

    /// The model that is proposed for these texts, and why: the most capable that reads their language, knows their
    /// subject where there is such a one, may be used for work, and is trained in bearable time.
    ///
    /// A rule of thumb, not a measurement: more numbers in layers mean more accuracy on the public benchmarks that the
    /// catalogue's models were published with; with few examples, encoders that place texts by meaning are better starts
    /// (docs/performance.md).
    pub fn recommend<'a>(&self, cards: &'a [ModelCard]) -> Option<&'a ModelCard> {
        if !self.need.known {
            return cards.iter().find(|card| card.id == STARTER);
        }
        // Of equals the last is taken: the catalogue has the better known first.
        let scored = cards
            .iter()
            .rev()
            .filter_map(|card| Some((self.score(card)?, card)));
        scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, card)| card)
    }

    fn score(&self, card: &ModelCard) -> Option<f64> {
        let fit = &card.fit;
        let recommended = card.recommended_by_us;
        if !recommended
            || fit.training == Verdict::DoesNotFit
            || fit.reads_language == Some(false)
            || !fit.disk
        {
            return None;
        }
        let mut score = SIZE_COUNTS * card.layer_parameters.max(1.0).ln();
        let few = self.need.texts < 16 * self.need.classes;
        if card.layer_parameters > LARGE.0 && self.need.texts < LARGE.1 {
            score -= 1.0;
        }
        // ELECTRA's discriminators know much, but often do not begin to learn with few texts.
        if card.architecture == "electra" && self.need.texts < 1000 {
            score -= 1.0;
        }
        if card.mean_pooling && few {
            score += 2.0;
        }
        // What was made to compare texts has forgotten a little of what single words mean.
        if card.domain == Some(Domain::Sentences) && !few {
            score -= 0.1;
        }
        if let Some(domain @ (Domain::Legal | Domain::Medical | Domain::Scientific)) = card.domain {
            score += if domain == self.need.domain { 0.6 } else { -1.5 };
        }
        // A model for one language knows it better; for texts of which nobody knows the language it is a wager.
        score -= match (card.multilingual, self.need.languages.is_empty()) {
            (true, false) => 0.8,
            (false, true) => 2.0,
            _ => 0.0,
        };
        if fit.training == Verdict::Tight {
            score -= 1.0;
        }
        if card.commercial_use != CommercialUse::Yes {
            score -= 0.7;
        }
        if let Some(seconds) = fit.training_seconds {
            score -= (seconds / (60.0 * PATIENCE_MINUTES)).max(1.0).ln();
        }
        if card.installed {
            score += 0.2;
        }
        Some(score)
    }

    /// The reason of a recommendation, in one or two sentences.
    pub fn reason(&self, card: &ModelCard, language: Language) -> String {
        let text = |key: &str, facts: &[(&str, &str)]| words::catalogue(language).text(key, facts);
        let need = &self.need;
        if !need.known {
            return text("recommend.no_texts", &[]);
        }
        let median = need.median.to_string();
        let (texts, labels) = (need.texts.to_string(), need.classes.to_string());
        let facts: &[(&str, &str)] = &[("characters", &median), ("texts", &texts), ("labels", &labels)];
        let mut reason = vec![match need.languages.as_slice() {
            [] => text("recommend.texts_unknown", facts),
            [one] => {
                let name = language_name(one, language);
                text("recommend.texts", &[facts, &[("language", &name)]].concat())
            }
            several => {
                let named: Vec<String> = several.iter().map(|code| language_name(code, language)).collect();
                let list = named.join(if language == Language::Zh { "、" } else { ", " });
                text(
                    "recommend.texts_mixed",
                    &[facts, &[("languages", &list)]].concat(),
                )
            }
        }];
        if card.domain == Some(need.domain) && need.domain != Domain::General {
            let subject = match need.domain {
                Domain::Legal => "recommend.legal",
                Domain::Medical => "recommend.medical",
                _ => "recommend.scientific",
            };
            reason.push(text(subject, &[]));
        }
        if card.mean_pooling && need.texts < 16 * need.classes {
            reason.push(text("recommend.few", &[]));
        }
        reason.push(match card.fit.training_seconds {
            Some(seconds) => text(
                "recommend.fits",
                &[
                    ("minutes", &(seconds / 60.0).ceil().max(1.0).to_string()),
                    ("memory", &memory_of(card)),
                ],
            ),
            None => text("recommend.fits_memory", &[("memory", &memory_of(card))]),
        });
        // Chinese sentences follow each other without a space.
        reason.join(if language == Language::Zh { "" } else { " " })
    }
}

/// A language's name; a code that we have no name for stays as it is.
fn language_name(code: &str, language: Language) -> String {
    let key = format!("language.{code}");
    let name = words::catalogue(language).text(&key, &[]);
    if name == key { code.to_owned() } else { name }
}

impl Verdict {
    /// What only adapters make possible is not a plain fit.
    fn max_tight(self) -> Self {
        match self {
            Verdict::Fits => Verdict::Tight,
            other => other,
        }
    }
}

impl Need {
    fn facts(&self, texts: &Texts) -> DataFacts {
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

/// Two digits: more would promise too much.
fn memory_of(card: &ModelCard) -> String {
    format!("{:.1} GB", card.fit.training_mb / 1e3)
}

fn rows_of(split: &SplitSummary, part: Part) -> usize {
    let of_part = split.parts.iter().filter(|count| count.part == part);
    of_part.map(|count| count.rows as usize).sum()
}

/// Lengths in characters that stand for all texts, ascending: as often as they are common.
fn lengths(project: &Project) -> Result<Vec<usize>> {
    let summary = project.summary()?;
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
    Ok(lengths)
}

fn share(text: &str, of: impl Fn(char) -> bool) -> f64 {
    let count = text.chars().count().max(1);
    text.chars().filter(|&c| of(c)).count() as f64 / count as f64
}

/// Of 100 texts, those in a language from which it counts.
const MANY: usize = 20;

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
    use crate::models::cards::cards;

    const GB: f64 = 1e9;

    fn need(language: &str, texts: usize, classes: usize) -> Need {
        Need {
            characters: vec![540; 10],
            ideographs: if language == "zh" { 0.9 } else { 0.0 },
            texts,
            validation: texts / 5,
            classes,
            languages: vec![language.into()],
            median: 540,
            known: true,
            ..Need::usual()
        }
    }

    /// Of a machine with so much memory, on which BERT base learns about 8 texts of 256 tokens a second.
    fn on(memory: f64, need: Need) -> Fitting {
        let pace = |architecture: &str, hidden, learning: f64| understudy_train::speed::Pace {
            architecture: architecture.into(),
            hidden,
            learning,
            learning_bf16: 2.0 * learning,
            reading: learning,
            step: 1e-9,
        };
        Fitting {
            need,
            memory_free: 0.8 * memory,
            memory_total: memory,
            disk_free: 100.0 * GB,
            speed: Some(Speed {
                paces: vec![
                    pace("bert", 384, 1.5e11),
                    pace("bert", 768, 2e11),
                    pace("deberta-v2", 384, 1e11),
                    pace("modernbert", 384, 1e11),
                ],
            }),
        }
    }

    fn recommended(fitting: &Fitting) -> ModelCard {
        let cards = cards(fitting).unwrap();
        fitting.recommend(&cards).unwrap().clone()
    }

    #[test]
    fn chinese_texts_get_a_model_that_reads_chinese() {
        let card = recommended(&on(16.0 * GB, need("zh", 3000, 12)));
        assert!(
            card.languages.contains(&"zh".into()) && !card.multilingual,
            "{}",
            card.id
        );
        assert_eq!(card.domain, Some(Domain::General), "{}", card.id);
    }

    #[test]
    fn texts_of_a_profession_get_its_model() {
        let legal = Need {
            domain: Domain::Legal,
            ..need("en", 2000, 10)
        };
        let card = recommended(&on(32.0 * GB, legal));
        assert_eq!(card.domain, Some(Domain::Legal), "{}", card.id);
        let general = recommended(&on(32.0 * GB, need("en", 2000, 10)));
        assert!(
            !matches!(general.domain, Some(Domain::Legal | Domain::Medical)),
            "{}",
            general.id
        );
    }

    #[test]
    fn few_examples_get_an_encoder_that_places_texts_by_meaning() {
        let card = recommended(&on(16.0 * GB, need("en", 100, 20)));
        assert!(card.mean_pooling, "{}", card.id);
    }

    #[test]
    fn many_long_texts_on_a_slow_machine_get_a_smaller_model() {
        let many = on(16.0 * GB, need("en", 200_000, 10));
        let few = on(16.0 * GB, need("en", 500, 10));
        assert!(recommended(&many).layer_parameters < recommended(&few).layer_parameters);
    }

    #[test]
    fn less_memory_never_makes_a_model_fit_better_and_a_small_machine_still_trains_something() {
        let verdicts = |memory: f64| -> Vec<Verdict> {
            let cards = cards(&on(memory, need("en", 3000, 10))).unwrap();
            cards.iter().map(|card| card.fit.training).collect()
        };
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Fits => 0,
            Verdict::Tight => 1,
            Verdict::DoesNotFit => 2,
        };
        let (small, middle, large) = (verdicts(2.0 * GB), verdicts(8.0 * GB), verdicts(64.0 * GB));
        for (less, more) in small.iter().zip(&middle).chain(middle.iter().zip(&large)) {
            assert!(rank(less) >= rank(more));
        }
        assert!(large.iter().all(|verdict| *verdict == Verdict::Fits));
        assert!(small.contains(&Verdict::Fits) && small.contains(&Verdict::DoesNotFit));
    }

    #[test]
    fn texts_that_no_model_of_one_language_reads_get_a_multilingual_one() {
        for languages in [&["dan"][..], &["sv"], &["zh", "en"], &[]] {
            let need = Need {
                languages: languages.iter().map(|code| (*code).to_owned()).collect(),
                ..need("en", 3000, 10)
            };
            let card = recommended(&on(16.0 * GB, need));
            assert!(
                card.multilingual && card.fit.reads_language != Some(false),
                "{languages:?}: {}",
                card.id
            );
        }
    }

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

    #[test]
    fn reasons_are_told_in_both_languages() {
        let fitting = on(16.0 * GB, need("zh", 3000, 12));
        let card = recommended(&fitting);
        for language in [Language::En, Language::Zh] {
            let reason = fitting.reason(&card, language);
            assert!(
                reason.contains("540") && reason.contains("12") && !reason.contains("recommend."),
                "{reason}"
            );
        }
    }
}
