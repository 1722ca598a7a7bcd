//! The own account.

use crate::calls::ChangePassword;
use crate::components::form::{FormErrors, TextField};
use crate::data::people::Account;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// Who the person is, and the form to change the password.
#[must_use]
pub fn draw(found: Account) -> AnyView {
    let Account { me, error } = found;
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
                    <TextField label="New password once more" name="again" field="again" kind="password" autocomplete="new-password" is_required=true error />
                </div>
                <div class="form-actions">
                    <button type="submit" class="button button-main">"Change password"</button>
                </div>
            </form>
        </section>
    }
    .into_any()
}
