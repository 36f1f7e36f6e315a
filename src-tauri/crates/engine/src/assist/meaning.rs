//! Texts by what they mean: those like another one, and those like some words.

use understudy_data::{Among, Project, VectorFile};

use super::view::{Nearby, NearbyRow};
use super::{encoder, kept_as};
use crate::error::Result;

/// Rows that are not wanted (hidden or changed since they were read, or labelled) are found, too, and left out: so many more
/// are asked for, and then four times as many, until there are enough.
const SPARE: usize = 64;
/// Nobody looks for more.
const MOST_ASKED: usize = 100_000;
/// Characters of a text that is shown.
const SHOWN: usize = 300;

/// The rows that mean something like `example`, itself left out; empty while it was not read yet.
///
/// # Errors
/// Those of the database and of reading.
pub fn similar(project: &Project, example: u32, among: Among, limit: usize) -> Result<Nearby> {
    let Some(file) = VectorFile::find(project.folder(), &kept_as(&encoder(project)?))? else {
        return Ok(Nearby { rows: Vec::new() });
    };
    let Some(hash) = project.text_hash(example)? else {
        return Ok(Nearby { rows: Vec::new() });
    };
    let (found, vector) = file.get(&[(example, hash)])?;
    if found.is_empty() {
        return Ok(Nearby { rows: Vec::new() });
    }
    let wanted = Wanted {
        limit,
        among,
        but: Some(example),
    };
    nearest(project, &file, &vector, &wanted)
}

/// The rows whose vectors are nearest to `vector`; `None` while no text was read.
///
/// # Errors
/// Those of the database and of reading.
pub fn near(project: &Project, vector: &[f32], among: Among, limit: usize) -> Result<Option<Nearby>> {
    match VectorFile::find(project.folder(), &kept_as(&encoder(project)?))? {
        Some(file) if file.dimensions() == vector.len() => {
            let wanted = Wanted {
                limit,
                among,
                but: None,
            };
            nearest(project, &file, vector, &wanted).map(Some)
        }
        _ => Ok(None),
    }
}

/// Which of the nearest rows.
struct Wanted {
    limit: usize,
    among: Among,
    but: Option<u32>,
}

fn nearest(project: &Project, file: &VectorFile, vector: &[f32], wanted: &Wanted) -> Result<Nearby> {
    let mut asked = wanted.limit + SPARE;
    loop {
        let found = file.nearest(vector, asked)?;
        let all = found.len() < asked || asked >= MOST_ASKED;
        let mut rows = Vec::new();
        for (example, nearness) in found {
            if rows.len() == wanted.limit {
                break;
            }
            if Some(example) == wanted.but || !project.is_among(example, wanted.among)? {
                continue;
            }
            // What the vector was made of may have been hidden or changed since.
            let Some(hash) = project.text_hash(example)? else {
                continue;
            };
            if file.missing(&[(example, hash)])?.is_empty() {
                rows.push(row(project, example, nearness)?);
            }
        }
        if rows.len() == wanted.limit || all {
            return Ok(Nearby { rows });
        }
        asked *= 4;
    }
}

/// A row as it is shown.
pub(super) fn row(project: &Project, example: u32, nearness: f32) -> Result<NearbyRow> {
    let detail = project.example(example)?;
    Ok(NearbyRow {
        example,
        text: detail.text.chars().take(SHOWN).collect(),
        labels: detail.labels,
        nearness: f64::from(nearness),
    })
}
