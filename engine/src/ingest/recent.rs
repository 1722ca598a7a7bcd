//! What a writer remembers, so that it knows a retry without asking the database.
//!
//! Exactness rests on one rule: *whatever was appended to the log is here, or in the event blocks and earlier than
//! [`Recent::floor`]*. So an event at or after the floor that is not here is new, without a query; of an earlier one
//! the event blocks are asked, before it is appended. It holds because
//!
//! - at the start the floor lies after every event in the blocks, and all packs that are not in the blocks are read;
//! - every pack of this and of other writers is taken in, in the order of the log, before the next one is answered;
//! - only events that are in the blocks are forgotten, and the floor rises above them before the first of them goes.

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
        Self(session.number() ^ rest)
    }
}

/// Events that are not in the figures cannot be forgotten. With this many of them nothing more is taken.
pub const PENDING_MAX: usize = 16_000_000;
/// Remembered events that are looked at in one step of forgetting: half a millisecond.
pub const FORGET_STEP: usize = 16_384;
/// Shards: so many that one of them is small even where [`PENDING_MAX`] events are remembered.
const SHARDS: u64 = 256;
/// Times from which the middle is taken: it need not be exact.
const SAMPLE: usize = 4_096;

/// Where a remembered event is.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: Timestamp,
    /// The pack's place in the log.
    seq: i64,
}

/// How much a writer remembers.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// With so many events it is full, and forgets the older half of those that are in the blocks.
    pub remembered_max: usize,
    /// With so many it is overrun, and takes no more: usually [`PENDING_MAX`].
    pub pending_max: usize,
}

/// The events that a writer remembers.
///
/// All requests wait while the writer works on this, so nothing is done to all of it at once. It is cut into shards,
/// each of which grows and forgets by itself.
#[derive(Debug)]
pub struct Recent {
    shards: Vec<HashMap<Identity, Place>>,
    /// Events in all shards.
    len: usize,
    floor: Timestamp,
    /// The newest pack of the log that has been taken in.
    pub seq: i64,
    sizes: Sizes,
    /// Size at which it is worth looking for what can be forgotten.
    full: usize,
    /// Up to this pack has been forgotten what could be.
    forgotten: i64,
    forgetting: Option<Forgetting>,
}

/// A walk through the shards to forget what lies before the floor.
#[derive(Debug, Clone, Copy)]
struct Forgetting {
    /// All packs up to this one are in the blocks.
    applied: i64,
    /// Where it goes on.
    shard: usize,
}

/// The shard of an identity. Shards are of different widths, the last twice as wide as the first: if they were filled
/// alike, all would have to grow at the same time.
fn shard(identity: Identity) -> usize {
    // All bits take part, as events of one session share many of them.
    let [high, low] = [(identity.0 >> 64) as u64, identity.0 as u64];
    let x = (high ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    // Of 0 ≤ x < 1, in 24 bits, (4x − x²) ÷ 3: at its end it rises half as fast as at its start.
    let place = x * ((4 << 24) - x) / 3;
    ((place * SHARDS) >> 48) as usize
}

impl Recent {
    /// Remembers nothing: every event that is in the blocks must be earlier than `floor`, and those of packs after
    /// `seq` must be taken in.
    pub fn new(floor: Timestamp, seq: i64, sizes: Sizes) -> Self {
        let shards = (0..SHARDS).map(|_| HashMap::new()).collect();
        let full = sizes.remembered_max;
        Self { shards, len: 0, floor, seq, sizes, full, forgotten: i64::MIN, forgetting: None }
    }

    /// Whether the blocks have to be asked before it is known that an event is new.
    pub fn must_ask(&self, event: &Event) -> bool {
        if event.at >= self.floor {
            return false;
        }
        let identity = Identity::of(event);
        !self.shards[shard(identity)].contains_key(&identity)
    }

    /// Takes an event of a pack in and says whether it is new.
    pub fn take_in(&mut self, event: &Event, seq: i64) -> bool {
        let identity = Identity::of(event);
        let is_new = self.shards[shard(identity)].insert(identity, Place { at: event.at, seq }).is_none();
        self.len += usize::from(is_new);
        is_new
    }

    /// Whether no more can be taken before the figures have caught up.
    pub fn is_overrun(&self) -> bool {
        self.len >= self.sizes.pending_max
    }

    /// Whether it is time to [`Self::forget`]. One that is overrun takes no more, and so never grows to where a look would
    /// be worth it again.
    pub fn is_full(&self) -> bool {
        self.forgetting.is_none() && (self.len >= self.full || self.is_overrun())
    }

    /// Begins to forget the older half of what is in the blocks, as all packs up to `applied` are. The floor rises at
    /// once; what lies before it goes in steps, see [`Self::forget_some`].
    pub fn forget(&mut self, applied: i64) {
        if self.is_overrun() && self.len < self.full && applied <= self.forgotten {
            // Looked for in vain already.
            return;
        }
        self.forgotten = applied;
        // Identities are hashes: what is in some shards is a fair sample of all.
        let mut times: Vec<Timestamp> = Vec::new();
        for events in &self.shards {
            if times.len() >= SAMPLE {
                break;
            }
            times.extend(events.values().map(|place| place.at));
        }
        let middle = times.len() / 2;
        if middle == 0 {
            return;
        }
        let (_, floor, _) = times.select_nth_unstable(middle);
        self.floor = (*floor).max(self.floor);
        self.forgetting = Some(Forgetting { applied, shard: 0 });
    }

    /// Goes on with what [`Self::forget`] began, over some shards with about `events` events, and says whether there
    /// is more to do.
    ///
    /// Not between the question whether an early event is in the blocks and its taking in: the answer is kept here.
    pub fn forget_some(&mut self, events: usize) -> bool {
        let Some(Forgetting { applied, shard }) = self.forgetting else { return false };
        let (floor, mut looked_at, mut next) = (self.floor, 0, shard);
        while looked_at < events
            && let Some(events) = self.shards.get_mut(next)
        {
            let before = events.len();
            events.retain(|_, place| place.at >= floor || place.seq > applied);
            // Room that only an overrun needed is given back.
            events.shrink_to(events.len() * 4);
            self.len -= before - events.len();
            looked_at += before;
            next += 1;
        }
        let is_more = next < self.shards.len();
        self.forgetting = is_more.then_some(Forgetting { applied, shard: next });
        if !is_more {
            // Where little could be forgotten, the next look is worth it only after as much has come.
            let remembered_max = self.sizes.remembered_max;
            self.full = remembered_max.max(self.len + remembered_max / 2);
        }
        is_more
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::{Action, ContactMethod, SessionKey};
    use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
    use proptest::prelude::*;
    use std::collections::HashSet;

    const SIZES: Sizes = Sizes { remembered_max: 1_000_000, pending_max: PENDING_MAX };

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
        let identities: HashSet<_> = others.iter().chain([&one]).map(Identity::of).collect();
        assert_eq!(identities.len(), 6);
    }

    #[test]
    fn only_earlier_events_have_to_be_asked_for() {
        let mut recent = Recent::new(Timestamp::from_millis(1_000), 0, SIZES);
        assert!(recent.must_ask(&event(999)) && !recent.must_ask(&event(1_000)));
        assert!(recent.take_in(&event(999), 1) && !recent.take_in(&event(999), 2));
        assert!(!recent.must_ask(&event(999)), "it is remembered");
    }

    #[test]
    fn what_is_not_in_the_blocks_is_never_forgotten() {
        let mut recent = Recent::new(Timestamp::from_millis(0), 0, SIZES);
        for i in 0..100 {
            recent.take_in(&event(i), i);
        }
        recent.forget(20);
        assert!(!recent.is_full());
        while recent.forget_some(1) {}
        // Packs up to 20 are in the blocks; of them, the older half of all is forgotten.
        assert!((0..=20).all(|i| recent.must_ask(&event(i))));
        assert!((21..100).all(|i| !recent.must_ask(&event(i)) && !recent.take_in(&event(i), 200)));
        assert!(recent.must_ask(&event(-5)));
    }

    #[test]
    fn one_that_was_overrun_takes_events_again_once_they_are_in_the_blocks() {
        let mut recent = Recent::new(Timestamp::from_millis(0), 0, Sizes { remembered_max: 10, pending_max: 100 });
        let look = |recent: &mut Recent, applied| {
            if recent.is_full() {
                recent.forget(applied);
            }
            while recent.forget_some(1) {}
        };
        // Nothing is counted while all of this comes.
        for i in 0..100 {
            assert!(!recent.is_overrun());
            recent.take_in(&event(i), i);
            look(&mut recent, -1);
        }
        assert!(recent.is_overrun());
        look(&mut recent, -1);
        assert!(recent.is_overrun());
        look(&mut recent, 99);
        assert!(!recent.is_overrun());
        assert!((0..40).all(|i| recent.must_ask(&event(i))), "those that were forgotten are asked for");
    }

    #[test]
    fn shards_are_used_as_wide_as_they_are() {
        let mut used = [0_usize; SHARDS as usize];
        for i in 0..1_000_000_u128 {
            // Of one session, a millisecond apart: what differs least.
            used[shard(Identity(i << 72))] += 1;
        }
        let half = |shards: &[usize]| shards.iter().sum::<usize>();
        let (first, last) = used.split_at(used.len() / 2);
        // Where the first half of the shards ends, x is 0.419.
        assert!((410_000..430_000).contains(&half(first)), "{}", half(first));
        assert!(half(last) > 0 && used.iter().all(|n| (2_000..7_000).contains(n)));
    }

    #[test]
    fn room_that_is_not_needed_any_longer_is_given_back() {
        let mut recent = Recent::new(Timestamp::from_millis(0), 0, SIZES);
        for i in 0..100_000 {
            recent.take_in(&event(i), i64::from(i >= 1_000));
        }
        let room = |recent: &Recent| recent.shards.iter().map(HashMap::capacity).sum::<usize>();
        let before = room(&recent);
        for _ in 0..5 {
            recent.forget(1);
            while recent.forget_some(FORGET_STEP) {}
        }
        assert!(recent.len < 5_000 && room(&recent) < before / 5, "{} {}", recent.len, room(&recent));
    }

    /// What happens to a writer.
    #[derive(Debug, Clone)]
    enum Step {
        /// Events of these times come, as one pack.
        Append(Vec<i64>),
        /// The figures have caught up, but for so many packs.
        Aggregate(usize),
        Forget,
        ForgetSome(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => prop::collection::vec(0..200_i64, 1..8).prop_map(Step::Append),
            2 => (0..4_usize).prop_map(Step::Aggregate),
            1 => Just(Step::Forget),
            4 => (1..20_usize).prop_map(Step::ForgetSome),
        ]
    }

    proptest! {
        /// The writer's own way of asking, against a set of all that ever came.
        #[test]
        fn what_is_new_is_known_whatever_was_forgotten(steps in prop::collection::vec(step(), 1..120)) {
            let mut recent = Recent::new(Timestamp::from_millis(i64::MIN), 0, SIZES);
            let mut log: Vec<Vec<i64>> = Vec::new();
            let mut all: HashSet<i64> = HashSet::new();
            let mut applied = 0;
            for step in steps {
                match step {
                    Step::Append(times) => {
                        let blocks: HashSet<i64> = log[..applied].iter().flatten().copied().collect();
                        let early: Vec<i64> = times.iter().copied().filter(|at| recent.must_ask(&event(*at))).collect();
                        for at in early.iter().filter(|at| blocks.contains(at)) {
                            recent.take_in(&event(*at), 0);
                        }
                        log.push(times.clone());
                        let seq = i64::try_from(log.len()).unwrap();
                        for at in times {
                            prop_assert_eq!(recent.take_in(&event(at), seq), all.insert(at));
                        }
                    }
                    Step::Aggregate(but) => applied = applied.max(log.len().saturating_sub(but)),
                    Step::Forget => recent.forget(i64::try_from(applied).unwrap()),
                    Step::ForgetSome(events) => {
                        recent.forget_some(events);
                    }
                }
                let len: usize = recent.shards.iter().map(HashMap::len).sum();
                prop_assert_eq!(recent.len, len);
            }
        }
    }
}
