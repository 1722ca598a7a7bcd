//! Whether an alert fires.

use super::AlertRule;
use crate::billing::{BillableFigure, Money};
use crate::timestamp::{DAY_MS, HOUR_MS, Timestamp};
use crate::zone::Month;
use serde::{Deserialize, Serialize};

/// What is known of a customer at an instant. All of it is of production applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observations {
    pub now: Timestamp,
    /// The running month; `None` without a rate card.
    pub month: Option<MonthSoFar>,
    /// The start of the latest hour with a counted event; `None` where there never was one.
    pub last_event_hour: Option<Timestamp>,
    pub last_day: LastDay,
}

/// What the running month has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthSoFar {
    pub month: Month,
    /// What is billed.
    pub figure: BillableFigure,
    /// Billed units.
    pub quantity: i64,
    /// Units that the rate card includes.
    pub included: u64,
    /// The statement's total.
    pub spend: Money,
}

/// What was received in the last 24 hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastDay {
    /// All events, the rejected ones among them.
    pub received: i64,
    pub rejected: i64,
}

/// How an alert fired last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fired {
    pub at: Timestamp,
    /// See [`Firing::occasion`].
    pub occasion: i64,
}

/// An alert that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// What it fires for, and fires for only once, whoever finds out: the month; the last hour before a silence; for
    /// rejected events the firing before. Of one rule, each occasion has another number.
    pub occasion: i64,
    pub occurrence: Occurrence,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Occurrence {
    SpendReached { month: Month, amount: Money, spend: Money },
    UsageReached { month: Month, figure: BillableFigure, limit: u64, quantity: i64 },
    IncludedShareReached { month: Month, figure: BillableFigure, percent: u32, included: u64, quantity: i64 },
    Silent { hours: u32, last_event_hour: Timestamp },
    RejectedShareAbove { percent: u32, received: i64, rejected: i64 },
}

/// Decides whether an alert fires now, having fired `last`.
#[must_use]
pub fn evaluate(rule: &AlertRule, seen: &Observations, last: Option<&Fired>) -> Option<Firing> {
    match *rule {
        AlertRule::SpendReaches { .. } | AlertRule::UsageReaches { .. } | AlertRule::IncludedShareReaches { .. } => {
            let month = seen.month.as_ref()?;
            let occasion = i64::from(month.month.0);
            // A month that is past, as a clock that was set back would have it, has had its turn.
            let is_new = last.is_none_or(|last| last.occasion < occasion);
            let occurrence = of_month(rule, month).filter(|_| is_new)?;
            Some(Firing { occasion, occurrence })
        }
        AlertRule::Silent { hours } => {
            let hour = seen.last_event_hour?;
            let silent_ms = seen.now.millis().saturating_sub(hour.plus(HOUR_MS).millis());
            let is_new = last.is_none_or(|last| last.occasion < hour.millis());
            let occurrence = Occurrence::Silent { hours, last_event_hour: hour };
            (is_new && silent_ms >= i64::from(hours) * HOUR_MS)
                .then_some(Firing { occasion: hour.millis(), occurrence })
        }
        AlertRule::RejectedShareAbove { percent, events_min } => {
            let LastDay { received, rejected } = seen.last_day;
            let is_new = last.is_none_or(|last| seen.now >= last.at.plus(DAY_MS));
            let are_enough = u64::try_from(received).is_ok_and(|received| received >= events_min);
            let is_above = i128::from(rejected) * 100 > i128::from(received) * i128::from(percent);
            let occurrence = Occurrence::RejectedShareAbove { percent, received, rejected };
            let occasion = last.map_or(0, |last| last.at.millis());
            (is_new && are_enough && is_above).then_some(Firing { occasion, occurrence })
        }
    }
}

fn of_month(rule: &AlertRule, seen: &MonthSoFar) -> Option<Occurrence> {
    let MonthSoFar { month, figure, quantity, included, spend } = *seen;
    match *rule {
        AlertRule::SpendReaches { amount } => (spend.currency == amount.currency && spend.minor >= amount.minor)
            .then_some(Occurrence::SpendReached { month, amount, spend }),
        AlertRule::UsageReaches { quantity: limit } => (i128::from(quantity) >= i128::from(limit))
            .then_some(Occurrence::UsageReached { month, figure, limit, quantity }),
        AlertRule::IncludedShareReaches { percent } => {
            let is_reached = i128::from(quantity) * 100 >= i128::from(included) * i128::from(percent);
            let occurrence = Occurrence::IncludedShareReached { month, figure, percent, included, quantity };
            (included > 0 && is_reached).then_some(occurrence)
        }
        AlertRule::Silent { .. } | AlertRule::RejectedShareAbove { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn eur(minor: i64) -> Money {
        Money { currency: "EUR".parse().unwrap(), minor }
    }

    fn month(quantity: i64, included: u64, minor: i64) -> MonthSoFar {
        MonthSoFar { month: Month(682), figure: BillableFigure::Reach, quantity, included, spend: eur(minor) }
    }

    fn observed(month: Option<MonthSoFar>) -> Observations {
        let now = at("2026-11-24T12:00:00Z");
        Observations { now, month, last_event_hour: None, last_day: LastDay::default() }
    }

    #[test]
    fn months_are_alerted_at_the_unit_that_reaches() {
        let jpy = Money { currency: "JPY".parse().unwrap(), minor: 1 };
        let spend = |minor| AlertRule::SpendReaches { amount: eur(minor) };
        let usage = |quantity| AlertRule::UsageReaches { quantity };
        let share = |percent| AlertRule::IncludedShareReaches { percent };
        for (rule, quantity, included, minor, fires) in [
            (spend(10_000), 0, 0, 9_999, false),
            (spend(10_000), 0, 0, 10_000, true),
            (spend(10_000), 0, 0, -1, false),
            (AlertRule::SpendReaches { amount: jpy }, 0, 0, 10_000, false),
            (usage(500), 499, 0, 0, false),
            (usage(500), 500, 0, 0, true),
            (usage(u64::MAX), i64::MAX, 0, 0, false),
            (usage(1), -1, 0, 0, false),
            (share(80), 799, 1_000, 0, false),
            (share(80), 800, 1_000, 0, true),
            // 80 % of 999 is 799.2.
            (share(80), 799, 999, 0, false),
            (share(80), 800, 999, 0, true),
            (share(1_000), 9_999, 1_000, 0, false),
            (share(1_000), 10_000, 1_000, 0, true),
            (share(1), 5, 0, 0, false),
            (share(1_000), i64::MAX, u64::MAX, 0, false),
        ] {
            let firing = evaluate(&rule, &observed(Some(month(quantity, included, minor))), None);
            assert_eq!(firing.is_some(), fires, "{rule:?} {quantity} of {included}, {minor}");
            assert!(firing.is_none_or(|firing| firing.occasion == 682));
            assert_eq!(evaluate(&rule, &observed(None), None), None);
        }
    }

    #[test]
    fn a_month_is_alerted_once() {
        let rule = AlertRule::UsageReaches { quantity: 10 };
        let seen = observed(Some(month(10, 0, 0)));
        for (occasion, fires) in [(680, true), (681, true), (682, false), (683, false)] {
            let last = Fired { at: at("2026-11-01T00:00:00Z"), occasion };
            assert_eq!(evaluate(&rule, &seen, Some(&last)).is_some(), fires, "{occasion}");
        }
    }

    #[test]
    fn a_silence_is_alerted_once_and_another_again() {
        let rule = AlertRule::Silent { hours: 3 };
        let fires = |now: &str, hour: Option<&str>, last: Option<&str>| {
            let seen = Observations { now: at(now), last_event_hour: hour.map(at), ..observed(None) };
            let last = last.map(|hour| Fired { at: at("2026-11-24T00:00:00Z"), occasion: at(hour).millis() });
            evaluate(&rule, &seen, last.as_ref()).is_some()
        };
        let hour = "2026-11-24T08:00:00Z";
        assert!(!fires("2026-11-24T11:59:59.999Z", Some(hour), None));
        assert!(fires("2026-11-24T12:00:00Z", Some(hour), None));
        assert!(!fires("2026-11-24T12:01:00Z", Some(hour), Some(hour)));
        assert!(fires("2026-11-24T12:01:00Z", Some(hour), Some("2026-11-24T07:00:00Z")));
        assert!(!fires("2026-11-24T12:01:00Z", Some(hour), Some("2026-11-24T09:00:00Z")));
        assert!(!fires("2026-11-24T07:00:00Z", Some(hour), None), "an event ahead of the clock is no silence");
        assert!(!fires("2026-11-24T12:00:00Z", None, None), "who never spoke has not gone silent");
    }

    #[test]
    fn rejections_are_alerted_above_the_share_and_with_enough_events() {
        let rule = AlertRule::RejectedShareAbove { percent: 10, events_min: 20 };
        for (received, rejected, fires) in [
            (0, 0, false),
            (19, 19, false),
            (20, 2, false),
            (20, 3, true),
            (1_000, 100, false),
            (1_000, 101, true),
            (i64::MAX, i64::MAX, true),
        ] {
            let seen = Observations { last_day: LastDay { received, rejected }, ..observed(None) };
            assert_eq!(evaluate(&rule, &seen, None).is_some(), fires, "{rejected} of {received}");
            let of = |text| Fired { at: at(text), occasion: 0 };
            assert_eq!(evaluate(&rule, &seen, Some(&of("2026-11-23T12:00:00.001Z"))), None);
            assert_eq!(evaluate(&rule, &seen, Some(&of("2026-11-23T12:00:00Z"))).is_some(), fires);
        }
    }

    fn rules() -> impl Strategy<Value = AlertRule> {
        prop_oneof![
            (1..2_000_i64).prop_map(|minor| AlertRule::SpendReaches { amount: eur(minor) }),
            (1..2_000_u64).prop_map(|quantity| AlertRule::UsageReaches { quantity }),
            (1..=1_000_u32).prop_map(|percent| AlertRule::IncludedShareReaches { percent }),
            (1..=720_u32).prop_map(|hours| AlertRule::Silent { hours }),
            (1..=99_u32, 1..50_u64)
                .prop_map(|(percent, events_min)| AlertRule::RejectedShareAbove { percent, events_min }),
        ]
    }

    /// How a day goes on: minutes until the next look, units and events that came, and whether an event was among them.
    fn steps() -> impl Strategy<Value = Vec<(i64, i64, i64, bool)>> {
        proptest::collection::vec((1..3_000_i64, 0..300_i64, 0..40_i64, any::<bool>()), 1..80)
    }

    proptest! {
        #[test]
        fn an_occasion_comes_once_whatever_happens(rule in rules(), steps in steps()) {
            let (mut last, mut fired): (Option<Fired>, Vec<Fired>) = (None, Vec::new());
            let mut now = at("2026-01-15T00:00:00Z");
            let (mut heard, mut quantity, mut running) = (None, 0, Month(0));
            let zone = crate::Zone::UTC;
            for (minutes, units, rejected, is_heard) in steps {
                now = now.plus(minutes * 60_000);
                let of = zone.day(now).month();
                quantity = if of == running { quantity + units } else { units };
                running = of;
                if is_heard {
                    heard = Some(zone.hour_start(now));
                }
                let seen = Observations {
                    now,
                    month: Some(MonthSoFar { month: of, ..month(quantity, 1_000, quantity) }),
                    last_event_hour: heard,
                    last_day: LastDay { received: 40, rejected },
                };
                let Some(firing) = evaluate(&rule, &seen, last.as_ref()) else { continue };
                let news = Fired { at: now, occasion: firing.occasion };
                prop_assert!(fired.iter().all(|before| before.occasion < news.occasion));
                match rule {
                    AlertRule::Silent { hours } => prop_assert!(
                        !is_heard && now.millis() - news.occasion >= i64::from(hours) * HOUR_MS
                    ),
                    AlertRule::RejectedShareAbove { .. } => prop_assert!(
                        last.is_none_or(|last| now.millis() - last.at.millis() >= DAY_MS)
                    ),
                    _ => prop_assert_eq!(news.occasion, i64::from(of.0)),
                }
                // Whoever looks at the same time finds the same occasion, and whoever looks again none.
                prop_assert_eq!(evaluate(&rule, &seen, last.as_ref()), Some(firing));
                prop_assert_eq!(evaluate(&rule, &seen, Some(&news)), None);
                fired.push(news);
                last = Some(news);
            }
        }

        #[test]
        fn nothing_overflows(
            rule in rules(), quantity: i64, included: u64, minor: i64, received: i64, rejected: i64,
            now in -8_000_000_000_000_000_i64..8_000_000_000_000_000, hour: Option<i32>,
        ) {
            let seen = Observations {
                now: Timestamp::from_millis(now),
                month: Some(month(quantity, included, minor)),
                last_event_hour: hour.map(|hour| Timestamp::from_millis(i64::from(hour) * HOUR_MS)),
                last_day: LastDay { received, rejected },
            };
            let _ = evaluate(&rule, &seen, Some(&Fired { at: seen.now, occasion: quantity }));
        }
    }
}
