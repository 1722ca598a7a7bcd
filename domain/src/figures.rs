//! The figures that people see: their names, definitions, and which of them a view can give exactly.

use serde::{Deserialize, Serialize};

macro_rules! figures {
    ($($variant:ident = $name:literal, $label:literal, $definition:literal;)*) => {
        /// A counted figure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Figure { $($variant),* }

        impl Figure {
            /// Every figure, in the order in which they are stored and shown.
            pub const ALL: [Self; 11] = [$(Self::$variant),*];

            /// The name in the API, in files and in the store.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
            /// The name for people.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
            /// What is counted, in a sentence or two.
            #[must_use]
            pub const fn definition(self) -> &'static str {
                match self { $(Self::$variant => $definition),* }
            }
        }
    };
}

figures! {
    GrossDisplays = "gross_displays", "Gross displays",
        "All accepted display events, each counted at its own instant.";
    NetDisplays = "net_displays", "Net displays",
        "Displays after double-click filtering: of displays of one helpline in one session that follow each other within 30 seconds, only the last counts.";
    UniqueDisplays = "unique_displays", "Unique displays",
        "Sessions that were shown a helpline: each pair of session and helpline counts once a month, at its first display.";
    Reach = "reach", "Reach",
        "Sessions that were shown at least one helpline: each session counts once a month, at its first display.";
    GrossClicks = "gross_clicks", "Gross clicks",
        "All accepted click events, each counted at its own instant.";
    NetClicks = "net_clicks", "Net clicks",
        "Clicks after double-click filtering: of clicks on one contact method of one helpline in one session that follow each other within 30 seconds, only the last counts.";
    AttributedClicks = "attributed_clicks", "Attributed clicks",
        "Clicks that follow a display of the same helpline in the same session by at most 24 hours.";
    UnattributedClicks = "unattributed_clicks", "Unattributed clicks",
        "Clicks without a display of the same helpline in the same session in the 24 hours before. Many of them are the sign of a broken integration.";
    Conversions = "conversions", "Conversions",
        "Unique displays that led to an attributed click, counted where the unique display is.";
    ConvertedSessions = "converted_sessions", "Converted sessions",
        "Sessions within reach that had at least one conversion in the month, counted where the session is.";
    Notifications = "notifications", "Notifications",
        "Referrals: displays in one session that follow each other within 10 seconds, such as several helplines on one card, are one.";
}

/// What the click-through rate says, in the words of each view.
pub const CTR_DEFINITION: &str = "Converted sessions divided by reach. Never above 100 %; without reach there is none.";
/// The click-through rate of one helpline.
pub const HELPLINE_CTR_DEFINITION: &str = "Conversions divided by unique displays of the helpline.";

/// The click figures.
const OF_METHOD: u16 = bit(Figure::GrossClicks)
    | bit(Figure::NetClicks)
    | bit(Figure::AttributedClicks)
    | bit(Figure::UnattributedClicks)
    | bit(Figure::Conversions)
    | bit(Figure::ConvertedSessions);
const ALL: u16 = (1 << Figure::ALL.len()) - 1;

const fn bit(figure: Figure) -> u16 {
    1 << figure as u16
}

/// Which parts of an event a count is kept by. Every count is kept by application besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// By application alone.
    Application = 0,
    Helpline = 1,
    /// By the country of the helpline.
    Country = 2,
    Method = 3,
    HelplineMethod = 4,
    CountryMethod = 5,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] =
        [Self::Application, Self::Helpline, Self::Country, Self::Method, Self::HelplineMethod, Self::CountryMethod];

    /// The scope that answers a question which names, filters by or breaks down by these parts.
    #[must_use]
    pub const fn of(helpline: bool, country: bool, method: bool) -> Self {
        match (helpline, country, method) {
            (true, _, true) => Self::HelplineMethod,
            (true, _, false) => Self::Helpline,
            (false, true, true) => Self::CountryMethod,
            (false, true, false) => Self::Country,
            (false, false, true) => Self::Method,
            (false, false, false) => Self::Application,
        }
    }

    const fn mask(self) -> u16 {
        let of_session = bit(Figure::Reach) | bit(Figure::ConvertedSessions) | bit(Figure::Notifications);
        match self {
            Self::Application => ALL,
            Self::Helpline => ALL & !of_session,
            Self::Country => ALL & !bit(Figure::Notifications),
            Self::Method | Self::CountryMethod => OF_METHOD,
            Self::HelplineMethod => OF_METHOD & !bit(Figure::ConvertedSessions),
        }
    }

    /// Whether the scope gives a figure exactly. What it cannot give exactly is not shown.
    #[must_use]
    pub const fn gives(self, figure: Figure) -> bool {
        self.mask() & bit(figure) != 0
    }

    /// The figures that the scope gives exactly.
    pub fn figures(self) -> impl Iterator<Item = Figure> {
        Figure::ALL.into_iter().filter(move |figure| self.gives(*figure))
    }

    /// Numerator and denominator of the click-through rate, where the scope has one.
    #[must_use]
    pub const fn ctr_of(self) -> Option<(Figure, Figure)> {
        match self {
            Self::Application | Self::Country => Some((Figure::ConvertedSessions, Figure::Reach)),
            Self::Helpline => Some((Figure::Conversions, Figure::UniqueDisplays)),
            Self::Method | Self::HelplineMethod | Self::CountryMethod => None,
        }
    }
}

/// A count for every figure. Those that a view's [`Scope`] does not give are 0 and not shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts(pub [i64; 11]);

impl Counts {
    /// The count of one figure.
    #[must_use]
    pub const fn get(&self, figure: Figure) -> i64 {
        self.0[figure as usize]
    }

    /// Adds `n` (which may be negative) to one figure.
    pub const fn add(&mut self, figure: Figure, n: i64) {
        self.0[figure as usize] += n;
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// Takes other counts off.
    pub fn take_off(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine -= theirs;
        }
    }

    /// Whether every figure is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 11]
    }

    /// The click-through rate of a scope, 0 to 1; `None` where its denominator is 0 or the scope has none.
    #[must_use]
    pub fn ctr(&self, scope: Scope) -> Option<f64> {
        let (of, all) = scope.ctr_of()?;
        self.ratio(of, all)
    }

    /// Net clicks ÷ net displays: to be labelled as *raw* CTR wherever it is shown.
    #[must_use]
    pub fn raw_ctr(&self) -> Option<f64> {
        self.ratio(Figure::NetClicks, Figure::NetDisplays)
    }

    fn ratio(&self, of: Figure, all: Figure) -> Option<f64> {
        let all = self.get(all);
        (all != 0).then(|| self.get(of) as f64 / all as f64)
    }
}

/// A ratio as the API and files print it: six decimals.
#[must_use]
pub fn six_decimals(ratio: f64) -> f64 {
    (ratio * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_give_what_the_rules_allow() {
        let names = |scope: Scope| scope.figures().map(Figure::name).collect::<Vec<_>>();
        assert_eq!(names(Scope::Application).len(), 11);
        assert!(!Scope::Country.gives(Figure::Notifications) && Scope::Country.gives(Figure::Reach));
        for absent in ["reach", "converted_sessions", "notifications"] {
            assert!(!names(Scope::Helpline).contains(&absent));
        }
        let method = [
            "gross_clicks",
            "net_clicks",
            "attributed_clicks",
            "unattributed_clicks",
            "conversions",
            "converted_sessions",
        ];
        assert_eq!(names(Scope::Method), method);
        assert_eq!(names(Scope::HelplineMethod), method[..5]);
    }

    #[test]
    fn no_denominator_no_rate() {
        let mut counts = Counts::default();
        assert_eq!(counts.ctr(Scope::Application), None);
        counts.add(Figure::Reach, 3);
        counts.add(Figure::ConvertedSessions, 1);
        assert_eq!(counts.ctr(Scope::Application).map(six_decimals), Some(0.333_333));
    }
}
