//! Which process aggregates.
//!
//! On SQLite all processes are on one machine: the one that holds a file locked, which the system lets go when the
//! process ends. On Postgres the one whose number changes: whoever has seen it stand still for [`DEAD_AFTER`] takes
//! over. No clock of one machine is compared with another's. Either way the store refuses what a process writes that
//! does not hold the figures any more, so that this decides only who does the work, never what comes of it.

use super::Aggregator;
use crate::error::Error;
use crate::store::aggregator::{Progress, advance, progress, take_over};
use std::fs::File;
use std::time::Duration;
use tokio::time::Instant;

/// How often a holder that has nothing to do shows that it is alive.
const BEAT: Duration = Duration::from_secs(2);
/// A holder that has not been seen alive for this long is dead.
const DEAD_AFTER: Duration = Duration::from_secs(6);

/// Held by the process that aggregates.
pub(super) struct Lease {
    /// Locked until it is dropped.
    file: Option<File>,
    renewed: Instant,
}

/// What a process that does not aggregate has seen of the one that does.
pub(super) struct Watched {
    beat: i64,
    since: Instant,
}

impl Lease {
    /// Takes the lease, if nobody holds it, and says how far the figures are.
    pub async fn take(aggregator: &mut Aggregator) -> Result<Option<(Self, Progress)>, Error> {
        let file = match aggregator.db.beside("-lock") {
            Some(path) => match locked(&path)? {
                Some(file) => Some(file),
                None => return Ok(None),
            },
            None => None,
        };
        let seen = progress(&aggregator.db).await?;
        if file.is_none() && !is_free(aggregator, &seen) {
            return Ok(None);
        }
        let mut tx = aggregator.db.begin().await?;
        tx.give_up_when_idle(super::IDLE_MAX).await?;
        if !take_over(&mut tx, &seen, aggregator.engine.0.process).await? {
            return Ok(None);
        }
        tx.commit().await?;
        Ok(Some((Self { file, renewed: Instant::now() }, seen)))
    }

    /// Shows that the holder is alive, if it has not for a while.
    pub async fn renew(&mut self, aggregator: &Aggregator, applied: i64, flushed: i64) -> Result<(), Error> {
        if self.file.is_some() || self.renewed.elapsed() < BEAT {
            return Ok(());
        }
        let mut tx = aggregator.db.begin().await?;
        tx.give_up_when_idle(super::IDLE_MAX).await?;
        if !advance(&mut tx, aggregator.engine.0.process, applied, applied, flushed).await? {
            return Err(Error::Unavailable("another process has taken over the figures".to_owned()));
        }
        tx.commit().await?;
        self.renewed = Instant::now();
        Ok(())
    }
}

/// The file, locked; `None` if another process has it locked.
fn locked(path: &std::path::Path) -> Result<Option<File>, Error> {
    let unavailable = |error: std::io::Error| Error::Unavailable(format!("{}: {error}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(unavailable)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(unavailable(error)),
    }
}

/// Whether the holder has left, or has been seen to stand still for long enough.
fn is_free(aggregator: &mut Aggregator, seen: &Progress) -> bool {
    if seen.holder.is_none_or(|holder| holder == aggregator.engine.0.process) {
        return true;
    }
    match &aggregator.watched {
        Some(known) if known.beat == seen.beat => known.since.elapsed() >= DEAD_AFTER,
        _ => {
            aggregator.watched = Some(Watched { beat: seen.beat, since: Instant::now() });
            false
        }
    }
}
