//! From the bytes of a batch to its events, borrowed from them.

use super::{BATCH_EVENTS_MAX, Item};
use crate::ingest::{EventError, EventFault};
use domain::event::Element;
use domain::fault::{FaultCode, Faults};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Room for this many events is made at once, in bytes of body for each: shorter ones hardly occur.
const EVENT_BYTES_MIN: usize = 100;

/// Reads an array of events, or an object whose member `events` is one.
pub fn json(body: &[u8]) -> Result<Vec<Item<'_>>, EventError> {
    let text = std::str::from_utf8(body).map_err(|_| EventFault::Malformed)?;
    if let Ok(found) = serde_json::from_str::<Body<Element<'_>>>(text) {
        return Ok(found.elements()?.into_iter().map(item).collect());
    }
    // Either the body is no JSON, or one of its events cannot be read though it is: a member twice, half a surrogate
    // pair. Then each is read alone.
    let found: Body<&RawValue> = serde_json::from_str(text).map_err(|_| EventFault::Malformed)?;
    Ok(found.elements()?.into_iter().map(|raw| parse(raw.get())).collect())
}

/// Reads a JSON object of each line. Lines of nothing but white space do not count.
pub fn lines(body: &[u8]) -> Result<Vec<Item<'_>>, EventError> {
    let lines = || body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let mut items = Vec::with_capacity((body.len() / EVENT_BYTES_MIN).min(BATCH_EVENTS_MAX));
    for line in lines() {
        if items.len() == BATCH_EVENTS_MAX {
            return Err(EventError::TooMany { events_max: BATCH_EVENTS_MAX });
        }
        items.push(std::str::from_utf8(line).ok().and_then(parse));
    }
    Ok(items)
}

fn parse(text: &str) -> Item<'_> {
    serde_json::from_str(text).ok().and_then(item)
}

fn item(element: Element<'_>) -> Item<'_> {
    match element {
        Element::Event(submitted) => Some(submitted),
        Element::Other => None,
    }
}

/// The body of a batch: an array, or an object with one.
struct Body<T>(Events<T>);

/// A value that should be an array of events.
enum Events<T> {
    Missing,
    /// At most [`BATCH_EVENTS_MAX`] of them, and how many there are.
    Array(Vec<T>, usize),
    OtherType,
}

impl<T> Body<T> {
    fn elements(self) -> Result<Vec<T>, EventError> {
        match self.0 {
            Events::Array(_, count) if count > BATCH_EVENTS_MAX => {
                Err(EventError::TooMany { events_max: BATCH_EVENTS_MAX })
            }
            Events::Array(elements, _) => Ok(elements),
            Events::Missing => Err(fault(FaultCode::FieldMissing, "This member is required: an array of events.")),
            Events::OtherType => Err(fault(FaultCode::FieldInvalid, "Must be an array of events.")),
        }
    }
}

fn fault(code: FaultCode, detail: &str) -> EventError {
    EventFault::Invalid(Faults::one("events", code, detail)).into()
}

fn collect<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut seq: A) -> Result<Events<T>, A::Error> {
    let mut elements = Vec::new();
    while elements.len() < BATCH_EVENTS_MAX {
        let Some(element) = seq.next_element()? else {
            let count = elements.len();
            return Ok(Events::Array(elements, count));
        };
        elements.push(element);
    }
    // The rest is read for its form alone.
    let mut count = elements.len();
    while seq.next_element::<IgnoredAny>()?.is_some() {
        count += 1;
    }
    Ok(Events::Array(elements, count))
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Body<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BodyVisitor(PhantomData))
    }
}

struct BodyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for BodyVisitor<T> {
    type Value = Body<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events, or an object with one")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Body<T>, A::Error> {
        collect(seq).map(Body)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<T>, A::Error> {
        let mut events = None;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name != "events" {
                map.next_value::<IgnoredAny>()?;
            } else if events.replace(map.next_value::<Events<T>>()?).is_some() {
                return Err(serde::de::Error::duplicate_field("events"));
            }
        }
        Ok(Body(events.unwrap_or(Events::Missing)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Events<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EventsVisitor(PhantomData))
    }
}

struct EventsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EventsVisitor<T> {
    type Value = Events<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Events<T>, A::Error> {
        collect(seq)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Events<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Events::OtherType)
    }
    fn visit_unit<E>(self) -> Result<Events<T>, E> {
        Ok(Events::Missing)
    }
    fn visit_str<E>(self, _: &str) -> Result<Events<T>, E> {
        Ok(Events::OtherType)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Events<T>, E> {
        Ok(Events::OtherType)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Events<T>, E> {
        Ok(Events::OtherType)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Events<T>, E> {
        Ok(Events::OtherType)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Events<T>, E> {
        Ok(Events::OtherType)
    }
}
