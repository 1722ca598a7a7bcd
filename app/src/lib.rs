//! Pages, components and charts of the dashboard: rendered on the server, then hydrated in the browser.

#![recursion_limit = "256"]

#[cfg(feature = "ssr")]
pub mod context;
pub mod error;
mod shell;

use leptos::prelude::*;
pub use shell::{Site, shell};

/// The whole site.
#[component]
pub fn App() -> impl IntoView {
    view! { <main>"Reachline"</main> }
}
