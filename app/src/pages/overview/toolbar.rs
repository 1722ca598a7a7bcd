//! Whose figures, of which period, of which tier.

use crate::api::figures::Frame;
use crate::components::form::options;
use crate::components::list::Segments;
use crate::query::OverviewQuery;
use leptos::prelude::*;
use leptos_router::components::Form;
use leptos_router::hooks::use_query_map;

/// The parameters of the address as hidden inputs of a form, except those that the form itself sets.
pub fn hidden(query: &OverviewQuery, except: &[&str]) -> Vec<AnyView> {
    let kept = query.pairs().into_iter().filter(|(name, _)| !except.contains(name));
    kept.map(|(name, value)| view! { <input type="hidden" name=name value=value.to_owned() /> }.into_any()).collect()
}

/// Sends the form of a chooser as soon as something is chosen.
pub fn submit_on_change(event: &leptos::ev::Event) {
    if let Some(form) = event_target::<leptos::web_sys::HtmlSelectElement>(event).form() {
        let _ = form.request_submit();
    }
}

/// The button of a form that our script sends by itself.
#[component]
pub fn NoScriptSubmit() -> impl IntoView {
    view! { <noscript inner_html="<button class=\"button\">Show</button>"></noscript> }
}

/// The head of the overview.
#[component]
pub fn Toolbar(frame: Frame) -> impl IntoView {
    let params = use_query_map();
    let query = OverviewQuery::from_params(&params.get_untracked());
    let Frame { customers, customer, customer_name, time_zone, presets, tiers, from, last, period, filters, .. } =
        frame;
    let dates = hidden(&query, &["from", "to", "last", "interval", "cursor"]);
    view! {
        <div class="page-head">
            <div>
                <h1>"Overview"</h1>
                <p class="page-sub">
                    {customer_name} " · " <strong>{period}</strong> " · days in " {time_zone}
                </p>
            </div>
            <div class="page-actions">
                {(!customers.is_empty()).then(|| customer_form(&query, customers, customer))}
                <Segments links=tiers label="Tier" />
            </div>
        </div>
        <div class="toolbar">
            <Segments links=presets label="Period" />
            <Form method="get" action="/overview" attr:class="dates" noscroll=true>
                {dates}
                <label>
                    <span>"From"</span>
                    <input type="date" name="from" value=from.clone() prop:value=from required />
                </label>
                <label>
                    <span>"to"</span>
                    <input type="date" name="last" value=last.clone() prop:value=last required />
                </label>
                <button class="button">"Show"</button>
            </Form>
        </div>
        {(!filters.is_empty())
            .then(|| {
                let chips = filters
                    .into_iter()
                    .map(|filter| {
                        let label = format!("Remove the filter {}", filter.label);
                        view! {
                            <li>
                                <a class="chip" href=filter.href aria-label=label data-noscroll>
                                    {filter.label}
                                    <span aria-hidden="true">"×"</span>
                                </a>
                            </li>
                        }
                    })
                    .collect_view();
                view! { <ul class="chips" aria-label="Filters">{chips}</ul> }
            })}
    }
    .into_any()
}

fn customer_form(query: &OverviewQuery, customers: Vec<crate::api::Choice>, chosen: Option<String>) -> AnyView {
    let except = ["customer", "cursor", "application_id", "helpline_id", "country_code", "contact_method"];
    let kept = hidden(query, &except);
    let is_all = chosen.is_none();
    view! {
        <Form method="get" action="/overview" attr:class="chooser" noscroll=true>
            {kept}
            <label>
                <span class="visually-hidden">"Customer"</span>
                <select name="customer" on:change=|event| submit_on_change(&event)>
                    <option value="" selected=is_all>"All customers"</option>
                    {options(customers, &chosen.unwrap_or_default())}
                </select>
            </label>
            <NoScriptSubmit />
        </Form>
    }
    .into_any()
}
