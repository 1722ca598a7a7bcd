//! How the installation is, for operators.

use crate::error::UiError;
use crate::{context, format};
use domain::Zone;
use engine::Health;

/// What is known of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    pub is_ready: bool,
    /// Why events cannot be taken in; empty if they can.
    pub reasons: Vec<&'static str>,
    pub measures: Vec<Measure>,
    pub checks: Vec<Check>,
    /// When this was found out.
    pub checked: String,
}

/// Something that is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    pub label: &'static str,
    pub definition: &'static str,
    pub value: String,
}

/// Something that is as it should be, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    pub label: &'static str,
    pub is_good: bool,
    pub text: &'static str,
}

/// How the installation is.
///
/// # Errors
/// [`UiError::Forbidden`] for all but operators.
pub async fn system() -> Result<System, UiError> {
    let (engine, user) = context::acting().await?;
    engine.operator(&user)?;
    let health = engine.health().await;
    let now = engine.now();
    let seconds = Zone::UTC.local(now).format("%S");
    Ok(System {
        is_ready: health.ready,
        reasons: checks(&health).into_iter().filter(|check| !check.is_good).map(|check| check.text).collect(),
        measures: measures(&health),
        checks: checks(&health),
        checked: format!("{}:{seconds} UTC", format::instant(now, Zone::UTC)),
    })
}

fn measures(health: &Health) -> Vec<Measure> {
    vec![
        Measure {
            label: "Not yet in the figures",
            definition: "Events that are stored and not counted yet. Near 0 unless more comes in than can be counted.",
            value: format::count(health.backlog_events),
        },
        Measure {
            label: "Figures are behind by",
            definition: "For how long the oldest of these events has waited. Figures follow within 2 seconds when all is well.",
            value: seconds(health.lag_ms),
        },
        Measure {
            label: "Waiting for their commit",
            definition: "Requests with events that this process has taken in and not answered yet. Many of them are the sign of a slow disk or database.",
            value: whole(health.waiting_requests),
        },
        Measure {
            label: "Batches kept waiting",
            definition: "Batches that wait as more comes than can be counted: each is stored up to half a second later, so that figures do not fall behind.",
            value: whole(health.kept_batches),
        },
    ]
}

fn whole(number: usize) -> String {
    format::count(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Milliseconds as seconds with one decimal.
fn seconds(ms: i64) -> String {
    format!("{}.{} s", format::count(ms / 1_000), ms % 1_000 / 100)
}

fn checks(health: &Health) -> Vec<Check> {
    let check = |label, is_good, good, bad| Check { label, is_good, text: if is_good { good } else { bad } };
    let aggregator = if health.aggregates {
        "This process brings the figures up to date."
    } else {
        "Another process brings the figures up to date."
    };
    vec![
        check("Database", health.database, "It answers.", "The database does not answer."),
        check(
            "Tables",
            health.migrated,
            "Every migration has been applied.",
            "Some migrations have not been applied: run reachline migrate, or restart the server.",
        ),
        check(
            "Writing",
            health.writing,
            "The last commit of events went well.",
            "The last commit of events failed; programs are answered 503 until one goes well. The server’s log says why.",
        ),
        check("Figures", true, aggregator, ""),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_a_reason() {
        let good = Health {
            ready: true,
            database: true,
            migrated: true,
            writing: true,
            waiting_requests: 0,
            kept_batches: 0,
            backlog_events: 1_234,
            lag_ms: 1_250,
            aggregates: true,
        };
        assert!(checks(&good).iter().all(|check| check.is_good));
        assert_eq!(measures(&good)[0].value, "1,234");
        assert_eq!(measures(&good)[1].value, "1.2 s");
        let bad = Health { ready: false, writing: false, ..good };
        let wrong: Vec<_> = checks(&bad).into_iter().filter(|check| !check.is_good).map(|check| check.label).collect();
        assert_eq!(wrong, ["Writing"]);
    }
}
