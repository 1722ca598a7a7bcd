//! What a page shows when it has nothing else to show, and the notices above it.

use crate::error::UiError;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::{use_location, use_query_map};

/// Title and sentence for people of every error.
#[must_use]
pub fn explain(error: &UiError) -> (&'static str, String) {
    let wait = |seconds: &u32| match seconds {
        0..=90 => format!("{} seconds", (*seconds).max(1)),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    };
    match error {
        UiError::SignedOut => ("You are signed out", "Your session has ended. Sign in to go on.".to_owned()),
        UiError::LoginRefused => ("That did not work", "The email or the password is not right.".to_owned()),
        UiError::Throttled { retry_after_seconds } => (
            "Too many attempts",
            format!("To protect accounts, signing in is slowed down. Try again in {}.", wait(retry_after_seconds)),
        ),
        UiError::Forbidden => {
            ("Not for your role", "Your role does not allow this. An operator can change roles.".to_owned())
        }
        UiError::NotFound => (
            "Nothing here",
            "There is no such page, or it belongs to a customer that you have no access to.".to_owned(),
        ),
        UiError::Invalid(_) => ("Please check what you entered", "Nothing has been changed yet.".to_owned()),
        UiError::Malformed => {
            ("This request cannot be read", "Reload the page and try again. Nothing has been changed.".to_owned())
        }
        UiError::Unavailable { retry_after_seconds } => (
            "Out of reach for a moment",
            format!("The server cannot answer right now. Try again in {}.", wait(retry_after_seconds)),
        ),
        UiError::Internal => (
            "Something went wrong on our side",
            "It has been noted in the server’s log. Try again; if it stays, tell the operator when it happened."
                .to_owned(),
        ),
    }
}

/// In place of a page that cannot be shown. Whoever is signed out is sent to log in.
#[component]
pub fn ErrorView(error: UiError) -> impl IntoView {
    if error == UiError::SignedOut {
        let location = use_location();
        let mut path = "/login?next=".to_owned();
        let search = location.search.get_untracked();
        let here = location.pathname.get_untracked();
        let here = if search.is_empty() { here } else { format!("{here}?{search}") };
        crate::query::encode(&here, &mut path);
        return view! { <Redirect path=path /> }.into_any();
    }
    #[cfg(feature = "ssr")]
    error.mark_answer();
    let code = match &error {
        UiError::NotFound => "404",
        UiError::Forbidden => "403",
        UiError::Invalid(_) => "422",
        UiError::Unavailable { .. } => "503",
        UiError::Internal => "500",
        _ => "",
    };
    let (title, text) = explain(&error);
    let title = if matches!(error, UiError::Invalid(_)) { "Nothing to show for this address" } else { title };
    let text = if matches!(error, UiError::Invalid(_)) {
        "The address asks for something that cannot be shown.".to_owned()
    } else {
        text
    };
    let details = match error {
        UiError::Invalid(faults) => faults.0,
        _ => Vec::new(),
    };
    view! {
        <Title text=title />
        <section class="state">
            <p class="state-code" aria-hidden="true">{code}</p>
            <h1>{title}</h1>
            <p>{text}</p>
            {(!details.is_empty())
                .then(|| {
                    let items = details
                        .into_iter()
                        .map(|fault| view! { <li><code>{fault.field}</code>": "{fault.detail}</li> })
                        .collect_view();
                    view! { <ul class="state-details">{items}</ul> }
                })}
            <p><a class="button" href="/overview">"Go to the overview"</a></p>
        </section>
    }
    .into_any()
}

/// For addresses that lead nowhere.
#[component]
pub fn NotFound() -> impl IntoView {
    view! { <ErrorView error=UiError::NotFound /> }
}

/// While a page loads in the browser.
#[component]
pub fn Loading() -> impl IntoView {
    view! {
        <div class="loading" role="status">
            <span class="visually-hidden">"Loading…"</span>
            <span class="skeleton skeleton-title"></span>
            <span class="skeleton skeleton-cards"></span>
            <span class="skeleton skeleton-block"></span>
        </div>
    }
}

/// A list without entries.
#[component]
pub fn Empty(#[prop(into)] title: String, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
        </div>
    }
}

/// Says what has just been done, as the address tells.
#[component]
pub fn Done() -> impl IntoView {
    let query = use_query_map();
    let text = move || {
        Some(match query.read().get_str("done")? {
            "saved" => "Saved.",
            "report_approved" => "Approved. The report never changes again.",
            "report_discarded" => "The draft is deleted.",
            "export_cancelled" => "The export is cancelled.",
            "export_deleted" => "The file is deleted.",
            "public_page_on" => "The page is public now.",
            "public_page_off" => "The page is no longer public.",
            "disabled" => "The user can no longer sign in.",
            "enabled" => "The user can sign in again.",
            "secret_made" => "The new secret is valid now.",
            "secret_revoked" => "The secret and its tokens are revoked.",
            "application_revoked" => "The application is revoked.",
            "password_changed" => "Your password is changed. Other sessions of yours have ended.",
            "link_made" => "The link is valid now.",
            "link_revoked" => "The link is revoked. What was opened with it is closed.",
            "alert_deleted" => "The alert is deleted.",
            "endpoint_deleted" => "The endpoint is deleted.",
            "endpoint_disabled" => "The endpoint is no longer called.",
            "endpoint_enabled" => "The endpoint is called again.",
            "signing_secret_made" => "The new signing secret is valid now.",
            "test_sent" => "A test is on its way. Below you see how it goes.",
            "retried" => "It is being tried again.",
            "issued" => "The statement is issued.",
            "assigned" => "Assigned.",
            "signed_out" => "You are signed out.",
            _ => return None,
        })
    };
    view! { <div role="status" class="notices">{move || text().map(|text| view! { <p class="notice notice-good">{text}</p> })}</div> }
}
