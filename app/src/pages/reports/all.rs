//! All customers' reports, for operators and auditors.

use super::list::table;
use crate::components::form::{NoScriptSubmit, options};
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::reports::REPORTS;
use crate::data::reports::all::AllReports;
use leptos::prelude::*;

/// The chooser of a kind, and the file.
pub(super) fn actions(all: &AllReports) -> AnyView {
    let download = (!all.items.is_empty())
        .then(|| view! { <a class="button" href=all.download.clone() rel="external" download="">"Download CSV"</a> });
    view! {
        <form method="get" action=REPORTS class="chooser">
            <label>
                <span class="visually-hidden">"Kind"</span>
                <select id="template" name="template">
                    <option value="" selected=all.kind.is_empty()>"All kinds"</option>
                    {options(all.kinds.clone(), &all.kind)}
                </select>
            </label>
            <NoScriptSubmit />
        </form>
        {download}
    }
    .into_any()
}

/// The list.
pub(super) fn draw(all: AllReports) -> AnyView {
    let AllReports { items, first, next, .. } = all;
    let body = if items.is_empty() {
        let text = "Whatever customers report, drafts and approved versions, is listed here. Choose a customer above to make a report.";
        view! { <Empty title="No reports yet" text=text /> }.into_any()
    } else {
        table(items)
    };
    view! {
        {body}
        <Pager first next />
    }
    .into_any()
}
