//! What became of each event of a month, and the counts by day, application and helpline.

use super::{FRESH_MS, MONTH_EVENTS_MAX, Sessions, Subject, extent, sessions_between};
use crate::Engine;
use crate::actor::Reader;
use crate::aggregate::slices;
use crate::directory::Directory;
use crate::error::Error;
use crate::ingest::{DUPLICATE, quarter};
use crate::store;
use crate::store::aggregator::Kept;
use crate::store::db::Tx;
use domain::account::Tier;
use domain::billing::judge::{Judgement, judge};
use domain::billing::{BillableFigure, Step};
use domain::event::Action;
use domain::fault::{FaultCode, Faults};
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use domain::retention::is_countable;
use domain::timestamp::DAY_MS;
use domain::zone::{Day, Month, Zone};
use domain::{ApplicationId, HelplineId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What became of an event, in a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(u8);

const OTHER_KIND: u8 = 1;
const KEPT: u8 = 1 << 1;
const BILLED: u8 = 1 << 2;
const IS_ATTRIBUTED: u8 = 1 << 3;
const SANDBOX: u8 = 1 << 4;

impl Mark {
    fn of(judgement: &Judgement) -> Self {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        Self(
            bit(judgement.is_other_kind, OTHER_KIND)
                | bit(judgement.is_kept, KEPT)
                | bit(judgement.is_billed, BILLED)
                | bit(judgement.attributed == Some(true), IS_ATTRIBUTED),
        )
    }

    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    /// As it was judged; `None` for an event of a sandbox application.
    pub fn judgement(self, action: Action, because_of: Option<Timestamp>) -> Option<Judgement> {
        let judgement = Judgement {
            is_other_kind: self.has(OTHER_KIND),
            is_kept: self.has(KEPT),
            is_billed: self.has(BILLED),
            because_of,
            attributed: (action != Action::Display).then_some(self.has(IS_ATTRIBUTED)),
        };
        (!self.has(SANDBOX)).then_some(judgement)
    }

    pub fn is_in(self, step: Step) -> bool {
        match (step, self.judgement(Action::Display, None)) {
            (Step::Sandbox, judgement) => judgement.is_none(),
            (_, None) => false,
            (step, Some(judgement)) => judgement.is_in(step),
        }
    }
}

/// What is counted apart behind a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Part {
    day: Day,
    application: ApplicationNo,
    helpline: HelplineNo,
}

/// A month whose events have been judged.
pub(super) struct Judged {
    pub subject: Subject,
    /// When.
    pub at: Timestamp,
    /// Sorted by place: what became of the event there, and the event that it repeats, in milliseconds since
    /// [`marks_start`], beginning with 1.
    marks: Vec<(u64, u32, Mark)>,
    counts: BTreeMap<Part, [i64; Step::ALL.len()]>,
}

/// From when on an event is known as what one of the month repeats: a referral, whose displays follow each other within
/// seconds, may have begun in the month before.
fn marks_start(month_start: Timestamp) -> Timestamp {
    month_start.plus(-DAY_MS)
}

impl Judged {
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// What became of the event at a place; `None` if it is not of this month, or came later.
    pub fn find(&self, place: u64) -> Option<(Mark, Option<Timestamp>)> {
        let found = self.marks.binary_search_by_key(&place, |(place, ..)| *place).ok()?;
        let (_, since, mark) = self.marks[found];
        let start = marks_start(extent((self.subject.month, self.subject.zone)).0);
        Some((mark, (since > 0).then(|| start.plus(i64::from(since) - 1))))
    }

    /// Judges the sessions of a slice.
    fn add(&mut self, sessions: &Sessions, directory: &Directory) {
        let Subject { month, zone, figure, log_length, .. } = self.subject;
        let (start, end) = extent((month, zone));
        let mut entries = Vec::new();
        for (session, events) in sessions {
            let events: Vec<_> = events.iter().filter(|(_, place)| *place <= log_length).collect();
            entries.clear();
            entries.extend(events.iter().map(|(entry, _)| *entry));
            let application = directory.application(session.application);
            let is_sandbox = application.is_some_and(|it| it.record.application.tier == Tier::Sandbox);
            let judged = if is_sandbox { Vec::new() } else { judge(&entries, figure, zone) };
            for (i, (entry, place)) in events.into_iter().enumerate() {
                if !(start..end).contains(&entry.at) {
                    continue;
                }
                let mark = judged.get(i).map_or(Mark(SANDBOX), Mark::of);
                let since = judged.get(i).and_then(|judgement| judgement.because_of);
                let since =
                    since.map_or(0, |at| u32::try_from(at.millis() - marks_start(start).millis() + 1).unwrap_or(0));
                self.marks.push((*place, since, mark));
                let part = Part { day: zone.day(entry.at), application: session.application, helpline: entry.helpline };
                let counts = self.counts.entry(part).or_default();
                for (count, step) in counts.iter_mut().zip(Step::ALL) {
                    *count += i64::from(mark.is_in(step));
                }
            }
        }
    }
}

/// A part of a step, with its name for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepKey<K> {
    pub key: K,
    pub name: String,
    pub events: i64,
}

/// The counts behind a step of a waterfall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCounts {
    pub month: Month,
    pub step: Step,
    pub figure: BillableFigure,
    /// What the parts of each list sum to.
    pub total: i64,
    /// What the waterfall says. It differs where bursts run into the next month (see `domain::billing::judge`), and
    /// where events were refused or repeated after the statement was issued.
    pub stated: i64,
    /// Every day of the month that has any.
    pub by_day: Vec<(Day, i64)>,
    /// Most first.
    pub by_application: Vec<StepKey<ApplicationId>>,
    /// Most first; empty for steps whose helplines are not known.
    pub by_helpline: Vec<StepKey<HelplineId>>,
    /// Refused events by reason, most first.
    pub by_code: Vec<(String, i64)>,
    /// The place in the customer's log up to which events take part.
    pub log_length: u64,
}

impl Engine {
    /// The month of a statement, judged.
    pub(super) async fn judged(
        &self,
        reader: &Reader,
        month: Month,
        as_of: Option<u64>,
    ) -> Result<(Arc<Judged>, super::super::Usage), Error> {
        let entry = reader.one()?;
        let usage = self.usage(reader, month).await?;
        let mut tx = self.0.db.snapshot().await?;
        let kept = with_events(&mut tx, entry.record.no, (month, usage.time_zone)).await?;
        let issued = usage.statement.as_ref().filter(|statement| statement.is_issued());
        let subject = Subject {
            customer: entry.record.no,
            month,
            zone: usage.time_zone,
            figure: usage.waterfall.figure,
            log_length: issued.map_or(as_of.unwrap_or(kept.log_length).min(kept.log_length), |it| it.log_length),
        };
        let is_free = issued.is_none() && as_of.is_none();
        let fresh_since = || is_free.then(|| self.now().plus(-FRESH_MS));
        if let Some(judged) = self.0.trails.find(&subject, fresh_since()) {
            return Ok((judged, usage));
        }
        // Whoever waits for its turn keeps nobody from reading.
        drop(tx);
        let _one_at_a_time = self.0.trails.judging.lock().await;
        if let Some(judged) = self.0.trails.find(&subject, fresh_since()) {
            return Ok((judged, usage));
        }
        let waterfall = &usage.waterfall;
        if waterfall.sandbox + waterfall.other_kind + waterfall.gross > MONTH_EVENTS_MAX.cast_signed() {
            let detail = format!("More than {MONTH_EVENTS_MAX} events: export them instead.");
            return Err(Faults::one("month", FaultCode::PeriodInvalid, detail).into());
        }
        let mut tx = self.0.db.snapshot().await?;
        // They may have been given up while this waited for its turn.
        with_events(&mut tx, subject.customer, (month, subject.zone)).await?;
        let events = u64::try_from(waterfall.sandbox + waterfall.other_kind + waterfall.gross).unwrap_or(0);
        let mut judged = Judged { subject, at: self.now(), marks: Vec::new(), counts: BTreeMap::new() };
        for slice in slices(events) {
            let sessions = sessions_between(&mut tx, subject.customer, (month, subject.zone), slice).await?;
            let directory = self.directory();
            let judging = tokio::task::spawn_blocking(move || {
                judged.add(&sessions, &directory);
                judged
            });
            judged = judging.await.map_err(|error| Error::Internal(format!("judging: {error}")))?;
        }
        judged.marks.sort_unstable_by_key(|(place, ..)| *place);
        let judged = Arc::new(judged);
        self.0.trails.remember(judged.clone());
        Ok((judged, usage))
    }

    /// The counts behind every step of a month's waterfall, all as of one place in the customer's log.
    ///
    /// # Errors
    /// As [`Engine::step_counts`].
    pub async fn all_step_counts(&self, reader: &Reader, month: Month) -> Result<Vec<StepCounts>, Error> {
        let mut steps: Vec<StepCounts> = Vec::new();
        for step in Step::ALL {
            let as_of = steps.first().map(|first| first.log_length);
            steps.push(self.step_counts(reader, month, step, as_of).await?);
        }
        Ok(steps)
    }

    /// The counts behind a step of a month's waterfall, by day, application, helpline or reason. `as_of` is a place in
    /// the customer's log: a list of a running month goes on from it as it began.
    ///
    /// # Errors
    /// [`Error::NotFound`] as [`Engine::usage`]; [`Error::Invalid`] if the month's events are kept no longer.
    pub async fn step_counts(
        &self,
        reader: &Reader,
        month: Month,
        step: Step,
        as_of: Option<u64>,
    ) -> Result<StepCounts, Error> {
        let (judged, usage) = self.judged(reader, month, as_of).await?;
        let directory = self.directory();
        let mut by_day: BTreeMap<Day, i64> = BTreeMap::new();
        let mut by_application: HashMap<ApplicationNo, i64> = HashMap::new();
        let mut by_helpline: HashMap<HelplineNo, i64> = HashMap::new();
        let mut by_code: HashMap<String, i64> = HashMap::new();
        // What was received is everything that was accepted, and what is only counted.
        let accepted: &[Step] =
            if step == Step::Received { &[Step::Sandbox, Step::OtherKind, Step::Gross] } else { &[step] };
        for (part, counts) in &judged.counts {
            let n: i64 = accepted.iter().map(|step| counts[*step as usize]).sum();
            if n != 0 {
                *by_day.entry(part.day).or_default() += n;
                *by_application.entry(part.application).or_default() += n;
                *by_helpline.entry(part.helpline).or_default() += n;
            }
        }
        if !step.has_events() {
            by_helpline.clear();
            let (start, end) = extent((month, usage.time_zone));
            let mut tx = self.0.db.snapshot().await?;
            let customer = judged.subject.customer;
            for (key, n) in store::intake::rows_of_customer(&mut tx, customer, quarter(start), quarter(end)).await? {
                let of = if key.code == DUPLICATE { Step::Duplicates } else { Step::Rejected };
                if step != Step::Received && step != of {
                    continue;
                }
                *by_day.entry(usage.time_zone.day(key.quarter)).or_default() += n;
                *by_application.entry(key.application).or_default() += n;
                if of == Step::Rejected {
                    *by_code.entry(key.code.into_owned()).or_default() += n;
                }
            }
        }
        Ok(StepCounts {
            month,
            step,
            figure: usage.waterfall.figure,
            total: by_day.values().sum(),
            stated: usage.waterfall.get(step),
            by_day: by_day.into_iter().collect(),
            by_application: sorted(by_application, |no| {
                let application = &directory.application(no)?.record.application;
                Some((application.id, application.name.clone()))
            }),
            by_helpline: sorted(by_helpline, |no| {
                let helpline = directory.helpline(no)?;
                Some((helpline.id.clone(), helpline.name.clone()))
            }),
            by_code: most_first(by_code.into_iter().collect()),
            log_length: judged.subject.log_length,
        })
    }
}

/// What a customer's figures are kept by, if the raw events of a month are there, and those that its first ones follow.
pub(super) async fn with_events(
    tx: &mut Tx,
    customer: CustomerNo,
    (month, zone): (Month, Zone),
) -> Result<Kept, Error> {
    let kept = store::aggregator::kept_of(tx, customer).await?;
    if !is_countable(month, kept.events_from, zone) {
        let detail = "The events of this month are kept no longer. Its figures and statement stay.";
        return Err(Faults::one("month", FaultCode::PeriodInvalid, detail).into());
    }
    Ok(kept)
}

fn most_first<K: Ord>(mut counts: Vec<(K, i64)>) -> Vec<(K, i64)> {
    counts.sort_by(|(a_key, a), (b_key, b)| b.cmp(a).then_with(|| a_key.cmp(b_key)));
    counts
}

fn sorted<N: Ord, K>(counts: HashMap<N, i64>, label: impl Fn(N) -> Option<(K, String)>) -> Vec<StepKey<K>> {
    let key = |(no, events)| label(no).map(|(key, name)| StepKey { key, name, events });
    most_first(counts.into_iter().collect()).into_iter().filter_map(key).collect()
}
