//! Attacks on suppressed reports of some months with the exact numbers of years that these months are in.
//!
//! Years of one to three months make for most of the ways to overlap that years of twelve do.

use super::super::content::{CONTENT_VERSION, Content};
use super::super::exact::Exact;
use super::super::rules::Rules;
use super::*;
use crate::period::Period;
use crate::timestamp::Timestamp;
use crate::zone::{Month, Zone};

const ALL: [&str; 5] = MONTHS;
/// Figures that no table but the months gives, as of notifications, and such as others give as well.
const OF_YEAR: [Figure; 2] = [Figure::Reach, Figure::GrossClicks];

/// Years whose numbers are published.
const YEARS: [&[Range]; 11] = [
    &[(0, 1)],
    &[(2, 3)],
    &[(0, 1), (2, 3)],
    &[(1, 2)],
    &[(0, 0), (1, 2), (3, 3)],
    &[(0, 2)],
    &[(1, 3)],
    &[(0, 0), (1, 3)],
    &[(0, 2), (3, 3)],
    &[(1, 4)],
    &[(0, 1), (2, 4)],
];

/// Months from one up to and including another, by their places.
type Range = (usize, usize);

fn content((first, last): Range, printed: Printed, suppresses: bool) -> Content {
    let month = |at: usize| ALL[at].parse::<Month>().unwrap();
    let template = serde_json::json!({"key": "t", "version": 1, "title": "", "summary": "", "law": "", "source_url": "",
        "period": "months", "is_chosen": true, "figures": [], "tables": [], "texts": [], "suppresses": suppresses,
        "is_public": false});
    Content {
        content_version: CONTENT_VERSION,
        template: serde_json::from_value(template).unwrap(),
        customer: String::new(),
        period: Period::new(month(first).first_day(), month(last).plus(1).first_day()).unwrap(),
        time_zone: Zone::UTC,
        figures: FIGURES.to_vec(),
        total: printed.0,
        tables: printed.1,
        texts: Vec::new(),
        rules: Rules::in_force(suppresses.then_some(K as u32)),
        wording: None,
        counted_at: Timestamp::from_millis(0),
        imported: None,
    }
}

/// The counts of some months.
fn within(sessions: &[Session], (first, last): Range, of: &[TableBy]) -> Tables {
    let own: Vec<_> = sessions.iter().filter(|it| (first..=last).contains(&it.month)).cloned().collect();
    let mut tables = part(&tables(&own), &FIGURES, of);
    for table in tables.tables.iter_mut().filter(|table| table.by == TableBy::Month) {
        table.rows.retain(|row| ALL[first..=last].contains(&row.key.as_str()));
    }
    tables
}

/// Years whose numbers are published, and then reports, each with its tables.
fn published(sessions: &[Session], years: &[Range], reports: &[(Range, Vec<TableBy>)]) -> Vec<(Range, Content)> {
    let exact = |year: &Range| {
        let printed = within(sessions, *year, &[]).publish(None, &Known::new(), &[]).unwrap();
        (*year, content(*year, printed, false))
    };
    let mut published: Vec<_> = years.iter().map(exact).collect();
    for (range, of) in reports {
        let own = (ALL[range.0].parse().unwrap(), ALL[range.1].parse().unwrap());
        let contents: Vec<_> = published.iter().map(|(_, content)| content).collect();
        let around = Exact::around(&contents, own);
        let mut known = Known::new();
        for (_, same) in published.iter().filter(|(it, _)| it == range) {
            same.said().into_iter().for_each(|(place, said)| known.entry(place).or_default().push(said));
        }
        // Where nothing can be hidden any more there is no report.
        let printed = within(sessions, *range, of).publish(Some(K as u32), &known, &around);
        published.extend(printed.ok().map(|printed| (*range, content(*range, printed, true))));
    }
    published
}

/// Everything that is published of a figure as sums of months.
fn sums(published: &[(Range, Content)], figure: usize) -> Vec<Equation> {
    let mut months: BTreeMap<&str, Cell> = ALL.iter().map(|month| (*month, Cell::Absent)).collect();
    for table in published.iter().flat_map(|(_, it)| &it.tables).filter(|table| table.by == TableBy::Month) {
        for row in &table.rows {
            months.extend(ALL.iter().find(|month| **month == row.key).map(|month| (*month, row.cells[figure])));
        }
    }
    let of = |range: &Range| ALL[range.0..=range.1].iter().map(|it| ((*it).to_owned(), months[it])).collect();
    let sum = |(at, (range, it)): (usize, &(Range, Content))| (of(range), (format!("total {at}"), it.total[figure]));
    let mut sums: Vec<Equation> = published.iter().enumerate().map(sum).collect();
    sums.push((of(&(0, ALL.len() - 1)), ("all".to_owned(), Cell::Absent)));
    sums
}

fn truth(sessions: &[Session], published: &[(Range, Content)], figure: Figure) -> BTreeMap<String, i64> {
    let of = |range: Range| within(sessions, range, &[]).total.get(figure);
    let mut truth: BTreeMap<_, _> = ALL.iter().enumerate().map(|(at, it)| ((*it).to_owned(), of((at, at)))).collect();
    truth.extend(published.iter().enumerate().map(|(at, (range, _))| (format!("total {at}"), of(*range))));
    truth.insert("all".to_owned(), of((0, ALL.len() - 1)));
    truth
}

/// Numbers of one or more months that follow each other, small, not printed, and worked out. Where there are several reports
/// by sums alone: two small counts of a year that come to twice k − 1 are both k − 1, and nothing hides that.
fn given_away(sessions: &[Session], published: &[(Range, Content)]) -> Vec<String> {
    let mut given_away = Vec::new();
    let is_one = published.iter().filter(|(_, content)| content.template.suppresses).count() <= 1;
    let tried =
        |sums: &[Equation], truth: &BTreeMap<String, i64>| if is_one { pinned(sums, truth) } else { Vec::new() };
    for figure in OF_YEAR {
        let at = FIGURES.iter().position(|it| *it == figure).unwrap();
        let sums = sums(published, at);
        let mut truth = truth(sessions, published, figure);
        let is_small = |truth: &BTreeMap<String, i64>, name: &str| (1..K).contains(&truth[name]);
        let solved = worked_out(&sums, |_| false).into_iter().map(|(name, _)| name);
        // Totals are ranges as well.
        let months = solved.chain(tried(&sums, &truth)).filter(|name| ALL.contains(&name.as_str()));
        // Whom a year's number already says to be so few.
        let exact = || published.iter().filter(|(_, content)| !content.template.suppresses).map(|(year, _)| *year);
        let number = |range: Range| within(sessions, range, &[]).total.get(figure);
        let is_of_year = |name: &str| {
            let around = exact().filter(|(first, last)| ALL[*first..=*last].contains(&name));
            around.into_iter().any(|year| number(year) == truth[name])
        };
        let small = months.filter(|name| is_small(&truth, name) && !is_of_year(name));
        given_away.extend(small.map(|name| format!("{} {name}", figure.name())));
        for range in (0..ALL.len()).flat_map(|from| (from + 1..ALL.len()).map(move |to| (from, to))) {
            // The same people as in numbers that laws ask for.
            let of_years =
                |is_meant: &dyn Fn(Range) -> bool| exact().filter(|it| is_meant(*it)).map(number).sum::<i64>();
            let within = of_years(&|year| range.0 <= year.0 && year.1 <= range.1);
            let around = of_years(&|year| range.0 <= year.1 && year.0 <= range.1);
            if [within, around].contains(&number(range)) {
                continue;
            }
            let parts = sums[sums.len() - 1].0[range.0..=range.1].to_vec();
            // What hidden months and others of a long year come to together is not hidden, as it is not where all is hidden.
            let is_hidden = |(_, cell): &Named| matches!(cell, Cell::Small | Cell::Withheld);
            if exact().any(|(first, last)| last - first > 1) && parts.iter().any(is_hidden) {
                continue;
            }
            let mut more = sums.clone();
            more.push((parts, ("range".to_owned(), Cell::Absent)));
            truth.insert("range".to_owned(), number(range));
            let solved = worked_out(&more, |_| false).into_iter().map(|(name, _)| name);
            if is_small(&truth, "range") && solved.chain(tried(&more, &truth)).any(|name| name == "range") {
                given_away.push(format!("{} {range:?}", figure.name()));
            }
        }
    }
    given_away
}

/// Two of the months have most of the sessions, so that others have few.
fn sessions(most: usize) -> impl Strategy<Value = Vec<Session>> {
    let busy = prop::sample::subsequence(vec![0, 1, 2, 3, 4], 2);
    busy.prop_flat_map(move |busy| {
        let moved = |(session, month): (Session, usize)| Session { month, ..session };
        let month = prop_oneof![4 => Just(busy[0]), 3 => Just(busy[1]), 1 => 0..ALL.len()];
        prop::collection::vec((super::session(), month).prop_map(moved), 1..most)
    })
}

/// One, two or three reports of months that do not overlap, in some order.
fn reports() -> impl Strategy<Value = Vec<(Range, Vec<TableBy>)>> {
    let ranges = prop::sample::select(vec![
        vec![(0, 0)],
        vec![(0, 2)],
        vec![(1, 2)],
        vec![(1, 3)],
        vec![(0, 3)],
        vec![(0, 0), (1, 3)],
        vec![(0, 0), (1, 2)],
        vec![(1, 2), (3, 3)],
        vec![(0, 0), (1, 2), (3, 3)],
        vec![(0, 0), (2, 2)],
        vec![(0, 1), (3, 3)],
        vec![(0, 1), (2, 4)],
        vec![(1, 2), (3, 4)],
        vec![(0, 2), (3, 3)],
        vec![(0, 0), (1, 1), (2, 3)],
        vec![(1, 1), (2, 2), (3, 3)],
    ]);
    let shuffled = ranges.prop_shuffle();
    let of = prop::collection::vec(prop::sample::subsequence(TableBy::ALL.to_vec(), 0..=4), 3);
    (shuffled, of).prop_map(|(ranges, of)| ranges.into_iter().zip(of).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_years_number_gives_nothing_away(
        sessions in sessions(40),
        years in prop::sample::select(YEARS.to_vec()),
        reports in reports(),
    ) {
        let published = published(&sessions, years, &reports);
        // What the laws' own numbers say is said; and two small months of one table are also so few together.
        let (by_law, reports) = published.split_at(years.len());
        let said = [given_away(&sessions, by_law), given_away(&sessions, reports)].concat();
        let others = given_away(&sessions, &published).into_iter().filter(|it| !said.contains(it));
        prop_assert_eq!(others.collect::<Vec<_>>(), Vec::<String>::new());
    }
}

/// Sessions, so many in each month, that were shown a helpline and did no more.
fn in_months(months: &[usize]) -> Vec<Session> {
    let session = |month| Session { month, shown: BTreeMap::from([(0, (1, BTreeSet::new()))]) };
    months.iter().enumerate().flat_map(|(month, sessions)| (0..*sessions).map(move |_| session(month))).collect()
}

/// The total of the last report that is published.
fn last_reach(published: &[(Range, Content)]) -> Cell {
    let reach = FIGURES.iter().position(|it| *it == Figure::Reach).unwrap();
    published.last().unwrap().1.total[reach]
}

#[test]
fn years_that_a_report_joins_are_taken_together() {
    // What follows from the reports is the last month's number, or the third one's.
    for months in [[4, 5, 8, 1], [4, 9, 1, 8]] {
        let sessions = in_months(&months);
        let reports = [((1, 2), Vec::new()), ((0, 0), Vec::new())];
        let first = published(&sessions, &[(0, 1), (2, 3)], &reports[..1]);
        assert_eq!(last_reach(&first), Cell::Count(months[1] as i64 + months[2] as i64));
        let both = published(&sessions, &[(0, 1), (2, 3)], &reports);
        assert_eq!(last_reach(&both), Cell::Withheld, "{months:?}");
        assert_eq!(given_away(&sessions, &both), Vec::<String>::new(), "{months:?}");
    }
}

#[test]
fn what_hidden_months_come_to_is_taken_off() {
    // Two hidden months of the year are 5, as 20 and 25 are printed: without the 20 of the fourth, 2 are left.
    let sessions = in_months(&[20, 2, 3, 20, 2]);
    let reports = [((0, 2), vec![TableBy::Month]), ((3, 3), Vec::new())];
    assert_eq!(last_reach(&published(&sessions, &[(1, 4)], &reports[..1])), Cell::Count(25));
    assert_eq!(last_reach(&published(&sessions, &[(1, 4)], &reports)), Cell::Withheld);
}

#[test]
fn what_says_nothing_withholds_nothing() {
    // The first year's last month may be all that the second report has beyond it, or none of it.
    let sessions = in_months(&[0, 40, 5, 20, 20]);
    let reports = [((0, 1), Vec::new()), ((2, 4), vec![TableBy::Month])];
    assert_eq!(last_reach(&published(&sessions, &[(1, 2)], &reports)), Cell::Count(45));
    // Years and reports that are large all over.
    let sessions = in_months(&[20, 30, 40, 30, 20]);
    let reports = [((1, 2), Vec::new()), ((3, 4), Vec::new())];
    assert_eq!(last_reach(&published(&sessions, &[(0, 1), (2, 3)], &reports)), Cell::Count(50));
}
