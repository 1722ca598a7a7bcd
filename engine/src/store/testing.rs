//! What tests of the store and of those who use it begin with.

#[path = "../../tests/it/postgres.rs"]
mod postgres;

use super::codec::Session;
use super::db::{Db, Sql, Value};
use crate::clock::random_bytes;
use domain::event::SessionKey;
use domain::ids::ApplicationNo;

/// A new database, in a directory that is removed when the first of the two is dropped.
pub async fn new_db() -> (tempfile::TempDir, Db) {
    let directory = tempfile::tempdir().unwrap();
    let db = migrated(format!("sqlite://{}", directory.path().join("test.db").display())).await;
    (directory, db)
}

/// A new database on Postgres.
pub async fn new_postgres_db() -> Db {
    migrated(postgres::new_postgres_database().await).await
}

async fn migrated(database_url: String) -> Db {
    let db = Db::connect(&crate::Settings { database_url, ..crate::Settings::default() }).await.unwrap();
    db.migrate().await.unwrap();
    db
}

/// The steps in which the database takes a statement with so many values, as it describes them.
pub async fn plan(db: &Db, sql: &str, values: usize) -> Vec<String> {
    let (explain, column) = match db {
        Db::Sqlite { .. } => ("EXPLAIN QUERY PLAN", 3),
        Db::Postgres { .. } => ("EXPLAIN", 0),
    };
    let sql = Sql::new(format!("{explain} {sql}")).bind_all((0..values).map(|_| Value::from(1_i64)));
    db.fetch(sql).await.unwrap().iter().map(|row| row.text(column).unwrap()).collect()
}

/// Sessions whose keys look like hashes.
pub fn session(i: u32) -> Session {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&i.wrapping_mul(2_654_435_761).to_be_bytes());
    key[8..].copy_from_slice(&(u64::from(i) + 1).wrapping_mul(0xd6e8_feb8_6659_fd93).to_be_bytes());
    Session { key: SessionKey(key), application: ApplicationNo(1 + i % 2) }
}
