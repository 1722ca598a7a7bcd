//! The log: what the writers have committed, in packs, in the order of their commits.
//!
//! An answer to a partner follows the commit of a pack, so an append is one statement, one write at the end of a table
//! and one sync, whatever else the database is busy with. Each database needs a way of its own for that:
//!
//! - On SQLite there is one write lock per file, and the aggregator holds that of the main file for a while. So the log
//!   is in a file beside it (`….db-log`), which only writers write.
//! - On Postgres numbers would be given before commits and so not in their order. The append takes the next number
//!   under a lock that it keeps until the commit: whoever sees a pack has seen all with smaller numbers. (The number is
//!   of a sequence, which an append that fails leaves a gap in. In a row, a thousand versions a second of it would stay
//!   for as long as the aggregator's transaction, and each append would go through all of them.)

use super::aggregator::Progress;
use super::codec::{Pack, unpack};
use super::db::{Db, Row, Sql, Tx, Value};
use super::turn::Turn;
use crate::error::Error;
use crate::pace::breathe;
use domain::Timestamp;
use domain::ids::HelplineNo;
use uuid::Uuid;

/// Packs, and about how many events, that are read at once where all of a log is gone through.
pub const READ_PACKS_MAX: i64 = 1_000;
pub const READ_EVENTS_MAX: usize = 65_536;

/// The table on SQLite, where it is in a file of its own and no migration reaches it.
pub const SQLITE_TABLE: &str = "CREATE TABLE IF NOT EXISTS log (
    seq INTEGER PRIMARY KEY,
    writer BLOB NOT NULL,
    number BIGINT NOT NULL,
    appended_at BIGINT NOT NULL,
    events BIGINT NOT NULL,
    pack BLOB NOT NULL
)";

/// A pack to append. A writer numbers its packs, so that it can find out whether one was committed when the connection
/// broke off before the answer.
#[derive(Debug, Clone)]
pub struct Append<'a> {
    pub writer: Uuid,
    pub number: i64,
    pub appended_at: Timestamp,
    /// Events in the pack.
    pub events: usize,
    pub pack: &'a [u8],
}

/// Appends a pack and gives its place in the log. On Postgres a pack that its writer has appended before is not
/// appended again: the place is that of the first time.
pub async fn append(db: &Db, append: &Append<'_>) -> Result<i64, Error> {
    let values = |sql: Sql| {
        let events = i64::try_from(append.events).unwrap_or(i64::MAX);
        sql.bind(append.writer).bind(append.number).bind(append.appended_at).bind(events).bind(append.pack)
    };
    match db {
        Db::Sqlite { .. } => {
            let sql = "INSERT INTO log (writer, number, appended_at, events, pack) VALUES ($1, $2, $3, $4, $5)";
            db.append(values(Sql::new(sql))).await?.ok_or(Error::NotFound)
        }
        Db::Postgres { .. } => {
            let sql = "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(CAST($6 AS INTEGER), 0)) \
                       INSERT INTO log (seq, writer, number, appended_at, events, pack) \
                       SELECT nextval('log_seq'), $1, $2, $3, $4, $5 FROM turn \
                       ON CONFLICT (writer, number) DO NOTHING RETURNING seq";
            if let Some(seq) = db.append(values(Sql::new(sql)).bind(Turn::Appends.lock())).await? {
                return Ok(seq);
            }
            let sql = Sql::new("SELECT seq FROM log WHERE writer = $1 AND number = $2");
            db.append(sql.bind(append.writer).bind(append.number)).await?.ok_or(Error::NotFound)
        }
    }
}

/// A pack of the log.
#[derive(Debug)]
pub struct Logged {
    pub seq: i64,
    pub pack: Pack,
}

/// Packs after a place, oldest first, until they hold `events_max` events or there are `packs_max`; at least one if
/// there is any.
pub async fn after(db: &Db, seq: i64, packs_max: i64, events_max: usize) -> Result<Vec<Logged>, Error> {
    let last = some_after(db, seq, packs_max, events_max).await?;
    if last == seq {
        return Ok(Vec::new());
    }
    let sql = "SELECT seq, pack FROM log WHERE seq > $1 AND seq <= $2 ORDER BY seq";
    let rows = db.fetch_log(Sql::new(sql).bind(seq).bind(last)).await?;
    let logged = |row: &Row| {
        breathe();
        Ok(Logged { seq: row.int(0)?, pack: unpack(&row.bytes(1)?)? })
    };
    rows.iter().map(logged).collect()
}

/// The place of the last of the packs that [`after`] gives; `seq` if there is none. They are not read for it: a log that is
/// far ahead holds gigabytes.
pub async fn some_after(db: &Db, seq: i64, packs_max: i64, events_max: usize) -> Result<i64, Error> {
    let sql = "SELECT seq, events FROM log WHERE seq > $1 ORDER BY seq LIMIT $2";
    let (mut last, mut events) = (seq, 0);
    for row in db.fetch_log(Sql::new(sql).bind(seq).bind(packs_max)).await? {
        if events >= events_max {
            break;
        }
        (last, events) = (row.int(0)?, events + row.narrow::<usize>(1)?);
    }
    Ok(last)
}

/// Whether a pack after a place holds an event of a helpline.
pub async fn mentions(db: &Db, mut seq: i64, helpline: HelplineNo) -> Result<bool, Error> {
    loop {
        let packs = after(db, seq, READ_PACKS_MAX, READ_EVENTS_MAX).await?;
        let Some(last) = packs.last() else { return Ok(false) };
        seq = last.seq;
        if packs.iter().flat_map(|logged| &logged.pack.events).any(|event| event.helpline == helpline) {
            return Ok(true);
        }
    }
}

/// Asked for in one SELECT, SQLite would read the whole log for the two.
const ENDS: &str = "SELECT (SELECT MIN(seq) FROM log), (SELECT MAX(seq) FROM log)";

fn ends_of(rows: &[Row]) -> Result<Option<(i64, i64)>, Error> {
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(row.opt_int(0)?.zip(row.opt_int(1)?))
}

/// The places of the oldest and the newest pack; `None` if there is none.
pub async fn ends(db: &Db) -> Result<Option<(i64, i64)>, Error> {
    ends_of(&db.fetch_log(Sql::new(ENDS)).await?)
}

/// The same in the state that a transaction on what holds the log sees.
pub async fn ends_in(tx: &mut Tx) -> Result<Option<(i64, i64)>, Error> {
    ends_of(&tx.fetch(Sql::new(ENDS)).await?)
}

/// What lies in the log after a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    pub packs: i64,
    pub events: i64,
    /// When the oldest of it was committed.
    pub since: Option<Timestamp>,
}

/// What lies in the log after a place.
pub async fn backlog(db: &Db, seq: i64) -> Result<Backlog, Error> {
    let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(events), 0) AS BIGINT), MIN(appended_at) FROM log WHERE seq > $1";
    let rows = db.fetch_log(Sql::new(sql).bind(seq)).await?;
    let of = |row: &Row| Ok(Backlog { packs: row.int(0)?, events: row.int(1)?, since: row.opt_at(2)? });
    rows.first().map_or(Ok(Backlog::default()), of)
}

/// Forgets packs up to a place. The newest stays, so that numbers go on from it.
pub async fn trim(db: &Db, seq: i64) -> Result<(), Error> {
    let sql = "DELETE FROM log WHERE seq <= $1 AND seq < (SELECT MAX(seq) FROM log)";
    db.append(Sql::new(sql).bind(seq)).await?;
    Ok(())
}

/// Lets the numbers of a log that was lost go on after those that are in the figures, so that what comes is not taken
/// for what is counted already. (On Postgres both are in one database, but a copy of it may have been made of tables
/// alone: then the sequence is behind.)
///
/// On SQLite it fails if the log is missing whose packs are in the figures but in no run yet: sessions would not be known, and
/// figures wrong from then on. A process that stops in order leaves none. It also fails if the log begins after what is in
/// the figures, as beside an older copy of the database: what was cleared away between would be in neither.
pub async fn go_on_after(db: &Db, progress: &Progress) -> Result<(), Error> {
    let (oldest, newest) = ends(db).await?.unwrap_or_default();
    if matches!(db, Db::Postgres { .. }) {
        let sql = "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(CAST($2 AS INTEGER), 0)) \
                   SELECT setval('log_seq', $1) FROM turn WHERE (SELECT last_value FROM log_seq) < $1";
        db.append(Sql::new(sql).bind(newest.max(progress.applied)).bind(Turn::Appends.lock())).await?;
        return Ok(());
    }
    if newest >= progress.applied {
        // Asked again, as a process beside may have written sessions down and cleared the log meanwhile.
        if oldest > progress.flushed + 1 && oldest > super::aggregator::progress(db).await?.flushed + 1 {
            let reason = "the file …-log is of a later moment than this database, and what lies between is in neither: put \
                          both back as they were at one moment";
            return Err(Error::Internal(reason.to_owned()));
        }
        return Ok(());
    }
    if progress.flushed < progress.applied {
        let reason = "the file …-log that belongs to this database is missing or older than it: put it back beside it";
        return Err(Error::Internal(reason.to_owned()));
    }
    db.append(empty_pack(progress.applied)).await?;
    Ok(())
}

/// Puts a pack with nothing in it at a place, so that numbers go on from there and nothing seems to be missing before.
pub async fn begin_with_nothing(tx: &mut Tx, seq: i64) -> Result<(), Error> {
    tx.execute(empty_pack(seq)).await?;
    Ok(())
}

fn empty_pack(seq: i64) -> Sql {
    let sql = "INSERT INTO log (seq, writer, number, appended_at, events, pack) VALUES ($1, $2, 0, 0, 0, $3)";
    let values: [Value; 3] = [seq.into(), Uuid::nil().into(), super::codec::pack(&Pack::default()).into()];
    Sql::new(sql).bind_all(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::new_db;
    use domain::event::{Action, Event, SessionKey};
    use domain::ids::{ApplicationNo, CustomerNo};

    #[tokio::test]
    async fn a_log_that_begins_after_the_figures_is_refused() {
        let (_directory, db) = new_db().await;
        let progress = super::super::aggregator::progress(&db).await.unwrap();
        for (seq, is_refused) in [(5, true), (1, false)] {
            db.append(empty_pack(seq)).await.unwrap();
            assert_eq!(go_on_after(&db, &progress).await.is_err(), is_refused, "from {seq}");
        }
    }

    #[tokio::test]
    async fn packs_come_as_far_as_they_fit() {
        let (_directory, db) = new_db().await;
        let event = Event {
            at: Timestamp::from_millis(5),
            customer: CustomerNo(1),
            application: ApplicationNo(1),
            helpline: HelplineNo(1),
            action: Action::Display,
            session: SessionKey([1; 16]),
        };
        for number in 1..=4 {
            let pack = super::super::codec::pack(&Pack { events: vec![event; 10], refused: Vec::new() });
            let appended_at = Timestamp::from_millis(number);
            let new = Append { writer: Uuid::nil(), number, appended_at, events: 10, pack: &pack };
            assert_eq!(append(&db, &new).await.unwrap(), number);
        }
        for (seq, packs_max, events_max, expected) in [
            (0, 9, 1, vec![1]),
            (0, 9, 10, vec![1]),
            (0, 9, 11, vec![1, 2]),
            (0, 3, usize::MAX, vec![1, 2, 3]),
            (1, 9, 20, vec![2, 3]),
            (3, 9, 20, vec![4]),
            (4, 9, 20, vec![]),
        ] {
            let packs = after(&db, seq, packs_max, events_max).await.unwrap();
            assert_eq!(packs.iter().map(|logged| logged.seq).collect::<Vec<_>>(), expected, "after {seq}");
            assert!(packs.iter().all(|logged| logged.pack.events == [event; 10]));
        }
    }
}
