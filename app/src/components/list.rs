//! Lists, their pages, and words with a definition.

use crate::data::Link;
use leptos::prelude::*;

/// Links to the first and the next page, where there are such.
#[component]
pub fn Pager(first: Option<String>, next: Option<String>) -> impl IntoView {
    (first.is_some() || next.is_some()).then(|| {
        view! {
            <nav class="pager" aria-label="Pages">
                {first.map(|href| view! { <a class="button" href=href data-noscroll>"First page"</a> })}
                {next.map(|href| view! { <a class="button" href=href rel="next" data-noscroll>"Next page"</a> })}
            </nav>
        }
    })
}

/// Links of which one is current, side by side.
#[component]
pub fn Segments(links: Vec<Link>, label: &'static str) -> impl IntoView {
    let items = links
        .into_iter()
        .enumerate()
        .map(|(i, link)| {
            // By the id the focus finds its way back when the page has been replaced.
            let id = format!("{}-{i}", label.to_lowercase().replace(' ', "-"));
            view! {
                <li>
                    <a id=id href=link.href aria-current=link.is_current.then_some("true") data-noscroll>
                        {link.label}
                    </a>
                </li>
            }
        })
        .collect_view();
    view! { <nav aria-label=label><ul class="segments">{items}</ul></nav> }.into_any()
}

/// A word whose definition shows while it is pointed at or has the focus.
#[component]
pub fn Term(
    /// Unique on the page.
    id: String,
    label: String,
    definition: String,
) -> impl IntoView {
    view! {
        <span class="term">
            <button type="button" class="term-word" aria-describedby=id.clone()>{label}</button>
            <span class="term-definition" role="tooltip" id=id>{definition}</span>
        </span>
    }
    .into_any()
}

/// A bar of a length in per cent.
#[must_use]
pub fn bar(percent: u8) -> AnyView {
    view! {
        <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
            <rect width=percent.to_string() height="4"></rect>
        </svg>
    }
    .into_any()
}
