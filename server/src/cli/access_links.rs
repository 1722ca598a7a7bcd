//! `access-link`: links with which somebody who has no account reads for a while.

use super::{BY, Failure, Output, all_pages, member, open_migrated};
use crate::config::Config;
use clap::{Args, Subcommand};
use domain::access_link::{AccessLink, AccessLinkForm, DAYS_USUAL};
use domain::ids::AccessLinkId;
use domain::{CustomerId, Timestamp};
use engine::Engine;
use engine::actor::LinkKeeper;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum AccessLinks {
    /// Make a link and print it, once
    Create(Create),
    /// List the links to a customer, or all
    List(List),
    /// Revoke a link: whoever came by it is out at once
    Revoke(Revoke),
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    opens: Opens,
    /// Whom it is for
    #[arg(long)]
    name: String,
    /// For how many days it is valid, from 1 to 90
    #[arg(long, default_value_t = DAYS_USUAL)]
    days: u32,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Opens {
    /// Id of the customer whose data it opens
    #[arg(long, value_name = "ID")]
    customer: Option<CustomerId>,
    /// It opens the data of all customers
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
pub struct List {
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: Option<CustomerId>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct Revoke {
    /// Id of the link
    id: AccessLinkId,
    #[command(flatten)]
    output: Output,
}

impl AccessLinks {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let engine = open_migrated(config).await?;
        match self {
            Self::Create(create) => create.run(config, &engine).await?,
            Self::List(List { customer, output }) => {
                let keeper = keeper(&engine, customer)?;
                let links = all_pages(|paging| {
                    let (engine, keeper) = (&engine, &keeper);
                    async move { engine.links(keeper, &paging).await }
                });
                let items: Vec<_> = links.await?.iter().map(|link| link_json(link, engine.now())).collect();
                output.print_list(&items, ["ID", "FOR", "CUSTOMER", "STATUS", "EXPIRES", "OPENED LAST"], |item| {
                    ["id", "name", "customer_id", "status", "expires_at", "last_used_at"].map(|name| member(item, name))
                })?;
            }
            Self::Revoke(Revoke { id, output }) => {
                let revoked = engine.revoke_link(&keeper(&engine, None)?, id, BY).await;
                let link = revoked.map_err(|error| match error {
                    engine::Error::NotFound => Failure::Failed(format!("there is no access link {id}")),
                    other => other.into(),
                })?;
                output.print(&link_json(&link, engine.now()), || format!("Revoked the link for {}.", link.name))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    async fn run(self, config: &Config, engine: &Engine) -> Result<(), Failure> {
        let form = AccessLinkForm { name: self.name, days: self.days };
        let made = engine.make_link(&keeper(engine, self.opens.customer)?, &form, BY).await?;
        let base = config.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
        let url = format!("{base}{}", made.path());
        let mut json = link_json(&made.link, engine.now());
        json["url"] = url.clone().into();
        self.output.print(&json, || {
            let link = &made.link;
            let until = link.expires_at;
            format!("Made a link for {} ({}), valid until {until}.\n{url}\nIt is not shown again.", link.name, link.id)
        })
    }
}

fn keeper(engine: &Engine, customer: Option<CustomerId>) -> Result<LinkKeeper, Failure> {
    engine.console_link_keeper(&engine.authenticate_console(), customer).map_err(|error| match (error, customer) {
        (engine::Error::NotFound, Some(id)) => Failure::Failed(format!("there is no customer {id}")),
        (other, _) => other.into(),
    })
}

fn link_json(link: &AccessLink, now: Timestamp) -> Value {
    let instant = |at: Option<Timestamp>| at.map_or(Value::Null, |at| at.to_string().into());
    json!({
        "id": link.id,
        "customer_id": link.customer_id,
        "name": link.name,
        "status": link.status(now),
        "created_at": instant(Some(link.created_at)),
        "created_by": link.created_by,
        "expires_at": instant(Some(link.expires_at)),
        "revoked_at": instant(link.revoked_at),
        "last_used_at": instant(link.last_used_at),
    })
}
