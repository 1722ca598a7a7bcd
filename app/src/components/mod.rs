//! The pieces that pages are made of.

#[cfg(feature = "ssr")]
pub mod form;
pub mod header;
#[cfg(feature = "ssr")]
pub mod list;
pub mod state;
#[cfg(feature = "ssr")]
pub mod value;
