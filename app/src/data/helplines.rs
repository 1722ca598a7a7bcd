//! The catalogue's helplines, for operators and auditors.

use super::ListPage;
use crate::context;
use crate::data::{edit_path, id, paging, take_refused};
use crate::error::UiError;
use crate::forms::HelplineInput;
use domain::{Faults, HelplineId, helpline::Helpline};

/// A helpline as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelplineView {
    pub id: String,
    pub name: String,
    pub country: String,
    pub availability: String,
    /// `available`, `limited` or `unavailable`.
    pub availability_code: String,
    pub is_priority: bool,
    pub methods: String,
    pub topics: String,
}

/// What the form of a helpline needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelplineEditor {
    pub input: HelplineInput,
    /// What was wrong with it when it was sent.
    pub error: Option<UiError>,
    pub can_change: bool,
}

/// The helplines, of which a text may ask for some.
///
/// # Errors
/// Those of the engine.
pub async fn helplines(search: &str, cursor: Option<String>) -> Result<ListPage<HelplineView>, UiError> {
    let (engine, user) = context::acting().await?;
    let search = Some(search.trim()).filter(|search| !search.is_empty());
    let is_later = cursor.is_some();
    let found = engine.list_helplines(&engine.supervisor(&user)?, search, paging(cursor)).await?;
    Ok(ListPage {
        items: found.items.iter().map(view).collect(),
        next_cursor: found.next_cursor,
        is_later,
        can_change: engine.operator(&user).is_ok(),
    })
}

/// The form of a helpline; of a new one without an id.
///
/// # Errors
/// Those of the engine.
pub async fn helpline_editor(helpline: Option<String>) -> Result<HelplineEditor, UiError> {
    let (engine, user) = context::acting().await?;
    let supervisor = engine.supervisor(&user)?;
    let can_change = engine.operator(&user).is_ok();
    let stored = match &helpline {
        Some(helpline) => HelplineInput::of(&engine.helpline(&supervisor, &id(helpline)?).await?),
        None if can_change => HelplineInput { availability: "available".to_owned(), ..HelplineInput::default() },
        None => return Err(UiError::Forbidden),
    };
    let refused = take_refused(&edit_path("/admin/helplines", helpline.as_deref())).await?;
    let (input, error) = refused.map_or((stored, None), |(input, error)| (input, Some(error)));
    Ok(HelplineEditor { input, error, can_change })
}

impl HelplineInput {
    /// The form of a stored helpline.
    fn of(helpline: &Helpline) -> Self {
        use domain::helpline::{Topic, Weekday};
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let topic = |topic: &Topic| format!("{} | {}", topic.name, topic.code);
        let day = |day: Weekday| {
            let of_day = helpline.hours.periods.iter().filter(|period| period.day == day);
            of_day.map(|period| format!("{}–{}", period.open, period.close)).collect::<Vec<_>>().join(", ")
        };
        Self {
            id: helpline.id.to_string(),
            name: helpline.name.clone(),
            description: text(&helpline.description),
            website: text(&helpline.website),
            country_code: helpline.country.code.to_string(),
            country_name: helpline.country.name.clone(),
            emergency_number: text(&helpline.country.emergency_number),
            timezone: helpline.timezone.clone(),
            topics: helpline.topics.iter().map(topic).collect::<Vec<_>>().join("\n"),
            languages: helpline.supported_languages.join(", "),
            specialties: helpline.specialties.join(", "),
            support_types: helpline.support_types.join(", "),
            always_open: helpline.hours.always_open,
            monday: day(Weekday::Monday),
            tuesday: day(Weekday::Tuesday),
            wednesday: day(Weekday::Wednesday),
            thursday: day(Weekday::Thursday),
            friday: day(Weekday::Friday),
            saturday: day(Weekday::Saturday),
            sunday: day(Weekday::Sunday),
            phone_number: text(&helpline.phone_number),
            sms_number: text(&helpline.sms_number),
            web_chat_url: text(&helpline.web_chat_url),
            whatsapp_url: text(&helpline.whatsapp_url),
            priority: helpline.priority,
            availability: helpline.availability.as_str().to_owned(),
        }
    }

    /// Reads the form into a helpline, which the engine checks further.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn read(&self) -> Result<Helpline, Faults> {
        use domain::{
            FaultCode,
            helpline::{Availability, Country, CountryCode},
        };
        let mut faults = Faults::default();
        let id = self.id.trim().parse::<HelplineId>().ok();
        if id.is_none() {
            let detail = "1 to 64 letters, digits, dots, colons, hyphens or underscores.";
            faults.add("id", FaultCode::FieldInvalid, detail);
        }
        let code = self.country_code.trim().parse::<CountryCode>().ok();
        if code.is_none() {
            faults.add("country.code", FaultCode::CountryUnknown, "Two letters of ISO 3166, such as NZ.");
        }
        // Stand-ins where the form has a fault: the other fields are to be checked all the same.
        let (stand_in_id, stand_in_code) = ("x".parse::<HelplineId>(), "XX".parse::<CountryCode>());
        let (Some(id_or_x), Some(code_or_xx)) = (id.or(stand_in_id.ok()), code.or(stand_in_code.ok())) else {
            return Err(faults);
        };
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let hours = self.hours(&mut faults);
        let helpline = Helpline {
            id: id_or_x,
            name: self.name.clone(),
            description: some(&self.description),
            website: some(&self.website),
            country: Country {
                name: self.country_name.clone(),
                code: code_or_xx,
                emergency_number: some(&self.emergency_number),
            },
            timezone: self.timezone.trim().to_owned(),
            topics: topics(&self.topics),
            supported_languages: list(&self.languages),
            specialties: list(&self.specialties),
            support_types: list(&self.support_types),
            hours,
            phone_number: some(&self.phone_number),
            sms_number: some(&self.sms_number),
            web_chat_url: some(&self.web_chat_url),
            whatsapp_url: some(&self.whatsapp_url),
            priority: self.priority,
            availability: Availability::from_name(&self.availability).unwrap_or(Availability::Available),
        };
        if faults.0.is_empty() {
            return Ok(helpline);
        }
        let more = helpline.check().err().unwrap_or_default();
        faults.0.extend(more.0);
        Err(faults)
    }

    fn hours(&self, faults: &mut Faults) -> domain::helpline::Hours {
        use domain::helpline::{Hours, OpenPeriod, Weekday};
        let of_days =
            [&self.monday, &self.tuesday, &self.wednesday, &self.thursday, &self.friday, &self.saturday, &self.sunday];
        let mut periods = Vec::new();
        for (day, text) in Weekday::ALL.iter().zip(of_days) {
            for span in text.split(',').map(str::trim).filter(|span| !span.is_empty()) {
                let Some((open, close)) = span.split_once(['-', '–']) else {
                    let detail = "Write spans as 09:00–17:00, separated by commas.";
                    faults.add(format!("hours.{}", day.as_str()), domain::FaultCode::FieldInvalid, detail);
                    continue;
                };
                periods.push(OpenPeriod { day: *day, open: open.trim().to_owned(), close: close.trim().to_owned() });
            }
        }
        Hours { always_open: self.always_open, periods }
    }
}

fn list(text: &str) -> Vec<String> {
    text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// Topics, one a line. A code that is not given follows from the name.
fn topics(text: &str) -> Vec<domain::helpline::Topic> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let topic = |line: &str| {
        let (name, code) = line.rsplit_once('|').unwrap_or((line, ""));
        let (name, code) = (name.trim().to_owned(), code.trim());
        let code = if code.is_empty() { code_of(&name) } else { code.to_owned() };
        domain::helpline::Topic { name, code }
    };
    lines.map(topic).collect()
}

/// `Self-harm & grief` → `self_harm_grief`
fn code_of(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

fn view(helpline: &Helpline) -> HelplineView {
    use domain::event::ContactMethod;
    let offered = [
        (helpline.phone_number.is_some(), ContactMethod::Phone),
        (helpline.sms_number.is_some(), ContactMethod::Sms),
        (helpline.web_chat_url.is_some(), ContactMethod::OnlineChat),
        (helpline.whatsapp_url.is_some(), ContactMethod::Whatsapp),
        (helpline.website.is_some(), ContactMethod::Website),
    ];
    let methods: Vec<&str> = offered.iter().filter(|(is, _)| *is).map(|(_, method)| method.label()).collect();
    HelplineView {
        id: helpline.id.to_string(),
        name: helpline.name.clone(),
        country: helpline.country.name.clone(),
        availability: helpline.availability.label().to_owned(),
        availability_code: helpline.availability.as_str().to_owned(),
        is_priority: helpline.priority,
        methods: methods.join(", "),
        topics: helpline.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_helpline_survives_its_form() {
        let json = r#"{"id":"nz-1","name":"Lifeline","country":{"name":"New Zealand","code":"NZ"},"timezone":"Pacific/Auckland",
            "topics":[{"name":"Grief & loss","code":"grief_loss"}],"supported_languages":["en","mi"],"supportTypes":["listening"],
            "hours":{"alwaysOpen":false,"periods":[{"day":"monday","open":"09:00","close":"12:00"},{"day":"monday","open":"13:00","close":"24:00"}]},
            "phoneNumber":"0800 000 000","priority":true,"availability":"limited"}"#;
        let helpline: Helpline = leptos::serde_json::from_str(json).unwrap();
        let form = HelplineInput::of(&helpline);
        assert_eq!(form.monday, "09:00–12:00, 13:00–24:00");
        assert_eq!(form.read().unwrap(), helpline);
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let form = HelplineInput {
            id: "a b".into(),
            country_code: "X".into(),
            friday: "all day".into(),
            ..Default::default()
        };
        let fields: Vec<String> = form.read().unwrap_err().0.into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["id", "country.code", "hours.friday", "name", "country.name", "timezone"]);
        assert_eq!(code_of("Self-harm & grief"), "self_harm_grief");
    }
}
