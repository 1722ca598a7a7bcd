//! Backups, and copies from one database to another.

use crate::postgres::new_postgres_database;
use crate::support::{Installation, on_both};
use domain::FaultCode;
use domain::account::Tier;
use domain::audit::Action;
use domain::event::Kind;
use engine::{Engine, Error, Settings};
use serde_json::{Value, json};
use sqlx::{Connection, Row, SqliteConnection};
use std::path::Path;

on_both!(what_is_backed_up_comes_back_and_goes_on, only_an_empty_database_is_filled);

fn event(n: usize) -> Value {
    json!({"helpline_id": "h1", "session_id": format!("s{n}"), "timestamp": format!("2026-{:02}-24T11:00:00Z", 1 + n % 11)})
}

fn on(database_url: String, installation: &Installation) -> Settings {
    Settings { database_url, ..installation.settings.clone() }
}

fn sqlite(directory: &Path, name: &str) -> String {
    format!("sqlite://{}", directory.join(name).display())
}

fn silent(_: u64, _: u64) {}

/// A new database of the other kind.
async fn of_the_other_kind(installation: &Installation) -> String {
    if installation.settings.database_url.starts_with("sqlite") {
        new_postgres_database().await
    } else {
        sqlite(installation.directory(), "other.db")
    }
}

async fn what_is_backed_up_comes_back_and_goes_on(mut installation: Installation) {
    installation.helplines(&[("h1", "NZ")]).await;
    let customer = installation.customer("A", "Asia/Kathmandu").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    for n in 0..500 {
        assert_eq!(installation.post(&client, Kind::Display, &event(n)).await, Ok(true));
        if n == 250 {
            installation.post(&client, Kind::Click, &json!({})).await.unwrap_err();
            installation.settle().await;
        }
    }
    // As it is in the middle of things: some is in runs, some is counted, and some only in the log.
    installation.abandon();
    let file = installation.directory().join("a.backup");
    let mut told = Vec::new();
    let backed_up = installation
        .engine
        .back_up(&installation.operator, (&file, "a.backup"), |done, of| told.push((done, of)))
        .await;
    let backed_up = backed_up.unwrap();
    assert_eq!(backed_up.events + backed_up.waiting, 500);
    assert!(backed_up.waiting > 0);
    assert_eq!(told.last(), Some(&(backed_up.rows, backed_up.rows)));

    let to = on(of_the_other_kind(&installation).await, &installation);
    let restored = Engine::restore(&to, &*installation.clock, &file, silent).await.unwrap();
    // But for the mark of a database on Postgres, which another one does not have.
    assert_eq!((restored.events, restored.waiting), (backed_up.events, backed_up.waiting));
    assert!((0..=1).contains(&(backed_up.rows - restored.rows)), "{restored:?} of {backed_up:?}");
    installation.settings = to;
    installation.restart().await;
    let client = installation.client(&credentials).await;
    for n in 0..500 {
        assert_eq!(installation.post(&client, Kind::Display, &event(n)).await, Ok(false), "{n} is known");
    }
    assert_eq!(installation.post(&client, Kind::Display, &event(500)).await, Ok(true));
    installation.settle().await;
    let verified = installation.engine.verify_figures(&installation.operator).await.unwrap();
    assert_eq!(verified.events, 501);
    // Numbers go on, and who did it is known.
    let other = installation.customer("B", "UTC").await;
    installation.application(other, "app", Tier::Sandbox).await;
    installation.helplines(&[("h1", "NZ"), ("h2", "NZ")]).await;
    let log = installation.engine.console_audit_reader(&installation.operator, None).unwrap();
    let log = installation.engine.audit_log(&log, &engine::Paging { cursor: None, limit: 50 }).await.unwrap();
    let done: Vec<_> = log.items.iter().map(|entry| (entry.action, entry.subject.as_str())).collect();
    for action in [Action::BackupBegun, Action::BackupRestored] {
        assert!(done.contains(&(action, "a.backup")), "{done:?}");
    }
    installation.stop().await;
}

async fn only_an_empty_database_is_filled(mut installation: Installation) {
    installation.customer("A", "UTC").await;
    let (engine, operator, directory) =
        (installation.engine.clone(), installation.engine.authenticate_console(), installation.directory().to_owned());
    let file = directory.join("a.backup");
    engine.back_up(&operator, (&file, "a.backup"), silent).await.unwrap();
    let codes = |result: Result<engine::Copied, Error>| -> Vec<FaultCode> {
        match result {
            Err(Error::Invalid(faults)) => faults.0.into_iter().map(|fault| fault.code).collect(),
            other => panic!("{other:?}"),
        }
    };
    let restore =
        async |to: &Settings, file: &Path| codes(Engine::restore(to, &*installation.clock, file, silent).await);
    // In use, and then left.
    let taken = on(of_the_other_kind(&installation).await, &installation);
    let other = Engine::open(taken.clone(), installation.clock.clone()).await.unwrap();
    other.migrate().await.unwrap();
    other.import_helplines(&operator, vec![(1, crate::support::helpline("h1", "NZ"))]).await.unwrap();
    drop(other);
    assert_eq!(restore(&taken, &file).await, [FaultCode::FieldTaken]);
    assert_eq!(codes(engine.copy_to(&operator, &taken, silent).await), [FaultCode::FieldTaken]);

    // What is no backup.
    let to = on(sqlite(&directory, "new.db"), &installation);
    std::fs::write(directory.join("text"), "no database, but long enough to be read as if it were one".repeat(100))
        .unwrap();
    std::fs::write(directory.join("empty"), "").unwrap();
    SqliteConnection::connect(&sqlite(&directory, "plain?mode=rwc")).await.unwrap().close().await.unwrap();
    for name in ["text", "empty", "plain", "missing", "new.db"] {
        assert_eq!(restore(&to, &directory.join(name)).await, [FaultCode::FieldInvalid], "{name}");
    }
    let mut backup = SqliteConnection::connect(&sqlite(&directory, "a.backup")).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations SELECT 99999, description, installed_on, success, checksum, execution_time FROM _sqlx_migrations LIMIT 1").execute(&mut backup).await.unwrap();
    assert_eq!(restore(&to, &file).await, [FaultCode::FieldInvalid], "of a later version");
    installation.stop().await;
}

/// A backup of SQLite on Postgres, and that copied to SQLite, has what the first one had: row by row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_the_way_around() {
    let mut installation = Installation::on_sqlite().await;
    installation.engine.load_demo(&installation.operator, silent).await.unwrap();
    installation.settle().await;
    installation.stop().await;
    installation.engine = Engine::open(installation.settings.clone(), installation.clock.clone()).await.unwrap();
    let (directory, operator) = (installation.directory().to_owned(), &installation.operator);
    let file = directory.join("a.backup");
    let backed_up = installation.engine.back_up(operator, (&file, "a.backup"), silent).await.unwrap();
    let on_postgres = on(new_postgres_database().await, &installation);
    Engine::restore(&on_postgres, &*installation.clock, &file, silent).await.unwrap();
    let on_postgres = Engine::open(on_postgres, installation.clock.clone()).await.unwrap();
    let back = on(sqlite(&directory, "back.db"), &installation);
    let copied = on_postgres.copy_to(operator, &back, silent).await.unwrap();
    // Two entries of the audit log, and the mark of the database on Postgres.
    assert_eq!((copied.events, copied.rows), (backed_up.events, backed_up.rows + 3));

    let mut first = SqliteConnection::connect(&installation.settings.database_url).await.unwrap();
    let attach = format!(
        "ATTACH '{0}/back.db' AS back; ATTACH '{0}/test.db-log' AS log; ATTACH '{0}/back.db-log' AS back_log",
        directory.display()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(attach)).execute(&mut first).await.unwrap();
    let tables = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut first).await.unwrap();
    let same = ["web_sessions", "login_failures", "exports", "_sqlx_migrations"];
    let mut with_rows = 0;
    for table in tables.iter().map(String::as_str).filter(|name| !same.contains(name)) {
        let there = (format!("main.{table}"), format!("back.{table}"));
        with_rows += i32::from(compare(&mut first, &there).await > 0);
    }
    assert!(with_rows >= 15, "{with_rows}");
}

/// All rows of one table are in the other. Says how many there are.
async fn compare(connection: &mut SqliteConnection, (one, other): &(String, String)) -> i64 {
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM {one}), COUNT(*) FROM (SELECT * FROM {one} EXCEPT SELECT * FROM {other})"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_one(connection).await.unwrap();
    assert_eq!(row.get::<i64, _>(1), 0, "missing in {other}");
    row.get(0)
}
