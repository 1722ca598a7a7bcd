//! Accepted events, the queue in which they wait for the aggregator, and counts of what was not stored.

use super::codec::{pack_events, unpack_events};
use super::db::{Db, Row, Sql, Tx, Value, chunks};
use crate::error::{Error, corrupt};
use domain::Timestamp;
use domain::event::{Action, Event, SessionKey};
use domain::ids::{ApplicationNo, CustomerNo, HelplineNo};
use std::collections::{BTreeMap, HashSet};

const COLUMNS: &str = "at, customer_no, application_no, helpline_no, action, session";

fn event(row: &Row) -> Result<Event, Error> {
    Ok(Event {
        at: row.at(0)?,
        customer: CustomerNo(row.narrow(1)?),
        application: ApplicationNo(row.narrow(2)?),
        helpline: HelplineNo(row.narrow(3)?),
        action: Action::from_code(row.narrow(4)?).ok_or_else(|| corrupt("action"))?,
        session: SessionKey(row.uuid(5)?.into_bytes()),
    })
}

fn values(event: &Event) -> [Value; 6] {
    [
        event.at.into(),
        event.customer.into(),
        event.application.into(),
        event.helpline.into(),
        event.action.code().into(),
        event.session.into(),
    ]
}

/// Stores events whose identity is new and queues them for the aggregator; returns those that were new.
///
/// `events` must be sorted and each there once: processes that store the same ones then wait for each other in one
/// order, and never for each other at once.
pub async fn append(tx: &mut Tx, events: &[Event]) -> Result<HashSet<Event>, Error> {
    let mut stored = HashSet::with_capacity(events.len());
    for chunk in chunks(events) {
        let rows = tx.placeholders(chunk.len(), 6);
        let sql = format!("INSERT INTO events ({COLUMNS}) VALUES {rows} ON CONFLICT DO NOTHING RETURNING {COLUMNS}");
        for row in tx.fetch(Sql::new(sql).bind_all(chunk.iter().flat_map(values))).await? {
            stored.insert(event(&row)?);
        }
    }
    if !stored.is_empty() {
        // In the order of `events`, so that what happens is the same each time.
        let new: Vec<Event> = events.iter().filter(|event| stored.contains(event)).copied().collect();
        let sql = Sql::new("INSERT INTO event_queue (events) VALUES ($1)").bind(pack_events(&new)?);
        tx.execute(sql).await?;
    }
    Ok(stored)
}

/// Takes packs of events off the queue, oldest first, until there are at least `events_min` or none is left.
pub async fn take_queued(tx: &mut Tx, packs_max: i64, events_min: usize) -> Result<Vec<Event>, Error> {
    let sql = "SELECT id, events FROM event_queue ORDER BY id LIMIT $1";
    let mut events = Vec::new();
    let mut taken = Vec::new();
    for row in tx.fetch(Sql::new(sql).bind(packs_max)).await? {
        taken.push(row.int(0)?);
        events.extend(unpack_events(&row.bytes(1)?)?);
        if events.len() >= events_min {
            break;
        }
    }
    for chunk in chunks(&taken) {
        // By each id: between those seen here, others may have been committed since.
        let sql = format!(
            "DELETE FROM event_queue WHERE id IN ({})",
            tx.placeholders(1, chunk.len()).trim_matches(['(', ')'])
        );
        tx.execute(Sql::new(sql).bind_all(chunk.iter().map(|id| Value::from(*id)))).await?;
    }
    Ok(events)
}

/// The events of a customer that wait in the queue.
pub async fn queued(tx: &mut Tx, customer: CustomerNo) -> Result<HashSet<Event>, Error> {
    let mut queued = HashSet::new();
    for row in tx.fetch(Sql::new("SELECT events FROM event_queue")).await? {
        let events = unpack_events(&row.bytes(0)?)?;
        queued.extend(events.into_iter().filter(|event| event.customer == customer));
    }
    Ok(queued)
}

/// How many packs wait in the queue.
pub async fn queued_packs(db: &Db) -> Result<i64, Error> {
    db.fetch_one(Sql::new("SELECT COUNT(*) FROM event_queue")).await?.int(0)
}

/// How many events a customer has.
pub async fn count(tx: &mut Tx, customer: CustomerNo) -> Result<u64, Error> {
    tx.fetch_one(Sql::new("SELECT COUNT(*) FROM events WHERE customer_no = $1").bind(customer)).await?.narrow(0)
}

/// All events of a customer's sessions whose keys lie from `first` to `last`.
pub async fn between(
    tx: &mut Tx,
    customer: CustomerNo,
    first: SessionKey,
    last: SessionKey,
) -> Result<Vec<Event>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE customer_no = $1 AND session BETWEEN $2 AND $3");
    tx.fetch(Sql::new(sql).bind(customer).bind(first).bind(last)).await?.iter().map(event).collect()
}

/// Whether a helpline has events.
pub async fn helpline_has_events(tx: &mut Tx, helpline: HelplineNo) -> Result<bool, Error> {
    // The count tables and the queue know it without a scan of the events: figures of the helpline scope name it.
    let counted = Sql::new("SELECT 1 FROM figures WHERE scope = 1 AND member = $1 LIMIT 1").bind(helpline);
    if tx.fetch_optional(counted).await?.is_some() {
        return Ok(true);
    }
    let waiting = tx.fetch(Sql::new("SELECT events FROM event_queue")).await?;
    for row in waiting {
        if unpack_events(&row.bytes(0)?)?.iter().any(|event| event.helpline == helpline) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What was received by an application in a quarter hour but not stored, under a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IntakeKey {
    pub quarter: Timestamp,
    pub customer: CustomerNo,
    pub application: ApplicationNo,
    pub code: &'static str,
}

/// Adds to the counts of what was not stored.
pub async fn count_intake(tx: &mut Tx, counts: &BTreeMap<IntakeKey, i64>) -> Result<(), Error> {
    let rows: Vec<_> = counts.iter().collect();
    for chunk in chunks(&rows) {
        let sql = format!(
            "INSERT INTO intake_counts (quarter, customer_no, application_no, code, events) VALUES {} \
             ON CONFLICT (quarter, customer_no, application_no, code) \
             DO UPDATE SET events = intake_counts.events + excluded.events",
            tx.placeholders(chunk.len(), 5)
        );
        let values = chunk.iter().flat_map(|(key, n)| -> [Value; 5] {
            [key.quarter.into(), key.customer.into(), key.application.into(), key.code.into(), (**n).into()]
        });
        tx.execute(Sql::new(sql).bind_all(values)).await?;
    }
    Ok(())
}

/// What some applications of a customer sent without it being stored, by code, received from `from` up to `to`.
pub async fn intake(
    db: &Db,
    customer: CustomerNo,
    applications: &[ApplicationNo],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(String, i64)>, Error> {
    if applications.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<String> = (0..applications.len()).map(|i| format!("${}", i + 4)).collect();
    let sql = format!(
        "SELECT code, CAST(SUM(events) AS BIGINT) FROM intake_counts \
         WHERE quarter >= $1 AND quarter < $2 AND customer_no = $3 AND application_no IN ({}) \
         GROUP BY code ORDER BY 2 DESC, code",
        list.join(", ")
    );
    let sql = Sql::new(sql).bind(from).bind(to).bind(customer);
    let sql = sql.bind_all(applications.iter().map(|application| Value::from(*application)));
    db.fetch(sql).await?.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}
