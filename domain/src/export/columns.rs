//! The column dictionary: what each column of an export holds.

use super::Kind;
use crate::figures::{CTR_DEFINITION, Figure, HELPLINE_CTR_DEFINITION, Scope};
use crate::period::Filter;
use serde::Serialize;

/// The version of all columns: it changes whenever one is added, taken away, moved, or comes to mean something else.
pub const COLUMNS_VERSION: u32 = 1;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    Text,
    Integer,
    /// A number with a fraction.
    Ratio,
    /// RFC 3339 in UTC, with milliseconds.
    Instant,
    /// RFC 3339 with the offset of the customer's time zone, with milliseconds.
    LocalTime,
    /// A calendar date of the customer's time zone, such as 2026-11-24.
    Date,
}

/// A column of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Column {
    pub name: &'static str,
    pub r#type: ColumnType,
    /// What is counted, where it is a count.
    pub unit: Option<&'static str>,
    /// Whether cells may be empty (null in NDJSON and Parquet).
    pub may_be_empty: bool,
    pub definition: &'static str,
}

const fn column(name: &'static str, r#type: ColumnType, definition: &'static str) -> Column {
    Column { name, r#type, unit: None, may_be_empty: false, definition }
}

const APPLICATION_ID: Column = column("application_id", ColumnType::Text, "The application that reported the event.");
const APPLICATION_NAME: Column =
    column("application_name", ColumnType::Text, "The application's name when the export was made.");
const HELPLINE_ID: Column = column("helpline_id", ColumnType::Text, "The helpline's id in the catalogue.");
const HELPLINE_NAME: Column =
    column("helpline_name", ColumnType::Text, "The helpline's name when the export was made.");
const COUNTRY_CODE: Column =
    column("country_code", ColumnType::Text, "The country of the helpline (ISO 3166, two letters), not of the person.");

const EVENTS: [Column; 12] = [
    column(
        "event_id",
        ColumnType::Text,
        "The event's id as its sender was told: a function of what identifies the event, so that a retry has the same.",
    ),
    column(
        "type",
        ColumnType::Text,
        "helpline_display: a helpline was displayed. helpline_click: a way to contact it was clicked.",
    ),
    column("timestamp", ColumnType::Instant, "When it happened, as its sender said, in UTC."),
    column("local_time", ColumnType::LocalTime, "The same instant in the customer's time zone."),
    APPLICATION_ID,
    APPLICATION_NAME,
    column("tier", ColumnType::Text, "production: billed and reported. sandbox: for trying out, in no bill or report."),
    HELPLINE_ID,
    HELPLINE_NAME,
    COUNTRY_CODE,
    Column {
        may_be_empty: true,
        ..column("contact_method", ColumnType::Text, "How the person chose to make contact; empty for a display.")
    },
    column(
        "place",
        ColumnType::Integer,
        "The event's place in the customer's log of accepted events: 1, 2, 3 … in the order in which they were counted.",
    ),
];

const CTR: Column = Column { may_be_empty: true, ..column("ctr", ColumnType::Ratio, CTR_DEFINITION) };

/// The columns that say what a row of figures is about.
fn head(kind: Kind) -> &'static [Column] {
    const DAYS: [Column; 1] = [column("date", ColumnType::Date, "The day, in the customer's time zone.")];
    const HELPLINES: [Column; 3] = [HELPLINE_ID, HELPLINE_NAME, COUNTRY_CODE];
    const COUNTRIES: [Column; 2] = [
        COUNTRY_CODE,
        column("country_name", ColumnType::Text, "The country's name in the catalogue when the export was made."),
    ];
    const METHODS: [Column; 2] = [
        column("contact_method", ColumnType::Text, "How people chose to make contact."),
        column("contact_method_name", ColumnType::Text, "The contact method's name for people."),
    ];
    const APPLICATIONS: [Column; 2] = [APPLICATION_ID, APPLICATION_NAME];
    match kind {
        Kind::Events => &EVENTS,
        Kind::Days => &DAYS,
        Kind::Helplines => &HELPLINES,
        Kind::Countries => &COUNTRIES,
        Kind::ContactMethods => &METHODS,
        Kind::Applications => &APPLICATIONS,
    }
}

/// What one of a figure is.
const fn unit(figure: Figure) -> &'static str {
    match figure {
        Figure::GrossDisplays | Figure::NetDisplays => "displays",
        Figure::UniqueDisplays | Figure::Conversions => "unique displays",
        Figure::Reach | Figure::ConvertedSessions => "sessions",
        Figure::GrossClicks | Figure::NetClicks | Figure::AttributedClicks | Figure::UnattributedClicks => "clicks",
        Figure::Notifications => "referrals",
    }
}

/// The columns of an export, in their order. Which figures there are depends on the filter: those that cannot be given
/// exactly are left out.
#[must_use]
pub fn columns(kind: Kind, filter: &Filter) -> Vec<Column> {
    let mut columns = head(kind).to_vec();
    let Some(scope) = kind.scope(filter) else { return columns };
    columns.extend(scope.figures().map(|figure| Column {
        unit: Some(unit(figure)),
        ..column(figure.name(), ColumnType::Integer, figure.definition())
    }));
    let ctr = scope.ctr_of().map(|_| match scope {
        Scope::Helpline => Column { definition: HELPLINE_CTR_DEFINITION, ..CTR },
        Scope::Application | Scope::Country | Scope::Method | Scope::HelplineMethod | Scope::CountryMethod => CTR,
    });
    columns.extend(ctr);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ContactMethod;

    fn names(kind: Kind, filter: &Filter) -> Vec<&'static str> {
        columns(kind, filter).iter().map(|column| column.name).collect()
    }

    #[test]
    fn every_column_is_defined_and_no_session_is_told() {
        for kind in Kind::ALL.iter().copied() {
            let columns = columns(kind, &Filter::default());
            let mut names: Vec<_> = columns.iter().map(|column| column.name).collect();
            assert!(!names.iter().any(|name| name.contains("session_")), "{kind:?}");
            assert!(
                columns.iter().all(|column| column.definition.ends_with(['.', '…']) || column.definition.len() > 20)
            );
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), columns.len(), "{kind:?}");
        }
    }

    /// Whoever changes this changes [`COLUMNS_VERSION`].
    #[test]
    fn version_1() {
        let all = Filter::default();
        assert_eq!(COLUMNS_VERSION, 1);
        assert_eq!(
            names(Kind::Events, &all).join(","),
            "event_id,type,timestamp,local_time,application_id,application_name,tier,helpline_id,helpline_name,\
             country_code,contact_method,place"
        );
        let figures = "gross_displays,net_displays,unique_displays,reach,gross_clicks,net_clicks,attributed_clicks,\
                       unattributed_clicks,conversions,converted_sessions,notifications,ctr";
        assert_eq!(names(Kind::Days, &all).join(","), format!("date,{figures}"));
        assert_eq!(names(Kind::Applications, &all).join(","), format!("application_id,application_name,{figures}"));
        assert_eq!(
            names(Kind::Helplines, &all).join(","),
            "helpline_id,helpline_name,country_code,gross_displays,net_displays,unique_displays,gross_clicks,net_clicks,\
             attributed_clicks,unattributed_clicks,conversions,ctr"
        );
        assert_eq!(
            names(Kind::ContactMethods, &all).join(","),
            "contact_method,contact_method_name,gross_clicks,net_clicks,attributed_clicks,unattributed_clicks,\
             conversions,converted_sessions"
        );
    }

    #[test]
    fn a_filter_takes_away_what_cannot_be_given_exactly() {
        let clicks = Filter { contact_method: Some(ContactMethod::Phone), ..Filter::default() };
        assert!(!names(Kind::Days, &clicks).contains(&"reach"));
        assert_eq!(names(Kind::Events, &clicks), names(Kind::Events, &Filter::default()));
        let of_helpline = columns(Kind::Helplines, &Filter::default());
        assert_eq!(of_helpline.last().map(|column| column.definition), Some(HELPLINE_CTR_DEFINITION));
    }
}
