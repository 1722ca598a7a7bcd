//! All SQL of Reachline, one plain function per query. Nothing outside this module names sqlx.

pub mod accounts;
mod codec;
pub mod db;
pub mod directory;
pub mod events;
pub mod figures;
pub mod helplines;
pub mod limits;
pub mod sessions;
pub mod web_sessions;

pub use db::{Db, Tx};
