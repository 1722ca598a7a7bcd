//! Runs: what the aggregator knows of sessions, written in bulk.
//!
//! Sessions are keyed at random, so a table by session would be written all over for every few events. Instead the
//! aggregator gathers some hundred thousand events in memory and writes them at once, sorted by session and cut into
//! parts, as one *run* of each customer. A filter in memory tells which runs can know a session at all, and its key in
//! which part: nothing else is read.

mod pack;

use pack::Packed;
pub use pack::{Frozen, NewRun, Part};

use super::codec::{Entries, Session, unpack_part};
use super::db::{Db, Row, Sql, Tx, Value, chunks};
use super::filter::{Filter, Mark, hash};
use crate::error::Error;
use domain::Timestamp;
use domain::ids::CustomerNo;
use domain::metering::Entry;

/// Most parts of a run.
const PARTS_MAX: usize = 1 << 16;
/// Events of a slice, about: what is unpacked at once where all of a run is read.
const SLICE_EVENTS: usize = 16_384;

/// The first and last instant of some events, and how many these are; `None` if there is none.
pub fn extent<'a>(entries: impl Iterator<Item = &'a Entry>) -> Option<(Timestamp, Timestamp, usize)> {
    entries.fold(None, |extent, Entry { at, .. }| match extent {
        None => Some((*at, *at, 1)),
        Some((first, last, n)) => Some((first.min(*at), last.max(*at), n + 1)),
    })
}

/// A run, without its sessions.
#[derive(Debug, Clone)]
pub struct Run {
    pub customer: CustomerNo,
    pub no: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub events: usize,
    parts: usize,
    /// Read when it is first needed.
    pub filter: Option<Filter>,
}

/// The part of a run of `parts` (a power of two) that a session is in: by the first bits of its key.
fn part_of(session: &Session, parts: usize) -> i64 {
    let [a, b, c, d, ..] = session.key.0;
    (i64::from(u32::from_be_bytes([a, b, c, d])) * i64::try_from(parts).unwrap_or(1)) >> 32
}

impl Run {
    /// Whether the run may know a session. A `false` is certain once the filter has been read.
    pub fn may_know(&self, mark: Mark) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.may_know(mark))
    }

    /// The same, its filter not read yet.
    pub fn without_filter(&self) -> Self {
        Self { filter: None, ..*self }
    }

    /// Bytes that its filter takes in memory.
    pub fn filter_size(&self) -> usize {
        self.filter.as_ref().map_or(0, Filter::size)
    }

    /// The part that a session is in, if it is in this run.
    pub fn part_of(&self, session: &Session) -> i64 {
        part_of(session, self.parts)
    }

    /// Reads the filter, unless that is done. One of an earlier form is made anew, and stored.
    pub async fn read_filter(&mut self, db: &Db) -> Result<(), Error> {
        if self.filter.is_some() {
            return Ok(());
        }
        let key = |sql: &'static str| Sql::new(sql).bind(self.customer).bind(self.no);
        let row =
            db.fetch_one(key("SELECT session_filter FROM session_runs WHERE customer_no = $1 AND run = $2")).await?;
        let stored = row.bytes(0)?;
        let filter = match Filter::from_bytes(&stored) {
            Some(filter) => filter,
            None => {
                let filter = self.make_filter(db).await?;
                // Unless another process has come before this one.
                let sql = "UPDATE session_runs SET session_filter = $3 WHERE customer_no = $1 AND run = $2 AND session_filter = $4";
                let mut tx = db.begin().await?;
                tx.execute(key(sql).bind(filter.bytes()).bind(stored)).await?;
                tx.commit().await?;
                filter
            }
        };
        self.filter = Some(filter);
        Ok(())
    }

    async fn make_filter(&self, db: &Db) -> Result<Filter, Error> {
        let (packed, slices) = (Packed::read(db, self).await?, slices(self.events).min(self.parts));
        let (mut sessions, mut hashes) = (Vec::new(), Vec::new());
        for slice in 0..slices {
            packed.unpack(slice, slices, &mut sessions)?;
            hashes.extend(sessions.drain(..).map(|(session, _)| hash(&session)));
        }
        Ok(Filter::of(&hashes))
    }
}

/// How many slices events are unpacked in: a power of two.
fn slices(events: usize) -> usize {
    (events / SLICE_EVENTS).next_power_of_two()
}

/// All runs, oldest first, without their filters.
pub async fn all(db: &Db) -> Result<Vec<Run>, Error> {
    let sql = "SELECT customer_no, run, first_at, last_at, events, parts FROM session_runs ORDER BY customer_no, run";
    let run = |row: &Row| {
        Ok(Run {
            customer: CustomerNo(row.narrow(0)?),
            no: row.int(1)?,
            first_at: row.at(2)?,
            last_at: row.at(3)?,
            events: row.narrow(4)?,
            parts: row.narrow(5)?,
            filter: None,
        })
    };
    db.fetch(Sql::new(sql)).await?.iter().map(run).collect()
}

/// The sessions of some parts, each given as run and part.
pub async fn parts(db: &Db, customer: CustomerNo, wanted: &[(i64, i64)]) -> Result<Vec<(Session, Entries)>, Error> {
    let mut sessions = Vec::new();
    for chunk in chunks(wanted) {
        let values = chunk.iter().flat_map(|(run, part)| [Value::from(*run), (*part).into()]);
        for row in db.fetch(Sql::new(parts_sql(db, chunk.len())).bind_all(values).bind(customer)).await? {
            sessions.extend(unpack_part(row.at(0)?, &row.bytes(1)?)?);
        }
    }
    Ok(sessions)
}

/// Asks for so many parts.
fn parts_sql(db: &Db, wanted: usize) -> String {
    let key = format!("p.customer_no = {} AND p.run = w.run AND p.part = w.part", db.placeholder(wanted * 2 + 1));
    format!(
        "WITH wanted (run, part) AS (VALUES {}) SELECT r.first_at, p.pack FROM wanted w {} \
         CROSS JOIN session_runs r WHERE r.customer_no = p.customer_no AND r.run = p.run",
        db.placeholders(wanted, 2),
        db.look_up("session_parts", "p", &key)
    )
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Writes parts of runs that are not there yet.
pub async fn write_parts(tx: &mut Tx, parts: &[Part]) -> Result<(), Error> {
    for chunk in chunks(parts) {
        let rows = tx.placeholders(chunk.len(), 4);
        let sql = format!("INSERT INTO session_parts (customer_no, run, part, pack) VALUES {rows}");
        let values = chunk.iter().flat_map(|Part { customer, run, part, pack }| {
            [Value::from(*customer), (*run).into(), (*part).into(), pack.as_slice().into()]
        });
        tx.execute(Sql::new(sql).bind_all(values)).await?;
    }
    Ok(())
}

/// Makes what is written of a run one, in place of those that it replaces. Parts of these are left over.
pub async fn save(tx: &mut Tx, NewRun { run, replaces }: &NewRun) -> Result<(), Error> {
    for no in replaces {
        let sql = "DELETE FROM session_runs WHERE customer_no = $1 AND run = $2";
        tx.execute(Sql::new(sql).bind(run.customer).bind(*no)).await?;
    }
    let sql = "INSERT INTO session_runs (customer_no, run, first_at, last_at, events, parts, session_filter) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let sql = Sql::new(sql).bind(run.customer).bind(run.no).bind(run.first_at).bind(run.last_at);
    let filter = run.filter.as_ref().map(Filter::bytes).unwrap_or_default();
    tx.execute(sql.bind(number(run.events)).bind(number(run.parts)).bind(filter)).await?;
    Ok(())
}

/// Deletes the first parts of a run, and says how many these are: none only if there are none.
pub async fn delete_parts(tx: &mut Tx, customer: CustomerNo, run: i64, parts_max: usize) -> Result<usize, Error> {
    let sql = "SELECT MIN(part) FROM session_parts WHERE customer_no = $1 AND run = $2";
    let Some(first) = tx.fetch_one(Sql::new(sql).bind(customer).bind(run)).await?.opt_int(0)? else { return Ok(0) };
    let sql = "DELETE FROM session_parts WHERE customer_no = $1 AND run = $2 AND part < $3";
    let deleted = tx.execute(Sql::new(sql).bind(customer).bind(run).bind(first + number(parts_max))).await?;
    Ok(usize::try_from(deleted).unwrap_or(parts_max))
}

/// The numbers of runs of which there are parts, but which are not among those that there are.
pub async fn left_over(db: &Db, customer: CustomerNo, runs: &[i64]) -> Result<Vec<i64>, Error> {
    let mut left_over = Vec::new();
    let mut after = i64::MIN;
    for before in runs.iter().copied().chain([i64::MAX]) {
        while after < before - 1 {
            let sql = "SELECT MIN(run) FROM session_parts WHERE customer_no = $1 AND run > $2 AND run < $3";
            let sql = Sql::new(sql).bind(customer).bind(after).bind(before);
            let Some(found) = db.fetch_one(sql).await?.opt_int(0)? else { break };
            left_over.push(found);
            after = found;
        }
        after = before;
    }
    Ok(left_over)
}

/// Packs, writes and saves a run, for tests.
#[cfg(test)]
pub async fn saved(db: &Db, frozen: Frozen) -> NewRun {
    let (new, parts) = frozen.read(db).await.unwrap().pack().unwrap();
    let mut tx = db.begin().await.unwrap();
    write_parts(&mut tx, &parts).await.unwrap();
    save(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{new_db, new_postgres_db, plan, session};
    use domain::event::Action;
    use domain::ids::HelplineNo;
    use std::ops::Range;
    use std::sync::Arc;

    #[test]
    fn events_reach_from_the_first_to_the_last() {
        assert_eq!(extent([entry(3), entry(1)].iter()), Some((entry(1).at, entry(3).at, 2)));
        assert_eq!(extent([].iter()), None);
    }

    fn entry(at: i64) -> Entry {
        Entry { helpline: HelplineNo(1), action: Action::Display, at: Timestamp::from_millis(at) }
    }

    /// A run of sessions that have an event each, merged with earlier ones and saved.
    async fn saved(db: &Db, no: i64, sessions: Range<u32>, at: i64, merged: &[&Run]) -> NewRun {
        let mut in_memory: Vec<_> = sessions.map(|i| (session(i), entry(at))).collect();
        in_memory.sort_unstable();
        let events = in_memory.len() + merged.iter().map(|run| run.events).sum::<usize>();
        let first = merged.iter().map(|run| run.first_at).fold(Timestamp::from_millis(at), Timestamp::min);
        let extent = (first, Timestamp::from_millis(at), events);
        let (in_memory, merged) = (Arc::new(in_memory), merged.iter().copied().cloned().collect());
        super::saved(db, Frozen { customer: CustomerNo(1), no, extent, in_memory, merged }).await
    }

    #[tokio::test]
    async fn each_part_is_looked_up_by_its_key() {
        let (_directory, db) = new_db().await;
        saved(&db, 1, 0..20_000, 5, &[]).await;
        for wanted in [1, 3, 4_000] {
            let steps = plan(&db, &parts_sql(&db, wanted), 2 * wanted + 1).await;
            let [.., w, p, r] = steps.as_slice() else { panic!("{steps:?}") };
            assert!(w.starts_with("SCAN w"), "{steps:?}");
            assert!(p.starts_with("SEARCH p") && p.contains("part=?"), "{steps:?}");
            assert!(r.starts_with("SEARCH r") && r.contains("run=?"), "{steps:?}");
        }
    }

    #[tokio::test]
    async fn postgres_looks_parts_up_by_their_key_as_well() {
        let db = new_postgres_db().await;
        saved(&db, 1, 0..60_000, 5, &[]).await;
        db.fetch(Sql::new("ANALYZE session_parts")).await.unwrap();
        for wanted in [1, 3, 500] {
            let plan = plan(&db, &parts_sql(&db, wanted), 2 * wanted + 1).await.join("\n");
            assert!(plan.contains("session_parts_pkey") && !plan.contains("Seq Scan on session_parts"), "{plan}");
        }
    }

    #[tokio::test]
    async fn merged_runs_have_all_sessions_in_the_parts_that_are_asked_for_them() {
        let (_directory, db) = new_db().await;
        // One that is cut into many parts, one of a single part, and one into which both go.
        let large = saved(&db, 1, 0..60_000, 5, &[]).await;
        let small = saved(&db, 2, 59_950..60_050, 7, &[]).await;
        let all = saved(&db, 3, 40_000..70_000, 9, &[&large.run, &small.run]).await;
        let parts_of = |new: &NewRun| (new.run.events, new.run.parts);
        assert_eq!([parts_of(&large), parts_of(&small), parts_of(&all)], [(60_000, 512), (100, 1), (90_100, 1_024)]);
        assert_eq!(all.replaces, [1, 2]);
        let runs = super::all(&db).await.unwrap();
        assert_eq!(runs.iter().map(|run| (run.no, run.first_at.millis())).collect::<Vec<_>>(), [(3, 5)]);

        let parts: Vec<(i64, i64)> = (0..1_024).map(|part| (3, part)).collect();
        let mut found = super::parts(&db, CustomerNo(1), &parts).await.unwrap();
        found.sort_unstable();
        let mut expected = Vec::new();
        for i in 0..70_000 {
            let times = [(0..60_000, 5), (59_950..60_050, 7), (40_000..70_000, 9)];
            let entries = times.into_iter().filter(|(of, _)| of.contains(&i)).map(|(_, at)| entry(at)).collect();
            expected.push((session(i), entries));
        }
        expected.sort_unstable();
        assert!(found == expected, "{} sessions of {}", found.len(), expected.len());
        let mut run = runs.into_iter().next().unwrap();
        run.read_filter(&db).await.unwrap();
        assert!(expected.iter().all(|(session, _)| run.may_know(Mark::of(hash(session)))));
        for (session, entries) in expected.iter().step_by(1_000) {
            let part = [(3, all.run.part_of(session))];
            assert!(super::parts(&db, CustomerNo(1), &part).await.unwrap().contains(&(*session, entries.clone())));
        }
    }

    #[tokio::test]
    async fn a_filter_of_an_earlier_form_is_made_anew_once() {
        let (_directory, db) = new_db().await;
        saved(&db, 1, 0..60_000, 5, &[]).await;
        let stored = async || {
            let row = db.fetch_one(Sql::new("SELECT session_filter FROM session_runs")).await.unwrap();
            row.bytes(0).unwrap()
        };
        let before = stored().await;
        let mut tx = db.begin().await.unwrap();
        tx.execute(Sql::new("UPDATE session_runs SET session_filter = $1").bind(vec![11_u8; 20])).await.unwrap();
        tx.commit().await.unwrap();
        let [mut run] = super::all(&db).await.unwrap().try_into().unwrap();
        run.read_filter(&db).await.unwrap();
        assert!((0..60_000).all(|i| run.may_know(Mark::of(hash(&session(i))))));
        assert!(!(60_000..60_100).all(|i| run.may_know(Mark::of(hash(&session(i))))));
        assert!(stored().await == before);
    }
}
