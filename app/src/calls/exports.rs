//! The calls of the pages about exports, and of the audit log.

use crate::codec::JsonText;
use crate::drawn::Html;
use crate::error::UiError;
use crate::forms::ExportInput;
use crate::query::OverviewQuery;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

#[cfg(feature = "ssr")]
use crate::{
    calls::alerts::{done, of},
    context,
    data::{
        answering, audit,
        billing::Asked,
        edit_path,
        exports::{EXPORTS, NEW_EXPORT, editor, form_of, job, list},
        id, submitting,
    },
    pages,
};

/// The exports of a customer or, for those who see all, of all.
#[server(endpoint = "pages/exports", input = GetUrl, output = JsonText)]
pub async fn exports_page(
    #[server(default)] customer: Option<String>,
    #[server(default)] cursor: Option<String>,
) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::exports::list::draw(list::exports(customer, cursor).await?))) }).await
}

/// The form of a new export.
#[server(endpoint = "pages/new_export", input = GetUrl, output = JsonText)]
pub async fn new_export_page(#[server(default)] query: OverviewQuery) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::exports::editor::draw(editor::editor(query).await?))) }).await
}

/// One export.
#[server(endpoint = "pages/export", input = GetUrl, output = JsonText)]
pub async fn export_page(export: String, #[server(default)] customer: Option<String>) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::exports::job::draw(job::export(&export, customer).await?))) }).await
}

/// Requests an export.
#[server(endpoint = "request_export", output = JsonText)]
pub async fn request_export(customer: String, #[server(default)] form: ExportInput) -> Result<(), UiError> {
    let mut made = of(EXPORTS, &customer);
    let work = async {
        let asked = Asked::of(Some(&customer)).await?;
        let wanted = form.form().map_err(UiError::Invalid)?;
        Ok::<_, UiError>(asked.engine.request_export(&asked.reader, &wanted, &asked.acts_as()).await?)
    };
    let requested = work.await;
    if let Ok(export) = &requested {
        made = of(&format!("{EXPORTS}/{}", export.id), &customer);
    }
    submitting(form_of(&customer), &form, &of(NEW_EXPORT, &customer), &made, async { requested.map(drop) }).await
}

/// Cancels an export that is under way.
#[server(endpoint = "cancel_export", output = JsonText)]
pub async fn cancel_export(customer: String, export: String) -> Result<(), UiError> {
    let path = edit_path(EXPORTS, Some(&export));
    submitting("export".to_owned(), &(), &of(&path, &customer), &done(&path, &customer, "export_cancelled"), async {
        let (engine, keeper) = keeping(&customer).await?;
        Ok(engine.cancel_export(&keeper, id(&export)?).await?)
    })
    .await
}

/// Deletes the file of an export.
#[server(endpoint = "delete_export", output = JsonText)]
pub async fn delete_export(customer: String, export: String) -> Result<(), UiError> {
    let path = edit_path(EXPORTS, Some(&export));
    submitting("export".to_owned(), &(), &of(&path, &customer), &done(&path, &customer, "export_deleted"), async {
        let (engine, keeper) = keeping(&customer).await?;
        Ok(engine.delete_export(&keeper, id(&export)?).await?)
    })
    .await
}

/// The engine, and the right to end exports of a customer.
#[cfg(feature = "ssr")]
async fn keeping(customer: &str) -> Result<(engine::Engine, engine::actor::ExportKeeper), UiError> {
    let (engine, user) = context::acting().await?;
    let keeper = engine.export_keeper(&user, Some(id(customer)?))?;
    Ok((engine, keeper))
}

/// What was done with a customer's data, or with all.
#[server(endpoint = "pages/audit_log", input = GetUrl, output = JsonText)]
pub async fn audit_log_page(
    #[server(default)] customer: Option<String>,
    #[server(default)] kind: Option<String>,
    #[server(default)] cursor: Option<String>,
) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::audit::draw(audit::audit_log(customer, kind, cursor).await?))) }).await
}
