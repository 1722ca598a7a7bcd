//! The figures of a period.

mod blocks;
mod toolbar;

use crate::data::figures::{Headline, headline};
use crate::data::series::series;
use crate::data::tables::{breakdown, intake};
use crate::error::UiError;
use crate::question::Question;
use blocks::{Breakdown, Cards, Chart, FirstEventHelp, Refusals, UnattributedWarning};
use leptos::prelude::*;
use toolbar::Toolbar;

/// The figures of the question's period, customer and filters.
///
/// # Errors
/// Those of the engine.
pub async fn draw(question: &Question) -> Result<AnyView, UiError> {
    let frame = question.frame().await?;
    let Headline { cards, csv, unattributed, first_event } = headline(question).await?;
    let intake = intake(question).await?;
    let (period, before, query) = (frame.period.clone(), frame.before.clone(), question.query.clone());
    let body = match first_event {
        Some(help) => view! { <FirstEventHelp help period /> }.into_any(),
        None => {
            let (series, table) = (series(question).await?, breakdown(question).await?);
            view! {
                {unattributed.map(|warning| view! { <UnattributedWarning warning /> })}
                <Cards cards csv period before />
                <Chart series query=query.clone() />
                <Breakdown table />
            }
            .into_any()
        }
    };
    Ok(view! {
        <Toolbar frame query />
        {body}
        <Refusals intake />
    }
    .into_any())
}
