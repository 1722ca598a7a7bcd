//! The members of an event as they were sent, borrowed from the body.

use super::Kind;
use crate::history::Cell;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// What an event says before anything of it is checked: unknown members are ignored and never kept.
#[derive(Default, Deserialize)]
pub struct Submitted<'a> {
    /// Only looked at where the kind is not known otherwise: in batches.
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Member<'a>,
    #[serde(borrow, default, rename = "helpline_id")]
    pub(super) helpline: Member<'a>,
    #[serde(borrow, default, rename = "session_id")]
    pub(super) session: Member<'a>,
    #[serde(borrow, default)]
    pub(super) timestamp: Member<'a>,
    #[serde(borrow, default)]
    pub(super) contact_method: Member<'a>,
}

impl<'a> Submitted<'a> {
    /// An event of a file: type, helpline, session, time and way of contact.
    #[must_use]
    pub fn of_cells([kind, helpline, session, timestamp, contact_method]: [Cell<'a>; 5]) -> Self {
        Self {
            kind: kind.into(),
            helpline: helpline.into(),
            session: session.into(),
            timestamp: timestamp.into(),
            contact_method: contact_method.into(),
        }
    }
}

impl Submitted<'_> {
    /// The kind that the member `type` names, if it does.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.kind.text().and_then(Kind::from_name)
    }
}

/// A JSON value that should be an event.
pub enum Element<'a> {
    /// An object.
    Event(Submitted<'a>),
    /// A value of another type.
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor)
    }
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element<'de>, A::Error> {
        Submitted::deserialize(MapAccessDeserializer::new(map)).map(Element::Event)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Element<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Element::Other)
    }
    fn visit_str<E>(self, _: &str) -> Result<Element<'de>, E> {
        Ok(Element::Other)
    }
    fn visit_unit<E>(self) -> Result<Element<'de>, E> {
        Ok(Element::Other)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Element<'de>, E> {
        Ok(Element::Other)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Element<'de>, E> {
        Ok(Element::Other)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Element<'de>, E> {
        Ok(Element::Other)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Element<'de>, E> {
        Ok(Element::Other)
    }
}

/// A member of the body: text, missing (or null), or of another type.
#[derive(Default)]
pub(super) enum Member<'a> {
    #[default]
    Missing,
    Text(Cow<'a, str>),
    OtherType,
}

impl<'a> Member<'a> {
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

impl<'a> From<Cell<'a>> for Member<'a> {
    fn from(cell: Cell<'a>) -> Self {
        match cell {
            Cell::Missing => Self::Missing,
            Cell::Text(text) => Self::Text(text),
            Cell::Number(_) | Cell::Other => Self::OtherType,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_unit<E>(self) -> Result<Member<'de>, E> {
        Ok(Member::Missing)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Member<'de>, E> {
        Ok(Member::OtherType)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Member<'de>, E> {
        Ok(Member::OtherType)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Member<'de>, E> {
        Ok(Member::OtherType)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Member<'de>, E> {
        Ok(Member::OtherType)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Member<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::OtherType)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::OtherType)
    }
}
