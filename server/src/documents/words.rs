//! Numbers, amounts and dates for people. All in English, as the product is.

use domain::Timestamp;
use domain::billing::Money;
use domain::report::form::period_code;
use domain::text::grouped;
use domain::zone::{Day, Month, Zone};

/// A count.
#[must_use]
pub fn count(number: impl Into<i128>) -> String {
    let number: i128 = number.into();
    grouped(&number.to_string())
}

/// An amount without its currency, with the decimals of the minor unit: `1,234.50`.
#[must_use]
pub fn amount(money: Money) -> String {
    grouped(&money.to_string())
}

/// An amount with its currency: `EUR 1,234.50`.
#[must_use]
pub fn money(money: Money) -> String {
    format!("{}\u{a0}{}", money.currency, amount(money))
}

/// A unit price with the decimals that it has, but no fewer than the currency's minor unit: `0.0375`, `2.00`.
#[must_use]
pub fn price(decimal: &str, decimals_min: u32) -> String {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let fraction = fraction.trim_end_matches('0');
    let width = usize::try_from(decimals_min).unwrap_or(0).max(fraction.len());
    let point = if width == 0 { "" } else { "." };
    grouped(&format!("{whole}{point}{fraction:0<width$}"))
}

/// A month in words: `November 2025`.
#[must_use]
pub fn month(month: Month) -> String {
    month.first_day().date().format("%B %Y").to_string()
}

/// A date in words: `6 December 2025`.
#[must_use]
pub fn day(day: Day) -> String {
    day.date().format("%-d %B %Y").to_string()
}

/// Months in words: `2025`, `November 2025` or `October 2025 to November 2025`, both inclusive.
#[must_use]
pub fn months(first: Month, last: Month) -> String {
    let code = period_code(first, last);
    match (first == last, code.contains('/')) {
        (true, _) => month(first),
        (false, true) => format!("{} to {}", month(first), month(last)),
        (false, false) => code,
    }
}

/// A moment on the wall clock of a zone: `6 December 2025, 09:14`.
#[must_use]
pub fn instant(at: Timestamp, zone: Zone) -> String {
    zone.local(at).format("%-d %B %Y, %H:%M").to_string()
}

/// A rate from 0 to 1 in per cent, half of a tenth rounded up as the dashboard does: `12.5 %`.
#[must_use]
pub fn percent(rate: f64) -> String {
    format!("{:.1}\u{a0}%", (rate * 1_000.0).round() / 10.0)
}

/// At most so many characters; what is longer ends in `…`. What the product lets in is never cut.
#[must_use]
pub fn clipped(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text that can be drawn on one line: control characters and the like are spaces, and what has no look is left out.
/// The joiners stay, as Persian words need them. Letters that somebody made up for themselves mean nothing to others.
#[must_use]
pub fn plain(text: &str) -> String {
    let invisible = |c: char| {
        matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
            || (u32::from(c) & 0xfffe) == 0xfffe
    };
    let blank = |c: char| c.is_control() || (c.is_whitespace() && c != '\u{a0}');
    let private = |c: char| matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    let seen = |c: char| match c {
        c if blank(c) => ' ',
        c if private(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().filter(|c| !invisible(*c)).map(seen).collect()
}
