//! Billing: what a customer's months cost, and why.

pub mod cards;
pub mod months;
pub mod overview;
pub mod statement;
pub mod steps;
pub mod waterfall;

use crate::data::{Choice, id};
use crate::error::UiError;
use crate::{context, format, query};
use domain::billing::{Line, LineKind, Statement, Status, Terms};
use domain::zone::Month;
use domain::{CustomerId, Timestamp, Zone};
use engine::{
    Engine,
    actor::{Reader, SessionUser},
};

/// Who asks, and about whose bills.
pub struct Asked {
    pub engine: Engine,
    pub user: SessionUser,
    pub reader: Reader,
}

/// Whose bills a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whose {
    /// Whom an operator or auditor can choose; empty for others.
    pub customers: Vec<Choice>,
    /// The chosen customer's id.
    pub customer: Option<String>,
    pub name: String,
    pub time_zone: String,
}

/// A figure in large letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    pub label: String,
    pub definition: String,
    pub value: String,
    pub notes: Vec<String>,
}

/// A line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineView {
    pub description: String,
    /// Of lines that are for units.
    pub quantity: Option<String>,
    pub unit_price: Option<String>,
    pub amount: String,
}

/// The terms of a version of a rate card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsView {
    pub figure: String,
    pub definition: String,
    /// Name and value of what is not a tier.
    pub facts: Vec<(String, String)>,
    /// Units and their price.
    pub tiers: Vec<(String, String)>,
}

impl Asked {
    /// The person who is signed in, and the customer of the address.
    ///
    /// # Errors
    /// [`UiError::SignedOut`], [`UiError::NotFound`] for another's customer.
    pub async fn of(customer: Option<&str>) -> Result<Self, UiError> {
        let (engine, user) = context::acting().await?;
        let customer = customer.map(id::<CustomerId>).transpose()?;
        let reader = engine.reader(&user, customer)?;
        Ok(Self { engine, user, reader })
    }

    /// Whose bills these are, and whose else there are.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn whose(&self) -> Result<Whose, UiError> {
        let customers = if self.user.role().is_of_customer() {
            Vec::new()
        } else {
            self.engine.all_customers(&self.engine.supervisor(&self.user)?)
        };
        let customer = self.reader.customer();
        Ok(Whose {
            customers: customers.into_iter().map(|(id, label)| Choice { value: id.to_string(), label }).collect(),
            customer: customer.map(|customer| customer.id.to_string()),
            name: customer.map_or_else(|| "All customers".to_owned(), |customer| customer.name.clone()),
            time_zone: self.reader.time_zone().unwrap_or(Zone::UTC).name().to_owned(),
        })
    }

    /// As whom the person is written down.
    #[must_use]
    pub fn acts_as(&self) -> String {
        self.user.acts_as()
    }

    /// The customer's time zone.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.reader.time_zone().unwrap_or(Zone::UTC)
    }

    /// An address about the same customer, whom only the addresses of those who see all name.
    #[must_use]
    pub fn href(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let customer = self.reader.customer().filter(|_| !self.user.role().is_of_customer());
        let customer = customer.map(|customer| customer.id.to_string());
        let mut all: Vec<(&str, &str)> = customer.iter().map(|customer| ("customer", customer.as_str())).collect();
        all.extend(pairs);
        query::href(path, &all)
    }

    /// The address of a month's statement.
    #[must_use]
    pub fn statement_href(&self, month: Month) -> String {
        self.href(&format!("/billing/{month}"), &[])
    }

    /// The address of a file of a month's statement.
    #[must_use]
    pub fn download(&self, file: &str, month: Month) -> String {
        self.href(&format!("/download/{file}"), &[("month", &month.to_string())])
    }
}

/// A month from an address.
///
/// # Errors
/// [`UiError::NotFound`]: there is no such month.
pub fn month(text: &str) -> Result<Month, UiError> {
    text.parse().map_err(|_| UiError::NotFound)
}

/// The lines of a statement.
#[must_use]
pub fn lines(statement: &Statement) -> Vec<LineView> {
    let figure = statement.card.terms.figure;
    let line = |line: &Line| LineView {
        description: line.description(figure),
        quantity: match line.kind {
            LineKind::Adjustment { .. } => line.quantity.map(format::signed),
            _ => line.quantity.map(format::count),
        },
        unit_price: match line.kind {
            LineKind::Included => Some("free".to_owned()),
            _ => line.unit_price.map(|price| format::decimal(&price.to_string())),
        },
        amount: format::money(line.amount),
    };
    statement.lines.iter().map(line).collect()
}

/// A figure's count in words: `12,345 reach`.
#[must_use]
pub fn quantity(figure: domain::billing::BillableFigure, n: i64) -> String {
    format!("{} {}", format::count(n), figure.label().to_lowercase())
}

/// When a statement was issued, and by whom. Customers are not told of persons.
#[must_use]
pub fn issued(status: &Status, zone: Zone, tells_whom: bool) -> Option<String> {
    let Status::Issued { issued_at, issued_by } = status else { return None };
    let by = match issued_by {
        None => " by itself".to_owned(),
        Some(by) if tells_whom => format!(" by {by}"),
        Some(_) => String::new(),
    };
    Some(format!("{}{by}", format::instant(*issued_at, zone)))
}

/// When a statement is issued by itself.
#[must_use]
pub fn due(at: Timestamp, now: Timestamp, zone: Zone) -> String {
    let day = format::day(zone.day(at));
    if at > now { format!("issued by itself on {day}") } else { format!("due since {day}") }
}

/// Terms in words.
#[must_use]
pub fn terms(terms: &Terms) -> TermsView {
    let unit = terms.figure.label().to_lowercase();
    let mut facts = Vec::new();
    if terms.base_fee != 0 {
        facts.push(("Base fee of a month".to_owned(), format::money(terms.base_fee())));
    }
    if terms.minimum != 0 {
        facts.push(("Minimum of a month".to_owned(), format::money(terms.minimum())));
    }
    if terms.included != 0 {
        let included = format!("{} {unit}", format::count(i64::try_from(terms.included).unwrap_or(i64::MAX)));
        facts.push(("Included".to_owned(), included));
    }
    let number = |n: u64| format::count(i64::try_from(n).unwrap_or(i64::MAX));
    let mut from = 1;
    let mut tiers = Vec::new();
    for tier in &terms.tiers {
        let units = match tier.up_to {
            Some(up_to) => format!("{} to {}", number(from), number(up_to)),
            None if from == 1 => "Every one".to_owned(),
            None => format!("From {}", number(from)),
        };
        let price = format::decimal(&tier.unit_price.to_string());
        tiers.push((units, format!("{}\u{a0}{price}", terms.currency)));
        from = tier.up_to.unwrap_or(from).saturating_add(1);
    }
    TermsView {
        figure: terms.figure.label().to_owned(),
        definition: terms.figure.figure().definition().to_owned(),
        facts,
        tiers,
    }
}
