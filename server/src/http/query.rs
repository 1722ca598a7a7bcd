//! Query strings, read strictly: what is not well-formed is refused, and all faults come at once.

use domain::account::{Role, Tier};
use domain::event::ContactMethod;
use domain::export::{Format, Kind};
use domain::history::FileForm;
use domain::period::{Breakdown, Interval};
use domain::{FaultCode, Faults};
use std::borrow::Cow;
use std::str::FromStr;

/// Longest value of a parameter, in bytes. No valid one comes near.
pub const VALUE_BYTES_MAX: usize = 2_048;

/// The parameters of a call, and the faults found in them so far.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    pub faults: Faults,
}

/// Something that has a fixed set of names.
pub trait Named: Copy + 'static {
    /// The value of a name.
    fn named(name: &str) -> Option<Self>;
    /// The names, for the sentence that says which there are.
    fn names() -> Vec<&'static str>;
    /// The code of a fault in it.
    const FAULT: FaultCode = FaultCode::FieldInvalid;
}

macro_rules! named {
    ($($name:ident),*) => {$(
        impl Named for $name {
            fn named(name: &str) -> Option<Self> {
                Self::from_name(name)
            }
            fn names() -> Vec<&'static str> {
                Self::ALL.iter().map(|value| value.as_str()).collect()
            }
        }
    )*};
}
named!(Tier, Interval, Breakdown, Role, Kind, Format, FileForm);

impl Named for ContactMethod {
    fn named(name: &str) -> Option<Self> {
        Self::from_name(name)
    }
    fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|value| value.as_str()).collect()
    }
    const FAULT: FaultCode = FaultCode::ContactMethodInvalid;
}

impl Query {
    /// Reads a query string. Parameters that nobody asks for are ignored, but must be well-formed.
    #[must_use]
    pub fn parse(raw: Option<&str>) -> Self {
        let mut query = Self { pairs: Vec::new(), faults: Faults::default() };
        for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = decode(name) else {
                query.faults.add("query", FaultCode::FieldInvalid, "Must be percent-encoded UTF-8 without NUL.");
                continue;
            };
            match decode(value) {
                None => query.faults.add(
                    shown(&name),
                    FaultCode::FieldInvalid,
                    "Must be percent-encoded UTF-8 without NUL.",
                ),
                Some(value) if value.len() > VALUE_BYTES_MAX => {
                    let detail = format!("At most {VALUE_BYTES_MAX} bytes.");
                    query.faults.add(shown(&name), FaultCode::FieldTooLong, detail);
                }
                Some(value) => query.pairs.push((name, value)),
            }
        }
        query
    }

    /// The same with empty values left out: forms send every field, filled in or not.
    #[must_use]
    pub fn parse_form(raw: Option<&str>) -> Self {
        let mut query = Self::parse(raw);
        query.pairs.retain(|(_, value)| !value.is_empty());
        query
    }

    /// A parameter as it was given.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let mut values = self.pairs.iter().filter(|(given, _)| given == name).map(|(_, value)| value);
        let first = values.next().cloned();
        if values.next().is_some() {
            self.faults.add(name, FaultCode::FieldInvalid, "Given more than once.");
            return None;
        }
        first
    }

    /// Whether a parameter was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(given, _)| given == name)
    }

    /// A parameter of 1 to `chars_max` characters.
    pub fn short_text(&mut self, name: &str, chars_max: usize) -> Option<String> {
        let text = self.text(name)?;
        if text.trim().is_empty() {
            self.faults.add(name, FaultCode::FieldInvalid, "Must not be empty.");
            return None;
        }
        if text.chars().count() > chars_max {
            self.faults.add(name, FaultCode::FieldTooLong, format!("At most {chars_max} characters."));
            return None;
        }
        Some(text)
    }

    /// A parameter that a type reads; `detail` says what it must be.
    pub fn parsed<T: FromStr>(&mut self, name: &str, code: FaultCode, detail: &str) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.faults.add(name, code, detail);
        }
        parsed
    }

    /// A parameter with a fixed set of values.
    pub fn named<T: Named>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        let value = T::named(&text);
        if value.is_none() {
            self.faults.add(name, T::FAULT, format!("Must be one of {}.", T::names().join(", ")));
        }
        value
    }

    /// A flag: `true` or `false`, absent is false.
    pub fn flag(&mut self, name: &str) -> bool {
        match self.text(name).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                self.faults.add(name, FaultCode::FieldInvalid, "Must be true or false.");
                false
            }
        }
    }

    /// A whole number from 1 to `max`.
    pub fn limit(&mut self, name: &str, default: usize, max: usize) -> usize {
        let Some(text) = self.text(name) else { return default };
        let is_number = !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<usize>() {
            Ok(number) if is_number && (1..=max).contains(&number) => number,
            _ => {
                self.faults.add(name, FaultCode::FieldInvalid, format!("Must be a whole number from 1 to {max}."));
                default
            }
        }
    }

    /// A whole number from 0 to `max`.
    pub fn whole(&mut self, name: &str, max: u64) -> Option<u64> {
        let text = self.text(name)?;
        let is_number = !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
        let number = if is_number { text.parse().ok().filter(|number| *number <= max) } else { None };
        if number.is_none() {
            self.faults.add(name, FaultCode::FieldInvalid, format!("Must be a whole number from 0 to {max}."));
        }
        number
    }

    /// Notes that a parameter is missing, if it is and no fault of it was noted.
    pub fn require<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.faults.0.iter().any(|fault| fault.field == name) {
            self.faults.add(name, FaultCode::FieldMissing, "This parameter is required.");
        }
        value
    }
}

/// Decodes `application/x-www-form-urlencoded`; `None` for half a percent escape, other than UTF-8, or NUL.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let whole = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if bytes.iter().enumerate().any(|(at, b)| *b == b'%' && !whole(at)) {
        return None;
    }
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().ok()?;
    (!decoded.contains('\0')).then(|| decoded.into_owned())
}

/// The name of a parameter in a fault: names that we do not know are not echoed at length.
fn shown(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect()
}

/// Decodes a value of `application/x-www-form-urlencoded`, as [`Query`] does.
#[must_use]
pub fn decode_form_value(text: &str) -> Option<String> {
    decode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(query: &Query) -> Vec<(&str, FaultCode)> {
        query.faults.0.iter().map(|fault| (fault.field.as_str(), fault.code)).collect()
    }

    #[test]
    fn well_formed_values_are_decoded() {
        let mut query = Query::parse(Some("topic=self+harm%20%C3%A9&tier=sandbox&x&limit=7&priority_only=true"));
        assert_eq!(query.text("topic").as_deref(), Some("self harm é"));
        assert_eq!(query.named::<Tier>("tier"), Some(Tier::Sandbox));
        assert_eq!(query.limit("limit", 20, 100), 7);
        assert!(query.flag("priority_only"));
        assert_eq!(faults(&query), []);
    }

    #[test]
    fn everything_else_is_a_fault_of_its_parameter() {
        use FaultCode::*;
        let mut query = Query::parse(Some("a=%ff&b=%zz&c=%0&d=%00&%ff=1&tier=x&limit=0&priority_only=1&e=1&e=2&f="));
        let _ = query.named::<Tier>("tier");
        let _ = query.named::<ContactMethod>("f");
        let _ = (query.limit("limit", 1, 2), query.flag("priority_only"), query.text("e"));
        let expected = [
            ("a", FieldInvalid),
            ("b", FieldInvalid),
            ("c", FieldInvalid),
            ("d", FieldInvalid),
            ("query", FieldInvalid),
            ("tier", FieldInvalid),
            ("f", ContactMethodInvalid),
            ("limit", FieldInvalid),
            ("priority_only", FieldInvalid),
            ("e", FieldInvalid),
        ];
        assert_eq!(faults(&query), expected);
    }

    #[test]
    fn numbers_are_plain() {
        for wrong in ["", "0", "101", "-1", "+1", "1.0", "1e1", "٣", "99999999999999999999999"] {
            let mut query = Query { pairs: vec![("limit".to_owned(), wrong.to_owned())], faults: Faults::default() };
            query.limit("limit", 20, 100);
            assert_eq!(faults(&query), [("limit", FaultCode::FieldInvalid)], "{wrong}");
        }
        for (text, expected) in
            [("0", Some(0)), ("100", Some(100)), ("101", None), ("-0", None), ("", None), ("1e1", None)]
        {
            let mut query = Query { pairs: vec![("as_of".to_owned(), text.to_owned())], faults: Faults::default() };
            assert_eq!((query.whole("as_of", 100), query.faults.0.len()), (expected, usize::from(expected.is_none())));
        }
    }
}
