//! The audit log.

use crate::components::form::customer_chooser;
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::audit::{AUDIT_LOG, AuditLog, AuditRow};
use leptos::prelude::*;

/// The page.
#[must_use]
pub fn draw(log: AuditLog) -> AnyView {
    let AuditLog { whose, items, first, next } = log;
    let chosen = whose.customer.as_deref().unwrap_or_default();
    let chooser = customer_chooser(whose.customers.clone(), chosen, AUDIT_LOG, Some("All customers"));
    let (is_empty, is_of_all) = (items.is_empty(), whose.customer.is_none());
    let rows = items.into_iter().map(row).collect_view();
    view! {
        <div class="page-head">
            <div>
                <h1>"Audit log"</h1>
                <p class="page-sub">{whose.name} " · times in " {whose.time_zone} " · nothing in it ever changes"</p>
            </div>
            <div class="page-actions">{chooser}</div>
        </div>
        {is_empty
            .then(|| view! { <Empty title="Nothing yet" text="Reports, exports, imports and access links are written down here: by whom, and when." /> })}
        {(!is_empty)
            .then(|| {
                view! {
                    <div class="table-box panel" role="region" aria-label="Audit log" tabindex="0">
                        <table class="stacked">
                            <caption class="visually-hidden">"What was done, newest first"</caption>
                            <thead>
                                <tr>
                                    <th scope="col">"When"</th>
                                    <th scope="col">"Who"</th>
                                    <th scope="col">"What"</th>
                                    {is_of_all.then(|| view! { <th scope="col">"Customer"</th> })}
                                    <th scope="col">"Details"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
            })}
        <Pager first next />
    }
    .into_any()
}

fn row(row: AuditRow) -> AnyView {
    let details = row
        .details
        .into_iter()
        .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
        .collect::<Vec<_>>();
    let details = if details.is_empty() {
        view! { "–" }.into_any()
    } else {
        let label = format!("Details: {}, {}", row.action, row.subject);
        view! {
            <details class="audit-details">
                <summary aria-label=label>"Details"</summary>
                <dl>{details}</dl>
            </details>
        }
        .into_any()
    };
    view! {
        <tr>
            <th scope="row">{row.at}</th>
            <td data-label="Who">{row.actor}</td>
            <td data-label="What"><div><strong>{row.action}</strong><br />{row.subject}</div></td>
            {row.customer.map(|customer| view! { <td data-label="Customer">{customer}</td> })}
            <td data-label="Details">{details}</td>
        </tr>
    }
    .into_any()
}
