//! Statements as they are read: issued ones as they are stored, all others live from the count tables.

use super::cards::Contract;
use crate::Engine;
use crate::actor::{Reader, Supervisor};
use crate::directory::CustomerEntry;
use crate::error::Error;
use crate::ingest::{DUPLICATE, quarter};
use crate::store::aggregator::Kept;
use crate::store::{self, Tx};
use crate::{Paged, Paging};
use domain::account::Tier;
use domain::billing::statement::{adjust, due_at, forecast, has_begun, ledger, lines, number, whole_days};
use domain::billing::{
    Adjustment, AmountTooLarge, BillableFigure, CardUsed, CardVersion, Intake, Money, Statement, Status, Waterfall,
    card::version_of,
};
use domain::figures::Counts;
use domain::ids::CustomerNo;
use domain::metering::Grain;
use domain::period::Period;
use domain::zone::{Month, Zone};
use domain::{CustomerId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Months of the billing overview, the present one among them.
const OVERVIEW_MONTHS: i32 = 13;

/// A month's usage, and what it costs where a rate card prices it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub month: Month,
    pub time_zone: Zone,
    pub waterfall: Waterfall,
    /// `None`: no rate card prices the month.
    pub statement: Option<Statement>,
}

/// A month of a customer in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthBill {
    pub month: Month,
    pub status: MonthStatus,
    /// The figure that is billed, and its count.
    pub figure: BillableFigure,
    pub quantity: i64,
    /// `None` without a rate card.
    pub total: Option<Money>,
}

/// How far a month's statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum MonthStatus {
    /// Live.
    Draft {
        /// When it is issued by itself.
        due_at: Timestamp,
    },
    Issued {
        issued_at: Timestamp,
    },
    /// No rate card prices the month: there is nothing to issue.
    NoCard,
}

/// A customer's billing at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingOverview {
    /// The present month.
    pub current: Usage,
    /// The months before and the present one, oldest first.
    pub months: Vec<MonthBill>,
    pub contract: Vec<Contract>,
}

/// A customer in the list of a month's statements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthRow {
    pub customer_id: CustomerId,
    pub customer_name: String,
    pub bill: MonthBill,
    /// The month is over in the customer's time zone, so that it can be issued.
    pub has_ended: bool,
}

pub(super) fn too_large(error: AmountTooLarge) -> Error {
    use domain::fault::{FaultCode, Faults};
    Faults::one("unit_price", FaultCode::FieldTooLong, format!("At these prices {error}.")).into()
}

/// What prices a customer's months, oldest first.
pub(super) async fn contract_in(tx: &mut Tx, customer: CustomerNo) -> Result<Vec<Contract>, Error> {
    let mut contract = Vec::new();
    for assignment in store::rate_cards::assignments(tx, customer).await? {
        let card = match assignment.card {
            None => None,
            Some(id) => {
                let record = store::rate_cards::find(tx, id).await?.ok_or(Error::NotFound)?;
                Some((id, record.name, store::rate_cards::versions(tx, id).await?))
            }
        };
        contract.push(Contract { from: assignment.from, card });
    }
    Ok(contract)
}

/// The version of a card that prices a month.
pub(super) fn card_of(contract: &[Contract], month: Month) -> Option<CardUsed> {
    let (id, name, versions) = contract.iter().rfind(|it| it.from <= month)?.card.as_ref()?;
    let CardVersion { version, effective_from, terms } = version_of(versions, month)?.clone();
    Some(CardUsed { id: *id, name: name.clone(), version, effective_from, terms })
}

/// A customer's counts of some months.
pub(super) struct Months(BTreeMap<(Tier, Month), Counts>);

impl Months {
    pub async fn read(tx: &mut Tx, customer: CustomerNo, first: Month, last: Month) -> Result<Self, Error> {
        let range = (i64::from(first.0), i64::from(last.0) + 1);
        let rows = store::figures::by_tier(tx, customer, Grain::Month, range).await?;
        let month = |bucket: i64| Month(i32::try_from(bucket).unwrap_or(i32::MAX));
        Ok(Self(rows.into_iter().map(|(tier, bucket, counts)| ((tier, month(bucket)), counts)).collect()))
    }

    fn of(&self, tier: Tier, month: Month) -> Counts {
        self.0.get(&(tier, month)).copied().unwrap_or_default()
    }

    pub fn production(&self, month: Month) -> Counts {
        self.of(Tier::Production, month)
    }

    fn waterfall(&self, figure: BillableFigure, month: Month, intake: Intake) -> Waterfall {
        Waterfall::of(figure, intake, &self.production(month), &self.of(Tier::Sandbox, month))
    }
}

/// What was received in a month and is in no figure.
pub(super) async fn intake_in(tx: &mut Tx, customer: CustomerNo, month: Month, zone: Zone) -> Result<Intake, Error> {
    let start = |month: Month| quarter(zone.day_start(month.first_day()));
    let mut rejected = store::intake::of_customer(tx, customer, start(month), start(month.plus(1))).await?;
    let duplicates = rejected.iter().filter(|(code, _)| code == DUPLICATE).map(|(_, n)| n).sum();
    rejected.retain(|(code, _)| code != DUPLICATE);
    Ok(Intake { rejected, duplicates })
}

/// What a customer's statements follow from, as one state of the database has it.
pub(super) struct Account<'a> {
    entry: &'a CustomerEntry,
    kept: Kept,
    contract: Vec<Contract>,
    /// In the order in which they were issued.
    pub issued: Vec<Statement>,
    counts: Months,
}

impl<'a> Account<'a> {
    /// Reads what statements of some months follow from.
    pub async fn read(tx: &mut Tx, entry: &'a CustomerEntry, first: Month, last: Month) -> Result<Self, Error> {
        let no = entry.record.no;
        let issued = store::statements::of_customer(tx, no).await?;
        // Issued months may have to be adjusted.
        let first = issued.iter().map(|statement| statement.month).min().unwrap_or(first).min(first);
        Ok(Self {
            entry,
            kept: store::aggregator::kept_of(tx, no).await?,
            contract: contract_in(tx, no).await?,
            issued,
            counts: Months::read(tx, no, first, last).await?,
        })
    }

    /// A month's usage: of an issued month as it was billed, of another one live.
    pub async fn usage(&self, tx: &mut Tx, month: Month, now: Timestamp) -> Result<Usage, Error> {
        match self.issued.iter().find(|statement| statement.month == month) {
            Some(statement) => Ok(Usage {
                month,
                time_zone: statement.time_zone,
                waterfall: statement.waterfall.clone(),
                statement: Some(statement.clone()),
            }),
            None => self.draft(tx, month, now).await,
        }
    }

    /// A month's usage, and what its statement would be if it were issued now.
    pub async fn draft(&self, tx: &mut Tx, month: Month, now: Timestamp) -> Result<Usage, Error> {
        let (no, zone, customer) = (self.entry.record.no, self.kept.zone, &self.entry.record.customer);
        let card = card_of(&self.contract, month);
        let figure = card.as_ref().map_or(BillableFigure::Reach, |card| card.terms.figure);
        let waterfall = self.counts.waterfall(figure, month, intake_in(tx, no, month, zone).await?);
        let Some(card) = card else {
            return Ok(Usage { month, time_zone: zone, waterfall, statement: None });
        };
        let adjustments = self.adjustments(tx, month).await?;
        let (lines, total) = lines(&card.terms, &waterfall, &adjustments).map_err(too_large)?;
        let mut forecast = forecast_in(tx, no, (month, zone, now), &card, &waterfall).await?;
        if let Some(forecast) = &mut forecast {
            for adjustment in &adjustments {
                forecast.total = forecast.total.plus(adjustment.amount).map_err(too_large)?;
            }
        }
        let statement = Statement {
            number: number(month, no.0),
            customer_id: customer.id,
            customer_name: customer.name.clone(),
            month,
            time_zone: zone,
            status: Status::Draft { forecast },
            card,
            log_length: self.kept.log_length,
            waterfall: waterfall.clone(),
            lines,
            adjustments,
            total,
        };
        Ok(Usage { month, time_zone: zone, waterfall, statement: Some(statement) })
    }

    /// What arrived late for issued months before one.
    async fn adjustments(&self, tx: &mut Tx, before: Month) -> Result<Vec<Adjustment>, Error> {
        let mut adjustments = Vec::new();
        for (month, billed) in ledger(&self.issued).map_err(too_large)?.range(..before) {
            let figure = billed.card.terms.figure;
            let accepted = self.counts.waterfall(figure, *month, Intake::default());
            if billed.waterfall.accepts_as(&accepted) {
                continue;
            }
            let intake = intake_in(tx, self.entry.record.no, *month, self.kept.zone).await?;
            let after = self.counts.waterfall(figure, *month, intake);
            adjustments.extend(adjust(*month, billed, after).map_err(too_large)?);
        }
        Ok(adjustments)
    }

    /// Whether a rate card prices a month.
    fn is_priced(&self, month: Month) -> bool {
        card_of(&self.contract, month).is_some()
    }
}

async fn forecast_in(
    tx: &mut Tx,
    customer: CustomerNo,
    (month, zone, now): (Month, Zone, Timestamp),
    card: &CardUsed,
    waterfall: &Waterfall,
) -> Result<Option<domain::billing::Forecast>, Error> {
    let days = whole_days(month, zone, now);
    let first = i64::from(month.first_day().0);
    let rows = store::figures::by_tier(tx, customer, Grain::Day, (first, first + i64::from(days))).await?;
    let of_production = rows.iter().filter(|(tier, ..)| *tier == Tier::Production);
    let so_far = of_production.map(|(.., counts)| counts.get(card.terms.figure.figure())).sum();
    forecast(&card.terms, month, days, so_far, waterfall.billable).map_err(too_large)
}

fn bill(usage: &Usage, grace_days: u32) -> MonthBill {
    let status = match &usage.statement {
        None => MonthStatus::NoCard,
        Some(Statement { status: Status::Issued { issued_at, .. }, .. }) => {
            MonthStatus::Issued { issued_at: *issued_at }
        }
        Some(_) => MonthStatus::Draft { due_at: due_at(usage.month, usage.time_zone, grace_days) },
    };
    MonthBill {
        month: usage.month,
        status,
        figure: usage.waterfall.figure,
        quantity: usage.waterfall.billable,
        total: usage.statement.as_ref().map(|statement| statement.total),
    }
}

impl Engine {
    /// A month's usage: of an issued month as it was billed.
    pub(super) async fn usage_in(&self, tx: &mut Tx, entry: &CustomerEntry, month: Month) -> Result<Usage, Error> {
        Account::read(tx, entry, month, month).await?.usage(tx, month, self.now()).await
    }

    /// A month's usage, and its statement: as it was issued, or live.
    ///
    /// # Errors
    /// [`Error::NotFound`] for all customers at once, and for a month that has not begun.
    pub async fn usage(&self, reader: &Reader, month: Month) -> Result<Usage, Error> {
        let entry = reader.one()?;
        if !has_begun(month, entry.record.customer.time_zone, self.now()) {
            return Err(Error::NotFound);
        }
        let mut tx = self.0.db.snapshot().await?;
        self.usage_in(&mut tx, entry, month).await
    }

    /// A month's statement: as it was issued, or live.
    ///
    /// # Errors
    /// [`Error::NotFound`] as [`Engine::usage`], and where no rate card prices the month.
    pub async fn statement(&self, reader: &Reader, month: Month) -> Result<Statement, Error> {
        self.usage(reader, month).await?.statement.ok_or(Error::NotFound)
    }

    /// The draft of the running month; `None` if no rate card prices it.
    pub(crate) async fn current_statement(&self, entry: &CustomerEntry) -> Result<Option<Statement>, Error> {
        let month = entry.record.customer.time_zone.day(self.now()).month();
        let mut tx = self.0.db.snapshot().await?;
        Ok(self.usage_in(&mut tx, entry, month).await?.statement)
    }

    /// A page of a customer's statements, newest first: the draft of the running month, drafts of months that are not
    /// issued yet, and all that are.
    ///
    /// # Errors
    /// [`Error::NotFound`] for all customers at once.
    pub async fn statements(&self, reader: &Reader, paging: Paging) -> Result<Paged<Statement>, Error> {
        let entry = reader.one()?;
        let customer = &entry.record.customer;
        // What is issued by itself, or runs: from the month in which the customer was created.
        let [first, last] = [customer.created_at, self.now()].map(|at| customer.time_zone.day(at).month());
        let mut tx = self.0.db.snapshot().await?;
        let account = Account::read(&mut tx, entry, first, last).await?;
        let mut all = account.issued.clone();
        for month in (first.0..=last.0).map(Month).filter(|month| account.is_priced(*month)) {
            if !all.iter().any(|statement| statement.month == month) {
                all.extend(account.draft(&mut tx, month, self.now()).await?.statement);
            }
        }
        all.sort_by_key(|statement| std::cmp::Reverse(statement.month));
        paging.cut(all, |statement| statement.month.to_string())
    }

    /// The figure that a customer's rate cards bill in all months of a period; `None` if none is billed, or several are.
    ///
    /// # Errors
    /// [`Error::NotFound`] for all customers at once.
    pub async fn billed_figure(&self, reader: &Reader, period: Period) -> Result<Option<BillableFigure>, Error> {
        let contract = self.contract(reader).await?;
        let months = (period.from.month().0..=period.to.plus(-1).month().0).map(Month);
        let mut figures = months.map(|month| card_of(&contract, month).map(|card| card.terms.figure));
        let first = figures.next().flatten();
        Ok(first.filter(|_| figures.all(|figure| figure == first)))
    }

    /// A customer's billing at a glance: the running month with its forecast, the twelve before it, the contract.
    ///
    /// # Errors
    /// [`Error::NotFound`] for all customers at once.
    pub async fn billing_overview(&self, reader: &Reader) -> Result<BillingOverview, Error> {
        let entry = reader.one()?;
        let grace_days = self.0.settings.statement_grace_days;
        let last = entry.record.customer.time_zone.day(self.now()).month();
        let first = last.plus(1 - OVERVIEW_MONTHS);
        let mut tx = self.0.db.snapshot().await?;
        let account = Account::read(&mut tx, entry, first, last).await?;
        let mut months = Vec::new();
        for month in (first.0..last.0).map(Month) {
            months.push(bill(&account.usage(&mut tx, month, self.now()).await?, grace_days));
        }
        let current = account.usage(&mut tx, last, self.now()).await?;
        months.push(bill(&current, grace_days));
        Ok(BillingOverview { current, months, contract: account.contract })
    }

    /// All customers' statements of a month, by name.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn statements_of_month(
        &self,
        _: &Supervisor,
        month: Month,
        paging: Paging,
    ) -> Result<Paged<MonthRow>, Error> {
        let directory = self.directory();
        let mut entries: Vec<_> = directory.customers().into_iter().cloned().collect();
        entries.sort_by_cached_key(|entry| (entry.record.customer.name.to_lowercase(), entry.record.no));
        let page = paging.cut(entries, |entry| entry.record.customer.id.to_string())?;
        let mut tx = self.0.db.snapshot().await?;
        let mut items = Vec::new();
        for entry in page.items {
            let usage = self.usage_in(&mut tx, &entry, month).await?;
            let customer = &entry.record.customer;
            items.push(MonthRow {
                customer_id: customer.id,
                customer_name: customer.name.clone(),
                bill: bill(&usage, self.0.settings.statement_grace_days),
                has_ended: domain::billing::statement::has_ended(month, usage.time_zone, self.now()),
            });
        }
        Ok(Paged { items, next_cursor: page.next_cursor })
    }
}
