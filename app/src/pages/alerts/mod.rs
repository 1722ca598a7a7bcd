//! Alerts: what a customer is told, where it goes, and what became of it.

pub mod deliveries;
pub mod editor;
pub mod list;
pub mod webhooks;

use crate::components::form::{FormErrors, Outcome};
use crate::components::list::Segments;
use crate::components::state::Empty;
use crate::data::alerts::Frame;
use crate::error::UiError;
use crate::pages::billing::chooser;
use leptos::prelude::*;

/// Heading, chooser of the customer, and the way to the other lists.
fn head(frame: &Frame, title: &'static str, path: &str, actions: Option<AnyView>) -> AnyView {
    let Frame { whose, tabs, .. } = frame.clone();
    let chooser = chooser(&whose, path, whose.customer.is_none());
    view! {
        <div class="page-head">
            <div>
                <h1>{title}</h1>
                <p class="page-sub">{whose.name} " · times in " {whose.time_zone}</p>
            </div>
            <div class="page-actions">{chooser} {actions}</div>
        </div>
        <div class="toolbar"><Segments links=tabs label="About alerts" /></div>
    }
    .into_any()
}

/// In place of a list while no customer is chosen.
fn no_customer(title: &'static str) -> AnyView {
    view! { <Empty title text="Alerts are of one customer: choose one above." /> }.into_any()
}

/// Why what a button asks for was not done.
pub(super) fn refused(error: Outcome) -> Option<AnyView> {
    let error = error?;
    let UiError::Invalid(faults) = &error else { return Some(view! { <FormErrors error=Some(error) /> }.into_any()) };
    let details = faults.0.iter().map(|fault| view! { <p>{fault.detail.clone()}</p> }).collect_view();
    Some(
        view! {
            <div class="notice notice-bad" role="alert">
                <p class="notice-title">"That was not done"</p>
                {details}
            </div>
        }
        .into_any(),
    )
}

/// A button that sends a form of hidden fields.
pub(super) fn button(
    action: &'static str,
    fields: Vec<(&'static str, String)>,
    class: &'static str,
    label: AnyView,
) -> AnyView {
    let fields =
        fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view();
    view! { <form method="post" action=action>{fields} <button type="submit" class=class>{label}</button></form> }
        .into_any()
}

/// The label of a button, and what it is about for those who do not see what it stands beside.
fn label(text: &'static str, about: &str) -> AnyView {
    view! { {text} <span class="visually-hidden">" " {about.to_owned()}</span> }.into_any()
}
