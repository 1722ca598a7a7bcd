//! Properties of metering: whatever the order in which events come, the counts are those of the whole.

use super::*;
use crate::event::{Action, ContactMethod};
use crate::figures::Counts;
use crate::timestamp::Timestamp;
use crate::zone::Zone;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Helplines 1 to 3 are in two countries.
fn country(helpline: HelplineNo) -> CountryCode {
    if helpline.0 < 3 { "NZ" } else { "NP" }.parse().unwrap()
}

/// Around the turn of a month in Kathmandu, at distances at which the rules change their mind.
fn entry() -> impl Strategy<Value = Entry> {
    let base = Timestamp::parse_rfc3339("2026-10-31T18:15:00Z").unwrap();
    let step = prop::sample::select(vec![
        0, 1, 9_999, 10_000, 10_001, 29_999, 30_000, 30_001, 86_399_999, 86_400_000, 86_400_001, 90_000_000,
    ]);
    let action = prop_oneof![
        2 => Just(Action::Display),
        1 => Just(Action::Click(ContactMethod::Phone)),
        1 => Just(Action::Click(ContactMethod::Sms)),
    ];
    (1..4_u32, action, step, -2..3_i64).prop_map(move |(helpline, action, step, times)| Entry {
        helpline: HelplineNo(helpline),
        action,
        at: base.plus(step * times),
    })
}

fn cells(tally: Tally) -> BTreeMap<Cell, Counts> {
    tally.into_cells(&country).into_iter().collect()
}

proptest! {
    #[test]
    fn taking_events_in_one_by_one_counts_what_all_at_once_do(entries in prop::collection::vec(entry(), 1..14)) {
        let zone: Zone = "Asia/Kathmandu".parse().unwrap();
        let mut step_by_step = Tally::new(zone);
        let mut known: Vec<Entry> = Vec::new();
        for entry in &entries {
            let Err(place) = known.binary_search(entry) else { continue };
            measure(&known, &country, &mut Counter::minus(&mut step_by_step));
            known.insert(place, *entry);
            measure(&known, &country, &mut Counter::plus(&mut step_by_step));
        }
        let mut at_once = Tally::new(zone);
        measure(&known, &country, &mut Counter::plus(&mut at_once));
        prop_assert_eq!(cells(step_by_step), cells(at_once));
    }

    #[test]
    fn what_lies_beyond_the_neighbourhood_changes_nothing(
        entries in prop::collection::vec(entry(), 1..10),
        new in entry(),
        days in 34..70_i64,
    ) {
        let zone: Zone = "Asia/Kathmandu".parse().unwrap();
        let far = |sign: i64| entries.iter().map(move |e| Entry { at: e.at.plus(sign * days * DAY_MS), ..*e });
        let change = |mut known: Vec<Entry>| {
            known.sort_unstable();
            known.dedup();
            known.retain(|entry| *entry != new);
            let mut tally = Tally::new(zone);
            measure(&known, &country, &mut Counter::minus(&mut tally));
            known.insert(known.binary_search(&new).unwrap_err(), new);
            measure(&known, &country, &mut Counter::plus(&mut tally));
            cells(tally)
        };
        // Only what is further away than the neighbourhood may be left out.
        let near = |e: &Entry| (e.at.millis() - new.at.millis()).abs() <= NEIGHBOURHOOD_MS;
        let all: Vec<Entry> = entries.iter().copied().chain(far(-1)).chain(far(1)).collect();
        let only_near = all.iter().copied().filter(near).collect();
        prop_assert_eq!(change(all), change(only_near));
    }
}

#[test]
fn hours_of_long_ago_begin_where_their_clocks_said() {
    // +07:20: hours begin at 40 minutes past those of UTC, in the middle of a quarter.
    let zone: Zone = "Asia/Singapore".parse().unwrap();
    let mut tally = Tally::new(zone);
    for minute in [30, 39, 40, 44] {
        let at = Timestamp::parse_rfc3339(&format!("1935-01-01T02:{minute}:00Z")).unwrap();
        Counter::plus(&mut tally).session(&[crate::figures::Figure::Notifications], at);
    }
    let cells = cells(tally);
    let hours: Vec<i64> =
        cells.iter().filter(|(cell, _)| cell.grain == Grain::Hour).map(|(_, counts)| counts.0.iter().sum()).collect();
    assert_eq!(hours, [2, 2]);
}

/// Whoever changes a text of these gives the rules a new version, [`RULES_VERSION`]: figures and reports say by which they were
/// counted. Reports keep their words, but for those without [`crate::report::Wording`]: for these the words of version 1 must
/// be kept in the program.
#[test]
fn definitions_of_version_1() {
    use crate::figures::Figure;
    assert_eq!(RULES_VERSION, 1);
    let figures = Figure::ALL.map(|figure| (figure.name(), figure.label(), figure.definition()));
    let expected = [
        ("gross_displays", "Gross displays", "All accepted display events, each counted at its own instant."),
        (
            "net_displays",
            "Net displays",
            "Displays after double-click filtering: of displays of one helpline in one session that follow each \
             other within 30 seconds, only the last counts.",
        ),
        (
            "unique_displays",
            "Unique displays",
            "Sessions that were shown a helpline: each pair of session and helpline counts once a month, at its \
             first display.",
        ),
        (
            "reach",
            "Reach",
            "Sessions that were shown at least one helpline: each session counts once a month, at its first \
             display.",
        ),
        ("gross_clicks", "Gross clicks", "All accepted click events, each counted at its own instant."),
        (
            "net_clicks",
            "Net clicks",
            "Clicks after double-click filtering: of clicks on one contact method of one helpline in one session \
             that follow each other within 30 seconds, only the last counts.",
        ),
        (
            "attributed_clicks",
            "Attributed clicks",
            "Clicks that follow a display of the same helpline in the same session by at most 24 hours.",
        ),
        (
            "unattributed_clicks",
            "Unattributed clicks",
            "Clicks without a display of the same helpline in the same session in the 24 hours before. Many of \
             them are the sign of a broken integration.",
        ),
        (
            "conversions",
            "Conversions",
            "Unique displays that led to an attributed click, counted where the unique display is.",
        ),
        (
            "converted_sessions",
            "Converted sessions",
            "Sessions within reach that had at least one conversion in the month, counted where the session is.",
        ),
        (
            "notifications",
            "Notifications",
            "Referrals: displays in one session that follow each other within 10 seconds, such as several \
             helplines on one card, are one.",
        ),
    ];
    assert_eq!(figures, expected);
}

/// As above.
#[test]
fn sentences_of_version_1() {
    use crate::figures::{CTR_DEFINITION, HELPLINE_CTR_DEFINITION};
    let rates = [CTR_DEFINITION, HELPLINE_CTR_DEFINITION];
    let expected = [
        "Converted sessions divided by reach. Never above 100 %; without reach there is none.",
        "Conversions divided by unique displays of the helpline.",
    ];
    assert_eq!(rates, expected);
    let sentences = [
        "Figures are counted by version 1 of these rules.",
        "Net figures: of displays of one helpline, or clicks on one of its contact methods, that follow each other \
         in a session within 30 seconds, only the last counts.",
        "A click is attributed to a display of the same helpline in the same session at most 24 hours before it.",
        "Notifications: displays in one session that follow each other within 10 seconds, of whichever helplines, \
         are one notification. A notification is a referral, not a display: the two numbers differ.",
        "Counts from 1 to 9 are printed as <10; others are withheld where they would give one of these away.",
    ];
    assert_eq!(crate::report::Rules::in_force(Some(10)).sentences(), sentences);
}
