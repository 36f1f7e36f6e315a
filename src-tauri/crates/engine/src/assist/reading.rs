//! Reading a project's texts with a pretrained encoder, once: a job that can be stopped and goes on where it was.

use std::time::Instant;

use understudy_data::{Project, VectorFile};
use understudy_train::{Control, Embedder};

use super::{encoder, kept_as};
use crate::error::Result;
use crate::job::{Phase, Progress};
use crate::models;

/// Rows looked at together.
const WINDOW: u32 = 8_192;
/// Texts read together: news come as often.
const CHUNK: usize = 256;
/// Characters of a text that are read; more do not fit the encoder anyway.
const CHARACTERS: usize = 8_000;

/// Reads every visible text that was not read yet, or was changed since. Returns how many were read.
///
/// # Errors
/// Those of the model, of reading and of writing.
pub fn read_texts(project: &Project, control: &Control, report: &mut dyn FnMut(Progress)) -> Result<u32> {
    let encoder = encoder(project)?;
    let total = project.visible_texts()?;
    let mut reader: Option<(Embedder, VectorFile)> = None;
    let (mut seen, mut read) = (0_u32, 0_u32);
    let mut after = 0;
    let began = Instant::now();
    loop {
        control.check()?;
        let rows = project.text_hashes(after, WINDOW)?;
        let Some((last, _)) = rows.last() else {
            break;
        };
        after = *last;
        let missing = match VectorFile::find(project.folder(), &kept_as(&encoder))? {
            Some(file) => file.missing(&rows)?,
            None => (0..rows.len()).collect(),
        };
        seen += (rows.len() - missing.len()) as u32;
        // Texts of one length together: a batch costs as much as its tokens.
        for chunk in missing.chunks(CHUNK) {
            control.check()?;
            let chunk: Vec<_> = chunk.iter().map(|place| rows[*place]).collect();
            let examples: Vec<u32> = chunk.iter().map(|(example, _)| *example).collect();
            let texts = project.texts_of(&examples, CHARACTERS)?;
            let embedder = match &reader {
                Some((embedder, _)) => embedder,
                None => &reader.insert(start(project, &encoder)?).0,
            };
            let vectors = embedder.embed(&texts, control)?;
            if let Some((_, file)) = &reader {
                file.put(&chunk, &vectors)?;
            }
            seen += chunk.len() as u32;
            read += chunk.len() as u32;
            let rate = f64::from(read) / began.elapsed().as_secs_f64().max(1e-3);
            report(Progress {
                rate: Some(rate),
                seconds_left: Some(f64::from(total.saturating_sub(seen)) / rate.max(1e-3)),
                ..Progress::new(Phase::Read, f64::from(seen), f64::from(total))
            });
        }
    }
    report(Progress::new(Phase::Read, f64::from(total), f64::from(total)));
    Ok(read)
}

/// The encoder, and the file that its vectors go to.
fn start(project: &Project, encoder: &str) -> Result<(Embedder, VectorFile)> {
    let embedder = Embedder::load(&models::base_folder(encoder)?)?;
    let file = VectorFile::open(project.folder(), &kept_as(encoder), embedder.dimensions())?;
    Ok((embedder, file))
}
