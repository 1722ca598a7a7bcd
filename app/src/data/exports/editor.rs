//! The form of a new export.

use super::{EXPORTS, form_of};
use crate::data::billing::Asked;
use crate::data::{Choice, take_refused};
use crate::error::UiError;
use crate::forms::ExportInput;
use crate::query::OverviewQuery;
use crate::question::{filter, parse};
use domain::account::Tier;
use domain::event::ContactMethod;
use domain::export::job::ExportForm;
use domain::export::{Format, Kind};
use domain::fault::{FaultCode, Faults};
use domain::period::Period;
use domain::zone::Day;

/// What the form needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportEditor {
    pub customer: String,
    pub customer_name: String,
    pub time_zone: String,
    /// The address of the list.
    pub back: String,
    pub applications: Vec<Choice>,
    pub input: ExportInput,
    /// What was wrong with it when it was sent.
    pub error: Option<UiError>,
}

/// The form of an export, filled in with what an address says.
///
/// # Errors
/// Those of the engine.
pub async fn editor(query: OverviewQuery) -> Result<ExportEditor, UiError> {
    let asked = Asked::of(query.customer.as_deref()).await?;
    let of = asked.reader.customer().ok_or(UiError::NotFound)?.clone();
    let customer = of.id.to_string();
    let (input, error) = match take_refused::<ExportInput>(&form_of(&customer)).await? {
        Some((input, error)) => (input, Some(error)),
        None => (suggestion(&asked, query), None),
    };
    let all = engine::Paging { cursor: None, limit: usize::MAX };
    let mut applications = vec![Choice { value: String::new(), label: "All of the tier".to_owned() }];
    let found = asked.engine.list_applications(&asked.reader, all).await?.items;
    applications.extend(found.into_iter().map(|application| Choice {
        value: application.id.to_string(),
        label: format!("{} ({})", application.name, application.tier.label()),
    }));
    Ok(ExportEditor {
        customer,
        customer_name: of.name,
        time_zone: of.time_zone.name().to_owned(),
        back: asked.href(EXPORTS, &[]),
        applications,
        input,
        error,
    })
}

/// What the address says; the last month that is over where it says nothing.
fn suggestion(asked: &Asked, query: OverviewQuery) -> ExportInput {
    let month = asked.zone().day(asked.engine.now()).month();
    let first = || month.plus(-1).first_day().to_string();
    let last = || month.first_day().plus(-1).to_string();
    ExportInput {
        kind: Kind::Days.as_str().to_owned(),
        format: Format::Csv.as_str().to_owned(),
        bom: false,
        from: query.from.unwrap_or_else(first),
        last: query.last.unwrap_or_else(last),
        tier: query.tier.unwrap_or_else(|| Tier::Production.as_str().to_owned()),
        application_id: query.application_id.unwrap_or_default(),
        helpline_id: query.helpline_id.unwrap_or_default(),
        country_code: query.country_code.unwrap_or_default(),
        contact_method: query.contact_method.unwrap_or_default(),
    }
}

impl ExportInput {
    /// The form as the rules read it.
    ///
    /// # Errors
    /// All of its faults.
    pub fn form(&self) -> Result<ExportForm, Faults> {
        let mut faults = Faults::default();
        let set = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let kind = parse("kind", Some(&self.kind), Kind::from_name, &mut faults);
        let format = parse("format", Some(&self.format), Format::from_name, &mut faults);
        let mut day = |name: &str, text: &str| {
            let day = text.trim().parse::<Day>();
            if day.is_err() {
                faults.add(name, FaultCode::FieldInvalid, "Must be a date such as 2026-11-24.");
            }
            day.ok()
        };
        let days = day("from", &self.from).zip(day("last", &self.last));
        let period = days.and_then(|(from, last)| match Period::new(from, last.plus(1)) {
            Ok(period) => Some(period),
            Err(found) => {
                let is_backwards = last < from;
                let detail = if is_backwards { "Must not lie before the first day." } else { &found.0[0].detail };
                faults.add("last", FaultCode::PeriodInvalid, detail);
                None
            }
        });
        let query = OverviewQuery {
            tier: set(&self.tier),
            application_id: set(&self.application_id),
            helpline_id: set(&self.helpline_id),
            country_code: set(&self.country_code.to_uppercase()),
            contact_method: set(&self.contact_method),
            ..OverviewQuery::default()
        };
        let filter = filter(&query, &mut faults);
        // A box that the form of another format leaves ticked asks for nothing.
        let bom = self.bom && format == Some(Format::Csv);
        match (kind, format, period) {
            (Some(kind), Some(format), Some(period)) if faults.0.is_empty() => {
                Ok(ExportForm { kind, period, filter, format, bom })
            }
            _ => Err(faults),
        }
    }
}

/// The choices of a list of names.
fn choices(names: impl Iterator<Item = (&'static str, &'static str)>) -> Vec<Choice> {
    names.map(|(value, label)| Choice { value: value.to_owned(), label: label.to_owned() }).collect()
}

/// What can be exported.
#[must_use]
pub fn kinds() -> Vec<Choice> {
    choices(Kind::ALL.iter().map(|kind| (kind.as_str(), kind.label())))
}

/// How it can be written.
#[must_use]
pub fn formats() -> Vec<Choice> {
    choices(Format::ALL.iter().map(|format| (format.as_str(), format.label())))
}

/// Whose events.
#[must_use]
pub fn tiers() -> Vec<Choice> {
    choices(Tier::ALL.iter().map(|tier| (tier.as_str(), tier.label())))
}

/// Ways of contact, the first choice being all of them.
#[must_use]
pub fn methods() -> Vec<Choice> {
    let all = std::iter::once(("", "All"));
    choices(all.chain(ContactMethod::ALL.iter().map(|method| (method.as_str(), method.label()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> ExportInput {
        ExportInput {
            kind: "events".to_owned(),
            format: "parquet".to_owned(),
            bom: true,
            from: "2026-11-01".to_owned(),
            last: "2026-11-30".to_owned(),
            tier: "production".to_owned(),
            country_code: "gb".to_owned(),
            ..ExportInput::default()
        }
    }

    #[test]
    fn a_form_is_read_as_it_is_meant() {
        let form = input().form().unwrap();
        assert_eq!(form.title(), "Raw events, 2026-11-01 to 2026-11-30, Parquet");
        assert!(!form.bom && form.filter.country_code.is_some() && form.filter.helpline_id.is_none());
    }

    #[test]
    fn all_faults_are_told_at_their_fields() {
        let fields = |input: ExportInput| -> Vec<String> {
            input.form().unwrap_err().0.into_iter().map(|fault| fault.field.to_string()).collect()
        };
        assert_eq!(fields(ExportInput { last: "2026-10-31".to_owned(), ..input() }), ["last"]);
        assert_eq!(fields(ExportInput { last: "2199-01-01".to_owned(), ..input() }), ["last"]);
        let wrong = ExportInput {
            kind: "x".to_owned(),
            format: String::new(),
            from: "1.11.".to_owned(),
            application_id: "x".to_owned(),
            helpline_id: "no spaces".to_owned(),
            country_code: "Germany".to_owned(),
            contact_method: "owl".to_owned(),
            ..input()
        };
        assert_eq!(
            fields(wrong),
            ["kind", "format", "from", "application_id", "helpline_id", "country_code", "contact_method"]
        );
    }
}
