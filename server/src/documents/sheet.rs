//! Pages being filled from top to bottom, and the logical structure that goes with them: headings, paragraphs, tables.

use super::text::{Colour, Faces, Line, Style};
use super::words::clipped;

/// A4, in points.
pub const PAGE: (f32, f32) = (595.28, 841.89);
/// Where text begins and ends, from the page's left edge.
pub const LEFT: f32 = 50.0;
pub const RIGHT: f32 = PAGE.0 - 50.0;
/// The width of text.
pub const WIDTH: f32 = RIGHT - LEFT;
/// Where pages begin under their running head, from the page's upper edge; the first has none.
const TOP: f32 = 74.0;
const TOP_FIRST: f32 = 50.0;
/// Where they end, above their foot.
const BOTTOM: f32 = PAGE.1 - 76.0;

/// The colours are those of the dashboard.
pub const WHITE: Colour = [0xff, 0xff, 0xff];
pub const INK: Colour = [0x15, 0x20, 0x2b];
pub const SOFT: Colour = [0x51, 0x60, 0x6e];
pub const LINE: Colour = [0xdf, 0xe3, 0xe7];
pub const LINE_STRONG: Colour = [0x86, 0x8f, 0x99];
pub const ACCENT: Colour = [0x08, 0x4e, 0x56];
pub const BAR: Colour = [0xb9, 0xdd, 0xe0];
pub const WARNING: Colour = [0x7d, 0x4e, 0x00];
pub const WARNING_SOFT: Colour = [0xfd, 0xf1, 0xdc];

pub const BODY: Style = Style { size: 9.0, is_bold: false, colour: INK };
pub const STRONG: Style = Style { size: 9.0, is_bold: true, colour: INK };
pub const SMALL: Style = Style { size: 7.5, is_bold: false, colour: SOFT };
pub const HEADING: Style = Style { size: 13.0, is_bold: true, colour: INK };
pub const SUBHEADING: Style = Style { size: 10.5, is_bold: true, colour: INK };

/// Longest text, in characters: three times what the product lets a name be.
const TEXT_CHARS_MAX: usize = 400;

/// What a part of the document is.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    Root,
    /// Its level from 1 on, and what it says.
    Heading(u16, String),
    Paragraph,
    Table,
    Row,
    /// Of a column.
    ColumnHead,
    /// Of a row.
    RowHead,
    Cell,
    /// What it shows, in words, and where: page, left, top, right and bottom.
    Figure(String, usize, [f32; 4]),
}

/// A part of the document: either parts or drawings are within it.
#[derive(Debug)]
pub struct Part {
    pub role: Role,
    /// Indices of parts, in the order in which they are read.
    pub parts: Vec<usize>,
}

/// What a drawing belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The part of this index.
    Part(usize),
    /// A running head or a heading that is repeated.
    Head,
    Foot,
    /// Lines and boxes that say nothing.
    Ornament,
}

/// Something drawn.
#[derive(Debug)]
pub enum Ink {
    /// `x` is where the line begins, `y` its baseline.
    Text {
        x: f32,
        y: f32,
        line: Line,
    },
    Box {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        colour: Colour,
    },
    /// A box that is outlined and hatched, for what is not said.
    Hatched {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        colour: Colour,
    },
}

/// Drawings of a page.
pub type Page = Vec<(Place, Ink)>;

/// What stands at the top (but for the first page) and at the bottom of pages.
#[derive(Debug)]
pub struct Frame {
    /// At the left and at the right.
    pub head: [String; 2],
    pub foot: String,
    /// The last line.
    pub note: String,
    /// Stands out at the top of every page, such as `DRAFT`.
    pub mark: Option<&'static str>,
}

/// All pages.
#[derive(Debug)]
pub struct Pages {
    pub pages: Vec<Page>,
    /// The first is the root.
    pub parts: Vec<Part>,
    /// What the document's headings are, on which page and how far from its upper edge.
    pub outline: Vec<(String, usize, f32)>,
}

/// The pages as far as they are filled.
pub struct Sheet<'a> {
    pub faces: &'a Faces,
    /// Where the next thing goes, from the page's upper edge.
    pub y: f32,
    done: Pages,
    open: Vec<usize>,
}

impl<'a> Sheet<'a> {
    /// An empty first page.
    #[must_use]
    pub fn new(faces: &'a Faces) -> Self {
        let root = Part { role: Role::Root, parts: Vec::new() };
        let done = Pages { pages: vec![Page::new()], parts: vec![root], outline: Vec::new() };
        Self { faces, y: TOP_FIRST, done, open: vec![0] }
    }

    /// Index of the page that is being filled.
    #[must_use]
    pub fn page(&self) -> usize {
        self.done.pages.len() - 1
    }

    /// Makes sure that so much fits under what is there: if not, a page begins. Whether one did.
    pub fn room(&mut self, height: f32) -> bool {
        let is_short = self.y + height > BOTTOM;
        let is_fresh = self.y <= if self.page() == 0 { TOP_FIRST } else { TOP };
        if is_short && !is_fresh {
            self.turn();
        }
        is_short && !is_fresh
    }

    /// Begins a page.
    pub fn turn(&mut self) {
        self.done.pages.push(Page::new());
        self.y = TOP;
    }

    /// Whether the fonts have all letters of what has been drawn.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let is_whole = |ink: &Ink| !matches!(ink, Ink::Text { line, .. } if !line.is_whole);
        self.done.pages.iter().flatten().all(|(_, ink)| is_whole(ink))
    }

    /// What fits on a page that has nothing on it yet, in points.
    #[must_use]
    pub fn height() -> f32 {
        BOTTOM - TOP
    }

    /// Draws within a part of its own.
    pub fn part<T>(&mut self, role: Role, draw: impl FnOnce(&mut Self) -> T) -> T {
        let index = self.done.parts.len();
        self.done.parts.push(Part { role, parts: Vec::new() });
        let parent = self.open.last().copied().unwrap_or(0);
        self.done.parts[parent].parts.push(index);
        self.open.push(index);
        let drawn = draw(self);
        self.open.pop();
        drawn
    }

    fn place(&self) -> Place {
        Place::Part(self.open.last().copied().unwrap_or(0))
    }

    /// Draws on the page that is being filled.
    pub fn draw(&mut self, place: Place, ink: Ink) {
        if let Some(page) = self.done.pages.last_mut() {
            page.push((place, ink));
        }
    }

    /// A line of text of the open part; `y` is its baseline.
    pub fn put(&mut self, x: f32, y: f32, line: Line) {
        self.draw(self.place(), Ink::Text { x, y, line });
    }

    /// As [`Sheet::put`], ending at `right`.
    pub fn put_right(&mut self, right: f32, y: f32, line: Line) {
        self.put(right - line.width, y, line);
    }

    /// A text that fits on a line, as a part of its own.
    pub fn label(&mut self, x: f32, y: f32, text: &str, style: Style) {
        let line = self.faces.line(text, style);
        self.part(Role::Paragraph, |sheet| sheet.put(x, y, line));
    }

    /// A box of the open part.
    pub fn mark(&mut self, x: f32, y: f32, (width, height): (f32, f32), colour: Colour) {
        self.draw(self.place(), Ink::Box { x, y, width, height, colour });
    }

    /// A hatched box of the open part.
    pub fn hatch(&mut self, x: f32, y: f32, (width, height): (f32, f32), colour: Colour) {
        self.draw(self.place(), Ink::Hatched { x, y, width, height, colour });
    }

    /// A box that says nothing.
    pub fn ornament(&mut self, x: f32, y: f32, (width, height): (f32, f32), colour: Colour) {
        self.draw(Place::Ornament, Ink::Box { x, y, width, height, colour });
    }

    /// A line across the page, where the next thing goes.
    pub fn rule(&mut self, thickness: f32, colour: Colour) {
        self.ornament(LEFT, self.y, (WIDTH, thickness), colour);
    }

    /// Lines of the open part, from where the next thing goes; at the side of what else is there.
    pub fn block(&mut self, x: f32, width: f32, text: &str, style: Style) {
        self.flow(x, width, &clipped(text, TEXT_CHARS_MAX), style);
    }

    /// As [`Sheet::block`], however long the text is.
    fn flow(&mut self, x: f32, width: f32, text: &str, style: Style) {
        for line in self.faces.lines(text, style, width) {
            self.room(style.leading());
            self.y += style.size;
            self.put(x, self.y, line);
            self.y += style.leading() - style.size;
        }
    }

    /// A paragraph across the page.
    pub fn paragraph(&mut self, text: &str, style: Style) {
        self.part(Role::Paragraph, |sheet| sheet.block(LEFT, WIDTH, text, style));
    }

    /// A text of as many pages as it takes, a paragraph for each of its lines.
    pub fn prose(&mut self, x: f32, width: f32, text: &str, style: Style) {
        for paragraph in text.lines().map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
            self.part(Role::Paragraph, |sheet| sheet.flow(x, width, paragraph, style));
            self.y += style.size * 0.5;
        }
    }

    /// A heading, on one page with as much as `with` of what follows.
    pub fn heading(&mut self, level: u16, text: &str, with: f32) {
        let style = if level < 3 { HEADING } else { SUBHEADING };
        self.room(style.leading() + 4.0 + with);
        self.bookmark(text);
        self.part(Role::Heading(level, text.to_owned()), |sheet| sheet.block(LEFT, WIDTH, text, style));
        self.y += 4.0;
    }

    /// Notes in the outline what begins here.
    pub fn bookmark(&mut self, text: &str) {
        self.done.outline.push((text.to_owned(), self.page(), self.y));
    }

    /// The pages with what frames them.
    #[must_use]
    pub fn into_pages(self, frame: &Frame) -> Pages {
        let (faces, mut done) = (self.faces, self.done);
        let total = done.pages.len();
        let [left, right] = &frame.head;
        let strong = Style { is_bold: true, ..SMALL };
        for (i, page) in done.pages.iter_mut().enumerate() {
            let mut text = |place, x, y, line| page.push((place, Ink::Text { x, y, line }));
            if i > 0 {
                let left = faces.line(left, strong);
                let right = faces.cut(right, SMALL, WIDTH - left.width - 24.0);
                text(Place::Head, RIGHT - right.width, 45.0, right);
                text(Place::Head, LEFT, 45.0, left);
            }
            let y = PAGE.1 - 46.0;
            let number = faces.line(&format!("Page {} of {total}", i + 1), SMALL);
            text(Place::Foot, LEFT, y, faces.cut(&frame.foot, strong, WIDTH - number.width - 24.0));
            text(Place::Foot, RIGHT - number.width, y, number);
            text(Place::Foot, LEFT, y + 12.0, faces.fitting(&frame.note, SMALL, WIDTH));
            let mut rule = |y| {
                let rule = Ink::Box { x: LEFT, y, width: WIDTH, height: 0.6, colour: LINE };
                page.push((Place::Ornament, rule));
            };
            rule(PAGE.1 - 62.0);
            if i > 0 {
                rule(54.0);
            }
            if let Some(mark) = frame.mark {
                page.extend(chip(faces, mark));
            }
        }
        done
    }
}

/// A mark in the middle of the top of a page.
fn chip(faces: &Faces, mark: &str) -> [(Place, Ink); 2] {
    let line = faces.line(mark, Style { size: 10.0, is_bold: true, colour: WARNING });
    let (width, height) = (line.width + 20.0, 18.0);
    let (x, y) = ((PAGE.0 - width) / 2.0, 18.0);
    let ground = Ink::Box { x, y, width, height, colour: WARNING_SOFT };
    [(Place::Head, ground), (Place::Head, Ink::Text { x: x + 10.0, y: y + 12.6, line })]
}
