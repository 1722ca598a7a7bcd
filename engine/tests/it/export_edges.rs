//! Exports at their edges: limits that many ask for at once, the store that breaks off, rows that cannot be read, and where
//! files are.

use crate::postgres::new_postgres_database;
use crate::support::{Installation, on_both};
use domain::access_link::{AccessLinkForm, LINKS_MAX};
use domain::account::{SECRETS_MAX, Tier};
use domain::export::job::{ExportForm, ExportJob, JobStatus, TRIES_MAX, UNDER_WAY_MAX};
use domain::export::{Format, Kind};
use domain::period::{Filter, Period};
use domain::timestamp::MINUTE_MS;
use engine::actor::Reader;
use engine::{Engine, Error, Paging, Settings};
use std::sync::Arc;

on_both!(
    limits_are_exact_however_many_ask_at_once,
    one_that_breaks_off_goes_behind_others_and_is_given_up,
    a_store_that_is_away_costs_no_try,
    one_that_rests_can_be_cancelled,
    what_cannot_be_read_keeps_nothing_else_from_being_listed,
);

const ME: &str = "me@example.org";

fn form() -> ExportForm {
    let period = Period::new("2026-11-01".parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap();
    ExportForm { kind: Kind::Days, period, filter: Filter::default(), format: Format::Csv, bom: false }
}

async fn reader(installation: &Installation) -> Reader {
    let id = installation.customer("Acme", "UTC").await;
    installation.engine.console_reader(&installation.operator, Some(id)).unwrap()
}

async fn job(engine: &Engine, reader: &Reader, of: &ExportJob) -> ExportJob {
    engine.export_job(reader, of.id).await.unwrap()
}

/// How many of so many calls at once are not refused.
async fn granted<F>(calls: usize, call: impl Fn() -> F) -> usize
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..calls {
        tasks.spawn(call());
    }
    let mut granted = 0;
    for result in tasks.join_all().await {
        match result {
            Ok(()) => granted += 1,
            Err(Error::Invalid(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    granted
}

async fn limits_are_exact_however_many_ask_at_once(installation: Installation) {
    let engine = installation.engine.clone();
    let reader = reader(&installation).await;
    // As if another process asked too.
    let (other, workers) = installation.another().await;
    let engines = [engine.clone(), other];
    let turn = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let next = move || engines[turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2].clone();
    let exports = granted(UNDER_WAY_MAX + 12, || {
        let (engine, reader) = (next(), reader.clone());
        async move { engine.request_export(&reader, &form(), ME).await.map(drop) }
    });
    assert_eq!(exports.await, UNDER_WAY_MAX);
    let customer = reader.customer().unwrap().id;
    for of in [Some(customer), None] {
        let keeper = engine.console_link_keeper(&installation.operator, of).unwrap();
        let link = || AccessLinkForm { name: "Ada".to_owned(), days: 1 };
        for _ in 0..LINKS_MAX - 3 {
            engine.make_link(&keeper, &link(), ME).await.unwrap();
        }
        let links = granted(12, || {
            let (engine, keeper) = (next(), keeper.clone());
            async move { engine.make_link(&keeper, &link(), ME).await.map(drop) }
        });
        assert_eq!(links.await, 3, "{of:?}");
    }
    let application = installation.application(customer, "web", Tier::Sandbox).await.application.id;
    let manager = engine.console_manager(&installation.operator, customer).unwrap();
    let secrets = granted(8, || {
        let (engine, manager) = (engine.clone(), manager.clone());
        async move { engine.rotate_application(&manager, application).await.map(drop) }
    });
    assert_eq!(secrets.await, SECRETS_MAX - 1);
    workers.stop().await;
}

async fn one_that_breaks_off_goes_behind_others_and_is_given_up(installation: Installation) {
    let (engine, reader) = (&installation.engine, reader(&installation).await);
    let stuck = engine.request_export(&reader, &form(), ME).await.unwrap();
    installation.clock.set("2026-11-24T12:00:01Z");
    let good = engine.request_export(&reader, &form(), ME).await.unwrap();
    for tries in 1..=TRIES_MAX {
        let task = engine.claim_export().await.unwrap().unwrap();
        assert_eq!((task.id(), task.tries()), (stuck.id, tries));
        engine.put_off_export(&task, false).await.unwrap();
        // It is nobody's, and whoever had it cannot put it off again.
        assert!(!engine.keep_export(task.place(), 1).await.unwrap());
        let left = job(engine, &reader, &stuck).await;
        if tries == TRIES_MAX {
            assert_eq!(left.status, JobStatus::Failed);
            assert!(left.error.unwrap().contains("begun 5 times"));
            assert!(engine.claim_export().await.unwrap().is_none());
            return;
        }
        assert_eq!((left.status, left.tries), (JobStatus::Queued, tries));
        if tries == 1 {
            let next = engine.claim_export().await.unwrap().unwrap();
            assert_eq!(next.id(), good.id, "while one rests others have their turn");
            engine.fail_export(&next, "for the test").await.unwrap();
        }
        assert!(engine.claim_export().await.unwrap().is_none(), "it rests");
        let rest = domain::export::job::begun_again_at(tries, engine.now()).unwrap();
        installation.clock.set(&rest.plus(-1).to_string());
        assert!(engine.claim_export().await.unwrap().is_none(), "until {rest}");
        installation.clock.set(&rest.to_string());
    }
}

async fn a_store_that_is_away_costs_no_try(installation: Installation) {
    let (engine, reader) = (&installation.engine, reader(&installation).await);
    let asked = engine.request_export(&reader, &form(), ME).await.unwrap();
    for _ in 0..=TRIES_MAX {
        let task = engine.claim_export().await.unwrap().unwrap();
        assert_eq!((task.id(), task.tries()), (asked.id, 1));
        engine.put_off_export(&task, true).await.unwrap();
        assert_eq!(job(engine, &reader, &asked).await.status, JobStatus::Queued);
    }
}

async fn one_that_rests_can_be_cancelled(installation: Installation) {
    let (engine, reader) = (&installation.engine, reader(&installation).await);
    let asked = engine.request_export(&reader, &form(), ME).await.unwrap();
    let task = engine.claim_export().await.unwrap().unwrap();
    engine.put_off_export(&task, false).await.unwrap();
    let keeper = engine.console_export_keeper(&installation.operator, reader.customer().unwrap().id, ME).unwrap();
    engine.cancel_export(&keeper, asked.id).await.unwrap();
    installation.clock.set(&engine.now().plus(100 * MINUTE_MS).to_string());
    assert!(engine.claim_export().await.unwrap().is_none());
}

async fn what_cannot_be_read_keeps_nothing_else_from_being_listed(installation: Installation) {
    let (engine, reader) = (&installation.engine, reader(&installation).await);
    let mut asked = Vec::new();
    for second in 1..=6 {
        installation.clock.set(&format!("2026-11-24T12:00:{second:02}Z"));
        // The second and the fifth become what no version knows.
        let bom = second % 3 == 2;
        asked.push(engine.request_export(&reader, &ExportForm { bom, ..form() }, ME).await.unwrap().id);
    }
    let later = "UPDATE exports SET form = REPLACE(form, '\"days\"', '\"people\"') WHERE form LIKE '%\"bom\":true%'";
    installation.execute(later).await.unwrap();
    let (mut seen, mut paging) = (Vec::new(), Paging { cursor: None, limit: 2 });
    loop {
        let page = engine.export_jobs(&reader, &paging).await.unwrap();
        seen.extend(page.items.into_iter().map(|job| job.id));
        match page.next_cursor {
            None => break,
            cursor => paging.cursor = cursor,
        }
    }
    assert_eq!(seen, [asked[5], asked[3], asked[2], asked[0]], "of all pages");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_on_a_server_have_marks_of_their_own() {
    let open = async |url: &str| {
        let settings = Settings { database_url: url.to_owned(), connections_max: 2, ..Settings::default() };
        let engine = Engine::open(settings, Arc::new(engine::clock::SystemClock)).await.unwrap();
        let before = engine.database_mark().map(str::to_owned);
        engine.migrate().await.unwrap();
        (before, engine.database_mark().map(str::to_owned))
    };
    let (one, other) = (new_postgres_database().await, new_postgres_database().await);
    let (before, first) = open(&one).await;
    assert!(before.is_none() && first.as_ref().is_some_and(|mark| mark.len() == 12), "{first:?}");
    // Another process, before it migrates anything, by another address of the same server.
    let same = one.replace("127.0.0.1", "localhost");
    assert_eq!(open(&same).await, (first.clone(), first.clone()));
    assert_ne!(open(&other).await.1, first);
    let directory = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", directory.path().join("test.db").display());
    assert_eq!(open(&file).await.1, None);
}
