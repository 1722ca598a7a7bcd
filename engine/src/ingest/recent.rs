//! What a writer remembers, so that it knows a retry without asking the database.
//!
//! Exactness rests on one rule: *whatever was appended to the log is here, or in the event blocks and earlier than
//! [`Recent::floor`]*. So an event at or after the floor that is not here is new, without a query; of an earlier one
//! the event blocks are asked, before it is appended. It holds because
//!
//! - at the start the floor lies after every event in the blocks, and all packs that are not in the blocks are read;
//! - every pack of this and of other writers is taken in, in the order of the log, before the next one is answered;
//! - only events that are in the blocks are forgotten, and the floor rises above them.

use domain::Timestamp;
use domain::event::Event;
use hashbrown::HashMap;

/// The identity of an event in 128 bits: its session's key (a keyed hash), crossed with all the rest.
///
/// Events of one session that differ in anything differ here, as time, application, helpline and action have bits of
/// their own; of two sessions the keys differ at random in 128 bits, and nobody who lacks the customer's secret can
/// choose them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity(u128);

impl Identity {
    /// The identity of an event.
    pub fn of(event: &Event) -> Self {
        let Event { at, customer: _, application, helpline, action, session } = *event;
        // 48 bits of milliseconds last until the year 6429; an application belongs to one customer.
        let rest = u128::from(at.millis().cast_unsigned() & 0xffff_ffff_ffff) << 72
            | u128::from(application.0) << 40
            | u128::from(helpline.0) << 8
            | u128::from(action.code());
        Self(u128::from_be_bytes(session.0) ^ rest)
    }
}

/// When it is full, the older half is forgotten.
pub const REMEMBERED_MAX: usize = 1_000_000;
/// Events that are not in the figures cannot be forgotten. With this many of them nothing more is taken.
pub const PENDING_MAX: usize = 16_000_000;

/// Where a remembered event is.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: Timestamp,
    /// The pack's place in the log.
    seq: i64,
}

/// The events that a writer remembers.
#[derive(Debug)]
pub struct Recent {
    events: HashMap<Identity, Place>,
    floor: Timestamp,
    /// The newest pack of the log that has been taken in.
    pub seq: i64,
    /// Size at which it is worth looking for what can be forgotten.
    full: usize,
}

impl Recent {
    /// Remembers nothing: every event that is in the blocks must be earlier than `floor`, and those of packs after
    /// `seq` must be taken in.
    pub fn new(floor: Timestamp, seq: i64) -> Self {
        Self { events: HashMap::new(), floor, seq, full: REMEMBERED_MAX }
    }

    /// Whether the blocks have to be asked before it is known that an event is new.
    pub fn must_ask(&self, event: &Event) -> bool {
        event.at < self.floor && !self.events.contains_key(&Identity::of(event))
    }

    /// Takes an event of a pack in and says whether it is new.
    pub fn take_in(&mut self, event: &Event, seq: i64) -> bool {
        self.events.insert(Identity::of(event), Place { at: event.at, seq }).is_none()
    }

    /// Whether no more can be taken before the figures have caught up.
    pub fn is_overrun(&self) -> bool {
        self.events.len() >= PENDING_MAX
    }

    /// Whether it is time to [`Self::forget`].
    pub fn is_full(&self) -> bool {
        self.events.len() >= self.full
    }

    /// Forgets the older half of what is in the blocks, as all packs up to `applied` are.
    pub fn forget(&mut self, applied: i64) {
        let mut times: Vec<Timestamp> = self.events.values().map(|place| place.at).collect();
        let middle = times.len() / 2;
        if middle == 0 {
            return;
        }
        let (_, floor, _) = times.select_nth_unstable(middle);
        let floor = (*floor).max(self.floor);
        self.events.retain(|_, place| place.at >= floor || place.seq > applied);
        self.floor = floor;
        // Where little could be forgotten, the next look is worth it only after as much has come.
        self.full = REMEMBERED_MAX.max(self.events.len() + REMEMBERED_MAX / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::{Action, ContactMethod, SessionKey};
    use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};

    fn event(millis: i64) -> Event {
        Event {
            at: Timestamp::from_millis(millis),
            customer: CustomerNo(1),
            application: ApplicationNo(1),
            helpline: HelplineNo(1),
            action: Action::Display,
            session: SessionKey([7; 16]),
        }
    }

    #[test]
    fn whatever_differs_makes_another_identity() {
        let one = event(1_795_518_000_123);
        let others = [
            event(1_795_518_000_124),
            Event { application: ApplicationNo(2), ..one },
            Event { helpline: HelplineNo(u32::MAX), ..one },
            Event { action: Action::Click(ContactMethod::Phone), ..one },
            Event { session: SessionKey([8; 16]), ..one },
        ];
        let identities: std::collections::HashSet<_> = others.iter().chain([&one]).map(Identity::of).collect();
        assert_eq!(identities.len(), 6);
    }

    #[test]
    fn only_earlier_events_have_to_be_asked_for() {
        let mut recent = Recent::new(Timestamp::from_millis(1_000), 0);
        assert!(recent.must_ask(&event(999)) && !recent.must_ask(&event(1_000)));
        assert!(recent.take_in(&event(999), 1) && !recent.take_in(&event(999), 2));
        assert!(!recent.must_ask(&event(999)), "it is remembered");
    }

    #[test]
    fn what_is_not_in_the_blocks_is_never_forgotten() {
        let mut recent = Recent::new(Timestamp::from_millis(0), 0);
        for i in 0..100 {
            recent.take_in(&event(i), i);
        }
        recent.forget(20);
        // Packs up to 20 are in the blocks; of them, the older half of all is forgotten.
        assert!((0..=20).all(|i| recent.must_ask(&event(i))));
        assert!((21..100).all(|i| !recent.must_ask(&event(i)) && !recent.take_in(&event(i), 200)));
        assert!(recent.must_ask(&event(-5)));
    }
}
