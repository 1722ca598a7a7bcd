//! The addresses of the dashboard and what each of them shows.

use crate::calls;
use crate::components::{header::Header, state::NotFound};
use crate::drawn::{Drawn, Load, dismiss_on_escape};
use crate::query::{OverviewQuery, TrailQuery};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Redirect, Route, Router};
use leptos_router::{SsrMode, path};

/// The whole site.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Effect::new(|_| dismiss_on_escape());
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
                    <Route path=path!("/") view=|| view! { <Redirect path="/overview" /> } ssr=SsrMode::Async />
                    <Route path=path!("/login") view=|| page("Sign in", LOGIN) ssr=SsrMode::Async />
                    <Route path=path!("/overview") view=|| page("Overview", OVERVIEW) ssr=SsrMode::Async />
                    <Route path=path!("/billing") view=|| page("Billing", BILLING) ssr=SsrMode::Async />
                    <Route path=path!("/billing/:month") view=|| page("Statement", STATEMENT) ssr=SsrMode::Async />
                    <Route path=path!("/billing/:month/:step") view=|| page("Behind a statement", STEP) ssr=SsrMode::Async />
                    <Route path=path!("/reports") view=|| page("Reports", REPORTS) ssr=SsrMode::Async />
                    <Route path=path!("/reports/new") view=|| page("New report", NEW_REPORT) ssr=SsrMode::Async />
                    <Route path=path!("/reports/:id") view=|| page("Report", REPORT) ssr=SsrMode::Async />
                    <Route path=path!("/exports") view=|| page("Exports", EXPORTS) ssr=SsrMode::Async />
                    <Route path=path!("/exports/new") view=|| page("New export", NEW_EXPORT) ssr=SsrMode::Async />
                    <Route path=path!("/exports/:id") view=|| page("Export", EXPORT) ssr=SsrMode::Async />
                    <Route path=path!("/audit-log") view=|| page("Audit log", AUDIT_LOG) ssr=SsrMode::Async />
                    <Route path=path!("/alerts") view=|| page("Alerts", ALERTS) ssr=SsrMode::Async />
                    <Route path=path!("/alerts/new") view=|| page("New alert", ALERT) ssr=SsrMode::Async />
                    <Route path=path!("/alerts/webhooks") view=|| page("Webhook endpoints", WEBHOOKS) ssr=SsrMode::Async />
                    <Route path=path!("/alerts/deliveries") view=|| page("Deliveries", DELIVERIES) ssr=SsrMode::Async />
                    <Route path=path!("/alerts/:id") view=|| page("Alert", ALERT) ssr=SsrMode::Async />
                    <Route path=path!("/applications") view=|| page("Applications", APPLICATIONS) ssr=SsrMode::Async />
                    <Route path=path!("/access-links") view=|| page("Access links", ACCESS_LINKS) ssr=SsrMode::Async />
                    <Route path=path!("/account") view=|| page("Account", ACCOUNT) ssr=SsrMode::Async />
                    <Route path=path!("/admin/customers") view=|| page("Customers", CUSTOMERS) ssr=SsrMode::Async />
                    <Route path=path!("/admin/customers/new") view=|| page("New customer", CUSTOMER) ssr=SsrMode::Async />
                    <Route path=path!("/admin/customers/:id") view=|| page("Customer", CUSTOMER) ssr=SsrMode::Async />
                    <Route path=path!("/admin/users") view=|| page("Users", USERS) ssr=SsrMode::Async />
                    <Route path=path!("/admin/users/new") view=|| page("New user", USER) ssr=SsrMode::Async />
                    <Route path=path!("/admin/users/:id") view=|| page("User", USER) ssr=SsrMode::Async />
                    <Route path=path!("/admin/helplines") view=|| page("Helplines", HELPLINES) ssr=SsrMode::Async />
                    <Route path=path!("/admin/helplines/new") view=|| page("New helpline", HELPLINE) ssr=SsrMode::Async />
                    <Route path=path!("/admin/helplines/:id") view=|| page("Helpline", HELPLINE) ssr=SsrMode::Async />
                    <Route path=path!("/admin/statements") view=|| page("Statements", STATEMENTS) ssr=SsrMode::Async />
                    <Route path=path!("/admin/rate-cards") view=|| page("Rate cards", RATE_CARDS) ssr=SsrMode::Async />
                    <Route path=path!("/admin/rate-cards/new") view=|| page("New rate card", RATE_CARD_VERSION) ssr=SsrMode::Async />
                    <Route path=path!("/admin/rate-cards/:id") view=|| page("Rate card", RATE_CARD) ssr=SsrMode::Async />
                    <Route path=path!("/admin/rate-cards/:id/versions/:version") view=|| page("Rate card", RATE_CARD_VERSION) ssr=SsrMode::Async />
                    <Route path=path!("/admin/system") view=|| page("System", SYSTEM) ssr=SsrMode::Async />
                </FlatRoutes>
            </main>
        </Router>
    }
}

fn page(title: &'static str, load: Load) -> AnyView {
    view! { <Drawn title load /> }.into_any()
}

const LOGIN: Load = |place| Box::pin(calls::login_page(place.query("next").unwrap_or_default()));
const OVERVIEW: Load = |place| Box::pin(calls::overview_page(OverviewQuery::from_params(&place.query)));
const ALERTS: Load = |place| Box::pin(calls::alerts_page(place.query("customer"), place.query("cursor")));
const ALERT: Load =
    |place| Box::pin(calls::alert_page(place.param("id"), place.query("customer"), place.query("kind")));
const WEBHOOKS: Load = |place| Box::pin(calls::webhooks_page(place.query("customer")));
const DELIVERIES: Load = |place| Box::pin(calls::deliveries_page(place.query("customer"), place.query("cursor")));
const REPORTS: Load =
    |place| Box::pin(calls::reports_page(place.query("customer"), place.query("template"), place.query("cursor")));
const NEW_REPORT: Load = |place| Box::pin(calls::new_report_page(place.query("customer"), place.query("template")));
const REPORT: Load =
    |place| Box::pin(calls::report_page(place.param("id").unwrap_or_default(), place.query("customer")));
const EXPORTS: Load = |place| Box::pin(calls::exports_page(place.query("customer"), place.query("cursor")));
const NEW_EXPORT: Load = |place| Box::pin(calls::new_export_page(OverviewQuery::from_params(&place.query)));
const EXPORT: Load =
    |place| Box::pin(calls::export_page(place.param("id").unwrap_or_default(), place.query("customer")));
const AUDIT_LOG: Load =
    |place| Box::pin(calls::audit_log_page(place.query("customer"), place.query("kind"), place.query("cursor")));
const APPLICATIONS: Load = |place| Box::pin(calls::applications_page(place.query("customer"), place.query("cursor")));
const ACCESS_LINKS: Load = |place| Box::pin(calls::access_links_page(place.query("customer"), place.query("cursor")));
const ACCOUNT: Load = |_| Box::pin(calls::account_page());
const CUSTOMERS: Load = |place| Box::pin(calls::customers_page(place.query("cursor")));
const CUSTOMER: Load = |place| Box::pin(calls::customer_page(place.param("id")));
const USERS: Load = |place| Box::pin(calls::users_page(place.query("cursor")));
const USER: Load = |place| Box::pin(calls::user_page(place.param("id")));
const HELPLINES: Load =
    |place| Box::pin(calls::helplines_page(place.query("search").unwrap_or_default(), place.query("cursor")));
const HELPLINE: Load = |place| Box::pin(calls::helpline_page(place.param("id")));
const SYSTEM: Load = |_| Box::pin(calls::system_page());
const BILLING: Load = |place| Box::pin(calls::billing_page(place.query("customer")));
const STATEMENT: Load = |place| {
    let month = place.param("month").unwrap_or_default();
    Box::pin(calls::statement_page(month, place.query("customer"), place.query("check").is_some()))
};
const STEP: Load = |place| {
    let (month, step) = (place.param("month").unwrap_or_default(), place.param("step").unwrap_or_default());
    Box::pin(calls::step_page(month, step, TrailQuery::from_params(&place.query)))
};
const STATEMENTS: Load = |place| {
    let (issued, refused) = (place.query("issued"), place.query("refused"));
    Box::pin(calls::statements_page(place.query("month"), place.query("cursor"), issued, refused))
};
const RATE_CARDS: Load = |place| Box::pin(calls::rate_cards_page(place.query("cursor")));
const RATE_CARD: Load = |place| Box::pin(calls::rate_card_page(place.param("id").unwrap_or_default()));
const RATE_CARD_VERSION: Load =
    |place| Box::pin(calls::rate_card_version_page(place.param("id"), place.param("version")));
