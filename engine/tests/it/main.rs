//! Tests of the engine as a whole, each on SQLite and on Postgres.

mod accounts;
mod golden;
mod ingest;
mod schema;
mod support;
