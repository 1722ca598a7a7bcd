//! The form of a helpline.

use crate::calls::SaveHelpline;
use crate::components::form::{AreaField, CheckField, FormErrors, Outcome, SelectField, TextField};
use crate::data::Choice;
use crate::data::customers::time_zones;
use crate::data::helplines::HelplineEditor;
use crate::forms::HelplineInput;
use domain::helpline::Availability;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// The form of a helpline, new or known.
#[must_use]
pub fn draw(editor: HelplineEditor, id: Option<String>) -> AnyView {
    let HelplineEditor { input, error, can_change } = editor;
    let title = if id.is_some() { input.name.clone() } else { "New helpline".to_owned() };
    let is_known = id.is_some();
    view! {
        <div class="page-head">
            <div><p class="crumb"><a href="/admin/helplines">"Helplines"</a></p><h1>{title}</h1></div>
        </div>
        <form method="post" action=SaveHelpline::url()>
            <FormErrors error=error.clone() />
            {id.map(|id| view! { <input type="hidden" name="helpline" value=id /> })}
            // A disabled group of fields cannot be changed by those who may only read.
            <fieldset class="bare" disabled=!can_change>
                {identity(&input, is_known, &error)}
                {place(&input, &error)}
                {contact(&input, &error)}
                {help(&input, &error)}
                {hours(&input, &error)}
            </fieldset>
            <datalist id="zones" inner_html=time_zones()></datalist>
            {can_change
                .then(|| {
                    view! {
                        <div class="form-actions">
                            <button type="submit" class="button button-main">"Save"</button>
                            <a class="button" href="/admin/helplines">"Cancel"</a>
                        </div>
                    }
                })}
        </form>
    }
    .into_any()
}

fn identity(input: &HelplineInput, is_known: bool, error: &Outcome) -> AnyView {
    let choice = |it: &Availability| Choice { value: it.as_str().to_owned(), label: it.label().to_owned() };
    let availabilities = Availability::ALL.iter().map(choice).collect();
    view! {
        <fieldset class="panel form-panel">
            <legend>"Helpline"</legend>
            <div class="fields">
                <TextField label="Name" name="form[name]" field="name" value=input.name.clone() is_required=true error=error.clone() />
                <TextField label="Id" name="form[id]" field="id" value=input.id.clone() hint="Events carry it. It cannot be changed later." is_required=true is_readonly=is_known error=error.clone() />
                <AreaField label="Description" name="form[description]" field="description" value=input.description.clone() error=error.clone() />
                <SelectField label="Availability" name="form[availability]" field="availability" choices=availabilities value=input.availability.clone() error=error.clone() />
                <CheckField label="Priority" name="form[priority]" is_checked=input.priority hint="Listed before the others of its country." />
            </div>
        </fieldset>
    }
    .into_any()
}

fn place(input: &HelplineInput, error: &Outcome) -> AnyView {
    view! {
        <fieldset class="panel form-panel">
            <legend>"Place"</legend>
            <div class="fields">
                <TextField label="Country code" name="form[country_code]" field="country.code" value=input.country_code.clone() hint="Two letters, such as NZ. It cannot be changed once there are events." is_required=true error=error.clone() />
                <TextField label="Country" name="form[country_name]" field="country.name" value=input.country_name.clone() is_required=true error=error.clone() />
                <TextField label="Emergency number of the country" name="form[emergency_number]" field="country.emergencyNumber" value=input.emergency_number.clone() error=error.clone() />
                <TextField label="Time zone" name="form[timezone]" field="timezone" value=input.timezone.clone() list="zones" hint="In which the opening hours are given." is_required=true error=error.clone() />
            </div>
        </fieldset>
    }
    .into_any()
}

fn contact(input: &HelplineInput, error: &Outcome) -> AnyView {
    view! {
        <fieldset class="panel form-panel">
            <legend>"Ways to contact"</legend>
            <div class="fields">
                <TextField label="Phone number" name="form[phone_number]" field="phoneNumber" value=input.phone_number.clone() error=error.clone() />
                <TextField label="SMS number" name="form[sms_number]" field="smsNumber" value=input.sms_number.clone() error=error.clone() />
                <TextField label="Web chat" name="form[web_chat_url]" field="webChatUrl" kind="url" value=input.web_chat_url.clone() error=error.clone() />
                <TextField label="WhatsApp" name="form[whatsapp_url]" field="whatsappUrl" kind="url" value=input.whatsapp_url.clone() error=error.clone() />
                <TextField label="Website" name="form[website]" field="website" kind="url" value=input.website.clone() error=error.clone() />
            </div>
        </fieldset>
    }
    .into_any()
}

fn help(input: &HelplineInput, error: &Outcome) -> AnyView {
    view! {
        <fieldset class="panel form-panel">
            <legend>"Help offered"</legend>
            <div class="fields">
                <AreaField label="Topics" name="form[topics]" field="topics" value=input.topics.clone() hint="One a line. A code may follow: Grief and loss | grief_loss" error=error.clone() />
                <TextField label="Languages" name="form[languages]" field="supported_languages" value=input.languages.clone() hint="Language tags, separated by commas: en, mi" error=error.clone() />
                <TextField label="Specialties" name="form[specialties]" field="specialties" value=input.specialties.clone() hint="Groups of people that it is for, separated by commas." error=error.clone() />
                <TextField label="Kinds of help" name="form[support_types]" field="supportTypes" value=input.support_types.clone() hint="Such as listening, separated by commas." error=error.clone() />
            </div>
        </fieldset>
    }
    .into_any()
}

fn hours(input: &HelplineInput, error: &Outcome) -> AnyView {
    let input = input.clone();
    view! {
        <fieldset class="panel form-panel">
            <legend>"Opening hours"</legend>
            <CheckField label="Always open" name="form[always_open]" is_checked=input.always_open />
            <p class="hint">"Otherwise spans of each day, such as 09:00–12:30, 14:00–24:00. Empty: closed."</p>
            <div class="fields fields-days">
                <TextField label="Monday" name="form[monday]" field="hours.monday" value=input.monday error=error.clone() />
                <TextField label="Tuesday" name="form[tuesday]" field="hours.tuesday" value=input.tuesday error=error.clone() />
                <TextField label="Wednesday" name="form[wednesday]" field="hours.wednesday" value=input.wednesday error=error.clone() />
                <TextField label="Thursday" name="form[thursday]" field="hours.thursday" value=input.thursday error=error.clone() />
                <TextField label="Friday" name="form[friday]" field="hours.friday" value=input.friday error=error.clone() />
                <TextField label="Saturday" name="form[saturday]" field="hours.saturday" value=input.saturday error=error.clone() />
                <TextField label="Sunday" name="form[sunday]" field="hours.sunday" value=input.sunday error=error.clone() />
            </div>
        </fieldset>
    }
    .into_any()
}
