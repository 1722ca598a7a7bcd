//! The audit log.

use crate::components::form::{NoScriptSubmit, options};
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::Choice;
use crate::data::audit::{AUDIT_LOG, AuditLog, AuditRow};
use crate::data::billing::Whose;
use leptos::prelude::*;

/// The page.
#[must_use]
pub fn draw(log: AuditLog) -> AnyView {
    let AuditLog { whose, kinds, kind, items, first, next } = log;
    let is_narrowed = !kind.is_empty();
    let chooser = chooser(&whose, kinds, &kind);
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
        {is_empty.then(|| empty(is_narrowed))}
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

/// The chooser of a customer, for those who may see several, and of a kind of action: each keeps the other.
fn chooser(whose: &Whose, kinds: Vec<Choice>, kind: &str) -> AnyView {
    let chosen = whose.customer.clone().unwrap_or_default();
    let customer = (!whose.customers.is_empty()).then(|| {
        view! {
            <label>
                <span class="visually-hidden">"Customer"</span>
                <select id="customer" name="customer">
                    <option value="" selected=chosen.is_empty()>"All customers"</option>
                    {options(whose.customers.clone(), &chosen)}
                </select>
            </label>
        }
    });
    view! {
        <form method="get" action=AUDIT_LOG class="chooser audit-chooser">
            {customer}
            <label>
                <span class="visually-hidden">"Kind of action"</span>
                <select id="kind" name="kind">
                    <option value="" selected=kind.is_empty()>"All actions"</option>
                    {options(kinds, kind)}
                </select>
            </label>
            <NoScriptSubmit />
        </form>
    }
    .into_any()
}

fn empty(is_narrowed: bool) -> AnyView {
    let (title, text) = if is_narrowed {
        ("Nothing of this kind", "Choose another kind of action, or all of them.")
    } else {
        ("Nothing yet", "Every change, and every file that leaves, is written down here: by whom, and when.")
    };
    view! { <Empty title text /> }.into_any()
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
