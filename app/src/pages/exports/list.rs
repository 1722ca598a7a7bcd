//! The exports of a customer, or of all.

use crate::components::form::customer_chooser;
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::exports::EXPORTS;
use crate::data::exports::list::{ExportList, ExportRow, Exports};
use leptos::prelude::*;

/// The page.
#[must_use]
pub fn draw(found: Exports) -> AnyView {
    let Exports { whose, list } = found;
    let chosen = whose.customer.clone().unwrap_or_default();
    let chooser = customer_chooser(whose.customers, &chosen, EXPORTS, Some("All customers"));
    let new = list.new.clone().map(|href| view! { <a class="button button-main" href=href>"New export"</a> });
    let sub = match whose.customer {
        Some(_) => format!("{} · days in {}", whose.name, whose.time_zone),
        None => format!("{} · times in UTC", whose.name),
    };
    let body = list_view(list);
    view! {
        <div class="page-head">
            <div>
                <h1>"Exports"</h1>
                <p class="page-sub">{sub}</p>
            </div>
            <div class="page-actions">{chooser} {new}</div>
        </div>
        {body}
    }
    .into_any()
}

fn list_view(list: ExportList) -> AnyView {
    let ExportList { items, first, next, is_live, new } = list;
    let is_empty = items.is_empty();
    let text = if new.is_some() {
        "Raw events and figures of any period, as CSV, NDJSON, XLSX or Parquet, each with a manifest that says what is in it. Files are kept for 30 days."
    } else {
        "What is exported of customers is listed here. Choose a customer above to export something."
    };
    let rows = items.into_iter().map(row).collect_view();
    view! {
        {is_empty
            .then(|| view! { <Empty title="No exports yet" text=text /> })}
        {(!is_empty)
            .then(|| {
                view! {
                    <div class="table-box panel" role="region" aria-label="Exports" tabindex="0" data-live=is_live.then_some("")>
                        <table class="stacked">
                            <caption class="visually-hidden">"Exports, newest first"</caption>
                            <thead>
                                <tr>
                                    <th scope="col">"Export"</th>
                                    {new.is_none().then(|| view! { <th scope="col">"Customer"</th> })}
                                    <th scope="col">"Period"</th>
                                    <th scope="col">"Format"</th>
                                    <th scope="col">"Status"</th>
                                    <th scope="col">"File"</th>
                                    <th scope="col">"Requested"</th>
                                    <th scope="col">"Versions"</th>
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

fn row(row: ExportRow) -> AnyView {
    view! {
        <tr>
            <th scope="row">
                <a href=row.href>{row.title}</a>
                <span class="cell-note">{row.filters}</span>
            </th>
            {row.customer.map(|name| view! { <td data-label="Customer">{name}</td> })}
            <td data-label="Period">{row.period}</td>
            <td data-label="Format">{row.format}</td>
            <td data-label="Status"><span class=row.badge.0>{row.badge.1}</span></td>
            <td data-label="File">{row.size}</td>
            <td data-label="Requested">{row.requested}</td>
            <td data-label="Versions">{row.versions}</td>
        </tr>
    }
    .into_any()
}
