//! Bars, drawn as SVG on the server like the charts over time: the waterfall of a statement from top to bottom, and
//! amounts by month side by side.

use crate::chart::{dress, escape};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::fmt::Write;

/// What a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What there is.
    Level,
    /// What is taken away.
    Taken,
    /// What it all comes to.
    Result,
    /// What is not over yet.
    Running,
}

/// A bar from one value to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Beside or below it.
    pub label: String,
    /// The value, where it is written beside the bar.
    pub value: String,
    /// On hovering.
    pub hover: String,
    pub from: f64,
    pub to: f64,
    pub kind: Kind,
}

/// A size to draw in, as those of the charts over time.
#[derive(Clone, Copy)]
pub struct Size {
    class: &'static str,
    width: i32,
    /// What labels of rows take.
    labels: i32,
    /// What values beside bars take.
    values: i32,
    /// Most labels below columns.
    ticks: usize,
}

/// For wide screens, narrower ones and telephones; the style sheet shows one of them.
pub const SIZES: [Size; 3] = [
    Size { class: "chart chart-wide", width: 1080, labels: 170, values: 100, ticks: 13 },
    Size { class: "chart chart-middle", width: 660, labels: 150, values: 90, ticks: 13 },
    Size { class: "chart chart-narrow", width: 340, labels: 126, values: 70, ticks: 4 },
];

const ROW: i32 = 28;
const BAR: i32 = 16;
/// Room for what shows on hovering.
const TOP: i32 = 24;
const COLUMNS_HEIGHT: i32 = 250;
const BOTTOM: i32 = 28;
/// A bar that is there is seen.
const LEAST: i32 = 2;

const INK_LEVEL: RGBColor = RGBColor(1, 0, 1);
const INK_TAKEN: RGBColor = RGBColor(1, 0, 2);
const INK_RESULT: RGBColor = RGBColor(1, 0, 3);
const INK_GRID: RGBColor = RGBColor(1, 0, 4);
const INK_TEXT: RGBColor = RGBColor(1, 0, 5);
const INK_RUNNING: RGBColor = RGBColor(1, 0, 6);
/// Placeholders and the custom properties that they become.
const INKS: [(&str, &str); 6] = [
    ("#010001", "var(--chart-level)"),
    ("#010002", "var(--chart-taken)"),
    ("#010003", "var(--chart-line)"),
    ("#010004", "var(--chart-grid)"),
    ("#010005", "var(--chart-text)"),
    ("#010006", "var(--chart-month-running)"),
];

type Root<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

const fn ink(kind: Kind) -> RGBColor {
    match kind {
        Kind::Level => INK_LEVEL,
        Kind::Taken => INK_TAKEN,
        Kind::Result => INK_RESULT,
        Kind::Running => INK_RUNNING,
    }
}

/// The least and the most that bars reach, 0 among them.
fn extent(bars: &[Bar]) -> (f64, f64) {
    let ends = bars.iter().flat_map(|bar| [bar.from, bar.to]);
    let (least, most) = ends.fold((0.0_f64, 0.0_f64), |(least, most), end| (least.min(end), most.max(end)));
    (least, if most > least { most } else { least + 1.0 })
}

fn place(value: f64, (least, most): (f64, f64), (from, to): (i32, i32)) -> i32 {
    from + ((value - least) / (most - least) * f64::from(to - from)).round() as i32
}

fn draw(
    description: &str,
    (class, width, height): (&str, i32, i32),
    into: impl FnOnce(&Root<'_>) -> Drawn,
    hover: &str,
) -> String {
    let mut svg = String::new();
    let drawn = {
        let root = SVGBackend::with_string(&mut svg, (width as u32, height as u32)).into_drawing_area();
        into(&root).and_then(|()| root.present())
    };
    if let Err(error) = drawn {
        tracing::error!(%error, "bars could not be drawn");
        return String::new();
    }
    dress(svg, (class, width, height), description, &INKS, hover)
}

/// Rows from top to bottom, each with its label before and its value behind it.
#[must_use]
pub fn rows(description: &str, bars: &[Bar], size: Size) -> String {
    let height = TOP + ROW * bars.len() as i32 + 4;
    let across = (size.labels, size.width - size.values);
    let extent = extent(bars);
    let x = |value: f64| place(value, extent, across);
    let into = |root: &Root<'_>| {
        let text = ("sans-serif", 15).into_font().color(&INK_TEXT);
        root.draw(&PathElement::new([(x(0.0), TOP), (x(0.0), height - 4)], INK_GRID))?;
        for (i, bar) in bars.iter().enumerate() {
            let top = TOP + ROW * i as i32;
            let middle = top + ROW / 2;
            let (left, right) = (x(bar.from.min(bar.to)), x(bar.from.max(bar.to)));
            let right = if bar.from == bar.to { left } else { right.max(left + LEAST) };
            let spot = [(left, middle - BAR / 2), (right, middle + BAR / 2)];
            if right > left {
                root.draw(&Rectangle::new(spot, ink(bar.kind).filled()))?;
            }
            // From where this bar ends to where the next one begins.
            if i + 1 < bars.len() {
                let at = x(bar.to);
                root.draw(&PathElement::new([(at, middle + BAR / 2), (at, middle + ROW - BAR / 2)], INK_GRID))?;
            }
            let label = text.pos(Pos::new(HPos::Right, VPos::Center));
            root.draw(&Text::new(bar.label.as_str(), (size.labels - 10, middle), label))?;
            let value = text.pos(Pos::new(HPos::Right, VPos::Center));
            root.draw(&Text::new(bar.value.as_str(), (size.width - 4, middle), value))?;
        }
        Ok(())
    };
    let strip = |i: usize| (0, TOP + ROW * i as i32, size.width, ROW);
    draw(description, (size.class, size.width, height), into, &hover(bars, size, strip))
}

/// Columns side by side, with round values beside them.
#[must_use]
pub fn columns(description: &str, bars: &[Bar], axis: impl Fn(f64) -> String, size: Size) -> String {
    const LEFT: i32 = 58;
    let (right, bottom) = (size.width - 8, COLUMNS_HEIGHT - BOTTOM);
    let steps = steps(extent(bars));
    let extent = (steps.first().copied().unwrap_or(0.0), steps.last().copied().unwrap_or(1.0));
    let y = |value: f64| place(value, extent, (bottom, TOP));
    let count = bars.len().max(1) as i32;
    let x = |i: usize| LEFT + (right - LEFT) * i as i32 / count;
    let into = |root: &Root<'_>| {
        let text = ("sans-serif", 15).into_font().color(&INK_TEXT);
        for step in &steps {
            root.draw(&PathElement::new([(LEFT, y(*step)), (right, y(*step))], INK_GRID))?;
            let style = text.pos(Pos::new(HPos::Right, VPos::Center));
            root.draw(&Text::new(axis(*step), (LEFT - 8, y(*step)), style))?;
        }
        let every = bars.len().div_ceil(size.ticks).max(1);
        for (i, bar) in bars.iter().enumerate() {
            let gap = ((right - LEFT) / count / 5).max(1);
            let (from, to) = (y(bar.from), y(bar.to));
            let (top, bottom) = (from.min(to), from.max(to));
            if bar.from != bar.to {
                let spot = [(x(i) + gap, top.min(bottom - LEAST)), (x(i + 1) - gap, bottom)];
                root.draw(&Rectangle::new(spot, ink(bar.kind).filled()))?;
            }
            // Counted from the last, which is the one that matters.
            if (bars.len() - 1 - i).is_multiple_of(every) {
                let style = text.pos(Pos::new(HPos::Center, VPos::Top));
                let at = (x(i).midpoint(x(i + 1)), COLUMNS_HEIGHT - BOTTOM + 9);
                root.draw(&Text::new(bar.label.as_str(), at, style))?;
            }
        }
        Ok(())
    };
    let strip = |i: usize| (x(i), TOP, x(i + 1) - x(i), bottom - TOP);
    draw(description, (size.class, size.width, COLUMNS_HEIGHT), into, &hover(bars, size, strip))
}

/// Round values from at or below the least to at or above the most.
fn steps((least, most): (f64, f64)) -> Vec<f64> {
    let rough = ((most - least) / 4.0).max(1.0);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough - 1e-9);
    let step = step.unwrap_or(rough);
    let (first, last) = ((least / step).floor() as i64, (most / step).ceil() as i64);
    (first..=last.max(first + 1)).map(|i| i as f64 * step).collect()
}

/// For each bar a strip that says what it is while it is pointed at.
fn hover(bars: &[Bar], size: Size, strip: impl Fn(usize) -> (i32, i32, i32, i32)) -> String {
    let mut svg = String::new();
    for (i, bar) in bars.iter().enumerate() {
        let (x, y, width, height) = strip(i);
        let _ =
            write!(svg, "<g class=\"hit hit-bar\"><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>");
        // The text stays within the drawing at both ends.
        let (at, anchor) = match ((x + width / 2) * 10) / size.width {
            _ if width == size.width => (4, "start"),
            ..3 => (x.max(4), "start"),
            7.. => (size.width - 4, "end"),
            _ => (x + width / 2, "middle"),
        };
        let _ = write!(svg, "<text x=\"{at}\" y=\"14\" text-anchor=\"{anchor}\">");
        escape(&bar.hover, &mut svg);
        svg.push_str("</text></g>");
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(from: f64, to: f64, kind: Kind) -> Bar {
        Bar { label: "<a>".into(), value: "1".into(), hover: "a & b".into(), from, to, kind }
    }

    #[test]
    fn bars_take_colours_from_the_page_and_escape_texts() {
        let bars = [bar(0.0, 10.0, Kind::Level), bar(10.0, 7.0, Kind::Taken), bar(0.0, 7.0, Kind::Result)];
        for size in SIZES {
            for svg in [rows("A \"b\"", &bars, size), columns("A \"b\"", &bars, |n| n.to_string(), size)] {
                assert!(svg.starts_with("<svg class=\"chart chart-") && svg.ends_with("</svg>"));
                assert!(svg.contains("aria-label=\"A &quot;b&quot;\"") && svg.contains("a &amp; b"));
                assert!(svg.contains("var(--chart-level)") && !svg.contains("#01000") && !svg.contains("style="));
                assert_eq!(svg.matches("class=\"hit hit-bar\"").count(), 3);
            }
        }
        for none in [&[][..], &[bar(0.0, 0.0, Kind::Running)], &[bar(0.0, -5.0, Kind::Taken)]] {
            assert!(rows("", none, SIZES[2]).ends_with("</svg>"));
            assert!(columns("", none, |n| n.to_string(), SIZES[2]).ends_with("</svg>"));
        }
    }

    #[test]
    fn steps_hold_every_value() {
        assert_eq!(steps((0.0, 1_234.0)), [0.0, 500.0, 1_000.0, 1_500.0]);
        assert_eq!(steps((-30.0, 100.0)), [-50.0, 0.0, 50.0, 100.0]);
        assert_eq!(steps((0.0, 0.5)), [0.0, 1.0]);
    }
}
