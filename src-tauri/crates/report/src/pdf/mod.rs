//! The report as one PDF: a page for whoever decides, pages for the expert, an appendix for the technician.
//!
//! Nothing here interprets a text: it is shaped to glyphs and drawn, whatever it contains. Fonts are handed in, and the
//! same input with the same fonts gives the same bytes.

mod blocks;
mod content;
mod figure;
mod fonts;
mod layout;
mod tables;
mod write;

pub use fonts::{FontFace, Fonts};

use crate::{Language, ReportError, ReportInput};

/// Writes the report.
///
/// # Errors
/// [`ReportError::NoFont`] names the letters that no font has; with a font for them, ask again. Else when a figure cannot
/// be drawn or the library refuses.
pub fn pdf(input: &ReportInput, language: Language, fonts: &Fonts) -> Result<Vec<u8>, ReportError> {
    let setter = fonts::Typesetter::new(fonts);
    let laid = layout::lay_out(&content::blocks(input, language)?, &setter)?;
    setter.check()?;
    let pdf = write::write(&laid, &setter, input, language)?;
    // Header and footer were set last.
    setter.check()?;
    Ok(pdf)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        io::Read,
        sync::{Arc, LazyLock},
    };

    use fontdb::{Database, Family, Query, Weight};

    use super::*;
    use crate::{WrongAnswer, sample};

    /// The fonts that `npm start` installs.
    pub fn fonts(families: &[&str]) -> Fonts {
        static DATABASE: LazyLock<Database> = LazyLock::new(|| {
            let mut database = Database::new();
            database.load_system_fonts();
            database
        });
        let database = &*DATABASE;
        let face = |family: &str, weight: Weight| {
            let query = Query {
                families: &[Family::Name(family)],
                weight,
                ..Query::default()
            };
            let id = database
                .query(&query)
                .expect("fonts-dejavu-core and fonts-noto-cjk");
            let read = |data: &[u8], index: u32| FontFace {
                data: Arc::new(data.to_vec()),
                index,
            };
            database.with_face_data(id, read).unwrap()
        };
        let faces = |weight| families.iter().map(|family| face(family, weight)).collect();
        Fonts {
            regular: faces(Weight::NORMAL),
            bold: faces(Weight::BOLD),
        }
    }

    pub fn both(language: Language) -> Fonts {
        match language {
            Language::En => fonts(&["DejaVu Sans", "Noto Sans CJK SC"]),
            Language::Zh => fonts(&["Noto Sans CJK SC", "DejaVu Sans"]),
        }
    }

    /// Everything in the file that is packed, unpacked.
    fn unpacked(pdf: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(pdf).into_owned();
        let find = |from: usize, what: &[u8]| pdf[from..].windows(what.len()).position(|w| w == what);
        let mut at = 0;
        while let Some(start) = find(at, b"stream\n") {
            at += start + 7;
            let mut plain = Vec::new();
            // What is no deflated stream says nothing.
            let _ = flate2::read::ZlibDecoder::new(&pdf[at..]).read_to_end(&mut plain);
            text.push_str(&String::from_utf8_lossy(&plain));
        }
        text
    }

    fn pages(text: &str) -> usize {
        text.matches("/Type /Page\n")
            .count()
            .max(text.matches("/Type/Page/").count())
    }

    #[test]
    fn a_report_has_pages_embedded_fonts_and_text_that_can_be_searched() {
        for (language, input) in [
            (Language::En, sample::contracts()),
            (Language::Zh, sample::consultations()),
            // A Chinese project read in English, and the other way round.
            (Language::En, sample::consultations()),
            (Language::Zh, sample::contracts()),
        ] {
            let pdf = pdf(&input, language, &both(language)).unwrap();
            assert!(
                pdf.starts_with(b"%PDF-") && pdf.len() < 1_000_000,
                "{}",
                pdf.len()
            );
            let text = unpacked(&pdf);
            assert!(pages(&text) >= 3, "{}", pages(&text));
            assert!(text.contains("/FontFile") && text.contains("/StructTreeRoot"));
            // The code points of glyphs, as the font says them to who copies or searches.
            let first = format!("<{:04X}>", input.project.chars().next().unwrap() as u32);
            assert!(text.contains("beginbfchar") && text.contains(&first), "{first}");
        }
    }

    #[test]
    fn the_same_run_gives_the_same_bytes() {
        let write = || pdf(&sample::consultations(), Language::Zh, &both(Language::Zh)).unwrap();
        assert!(write() == write());
    }

    #[test]
    fn letters_without_a_font_are_named_and_never_boxes() {
        let latin = fonts(&["DejaVu Sans"]);
        let Err(ReportError::NoFont { characters }) = pdf(&sample::contracts(), Language::Zh, &latin) else {
            panic!("a Chinese report without a Chinese font");
        };
        assert!(
            characters.contains('的') && !characters.contains('a'),
            "{characters}"
        );
        let nothing = Fonts::default();
        assert!(matches!(
            pdf(&sample::contracts(), Language::En, &nothing),
            Err(ReportError::NoFont { .. })
        ));
        let no_font = FontFace {
            data: Arc::new(b"no font".to_vec()),
            index: 3,
        };
        assert_eq!(no_font.covered("a"), 0);
    }

    #[test]
    fn nothing_a_user_typed_breaks_the_file() {
        let evil = "endstream endobj (\\) >> <</JS(app.alert(1))>> \u{0} \u{202e}\u{1f600} 合同\n".repeat(30);
        let mut input = sample::contracts();
        input.project = evil.clone();
        input.author = Some(evil.clone());
        input.labels[0] = evil.clone();
        input.notes = vec![evil.clone()];
        input.settings[0].value = evil.clone();
        input.data_hashes[0].file = "x".repeat(5_000);
        input.wrong = vec![
            WrongAnswer {
                text: evil.clone(),
                gold: vec![evil.clone()],
                predicted: vec![evil.clone()],
                confidence: 0.9,
            };
            3
        ];
        if let Some(test) = &mut input.test {
            test.classes[0].label = evil.clone();
            test.majority_label = evil;
        }
        let pdf = pdf(&input, Language::En, &both(Language::En)).unwrap();
        let text = unpacked(&pdf);
        assert!(pages(&text) >= 3);
        // A title is a string of its own; nothing in it is an object.
        assert!(!text.contains("/S /JavaScript") && !text.contains("/OpenAction"));
    }

    #[test]
    fn everything_drawn_lies_between_the_margins() {
        for (name, input) in sample::all() {
            for language in [Language::En, Language::Zh] {
                let fonts = both(language);
                let setter = fonts::Typesetter::new(&fonts);
                let laid = layout::lay_out(&content::blocks(&input, language).unwrap(), &setter).unwrap();
                setter.check().unwrap();
                assert!(laid.pages.iter().all(|page| !page.is_empty()), "{name}");
                for mark in laid.pages.iter().flatten().flat_map(|piece| &piece.marks) {
                    let layout::Mark::Text {
                        at,
                        line,
                        size,
                        upwards: false,
                        ..
                    } = mark
                    else {
                        continue;
                    };
                    let right = at.0 + line.width * size;
                    assert!(
                        at.0 >= layout::LEFT - 1.0 && right <= layout::RIGHT + 1.0,
                        "{name}: {}",
                        line.text
                    );
                    assert!(
                        at.1 > 0.0 && at.1 < layout::PAGE.1 - 40.0,
                        "{name}: {}",
                        line.text
                    );
                }
            }
        }
    }
}
