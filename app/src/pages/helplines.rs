//! The catalogue's helplines, for operators.

mod editor;

use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::ListPage;
use crate::data::helplines::HelplineView;
pub use editor::draw as draw_editor;
use leptos::prelude::*;

/// The list of helplines.
#[must_use]
pub fn draw_list(found: ListPage<HelplineView>, search: String) -> AnyView {
    let ListPage { items, next_cursor, is_later, can_change } = found;
    let is_empty = items.is_empty();
    let rows = items.into_iter().map(row).collect_view();
    let mut path = "/admin/helplines?search=".to_owned();
    crate::query::encode(&search, &mut path);
    view! {
        <div class="page-head">
            <div><h1>"Helplines"</h1><p class="page-sub">"The catalogue that partners show and report on"</p></div>
            <div class="page-actions">
                <form method="get" action="/admin/helplines" class="search" role="search">
                    <label>
                        <span class="visually-hidden">"Search by name, id or country"</span>
                        <input type="search" name="search" value=search placeholder="Name, id or country" />
                    </label>
                    <button class="button">"Search"</button>
                </form>
                {can_change.then(|| view! { <a class="button button-main" href="/admin/helplines/new">"New helpline"</a> })}
            </div>
        </div>
        {is_empty.then(|| view! { <Empty title="No helplines found" text="Search for something else, or create or import helplines." /> })}
        {(!is_empty).then(|| table(rows.into_any()))}
        <Pager
            first=is_later.then(|| path.clone())
            next=next_cursor.map(|cursor| crate::query::with_cursor(&path, &cursor))
        />
    }
    .into_any()
}

fn table(rows: AnyView) -> AnyView {
    view! {
        <div class="table-box panel" role="region" aria-label="Helplines" tabindex="0">
            <table class="stacked">
                <caption class="visually-hidden">"Helplines"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Country"</th>
                        <th scope="col">"Contact methods"</th>
                        <th scope="col">"Topics"</th>
                        <th scope="col">"Availability"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(helpline: HelplineView) -> AnyView {
    let badge = match helpline.availability_code.as_str() {
        "available" => "badge badge-good",
        "limited" => "badge badge-warning",
        _ => "badge badge-bad",
    };
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/helplines/{}", helpline.id)>{helpline.name}</a>
                {helpline.is_priority.then(|| view! { " " <span class="badge">"Priority"</span> })}
                <span class="key">{helpline.id}</span>
            </th>
            <td data-label="Country">{helpline.country}</td>
            <td data-label="Contact methods">{helpline.methods}</td>
            <td data-label="Topics">{helpline.topics}</td>
            <td data-label="Availability"><span class=badge>{helpline.availability}</span></td>
        </tr>
    }
    .into_any()
}
