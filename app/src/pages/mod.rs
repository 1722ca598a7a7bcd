//! The pages.

pub mod account;
pub mod alerts;
pub mod applications;
pub mod audit;
pub mod billing;
pub mod customers;
pub mod exports;
pub mod helplines;
pub mod links;
pub mod login;
pub mod overview;
pub mod reports;
pub mod system;
pub mod users;
