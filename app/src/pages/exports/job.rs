//! One export.

use crate::calls::{CancelExport, DeleteExport};
use crate::data::exports::job::ExportView;
use crate::pages::alerts::{button, refused};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(export: ExportView) -> AnyView {
    let ExportView { id, customer, here, progress, facts, columns, note, failure, can_end, .. } = export;
    let fields = vec![("customer", customer.clone()), ("export", id)];
    let delete = (can_end && !export.files.is_empty()).then(|| delete(fields.clone()));
    let files = export
        .files
        .into_iter()
        .enumerate()
        .map(|(at, (name, href))| {
            let class = if at == 0 { "button button-main" } else { "button" };
            let customer = customer.clone();
            let href = crate::query::href(&href, &[("customer", &customer)]);
            view! { <a class=class href=href rel="external" download>"Download " {name}</a> }
        })
        .collect_view();
    let cancel =
        can_end.then(|| button(CancelExport::url(), fields, "button", view! { "Cancel the export" }.into_any()));
    let progress = progress.map(|(thousandths, text)| progress_view(thousandths, &text, here, cancel));
    let facts =
        facts.into_iter().map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }).collect_view();
    let columns = columns
        .into_iter()
        .map(|(name, text)| view! { <div><dt><code>{name}</code></dt><dd>{text}</dd></div> })
        .collect::<Vec<_>>();
    let columns = (!columns.is_empty()).then(|| {
        view! { <section class="panel report-part"><h2>"Columns"</h2><dl class="facts">{columns}</dl></section> }
    });
    view! {
        <div class="page-head">
            <div>
                <p class="crumb"><a href=export.back>"Exports"</a></p>
                <h1>{export.title}</h1>
                <p class="page-sub">{export.customer_name} " · days in " {export.time_zone} " " <span class=export.badge.0>{export.badge.1}</span></p>
            </div>
            <div class="page-actions">{files}</div>
        </div>
        {refused(export.error)}
        {progress}
        {failure
            .map(|why| {
                view! {
                    <div class="notice notice-bad">
                        <p class="notice-title">"This export failed"</p>
                        <p>{why}</p>
                    </div>
                }
            })}
        {note.map(|note| view! { <p class="notice">{note}</p> })}
        <section class="panel report-part"><h2>"What it is"</h2><dl class="facts">{facts}</dl></section>
        {columns}
        {delete}
    }
    .into_any()
}

/// Of who may: a way to give its file up.
fn delete(fields: Vec<(&'static str, String)>) -> AnyView {
    view! {
        <details class="confirm">
            <summary class="button">"Delete the file…"</summary>
            <div class="confirm-body">
                <p>"It makes room for other exports, and cannot be undone. What it was stays in the list."</p>
                {button(DeleteExport::url(), fields, "button button-bad", view! { "Delete the file" }.into_any())}
            </div>
        </details>
    }
    .into_any()
}

/// While it is under way. With script the page looks again by itself.
fn progress_view(thousandths: u32, text: &str, here: String, cancel: Option<AnyView>) -> AnyView {
    let value = thousandths.to_string();
    view! {
        <div class="notice" data-live="">
            <p class="notice-title">"It is being made: " {text.to_owned()}</p>
            <progress class="export-progress" max="1000" value=value aria-label="How far it is"></progress>
            <p>"You can leave this page: the file will be in the list, and is kept for 30 days."</p>
            <div class="form-actions">
                <a class="button" href=here>"Look again"</a>
                {cancel}
            </div>
        </div>
    }
    .into_any()
}
