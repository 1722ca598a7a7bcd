//! Many events in one request: all of them in one commit, and one bad event never costs another.

mod read;

use super::{EventError, EventFault, Intake, Receipt, ReceiptStatus, TOO_MANY, event_id, session_key};
use crate::Engine;
use crate::actor::ApiClient;
use crate::directory::Directory;
use domain::event::{AcceptedTimes, Action, Event, Kind, SessionKey, Submitted, check_typed};
use domain::fault::FaultCode;

/// Most events of one batch.
pub const BATCH_EVENTS_MAX: usize = 1_000;

/// How a batch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchForm {
    /// An array of events, or an object whose member `events` is one.
    Json,
    /// A JSON object on each line.
    Lines,
}

/// The body of a batch, read but not yet checked. It borrows from the body.
pub struct Batch<'a>(Result<Vec<Item<'a>>, EventError>);

/// An event of a batch; `None` is what is no JSON object.
type Item<'a> = Option<Submitted<'a>>;

impl<'a> Batch<'a> {
    /// Reads a body. What is wrong with it is told, and counted, by [`Engine::record_batch`].
    #[must_use]
    pub fn read(form: BatchForm, body: &'a [u8]) -> Self {
        Self(match form {
            BatchForm::Json => read::json(body),
            BatchForm::Lines => read::lines(body),
        })
    }

    /// How many events it holds: none if it cannot be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Vec::len)
    }

    /// Whether it holds no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What became of one event of a batch.
#[derive(Debug)]
pub struct BatchResult {
    /// What it reports, where that can be told.
    pub kind: Option<Kind>,
    pub outcome: Result<Receipt, EventFault>,
}

impl Engine {
    /// Takes the events of a batch and answers after they are durable: a result for each, in their order. What is
    /// refused is counted in the same commit. Of an event that comes twice in a batch the first is the new one.
    ///
    /// # Errors
    /// See [`EventError`]: then nothing was stored, or a retry will tell.
    pub async fn record_batch(&self, client: &ApiClient, batch: Batch<'_>) -> Result<Vec<BatchResult>, EventError> {
        client.require(crate::ApiScope::EventsWrite).map_err(|_| EventError::Forbidden)?;
        let items = match batch.0 {
            Ok(items) => items,
            Err(refusal) => {
                let code = match &refusal {
                    EventError::Refused(fault) => Some(fault.code()),
                    EventError::TooMany { .. } => Some(TOO_MANY),
                    _ => None,
                };
                if let Some(code) = code {
                    self.count_refused(client, code).await?;
                }
                return Err(refusal);
            }
        };
        let mut checked = self.check_batch(client, &items);
        if checked.iter().any(Checked::names_unknown_helpline) && self.refreshed_directory().await {
            checked = self.check_batch(client, &items);
        }
        // What was read is not kept while the commit is waited for.
        drop(items);
        self.store_batch(client, checked).await
    }

    fn check_batch(&self, client: &ApiClient, items: &[Item<'_>]) -> Vec<Checked> {
        let mut checker =
            Checker { client, directory: &self.directory(), times: self.accepted_times(client), last: None };
        items.iter().map(|item| checker.check(item)).collect()
    }

    async fn store_batch(&self, client: &ApiClient, checked: Vec<Checked>) -> Result<Vec<BatchResult>, EventError> {
        let mut intake = Intake { events: Vec::with_capacity(checked.len()), refused: Vec::new() };
        for checked in &checked {
            match &checked.event {
                Ok(event) => intake.events.push(*event),
                Err(fault) => intake.refused.push(self.intake_key(client, fault.code())),
            }
        }
        if checked.is_empty() {
            return Ok(Vec::new());
        }
        let let_in = self.wait_for_room(intake.events.len()).await;
        let mut is_new = self.store(intake).await?.into_iter();
        drop(let_in);
        let result = |Checked { kind, event }: Checked| {
            let outcome = event.map(|event| {
                let is_new = is_new.next().unwrap_or(false);
                let status = if is_new { ReceiptStatus::Accepted } else { ReceiptStatus::Duplicate };
                Receipt { event_id: event_id(&event), status }
            });
            BatchResult { kind, outcome }
        };
        Ok(checked.into_iter().map(result).collect())
    }
}

/// An event of a batch after all checks.
struct Checked {
    kind: Option<Kind>,
    event: Result<Event, EventFault>,
}

impl Checked {
    fn names_unknown_helpline(&self) -> bool {
        matches!(&self.event, Err(fault) if fault.has(FaultCode::HelplineUnknown))
    }
}

/// Checks the events of one batch.
struct Checker<'a> {
    client: &'a ApiClient,
    directory: &'a Directory,
    times: AcceptedTimes,
    /// The session before: its events come together, and hashing its id is dear.
    last: Option<(&'a str, SessionKey)>,
}

impl<'a> Checker<'a> {
    fn check(&mut self, item: &'a Item<'_>) -> Checked {
        let Some(submitted) = item else { return Checked { kind: None, event: Err(EventFault::Malformed) } };
        match check_typed(submitted, self.times, |id| self.directory.helpline_no(id)) {
            Ok(parsed) => {
                let event = Event {
                    at: parsed.at,
                    customer: self.client.customer_no(),
                    application: self.client.application_no(),
                    helpline: parsed.helpline,
                    action: parsed.action,
                    session: self.session(parsed.session_id),
                };
                let kind = if event.action == Action::Display { Kind::Display } else { Kind::Click };
                Checked { kind: Some(kind), event: Ok(event) }
            }
            Err(faults) => Checked { kind: submitted.kind(), event: Err(EventFault::Invalid(faults)) },
        }
    }

    fn session(&mut self, id: &'a str) -> SessionKey {
        if let Some((_, key)) = self.last.filter(|(last, _)| *last == id) {
            return key;
        }
        let key = session_key(&self.client.application.customer.session_mac, id);
        self.last = Some((id, key));
        key
    }
}
