//! The waterfall of a statement: figures, and a chart of the same.

use crate::bars::{self, Bar, Kind};
use crate::format;
use domain::billing::{Step, Waterfall};

/// Most reasons of refusals that the chart tells apart.
const CODES_DRAWN: usize = 5;

/// A waterfall as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaterfallView {
    /// The same drawing for screens of several widths, as SVG of the server's own making.
    pub drawings: String,
    pub rows: Vec<StepRow>,
}

/// A step, or a reason within one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    pub label: String,
    pub definition: String,
    /// With a minus where it is taken away.
    pub count: String,
    /// Of what was received.
    pub share: String,
    /// The list behind it.
    pub href: Option<String>,
    /// It says what there is, and does not take away.
    pub is_level: bool,
    /// A reason within the step before it.
    pub is_part: bool,
}

/// A waterfall; `href` gives the address of the list behind a step.
#[must_use]
pub fn view(waterfall: &Waterfall, title: &str, href: impl Fn(Step) -> Option<String>) -> WaterfallView {
    let mut rows = Vec::new();
    for step in shown(waterfall) {
        let n = waterfall.get(step);
        rows.push(StepRow {
            label: step.label(waterfall.figure).to_owned(),
            definition: step.definition(waterfall.figure).to_owned(),
            count: taken(step, n),
            share: share(n, waterfall.received),
            href: href(step),
            is_level: !step.takes_away(),
            is_part: false,
        });
        if step == Step::Rejected {
            rows.extend(waterfall.rejected.iter().map(|(code, n)| StepRow {
                label: code.clone(),
                definition: crate::data::tables::advice(code).to_owned(),
                count: taken(step, *n),
                share: share(*n, waterfall.received),
                href: None,
                is_level: false,
                is_part: true,
            }));
        }
    }
    let bars = drawn(waterfall);
    let description = format!("{title}: {}", outline(waterfall));
    WaterfallView { drawings: bars::SIZES.iter().map(|size| bars::rows(&description, &bars, *size)).collect(), rows }
}

/// The steps that say something for the figure that is billed.
pub fn shown(waterfall: &Waterfall) -> impl Iterator<Item = Step> + use<> {
    use domain::billing::BillableFigure as F;
    // Where every one that is left is billed, nothing is taken away after that.
    let counts_each = matches!(waterfall.figure, F::NetDisplays | F::NetClicks | F::Notifications);
    Step::ALL.into_iter().filter(move |step| !(counts_each && *step == Step::NotUnique))
}

/// What a step takes away has a minus.
fn taken(step: Step, n: i64) -> String {
    if step.takes_away() && n != 0 { format::count(-n) } else { format::count(n) }
}

fn share(n: i64, of: i64) -> String {
    if of == 0 { format::NONE.to_owned() } else { format::percent(n as f64 / of as f64) }
}

/// The waterfall in a sentence, for those who do not see the drawing.
fn outline(waterfall: &Waterfall) -> String {
    let part =
        |step: Step| format!("{} {}", step.label(waterfall.figure).to_lowercase(), taken(step, waterfall.get(step)));
    shown(waterfall).map(part).collect::<Vec<_>>().join(", ")
}

fn drawn(waterfall: &Waterfall) -> Vec<Bar> {
    let mut level = 0;
    let mut bars = Vec::new();
    for step in shown(waterfall) {
        let n = waterfall.get(step);
        if !step.takes_away() {
            level = n;
            let kind = if step == Step::Billable { Kind::Result } else { Kind::Level };
            bars.push(bar(step.label(waterfall.figure), kind, n, (0, n), waterfall));
            continue;
        }
        let parts: Vec<(String, i64)> = match step {
            Step::Rejected if n != 0 => refusals(&waterfall.rejected),
            _ => vec![(step.label(waterfall.figure).to_owned(), n)],
        };
        for (label, n) in parts {
            bars.push(bar(&label, Kind::Taken, n, (level, level - n), waterfall));
            level -= n;
        }
    }
    bars
}

/// The reasons of refusals, the rarest of many as one.
fn refusals(rejected: &[(String, i64)]) -> Vec<(String, i64)> {
    let (told, rest) = rejected.split_at(rejected.len().min(CODES_DRAWN));
    let mut parts = told.to_vec();
    let others: i64 = rest.iter().map(|(_, n)| n).sum();
    if others != 0 {
        parts.push(("other reasons".to_owned(), others));
    }
    parts
}

fn bar(label: &str, kind: Kind, n: i64, (from, to): (i64, i64), waterfall: &Waterfall) -> Bar {
    let value = if kind == Kind::Taken && n != 0 { format::count(-n) } else { format::count(n) };
    let hover = format!("{label}: {value} ({} of received)", share(n, waterfall.received));
    Bar { label: label.to_owned(), value, hover, from: from as f64, to: to as f64, kind }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::billing::{BillableFigure, Intake};
    use domain::figures::Counts;

    #[test]
    fn bars_follow_on_each_other() {
        let intake = Intake { rejected: (1..9).map(|i| (format!("code {i}"), i)).collect(), duplicates: 2 };
        let waterfall = Waterfall::of(BillableFigure::Reach, intake, &Counts::default(), &Counts::default());
        let bars = drawn(&waterfall);
        assert_eq!(bars[0].to, 38.0);
        for pair in bars.windows(2).filter(|pair| pair[1].kind == Kind::Taken) {
            assert_eq!(pair[0].to, pair[1].from);
        }
        assert!(bars.iter().any(|bar| bar.label == "other reasons" && bar.from - bar.to == 6.0));
        assert_eq!(bars.last().map(|bar| (bar.to, bar.kind)), Some((0.0, Kind::Result)));
    }
}
