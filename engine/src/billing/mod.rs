//! Billing: rate cards, statements, and how a bill is followed down to the events.

mod cards;
mod issue;
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
