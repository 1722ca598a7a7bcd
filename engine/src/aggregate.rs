//! The aggregator: takes committed events off the queue and brings states of sessions and count tables up to date.
//!
//! One transaction takes some events off the queue, gives each its place in its customer's log and adds the change
//! that they make to the figures. A crash leaves either all of that or nothing. On Postgres any process may do it, one
//! at a time.

use crate::Engine;
use crate::directory::Directory;
use crate::error::{Error, corrupt};
use crate::store::figures::Key;
use crate::store::sessions::{DayKey, Log, MonthKey, Session};
use crate::store::{self, Db, Tx};
use domain::Timestamp;
use domain::event::{Event, SessionKey};
use domain::figures::Counts;
use domain::helpline::CountryCode;
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::metering::tally::Counter;
use domain::metering::{Cell, Entry, MonthState, Tally, month, timeline};
use domain::timestamp::DAY_MS;
use domain::zone::{Month, Zone};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Events of one transaction, unless a single pack holds more: few enough to let the writer in between soon.
const EVENTS_MIN: usize = 1_000;
/// Packs that are looked at for one transaction.
const PACKS_MAX: i64 = 256;
/// Held by the process that aggregates.
const LOCK: i64 = 0x7265_6163_686c_6e65;

/// Slices of the sessions of a customer when its figures are made anew.
const SLICES: u8 = 64;

impl Engine {
    /// Takes some events off the queue into the figures and says how many there were.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn aggregate(&self) -> Result<usize, Error> {
        let mut tx = self.0.db.begin().await?;
        if !tx.try_lock(LOCK).await? {
            return Ok(0);
        }
        for (customer, zone) in store::sessions::customers_of_changed_zone(&mut tx).await? {
            self.make_anew(&mut tx, customer, zone).await?;
        }
        let events = store::events::take_queued(&mut tx, PACKS_MAX, EVENTS_MIN).await?;
        self.take_in(&mut tx, &events).await?;
        tx.commit().await?;
        Ok(events.len())
    }

    /// Waits until all events that were accepted so far are in the figures, and these in their customers' time zones,
    /// helping with it.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn wait_for_figures(&self) -> Result<(), Error> {
        while backlog(&self.0.db).await? > 0 || store::sessions::is_a_zone_changed(&self.0.db).await? {
            if self.aggregate().await? == 0 {
                // Another process is at it.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    /// The countries of helplines, some of which another process may have added a moment ago.
    pub(crate) async fn countries(&self, helplines: impl Iterator<Item = HelplineNo>) -> Result<Countries, Error> {
        let mut directory = self.directory();
        let mut countries = HashMap::new();
        for no in helplines {
            let country = match directory.country(no) {
                Some(country) => country,
                None => {
                    directory = Directory::load(&self.0.db).await?.into();
                    directory.country(no).ok_or_else(|| corrupt("helpline of an event"))?
                }
            };
            countries.insert(no, country);
        }
        Ok(Countries(countries))
    }

    /// Counts a customer's figures anew in another time zone, from the states of its sessions' days.
    async fn make_anew(&self, tx: &mut Tx, customer: CustomerNo, zone: Zone) -> Result<(), Error> {
        store::sessions::forget_months_and_figures(tx, customer, zone).await?;
        for (first, last) in slices(SLICES) {
            let mut tallies: BTreeMap<ApplicationNo, Tally> = BTreeMap::new();
            let sessions = store::sessions::days_between(tx, customer, first, last).await?;
            let helplines: BTreeSet<_> = sessions.values().flatten().map(|entry| entry.helpline).collect();
            let countries = self.countries(helplines.into_iter()).await?;
            let mut states: BTreeMap<MonthKey, MonthState> = BTreeMap::new();
            for (session, mut entries) in sessions {
                entries.sort_unstable();
                let mut counter = Counter { tally: tallies.entry(session.application).or_default(), zone, sign: 1 };
                let months = measure_whole(&entries, &countries, &mut counter);
                states.extend(months.into_iter().map(|(month, state)| ((month, session), state)));
            }
            store::sessions::save_months(tx, states.iter().map(|(key, state)| (*key, state))).await?;
            store::figures::add(tx, &deltas(customer, tallies)).await?;
        }
        Ok(())
    }

    /// Takes new events into the states and figures.
    async fn take_in(&self, tx: &mut Tx, events: &[Event]) -> Result<(), Error> {
        let mut by_customer: BTreeMap<CustomerNo, Vec<Event>> = BTreeMap::new();
        for event in events {
            by_customer.entry(event.customer).or_default().push(*event);
        }
        for (customer, events) in by_customer {
            let log = store::sessions::log(tx, customer).await?;
            self.take_in_customer(tx, customer, log, &events).await?;
            store::sessions::set_log_length(tx, customer, log.length + events.len() as u64).await?;
        }
        Ok(())
    }

    async fn take_in_customer(
        &self,
        tx: &mut Tx,
        customer: CustomerNo,
        log: Log,
        events: &[Event],
    ) -> Result<(), Error> {
        let new = by_session(events, log.length);
        let (day_keys, month_keys) = wanted(&new, log.zone);
        let mut days = store::sessions::load_days(tx, &day_keys).await?;
        let months = store::sessions::load_months(tx, &month_keys).await?;
        // Of everything that is measured: a session's earlier events may be of other helplines than its new ones.
        let of_events = new.values().chain(days.values()).flatten().map(|entry| entry.helpline);
        let of_months = months.values().flat_map(|state| state.pairs.keys().copied());
        let helplines = BTreeSet::from_iter(of_events.chain(of_months));
        let countries = &self.countries(helplines.into_iter()).await?;
        let mut tallies: BTreeMap<ApplicationNo, Tally> = BTreeMap::new();
        let mut changed_days: BTreeMap<DayKey, Vec<Entry>> = BTreeMap::new();
        let mut changed_months: BTreeMap<MonthKey, MonthState> = BTreeMap::new();
        for (session, new) in new {
            let tally = tallies.entry(session.application).or_default();
            let around = BTreeSet::from_iter(new.iter().flat_map(|entry| days_around(entry.at)));
            let mut before: Vec<Entry> =
                around.iter().flat_map(|day| days.get(&(*day, session)).into_iter().flatten()).copied().collect();
            before.sort_unstable();
            let mut after = [before.as_slice(), &new].concat();
            after.sort_unstable();
            timeline::measure(&before, countries, &mut Counter { tally, zone: log.zone, sign: -1 });
            timeline::measure(&after, countries, &mut Counter { tally, zone: log.zone, sign: 1 });

            let known = months_around(&around, log.zone).map(|month| (month, session));
            let known: BTreeMap<Month, MonthState> =
                known.filter_map(|key| Some((key.0, months.get(&key)?.clone()))).collect();
            let mut grown = known.clone();
            month::take_in(&after, log.zone, &mut grown);
            for (month, state) in grown {
                let before = known.get(&month);
                if before == Some(&state) {
                    continue;
                }
                if let Some(before) = before {
                    before.measure(countries, &mut Counter { tally, zone: log.zone, sign: -1 });
                }
                state.measure(countries, &mut Counter { tally, zone: log.zone, sign: 1 });
                changed_months.insert((month, session), state);
            }
            for entry in new {
                let key = (entry.at.utc_day(), session);
                let entries = changed_days.entry(key).or_insert_with(|| days.remove(&key).unwrap_or_default());
                entries.push(entry);
            }
        }
        store::sessions::save_days(tx, &changed_days).await?;
        store::sessions::save_months(tx, changed_months.iter().map(|(key, state)| (*key, state))).await?;
        store::figures::add(tx, &deltas(customer, tallies)).await
    }
}

/// The 128-bit keys of sessions cut into slices of equal width, the last key of each included.
pub(crate) fn slices(count: u8) -> impl Iterator<Item = (SessionKey, SessionKey)> {
    let count = u128::from(count.max(1));
    let width = (u128::MAX / count).saturating_add(1);
    (0..count).map(move |i| {
        let last = if i + 1 == count { u128::MAX } else { (i + 1) * width - 1 };
        (SessionKey((i * width).to_be_bytes()), SessionKey(last.to_be_bytes()))
    })
}

/// Counts all events of one session at once and says what its months must remember.
pub(crate) fn measure_whole(
    sorted: &[Entry],
    countries: &Countries,
    counter: &mut Counter<'_>,
) -> BTreeMap<Month, MonthState> {
    let mut months = BTreeMap::new();
    timeline::measure(sorted, countries, counter);
    month::take_in(sorted, counter.zone, &mut months);
    for state in months.values() {
        state.measure(countries, counter);
    }
    months
}

/// Countries of the helplines at hand.
pub(crate) struct Countries(HashMap<HelplineNo, CountryCode>);

impl domain::metering::Countries for Countries {
    fn country(&self, helpline: HelplineNo) -> CountryCode {
        // `Engine::countries` was asked for every helpline whose events are measured, and fails if one has none.
        self.0.get(&helpline).copied().unwrap_or(CountryCode::UNKNOWN)
    }
}

pub(crate) fn deltas(
    customer: CustomerNo,
    tallies: impl IntoIterator<Item = (ApplicationNo, Tally)>,
) -> Vec<(Key, Counts)> {
    let cells = tallies.into_iter().flat_map(|(application, tally)| {
        tally.into_cells().map(move |(cell, counts): (Cell, Counts)| (Key { customer, application, cell }, counts))
    });
    let mut deltas: Vec<(Key, Counts)> = cells.collect();
    // In the order of the store's key, so that neighbours are written together.
    deltas.sort_unstable_by_key(|(key, _)| *key);
    deltas
}

/// New events by session, each with its place in the customer's log.
fn by_session(events: &[Event], log_length: u64) -> BTreeMap<Session, Vec<Entry>> {
    let mut sessions: BTreeMap<Session, Vec<Entry>> = BTreeMap::new();
    for (place, event) in (log_length + 1..).zip(events) {
        let Event { customer, application, session, helpline, action, at } = *event;
        let session = Session { customer, application, key: session };
        sessions.entry(session).or_default().push(Entry { helpline, action, at, place });
    }
    sessions
}

/// The UTC days that hold everything within 24 hours of an instant.
fn days_around(at: Timestamp) -> [i32; 3] {
    let day = at.utc_day();
    [day - 1, day, day + 1]
}

/// The local months that some UTC days lie in.
fn months_around(days: &BTreeSet<i32>, zone: Zone) -> impl Iterator<Item = Month> {
    let month = |day: i32, ms: i64| zone.day(Timestamp::from_millis(i64::from(day) * DAY_MS + ms)).month();
    let months: BTreeSet<Month> = days.iter().flat_map(|day| [month(*day, 0), month(*day, DAY_MS - 1)]).collect();
    months.into_iter()
}

/// The rows of state that new events may touch.
fn wanted(new: &BTreeMap<Session, Vec<Entry>>, zone: Zone) -> (Vec<DayKey>, Vec<MonthKey>) {
    let mut days = BTreeSet::new();
    let mut months = BTreeSet::new();
    for (session, entries) in new {
        let around = BTreeSet::from_iter(entries.iter().flat_map(|entry| days_around(entry.at)));
        months.extend(months_around(&around, zone).map(|month| (month, *session)));
        days.extend(around.into_iter().map(|day| (day, *session)));
    }
    (days.into_iter().collect(), months.into_iter().collect())
}

/// How far the figures are behind, in packs of events.
pub(crate) async fn backlog(db: &Db) -> Result<i64, Error> {
    store::events::queued_packs(db).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_every_session_once() {
        for count in [1, 2, 64, 128] {
            let slices: Vec<_> = slices(count).collect();
            let number = |key: SessionKey| u128::from_be_bytes(key.0);
            assert_eq!((number(slices[0].0), number(slices[slices.len() - 1].1)), (0, u128::MAX));
            assert!(slices.windows(2).all(|pair| number(pair[0].1) + 1 == number(pair[1].0)), "{count}");
        }
    }
}
