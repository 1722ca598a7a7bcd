//! The audit log: whoever changes something, or takes a file out, leaves an entry, and nobody else does.

use crate::alerts::{shop, silent};
use crate::support::{Installation, helpline, on_both};
use domain::account::{ApplicationForm, CustomerForm, CustomerLimits, Role, Tier, UserForm};
use domain::alert::WebhookForm;
use domain::audit::{Action, ActionKind};
use domain::period::{Filter, Period};
use domain::zone::Month;
use domain::{ApplicationId, CustomerId, UserId};
use engine::actor::{CONSOLE, ITSELF, SessionUser};
use engine::{AuditEntry, CardForm, Error, FileOf, Paging, TrailFilter, VersionForm};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

on_both!(
    changes_of_customers_tell_what_was_and_is,
    whoever_acts_is_named,
    secrets_of_applications_are_told_by_their_ids,
    changes_of_people_tell_no_password,
    who_signs_in_and_out_is_told_and_who_fails_is_not,
    helplines_are_told_one_by_one_or_by_file,
    rate_cards_and_statements_are_told,
    alerts_and_endpoints_are_told_without_what_is_secret,
    files_are_told_and_a_walk_once,
    the_log_is_narrowed_and_paged,
    what_a_later_version_wrote_is_told_as_far_as_it_can_be,
);

const PASSWORD: &str = "correct horse battery";
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// All entries of a kind, in no order: the clock stands still.
pub async fn entries(installation: &Installation, customer: Option<CustomerId>, kind: ActionKind) -> Vec<AuditEntry> {
    let reader = installation.engine.console_audit_reader(&installation.operator, customer).unwrap();
    let paging = Paging { cursor: None, limit: 500 };
    installation.engine.audit_log(&reader.of_kind(Some(kind)), &paging).await.unwrap().items
}

/// The one entry of an action.
pub fn one(entries: &[AuditEntry], action: Action) -> &AuditEntry {
    let found: Vec<_> = entries.iter().filter(|entry| entry.action == action).collect();
    let [entry] = found[..] else { panic!("{action:?}: {entries:#?}") };
    entry
}

fn count(entries: &[AuditEntry], action: Action) -> usize {
    entries.iter().filter(|entry| entry.action == action).count()
}

fn customer_form(name: &str, zone: &str, suppress_below: Option<u32>) -> CustomerForm {
    let limits = CustomerLimits { suppress_below, ..CustomerLimits::default() };
    CustomerForm { name: name.into(), time_zone: zone.into(), limits }
}

fn user_form(email: &str, role: Role, customer_id: Option<CustomerId>, password: Option<&str>) -> UserForm {
    let (email, password) = (email.to_owned(), password.map(str::to_owned));
    UserForm { email, name: "Ada".to_owned(), role, customer_id, password }
}

async fn user(installation: &Installation, email: &str, role: Role, customer: Option<CustomerId>) -> SessionUser {
    let form = user_form(email, role, customer, Some(PASSWORD));
    let id = installation.engine.create_user(&installation.operator, &form).await.unwrap().id;
    installation.engine.authenticate_user(id).await.unwrap()
}

async fn changes_of_customers_tell_what_was_and_is(installation: Installation) {
    let (engine, operator) = (&installation.engine, &installation.operator);
    let id = engine.create_customer(operator, &customer_form("Acme", "UTC", None)).await.unwrap().id;
    for refused in [customer_form("", "UTC", None), customer_form("Acme", "Mars/Olympus", None)] {
        assert!(engine.create_customer(operator, &refused).await.is_err());
        assert!(engine.update_customer(operator, id, &refused).await.is_err());
    }
    // The same again is no change.
    engine.update_customer(operator, id, &customer_form("Acme", "UTC", None)).await.unwrap();
    engine.update_customer(operator, id, &customer_form("Acme Ltd", "UTC", Some(20))).await.unwrap();
    let told = entries(&installation, Some(id), ActionKind::Customers).await;
    assert_eq!(told.len(), 2, "{told:#?}");
    let added = one(&told, Action::CustomerAdded);
    assert_eq!(
        (added.actor.as_str(), added.subject.as_str(), &added.details["time_zone"]),
        (CONSOLE, "Acme", &json!("UTC"))
    );
    let changed = one(&told, Action::CustomerChanged);
    let expected = json!({"name": {"from": "Acme", "to": "Acme Ltd"}, "suppress_below": {"from": null, "to": 20}});
    assert_eq!((changed.customer_id, &changed.details), (Some(id), &expected));
}

async fn whoever_acts_is_named(installation: Installation) {
    let engine = &installation.engine;
    let own = installation.customer("Own", "UTC").await;
    let (boss, admin) = (
        user(&installation, "boss@example.org", Role::Operator, None).await,
        user(&installation, "admin@example.org", Role::CustomerAdmin, Some(own)).await,
    );
    let viewer = user(&installation, "viewer@example.org", Role::Viewer, Some(own)).await;
    let operator = engine.operator(&boss).unwrap();
    let by_boss = engine.create_customer(&operator, &customer_form("By boss", "UTC", None)).await.unwrap().id;
    let told = entries(&installation, Some(by_boss), ActionKind::Customers).await;
    assert_eq!(one(&told, Action::CustomerAdded).actor, "boss@example.org");
    let form = ApplicationForm { name: "web".into(), tier: Tier::Sandbox };
    engine.create_application(&engine.manager(&admin, own).unwrap(), &form).await.unwrap();
    // What an operator manages on the command line is the command line's.
    let manager = engine.console_manager(&operator, by_boss).unwrap();
    engine.create_application(&manager, &form).await.unwrap();
    assert!(matches!(engine.manager(&viewer, own), Err(Error::Forbidden)));
    let told = entries(&installation, None, ActionKind::Applications).await;
    let actors = |of| told.iter().filter(move |it| it.customer_id == Some(of)).map(|it| it.actor.as_str());
    assert_eq!(actors(own).collect::<Vec<_>>(), ["admin@example.org"]);
    assert_eq!(actors(by_boss).collect::<Vec<_>>(), ["boss@example.org"]);
}

async fn secrets_of_applications_are_told_by_their_ids(installation: Installation) {
    let (engine, operator) = (&installation.engine, &installation.operator);
    let id = installation.customer("Acme", "UTC").await;
    let manager = engine.console_manager(operator, id).unwrap();
    let first = installation.application(id, "web", Tier::Production).await;
    let application = first.application.id;
    let second = engine.rotate_application(&manager, application).await.unwrap();
    // Refused: two are valid, and there is none such.
    assert!(engine.rotate_application(&manager, application).await.is_err());
    let oldest = first.application.secrets[0].id;
    engine.revoke_secret(&manager, application, oldest).await.unwrap();
    assert!(engine.revoke_secret(&manager, application, oldest).await.is_err());
    assert!(
        engine
            .create_application(&manager, &ApplicationForm { name: String::new(), tier: Tier::Sandbox })
            .await
            .is_err()
    );
    for suspended in [true, true, false, false] {
        engine.suspend_application(operator, id, application, suspended).await.unwrap();
    }
    engine.revoke_application(&manager, application).await.unwrap();
    engine.revoke_application(&manager, application).await.unwrap();
    let nobody = ApplicationId::from_uuid(uuid::Uuid::nil());
    assert!(engine.revoke_application(&manager, nobody).await.is_err());
    let told = entries(&installation, Some(id), ActionKind::Applications).await;
    assert_eq!(told.len(), 6, "{told:#?}");
    assert_eq!(one(&told, Action::ApplicationAdded).details["client_id"], json!(first.application.client_id));
    // Made in the same instant, so that their order says nothing.
    let newer = second.application.secrets.iter().find(|secret| secret.id != oldest).unwrap().id;
    assert_eq!(one(&told, Action::SecretMade).details["secret"], json!(newer));
    assert_eq!(one(&told, Action::SecretRevoked).details["secret"], json!(oldest));
    assert_eq!(one(&told, Action::ApplicationRevoked).details["secrets"], json!(1));
    assert_eq!((count(&told, Action::ApplicationSuspended), count(&told, Action::ApplicationResumed)), (1, 1));
    for entry in &told {
        let text = serde_json::to_string(entry).unwrap();
        assert!(entry.subject == "web" && text.contains(&application.to_string()), "{text}");
        assert!(!text.contains(&first.client_secret) && !text.contains(&second.client_secret), "{text}");
    }
}

async fn changes_of_people_tell_no_password(installation: Installation) {
    let (engine, operator) = (&installation.engine, &installation.operator);
    let (one_side, other) = (installation.customer("One", "UTC").await, installation.customer("Other", "UTC").await);
    let ada = user(&installation, "ada@example.org", Role::Viewer, Some(one_side)).await;
    let id = ada.person().unwrap().id;
    let new = "another horse battery";
    // Refused: taken, too short, nobody.
    user(&installation, "bo@example.org", Role::Viewer, Some(other)).await;
    let taken = user_form("bo@example.org", Role::Viewer, Some(one_side), None);
    assert!(engine.create_user(operator, &UserForm { password: Some(new.to_owned()), ..taken.clone() }).await.is_err());
    assert!(engine.update_user(operator, id, &taken).await.is_err());
    let short = user_form("ada@example.org", Role::Viewer, Some(one_side), Some("short"));
    assert!(engine.update_user(operator, id, &short).await.is_err());
    let nobody = UserId::from_uuid(uuid::Uuid::nil());
    assert!(matches!(engine.set_user_disabled(operator, nobody, true).await, Err(Error::NotFound)));
    assert!(engine.change_password(&ada, "wrong", new).await.is_err());
    // The same again is no change; a new password is one, and a move is told on both sides.
    let same = user_form("ada@example.org", Role::Viewer, Some(one_side), None);
    engine.update_user(operator, id, &same).await.unwrap();
    engine
        .update_user(operator, id, &user_form("ada@example.org", Role::Viewer, Some(one_side), Some(new)))
        .await
        .unwrap();
    engine.change_password(&ada, new, PASSWORD).await.unwrap();
    engine
        .update_user(operator, id, &user_form("ada@example.org", Role::CustomerAdmin, Some(other), None))
        .await
        .unwrap();
    for disabled in [true, true, false, false] {
        engine.set_user_disabled(operator, id, disabled).await.unwrap();
    }
    let told = entries(&installation, Some(one_side), ActionKind::Users).await;
    assert_eq!(told.len(), 4, "{told:#?}");
    assert_eq!(one(&told, Action::UserAdded).details["role"], json!("viewer"));
    assert_eq!(one(&told, Action::PasswordChanged).actor, "ada@example.org");
    let changed: Vec<&Value> =
        told.iter().filter(|it| it.action == Action::UserChanged).map(|it| &it.details).collect();
    assert!(changed.contains(&&json!({"user": id, "password": "set"})), "{changed:?}");
    let moved = json!({
        "user": id,
        "role": {"from": "viewer", "to": "customer_admin"},
        "customer": {"from": one_side, "to": other},
    });
    assert!(changed.contains(&&moved), "{changed:?}");
    let told_other = entries(&installation, Some(other), ActionKind::Users).await;
    assert_eq!(one(&told_other, Action::UserChanged).details, moved);
    assert_eq!((count(&told_other, Action::UserDisabled), count(&told_other, Action::UserEnabled)), (1, 1));
    for entry in told.iter().chain(&told_other) {
        let text = serde_json::to_string(entry).unwrap();
        assert!(!text.contains(PASSWORD) && !text.contains(new) && !text.contains("argon2"), "{text}");
    }
}

async fn who_signs_in_and_out_is_told_and_who_fails_is_not(installation: Installation) {
    let engine = &installation.engine;
    let own = installation.customer("Own", "UTC").await;
    let ada = user(&installation, "ada@example.org", Role::Viewer, Some(own)).await;
    assert!(engine.log_in("ada@example.org", "wrong", ADDRESS).await.is_err());
    assert!(engine.log_in("nobody@example.org", PASSWORD, ADDRESS).await.is_err());
    engine.log_in("Ada@example.org", PASSWORD, ADDRESS).await.unwrap();
    engine.note_sign_out(&ada).await.unwrap();
    let told = entries(&installation, None, ActionKind::SignIns).await;
    assert_eq!(told.len(), 2, "{told:#?}");
    for action in [Action::SignedIn, Action::SignedOut] {
        let entry = one(&told, action);
        assert_eq!((entry.actor.as_str(), entry.customer_id), ("ada@example.org", Some(own)));
    }
}

async fn helplines_are_told_one_by_one_or_by_file(installation: Installation) {
    let (engine, operator) = (&installation.engine, &installation.operator);
    engine.create_helpline(operator, helpline("h1", "NZ")).await.unwrap();
    assert!(engine.create_helpline(operator, helpline("h1", "NZ")).await.is_err());
    assert!(engine.update_helpline(operator, helpline("h2", "NZ")).await.is_err());
    engine.update_helpline(operator, helpline("h1", "NZ")).await.unwrap();
    let mut renamed = helpline("h1", "NZ");
    renamed.name = "Line of hope".to_owned();
    engine.update_helpline(operator, renamed.clone()).await.unwrap();
    let mut wrong = helpline("h9", "NZ");
    wrong.name = String::new();
    assert!(engine.import_helplines(operator, vec![(1, helpline("h8", "NZ")), (2, wrong)]).await.is_err());
    // A file that changes nothing is no change.
    engine.import_helplines(operator, vec![(1, renamed)]).await.unwrap();
    let rows = vec![(1, helpline("h1", "NZ")), (2, helpline("h2", "NZ")), (3, helpline("h3", "NZ"))];
    engine.import_helplines(operator, rows).await.unwrap();
    let told = entries(&installation, None, ActionKind::Helplines).await;
    assert_eq!(told.len(), 3, "{told:#?}");
    let changed = one(&told, Action::HelplineChanged);
    assert_eq!(changed.details, json!({"helpline": "h1", "name": {"from": "Line h1", "to": "Line of hope"}}));
    let imported = one(&told, Action::HelplinesImported);
    assert_eq!(imported.subject, "2 added, 1 changed");
    assert_eq!(imported.details, json!({"added": ["h2", "h3"], "changed": ["h1"], "unchanged": 0}));
    assert!(told.iter().all(|entry| entry.customer_id.is_none()));
}

fn card(name: &str, price: &str) -> CardForm {
    let form = json!({
        "name": name, "effective_from": "2026-01", "currency": "EUR", "figure": "net_displays", "included": 4,
        "tiers": [{"up_to": "10", "unit_price": price}, {"unit_price": "0.25"}],
    });
    serde_json::from_value(form).unwrap()
}

async fn rate_cards_and_statements_are_told(installation: Installation) {
    let (engine, operator) = (&installation.engine, &installation.operator);
    let id = installation.customer("Acme", "UTC").await;
    let month = |text: &str| text.parse::<Month>().unwrap();
    let made = engine.create_rate_card(operator, &card("Standard", "0.5")).await.unwrap();
    assert!(engine.create_rate_card(operator, &card("Standard", "0.5")).await.is_err());
    let version = |price| -> VersionForm { card("", price).version };
    engine.update_rate_card_version(operator, made.id, 1, &version("0.5")).await.unwrap();
    engine.update_rate_card_version(operator, made.id, 1, &version("0.4")).await.unwrap();
    engine.add_rate_card_version(operator, made.id, &version("0.3")).await.unwrap();
    for _ in 0..2 {
        engine.assign_rate_card(operator, id, Some(made.id), month("2026-02")).await.unwrap();
    }
    assert!(engine.issue_statement(operator, id, month("2026-12"), None, true).await.is_err());
    let by = Some("boss@example.org".to_owned());
    for _ in 0..2 {
        engine.issue_statement(operator, id, month("2026-10"), by.clone(), false).await.unwrap();
    }
    assert!(engine.assign_rate_card(operator, id, None, month("2026-10")).await.is_err());
    engine.assign_rate_card(operator, id, None, month("2026-12")).await.unwrap();
    let told = entries(&installation, None, ActionKind::Billing).await;
    assert_eq!(one(&told, Action::RateCardMade).subject, "Standard, version 1");
    let changed = one(&told, Action::RateCardVersionChanged);
    let tiers = json!({"from": ["0.5 up to 10", "0.25 beyond"], "to": ["0.4 up to 10", "0.25 beyond"]});
    assert_eq!(changed.details, json!({"rate_card": made.id, "tiers": tiers}));
    assert_eq!(one(&told, Action::RateCardVersionAdded).subject, "Standard, version 2");
    let assigned: Vec<_> = told.iter().filter(|it| it.action == Action::RateCardAssigned).collect();
    let mut subjects: Vec<_> = assigned.iter().map(|it| it.subject.as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["No rate card from 2026-12 on", "Standard from 2026-02 on"]);
    assert!(assigned.iter().all(|it| it.customer_id == Some(id)));
    let issued: Vec<_> = told.iter().filter(|it| it.action == Action::StatementIssued).collect();
    let [issued] = issued[..] else { panic!("{issued:?}") };
    assert_eq!((issued.actor.as_str(), &issued.details["month"]), ("boss@example.org", &json!("2026-10")));
    assert!(issued.subject.contains("0.00 EUR"), "{}", issued.subject);
}

async fn alerts_and_endpoints_are_told_without_what_is_secret(installation: Installation) {
    let engine = &installation.engine;
    let shop = shop(&installation, "Acme").await;
    let url = "https://hooks.example.org/T0PSECRET?token=abc".to_owned();
    let new = engine.create_webhook(&shop.manager, &WebhookForm { url: url.clone() }).await.unwrap();
    assert!(engine.create_webhook(&shop.manager, &WebhookForm { url: "ftp://x".to_owned() }).await.is_err());
    let rotated = engine.rotate_webhook(&shop.manager, new.webhook.id).await.unwrap();
    for disabled in [true, true, false] {
        engine.set_webhook_disabled(&shop.manager, new.webhook.id, disabled).await.unwrap();
    }
    let endpoint = new.webhook.id.to_string();
    let alert = engine.create_alert(&shop.manager, &silent("3", "", &endpoint)).await.unwrap();
    assert!(engine.create_alert(&shop.manager, &silent("0", "", &endpoint)).await.is_err());
    assert!(engine.delete_webhook(&shop.manager, new.webhook.id).await.is_err());
    for hours in ["3", "5"] {
        engine.update_alert(&shop.manager, alert.id, &silent(hours, "", &endpoint)).await.unwrap();
    }
    engine.delete_alert(&shop.manager, alert.id).await.unwrap();
    assert!(engine.delete_alert(&shop.manager, alert.id).await.is_err());
    engine.delete_webhook(&shop.manager, new.webhook.id).await.unwrap();
    let told = entries(&installation, Some(shop.id), ActionKind::Alerts).await;
    assert_eq!(told.len(), 8, "{told:#?}");
    let changed = one(&told, Action::AlertChanged);
    let rule = json!({"from": "No event for 3 hours", "to": "No event for 5 hours"});
    assert_eq!(changed.details, json!({"alert": alert.id, "rule": rule}));
    for action in [
        Action::WebhookMade,
        Action::WebhookSecretMade,
        Action::WebhookDisabled,
        Action::WebhookEnabled,
        Action::WebhookDeleted,
    ] {
        let entry = one(&told, action);
        assert_eq!(
            (entry.subject.as_str(), &entry.details["webhook"]),
            ("https://hooks.example.org", &json!(endpoint))
        );
    }
    for entry in &told {
        let text = serde_json::to_string(entry).unwrap();
        assert!(!text.contains("T0PSECRET") && !text.contains("token=abc"), "{text}");
        assert!(!text.contains(&new.secret) && !text.contains(&rotated.secret), "{text}");
    }
}

async fn files_are_told_and_a_walk_once(installation: Installation) {
    let engine = &installation.engine;
    let id = installation.customer("Acme", "UTC").await;
    let reader = engine.console_reader(&installation.operator, Some(id)).unwrap();
    let all = engine.console_reader(&installation.operator, None).unwrap();
    let period = Period::new("2026-11-01".parse().unwrap(), "2026-12-01".parse().unwrap()).unwrap();
    let figures = FileOf::Figures { what: "Summary", period, filter: &Filter::default() };
    engine.note_file(&all, &figures, "a@example.org").await.unwrap();
    engine.note_file(&reader, &FileOf::Statement { of: "2026-10-acme", file: "PDF" }, "a@example.org").await.unwrap();
    let told = entries(&installation, None, ActionKind::Exports).await;
    assert_eq!(one(&told, Action::FiguresFetched).subject, "Summary, 2026-11-01 to 2026-11-30, CSV");
    assert_eq!((one(&told, Action::FiguresFetched).customer_id, told.len()), (None, 2));
    assert_eq!(one(&told, Action::StatementFetched).customer_id, Some(id));

    let month: Month = "2026-10".parse().unwrap();
    let (whole, clicks) =
        (TrailFilter::default(), TrailFilter { step: Some(domain::billing::Step::Net), ..TrailFilter::default() });
    let page = async |filter: &TrailFilter, is_first, by| {
        engine.note_events_page(&reader, (month, filter), is_first, by).await.unwrap();
        let told = entries(&installation, Some(id), ActionKind::Exports).await;
        count(&told, Action::StatementEventsFetched)
    };
    assert_eq!(page(&whole, true, "a@example.org").await, 1);
    assert_eq!(page(&whole, false, "a@example.org").await, 1, "it goes on");
    assert_eq!(page(&whole, true, "a@example.org").await, 2, "it begins again");
    // Whoever makes up where a page starts has begun none of it.
    assert_eq!(page(&whole, false, "b@example.org").await, 3);
    assert_eq!(page(&whole, false, "b@example.org").await, 3);
    assert_eq!(page(&clicks, false, "b@example.org").await, 4, "other events");
    installation.clock.set("2026-11-25T12:00:01Z");
    assert_eq!(page(&whole, false, "a@example.org").await, 5, "a day later");
}

async fn the_log_is_narrowed_and_paged(installation: Installation) {
    let (one_side, other) = (installation.customer("One", "UTC").await, installation.customer("Other", "UTC").await);
    let (mut expected, engine) = (Vec::new(), &installation.engine);
    for second in 1..6 {
        installation.clock.set(&format!("2026-11-24T12:00:{second:02}Z"));
        installation.application(one_side, &format!("app {second}"), Tier::Sandbox).await;
        installation.application(other, "elsewhere", Tier::Sandbox).await;
        expected.insert(0, format!("app {second}"));
    }
    let reader = engine.console_audit_reader(&installation.operator, Some(one_side)).unwrap();
    let reader = reader.of_kind(Some(ActionKind::Applications));
    let (mut seen, mut paging) = (Vec::new(), Paging { cursor: None, limit: 2 });
    loop {
        let page = engine.audit_log(&reader, &paging).await.unwrap();
        assert!(page.items.iter().all(|entry| entry.action == Action::ApplicationAdded));
        seen.extend(page.items.into_iter().map(|entry| entry.subject));
        match page.next_cursor {
            None => break,
            cursor => paging.cursor = cursor,
        }
    }
    assert_eq!(seen, expected, "newest first");
    let everything = engine.audit_log(&reader.of_kind(None), &Paging::default()).await.unwrap().items;
    assert_eq!(everything.len(), 6, "and that the customer was added");
}

async fn what_a_later_version_wrote_is_told_as_far_as_it_can_be(installation: Installation) {
    let id = installation.customer("Acme", "UTC").await;
    let copy = |uuid: &str| -> &'static str {
        format!(
            "INSERT INTO audit_log SELECT {uuid}, customer_no, at, '{ITSELF}', 'moon_landed', 'Moon', 'no JSON' FROM audit_log \
             WHERE action = 'customer_added'"
        )
        .leak()
    };
    let is_sqlite = installation.settings.database_url.starts_with("sqlite");
    let uuid = if is_sqlite {
        "x'00000000000070008000000000000001'"
    } else {
        "CAST('00000000-0000-7000-8000-000000000001' AS UUID)"
    };
    installation.execute(copy(uuid)).await.unwrap();
    let reader = installation.engine.console_audit_reader(&installation.operator, Some(id)).unwrap();
    let told = installation.engine.audit_log(&reader, &Paging::default()).await.unwrap().items;
    let entry = one(&told, Action::Unknown);
    assert_eq!((entry.actor.as_str(), entry.subject.as_str()), (ITSELF, "moon_landed: Moon"));
    assert_eq!((&entry.details, told.len()), (&json!({"details": "no JSON"}), 2));
}
