//! Reading files of helplines: CSV and the API's own JSON.
//!
//! A file is read whole and judged whole: every row goes through [`Helpline::check`], and what is wrong with any of
//! them is named together, by line (entry, in a JSON array) and field, so that one look is enough to mend it. Nothing
//! here stores anything.

mod csv;
mod json;

pub use self::csv::parse_helplines_csv;
pub use self::json::parse_helplines_json;

use domain::helpline::{Availability, Country, CountryCode, Helpline, Hours};
use domain::{FaultCode, Faults, HelplineId};
use std::collections::HashMap;

/// Most helplines of a file.
pub const HELPLINES_MAX: usize = 10_000;
/// Most faults that are named; the others are counted.
pub const FAULTS_MAX: usize = 100;

/// The mark that some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// What a number in front of a fault counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Lines of the file, from 1.
    Line,
    /// Entries of a JSON array, from 1.
    Entry,
}

/// The good rows and the faults of a file, as they gather.
struct Gathered {
    place: Place,
    /// The name that the file has for a field of a helpline.
    field_name: fn(&str) -> &str,
    helplines: Vec<(usize, Helpline)>,
    rows: usize,
    /// Where each id was first seen.
    seen: HashMap<HelplineId, usize>,
    faults: Faults,
    unnamed_faults: usize,
}

impl Gathered {
    fn new(place: Place, field_name: fn(&str) -> &str) -> Self {
        Self {
            place,
            field_name,
            helplines: Vec::new(),
            rows: 0,
            seen: HashMap::new(),
            faults: Faults::default(),
            unnamed_faults: 0,
        }
    }

    /// `line 7`
    fn at(&self, number: usize) -> String {
        match self.place {
            Place::Line => format!("line {number}"),
            Place::Entry => format!("entry {number}"),
        }
    }

    /// Notes a fault of a field, or of the whole row where `field` is empty.
    fn fault(&mut self, number: usize, field: &str, code: FaultCode, detail: impl Into<String>) {
        if self.faults.0.len() == FAULTS_MAX {
            self.unnamed_faults += 1;
            return;
        }
        let at = self.at(number);
        self.faults.add(if field.is_empty() { at } else { format!("{at}: {field}") }, code, detail);
    }

    /// Takes a row: what could be read of it is checked, even if something else could not.
    fn take(&mut self, number: usize, draft: Draft) {
        for fault in draft.faults.0 {
            self.fault(number, &fault.field, fault.code, fault.detail);
        }
        if let Some(id) = draft.id.clone() {
            if let Some(first) = self.seen.get(&id).copied() {
                let detail = format!("The helpline at {} has the same id.", self.at(first));
                self.fault(number, "id", FaultCode::FieldTaken, detail);
            } else {
                self.seen.insert(id, number);
            }
        }
        match draft.fields.and_then(|fields| Some(fields.helpline(draft.id)?.check())) {
            Some(Ok(helpline)) => self.helplines.push((number, helpline)),
            Some(Err(faults)) => {
                for fault in faults.0 {
                    let field = (self.field_name)(&fault.field);
                    self.fault(number, field, fault.code, fault.detail);
                }
            }
            None => {}
        }
    }

    /// Whether one more row may be read; says so if not.
    fn has_room(&mut self, number: usize) -> bool {
        self.rows += 1;
        let has_room = self.rows <= HELPLINES_MAX;
        if !has_room {
            let detail = format!("A file holds at most {HELPLINES_MAX} helplines. Split it.");
            self.fault(number, "", FaultCode::FieldTooLong, detail);
        }
        has_room
    }

    fn finish(mut self) -> Result<Vec<(usize, Helpline)>, Faults> {
        if self.unnamed_faults > 0 {
            self.faults.add("file", FaultCode::FieldInvalid, format!("… and {} more.", self.unnamed_faults));
        }
        self.faults.or(self.helplines)
    }
}

/// What was read of a row.
#[derive(Default)]
struct Draft {
    id: Option<HelplineId>,
    /// `None` if the row has no fields at all.
    fields: Option<Fields>,
    faults: Faults,
}

/// The fields of a helpline. One whose text was at fault, and has been named, is `None` or empty.
#[derive(Default)]
struct Fields {
    name: Option<String>,
    description: Option<String>,
    website: Option<String>,
    country_code: Option<CountryCode>,
    country_name: Option<String>,
    emergency_number: Option<String>,
    timezone: Option<String>,
    topics: Vec<domain::helpline::Topic>,
    supported_languages: Vec<String>,
    specialties: Vec<String>,
    support_types: Vec<String>,
    hours: Hours,
    phone_number: Option<String>,
    sms_number: Option<String>,
    web_chat_url: Option<String>,
    whatsapp_url: Option<String>,
    priority: bool,
    availability: Option<Availability>,
}

impl Fields {
    /// The helpline, with harmless stand-ins where a fault has been named already, so that its other fields are
    /// checked too: a file with a fault gives no helpline, so none of them is ever stored.
    fn helpline(self, id: Option<HelplineId>) -> Option<Helpline> {
        let code = self.country_code.or_else(|| "ZZ".parse().ok())?;
        Some(Helpline {
            id: id.or_else(|| "unknown".parse().ok())?,
            name: self.name.unwrap_or_else(|| "unknown".into()),
            description: self.description,
            website: self.website,
            country: Country {
                name: self.country_name.unwrap_or_else(|| code.to_string()),
                code,
                emergency_number: self.emergency_number,
            },
            timezone: self.timezone.unwrap_or_else(|| "UTC".into()),
            topics: self.topics,
            supported_languages: self.supported_languages,
            specialties: self.specialties,
            support_types: self.support_types,
            hours: self.hours,
            phone_number: self.phone_number,
            sms_number: self.sms_number,
            web_chat_url: self.web_chat_url,
            whatsapp_url: self.whatsapp_url,
            priority: self.priority,
            availability: self.availability.unwrap_or(Availability::Available),
        })
    }
}

const REQUIRED: &str = "Required.";
const ID_FORM: &str = "An id is 1 to 64 letters, digits, dots, underscores, colons or hyphens.";
const COUNTRY_FORM: &str = "A country is its two-letter ISO 3166 code, such as NP.";
const AVAILABILITY_FORM: &str = "One of available, limited, unavailable.";
