//! The form of a new export.

use crate::calls::RequestExport;
use crate::components::form::{CheckField, FormErrors, SelectField, TextField};
use crate::data::exports::editor::{ExportEditor, formats, kinds, methods, tiers};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The page.
#[must_use]
pub fn draw(editor: ExportEditor) -> AnyView {
    let ExportEditor { customer, customer_name, time_zone, back, applications, input, error } = editor;
    view! {
        <div class="page-head">
            <div>
                <p class="crumb"><a href=back.clone()>"Exports"</a></p>
                <h1>"New export"</h1>
                <p class="page-sub">{customer_name} " · days in " {time_zone}</p>
            </div>
        </div>
        <form method="post" action=RequestExport::url() class="bare">
            <FormErrors error=error.clone() />
            <input type="hidden" name="customer" value=customer />
            <fieldset class="panel form-panel report-part">
                <legend>"What is exported"</legend>
                <div class="fields">
                    <SelectField label="Rows" name="form[kind]" field="kind" value=input.kind choices=kinds() hint="Raw events have no sessions: nothing tells which of them belong together." error=error.clone() />
                    <SelectField label="Format" name="form[format]" field="format" value=input.format choices=formats() hint="A sheet of XLSX holds 1,048,575 rows; the others any number." error=error.clone() />
                    <TextField label="First day" name="form[from]" field="from" kind="date" value=input.from is_required=true error=error.clone() />
                    <TextField label="Last day" name="form[last]" field="last" kind="date" value=input.last is_required=true error=error.clone() />
                    <CheckField label="Begin with a byte order mark" name="form[bom]" is_checked=input.bom hint="Of CSV: by it Excel knows UTF-8." />
                </div>
            </fieldset>
            <fieldset class="panel form-panel report-part">
                <legend>"Only some of it"</legend>
                <div class="fields">
                    <SelectField label="Tier" name="form[tier]" field="tier" value=input.tier choices=tiers() error=error.clone() />
                    <SelectField label="Application" name="form[application_id]" field="application_id" value=input.application_id choices=applications error=error.clone() />
                    <TextField label="Helpline" name="form[helpline_id]" field="helpline_id" value=input.helpline_id hint="Its id; empty for all." error=error.clone() />
                    <TextField label="Country" name="form[country_code]" field="country_code" value=input.country_code hint="Its code, such as GB; empty for all." error=error.clone() />
                    <SelectField label="Contact method" name="form[contact_method]" field="contact_method" value=input.contact_method choices=methods() hint="Of clicks; displays have none." error=error.clone() />
                </div>
            </fieldset>
            <div class="form-actions">
                <button type="submit" class="button button-main">"Export"</button>
                <a class="button" href=back>"Cancel"</a>
            </div>
        </form>
    }
    .into_any()
}
