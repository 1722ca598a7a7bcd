//! Tests of the engine as a whole, each on SQLite and on Postgres.

mod accounts;
mod aggregate;
mod golden;
mod ingest;
mod schema;
mod support;
