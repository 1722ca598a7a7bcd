//! Tables whose headings repeat on every page.

use super::sheet::{BODY, Ink, LEFT, LINE, LINE_STRONG, Place, Role, SMALL, STRONG, Sheet, WIDTH};
use super::text::{Line, Style};
use super::words::clipped;

/// Between two columns, in points.
const GUTTER: f32 = 12.0;
/// Above and below the text of a row, in points.
pub const ROOMY: f32 = 4.2;
pub const CLOSE: f32 = 1.8;
/// Longest text of a cell, in characters.
const CELL_CHARS_MAX: usize = 400;

/// A column. The first holds words, the others numbers, at the right.
#[derive(Debug, Clone)]
pub struct Column {
    pub title: String,
    /// In points; of the first what the others leave.
    pub width: f32,
}

impl Column {
    /// A column.
    #[must_use]
    pub fn new(title: impl Into<String>, width: f32) -> Self {
        Self { title: title.into(), width }
    }
}

/// How a row stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// A part of the row before it, set in and small.
    Detail,
    Plain,
    /// A level that is reached.
    Level,
    /// What it all comes to.
    Total,
}

/// A row.
#[derive(Debug, Clone)]
pub struct Row {
    pub weight: Weight,
    /// Before the words: what the row does to the ones above it.
    pub sign: &'static str,
    pub words: String,
    /// Under the words, small.
    pub note: String,
    /// One for each column but the first.
    pub numbers: Vec<String>,
}

impl Row {
    /// A row of words and numbers.
    #[must_use]
    pub fn new(weight: Weight, words: impl Into<String>, numbers: Vec<String>) -> Self {
        Self { weight, sign: "", words: words.into(), note: String::new(), numbers }
    }
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// What signs take at the left, in points.
    pub signs: f32,
    /// [`ROOMY`] or [`CLOSE`].
    pub padding: f32,
}

/// A row as it is set.
struct Set<'t> {
    row: &'t Row,
    words: Vec<Line>,
    note: Vec<Line>,
    height: f32,
}

/// The titles of columns as they are set: where each line begins, and how high all are.
struct Titles {
    columns: Vec<Vec<(f32, Line)>>,
    height: f32,
}

impl Table {
    /// How high the table is if it stands on one page, in points.
    #[must_use]
    pub fn height(&self, sheet: &Sheet<'_>) -> f32 {
        self.titles(sheet).height + self.rows.iter().map(|row| self.set(sheet, row).height).sum::<f32>()
    }

    /// Draws the table, over as many pages as it takes.
    pub fn draw(&self, sheet: &mut Sheet<'_>) {
        sheet.part(Role::Table, |sheet| {
            let titles = self.titles(sheet);
            sheet.room(titles.height + 3.0 * BODY.leading());
            titles.draw(sheet, false);
            let set: Vec<Set<'_>> = self.rows.iter().map(|row| self.set(sheet, row)).collect();
            for (i, row) in set.iter().enumerate() {
                // A total does not stand alone on a page.
                let next = set.get(i + 1).filter(|next| next.row.weight == Weight::Total);
                if sheet.room(row.height + next.map_or(0.0, |next| next.height)) {
                    titles.draw(sheet, true);
                }
                self.row(sheet, row);
            }
        });
        sheet.y += 4.0;
    }

    fn numbers_width(&self) -> f32 {
        self.columns.iter().skip(1).map(|column| column.width + GUTTER).sum()
    }

    fn set<'t>(&self, sheet: &Sheet<'_>, row: &'t Row) -> Set<'t> {
        let width = WIDTH - self.numbers_width() - indent(self, row);
        let words = sheet.faces.lines(&clipped(&row.words, CELL_CHARS_MAX), style(row), width);
        let note = if row.note.is_empty() { Vec::new() } else { sheet.faces.lines(&row.note, SMALL, width) };
        let padding = if row.weight == Weight::Detail { self.padding / 4.0 } else { self.padding };
        let height = 2.0 * padding + leading(&words) + leading(&note);
        Set { row, words, note, height }
    }

    /// The titles of columns, their last lines on one baseline.
    fn titles(&self, sheet: &Sheet<'_>) -> Titles {
        let mut right = LEFT + WIDTH - self.numbers_width();
        let first = right - LEFT;
        let mut columns = Vec::new();
        for (i, column) in self.columns.iter().enumerate() {
            let lines = sheet.faces.lines(&column.title, SMALL, if i == 0 { first } else { column.width });
            right += if i == 0 { 0.0 } else { column.width + GUTTER };
            let x = |line: &Line| if i == 0 { LEFT } else { right - line.width };
            columns.push(lines.into_iter().map(|line| (x(&line), line)).collect::<Vec<_>>());
        }
        let most = columns.iter().map(Vec::len).max().unwrap_or(1);
        #[expect(clippy::cast_precision_loss, reason = "a few lines")]
        let height = SMALL.leading() * most as f32 + 5.0;
        Titles { columns, height }
    }

    fn row(&self, sheet: &mut Sheet<'_>, set: &Set<'_>) {
        let (row, top) = (set.row, sheet.y);
        let style = style(row);
        match row.weight {
            Weight::Total => sheet.ornament(LEFT, top, (WIDTH, 0.8), LINE_STRONG),
            Weight::Detail => {}
            Weight::Plain | Weight::Level => sheet.ornament(LEFT, top, (WIDTH, 0.5), LINE),
        }
        let padding = (set.height - leading(&set.words) - leading(&set.note)) / 2.0;
        let baseline = top + padding + style.size;
        sheet.part(Role::Row, |sheet| {
            sheet.part(Role::RowHead, |sheet| {
                if !row.sign.is_empty() {
                    sheet.put(LEFT, baseline, sheet.faces.line(row.sign, style));
                }
                let (x, mut y) = (LEFT + indent(self, row), top + padding);
                for line in set.words.iter().chain(&set.note) {
                    sheet.put(x, y + line.style.size, line.clone());
                    y += line.style.leading();
                }
            });
            let mut right = LEFT + WIDTH - self.numbers_width();
            for (column, number) in self.columns.iter().skip(1).zip(&row.numbers) {
                right += column.width + GUTTER;
                let line = sheet.faces.fitting(number, style, column.width);
                sheet.part(Role::Cell, |sheet| sheet.put_right(right, baseline, line));
            }
        });
        sheet.y = top + set.height;
    }
}

fn style(row: &Row) -> Style {
    match row.weight {
        Weight::Detail => SMALL,
        Weight::Plain => BODY,
        Weight::Level => STRONG,
        Weight::Total => STRONG.sized(10.0),
    }
}

fn indent(table: &Table, row: &Row) -> f32 {
    table.signs + if row.weight == Weight::Detail { 10.0 } else { 0.0 }
}

impl Titles {
    /// Draws the titles; on later pages they are no part of what is read aloud.
    fn draw(&self, sheet: &mut Sheet<'_>, is_again: bool) {
        let bottom = sheet.y + self.height - 5.0 - SMALL.leading() + SMALL.size;
        let mut drawn = Vec::new();
        for lines in &self.columns {
            let mut y = bottom + SMALL.leading() - leading_of(lines);
            let mut placed = Vec::new();
            for (x, line) in lines {
                placed.push((*x, y, line.clone()));
                y += SMALL.leading();
            }
            drawn.push(placed);
        }
        if is_again {
            for (x, y, line) in drawn.into_iter().flatten() {
                sheet.draw(Place::Head, Ink::Text { x, y, line });
            }
        } else {
            sheet.part(Role::Row, |sheet| {
                for lines in drawn {
                    sheet.part(Role::ColumnHead, |sheet| {
                        lines.into_iter().for_each(|(x, y, line)| sheet.put(x, y, line));
                    });
                }
            });
        }
        sheet.y += self.height;
        sheet.ornament(LEFT, sheet.y - 1.0, (WIDTH, 0.8), LINE_STRONG);
    }
}

fn leading_of(lines: &[(f32, Line)]) -> f32 {
    lines.iter().map(|(_, line)| line.style.leading()).sum()
}

fn leading(lines: &[Line]) -> f32 {
    lines.iter().map(|line| line.style.leading()).sum()
}
