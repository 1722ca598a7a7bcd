//! What an alert that fired says, in plain words.

use super::{AlertRule, Firing, Occurrence};
use crate::billing::Money;
use crate::text::grouped;
use crate::timestamp::{HOUR_MS, Timestamp};
use crate::zone::{Month, Zone};

/// Whose alert it is.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub customer: &'a str,
    pub alert: &'a str,
    pub rule: &'a AlertRule,
    /// The customer's.
    pub zone: Zone,
    pub now: Timestamp,
}

/// A text to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// Plain text, lines of any length.
    pub body: String,
}

impl Firing {
    /// The text.
    #[must_use]
    pub fn message(&self, about: &About<'_>) -> Message {
        let (news, more) = self.occurrence.sentences(about.zone);
        let subject = format!("[{}] {}: {news}", about.customer, about.alert);
        let (rule, now) = (about.rule.description(), instant(about.zone, about.now));
        let body =
            format!("{more}\n\nCustomer: {}\nAlert: {}\nRule: {rule}.\nAs of: {now}\n", about.customer, about.alert);
        Message { subject, body }
    }
}

/// What is sent to try an alert or an endpoint out.
#[must_use]
pub fn test_message(customer: &str, alert: Option<&str>) -> Message {
    let of = alert.map_or_else(|| "This endpoint".to_owned(), |alert| format!("The alert \"{alert}\""));
    let subject = format!("[{customer}] Test: nothing has happened");
    Message { subject, body: format!("{of} is being tried out, and can be reached. Nothing has happened.\n") }
}

impl Occurrence {
    /// What happened, short and in full.
    fn sentences(&self, zone: Zone) -> (String, String) {
        match *self {
            Self::SpendReached { month, amount: limit, spend } => {
                let (spent, limit) = (amount(spend), amount(limit));
                let short = format!("{spent} spent in {}", name(month));
                (short, format!("{} has come to {spent} so far, of the {limit} that the alert waits for.", name(month)))
            }
            Self::UsageReached { month, figure, limit, quantity } => {
                let (unit, used, limit) = (figure.label(), count(quantity), count(limit));
                let short = format!("{unit} at {used} in {}", name(month));
                (short, format!("{unit} of {} is at {used}, of the {limit} that the alert waits for.", name(month)))
            }
            Self::IncludedShareReached { month, figure, included, quantity, .. } => {
                let share = i128::from(quantity) * 100 / i128::from(included.max(1));
                let (unit, used, included) = (figure.label(), count(quantity), count(included));
                let short = format!("{share} % of the included {unit} used in {}", name(month));
                (short, format!("{unit} of {} is at {used}: {share} % of the {included} included.", name(month)))
            }
            Self::Silent { hours: limit, last_event_hour } => {
                let short = format!("silent for {}", hours(limit));
                let (from, to) = (instant(zone, last_event_hour), clock(zone, last_event_hour.plus(HOUR_MS)));
                let last = format!("The last one that was counted is from the hour of {from} to {to}.");
                (short, format!("No event was counted for at least {}. {last}", hours(limit)))
            }
            Self::RejectedShareAbove { percent, received, rejected } => {
                let share = tenths(rejected, received);
                let (all, refused) = (count(received), count(rejected));
                let full = format!("Of {all} events in the last 24 hours {refused} were rejected: {share} %.");
                (format!("{share} % of events rejected"), format!("{full} The alert waits for more than {percent} %."))
            }
        }
    }
}

/// A share in per cent with one decimal, rounded half up.
fn tenths(part: i64, whole: i64) -> String {
    let whole = i128::from(whole.max(1));
    let tenths = (i128::from(part.max(0)) * 2_000 + whole) / (whole * 2);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn name(month: Month) -> String {
    month.first_day().date().format("%B %Y").to_string()
}

fn instant(zone: Zone, at: Timestamp) -> String {
    format!("{} ({zone})", zone.local(at).format("%-d %B %Y, %H:%M"))
}

fn clock(zone: Zone, at: Timestamp) -> String {
    zone.local(at).format("%H:%M").to_string()
}

/// `3 hours`.
pub(super) fn hours(hours: u32) -> String {
    if hours == 1 { "1 hour".to_owned() } else { format!("{hours} hours") }
}

/// `EUR 1,234.50`.
pub(super) fn amount(money: Money) -> String {
    format!("{} {}", money.currency, grouped(&money.to_string()))
}

/// A count.
pub(super) fn count(number: impl Into<i128>) -> String {
    grouped(&number.into().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::BillableFigure;

    fn eur(minor: i64) -> Money {
        Money { currency: "EUR".parse().unwrap(), minor }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn texts_say_what_happened_in_plain_words() {
        let (month, figure) = (Month(682), BillableFigure::Reach);
        let last_event_hour = at("2026-11-24T08:00:00Z");
        for (occurrence, subject, sentence) in [
            (
                Occurrence::SpendReached { month, amount: eur(150_000), spend: eur(151_230) },
                "EUR 1,512.30 spent in November 2026",
                "November 2026 has come to EUR 1,512.30 so far, of the EUR 1,500.00 that the alert waits for.",
            ),
            (
                Occurrence::UsageReached { month, figure, limit: 10_000, quantity: 10_001 },
                "Reach at 10,001 in November 2026",
                "Reach of November 2026 is at 10,001, of the 10,000 that the alert waits for.",
            ),
            (
                Occurrence::IncludedShareReached { month, figure, percent: 80, included: 999, quantity: 800 },
                "80 % of the included Reach used in November 2026",
                "Reach of November 2026 is at 800: 80 % of the 999 included.",
            ),
            (
                Occurrence::Silent { hours: 3, last_event_hour },
                "silent for 3 hours",
                "The last one that was counted is from the hour of 24 November 2026, 09:00 (Europe/Paris) to 10:00.",
            ),
            (
                Occurrence::RejectedShareAbove { percent: 5, received: 3_000, rejected: 200 },
                "6.7 % of events rejected",
                "Of 3,000 events in the last 24 hours 200 were rejected: 6.7 %. The alert waits for more than 5 %.",
            ),
        ] {
            let (zone, now) = ("Europe/Paris".parse().unwrap(), at("2026-11-24T12:00:00Z"));
            let rule = AlertRule::Silent { hours: 1 };
            let about = About { customer: "Acmé", alert: "Wächter", rule: &rule, zone, now };
            let message = Firing { occasion: 0, occurrence }.message(&about);
            assert_eq!(message.subject, format!("[Acmé] Wächter: {subject}"));
            assert!(message.body.contains(sentence), "{}", message.body);
            let end = "Rule: No event for 1 hour.\nAs of: 24 November 2026, 13:00 (Europe/Paris)\n";
            assert!(message.body.ends_with(end), "{}", message.body);
        }
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let of = |code: &str, minor| amount(Money { currency: code.parse().unwrap(), minor });
        assert_eq!((of("JPY", 1_234_567), of("KWD", -12_345)), ("JPY 1,234,567".into(), "KWD −12.345".into()));
    }
}
