//! The two databases have the same tables and columns, but for the log, which is in a file of its own on SQLite, and for
//! the partitions of Postgres.

use crate::support::{Installation, new_postgres_database};
use sqlx::{Connection, Row};
use std::collections::BTreeSet;

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
