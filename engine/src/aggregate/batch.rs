//! A batch of packs: which of its events are new, and what they change.

use super::Countries;
use super::sessions::{Earlier, Known, entry, session};
use crate::error::{Error, corrupt};
use crate::ingest::{DUPLICATE, quarter};
use crate::store::aggregator::Kept;
use crate::store::blocks::{Span, span};
use crate::store::codec::Stored;
use crate::store::figures::Key;
use crate::store::intake::IntakeKey;
use crate::store::log::Logged;
use domain::event::{Event, SessionKey};
use domain::figures::Counts;
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::metering::{Counter, Entry, Tally, measure};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Packs of the log, opened.
pub(super) struct Batch {
    /// In the order of the log, retries among them.
    pub events: Vec<Event>,
    refused: Vec<(IntakeKey, i64)>,
}

/// What a batch changes.
#[derive(Default)]
pub(super) struct Measured {
    /// The new events with their places in their customers' logs.
    pub new: BTreeMap<Span, Vec<Stored>>,
    /// Sorted by key.
    pub deltas: Vec<(Key, Counts)>,
    /// What was not stored, duplicates included.
    pub intake: BTreeMap<IntakeKey, i64>,
    /// The lengths of the logs that have grown.
    pub log_lengths: BTreeMap<CustomerNo, u64>,
}

impl Batch {
    /// Opens packs.
    pub fn of(packs: Vec<Logged>) -> Self {
        let (mut events, mut refused) = (Vec::new(), Vec::new());
        for Logged { pack, .. } in packs {
            events.extend(pack.events);
            refused.extend(pack.refused);
        }
        Self { events, refused }
    }

    /// The customers of the events.
    pub fn customers(&self) -> Vec<CustomerNo> {
        self.events.iter().map(|event| event.customer).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The helplines of the events.
    pub fn helplines(&self) -> impl Iterator<Item = HelplineNo> {
        self.events.iter().map(|event| event.helpline)
    }

    /// Finds the new events, takes them into memory and measures what they change. An event is new unless its session
    /// knows it: `known` and what was looked up in runs, `earlier`, hold everything of the sessions of this batch.
    pub fn measure(
        self,
        known: &mut Known,
        earlier: &Earlier,
        kept: &HashMap<CustomerNo, Kept>,
        countries: &Countries,
    ) -> Result<Measured, Error> {
        let mut measured = Measured::default();
        for (key, n) in self.refused {
            *measured.intake.entry(key).or_default() += n;
        }
        let mut is_new = vec![false; self.events.len()];
        // By session, in the order of the log within each. (What is sorted holds its keys: it is a long list.)
        let key = |(i, event): (usize, &Event)| (event.customer, event.application, u128_of(event.session), i);
        let mut order: Vec<_> = self.events.iter().enumerate().map(key).collect();
        order.sort_unstable();
        let mut tallies: BTreeMap<(CustomerNo, ApplicationNo), Tally> = BTreeMap::new();
        for of_session in order.chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2)) {
            let first = &self.events[of_session[0].3];
            let Kept { zone, .. } = *kept.get(&first.customer).ok_or_else(|| corrupt("customer of an event"))?;
            let tally = tallies.entry((first.customer, first.application)).or_insert_with(|| Tally::new(zone));
            let recent = known.recent_mut(first.customer, session(first));
            let before = merged(recent, earlier.of(first.customer, session(first)));
            let mut after = before.clone();
            for (.., i) in of_session {
                let entry = entry(&self.events[*i]);
                if let Err(place) = after.binary_search(&entry) {
                    after.insert(place, entry);
                    is_new[*i] = true;
                }
            }
            let added = after.len() - before.len();
            if added == 0 {
                continue;
            }
            measure(&before, countries, &mut Counter::minus(tally));
            measure(&after, countries, &mut Counter::plus(tally));
            recent.extend(of_session.iter().filter(|of| is_new[of.3]).map(|of| entry(&self.events[of.3])));
            recent.sort_unstable();
            known.added(added);
        }
        for ((customer, application), tally) in tallies {
            let cells = tally.into_cells(countries).into_iter();
            measured.deltas.extend(cells.map(|(cell, counts)| (Key { customer, application, cell }, counts)));
        }
        // In the order of the store's key, so that neighbours are written together.
        measured.deltas.sort_unstable_by_key(|(key, _)| *key);
        give_places(&self.events, &is_new, kept, &mut measured)?;
        Ok(measured)
    }
}

fn u128_of(session: SessionKey) -> u128 {
    u128::from_be_bytes(session.0)
}

/// Two sorted lists as one.
fn merged(a: &[Entry], b: &[Entry]) -> Vec<Entry> {
    let mut all = [a, b].concat();
    if !b.is_empty() {
        all.sort_unstable();
    }
    all
}

/// Gives the new events their places in their customers' logs, and counts the others as duplicates.
fn give_places(
    events: &[Event],
    is_new: &[bool],
    kept: &HashMap<CustomerNo, Kept>,
    measured: &mut Measured,
) -> Result<(), Error> {
    for (event, is_new) in events.iter().zip(is_new) {
        let Event { customer, application, at, .. } = *event;
        if !is_new {
            let key = IntakeKey { quarter: quarter(at), customer, application, code: DUPLICATE.into() };
            *measured.intake.entry(key).or_default() += 1;
            continue;
        }
        let length = match measured.log_lengths.get(&customer) {
            Some(length) => *length,
            None => kept.get(&customer).ok_or_else(|| corrupt("customer of an event"))?.log_length,
        };
        measured.log_lengths.insert(customer, length + 1);
        measured.new.entry(span(event)).or_default().push(Stored { event: *event, place: length + 1 });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::sessions::Known;
    use domain::Timestamp;
    use domain::event::{Action, SessionKey};
    use domain::zone::Zone;

    fn event(i: i64) -> Event {
        Event {
            at: Timestamp::from_millis(i * 1_000),
            customer: CustomerNo(1 + u32::from(i % 3 == 0)),
            application: ApplicationNo(1),
            helpline: HelplineNo(1),
            action: Action::Display,
            session: SessionKey([u8::try_from(i % 5).unwrap(); 16]),
        }
    }

    #[test]
    fn each_customers_log_is_counted_through_without_gaps() {
        let kept = |log_length| Kept { zone: Zone::UTC, log_length, events_from: None };
        let kept = HashMap::from([(CustomerNo(1), kept(10)), (CustomerNo(2), kept(0))]);
        // Each twice: the second is a duplicate and gets no place.
        let events: Vec<Event> = (0..60).chain(0..60).map(event).collect();
        let mut known = Known::new(Vec::new());
        let batch = Batch { events, refused: Vec::new() };
        let measured = batch.measure(&mut known, &Earlier::default(), &kept, &Countries::default()).unwrap();
        for (customer, first, last) in [(1, 11, 50), (2, 1, 20)] {
            let of = |stored: &&Stored| stored.event.customer == CustomerNo(customer);
            let mut stored: Vec<&Stored> = measured.new.values().flatten().filter(of).collect();
            stored.sort_unstable_by_key(|stored| stored.place);
            assert!(stored.iter().map(|stored| stored.place).eq(first..=last));
            assert!(stored.is_sorted_by_key(|stored| stored.event.at), "in the order of the log");
            assert_eq!(measured.log_lengths[&CustomerNo(customer)], last);
        }
        assert_eq!(measured.intake.values().sum::<i64>(), 60);
        assert_eq!(known.recent_events(), 60);
    }
}
