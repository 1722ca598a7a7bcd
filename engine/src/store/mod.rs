//! All SQL of Reachline, one plain function per query. Outside this module only the error names sqlx and
//! rusqlite, as it takes theirs.

pub mod accounts;
pub mod aggregator;
pub mod alerts;
pub mod audit;
pub mod blocks;
pub mod codec;
mod connect;
pub mod db;
pub mod deliveries;
pub mod directory;
pub mod exports;
pub mod figures;
pub mod filter;
pub mod helplines;
pub mod imports;
pub mod intake;
pub mod limits;
pub mod links;
pub mod log;
mod migrations;
mod pools;
mod postgres_log;
pub mod rate_cards;
pub mod reports;
pub mod retention;
pub mod runs;
mod sql;
mod sqlite_log;
pub mod statements;
#[cfg(test)]
pub mod testing;
mod turn;
pub mod web_sessions;
pub mod webhooks;
pub mod whole;

pub use connect::file_of;
pub use db::{Db, Tx};
pub use turn::Turn;
