//! How the installation is, for operators.

use crate::components::list::Term;
use crate::data::system::{Check, Measure, System};
use leptos::prelude::*;

/// Whether events can be taken in, and how far the figures are behind.
#[must_use]
pub fn draw(found: System) -> AnyView {
    let System { is_ready, reasons, measures, checks, checked } = found;
    let status = if is_ready {
        view! {
            <div class="notice notice-good"><p class="notice-title">"Ready: events are taken in"</p></div>
        }
        .into_any()
    } else {
        let reasons = reasons.into_iter().map(|reason| view! { <li>{reason}</li> }).collect_view();
        view! {
            <div class="notice notice-bad" role="alert">
                <p class="notice-title">"Not ready: events are refused for now"</p>
                <ul>{reasons}</ul>
            </div>
        }
        .into_any()
    };
    let measures = measures.into_iter().enumerate().map(|(i, measure)| measure_view(i, measure)).collect_view();
    let checks = checks.into_iter().map(check_view).collect_view();
    view! {
        <div class="page-head">
            <div>
                <h1>"System"</h1>
                <p class="page-sub">"Whether events come in and figures keep up · " <strong>{checked}</strong></p>
            </div>
            // A page of its own, not the one that the browser has: it is the time that has changed, not the address.
            <div class="page-actions"><a class="button" href="/admin/system" rel="external">"Check again"</a></div>
        </div>
        {status}
        <ul class="cards" aria-label="Measures">{measures}</ul>
        <section class="panel" aria-labelledby="checks-title">
            <div class="panel-head"><h2 id="checks-title">"Checks"</h2></div>
            <table class="stacked">
                <caption class="visually-hidden">"Checks"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Part"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"What it means"</th>
                    </tr>
                </thead>
                <tbody>{checks}</tbody>
            </table>
        </section>
        <p class="hint">
            "The same for programs: " <a href="/readyz" rel="external">"/readyz"</a> " for load balancers, "
            <a href="/metrics" rel="external">"/metrics"</a> " for Prometheus."
        </p>
    }
    .into_any()
}

fn measure_view(index: usize, measure: Measure) -> AnyView {
    view! {
        <li class="card">
            <p class="card-label">
                <Term id=format!("measure-{index}") label=measure.label.to_owned() definition=measure.definition.to_owned() />
            </p>
            <p class="card-value">{measure.value}</p>
        </li>
    }
    .into_any()
}

fn check_view(check: Check) -> AnyView {
    let badge = if check.is_good { ("badge badge-good", "Good") } else { ("badge badge-bad", "Failing") };
    view! {
        <tr>
            <th scope="row">{check.label}</th>
            <td data-label="State"><span class=badge.0>{badge.1}</span></td>
            <td data-label="What it means">{check.text}</td>
        </tr>
    }
    .into_any()
}
