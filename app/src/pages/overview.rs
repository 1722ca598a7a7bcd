//! The figures of a period.

mod blocks;
mod toolbar;

use crate::api::figures::{Frame, Headline, load_frame, load_headline};
use crate::api::series::{Series, load_series};
use crate::api::tables::{Intake, Table, load_breakdown, load_intake};
use crate::components::state::{ErrorView, Loading};
use crate::error::UiError;
use crate::query::OverviewQuery;
use blocks::{Breakdown, Cards, Chart, FirstEventHelp, Refusals, UnattributedWarning};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Redirect;
use leptos_router::hooks::use_query_map;
use toolbar::Toolbar;
pub use toolbar::{NoScriptSubmit, submit_on_change};

/// The figures of the address's period, customer and filters.
#[component]
pub fn Overview() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| OverviewQuery::from_params(&params.read()));
    let frame = Resource::new(move || query.get(), load_frame);
    let headline = Resource::new(move || query.get(), load_headline);
    let series = Resource::new(move || query.get(), load_series);
    let table = Resource::new(move || query.get(), load_breakdown);
    let intake = Resource::new(move || query.get(), load_intake);
    let (is_pending, set_pending) = signal(false);
    view! {
        <Title text="Overview" />
        <div class="pending" class:is-pending=is_pending aria-hidden="true"></div>
        <Transition fallback=Loading set_pending>
            {move || Suspend::new(async move {
                let query = query.get();
                let found = async {
                    Ok::<_, UiError>(Found {
                        frame: frame.await?,
                        headline: headline.await?,
                        series: series.await?,
                        table: table.await?,
                        intake: intake.await?,
                    })
                };
                match found.await {
                    Ok(found) => found.view(query),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

struct Found {
    frame: Frame,
    headline: Headline,
    series: Series,
    table: Table,
    intake: Intake,
}

impl Found {
    fn view(self, query: OverviewQuery) -> AnyView {
        let Self { frame, headline, series, table, intake } = self;
        if let Some(path) = frame.canonical {
            return view! { <Redirect path /> }.into_any();
        }
        let (period, before) = (frame.period.clone(), frame.before.clone());
        let Headline { cards, unattributed, first_event } = headline;
        let body = match first_event {
            Some(help) => view! {
                <FirstEventHelp help period=period />
                <Refusals intake />
            }
            .into_any(),
            None => view! {
                {unattributed.map(|warning| view! { <UnattributedWarning warning /> })}
                <Cards cards period before />
                <Chart series query />
                <Breakdown table />
                <Refusals intake />
            }
            .into_any(),
        };
        view! {
            <Toolbar frame />
            {body}
        }
        .into_any()
    }
}
