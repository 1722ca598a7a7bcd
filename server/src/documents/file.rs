//! The PDF itself: pages drawn, their structure tagged, and what the file says of itself.

use super::DocumentError;
use super::sheet::{Ink, PAGE, Page, Pages, Part, Place, Role};
use super::text::{Colour, Faces};
use chrono::{Datelike, Timelike};
use domain::Timestamp;
use krilla::Document;
use krilla::SerializeSettings;
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{Path, PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata, PageLayout, TextDirection};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, BBox, ContentTag, Identifier, Node, SpanTag, TableHeaderScope, Tag, TagGroup, TagKind,
    TagTree,
};
use std::num::NonZeroU16;

/// The language of everything but names.
const LANGUAGE: &str = "en";

/// Between the lines of a hatching, across, in points.
const HATCH: f32 = 5.0;

/// What the file says of itself.
#[derive(Debug)]
pub struct About {
    pub title: String,
    pub subject: String,
}

/// Writes the pages down.
///
/// # Errors
/// [`DocumentError::Pdf`], if they cannot be.
pub fn write(pages: Pages, faces: &Faces, about: &About, made_at: Timestamp) -> Result<Vec<u8>, DocumentError> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| DocumentError::Pdf(format!("{error:?}")))?;
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    let mut drawn = vec![Vec::new(); pages.parts.len()];
    for page in &pages.pages {
        let settings =
            PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| DocumentError::Pdf("a page of no size".to_owned()))?;
        let mut sheet = document.start_page_with(settings);
        let mut surface = sheet.surface();
        draw(&mut surface, page, faces, &mut drawn);
        surface.finish();
        sheet.finish();
    }
    let mut outline = Outline::new();
    for (title, page, y) in pages.outline {
        outline.push_child(OutlineNode::new(title, XyzDestination::new(page, Point::from_xy(0.0, y))));
    }
    document.set_outline(outline);
    let mut tree = TagTree::new().with_lang(Some(LANGUAGE.to_owned()));
    for node in nodes(&pages.parts, &mut drawn, 0) {
        tree.push(node);
    }
    document.set_tag_tree(tree);
    document.set_metadata(metadata(about, made_at));
    document.finish().map_err(|error| DocumentError::Pdf(format!("{error}: {error:?}")))
}

/// Draws a page, and notes of each drawing to which part it belongs.
fn draw(surface: &mut Surface<'_>, page: &Page, faces: &Faces, drawn: &mut [Vec<Identifier>]) {
    for (place, ink) in page {
        let artifact = |kind| ContentTag::Artifact(Artifact::with_kind(kind));
        let tag = match (place, ink) {
            (Place::Head, _) => artifact(ArtifactType::Header),
            (Place::Foot, _) => artifact(ArtifactType::Footer),
            (Place::Ornament, _) => artifact(ArtifactType::Layout),
            (Place::Part(_), Ink::Box { .. } | Ink::Hatched { .. }) => ContentTag::Other,
            (Place::Part(_), Ink::Text { .. }) => ContentTag::Span(SpanTag::empty()),
        };
        let identifier = surface.start_tagged(tag);
        match ink {
            Ink::Text { x, y, line } => {
                surface.set_fill(Some(fill(line.style.colour)));
                for run in &line.runs {
                    let start = Point::from_xy(x + run.x, *y);
                    surface.draw_glyphs(start, &run.glyphs, faces.font(run), &run.text, line.style.size, false);
                }
            }
            Ink::Box { x, y, width, height, colour } => {
                if let Some(path) = rectangle(*x, *y, *width, *height) {
                    surface.set_fill(Some(fill(*colour)));
                    surface.draw_path(&path);
                }
            }
            Ink::Hatched { x, y, width, height, colour } => {
                if let Some(path) = hatching(*x, *y, *width, *height) {
                    surface.set_fill(None);
                    surface.set_stroke(Some(stroke(*colour)));
                    surface.draw_path(&path);
                    surface.set_stroke(None);
                }
            }
        }
        surface.end_tagged();
        if let Place::Part(part) = place {
            drawn[*part].push(identifier);
        }
    }
}

fn fill([red, green, blue]: Colour) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), opacity: NormalizedF32::ONE, ..Fill::default() }
}

fn stroke([red, green, blue]: Colour) -> Stroke {
    Stroke { paint: rgb::Color::new(red, green, blue).into(), width: 0.6, ..Stroke::default() }
}

/// The outline of a box and lines from its lower left to its upper right.
fn hatching(x: f32, y: f32, width: f32, height: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(Rect::from_xywh(x, y, width, height)?);
    let mut at = HATCH;
    while at < width + height {
        path.move_to(x + (at - height).max(0.0), y + at.min(height));
        path.line_to(x + at.min(width), y + (at - width).max(0.0));
        at += HATCH;
    }
    path.finish()
}

fn rectangle(x: f32, y: f32, width: f32, height: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(Rect::from_xywh(x, y, width, height)?);
    path.finish()
}

/// What is within a part, as the PDF has it.
fn nodes(parts: &[Part], drawn: &mut [Vec<Identifier>], index: usize) -> Vec<Node> {
    let mut within: Vec<Node> = drawn[index].drain(..).map(Node::from).collect();
    for part in &parts[index].parts {
        let children = nodes(parts, drawn, *part);
        within.push(TagGroup::with_children(kind(&parts[*part].role), children).into());
    }
    within
}

fn kind(role: &Role) -> TagKind {
    match role {
        Role::Root | Role::Paragraph => Tag::P.into(),
        Role::Heading(level, text) => {
            Tag::Hn(NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN), Some(text.clone())).into()
        }
        Role::Table => Tag::Table.into(),
        Role::Row => Tag::TR.into(),
        Role::ColumnHead => Tag::TH(TableHeaderScope::Column).into(),
        Role::RowHead => Tag::TH(TableHeaderScope::Row).into(),
        Role::Cell => Tag::TD.into(),
        Role::Figure(words, page, [left, top, right, bottom]) => {
            let bounds = Rect::from_ltrb(*left, *top, *right, *bottom).map(|bounds| BBox::new(*page, bounds));
            Tag::Figure(Some(words.clone())).with_bbox(bounds).into()
        }
    }
}

fn metadata(about: &About, made_at: Timestamp) -> Metadata {
    let at = made_at.utc();
    let small = |number: u32| u8::try_from(number).unwrap_or(0);
    let date = DateTime::new(u16::try_from(at.year()).unwrap_or(0))
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(about.title.clone())
        .description(about.subject.clone())
        .authors(vec!["Reachline".to_owned()])
        .creator("Reachline".to_owned())
        .language(LANGUAGE.to_owned())
        .text_direction(TextDirection::LeftToRight)
        .page_layout(PageLayout::SinglePage)
        .creation_date(date)
}
