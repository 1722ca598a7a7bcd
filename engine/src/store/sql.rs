//! Statements and the values that are bound to them.

use std::borrow::Cow;
use std::fmt::Write;
use uuid::Uuid;

/// A value to bind. Nulls carry their type, as Postgres asks for it.
#[derive(Debug, Clone)]
pub enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Uuid(Option<Uuid>),
}

macro_rules! into_value {
    ($($from:ty => $variant:ident($map:expr)),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(Some($map(value)))
            }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map($map))
            }
        }
    )*};
}
into_value! {
    i64 => Int(|v| v),
    i32 => Int(i64::from),
    u32 => Int(i64::from),
    u8 => Int(i64::from),
    domain::Timestamp => Int(domain::Timestamp::millis),
    domain::ids::CustomerNo => Int(i64::from),
    domain::ids::ApplicationNo => Int(i64::from),
    domain::ids::HelplineNo => Int(i64::from),
    domain::zone::Month => Int(|month: domain::zone::Month| i64::from(month.0)),
    String => Text(|v| v),
    &str => Text(str::to_owned),
    Vec<u8> => Bytes(|v| v),
    &[u8] => Bytes(<[u8]>::to_vec),
    Uuid => Uuid(|v| v),
    domain::CustomerId => Uuid(domain::CustomerId::uuid),
    domain::ApplicationId => Uuid(domain::ApplicationId::uuid),
    domain::SecretId => Uuid(domain::SecretId::uuid),
    domain::UserId => Uuid(domain::UserId::uuid),
    domain::ids::RateCardId => Uuid(domain::ids::RateCardId::uuid),
    domain::event::SessionKey => Uuid(|key: domain::event::SessionKey| Uuid::from_bytes(key.0)),
}

/// A statement with its values.
#[derive(Debug, Clone)]
pub struct Sql {
    pub(super) text: Cow<'static, str>,
    pub(super) values: Vec<Value>,
}

impl Sql {
    /// A statement. Texts that are put together must be made of constants and placeholders only, never of input.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// Makes room for so many values, where there are thousands.
    pub fn room(mut self, values: usize) -> Self {
        self.values.reserve(values);
        self
    }

    /// Binds the next placeholder.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds the next placeholders.
    pub fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }
}

/// Cuts rows into chunks of a few fixed sizes, so that there are few statements to prepare.
pub fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    const SIZES: [usize; 6] = [512, 128, 32, 8, 2, 1];
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (chunk, rest) = rows.split_at(size);
        rows = rest;
        Some(chunk)
    })
}

/// `(a, b), (c, d)` for rows of values, as `cell` writes each by its place, counted from 1.
pub(super) fn placeholders(rows: usize, width: usize, cell: impl Fn(&mut String, usize)) -> String {
    // Of a thousand rows this is a long text.
    let mut text = String::with_capacity(rows * width * "$1234, ".len());
    for at in 0..rows * width {
        text.push_str(match at {
            0 => "(",
            _ if at.is_multiple_of(width) => "), (",
            _ => ", ",
        });
        cell(&mut text, at + 1);
    }
    text.push(')');
    text
}

/// Writes the placeholder of a statement's value, counted from 1, in the order of the values.
///
/// On SQLite `?`: it looks numbered ones up by name in a list, so that thousands cost their square.
pub(super) fn placeholder(text: &mut String, at: usize, is_sqlite: bool) {
    if is_sqlite {
        text.push('?');
    } else {
        // Writing to a String cannot fail.
        let _ = write!(text, "${at}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_in_few_sizes_and_lose_nothing() {
        let rows: Vec<usize> = (0..1_187).collect();
        let sizes: Vec<usize> = chunks(&rows).map(<[usize]>::len).collect();
        assert_eq!(sizes, [512, 512, 128, 32, 2, 1]);
        assert_eq!(chunks(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        assert_eq!(chunks::<u8>(&[]).count(), 0);
    }

    #[test]
    fn placeholders_are_those_of_the_database() {
        let of = |is_sqlite| placeholders(2, 3, |text, at| placeholder(text, at, is_sqlite));
        assert_eq!(of(true), "(?, ?, ?), (?, ?, ?)");
        assert_eq!(of(false), "($1, $2, $3), ($4, $5, $6)");
    }
}
