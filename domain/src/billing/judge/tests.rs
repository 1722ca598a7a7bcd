use super::*;
use crate::billing::waterfall::{Intake, Waterfall};
use crate::event::ContactMethod;
use crate::figures::{Counts, Scope};
use crate::helpline::CountryCode;
use crate::ids::HelplineNo;
use crate::metering::{Counter, Grain, Tally, measure};
use proptest::prelude::*;

fn zone() -> Zone {
    "Asia/Kathmandu".parse().unwrap()
}

/// An instant, in milliseconds from the turn of October to November 2026 in that zone.
fn at(millis: i64) -> Timestamp {
    zone().day_start("2026-11-01".parse().unwrap()).plus(millis)
}

fn display(helpline: u32, millis: i64) -> Entry {
    Entry { helpline: HelplineNo(helpline), action: Action::Display, at: at(millis) }
}

fn judged(entries: &[Entry], figure: BillableFigure) -> Vec<Judgement> {
    let mut sorted = entries.to_vec();
    sorted.sort_unstable();
    judge(&sorted, figure, zone())
}

fn outcomes(entries: &[Entry], figure: BillableFigure) -> Vec<Step> {
    judged(entries, figure).into_iter().map(Judgement::outcome).collect()
}

#[test]
fn of_a_burst_the_last_is_billed_and_says_what_the_others_repeat() {
    let entries = [display(1, 0), display(1, 20_000), display(1, 50_000), display(1, 80_001)];
    let reach = judged(&entries, BillableFigure::Reach);
    assert_eq!(
        reach.iter().map(|judged| judged.outcome()).collect::<Vec<_>>(),
        [Step::Repeats, Step::Repeats, Step::Billable, Step::NotUnique]
    );
    assert_eq!(reach[0].because_of, Some(at(20_000)));
    assert_eq!(reach[3].because_of, Some(at(0)));
    assert_eq!(
        outcomes(&entries, BillableFigure::NetDisplays),
        [Step::Repeats, Step::Repeats, Step::Billable, Step::Billable]
    );
}

#[test]
fn a_card_of_helplines_is_one_session_and_one_referral() {
    let card = [display(1, 0), display(2, 0), display(3, 9_000)];
    assert_eq!(outcomes(&card, BillableFigure::Reach), [Step::Billable, Step::NotUnique, Step::NotUnique]);
    assert_eq!(outcomes(&card, BillableFigure::UniqueDisplays), [Step::Billable; 3]);
    assert_eq!(outcomes(&card, BillableFigure::Notifications), [Step::Billable, Step::Repeats, Step::Repeats]);
    assert_eq!(outcomes(&card, BillableFigure::NetClicks), [Step::OtherKind; 3]);
}

#[test]
fn a_burst_over_the_turn_of_the_month_is_billed_in_both() {
    let burst = judged(&[display(1, -10_000), display(1, -5_000), display(1, 5_000)], BillableFigure::Reach);
    let billed: Vec<bool> = burst.iter().map(|judged| judged.is_billed).collect();
    assert_eq!(billed, [false, true, true]);
    assert!(burst[1].is_in(Step::Repeats) && burst[1].is_in(Step::Billable));
}

/// What the metering rules count for a month of these sessions.
fn waterfall(sessions: &[Vec<Entry>], figure: BillableFigure, month: Month) -> Waterfall {
    let countries = |_: HelplineNo| "DE".parse::<CountryCode>().unwrap();
    let mut tally = Tally::new(zone());
    for session in sessions {
        measure(session, &countries, &mut Counter::plus(&mut tally));
    }
    let mut counts = Counts::default();
    for (cell, more) in tally.into_cells(&countries) {
        if cell.scope == Scope::Application && cell.grain == Grain::Month && cell.bucket == i64::from(month.0) {
            counts.merge(&more);
        }
    }
    Waterfall::of(figure, Intake::default(), &counts, &Counts::default())
}

prop_compose! {
    fn any_session()(
        steps in prop::collection::vec(
            (prop::sample::select(vec![0_i64, 1, 500, 9_999, 10_000, 10_001, 29_999, 30_000, 30_001, 3_600_000, 90_000_000]),
             1_u32..4, 0_usize..6),
            1..12,
        ),
        start in prop::sample::select(vec![-90_000_000_i64, -40_000, -1, 0, 5_000]),
    ) -> Vec<Entry> {
        let mut millis = start;
        let mut entries: Vec<Entry> = steps.into_iter().map(|(step, helpline, kind)| {
            millis += step;
            let action = match kind {
                0 => Action::Click(ContactMethod::Phone),
                1 => Action::Click(ContactMethod::Sms),
                _ => Action::Display,
            };
            Entry { action, ..display(helpline, millis) }
        }).collect();
        entries.sort_unstable();
        entries.dedup();
        entries
    }
}

proptest! {
    #[test]
    fn as_many_events_are_listed_as_the_waterfall_says(sessions in prop::collection::vec(any_session(), 1..6)) {
        for figure in BillableFigure::ALL.iter().copied() {
            for month in ["2026-10", "2026-11", "2026-12"].map(|text| text.parse::<Month>().unwrap()) {
                let waterfall = waterfall(&sessions, figure, month);
                prop_assert!(waterfall.adds_up());
                let mut listed = std::collections::BTreeMap::new();
                let mut over_the_turn = 0;
                for session in &sessions {
                    for (entry, judgement) in session.iter().zip(judge(session, figure, zone())) {
                        if zone().day(entry.at).month() != month {
                            continue;
                        }
                        for step in Step::ALL.into_iter().filter(|step| judgement.is_in(*step)) {
                            *listed.entry(step).or_insert(0_i64) += 1;
                        }
                        over_the_turn += i64::from(judgement.is_billed && !judgement.is_kept);
                    }
                }
                let listed = |step: Step| listed.get(&step).copied().unwrap_or(0);
                for step in [Step::OtherKind, Step::Gross, Step::Repeats, Step::Net, Step::Billable] {
                    prop_assert_eq!(listed(step), waterfall.get(step), "{:?} {:?} {}", figure, step, month);
                }
                prop_assert_eq!(listed(Step::NotUnique), waterfall.not_unique + over_the_turn);
            }
        }
    }

    #[test]
    fn clicks_are_attributed_as_they_are_counted(session in any_session()) {
        let attributed = judge(&session, BillableFigure::NetClicks, zone());
        let attributed = attributed.iter().filter(|judged| judged.attributed == Some(true)).count();
        let countries = |_: HelplineNo| "DE".parse::<CountryCode>().unwrap();
        let mut tally = Tally::new(zone());
        measure(&session, &countries, &mut Counter::plus(&mut tally));
        let of_total = |(cell, counts): (crate::metering::Cell, Counts)| {
            let is_total = cell.scope == Scope::Application && cell.grain == Grain::Month;
            is_total.then(|| counts.get(crate::figures::Figure::AttributedClicks))
        };
        let counted: i64 = tally.into_cells(&countries).into_iter().filter_map(of_total).sum();
        prop_assert_eq!(i64::try_from(attributed).unwrap(), counted);
    }
}
