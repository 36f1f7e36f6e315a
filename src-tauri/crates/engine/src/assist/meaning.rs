//! Texts by what they mean: those like another one, and those like some words.

use understudy_data::{Project, VectorFile};

use super::view::{Nearby, NearbyRow};
use super::{encoder, kept_as};
use crate::error::Result;

/// Rows that were hidden or changed since they were read are found, too, and left out: so many more are asked for.
const SPARE: usize = 64;

/// The rows that mean something like `example`, itself left out; empty while it was not read yet.
///
/// # Errors
/// Those of the database and of reading.
pub fn similar(project: &Project, example: u32, limit: usize) -> Result<Nearby> {
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
    nearest(project, &file, &vector, limit, Some(example))
}

/// The rows whose vectors are nearest to `vector`; empty while no text was read.
///
/// # Errors
/// Those of the database and of reading.
pub fn near(project: &Project, vector: &[f32], limit: usize) -> Result<Nearby> {
    match VectorFile::find(project.folder(), &kept_as(&encoder(project)?))? {
        Some(file) if file.dimensions() == vector.len() => nearest(project, &file, vector, limit, None),
        _ => Ok(Nearby { rows: Vec::new() }),
    }
}

fn nearest(
    project: &Project,
    file: &VectorFile,
    vector: &[f32],
    limit: usize,
    without: Option<u32>,
) -> Result<Nearby> {
    let mut rows = Vec::new();
    for (example, nearness) in file.nearest(vector, limit + SPARE)? {
        if rows.len() == limit {
            break;
        }
        // What the vector was made of may have been hidden or changed since.
        let Some(hash) = project.text_hash(example)?.filter(|_| Some(example) != without) else {
            continue;
        };
        if file.missing(&[(example, hash)])?.is_empty() {
            let detail = project.example(example)?;
            rows.push(NearbyRow {
                example,
                text: detail.text.chars().take(300).collect(),
                labels: detail.labels,
                nearness: f64::from(nearness),
            });
        }
    }
    Ok(Nearby { rows })
}
