//! All customers' statements of a month.

use super::cards;
use crate::calls::{IssueStatement, IssueStatements};
use crate::components::form::{FormErrors, NoScriptSubmit, options};
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::billing::months::{MonthPage, PATH, RowView};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(found: MonthPage) -> AnyView {
    let MonthPage { month, title, months, totals, rows, first, next, due, can_issue, outcome, error } = found;
    let is_empty = rows.is_empty();
    let rows = rows.into_iter().map(|row| row_view(row, &month)).collect_view();
    let chosen = month.clone();
    view! {
        <div class="page-head">
            <div>
                <h1>"Statements"</h1>
                <p class="page-sub">"All customers · " <strong>{title}</strong></p>
            </div>
            <div class="page-actions">
                <form method="get" action=PATH class="chooser">
                    <label>
                        <span class="visually-hidden">"Month"</span>
                        <select id="month" name="month">{options(months, &chosen)}</select>
                    </label>
                    <NoScriptSubmit />
                </form>
            </div>
        </div>
        <FormErrors error />
        {outcome.map(|text| view! { <p class="notice notice-good">{text}</p> })}
        {(!totals.is_empty()).then(|| cards(totals, "Totals"))}
        {can_issue.then(|| issue_all(&month, due))}
        {is_empty.then(|| view! { <Empty title="No customers yet" text="Statements are made for customers that a rate card is assigned to." /> })}
        {(!is_empty).then(|| table(rows.into_any()))}
        <Pager first next />
    }
    .into_any()
}

/// The form that issues all at once. Where the script runs, it issues one after the other and says how far it is.
fn issue_all(month: &str, due: usize) -> AnyView {
    let text = match due {
        0 => "No statement of this month waits to be issued.".to_owned(),
        1 => "1 statement waits to be issued. Issued, it never changes again.".to_owned(),
        n => format!("{n} statements wait to be issued. Issued, they never change again."),
    };
    view! {
        <section class="panel issue-all" aria-label="Issue all">
            <p>{text}</p>
            {(due > 0)
                .then(|| {
                    view! {
                        <details class="confirm">
                            <summary class="button button-main">"Issue all…"</summary>
                            <div class="confirm-body">
                                <p>"Each statement is issued with what has arrived until now; what comes later is adjusted on the next one."</p>
                                <form method="post" action=IssueStatements::url() data-issue=month.to_owned()>
                                    <input type="hidden" name="month" value=month.to_owned() />
                                    <button type="submit" class="button button-main">"Issue " {due} " now"</button>
                                </form>
                                <div class="progress" role="status" hidden>
                                    <progress max="1" value="0" aria-label="Issued statements"></progress>
                                    <p></p>
                                </div>
                            </div>
                        </details>
                    }
                })}
        </section>
    }
    .into_any()
}

fn table(rows: AnyView) -> AnyView {
    view! {
        <div class="table-box panel" role="region" aria-label="Statements" tabindex="0">
            <table class="stacked">
                <caption class="visually-hidden">"Statements"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Customer"</th>
                        <th scope="col" class="number">"Usage"</th>
                        <th scope="col" class="number">"Total"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col"><span class="visually-hidden">"Issue"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row_view(row: RowView, month: &str) -> AnyView {
    let name = row.name.clone();
    let form = row.can_issue.then(|| {
        view! {
            <form method="post" action=IssueStatement::url()>
                <input type="hidden" name="customer" value=row.id.clone() />
                <input type="hidden" name="month" value=month.to_owned() />
                <input type="hidden" name="of_all" value="true" />
                <button type="submit" class="link">"Issue" <span class="visually-hidden">" the statement of " {name}</span></button>
            </form>
        }
    });
    view! {
        <tr data-customer=row.id>
            <th scope="row"><a href=row.href>{row.name}</a></th>
            <td class="number" data-label="Usage">{row.quantity}</td>
            <td class="number" data-label="Total">{row.total}</td>
            <td data-label="Status"><span><span class=row.badge.0>{row.badge.1}</span> " " <span class="hint">{row.when}</span></span></td>
            <td class="row-links">{form}</td>
        </tr>
    }
    .into_any()
}
