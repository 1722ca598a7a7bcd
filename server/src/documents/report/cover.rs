//! The cover: whose report, of when, and what matters most in it.

use super::NAME_CHARS_MAX;
use super::parts::{self, CTR, Card};
use crate::documents::sheet::{ACCENT, BAR, BODY, LEFT, PAGE, Role, SMALL, STRONG, Sheet, WHITE, WIDTH};
use crate::documents::text::Style;
use crate::documents::words;
use domain::figures::Figure;
use engine::Report;

/// Where the coloured ground ends, and where the numbers and the facts begin, from the page's upper edge, in points.
const GROUND: f32 = 400.0;
const NUMBERS_Y: f32 = 450.0;
const FACTS_Y: f32 = 652.0;
/// Most numbers side by side, and the space between two of them, in points.
const HEADLINES_MAX: usize = 3;
const BETWEEN: f32 = 24.0;
/// Which numbers come first, as far as the report has them.
const FIRST: [&str; 3] = [Figure::Reach.label(), Figure::ConvertedSessions.label(), CTR];

/// Draws the cover.
pub fn write(sheet: &mut Sheet<'_>, report: &Report) {
    let content = &report.body.content;
    sheet.ornament(0.0, 0.0, (PAGE.0, GROUND), ACCENT);
    sheet.ornament(0.0, GROUND, (PAGE.0, 6.0), BAR);
    let white = |size, is_bold| Style { size, is_bold, colour: WHITE };
    let title = &content.template.title;
    let customer = words::clipped(&content.customer, NAME_CHARS_MAX);
    sheet.y = 120.0;
    sheet.bookmark(title);
    sheet.part(Role::Heading(1, title.clone()), |sheet| sheet.block(LEFT, WIDTH, title, white(16.0, false)));
    sheet.y += 8.0;
    let lines = sheet.faces.lines(&customer, white(36.0, true), WIDTH).len();
    // The longest names take a smaller size, so that they stay on the ground.
    let size = if lines > 3 { 22.0 } else { 36.0 };
    sheet.part(Role::Paragraph, |sheet| sheet.block(LEFT, WIDTH, &customer, white(size, true)));
    sheet.y += 14.0;
    sheet.paragraph(&words::months(report.first, report.last), white(18.0, false));
    headlines(sheet, &all_headlines(report));
    sheet.y = FACTS_Y;
    let facts = [
        ("Period", parts::days(content)),
        ("Time zone", content.time_zone.name().to_owned()),
        ("Version", parts::version(report)),
        ("Status", parts::status(report)),
    ];
    for (name, value) in &facts {
        parts::fact(sheet, (name, value), BODY);
    }
}

/// The numbers that matter most.
fn all_headlines(report: &Report) -> Vec<Card<'_>> {
    let mut cards = parts::all_cards(&report.body.content);
    let rank = |card: &Card<'_>| FIRST.iter().position(|name| *name == card.name).unwrap_or(FIRST.len());
    cards.sort_by_key(rank);
    cards.truncate(HEADLINES_MAX);
    cards
}

fn headlines(sheet: &mut Sheet<'_>, cards: &[Card<'_>]) {
    #[expect(clippy::cast_precision_loss, reason = "three at most")]
    let width = (WIDTH + BETWEEN) / HEADLINES_MAX as f32 - BETWEEN;
    let number = Style { size: 32.0, is_bold: true, colour: ACCENT };
    let mut x = LEFT;
    for card in cards {
        sheet.y = NUMBERS_Y;
        let value = sheet.faces.fitting(&card.value, number, width);
        sheet.part(Role::Paragraph, |sheet| {
            sheet.put(x, sheet.y + number.size, value);
            sheet.y += number.leading() + 2.0;
            sheet.block(x, width, card.name, STRONG.sized(11.0));
        });
        sheet.y += 3.0;
        sheet.part(Role::Paragraph, |sheet| sheet.block(x, width, card.definition, SMALL.sized(8.5)));
        x += width + BETWEEN;
    }
}
