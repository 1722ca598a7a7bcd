//! How the quantity comes about: the waterfall as a chart and as a table, and what changed in earlier months.

use super::sheet::{ACCENT, BAR, BODY, LEFT, LINE_STRONG, RIGHT, Role, SOFT, STRONG, Sheet, WIDTH};
use super::table::{CLOSE, Column, ROOMY, Row, Table, Weight};
use super::text::Style;
use super::words;
use domain::billing::{Adjustment, Statement, Step, Waterfall};

/// A bar with the space to the next, and the bar itself, in points.
const PITCH: f32 = 17.0;
const BAR_HEIGHT: f32 = 11.0;
/// What labels and numbers take beside the bars, in points.
const LABELS: f32 = 92.0;
const NUMBERS: f32 = 84.0;
/// What a step does to the level before it.
const LESS: &str = "\u{2212}";
const LEVEL: &str = "=";
/// What signs take in a table, in points.
const SIGNS: f32 = 14.0;
/// Space for a number of a table, in points.
const COLUMN: f32 = 92.0;

/// Writes the waterfall and the adjustments.
pub fn write(sheet: &mut Sheet<'_>, statement: &Statement) {
    let waterfall = &statement.waterfall;
    let table = table(waterfall);
    let chart_height = PITCH * 10.0 + 16.0;
    // On one page if there is one that takes it: then the chart is looked at beside its numbers.
    let whole = chart_height + table.height(sheet) + 24.0;
    sheet.y += 18.0;
    let with = if whole + 40.0 < Sheet::height() { whole } else { chart_height };
    sheet.heading(2, "How the quantity comes about", with);
    let text =
        "From everything that was received to what is billed. Each level is the one above it less the steps between.";
    sheet.paragraph(text, Style { colour: SOFT, ..BODY });
    sheet.y += 8.0;
    chart(sheet, waterfall);
    table.draw(sheet);
    if !statement.adjustments.is_empty() {
        adjustments(sheet, &statement.adjustments);
    }
}

/// The number that a step comes to, as it is drawn: from where to where.
fn spans(waterfall: &Waterfall) -> Vec<(Step, i128, i128)> {
    let mut level = 0;
    let span = |step: Step| {
        let number = i128::from(waterfall.get(step));
        if step.takes_away() {
            let from = level;
            level -= number;
            (step, level.min(from), level.max(from))
        } else {
            level = number;
            (step, number.min(0), number.max(0))
        }
    };
    Step::ALL.into_iter().map(span).collect()
}

fn chart(sheet: &mut Sheet<'_>, waterfall: &Waterfall) {
    let spans = spans(waterfall);
    let most = spans.iter().map(|(_, _, to)| *to).max().unwrap_or(0).max(1);
    let (left, width) = (LEFT + LABELS, WIDTH - LABELS - NUMBERS);
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "where a bar ends on paper")]
    let x = |number: i128| left + (number.clamp(0, most) as f64 / most as f64) as f32 * width;
    let top = sheet.y;
    let bottom = top + PITCH * 10.0;
    let said = spans.iter().map(|(step, _, _)| {
        let label = step.label(waterfall.figure);
        format!("{label} {}", words::count(waterfall.get(*step)))
    });
    let words = format!("Bar chart. {}.", said.collect::<Vec<_>>().join(", "));
    sheet.ornament(left - 0.6, top - 2.0, (0.6, bottom - top), LINE_STRONG);
    sheet.part(Role::Figure(words, sheet.page(), [LEFT, top, RIGHT, bottom]), |sheet| {
        for (i, (step, from, to)) in spans.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "ten bars")]
            let y = top + PITCH * i as f32;
            let style = if step.takes_away() { BODY } else { STRONG };
            let baseline = y + BAR_HEIGHT - 2.0;
            let label = sheet.faces.line(step.label(waterfall.figure), style.sized(8.5));
            sheet.put_right(left - 10.0, baseline, label);
            let colour = if step.takes_away() { BAR } else { ACCENT };
            // Something that is not nothing is seen.
            let bar = (x(*to) - x(*from)).max(if from == to { 0.0 } else { 0.8 });
            sheet.mark(x(*from), y, (bar, BAR_HEIGHT), colour);
            let line = sheet.faces.fitting(&effect(*step, waterfall), style.sized(8.5), NUMBERS - 8.0);
            sheet.put(x(*from) + bar + 6.0, baseline, line);
        }
    });
    sheet.y = bottom + 10.0;
}

/// What stands beside a bar: of a level its number, of a step what it does to the level.
fn effect(step: Step, waterfall: &Waterfall) -> String {
    let number = i128::from(waterfall.get(step));
    match number {
        number if !step.takes_away() => words::count(number),
        number if number < 0 => format!("+{}", words::count(-number)),
        number => words::count(-number),
    }
}

fn sign(step: Step) -> &'static str {
    match step {
        Step::Received => "",
        step if step.takes_away() => LESS,
        _ => LEVEL,
    }
}

fn row(step: Step, waterfall: &Waterfall, numbers: Vec<String>) -> Row {
    let weight = if step.takes_away() { Weight::Plain } else { Weight::Level };
    Row { sign: sign(step), ..Row::new(weight, step.label(waterfall.figure), numbers) }
}

fn table(waterfall: &Waterfall) -> Table {
    let mut rows = Vec::new();
    for step in Step::ALL {
        let numbers = vec![words::count(waterfall.get(step))];
        rows.push(Row { note: step.definition(waterfall.figure).to_owned(), ..row(step, waterfall, numbers) });
        if step == Step::Rejected {
            let refused = waterfall.rejected.iter();
            rows.extend(refused.map(|(code, n)| Row::new(Weight::Detail, code, vec![words::count(*n)])));
        }
    }
    Table { columns: vec![Column::new("Step", 0.0), Column::new("Number", COLUMN)], rows, signs: SIGNS, padding: ROOMY }
}

fn adjustments(sheet: &mut Sheet<'_>, adjustments: &[Adjustment]) {
    sheet.y += 18.0;
    let tables: Vec<Table> = adjustments.iter().map(adjustment).collect();
    let with = tables.first().map_or(0.0, |table| table.height(sheet)) + 60.0;
    sheet.heading(2, "Adjustments of earlier months", with);
    let text = "Events that were accepted after a month had been billed. The month is counted anew and priced with the \
                version of the rate card that it was billed with; this statement carries the difference as a line.";
    sheet.paragraph(text, Style { colour: SOFT, ..BODY });
    sheet.y += 10.0;
    for (adjustment, table) in adjustments.iter().zip(&tables) {
        sheet.heading(3, &words::month(adjustment.month), table.height(sheet));
        table.draw(sheet);
        sheet.y += 8.0;
    }
}

/// A month before and after, with what it was billed at and what it costs after all.
fn adjustment(adjustment: &Adjustment) -> Table {
    let (before, after) = (&adjustment.before, &adjustment.after);
    let mut rows: Vec<Row> = Step::ALL
        .into_iter()
        .map(|step| {
            let (was, is) = (i128::from(before.get(step)), i128::from(after.get(step)));
            row(step, after, vec![words::count(was), words::count(is), words::count(is - was)])
        })
        .collect();
    let amounts = [adjustment.billed, adjustment.recomputed, adjustment.amount];
    rows.push(Row::new(Weight::Total, "Amount", amounts.map(words::money).to_vec()));
    let columns = vec![
        Column::new("Step", 0.0),
        Column::new("Billed", COLUMN),
        Column::new("Recomputed", COLUMN),
        Column::new("Difference", COLUMN),
    ];
    Table { columns, rows, signs: SIGNS, padding: CLOSE }
}
