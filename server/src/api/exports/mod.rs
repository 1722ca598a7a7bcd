//! `GET /v1/exports/…`: raw events and figures as files, however large: no more than a page is in memory.

mod jobs;

pub use jobs::*;

use crate::api::analytics::{Answer, Call, Question};
use crate::api::csv::TEXT_CSV;
use crate::export::ExportError;
use crate::export::hash::{Hashed, Hashing};
use crate::export::text::{TextFormat, TextRows};
use crate::http::client::{AnalyticsRead, Client};
use crate::http::error::ApiError;
use crate::http::path::PathKind;
use crate::http::query::{Named, Query};
use crate::openapi::{params, schemas};
use crate::state::AppState;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use bytes::Bytes;
use domain::Faults;
use domain::export::job::ExportForm;
use domain::export::{Column, Format, Kind, Manifest, Written, check_bom};
use engine::actor::Reader;
use engine::{BegunExport, Engine, Export};
use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use std::io::{Sink, Write};

/// Largest place in a customer's log that is asked for: what JSON's readers still count exactly.
const PLACE_MAX: u64 = (1 << 53) - 1;
/// The media type of lines of JSON.
const NDJSON: &str = "application/x-ndjson";

/// Raw events or figures as a file.
///
/// One answer, however large: raw events in the order of time, figures by day, helpline, country, contact method or
/// application. An answer that breaks off is not whole: it ends without its last chunk. Cells of CSV that a spreadsheet
/// would run as a formula begin with an apostrophe. The header `Link` names where the file's manifest is from the end of the
/// answer on: how many rows there are, what each column means, and the file's SHA-256. `…/manifest`, asked with the same
/// parameters, says it beforehand. Nothing tells sessions apart.
#[utoipa::path(
    get,
    path = "/v1/exports/{kind}",
    tag = "Exports",
    security(("token" = ["analytics:read"])),
    params(params::ExportPath, params::FigureParams, params::ExportParams),
    responses((status = 200, description = "The file.", content(
        (String = "text/csv"), (String = "application/x-ndjson"),
    )))
)]
pub async fn export(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathKind(kind): PathKind,
    call: Call,
) -> Answer {
    let reader = state.engine.api_reader(&client)?;
    let (form, as_of) = text_form(kind, Query::parse(call.query.as_deref()))?;
    let pages = TextPages::begin(&state, &reader, &form, as_of).await?;
    let (by, begun) = (client.acts_as(), state.engine.begin_export());
    state.engine.note_streamed_export(&reader, begun, &form, &by).await?;
    let listing = Listing { engine: state.engine.clone(), reader, begun, form, by };
    pages.into_answer(listing).await
}

/// The manifest of an export.
///
/// It is made by writing the same file to nowhere. Of raw events, `log_length` says up to which place in the customer's
/// log they take part: asked for the file with that as `as_of`, it is the same byte for byte, as long as nothing that it
/// names is given another name. Figures change as events arrive.
#[utoipa::path(
    get,
    path = "/v1/exports/{kind}/manifest",
    tag = "Exports",
    security(("token" = ["analytics:read"])),
    params(params::ExportPath, params::FigureParams, params::ExportParams),
    responses((status = 200, description = "The manifest.", body = schemas::ExportManifest))
)]
pub async fn manifest(
    State(state): State<AppState>,
    Client { client, .. }: Client<AnalyticsRead>,
    PathKind(kind): PathKind,
    call: Call,
) -> Answer {
    let reader = state.engine.api_reader(&client)?;
    let (form, as_of) = text_form(kind, Query::parse(call.query.as_deref()))?;
    let pages = TextPages::begin(&state, &reader, &form, as_of).await?;
    Ok(Json(pages.into_manifest().await?).into_response())
}

/// A format that is written as it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Streamed(Format);

impl Named for Streamed {
    fn named(name: &str) -> Option<Self> {
        Format::from_name(name).filter(|format| matches!(format, Format::Csv | Format::Ndjson)).map(Self)
    }
    fn names() -> Vec<&'static str> {
        vec![Format::Csv.as_str(), Format::Ndjson.as_str()]
    }
}

/// How a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    format: Format,
    bom: bool,
    as_of: Option<u64>,
}

impl Form {
    /// Reads the parameters; their faults are noted in the query.
    fn read(query: &mut Query) -> Option<Self> {
        let faults_before = query.faults.0.len();
        let format = query.named("format").map_or(Format::Csv, |Streamed(format)| format);
        let bom = query.flag("bom");
        let as_of = query.whole("as_of", PLACE_MAX);
        if let Err(Faults(faults)) = check_bom(format, bom) {
            query.faults.0.extend(faults);
        }
        (query.faults.0.len() == faults_before).then_some(Self { format, bom, as_of })
    }
}

/// What a question asks for, and up to which place in the customer's log.
fn text_form(kind: Kind, mut query: Query) -> Result<(ExportForm, Option<u64>), ApiError> {
    let (Question { period, filter }, form) = Question::with(&mut query, Form::read)?;
    Ok((ExportForm { kind, period, filter, format: form.format, bom: form.bom }, form.as_of))
}

/// What it takes to list an answer among the exports once it is whole.
struct Listing {
    engine: Engine,
    reader: Reader,
    begun: BegunExport,
    form: ExportForm,
    by: String,
}

/// The pages of an export as text.
struct TextPages {
    export: Export,
    format: Format,
    text: TextFormat,
    columns: Vec<Column>,
    pages: usize,
    rows: u64,
    hashing: Hashing<Sink>,
}

impl TextPages {
    async fn begin(state: &AppState, reader: &Reader, form: &ExportForm, as_of: Option<u64>) -> Result<Self, ApiError> {
        let export = state.engine.export(reader, form.kind, form.period, &form.filter, as_of).await?;
        let text = if form.format == Format::Ndjson { TextFormat::Ndjson } else { TextFormat::Csv { bom: form.bom } };
        let columns = export.subject().columns();
        let hashing = Hashing::new(std::io::sink());
        Ok(Self { export, format: form.format, text, columns, pages: 0, rows: 0, hashing })
    }

    /// The next page, the first one with the names of the columns; `None` when there is no more.
    async fn next(&mut self) -> Result<Option<Bytes>, ExportError> {
        let page = self.export.next().await?;
        if page.is_none() && self.pages > 0 {
            return Ok(None);
        }
        let mut rows = if self.pages == 0 {
            TextRows::begin(self.text, Vec::new(), &self.columns)?
        } else {
            TextRows::go_on(self.text, Vec::new(), &self.columns)
        };
        self.pages += 1;
        if let Some(page) = &page {
            page.each(|cells| Ok::<_, ExportError>(rows.row(cells)?))?;
            self.rows += page.rows() as u64;
        }
        let written = rows.finish()?;
        self.hashing.write_all(&written)?;
        Ok(Some(Bytes::from(written)))
    }

    /// All pages as an answer. What goes wrong before the first one is refused as usual; after it the answer breaks off, so
    /// that a file that ended well is a whole one.
    async fn into_answer(mut self, listing: Listing) -> Answer {
        let name = self.export.subject().file_name(self.format);
        let media_type = if self.format == Format::Ndjson { NDJSON } else { TEXT_CSV };
        let manifest = format!("</v1/export-jobs/{}/manifest>; rel=\"describedby\"", listing.begun.id);
        let first = self.next().await.map_err(refused)?.unwrap_or_default();
        let others = stream::try_unfold(Some((self, listing)), |state| async move {
            let Some((mut pages, listing)) = state else { return Ok(None) };
            match pages.next().await {
                Ok(Some(page)) => Ok(Some((page, Some((pages, listing))))),
                Ok(None) => {
                    listing.list(pages).await;
                    Ok(None)
                }
                Err(error) => {
                    tracing::warn!(%error, "an export broke off");
                    Err(error)
                }
            }
        });
        let body = Body::from_stream(stream::once(async { Ok(first) }).chain(others));
        let disposition = format!("attachment; filename=\"{name}\"");
        let headers = [(CONTENT_TYPE, media_type.to_owned()), (CONTENT_DISPOSITION, disposition), (LINK, manifest)];
        Ok((headers, body).into_response())
    }

    /// What the file would be.
    async fn into_manifest(mut self) -> Result<Manifest, ApiError> {
        while self.next().await.map_err(refused)?.is_some() {}
        self.manifest().map_err(refused)
    }

    /// What all pages together are.
    fn manifest(self) -> Result<Manifest, ExportError> {
        let Hashed { bytes, sha256 } = self.hashing.finish()?;
        let subject = self.export.subject();
        let file = subject.file_name(self.format);
        Ok(subject.manifest(Written { file, format: self.format, bytes, rows: self.rows, sha256 }))
    }
}

impl Listing {
    /// Lists a whole answer. That it was asked for is in the audit log already: that it cannot be listed is no reason to
    /// break it off.
    async fn list(self, pages: TextPages) {
        let listed = async {
            let manifest = pages.manifest()?;
            Ok::<_, ExportError>(
                self.engine.list_made_export(&self.reader, self.begun, &self.form, &manifest, &self.by).await?,
            )
        };
        if let Err(error) = listed.await {
            tracing::warn!(%error, "an export could not be listed");
        }
    }
}

fn refused(error: ExportError) -> ApiError {
    match error {
        ExportError::Engine(error) => error.into(),
        error @ (ExportError::Write(_) | ExportError::TooManyRows) => {
            tracing::error!(%error, "an export failed");
            ApiError::Internal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_of_a_question_come_at_once() {
        let read = |text: &str| {
            let mut query = Query::parse(Some(text));
            Question::with(&mut query, Form::read).map(|(_, form)| form)
        };
        let form = read("from=2026-11-01&to=2026-12-01&bom=true&as_of=7").unwrap();
        assert_eq!(form, Form { format: Format::Csv, bom: true, as_of: Some(7) });
        let fields = |text: &str| read(text).unwrap_err().0.into_iter().map(|fault| fault.field).collect::<Vec<_>>();
        assert_eq!(
            fields("from=x&tier=y&format=xlsx&bom=2&as_of=-1"),
            ["from", "to", "tier", "format", "bom", "as_of"]
        );
        assert_eq!(fields("from=2026-11-02&to=2026-11-01&format=ndjson&bom=true"), ["bom", "to"]);
    }
}
