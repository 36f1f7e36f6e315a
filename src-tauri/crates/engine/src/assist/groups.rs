//! Texts in groups by meaning: to label many at once, or to see of what a label consists.

use std::collections::HashSet;

use understudy_assist::{Vectors, clusters, keywords};
use understudy_data::{Among, Project, VectorFile};
use understudy_train::spoken_words;

use super::view::{TextGroup, TextGroups};
use super::{encoder, kept_as, meaning};
use crate::error::Result;

/// Texts that are looked at; of more, so many spread over all.
const MOST: u32 = 20_000;
/// Groups that are asked for at most.
const MOST_GROUPS: usize = 24;
/// Texts of a group whose words are looked at, and characters of each.
const HEARD: usize = 300;
const CHARACTERS: usize = 1_000;
/// Words that are told of a group, and texts that are shown.
const WORDS: usize = 6;
const SHOWN: usize = 200;
/// The same texts give the same groups.
const SEED: u64 = 17;

/// Divides those texts into at most `count` groups, the largest first, each with its most typical texts first.
///
/// # Errors
/// Those of the database and of reading.
pub fn groups(project: &Project, among: Among, count: usize) -> Result<TextGroups> {
    let (all, rows) = project.rows_among(among, MOST)?;
    let mut told = TextGroups {
        all,
        looked_at: 0,
        groups: Vec::new(),
    };
    let Some(file) = VectorFile::find(project.folder(), &kept_as(&encoder(project)?))? else {
        return Ok(told);
    };
    let (found, vectors) = file.get(&rows)?;
    let vectors = Vectors::new(&vectors, file.dimensions());
    told.looked_at = found.len() as u32;
    let found_groups = clusters(
        vectors,
        &vec![1.0; vectors.len()],
        count.clamp(1, MOST_GROUPS),
        SEED,
    );
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); found_groups.count];
    for (text, group) in found_groups.of.iter().enumerate() {
        members[*group].push(text);
    }
    for members in &mut members {
        members.sort_by(|a, b| {
            let nearness = |text: &usize| found_groups.nearness[*text];
            nearness(b).total_cmp(&nearness(a)).then(a.cmp(b))
        });
    }
    members.retain(|members| !members.is_empty());
    members.sort_by_key(|members| std::cmp::Reverse(members.len()));
    let ids: Vec<Vec<u32>> = members
        .iter()
        .map(|members| members.iter().map(|text| rows[found[*text]].0).collect())
        .collect();
    let words = telling(project, &ids)?;
    for ((examples, members), words) in ids.into_iter().zip(&members).zip(words) {
        let shown = examples.iter().zip(members).take(SHOWN);
        let shown =
            shown.map(|(example, text)| meaning::row(project, *example, found_groups.nearness[*text]));
        told.groups.push(TextGroup {
            words,
            shown: shown.collect::<Result<_>>()?,
            examples,
        });
    }
    Ok(told)
}

/// The words that tell the groups from each other.
fn telling(project: &Project, groups: &[Vec<u32>]) -> Result<Vec<Vec<String>>> {
    let mut texts: Vec<(usize, String)> = Vec::new();
    for (group, examples) in groups.iter().enumerate() {
        let heard = project.texts_of(&examples[..examples.len().min(HEARD)], CHARACTERS)?;
        texts.extend(heard.into_iter().map(|text| (group, text.to_lowercase())));
    }
    let words: Vec<(usize, HashSet<&str>)> = texts
        .iter()
        .map(|(group, text)| (*group, spoken_words(text).collect()))
        .collect();
    let told = keywords(&words, groups.len(), WORDS);
    Ok(told
        .into_iter()
        .map(|words| words.into_iter().map(str::to_owned).collect())
        .collect())
}
