//! The counts of a report before it is decided which of them are printed, and the decision.

use super::content::{Cell, Place, Row, Table};
use super::suppress::{Exposed, Mark, Node, Rule, protect};
use super::template::TableBy;
use crate::figures::{Counts, Figure, Scope};
use std::collections::{BTreeMap, HashMap};

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

/// Everything that a report would say if all were printed.
#[derive(Debug, Clone)]
pub struct Tables {
    pub figures: Vec<Figure>,
    pub total: Counts,
    pub tables: Vec<RawTable>,
}

/// Which cells were published before, and as which numbers: none if they were hidden.
pub type Known = BTreeMap<Place, Vec<i64>>;

/// What was published before gives a small cell away, whatever is withheld now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what was published before would give a suppressed count away")]
pub struct Unprotectable(pub Place);

impl Tables {
    /// What is printed: the totals in the order of the figures, and the tables. Small cells are suppressed below `k`, so
    /// that not even whoever knows what was published before can work them out; `None` prints all.
    ///
    /// # Errors
    /// [`Unprotectable`].
    pub fn publish(&self, k: Option<u32>, known: &Known) -> Result<(Vec<Cell>, Vec<Table>), Unprotectable> {
        let mut graph = Graph::new(self, k.map_or(0, i64::from), known);
        if let Some(k) = k {
            let rules = graph.rules(self);
            let places = &graph.places;
            protect(&mut graph.nodes, &rules, i64::from(k)).map_err(|Exposed(at)| Unprotectable(places[at].clone()))?;
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

    fn country_rows(&self) -> Option<&RawTable> {
        self.tables.iter().find(|table| table.by == TableBy::Country)
    }
}

/// All cells that there are, and where.
struct Graph {
    nodes: Vec<Node>,
    places: Vec<Place>,
    at: HashMap<(Option<TableBy>, String, Figure), usize>,
}

impl Graph {
    fn new(tables: &Tables, k: i64, known: &Known) -> Self {
        let mut graph = Self { nodes: Vec::new(), places: Vec::new(), at: HashMap::new() };
        let mut add = |by: Option<TableBy>, key: &str, counts: &Counts| {
            let scope = by.map_or(Scope::Application, TableBy::scope);
            for figure in tables.figures.iter().copied().filter(|figure| scope.gives(*figure)) {
                let place = Place { by, key: key.to_owned(), figure };
                graph.at.insert((by, place.key.clone(), figure), graph.nodes.len());
                graph.nodes.push(Node::new(counts.get(figure), k, known.get(&place).map(Vec::as_slice)));
                graph.places.push(place);
            }
        };
        add(None, "", &tables.total);
        for table in &tables.tables {
            table.rows.iter().for_each(|row| add(Some(table.by), &row.key, &row.counts));
        }
        graph
    }

    fn find(&self, by: Option<TableBy>, key: &str, figure: Figure) -> Option<usize> {
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
        for table in &tables.tables {
            for figure in &tables.figures {
                rules.extend(self.wholes(tables, table, *figure));
            }
        }
        let rows =
            tables.tables.iter().flat_map(|table| table.rows.iter().map(|row| (Some(table.by), row.key.as_str())));
        for (by, key) in rows.chain([(None, "")]) {
            for (lesser, greater) in ORDERED {
                let pair = self.find(by, key, lesser).zip(self.find(by, key, greater));
                rules.extend(pair.map(|(lesser, greater)| Rule::Order(lesser, greater)));
            }
        }
        rules
    }

    /// How a table's rows of a figure make up the total; helplines those of their countries, where these are in the report.
    fn wholes(&self, tables: &Tables, table: &RawTable, figure: Figure) -> Vec<Rule> {
        let part = |row: &RawRow| self.find(Some(table.by), &row.key, figure);
        if let Some(countries) = tables.country_rows().filter(|_| table.by == TableBy::Helpline) {
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
