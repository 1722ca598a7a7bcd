//! Raw events are given up after a while; figures stay, and stay right.

use crate::audit::{entries, one};
use crate::support::{Installation, on_both};
use domain::account::{CustomerForm, CustomerLimits, Tier};
use domain::audit::{Action, ActionKind};
use domain::event::Kind;
use domain::figures::Counts;
use domain::period::{Filter, Period};
use domain::{CustomerId, FaultCode};
use engine::Error;
use engine::actor::ApiClient;
use engine::actor::ITSELF;
use serde_json::json;
use sqlx::Connection;

on_both!(
    raw_events_go_and_figures_stay,
    a_command_gives_up_nothing,
    each_customer_has_its_own_time,
    a_zone_that_needs_what_is_gone_stays,
    a_clock_that_leaps_ahead_costs_no_event,
);

async fn display(installation: &Installation, client: &ApiClient, session: &str, at: &str) -> bool {
    let body = json!({"helpline_id": "h1", "session_id": session, "timestamp": at});
    installation.post(client, Kind::Display, &body).await.unwrap()
}

/// Displays of three sessions, from June 2025 until now.
async fn traffic(installation: &Installation, client: &ApiClient) {
    for month in ["2025-06", "2025-07", "2025-09", "2025-10", "2025-11", "2026-03", "2026-10", "2026-11"] {
        for (day, session) in [(1, "a"), (3, "b"), (3, "a"), (20, "c")] {
            assert!(display(installation, client, session, &format!("{month}-{day:02}T05:00:00Z")).await);
        }
    }
    installation.settle().await;
}

async fn prepare(installation: &Installation) -> (CustomerId, ApiClient) {
    installation.helplines(&[("h1", "NZ")]).await;
    customer(installation, "A", None).await
}

async fn customer(installation: &Installation, name: &str, months: Option<u32>) -> (CustomerId, ApiClient) {
    let limits = CustomerLimits { event_retention_months: months, ..CustomerLimits::default() };
    let form = CustomerForm { name: name.into(), time_zone: "Asia/Tokyo".into(), limits };
    let customer = installation.engine.create_customer(&installation.operator, &form).await.unwrap().id;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    (customer, installation.client(&credentials).await)
}

/// Goes on as in production: until now events of any age were accepted, so that all are kept.
async fn keep_thirteen_months(installation: &mut Installation) {
    installation.settings.event_age_max_days = 35;
    installation.restart().await;
    installation.give_up_events().await;
}

async fn counts(installation: &Installation, customer: CustomerId) -> Vec<Counts> {
    let reader = installation.engine.console_reader(&installation.operator, Some(customer)).unwrap();
    let mut counts = Vec::new();
    for (from, to) in [("2025-06-01", "2025-06-02"), ("2025-06-01", "2025-11-01"), ("2025-06-01", "2026-12-01")] {
        let period = Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
        counts.push(installation.engine.summary(&reader, period, &Filter::default()).await.unwrap().counts);
    }
    counts
}

/// The partitions of event blocks, on Postgres.
async fn partitions(installation: &Installation) -> Vec<String> {
    let mut connection = sqlx::PgConnection::connect(&installation.settings.database_url).await.unwrap();
    let sql = "SELECT relname::text FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
}

async fn raw_events_go_and_figures_stay(mut installation: Installation) {
    let (customer, client) = prepare(&installation).await;
    traffic(&installation, &client).await;
    let before = counts(&installation, customer).await;
    assert!(installation.engine.verify_figures(&installation.operator).await.unwrap().partly == 0);
    keep_thirteen_months(&mut installation).await;

    assert_eq!(counts(&installation, customer).await, before);
    let verified = installation.engine.verify_figures(&installation.operator).await.unwrap();
    // Of the eight months three are gone.
    assert_eq!((verified.events, verified.partly, verified.differences), (20, 1, Vec::new()));
    if installation.settings.database_url.starts_with("postgres") {
        let partitions = partitions(&installation).await;
        assert!(!partitions.iter().any(|name| name < &"event_blocks_2025_10".to_owned()), "{partitions:?}");
        assert!(partitions.contains(&"event_blocks_2025_10".to_owned()), "{partitions:?}");
    }

    let told = entries(&installation, Some(customer), ActionKind::Customers).await;
    let given_up = one(&told, Action::EventsGivenUp);
    assert_eq!((given_up.actor.as_str(), given_up.subject.as_str()), (ITSELF, "Before 2025-10-01T00:00:00.000Z"));

    // What comes is counted as ever, also where a session was seen before.
    assert!(!display(&installation, &client, "c", "2026-11-20T05:00:00Z").await);
    assert!(display(&installation, &client, "c", "2026-11-21T05:00:00Z").await);
    installation.settle().await;
    installation.restart().await;
    installation.settle().await;
    assert!(!display(&installation, &client, "c", "2026-11-21T05:00:00Z").await);
}

/// Its settings are of the shell that it was called from.
async fn a_command_gives_up_nothing(mut installation: Installation) {
    let (_, client) = prepare(&installation).await;
    traffic(&installation, &client).await;
    installation.settings.event_age_max_days = 35;
    installation.settings.is_server = false;
    installation.restart().await;
    // It counts, and looks once more for something to do before it ends.
    assert!(display(&installation, &client, "d", "2026-11-20T05:00:00Z").await);
    installation.settle().await;
    installation.restart().await;
    let expiring = installation.engine.expiring_events(&installation.operator, None, None).await.unwrap();
    assert_eq!(expiring[0].events, 12);
    let verified = installation.engine.verify_figures(&installation.operator).await.unwrap();
    assert_eq!((verified.events, verified.partly, verified.differences), (33, 0, Vec::new()));
    installation.settings.is_server = true;
    keep_thirteen_months(&mut installation).await;
    assert_eq!(installation.engine.verify_figures(&installation.operator).await.unwrap().events, 21);
}

async fn each_customer_has_its_own_time(mut installation: Installation) {
    let (usual, client) = prepare(&installation).await;
    traffic(&installation, &client).await;
    let (short, client) = customer(&installation, "B", Some(3)).await;
    traffic(&installation, &client).await;
    let (long, client) = customer(&installation, "C", Some(60)).await;
    traffic(&installation, &client).await;
    let mut before = Vec::new();
    for customer in [usual, short, long] {
        before.push(counts(&installation, customer).await);
    }
    keep_thirteen_months(&mut installation).await;
    let expiring = installation.engine.expiring_events(&installation.operator, None, None).await.unwrap();
    let kept_from: Vec<_> = expiring.iter().map(|expiring| expiring.kept_from.to_string()).collect();
    assert_eq!(kept_from, ["2025-10-01T00:00:00.000Z", "2026-08-01T00:00:00.000Z", "2021-11-01T00:00:00.000Z"]);
    what_another_time_would_give_up(&installation, [usual, short]).await;
    let verified = installation.engine.verify_figures(&installation.operator).await.unwrap();
    assert_eq!((verified.events, verified.partly, verified.differences), (20 + 8 + 32, 2, Vec::new()));
    for (customer, before) in [usual, short, long].into_iter().zip(before) {
        assert_eq!(counts(&installation, customer).await, before);
    }
}

/// It is told beforehand, and changes nothing.
async fn what_another_time_would_give_up(installation: &Installation, [usual, short]: [CustomerId; 2]) {
    let (engine, operator) = (&installation.engine, &installation.operator);
    let preview = engine.expiring_events(operator, Some(usual), Some(6)).await.unwrap();
    let told: Vec<_> = preview.iter().map(|it| (it.customer, it.kept_from.to_string(), it.events)).collect();
    // October and November of last year, and March.
    assert_eq!(told, [(usual, "2026-05-01T00:00:00.000Z".to_owned(), 12)]);
    let all = engine.expiring_events(operator, None, Some(6)).await.unwrap();
    assert_eq!(all.iter().map(|it| it.events).collect::<Vec<_>>(), [12, 0, 24]);

    let more = engine.more_expiring_events(operator, usual, Some(6)).await.unwrap();
    assert_eq!(more.as_ref(), preview.first());
    // As it is, longer, and as long as all have; and what was given up does not come back.
    for (customer, months) in [(usual, None), (usual, Some(13)), (usual, Some(20)), (short, None), (short, Some(3))] {
        assert_eq!(engine.more_expiring_events(operator, customer, months).await.unwrap(), None, "{months:?}");
    }
    let unknown = CustomerId::from_uuid(uuid::Uuid::nil());
    for refused in [
        engine.expiring_events(operator, Some(unknown), None).await.map(drop),
        engine.more_expiring_events(operator, unknown, None).await.map(drop),
    ] {
        assert!(matches!(refused, Err(Error::NotFound)));
    }
}

async fn a_zone_that_needs_what_is_gone_stays(mut installation: Installation) {
    let (customer, client) = prepare(&installation).await;
    traffic(&installation, &client).await;
    let form = |zone: &str| {
        let limits = CustomerLimits::default();
        CustomerForm { name: "A".into(), time_zone: zone.into(), limits }
    };
    // As long as all is there, it may change.
    installation.engine.update_customer(&installation.operator, customer, &form("Asia/Kathmandu")).await.unwrap();
    installation.settle().await;
    keep_thirteen_months(&mut installation).await;
    let refused = installation.engine.update_customer(&installation.operator, customer, &form("UTC")).await;
    let Err(Error::Invalid(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!((faults.0[0].field.as_str(), faults.0[0].code), ("time_zone", FaultCode::FieldInvalid));
    installation.engine.update_customer(&installation.operator, customer, &form("Asia/Kathmandu")).await.unwrap();

    let limits = CustomerLimits { event_retention_months: Some(2), ..CustomerLimits::default() };
    let too_short = CustomerForm { name: "B".into(), time_zone: "UTC".into(), limits };
    let refused = installation.engine.create_customer(&installation.operator, &too_short).await;
    let Err(Error::Invalid(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults.0[0].field, "event_retention_months");
}

async fn a_clock_that_leaps_ahead_costs_no_event(mut installation: Installation) {
    let (customer, client) = prepare(&installation).await;
    traffic(&installation, &client).await;
    keep_thirteen_months(&mut installation).await;
    let before = counts(&installation, customer).await;
    for now in ["2031-01-05T12:00:00Z", "2026-11-24T12:00:30Z"] {
        installation.clock.set(now);
        installation.restart().await;
        // It looks for what to give up after the first batch.
        assert!(display(&installation, &client, now, now).await);
        installation.settle().await;
        installation.restart().await;
        installation.settle().await;
    }
    let verified = installation.engine.verify_figures(&installation.operator).await.unwrap();
    assert_eq!((verified.events, verified.differences), (20 + 2, Vec::new()));
    assert_eq!(counts(&installation, customer).await[0], before[0]);
    // Where the time has passed it is as ever.
    installation.stop().await;
    installation.pass_to("2031-01-05T12:00:00Z").await;
    installation.restart().await;
    installation.give_up_events().await;
    let verified = installation.engine.verify_figures(&installation.operator).await.unwrap();
    assert_eq!((verified.events, verified.differences), (1, Vec::new()));
}
