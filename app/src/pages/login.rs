//! Logging in.

use crate::api::people::{LogIn, load_me};
use crate::components::form::{FormErrors, Submit, TextField, outcome};
use crate::components::state::Done;
use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;

/// The form of e-mail address and password.
#[component]
pub fn Login() -> impl IntoView {
    let action = ServerAction::<LogIn>::new();
    let error = outcome(move || action.value().get());
    let query = use_query_map();
    let next = move || query.read().get("next").unwrap_or_default();
    let already = Resource::new(|| (), |()| load_me());
    // Everything is loaded anew after a login: nothing of whoever was here before stays behind.
    Effect::new(move |_| {
        if let Some(Ok(target)) = action.value().get() {
            let _ = window().location().assign(&target);
        }
    });
    view! {
        <Title text="Log in" />
        <Suspense fallback=|| ()>
            {move || Suspend::new(async move {
                matches!(already.await, Ok(Some(_))).then(|| view! { <Redirect path="/overview" /> })
            })}
        </Suspense>
        <section class="login">
            <h1>"Log in"</h1>
            <p class="lead">"Figures on how people reach help, for operators and their customers."</p>
            <Done />
            <ActionForm action>
                <FormErrors error />
                <input type="hidden" name="next" value=next />
                <TextField
                    label="E-mail address"
                    name="email"
                    field="email"
                    kind="email"
                    autocomplete="username"
                    is_required=true
                    error
                />
                <TextField
                    label="Password"
                    name="password"
                    field="password"
                    kind="password"
                    autocomplete="current-password"
                    is_required=true
                    error
                />
                <Submit label="Log in" is_pending=action.pending() />
            </ActionForm>
            <p class="hint">"No account, or a forgotten password? The operator of this installation helps."</p>
        </section>
    }
}
