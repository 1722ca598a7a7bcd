//! The form of a new report.

use crate::calls::DraftReport;
use crate::components::form::{AreaField, FormErrors, Outcome, TextField, fault_of};
use crate::data::reports::editor::ReportEditor;
use crate::forms::ReportInput;
use domain::report::{PeriodKind, Template};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(editor: ReportEditor) -> AnyView {
    let ReportEditor { customer, customer_name, time_zone, template, back, input, error } = editor;
    let hint = match template.period {
        PeriodKind::CalendarYear => "A calendar year that is over, such as 2026.",
        PeriodKind::Months => "A year, a month, or two months: 2026, 2026-03 or 2026-01/2026-06. It must be over.",
    };
    let is_correction = fault_of(&error, "reason").is_some() || !input.reason.is_empty();
    view! {
        <div class="page-head">
            <div>
                <p class="crumb"><a href=back.clone()>"Reports"</a></p>
                <h1>{template.title.as_str()}</h1>
                <p class="page-sub">{customer_name} " · months in " {time_zone}</p>
            </div>
        </div>
        <form method="post" action=DraftReport::url() class="bare">
            <FormErrors error=error.clone() />
            <input type="hidden" name="customer" value=customer />
            <input type="hidden" name="template" value=template.key.as_str() />
            <fieldset class="panel form-panel report-part">
                <legend>"What is reported"</legend>
                <p>{template.summary.as_str()}</p>
                <div class="fields">
                    <TextField label="Period" name="form[period]" field="period" value=input.period.clone() hint is_required=true error=error.clone() />
                </div>
                {template.is_chosen.then(|| choices(template, &input))}
            </fieldset>
            {(!template.texts.is_empty()).then(|| texts(template, &input, &error))}
            <fieldset class="panel form-panel report-part">
                <legend>"Correction"</legend>
                <div class="fields">
                    <AreaField
                        label="Why an approved report is corrected"
                        name="form[reason]"
                        field="reason"
                        value=input.reason
                        rows=2
                        hint=if is_correction { "It is printed on the report." } else { "Only where a report of this period is approved already." }
                        error=error.clone()
                    />
                </div>
            </fieldset>
            <div class="form-actions">
                <button type="submit" class="button button-main">"Count a draft"</button>
                <a class="button" href=back>"Cancel"</a>
            </div>
        </form>
    }
    .into_any()
}

fn choices(template: &'static Template, input: &ReportInput) -> AnyView {
    let figure = |(at, figure): (usize, &domain::figures::Figure)| {
        let is_checked = input.figures.is_empty() || input.figures.iter().any(|name| name == figure.name());
        check(format!("form[figures][{at}]"), figure.name(), figure.label(), is_checked)
    };
    let table = |(at, by): (usize, &domain::report::TableBy)| {
        let is_checked = input.tables.is_empty() || input.tables.iter().any(|name| name == by.as_str());
        check(format!("form[tables][{at}]"), by.as_str(), by.label(), is_checked)
    };
    view! {
        <fieldset class="bare">
            <legend>"Figures"</legend>
            <ul class="kinds report-choices" id="field-figures" tabindex="-1">
                {template.figures.iter().enumerate().map(figure).collect_view()}
            </ul>
        </fieldset>
        <fieldset class="bare">
            <legend>"Broken down by"</legend>
            <ul class="kinds report-choices" id="field-tables" tabindex="-1">
                {template.tables.iter().enumerate().map(table).collect_view()}
            </ul>
        </fieldset>
    }
    .into_any()
}

fn check(name: String, value: &'static str, label: &'static str, is_checked: bool) -> AnyView {
    view! {
        <li>
            <label>
                <input type="checkbox" name=name value=value checked=is_checked />
                <span>{label}</span>
            </label>
        </li>
    }
    .into_any()
}

fn texts(template: &'static Template, input: &ReportInput, error: &Outcome) -> AnyView {
    let field = |field: &'static domain::report::TextField| {
        let value = input.texts.get(&field.key).cloned().unwrap_or_default();
        let name = format!("form[texts][{}]", field.key);
        text(name, format!("texts.{}", field.key), &field.label, &field.help, value, error)
    };
    view! {
        <fieldset class="panel form-panel report-part">
            <legend>"Texts"</legend>
            <p class="hint">"They are kept for the next year's report."</p>
            <div class="fields">{template.texts.iter().map(field).collect_view()}</div>
        </fieldset>
    }
    .into_any()
}

fn text(
    name: String,
    field: String,
    label: &'static str,
    hint: &'static str,
    value: String,
    error: &Outcome,
) -> AnyView {
    view! { <AreaField label name field value rows=5 hint error=error.clone() /> }.into_any()
}
