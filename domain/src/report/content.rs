//! A report as it is printed: nothing that it suppresses is in here.

use super::imported::Imported;
use super::rules::{Rules, Wording};
use super::suppress::Said;
use super::template::{TableBy, Template};
use crate::figures::{CTR_DEFINITION, Figure, Scope};
use crate::period::Period;
use crate::text::grouped;
use crate::timestamp::Timestamp;
use crate::zone::Zone;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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
    /// Of reports that were made before it was kept with them there is none: they are printed in the program's words, which are
    /// the same as long as the rules have their first version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<Wording>,
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

    /// What has changed of how it is counted: the time zone, and what figures and rules say.
    fn rules_since(&self, before: &Self) -> Vec<Change> {
        let zone = |it: &Self| it.time_zone.name().to_owned();
        let mut changes = Vec::new();
        if zone(before) != zone(self) {
            changes.push(Change { what: "Time zone".to_owned(), before: zone(before), after: zone(self) });
        }
        let mut definition = |of: &str, before: &str, after: &str| {
            if before != after {
                let what = format!("Definition of {of}");
                changes.push(Change { what, before: before.to_owned(), after: after.to_owned() });
            }
        };
        for (figure, _, after) in self.defined() {
            definition(&figure.label().to_lowercase(), before.definition(figure).unwrap_or(after), after);
        }
        if self.total_ctr().and(before.total_ctr()).is_some() {
            definition("click-through rate", before.ctr_definition(), self.ctr_definition());
        }
        let (mut old, mut new) = (before.rule_sentences().into_owned(), self.rule_sentences().into_owned());
        let most = old.len().max(new.len());
        old.resize(most, String::new());
        new.resize(most, String::new());
        for (before, after) in old.into_iter().zip(new).filter(|(before, after)| before != after) {
            changes.push(Change { what: "Rules".to_owned(), before, after });
        }
        changes
    }

    /// The figures with their totals, and what each means.
    pub fn defined(&self) -> impl Iterator<Item = (Figure, Cell, &str)> {
        let words = |at: usize, figure: Figure| {
            let kept = self.wording.as_ref().and_then(|wording| wording.figures.get(at));
            kept.map_or_else(|| figure.definition(), String::as_str)
        };
        let totals = self.figures.iter().zip(&self.total).enumerate();
        totals.map(move |(at, (figure, cell))| (*figure, *cell, words(at, *figure)))
    }

    /// What a figure means, if the report has it.
    #[must_use]
    pub fn definition(&self, figure: Figure) -> Option<&str> {
        self.defined().find(|(it, ..)| *it == figure).map(|(.., definition)| definition)
    }

    /// What the click-through rate means.
    #[must_use]
    pub fn ctr_definition(&self) -> &str {
        self.wording.as_ref().map_or(CTR_DEFINITION, |wording| &wording.ctr)
    }

    /// The rules in sentences, one for each.
    #[must_use]
    pub fn rule_sentences(&self) -> Cow<'_, [String]> {
        self.wording.as_ref().map_or_else(|| self.rules.sentences().into(), |wording| wording.rules.as_slice().into())
    }

    /// A figure's total, if the report has the figure.
    #[must_use]
    pub fn total_of(&self, figure: Figure) -> Option<Cell> {
        self.defined().find(|(it, ..)| *it == figure).map(|(_, cell, _)| cell)
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
            wording: None,
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
    fn a_report_keeps_its_words_and_one_without_has_the_programs() {
        let none = content(&[Figure::Reach], &[Cell::Count(120)], &[]);
        let json = serde_json::to_value(&none).unwrap();
        assert!(json.get("wording").is_none());
        assert_eq!(serde_json::from_value::<Content>(json).unwrap(), none);
        let said = |it: &Content| {
            let figures: Vec<_> = it.defined().map(|(.., text)| text.to_owned()).collect();
            (figures, it.ctr_definition().to_owned(), it.rule_sentences().into_owned())
        };
        let own = Wording::in_force(&none.figures, &none.rules);
        assert_eq!(said(&none), (own.figures.clone(), own.ctr.clone(), own.rules.clone()));
        let kept = Content { wording: Some(own.clone()), ..none.clone() };
        assert_eq!((said(&kept), kept.changes_since(&none)), (said(&none), Vec::new()));

        let old =
            Wording { figures: vec!["People".to_owned()], ctr: "A share".to_owned(), rules: vec!["Fair".to_owned()] };
        let old = Content { wording: Some(old), ..none };
        let words = |text: &str| text.to_owned();
        assert_eq!(said(&old), (vec![words("People")], words("A share"), vec![words("Fair")]));
        let changes = kept.changes_since(&old);
        assert_eq!(changes[0].what, "Definition of reach");
        assert_eq!((&changes[0].before, &changes[0].after), (&words("People"), &own.figures[0]));
        assert_eq!((&changes[1].before, &changes[1].after), (&words("Fair"), &own.rules[0]));
        let figures = [Figure::Reach, Figure::ConvertedSessions];
        let rated = content(&figures, &[Cell::Count(120), Cell::Count(30)], &[]);
        let own = Wording { ctr: words("A share"), ..Wording::in_force(&rated.figures, &rated.rules) };
        let changes = rated.changes_since(&Content { wording: Some(own), ..rated.clone() });
        assert_eq!(changes.iter().map(|it| it.what.as_str()).collect::<Vec<_>>(), ["Definition of click-through rate"]);
        // A figure that is new has no definition before.
        assert!(kept.changes_since(&content(&[], &[], &[])).iter().all(|it| !it.what.starts_with("Definition")));
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
