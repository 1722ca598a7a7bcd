//! How a report keeps what exact numbers leave of it: see [`exact`](super::exact).

use super::cells::{Graph, Tables};
use super::exact::{Exact, Left};
use super::suppress::{Mark, Node, Rule};
use super::template::TableBy;
use crate::figures::Figure;
use crate::zone::Month;
use std::collections::BTreeSet;

/// What is left of a sum or difference without the report's own months, and whether all else is told of it.
type Rest = (Left, bool);

impl Graph {
    /// Adds what exact numbers leave as cells that must not come out, and what ties them to the report's own. `None` if that is
    /// too much to look at.
    pub(super) fn keep_rests(&mut self, tables: &Tables, exact: &[Exact], k: i64) -> Option<Vec<Rule>> {
        let mut rules = Vec::new();
        for figure in tables.figures.iter().copied() {
            let Some(total) = self.find(None, "", figure) else { continue };
            let is_total_known = self.nodes[total].is_known();
            let exact = exact.iter().filter(|it| it.figure == figure && !(is_total_known && it.is_whole));
            let exact: Vec<_> = exact.collect();
            if !is_total_known && !self.nodes[total].is_small_for_good() {
                let of_all: Vec<_> = exact.iter().copied().filter(|it| it.is_whole).collect();
                self.keep_rests_of_total(total, &of_all, k, &mut rules)?;
            }
            self.keep_rests_of_months(tables, (total, figure), &exact, k, &mut rules)?;
        }
        Some(rules)
    }

    fn keep_rests_of_total(&mut self, total: usize, exact: &[&Exact], k: i64, rules: &mut Vec<Rule>) -> Option<()> {
        let own = self.nodes[total].value;
        let mut rests = BTreeSet::new();
        for it in exact {
            let of = rests_of(it, own)?.filter(|(rest, _)| !(it.is_told && rest.is_nothing()));
            rests.extend(of.filter(|(rest, _)| rest.count >= 0 || rest.is_secret(k)));
        }
        let mark = self.nodes[total].mark;
        let gives_away = |(rest, is_told): &Rest| {
            rest.is_secret(k) || (*is_told && rest.hides && rest.count >= 0 && mark == Mark::Shown)
        };
        if rests.iter().any(gives_away) && self.nodes[total].is_open() {
            self.nodes[total] = self.nodes[total].withheld();
        }
        for rest in rests {
            self.tie((total, own), rest, k, rules);
        }
        Some(())
    }

    /// Ties a number, here or of some months, to an exact one and to what one of both has beyond the other.
    fn tie(&mut self, (at, value): (usize, i64), (rest, is_told): Rest, k: i64, rules: &mut Vec<Rule>) {
        let known = self.push(Node::known(value + rest.count));
        // Where all else is told it is what others hide, which may be cover for more.
        let is_kept = rest.is_secret(k) || (is_told && rest.hides);
        let beyond = self.push(if is_kept { Node::kept(rest.count.abs()) } else { Node::untold() });
        rules.push(match rest.count < 0 {
            true => Rule::Sum { whole: at, parts: vec![known, beyond] },
            false => Rule::Sum { whole: known, parts: vec![at, beyond] },
        });
    }

    /// The months of the report that are in exact numbers, and those that are in none.
    fn keep_rests_of_months(
        &mut self,
        tables: &Tables,
        (total, figure): (usize, Figure),
        exact: &[&Exact],
        k: i64,
        rules: &mut Vec<Rule>,
    ) -> Option<()> {
        let Some(table) = tables.tables.iter().find(|table| table.by == TableBy::Month) else { return Some(()) };
        let month = |key: &str| key.parse::<Month>().ok().zip(self.find(Some(TableBy::Month), key, figure));
        let months: Vec<_> = table.rows.iter().filter_map(|row| month(&row.key)).collect();
        let (mut parts, mut rest) = (Vec::new(), months.clone());
        let mut shared: Vec<_> = exact.iter().map(|it| it.own).collect::<BTreeSet<_>>().into_iter().collect();
        shared.sort_by_key(|(first, last)| last.0 - first.0);
        for of in shared {
            let is_in = |(at, _): &(Month, usize)| (of.0..=of.1).contains(at);
            let nodes: Vec<_> = months.iter().filter(|it| is_in(it)).map(|(_, node)| *node).collect();
            if nodes.iter().all(|at| self.nodes[*at].is_known()) {
                continue;
            }
            let of: Vec<_> = exact.iter().copied().filter(|it| it.own == of).collect();
            let whole = self.keep_rests_within(nodes.clone(), &of, k, rules)?;
            // Those of numbers that overlap are part of one.
            let left: Vec<_> = rest.iter().filter(|it| !is_in(it)).copied().collect();
            if rest.len() - left.len() == nodes.len() {
                rest = left;
                parts.push(whole);
            }
        }
        if !parts.is_empty() {
            parts.extend(rest.iter().map(|(_, at)| *at));
            rules.push(Rule::Sum { whole: total, parts });
        }
        Some(())
    }

    /// The months that are in an exact number, and what this has beyond them. Gives the sum of these months.
    fn keep_rests_within(&mut self, own: Vec<usize>, exact: &[&Exact], k: i64, rules: &mut Vec<Rule>) -> Option<usize> {
        let sum: i64 = own.iter().map(|at| self.nodes[*at].value).sum();
        let mut rests = BTreeSet::new();
        let mut is_known = false;
        for it in exact {
            is_known |= it.is_within;
            for (rest, is_told) in rests_of(it, sum)?.filter(|_| !it.is_within) {
                if is_told && rest.is_nothing() {
                    is_known = true;
                } else if rest.count >= 0 || (it.is_beyond && rest.is_secret(k)) {
                    rests.insert((rest, is_told));
                }
            }
        }
        let whole = self.push(if is_known { Node::known(sum) } else { Node::untold() });
        rules.push(Rule::Sum { whole, parts: own });
        for rest in rests {
            self.tie((whole, sum), rest, k, rules);
        }
        Some(whole)
    }
}

/// What is left with the report's own number. What it has beyond others is more than nothing, or says nothing (the others
/// were counted later) unless all is told.
fn rests_of(exact: &Exact, own: i64) -> Option<impl Iterator<Item = Rest>> {
    let left = exact.left.as_ref()?.iter().map(move |left| left.plus(Left::of(-own)));
    let says = |rest: &Left| !exact.is_beyond || rest.count < 0 || (exact.is_told && rest.is_nothing());
    Some(left.filter(says).map(|rest| (rest, exact.is_told)))
}
