//! What a kind of report consists of. Templates are data with versions: a report says which one it was made from.

use crate::account::named;
use crate::fault::{FaultCode, Faults};
use crate::figures::{Figure, Scope};
use crate::period::Breakdown;
use serde::{Deserialize, Serialize};

named! {
    /// What the total of a report is broken down by.
    TableBy {
        Month = "month", "Month";
        Country = "country", "Country";
        Helpline = "helpline", "Helpline";
        ContactMethod = "contact_method", "Contact method";
    }
}

impl TableBy {
    /// Which figures the table gives exactly.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Month => Scope::Application,
            Self::Country => Scope::Country,
            Self::Helpline => Scope::Helpline,
            Self::ContactMethod => Scope::Method,
        }
    }

    /// The breakdown that answers it; months are a time series instead.
    #[must_use]
    pub const fn breakdown(self) -> Option<Breakdown> {
        match self {
            Self::Month => None,
            Self::Country => Some(Breakdown::Country),
            Self::Helpline => Some(Breakdown::Helpline),
            Self::ContactMethod => Some(Breakdown::ContactMethod),
        }
    }

    /// Whether the rows of a figure add up to the total. Where they do not (a session can be counted in two countries),
    /// none is above the total, and the total is not above their sum.
    #[must_use]
    pub const fn adds_up(self, figure: Figure) -> bool {
        match self {
            Self::Month | Self::Helpline => true,
            Self::Country => !matches!(figure, Figure::Reach | Figure::ConvertedSessions),
            Self::ContactMethod => !matches!(figure, Figure::Conversions | Figure::ConvertedSessions),
        }
    }
}

named! {
    /// Which periods a report is made for.
    PeriodKind {
        /// January to December.
        CalendarYear = "calendar_year", "A calendar year";
        Months = "months", "Whole months";
    }
}

/// A text that the customer writes for a kind of report, kept from one year to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextField {
    pub key: String,
    pub label: String,
    pub help: String,
    /// Whether the report can do without it.
    #[serde(default)]
    pub is_optional: bool,
}

/// A template as it is written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateForm {
    pub key: String,
    pub version: u32,
    pub title: String,
    pub summary: String,
    /// The rule that asks for such a report; empty where none does.
    pub law: String,
    /// Where it can be read.
    pub source_url: String,
    pub period: String,
    /// Whether whoever makes the report chooses among the figures and tables, or gets all of them.
    pub is_chosen: bool,
    pub figures: Vec<String>,
    pub tables: Vec<String>,
    pub texts: Vec<TextField>,
    /// Whether small cells are suppressed.
    pub suppresses: bool,
    /// Whether it can be published on a page of its own.
    pub is_public: bool,
    /// Whether its document has a cover and charts. Then the first text introduces the report, and the others close it.
    #[serde(default)]
    pub is_illustrated: bool,
}

/// What a kind of report consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub key: String,
    pub version: u32,
    pub title: String,
    pub summary: String,
    pub law: String,
    pub source_url: String,
    pub period: PeriodKind,
    pub is_chosen: bool,
    pub figures: Vec<Figure>,
    pub tables: Vec<TableBy>,
    pub texts: Vec<TextField>,
    pub suppresses: bool,
    pub is_public: bool,
    #[serde(default)]
    pub is_illustrated: bool,
}

/// The figure of a name.
#[must_use]
pub fn figure(name: &str) -> Option<Figure> {
    Figure::ALL.into_iter().find(|figure| figure.name() == name)
}

/// The values of a list of names; each unknown or repeated one is a fault of `field`.
pub(super) fn named_all<T: PartialEq>(
    field: &str,
    names: &[String],
    find: impl Fn(&str) -> Option<T>,
    faults: &mut Faults,
) -> Vec<T> {
    let mut found = Vec::new();
    for (at, name) in names.iter().enumerate() {
        match find(name) {
            None => faults.add(format!("{field}[{at}]"), FaultCode::FieldInvalid, "There is none of this name."),
            Some(value) if found.contains(&value) => {
                faults.add(format!("{field}[{at}]"), FaultCode::FieldTaken, "It is named twice.");
            }
            Some(value) => found.push(value),
        }
    }
    found
}

impl Template {
    /// Checks a template.
    ///
    /// # Errors
    /// All faults: figures and tables that do not exist, small cells that could not be suppressed.
    pub fn parse(form: TemplateForm) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let period = PeriodKind::from_name(&form.period);
        if period.is_none() {
            faults.add("period", FaultCode::FieldInvalid, "Must be calendar_year or months.");
        }
        let figures = named_all("figures", &form.figures, figure, &mut faults);
        let tables = named_all("tables", &form.tables, TableBy::from_name, &mut faults);
        if form.figures.is_empty() {
            faults.add("figures", FaultCode::FieldMissing, "Name at least one figure.");
        }
        if form.key.is_empty() || !form.key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            faults.add("key", FaultCode::FieldInvalid, "Small letters, digits and hyphens.");
        }
        if !form.tables.is_empty() && !form.suppresses {
            faults.add("suppresses", FaultCode::FieldInvalid, "Tables are published with small cells suppressed only.");
        }
        // Together with the attributed clicks they make up the gross clicks: a third equation between cells.
        if form.suppresses && figures.contains(&Figure::UnattributedClicks) {
            let detail = "Unattributed clicks are about an integration, and would give suppressed clicks away.";
            faults.add("figures", FaultCode::FieldInvalid, detail);
        }
        let template = period.map(|period| Self {
            key: form.key,
            version: form.version,
            title: form.title,
            summary: form.summary,
            law: form.law,
            source_url: form.source_url,
            period,
            is_chosen: form.is_chosen,
            figures,
            tables,
            texts: form.texts,
            suppresses: form.suppresses,
            is_public: form.is_public,
            is_illustrated: form.is_illustrated,
        });
        match template {
            Some(template) => faults.or(template),
            None => Err(faults),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_template_cannot_hold_is_refused_at_its_place() {
        let form = TemplateForm {
            key: "A b".to_owned(),
            version: 1,
            title: String::new(),
            summary: String::new(),
            law: String::new(),
            source_url: String::new(),
            period: "decade".to_owned(),
            is_chosen: false,
            figures: ["reach", "happiness", "reach", "unattributed_clicks"].map(str::to_owned).to_vec(),
            tables: vec!["session".to_owned()],
            texts: Vec::new(),
            suppresses: true,
            is_public: false,
            is_illustrated: false,
        };
        let fields = |form| Template::parse(form).unwrap_err().0.into_iter().map(|it| it.field).collect::<Vec<_>>();
        assert_eq!(fields(form.clone()), ["period", "figures[1]", "figures[2]", "tables[0]", "key", "figures"]);
        let open = TemplateForm { suppresses: false, tables: vec!["month".to_owned()], ..form };
        assert!(fields(open).contains(&"suppresses".to_owned()));
    }
}
