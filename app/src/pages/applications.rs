//! Applications of a customer: credentials, their rotation and their end.

use crate::calls::{CreateApplication, RevokeApplication, RevokeSecret, RotateApplication};
use crate::components::form::{FormErrors, Outcome, SelectField, TextField, customer_chooser};
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::Choice;
use crate::data::applications::{ApplicationView, Applications, Credentials, SecretView};
use crate::forms::ApplicationInput;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const PATH: &str = "/applications";

/// The list of applications and the form of a new one.
#[must_use]
pub fn draw(found: Applications) -> AnyView {
    let Applications { items, next_cursor, is_later, time_zone, can_change, customers, customer, .. } = found;
    let (input, create_error, error, new) = (found.input, found.create_error, found.error, found.new);
    let customer_id = customer.as_ref().map(|customer| customer.value.clone()).unwrap_or_default();
    let of = customer.map_or_else(|| "All customers".to_owned(), |customer| customer.label);
    let path = if customer_id.is_empty() { PATH.to_owned() } else { format!("{PATH}?customer={customer_id}") };
    let next = next_cursor.map(|cursor| crate::query::with_cursor(&path, &cursor));
    let is_empty = items.is_empty();
    let chooser = customer_chooser(customers, &customer_id, "/applications", Some("All customers"));
    let needs_choice = chooser.is_some() && customer_id.is_empty();
    let list = items
        .into_iter()
        .map(|application| application_view(application, can_change.then(|| customer_id.clone())))
        .collect_view();
    view! {
        <div class="page-head">
            <div>
                <h1>"Applications"</h1>
                <p class="page-sub">{of} " · credentials with which programs send events and read figures · times in " {time_zone}</p>
            </div>
            <div class="page-actions">{chooser}</div>
        </div>
        {new.map(secret_view)}
        <FormErrors error />
        {can_change.then(|| create_form(customer_id.clone(), input, &create_error))}
        {needs_choice.then(|| view! { <p class="hint">"Choose a customer to create or change applications."</p> })}
        {is_empty.then(|| view! { <Empty title="No applications" text="Programs need credentials of an application to send events." /> })}
        <ul class="applications">{list}</ul>
        <Pager first=is_later.then_some(path) next />
    }
    .into_any()
}

/// The one time that a secret is shown.
fn secret_view(made: Credentials) -> AnyView {
    let (id, secret) = (made.client_id.clone(), made.client_secret.clone());
    view! {
        <section class="notice notice-good secret">
            <h2 class="notice-title">"Credentials of " {made.name}</h2>
            <p>"The secret is shown this once: copy it now and keep it where your programs find it. Nobody can look it up later."</p>
            <dl class="facts">
                <div><dt>"Client id"</dt><dd><code>{made.client_id}</code> <Copy text=id what="client id" /></dd></div>
                <div><dt>"Client secret"</dt><dd><code>{made.client_secret}</code> <Copy text=secret what="client secret" /></dd></div>
            </dl>
        </section>
    }
    .into_any()
}

/// A button that copies a text. It shows where the script runs; the text can be selected anywhere.
#[component]
pub fn Copy(text: String, what: &'static str) -> impl IntoView {
    view! {
        <button type="button" class="button copy" data-copy=text>
            "Copy"
            <span class="visually-hidden">" " {what}</span>
        </button>
    }
}

fn create_form(customer: String, input: ApplicationInput, error: &Outcome) -> AnyView {
    let ApplicationInput { name, tier } = input;
    let choice = |value: &str, label: &str| Choice { value: value.to_owned(), label: label.to_owned() };
    let tiers =
        vec![choice("sandbox", "Sandbox: for trying out"), choice("production", "Production: billed and reported")];
    let is_open = error.is_some();
    view! {
        <details class="panel create" open=is_open>
            <summary><span class="button button-main">"New application"</span></summary>
            <form method="post" action=CreateApplication::url()>
                <FormErrors error=error.clone() />
                <input type="hidden" name="customer" value=customer />
                <div class="fields">
                    <TextField label="Name" name="form[name]" field="name" value=name hint="What your team calls it, such as web or ios." is_required=true error=error.clone() />
                    <SelectField label="Tier" name="form[tier]" field="tier" choices=tiers value=tier hint="It cannot be changed later." error=error.clone() />
                </div>
                <div class="form-actions"><button type="submit" class="button button-main">"Create application"</button></div>
            </form>
        </details>
    }
    .into_any()
}

/// An application; `customer` is given where the person may change it.
fn application_view(application: ApplicationView, customer: Option<String>) -> AnyView {
    let is_revoked = application.revoked.is_some();
    let tier = if application.is_sandbox {
        ("badge badge-sandbox", "Sandbox")
    } else {
        ("badge badge-production", "Production")
    };
    let ended = application.revoked.map(|at| ("Revoked", at)).or(application.suspended.map(|at| ("Suspended", at)));
    let status = match ended {
        Some((how, at)) => {
            view! { <span class="badge badge-bad">{how}</span> <span class="hint">{at}</span> }.into_any()
        }
        None => view! { <span class="badge badge-good">"Active"</span> }.into_any(),
    };
    let can_revoke_one = application.secrets.len() > 1;
    let id = application.id.clone();
    let secrets = application
        .secrets
        .into_iter()
        .map(|secret| secret_row(secret, customer.clone().filter(|_| can_revoke_one), id.clone()))
        .collect_view();
    let changes = customer
        .filter(|_| !is_revoked)
        .map(|customer| changes(customer, application.id.clone(), application.name.clone(), can_revoke_one));
    let of = (!application.customer.is_empty())
        .then(|| view! { <div><dt>"Customer"</dt><dd>{application.customer}</dd></div> });
    view! {
        <li class="panel application" class:application-revoked=is_revoked>
            <div class="panel-head">
                <h2>{application.name}</h2>
                <p class="badges"><span class=tier.0>{tier.1}</span> {status}</p>
            </div>
            <dl class="facts">
                {of}
                <div><dt>"Client id"</dt><dd><code>{application.client_id}</code></dd></div>
                <div><dt>"Created"</dt><dd>{application.created}</dd></div>
                <div><dt>"Secrets"</dt><dd>{if is_revoked { "None is valid".into_any() } else { view! { <ul class="secrets">{secrets}</ul> }.into_any() }}</dd></div>
            </dl>
            {changes}
        </li>
    }
    .into_any()
}

fn secret_row(secret: SecretView, customer: Option<String>, application: String) -> AnyView {
    let label = format!("Revoke the secret that ends in {}", secret.hint);
    let form = customer.map(|customer| {
        view! {
            <form method="post" action=RevokeSecret::url()>
                <input type="hidden" name="customer" value=customer />
                <input type="hidden" name="application" value=application />
                <input type="hidden" name="secret" value=secret.id />
                <button type="submit" class="link link-bad" aria-label=label>"Revoke"</button>
            </form>
        }
    });
    view! { <li><code>"…" {secret.hint}</code> <span class="hint">{secret.created}</span> {form}</li> }.into_any()
}

fn changes(customer: String, application: String, name: String, is_rotating: bool) -> AnyView {
    let (rotate_customer, rotate_application) = (customer.clone(), application.clone());
    let (rotate_name, summary) = (name.clone(), name.clone());
    let rotate = if is_rotating {
        view! { <p class="hint">"Two secrets are valid. Revoke the old one once your programs use the new one."</p> }
            .into_any()
    } else {
        view! {
            <form method="post" action=RotateApplication::url()>
                <input type="hidden" name="customer" value=rotate_customer />
                <input type="hidden" name="application" value=rotate_application />
                <button type="submit" class="button">"New secret" <span class="visually-hidden">" for " {rotate_name}</span></button>
            </form>
        }
        .into_any()
    };
    view! {
        <div class="application-actions">
            {rotate}
            <details class="confirm">
                <summary class="button">"Revoke…" <span class="visually-hidden">{summary}</span></summary>
                <div class="confirm-body">
                    <p>"Its programs are refused within seconds and send no more events. Figures stay. This cannot be undone."</p>
                    <form method="post" action=RevokeApplication::url()>
                        <input type="hidden" name="customer" value=customer />
                        <input type="hidden" name="application" value=application />
                        <button type="submit" class="button button-bad">"Revoke " {name}</button>
                    </form>
                </div>
            </details>
        </div>
    }
    .into_any()
}
