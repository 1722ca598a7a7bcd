//! Applications of a customer and their secrets.

use super::Choice;
use crate::error::UiError;
use crate::forms::ApplicationInput;
use crate::{
    context,
    data::{handover, id, paging, take_refused},
    format,
};
use domain::{
    CustomerId, Zone,
    account::{Application, NewCredentials, Tier},
};

/// A page of applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applications {
    pub items: Vec<ApplicationView>,
    pub next_cursor: Option<String>,
    /// Whether this is not the first page.
    pub is_later: bool,
    /// The zone of the times.
    pub time_zone: String,
    /// Whether the person may create, rotate and revoke here.
    pub can_change: bool,
    /// Whom an operator or auditor can choose; empty for others.
    pub customers: Vec<Choice>,
    /// The chosen customer's id and name.
    pub customer: Option<Choice>,
    /// What was entered into the form of a new application when it was refused.
    pub input: ApplicationInput,
    /// Why it was refused.
    pub create_error: Option<UiError>,
    /// Why a change of an application was refused.
    pub error: Option<UiError>,
    /// Credentials that were made just before this page was loaded: shown this once.
    pub new: Option<Credentials>,
}

/// An application as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationView {
    pub id: String,
    pub name: String,
    pub customer: String,
    pub is_sandbox: bool,
    pub client_id: String,
    pub created: String,
    pub revoked: Option<String>,
    pub suspended: Option<String>,
    pub secrets: Vec<SecretView>,
}

/// A secret, of which no more is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretView {
    pub id: String,
    pub hint: String,
    pub created: String,
}

/// Credentials in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub name: String,
    pub client_id: String,
    pub client_secret: String,
}

/// The applications of the chosen customer, or of all.
///
/// # Errors
/// Those of the engine.
pub async fn applications(customer: Option<String>, cursor: Option<String>) -> Result<Applications, UiError> {
    let (engine, user) = context::acting().await?;
    let is_later = cursor.is_some();
    let chosen = customer.as_deref().map(id::<CustomerId>).transpose()?;
    let reader = engine.reader(&user, chosen)?;
    let found = engine.list_applications(&reader, paging(cursor)).await?;
    let names =
        if user.role().is_of_customer() { Vec::new() } else { engine.all_customers(&engine.supervisor(&user)?) };
    let name_of = |id: CustomerId| names.iter().find(|(of, _)| *of == id).map_or("", |(_, name)| name.as_str());
    let zone = reader.time_zone().unwrap_or(Zone::UTC);
    let (input, create_error) = take_refused::<ApplicationInput>("create").await?.unzip();
    let changed = take_refused::<()>("change").await?;
    Ok(Applications {
        items: found.items.iter().map(|it| view(it, name_of(it.customer_id), zone)).collect(),
        next_cursor: found.next_cursor,
        is_later,
        time_zone: zone.name().to_owned(),
        can_change: reader.customer().is_some_and(|customer| engine.manager(&user, customer.id).is_ok()),
        customers: names.iter().map(|(id, name)| Choice { value: id.to_string(), label: name.clone() }).collect(),
        customer: reader.customer().map(|it| Choice { value: it.id.to_string(), label: it.name.clone() }),
        input: input.unwrap_or_default(),
        create_error,
        error: changed.map(|((), error)| error),
        new: take_credentials(&found.items),
    })
}

fn view(application: &Application, customer: &str, zone: Zone) -> ApplicationView {
    ApplicationView {
        id: application.id.to_string(),
        name: application.name.clone(),
        customer: customer.to_owned(),
        is_sandbox: application.tier == Tier::Sandbox,
        client_id: application.client_id.clone(),
        created: format::instant(application.created_at, zone),
        revoked: application.revoked_at.map(|at| format::instant(at, zone)),
        suspended: application.suspended_at.map(|at| format::instant(at, zone)),
        secrets: application
            .secrets
            .iter()
            .map(|secret| SecretView {
                id: secret.id.to_string(),
                hint: secret.hint.clone(),
                created: format::instant(secret.created_at, zone),
            })
            .collect(),
    }
}

/// The page that shows new credentials.
const PATH: &str = "/applications";

/// Hands new credentials over to the next page.
pub fn hand_over(made: &NewCredentials) {
    handover::hand_over(PATH, &made.application.id.to_string(), &made.client_secret);
}

fn credentials(application: &Application, secret: &str) -> Credentials {
    Credentials {
        name: application.name.clone(),
        client_id: application.client_id.clone(),
        client_secret: secret.to_owned(),
    }
}

/// The credentials that were handed over, if they are of an application that is listed.
fn take_credentials(listed: &[Application]) -> Option<Credentials> {
    let (application, secret) = handover::take(PATH)?;
    let application = listed.iter().find(|listed| listed.id.to_string() == application)?;
    Some(credentials(application, &secret))
}
