//! Charts of a figure over time, drawn as SVG on the server.
//!
//! Colours are placeholders that become CSS custom properties, so one drawing serves light and dark pages. Values
//! appear on hovering by style sheet alone, without script.

use crate::format;
use plotters::coord::{Shift, types::RangedCoordf64};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::fmt::Write;

/// What a chart shows.
pub struct Plot {
    /// What the chart says, for those who do not see it.
    pub description: String,
    /// Values in per cent rather than counts.
    pub is_ratio: bool,
    pub points: Vec<Point>,
}

/// One bucket.
pub struct Point {
    /// On the axis, where there is room; empty where there is none to be.
    pub tick: String,
    /// On hovering.
    pub label: String,
    /// A ratio is 0 to 1; `None` where there is none.
    pub value: Option<f64>,
    /// Whether it is not over yet.
    pub is_running: bool,
}

/// A size to draw in: a chart that is only scaled down cannot be read on a telephone.
#[derive(Clone, Copy)]
pub struct Size {
    class: &'static str,
    width: i32,
    height: i32,
    ticks: usize,
}

/// For wide screens, narrower ones and telephones; the style sheet shows one of them.
pub const SIZES: [Size; 3] = [
    Size { class: "chart chart-wide", width: 1080, height: 300, ticks: 10 },
    Size { class: "chart chart-middle", width: 660, height: 280, ticks: 6 },
    Size { class: "chart chart-narrow", width: 340, height: 230, ticks: 3 },
];

const LEFT: i32 = 56;
const RIGHT: i32 = 12;
const TOP: i32 = 26;
const BOTTOM: i32 = 30;
/// More buckets than this cannot be pointed at one by one: the table has their values.
const HOVERED_MAX: usize = 400;

const INK_LINE: RGBColor = RGBColor(1, 0, 1);
const INK_AREA: RGBColor = RGBColor(1, 0, 2);
const INK_GRID: RGBColor = RGBColor(1, 0, 3);
const INK_TEXT: RGBColor = RGBColor(1, 0, 4);
const INK_RUNNING: RGBColor = RGBColor(1, 0, 5);
/// Placeholders and the custom properties that they become.
const INKS: [(&str, &str); 5] = [
    ("#010001", "var(--chart-line)"),
    ("#010002", "var(--chart-area)"),
    ("#010003", "var(--chart-grid)"),
    ("#010004", "var(--chart-text)"),
    // Not the same property as the line's: the style sheet knows it by its name.
    ("#010005", "var(--chart-running)"),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Draws the plot; an empty text if it cannot be drawn.
#[must_use]
pub fn draw(plot: &Plot, size: Size) -> String {
    let mut svg = String::new();
    if let Err(error) = draw_into(&mut svg, plot, size) {
        tracing::error!(%error, "a chart could not be drawn");
        return String::new();
    }
    dress(svg, (size.class, size.width, size.height), &plot.description, &INKS, &hover(plot, size))
}

/// Makes a drawing of plotters one of ours: with a class and a name, in the colours of the page, with what shows on
/// hovering at its end.
pub(crate) fn dress(
    mut svg: String,
    (class, width, height): (&str, i32, i32),
    description: &str,
    inks: &[(&str, &str)],
    hover: &str,
) -> String {
    let mut head = format!("<svg class=\"{class}\" role=\"img\" aria-label=\"");
    escape(description, &mut head);
    let _ = write!(head, "\" viewBox=\"0 0 {width} {height}\" xmlns=\"http://www.w3.org/2000/svg\">");
    if let Some(end_of_tag) = svg.find('>') {
        svg.replace_range(..=end_of_tag, &head);
    }
    for (placeholder, property) in inks {
        svg = svg.replace(placeholder, property);
    }
    if let Some(end) = svg.rfind("</svg>") {
        svg.truncate(end);
    }
    svg.push_str(hover);
    svg.push_str("</svg>");
    svg
}

fn draw_into(svg: &mut String, plot: &Plot, size: Size) -> Drawn {
    let root = SVGBackend::with_string(svg, (size.width as u32, size.height as u32)).into_drawing_area();
    let steps = steps(plot);
    let highest = steps.last().copied().unwrap_or(1.0);
    let coordinates = Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(
        0.0..plot.points.len().max(1) as f64,
        0.0..highest,
        // Upwards: the y of a drawing grows downwards.
        (LEFT..size.width - RIGHT, size.height - BOTTOM..TOP),
    );
    draw_axes(&root, plot, size, &steps)?;
    draw_line(&root.apply_coord_spec(coordinates), plot)?;
    root.present()
}

/// Horizontal lines with their values, and the ticks below.
fn draw_axes(root: &DrawingArea<SVGBackend<'_>, Shift>, plot: &Plot, size: Size, steps: &[f64]) -> Drawn {
    let text = ("sans-serif", 15).into_font().color(&INK_TEXT);
    let highest = steps.last().copied().unwrap_or(1.0);
    for step in steps {
        let y = y_of(*step, highest, size);
        root.draw(&PathElement::new([(LEFT, y), (size.width - RIGHT, y)], INK_GRID))?;
        let style = text.pos(Pos::new(HPos::Right, VPos::Center));
        root.draw(&Text::new(axis_value(*step, highest, plot.is_ratio), (LEFT - 8, y), style))?;
    }
    let ticks = || plot.points.iter().enumerate().filter(|(_, point)| !point.tick.is_empty());
    let every = ticks().count().div_ceil(size.ticks).max(1);
    for (i, point) in ticks().step_by(every) {
        let at = (x_of(i, plot, size), size.height - BOTTOM + 10);
        let style = text.pos(Pos::new(HPos::Center, VPos::Top));
        root.draw(&Text::new(point.tick.as_str(), at, style))?;
    }
    Ok(())
}

/// The values: an area under a line, broken where there is no value. A lone value is a dot.
fn draw_line(area: &Area<'_>, plot: &Plot) -> Drawn {
    let indexed: Vec<(f64, Option<f64>)> =
        plot.points.iter().enumerate().map(|(i, point)| (i as f64 + 0.5, point.value)).collect();
    for run in indexed.split(|(_, value)| value.is_none()).filter(|run| !run.is_empty()) {
        let line: Vec<(f64, f64)> = run.iter().map(|(x, value)| (*x, value.unwrap_or_default())).collect();
        let (first, last) = (line[0].0, line[line.len() - 1].0);
        if line.len() == 1 {
            area.draw(&Circle::new(line[0], 4, INK_LINE.filled()))?;
            continue;
        }
        let closed: Vec<_> = [(first, 0.0)].into_iter().chain(line.iter().copied()).chain([(last, 0.0)]).collect();
        area.draw(&Polygon::new(closed, INK_AREA))?;
        // A step that is not over yet is no fall.
        let is_running = plot.points.get(last as usize).is_some_and(|point| point.is_running);
        let (whole, rest) = line.split_at(line.len() - usize::from(is_running));
        area.draw(&PathElement::new(whole, INK_LINE.stroke_width(2)))?;
        if let (Some(from), Some(to)) = (whole.last(), rest.first()) {
            area.draw(&PathElement::new([*from, *to], INK_RUNNING.stroke_width(2)))?;
        }
    }
    Ok(())
}

/// For each bucket a strip that shows its value while it is pointed at.
fn hover(plot: &Plot, size: Size) -> String {
    let mut svg = String::new();
    let count = plot.points.len();
    let highest = steps(plot).last().copied().unwrap_or(1.0);
    let inner = size.width - LEFT - RIGHT;
    if count > HOVERED_MAX {
        return svg;
    }
    for (i, point) in plot.points.iter().enumerate() {
        let (left, right) = (LEFT + inner * i as i32 / count as i32, LEFT + inner * (i as i32 + 1) / count as i32);
        let x = x_of(i, plot, size);
        let (strip, bottom) = (size.height - BOTTOM - TOP, size.height - BOTTOM);
        let _ = write!(
            svg,
            "<g class=\"hit\"><rect x=\"{left}\" y=\"{TOP}\" width=\"{}\" height=\"{strip}\"/>\
             <line x1=\"{x}\" y1=\"{TOP}\" x2=\"{x}\" y2=\"{bottom}\"/>",
            right - left,
        );
        if let Some(value) = point.value {
            let _ = write!(svg, "<circle cx=\"{x}\" cy=\"{}\" r=\"4\"/>", y_of(value, highest, size));
        }
        // The text stays within the drawing at both ends.
        let (at, anchor) = match (x * 10) / size.width {
            ..3 => (left.max(LEFT), "start"),
            7.. => (right.min(size.width - RIGHT), "end"),
            _ => (x, "middle"),
        };
        let _ = write!(svg, "<text x=\"{at}\" y=\"14\" text-anchor=\"{anchor}\">");
        escape(&point.label, &mut svg);
        svg.push_str("</text></g>");
    }
    svg
}

fn x_of(index: usize, plot: &Plot, size: Size) -> i32 {
    let share = (index as f64 + 0.5) / plot.points.len().max(1) as f64;
    LEFT + (share * f64::from(size.width - LEFT - RIGHT)) as i32
}

fn y_of(value: f64, highest: f64, size: Size) -> i32 {
    let inner = f64::from(size.height - TOP - BOTTOM);
    size.height - BOTTOM - (value / highest * inner) as i32
}

/// The values of the horizontal lines: 0 and three to five round numbers, the last above every value.
fn steps(plot: &Plot) -> Vec<f64> {
    let most = plot.points.iter().filter_map(|point| point.value).fold(0.0_f64, f64::max);
    let least_step = if plot.is_ratio { 0.01 } else { 1.0 };
    let rough = (most / 4.0).max(least_step);
    let power = 10_f64.powf(rough.log10().floor());
    // Half of something that is counted would be no round number.
    let fits = |step: &f64| *step >= rough - 1e-12 && (plot.is_ratio || step.fract() == 0.0);
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power).into_iter().find(fits).unwrap_or(rough.ceil());
    let lines = ((most / step).ceil() as usize).clamp(1, 8);
    (0..=lines).map(|i| i as f64 * step).collect()
}

/// A value on the axis, in the unit that suits the highest.
fn axis_value(value: f64, highest: f64, is_ratio: bool) -> String {
    if is_ratio {
        let percent = value * 100.0;
        return if percent.fract().abs() < 1e-9 { format!("{percent:.0} %") } else { format!("{percent:.1} %") };
    }
    match (highest as i64, value as i64) {
        (_, 0) => "0".to_owned(),
        (..10_000, n) => format::count(n),
        (..1_000_000, n) => format!("{} k", in_units(n, 1_000)),
        (_, n) => format!("{} M", in_units(n, 1_000_000)),
    }
}

/// With as many decimals as it takes, two at most: steps of a quarter are the finest.
fn in_units(n: i64, unit: i64) -> String {
    let text = format!("{}.{:02}", n / unit, n % unit * 100 / unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Escapes a text for a drawing.
pub(crate) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(values: &[Option<f64>], is_ratio: bool) -> Plot {
        let point =
            |value: &Option<f64>| Point { tick: "t".into(), label: "<a&b>".into(), value: *value, is_running: false };
        Plot { description: "A \"chart\"".into(), is_ratio, points: values.iter().map(point).collect() }
    }

    #[test]
    fn steps_are_round_and_above_every_value() {
        let of = |most: f64| steps(&plot(&[Some(most)], false));
        assert_eq!(of(0.0), [0.0, 1.0]);
        assert_eq!(of(3.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(of(10.0), [0.0, 5.0, 10.0]);
        assert_eq!(of(1_234.0), [0.0, 500.0, 1_000.0, 1_500.0]);
        for most in 1..5_000 {
            let lines = of(f64::from(most));
            assert!(lines.last().copied().unwrap() >= f64::from(most) && lines.len() <= 9, "{most}");
        }
    }

    #[test]
    fn an_axis_has_one_unit() {
        let of = |highest: f64| {
            let steps = steps(&plot(&[Some(highest)], false));
            let top = steps.last().copied().unwrap();
            steps.iter().map(|step| axis_value(*step, top, false)).collect::<Vec<_>>()
        };
        assert_eq!(of(4_000.0), ["0", "1,000", "2,000", "3,000", "4,000"]);
        assert_eq!(of(9_000.0), ["0", "2.5 k", "5 k", "7.5 k", "10 k"]);
        assert_eq!(of(1_000_000.0), ["0", "0.25 M", "0.5 M", "0.75 M", "1 M"]);
    }

    #[test]
    fn more_is_higher() {
        let svg = draw(&plot(&[Some(1.0), Some(4.0)], false), SIZES[0]);
        let line = svg.split("<polyline").last().unwrap();
        let points = line.split("points=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let y: Vec<i32> = points.split_whitespace().map(|at| at.split(',').nth(1).unwrap().parse().unwrap()).collect();
        assert_eq!(y, [y_of(1.0, 4.0, SIZES[0]), y_of(4.0, 4.0, SIZES[0])]);
        assert!(y[0] > y[1]);
    }

    #[test]
    fn a_step_that_is_not_over_is_dotted() {
        let mut plot = plot(&[Some(3.0), Some(4.0), Some(1.0)], false);
        assert!(!draw(&plot, SIZES[0]).contains("--chart-running"));
        plot.points[2].is_running = true;
        let svg = draw(&plot, SIZES[0]);
        assert_eq!(svg.matches("var(--chart-running)").count(), 1);
        let points = |ink: &str| {
            let line = svg.split("<polyline").find(|line| line.contains(ink)).unwrap();
            line.split("points=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().split_whitespace().count()
        };
        assert_eq!((points("--chart-line"), points("--chart-running")), (2, 2));
    }

    #[test]
    fn drawings_take_colours_from_the_page_and_escape_texts() {
        let svg = draw(&plot(&[Some(0.2), None, Some(0.4), Some(0.1)], true), SIZES[0]);
        assert!(svg.starts_with("<svg class=\"chart chart-wide\" role=\"img\" aria-label=\"A &quot;chart&quot;\""));
        assert!(svg.ends_with("</svg>") && svg.contains("var(--chart-line)") && svg.contains("&lt;a&amp;b&gt;"));
        assert!(!svg.contains("#01000") && !svg.contains("style="));
        assert_eq!(svg.matches("class=\"hit\"").count(), 4);
        for values in [&[][..], &[None], &[Some(0.0)], &[Some(5.0); 800]] {
            assert!(draw(&plot(values, false), SIZES[2]).ends_with("</svg>"));
        }
    }
}
