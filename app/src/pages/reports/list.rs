//! The reports of a customer, the kinds that can be made, and its public page; or the reports of all.

use super::all;
use crate::calls::SetDisclosure;
use crate::components::form::customer_chooser;
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::reports::REPORTS;
use crate::data::reports::list::{KindView, PublicPage, ReportList, ReportRow, Reports, Shown};
use crate::pages::alerts::{button, refused};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(found: Reports) -> AnyView {
    let Reports { whose, shown } = found;
    let chosen = whose.customer.clone().unwrap_or_default();
    let chooser = customer_chooser(whose.customers, &chosen, REPORTS, Some("All customers"));
    let (sub, actions, body) = match shown {
        Shown::OfOne(list) => {
            let sub = format!("{} · months in {}", whose.name, whose.time_zone);
            (sub, None, list_view(list, &chosen))
        }
        Shown::OfAll(list) => {
            let sub = format!("{} · times in UTC", whose.name);
            (sub, Some(all::actions(&list)), all::draw(list))
        }
    };
    view! {
        <div class="page-head">
            <div>
                <h1>"Reports"</h1>
                <p class="page-sub">{sub}</p>
            </div>
            <div class="page-actions">{chooser} {actions}</div>
        </div>
        {body}
    }
    .into_any()
}

fn list_view(list: ReportList, customer: &str) -> AnyView {
    let ReportList { items, first, next, can_change, kinds, public, error } = list;
    let is_empty = items.is_empty();
    let kinds = kinds.into_iter().map(|kind| kind_view(kind, can_change)).collect_view();
    view! {
        {refused(error)}
        {is_empty
            .then(|| view! { <Empty title="No reports yet" text="Choose a kind below. A report is counted as a draft, and fixed when somebody approves it." /> })}
        {(!is_empty).then(|| table(items))}
        <Pager first next />
        <h2 class="list-head">"Kinds of report"</h2>
        <ul class="applications">{kinds}</ul>
        {public_view(public, can_change, customer)}
    }
    .into_any()
}

/// Reports, each with its customer's name where they are of several.
pub(super) fn table(items: Vec<ReportRow>) -> AnyView {
    let is_of_all = items.iter().any(|row| row.customer.is_some());
    let rows = items.into_iter().map(row).collect_view();
    view! {
        <div class="table-box panel" role="region" aria-label="Reports" tabindex="0">
            <table class="stacked">
                <caption class="visually-hidden">"Reports, newest first"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Report"</th>
                        {is_of_all.then(|| view! { <th scope="col">"Customer"</th> })}
                        <th scope="col">"Period"</th>
                        <th scope="col" class="number">"Version"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Made"</th>
                        <th scope="col" class="number">"Template version"</th>
                        <th scope="col" class="number">"Rules version"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(row: ReportRow) -> AnyView {
    view! {
        <tr>
            <th scope="row"><a href=row.href>{row.title}</a></th>
            {row.customer.map(|name| view! { <td data-label="Customer">{name}</td> })}
            <td data-label="Period">{row.period}</td>
            <td class="number" data-label="Version">{row.version}</td>
            <td data-label="Status"><span class=row.badge.0>{row.badge.1}</span></td>
            <td data-label="Made">{row.made}</td>
            <td class="number" data-label="Template version">{row.template_version}</td>
            <td class="number" data-label="Rules version">{row.rules_version}</td>
        </tr>
    }
    .into_any()
}

fn kind_view(kind: KindView, can_change: bool) -> AnyView {
    let law = kind.law.map(|(law, url)| {
        view! { <p class="hint"><a href=url rel="external noreferrer">{law}</a></p> }
    });
    let label = format!("New report: {}", kind.title);
    let make = can_change.then(|| view! { <a class="button" href=kind.href aria-label=label>"New report"</a> });
    view! {
        <li class="panel application">
            <div class="panel-head">
                <h3>{kind.title}</h3>
                {make}
            </div>
            <p>{kind.summary}</p>
            {law}
        </li>
    }
    .into_any()
}

fn public_view(public: PublicPage, can_change: bool, customer: &str) -> AnyView {
    let PublicPage { is_on, href } = public;
    let text = match is_on {
        true => {
            "Everybody can see the latest approved yearly disclosure, as a page, as JSON and in a frame for other sites."
        }
        false => {
            "Switched off: nothing is public. Switched on, everybody can see the latest approved yearly disclosure."
        }
    };
    let link = href.map(|href| view! { <p><a href=href rel="external">"Look at the public page"</a></p> });
    let action = can_change.then(|| {
        let fields = vec![("customer", customer.to_owned()), ("is_on", (!is_on).to_string())];
        let label = if is_on { "Switch it off" } else { "Switch it on" };
        button(SetDisclosure::url(), fields, "button", view! { {label} }.into_any())
    });
    view! {
        <h2 class="list-head">"Public page"</h2>
        <section class="panel report-part">
            <p>{text}</p>
            {link}
            {action}
        </section>
    }
    .into_any()
}
