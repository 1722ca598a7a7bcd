//! The own account; of whoever came by an access link, what that is.

use crate::calls::{ChangePassword, SignOut};
use crate::components::form::{FormErrors, Outcome, TextField};
use crate::data::people::Account;
use crate::forms::Me;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// Who it is, and the form to change the password; or the way out of a link.
#[must_use]
pub fn draw(found: Account) -> AnyView {
    let Account { me, error } = found;
    match me.link_until.clone() {
        Some(until) => link(me, until),
        None => person(me, &error),
    }
}

fn link(me: Me, until: String) -> AnyView {
    view! {
        <div class="page-head"><h1>"Account"</h1></div>
        <dl class="facts">
            <div><dt>"Access link for"</dt><dd>{me.name}</dd></div>
            <div><dt>"Valid until"</dt><dd>{until}</dd></div>
            <div><dt>"Opens"</dt><dd>{me.customer.unwrap_or_else(|| "All customers".to_owned())}</dd></div>
        </dl>
        <section class="panel form-panel">
            <h2>"Read-only access"</h2>
            <p>"You came by a link: you read everything here and change nothing. When it has ended, the next page that you ask for is the login."</p>
            <form method="post" action=SignOut::url()>
                <button type="submit" class="button">"Leave"</button>
            </form>
        </section>
    }
    .into_any()
}

fn person(me: Me, error: &Outcome) -> AnyView {
    let hint = "At least 12 characters. A few words in a row are easy to keep in mind.";
    view! {
        <div class="page-head"><h1>"Account"</h1></div>
        <dl class="facts">
            <div><dt>"Name"</dt><dd>{me.name}</dd></div>
            <div><dt>"Email"</dt><dd>{me.email}</dd></div>
            <div><dt>"Role"</dt><dd>{me.role.label()}</dd></div>
            <div><dt>"Customer"</dt><dd>{me.customer.unwrap_or_else(|| "All".to_owned())}</dd></div>
        </dl>
        <section class="panel form-panel">
            <h2>"Change password"</h2>
            <FormErrors error=error.clone() />
            <form method="post" action=ChangePassword::url()>
                <div class="fields fields-one">
                    <TextField label="Current password" name="current" field="current" kind="password" autocomplete="current-password" is_required=true error=error.clone() />
                    <TextField label="New password" name="new" field="new" kind="password" autocomplete="new-password" hint is_required=true error=error.clone() />
                    <TextField label="New password once more" name="again" field="again" kind="password" autocomplete="new-password" is_required=true error=error.clone() />
                </div>
                <div class="form-actions">
                    <button type="submit" class="button button-main">"Change password"</button>
                </div>
            </form>
        </section>
    }
    .into_any()
}
