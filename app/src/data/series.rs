//! The chart over time.

use super::{Choice, Link};
use crate::error::UiError;

use crate::{
    chart::{self, Plot, Point},
    format,
    question::{self, Question},
};

/// A chart, and the table behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The same drawing for screens of several widths, as SVG of the server's own making.
    pub drawings: String,
    /// What must not be read into the drawing.
    pub note: Option<String>,
    /// What can be charted.
    pub figures: Vec<Choice>,
    /// What is charted.
    pub figure: String,
    pub label: String,
    pub definition: String,
    pub intervals: Vec<Link>,
    pub columns: Vec<String>,
    /// Label and cells of every bucket.
    pub rows: Vec<(String, Vec<String>)>,
    /// The address of a file with the same table.
    pub csv: String,
}

use domain::{
    figures::{CTR_DEFINITION, Counts, Figure, HELPLINE_CTR_DEFINITION, Scope},
    period::{Bucket, Interval, Timeseries},
};

/// The chart of the overview.
///
/// # Errors
/// Those of the engine.
pub async fn series(question: &Question) -> Result<Series, UiError> {
    let Question { engine, reader, period, filter, interval, .. } = question;
    let series = engine.timeseries(reader, *period, *interval, filter).await?;
    let shown = Shown::chosen(question.query.figure.as_deref(), series.scope);
    let plot = plot(&series, shown, question);
    let scope = series.scope;
    let mut columns: Vec<String> = scope.figures().map(|figure| figure.label().to_owned()).collect();
    columns.extend(scope.ctr_of().map(|_| Shown::Rate.label(scope).to_owned()));
    let choices = Shown::all(scope).into_iter();
    Ok(Series {
        drawings: chart::SIZES.iter().map(|size| chart::draw(&plot, *size)).collect(),
        note: plot.points.iter().any(|point| point.is_running).then(|| RUNNING.to_owned()),
        figures: choices.map(|s| Choice { value: s.name().to_owned(), label: s.label(scope).to_owned() }).collect(),
        figure: shown.name().to_owned(),
        label: shown.label(scope).to_owned(),
        definition: shown.definition(scope).to_owned(),
        intervals: intervals(question),
        columns,
        rows: series.buckets.iter().map(|(bucket, counts)| row(&series, bucket, counts)).collect(),
        csv: question.download("timeseries"),
    })
}

/// What a chart shows: a figure, or the click-through rate.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Count(Figure),
    Rate,
}

impl Shown {
    /// What the scope gives exactly.
    fn all(scope: Scope) -> Vec<Self> {
        let mut all: Vec<Self> = scope.figures().map(Self::Count).collect();
        all.extend(scope.ctr_of().map(|_| Self::Rate));
        all
    }

    /// What the address asks for if it can be shown, else the figure that says most.
    fn chosen(name: Option<&str>, scope: Scope) -> Self {
        let all = Self::all(scope);
        let of = |name: &str| all.iter().copied().find(|shown| shown.name() == name);
        let usual = || ["reach", "unique_displays", "net_clicks"].into_iter().find_map(of);
        name.and_then(of).or_else(usual).unwrap_or(Self::Count(Figure::GrossClicks))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Count(figure) => figure.name(),
            Self::Rate => "ctr",
        }
    }

    const fn label(self, scope: Scope) -> &'static str {
        match (self, scope) {
            (Self::Count(figure), _) => figure.label(),
            (Self::Rate, Scope::Helpline) => "Helpline CTR",
            (Self::Rate, _) => "CTR",
        }
    }

    const fn definition(self, scope: Scope) -> &'static str {
        match (self, scope) {
            (Self::Count(figure), _) => figure.definition(),
            (Self::Rate, Scope::Helpline) => HELPLINE_CTR_DEFINITION,
            (Self::Rate, _) => CTR_DEFINITION,
        }
    }
}

/// Why the line ends in dots.
const RUNNING: &str = "Dotted: the last step is not over yet, and its value still changes.";

fn plot(series: &Timeseries, shown: Shown, question: &Question) -> Plot {
    let (scope, now) = (series.scope, question.engine.now());
    let points = series.buckets.iter().map(|(bucket, counts)| {
        let (value, text) = match shown {
            // Of what has not begun there is nothing to draw.
            _ if bucket.start > now => (None, format::NONE.to_owned()),
            Shown::Count(figure) => (Some(counts.get(figure) as f64), format::count(counts.get(figure))),
            Shown::Rate => (counts.ctr(scope), format::percent_or_none(counts.ctr(scope))),
        };
        let label = format!("{}: {text}", bucket_label(series, bucket));
        Point { tick: tick(series, bucket), label, value, is_running: bucket.start <= now && now < bucket.end }
    });
    let label = shown.label(scope);
    Plot {
        description: format!("{label} {}, {}", question.interval.label().to_lowercase(), format::period(series.period)),
        is_ratio: shown == Shown::Rate,
        points: points.collect(),
    }
}

fn row(series: &Timeseries, bucket: &Bucket, counts: &Counts) -> (String, Vec<String>) {
    let scope = series.scope;
    let mut cells: Vec<String> = scope.figures().map(|figure| format::count(counts.get(figure))).collect();
    cells.extend(scope.ctr_of().map(|_| format::percent_or_none(counts.ctr(scope))));
    (bucket_label(series, bucket), cells)
}

fn tick(series: &Timeseries, bucket: &Bucket) -> String {
    match series.interval {
        Interval::Hour if series.period.days() <= 2 => clock(series, bucket),
        Interval::Hour if clock(series, bucket) != "00:00" => String::new(),
        Interval::Hour | Interval::Day | Interval::Week => format::day_short(bucket.day),
        Interval::Month => format::month(bucket.day),
    }
}

fn bucket_label(series: &Timeseries, bucket: &Bucket) -> String {
    match series.interval {
        Interval::Hour => format!("{}, {}", format::day_long(bucket.day), clock(series, bucket)),
        Interval::Day => format::day_long(bucket.day),
        Interval::Week => format!("Week from {}", format::day(bucket.day)),
        Interval::Month => format::month(bucket.day),
    }
}

fn clock(series: &Timeseries, bucket: &Bucket) -> String {
    format::clock(series.time_zone.unwrap_or(domain::Zone::UTC).local(bucket.start))
}

fn intervals(question: &Question) -> Vec<Link> {
    let link = |interval: Interval| Link {
        label: interval.label().to_owned(),
        href: question.href(|query| query.interval = Some(interval.as_str().to_owned())),
        is_current: interval == question.interval,
    };
    question::intervals(question.period, question.reader.time_zone()).into_iter().map(link).collect()
}
