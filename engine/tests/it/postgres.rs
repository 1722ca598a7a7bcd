//! Postgres for tests, those of the whole engine and those within it.

use super::random_bytes;
use sqlx::Connection;

/// A new, empty Postgres database. Without a server the test fails: skipping would hide half of what is promised.
pub async fn new_postgres_database() -> String {
    #[expect(clippy::disallowed_methods, reason = "tests are configured from outside")]
    let url = std::env::var("REACHLINE_TEST_POSTGRES_URL");
    let url = url.expect("REACHLINE_TEST_POSTGRES_URL names a Postgres server on which databases may be created");
    let name = format!("test_{}", uuid::Uuid::from_bytes(random_bytes()).simple());
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let (server, options) = url.split_once('?').map_or((url.as_str(), String::new()), |(s, o)| (s, format!("?{o}")));
    let server = server.rsplit_once('/').unwrap().0;
    format!("{server}/{name}{options}")
}
