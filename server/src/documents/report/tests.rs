use crate::api::reports::json::ReportJson;
use crate::api::reports::tables;
use crate::documents::sheet::{Ink, LEFT, PAGE, Place, RIGHT};
use crate::documents::{report_pages, report_pdf, text, words};
use domain::Timestamp;
use domain::figures::{CTR_DEFINITION, Counts, Figure, Scope};
use domain::ids::ReportId;
use domain::period::Period;
use domain::report::{
    CONTENT_VERSION, Cell, Content, Contribution, Imported, Known, RawRow, RawTable, Rules, TableBy, Tables, Template,
    TemplateForm, Text, TextField, Wording,
};
use domain::zone::Month;
use engine::{Body, Report, ReportStatus};
use proptest::prelude::*;

const FIGURES: [Figure; 10] = [
    Figure::GrossDisplays,
    Figure::NetDisplays,
    Figure::UniqueDisplays,
    Figure::Reach,
    Figure::Notifications,
    Figure::GrossClicks,
    Figure::NetClicks,
    Figure::AttributedClicks,
    Figure::Conversions,
    Figure::ConvertedSessions,
];

fn template(is_illustrated: bool) -> Template {
    let field = |key: &str, label: &str| TextField {
        key: key.to_owned(),
        label: label.to_owned(),
        help: String::new(),
        is_optional: true,
    };
    let form = TemplateForm {
        key: "kind".to_owned(),
        version: 7,
        title: "Yearly report".to_owned(),
        summary: String::new(),
        law: "Code of Helplines § 12".to_owned(),
        source_url: "https://law.example/12".to_owned(),
        period: "months".to_owned(),
        is_chosen: true,
        figures: FIGURES.map(|figure| figure.name().to_owned()).to_vec(),
        tables: TableBy::ALL.iter().map(|by| by.as_str().to_owned()).collect(),
        texts: vec![field("first", "What it means"), field("last", "What comes next")],
        suppresses: true,
        is_public: false,
        is_illustrated,
    };
    Template::parse(form).unwrap()
}

/// Counts of which none is the same as another, as far as that goes.
fn counts(sessions: i64) -> Counts {
    let mut counts = Counts::default();
    let of = [10, 9, 5, 4, 6, 3, 2, 2, 2, 1];
    for (figure, times) in FIGURES.into_iter().zip(of) {
        counts.add(figure, sessions * times + if sessions > 20 { times } else { 0 });
    }
    counts
}

fn raw(rows: &[(&str, &str, i64)]) -> Vec<RawRow> {
    let row = |(key, name, sessions): &(&str, &str, i64)| RawRow {
        key: (*key).to_owned(),
        name: (*name).to_owned(),
        country: None,
        counts: counts(*sessions),
    };
    rows.iter().map(row).collect()
}

/// Rows of which the smallest have 2 or 3 sessions, and what the months come to. With [`MONTHS`] and [`HELPLINES`] all tables
/// add up.
fn tables(months: &[(&str, &str, i64)], helplines: &[(&str, &str, i64)]) -> Tables {
    let methods = [("phone", "Phone", 1_217), ("sms", "Text message", 3), ("website", "Website", 498)];
    let countries = [("DE", "Germany", 1_311), ("FR", "France", 3), ("GB", "United Kingdom", 404)];
    let table = |by, rows: &[(&str, &str, i64)]| RawTable { by, rows: raw(rows) };
    let tables = vec![
        table(TableBy::Month, months),
        table(TableBy::Country, &countries),
        table(TableBy::Helpline, helplines),
        table(TableBy::ContactMethod, &methods),
    ];
    let mut total = Counts::default();
    tables[0].rows.iter().for_each(|row| total.merge(&row.counts));
    Tables { figures: FIGURES.to_vec(), total, tables, beside: Vec::new() }
}

const MONTHS: [(&str, &str, i64); 3] =
    [("2025-10", "October 2025", 912), ("2025-11", "November 2025", 2), ("2025-12", "December 2025", 804)];
const HELPLINES: [(&str, &str, i64); 3] =
    [("h1", "Lifeline", 1_311), ("h2", "خط المساعدة", 3), ("h3", "いのちの電話", 404)];

/// `k` as in [`Tables::publish`].
fn content(template: &Template, tables: &Tables, (first, last): (&str, &str), k: Option<u32>) -> Content {
    let (total, printed) = tables.publish(k, &Known::new(), &[]).unwrap();
    let month = |text: &str| text.parse::<Month>().unwrap();
    let text = |field: &TextField| Text {
        key: field.key.clone(),
        label: field.label.clone(),
        text: format!("Words of {}.\n\nA second paragraph.", field.key),
    };
    Content {
        content_version: CONTENT_VERSION,
        template: template.clone(),
        customer: "Freie Presse".to_owned(),
        period: Period::new(month(first).first_day(), month(last).plus(1).first_day()).unwrap(),
        time_zone: "Europe/Berlin".parse().unwrap(),
        figures: FIGURES.to_vec(),
        total,
        tables: printed,
        texts: template.texts.iter().map(text).collect(),
        rules: Rules::in_force(k),
        wording: None,
        counted_at: at("2026-01-05T23:30:00Z"),
        imported: Imported::of(
            &[Contribution {
                displays: 9_876,
                clicks: 1,
                first: month(first).first_day(),
                last: month(first).first_day().plus(3),
            }],
            k.unwrap_or_default(),
            &[],
        ),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn report_of(content: Content) -> Report {
    Report {
        id: ReportId::from_uuid(uuid::Uuid::nil()),
        first: content.period.from.month(),
        last: content.period.to.plus(-1).month(),
        version: 3,
        created_at: at("2026-01-05T23:30:00Z"),
        created_by: "tess@example.org".to_owned(),
        status: ReportStatus::Approved { at: at("2026-01-06T23:10:00Z"), by: "dana@example.org".to_owned() },
        body: Body { content, predecessor: None, reason: None, changes: Vec::new(), warning: None },
    }
}

fn report(is_illustrated: bool) -> Report {
    report_of(content(&template(is_illustrated), &tables(&MONTHS, &HELPLINES), ("2025-10", "2025-12"), Some(10)))
}

fn both() -> [Report; 2] {
    [report(false), report(true)]
}

/// The drawings of each page.
fn pages(report: &Report) -> Vec<Vec<(Place, Ink)>> {
    report_pages(report, &text::Faces::load().unwrap()).pages
}

/// The lines of each page, in the order in which they are drawn.
fn read(report: &Report) -> Vec<Vec<String>> {
    let said = |ink: &Ink| match ink {
        Ink::Text { line, .. } => Some(line.runs.iter().map(|run| run.text.as_str()).collect::<String>()),
        Ink::Box { .. } | Ink::Hatched { .. } => None,
    };
    pages(report).iter().map(|page| page.iter().filter_map(|(_, ink)| said(ink)).collect()).collect()
}

fn all(report: &Report) -> String {
    read(report).concat().join(" ").replace('\u{a0}', " ")
}

/// Every cell of a report.
fn cells(content: &Content) -> impl Iterator<Item = Cell> {
    let rows = content.tables.iter().flat_map(|table| table.rows.iter().flat_map(|row| row.cells.clone()));
    content.total.clone().into_iter().chain(rows)
}

/// Whatever the program would say today.
#[test]
fn a_report_is_printed_in_its_own_words() {
    for report in both() {
        let mut content = report.body.content;
        let figures: Vec<_> = (0..content.figures.len()).map(|n| format!("Old meaning {n}.")).collect();
        let (ctr, rules) = ("Old rate.".to_owned(), vec!["Old rule.".to_owned()]);
        content.wording = Some(Wording { figures: figures.clone(), ctr: ctr.clone(), rules: rules.clone() });
        let report = report_of(content);
        let json = serde_json::to_string(&ReportJson::from(&report)).unwrap();
        let csv = String::from_utf8(tables::report(&report).bytes).unwrap();
        let pdf = all(&report);
        for (file, text) in [("JSON", &json), ("CSV", &csv), ("PDF", &pdf)] {
            for words in figures.iter().chain(&rules) {
                assert!(text.contains(words), "{words} in {file}: {text}");
            }
            for words in FIGURES.iter().map(|it| it.definition()).chain([CTR_DEFINITION]) {
                assert!(!text.contains(words), "{words} in {file}");
            }
            assert!(!text.contains("Figures are counted by version"), "{file}");
        }
        assert_eq!(pdf.contains(&ctr), report.body.content.template.is_illustrated);
    }
}

#[test]
fn a_report_says_everything_that_it_holds() {
    for report in both() {
        let (content, text) = (&report.body.content, all(&report));
        for cell in cells(content).filter(|cell| *cell != Cell::Absent) {
            assert!(text.contains(&cell.text(Some(10))), "{cell:?}");
        }
        for figure in &content.figures {
            assert!(text.contains(figure.label()) && text.contains(figure.definition()), "{figure:?}");
        }
        for sentence in content.rules.sentences().into_iter().chain(content.imported_sentence()) {
            assert!(text.contains(&sentence), "{sentence}");
        }
        for row in content.tables.iter().flat_map(|table| &table.rows) {
            assert!(text.contains(&row.name), "{}", row.name);
        }
        for expected in [
            "Freie Presse",
            "October 2025 to December 2025",
            "1 October 2025 to 31 December 2025",
            "Europe/Berlin",
            "Approved on 7 January 2026, 00:10",
            "6 January 2026, 00:30, Europe/Berlin",
            "What it means Words of first. A second paragraph.",
            "Words of last.",
            "Yearly report (kind), version 7",
            "Code of Helplines § 12 Address https://law.example/12",
            "Template kind, version 7 · Counted by version",
            "<10: a count from 1 to 9.",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert!(!text.to_lowercase().contains("draft"));
    }
    let rate = report(true).body.content.total_ctr().map(words::percent).unwrap().replace('\u{a0}', " ");
    assert!(all(&report(true)).contains(&rate), "{rate}");
}

#[test]
fn what_is_suppressed_is_nowhere() {
    let tables = tables(&MONTHS, &HELPLINES);
    for report in both() {
        let content = &report.body.content;
        let text = all(&report);
        let printed: Vec<i64> = cells(content)
            .filter_map(|cell| match cell {
                Cell::Count(n) => Some(n),
                _ => None,
            })
            .collect();
        let mut hidden = Vec::new();
        for (raw, table) in tables.tables.iter().zip(&content.tables) {
            for (raw, row) in raw.rows.iter().zip(&table.rows) {
                let of = content.figures.iter().zip(&row.cells);
                let of = of.filter(|(_, cell)| matches!(cell, Cell::Small | Cell::Withheld));
                hidden.extend(of.map(|(figure, _)| raw.counts.get(*figure)));
            }
        }
        let telling: Vec<_> = hidden.iter().filter(|n| **n > 100 && !printed.contains(n)).collect();
        assert!(!telling.is_empty() && hidden.iter().any(|n| *n < 10));
        let said: Vec<&str> = text.split([' ', '(', ')']).collect();
        for number in telling {
            assert!(!said.contains(&words::count(*number).as_str()), "{number}");
        }
        assert!(text.contains("<10") && text.contains("withheld"));
    }
}

#[test]
fn cells_that_are_not_printed_are_hatched_and_all_alike() {
    let mut sizes: Vec<(i32, i32)> = Vec::new();
    for (_, ink) in pages(&report(true)).into_iter().flatten() {
        if let Ink::Hatched { width, height, .. } = ink {
            #[expect(clippy::cast_possible_truncation, reason = "points")]
            sizes.push(((width * 10.0) as i32, (height * 10.0) as i32));
        }
    }
    let count = sizes.len();
    sizes.sort_unstable();
    sizes.dedup();
    // One size of columns, and one of bars.
    assert!(count > 3 && sizes.len() <= 2, "{count}: {sizes:?}");
    assert!(all(&report(true)).contains("The size of a hatched mark says nothing."));
    assert!(pages(&report(false)).iter().flatten().all(|(_, ink)| !matches!(ink, Ink::Hatched { .. })));
}

#[test]
fn a_draft_says_that_it_is_one_on_every_page() {
    for report in both() {
        let draft = Report { status: ReportStatus::Draft, ..report };
        assert!(read(&draft).iter().all(|page| page.iter().any(|line| line == "DRAFT")));
        assert!(all(&draft).contains("Draft, not approved") && all(&draft).contains("This is a draft"));
        assert!(report_pdf(&draft).is_ok());
    }
}

#[test]
fn a_correction_says_what_it_changes() {
    let before = report(false);
    let mut after = before.clone();
    after.body.content.total[0] = Cell::Count(123_456);
    after.body.content.texts[0].text = "Other words.".to_owned();
    after.body.content.texts.pop();
    after.body.predecessor = Some(2);
    after.body.reason = Some("An application reported late.".to_owned());
    after.body.changes = after.body.content.changes_since(&before.body.content);
    let text = all(&after);
    for expected in [
        "3, which corrects version 2",
        "What this version changes of version 2 An application reported late.",
        "Gross displays, total 17,",
        "123,456",
        "What it means Before Words of first. A second paragraph. Now Other words.",
        "What comes next Before Words of last. A second paragraph. Now No text",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    after.body.changes.clear();
    assert!(all(&after).contains("Nothing that is printed has changed."));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    for report in both() {
        let pdf = report_pdf(&report).unwrap();
        assert!(pdf.starts_with(b"%PDF-1.7") && pdf.len() < 300_000, "{} bytes", pdf.len());
        assert_eq!(pdf, report_pdf(&report.clone()).unwrap());
        assert_ne!(pdf, report_pdf(&Report { version: 4, ..report }).unwrap());
    }
}

/// All text stays between the margins and above the foot.
fn check_margins(report: &Report) {
    for (place, ink) in pages(report).into_iter().flatten() {
        if let Ink::Text { x, y, line } = ink {
            assert!(x >= LEFT - 0.1 && x + line.width <= RIGHT + 0.1, "{x} + {}: {:?}", line.width, line.runs);
            assert!(place == Place::Foot || y < PAGE.1 - 66.0, "{y}: {:?}", line.runs);
        }
    }
}

#[test]
fn long_texts_and_tables_go_over_pages_without_loss() {
    let said: Vec<String> = (0..3_000).map(|at| format!("w{at:04}")).collect();
    let names: Vec<String> = (0..300).map(|at| format!("Helpline number {at:03} of all")).collect();
    let helplines: Vec<(&str, &str, i64)> = names.iter().map(|name| (name.as_str(), name.as_str(), 40)).collect();
    let keys: Vec<String> = (0..36).map(|at| "2023-01".parse::<Month>().unwrap().plus(at).to_string()).collect();
    let months: Vec<(&str, &str, i64)> = keys.iter().map(|key| (key.as_str(), key.as_str(), 350)).collect();
    for is_illustrated in [false, true] {
        let made = content(&template(is_illustrated), &tables(&months, &helplines), ("2023-01", "2025-12"), None);
        let mut long = report_of(made);
        long.body.content.texts[0].text = said.join(" ");
        long.body.content.customer = "Landesverband ".repeat(9).trim().to_owned();
        let pages = read(&long);
        for (at, page) in pages.iter().enumerate() {
            assert!(page.contains(&format!("Page {} of {}", at + 1, pages.len())));
        }
        let text = pages.concat().join(" ");
        let words: Vec<&str> = text.split(' ').filter(|word| word.starts_with('w') && word.len() == 5).collect();
        assert_eq!(words.into_iter().filter(|word| word[1..].parse::<u32>().is_ok()).collect::<Vec<_>>(), said);
        assert!(names.iter().all(|name| text.contains(name.as_str())));
        let with = |text: &str| pages.iter().filter(|page| page.iter().any(|line| line == text)).count();
        assert!(with("Helpline") > 4, "{}", with("Helpline"));
        check_margins(&long);
        assert!(report_pdf(&long).is_ok());
    }
}

#[test]
fn names_of_any_script_keep_their_letters() {
    for report in both() {
        assert!(all(&report).contains("いのちの電話 (h3)") && all(&report).contains("Some letters are not in this"));
        check_margins(&report);
        let mut report = report;
        for name in ["خط المساعدة الكويتي (Kuwait)", "קו חם", "👩\u{200d}🚒", &"W".repeat(120)]
        {
            name.clone_into(&mut report.body.content.customer);
            report.body.content.texts[0].text = format!("{name} {name}");
            check_margins(&report);
            assert!(report_pdf(&report).is_ok(), "{name}");
        }
    }
}

prop_compose! {
    fn any_cell()(kind in 0..6, number in 0_i64..1_000_000_000_000) -> Cell {
        match kind {
            0 => Cell::Small,
            1 => Cell::Withheld,
            2 => Cell::Count(0),
            _ => Cell::Count(number),
        }
    }
}

prop_compose! {
    fn any_report()(
        customer in ".{1,120}",
        names in prop::collection::vec(".{0,60}", 0..20),
        months in 1_i32..=36,
        cells in prop::collection::vec(any_cell(), 700),
        figures in prop::sample::subsequence(FIGURES.to_vec(), 1..=10),
        texts in prop::collection::vec("(.|\n){1,300}", 0..=2),
        (is_illustrated, is_draft) in any::<(bool, bool)>(),
    ) -> Report {
        let template = template(is_illustrated);
        let first: Month = "2023-01".parse().unwrap();
        let mut cells = cells.into_iter().cycle();
        let mut row = |by: Option<TableBy>, key: String, name: String| {
            let scope = by.map_or(Scope::Application, TableBy::scope);
            let cell = |figure: &Figure| if scope.gives(*figure) { cells.next().unwrap() } else { Cell::Absent };
            domain::report::Row { key, name, cells: figures.iter().map(cell).collect() }
        };
        let total = row(None, String::new(), String::new()).cells;
        let mut tables = Vec::new();
        for by in TableBy::ALL.iter().copied() {
            let keys: Vec<(String, String)> = match by {
                TableBy::Month => (0..months).map(|at| first.plus(at).to_string()).map(|key| (key.clone(), key)).collect(),
                _ => names.iter().map(|name| (name.clone(), name.clone())).collect(),
            };
            let rows = keys.into_iter().map(|(key, name)| row(Some(by), key, name)).collect();
            tables.push(domain::report::Table { by, rows });
        }
        let field = template.texts.iter().zip(texts);
        let texts = field.map(|(field, text)| Text { key: field.key.clone(), label: field.label.clone(), text }).collect();
        let content = Content {
            content_version: CONTENT_VERSION,
            customer,
            period: Period::new(first.first_day(), first.plus(months).first_day()).unwrap(),
            time_zone: "Pacific/Apia".parse().unwrap(),
            figures,
            total,
            tables,
            texts,
            rules: Rules::in_force(Some(10)),
            wording: None,
            counted_at: at("2026-01-05T23:30:00Z"),
            imported: None,
            template,
        };
        let report = report_of(content);
        if is_draft { Report { status: ReportStatus::Draft, ..report } } else { report }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_report_can_be_made(report in any_report()) {
        check_margins(&report);
        let pdf = report_pdf(&report);
        prop_assert!(pdf.is_ok(), "{:?}", pdf.err());
    }
}
