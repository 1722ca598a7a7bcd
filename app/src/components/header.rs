//! The bar above every page.

use crate::calls::{SignOut, who_am_i};
use crate::forms::Me;
use domain::account::Role;
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::wasm_bindgen::JsCast;
use leptos::web_sys::Element;
use leptos_router::components::A;

/// Brand, navigation, and who is signed in.
#[component]
pub fn Header() -> impl IntoView {
    let me = Resource::new(|| (), |()| who_am_i());
    view! {
        <header class="top">
            <div class="top-inner">
                <a class="brand" href="/">
                    <svg viewBox="0 0 24 24" aria-hidden="true">
                        <path d="M3 15c2.6 0 2.6-6 5.2-6s2.6 9 5.2 9 2.6-12 5.2-12"></path>
                        <circle cx="20.4" cy="6" r="1.8"></circle>
                    </svg>
                    "Reachline"
                </a>
                <Suspense fallback=|| ()>
                    {move || Suspend::new(async move {
                        me.await.ok().flatten().map(|me| view! { <Navigation role=me.role is_link=me.link_until.is_some() /> <Account me /> })
                    })}
                </Suspense>
            </div>
        </header>
    }
}

#[component]
fn Navigation(role: Role, is_link: bool) -> impl IntoView {
    let (is_supervisor, is_operator) = (!role.is_of_customer(), role == Role::Operator);
    let makes_links = role.manages_applications();
    // Links are made for auditors.
    let reads_audit_log = is_link || role.reads_audit_log();
    view! {
        <nav class="main-nav" aria-label="Main">
            <ul>
                <li><A href="/overview">"Overview"</A></li>
                <li><A href="/billing">"Billing"</A></li>
                <li><A href="/reports">"Reports"</A></li>
                <li><A href="/exports">"Exports"</A></li>
                <li><A href="/alerts">"Alerts"</A></li>
                <li><A href="/applications">"Applications"</A></li>
                {makes_links.then(|| view! { <li><A href="/access-links">"Access links"</A></li> })}
                {is_supervisor
                    .then(|| {
                        view! {
                            <li><A href="/admin/customers">"Customers"</A></li>
                            <li><A href="/admin/users">"Users"</A></li>
                            <li><A href="/admin/helplines">"Helplines"</A></li>
                            <li><A href="/admin/statements">"Statements"</A></li>
                            <li><A href="/admin/rate-cards">"Rate cards"</A></li>
                        }
                    })}
                {reads_audit_log.then(|| view! { <li><A href="/audit-log">"Audit log"</A></li> })}
                {is_operator.then(|| view! { <li><A href="/admin/system">"System"</A></li> })}
            </ul>
        </nav>
    }
    .into_any()
}

#[component]
fn Account(me: Me) -> impl IntoView {
    let name = if me.name.is_empty() { me.email.clone() } else { me.name.clone() };
    let place = match &me.customer {
        Some(customer) => format!("{}, {customer}", me.role.label()),
        None => me.role.label().to_owned(),
    };
    let is_link = me.link_until.is_some();
    let (place, detail) = match me.link_until {
        Some(until) => (format!("Link until {until}"), format!("Access link, read-only, valid until {until}")),
        None => (place, me.email),
    };
    let (about, leave) = if is_link { ("About this link", "Leave") } else { ("Account and password", "Sign out") };
    view! {
        <details class="account">
            <summary>
                <span class="account-who">
                    <span class="visually-hidden">"Signed in as "</span>
                    <span class="account-name">{name}</span>
                    <span class="account-role">{place}</span>
                </span>
            </summary>
            <div class="account-menu" on:click=move |event| close_menu(&event)>
                <p class="account-email">{detail}</p>
                <a href="/account">{about}</a>
                // A form of its own that loads a page anew: nothing of the session stays behind in the browser.
                <form method="post" action=SignOut::url()>
                    <button type="submit">{leave}</button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

/// Whoever follows a link of the menu is done with it.
fn close_menu(event: &MouseEvent) {
    let link = event.target().and_then(|target| target.dyn_into::<Element>().ok()?.closest("a").ok()?);
    if let Some(menu) = link.and_then(|link| link.closest("details").ok()?) {
        let _ = menu.remove_attribute("open");
    }
}
