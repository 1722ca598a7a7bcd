//! The calls of the billing pages.

use crate::codec::JsonText;
use crate::drawn::Html;
use crate::error::UiError;
use crate::forms::{AssignmentInput, Due, RateCardInput};
use crate::query::TrailQuery;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

#[cfg(feature = "ssr")]
use crate::{
    context,
    data::{
        answering,
        billing::{cards, month, months, overview, statement, steps},
        edit_path, id, keep_entered, submitting,
    },
    pages,
};
#[cfg(feature = "ssr")]
use domain::zone::Month;

/// What a customer's months cost.
#[server(endpoint = "pages/billing", input = GetUrl, output = JsonText)]
pub async fn billing_page(#[server(default)] customer: Option<String>) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::billing::overview::draw(overview::overview(customer).await?))) }).await
}

/// A month's statement; with `check` counted again from its events.
#[server(endpoint = "pages/statement", input = GetUrl, output = JsonText)]
pub async fn statement_page(
    month: String,
    #[server(default)] customer: Option<String>,
    #[server(default)] check: bool,
) -> Result<Html, UiError> {
    answering(async {
        Ok(Html::of(pages::billing::statement::draw(statement::statement(&month, customer, check).await?)))
    })
    .await
}

/// What is behind a step of a statement.
#[server(endpoint = "pages/step", input = GetUrl, output = JsonText)]
pub async fn step_page(month: String, step: String, #[server(default)] query: TrailQuery) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::billing::steps::draw(steps::step(&month, &step, query).await?))) }).await
}

/// All customers' statements of a month.
#[server(endpoint = "pages/statements", input = GetUrl, output = JsonText)]
pub async fn statements_page(
    #[server(default)] month: Option<String>,
    #[server(default)] cursor: Option<String>,
    /// How many have just been issued, and how many could not be.
    #[server(default)]
    issued: Option<String>,
    #[server(default)] refused: Option<String>,
) -> Result<Html, UiError> {
    answering(async {
        let found = months::statements(month.as_deref(), cursor, issued.as_deref(), refused.as_deref()).await?;
        Ok(Html::of(pages::billing::months::draw(found)))
    })
    .await
}

/// The list of rate cards.
#[server(endpoint = "pages/rate_cards", input = GetUrl, output = JsonText)]
pub async fn rate_cards_page(#[server(default)] cursor: Option<String>) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::billing::cards::draw_list(cards::cards(cursor).await?))) }).await
}

/// A rate card with its versions and customers.
#[server(endpoint = "pages/rate_card", input = GetUrl, output = JsonText)]
pub async fn rate_card_page(card: String) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::billing::cards::draw(cards::card(&card).await?))) }).await
}

/// The form of a version of a rate card; of a new card without an id.
#[server(endpoint = "pages/rate_card_version", input = GetUrl, output = JsonText)]
pub async fn rate_card_version_page(
    #[server(default)] card: Option<String>,
    #[server(default)] version: Option<String>,
) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::billing::draw_editor(cards::editor(card, version).await?))) }).await
}

/// The customers whose statements of a month can be issued now.
#[server(endpoint = "due_statements", input = GetUrl, output = JsonText)]
pub async fn due_statements(month: String) -> Result<Vec<Due>, UiError> {
    answering(async {
        let (engine, user) = context::acting().await?;
        months::due_of(&engine, &engine.supervisor(&user)?, self::month(&month)?).await
    })
    .await
}

/// Issues a customer's statement of a month.
#[server(endpoint = "issue_statement", output = JsonText)]
pub async fn issue_statement(
    customer: String,
    month: String,
    /// Although the month still runs.
    #[server(default)]
    before_end: bool,
    /// It is asked for from the list of all customers.
    #[server(default)]
    of_all: bool,
) -> Result<(), UiError> {
    let (form, page) = if of_all {
        (months::form_of(&month), crate::query::href(months::PATH, &[("month", &month)]))
    } else {
        let path = edit_path("/billing", Some(&month));
        (statement::form_of(&month), crate::query::href(&path, &[("customer", &customer)]))
    };
    submitting(form, &(), &page, &format!("{page}&done=issued"), async {
        let (engine, user) = context::acting().await?;
        let operator = engine.operator(&user)?;
        let by = Some(user.acts_as());
        engine.issue_statement(&operator, id(&customer)?, self::month(&month)?, by, before_end).await?;
        Ok(())
    })
    .await
}

/// Issues all statements of a month that can be.
#[server(endpoint = "issue_statements", output = JsonText)]
pub async fn issue_statements(month: String) -> Result<(), UiError> {
    answering(async {
        let (engine, user) = context::acting().await?;
        let operator = engine.operator(&user)?;
        let of: Month = self::month(&month)?;
        let (mut issued, mut refused) = (0_u32, 0_u32);
        for due in months::due_of(&engine, &operator.as_supervisor(), of).await? {
            let by = Some(user.acts_as());
            match engine.issue_statement(&operator, id(&due.customer)?, of, by, false).await {
                Ok(done) => issued += u32::from(done.is_new),
                Err(error) => {
                    tracing::warn!(%error, customer = due.customer, "a statement could not be issued");
                    refused += 1;
                }
            }
        }
        let (issued, refused) = (issued.to_string(), refused.to_string());
        let pairs = [("month", month.as_str()), ("issued", issued.as_str()), ("refused", refused.as_str())];
        leptos_axum::redirect(&crate::query::href(months::PATH, &pairs));
        Ok(())
    })
    .await
}

/// Saves a new card (without `card`), a new version (without `version`) or a version; or tries it out, or makes room for
/// another tier.
#[server(endpoint = "save_rate_card", output = JsonText)]
pub async fn save_rate_card(
    #[server(default)] card: Option<String>,
    #[server(default)] version: Option<String>,
    /// `save`, `preview` or `tier`.
    #[server(default)]
    action: String,
    #[server(default)] form: RateCardInput,
) -> Result<(), UiError> {
    let page = cards::editor_path(card.as_deref(), version.as_deref());
    let saved = card.as_ref().map_or_else(|| cards::PATH.to_owned(), |card| edit_path(cards::PATH, Some(card)));
    let done = match action.as_str() {
        "preview" | "tier" => format!("{page}#{action}"),
        _ => format!("{saved}?done=saved"),
    };
    submitting(page.clone(), &form, &page, &done, async {
        let (engine, user) = context::acting().await?;
        let operator = engine.operator(&user)?;
        match action.as_str() {
            "tier" => {
                let mut longer = form.clone();
                longer.tiers.push(crate::forms::TierInput::default());
                return keep_entered(&page, &longer).await;
            }
            "preview" => {
                let customer = form.tried_on.parse().map_err(|_| {
                    let detail = "Choose whose last months it is tried out on.";
                    let fault = domain::Faults::one("tried_on", domain::FaultCode::FieldMissing, detail);
                    UiError::Invalid(form.terms().check().err().map_or(fault.clone(), |mut all| {
                        all.0.extend(fault.0);
                        all
                    }))
                })?;
                engine.preview_rate_card(&operator.as_supervisor(), customer, &form.terms(), 1).await?;
                return keep_entered(&page, &form).await;
            }
            _ => {}
        }
        match (&card, version.as_deref()) {
            (None, _) => engine.create_rate_card(&operator, &form.card()).await?,
            (Some(card), None) => engine.add_rate_card_version(&operator, id(card)?, &form.version()).await?,
            (Some(card), Some(version)) => {
                engine.update_rate_card_version(&operator, id(card)?, id(version)?, &form.version()).await?
            }
        };
        Ok(())
    })
    .await
}

/// Lets a rate card, or none, price a customer's months from one on.
#[server(endpoint = "assign_rate_card", output = JsonText)]
pub async fn assign_rate_card(
    /// The card on whose page it is asked for.
    page_of: String,
    #[server(default)] form: AssignmentInput,
) -> Result<(), UiError> {
    let page = edit_path(cards::PATH, Some(&page_of));
    submitting(cards::assignment_form(&page_of), &form, &page, &format!("{page}?done=assigned"), async {
        let (engine, user) = context::acting().await?;
        let operator = engine.operator(&user)?;
        let mut faults = domain::Faults::default();
        let customer = form.customer.parse::<domain::CustomerId>();
        if customer.is_err() {
            faults.add("customer", domain::FaultCode::FieldMissing, "Choose a customer.");
        }
        let from = form.from.parse::<Month>();
        if from.is_err() {
            faults.add("from", domain::FaultCode::FieldInvalid, "Must be a month, such as 2026-11.");
        }
        let (Ok(customer), Ok(from)) = (customer, from) else { return Err(UiError::Invalid(faults)) };
        engine.assign_rate_card(&operator, customer, cards::card_id(&form.card)?, from).await?;
        Ok(())
    })
    .await
}
