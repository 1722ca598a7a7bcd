//! Rate cards, for operators and auditors.

use super::{TermsView, terms};
use crate::data::{Choice, ListPage, edit_path, id, paging, take_entered, take_refused};
use crate::error::UiError;
use crate::forms::{AssignmentInput, RateCardInput, TierInput};
use crate::{context, format};
use domain::billing::{BillableFigure, Money, Terms, TermsForm, TierForm};
use domain::zone::Month;
use domain::{CustomerId, Zone, ids::RateCardId};
use engine::{CardForm, Preview, RateCard, RateCardVersion, VersionForm};

/// The path of the list.
pub const PATH: &str = "/admin/rate-cards";
/// Tiers that a new form has room for.
const TIERS: usize = 3;
/// Months that a card is tried out on.
const MONTHS: u32 = 12;

/// A rate card as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardView {
    pub id: String,
    pub name: String,
    pub bills: String,
    pub versions: String,
    pub customers: String,
}

/// A rate card with all of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardPage {
    pub id: String,
    pub name: String,
    /// Newest first.
    pub versions: Vec<VersionView>,
    /// Name, address of the bills, and from which month on.
    pub customers: Vec<(String, String, String)>,
    pub can_change: bool,
    pub assignment: AssignmentInput,
    pub error: Option<UiError>,
    pub choices: Vec<Choice>,
    pub months: Vec<Choice>,
}

/// A version of a rate card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionView {
    pub title: String,
    pub is_used: bool,
    /// The form that changes it, where it can be changed.
    pub edit: Option<String>,
    pub terms: TermsView,
}

/// The form of a version of a rate card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardEditor {
    pub title: String,
    /// Name and address of the card; `None` for a new one.
    pub card: Option<(String, String)>,
    pub card_id: Option<String>,
    pub version: Option<String>,
    pub input: RateCardInput,
    pub error: Option<UiError>,
    pub figures: Vec<Choice>,
    pub customers: Vec<Choice>,
    pub preview: Option<PreviewView>,
}

/// What last months would have cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewView {
    pub customer: String,
    pub rows: Vec<PreviewRow>,
    /// What all of them would have cost, what they cost now, and the difference.
    pub total: [String; 3],
}

/// A month that would have cost something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRow {
    pub month: String,
    pub quantity: String,
    /// What it would cost, what it costs now, and the difference.
    pub amounts: [String; 3],
}

/// The rate cards.
///
/// # Errors
/// Those of the engine.
pub async fn cards(cursor: Option<String>) -> Result<ListPage<CardView>, UiError> {
    let (engine, user) = context::acting().await?;
    let is_later = cursor.is_some();
    let found = engine.list_rate_cards(&engine.supervisor(&user)?, paging(cursor)).await?;
    Ok(ListPage {
        items: found.items.iter().map(card_view).collect(),
        next_cursor: found.next_cursor,
        is_later,
        can_change: engine.operator(&user).is_ok(),
    })
}

fn card_view(card: &RateCard) -> CardView {
    let latest = card.versions.last().map(|it| &it.version.terms);
    let customers: Vec<&str> = card.customers.iter().map(|(_, name, _)| name.as_str()).collect();
    CardView {
        id: card.id.to_string(),
        name: card.name.clone(),
        bills: latest.map_or_else(String::new, |it| format!("{} in {}", it.figure.label(), it.currency)),
        versions: card.versions.iter().map(from).collect::<Vec<_>>().join(", "),
        customers: if customers.is_empty() { "None".to_owned() } else { customers.join(", ") },
    }
}

fn from(version: &RateCardVersion) -> String {
    format!("{} from {}", version.version.version, format::month(version.version.effective_from.first_day()))
}

/// A rate card with all of its versions.
///
/// # Errors
/// Those of the engine.
pub async fn card(text: &str) -> Result<CardPage, UiError> {
    let (engine, user) = context::acting().await?;
    let supervisor = engine.supervisor(&user)?;
    let card = engine.rate_card(&supervisor, id(text)?).await?;
    let can_change = engine.operator(&user).is_ok();
    let now = Zone::UTC.day(engine.now()).month();
    let refused = take_refused::<AssignmentInput>(&assignment_form(text)).await?;
    let usual = AssignmentInput { card: text.to_owned(), from: now.to_string(), ..AssignmentInput::default() };
    let (assignment, error) = refused.map_or((usual, None), |(input, error)| (input, Some(error)));
    let version = |it: &RateCardVersion| VersionView {
        title: format!("Version {}, from {}", it.version.version, format::month_long(it.version.effective_from)),
        is_used: it.is_used,
        edit: (can_change && !it.is_used).then(|| version_path(text, Some(it.version.version))),
        terms: terms(&it.version.terms),
    };
    let customer = |(id, name, from): &(CustomerId, String, Month)| {
        let href = crate::query::href("/billing", &[("customer", &id.to_string())]);
        (name.clone(), href, format::month_long(*from))
    };
    Ok(CardPage {
        id: text.to_owned(),
        name: card.name.clone(),
        versions: card.versions.iter().rev().map(version).collect(),
        customers: card.customers.iter().map(customer).collect(),
        can_change,
        assignment,
        error,
        choices: choices(engine.all_customers(&supervisor), "Choose a customer"),
        months: (-12..=12).rev().map(|n| now.plus(n)).map(month_choice).collect(),
    })
}

fn month_choice(month: Month) -> Choice {
    Choice { value: month.to_string(), label: format::month_long(month) }
}

fn choices(customers: Vec<(CustomerId, String)>, none: &str) -> Vec<Choice> {
    let first = Choice { value: String::new(), label: none.to_owned() };
    let customer = |(id, label): (CustomerId, String)| Choice { value: id.to_string(), label };
    [first].into_iter().chain(customers.into_iter().map(customer)).collect()
}

/// The name of the form that assigns a card.
#[must_use]
pub fn assignment_form(card: &str) -> String {
    format!("assign {card}")
}

/// The address of the form of a version, new or known.
#[must_use]
pub fn version_path(card: &str, version: Option<u32>) -> String {
    let version = version.map_or_else(|| "new".to_owned(), |version| version.to_string());
    format!("{}/versions/{version}", edit_path(PATH, Some(card)))
}

/// The address of the form that was sent.
#[must_use]
pub fn editor_path(card: Option<&str>, version: Option<&str>) -> String {
    match card {
        None => format!("{PATH}/new"),
        Some(card) => version_path(card, version.and_then(|version| version.parse().ok())),
    }
}

/// The form of a new card (without `card`), of a new version (without `version`), or of a version.
///
/// # Errors
/// Those of the engine.
pub async fn editor(card: Option<String>, version: Option<String>) -> Result<CardEditor, UiError> {
    let (engine, user) = context::acting().await?;
    let supervisor = engine.supervisor(&user)?;
    engine.operator(&user)?;
    let now = Zone::UTC.day(engine.now()).month();
    let known = match &card {
        Some(card) => Some(engine.rate_card(&supervisor, id(card)?).await?),
        None => None,
    };
    let version = version.filter(|version| version != "new");
    let number = version.as_deref().map(id::<u32>).transpose()?;
    let stored = stored(known.as_ref(), number, now)?;
    let path = editor_path(card.as_deref(), version.as_deref());
    let refused = take_refused(&path).await?;
    let (input, error) = match (refused, take_entered(&path).await?) {
        (Some((input, error)), _) => (input, Some(error)),
        (None, Some(input)) => (input, None),
        (None, None) => (stored, None),
    };
    let customers = engine.all_customers(&supervisor);
    let preview = preview(&engine, &supervisor, &input, &customers, error.is_some()).await;
    let title = match (&known, number) {
        (None, _) => "New rate card".to_owned(),
        (Some(_), None) => "New version".to_owned(),
        (Some(_), Some(number)) => format!("Version {number}"),
    };
    let figure = |it: &BillableFigure| Choice { value: it.as_str().to_owned(), label: it.label().to_owned() };
    Ok(CardEditor {
        title,
        card: known.map(|known| (known.name, format!("{PATH}/{}", known.id))),
        card_id: card,
        version,
        input,
        error,
        figures: BillableFigure::ALL.iter().map(figure).collect(),
        customers: choices(customers, "Choose a customer"),
        preview,
    })
}

/// The form as it is filled in at first.
fn stored(card: Option<&RateCard>, version: Option<u32>, now: Month) -> Result<RateCardInput, UiError> {
    let room = |n: usize| vec![TierInput::default(); n];
    let Some(card) = card else {
        return Ok(RateCardInput {
            effective_from: now.plus(1).to_string(),
            figure: BillableFigure::Reach.as_str().to_owned(),
            tiers: room(TIERS),
            ..RateCardInput::default()
        });
    };
    let found = match version {
        Some(number) => card.versions.iter().find(|it| it.version.version == number),
        None => card.versions.last(),
    };
    let found = found.ok_or(UiError::NotFound)?;
    let mut input = input(&found.version.terms);
    input.effective_from = match version {
        Some(_) => found.version.effective_from.to_string(),
        None => now.plus(1).to_string(),
    };
    input.tiers.extend(room(1));
    input.tried_on = card.customers.first().map(|(id, ..)| id.to_string()).unwrap_or_default();
    Ok(input)
}

fn input(terms: &Terms) -> RateCardInput {
    let amount = |money: Money| if money.minor == 0 { String::new() } else { money.to_string() };
    let tier = |tier: &domain::billing::PriceTier| TierInput {
        up_to: tier.up_to.map(|n| n.to_string()).unwrap_or_default(),
        unit_price: tier.unit_price.to_string(),
    };
    RateCardInput {
        currency: terms.currency.to_string(),
        figure: terms.figure.as_str().to_owned(),
        included: if terms.included == 0 { String::new() } else { terms.included.to_string() },
        base_fee: amount(terms.base_fee()),
        minimum: amount(terms.minimum()),
        tiers: terms.tiers.iter().map(tier).collect(),
        ..RateCardInput::default()
    }
}

impl RateCardInput {
    /// The terms as the engine reads them. Rows at the end of the tiers that were left empty are none.
    #[must_use]
    pub fn terms(&self) -> TermsForm {
        let is_empty = |tier: &TierInput| tier.up_to.trim().is_empty() && tier.unit_price.trim().is_empty();
        let filled = self.tiers.iter().rposition(|tier| !is_empty(tier)).map_or(0, |last| last + 1);
        let tier = |it: &TierInput| TierForm { up_to: it.up_to.clone(), unit_price: it.unit_price.clone() };
        TermsForm {
            currency: self.currency.clone(),
            figure: self.figure.clone(),
            included: self.included.clone(),
            tiers: self.tiers.iter().take(filled).map(tier).collect(),
            base_fee: self.base_fee.clone(),
            minimum: self.minimum.clone(),
        }
    }

    /// A version as the engine reads it.
    #[must_use]
    pub fn version(&self) -> VersionForm {
        VersionForm { effective_from: self.effective_from.clone(), terms: self.terms() }
    }

    /// A new card as the engine reads it.
    #[must_use]
    pub fn card(&self) -> CardForm {
        CardForm { name: self.name.clone(), version: self.version() }
    }
}

/// What was entered, tried out; nothing while it is faulty or nobody is chosen.
async fn preview(
    engine: &engine::Engine,
    supervisor: &engine::actor::Supervisor,
    input: &RateCardInput,
    customers: &[(CustomerId, String)],
    is_faulty: bool,
) -> Option<PreviewView> {
    let customer: CustomerId = input.tried_on.parse().ok()?;
    let name = customers.iter().find(|(id, _)| *id == customer).map(|(_, name)| name.clone())?;
    if is_faulty {
        return None;
    }
    // What is stored is good; what was entered was tried out before the form was sent back.
    let found = engine.preview_rate_card(supervisor, customer, &input.terms(), MONTHS).await.ok()?;
    Some(preview_view(name, input.terms().check().ok()?.figure, &found))
}

fn preview_view(customer: String, figure: BillableFigure, found: &[Preview]) -> PreviewView {
    // Before its first usage or bill a customer would have cost nothing.
    let begins = found.iter().position(|it| it.quantity != 0 || it.present.is_some());
    let found = &found[begins.unwrap_or(found.len().saturating_sub(1))..];
    let difference = |would: Money, present: Option<Money>| {
        let by = present.and_then(|present| would.minus(present).ok());
        by.map_or_else(|| format::NONE.to_owned(), format::signed_money)
    };
    let amount = |amount: Option<Money>| amount.map_or_else(|| format::NONE.to_owned(), format::money);
    let row = |it: &Preview| PreviewRow {
        month: format::month_long(it.month),
        quantity: super::quantity(figure, it.quantity),
        amounts: [format::money(it.priced.total), amount(it.present), difference(it.priced.total, it.present)],
    };
    let sum = |of: &dyn Fn(&Preview) -> Option<Money>| {
        let mut all = found.iter().map(of);
        let first = all.next()??;
        all.try_fold(first, |sum, next| sum.plus(next?).ok())
    };
    let would = sum(&|it| Some(it.priced.total));
    let present = sum(&|it| it.present);
    PreviewView {
        customer,
        rows: found.iter().rev().map(row).collect(),
        total: [
            amount(would),
            amount(present),
            would.map_or_else(|| format::NONE.to_owned(), |would| difference(would, present)),
        ],
    }
}

/// The id of a rate card, of which there may be none.
///
/// # Errors
/// [`UiError::NotFound`]: what is no id names nothing.
pub fn card_id(text: &str) -> Result<Option<RateCardId>, UiError> {
    if text.is_empty() { Ok(None) } else { id(text).map(Some) }
}
