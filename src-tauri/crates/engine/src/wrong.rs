//! A run's wrong answers to its test part: pages of them, and where they lie.

use std::collections::BTreeMap;

use understudy_assist::doubts::doubts;
use understudy_data::{Part, Project, StoredPrediction, WhichWrong, language};
use understudy_eval::wilson;

use crate::error::{EngineError, Result};
use crate::explanation::TEXT_CHARACTERS;
use crate::judgement::CHARACTERS;
use crate::runs;
use crate::view::{GroupBy, WrongFilter, WrongGroup, WrongPage};

/// Days within which times are told by the day.
const DAYS: usize = 31;

/// A page of the wrong answers, the most confident first. `only` are the rows of the filter's group ([`members`]), which
/// whoever asks for several pages finds once.
///
/// # Errors
/// [`EngineError::NoSuchLabel`], and those of the database.
pub fn page(
    project: &Project,
    run: &str,
    filter: &WrongFilter,
    only: Option<&[u32]>,
    offset: u32,
    limit: u32,
) -> Result<WrongPage> {
    let labels = runs::outcome(&runs::find(project, run)?)?.labels;
    let index = |label: &Option<String>| -> Result<Option<usize>> {
        match label {
            None => Ok(None),
            Some(label) => match labels.iter().position(|known| known == label) {
                Some(index) => Ok(Some(index)),
                None => Err(EngineError::NoSuchLabel { name: label.clone() }),
            },
        }
    };
    let which = WhichWrong {
        gold: index(&filter.gold)?,
        predicted: index(&filter.predicted)?,
        only: only.map(<[u32]>::to_vec),
    };
    let (total, rows) = project.wrong_predictions(run, &which, offset, limit)?;
    let names = |classes: &[usize]| -> Vec<String> {
        classes
            .iter()
            .filter_map(|class| labels.get(*class))
            .cloned()
            .collect()
    };
    Ok(WrongPage {
        total,
        id: rows.iter().map(|row| row.example).collect(),
        gold: rows.iter().map(|row| names(&row.gold)).collect(),
        predicted: rows.iter().map(|row| names(&row.predicted)).collect(),
        confidence: rows.iter().map(|row| row.confidence).collect(),
        text: rows.into_iter().map(|row| row.text).collect(),
    })
}

/// The rows of the test part that are in a group: [`WrongGroup::value`].
///
/// # Errors
/// [`EngineError::RunNotFinished`], and those of the database.
pub fn members(project: &Project, run: &str, by: GroupBy, value: &str) -> Result<Vec<u32>> {
    let (answers, values) = judged(project, run, by)?;
    let rows = answers.iter().zip(values).filter(|(_, of)| of == value);
    Ok(rows.map(|(answer, _)| answer.example).collect())
}

/// How many answers are wrong in each group of texts, in the groups' own order.
///
/// # Errors
/// [`EngineError::RunNotFinished`], and those of the database.
pub fn groups(project: &Project, run: &str, by: GroupBy) -> Result<Vec<WrongGroup>> {
    let (answers, values) = judged(project, run, by)?;
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (answer, value) in answers.iter().zip(values) {
        let (texts, wrong) = counts.entry(value).or_default();
        *texts += 1;
        *wrong += usize::from(answer.gold != answer.predicted);
    }
    let mut found: Vec<WrongGroup> = counts
        .into_iter()
        .map(|(value, (texts, wrong))| WrongGroup {
            value,
            texts: texts as u32,
            wrong: wrong as u32,
            interval: wilson(wrong, texts),
        })
        .collect();
    if by == GroupBy::Length {
        let shortest = |group: &WrongGroup| -> u32 {
            let shortest = group.value.split('-').next().unwrap_or_default();
            shortest.parse().unwrap_or(0)
        };
        found.sort_by_key(shortest);
    }
    Ok(found)
}

/// The answers to the test part, each with the group that its text is in.
fn judged(project: &Project, run: &str, by: GroupBy) -> Result<(Vec<StoredPrediction>, Vec<String>)> {
    let outcome = runs::outcome(&runs::find(project, run)?)?;
    let answers = project.predictions(run, Part::Test)?;
    let examples: Vec<u32> = answers.iter().map(|answer| answer.example).collect();
    let values = match by {
        GroupBy::Length => {
            let texts = project.texts_of(&examples, TEXT_CHARACTERS)?;
            quarters(&texts.iter().map(|text| text.chars().count()).collect::<Vec<_>>())
        }
        GroupBy::Language => {
            let texts = project.texts_of(&examples, CHARACTERS)?;
            texts.iter().map(|text| language(text).to_owned()).collect()
        }
        GroupBy::Source => {
            let origins = project.origins_of_judged(run)?.into_iter();
            origins.map(|origin| origin.source).collect()
        }
        GroupBy::Labelled => {
            let origins = project.origins_of_judged(run)?.into_iter();
            days_or_months(origins.map(|origin| origin.labelled_at).collect())
        }
        GroupBy::Doubt => doubted(
            &answers,
            outcome.labels.len(),
            outcome.validation.multi_label.is_some(),
        ),
    };
    Ok((answers, values))
}

/// Lengths in quarters, each named by its shortest and longest; fewer where many are alike.
fn quarters(lengths: &[usize]) -> Vec<String> {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    let Some(&longest) = sorted.last() else {
        return Vec::new();
    };
    let mut ends: Vec<usize> = (1..4)
        .map(|quarter| sorted[(sorted.len() * quarter / 4).saturating_sub(1)])
        .collect();
    ends.push(longest);
    ends.dedup();
    let name = |length: &usize| {
        let quarter = ends.partition_point(|end| end < length);
        let above = quarter.checked_sub(1).map(|before| ends[before]);
        let shortest = sorted[above.map_or(0, |above| sorted.partition_point(|length| *length <= above))];
        format!("{shortest}-{}", ends[quarter])
    };
    lengths.iter().map(name).collect()
}

/// Times by the day, or where there are many days by the month; none stays empty.
fn days_or_months(times: Vec<Option<String>>) -> Vec<String> {
    let of = |length: usize| -> Vec<String> {
        let times = times.iter().map(|time| time.as_deref().unwrap_or_default());
        times
            .map(|time| time.get(..length).unwrap_or_default().to_owned())
            .collect()
    };
    let days = of("2026-11-29".len());
    let distinct: std::collections::BTreeSet<&String> = days.iter().collect();
    if distinct.len() <= DAYS {
        days
    } else {
        of("2026-11".len())
    }
}

/// Whether the labels are probably wrong, by answers of a model that has not learnt from them.
fn doubted(answers: &[StoredPrediction], classes: usize, several: bool) -> Vec<String> {
    let probabilities: Vec<f32> = answers
        .iter()
        .flat_map(|answer| answer.probabilities.iter().copied())
        .collect();
    let gold: Vec<&[usize]> = answers.iter().map(|answer| answer.gold.as_slice()).collect();
    let mut told = vec!["no".to_owned(); answers.len()];
    for doubt in doubts(&probabilities, &gold, classes, several) {
        "yes".clone_into(&mut told[doubt.text]);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_named_by_their_quarters() {
        let found = quarters(&[10, 40, 20, 30, 50, 60, 80, 70]);
        assert_eq!(
            found,
            [
                "10-20", "30-40", "10-20", "30-40", "50-60", "50-60", "70-80", "70-80"
            ]
        );
        assert_eq!(quarters(&[5, 5, 5]), ["5-5", "5-5", "5-5"]);
        assert_eq!(quarters(&[7]), ["7-7"]);
        assert!(quarters(&[]).is_empty());
    }

    #[test]
    fn times_are_told_by_the_day_until_there_are_many() {
        let time = |day: u32| Some(format!("2026-{:02}-{:02}T10:00:00Z", 1 + day / 28, 1 + day % 28));
        let few = days_or_months(vec![None, time(3), time(30)]);
        assert_eq!(few, ["", "2026-01-04", "2026-02-03"]);
        let many = days_or_months((0..40).map(time).collect());
        assert_eq!((many[0].as_str(), many[39].as_str()), ("2026-01", "2026-02"));
    }

    #[test]
    fn a_label_that_a_sure_model_contradicts_is_in_doubt() {
        let answer = |gold: usize, p: f32| StoredPrediction {
            example: 0,
            gold: vec![gold],
            predicted: vec![usize::from(p < 0.5)],
            confidence: f64::from(p.max(1.0 - p)),
            probabilities: vec![p, 1.0 - p],
            unfamiliar: Some(false),
        };
        let mut answers: Vec<StoredPrediction> = (0..8).map(|_| answer(0, 0.9)).collect();
        answers.extend((0..8).map(|_| answer(1, 0.1)));
        answers.push(answer(1, 0.99));
        let told = doubted(&answers, 2, false);
        assert_eq!(told.iter().filter(|told| *told == "yes").count(), 1);
        assert_eq!(told[16], "yes");
    }
}
