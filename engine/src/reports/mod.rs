//! Reports for regulators and the public: drafted from the count tables, approved by somebody, and from then on fixed.

mod draft;
mod imports;

use crate::Engine;
use crate::actor::{Manager, Reader, Supervisor};
use crate::audit::Note;
use crate::clock::new_uuid;
use crate::error::Error;
use crate::store::{self, Tx};
use crate::{OfCustomer, Paged, Paging};
use domain::audit::Action;
use domain::fault::{FaultCode, Faults};
use domain::ids::{DisclosureId, ReportId};
use domain::report::{Change, Content, Template, TemplateForm};
use domain::zone::Month;
use domain::{CustomerId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How often a change is tried where several processes change a customer's reports at once.
const TRIES_MAX: u32 = 10;
/// Most reports of a page: each comes whole.
const PAGE_MAX: usize = 100;

static TEMPLATES: LazyLock<Result<Vec<Template>, String>> = LazyLock::new(|| {
    let forms: Vec<TemplateForm> =
        serde_json::from_str(include_str!("templates.json")).map_err(|error| error.to_string())?;
    forms.into_iter().map(|form| Template::parse(form).map_err(|faults| faults.to_string())).collect()
});

/// How far a report is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum ReportStatus {
    Draft,
    /// It never changes again.
    Approved {
        at: Timestamp,
        by: String,
    },
}

/// What is stored of a version of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    pub content: Content,
    /// The version that this one corrects.
    pub predecessor: Option<u32>,
    /// Why.
    pub reason: Option<String>,
    /// What differs from the version before.
    pub changes: Vec<Change>,
    /// What whoever approves it should know. Not printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// A version of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub id: ReportId,
    pub first: Month,
    /// Inclusive.
    pub last: Month,
    /// 1, 2, 3 … of the customer, template and period.
    pub version: u32,
    pub created_at: Timestamp,
    pub created_by: String,
    pub status: ReportStatus,
    pub body: Body,
}

/// A report in a list of all customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedReport {
    pub report: Report,
    /// Whether it is the latest approved version of its customer, kind and period.
    pub is_in_force: bool,
}

/// Which reports of all customers are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReportsOf<'a> {
    pub customer: Option<CustomerId>,
    /// The key of a kind.
    pub template: Option<&'a str>,
}

impl ReportStatus {
    /// As lists and files name it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved { .. } => "approved",
        }
    }
}

impl Report {
    /// What it is, in a few words for people.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}, {} to {}, version {}", self.body.content.template.title, self.first, self.last, self.version)
    }
    /// Whether it is approved.
    #[must_use]
    pub const fn is_approved(&self) -> bool {
        matches!(self.status, ReportStatus::Approved { .. })
    }
}

/// A customer's public page of what it discloses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclosure {
    pub id: DisclosureId,
    pub is_on: bool,
}

impl Engine {
    /// The kinds of report that can be made.
    ///
    /// # Errors
    /// Never: a test reads them.
    pub fn report_templates(&self) -> Result<&'static [Template], Error> {
        TEMPLATES.as_deref().map_err(|error| Error::Internal(format!("templates of reports: {error}")))
    }

    /// A page of a customer's reports, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a reader of several customers.
    pub async fn reports(&self, reader: &Reader, paging: &Paging) -> Result<Paged<Report>, Error> {
        let customer = reader.one()?.record.no;
        let list = |before, limit| store::reports::list(&self.0.db, customer, before, limit);
        paging.newest_readable(PAGE_MAX, list).await
    }

    /// A page of all customers' reports, or of some, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such customer; [`Error::Invalid`] if there is no such kind.
    pub async fn all_reports(
        &self,
        _: &Supervisor,
        of: ReportsOf<'_>,
        paging: &Paging,
    ) -> Result<Paged<OfCustomer<ListedReport>>, Error> {
        let customer = match of.customer {
            None => None,
            Some(id) => Some(self.customer_entry(id).await?.record.no),
        };
        let template = of.template.map(|key| self.report_template(key)).transpose()?.map(|it| it.key.as_str());
        let list = |before, limit| store::reports::list_all(&self.0.db, (customer, template), before, limit);
        paging.newest_readable(PAGE_MAX, list).await
    }

    /// One of a customer's reports.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn report(&self, reader: &Reader, id: ReportId) -> Result<Report, Error> {
        store::reports::find(&self.0.db, reader.one()?.record.no, id).await?.ok_or(Error::NotFound)
    }

    /// The texts that a customer wrote for its reports last, by their keys.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a reader of several customers.
    pub async fn report_texts(&self, reader: &Reader) -> Result<BTreeMap<String, String>, Error> {
        store::reports::texts(&self.0.db, reader.one()?.record.no).await
    }

    /// Approves a draft: from then on it never changes. `by` is who does it, for the report to name.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if another report was approved since the draft was counted, as both together
    /// might give away what each of them suppresses; if an import of history ended or was withdrawn, or the time zone was changed
    /// since; or while an import of one of its days has not ended.
    pub async fn approve_report(&self, manager: &Manager, id: ReportId, by: &str) -> Result<Report, Error> {
        let reader = Reader { of: Some(manager.of.clone()) };
        let customer = manager.customer_no();
        let mut tries = 0;
        loop {
            let report = self.report(&reader, id).await?;
            if report.is_approved() {
                return Err(Faults::one("report", FaultCode::FieldTaken, "It is approved already.").into());
            }
            tries += 1;
            let mut tx = self.0.db.begin().await?;
            let approvals = store::reports::open_book(&mut tx, customer, true).await? - 1;
            imports::approvable(&mut tx, customer, &report).await?;
            if !store::reports::approve(&mut tx, customer, id, approvals, (self.now(), by)).await? {
                let detail = "A report was approved, history was imported or withdrawn, or the time zone was changed, since this \
                              one was counted: make the draft anew.";
                return Err(Faults::one("report", FaultCode::FieldInvalid, detail).into());
            }
            self.note_report(&mut tx, manager, Action::ReportApproved, &report, by).await?;
            match tx.commit().await {
                Err(Error::Unavailable(_)) if tries < TRIES_MAX => {}
                other => {
                    other?;
                    return self.report(&reader, id).await;
                }
            }
        }
    }

    /// Deletes a draft.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for an approved report: those stay.
    pub async fn discard_report(&self, manager: &Manager, id: ReportId, by: &str) -> Result<(), Error> {
        let report = self.report(&Reader { of: Some(manager.of.clone()) }, id).await?;
        let mut tx = self.0.db.begin().await?;
        if !store::reports::delete_draft(&mut tx, manager.customer_no(), id).await? {
            return Err(Error::NotFound);
        }
        self.note_report(&mut tx, manager, Action::ReportDiscarded, &report, by).await?;
        tx.commit().await
    }

    async fn note_report(
        &self,
        tx: &mut Tx,
        manager: &Manager,
        action: Action,
        report: &Report,
        by: &str,
    ) -> Result<(), Error> {
        let template = &report.body.content.template;
        let details = serde_json::json!({
            "report": report.id,
            "template_version": template.version,
            "rules_version": report.body.content.rules.version,
            "reason": report.body.reason,
        });
        let subject = report.title();
        self.note(tx, Note { customer: Some(manager.customer_no()), by, action, subject, details }).await
    }

    /// A customer's public page; `None` until it has been switched on once.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a reader of several customers.
    pub async fn disclosure(&self, reader: &Reader) -> Result<Option<Disclosure>, Error> {
        let found = store::reports::disclosure(&self.0.db, reader.one()?.record.no).await?;
        Ok(found.map(|(id, is_on)| Disclosure { id, is_on }))
    }

    /// Switches a customer's public page on or off.
    ///
    /// # Errors
    /// Only of the store.
    pub async fn set_disclosure(&self, manager: &Manager, is_on: bool, by: &str) -> Result<Disclosure, Error> {
        let mut tx = self.0.db.begin().await?;
        let new = DisclosureId::from_uuid(uuid::Uuid::from_bytes(crate::clock::random_bytes()));
        let customer = manager.customer_no();
        store::reports::set_disclosure(&mut tx, customer, new, is_on, (self.now(), by)).await?;
        let action = if is_on { Action::DisclosureOn } else { Action::DisclosureOff };
        let subject = "Public page".to_owned();
        let details = serde_json::Value::Null;
        self.note(&mut tx, Note { customer: Some(customer), by, action, subject, details }).await?;
        tx.commit().await?;
        self.disclosure(&Reader { of: Some(manager.of.clone()) }).await?.ok_or(Error::NotFound)
    }

    /// What a public page shows: the latest approved report of each public kind. Open to all, as its customer has switched
    /// it on.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such page, or it is switched off.
    pub async fn disclosed(&self, id: DisclosureId) -> Result<Vec<Report>, Error> {
        let customer = store::reports::disclosing_customer(&self.0.db, id).await?.ok_or(Error::NotFound)?;
        let mut reports = Vec::new();
        for template in self.report_templates()?.iter().filter(|template| template.is_public) {
            reports.extend(store::reports::latest_approved(&self.0.db, customer, &template.key).await?);
        }
        Ok(reports)
    }

    /// The template of a key.
    fn report_template(&self, key: &str) -> Result<&'static Template, Error> {
        let found = self.report_templates()?.iter().find(|template| template.key == key);
        found.ok_or_else(|| Faults::one("template", FaultCode::FieldInvalid, "There is no such report.").into())
    }

    fn new_report_id(&self) -> ReportId {
        ReportId::from_uuid(new_uuid(self.now()))
    }
}
