//! Figures as people and programs ask for them. All of them are read from the count tables.

use crate::actor::Reader;
use crate::directory::{ApplicationEntry, CustomerEntry, Directory};
use crate::error::Error;
use crate::ingest::{DUPLICATE, quarter};
use crate::store::db::Tx;
use crate::store::figures::{GroupBy, Query, sums};
use crate::{Engine, store};
use domain::account::Tier;
use domain::fault::{FaultCode, Faults};
use domain::figures::{Counts, Figure, Scope};
use domain::helpline::CountryCode;
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::metering::Grain;
use domain::period::{
    BREAKDOWN_LIMIT_MAX, Breakdown, BreakdownRow, BreakdownRows, Filter, Interval, Period, Span, Summary, Timeseries,
};
use domain::zone::Day;
use domain::{ApplicationId, Zone};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What was received in a period but is in no figure, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntakeReport {
    /// Accepted events (all tiers), by their own time.
    pub accepted: i64,
    /// Repeated identities, by the time of the event.
    pub duplicates: i64,
    /// Refused events by code, by the time they were received; most first.
    pub refused: Vec<(String, i64)>,
}

/// A question with all that its filter names looked up.
pub(crate) struct Question {
    customers: Vec<CustomerNo>,
    pub(crate) applications: Vec<ApplicationNo>,
    scope: Scope,
    member: Option<i64>,
    method: Option<u8>,
    /// Of a breakdown by helpline: only those of this country. (Counts by helpline do not name it.)
    only_country: Option<CountryCode>,
    /// The filter names something that has no events.
    is_empty: bool,
}

impl Engine {
    pub(crate) fn question(
        &self,
        directory: &Directory,
        reader: &Reader,
        filter: &Filter,
        by: Option<Breakdown>,
    ) -> Result<Question, Error> {
        let tier = filter.tier.unwrap_or(Tier::Production);
        let of = reader.of.as_ref().map(|entry| entry.record.no);
        if let Some(id) = filter.application_id {
            find_application(directory, of, id)?;
        }
        let asked = |entry: &&Arc<ApplicationEntry>| {
            of.is_none_or(|no| no == entry.record.customer_no)
                && entry.record.application.tier == tier
                && filter.application_id.is_none_or(|id| id == entry.record.application.id)
        };
        let applications: Vec<_> = directory.applications().into_iter().filter(asked).collect();
        let customers: std::collections::BTreeSet<_> =
            applications.iter().map(|entry| entry.record.customer_no).collect();
        let scope = filter.scope(by);
        let helpline = match &filter.helpline_id {
            None => None,
            Some(id) => Some(directory.helpline_no(id.as_str()).ok_or_else(|| {
                Faults::one("helpline_id", FaultCode::HelplineUnknown, "No helpline of the catalogue has this id.")
            })?),
        };
        let is_elsewhere = |no: HelplineNo| filter.country_code.is_some_and(|code| directory.country(no) != Some(code));
        let of_country = filter.country_code.filter(|_| matches!(scope, Scope::Country | Scope::CountryMethod));
        Ok(Question {
            customers: customers.into_iter().collect(),
            applications: applications.iter().map(|entry| entry.record.no).collect(),
            scope,
            member: helpline.map(i64::from).or(of_country.map(CountryCode::number)),
            method: filter.contact_method.map(|method| method as u8),
            only_country: filter.country_code.filter(|_| of_country.is_none()),
            is_empty: helpline.is_some_and(is_elsewhere),
        })
    }

    /// Today, in a zone or, of all customers, in UTC.
    fn today(&self, zone: Option<Zone>) -> Day {
        zone.unwrap_or(Zone::UTC).day(self.now())
    }

    /// The figures of a period.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the filter names an application or helpline that there is not.
    pub async fn summary(&self, reader: &Reader, period: Period, filter: &Filter) -> Result<Summary, Error> {
        let question = self.question(&self.directory(), reader, filter, None)?;
        let mut tx = self.0.db.snapshot().await?;
        let time_zone = counted_in(&mut tx, reader).await?;
        let totals = question.sums(&mut tx, &period.spans(self.today(time_zone)), GroupBy::Nothing).await?;
        let counts = totals.into_values().next().unwrap_or_default();
        Ok(Summary { period, time_zone, scope: question.scope, counts })
    }

    /// The figures of a period over time, empty buckets included.
    ///
    /// # Errors
    /// As [`Engine::summary`]; also for hours of too long a period, or of several customers at once.
    pub async fn timeseries(
        &self,
        reader: &Reader,
        period: Period,
        interval: Interval,
        filter: &Filter,
    ) -> Result<Timeseries, Error> {
        if interval == Interval::Hour && reader.of.is_none() {
            let detail = "By the hour for one customer at a time: hours differ between time zones.";
            return Err(Faults::one("interval", FaultCode::PeriodInvalid, detail).into());
        }
        let question = self.question(&self.directory(), reader, filter, None)?;
        let mut tx = self.0.db.snapshot().await?;
        let time_zone = counted_in(&mut tx, reader).await?;
        let zone = time_zone.unwrap_or(Zone::UTC);
        let buckets = interval.buckets(period, zone)?;
        let grain = interval.grain();
        let (from, to) = match grain {
            Grain::Hour => (zone.day_start(period.from).millis(), zone.day_start(period.to).millis()),
            Grain::Day | Grain::Month => (i64::from(period.from.0), i64::from(period.to.0)),
        };
        let totals = question.sums(&mut tx, &[Span { grain, from, to, is_off: false }], GroupBy::Bucket).await?;
        let start = |bucket: &domain::period::Bucket| match grain {
            Grain::Hour => bucket.start.millis(),
            Grain::Day | Grain::Month => i64::from(bucket.day.0),
        };
        let ends = buckets.iter().skip(1).map(start).chain([to]);
        let filled = buckets.iter().zip(ends).map(|(bucket, end)| {
            let mut counts = Counts::default();
            totals.range(start(bucket)..end).for_each(|(_, more)| counts.merge(more));
            (*bucket, counts)
        });
        let buckets = filled.collect();
        Ok(Timeseries { period, time_zone, interval, scope: question.scope, buckets })
    }

    /// The figures of a period, broken down. Rows without any count are left out.
    ///
    /// # Errors
    /// As [`Engine::summary`].
    pub async fn breakdown(
        &self,
        reader: &Reader,
        period: Period,
        by: Breakdown,
        filter: &Filter,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<BreakdownRows, Error> {
        let (time_zone, scope, rows) = self.whole_breakdown(reader, period, by, filter).await?;
        let page = crate::Paging { cursor: cursor.map(str::to_owned), limit: limit.min(BREAKDOWN_LIMIT_MAX) };
        let page = page.cut_at_most(rows, BREAKDOWN_LIMIT_MAX, |row| row.key.clone())?;
        Ok(BreakdownRows { period, time_zone, by, scope, rows: page.items, next_cursor: page.next_cursor })
    }

    /// All rows of a breakdown, largest first, and the zone in which they are counted.
    pub(crate) async fn whole_breakdown(
        &self,
        reader: &Reader,
        period: Period,
        by: Breakdown,
        filter: &Filter,
    ) -> Result<(Option<Zone>, Scope, Vec<BreakdownRow>), Error> {
        let directory = self.directory();
        let question = self.question(&directory, reader, filter, Some(by))?;
        let group_by = match by {
            Breakdown::Application => GroupBy::Application,
            Breakdown::ContactMethod => GroupBy::Method,
            Breakdown::Country | Breakdown::Helpline | Breakdown::Topic => GroupBy::Member,
        };
        let mut tx = self.0.db.snapshot().await?;
        let time_zone = counted_in(&mut tx, reader).await?;
        let totals = question.sums(&mut tx, &period.spans(self.today(time_zone)), group_by).await?;
        drop(tx);
        let mut rows = rows(&directory, by, &question, totals);
        rows.sort_by(|a, b| sort_key(b).cmp(&sort_key(a)).then_with(|| a.key.cmp(&b.key)));
        Ok((time_zone, question.scope, rows))
    }

    /// What applications sent in a period that is in no figure, and why.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an application that the reader may not know of.
    pub async fn intake(
        &self,
        reader: &Reader,
        period: Period,
        application: Option<ApplicationId>,
    ) -> Result<IntakeReport, Error> {
        let directory = self.directory();
        let mut report = IntakeReport::default();
        let mut refused: HashMap<String, i64> = HashMap::new();
        let customers: Vec<&Arc<CustomerEntry>> = match &reader.of {
            Some(entry) => vec![entry],
            None => directory.customers(),
        };
        if let Some(id) = application {
            find_application(&directory, reader.of.as_ref().map(|entry| entry.record.no), id)?;
        }
        let numbers: Vec<_> = customers.iter().map(|customer| customer.record.no).collect();
        let mut tx = self.0.db.snapshot().await?;
        let kept = store::aggregator::kept(&mut tx, &numbers).await?;
        for customer in customers {
            let zone = kept.get(&customer.record.no).ok_or(Error::NotFound)?.zone;
            let own =
                directory.applications().into_iter().filter(|entry| entry.record.customer_no == customer.record.no);
            let own = own.filter(|entry| application.is_none_or(|id| id == entry.record.application.id));
            let applications: Vec<_> = own.map(|entry| entry.record.no).collect();
            let (from, to) = (quarter(zone.day_start(period.from)), quarter(zone.day_start(period.to)));
            for (code, n) in
                store::intake::of_applications(&mut tx, customer.record.no, &applications, from, to).await?
            {
                *refused.entry(code).or_default() += n;
            }
            let question = Question {
                customers: vec![customer.record.no],
                applications,
                scope: Scope::Application,
                member: None,
                method: None,
                only_country: None,
                is_empty: false,
            };
            let spans = period.spans(self.today(Some(zone)));
            for counts in question.sums(&mut tx, &spans, GroupBy::Nothing).await?.into_values() {
                report.accepted += counts.get(Figure::GrossDisplays) + counts.get(Figure::GrossClicks);
            }
        }
        report.duplicates = refused.remove(DUPLICATE).unwrap_or(0);
        report.refused = refused.into_iter().collect();
        report.refused.sort_by(|(a_code, a), (b_code, b)| b.cmp(a).then_with(|| a_code.cmp(b_code)));
        Ok(report)
    }
}

impl Question {
    /// Adds up counts of spans.
    async fn sums(&self, tx: &mut Tx, spans: &[Span], group_by: GroupBy) -> Result<BTreeMap<i64, Counts>, Error> {
        let mut totals: BTreeMap<i64, Counts> = BTreeMap::new();
        if self.is_empty {
            return Ok(totals);
        }
        for span in spans {
            let query = Query {
                customers: &self.customers,
                applications: &self.applications,
                scope: self.scope,
                grain: span.grain,
                from: span.from,
                to: span.to,
                member: self.member,
                method: self.method,
                group_by,
            };
            for (key, counts) in sums(tx, &query).await? {
                let total = totals.entry(key).or_default();
                if span.is_off { total.take_off(&counts) } else { total.merge(&counts) }
            }
        }
        Ok(totals)
    }
}

/// The zone in which a reader's figures are counted at present: the customer's, or the one before it until they are counted
/// anew. `None` for all customers, each of which has its own.
async fn counted_in(tx: &mut Tx, reader: &Reader) -> Result<Option<Zone>, Error> {
    match &reader.of {
        None => Ok(None),
        Some(entry) => Ok(Some(store::aggregator::kept_of(tx, entry.record.no).await?.zone)),
    }
}

fn find_application(
    directory: &Directory,
    of: Option<CustomerNo>,
    id: ApplicationId,
) -> Result<&Arc<ApplicationEntry>, Error> {
    // Another customer's application is as unknown as one that does not exist.
    let known = directory
        .applications()
        .into_iter()
        .find(|entry| entry.record.application.id == id && of.is_none_or(|no| no == entry.record.customer_no));
    known.ok_or_else(|| Faults::one("application_id", FaultCode::FieldInvalid, "There is no such application.").into())
}

/// Largest first: by gross displays, then gross clicks.
fn sort_key(row: &BreakdownRow) -> (i64, i64) {
    (row.counts.get(Figure::GrossDisplays), row.counts.get(Figure::GrossClicks))
}

fn rows(directory: &Directory, by: Breakdown, question: &Question, totals: BTreeMap<i64, Counts>) -> Vec<BreakdownRow> {
    let mut rows: BTreeMap<String, BreakdownRow> = BTreeMap::new();
    let countries = if by == Breakdown::Country { directory.countries() } else { BTreeMap::new() };
    let country = |code: CountryCode| {
        let name = countries.get(&code).map_or_else(|| code.to_string(), |country| country.name.clone());
        (code.to_string(), name)
    };
    for (value, counts) in totals.into_iter().filter(|(_, counts)| !counts.is_zero()) {
        for (key, name) in labels(directory, by, question, value, &country) {
            let row = rows.entry(key.clone());
            row.or_insert_with(|| BreakdownRow { key, name, counts: Counts::default() }).counts.merge(&counts);
        }
    }
    rows.into_values().collect()
}

/// Key and name of the row, or rows, that a value of the grouping column belongs to.
fn labels(
    directory: &Directory,
    by: Breakdown,
    question: &Question,
    value: i64,
    country: &impl Fn(CountryCode) -> (String, String),
) -> Vec<(String, String)> {
    let helpline = || {
        let no = HelplineNo(u32::try_from(value).ok()?);
        let helpline = directory.helpline(no)?;
        question.only_country.is_none_or(|code| code == helpline.country.code).then_some(helpline)
    };
    match by {
        Breakdown::Application => {
            let no = u32::try_from(value).ok().map(ApplicationNo);
            let entry = no.and_then(|no| directory.application(no));
            let label = |entry: &Arc<ApplicationEntry>| {
                let application = &entry.record.application;
                (application.id.to_string(), application.name.clone())
            };
            entry.map(label).into_iter().collect()
        }
        Breakdown::ContactMethod => {
            let method = u8::try_from(value).ok().and_then(domain::event::ContactMethod::from_code);
            method.map(|method| (method.as_str().to_owned(), method.label().to_owned())).into_iter().collect()
        }
        Breakdown::Country => {
            let code = match question.scope {
                Scope::Country | Scope::CountryMethod => CountryCode::from_number(value),
                _ => helpline().map(|helpline| helpline.country.code),
            };
            code.map(country).into_iter().collect()
        }
        Breakdown::Helpline => {
            helpline().map(|helpline| (helpline.id.to_string(), helpline.name.clone())).into_iter().collect()
        }
        Breakdown::Topic => {
            let topics = helpline().into_iter().flat_map(|helpline| &helpline.topics);
            topics.map(|topic| (topic.code.clone(), topic.name.clone())).collect()
        }
    }
}
