//! Laid-out pages as a PDF: marks drawn, a header and a footer on each page, the document's structure for readers aloud,
//! and headings as bookmarks.

use std::num::NonZeroU16;

use krilla::{
    Document, SerializeSettings,
    color::rgb,
    destination::XyzDestination,
    geom::{PathBuilder, Point, Rect, Transform},
    metadata::{DateTime, Metadata},
    outline::{Outline, OutlineNode},
    page::PageSettings,
    paint::{Fill, LineCap, LineJoin, Stroke},
    surface::Surface,
    tagging::{
        Artifact, ArtifactType, ContentTag, Identifier, Node, TableHeaderScope, Tag, TagGroup, TagKind,
        TagTree,
    },
};
use plotters::style::RGBColor;

use super::{
    fonts::{Line, Typesetter, Weight},
    layout::{Element, Entry, Kind, LEFT, Laid, Mark, PAGE, RIGHT, SMALL, WIDTH, rule, text_mark},
};
use crate::{Catalogue, Language, ReportError, ReportInput, figures::palette::MUTED};

/// Where the header and the footer stand.
const HEADER: f32 = 40.0;
const FOOTER: f32 = PAGE.1 - 34.0;
/// A quarter of a circle as a curve: how far its handles reach.
const ROUND: f32 = 0.552_284_8;

/// Writes the document.
///
/// # Errors
/// When the PDF library refuses.
pub fn write(
    laid: &Laid,
    setter: &Typesetter,
    input: &ReportInput,
    language: Language,
) -> Result<Vec<u8>, ReportError> {
    let texts = Catalogue::report(language);
    let mut document = Document::new_with(SerializeSettings::default());
    let mut found: Vec<Vec<Identifier>> = vec![Vec::new(); laid.elements.len()];
    let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| refused("no page size"))?;
    let count = laid.pages.len().to_string();
    for (at, pieces) in laid.pages.iter().enumerate() {
        let mut page = document.start_page_with(settings.clone());
        let mut surface = page.surface();
        let number = texts.text("pdf.page", &[("page", &(at + 1).to_string()), ("pages", &count)]);
        let title = texts.text("report.title", &[]);
        around(&mut surface, setter, &input.project, &title, &number, at > 0);
        for piece in pieces {
            let tag = match piece.element {
                Some(_) => ContentTag::Other,
                None => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
            };
            let identifier = surface.start_tagged(tag);
            piece.marks.iter().for_each(|mark| draw(&mut surface, mark));
            surface.end_tagged();
            if let Some(element) = piece.element {
                found[element].push(identifier);
            }
        }
        surface.finish();
        page.finish();
    }
    document.set_outline(outline(&laid.entries));
    document.set_tag_tree(tree(&laid.elements, found, language));
    document.set_metadata(metadata(input, texts, language));
    document.finish().map_err(|error| refused(&format!("{error:?}")))
}

fn refused(cause: &str) -> ReportError {
    ReportError::Pdf {
        cause: cause.to_owned(),
    }
}

/// The header, which the first page does without, and the footer.
fn around(
    surface: &mut Surface,
    setter: &Typesetter,
    project: &str,
    title: &str,
    number: &str,
    header: bool,
) {
    let line = |text: &str| setter.line(text, Weight::Regular);
    let right =
        |line: Line, y: f32| text_mark(line.clone(), (RIGHT - line.width * SMALL, y), SMALL, MUTED.light);
    let kind = ContentTag::Artifact(Artifact::with_kind(ArtifactType::PaginationOther));
    surface.start_tagged(kind);
    draw(surface, &right(line(number), FOOTER));
    if header {
        let title = line(title);
        let most = WIDTH / SMALL - title.width - 2.0;
        let name = setter.shortened(project, Weight::Regular, most);
        draw(surface, &text_mark(name, (LEFT, HEADER), SMALL, MUTED.light));
        draw(surface, &right(title, HEADER));
        draw(surface, &rule(HEADER + 7.0));
    }
    surface.end_tagged();
}

fn draw(surface: &mut Surface, mark: &Mark) {
    match mark {
        Mark::Text {
            at,
            size,
            colour,
            line,
            upwards,
        } => {
            paint(surface, *colour);
            if *upwards {
                surface.push_transform(&Transform::from_rotate_at(-90.0, at.0, at.1));
            }
            let mut x = at.0;
            for run in &line.runs {
                let from = Point::from_xy(x, at.1);
                surface.draw_glyphs(from, &run.glyphs, run.font.clone(), &line.text, *size, false);
                x += run.width * size;
            }
            if *upwards {
                surface.pop();
            }
        }
        Mark::Stroke {
            points,
            width,
            colour,
        } => stroke(surface, points, *width, *colour),
        Mark::Box { from, size, colour } => {
            let mut path = PathBuilder::new();
            if let Some(rect) = Rect::from_xywh(from.0, from.1, size.0, size.1) {
                path.push_rect(rect);
            }
            fill(surface, path, *colour);
        }
        Mark::Disc {
            centre,
            radius,
            colour,
        } => fill(surface, circle(*centre, *radius), *colour),
    }
}

fn paint(surface: &mut Surface, colour: RGBColor) {
    surface.set_stroke(None);
    surface.set_fill(Some(Fill {
        paint: rgb::Color::new(colour.0, colour.1, colour.2).into(),
        ..Fill::default()
    }));
}

fn fill(surface: &mut Surface, path: PathBuilder, colour: RGBColor) {
    paint(surface, colour);
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

fn stroke(surface: &mut Surface, points: &[(f32, f32)], width: f32, colour: RGBColor) {
    let mut path = PathBuilder::new();
    let Some((first, others)) = points.split_first() else {
        return;
    };
    path.move_to(first.0, first.1);
    others.iter().for_each(|point| path.line_to(point.0, point.1));
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke {
        paint: rgb::Color::new(colour.0, colour.1, colour.2).into(),
        width,
        line_cap: LineCap::Butt,
        line_join: LineJoin::Round,
        ..Stroke::default()
    }));
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

fn circle((x, y): (f32, f32), r: f32) -> PathBuilder {
    let mut path = PathBuilder::new();
    let k = r * ROUND;
    path.move_to(x + r, y);
    path.cubic_to(x + r, y + k, x + k, y + r, x, y + r);
    path.cubic_to(x - k, y + r, x - r, y + k, x - r, y);
    path.cubic_to(x - r, y - k, x - k, y - r, x, y - r);
    path.cubic_to(x + k, y - r, x + r, y - k, x + r, y);
    path.close();
    path
}

/// Sections below the title, their parts below them.
fn outline(entries: &[Entry]) -> Outline {
    let mut outline = Outline::new();
    let mut section: Option<OutlineNode> = None;
    for entry in entries {
        let place = XyzDestination::new(entry.page, Point::from_xy(LEFT, entry.y));
        let node = OutlineNode::new(entry.title.clone(), place);
        match (&mut section, entry.level) {
            (Some(section), 3..) => section.push_child(node),
            _ => section
                .replace(node)
                .into_iter()
                .for_each(|done| outline.push_child(done)),
        }
    }
    section.into_iter().for_each(|last| outline.push_child(last));
    outline
}

/// The elements with what was drawn of each. An element follows the one that it is part of, so that going backwards
/// every element is whole when it is handed on.
fn tree(elements: &[Element], found: Vec<Vec<Identifier>>, language: Language) -> TagTree {
    let mut parts: Vec<Vec<Node>> = found
        .into_iter()
        .map(|drawn| drawn.into_iter().rev().map(Node::from).collect())
        .collect();
    let mut roots = Vec::new();
    for (at, element) in elements.iter().enumerate().rev() {
        let mut children = std::mem::take(&mut parts[at]);
        if children.is_empty() {
            continue;
        }
        children.reverse();
        let group = Node::from(TagGroup::with_children(tag(&element.kind), children));
        match element.within {
            Some(parent) => parts[parent].push(group),
            None => roots.push(group),
        }
    }
    let mut tree = TagTree::new().with_lang(Some(language.tag().to_owned()));
    roots.into_iter().rev().for_each(|root| tree.push(root));
    tree
}

fn tag(kind: &Kind) -> TagKind {
    match kind {
        Kind::Paragraph => Tag::P.into(),
        Kind::Heading(level, title) => {
            let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
            Tag::Hn(level, Some(title.clone())).into()
        }
        Kind::List => Tag::L(krilla::tagging::ListNumbering::Disc).into(),
        Kind::ListItem => Tag::LI.into(),
        Kind::Table => Tag::Table.into(),
        Kind::Row => Tag::TR.into(),
        Kind::ColumnHeader => Tag::TH(TableHeaderScope::Column).into(),
        Kind::RowHeader => Tag::TH(TableHeaderScope::Row).into(),
        Kind::Cell => Tag::TD.into(),
        Kind::Caption => Tag::Caption.into(),
        Kind::Figure(text) => Tag::Figure(Some(text.clone())).into(),
    }
}

/// The run's time stands as the document's: the same run gives the same bytes.
fn metadata(input: &ReportInput, texts: &Catalogue, language: Language) -> Metadata {
    let program = texts.text("report.app", &[("version", &input.app_version)]);
    let mut metadata = Metadata::new()
        .title(format!("{} · {}", input.project, texts.text("report.title", &[])))
        .language(language.tag().to_owned())
        .creator(program);
    if let Some(author) = &input.author {
        metadata = metadata.authors(vec![author.clone()]);
    }
    match date(&input.created_at) {
        Some(date) => metadata.creation_date(date),
        None => metadata,
    }
}

/// Of "2026-11-23T21:02:22Z".
fn date(rfc3339: &str) -> Option<DateTime> {
    let number = |from: usize, to: usize| rfc3339.get(from..to)?.parse::<u8>().ok();
    let date = DateTime::new(rfc3339.get(0..4)?.parse().ok()?)
        .month(number(5, 7)?)
        .day(number(8, 10)?)
        .hour(number(11, 13)?)
        .minute(number(14, 16)?)
        .second(number(17, 19)?);
    let utc = rfc3339.ends_with('Z') || rfc3339.ends_with("+00:00");
    Some(if utc {
        date.utc_offset_hour(0).utc_offset_minute(0)
    } else {
        date
    })
}
