//! Who may do what, and what a stranger learns.

use crate::support::{Installation, helpline, on_both};
use domain::account::{Role, Tier, UserForm};
use domain::event::Kind;
use domain::{CustomerId, FaultCode};
use engine::actor::SessionUser;
use engine::{Error, LoginError};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};

on_both!(
    roles_reach_what_they_may,
    logins_are_throttled_and_say_nothing,
    faults_of_forms_are_named,
    the_country_of_a_helpline_with_events_is_fixed,
    an_import_is_all_or_nothing,
);

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "correct horse battery";

async fn user(installation: &Installation, role: Role, customer_id: Option<CustomerId>) -> SessionUser {
    let form = UserForm {
        email: format!("{}@example.org", role.as_str()),
        name: role.label().to_owned(),
        role,
        customer_id,
        password: Some(PASSWORD.to_owned()),
    };
    let engine = &installation.engine;
    engine.create_user(&installation.operator, &form).await.unwrap();
    let id = engine.log_in(&form.email.to_uppercase(), PASSWORD, HOME).await.unwrap();
    engine.authenticate_user(id).await.unwrap()
}

async fn roles_reach_what_they_may(installation: Installation) {
    let own = installation.customer("Own", "UTC").await;
    let other = installation.customer("Other", "UTC").await;
    let application = installation.application(other, "web", Tier::Production).await.application.id;
    let engine = &installation.engine;
    for (role, reads_all, manages_own, operates) in [
        (Role::Viewer, false, false, false),
        (Role::CustomerAdmin, false, true, false),
        (Role::Auditor, true, false, false),
        (Role::Operator, true, true, true),
    ] {
        let user = user(&installation, role, role.is_of_customer().then_some(own)).await;
        assert!(engine.reader(&user, Some(own)).is_ok());
        assert_eq!(engine.reader(&user, Some(other)).is_ok(), reads_all, "{role:?}");
        assert_eq!(engine.reader(&user, None).unwrap().customer().is_none(), reads_all, "{role:?}");
        assert_eq!(engine.manager(&user, own).is_ok(), manages_own, "{role:?}");
        assert_eq!(engine.manager(&user, other).is_ok(), operates, "{role:?}");
        assert_eq!(engine.operator(&user).is_ok(), operates, "{role:?}");
        assert_eq!(engine.supervisor(&user).is_ok(), reads_all, "{role:?}");
        if !reads_all {
            // Of another customer one learns no more than of one that does not exist.
            assert!(matches!(engine.manager(&user, other), Err(Error::NotFound)));
        }
    }
    // A manager of one customer cannot reach an application of another by its id.
    let manager = engine.console_manager(&installation.operator, own).unwrap();
    assert!(matches!(engine.rotate_application(&manager, application).await, Err(Error::NotFound)));
    assert!(matches!(engine.revoke_application(&manager, application).await, Err(Error::NotFound)));
}

async fn logins_are_throttled_and_say_nothing(installation: Installation) {
    let user = user(&installation, Role::Operator, None).await;
    let engine = &installation.engine;
    let email = user.acts_as();
    for _ in 0..10 {
        assert!(matches!(engine.log_in(&email, "wrong password", HOME).await, Err(LoginError::Refused)));
    }
    let throttled = engine.log_in(&email, PASSWORD, HOME).await;
    assert!(matches!(throttled, Err(LoginError::Throttled { .. })));
    assert!(matches!(engine.log_in("nobody@example.org", PASSWORD, HOME).await, Err(LoginError::Refused)));
    installation.clock.set("2026-11-24T12:15:00Z");
    assert!(engine.log_in(&email, PASSWORD, HOME).await.is_ok());
    engine.set_user_disabled(&installation.operator, user.person().unwrap().id, true).await.unwrap();
    assert!(matches!(engine.log_in(&email, PASSWORD, HOME).await, Err(LoginError::Refused)));
    assert!(matches!(engine.authenticate_user(user.person().unwrap().id).await, Err(Error::Forbidden)));
}

fn fields<T>(result: Result<T, Error>) -> Vec<(String, FaultCode)> {
    match result {
        Err(Error::Invalid(faults)) => faults.0.into_iter().map(|fault| (fault.field, fault.code)).collect(),
        Err(error) => panic!("{error}"),
        Ok(_) => Vec::new(),
    }
}

async fn faults_of_forms_are_named(installation: Installation) {
    let engine = &installation.engine;
    let form = UserForm {
        email: "no address".into(),
        name: "x".repeat(121),
        role: Role::Viewer,
        customer_id: None,
        password: Some("short".into()),
    };
    let faults = fields(engine.create_user(&installation.operator, &form).await);
    let names: Vec<&str> = faults.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(names, ["email", "name", "customer_id", "password"]);
    user(&installation, Role::Auditor, None).await;
    let taken = UserForm {
        email: "AUDITOR@example.org".into(),
        name: String::new(),
        role: Role::Auditor,
        customer_id: None,
        password: Some(PASSWORD.into()),
    };
    let faults = fields(engine.create_user(&installation.operator, &taken).await);
    assert_eq!(faults, [("email".to_owned(), FaultCode::FieldTaken)]);
}

async fn the_country_of_a_helpline_with_events_is_fixed(installation: Installation) {
    installation.helplines(&[("h1", "NZ"), ("h2", "NZ")]).await;
    let customer = installation.customer("A", "UTC").await;
    let credentials = installation.application(customer, "web", Tier::Production).await;
    let client = installation.client(&credentials).await;
    let body = json!({"helpline_id": "h1", "session_id": "s1", "timestamp": "2026-11-24T11:00:00Z"});
    installation.post(&client, Kind::Display, &body).await.unwrap();
    let engine = &installation.engine;
    for _ in 0..2 {
        // Both while the event may still wait in the queue and once it is counted.
        let faults = fields(engine.update_helpline(&installation.operator, helpline("h1", "AU")).await);
        assert_eq!(faults, [("country.code".to_owned(), FaultCode::FieldInvalid)]);
        installation.settle().await;
    }
    assert!(engine.update_helpline(&installation.operator, helpline("h2", "AU")).await.is_ok());
    assert!(matches!(engine.update_helpline(&installation.operator, helpline("h3", "AU")).await, Err(Error::NotFound)));
}

async fn an_import_is_all_or_nothing(installation: Installation) {
    let engine = &installation.engine;
    let mut bad = helpline("h2", "NZ");
    bad.timezone = "Mars/Olympus".into();
    let rows = vec![(2, helpline("h1", "NZ")), (3, bad)];
    let faults = fields(engine.import_helplines(&installation.operator, rows).await);
    assert_eq!(faults, [("line 3: timezone".to_owned(), FaultCode::TimeZoneUnknown)]);
    let all = engine.list_helplines(&installation.operator.as_supervisor(), None, engine::Paging::default()).await;
    assert_eq!(all.unwrap().items, []);
    for (created, unchanged) in [(1, 0), (0, 1)] {
        let report = engine.import_helplines(&installation.operator, vec![(1, helpline("h1", "NZ"))]).await.unwrap();
        assert_eq!((report.created, report.updated, report.unchanged), (created, 0, unchanged));
    }
}
