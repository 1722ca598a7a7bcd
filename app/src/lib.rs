//! Pages, components and charts of the dashboard.
//!
//! The server draws the content of every page from views in `pages`; the browser hydrates the frame around it (router,
//! header, what the address says) and puts later pages in its place. So the pages' views and data are compiled for the
//! server alone, and what the browser loads stays small however many pages there are.

#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
mod bars;
pub mod calls;
#[cfg(feature = "ssr")]
mod chart;
mod codec;
pub mod components;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
mod data;
pub mod drawn;
pub mod error;
#[cfg(feature = "ssr")]
pub mod format;
pub mod forms;
#[cfg(feature = "ssr")]
mod pages;
pub mod query;
#[cfg(feature = "ssr")]
mod question;
mod routes;
mod shell;

pub use routes::App;
pub use shell::{Site, shell};
