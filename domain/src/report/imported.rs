//! What a report says of history that was imported without sessions.
//!
//! Such counts are in none of the report's figures. That they are there must be said, and how many there are as far as that
//! gives no small count away: neither within one report nor by the difference of two versions, before and after an import,
//! its withdrawal, or both. So a number is printed only if each import that takes part in it brings none or at least the
//! threshold, and if it differs from none that was printed before by less than that. Where one is not, days are whole months,
//! as the day of a single click might tell whose it was.

use super::content::Cell;
use crate::zone::Day;
use serde::{Deserialize, Serialize};

/// What one import brings to a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contribution {
    pub displays: i64,
    pub clicks: i64,
    /// The first day within the period.
    pub first: Day,
    /// The last day within the period.
    pub last: Day,
}

/// Some days, the last inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    pub first: Day,
    pub last: Day,
}

impl Days {
    /// All days of their months.
    fn whole_months(self) -> Self {
        Self { first: self.first.month().first_day(), last: self.last.month().plus(1).first_day().plus(-1) }
    }
}

/// What a report says of imported counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    pub displays: Cell,
    pub clicks: Cell,
    /// In their order, apart from each other. Whole months where a number is withheld.
    pub days: Vec<Days>,
}

impl Imported {
    /// What is printed of some imports, if any brings counts to the period. Numbers are suppressed below `k`, with regard to
    /// what was `published` of the same period.
    #[must_use]
    pub fn of(contributions: &[Contribution], k: u32, published: &[&Self]) -> Option<Self> {
        let taking_part = contributions.iter().filter(|it| it.displays > 0 || it.clicks > 0);
        let days: Vec<_> = taking_part.map(|it| Days { first: it.first, last: it.last }).collect();
        let k = i64::from(k);
        let says_something = |n: i64| n != 0 && n.abs() < k;
        let cell = |count: fn(&Contribution) -> i64, before: fn(&Self) -> Cell| {
            let sum = contributions.iter().map(count).fold(0, i64::saturating_add);
            let differs_little = |it: &&Self| matches!(before(it), Cell::Count(n) if says_something(sum - n));
            let is_secret = contributions.iter().map(count).any(says_something);
            if is_secret || published.iter().any(differs_little) { Cell::Withheld } else { Cell::Count(sum) }
        };
        let (displays, clicks) = (cell(|it| it.displays, |it| it.displays), cell(|it| it.clicks, |it| it.clicks));
        let is_exact = displays != Cell::Withheld && clicks != Cell::Withheld;
        let printed = |days: Days| if is_exact { days } else { days.whole_months() };
        let days = merged(days.into_iter().map(printed).collect());
        (!days.is_empty()).then_some(Self { displays, clicks, days })
    }

    /// The same without its numbers: for reports of one exact number, whose other periods may overlap.
    #[must_use]
    pub fn without_numbers(self) -> Self {
        let days = merged(self.days.into_iter().map(Days::whole_months).collect());
        Self { displays: Cell::Absent, clicks: Cell::Absent, days }
    }

    fn has_numbers(&self) -> bool {
        self.displays != Cell::Absent || self.clicks != Cell::Absent
    }

    /// What people read.
    #[must_use]
    pub fn sentence(&self, suppress_below: Option<u32>) -> String {
        let number = |cell: Cell, what: &str| match cell {
            Cell::Count(1) => format!("1 {what}"),
            Cell::Withheld => format!("a withheld number of {what}s"),
            _ => format!("{} {what}s", cell.text(suppress_below)),
        };
        let what = if self.has_numbers() {
            format!("{} and {}", number(self.displays, "display"), number(self.clicks, "click"))
        } else {
            "displays and clicks".to_owned()
        };
        format!(
            "Besides, {what} of {} were imported as counts without sessions. Neither notifications, reach nor \
             any other figure can be told from them, and they are in none of the figures of this report.",
            self.days_text()
        )
    }

    /// The days, as people read them.
    fn days_text(&self) -> String {
        let text = |days: &Days| match days {
            Days { first, last } if first == last => first.to_string(),
            Days { first, last } => format!("{first} to {last}"),
        };
        self.days.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    /// The same in a few words.
    pub(super) fn brief(&self, suppress_below: Option<u32>) -> String {
        if !self.has_numbers() {
            return format!("counts of {}", self.days_text());
        }
        let (displays, clicks) = (self.displays.text(suppress_below), self.clicks.text(suppress_below));
        format!("{displays} displays, {clicks} clicks; {}", self.days_text())
    }
}

/// Days that overlap or follow each other, as one.
fn merged(mut days: Vec<Days>) -> Vec<Days> {
    days.sort_unstable_by_key(|days| (days.first, days.last));
    let mut merged: Vec<Days> = Vec::new();
    for next in days {
        match merged.last_mut() {
            Some(before) if next.first <= before.last.plus(1) => before.last = before.last.max(next.last),
            _ => merged.push(next),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(displays: i64, clicks: i64, first: i32, last: i32) -> Contribution {
        Contribution { displays, clicks, first: Day(first), last: Day(last) }
    }

    #[test]
    fn a_number_is_printed_if_no_import_brings_a_small_one() {
        use Cell::{Count, Withheld};
        for (contributions, k, expected) in [
            (vec![of(100, 0, 0, 1)], 10, Some((Count(100), Count(0)))),
            (vec![of(100, 9, 0, 1)], 10, Some((Count(100), Withheld))),
            (vec![of(100, 50, 0, 1), of(3, 10, 4, 5)], 10, Some((Withheld, Count(60)))),
            (vec![of(100, 50, 0, 1), of(3, 10, 4, 5)], 3, Some((Count(103), Count(60)))),
            (vec![of(9, 9, 0, 1), of(9, 9, 2, 3)], 10, Some((Withheld, Withheld))),
            (vec![of(0, 0, 0, 1)], 10, None),
            (vec![], 10, None),
        ] {
            let printed = Imported::of(&contributions, k, &[]);
            assert_eq!(printed.map(|it| (it.displays, it.clicks)), expected, "{contributions:?}");
        }
    }

    #[test]
    fn a_file_that_takes_anothers_place_gives_no_small_difference_away() {
        use Cell::{Count, Withheld};
        let before = Imported::of(&[of(1_000, 40, 0, 1)], 10, &[]).unwrap();
        for (displays, clicks, expected) in [
            (1_000, 40, (Count(1_000), Count(40))),
            (1_003, 50, (Withheld, Count(50))),
            (991, 49, (Withheld, Withheld)),
            (1_010, 0, (Count(1_010), Count(0))),
        ] {
            let after = Imported::of(&[of(displays, clicks, 0, 1)], 10, &[&before]).unwrap();
            assert_eq!((after.displays, after.clicks), expected);
        }
    }

    #[test]
    fn it_is_said_for_which_days_and_that_no_figure_has_them() {
        let contributions = [of(1_200, 1, 14_610, 14_620), of(20, 0, 14_621, 14_630), of(30, 0, 14_640, 14_640)];
        let printed = Imported::of(&contributions, 0, &[]).unwrap();
        let sentence = printed.sentence(None);
        assert!(sentence.starts_with(
            "Besides, 1,250 displays and 1 click of 2010-01-01 to 2010-01-21, 2010-01-31 were imported as counts without sessions."
        ), "{sentence}");
        let small = Imported::of(&[of(1, 100, 0, 0)], 10, &[]).unwrap();
        let sentence = small.sentence(Some(10));
        assert!(sentence.contains("a withheld number of displays and 100 clicks of 1970-01-01 to 1970-01-31 "));
        // Two imports of neighbouring months are one range, of which neither number nor day is told.
        let days =
            |k| Imported::of(&[of(1, 100, 14_610, 14_612), of(0, 50, 14_660, 14_660)], k, &[]).unwrap().days_text();
        assert_eq!(days(10), "2010-01-01 to 2010-02-28");
        assert_eq!(days(0), "2010-01-01 to 2010-01-03, 2010-02-20");
    }

    #[test]
    fn that_there_is_something_can_be_said_without_numbers() {
        let bare = Imported::of(&[of(20, 30, 14_612, 14_613)], 10, &[]).unwrap().without_numbers();
        assert_eq!((bare.displays, bare.clicks), (Cell::Absent, Cell::Absent));
        let sentence = bare.sentence(None);
        assert!(
            sentence.starts_with("Besides, displays and clicks of 2010-01-01 to 2010-01-31 were imported as counts ")
        );
        assert_eq!(bare.brief(None), "counts of 2010-01-01 to 2010-01-31");
    }

    proptest! {
        /// Whoever sees two versions, one with an import more, works out at most that it brings none or at least k.
        #[test]
        fn no_import_is_given_away_by_another_version(
            counts in prop::collection::vec(0..30_i64, 0..5), more in 0..30_i64, k in 3..15_u32,
        ) {
            let mut imports: Vec<_> = counts.iter().map(|n| of(*n, 100, 0, 1)).collect();
            let before = Imported::of(&imports, k, &[]);
            imports.push(of(more, 100, 2, 3));
            let after = Imported::of(&imports, k, &before.iter().collect::<Vec<_>>()).unwrap().displays;
            let before = before.map(|it| it.displays);
            if let (None | Some(Cell::Count(_)), Cell::Count(after)) = (before, after) {
                let before = if let Some(Cell::Count(before)) = before { before } else { 0 };
                prop_assert_eq!(after - before, more);
                prop_assert!(more == 0 || more >= i64::from(k));
            }
        }
    }
}
