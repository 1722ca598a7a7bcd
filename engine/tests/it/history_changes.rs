//! Imports of history while something else changes: the file, reports, the customer, or how long events are kept.

use crate::history::{
    BY, Broken, codes, counts, counts_form, customer, displays, draft, form, import, many, sentence, ten_months_later,
    text,
};
use crate::support::{Installation, on_both};
use domain::CustomerId;
use domain::account::{CustomerForm, CustomerLimits, Tier};
use domain::figures::Figure;
use domain::history::ImportStatus;
use domain::period::{Filter, Period};
use domain::report::{Cell, ReportForm};
use engine::{Error, HistoryError, HistoryForm, HistoryImport, Paging};
use serde_json::json;
use sqlx::Connection;
use std::io::{Cursor, Read, Seek, SeekFrom};

on_both!(
    events_of_a_file_that_changed_begin_anew,
    rows_of_another_file_are_not_skipped,
    a_file_that_means_something_else_by_now_is_another_one,
    days_of_counts_hold_the_time_zone,
    history_that_comes_or_goes_outdates_drafts,
    reports_wait_for_the_end_of_an_import,
    an_import_that_broke_off_can_be_given_up,
    a_file_that_is_too_old_by_now_is_known,
);

async fn events_of_a_file_that_changed_begin_anew(installation: Installation) {
    let of = customer(&installation, None).await;
    let reader = installation.engine.console_reader(&installation.operator, Some(of)).unwrap();
    let (form, file) = (form("many.csv", &json!({})), many(9_000));
    let changed = file.replacen("helpline_display,h1,s100,", "helpline_display,h2,s100,", 1);
    let broken = Broken { file: text(&file), rewinds: 0, fails_at: u64::MAX, changed: Some(changed.into_bytes()) };
    let refused = sentence(import(&installation, of, &form, broken).await);
    assert!(refused.contains("changed"), "{refused}");
    let imports = installation.engine.history_imports(&reader, &Paging::default()).await.unwrap().items;
    let [begun] = &imports[..] else { panic!("{imports:?}") };
    assert_eq!((begun.status, begun.rows_done, begun.added), (ImportStatus::Running, 0, 0));
    let audit_reader = installation.engine.console_audit_reader(&installation.operator, Some(of)).unwrap();
    let audit = installation.engine.audit_log(&audit_reader, &Paging::default()).await.unwrap().items;
    let set_back = audit.iter().find(|entry| entry.action.as_str() == "history_set_back").unwrap();
    assert_eq!((set_back.actor.as_str(), set_back.details["rows_done"].as_u64()), (BY, Some(9_000)));

    // The row that was another one comes in after all.
    let done = import(&installation, of, &form, text(&file)).await.unwrap();
    assert_eq!((done.import, done.resumed_at), (Some(begun.id), 0));
    assert_eq!((done.accepted, done.duplicates), (Some(1), Some(8_999)));
    installation.settle().await;
    let period = Period::new("2026-10-01".parse().unwrap(), "2026-11-01".parse().unwrap()).unwrap();
    let summary = installation.engine.summary(&reader, period, &Filter::default()).await.unwrap();
    assert_eq!(summary.counts.get(Figure::GrossDisplays), 9_001);
}

/// Begins to import a file that is another one by the second time it is read, and breaks off after 8,000 rows.
async fn breaks_off(installation: &Installation, of: CustomerId, form: &HistoryForm, file: &str, changed: String) {
    let fails_at = file.len() as u64 * 9 / 10;
    let broken = Broken { file: text(file), rewinds: 0, fails_at, changed: Some(changed.into_bytes()) };
    let broke = import(installation, of, form, broken).await;
    assert!(matches!(broke, Err(HistoryError::Read(_))), "{broke:?}");
}

/// Nothing is skipped for the sake of rows that came in from a file of other rows, before it broke off.
async fn rows_of_another_file_are_not_skipped(installation: Installation) {
    let of = customer(&installation, None).await;
    let reader = installation.engine.console_reader(&installation.operator, Some(of)).unwrap();
    let imports = async || installation.engine.history_imports(&reader, &Paging::default()).await.unwrap().items;
    for without_sessions in [false, true] {
        let form = HistoryForm { without_sessions, ..form("many.csv", &json!({})) };
        let is_of_these = |import: &HistoryImport| {
            let is_in_use = import.status != ImportStatus::Withdrawn;
            is_in_use && import.has_sessions != without_sessions
        };
        let file = many(10_500);
        // A row among the first 8,000 was another one.
        let changed = file.replacen("display,h1,s2500,", "display,h2,s2500,", 1);
        assert_ne!(changed, file);
        breaks_off(&installation, of, &form, &file, changed).await;
        let refused = sentence(import(&installation, of, &form, text(&file)).await);
        assert!(refused.contains("earlier try") && refused.contains("Import the file again"), "{refused}");
        let left: Vec<_> = imports().await.into_iter().filter(is_of_these).map(|import| import.rows_done).collect();
        assert_eq!(left, if without_sessions { vec![] } else { vec![0] });
        let done = import(&installation, of, &form, text(&file)).await.unwrap();
        assert_eq!((done.resumed_at, done.rows), (0, 10_500));
        if without_sessions {
            assert_eq!(done.added, Some(10_500));
            installation.engine.withdraw_history(&installation.operator, of, done.import.unwrap(), BY).await.unwrap();
        } else {
            assert_eq!((done.accepted, done.duplicates), (Some(2_501), Some(7_999)));
        }

        // A row after them was, and had not come in: the next try goes on.
        let file = format!("{file}\n");
        let changed = file.replacen("display,h1,s3400,", "display,h2,s3400,", 1);
        assert_ne!(changed, file);
        breaks_off(&installation, of, &form, &file, changed).await;
        let done = import(&installation, of, &form, text(&file)).await.unwrap();
        assert_eq!((done.resumed_at, done.rows), (8_000, 10_500));
        assert_eq!((done.added, done.accepted), if without_sessions { (Some(10_500), None) } else { (None, Some(0)) });
    }
    installation.settle().await;
    let period = Period::new("2026-10-01".parse().unwrap(), "2026-11-01".parse().unwrap()).unwrap();
    let summary = installation.engine.summary(&reader, period, &Filter::default()).await.unwrap();
    assert_eq!(summary.counts.get(Figure::GrossDisplays), 10_501);
}

async fn change_zone(installation: &Installation, of: CustomerId, zone: &str) -> Result<(), String> {
    let form = CustomerForm { name: "Acme".into(), time_zone: zone.into(), limits: CustomerLimits::default() };
    match installation.engine.update_customer(&installation.operator, of, &form).await {
        Ok(customer) if customer.time_zone.name() == zone => Ok(()),
        Err(Error::Invalid(faults)) => Err(faults.to_string()),
        other => panic!("{other:?}"),
    }
}

async fn a_file_that_means_something_else_by_now_is_another_one(installation: Installation) {
    let of = customer(&installation, None).await;
    let local = json!({"timestamp": {"form": "pattern", "pattern": "%Y-%m-%dT%H:%M:%SZ"}});
    let (local, file) = (form("local.csv", &local), displays(["2026-11-01", "2026-11-02"]));
    let berlin = import(&installation, of, &local, text(&file)).await.unwrap();
    assert_eq!(berlin.accepted, Some(2));
    assert!(import(&installation, of, &local, text(&file)).await.unwrap().already_done);
    change_zone(&installation, of, "Asia/Tokyo").await.unwrap();
    let tokyo = import(&installation, of, &local, text(&file)).await.unwrap();
    assert_eq!((tokyo.already_done, tokyo.accepted), (false, Some(2)));

    // Instants are the same everywhere.
    let (plain, file) = (form("plain.csv", &json!({})), displays(["2026-11-03"]));
    let before = import(&installation, of, &plain, text(&file)).await.unwrap();
    change_zone(&installation, of, "Europe/Berlin").await.unwrap();
    let again = import(&installation, of, &plain, text(&file)).await.unwrap();
    assert_eq!((again.already_done, again.import), (true, before.import));

    // Rows that name no application are of another one, once the only one is.
    let manager = installation.engine.console_manager(&installation.operator, of).unwrap();
    installation.engine.revoke_application(&manager, before.applications[0]).await.unwrap();
    let app = installation.application(of, "app", Tier::Production).await.application.id;
    let after = import(&installation, of, &plain, text(&file)).await.unwrap();
    assert_eq!((after.already_done, after.applications), (false, vec![app]));
    installation.settle().await;
}

async fn days_of_counts_hold_the_time_zone(installation: Installation) {
    let of = customer(&installation, None).await;
    let file = counts(&[("2026-01-05", "h1", "seen", 40)]);
    let done = import(&installation, of, &counts_form("a.csv"), text(&file)).await.unwrap();
    assert_eq!((done.first_day.to_string(), done.last_day.to_string()), ("2026-01-05".into(), "2026-01-05".into()));
    let refused = change_zone(&installation, of, "America/New_York").await.unwrap_err();
    assert!(refused.contains("time_zone") && refused.contains("withdraw"), "{refused}");
    change_zone(&installation, of, "Europe/Berlin").await.unwrap();
    let (engine, operator) = (&installation.engine, &installation.operator);
    engine.withdraw_history(operator, of, done.import.unwrap(), BY).await.unwrap();
    change_zone(&installation, of, "America/New_York").await.unwrap();
    let again = import(&installation, of, &counts_form("a.csv"), text(&file)).await.unwrap();
    assert_eq!((again.first_day, again.already_done), (done.first_day, false));
    installation.settle().await;
}

/// Whether an approved report has counts, or why it cannot be approved.
async fn approve(installation: &Installation, of: CustomerId, report: &engine::Report) -> Result<bool, String> {
    let manager = installation.engine.console_manager(&installation.operator, of).unwrap();
    match installation.engine.approve_report(&manager, report.id, BY).await {
        Ok(report) => Ok(report.body.content.imported.is_some()),
        Err(Error::Invalid(faults)) => Err(faults.to_string()),
        Err(error) => panic!("{error}"),
    }
}

async fn history_that_comes_or_goes_outdates_drafts(installation: Installation) {
    let of = customer(&installation, None).await;
    installation.clock.set("2027-01-05T12:00:00Z");
    let (engine, operator) = (&installation.engine, &installation.operator);
    let approve = async |report: &engine::Report| approve(&installation, of, report).await;
    let before = draft(&installation, of, "").await;
    let done =
        import(&installation, of, &counts_form("a.csv"), text(&counts(&[("2026-01-05", "h1", "seen", 40)]))).await;
    let refused = approve(&before).await.unwrap_err();
    assert!(refused.contains("history was imported"), "{refused}");
    assert_eq!(approve(&draft(&installation, of, "").await).await, Ok(true));

    let before = draft(&installation, of, "Again.").await;
    engine.withdraw_history(operator, of, done.unwrap().import.unwrap(), BY).await.unwrap();
    assert!(approve(&before).await.is_err());
    // A draft may have been counted when only some of the events were in the figures.
    let before = draft(&installation, of, "It was wrong.").await;
    import(&installation, of, &form("b.csv", &json!({})), text(&displays(["2026-11-01"]))).await.unwrap();
    let refused = approve(&before).await.unwrap_err();
    assert!(refused.contains("history was imported"), "{refused}");
    assert_eq!(approve(&draft(&installation, of, "It was wrong.").await).await, Ok(false));
    installation.settle().await;
}

/// Begins to import a file, and breaks off after 8,000 of 10,500 rows.
async fn breaks_off_in_the_middle(installation: &Installation, of: CustomerId, form: &HistoryForm) -> String {
    let file = many(10_500);
    breaks_off(installation, of, form, &file, file.clone()).await;
    file
}

/// Drafts a transparency report of a period, or says why that is refused.
async fn draft_of(installation: &Installation, of: CustomerId, period: &str) -> Result<engine::Report, String> {
    let manager = installation.engine.console_manager(&installation.operator, of).unwrap();
    let form = ReportForm { template: "transparency".to_owned(), period: period.to_owned(), ..ReportForm::default() };
    match installation.engine.draft_report(&manager, &form, BY).await {
        Ok(report) => Ok(report),
        Err(Error::Invalid(faults)) => Err(faults.to_string()),
        Err(error) => panic!("{error}"),
    }
}

async fn reports_wait_for_the_end_of_an_import(installation: Installation) {
    let of = customer(&installation, None).await;
    installation.clock.set("2027-01-05T12:00:00Z");
    let manager = installation.engine.console_manager(&installation.operator, of).unwrap();
    for without_sessions in [true, false] {
        let form = HistoryForm { without_sessions, ..form("many.csv", &json!({})) };
        let (before, other) = (
            draft_of(&installation, of, "2026-10").await.unwrap(),
            draft_of(&installation, of, "2026-11").await.unwrap(),
        );
        // Of 5 to 11 October.
        let file = breaks_off_in_the_middle(&installation, of, &form).await;
        for period in ["2026-10", "2026-09/2026-10", "2026-10/2026-12", "2026"] {
            let refused = draft_of(&installation, of, period).await.unwrap_err();
            assert!(refused.contains("many.csv") && refused.contains("run the same command again"), "{refused}");
        }
        let refused = approve(&installation, of, &before).await.unwrap_err();
        assert!(refused.contains("many.csv") && refused.contains("has not ended"), "{refused}");
        // Reports of other months have nothing to do with it, until its end changes what may be told together.
        draft_of(&installation, of, "2026-09").await.unwrap();
        import(&installation, of, &form, text(&file)).await.unwrap();
        for draft in [&before, &other] {
            let refused = approve(&installation, of, draft).await.unwrap_err();
            assert!(refused.contains("history was imported"), "{refused}");
        }
        let whole = draft_of(&installation, of, "2026-10").await.unwrap();
        assert_eq!(whole.body.content.imported.as_ref().unwrap().displays, Cell::Count(10_500));
        installation.engine.discard_report(&manager, whole.id, BY).await.unwrap();
    }
    let whole = draft_of(&installation, of, "2026-10").await.unwrap();
    assert_eq!(approve(&installation, of, &whole).await, Ok(true));
    let reach = whole.body.content.figures.iter().position(|figure| *figure == Figure::Reach).unwrap();
    assert_eq!(whole.body.content.total[reach], Cell::Count(3_500));
    installation.settle().await;
}

async fn an_import_that_broke_off_can_be_given_up(installation: Installation) {
    let of = customer(&installation, None).await;
    installation.clock.set("2027-01-05T12:00:00Z");
    let (engine, operator) = (&installation.engine, &installation.operator);
    let form = form("many.csv", &json!({}));
    let file = breaks_off_in_the_middle(&installation, of, &form).await;
    let reader = engine.console_reader(operator, Some(of)).unwrap();
    let begun = engine.history_imports(&reader, &Paging::default()).await.unwrap().items.remove(0);
    let refused = draft_of(&installation, of, "2026").await.unwrap_err();
    assert!(refused.contains(&format!("withdraw --import {}", begun.id)), "{refused}");

    let given_up = engine.withdraw_history(operator, of, begun.id, BY).await.unwrap();
    assert_eq!((given_up.status, given_up.rows_done), (ImportStatus::Withdrawn, 8_000));
    let report = draft_of(&installation, of, "2026").await.unwrap();
    assert_eq!(approve(&installation, of, &report).await, Ok(false));
    let again = engine.withdraw_history(operator, of, begun.id, BY).await;
    assert!(matches!(again, Err(Error::Invalid(_))), "{again:?}");

    // Its events stay, and the file comes in as another one that has them.
    let done = import(&installation, of, &form, text(&file)).await.unwrap();
    assert!(done.import != Some(begun.id) && done.resumed_at == 0);
    assert_eq!((done.accepted, done.duplicates), (Some(2_500), Some(8_000)));
    installation.settle().await;
}

async fn a_file_that_is_too_old_by_now_is_known(mut installation: Installation) {
    ten_months_later(&mut installation).await;
    let of = customer(&installation, Some(40)).await;
    let (form, file) = (form("old.csv", &json!({})), displays(["2025-03-01", "2026-09-20"]));
    let done = import(&installation, of, &form, text(&file)).await.unwrap();
    // Now events are kept for thirteen months.
    change_zone(&installation, of, "Europe/Berlin").await.unwrap();
    let again = import(&installation, of, &form, text(&file)).await.unwrap();
    assert_eq!((again.already_done, again.import, again.accepted), (true, done.import, Some(2)));
    let dry = HistoryForm { dry_run: true, ..form.clone() };
    let dry = import(&installation, of, &dry, text(&file)).await.unwrap();
    assert_eq!((dry.already_done, dry.import), (true, done.import));
    // Of any other file the same events are refused.
    let found = codes(import(&installation, of, &form, text(&format!("{file}\n"))).await);
    assert_eq!((found.len(), found[0].0, found[0].1), (1, 2, "timestamp_too_old"));
    let found = codes(import(&installation, of, &form, text(&format!("{file}no row\n"))).await);
    assert_eq!(
        found.iter().map(|(line, code, _)| (*line, *code)).collect::<Vec<_>>(),
        [(2, "timestamp_too_old"), (4, "columns_wrong")]
    );
    installation.settle().await;
}

/// A file that waits before it is read the second time.
struct Paused {
    file: Cursor<Vec<u8>>,
    rewinds: u32,
    reached: Option<tokio::sync::oneshot::Sender<()>>,
    go: std::sync::mpsc::Receiver<()>,
}

impl Read for Paused {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        self.file.read(to)
    }
}

impl Seek for Paused {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.rewinds += u32::from(to == SeekFrom::Start(0));
        if let Some(reached) = self.reached.take_if(|_| self.rewinds == 2) {
            reached.send(()).unwrap();
            self.go.recv().unwrap();
        }
        self.file.seek(to)
    }
}

/// Where both lock what they change in the same order, an end and a withdrawal never wait for each other. (SQLite has one
/// lock.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_ends_holds_nothing_before_the_book() {
    let installation = Installation::on_postgres().await;
    let of = customer(&installation, None).await;
    let (reached, is_reached) = tokio::sync::oneshot::channel();
    let (may_go, go) = std::sync::mpsc::channel();
    let file = text(&counts(&[("2026-01-05", "h1", "seen", 40)]));
    let file = Paused { file, rewinds: 0, reached: Some(reached), go };
    let form = counts_form("a.csv");
    let importing = import(&installation, of, &form, file);
    let withdrawing = async {
        is_reached.await.unwrap();
        let url = &installation.settings.database_url;
        let mut watching = sqlx::PgConnection::connect(url).await.unwrap();
        let mut withdrawing = sqlx::PgConnection::connect(url).await.unwrap();
        let mut book = withdrawing.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM report_books FOR UPDATE").execute(&mut *book).await.unwrap();
        may_go.send(()).unwrap();
        let waits =
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut watching).await.unwrap() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let import = "SELECT rows_done FROM imports FOR UPDATE NOWAIT";
        assert_eq!(sqlx::query_scalar::<_, i64>(import).fetch_one(&mut *book).await.unwrap(), 1);
        book.commit().await.unwrap();
    };
    let (done, ()) = tokio::join!(importing, withdrawing);
    assert_eq!(done.unwrap().added, Some(40));
}
