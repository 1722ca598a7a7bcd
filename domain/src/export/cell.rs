//! Cells: the value of a column in a row, and its text.

use crate::figures::six_decimals;
use crate::timestamp::{MINUTE_MS, SECOND_MS, Timestamp};
use crate::zone::{Day, Zone};
use chrono::{Datelike, NaiveDateTime, Timelike};
use std::borrow::Cow;
use std::fmt::Write;
use uuid::Uuid;

/// The value of a column in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// There is none.
    Empty,
    Text(&'a str),
    Id(Uuid),
    Integer(i64),
    /// A ratio, written with six decimals at most.
    Ratio(f64),
    Instant(Timestamp),
    /// The wall clock of a zone at an instant, with its offset from UTC.
    Local(Timestamp, Zone),
    Date(Day),
}

impl Cell<'_> {
    /// Adds the cell's text; of an empty one nothing.
    pub fn write(&self, to: &mut String) {
        // Writing to a String cannot fail.
        match self {
            Self::Empty => {}
            Self::Text(text) => to.push_str(text),
            Self::Id(id) => to.push_str(id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer())),
            Self::Integer(number) => _ = write!(to, "{number}"),
            Self::Ratio(ratio) => _ = write!(to, "{}", six_decimals(*ratio)),
            Self::Instant(at) => {
                write_time(to, at.utc().naive_utc(), at.millis());
                to.push('Z');
            }
            Self::Local(at, zone) => {
                let local = zone.local(*at);
                write_time(to, local, at.millis());
                write_offset(to, (local - at.utc().naive_utc()).num_minutes());
            }
            Self::Date(day) => {
                let date = day.date();
                write_date(to, date.year(), date.month(), date.day());
            }
        }
    }
}

/// `2026-11-24T09:30:00.123`. By hand, as a format that is looked through for each of a million rows takes longer than
/// all the rest of a row.
fn write_time(to: &mut String, local: NaiveDateTime, millis: i64) {
    write_date(to, local.year(), local.month(), local.day());
    for (mark, number) in [('T', local.hour()), (':', local.minute()), (':', local.second())] {
        to.push(mark);
        write_two(to, number);
    }
    let millis = millis.rem_euclid(SECOND_MS) as u32;
    to.push('.');
    to.push(digit(millis / 100));
    write_two(to, millis % 100);
}

fn write_date(to: &mut String, year: i32, month: u32, day: u32) {
    // Years outside are in no accepted event and no period, but must not panic.
    let year = year.clamp(0, 9_999).unsigned_abs();
    write_two(to, year / 100);
    write_two(to, year % 100);
    for number in [month, day] {
        to.push('-');
        write_two(to, number);
    }
}

fn write_offset(to: &mut String, minutes: i64) {
    let per_hour = MINUTE_MS / SECOND_MS;
    to.push(if minutes < 0 { '-' } else { '+' });
    let minutes = minutes.abs();
    write_two(to, (minutes / per_hour) as u32);
    to.push(':');
    write_two(to, (minutes % per_hour) as u32);
}

fn write_two(to: &mut String, number: u32) {
    to.push(digit(number / 10));
    to.push(digit(number));
}

fn digit(number: u32) -> char {
    char::from(b'0' + (number % 10) as u8)
}

/// Takes the sting out of a cell of CSV that a spreadsheet would run as a formula: it gets a leading apostrophe.
#[must_use]
pub fn defuse(cell: &str) -> Cow<'_, str> {
    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if runs && cell.parse::<f64>().is_err() { format!("'{cell}").into() } else { cell.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(cell: Cell<'_>) -> String {
        let mut text = String::new();
        cell.write(&mut text);
        text
    }

    #[test]
    fn formulas_are_defused_and_numbers_are_not() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("+cmd", "'+cmd"),
            ("-x", "'-x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("-5", "-5"),
            ("", ""),
            ("Line, \"A\"", "Line, \"A\""),
        ] {
            assert_eq!(defuse(cell), expected);
        }
    }

    #[test]
    fn cells_have_one_form() {
        let at = Timestamp::parse_rfc3339("2026-11-24T23:30:00.007Z").unwrap();
        let zone = |name: &str| name.parse::<Zone>().unwrap();
        for (cell, expected) in [
            (Cell::Empty, ""),
            (Cell::Text("a,b"), "a,b"),
            (Cell::Id(Uuid::from_u128(1)), "00000000-0000-0000-0000-000000000001"),
            (Cell::Integer(-5), "-5"),
            (Cell::Ratio(1.0 / 3.0), "0.333333"),
            (Cell::Instant(at), "2026-11-24T23:30:00.007Z"),
            (Cell::Local(at, Zone::UTC), "2026-11-24T23:30:00.007+00:00"),
            (Cell::Local(at, zone("Asia/Kathmandu")), "2026-11-25T05:15:00.007+05:45"),
            (Cell::Local(at, zone("America/St_Johns")), "2026-11-24T20:00:00.007-03:30"),
            (Cell::Date("2026-11-24".parse().unwrap()), "2026-11-24"),
        ] {
            assert_eq!(text(cell), expected);
        }
    }

    proptest! {
        #[test]
        fn instants_are_written_as_everywhere(millis in -60_000_000_000_000_i64..200_000_000_000_000) {
            let at = Timestamp::from_millis(millis);
            prop_assert_eq!(text(Cell::Instant(at)), at.to_string());
            let zone: Zone = "America/Havana".parse().unwrap();
            // Before there were zones offsets had seconds.
            prop_assume!(millis > 0);
            prop_assert_eq!(Timestamp::parse_rfc3339(&text(Cell::Local(at, zone))), Ok(at));
        }
    }
}
