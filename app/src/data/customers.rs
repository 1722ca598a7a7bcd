//! Customers, for operators and auditors.

use super::ListPage;
use crate::error::UiError;
use crate::forms::CustomerInput;
use crate::{
    context,
    data::{edit_path, id, paging, take_refused},
    format,
};
use domain::{
    CustomerId, FaultCode, Faults, Zone,
    account::{Customer, CustomerForm, CustomerLimits},
};
use engine::actor::Operator;
use engine::{Engine, Expiring};

/// A customer as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerView {
    pub id: String,
    pub name: String,
    pub time_zone: String,
    /// Limits of its own, or that it has none.
    pub limits: String,
    pub created: String,
}

/// What the form of a customer needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerEditor {
    pub input: CustomerInput,
    /// What was wrong with it when it was sent.
    pub error: Option<UiError>,
    pub can_change: bool,
    /// What saving it would give up for ever, to be confirmed.
    pub gives_up: Option<GivesUp>,
}

/// Raw events that a shorter retention gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivesUp {
    /// How many, and before which day.
    pub what: String,
    /// What the form sends to confirm it.
    pub before: String,
    /// Whether it has been.
    pub is_confirmed: bool,
}

/// The customers.
///
/// # Errors
/// Those of the engine.
pub async fn customers(cursor: Option<String>) -> Result<ListPage<CustomerView>, UiError> {
    let (engine, user) = context::acting().await?;
    let is_later = cursor.is_some();
    let found = engine.list_customers(&engine.supervisor(&user)?, paging(cursor)).await?;
    Ok(ListPage {
        items: found.items.iter().map(view).collect(),
        next_cursor: found.next_cursor,
        is_later,
        can_change: engine.operator(&user).is_ok(),
    })
}

/// The form of a customer; of a new one without an id.
///
/// # Errors
/// Those of the engine.
pub async fn customer_editor(customer: Option<String>) -> Result<CustomerEditor, UiError> {
    let (engine, user) = context::acting().await?;
    let supervisor = engine.supervisor(&user)?;
    let can_change = engine.operator(&user).is_ok();
    let stored = match &customer {
        Some(customer) => input(&engine.customer(&supervisor, id(customer)?).await?),
        None if can_change => CustomerInput { time_zone: "UTC".to_owned(), ..CustomerInput::default() },
        None => return Err(UiError::Forbidden),
    };
    let refused = take_refused(&edit_path("/admin/customers", customer.as_deref())).await?;
    let (input, error) = refused.map_or((stored, None), |(input, error)| (input, Some(error)));
    let more = match (customer, engine.operator(&user)) {
        (Some(customer), Ok(operator)) if error.is_some() => {
            given_up(&engine, &operator, id(&customer)?, &input).await?
        }
        _ => None,
    };
    let gives_up = more.map(|more| gives_up_view(&more, &input));
    Ok(CustomerEditor { input, error, can_change, gives_up })
}

/// What saving would give up for ever, unless the form has faults of its own.
async fn given_up(
    engine: &Engine,
    operator: &Operator,
    customer: CustomerId,
    input: &CustomerInput,
) -> Result<Option<Expiring>, UiError> {
    let Some(form) = input.read().ok().filter(|form| form.check().is_ok()) else { return Ok(None) };
    Ok(engine.more_expiring_events(operator, customer, form.limits.event_retention_months).await?)
}

/// Whoever shortens the retention so that raw events are given up has confirmed it.
///
/// # Errors
/// [`UiError::Invalid`] that says what would be given up; those of the engine.
pub async fn is_confirmed(
    engine: &Engine,
    operator: &Operator,
    customer: CustomerId,
    input: &CustomerInput,
) -> Result<(), UiError> {
    let more = given_up(engine, operator, customer, input).await?.map(|more| gives_up_view(&more, input));
    let Some(more) = more.filter(|more| !more.is_confirmed) else { return Ok(()) };
    let detail = format!("This gives up {} for ever. Their figures stay. Confirm it below.", more.what);
    Err(UiError::Invalid(Faults::one("event_retention_months", FaultCode::FieldInvalid, detail)))
}

fn gives_up_view(expiring: &Expiring, input: &CustomerInput) -> GivesUp {
    let events = i64::try_from(expiring.events).unwrap_or(i64::MAX);
    let day = format::day(Zone::UTC.day(expiring.kept_from));
    let what = match events {
        1 => format!("1 raw event before {day} (UTC)"),
        _ => format!("{} raw events before {day} (UTC)", format::count(events)),
    };
    let before = expiring.kept_from.to_string();
    // The instant moves on with the months: no more is done than was confirmed.
    GivesUp { what, is_confirmed: input.gives_up_before == before, before }
}

/// The names of all time zones, as options of a data list.
#[must_use]
pub fn time_zones() -> String {
    Zone::names().map(|name| format!("<option value=\"{name}\">")).collect()
}

impl CustomerInput {
    /// Reads the form.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn read(&self) -> Result<CustomerForm, Faults> {
        let mut faults = Faults::default();
        let limits = CustomerLimits {
            catalogue_quota_per_day: number("catalogue_quota_per_day", &self.catalogue_quota_per_day, &mut faults),
            event_burst_per_second: number("event_burst_per_second", &self.event_burst_per_second, &mut faults),
            event_retention_months: number("event_retention_months", &self.event_retention_months, &mut faults),
            suppress_below: number("suppress_below", &self.suppress_below, &mut faults),
        };
        let form = CustomerForm { name: self.name.clone(), time_zone: self.time_zone.clone(), limits };
        if faults.0.is_empty() {
            return Ok(form);
        }
        // All faults at once, those of the other fields first.
        let mut all = form.check().err().unwrap_or_default();
        all.0.extend(faults.0);
        Err(all)
    }
}

fn number(field: &str, text: &str, faults: &mut Faults) -> Option<u32> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let number = text.parse().ok();
    if number.is_none() {
        faults.add(field, FaultCode::FieldInvalid, "Enter a whole number, or nothing for the installation’s value.");
    }
    number
}

fn input(customer: &Customer) -> CustomerInput {
    let text = |limit: Option<u32>| limit.map(|limit| limit.to_string()).unwrap_or_default();
    CustomerInput {
        name: customer.name.clone(),
        time_zone: customer.time_zone.name().to_owned(),
        catalogue_quota_per_day: text(customer.limits.catalogue_quota_per_day),
        event_burst_per_second: text(customer.limits.event_burst_per_second),
        event_retention_months: text(customer.limits.event_retention_months),
        suppress_below: text(customer.limits.suppress_below),
        gives_up_before: String::new(),
    }
}

fn view(customer: &Customer) -> CustomerView {
    let quota = customer.limits.catalogue_quota_per_day;
    let burst = customer.limits.event_burst_per_second;
    let months = customer.limits.event_retention_months;
    let limits: Vec<String> = [
        quota.map(|n| format!("{} catalogue calls a day", format::count(i64::from(n)))),
        burst.map(|n| format!("{} events a second", format::count(i64::from(n)))),
        months.map(|n| format!("raw events kept for {} months", format::count(i64::from(n)))),
        customer.limits.suppress_below.map(|k| format!("counts below {k} suppressed in reports")),
    ]
    .into_iter()
    .flatten()
    .collect();
    CustomerView {
        id: customer.id.to_string(),
        name: customer.name.clone(),
        time_zone: customer.time_zone.name().to_owned(),
        limits: if limits.is_empty() { "As the installation".to_owned() } else { limits.join(", ") },
        created: format::day(customer.time_zone.day(customer.created_at)),
    }
}
