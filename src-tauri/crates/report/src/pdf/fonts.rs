//! Text as shaped glyphs: which face has a character, how wide a text comes out, where a line may end.

use std::{cell::RefCell, collections::BTreeSet, ops::Range, sync::Arc};

use krilla::text::{Font, GlyphId, KrillaGlyph};
use unicode_linebreak::{BreakOpportunity, linebreaks};

use crate::ReportError;

/// A face of a font file.
#[derive(Debug, Clone)]
pub struct FontFace {
    /// The whole file.
    pub data: Arc<Vec<u8>>,
    /// Which face of a collection; 0 in a file of one.
    pub index: u32,
}

impl FontFace {
    /// How many of the characters the face has.
    pub fn covered(&self, characters: &str) -> usize {
        let face = rustybuzz::Face::from_slice(&self.data, self.index);
        face.map_or(0, |face| {
            characters
                .chars()
                .filter(|&c| face.glyph_index(c).is_some())
                .count()
        })
    }
}

/// The faces to set a report in, the preferred first: a character is set in the first that has it. The report embeds only
/// the glyphs that it uses.
#[derive(Debug, Clone, Default)]
pub struct Fonts {
    /// Faces for the text.
    pub regular: Vec<FontFace>,
    /// Faces for headings; a character that none of them has is set in a regular one.
    pub bold: Vec<FontFace>,
}

/// Whether a text is set in the heavier faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

/// A line of text, measured in ems.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pub text: String,
    pub runs: Vec<Run>,
    pub width: f32,
}

/// Neighbouring glyphs of one face.
#[derive(Debug, Clone)]
pub struct Run {
    pub font: Font,
    pub glyphs: Vec<KrillaGlyph>,
    pub width: f32,
}

struct Face<'a> {
    shaper: rustybuzz::Face<'a>,
    font: Font,
}

/// Shapes and breaks texts; remembers letters that no face has.
pub struct Typesetter<'a> {
    faces: Vec<Face<'a>>,
    regular: Vec<usize>,
    bold: Vec<usize>,
    missing: RefCell<BTreeSet<char>>,
}

impl<'a> Typesetter<'a> {
    /// Opens the faces; one that cannot be read is left out.
    pub fn new(fonts: &'a Fonts) -> Self {
        let mut faces = Vec::new();
        let mut open = |found: &'a [FontFace]| -> Vec<usize> {
            let opened = found.iter().filter_map(|face| {
                let shaper = rustybuzz::Face::from_slice(&face.data, face.index)?;
                let font = Font::new(face.data.clone().into(), face.index)?;
                faces.push(Face { shaper, font });
                Some(faces.len() - 1)
            });
            opened.collect()
        };
        let regular = open(&fonts.regular);
        let mut bold = open(&fonts.bold);
        bold.extend(&regular);
        Typesetter {
            faces,
            regular,
            bold,
            missing: RefCell::default(),
        }
    }

    /// Nothing when every letter found a face.
    pub fn check(&self) -> Result<(), ReportError> {
        let missing = self.missing.borrow();
        if missing.is_empty() {
            return Ok(());
        }
        Err(ReportError::NoFont {
            characters: missing.iter().collect(),
        })
    }

    fn face_of(&self, c: char, weight: Weight) -> Option<usize> {
        let order = match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        };
        let mut faces = order.iter().copied();
        faces.find(|&face| self.faces[face].shaper.glyph_index(c).is_some())
    }

    /// The text as it can be set: white space is one space, what cannot be seen is left out, and a sign that is no
    /// letter and that no face has stands as its code point. A letter without a face is remembered.
    pub fn settable(&self, text: &str, weight: Weight) -> String {
        let mut settable = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_whitespace() || c.is_control() {
                if !settable.ends_with(' ') {
                    settable.push(' ');
                }
            } else if is_invisible(c) {
            } else if self.face_of(c, weight).is_some() {
                settable.push(c);
            } else if c.is_alphanumeric() {
                self.missing.borrow_mut().insert(c);
            } else {
                settable.push_str(&format!("[U+{:04X}]", c as u32));
            }
        }
        settable.trim().to_owned()
    }

    /// Shapes a settable text.
    pub fn shape(&self, text: &str, weight: Weight) -> Line {
        let mut line = Line {
            text: text.to_owned(),
            ..Line::default()
        };
        for (face, range) in self.split(text, weight) {
            let run = self.run(face, text, range);
            line.width += run.width;
            line.runs.push(run);
        }
        line
    }

    /// Shapes any text as one line.
    pub fn line(&self, text: &str, weight: Weight) -> Line {
        self.shape(&self.settable(text, weight), weight)
    }

    /// The text in one line, cut with an ellipsis to at most `most` ems.
    pub fn shortened(&self, text: &str, weight: Weight, most: f32) -> Line {
        let text = self.settable(text, weight);
        let whole = self.shape(&text, weight);
        if whole.width <= most {
            return whole;
        }
        let mut kept = text;
        while kept.pop().is_some() {
            let line = self.shape(&format!("{}…", kept.trim_end()), weight);
            if line.width <= most {
                return line;
            }
        }
        Line::default()
    }

    /// Breaks a text into lines of at most `most` ems; a word that is longer is broken between its characters.
    pub fn wrapped(&self, text: &str, weight: Weight, most: f32) -> Vec<Line> {
        let text = self.settable(text, weight);
        let mut lines = Vec::new();
        let (mut start, mut end) = (0, 0);
        for (next, opportunity) in linebreaks(&text) {
            if self.width(&text[start..next], weight) > most {
                if end > start {
                    lines.push(self.shape(text[start..end].trim_end(), weight));
                    start = end;
                }
                while self.width(&text[start..next], weight) > most {
                    let fitting = self.fitting(&text[start..next], weight, most);
                    lines.push(self.shape(&text[start..start + fitting], weight));
                    start += fitting;
                }
            }
            end = next;
            if opportunity == BreakOpportunity::Mandatory && start < end {
                lines.push(self.shape(text[start..end].trim_end(), weight));
                start = end;
            }
        }
        lines
    }

    /// Width of the widest piece that cannot be broken, in ems.
    pub fn widest_piece(&self, text: &str, weight: Weight) -> f32 {
        let text = self.settable(text, weight);
        let mut start = 0;
        let mut widest = 0.0_f32;
        for (end, _) in linebreaks(&text) {
            widest = widest.max(self.width(&text[start..end], weight));
            start = end;
        }
        widest
    }

    fn width(&self, text: &str, weight: Weight) -> f32 {
        self.shape(text.trim_end(), weight).width
    }

    /// Bytes of the longest beginning that fits, at least one character.
    fn fitting(&self, text: &str, weight: Weight, most: f32) -> usize {
        let mut fitting = text.chars().next().map_or(0, char::len_utf8);
        let mut width = 0.0;
        for (at, c) in text.char_indices() {
            width += self.width(&text[at..at + c.len_utf8()], weight);
            if width > most {
                break;
            }
            fitting = fitting.max(at + c.len_utf8());
        }
        fitting
    }

    /// The pieces of one face; what stands between letters stays with the face before where that has it.
    fn split(&self, text: &str, weight: Weight) -> Vec<(usize, Range<usize>)> {
        let mut pieces: Vec<(usize, Range<usize>)> = Vec::new();
        for (at, c) in text.char_indices() {
            let end = at + c.len_utf8();
            let Some(face) = self.face_of(c, weight) else {
                continue;
            };
            match pieces.last_mut() {
                Some((last, range)) if *last == face || (c == ' ' && self.has(*last, c)) => range.end = end,
                _ => pieces.push((face, at..end)),
            }
        }
        pieces
    }

    fn has(&self, face: usize, c: char) -> bool {
        self.faces[face].shaper.glyph_index(c).is_some()
    }

    fn run(&self, face: usize, text: &str, range: Range<usize>) -> Run {
        let Face { shaper, font } = &self.faces[face];
        let mut buffer = rustybuzz::UnicodeBuffer::new();
        buffer.push_str(&text[range.clone()]);
        buffer.guess_segment_properties();
        let shaped = rustybuzz::shape(shaper, &[], buffer);
        let em = shaper.units_per_em() as f32;
        let clusters = clusters(shaped.glyph_infos(), range.len());
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions());
        let glyphs: Vec<KrillaGlyph> = glyphs
            .zip(clusters)
            .map(|((info, position), cluster)| {
                KrillaGlyph::new(
                    GlyphId::new(info.glyph_id),
                    position.x_advance as f32 / em,
                    position.x_offset as f32 / em,
                    position.y_offset as f32 / em,
                    position.y_advance as f32 / em,
                    range.start + cluster.start..range.start + cluster.end,
                    None,
                )
            })
            .collect();
        Run {
            font: font.clone(),
            width: glyphs.iter().map(|glyph| glyph.x_advance).sum(),
            glyphs,
        }
    }
}

/// The piece of text that each glyph stands for: from its cluster to the next one.
fn clusters(infos: &[rustybuzz::GlyphInfo], length: usize) -> Vec<Range<usize>> {
    let mut starts: Vec<usize> = infos.iter().map(|info| info.cluster as usize).collect();
    starts.sort_unstable();
    starts.dedup();
    let end = |start: usize| {
        let next = starts.partition_point(|&other| other <= start);
        starts.get(next).copied().unwrap_or(length)
    };
    let ranges = infos
        .iter()
        .map(|info| info.cluster as usize..end(info.cluster as usize));
    ranges.collect()
}

/// Marks that only steer the setting of others: joiners, directions, variation selectors.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e01ef}')
}
