// What a finance lead comes for: what the month costs, why, and which events are behind it.

import { click, display, unique } from "../harness/api.js";
import { expect, hydrated, open, parameters, test } from "../harness/fixtures.js";
import { count, download, tableOf } from "../harness/read.js";

/** A number as a page writes it. */
const number = (text) => Number(text.replaceAll(",", "").replace("−", "-").replace("+", "").replace("±", ""));
/** The amount of a text such as `USD 1,234.50`, in minor units. */
const minor = (text) => Math.round(number(text.replace(/[A-Z]{3}\s/, "")) * 100);

/** The waterfall of the page, by label. */
async function waterfallOf(page) {
  const rows = await page.locator("table.waterfall tbody tr").evaluateAll((rows) =>
    rows.map((row) => [row.className, row.querySelector(".term-word").textContent, row.cells[1].textContent]),
  );
  return rows.map(([kind, label, n]) => ({ kind, label, n: number(n) }));
}

test("a total is followed from the overview down to an event", async ({ page, signIn }) => {
  await signIn("Viewer");
  await open(page, "/billing");
  const card = (label) => page.locator(".card", { has: page.getByText(label, { exact: true }) }).locator(".card-value");
  await expect(card("This month so far")).toHaveText(/^USD\s[\d,]+\.\d\d$/);
  await expect(page.locator("table.lines tfoot td")).toHaveText(await card("This month so far").textContent());
  await expect(page.getByRole("img", { name: /^Totals of the last months in USD/ })).toBeVisible();
  const issued = page.getByRole("row").filter({ hasText: /Issued/ }).first();
  const total = await issued.getByRole("cell").nth(1).textContent();
  await issued.getByRole("link").click();
  await expect(page).toHaveURL(/\/billing\/\d{4}-\d\d$/);
  await hydrated(page);

  await expect(card("Total")).toHaveText(total);
  const { rows: lines } = await tableOf(page.locator("table.lines").first());
  expect(lines.map((line) => minor(line[3])).reduce((a, b) => a + b, 0), "lines sum to the total").toBe(minor(total));

  const steps = await waterfallOf(page);
  let level = steps[0].n;
  for (const { kind, label, n } of steps.slice(1)) {
    if (kind === "step-level") expect(n, label).toBe(level);
    if (kind === "step-taken") level += n;
  }
  await expect(page.getByRole("img", { name: /^Waterfall of / })).toBeVisible();
  const billable = steps.at(-1);
  expect(billable.label).toBe("Billable");

  await page.getByRole("link", { name: "See which: Billable" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Billable: ${count(billable.n)}`);
  for (const by of ["day", "application", "helpline"]) {
    const list = page.getByRole("region", { name: `By ${by}` }).getByRole("table");
    const { rows } = await tableOf(list);
    const rest = await page.locator(`section[aria-label="By ${by}"] > .hint`).allInnerTexts();
    const more = rest.map((text) => number(/with ([\d,]+) together/.exec(text)[1])).reduce((a, b) => a + b, 0);
    expect(rows.map((row) => number(row[1])).reduce((a, b) => a + b, more), by).toBe(billable.n);
  }

  const day = page.getByRole("region", { name: "By day" }).getByRole("row").nth(3);
  const of_day = number(await day.getByRole("cell").first().textContent());
  await day.getByRole("link").click();
  await expect(page.getByRole("list", { name: "Filters" })).toContainText("Day: ");
  const file = await download(page, page.getByRole("link", { name: "Download these events as CSV" }));
  expect(file.rows).toHaveLength(of_day + 1);
  expect(file.rows[0].join()).not.toContain("session");
  expect(file.rows.slice(1).every((row) => row[file.rows[0].indexOf("is_billed")] === "true")).toBe(true);
  const events = page.locator("#events table tbody tr");
  await expect(events.first()).toContainText("The first time that this session was shown a helpline");
  expect(await events.count()).toBe(Math.min(of_day, 50));
  await expect(events.first().locator("code")).toHaveText(file.rows[1][0]);

  await page.getByRole("combobox", { name: "Application" }).selectOption({ index: 1 });
  await expect(page.getByRole("list", { name: "Filters" }).getByRole("listitem")).toHaveCount(2);
  const given = Object.entries(parameters(page)).filter(([, value]) => value !== "");
  expect(given.map(([name]) => name).sort()).toEqual(["application_id", "as_of", "day"]);
  await expect(page.locator("#filter-application_id"), "the chooser keeps the focus").toBeFocused();
});

test("every event says why it counted or not, and pages stay as they began", async ({ page, installation, signIn }) => {
  const customer = await installation.customer();
  const api = await installation.api(await installation.application(customer));
  const [near, far] = [(await api.helplines("NP"))[0], (await api.helplines("GB"))[0]];
  const start = Date.now() - 120_000;
  await api.record([
    display(near, "one", start),
    display(near, "one", start + 5_000),
    display(far, "one", start + 60_000),
    click(far, "one", start + 61_000),
  ]);
  await signIn(await installation.user({ role: "viewer", customer }));
  await open(page, "/billing");
  await expect(page.getByText("No rate card prices these months")).toBeVisible();
  await page.getByRole("table", { name: /Last 12 months/ }).getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("No rate card");
  const why = page.locator("#events tbody td[data-label=Why]");
  for (const [step, words] of [
    ["Repeats", /Repeat.*Followed by another display at \d\d:\d\d:\d\d\.\d{3}\./],
    ["Not unique", /Not unique.*This session was counted at \d\d:\d\d:\d\d\.\d{3}\./],
    ["Clicks", /Not billed.*A click after a display/],
    ["Billable", /Billed.*The first time that this session was shown a helpline/],
  ]) {
    await page.getByRole("link", { name: `See which: ${step}` }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${step}: 1`);
    await expect(why).toHaveCount(1);
    await expect(why).toHaveText(words);
    await page.goBack();
  }
  await expect(page.getByText("session id")).toHaveCount(0);
});

test("what arrived late is settled on the running statement, with the figures before and after", async ({ page, signIn }) => {
  await signIn("Viewer");
  await open(page, "/billing");
  await page.getByRole("link", { name: "See how it comes about" }).click();
  const panel = page.locator("section", { has: page.locator("#adjustments-title") });
  await expect(panel.getByRole("heading", { level: 3 })).toHaveText(/: [+−]USD\s[\d.]+$/);
  const { head, rows } = await tableOf(panel.getByRole("table"));
  expect(head).toEqual(["Step", "Before", "After", "Change"]);
  for (const [step, before, after, change] of rows) {
    expect(number(after) - number(before), step).toBe(number(change));
  }
  const line = page.locator("table.lines").first().getByRole("row").filter({ hasText: "Adjustment of" });
  const [amount] = await panel.getByRole("heading", { level: 3 }).allInnerTexts();
  expect(minor(await line.getByRole("cell").last().textContent())).toBe(minor(amount.split(": ")[1].replace(/^([+−±])(...\s)/, "$2$1")));
});

test("a statement can be had as a document and as tables", async ({ page, signIn }) => {
  await signIn("Viewer");
  await open(page, "/billing");
  await page.getByRole("row").filter({ hasText: /Issued/ }).first().getByRole("link").click();
  await hydrated(page);
  const total = await page.locator("table.lines tfoot td").textContent();
  const [pdf] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "PDF" }).click()]);
  expect(pdf.suggestedFilename()).toMatch(/^reachline-statement-\d{4}-\d\d-\d{4}\.pdf$/);
  const lines = await download(page, page.getByRole("link", { name: "Download lines as CSV" }));
  const [head, ...rows] = lines.rows;
  const sum = rows.map((row) => Math.round(Number(row[head.indexOf("amount")]) * 100)).reduce((a, b) => a + b, 0);
  expect(sum).toBe(minor(total));
  const days = await download(page, page.getByRole("link", { name: "Download days as CSV" }));
  const billable = days.rows[0].indexOf("billable");
  const steps = await waterfallOf(page);
  expect(days.rows.slice(1).map((row) => Number(row[billable])).reduce((a, b) => a + b, 0)).toBe(steps.at(-1).n);
  const events = await download(page, page.getByRole("link", { name: "Download events as CSV" }));
  const accepted = steps.filter(({ label }) => ["Sandbox", "Clicks", "Gross displays"].includes(label));
  expect(events.rows).toHaveLength(accepted.map(({ n }) => Math.abs(n)).reduce((a, b) => a + b, 1));
  expect(new Set(events.rows.map((row) => row.length)).size, "rows of one length").toBe(1);
});

test("a statement is nobody else's to see", async ({ page, installation, server, signIn, complaints }) => {
  const [mine, theirs] = [await installation.customer({ name: unique("Mine") }), await installation.customer()];
  await signIn(await installation.user({ role: "viewer", customer: mine }));
  const month = new Date().toISOString().slice(0, 7);
  for (const path of [`/billing?customer=${theirs.id}`, `/billing/${month}?customer=${theirs.id}`, `/billing/${month}/billable?customer=${theirs.id}`, "/billing/2999-01", "/billing/nonsense", `/billing/${month}/nonsense`]) {
    await open(page, path, 404);
  }
  for (const file of ["statement.pdf", "statement-lines.csv", "statement-days.csv", "statement-events.csv"]) {
    const answer = await page.request.get(`${server.url}/download/${file}?month=${month}&customer=${theirs.id}`);
    expect(answer.status(), file).toBe(404);
  }
  for (const path of ["/admin/statements", "/admin/rate-cards", "/admin/rate-cards/new"]) await open(page, path, 403);
  complaints.length = 0;
});
