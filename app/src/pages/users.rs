//! People who sign in, for operators.

use crate::calls::{SaveUser, SetUserDisabled};
use crate::components::form::{FormErrors, SelectField, TextField};
use crate::components::list::Pager;
use crate::components::state::Empty;
use crate::data::users::{UserEditor, UserView};
use crate::data::{Choice, ListPage};
use domain::account::Role;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The list of users.
#[must_use]
pub fn draw_list(found: ListPage<UserView>) -> AnyView {
    let ListPage { items, next_cursor, is_later, can_change } = found;
    let is_empty = items.is_empty();
    let rows = items.into_iter().map(row).collect_view();
    view! {
        <div class="page-head">
            <div><h1>"Users"</h1><p class="page-sub">"People who can sign in, and what they may do"</p></div>
            {can_change.then(|| view! { <div class="page-actions"><a class="button button-main" href="/admin/users/new">"New user"</a></div> })}
        </div>
        {is_empty.then(|| view! { <Empty title="No users" text="Create the first one." /> })}
        {(!is_empty)
            .then(|| {
                view! {
                    <div class="table-box panel" role="region" aria-label="Users" tabindex="0">
                        <table class="stacked">
                            <caption class="visually-hidden">"Users"</caption>
                            <thead>
                                <tr>
                                    <th scope="col">"Email"</th>
                                    <th scope="col">"Name"</th>
                                    <th scope="col">"Role"</th>
                                    <th scope="col">"Customer"</th>
                                    <th scope="col">"Since"</th>
                                    <th scope="col">"Status"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
            })}
        <Pager
            first=is_later.then(|| "/admin/users".to_owned())
            next=next_cursor.map(|cursor| crate::query::with_cursor("/admin/users", &cursor))
        />
    }
    .into_any()
}

fn row(user: UserView) -> AnyView {
    let status = if user.is_disabled { ("badge badge-bad", "Disabled") } else { ("badge badge-good", "Active") };
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/users/{}", user.id)>{user.email}</a>
                {user.is_me.then(|| view! { <span class="key">"You"</span> })}
            </th>
            <td data-label="Name">{user.name}</td>
            <td data-label="Role">{user.role}</td>
            <td data-label="Customer">{user.customer}</td>
            <td data-label="Since">{user.created}</td>
            <td data-label="Status"><span class=status.0>{status.1}</span></td>
        </tr>
    }
    .into_any()
}

/// The form of a user, new or known.
#[must_use]
pub fn draw_editor(editor: UserEditor, id: Option<String>) -> AnyView {
    let UserEditor { input, error, customers, is_disabled, is_me, can_change } = editor;
    let is_new = id.is_none();
    let title = if is_new { "New user".to_owned() } else { input.email.clone() };
    let mut roles = vec![Choice { value: String::new(), label: "Choose a role".to_owned() }];
    roles.extend(
        Role::ALL.iter().map(|role| Choice { value: role.as_str().to_owned(), label: describe(*role).to_owned() }),
    );
    let mut owners = vec![Choice { value: String::new(), label: "None: sees all customers".to_owned() }];
    owners.extend(customers);
    let password_hint = if is_new {
        "At least 12 characters. Hand it over in person; it can be changed under Account."
    } else {
        "Leave empty to keep the present one."
    };
    let access = id.clone().filter(|_| can_change && !is_me).map(|id| access(id, is_disabled));
    view! {
        <div class="page-head">
            <div><p class="crumb"><a href="/admin/users">"Users"</a></p><h1>{title}</h1></div>
        </div>
        <section class="panel form-panel">
            <form method="post" action=SaveUser::url()>
                <FormErrors error=error.clone() />
                {id.map(|id| view! { <input type="hidden" name="user" value=id /> })}
                <div class="fields">
                    <TextField label="Email" name="form[email]" field="email" kind="email" autocomplete="off" value=input.email is_required=true is_readonly=!can_change error=error.clone() />
                    <TextField label="Name" name="form[name]" field="name" autocomplete="off" value=input.name is_readonly=!can_change error=error.clone() />
                    <SelectField label="Role" name="form[role]" field="role" choices=roles value=input.role is_disabled=!can_change error=error.clone() />
                    <SelectField label="Customer" name="form[customer]" field="customer_id" choices=owners value=input.customer hint="For viewers and customer admins." is_disabled=!can_change error=error.clone() />
                    {can_change
                        .then(|| {
                            view! { <TextField label="Password" name="form[password]" field="password" kind="password" autocomplete="new-password" hint=password_hint is_required=is_new error=error.clone() /> }
                        })}
                </div>
                {can_change
                    .then(|| {
                        view! {
                            <div class="form-actions">
                                <button type="submit" class="button button-main">"Save"</button>
                                <a class="button" href="/admin/users">"Cancel"</a>
                            </div>
                        }
                    })}
            </form>
        </section>
        {access}
    }
    .into_any()
}

/// Ends or restores the user's access.
fn access(id: String, is_disabled: bool) -> AnyView {
    let (text, button, class) = if is_disabled {
        ("This user cannot sign in.", "Let the user sign in again", "button")
    } else {
        (
            "A disabled user is signed out everywhere and cannot sign in. Nothing is deleted.",
            "Disable user",
            "button button-bad",
        )
    };
    view! {
        <section class="panel form-panel">
            <h2>"Access"</h2>
            <p>{text}</p>
            <form method="post" action=SetUserDisabled::url()>
                <input type="hidden" name="user" value=id />
                <input type="hidden" name="disabled" value=(!is_disabled).to_string() />
                <button type="submit" class=class>{button}</button>
            </form>
        </section>
    }
    .into_any()
}

/// A role and what it allows.
const fn describe(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer: reads the figures of one customer",
        Role::CustomerAdmin => "Customer admin: also manages its applications and alerts",
        Role::Auditor => "Auditor: reads everything of all customers",
        Role::Operator => "Operator: runs the installation",
    }
}
