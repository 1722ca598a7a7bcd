//! Imports of history while something else changes: the file, reports, the customer, or how long events are kept.

use crate::history::{BY, Broken, customer, form, import, many, sentence, text};
use crate::support::{Installation, on_both};
use domain::figures::Figure;
use domain::history::ImportStatus;
use domain::period::{Filter, Period};
use engine::Paging;
use serde_json::json;

on_both!(events_of_a_file_that_changed_begin_anew,);

async fn events_of_a_file_that_changed_begin_anew(installation: Installation) {
    let of = customer(&installation, None).await;
    let reader = installation.engine.console_reader(&installation.operator, Some(of)).unwrap();
    let (form, file) = (form("many.csv", &json!({})), many(9_000));
    let changed = file.replacen("helpline_display,h1,s100,", "helpline_display,h2,s100,", 1);
    let broken = Broken { file: text(&file), rewinds: 0, fails_at: u64::MAX, changed: Some(changed.into_bytes()) };
    let refused = sentence(import(&installation, of, &form, broken).await);
    assert!(refused.contains("changed"), "{refused}");
    let imports = installation.engine.history_imports(&reader, &Paging::default()).await.unwrap().items;
    let [begun] = &imports[..] else { panic!("{imports:?}") };
    assert_eq!((begun.status, begun.rows_done, begun.added), (ImportStatus::Running, 0, 0));
    let audit_reader = installation.engine.console_audit_reader(&installation.operator, Some(of)).unwrap();
    let audit = installation.engine.audit_log(&audit_reader, &Paging::default()).await.unwrap().items;
    let set_back = audit.iter().find(|entry| entry.action.as_str() == "history_set_back").unwrap();
    assert_eq!((set_back.actor.as_str(), set_back.details["rows_done"].as_u64()), (BY, Some(9_000)));

    // The row that was another one comes in after all.
    let done = import(&installation, of, &form, text(&file)).await.unwrap();
    assert_eq!((done.import, done.resumed_at), (Some(begun.id), 0));
    assert_eq!((done.accepted, done.duplicates), (Some(1), Some(8_999)));
    installation.settle().await;
    let period = Period::new("2026-10-01".parse().unwrap(), "2026-11-01".parse().unwrap()).unwrap();
    let summary = installation.engine.summary(&reader, period, &Filter::default()).await.unwrap();
    assert_eq!(summary.counts.get(Figure::GrossDisplays), 9_001);
}
