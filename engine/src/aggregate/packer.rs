//! The thread that packs sessions and writes them down, beside the counting: both take as long as several batches do, and
//! figures need not wait for them.
//!
//! What it writes are parts of runs that are not there yet: nobody reads them before the aggregator has made them one, in a
//! transaction of its own. Parts of which no run came, as the process ended, are deleted by the next one that aggregates.

use crate::Engine;
use crate::error::Error;
use crate::pace;
use crate::store::runs::{self, Frozen, NewRun, Part};
use crate::store::{self, Db, Tx};
use crate::worker_thread::WorkerThread;
use domain::ids::CustomerNo;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinError;
use uuid::Uuid;

/// How long the packing of a run may rest in all, for others to have the processor.
const RESTS_MAX: Duration = Duration::from_secs(5);
/// Parts that are written, or deleted, at once: who else writes waits for it.
const PARTS_AT_ONCE: usize = 512;

/// Sessions that are being packed and written down. Given up, what was written is no run.
pub(super) type Packing = oneshot::Receiver<Result<Vec<NewRun>, Error>>;

/// Something to do, if the figures are still this process's, and sessions written down as far as they were.
struct Job {
    flushed: i64,
    work: Work,
}

enum Work {
    Pack {
        frozen: Vec<Frozen>,
        rests: bool,
        done: oneshot::Sender<Result<Vec<NewRun>, Error>>,
    },
    /// Parts of runs that are there no more.
    Delete(Vec<(CustomerNo, i64)>),
    /// Parts of which no run came, these being the runs that there are.
    DeleteLeftOver(Vec<(CustomerNo, Vec<i64>)>),
    /// Tell that all before is done.
    Tell(oneshot::Sender<()>),
}

/// The way to the thread.
pub(super) struct Packer {
    jobs: mpsc::UnboundedSender<Job>,
    thread: WorkerThread,
}

impl Packer {
    /// Starts the thread.
    pub fn start(engine: &Engine) -> Result<Self, Error> {
        let (db, process) = (engine.0.db.clone(), engine.0.process);
        let (jobs, mut inbox) = mpsc::unbounded_channel();
        let thread = WorkerThread::start("sessions", move |_| async move {
            let mut worker = Worker { db: db.apart(), process, undeleted: Vec::new() };
            while let Some(job) = inbox.recv().await {
                worker.work(job).await;
            }
            worker.db.close_apart().await;
        })?;
        Ok(Self { jobs, thread })
    }

    /// Lets sessions be packed and written down, with rests if nobody is in a hurry.
    pub fn pack(&self, flushed: i64, frozen: Vec<Frozen>, rests: bool) -> Packing {
        let (done, packing) = oneshot::channel();
        self.order(flushed, Work::Pack { frozen, rests, done });
        packing
    }

    /// Lets the parts of runs be deleted that are there no more.
    pub fn delete(&self, flushed: i64, runs: Vec<(CustomerNo, i64)>) {
        self.order(flushed, Work::Delete(runs));
    }

    /// Lets parts be deleted of which no run came.
    pub fn delete_left_over(&self, flushed: i64, runs: Vec<(CustomerNo, Vec<i64>)>) {
        self.order(flushed, Work::DeleteLeftOver(runs));
    }

    fn order(&self, flushed: i64, work: Work) {
        // The thread ends with the process alone, if not after `stop`.
        let _ = self.jobs.send(Job { flushed, work });
    }

    /// Waits until all is done, at most so long.
    pub async fn finish(&self, wait_max: Duration) {
        let (tell, told) = oneshot::channel();
        self.order(0, Work::Tell(tell));
        // What is not done is of no harm.
        let _ = tokio::time::timeout(wait_max, told).await;
    }

    /// Ends the thread, and waits for it at most so long.
    pub async fn stop(self, wait_max: Duration) {
        drop(self.jobs);
        self.thread.stop(wait_max).await;
    }
}

struct Worker {
    db: Db,
    process: Uuid,
    /// Runs that are there no more, whose parts could not be deleted yet.
    undeleted: Vec<(CustomerNo, i64)>,
}

impl Worker {
    async fn work(&mut self, Job { flushed, work }: Job) {
        let deleted = match work {
            Work::Pack { frozen, rests, done } => {
                let runs = self.pack(flushed, frozen, rests).await;
                // Whoever waited for it may have failed meanwhile, and another process have taken over.
                let _ = done.send(runs);
                Ok(())
            }
            Work::Delete(runs) => {
                self.undeleted.extend(runs);
                let deleted = self.delete(flushed, &self.undeleted).await;
                if deleted.is_ok() {
                    self.undeleted.clear();
                }
                deleted
            }
            Work::DeleteLeftOver(runs) => self.delete_left_over(flushed, runs).await,
            Work::Tell(tell) => {
                // Whoever asked may have waited long enough.
                let _ = tell.send(());
                Ok(())
            }
        };
        if let Err(error) = deleted {
            tracing::warn!(%error, "sessions that are written down elsewhere could not be deleted");
        }
    }

    async fn pack(&self, flushed: i64, frozen: Vec<Frozen>, rests: bool) -> Result<Vec<NewRun>, Error> {
        let (mut runs, mut parts) = (Vec::new(), Vec::new());
        for frozen in frozen {
            let frozen = frozen.read(&self.db).await?;
            let pack = move || {
                if rests {
                    pace::ease(RESTS_MAX);
                }
                let packed = frozen.pack();
                pace::hurry();
                packed
            };
            // Elsewhere, as the connection that wrote the parts before is given back only while this thread waits.
            let packed = tokio::task::spawn_blocking(pack).await.map_err(JoinError::into_panic);
            let (run, of_run) = packed.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            runs.push(run);
            parts.extend(of_run);
            // Of many customers there may be a part or two of each.
            if parts.len() >= PARTS_AT_ONCE {
                self.write(flushed, &mut parts).await?;
            }
        }
        self.write(flushed, &mut parts).await?;
        Ok(runs)
    }

    async fn write(&self, flushed: i64, parts: &mut Vec<Part>) -> Result<(), Error> {
        for some in parts.chunks(PARTS_AT_ONCE) {
            let mut tx = self.begin(flushed).await?;
            runs::write_parts(&mut tx, some).await?;
            tx.commit().await?;
        }
        parts.clear();
        Ok(())
    }

    async fn delete(&self, flushed: i64, runs: &[(CustomerNo, i64)]) -> Result<(), Error> {
        let mut runs = runs.iter().copied().peekable();
        while runs.peek().is_some() {
            let (mut tx, mut deleted) = (self.begin(flushed).await?, 0);
            while deleted < PARTS_AT_ONCE
                && let Some((customer, run)) = runs.peek().copied()
            {
                let some = runs::delete_parts(&mut tx, customer, run, PARTS_AT_ONCE).await?;
                deleted += some;
                runs.next_if(|_| some == 0);
            }
            tx.commit().await?;
        }
        Ok(())
    }

    async fn delete_left_over(&self, flushed: i64, runs: Vec<(CustomerNo, Vec<i64>)>) -> Result<(), Error> {
        for (customer, runs) in runs {
            let left_over = runs::left_over(&self.db, customer, &runs).await?;
            let left_over: Vec<_> = left_over.into_iter().map(|run| (customer, run)).collect();
            self.delete(flushed, &left_over).await?;
        }
        Ok(())
    }

    /// Begins to write, which fails if another process has taken over the figures.
    async fn begin(&self, flushed: i64) -> Result<Tx, Error> {
        let mut tx = self.db.begin().await?;
        tx.give_up_when_idle(super::IDLE_MAX).await?;
        if store::aggregator::hold_as(&mut tx, self.process, flushed).await? {
            return Ok(tx);
        }
        Err(Error::Unavailable("another process has taken over the figures".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::Sql;
    use crate::store::testing::{new_db, session};
    use domain::Timestamp;
    use domain::event::Action;
    use domain::ids::HelplineNo;
    use domain::metering::Entry;
    use std::sync::Arc;

    const CUSTOMER: CustomerNo = CustomerNo(1);

    /// Sessions, far more than are written at once.
    fn frozen(no: i64) -> Frozen {
        let at = Timestamp::from_millis(5);
        let entry = Entry { helpline: HelplineNo(1), action: Action::Display, at };
        let mut in_memory: Vec<_> = (0..70_000).map(|i| (session(i), entry)).collect();
        in_memory.sort_unstable();
        Frozen { customer: CUSTOMER, no, extent: (at, at, 70_000), in_memory: Arc::new(in_memory), merged: Vec::new() }
    }

    async fn take_over(db: &Db) -> Uuid {
        let process = Uuid::from_bytes(crate::clock::random_bytes());
        let seen = store::aggregator::progress(db).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert!(store::aggregator::take_over(&mut tx, &seen, process).await.unwrap());
        tx.commit().await.unwrap();
        process
    }

    async fn parts(db: &Db, run: i64) -> i64 {
        let sql = Sql::new("SELECT COUNT(*) FROM session_parts WHERE run = $1").bind(run);
        db.fetch_one(sql).await.unwrap().int(0).unwrap()
    }

    #[tokio::test]
    async fn parts_of_which_no_run_came_are_deleted_and_no_others() {
        let (_directory, db) = new_db().await;
        let worker = Worker { db: db.clone(), process: take_over(&db).await, undeleted: Vec::new() };
        for no in [1, 4] {
            runs::saved(&db, frozen(no)).await;
        }
        let flushed = store::aggregator::progress(&db).await.unwrap().flushed;
        for no in [2, 3, 5] {
            let [new] = worker.pack(flushed, vec![frozen(no)], true).await.unwrap().try_into().unwrap();
            assert_eq!((new.run.no, parts(&db, no).await), (no, 1_024));
        }
        assert_eq!(runs::left_over(&db, CUSTOMER, &[1, 4]).await.unwrap(), [2, 3, 5]);
        worker.delete(flushed, &[(CUSTOMER, 3)]).await.unwrap();
        assert_eq!(runs::left_over(&db, CUSTOMER, &[1, 4]).await.unwrap(), [2, 5]);
        // What was ordered before another process wrote sessions down: these may be its own.
        assert!(worker.delete_left_over(flushed + 1, vec![(CUSTOMER, vec![1, 4])]).await.is_err());
        assert_eq!(runs::left_over(&db, CUSTOMER, &[1, 4]).await.unwrap(), [2, 5]);
        let runs = vec![(CUSTOMER, vec![1, 4]), (CustomerNo(2), Vec::new())];
        worker.delete_left_over(flushed, runs).await.unwrap();
        let mut left = Vec::new();
        for no in 1..=5 {
            left.push(parts(&db, no).await);
        }
        assert_eq!(left, [1_024, 0, 0, 1_024, 0]);
        // Another process has taken over.
        take_over(&db).await;
        assert!(worker.pack(flushed, vec![frozen(5)], false).await.is_err());
        assert!(worker.delete(flushed, &[(CUSTOMER, 1)]).await.is_err());
        assert_eq!((parts(&db, 5).await, parts(&db, 1).await), (0, 1_024));
    }
}
