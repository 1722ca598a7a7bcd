//! `rate-card`.

use super::card_file::{self, Given};
use super::{Failure, Output, all_pages, customer_reader, member, open_migrated};
use crate::api::billing::json::Terms;
use crate::config::Config;
use clap::{Args, Subcommand};
use domain::CustomerId;
use domain::ids::RateCardId;
use domain::zone::Month;
use engine::actor::Operator;
use engine::{Engine, Preview, RateCard};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum RateCards {
    /// Create a rate card with its first version
    Create(Create),
    /// List the rate cards
    List(List),
    /// Show a rate card with all its versions
    Show(Show),
    /// Give a rate card a further version, for the months from the one on that it names
    AddVersion(AddVersion),
    /// Change a version that no statement was priced with
    UpdateVersion(UpdateVersion),
    /// Let a rate card, or none, price a customer's months from one on
    Assign(Assign),
    /// Say what past months of a customer would have cost
    Preview(PreviewCard),
}

/// Where the terms come from.
#[derive(Args)]
pub struct FromFile {
    /// A JSON file with the terms, or - for standard input: {"effective_from": "2026-11", "currency": "EUR", "figure":
    /// "reach", "included": 1000, "tiers": [{"up_to": 10000, "unit_price": "0.05"}, {"unit_price": "0.04"}], "base_fee":
    /// "49.90", "minimum": "100"}
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

#[derive(Args)]
pub struct Create {
    /// Instead of the name in the file
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    from: FromFile,
    /// Id of a customer whose months it prices from its effective month on
    #[arg(long, value_name = "ID")]
    customer: Option<CustomerId>,
    /// The first month that it prices, instead of that in the file
    #[arg(long, value_name = "MONTH")]
    effective_from: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct Show {
    /// Id of the rate card
    id: RateCardId,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct AddVersion {
    /// Id of the rate card
    id: RateCardId,
    #[command(flatten)]
    from: FromFile,
    /// The first month that it prices, instead of that in the file
    #[arg(long, value_name = "MONTH")]
    effective_from: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct UpdateVersion {
    /// Id of the rate card
    id: RateCardId,
    /// Number of the version: 1, 2, 3 …
    version: u32,
    #[command(flatten)]
    from: FromFile,
    /// The first month that it prices, instead of that in the file
    #[arg(long, value_name = "MONTH")]
    effective_from: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct Assign {
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
    /// Id of the rate card
    #[arg(long, value_name = "ID", group = "which")]
    card: Option<RateCardId>,
    /// No rate card: from then on nothing is billed
    #[arg(long, group = "which")]
    none: bool,
    /// The first month that it prices
    #[arg(long, value_name = "MONTH")]
    from: Month,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub struct PreviewCard {
    /// Id of the customer
    #[arg(long, value_name = "ID")]
    customer: CustomerId,
    #[command(flatten)]
    from: FromFile,
    /// How many months, the present one among them
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=24))]
    months: u32,
    #[command(flatten)]
    output: Output,
}

impl RateCards {
    pub async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let engine = open_migrated(config).await?;
        let operator = engine.authenticate_console();
        match self {
            Self::Create(create) => create.run(&engine, &operator).await?,
            Self::List(List { output }) => {
                let supervisor = operator.as_supervisor();
                let cards = all_pages(|paging| engine.list_rate_cards(&supervisor, paging)).await?;
                let items: Vec<_> = cards.iter().map(card_json).collect();
                output.print_list(&items, ["ID", "NAME", "CURRENCY", "VERSIONS", "CUSTOMERS"], |item| {
                    let count = |name: &str| item[name].as_array().map_or(0, Vec::len).to_string();
                    let text = |name: &str| member(item, name);
                    [text("id"), text("name"), text("currency"), count("versions"), count("customers")]
                })?;
            }
            Self::Show(Show { id, output }) => {
                let card = engine.rate_card(&operator.as_supervisor(), id).await.map_err(|error| absent(error, id))?;
                output.print(&card_json(&card), || describe(&card))?;
            }
            Self::AddVersion(AddVersion { id, from, effective_from, output }) => {
                let form = card_file::read(&from.file, Given { name: None, effective_from })?.version;
                let added = engine.add_rate_card_version(&operator, id, &form).await;
                let card = added.map_err(|error| absent(error, id))?;
                output.print(&card_json(&card), || describe(&card))?;
            }
            Self::UpdateVersion(UpdateVersion { id, version, from, effective_from, output }) => {
                let form = card_file::read(&from.file, Given { name: None, effective_from })?.version;
                let updated = engine.update_rate_card_version(&operator, id, version, &form).await;
                let card = updated.map_err(|error| match error {
                    engine::Error::NotFound => Failure::Failed(format!("there is no version {version} of {id}")),
                    other => other.into(),
                })?;
                output.print(&card_json(&card), || describe(&card))?;
            }
            Self::Assign(Assign { customer, card, from, output, .. }) => {
                customer_reader(&engine, &operator, customer)?;
                engine.assign_rate_card(&operator, customer, card, from).await?;
                let done = json!({"customer_id": customer, "card_id": card, "from": from});
                output.print(&done, || match card {
                    Some(id) => format!("From {from} on, {id} prices the months of {customer}."),
                    None => format!("From {from} on, nothing prices the months of {customer}."),
                })?;
            }
            Self::Preview(preview) => preview.run(&engine, &operator).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    async fn run(self, engine: &Engine, operator: &Operator) -> Result<(), Failure> {
        let Self { name, from, customer, effective_from, output } = self;
        let form = card_file::read(&from.file, Given { name, effective_from })?;
        if let Some(customer) = customer {
            // Before the card is made: it would be left behind without its customer.
            customer_reader(engine, operator, customer)?;
        }
        let mut card = engine.create_rate_card(operator, &form).await?;
        let first = card.versions.first().map(|version| version.version.effective_from);
        if let (Some(customer), Some(first)) = (customer, first) {
            let assigned = engine.assign_rate_card(operator, customer, Some(card.id), first).await;
            assigned.map_err(|error| {
                let why = Failure::from(error);
                Failure::Failed(format!("the rate card {} was created, but not assigned:\n       {why}", card.id))
            })?;
            card = engine.rate_card(&operator.as_supervisor(), card.id).await?;
        }
        output.print(&card_json(&card), || format!("Created rate card {} ({}).", card.name, card.id))
    }
}

impl PreviewCard {
    async fn run(self, engine: &Engine, operator: &Operator) -> Result<(), Failure> {
        let Self { customer, from, months, output } = self;
        let terms = card_file::read(&from.file, Given::default())?.version.terms;
        customer_reader(engine, operator, customer)?;
        let supervisor = operator.as_supervisor();
        let previews = engine.preview_rate_card(&supervisor, customer, &terms, months).await?;
        let items: Vec<_> = previews.iter().map(preview_json).collect();
        output.print_list(&items, ["MONTH", "QUANTITY", "TOTAL", "AT PRESENT", "CURRENCY"], |item| {
            ["month", "quantity", "total", "present", "currency"].map(|name| member(item, name))
        })
    }
}

fn absent(error: engine::Error, id: RateCardId) -> Failure {
    match error {
        engine::Error::NotFound => Failure::Failed(format!("there is no rate card {id}")),
        other => other.into(),
    }
}

fn preview_json(preview: &Preview) -> Value {
    let total = preview.priced.total;
    json!({
        "month": preview.month,
        "quantity": preview.quantity,
        "currency": total.currency.code(),
        "total": total.to_string(),
        "present": preview.present.map(|present| present.to_string()),
    })
}

fn card_json(card: &RateCard) -> Value {
    let version = |version: &engine::RateCardVersion| {
        let mut json = json!(Terms::from(&version.version.terms));
        json["version"] = version.version.version.into();
        json["effective_from"] = json!(version.version.effective_from);
        json["used"] = version.is_used.into();
        json
    };
    let customer = |(id, name, from): &(CustomerId, String, Month)| json!({"id": id, "name": name, "from": from});
    let currency = card.versions.first().map(|version| version.version.terms.currency.code());
    json!({
        "id": card.id,
        "name": card.name,
        "currency": currency,
        "versions": card.versions.iter().map(version).collect::<Vec<_>>(),
        "customers": card.customers.iter().map(customer).collect::<Vec<_>>(),
    })
}

/// A card for people.
fn describe(card: &RateCard) -> String {
    let mut text = format!("{} ({})", card.name, card.id);
    for engine::RateCardVersion { version, is_used } in &card.versions {
        let terms = &version.terms;
        let used = if *is_used { ", in use" } else { "" };
        let (number, from, currency) = (version.version, version.effective_from, terms.currency);
        let _ = write!(text, "\n\nVersion {number}, from {from} on{used}\n  {}", terms.figure.label());
        let _ = write!(text, "\n  base fee  {} {currency}\n  included  {}", terms.base_fee(), terms.included);
        for tier in &terms.tiers {
            let up_to = tier.up_to.map_or_else(|| "beyond".to_owned(), |up_to| format!("up to {up_to}"));
            let _ = write!(text, "\n  {up_to}  {} {currency} each", tier.unit_price.normalize());
        }
        let _ = write!(text, "\n  minimum   {} {currency}", terms.minimum());
    }
    for (id, name, from) in &card.customers {
        let _ = write!(text, "\n\nAssigned to {name} ({id}) from {from} on");
    }
    text
}
