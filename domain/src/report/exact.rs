//! Numbers that laws ask for exactly, and what suppressed reports of other months leave of them.
//!
//! A year's number less what is printed of eleven of its months is the twelfth's, which nobody has suppressed. So such a
//! rest is a secret as well: where it would be small, a report that gives it away withholds its own total, and whatever
//! tells that. Numbers are taken as they were printed, in every version: an older rest was somebody's count, too.
//!
//! Where a report has months of two years, the years' numbers have to be taken together: of two years less such a report
//! and one of their other months, another rest is left. And what reports have beyond the years within them is a rest, too.
//! [`rests`](super::rests) keeps them.

use super::content::{Cell, Content};
use super::template::TableBy;
use crate::figures::Figure;
use crate::zone::Month;
use std::collections::{BTreeMap, BTreeSet};

/// Most numbers that may be left of an exact one. Where many reports in many versions leave more, a report of its months is
/// refused rather than looked at for minutes.
const LEFT_MAX: usize = 2_048;

/// First and last month, inclusive.
pub type Months = (Month, Month);

/// What is left of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Left {
    pub(super) count: i64,
    /// Hidden counts are part of it, or were taken off as if they were as small as they can be: even nothing left says
    /// something then, that they are nothing or that small.
    pub(super) hides: bool,
}

impl Left {
    pub(super) const fn of(count: i64) -> Self {
        Self { count, hides: false }
    }

    pub(super) fn is_secret(self, k: i64) -> bool {
        let count = self.count.abs();
        count < k && (count > 0 || self.hides)
    }

    /// Whether everything is told of it.
    pub(super) const fn is_nothing(self) -> bool {
        self.count == 0 && !self.hides
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self { count: self.count + other.count, hides: self.hides || other.hides }
    }

    const fn less(self, other: Self) -> Self {
        self.plus(Self { count: -other.count, ..other })
    }
}

/// Several versions leave several numbers, few of them different. `None`: too many.
pub(super) type Lefts = Option<BTreeSet<Left>>;

fn few(left: BTreeSet<Left>) -> Lefts {
    (left.len() <= LEFT_MAX).then_some(left)
}

/// Each number of one with each of another.
fn each(one: &Lefts, other: &Lefts, of: impl Fn(Left, Left) -> Left) -> Lefts {
    let (one, other) = one.as_ref().zip(other.as_ref())?;
    few(one.iter().flat_map(|one| other.iter().map(|other| of(*one, *other))).collect())
}

fn either(one: Lefts, other: Lefts) -> Lefts {
    one.zip(other).and_then(|(one, other)| few(one.into_iter().chain(other).collect()))
}

/// Numbers of months that follow each other.
type Numbers = BTreeMap<Months, Lefts>;

fn add(numbers: &mut Numbers, months: Months, left: Lefts) {
    let before = numbers.entry(months).or_insert_with(|| Some(BTreeSet::new()));
    *before = either(before.take(), left);
}

/// The numbers, and the sums of those that follow each other; `is_joined` says at which months.
fn sums(numbers: &Numbers, is_joined: impl Fn(Month) -> bool) -> Numbers {
    let mut sums = Numbers::new();
    for (months, left) in numbers.iter().rev() {
        let next = months.1.plus(1);
        if is_joined(next) {
            let following = sums.range((next, next)..).take_while(|((first, _), _)| *first == next);
            let with = following.map(|((_, last), more)| ((months.0, *last), each(left, more, Left::plus)));
            with.collect::<Vec<_>>().into_iter().for_each(|(months, left)| add(&mut sums, months, left));
        }
        add(&mut sums, *months, left.clone());
    }
    sums
}

/// Sums and differences of exact numbers and suppressed reports that matter to a report, or to some of its months: what
/// exact numbers have beyond them and others, or they with others beyond exact numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exact {
    pub(super) figure: Figure,
    /// The months of the report that it is about.
    pub(super) own: Months,
    /// Whether these are all of the report's.
    pub(super) is_whole: bool,
    /// Whether what they come to is an exact number, or several.
    pub(super) is_within: bool,
    /// Whether all of its months are in the report or in others that are approved.
    pub(super) is_told: bool,
    /// Whether it is what the months and other reports have beyond exact numbers.
    pub(super) is_beyond: bool,
    /// What other reports leave of the exact numbers; less than nothing where they have more.
    pub(super) left: Lefts,
}

fn months(content: &Content) -> Months {
    (content.period.from.month(), content.period.to.plus(-1).month())
}

const fn overlap(a: Months, b: Months) -> bool {
    a.0.0 <= b.1.0 && b.0.0 <= a.1.0
}

const fn is_in(inner: Months, outer: Months) -> bool {
    outer.0.0 <= inner.0.0 && inner.1.0 <= outer.1.0
}

/// Whether the month is one of them, but not the first.
const fn is_across(months: Months, at: Month) -> bool {
    months.0.0 < at.0 && at.0 <= months.1.0
}

fn shared(a: Months, b: Months) -> Months {
    (a.0.max(b.0), a.1.min(b.1))
}

/// All that is approved, but for suppressed reports of what it is about.
struct Approved<'a> {
    exact: Vec<&'a Content>,
    suppressed: Vec<&'a Content>,
}

impl<'a> Approved<'a> {
    fn new(all: &[&'a Content], is_apart: impl Fn(Months) -> bool) -> Self {
        let (suppressed, exact): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.template.suppresses);
        Self { exact, suppressed: suppressed.into_iter().filter(|it| is_apart(months(it))).collect() }
    }

    /// Exact numbers of other months than `own`.
    fn numbers(&self, own: Months, figure: Figure) -> Numbers {
        let mut numbers = Numbers::new();
        for content in self.exact.iter().filter(|it| months(it) != own) {
            let cells = content.figures.iter().zip(&content.total).filter(|(of, _)| **of == figure);
            for count in cells.filter_map(|(_, cell)| if let Cell::Count(n) = cell { Some(*n) } else { None }) {
                add(&mut numbers, months(content), Some(BTreeSet::from([Left::of(count)])));
            }
        }
        numbers
    }

    /// What suppressed reports say of a figure within `whole`: for each of their periods, what all of their versions say.
    fn said(&self, whole: Months, figure: Figure) -> Numbers {
        let mut parts = Numbers::new();
        for content in self.suppressed.iter().filter(|it| months(it) != whole) {
            if let Some(said) = said(content, whole, figure) {
                add(&mut parts, months(content), Some(said));
            }
        }
        parts
    }

    /// Numbers that follow each other, where a report has months of both, and what is left of them.
    fn around(&self, numbers: &Numbers, own: Months, figure: Figure) -> Vec<(Months, Numbers, Lefts)> {
        let reports: Vec<_> = self.suppressed.iter().map(|it| months(it)).chain([own]).collect();
        let all = sums(numbers, |at| reports.iter().any(|it| is_across(*it, at)));
        let of = |(months, left): (Months, Lefts)| {
            let parts = self.said(months, figure);
            let left = parts.values().fold(left, |left, part| each(&left, part, Left::less));
            (months, parts, left)
        };
        all.into_iter().filter(|(months, _)| overlap(*months, own)).map(of).collect()
    }

    /// Reports that follow each other, where an exact number has months of both, and what they leave of the numbers within
    /// them; `own` is among them, with a number that is taken off later, or it is an exact number.
    fn beyond(&self, numbers: &Numbers, own: Months, figure: Figure) -> Vec<Lefts> {
        let mut reports = Numbers::new();
        if !numbers.contains_key(&own) {
            add(&mut reports, own, Some(BTreeSet::from([Left::of(0)])));
        }
        for content in &self.suppressed {
            let rows = content.tables.iter().filter(|table| table.by == TableBy::Month).flat_map(|table| &table.rows);
            let rows = rows.filter_map(|row| row.key.parse::<Month>().ok()).map(|month| (month, month));
            for part in rows.chain([months(content)]).collect::<BTreeSet<_>>() {
                said(content, part, figure).into_iter().for_each(|said| add(&mut reports, part, Some(said)));
            }
        }
        // Of numbers and reports that are within each other, what is around says all.
        if reports.keys().all(|it| numbers.keys().all(|number| !overlap(*it, *number) || is_in(*it, *number))) {
            return Vec::new();
        }
        let all = sums(&reports, |at| numbers.keys().any(|number| is_across(*number, at)));
        let of = |(run, sum): (Months, Lefts)| {
            let mut within: Vec<_> = numbers.iter().filter(|(it, _)| is_in(**it, run)).collect();
            // Each month once, those of `own` first.
            within.sort_by_key(|(it, _)| (**it != own, **it));
            let mut taken: Vec<Months> = Vec::new();
            within.retain(|(it, _)| {
                let is_apart = taken.iter().all(|other| !overlap(**it, *other));
                taken.extend(is_apart.then_some(**it));
                is_apart
            });
            let none = Some(BTreeSet::from([Left::of(0)]));
            let exact = within.iter().fold(none, |sum, (_, number)| each(&sum, number, Left::plus));
            (!within.is_empty()).then(|| each(&exact, &sum, Left::less))
        };
        all.into_iter().filter(|(run, _)| is_in(own, *run)).filter_map(of).collect()
    }
}

impl Exact {
    /// What matters to a suppressed report of the months `own`, of everything that is approved.
    #[must_use]
    pub fn around(approved: &[&Content], own: Months) -> Vec<Self> {
        let approved = Approved::new(approved, |it| !overlap(it, own));
        let figures: BTreeSet<_> = approved.exact.iter().flat_map(|it| it.figures.iter().copied()).collect();
        figures.into_iter().flat_map(|figure| Self::of(&approved, own, figure)).collect()
    }

    fn of(approved: &Approved, own: Months, figure: Figure) -> Vec<Self> {
        let numbers = approved.numbers(own, figure);
        let parts = numbers.keys().filter(|it| overlap(**it, own)).map(|it| shared(*it, own));
        let parts: BTreeSet<_> = parts.chain([own]).collect();
        let around = approved.around(&numbers, own, figure).into_iter().map(|(months, others, left)| {
            let is_in_one = |at| others.keys().chain([&own]).any(|it| is_in((Month(at), Month(at)), *it));
            Self {
                figure,
                own: shared(months, own),
                is_whole: is_in(own, months),
                is_within: is_in(months, own),
                is_told: (months.0.0..=months.1.0).all(is_in_one),
                is_beyond: false,
                left,
            }
        });
        let beyond = parts.iter().filter(|it| !numbers.contains_key(it)).flat_map(|part| {
            let left = approved.beyond(&numbers, *part, figure).into_iter();
            left.map(|left| Self {
                figure,
                own: *part,
                is_whole: *part == own,
                is_within: false,
                is_told: true,
                is_beyond: true,
                left,
            })
        });
        around.filter(|it| parts.contains(&it.own)).chain(beyond).collect()
    }
}

/// Whether an exact number of the months `own` would leave a small count, with everything that is approved. It is printed all
/// the same: whoever approves it should know.
#[must_use]
pub fn leaves_small(approved: &[&Content], own: Months, (figure, count): (Figure, i64), k: u32) -> bool {
    let approved = Approved::new(approved, |it| it != own);
    let mut numbers = approved.numbers(own, figure);
    numbers.insert(own, Some(BTreeSet::from([Left::of(count)])));
    let around = approved.around(&numbers, own, figure).into_iter().filter(|(months, ..)| is_in(own, *months));
    let mut left = around.map(|(.., left)| left).chain(approved.beyond(&numbers, own, figure));
    // Where there are too many to look at, one of them is small sooner or later.
    left.any(|left| left.is_none_or(|left| left.into_iter().any(|left| left.is_secret(k.into()))))
}

/// What a suppressed report says of a figure within `whole`: its number, or what is printed of its months, once without what
/// is hidden, and once with the least that this can be.
fn said(content: &Content, whole: Months, figure: Figure) -> Lefts {
    let at = content.figures.iter().position(|it| *it == figure)?;
    let is_within = is_in(months(content), whole);
    let total = content.total.get(at).copied().filter(|_| is_within);
    if let Some(Cell::Count(count)) = total {
        return Some(BTreeSet::from([Left::of(count)]));
    }
    let in_whole = |key: &str| key.parse::<Month>().is_ok_and(|month| is_in((month, month), whole));
    let by_month = content.tables.iter().find(|table| table.by == TableBy::Month);
    let cells: Vec<Cell> = match by_month {
        Some(table) => {
            let rows = table.rows.iter().filter(|row| in_whole(&row.key));
            rows.filter_map(|row| row.cells.get(at).copied()).collect()
        }
        None => total.into_iter().collect(),
    };
    let k = content.rules.suppress_below.map_or(0, i64::from);
    let least = |cell: &Cell| match cell {
        Cell::Count(n) => *n,
        Cell::Small => 1,
        Cell::Withheld => k,
        Cell::Absent => 0,
    };
    let printed = cells.iter().filter(|cell| matches!(cell, Cell::Count(_))).map(least).sum();
    let hides = cells.iter().any(|cell| !matches!(cell, Cell::Count(_)));
    let said = [printed, cells.iter().map(least).sum()].map(|count| Left { count, hides });
    (!cells.is_empty()).then(|| BTreeSet::from(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_versions_leave_is_not_looked_at_for_ever() {
        let part = |numbers: i64| Some((0..numbers).map(|n| Left::of(10_000 + n * n * 97)).collect());
        let less = |numbers| {
            let whole = Some(BTreeSet::from([Left::of(200_000)]));
            (0..11).fold(whole, |left, _| each(&left, &part(numbers), Left::less))
        };
        assert_eq!(less(1), Some(BTreeSet::from([Left::of(90_000)])));
        assert!(less(2).is_some_and(|left| left.len() == 12));
        assert_eq!(less(20), None);
    }

    #[test]
    fn numbers_that_follow_each_other_are_added_up() {
        let of = |first, last, count| ((Month(first), Month(last)), Some(BTreeSet::from([Left::of(count)])));
        let numbers = Numbers::from([of(0, 1, 5), of(2, 3, 7), of(5, 6, 9)]);
        let added = |is_joined| sums(&numbers, |_| is_joined).into_iter().filter(|it| !numbers.contains_key(&it.0));
        assert_eq!(added(true).collect::<Numbers>(), Numbers::from([of(0, 3, 12)]));
        assert_eq!(added(false).count(), 0);
    }
}
