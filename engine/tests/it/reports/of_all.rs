//! Whoever runs the installation reads the reports of all customers: a page at a time, of one of them or of one kind.

use super::{BY, SB_243, WASHINGTON, approved, customer, fields, form, helplines};
use crate::support::{Installation, on_both};
use domain::report::ReportForm;
use engine::{Paging, ReportsOf};

on_both!(all_reports_are_listed);

async fn all_reports_are_listed(installation: Installation) {
    helplines(&installation).await;
    let one = customer(&installation, "Acme").await;
    let other = customer(&installation, "Other").await;
    let report = approved(&installation, &one, &form(WASHINGTON, "2026")).await;
    let engine = &installation.engine;
    let supervisor = installation.operator.as_supervisor();
    installation.clock.set("2027-01-06T12:00:00Z");
    let draft = engine.draft_report(&other.manager, &form(SB_243, "2026"), BY).await.unwrap();
    let mut paging = Paging { cursor: None, limit: 1 };
    let newest = engine.all_reports(&supervisor, ReportsOf::default(), &paging).await.unwrap();
    paging.cursor = newest.next_cursor;
    let rest = engine.all_reports(&supervisor, ReportsOf::default(), &paging).await.unwrap();
    assert_eq!(rest.next_cursor, None);
    let listed: Vec<_> = newest.items.iter().chain(&rest.items).map(|of| (of.name.as_str(), &of.item.report)).collect();
    assert_eq!(listed, [("Other", &draft), ("Acme", &report)]);
    let acme = one.reader.customer().unwrap().id;
    assert_eq!(rest.items[0].customer, acme);
    let unknown = ReportsOf { template: Some("horoscope"), ..ReportsOf::default() };
    assert_eq!(fields(engine.all_reports(&supervisor, unknown, &paging).await.unwrap_err()), ["template"]);
    // Of some, a page at a time; and only the latest version that is approved is in force.
    let again = ReportForm { reason: "Again.".to_owned(), ..form(WASHINGTON, "2026") };
    installation.clock.set("2027-01-07T12:00:00Z");
    let correction = engine.draft_report(&one.manager, &again, BY).await.unwrap();
    let some = ReportsOf { customer: Some(acme), template: Some(WASHINGTON) };
    for of in [some, ReportsOf { customer: None, ..some }, ReportsOf { template: None, ..some }] {
        let first = engine.all_reports(&supervisor, of, &Paging { cursor: None, limit: 1 }).await.unwrap();
        let rest = engine.all_reports(&supervisor, of, &Paging { cursor: first.next_cursor, limit: 1 }).await.unwrap();
        assert_eq!(rest.next_cursor, None, "{of:?}");
        let listed = first.items.into_iter().chain(rest.items).map(|of| (of.item.report.id, of.item.is_in_force));
        assert_eq!(listed.collect::<Vec<_>>(), [(correction.id, false), (report.id, true)], "{of:?}");
    }
    engine.approve_report(&one.manager, correction.id, BY).await.unwrap();
    let listed = engine.all_reports(&supervisor, some, &Paging::default()).await.unwrap().items;
    assert_eq!(listed.iter().map(|of| of.item.is_in_force).collect::<Vec<_>>(), [true, false]);
}
