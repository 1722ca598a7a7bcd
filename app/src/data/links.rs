//! Access links, for those who make them.

use super::Choice;
use crate::error::UiError;
use crate::forms::AccessLinkInput;
use crate::{
    context,
    data::{handover, id, paging, take_refused},
    format, query,
};
use domain::access_link::{self, AccessLink, DAYS_USUAL, LinkStatus, NewAccessLink};
use domain::{CustomerId, FaultCode, Faults, Timestamp, Zone};
use engine::actor::SessionUser;

/// The page.
pub const PATH: &str = "/access-links";

/// What the form of a new link sends in place of a customer's id where the link is to open all customers' data.
pub const ALL: &str = "all";

/// A page of access links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLinks {
    pub items: Vec<LinkView>,
    pub next_cursor: Option<String>,
    /// Whether this is not the first page.
    pub is_later: bool,
    /// The zone of the times.
    pub time_zone: String,
    /// Whom an operator can choose; empty for others.
    pub customers: Vec<Choice>,
    /// The chosen customer's id and name; `None` for all.
    pub customer: Option<Choice>,
    /// What the form of a new link holds.
    pub input: AccessLinkInput,
    /// Why it was refused.
    pub make_error: Option<UiError>,
    /// Why a link was not revoked.
    pub error: Option<UiError>,
    /// A link that was made just before this page was loaded: shown this once.
    pub new: Option<NewLinkView>,
}

/// A link as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    pub id: String,
    pub name: String,
    /// Whose data it opens.
    pub opens: String,
    pub badge: (&'static str, &'static str),
    /// Whether it can be revoked.
    pub is_valid: bool,
    /// When it ends, or when it was revoked.
    pub until: String,
    pub made: String,
    /// What tells it from others of the same name.
    pub mark: String,
    pub opened: String,
}

/// A link in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLinkView {
    pub name: String,
    pub url: String,
    pub opens: String,
    pub until: String,
}

/// The address of the page about a customer; about all, where the id is empty.
#[must_use]
pub fn path(customer: &str, pairs: &[(&str, &str)]) -> String {
    let mut all = Vec::from_iter((!customer.is_empty()).then_some(("customer", customer)));
    all.extend(pairs);
    query::href(PATH, &all)
}

/// The customer of an id; none of an empty one.
///
/// # Errors
/// [`UiError::NotFound`]: what is no id names nothing.
pub fn chosen(customer: &str) -> Result<Option<CustomerId>, UiError> {
    if customer.is_empty() { Ok(None) } else { id(customer).map(Some) }
}

/// The customer of a form of a new link; none where it says [`ALL`]. Those who belong to a customer need not name it.
///
/// # Errors
/// [`UiError::Invalid`] where whoever sees all customers names none: that is no choice of all of them.
pub fn chosen_for_new(user: &SessionUser, customer: &str) -> Result<Option<CustomerId>, UiError> {
    let role = user.role();
    match customer {
        ALL if role.is_of_customer() => Err(UiError::NotFound),
        "" if role.manages_applications() && !role.is_of_customer() => {
            let detail = "Choose a customer, or all customers.";
            Err(UiError::Invalid(Faults::one("customer", FaultCode::FieldMissing, detail)))
        }
        ALL => Ok(None),
        customer => chosen(customer),
    }
}

/// The form of a new link to a customer: what one of them leaves must never show up in another.
#[must_use]
pub fn form_of(customer: &str) -> String {
    format!("access link to {customer}")
}

/// The links to the chosen customer, or all.
///
/// # Errors
/// Those of the engine.
pub async fn access_links(customer: Option<String>, cursor: Option<String>) -> Result<AccessLinks, UiError> {
    let (engine, user) = context::acting().await?;
    let is_later = cursor.is_some();
    let keeper = engine.link_keeper(&user, customer.as_deref().map(id::<CustomerId>).transpose()?)?;
    let found = engine.links(&keeper, &paging(cursor)).await?;
    let names =
        if user.role().is_of_customer() { Vec::new() } else { engine.all_customers(&engine.supervisor(&user)?) };
    let of = keeper.customer();
    let opens = |link: &AccessLink| match link.customer_id {
        None => "All customers".to_owned(),
        Some(id) => names
            .iter()
            .find(|(of, _)| *of == id)
            .map(|(_, name)| name.clone())
            .or_else(|| of.map(|customer| customer.name.clone()))
            .unwrap_or_else(|| id.to_string()),
    };
    let (zone, now) = (of.map_or(Zone::UTC, |customer| customer.time_zone), engine.now());
    let customer = of.map(|it| Choice { value: it.id.to_string(), label: it.name.clone() });
    let form = form_of(customer.as_ref().map_or("", |customer| &customer.value));
    let (input, make_error) = take_refused::<AccessLinkInput>(&form).await?.unzip();
    let suggestion = || AccessLinkInput { name: String::new(), days: DAYS_USUAL.to_string() };
    Ok(AccessLinks {
        items: found.items.iter().map(|link| view(link, opens(link), now, zone)).collect(),
        new: take_new(&found.items, opens, zone),
        next_cursor: found.next_cursor,
        is_later,
        time_zone: zone.name().to_owned(),
        customers: names.iter().map(|(id, name)| Choice { value: id.to_string(), label: name.clone() }).collect(),
        customer,
        input: input.unwrap_or_else(suggestion),
        make_error,
        error: take_refused::<()>("access links").await?.map(|((), error)| error),
    })
}

fn view(link: &AccessLink, opens: String, now: Timestamp, zone: Zone) -> LinkView {
    let status = link.status(now);
    let class = match status {
        LinkStatus::Valid => "badge badge-good",
        LinkStatus::Expired => "badge",
        LinkStatus::Revoked => "badge badge-bad",
    };
    LinkView {
        id: link.id.to_string(),
        name: link.name.clone(),
        opens,
        badge: (class, status.label()),
        is_valid: status == LinkStatus::Valid,
        until: format::instant(link.revoked_at.unwrap_or(link.expires_at), zone),
        made: format!("{} by {}", format::instant(link.created_at, zone), link.created_by),
        mark: link.mark(),
        opened: link.last_used_at.map_or_else(|| "Not yet".to_owned(), |at| format::instant(at, zone)),
    }
}

/// Hands a new link over to the next page.
pub fn hand_over(made: &NewAccessLink) {
    handover::hand_over(PATH, &made.link.id.to_string(), &made.token);
}

/// The link that was handed over, if it is listed.
fn take_new(listed: &[AccessLink], opens: impl Fn(&AccessLink) -> String, zone: Zone) -> Option<NewLinkView> {
    let (link, token) = handover::take(PATH)?;
    let link = listed.iter().find(|listed| listed.id.to_string() == link)?;
    Some(NewLinkView {
        name: link.name.clone(),
        url: format!("{}{}", context::origin(), access_link::path(&token)),
        opens: opens(link),
        until: format::instant(link.expires_at, zone),
    })
}
