//! The parts that reports are made of.

use super::NAME_CHARS_MAX;
use crate::documents::sheet::{
    ACCENT, BODY, INK, LEFT, LINE, Role, SMALL, SOFT, STRONG, Sheet, WARNING, WARNING_SOFT, WIDTH,
};
use crate::documents::table::{Column, ROOMY, Row, Table, Weight};
use crate::documents::text::Style;
use crate::documents::words;
use domain::figures::Figure;
use domain::report::{Cell, Change, Content, TableBy, Text};
use engine::{Report, ReportStatus};

/// Where values begin beside their names, in points.
const VALUE_INDENT: f32 = 92.0;
/// Between two parts, in points.
const GAP: f32 = 18.0;
/// Most figures that a table shows side by side.
const COLUMNS_MAX: usize = 6;
/// What the names of a table's rows have at least, and what numbers take at most, in points.
const NAMES_WIDTH_MIN: f32 = 124.0;
const NUMBERS_WIDTH_MAX: f32 = 84.0;
/// Between two columns of a table, in points.
const GUTTER: f32 = 12.0;
/// Longest text that a table of changes shows side by side, in characters.
const CHANGE_CHARS_MAX: usize = 18;
/// How wide texts are set, in points: lines of more letters are hard to read.
const PROSE_WIDTH: f32 = 430.0;
const PROSE: Style = Style { size: 10.0, is_bold: false, colour: INK };
const BODY_SOFT: Style = Style { size: 9.0, is_bold: false, colour: SOFT };

/// What an approved report is.
const FIXED: &str = "Reachline. An approved report never changes: a correction is a new version.";

/// Name of the click-through rate.
pub const CTR: &str = "Click-through rate";

/// The customer, the kind of report, and the period.
pub fn title(sheet: &mut Sheet<'_>, report: &Report) {
    let content = &report.body.content;
    let customer = words::clipped(&content.customer, NAME_CHARS_MAX);
    sheet.paragraph(&customer, Style { size: 11.0, is_bold: true, colour: ACCENT });
    sheet.y += 2.0;
    let title = &content.template.title;
    sheet.bookmark(title);
    let style = Style { size: 23.0, is_bold: true, colour: INK };
    sheet.part(Role::Heading(1, title.clone()), |sheet| sheet.block(LEFT, WIDTH, title, style));
    let period = words::months(report.first, report.last);
    sheet.paragraph(&period, Style { size: 14.0, is_bold: false, colour: SOFT });
    sheet.y += 10.0;
    sheet.rule(0.8, LINE);
    sheet.y += 12.0;
}

/// Says of a draft that it is one.
pub fn draft(sheet: &mut Sheet<'_>, report: &Report) {
    if report.is_approved() {
        return;
    }
    let text = "This is a draft: it can still change, and is not to be published until somebody has approved it.";
    let style = Style { colour: WARNING, ..STRONG };
    let lines = sheet.faces.lines(text, style, WIDTH - 28.0);
    let height = lines.iter().map(|line| line.style.leading()).sum::<f32>() + 14.0;
    sheet.ornament(LEFT, sheet.y, (WIDTH, height), WARNING_SOFT);
    sheet.ornament(LEFT, sheet.y, (3.0, height), WARNING);
    let mut y = sheet.y + 7.0;
    sheet.part(Role::Paragraph, |sheet| {
        for line in lines {
            let leading = line.style.leading();
            sheet.put(LEFT + 14.0, y + line.style.size, line);
            y += leading;
        }
    });
    sheet.y += height + 12.0;
}

/// What the report is about, who stands for it, and where it comes from.
pub fn facts(sheet: &mut Sheet<'_>, report: &Report) {
    for (name, value) in facts_of(report) {
        fact(sheet, (name, &value), BODY);
    }
    sheet.y += GAP;
}

/// Names and values of what [`facts`] says.
fn facts_of(report: &Report) -> Vec<(&'static str, String)> {
    let content = &report.body.content;
    let zone = content.time_zone;
    let mut facts = vec![
        ("Customer", words::clipped(&content.customer, NAME_CHARS_MAX)),
        ("Period", days(content)),
        ("Time zone", format!("{}: days and months begin at midnight there", zone.name())),
        ("Status", status(report)),
        ("Version", version(report)),
    ];
    if !content.template.law.is_empty() {
        facts.push(("Asked for by", content.template.law.clone()));
    }
    facts
}

/// The first and the last day.
pub fn days(content: &Content) -> String {
    let (from, to) = (content.period.from, content.period.to.plus(-1));
    format!("{} to {}", words::day(from), words::day(to))
}

/// Whether the report is approved, and then when. Not by whom: regulators ask for reports without personal data.
pub fn status(report: &Report) -> String {
    match &report.status {
        ReportStatus::Draft => "Draft, not approved".to_owned(),
        ReportStatus::Approved { at, .. } => {
            format!("Approved on {}", words::instant(*at, report.body.content.time_zone))
        }
    }
}

/// The version, and the one that it corrects.
pub fn version(report: &Report) -> String {
    match report.body.predecessor {
        None => report.version.to_string(),
        Some(before) => format!("{}, which corrects version {before}", report.version),
    }
}

/// A value beside its name.
pub fn fact(sheet: &mut Sheet<'_>, (name, value): (&str, &str), style: Style) {
    sheet.room(BODY.leading());
    let top = sheet.y;
    sheet.part(Role::Paragraph, |sheet| {
        let line = sheet.faces.line(name, BODY_SOFT);
        sheet.put(LEFT, top + BODY.size, line);
        sheet.y += BODY.size - style.size;
        sheet.block(LEFT + VALUE_INDENT, WIDTH - VALUE_INDENT, value, style);
    });
    sheet.y += 2.5;
}

/// The totals, each with its definition: a few of them large.
pub fn figures(sheet: &mut Sheet<'_>, content: &Content) {
    let k = content.rules.suppress_below;
    if content.figures.len() < 3 {
        cards(sheet, "Figures", &totals(content));
        return;
    }
    let row = |(figure, cell, definition): (Figure, Cell, &str)| {
        let numbers = vec![cell.text(k)];
        Row { note: definition.to_owned(), ..Row::new(Weight::Level, figure.label(), numbers) }
    };
    let rows = content.defined().map(row).collect();
    let columns = vec![Column::new("Figure, and what it counts", 0.0), Column::new("Total", 80.0)];
    let table = Table { columns, rows, signs: 0.0, padding: ROOMY };
    sheet.heading(2, "Figures", 60.0);
    table.draw(sheet);
    sheet.y += GAP;
}

/// A number with its name and its definition.
pub struct Card<'a> {
    pub name: &'static str,
    pub value: String,
    pub definition: &'a str,
}

/// The totals, and the click-through rate where it follows from them.
pub fn all_cards(content: &Content) -> Vec<Card<'_>> {
    let mut cards = totals(content);
    let rate = content.total_ctr().map(words::percent);
    cards.extend(rate.map(|value| Card { name: CTR, value, definition: content.ctr_definition() }));
    cards
}

fn totals(content: &Content) -> Vec<Card<'_>> {
    let k = content.rules.suppress_below;
    let card =
        |(figure, cell, definition)| Card { name: Figure::label(figure), value: Cell::text(cell, k), definition };
    content.defined().map(card).collect()
}

/// Cards under a heading, two side by side.
pub fn cards(sheet: &mut Sheet<'_>, heading: &str, cards: &[Card<'_>]) {
    const BETWEEN: f32 = 20.0;
    let width = if cards.len() == 1 { WIDTH } else { (WIDTH - BETWEEN) / 2.0 };
    let number = Style { size: 20.0, is_bold: true, colour: ACCENT };
    sheet.heading(2, heading, 100.0);
    sheet.y += 4.0;
    for pair in cards.chunks(2) {
        let lines = |card: &Card<'_>| sheet.faces.lines(card.definition, SMALL, width).len();
        let most = pair.iter().map(lines).max().unwrap_or(1);
        #[expect(clippy::cast_precision_loss, reason = "a few lines")]
        let height = 10.0 + STRONG.leading() + number.leading() + SMALL.leading() * most as f32 + 12.0;
        sheet.room(height);
        let top = sheet.y;
        for (card, x) in pair.iter().zip([LEFT, LEFT + width + BETWEEN]) {
            sheet.ornament(x, top, (width, 1.2), ACCENT);
            sheet.y = top + 8.0;
            let value = sheet.faces.fitting(&card.value, number, width);
            sheet.part(Role::Paragraph, |sheet| {
                sheet.block(x, width, card.name, STRONG);
                sheet.put(x, sheet.y + number.size, value);
            });
            sheet.y += number.leading();
            sheet.part(Role::Paragraph, |sheet| sheet.block(x, width, card.definition, SMALL));
        }
        sheet.y = top + height;
    }
    sheet.y += GAP - 8.0;
}

/// A text of the customer, over as many pages as it takes.
pub fn text(sheet: &mut Sheet<'_>, text: &Text) {
    sheet.heading(2, &text.label, 40.0);
    sheet.prose(LEFT, PROSE_WIDTH, &text.text, PROSE);
    sheet.y += GAP;
}

/// What the total is broken down by.
pub fn tables(sheet: &mut Sheet<'_>, content: &Content) {
    for table in &content.tables {
        let name = match table.by {
            TableBy::Month => "month",
            TableBy::Country => "country of the helpline",
            TableBy::Helpline => "helpline",
            TableBy::ContactMethod => "contact method",
        };
        let groups = groups(content, table.by);
        let drawn: Vec<_> =
            groups.iter().map(|(title, group)| (title, breakdown(sheet, content, table, group))).collect();
        let first = drawn.first().map_or(0.0, |(_, table)| table.height(sheet));
        sheet.heading(2, &format!("By {name}"), together(first) + 20.0);
        if groups.is_empty() || table.rows.is_empty() {
            let text = if groups.is_empty() { "None of the figures is counted by it." } else { "Nothing was counted." };
            sheet.paragraph(text, BODY_SOFT);
        }
        for (title, table) in drawn.iter().filter(|_| !table.rows.is_empty()) {
            let height = table.height(sheet);
            match title {
                Some(title) => sheet.heading(3, title, together(height)),
                None => drop(sheet.room(together(height))),
            }
            table.draw(sheet);
            sheet.y += 8.0;
        }
        sheet.y += GAP - 8.0;
    }
    if !content.tables.is_empty() {
        legend(sheet, content);
        sheet.y += GAP;
    }
}

/// What of a table of this height is kept on one page: all of it, unless it is long.
fn together(height: f32) -> f32 {
    if height < Sheet::height() / 2.0 { height } else { 80.0 }
}

/// Which of the report's figures a table shows side by side: all that it gives, or displays and clicks each for themselves
/// where these are too many.
fn groups(content: &Content, by: TableBy) -> Vec<(Option<&'static str>, Vec<usize>)> {
    let is_of_displays = |at: &usize| {
        use Figure::{GrossDisplays, NetDisplays, Notifications, Reach, UniqueDisplays};
        matches!(content.figures[*at], GrossDisplays | NetDisplays | UniqueDisplays | Reach | Notifications)
    };
    let given: Vec<usize> = (0..content.figures.len()).filter(|at| by.scope().gives(content.figures[*at])).collect();
    if given.len() <= COLUMNS_MAX {
        return if given.is_empty() { Vec::new() } else { vec![(None, given)] };
    }
    let (displays, clicks): (Vec<usize>, Vec<usize>) = given.into_iter().partition(is_of_displays);
    let groups = [(Some("Displays"), displays), (Some("Clicks"), clicks)];
    groups.into_iter().filter(|(_, group)| !group.is_empty()).collect()
}

fn breakdown(sheet: &Sheet<'_>, content: &Content, table: &domain::report::Table, group: &[usize]) -> Table {
    #[expect(clippy::cast_precision_loss, reason = "a few columns")]
    let width = ((WIDTH - NAMES_WIDTH_MIN) / group.len().max(1) as f32 - GUTTER).min(NUMBERS_WIDTH_MAX);
    let columns = group.iter().map(|at| Column::new(content.figures[*at].label(), width));
    let columns = std::iter::once(Column::new(table.by.label(), 0.0)).chain(columns).collect();
    let k = content.rules.suppress_below;
    let row = |row: &domain::report::Row| {
        let numbers = group.iter().map(|at| row.cells[*at].text(k)).collect();
        // Whoever cannot read the name can look the key up.
        let is_whole = sheet.faces.line(&row.name, BODY).is_whole;
        let name = if is_whole { row.name.clone() } else { format!("{} ({})", row.name, row.key) };
        Row::new(Weight::Plain, name, numbers)
    };
    Table { columns, rows: table.rows.iter().map(row).collect(), signs: 0.0, padding: 2.6 }
}

/// How suppressed counts are printed, if any may be.
pub fn legend(sheet: &mut Sheet<'_>, content: &Content) {
    let Some(k) = content.rules.suppress_below else { return };
    let text = format!(
        "<{k}: a count from 1 to {}. withheld: not printed, as it would give one of these away. Rows are sorted by name.",
        k.saturating_sub(1)
    );
    sheet.paragraph(&text, SMALL);
}

/// What is said of counts that are in none of the figures.
pub fn imported(sheet: &mut Sheet<'_>, content: &Content) {
    let Some(sentence) = content.imported_sentence() else { return };
    sheet.heading(2, "Imported without sessions", 60.0);
    sheet.prose(LEFT, PROSE_WIDTH, &sentence, BODY);
    sheet.y += GAP;
}

/// What this version changes of the one before, and why.
pub fn changes(sheet: &mut Sheet<'_>, report: &Report) {
    let (Some(before), Some(reason)) = (report.body.predecessor, &report.body.reason) else { return };
    sheet.heading(2, &format!("What this version changes of version {before}"), 60.0);
    sheet.prose(LEFT, PROSE_WIDTH, reason, PROSE);
    let is_short = |change: &&Change| {
        [&change.before, &change.after].iter().all(|text| text.chars().count() <= CHANGE_CHARS_MAX && !text.is_empty())
    };
    let row = |change: &Change| {
        Row::new(Weight::Plain, change.what.as_str(), vec![change.before.clone(), change.after.clone()])
    };
    let rows: Vec<Row> = report.body.changes.iter().filter(is_short).map(row).collect();
    if report.body.changes.is_empty() {
        sheet.paragraph("Nothing that is printed has changed.", BODY_SOFT);
    }
    if !rows.is_empty() {
        let columns = vec![Column::new("What", 0.0), Column::new("Before", 90.0), Column::new("Now", 90.0)];
        sheet.y += 4.0;
        Table { columns, rows, signs: 0.0, padding: 2.6 }.draw(sheet);
    }
    for change in report.body.changes.iter().filter(|change| !is_short(change)) {
        sheet.y += 6.0;
        sheet.heading(3, &change.what, 40.0);
        for (name, text) in [("Before", &change.before), ("Now", &change.after)] {
            sheet.paragraph(name, SMALL);
            sheet.prose(LEFT, PROSE_WIDTH, if text.is_empty() { "No text" } else { text }, BODY);
        }
    }
    sheet.y += GAP;
}

/// The rules that figures are counted by, and where the report comes from.
pub fn method(sheet: &mut Sheet<'_>, report: &Report) {
    let content = &report.body.content;
    let template = &content.template;
    sheet.heading(2, "How it was counted", 60.0);
    for sentence in content.rule_sentences().iter() {
        sheet.part(Role::Paragraph, |sheet| sheet.block(LEFT, PROSE_WIDTH, sentence, BODY));
        sheet.y += 3.0;
    }
    sheet.y += GAP - 6.0;
    sheet.heading(2, "About this report", 60.0);
    let made = format!("{}, {}", words::instant(content.counted_at, content.time_zone), content.time_zone.name());
    let mut facts = vec![
        ("Template", format!("{} ({}), version {}", template.title, template.key, template.version), BODY),
        ("Report", format!("{}, version {}", report.id, report.version), BODY),
        ("Counted", made, BODY),
        ("Rules", format!("Version {}", content.rules.version), BODY),
        ("Made with", FIXED.to_owned(), BODY),
    ];
    if !template.law.is_empty() {
        facts.insert(1, ("Source", template.law.clone(), BODY));
        facts.insert(2, ("Address", template.source_url.clone(), BODY.sized(8.0)));
    }
    for (name, value, style) in facts {
        fact(sheet, (name, &value), style);
    }
    if !sheet.is_whole() {
        sheet.y += 4.0;
        let text = "Some letters are not in this document’s fonts. Copied as text they are complete; in tables and \
                    charts such names come with their ids.";
        sheet.paragraph(text, SMALL);
    }
}
