//! `customer`, `application`, `user`.

use super::{Failure, Output, all_pages, member, open_migrated};
use crate::config::{self, Config};
use clap::{Args, Subcommand};
use domain::account::{self, ApplicationForm, CustomerForm, CustomerLimits, NewCredentials, Role, Tier, UserForm};
use domain::{ApplicationId, CustomerId, SecretId, Timestamp};
use engine::Engine;
use engine::actor::{Manager, Operator};
use serde_json::{Value, json};
use std::io::Read;
use std::process::ExitCode;

/// Longest input of a password, in bytes; more is no password.
const PASSWORD_BYTES_MAX: u64 = 4_096;

#[derive(Subcommand)]
pub enum Customer {
    /// Create a customer
    Create(CreateCustomer),
    /// List the customers
    List(List),
}

#[derive(Args)]
pub struct CreateCustomer {
    #[arg(long)]
    name: String,
    /// IANA name of the zone in which its days and months begin
    #[arg(long, default_value = "UTC")]
    time_zone: String,
    /// Catalogue calls in a rolling day, if other than the installation's
    #[arg(long, value_name = "CALLS")]
    catalogue_quota_per_day: Option<u32>,
    /// Events a second for each application, if other than the installation's
    #[arg(long, value_name = "EVENTS")]
    event_burst_per_second: Option<u32>,
    /// Months that raw events are kept for besides the present one, if other than the installation's
    #[arg(long, value_name = "MONTHS")]
    event_retention_months: Option<u32>,
    /// Suppress counts below this in reports with tables, if other than the installation's
    #[arg(long, value_name = "COUNT")]
    suppress_below: Option<u32>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    output: Output,
}

impl Customer {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let engine = open_migrated(config).await?;
        let operator = engine.authenticate_console();
        match self {
            Self::Create(create) => {
                let limits = CustomerLimits {
                    catalogue_quota_per_day: create.catalogue_quota_per_day,
                    event_burst_per_second: create.event_burst_per_second,
                    event_retention_months: create.event_retention_months,
                    suppress_below: create.suppress_below,
                };
                let form = CustomerForm { name: create.name, time_zone: create.time_zone, limits };
                let customer = engine.create_customer(&operator, &form).await?;
                create.output.print(&customer_json(&customer), || {
                    format!("Created customer {} ({}).", customer.name, customer.id)
                })?;
            }
            Self::List(List { output }) => {
                let supervisor = operator.as_supervisor();
                let customers = all_pages(|paging| engine.list_customers(&supervisor, paging)).await?;
                let items: Vec<_> = customers.iter().map(customer_json).collect();
                output.print_list(&items, ["ID", "NAME", "TIME ZONE"], |item| {
                    ["id", "name", "time_zone"].map(|name| member(item, name))
                })?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Subcommand)]
pub enum Application {
    /// Create an application and print its secret, once
    Create(CreateApplication),
    /// List the applications of a customer, or all
    List(ListApplications),
    /// Give an application a second secret and print it, once; the first stays valid until it is revoked
    Rotate(OneApplication),
    /// Revoke one secret of an application, or the application with all of them
    Revoke(RevokeApplication),
    /// Suspend an application: it gets no tokens, and its tokens are refused, until it is resumed
    Suspend(OneApplication),
    /// Let a suspended application go on, with the secrets that it has
    Resume(OneApplication),
}

#[derive(Args)]
pub struct CreateApplication {
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
    #[arg(long)]
    name: String,
    /// production or sandbox
    #[arg(long, value_parser = tier)]
    tier: Tier,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct ListApplications {
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: Option<CustomerId>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct OneApplication {
    /// Id of the application
    id: ApplicationId,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct RevokeApplication {
    /// Id of the application
    id: ApplicationId,
    /// Id of the one secret to revoke
    #[arg(long, value_name = "ID")]
    secret: Option<SecretId>,
    #[command(flatten)]
    output: Output,
}

impl Application {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let engine = open_migrated(config).await?;
        let operator = engine.authenticate_console();
        match self {
            Self::Create(create) => {
                let manager = engine.console_manager(&operator, create.customer).map_err(|error| match error {
                    engine::Error::NotFound => Failure::Failed(format!("there is no customer {}", create.customer)),
                    other => other.into(),
                })?;
                let form = ApplicationForm { name: create.name, tier: create.tier };
                let new = engine.create_application(&manager, &form).await?;
                print_credentials(create.output, "Created", &new)?;
            }
            Self::List(ListApplications { customer, output }) => {
                let reader = engine.console_reader(&operator, customer)?;
                let applications = all_pages(|paging| engine.list_applications(&reader, paging)).await?;
                let items: Vec<_> = applications.iter().map(application_json).collect();
                output.print_list(&items, ["ID", "NAME", "TIER", "CLIENT ID", "SUSPENDED", "REVOKED"], |item| {
                    ["id", "name", "tier", "client_id", "suspended_at", "revoked_at"].map(|name| member(item, name))
                })?;
            }
            Self::Rotate(OneApplication { id, output }) => {
                let manager = manager_of(&engine, &operator, id).await?;
                print_credentials(output, "Rotated", &engine.rotate_application(&manager, id).await?)?;
            }
            Self::Revoke(RevokeApplication { id, secret, output }) => {
                let manager = manager_of(&engine, &operator, id).await?;
                let application = match secret {
                    Some(secret) => engine.revoke_secret(&manager, id, secret).await?,
                    None => engine.revoke_application(&manager, id).await?,
                };
                output.print(&application_json(&application), || match secret {
                    Some(_) => format!("Revoked a secret of application {}.", application.name),
                    None => format!("Revoked application {}.", application.name),
                })?;
            }
            Self::Suspend(one) => one.suspend(&engine, &operator, true).await?,
            Self::Resume(one) => one.suspend(&engine, &operator, false).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl OneApplication {
    async fn suspend(self, engine: &Engine, operator: &Operator, suspended: bool) -> Result<(), Failure> {
        let customer = customer_of(engine, operator, self.id).await?;
        let application = engine.suspend_application(operator, customer, self.id, suspended).await?;
        let done = if suspended { "Suspended" } else { "Resumed" };
        self.output.print(&application_json(&application), || format!("{done} application {}.", application.name))
    }
}

async fn customer_of(engine: &Engine, operator: &Operator, id: ApplicationId) -> Result<CustomerId, Failure> {
    let reader = engine.console_reader(operator, None)?;
    let applications = all_pages(|paging| engine.list_applications(&reader, paging)).await?;
    let found = applications.into_iter().find(|application| application.id == id);
    Ok(found.ok_or_else(|| Failure::Failed(format!("there is no application {id}")))?.customer_id)
}

/// Whoever manages the application.
async fn manager_of(engine: &Engine, operator: &Operator, id: ApplicationId) -> Result<Manager, Failure> {
    Ok(engine.console_manager(operator, customer_of(engine, operator, id).await?)?)
}

fn print_credentials(output: Output, done: &str, new: &NewCredentials) -> Result<(), Failure> {
    output.print(&credentials_json(new), || {
        let application = &new.application;
        format!(
            "{done} application {} ({}, {}).\nclient_id      {}\nclient_secret  {}\nThe secret is not shown again.",
            application.name,
            application.id,
            application.tier.as_str(),
            application.client_id,
            new.client_secret,
        )
    })
}

#[derive(Subcommand)]
pub enum User {
    /// Create a user; the password comes from standard input or REACHLINE_PASSWORD
    Create(CreateUser),
    /// List the users
    List(List),
}

#[derive(Args)]
pub struct CreateUser {
    #[arg(long)]
    email: String,
    /// The person's name; the e-mail address stands for it otherwise
    #[arg(long)]
    name: Option<String>,
    /// viewer, customer_admin, auditor or operator
    #[arg(long, value_parser = role)]
    role: Role,
    /// Id of the customer, for viewer and customer_admin
    #[arg(long, value_name = "ID")]
    customer: Option<CustomerId>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    output: Output,
}

impl User {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(create) => create.run(config).await,
            Self::List(List { output }) => {
                let engine = open_migrated(config).await?;
                let supervisor = engine.authenticate_console().as_supervisor();
                let users = all_pages(|paging| engine.list_users(&supervisor, paging)).await?;
                let items: Vec<_> = users.iter().map(user_json).collect();
                output.print_list(&items, ["ID", "E-MAIL", "ROLE", "CUSTOMER", "DISABLED"], |item| {
                    ["id", "email", "role", "customer_id", "disabled_at"].map(|name| member(item, name))
                })?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl CreateUser {
    async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let password = if self.password_stdin { Some(password_from_stdin()?) } else { config::password_variable() };
        let Some(password) = password else {
            let how = "give the password on standard input with --password-stdin, or in REACHLINE_PASSWORD";
            return Err(Failure::Usage(how.to_owned()));
        };
        let engine = open_migrated(config).await?;
        let form = UserForm {
            name: self.name.unwrap_or_default(),
            email: self.email,
            role: self.role,
            customer_id: self.customer,
            password: Some(password),
        };
        let user = engine.create_user(&engine.authenticate_console(), &form).await?;
        self.output.print(&user_json(&user), || {
            format!("Created user {} ({}, {}).", user.email, user.role.as_str(), user.id)
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn password_from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(PASSWORD_BYTES_MAX).read_to_string(&mut text)?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    if line.is_empty() { Err(Failure::Usage("standard input holds no password".to_owned())) } else { Ok(line) }
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text).ok_or_else(|| "must be viewer, customer_admin, auditor or operator".to_owned())
}

fn tier(text: &str) -> Result<Tier, String> {
    Tier::from_name(text).ok_or_else(|| "must be production or sandbox".to_owned())
}

fn instant(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| at.to_string().into())
}

fn customer_json(customer: &account::Customer) -> Value {
    json!({
        "id": customer.id,
        "name": customer.name,
        "time_zone": customer.time_zone.name(),
        "limits": customer.limits,
        "created_at": instant(Some(customer.created_at)),
    })
}

pub(super) fn application_json(application: &account::Application) -> Value {
    let secret = |secret: &account::Secret| json!({"id": secret.id, "hint": secret.hint, "created_at": instant(Some(secret.created_at))});
    json!({
        "id": application.id,
        "customer_id": application.customer_id,
        "name": application.name,
        "tier": application.tier,
        "client_id": application.client_id,
        "secrets": application.secrets.iter().map(secret).collect::<Vec<_>>(),
        "created_at": instant(Some(application.created_at)),
        "revoked_at": instant(application.revoked_at),
        "suspended_at": instant(application.suspended_at),
    })
}

pub(super) fn credentials_json(new: &NewCredentials) -> Value {
    let mut json = application_json(&new.application);
    json["client_secret"] = new.client_secret.clone().into();
    json
}

fn user_json(user: &account::User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "customer_id": user.customer_id,
        "created_at": instant(Some(user.created_at)),
        "disabled_at": instant(user.disabled_at),
    })
}
