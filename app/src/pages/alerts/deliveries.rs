//! The log of what was sent to a customer.

use super::{button, head, label, no_customer, refused};
use crate::calls::RetryDelivery;
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::alerts::DELIVERIES;
use crate::data::alerts::deliveries::{Deliveries, DeliveryList, DeliveryView};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(found: Deliveries) -> AnyView {
    let Deliveries { frame, list } = found;
    let customer = frame.whose.customer.clone().filter(|_| frame.can_change);
    // A page of its own, not the one that the browser has: it is the time that has changed, not the address.
    let again = list
        .as_ref()
        .map(|list| view! { <a class="button" href=list.here.clone() rel="external">"Look again"</a> }.into_any());
    let body = match list {
        Some(list) => list_view(list, customer.as_deref()),
        None => no_customer("Whose deliveries?"),
    };
    view! {
        {head(&frame, "Deliveries", DELIVERIES, again)}
        {body}
    }
    .into_any()
}

/// The log; `customer` is given where the person may try a delivery again.
fn list_view(list: DeliveryList, customer: Option<&str>) -> AnyView {
    let DeliveryList { items, cursor, first, next, error, checked, .. } = list;
    let is_empty = items.is_empty();
    let rows = items.into_iter().map(|delivery| row(delivery, customer, cursor.as_deref())).collect_view();
    view! {
        {refused(error)}
        {is_empty
            .then(|| {
                view! { <Empty title="Nothing has been sent" text="Messages of alerts that fired, and tests, are listed here for 90 days." /> }
            })}
        {(!is_empty)
            .then(|| {
                view! {
                    <div class="table-box panel" role="region" aria-label="Deliveries" tabindex="0">
                        <table class="stacked deliveries">
                            <caption class="visually-hidden">"Deliveries, newest first"</caption>
                            <thead>
                                <tr>
                                    <th scope="col">"Message"</th>
                                    <th scope="col">"Time"</th>
                                    <th scope="col">"To"</th>
                                    <th scope="col">"Status"</th>
                                    <th scope="col" class="number">"Attempts"</th>
                                    <th scope="col">"Last answer"</th>
                                    <th scope="col">"Next attempt"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                    <p class="hint">"As of " {checked} ". Messages are tried for up to three days, and listed for 90."</p>
                }
            })}
        <Pager first next />
    }
    .into_any()
}

fn row(delivery: DeliveryView, customer: Option<&str>, cursor: Option<&str>) -> AnyView {
    let DeliveryView { id, created, channel, target, subject, payload, badge, delivered, .. } = delivery;
    let (attempts, answer, next) = (delivery.attempts, delivery.answer, delivery.next);
    let retry = customer.filter(|_| delivery.can_retry).map(|customer| {
        let mut fields = vec![("customer", customer.to_owned()), ("delivery", id)];
        fields.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        button(RetryDelivery::url(), fields, "link", label("Retry now", &subject))
    });
    view! {
        <tr>
            <th scope="row">
                {subject}
                <details class="message">
                    <summary>"What is sent"</summary>
                    <pre>{payload}</pre>
                </details>
            </th>
            <td data-label="Time">{created}</td>
            <td data-label="To"><span>{target} <span class="key">{channel}</span></span></td>
            <td data-label="Status"><span><span class=badge.0>{badge.1}</span> {delivered.map(|at| view! { <span class="key">{at}</span> })}</span></td>
            <td class="number" data-label="Attempts">{attempts}</td>
            <td data-label="Last answer">{answer}</td>
            <td data-label="Next attempt"><span>{next} {retry}</span></td>
        </tr>
    }
    .into_any()
}
