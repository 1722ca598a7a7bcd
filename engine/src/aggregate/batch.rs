//! A batch of packs: which of its events are new, and what they change.

use super::Countries;
use super::sessions::{Asked, Earlier, Known, entry, session};
use crate::error::{Error, corrupt};
use crate::ingest::{DUPLICATE, quarter};
use crate::pace::breathe;
use crate::store::aggregator::Kept;
use crate::store::blocks::{Span, span};
use crate::store::codec::Stored;
use crate::store::figures::Key;
use crate::store::intake::IntakeKey;
use crate::store::log::Logged;
use domain::Timestamp;
use domain::event::Event;
use domain::figures::Counts;
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::metering::{Counter, Entry, Tally, measure};
use domain::zone::Zone;
use hashbrown::hash_map;
use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map};

/// Packs of the log, opened.
pub(super) struct Batch {
    /// In the order of the log, retries among them.
    events: Vec<Event>,
    /// The same in the order of sessions, see [`by_session`].
    sorted: Sorted,
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

impl Measured {
    /// The months, of UTC, that new events lie in.
    pub fn months(&self) -> BTreeSet<i32> {
        self.new.keys().map(|(span, _)| Zone::UTC.day(Timestamp::from_millis(*span)).month().0).collect()
    }
}

impl Batch {
    /// Opens packs.
    pub fn of(packs: Vec<Logged>) -> Self {
        let mut events = Vec::with_capacity(packs.iter().map(|logged| logged.pack.events.len()).sum());
        let mut refused = Vec::new();
        for Logged { pack, .. } in packs {
            events.extend(pack.events);
            refused.extend(pack.refused);
        }
        Self { sorted: by_session(&events), events, refused }
    }

    /// How many events there are, retries among them.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The customers of the events.
    pub fn customers(&self) -> Vec<CustomerNo> {
        self.events.iter().map(|event| event.customer).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The helplines of the events.
    pub fn helplines(&self) -> impl Iterator<Item = HelplineNo> {
        self.events.iter().map(|event| event.helpline)
    }

    /// The sessions of the events, those of a customer in their order.
    pub fn sessions(&self) -> BTreeMap<CustomerNo, Vec<Asked>> {
        let mut asked: BTreeMap<CustomerNo, Vec<Asked>> = BTreeMap::new();
        for ((customer, _), events) in &self.sorted {
            let of_customer = asked.entry(*customer).or_default();
            for of_session in sessions(events) {
                let at = || of_session.iter().map(|(event, _)| event.at);
                if let (Some(first_at), Some(last_at)) = (at().min(), at().max()) {
                    let session = session(&of_session[0].0);
                    of_customer.push(Asked { session, first_at, last_at });
                }
            }
        }
        asked.values_mut().for_each(|asked| asked.sort_unstable_by_key(|asked| asked.session));
        asked
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
        for ((customer, application), events) in self.sorted {
            let zone = kept.get(&customer).ok_or_else(|| corrupt("customer of an event"))?.zone;
            let mut tally = Tally::new(zone);
            let added = take_in(&events, known, earlier, &mut is_new, |before, after| {
                measure(before, countries, &mut Counter::minus(&mut tally));
                measure(after, countries, &mut Counter::plus(&mut tally));
            });
            known.added(added);
            let cells = tally.into_cells(countries).into_iter();
            measured.deltas.extend(cells.map(|(cell, counts)| (Key { customer, application, cell }, counts)));
        }
        // In the order of the store's key, so that neighbours are written together.
        measured.deltas.sort_unstable_by_key(|(key, _)| *key);
        give_places(&self.events, &is_new, kept, &mut measured)?;
        Ok(measured)
    }
}

/// Where an event is in the order of sessions: the first bits of its session's key, then its place in the batch. As one
/// number it is sorted fast.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u128);

impl Place {
    fn of(i: usize, event: &Event) -> Self {
        Self(u128::from_be_bytes(event.session.0) & !u128::from(u32::MAX) | i as u128)
    }

    fn i(self) -> usize {
        (self.0 & u128::from(u32::MAX)) as usize
    }
}

/// Events, each with its place in the batch.
type Sorted = BTreeMap<(CustomerNo, ApplicationNo), Vec<(Event, usize)>>;

/// Events by application, those of a session together (unless another's key begins with the same 96 bits) and in the order
/// of the log.
fn by_session(events: &[Event]) -> Sorted {
    let mut places: BTreeMap<_, Vec<Place>> = BTreeMap::new();
    for (i, event) in events.iter().enumerate() {
        places.entry((event.customer, event.application)).or_default().push(Place::of(i, event));
    }
    let sorted = |mut places: Vec<Place>| {
        places.sort_unstable();
        places.into_iter().map(|place| (events[place.i()], place.i())).collect()
    };
    places.into_iter().map(|(of, places)| (of, sorted(places))).collect()
}

/// The events of each session.
fn sessions(events: &[(Event, usize)]) -> impl Iterator<Item = &[(Event, usize)]> {
    events.chunk_by(|(a, _), (b, _)| a.session == b.session)
}

/// Takes the events of an application into memory, session by session: tells `changed` of the events of each session
/// that has new ones, as they were and as they are, notes which are new, and says how many.
fn take_in(
    events: &[(Event, usize)],
    known: &mut Known,
    earlier: &Earlier,
    is_new: &mut [bool],
    mut changed: impl FnMut(&[Entry], &[Entry]),
) -> usize {
    let mut added = 0;
    // Used again for each session: most have an event or two.
    let (mut before, mut after): (Vec<Entry>, Vec<Entry>) = Default::default();
    for of_session in sessions(events) {
        let (first, _) = &of_session[0];
        let (recent, frozen) = known.recent_entry(first.customer, session(first));
        let in_runs = earlier.of(first.customer, session(first));
        before.clear();
        if let hash_map::Entry::Occupied(recent) = &recent {
            before.extend_from_slice(recent.get());
        }
        if !in_runs.is_empty() || !frozen.is_empty() {
            before.extend_from_slice(in_runs);
            before.extend_from_slice(frozen);
            before.sort_unstable();
            // Whoever took over remembers all that the log has, retries of what runs know among it: a click that is there
            // twice would be attributed twice to a display that comes late.
            before.dedup();
        }
        after.clone_from(&before);
        for (event, i) in of_session {
            let entry = entry(event);
            if let Err(place) = after.binary_search(&entry) {
                after.insert(place, entry);
                is_new[*i] = true;
            }
        }
        if after.len() == before.len() {
            continue;
        }
        changed(&before, &after);
        breathe();
        added += after.len() - before.len();
        let new = of_session.iter().filter(|(_, i)| is_new[*i]);
        let recent = recent.or_default();
        recent.extend(new.map(|(event, _)| entry(event)));
        recent.sort_unstable();
    }
    added
}

/// Gives the new events their places in their customers' logs, and counts the others as duplicates.
fn give_places(
    events: &[Event],
    is_new: &[bool],
    kept: &HashMap<CustomerNo, Kept>,
    measured: &mut Measured,
) -> Result<(), Error> {
    let mut done = 0;
    // Events mostly come in the order of time, many of one customer together.
    for of_span in events.chunk_by(|a, b| span(a) == span(b)) {
        let is_new = &is_new[done..][..of_span.len()];
        done += of_span.len();
        let customer = of_span[0].customer;
        for (event, _) in of_span.iter().zip(is_new).filter(|(_, is_new)| !**is_new) {
            let application = event.application;
            let key = IntakeKey { quarter: quarter(event.at), customer, application, code: DUPLICATE.into() };
            *measured.intake.entry(key).or_default() += 1;
        }
        if !is_new.contains(&true) {
            continue;
        }
        let length = match measured.log_lengths.entry(customer) {
            btree_map::Entry::Occupied(length) => length.into_mut(),
            btree_map::Entry::Vacant(length) => {
                length.insert(kept.get(&customer).ok_or_else(|| corrupt("customer of an event"))?.log_length)
            }
        };
        let new = measured.new.entry(span(&of_span[0])).or_default();
        for (event, _) in of_span.iter().zip(is_new).filter(|(_, is_new)| **is_new) {
            *length += 1;
            new.push(Stored { event: *event, place: *length });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::sessions::Known;
    use domain::event::{Action, SessionKey};
    use domain::figures::Figure;

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

    /// A click that a run knows, whose retry was in the log when another process took over; then its display comes late.
    #[test]
    fn a_retry_that_is_remembered_is_no_other_event() {
        let kept = HashMap::from([(CustomerNo(1), Kept { zone: Zone::UTC, log_length: 1, events_from: None })]);
        let display = event(50);
        let click = Event {
            at: Timestamp::from_millis(100_000),
            action: Action::Click(domain::event::ContactMethod::Phone),
            ..display
        };
        let mut known = Known::new(Vec::new());
        known.remember([click]);
        let in_run = ((CustomerNo(1), session(&click)), vec![entry(&click)]);
        let earlier = Earlier([in_run].into_iter().collect());
        let events = vec![display];
        let batch = Batch { sorted: by_session(&events), events, refused: Vec::new() };
        let measured = batch.measure(&mut known, &earlier, &kept, &Countries::default()).unwrap();
        let most = |figure: Figure| measured.deltas.iter().map(|(_, counts)| counts.get(figure).abs()).max();
        assert_eq!((most(Figure::AttributedClicks), most(Figure::UnattributedClicks)), (Some(1), Some(1)));
    }

    #[test]
    fn retries_of_what_runs_know_leave_nothing_in_memory() {
        let kept = HashMap::from([(CustomerNo(1), Kept { zone: Zone::UTC, log_length: 1, events_from: None })]);
        let retry = event(50);
        let in_run = ((CustomerNo(1), session(&retry)), vec![entry(&retry)]);
        let earlier = Earlier([in_run].into_iter().collect());
        let events = vec![retry, retry];
        let batch = Batch { sorted: by_session(&events), events, refused: Vec::new() };
        let mut known = Known::new(Vec::new());
        let measured = batch.measure(&mut known, &earlier, &kept, &Countries::default()).unwrap();
        assert!(measured.deltas.is_empty() && measured.new.is_empty());
        assert_eq!(measured.intake.values().sum::<i64>(), 2);
        assert_eq!(known.recent_sessions(), 0);
    }

    #[test]
    fn each_customers_log_is_counted_through_without_gaps() {
        let kept = |log_length| Kept { zone: Zone::UTC, log_length, events_from: None };
        let kept = HashMap::from([(CustomerNo(1), kept(10)), (CustomerNo(2), kept(0))]);
        // Each twice: the second is a duplicate and gets no place.
        let events: Vec<Event> = (0..60).chain(0..60).map(event).collect();
        let mut known = Known::new(Vec::new());
        let batch = Batch { sorted: by_session(&events), events, refused: Vec::new() };
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
