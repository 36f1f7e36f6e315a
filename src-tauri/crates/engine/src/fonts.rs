//! Fonts for the PDF report: what this machine has, the preferred families first, others only for letters that those lack.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use fontdb::{Database, FaceInfo, Family, Query, Source, Style, Weight};
use understudy_report::{FontFace, Fonts, Language, ReportError};

/// Sans-serif families for Latin letters, as Linux, macOS and Windows name them.
const LATIN: [&str; 7] = [
    "Noto Sans",
    "Liberation Sans",
    "Arial",
    "Helvetica Neue",
    "Helvetica",
    "Segoe UI",
    "DejaVu Sans",
];

/// The same for Simplified Chinese.
const CHINESE: [&str; 11] = [
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "SimHei",
];

/// Writes something with the fonts of this machine; a font is looked for as long as letters are missing.
///
/// # Errors
/// What `write` answers; [`ReportError::NoFont`] when no font here has a letter.
pub fn with_fonts<T>(
    language: Language,
    write: impl Fn(&Fonts) -> Result<T, ReportError>,
) -> Result<T, ReportError> {
    let mut machine = Machine::new();
    let mut fonts = Fonts::default();
    let families: Vec<&str> = match language {
        Language::En => LATIN.to_vec(),
        // A Chinese font has Latin letters too, and Chinese punctuation of the right width.
        Language::Zh => [&CHINESE[..], &LATIN[..]].concat(),
    };
    let preferred = families
        .into_iter()
        .find_map(|family| machine.find(family, Weight::NORMAL).cloned());
    if let Some(face) = preferred {
        machine.add(&face, &mut fonts);
    }
    let mut last = String::new();
    loop {
        match write(&fonts) {
            Err(ReportError::NoFont { characters }) => {
                let face = machine.face_with(&characters);
                // A damaged font may say that it has what cannot be set from it.
                let Some(face) = face.filter(|_| characters != last) else {
                    return Err(ReportError::NoFont { characters });
                };
                machine.add(&face, &mut fonts);
                last = characters;
            }
            written => return written,
        }
    }
}

/// The fonts of this machine. A file is read once.
struct Machine {
    database: Database,
    read: HashMap<PathBuf, Arc<Vec<u8>>>,
}

impl Machine {
    fn new() -> Self {
        let mut database = Database::new();
        database.load_system_fonts();
        Machine {
            database,
            read: HashMap::new(),
        }
    }

    fn find(&self, family: &str, weight: Weight) -> Option<&FaceInfo> {
        let id = self.database.query(&Query {
            families: &[Family::Name(family)],
            weight,
            ..Query::default()
        })?;
        self.database.face(id)
    }

    /// Adds a face and the bold one of its family behind those that are there.
    fn add(&mut self, face: &FaceInfo, fonts: &mut Fonts) {
        fonts.regular.extend(self.face(face));
        let bold = self.find(&name(face), Weight::BOLD).cloned();
        fonts.bold.extend(bold.and_then(|bold| self.face(&bold)));
    }

    fn face(&mut self, face: &FaceInfo) -> Option<FontFace> {
        let Source::File(path) = &face.source else {
            return None;
        };
        let data = match self.read.get(path) {
            Some(data) => data.clone(),
            None => {
                let data = Arc::new(std::fs::read(path).ok()?);
                self.read.insert(path.clone(), data.clone());
                data
            }
        };
        Some(FontFace {
            data,
            index: face.index,
        })
    }

    /// The face that has most of the characters, of equals the preferred one; none where no face has any.
    fn face_with(&mut self, characters: &str) -> Option<FaceInfo> {
        let wanted = characters.chars().count();
        let mut upright: Vec<FaceInfo> = self
            .database
            .faces()
            .filter(|face| face.style == Style::Normal && (300..=500).contains(&face.weight.0))
            .cloned()
            .collect();
        let rank = |face: &FaceInfo| {
            let family = name(face);
            let preferred = CHINESE.iter().chain(&LATIN).position(|known| *known == family);
            (preferred.unwrap_or(usize::MAX), face.monospaced, family)
        };
        upright.sort_by_cached_key(rank);
        let mut best: Option<(usize, FaceInfo)> = None;
        for info in upright {
            let Some(face) = self.face(&info) else {
                continue;
            };
            let covered = face.covered(characters);
            if covered > best.as_ref().map_or(0, |(covered, _)| *covered) {
                best = Some((covered, info));
            }
            if covered == wanted {
                break;
            }
        }
        best.map(|(_, face)| face)
    }
}

fn name(face: &FaceInfo) -> String {
    face.families
        .first()
        .map(|(name, _)| name.clone())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonts_are_looked_for_until_every_letter_has_one_and_the_search_ends() {
        let asked = std::cell::Cell::new(0);
        let missing = |fonts: &Fonts| -> Result<(), ReportError> {
            asked.set(asked.get() + 1);
            match fonts.regular.iter().any(|face| face.covered("合同") == 2) {
                true => Ok(()),
                false => Err(ReportError::NoFont {
                    characters: "合同".into(),
                }),
            }
        };
        with_fonts(Language::En, missing).unwrap();
        assert!(asked.get() <= 3);
        let never = |_: &Fonts| -> Result<(), ReportError> {
            // Nobody draws a private character.
            Err(ReportError::NoFont {
                characters: "\u{10fffd}".into(),
            })
        };
        assert!(matches!(
            with_fonts(Language::Zh, never),
            Err(ReportError::NoFont { .. })
        ));
    }
}
