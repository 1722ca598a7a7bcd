//! The own account.

use crate::api::people::{ChangePassword, Me, load_me};
use crate::components::form::{FormErrors, Submit, TextField, outcome};
use crate::components::state::{Done, ErrorView, Loading};
use crate::error::UiError;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;

/// Who the person is, and the form to change the password.
#[component]
pub fn Account() -> impl IntoView {
    let me = Resource::new(|| (), |()| load_me());
    view! {
        <Title text="Account" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match me.await {
                    Ok(Some(me)) => view! { <Details me /> }.into_any(),
                    Ok(None) => view! { <ErrorView error=UiError::SignedOut /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Details(me: Me) -> impl IntoView {
    let action = ServerAction::<ChangePassword>::new();
    let error = outcome(move || action.value().get());
    let is_changed = move || matches!(action.value().get(), Some(Ok(())));
    view! {
        <div class="page-head"><h1>"Account"</h1></div>
        <dl class="facts">
            <div><dt>"Name"</dt><dd>{me.name}</dd></div>
            <div><dt>"E-mail address"</dt><dd>{me.email}</dd></div>
            <div><dt>"Role"</dt><dd>{me.role.label()}</dd></div>
            <div><dt>"Customer"</dt><dd>{me.customer.unwrap_or_else(|| "All".to_owned())}</dd></div>
        </dl>
        <section class="panel form-panel">
            <h2>"Change password"</h2>
            <Done />
            <div role="status">
                {move || is_changed().then(|| view! { <p class="notice notice-good">"Your password is changed. Other sessions of yours have ended."</p> })}
            </div>
            <ActionForm action>
                <FormErrors error />
                <div class="fields fields-one">
                    <TextField label="Current password" name="current" field="current" kind="password" autocomplete="current-password" is_required=true error />
                    <TextField label="New password" name="new" field="new" kind="password" autocomplete="new-password" hint="At least 12 characters. A few words in a row are easy to keep in mind." is_required=true error />
                    <TextField label="New password once more" name="again" field="again" kind="password" autocomplete="new-password" is_required=true error />
                </div>
                <div class="form-actions">
                    <Submit label="Change password" is_pending=action.pending() />
                </div>
            </ActionForm>
        </section>
    }
    .into_any()
}
