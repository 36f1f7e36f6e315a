//! Texts by what they mean: those like another one, and those like some words.

use understudy_data::{Project, VectorFile};

use super::view::{Nearby, NearbyRow};
use super::{encoder, kept_as};
use crate::error::Result;

/// Rows that are not wanted (hidden or changed since they were read, or labelled) are found, too, and left out: so many more
/// are asked for, and then four times as many, until there are enough.
const SPARE: usize = 64;
/// Nobody looks for more.
const MOST_ASKED: usize = 100_000;

/// The rows that mean something like `example`, itself left out, perhaps only those without a label; empty while it was not
/// read yet.
///
/// # Errors
/// Those of the database and of reading.
pub fn similar(project: &Project, example: u32, only_open: bool, limit: usize) -> Result<Nearby> {
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
    let which = match only_open {
        true => Which::Open,
        false => Which::All,
    };
    let wanted = Wanted {
        limit,
        which,
        but: Some(example),
    };
    nearest(project, &file, &vector, &wanted)
}

/// The rows whose vectors are nearest to `vector`; empty while no text was read.
///
/// # Errors
/// Those of the database and of reading.
pub fn near(project: &Project, vector: &[f32], only_open: bool, limit: usize) -> Result<Nearby> {
    match VectorFile::find(project.folder(), &kept_as(&encoder(project)?))? {
        Some(file) if file.dimensions() == vector.len() => {
            let which = match only_open {
                true => Which::Open,
                false => Which::All,
            };
            let wanted = Wanted {
                limit,
                which,
                but: None,
            };
            nearest(project, &file, vector, &wanted)
        }
        _ => Ok(Nearby { rows: Vec::new() }),
    }
}

/// The labelled rows whose vectors are nearest to `vector`; `None` while no text was read.
///
/// # Errors
/// Those of the database and of reading.
pub fn labelled(project: &Project, vector: &[f32], limit: usize) -> Result<Option<Nearby>> {
    match VectorFile::find(project.folder(), &kept_as(&encoder(project)?))? {
        Some(file) if file.dimensions() == vector.len() => {
            let wanted = Wanted {
                limit,
                which: Which::Labelled,
                but: None,
            };
            nearest(project, &file, vector, &wanted).map(Some)
        }
        _ => Ok(None),
    }
}

/// Whether labels are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    /// Those without a label.
    Open,
    /// Those with one.
    Labelled,
}

/// Which of the nearest rows.
struct Wanted {
    limit: usize,
    which: Which,
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
            if Some(example) == wanted.but
                || (wanted.which == Which::Open && !project.is_unlabelled(example)?)
                || (wanted.which == Which::Labelled && project.is_unlabelled(example)?)
            {
                continue;
            }
            // What the vector was made of may have been hidden or changed since.
            let Some(hash) = project.text_hash(example)? else {
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
        if rows.len() == wanted.limit || all {
            return Ok(Nearby { rows });
        }
        asked *= 4;
    }
}
