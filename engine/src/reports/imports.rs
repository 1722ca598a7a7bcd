//! Reports and imports of history: no report is of days that are imported in part.

use super::Report;
use crate::Engine;
use crate::error::Error;
use crate::store::imports::ImportRow;
use crate::store::{self, Tx};
use domain::fault::{FaultCode, Faults};
use domain::ids::CustomerNo;
use domain::report::Wanted;
use domain::zone::Month;

impl Engine {
    /// How often drafts were outdated before a report is counted. If they are once more by the time it is kept, an import may
    /// have ended meanwhile, and some of its events may not have been counted: it must be counted anew.
    ///
    /// # Errors
    /// [`Error::Invalid`] while its days are imported.
    pub(super) async fn outdated_before(&self, customer: CustomerNo, wanted: &Wanted) -> Result<i64, Error> {
        let mut tx = self.0.db.snapshot().await?;
        not_while_imported(&mut tx, customer, wanted).await?;
        store::reports::outdated(&mut tx, customer).await
    }
}

/// Refuses to keep a draft while its days are imported, or if drafts were outdated since it was counted.
pub(super) async fn still_whole(
    tx: &mut Tx,
    customer: CustomerNo,
    wanted: &Wanted,
    (before, outdated): (i64, i64),
) -> Result<(), Error> {
    not_while_imported(tx, customer, wanted).await?;
    if before == outdated {
        Ok(())
    } else {
        Err(Error::Unavailable("reports or imports of history end meanwhile".to_owned()))
    }
}

async fn not_while_imported(tx: &mut Tx, customer: CustomerNo, wanted: &Wanted) -> Result<(), Error> {
    match unended(tx, customer, (wanted.first, wanted.last)).await? {
        Some(detail) => Err(Faults::one("period", FaultCode::PeriodInvalid, detail).into()),
        None => Ok(()),
    }
}

/// Refuses to approve a report while its days are imported.
pub(super) async fn approvable(tx: &mut Tx, customer: CustomerNo, report: &Report) -> Result<(), Error> {
    match unended(tx, customer, (report.first, report.last)).await? {
        Some(detail) => Err(Faults::one("report", FaultCode::FieldInvalid, detail).into()),
        None => Ok(()),
    }
}

/// What to say of an import that has not ended and has days of these months, if there is one.
async fn unended(tx: &mut Tx, customer: CustomerNo, (first, last): (Month, Month)) -> Result<Option<String>, Error> {
    let (from, to) = (first.first_day(), last.plus(1).first_day());
    // A click converts a display of 24 hours before: of the day before, or the one before that where a day is shorter.
    let meets = |import: &ImportRow| {
        let around = if import.has_sessions { 2 } else { 0 };
        import.covered.iter().any(|it| it.first.plus(-around) < to && it.last.plus(around) >= from)
    };
    let imports = store::imports::unended(tx, customer).await?;
    Ok(imports.iter().find(|import| meets(import)).map(|import| {
        let stays = if import.has_sessions { "the events that came in stay" } else { "its counts are taken away" };
        format!(
            "The import of {} has days of this period and has not ended: only a part of it would be reported. Wait for its end \
             or, if it broke off, run the same command again. If its file is gone, `reachline events withdraw --import {}` gives \
             it up: {stays}.",
            import.file, import.id
        )
    }))
}
