//! What programs call, one file for each group of endpoints.

pub mod analytics;
pub mod batch;
pub mod billing;
pub mod catalogue;
pub mod csv;
pub mod events;
pub mod exports;
pub mod figures;
pub mod oauth;
pub mod ops;
pub mod reports;
