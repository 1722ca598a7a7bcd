//! When alerts fire, and who may set them.

use crate::receivers::{Endpoint, MailServer, Received};
use crate::support::{Installation, on_both};
use domain::account::Tier;
use domain::alert::{AlertForm, Channel, Delivery, DeliveryStatus, WebhookForm};
use domain::event::Kind;
use domain::{CustomerId, FaultCode};
use engine::actor::{ApiClient, Manager, Reader};
use engine::{CardForm, Engine, Error, Paging, Workers};
use serde_json::json;
use std::time::{Duration, Instant};

on_both!(
    a_month_is_told_once_and_through_both_channels,
    a_changed_rule_is_another_one,
    a_silence_is_told_once_until_events_come,
    rejections_are_told_once_a_day,
    processes_that_look_at_once_tell_once,
    faults_of_forms_are_named,
    nobody_reaches_what_is_anothers,
);

pub struct Shop {
    pub id: CustomerId,
    pub client: ApiClient,
    pub manager: Manager,
    pub reader: Reader,
}

/// A customer with an application.
pub async fn shop(installation: &Installation, name: &str) -> Shop {
    installation.helplines(&[("h1", "NZ")]).await;
    let id = installation.customer(name, "Europe/Paris").await;
    let credentials = installation.application(id, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    let manager = installation.engine.console_manager(&installation.operator, id).unwrap();
    let reader = installation.engine.console_reader(&installation.operator, Some(id)).unwrap();
    Shop { id, client, manager, reader }
}

/// Lets the server send e-mail and call this machine.
pub async fn connect(installation: &mut Installation, mail: &MailServer) {
    installation.settings.smtp_url = Some(mail.url());
    installation.settings.mail_from = Some("Réachline <alerts@reachline.example>".to_owned());
    installation.settings.webhook_allow_private = true;
    installation.restart().await;
}

pub async fn webhook(installation: &Installation, shop: &Shop, url: String) -> domain::alert::NewWebhook {
    installation.engine.create_webhook(&shop.manager, &WebhookForm { url }).await.unwrap()
}

/// Ten units are included, each further one costs 0.50 EUR.
async fn price(installation: &Installation, shop: &Shop) {
    let form = json!({
        "name": "Standard", "effective_from": "2026-01", "currency": "EUR", "figure": "net_displays", "included": 4,
        "tiers": [{"unit_price": "0.50"}],
    });
    let form: CardForm = serde_json::from_value(form).unwrap();
    let (engine, operator) = (&installation.engine, &installation.operator);
    let card = engine.create_rate_card(operator, &form).await.unwrap();
    engine.assign_rate_card(operator, shop.id, Some(card.id), "2026-01".parse().unwrap()).await.unwrap();
}

pub fn silent(hours: &str, emails: &str, webhook_id: &str) -> AlertForm {
    AlertForm {
        name: "Wächter".to_owned(),
        kind: "silent".to_owned(),
        hours: hours.to_owned(),
        emails: emails.to_owned(),
        webhook_id: webhook_id.to_owned(),
        ..AlertForm::default()
    }
}

async fn displays(installation: &Installation, shop: &Shop, count: usize, at: &str) {
    for _ in 0..count {
        let session = uuid::Uuid::from_bytes(engine::clock::random_bytes()).to_string();
        let body = json!({"helpline_id": "h1", "session_id": session, "timestamp": at});
        assert!(installation.post(&shop.client, Kind::Display, &body).await.unwrap());
    }
    installation.settle().await;
}

async fn fired(installation: &Installation) -> usize {
    installation.engine.evaluate_alerts(&installation.operator).await.unwrap()
}

/// All deliveries of a customer, newest first, once they are as they should be.
pub async fn deliveries(engine: &Engine, shop: &Shop, are_done: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
    let begun = Instant::now();
    loop {
        let all = engine.deliveries(&shop.reader, Paging { cursor: None, limit: 500 }).await.unwrap().items;
        if are_done(&all) {
            return all;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{all:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn all_delivered(deliveries: &[Delivery]) -> bool {
    !deliveries.is_empty() && deliveries.iter().all(|delivery| delivery.status == DeliveryStatus::Delivered)
}

async fn a_month_is_told_once_and_through_both_channels(mut installation: Installation) {
    let (mail, endpoint) = (MailServer::start(), Endpoint::start().await);
    connect(&mut installation, &mail).await;
    let shop = shop(&installation, "Acmé").await;
    price(&installation, &shop).await;
    let webhook = webhook(&installation, &shop, endpoint.url()).await;
    let form = |kind: &str, amount: &str, quantity: &str, percent: &str| AlertForm {
        name: kind.to_owned(),
        kind: kind.to_owned(),
        amount: amount.to_owned(),
        quantity: quantity.to_owned(),
        percent: percent.to_owned(),
        emails: "a@example.org, b@example.org".to_owned(),
        webhook_id: webhook.webhook.id.to_string(),
        ..AlertForm::default()
    };
    for form in [
        form("spend_reaches", "1.50", "", ""),
        form("usage_reaches", "", "6", ""),
        form("included_share_reaches", "", "", "125"),
    ] {
        installation.engine.create_alert(&shop.manager, &form).await.unwrap();
    }
    displays(&installation, &shop, 4, "2026-11-24T10:00:00Z").await;
    assert_eq!(fired(&installation).await, 0);
    displays(&installation, &shop, 1, "2026-11-24T10:01:00Z").await;
    assert_eq!(fired(&installation).await, 1, "five of four units are 125 %");
    displays(&installation, &shop, 1, "2026-11-24T10:02:00Z").await;
    assert_eq!(fired(&installation).await, 1, "six units");
    displays(&installation, &shop, 1, "2026-11-24T10:03:00Z").await;
    assert_eq!(fired(&installation).await, 1, "three units at 0.50");
    displays(&installation, &shop, 5, "2026-11-24T10:04:00Z").await;
    assert_eq!(fired(&installation).await, 0, "once a month");

    let all = deliveries(&installation.engine, &shop, |all| all.len() == 9 && all_delivered(all)).await;
    assert_eq!(all.iter().filter(|delivery| delivery.channel == Channel::Email).count(), 6);
    assert_eq!((mail.letters().len(), endpoint.received().len()), (6, 3));
    let calls = endpoint.received();
    let of = |kind: &str| calls.iter().map(Received::json).find(|it| it["data"]["alert"] == kind).unwrap();
    let spend = of("spend_reaches");
    assert_eq!((&spend["type"], &spend["timestamp"]), (&json!("alert.fired"), &json!("2026-11-24T12:00:00.000Z")));
    assert_eq!(spend["data"]["customer"], "Acmé");
    let occurrence = json!({
        "kind": "spend_reached", "month": "2026-11", "amount": {"currency": "EUR", "minor": 150},
        "spend": {"currency": "EUR", "minor": 150},
    });
    assert_eq!(spend["data"]["occurrence"], occurrence);
    assert_eq!(of("included_share_reaches")["data"]["occurrence"]["quantity"], 5);

    // The next month is another one, with nothing in it yet.
    installation.clock.set("2026-12-24T12:00:00Z");
    assert_eq!(fired(&installation).await, 0);
    displays(&installation, &shop, 7, "2026-12-24T10:00:00Z").await;
    assert_eq!(fired(&installation).await, 3);
    assert_eq!(fired(&installation).await, 0);
    let alerts = installation.engine.list_alerts(&shop.reader, Paging::default()).await.unwrap().items;
    assert!(alerts.iter().all(|alert| alert.fired_at == Some(crate::support::at("2026-12-24T12:00:00Z"))));
}

async fn a_changed_rule_is_another_one(mut installation: Installation) {
    let mail = MailServer::start();
    connect(&mut installation, &mail).await;
    let shop = shop(&installation, "Acme").await;
    let engine = installation.engine.clone();
    let alert = engine.create_alert(&shop.manager, &silent("1", "a@example.org", "")).await.unwrap();
    displays(&installation, &shop, 1, "2026-11-24T08:00:00Z").await;
    assert_eq!(fired(&installation).await, 1);
    let changed = engine.update_alert(&shop.manager, alert.id, &silent("1", "b@example.org", "")).await.unwrap();
    assert_eq!((changed.emails[0].as_str(), changed.fired_at.is_some()), ("b@example.org", true));
    assert_eq!(fired(&installation).await, 0, "who is told makes no other rule");
    let changed = engine.update_alert(&shop.manager, alert.id, &silent("2", "b@example.org", "")).await.unwrap();
    assert_eq!(changed.fired_at, None);
    installation.clock.set("2026-11-24T12:01:00Z");
    assert_eq!(fired(&installation).await, 1);
    let all = deliveries(&engine, &shop, |all| all.len() == 2 && all_delivered(all)).await;
    assert_eq!((all[0].target.as_str(), all[1].target.as_str()), ("b@example.org", "a@example.org"));
    engine.delete_alert(&shop.manager, alert.id).await.unwrap();
    assert!(matches!(engine.alert(&shop.reader, alert.id).await, Err(Error::NotFound)));
    assert_eq!(deliveries(&engine, &shop, |_| true).await.len(), 2, "the log stays");
}

async fn a_silence_is_told_once_until_events_come(mut installation: Installation) {
    let mail = MailServer::start();
    connect(&mut installation, &mail).await;
    let shop = shop(&installation, "Acme").await;
    installation.engine.create_alert(&shop.manager, &silent("3", "a@example.org", "")).await.unwrap();
    assert_eq!(fired(&installation).await, 0, "who never spoke has not gone silent");
    let credentials = installation.application(shop.id, "trial", Tier::Sandbox).await;
    let trial = installation.client(&credentials).await;
    displays(&installation, &shop, 1, "2026-11-24T08:30:00Z").await;
    let body = json!({"helpline_id": "h1", "session_id": "s", "timestamp": "2026-11-24T11:30:00Z"});
    assert!(installation.post(&trial, Kind::Display, &body).await.unwrap());
    installation.settle().await;
    installation.clock.set("2026-11-24T11:59:59Z");
    assert_eq!(fired(&installation).await, 0);
    installation.clock.set("2026-11-24T12:00:00Z");
    assert_eq!(fired(&installation).await, 1, "the sandbox is no integration");
    installation.clock.set("2026-11-25T12:00:00Z");
    assert_eq!(fired(&installation).await, 0);
    displays(&installation, &shop, 1, "2026-11-25T11:59:00Z").await;
    assert_eq!(fired(&installation).await, 0);
    installation.clock.set("2026-11-25T15:00:00Z");
    assert_eq!(fired(&installation).await, 1);
    let all = deliveries(&installation.engine, &shop, |all| all.len() == 2 && all_delivered(all)).await;
    assert_eq!(all[1].subject, "[Acme] Wächter: silent for 3 hours");
    assert!(all[1].payload.contains("from the hour of 24 November 2026, 09:00 (Europe/Paris) to 10:00."));
}

async fn rejections_are_told_once_a_day(mut installation: Installation) {
    let mail = MailServer::start();
    connect(&mut installation, &mail).await;
    let shop = shop(&installation, "Acme").await;
    let form = AlertForm {
        kind: "rejected_share_above".to_owned(),
        percent: "30".to_owned(),
        events_min: "10".to_owned(),
        ..silent("", "a@example.org", "")
    };
    installation.engine.create_alert(&shop.manager, &form).await.unwrap();
    let refuse = async |count: usize| {
        for _ in 0..count {
            let body = json!({"helpline_id": "nowhere", "session_id": "s", "timestamp": "2026-11-24T11:00:00Z"});
            assert_eq!(
                installation.post(&shop.client, Kind::Display, &body).await,
                Err(vec!["helpline_unknown".into()])
            );
        }
    };
    displays(&installation, &shop, 7, "2026-11-24T12:00:00Z").await;
    refuse(3).await;
    // Refusals are counted a moment later.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(fired(&installation).await, 0, "3 of 10 are not more than 30 %");
    refuse(1).await;
    let begun = Instant::now();
    while fired(&installation).await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing fired");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(fired(&installation).await, 0);
    let all = deliveries(&installation.engine, &shop, all_delivered).await;
    assert!(
        all[0].payload.starts_with("Of 11 events in the last 24 hours 4 were rejected: 36.4 %."),
        "{}",
        all[0].payload
    );
    installation.clock.set("2026-11-25T11:59:59Z");
    assert_eq!(fired(&installation).await, 0);
    installation.clock.set("2026-11-25T12:00:00Z");
    assert_eq!(fired(&installation).await, 1, "the same hours still count");
    installation.clock.set("2026-11-27T12:00:00Z");
    assert_eq!(fired(&installation).await, 0, "nothing was received since");
}

async fn processes_that_look_at_once_tell_once(mut installation: Installation) {
    let (mail, endpoint) = (MailServer::start(), Endpoint::start().await);
    connect(&mut installation, &mail).await;
    let shop = shop(&installation, "Acme").await;
    let webhook = webhook(&installation, &shop, endpoint.url()).await;
    for _ in 0..10 {
        let form = silent("3", "a@example.org", &webhook.webhook.id.to_string());
        installation.engine.create_alert(&shop.manager, &form).await.unwrap();
    }
    displays(&installation, &shop, 1, "2026-11-24T08:00:00Z").await;
    let (second, workers): (Engine, Option<Workers>) = match installation.settings.database_url.starts_with("postgres")
    {
        true => {
            let (engine, workers) = installation.another().await;
            (engine, Some(workers))
        }
        // On SQLite one server runs at a time; others may still look.
        false => {
            let clock = installation.clock.clone();
            (Engine::open(installation.settings.clone(), clock).await.unwrap(), None)
        }
    };
    let mut looking = tokio::task::JoinSet::new();
    for i in 0..6 {
        let engine = if i % 2 == 0 { installation.engine.clone() } else { second.clone() };
        let operator = installation.operator.clone();
        looking.spawn(async move { engine.evaluate_alerts(&operator).await.unwrap() });
    }
    let found = looking.join_all().await;
    assert_eq!(found.iter().sum::<usize>(), 10, "{found:?}");
    let all = deliveries(&installation.engine, &shop, all_delivered).await;
    assert_eq!((all.len(), mail.letters().len(), endpoint.received().len()), (20, 10, 10));
    assert!(all.iter().all(|delivery| delivery.attempts == 1), "{all:#?}");
    if let Some(workers) = workers {
        workers.stop().await;
    }
}

fn fields<T>(result: Result<T, Error>) -> Vec<(String, FaultCode)> {
    match result {
        Err(Error::Invalid(faults)) => faults.0.into_iter().map(|fault| (fault.field, fault.code)).collect(),
        Err(error) => panic!("{error}"),
        Ok(_) => Vec::new(),
    }
}

async fn faults_of_forms_are_named(mut installation: Installation) {
    let shop = shop(&installation, "Acme").await;
    let (engine, manager) = (installation.engine.clone(), &shop.manager);
    let invalid = |field: &str| vec![(field.to_owned(), FaultCode::FieldInvalid)];
    // Neither a mail server nor a rate card.
    let options = engine.alert_options(&shop.reader).await.unwrap();
    assert_eq!((options.currency, options.sends_mail), (None, false));
    assert_eq!(fields(engine.create_alert(manager, &silent("3", "a@example.org", "")).await), invalid("emails"));
    let private = WebhookForm { url: "http://127.0.0.1:9/".to_owned() };
    assert_eq!(fields(engine.create_webhook(manager, &private).await), invalid("url"));
    let unknown = uuid::Uuid::nil().to_string();
    assert_eq!(fields(engine.create_alert(manager, &silent("3", "", &unknown)).await), invalid("webhook_id"));

    connect(&mut installation, &MailServer::start()).await;
    price(&installation, &shop).await;
    let engine = installation.engine.clone();
    let options = engine.alert_options(&shop.reader).await.unwrap();
    assert_eq!((options.currency.map(domain::billing::Currency::code), options.sends_mail), (Some("EUR"), true));
    for address in ["a..b@example.org", "a<b@example.org"] {
        assert_eq!(
            fields(engine.create_alert(manager, &silent("3", address, "")).await),
            invalid("emails"),
            "{address}"
        );
    }
    let webhook = webhook(&installation, &shop, "https://example.org/".to_owned()).await.webhook;
    let form = silent("3", "", &webhook.id.to_string());
    let alert = engine.create_alert(manager, &form).await.unwrap();
    assert_eq!(fields(engine.delete_webhook(manager, webhook.id).await), invalid("webhook"), "an alert calls it");
    engine.delete_alert(manager, alert.id).await.unwrap();
    engine.delete_webhook(manager, webhook.id).await.unwrap();
    assert!(matches!(engine.delete_webhook(manager, webhook.id).await, Err(Error::NotFound)));

    for _ in 0..domain::alert::ALERTS_MAX {
        engine.create_alert(manager, &silent("3", "a@example.org", "")).await.unwrap();
    }
    let too_many = [("name".to_owned(), FaultCode::FieldTooLong)];
    assert_eq!(fields(engine.create_alert(manager, &silent("3", "a@example.org", "")).await), too_many);
    let page = engine.list_alerts(&shop.reader, Paging { cursor: None, limit: 30 }).await.unwrap();
    let rest = engine.list_alerts(&shop.reader, Paging { cursor: page.next_cursor, limit: 30 }).await.unwrap();
    assert_eq!((page.items.len(), rest.items.len(), rest.next_cursor), (30, 20, None));
}

async fn nobody_reaches_what_is_anothers(mut installation: Installation) {
    connect(&mut installation, &MailServer::start()).await;
    let (own, other) = (shop(&installation, "Own").await, shop(&installation, "Other").await);
    let engine = &installation.engine;
    let webhook = webhook(&installation, &other, "https://example.org/".to_owned()).await.webhook;
    let alert = engine.create_alert(&other.manager, &silent("3", "a@example.org", "")).await.unwrap();
    let form = silent("3", "", &webhook.id.to_string());
    assert_eq!(fields(engine.create_alert(&own.manager, &form).await)[0].0, "webhook_id");
    let form = silent("3", "a@example.org", "");
    assert!(matches!(engine.alert(&own.reader, alert.id).await, Err(Error::NotFound)));
    assert!(matches!(engine.update_alert(&own.manager, alert.id, &form).await, Err(Error::NotFound)));
    assert!(matches!(engine.delete_alert(&own.manager, alert.id).await, Err(Error::NotFound)));
    assert!(matches!(engine.test_alert(&own.manager, alert.id).await, Err(Error::NotFound)));
    assert!(matches!(engine.rotate_webhook(&own.manager, webhook.id).await, Err(Error::NotFound)));
    assert!(matches!(engine.set_webhook_disabled(&own.manager, webhook.id, true).await, Err(Error::NotFound)));
    assert!(matches!(engine.delete_webhook(&own.manager, webhook.id).await, Err(Error::NotFound)));
    assert!(matches!(engine.test_webhook(&own.manager, webhook.id).await, Err(Error::NotFound)));
    engine.test_alert(&other.manager, alert.id).await.unwrap();
    let theirs = deliveries(engine, &other, |all| all.len() == 1).await;
    assert_eq!(deliveries(engine, &own, |_| true).await, []);
    assert!(matches!(engine.retry_delivery(&own.manager, theirs[0].id).await, Err(Error::NotFound)));
    let everybody = engine.console_reader(&installation.operator, None).unwrap();
    assert!(matches!(engine.list_alerts(&everybody, Paging::default()).await, Err(Error::NotFound)));
    assert!(matches!(engine.list_webhooks(&everybody, Paging::default()).await, Err(Error::NotFound)));
    assert!(matches!(engine.deliveries(&everybody, Paging::default()).await, Err(Error::NotFound)));
}
