//! Numbers that laws ask for exactly, and what suppressed reports of other months leave of them.
//!
//! A year's number less what is printed of eleven of its months is the twelfth's, which nobody has suppressed. So such a
//! rest is a secret as well: where it would be small, a report within the year withholds its own total, and whatever gives
//! that away. Numbers are taken as they were printed, in every version: an older rest was somebody's count, too.

use super::cells::{Graph, RawRow, Tables};
use super::content::{Cell, Content};
use super::suppress::{Mark, Node, Rule};
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
struct Left {
    count: i64,
    /// Hidden counts are part of it, or were taken off as if they were as small as they can be: even nothing left says
    /// something then, that they are nothing or that small.
    hides: bool,
}

impl Left {
    fn is_secret(self, k: i64) -> bool {
        let count = self.count.abs();
        count < k && (count > 0 || self.hides)
    }

    /// Whether everything is told of it.
    const fn is_nothing(self) -> bool {
        self.count == 0 && !self.hides
    }

    /// What is not in the report. Where all else is told (`is_told`) it is what others hide, which may be cover for more.
    fn node(self, k: i64, is_told: bool) -> Node {
        if self.is_secret(k) || (is_told && self.hides) { Node::kept(self.count.abs()) } else { Node::untold() }
    }

    const fn plus(self, other: Self) -> Self {
        Self { count: self.count + other.count, hides: self.hides || other.hides }
    }
}

/// An exact number of some months that overlap those of a report, and are not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exact {
    months: Months,
    figure: Figure,
    /// Whether all of its months are in the report.
    is_within: bool,
    /// Whether all months of the report are in it.
    is_around: bool,
    /// Whether all of its months are in the report or in others that are approved.
    is_told: bool,
    /// What other reports leave of it. Several versions leave several numbers, few of them different. `None`: too many.
    left: Option<BTreeSet<Left>>,
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

impl Exact {
    /// What matters to a suppressed report of the months `own`, of everything that is approved.
    #[must_use]
    pub fn around(approved: &[&Content], own: Months) -> Vec<Self> {
        let mut numbers: BTreeMap<(Months, Figure), BTreeSet<Left>> = BTreeMap::new();
        let exact = approved.iter().filter(|it| !it.template.suppresses);
        for content in exact.filter(|it| overlap(months(it), own) && months(it) != own) {
            for (figure, cell) in content.figures.iter().zip(&content.total) {
                if let Cell::Count(count) = *cell {
                    let left = numbers.entry((months(content), *figure)).or_default();
                    left.insert(Left { count, hides: false });
                }
            }
        }
        let of = |((months, figure), left): ((Months, Figure), _)| {
            let parts = parts(approved, Some(own), months, figure);
            let is_in_one = |at| parts.keys().chain([&own]).any(|part| is_in((Month(at), Month(at)), *part));
            Self {
                months,
                figure,
                is_within: is_in(months, own),
                is_around: is_in(own, months),
                is_told: (months.0.0..=months.1.0).all(is_in_one),
                left: less(left, &parts),
            }
        };
        numbers.into_iter().map(of).collect()
    }
}

/// Whether an exact number of the months `own` would leave a small count, with the suppressed reports that are approved of
/// some of them. It is printed all the same: whoever approves it should know.
#[must_use]
pub fn leaves_small(approved: &[&Content], own: Months, (figure, count): (Figure, i64), k: u32) -> bool {
    let left = less(BTreeSet::from([Left { count, hides: false }]), &parts(approved, None, own, figure));
    // Where there are too many to look at, one of them is small sooner or later.
    left.is_none_or(|left| left.into_iter().any(|left| left.is_secret(k.into())))
}

/// What parts leave of a number; `None` if that is too much to look at.
fn less(left: BTreeSet<Left>, parts: &BTreeMap<Months, BTreeSet<Left>>) -> Option<BTreeSet<Left>> {
    parts.values().try_fold(left, |left, part| {
        let taken = |of: Left| part.iter().map(move |it| of.plus(Left { count: -it.count, ..*it }));
        few(left.into_iter().flat_map(taken).collect())
    })
}

fn few(left: BTreeSet<Left>) -> Option<BTreeSet<Left>> {
    (left.len() <= LEFT_MAX).then_some(left)
}

/// What suppressed reports say of a figure within `whole`, but for those that share months with `own`: for each of their
/// periods, what all of their versions say.
fn parts(
    approved: &[&Content],
    own: Option<Months>,
    whole: Months,
    figure: Figure,
) -> BTreeMap<Months, BTreeSet<Left>> {
    let mut parts: BTreeMap<Months, BTreeSet<Left>> = BTreeMap::new();
    let is_apart = |it: &&&Content| own.is_none_or(|own| !overlap(months(it), own)) && months(it) != whole;
    for content in approved.iter().filter(|it| it.template.suppresses).filter(is_apart) {
        let said = said(content, whole, figure);
        if !said.is_empty() {
            parts.entry(months(content)).or_default().extend(said);
        }
    }
    parts
}

/// What a suppressed report says of a figure within `whole`: its number, or what is printed of its months, once without what
/// is hidden, and once with the least that this can be.
fn said(content: &Content, whole: Months, figure: Figure) -> Vec<Left> {
    let Some(at) = content.figures.iter().position(|it| *it == figure) else { return Vec::new() };
    let is_within = is_in(months(content), whole);
    let total = content.total.get(at).copied().filter(|_| is_within);
    if let Some(Cell::Count(count)) = total {
        return vec![Left { count, hides: false }];
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
    vec![Left { count: printed, hides }, Left { count: cells.iter().map(least).sum(), hides }]
}

impl Graph {
    /// Adds what exact numbers leave as cells that must not come out, and what ties them to the report's own. `None` if that is
    /// too much to look at.
    pub(super) fn keep_rests(&mut self, tables: &Tables, exact: &[Exact], k: i64) -> Option<Vec<Rule>> {
        let mut rules = Vec::new();
        for figure in tables.figures.iter().copied() {
            let exact: Vec<_> = exact.iter().filter(|it| it.figure == figure).collect();
            let Some(total) = self.find(None, "", figure) else { continue };
            let is_total_known = self.nodes[total].is_known();
            if !is_total_known {
                self.keep_rests_of_total(total, &exact, k, &mut rules)?;
            }
            let exact = exact.into_iter().filter(|it| !(is_total_known && it.is_around));
            self.keep_rests_of_months(tables, (total, figure), exact, k, &mut rules)?;
        }
        Some(rules)
    }

    /// The total and one exact number, or several that follow each other: what one of both has beyond the other.
    fn keep_rests_of_total(&mut self, total: usize, exact: &[&Exact], k: i64, rules: &mut Vec<Rule>) -> Option<()> {
        if self.nodes[total].is_small_for_good() {
            return Some(());
        }
        let own = self.nodes[total].value;
        let mut rests: BTreeSet<(Left, bool)> = BTreeSet::new();
        for from in 0..exact.len() {
            let mut left = BTreeSet::from([Left { count: -own, hides: false }]);
            let mut is_told = true;
            for it in &exact[from..] {
                is_told &= it.is_told;
                let more = it.left.as_ref()?;
                left = few(left.iter().flat_map(|of| more.iter().map(move |more| of.plus(*more))).collect())?;
                rests.extend(left.iter().filter(|rest| !(is_told && rest.is_nothing())).map(|rest| (*rest, is_told)));
            }
        }
        let mark = self.nodes[total].mark;
        let gives_away = |(rest, is_told): &(Left, bool)| {
            rest.is_secret(k) || (*is_told && rest.hides && rest.count >= 0 && mark == Mark::Shown)
        };
        if rests.iter().any(gives_away) && self.nodes[total].is_open() {
            self.nodes[total] = self.nodes[total].withheld();
        }
        for (rest, is_told) in rests.into_iter().filter(|(rest, _)| rest.count >= 0 || rest.is_secret(k)) {
            let known = self.push(Node::known(own + rest.count));
            let beyond = self.push(rest.node(k, is_told));
            rules.push(match rest.count < 0 {
                true => Rule::Sum { whole: total, parts: vec![known, beyond] },
                false => Rule::Sum { whole: known, parts: vec![total, beyond] },
            });
        }
        Some(())
    }

    /// The months of the report: those of each exact number, what this has beyond them, and those that are in none.
    fn keep_rests_of_months<'a>(
        &mut self,
        tables: &Tables,
        (total, figure): (usize, Figure),
        exact: impl Iterator<Item = &'a Exact>,
        k: i64,
        rules: &mut Vec<Rule>,
    ) -> Option<()> {
        let Some(table) = tables.tables.iter().find(|table| table.by == TableBy::Month) else { return Some(()) };
        let months: Vec<_> = table.rows.iter().filter_map(|row| row.key.parse::<Month>().ok().zip(Some(row))).collect();
        let (mut parts, mut rest) = (Vec::new(), months);
        for it in exact {
            let (own, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(at, _)| is_in((*at, *at), it.months));
            rest = others;
            let find = |(_, row): &(Month, &RawRow)| self.find(Some(TableBy::Month), &row.key, figure);
            let own: Vec<_> = own.iter().filter_map(find).collect();
            if own.iter().all(|at| self.nodes[*at].is_known()) {
                parts.extend(own);
            } else {
                parts.push(self.keep_rests_within(own, it, k, rules)?);
            }
        }
        if !parts.is_empty() {
            parts.extend(rest.iter().filter_map(|(_, row)| self.find(Some(TableBy::Month), &row.key, figure)));
            rules.push(Rule::Sum { whole: total, parts });
        }
        Some(())
    }

    /// The months that are in an exact number, and what this has beyond them. Gives the sum of these months.
    fn keep_rests_within(&mut self, own: Vec<usize>, exact: &Exact, k: i64, rules: &mut Vec<Rule>) -> Option<usize> {
        let sum: i64 = own.iter().map(|at| self.nodes[*at].value).sum();
        let rests = exact.left.as_ref()?.iter().map(|left| left.plus(Left { count: -sum, hides: false }));
        let rests: BTreeSet<_> = rests.filter(|rest| rest.count >= 0).collect();
        let is_known = |rest: &Left| exact.is_within || (exact.is_told && rest.is_nothing());
        let is_sum_known = exact.is_within || rests.iter().any(is_known);
        let whole = self.push(if is_sum_known { Node::known(sum) } else { Node::untold() });
        rules.push(Rule::Sum { whole, parts: own });
        for rest in rests.into_iter().filter(|rest| !is_known(rest)) {
            let known = self.push(Node::known(sum + rest.count));
            let beyond = self.push(rest.node(k, exact.is_told));
            rules.push(Rule::Sum { whole: known, parts: vec![whole, beyond] });
        }
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_versions_leave_is_not_looked_at_for_ever() {
        let part = |numbers: i64| (0..numbers).map(|n| Left { count: 10_000 + n * n * 97, hides: false }).collect();
        let parts = |numbers| (0..11).map(|at| ((Month(at), Month(at)), part(numbers))).collect();
        let whole = || BTreeSet::from([Left { count: 200_000, hides: false }]);
        assert_eq!(less(whole(), &parts(1)), Some(BTreeSet::from([Left { count: 90_000, hides: false }])));
        assert!(less(whole(), &parts(2)).is_some_and(|left| left.len() == 12));
        assert_eq!(less(whole(), &parts(20)), None);
    }
}
