//! A batch of packs: which of its events are new, and what they change.

use super::Countries;
use super::sessions::{Asked, Earlier, Known, entry, session};
use crate::error::{Error, corrupt};
use crate::ingest::{DUPLICATE, quarter};
use crate::pace::breathe;
use crate::store::aggregator::Kept;
use crate::store::blocks::{Span, span};
use crate::store::codec::{OfSession, Session, Stored};
use crate::store::figures::Key;
use crate::store::intake::IntakeKey;
use crate::store::log::Logged;
use domain::Timestamp;
use domain::event::Event;
use domain::figures::Counts;
use domain::ids::{CustomerNo, HelplineNo};
use domain::metering::{Counter, Entry, Tally, measure};
use domain::zone::Zone;
use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map};

/// Packs of the log, opened.
pub(super) struct Batch {
    /// In the order of the log, retries among them.
    events: Vec<Event>,
    /// The same by application, in the order of sessions; those of one in the order of the log.
    sorted: Vec<Placed>,
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
        Self { sorted: sorted(&events), events, refused }
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
        for of_application in by_application(&self.sorted) {
            let of_customer = asked.entry(customer(&self.events, of_application)).or_default();
            of_customer.reserve(of_application.len());
            for of_session in by_session(of_application) {
                let at = || of_session.iter().map(|placed| placed.entry.at);
                if let (Some(first_at), Some(last_at)) = (at().min(), at().max()) {
                    of_customer.push(Asked { session: of_session[0].session, first_at, last_at });
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
        let Self { events, sorted, refused } = self;
        let mut measured = Measured::default();
        for (key, n) in refused {
            *measured.intake.entry(key).or_default() += n;
        }
        let mut is_new = vec![false; events.len()];
        let mut new: BTreeMap<CustomerNo, Vec<OfSession>> = BTreeMap::new();
        for of_application in by_application(&sorted) {
            let (customer, application) = (customer(&events, of_application), of_application[0].session.application);
            let zone = kept.get(&customer).ok_or_else(|| corrupt("customer of an event"))?.zone;
            let mut tally = Tally::new(zone);
            let mut memory = known.in_memory(customer);
            let known = |session, events: &mut Vec<Entry>| {
                memory.find(session, events);
                events.extend_from_slice(earlier.of(customer, session));
            };
            let new = new.entry(customer).or_default();
            find_new(of_application, known, new, &mut is_new, |before, after| {
                measure(before, countries, &mut Counter::minus(&mut tally));
                measure(after, countries, &mut Counter::plus(&mut tally));
            });
            let cells = tally.into_cells(countries).into_iter();
            measured.deltas.extend(cells.map(|(cell, counts)| (Key { customer, application, cell }, counts)));
        }
        for (customer, new) in new {
            known.add(customer, new);
        }
        // In the order of the store's key, so that neighbours are written together.
        measured.deltas.sort_unstable_by_key(|(key, _)| *key);
        give_places(&events, &is_new, kept, &mut measured)?;
        Ok(measured)
    }
}

/// An event of a session.
struct Placed {
    session: Session,
    entry: Entry,
    /// Where it is in the batch.
    place: u32,
}

/// Events by application, in the order of sessions; those of one in the order of the log.
fn sorted(events: &[Event]) -> Vec<Placed> {
    // As one number each they are sorted fast: the application, the first half of the key, and the place.
    let order = |(event, place): (&Event, u32)| {
        u128::from(event.application.0) << 96 | event.session.number() >> 64 << 32 | u128::from(place)
    };
    let mut order: Vec<u128> = events.iter().zip(0..).map(order).collect();
    order.sort_unstable();
    let placed = |order: u128| {
        let place = order as u32;
        let event = &events[place as usize];
        Placed { session: session(event), entry: entry(event), place }
    };
    let mut sorted: Vec<Placed> = order.into_iter().map(placed).collect();
    // By the second half of the key, where the first is the same.
    sorted.sort_by_key(|placed| (placed.session.application, placed.session.key));
    sorted
}

/// The events of each application.
fn by_application(sorted: &[Placed]) -> impl Iterator<Item = &[Placed]> {
    sorted.chunk_by(|a, b| a.session.application == b.session.application)
}

/// The customer of an application's events: it has one.
fn customer(events: &[Event], of_application: &[Placed]) -> CustomerNo {
    events[of_application[0].place as usize].customer
}

/// The events of each session.
fn by_session(sorted: &[Placed]) -> impl Iterator<Item = &[Placed]> {
    sorted.chunk_by(|a, b| a.session == b.session)
}

/// Finds the new events of an application, session by session. `known` gives what is known of a session; `changed` is told
/// of the events of each session that has new ones, as they were and as they are.
fn find_new(
    of_application: &[Placed],
    mut known: impl FnMut(Session, &mut Vec<Entry>),
    new: &mut Vec<OfSession>,
    is_new: &mut [bool],
    mut changed: impl FnMut(&[Entry], &[Entry]),
) {
    new.reserve(of_application.len());
    // Used again for each session: most have an event or two.
    let (mut before, mut after): (Vec<Entry>, Vec<Entry>) = Default::default();
    for of_session in by_session(of_application) {
        let session = of_session[0].session;
        before.clear();
        known(session, &mut before);
        before.sort_unstable();
        // Whoever took over remembers all that the log has, retries of what runs know among it: a click that is there twice
        // would be attributed twice to a display that comes late.
        before.dedup();
        after.clone_from(&before);
        for Placed { entry, place, .. } in of_session {
            if let Err(i) = after.binary_search(entry) {
                after.insert(i, *entry);
                is_new[*place as usize] = true;
                new.push((session, *entry));
            }
        }
        if after.len() > before.len() {
            changed(&before, &after);
            breathe();
        }
    }
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
        new.reserve(of_span.len());
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
    use domain::ids::ApplicationNo;

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
        let batch = Batch { sorted: sorted(&events), events, refused: Vec::new() };
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
        let batch = Batch { sorted: sorted(&events), events, refused: Vec::new() };
        let mut known = Known::new(Vec::new());
        let measured = batch.measure(&mut known, &earlier, &kept, &Countries::default()).unwrap();
        assert!(measured.deltas.is_empty() && measured.new.is_empty());
        assert_eq!(measured.intake.values().sum::<i64>(), 2);
        assert_eq!(known.recent_events(), 0);
    }

    #[test]
    fn sessions_are_together_however_alike_their_keys_are() {
        let of = |seconds: i64, last: u8, application| {
            let mut key = [7; 16];
            key[15] = last;
            Event { session: SessionKey(key), application: ApplicationNo(application), ..event(seconds) }
        };
        let events = [of(5, 9, 2), of(4, 9, 1), of(3, 8, 1), of(2, 9, 1), of(1, 8, 1)];
        let sorted = sorted(&events);
        let places = |of: &[Placed]| of.iter().map(|placed| placed.place).collect::<Vec<u32>>();
        assert_eq!(by_application(&sorted).map(places).collect::<Vec<_>>(), [vec![2, 4, 1, 3], vec![0]]);
        assert_eq!(by_session(&sorted).map(places).collect::<Vec<_>>(), [vec![2, 4], vec![1, 3], vec![0]]);
    }

    #[test]
    fn each_customers_log_is_counted_through_without_gaps() {
        let kept = |log_length| Kept { zone: Zone::UTC, log_length, events_from: None };
        let kept = HashMap::from([(CustomerNo(1), kept(10)), (CustomerNo(2), kept(0))]);
        // Each twice: the second is a duplicate and gets no place.
        let events: Vec<Event> = (0..60).chain(0..60).map(event).collect();
        let mut known = Known::new(Vec::new());
        let batch = Batch { sorted: sorted(&events), events, refused: Vec::new() };
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
