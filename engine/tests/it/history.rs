//! Imports of history: events are counted like any others, counts are in no figure, and nothing is ever counted twice.

use crate::billing::billed;
use crate::golden::{EVENTS, EXPECTED, Stream, measured, prepare, pretty_assertions};
use crate::support::{Installation, at, on_both};
use domain::account::{CustomerForm, CustomerLimits, Tier};
use domain::audit::ActionKind;
use domain::billing::BillableFigure;
use domain::event::{AcceptedTimes, Kind, Submitted, check_typed};
use domain::history::{FileForm, ImportStatus, MappingForm};
use domain::ids::HelplineNo;
use domain::period::{Filter, Period};
use domain::report::{Cell, ReportForm};
use domain::{CustomerId, Timestamp};
use engine::{Error, HistoryError, HistoryForm, HistoryReport, Paging};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

on_both!(
    the_worked_stream_comes_in_as_history,
    history_that_was_posted_in_part_is_counted_once,
    what_retention_would_give_up_is_refused,
    counts_are_marked_in_reports_and_in_no_figure,
    what_broke_off_goes_on_where_it_was,
    a_file_that_changes_meanwhile_is_not_imported,
    bad_rows_are_told_and_nothing_is_imported,
    the_application_must_be_known,
    history_is_on_statements_and_counts_are_not,
);

pub const BY: &str = "olga@example.org";

pub fn form(file: &str, mapping: &Value) -> HistoryForm {
    HistoryForm {
        file: file.to_owned(),
        form: FileForm::of_name(file).unwrap(),
        mapping: serde_json::from_value::<MappingForm>(mapping.clone()).unwrap(),
        application: None,
        without_sessions: false,
        dry_run: false,
    }
}

pub async fn import(
    installation: &Installation,
    customer: CustomerId,
    form: &HistoryForm,
    source: impl Read + Seek + Send + 'static,
) -> Result<HistoryReport, HistoryError> {
    let (engine, operator) = (&installation.engine, &installation.operator);
    engine.import_history(operator, customer, form, source, BY, Arc::new(|_| {})).await
}

pub fn text(text: &str) -> Cursor<Vec<u8>> {
    Cursor::new(text.as_bytes().to_vec())
}

/// The lines of the worked stream that no rule refuses.
fn good_lines(stream: &Stream) -> Vec<String> {
    let config: Value = serde_json::from_str(include_str!("../../../domain/tests/golden/config.json")).unwrap();
    let times = AcceptedTimes { now: at("2030-01-01T00:00:00Z"), age_max_ms: 1 << 40, ahead_max_ms: 0 };
    let is_good = |line: &&str| {
        let submitted: Submitted<'_> = serde_json::from_str(line).unwrap();
        check_typed(&submitted, times, |id| config["helplines"].get(id).map(|_| HelplineNo(1))).is_ok()
    };
    assert_eq!(stream.names.len(), config["applications"].as_object().unwrap().len());
    EVENTS.lines().filter(is_good).map(str::to_owned).collect()
}

/// Applications are called by their names in the worked stream.
fn golden_mapping(stream: &Stream) -> Value {
    let ids: serde_json::Map<String, Value> = stream.names.iter().map(|(id, name)| (name.clone(), json!(id))).collect();
    json!({"columns": {"application_id": "application"}, "values": {"application_id": ids}, "ignore": ["*"]})
}

/// As in production: the API takes events of 35 days.
pub async fn ten_months_later(installation: &mut Installation) {
    installation.settings.event_age_max_days = 35;
    installation.settings.event_ahead_max_seconds = 300;
    installation.clock.set("2027-09-01T12:00:00Z");
    installation.restart().await;
}

async fn has_expected_figures(stream: &Stream) {
    let expected: Value = serde_json::from_str(EXPECTED).unwrap();
    stream.installation.settle().await;
    for tier in [Tier::Production, Tier::Sandbox] {
        pretty_assertions(&measured(stream, tier).await, &expected["tiers"][tier.as_str()]);
    }
}

async fn the_worked_stream_comes_in_as_history(mut installation: Installation) {
    ten_months_later(&mut installation).await;
    let stream = prepare(installation, "Asia/Kathmandu").await;
    let lines = good_lines(&stream);
    let file = lines.join("\n");
    let (installation, customer) = (&*stream.installation, stream.customer);
    let form = form("golden.ndjson", &golden_mapping(&stream));
    let dry =
        import(installation, customer, &HistoryForm { dry_run: true, ..form.clone() }, text(&file)).await.unwrap();
    assert_eq!((dry.rows, dry.import, dry.accepted), (2_100, None, None));
    let total: (u64, u64) = dry.months.values().fold((0, 0), |sum, it| (sum.0 + it.displays, sum.1 + it.clicks));
    assert_eq!(total.0 + total.1, 2_100);
    let imports = installation.engine.history_imports(&stream.reader, &Paging::default()).await.unwrap();
    assert_eq!(imports.items, []);

    let done = import(installation, customer, &form, text(&file)).await.unwrap();
    assert_eq!((done.accepted, done.duplicates, done.already_done), (Some(2_000), Some(100), false));
    has_expected_figures(&stream).await;

    // The same again, the same as another file, and a file that overlaps: nothing changes.
    let again = import(installation, customer, &form, text(&file)).await.unwrap();
    assert_eq!((again.already_done, again.import, again.accepted), (true, done.import, Some(2_000)));
    let other = import(installation, customer, &form, text(&format!("{file}\n"))).await.unwrap();
    assert_eq!((other.already_done, other.accepted, other.duplicates), (false, Some(0), Some(2_100)));
    let part = lines[300..900].join("\n");
    let part = import(installation, customer, &form, text(&part)).await.unwrap();
    assert_eq!((part.accepted, part.duplicates), (Some(0), Some(600)));
    has_expected_figures(&stream).await;

    let imports = installation.engine.history_imports(&stream.reader, &Paging::default()).await.unwrap();
    assert_eq!(imports.items.len(), 3);
    assert!(imports.items.iter().all(|import| import.status == ImportStatus::Done && import.has_sessions));
    let withdrawn =
        installation.engine.withdraw_history(&installation.operator, customer, imports.items[0].id, BY).await;
    assert!(matches!(withdrawn, Err(Error::Invalid(_))), "{withdrawn:?}");
    let reader = installation.engine.console_audit_reader(&installation.operator, Some(customer)).unwrap();
    let reader = reader.of_kind(Some(ActionKind::Imports));
    let audit = installation.engine.audit_log(&reader, &Paging::default()).await.unwrap();
    // The clock stands still, so that their order says nothing.
    let mut actions: Vec<_> = audit.items.iter().map(|entry| (entry.action.as_str(), entry.subject.as_str())).collect();
    actions.sort_unstable();
    let [begun, imported] = ["history_begun", "history_imported"].map(|action| [(action, "golden.ndjson"); 3]);
    assert_eq!(actions, [begun, imported].concat());
    assert!(audit.items.iter().all(|entry| entry.actor == BY && !entry.details.to_string().contains("session_id")));
}

async fn history_that_was_posted_in_part_is_counted_once(installation: Installation) {
    let mut stream = prepare(installation, "Asia/Kathmandu").await;
    let lines = good_lines(&stream);
    for line in lines.iter().step_by(3) {
        let event: Value = serde_json::from_str(line).unwrap();
        let client = &stream.clients[event["application"].as_str().unwrap()];
        let kind = if event["type"] == "helpline_click" { Kind::Click } else { Kind::Display };
        stream.installation.post(client, kind, &event).await.unwrap();
    }
    ten_months_later(Arc::get_mut(&mut stream.installation).unwrap()).await;
    let form = form("golden.jsonl", &golden_mapping(&stream));
    let done = import(&stream.installation, stream.customer, &form, text(&lines.join("\n"))).await.unwrap();
    assert!(done.duplicates.unwrap() >= 700 && done.accepted.unwrap() > 1_000, "{done:?}");
    has_expected_figures(&stream).await;
}

/// A customer with one production application, and displays of `h1`, one a day.
pub async fn customer(installation: &Installation, months: Option<u32>) -> CustomerId {
    installation.helplines(&[("h1", "DE"), ("h2", "FR")]).await;
    let limits = CustomerLimits { event_retention_months: months, ..CustomerLimits::default() };
    let form = CustomerForm { name: "Acme".into(), time_zone: "Europe/Berlin".into(), limits };
    let customer = installation.engine.create_customer(&installation.operator, &form).await.unwrap().id;
    installation.application(customer, "web", Tier::Production).await;
    installation.application(customer, "test", Tier::Sandbox).await;
    customer
}

pub fn displays(days: impl IntoIterator<Item = &'static str>) -> String {
    let row = |day: &str| format!("helpline_display,h1,s-{day},{day}T10:00:00Z\n");
    let rows: String = days.into_iter().map(row).collect();
    format!("type,helpline_id,session_id,timestamp\n{rows}")
}

pub fn codes(imported: Result<HistoryReport, HistoryError>) -> Vec<(u64, &'static str, String)> {
    match imported {
        Err(HistoryError::Rejected(rejected)) => {
            rejected.first.into_iter().map(|fault| (fault.line, fault.code, fault.detail)).collect()
        }
        other => panic!("{other:?}"),
    }
}

pub fn sentence(imported: Result<HistoryReport, HistoryError>) -> String {
    match imported {
        Err(HistoryError::Engine(Error::Invalid(faults))) => faults.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn what_retention_would_give_up_is_refused(mut installation: Installation) {
    ten_months_later(&mut installation).await;
    let of = customer(&installation, None).await;
    let plain = form("a.csv", &json!({}));
    // Thirteen months before September 2027.
    let found = codes(import(&installation, of, &plain, text(&displays(["2026-07-31", "2026-08-01"]))).await);
    assert_eq!((found.len(), found[0].0, found[0].1), (1, 2, "timestamp_too_old"));
    assert!(found[0].2.contains("2026-08-01") && found[0].2.contains("Raise"), "{found:?}");
    let found = codes(import(&installation, of, &plain, text(&displays(["2027-09-02"]))).await);
    assert_eq!((found[0].0, found[0].1), (2, "timestamp_in_future"));

    let raised = CustomerForm {
        name: "Acme".into(),
        time_zone: "Europe/Berlin".into(),
        limits: CustomerLimits { event_retention_months: Some(40), ..CustomerLimits::default() },
    };
    installation.engine.update_customer(&installation.operator, of, &raised).await.unwrap();
    let file = displays(["2025-02-28", "2026-07-31", "2026-08-01"]);
    let done = import(&installation, of, &plain, text(&file)).await.unwrap();
    assert_eq!((done.accepted, done.first_day.to_string().as_str()), (Some(3), "2025-02-28"));
    installation.settle().await;

    // From now on they are kept for thirteen months again, and given up.
    let lowered = CustomerForm { limits: CustomerLimits::default(), ..raised };
    installation.engine.update_customer(&installation.operator, of, &lowered).await.unwrap();
    installation.restart().await;
    installation.give_up_events().await;
    // Sessions that go on from what was given up could not be counted right.
    let found = codes(import(&installation, of, &plain, text(&displays(["2026-08-20"]))).await);
    assert!(found[0].1 == "timestamp_too_old" && found[0].2.contains("without sessions"), "{found:?}");
    let done = import(&installation, of, &plain, text(&displays(["2026-09-20"]))).await.unwrap();
    assert_eq!(done.accepted, Some(1));
    installation.settle().await;
}

/// Rows of counts: day, helpline, what, how many.
pub fn counts(rows: &[(&str, &str, &str, u32)]) -> String {
    let row = |(day, helpline, what, n): &(&str, &str, &str, u32)| format!("{day};{helpline};{what};{n}\n");
    format!("day;line;what;n\n{}", rows.iter().map(row).collect::<String>())
}

pub fn counts_form(file: &str) -> HistoryForm {
    let mapping = json!({
        "columns": {"timestamp": "day", "helpline_id": "line", "type": "what", "contact_method": "what", "count": "n", "session_id": null},
        "values": {"type": {"seen": "helpline_display", "called": "helpline_click"}, "contact_method": {"called": "phone"}},
        "timestamp": {"form": "pattern", "pattern": "%Y-%m-%d"},
        "delimiter": ";",
    });
    form(file, &mapping)
}

pub async fn draft(installation: &Installation, of: CustomerId, reason: &str) -> engine::Report {
    let manager = installation.engine.console_manager(&installation.operator, of).unwrap();
    let form = ReportForm {
        template: "transparency".to_owned(),
        period: "2026".to_owned(),
        reason: reason.to_owned(),
        ..ReportForm::default()
    };
    installation.engine.draft_report(&manager, &form, BY).await.unwrap()
}

async fn counts_are_marked_in_reports_and_in_no_figure(installation: Installation) {
    let of = customer(&installation, None).await;
    installation.clock.set("2027-01-05T12:00:00Z");
    let reader = installation.engine.console_reader(&installation.operator, Some(of)).unwrap();
    assert_eq!(draft(&installation, of, "").await.body.content.imported, None);

    // Long before what raw events are kept for.
    let file = counts(&[
        ("2026-01-05", "h1", "seen", 40),
        ("2026-01-05", "h1", "seen", 2),
        ("2026-02-01", "h2", "called", 10),
    ]);
    let done = import(&installation, of, &counts_form("a.csv"), text(&file)).await.unwrap();
    assert_eq!((done.added, done.accepted, done.rows), (Some(52), None, 3));
    let again = import(&installation, of, &counts_form("a.csv"), text(&file)).await.unwrap();
    assert_eq!((again.already_done, again.added), (true, Some(52)));

    installation.settle().await;
    let period = Period::new("2026-01-01".parse().unwrap(), "2027-01-01".parse().unwrap()).unwrap();
    let summary = installation.engine.summary(&reader, period, &Filter::default()).await.unwrap();
    assert!(summary.counts.is_zero());
    let content = draft(&installation, of, "").await.body.content;
    let imported = content.imported.clone().unwrap();
    assert_eq!((imported.displays, imported.clicks), (Cell::Count(42), Cell::Count(10)));
    assert!(content.imported_sentence().unwrap().contains("42 displays and 10 clicks of 2026-01-05 to 2026-02-01"));
    assert!(content.total.iter().all(|cell| *cell == Cell::Count(0)));
    // A report of one exact number says that there is something, and not how much.
    let form =
        ReportForm { template: "washington-disclosure".to_owned(), period: "2026".to_owned(), ..ReportForm::default() };
    let manager = installation.engine.console_manager(&installation.operator, of).unwrap();
    let law = installation.engine.draft_report(&manager, &form, BY).await.unwrap().body.content;
    let without_numbers = law.imported.clone().unwrap();
    assert_eq!((without_numbers.displays, without_numbers.clicks), (Cell::Absent, Cell::Absent));
    assert!(law.imported_sentence().unwrap().contains("displays and clicks of 2026-01-01 to 2026-02-28"));
    let first = installation.engine.console_manager(&installation.operator, of).unwrap();
    let report = draft(&installation, of, "").await;
    installation.engine.approve_report(&first, report.id, BY).await.unwrap();

    // A day is imported once, by application.
    let more = counts(&[("2026-02-01", "h1", "seen", 3)]);
    let refused = sentence(import(&installation, of, &counts_form("b.csv"), text(&more)).await);
    assert!(refused.contains("a.csv") && refused.contains(&done.import.unwrap().to_string()), "{refused}");
    // And the days between those of a file are not the file's.
    let between = counts(&[("2026-01-20", "h1", "seen", 3), ("2026-02-02", "h1", "seen", 3)]);
    let third = import(&installation, of, &counts_form("d.csv"), text(&between)).await.unwrap();
    let twice = counts(&[("2026-01-20", "h2", "called", 1), ("2026-01-21", "h2", "called", 1)]);
    let refused = sentence(import(&installation, of, &counts_form("e.csv"), text(&twice)).await);
    assert!(refused.contains("of d.csv has 2026-01-20 to 2026-01-20"), "{refused}");
    installation.engine.withdraw_history(&installation.operator, of, third.import.unwrap(), BY).await.unwrap();
    let more = counts(&[("2026-02-02", "h1", "seen", 3)]);
    let second = import(&installation, of, &counts_form("b.csv"), text(&more)).await.unwrap();
    let corrected = draft(&installation, of, "More came in.").await;
    assert_eq!(corrected.body.content.imported.as_ref().unwrap().displays, Cell::Withheld);
    let changes: Vec<_> = corrected.body.changes.iter().map(|it| (it.what.as_str(), it.after.as_str())).collect();
    let after = "withheld displays, 10 clicks; 2026-01-01 to 2026-02-28";
    assert_eq!(changes, [("Imported without sessions", after)]);

    // Counts of a sandbox are of no report.
    let applications = installation.engine.list_applications(&reader, Paging::default()).await.unwrap();
    let sandbox = applications.items.iter().find(|application| application.tier == Tier::Sandbox).unwrap().id;
    let of_sandbox = HistoryForm { application: Some(sandbox), ..counts_form("c.csv") };
    import(&installation, of, &of_sandbox, text(&counts(&[("2026-02-01", "h1", "seen", 500)]))).await.unwrap();

    let engine = &installation.engine;
    engine.withdraw_history(&installation.operator, of, second.import.unwrap(), BY).await.unwrap();
    let again = engine.withdraw_history(&installation.operator, of, second.import.unwrap(), BY).await;
    assert!(matches!(again, Err(Error::Invalid(_))), "{again:?}");
    let corrected = draft(&installation, of, "It was wrong.").await;
    assert_eq!((corrected.body.content.imported, corrected.body.changes), (content.imported, vec![]));
    // What was withdrawn can come in again.
    let back = import(&installation, of, &counts_form("b.csv"), text(&more)).await.unwrap();
    assert!(back.import != second.import && back.added == Some(3));
    let audit_reader = installation.engine.console_audit_reader(&installation.operator, Some(of)).unwrap();
    let audit = installation.engine.audit_log(&audit_reader, &Paging::default()).await.unwrap();
    let withdrawn = audit.items.iter().filter(|it| it.action.as_str() == "history_withdrawn");
    let files: BTreeSet<_> = withdrawn.map(|it| it.subject.as_str()).collect();
    assert_eq!(files, ["b.csv", "d.csv"].into());
}

/// A file that cannot be read to its end the second time, or has changed by then.
pub struct Broken {
    pub file: Cursor<Vec<u8>>,
    pub rewinds: u32,
    pub fails_at: u64,
    /// What it holds the second time.
    pub changed: Option<Vec<u8>>,
}

impl Read for Broken {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        if self.rewinds >= 2 && self.file.position() >= self.fails_at {
            return Err(std::io::Error::other("the disk is gone"));
        }
        let len = to.len().min(4_096);
        self.file.read(&mut to[..len])
    }
}

impl Seek for Broken {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        if to == SeekFrom::Start(0) {
            self.rewinds += 1;
            if let Some(changed) = self.changed.take_if(|_| self.rewinds == 2) {
                self.file = Cursor::new(changed);
            }
        }
        self.file.seek(to)
    }
}

/// Many displays, three of each session, in October 2026.
pub fn many(rows: u32) -> String {
    let first = at("2026-10-05T00:00:00Z");
    let row = |i: u32| {
        let time: Timestamp = first.plus(i64::from(i) * 60_000);
        format!("helpline_display,h{},s{},{time}\n", 1 + i % 2, i / 3)
    };
    format!("type,helpline_id,session_id,timestamp\n{}", (0..rows).map(row).collect::<String>())
}

async fn what_broke_off_goes_on_where_it_was(mut installation: Installation) {
    const ROWS: u32 = 10_500;
    let of = customer(&installation, None).await;
    let file = many(ROWS);
    let reader = installation.engine.console_reader(&installation.operator, Some(of)).unwrap();
    for (without_sessions, now) in [(false, "2026-11-24T12:00:00Z"), (true, "2026-11-24T12:00:01Z")] {
        installation.clock.set(now);
        let form = HistoryForm { without_sessions, ..form("many.csv", &json!({})) };
        let fails_at = file.len() as u64 * 9 / 10;
        let broken = Broken { file: text(&file), rewinds: 0, fails_at, changed: None };
        let broke = import(&installation, of, &form, broken).await;
        assert!(matches!(broke, Err(HistoryError::Read(_))), "{broke:?}");
        let imports = installation.engine.history_imports(&reader, &Paging::default()).await.unwrap();
        assert_eq!((imports.items[0].status, imports.items[0].rows_done), (ImportStatus::Running, 8_000));
        installation.crash().await;
        let done = import(&installation, of, &form, text(&file)).await.unwrap();
        assert_eq!((done.resumed_at, done.rows, done.import), (8_000, 10_500, Some(imports.items[0].id)));
        let brought = if without_sessions { done.added } else { done.accepted };
        assert_eq!(brought, Some(u64::from(ROWS)));
    }
    installation.settle().await;
    let period = Period::new("2026-10-01".parse().unwrap(), "2026-11-01".parse().unwrap()).unwrap();
    let summary = installation.engine.summary(&reader, period, &Filter::default()).await.unwrap();
    assert_eq!(summary.counts.get(domain::figures::Figure::GrossDisplays), i64::from(ROWS));
    assert_eq!(summary.counts.get(domain::figures::Figure::Reach), i64::from(ROWS / 3));
    installation.clock.set("2027-01-05T12:00:00Z");
    let imported = draft(&installation, of, "").await.body.content.imported.unwrap();
    assert_eq!(imported.displays, Cell::Count(i64::from(ROWS)));
}

async fn a_file_that_changes_meanwhile_is_not_imported(installation: Installation) {
    let of = customer(&installation, None).await;
    let reader = installation.engine.console_reader(&installation.operator, Some(of)).unwrap();
    let form = HistoryForm { without_sessions: true, ..form("many.csv", &json!({})) };
    let file = many(9_000);
    for changed in [
        many(9_001),
        file.replacen("helpline_display,h1,s2500", "helpline_display,h2,s2500", 1),
        file.replace("h2", "x"),
    ] {
        let changed = Some(changed.into_bytes());
        let broken = Broken { file: text(&file), rewinds: 0, fails_at: u64::MAX, changed };
        let refused = sentence(import(&installation, of, &form, broken).await);
        assert!(refused.contains("changed"), "{refused}");
        let imports = installation.engine.history_imports(&reader, &Paging::default()).await.unwrap();
        assert!(imports.items.iter().all(|import| import.status == ImportStatus::Withdrawn));
    }
    import(&installation, of, &form, text(&file)).await.unwrap();
}

async fn bad_rows_are_told_and_nothing_is_imported(installation: Installation) {
    let of = customer(&installation, None).await;
    let reader = installation.engine.console_reader(&installation.operator, Some(of)).unwrap();
    let file = format!("{}{}", displays(["2026-11-01"]), "helpline_display,x,s,never\n".repeat(50_000));
    let Err(HistoryError::Rejected(rejected)) =
        import(&installation, of, &form("bad.csv", &json!({})), text(&file)).await
    else {
        panic!("bad rows were taken");
    };
    assert_eq!((rejected.first.len(), rejected.faults, rejected.rows), (20, 100_000, 50_000));
    assert_eq!((rejected.first[0].line, rejected.first[0].code), (3, "helpline_unknown"));
    for empty in ["", "type,helpline_id,session_id,timestamp\n", "\u{feff}\n\n"] {
        let refused = sentence(import(&installation, of, &form("empty.csv", &json!({})), text(empty)).await);
        assert!(refused.contains("no rows"), "{refused}");
    }
    let imports = installation.engine.history_imports(&reader, &Paging::default()).await.unwrap();
    assert_eq!(imports.items, []);
    installation.settle().await;
}

async fn the_application_must_be_known(installation: Installation) {
    let of = customer(&installation, None).await;
    installation.application(of, "app", Tier::Production).await;
    let other = installation.customer("Other", "UTC").await;
    let foreign = installation.application(other, "web", Tier::Production).await.application.id;
    let plain = form("a.csv", &json!({}));
    let file = displays(["2026-11-01"]);
    let found = codes(import(&installation, of, &plain, text(&file)).await);
    assert_eq!((found[0].0, found[0].1), (1, "column_missing"));
    assert!(found[0].2.contains("web, production") && found[0].2.contains("app, production"), "{found:?}");
    assert!(!found[0].2.contains(&foreign.to_string()));

    let refused =
        import(&installation, of, &HistoryForm { application: Some(foreign), ..plain.clone() }, text(&file)).await;
    assert!(sentence(refused).contains("application"));
    let of_other = form("a.csv", &json!({"constants": {"application_id": foreign}}));
    assert_eq!(codes(import(&installation, of, &of_other, text(&file)).await)[0].1, "application_unknown");
    let reader = installation.engine.console_reader(&installation.operator, Some(of)).unwrap();
    let own = installation.engine.list_applications(&reader, Paging::default()).await.unwrap().items[0].id;
    let done = import(&installation, of, &HistoryForm { application: Some(own), ..plain }, text(&file)).await.unwrap();
    assert_eq!(done.applications, [own]);
}

async fn history_is_on_statements_and_counts_are_not(installation: Installation) {
    let billed = billed(&installation, BillableFigure::Reach).await;
    let Installation { engine, operator, .. } = &installation;
    let month = |text: &str| text.parse().unwrap();
    let plain = form("a.csv", &json!({}));
    import(&installation, billed.customer, &plain, text(&displays(["2026-10-01", "2026-10-02"]))).await.unwrap();
    let draft = engine.statement(&billed.reader, month("2026-10")).await.unwrap();
    assert_eq!((draft.waterfall.billable, draft.waterfall.gross), (2, 2));
    let issued = engine.issue_statement(operator, billed.customer, month("2026-10"), None, false).await.unwrap();

    let more = displays(["2026-10-02", "2026-10-03", "2026-10-04"]);
    import(&installation, billed.customer, &plain, text(&more)).await.unwrap();
    let as_counts = HistoryForm { without_sessions: true, ..plain };
    import(&installation, billed.customer, &as_counts, text(&more)).await.unwrap();
    assert_eq!(engine.statement(&billed.reader, month("2026-10")).await.unwrap(), issued.statement);
    let november = engine.statement(&billed.reader, month("2026-11")).await.unwrap();
    let [adjustment] = &november.adjustments[..] else { panic!("one month has changed") };
    assert_eq!((adjustment.before.billable, adjustment.after.billable), (2, 4));
    assert!(engine.recompute_statement(&billed.reader, month("2026-10")).await.unwrap().is_equal);
}
