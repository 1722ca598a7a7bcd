//! A month's statement.

use super::{cards, chooser, drawing, lines, steps_table};
use crate::calls::IssueStatement;
use crate::components::form::FormErrors;
use crate::components::state::explain;
use crate::data::billing::statement::{AdjustmentView, Check, Checked, Files, Issue, StatementPage};
use crate::error::UiError;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(found: StatementPage) -> AnyView {
    let path = format!("/billing/{}", found.month);
    let chooser = chooser(&found.whose, &path, false);
    let head = head(&found, chooser);
    let StatementPage { title, month, cards: figures, lines: priced, card, waterfall, counted, adjustments, .. } =
        found;
    let Files { lines: lines_csv, days, events, .. } = found.files;
    let costs = priced.map(|(rows, total)| {
        let caption = format!("Lines of {title}");
        view! {
            <section class="panel" aria-labelledby="lines-title">
                <div class="panel-head">
                    <div>
                        <h2 id="lines-title">"What it costs"</h2>
                        {card.map(|(name, href)| view! { <p class="hint">"Priced by " {match href {
                            Some(href) => view! { <a href=href>{name}</a> }.into_any(),
                            None => name.into_any(),
                        }} "."</p> })}
                    </div>
                </div>
                {lines(rows, total, "Total", &caption)}
                <div class="panel-foot"><a class="download" href=lines_csv download>"Download lines as CSV"</a></div>
            </section>
        }
    });
    let drawings = waterfall.drawings.clone();
    view! {
        {head}
        {cards(figures, "The statement in figures")}
        {found.issue.map(|issue| issue_panel(issue, month, &title))}
        {costs}
        <section class="panel" aria-labelledby="waterfall-title">
            <div class="panel-head">
                <div>
                    <h2 id="waterfall-title">"How the number comes about"</h2>
                    <p class="hint">{counted}</p>
                </div>
            </div>
            {drawing(drawings)}
            {steps_table(waterfall, &format!("Waterfall of {title}"), "step")}
            <div class="panel-foot">
                <p class="downloads">
                    <a class="download" href=days download>"Download days as CSV"</a>
                    <a class="download" href=events download>"Download events as CSV"</a>
                </p>
            </div>
        </section>
        {(!adjustments.is_empty()).then(|| adjustments_panel(adjustments))}
        {check_panel(found.check)}
    }
    .into_any()
}

fn head(found: &StatementPage, chooser: Option<AnyView>) -> AnyView {
    let number = found.number.clone().map(|number| view! { " · number " <strong>{number}</strong> });
    let whose = &found.whose;
    view! {
        <div class="page-head">
            <div>
                <p class="crumb"><a href=found.overview.clone()>"Billing"</a></p>
                <h1>{found.title.clone()} " " <span class=found.badge.0>{found.badge.1}</span></h1>
                <p class="page-sub">{whose.name.clone()} {number} " · days in " {whose.time_zone.clone()}</p>
            </div>
            <div class="page-actions">
                {chooser}
                <a class="button" href=found.before.clone() id="month-before">"Month before"</a>
                {found.after.clone().map(|href| view! { <a class="button" href=href id="month-after">"Month after"</a> })}
                {found.files.pdf.clone().map(|href| view! { <a class="button" href=href download>"PDF"</a> })}
            </div>
        </div>
    }
    .into_any()
}

/// The form that issues the statement, in two steps; of a month that still runs in three.
fn issue_panel(issue: Issue, month: String, title: &str) -> AnyView {
    let is_open = issue.error.is_some();
    let title = title.to_owned();
    let text = match &issue.runs_until {
        None => format!(
            "The statement of {title} is issued at {} and never changes again. What arrives later is adjusted on the next statement.",
            issue.total
        ),
        Some(day) => format!(
            "{title} runs until {day}. Issued now, the statement of {} holds only what has arrived until now; the rest of the month is adjusted on the next statement.",
            issue.total
        ),
    };
    let confirm = issue.runs_until.is_some().then(|| {
        view! {
            <div class="field field-check">
                <label>
                    <input type="checkbox" id="field-month" name="before_end" value="true" />
                    <span>"Issue it before the month has ended"</span>
                </label>
            </div>
        }
    });
    view! {
        <details class="confirm issue" open=is_open>
            <summary class="button button-main">"Issue…"</summary>
            <div class="confirm-body">
                <FormErrors error=issue.error />
                <p>{text}</p>
                <form method="post" action=IssueStatement::url()>
                    <input type="hidden" name="customer" value=issue.customer />
                    <input type="hidden" name="month" value=month />
                    {confirm}
                    <button type="submit" class="button button-main">"Issue the statement of " {title}</button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

fn adjustments_panel(adjustments: Vec<AdjustmentView>) -> AnyView {
    let items = adjustments.into_iter().enumerate().map(|(i, it)| adjustment(i, it)).collect_view();
    view! {
        <section class="panel" aria-labelledby="adjustments-title">
            <div class="panel-head">
                <div>
                    <h2 id="adjustments-title">"Adjustments of earlier months"</h2>
                    <p class="hint">"Events that arrived after a month was issued never change its statement. What they change is settled here."</p>
                </div>
            </div>
            <ul class="contract">{items}</ul>
        </section>
    }
    .into_any()
}

fn adjustment(index: usize, it: AdjustmentView) -> AnyView {
    let rows = it
        .steps
        .into_iter()
        .map(|[step, before, after, change]| {
            view! {
                <tr>
                    <th scope="row">{step}</th>
                    <td class="number">{before}</td>
                    <td class="number">{after}</td>
                    <td class="number">{change}</td>
                </tr>
            }
        })
        .collect_view();
    let caption = format!("{}, before and after", it.month);
    view! {
        <li>
            <h3 id=format!("adjustment-{index}")><a href=it.href>{it.month}</a> ": " {it.amount}</h3>
            <dl class="facts">
                <div><dt>"Billed until now"</dt><dd>{it.billed}</dd></div>
                <div><dt>"Costs after all"</dt><dd>{it.recomputed}</dd></div>
            </dl>
            <div class="table-box" role="region" aria-label=caption.clone() tabindex="0">
                <table class="lines">
                    <caption class="visually-hidden">{caption.clone()}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Step"</th>
                            <th scope="col" class="number">"Before"</th>
                            <th scope="col" class="number">"After"</th>
                            <th scope="col" class="number">"Change"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <details class="table-behind"><summary>"The month after all, as a chart"</summary>{drawing(it.after.drawings)}</details>
        </li>
    }
    .into_any()
}

/// Counting again, which everybody may who may see the statement.
fn check_panel(check: Check) -> AnyView {
    let result = check.result.map(|result| match result {
        Checked::Equal { text } => view! {
            <div class="notice notice-good"><p class="notice-title">"Equal, step by step"</p><p>{text}</p></div>
        }
        .into_any(),
        Checked::Different { text, steps } => different(text, steps),
        Checked::Impossible(error) => impossible(&error),
    });
    view! {
        <section class="panel" id="check" aria-labelledby="check-title">
            <div class="panel-head">
                <div>
                    <h2 id="check-title">"Recompute"</h2>
                    <p class="hint">"Counts the month anew from its single events, without the stored counts, and compares step by step. Large months take a while."</p>
                </div>
                <div class="panel-actions">
                    <form method="get" action=check.path>
                        {check.customer.map(|customer| view! { <input type="hidden" name="customer" value=customer /> })}
                        <input type="hidden" name="check" value="1" />
                        <button class="button">"Recompute from events"</button>
                    </form>
                </div>
            </div>
            {result}
        </section>
    }
    .into_any()
}

fn different(text: String, steps: Vec<[String; 3]>) -> AnyView {
    let rows = steps
        .into_iter()
        .map(|[step, stated, recomputed]| {
            view! { <tr><th scope="row">{step}</th><td class="number">{stated}</td><td class="number">{recomputed}</td></tr> }
        })
        .collect_view();
    view! {
        <div class="notice notice-bad" role="alert"><p class="notice-title">"Not equal"</p><p>{text}</p></div>
        <table class="lines">
            <caption class="visually-hidden">"Steps that differ"</caption>
            <thead>
                <tr>
                    <th scope="col">"Step"</th>
                    <th scope="col" class="number">"The statement says"</th>
                    <th scope="col" class="number">"The events say"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// Says why events cannot be counted or listed.
pub(super) fn impossible(error: &UiError) -> AnyView {
    let (title, text) = explain(error);
    let (title, text) = match error {
        UiError::Invalid(faults) => (
            "Single events cannot be looked at",
            faults.0.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join(" "),
        ),
        _ => (title, text),
    };
    view! { <div class="notice notice-warning" role="alert"><p class="notice-title">{title}</p><p>{text}</p></div> }
        .into_any()
}
