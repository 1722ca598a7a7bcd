//! Fonts, shaping and line breaking.
//!
//! Text is set in Noto Sans. Letters that it lacks come from its sisters for other scripts, in one weight, and where
//! those lack them too a replacement is drawn. Right-to-left text is ordered as Unicode says (UAX #9).

use super::DocumentError;
use super::words::plain;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, UnicodeBuffer};
use unicode_bidi::BidiInfo;

/// What is drawn for a letter that no font has. Noto Sans has it.
const REPLACEMENT: char = '\u{fffd}';

/// A font of `assets/fonts`.
macro_rules! font {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../assets/fonts/", $name, ".ttf")))
    };
}

/// Name and bytes of each font: the two weights, and then those that are asked for what these lack.
const FONTS: [(&str, &[u8]); 4] = [
    font!("NotoSans-Regular"),
    font!("NotoSans-Bold"),
    font!("NotoSansArabic-Regular"),
    font!("NotoSansHebrew-Regular"),
];

/// Red, green and blue.
pub type Colour = [u8; 3];

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// In points.
    pub size: f32,
    pub is_bold: bool,
    pub colour: Colour,
}

impl Style {
    /// The same, in another size.
    #[must_use]
    pub fn sized(self, size: f32) -> Self {
        Self { size, ..self }
    }

    /// From one line's baseline to the next, in points.
    #[must_use]
    pub fn leading(self) -> f32 {
        self.size * 1.36
    }
}

/// Glyphs of one font, side by side.
#[derive(Debug, Clone)]
pub struct Run {
    /// Which of the [`Faces`].
    pub face: usize,
    pub glyphs: Vec<KrillaGlyph>,
    /// What the glyphs stand for.
    pub text: String,
    /// From the line's left end, in points.
    pub x: f32,
}

/// A line, ready to be drawn.
#[derive(Debug, Clone)]
pub struct Line {
    pub runs: Vec<Run>,
    /// In points.
    pub width: f32,
    pub style: Style,
    /// Whether the fonts have all of its letters.
    pub is_whole: bool,
}

/// A part of a text that is set in one font.
struct Part {
    face: usize,
    text: String,
    /// Whether the font has these letters.
    is_known: bool,
}

struct Face {
    shaper: rustybuzz::Face<'static>,
    font: Font,
}

/// All fonts.
pub struct Faces(Vec<Face>);

impl Faces {
    /// Reads the fonts.
    ///
    /// # Errors
    /// [`DocumentError::Font`], if one is damaged.
    pub fn load() -> Result<Self, DocumentError> {
        let face = |(name, bytes): (&'static str, &'static [u8])| {
            let shaper = rustybuzz::Face::from_slice(bytes, 0).ok_or(DocumentError::Font(name))?;
            let font = Font::new(bytes.into(), 0).ok_or(DocumentError::Font(name))?;
            Ok(Face { shaper, font })
        };
        FONTS.into_iter().map(face).collect::<Result<Vec<_>, _>>().map(Self)
    }

    /// The font of a run.
    #[must_use]
    pub fn font(&self, run: &Run) -> Font {
        self.0[run.face].font.clone()
    }

    fn has(&self, face: usize, c: char) -> bool {
        self.0[face].shaper.glyph_index(c).is_some()
    }

    /// The font for a letter, which follows one of the font `before`: `None` if there is none. Spaces and signs stay with
    /// the letters before them, so that words are shaped whole.
    fn face_for(&self, c: char, before: Option<usize>, main: usize) -> Option<usize> {
        let stays = before.filter(|before| !c.is_alphanumeric() && self.has(*before, c));
        stays.or_else(|| std::iter::once(main).chain(2..self.0.len()).find(|face| self.has(*face, c)))
    }

    /// A line of text.
    #[must_use]
    pub fn line(&self, text: &str, style: Style) -> Line {
        let text = plain(text);
        let (mut runs, mut x, mut is_whole) = (Vec::new(), 0.0, true);
        for (part, is_rtl) in directions(&text) {
            let mut parts = self.by_face(part, usize::from(style.is_bold));
            if is_rtl {
                parts.reverse();
            }
            for Part { face, text, is_known } in parts {
                is_whole &= is_known;
                let (glyphs, width) =
                    if is_known { self.shape(face, &text, is_rtl) } else { self.replace(face, &text, is_rtl) };
                runs.push(Run { face, glyphs, text, x });
                x += width * style.size;
            }
        }
        Line { runs, width: x, style, is_whole }
    }

    /// Splits a text by the fonts that it needs, in the order in which it is read.
    fn by_face(&self, text: &str, main: usize) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for c in text.chars() {
            let before = parts.last().filter(|part| part.is_known).map(|part| part.face);
            let face = self.face_for(c, before, main);
            let (face, is_known) = (face.unwrap_or(main), face.is_some());
            match parts.last_mut() {
                Some(part) if part.face == face && part.is_known == is_known => part.text.push(c),
                _ => parts.push(Part { face, text: c.to_string(), is_known }),
            }
        }
        parts
    }

    /// A replacement for each letter. It stands for the letter: so a text that is copied, searched or read aloud is the
    /// one that was meant.
    fn replace(&self, face: usize, text: &str, is_rtl: bool) -> (Vec<KrillaGlyph>, f32) {
        let face = &self.0[face];
        let glyph = face.shaper.glyph_index(REPLACEMENT).unwrap_or_default();
        let advance = f32::from(face.shaper.glyph_hor_advance(glyph).unwrap_or(0)) / face.font.units_per_em();
        let id = GlyphId::new(u32::from(glyph.0));
        let glyph =
            |(start, c): (usize, char)| KrillaGlyph::new(id, advance, 0.0, 0.0, 0.0, start..start + c.len_utf8(), None);
        let mut glyphs: Vec<KrillaGlyph> = text.char_indices().map(glyph).collect();
        if is_rtl {
            glyphs.reverse();
        }
        let width = glyphs.iter().map(|glyph| glyph.x_advance).sum();
        (glyphs, width)
    }

    /// The glyphs of a text and their width, for a size of one point.
    fn shape(&self, face: usize, text: &str, is_rtl: bool) -> (Vec<KrillaGlyph>, f32) {
        let face = &self.0[face];
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(if is_rtl { Direction::RightToLeft } else { Direction::LeftToRight });
        let shaped = rustybuzz::shape(&face.shaper, &[], buffer);
        let infos = shaped.glyph_infos();
        let mut starts: Vec<usize> = infos.iter().map(|info| info.cluster as usize).collect();
        starts.sort_unstable();
        starts.dedup();
        let em = face.font.units_per_em();
        #[expect(clippy::cast_precision_loss, reason = "font units are small")]
        let points = |units: i32| units as f32 / em;
        let (mut glyphs, mut width) = (Vec::new(), 0.0);
        for (info, position) in infos.iter().zip(shaped.glyph_positions()) {
            let start = info.cluster as usize;
            let end = starts.iter().copied().find(|next| *next > start).unwrap_or(text.len());
            let advance = points(position.x_advance);
            width += advance;
            let (x, y) = (points(position.x_offset), points(position.y_offset));
            glyphs.push(KrillaGlyph::new(GlyphId::new(info.glyph_id), advance, x, y, 0.0, start..end, None));
        }
        (glyphs, width)
    }

    /// A line that is no wider than `width`: if it does not fit, it is set smaller.
    #[must_use]
    pub fn fitting(&self, text: &str, style: Style, width: f32) -> Line {
        let line = self.line(text, style);
        if line.width <= width { line } else { self.line(text, style.sized(style.size * width / line.width)) }
    }

    /// A line that is no wider than `width`: if it does not fit, it ends in `…`.
    #[must_use]
    pub fn cut(&self, text: &str, style: Style, width: f32) -> Line {
        let whole = self.line(text, style);
        if whole.width <= width {
            return whole;
        }
        let first = self.broken(text, style, (width - style.size).max(1.0)).swap_remove(0);
        self.line(&format!("{first}…"), style)
    }

    /// The lines of a text, each no wider than `width`; at least one. Words too long for a line are broken anywhere.
    #[must_use]
    pub fn lines(&self, text: &str, style: Style, width: f32) -> Vec<Line> {
        self.broken(text, style, width).iter().map(|line| self.line(line, style)).collect()
    }

    fn broken(&self, text: &str, style: Style, width: f32) -> Vec<String> {
        let fits = |text: &str| self.line(text, style).width <= width;
        let (mut lines, mut line) = (Vec::new(), String::new());
        for word in plain(text).split(' ').filter(|word| !word.is_empty()) {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if fits(&longer) {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for c in word.chars() {
                line.push(c);
                if line.chars().nth(1).is_some() && !fits(&line) {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, c.to_string()));
                }
            }
        }
        if !line.is_empty() || lines.is_empty() {
            lines.push(line);
        }
        lines
    }
}

/// The parts of a line by direction, from left to right; whether each is read from the right.
fn directions(text: &str) -> Vec<(&str, bool)> {
    // The Hebrew letters are the first that are read from the right.
    if text.chars().all(|c| c < '\u{590}') {
        return vec![(text, false)];
    }
    let info = BidiInfo::new(text, None);
    let mut parts = Vec::new();
    for paragraph in &info.paragraphs {
        let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
        parts.extend(runs.into_iter().map(|run| (levels[run.start].is_rtl(), run)));
    }
    parts.into_iter().map(|(is_rtl, run)| (&text[run], is_rtl)).collect()
}
