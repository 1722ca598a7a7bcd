//! How packs of the log, blocks of events and parts of runs are written into one column.
//!
//! A first byte names the form, so that a later one can be told from it. Times are written as distances.

use super::intake::IntakeKey;
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::event::{Action, Event, SessionKey};
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::metering::Entry;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

const FORM: u8 = 1;

fn write<T: Serialize>(items: &T, bytes: usize) -> Result<Vec<u8>, Error> {
    let mut form = Vec::with_capacity(bytes + 16);
    form.push(FORM);
    postcard::to_extend(items, form).map_err(|error| Error::Internal(format!("packing: {error}")))
}

fn read<T: DeserializeOwned>(packed: &[u8], what: &str) -> Result<T, Error> {
    match packed.split_first() {
        Some((&FORM, rest)) => postcard::from_bytes(rest).map_err(|_| corrupt(what)),
        _ => Err(corrupt(what)),
    }
}

fn action(code: u8) -> Result<Action, Error> {
    Action::from_code(code).ok_or_else(|| corrupt("action"))
}

/// What one commit of a writer holds: everything that was received, in the order in which it came.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pack {
    /// Events that passed all checks, retries among them.
    pub events: Vec<Event>,
    /// What was refused, by code.
    pub refused: Vec<(IntakeKey, i64)>,
}

/// (at, customer, application, helpline, action, session)
type PackedEvent = (i64, u32, u32, u32, u8, [u8; 16]);
/// (quarter, customer, application, code, how many)
type PackedRefusal<'a> = (i64, u32, u32, Cow<'a, str>, i64);

/// Writes a pack of the log.
pub fn pack(pack: &Pack) -> Result<Vec<u8>, Error> {
    let event = |event: &Event| -> PackedEvent {
        let Event { at, customer, application, helpline, action, session } = *event;
        (at.millis(), customer.0, application.0, helpline.0, action.code(), session.0)
    };
    let refusal = |(key, n): &(IntakeKey, i64)| -> PackedRefusal<'_> {
        (key.quarter.millis(), key.customer.0, key.application.0, Cow::Owned(key.code.to_string()), *n)
    };
    let events: Vec<PackedEvent> = pack.events.iter().map(event).collect();
    let refused: Vec<PackedRefusal<'_>> = pack.refused.iter().map(refusal).collect();
    write(&(events, refused), pack.events.len() * 30)
}

/// The inverse of [`pack`].
pub fn unpack(packed: &[u8]) -> Result<Pack, Error> {
    let (events, refused): (Vec<PackedEvent>, Vec<PackedRefusal<'static>>) = read(packed, "pack of the log")?;
    let event = |(at, customer, application, helpline, code, session): PackedEvent| {
        Ok(Event {
            at: Timestamp::from_millis(at),
            customer: CustomerNo(customer),
            application: ApplicationNo(application),
            helpline: HelplineNo(helpline),
            action: action(code)?,
            session: SessionKey(session),
        })
    };
    let refusal = |(quarter, customer, application, code, n): PackedRefusal<'static>| {
        let (customer, application) = (CustomerNo(customer), ApplicationNo(application));
        (IntakeKey { quarter: Timestamp::from_millis(quarter), customer, application, code }, n)
    };
    let events = events.into_iter().map(event).collect::<Result<_, Error>>()?;
    Ok(Pack { events, refused: refused.into_iter().map(refusal).collect() })
}

/// An accepted event with its place in its customer's log: 1, 2, 3 …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stored {
    pub event: Event,
    pub place: u64,
}

/// (milliseconds since the one before, application, helpline, action, session, places since the one before)
type PackedStored = (u64, u32, u32, u8, [u8; 16], i64);

/// Writes a block of events of one customer, sorted by time.
pub fn pack_block(events: &[Stored]) -> Result<Vec<u8>, Error> {
    let (mut at, mut place) = (events.first().map_or(0, |first| first.event.at.millis()), 0_u64);
    let start = at;
    let mut packed: Vec<PackedStored> = Vec::with_capacity(events.len());
    for Stored { event, place: of_event } in events {
        let since = u64::try_from(event.at.millis() - at);
        let since = since.map_err(|_| Error::Internal("a block's events are not sorted by time".to_owned()))?;
        let places = of_event.wrapping_sub(place).cast_signed();
        packed.push((since, event.application.0, event.helpline.0, event.action.code(), event.session.0, places));
        (at, place) = (event.at.millis(), *of_event);
    }
    write(&(start, packed), events.len() * 26)
}

/// The inverse of [`pack_block`].
pub fn unpack_block(customer: CustomerNo, packed: &[u8]) -> Result<Vec<Stored>, Error> {
    let (mut at, packed): (i64, Vec<PackedStored>) = read(packed, "block of events")?;
    let mut place = 0_u64;
    let stored = |(since, application, helpline, code, session, places): PackedStored| {
        at = at.checked_add_unsigned(since).ok_or_else(|| corrupt("time"))?;
        place = place.wrapping_add_signed(places);
        let event = Event {
            at: Timestamp::from_millis(at),
            customer,
            application: ApplicationNo(application),
            helpline: HelplineNo(helpline),
            action: action(code)?,
            session: SessionKey(session),
        };
        Ok(Stored { event, place })
    };
    packed.into_iter().map(stored).collect()
}

/// A session of an application, within a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session {
    /// First, as parts are cut by it.
    pub key: SessionKey,
    pub application: ApplicationNo,
}

/// (session, application, [(milliseconds since the start, helpline, action)])
type PackedSession = ([u8; 16], u32, Vec<(i64, u32, u8)>);

/// Writes a part of a run: sessions with their events, the times as distances from `start`.
pub fn pack_part(start: Timestamp, sessions: &[(Session, Vec<Entry>)]) -> Result<Vec<u8>, Error> {
    let entry = |entry: &Entry| (entry.at.millis() - start.millis(), entry.helpline.0, entry.action.code());
    let session = |(session, entries): &(Session, Vec<Entry>)| -> PackedSession {
        (session.key.0, session.application.0, entries.iter().map(entry).collect())
    };
    write(&sessions.iter().map(session).collect::<Vec<_>>(), sessions.len() * 32)
}

/// The inverse of [`pack_part`].
pub fn unpack_part(start: Timestamp, packed: &[u8]) -> Result<Vec<(Session, Vec<Entry>)>, Error> {
    let sessions: Vec<PackedSession> = read(packed, "part of a run")?;
    let entry = |(since, helpline, code): (i64, u32, u8)| {
        Ok(Entry { helpline: HelplineNo(helpline), action: action(code)?, at: start.plus(since) })
    };
    let session = |(key, application, entries): PackedSession| {
        let session = Session { key: SessionKey(key), application: ApplicationNo(application) };
        Ok((session, entries.into_iter().map(entry).collect::<Result<_, Error>>()?))
    };
    sessions.into_iter().map(session).collect()
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
        assert_eq!(unpack(&pack(&of_log).unwrap()).unwrap(), of_log);

        let later = Event { at: Timestamp::from_millis(5_000), ..event };
        let block = [Stored { event, place: 1 << 40 }, Stored { event: later, place: 2 }];
        assert_eq!(unpack_block(CustomerNo(1), &pack_block(&block).unwrap()).unwrap(), block);
        assert!(pack_block(&[block[1], block[0]]).is_err(), "not sorted");
        assert_eq!(unpack_block(CustomerNo(1), &pack_block(&[]).unwrap()).unwrap(), []);

        let entry = Entry { helpline: HelplineNo(3), action: Action::Display, at: event.at };
        let part = [(Session { key: event.session, application: event.application }, vec![entry, entry])];
        for start in [event.at, later.at] {
            assert_eq!(unpack_part(start, &pack_part(start, &part).unwrap()).unwrap(), part);
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
}
