//! Issuing statements: by hand, and by itself once the days of grace are over.

use super::statements::Account;
use crate::Engine;
use crate::actor::Operator;
use crate::directory::CustomerEntry;
use crate::error::Error;
use crate::store;
use domain::CustomerId;
use domain::billing::statement::{due_at, has_begun, has_ended};
use domain::billing::{Statement, Status};
use domain::fault::{FaultCode, Faults};
use domain::zone::Month;

/// How often issuing is tried where several processes do it at once.
const TRIES_MAX: u32 = 10;

/// A statement that is issued now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub statement: Statement,
    /// Whether this call has issued it; it may have been before.
    pub is_new: bool,
}

fn refused(field: &str, detail: String) -> Error {
    Faults::one(field, FaultCode::FieldInvalid, detail).into()
}

impl Engine {
    /// Issues a customer's statement of a month, with all events that were answered until now. Issuing it again gives the
    /// same statement. `by` is who does it; `before_end` allows it while the month still runs: what comes later is
    /// adjusted on the next statement.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if the month has not begun, has not ended, or no rate card prices it.
    pub async fn issue_statement(
        &self,
        operator: &Operator,
        customer: CustomerId,
        month: Month,
        by: Option<String>,
        before_end: bool,
    ) -> Result<Issued, Error> {
        let entry = self.customer_entry(customer).await?;
        let zone = entry.record.customer.time_zone;
        if !has_begun(month, zone, self.now()) {
            return Err(refused("month", format!("{month} has not begun.")));
        }
        if !before_end && !has_ended(month, zone, self.now()) {
            return Err(refused(
                "month",
                format!("{month} still runs: what comes later would be adjusted next month."),
            ));
        }
        self.wait_for_figures().await?;
        self.issue(operator, &entry, month, by).await
    }

    async fn issue(
        &self,
        operator: &Operator,
        entry: &CustomerEntry,
        month: Month,
        by: Option<String>,
    ) -> Result<Issued, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_issue(operator, entry, month, by.clone()).await {
                Ok(Some(issued)) => return Ok(issued),
                Ok(None) | Err(Error::Unavailable(_)) if tries < TRIES_MAX => {
                    tokio::time::sleep(std::time::Duration::from_millis(20 * u64::from(tries))).await;
                }
                Ok(None) => return Err(Error::Unavailable("other statements are being issued".to_owned())),
                Err(error) => return Err(error),
            }
        }
    }

    /// Issues a statement, unless it is; `None` if another process has issued one of the customer's meanwhile, whose
    /// adjustments this one would bill again.
    async fn try_issue(
        &self,
        operator: &Operator,
        entry: &CustomerEntry,
        month: Month,
        issued_by: Option<String>,
    ) -> Result<Option<Issued>, Error> {
        let mut tx = self.0.db.begin_on_snapshot().await?;
        let account = Account::read(&mut tx, entry, month, month).await?;
        if let Some(statement) = account.issued.iter().find(|statement| statement.month == month) {
            return Ok(Some(Issued { statement: statement.clone(), is_new: false }));
        }
        let usage = account.draft(&mut tx, month, self.now()).await?;
        let Some(mut statement) = usage.statement else {
            return Err(refused("rate_card", format!("No rate card prices {month} for this customer.")));
        };
        let issued_at = self.now();
        statement.status = Status::Issued { issued_at, issued_by };
        if !store::statements::insert(&mut tx, entry.record.no, account.issued.len() + 1, issued_at, &statement).await?
        {
            return Ok(None);
        }
        let issued = Issued { statement, is_new: true };
        let by = match &issued.statement.status {
            Status::Issued { issued_by: Some(by), .. } => by.as_str(),
            _ => &*operator.by,
        };
        self.note_issued(&mut tx, entry.record.no, by, &issued).await?;
        tx.commit().await?;
        Ok(Some(issued))
    }

    /// Issues all statements that are due, oldest first, and says how many. Months that ended before a customer was
    /// created are left to be issued by hand.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn issue_due_statements(&self, operator: &Operator) -> Result<usize, Error> {
        let now = self.now();
        let mut due = Vec::new();
        for entry in self.directory().customers() {
            let customer = &entry.record.customer;
            let first = customer.time_zone.day(customer.created_at).month();
            let is_due =
                |month: &Month| due_at(*month, customer.time_zone, self.0.settings.statement_grace_days) <= now;
            let last = customer.time_zone.day(now).month();
            due.extend((first.0..last.0).map(Month).filter(is_due).map(|month| (entry.clone(), month)));
        }
        let Some(first) = due.iter().map(|(_, month)| *month).min() else { return Ok(0) };
        let issued: std::collections::BTreeSet<_> =
            store::statements::issued_since(&self.0.db, first).await?.into_iter().collect();
        due.retain(|(entry, month)| !issued.contains(&(entry.record.no, *month)));
        if due.is_empty() {
            return Ok(0);
        }
        self.wait_for_figures().await?;
        let mut count = 0;
        for (entry, month) in due {
            match self.issue(operator, &entry, month, None).await {
                Ok(issued) => count += usize::from(issued.is_new),
                // No rate card prices it.
                Err(Error::Invalid(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }
}
