//! The form of an alert. It has the fields of every kind; the style shows those of the chosen one, with or without
//! script.

use crate::calls::SaveAlert;
use crate::components::form::{AreaField, FormErrors, Outcome, SelectField, TextField, fault_of};
use crate::data::Choice;
use crate::data::alerts::editor::{AlertEditor, KindView};
use crate::forms::AlertInput;
use domain::alert::{AlertKind, EMAILS_MAX};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(editor: AlertEditor) -> AnyView {
    let AlertEditor { title, customer, customer_name, alert, back, webhooks, input, error, kinds, .. } = editor;
    let (sends_mail, endpoints) = (editor.sends_mail, editor.endpoints);
    view! {
        <div class="page-head">
            <div>
                <p class="crumb"><a href=back.clone()>"Alerts"</a></p>
                <h1>{title}</h1>
                <p class="page-sub">{customer_name}</p>
            </div>
        </div>
        <form method="post" action=SaveAlert::url() class="bare alert-form">
            <FormErrors error=error.clone() />
            <input type="hidden" name="customer" value=customer />
            {alert.map(|alert| view! { <input type="hidden" name="alert" value=alert /> })}
            {what(&input, kinds, &error)}
            {whom(&input, sends_mail, endpoints, webhooks, &error)}
            <div class="form-actions">
                <button type="submit" class="button button-main">"Save"</button>
                <a class="button" href=back>"Cancel"</a>
            </div>
        </form>
    }
    .into_any()
}

fn what(input: &AlertInput, kinds: Vec<KindView>, error: &Outcome) -> AnyView {
    let fault = fault_of(error, "kind");
    let is_faulty = fault.is_some();
    let choices = kinds
        .iter()
        .map(|KindView { kind, .. }| {
            let value = kind.as_str();
            view! {
                <li>
                    <label>
                        <input
                            type="radio"
                            id=format!("kind-{value}")
                            name="form[kind]"
                            value=value
                            checked=value == input.kind
                            aria-describedby=is_faulty.then_some("field-kind-fault")
                        />
                        <span>{kind.label()}</span>
                    </label>
                </li>
            }
        })
        .collect_view();
    let parts = kinds.into_iter().map(|kind| kind_fields(kind, input, error)).collect_view();
    view! {
        <fieldset class="panel form-panel">
            <legend>"Tell me when"</legend>
            <ul class="kinds" id="field-kind" tabindex="-1">{choices}</ul>
            {fault.map(|fault| view! { <p class="fault" id="field-kind-fault">{fault}</p> })}
            {parts}
        </fieldset>
    }
    .into_any()
}

/// The fields of a kind and what they mean.
fn kind_fields(view: KindView, input: &AlertInput, error: &Outcome) -> AnyView {
    let KindView { kind, text, so_far, never } = view;
    let input = input.clone();
    let fields = match kind {
        AlertKind::SpendReaches => view! {
            <TextField label="Amount" name="form[amount]" field="amount" value=input.amount inputmode="decimal" hint="Such as 500." error=error.clone() />
        }
        .into_any(),
        AlertKind::UsageReaches => view! {
            <TextField label="Quantity" name="form[quantity]" field="quantity" value=input.quantity inputmode="numeric" hint="Billed units of the month, such as 10000." error=error.clone() />
        }
        .into_any(),
        AlertKind::IncludedShareReaches => view! {
            <TextField label="Per cent of what is included" name="form[included_percent]" field="included_percent" value=input.included_percent inputmode="numeric" hint="From 1 to 1000; at 100 the next unit costs." error=error.clone() />
        }
        .into_any(),
        AlertKind::Silent => view! {
            <TextField label="Hours without an event" name="form[hours]" field="hours" value=input.hours inputmode="numeric" hint="From 1 to 720. Longer than your quietest night." error=error.clone() />
        }
        .into_any(),
        AlertKind::RejectedShareAbove => view! {
            <TextField label="More than this many per cent rejected" name="form[rejected_percent]" field="rejected_percent" value=input.rejected_percent inputmode="numeric" hint="From 1 to 99." error=error.clone() />
            <TextField label="Of at least this many events" name="form[events_min]" field="events_min" value=input.events_min inputmode="numeric" hint="So that one bad event of two tells nobody." error=error.clone() />
        }
        .into_any(),
    };
    view! {
        <div class=format!("kind-part kind-part-{}", kind.as_str())>
            <p>{text} {so_far.map(|so_far| view! { " " {so_far} })}</p>
            {never.map(|never| view! { <p class="notice notice-warning">{never}</p> })}
            <div class="fields">{fields}</div>
        </div>
    }
    .into_any()
}

fn whom(input: &AlertInput, sends_mail: bool, endpoints: Vec<Choice>, webhooks: String, error: &Outcome) -> AnyView {
    let AlertInput { name, emails, webhook, .. } = input.clone();
    let has_field = sends_mail || !emails.trim().is_empty();
    let hint = if sends_mail {
        const { assert!(EMAILS_MAX == 10) };
        "Up to 10, on lines of their own or separated by commas."
    } else {
        "Take them out: they cannot be written to for now."
    };
    let no_mail = (!sends_mail).then(|| {
        view! {
            <p class="notice notice-warning">
                "This installation sends no e-mail: its operator must set REACHLINE_SMTP_URL first. Choose a webhook endpoint."
            </p>
        }
    });
    view! {
        <fieldset class="panel form-panel">
            <legend>"Whom and how"</legend>
            {no_mail}
            <div class="fields">
                <TextField label="Name" name="form[name]" field="name" value=name hint="What messages call it, such as Budget of the month." is_required=true is_wide=true error=error.clone() />
                {has_field
                    .then(|| {
                        view! { <AreaField label="E-mail addresses" name="form[emails]" field="emails" value=emails rows=3 hint error=error.clone() /> }
                    })}
                <SelectField label="Webhook endpoint" name="form[webhook]" field="webhook_id" choices=endpoints value=webhook error=error.clone() />
            </div>
            <p class="hint">"Endpoints are added and tried out under " <a href=webhooks>"Webhook endpoints"</a> "."</p>
        </fieldset>
    }
    .into_any()
}
