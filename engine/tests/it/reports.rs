//! Reports: they say what the figures say, give away no small count, and never change once they are approved.

mod of_all;

use crate::support::{Installation, on_both};
use domain::account::{CustomerForm, CustomerLimits, Tier};
use domain::event::Kind;
use domain::figures::Figure;
use domain::report::{Cell, ReportForm, TableBy};
use engine::actor::{Manager, Reader};
use engine::{Error, Paging, Report};
use serde_json::json;
use std::collections::BTreeMap;

on_both!(
    a_yearly_report_is_one_number_and_two_texts,
    a_correction_names_what_it_changes,
    the_database_refuses_to_change_an_approved_report,
    a_transparency_report_suppresses_what_is_small,
    a_customer_may_have_a_threshold_of_its_own,
    what_has_become_small_is_hidden_though_it_was_printed_before,
    reports_that_would_give_counts_away_are_refused,
    another_table_of_the_same_months_gives_nothing_away,
    a_years_exact_number_gives_no_month_away,
    years_that_a_report_joins_give_no_month_away,
    a_number_that_a_law_asks_for_stays_exact,
    only_the_own_reports_are_seen,
    a_public_page_is_there_only_while_it_is_on,
    what_was_approved_outlives_the_events,
    the_texts_of_an_impact_report_are_optional,
    an_approved_report_fixes_the_time_zone,
);

const BY: &str = "tess@example.org";
const SB_243: &str = "california-sb-243";
const WASHINGTON: &str = "washington-disclosure";
const TRANSPARENCY: &str = "transparency";
const IMPACT: &str = "impact-report";

struct Side {
    manager: Manager,
    reader: Reader,
}

/// A customer whose year 2026 is over: in Germany 30 sessions were shown one helpline and 4 another, in France 25 one, and
/// 3 of these made use of it. Each session was shown its helpline twice, 5 seconds apart: 59 notifications, 118 displays.
async fn customer(installation: &Installation, name: &str) -> Side {
    let customer = installation.customer(name, "Europe/Berlin").await;
    let application = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&application).await;
    let mut session = 0;
    for (helpline, day, sessions, clicks) in
        [("h1", "2026-10-05", 30, 0), ("h2", "2026-11-02", 4, 0), ("h3", "2026-11-03", 25, 3)]
    {
        for of in 0..sessions {
            session += 1;
            for second in ["00", "05"] {
                let at = format!("{day}T10:00:{second}Z");
                let body = json!({"helpline_id": helpline, "session_id": format!("s{session}"), "timestamp": at});
                assert!(installation.post(&client, Kind::Display, &body).await.unwrap());
            }
            if of < clicks {
                let body = json!({"helpline_id": helpline, "session_id": format!("s{session}"),
                    "timestamp": format!("{day}T10:01:00Z"), "contact_method": "phone"});
                assert!(installation.post(&client, Kind::Click, &body).await.unwrap());
            }
        }
    }
    installation.clock.set("2027-01-05T12:00:00Z");
    installation.settle().await;
    let manager = installation.engine.console_manager(&installation.operator, customer).unwrap();
    let reader = installation.engine.console_reader(&installation.operator, Some(customer)).unwrap();
    Side { manager, reader }
}

async fn helplines(installation: &Installation) {
    installation.helplines(&[("h1", "DE"), ("h2", "DE"), ("h3", "FR")]).await;
}

async fn late(installation: &Installation, side: &Side) {
    in_december(installation, side, 1).await;
}

/// So many sessions more, of which each was shown a helpline once.
async fn more(installation: &Installation, side: &Side, at: &str, sessions: u32) {
    let application = installation.application(side.manager.customer().id, at, Tier::Production).await;
    let client = installation.client(&application).await;
    for session in 0..sessions {
        let body = json!({"helpline_id": "h1", "session_id": format!("{at} {session}"), "timestamp": at});
        assert!(installation.post(&client, Kind::Display, &body).await.unwrap());
    }
    installation.settle().await;
}

async fn in_december(installation: &Installation, side: &Side, sessions: u32) {
    more(installation, side, "2026-12-31T22:00:00Z", sessions).await;
}

fn form(template: &str, period: &str) -> ReportForm {
    let texts = [("detection_protocol", "We look for it."), ("prohibition_protocol", "The model declines.")];
    let texts = texts.map(|(key, text)| (key.to_owned(), text.to_owned()));
    ReportForm {
        template: template.to_owned(),
        period: period.to_owned(),
        texts: if template == SB_243 { BTreeMap::from(texts) } else { BTreeMap::new() },
        ..ReportForm::default()
    }
}

async fn approved(installation: &Installation, side: &Side, form: &ReportForm) -> Report {
    let draft = installation.engine.draft_report(&side.manager, form, BY).await.unwrap();
    assert!(!draft.is_approved());
    installation.engine.approve_report(&side.manager, draft.id, BY).await.unwrap()
}

async fn refused(installation: &Installation, side: &Side, form: &ReportForm) -> Vec<String> {
    fields(installation.engine.draft_report(&side.manager, form, BY).await.unwrap_err())
}

fn fields(error: Error) -> Vec<String> {
    match error {
        Error::Invalid(faults) => faults.0.into_iter().map(|fault| fault.field).collect(),
        error => panic!("{error}"),
    }
}

async fn a_yearly_report_is_one_number_and_two_texts(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let report = approved(&installation, &side, &form(SB_243, "2026")).await;
    let content = &report.body.content;
    assert_eq!(
        (content.figures.as_slice(), content.total.as_slice()),
        (&[Figure::Notifications][..], &[Cell::Count(59)][..])
    );
    assert!(content.tables.is_empty());
    let texts: Vec<_> = content.texts.iter().map(|text| text.text.as_str()).collect();
    assert_eq!(texts, ["We look for it.", "The model declines."]);
    // The texts are kept for the next year; without them there is no report.
    let next = ReportForm { texts: BTreeMap::new(), ..form(SB_243, "2025") };
    assert_eq!(approved(&installation, &side, &next).await.body.content.texts, content.texts);
    let more = ReportForm { figures: vec!["reach".to_owned()], ..form(SB_243, "2026") };
    assert_eq!(refused(&installation, &side, &more).await, ["figures"]);
    for (period, field) in
        [("2027", "period"), ("2026-10", "period"), ("2026-12/2026-01", "period"), ("soon", "period")]
    {
        assert_eq!(refused(&installation, &side, &form(SB_243, period)).await, [field], "{period}");
    }
    assert_eq!(refused(&installation, &side, &form("horoscope", "2026")).await, ["template"]);
}

async fn a_correction_names_what_it_changes(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let first = approved(&installation, &side, &form(SB_243, "2026")).await;
    installation.clock.set("2027-01-06T12:00:00Z");
    late(&installation, &side).await;
    assert_eq!(refused(&installation, &side, &form(SB_243, "2026")).await, ["reason"]);
    let again = ReportForm { reason: "An application reported late.".to_owned(), ..form(SB_243, "2026") };
    let second = approved(&installation, &side, &again).await;
    assert_eq!((second.version, second.body.predecessor), (2, Some(1)));
    let changes: Vec<_> =
        second.body.changes.iter().map(|it| (it.what.as_str(), it.before.as_str(), it.after.as_str())).collect();
    assert_eq!(changes, [("Notifications, total", "59", "60")]);
    // It says what its number means, also to later programs.
    let wording = second.body.content.wording.as_ref().unwrap();
    assert_eq!((wording.figures.len(), wording.rules.len()), (1, 4));
    // The first one is as it was.
    assert_eq!(installation.engine.report(&side.reader, first.id).await.unwrap(), first);
    let listed = installation.engine.reports(&side.reader, &Paging { cursor: None, limit: 1 }).await.unwrap();
    assert_eq!(listed.items, [second]);
    let rest = Paging { cursor: listed.next_cursor, limit: 10 };
    assert_eq!(installation.engine.reports(&side.reader, &rest).await.unwrap().items, [first]);
}

async fn the_database_refuses_to_change_an_approved_report(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let report = approved(&installation, &side, &form(WASHINGTON, "2026")).await;
    for sql in ["UPDATE reports SET body = '{}'", "DELETE FROM reports"] {
        assert!(installation.execute(sql).await.is_err(), "{sql}");
    }
    assert!(matches!(installation.engine.discard_report(&side.manager, report.id, "me").await, Err(Error::NotFound)));
    let again = installation.engine.approve_report(&side.manager, report.id, BY).await;
    assert_eq!(fields(again.unwrap_err()), ["report"]);
    // Drafts go.
    let draft = installation.engine.draft_report(&side.manager, &form(WASHINGTON, "2025"), BY).await.unwrap();
    let other = installation.engine.draft_report(&side.manager, &form(WASHINGTON, "2025"), BY).await.unwrap();
    assert!(matches!(installation.engine.report(&side.reader, draft.id).await, Err(Error::NotFound)));
    installation.engine.discard_report(&side.manager, other.id, "me").await.unwrap();
    assert!(matches!(installation.engine.report(&side.reader, other.id).await, Err(Error::NotFound)));
}

async fn a_transparency_report_suppresses_what_is_small(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let mut form = form(TRANSPARENCY, "2026-10/2026-11");
    form.figures = ["gross_displays", "reach", "notifications", "conversions"].map(str::to_owned).to_vec();
    let report = approved(&installation, &side, &form).await;
    let content = &report.body.content;
    assert_eq!(content.rules.suppress_below, Some(10));
    let row = |by: TableBy, key: &str| {
        let table = content.tables.iter().find(|table| table.by == by).unwrap();
        table.rows.iter().find(|row| row.key == key).unwrap().cells.clone()
    };
    use Cell::{Absent, Count, Small, Withheld};
    assert_eq!(content.total, [Count(118), Count(59), Count(59), Small]);
    assert_eq!(row(TableBy::Month, "2026-10"), [Count(60), Count(30), Count(30), Count(0)]);
    // Of helplines there is no reach; h2's 8 displays are small, and h1's would give them away.
    assert_eq!(row(TableBy::Helpline, "h2")[..3], [Small, Absent, Absent]);
    assert_eq!(row(TableBy::Helpline, "h1")[..3], [Withheld, Absent, Absent]);
    assert_eq!(row(TableBy::Country, "FR"), [Count(50), Count(25), Absent, Small]);
    assert_eq!(row(TableBy::ContactMethod, "phone"), [Absent, Absent, Absent, Small]);
}

async fn a_customer_may_have_a_threshold_of_its_own(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let of = side.manager.customer().clone();
    let update = |suppress_below| CustomerForm {
        name: of.name.clone(),
        time_zone: of.time_zone.name().to_owned(),
        limits: CustomerLimits { suppress_below, ..CustomerLimits::default() },
    };
    for wrong in [0, 2, 1_001] {
        let refused = installation.engine.update_customer(&installation.operator, of.id, &update(Some(wrong))).await;
        assert_eq!(fields(refused.unwrap_err()), ["suppress_below"]);
    }
    installation.engine.update_customer(&installation.operator, of.id, &update(Some(3))).await.unwrap();
    let manager = installation.engine.console_manager(&installation.operator, of.id).unwrap();
    let form = form(TRANSPARENCY, "2026-10/2026-11");
    let report = installation.engine.draft_report(&manager, &form, BY).await.unwrap();
    assert_eq!(report.body.content.rules.suppress_below, Some(3));
    let table = report.body.content.tables.iter().find(|table| table.by == TableBy::Helpline).unwrap();
    let row = table.rows.iter().find(|row| row.key == "h2").unwrap();
    // Below the installation's 10.
    assert!(row.cells.contains(&Cell::Count(8)), "{row:?}");

    // What a higher threshold has hidden stays hidden when it is lowered.
    installation.engine.update_customer(&installation.operator, of.id, &update(None)).await.unwrap();
    let manager = installation.engine.console_manager(&installation.operator, of.id).unwrap();
    approved(&installation, &Side { manager, reader: side.reader.clone() }, &form).await;
    installation.engine.update_customer(&installation.operator, of.id, &update(Some(3))).await.unwrap();
    let manager = installation.engine.console_manager(&installation.operator, of.id).unwrap();
    let correction = ReportForm { reason: "Once more.".to_owned(), ..form };
    let report = installation.engine.draft_report(&manager, &correction, BY).await.unwrap();
    assert_eq!(report.body.content.rules.suppress_below, Some(10));
}

async fn what_has_become_small_is_hidden_though_it_was_printed_before(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let form = form(TRANSPARENCY, "2026-10/2026-11");
    let of_october = |report: &Report| {
        let content = &report.body.content;
        let months = content.tables.iter().find(|table| table.by == TableBy::Month).unwrap();
        let at = content.figures.iter().position(|figure| *figure == Figure::GrossClicks).unwrap();
        months.rows.iter().find(|row| row.key == "2026-10").unwrap().cells[at]
    };
    let first = approved(&installation, &side, &form).await;
    assert_eq!(of_october(&first), Cell::Count(0));
    let applications = installation.engine.list_applications(&side.reader, Paging::default()).await.unwrap();
    let rotated = installation.engine.rotate_application(&side.manager, applications.items[0].id).await.unwrap();
    let client = installation.client(&rotated).await;
    for second in 1..=4 {
        let body = json!({"helpline_id": "h1", "session_id": format!("s{second}"), "contact_method": "phone",
            "timestamp": format!("2026-10-05T10:02:0{second}Z")});
        assert!(installation.post(&client, Kind::Click, &body).await.unwrap());
    }
    installation.settle().await;
    let correction = ReportForm { reason: "Late clicks.".to_owned(), ..form };
    let second = installation.engine.draft_report(&side.manager, &correction, BY).await.unwrap();
    assert_eq!(of_october(&second), Cell::Small);
}

async fn reports_that_would_give_counts_away_are_refused(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let year = form(TRANSPARENCY, "2026");
    let stale = installation.engine.draft_report(&side.manager, &year, BY).await.unwrap();
    approved(&installation, &side, &form(TRANSPARENCY, "2026-10/2026-11")).await;
    // The year less these months would be the rest, unsuppressed: neither anew nor as it was counted before.
    assert_eq!(refused(&installation, &side, &year).await, ["period"]);
    assert_eq!(refused(&installation, &side, &form(TRANSPARENCY, "2026-11")).await, ["period"]);
    let late = installation.engine.approve_report(&side.manager, stale.id, BY).await;
    assert_eq!(fields(late.unwrap_err()), ["report"]);
    approved(&installation, &side, &form(TRANSPARENCY, "2026-09")).await;
    // What the law asks for is no such report.
    approved(&installation, &side, &form(WASHINGTON, "2026")).await;
}

fn of(template: &str, period: &str, figure: &str, tables: &[&str]) -> ReportForm {
    let tables = tables.iter().map(|name| (*name).to_owned()).collect();
    let reason = "Other tables.".to_owned();
    ReportForm { figures: vec![figure.to_owned()], tables, reason, ..form(template, period) }
}

/// The cells of a table that has one figure.
fn column(report: &Report, by: TableBy) -> Vec<Cell> {
    let table = report.body.content.tables.iter().find(|table| table.by == by).unwrap();
    table.rows.iter().map(|row| row.cells[0]).collect()
}

async fn another_table_of_the_same_months_gives_nothing_away(installation: Installation) {
    use Cell::{Count, Small, Withheld};
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let months = "2026-10/2026-11";
    let first = approved(&installation, &side, &of(TRANSPARENCY, months, "unique_displays", &["helpline"])).await;
    assert_eq!(first.body.content.total, [Count(59)]);
    assert_eq!(column(&first, TableBy::Helpline), [Count(30), Small, Withheld]);
    // Germany less h1 would be h2, and so would be all less h1 and France.
    for template in [IMPACT, TRANSPARENCY] {
        let form = of(template, months, "unique_displays", &["country"]);
        let draft = installation.engine.draft_report(&side.manager, &form, BY).await.unwrap();
        assert_eq!(draft.body.content.total, [Count(59)], "{template}");
        assert_eq!(column(&draft, TableBy::Country), [Withheld, Withheld], "{template}");
    }
    // Nor does reach: unique displays are not below it, so that Germany's less h1 would be at least, and all less h1 and
    // France's at most h2.
    let form = of(IMPACT, months, "reach", &["country"]);
    let draft = installation.engine.draft_report(&side.manager, &form, BY).await.unwrap();
    assert_eq!(
        (draft.body.content.total.as_slice(), column(&draft, TableBy::Country).as_slice()),
        (&[Count(59)][..], &[Withheld, Withheld][..])
    );
    // Months have nothing to do with helplines.
    let draft = of(IMPACT, months, "reach", &["month"]);
    let draft = installation.engine.draft_report(&side.manager, &draft, BY).await.unwrap();
    assert_eq!(column(&draft, TableBy::Month), [Count(30), Count(29)]);
}

async fn a_years_exact_number_gives_no_month_away(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    in_december(&installation, &side, 4).await;
    let year = approved(&installation, &side, &form(WASHINGTON, "2026")).await;
    assert_eq!((year.body.content.total.as_slice(), year.body.warning), (&[Cell::Count(63)][..], None));
    // The year less eleven months would be December.
    let eleven = of(TRANSPARENCY, "2026-01/2026-11", "notifications", &["month"]);
    let draft = installation.engine.draft_report(&side.manager, &eleven, BY).await.unwrap();
    assert_eq!(draft.body.content.total, [Cell::Withheld]);
    assert_eq!(column(&draft, TableBy::Month).iter().filter(|cell| **cell == Cell::Withheld).count(), 1);
    // In parts as well: the last one of those that are large.
    let ten = approved(&installation, &side, &of(TRANSPARENCY, "2026-01/2026-10", "notifications", &["month"])).await;
    assert_eq!(ten.body.content.total, [Cell::Count(30)]);
    let november = approved(&installation, &side, &of(TRANSPARENCY, "2026-11", "notifications", &["month"])).await;
    assert_eq!(
        (november.body.content.total.as_slice(), column(&november, TableBy::Month).as_slice()),
        (&[Cell::Withheld][..], &[Cell::Withheld][..])
    );
    let december = approved(&installation, &side, &of(TRANSPARENCY, "2026-12", "notifications", &["month"])).await;
    assert_eq!(december.body.content.total, [Cell::Small]);
    // Other figures are in no exact number.
    let again = of(TRANSPARENCY, "2026-11", "reach", &["month"]);
    let draft = installation.engine.draft_report(&side.manager, &again, BY).await.unwrap();
    assert_eq!(draft.body.content.total, [Cell::Count(29)]);
}

async fn years_that_a_report_joins_give_no_month_away(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    in_december(&installation, &side, 15).await;
    more(&installation, &side, "2027-01-02T12:00:00Z", 20).await;
    installation.clock.set("2027-02-10T12:00:00Z");
    more(&installation, &side, "2027-02-09T12:00:00Z", 4).await;
    installation.clock.set("2028-01-05T12:00:00Z");
    let winter = of(TRANSPARENCY, "2026-12/2027-01", "notifications", &["country"]);
    for (form, count) in [(form(WASHINGTON, "2026"), 74), (form(WASHINGTON, "2027"), 24), (winter, 35)] {
        assert_eq!(approved(&installation, &side, &form).await.body.content.total, [Cell::Count(count)]);
    }
    // The first year less it is December, the winter less that January, the second year less that 4.
    let eleven = of(TRANSPARENCY, "2026-01/2026-11", "notifications", &["country"]);
    assert_eq!(approved(&installation, &side, &eleven).await.body.content.total, [Cell::Withheld]);
}

async fn a_number_that_a_law_asks_for_stays_exact(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    in_december(&installation, &side, 4).await;
    let eleven = of(TRANSPARENCY, "2026-01/2026-11", "notifications", &["month"]);
    assert_eq!(approved(&installation, &side, &eleven).await.body.content.total, [Cell::Count(59)]);
    let december = approved(&installation, &side, &of(TRANSPARENCY, "2026-12", "notifications", &["month"])).await;
    assert_eq!(december.body.content.total, [Cell::Small]);
    let year = approved(&installation, &side, &form(WASHINGTON, "2026")).await;
    assert_eq!(year.body.content.total, [Cell::Count(63)]);
    assert!(year.body.warning.unwrap().contains("a count below 10"));
    // What is printed cannot be taken back, and can be corrected all the same.
    assert_eq!(approved(&installation, &side, &eleven).await.body.content.total, [Cell::Count(59)]);
}

async fn only_the_own_reports_are_seen(installation: Installation) {
    helplines(&installation).await;
    let one = customer(&installation, "Acme").await;
    let other = customer(&installation, "Other").await;
    let report = approved(&installation, &one, &form(WASHINGTON, "2026")).await;
    let engine = &installation.engine;
    assert!(matches!(engine.report(&other.reader, report.id).await, Err(Error::NotFound)));
    assert!(matches!(engine.approve_report(&other.manager, report.id, BY).await, Err(Error::NotFound)));
    assert_eq!(engine.reports(&other.reader, &Paging::default()).await.unwrap().items, []);
    let all = engine.console_reader(&installation.operator, None).unwrap();
    assert!(matches!(engine.reports(&all, &Paging::default()).await, Err(Error::NotFound)));
}

async fn a_public_page_is_there_only_while_it_is_on(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let engine = &installation.engine;
    assert_eq!(engine.disclosure(&side.reader).await.unwrap(), None);
    let page = engine.set_disclosure(&side.manager, true, BY).await.unwrap();
    // A draft, and what is not made for the public, is not on it.
    approved(&installation, &side, &form(SB_243, "2026")).await;
    let draft = engine.draft_report(&side.manager, &form(WASHINGTON, "2026"), BY).await.unwrap();
    assert_eq!(engine.disclosed(page.id).await.unwrap(), []);
    let report = engine.approve_report(&side.manager, draft.id, BY).await.unwrap();
    assert_eq!(engine.disclosed(page.id).await.unwrap(), [report]);
    let off = engine.set_disclosure(&side.manager, false, BY).await.unwrap();
    assert_eq!(off.id, page.id);
    assert!(matches!(engine.disclosed(page.id).await, Err(Error::NotFound)));
}

async fn what_was_approved_outlives_the_events(mut installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let form = form(WASHINGTON, "2026");
    let report = approved(&installation, &side, &form).await;
    // As in production, and later: the raw events of 2026 are given up, their counts are not.
    installation.settings.event_age_max_days = 35;
    installation.stop().await;
    installation.pass_to("2028-06-01T12:00:00Z").await;
    installation.restart().await;
    installation.give_up_events().await;
    let again = ReportForm { reason: "Counted again.".to_owned(), ..form };
    let draft = installation.engine.draft_report(&side.manager, &again, BY).await.unwrap();
    assert_eq!(draft.body.content.total, report.body.content.total);
    assert_eq!(draft.body.changes, []);
}

async fn the_texts_of_an_impact_report_are_optional(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let with = |texts: &[(&str, &str)]| ReportForm {
        texts: texts.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect(),
        reason: "Other words.".to_owned(),
        ..form(IMPACT, "2026-10/2026-11")
    };
    let first = approved(&installation, &side, &with(&[])).await;
    let content = &first.body.content;
    assert!(content.template.is_illustrated && content.texts.is_empty());
    assert_eq!(content.rules.suppress_below, Some(10));
    // 3 of 59 sessions are too few to be printed, so that there is no rate either.
    assert_eq!((content.total_of(Figure::ConvertedSessions), content.total_ctr()), (Some(Cell::Small), None));
    let said = |report: &Report| {
        report.body.content.texts.iter().map(|text| (text.key.clone(), text.text.clone())).collect::<Vec<_>>()
    };
    let introduction = ("impact_introduction".to_owned(), "Why we do this.".to_owned());
    let second = approved(&installation, &side, &with(&[("impact_introduction", " Why we do this. ")])).await;
    assert_eq!(said(&second), std::slice::from_ref(&introduction));
    assert_eq!(second.body.changes.len(), 1);
    // It is kept until somebody takes it away, and then it does not come back.
    let draft = installation.engine.draft_report(&side.manager, &with(&[]), BY).await.unwrap();
    assert_eq!(said(&draft), [introduction]);
    for form in [with(&[("impact_introduction", "")]), with(&[])] {
        let draft = installation.engine.draft_report(&side.manager, &form, BY).await.unwrap();
        assert_eq!(said(&draft), []);
        assert_eq!(draft.body.changes[0].before, "Why we do this.");
    }
    assert_eq!(
        refused(&installation, &side, &with(&[("detection_protocol", "x")])).await,
        ["texts.detection_protocol"]
    );
}

async fn an_approved_report_fixes_the_time_zone(installation: Installation) {
    helplines(&installation).await;
    let side = customer(&installation, "Acme").await;
    let (engine, operator, of) = (&installation.engine, &installation.operator, side.manager.customer().id);
    let zone = |name: &str| CustomerForm {
        name: "Acme".to_owned(),
        time_zone: name.to_owned(),
        limits: CustomerLimits::default(),
    };
    // A draft fixes nothing, and is of other days then.
    let draft = engine.draft_report(&side.manager, &form(WASHINGTON, "2026"), BY).await.unwrap();
    engine.update_customer(operator, of, &zone("Asia/Tokyo")).await.unwrap();
    let outdated = engine.approve_report(&side.manager, draft.id, BY).await;
    assert_eq!(fields(outdated.unwrap_err()), ["report"]);
    installation.settle().await;
    // Whoever still knows the zone before is told to come again.
    let stale = engine.draft_report(&side.manager, &form(WASHINGTON, "2026"), BY).await;
    assert!(matches!(stale, Err(Error::Unavailable(_))));
    let side = Side { manager: engine.console_manager(operator, of).unwrap(), ..side };
    approved(&installation, &side, &form(WASHINGTON, "2026")).await;
    let refused = engine.update_customer(operator, of, &zone("Europe/Berlin")).await.unwrap_err();
    assert!(refused.to_string().contains("A report has been approved"), "{refused}");
    assert_eq!(fields(refused), ["time_zone"]);
    engine.update_customer(operator, of, &zone("Asia/Tokyo")).await.unwrap();
}
