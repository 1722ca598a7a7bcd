//! The figures of a period.

mod blocks;
mod toolbar;

use crate::data::figures::{Headline, headline};
use crate::data::series::series;
use crate::data::tables::{breakdown, intake};
use crate::error::UiError;
use crate::question::Question;
use blocks::{Breakdown, Cards, Chart, FirstEventHelp, Refusals, UnattributedWarning};
use futures_util::future::try_join4;
use leptos::prelude::*;
use toolbar::Toolbar;

/// The figures of the question's period, customer and filters.
///
/// # Errors
/// Those of the engine.
pub async fn draw(question: &Question) -> Result<AnyView, UiError> {
    let mut frame = question.frame().await?;
    // Side by side: each reads the database by a connection of its own.
    let (headline, intake, series, table) =
        try_join4(headline(question), intake(question), series(question), breakdown(question)).await?;
    let Headline { time_zone, cards, csv, unattributed, first_event } = headline;
    // Until figures are counted anew after a change, their days are those of the zone before.
    frame.time_zone = time_zone.unwrap_or(frame.time_zone);
    let (period, before, query) = (frame.period.clone(), frame.before.clone(), question.query.clone());
    let body = match first_event {
        Some(help) => view! { <FirstEventHelp help period /> }.into_any(),
        None => view! {
            {unattributed.map(|warning| view! { <UnattributedWarning warning /> })}
            <Cards cards csv period before />
            <Chart series query=query.clone() />
            <Breakdown table />
        }
        .into_any(),
    };
    Ok(view! {
        <Toolbar frame query />
        {body}
        <Refusals intake />
    }
    .into_any())
}
