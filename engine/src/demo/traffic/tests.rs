use super::*;
use crate::catalogue::parse_helplines_json;
use crate::demo::cast::HELPLINES_JSON;
use chrono::Timelike;
use domain::account::Tier;
use std::collections::{HashMap, HashSet};

fn helplines() -> Vec<Helpline> {
    parse_helplines_json(HELPLINES_JSON).unwrap().into_iter().map(|(_, helpline)| helpline).collect()
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-24T15:30:00Z").unwrap()
}

fn events() -> Vec<DemoEvent> {
    traffic(now(), &helplines(), SEED).collect()
}

fn count(events: &[DemoEvent], matches: impl Fn(&DemoEvent) -> bool) -> usize {
    events.iter().filter(|event| matches(event)).count()
}

#[test]
fn the_same_seed_gives_the_same_traffic() {
    let (first, again) = (events(), events());
    assert!(first == again);
    assert!(first != traffic(now(), &helplines(), SEED + 1).collect::<Vec<_>>());
    assert!((60_000..=90_000).contains(&first.len()), "{}", first.len());
}

#[test]
fn ninety_days_are_covered_in_the_order_of_time() {
    let events = events();
    assert!(events.is_sorted_by_key(|event| event.at));
    let (first, last) = (events[0].at, events[events.len() - 1].at);
    assert!(last <= now() && first > now().plus(-90 * DAY_MS));
    assert!(last > now().plus(-HOUR_MS) && first < now().plus(-90 * DAY_MS + HOUR_MS));
    let days: HashSet<i32> = events.iter().map(|event| event.at.utc_day()).collect();
    assert_eq!(days.len(), 91);
}

#[test]
fn any_instant_can_be_now() {
    for text in ["2026-03-08T04:30:00Z", "2027-01-01T00:00:00Z", "2028-02-29T23:59:59.999Z"] {
        let now = Timestamp::parse_rfc3339(text).unwrap();
        let events: Vec<DemoEvent> = traffic(now, &helplines(), SEED).collect();
        assert!((60_000..=90_000).contains(&events.len()), "{}", events.len());
        assert!(events.iter().all(|e| e.at <= now && e.at > now.plus(-90 * DAY_MS)));
    }
}

#[test]
fn every_application_helpline_and_method_takes_part() {
    let (events, helplines) = (events(), helplines());
    for (application, of) in APPLICATIONS.iter().enumerate() {
        let (all, clicks) = (
            count(&events, |e| e.application == application),
            count(&events, |e| e.application == application && e.action != Action::Display),
        );
        assert!(all > 300 && clicks > 50 && clicks < all, "{application}: {all}, {clicks}");
        if of.tier == Tier::Sandbox {
            assert!(all < 2_000);
        }
    }
    for index in 0..helplines.len() {
        assert!(events.iter().any(|e| e.helpline == index && e.action == Action::Display), "{index}");
        assert!(events.iter().any(|e| e.helpline == index && e.action != Action::Display), "{index}");
    }
    for method in ContactMethod::ALL {
        assert!(count(&events, |e| e.action == Action::Click(method)) > 50, "{method:?}");
    }
    for event in &events {
        if let Action::Click(method) = event.action {
            assert!(helplines[event.helpline].offers(method));
        }
        assert!(!domain::event::is_personal(&event.session_id));
    }
}

#[test]
fn nights_weekends_growth_and_one_day_stand_out() {
    let events = events();
    let berlin: Zone = "Europe/Berlin".parse().unwrap();
    let per_day = |days_ago: i32| {
        let day = berlin.day(now()).plus(-days_ago);
        count(&events, |e| APPLICATIONS[e.application].customer == 1 && berlin.day(e.at) == day)
    };
    let days: Vec<usize> = (1..90).map(per_day).collect();
    let spike = days[SPIKE_DAYS_AGO as usize - 1];
    let others = days.iter().enumerate().filter(|(i, _)| i + 1 != SPIKE_DAYS_AGO as usize);
    assert!(others.clone().all(|(_, n)| spike * 2 > n * 3), "{spike} of {days:?}");
    let mean = |range: std::ops::Range<usize>| days[range.clone()].iter().sum::<usize>() / range.len();
    assert!(mean(1..22) * 10 > mean(68..89) * 12, "growth");
    let weekday = |days_ago: usize| (berlin.day(now()).plus(-(days_ago as i32)).0 + 3).rem_euclid(7);
    let mean_of = |wanted: &[i32]| {
        let some: Vec<usize> =
            others.clone().filter(|(i, _)| wanted.contains(&weekday(i + 1))).map(|(_, n)| *n).collect();
        some.iter().sum::<usize>() / some.len()
    };
    assert!(mean_of(&[5, 6]) * 10 > mean_of(&[1, 2, 3]) * 11, "weekend");
    let helplines = helplines();
    let german = |e: &DemoEvent| helplines[e.helpline].country.code.as_str() == "DE";
    let at_hours = |hours: [u32; 3]| count(&events, |e| german(e) && hours.contains(&berlin.local(e.at).hour()));
    assert!(at_hours([21, 22, 23]) > 3 * at_hours([5, 6, 7]));
}

/// Clicks with a display of the same session and helpline in the 24 hours before, and those without.
fn attribution(events: &[DemoEvent], of: impl Fn(usize) -> bool) -> (usize, usize) {
    let mut shown: HashMap<(&str, usize), Timestamp> = HashMap::new();
    let (mut attributed, mut not) = (0, 0);
    for event in events.iter().filter(|event| of(event.application)) {
        let key = (event.session_id.as_str(), event.helpline);
        match event.action {
            Action::Display => {
                shown.insert(key, event.at);
            }
            Action::Click(_) if shown.get(&key).is_some_and(|at| event.at <= at.plus(DAY_MS)) => attributed += 1,
            Action::Click(_) => not += 1,
        }
    }
    (attributed, not)
}

#[test]
fn only_the_bad_integration_has_many_unattributed_clicks() {
    let events = events();
    let (attributed, not) = attribution(&events, |application| application == BAD_INTEGRATION);
    assert!(not > 5 * attributed && not > 150, "{attributed}, {not}");
    let (attributed, not) = attribution(&events, |application| application != BAD_INTEGRATION);
    assert!(not > 20 && attributed > 50 * not, "{attributed}, {not}");
}

#[test]
fn click_rates_are_plausible_and_differ() {
    let events = events();
    let mut pairs: HashMap<usize, (HashSet<&str>, HashSet<&str>)> = HashMap::new();
    for event in events.iter().filter(|event| event.application != BAD_INTEGRATION) {
        let (shown, clicked) = pairs.entry(event.helpline).or_default();
        if event.action == Action::Display { shown } else { clicked }.insert(&event.session_id);
    }
    let rates: Vec<f64> = pairs
        .values()
        .filter(|(shown, _)| shown.len() > 1_000)
        .map(|(shown, clicked)| clicked.len() as f64 / shown.len() as f64)
        .collect();
    assert!(rates.len() >= 10 && rates.iter().all(|rate| (0.12..0.38).contains(rate)), "{rates:?}");
    let (low, high) = (rates.iter().copied().fold(1.0, f64::min), rates.iter().copied().fold(0.0, f64::max));
    assert!(high - low > 0.1, "{low} to {high}");
}

#[test]
fn cards_bursts_and_retries_are_there() {
    let events = events();
    let retries = events.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!((100..800).contains(&retries), "{retries}");
    let mut last: HashMap<(&str, usize, u8), Timestamp> = HashMap::new();
    let (mut displays, mut clicks) = (0, 0);
    for event in &events {
        let key = (event.session_id.as_str(), event.helpline, event.action.code());
        let before = last.insert(key, event.at);
        if before.is_some_and(|before| before < event.at && event.at <= before.plus(30 * SECOND_MS)) {
            *if event.action == Action::Display { &mut displays } else { &mut clicks } += 1;
        }
    }
    assert!(displays > 2_000 && clicks > 500, "{displays}, {clicks}");
    let mut cards: HashMap<&str, HashSet<usize>> = HashMap::new();
    for event in &events {
        cards.entry(&event.session_id).or_default().insert(event.helpline);
    }
    for size in 1..=4 {
        assert!(cards.values().filter(|card| card.len() == size).count() > 300, "{size}");
    }
}

#[test]
fn an_empty_catalogue_has_no_traffic() {
    assert_eq!(traffic(now(), &[], SEED).count(), 0);
}
