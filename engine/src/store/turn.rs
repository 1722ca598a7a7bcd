//! Turns: what is decided by one transaction at a time, as it rests on rows that others may be about to write.

use super::db::{Sql, Tx};
use crate::error::Error;
use domain::ids::CustomerNo;

/// Tells these locks from any others in the database; the turn is added.
const FIRST: i64 = 0x5265_6100;

/// What is decided in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Customers, applications, people, helplines and rate cards: what an entry of the audit log says that there was before.
    Accounts = 1,
    /// How many exports a customer may have.
    Exports = 2,
    /// How many access links.
    Links = 3,
    /// How many alerts and endpoints, and which of them go together.
    Alerts = 4,
    /// Which pack is the next one of the log.
    Appends = 5,
    /// Which months have partitions.
    Partitions = 6,
}

impl Turn {
    /// What Postgres knows it by: the first number of the lock, of which the customer is the second.
    pub const fn lock(self) -> i64 {
        FIRST + self as i64
    }
}

impl Tx {
    /// Waits until no other transaction is at this turn of a customer (`None`: of what is no customer's), and keeps others from
    /// it until this one ends. What is read after it is what they left.
    ///
    /// On SQLite whoever may write is alone. On Postgres it is a lock of no row: those of `customers` are written by the
    /// aggregator all the time.
    pub async fn take_turn(&mut self, turn: Turn, customer: Option<CustomerNo>) -> Result<(), Error> {
        if matches!(self, Self::Postgres(_)) {
            let sql = "SELECT pg_advisory_xact_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))";
            // Customers are numbered from 1.
            let of = customer.map_or(0, i64::from);
            self.execute(Sql::new(sql).bind(turn.lock()).bind(of)).await?;
        }
        Ok(())
    }
}
