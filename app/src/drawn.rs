//! Pages that the server draws. The browser takes them over as they are: what has come with the document is neither
//! sent a second time nor built again, and a later page is put in its place as a whole.

use crate::calls;
use crate::components::state::{Done, ErrorView, Loading};
use crate::error::UiError;
use crate::forms::Due;
use leptos::ev::{Event, MouseEvent, SubmitEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::{JsCast, JsValue};
use leptos::web_sys::{Element, FormData, HtmlElement, HtmlFormElement, HtmlSelectElement, UrlSearchParams, js_sys};
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map, use_query_map};
use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};
use std::pin::Pin;
use std::time::Duration;

/// A page's content, drawn by our own views: every text in it is escaped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Html(pub String);

#[cfg(feature = "ssr")]
impl Html {
    /// Draws a view.
    #[must_use]
    pub fn of(view: AnyView) -> Self {
        Self(view.to_html())
    }
}

/// What a page shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Content {
    /// Absent from what the document carries for the script: the document itself shows it.
    #[serde(skip)]
    html: String,
}

/// What the address says: the parts of its path that vary, and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub params: ParamsMap,
    pub query: ParamsMap,
}

impl Place {
    /// A part of the path.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        self.params.get(name)
    }

    /// A parameter; an empty one counts as absent, as forms send it.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        self.query.get(name).filter(|value| !value.is_empty())
    }
}

/// How a page is asked for.
pub type Load = fn(Place) -> Pin<Box<dyn Future<Output = Result<Html, UiError>> + Send>>;

/// A page, asked for anew whenever its address changes.
#[component]
pub fn Drawn(title: &'static str, load: Load) -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let place = move || Place { params: params.get(), query: query.get() };
    let content =
        Resource::new(place, move |place| async move { load(place).await.map(|Html(html)| Content { html }) });
    let (is_pending, set_pending) = signal(false);
    // The id of what was used last.
    let used = StoredValue::new(String::new());
    let was_shown = StoredValue::new(false);
    let navigate = use_navigate();
    let submit = move |event: SubmitEvent| {
        if let Some((form, month)) = issuing(&event) {
            event.prevent_default();
            let navigate = navigate.clone();
            spawn_local(async move {
                let address = issue_one_by_one(form, month).await;
                navigate(&address, NavigateOptions { scroll: false, ..NavigateOptions::default() });
            });
            return;
        }
        if let Some(address) = address_of_form(&event) {
            event.prevent_default();
            navigate(&address, NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    view! {
        <Title text=title />
        <div class="pending" class:is-pending=is_pending aria-hidden="true"></div>
        <Done />
        <Transition fallback=Loading set_pending>
            {
                let submit = submit.clone();
                move || {
                    let submit = submit.clone();
                    Suspend::new(async move {
                        match content.await {
                            Ok(Content { html }) => {
                                Effect::new(move |_| {
                                    // Not what was entered while the script was on its way.
                                    if was_shown.get_value() {
                                        restore_dates();
                                    }
                                    was_shown.set_value(true);
                                    restore_focus(used);
                                    look_again(content);
                                });
                                view! {
                                    <div class="drawn" inner_html=html on:submit=submit on:change=move |event| on_change(&event, used) on:click=move |event| on_click(&event, used)></div>
                                }
                                    .into_any()
                            }
                            Err(error) => view! { <ErrorView error /> }.into_any(),
                        }
                    })
                }
            }
        </Transition>
    }
}

/// How long until a page that shows something under way is asked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Asks for the page again in a while, if what it shows is under way. Nobody is asked for in vain: the timer ends with
/// the page.
fn look_again(content: Resource<Result<Content, UiError>>) {
    if document().query_selector(".drawn [data-live]").ok().flatten().is_none() {
        return;
    }
    if let Ok(timer) = set_timeout_with_handle(move || content.refetch(), LOOK_AGAIN) {
        on_cleanup(move || timer.clear());
    }
}

/// The address that a form of the method `get` leads to.
fn address_of_form(event: &SubmitEvent) -> Option<String> {
    let form = event.target()?.dyn_into::<HtmlFormElement>().ok()?;
    if form.method() != "get" {
        return None;
    }
    let data = FormData::new_with_form(&form).ok()?;
    let query = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?.to_string();
    Some(format!("{}?{}", form.get_attribute("action")?, String::from(query)))
}

/// The form that issues all statements of a month, and that month.
fn issuing(event: &SubmitEvent) -> Option<(HtmlFormElement, String)> {
    let form = event.target()?.dyn_into::<HtmlFormElement>().ok()?;
    let month = form.get_attribute("data-issue")?;
    Some((form, month))
}

/// Issues the statements of a month one after the other and says how far it is; answers the address of the outcome.
async fn issue_one_by_one(form: HtmlFormElement, month: String) -> String {
    let (mut issued, mut refused) = (0_usize, 0_usize);
    let progress = form.next_element_sibling();
    let part = |selector: &str| progress.as_ref().and_then(|it| it.query_selector(selector).ok().flatten());
    let _ = form.set_attribute("hidden", "");
    let _ = progress.as_ref().map(|it| it.remove_attribute("hidden"));
    let due = calls::due_statements(month.clone()).await.unwrap_or_default();
    for (i, Due { customer, name }) in due.iter().enumerate() {
        if let (Some(bar), Some(text)) = (part("progress"), part("p")) {
            let _ = bar.set_attribute("max", &due.len().to_string());
            let _ = bar.set_attribute("value", &i.to_string());
            text.set_text_content(Some(&format!("{} of {}: {name}", i + 1, due.len())));
        }
        match calls::issue_statement(customer.clone(), month.clone(), false, true).await {
            Ok(()) => issued += 1,
            Err(_) => refused += 1,
        }
    }
    let (issued, refused) = (issued.to_string(), refused.to_string());
    let pairs = [("month", month.as_str()), ("issued", issued.as_str()), ("refused", refused.as_str())];
    crate::query::href("/admin/statements", &pairs)
}

/// Sends the form of a chooser as soon as something is chosen.
fn on_change(event: &Event, used: StoredValue<String>) {
    let target = event.target().and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
    let Some(select) = target else { return };
    if let Some(form) = select.form().filter(|form| form.method() == "get") {
        used.set_value(select.id());
        let _ = form.request_submit();
    }
}

/// Notes which link is followed; copies the text that a button names.
fn on_click(event: &MouseEvent, used: StoredValue<String>) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let closest = |selector: &str| target.as_ref().and_then(|target| target.closest(selector).ok().flatten());
    if let Some(link) = closest("a") {
        used.set_value(link.id());
    }
    let Some(button) = closest("[data-copy]") else { return };
    let text = button.get_attribute("data-copy").unwrap_or_default();
    if copy(&text).is_ok() {
        button.set_text_content(Some("Copied"));
    }
}

/// Copies by `navigator.clipboard`, found by name: the bindings for it are not among those that leptos brings.
fn copy(text: &str) -> Result<JsValue, JsValue> {
    let get = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &JsValue::from_str(name));
    let clipboard = get(&get(&window(), "navigator")?, "clipboard")?;
    let write = get(&clipboard, "writeText")?.dyn_into::<js_sys::Function>()?;
    write.call1(&clipboard, &JsValue::from_str(text))
}

/// Lets the key Escape take away the definition that shows, until something else is pointed at or gets the focus.
pub fn dismiss_on_escape() {
    let is_quiet = |is: bool| {
        let root = document().document_element();
        let _ = root
            .map(|root| if is { root.set_attribute("data-quiet", "") } else { root.remove_attribute("data-quiet") });
    };
    let _ = window_event_listener(leptos::ev::keydown, move |event| is_quiet(event.key() == "Escape"));
    let _ = window_event_listener(leptos::ev::focusin, move |_| is_quiet(false));
    let _ = window_event_listener(leptos::ev::mouseover, move |event| {
        let over = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if over.and_then(|over| over.closest(".term").ok().flatten()).is_none() {
            is_quiet(false);
        }
    });
}

/// Lets the two dates say what is shown: a period that was entered in another way may be the one that was there before.
fn restore_dates() {
    let form = document().query_selector("form.dates").ok().flatten();
    if let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
        form.reset();
    }
}

/// Gives the focus back to what was used to get here: the page around it has been replaced.
fn restore_focus(id: StoredValue<String>) {
    let id = id.get_value();
    if id.is_empty() {
        return;
    }
    request_animation_frame(move || {
        let element = document().get_element_by_id(&id).and_then(|element| element.dyn_into::<HtmlElement>().ok());
        if let Some(element) = element {
            let _ = element.focus();
        }
    });
}
