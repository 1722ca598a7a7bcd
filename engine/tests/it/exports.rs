//! Exports: every accepted event once and nothing of another customer; figures as they are shown.

use crate::support::{Installation, at, on_both};
use domain::account::{CustomerForm, CustomerLimits, Tier};
use domain::event::{ContactMethod, Kind as EventKind};
use domain::export::{Cell, Kind};
use domain::figures::Figure;
use domain::period::{Breakdown, Filter, Interval, Period};
use domain::zone::Zone;
use domain::{ApplicationId, FaultCode, Timestamp};
use engine::actor::{ApiClient, Reader};
use engine::{Engine, Error};
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both!(
    every_event_comes_once_and_in_order,
    filters_take_what_the_figures_count,
    figures_are_those_that_are_shown,
    figures_of_another_time_zone_are_refused,
    days_end_with_today,
    what_arrives_meanwhile_takes_no_part,
    a_crowded_span_comes_in_slices,
    a_busy_hour_after_quiet_days_comes_in_pages,
    wrong_questions_are_refused,
    raw_events_that_are_kept_no_longer_are_not_left_out_in_silence,
);

fn period(from: &str, to: &str) -> Period {
    Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
}

/// All rows of an export, by the names of their columns.
async fn rows(engine: &Engine, reader: &Reader, kind: Kind, period: Period, filter: &Filter) -> Vec<Value> {
    let mut export = engine.export(reader, kind, period, filter, None).await.unwrap();
    read(&mut export).await
}

async fn read(export: &mut engine::Export) -> Vec<Value> {
    let columns = export.subject().columns();
    let mut rows = Vec::new();
    while let Some(page) = export.next().await.unwrap() {
        let before = rows.len();
        let row = |cells: &[Cell<'_>]| {
            assert_eq!(cells.len(), columns.len());
            let member = |cell: &Cell<'_>| match cell {
                Cell::Empty => Value::Null,
                Cell::Integer(number) => (*number).into(),
                Cell::Ratio(ratio) => (*ratio).into(),
                cell => {
                    let mut text = String::new();
                    cell.write(&mut text);
                    text.into()
                }
            };
            rows.push(columns.iter().zip(cells).map(|(column, cell)| (column.name.to_owned(), member(cell))).collect());
            Ok::<_, Error>(())
        };
        page.each(row).unwrap();
        assert_eq!(rows.len() - before, page.rows());
    }
    rows
}

/// Two customers with the same traffic but for who sends it.
struct Sides {
    installation: Installation,
    readers: [Reader; 2],
    clients: [ApiClient; 3],
    application: ApplicationId,
    /// Ids of the first one's events, by application.
    sent: [Vec<(String, String)>; 2],
}

async fn sides(installation: Installation) -> Sides {
    installation.helplines(&[("h1", "DE"), ("h2", "FR"), ("h3", "FR")]).await;
    let (mut readers, mut credentials) = (Vec::new(), Vec::new());
    for (name, zone) in [("One", "Asia/Kathmandu"), ("Other", "UTC")] {
        let customer = installation.customer(name, zone).await;
        readers.push(installation.engine.console_reader(&installation.operator, Some(customer)).unwrap());
        credentials.push(installation.application(customer, &format!("{name}, web"), Tier::Production).await);
        if name == "One" {
            credentials.push(installation.application(customer, "test", Tier::Sandbox).await);
        }
    }
    let mut clients = Vec::new();
    for credentials in &credentials {
        clients.push(installation.client(credentials).await);
    }
    let (Ok(readers), Ok(clients)) = (readers.try_into(), clients.try_into()) else { panic!("two and three") };
    let application = credentials[0].application.id;
    let mut sides = Sides { installation, readers, clients, application, sent: [Vec::new(), Vec::new()] };
    for n in 0..60 {
        for client in 0..3 {
            sides.post(client, n).await;
        }
    }
    sides.installation.settle().await;
    sides
}

impl Sides {
    /// The same event for each client: a display or a click, over a week, not in the order of time.
    async fn post(&mut self, client: usize, n: i64) {
        let millis = at("2026-11-02T20:00:00Z").millis() + (n * 37 % 60) * 9_000_000 + n;
        let timestamp = domain::Timestamp::from_millis(millis).to_string();
        let mut body = json!({"helpline_id": format!("h{}", n % 3 + 1), "session_id": format!("s{}", n % 7)});
        body["timestamp"] = timestamp.clone().into();
        let kind = if n % 4 == 0 { EventKind::Click } else { EventKind::Display };
        if kind == EventKind::Click {
            body["contact_method"] = if n % 8 == 0 { "phone".into() } else { "sms".into() };
        }
        let text = body.to_string();
        let Ok(receipt) = self.installation.engine.record_event(&self.clients[client], kind, text.as_bytes()).await
        else {
            panic!("{text}")
        };
        if let Some(sent) = self.sent.get_mut(client) {
            sent.push((timestamp, receipt.event_id.to_string()));
        }
    }
}

async fn every_event_comes_once_and_in_order(installation: Installation) {
    let mut sides = sides(installation).await;
    let engine = sides.installation.engine.clone();
    let all = period("2026-11-01", "2026-11-24");
    for (tier, sent) in [Tier::Production, Tier::Sandbox].into_iter().zip(&mut sides.sent) {
        let filter = Filter { tier: Some(tier), ..Filter::default() };
        let rows = rows(&engine, &sides.readers[0], Kind::Events, all, &filter).await;
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let got: Vec<_> = rows.iter().map(|row| (text(row, "timestamp"), text(row, "event_id"))).collect();
        sent.sort();
        assert_eq!(&got, sent, "in the order of time");
        let mut places: Vec<_> = rows.iter().map(|row| row["place"].as_u64().unwrap()).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 60);
        for row in &rows {
            assert_eq!(row["tier"], tier.as_str());
            assert_eq!(row["contact_method"] == Value::Null, row["type"] == "helpline_display");
            assert!(text(row, "local_time").ends_with("+05:45"));
        }
    }
    // Days are those of the customer's zone: together, days give what their period gives.
    let production = Filter::default();
    let mut by_day = Vec::new();
    for day in 1..24 {
        let (from, to) = (format!("2026-11-{day:02}"), format!("2026-11-{:02}", day + 1));
        let rows = rows(&engine, &sides.readers[0], Kind::Events, period(&from, &to), &production).await;
        assert!(rows.iter().all(|row| row["local_time"].as_str().unwrap().starts_with(&from)));
        by_day.extend(rows);
    }
    assert_eq!(by_day, rows(&engine, &sides.readers[0], Kind::Events, all, &production).await);
    sides.installation.stop().await;
}

async fn filters_take_what_the_figures_count(installation: Installation) {
    let mut sides = sides(installation).await;
    let engine = sides.installation.engine.clone();
    let reader = &sides.readers[0];
    let all = period("2026-11-03", "2026-11-08");
    let filters = [
        Filter::default(),
        Filter { tier: Some(Tier::Sandbox), ..Filter::default() },
        Filter { application_id: Some(sides.application), ..Filter::default() },
        Filter { helpline_id: Some("h2".parse().unwrap()), ..Filter::default() },
        Filter { country_code: Some("FR".parse().unwrap()), ..Filter::default() },
        Filter { contact_method: Some(ContactMethod::Sms), ..Filter::default() },
        Filter {
            country_code: Some("DE".parse().unwrap()),
            contact_method: Some(ContactMethod::Phone),
            ..Filter::default()
        },
        Filter {
            helpline_id: Some("h1".parse().unwrap()),
            country_code: Some("FR".parse().unwrap()),
            ..Filter::default()
        },
    ];
    for filter in filters {
        let summary = engine.summary(reader, all, &filter).await.unwrap();
        let rows = rows(&engine, reader, Kind::Events, all, &filter).await;
        let (displays, clicks): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row["type"] == "helpline_display");
        for (figure, listed) in [(Figure::GrossDisplays, displays), (Figure::GrossClicks, clicks)] {
            let expected = if summary.scope.gives(figure) { summary.counts.get(figure) } else { 0 };
            assert_eq!(listed.len() as i64, expected, "{figure:?} {filter:?}");
        }
    }
    sides.installation.stop().await;
}

async fn figures_are_those_that_are_shown(installation: Installation) {
    let mut sides = sides(installation).await;
    let engine = sides.installation.engine.clone();
    let reader = &sides.readers[0];
    let (all, filter) = (period("2026-11-01", "2026-12-01"), Filter::default());
    let series = engine.timeseries(reader, all, Interval::Day, &filter).await.unwrap();
    let days = rows(&engine, reader, Kind::Days, all, &filter).await;
    assert_eq!(days.len(), 24, "up to today");
    for (row, (bucket, counts)) in days.iter().zip(&series.buckets) {
        assert_eq!(row["date"], bucket.day.to_string());
        assert!(Figure::ALL.iter().all(|figure| row[figure.name()] == counts.get(*figure)));
        assert_eq!(row["ctr"] == Value::Null, counts.get(Figure::Reach) == 0);
    }
    for (kind, by, key) in [
        (Kind::Helplines, Breakdown::Helpline, "helpline_id"),
        (Kind::Countries, Breakdown::Country, "country_code"),
        (Kind::ContactMethods, Breakdown::ContactMethod, "contact_method"),
        (Kind::Applications, Breakdown::Application, "application_id"),
    ] {
        let table = engine.breakdown(reader, all, by, &filter, 1_000, None).await.unwrap();
        let rows = rows(&engine, reader, kind, all, &filter).await;
        assert_eq!(rows.len(), table.rows.len());
        for (row, shown) in rows.iter().zip(&table.rows) {
            assert_eq!(row[key], shown.key.as_str());
            assert!(table.scope.figures().all(|figure| row[figure.name()] == shown.counts.get(figure)));
        }
    }
    let helplines = rows(&engine, reader, Kind::Helplines, all, &filter).await;
    let countries: BTreeMap<_, _> = helplines
        .iter()
        .map(|row| (row["helpline_id"].as_str().unwrap(), row["country_code"].as_str().unwrap()))
        .collect();
    assert_eq!(countries, BTreeMap::from([("h1", "DE"), ("h2", "FR"), ("h3", "FR")]));
    sides.installation.stop().await;
}

async fn figures_of_another_time_zone_are_refused(installation: Installation) {
    let mut sides = sides(installation).await;
    // Nobody counts anew until the end.
    sides.installation.stop().await;
    let engine = Engine::open(sides.installation.settings.clone(), sides.installation.clock.clone()).await.unwrap();
    assert_eq!(engine.migrate().await.unwrap(), 0);
    let operator = engine.authenticate_console();
    let customer = sides.readers[1].customer().unwrap().id;
    let before = engine.console_reader(&operator, Some(customer)).unwrap();
    let form = CustomerForm { name: "Other".into(), time_zone: "Asia/Tokyo".into(), limits: CustomerLimits::default() };
    engine.update_customer(&operator, customer, &form).await.unwrap();
    let after = engine.console_reader(&operator, Some(customer)).unwrap();
    let (all, filter) = (period("2026-11-01", "2026-11-24"), Filter::default());
    for kind in Kind::ALL.iter().copied() {
        match engine.export(&after, kind, all, &filter, None).await {
            Ok(_) => assert_eq!(kind, Kind::Events),
            Err(Error::Unavailable(why)) => assert!(kind != Kind::Events && why.contains("another time zone"), "{why}"),
            Err(error) => panic!("{kind:?}: {error}"),
        }
    }
    assert!(engine.export(&before, Kind::Days, all, &filter, None).await.is_ok(), "as long as they are of that zone");
    // What figures are said to be counted in is what they are counted in.
    let zones = async |engine: &Engine| {
        let summary = engine.summary(&after, all, &filter).await.unwrap().time_zone;
        let series = engine.timeseries(&after, all, Interval::Day, &filter).await.unwrap().time_zone;
        let rows = engine.breakdown(&after, all, Breakdown::Country, &filter, 9, None).await.unwrap().time_zone;
        assert_eq!((series, rows), (summary, summary));
        summary
    };
    assert_eq!(zones(&engine).await, before.time_zone());
    sides.installation.restart().await;
    sides.installation.settle().await;
    let engine = sides.installation.engine.clone();
    assert!(matches!(engine.export(&before, Kind::Days, all, &filter, None).await, Err(Error::Unavailable(_))));
    assert_eq!(rows(&engine, &after, Kind::Days, all, &filter).await.len(), 23);
    assert_eq!(zones(&engine).await, after.time_zone());
    sides.installation.stop().await;
}

/// In the customer's zone; but no count is left out.
async fn days_end_with_today(installation: Installation) {
    let mut sides = sides(installation).await;
    let engine = sides.installation.engine.clone();
    let (all, filter) = (period("2026-11-20", "2027-02-01"), Filter::default());
    let dates = async |reader: &Reader| {
        let rows = rows(&engine, reader, Kind::Days, all, &filter).await;
        rows.iter().map(|row| row["date"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    sides.installation.clock.set("2026-11-24T18:15:00Z");
    assert_eq!(dates(&sides.readers[0]).await.last().unwrap(), "2026-11-25", "in Kathmandu it is midnight");
    assert_eq!(dates(&sides.readers[1]).await, ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"]);
    let body = json!({"helpline_id": "h1", "session_id": "ahead", "timestamp": "2026-11-25T00:01:00Z"});
    sides.installation.post(&sides.clients[2], EventKind::Display, &body).await.unwrap();
    sides.installation.settle().await;
    assert_eq!(dates(&sides.readers[1]).await.last().unwrap(), "2026-11-25");
    sides.installation.stop().await;
}

async fn what_arrives_meanwhile_takes_no_part(installation: Installation) {
    let mut sides = sides(installation).await;
    let engine = sides.installation.engine.clone();
    let (all, filter) = (period("2026-11-01", "2026-11-24"), Filter::default());
    let reader = sides.readers[0].clone();
    let before = rows(&engine, &reader, Kind::Events, all, &filter).await;
    let mut begun = engine.export(&reader, Kind::Events, all, &filter, None).await.unwrap();
    let log_length = begun.subject().log_length.unwrap();
    assert_eq!(log_length, 120);
    for n in 60..90 {
        sides.post(0, n).await;
    }
    // A helpline that nobody knew when the export began.
    sides.installation.helplines(&[("h1", "DE"), ("h2", "FR"), ("h3", "FR"), ("h4", "NZ")]).await;
    let body = json!({"helpline_id": "h4", "session_id": "s", "timestamp": "2026-11-05T00:00:00Z"});
    sides.installation.post(&sides.clients[0], EventKind::Display, &body).await.unwrap();
    sides.installation.settle().await;
    assert_eq!(read(&mut begun).await, before);
    let mut again = engine.export(&reader, Kind::Events, all, &filter, Some(log_length)).await.unwrap();
    assert_eq!(read(&mut again).await, before, "as of the same place it is the same for ever");
    assert_eq!(rows(&engine, &reader, Kind::Events, all, &filter).await.len(), before.len() + 31);
    sides.installation.stop().await;
}

/// More events in five minutes than are gathered at once.
async fn a_crowded_span_comes_in_slices(mut installation: Installation) {
    const EVENTS: i64 = 150_000;
    installation.settings.room.session_events = 1_000_000;
    installation.restart().await;
    installation.helplines(&[("h1", "DE")]).await;
    let customer = installation.customer("Busy", "UTC").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    let engine = installation.engine.clone();
    let start = at("2026-11-05T00:00:00Z");
    for batch in 0..EVENTS / 1_000 {
        let lines = (0..1_000).map(|i| {
            let n = batch * 1_000 + i;
            // Not in the order of time, and several in most milliseconds.
            let timestamp = start.plus(n * 7_919 % 60_000).to_string();
            json!({"type": "helpline_display", "helpline_id": "h1", "session_id": format!("s{n}"), "timestamp": timestamp})
        });
        let body = Value::from(lines.collect::<Vec<_>>()).to_string();
        let batch = engine::Batch::read(engine::BatchForm::Json, body.as_bytes());
        assert_eq!(engine.record_batch(&client, batch).await.map_err(|error| error.to_string()).unwrap().len(), 1_000);
    }
    engine.wait_for_figures().await.unwrap();
    let reader = engine.console_reader(&installation.operator, Some(customer)).unwrap();
    let rows = rows(&engine, &reader, Kind::Events, period("2026-11-01", "2026-11-24"), &Filter::default()).await;
    let keys: Vec<_> =
        rows.iter().map(|row| (row["timestamp"].as_str().unwrap(), row["place"].as_i64().unwrap())).collect();
    assert!(keys.is_sorted());
    let mut places: Vec<_> = keys.iter().map(|(_, place)| *place).collect();
    places.sort_unstable();
    assert_eq!(places, (1..=EVENTS).collect::<Vec<_>>());
    installation.stop().await;
}

/// How much is read at once does not go by what the week before was like.
async fn a_busy_hour_after_quiet_days_comes_in_pages(mut installation: Installation) {
    installation.settings.room.session_events = 1_000_000;
    installation.restart().await;
    installation.helplines(&[("h1", "DE")]).await;
    let customer = installation.customer("Busy", "UTC").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    let engine = installation.engine.clone();
    let (quiet, busy) = (at("2026-11-05T00:00:00Z"), at("2026-11-10T00:00:00Z"));
    // An event in each of five minutes, then thousands.
    let times = (0..1_000).map(|n| quiet.plus(n * 300_000)).chain((0..40_000).map(|n| busy.plus(n * 90)));
    let times: Vec<Timestamp> = times.collect();
    for (batch, times) in times.chunks(1_000).enumerate() {
        let line = |(n, at): (usize, &Timestamp)| {
            let (session, timestamp) = (format!("s{batch}-{n}"), at.to_string());
            json!({"type": "helpline_display", "helpline_id": "h1", "session_id": session, "timestamp": timestamp})
        };
        let body = Value::from(times.iter().enumerate().map(line).collect::<Vec<_>>()).to_string();
        let batch = engine::Batch::read(engine::BatchForm::Json, body.as_bytes());
        engine.record_batch(&client, batch).await.map_err(|error| error.to_string()).unwrap();
    }
    engine.wait_for_figures().await.unwrap();
    let reader = engine.console_reader(&installation.operator, Some(customer)).unwrap();
    let all = period("2026-11-01", "2026-11-24");
    let mut export = engine.export(&reader, Kind::Events, all, &Filter::default(), None).await.unwrap();
    let mut pages = Vec::new();
    while let Some(page) = export.next().await.unwrap() {
        pages.push(page.rows());
    }
    assert_eq!(pages.iter().sum::<usize>(), times.len());
    assert!(pages.len() < 20 && pages.iter().all(|rows| *rows <= 20_000), "{pages:?}");
    installation.stop().await;
}

async fn wrong_questions_are_refused(mut installation: Installation) {
    installation.helplines(&[("h1", "DE")]).await;
    // It is the 25th there already.
    let customer = installation.customer("One", "Pacific/Kiritimati").await;
    let other = installation.customer("Other", "UTC").await;
    let foreign = installation.application(other, "web", Tier::Production).await.application.id;
    let engine = installation.engine.clone();
    let reader = engine.console_reader(&installation.operator, Some(customer)).unwrap();
    assert_eq!(reader.time_zone().map(Zone::name), Some("Pacific/Kiritimati"));
    let now = period("2026-11-25", "2027-01-01");
    assert!(engine.export(&reader, Kind::Days, now, &Filter::default(), None).await.is_ok());
    let ahead = period("2026-11-26", "2027-01-01");
    let unknown = Filter { helpline_id: Some("h9".parse().unwrap()), ..Filter::default() };
    let anothers = Filter { application_id: Some(foreign), ..Filter::default() };
    for kind in Kind::ALL.iter().copied() {
        let of_figures = (kind != Kind::Events).then_some(("as_of", FaultCode::FieldInvalid, now, Filter::default()));
        for (field, code, period, filter) in [
            Some(("from", FaultCode::PeriodInvalid, ahead, Filter::default())),
            Some(("helpline_id", FaultCode::HelplineUnknown, now, unknown.clone())),
            Some(("application_id", FaultCode::FieldInvalid, now, anothers.clone())),
            of_figures,
        ]
        .into_iter()
        .flatten()
        {
            let as_of = (field == "as_of").then_some(1);
            match engine.export(&reader, kind, period, &filter, as_of).await {
                Err(Error::Invalid(faults)) => {
                    assert_eq!((faults.0[0].field.as_str(), faults.0[0].code), (field, code));
                }
                _ => panic!("{kind:?} {field}"),
            }
        }
    }
    let all = engine.console_reader(&installation.operator, None).unwrap();
    let refused = engine.export(&all, Kind::Events, now, &Filter::default(), None).await;
    assert!(matches!(refused, Err(Error::NotFound)));
    installation.stop().await;
}

async fn raw_events_that_are_kept_no_longer_are_not_left_out_in_silence(mut installation: Installation) {
    installation.helplines(&[("h1", "DE")]).await;
    let customer = installation.customer("One", "UTC").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    for timestamp in ["2025-06-01T05:00:00Z", "2026-11-01T05:00:00Z"] {
        let body = json!({"helpline_id": "h1", "session_id": "s", "timestamp": timestamp});
        installation.post(&client, EventKind::Display, &body).await.unwrap();
    }
    installation.settle().await;
    // From now on thirteen months are kept.
    installation.settings.event_age_max_days = 35;
    installation.restart().await;
    let engine = installation.engine.clone();
    installation.give_up_events().await;
    let reader = engine.console_reader(&installation.operator, Some(customer)).unwrap();
    let (gone, kept) = (period("2025-06-01", "2026-11-24"), period("2025-10-01", "2026-11-24"));
    let filter = Filter::default();
    match engine.export(&reader, Kind::Events, gone, &filter, None).await {
        Err(Error::Invalid(faults)) => assert_eq!(faults.0[0].field, "from"),
        _ => panic!("events are missing"),
    }
    assert_eq!(rows(&engine, &reader, Kind::Events, kept, &filter).await.len(), 1);
    let days = rows(&engine, &reader, Kind::Days, gone, &filter).await;
    assert_eq!(days.iter().filter_map(|row| row["gross_displays"].as_i64()).sum::<i64>(), 2);
    installation.stop().await;
}
