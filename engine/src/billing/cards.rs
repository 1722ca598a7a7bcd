//! Rate cards: made, given new versions, assigned to customers, tried out before they are saved.

use super::statements::{Months, contract_in};
use crate::Engine;
use crate::actor::{Operator, Reader, Supervisor};
use crate::clock::new_uuid;
use crate::error::Error;
use crate::store::rate_cards::{Assignment, CardRecord};
use crate::store::{self, Tx};
use crate::{Paged, Paging};
use domain::audit::Action;
use domain::billing::{CardVersion, Money, Priced, Terms, TermsForm, price};
use domain::fault::{FaultCode, Faults};
use domain::ids::RateCardId;
use domain::zone::{Month, Zone};
use domain::{CustomerId, text};
use serde::{Deserialize, Serialize};

/// Most months that a card is tried out on.
const PREVIEW_MONTHS_MAX: u32 = 24;

/// A version of a card as it is entered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionForm {
    /// The first month that it prices: `2026-11`.
    pub effective_from: String,
    #[serde(flatten)]
    pub terms: TermsForm,
}

/// A new card as it is entered, with its first version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardForm {
    pub name: String,
    #[serde(flatten)]
    pub version: VersionForm,
}

impl VersionForm {
    fn check(&self, faults: &mut Faults) -> Option<(Month, Terms)> {
        let effective_from = self.effective_from.trim().parse::<Month>();
        if effective_from.is_err() {
            faults.add("effective_from", FaultCode::FieldInvalid, "Must be a month, such as 2026-11.");
        }
        match (effective_from, self.terms.check()) {
            (Ok(effective_from), Ok(terms)) => Some((effective_from, terms)),
            (_, Err(more)) => {
                faults.0.extend(more.0);
                None
            }
            (Err(_), Ok(_)) => None,
        }
    }
}

/// A version of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateCardVersion {
    #[serde(flatten)]
    pub version: CardVersion,
    /// A statement was priced with it: it never changes.
    pub is_used: bool,
}

/// A rate card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateCard {
    pub id: RateCardId,
    pub name: String,
    /// Oldest first.
    pub versions: Vec<RateCardVersion>,
    /// To whom it is assigned, and from which month on.
    pub customers: Vec<(CustomerId, String, Month)>,
}

/// What prices a customer's months from one on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    pub from: Month,
    /// `None`: nothing does.
    pub card: Option<(RateCardId, String, Vec<CardVersion>)>,
}

/// What a month would have cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    pub month: Month,
    pub quantity: i64,
    pub priced: Priced,
    /// What its usage costs by the customer's present card, if it has one that bills in the same currency.
    pub present: Option<Money>,
}

fn issued(field: &str, month: Month) -> Error {
    let detail = format!("{month} has been issued with this card or customer: choose a later month.");
    Faults::one(field, FaultCode::MonthIssued, detail).into()
}

impl Engine {
    /// A page of the rate cards, by name.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn list_rate_cards(&self, _: &Supervisor, paging: Paging) -> Result<Paged<RateCard>, Error> {
        let limit = paging.limit.clamp(1, crate::paging::PAGE_MAX);
        let fetch = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let after = paging.cursor.unwrap_or_default();
        let mut records = store::rate_cards::list(&self.0.db, &after, fetch).await?;
        let has_more = records.len() > limit;
        records.truncate(limit);
        let next_cursor = if has_more { records.last().map(|card| card.name.clone()) } else { None };
        let mut tx = self.0.db.snapshot().await?;
        let mut items = Vec::new();
        for record in records {
            items.push(self.card(&mut tx, record).await?);
        }
        Ok(Paged { items, next_cursor })
    }

    /// A rate card.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn rate_card(&self, _: &Supervisor, id: RateCardId) -> Result<RateCard, Error> {
        let mut tx = self.0.db.snapshot().await?;
        let record = store::rate_cards::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
        self.card(&mut tx, record).await
    }

    async fn card(&self, tx: &mut Tx, record: CardRecord) -> Result<RateCard, Error> {
        let mut versions = Vec::new();
        for version in store::rate_cards::versions(tx, record.id).await? {
            let used = store::statements::latest_month_of_card(tx, record.id, Some(version.version)).await?;
            versions.push(RateCardVersion { version, is_used: used.is_some() });
        }
        let directory = self.directory();
        let assigned = store::rate_cards::customers_of(tx, record.id).await?;
        let customer = |(no, from)| {
            let entry = directory.customer_of_no(no)?;
            Some((entry.record.customer.id, entry.record.customer.name.clone(), from))
        };
        let customers = assigned.into_iter().filter_map(customer).collect();
        Ok(RateCard { id: record.id, name: record.name, versions, customers })
    }

    /// Makes a rate card with its first version.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the form, or if the name is taken.
    pub async fn create_rate_card(&self, operator: &Operator, form: &CardForm) -> Result<RateCard, Error> {
        let mut faults = Faults::default();
        let name = text::name("name", &form.name, &mut faults);
        let version = form.version.check(&mut faults);
        faults.or(())?;
        let Some((effective_from, terms)) = version else { return Err(Error::Invalid(Faults::default())) };
        let now = self.now();
        let id = RateCardId::from_uuid(new_uuid(now));
        let record = CardRecord { id, name, currency: terms.currency, created_at: now };
        let mut tx = self.begin_change().await?;
        if !store::rate_cards::insert(&mut tx, &record).await? {
            return Err(Faults::one("name", FaultCode::FieldTaken, "Another rate card has this name.").into());
        }
        let first = CardVersion { version: 1, effective_from, terms };
        store::rate_cards::insert_version(&mut tx, id, &first, now).await?;
        self.note_card(&mut tx, operator, Action::RateCardMade, &record, (None, &first)).await?;
        tx.commit().await?;
        self.rate_card(&operator.as_supervisor(), id).await
    }

    /// Gives a card a further version.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] with all faults of the form, if a statement of the effective month or a
    /// later one was priced with the card, or if the currency is another one.
    pub async fn add_rate_card_version(
        &self,
        operator: &Operator,
        id: RateCardId,
        form: &VersionForm,
    ) -> Result<RateCard, Error> {
        let mut tx = self.begin_change().await?;
        let (record, effective_from, terms) = self.check_version(&mut tx, id, form).await?;
        let versions = store::rate_cards::versions(&mut tx, id).await?;
        let version = versions.iter().map(|version| version.version).max().unwrap_or(0) + 1;
        let new = CardVersion { version, effective_from, terms };
        if !store::rate_cards::insert_version(&mut tx, id, &new, self.now()).await? {
            return Err(Error::Unavailable("another version was added at the same time".to_owned()));
        }
        self.note_card(&mut tx, operator, Action::RateCardVersionAdded, &record, (None, &new)).await?;
        tx.commit().await?;
        self.rate_card(&operator.as_supervisor(), id).await
    }

    /// Changes a version that no statement was priced with yet.
    ///
    /// # Errors
    /// As [`Engine::add_rate_card_version`]; [`Error::Invalid`] too if a statement was priced with it.
    pub async fn update_rate_card_version(
        &self,
        operator: &Operator,
        id: RateCardId,
        version: u32,
        form: &VersionForm,
    ) -> Result<RateCard, Error> {
        let mut tx = self.begin_change().await?;
        if let Some(month) = store::statements::latest_month_of_card(&mut tx, id, Some(version)).await? {
            let detail = format!("The statement of {month} was priced with this version: add a new one.");
            return Err(Faults::one("version", FaultCode::MonthIssued, detail).into());
        }
        let (record, effective_from, terms) = self.check_version(&mut tx, id, form).await?;
        let changed = CardVersion { version, effective_from, terms };
        let versions = store::rate_cards::versions(&mut tx, id).await?;
        let before = versions.iter().find(|before| before.version == version).ok_or(Error::NotFound)?;
        if !store::rate_cards::update_version(&mut tx, id, &changed).await? {
            return Err(Error::NotFound);
        }
        let action = Action::RateCardVersionChanged;
        self.note_card(&mut tx, operator, action, &record, (Some(before), &changed)).await?;
        tx.commit().await?;
        self.rate_card(&operator.as_supervisor(), id).await
    }

    async fn check_version(
        &self,
        tx: &mut Tx,
        id: RateCardId,
        form: &VersionForm,
    ) -> Result<(CardRecord, Month, Terms), Error> {
        let record = store::rate_cards::find(tx, id).await?.ok_or(Error::NotFound)?;
        let mut faults = Faults::default();
        let checked = form.check(&mut faults);
        faults.or(())?;
        let Some((effective_from, terms)) = checked else { return Err(Error::Invalid(Faults::default())) };
        if terms.currency != record.currency {
            let detail = format!("This card is in {}: make another card for another currency.", record.currency);
            return Err(Faults::one("currency", FaultCode::FieldInvalid, detail).into());
        }
        match store::statements::latest_month_of_card(tx, id, None).await? {
            Some(month) if month >= effective_from => Err(issued("effective_from", month)),
            _ => Ok((record, effective_from, terms)),
        }
    }

    /// Lets a card (or none) price a customer's months from one on.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such customer; [`Error::Invalid`] if there is no such card, if that month or a
    /// later one is issued, or if the customer's statements are in another currency.
    pub async fn assign_rate_card(
        &self,
        operator: &Operator,
        customer: CustomerId,
        card: Option<RateCardId>,
        from: Month,
    ) -> Result<(), Error> {
        let entry = self.customer_entry(customer).await?;
        let no = entry.record.no;
        let mut tx = self.begin_change().await?;
        let mut chosen = None;
        if let Some(id) = card {
            let record = store::rate_cards::find(&mut tx, id).await?.ok_or_else(|| {
                Error::from(Faults::one("card", FaultCode::FieldInvalid, "There is no such rate card."))
            })?;
            if let Some(currency) = store::statements::currency(&mut tx, no).await?.filter(|it| *it != record.currency)
            {
                let detail = format!("This customer's statements are in {currency}.");
                return Err(Faults::one("card", FaultCode::FieldInvalid, detail).into());
            }
            chosen = Some(record);
        }
        if let Some(month) = store::statements::latest_month(&mut tx, no).await?.filter(|month| *month >= from) {
            return Err(issued("from", month));
        }
        let earlier = store::rate_cards::assignments(&mut tx, no).await?;
        let before = earlier.iter().rfind(|before| before.from <= from).and_then(|before| before.card);
        store::rate_cards::assign(&mut tx, no, Assignment { from, card }, self.now()).await?;
        if !earlier.contains(&Assignment { from, card }) {
            self.note_assignment(&mut tx, operator, no, (before, chosen.as_ref()), from).await?;
        }
        tx.commit().await
    }

    /// What prices a customer's months, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for all customers at once.
    pub async fn contract(&self, reader: &Reader) -> Result<Vec<Contract>, Error> {
        let mut tx = self.0.db.snapshot().await?;
        contract_in(&mut tx, reader.one()?.record.no).await
    }

    /// What some last months of a customer would have cost under these terms, the present month (as far as it is) last.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] with all faults of the terms, or if an amount does not fit.
    pub async fn preview_rate_card(
        &self,
        _: &Supervisor,
        customer: CustomerId,
        form: &TermsForm,
        months: u32,
    ) -> Result<Vec<Preview>, Error> {
        let entry = self.customer_entry(customer).await?;
        let terms = form.check()?;
        let zone: Zone = entry.record.customer.time_zone;
        let last = zone.day(self.now()).month();
        let first = last.plus(1 - i32::try_from(months.clamp(1, PREVIEW_MONTHS_MAX)).unwrap_or(1));
        let mut tx = self.0.db.snapshot().await?;
        let counts = Months::read(&mut tx, entry.record.no, first, last).await?;
        let contract = contract_in(&mut tx, entry.record.no).await?;
        let mut previews = Vec::new();
        for month in (first.0..=last.0).map(Month) {
            let quantity = |figure: domain::billing::BillableFigure| counts.production(month).get(figure.figure());
            let price_of = |terms: &Terms| {
                let quantity = u64::try_from(quantity(terms.figure)).unwrap_or(0);
                price(terms, quantity).map_err(super::statements::too_large)
            };
            let present = super::statements::card_of(&contract, month);
            let present = present.filter(|card| card.terms.currency == terms.currency);
            previews.push(Preview {
                month,
                quantity: quantity(terms.figure),
                priced: price_of(&terms)?,
                present: present.map(|card| price_of(&card.terms)).transpose()?.map(|priced| priced.total),
            });
        }
        Ok(previews)
    }
}
