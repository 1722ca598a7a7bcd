//! Access links: read-only access for auditors who have no account.

use crate::calls::{MakeAccessLink, RevokeAccessLink};
use crate::components::form::{FormErrors, Outcome, TextField, customer_chooser};
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::links::{ALL, AccessLinks, LinkView, NewLinkView, PATH, path};
use crate::forms::AccessLinkInput;
use crate::pages::alerts::{button, refused};
use crate::pages::applications::Copy;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The list of links and the form of a new one.
#[must_use]
pub fn draw(found: AccessLinks) -> AnyView {
    let AccessLinks { items, next_cursor, is_later, time_zone, customers, customer, .. } = found;
    let (input, make_error, error, new) = (found.input, found.make_error, found.error, found.new);
    let customer_id = customer.as_ref().map(|customer| customer.value.clone()).unwrap_or_default();
    let of = customer.map_or_else(|| "All customers".to_owned(), |customer| customer.label);
    let page = path(&customer_id, &[]);
    let next = next_cursor.map(|cursor| crate::query::with_cursor(&page, &cursor));
    let chooser = customer_chooser(customers, &customer_id, PATH, Some("All customers"));
    let list = if items.is_empty() {
        let text = "With a link an auditor reads everything here for some days, changes nothing, and needs no account.";
        view! { <Empty title="No access links" text /> }.into_any()
    } else {
        table(items, &customer_id)
    };
    view! {
        <div class="page-head">
            <div>
                <h1>"Access links"</h1>
                <p class="page-sub">{of.clone()} " · read-only access for auditors, for a while · times in " {time_zone}</p>
            </div>
            <div class="page-actions">{chooser}</div>
        </div>
        {new.map(new_view)}
        {refused(error)}
        {make_form(customer_id, &of, input, &make_error)}
        {list}
        <Pager first=is_later.then_some(page) next />
    }
    .into_any()
}

/// The one time that a link is shown.
fn new_view(made: NewLinkView) -> AnyView {
    let NewLinkView { name, url, opens, until } = made;
    let copied = url.clone();
    view! {
        <section class="notice notice-good secret">
            <h2 class="notice-title">"Link for " {name}</h2>
            <p>
                "Whoever has it reads the data of " <strong>{opens}</strong> " until " {until}
                ". It is shown this once: copy it now and hand it to this person alone. Nobody can look it up later."
            </p>
            <dl class="facts">
                <div><dt>"Link"</dt><dd><code class="link-url">{url}</code> <Copy text=copied what="link" /></dd></div>
            </dl>
        </section>
    }
    .into_any()
}

fn make_form(customer: String, of: &str, input: AccessLinkInput, error: &Outcome) -> AnyView {
    let AccessLinkInput { name, days } = input;
    let (customer, opens) =
        if customer.is_empty() { (ALL.to_owned(), "all customers".to_owned()) } else { (customer, of.to_owned()) };
    let is_open = error.is_some();
    view! {
        <details class="panel create" open=is_open>
            <summary><span class="button button-main">"New link"</span></summary>
            <form method="post" action=MakeAccessLink::url()>
                <FormErrors error=error.clone() />
                <p>"It opens the data of " <strong>{opens}</strong> ", to read and not to change."</p>
                <input type="hidden" name="customer" value=customer />
                <div class="fields">
                    <TextField label="For whom" name="form[name]" field="name" value=name autocomplete="off" hint="Person and office. The audit log names them so." is_required=true error=error.clone() />
                    <TextField label="Valid for days" name="form[days]" field="days" value=days inputmode="numeric" autocomplete="off" hint="From 1 to 90." is_required=true error=error.clone() />
                </div>
                <div class="form-actions"><button type="submit" class="button button-main">"Make link"</button></div>
            </form>
        </details>
    }
    .into_any()
}

fn table(items: Vec<LinkView>, customer: &str) -> AnyView {
    // Who sees one customer's links knows what they open.
    let names_customer = customer.is_empty();
    let rows = items.into_iter().map(|link| row(link, customer, names_customer)).collect_view();
    view! {
        <div class="table-box panel" role="region" aria-label="Access links" tabindex="0">
            <table class="stacked access-links">
                <caption class="visually-hidden">"Access links"</caption>
                <thead>
                    <tr>
                        <th scope="col">"For"</th>
                        {names_customer.then(|| view! { <th scope="col">"Opens"</th> })}
                        <th scope="col">"Status"</th>
                        <th scope="col">"Until"</th>
                        <th scope="col">"Opened last"</th>
                        <th scope="col">"Made"</th>
                        <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(link: LinkView, customer: &str, names_customer: bool) -> AnyView {
    let LinkView { id, name, opens, badge, is_valid, until, made, mark, opened } = link;
    let revoke = is_valid.then(|| revoke(vec![("customer", customer.to_owned()), ("link", id)], &name));
    view! {
        <tr>
            <th scope="row">{name}</th>
            {names_customer.then(|| view! { <td data-label="Opens">{opens}</td> })}
            <td data-label="Status"><span class=badge.0>{badge.1}</span></td>
            <td data-label="Until">{until}</td>
            <td data-label="Opened last">{opened}</td>
            <td data-label="Made">{made} <span class="cell-note">"In the audit log: " {mark}</span></td>
            <td class="link-actions">{revoke}</td>
        </tr>
    }
    .into_any()
}

fn revoke(fields: Vec<(&'static str, String)>, name: &str) -> AnyView {
    let label = view! { "Revoke" <span class="visually-hidden">" the link for " {name.to_owned()}</span> }.into_any();
    view! {
        <details class="confirm">
            <summary class="link link-bad">"Revoke…" <span class="visually-hidden">" " {name.to_owned()}</span></summary>
            <div class="confirm-body">
                <p>"Whoever came by it is out at once. This cannot be undone."</p>
                {button(RevokeAccessLink::url(), fields, "button button-bad", label)}
            </div>
        </details>
    }
    .into_any()
}
