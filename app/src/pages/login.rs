//! Signing in.

use crate::calls::SignIn;
use crate::components::form::{FormErrors, TextField};
use crate::data::people::Attempt;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The form of email and password.
#[must_use]
pub fn draw(attempt: Attempt, next: String) -> AnyView {
    let Attempt { email, error, .. } = attempt;
    view! {
        <section class="login">
            <h1>"Sign in"</h1>
            <p class="lead">"Figures on how people reach help, for operators and their customers."</p>
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
            <p class="hint">"You came by an access link? Open it again, or ask whoever gave it to you for a new one."</p>
        </section>
    }
    .into_any()
}
