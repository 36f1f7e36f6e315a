//! Texts in groups by meaning: to label many at once, or to see of what a label consists.

use std::collections::HashSet;

use understudy_assist::{Clusters, Vectors, clusters, keywords};
use understudy_data::{Among, Project, TextHash, VectorFile};
use understudy_train::spoken_words;

use super::view::{TextGroup, TextGroups};
use super::{encoder, kept_as, meaning};
use crate::error::Result;

/// Texts from which the groups are made; of more, so many spread over all.
const MOST: u32 = 20_000;
/// Texts that find their group together.
const CHUNK: usize = 8_192;
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

/// Divides those texts into at most `count` groups, the largest first, each with its most typical texts first. Of very many,
/// some are looked at; of a label's, all the others follow into the group that is nearest.
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
    // The numbers of the groups, the largest first.
    let mut order: Vec<usize> = (0..members.len())
        .filter(|group| !members[*group].is_empty())
        .collect();
    order.sort_by_key(|group| std::cmp::Reverse(members[*group].len()));
    let members: Vec<&Vec<usize>> = order.iter().map(|group| &members[*group]).collect();
    let mut ids: Vec<Vec<u32>> = members
        .iter()
        .map(|members| members.iter().map(|text| rows[found[*text]].0).collect())
        .collect();
    let words = telling(project, &ids)?;
    if let Among::Label { .. } = among
        && (rows.len() as u32) < all
        && found_groups.count > 0
    {
        told.looked_at += put_others(project, among, &rows, &file, &found_groups, &order, &mut ids)?;
    }
    for ((examples, members), words) in ids.into_iter().zip(members).zip(words) {
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

/// Puts the texts that the groups were not made from into the nearest one; returns how many there are.
fn put_others(
    project: &Project,
    among: Among,
    known: &[(u32, TextHash)],
    file: &VectorFile,
    groups: &Clusters,
    order: &[usize],
    ids: &mut [Vec<u32>],
) -> Result<u32> {
    let (_, mut others) = project.rows_among(among, u32::MAX)?;
    others.retain(|(example, _)| known.binary_search_by_key(example, |(known, _)| *known).is_err());
    let mut put = 0;
    for chunk in others.chunks(CHUNK) {
        let (found, vectors) = file.get(chunk)?;
        let nearest = groups.nearest(Vectors::new(&vectors, file.dimensions()));
        for (place, group) in found.into_iter().zip(nearest) {
            if let Some(told) = order.iter().position(|known| *known == group) {
                ids[told].push(chunk[place].0);
                put += 1;
            }
        }
    }
    Ok(put)
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
