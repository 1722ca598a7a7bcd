//! Events: from a request's body to something that can be counted.

mod session_key;
mod submitted;

pub use session_key::SessionKey;
pub use submitted::{Element, Submitted};

use crate::fault::{FaultCode, Faults};
use crate::ids::{ApplicationNo, CustomerNo, HelplineNo};
use crate::timestamp::{DAY_MS, SECOND_MS, Timestamp};
use serde::{Deserialize, Serialize};
use submitted::Member;

/// The longest session id, in bytes.
pub const SESSION_ID_BYTES_MAX: usize = 255;

/// How a person chose to contact a helpline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactMethod {
    Phone = 1,
    Sms = 2,
    OnlineChat = 3,
    Website = 4,
    Tty = 5,
    Whatsapp = 6,
    ReportingForm = 7,
}

impl ContactMethod {
    /// Every method, in the order in which lists show them.
    pub const ALL: [Self; 7] =
        [Self::Phone, Self::Sms, Self::OnlineChat, Self::Website, Self::Tty, Self::Whatsapp, Self::ReportingForm];

    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Sms => "sms",
            Self::OnlineChat => "online_chat",
            Self::Website => "website",
            Self::Tty => "tty",
            Self::Whatsapp => "whatsapp",
            Self::ReportingForm => "reporting_form",
        }
    }

    /// The name for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Phone => "Phone",
            Self::Sms => "SMS",
            Self::OnlineChat => "Online chat",
            Self::Website => "Website",
            Self::Tty => "TTY",
            Self::Whatsapp => "WhatsApp",
            Self::ReportingForm => "Reporting form",
        }
    }

    /// Reads the API's name or one of the aliases that existing clients send.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "chat" | "online-chat" => Some(Self::OnlineChat),
            "reporting-form" => Some(Self::ReportingForm),
            _ => Self::ALL.into_iter().find(|method| method.as_str() == name),
        }
    }

    /// The method with this code in the store.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|method| *method as u8 == code)
    }
}

/// What an event reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A helpline was displayed.
    Display,
    /// A way to contact it was clicked.
    Click(ContactMethod),
}

impl Action {
    /// The code in the store: 0 for a display, else that of the contact method.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Display => 0,
            Self::Click(method) => method as u8,
        }
    }

    /// The action with this code in the store.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        if code == 0 { Some(Self::Display) } else { ContactMethod::from_code(code).map(Self::Click) }
    }
}

/// Which of the two kinds of event an endpoint or a member `type` speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Display,
    Click,
}

impl Kind {
    /// Reads a member `type`, spelt as the paths of the API may be.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "helpline_display" | "helpline-display" => Some(Self::Display),
            "helpline_click" | "helpline-click" => Some(Self::Click),
            _ => None,
        }
    }
}

/// How far an event's time may lie from the server's clock.
#[derive(Debug, Clone, Copy)]
pub struct AcceptedTimes {
    /// The server's clock.
    pub now: Timestamp,
    /// Accepted from this long ago, in milliseconds …
    pub age_max_ms: i64,
    /// … to this far ahead, in milliseconds.
    pub ahead_max_ms: i64,
}

impl AcceptedTimes {
    /// 35 days back, 5 minutes ahead.
    #[must_use]
    pub const fn usual(now: Timestamp) -> Self {
        Self { now, age_max_ms: 35 * DAY_MS, ahead_max_ms: 300 * SECOND_MS }
    }
}

/// An event that may be counted, but for its session, which is still in the clear: not to be stored or logged.
/// It has no `Debug` for that reason.
pub struct Parsed<'a> {
    pub helpline: HelplineNo,
    pub action: Action,
    pub at: Timestamp,
    /// The partner's session id, in the clear.
    pub session_id: &'a str,
}

/// An accepted event as it is stored: its identity, and nothing besides.
///
/// The order of the fields is the order of the store's key: by time first, so that what is written together lies
/// together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Event {
    pub at: Timestamp,
    pub customer: CustomerNo,
    pub application: ApplicationNo,
    pub helpline: HelplineNo,
    pub action: Action,
    pub session: SessionKey,
}

/// Checks an event whose kind is known by the rules of *From request to event*.
///
/// `helpline` looks an id up in the catalogue. The order of the faults is the order of the rules: the first one is
/// the code under which a refused event is counted.
///
/// # Errors
/// All faults at once.
pub fn check<'a>(
    submitted: &'a Submitted<'_>,
    kind: Kind,
    times: AcceptedTimes,
    helpline: impl FnOnce(&str) -> Option<HelplineNo>,
) -> Result<Parsed<'a>, Faults> {
    check_members(submitted, Some(kind), times, helpline, Faults::default())
}

/// Checks an event that names its own kind in the member `type`. That is the first rule; the others are those of
/// [`check`].
///
/// # Errors
/// All faults at once.
pub fn check_typed<'a>(
    submitted: &'a Submitted<'_>,
    times: AcceptedTimes,
    helpline: impl FnOnce(&str) -> Option<HelplineNo>,
) -> Result<Parsed<'a>, Faults> {
    let mut faults = Faults::default();
    let kind = submitted.kind();
    if submitted.kind.is_missing() {
        faults.add("type", FaultCode::FieldMissing, "This member is required.");
    } else if kind.is_none() {
        faults.add("type", FaultCode::TypeInvalid, "Must be helpline_display or helpline_click.");
    }
    check_members(submitted, kind, times, helpline, faults)
}

fn check_members<'a>(
    submitted: &'a Submitted<'_>,
    kind: Option<Kind>,
    times: AcceptedTimes,
    helpline: impl FnOnce(&str) -> Option<HelplineNo>,
    mut faults: Faults,
) -> Result<Parsed<'a>, Faults> {
    let helpline = match &submitted.helpline {
        Member::Missing => missing(&mut faults, "helpline_id"),
        member => member.text().and_then(helpline).or_else(|| {
            faults.add("helpline_id", FaultCode::HelplineUnknown, "No helpline of the catalogue has this id.");
            None
        }),
    };
    let session_id = check_session_id(&submitted.session, &mut faults);
    let at = match &submitted.timestamp {
        Member::Missing => missing(&mut faults, "timestamp"),
        member => member.text().and_then(|text| Timestamp::parse_rfc3339(text).ok()).or_else(|| {
            let detail = "Must be an RFC 3339 date-time with an offset or Z, such as 2026-11-24T09:30:00Z.";
            faults.add("timestamp", FaultCode::TimestampInvalid, detail);
            None
        }),
    };
    let action = match kind {
        None => None,
        Some(Kind::Display) => Some(Action::Display),
        Some(Kind::Click) => check_contact_method(&submitted.contact_method, &mut faults).map(Action::Click),
    };
    if let Some(at) = at {
        check_time(at, times, &mut faults);
    }
    match (helpline, session_id, at, action) {
        (Some(helpline), Some(session_id), Some(at), Some(action)) => {
            faults.or(Parsed { helpline, action, at, session_id })
        }
        _ => Err(faults),
    }
}

fn missing<T>(faults: &mut Faults, field: &str) -> Option<T> {
    faults.add(field, FaultCode::FieldMissing, "This member is required.");
    None
}

fn check_contact_method(member: &Member<'_>, faults: &mut Faults) -> Option<ContactMethod> {
    if member.is_missing() {
        return missing(faults, "contact_method");
    }
    member.text().and_then(ContactMethod::from_name).or_else(|| {
        let detail = "Must be one of phone, sms, online_chat, website, tty, whatsapp, reporting_form.";
        faults.add("contact_method", FaultCode::ContactMethodInvalid, detail);
        None
    })
}

fn check_session_id<'a>(member: &'a Member<'_>, faults: &mut Faults) -> Option<&'a str> {
    let (code, detail) = match member.text() {
        None | Some("") => (FaultCode::SessionIdMissing, "A session id is required: an opaque text, not empty."),
        Some(text) if text.len() > SESSION_ID_BYTES_MAX => (FaultCode::SessionIdTooLong, "At most 255 bytes."),
        Some(text) if is_personal(text) => (
            FaultCode::SessionIdPersonal,
            "It looks like an e-mail address, a phone number or an IP address. Send an opaque id.",
        ),
        Some(text) => return Some(text),
    };
    faults.add("session_id", code, detail);
    None
}

fn check_time(at: Timestamp, times: AcceptedTimes, faults: &mut Faults) {
    let (earliest, latest) = (times.now.plus(-times.age_max_ms), times.now.plus(times.ahead_max_ms));
    if at > latest {
        let detail = format!("Lies ahead of the server's clock: at most {latest} is accepted.");
        faults.add("timestamp", FaultCode::TimestampInFuture, detail);
    } else if at < earliest {
        let detail = format!("Lies too long ago: at least {earliest} is accepted.");
        faults.add("timestamp", FaultCode::TimestampTooOld, detail);
    }
}

/// Whether a session id is somebody's identity rather than an opaque id: shaped like an e-mail address, a phone
/// number in international form (`+` and 8 to 15 digits, however spaced) or an IP address. So it is with what else
/// programs and people write around these: a scheme, a name, marks of the writing's direction.
#[must_use]
pub fn is_personal(session_id: &str) -> bool {
    // Most are hexadecimal or the like, and nothing of the sort can be in them.
    if session_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return false;
    }
    let text = session_id.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
    let text = without_scheme(text);
    has_email(text) || is_phone_shaped(text) || is_address_shaped(text)
}

/// Marks without a width of their own, as come along when a number is copied.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn without_scheme(text: &str) -> &str {
    const SCHEMES: [&str; 6] = ["mailto", "tel", "sms", "whatsapp", "sip", "callto"];
    match text.split_once(':') {
        Some((scheme, rest)) if SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) => rest,
        _ => text,
    }
}

/// Whether one of its words is an e-mail address, such as in `Ann <ann@example.org>`.
fn has_email(text: &str) -> bool {
    text.contains('@') && text.split(|c: char| c.is_whitespace() || ",;<>".contains(c)).any(is_email_shaped)
}

fn is_email_shaped(word: &str) -> bool {
    let Some((local, host)) = word.split_once('@') else {
        return false;
    };
    // A host may be written with the dot of the root behind it.
    let host = host.strip_suffix('.').unwrap_or(host);
    let host_shaped = host.split('.').count() >= 2 && host.split('.').all(|label| !label.is_empty());
    !local.is_empty() && host_shaped && !host.contains('@')
}

fn is_phone_shaped(text: &str) -> bool {
    // Behind a semicolon an extension may follow (RFC 3966).
    let number = text.split_once(';').map_or(text, |(number, _)| number);
    let Some(rest) = number.strip_prefix('(').unwrap_or(number).strip_prefix(['+', '\u{ff0b}']) else {
        return false;
    };
    let is_spacing = |c: char| {
        c.is_whitespace() || is_invisible(c) || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '.' | '(' | ')' | '/')
    };
    let digits = rest.chars().filter(char::is_ascii_digit).count();
    rest.chars().all(|c| c.is_ascii_digit() || is_spacing(c)) && (8..=15).contains(&digits)
}

fn is_address_shaped(text: &str) -> bool {
    // Networks have the length of their prefix behind them.
    let text = text.split_once('/').filter(|(_, bits)| bits.parse::<u8>().is_ok()).map_or(text, |(address, _)| address);
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    // Addresses of a link name their interface.
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    bare.parse::<std::net::IpAddr>().is_ok() || text.parse::<std::net::SocketAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn codes(kind: Kind, body: &str) -> Vec<(String, FaultCode)> {
        let submitted: Submitted<'_> = serde_json::from_str(body).unwrap();
        let times = AcceptedTimes::usual(Timestamp::parse_rfc3339(NOW).unwrap());
        match check(&submitted, kind, times, |id| (id == "h1").then_some(HelplineNo(1))) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.0.into_iter().map(|fault| (fault.field, fault.code)).collect(),
        }
    }

    fn display(change: &str) -> String {
        format!(r#"{{"helpline_id":"h1","session_id":"s","timestamp":"2026-11-24T11:00:00Z"{change}}}"#)
    }

    #[test]
    fn a_good_event_has_no_faults() {
        assert_eq!(codes(Kind::Display, &display("")), []);
        assert_eq!(codes(Kind::Display, &display(r#","surname":"ignored","contact_method":7"#)), []);
        for method in ["phone", "chat", "online-chat", "online_chat", "reporting-form", "whatsapp"] {
            assert_eq!(codes(Kind::Click, &display(&format!(r#","contact_method":"{method}""#))), []);
        }
    }

    #[test]
    fn all_faults_come_at_once_in_the_order_of_the_rules() {
        use FaultCode::*;
        let faults = |body: &str| codes(Kind::Click, body).into_iter().map(|(_, code)| code).collect::<Vec<_>>();
        assert_eq!(faults("{}"), [FieldMissing, SessionIdMissing, FieldMissing, FieldMissing]);
        let wrong_types = r#"{"helpline_id":5,"session_id":{},"timestamp":[1,{"a":2}],"contact_method":false}"#;
        let wrong = [HelplineUnknown, SessionIdMissing, TimestampInvalid, ContactMethodInvalid];
        assert_eq!(faults(wrong_types), wrong);
        let late =
            r#"{"helpline_id":"x","session_id":"a@b.cc","timestamp":"2020-01-01T00:00:00Z","contact_method":"fax"}"#;
        assert_eq!(faults(late), [HelplineUnknown, SessionIdPersonal, ContactMethodInvalid, TimestampTooOld]);
    }

    #[test]
    fn the_window_of_time_is_inclusive() {
        let with = |at: &str| {
            let body = format!(r#"{{"helpline_id":"h1","session_id":"s","timestamp":"{at}"}}"#);
            codes(Kind::Display, &body).first().map(|(_, code)| *code)
        };
        assert_eq!(with("2026-11-24T12:05:00.000Z"), None);
        assert_eq!(with("2026-11-24T12:05:00.001Z"), Some(FaultCode::TimestampInFuture));
        assert_eq!(with("2026-10-20T12:00:00.000Z"), None);
        assert_eq!(with("2026-10-20T11:59:59.999Z"), Some(FaultCode::TimestampTooOld));
    }

    #[test]
    fn personal_ids_are_told_from_opaque_ones() {
        for personal in [
            "ann@example.org",
            " ann@example.org ",
            "mailto:ann@example.org",
            "+4930123456",
            "+1 (555) 010-9999",
            "tel:+977-1-4000000",
            "192.0.2.7",
            "192.0.2.7:8080",
            "2001:db8::1",
            "[2001:db8::1]",
            "::1",
            "fe80::1%eth0",
            "[fe80::1%25eth0]",
            "ann@example.org.",
            "Ann Smith <ann@example.org>",
            "ann@example.org, bob@example.org",
            "MAILTO:ann@example.org",
            "whatsapp:+14155550100",
            "TEL:+4930123456;ext=5",
            "\u{202a}+49 30 1234567\u{202c}",
            "+49\u{2011}30\u{2011}1234567",
            "+49\u{202f}30\u{2009}1234567",
            "(+49) 30 1234567",
            "\u{ff0b}4930123456",
            "192.0.2.7/32",
            "2001:db8::/64",
        ] {
            assert!(is_personal(personal), "{personal}");
        }
        for opaque in [
            "s-f0f3c2b13eac",
            "4930123456",
            "+1234567",
            "+1234567890123456",
            "a@b",
            "1.2.3",
            "user@",
            "+",
            "🙂",
            "1.2.3.4/a",
            "a b@c",
            "sid:+x",
        ] {
            assert!(!is_personal(opaque), "{opaque}");
        }
    }

    #[test]
    fn an_event_of_a_batch_names_its_type() {
        let faults = |body: &str| -> Vec<(String, FaultCode)> {
            let submitted: Submitted<'_> = serde_json::from_str(body).unwrap();
            let times = AcceptedTimes::usual(Timestamp::parse_rfc3339(NOW).unwrap());
            match check_typed(&submitted, times, |id| (id == "h1").then_some(HelplineNo(1))) {
                Ok(_) => Vec::new(),
                Err(faults) => faults.0.into_iter().map(|fault| (fault.field, fault.code)).collect(),
            }
        };
        for name in ["helpline_display", "helpline-display"] {
            assert_eq!(faults(&display(&format!(r#","type":"{name}""#))), []);
        }
        for name in ["helpline_click", "helpline-click"] {
            let missing = [("contact_method".to_owned(), FaultCode::FieldMissing)];
            assert_eq!(faults(&display(&format!(r#","type":"{name}""#))), missing);
            assert_eq!(faults(&display(&format!(r#","type":"{name}","contact_method":"sms""#))), []);
        }
        for missing in ["", r#","type":null"#] {
            assert_eq!(faults(&display(missing)), [("type".to_owned(), FaultCode::FieldMissing)]);
        }
        for wrong in ["\"display\"", "\"click\"", "\"Helpline_Display\"", "\"\"", "1", "[\"helpline_click\"]", "{}"] {
            assert_eq!(faults(&display(&format!(r#","type":{wrong}"#))), [("type".to_owned(), FaultCode::TypeInvalid)]);
        }
        use FaultCode::*;
        let codes: Vec<_> = faults("{}").into_iter().map(|(_, code)| code).collect();
        assert_eq!(codes, [FieldMissing, FieldMissing, SessionIdMissing, FieldMissing]);
    }

    proptest! {
        #[test]
        fn any_json_object_is_checked_without_panic(session in "\\PC{0,300}", at in "\\PC{0,40}") {
            let body = serde_json::json!({"helpline_id": "h1", "session_id": session, "timestamp": at});
            let _ = codes(Kind::Click, &body.to_string());
        }
    }
}
