//! What is behind a step of a statement.

use super::chooser;
use super::statement::impossible;
use crate::components::form::{NoScriptSubmit, options};
use crate::components::list::{Pager, Segments, bar};
use crate::data::Choice;
use crate::data::billing::steps::{CountList, Detail, EventList, EventRow, StepPage};
use leptos::prelude::*;

/// The page.
#[must_use]
pub fn draw(found: StepPage) -> AnyView {
    let StepPage { whose, month, title, definition, statement, overview, steps, stated, note, detail } = found;
    let path = steps.iter().find(|link| link.is_current).map_or_else(String::new, |link| link.href.clone());
    let path = path.split('?').next().unwrap_or_default().to_owned();
    let chooser = chooser(&whose, &path, false);
    let body = match detail {
        Ok(detail) => detail_view(detail),
        Err(error) => impossible(&error),
    };
    view! {
        <div class="page-head">
            <div>
                <p class="crumb"><a href=overview>"Billing"</a> " / " <a href=statement>{month.clone()}</a></p>
                <h1>{title} ": " {stated}</h1>
                <p class="page-sub">{whose.name} " · " {month} " · " {definition}</p>
            </div>
            <div class="page-actions">{chooser}</div>
        </div>
        <div class="toolbar"><Segments links=steps label="Step" /></div>
        {note.map(|note| view! { <p class="notice notice-warning">{note}</p> })}
        {body}
    }
    .into_any()
}

fn detail_view(detail: Detail) -> AnyView {
    let Detail { lists, events } = detail;
    let lists = lists.into_iter().map(count_list).collect_view();
    let list = match events {
        Some(events) => event_list(events),
        None => view! {
            <p class="hint">"Of refused and repeated requests nothing is kept but these counts, by the time of the request."</p>
        }
        .into_any(),
    };
    view! { <div class="parts">{lists}</div> {list} }.into_any()
}

fn count_list(list: CountList) -> AnyView {
    let is_empty = list.rows.is_empty();
    let title = format!("By {}", list.by.to_lowercase());
    let rows = list
        .rows
        .into_iter()
        .map(|row| {
            let label = match row.href {
                Some(href) => view! { <a href=href>{row.label}</a> }.into_any(),
                None => row.label.into_any(),
            };
            view! { <tr><th scope="row">{label} {bar(row.bar_percent)}</th><td class="number">{row.count}</td></tr> }
        })
        .collect_view();
    view! {
        <section class="panel" aria-label=title.clone()>
            <h2>{title.clone()}</h2>
            {is_empty.then(|| view! { <p class="panel-empty">"None."</p> })}
            {(!is_empty)
                .then(|| {
                    view! {
                        <div class="table-box" role="region" aria-label=title.clone() tabindex="0">
                            <table>
                                <caption class="visually-hidden">{title.clone()}</caption>
                                <thead><tr><th scope="col">{list.by}</th><th scope="col" class="number">"Events"</th></tr></thead>
                                <tbody>{rows}</tbody>
                            </table>
                        </div>
                    }
                })}
            {list.rest.map(|rest| view! { <p class="hint">{rest}</p> })}
        </section>
    }
    .into_any()
}

fn event_list(list: EventList) -> AnyView {
    let filters = filters(&list);
    let EventList { rows, as_of, time_zone, first, next, csv, filters: chips, .. } = list;
    let is_empty = rows.is_empty();
    let rows = rows.into_iter().map(event_row).collect_view();
    let chips = chips
        .into_iter()
        .map(|chip| {
            let label = format!("Remove the filter {}", chip.label);
            view! {
                <li><a class="chip" href=chip.href aria-label=label data-noscroll>{chip.label} <span aria-hidden="true">"×"</span></a></li>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <section class="panel" id="events" aria-labelledby="events-title">
            <div class="panel-head">
                <div>
                    <h2 id="events-title">"Single events"</h2>
                    <p class="hint">"In the order of time, in " {time_zone} ", as of place " {as_of} " of the customer’s log."</p>
                </div>
            </div>
            {filters}
            {(!chips.is_empty()).then(|| view! { <ul class="chips" aria-label="Filters">{chips}</ul> })}
            {is_empty.then(|| view! { <p class="panel-empty">"No event is behind this step with these filters."</p> })}
            {(!is_empty).then(|| events_table(rows.into_any()))}
            <div class="panel-foot">
                <Pager first next />
                <a class="download" href=csv download>"Download these events as CSV"</a>
            </div>
        </section>
    }
    .into_any()
}

fn events_table(rows: AnyView) -> AnyView {
    view! {
        <div class="table-box" role="region" aria-label="Single events" tabindex="0">
            <table class="stacked events">
                <caption class="visually-hidden">"Single events"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Instant"</th>
                        <th scope="col">"Event"</th>
                        <th scope="col">"Helpline"</th>
                        <th scope="col">"Application"</th>
                        <th scope="col">"Why"</th>
                        <th scope="col" class="number">"Place in the log"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn event_row(row: EventRow) -> AnyView {
    view! {
        <tr>
            <th scope="row">{row.day} " " <span class="clock">{row.clock}</span></th>
            <td data-label="Event">{row.method} <code class="key">{row.id}</code></td>
            <td data-label="Helpline">{row.helpline}</td>
            <td data-label="Application">{row.application}</td>
            <td data-label="Why"><span class="why"><span class=row.badge.0>{row.badge.1}</span> {row.why}</span></td>
            <td class="number" data-label="Place in the log">{row.place}</td>
        </tr>
    }
    .into_any()
}

/// The form of the filters; with script it is sent as soon as something is chosen.
fn filters(list: &EventList) -> AnyView {
    let query = &list.query;
    let hidden = [("customer", &query.customer), ("as_of", &query.as_of)];
    let hidden = hidden
        .into_iter()
        .filter_map(|(name, value)| value.clone().map(|value| view! { <input type="hidden" name=name value=value /> }))
        .collect_view();
    let select =
        |name: &'static str, label: &'static str, all: &'static str, choices: &[Choice], chosen: &Option<String>| {
            let chosen = chosen.clone().unwrap_or_default();
            (!choices.is_empty()).then(|| {
                view! {
                    <label>
                        <span class="visually-hidden">{label}</span>
                        <select id=format!("filter-{name}") name=name>
                            <option value="">{all}</option>
                            {options(choices.to_vec(), &chosen)}
                        </select>
                    </label>
                }
            })
        };
    view! {
        <form method="get" action=list.path.clone() class="chooser filters">
            {hidden}
            {select("day", "Day", "All days", &list.days, &query.day)}
            {select("application_id", "Application", "All applications", &list.applications, &query.application_id)}
            {select("helpline_id", "Helpline", "All helplines", &list.helplines, &query.helpline_id)}
            {select("contact_method", "Contact method", "All contact methods", &list.methods, &query.contact_method)}
            <NoScriptSubmit />
        </form>
    }
    .into_any()
}
