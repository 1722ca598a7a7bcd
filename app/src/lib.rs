//! Pages, components and charts of the dashboard: rendered on the server, then hydrated in the browser.

#[cfg(feature = "ssr")]
pub mod context;
pub mod error;
