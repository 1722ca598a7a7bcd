//! The blocks of the overview.

#![allow(clippy::needless_pass_by_value, reason = "components own their properties")]

use super::toolbar::hidden;
use crate::components::form::{NoScriptSubmit, options};
use crate::components::list::{Pager, Segments, Term, bar};
use crate::components::value::card_value;
use crate::data::figures::{Card, FirstEvent, Unattributed};
use crate::data::series::Series;
use crate::data::tables::{Column, Intake, Row, Table};
use crate::query::OverviewQuery;
use leptos::prelude::*;

/// The headline figures next to those of the period before.
#[component]
pub fn Cards(cards: Vec<Card>, csv: String, period: String, before: String) -> impl IntoView {
    let items = cards.into_iter().enumerate().map(|(i, card)| card_view(i, card)).collect_view();
    view! {
        <section aria-label=format!("Headline figures, {period}")>
            <ul class="cards">{items}</ul>
            <div class="cards-foot">
                <p class="hint">"Compared with the period before, " {before} "."</p>
                <a class="download" href=csv download>"Download CSV"</a>
            </div>
        </section>
    }
    .into_any()
}

fn card_view(index: usize, card: Card) -> AnyView {
    let has_change = card.change.is_some() || card.change_percent.is_some();
    let change = has_change.then(|| {
        view! {
            <p class="card-change">
                {card.change_percent.map(|percent| view! { <strong>{percent}</strong> })}
                {card.change.map(|change| view! { <span>{change}</span> })}
                <span class="card-before">"from " {card.before}</span>
            </p>
        }
    });
    view! {
        <li class="card">
            <p class="card-label">
                <Term id=format!("figure-{index}") label=card.label definition=card.definition />
            </p>
            {card_value(card.value)}
            {change}
            {card.note.map(|note| view! { <p class="card-change">{note}</p> })}
        </li>
    }
    .into_any()
}

/// Clicks without a display: the sign of a broken integration.
#[component]
pub fn UnattributedWarning(warning: Unattributed) -> impl IntoView {
    view! {
        <aside class="notice notice-warning" aria-label="Unattributed clicks">
            <p class="notice-title">
                {warning.clicks} " clicks (" {warning.share} ") have no display before them"
            </p>
            <p>{warning.definition} " " <a href=warning.href data-noscroll>"See which application sends them"</a></p>
        </aside>
    }
    .into_any()
}

/// The chart, the choice of what it shows, and the table behind it.
#[component]
pub fn Chart(series: Series, query: OverviewQuery) -> impl IntoView {
    let Series { drawings, note, figures, figure, label, definition, intervals, columns, rows, csv } = series;
    let caption = format!("{label} and all other figures of the same steps");
    view! {
        <section class="panel" aria-labelledby="chart-title">
            <div class="panel-head">
                <div>
                    <h2 id="chart-title">{label} " over time"</h2>
                    <p class="hint">{definition}</p>
                </div>
                <div class="panel-actions">
                    <form method="get" action="/overview" class="chooser">
                        {hidden(&query, &["figure", "cursor"])}
                        <label>
                            <span class="visually-hidden">"Figure of the chart"</span>
                            <select id="figure" name="figure">
                                {options(figures, &figure)}
                            </select>
                        </label>
                        <NoScriptSubmit />
                    </form>
                    <Segments links=intervals label="Steps of the chart" />
                </div>
            </div>
            // Drawn by the server, which escapes every text in it.
            <div class="chart-box" inner_html=drawings></div>
            {note.map(|note| view! { <p class="hint">{note}</p> })}
            <div class="panel-foot">
                <details class="table-behind">
                    <summary>"Values as a table"</summary>
                    {values(caption, columns, rows)}
                </details>
                <a class="download" href=csv download>"Download CSV"</a>
            </div>
        </section>
    }
    .into_any()
}

fn values(caption: String, columns: Vec<String>, rows: Vec<(String, Vec<String>)>) -> AnyView {
    let head = columns.into_iter().map(|column| view! { <th scope="col" class="number">{column}</th> }).collect_view();
    let body = rows
        .into_iter()
        .map(|(label, cells)| {
            let cells = cells.into_iter().map(|cell| view! { <td class="number">{cell}</td> }).collect_view();
            view! { <tr><th scope="row">{label}</th>{cells}</tr> }
        })
        .collect_view();
    view! {
        <div class="table-box" role="region" aria-label="Values of the chart" tabindex="0">
            <table>
                <caption class="visually-hidden">{caption}</caption>
                <thead><tr><th scope="col">"Time"</th>{head}</tr></thead>
                <tbody>{body}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// The figures by helpline, country, contact method or application.
#[component]
pub fn Breakdown(table: Table) -> impl IntoView {
    let Table { tabs, of, measure, note, columns, rows, first, next, csv } = table;
    let terms = (!rows.is_empty()).then(|| definitions(&columns));
    let body = if rows.is_empty() {
        view! { <p class="panel-empty">"No events in this period."</p> }.into_any()
    } else {
        breakdown_table(&of, &measure, columns, rows)
    };
    view! {
        <section class="panel" id="breakdown" aria-labelledby="breakdown-title">
            <div class="panel-head">
                <h2 id="breakdown-title">"Breakdown"</h2>
                <div class="panel-actions"><Segments links=tabs label="Broken down by" /></div>
            </div>
            {note.map(|note| view! { <p class="hint">{note}</p> })}
            {body}
            <div class="panel-foot">
                <Pager first next />
                {terms}
                <a class="download" href=csv download>"Download CSV"</a>
            </div>
        </section>
    }
    .into_any()
}

/// What the columns count, for those who cannot point at them.
fn definitions(columns: &[Column]) -> AnyView {
    let entry = |column: &Column| {
        let Column { label, definition } = column.clone();
        view! { <div><dt>{label}</dt><dd>{definition}</dd></div> }
    };
    let entries = columns.iter().map(entry).collect_view();
    view! {
        <details class="table-behind">
            <summary>"What the figures mean"</summary>
            <dl class="definitions">{entries}</dl>
        </details>
    }
    .into_any()
}

fn breakdown_table(of: &str, measure: &str, columns: Vec<Column>, rows: Vec<Row>) -> AnyView {
    let head = columns
        .into_iter()
        .map(|column| view! { <th scope="col" class="number" title=column.definition>{column.label}</th> })
        .collect_view();
    let body = rows.into_iter().map(breakdown_row).collect_view();
    view! {
        <div class="table-box" role="region" aria-label="Figures of the breakdown" tabindex="0">
            <table class="breakdown">
                <caption class="visually-hidden">{format!("Figures by {}; bars show {measure}", of.to_lowercase())}</caption>
                <thead>
                    <tr><th scope="col">{of.to_owned()} <span class="measure">"Bars: " {measure.to_lowercase()}</span></th>{head}</tr>
                </thead>
                <tbody>{body}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn breakdown_row(row: Row) -> AnyView {
    let cells = row.cells.into_iter().map(|cell| view! { <td class="number">{cell}</td> }).collect_view();
    view! {
        <tr>
            <th scope="row">
                <a href=row.href title=row.key.clone() data-noscroll>{row.name}</a>
                {row.shows_key.then(|| view! { <span class="key">{row.key}</span> })}
                {bar(row.bar_percent)}
            </th>
            {cells}
        </tr>
    }
    .into_any()
}

/// What became of the requests: a developer sees what is lost, and why.
#[component]
pub fn Refusals(intake: Intake) -> impl IntoView {
    let Intake { text, reasons, csv } = intake;
    let rows = reasons
        .into_iter()
        .map(|reason| {
            view! {
                <tr>
                    <th scope="row"><code>{reason.code}</code>{bar(reason.bar_percent)}</th>
                    <td class="number" data-label="Requests">{reason.count}</td>
                    <td data-label="What to do">{reason.advice}</td>
                </tr>
            }
        })
        .collect_view();
    let table = (!rows.is_empty()).then(|| {
        view! {
            <div class="table-box" role="region" aria-label="Refused requests" tabindex="0">
                <table class="refusals stacked">
                    <caption class="visually-hidden">"Refused requests by code"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Code"</th>
                            <th scope="col" class="number">"Requests"</th>
                            <th scope="col">"What to do"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    });
    view! {
        <section class="panel" aria-labelledby="intake-title">
            <div class="panel-head"><h2 id="intake-title">"Requests received"</h2></div>
            <p>{text}</p>
            {table}
            <div class="panel-foot"><a class="download" href=csv download>"Download CSV"</a></div>
        </section>
    }
    .into_any()
}

/// For a customer without events: how to send the first.
#[component]
pub fn FirstEventHelp(help: FirstEvent, period: String) -> impl IntoView {
    let tier = if help.is_sandbox { "sandbox" } else { "production" };
    view! {
        <section class="panel first-event">
            <h2>"No events here yet"</h2>
            <p>
                "There are no " {tier} " events in " {period} " nor in the period before. "
                "Figures appear here within seconds of the first event."
            </p>
            <ol class="steps">
                <li>
                    <p>"Create an application on " <a href="/applications">"Applications"</a> " and get a token with its credentials:"</p>
                    <pre tabindex="0"><code>{help.token}</code></pre>
                </li>
                <li>
                    <p>"Report that a helpline was displayed; its id is in " <code>"GET /v1/helplines"</code> ":"</p>
                    <pre tabindex="0"><code>{help.display}</code></pre>
                </li>
                <li><p>"Reload this page. Events that are refused are listed below, with the reason."</p></li>
            </ol>
            <p>"All calls are described in the " <a href="/docs" rel="external">"API documentation"</a> "."</p>
        </section>
    }
    .into_any()
}
