//! Forms: labelled fields that show their own faults, and a summary of them.

#![allow(clippy::needless_pass_by_value, reason = "components own their properties")]

use crate::components::state::explain;
use crate::data::Choice;
use crate::error::UiError;
use leptos::prelude::*;

/// What went wrong with a form, if anything.
pub type Outcome = Option<UiError>;

/// The summary of what went wrong, with links to the fields.
#[component]
pub fn FormErrors(error: Outcome) -> impl IntoView {
    error.map(|error| {
        let (title, text) = explain(&error);
        let faults = match error {
            UiError::Invalid(faults) => faults.0,
            _ => Vec::new(),
        };
        let items = faults
            .into_iter()
            .map(|fault| {
                let href = format!("#{}", field_id(root(&fault.field)));
                view! { <li><a href=href rel="external">{words(root(&fault.field))} ": " {fault.detail}</a></li> }
            })
            .collect_view();
        view! {
            <div class="notice notice-bad" role="alert">
                <p class="notice-title">{title}</p>
                <p>{text}</p>
                <ul>{items}</ul>
            </div>
        }
        .into_any()
    })
}

/// The part of a fault's field that names an input: `topics.code` is a matter of the input `topics`.
fn root(field: &str) -> &str {
    let (head, _) = field.split_once('.').unwrap_or((field, ""));
    match head {
        "topics" => head,
        _ if field == "hours.periods" => "hours.monday",
        _ => field,
    }
}

/// The name of a field in words: `country.emergencyNumber` is the country emergency number.
fn words(field: &str) -> String {
    let mut words = String::new();
    // People count from 1.
    if let Some((index, rest)) = field.strip_prefix("tiers.").and_then(|rest| rest.split_once('.')) {
        let number = index.parse::<usize>().map_or(0, |index| index + 1);
        return format!("Tier {number}, {}", rest.replace('_', " "));
    }
    // Names of the API that are not those of people.
    let field = match field {
        "timezone" => "time_zone",
        "emails" => "e-mail_addresses",
        _ => field,
    };
    for c in field.strip_suffix("_id").unwrap_or(field).chars() {
        match c {
            _ if words.is_empty() => words.push(c.to_ascii_uppercase()),
            '.' | '_' => words.push(' '),
            c if c.is_ascii_uppercase() => words.extend([' ', c.to_ascii_lowercase()]),
            c => words.push(c),
        }
    }
    words
}

/// The id of the input of a field.
#[must_use]
pub fn field_id(field: &str) -> String {
    format!("field-{}", field.replace('.', "-"))
}

/// The faults of a field.
#[must_use]
pub fn fault_of(error: &Outcome, field: &str) -> Option<String> {
    let Some(UiError::Invalid(faults)) = error else { return None };
    let of_field = faults.0.iter().filter(|fault| root(&fault.field) == field).map(|fault| fault.detail.as_str());
    let details: Vec<&str> = of_field.collect();
    (!details.is_empty()).then(|| details.join(" "))
}

/// Label, hint and faults around an input, which gets their ids.
fn field(
    label: &'static str,
    field: &str,
    hint: &'static str,
    fault: Option<String>,
    is_wide: bool,
    input: AnyView,
) -> AnyView {
    let id = field_id(field);
    let class = match (is_wide, fault.is_some()) {
        (false, false) => "field",
        (true, false) => "field field-wide",
        (false, true) => "field field-faulty",
        (true, true) => "field field-wide field-faulty",
    };
    view! {
        <div class=class>
            <label for=id.clone()>{label}</label>
            {input}
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=format!("{id}-hint")>{hint}</p> })}
            {fault.map(|fault| view! { <p class="fault" id=format!("{id}-fault")>{fault}</p> })}
        </div>
    }
    .into_any()
}

/// The ids of hint and fault, for `aria-describedby`.
fn described_by(field: &str, hint: &str, fault: Option<&String>) -> Option<String> {
    let id = field_id(field);
    match (hint.is_empty(), fault.is_some()) {
        (true, false) => None,
        (false, false) => Some(format!("{id}-hint")),
        (true, true) => Some(format!("{id}-fault")),
        (false, true) => Some(format!("{id}-fault {id}-hint")),
    }
}

/// A line of text.
///
/// `name` is what the form sends, `field` what faults call it.
#[component]
pub fn TextField(
    label: &'static str,
    name: &'static str,
    #[prop(into)] field: String,
    error: Outcome,
    #[prop(optional, into)] value: String,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] hint: &'static str,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] list: Option<&'static str>,
    #[prop(optional)] inputmode: Option<&'static str>,
    #[prop(optional)] is_required: bool,
    #[prop(optional)] is_readonly: bool,
    #[prop(optional)] is_wide: bool,
) -> impl IntoView {
    let fault = fault_of(&error, &field);
    let input = view! {
            <input
                id=field_id(&field)
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                list=list
                inputmode=inputmode
                required=is_required
                readonly=is_readonly
                aria-describedby=described_by(&field, hint, fault.as_ref())
                aria-invalid=fault.is_some().then_some("true")
            />
    }
    .into_any();
    self::field(label, &field, hint, fault, is_wide, input)
}

/// Several lines of text.
#[component]
pub fn AreaField(
    label: &'static str,
    #[prop(into)] name: String,
    #[prop(into)] field: String,
    error: Outcome,
    #[prop(into)] value: String,
    #[prop(optional)] hint: &'static str,
    #[prop(default = 4)] rows: u8,
    #[prop(optional)] is_readonly: bool,
) -> impl IntoView {
    let fault = fault_of(&error, &field);
    let input = view! {
            <textarea
                id=field_id(&field)
                name=name
                rows=rows.to_string()
                readonly=is_readonly
                aria-describedby=described_by(&field, hint, fault.as_ref())
                aria-invalid=fault.is_some().then_some("true")
            >
                {value}
            </textarea>
    }
    .into_any();
    self::field(label, &field, hint, fault, true, input)
}

/// One of several values.
#[component]
pub fn SelectField(
    label: &'static str,
    name: &'static str,
    #[prop(into)] field: String,
    error: Outcome,
    choices: Vec<Choice>,
    #[prop(into)] value: String,
    #[prop(optional)] hint: &'static str,
    #[prop(optional)] is_disabled: bool,
) -> impl IntoView {
    let fault = fault_of(&error, &field);
    let input = view! {
            <select
                id=field_id(&field)
                name=name
                disabled=is_disabled
                aria-describedby=described_by(&field, hint, fault.as_ref())
                aria-invalid=fault.is_some().then_some("true")
            >
                {options(choices, &value)}
            </select>
    }
    .into_any();
    self::field(label, &field, hint, fault, false, input)
}

/// The options of a chooser.
#[must_use]
pub fn options(choices: Vec<Choice>, value: &str) -> Vec<AnyView> {
    let option = |choice: Choice| {
        let is_chosen = choice.value == value;
        view! { <option value=choice.value selected=is_chosen>{choice.label}</option> }.into_any()
    };
    choices.into_iter().map(option).collect()
}

/// The button of a form that our script sends by itself.
#[component]
pub fn NoScriptSubmit() -> impl IntoView {
    view! { <noscript inner_html="<button class=\"button\">Show</button>"></noscript> }
}

/// The chooser of a customer, for those who may see several; `none` is the choice of no customer, where there is one.
#[must_use]
pub fn customer_chooser(
    customers: Vec<Choice>,
    chosen: &str,
    path: &str,
    none: Option<&'static str>,
) -> Option<AnyView> {
    (!customers.is_empty()).then(|| {
        view! {
            <form method="get" action=path.to_owned() class="chooser">
                <label>
                    <span class="visually-hidden">"Customer"</span>
                    <select id="customer" name="customer">
                        {none.map(|none| view! { <option value="" selected=chosen.is_empty()>{none}</option> })}
                        {options(customers, chosen)}
                    </select>
                </label>
                <NoScriptSubmit />
            </form>
        }
        .into_any()
    })
}

/// Yes or no.
#[component]
pub fn CheckField(
    label: &'static str,
    name: &'static str,
    is_checked: bool,
    #[prop(optional)] is_disabled: bool,
    #[prop(optional)] hint: &'static str,
) -> impl IntoView {
    view! {
        <div class="field field-check">
            <label>
                <input type="checkbox" name=name value="true" checked=is_checked disabled=is_disabled />
                <span>{label}</span>
            </label>
            {(!hint.is_empty()).then(|| view! { <p class="hint">{hint}</p> })}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn fields_are_named_in_words() {
        let of = ["timezone", "customer_id", "country.emergencyNumber", "hours.monday", "catalogue_quota_per_day"]
            .map(words);
        let expected = ["Time zone", "Customer", "Country emergency number", "Hours monday", "Catalogue quota per day"];
        assert_eq!(of, expected);
        assert_eq!(words("tiers.0.unit_price"), "Tier 1, unit price");
    }
}
