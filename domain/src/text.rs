//! Checks of texts that people enter.

use crate::fault::{FaultCode, Faults};

/// Longest name of a customer, application, user or helpline, in characters.
pub const NAME_CHARS_MAX: usize = 120;
/// Longest free text, in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// Longest URL, in characters.
pub const URL_CHARS_MAX: usize = 500;

/// A decimal number as programs print it (`-1234.50`), as people read it: with commas between its thousands and a true
/// minus: `−1,234.50`.
#[must_use]
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or((None, number), |digits| (Some('−'), digits));
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut text = String::from_iter(sign);
    for (i, digit) in digits.char_indices() {
        if i > 0 && i < whole && (whole - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A name: trimmed, not empty, one line, at most [`NAME_CHARS_MAX`] characters.
pub fn name(field: &str, text: &str, faults: &mut Faults) -> String {
    short(field, text, NAME_CHARS_MAX, faults)
}

/// The same, of at most `chars_max` characters.
pub fn short(field: &str, text: &str, chars_max: usize, faults: &mut Faults) -> String {
    let text = text.trim();
    if text.is_empty() {
        faults.add(field, FaultCode::FieldMissing, "Enter a name.");
    } else if text.chars().count() > chars_max {
        faults.add(field, FaultCode::FieldTooLong, format!("At most {chars_max} characters."));
    } else if text.chars().any(char::is_control) {
        faults.add(field, FaultCode::FieldInvalid, "Control characters are not allowed.");
    }
    text.to_owned()
}

/// An optional text of at most `chars_max` characters; empty becomes `None`.
pub fn optional(field: &str, text: Option<&str>, chars_max: usize, faults: &mut Faults) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    if text.chars().count() > chars_max {
        faults.add(field, FaultCode::FieldTooLong, format!("At most {chars_max} characters."));
    } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r') {
        faults.add(field, FaultCode::FieldInvalid, "Control characters are not allowed.");
    }
    Some(text.to_owned())
}

/// An optional `http` or `https` URL.
pub fn optional_url(field: &str, text: Option<&str>, faults: &mut Faults) -> Option<String> {
    let url = optional(field, text, URL_CHARS_MAX, faults)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |rest: &str| !rest.is_empty() && !rest.starts_with('/') && !rest.contains([' ', '"', '<', '>', '\\']);
    if !rest.is_some_and(plain) {
        faults.add(field, FaultCode::FieldInvalid, "Must be a web address that begins with https:// or http://.");
    }
    Some(url)
}

/// An e-mail address, in lower case: something, an `@`, a host.
pub fn email(field: &str, text: &str, faults: &mut Faults) -> String {
    let text = text.trim().to_lowercase();
    let shaped = text.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    });
    if text.is_empty() {
        faults.add(field, FaultCode::FieldMissing, "Enter an e-mail address.");
    } else if text.len() > 254 {
        faults.add(field, FaultCode::FieldTooLong, "At most 254 characters.");
    } else if !shaped || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        faults.add(field, FaultCode::FieldInvalid, "This is not an e-mail address.");
    }
    text
}
