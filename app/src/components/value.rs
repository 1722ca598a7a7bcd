//! A number that is read from afar.

use leptos::prelude::*;

/// The value of a card. No number is broken in the middle: where there is little room, as the longest of its words tells, it
/// is printed smaller.
pub fn card_value(value: impl Into<String>) -> AnyView {
    let value = value.into();
    let characters = value.split(' ').map(|word| word.chars().count()).max().unwrap_or(1).max(1);
    view! { <p class="card-value"><span style=format!("--characters: {characters}")>{value}</span></p> }.into_any()
}
