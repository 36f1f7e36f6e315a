//! A figure's SVG as marks. It reads what `figures` draws (rectangles, lines, circles and words), nothing else.

use plotters::style::RGBColor;
use roxmltree::{Document, Node};

use super::{
    fonts::{Typesetter, Weight},
    layout::Mark,
};
use crate::ReportError;

/// Height of a small letter in ems; words stand with its middle at their `y`.
const HALF_X_HEIGHT: f32 = 0.26;

/// A figure's marks in its own pixels.
pub struct Drawing {
    pub size: (f32, f32),
    marks: Vec<Mark>,
}

/// Reads a figure.
///
/// # Errors
/// When it is no SVG.
pub fn read(svg: &str, setter: &Typesetter) -> Result<Drawing, ReportError> {
    let refused = |cause: String| ReportError::Figure { cause };
    let document = Document::parse(svg).map_err(|error| refused(error.to_string()))?;
    let root = document.root_element();
    let size = (number(root, "width"), number(root, "height"));
    if !(size.0 > 0.0 && size.1 > 0.0) {
        return Err(refused("the figure has no size".to_owned()));
    }
    let marks = root.children().filter_map(|node| mark(node, setter)).collect();
    Ok(Drawing { size, marks })
}

impl Drawing {
    /// The marks on a page, the upper left corner at `origin`.
    pub fn placed(self, origin: (f32, f32), scale: f32) -> Vec<Mark> {
        let point = |(x, y): (f32, f32)| (origin.0 + x * scale, origin.1 + y * scale);
        let place = |mark: Mark| match mark {
            Mark::Text {
                at,
                size,
                colour,
                line,
                upwards,
            } => Mark::Text {
                at: point(at),
                size: size * scale,
                colour,
                line,
                upwards,
            },
            Mark::Stroke {
                points,
                width,
                colour,
            } => Mark::Stroke {
                points: points.into_iter().map(point).collect(),
                width: width * scale,
                colour,
            },
            Mark::Box { from, size, colour } => Mark::Box {
                from: point(from),
                size: (size.0 * scale, size.1 * scale),
                colour,
            },
            Mark::Disc {
                centre,
                radius,
                colour,
            } => Mark::Disc {
                centre: point(centre),
                radius: radius * scale,
                colour,
            },
        };
        self.marks.into_iter().map(place).collect()
    }
}

fn mark(node: Node, setter: &Typesetter) -> Option<Mark> {
    let at = |x: &str, y: &str| (number(node, x), number(node, y));
    let filled = colour(node, "fill");
    match node.tag_name().name() {
        "rect" => Some(Mark::Box {
            from: at("x", "y"),
            size: at("width", "height"),
            colour: filled?,
        }),
        "circle" => Some(Mark::Disc {
            centre: at("cx", "cy"),
            radius: number(node, "r"),
            colour: filled?,
        }),
        "line" => Some(Mark::Stroke {
            points: vec![at("x1", "y1"), at("x2", "y2")],
            width: number(node, "stroke-width"),
            colour: colour(node, "stroke")?,
        }),
        "polyline" => Some(Mark::Stroke {
            points: points(node.attribute("points")?),
            width: number(node, "stroke-width"),
            colour: colour(node, "stroke")?,
        }),
        "text" => words(node, setter),
        _ => None,
    }
}

fn words(node: Node, setter: &Typesetter) -> Option<Mark> {
    let line = setter.line(node.text()?, Weight::Regular);
    let size = number(node, "font-size");
    let back = match node.attribute("text-anchor") {
        Some("middle") => line.width * size / 2.0,
        Some("end") => line.width * size,
        _ => 0.0,
    };
    let (x, y) = (number(node, "x"), number(node, "y"));
    let upwards = node
        .attribute("transform")
        .is_some_and(|how| how.starts_with("rotate(270"));
    let at = if upwards {
        (x + HALF_X_HEIGHT * size, y + back)
    } else {
        (x - back, y + HALF_X_HEIGHT * size)
    };
    Some(Mark::Text {
        at,
        size,
        colour: colour(node, "fill")?,
        line,
        upwards,
    })
}

fn number(node: Node, name: &str) -> f32 {
    let number = node.attribute(name).and_then(|text| text.parse().ok());
    number.filter(|number: &f32| number.is_finite()).unwrap_or(0.0)
}

/// "#rrggbb"; nothing for "none".
fn colour(node: Node, name: &str) -> Option<RGBColor> {
    let digits = node.attribute(name)?.strip_prefix('#')?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = value.to_be_bytes();
    Some(RGBColor(red, green, blue))
}

/// "x,y x,y …"
fn points(text: &str) -> Vec<(f32, f32)> {
    let pairs = text.split_whitespace().filter_map(|pair| pair.split_once(','));
    pairs
        .filter_map(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?)))
        .collect()
}
