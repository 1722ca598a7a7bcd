//! The reports of a customer, the kinds that can be made, and its public page; or the reports of all.

use super::all::{AllReports, all};
use super::{REPORTS, badge, can_change, period};
use crate::data::billing::{Asked, Whose};
use crate::data::{paging, take_refused};
use crate::error::UiError;
use crate::format;
use domain::Zone;
use domain::report::Template;
use engine::Report;

/// The page of the reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    pub whose: Whose,
    pub shown: Shown,
}

/// What the page lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    OfOne(ReportList),
    /// While no customer is chosen.
    OfAll(AllReports),
}

/// A page of a customer's reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportList {
    pub items: Vec<ReportRow>,
    /// The addresses of the first page and of the next.
    pub first: Option<String>,
    pub next: Option<String>,
    pub can_change: bool,
    pub kinds: Vec<KindView>,
    pub public: PublicPage,
    /// Why a change was refused.
    pub error: Option<UiError>,
}

/// A report in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Whose it is, where the reports are of all.
    pub customer: Option<String>,
    pub title: &'static str,
    pub href: String,
    pub period: String,
    pub version: u32,
    pub badge: (&'static str, &'static str),
    /// When and by whom it was made.
    pub made: String,
    /// From which version of its template.
    pub template_version: u32,
    /// By which version of the rules it was counted.
    pub rules_version: u32,
}

/// A kind of report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindView {
    pub title: &'static str,
    pub summary: &'static str,
    /// The rule that asks for it, and where it can be read.
    pub law: Option<(&'static str, &'static str)>,
    /// The address of its form.
    pub href: String,
}

/// The customer's public page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicPage {
    pub is_on: bool,
    /// Its address, while it is on.
    pub href: Option<String>,
}

/// The reports of the chosen customer; or of all, those of a kind if one is named.
///
/// # Errors
/// Those of the engine.
pub async fn reports(
    customer: Option<String>,
    template: Option<String>,
    cursor: Option<String>,
) -> Result<Reports, UiError> {
    let asked = Asked::of(customer.as_deref()).await?;
    let whose = asked.whose()?;
    if asked.reader.customer().is_none() {
        return Ok(Reports { whose, shown: Shown::OfAll(all(&asked, template, cursor).await?) });
    }
    let is_later = cursor.is_some();
    let found = asked.engine.reports(&asked.reader, &paging(cursor)).await?;
    let public = asked.engine.disclosure(&asked.reader).await?;
    let templates = asked.engine.report_templates()?;
    let row =
        |report: &Report| row(templates, report, asked.href(&format!("{REPORTS}/{}", report.id), &[]), asked.zone());
    let kind = |template: &'static Template| KindView {
        title: &template.title,
        summary: &template.summary,
        law: (!template.law.is_empty()).then_some((template.law.as_str(), template.source_url.as_str())),
        href: asked.href("/reports/new", &[("template", &template.key)]),
    };
    let list = ReportList {
        items: found.items.iter().map(row).collect(),
        first: is_later.then(|| asked.href(REPORTS, &[])),
        next: found.next_cursor.map(|cursor| asked.href(REPORTS, &[("cursor", &cursor)])),
        can_change: can_change(&asked),
        kinds: templates.iter().map(kind).collect(),
        public: PublicPage {
            is_on: public.is_some_and(|page| page.is_on),
            href: public.filter(|page| page.is_on).map(|page| format!("/disclosures/{}", page.id)),
        },
        error: take_refused::<()>("reports").await?.map(|((), error)| error),
    };
    Ok(Reports { whose, shown: Shown::OfOne(list) })
}

/// A report in a list, at its address.
pub(super) fn row(templates: &'static [Template], report: &Report, href: String, zone: Zone) -> ReportRow {
    let content = &report.body.content;
    let title = templates.iter().find(|it| it.key == content.template.key).map_or("Report", |it| it.title.as_str());
    ReportRow {
        customer: None,
        title,
        href,
        period: period(report.first, report.last),
        version: report.version,
        badge: badge(report),
        made: format!("{} by {}", format::instant(report.created_at, zone), report.created_by),
        template_version: content.template.version,
        rules_version: content.rules.version,
    }
}
