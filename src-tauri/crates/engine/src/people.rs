//! Several people: how far they agree, and their answers as a small signed file without any text.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use understudy_assist::agreement::{Agreement, cohen_kappa, fleiss_kappa, krippendorff_alpha};
use understudy_data::{MergeSummary, Person, Project, SentAnswer, Vote, hex, unhex};

use crate::error::{EngineError, Result};
use crate::files;

/// The same answers give the same limits.
const SEED: u64 = 3;
/// Pairs of answers that are told of those that are mixed up most.
const MIX_UPS: usize = 10;
/// No file of answers is larger.
const LARGEST: u64 = 512 << 20;
const FORMAT: &str = "understudy-answers-1";

/// How far people agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct People {
    /// Who labels now.
    pub person: String,
    /// Of 100 texts of others, how many everybody labels again.
    pub second_share: u32,
    /// Everybody who labelled or sent something in.
    pub people: Vec<Person>,
    /// Texts that at least two people labelled.
    pub shared: u32,
    /// Texts about which they disagree and nobody decided.
    pub disagreements: u32,
    /// Krippendorff's α over all of them; `None` while it cannot be told.
    pub alpha: Option<Agreement>,
    /// What it is worth.
    pub worth: Option<Worth>,
    /// Fleiss' κ by the texts that everybody labelled, where there are at least three people.
    pub fleiss: Option<Agreement>,
    /// Cohen's κ of each two people.
    pub pairs: Vec<PairAgreement>,
    /// For each label, how far people agree on giving it.
    pub labels: Vec<LabelAgreement>,
    /// Answers that stand against each other most often.
    pub mixed_up: Vec<MixUp>,
}

/// What an agreement is worth, by Krippendorff's rule of thumb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// α from 0.8 on.
    Reliable,
    /// From 0.667 on: enough for tentative conclusions.
    Tentative,
    /// Below.
    Unreliable,
}

impl Worth {
    fn of(alpha: f64) -> Self {
        match alpha {
            alpha if alpha >= 0.8 => Worth::Reliable,
            alpha if alpha >= 0.667 => Worth::Tentative,
            _ => Worth::Unreliable,
        }
    }
}

/// How far two people agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PairAgreement {
    /// One.
    pub first: String,
    /// The other.
    pub second: String,
    /// Texts that both labelled.
    pub texts: u32,
    /// Of them with the same answer.
    pub same: u32,
    /// Cohen's κ; `None` where it cannot be told.
    pub kappa: Option<Agreement>,
}

/// How far people agree on one label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LabelAgreement {
    /// The label.
    pub label: u32,
    /// Krippendorff's α of giving it or not; `None` where it cannot be told.
    pub alpha: Option<Agreement>,
}

/// Two answers that stand against each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MixUp {
    /// One answer's labels.
    pub one: Vec<u32>,
    /// The other's.
    pub other: Vec<u32>,
    /// Texts about which somebody said the one and somebody the other.
    pub texts: u32,
}

/// Who labels, and how far they agree.
///
/// # Errors
/// Those of the database.
pub fn people(project: &Project) -> Result<People> {
    let people = project.people()?;
    let votes = project.votes()?;
    let places: HashMap<&str, usize> = people
        .iter()
        .map(|person| person.name.as_str())
        .zip(0..)
        .collect();
    let texts = by_text(&votes, &places);
    let answers = numbered(&texts);
    let alpha = krippendorff_alpha(&answers, SEED);
    let mut pairs = Vec::new();
    for first in 0..people.len() {
        for second in first + 1..people.len() {
            let both = || {
                answers
                    .iter()
                    .filter_map(|text| Some((text[first]?, text[second]?)))
            };
            let texts = both().count() as u32;
            if texts > 0 {
                pairs.push(PairAgreement {
                    first: people[first].name.clone(),
                    second: people[second].name.clone(),
                    texts,
                    same: both().filter(|(a, b)| a == b).count() as u32,
                    kappa: cohen_kappa(&answers, first, second, SEED),
                });
            }
        }
    }
    let labels = project.label_state()?.labels;
    Ok(People {
        person: project.person()?,
        second_share: project.second_share()?,
        shared: answers.len() as u32,
        disagreements: project.disagreements_page(0, 0)?.total,
        alpha,
        worth: alpha.map(|alpha| Worth::of(alpha.value)),
        fleiss: (people.len() > 2).then(|| fleiss_kappa(&answers, SEED)).flatten(),
        pairs,
        labels: match answers.is_empty() {
            true => Vec::new(),
            false => labels.iter().map(|label| on_label(&texts, label.id)).collect(),
        },
        mixed_up: mixed_up(&texts),
        people,
    })
}

/// Everybody's labels for each text, in the people's order.
type Texts<'a> = Vec<Vec<Option<&'a [u32]>>>;

fn by_text<'a>(votes: &'a [Vote], places: &HashMap<&str, usize>) -> Texts<'a> {
    let mut texts: BTreeMap<u32, Vec<Option<&[u32]>>> = BTreeMap::new();
    for vote in votes {
        let text = texts
            .entry(vote.example)
            .or_insert_with(|| vec![None; places.len()]);
        if let Some(place) = places.get(vote.who.as_str()) {
            text[*place] = Some(&vote.labels);
        }
    }
    texts.into_values().collect()
}

/// Each different set of labels as a number.
fn numbered(texts: &Texts) -> Vec<Vec<Option<usize>>> {
    let mut numbers: HashMap<&[u32], usize> = HashMap::new();
    let mut found = Vec::with_capacity(texts.len());
    for text in texts {
        let mut row = Vec::with_capacity(text.len());
        for labels in text {
            let next = numbers.len();
            row.push(labels.map(|labels| *numbers.entry(labels).or_insert(next)));
        }
        found.push(row);
    }
    found
}

fn on_label(texts: &Texts, label: u32) -> LabelAgreement {
    let given = |labels: &Option<&[u32]>| labels.map(|labels| usize::from(labels.contains(&label)));
    let answers: Vec<Vec<Option<usize>>> = texts
        .iter()
        .map(|text| text.iter().map(given).collect())
        .collect();
    LabelAgreement {
        label,
        alpha: krippendorff_alpha(&answers, SEED),
    }
}

/// The pairs of different answers about one text, the commonest first.
fn mixed_up(texts: &Texts) -> Vec<MixUp> {
    let mut counts: BTreeMap<(&[u32], &[u32]), u32> = BTreeMap::new();
    for text in texts {
        let mut answers: Vec<&[u32]> = text.iter().copied().flatten().collect();
        answers.sort_unstable();
        answers.dedup();
        for (place, one) in answers.iter().enumerate() {
            for other in &answers[place + 1..] {
                *counts.entry((one, other)).or_default() += 1;
            }
        }
    }
    let mut found: Vec<MixUp> = counts
        .into_iter()
        .map(|((one, other), texts)| MixUp {
            one: one.to_vec(),
            other: other.to_vec(),
            texts,
        })
        .collect();
    found.sort_by_key(|mix_up| std::cmp::Reverse(mix_up.texts));
    found.truncate(MIX_UPS);
    found
}

/// A file of answers: what is signed, by which key.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    format: String,
    /// [`Content`] as JSON: what is signed must not change by one space.
    content: String,
    /// The public key, hexadecimal.
    key: String,
    /// The signature of `content`, hexadecimal.
    signature: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    project: String,
    who: String,
    at: String,
    answers: Vec<SentAnswer>,
}

/// What came of a file of answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Taken {
    /// What was taken in.
    pub summary: MergeSummary,
    /// A short form of the key that signed it, to be compared with the sender's.
    pub key: String,
    /// Whether this person's answers were signed by another key before.
    pub other_key: bool,
}

/// Writes the answers of whoever labels now, signed with this machine's key. Returns how many, and the key's short form.
///
/// # Errors
/// Those of the database and of writing.
pub fn send(project: &mut Project, path: &Path) -> Result<(u32, String)> {
    let key = own_key()?;
    let who = project.person()?;
    let content = Content {
        project: project.name().to_owned(),
        answers: project.answers_of(&who)?,
        who,
        at: files::now(),
    };
    let count = content.answers.len() as u32;
    let content = json(&content)?;
    let sent = Sent {
        format: FORMAT.to_owned(),
        key: hex(key.verifying_key().as_bytes()),
        signature: hex(&key.sign(content.as_bytes()).to_bytes()),
        content,
    };
    files::write(path, json(&sent)?.as_bytes())?;
    let detail = serde_json::json!({ "to": path.display().to_string(), "answers": count });
    project.record("answers_sent", detail)?;
    Ok((count, short(&sent.key)))
}

/// Takes in a file of answers whose signature holds.
///
/// # Errors
/// [`EngineError::NoAnswers`], [`EngineError::Forged`], and those of the project.
pub fn take(project: &mut Project, path: &Path) -> Result<Taken> {
    let no_answers = |reason: String| EngineError::NoAnswers {
        path: path.to_owned(),
        reason,
    };
    let size = std::fs::metadata(path).map_err(files::failed(path))?.len();
    if size > LARGEST {
        return Err(no_answers(format!("{size} bytes")));
    }
    let bytes = std::fs::read(path).map_err(files::failed(path))?;
    let sent: Sent = serde_json::from_slice(&bytes).map_err(|error| no_answers(error.to_string()))?;
    if sent.format != FORMAT {
        return Err(no_answers(sent.format));
    }
    if !holds(&sent) {
        return Err(EngineError::Forged {
            path: path.to_owned(),
        });
    }
    let content: Content =
        serde_json::from_str(&sent.content).map_err(|error| no_answers(error.to_string()))?;
    let known = format!("key_of {}", content.who);
    let before = project.setting(&known)?;
    let summary = project.take_answers(&content.who, &content.answers, &hex(&Sha256::digest(&bytes)))?;
    project.set_setting(&known, &sent.key)?;
    Ok(Taken {
        summary,
        key: short(&sent.key),
        other_key: before.is_some_and(|before| before != sent.key),
    })
}

fn holds(sent: &Sent) -> bool {
    let key = unhex::<32>(&sent.key).and_then(|key| VerifyingKey::from_bytes(&key).ok());
    let signature = unhex::<64>(&sent.signature).map(|bytes| Signature::from_bytes(&bytes));
    match (key, signature) {
        (Some(key), Some(signature)) => key.verify(sent.content.as_bytes(), &signature).is_ok(),
        _ => false,
    }
}

/// This machine's key, made when it is first needed.
fn own_key() -> Result<SigningKey> {
    let path = files::config_folder().join("answers.key");
    if let Some(secret) = std::fs::read_to_string(&path)
        .ok()
        .and_then(|text| unhex::<32>(text.trim()))
    {
        return Ok(SigningKey::from_bytes(&secret));
    }
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| EngineError::Protocol {
        reason: error.to_string(),
    })?;
    files::write_private(&path, hex(&secret).as_bytes())?;
    Ok(SigningKey::from_bytes(&secret))
}

/// As people read it to each other: four groups of four.
fn short(key: &str) -> String {
    let groups: Vec<&str> = (0..4).filter_map(|i| key.get(i * 4..i * 4 + 4)).collect();
    groups.join("-").to_uppercase()
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| EngineError::Protocol {
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;
    use understudy_data::{ColumnRole, DialectOverrides, ImportOptions};

    fn project(place: &Path, name: &str) -> Project {
        let mut session = Session::create(&place.join(format!("{name}.understudy")), name).unwrap();
        let csv = place.join("t.csv");
        let rows: String = (0..12)
            .map(|i| format!("text {i},{}\n", if i < 2 { ["x", "y"][i] } else { "" }))
            .collect();
        std::fs::write(&csv, format!("text,label\n{rows}")).unwrap();
        let options = ImportOptions {
            dialect: DialectOverrides::default(),
            roles: vec![ColumnRole::Text, ColumnRole::Label],
            label_separator: None,
        };
        session.import(&csv, &options, None, &mut |_, _| true).unwrap();
        session.project
    }

    #[test]
    fn agreement_is_told_as_a_whole_by_pairs_by_label_and_by_what_is_mixed_up() {
        let place = tempfile::tempdir().unwrap();
        let mut project = project(place.path(), "a");
        for example in 1..=10 {
            project
                .annotate(example, Some(&[1 + example % 2]), "Ann")
                .unwrap();
            let other = if example == 10 { 2 } else { 1 + example % 2 };
            project.annotate(example, Some(&[other]), "Bo").unwrap();
        }
        let told = people(&project).unwrap();
        assert_eq!((told.shared, told.disagreements, told.people.len()), (10, 1, 2));
        assert_eq!((told.pairs[0].texts, told.pairs[0].same), (10, 9));
        // sklearn.metrics.cohen_kappa_score of the same answers.
        assert!(
            (told.pairs[0].kappa.unwrap().value - 0.8).abs() < 1e-9,
            "{:?}",
            told.pairs[0]
        );
        // krippendorff.alpha of the same answers, nominal.
        assert!(
            (told.alpha.unwrap().value - 0.808_080_8).abs() < 1e-6,
            "{:?}",
            told.alpha
        );
        assert_eq!(told.worth, Some(Worth::Reliable));
        assert_eq!(
            told.mixed_up,
            [MixUp {
                one: vec![1],
                other: vec![2],
                texts: 1
            }]
        );
        assert!(told.labels.iter().all(|label| label.alpha.is_some()) && told.fleiss.is_none());
    }

    #[test]
    fn a_sent_file_holds_no_text_and_a_changed_one_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let mut hers = project(place.path(), "a");
        hers.set_person("Ann").unwrap();
        hers.annotate(5, Some(&[1]), "Ann").unwrap();
        let file = place.path().join("ann.json");
        let key = SigningKey::from_bytes(&[7; 32]);
        let content = json(&Content {
            project: "a".to_owned(),
            who: "Ann".to_owned(),
            at: files::now(),
            answers: hers.answers_of("Ann").unwrap(),
        })
        .unwrap();
        let sent = |content: &str| Sent {
            format: FORMAT.to_owned(),
            content: content.to_owned(),
            key: hex(key.verifying_key().as_bytes()),
            signature: hex(&key.sign(content.as_bytes()).to_bytes()),
        };
        std::fs::write(&file, json(&sent(&content)).unwrap()).unwrap();
        assert!(!std::fs::read_to_string(&file).unwrap().contains("text 4"));
        let mut mine = project(place.path(), "b");
        let taken = take(&mut mine, &file).unwrap();
        assert_eq!(
            (taken.summary.new, taken.other_key, taken.key.len()),
            (1, false, 19)
        );
        let changed = Sent {
            content: content.replace("[\"x\"]", "[\"y\"]"),
            ..sent(&content)
        };
        std::fs::write(&file, json(&changed).unwrap()).unwrap();
        assert!(matches!(take(&mut mine, &file), Err(EngineError::Forged { .. })));
        std::fs::write(&file, "{}").unwrap();
        assert!(matches!(
            take(&mut mine, &file),
            Err(EngineError::NoAnswers { .. })
        ));
    }
}
