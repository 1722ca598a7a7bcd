//! How a report was counted, and in which words it says so.

use crate::figures::{CTR_DEFINITION, Figure};
use crate::metering;
use serde::{Deserialize, Serialize};

/// The parameters of the rules by which a report was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Of the rules by which figures are counted.
    pub version: u32,
    /// Displays, and clicks, that follow each other within this many seconds are net one.
    pub repeat_seconds: i64,
    /// A click belongs to a display at most this many hours before it.
    pub attribution_hours: i64,
    /// Displays in a session that follow each other within this many seconds are one notification.
    pub notification_seconds: i64,
    /// Counts from 1 up to, not including, this are suppressed; `None`: none are.
    pub suppress_below: Option<u32>,
}

impl Rules {
    /// The rules in force.
    #[must_use]
    pub const fn in_force(suppress_below: Option<u32>) -> Self {
        Self {
            version: metering::RULES_VERSION,
            repeat_seconds: metering::REPEAT_MS / 1_000,
            attribution_hours: metering::ATTRIBUTION_MS / 3_600_000,
            notification_seconds: metering::NOTIFICATION_MS / 1_000,
            suppress_below,
        }
    }

    /// The rules in sentences, one for each.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![
            format!("Figures are counted by version {} of these rules.", self.version),
            format!(
                "Net figures: of displays of one helpline, or clicks on one of its contact methods, that follow each other in \
                 a session within {} seconds, only the last counts.",
                self.repeat_seconds
            ),
            format!(
                "A click is attributed to a display of the same helpline in the same session at most {} hours before it.",
                self.attribution_hours
            ),
            format!(
                "Notifications: displays in one session that follow each other within {} seconds, of whichever helplines, are \
                 one notification. A notification is a referral, not a display: the two numbers differ.",
                self.notification_seconds
            ),
        ];
        if let Some(k) = self.suppress_below {
            sentences.push(format!(
                "Counts from 1 to {} are printed as <{k}; others are withheld where they would give one of these away.",
                k - 1
            ));
        }
        sentences
    }
}

/// What the numbers of a report mean, in the words of the program that counted them: whoever prints an approved report later
/// prints these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wording {
    /// Definitions, in the order of the report's figures.
    pub figures: Vec<String>,
    /// Definition of the click-through rate.
    pub ctr: String,
    /// A sentence for each rule.
    pub rules: Vec<String>,
}

impl Wording {
    /// The words of this program.
    #[must_use]
    pub fn in_force(figures: &[Figure], rules: &Rules) -> Self {
        Self {
            figures: figures.iter().map(|figure| figure.definition().to_owned()).collect(),
            ctr: CTR_DEFINITION.to_owned(),
            rules: rules.sentences(),
        }
    }
}
