//! The calls that a browser makes: pages, which the server draws, and changes, which plain forms send.

mod alerts;
mod billing;
mod exports;
mod links;
mod reports;

pub use alerts::*;
pub use billing::*;
pub use exports::*;
pub use links::*;
pub use reports::*;

use crate::codec::JsonText;
use crate::drawn::Html;
use crate::error::UiError;
use crate::forms::{ApplicationInput, CustomerInput, HelplineInput, Me, UserInput};
use crate::query::OverviewQuery;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

#[cfg(feature = "ssr")]
use crate::{
    context,
    data::{self, answering, edit_path, id, submitting},
    pages,
    question::Question,
};
#[cfg(feature = "ssr")]
use domain::account::{ApplicationForm, Tier};

/// Who is signed in, if anybody is.
#[server(endpoint = "who_am_i", input = GetUrl, output = JsonText)]
pub async fn who_am_i() -> Result<Option<Me>, UiError> {
    answering(async { Ok(context::signed_in().await?.map(|user| data::people::of(&user))) }).await
}

/// The page to sign in; who is signed in already is sent on.
#[server(endpoint = "pages/login", input = GetUrl, output = JsonText)]
pub async fn login_page(#[server(default)] next: String) -> Result<Html, UiError> {
    answering(async {
        let attempt = data::people::attempt().await?;
        if attempt.is_signed_in {
            leptos_axum::redirect("/overview");
        }
        Ok(Html::of(pages::login::draw(attempt, next)))
    })
    .await
}

/// The overview.
#[server(endpoint = "pages/overview", input = GetUrl, output = JsonText)]
pub async fn overview_page(#[server(default)] query: OverviewQuery) -> Result<Html, UiError> {
    answering(async {
        let question = Question::of(&query).await?;
        if let Some(path) = question.canonical() {
            leptos_axum::redirect(&path);
        }
        Ok(Html::of(pages::overview::draw(&question).await?))
    })
    .await
}

/// The applications of a customer, or of all.
#[server(endpoint = "pages/applications", input = GetUrl, output = JsonText)]
pub async fn applications_page(
    #[server(default)] customer: Option<String>,
    #[server(default)] cursor: Option<String>,
) -> Result<Html, UiError> {
    answering(async {
        Ok(Html::of(pages::applications::draw(data::applications::applications(customer, cursor).await?)))
    })
    .await
}

/// The own account.
#[server(endpoint = "pages/account", input = GetUrl, output = JsonText)]
pub async fn account_page() -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::account::draw(data::people::account().await?))) }).await
}

/// The list of customers.
#[server(endpoint = "pages/customers", input = GetUrl, output = JsonText)]
pub async fn customers_page(#[server(default)] cursor: Option<String>) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::customers::draw_list(data::customers::customers(cursor).await?))) }).await
}

/// The form of a customer; of a new one without an id.
#[server(endpoint = "pages/customer", input = GetUrl, output = JsonText)]
pub async fn customer_page(#[server(default)] customer: Option<String>) -> Result<Html, UiError> {
    answering(async {
        let editor = data::customers::customer_editor(customer.clone()).await?;
        Ok(Html::of(pages::customers::draw_editor(editor, customer)))
    })
    .await
}

/// The list of users.
#[server(endpoint = "pages/users", input = GetUrl, output = JsonText)]
pub async fn users_page(#[server(default)] cursor: Option<String>) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::users::draw_list(data::users::users(cursor).await?))) }).await
}

/// The form of a user; of a new one without an id.
#[server(endpoint = "pages/user", input = GetUrl, output = JsonText)]
pub async fn user_page(#[server(default)] user: Option<String>) -> Result<Html, UiError> {
    answering(async {
        let editor = data::users::user_editor(user.clone()).await?;
        Ok(Html::of(pages::users::draw_editor(editor, user)))
    })
    .await
}

/// The list of helplines, of which a text may ask for some.
#[server(endpoint = "pages/helplines", input = GetUrl, output = JsonText)]
pub async fn helplines_page(
    #[server(default)] search: String,
    #[server(default)] cursor: Option<String>,
) -> Result<Html, UiError> {
    answering(async {
        let found = data::helplines::helplines(&search, cursor).await?;
        Ok(Html::of(pages::helplines::draw_list(found, search)))
    })
    .await
}

/// The form of a helpline; of a new one without an id.
#[server(endpoint = "pages/helpline", input = GetUrl, output = JsonText)]
pub async fn helpline_page(#[server(default)] helpline: Option<String>) -> Result<Html, UiError> {
    answering(async {
        let editor = data::helplines::helpline_editor(helpline.clone()).await?;
        Ok(Html::of(pages::helplines::draw_editor(editor, helpline)))
    })
    .await
}

/// How the installation is.
#[server(endpoint = "pages/system", input = GetUrl, output = JsonText)]
pub async fn system_page() -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::system::draw(data::system::system().await?))) }).await
}

/// Signs in.
#[server(endpoint = "sign_in", output = JsonText)]
pub async fn sign_in(
    email: String,
    password: String,
    /// The page that was asked for before.
    #[server(default)]
    next: String,
) -> Result<(), UiError> {
    let mut page = "/login?next=".to_owned();
    crate::query::encode(&next, &mut page);
    let target = data::people::local_path(&next).unwrap_or("/overview");
    submitting("sign in".to_owned(), &email, &page, target, async {
        let (engine, session) = (context::engine()?, context::session()?);
        let id = engine.log_in(&email, &password, context::client_address()).await?;
        context::begin(&session, context::SESSION_USER_ID, id).await.map_err(UiError::internal)
    })
    .await
}

/// Signs out: the session ends on the server.
#[server(endpoint = "sign_out", output = JsonText)]
pub async fn sign_out() -> Result<(), UiError> {
    answering(async {
        if let Some(user) = context::signed_in().await? {
            context::engine()?.note_sign_out(&user).await?;
        }
        context::session()?.flush().await.map_err(UiError::internal)?;
        leptos_axum::redirect("/login?done=signed_out");
        Ok(())
    })
    .await
}

/// Changes the own password; other sessions of the person end.
#[server(endpoint = "change_password", output = JsonText)]
pub async fn change_password(current: String, new: String, again: String) -> Result<(), UiError> {
    submitting("password".to_owned(), &(), "/account", "/account?done=password_changed", async {
        let (engine, user) = context::acting().await?;
        user.person().ok_or(UiError::Forbidden)?;
        if new != again {
            let detail = "This is not the same as the new password.";
            return Err(UiError::Invalid(domain::Faults::one("again", domain::FaultCode::FieldInvalid, detail)));
        }
        engine.change_password(&user, &current, &new).await?;
        // All sessions have ended; this one goes on under a new id.
        context::session()?.cycle_id().await.map_err(UiError::internal)
    })
    .await
}

/// Creates an application.
#[server(endpoint = "create_application", output = JsonText)]
pub async fn create_application(customer: String, #[server(default)] form: ApplicationInput) -> Result<(), UiError> {
    changing("create", &customer, &form, "secret_made", async |engine, manager| {
        let tier = Tier::from_name(&form.tier).unwrap_or(Tier::Sandbox);
        data::applications::hand_over(
            &engine.create_application(&manager, &ApplicationForm { name: form.name.clone(), tier }).await?,
        );
        Ok(())
    })
    .await
}

/// Gives an application a second secret.
#[server(endpoint = "rotate_application", output = JsonText)]
pub async fn rotate_application(customer: String, application: String) -> Result<(), UiError> {
    changing("change", &customer, &(), "secret_made", async |engine, manager| {
        data::applications::hand_over(&engine.rotate_application(&manager, id(&application)?).await?);
        Ok(())
    })
    .await
}

/// Revokes one secret, and the tokens that it brought.
#[server(endpoint = "revoke_secret", output = JsonText)]
pub async fn revoke_secret(customer: String, application: String, secret: String) -> Result<(), UiError> {
    changing("change", &customer, &(), "secret_revoked", async |engine, manager| {
        engine.revoke_secret(&manager, id(&application)?, id(&secret)?).await?;
        Ok(())
    })
    .await
}

/// Revokes an application with all of its secrets and tokens.
#[server(endpoint = "revoke_application", output = JsonText)]
pub async fn revoke_application(customer: String, application: String) -> Result<(), UiError> {
    changing("change", &customer, &(), "application_revoked", async |engine, manager| {
        engine.revoke_application(&manager, id(&application)?).await?;
        Ok(())
    })
    .await
}

/// Creates a customer, or changes the one of this id.
#[server(endpoint = "save_customer", output = JsonText)]
pub async fn save_customer(
    #[server(default)] customer: Option<String>,
    #[server(default)] form: CustomerInput,
) -> Result<(), UiError> {
    let page = edit_path("/admin/customers", customer.as_deref());
    submitting(page.clone(), &form, &page, "/admin/customers?done=saved", async {
        let (engine, user) = context::acting().await?;
        let operator = engine.operator(&user)?;
        let checked = form.read().map_err(UiError::Invalid)?;
        match &customer {
            Some(customer) => {
                let customer = id(customer)?;
                data::customers::is_confirmed(&engine, &operator, customer, &form).await?;
                engine.update_customer(&operator, customer, &checked).await?
            }
            None => engine.create_customer(&operator, &checked).await?,
        };
        Ok(())
    })
    .await
}

/// Creates a user, or changes the one of this id.
#[server(endpoint = "save_user", output = JsonText)]
pub async fn save_user(
    #[server(default)] user: Option<String>,
    #[server(default)] form: UserInput,
) -> Result<(), UiError> {
    let page = edit_path("/admin/users", user.as_deref());
    let kept = UserInput { password: String::new(), ..form.clone() };
    submitting(page.clone(), &kept, &page, "/admin/users?done=saved", async {
        let (engine, me) = context::acting().await?;
        let operator = engine.operator(&me)?;
        let checked = form.read(user.is_none()).map_err(UiError::Invalid)?;
        match &user {
            Some(user) => engine.update_user(&operator, id(user)?, &checked).await?,
            None => engine.create_user(&operator, &checked).await?,
        };
        Ok(())
    })
    .await
}

/// Disables a user, or lets the user sign in again.
#[server(endpoint = "set_user_disabled", output = JsonText)]
pub async fn set_user_disabled(user: String, disabled: bool) -> Result<(), UiError> {
    let page = edit_path("/admin/users", Some(&user));
    let done = if disabled { "/admin/users?done=disabled" } else { "/admin/users?done=enabled" };
    submitting("access".to_owned(), &(), &page, done, async {
        let (engine, me) = context::acting().await?;
        let operator = engine.operator(&me)?;
        let user: domain::UserId = id(&user)?;
        if disabled && me.person().is_some_and(|me| me.id == user) {
            return Err(UiError::Forbidden);
        }
        engine.set_user_disabled(&operator, user, disabled).await?;
        Ok(())
    })
    .await
}

/// Creates a helpline, or changes the one of this id.
#[server(endpoint = "save_helpline", output = JsonText)]
pub async fn save_helpline(
    #[server(default)] helpline: Option<String>,
    #[server(default)] form: HelplineInput,
) -> Result<(), UiError> {
    let page = edit_path("/admin/helplines", helpline.as_deref());
    let mut entered = form;
    if let Some(helpline) = &helpline {
        entered.id.clone_from(helpline);
    }
    submitting(page.clone(), &entered, &page, "/admin/helplines?done=saved", async {
        let (engine, user) = context::acting().await?;
        let operator = engine.operator(&user)?;
        let checked = entered.read().map_err(UiError::Invalid)?;
        match &helpline {
            Some(_) => engine.update_helpline(&operator, checked).await?,
            None => engine.create_helpline(&operator, checked).await?,
        };
        Ok(())
    })
    .await
}

/// Makes a change to a customer's applications and sends the browser back to their list.
#[cfg(feature = "ssr")]
async fn changing<I: serde::Serialize>(
    form: &str,
    customer: &str,
    input: &I,
    done: &str,
    work: impl AsyncFnOnce(engine::Engine, engine::actor::Manager) -> Result<(), UiError>,
) -> Result<(), UiError> {
    let mut page = "/applications?customer=".to_owned();
    crate::query::encode(customer, &mut page);
    submitting(form.to_owned(), input, &page, &format!("{page}&done={done}"), async {
        let (engine, user) = context::acting().await?;
        let manager = engine.manager(&user, id(customer)?)?;
        work(engine, manager).await
    })
    .await
}
