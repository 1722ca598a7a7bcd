//! Charts of printed cells. Each is told in words besides, for those who cannot see it.
//!
//! A cell that is not printed has no length: it is a hatched mark, of the same size whichever cell it is. Scales come from
//! printed counts alone, and only those are sorted by size.

use crate::documents::sheet::{
    ACCENT, BODY, INK, LEFT, LINE, LINE_STRONG, RIGHT, Role, SMALL, SOFT, STRONG, Sheet, WIDTH,
};
use crate::documents::text::Style;
use crate::documents::words;
use domain::figures::Figure;
use domain::report::{Cell, Content, Row, TableBy};
use domain::zone::Month;

/// Months side by side; more are drawn below each other, on the same scale.
const MONTHS_ROW: usize = 12;
/// A chart of months: how high its tallest column can be, and what is above and below it, in points.
const COLUMNS_HEIGHT: f32 = 130.0;
const ABOVE: f32 = 14.0;
const BELOW: f32 = 26.0;
/// What the numbers of an axis take, in points.
const AXIS: f32 = 48.0;
/// Widest column, in points.
const COLUMN_WIDTH_MAX: f32 = 34.0;
/// How high a column is whose count is not printed, in points.
const HATCHED_HEIGHT: f32 = 22.0;
/// A bar with the space to the next, the bar itself, and one whose count is not printed, in points.
const PITCH: f32 = 18.0;
const BAR_HEIGHT: f32 = 11.0;
const HATCHED_WIDTH: f32 = 36.0;
/// What labels and numbers take beside bars, in points.
const LABELS: f32 = 170.0;
const NUMBERS: f32 = 70.0;
/// Most bars of a chart.
const BARS_MAX: usize = 12;
/// What the texts above and below a chart take, in points.
const AROUND: f32 = 76.0;
/// Lines across a chart that are wanted at least.
const STEPS: i64 = 4;

const SOFT_BODY: Style = Style { size: 9.0, is_bold: false, colour: SOFT };

/// A cell with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bar {
    key: String,
    name: String,
    cell: Cell,
}

/// What is drawn of a cell: its share of the scale, or that it is not printed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shape {
    Share(f32),
    Hatched,
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "where a bar ends on paper")]
fn shape(cell: Cell, most: i64) -> Shape {
    match cell {
        Cell::Count(n) => Shape::Share((n.clamp(0, most) as f64 / most.max(1) as f64) as f32),
        Cell::Small | Cell::Withheld | Cell::Absent => Shape::Hatched,
    }
}

/// Writes the charts of all tables.
pub fn write(sheet: &mut Sheet<'_>, content: &Content) {
    for by in [TableBy::Month, TableBy::Country, TableBy::ContactMethod, TableBy::Helpline] {
        let Some((figure, bars)) = bars_of(content, by) else { continue };
        if by == TableBy::Month {
            months(sheet, content, figure, &bars);
        } else {
            ranking(sheet, content, by, figure, &bars);
        }
    }
}

/// The figure that a table is drawn by, and its cells. `None` where there is nothing to draw.
fn bars_of(content: &Content, by: TableBy) -> Option<(Figure, Vec<Bar>)> {
    let preferred = match by {
        TableBy::Month | TableBy::Country => Figure::Reach,
        TableBy::Helpline => Figure::UniqueDisplays,
        TableBy::ContactMethod => Figure::NetClicks,
    };
    let given = |figure: &&Figure| by.scope().gives(**figure);
    let mut figures = content.figures.iter().filter(given);
    let figure = *figures.clone().find(|figure| **figure == preferred).or_else(|| figures.next())?;
    let at = content.figures.iter().position(|it| *it == figure)?;
    let table = content.tables.iter().find(|table| table.by == by).filter(|table| !table.rows.is_empty())?;
    let bar = |row: &Row| Some(Bar { key: row.key.clone(), name: row.name.clone(), cell: *row.cells.get(at)? });
    Some((figure, table.rows.iter().filter_map(bar).collect()))
}

/// The largest printed count.
fn most(bars: &[Bar]) -> i64 {
    let count = |bar: &Bar| if let Cell::Count(n) = bar.cell { n } else { 0 };
    bars.iter().map(count).max().unwrap_or(0)
}

/// Round numbers from 0 up to the first that is not below `most`.
fn ticks(most: i64) -> Vec<i64> {
    let most = most.max(1);
    let mut unit = 1;
    let step = loop {
        if let Some(step) = [1, 2, 5].into_iter().map(|n| n * unit).find(|step| step * STEPS >= most) {
            break step;
        }
        unit *= 10;
    };
    let mut ticks = vec![0];
    while let Some(last) = ticks.last().copied().filter(|last| *last < most) {
        ticks.push(last + step);
    }
    ticks
}

/// What a chart shows, for those who cannot see it.
fn said(what: &str, bars: &[Bar], k: Option<u32>) -> String {
    let said = bars.iter().map(|bar| format!("{} {}", words::plain(&bar.name), bar.cell.text(k)));
    format!("{what}. {}.", said.collect::<Vec<_>>().join(", "))
}

fn months(sheet: &mut Sheet<'_>, content: &Content, figure: Figure, bars: &[Bar]) {
    let height = ABOVE + COLUMNS_HEIGHT + BELOW;
    #[expect(clippy::cast_precision_loss, reason = "three at most")]
    let rows = bars.len().div_ceil(MONTHS_ROW) as f32;
    sheet.heading(2, &format!("{} by month", figure.label()), (height + 6.0) * rows + AROUND);
    sheet.paragraph(content.definition(figure).unwrap_or_default(), SOFT_BODY);
    sheet.y += 6.0;
    let ticks = ticks(most(bars));
    for row in bars.chunks(MONTHS_ROW) {
        sheet.room(height);
        columns(sheet, content, figure, row, &ticks);
    }
    hatched_legend(sheet, content, bars);
    if let Some(text) = compared(figure, bars) {
        sheet.y += 4.0;
        sheet.paragraph(&text, BODY.sized(10.0));
    }
    sheet.y += 16.0;
}

/// What the first and the last month come to, where both are printed.
fn compared(figure: Figure, bars: &[Bar]) -> Option<String> {
    let (first, last) = (bars.first()?, bars.last()?);
    let (Cell::Count(before), Cell::Count(after)) = (first.cell, last.cell) else { return None };
    if bars.len() < 2 {
        return None;
    }
    let [was, is] = [before, after].map(words::count);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let change = (before > 0 && after != before).then(|| {
        let rate = after as f64 / before as f64;
        match after > before {
            true if rate >= 3.0 => format!(", {rate:.1} times as many"),
            true => format!(", {} more", words::percent(rate - 1.0)),
            false => format!(", {} less", words::percent(1.0 - rate)),
        }
    });
    let same = if before == after { ", the same" } else { "" };
    let label = figure.label();
    Some(format!("{label} was {was} in {}, and {is} in {}{same}{}.", first.name, last.name, change.unwrap_or_default()))
}

/// A row of months as columns, on an axis with numbers.
fn columns(sheet: &mut Sheet<'_>, content: &Content, figure: Figure, bars: &[Bar], ticks: &[i64]) {
    let k = content.rules.suppress_below;
    let most = ticks.last().copied().unwrap_or(1);
    let (left, top) = (LEFT + AXIS, sheet.y + ABOVE);
    let bottom = top + COLUMNS_HEIGHT;
    #[expect(clippy::cast_precision_loss, reason = "twelve columns")]
    let pitch = (RIGHT - left) / MONTHS_ROW.min(bars.len().max(6)) as f32;
    let width = (pitch * 0.62).min(COLUMN_WIDTH_MAX);
    let height = |cell| match shape(cell, most) {
        Shape::Share(share) => share * COLUMNS_HEIGHT,
        Shape::Hatched => HATCHED_HEIGHT,
    };
    let words = said(&format!("Bar chart of {} by month", figure.label().to_lowercase()), bars, k);
    for tick in ticks {
        let Shape::Share(share) = shape(Cell::Count(*tick), most) else { continue };
        let y = bottom - share * COLUMNS_HEIGHT;
        let (thickness, colour) = if *tick == 0 { (0.8, LINE_STRONG) } else { (0.5, LINE) };
        sheet.ornament(left, y, (RIGHT - left, thickness), colour);
    }
    let bounds = [LEFT, sheet.y, RIGHT, bottom + BELOW];
    sheet.part(Role::Figure(words, sheet.page(), bounds), |sheet| {
        for tick in ticks {
            let Shape::Share(share) = shape(Cell::Count(*tick), most) else { continue };
            let line = sheet.faces.fitting(&words::count(*tick), SMALL, AXIS - 8.0);
            sheet.put_right(left - 6.0, bottom - share * COLUMNS_HEIGHT + 2.6, line);
        }
        let mut x = left + (pitch - width) / 2.0;
        for (at, bar) in bars.iter().enumerate() {
            let high = height(bar.cell);
            match shape(bar.cell, most) {
                Shape::Hatched => sheet.hatch(x, bottom - high, (width, high), LINE_STRONG),
                Shape::Share(share) if share > 0.0 => {
                    let high = high.max(0.8);
                    sheet.mark(x, bottom - high, (width, high), ACCENT);
                }
                Shape::Share(_) => {}
            }
            let middle = x + width / 2.0;
            let centred = |sheet: &mut Sheet<'_>, y: f32, text: &str, style: Style| {
                let line = sheet.faces.fitting(text, style, pitch - 2.0);
                sheet.put(middle - line.width / 2.0, y, line);
            };
            centred(sheet, bottom - high - 4.0, &bar.cell.text(k), SMALL.sized(7.0));
            let (month, year) = month_words(&bar.key, at);
            centred(sheet, bottom + 10.0, &month, Style { colour: INK, ..SMALL });
            centred(sheet, bottom + 19.0, &year, SMALL.sized(7.0));
            x += pitch;
        }
    });
    sheet.y = bottom + BELOW + 6.0;
}

/// `Jan` and, with the first of a row and each January, the year.
fn month_words(key: &str, at: usize) -> (String, String) {
    let Ok(month) = key.parse::<Month>() else { return (key.to_owned(), String::new()) };
    let date = month.first_day().date();
    let name = date.format("%b").to_string();
    let is_named = at == 0 || month.0.rem_euclid(12) == 0;
    (name, if is_named { date.format("%Y").to_string() } else { String::new() })
}

/// The bars of a ranking: printed ones by size, then as many of the others as there is space for, by name. And how many are
/// left out.
fn ranked(bars: &[Bar]) -> (Vec<Bar>, usize) {
    let count = |bar: &Bar| if let Cell::Count(n) = bar.cell { Some(n) } else { None };
    let mut printed: Vec<&Bar> = bars.iter().filter(|bar| count(bar).is_some_and(|n| n > 0)).collect();
    printed.sort_by(|a, b| count(b).cmp(&count(a)).then_with(|| a.name.cmp(&b.name)));
    let mut hidden: Vec<&Bar> = bars.iter().filter(|bar| matches!(bar.cell, Cell::Small | Cell::Withheld)).collect();
    hidden.sort_by(|a, b| a.name.cmp(&b.name));
    let all = printed.len() + hidden.len();
    let drawn: Vec<Bar> = printed.into_iter().chain(hidden).take(BARS_MAX).cloned().collect();
    let left_out = all - drawn.len();
    (drawn, left_out)
}

fn ranking(sheet: &mut Sheet<'_>, content: &Content, by: TableBy, figure: Figure, bars: &[Bar]) {
    let (drawn, left_out) = ranked(bars);
    if drawn.is_empty() {
        return;
    }
    let title = match by {
        TableBy::Country => "Countries",
        TableBy::ContactMethod => "How people made contact",
        TableBy::Month | TableBy::Helpline => "Helplines",
    };
    #[expect(clippy::cast_precision_loss, reason = "a dozen")]
    let height = PITCH * drawn.len() as f32;
    sheet.heading(2, title, height + AROUND);
    let definition = content.definition(figure).unwrap_or_default();
    sheet.paragraph(&format!("{}. {definition}", figure.label()), SOFT_BODY);
    sheet.y += 8.0;
    let what = format!("Bar chart of {} by {}", figure.label().to_lowercase(), by.label().to_lowercase());
    lying(sheet, content, &what, &drawn);
    hatched_legend(sheet, content, &drawn);
    if left_out > 0 {
        let more = if left_out == 1 { "One more is".to_owned() } else { format!("{left_out} more are") };
        let hidden = drawn.iter().chain(bars).any(|bar| !matches!(bar.cell, Cell::Count(_)));
        let order = if hidden { "Those with the largest printed counts come first. " } else { "" };
        sheet.paragraph(&format!("{order}{more} in the table by {}.", by.label().to_lowercase()), SMALL);
    }
    sheet.y += 18.0;
}

/// Bars that lie below each other, with their numbers.
fn lying(sheet: &mut Sheet<'_>, content: &Content, what: &str, bars: &[Bar]) {
    let k = content.rules.suppress_below;
    let (left, width) = (LEFT + LABELS, WIDTH - LABELS - NUMBERS);
    let most = most(bars).max(1);
    let top = sheet.y;
    #[expect(clippy::cast_precision_loss, reason = "a dozen")]
    let bottom = top + PITCH * bars.len() as f32;
    sheet.ornament(left - 0.6, top - 2.0, (0.6, bottom - top), LINE_STRONG);
    sheet.part(Role::Figure(said(what, bars, k), sheet.page(), [LEFT, top, RIGHT, bottom]), |sheet| {
        let mut y = top;
        for bar in bars {
            let baseline = y + BAR_HEIGHT - 2.0;
            // What the fonts cannot write is named by its key; the words for screen readers have the name.
            let is_whole = sheet.faces.line(&bar.name, BODY).is_whole;
            let label = sheet.faces.cut(if is_whole { &bar.name } else { &bar.key }, BODY, LABELS - 12.0);
            sheet.put_right(left - 8.0, baseline, label);
            let long = match shape(bar.cell, most) {
                Shape::Share(share) => (share * width).max(0.8),
                Shape::Hatched => HATCHED_WIDTH,
            };
            match shape(bar.cell, most) {
                Shape::Share(_) => sheet.mark(left, y, (long, BAR_HEIGHT), ACCENT),
                Shape::Hatched => sheet.hatch(left, y, (long, BAR_HEIGHT), LINE_STRONG),
            }
            let line = sheet.faces.fitting(&bar.cell.text(k), STRONG, NUMBERS - 8.0);
            sheet.put(left + long + 6.0, baseline, line);
            y += PITCH;
        }
    });
    sheet.y = bottom + 4.0;
}

/// What hatched marks mean, if there are any.
fn hatched_legend(sheet: &mut Sheet<'_>, content: &Content, bars: &[Bar]) {
    let is_hidden = bars.iter().any(|bar| matches!(shape(bar.cell, 1), Shape::Hatched));
    let Some(k) = content.rules.suppress_below.filter(|_| is_hidden) else { return };
    let text = format!(
        "Hatched: not printed. <{k} is a count from 1 to {}; what is withheld would give one of these away. The size of a \
         hatched mark says nothing.",
        k.saturating_sub(1)
    );
    sheet.paragraph(&text, SMALL);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, cell: Cell) -> Bar {
        Bar { key: name.to_owned(), name: name.to_owned(), cell }
    }

    #[test]
    fn an_axis_has_a_few_round_numbers() {
        for (most, expected) in [
            (0, vec![0, 1]),
            (1, vec![0, 1]),
            (4, vec![0, 1, 2, 3, 4]),
            (5, vec![0, 2, 4, 6]),
            (97, vec![0, 50, 100]),
            (1_234, vec![0, 500, 1_000, 1_500]),
            (40_000, vec![0, 10_000, 20_000, 30_000, 40_000]),
        ] {
            assert_eq!(ticks(most), expected, "{most}");
        }
        let ticks = ticks(999_999_999_999);
        assert!(ticks.len() <= 6 && ticks.last().is_some_and(|last| *last >= 999_999_999_999), "{ticks:?}");
    }

    #[test]
    fn what_is_not_printed_has_no_length_and_no_place() {
        assert_eq!(shape(Cell::Count(5), 10), Shape::Share(0.5));
        assert_eq!([Cell::Small, Cell::Withheld].map(|cell| shape(cell, 10)), [Shape::Hatched; 2]);
        let bars = [
            bar("d", Cell::Withheld),
            bar("a", Cell::Count(3)),
            bar("z", Cell::Count(40)),
            bar("c", Cell::Small),
            bar("nothing", Cell::Count(0)),
        ];
        let (drawn, left_out) = ranked(&bars);
        assert_eq!(drawn.iter().map(|bar| bar.name.as_str()).collect::<Vec<_>>(), ["z", "a", "c", "d"]);
        assert_eq!((left_out, most(&bars)), (0, 40));
        let many: Vec<Bar> = (0..30).map(|at| bar(&format!("{at:02}"), Cell::Count(at + 1))).collect();
        let (drawn, left_out) = ranked(&many);
        assert_eq!((drawn.len(), drawn[0].name.as_str(), left_out), (BARS_MAX, "29", 30 - BARS_MAX));
    }

    #[test]
    fn months_are_compared_only_where_both_are_printed() {
        let of = |first, last| compared(Figure::Reach, &[bar("January 2025", first), bar("March 2025", last)]);
        let said = |text: &str| Some(format!("Reach was {text}."));
        assert_eq!(
            of(Cell::Count(1_000), Cell::Count(1_500)),
            said("1,000 in January 2025, and 1,500 in March 2025, 50.0\u{a0}% more")
        );
        assert_eq!(
            of(Cell::Count(1_000), Cell::Count(750)),
            said("1,000 in January 2025, and 750 in March 2025, 25.0\u{a0}% less")
        );
        assert_eq!(
            of(Cell::Count(100), Cell::Count(1_250)),
            said("100 in January 2025, and 1,250 in March 2025, 12.5 times as many")
        );
        assert_eq!(of(Cell::Count(20), Cell::Count(20)), said("20 in January 2025, and 20 in March 2025, the same"));
        assert_eq!(of(Cell::Count(0), Cell::Count(20)), said("0 in January 2025, and 20 in March 2025"));
        assert_eq!(of(Cell::Small, Cell::Count(20)), None);
        assert_eq!(of(Cell::Count(20), Cell::Withheld), None);
        assert_eq!(compared(Figure::Reach, &[bar("January 2025", Cell::Count(20))]), None);
    }
}
