//! The form of a version of a rate card, and what last months would have cost by it.

use crate::calls::SaveRateCard;
use crate::components::form::{FormErrors, Outcome, SelectField, TextField, fault_of, field_id};
use crate::data::Choice;
use crate::data::billing::cards::{CardEditor, PATH, PreviewView};
use crate::forms::{RateCardInput, TierInput};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The form of a version, new or known; of a new card.
#[must_use]
pub fn draw_editor(editor: CardEditor) -> AnyView {
    let CardEditor { title, card, card_id, version, input, error, figures, customers, preview } = editor;
    let is_new_card = card.is_none();
    let back = card.as_ref().map_or_else(|| PATH.to_owned(), |(_, href)| href.clone());
    let crumb = card.map(|(name, href)| view! { " / " <a href=href>{name}</a> });
    view! {
        <div class="page-head">
            <div><p class="crumb"><a href=PATH>"Rate cards"</a> {crumb}</p><h1>{title}</h1></div>
        </div>
        <form method="post" action=SaveRateCard::url() class="bare">
            <FormErrors error=error.clone() />
            // Enter in a field does what the first button does.
            <button type="submit" name="action" value="preview" class="visually-hidden" tabindex="-1" aria-hidden="true">"Preview"</button>
            {card_id.map(|id| view! { <input type="hidden" name="card" value=id /> })}
            {version.map(|version| view! { <input type="hidden" name="version" value=version /> })}
            {basics(&input, is_new_card, figures, &error)}
            {tiers(&input.tiers, &error)}
            {preview_panel(&input, customers, preview, &error)}
            <div class="form-actions">
                <button type="submit" name="action" value="save" class="button button-main">"Save"</button>
                <a class="button" href=back>"Cancel"</a>
            </div>
        </form>
    }
    .into_any()
}

fn basics(input: &RateCardInput, is_new_card: bool, figures: Vec<Choice>, error: &Outcome) -> AnyView {
    let input = input.clone();
    let currency_hint =
        if is_new_card { "Three letters of ISO 4217, such as EUR." } else { "A card stays in its currency." };
    view! {
        <fieldset class="panel form-panel">
            <legend>"What is billed"</legend>
            <div class="fields">
                {is_new_card
                    .then(|| {
                        view! { <TextField label="Name" name="form[name]" field="name" value=input.name is_required=true error=error.clone() /> }
                    })}
                <TextField label="Effective from" name="form[effective_from]" field="effective_from" kind="month" value=input.effective_from hint="The first month that it prices, such as 2026-11." is_required=true error=error.clone() />
                <SelectField label="Figure" name="form[figure]" field="figure" choices=figures value=input.figure error=error.clone() />
                <TextField label="Currency" name="form[currency]" field="currency" value=input.currency hint=currency_hint is_required=true is_readonly=!is_new_card error=error.clone() />
                <TextField label="Included" name="form[included]" field="included" value=input.included inputmode="numeric" hint="Free units of a month. Empty: none." error=error.clone() />
                <TextField label="Base fee" name="form[base_fee]" field="base_fee" value=input.base_fee inputmode="decimal" hint="Of every month. Empty: none." error=error.clone() />
                <TextField label="Minimum" name="form[minimum]" field="minimum" value=input.minimum inputmode="decimal" hint="What base fee and usage of a month come to at least. Empty: none." error=error.clone() />
            </div>
        </fieldset>
    }
    .into_any()
}

fn tiers(tiers: &[TierInput], error: &Outcome) -> AnyView {
    let fault = fault_of(error, "tiers");
    let rows = tiers
        .iter()
        .enumerate()
        .map(|(i, tier)| {
            view! {
                <tr>
                    <th scope="row">{i + 1}</th>
                    <td data-label="Up to">{tier_field(i, "up_to", "Up to", "numeric", &tier.up_to, error)}</td>
                    <td data-label="Unit price">{tier_field(i, "unit_price", "Unit price", "decimal", &tier.unit_price, error)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <fieldset class="panel form-panel" id="tier">
            <legend>"Tiers"</legend>
            <p class="hint">
                "Graduated: the units of each tier cost its own price. Units are counted beyond what is included; the last tier has no end, so leave its first field empty. Prices have up to 6 decimals."
            </p>
            <table class="tier-form" id=field_id("tiers") tabindex="-1">
                <caption class="visually-hidden">"Tiers"</caption>
                <thead>
                    <tr><th scope="col">"Tier"</th><th scope="col">"Up to, units"</th><th scope="col">"Price of a unit"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {fault.map(|fault| view! { <p class="fault">{fault}</p> })}
            <button type="submit" name="action" value="tier" class="button" formnovalidate>"Another tier"</button>
        </fieldset>
    }
    .into_any()
}

fn tier_field(
    index: usize,
    part: &'static str,
    label: &'static str,
    inputmode: &'static str,
    value: &str,
    error: &Outcome,
) -> AnyView {
    let field = format!("tiers.{index}.{part}");
    let (id, fault) = (field_id(&field), fault_of(error, &field));
    let class = if fault.is_some() { "field field-faulty" } else { "field" };
    let fault_id = format!("{id}-fault");
    view! {
        <div class=class>
            <input
                id=id
                name=format!("form[tiers][{index}][{part}]")
                type="text"
                inputmode=inputmode
                value=value.to_owned()
                aria-label=format!("{label}, tier {}", index + 1)
                aria-describedby=fault.is_some().then(|| fault_id.clone())
                aria-invalid=fault.is_some().then_some("true")
            />
            {fault.map(|fault| view! { <p class="fault" id=fault_id>{fault}</p> })}
        </div>
    }
    .into_any()
}

fn preview_panel(
    input: &RateCardInput,
    customers: Vec<Choice>,
    preview: Option<PreviewView>,
    error: &Outcome,
) -> AnyView {
    view! {
        <section class="panel form-panel" id="preview" aria-labelledby="preview-title">
            <h2 id="preview-title">"What would the last months have cost?"</h2>
            <div class="fields fields-preview">
                <SelectField label="Tried out on" name="form[tried_on]" field="tried_on" choices=customers value=input.tried_on.clone() error=error.clone() />
                <button type="submit" name="action" value="preview" class="button">"Preview"</button>
            </div>
            {preview.map(preview_table)}
        </section>
    }
    .into_any()
}

fn preview_table(preview: PreviewView) -> AnyView {
    let caption = format!("What the last months of {} would have cost", preview.customer);
    let cells = |amounts: [String; 3]| {
        let labels = ["Would cost", "Costs now", "Difference"];
        labels
            .into_iter()
            .zip(amounts)
            .map(|(label, amount)| view! { <td class="number" data-label=label>{amount}</td> })
            .collect_view()
    };
    let rows = preview
        .rows
        .into_iter()
        .map(|row| {
            view! {
                <tr>
                    <th scope="row">{row.month}</th>
                    <td class="number" data-label="Usage">{row.quantity}</td>
                    {cells(row.amounts)}
                </tr>
            }
        })
        .collect_view();
    view! {
        <p class="hint preview-text">{caption.clone()} ": up to 12, the present one as far as it is. Nothing is saved yet."</p>
        <div class="table-box" role="region" aria-label=caption.clone() tabindex="0">
            <table class="stacked lines">
                <caption class="visually-hidden">{caption.clone()}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Month"</th>
                        <th scope="col" class="number">"Usage"</th>
                        <th scope="col" class="number">"Would cost"</th>
                        <th scope="col" class="number">"Costs now"</th>
                        <th scope="col" class="number">"Difference"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
                <tfoot><tr><th scope="row" colspan="2">"All of them"</th>{cells(preview.total)}</tr></tfoot>
            </table>
        </div>
    }
    .into_any()
}
