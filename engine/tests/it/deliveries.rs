//! How messages get where they should, over a real mail server and a real endpoint.

use crate::alerts::{Shop, all_delivered, connect, deliveries, shop, silent, webhook};
use crate::audit::{entries, one};
use crate::receivers::{Answer, Endpoint, MailServer};
use crate::support::{Installation, on_both};
use domain::Timestamp;
use domain::alert::{Delivery, DeliveryStatus};
use domain::audit::{Action, ActionKind};
use engine::actor::ITSELF;
use engine::clock::{Clock, SystemClock};
use engine::{Error, Paging};
use mail_parser::MessageParser;

on_both!(
    mail_arrives_as_it_was_written,
    mail_is_tried_again_unless_it_is_refused,
    calls_are_signed_and_tried_again,
    a_rotated_secret_works_beside_the_one_before,
    endpoints_that_are_gone_are_not_called,
    a_crash_while_sending_is_made_up_for,
    what_speaks_no_tls_is_not_trusted,
    private_addresses_are_not_called,
    what_was_given_up_can_be_tried_again,
    the_log_is_kept_for_a_while,
);

/// For how long a message is one process's alone.
const LEASE_MS: i64 = 120_000;

/// An installation that sends, with a customer.
async fn prepare(installation: &mut Installation) -> (MailServer, Endpoint, Shop) {
    let (mail, endpoint) = (MailServer::start(), Endpoint::start().await);
    // Whoever verifies a signature looks at the machine's clock.
    installation.clock.set(&SystemClock.now().to_string());
    connect(installation, &mail).await;
    let shop = shop(installation, "Acmé & Söhne").await;
    (mail, endpoint, shop)
}

/// Lets time pass, of which the server learns within a second.
fn wait(installation: &Installation, milliseconds: i64) {
    installation.clock.set(&installation.engine.now().plus(milliseconds).to_string());
}

fn are_all(status: DeliveryStatus, attempts: u32) -> impl Fn(&[Delivery]) -> bool {
    move |all| !all.is_empty() && all.iter().all(|it| it.status == status && it.attempts == attempts)
}

/// Waits until the last attempt has failed as well, and is not under way any more.
async fn failed(installation: &Installation, shop: &Shop, attempts: u32) -> Vec<Delivery> {
    let engine = &installation.engine;
    let lease_end = Some(engine.now().plus(LEASE_MS));
    let have_failed = are_all(DeliveryStatus::Failed, attempts);
    deliveries(engine, shop, |all| have_failed(all) && all.iter().all(|it| it.next_attempt_at != lease_end)).await
}

async fn mail_arrives_as_it_was_written(mut installation: Installation) {
    let (mail, _, shop) = prepare(&mut installation).await;
    let engine = &installation.engine;
    let alert = engine.create_alert(&shop.manager, &silent("3", "a@example.org; b@example.org", "")).await.unwrap();
    assert_eq!(engine.test_alert(&shop.manager, alert.id).await.unwrap(), 2);
    let all = deliveries(engine, &shop, all_delivered).await;
    assert_eq!((all.len(), mail.letters().len()), (2, 2));
    for delivery in all {
        assert_eq!((delivery.response_status, delivery.note.as_str()), (Some(250), ""));
        let letters = mail.letters();
        let letter = letters.iter().find(|letter| letter.to == [delivery.target.as_str()]).unwrap();
        assert_eq!((letter.login.as_deref(), letter.from.as_str()), (Some("reachline"), "alerts@reachline.example"));
        let message = MessageParser::default().parse(&letter.data).unwrap();
        let from = message.from().unwrap().first().unwrap();
        assert_eq!((from.name(), from.address()), (Some("Réachline"), Some("alerts@reachline.example")));
        let to: Vec<_> = message.to().unwrap().iter().map(|to| to.address().unwrap()).collect();
        assert_eq!(to, [delivery.target.as_str()], "nobody learns who else is told");
        assert_eq!(message.subject(), Some("[Acmé & Söhne] Test: nothing has happened"));
        let text = "The alert \"Wächter\" is being tried out, and can be reached. Nothing has happened.";
        assert_eq!(message.body_text(0).unwrap().trim(), text);
        assert_eq!(message.message_id().unwrap(), format!("{}@reachline.example", delivery.id));
        assert_eq!(message.header_raw("MIME-Version").unwrap().trim(), "1.0");
        assert_eq!(message.header_raw("Auto-Submitted").unwrap().trim(), "auto-generated");
        let seconds = installation.engine.now().millis().div_euclid(1_000);
        assert_eq!(message.date().unwrap().to_timestamp(), seconds);
        assert!(letter.data.is_ascii(), "it passes servers that know nothing else");
    }
}

async fn mail_is_tried_again_unless_it_is_refused(mut installation: Installation) {
    let (mail, _, shop) = prepare(&mut installation).await;
    let engine = &installation.engine;
    let addresses = "unknown@example.org, busy@example.org, good@example.org";
    let alert = engine.create_alert(&shop.manager, &silent("3", addresses, "")).await.unwrap();
    engine.test_alert(&shop.manager, alert.id).await.unwrap();
    let all =
        deliveries(engine, &shop, |all| all.len() == 3 && all.iter().all(|it| it.response_status.is_some())).await;
    let of = |name: &str| all.iter().find(|it| it.target.starts_with(name)).unwrap();
    assert_eq!((of("unknown").status, of("unknown").response_status), (DeliveryStatus::GivenUp, Some(550)));
    assert!(of("unknown").note.contains("Mailbox unavailable"), "{}", of("unknown").note);
    assert_eq!((of("busy").status, of("busy").response_status), (DeliveryStatus::Failed, Some(451)));
    let wait = of("busy").next_attempt_at.unwrap().millis() - engine.now().millis();
    assert!((5_000..=5_500).contains(&wait), "{wait}");
    assert_eq!(of("good").status, DeliveryStatus::Delivered);
    assert_eq!(mail.letters().len(), 1);

    // A wrong password is the operator's to mend: what waits for it is not lost.
    installation.settings.smtp_url = Some(mail.url().replace("pass%40word", "wrong"));
    installation.restart().await;
    let engine = &installation.engine;
    installation.clock.set(&engine.now().plus(1).to_string());
    let alert = engine.create_alert(&shop.manager, &silent("3", "late@example.org", "")).await.unwrap();
    engine.test_alert(&shop.manager, alert.id).await.unwrap();
    let is_refused = |all: &[Delivery]| all[0].response_status == Some(535);
    assert_eq!(deliveries(engine, &shop, is_refused).await[0].status, DeliveryStatus::Failed);
    installation.settings.smtp_url = Some(mail.url());
    installation.restart().await;
    installation.clock.set(&installation.engine.now().plus(6_000).to_string());
    deliveries(&installation.engine, &shop, |all| all[0].status == DeliveryStatus::Delivered).await;
}

async fn calls_are_signed_and_tried_again(mut installation: Installation) {
    let (_, endpoint, shop) = prepare(&mut installation).await;
    let engine = &installation.engine;
    let new = webhook(&installation, &shop, endpoint.url()).await;
    assert!(new.secret.starts_with("whsec_") && new.secret.ends_with(&new.webhook.secret_hint));
    endpoint.will_answer(&[Answer::Status(500), Answer::Redirect, Answer::Chatter, Answer::Status(200)]);
    engine.test_webhook(&shop.manager, new.webhook.id).await.unwrap();
    let notes = ["500 Internal Server Error as  told", "307 Temporary Redirect", "500 Internal Server Error xxx"];
    for (attempt, (note, minutes)) in (1..).zip(notes.into_iter().zip([1, 6, 33])) {
        let all = failed(&installation, &shop, attempt).await;
        assert!(all[0].note.starts_with(note) && all[0].note.len() <= 300, "{}", all[0].note);
        assert!(all[0].next_attempt_at > Some(engine.now()));
        wait(&installation, minutes * 60_000);
    }
    let all = deliveries(engine, &shop, are_all(DeliveryStatus::Delivered, 4)).await;
    assert_eq!((all[0].response_status, all[0].delivered_at), (Some(200), Some(engine.now())));

    let calls = endpoint.received();
    assert_eq!(calls.len(), 4, "no redirect was followed");
    for call in &calls {
        assert_eq!(
            (call.header("webhook-id"), call.body.clone()),
            (&*all[0].id.to_string(), all[0].payload.clone().into())
        );
        assert_eq!(call.header("content-type"), "application/json");
        assert_eq!(call.json()["type"], "webhook.test");
    }
    assert!(calls[0].verifies(&new.secret));
    let later = |i: usize| calls[i].header("webhook-timestamp").parse::<i64>().unwrap();
    assert!(later(1) - later(0) >= 60, "each attempt is signed at its own instant");
    let mut tampered = calls[0].clone();
    tampered.body = String::from_utf8_lossy(&tampered.body).replace("Nothing", "Something").into();
    assert!(!tampered.verifies(&new.secret));
    let other = webhook(&installation, &shop, endpoint.url()).await;
    assert!(!calls[0].verifies(&other.secret));
    let mut replayed = calls[0].clone();
    replayed.headers.insert("webhook-id", "another".parse().unwrap());
    assert!(!replayed.verifies(&new.secret));
}

async fn a_rotated_secret_works_beside_the_one_before(mut installation: Installation) {
    let (_, endpoint, shop) = prepare(&mut installation).await;
    let engine = &installation.engine;
    let old = webhook(&installation, &shop, endpoint.url()).await;
    let new = engine.rotate_webhook(&shop.manager, old.webhook.id).await.unwrap();
    assert!(new.secret != old.secret && new.webhook.old_secret_until > Some(engine.now()));
    engine.test_webhook(&shop.manager, old.webhook.id).await.unwrap();
    deliveries(engine, &shop, all_delivered).await;
    let call = endpoint.received().remove(0);
    assert!(call.verifies(&new.secret) && call.verifies(&old.secret));
    wait(&installation, 24 * 3_600_000);
    engine.test_webhook(&shop.manager, old.webhook.id).await.unwrap();
    deliveries(engine, &shop, |all| all.len() == 2 && all_delivered(all)).await;
    assert_eq!(endpoint.received()[1].header("webhook-signature").split(' ').count(), 1);
    let listed = engine.list_webhooks(&shop.reader, Paging::default()).await.unwrap().items;
    assert_eq!((listed.len(), listed[0].old_secret_until), (1, None));
}

async fn endpoints_that_are_gone_are_not_called(mut installation: Installation) {
    let (_, endpoint, shop) = prepare(&mut installation).await;
    let engine = &installation.engine;
    let id = webhook(&installation, &shop, endpoint.url()).await.webhook.id;
    endpoint.will_answer(&[Answer::Status(410)]);
    engine.test_webhook(&shop.manager, id).await.unwrap();
    deliveries(engine, &shop, are_all(DeliveryStatus::GivenUp, 1)).await;
    let listed = engine.list_webhooks(&shop.reader, Paging::default()).await.unwrap().items;
    assert!(listed[0].disabled_at.is_some());
    let told = entries(&installation, Some(shop.id), ActionKind::Alerts).await;
    assert_eq!(one(&told, Action::WebhookDisabled).actor, ITSELF);
    wait(&installation, 1);
    engine.test_webhook(&shop.manager, id).await.unwrap();
    let all = deliveries(engine, &shop, |all| all.len() == 2 && all[0].status == DeliveryStatus::GivenUp).await;
    assert_eq!((endpoint.received().len(), all[0].note.as_str()), (1, "the endpoint was disabled or deleted"));
    assert_eq!(engine.set_webhook_disabled(&shop.manager, id, false).await.unwrap().disabled_at, None);
    engine.retry_delivery(&shop.manager, all[0].id).await.unwrap();
    deliveries(engine, &shop, |all| all[0].status == DeliveryStatus::Delivered).await;
    assert_eq!(endpoint.received().len(), 2);
}

async fn a_crash_while_sending_is_made_up_for(mut installation: Installation) {
    let (_, endpoint, shop) = prepare(&mut installation).await;
    let id = webhook(&installation, &shop, endpoint.url()).await.webhook.id;
    endpoint.will_answer(&[Answer::Never]);
    installation.engine.test_webhook(&shop.manager, id).await.unwrap();
    while endpoint.received().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    installation.crash().await;
    let engine = &installation.engine;
    // Until the lease ends nobody can know that whoever took it is no more.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let claimed = deliveries(engine, &shop, are_all(DeliveryStatus::Pending, 1)).await;
    assert_eq!((claimed[0].next_attempt_at, endpoint.received().len()), (Some(engine.now().plus(LEASE_MS)), 1));
    wait(&installation, LEASE_MS);
    deliveries(engine, &shop, are_all(DeliveryStatus::Delivered, 2)).await;
    let calls = endpoint.received();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"), "who got both can tell");
}

async fn what_speaks_no_tls_is_not_trusted(mut installation: Installation) {
    let (mail, endpoint, shop) = prepare(&mut installation).await;
    installation.settings.smtp_url = Some(mail.url().replace("smtp:", "smtps:"));
    installation.restart().await;
    let engine = &installation.engine;
    let id = webhook(&installation, &shop, endpoint.url().replace("http:", "https:")).await.webhook.id;
    let alert = silent("3", "a@example.org", &id.to_string());
    let alert = engine.create_alert(&shop.manager, &alert).await.unwrap();
    engine.test_alert(&shop.manager, alert.id).await.unwrap();
    for delivery in failed(&installation, &shop, 1).await {
        assert!(delivery.note.contains("corrupt message"), "{}: {}", delivery.target, delivery.note);
    }
    assert!(mail.letters().is_empty() && endpoint.received().is_empty());
}

async fn private_addresses_are_not_called(mut installation: Installation) {
    let (_, endpoint, shop) = prepare(&mut installation).await;
    let before = webhook(&installation, &shop, endpoint.url()).await.webhook.id;
    installation.settings.webhook_allow_private = false;
    installation.restart().await;
    let port = endpoint.port;
    let hosts = ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "169.254.169.254"];
    let mut ids = vec![before];
    for host in hosts {
        ids.push(webhook(&installation, &shop, format!("https://{host}:{port}/")).await.webhook.id);
    }
    for id in &ids {
        installation.engine.test_webhook(&shop.manager, *id).await.unwrap();
    }
    let have_failed = are_all(DeliveryStatus::Failed, 1);
    let all = deliveries(&installation.engine, &shop, |all| all.len() == ids.len() && have_failed(all)).await;
    for delivery in all {
        let expected = match delivery.target.starts_with("https") {
            true => "not on the public internet",
            false => "does not call such an address",
        };
        assert!(delivery.note.contains(expected), "{}: {}", delivery.target, delivery.note);
    }
    assert!(endpoint.received().is_empty());
}

async fn what_was_given_up_can_be_tried_again(mut installation: Installation) {
    let (_, endpoint, shop) = prepare(&mut installation).await;
    let engine = &installation.engine;
    let id = webhook(&installation, &shop, endpoint.url()).await.webhook.id;
    endpoint.will_answer(&[Answer::Status(503); 11]);
    engine.test_webhook(&shop.manager, id).await.unwrap();
    for attempt in 1..10 {
        failed(&installation, &shop, attempt).await;
        wait(&installation, 27 * 3_600_000);
    }
    let all = deliveries(engine, &shop, are_all(DeliveryStatus::GivenUp, 10)).await;
    assert_eq!((all[0].next_attempt_at, endpoint.received().len()), (None, 10));
    wait(&installation, 27 * 3_600_000);
    engine.retry_delivery(&shop.manager, all[0].id).await.unwrap();
    deliveries(engine, &shop, are_all(DeliveryStatus::GivenUp, 11)).await;
    engine.retry_delivery(&shop.manager, all[0].id).await.unwrap();
    deliveries(engine, &shop, are_all(DeliveryStatus::Delivered, 12)).await;
    assert!(matches!(engine.retry_delivery(&shop.manager, all[0].id).await, Err(Error::Invalid(_))), "it has arrived");
}

async fn the_log_is_kept_for_a_while(mut installation: Installation) {
    let (_, endpoint, shop) = prepare(&mut installation).await;
    let id = webhook(&installation, &shop, endpoint.url()).await.webhook.id;
    for _ in 0..60 {
        installation.engine.test_webhook(&shop.manager, id).await.unwrap();
    }
    let refused = installation.engine.test_webhook(&shop.manager, id).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "nobody is flooded with tests");
    let all = deliveries(&installation.engine, &shop, |all| all.len() == 60 && all_delivered(all)).await;
    assert!(all.iter().all(|delivery| delivery.attempts == 1) && endpoint.received().len() == 60);
    let (mut paging, mut seen) = (Paging { cursor: None, limit: 25 }, Vec::new());
    loop {
        let page = installation.engine.deliveries(&shop.reader, paging).await.unwrap();
        seen.extend(page.items);
        let Some(cursor) = page.next_cursor else { break };
        paging = Paging { cursor: Some(cursor), limit: 25 };
    }
    assert_eq!(seen, all);
    let nonsense = Paging { cursor: Some("nonsense".to_owned()), limit: 25 };
    assert!(matches!(installation.engine.deliveries(&shop.reader, nonsense).await, Err(Error::Invalid(_))));

    let created: Timestamp = all[0].created_at;
    installation.clock.set(&created.plus(89 * 86_400_000).to_string());
    // A server clears up when it starts.
    installation.restart().await;
    installation.engine.test_webhook(&shop.manager, id).await.unwrap();
    deliveries(&installation.engine, &shop, |all| all.len() == 61 && all_delivered(all)).await;
    installation.clock.set(&created.plus(90 * 86_400_000 + 1).to_string());
    installation.restart().await;
    deliveries(&installation.engine, &shop, |all| all.len() == 1).await;
}
