//! The bill: whose it is, what it comes to, what it is priced with, and its lines.

use super::file::About;
use super::sheet::{
    ACCENT, BODY, Frame, INK, LEFT, LINE, RIGHT, Role, SMALL, SOFT, STRONG, Sheet, WARNING, WARNING_SOFT, WIDTH,
};
use super::table::{Column, ROOMY, Row, Table, Weight};
use super::text::Style;
use super::words;
use domain::billing::{Forecast, Line, LineKind, Statement, Status, Terms};
use domain::{Timestamp, Zone};

/// Longest name, in characters; the product lets in fewer.
const NAME_CHARS_MAX: usize = 200;
/// How a statement can be checked.
const CHECK: &str = "Every figure follows from events that can be listed in Reachline, and `reachline statement recompute` counts them again.";
/// Said of a name that is drawn with replacements.
const INCOMPLETE: &str = "Some letters of this name are not in this document's fonts. Copied as text, it is complete.";
/// Where the customer's column begins, and how wide both are, in points.
const CUSTOMER_X: f32 = LEFT + 265.0;
const FACTS_WIDTH: f32 = 240.0;
/// Where values begin beside their names, in points.
const VALUE_INDENT: f32 = 78.0;

/// What frames every page.
#[must_use]
pub fn frame(statement: &Statement, made_at: Timestamp) -> Frame {
    let draft = if statement.is_issued() { "" } else { " · Draft" };
    let made_on = words::day(Zone::UTC.day(made_at));
    let number = words::clipped(&statement.number, NAME_CHARS_MAX);
    Frame {
        head: [
            format!("Statement {number} · {}{draft}", words::month(statement.month)),
            words::clipped(&statement.customer_name, NAME_CHARS_MAX),
        ],
        foot: format!("{number}{draft} · Made on {made_on} UTC"),
        note: CHECK.to_owned(),
        mark: None,
    }
}

/// What the file says of itself.
#[must_use]
pub fn about(statement: &Statement) -> About {
    let plain = |text: &str| words::plain(&words::clipped(text, NAME_CHARS_MAX));
    let (number, name) = (plain(&statement.number), plain(&statement.customer_name));
    let draft = if statement.is_issued() { "" } else { " (draft)" };
    let month = words::month(statement.month);
    About {
        title: format!("Statement {number}{draft}, {name}"),
        subject: format!("What {name} owes for {month}: {}", words::money(statement.total)),
    }
}

/// Writes the bill.
pub fn write(sheet: &mut Sheet<'_>, statement: &Statement) {
    title(sheet, statement);
    facts(sheet, statement);
    if let Status::Draft { forecast } = &statement.status {
        draft(sheet, forecast.as_ref());
    }
    total(sheet, statement);
    card(sheet, statement);
    lines(sheet, statement);
}

fn title(sheet: &mut Sheet<'_>, statement: &Statement) {
    let style = Style { size: 24.0, is_bold: true, colour: INK };
    let baseline = sheet.y + style.size;
    let line = sheet.faces.line("Statement", style);
    let right = LEFT + line.width;
    sheet.bookmark("Statement");
    sheet.part(Role::Heading(1, "Statement".to_owned()), |sheet| sheet.put(LEFT, baseline, line));
    if !statement.is_issued() {
        let style = Style { size: 10.0, is_bold: true, colour: WARNING };
        let line = sheet.faces.line("DRAFT", style);
        sheet.ornament(right + 14.0, baseline - 13.5, (line.width + 16.0, 17.0), WARNING_SOFT);
        sheet.part(Role::Paragraph, |sheet| sheet.put(right + 22.0, baseline - 1.4, line));
    }
    let name = sheet.faces.line("Reachline", Style { size: 13.0, is_bold: true, colour: ACCENT });
    sheet.part(Role::Paragraph, |sheet| sheet.put_right(RIGHT, baseline, name));
    sheet.y = baseline + 24.0;
}

/// Number, month, zone and status at the left, the customer at the right.
fn facts(sheet: &mut Sheet<'_>, statement: &Statement) {
    let top = sheet.y;
    let status = match &statement.status {
        Status::Draft { .. } => "Draft: figures still change".to_owned(),
        Status::Issued { issued_at, .. } => format!("Issued on {}", words::day(statement.time_zone.day(*issued_at))),
    };
    let facts = [
        ("Number", words::clipped(&statement.number, NAME_CHARS_MAX)),
        ("Month", words::month(statement.month)),
        ("Time zone", statement.time_zone.name().to_owned()),
        ("Status", status),
    ];
    for (name, value) in facts {
        fact(sheet, name, &value, FACTS_WIDTH);
    }
    let bottom = sheet.y;
    sheet.y = top;
    sheet.label(CUSTOMER_X, sheet.y + BODY.size, "Customer", BODY_SOFT);
    sheet.y += BODY.leading() + 1.5;
    let name = words::clipped(&statement.customer_name, NAME_CHARS_MAX);
    let width = RIGHT - CUSTOMER_X;
    let is_whole = sheet.faces.line(&name, NAME).is_whole;
    sheet.part(Role::Paragraph, |sheet| sheet.block(CUSTOMER_X, width, &name, NAME));
    if !is_whole {
        sheet.y += 1.0;
        sheet.part(Role::Paragraph, |sheet| sheet.block(CUSTOMER_X, width, INCOMPLETE, SMALL));
    }
    sheet.y += 1.0;
    let id = format!("Customer id {}", statement.customer_id);
    sheet.part(Role::Paragraph, |sheet| sheet.block(CUSTOMER_X, width, &id, SMALL));
    sheet.y = sheet.y.max(bottom) + 14.0;
}

const BODY_SOFT: Style = Style { size: 9.0, is_bold: false, colour: SOFT };
const NAME: Style = Style { size: 11.0, is_bold: true, colour: INK };

/// A value beside its name.
fn fact(sheet: &mut Sheet<'_>, name: &str, value: &str, width: f32) {
    let top = sheet.y;
    sheet.part(Role::Paragraph, |sheet| {
        let line = sheet.faces.line(name, BODY_SOFT);
        sheet.put(LEFT, top + BODY.size, line);
        sheet.block(LEFT + VALUE_INDENT, width - VALUE_INDENT, value, BODY);
    });
    sheet.y += 2.5;
}

/// That nothing here is final, and what the month will come to.
fn draft(sheet: &mut Sheet<'_>, forecast: Option<&Forecast>) {
    let warning = Style { colour: WARNING, ..STRONG };
    let mut texts = vec![("This is a draft: figures still change until the statement is issued.".to_owned(), warning)];
    if let Some(forecast) = forecast {
        let (quantity, total) = (words::count(forecast.quantity), words::money(forecast.total));
        let days = if forecast.days == 1 { "day".to_owned() } else { format!("{} days", forecast.days) };
        let text =
            format!("Forecast of the whole month: {quantity} units, {total}, if it goes on like the first {days}.");
        texts.push((text, Style { is_bold: false, ..warning }));
    }
    let width = WIDTH - 24.0;
    let lines: Vec<_> = texts.iter().flat_map(|(text, style)| sheet.faces.lines(text, *style, width)).collect();
    let height = lines.iter().map(|line| line.style.leading()).sum::<f32>() + 16.0;
    sheet.ornament(LEFT, sheet.y, (WIDTH, height), WARNING_SOFT);
    sheet.ornament(LEFT, sheet.y, (3.0, height), WARNING);
    let mut y = sheet.y + 8.0;
    sheet.part(Role::Paragraph, |sheet| {
        for line in lines {
            let leading = line.style.leading();
            sheet.put(LEFT + 14.0, y + line.style.size, line);
            y += leading;
        }
    });
    sheet.y += height + 14.0;
}

fn total(sheet: &mut Sheet<'_>, statement: &Statement) {
    sheet.rule(0.8, LINE);
    sheet.y += 14.0;
    let until_now = if statement.is_issued() { "" } else { " until now" };
    sheet.paragraph(&format!("Total of {}{until_now}", words::month(statement.month)), BODY_SOFT);
    let style = Style { size: 26.0, is_bold: true, colour: ACCENT };
    let line = sheet.faces.fitting(&words::money(statement.total), style, WIDTH);
    sheet.y += style.size;
    sheet.part(Role::Paragraph, |sheet| sheet.put(LEFT, sheet.y, line));
    sheet.y += 18.0;
    sheet.rule(0.8, LINE);
    sheet.y += 20.0;
}

/// What the statement is priced with.
fn card(sheet: &mut Sheet<'_>, statement: &Statement) {
    let card = &statement.card;
    sheet.heading(2, "Rate card", 60.0);
    let name = words::clipped(&card.name, NAME_CHARS_MAX);
    let from = words::month(card.effective_from);
    fact(sheet, "Name", &format!("{name}, version {}, effective from {from}", card.version), WIDTH);
    if !sheet.faces.line(&name, BODY).is_whole {
        sheet.part(Role::Paragraph, |sheet| sheet.block(LEFT + VALUE_INDENT, WIDTH - VALUE_INDENT, INCOMPLETE, SMALL));
        sheet.y += 2.5;
    }
    let figure = card.terms.figure.figure();
    fact(sheet, "Billed", &format!("{}. {}", figure.label(), figure.definition()), WIDTH);
    let terms = terms(&card.terms);
    if !terms.is_empty() {
        fact(sheet, "Each month", &terms, WIDTH);
    }
    sheet.y += 16.0;
}

/// What a card says beside its tiers.
fn terms(terms: &Terms) -> String {
    let mut said = Vec::new();
    if terms.base_fee != 0 {
        said.push(format!("Base fee {}", words::money(terms.base_fee())));
    }
    if terms.included != 0 {
        said.push(format!("{} units included", words::count(terms.included)));
    }
    if terms.minimum != 0 {
        said.push(format!("minimum {}", words::money(terms.minimum())));
    }
    said.join(", ")
}

fn lines(sheet: &mut Sheet<'_>, statement: &Statement) {
    let currency = statement.total.currency;
    let row = |line: &Line| {
        let is_for_units = !matches!(line.kind, LineKind::BaseFee | LineKind::MinimumTopUp);
        let quantity = line.quantity.filter(|_| is_for_units).map(words::count).unwrap_or_default();
        let price = line.unit_price.map(|price| words::price(&price.to_string(), currency.decimals()));
        let numbers = vec![quantity, price.unwrap_or_default(), words::amount(line.amount)];
        Row::new(Weight::Plain, line.description(statement.card.terms.figure), numbers)
    };
    let mut rows: Vec<Row> = statement.lines.iter().map(row).collect();
    if rows.is_empty() {
        rows.push(Row::new(Weight::Plain, "Nothing to bill", vec![String::new(); 3]));
    }
    let label = if statement.is_issued() { "Total" } else { "Total until now" };
    rows.push(Row::new(Weight::Total, label, vec![String::new(), String::new(), words::money(statement.total)]));
    let columns = vec![
        Column::new("Description", 0.0),
        Column::new("Quantity", 90.0),
        Column::new(format!("Unit price ({currency})"), 84.0),
        Column::new(format!("Amount ({currency})"), 104.0),
    ];
    sheet.heading(2, "Lines", 60.0);
    Table { columns, rows, signs: 0.0, padding: ROOMY }.draw(sheet);
}
