//! A page of pixels to draw on: the five strokes all figures consist of.

use plotters::{
    coord::Shift,
    element::{Circle, PathElement, Rectangle},
    prelude::{DrawingArea, IntoDrawingArea, IntoFont, SVGBackend, TextStyle},
    style::{
        Color, FontTransform,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::palette::Colour;
use crate::ReportError;

/// Fonts that cover Latin and Chinese on Windows, macOS and Linux.
const FONTS: &str = "system-ui, 'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', sans-serif";

/// Size of ordinary words in pixels.
pub const SMALL: f64 = 12.0;

/// An area to draw on, in pixels from its upper left corner.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws a figure of `width` × `height` pixels and returns its SVG text.
pub fn draw(
    (width, height): (u32, u32),
    paint: impl FnOnce(&Area) -> Result<(), ReportError>,
) -> Result<String, ReportError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        paint(&area)?;
        area.present().map_err(refused)?;
    }
    Ok(svg)
}

/// The drawing library's errors carry a type per backend; a report only passes on what they say.
pub fn refused(error: impl std::fmt::Display) -> ReportError {
    ReportError::Figure {
        cause: error.to_string(),
    }
}

/// How words stand: size in pixels, colour, where the given point lies on them.
#[derive(Clone, Copy)]
pub struct Words {
    pub size: f64,
    pub colour: Colour,
    pub align: HPos,
    /// Written upwards instead of from left to right.
    pub upwards: bool,
}

impl Words {
    pub fn new(size: f64, colour: Colour, align: HPos) -> Self {
        Self {
            size,
            colour,
            align,
            upwards: false,
        }
    }

    /// The same in the terms of plotters.
    pub fn style(self) -> TextStyle<'static> {
        // The SVG backend divides every size by 1.24.
        let font = (FONTS, self.size * 1.24).into_font();
        let font = if self.upwards {
            font.transform(FontTransform::Rotate270)
        } else {
            font
        };
        font.color(&self.colour.light)
            .pos(Pos::new(self.align, VPos::Center))
    }
}

/// Words whose vertical middle is at `y`.
pub fn words(area: &Area, text: &str, at: (i32, i32), style: Words) -> Result<(), ReportError> {
    area.draw_text(text, &style.style(), at).map_err(refused)
}

pub fn filled(area: &Area, from: (i32, i32), to: (i32, i32), colour: Colour) -> Result<(), ReportError> {
    area.draw(&Rectangle::new([from, to], colour.light.filled()))
        .map_err(refused)
}

pub fn line(area: &Area, points: Vec<(i32, i32)>, colour: Colour, width: u32) -> Result<(), ReportError> {
    area.draw(&PathElement::new(points, colour.light.stroke_width(width)))
        .map_err(refused)
}

pub fn dot(area: &Area, at: (i32, i32), radius: i32, colour: Colour) -> Result<(), ReportError> {
    area.draw(&Circle::new(at, radius, colour.light.filled()))
        .map_err(refused)
}

/// About how wide a text comes out, in pixels. SVG leaves the font to the reader; a Chinese
/// character is as wide as high, others a little over half of that.
pub fn width(text: &str, size: f64) -> i32 {
    (size * text.chars().map(em).sum::<f64>()).ceil() as i32
}

fn em(c: char) -> f64 {
    if c >= '\u{2e80}' { 1.0 } else { 0.56 }
}

/// The text on one line, cut to at most `most` pixels with an ellipsis.
pub fn shortened(text: &str, size: f64, most: i32) -> String {
    // Control characters are forbidden in XML.
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if width(&text, size) <= most {
        return text;
    }
    let mut room = f64::from(most) / size - em('…');
    let kept: String = text
        .chars()
        .take_while(|&c| {
            room -= em(c);
            room >= 0.0
        })
        .collect();
    kept.trim_end().to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chinese_takes_more_room_than_english() {
        assert_eq!(shortened("不可抗力与情势变更", 10.0, 60), "不可抗力与…");
        assert_eq!(shortened("Force majeure", 10.0, 60), "Force maj…");
        assert_eq!(shortened("Short", 10.0, 60), "Short");
    }

    proptest! {
        #[test]
        fn a_shortened_text_fits_and_holds_no_control_characters(text in "\\PC*|.*", most in 20..200_i32) {
            let short = shortened(&text, 12.0, most);
            prop_assert!(width(&short, 12.0) <= most + 1);
            prop_assert!(!short.chars().any(char::is_control));
        }
    }
}
