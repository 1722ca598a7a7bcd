//! Tests of the engine as a whole, each on SQLite and on Postgres.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod accounts;
mod aggregate;
mod alerts;
mod audit;
mod backup;
mod billing;
mod deliveries;
mod export_edges;
mod export_jobs;
mod exports;
mod golden;
mod history;
mod history_changes;
mod ingest;
mod links;
mod postgres;
mod receivers;
mod reports;
mod retention;
mod schema;
mod support;

// For `postgres`, which is a part of the engine's own tests as well.
use engine::clock::random_bytes;
