//! Ninety days of made-up traffic: people who are shown helplines and turn to some of them.
//!
//! Pure: the same instant, catalogue and seed give the same events. What a person would look for in real figures is
//! there: evenings and nights above mornings, weekends above weekdays, slow growth, one day that stands out, helplines
//! that convert better than others, bursts of repeats, retries, sessions that come back, and an integration that
//! forgets its displays.

pub mod year;

use super::cast::{APPLICATIONS, BAD_INTEGRATION, CUSTOMERS};
use domain::event::{Action, ContactMethod};
use domain::helpline::{Availability, Helpline};
use domain::timestamp::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use domain::zone::Day;
use domain::{Timestamp, Zone};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The days of traffic, the last of which ends now.
pub const DAYS: i32 = 90;
/// The day that stands out, in days before today.
pub const SPIKE_DAYS_AGO: i32 = 26;
/// The seed of the demonstration as it is loaded.
pub const SEED: u64 = 7;

/// An event of the demonstration, as an integration would report it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoEvent {
    pub at: Timestamp,
    /// An index of [`APPLICATIONS`].
    pub application: usize,
    pub action: Action,
    /// An index of the helplines that the traffic was made for.
    pub helpline: usize,
    /// Opaque, as partners' session ids should be.
    pub session_id: String,
}

/// The traffic of the 90 days before `now`, in the order of time: about 75,000 events.
///
/// A few in a thousand are retries: equal to the event right before them, to be answered as duplicates.
pub fn traffic(now: Timestamp, helplines: &[Helpline], seed: u64) -> impl Iterator<Item = DemoEvent> + use<> {
    let mut maker = Maker::new(now, DAYS, helplines, seed);
    maker.make();
    // Stable: a retry stays behind the event that it repeats.
    maker.events.sort_by_key(|event| event.at);
    maker.events.into_iter()
}

/// Sessions of a usual day, by application.
const SESSIONS_PER_DAY: [f64; APPLICATIONS.len()] = [84.0, 66.0, 3.0, 52.0, 62.0, 9.0, 2.2];
/// The bad integration was rolled out this many days ago.
const BETA_DAYS: i32 = 34;

/// How busy each hour of people's own day is.
const HOUR_WEIGHTS: [f64; 24] = [
    9.0, 7.4, 5.8, 4.0, 2.5, 1.8, 1.8, 2.2, 2.8, 3.2, 3.5, 3.6, 3.8, 3.7, 3.6, 3.9, 4.4, 4.9, 5.6, 6.6, 7.8, 9.2, 10.2,
    10.0,
];
/// From Monday to Sunday.
const WEEKDAY_WEIGHTS: [f64; 7] = [1.0, 0.95, 0.94, 0.96, 1.0, 1.14, 1.24];

/// Where the people of each customer are.
const COUNTRY_WEIGHTS: [(&str, [f64; CUSTOMERS.len()]); 12] = [
    ("US", [44.0, 8.0]),
    ("CA", [14.0, 2.0]),
    ("GB", [13.0, 15.0]),
    ("AU", [8.0, 3.0]),
    ("IN", [7.0, 4.0]),
    ("IE", [3.0, 5.0]),
    ("NZ", [3.0, 1.0]),
    ("JP", [3.0, 5.0]),
    ("DE", [2.0, 28.0]),
    ("FR", [1.0, 16.0]),
    ("ES", [1.0, 11.0]),
    ("NP", [1.0, 2.0]),
];

/// How people like to make contact, among the ways that a helpline offers.
const METHOD_WEIGHTS: [(ContactMethod, f64); 7] = [
    (ContactMethod::Phone, 34.0),
    (ContactMethod::Sms, 22.0),
    (ContactMethod::OnlineChat, 20.0),
    (ContactMethod::Website, 13.0),
    (ContactMethod::Whatsapp, 14.0),
    (ContactMethod::ReportingForm, 2.5),
    (ContactMethod::Tty, 1.5),
];

/// The share of sessions in which somebody turns to a helpline at all. Helplines' own rates lie below it.
const ACTIVE_SHARE: f64 = 0.42;

/// A helpline as the traffic sees it.
struct Shown {
    index: usize,
    /// How readily it is put on a card.
    weight: f64,
    /// The share of its displays that lead to a click.
    click_rate: f64,
    methods: Vec<(ContactMethod, f64)>,
}

/// The helplines of a country.
struct Market {
    zone: Zone,
    weights: [f64; CUSTOMERS.len()],
    helplines: Vec<Shown>,
}

struct Catalogue(Vec<Market>);

impl Catalogue {
    fn of(helplines: &[Helpline]) -> Self {
        let mut markets = Vec::new();
        for (code, weights) in COUNTRY_WEIGHTS {
            let here = helplines.iter().enumerate().filter(|(_, helpline)| helpline.country.code.as_str() == code);
            let shown: Vec<Shown> = here.map(|(index, helpline)| Shown::of(index, helpline)).collect();
            if let Some(first) = shown.first() {
                let zone = helplines[first.index].timezone.parse().unwrap_or(Zone::UTC);
                markets.push(Market { zone, weights, helplines: shown });
            }
        }
        Self(markets)
    }
}

impl Shown {
    fn of(index: usize, helpline: &Helpline) -> Self {
        let weight = match (helpline.availability, helpline.priority) {
            (Availability::Unavailable, _) => 0.2,
            (Availability::Limited, _) => 0.6,
            (Availability::Available, true) => 3.0,
            (Availability::Available, false) => 1.0,
        };
        let methods = METHOD_WEIGHTS.into_iter().filter(|(method, _)| helpline.offers(*method)).collect();
        // Spread over 15 % to 35 %, neighbours far apart.
        let click_rate = 0.15 + 0.01 * ((index * 8) % 21) as f64;
        Self { index, weight, click_rate, methods }
    }
}

/// The index of a weight, chosen in proportion; `None` without any.
fn choose(rng: &mut StdRng, weights: impl Iterator<Item = f64> + Clone) -> Option<usize> {
    let mut left = rng.random::<f64>() * weights.clone().sum::<f64>();
    let mut last = None;
    for (index, weight) in weights.enumerate().filter(|(_, weight)| *weight > 0.0) {
        last = Some(index);
        if left < weight {
            break;
        }
        left -= weight;
    }
    last
}

struct Maker {
    rng: StdRng,
    now: Timestamp,
    /// Nothing is kept of this instant or of before.
    after: Timestamp,
    catalogue: Catalogue,
    events: Vec<DemoEvent>,
}

/// What the events of one session have in common.
struct Session {
    application: usize,
    id: String,
}

impl Maker {
    fn new(now: Timestamp, days: i32, helplines: &[Helpline], seed: u64) -> Self {
        let after = now.plus(-i64::from(days) * DAY_MS);
        Self { rng: StdRng::seed_from_u64(seed), now, after, catalogue: Catalogue::of(helplines), events: vec![] }
    }

    fn make(&mut self) {
        for (application, per_day) in SESSIONS_PER_DAY.into_iter().enumerate() {
            let zone = CUSTOMERS[APPLICATIONS[application].customer].time_zone.parse().unwrap_or(Zone::UTC);
            let today = zone.day(self.now);
            // One day more than is asked for: the first and the last are cut at the hour that it is now.
            for days_ago in (0..=DAYS).rev() {
                if application == BAD_INTEGRATION && days_ago > BETA_DAYS {
                    continue;
                }
                let day = today.plus(-days_ago);
                let sessions = per_day * self.day_factor(day, days_ago);
                // The fraction is a chance, so that small applications are not rounded away.
                let whole = sessions as u32 + u32::from(self.rng.random_bool(sessions.fract()));
                for _ in 0..whole {
                    self.make_session(application, day);
                }
            }
        }
    }

    /// How a day compares with a usual one: weekday, growth by two fifths, chance, and the day that stands out.
    fn day_factor(&mut self, day: Day, days_ago: i32) -> f64 {
        let weekday = WEEKDAY_WEIGHTS[usize::try_from(day.0 - day.monday().0).unwrap_or_default() % 7];
        let growth = 1.2 - 0.4 * f64::from(days_ago) / f64::from(DAYS);
        let spike = if days_ago == SPIKE_DAYS_AGO { 2.6 } else { 1.0 };
        weekday * growth * spike * self.rng.random_range(0.94..1.06)
    }

    /// Where the people of an application's session are.
    fn market(&mut self, application: usize) -> Option<usize> {
        let customer = APPLICATIONS[application].customer;
        let weights = self.catalogue.0.iter().map(|market| market.weights[customer]);
        choose(&mut self.rng, weights)
    }

    fn make_session(&mut self, application: usize, day: Day) {
        let Some(market) = self.market(application) else {
            return;
        };
        let hour = choose(&mut self.rng, HOUR_WEIGHTS.into_iter()).unwrap_or_default() as i64;
        let in_hour = self.rng.random_range(0..HOUR_MS);
        let start = self.catalogue.0[market].zone.day_start(day).plus(hour * HOUR_MS + in_hour);
        self.play(application, market, start);
    }

    /// All that happens in a session that starts at an instant.
    fn play(&mut self, application: usize, market: usize, start: Timestamp) {
        let session = Session { application, id: format!("s-{:016x}", self.rng.random::<u64>()) };
        let card = self.card(market);
        if application == BAD_INTEGRATION && self.rng.random_bool(0.75) {
            self.click_unshown(&session, market, &card, start);
            return;
        }
        let shown_at = self.show(&session, market, &card, start);
        self.click(&session, market, &card, shown_at);
    }

    /// One to four helplines of a country, as places in its list.
    fn card(&mut self, market: usize) -> Vec<usize> {
        let helplines = &self.catalogue.0[market].helplines;
        let size = 1 + choose(&mut self.rng, [44.0, 30.0, 19.0, 7.0].into_iter()).unwrap_or_default();
        let mut card = Vec::with_capacity(size);
        for _ in 0..size.min(helplines.len()) {
            let left = helplines.iter().enumerate().map(|(i, h)| if card.contains(&i) { 0.0 } else { h.weight });
            card.extend(choose(&mut self.rng, left));
        }
        card
    }

    /// Shows a card, at times in a burst, at times again later. Answers when it was last shown.
    fn show(&mut self, session: &Session, market: usize, card: &[usize], start: Timestamp) -> Timestamp {
        let mut at = start;
        self.show_once(session, market, card, at);
        if self.rng.random_bool(0.13) {
            // A page that reloads: repeats within 30 s.
            for _ in 0..self.rng.random_range(1..=3) {
                at = at.plus(self.rng.random_range(SECOND_MS..25 * SECOND_MS));
                self.show_once(session, market, card, at);
            }
        }
        if self.rng.random_bool(0.08) {
            at = at.plus(self.rng.random_range(2 * MINUTE_MS..50 * MINUTE_MS));
            self.show_once(session, market, card, at);
        }
        at
    }

    fn show_once(&mut self, session: &Session, market: usize, card: &[usize], mut at: Timestamp) {
        for &place in card {
            self.push(session, market, place, Action::Display, at);
            at = at.plus(self.rng.random_range(20..200));
        }
    }

    /// The clicks that follow a card, if any do.
    fn click(&mut self, session: &Session, market: usize, card: &[usize], shown_at: Timestamp) {
        if !self.rng.random_bool(ACTIVE_SHARE) {
            return;
        }
        let mut at = shown_at.plus(self.rng.random_range(3 * SECOND_MS..90 * SECOND_MS));
        for &place in card {
            let click_rate = self.catalogue.0[market].helplines[place].click_rate;
            if self.rng.random_bool((click_rate / ACTIVE_SHARE).min(1.0)) {
                self.click_once(session, market, place, at);
                at = at.plus(self.rng.random_range(8 * SECOND_MS..4 * MINUTE_MS));
            }
        }
        if self.rng.random_bool(0.012) {
            // Back after a day or two, from a note: no display precedes this click closely enough to be its cause.
            let later = at.plus(self.rng.random_range(25 * HOUR_MS..50 * HOUR_MS));
            self.click_once(session, market, card[0], later);
        }
    }

    /// A click, at times a double one.
    fn click_once(&mut self, session: &Session, market: usize, place: usize, at: Timestamp) {
        let methods = &self.catalogue.0[market].helplines[place].methods;
        let Some(chosen) = choose(&mut self.rng, methods.iter().map(|(_, weight)| *weight)) else {
            return;
        };
        let action = Action::Click(methods[chosen].0);
        self.push(session, market, place, action, at);
        if self.rng.random_bool(0.09) {
            let again = at.plus(self.rng.random_range(300..8 * SECOND_MS));
            self.push(session, market, place, action, again);
        }
    }

    /// What most sessions of the bad integration report: clicks, and never what was clicked on.
    fn click_unshown(&mut self, session: &Session, market: usize, card: &[usize], start: Timestamp) {
        for (step, &place) in card.iter().enumerate().take(2) {
            let at = start.plus((step as i64 + 1) * self.rng.random_range(5 * SECOND_MS..90 * SECOND_MS));
            self.click_once(session, market, place, at);
        }
    }

    /// Keeps an event of these days; a few are sent twice, as after an answer that got lost.
    fn push(&mut self, session: &Session, market: usize, place: usize, action: Action, at: Timestamp) {
        if at > self.now || at <= self.after {
            return;
        }
        let helpline = self.catalogue.0[market].helplines[place].index;
        let event =
            DemoEvent { at, application: session.application, action, helpline, session_id: session.id.clone() };
        if self.rng.random_bool(0.004) {
            self.events.push(event.clone());
        }
        self.events.push(event);
    }
}

#[cfg(test)]
mod tests;
