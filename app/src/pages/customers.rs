//! Customers, for operators.

use crate::calls::SaveCustomer;
use crate::components::form::{FormErrors, Outcome, TextField, field_id};
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::ListPage;
use crate::data::customers::{CustomerEditor, CustomerView, GivesUp, time_zones};
use crate::forms::CustomerInput;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The list of customers.
#[must_use]
pub fn draw_list(found: ListPage<CustomerView>) -> AnyView {
    let ListPage { items, next_cursor, is_later, can_change } = found;
    let is_empty = items.is_empty();
    let rows = items
        .into_iter()
        .map(|customer| {
            view! {
                <tr>
                    <th scope="row"><a href=format!("/admin/customers/{}", customer.id)>{customer.name}</a></th>
                    <td data-label="Time zone">{customer.time_zone}</td>
                    <td data-label="Limits">{customer.limits}</td>
                    <td data-label="Since">{customer.created}</td>
                    <td class="row-links">
                        <a href=format!("/overview?customer={}", customer.id)>"Figures"</a>
                        <a href=format!("/applications?customer={}", customer.id)>"Applications"</a>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="page-head">
            <div><h1>"Customers"</h1><p class="page-sub">"Who uses the catalogue and is billed"</p></div>
            {can_change.then(|| view! { <div class="page-actions"><a class="button button-main" href="/admin/customers/new">"New customer"</a></div> })}
        </div>
        {is_empty.then(|| view! { <Empty title="No customers yet" text="Create the first one to give its programs credentials." /> })}
        {(!is_empty)
            .then(|| {
                view! {
                    <div class="table-box panel" role="region" aria-label="Customers" tabindex="0">
                        <table class="stacked">
                            <caption class="visually-hidden">"Customers"</caption>
                            <thead>
                                <tr>
                                    <th scope="col">"Name"</th>
                                    <th scope="col">"Time zone"</th>
                                    <th scope="col">"Limits"</th>
                                    <th scope="col">"Since"</th>
                                    <th scope="col"><span class="visually-hidden">"Links"</span></th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
            })}
        <Pager
            first=is_later.then(|| "/admin/customers".to_owned())
            next=next_cursor.map(|cursor| crate::query::with_cursor("/admin/customers", &cursor))
        />
    }
    .into_any()
}

/// The form of a customer, new or known.
#[must_use]
pub fn draw_editor(editor: CustomerEditor, id: Option<String>) -> AnyView {
    let CustomerEditor { input, error, can_change, gives_up } = editor;
    let title = if id.is_some() { input.name.clone() } else { "New customer".to_owned() };
    let limits = limit_fields(&input, &error, can_change);
    view! {
        <div class="page-head">
            <div><p class="crumb"><a href="/admin/customers">"Customers"</a></p><h1>{title}</h1></div>
        </div>
        <section class="panel form-panel">
            <form method="post" action=SaveCustomer::url()>
                <FormErrors error=error.clone() />
                {id.map(|id| view! { <input type="hidden" name="customer" value=id /> })}
                <div class="fields">
                    <TextField label="Name" name="form[name]" field="name" value=input.name is_required=true is_readonly=!can_change error=error.clone() />
                    <TextField
                        label="Time zone"
                        name="form[time_zone]"
                        field="time_zone"
                        value=input.time_zone
                        list="zones"
                        hint="Where its days and months begin, such as Europe/Paris."
                        is_required=true
                        is_readonly=!can_change
                        error=error.clone()
                    />
                    {limits}
                    {gives_up.map(confirm)}
                </div>
                <datalist id="zones" inner_html=time_zones()></datalist>
                {can_change
                    .then(|| {
                        view! {
                            <div class="form-actions">
                                <button type="submit" class="button button-main">"Save"</button>
                                <a class="button" href="/admin/customers">"Cancel"</a>
                            </div>
                        }
                    })}
            </form>
        </section>
    }
    .into_any()
}

/// Asks whether raw events may be given up.
fn confirm(gives_up: GivesUp) -> AnyView {
    let GivesUp { what, before, is_confirmed } = gives_up;
    let fault = format!("{}-fault", field_id("event_retention_months"));
    view! {
        <div class="field field-wide field-check">
            <label>
                <input type="checkbox" name="form[gives_up_before]" value=before checked=is_confirmed aria-describedby=fault />
                <span>{format!("Give up {what} for ever")}</span>
            </label>
        </div>
    }
    .into_any()
}

/// The limits of a customer; empty ones are the installation's.
fn limit_fields(input: &CustomerInput, error: &Outcome, can_change: bool) -> AnyView {
    const USUAL: &str = "Empty: as the installation is set.";
    let field = |label, name, field: &'static str, value: &String, hint| {
        let (value, error) = (value.clone(), error.clone());
        view! { <TextField label name field value inputmode="numeric" hint is_readonly=!can_change error /> }.into_any()
    };
    let (quota, burst) = (&input.catalogue_quota_per_day, &input.event_burst_per_second);
    [
        field("Catalogue calls a day", "form[catalogue_quota_per_day]", "catalogue_quota_per_day", quota, USUAL),
        field(
            "Events a second, per application",
            "form[event_burst_per_second]",
            "event_burst_per_second",
            burst,
            USUAL,
        ),
        field(
            "Months that raw events are kept",
            "form[event_retention_months]",
            "event_retention_months",
            &input.event_retention_months,
            "Besides the present one. Figures are kept for ever. Empty: as the installation is set.",
        ),
        field(
            "Reports suppress counts below",
            "form[suppress_below]",
            "suppress_below",
            &input.suppress_below,
            "In reports with tables. Empty: as the installation is set.",
        ),
    ]
    .into_any()
}
