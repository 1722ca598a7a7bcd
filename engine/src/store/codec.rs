//! How lists of events and session states are packed into one column.
//!
//! A first byte names the form, so that a later one can be told from it.

use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::event::{Action, Event, SessionKey};
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::metering::month::{Methods, Pair};
use domain::metering::{Entry, MonthState};
use domain::timestamp::DAY_MS;
use serde::Serialize;
use serde::de::DeserializeOwned;

const FORM: u8 = 1;

fn pack<T: Serialize>(items: &T) -> Result<Vec<u8>, Error> {
    postcard::to_extend(items, vec![FORM]).map_err(|error| Error::Internal(format!("packing: {error}")))
}

fn unpack<T: DeserializeOwned>(packed: &[u8], what: &str) -> Result<T, Error> {
    match packed.split_first() {
        Some((&FORM, rest)) => postcard::from_bytes(rest).map_err(|_| corrupt(what)),
        _ => Err(corrupt(what)),
    }
}

/// (at, customer, application, helpline, action, session)
type PackedEvent = (i64, u32, u32, u32, u8, [u8; 16]);

/// Packs events for the queue.
pub fn pack_events(events: &[Event]) -> Result<Vec<u8>, Error> {
    let packed = |event: &Event| -> PackedEvent {
        let Event { at, customer, application, helpline, action, session } = *event;
        (at.millis(), customer.0, application.0, helpline.0, action.code(), session.0)
    };
    pack(&events.iter().map(packed).collect::<Vec<_>>())
}

/// The inverse of [`pack_events`].
pub fn unpack_events(packed: &[u8]) -> Result<Vec<Event>, Error> {
    let events: Vec<PackedEvent> = unpack(packed, "queue of events")?;
    let event = |(at, customer, application, helpline, action, session): PackedEvent| {
        Ok(Event {
            at: Timestamp::from_millis(at),
            customer: CustomerNo(customer),
            application: ApplicationNo(application),
            helpline: HelplineNo(helpline),
            action: Action::from_code(action).ok_or_else(|| corrupt("action"))?,
            session: SessionKey(session),
        })
    };
    events.into_iter().map(event).collect()
}

/// (milliseconds of the day, helpline, action, place)
type PackedEntry = (u32, u32, u8, u64);

/// Packs a session's events of one UTC day.
pub fn pack_day(day: i32, entries: &[Entry]) -> Result<Vec<u8>, Error> {
    let packed = |entry: &Entry| -> Result<PackedEntry, Error> {
        let of_day = u32::try_from(entry.at.millis() - i64::from(day) * DAY_MS);
        let of_day = of_day.map_err(|_| Error::Internal("an event was put into the wrong day".into()))?;
        Ok((of_day, entry.helpline.0, entry.action.code(), entry.place))
    };
    pack(&entries.iter().map(packed).collect::<Result<Vec<_>, _>>()?)
}

/// The inverse of [`pack_day`].
pub fn unpack_day(day: i32, packed: &[u8]) -> Result<Vec<Entry>, Error> {
    let entries: Vec<PackedEntry> = unpack(packed, "day of a session")?;
    let entry = |(of_day, helpline, action, place): PackedEntry| {
        Ok(Entry {
            helpline: HelplineNo(helpline),
            action: Action::from_code(action).ok_or_else(|| corrupt("action"))?,
            at: Timestamp::from_millis(i64::from(day) * DAY_MS + i64::from(of_day)),
            place,
        })
    };
    entries.into_iter().map(entry).collect()
}

/// Packs a session's month: (helpline, first display, converting methods).
pub fn pack_month(state: &MonthState) -> Result<Vec<u8>, Error> {
    let packed = |(helpline, pair): (&HelplineNo, &Pair)| (helpline.0, pair.first.millis(), pair.converted.0);
    pack(&state.pairs.iter().map(packed).collect::<Vec<(u32, i64, u8)>>())
}

/// The inverse of [`pack_month`].
pub fn unpack_month(packed: &[u8]) -> Result<MonthState, Error> {
    let pairs: Vec<(u32, i64, u8)> = unpack(packed, "month of a session")?;
    let pair = |(helpline, first, converted)| {
        (HelplineNo(helpline), Pair { first: Timestamp::from_millis(first), converted: Methods(converted) })
    };
    Ok(MonthState { pairs: pairs.into_iter().map(pair).collect() })
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
        assert_eq!(unpack_events(&pack_events(&[event]).unwrap()).unwrap(), [event]);
        let entry = Entry { helpline: HelplineNo(3), action: Action::Display, at: event.at, place: 1 << 40 };
        assert_eq!(unpack_day(-1, &pack_day(-1, &[entry]).unwrap()).unwrap(), [entry]);
        assert!(pack_day(0, &[entry]).is_err());
        let pair = Pair { first: event.at, converted: Methods::default().with(ContactMethod::Sms) };
        let state = MonthState { pairs: [(HelplineNo(3), pair)].into() };
        assert_eq!(unpack_month(&pack_month(&state).unwrap()).unwrap(), state);
    }

    #[test]
    fn rubbish_is_an_error() {
        assert!(unpack_events(&[]).is_err() && unpack_events(&[2, 0]).is_err() && unpack_events(&[1, 9]).is_err());
    }
}
