//! The aggregator: takes committed packs from the log, in its order, and brings figures, event blocks and counts of
//! refusals up to date.
//!
//! One transaction writes what a batch of packs changes and how far the log has been read with it: a crash leaves
//! either all of that or nothing, and the batch comes again. What is known of sessions is in memory and in runs
//! ([`sessions`]); the memory is made anew from the log, which keeps what is in no run yet.

mod anew;
mod batch;
mod believed;
mod flush;
mod gathered;
mod lease;
mod packer;
mod retention;
mod sessions;
mod worker;

pub(crate) use anew::{customer_cells, slices};
pub use retention::Expiring;
pub(crate) use sessions::{entry as entry_of, session as session_of};
pub(crate) use worker::{STOP_MAX, start};

use crate::Engine;
use crate::directory::Directory;
use crate::error::{Error, corrupt};
use crate::pace::{self, breathe};
use crate::store::blocks::{Block, Open, Span};
use crate::store::figures::Key;
use crate::store::log::Logged;
use crate::store::{self, Db, Tx};
use batch::{Batch, Measured};
use believed::Believed;
use domain::Timestamp;
use domain::event::Event;
use domain::figures::Counts;
use domain::helpline::CountryCode;
use domain::ids::HelplineNo;
use domain::zone::{Month, Zone};
use flush::Flush;
use lease::{Lease, Watched};
use packer::Packer;
use sessions::Known;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use tokio::time::Instant;

/// Packs that are enough for a batch, as are [`crate::Room::batch_events`] events. It has twice as many at most, when some
/// were read ahead, and as many events as its last pack may bring.
const BATCH_PACKS_MAX: i64 = 5_000;
/// Counts that are written between two rests.
const COUNTS_AT_ONCE: usize = 64;
/// How long whoever leaves waits for what is written down elsewhere to be deleted. What is not, the next process deletes.
const PACKER_FINISH_MAX: std::time::Duration = std::time::Duration::from_secs(1);
/// How long a transaction that keeps others from aggregating may be idle, on Postgres.
const IDLE_MAX: std::time::Duration = std::time::Duration::from_secs(4);
/// How often [`Engine::wait_for_figures`] and [`Engine::wait_for_counting`] look.
const WAIT: std::time::Duration = std::time::Duration::from_millis(20);

/// What became of a look at the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// There was nothing, or another process takes it.
    Nothing,
    /// All that there was.
    All,
    /// As much as fits into a batch: there is more.
    Batch,
}

fn events_of(packs: &[Logged]) -> usize {
    packs.iter().map(|logged| logged.pack.events.len()).sum()
}

/// What the process that aggregates holds in memory.
struct Held {
    lease: Lease,
    /// The place in the log up to which it is in the figures.
    applied: i64,
    /// The place in the log up to which sessions are in runs.
    flushed: i64,
    known: Known,
    /// Events that were taken from the log since `flushed`, but for those that are being written down; retries among them.
    unflushed_events: usize,
    /// What is being written down of sessions.
    flush: Option<Flush>,
    /// Packs that were read while the batch before them was written.
    ahead: Vec<Logged>,
    /// Last blocks of the spans of the latest batch.
    open: HashMap<Span, Open>,
    /// Months whose partitions are there.
    partitions: BTreeSet<i32>,
}

/// A process's aggregator. All of its work is done on a thread of its own, see [`start`].
struct Aggregator {
    engine: Engine,
    /// The database, through connections of its own.
    db: Db,
    packer: Packer,
    /// If this process is the one that aggregates.
    held: Option<Held>,
    /// What it has seen of another one that is.
    watched: Option<Watched>,
    /// When it last began to read what is in the log.
    looked_at: Instant,
    /// When it is to be looked next for what need not be kept any longer.
    retention_due: Instant,
    /// How far it believes the clock.
    believed: Believed,
}

impl Engine {
    /// Waits until all events that were accepted so far are in the figures, and these in their customers' time zones.
    /// The workers must run, here or in another process.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn wait_for_figures(&self) -> Result<(), Error> {
        let newest = store::log::ends(&self.0.db).await?.map_or(0, |(_, newest)| newest);
        while store::aggregator::progress(&self.0.db).await?.applied < newest
            || !store::aggregator::customers_of_changed_zone(&self.0.db).await?.is_empty()
        {
            self.0.figures_awaited.notify_one();
            tokio::time::sleep(WAIT).await;
        }
        Ok(())
    }

    /// How many events were accepted that are not in the figures yet, in all processes.
    pub(crate) async fn uncounted_events(&self) -> Result<i64, Error> {
        let applied = store::aggregator::progress(&self.0.db).await?.applied;
        Ok(store::log::backlog(&self.0.db, applied).await?.events)
    }

    /// Waits until at most so many events wait to be counted: the writer remembers all of them, and whoever counts them
    /// after a crash reads all of them again.
    pub(crate) async fn wait_for_counting(&self, uncounted_max: i64) -> Result<(), Error> {
        while self.uncounted_events().await? > uncounted_max {
            self.0.figures_awaited.notify_one();
            tokio::time::sleep(WAIT).await;
        }
        Ok(())
    }

    /// The countries of all helplines as the store has them now, those of these events among them: another process may
    /// have added one a moment ago, which sessions that were counted before may know as well.
    pub(crate) async fn countries(&self, db: &Db, of: impl Iterator<Item = HelplineNo>) -> Result<Countries, Error> {
        let mut directory = self.directory();
        if !directory.is_current(db).await? {
            directory = Directory::load(db).await?.into();
        }
        let mut known = hashbrown::HashMap::new();
        for no in of {
            if !known.contains_key(&no) {
                known.insert(no, directory.country(no).ok_or_else(|| corrupt("helpline of an event"))?);
            }
        }
        Ok(Countries { directory, known })
    }

    /// Makes the partitions of this month and the next, so that nobody waits for it when the month turns.
    pub(crate) async fn make_partitions_ahead(&self) -> Result<(), Error> {
        let month = Zone::UTC.day(self.now()).month().0;
        let mut tx = self.0.db.begin().await?;
        make_partitions(&mut tx, &mut BTreeSet::new(), [month, month + 1].into()).await?;
        tx.commit().await
    }
}

impl Aggregator {
    /// Takes a batch of packs from the log into the figures.
    async fn aggregate(&mut self) -> Result<Taken, Error> {
        // Whatever fails, the memory may be ahead of the store then: it is made anew.
        let held = match self.held.take() {
            Some(held) => Ok(Some(held)),
            None => self.take_over().await,
        };
        self.engine.0.aggregates.store(matches!(held, Ok(Some(_))), Ordering::Relaxed);
        let Some(mut held) = held? else { return Ok(Taken::Nothing) };
        for (customer, zone) in store::aggregator::customers_of_changed_zone(&self.db).await? {
            // Who writes parts would wait for all of that.
            self.end_any_flush(&mut held).await?;
            self.make_anew(&held, customer, zone).await?;
        }
        // What is in the log now has come since then, but for what did not fit into the last batch.
        let waited = std::mem::replace(&mut self.looked_at, Instant::now()).elapsed();
        self.ease(worker::rests_max(waited));
        let packs = self.next_packs(&mut held).await?;
        let taken = self.taken(&packs);
        let hurries = taken == Taken::Batch || self.engine.0.writer.uncounted().kept() > 0;
        if hurries {
            pace::hurry();
        }
        if packs.is_empty() {
            held.lease.renew(self, held.applied, held.flushed).await?;
        } else {
            self.take_in(&mut held, packs, hurries).await?;
        }
        self.flush_some(&mut held, !hurries).await?;
        // What is being written down may be of runs that would be given up.
        let looks = taken != Taken::Batch && held.flush.is_none() && self.engine.0.settings.is_server;
        if looks && self.retention_due <= Instant::now() && !self.give_up_some(&mut held).await? {
            self.retention_due = Instant::now() + retention::LOOK;
        }
        self.held = Some(held);
        Ok(taken)
    }

    /// Leaves the figures to other processes, all that is in memory written down.
    async fn leave(&mut self) -> Result<(), Error> {
        let Some(mut held) = self.held.take() else { return Ok(()) };
        self.engine.0.aggregates.store(false, Ordering::Relaxed);
        self.flush_all(&mut held).await?;
        self.packer.finish(PACKER_FINISH_MAX).await;
        if self.engine.0.settings.is_server {
            // However short it ran, this time has passed.
            self.believed_now(&held).await?;
        }
        let mut tx = self.db.begin().await?;
        store::aggregator::leave(&mut tx, self.engine.0.process).await?;
        tx.commit().await
    }

    /// Becomes the process that aggregates, if none does, and reads what it must hold in memory.
    async fn take_over(&mut self) -> Result<Option<Held>, Error> {
        let Some((lease, progress)) = Lease::take(self).await? else { return Ok(None) };
        let mut known = Known::new(store::runs::all(&self.db).await?);
        let customers = store::directory::customers(&self.db).await?;
        let runs = customers.iter().map(|customer| (customer.no, known.runs(customer.no))).collect();
        self.packer.delete_left_over(progress.flushed, runs);
        let (mut seq, mut unflushed_events) = (progress.flushed, 0);
        while seq < progress.applied {
            let events_max = self.engine.0.settings.room.batch_events;
            let packs = store::log::after(&self.db, seq, BATCH_PACKS_MAX, events_max).await?;
            // The log is cleared up to what is flushed, and no further.
            let Some(last) = packs.last() else { return Err(corrupt("log: packs are missing")) };
            seq = last.seq;
            let counted = packs.into_iter().filter(|logged| logged.seq <= progress.applied);
            let events: Vec<Event> = counted.flat_map(|logged| logged.pack.events).collect();
            unflushed_events += events.len();
            known.remember(events);
        }
        Ok(Some(Held {
            lease,
            applied: progress.applied,
            flushed: progress.flushed,
            known,
            unflushed_events,
            flush: None,
            ahead: Vec::new(),
            open: HashMap::new(),
            partitions: BTreeSet::new(),
        }))
    }

    /// Takes packs into memory, measures what they change, and writes it; if that hurries, those of the next batch are
    /// read meanwhile.
    async fn take_in(&self, held: &mut Held, packs: Vec<Logged>, hurries: bool) -> Result<(), Error> {
        let Some(to) = packs.last().map(|last| last.seq) else { return Ok(()) };
        let batch = Batch::of(packs);
        let events = batch.len();
        let earlier = held.known.look_up(&self.db, batch.sessions(), self.engine.0.settings.room.filter_bytes).await?;
        let countries = self.engine.countries(&self.db, batch.helplines()).await?;
        // Nobody but the holder changes what this reads.
        let mut snapshot = self.db.snapshot().await?;
        let kept = store::aggregator::kept(&mut snapshot, &batch.customers()).await?;
        drop(snapshot);
        let measured = batch.measure(&mut held.known, &earlier, &kept, &countries)?;
        let blocks = self.pack_blocks(held, &measured).await?;
        // Beside the writing, during which this thread mostly waits.
        let ahead = async { if hurries { self.packs_after(to, 0).await } else { Ok(Vec::new()) } };
        let (written, ahead) = tokio::join!(self.write(held, to, &countries, &measured, &blocks), ahead);
        written?;
        self.engine.0.writer.uncounted().counted(to);
        held.ahead = ahead?;
        held.applied = to;
        held.unflushed_events += events;
        Ok(())
    }

    /// Writes what a batch changes, and how far the log is read with it.
    async fn write(
        &self,
        held: &mut Held,
        to: i64,
        countries: &Countries,
        measured: &Measured,
        blocks: &[Block],
    ) -> Result<(), Error> {
        let mut tx = self.begin_writing().await?;
        self.fence(&mut tx, held, to, held.flushed).await?;
        // A helpline's country can change until its first event is counted, and from here on no more.
        if !countries.directory.is_current_in(&mut tx).await?
            && !countries.are_those_of(&Directory::load(&self.db).await?)
        {
            return Err(Error::Unavailable("a helpline's country has changed meanwhile".to_owned()));
        }
        make_partitions(&mut tx, &mut held.partitions, measured.months()).await?;
        store::blocks::save(&mut tx, blocks).await?;
        self.write_figures(&mut tx, &measured.deltas).await?;
        store::intake::count(&mut tx, &measured.intake).await?;
        for (customer, length) in &measured.log_lengths {
            store::aggregator::set_log_length(&mut tx, *customer, *length).await?;
        }
        tx.commit().await
    }

    /// The packs of the next batch: those that were read ahead, and what has come since.
    async fn next_packs(&self, held: &mut Held) -> Result<Vec<Logged>, Error> {
        let mut packs = std::mem::take(&mut held.ahead);
        if self.taken(&packs) != Taken::Batch {
            let (last, events) = (packs.last().map_or(held.applied, |last| last.seq), events_of(&packs));
            packs.extend(self.packs_after(last, events).await?);
        }
        Ok(packs)
    }

    /// Packs after a place, as many as fit into a batch that has so many events already.
    async fn packs_after(&self, seq: i64, events: usize) -> Result<Vec<Logged>, Error> {
        let events_max = self.engine.0.settings.room.batch_events.saturating_sub(events);
        store::log::after(&self.db, seq, BATCH_PACKS_MAX, events_max).await
    }

    /// What a batch of these packs takes of the log.
    fn taken(&self, packs: &[Logged]) -> Taken {
        match packs.len() as i64 {
            0 => Taken::Nothing,
            n if n >= BATCH_PACKS_MAX || events_of(packs) >= self.engine.0.settings.room.batch_events => Taken::Batch,
            _ => Taken::All,
        }
    }

    /// Adds up counts.
    async fn write_figures(&self, tx: &mut Tx, deltas: &[(Key, Counts)]) -> Result<(), Error> {
        for some in deltas.chunks(if pace::is_at_ease() { COUNTS_AT_ONCE } else { usize::MAX }) {
            store::figures::add(tx, some).await?;
            breathe();
        }
        Ok(())
    }

    /// Packs new events into the last blocks of their spans, and into new ones.
    async fn pack_blocks(&self, held: &mut Held, measured: &Measured) -> Result<Vec<Block>, Error> {
        held.open.retain(|span, _| measured.new.contains_key(span));
        let missing: Vec<Span> = measured.new.keys().filter(|span| !held.open.contains_key(span)).copied().collect();
        held.open.extend(store::blocks::last_of(&self.db, &missing).await?);
        let mut blocks = Vec::new();
        for (span, new) in &measured.new {
            blocks.extend(store::blocks::add(*span, held.open.entry(*span).or_default(), new.iter().copied())?);
            breathe();
        }
        Ok(blocks)
    }

    /// Rests from now on, in a server: beside a command nobody answers requests.
    fn ease(&self, rests_max: std::time::Duration) {
        if self.engine.0.settings.is_server {
            pace::ease(rests_max);
        }
    }

    /// Begins to write what a batch changes. On SQLite without rests, as whoever else writes waits for its end.
    async fn begin_writing(&self) -> Result<Tx, Error> {
        if matches!(self.db, Db::Sqlite { .. }) {
            pace::hurry();
        }
        self.db.begin().await
    }

    /// Notes progress in a transaction, which must fail if another process has taken over meanwhile.
    ///
    /// Others wait for this transaction from here on, and a process that freezes ends none: on Postgres it is given up
    /// once nothing is heard of it for [`IDLE_MAX`].
    async fn fence(&self, tx: &mut Tx, held: &Held, to: i64, flushed: i64) -> Result<(), Error> {
        tx.give_up_when_idle(IDLE_MAX).await?;
        if store::aggregator::advance(tx, self.engine.0.process, held.applied, to, flushed).await? {
            return Ok(());
        }
        Err(Error::Unavailable("another process has taken over the figures".to_owned()))
    }
}

/// The first instant of a month of [`Zone::UTC`].
fn month_start(month: Month) -> Timestamp {
    Zone::UTC.day_start(month.first_day())
}

/// Makes the partitions of some months (of [`Zone::UTC`]), unless they are there.
pub(crate) async fn make_partitions(tx: &mut Tx, made: &mut BTreeSet<i32>, months: BTreeSet<i32>) -> Result<(), Error> {
    let missing: Vec<i32> = months.difference(made).copied().collect();
    let bounds = |month: &i32| (Month(*month), month_start(Month(*month)), month_start(Month(month + 1)));
    store::aggregator::make_partitions(tx, &missing.iter().map(bounds).collect::<Vec<_>>()).await?;
    made.extend(missing);
    Ok(())
}

/// The countries of helplines.
#[derive(Default)]
pub(crate) struct Countries {
    directory: std::sync::Arc<Directory>,
    /// Of those that were asked for, where they are found sooner: each session asks.
    known: hashbrown::HashMap<HelplineNo, CountryCode>,
}

impl Countries {
    /// Whether all of these helplines are in the same countries there.
    fn are_those_of(&self, directory: &Directory) -> bool {
        self.directory.helplines().all(|(no, helpline)| directory.country(no) == Some(helpline.country.code))
    }
}

impl domain::metering::Countries for Countries {
    fn country(&self, helpline: HelplineNo) -> CountryCode {
        let known = self.known.get(&helpline).copied();
        // `Engine::countries` fails if one of the events that are counted has none, and the directory is of after all others.
        known.or_else(|| self.directory.country(helpline)).unwrap_or(CountryCode::UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::{Settings, parse_helplines_json};
    use domain::metering::Countries as _;

    #[tokio::test]
    async fn countries_are_those_that_the_store_has_now() {
        let files = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite://{}", files.path().join("test.db").display());
        let open = async || {
            let settings = Settings { database_url: database_url.clone(), ..Settings::default() };
            Engine::open(settings, std::sync::Arc::new(SystemClock)).await.unwrap()
        };
        let ours = open().await;
        ours.migrate().await.unwrap();
        // Another process adds a helpline, of which this one has not heard yet.
        let others = open().await;
        let json = r#"[{"id": "h1", "name": "A", "country": {"code": "NZ", "name": "New Zealand"}, "timezone": "Pacific/Auckland", "phone_number": "111"}]"#;
        let rows = parse_helplines_json(json.as_bytes()).unwrap();
        others.import_helplines(&others.authenticate_console(), rows.clone()).await.unwrap();
        let no = others.directory().helpline_no("h1").unwrap();
        assert_eq!(ours.directory().country(no), None);
        // It is of no event of this batch, but of one that was counted before.
        let countries = ours.countries(&ours.0.db, std::iter::empty()).await.unwrap();
        assert_eq!(countries.country(no).as_str(), "NZ");
        // Its country changes before its first event is counted.
        let moved = parse_helplines_json(json.replace("NZ", "AU").as_bytes()).unwrap();
        others.import_helplines(&others.authenticate_console(), moved).await.unwrap();
        assert!(!countries.are_those_of(&Directory::load(&ours.0.db).await.unwrap()));
    }
}
