//! Suppression of small cells.
//!
//! A count from 1 to k − 1 is not printed: a reader must not learn that it was three people. That alone does not help
//! where sums are printed besides, so more cells are withheld until no small one can be worked out. What a reader can
//! work out is what [`bounds`] works out: it knows the rules that cells obey (parts that make up a whole, one figure that
//! is never above another), everything that is printed or was before, and how this program chooses. As long as that
//! leaves a small cell too few values, the nearest, smallest printed cell is withheld as well.

use super::content::Cell;

/// How many rounds [`bounds`] takes at most. Each round carries what is known one rule further; sums of sums are a few
/// rules deep.
const ROUNDS_MAX: usize = 256;
/// Above every count.
const ANY: i64 = 1 << 48;

/// What is printed of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Shown,
    /// From 1 to k − 1.
    Small,
    /// At least k, mostly; small ones are withheld where even that they are small would give them away.
    Withheld,
}

/// What an approved report says of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    pub cell: Cell,
    /// The threshold of that report.
    pub k: i64,
}

/// A cell. Where it is not certain what a reader knows of it, more is assumed rather than less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    pub value: i64,
    pub mark: Mark,
    /// It is known already, whatever is printed now.
    is_known: bool,
    /// Its mark cannot be changed any more: it is not in this report, or was printed as a small one before.
    is_fixed: bool,
    /// It must not come out, though it is no small one of this report.
    is_kept: bool,
    /// What it is at least if it is withheld.
    least: i64,
    /// What it is at most if it is small.
    most: i64,
}

impl Node {
    /// A cell, small or not. `was` is what approved reports say of it. A number is known only if it is still the same: what
    /// has become a small one since is hidden like any other. What was hidden stays hidden, and one that is not printed in
    /// this report (`is_printed`) stays what it was made by those before.
    #[must_use]
    pub fn new(value: i64, k: i64, was: &[Said], is_printed: bool) -> Self {
        let numbers = || was.iter().filter_map(|said| if let Cell::Count(n) = said.cell { Some(n) } else { None });
        let small = || was.iter().filter(|said| said.cell == Cell::Small && (1..said.k).contains(&value));
        let withheld = || was.iter().filter(|said| said.cell == Cell::Withheld);
        let was_hidden = was.iter().any(|said| matches!(said.cell, Cell::Small | Cell::Withheld));
        // What has no row in a report that is published is taken to be 0.
        let is_known = numbers().any(|n| n == value) || (!is_printed && was.is_empty() && value == 0);
        let was_small = small().next().is_some();
        let mark = match () {
            () if is_known => Mark::Shown,
            () if was_small => Mark::Small,
            // Not `Small`: by then it may have been withheld lest even that gives it away.
            () if withheld().next().is_some() => Mark::Withheld,
            () if value >= 1 && value < k => Mark::Small,
            () if was_hidden || !is_printed => Mark::Withheld,
            () => Mark::Shown,
        };
        let limits = withheld().map(|said| said.k).chain(numbers()).chain([k]);
        Self {
            value,
            mark,
            is_known,
            is_fixed: is_known || was_small || !is_printed,
            is_kept: false,
            least: limits.filter(|least| *least <= value).max().unwrap_or(0),
            most: small().map(|said| said.k - 1).chain([k - 1]).min().unwrap_or(0),
        }
    }

    /// A number that everybody knows.
    #[must_use]
    pub const fn known(value: i64) -> Self {
        Self { value, mark: Mark::Shown, is_known: true, is_fixed: true, is_kept: false, least: value, most: value }
    }

    /// A number that no report has and nobody asks for, but that ties others to each other.
    #[must_use]
    pub const fn untold() -> Self {
        Self { value: 0, mark: Mark::Withheld, is_known: false, is_fixed: true, is_kept: false, least: 0, most: 0 }
    }

    /// A number that no report has, and that must not come out either.
    #[must_use]
    pub const fn kept(value: i64) -> Self {
        Self { value, mark: Mark::Withheld, is_known: false, is_fixed: true, is_kept: true, least: 0, most: 0 }
    }

    /// Whether its number must not come out.
    const fn is_secret(self, k: i64) -> bool {
        self.is_kept || !matches!(self.mark, Mark::Shown) && !self.is_known && self.value >= 1 && self.value < k
    }

    /// Whether everybody knows its number, whatever is printed now.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.is_known
    }

    /// Whether what is printed of it can be changed.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !self.is_fixed && !matches!(self.mark, Mark::Withheld)
    }

    /// Whether it was printed as a small one before.
    #[must_use]
    pub const fn is_small_for_good(self) -> bool {
        self.is_fixed && matches!(self.mark, Mark::Small)
    }

    /// The same cell, withheld; a small one says nothing at all then.
    #[must_use]
    pub const fn withheld(self) -> Self {
        Self { mark: Mark::Withheld, ..self }
    }

    /// What its mark alone says.
    const fn range(self) -> (i64, i64) {
        match self.mark {
            Mark::Shown => (self.value, self.value),
            Mark::Small => (1, self.most),
            Mark::Withheld => (self.least, ANY),
        }
    }

    /// Whether it is printed and may be withheld: 0 and small numbers would not do as cover, as it is known that withheld
    /// cells are neither.
    const fn can_be_withheld(self, k: i64) -> bool {
        matches!(self.mark, Mark::Shown) && !self.is_fixed && self.value >= k
    }
}

/// What every reader knows of some cells, by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The parts make up the whole.
    Sum { whole: usize, parts: Vec<usize> },
    /// No part is above the whole, and the whole is not above their sum.
    Cover { whole: usize, parts: Vec<usize> },
    /// The first is never above the second.
    Order(usize, usize),
}

impl Rule {
    fn cells(&self) -> Vec<usize> {
        match self {
            Self::Sum { whole, parts } | Self::Cover { whole, parts } => {
                parts.iter().copied().chain([*whole]).collect()
            }
            Self::Order(lesser, greater) => vec![*lesser, *greater],
        }
    }

    fn whole(&self) -> Option<usize> {
        match self {
            Self::Sum { whole, .. } | Self::Cover { whole, .. } => Some(*whole),
            Self::Order(..) => None,
        }
    }
}

/// A small cell that could not be hidden, as too much is known already. By its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposed(pub usize);

/// How many values must remain possible for a small cell.
#[must_use]
pub const fn spread(k: i64) -> i64 {
    let third = (k - 1) / 3;
    if third < 2 { 2 } else { third }
}

/// Smallest and largest possible value of each cell for whoever reads the marks and knows the rules.
#[must_use]
pub fn bounds(nodes: &[Node], rules: &[Rule]) -> Vec<(i64, i64)> {
    let mut ranges: Vec<_> = nodes.iter().map(|node| node.range()).collect();
    for _ in 0..ROUNDS_MAX {
        let before = ranges.clone();
        for rule in rules {
            narrow(&mut ranges, rule);
        }
        if ranges == before {
            break;
        }
    }
    ranges
}

// Bounds never pass each other: counts that contradict the rules would drive them apart without end.

fn raise(ranges: &mut [(i64, i64)], at: usize, low: i64) {
    let range = &mut ranges[at];
    range.0 = range.0.max(low.min(range.1));
}

fn lower(ranges: &mut [(i64, i64)], at: usize, high: i64) {
    let range = &mut ranges[at];
    range.1 = range.1.min(high.max(range.0));
}

/// Carries what is known of some cells of a rule to its others.
fn narrow(ranges: &mut [(i64, i64)], rule: &Rule) {
    match rule {
        Rule::Order(lesser, greater) => {
            let (low, high) = (ranges[*lesser].0, ranges[*greater].1);
            raise(ranges, *greater, low);
            lower(ranges, *lesser, high);
        }
        Rule::Sum { whole, parts } => {
            let lows: i64 = parts.iter().map(|at| ranges[*at].0).sum();
            let highs: i64 = parts.iter().map(|at| ranges[*at].1).sum();
            raise(ranges, *whole, lows);
            lower(ranges, *whole, highs);
            let (whole_low, whole_high) = ranges[*whole];
            for at in parts {
                let (low, high) = ranges[*at];
                raise(ranges, *at, whole_low - (highs - high));
                lower(ranges, *at, whole_high - (lows - low));
            }
        }
        Rule::Cover { whole, parts } => {
            let highs: i64 = parts.iter().map(|at| ranges[*at].1).sum();
            let largest = parts.iter().map(|at| ranges[*at].0).max().unwrap_or(0);
            raise(ranges, *whole, largest);
            lower(ranges, *whole, highs);
            let (whole_low, whole_high) = ranges[*whole];
            for at in parts {
                let high = ranges[*at].1;
                raise(ranges, *at, whole_low - (highs - high));
                lower(ranges, *at, whole_high);
            }
        }
    }
}

/// Withholds cells until no small one can be worked out.
///
/// # Errors
/// [`Exposed`] if what is known already gives one away.
pub fn protect(nodes: &mut [Node], rules: &[Rule], k: i64) -> Result<(), Exposed> {
    while let Some(exposed) = exposed(nodes, rules, k) {
        // Where nothing printed is left to withhold, all is small: then not even that it is small is said.
        let covers = near(nodes, rules, exposed, |node| node.can_be_withheld(k));
        let covers = if covers.is_empty() {
            near(nodes, rules, exposed, |node| node.is_open() && node.mark == Mark::Small)
        } else {
            covers
        };
        let Some(&nearest) = covers.first() else { return Err(Exposed(exposed)) };
        // Mostly the first will do. Where none does by itself, the nearest is one of those that it takes.
        let does = |at: &usize| {
            let mut tried = nodes.to_vec();
            tried[*at] = tried[*at].withheld();
            is_hidden(bounds(&tried, rules)[exposed], k)
        };
        let chosen = covers.iter().copied().find(does).unwrap_or(nearest);
        nodes[chosen] = nodes[chosen].withheld();
    }
    Ok(())
}

const fn is_hidden((low, high): (i64, i64), k: i64) -> bool {
    high - low + 1 >= spread(k)
}

/// The first small cell for which too few values are possible.
fn exposed(nodes: &[Node], rules: &[Rule], k: i64) -> Option<usize> {
    let ranges = bounds(nodes, rules);
    (0..nodes.len()).find(|at| nodes[*at].is_secret(k) && !is_hidden(ranges[*at], k))
}

/// Those of the wanted cells that have to do with a cell, nearest first: those that share a rule with it before those that
/// share one with its hidden neighbours, parts before wholes, small before large.
fn near(nodes: &[Node], rules: &[Rule], of: usize, is_wanted: impl Fn(&Node) -> bool) -> Vec<usize> {
    let mut is_seen = vec![false; nodes.len()];
    let mut found = Vec::new();
    if is_wanted(&nodes[of]) {
        found.push((0, false, nodes[of].value, of));
    }
    is_seen[of] = true;
    let mut hidden = vec![of];
    for step in 1.. {
        let mut next = Vec::new();
        for rule in rules.iter().filter(|rule| rule.cells().iter().any(|at| hidden.contains(at))) {
            for at in rule.cells() {
                if std::mem::replace(&mut is_seen[at], true) {
                    continue;
                }
                if nodes[at].mark != Mark::Shown {
                    next.push(at);
                }
                if is_wanted(&nodes[at]) {
                    found.push((step, rule.whole().is_none_or(|whole| whole == at), nodes[at].value, at));
                }
            }
        }
        if next.is_empty() {
            break;
        }
        hidden = next;
    }
    found.sort_unstable();
    found.into_iter().map(|(.., at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protected(values: &[i64], k: i64) -> Vec<Mark> {
        let mut nodes: Vec<_> = values.iter().map(|value| Node::new(*value, k, &[], true)).collect();
        let rules = [Rule::Sum { whole: 0, parts: (1..values.len()).collect() }];
        protect(&mut nodes, &rules, k).unwrap();
        nodes.into_iter().map(|node| node.mark).collect()
    }

    #[test]
    fn a_small_cell_takes_another_with_it() {
        use Mark::{Shown, Small, Withheld};
        for (values, marks) in [
            // Nothing is small.
            (vec![60, 10, 50, 0], vec![Shown, Shown, Shown, Shown]),
            // The smallest other one, never a 0.
            (vec![93, 3, 50, 40, 0], vec![Shown, Small, Shown, Withheld, Shown]),
            // Two small ones cover each other.
            (vec![57, 3, 4, 50], vec![Shown, Small, Small, Shown]),
            // Not where their sum leaves one way only.
            (vec![68, 9, 9, 50], vec![Shown, Small, Small, Withheld]),
            // The only other one is too near to k to hide much: the total is withheld instead.
            (vec![11, 1, 10], vec![Withheld, Small, Shown]),
            // A total that is small itself.
            (vec![5, 5, 0], vec![Small, Small, Shown]),
        ] {
            assert_eq!(protected(&values, 10), marks, "{values:?}");
        }
    }

    #[test]
    fn counts_that_contradict_each_other_end_all_the_same() {
        let mut nodes: Vec<_> = [1_000, 3, 4, 20, 5].map(|value| Node::new(value, 10, &[], true)).to_vec();
        let rules = [
            Rule::Sum { whole: 0, parts: vec![1, 2] },
            Rule::Sum { whole: 3, parts: vec![0, 4] },
            Rule::Order(0, 4),
            Rule::Cover { whole: 2, parts: vec![3, 4] },
        ];
        // Whatever comes of it: it comes to an end, and what is small is not shown.
        let _ = protect(&mut nodes, &rules, 10);
        assert!(bounds(&nodes, &rules).iter().all(|(low, high)| low <= high));
        assert_eq!([1, 2, 4].map(|at| nodes[at].mark == Mark::Shown), [false; 3]);
    }

    #[test]
    fn what_covers_a_session_counted_twice() {
        // 109 in all, 100 there: at least 9 here.
        let mut nodes: Vec<_> = [109, 100, 9].map(|value| Node::new(value, 10, &[], true)).to_vec();
        let rules = [Rule::Cover { whole: 0, parts: vec![1, 2] }];
        protect(&mut nodes, &rules, 10).unwrap();
        assert_ne!([nodes[0].mark, nodes[1].mark], [Mark::Shown, Mark::Shown]);
        assert_eq!(nodes[2].mark, Mark::Small);
    }

    #[test]
    fn nothing_hides_what_is_known() {
        let known = |value| Node::new(value, 10, &[said(Cell::Count(value))], true);
        let mut nodes = vec![known(53), known(50), Node::new(3, 10, &[], true)];
        let rules = [Rule::Sum { whole: 0, parts: vec![1, 2] }];
        assert_eq!(protect(&mut nodes, &rules, 10), Err(Exposed(2)));
    }

    fn said(cell: Cell) -> Said {
        Said { cell, k: 10 }
    }

    #[test]
    fn what_a_report_said_before_is_not_taken_back() {
        use Cell::{Count, Small, Withheld};
        for (value, was, is_printed, mark, range) in [
            (12, vec![], true, Mark::Shown, (12, 12)),
            (12, vec![], false, Mark::Withheld, (10, ANY)),
            (0, vec![], false, Mark::Shown, (0, 0)),
            (12, vec![said(Count(12))], false, Mark::Shown, (12, 12)),
            (13, vec![said(Count(12))], false, Mark::Withheld, (12, ANY)),
            (13, vec![said(Count(12))], true, Mark::Shown, (13, 13)),
            (12, vec![said(Withheld)], true, Mark::Withheld, (10, ANY)),
            (4, vec![said(Withheld)], true, Mark::Withheld, (0, ANY)),
            (4, vec![said(Small), said(Withheld)], true, Mark::Small, (1, 9)),
            (4, vec![Said { cell: Small, k: 5 }], true, Mark::Small, (1, 4)),
            (7, vec![Said { cell: Withheld, k: 5 }], true, Mark::Withheld, (5, ANY)),
            (4, vec![said(Count(0))], true, Mark::Small, (1, 9)),
            (4, vec![said(Count(4))], true, Mark::Shown, (4, 4)),
            (12, vec![said(Small)], true, Mark::Withheld, (10, ANY)),
        ] {
            let node = Node::new(value, 10, &was, is_printed);
            assert_eq!((node.mark, node.range()), (mark, range), "{value} {was:?} {is_printed}");
        }
    }

    #[test]
    fn what_no_report_has_is_kept_too() {
        let mut nodes = vec![Node::known(63), Node::new(59, 10, &[], true), Node::kept(4)];
        let rules = [Rule::Sum { whole: 0, parts: vec![1, 2] }];
        protect(&mut nodes, &rules, 10).unwrap();
        assert_eq!(nodes[1].mark, Mark::Withheld);
    }
}
