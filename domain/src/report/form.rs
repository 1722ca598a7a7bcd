//! What somebody asks for, checked against its template.

use super::template::{PeriodKind, TableBy, Template, figure, named_all};
use crate::fault::{FaultCode, Faults};
use crate::figures::Figure;
use crate::period::Period;
use crate::text::{self, TEXT_CHARS_MAX};
use crate::timestamp::Timestamp;
use crate::zone::{Month, Zone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest period of a report, in months.
pub const MONTHS_MAX: i32 = 36;
/// Counts below this are small, unless the installation says otherwise.
pub const SUPPRESS_BELOW_DEFAULT: u32 = 10;
/// Smallest and largest threshold that can be set: of two possible numbers one is no secret.
pub const SUPPRESS_BELOW_RANGE: std::ops::RangeInclusive<u32> = 3..=1_000;

/// What somebody asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportForm {
    /// Key of the template.
    pub template: String,
    /// A year (`2026`), a month (`2026-03`) or months from one up to and including another (`2026-01/2026-06`).
    pub period: String,
    /// Names of figures, where the template lets choose; none for all.
    #[serde(default)]
    pub figures: Vec<String>,
    /// Names of tables, where the template lets choose; none for all.
    #[serde(default)]
    pub tables: Vec<String>,
    /// Texts that the template asks for, by their keys. Those that are missing are the customer's as they were last.
    #[serde(default)]
    pub texts: BTreeMap<String, String>,
    /// Why an approved report is corrected; required then.
    #[serde(default)]
    pub reason: String,
}

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub first: Month,
    /// Inclusive.
    pub last: Month,
    pub figures: Vec<Figure>,
    pub tables: Vec<TableBy>,
    /// By their keys. An optional one that somebody has taken away is empty.
    pub texts: BTreeMap<String, String>,
    pub reason: Option<String>,
}

impl Wanted {
    /// The days of the report.
    ///
    /// # Errors
    /// Never, of what [`ReportForm::parse`] has let through.
    pub fn period(&self) -> Result<Period, Faults> {
        Period::new(self.first.first_day(), self.last.plus(1).first_day())
    }
}

impl ReportForm {
    /// Checks what is asked for. `kept` are the customer's texts as they were last; the period must be over, in the
    /// customer's zone.
    ///
    /// # Errors
    /// All faults.
    pub fn parse(
        &self,
        template: &Template,
        kept: &BTreeMap<String, String>,
        zone: Zone,
        now: Timestamp,
    ) -> Result<Wanted, Faults> {
        let mut faults = Faults::default();
        let months = months(&self.period, template.period, zone, now, &mut faults);
        let (mut figures, mut tables) = (template.figures.clone(), template.tables.clone());
        if template.is_chosen {
            let (all_figures, all_tables) = (template.figures.clone(), template.tables.clone());
            let known = |name: &str| figure(name).filter(|figure| all_figures.contains(figure));
            let chosen = named_all("figures", &self.figures, known, &mut faults);
            figures.retain(|figure| chosen.is_empty() || chosen.contains(figure));
            let known = |name: &str| TableBy::from_name(name).filter(|by| all_tables.contains(by));
            let chosen = named_all("tables", &self.tables, known, &mut faults);
            tables.retain(|by| chosen.is_empty() || chosen.contains(by));
        } else {
            for (field, given) in [("figures", &self.figures), ("tables", &self.tables)] {
                if !given.is_empty() {
                    faults.add(field, FaultCode::FieldInvalid, "This report has no others than its own.");
                }
            }
        }
        let texts = texts(template, &self.texts, kept, &mut faults);
        let reason = text::optional("reason", Some(&self.reason), TEXT_CHARS_MAX, &mut faults);
        match months {
            Some((first, last)) => faults.or(Wanted { first, last, figures, tables, texts, reason }),
            None => Err(faults),
        }
    }
}

fn texts(
    template: &Template,
    given: &BTreeMap<String, String>,
    kept: &BTreeMap<String, String>,
    faults: &mut Faults,
) -> BTreeMap<String, String> {
    for key in given.keys().filter(|key| !template.texts.iter().any(|field| field.key == **key)) {
        faults.add(format!("texts.{key}"), FaultCode::FieldInvalid, "This report has no such text.");
    }
    let mut texts = BTreeMap::new();
    for field in &template.texts {
        let name = format!("texts.{}", field.key);
        let text = given.get(&field.key).or_else(|| kept.get(&field.key)).map(String::as_str);
        match text::optional(&name, text, TEXT_CHARS_MAX, faults) {
            Some(text) => drop(texts.insert(field.key.clone(), text)),
            // What is taken away is not kept for the next time either.
            None if field.is_optional => {
                if given.contains_key(&field.key) {
                    texts.insert(field.key.clone(), String::new());
                }
            }
            None => faults.add(name, FaultCode::FieldMissing, "The report asks for this text."),
        }
    }
    texts
}

/// The period of some months as [`ReportForm`] takes it: a year, a month, or two months.
#[must_use]
pub fn period_code(first: Month, last: Month) -> String {
    match last.0 - first.0 {
        0 => first.to_string(),
        11 if first.0.rem_euclid(12) == 0 => (1970 + first.0.div_euclid(12)).to_string(),
        _ => format!("{first}/{last}"),
    }
}

/// First and last month of a period as people write it.
fn months(text: &str, kind: PeriodKind, zone: Zone, now: Timestamp, faults: &mut Faults) -> Option<(Month, Month)> {
    let mut refuse = |detail: &str| {
        faults.add("period", FaultCode::PeriodInvalid, detail);
        None
    };
    let text = text.trim();
    let year = || text.parse::<i32>().ok().filter(|year| text.len() == 4 && (1970..=9_999).contains(year));
    let year = year().map(|year| Month((year - 1970) * 12)).map(|first| (first, first.plus(11)));
    let read = match text.split_once('/') {
        Some((first, last)) => first.trim().parse().ok().zip(last.trim().parse().ok()),
        None => year.or_else(|| text.parse().ok().map(|month| (month, month))),
    };
    let Some((first, last)) = read else {
        return refuse("Enter a year, a month, or two months, such as 2026, 2026-03 or 2026-01/2026-06.");
    };
    if last < first {
        return refuse("It ends before it begins.");
    }
    if last.0 - first.0 >= MONTHS_MAX {
        return refuse("At most 36 months.");
    }
    if kind == PeriodKind::CalendarYear && (first.0.rem_euclid(12), last.0 - first.0) != (0, 11) {
        return refuse("This report is made for a calendar year, such as 2026.");
    }
    if zone.day_start(last.plus(1).first_day()) > now {
        return refuse("It is not over yet: its figures would still change.");
    }
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::super::TextField;
    use super::*;

    fn text(key: &str, is_optional: bool) -> TextField {
        TextField { key: key.to_owned(), label: String::new(), help: String::new(), is_optional }
    }

    fn template(period: PeriodKind, is_chosen: bool) -> Template {
        Template {
            key: "t".to_owned(),
            version: 1,
            title: String::new(),
            summary: String::new(),
            law: String::new(),
            source_url: String::new(),
            period,
            is_chosen,
            figures: vec![Figure::Reach, Figure::Notifications],
            tables: vec![TableBy::Month, TableBy::Country],
            texts: vec![text("how", false)],
            suppresses: true,
            is_public: false,
            is_illustrated: false,
        }
    }

    #[test]
    fn periods_are_whole_past_and_in_order() {
        let now = Timestamp::parse_rfc3339("2027-01-01T05:00:00Z").unwrap();
        let read = |text: &str, kind, zone: &str| {
            let mut faults = Faults::default();
            let read = months(text, kind, zone.parse().unwrap(), now, &mut faults);
            if let Some((first, last)) = read {
                assert_eq!(months(&period_code(first, last), kind, zone.parse().unwrap(), now, &mut faults), read);
            }
            read.map(|(first, last)| format!("{first} {last}")).ok_or(faults)
        };
        let (year, any) = (PeriodKind::CalendarYear, PeriodKind::Months);
        assert_eq!(read("2026", year, "UTC").unwrap(), "2026-01 2026-12");
        assert_eq!(read(" 2026-01/2026-12 ", year, "UTC").unwrap(), "2026-01 2026-12");
        assert_eq!(read("2026-03", any, "UTC").unwrap(), "2026-03 2026-03");
        assert_eq!(read("2024-01/2026-12", any, "UTC").unwrap(), "2024-01 2026-12");
        // In Los Angeles 2026 is not over yet.
        for (text, kind, zone) in [
            ("2026", year, "America/Los_Angeles"),
            ("2027-01", any, "UTC"),
            ("2026-03/2026-01", any, "UTC"),
            ("2023-12/2026-12", any, "UTC"),
            ("2026-02/2027-01", year, "UTC"),
            ("2026-13", any, "UTC"),
            ("", any, "UTC"),
            ("26", any, "UTC"),
        ] {
            assert!(read(text, kind, zone).is_err(), "{text}");
        }
    }

    #[test]
    fn a_report_holds_what_its_template_allows() {
        let now = Timestamp::parse_rfc3339("2027-02-01T00:00:00Z").unwrap();
        let kept = BTreeMap::from([("how".to_owned(), "As before.".to_owned())]);
        let form = |figures: &[&str], texts: &[(&str, &str)]| ReportForm {
            template: "t".to_owned(),
            period: "2026".to_owned(),
            figures: figures.iter().map(|name| (*name).to_owned()).collect(),
            texts: texts.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect(),
            ..ReportForm::default()
        };
        let free = template(PeriodKind::Months, true);
        let wanted = form(&["notifications"], &[]).parse(&free, &kept, Zone::UTC, now).unwrap();
        assert_eq!((wanted.figures, wanted.tables.len()), (vec![Figure::Notifications], 2));
        assert_eq!(wanted.texts, kept);
        let fields = |form: ReportForm, template: &Template, kept| {
            let faults = form.parse(template, kept, Zone::UTC, now).unwrap_err();
            faults.0.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        let none = BTreeMap::new();
        assert_eq!(
            fields(form(&["net_clicks"], &[("why", "x")]), &free, &none),
            ["figures[0]", "texts.why", "texts.how"]
        );
        let fixed = template(PeriodKind::Months, false);
        assert_eq!(fields(form(&["reach"], &[("how", " ")]), &fixed, &kept), ["figures", "texts.how"]);
    }

    #[test]
    fn optional_texts_can_be_left_out_and_taken_away() {
        let now = Timestamp::parse_rfc3339("2027-02-01T00:00:00Z").unwrap();
        let template = Template { texts: vec![text("why", true)], ..template(PeriodKind::Months, false) };
        let kept = BTreeMap::from([("why".to_owned(), "As before.".to_owned())]);
        let texts = |given: &[(&str, &str)], kept: &BTreeMap<String, String>| {
            let texts = given.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
            let form = ReportForm { period: "2026".to_owned(), texts, ..ReportForm::default() };
            form.parse(&template, kept, Zone::UTC, now).map(|wanted| wanted.texts.get("why").cloned())
        };
        let none = BTreeMap::new();
        assert_eq!(texts(&[], &none), Ok(None));
        assert_eq!(texts(&[], &kept), Ok(Some("As before.".to_owned())));
        assert_eq!(texts(&[("why", "Now.")], &kept), Ok(Some("Now.".to_owned())));
        assert_eq!(texts(&[("why", "  ")], &kept), Ok(Some(String::new())));
        let long = "x".repeat(TEXT_CHARS_MAX + 1);
        assert_eq!(texts(&[("why", &long)], &none).unwrap_err().0[0].field, "texts.why");
    }
}
