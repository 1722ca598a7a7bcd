//! The form of a new report.

use super::{REPORTS, can_change, form_of};
use crate::data::billing::Asked;
use crate::data::take_refused;
use crate::error::UiError;
use crate::forms::ReportInput;
use domain::report::{PeriodKind, Template};

/// What the form needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportEditor {
    pub customer: String,
    pub customer_name: String,
    pub time_zone: String,
    pub template: &'static Template,
    /// The address of the list.
    pub back: String,
    pub input: ReportInput,
    /// What was wrong with it when it was sent.
    pub error: Option<UiError>,
}

/// The form of a report of a kind.
///
/// # Errors
/// Those of the engine; [`UiError::Forbidden`] for those who only read; [`UiError::NotFound`] for a kind that there is not.
pub async fn editor(customer: Option<String>, template: Option<String>) -> Result<ReportEditor, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let of = asked.reader.customer().ok_or(UiError::NotFound)?.clone();
    if !can_change(&asked) {
        return Err(UiError::Forbidden);
    }
    let key = template.ok_or(UiError::NotFound)?;
    let template = asked.engine.report_templates()?.iter().find(|it| it.key == key).ok_or(UiError::NotFound)?;
    let customer = of.id.to_string();
    let refused = take_refused::<ReportInput>(&form_of(&customer, &key)).await?;
    let (input, error) = match refused {
        Some((input, error)) => (input, Some(error)),
        None => (suggestion(&asked, template).await?, None),
    };
    Ok(ReportEditor {
        customer,
        customer_name: of.name,
        time_zone: of.time_zone.name().to_owned(),
        template,
        back: asked.href(REPORTS, &[]),
        input,
        error,
    })
}

/// What a new form begins with: the last period that is over, and the texts as they were last.
async fn suggestion(asked: &Asked, template: &Template) -> Result<ReportInput, UiError> {
    let month = asked.zone().day(asked.engine.now()).month().plus(-1);
    let year = (asked.zone().day(asked.engine.now()).month().0.div_euclid(12) + 1970) - 1;
    let period = match template.period {
        PeriodKind::CalendarYear => year.to_string(),
        PeriodKind::Months => month.to_string(),
    };
    let texts = asked.engine.report_texts(&asked.reader).await?;
    let kept = template.texts.iter().filter_map(|field| Some((field.key.clone(), texts.get(&field.key)?.clone())));
    Ok(ReportInput { period, texts: kept.collect(), ..ReportInput::default() })
}
