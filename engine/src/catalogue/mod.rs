//! The catalogue of helplines.

mod import;

pub use import::{parse_helplines_csv, parse_helplines_json};

use crate::Engine;
use crate::actor::{ApiClient, Operator, Supervisor};
use crate::audit::{Note, changes};
use crate::auth::ApiScope;
use crate::error::Error;
use crate::paging::{Paged, Paging};
use crate::store::{self, Tx};
use domain::HelplineId;
use domain::audit::Action;
use domain::fault::{FaultCode, Faults};
use domain::helpline::{Country, Helpline, HelplineFilter, Topic};
use domain::ids::HelplineNo;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
}

impl Engine {
    /// Helplines as a client asked for them: priority first, then by name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the scope for the catalogue.
    pub async fn find_helplines(&self, client: &ApiClient, filter: &HelplineFilter) -> Result<Vec<Helpline>, Error> {
        client.require(ApiScope::HelplinesRead)?;
        let directory = self.directory();
        let mut found: Vec<&Arc<Helpline>> =
            directory.helplines().map(|(_, helpline)| helpline).filter(|helpline| filter.matches(helpline)).collect();
        found.sort_by(|a, b| (!a.priority, &a.name, &a.id).cmp(&(!b.priority, &b.name, &b.id)));
        Ok(found.into_iter().take(filter.limit).map(|helpline| Helpline::clone(helpline)).collect())
    }

    /// One helpline.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] without the scope for the catalogue.
    pub async fn get_helpline(&self, client: &ApiClient, id: &HelplineId) -> Result<Helpline, Error> {
        client.require(ApiScope::HelplinesRead)?;
        self.known_helpline(id)
    }

    fn known_helpline(&self, id: &HelplineId) -> Result<Helpline, Error> {
        let directory = self.directory();
        let no = directory.helpline_no(id.as_str()).ok_or(Error::NotFound)?;
        directory.helpline(no).map(|helpline| Helpline::clone(helpline)).ok_or(Error::NotFound)
    }

    /// The countries that have helplines, by name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the scope for the catalogue.
    pub async fn list_countries(&self, client: &ApiClient) -> Result<Vec<Country>, Error> {
        client.require(ApiScope::HelplinesRead)?;
        let directory = self.directory();
        let mut countries: Vec<Country> = directory.countries().into_values().cloned().collect();
        countries.sort_by(|a, b| (&a.name, a.code).cmp(&(&b.name, b.code)));
        Ok(countries)
    }

    /// The topics of all helplines, by name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the scope for the catalogue.
    pub async fn list_topics(&self, client: &ApiClient) -> Result<Vec<Topic>, Error> {
        client.require(ApiScope::HelplinesRead)?;
        let directory = self.directory();
        let topics = directory.helplines().flat_map(|(_, helpline)| &helpline.topics);
        let by_code: BTreeMap<&str, &Topic> = topics.map(|topic| (topic.code.as_str(), topic)).collect();
        let mut topics: Vec<Topic> = by_code.into_values().cloned().collect();
        topics.sort();
        Ok(topics)
    }

    /// A page of the helplines by country and name; `search` looks in names, ids and country codes.
    ///
    /// # Errors
    /// None but of the store.
    pub async fn list_helplines(
        &self,
        _: &Supervisor,
        search: Option<&str>,
        paging: Paging,
    ) -> Result<Paged<Helpline>, Error> {
        let search = search.unwrap_or_default().trim().to_lowercase();
        let matches = |helpline: &Helpline| {
            let country = &helpline.country;
            let texts = [helpline.name.as_str(), helpline.id.as_str(), country.code.as_str(), &country.name];
            search.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&search))
        };
        let directory = self.directory();
        let mut found: Vec<Helpline> = directory
            .helplines()
            .filter(|(_, helpline)| matches(helpline))
            .map(|(_, helpline)| Helpline::clone(helpline))
            .collect();
        found.sort_by(|a, b| (&a.country.name, &a.name, &a.id).cmp(&(&b.country.name, &b.name, &b.id)));
        paging.cut(found, |helpline| helpline.id.to_string())
    }

    /// One helpline, for administration.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn helpline(&self, _: &Supervisor, id: &HelplineId) -> Result<Helpline, Error> {
        self.known_helpline(id)
    }

    /// Adds a helpline.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults, or if the id is taken.
    pub async fn create_helpline(&self, operator: &Operator, helpline: Helpline) -> Result<Helpline, Error> {
        let helpline = helpline.check()?;
        let mut tx = self.begin_change().await?;
        if !store::helplines::insert(&mut tx, &helpline).await? {
            return Err(Faults::one("id", FaultCode::FieldTaken, "Another helpline has this id.").into());
        }
        let details = json!({ "helpline": helpline.id, "country": helpline.country.code });
        self.note_helplines(&mut tx, operator, Action::HelplineAdded, helpline.name.clone(), details).await?;
        self.commit_directory(tx).await?;
        Ok(helpline)
    }

    /// Changes a helpline.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] with all faults, or if the country of one with events would change.
    pub async fn update_helpline(&self, operator: &Operator, helpline: Helpline) -> Result<Helpline, Error> {
        let helpline = helpline.check()?;
        let mut tx = self.begin_change().await?;
        match self.put(&mut tx, &helpline).await? {
            Put::Created => return Err(Error::NotFound),
            Put::CountryFixed => return Err(country_fixed("country.code").into()),
            Put::Unchanged => return Ok(helpline),
            Put::Updated(before) => {
                let mut details = changes(&value(&before)?, &value(&helpline)?);
                details.insert("helpline".to_owned(), json!(helpline.id));
                let (action, details) = (Action::HelplineChanged, Value::Object(details));
                self.note_helplines(&mut tx, operator, action, before.name, details).await?;
            }
        }
        self.commit_directory(tx).await?;
        Ok(helpline)
    }

    /// Brings the catalogue to what a file says about its helplines: all of it or, if anything is wrong, nothing.
    /// Helplines that the file does not name stay as they are. The numbers are the lines of the file.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults, by line.
    pub async fn import_helplines(
        &self,
        operator: &Operator,
        rows: Vec<(usize, Helpline)>,
    ) -> Result<ImportReport, Error> {
        let mut report = ImportReport::default();
        let mut faults = Faults::default();
        let (mut added, mut changed) = (Vec::new(), Vec::new());
        let mut tx = self.begin_change().await?;
        for (line, helpline) in rows {
            let helpline = match helpline.check() {
                Ok(helpline) => helpline,
                Err(of_line) => {
                    faults.0.extend(of_line.0.into_iter().map(|mut fault| {
                        fault.field = format!("line {line}: {}", fault.field);
                        fault
                    }));
                    continue;
                }
            };
            match self.put(&mut tx, &helpline).await? {
                Put::Created => {
                    report.created += 1;
                    added.push(helpline.id);
                }
                Put::Updated(_) => {
                    report.updated += 1;
                    changed.push(helpline.id);
                }
                Put::Unchanged => report.unchanged += 1,
                Put::CountryFixed => faults.0.extend(country_fixed(&format!("line {line}: country.code")).0),
            }
        }
        faults.or(())?;
        if added.len() + changed.len() > 0 {
            let subject = format!("{} added, {} changed", added.len(), changed.len());
            let details = json!({ "added": named(&added), "changed": named(&changed), "unchanged": report.unchanged });
            self.note_helplines(&mut tx, operator, Action::HelplinesImported, subject, details).await?;
        }
        self.commit_directory(tx).await?;
        Ok(report)
    }

    /// Helplines are the installation's, and no customer's.
    async fn note_helplines(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        action: Action,
        subject: String,
        details: Value,
    ) -> Result<(), Error> {
        self.note(tx, Note { customer: None, by: &operator.by, action, subject, details }).await
    }

    async fn put(&self, tx: &mut Tx, helpline: &Helpline) -> Result<Put, Error> {
        let Some((no, before)) = store::helplines::find(tx, &helpline.id).await? else {
            store::helplines::insert(tx, helpline).await?;
            return Ok(Put::Created);
        };
        if before == *helpline {
            return Ok(Put::Unchanged);
        }
        if before.country.code != helpline.country.code && self.has_events(tx, no).await? {
            return Ok(Put::CountryFixed);
        }
        store::helplines::update(tx, helpline).await?;
        Ok(Put::Updated(Box::new(before)))
    }

    /// Whether a helpline has events, in the figures or on the way there. If not, none is counted before `tx` ends.
    async fn has_events(&self, tx: &mut Tx, no: HelplineNo) -> Result<bool, Error> {
        store::aggregator::hold(tx).await?;
        let applied = store::aggregator::progress_in(tx).await?.applied;
        Ok(store::figures::has_helpline(tx, no).await? || store::log::mentions(&self.0.db, applied, no).await?)
    }
}

/// Most ids that an entry of the audit log names.
const NAMED_MAX: usize = 100;

/// The ids of some helplines, as far as an entry names them.
fn named(ids: &[HelplineId]) -> Vec<String> {
    let more = ids.len().saturating_sub(NAMED_MAX);
    let rest = (more > 0).then(|| format!("… and {more} more"));
    ids.iter().take(NAMED_MAX).map(ToString::to_string).chain(rest).collect()
}

fn value(helpline: &Helpline) -> Result<Value, Error> {
    serde_json::to_value(helpline).map_err(|error| Error::Internal(error.to_string()))
}

enum Put {
    Created,
    /// And what it was before.
    Updated(Box<Helpline>),
    Unchanged,
    /// It has events, and figures by country would no longer be what was reported.
    CountryFixed,
}

fn country_fixed(field: &str) -> Faults {
    let detail = "The country of a helpline that has events cannot change: figures by country rest on it.";
    Faults::one(field, FaultCode::FieldInvalid, detail)
}
