//! The calls of the pages about reports.

use crate::codec::JsonText;
use crate::drawn::Html;
use crate::error::UiError;
use crate::forms::ReportInput;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

#[cfg(feature = "ssr")]
use crate::{
    calls::alerts::{done, managing_as, of},
    data::{
        answering, edit_path, id,
        reports::{REPORTS, editor, form_of, list, report},
        submitting,
    },
    pages, query,
};

/// The reports of a customer or, for those who see all, of all.
#[server(endpoint = "pages/reports", input = GetUrl, output = JsonText)]
pub async fn reports_page(
    #[server(default)] customer: Option<String>,
    #[server(default)] template: Option<String>,
    #[server(default)] cursor: Option<String>,
) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::reports::list::draw(list::reports(customer, template, cursor).await?))) })
        .await
}

/// The form of a new report of a kind.
#[server(endpoint = "pages/new_report", input = GetUrl, output = JsonText)]
pub async fn new_report_page(
    #[server(default)] customer: Option<String>,
    #[server(default)] template: Option<String>,
) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::reports::editor::draw(editor::editor(customer, template).await?))) }).await
}

/// One report.
#[server(endpoint = "pages/report", input = GetUrl, output = JsonText)]
pub async fn report_page(report: String, #[server(default)] customer: Option<String>) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::reports::report::draw(report::report(&report, customer).await?))) }).await
}

/// Counts a report and keeps it as a draft.
#[server(endpoint = "draft_report", output = JsonText)]
pub async fn draft_report(
    customer: String,
    template: String,
    #[server(default)] form: ReportInput,
) -> Result<(), UiError> {
    let page = query::href("/reports/new", &[("customer", &customer), ("template", &template)]);
    let mut made = of(REPORTS, &customer);
    let work = async {
        let (engine, manager, by) = managing_as(&customer).await?;
        Ok::<_, UiError>(engine.draft_report(&manager, &form.form(&template), &by).await?)
    };
    let drafted = work.await;
    if let Ok(report) = &drafted {
        made = of(&format!("{REPORTS}/{}", report.id), &customer);
    }
    submitting(form_of(&customer, &template), &form, &page, &made, async { drafted.map(drop) }).await
}

/// Approves a draft.
#[server(endpoint = "approve_report", output = JsonText)]
pub async fn approve_report(customer: String, report: String) -> Result<(), UiError> {
    let path = edit_path(REPORTS, Some(&report));
    submitting("report".to_owned(), &(), &of(&path, &customer), &done(&path, &customer, "report_approved"), async {
        let (engine, manager, by) = managing_as(&customer).await?;
        engine.approve_report(&manager, id(&report)?, &by).await?;
        Ok(())
    })
    .await
}

/// Deletes a draft.
#[server(endpoint = "discard_report", output = JsonText)]
pub async fn discard_report(customer: String, report: String) -> Result<(), UiError> {
    let page = of(&edit_path(REPORTS, Some(&report)), &customer);
    submitting("report".to_owned(), &(), &page, &done(REPORTS, &customer, "report_discarded"), async {
        let (engine, manager, by) = managing_as(&customer).await?;
        Ok(engine.discard_report(&manager, id(&report)?, &by).await?)
    })
    .await
}

/// Switches a customer's public page on or off.
#[server(endpoint = "set_disclosure", output = JsonText)]
pub async fn set_disclosure(customer: String, is_on: bool) -> Result<(), UiError> {
    let said = if is_on { "public_page_on" } else { "public_page_off" };
    submitting("reports".to_owned(), &(), &of(REPORTS, &customer), &done(REPORTS, &customer, said), async {
        let (engine, manager, by) = managing_as(&customer).await?;
        engine.set_disclosure(&manager, is_on, &by).await?;
        Ok(())
    })
    .await
}
