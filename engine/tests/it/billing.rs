//! Statements: what they say follows from the events, and never changes once they are issued.

use crate::support::{Installation, at, on_both};
use domain::CustomerId;
use domain::account::Tier;
use domain::billing::{BillableFigure, Status, Step, TermsForm, TierForm};
use domain::event::Kind;
use domain::zone::Month;
use engine::actor::{ApiClient, Reader};
use engine::{CardForm, Error, Paging, RateCard, TrailFilter, VersionForm};
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both!(
    the_waterfall_adds_up_and_every_event_behind_it_is_listed,
    what_arrives_late_is_adjusted_and_nothing_issued_changes,
    several_processes_issue_a_statement_once,
    the_database_refuses_to_change_a_statement,
    cards_that_were_used_stay_and_wrong_ones_are_refused,
    statements_are_issued_by_themselves_when_due,
    a_command_leaves_statements_to_servers,
    a_card_is_tried_out_on_the_past,
    a_time_zone_is_fixed_by_the_first_statement,
);

const EVENTS: &str = include_str!("../../../domain/tests/golden/events.ndjson");
const CONFIG: &str = include_str!("../../../domain/tests/golden/config.json");
const EXPECTED: &str = include_str!("../../../domain/tests/golden/expected.json");

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn terms(figure: BillableFigure) -> TermsForm {
    let tier = |up_to: &str, price: &str| TierForm { up_to: up_to.to_owned(), unit_price: price.to_owned() };
    TermsForm {
        currency: "EUR".to_owned(),
        figure: figure.as_str().to_owned(),
        included: "2".to_owned(),
        tiers: vec![tier("3", "0.10"), tier("", "0.005")],
        base_fee: "1".to_owned(),
        minimum: String::new(),
    }
}

fn form(name: &str, from: &str, figure: BillableFigure) -> CardForm {
    let version = VersionForm { effective_from: from.to_owned(), terms: terms(figure) };
    CardForm { name: name.to_owned(), version }
}

/// A customer with a card, an application and a helpline.
pub struct Billed {
    pub customer: CustomerId,
    card: RateCard,
    client: ApiClient,
    pub reader: Reader,
}

pub async fn billed(installation: &Installation, figure: BillableFigure) -> Billed {
    installation.helplines(&[("h1", "DE"), ("h2", "FR")]).await;
    let customer = installation.customer("Acme", "Europe/Berlin").await;
    let application = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&application).await;
    let card = assigned(installation, customer, "Standard", "2026-01", figure).await;
    let reader = installation.engine.console_reader(&installation.operator, Some(customer)).unwrap();
    Billed { customer, card, client, reader }
}

async fn assigned(
    installation: &Installation,
    customer: CustomerId,
    name: &str,
    from: &str,
    figure: BillableFigure,
) -> RateCard {
    let Installation { engine, operator, .. } = installation;
    let card = engine.create_rate_card(operator, &form(name, from, figure)).await.unwrap();
    engine.assign_rate_card(operator, customer, Some(card.id), month(from)).await.unwrap();
    card
}

impl Billed {
    async fn display(&self, installation: &Installation, session: &str, timestamp: &str) {
        let body = json!({"helpline_id": "h1", "session_id": session, "timestamp": timestamp});
        assert!(installation.post(&self.client, Kind::Display, &body).await.unwrap());
    }
}

fn fields(error: Error) -> Vec<String> {
    match error {
        Error::Invalid(faults) => faults.0.into_iter().map(|fault| fault.field).collect(),
        error => panic!("{error}"),
    }
}

/// The golden stream, posted; production and sandbox applications.
async fn golden(installation: &Installation) -> (CustomerId, Reader, Value) {
    let config: Value = serde_json::from_str(CONFIG).unwrap();
    let helplines = config["helplines"].as_object().unwrap();
    let helplines: Vec<_> = helplines.iter().map(|(id, country)| (id.as_str(), country.as_str().unwrap())).collect();
    installation.helplines(&helplines).await;
    let customer = installation.customer("Golden", "Asia/Kathmandu").await;
    let mut clients = BTreeMap::new();
    for (name, application) in config["applications"].as_object().unwrap() {
        let tier = Tier::from_name(application["tier"].as_str().unwrap()).unwrap();
        let credentials = installation.application(customer, name, tier).await;
        clients.insert(name.clone(), installation.client(&credentials).await);
    }
    for line in EVENTS.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let client = &clients[event["application"].as_str().unwrap()];
        let kind = if event["type"] == "helpline_click" { Kind::Click } else { Kind::Display };
        let _ = installation.post(client, kind, &event).await;
    }
    installation.settle().await;
    let reader = installation.engine.console_reader(&installation.operator, Some(customer)).unwrap();
    (customer, reader, serde_json::from_str(EXPECTED).unwrap())
}

/// What the reference counts in a month, over its days.
fn expected(expected: &Value, tier: &str, month: &str, figure: &str) -> i64 {
    let days = expected["tiers"][tier]["by_day"].as_object().unwrap().iter();
    days.filter(|(day, _)| day.starts_with(month)).map(|(_, counts)| counts[figure].as_i64().unwrap()).sum()
}

async fn the_waterfall_adds_up_and_every_event_behind_it_is_listed(installation: Installation) {
    let (customer, reader, reference) = golden(&installation).await;
    let engine = &installation.engine;
    for figure in BillableFigure::ALL.iter().copied() {
        assigned(&installation, customer, figure.as_str(), "2026-01", figure).await;
        let mut received = 0;
        for of in ["2026-10", "2026-11"] {
            let statement = engine.statement(&reader, month(of)).await.unwrap();
            let waterfall = &statement.waterfall;
            assert!(waterfall.adds_up());
            received += waterfall.received;
            let gross = if figure.is_of_clicks() { "gross_clicks" } else { "gross_displays" };
            assert_eq!(waterfall.gross, expected(&reference, "production", of, gross));
            assert_eq!(waterfall.billable, expected(&reference, "production", of, figure.as_str()));
            let sandbox = |figure| expected(&reference, "sandbox", of, figure);
            assert_eq!(waterfall.sandbox, sandbox("gross_displays") + sandbox("gross_clicks"));
            for step in Step::ALL {
                listed(engine, &reader, month(of), step).await;
            }
            let recomputed = engine.recompute_statement(&reader, month(of)).await.unwrap();
            assert!(recomputed.is_equal, "{recomputed:?}");
            assert_eq!(recomputed.present, recomputed.recomputed);
        }
        assert_eq!(received, reference["received"].as_i64().unwrap());
    }
}

/// Checks that as many events are listed behind a step as it says, page by page, each once.
async fn listed(engine: &engine::Engine, reader: &Reader, month: Month, step: Step) {
    let counts = engine.step_counts(reader, month, step, None).await.unwrap();
    let sum = |counts: &[(domain::zone::Day, i64)]| counts.iter().map(|(_, n)| n).sum::<i64>();
    assert_eq!(sum(&counts.by_day), counts.total);
    assert_eq!(counts.by_application.iter().map(|key| key.events).sum::<i64>(), counts.total);
    let allowed =
        if step == Step::NotUnique { counts.stated..=counts.stated + 20 } else { counts.stated..=counts.stated };
    assert!(allowed.contains(&counts.total), "{step:?} of {:?}: {} for {}", counts.figure, counts.total, counts.stated);
    if !step.has_events() {
        return;
    }
    let filter = TrailFilter { step: Some(step), ..TrailFilter::default() };
    let mut paging = Paging { cursor: None, limit: 97 };
    let mut places = Vec::new();
    let mut last = at("2000-01-01T00:00:00Z");
    loop {
        let page = engine.statement_events(reader, month, &filter, Some(counts.log_length), &paging).await.unwrap();
        for event in page.events {
            assert!(event.at >= last);
            last = event.at;
            assert!(event.judgement.is_none_or(|judgement| judgement.is_in(step)));
            places.push(event.place);
        }
        match page.next_cursor {
            None => break,
            cursor => paging.cursor = cursor,
        }
    }
    places.sort_unstable();
    places.dedup();
    assert_eq!(i64::try_from(places.len()).unwrap(), counts.total);
}

async fn what_arrives_late_is_adjusted_and_nothing_issued_changes(installation: Installation) {
    let billed = billed(&installation, BillableFigure::Reach).await;
    let Installation { engine, operator, .. } = &installation;
    for (i, minute) in (10..16).enumerate() {
        billed.display(&installation, &format!("s{i}"), &format!("2026-10-02T08:{minute}:00Z")).await;
    }
    // Two are included, three cost 0.10, one 0.005, which is 0.01 by itself; and the base fee.
    let by = Some("somebody".to_owned());
    let issued = engine.issue_statement(operator, billed.customer, month("2026-10"), by, false).await.unwrap();
    assert!(issued.is_new);
    assert_eq!((issued.statement.total.to_string(), issued.statement.log_length), ("1.31".to_owned(), 6));
    // Two more sessions, one that is known, and one that is of November.
    billed.display(&installation, "late", "2026-10-31T22:59:59.999Z").await;
    billed.display(&installation, "later", "2026-09-30T22:00:00Z").await;
    billed.display(&installation, "s1", "2026-10-20T08:00:00Z").await;
    billed.display(&installation, "november", "2026-10-31T23:00:00Z").await;
    engine.wait_for_figures().await.unwrap();
    assert_eq!(engine.statement(&billed.reader, month("2026-10")).await.unwrap(), issued.statement);
    let again = engine.issue_statement(operator, billed.customer, month("2026-10"), None, false).await.unwrap();
    assert!(!again.is_new && again.statement == issued.statement);
    let recomputed = engine.recompute_statement(&billed.reader, month("2026-10")).await.unwrap();
    assert!(recomputed.is_equal);
    assert_eq!((recomputed.recomputed.billable, recomputed.present.billable), (6, 8));
    let gross = TrailFilter { step: Some(Step::Gross), ..TrailFilter::default() };
    let paging = Paging::default();
    let listed = engine.statement_events(&billed.reader, month("2026-10"), &gross, None, &paging).await.unwrap();
    assert_eq!(listed.events.len(), 6, "what came later is on no list of this statement");

    let november = engine.statement(&billed.reader, month("2026-11")).await.unwrap();
    let [adjustment] = &november.adjustments[..] else { panic!("one month has changed") };
    assert_eq!((adjustment.before.billable, adjustment.after.billable), (6, 8));
    assert_eq!((adjustment.before.gross, adjustment.after.gross), (6, 9));
    // Three units at 0.005 are 0.02, of which one has been billed.
    assert_eq!((adjustment.amount.minor, november.total.to_string()), (1, "1.01".to_owned()));
    let Status::Draft { forecast: Some(forecast) } = &november.status else { panic!("November runs") };
    assert_eq!((forecast.quantity, forecast.days, forecast.total.to_string()), (1, 23, "1.01".to_owned()));
    let running = engine.issue_statement(operator, billed.customer, month("2026-11"), None, false).await.unwrap_err();
    assert_eq!(fields(running), ["month"]);
    let early = engine.issue_statement(operator, billed.customer, month("2026-11"), None, true).await.unwrap();
    assert_eq!(early.statement.adjustments, november.adjustments);
    // Billed once: the next month knows of it.
    installation.clock.set("2026-12-02T12:00:00Z");
    assert!(engine.statement(&billed.reader, month("2026-12")).await.unwrap().adjustments.is_empty());
    let ahead = engine.issue_statement(operator, billed.customer, month("2027-01"), None, true).await.unwrap_err();
    assert_eq!(fields(ahead), ["month"]);
}

async fn several_processes_issue_a_statement_once(installation: Installation) {
    let billed = billed(&installation, BillableFigure::NetDisplays).await;
    billed.display(&installation, "a", "2026-08-02T08:00:00Z").await;
    let Installation { engine, operator, .. } = &installation;
    engine.issue_statement(operator, billed.customer, month("2026-08"), None, false).await.unwrap();
    billed.display(&installation, "b", "2026-08-02T08:00:00Z").await;
    let other = engine::Engine::open(installation.settings.clone(), installation.clock.clone()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..12 {
        let engine = if i % 2 == 0 { engine.clone() } else { other.clone() };
        let (operator, customer) = (operator.clone(), billed.customer);
        let of = month(if i % 3 == 0 { "2026-09" } else { "2026-10" });
        tasks.spawn(async move { engine.issue_statement(&operator, customer, of, None, false).await.unwrap() });
    }
    let issued = tasks.join_all().await;
    assert_eq!(issued.iter().filter(|issued| issued.is_new).count(), 2);
    let all = engine.statements(&billed.reader, Paging::default()).await.unwrap().items;
    let adjusting = all.iter().filter(|statement| statement.is_issued() && !statement.adjustments.is_empty());
    assert_eq!(adjusting.count(), 1, "August is adjusted once");
}

async fn the_database_refuses_to_change_a_statement(installation: Installation) {
    let billed = billed(&installation, BillableFigure::Reach).await;
    let Installation { engine, operator, settings, .. } = &installation;
    engine.issue_statement(operator, billed.customer, month("2026-10"), None, false).await.unwrap();
    for sql in [
        "UPDATE statements SET total = total + 1",
        "DELETE FROM statements",
        "UPDATE rate_card_versions SET terms = '{}'",
        "DELETE FROM rate_card_versions",
    ] {
        let refused = if settings.database_url.starts_with("sqlite") {
            let pool = sqlx::SqlitePool::connect(&settings.database_url).await.unwrap();
            sqlx::query(sql).execute(&pool).await.map(drop)
        } else {
            let pool = sqlx::PgPool::connect(&settings.database_url).await.unwrap();
            sqlx::query(sql).execute(&pool).await.map(drop)
        };
        assert!(refused.unwrap_err().to_string().contains("never"), "{sql}");
    }
}

async fn cards_that_were_used_stay_and_wrong_ones_are_refused(installation: Installation) {
    let billed = billed(&installation, BillableFigure::Reach).await;
    let Installation { engine, operator, .. } = &installation;
    let version = |from: &str, change: fn(&mut TermsForm)| {
        let mut terms = terms(BillableFigure::Reach);
        change(&mut terms);
        VersionForm { effective_from: from.to_owned(), terms }
    };
    // Not used yet: it can be changed.
    let cheaper = version("2026-02", |terms| terms.base_fee = "0.50".to_owned());
    engine.update_rate_card_version(operator, billed.card.id, 1, &cheaper).await.unwrap();
    engine.issue_statement(operator, billed.customer, month("2026-10"), None, false).await.unwrap();
    let id = billed.card.id;
    let refused = engine.update_rate_card_version(operator, id, 1, &version("2026-11", |_| {})).await.unwrap_err();
    assert_eq!(fields(refused), ["version"]);
    for (form, field) in [
        (version("2026-10", |_| {}), "effective_from"),
        (version("2026-13", |_| {}), "effective_from"),
        (version("2026-11", |terms| terms.currency = "USD".to_owned()), "currency"),
        (version("2026-11", |terms| terms.currency = "XYZ".to_owned()), "currency"),
        (version("2026-11", |terms| terms.tiers[0].unit_price = "0.0000001".to_owned()), "tiers.0.unit_price"),
    ] {
        let refused = engine.add_rate_card_version(operator, id, &form).await.unwrap_err();
        assert_eq!(fields(refused), [field]);
    }
    let next = engine.add_rate_card_version(operator, id, &version("2026-11", |_| {})).await.unwrap();
    assert_eq!(
        next.versions.iter().map(|it| (it.version.version, it.is_used)).collect::<Vec<_>>(),
        [(1, true), (2, false)]
    );
    let number = async |of: &str| engine.statement(&billed.reader, month(of)).await.unwrap().card.version;
    assert_eq!((number("2026-10").await, number("2026-11").await), (1, 2));

    let refused = engine.create_rate_card(operator, &form("Standard", "2026-01", BillableFigure::Reach)).await;
    assert_eq!(fields(refused.unwrap_err()), ["name"]);
    let mut dollars = form("Dollars", "2026-01", BillableFigure::Reach);
    dollars.version.terms.currency = "USD".to_owned();
    let dollars = engine.create_rate_card(operator, &dollars).await.unwrap();
    let assign = async |card, from: &str| engine.assign_rate_card(operator, billed.customer, card, month(from)).await;
    assert_eq!(fields(assign(Some(dollars.id), "2026-12").await.unwrap_err()), ["card"]);
    assert_eq!(fields(assign(Some(id), "2026-10").await.unwrap_err()), ["from"]);
    assign(None, "2026-12").await.unwrap();
    installation.clock.set("2026-12-02T12:00:00Z");
    let usage = engine.usage(&billed.reader, month("2026-12")).await.unwrap();
    assert!(usage.statement.is_none());
    let refused = engine.issue_statement(operator, billed.customer, month("2026-12"), None, true).await.unwrap_err();
    assert_eq!(fields(refused), ["rate_card"]);
}

async fn statements_are_issued_by_themselves_when_due(installation: Installation) {
    let billed = billed(&installation, BillableFigure::Reach).await;
    let Installation { engine, operator, clock, .. } = &installation;
    let bare = installation.customer("No card", "UTC").await;
    let issue = async |now: &str| {
        clock.set(now);
        engine.issue_due_statements(operator).await.unwrap()
    };
    // October ended before the customer was created: that is left to people.
    assert_eq!(issue("2026-12-05T22:59:59Z").await, 0);
    // Berlin's November ended on the 30th at 23:00 UTC, and five days have passed.
    assert_eq!(issue("2026-12-05T23:00:00Z").await, 1);
    assert_eq!(issue("2026-12-05T23:00:01Z").await, 0);
    assert_eq!(issue("2027-03-01T00:00:00Z").await, 2);
    let all = engine.statements(&billed.reader, Paging::default()).await.unwrap().items;
    let months: Vec<_> = all.iter().map(|statement| (statement.month.to_string(), statement.is_issued())).collect();
    let expected = [("2027-03", false), ("2027-02", false), ("2027-01", true), ("2026-12", true), ("2026-11", true)];
    assert_eq!(months, expected.map(|(month, issued)| (month.to_owned(), issued)));
    let supervisor = operator.as_supervisor();
    let rows = engine.statements_of_month(&supervisor, month("2027-01"), Paging::default()).await.unwrap().items;
    let names: Vec<_> = rows.iter().map(|row| (row.customer_name.as_str(), row.bill.total.is_some())).collect();
    assert_eq!(names, [("Acme", true), ("No card", false)]);
    let reader = engine.console_reader(operator, Some(bare)).unwrap();
    assert!(matches!(engine.statement(&reader, month("2026-12")).await, Err(Error::NotFound)));
    let overview = engine.billing_overview(&billed.reader).await.unwrap();
    assert_eq!((overview.months.len(), overview.current.month.to_string()), (13, "2027-03".to_owned()));
}

/// Its settings, such as the days of grace, are of the shell that it was called from.
async fn a_command_leaves_statements_to_servers(mut installation: Installation) {
    let billed = billed(&installation, BillableFigure::Reach).await;
    let is_issued = async |installation: &Installation| {
        let found = installation.engine.statements(&billed.reader, Paging::default()).await.unwrap();
        found.items.iter().any(domain::billing::Statement::is_issued)
    };
    installation.clock.set("2026-12-06T12:00:00Z");
    installation.settings.is_server = false;
    installation.restart().await;
    installation.settle().await;
    assert!(!is_issued(&installation).await);
    installation.settings.is_server = true;
    installation.restart().await;
    let begun = std::time::Instant::now();
    while !is_issued(&installation).await {
        assert!(begun.elapsed().as_secs() < 20, "no statement was issued");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn a_card_is_tried_out_on_the_past(installation: Installation) {
    let billed = billed(&installation, BillableFigure::Reach).await;
    for session in ["a", "b", "c"] {
        billed.display(&installation, session, "2026-10-02T08:00:00Z").await;
    }
    let Installation { engine, operator, .. } = &installation;
    engine.wait_for_figures().await.unwrap();
    let supervisor = operator.as_supervisor();
    let dear = TermsForm { included: String::new(), minimum: "2".to_owned(), ..terms(BillableFigure::NetDisplays) };
    let preview = engine.preview_rate_card(&supervisor, billed.customer, &dear, 3).await.unwrap();
    let rows: Vec<_> = preview
        .iter()
        .map(|row| {
            (row.month.to_string(), row.quantity, row.priced.total.to_string(), row.present.unwrap().to_string())
        })
        .collect();
    let row = |month: &str, quantity, new: &str, present: &str| {
        (month.to_owned(), quantity, new.to_owned(), present.to_owned())
    };
    let expected =
        [row("2026-09", 0, "2.00", "1.00"), row("2026-10", 3, "2.00", "1.10"), row("2026-11", 0, "2.00", "1.00")];
    assert_eq!(rows, expected);
    let wrong = TermsForm { currency: "nothing".to_owned(), ..dear };
    let refused = engine.preview_rate_card(&supervisor, billed.customer, &wrong, 3).await.unwrap_err();
    assert_eq!(fields(refused), ["currency"]);
}

async fn a_time_zone_is_fixed_by_the_first_statement(installation: Installation) {
    use domain::account::{CustomerForm, CustomerLimits};
    let billed = billed(&installation, BillableFigure::Reach).await;
    let Installation { engine, operator, .. } = &installation;
    let form = |zone: &str| CustomerForm {
        name: "Acme".to_owned(),
        time_zone: zone.to_owned(),
        limits: CustomerLimits::default(),
    };
    engine.update_customer(operator, billed.customer, &form("Europe/Paris")).await.unwrap();
    engine.issue_statement(operator, billed.customer, month("2026-10"), None, false).await.unwrap();
    engine.update_customer(operator, billed.customer, &form("Europe/Paris")).await.unwrap();
    let refused = engine.update_customer(operator, billed.customer, &form("UTC")).await.unwrap_err();
    assert_eq!(fields(refused), ["time_zone"]);
}
