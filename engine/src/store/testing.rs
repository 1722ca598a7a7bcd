//! What tests of the store and of those who use it begin with.

use super::codec::Session;
use super::db::{Db, Sql, Value};
use domain::event::SessionKey;
use domain::ids::ApplicationNo;

/// A new database, in a directory that is removed when the first of the two is dropped.
pub async fn new_db() -> (tempfile::TempDir, Db) {
    let directory = tempfile::tempdir().unwrap();
    let database_url = format!("sqlite://{}", directory.path().join("test.db").display());
    let settings = crate::Settings { database_url, ..crate::Settings::default() };
    let db = Db::connect(&settings).await.unwrap();
    db.migrate().await.unwrap();
    (directory, db)
}

/// The steps in which SQLite takes a statement with so many values.
pub async fn plan(db: &Db, sql: &str, values: usize) -> Vec<String> {
    let sql = Sql::new(format!("EXPLAIN QUERY PLAN {sql}")).bind_all((0..values).map(|_| Value::from(1_i64)));
    db.fetch(sql).await.unwrap().iter().map(|row| row.text(3).unwrap()).collect()
}

/// Sessions whose keys look like hashes.
pub fn session(i: u32) -> Session {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&i.wrapping_mul(2_654_435_761).to_be_bytes());
    key[8..].copy_from_slice(&(u64::from(i) + 1).wrapping_mul(0xd6e8_feb8_6659_fd93).to_be_bytes());
    Session { key: SessionKey(key), application: ApplicationNo(1 + i % 2) }
}
