//! A customer's webhook endpoints.

use super::{button, head, label, no_customer, refused};
use crate::calls::{CreateWebhook, DeleteWebhook, RotateWebhook, SetWebhookDisabled, TestWebhook};
use crate::components::form::{FormErrors, Outcome, TextField};
use crate::components::state::Empty;
use crate::data::alerts::WEBHOOKS;
use crate::data::alerts::webhooks::{NewSecret, WebhookList, WebhookView, Webhooks};
use crate::pages::applications::Copy;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(found: Webhooks) -> AnyView {
    let Webhooks { frame, list } = found;
    let customer = frame.whose.customer.clone().filter(|_| frame.can_change);
    let body = match list {
        Some(list) => list_view(list, customer.as_deref()),
        None => no_customer("Whose endpoints?"),
    };
    view! {
        {head(&frame, "Webhook endpoints", WEBHOOKS, None)}
        {body}
    }
    .into_any()
}

/// The endpoints; `customer` is given where the person may change them.
fn list_view(list: WebhookList, customer: Option<&str>) -> AnyView {
    let WebhookList { items, url, create_error, error, new } = list;
    let is_empty = items.is_empty();
    let create = customer.map(|customer| create_form(customer.to_owned(), url, &create_error));
    let items = items.into_iter().map(|webhook| webhook_view(webhook, customer)).collect_view();
    view! {
        {new.map(secret_view)}
        {refused(error)}
        {create}
        {is_empty
            .then(|| {
                view! { <Empty title="No endpoints" text="An endpoint is a web address of yours that is called as soon as an alert fires." /> }
            })}
        <ul class="applications">{items}</ul>
        {signing()}
    }
    .into_any()
}

/// The one time that a secret is shown.
fn secret_view(made: NewSecret) -> AnyView {
    let NewSecret { url, secret, old_until } = made;
    let copied = secret.clone();
    let old = old_until.map(|until| {
        view! { <p>"Until " {until} " calls are signed with the secret before as well, so that none is missed meanwhile."</p> }
    });
    view! {
        <section class="notice notice-good secret">
            <h2 class="notice-title">"Signing secret of " {url}</h2>
            <p>"It is shown this once: copy it now and keep it where the endpoint finds it. Nobody can look it up later."</p>
            {old}
            <dl class="facts">
                <div>
                    <dt>"Signing secret"</dt>
                    <dd><code>{secret}</code> <Copy text=copied what="signing secret" /></dd>
                </div>
            </dl>
        </section>
    }
    .into_any()
}

fn create_form(customer: String, url: String, error: &Outcome) -> AnyView {
    let is_open = error.is_some();
    view! {
        <details class="panel create" open=is_open>
            <summary><span class="button button-main">"New endpoint"</span></summary>
            <form method="post" action=CreateWebhook::url()>
                <FormErrors error=error.clone() />
                <input type="hidden" name="customer" value=customer />
                <div class="fields fields-url">
                    <TextField label="Web address" name="url" field="url" value=url inputmode="url" hint="Begins with https://, such as https://example.org/hooks/reachline." is_required=true error=error.clone() />
                </div>
                <div class="form-actions"><button type="submit" class="button button-main">"Create endpoint"</button></div>
            </form>
        </details>
    }
    .into_any()
}

fn webhook_view(webhook: WebhookView, customer: Option<&str>) -> AnyView {
    let WebhookView { id, url, secret_hint, old_secret_until, created, disabled, alerts } = webhook;
    let is_disabled = disabled.is_some();
    let status = match disabled {
        Some(at) => view! { <span class="badge badge-bad">"Disabled"</span> <span class="hint">{at}</span> }.into_any(),
        None => view! { <span class="badge badge-good">"Active"</span> }.into_any(),
    };
    let is_used = !alerts.is_empty();
    let can_change = customer.is_some();
    let calling = alerts
        .into_iter()
        .map(|(name, href)| {
            if can_change {
                view! { <li><a href=href>{name}</a></li> }.into_any()
            } else {
                view! { <li>{name}</li> }.into_any()
            }
        })
        .collect_view();
    let old =
        old_secret_until.map(|until| view! { <span class="hint">"The one before signs as well until " {until}</span> });
    let actions = customer.map(|customer| actions(customer, &id, &url, is_disabled, is_used));
    view! {
        <li class="panel application" class:application-revoked=is_disabled>
            <div class="panel-head">
                <h2><code>{url}</code></h2>
                <p class="badges">{status}</p>
            </div>
            <dl class="facts">
                <div><dt>"Signing secret"</dt><dd class="secret-hint"><code>"…" {secret_hint}</code> {old}</dd></div>
                <div><dt>"Created"</dt><dd>{created}</dd></div>
                <div>
                    <dt>"Called by"</dt>
                    <dd>{if is_used { view! { <ul class="targets">{calling}</ul> }.into_any() } else { "No alert yet".into_any() }}</dd>
                </div>
            </dl>
            {actions}
        </li>
    }
    .into_any()
}

fn actions(customer: &str, id: &str, url: &str, is_disabled: bool, is_used: bool) -> AnyView {
    let fields = || vec![("customer", customer.to_owned()), ("webhook", id.to_owned())];
    let mut switch = fields();
    switch.push(("disabled", (!is_disabled).to_string()));
    let switch_label = if is_disabled { "Enable" } else { "Disable" };
    let test = (!is_disabled).then(|| button(TestWebhook::url(), fields(), "button", label("Send a test", url)));
    let delete = if is_used {
        view! { <p class="hint">"Alerts call it: choose another endpoint there before you delete it."</p> }.into_any()
    } else {
        let text = "It is not called any more, and its secret is gone. What has been sent stays under Deliveries.";
        confirm(
            "confirm",
            "Delete…",
            url,
            text,
            button(DeleteWebhook::url(), fields(), "button button-bad", label("Delete endpoint", url)),
        )
    };
    let text = "Calls are signed with the new secret at once, and for a day with the present one as well.";
    let rotate = button(RotateWebhook::url(), fields(), "button button-main", label("Make a new secret", url));
    view! {
        <div class="application-actions">
            {test}
            {confirm("confirm calm", "New secret…", url, text, rotate)}
            {button(SetWebhookDisabled::url(), switch, "button", label(switch_label, url))}
            {delete}
        </div>
    }
    .into_any()
}

/// A step that is asked for twice.
fn confirm(class: &'static str, summary: &'static str, about: &str, text: &'static str, button: AnyView) -> AnyView {
    view! {
        <details class=class>
            <summary class="button">{summary} <span class="visually-hidden">" " {about.to_owned()}</span></summary>
            <div class="confirm-body"><p>{text}</p> {button}</div>
        </details>
    }
    .into_any()
}

/// What a program that is called must know.
fn signing() -> AnyView {
    view! {
        <section class="panel form-panel signing" aria-labelledby="signing-title">
            <h2 id="signing-title">"How an endpoint is called"</h2>
            <p>
                "By " <code>"POST"</code> " with JSON, signed as "
                <a href="https://www.standardwebhooks.com" rel="external noreferrer">"Standard Webhooks"</a>
                " says, for which there are libraries in most languages: the headers " <code>"webhook-id"</code> ", "
                <code>"webhook-timestamp"</code> " and " <code>"webhook-signature"</code>
                " tell that a call is ours, and " <code>"webhook-id"</code> " is the same if a call is repeated."
            </p>
            <p class="hint">
                "Answer with a status of 200 to 299 within ten seconds. Anything else is tried again for three days; 410 disables the endpoint."
            </p>
        </section>
    }
    .into_any()
}
