//! People who log in, for operators and auditors.

use super::{Choice, ListPage};
use crate::error::UiError;
use crate::forms::UserInput;
use crate::{
    context,
    data::{edit_path, id, paging, take_refused},
    format,
};
use domain::{
    CustomerId, FaultCode, Faults, UserId, Zone,
    account::{Role, User, UserForm},
};
use engine::actor::SessionUser;

/// A user as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserView {
    pub id: String,
    pub name: String,
    pub email: String,
    pub role: String,
    pub customer: String,
    pub created: String,
    pub is_disabled: bool,
    /// Whether this is who looks at the list: nobody can lock themselves out.
    pub is_me: bool,
}

/// What the form of a user needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEditor {
    pub input: UserInput,
    /// What was wrong with it when it was sent.
    pub error: Option<UiError>,
    pub customers: Vec<Choice>,
    pub is_disabled: bool,
    pub is_me: bool,
    pub can_change: bool,
}

/// The users.
///
/// # Errors
/// Those of the engine.
pub async fn users(cursor: Option<String>) -> Result<ListPage<UserView>, UiError> {
    let (engine, me) = context::acting().await?;
    let supervisor = engine.supervisor(&me)?;
    let is_later = cursor.is_some();
    let found = engine.list_users(&supervisor, paging(cursor)).await?;
    let customers = engine.all_customers(&supervisor);
    Ok(ListPage {
        items: found.items.iter().map(|user| view(user, &customers, my_id(&me))).collect(),
        next_cursor: found.next_cursor,
        is_later,
        can_change: engine.operator(&me).is_ok(),
    })
}

/// The form of a user; of a new one without an id.
///
/// # Errors
/// Those of the engine.
pub async fn user_editor(user: Option<String>) -> Result<UserEditor, UiError> {
    let (engine, me) = context::acting().await?;
    let supervisor = engine.supervisor(&me)?;
    let can_change = engine.operator(&me).is_ok();
    let stored = match &user {
        Some(user) => Some(engine.user(&supervisor, id(user)?).await?),
        None if can_change => None,
        None => return Err(UiError::Forbidden),
    };
    let choice = |(id, label): (CustomerId, String)| Choice { value: id.to_string(), label };
    let refused = take_refused(&edit_path("/admin/users", user.as_deref())).await?;
    let shown = stored.as_ref().map(input).unwrap_or_default();
    let (input, error) = refused.map_or((shown, None), |(input, error)| (input, Some(error)));
    let access = take_refused::<()>("access").await?;
    Ok(UserEditor {
        input,
        error: error.or(access.map(|((), error)| error)),
        customers: engine.all_customers(&supervisor).into_iter().map(choice).collect(),
        is_disabled: stored.as_ref().is_some_and(|user| user.disabled_at.is_some()),
        is_me: stored.is_some_and(|user| Some(user.id) == my_id(&me)),
        can_change,
    })
}

impl UserInput {
    /// Reads the form.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn read(&self, is_new: bool) -> Result<UserForm, Faults> {
        let mut faults = Faults::default();
        let role = Role::from_name(&self.role);
        if role.is_none() {
            faults.add("role", FaultCode::FieldMissing, "Choose a role.");
        }
        let role = role.unwrap_or(Role::Operator);
        let form = UserForm {
            email: self.email.clone(),
            name: self.name.clone(),
            role,
            // The form always shows the chooser: for roles without a customer what it says is no fault.
            customer_id: role.is_of_customer().then(|| self.customer.parse().ok()).flatten(),
            password: Some(self.password.clone()).filter(|password| !password.is_empty()),
        };
        if faults.0.is_empty() {
            return Ok(form);
        }
        let mut all = form.check(is_new).err().unwrap_or_default();
        all.0.extend(faults.0);
        Err(all)
    }
}

fn input(user: &User) -> UserInput {
    UserInput {
        email: user.email.clone(),
        name: user.name.clone(),
        role: user.role.as_str().to_owned(),
        customer: user.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        password: String::new(),
    }
}

/// Nobody's in a list of users, of whoever came by a link.
fn my_id(me: &SessionUser) -> Option<UserId> {
    me.person().map(|me| me.id)
}

fn view(user: &User, customers: &[(CustomerId, String)], me: Option<UserId>) -> UserView {
    let customer = customers.iter().find(|(id, _)| Some(*id) == user.customer_id).map(|(_, name)| name.clone());
    UserView {
        id: user.id.to_string(),
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role.label().to_owned(),
        customer: customer.unwrap_or_else(|| "All".to_owned()),
        created: format::day(Zone::UTC.day(user.created_at)),
        is_disabled: user.disabled_at.is_some(),
        is_me: Some(user.id) == me,
    }
}
