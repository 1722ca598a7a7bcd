//! A customer's billing at a glance.

use super::{cards, chooser, drawing, lines, terms};
use crate::components::state::Empty;
use crate::data::billing::overview::{Bills, ContractView, MonthView, Overview};
use leptos::prelude::*;

/// The page.
#[must_use]
pub fn draw(found: Overview) -> AnyView {
    let Overview { whose, bills } = found;
    let chooser = chooser(&whose, "/billing", bills.is_none());
    let body = match bills {
        Some(bills) => bills_view(bills),
        None => view! {
            <Empty title="Whose bills?" text="Bills are of one customer: choose one above. All customers’ statements of a month are under Statements." />
        }
        .into_any(),
    };
    view! {
        <div class="page-head">
            <div>
                <h1>"Billing"</h1>
                <p class="page-sub">{whose.name} " · months in " {whose.time_zone}</p>
            </div>
            <div class="page-actions">{chooser}</div>
        </div>
        {body}
    }
    .into_any()
}

fn bills_view(bills: Bills) -> AnyView {
    let Bills { month, href, cards: figures, so_far, drawings, months, contract, can_assign } = bills;
    let has_contract = contract.iter().any(|it| it.card.is_some());
    let why = so_far.map(|(rows, total)| {
        let href = href.clone();
        let caption = format!("What {month} costs so far");
        view! {
            <section class="panel" aria-labelledby="why-title">
                <div class="panel-head">
                    <h2 id="why-title">{month.clone()} ", so far"</h2>
                    <div class="panel-actions"><a class="button" href=href>"See how it comes about"</a></div>
                </div>
                {lines(rows, total, "Total so far", &caption)}
            </section>
        }
    });
    view! {
        {cards(figures, "What this month costs")}
        {(!has_contract)
            .then(|| {
                view! {
                    <div class="notice notice-warning">
                        <p class="notice-title">"No rate card prices these months"</p>
                        <p>
                            "Usage is counted as ever; statements begin once a rate card is assigned. "
                            {can_assign.then(|| view! { <a href="/admin/rate-cards">"Go to the rate cards"</a> })}
                        </p>
                    </div>
                }
            })}
        {why}
        {months_panel(drawings, months)}
        {has_contract.then(|| contract_panel(contract))}
    }
    .into_any()
}

fn months_panel(drawings: String, months: Vec<MonthView>) -> AnyView {
    let rows = months
        .into_iter()
        .map(|month| {
            view! {
                <tr>
                    <th scope="row"><a href=month.href>{month.label}</a></th>
                    <td class="number" data-label="Usage">{month.quantity}</td>
                    <td class="number" data-label="Total">{month.total}</td>
                    <td data-label="Status"><span><span class=month.badge.0>{month.badge.1}</span> " " <span class="hint">{month.when}</span></span></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="panel" aria-labelledby="months-title">
            <div class="panel-head">
                <div>
                    <h2 id="months-title">"Last 12 months"</h2>
                    <p class="hint">"Totals of the statements; the running month is lighter and still grows."</p>
                </div>
            </div>
            {(!drawings.is_empty()).then(|| drawing(drawings))}
            <div class="table-box" role="region" aria-label="Last 12 months" tabindex="0">
                <table class="stacked">
                    <caption class="visually-hidden">"Last 12 months, newest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Month"</th>
                            <th scope="col" class="number">"Usage"</th>
                            <th scope="col" class="number">"Total"</th>
                            <th scope="col">"Status"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn contract_panel(contract: Vec<ContractView>) -> AnyView {
    let parts = contract
        .into_iter()
        .enumerate()
        .map(|(i, part)| {
            let body = match part.card {
                Some((name, view)) => {
                    view! { <h3>{name} " · from " {part.from}</h3> {terms(view, format!("contract-{i}"))} }.into_any()
                }
                None => view! { <h3>"No rate card · from " {part.from}</h3> }.into_any(),
            };
            view! { <li>{body}</li> }
        })
        .collect_view();
    view! {
        <section class="panel" aria-labelledby="contract-title">
            <div class="panel-head"><h2 id="contract-title">"Contract"</h2></div>
            <ul class="contract">{parts}</ul>
        </section>
    }
    .into_any()
}
