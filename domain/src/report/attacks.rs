//! Attacks on suppressed reports: with everything that is printed, somebody tries to work out what is not.
//!
//! The attackers know nothing of how cells are chosen, and share no code with the program that chooses them.

mod years;

use super::cells::{Known, RawRow, RawTable, Tables};
use super::content::{Cell, Place, Row, Table};
use super::suppress::Said;
use super::template::TableBy;
use crate::figures::{Counts, Figure};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const K: i64 = 4;
/// Helplines and their countries.
const HELPLINES: [(&str, &str); 5] = [("h1", "DE"), ("h2", "DE"), ("h3", "FR"), ("h4", "FR"), ("h5", "JP")];
const METHODS: [&str; 3] = ["phone", "sms", "website"];
const MONTHS: [&str; 5] = ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05"];
const FIGURES: [Figure; 6] = [
    Figure::GrossDisplays,
    Figure::UniqueDisplays,
    Figure::Reach,
    Figure::GrossClicks,
    Figure::Conversions,
    Figure::ConvertedSessions,
];

/// A session of one month: the helplines that it was shown, how often, and the methods that it used.
#[derive(Debug, Clone)]
struct Session {
    month: usize,
    shown: BTreeMap<usize, (i64, BTreeSet<usize>)>,
}

fn session() -> impl Strategy<Value = Session> {
    let clicks = prop::collection::btree_set(0..METHODS.len(), 0..2);
    // Some helplines are shown far more than others, so that there are small cells and large ones.
    let helpline = prop_oneof![5 => Just(0_usize), 3 => Just(2), 1 => 0..HELPLINES.len()];
    let shown = prop::collection::btree_map(helpline, (1_i64..3, clicks), 1..3);
    let month = prop_oneof![3 => Just(0_usize), 1 => 0..3_usize];
    (month, shown).prop_map(|(month, shown)| Session { month, shown })
}

fn sessions(most: usize) -> impl Strategy<Value = Vec<Session>> {
    prop::collection::vec(session(), 1..most)
}

/// The counts of some sessions; `countries` and `methods` narrow what is counted to a row.
fn counts(sessions: &[&Session], is_in: impl Fn(usize) -> bool, method: Option<usize>) -> Counts {
    let mut counts = Counts::default();
    for session in sessions {
        let shown: Vec<_> = session.shown.iter().filter(|(helpline, _)| is_in(**helpline)).collect();
        let used = |methods: &BTreeSet<usize>| match method {
            None => methods.len() as i64,
            Some(method) => i64::from(methods.contains(&method)),
        };
        let converted = shown.iter().filter(|(_, (_, methods))| used(methods) > 0).count() as i64;
        counts.add(Figure::Reach, i64::from(!shown.is_empty()));
        counts.add(Figure::UniqueDisplays, shown.len() as i64);
        counts.add(Figure::GrossDisplays, shown.iter().map(|(_, (times, _))| times).sum());
        counts.add(Figure::GrossClicks, shown.iter().map(|(_, (_, methods))| used(methods)).sum());
        counts.add(Figure::Conversions, converted);
        counts.add(Figure::ConvertedSessions, i64::from(converted > 0));
    }
    counts
}

fn tables(sessions: &[Session]) -> Tables {
    let all: Vec<_> = sessions.iter().collect();
    let row = |key: &str, country: Option<&str>, counts| RawRow {
        key: key.to_owned(),
        name: key.to_owned(),
        country: country.map(str::to_owned),
        counts,
    };
    let months = MONTHS.iter().enumerate().map(|(at, key)| {
        let own: Vec<_> = sessions.iter().filter(|session| session.month == at).collect();
        row(key, None, counts(&own, |_| true, None))
    });
    let countries = ["DE", "FR", "JP"].map(|key| row(key, None, counts(&all, |at| HELPLINES[at].1 == key, None)));
    let helplines = HELPLINES.iter().enumerate();
    let helplines = helplines.map(|(at, (key, country))| row(key, Some(country), counts(&all, |it| it == at, None)));
    let methods = METHODS.iter().enumerate().map(|(at, key)| row(key, None, counts(&all, |_| true, Some(at))));
    // As the count tables: what is 0 throughout has no row, but for months.
    let kept = |rows: Vec<RawRow>| rows.into_iter().filter(|row| !row.counts.is_zero()).collect::<Vec<_>>();
    let tables = vec![
        RawTable { by: TableBy::Month, rows: months.collect() },
        RawTable { by: TableBy::Country, rows: kept(countries.into()) },
        RawTable { by: TableBy::Helpline, rows: kept(helplines.collect()) },
        RawTable { by: TableBy::ContactMethod, rows: kept(methods.collect()) },
    ];
    Tables { figures: FIGURES.to_vec(), total: counts(&all, |_| true, None), tables, beside: Vec::new() }
}

/// A report of only some figures and tables.
fn part(tables: &Tables, figures: &[Figure], of: &[TableBy]) -> Tables {
    let (own, beside) = tables.tables.iter().cloned().partition(|table| of.contains(&table.by));
    Tables { figures: figures.to_vec(), total: tables.total, tables: own, beside }
}

type Printed = (Vec<Cell>, Vec<Table>);

fn publish(tables: &Tables, known: &Known) -> Printed {
    tables.publish(Some(K as u32), known, &[]).unwrap()
}

fn known(printed: &Printed) -> Known {
    known_of(printed, &FIGURES)
}

fn known_of(printed: &Printed, figures: &[Figure]) -> Known {
    let of = |by: Option<TableBy>, key: &str, cells: &[Cell]| -> Vec<(Place, Vec<Said>)> {
        let place = |figure: &Figure| Place { by, key: key.to_owned(), figure: *figure };
        let cells = figures.iter().zip(cells).filter(|(_, cell)| **cell != Cell::Absent);
        cells.map(|(figure, cell)| (place(figure), vec![Said { cell: *cell, k: K }])).collect()
    };
    let mut known: Known = of(None, "", &printed.0).into_iter().collect();
    for table in &printed.1 {
        table.rows.iter().for_each(|row| known.extend(of(Some(table.by), &row.key, &row.cells)));
    }
    known
}

/// All that several reports say together, as one with all figures and tables. What is in none of them is absent.
fn together(tables: &Tables, known: &Known) -> Printed {
    let cell = |by: Option<TableBy>, key: &str, figure: Figure| {
        let said = known.get(&Place { by, key: key.to_owned(), figure });
        let said = said.into_iter().flatten().map(|said| said.cell);
        let rank = |cell: &Cell| (matches!(cell, Cell::Count(_)), *cell == Cell::Small);
        said.max_by_key(rank).unwrap_or(Cell::Absent)
    };
    let cells = |by, key: &str| FIGURES.iter().map(|figure| cell(by, key, *figure)).collect::<Vec<_>>();
    let row = |by, row: &RawRow| Row { key: row.key.clone(), name: row.name.clone(), cells: cells(Some(by), &row.key) };
    let table = |it: &RawTable| Table { by: it.by, rows: it.rows.iter().map(|of| row(it.by, of)).collect() };
    (cells(None, ""), tables.tables.iter().map(table).collect())
}

/// A named cell as printed.
type Named = (String, Cell);
/// Parts and the whole that they make up.
type Equation = (Vec<Named>, Named);

/// A column of numbers as printed: the total and, for each table, its rows.
struct Column<'a> {
    figure: usize,
    printed: &'a Printed,
}

impl Column<'_> {
    fn rows(&self, by: TableBy) -> Vec<(&str, Cell)> {
        let table = self.printed.1.iter().find(|table| table.by == by);
        let cell = |row: &'_ Row| row.cells[self.figure];
        let rows = table.into_iter().flat_map(|table| table.rows.iter().map(move |row| (row.key.as_str(), cell(row))));
        rows.filter(|(_, cell)| *cell != Cell::Absent).collect()
    }

    /// Every sum that a reader may take to hold: names of the parts and of the whole.
    fn sums(&self) -> Vec<Equation> {
        let figure = FIGURES[self.figure];
        let total = ("total".to_owned(), self.printed.0[self.figure]);
        let named = |by: TableBy, rows: Vec<(&str, Cell)>| -> Vec<Named> {
            rows.into_iter().map(|(key, cell)| (format!("{} {key}", by.as_str()), cell)).collect()
        };
        let mut sums = vec![(named(TableBy::Month, self.rows(TableBy::Month)), total.clone())];
        if !matches!(figure, Figure::Reach | Figure::ConvertedSessions) {
            sums.push((named(TableBy::Country, self.rows(TableBy::Country)), total.clone()));
            sums.push((named(TableBy::Helpline, self.rows(TableBy::Helpline)), total.clone()));
            for (country, cell) in self.rows(TableBy::Country) {
                let of = |key: &str| HELPLINES.iter().any(|(helpline, at)| *helpline == key && *at == country);
                let own = self.rows(TableBy::Helpline).into_iter().filter(|(key, _)| of(key)).collect();
                sums.push((named(TableBy::Helpline, own), (format!("country {country}"), cell)));
            }
        }
        if figure == Figure::GrossClicks {
            sums.push((named(TableBy::ContactMethod, self.rows(TableBy::ContactMethod)), total));
        }
        // Of tables that are not printed there is nothing to add up.
        sums.retain(|(parts, whole)| !parts.is_empty() && whole.1 != Cell::Absent);
        sums
    }
}

const P: i128 = (1 << 61) - 1;

fn inverse(n: i128) -> i128 {
    let (mut base, mut exponent, mut power) = (n, P - 2, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = power * base % P;
        }
        base = base * base % P;
        exponent >>= 1;
    }
    power
}

/// The unknowns that a system of equations leaves no choice for, by Gaussian elimination: whatever combination of sums and
/// differences gives a cell away, this finds it.
fn solved(equations: &[BTreeMap<usize, i128>], unknowns: usize) -> Vec<usize> {
    let dense = |row: &BTreeMap<usize, i128>| {
        (0..unknowns).map(|at| row.get(&at).copied().unwrap_or(0).rem_euclid(P)).collect::<Vec<_>>()
    };
    let mut rows: Vec<Vec<i128>> = equations.iter().map(dense).collect();
    let mut done = 0;
    for column in 0..unknowns {
        let Some(pivot) = (done..rows.len()).find(|row| rows[*row][column] != 0) else { continue };
        rows.swap(done, pivot);
        let scale = inverse(rows[done][column]);
        rows[done].iter_mut().for_each(|n| *n = *n * scale % P);
        for other in (0..rows.len()).filter(|row| *row != done) {
            let times = rows[other][column];
            if times != 0 {
                let pivot = rows[done].clone();
                rows[other].iter_mut().zip(pivot).for_each(|(n, p)| *n = (*n - times * p % P).rem_euclid(P));
            }
        }
        done += 1;
    }
    let alone = |row: &Vec<i128>| {
        let mut used = row.iter().enumerate().filter(|(_, n)| **n != 0).map(|(at, _)| at);
        used.next().filter(|_| used.next().is_none())
    };
    rows.iter().filter_map(alone).collect()
}

/// Hidden cells that sums and differences give away, where `told` are those whose number is known from elsewhere.
fn worked_out(sums: &[Equation], told: impl Fn(&str) -> bool) -> Vec<Named> {
    let mut unknown: Vec<Named> = Vec::new();
    let mut equations = Vec::new();
    for (parts, whole) in sums {
        let mut equation = BTreeMap::new();
        for (named, sign) in parts.iter().map(|part| (part, 1)).chain([(whole, -1)]) {
            if matches!(named.1, Cell::Count(_)) || told(&named.0) {
                continue;
            }
            let at = unknown.iter().position(|it| it.0 == named.0).unwrap_or_else(|| {
                unknown.push(named.clone());
                unknown.len() - 1
            });
            *equation.entry(at).or_insert(0) += sign;
        }
        equations.push(equation);
    }
    solved(&equations, unknown.len()).into_iter().map(|at| unknown[at].clone()).collect()
}

/// Small cells that sums and differences give away.
fn by_sums(printed: &Printed, told: impl Fn(&str, Figure) -> bool) -> Vec<String> {
    let mut given_away = Vec::new();
    for (figure, of) in FIGURES.into_iter().enumerate() {
        let found = worked_out(&Column { figure, printed }.sums(), |name| told(name, of));
        let small = found.into_iter().filter(|(_, cell)| *cell == Cell::Small);
        given_away.extend(small.map(|(name, _)| format!("{} {name}", of.name())));
    }
    given_away
}

/// Small cells for which no other number fits what is printed of their figure.
fn by_trying(printed: &Printed, truth: &BTreeMap<String, i64>, figure: usize) -> Vec<String> {
    let pinned = pinned(&Column { figure, printed }.sums(), truth);
    pinned.into_iter().map(|name| format!("{} {name}", FIGURES[figure].name())).collect()
}

/// Small cells for which no other number fits, by trying. Unlike [`worked_out`], this attacker knows that small cells are
/// from 1 to k − 1, and of withheld ones whether they are at least k; of those that are printed nowhere nothing.
fn pinned(sums: &[Equation], truth: &BTreeMap<String, i64>) -> Vec<String> {
    let mut cells: BTreeMap<String, Cell> = BTreeMap::new();
    for (parts, whole) in sums {
        cells.extend(parts.iter().chain([whole]).cloned());
    }
    let hidden: Vec<&String> =
        cells.iter().filter(|(_, it)| !matches!(it, Cell::Count(_))).map(|(name, _)| name).collect();
    let allowed = |name: &str, value: i64| match cells[name] {
        Cell::Small => (1..K).contains(&value),
        Cell::Withheld if truth[name] >= K => value >= K,
        Cell::Withheld | Cell::Absent => value >= 0,
        Cell::Count(n) => n == value,
    };
    let fits = |moved: &BTreeMap<&str, i64>, is_whole_known: usize| {
        sums.iter().all(|(parts, whole)| {
            let is_open = parts.iter().chain([whole]).any(|(name, _)| hidden[is_whole_known..].contains(&name));
            let change = |name: &String| moved.get(name.as_str()).copied().unwrap_or(0);
            is_open || parts.iter().map(|(name, _)| change(name)).sum::<i64>() == change(&whole.0)
        })
    };
    fn search<'a>(
        at: usize,
        hidden: &[&'a String],
        moved: &mut BTreeMap<&'a str, i64>,
        target: &str,
        allowed: &dyn Fn(&str, i64) -> bool,
        fits: &dyn Fn(&BTreeMap<&str, i64>, usize) -> bool,
    ) -> bool {
        if !fits(moved, at) {
            return false;
        }
        let Some(name) = hidden.get(at) else { return true };
        let steps: &[i64] = if *name == target { &[1, -1] } else { &[0, 1, -1] };
        for step in steps {
            if allowed(name, *step) {
                moved.insert(name, *step);
                if search(at + 1, hidden, moved, target, allowed, fits) {
                    return true;
                }
                moved.remove(name.as_str());
            }
        }
        false
    }
    let steps_to = |name: &str, step: i64| allowed(name, truth[name] + step);
    let small = hidden.iter().filter(|name| truth[name.as_str()] < K);
    small
        .filter(|name| !search(0, &hidden, &mut BTreeMap::new(), name, &steps_to, &fits))
        .map(|it| (*it).clone())
        .collect()
}

/// Figures and tables of two or three reports.
fn parts() -> impl Strategy<Value = Vec<(Vec<Figure>, Vec<TableBy>)>> {
    let figures = prop::sample::subsequence(FIGURES.to_vec(), 1..=FIGURES.len());
    let tables = prop::sample::subsequence(TableBy::ALL.to_vec(), 0..=TableBy::ALL.len());
    prop::collection::vec((figures, tables), 2..=3)
}

fn truth(tables: &Tables, figure: Figure) -> BTreeMap<String, i64> {
    let mut truth = BTreeMap::from([("total".to_owned(), tables.total.get(figure))]);
    for table in &tables.tables {
        let named = |row: &RawRow| (format!("{} {}", table.by.as_str(), row.key), row.counts.get(figure));
        truth.extend(table.rows.iter().map(named));
    }
    truth
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_small_cell_follows_from_sums(sessions in sessions(40)) {
        let tables = tables(&sessions);
        let printed = publish(&tables, &Known::new());
        prop_assert_eq!(by_sums(&printed, |_, _| false), Vec::<String>::new());
    }

    #[test]
    fn more_than_one_number_fits_every_small_cell(sessions in sessions(25)) {
        let tables = tables(&sessions);
        let printed = publish(&tables, &Known::new());
        for (at, figure) in FIGURES.into_iter().enumerate() {
            prop_assert_eq!(by_trying(&printed, &truth(&tables, figure), at), Vec::<String>::new());
        }
    }

    #[test]
    fn a_correction_gives_nothing_away(sessions in sessions(40), late in sessions(6)) {
        let first = tables(&sessions);
        let before = publish(&first, &Known::new());
        let all: Vec<_> = sessions.into_iter().chain(late).collect();
        let second = tables(&all);
        // What was published may leave no way to hide a cell: then nothing is published.
        let Ok(after) = second.publish(Some(K as u32), &known(&before), &[]) else { return Ok(()) };
        // Whoever takes what has not changed from the other version.
        let (old, new) = (known(&before), known(&after));
        let name = |place: &Place| match place.by {
            None => "total".to_owned(),
            Some(by) => format!("{} {}", by.as_str(), place.key),
        };
        let number = |said: &Said| if let Cell::Count(n) = said.cell { Some(n) } else { None };
        let told = |by: &Known, at: &str, figure: Figure| {
            let is_shown = |(place, said): (&Place, &Vec<Said>)| {
                said.iter().any(|it| number(it).is_some()) && place.figure == figure && name(place) == at
            };
            let is_shown = by.iter().any(is_shown);
            is_shown && truth(&first, figure).get(at) == truth(&second, figure).get(at)
        };
        prop_assert_eq!(by_sums(&before, |at, figure| told(&new, at, figure)), Vec::<String>::new());
        prop_assert_eq!(by_sums(&after, |at, figure| told(&old, at, figure)), Vec::<String>::new());
        // What has become small since is not printed, whatever was printed of it before.
        for (place, said) in &new {
            let small = said.iter().filter_map(number).find(|n| (1..K).contains(n));
            let before: Vec<_> = old.get(place).into_iter().flatten().filter_map(number).collect();
            prop_assert!(small.is_none_or(|n| before.contains(&n)), "{place:?}: {said:?} after {before:?}");
        }
    }

    #[test]
    fn several_reports_of_the_same_months_give_nothing_away(sessions in sessions(30), parts in parts()) {
        let tables = tables(&sessions);
        let mut known = Known::new();
        for (figures, of) in &parts {
            // Where nothing can be hidden any more there is no report.
            let Ok(printed) = part(&tables, figures, of).publish(Some(K as u32), &known, &[]) else { continue };
            for (place, said) in known_of(&printed, figures) {
                known.entry(place).or_default().extend(said);
            }
        }
        let printed = together(&tables, &known);
        prop_assert_eq!(by_sums(&printed, |_, _| false), Vec::<String>::new());
        for (at, figure) in FIGURES.into_iter().enumerate() {
            prop_assert_eq!(by_trying(&printed, &truth(&tables, figure), at), Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_printed_is_true(sessions in sessions(40)) {
        let tables = tables(&sessions);
        let (total, printed) = publish(&tables, &Known::new());
        for (at, figure) in FIGURES.into_iter().enumerate() {
            let truth = truth(&tables, figure);
            let rows = printed.iter().flat_map(|table| {
                table.rows.iter().map(|row| (format!("{} {}", table.by.as_str(), row.key), row.cells[at]))
            });
            for (name, cell) in rows.chain([("total".to_owned(), total[at])]) {
                match cell {
                    Cell::Count(n) => prop_assert_eq!(n, truth[&name]),
                    Cell::Small => prop_assert!((1..K).contains(&truth[&name])),
                    Cell::Withheld => prop_assert!(truth[&name] >= 1),
                    Cell::Absent => {}
                }
            }
        }
    }
}
