//! Exports.

pub mod editor;
pub mod job;
pub mod list;
