//! Numbers that laws ask for exactly, and what suppressed reports of other months leave of them.
//!
//! A year's number less what is printed of eleven of its months is the twelfth's, which nobody has suppressed. So such a
//! rest is a secret as well: where it would be small, a report that gives it away withholds its own total, and whatever
//! tells that. Numbers are taken as they were printed, in every version: an older rest was somebody's count, too.
//!
//! Where a report has months of two years, the years' numbers have to be taken together: of two years less such a report
//! and one of their other months, another rest is left. And what reports have beyond the years within them is a rest, too.
//! Of such chains the latest versions are looked at: all would be too many.
//! [`rests`](super::rests) keeps them.

use super::content::{Cell, Content, Row};
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

/// What all versions say of the same months.
type Versions = BTreeMap<Months, BTreeSet<Left>>;
/// What the latest version says.
type Latest = BTreeMap<Months, i64>;

/// What parts leave of numbers.
fn less(left: &BTreeSet<Left>, parts: &Versions) -> Lefts {
    parts.values().try_fold(left.clone(), |left, part| {
        let mut less = BTreeSet::new();
        for (left, part) in left.iter().flat_map(|left| part.iter().map(move |part| (left, part))) {
            less.insert(left.less(*part));
            if less.len() > LEFT_MAX {
                return None;
            }
        }
        Some(less)
    })
}

/// The numbers, and the sums of those that follow each other; `is_joined` says at which months.
fn sums(numbers: &Latest, is_joined: impl Fn(Month) -> bool) -> Latest {
    let mut sums = Latest::new();
    for ((first, last), number) in numbers.iter().rev() {
        let next = last.plus(1);
        if is_joined(next) {
            let following = sums.range((next, next)..).take_while(|((from, _), _)| *from == next);
            let with: Vec<_> = following.map(|((_, to), more)| ((*first, *to), number + more)).collect();
            sums.extend(with);
        }
        sums.insert((*first, *last), *number);
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
    /// Whether all else is told of it: reports have all of its months, or exact numbers all of theirs.
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

/// All that is approved, but for suppressed reports of what it is about; of each the oldest version first.
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
    fn numbers(&self, own: Months, figure: Figure) -> impl Iterator<Item = (Months, i64)> {
        let apart = self.exact.iter().map(|content| (months(content), content)).filter(move |(it, _)| *it != own);
        apart.filter_map(move |(months, content)| Some((months, shown(content, months, figure)?)))
    }

    /// What each suppressed report of other months says of a figure within `whole`.
    fn all_said(&self, whole: Months, figure: Figure) -> impl Iterator<Item = (Months, BTreeSet<Left>)> {
        let apart =
            self.suppressed.iter().map(|content| (months(content), content)).filter(move |(it, _)| *it != whole);
        apart.filter_map(move |(months, content)| Some((months, said(content, whole, figure)?)))
    }

    /// What all of their versions say.
    fn said(&self, whole: Months, figure: Figure) -> Versions {
        let mut parts = Versions::new();
        for (months, said) in self.all_said(whole, figure) {
            parts.entry(months).or_default().extend(said);
        }
        parts
    }

    /// What the latest version says that hides nothing of it, or the latest of all.
    fn said_latest(&self, whole: Months, figure: Figure) -> Versions {
        let hides = |said: &BTreeSet<Left>| said.iter().any(|left| left.hides);
        let mut parts = Versions::new();
        for (months, said) in self.all_said(whole, figure) {
            if !hides(&said) || parts.get(&months).is_none_or(hides) {
                parts.insert(months, said);
            }
        }
        parts
    }

    /// Numbers that follow each other and are joined by a report, with what others say of their months and leave of them.
    fn chains(&self, numbers: &Latest, own: Months, figure: Figure) -> Vec<(Months, Versions, Lefts)> {
        let reports: Vec<_> = self.suppressed.iter().map(|it| months(it)).chain([own]).collect();
        let all = sums(numbers, |at| reports.iter().any(|it| is_across(*it, at)));
        let of = |(months, number): (Months, i64)| {
            let parts = self.said_latest(months, figure);
            let left = less(&BTreeSet::from([Left::of(number)]), &parts);
            (months, parts, left)
        };
        all.into_iter().filter(|(it, _)| overlap(*it, own) && !numbers.contains_key(it)).map(of).collect()
    }

    /// Reports that follow each other, where an exact number has months of both, and what they leave of the numbers within
    /// them, with whether these have all of their months. `own` is among the reports, with a number that is taken off later,
    /// or among the numbers.
    fn beyond(&self, numbers: &Latest, own: Months, figure: Figure) -> Vec<(bool, Left)> {
        let mut reports: Latest = (!numbers.contains_key(&own)).then_some((own, 0)).into_iter().collect();
        for content in &self.suppressed {
            for part in cut(months(content), numbers) {
                reports.extend(shown(content, part, figure).map(|number| (part, number)));
            }
        }
        // Of numbers and reports that are within each other, what is around says all.
        if reports.keys().all(|it| numbers.keys().all(|number| !overlap(*it, *number) || is_in(*it, *number))) {
            return Vec::new();
        }
        let all = sums(&reports, |at| numbers.keys().any(|number| is_across(*number, at)));
        let of = |(run, sum): (Months, i64)| {
            let mut within: Vec<_> = numbers.iter().filter(|(it, _)| is_in(**it, run)).collect();
            // Laws ask for calendar years, of which each month is in one. That of `own` first all the same.
            within.sort_by_key(|(it, _)| (**it != own, **it));
            let mut taken: Vec<Months> = Vec::new();
            within.retain(|(it, _)| {
                let is_apart = taken.iter().all(|other| !overlap(**it, *other));
                taken.extend(is_apart.then_some(**it));
                is_apart
            });
            let months = |(first, last): Months| last.0 - first.0 + 1;
            let is_told = taken.iter().map(|it| months(*it)).sum::<i32>() == months(run);
            let exact: i64 = within.iter().map(|(_, number)| **number).sum();
            (!within.is_empty()).then_some((is_told, Left::of(exact - sum)))
        };
        all.into_iter().filter(|(run, _)| is_in(own, *run)).filter_map(of).collect()
    }
}

/// The months of a report as one, and in parts, where exact numbers begin or end within it.
fn cut(report: Months, numbers: &Latest) -> Vec<Months> {
    let ends = numbers.keys().flat_map(|(first, last)| [*first, last.plus(1)]);
    let ends: BTreeSet<_> = ends.filter(|at| is_across(report, *at)).chain([report.0, report.1.plus(1)]).collect();
    let from = ends.iter().enumerate();
    from.flat_map(|(at, from)| ends.iter().skip(at + 1).map(move |to| (*from, to.plus(-1)))).collect()
}

impl Exact {
    /// What matters to a suppressed report of the months `own`, of everything that is approved; of each the oldest version first.
    #[must_use]
    pub fn around(approved: &[&Content], own: Months) -> Vec<Self> {
        let approved = Approved::new(approved, |it| !overlap(it, own));
        let figures: BTreeSet<_> = approved.exact.iter().flat_map(|it| it.figures.iter().copied()).collect();
        figures.into_iter().flat_map(|figure| Self::of(&approved, own, figure)).collect()
    }

    fn of(approved: &Approved, own: Months, figure: Figure) -> Vec<Self> {
        let mut versions = Versions::new();
        for (months, count) in approved.numbers(own, figure).filter(|(it, _)| overlap(*it, own)) {
            versions.entry(months).or_default().insert(Left::of(count));
        }
        let single = versions.iter().map(|(months, left)| {
            let parts = approved.said(*months, figure);
            let left = less(left, &parts);
            (*months, parts, left)
        });
        let latest: Latest = approved.numbers(own, figure).collect();
        let around = single.chain(approved.chains(&latest, own, figure)).map(|(months, others, left)| {
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
        let parts: BTreeSet<_> = versions.keys().map(|it| shared(*it, own)).chain([own]).collect();
        let beyond = parts.iter().filter(|it| !latest.contains_key(it)).flat_map(|part| {
            let left = approved.beyond(&latest, *part, figure).into_iter();
            left.map(|(is_told, left)| Self {
                figure,
                own: *part,
                is_whole: *part == own,
                is_within: false,
                is_told,
                is_beyond: true,
                left: Some(BTreeSet::from([left])),
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
    let mut numbers: Latest = approved.numbers(own, figure).collect();
    numbers.insert(own, count);
    let single = less(&BTreeSet::from([Left::of(count)]), &approved.said(own, figure));
    let chains = approved.chains(&numbers, own, figure).into_iter().filter(|(it, ..)| is_in(own, *it));
    let beyond = approved.beyond(&numbers, own, figure).into_iter().map(|(_, left)| Some(BTreeSet::from([left])));
    // Where there are too many to look at, one of them is small sooner or later.
    let is_small = |left: Lefts| left.is_none_or(|left| left.into_iter().any(|left| left.is_secret(k.into())));
    [single].into_iter().chain(chains.map(|(.., left)| left)).chain(beyond).any(is_small)
}

/// What is printed of a figure in a report: its total and, in a table of months, those that are meant and all others.
struct Printed {
    total: Cell,
    by_month: Option<[Vec<Cell>; 2]>,
}

impl Printed {
    fn of(content: &Content, whole: Months, figure: Figure) -> Option<Self> {
        let at = content.figures.iter().position(|it| *it == figure)?;
        let is_meant = |row: &&Row| row.key.parse::<Month>().is_ok_and(|month| is_in((month, month), whole));
        let by_month = content.tables.iter().find(|table| table.by == TableBy::Month).map(|table| {
            let (meant, others): (Vec<_>, Vec<_>) = table.rows.iter().partition(is_meant);
            [meant, others].map(|rows| rows.into_iter().filter_map(|row| row.cells.get(at).copied()).collect())
        });
        Some(Self { total: *content.total.get(at)?, by_month })
    }
}

fn sum_of(cells: &[Cell]) -> Option<i64> {
    cells.iter().map(|cell| if let Cell::Count(n) = cell { Some(*n) } else { None }).sum()
}

/// A report's number of those of its months that are in `whole`, where that follows from what is printed of it.
fn shown(content: &Content, whole: Months, figure: Figure) -> Option<i64> {
    let printed = Printed::of(content, whole, figure)?;
    let total = sum_of(&[printed.total]);
    if is_in(months(content), whole) && total.is_some() {
        return total;
    }
    let [meant, others] = printed.by_month.filter(|[meant, _]| !meant.is_empty())?;
    sum_of(&meant).or_else(|| Some(total? - sum_of(&others)?))
}

/// What a suppressed report says of a figure within `whole`: its number, or what is printed of its months, once without what
/// is hidden, and once with the least that this can be. `None`: nothing.
fn said(content: &Content, whole: Months, figure: Figure) -> Option<BTreeSet<Left>> {
    if let Some(count) = shown(content, whole, figure) {
        return Some(BTreeSet::from([Left::of(count)]));
    }
    let printed = Printed::of(content, whole, figure)?;
    let total = is_in(months(content), whole).then_some(printed.total);
    let cells = printed.by_month.map_or_else(|| total.into_iter().collect(), |[meant, _]| meant);
    let k = content.rules.suppress_below.map_or(0, i64::from);
    let least = |cell: &Cell| match cell {
        Cell::Count(n) => *n,
        Cell::Small => 1,
        Cell::Withheld => k,
        Cell::Absent => 0,
    };
    let shown = cells.iter().filter(|cell| matches!(cell, Cell::Count(_))).map(least).sum();
    let said = [shown, cells.iter().map(least).sum()].map(|count| Left { count, hides: true });
    (!cells.is_empty()).then(|| BTreeSet::from(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_versions_leave_is_not_looked_at_for_ever() {
        let part = |numbers: i64| (0..numbers).map(|n| Left::of(10_000 + n * n * 97)).collect();
        let parts = |numbers| (0..11).map(|at| ((Month(at), Month(at)), part(numbers))).collect();
        let whole = BTreeSet::from([Left::of(200_000)]);
        assert_eq!(less(&whole, &parts(1)), Some(BTreeSet::from([Left::of(90_000)])));
        assert!(less(&whole, &parts(2)).is_some_and(|left| left.len() == 12));
        assert_eq!(less(&whole, &parts(20)), None);
    }

    #[test]
    fn numbers_that_follow_each_other_are_added_up() {
        let of = |first, last, count| ((Month(first), Month(last)), count);
        let numbers = Latest::from([of(0, 1, 5), of(2, 3, 7), of(5, 6, 9)]);
        let added = |is_joined| sums(&numbers, |_| is_joined).into_iter().filter(|it| !numbers.contains_key(&it.0));
        assert_eq!(added(true).collect::<Latest>(), Latest::from([of(0, 3, 12)]));
        assert_eq!(added(false).count(), 0);
    }

    #[test]
    fn reports_are_cut_where_numbers_begin_and_end() {
        let of = |first, last| (Month(first), Month(last));
        let numbers = [of(-12, -1), of(0, 11), of(24, 35)].map(|months| (months, 1)).into();
        assert_eq!(cut(of(0, 5), &numbers), [of(0, 5)]);
        assert_eq!(cut(of(-3, 12), &numbers)[..3], [of(-3, -1), of(-3, 11), of(-3, 12)]);
        assert_eq!(cut(of(-3, 12), &numbers)[3..], [of(0, 11), of(0, 12), of(12, 12)]);
    }
}
