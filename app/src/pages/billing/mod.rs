//! What a customer's months cost, and why.

pub mod cards;
mod editor;
pub mod months;
pub mod overview;
pub mod statement;
pub mod steps;

use crate::components::form::customer_chooser;
use crate::components::list::Term;
use crate::components::value::card_value;
use crate::data::billing::waterfall::{StepRow, WaterfallView};
use crate::data::billing::{Card, LineView, TermsView, Whose};
pub use editor::draw_editor;
use leptos::prelude::*;

/// The chooser of a customer, for those who may see several; where one is needed and none is chosen, it says so.
pub(super) fn chooser(whose: &Whose, path: &str, is_choice_needed: bool) -> Option<AnyView> {
    let chosen = whose.customer.as_deref().unwrap_or_default();
    customer_chooser(whose.customers.clone(), chosen, path, is_choice_needed.then_some("Choose a customer"))
}

/// Figures in large letters.
fn cards(cards: Vec<Card>, label: &'static str) -> AnyView {
    let card = |(i, card): (usize, Card)| {
        let notes = card.notes.into_iter().map(|note| view! { <p class="card-change">{note}</p> }).collect_view();
        view! {
            <li class="card">
                <p class="card-label"><Term id=format!("card-{i}") label=card.label definition=card.definition /></p>
                {card_value(card.value)}
                {notes}
            </li>
        }
    };
    let items = cards.into_iter().enumerate().map(card).collect_view();
    view! { <ul class="cards cards-money" aria-label=label>{items}</ul> }.into_any()
}

/// The lines of a statement and their sum.
fn lines(lines: Vec<LineView>, total: String, total_label: &'static str, caption: &str) -> AnyView {
    let rows = lines
        .into_iter()
        .map(|line| {
            view! {
                <tr>
                    <th scope="row">{line.description}</th>
                    <td class="number" data-label="Quantity">{line.quantity}</td>
                    <td class="number" data-label="Unit price">{line.unit_price}</td>
                    <td class="number" data-label="Amount">{line.amount}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-box" role="region" aria-label=caption.to_owned() tabindex="0">
            <table class="stacked lines">
                <caption class="visually-hidden">{caption.to_owned()}</caption>
                <thead>
                    <tr>
                        <th scope="col">"For"</th>
                        <th scope="col" class="number">"Quantity"</th>
                        <th scope="col" class="number">"Unit price"</th>
                        <th scope="col" class="number">"Amount"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
                <tfoot>
                    <tr><th scope="row" colspan="3">{total_label}</th><td class="number">{total}</td></tr>
                </tfoot>
            </table>
        </div>
    }
    .into_any()
}

/// The terms of a version of a rate card.
fn terms(terms: TermsView, id: String) -> AnyView {
    let facts = terms
        .facts
        .into_iter()
        .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
        .collect_view();
    let tiers = terms
        .tiers
        .into_iter()
        .map(|(units, price)| view! { <tr><th scope="row">{units}</th><td class="number">{price}</td></tr> })
        .collect_view();
    let caption = format!("Price of {}, by tier", terms.figure.to_lowercase());
    view! {
        <dl class="facts">
            <div><dt>"Billed"</dt><dd><Term id label=terms.figure definition=terms.definition /></dd></div>
            {facts}
        </dl>
        <table class="tiers">
            <caption class="visually-hidden">{caption.clone()}</caption>
            <thead>
                <tr><th scope="col">"Units beyond what is included"</th><th scope="col" class="number">"Price of each"</th></tr>
            </thead>
            <tbody>{tiers}</tbody>
        </table>
    }
    .into_any()
}

/// The drawing of a waterfall.
fn drawing(drawings: String) -> AnyView {
    // Drawn by the server, which escapes every text in it.
    view! { <div class="chart-box" inner_html=drawings></div> }.into_any()
}

/// A waterfall as figures. Each step leads to the list behind it.
fn steps_table(waterfall: WaterfallView, caption: &str, prefix: &str) -> AnyView {
    let rows =
        waterfall.rows.into_iter().enumerate().map(|(i, row)| step_row(row, format!("{prefix}-{i}"))).collect_view();
    view! {
        <div class="table-box" role="region" aria-label=caption.to_owned() tabindex="0">
            <table class="waterfall">
                <caption class="visually-hidden">{caption.to_owned()}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Step"</th>
                        <th scope="col" class="number">"Events"</th>
                        <th scope="col" class="number">"Of received"</th>
                        <th scope="col"><span class="visually-hidden">"List"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn step_row(row: StepRow, id: String) -> AnyView {
    let class = match (row.is_part, row.is_level) {
        (true, _) => "step-part",
        (false, true) => "step-level",
        (false, false) => "step-taken",
    };
    let label = format!("See which: {}", row.label);
    let link = row.href.map(|href| {
        view! { <a href=href aria-label=label>"See which"</a> }
    });
    view! {
        <tr class=class>
            <th scope="row"><Term id label=row.label definition=row.definition /></th>
            <td class="number">{row.count}</td>
            <td class="number share">{row.share}</td>
            <td class="row-links">{link}</td>
        </tr>
    }
    .into_any()
}
