//! The two databases have the same tables and columns, but for the log, which is in a file of its own on SQLite, and for
//! the partitions of Postgres.

use crate::postgres::new_postgres_database;
use crate::support::{Installation, on_both};
use domain::account::Tier;
use domain::event::Kind;
use domain::period::Period;
use serde_json::json;
use sqlx::{Connection, Row};
use std::collections::BTreeSet;

/// Takes back what migration 9 and those after it have changed.
const BEFORE_9: [&str; 6] = [
    "ALTER TABLE aggregator DROP COLUMN believed_at",
    "DROP INDEX reports_by_id",
    "DROP INDEX exports_by_id",
    "DROP TABLE intake_days",
    "ALTER TABLE intake_quarters RENAME TO intake_counts",
    "ALTER TABLE session_runs RENAME COLUMN session_filter TO filter",
];

on_both!(what_was_refused_before_it_was_counted_by_day_is_known, a_later_version_is_left_alone);

async fn a_later_version_is_left_alone(installation: Installation) {
    let sql = "UPDATE _sqlx_migrations SET version = 9999 WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
    installation.execute(sql).await.unwrap();
    let opened = engine::Engine::open(installation.settings.clone(), installation.clock.clone()).await;
    assert!(matches!(opened, Err(engine::Error::Invalid(faults)) if faults.0[0].detail.contains("a later version")));
}

#[test]
fn migrations_have_the_same_names() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = format!("{}/../migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_columns_are_the_same() {
    let sqlite = Installation::on_sqlite().await;
    let mut connection = sqlx::SqliteConnection::connect(&sqlite.settings.database_url).await.unwrap();
    let sql = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c \
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
    let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    let of_sqlite: BTreeSet<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();

    let url = new_postgres_database().await;
    let settings = engine::Settings { database_url: url.clone(), ..engine::Settings::default() };
    let engine = engine::Engine::open(settings, std::sync::Arc::new(engine::clock::SystemClock)).await.unwrap();
    engine.migrate().await.unwrap();
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    let sql = "SELECT table_name::text, column_name::text FROM information_schema.columns \
               WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%' AND table_name NOT LIKE 'event\\_blocks\\_%' \
               AND table_name <> 'log'";
    let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    let of_postgres: BTreeSet<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert!(of_sqlite.len() > 50);
    assert_eq!(of_sqlite, of_postgres);
}

/// Postgres makes no plan by an index of a table that has no rows: there it is looked at itself.
#[tokio::test(flavor = "multi_thread")]
async fn counts_of_an_import_are_found_by_it() {
    let sqlite = Installation::on_sqlite().await;
    let mut connection = sqlx::SqliteConnection::connect(&sqlite.settings.database_url).await.unwrap();
    let sql = "EXPLAIN QUERY PLAN DELETE FROM imported_counts WHERE customer_no = 1 AND import_id = x'00'";
    let plan: String = sqlx::query(sql).fetch_one(&mut connection).await.unwrap().get("detail");
    assert!(plan.contains("INDEX imported_counts_of_import (import_id=?"), "{plan}");

    let postgres = Installation::on_postgres().await;
    let mut connection = sqlx::PgConnection::connect(&postgres.settings.database_url).await.unwrap();
    let sql = "SELECT indexdef FROM pg_indexes WHERE indexname = 'imported_counts_of_import'";
    let index: String = sqlx::query(sql).fetch_one(&mut connection).await.unwrap().get(0);
    assert!(index.ends_with("(import_id)"), "{index}");
}

/// Brings the tables back to what they were before some migrations, and has these run.
async fn upgrade(installation: &mut Installation, before: impl Iterator<Item = &'static str>, migrations: usize) {
    installation.stop().await;
    for sql in before {
        installation.execute(sql).await.unwrap();
    }
    let upgraded = engine::Engine::open(installation.settings.clone(), installation.clock.clone()).await.unwrap();
    assert_eq!(upgraded.migrate().await.unwrap(), migrations);
    installation.restart().await;
}

/// Places of packs came from a row of `log_head` before they came from a sequence.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_goes_on_where_it_was_before_the_sequence() {
    let mut postgres = Installation::on_postgres().await;
    postgres.helplines(&[("h1", "NZ")]).await;
    let customer = postgres.customer("A", "UTC").await;
    let credentials = postgres.application(customer, "web", Tier::Production).await;
    let body = |n| json!({"helpline_id": "h1", "session_id": format!("s{n}"), "timestamp": "2026-11-24T11:00:00Z"});
    for n in 0..3 {
        let client = postgres.client(&credentials).await;
        assert_eq!(postgres.post(&client, Kind::Display, &body(n)).await, Ok(true));
    }
    let before_8 = [
        "CREATE TABLE log_head (seq BIGINT NOT NULL)",
        "INSERT INTO log_head SELECT MAX(seq) FROM log",
        "DROP SEQUENCE log_seq",
        "DELETE FROM _sqlx_migrations WHERE version >= 8",
    ];
    upgrade(&mut postgres, BEFORE_9.into_iter().chain(before_8), 4).await;
    let client = postgres.client(&credentials).await;
    assert_eq!(postgres.post(&client, Kind::Display, &body(2)).await, Ok(false), "a retry is known");
    assert_eq!(postgres.post(&client, Kind::Display, &body(3)).await, Ok(true));
    postgres.settle().await;
    let mut connection = sqlx::PgConnection::connect(&postgres.settings.database_url).await.unwrap();
    let sql = "SELECT COUNT(*), MAX(seq) - MIN(seq) + 1 FROM log";
    let row = sqlx::query(sql).fetch_one(&mut connection).await.unwrap();
    assert!(row.get::<i64, _>(0) >= 5 && row.get::<i64, _>(0) == row.get::<i64, _>(1));
}

async fn what_was_refused_before_it_was_counted_by_day_is_known(mut installation: Installation) {
    let customer = installation.customer("A", "Asia/Kathmandu").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    for _ in 0..3 {
        installation.post(&client, Kind::Click, &json!({})).await.unwrap_err();
    }
    installation.settle().await;
    let before = BEFORE_9.into_iter().chain(["DELETE FROM _sqlx_migrations WHERE version >= 9"]);
    upgrade(&mut installation, before, 3).await;
    let client = installation.client(&credentials).await;
    installation.post(&client, Kind::Click, &json!({})).await.unwrap_err();
    installation.settle().await;
    let reader = installation.engine.console_reader(&installation.operator, Some(customer)).unwrap();
    // With whole days of UTC, and without.
    for (from, to) in [("2026-11-22", "2026-11-27"), ("2026-11-24", "2026-11-25")] {
        let period = Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
        let intake = installation.engine.intake(&reader, period, None).await.unwrap();
        assert_eq!(intake.refused.iter().map(|(_, n)| n).sum::<i64>(), 4, "{from}");
    }
}
