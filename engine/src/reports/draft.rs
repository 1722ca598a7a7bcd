//! Counting a report, and deciding what of it is printed.

use super::imports::still_whole;
use super::{Body, Report, ReportStatus, TRIES_MAX};
use crate::Engine;
use crate::actor::{Manager, Reader};
use crate::error::Error;
use crate::export::check_zone;
use crate::store::{self, Tx};
use domain::HelplineId;
use domain::audit::Action;
use domain::fault::{FaultCode, Faults};
use domain::figures::Figure;
use domain::ids::CustomerNo;
use domain::period::{Breakdown, BreakdownRow, Filter, Interval, Period};
use domain::report::{
    CONTENT_VERSION, Cell, Content, Exact, Imported, Known, RawRow, RawTable, ReportForm, Rules, TableBy, Tables,
    Template, Text, TextField, Wanted, Wording, leaves_small,
};

impl Engine {
    /// Counts a report and keeps it as the draft of its customer, kind and period, in place of the draft before. Where one is
    /// approved already the draft is its correction. `by` is who makes it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all faults of the form; if the report, together with those that are approved, would give
    /// away a suppressed count; or while an import of its days has not ended.
    pub async fn draft_report(&self, manager: &Manager, form: &ReportForm, by: &str) -> Result<Report, Error> {
        let template = self.report_template(&form.template)?;
        let reader = Reader { of: Some(manager.of.clone()) };
        let kept = self.report_texts(&reader).await?;
        let zone = manager.customer().time_zone;
        let wanted = form.parse(template, &kept, zone, self.now())?;
        let mut tries = 0;
        loop {
            tries += 1;
            // Before it is waited for the figures: what was imported by then is in them.
            let outdated = self.outdated_before(manager.customer_no(), &wanted).await?;
            self.wait_for_figures().await?;
            check_zone(&self.kept(manager.customer_no()).await?, zone)?;
            let tables = self.count(&reader, &wanted, template.suppresses).await?;
            // They may have been counted anew while they were read.
            check_zone(&self.kept(manager.customer_no()).await?, zone)?;
            match self.try_draft(manager, template, &wanted, (&tables, outdated), by).await {
                Err(Error::Unavailable(_)) if tries < TRIES_MAX => {}
                other => return other,
            }
        }
    }

    async fn try_draft(
        &self,
        manager: &Manager,
        template: &Template,
        wanted: &Wanted,
        (tables, outdated): (&Tables, i64),
        by: &str,
    ) -> Result<Report, Error> {
        let customer = manager.customer_no();
        let mut tx = self.0.db.begin().await?;
        let approvals = store::reports::open_book(&mut tx, customer, false).await?;
        still_whole(&mut tx, customer, wanted, (outdated, approvals)).await?;
        // Whoever changes the zone opens the book too.
        if store::accounts::zone_name(&mut tx, customer).await? != manager.customer().time_zone.name() {
            return Err(Error::Unavailable("the customer's time zone was changed meanwhile".to_owned()));
        }
        let around = around(&mut tx, customer, wanted).await?;
        let contents: Vec<_> = around.iter().map(|it| &it.body.content).collect();
        let exact =
            if template.suppresses { Exact::around(&contents, (wanted.first, wanted.last)) } else { Vec::new() };
        let approved: Vec<_> = around.iter().filter(|it| it.first <= wanted.last && wanted.first <= it.last).collect();
        let before = approved.iter().rfind(|it| is_same(it, template, wanted)).copied();
        if before.is_some() && wanted.reason.is_none() {
            let detail = "A report of this period is approved: say why it is corrected.";
            return Err(Faults::one("reason", FaultCode::FieldMissing, detail).into());
        }
        let own = manager.customer().limits.suppress_below.unwrap_or(self.0.settings.suppress_below);
        // What a higher threshold has hidden stays hidden.
        let threshold = approved.iter().filter_map(|it| it.body.content.rules.suppress_below).fold(own, u32::max);
        let k = template.suppresses.then_some(threshold);
        let known = if template.suppresses { known(&approved, wanted)? } else { Known::default() };
        let (total, printed) = tables.publish(k, &known, &exact).map_err(|_| {
            let detail = "With what is approved for this period or around it, it would give a suppressed count away: choose fewer \
                          figures or tables.";
            Faults::one("tables", FaultCode::FieldInvalid, detail)
        })?;
        let imported = imported(&mut tx, customer, template, wanted, (&approved, threshold)).await?;
        let rules = Rules::in_force(k);
        let content = Content {
            content_version: CONTENT_VERSION,
            template: template.clone(),
            customer: manager.customer().name.clone(),
            period: wanted.period()?,
            time_zone: manager.customer().time_zone,
            figures: wanted.figures.clone(),
            total,
            tables: printed,
            texts: texts(template, wanted),
            rules,
            wording: Some(Wording::in_force(&wanted.figures, &rules)),
            counted_at: self.now(),
            imported,
        };
        let body = Body {
            predecessor: before.map(|report| report.version),
            reason: before.and(wanted.reason.clone()),
            changes: before.map(|report| content.changes_since(&report.body.content)).unwrap_or_default(),
            warning: warning(&contents, &content, wanted, threshold),
            content,
        };
        let report = Report {
            id: self.new_report_id(),
            first: wanted.first,
            last: wanted.last,
            version: before.map_or(0, |report| report.version) + 1,
            created_at: self.now(),
            created_by: by.to_owned(),
            status: ReportStatus::Draft,
            body,
        };
        store::reports::keep_texts(&mut tx, customer, &wanted.texts, self.now()).await?;
        if !store::reports::insert(&mut tx, customer, &report, approvals).await? {
            return Err(Error::Unavailable("another report is being made".to_owned()));
        }
        self.note_report(&mut tx, manager, Action::ReportDrafted, &report, by).await?;
        tx.commit().await?;
        Ok(report)
    }

    /// All counts of a report, of one state: an event that is counted between two of the readings would make tables that do not
    /// add up. Every new event changes the total.
    async fn count(&self, reader: &Reader, wanted: &Wanted, is_suppressed: bool) -> Result<Tables, Error> {
        for _ in 0..TRIES_MAX {
            let tables = self.count_once(reader, wanted, is_suppressed).await?;
            let total = self.summary(reader, wanted.period()?, &Filter::default()).await?.counts;
            if total == tables.total {
                return Ok(tables);
            }
        }
        Err(Error::Unavailable("events of the period keep arriving".to_owned()))
    }

    async fn count_once(&self, reader: &Reader, wanted: &Wanted, is_suppressed: bool) -> Result<Tables, Error> {
        let (period, filter) = (wanted.period()?, Filter::default());
        let total = self.summary(reader, period, &filter).await?.counts;
        let mut tables = Vec::new();
        let mut beside = Vec::new();
        // Others of the same months may be in reports that are approved.
        let others = TableBy::ALL.iter().filter(|by| is_suppressed && !wanted.tables.contains(by));
        for by in wanted.tables.iter().chain(others).copied() {
            let rows = match by.breakdown() {
                None => self.months(reader, period).await?,
                Some(breakdown) => self.rows(reader, period, breakdown).await?,
            };
            let list = if wanted.tables.contains(&by) { &mut tables } else { &mut beside };
            list.push(RawTable { by, rows });
        }
        Ok(Tables { figures: wanted.figures.clone(), total, tables, beside })
    }

    async fn months(&self, reader: &Reader, period: Period) -> Result<Vec<RawRow>, Error> {
        let series = self.timeseries(reader, period, Interval::Month, &Filter::default()).await?;
        let row = |(bucket, counts): (domain::period::Bucket, domain::figures::Counts)| RawRow {
            key: bucket.day.month().to_string(),
            name: bucket.day.date().format("%B %Y").to_string(),
            country: None,
            counts,
        };
        Ok(series.buckets.into_iter().map(row).collect())
    }

    async fn rows(&self, reader: &Reader, period: Period, by: Breakdown) -> Result<Vec<RawRow>, Error> {
        let (_, _, rows) = self.whole_breakdown(reader, period, by, &Filter::default()).await?;
        let directory = self.directory();
        let country = |key: &str| {
            let id = key.parse::<HelplineId>().ok().filter(|_| by == Breakdown::Helpline)?;
            let helpline = directory.helpline(directory.helpline_no(id.as_str())?)?;
            Some(helpline.country.code.to_string())
        };
        let row =
            |row: BreakdownRow| RawRow { country: country(&row.key), key: row.key, name: row.name, counts: row.counts };
        let mut rows: Vec<RawRow> = rows.into_iter().map(row).collect();
        // Not by size, which would say something of suppressed counts.
        rows.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.key.cmp(&b.key)));
        Ok(rows)
    }
}

fn is_same(report: &Report, template: &Template, wanted: &Wanted) -> bool {
    report.body.content.template.key == template.key && (report.first, report.last) == (wanted.first, wanted.last)
}

/// The texts of the report, but for those that are left out.
fn texts(template: &Template, wanted: &Wanted) -> Vec<Text> {
    let text = |field: &TextField| {
        let text = wanted.texts.get(&field.key).filter(|text| !text.is_empty())?.clone();
        Some(Text { key: field.key.clone(), label: field.label.clone(), text })
    };
    template.texts.iter().filter_map(text).collect()
}

/// What to say of a report of exact numbers that, with suppressed ones that are approved, gives a small count away.
fn warning(approved: &[&Content], content: &Content, wanted: &Wanted, k: u32) -> Option<String> {
    let own = (wanted.first, wanted.last);
    let is_small = |(figure, cell): (&Figure, &Cell)| matches!(cell, Cell::Count(n) if leaves_small(approved, own, (*figure, *n), k));
    let mut cells = content.figures.iter().zip(&content.total);
    (!content.template.suppresses && cells.any(is_small)).then(|| {
        format!(
            "Reports of parts of its period are approved, and with them this number gives a count below {k} away. It is printed \
             all the same, as it must be exact."
        )
    })
}

/// What the report says of history without sessions. No law asks for these counts: they are suppressed in every report, with
/// regard to those of the same months in `approved`.
async fn imported(
    tx: &mut Tx,
    customer: CustomerNo,
    template: &Template,
    wanted: &Wanted,
    (approved, threshold): (&[&Report], u32),
) -> Result<Option<Imported>, Error> {
    let contributions = store::imports::contributions(tx, customer, wanted.period()?).await?;
    let same = approved.iter().filter(|it| (it.first, it.last) == (wanted.first, wanted.last));
    let published: Vec<_> = same.filter_map(|it| it.body.content.imported.as_ref()).collect();
    let imported = Imported::of(&contributions, threshold, &published);
    // Such a report may overlap others: the difference of their numbers would be the rest's.
    Ok(if template.tables.is_empty() { imported.map(Imported::without_numbers) } else { imported })
}

/// All that is approved of months of the report, of months of these reports, and so on: numbers of it may give others away.
async fn around(tx: &mut Tx, customer: CustomerNo, wanted: &Wanted) -> Result<Vec<Report>, Error> {
    let mut months = (wanted.first, wanted.last);
    loop {
        let found = store::reports::approved(tx, customer, months.0, months.1).await?;
        let all = found.iter().fold(months, |all, it| (all.0.min(it.first), all.1.max(it.last)));
        if all == months {
            return Ok(found);
        }
        months = all;
    }
}

/// What was published of the report's cells before.
///
/// # Errors
/// Where suppressed tables of another period overlap this one's: the differences of their counts would be counts of the
/// rest, which nobody has suppressed.
fn known(approved: &[&Report], wanted: &Wanted) -> Result<Known, Error> {
    let mut known = Known::default();
    for report in approved {
        let content = &report.body.content;
        if (report.first, report.last) == (wanted.first, wanted.last) {
            for (place, said) in content.said() {
                known.entry(place).or_default().push(said);
            }
        } else if content.template.suppresses {
            let detail = format!(
                "A report of {} to {} is approved. Reports with suppressed counts must not overlap: their differences would give counts away.",
                report.first, report.last
            );
            return Err(Faults::one("period", FaultCode::PeriodInvalid, detail).into());
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_templates_can_be_read() {
        let templates = crate::reports::TEMPLATES.as_ref().unwrap();
        assert_eq!(templates.len(), 4);
        let sb_243 = templates.iter().find(|template| template.key == "california-sb-243").unwrap();
        assert_eq!((sb_243.figures.len(), sb_243.tables.len(), sb_243.texts.len()), (1, 0, 2));
        let impact = templates.iter().find(|template| template.is_illustrated).unwrap();
        assert_eq!(impact.key, "impact-report");
        assert!(impact.suppresses && impact.texts.iter().all(|text| text.is_optional));
        assert!(templates.iter().all(|template| template.tables.is_empty() || template.suppresses));
        assert!(templates.iter().all(|template| template.tables.len() <= domain::report::TableBy::ALL.len()));
    }
}
