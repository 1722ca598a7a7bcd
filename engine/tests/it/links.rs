//! Access links: what they open, for how long, and for whom.

use crate::support::{Installation, on_both};
use domain::access_link::{AccessLinkForm, LINKS_MAX, LinkStatus, NewAccessLink};
use domain::account::{Role, UserForm};
use domain::audit::{Action, ActionKind};
use domain::ids::AccessLinkId;
use domain::{CustomerId, FaultCode};
use engine::actor::{LinkKeeper, SessionUser};
use engine::{Engine, Error, LoginError, Paging};
use std::net::{IpAddr, Ipv4Addr};

on_both!(
    a_link_opens_what_it_is_made_for_and_nothing_else,
    a_link_ends_at_its_time_and_when_it_is_revoked,
    who_makes_links_to_what,
    links_that_open_nothing_are_refused_alike,
    there_is_a_limit_to_each_customer,
    what_is_done_with_links_is_noted,
    lists_come_in_pages,
);

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn form(name: &str, days: u32) -> AccessLinkForm {
    AccessLinkForm { name: name.to_owned(), days }
}

fn keeper(installation: &Installation, customer: Option<CustomerId>) -> LinkKeeper {
    installation.engine.console_link_keeper(&installation.operator, customer).unwrap()
}

async fn made(installation: &Installation, customer: Option<CustomerId>, days: u32) -> NewAccessLink {
    installation.engine.make_link(&keeper(installation, customer), &form("Ada", days), "console").await.unwrap()
}

async fn opened(engine: &Engine, made: &NewAccessLink) -> SessionUser {
    let id = engine.open_link(&made.token, HOME).await.unwrap();
    assert_eq!(id, made.link.id);
    engine.authenticate_link(id).await.unwrap()
}

async fn user(installation: &Installation, role: Role, customer_id: Option<CustomerId>) -> SessionUser {
    let password = "correct horse battery";
    let email = format!("{}@example.org", role.as_str());
    let form = UserForm { email, name: String::new(), role, customer_id, password: Some(password.to_owned()) };
    let engine = &installation.engine;
    engine.create_user(&installation.operator, &form).await.unwrap();
    engine.authenticate_user(engine.log_in(&form.email, password, HOME).await.unwrap()).await.unwrap()
}

async fn a_link_opens_what_it_is_made_for_and_nothing_else(installation: Installation) {
    let [own, other] = [installation.customer("Own", "Asia/Kathmandu").await, installation.customer("O", "UTC").await];
    let engine = &installation.engine;
    for (customer, role, reads_other) in [(Some(own), Role::Viewer, false), (None, Role::Auditor, true)] {
        let made = made(&installation, customer, 14).await;
        assert!(made.token.starts_with("rll_") && made.token.len() == 4 + 43, "256 bits: {}", made.token);
        let opening = engine.look_at_link(&made.token, HOME).await.unwrap();
        assert_eq!((opening.customer.map(|of| of.id), opening.link), (customer, made.link.clone()));
        let user = opened(engine, &made).await;
        assert_eq!((user.role(), user.acts_as().as_str()), (role, made.link.acts_as().as_str()));
        assert!(user.person().is_none());
        assert!(engine.reader(&user, Some(own)).is_ok());
        assert_eq!(engine.reader(&user, Some(other)).is_ok(), reads_other);
        assert_eq!(engine.supervisor(&user).is_ok(), reads_other);
        assert_eq!(engine.reader(&user, None).unwrap().customer().map(|of| of.id), customer);
        assert!(engine.audit_reader(&user, Some(own)).is_ok());
        assert_eq!(engine.audit_reader(&user, Some(other)).is_ok(), reads_other);
        // It changes nothing.
        assert!(matches!(engine.manager(&user, own), Err(Error::Forbidden)));
        assert!(engine.manager(&user, other).is_err());
        assert!(matches!(engine.operator(&user), Err(Error::Forbidden)));
        assert!(matches!(engine.link_keeper(&user, customer), Err(Error::Forbidden)));
        let password = "another good password";
        assert!(matches!(engine.change_password(&user, password, password).await, Err(Error::Forbidden)));
    }
}

async fn a_link_ends_at_its_time_and_when_it_is_revoked(installation: Installation) {
    let own = installation.customer("Own", "UTC").await;
    let engine = &installation.engine;
    let [brief, long] = [made(&installation, Some(own), 1).await, made(&installation, Some(own), 90).await];
    for made in [&brief, &long] {
        opened(engine, made).await;
    }
    installation.clock.set("2026-11-25T11:59:59.999Z");
    assert!(engine.authenticate_link(brief.link.id).await.is_ok());
    installation.clock.set("2026-11-25T12:00:00.000Z");
    assert!(matches!(engine.authenticate_link(brief.link.id).await, Err(Error::Forbidden)));
    assert!(matches!(engine.open_link(&brief.token, HOME).await, Err(LoginError::Refused)));
    installation.clock.set("2026-12-24T12:00:00.000Z");
    assert!(engine.authenticate_link(long.link.id).await.is_ok());
    let keeper = keeper(&installation, Some(own));
    let revoked = engine.revoke_link(&keeper, long.link.id, "console").await.unwrap();
    assert_eq!(revoked.status(engine.now()), LinkStatus::Revoked);
    assert!(matches!(engine.authenticate_link(long.link.id).await, Err(Error::Forbidden)));
    assert!(matches!(engine.open_link(&long.token, HOME).await, Err(LoginError::Refused)));
    for ended in [brief.link.id, long.link.id] {
        assert!(
            matches!(engine.revoke_link(&keeper, ended, "console").await, Err(Error::Invalid(_))),
            "no longer valid"
        );
    }
    let statuses: Vec<_> = engine.links(&keeper, &Paging::default()).await.unwrap().items;
    let statuses: Vec<_> = statuses.iter().map(|link| link.status(engine.now())).collect();
    assert!(statuses.contains(&LinkStatus::Expired) && statuses.contains(&LinkStatus::Revoked), "{statuses:?}");
    let unknown = AccessLinkId::from_uuid(uuid::Uuid::nil());
    assert!(matches!(engine.authenticate_link(unknown).await, Err(Error::NotFound)));
    assert!(matches!(engine.revoke_link(&keeper, unknown, "console").await, Err(Error::NotFound)));
}

async fn who_makes_links_to_what(installation: Installation) {
    let [own, other] = [installation.customer("Own", "UTC").await, installation.customer("Other", "UTC").await];
    let engine = &installation.engine;
    let admin = user(&installation, Role::CustomerAdmin, Some(own)).await;
    for user in [user(&installation, Role::Viewer, Some(own)).await, user(&installation, Role::Auditor, None).await] {
        for customer in [None, Some(own)] {
            assert!(matches!(engine.link_keeper(&user, customer), Err(Error::Forbidden)), "{:?}", user.role());
        }
    }
    assert!(matches!(engine.link_keeper(&admin, Some(other)), Err(Error::NotFound)));
    // Whoever belongs to a customer and names none means the own one, never all.
    let keeper_of_own = engine.link_keeper(&admin, None).unwrap();
    let made_by_admin = engine.make_link(&keeper_of_own, &form("Bo", 1), &admin.acts_as()).await.unwrap();
    assert_eq!(made_by_admin.link.customer_id, Some(own));
    assert_eq!(made_by_admin.link.created_by, "customer_admin@example.org");

    let operator = user(&installation, Role::Operator, None).await;
    let [to_other, to_all] =
        [made(&installation, Some(other), 1).await.link.id, made(&installation, None, 1).await.link.id];
    for hidden in [to_other, to_all] {
        let refused = engine.revoke_link(&keeper_of_own, hidden, &admin.acts_as()).await;
        assert!(matches!(refused, Err(Error::NotFound)));
    }
    let listed = async |keeper: &LinkKeeper| {
        let items = engine.links(keeper, &Paging::default()).await.unwrap().items;
        let mut ids: Vec<_> = items.into_iter().map(|link| link.id).collect();
        ids.sort();
        ids
    };
    let sorted = |mut ids: Vec<AccessLinkId>| {
        ids.sort();
        ids
    };
    assert_eq!(listed(&keeper_of_own).await, [made_by_admin.link.id]);
    assert_eq!(listed(&engine.link_keeper(&operator, Some(other)).unwrap()).await, [to_other]);
    let all = engine.link_keeper(&operator, None).unwrap();
    assert_eq!(listed(&all).await, sorted(vec![made_by_admin.link.id, to_other, to_all]));
    for id in [made_by_admin.link.id, to_other, to_all] {
        assert!(engine.revoke_link(&all, id, &operator.acts_as()).await.is_ok());
    }
}

async fn links_that_open_nothing_are_refused_alike(installation: Installation) {
    let own = installation.customer("Own", "UTC").await;
    let engine = &installation.engine;
    let [expired, revoked] = [made(&installation, Some(own), 1).await, made(&installation, Some(own), 9).await];
    engine.revoke_link(&keeper(&installation, Some(own)), revoked.link.id, "console").await.unwrap();
    installation.clock.set("2026-11-26T12:00:00Z");
    let valid = made(&installation, Some(own), 1).await;
    // Not "A" where the token itself ends with it, as one in sixteen does.
    let other_end = if valid.token.ends_with('A') { 'E' } else { 'A' };
    let nearly = format!("{}{other_end}", &valid.token[..valid.token.len() - 1]);
    let tokens = [expired.token.as_str(), &revoked.token, &nearly, "", "rll_", "a token\u{0}"];
    for token in tokens {
        assert!(matches!(engine.look_at_link(token, HOME).await, Err(LoginError::Refused)), "{token:?}");
        assert!(matches!(engine.open_link(token, HOME).await, Err(LoginError::Refused)), "{token:?}");
    }
    for _ in 2 * tokens.len()..50 {
        assert!(matches!(engine.look_at_link("guess", HOME).await, Err(LoginError::Refused)));
    }
    // Too many by now, whatever is tried; but only from there, and not at the login.
    for token in ["guess", valid.token.as_str()] {
        assert!(matches!(engine.look_at_link(token, HOME).await, Err(LoginError::Throttled { .. })));
        assert!(matches!(engine.open_link(token, HOME).await, Err(LoginError::Throttled { .. })));
    }
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    assert!(engine.open_link(&valid.token, elsewhere).await.is_ok());
    assert!(matches!(engine.log_in("nobody@example.org", "wrong password", HOME).await, Err(LoginError::Refused)));
    installation.clock.set("2026-11-26T12:15:00Z");
    assert!(engine.open_link(&valid.token, HOME).await.is_ok());
}

async fn there_is_a_limit_to_each_customer(installation: Installation) {
    let [own, other] = [installation.customer("Own", "UTC").await, installation.customer("Other", "UTC").await];
    let engine = &installation.engine;
    let keeper_of_own = keeper(&installation, Some(own));
    let first = made(&installation, Some(own), 1).await;
    for _ in 1..LINKS_MAX {
        made(&installation, Some(own), 2).await;
    }
    let refused = async || match engine.make_link(&keeper_of_own, &form("Ada", 1), "console").await {
        Err(Error::Invalid(faults)) => faults.0.into_iter().map(|fault| (fault.field, fault.code)).collect::<Vec<_>>(),
        Err(error) => panic!("{error}"),
        Ok(_) => Vec::new(),
    };
    assert_eq!(refused().await, [("name".to_owned(), FaultCode::FieldInvalid)]);
    // Each customer, and all of them, have a limit of their own.
    made(&installation, Some(other), 1).await;
    made(&installation, None, 1).await;
    // One that was revoked, or has ended, makes room.
    engine.revoke_link(&keeper_of_own, first.link.id, "console").await.unwrap();
    assert_eq!(refused().await, []);
    assert_eq!(refused().await.len(), 1);
    installation.clock.set("2026-11-25T12:00:00Z");
    assert_eq!(refused().await, []);
    let faults = engine.make_link(&keeper(&installation, None), &form("", 91), "console").await;
    let Err(Error::Invalid(faults)) = faults.map(drop) else { panic!("a form without a name") };
    assert_eq!(faults.0.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), ["name", "days"]);
}

async fn what_is_done_with_links_is_noted(installation: Installation) {
    let own = installation.customer("Own", "UTC").await;
    let engine = &installation.engine;
    let made = made(&installation, Some(own), 14).await;
    assert_eq!(made.link.last_used_at, None);
    engine.look_at_link(&made.token, HOME).await.unwrap();
    let used = async || {
        let links = engine.links(&keeper(&installation, None), &Paging::default()).await.unwrap().items;
        links.into_iter().find(|link| link.id == made.link.id).unwrap().last_used_at
    };
    assert_eq!(used().await, None, "looking opens nothing");
    opened(engine, &made).await;
    assert_eq!(used().await, Some(engine.now()));
    engine.revoke_link(&keeper(&installation, None), made.link.id, "o@example.org").await.unwrap();
    assert!(engine.open_link(&made.token, HOME).await.is_err());
    let reader = engine.console_audit_reader(&installation.operator, Some(own)).unwrap();
    let reader = reader.of_kind(Some(ActionKind::AccessLinks));
    let log = engine.audit_log(&reader, &Paging::default()).await.unwrap().items;
    let mut entries: Vec<_> = log.iter().map(|it| (it.action, it.actor.as_str(), it.subject.as_str())).collect();
    entries.sort();
    let as_link = made.link.acts_as();
    let expected = [
        (Action::LinkMade, "console", "Ada"),
        (Action::LinkUsed, as_link.as_str(), "Ada"),
        (Action::LinkRevoked, "o@example.org", "Ada"),
    ];
    assert_eq!(entries, expected);
    for entry in &log {
        let text = serde_json::to_string(entry).unwrap();
        assert!(!text.contains(&made.token) && text.contains(&made.link.id.to_string()), "{text}");
    }
}

async fn lists_come_in_pages(installation: Installation) {
    let own = installation.customer("Own", "UTC").await;
    let mut ids = Vec::new();
    for hour in 10..15 {
        installation.clock.set(&format!("2026-11-24T{hour}:00:00Z"));
        ids.push(made(&installation, Some(own), 1).await.link.id);
    }
    ids.reverse();
    let keeper = keeper(&installation, Some(own));
    let (mut seen, mut paging) = (Vec::new(), Paging { cursor: None, limit: 2 });
    loop {
        let page = installation.engine.links(&keeper, &paging).await.unwrap();
        seen.extend(page.items.into_iter().map(|link| link.id));
        match page.next_cursor {
            None => break,
            cursor => paging.cursor = cursor,
        }
    }
    assert_eq!(seen, ids, "newest first");
}
