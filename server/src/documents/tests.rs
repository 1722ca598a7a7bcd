use super::*;
use domain::billing::card::{TermsForm, TierForm};
use domain::billing::statement::{adjust, forecast, lines};
use domain::billing::{Adjustment, BillableFigure, Billed, CardUsed, Status, Step, Terms, Waterfall, price};
use domain::ids::{CustomerId, RateCardId};
use domain::zone::Month;
use proptest::prelude::*;
use sheet::Ink;
use uuid::Uuid;

const FIGURE: BillableFigure = BillableFigure::Reach;

fn terms(currency: &str, tiers: &[(&str, &str)]) -> Terms {
    let tier = |(up_to, price): &(&str, &str)| TierForm { up_to: (*up_to).to_owned(), unit_price: (*price).to_owned() };
    let form = TermsForm {
        currency: currency.to_owned(),
        figure: FIGURE.as_str().to_owned(),
        included: "1000".to_owned(),
        tiers: tiers.iter().map(tier).collect(),
        base_fee: "50".to_owned(),
        minimum: "100".to_owned(),
    };
    form.check().unwrap()
}

fn waterfall(gross: i64, repeats: i64, not_unique: i64) -> Waterfall {
    Waterfall {
        figure: FIGURE,
        received: gross + 400 + 33 + 22 + 11,
        rejected: vec![("helpline_unknown".to_owned(), 287), ("timestamp_too_old".to_owned(), 113)],
        duplicates: 33,
        sandbox: 22,
        other_kind: 11,
        gross,
        repeats,
        net: gross - repeats,
        not_unique,
        billable: gross - repeats - not_unique,
    }
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn made_at() -> Timestamp {
    Timestamp::parse_rfc3339("2025-12-06T09:14:00Z").unwrap()
}

fn card(name: &str, terms: Terms) -> CardUsed {
    let (id, effective_from) = (RateCardId::from_uuid(Uuid::nil()), month("2025-06"));
    CardUsed { id, name: name.to_owned(), version: 3, effective_from, terms }
}

fn statement(name: &str, terms: &Terms, waterfall: Waterfall, adjustments: Vec<Adjustment>) -> Statement {
    let (lines, total) = lines(terms, &waterfall, &adjustments).unwrap();
    Statement {
        number: "2025-11-0001".to_owned(),
        customer_id: CustomerId::from_uuid(Uuid::nil()),
        customer_name: name.to_owned(),
        month: month("2025-11"),
        time_zone: "Europe/Berlin".parse().unwrap(),
        // In Berlin it is the 6th already.
        status: Status::Issued {
            issued_at: Timestamp::parse_rfc3339("2025-12-05T23:30:00Z").unwrap(),
            issued_by: None,
        },
        card: card(name, terms.clone()),
        log_length: 0,
        waterfall,
        lines,
        adjustments,
        total,
    }
}

fn adjustment(terms: &Terms, of: Month, before: Waterfall, after: Waterfall) -> Adjustment {
    let total = price(terms, before.quantity()).unwrap().total;
    adjust(of, &Billed { card: card("Standard", terms.clone()), waterfall: before, total }, after).unwrap().unwrap()
}

fn tiered() -> Terms {
    terms("EUR", &[("10000", "0.05"), ("50000", "0.0375"), ("", "0.012505")])
}

fn adjusted() -> Statement {
    let terms = tiered();
    let more = adjustment(&terms, month("2025-09"), waterfall(60_000, 10, 5), waterfall(60_400, 12, 6));
    let fewer = adjustment(&terms, month("2025-10"), waterfall(70_000, 10, 5), waterfall(70_000, 20, 25));
    statement("Freie Presse", &terms, waterfall(98_412, 7_392, 18_675), vec![more, fewer])
}

/// The lines on each page, in the order in which they are drawn.
fn read(statement: &Statement) -> Vec<Vec<String>> {
    let faces = text::Faces::load().unwrap();
    let said = |ink: &Ink| match ink {
        Ink::Text { line, .. } => Some(line.runs.iter().map(|run| run.text.as_str()).collect::<String>()),
        Ink::Box { .. } | Ink::Hatched { .. } => None,
    };
    let pages = pages(statement, made_at(), &faces).pages;
    pages.iter().map(|page| page.iter().filter_map(|(_, ink)| said(ink)).collect()).collect()
}

fn all(statement: &Statement) -> String {
    read(statement).concat().join("\n").replace('\u{a0}', " ")
}

#[test]
fn a_statement_says_everything_that_it_holds() {
    let statement = adjusted();
    let text = all(&statement);
    for step in Step::ALL {
        assert!(text.contains(&words::count(statement.waterfall.get(step))), "{step:?}");
        for adjustment in &statement.adjustments {
            assert!(text.contains(&words::count(adjustment.before.get(step))), "{step:?}");
            assert!(text.contains(&words::count(adjustment.after.get(step))), "{step:?}");
        }
    }
    for line in &statement.lines {
        assert!(text.contains(&line.description(FIGURE)) && text.contains(&words::amount(line.amount)), "{line:?}");
    }
    for adjustment in &statement.adjustments {
        for amount in [adjustment.billed, adjustment.recomputed, adjustment.amount] {
            assert!(text.contains(&words::money(amount).replace('\u{a0}', " ")), "{amount:?}");
        }
    }
    for expected in [
        "Issued on 6 December 2025",
        "Europe/Berlin",
        "November 2025",
        "Freie Presse, version 3, effective from June 2025",
        "0.0375",
        "0.012505",
        "timestamp_too_old",
        "287",
        "−0.38",
        "2025-11-0001 · Made on 6 December 2025 UTC",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[test]
fn a_draft_says_that_it_is_one_on_every_page() {
    let terms = tiered();
    let forecast = forecast(&terms, month("2025-11"), 14, 20_000, 21_345).unwrap();
    let draft = Statement {
        status: Status::Draft { forecast },
        ..statement("Freie Presse", &terms, waterfall(21_345, 0, 0), vec![])
    };
    assert!(read(&draft).iter().all(|page| page.iter().any(|line| line.contains("Draft"))));
    let text = all(&draft);
    assert!(text.contains("figures still change") && text.contains("42,857 units, EUR"), "{text}");
    assert!(!all(&adjusted()).to_lowercase().contains("draft"));
}

#[test]
fn long_tables_go_over_pages_and_repeat_their_headings() {
    let tiers: Vec<(String, String)> = (1..=20).map(|i| ((i * 5_000).to_string(), format!("0.{i:06}"))).collect();
    let mut tiers: Vec<(&str, &str)> = tiers.iter().map(|(up_to, price)| (up_to.as_str(), price.as_str())).collect();
    tiers[19].0 = "";
    let terms = terms("USD", &tiers);
    let of = |i| adjustment(&terms, month("2023-05").plus(i), waterfall(60_000, 10, 5), waterfall(60_100, 10, 5));
    let long = statement("Freie Presse", &terms, waterfall(200_000, 0, 0), (0..30).map(of).collect());
    let pages = read(&long);
    assert!(pages.len() > 10, "{} pages", pages.len());
    let with = |text: &str| pages.iter().filter(|page| page.iter().any(|line| line == text)).count();
    assert!(with("Unit price (USD)") >= 2);
    for (i, page) in pages.iter().enumerate() {
        let number = format!("Page {} of {}", i + 1, pages.len());
        assert!(page.contains(&number), "{number}");
    }
    assert!(statement_pdf(&long, made_at()).is_ok());
}

#[test]
fn the_same_statement_gives_the_same_bytes() {
    let statement = adjusted();
    let pdf = statement_pdf(&statement, made_at()).unwrap();
    assert!(pdf.starts_with(b"%PDF-1.7") && pdf.len() < 200_000, "{} bytes", pdf.len());
    assert_eq!(pdf, statement_pdf(&statement, made_at()).unwrap());
    assert_ne!(pdf, statement_pdf(&statement, made_at().plus(60_000)).unwrap());
}

#[test]
fn names_of_any_script_keep_their_letters() {
    for (name, is_whole) in [
        ("Ελληνική Γραμμή Βοήθειας · Горячая линия", true),
        ("خط المساعدة الكويتي (Kuwait)", true),
        ("קו חם", true),
        ("いのちの電話 Tokyo", false),
        ("👩\u{200d}🚒", false),
    ] {
        let statement = statement(name, &tiered(), waterfall(10, 0, 0), vec![]);
        let note = all(&statement).contains("Some letters of this name");
        assert_eq!(note, !is_whole, "{name}");
        assert!(statement_pdf(&statement, made_at()).is_ok(), "{name}");
    }
    assert!(all(&statement("電話", &tiered(), waterfall(10, 0, 0), vec![])).contains("電話"));
}

#[test]
fn names_of_the_greatest_length_wrap() {
    for name in ["Landesverband ".repeat(9).trim(), &"W".repeat(120)] {
        let statement = statement(name, &tiered(), waterfall(10, 0, 0), vec![]);
        let faces = text::Faces::load().unwrap();
        for (_, ink) in pages(&statement, made_at(), &faces).pages.into_iter().flatten() {
            if let Ink::Text { x, line, .. } = ink {
                assert!(x >= sheet::LEFT - 0.1 && x + line.width <= sheet::RIGHT + 0.1, "{x} + {}", line.width);
            }
        }
    }
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!(
        ["0", "-999", "1000", "-1234567.8900"].map(domain::text::grouped),
        ["0", "−999", "1,000", "−1,234,567.8900"]
    );
    let price = |text, decimals| words::price(text, decimals);
    assert_eq!((price("0.0375", 2), price("2", 2), price("0.500", 0)), ("0.0375".into(), "2.00".into(), "0.5".into()));
    assert_eq!((price("3", 0), price("1200.1", 3)), ("3".into(), "1,200.100".into()));
    let money = |code: &str, minor| words::money(domain::billing::Money { currency: code.parse().unwrap(), minor });
    assert_eq!((money("EUR", 123_450), money("JPY", -1_000)), ("EUR\u{a0}1,234.50".into(), "JPY\u{a0}−1,000".into()));
    assert_eq!(money("KWD", 5), "KWD\u{a0}0.005");
}

prop_compose! {
    fn any_waterfall()(
        figure in prop::sample::select(BillableFigure::ALL.to_vec()),
        rejected in prop::collection::vec((".{0,80}", 0_i64..1_000_000_000_000), 0..40),
        numbers in prop::array::uniform6(0_i64..1_000_000_000_000),
        not_unique in -1_000_i64..1_000,
    ) -> Waterfall {
        let [received, duplicates, sandbox, other_kind, gross, repeats] = numbers;
        let net = gross - repeats;
        let billable = net - not_unique;
        Waterfall {
            figure, received, rejected, duplicates, sandbox, other_kind, gross, repeats, net, not_unique, billable,
        }
    }
}

prop_compose! {
    fn any_statement()(
        name in ".{0,150}",
        zone in prop::sample::select(domain::Zone::names().collect::<Vec<_>>()),
        currency in prop::sample::select(vec!["EUR", "JPY", "KWD"]),
        waterfall in any_waterfall(),
        later in prop::collection::vec((any_waterfall(), any_waterfall()), 0..3),
        (is_draft, issued_at, days) in (any::<bool>(), 0_i64..4_000_000_000_000, 0_u32..31),
    ) -> Statement {
        let terms = terms(currency, &[("100", "0.05"), ("5000", "0.000001"), ("", "0.00001")]);
        let of = |(i, (before, after)): (usize, (Waterfall, Waterfall))| {
            let total = price(&terms, before.quantity()).unwrap().total;
            let billed = Billed { card: card("", terms.clone()), waterfall: before, total };
            adjust(month("2024-01").plus(i32::try_from(i).unwrap()), &billed, after).unwrap()
        };
        let adjustments = later.into_iter().enumerate().filter_map(of).collect();
        let forecast = forecast(&terms, month("2025-11"), days, 1_000, waterfall.billable).unwrap();
        let status = if is_draft {
            Status::Draft { forecast }
        } else {
            Status::Issued { issued_at: Timestamp::from_millis(issued_at), issued_by: None }
        };
        let made = statement(&name, &terms, waterfall, adjustments);
        Statement { time_zone: zone.parse().unwrap(), status, ..made }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_statement_can_be_made(statement in any_statement(), made_at in 0_i64..4_000_000_000_000) {
        let pdf = statement_pdf(&statement, Timestamp::from_millis(made_at));
        prop_assert!(pdf.is_ok(), "{:?}", pdf.err());
    }
}
