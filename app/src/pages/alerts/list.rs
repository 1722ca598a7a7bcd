//! A customer's alerts.

use super::{button, head, label, no_customer, refused};
use crate::calls::{DeleteAlert, TestAlert};
use crate::components::list::{Pager, bar};
use crate::components::state::Empty;
use crate::data::alerts::list::{AlertList, AlertView, Alerts};
use crate::data::alerts::{ALERTS, Progress};
use crate::query;
use domain::alert::AlertKind;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(found: Alerts) -> AnyView {
    let Alerts { frame, list } = found;
    let new = list.as_ref().filter(|list| frame.can_change && !list.items.is_empty()).map(|list| list.new.clone());
    let new = new.map(|href| view! { <a class="button button-main" href=href>"New alert"</a> }.into_any());
    let customer = frame.whose.customer.clone().filter(|_| frame.can_change);
    let body = match list {
        Some(list) => list_view(list, customer.as_deref()),
        None => no_customer("Whose alerts?"),
    };
    view! {
        {head(&frame, "Alerts", ALERTS, new)}
        {body}
    }
    .into_any()
}

/// The alerts; `customer` is given where the person may change them.
fn list_view(list: AlertList, customer: Option<&str>) -> AnyView {
    let AlertList { items, first, next, new, error, lacks_mail } = list;
    let empty = items.is_empty().then(|| if customer.is_some() { first_alert(&new) } else { nothing() });
    let items = items.into_iter().map(|alert| alert_view(alert, customer)).collect_view();
    view! {
        {refused(error)}
        {lacks_mail
            .then(|| {
                view! {
                    <div class="notice notice-warning">
                        <p class="notice-title">"No e-mail is sent for now"</p>
                        <p>"This installation has no mail server: its operator must set REACHLINE_SMTP_URL. Webhooks are called."</p>
                    </div>
                }
            })}
        {empty}
        <ul class="applications">{items}</ul>
        <Pager first next />
    }
    .into_any()
}

fn nothing() -> AnyView {
    view! { <Empty title="No alerts" text="A customer admin or an operator can set some: for spend, usage, silence and rejected events." /> }
        .into_any()
}

/// What can be watched, as long as nothing is.
fn first_alert(new: &str) -> AnyView {
    let links = AlertKind::ALL
        .iter()
        .map(|kind| {
            let separator = if new.contains('?') { '&' } else { '?' };
            let mut href = format!("{new}{separator}kind=");
            query::encode(kind.as_str(), &mut href);
            view! { <li><a class="button" href=href>{kind.label()}</a></li> }
        })
        .collect_view();
    view! {
        <div class="empty">
            <p class="empty-title">"No alerts yet"</p>
            <p>"Be told by e-mail or webhook before the bill is a surprise, or when events stop coming in."</p>
            <p>"Tell me when …"</p>
            <ul class="first-alert">{links}</ul>
        </div>
    }
    .into_any()
}

fn alert_view(alert: AlertView, customer: Option<&str>) -> AnyView {
    let AlertView { id, name, when, progress, emails, endpoint, fired, badge, edit } = alert;
    let actions = customer.map(|customer| actions(customer, &id, &name, edit));
    view! {
        <li class="panel application alert">
            <div class="panel-head">
                <h2>{name}</h2>
                <p class="badges"><span class=badge.0>{badge.1}</span></p>
            </div>
            <p class="alert-when">{when}</p>
            <dl class="facts">
                {progress.map(|(month, progress)| progress_view(month, progress))}
                <div>
                    <dt>"Tells"</dt>
                    <dd>{targets(emails, endpoint)}</dd>
                </div>
                <div>
                    <dt>"Fired last"</dt>
                    <dd>{fired.unwrap_or_else(|| "Not yet".to_owned())}</dd>
                </div>
            </dl>
            {actions}
        </li>
    }
    .into_any()
}

fn progress_view(month: String, progress: Progress) -> AnyView {
    match progress {
        Progress::Part { text, percent } => {
            view! { <div><dt>{month} " so far"</dt><dd>{text} {bar(percent)}</dd></div> }.into_any()
        }
        Progress::Never(text) => view! { <div><dt>{month} " so far"</dt><dd>{text}</dd></div> }.into_any(),
    }
}

fn targets(emails: Vec<String>, endpoint: Option<(String, bool)>) -> AnyView {
    let emails = emails.into_iter().map(|email| view! { <li>{email}</li> }).collect_view();
    let endpoint = endpoint.map(|(url, is_disabled)| {
        let disabled = is_disabled.then(|| view! { " " <span class="badge badge-bad">"Disabled"</span> });
        view! { <li><code>{url}</code> {disabled}</li> }
    });
    view! { <ul class="targets">{emails} {endpoint}</ul> }.into_any()
}

fn actions(customer: &str, id: &str, name: &str, edit: String) -> AnyView {
    let fields = || vec![("customer", customer.to_owned()), ("alert", id.to_owned())];
    let delete = view! { "Delete " {name.to_owned()} }.into_any();
    view! {
        <div class="application-actions">
            <a class="button" href=edit>{label("Change", name)}</a>
            {button(TestAlert::url(), fields(), "button", label("Send a test", name))}
            <details class="confirm">
                <summary class="button">"Delete…" <span class="visually-hidden">" " {name.to_owned()}</span></summary>
                <div class="confirm-body">
                    <p>"Nobody is told of this any more. What has been sent stays under Deliveries."</p>
                    {button(DeleteAlert::url(), fields(), "button button-bad", delete)}
                </div>
            </details>
        </div>
    }
    .into_any()
}
