//! Pages, components and charts of the dashboard: rendered on the server, then hydrated in the browser.

#![recursion_limit = "256"]

pub mod api;
#[cfg(feature = "ssr")]
mod chart;
mod codec;
pub mod components;
#[cfg(feature = "ssr")]
pub mod context;
pub mod error;
#[cfg(feature = "ssr")]
mod format;
pub mod pages;
pub mod query;
#[cfg(feature = "ssr")]
mod question;
mod shell;

use components::{header::Header, state::NotFound};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Redirect, Route, Router};
use leptos_router::{SsrMode, path};
use pages::{account, applications, customers, helplines, login, overview, users};
pub use shell::{Site, shell};

/// The whole site.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let title = |page: String| if page.is_empty() { "Reachline".to_owned() } else { format!("{page} – Reachline") };
    view! {
        <Title formatter=title />
        <Router>
            // The browser itself moves the focus, which the router would not.
            <a class="skip" href="#main" rel="external">"Skip to content"</a>
            <Header />
            <main id="main" tabindex="-1">
                // Every page is sent whole, so that it can be read without script.
                <FlatRoutes fallback=NotFound>
                    <Route path=path!("/") view=Home ssr=SsrMode::Async />
                    <Route path=path!("/login") view=login::Login ssr=SsrMode::Async />
                    <Route path=path!("/overview") view=overview::Overview ssr=SsrMode::Async />
                    <Route path=path!("/applications") view=applications::Applications ssr=SsrMode::Async />
                    <Route path=path!("/account") view=account::Account ssr=SsrMode::Async />
                    <Route path=path!("/admin/customers") view=customers::Customers ssr=SsrMode::Async />
                    <Route path=path!("/admin/customers/new") view=customers::EditCustomer ssr=SsrMode::Async />
                    <Route path=path!("/admin/customers/:id") view=customers::EditCustomer ssr=SsrMode::Async />
                    <Route path=path!("/admin/users") view=users::Users ssr=SsrMode::Async />
                    <Route path=path!("/admin/users/new") view=users::EditUser ssr=SsrMode::Async />
                    <Route path=path!("/admin/users/:id") view=users::EditUser ssr=SsrMode::Async />
                    <Route path=path!("/admin/helplines") view=helplines::Helplines ssr=SsrMode::Async />
                    <Route path=path!("/admin/helplines/new") view=helplines::EditHelpline ssr=SsrMode::Async />
                    <Route path=path!("/admin/helplines/:id") view=helplines::EditHelpline ssr=SsrMode::Async />
                </FlatRoutes>
            </main>
        </Router>
    }
}

/// The overview is home; it sends on whoever is not signed in.
#[component]
fn Home() -> impl IntoView {
    view! { <Redirect path="/overview" /> }
}
