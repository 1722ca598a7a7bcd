//! Whose figures, of which period, of which tier.

#![allow(clippy::needless_pass_by_value, reason = "components own their properties")]

use crate::components::form::{NoScriptSubmit, options};
use crate::components::list::Segments;
use crate::data::figures::Frame;
use crate::query::OverviewQuery;
use leptos::prelude::*;

/// The parameters of the address as hidden inputs of a form, except those that the form itself sets.
pub fn hidden(query: &OverviewQuery, except: &[&str]) -> Vec<AnyView> {
    let kept = query.pairs().into_iter().filter(|(name, _)| !except.contains(name));
    kept.map(|(name, value)| view! { <input type="hidden" name=name value=value.to_owned() /> }.into_any()).collect()
}

/// The head of the overview.
#[component]
pub fn Toolbar(frame: Frame, query: OverviewQuery) -> impl IntoView {
    let Frame {
        customers,
        customer,
        customer_name,
        time_zone,
        presets,
        tiers,
        from,
        last,
        period,
        export,
        filters,
        ..
    } = frame;
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
                {export.map(|href| view! { <a class="button" href=href>"Export"</a> })}
            </div>
        </div>
        <div class="toolbar">
            <Segments links=presets label="Period" />
            <form method="get" action="/overview" class="dates">
                {dates}
                <label>
                    <span>"From"</span>
                    <input type="date" name="from" value=from.clone() required autocomplete="off" />
                </label>
                <label>
                    <span>"to"</span>
                    <input type="date" name="last" value=last.clone() required autocomplete="off" />
                </label>
                <button class="button">"Show"</button>
            </form>
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

fn customer_form(query: &OverviewQuery, customers: Vec<crate::data::Choice>, chosen: Option<String>) -> AnyView {
    let except = ["customer", "cursor", "application_id", "helpline_id", "country_code", "contact_method"];
    let kept = hidden(query, &except);
    let is_all = chosen.is_none();
    view! {
        <form method="get" action="/overview" class="chooser">
            {kept}
            <label>
                <span class="visually-hidden">"Customer"</span>
                <select id="customer" name="customer">
                    <option value="" selected=is_all>"All customers"</option>
                    {options(customers, &chosen.unwrap_or_default())}
                </select>
            </label>
            <NoScriptSubmit />
        </form>
    }
    .into_any()
}
