//! The counts of a report before it is decided which of them are printed, and the decision.

use super::content::{Cell, Place, Row, Table};
use super::exact::Exact;
use super::suppress::{Exposed, Mark, Node, Rule, Said, protect};
use super::template::TableBy;
use crate::figures::{Counts, Figure, Scope};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Pairs of figures of which the first is never above the second, in the total and in every row.
const ORDERED: [(Figure, Figure); 13] = [
    (Figure::NetDisplays, Figure::GrossDisplays),
    (Figure::UniqueDisplays, Figure::GrossDisplays),
    (Figure::Reach, Figure::UniqueDisplays),
    (Figure::Reach, Figure::GrossDisplays),
    (Figure::Notifications, Figure::GrossDisplays),
    (Figure::NetClicks, Figure::GrossClicks),
    (Figure::AttributedClicks, Figure::GrossClicks),
    (Figure::Conversions, Figure::UniqueDisplays),
    (Figure::Conversions, Figure::GrossDisplays),
    (Figure::ConvertedSessions, Figure::Conversions),
    (Figure::ConvertedSessions, Figure::Reach),
    (Figure::ConvertedSessions, Figure::UniqueDisplays),
    (Figure::ConvertedSessions, Figure::GrossDisplays),
];

/// A row with its counts.
#[derive(Debug, Clone)]
pub struct RawRow {
    pub key: String,
    pub name: String,
    /// Of a helpline: the key of its country's row.
    pub country: Option<String>,
    pub counts: Counts,
}

/// A table with its counts.
#[derive(Debug, Clone)]
pub struct RawTable {
    pub by: TableBy,
    pub rows: Vec<RawRow>,
}

/// Everything that a report would say if all were printed, and what else there is of its months.
#[derive(Debug, Clone)]
pub struct Tables {
    pub figures: Vec<Figure>,
    pub total: Counts,
    pub tables: Vec<RawTable>,
    /// Those that are not in the report, but may be in others of the same months.
    pub beside: Vec<RawTable>,
}

/// What reports of the same months say of their cells.
pub type Known = BTreeMap<Place, Vec<Said>>;

/// What was published before gives a small cell away, whatever is withheld now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what was published before would give a suppressed count away")]
pub struct Unprotectable;

impl Tables {
    /// What is printed: the totals in the order of the figures, and the tables. Small cells are suppressed below `k`, so
    /// that not even whoever knows what was published before can work them out: `known` of the same months, be it in other
    /// tables, and `exact` of others. `None` prints all.
    ///
    /// # Errors
    /// [`Unprotectable`].
    pub fn publish(
        &self,
        k: Option<u32>,
        known: &Known,
        exact: &[Exact],
    ) -> Result<(Vec<Cell>, Vec<Table>), Unprotectable> {
        let mut graph = Graph::new(self, k.map_or(0, i64::from), known);
        if let Some(k) = k.map(i64::from) {
            let mut rules = graph.rules(self);
            rules.extend(graph.keep_rests(self, exact, k).ok_or(Unprotectable)?);
            protect(&mut graph.nodes, &rules, k).map_err(|Exposed(_)| Unprotectable)?;
        }
        let cells = |by: Option<TableBy>, key: &str| {
            self.figures.iter().map(|figure| graph.cell(&Place { by, key: key.to_owned(), figure: *figure })).collect()
        };
        let row =
            |by, row: &RawRow| Row { key: row.key.clone(), name: row.name.clone(), cells: cells(Some(by), &row.key) };
        let table =
            |table: &RawTable| Table { by: table.by, rows: table.rows.iter().map(|it| row(table.by, it)).collect() };
        Ok((cells(None, ""), self.tables.iter().map(table).collect()))
    }

    /// Those of the report and those beside it.
    fn all(&self) -> impl Iterator<Item = &RawTable> {
        self.tables.iter().chain(&self.beside)
    }

    /// Whether the report prints a figure there.
    fn prints(&self, by: Option<TableBy>, figure: Figure) -> bool {
        self.figures.contains(&figure) && by.is_none_or(|by| self.tables.iter().any(|table| table.by == by))
    }
}

/// All cells that somebody can have read once the report is published, and where.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    at: HashMap<(Option<TableBy>, String, Figure), usize>,
}

impl Graph {
    /// Columns that are in the report, and those of others of its months. Whole ones, as sums are of all rows; and of their
    /// figures also those that are in no report: reach by country, say, is not above what unique displays of the country's
    /// helplines make up.
    fn new(tables: &Tables, k: i64, known: &Known) -> Self {
        let told: HashSet<_> = known.keys().map(|place| (place.by, place.figure)).collect();
        let ties: HashSet<_> = known.keys().map(|place| place.figure).chain(tables.figures.iter().copied()).collect();
        let mut graph = Self { nodes: Vec::new(), at: HashMap::new() };
        let mut add = |by: Option<TableBy>, key: &str, counts: &Counts| {
            let scope = by.map_or(Scope::Application, TableBy::scope);
            for figure in scope.figures() {
                let is_printed = tables.prints(by, figure);
                let place = Place { by, key: key.to_owned(), figure };
                let was = known.get(&place).map_or(&[][..], Vec::as_slice);
                let node = match () {
                    () if is_printed || told.contains(&(by, figure)) => {
                        Node::new(counts.get(figure), k, was, is_printed)
                    }
                    () if !told.is_empty() && ties.contains(&figure) => Node::untold(),
                    () => continue,
                };
                let at = graph.push(node);
                graph.at.insert((by, place.key, figure), at);
            }
        };
        add(None, "", &tables.total);
        for table in tables.all() {
            table.rows.iter().for_each(|row| add(Some(table.by), &row.key, &row.counts));
        }
        graph
    }

    pub(super) fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    pub(super) fn find(&self, by: Option<TableBy>, key: &str, figure: Figure) -> Option<usize> {
        self.at.get(&(by, key.to_owned(), figure)).copied()
    }

    fn cell(&self, place: &Place) -> Cell {
        let at = self.find(place.by, &place.key, place.figure);
        at.map_or(Cell::Absent, |at| match self.nodes[at].mark {
            Mark::Shown => Cell::Count(self.nodes[at].value),
            Mark::Small => Cell::Small,
            Mark::Withheld => Cell::Withheld,
        })
    }

    /// What every reader knows of the cells.
    fn rules(&self, tables: &Tables) -> Vec<Rule> {
        let mut rules = Vec::new();
        for table in tables.all() {
            for figure in table.by.scope().figures() {
                rules.extend(self.wholes(tables, table, figure));
            }
        }
        let rows = tables.all().flat_map(|table| table.rows.iter().map(|row| (Some(table.by), row.key.as_str())));
        for (by, key) in rows.chain([(None, "")]) {
            for (lesser, greater) in ORDERED {
                let pair = self.find(by, key, lesser).zip(self.find(by, key, greater));
                rules.extend(pair.map(|(lesser, greater)| Rule::Order(lesser, greater)));
            }
        }
        rules
    }

    /// How a table's rows of a figure make up the total; helplines those of their countries, where these are known or printed.
    fn wholes(&self, tables: &Tables, table: &RawTable, figure: Figure) -> Vec<Rule> {
        let part = |row: &RawRow| self.find(Some(table.by), &row.key, figure);
        let is_there = |it: &RawRow| self.find(Some(TableBy::Country), &it.key, figure).is_some();
        let is_country = |it: &&RawTable| it.by == TableBy::Country && it.rows.iter().any(is_there);
        if let Some(countries) = tables.all().find(is_country).filter(|_| table.by == TableBy::Helpline) {
            let of = |country: &RawRow| {
                let own = table.rows.iter().filter(|row| row.country.as_deref() == Some(&country.key));
                let parts = own.filter_map(part).collect::<Vec<_>>();
                let whole = self.find(Some(TableBy::Country), &country.key, figure)?;
                (!parts.is_empty()).then_some(Rule::Sum { whole, parts })
            };
            return countries.rows.iter().filter_map(of).collect();
        }
        let parts: Vec<_> = table.rows.iter().filter_map(part).collect();
        let whole = self.find(None, "", figure).filter(|_| !parts.is_empty());
        let rule = whole.map(|whole| match table.by.adds_up(figure) {
            true => Rule::Sum { whole, parts },
            false => Rule::Cover { whole, parts },
        });
        rule.into_iter().collect()
    }
}
