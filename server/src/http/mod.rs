//! What the API and the pages stand on.

pub mod address;
pub mod body;
pub mod client;
pub mod connections;
pub mod encoding;
pub mod error;
pub mod limits;
pub mod metrics;
pub mod observe;
pub mod path;
pub mod query;
pub mod unread;
