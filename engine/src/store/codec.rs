//! How packs of the log, blocks of events and parts of runs are written into one column.
//!
//! A first byte names the form, so that a later one can be told from it. Times are written as distances. The form is
//! that of the crate postcard: numbers of more than a byte as LEB128, signed ones zigzag, lists after their length. It
//! is written and read here by hand, as each event passes three times and through serde a session key is sixteen
//! elements of a tuple.

use super::intake::IntakeKey;
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::event::{Action, Event, SessionKey};
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::metering::Entry;
use smallvec::SmallVec;

const FORM: u8 = 1;

/// Bytes that are written one after the other.
struct Writer(Vec<u8>);

impl Writer {
    fn new(bytes: usize) -> Self {
        let mut form = Vec::with_capacity(bytes + 16);
        form.push(FORM);
        Self(form)
    }

    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, number: impl Into<u64>) {
        let mut number = number.into();
        while number > 0x7f {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63).cast_unsigned());
    }

    fn length(&mut self, length: usize) {
        self.number(length as u64);
    }
}

/// What is left to read. `None` is given where it cannot be what was written.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn new(packed: &'a [u8]) -> Option<Self> {
        let (form, rest) = packed.split_first()?;
        (*form == FORM).then_some(Self(rest))
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            number |= bits << shift;
            if byte < 0x80 {
                // The tenth byte has room for one bit.
                return (shift < 63 || bits <= 1).then_some(number);
            }
        }
        None
    }

    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// Reads a list whose items take at least so many bytes.
    fn list<T>(&mut self, bytes_min: usize, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = usize::try_from(self.number()?).ok()?;
        // More cannot be there, whatever the length says.
        let mut items = Vec::with_capacity(length.min(self.0.len() / bytes_min));
        for _ in 0..length {
            items.push(item(self)?);
        }
        Some(items)
    }

    fn action(&mut self) -> Option<Action> {
        Action::from_code(self.byte()?)
    }

    fn session(&mut self) -> Option<SessionKey> {
        self.bytes(16)?.first_chunk().copied().map(SessionKey)
    }
}

/// What one commit of a writer holds: everything that was received, in the order in which it came.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pack {
    /// Events that passed all checks, retries among them.
    pub events: Vec<Event>,
    /// What was refused, by code.
    pub refused: Vec<(IntakeKey, i64)>,
}

/// Writes a pack of the log: of each event time, customer, application, helpline, action and session; then of what was
/// refused the quarter hour, customer, application, code and how many.
pub fn pack(pack: &Pack) -> Vec<u8> {
    let mut to = Writer::new(pack.events.len() * 30);
    to.length(pack.events.len());
    for Event { at, customer, application, helpline, action, session } in &pack.events {
        to.signed(at.millis());
        to.number(customer.0);
        to.number(application.0);
        to.number(helpline.0);
        to.byte(action.code());
        to.bytes(&session.0);
    }
    to.length(pack.refused.len());
    for (IntakeKey { quarter, customer, application, code }, n) in &pack.refused {
        to.signed(quarter.millis());
        to.number(customer.0);
        to.number(application.0);
        to.length(code.len());
        to.bytes(code.as_bytes());
        to.signed(*n);
    }
    to.0
}

/// The inverse of [`pack`].
pub fn unpack(packed: &[u8]) -> Result<Pack, Error> {
    Reader::new(packed).and_then(|mut from| read_pack(&mut from)).ok_or_else(|| corrupt("pack of the log"))
}

fn read_pack(from: &mut Reader<'_>) -> Option<Pack> {
    let events = from.list(21, |from| {
        Some(Event {
            at: Timestamp::from_millis(from.signed()?),
            customer: CustomerNo(from.small()?),
            application: ApplicationNo(from.small()?),
            helpline: HelplineNo(from.small()?),
            action: from.action()?,
            session: from.session()?,
        })
    })?;
    let refused = from.list(5, |from| {
        let quarter = Timestamp::from_millis(from.signed()?);
        let (customer, application) = (CustomerNo(from.small()?), ApplicationNo(from.small()?));
        let code = String::from_utf8(from.list(1, Reader::byte)?).ok()?.into();
        Some((IntakeKey { quarter, customer, application, code }, from.signed()?))
    })?;
    Some(Pack { events, refused })
}

/// An accepted event with its place in its customer's log: 1, 2, 3 …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stored {
    pub event: Event,
    pub place: u64,
}

/// Writes a block of events of one customer, sorted by time: the first one's time, and of each the milliseconds since
/// the one before, application, helpline, action, session, and places since the one before.
pub fn pack_block(events: &[Stored]) -> Result<Vec<u8>, Error> {
    let (mut at, mut place) = (events.first().map_or(0, |first| first.event.at.millis()), 0_u64);
    let mut to = Writer::new(events.len() * 26);
    to.signed(at);
    to.length(events.len());
    for Stored { event, place: of_event } in events {
        let since = u64::try_from(event.at.millis() - at);
        to.number(since.map_err(|_| Error::Internal("a block's events are not sorted by time".to_owned()))?);
        to.number(event.application.0);
        to.number(event.helpline.0);
        to.byte(event.action.code());
        to.bytes(&event.session.0);
        to.signed(of_event.wrapping_sub(place).cast_signed());
        (at, place) = (event.at.millis(), *of_event);
    }
    Ok(to.0)
}

/// The inverse of [`pack_block`].
pub fn unpack_block(customer: CustomerNo, packed: &[u8]) -> Result<Vec<Stored>, Error> {
    let events = Reader::new(packed).and_then(|mut from| read_block(customer, &mut from));
    events.ok_or_else(|| corrupt("block of events"))
}

fn read_block(customer: CustomerNo, from: &mut Reader<'_>) -> Option<Vec<Stored>> {
    let (mut at, mut place) = (from.signed()?, 0_u64);
    from.list(21, |from| {
        at = at.checked_add_unsigned(from.number()?)?;
        let event = Event {
            at: Timestamp::from_millis(at),
            customer,
            application: ApplicationNo(from.small()?),
            helpline: HelplineNo(from.small()?),
            action: from.action()?,
            session: from.session()?,
        };
        place = place.wrapping_add_signed(from.signed()?);
        Some(Stored { event, place })
    })
}

/// A session of an application, within a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session {
    /// First, as parts are cut by it.
    pub key: SessionKey,
    pub application: ApplicationNo,
}

/// An event, and its session.
pub type OfSession = (Session, Entry);

/// A session's events: most sessions have one or two.
pub type Entries = SmallVec<[Entry; 2]>;

/// Writes a part of a run: sessions with their events, of each the milliseconds since `start`, helpline and action.
pub fn pack_part(start: Timestamp, sessions: &[(Session, Entries)]) -> Vec<u8> {
    let mut to = Writer::new(sessions.len() * 32);
    to.length(sessions.len());
    for (session, entries) in sessions {
        to.bytes(&session.key.0);
        to.number(session.application.0);
        to.length(entries.len());
        for Entry { helpline, action, at } in entries {
            to.signed(at.millis() - start.millis());
            to.number(helpline.0);
            to.byte(action.code());
        }
    }
    to.0
}

/// The inverse of [`pack_part`].
pub fn unpack_part(start: Timestamp, packed: &[u8]) -> Result<Vec<(Session, Entries)>, Error> {
    Reader::new(packed).and_then(|mut from| read_part(start, &mut from)).ok_or_else(|| corrupt("part of a run"))
}

fn read_part(start: Timestamp, from: &mut Reader<'_>) -> Option<Vec<(Session, Entries)>> {
    from.list(18, |from| {
        let session = Session { key: from.session()?, application: ApplicationNo(from.small()?) };
        let length = from.number()?;
        let mut entry = || {
            let at = start.plus(from.signed()?);
            Some(Entry { helpline: HelplineNo(from.small()?), action: from.action()?, at })
        };
        let entries = (0..length).map(|_| entry()).collect::<Option<_>>()?;
        Some((session, entries))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::ContactMethod;

    #[test]
    fn what_is_packed_comes_back() {
        let event = Event {
            at: Timestamp::from_millis(-7),
            customer: CustomerNo(1),
            application: ApplicationNo(70_000),
            helpline: HelplineNo(3),
            action: Action::Click(ContactMethod::Tty),
            session: SessionKey([9; 16]),
        };
        let key = IntakeKey {
            quarter: Timestamp::from_millis(900_000),
            customer: CustomerNo(1),
            application: ApplicationNo(2),
            code: "helpline_unknown".into(),
        };
        let of_log = Pack { events: vec![event, event], refused: vec![(key, 3)] };
        assert_eq!(unpack(&pack(&of_log)).unwrap(), of_log);

        let later = Event { at: Timestamp::from_millis(5_000), ..event };
        let block = [Stored { event, place: 1 << 40 }, Stored { event: later, place: 2 }];
        assert_eq!(unpack_block(CustomerNo(1), &pack_block(&block).unwrap()).unwrap(), block);
        assert!(pack_block(&[block[1], block[0]]).is_err(), "not sorted");
        assert_eq!(unpack_block(CustomerNo(1), &pack_block(&[]).unwrap()).unwrap(), []);

        let entry = Entry { helpline: HelplineNo(3), action: Action::Display, at: event.at };
        let part =
            [(Session { key: event.session, application: event.application }, smallvec::smallvec![entry, entry])];
        for start in [event.at, later.at] {
            assert_eq!(unpack_part(start, &pack_part(start, &part)).unwrap(), part);
        }
    }

    #[test]
    fn rubbish_is_an_error() {
        for rubbish in [&[][..], &[2, 0], &[1, 9]] {
            assert!(unpack(rubbish).is_err());
            assert!(unpack_block(CustomerNo(1), rubbish).is_err());
            assert!(unpack_part(Timestamp::from_millis(0), rubbish).is_err());
        }
    }

    /// What was stored through serde is read, and the other way round.
    #[test]
    fn the_form_is_that_of_postcard() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX, 1 << 63];
        for number in numbers {
            let mut to = Writer(Vec::new());
            to.number(number);
            to.signed(number.cast_signed());
            let bytes = postcard::to_allocvec(&(number, number.cast_signed())).unwrap();
            assert_eq!(to.0, bytes);
            let mut from = Reader(&bytes);
            assert_eq!((from.number().unwrap(), from.signed().unwrap()), (number, number.cast_signed()));
        }
        let at = Timestamp::from_millis(1_795_518_000_123);
        let (customer, application, helpline) = (CustomerNo(1), ApplicationNo(300), HelplineNo(70_000));
        let (action, session) = (Action::Click(ContactMethod::Sms), SessionKey([200; 16]));
        let event = Event { at, customer, application, helpline, action, session };
        let key = IntakeKey { quarter: at, customer, application, code: "helpline_unknown".into() };
        let serde = (
            vec![(at.millis(), 1_u32, 300_u32, 70_000_u32, 2_u8, [200_u8; 16])],
            vec![(at.millis(), 1_u32, 300_u32, "helpline_unknown", -3_i64)],
        );
        let with_form = |bytes: Vec<u8>| [vec![FORM], bytes].concat();
        let packed = with_form(postcard::to_allocvec(&serde).unwrap());
        assert_eq!(pack(&Pack { events: vec![event], refused: vec![(key, -3)] }), packed);
        let serde = (at.millis(), vec![(0_u64, 300_u32, 70_000_u32, 2_u8, [200_u8; 16], 9_i64)]);
        let packed = with_form(postcard::to_allocvec(&serde).unwrap());
        assert_eq!(pack_block(&[Stored { event, place: 9 }]).unwrap(), packed);
        let serde = vec![([200_u8; 16], 300_u32, vec![(0_i64, 70_000_u32, 2_u8)])];
        let packed = with_form(postcard::to_allocvec(&serde).unwrap());
        let of_session = (Session { key: session, application }, smallvec::smallvec![Entry { helpline, action, at }]);
        assert_eq!(pack_part(at, &[of_session]), packed);
    }

    #[test]
    fn numbers_that_do_not_fit_are_errors() {
        let tenth = |last: u8| [vec![0xff; 9], vec![last]].concat();
        for (bytes, fits) in [(tenth(1), true), (tenth(2), false), (tenth(0x81), false), (vec![0x80], false)] {
            assert_eq!(Reader(&bytes).number().is_some(), fits, "{bytes:?}");
        }
        let long = [0xff, 0xff, 0xff, 0xff, 0x1f];
        assert!(Reader(&long).small().is_none());
    }
}
