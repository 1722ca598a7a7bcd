//! What an overview's address asks for: checked, and answered in the zone and with the rights of who asks.

use crate::data::{Choice, Link, figures::Frame};
use crate::error::UiError;
use crate::query::OverviewQuery;
use crate::{context, format};
use domain::account::Tier;
use domain::event::ContactMethod;
use domain::period::{Breakdown, Filter, HOURLY_DAYS_MAX, Interval, Period};
use domain::zone::Day;
use domain::{FaultCode, Faults, Zone};
use engine::{
    Engine,
    actor::{Reader, SessionUser},
};

/// The path of the overview.
pub const PATH: &str = "/overview";

/// A checked question.
pub struct Question {
    pub engine: Engine,
    pub user: SessionUser,
    pub reader: Reader,
    pub period: Period,
    pub filter: Filter,
    pub interval: Interval,
    pub by: Breakdown,
    /// The address's parameters, with the period as `from` and `to`.
    pub query: OverviewQuery,
    today: Day,
    is_canonical: bool,
}

impl Question {
    /// Checks the parameters against the person who is signed in.
    ///
    /// # Errors
    /// [`UiError::SignedOut`], [`UiError::NotFound`] for another's customer, [`UiError::Invalid`] with all faults.
    pub async fn of(query: &OverviewQuery) -> Result<Self, UiError> {
        let (engine, user) = context::acting().await?;
        let customer = query.customer.as_deref().map(crate::data::id).transpose()?;
        let reader = engine.reader(&user, customer)?;
        let today = reader.time_zone().unwrap_or(Zone::UTC).day(engine.now());
        let mut faults = Faults::default();
        let period = period(query, today, &mut faults);
        let filter = filter(query, &mut faults);
        let interval = parse("interval", query.interval.as_deref(), Interval::from_name, &mut faults)
            .unwrap_or_else(|| usual_interval(period, reader.time_zone()));
        let by = parse("by", query.by.as_deref(), Breakdown::from_name, &mut faults).unwrap_or(Breakdown::Helpline);
        faults.or(()).map_err(UiError::Invalid)?;
        let mut plain = query.clone();
        plain.last = None;
        if query.from.is_some() || query.to.is_some() || query.last.is_some() {
            (plain.from, plain.to) = (Some(period.from.to_string()), Some(period.to.to_string()));
        }
        let is_canonical = plain == *query;
        Ok(Self { engine, user, reader, period, filter, interval, by, query: plain, today, is_canonical })
    }

    /// The address of this state in its one form, where the present one is another.
    #[must_use]
    pub fn canonical(&self) -> Option<String> {
        (!self.is_canonical).then(|| self.query.href(PATH))
    }

    /// The overview's address after a change of its parameters. The table starts over.
    #[must_use]
    pub fn href(&self, change: impl FnOnce(&mut OverviewQuery)) -> String {
        let mut query = self.query.clone();
        query.cursor = None;
        change(&mut query);
        query.href(PATH)
    }

    /// The address of a file with the figures that are on the screen, by the same parameters.
    #[must_use]
    pub fn download(&self, file: &str) -> String {
        let mut query = self.query.clone();
        (query.figure, query.cursor) = (None, None);
        (query.from, query.to) = (Some(self.period.from.to_string()), Some(self.period.to.to_string()));
        query.interval = (file == "timeseries").then(|| self.interval.as_str().to_owned());
        query.by = (file == "breakdown").then(|| self.by.as_str().to_owned());
        query.href(&format!("/download/{file}.csv"))
    }

    /// The address of the form that exports what is on the screen; `None` for all customers at once.
    #[must_use]
    pub fn export_href(&self) -> Option<String> {
        self.reader.customer()?;
        let kept = OverviewQuery {
            from: Some(self.period.from.to_string()),
            last: Some(self.period.to.plus(-1).to_string()),
            ..self.query.clone()
        };
        let kept = OverviewQuery { to: None, interval: None, figure: None, by: None, cursor: None, ..kept };
        Some(kept.href(crate::data::exports::NEW_EXPORT))
    }

    /// All that there may be counts of.
    #[must_use]
    pub fn ever(&self) -> Period {
        Period { from: Day(0), to: self.today.plus(2) }
    }

    /// Whether sandbox events are asked for.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.filter.tier == Some(Tier::Sandbox)
    }

    /// Whether a part of the customer's events is asked for.
    #[must_use]
    pub const fn is_filtered(&self) -> bool {
        let filter = &self.filter;
        filter.application_id.is_some()
            || filter.helpline_id.is_some()
            || filter.country_code.is_some()
            || filter.contact_method.is_some()
    }

    /// Whether the person may see all customers.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        !self.user.role().is_of_customer()
    }

    /// What stands above the figures.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn frame(&self) -> Result<Frame, UiError> {
        let customer = self.reader.customer();
        let all = if self.sees_all() { "All customers" } else { "" };
        Ok(Frame {
            customers: self.customers()?,
            customer: customer.map(|customer| customer.id.to_string()),
            customer_name: customer.map_or_else(|| all.to_owned(), |customer| customer.name.clone()),
            time_zone: self.reader.time_zone().map_or("each customer’s own time zone", Zone::name).to_owned(),
            presets: self.presets(),
            tiers: self.tiers(),
            from: self.period.from.to_string(),
            last: self.period.to.plus(-1).to_string(),
            period: format::period(self.period),
            before: format::period(self.period.before()),
            export: self.export_href(),
            filters: self.filters().await?,
        })
    }

    fn customers(&self) -> Result<Vec<Choice>, UiError> {
        if !self.sees_all() {
            return Ok(Vec::new());
        }
        let supervisor = self.engine.supervisor(&self.user)?;
        let choice = |(id, label): (domain::CustomerId, String)| Choice { value: id.to_string(), label };
        Ok(self.engine.all_customers(&supervisor).into_iter().map(choice).collect())
    }

    fn presets(&self) -> Vec<Link> {
        let (today, tomorrow) = (self.today, self.today.plus(1));
        let month = today.month();
        [
            ("Today", today, tomorrow),
            ("Yesterday", today.plus(-1), today),
            ("Last 7 days", today.plus(-6), tomorrow),
            ("Last 28 days", today.plus(-27), tomorrow),
            ("This month", month.first_day(), tomorrow),
            ("Last month", month.plus(-1).first_day(), month.first_day()),
            ("Last 12 months", month.plus(-11).first_day(), tomorrow),
        ]
        .into_iter()
        .map(|(label, from, to)| {
            let href = self.href(|query| {
                (query.from, query.to) = (Some(from.to_string()), Some(to.to_string()));
                // The steps of another period may not suit this one.
                query.interval = None;
            });
            Link { label: label.to_owned(), href, is_current: self.period == Period { from, to } }
        })
        .collect()
    }

    fn tiers(&self) -> Vec<Link> {
        let link = |tier: &Tier| {
            let value = (*tier == Tier::Sandbox).then(|| tier.as_str().to_owned());
            Link {
                label: tier.label().to_owned(),
                href: self.href(|query| (query.tier, query.application_id) = (value, None)),
                is_current: (*tier == Tier::Sandbox) == self.is_sandbox(),
            }
        };
        Tier::ALL.iter().map(link).collect()
    }

    /// The filters in force, by the names of what they let through.
    async fn filters(&self) -> Result<Vec<Link>, UiError> {
        let mut links = Vec::new();
        let mut add = |kind: &str, name: String, href: String| {
            links.push(Link { label: format!("{kind}: {name}"), href, is_current: true });
        };
        let filter = &self.filter;
        if let Some(id) = &filter.application_id {
            let name = self.name_of(Breakdown::Application, &id.to_string()).await?;
            add("Application", name, self.href(|query| query.application_id = None));
        }
        if let Some(id) = &filter.helpline_id {
            let name = self.name_of(Breakdown::Helpline, id.as_str()).await?;
            add("Helpline", name, self.href(|query| query.helpline_id = None));
        }
        if let Some(code) = &filter.country_code {
            let name = self.name_of(Breakdown::Country, code.as_str()).await?;
            add("Country", name, self.href(|query| query.country_code = None));
        }
        if let Some(method) = filter.contact_method {
            add("Contact method", method.label().to_owned(), self.href(|query| query.contact_method = None));
        }
        Ok(links)
    }

    /// The name of what is filtered by, as the figures themselves know it; its key where there are none.
    async fn name_of(&self, by: Breakdown, key: &str) -> Result<String, UiError> {
        let rows = self.engine.breakdown(&self.reader, self.period, by, &self.filter, 2, None).await?.rows;
        let row = rows.into_iter().find(|row| row.key == key);
        Ok(row.map_or_else(|| key.to_owned(), |row| row.name))
    }
}

/// The period asked for; the last 28 days unless said otherwise, one day where only one bound is given.
fn period(query: &OverviewQuery, today: Day, faults: &mut Faults) -> Period {
    let usual = Period { from: today.plus(-27), to: today.plus(1) };
    let mut read = |name: &str, text: Option<&str>| -> Option<Day> {
        let parsed = text?.parse::<Day>();
        if parsed.is_err() {
            faults.add(name, FaultCode::FieldInvalid, "Must be a date such as 2026-11-24.");
        }
        parsed.ok()
    };
    let from = read("from", query.from.as_deref());
    let last = read("last", query.last.as_deref());
    // Two dates of a form mean the days between them, whichever is named first.
    let (from, last) = match (from, last) {
        (Some(from), Some(last)) => (Some(from.min(last)), Some(from.max(last))),
        other => other,
    };
    let to = read("to", query.to.as_deref()).filter(|_| last.is_none()).or(last.map(|last| last.plus(1)));
    let (from, to) = match (from, to) {
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) => (from, today.plus(1).max(from.plus(1))),
        (None, Some(to)) => (to.plus(-28), to),
        (None, None) => return usual,
    };
    match Period::new(from, to) {
        Ok(period) => period,
        Err(found) => {
            faults.0.extend(found.0);
            usual
        }
    }
}

/// The filters of an address; their faults are noted.
pub fn filter(query: &OverviewQuery, faults: &mut Faults) -> Filter {
    Filter {
        tier: parse("tier", query.tier.as_deref(), Tier::from_name, faults),
        application_id: parse("application_id", query.application_id.as_deref(), |id| id.parse().ok(), faults),
        helpline_id: parse("helpline_id", query.helpline_id.as_deref(), |id| id.parse().ok(), faults),
        country_code: parse("country_code", query.country_code.as_deref(), |code| code.parse().ok(), faults),
        contact_method: parse("contact_method", query.contact_method.as_deref(), ContactMethod::from_name, faults),
    }
}

/// A value of a list or form; a fault is noted where it is there and cannot be read.
pub fn parse<T>(name: &str, text: Option<&str>, read: impl Fn(&str) -> Option<T>, faults: &mut Faults) -> Option<T> {
    let text = text?;
    let value = read(text);
    if value.is_none() {
        faults.add(name, FaultCode::FieldInvalid, "This value is not known.");
    }
    value
}

/// Steps of which a chart holds neither too few nor too many.
fn usual_interval(period: Period, zone: Option<Zone>) -> Interval {
    match period.days() {
        ..=2 if zone.is_some() => Interval::Hour,
        ..=92 => Interval::Day,
        93..=190 => Interval::Week,
        _ => Interval::Month,
    }
}

/// The steps in which a period can be shown: by the hour only in one zone, as hours of several customers differ.
#[must_use]
pub fn intervals(period: Period, zone: Option<Zone>) -> Vec<Interval> {
    let fits = |interval: &Interval| match interval {
        Interval::Hour => zone.is_some() && period.days() <= HOURLY_DAYS_MAX,
        Interval::Day => true,
        Interval::Week => period.days() > 7,
        Interval::Month => period.days() > 31,
    };
    Interval::ALL.iter().copied().filter(fits).collect()
}
