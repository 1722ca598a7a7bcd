//! Accepted events: blocks of some hundred, packed, by the span of time that they lie in.
//!
//! Written once by the aggregator, in the order of time, they are what is exported, recomputed from, and asked whether
//! an event is known. A row per event would be three times as large and, on SQLite, ten times as slow to write.

use super::codec::{Stored, pack_block, unpack_block};
use super::db::{Db, Row, Sql, Tx, Value, chunks};
use crate::error::Error;
use crate::ingest::Identity;
use domain::Timestamp;
use domain::event::Event;
use domain::ids::CustomerNo;
use domain::timestamp::MINUTE_MS;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Events of a full block.
pub const BLOCK_EVENTS: usize = 1_024;
/// Blocks that are read at once: some megabytes.
const READ_AT_ONCE: usize = 128;
/// The length of a span, in milliseconds: short enough for its blocks to be few.
pub const SPAN_MS: i64 = 5 * MINUTE_MS;

/// A span of a customer: the span's start in unix milliseconds.
pub type Span = (i64, CustomerNo);

/// The span that an event lies in.
pub fn span(event: &Event) -> Span {
    (event.at.millis().div_euclid(SPAN_MS) * SPAN_MS, event.customer)
}

/// The last block of a span, to which more can be added until it is full.
#[derive(Debug, Clone, Default)]
pub struct Open {
    pub no: i64,
    pub events: Vec<Stored>,
}

/// The last blocks of some spans, of those that have any.
pub async fn last_of(db: &Db, spans: &[Span]) -> Result<HashMap<Span, Open>, Error> {
    let mut open = HashMap::new();
    for chunk in chunks(spans) {
        let values = chunk.iter().flat_map(|(span, customer)| [Value::from(*span), (*customer).into()]);
        for row in db.fetch(Sql::new(last_of_sql(db, chunk.len())).bind_all(values)).await? {
            let key = (row.int(0)?, CustomerNo(row.narrow(1)?));
            open.insert(key, Open { no: row.int(2)?, events: unpack_block(key.1, &row.bytes(3)?)? });
        }
    }
    Ok(open)
}

fn last_of_sql(db: &Db, wanted: usize) -> String {
    let last = "b.span = w.span AND b.customer_no = w.customer_no AND b.block = (SELECT MAX(l.block) \
                FROM event_blocks l WHERE l.span = w.span AND l.customer_no = w.customer_no)";
    format!(
        "WITH wanted (span, customer_no) AS (VALUES {}) \
         SELECT b.span, b.customer_no, b.block, b.pack FROM wanted w {}",
        db.placeholders(wanted, 2),
        db.look_up("event_blocks", "b", last)
    )
}

/// A block as it is written.
#[derive(Debug)]
pub struct Block {
    pub span: Span,
    pub no: i64,
    first_at: Timestamp,
    last_at: Timestamp,
    events: usize,
    pack: Vec<u8>,
}

/// Adds events to a span: packs what has to be written, and leaves its last block in `open`.
pub fn add(span: Span, open: &mut Open, new: impl IntoIterator<Item = Stored>) -> Result<Vec<Block>, Error> {
    if open.events.len() >= BLOCK_EVENTS {
        *open = Open { no: open.no + 1, events: Vec::new() };
    }
    open.events.extend(new);
    // A stable sort, as much is in order already. The place tells apart what came in one millisecond.
    open.events.sort_by_key(|stored| (stored.event.at, stored.place));
    let mut blocks = Vec::new();
    for (no, events) in (open.no..).zip(open.events.chunks(BLOCK_EVENTS)) {
        let [first, .., last] = events else {
            blocks.push(block(span, no, &events[0], &events[0], events)?);
            continue;
        };
        blocks.push(block(span, no, first, last, events)?);
    }
    let full = open.events.len().saturating_sub(1) / BLOCK_EVENTS;
    open.events.drain(..full * BLOCK_EVENTS);
    open.no += i64::try_from(full).unwrap_or(0);
    Ok(blocks)
}

fn block(span: Span, no: i64, first: &Stored, last: &Stored, events: &[Stored]) -> Result<Block, Error> {
    let (first_at, last_at) = (first.event.at, last.event.at);
    Ok(Block { span, no, first_at, last_at, events: events.len(), pack: pack_block(events)? })
}

/// Writes blocks, in place of those with the same numbers.
pub async fn save(tx: &mut Tx, blocks: &[Block]) -> Result<(), Error> {
    for chunk in chunks(blocks) {
        let sql = format!(
            "INSERT INTO event_blocks (span, customer_no, block, first_at, last_at, events, pack) VALUES {} \
             ON CONFLICT (span, customer_no, block) DO UPDATE SET first_at = excluded.first_at, \
             last_at = excluded.last_at, events = excluded.events, pack = excluded.pack",
            tx.placeholders(chunk.len(), 7)
        );
        let values = chunk.iter().flat_map(|block| -> [Value; 7] {
            let (span, customer) = block.span;
            let events = i64::try_from(block.events).unwrap_or(i64::MAX);
            let (first, last) = (block.first_at.into(), block.last_at.into());
            [span.into(), customer.into(), block.no.into(), first, last, events.into(), block.pack.as_slice().into()]
        });
        tx.execute(Sql::new(sql).bind_all(values)).await?;
    }
    Ok(())
}

/// Which of some events are stored. First it is asked in which blocks they can be, then these are read some at a time: a
/// flood of events of the past may lie in thousands of blocks.
pub async fn known(db: &Db, events: &[Event]) -> Result<HashSet<Identity>, Error> {
    let wanted: HashSet<Identity> = events.iter().map(Identity::of).collect();
    let mut known = HashSet::new();
    // In one state of the database: an event can move on to the next block.
    let mut tx = db.snapshot().await?;
    let blocks: Vec<(Span, i64)> = holding(&mut tx, db, events).await?.into_iter().collect();
    for some in blocks.chunks(READ_AT_ONCE).flat_map(chunks) {
        let values =
            some.iter().flat_map(|((span, customer), no)| [Value::from(*span), (*customer).into(), (*no).into()]);
        for row in tx.fetch(Sql::new(known_sql(db, some.len())).bind_all(values)).await? {
            let stored = unpack_block(CustomerNo(row.narrow(0)?), &row.bytes(1)?)?;
            known.extend(stored.iter().map(|stored| Identity::of(&stored.event)).filter(|id| wanted.contains(id)));
        }
    }
    Ok(known)
}

fn known_sql(db: &Db, wanted: usize) -> String {
    let key = "b.span = w.span AND b.customer_no = w.customer_no AND b.block = w.block";
    format!(
        "WITH wanted (span, customer_no, block) AS (VALUES {}) SELECT b.customer_no, b.pack FROM wanted w {}",
        db.placeholders(wanted, 3),
        db.look_up("event_blocks", "b", key)
    )
}

/// The blocks, by span and number, that hold an event at the time of one of these or one before and one after it.
async fn holding(tx: &mut Tx, db: &Db, events: &[Event]) -> Result<BTreeSet<(Span, i64)>, Error> {
    let times: BTreeSet<(Span, Timestamp)> = events.iter().map(|event| (span(event), event.at)).collect();
    let times: Vec<(Span, Timestamp)> = times.into_iter().collect();
    let mut blocks = BTreeSet::new();
    for some in chunks(&times) {
        let values =
            some.iter().flat_map(|((span, customer), at)| [Value::from(*span), (*customer).into(), (*at).into()]);
        for row in tx.fetch(Sql::new(holding_sql(db, some.len())).bind_all(values)).await? {
            blocks.insert(((row.int(0)?, CustomerNo(row.narrow(1)?)), row.int(2)?));
        }
    }
    Ok(blocks)
}

fn holding_sql(db: &Db, wanted: usize) -> String {
    let key = "b.span = w.span AND b.customer_no = w.customer_no AND b.first_at <= w.at AND b.last_at >= w.at";
    format!(
        "WITH wanted (span, customer_no, at) AS (VALUES {}) \
         SELECT DISTINCT b.span, b.customer_no, b.block FROM wanted w {}",
        db.placeholders(wanted, 3),
        db.look_up("event_blocks", "b", key)
    )
}

/// The latest instant of an event; `None` if there is no event.
pub async fn latest(tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT MAX(last_at) FROM event_blocks WHERE span = (SELECT MAX(span) FROM event_blocks)";
    tx.fetch_one(Sql::new(sql)).await?.opt_at(0)
}

/// Where a page of a customer's blocks ends: span and number.
pub type PageEnd = (i64, i64);

/// A page of a customer's events, in the order of their spans, after `after`; `None` when there is no more.
pub async fn page(
    tx: &mut Tx,
    customer: CustomerNo,
    after: PageEnd,
    blocks_max: i64,
) -> Result<Option<(PageEnd, Vec<Stored>)>, Error> {
    let sql = "SELECT span, block, pack FROM event_blocks WHERE customer_no = $1 AND (span, block) > ($2, $3) \
               ORDER BY span, block LIMIT $4";
    let rows = tx.fetch(Sql::new(sql).bind(customer).bind(after.0).bind(after.1).bind(blocks_max)).await?;
    let Some(last) = rows.last() else { return Ok(None) };
    let end = (last.int(0)?, last.int(1)?);
    let unpacked = |row: &Row| unpack_block(customer, &row.bytes(2)?);
    let events = rows.iter().map(unpacked).collect::<Result<Vec<_>, Error>>()?;
    Ok(Some((end, events.into_iter().flatten().collect())))
}

const BETWEEN: &str = "FROM event_blocks WHERE customer_no = $1 AND span > $2 AND span < $3 AND (span, block) > ($4, $5) \
                       AND first_at < $6 AND last_at >= $7 ORDER BY span, block LIMIT $8";

/// The events of a customer from one instant up to another, in blocks of which each span's come in order, a page at a
/// time after `after`; `None` when there is no more.
pub async fn page_between(
    tx: &mut Tx,
    customer: CustomerNo,
    (from, to): (Timestamp, Timestamp),
    after: PageEnd,
    blocks_max: i64,
) -> Result<Option<(PageEnd, Vec<Stored>)>, Error> {
    let sql = format!("SELECT span, block, pack {BETWEEN}");
    let sql = Sql::new(sql).bind(customer).bind(from.plus(-SPAN_MS)).bind(to).bind(after.0).bind(after.1);
    let rows = tx.fetch(sql.bind(to).bind(from).bind(blocks_max)).await?;
    let Some(last) = rows.last() else { return Ok(None) };
    let end = (last.int(0)?, last.int(1)?);
    let mut events = Vec::new();
    for row in &rows {
        let unpacked = unpack_block(customer, &row.bytes(2)?)?;
        events.extend(unpacked.into_iter().filter(|stored| (from..to).contains(&stored.event.at)));
    }
    Ok(Some((end, events)))
}

/// How many of the blocks that [`page_between`] would read, of at most `blocks_max`, hold `events_max` events; at least one.
pub async fn blocks_with(
    tx: &mut Tx,
    customer: CustomerNo,
    (from, to): (Timestamp, Timestamp),
    after: PageEnd,
    (blocks_max, events_max): (i64, u64),
) -> Result<i64, Error> {
    let sql = format!("SELECT events {BETWEEN}");
    let sql = Sql::new(sql).bind(customer).bind(from.plus(-SPAN_MS)).bind(to).bind(after.0).bind(after.1);
    let (mut blocks, mut events) = (0, 0);
    for row in tx.fetch(sql.bind(to).bind(from).bind(blocks_max)).await? {
        (blocks, events) = (blocks + 1, events + row.narrow::<u64>(0)?);
        if events >= events_max {
            break;
        }
    }
    Ok(blocks.max(1))
}

/// How many events a span holds.
pub async fn count_of_span(tx: &mut Tx, (span, customer): Span) -> Result<u64, Error> {
    let sql = "SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM event_blocks WHERE span = $1 AND customer_no = $2";
    tx.fetch_one(Sql::new(sql).bind(span).bind(customer)).await?.narrow(0)
}

/// How many events a customer has.
pub async fn count(tx: &mut Tx, customer: CustomerNo) -> Result<u64, Error> {
    let sql = "SELECT CAST(COALESCE(SUM(events), 0) AS BIGINT) FROM event_blocks WHERE customer_no = $1";
    tx.fetch_one(Sql::new(sql).bind(customer)).await?.narrow(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{new_db, new_postgres_db, plan};
    use domain::zone::Month;

    type Text = fn(&Db, usize) -> String;
    /// The statements that look blocks up, with the number of values for each that is wanted, and of the key's columns that
    /// it is looked up by.
    const STATEMENTS: [(Text, usize, usize); 3] = [(last_of_sql, 2, 3), (known_sql, 3, 3), (holding_sql, 3, 2)];
    const WANTED: [usize; 4] = [1, 2, 128, 512];

    #[tokio::test]
    async fn blocks_are_looked_up_by_their_key_however_many_are_wanted() {
        let (_directory, db) = new_db().await;
        for (sql, values, by) in STATEMENTS {
            let key = ["span", "customer_no", "block"].map(|column| format!("{column}=?"))[..by].join(" AND ");
            for wanted in WANTED {
                let plan = plan(&db, &sql(&db, wanted), values * wanted).await;
                let looks = plan
                    .iter()
                    .any(|step| step.starts_with("SEARCH b USING INDEX") && step.ends_with(&format!("({key})")));
                assert!(looks, "{plan:?}");
            }
        }
    }

    #[tokio::test]
    async fn postgres_looks_blocks_up_by_their_key_as_well() {
        let db = new_postgres_db().await;
        let mut tx = db.begin().await.unwrap();
        let (from, to) = (Timestamp::from_millis(0), Timestamp::from_millis(SPAN_MS));
        crate::store::aggregator::make_partitions(&mut tx, &[(Month(0), from, to)]).await.unwrap();
        tx.commit().await.unwrap();
        for (sql, values, _) in STATEMENTS {
            for wanted in WANTED {
                let plan = plan(&db, &sql(&db, wanted), values * wanted).await.join("\n");
                assert!(plan.contains("Index Cond: ((span = ") && !plan.contains("Seq Scan"), "{plan}");
            }
        }
    }
}
