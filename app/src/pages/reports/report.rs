//! One report, as it is printed.

use crate::calls::{ApproveReport, DiscardReport};
use crate::components::list::Term;
use crate::components::value::card_value;
use crate::data::reports::report::ReportView;
use crate::format;
use crate::pages::alerts::{button, refused};
use domain::report::{Cell, Change, Content, Table};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(report: ReportView) -> AnyView {
    let ReportView { id, customer, content, period, version, badge, history, reason, changes, warning, .. } = report;
    let files = report
        .files
        .into_iter()
        .map(|(name, href)| view! { <a class="button" href=href rel="external" download>{name}</a> })
        .collect_view();
    let correct = (report.can_change && !report.is_draft)
        .then(|| view! { <a class="button" href=report.correct>"Correct it"</a> });
    let actions = (report.can_change && report.is_draft).then(|| actions(&customer, &id, warning));
    let history = history.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
    let tables = content.tables.iter().map(|table| table_view(&content, table)).collect_view();
    view! {
        <div class="page-head">
            <div>
                <p class="crumb"><a href=report.back>"Reports"</a></p>
                <h1>{content.template.title.clone()} ", " {period}</h1>
                <p class="page-sub">{content.customer.clone()} " · days in " {content.time_zone.name()} " · version " {version} " " <span class=badge.0>{badge.1}</span></p>
            </div>
            <div class="page-actions">{files} {correct}</div>
        </div>
        {refused(report.error)}
        {actions}
        {totals(&content)}
        {imported(&content)}
        {tables}
        {texts(&content)}
        {reason.map(|reason| changes_view(reason, changes))}
        {rules(&content)}
        <section class="panel report-part"><h2>"History"</h2><ul>{history}</ul></section>
    }
    .into_any()
}

fn actions(customer: &str, id: &str, warning: Option<String>) -> AnyView {
    let fields = || vec![("customer", customer.to_owned()), ("report", id.to_owned())];
    view! {
        <div class="notice">
            <p class="notice-title">"This is a draft"</p>
            <p>"Approve it when all of it is right: from then on it never changes, and is corrected by a new version only."</p>
            {warning.map(|warning| view! { <p>{warning}</p> })}
            <div class="form-actions">
                {button(ApproveReport::url(), fields(), "button button-main", view! { "Approve" }.into_any())}
                {button(DiscardReport::url(), fields(), "button", view! { "Delete the draft" }.into_any())}
            </div>
        </div>
    }
    .into_any()
}

fn totals(content: &Content) -> AnyView {
    let k = content.rules.suppress_below;
    let card = |(figure, cell, definition): (domain::figures::Figure, Cell, &str)| {
        view! {
            <li class="card">
                <p class="card-label"><Term id=format!("total-{}", figure.name()) label=figure.label().to_owned() definition=definition.to_owned() /></p>
                {card_value(cell.text(k))}
            </li>
        }
    };
    let cards = content.defined().map(card).collect_view();
    // As on its document.
    let rate = content.total_ctr().filter(|_| content.template.is_illustrated).map(|rate| {
        view! {
            <li class="card">
                <p class="card-label"><Term id="total-ctr".to_owned() label="Click-through rate".to_owned() definition=content.ctr_definition().to_owned() /></p>
                <p class="card-value">{format::percent(rate)}</p>
            </li>
        }
    });
    view! { <ul class="cards" aria-label="Totals">{cards} {rate}</ul> }.into_any()
}

/// What is said of counts that are in none of the figures.
fn imported(content: &Content) -> Option<AnyView> {
    let sentence = content.imported_sentence()?;
    let part = view! { <section class="panel report-part"><h2>"Imported without sessions"</h2><p class="prose">{sentence}</p></section> };
    Some(part.into_any())
}

fn table_view(content: &Content, table: &Table) -> AnyView {
    let k = content.rules.suppress_below;
    // Figures that the table does not give at all are no columns of it.
    let shown: Vec<usize> =
        (0..content.figures.len()).filter(|at| table.by.scope().gives(content.figures[*at])).collect();
    let heads = shown
        .iter()
        .map(|at| view! { <th scope="col" class="number">{content.figures[*at].label()}</th> })
        .collect_view();
    let rows = table
        .rows
        .iter()
        .map(|row| {
            let cells = shown
                .iter()
                .map(|at| view! { <td class="number" data-label=content.figures[*at].label()>{row.cells[*at].text(k)}</td> })
                .collect_view();
            view! { <tr><th scope="row">{row.name.clone()}</th>{cells}</tr> }
        })
        .collect_view();
    let title = format!("By {}", table.by.label().to_lowercase());
    let (label, caption) = (title.clone(), title.clone());
    view! {
        <section class="panel report-part">
            <h2>{title}</h2>
            <div class="table-box" role="region" aria-label=label tabindex="0">
                <table class="stacked">
                    <caption class="visually-hidden">{caption}</caption>
                    <thead><tr><th scope="col">{table.by.label()}</th>{heads}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn texts(content: &Content) -> AnyView {
    content
        .texts
        .iter()
        .map(|text| {
            view! { <section class="panel report-part"><h2>{text.label.clone()}</h2><p class="prose">{text.text.clone()}</p></section> }
        })
        .collect_view()
        .into_any()
}

fn changes_view(reason: String, changes: Vec<Change>) -> AnyView {
    let rows = changes
        .into_iter()
        .map(|change| view! { <tr><th scope="row">{change.what}</th><td>{change.before}</td><td>{change.after}</td></tr> })
        .collect_view();
    view! {
        <section class="panel report-part">
            <h2>"What this version changes"</h2>
            <p>{reason}</p>
            <table>
                <thead><tr><th scope="col">"What"</th><th scope="col">"Before"</th><th scope="col">"Now"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

fn rules(content: &Content) -> AnyView {
    let sentences =
        content.rule_sentences().iter().map(|sentence| view! { <li>{sentence.clone()}</li> }).collect_view();
    let definitions = content
        .defined()
        .map(|(figure, _, definition)| view! { <div><dt>{figure.label()}</dt><dd>{definition.to_owned()}</dd></div> })
        .collect_view();
    let law = (!content.template.law.is_empty()).then(|| {
        let (law, url) = (content.template.law.clone(), content.template.source_url.clone());
        view! { <p><a href=url rel="external noreferrer">{law}</a></p> }
    });
    view! {
        <section class="panel report-part">
            <h2>"How it was counted"</h2>
            <dl class="facts">{definitions}</dl>
            <ul>{sentences}</ul>
            {law}
        </section>
    }
    .into_any()
}
