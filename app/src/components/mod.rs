//! The pieces that pages are made of.

pub mod form;
pub mod header;
pub mod list;
pub mod state;
