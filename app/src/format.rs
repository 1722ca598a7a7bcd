//! Numbers and dates as people read them. On the server only: the browser gets texts.

use chrono::{Datelike, NaiveDateTime, Timelike};
use domain::billing::Money;
use domain::text::grouped;
use domain::zone::{Day, Month};
use domain::{Timestamp, Zone, period::Period};

/// What stands where there is no value.
pub const NONE: &str = "–";

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `1,234,567`; negative numbers with a true minus.
#[must_use]
pub fn count(n: i64) -> String {
    grouped(&n.to_string())
}

/// `+1,234`, `−5` or `±0`.
#[must_use]
pub fn signed(n: i64) -> String {
    match n {
        0 => "±0".to_owned(),
        1.. => format!("+{}", count(n)),
        _ => count(n),
    }
}

/// A ratio as a percentage with one decimal, half of one rounded up: `12.3 %`.
#[must_use]
pub fn percent(ratio: f64) -> String {
    format!("{:.1}\u{a0}%", (ratio * 1_000.0).round() / 10.0)
}

/// A ratio as a percentage, or a dash.
#[must_use]
pub fn percent_or_none(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| NONE.to_owned(), percent)
}

/// A change of a number in per cent: `+12.3 %`.
#[must_use]
pub fn signed_percent(ratio: f64) -> String {
    format!("{}\u{a0}%", signed_tenths(ratio * 100.0))
}

/// A difference of two percentages, in points: `+0.4 points`.
#[must_use]
pub fn signed_points(difference: f64) -> String {
    format!("{}\u{a0}points", signed_tenths(difference * 100.0))
}

/// `EUR 1,234.50`: the currency's code, which every country reads alike; negative amounts with a true minus.
#[must_use]
pub fn money(amount: Money) -> String {
    format!("{}\u{a0}{}", amount.currency, grouped(&amount.to_string()))
}

/// A change of an amount: `+EUR 12.00`, `−EUR 3.10` or `±EUR 0.00`.
#[must_use]
pub fn signed_money(amount: Money) -> String {
    let sign = match amount.minor {
        0 => "±",
        1.. => "+",
        _ => "−",
    };
    format!("{sign}{}\u{a0}{}", amount.currency, decimal(&amount.to_string()))
}

/// The digits of a decimal number, with commas between the thousands and without its sign: `1,234.5`.
#[must_use]
pub fn decimal(number: &str) -> String {
    grouped(number.trim_start_matches('-'))
}

fn signed_tenths(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if tenths == 0.0 {
        return "±0.0".to_owned();
    }
    let sign = if tenths < 0.0 { '−' } else { '+' };
    let (whole, tenth) = (tenths.abs().trunc() as i64, (tenths.abs() * 10.0).round() as i64 % 10);
    format!("{sign}{}.{tenth}", count(whole))
}

/// `24 Nov`
#[must_use]
pub fn day_short(day: Day) -> String {
    let date = day.date();
    format!("{} {}", date.day(), MONTHS[date.month0() as usize])
}

/// `24 Nov 2026`
#[must_use]
pub fn day(day: Day) -> String {
    format!("{} {}", day_short(day), day.date().year())
}

/// `Tue 24 Nov 2026`
#[must_use]
pub fn day_long(of: Day) -> String {
    format!("{} {}", of.date().weekday(), day(of))
}

/// `Nov 2026`
#[must_use]
pub fn month(day: Day) -> String {
    let date = day.date();
    format!("{} {}", MONTHS[date.month0() as usize], date.year())
}

/// `November 2026`
#[must_use]
pub fn month_long(month: Month) -> String {
    month.first_day().date().format("%B %Y").to_string()
}

/// `28 Oct – 24 Nov 2026`, first and last day.
#[must_use]
pub fn period(period: Period) -> String {
    let last = period.to.plus(-1);
    if period.days() == 1 {
        day(last)
    } else if period.from.date().year() == last.date().year() {
        format!("{} – {}", day_short(period.from), day(last))
    } else {
        format!("{} – {}", day(period.from), day(last))
    }
}

/// `14:05`
#[must_use]
pub fn clock(local: NaiveDateTime) -> String {
    format!("{:02}:{:02}", local.hour(), local.minute())
}

/// `24 Nov 2026, 14:05`, on the wall clock of a zone.
#[must_use]
pub fn instant(at: Timestamp, zone: Zone) -> String {
    format!("{}, {}", day(zone.day(at)), clock(zone.local(at)))
}

/// `24 Nov 2026, 14:05 (Europe/Paris)`, where nothing else says whose wall clock it is.
#[must_use]
pub fn instant_in(at: Timestamp, zone: Zone) -> String {
    format!("{} ({})", instant(at, zone), zone.name())
}

/// `10:02:13.120`
#[must_use]
pub fn clock_exact(local: NaiveDateTime) -> String {
    local.format("%H:%M:%S%.3f").to_string()
}

/// `24 Nov 2026, 10:02:13.120`, on the wall clock of a zone.
#[must_use]
pub fn instant_exact(at: Timestamp, zone: Zone) -> String {
    format!("{}, {}", day(zone.day(at)), clock_exact(zone.local(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_name_their_currency_and_have_its_decimals() {
        let amount = |code: &str, minor| Money { currency: code.parse().unwrap(), minor };
        for (code, minor, text, change) in [
            ("EUR", 123_450, "EUR\u{a0}1,234.50", "+EUR\u{a0}1,234.50"),
            ("EUR", -5, "EUR\u{a0}−0.05", "−EUR\u{a0}0.05"),
            ("JPY", -1_234_567, "JPY\u{a0}−1,234,567", "−JPY\u{a0}1,234,567"),
            ("KWD", 0, "KWD\u{a0}0.000", "±KWD\u{a0}0.000"),
        ] {
            assert_eq!(
                (money(amount(code, minor)).as_str(), signed_money(amount(code, minor)).as_str()),
                (text, change)
            );
        }
        assert_eq!((decimal("0.0375").as_str(), decimal("1234.5").as_str()), ("0.0375", "1,234.5"));
    }

    #[test]
    fn numbers_have_thousands_separators_and_true_signs() {
        for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "−1,234,567")] {
            assert_eq!(count(n), text);
        }
        assert_eq!((signed(0).as_str(), signed(1_200).as_str(), signed(-3).as_str()), ("±0", "+1,200", "−3"));
        for (ratio, text) in
            [(0.1234, "12.3"), (0.3125, "31.3"), (469.0 / 2_000.0, "23.5"), (1.0, "100.0"), (0.0, "0.0")]
        {
            assert_eq!(percent(ratio), format!("{text}\u{a0}%"));
        }
        assert_eq!(signed_percent(-0.0004), "±0.0\u{a0}%");
        assert_eq!(signed_percent(12.345), "+1,234.5\u{a0}%");
        assert_eq!(signed_points(-0.0125), "−1.3\u{a0}points");
    }

    #[test]
    fn periods_name_their_last_day() {
        let of = |from: &str, to: &str| period(Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap());
        assert_eq!(of("2026-10-28", "2026-11-25"), "28 Oct – 24 Nov 2026");
        assert_eq!(of("2025-12-30", "2026-01-02"), "30 Dec 2025 – 1 Jan 2026");
        assert_eq!(of("2026-11-24", "2026-11-25"), "24 Nov 2026");
    }
}
