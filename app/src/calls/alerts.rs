//! The calls of the pages about alerts.

use crate::codec::JsonText;
use crate::drawn::Html;
use crate::error::UiError;
use crate::forms::AlertInput;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

#[cfg(feature = "ssr")]
use crate::{
    context,
    data::{
        alerts::{self, ALERTS, DELIVERIES, WEBHOOKS, deliveries, editor, list, webhooks},
        answering, id, submitting,
    },
    pages, query,
};
#[cfg(feature = "ssr")]
use domain::alert::WebhookForm;

/// A customer's alerts.
#[server(endpoint = "pages/alerts", input = GetUrl, output = JsonText)]
pub async fn alerts_page(
    #[server(default)] customer: Option<String>,
    #[server(default)] cursor: Option<String>,
) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::alerts::list::draw(list::alerts(customer, cursor).await?))) }).await
}

/// The form of an alert; of a new one without an id.
#[server(endpoint = "pages/alert", input = GetUrl, output = JsonText)]
pub async fn alert_page(
    #[server(default)] alert: Option<String>,
    #[server(default)] customer: Option<String>,
    /// What a new one watches, unless something else is chosen.
    #[server(default)]
    kind: Option<String>,
) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::alerts::editor::draw(editor::editor(alert, customer, kind).await?))) }).await
}

/// A customer's webhook endpoints.
#[server(endpoint = "pages/webhooks", input = GetUrl, output = JsonText)]
pub async fn webhooks_page(#[server(default)] customer: Option<String>) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::alerts::webhooks::draw(webhooks::webhooks(customer).await?))) }).await
}

/// The log of what was sent to a customer.
#[server(endpoint = "pages/deliveries", input = GetUrl, output = JsonText)]
pub async fn deliveries_page(
    #[server(default)] customer: Option<String>,
    #[server(default)] cursor: Option<String>,
) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::alerts::deliveries::draw(deliveries::deliveries(customer, cursor).await?))) })
        .await
}

/// Creates an alert, or changes the one of this id.
#[server(endpoint = "save_alert", output = JsonText)]
pub async fn save_alert(
    customer: String,
    #[server(default)] alert: Option<String>,
    #[server(default)] form: AlertInput,
) -> Result<(), UiError> {
    let page = of(&crate::data::edit_path(ALERTS, alert.as_deref()), &customer);
    let done = done(ALERTS, &customer, "saved");
    submitting(alerts::form_of(&customer, alert.as_deref()), &form, &page, &done, async {
        let (engine, manager) = managing(&customer).await?;
        let saved = match &alert {
            Some(alert) => engine.update_alert(&manager, id(alert)?, &form.form()).await,
            None => engine.create_alert(&manager, &form.form()).await,
        };
        saved.map(drop).map_err(|error| form.at_fields(error))
    })
    .await
}

/// Deletes an alert.
#[server(endpoint = "delete_alert", output = JsonText)]
pub async fn delete_alert(customer: String, alert: String) -> Result<(), UiError> {
    let done = done(ALERTS, &customer, "alert_deleted");
    submitting("alerts".to_owned(), &(), &of(ALERTS, &customer), &done, async {
        let (engine, manager) = managing(&customer).await?;
        Ok(engine.delete_alert(&manager, id(&alert)?).await?)
    })
    .await
}

/// Sends a test to all that an alert tells.
#[server(endpoint = "test_alert", output = JsonText)]
pub async fn test_alert(customer: String, alert: String) -> Result<(), UiError> {
    let done = done(DELIVERIES, &customer, "test_sent");
    submitting("alerts".to_owned(), &(), &of(ALERTS, &customer), &done, async {
        let (engine, manager) = managing(&customer).await?;
        engine.test_alert(&manager, id(&alert)?).await?;
        Ok(())
    })
    .await
}

/// Creates a webhook endpoint.
#[server(endpoint = "create_webhook", output = JsonText)]
pub async fn create_webhook(customer: String, #[server(default)] url: String) -> Result<(), UiError> {
    let done = done(WEBHOOKS, &customer, "signing_secret_made");
    submitting(webhooks::form_of(&customer), &url, &of(WEBHOOKS, &customer), &done, async {
        let (engine, manager) = managing(&customer).await?;
        webhooks::hand_over(&engine.create_webhook(&manager, &WebhookForm { url: url.clone() }).await?);
        Ok(())
    })
    .await
}

/// Gives a webhook endpoint another secret.
#[server(endpoint = "rotate_webhook", output = JsonText)]
pub async fn rotate_webhook(customer: String, webhook: String) -> Result<(), UiError> {
    let done = done(WEBHOOKS, &customer, "signing_secret_made");
    submitting("endpoints".to_owned(), &(), &of(WEBHOOKS, &customer), &done, async {
        let (engine, manager) = managing(&customer).await?;
        webhooks::hand_over(&engine.rotate_webhook(&manager, id(&webhook)?).await?);
        Ok(())
    })
    .await
}

/// Disables a webhook endpoint, or enables it again.
#[server(endpoint = "set_webhook_disabled", output = JsonText)]
pub async fn set_webhook_disabled(customer: String, webhook: String, disabled: bool) -> Result<(), UiError> {
    let done = done(WEBHOOKS, &customer, if disabled { "endpoint_disabled" } else { "endpoint_enabled" });
    submitting("endpoints".to_owned(), &(), &of(WEBHOOKS, &customer), &done, async {
        let (engine, manager) = managing(&customer).await?;
        engine.set_webhook_disabled(&manager, id(&webhook)?, disabled).await?;
        Ok(())
    })
    .await
}

/// Deletes a webhook endpoint.
#[server(endpoint = "delete_webhook", output = JsonText)]
pub async fn delete_webhook(customer: String, webhook: String) -> Result<(), UiError> {
    let done = done(WEBHOOKS, &customer, "endpoint_deleted");
    submitting("endpoints".to_owned(), &(), &of(WEBHOOKS, &customer), &done, async {
        let (engine, manager) = managing(&customer).await?;
        Ok(engine.delete_webhook(&manager, id(&webhook)?).await?)
    })
    .await
}

/// Sends a test to a webhook endpoint.
#[server(endpoint = "test_webhook", output = JsonText)]
pub async fn test_webhook(customer: String, webhook: String) -> Result<(), UiError> {
    let done = done(DELIVERIES, &customer, "test_sent");
    submitting("endpoints".to_owned(), &(), &of(WEBHOOKS, &customer), &done, async {
        let (engine, manager) = managing(&customer).await?;
        Ok(engine.test_webhook(&manager, id(&webhook)?).await?)
    })
    .await
}

/// Tries a delivery once more at once.
#[server(endpoint = "retry_delivery", output = JsonText)]
pub async fn retry_delivery(
    customer: String,
    delivery: String,
    /// The page of the log on which it is asked for.
    #[server(default)]
    cursor: Option<String>,
) -> Result<(), UiError> {
    let mut page = of(DELIVERIES, &customer);
    if let Some(cursor) = &cursor {
        page = query::with_cursor(&page, cursor);
    }
    submitting("deliveries".to_owned(), &(), &page, &format!("{page}&done=retried"), async {
        let (engine, manager) = managing(&customer).await?;
        Ok(engine.retry_delivery(&manager, id(&delivery)?).await?)
    })
    .await
}

/// The address of a page about a customer.
#[cfg(feature = "ssr")]
pub(super) fn of(path: &str, customer: &str) -> String {
    query::href(path, &[("customer", customer)])
}

/// The address of a page that says what was done.
#[cfg(feature = "ssr")]
pub(super) fn done(path: &str, customer: &str, done: &str) -> String {
    query::href(path, &[("customer", customer), ("done", done)])
}

/// The engine, and the right to change what is a customer's.
#[cfg(feature = "ssr")]
pub(super) async fn managing(customer: &str) -> Result<(engine::Engine, engine::actor::Manager), UiError> {
    let (engine, manager, _) = managing_as(customer).await?;
    Ok((engine, manager))
}

/// The same, and as whom it is written down.
#[cfg(feature = "ssr")]
pub(super) async fn managing_as(customer: &str) -> Result<(engine::Engine, engine::actor::Manager, String), UiError> {
    let (engine, user) = context::acting().await?;
    let manager = engine.manager(&user, id(customer)?)?;
    Ok((engine, manager, user.acts_as()))
}
