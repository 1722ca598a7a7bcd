//! Exports that are written in the background: by one process at a time, whatever becomes of it, and all of it on record.

use crate::support::{Installation, at, on_both};
use domain::access_link::AccessLinkForm;
use domain::account::{Role, Tier, UserForm};
use domain::audit::{Action, ActionKind};
use domain::event::Kind as EventKind;
use domain::export::job::{
    ExportForm, ExportJob, JobStatus, KEPT_BYTES_MAX, KEPT_FILES_MAX, TRIES_MAX, UNDER_WAY_MAX, WHOLE,
};
use domain::export::{Format, Kind, Manifest, Written};
use domain::period::{Filter, Period};
use domain::{CustomerId, Timestamp};
use engine::actor::{ExportKeeper, Reader, SessionUser};
use engine::{Engine, Error, Export, Paging};
use serde_json::json;

on_both!(
    an_export_is_made_once_and_kept_for_thirty_days,
    what_a_dead_process_left_is_begun_anew,
    one_that_always_ends_its_process_is_given_up,
    one_that_is_given_back_is_begun_anew_and_counts_no_try,
    one_that_cannot_be_read_keeps_no_other_from_its_turn,
    a_cancelled_one_is_nobodys_any_more,
    a_customer_keeps_so_much_and_no_more,
    so_many_files_are_kept_and_no_more,
    a_deleted_file_is_gone_and_its_export_stays_listed,
    only_who_requested_it_or_manages_ends_an_export,
    what_is_wrong_is_said_at_once,
    answers_are_listed_too,
    the_audit_log_tells_all_of_it_and_never_changes,
);

const ME: &str = "me@example.org";

struct Side {
    id: CustomerId,
    reader: Reader,
    keeper: ExportKeeper,
    client: engine::actor::ApiClient,
}

async fn side(installation: &Installation, name: &str) -> Side {
    let id = installation.customer(name, "UTC").await;
    let reader = installation.engine.console_reader(&installation.operator, Some(id)).unwrap();
    let keeper = installation.engine.console_export_keeper(&installation.operator, id, ME).unwrap();
    let credentials = installation.application(id, name, Tier::Production).await;
    Side { id, reader, keeper, client: installation.client(&credentials).await }
}

async fn post(installation: &Installation, side: &Side, session: &str) {
    let body = json!({"helpline_id": "h1", "session_id": session, "timestamp": "2026-11-03T10:00:00Z"});
    assert!(installation.post(&side.client, EventKind::Display, &body).await.unwrap());
}

async fn start(installation: &Installation) -> Side {
    installation.helplines(&[("h1", "DE")]).await;
    let side = side(installation, "Acme").await;
    for session in ["a", "b", "c"] {
        post(installation, &side, session).await;
    }
    installation.settle().await;
    side
}

fn form(kind: Kind) -> ExportForm {
    let period = Period::new("2026-11-01".parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap();
    ExportForm { kind, period, filter: Filter::default(), format: Format::Csv, bom: false }
}

/// What a file with these rows would be.
fn manifest(export: &Export, rows: u64) -> Manifest {
    manifest_of(export, rows, 9)
}

fn manifest_of(export: &Export, rows: u64, bytes: u64) -> Manifest {
    let file = "a.csv".to_owned();
    export.subject().manifest(Written { file, format: Format::Csv, bytes, rows, sha256: "00".repeat(32) })
}

/// Makes the export that has waited longest, of so many bytes.
async fn make(engine: &Engine, bytes: u64) {
    let mut task = engine.claim_export().await.unwrap().unwrap();
    let export = task.take().unwrap();
    assert!(engine.finish_export(&task, &manifest_of(&export, 1, bytes)).await.unwrap());
}

async fn rows(export: &mut Export) -> u64 {
    let mut rows = 0;
    while let Some(page) = export.next().await.unwrap() {
        rows += page.rows() as u64;
    }
    rows
}

async fn job(engine: &Engine, side: &Side, of: &ExportJob) -> ExportJob {
    engine.export_job(&side.reader, of.id).await.unwrap()
}

fn fields(error: Error) -> Vec<String> {
    let Error::Invalid(faults) = error else { panic!("{error}") };
    faults.0.into_iter().map(|fault| fault.field.to_string()).collect()
}

async fn an_export_is_made_once_and_kept_for_thirty_days(installation: Installation) {
    let side = start(&installation).await;
    let engine = &installation.engine;
    let asked = engine.request_export(&side.reader, &form(Kind::Events), ME).await.unwrap();
    assert_eq!((asked.status, asked.progress, asked.requested_by.as_str()), (JobStatus::Queued, 0, ME));
    // What arrives now takes no part.
    post(&installation, &side, "later").await;
    installation.settle().await;
    let mut task = engine.claim_export().await.unwrap().unwrap();
    assert!(task.id() == asked.id && engine.claim_export().await.unwrap().is_none());
    let mut export = task.take().unwrap();
    let rows = rows(&mut export).await;
    let manifest = manifest(&export, rows);
    assert_eq!((manifest.written.rows, manifest.log_length), (3, Some(3)));
    assert!(engine.keep_export(task.place(), 512).await.unwrap());
    let under_way = job(engine, &side, &asked).await;
    assert_eq!((under_way.status, under_way.progress), (JobStatus::Running, 512));
    assert_eq!(engine.exports_with_file().await.unwrap(), [(asked.id, 1)]);
    assert!(engine.finish_export(&task, &manifest).await.unwrap());
    assert!(!engine.finish_export(&task, &manifest).await.unwrap());
    let done = job(engine, &side, &asked).await;
    assert_eq!((done.status, done.progress, done.error.clone()), (JobStatus::Done, WHOLE, None));
    let made = done.made.clone().unwrap();
    assert_eq!((made.written, made.versions), (manifest.written.clone(), manifest.versions));
    let stored = engine.export_manifest(&side.reader, asked.id).await.unwrap();
    assert_eq!(stored, serde_json::to_value(&manifest).unwrap());
    assert_eq!(done.file_expires_at, Some(at("2026-12-24T12:00:00Z")));
    installation.clock.set("2026-12-24T11:59:59Z");
    assert!(done.has_file(engine.now()) && engine.exports_with_file().await.unwrap() == [(asked.id, 1)]);
    installation.clock.set("2026-12-24T12:00:00Z");
    assert!(!done.has_file(engine.now()) && engine.exports_with_file().await.unwrap().is_empty());
    // Nobody else's.
    let other = self::side(&installation, "Other").await;
    assert!(matches!(engine.export_job(&other.reader, asked.id).await, Err(Error::NotFound)));
    assert!(matches!(engine.export_manifest(&other.reader, asked.id).await, Err(Error::NotFound)));
    assert!(matches!(engine.cancel_export(&other.keeper, asked.id).await, Err(Error::NotFound)));
    assert!(engine.export_jobs(&other.reader, &Paging::default()).await.unwrap().items.is_empty());
}

async fn what_a_dead_process_left_is_begun_anew(mut installation: Installation) {
    let side = start(&installation).await;
    let asked = installation.engine.request_export(&side.reader, &form(Kind::Events), ME).await.unwrap();
    let left = installation.engine.claim_export().await.unwrap().unwrap();
    post(&installation, &side, "later").await;
    installation.crash().await;
    let engine = installation.engine.clone();
    assert!(engine.claim_export().await.unwrap().is_none(), "the other one may be alive");
    installation.clock.set("2026-11-24T12:00:20Z");
    installation.settle().await;
    let mut task = engine.claim_export().await.unwrap().unwrap();
    let mut export = task.take().unwrap();
    assert_eq!((task.id(), task.tries(), rows(&mut export).await), (asked.id, 2, 3));
    // The one that was thought dead has lost it.
    let dead = {
        let (other, workers) = installation.another().await;
        let lost = !other.keep_export(left.place(), 1).await.unwrap();
        workers.stop().await;
        lost
    };
    assert!(dead);
    assert!(engine.finish_export(&task, &manifest(&export, 3)).await.unwrap());
}

async fn one_that_always_ends_its_process_is_given_up(installation: Installation) {
    let side = start(&installation).await;
    let asked = installation.engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    for second in 0..TRIES_MAX {
        installation.clock.set(&format!("2026-11-24T12:{second:02}:20Z"));
        assert!(installation.engine.claim_export().await.unwrap().is_some());
    }
    installation.clock.set("2026-11-24T13:00:00Z");
    assert!(installation.engine.claim_export().await.unwrap().is_none());
    let failed = job(&installation.engine, &side, &asked).await;
    assert_eq!(failed.status, JobStatus::Failed);
    assert!(failed.error.unwrap().contains("begun 5 times"));
}

async fn one_that_is_given_back_is_begun_anew_and_counts_no_try(installation: Installation) {
    let side = start(&installation).await;
    let engine = &installation.engine;
    let asked = engine.request_export(&side.reader, &form(Kind::Events), ME).await.unwrap();
    for _ in 0..=TRIES_MAX {
        let task = engine.claim_export().await.unwrap().unwrap();
        assert_eq!((task.id(), task.tries()), (asked.id, 1));
        assert!(engine.keep_export(task.place(), 500).await.unwrap());
        engine.release_exports().await.unwrap();
        let waiting = job(engine, &side, &asked).await;
        assert_eq!((waiting.status, waiting.tries, waiting.progress), (JobStatus::Queued, 0, 0));
        assert!(!engine.keep_export(task.place(), 501).await.unwrap(), "it is nobody's");
    }
    // Another process's stays with it, and what is over is over.
    let mut task = engine.claim_export().await.unwrap().unwrap();
    let (other, workers) = installation.another().await;
    other.release_exports().await.unwrap();
    assert_eq!(job(engine, &side, &asked).await.status, JobStatus::Running);
    workers.stop().await;
    let export = task.take().unwrap();
    assert!(engine.finish_export(&task, &manifest(&export, 3)).await.unwrap());
    engine.release_exports().await.unwrap();
    assert_eq!(job(engine, &side, &asked).await.status, JobStatus::Done);
}

async fn one_that_cannot_be_read_keeps_no_other_from_its_turn(installation: Installation) {
    let side = start(&installation).await;
    let engine = &installation.engine;
    let broken = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    installation.execute("UPDATE exports SET form = REPLACE(form, '\"days\"', '\"people\"')").await.unwrap();
    installation.clock.set("2026-11-24T12:00:01Z");
    let good = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    assert_eq!(engine.claim_export().await.unwrap().map(|task| task.id()), Some(good.id));
    // What was asked for is put back, to see what became of it.
    installation.execute("UPDATE exports SET form = REPLACE(form, '\"people\"', '\"days\"')").await.unwrap();
    let failed = job(engine, &side, &broken).await;
    assert_eq!(failed.status, JobStatus::Failed);
    assert!(failed.error.unwrap().contains("cannot be read"));
}

async fn a_cancelled_one_is_nobodys_any_more(installation: Installation) {
    let side = start(&installation).await;
    let engine = &installation.engine;
    let waiting = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    engine.cancel_export(&side.keeper, waiting.id).await.unwrap();
    assert!(engine.claim_export().await.unwrap().is_none());
    let running = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    let mut task = engine.claim_export().await.unwrap().unwrap();
    let export = task.take().unwrap();
    engine.cancel_export(&side.keeper, running.id).await.unwrap();
    assert!(!engine.keep_export(task.place(), 1).await.unwrap());
    assert!(!engine.finish_export(&task, &manifest(&export, 0)).await.unwrap());
    assert_eq!(job(engine, &side, &running).await.status, JobStatus::Cancelled);
    assert_eq!(fields(engine.cancel_export(&side.keeper, running.id).await.unwrap_err()), ["export"]);
    assert!(matches!(engine.export_manifest(&side.reader, running.id).await, Err(Error::NotFound)));
}

async fn a_customer_keeps_so_much_and_no_more(installation: Installation) {
    let side = start(&installation).await;
    let engine = &installation.engine;
    let large = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    installation.clock.set("2026-11-24T12:00:01Z");
    let waiting = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    make(engine, KEPT_BYTES_MAX).await;
    let refused = async || fields(engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap_err());
    assert_eq!(refused().await, ["kind"]);
    // What was requested before there was too much is not written either.
    let mut task = engine.claim_export().await.unwrap().unwrap();
    assert_eq!(task.id(), waiting.id);
    assert_eq!(fields(task.take().err().unwrap()), ["kind"]);
    engine.fail_export(&task, "no room").await.unwrap();
    // Another customer's has room of its own.
    let other = self::side(&installation, "Other").await;
    let others = engine.request_export(&other.reader, &form(Kind::Days), ME).await.unwrap();
    engine.cancel_export(&other.keeper, others.id).await.unwrap();
    // There is room as soon as the file is deleted; or kept no longer.
    engine.delete_export(&side.keeper, large.id).await.unwrap();
    engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    make(engine, KEPT_BYTES_MAX).await;
    assert_eq!(refused().await, ["kind"]);
    installation.clock.set("2026-12-24T12:00:01Z");
    engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
}

async fn so_many_files_are_kept_and_no_more(installation: Installation) {
    let side = start(&installation).await;
    let engine = &installation.engine;
    for _ in 0..KEPT_FILES_MAX - 1 {
        engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
        make(engine, 1).await;
    }
    // The one that waits will be a file.
    let last = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    let refused = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap_err();
    assert_eq!(fields(refused), ["kind"]);
    engine.cancel_export(&side.keeper, last.id).await.unwrap();
    engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
}

async fn a_deleted_file_is_gone_and_its_export_stays_listed(installation: Installation) {
    let side = start(&installation).await;
    let engine = &installation.engine;
    let asked = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    assert_eq!(fields(engine.delete_export(&side.keeper, asked.id).await.unwrap_err()), ["export"]);
    make(engine, 9).await;
    assert_eq!(engine.exports_with_file().await.unwrap(), [(asked.id, 1)]);
    assert!(!engine.take_export_files_left());
    engine.delete_export(&side.keeper, asked.id).await.unwrap();
    assert!(engine.take_export_files_left() && !engine.take_export_files_left(), "told once");
    assert!(engine.exports_with_file().await.unwrap().is_empty());
    let left = job(engine, &side, &asked).await;
    assert_eq!((left.status, left.file_expires_at), (JobStatus::Done, Some(engine.now())));
    assert!(!left.has_file(engine.now()) && left.made.is_some());
    assert!(engine.export_manifest(&side.reader, asked.id).await.is_ok());
    assert_eq!(fields(engine.delete_export(&side.keeper, asked.id).await.unwrap_err()), ["export"]);
    // The API has one call for both.
    let waiting = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    engine.end_or_delete_export(&side.keeper, waiting.id).await.unwrap();
    assert_eq!(job(engine, &side, &waiting).await.status, JobStatus::Cancelled);
    assert_eq!(fields(engine.end_or_delete_export(&side.keeper, waiting.id).await.unwrap_err()), ["export"]);
    let done = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    make(engine, 9).await;
    engine.end_or_delete_export(&side.keeper, done.id).await.unwrap();
    assert!(!job(engine, &side, &done).await.has_file(engine.now()));
}

async fn user(installation: &Installation, role: Role, customer_id: Option<CustomerId>) -> SessionUser {
    let email = format!("{}@example.org", role.as_str());
    let password = Some("correct horse battery".to_owned());
    let form = UserForm { email, name: String::new(), role, customer_id, password };
    let id = installation.engine.create_user(&installation.operator, &form).await.unwrap().id;
    installation.engine.authenticate_user(id).await.unwrap()
}

async fn link(installation: &Installation, customer: Option<CustomerId>) -> SessionUser {
    let engine = &installation.engine;
    let keeper = engine.console_link_keeper(&installation.operator, customer).unwrap();
    let form = AccessLinkForm { name: "Ada".to_owned(), days: 1 };
    let id = engine.make_link(&keeper, &form, "console").await.unwrap().link.id;
    engine.authenticate_link(id).await.unwrap()
}

async fn only_who_requested_it_or_manages_ends_an_export(installation: Installation) {
    let side = start(&installation).await;
    let engine = &installation.engine;
    let own = Some(side.id);
    let readers = [
        user(&installation, Role::Viewer, own).await,
        user(&installation, Role::Auditor, None).await,
        link(&installation, own).await,
        link(&installation, None).await,
    ];
    let managers =
        [user(&installation, Role::CustomerAdmin, own).await, user(&installation, Role::Operator, None).await];
    let keeper = |user: &SessionUser| engine.export_keeper(user, own).unwrap();
    let program = engine.api_export_keeper(&side.client).unwrap();
    let request = async |by: &str| engine.request_export(&side.reader, &form(Kind::Days), by).await.unwrap();
    let is_refused = async |keeper: &ExportKeeper, of: &ExportJob| {
        let all = [engine.cancel_export(keeper, of.id).await, engine.delete_export(keeper, of.id).await];
        all.iter().all(|refused| matches!(refused, Err(Error::Forbidden)))
            && matches!(engine.end_or_delete_export(keeper, of.id).await, Err(Error::Forbidden))
    };
    let admins = request("customer_admin@example.org").await;
    for reader in &readers {
        assert!(is_refused(&keeper(reader), &admins).await, "{}", reader.acts_as());
        let own = request(&reader.acts_as()).await;
        assert!(is_refused(&program, &own).await);
        // Also not by another link of the same name.
        for other in readers.iter().filter(|other| other.acts_as() != reader.acts_as()) {
            assert!(is_refused(&keeper(other), &own).await, "{} of {}", other.acts_as(), reader.acts_as());
        }
        engine.cancel_export(&keeper(reader), own.id).await.unwrap();
    }
    assert_ne!(readers[2].acts_as(), readers[3].acts_as(), "both are of Ada");
    assert!(is_refused(&program, &admins).await);
    let programs = request(&side.client.acts_as()).await;
    engine.end_or_delete_export(&program, programs.id).await.unwrap();
    for manager in &managers {
        let of = request("link Ada").await;
        engine.cancel_export(&keeper(manager), of.id).await.unwrap();
    }
    // The same when it is done.
    make(engine, 9).await;
    for reader in &readers {
        assert!(is_refused(&keeper(reader), &admins).await, "{}", reader.acts_as());
    }
    assert!(is_refused(&program, &admins).await);
    engine.delete_export(&keeper(&managers[0]), admins.id).await.unwrap();
}

async fn what_is_wrong_is_said_at_once(installation: Installation) {
    let side = start(&installation).await;
    let engine = &installation.engine;
    let reader = &side.reader;
    let wrong = |form: ExportForm| async move { engine.request_export(reader, &form, ME).await.unwrap_err() };
    let future = Period::new("2026-12-01".parse().unwrap(), "2026-12-02".parse().unwrap()).unwrap();
    assert_eq!(fields(wrong(ExportForm { period: future, ..form(Kind::Days) }).await), ["from"]);
    let parquet = ExportForm { format: Format::Parquet, bom: true, ..form(Kind::Days) };
    assert_eq!(fields(wrong(parquet).await), ["bom"]);
    let all = engine.console_reader(&installation.operator, None).unwrap();
    assert!(matches!(engine.request_export(&all, &form(Kind::Days), ME).await, Err(Error::NotFound)));
    let side = self::side(&installation, "Busy").await;
    for _ in 0..UNDER_WAY_MAX {
        engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    }
    let refused = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap_err();
    assert_eq!(fields(refused), ["kind"]);
    // One customer's do not keep another's from being asked for.
    let other = self::side(&installation, "Other").await;
    engine.request_export(&other.reader, &form(Kind::Days), ME).await.unwrap();
    let page = engine.export_jobs(&side.reader, &Paging { cursor: None, limit: 15 }).await.unwrap();
    assert_eq!(page.items.len(), 15);
    let rest = Paging { cursor: page.next_cursor, limit: 15 };
    let rest = engine.export_jobs(&side.reader, &rest).await.unwrap();
    assert_eq!((rest.items.len(), rest.next_cursor), (UNDER_WAY_MAX - 15, None));
    assert!(page.items.iter().zip(&page.items[1..]).all(|(newer, older)| newer.id > older.id));
    // Whoever runs the installation reads everybody's.
    let supervisor = installation.operator.as_supervisor();
    let all = engine.all_export_jobs(&supervisor, &Paging { cursor: None, limit: 500 }).await.unwrap().items;
    let of = |name: &str| all.iter().filter(|of| of.name == name).count();
    assert_eq!((of("Busy"), of("Other")), (UNDER_WAY_MAX, 1));
    assert!(all.iter().zip(&all[1..]).all(|(newer, older)| newer.item.id > older.item.id));
}

async fn answers_are_listed_too(installation: Installation) {
    let side = start(&installation).await;
    let engine = &installation.engine;
    let form = form(Kind::Events);
    let mut export = engine.export(&side.reader, form.kind, form.period, &form.filter, None).await.unwrap();
    let rows = rows(&mut export).await;
    let manifest = manifest(&export, rows);
    let begun = engine.begin_export();
    engine.list_made_export(&side.reader, begun, &form, &manifest, "application web").await.unwrap();
    let listed = engine.export_jobs(&side.reader, &Paging::default()).await.unwrap().items;
    let [listed] = listed.as_slice() else { panic!("one") };
    assert_eq!(listed.id, begun.id);
    assert_eq!((listed.status, listed.requested_by.as_str()), (JobStatus::Done, "application web"));
    assert_eq!(listed.made.as_ref().unwrap().written.rows, 3);
    assert!(listed.file_expires_at.is_none() && !listed.has_file(Timestamp::from_millis(0)));
    assert!(engine.claim_export().await.unwrap().is_none());
}

async fn the_audit_log_tells_all_of_it_and_never_changes(installation: Installation) {
    let side = start(&installation).await;
    let other = self::side(&installation, "Other").await;
    let engine = &installation.engine;
    // Entries of one millisecond are in no order.
    let mut second = 0;
    let mut later = || {
        second += 1;
        installation.clock.set(&format!("2026-11-24T12:00:{second:02}Z"));
    };
    let asked = engine.request_export(&side.reader, &form(Kind::Days), ME).await.unwrap();
    later();
    let mut task = engine.claim_export().await.unwrap().unwrap();
    let export = task.take().unwrap();
    engine.finish_export(&task, &manifest(&export, 30)).await.unwrap();
    later();
    let done = job(engine, &side, &asked).await;
    engine.note_fetched_export(&side.reader, &done, "you@example.org").await.unwrap();
    later();
    let streamed = engine.begin_export();
    engine.note_streamed_export(&other.reader, streamed, &form(Kind::Events), "application web").await.unwrap();
    later();
    let cancelled = engine.request_export(&side.reader, &form(Kind::Countries), ME).await.unwrap();
    later();
    let keeper = engine.console_export_keeper(&installation.operator, side.id, "you@example.org").unwrap();
    engine.cancel_export(&keeper, cancelled.id).await.unwrap();
    later();
    engine.delete_export(&keeper, asked.id).await.unwrap();
    let of = |customer| {
        let reader = engine.console_audit_reader(&installation.operator, customer).unwrap();
        reader.of_kind(Some(ActionKind::Exports))
    };
    let own = engine.audit_log(&of(Some(side.id)), &Paging::default()).await.unwrap().items;
    let told: Vec<_> = own.iter().map(|entry| (entry.action, entry.actor.as_str())).collect();
    assert_eq!(
        told,
        [
            (Action::ExportDeleted, "you@example.org"),
            (Action::ExportCancelled, "you@example.org"),
            (Action::ExportRequested, ME),
            (Action::ExportFetched, "you@example.org"),
            (Action::ExportMade, ME),
            (Action::ExportRequested, ME),
        ]
    );
    assert!(own.iter().all(|entry| entry.customer_id == Some(side.id)));
    assert_eq!(own[4].subject, "Daily figures, 2026-11-01 to 2026-11-30, CSV");
    assert_eq!((&own[4].details["rows"], &own[4].details["sha256"]), (&json!(30), &json!("00".repeat(32))));
    let all = engine.audit_log(&of(None), &Paging { cursor: None, limit: 4 }).await.unwrap();
    let rest = Paging { cursor: all.next_cursor.clone(), limit: 10 };
    let rest = engine.audit_log(&of(None), &rest).await.unwrap();
    assert_eq!((all.items.len(), rest.items.len()), (4, 3));
    assert_eq!((all.items[3].customer_id, &all.items[3].details["export"]), (Some(other.id), &json!(streamed.id)));
    for sql in ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log"] {
        assert!(installation.execute(sql).await.is_err(), "{sql}");
    }
}
