//! How figures are printed, as JSON and as CSV: the same names, the same order, only what a view gives exactly.

use crate::api::csv;
use domain::Zone;
use domain::account::Tier;
use domain::figures::{Counts, Figure, Scope, six_decimals};
use domain::period::{BreakdownRows, Summary, Timeseries};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The counts that a scope gives, as the members of an object.
pub struct Figures<'a> {
    pub scope: Scope,
    pub counts: &'a Counts,
}

impl Serialize for Figures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        for figure in self.scope.figures() {
            members.serialize_entry(figure.name(), &self.counts.get(figure))?;
        }
        if self.scope.ctr_of().is_some() {
            members.serialize_entry("ctr", &self.counts.ctr(self.scope).map(six_decimals))?;
        }
        members.end()
    }
}

/// What is the same at the head of each answer.
#[derive(Serialize)]
struct Head {
    from: String,
    to: String,
    time_zone: Option<&'static str>,
    tier: &'static str,
}

fn head(period: domain::period::Period, time_zone: Option<Zone>, tier: Option<Tier>) -> Head {
    Head {
        from: period.from.to_string(),
        to: period.to.to_string(),
        time_zone: time_zone.map(Zone::name),
        tier: tier.unwrap_or(Tier::Production).as_str(),
    }
}

/// The JSON of a summary.
pub fn summary_json(summary: &Summary, tier: Option<Tier>) -> impl Serialize {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        head: Head,
        figures: Figures<'a>,
    }
    let figures = Figures { scope: summary.scope, counts: &summary.counts };
    Body { head: head(summary.period, summary.time_zone, tier), figures }
}

/// The JSON of a time series.
pub fn timeseries_json(series: &Timeseries, tier: Option<Tier>) -> impl Serialize {
    #[derive(Serialize)]
    struct Bucket<'a> {
        start: String,
        end: String,
        figures: Figures<'a>,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        head: Head,
        interval: &'static str,
        buckets: Vec<Bucket<'a>>,
    }
    let buckets = series.buckets.iter().map(|(bucket, counts)| Bucket {
        start: bucket.start.to_string(),
        end: bucket.end.to_string(),
        figures: Figures { scope: series.scope, counts },
    });
    Body {
        head: head(series.period, series.time_zone, tier),
        interval: series.interval.as_str(),
        buckets: buckets.collect(),
    }
}

/// The JSON of a breakdown.
pub fn breakdown_json(page: &BreakdownRows, tier: Option<Tier>) -> impl Serialize {
    #[derive(Serialize)]
    struct Row<'a> {
        key: &'a str,
        name: &'a str,
        figures: Figures<'a>,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        head: Head,
        by: &'static str,
        rows: Vec<Row<'a>>,
        next_cursor: Option<&'a str>,
    }
    let rows = page.rows.iter().map(|row| Row {
        key: &row.key,
        name: &row.name,
        figures: Figures { scope: page.scope, counts: &row.counts },
    });
    Body {
        head: head(page.period, page.time_zone, tier),
        by: page.by.as_str(),
        rows: rows.collect(),
        next_cursor: page.next_cursor.as_deref(),
    }
}

/// A summary as a table of one row.
#[must_use]
pub fn summary_csv(summary: &Summary) -> Vec<u8> {
    let mut table = csv::Table::new(&columns(&["from", "to", "time_zone"], summary.scope));
    let zone = summary.time_zone.map_or("", Zone::name);
    let head = [summary.period.from.to_string(), summary.period.to.to_string(), zone.to_owned()];
    table.row(head.into_iter().chain(cells(summary.scope, &summary.counts)));
    table.finish()
}

/// A time series as a table with a row for each bucket.
#[must_use]
pub fn timeseries_csv(series: &Timeseries) -> Vec<u8> {
    let mut table = csv::Table::new(&columns(&["start", "end"], series.scope));
    for (bucket, counts) in &series.buckets {
        let head = [bucket.start.to_string(), bucket.end.to_string()];
        table.row(head.into_iter().chain(cells(series.scope, counts)));
    }
    table.finish()
}

/// Pages of a breakdown as one table.
#[must_use]
pub fn breakdown_csv(scope: Scope, pages: &[&BreakdownRows]) -> Vec<u8> {
    let mut table = csv::Table::new(&columns(&["key", "name"], scope));
    for row in pages.iter().flat_map(|page| &page.rows) {
        let head = [row.key.clone(), row.name.clone()];
        table.row(head.into_iter().chain(cells(scope, &row.counts)));
    }
    table.finish()
}

fn columns(head: &[&'static str], scope: Scope) -> Vec<&'static str> {
    let figures = scope.figures().map(Figure::name);
    let ctr = scope.ctr_of().map(|_| "ctr");
    head.iter().copied().chain(figures).chain(ctr).collect()
}

fn cells(scope: Scope, counts: &Counts) -> impl Iterator<Item = String> {
    let figures = scope.figures().map(|figure| counts.get(figure).to_string());
    let ctr = scope.ctr_of().map(|_| counts.ctr(scope).map_or(String::new(), |ctr| six_decimals(ctr).to_string()));
    figures.chain(ctr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_scope_gives_is_printed() {
        let mut counts = Counts::default();
        counts.add(Figure::Reach, 3);
        counts.add(Figure::ConvertedSessions, 1);
        let json = |scope: Scope| serde_json::to_value(Figures { scope, counts: &counts }).unwrap();
        assert_eq!(json(Scope::Application)["ctr"], 0.333_333);
        assert_eq!(json(Scope::Helpline)["ctr"], serde_json::Value::Null);
        assert!(json(Scope::Helpline).get("reach").is_none() && json(Scope::Method).get("ctr").is_none());
        assert_eq!(columns(&["key"], Scope::Application).len(), 13);
        assert_eq!(cells(Scope::Application, &counts).last().as_deref(), Some("0.333333"));
    }
}
