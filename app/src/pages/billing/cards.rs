//! Rate cards, for operators and auditors.

use super::terms;
use crate::calls::AssignRateCard;
use crate::components::form::{FormErrors, Outcome, SelectField};
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::billing::cards::{CardPage, CardView, PATH, VersionView, version_path};
use crate::data::{Choice, ListPage};
use crate::forms::AssignmentInput;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The list of rate cards.
#[must_use]
pub fn draw_list(found: ListPage<CardView>) -> AnyView {
    let ListPage { items, next_cursor, is_later, can_change } = found;
    let is_empty = items.is_empty();
    let rows = items
        .into_iter()
        .map(|card| {
            view! {
                <tr>
                    <th scope="row"><a href=format!("{PATH}/{}", card.id)>{card.name}</a></th>
                    <td data-label="Bills">{card.bills}</td>
                    <td data-label="Versions">{card.versions}</td>
                    <td data-label="Customers">{card.customers}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="page-head">
            <div><h1>"Rate cards"</h1><p class="page-sub">"What usage costs, and for whom"</p></div>
            {can_change.then(|| view! { <div class="page-actions"><a class="button button-main" href="/admin/rate-cards/new">"New rate card"</a></div> })}
        </div>
        {is_empty.then(|| view! { <Empty title="No rate cards yet" text="Create the first one, try it out on a customer’s last months, and assign it." /> })}
        {(!is_empty)
            .then(|| {
                view! {
                    <div class="table-box panel" role="region" aria-label="Rate cards" tabindex="0">
                        <table class="stacked">
                            <caption class="visually-hidden">"Rate cards"</caption>
                            <thead>
                                <tr>
                                    <th scope="col">"Name"</th>
                                    <th scope="col">"Bills"</th>
                                    <th scope="col">"Versions"</th>
                                    <th scope="col">"Customers"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
            })}
        <Pager
            first=is_later.then(|| PATH.to_owned())
            next=next_cursor.map(|cursor| crate::query::with_cursor(PATH, &cursor))
        />
    }
    .into_any()
}

/// A rate card.
#[must_use]
pub fn draw(found: CardPage) -> AnyView {
    let CardPage { id, name, versions, customers, can_change, assignment, error, choices, months } = found;
    let versions = versions.into_iter().enumerate().map(|(i, it)| version(i, it)).collect_view();
    let new = version_path(&id, None);
    view! {
        <div class="page-head">
            <div><p class="crumb"><a href=PATH>"Rate cards"</a></p><h1>{name}</h1></div>
            {can_change.then(|| view! { <div class="page-actions"><a class="button button-main" href=new>"New version"</a></div> })}
        </div>
        {customers_panel(customers)}
        {can_change.then(|| assignment_panel(id, assignment, &error, choices, months))}
        <section class="panel" aria-labelledby="versions-title">
            <div class="panel-head">
                <div>
                    <h2 id="versions-title">"Versions"</h2>
                    <p class="hint">"A month is priced by the latest version that is effective from it or from an earlier month. Once a statement was priced with a version, it never changes."</p>
                </div>
            </div>
            <ul class="contract">{versions}</ul>
        </section>
    }
    .into_any()
}

fn version(index: usize, it: VersionView) -> AnyView {
    let badge = if it.is_used { ("badge badge-good", "Used by statements") } else { ("badge", "Not used yet") };
    let label = format!(": {}", it.title);
    view! {
        <li>
            <h3>
                {it.title} " " <span class=badge.0>{badge.1}</span>
                {it.edit.map(|href| view! { " " <a class="edit" href=href>"Change" <span class="visually-hidden">{label}</span></a> })}
            </h3>
            {terms(it.terms, format!("terms-{index}"))}
        </li>
    }
    .into_any()
}

fn customers_panel(customers: Vec<(String, String, String)>) -> AnyView {
    let is_empty = customers.is_empty();
    let rows = customers
        .into_iter()
        .map(|(name, href, from)| view! { <div><dt>"From " {from}</dt><dd><a href=href>{name}</a></dd></div> })
        .collect_view();
    view! {
        <section class="panel" aria-labelledby="customers-title">
            <div class="panel-head"><h2 id="customers-title">"Customers"</h2></div>
            {is_empty.then(|| view! { <p class="hint">"Assigned to nobody yet: it prices nothing."</p> })}
            {(!is_empty).then(|| view! { <dl class="facts">{rows}</dl> })}
        </section>
    }
    .into_any()
}

fn assignment_panel(
    id: String,
    input: AssignmentInput,
    error: &Outcome,
    customers: Vec<Choice>,
    months: Vec<Choice>,
) -> AnyView {
    let choice = |value: &str, label: &str| Choice { value: value.to_owned(), label: label.to_owned() };
    let cards = vec![choice(&id, "This rate card"), choice("", "No rate card")];
    let is_open = error.is_some();
    view! {
        <details class="panel create" open=is_open>
            <summary><span class="button">"Assign to a customer"</span></summary>
            <form method="post" action=AssignRateCard::url()>
                <FormErrors error=error.clone() />
                <input type="hidden" name="page_of" value=id />
                <div class="fields">
                    <SelectField label="Customer" name="form[customer]" field="customer" choices=customers value=input.customer error=error.clone() />
                    <SelectField label="From the month" name="form[from]" field="from" choices=months value=input.from hint="Months that are issued stay as they are." error=error.clone() />
                    <SelectField label="Priced by" name="form[card]" field="card" choices=cards value=input.card hint="Until the next assignment." error=error.clone() />
                </div>
                <div class="form-actions"><button type="submit" class="button button-main">"Assign"</button></div>
            </form>
        </details>
    }
    .into_any()
}
