//! Signing in.

use crate::api::people::{Attempt, SignIn, load_attempt};
use crate::components::form::{FormErrors, TextField};
use crate::components::state::{Done, ErrorView};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;

/// The form of e-mail address and password.
#[component]
pub fn Login() -> impl IntoView {
    let query = use_query_map();
    let next = move || query.read().get("next").unwrap_or_default();
    let attempt = Resource::new(|| (), |()| load_attempt());
    view! {
        <Title text="Sign in" />
        <Suspense fallback=|| ()>
            {move || Suspend::new(async move {
                match attempt.await {
                    Ok(Attempt { is_signed_in: true, .. }) => view! { <Redirect path="/overview" /> }.into_any(),
                    Ok(attempt) => form(attempt, next()),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn form(attempt: Attempt, next: String) -> AnyView {
    let Attempt { email, error, .. } = attempt;
    view! {
        <section class="login">
            <h1>"Sign in"</h1>
            <p class="lead">"Figures on how people reach help, for operators and their customers."</p>
            <Done />
            <FormErrors error=error.clone() />
            <form method="post" action=SignIn::url()>
                <input type="hidden" name="next" value=next />
                <TextField
                    label="Email"
                    name="email"
                    field="email"
                    kind="email"
                    value=email
                    autocomplete="username"
                    is_required=true
                    error=error.clone()
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
                <button type="submit" class="button button-main">"Sign in"</button>
            </form>
            <p class="hint">"No account, or a forgotten password? The operator of this installation helps."</p>
        </section>
    }
    .into_any()
}
