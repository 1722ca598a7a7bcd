//! Rate cards of the demo, and the statements of its months that are over.

use super::cast::{APPLICATIONS, CUSTOMERS, DemoApplication};
use super::traffic::{DAYS, DemoEvent};
use crate::Engine;
use crate::actor::Operator;
use crate::billing::{CardForm, VersionForm};
use crate::error::Error;
use domain::billing::{TermsForm, TierForm};
use domain::timestamp::DAY_MS;
use domain::zone::Month;
use domain::{CustomerId, Timestamp, Zone};

/// Who issued the demo's statements.
const ISSUED_BY: &str = "demo";
/// The application whose events of one evening arrive late: an index of [`APPLICATIONS`].
const LATE_APPLICATION: usize = 1;

/// A customer's rate card.
struct DemoCard {
    name: &'static str,
    currency: &'static str,
    figure: &'static str,
    included: &'static str,
    base_fee: &'static str,
    minimum: &'static str,
    /// The last unit of each tier, and what a unit costs.
    tiers: &'static [(&'static str, &'static str)],
}

/// As [`CUSTOMERS`].
const CARDS: [DemoCard; CUSTOMERS.len()] = [
    DemoCard {
        name: "Lumen reach",
        currency: "USD",
        figure: "reach",
        included: "500",
        base_fee: "250.00",
        minimum: "400.00",
        tiers: &[("1000", "0.12"), ("4000", "0.09"), ("", "0.0625")],
    },
    DemoCard {
        name: "Harbour displays",
        currency: "EUR",
        figure: "unique_displays",
        included: "",
        base_fee: "",
        minimum: "",
        tiers: &[("2000", "0.085"), ("", "0.0725")],
    },
];

impl DemoCard {
    fn form(&self, from: Month) -> CardForm {
        let tier = |(up_to, unit_price): &(&str, &str)| TierForm {
            up_to: (*up_to).to_owned(),
            unit_price: (*unit_price).to_owned(),
        };
        let terms = TermsForm {
            currency: self.currency.to_owned(),
            figure: self.figure.to_owned(),
            included: self.included.to_owned(),
            tiers: self.tiers.iter().map(tier).collect(),
            base_fee: self.base_fee.to_owned(),
            minimum: self.minimum.to_owned(),
        };
        CardForm { name: self.name.to_owned(), version: VersionForm { effective_from: from.to_string(), terms } }
    }
}

/// The customer's months in which there is traffic, the running one last.
fn months(customer: usize, now: Timestamp) -> impl Iterator<Item = Month> {
    let zone: Zone = CUSTOMERS[customer].time_zone.parse().unwrap_or(Zone::UTC);
    let (first, last) = (zone.day(now.plus(-i64::from(DAYS) * DAY_MS)).month(), zone.day(now).month());
    (first.0..=last.0).map(Month)
}

/// Takes out what arrives only after its month has been issued: one evening of the last month that is over, on telephones
/// that were out of reach. So there is an adjustment to look at.
pub fn take_late(events: Vec<DemoEvent>, now: Timestamp) -> (Vec<DemoEvent>, Vec<DemoEvent>) {
    let DemoApplication { customer, .. } = APPLICATIONS[LATE_APPLICATION];
    let zone: Zone = CUSTOMERS[customer].time_zone.parse().unwrap_or(Zone::UTC);
    let day = zone.day_start(zone.day(now).month().first_day().plus(-3));
    let (from, to) = (day.plus(DAY_MS * 3 / 4), day.plus(DAY_MS));
    let is_late = |event: &DemoEvent| event.application == LATE_APPLICATION && (from..to).contains(&event.at);
    events.into_iter().partition(|event| !is_late(event))
}

impl Engine {
    /// Makes the rate cards and assigns each from its customer's first month of traffic on.
    pub(super) async fn load_demo_cards(&self, operator: &Operator, customers: &[CustomerId]) -> Result<(), Error> {
        for (i, customer) in customers.iter().enumerate() {
            let Some(first) = months(i, self.now()).next() else { continue };
            let card = self.create_rate_card(operator, &CARDS[i].form(first)).await?;
            self.assign_rate_card(operator, *customer, Some(card.id), first).await?;
        }
        Ok(())
    }

    /// Issues the statements of all months that are over, oldest first.
    pub(super) async fn issue_demo_statements(
        &self,
        operator: &Operator,
        customers: &[CustomerId],
    ) -> Result<(), Error> {
        for (i, customer) in customers.iter().enumerate() {
            let all: Vec<Month> = months(i, self.now()).collect();
            let over = all.split_last().map_or(&[][..], |(_, over)| over);
            for month in over {
                self.issue_statement(operator, *customer, *month, Some(ISSUED_BY.to_owned()), false).await?;
            }
        }
        Ok(())
    }
}
