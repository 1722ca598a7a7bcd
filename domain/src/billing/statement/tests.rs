use super::*;
use crate::billing::card::{PriceTier, TermsForm, TierForm};
use crate::billing::waterfall::Intake;
use crate::figures::{Counts, Figure};
use uuid::Uuid;

fn terms() -> Terms {
    let tier = |up_to: &str, unit_price: &str| TierForm { up_to: up_to.to_owned(), unit_price: unit_price.to_owned() };
    let form = TermsForm {
        currency: "EUR".to_owned(),
        figure: "reach".to_owned(),
        included: "100".to_owned(),
        tiers: vec![tier("1000", "0.10"), tier("", "0.05")],
        base_fee: "20".to_owned(),
        minimum: "50".to_owned(),
    };
    form.check().unwrap()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// Every display in a session of its own.
fn waterfall(reach: i64) -> Waterfall {
    let mut counts = Counts::default();
    for figure in [Figure::GrossDisplays, Figure::NetDisplays, Figure::UniqueDisplays, Figure::Reach] {
        counts.add(figure, reach);
    }
    Waterfall::of(BillableFigure::Reach, Intake::default(), &counts, &Counts::default())
}

fn card(terms: Terms) -> CardUsed {
    CardUsed {
        id: RateCardId::from_uuid(Uuid::nil()),
        name: "Standard".to_owned(),
        version: 1,
        effective_from: month("2026-01"),
        terms,
    }
}

/// Issues a month at some reach, `late` being what the issued months come to by now.
fn issue(issued: &[Statement], of: &str, reach: i64, late: &[(&str, i64)]) -> Statement {
    let ledger = ledger(issued).unwrap();
    let adjusted =
        late.iter().filter_map(|(late, reach)| adjust(month(late), &ledger[&month(late)], waterfall(*reach)).unwrap());
    let (waterfall, adjustments) = (waterfall(reach), adjusted.collect::<Vec<_>>());
    let (lines, total) = lines(&terms(), &waterfall, &adjustments).unwrap();
    Statement {
        number: number(month(of), 7),
        customer_id: CustomerId::from_uuid(Uuid::nil()),
        customer_name: "Acme".to_owned(),
        month: month(of),
        time_zone: Zone::UTC,
        status: Status::Issued { issued_at: Timestamp::from_millis(0), issued_by: None },
        card: card(terms()),
        log_length: 7,
        waterfall,
        lines,
        adjustments,
        total,
    }
}

#[test]
fn late_events_are_adjusted_once_and_by_what_they_cost() {
    // 20 base fee; 100 of them free, 1,000 at 0.10.
    let mut issued = vec![issue(&[], "2026-01", 1_100, &[])];
    assert_eq!(issued[0].total.minor, 12_000);
    // 200 more of January cost 0.05 each; February is below the minimum of 50.
    issued.push(issue(&issued, "2026-02", 0, &[("2026-01", 1_300)]));
    assert_eq!((issued[1].adjustments[0].amount.minor, issued[1].total.minor), (1_000, 6_000));
    assert_eq!(issued[1].lines.last().unwrap().quantity, Some(200));
    assert_eq!(issued[1].own_total().unwrap().minor, 5_000);
    // Nothing new: no line. Less: a credit.
    issued.push(issue(&issued, "2026-03", 0, &[("2026-01", 1_300), ("2026-02", 0)]));
    assert!(issued[2].adjustments.is_empty());
    issued.push(issue(&issued, "2026-04", 100, &[("2026-01", 1_250)]));
    assert_eq!((issued[3].adjustments[0].amount.minor, issued[3].total.minor), (-250, 4_750));
    let billed = &ledger(&issued).unwrap()[&month("2026-01")];
    assert_eq!((billed.total.minor, billed.waterfall.billable), (12_750, 1_250));
}

#[test]
fn an_adjustment_that_costs_nothing_is_shown_all_the_same() {
    let issued = vec![issue(&[], "2026-01", 10, &[])];
    let next = issue(&issued, "2026-02", 0, &[("2026-01", 20)]);
    assert_eq!((next.adjustments[0].amount.minor, next.adjustments[0].after.billable), (0, 20));
    assert_eq!(next.lines.last().unwrap().description(BillableFigure::Reach), "Adjustment of January 2026");
}

#[test]
fn the_sum_of_all_statements_is_what_the_months_cost_in_the_end() {
    let mut issued = Vec::new();
    let finally = [("2026-01", 2_000), ("2026-02", 500), ("2026-03", 1_001)];
    issued.push(issue(&issued, "2026-01", 1_500, &[]));
    issued.push(issue(&issued, "2026-02", 499, &[("2026-01", 1_999)]));
    issued.push(issue(&issued, "2026-03", 1_001, &finally[..2]));
    let billed: i64 = issued.iter().map(|statement| statement.total.minor).sum();
    let cost: i64 = finally.iter().map(|(_, reach)| price(&terms(), *reach as u64).unwrap().total.minor).sum();
    assert_eq!(billed, cost);
}

#[test]
fn a_statement_survives_being_written_down() {
    let issued = vec![issue(&[], "2026-01", 1_100, &[])];
    let next = issue(&issued, "2026-02", 3, &[("2026-01", 1_300)]);
    let json = serde_json::to_string(&next).unwrap();
    assert_eq!(serde_json::from_str::<Statement>(&json).unwrap(), next);
}

#[test]
fn statements_are_due_some_days_after_the_end_of_the_customers_month() {
    let zone: Zone = "Asia/Kathmandu".parse().unwrap();
    let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
    assert_eq!(due_at(month("2026-10"), zone, 5), at("2026-11-05T18:15:00Z"));
    assert!(!has_ended(month("2026-10"), zone, at("2026-10-31T18:14:59Z")));
    assert!(has_ended(month("2026-10"), zone, at("2026-10-31T18:15:00Z")));
    assert!(has_begun(month("2026-11"), zone, at("2026-10-31T18:15:00Z")));
    assert_eq!(whole_days(month("2026-11"), zone, at("2026-11-10T18:14:00Z")), 9);
    assert_eq!(whole_days(month("2026-11"), zone, at("2027-01-10T00:00:00Z")), 30);
    assert_eq!(whole_days(month("2026-11"), zone, at("2026-10-10T00:00:00Z")), 0);
}

#[test]
fn a_forecast_goes_on_as_the_month_began() {
    let of = |days, so_far, quantity| forecast(&terms(), month("2026-11"), days, so_far, quantity).unwrap();
    assert_eq!(of(0, 0, 50), None);
    assert_eq!(of(30, 900, 900), None);
    // 1,100 in ten days are 3,300 in thirty.
    let ten = of(10, 1_100, 1_150).unwrap();
    assert_eq!((ten.quantity, ten.days), (3_300, 10));
    assert_eq!(ten.total, price(&terms(), 3_300).unwrap().total);
    // Never less than what is there already.
    assert_eq!(of(1, 10, 1_000).unwrap().quantity, 1_000);
    // Half a unit is a unit: 1 in 4 days of 30 is 7.5.
    assert_eq!(of(4, 1, 1).unwrap().quantity, 8);
}

#[test]
fn lines_say_what_they_are_for() {
    let line = |kind| Line { kind, quantity: None, unit_price: None, amount: Money::zero(terms().currency) };
    let text = |kind| line(kind).description(BillableFigure::NetClicks);
    assert_eq!(text(LineKind::Tier { tier: 1, from: 1, up_to: Some(10_000) }), "Net clicks, tier 1: 1 to 10,000");
    assert_eq!(text(LineKind::Tier { tier: 2, from: 10_001, up_to: None }), "Net clicks, tier 2: from 10,001");
    assert_eq!(text(LineKind::Tier { tier: 1, from: 1, up_to: None }), "Net clicks");
}

#[test]
fn the_terms_that_a_month_was_billed_with_price_its_adjustment() {
    let mut first = issue(&[], "2025-12", 200, &[]);
    first.card.terms.tiers = vec![PriceTier { up_to: None, unit_price: "1".parse().unwrap() }];
    // The card changed at the turn of the year: December's late events cost what December's cost.
    let next = issue(&[first], "2026-01", 0, &[("2025-12", 201)]);
    assert_eq!(next.adjustments[0].recomputed.minor, 2_000 + 10_100);
}
