//! A report as it is printed: nothing that it suppresses is in here.

use super::imported::Imported;
use super::template::{TableBy, Template};
use crate::figures::Figure;
use crate::metering;
use crate::period::Period;
use crate::text::grouped;
use crate::timestamp::Timestamp;
use crate::zone::Zone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
        changes
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

    /// Which cells a reader of this report has seen, and whether as a number.
    #[must_use]
    pub fn known(&self) -> BTreeMap<Place, bool> {
        self.cells().into_iter().map(|(place, _, cell)| (place, matches!(cell, Cell::Count(_)))).collect()
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
