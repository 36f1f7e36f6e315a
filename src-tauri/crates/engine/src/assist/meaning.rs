//! Texts by what they mean: those like another one, and those like some words.

use understudy_assist::Vectors;
use understudy_data::{Among, Project, VectorFile};

use super::view::{Nearby, NearbyRow};
use super::{encoder, kept_as};
use crate::error::Result;

/// Rows that are not wanted (hidden or changed since they were read, or labelled) are found, too, and left out: so many more
/// are asked for, and then four times as many, until there are enough.
const SPARE: usize = 64;
/// Nobody looks for more.
const MOST_ASKED: usize = 100_000;
/// Rows of one label that are all looked at: what is rare is not among the nearest of all.
const MOST_OF_LABEL: u32 = 50_000;

/// The rows that mean something like `example`, itself left out; `None` while it was not read yet.
///
/// # Errors
/// Those of the database and of reading.
pub fn similar(project: &Project, example: u32, among: Among, limit: usize) -> Result<Option<Nearby>> {
    let file = VectorFile::find(project.folder(), &kept_as(&encoder(project)?))?;
    let (Some(file), Some(hash)) = (file, project.text_hash(example)?) else {
        return Ok(None);
    };
    let (found, vector) = file.get(&[(example, hash)])?;
    if found.is_empty() {
        return Ok(None);
    }
    let wanted = Wanted {
        limit,
        among,
        but: Some(example),
    };
    nearest(project, &file, &vector, &wanted).map(Some)
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
    if let Among::Label { .. } = wanted.among {
        return nearest_of_label(project, file, vector, wanted);
    }
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

/// As [`nearest`], where few of all rows are wanted: each of them is looked at, none of the others.
fn nearest_of_label(project: &Project, file: &VectorFile, vector: &[f32], wanted: &Wanted) -> Result<Nearby> {
    let (_, rows) = project.rows_among(wanted.among, MOST_OF_LABEL)?;
    let (found, vectors) = file.get(&rows)?;
    let cosines = Vectors::new(&vectors, file.dimensions()).cosines(Vectors::new(vector, vector.len()));
    let mut near: Vec<(u32, f32)> = found.iter().map(|place| rows[*place].0).zip(cosines).collect();
    near.retain(|(example, _)| Some(*example) != wanted.but);
    near.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    near.truncate(wanted.limit);
    let rows = near
        .into_iter()
        .map(|(example, nearness)| row(project, example, nearness));
    Ok(Nearby {
        rows: rows.collect::<Result<_>>()?,
    })
}

/// A row as it is shown.
pub(super) fn row(project: &Project, example: u32, nearness: f32) -> Result<NearbyRow> {
    let (text, labels) = project.head_of(example)?;
    Ok(NearbyRow {
        example,
        text,
        labels,
        nearness: f64::from(nearness),
    })
}
