//! Billing: rate cards, statements, and how a bill is followed down to the events.

mod cards;
mod issue;
mod notes;
mod recompute;
mod statements;
mod trail;

pub use cards::{CardForm, Contract, Preview, RateCard, RateCardVersion, VersionForm};
pub use issue::Issued;
pub use recompute::{Recomputation, StepDifference};
pub use statements::{BillingOverview, MonthBill, MonthRow, MonthStatus, Usage};
pub(crate) use trail::Trails;
pub use trail::{StatementEvent, StatementEvents, StepCounts, StepKey, TrailFilter};

use crate::actor::Reader;
use crate::directory::CustomerEntry;
use crate::error::Error;

impl Reader {
    /// The one customer that is read; statements are of one.
    pub(crate) fn one(&self) -> Result<&CustomerEntry, Error> {
        self.of.as_deref().ok_or(Error::NotFound)
    }
}

impl crate::Engine {
    /// When the statement of a month is issued by itself.
    #[must_use]
    pub fn statement_due_at(&self, month: domain::zone::Month, zone: domain::Zone) -> domain::Timestamp {
        domain::billing::statement::due_at(month, zone, self.0.settings.statement_grace_days)
    }
}
