//! Forms: labelled fields that show their own faults, and a summary of them.

use crate::api::Choice;
use crate::components::state::explain;
use crate::error::UiError;
use leptos::prelude::*;

/// What went wrong with a form, if anything.
pub type Outcome = Signal<Option<UiError>>;

/// The error in an action's latest value.
pub fn outcome<T: Clone + Send + Sync + 'static>(
    value: impl Fn() -> Option<Result<T, UiError>> + Send + Sync + 'static,
) -> Outcome {
    Signal::derive(move || value().and_then(Result::err))
}

/// The summary of what went wrong, with links to the fields.
#[component]
pub fn FormErrors(error: Outcome) -> impl IntoView {
    let body = move || {
        let error = error.get()?;
        let (title, text) = explain(&error);
        let faults = match error {
            UiError::Invalid(faults) => faults.0,
            _ => Vec::new(),
        };
        let items = faults
            .into_iter()
            .map(|fault| {
                let href = format!("#{}", field_id(root(&fault.field)));
                view! { <li><a href=href rel="external">{fault.detail}</a></li> }
            })
            .collect_view();
        let view = view! {
            <div class="notice notice-bad">
                <p class="notice-title">{title}</p>
                <p>{text}</p>
                <ul>{items}</ul>
            </div>
        };
        Some(view)
    };
    view! { <div role="alert">{body}</div> }
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

fn field_id(field: &str) -> String {
    format!("field-{}", field.replace('.', "-"))
}

/// The faults of a field.
fn fault_of(error: Outcome, field: &'static str) -> Option<String> {
    let error = error.get()?;
    let UiError::Invalid(faults) = error else { return None };
    let of_field = faults.0.into_iter().filter(|fault| root(&fault.field) == field).map(|fault| fault.detail);
    let details: Vec<String> = of_field.collect();
    (!details.is_empty()).then(|| details.join(" "))
}

/// Label, hint and faults around an input; the input gets their ids.
#[component]
fn Field(
    label: &'static str,
    field: &'static str,
    hint: &'static str,
    error: Outcome,
    #[prop(optional)] is_wide: bool,
    children: Children,
) -> impl IntoView {
    let id = field_id(field);
    let fault = Memo::new(move |_| fault_of(error, field));
    view! {
        <div class="field" class:field-wide=is_wide class:field-faulty=move || fault.read().is_some()>
            <label for=id.clone()>{label}</label>
            {children()}
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=format!("{id}-hint")>{hint}</p> })}
            <p class="fault" id=format!("{id}-fault")>{move || fault.get()}</p>
        </div>
    }
}

/// The ids of hint and fault, for `aria-describedby`.
fn described_by(field: &str, hint: &str) -> String {
    let id = field_id(field);
    if hint.is_empty() { format!("{id}-fault") } else { format!("{id}-hint {id}-fault") }
}

fn invalid(error: Outcome, field: &'static str) -> impl Fn() -> Option<&'static str> + Clone {
    move || fault_of(error, field).map(|_| "true")
}

/// A line of text.
///
/// `name` is what the form sends, `field` what faults call it.
#[component]
pub fn TextField(
    label: &'static str,
    name: &'static str,
    field: &'static str,
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
    view! {
        <Field label field hint error is_wide>
            <input
                id=field_id(field)
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                list=list
                inputmode=inputmode
                required=is_required
                readonly=is_readonly
                aria-describedby=described_by(field, hint)
                aria-invalid=invalid(error, field)
            />
        </Field>
    }
    .into_any()
}

/// Several lines of text.
#[component]
pub fn AreaField(
    label: &'static str,
    name: &'static str,
    field: &'static str,
    error: Outcome,
    #[prop(into)] value: String,
    #[prop(optional)] hint: &'static str,
    #[prop(default = 4)] rows: u8,
    #[prop(optional)] is_readonly: bool,
) -> impl IntoView {
    view! {
        <Field label field hint error is_wide=true>
            <textarea
                id=field_id(field)
                name=name
                rows=rows.to_string()
                readonly=is_readonly
                aria-describedby=described_by(field, hint)
                aria-invalid=invalid(error, field)
            >
                {value}
            </textarea>
        </Field>
    }
    .into_any()
}

/// One of several values.
#[component]
pub fn SelectField(
    label: &'static str,
    name: &'static str,
    field: &'static str,
    error: Outcome,
    choices: Vec<Choice>,
    #[prop(into)] value: String,
    #[prop(optional)] hint: &'static str,
    #[prop(optional)] is_disabled: bool,
) -> impl IntoView {
    view! {
        <Field label field hint error>
            <select
                id=field_id(field)
                name=name
                disabled=is_disabled
                aria-describedby=described_by(field, hint)
                aria-invalid=invalid(error, field)
            >
                {options(choices, &value)}
            </select>
        </Field>
    }
    .into_any()
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

/// The button that sends a form; it says when the form is under way.
#[component]
pub fn Submit(label: &'static str, #[prop(into)] is_pending: Signal<bool>) -> impl IntoView {
    view! {
        <button type="submit" class="button button-main" aria-busy=move || is_pending.get().then_some("true")>
            {label}
        </button>
    }
}
