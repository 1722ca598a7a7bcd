//! A report as it is printed: nothing that it suppresses is in here.

use super::imported::Imported;
use super::suppress::Said;
use super::template::{TableBy, Template};
use crate::figures::{Figure, Scope};
use crate::metering;
use crate::period::Period;
use crate::text::grouped;
use crate::timestamp::Timestamp;
use crate::zone::Zone;
use serde::{Deserialize, Serialize};

/// Format of [`Content`] and of the files made from it.
pub const CONTENT_VERSION: u32 = 1;

/// A printed count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    Count(i64),
    /// From 1 to one less than the report's threshold.
    Small,
    /// Not printed, as it would give a small one away.
    Withheld,
    /// The table does not give this figure exactly.
    Absent,
}

impl Cell {
    /// As files print it: `1234`, `<10`, `withheld`, or nothing.
    #[must_use]
    pub fn plain(self, suppress_below: Option<u32>) -> String {
        match self {
            Self::Count(n) => n.to_string(),
            Self::Small => format!("<{}", suppress_below.unwrap_or_default()),
            Self::Withheld => "withheld".to_owned(),
            Self::Absent => String::new(),
        }
    }

    /// As people read it: `1,234`, `<10`, `withheld` or a dash.
    #[must_use]
    pub fn text(self, suppress_below: Option<u32>) -> String {
        match self {
            Self::Count(n) => grouped(&n.to_string()),
            Self::Absent => "–".to_owned(),
            _ => self.plain(suppress_below),
        }
    }
}

/// The parameters of the rules by which a report was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Of the rules by which figures are counted.
    pub version: u32,
    /// Displays, and clicks, that follow each other within this many seconds are net one.
    pub repeat_seconds: i64,
    /// A click belongs to a display at most this many hours before it.
    pub attribution_hours: i64,
    /// Displays in a session that follow each other within this many seconds are one notification.
    pub notification_seconds: i64,
    /// Counts from 1 up to, not including, this are suppressed; `None`: none are.
    pub suppress_below: Option<u32>,
}

impl Rules {
    /// The rules in force.
    #[must_use]
    pub const fn in_force(suppress_below: Option<u32>) -> Self {
        Self {
            version: metering::RULES_VERSION,
            repeat_seconds: metering::REPEAT_MS / 1_000,
            attribution_hours: metering::ATTRIBUTION_MS / 3_600_000,
            notification_seconds: metering::NOTIFICATION_MS / 1_000,
            suppress_below,
        }
    }

    /// The rules in sentences, one for each.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![
            format!("Figures are counted by version {} of these rules.", self.version),
            format!(
                "Net figures: of displays of one helpline, or clicks on one of its contact methods, that follow each other in \
                 a session within {} seconds, only the last counts.",
                self.repeat_seconds
            ),
            format!(
                "A click is attributed to a display of the same helpline in the same session at most {} hours before it.",
                self.attribution_hours
            ),
            format!(
                "Notifications: displays in one session that follow each other within {} seconds, of whichever helplines, are \
                 one notification. A notification is a referral, not a display: the two numbers differ.",
                self.notification_seconds
            ),
        ];
        if let Some(k) = self.suppress_below {
            sentences.push(format!(
                "Counts from 1 to {} are printed as <{k}; others are withheld where they would give one of these away.",
                k - 1
            ));
        }
        sentences
    }
}

/// A text of the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub key: String,
    pub label: String,
    pub text: String,
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The month, code or id.
    pub key: String,
    pub name: String,
    /// In the order of the report's figures.
    pub cells: Vec<Cell>,
}

/// The total broken down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub by: TableBy,
    pub rows: Vec<Row>,
}

/// What is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub content_version: u32,
    pub template: Template,
    /// The customer's name at that time.
    pub customer: String,
    pub period: Period,
    pub time_zone: Zone,
    pub figures: Vec<Figure>,
    /// In the order of the figures.
    pub total: Vec<Cell>,
    pub tables: Vec<Table>,
    pub texts: Vec<Text>,
    pub rules: Rules,
    /// When it was counted.
    pub counted_at: Timestamp,
    /// What was imported of the period without sessions, and is in none of the figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
}

/// What a new version changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What it is about, such as `Notifications, Germany`.
    pub what: String,
    pub before: String,
    pub after: String,
}

impl Content {
    /// What has changed since a version before it, as it is printed.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let (old, new) = (before.cells(), self.cells());
        let absent = || "not in it".to_owned();
        for (at, what, cell) in &new {
            let after = cell.text(self.rules.suppress_below);
            let earlier = old.iter().find(|(it, ..)| it == at);
            let earlier = earlier.map_or_else(absent, |(.., cell)| cell.text(before.rules.suppress_below));
            if earlier != after {
                changes.push(Change { what: what.clone(), before: earlier, after });
            }
        }
        for (_, what, cell) in old.iter().filter(|(at, ..)| !new.iter().any(|(it, ..)| it == at)) {
            let before = cell.text(before.rules.suppress_below);
            changes.push(Change { what: what.clone(), before, after: absent() });
        }
        for text in &self.texts {
            let earlier = before.texts.iter().find(|it| it.key == text.key).map(|it| it.text.as_str());
            if earlier != Some(&text.text) {
                let before = earlier.unwrap_or_default().to_owned();
                changes.push(Change { what: text.label.clone(), before, after: text.text.clone() });
            }
        }
        for text in before.texts.iter().filter(|text| !self.texts.iter().any(|it| it.key == text.key)) {
            let change = Change { what: text.label.clone(), before: text.text.clone(), after: String::new() };
            changes.push(change);
        }
        let imported = |it: &Self| it.imported.as_ref().map(|imported| imported.brief(it.rules.suppress_below));
        let (earlier, after) = (imported(before), imported(self));
        if earlier != after {
            let [before, after] = [earlier, after].map(|it| it.unwrap_or_else(|| "none".to_owned()));
            changes.push(Change { what: "Imported without sessions".to_owned(), before, after });
        }
        if before.template.version != self.template.version {
            let version = |it: &Self| format!("version {}", it.template.version);
            changes.push(Change { what: "Template".to_owned(), before: version(before), after: version(self) });
        }
        changes.extend(self.rules_since(before));
        changes
    }

    /// What has changed of how it is counted: a sentence of the rules each, and the time zone.
    fn rules_since(&self, before: &Self) -> Vec<Change> {
        let zone = |it: &Self| it.time_zone.name().to_owned();
        let mut changes = Vec::new();
        if zone(before) != zone(self) {
            changes.push(Change { what: "Time zone".to_owned(), before: zone(before), after: zone(self) });
        }
        let (mut old, mut new) = (before.rules.sentences(), self.rules.sentences());
        let most = old.len().max(new.len());
        old.resize(most, String::new());
        new.resize(most, String::new());
        for (before, after) in old.into_iter().zip(new).filter(|(before, after)| before != after) {
            changes.push(Change { what: "Rules".to_owned(), before, after });
        }
        changes
    }

    /// A figure's total, if the report has the figure.
    #[must_use]
    pub fn total_of(&self, figure: Figure) -> Option<Cell> {
        self.figures.iter().position(|it| *it == figure).and_then(|at| self.total.get(at).copied())
    }

    /// The click-through rate of the whole, from 0 to 1, as a reader can work it out: `None` unless both of its counts are
    /// printed, and there is something to divide by.
    #[must_use]
    pub fn total_ctr(&self) -> Option<f64> {
        let (of, all) = Scope::Application.ctr_of()?;
        match (self.total_of(of)?, self.total_of(all)?) {
            (Cell::Count(of), Cell::Count(all)) if all > 0 => Some(of as f64 / all as f64),
            _ => None,
        }
    }

    /// What is said of counts that were imported without sessions, if there are any.
    #[must_use]
    pub fn imported_sentence(&self) -> Option<String> {
        self.imported.as_ref().map(|imported| imported.sentence(self.rules.suppress_below))
    }

    /// Every printed cell, with its place and its name.
    fn cells(&self) -> Vec<(Place, String, Cell)> {
        let of = |by: Option<TableBy>, key: &str, name: &str, cells: &[Cell]| -> Vec<(Place, String, Cell)> {
            let named = |(figure, cell): (&Figure, &Cell)| {
                (Place { by, key: key.to_owned(), figure: *figure }, format!("{}, {name}", figure.label()), *cell)
            };
            self.figures.iter().zip(cells).map(named).filter(|(.., cell)| *cell != Cell::Absent).collect()
        };
        let mut cells = of(None, "", "total", &self.total);
        for table in &self.tables {
            cells.extend(table.rows.iter().flat_map(|row| of(Some(table.by), &row.key, &row.name, &row.cells)));
        }
        cells
    }

    /// What a reader of this report has seen of its cells.
    #[must_use]
    pub fn said(&self) -> Vec<(Place, Said)> {
        let k = self.rules.suppress_below.map_or(0, i64::from);
        self.cells().into_iter().map(|(place, _, cell)| (place, Said { cell, k })).collect()
    }
}

/// Where in a report a cell is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `None`: the total.
    pub by: Option<TableBy>,
    /// Key of the row; empty for the total.
    pub key: String,
    pub figure: Figure,
}

#[cfg(test)]
mod tests {
    use super::super::imported::Contribution;
    use super::*;
    use crate::zone::Month;

    fn content(figures: &[Figure], total: &[Cell], texts: &[(&str, &str)]) -> Content {
        let month: Month = "2026-03".parse().unwrap();
        let text = |(key, text): &(&str, &str)| Text {
            key: (*key).to_owned(),
            label: format!("About {key}"),
            text: (*text).to_owned(),
        };
        let template = serde_json::from_str(
            r#"{"key": "t", "version": 1, "title": "T", "summary": "", "law": "", "source_url": "", "period": "months",
                "is_chosen": true, "figures": [], "tables": [], "texts": [], "suppresses": true, "is_public": false}"#,
        );
        Content {
            content_version: CONTENT_VERSION,
            template: template.unwrap(),
            customer: "Acme".to_owned(),
            period: Period::new(month.first_day(), month.plus(1).first_day()).unwrap(),
            time_zone: Zone::UTC,
            figures: figures.to_vec(),
            total: total.to_vec(),
            tables: Vec::new(),
            texts: texts.iter().map(text).collect(),
            rules: Rules::in_force(Some(10)),
            counted_at: Timestamp::from_millis(0),
            imported: None,
        }
    }

    #[test]
    fn what_was_imported_is_a_change_and_older_reports_have_none() {
        let plain = content(&[Figure::Reach], &[Cell::Count(120)], &[]);
        let json = serde_json::to_value(&plain).unwrap();
        assert!(json.get("imported").is_none());
        assert_eq!(serde_json::from_value::<Content>(json).unwrap(), plain);
        let days = (plain.period.from, plain.period.from.plus(1));
        let contribution = Contribution { displays: 1_200, clicks: 3, first: days.0, last: days.1 };
        let marked = Content { imported: Imported::of(&[contribution], 10, &[]), ..plain.clone() };
        let change = |what: &str, before: &str, after: &str| Change {
            what: what.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let text = "1,200 displays, withheld clicks; 2026-03-01 to 2026-03-31";
        assert_eq!(marked.changes_since(&plain), [change("Imported without sessions", "none", text)]);
        assert_eq!(plain.changes_since(&marked), [change("Imported without sessions", text, "none")]);
        assert_eq!(marked.changes_since(&marked), []);
        assert!(marked.imported_sentence().unwrap().contains("1,200 displays"));
    }

    #[test]
    fn another_time_zone_and_other_rules_are_changes() {
        let before = content(&[], &[], &[]);
        let rules = Rules { repeat_seconds: 60, suppress_below: None, ..before.rules };
        let after = Content { time_zone: "Europe/Berlin".parse().unwrap(), rules, ..before.clone() };
        let changes = after.changes_since(&before);
        let whats: Vec<_> = changes.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(whats, ["Time zone", "Rules", "Rules"]);
        assert_eq!((changes[0].before.as_str(), changes[0].after.as_str()), ("UTC", "Europe/Berlin"));
        assert!(changes[1].before.contains("30 seconds") && changes[1].after.contains("60 seconds"));
        assert!(changes[2].before.contains("printed as <10") && changes[2].after.is_empty());
    }

    #[test]
    fn a_rate_is_worked_out_of_printed_counts_only() {
        let of = |converted, reach| {
            content(&[Figure::Reach, Figure::ConvertedSessions], &[reach, converted], &[]).total_ctr()
        };
        assert_eq!(of(Cell::Count(30), Cell::Count(120)), Some(0.25));
        for (converted, reach) in
            [(Cell::Small, Cell::Count(120)), (Cell::Count(30), Cell::Withheld), (Cell::Count(0), Cell::Count(0))]
        {
            assert_eq!(of(converted, reach), None, "{converted:?} of {reach:?}");
        }
        assert_eq!(content(&[Figure::Reach], &[Cell::Count(120)], &[]).total_ctr(), None);
    }

    #[test]
    fn texts_that_come_and_go_are_changes() {
        let of = |texts: &[(&str, &str)]| content(&[], &[], texts);
        let change = |what: &str, before: &str, after: &str| Change {
            what: what.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let changes = of(&[("a", "1"), ("b", "2")]).changes_since(&of(&[("b", "3"), ("c", "4")]));
        assert_eq!(changes, [change("About a", "", "1"), change("About b", "3", "2"), change("About c", "4", "")]);
    }
}
