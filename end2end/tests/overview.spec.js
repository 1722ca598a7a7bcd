// What analysts, finance and safety leads of a customer come for.

import { DAY_MS, click, dayOf, display, periodBefore, plusDays } from "../harness/api.js";
import { address, expect, hydrated, open, parameters, test } from "../harness/fixtures.js";
import { LABELS, cardsOf, count, ctrOf, download, percent, periodOf, tableOf, written, writtenFile } from "../harness/read.js";

const ZONE = "America/New_York";

/** The API with the rights of the customer that the demo's viewer belongs to. */
function lumen(installation) {
  return installation.api(installation.demoApplication("Lumen web"));
}

const signed = (n) => (n === 0 ? "±0" : `${n > 0 ? "+" : ""}${count(n)}`);
const signedTenths = (n) => {
  const tenths = Math.round(n * 10) / 10;
  return tenths === 0 ? "±0.0" : `${tenths > 0 ? "+" : "−"}${Math.abs(tenths).toLocaleString("en-GB", { minimumFractionDigits: 1 })}`;
};

/** A card as the page should write it, from the figures of two periods. */
function cardOf(now, before) {
  const change = before === 0 ? "" : `${signedTenths((now / before - 1) * 100)}\u00a0%`;
  return { value: count(now), change: `${change}${signed(now - before)}from ${count(before)}` };
}

test("the headline figures are those of the API, next to the period before", async ({ page, installation, signIn }) => {
  const api = await lumen(installation);
  await signIn("Viewer");
  await open(page, "/overview");
  const period = await periodOf(page);
  expect(Date.parse(period.to) - Date.parse(period.from), "28 days").toBe(28 * DAY_MS);
  const [now, before] = [(await api.summary(period)).figures, (await api.summary(periodBefore(period))).figures];
  expect(now.reach).toBeGreaterThan(0);

  const cards = await cardsOf(page);
  expect(cards.Reach).toEqual(cardOf(now.reach, before.reach));
  expect(cards["Net displays"]).toEqual(cardOf(now.net_displays, before.net_displays));
  expect(cards["Net clicks"]).toEqual(cardOf(now.net_clicks, before.net_clicks));
  expect(cards["Billable usage (reach)"]).toEqual(cardOf(now.reach, before.reach));
  expect(cards.CTR.value).toBe(percent(ctrOf(now)));
  expect(cards.CTR.change).toContain(`from ${percent(ctrOf(before))}`);
  await expect(page.getByText("Lumen Chat").first()).toBeVisible();
  await expect(page.getByText(`days in ${ZONE}`)).toBeVisible();
});

test("each figure says what it counts, by pointer and by keyboard", async ({ page, signIn }) => {
  await signIn("Viewer");
  await open(page, "/overview");
  const term = page.getByRole("button", { name: "Reach", exact: true });
  const definition = page.getByRole("tooltip").filter({ hasText: "each session counts once a month" }).first();
  await expect(definition).toBeHidden();
  await term.hover();
  await expect(definition).toBeVisible();
  await page.mouse.move(0, 0);
  await expect(definition).toBeHidden();
  await page.getByRole("button", { name: "Show" }).focus();
  await page.keyboard.press("Tab");
  await expect(term).toBeFocused();
  await expect(definition).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(definition).toBeHidden();
  await page.getByText("What the figures mean").click();
  const definitions = page.locator(".definitions");
  await expect(definitions.getByRole("term")).toHaveText((await tableOf(page.locator("#breakdown table"))).head.slice(1));
  await expect(definitions).toContainText("each pair of session and helpline counts once a month");
  for (const other of await page.locator(".term-word").all()) {
    await expect(other).toHaveAccessibleDescription(/\w+/);
  }
});

test("periods are a click away, live in the address, and the back button returns", async ({ page, installation, signIn }) => {
  const api = await lumen(installation);
  await signIn("Viewer");
  await open(page, "/overview");
  const before = dayOf(Date.now(), ZONE);
  const presets = page.getByRole("navigation", { name: "Period" });
  await expect(presets.getByRole("link", { name: "Last 28 days" })).toHaveAttribute("aria-current", "true");
  await presets.getByRole("link", { name: "Today" }).click();
  await expect(page).toHaveURL(/from=/);
  const today = parameters(page).from;
  expect([before, dayOf(Date.now(), ZONE)], "today in the customer's time zone").toContain(today);

  const month = `${today.slice(0, 7)}-01`;
  const monthsBack = (n) => new Date(Date.UTC(+today.slice(0, 4), +today.slice(5, 7) - 1 - n, 1)).toISOString().slice(0, 10);
  const tomorrow = plusDays(today, 1);
  const expected = {
    Today: [today, tomorrow],
    Yesterday: [plusDays(today, -1), today],
    "Last 7 days": [plusDays(today, -6), tomorrow],
    "Last 28 days": [plusDays(today, -27), tomorrow],
    "This month": [month, tomorrow],
    "Last month": [monthsBack(1), month],
    "Last 12 months": [monthsBack(11), tomorrow],
  };
  for (const [name, [from, to]] of Object.entries(expected)) {
    await presets.getByRole("link", { name, exact: true }).click();
    await expect(page).toHaveURL(new RegExp(`from=${from}&to=${to}`));
    await expect(presets.getByRole("link", { name, exact: true })).toHaveAttribute("aria-current", "true");
    await expect(page.locator(".card-value").first()).toHaveText(count((await api.summary({ from, to })).figures.reach));
    expect(await periodOf(page)).toEqual({ from, to });
  }
  await page.goBack();
  await expect(presets.getByRole("link", { name: "Last month" })).toHaveAttribute("aria-current", "true");
  await page.goForward();
  await expect(presets.getByRole("link", { name: "Last 12 months" })).toHaveAttribute("aria-current", "true");
  // Whoever gets the address sees the same.
  const cards = await cardsOf(page);
  await page.reload();
  await hydrated(page);
  expect(await cardsOf(page)).toEqual(cards);
});

test("any two dates make a period, whichever comes first", async ({ page, installation, signIn }) => {
  const api = await lumen(installation);
  await signIn("Viewer");
  await open(page, "/overview?tier=production&by=country");
  const today = dayOf(Date.now(), ZONE);
  const [from, last] = [plusDays(today, -50), plusDays(today, -41)];
  const period = { from, to: plusDays(last, 1) };
  await page.getByLabel("From").fill(from);
  await page.getByLabel("to", { exact: true }).fill(last);
  await page.getByRole("button", { name: "Show" }).click();
  const query = { ...period, tier: "production", by: "country" };
  await expect.poll(() => parameters(page)).toEqual(query);
  await expect(page.locator(".card-value").first()).toHaveText(count((await api.summary(period)).figures.reach));

  await page.getByLabel("From").fill(last);
  await page.getByLabel("to", { exact: true }).fill(from);
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page.getByLabel("From")).toHaveValue(from);
  await expect.poll(() => parameters(page)).toEqual(query);
});

test("dates that are entered while the script is on its way stay", async ({ page, signIn }) => {
  await signIn("Viewer");
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  await page.route("**/*.wasm", async (route) => {
    await released;
    await route.continue();
  });
  await page.goto("/overview");
  const entered = plusDays(dayOf(Date.now(), ZONE), -50);
  await page.getByLabel("From").fill(entered);
  release();
  await hydrated(page);
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page).toHaveURL(new RegExp(`from=${entered}`));
});

test("the chart shows a chosen figure in chosen steps, with the values behind it", async ({ page, installation, signIn }) => {
  const api = await lumen(installation);
  const today = dayOf(Date.now(), ZONE);
  const period = { from: plusDays(today, -48), to: plusDays(today, -40) };
  await signIn("Viewer");
  await open(page, `/overview?from=${period.from}&to=${period.to}`);
  const panel = page.locator("section", { has: page.locator("#chart-title") });

  for (const [step, interval] of [["By hour", "hour"], ["By week", "week"], ["By day", "day"]]) {
    await panel.getByRole("link", { name: step }).click();
    await expect(page).toHaveURL(new RegExp(`interval=${interval}`));
    await expect(panel.getByRole("link", { name: step })).toHaveAttribute("aria-current", "true");
    const series = await api.timeseries({ ...period, interval });
    const { head, rows } = await tableOf(panel.locator("table"));
    expect(head).toEqual(["Time", ...Object.values(LABELS), "CTR"]);
    expect(rows.map((row) => row.slice(1))).toEqual(series.buckets.map((bucket) => written(bucket.figures)));
  }
  const series = await api.timeseries({ ...period, interval: "day" });

  await panel.getByLabel("Figure of the chart").selectOption("Net clicks");
  await expect(page).toHaveURL(/figure=net_clicks/);
  await expect(panel.getByRole("heading")).toHaveText("Net clicks over time");
  await expect(page.locator("#figure"), "the chooser keeps the focus").toBeFocused();
  const chart = panel.getByRole("img", { name: /^Net clicks by day/ });
  await expect(chart).toBeVisible();
  const points = chart.locator(".hit");
  await expect(points).toHaveCount(series.buckets.length);
  await points.nth(3).hover();
  const value = points.nth(3).locator("text");
  await expect(value).toHaveCSS("opacity", "1");
  await expect(value).toHaveText(new RegExp(`: ${count(series.buckets[3].figures.net_clicks)}$`));
  const heights = await points.locator("circle").evaluateAll((dots) => dots.map((dot) => Number(dot.getAttribute("cy"))));
  const clicks = series.buckets.map((bucket) => bucket.figures.net_clicks);
  expect(heights.indexOf(Math.min(...heights)), "the most stands highest").toBe(clicks.indexOf(Math.max(...clicks)));

  await expect(panel.getByRole("table")).toBeHidden();
  await panel.getByText("Values as a table").click();
  await expect(panel.getByRole("table")).toBeVisible();
});

test("every block can be had as a file that says what the screen says", async ({ page, installation, signIn }) => {
  const api = await lumen(installation);
  const today = dayOf(Date.now(), ZONE);
  const period = { from: plusDays(today, -60), to: plusDays(today, -40) };
  await signIn("Viewer");
  await open(page, `/overview?from=${period.from}&to=${period.to}`);

  const summary = await download(page, page.getByRole("region", { name: /^Headline figures/ }).getByRole("link", { name: "Download CSV" }));
  expect(summary.name).toBe(`reachline-summary-${period.from}-${period.to}.csv`);
  const { figures } = await api.summary(period);
  expect(writtenFile(summary)[0].slice(0, -1)).toEqual(written(figures).slice(0, -1));
  const cards = await cardsOf(page);
  expect(cards.Reach.value).toBe(writtenFile(summary)[0][3]);
  expect(summary.text).toBe(await api.get("/v1/analytics/summary.csv", period));

  const chart = page.locator("section", { has: page.locator("#chart-title") });
  const series = await download(page, chart.getByRole("link", { name: "Download CSV" }));
  expect(series.name).toBe(`reachline-timeseries-day-${period.from}-${period.to}.csv`);
  const onScreen = (await tableOf(chart.locator("table"))).rows.map((row) => row.slice(1, -1));
  expect(writtenFile(series).map((row) => row.slice(0, -1))).toEqual(onScreen);
  expect(series.text).toBe(await api.get("/v1/analytics/timeseries.csv", { ...period, interval: "day" }));

  const breakdown = page.locator("#breakdown");
  for (const [tab, by] of [["Helplines", "helpline"], ["Countries", "country"], ["Contact methods", "contact_method"], ["Applications", "application"]]) {
    await breakdown.getByRole("link", { name: tab, exact: true }).click();
    await expect(breakdown.getByRole("link", { name: tab, exact: true })).toHaveAttribute("aria-current", "true");
    const file = await download(page, breakdown.getByRole("link", { name: "Download CSV" }));
    expect(file.name).toBe(`reachline-breakdown-${by}-${period.from}-${period.to}.csv`);
    const { head, rows } = await tableOf(breakdown.locator("table"));
    const hasRate = head.at(-1).endsWith("CTR");
    const cells = (row) => (hasRate ? row.slice(0, -1) : row);
    expect(file.rows.slice(1, rows.length + 1).map((row) => row[1])).toEqual(rows.map((row) => row[0]));
    expect(writtenFile(file).slice(0, rows.length).map(cells)).toEqual(rows.map((row) => cells(row.slice(1))));
    expect(file.text).toBe(await api.get("/v1/analytics/breakdown.csv", { ...period, by, limit: 1000 }));
  }
});

test("breakdowns are the API's, largest first, in pages", async ({ page, installation, signIn }) => {
  const api = await lumen(installation);
  const today = dayOf(Date.now(), ZONE);
  const period = { from: plusDays(today, -80), to: plusDays(today, -40) };
  await signIn("Viewer");
  await open(page, `/overview?from=${period.from}&to=${period.to}`);
  const panel = page.locator("#breakdown");
  for (const [tab, by, first] of [["Countries", "country", "Country"], ["Contact methods", "contact_method", "Contact method"], ["Applications", "application", "Application"], ["Helplines", "helpline", "Helpline"]]) {
    await panel.getByRole("link", { name: tab, exact: true }).click();
    await expect(page).toHaveURL(new RegExp(`by=${by}`));
    await expect(panel.locator("thead th").first()).toContainText(first);
    const expected = await api.breakdown({ ...period, by, limit: 15 });
    const { rows } = await tableOf(panel.locator("table"));
    expect(rows).toEqual(expected.rows.map((row) => [row.name, ...written(row.figures)]));
  }
  const all = await api.breakdown({ ...period, by: "helpline", limit: 1000 });
  expect(all.rows.length, "helplines of the demo's traffic").toBeGreaterThan(15);
  await expect(panel.getByText("add up to more than the reach")).toBeVisible();
  await panel.getByRole("link", { name: "Next page" }).click();
  await expect(page).toHaveURL(/cursor=/);
  await expect(panel.getByRole("link", { name: "First page" })).toBeVisible();
  const { rows } = await tableOf(panel.locator("table"));
  expect(rows.map((row) => row[0])).toEqual(all.rows.slice(15, 30).map((row) => row.name));
  await panel.getByRole("link", { name: "First page" }).click();
  await expect(page).not.toHaveURL(/cursor=/);
});

test("a row opens its own figures, and filters add up and come off", async ({ page, installation, signIn }) => {
  const api = await lumen(installation);
  const today = dayOf(Date.now(), ZONE);
  const period = { from: plusDays(today, -70), to: plusDays(today, -40) };
  await signIn("Viewer");
  await open(page, `/overview?from=${period.from}&to=${period.to}&by=country`);
  const chips = page.getByRole("list", { name: "Filters" });
  await expect(chips).toBeHidden();

  const [country] = (await api.breakdown({ ...period, by: "country", limit: 1 })).rows;
  await page.locator("#breakdown").getByRole("link", { name: country.name, exact: true }).click();
  await expect(chips).toContainText(`Country: ${country.name}`);
  expect(parameters(page)).toEqual({ ...period, country_code: country.key });
  let cards = await cardsOf(page);
  expect(cards.Reach.value).toBe(count(country.figures.reach));
  expect(cards.CTR.value).toBe(percent(ctrOf(country.figures)));
  expect(cards["Billable usage (reach)"], "a part of the events is not what is billed").toBeUndefined();

  const [helpline] = (await api.breakdown({ ...period, by: "helpline", country_code: country.key, limit: 1 })).rows;
  await page.locator("#breakdown").getByRole("link", { name: helpline.name, exact: true }).click();
  await expect(chips.getByRole("listitem")).toHaveCount(2);
  cards = await cardsOf(page);
  // Reach over a choice of helplines cannot be given exactly: unique displays stand in, under their own name.
  expect(cards.Reach).toBeUndefined();
  expect(cards["Unique displays"].value).toBe(count(helpline.figures.unique_displays));
  expect(cards["Helpline CTR"].value).toBe(percent(ctrOf(helpline.figures)));

  const filter = { ...period, country_code: country.key, helpline_id: helpline.key };
  const [method] = (await api.breakdown({ ...filter, by: "contact_method" })).rows;
  await page.locator("#breakdown").getByRole("link", { name: method.name, exact: true }).click();
  await expect(chips.getByRole("listitem")).toHaveCount(3);
  const { figures } = await api.summary({ ...filter, contact_method: method.key });
  cards = await cardsOf(page);
  expect(cards["Net clicks"].value).toBe(count(figures.net_clicks));
  expect(cards.Conversions.value).toBe(count(figures.conversions));

  await chips.getByRole("link", { name: `Remove the filter Helpline: ${helpline.name}` }).click();
  await expect(chips.getByRole("listitem")).toHaveCount(2);
  await chips.getByRole("link", { name: /Remove the filter Country/ }).click();
  await expect(chips.getByRole("listitem")).toHaveCount(1);
  await chips.getByRole("link", { name: /Remove the filter Contact method/ }).click();
  await expect(chips).toBeHidden();
  await expect(page.locator(".card-value").first()).toHaveText(count((await api.summary(period)).figures.reach));
});

test("an application can be looked at alone", async ({ page, installation, signIn }) => {
  const api = await lumen(installation);
  const { id, name } = installation.demoApplication("Lumen mobile");
  await signIn("Viewer");
  await open(page, "/overview?by=application");
  const period = await periodOf(page);
  await page.locator("#breakdown").getByRole("link", { name, exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`application_id=${id}`));
  const { figures } = await api.summary({ ...period, application_id: id });
  await expect(page.locator(".card-value").first()).toHaveText(count(figures.reach));
});

test("sandbox events are shown apart and never billed", async ({ page, installation, signIn }) => {
  const api = await lumen(installation);
  await signIn("Viewer");
  await open(page, "/overview?by=application");
  const production = await page.locator("#breakdown").getByRole("rowheader").allInnerTexts();
  expect(production.join()).not.toContain("Lumen sandbox");
  await page.getByRole("navigation", { name: "Tier" }).getByRole("link", { name: "Sandbox" }).click();
  await expect(page).toHaveURL(/tier=sandbox/);
  const period = await periodOf(page);
  const { figures } = await api.summary({ ...period, tier: "sandbox" });
  await expect(page.locator(".card-value").first()).toHaveText(count(figures.reach));
  const cards = await cardsOf(page);
  expect(cards["Billable usage (reach)"]).toEqual({ value: "–", change: "Sandbox events are never billed" });
  await expect(page.locator("#breakdown").getByRole("link", { name: "Lumen sandbox", exact: true })).toBeVisible();
});

test("events that are posted show up in the figures", async ({ page, installation, signIn }) => {
  const customer = await installation.customer({ timeZone: "Asia/Kathmandu" });
  const api = await installation.api(await installation.application(customer));
  const [near] = await api.helplines("NP");
  const [far] = await api.helplines("GB");
  const now = Date.now();
  const minute = 60_000;
  await api.record([
    display(near, "one", now - 10 * minute),
    click(near, "one", now - 9 * minute, "phone"),
    // A double click.
    click(near, "one", now - 9 * minute + 400, "phone"),
    display(near, "two", now - 8 * minute),
    display(far, "two", now - 8 * minute),
    display(far, "three", now - 7 * minute),
    click(far, "three", now - 6 * minute, "website"),
    click(far, "four", now - 6 * minute, "website"),
  ]);
  await signIn(await installation.user({ role: "viewer", customer }));
  await open(page, "/overview");
  await expect(page.getByText("days in Asia/Kathmandu")).toBeVisible();
  const cards = await cardsOf(page);
  expect(cards.Reach.value).toBe("3");
  expect(cards["Net displays"].value).toBe("4");
  expect(cards["Net clicks"].value).toBe("3");
  expect(cards.CTR).toEqual({ value: "66.7\u00a0%", change: "Nothing to compare with" });
  const { rows } = await tableOf(page.locator("#breakdown table"));
  expect(rows.map((row) => row[0]).sort()).toEqual([near.name, far.name].sort());
  expect(address(page)).toBe("/overview");
});

test("clicks without a display are a warning that leads to the application", async ({ page, installation, signIn }) => {
  const customer = await installation.customer();
  const api = await installation.api(await installation.application(customer, { name: "broken build" }));
  const [helpline] = await api.helplines("GB");
  const clicks = Array.from({ length: 12 }, (_, i) => click(helpline, `session ${i}`, Date.now() - i * 1000));
  await api.record([display(helpline, "session 0", Date.now() - 60_000), ...clicks]);
  await signIn(await installation.user({ role: "viewer", customer }));
  await open(page, "/overview");
  const warning = page.getByRole("complementary", { name: "Unattributed clicks" });
  await expect(warning).toContainText(`11 clicks (${percent(11 / 12)})`);
  await warning.getByRole("link").click();
  await expect(page.locator("#breakdown").getByRole("link", { name: "broken build" })).toBeVisible();
});

test("a developer sees what was refused, and why", async ({ page, installation, signIn }) => {
  const customer = await installation.customer();
  const api = await installation.api(await installation.application(customer));
  const [helpline] = await api.helplines("GB");
  const good = display(helpline, "one");
  await api.record([good]);
  const bad = [
    { ...good, helpline_id: "nowhere" },
    { ...good, helpline_id: "nowhere-else" },
    { ...good, session_id: "tess@example.org" },
    { ...good, timestamp: "yesterday" },
  ];
  const answer = await api.post([good, ...bad]);
  expect([answer.accepted, answer.duplicate, answer.rejected]).toEqual([0, 1, 4]);
  await signIn(await installation.user({ role: "viewer", customer }));
  await open(page, "/overview");
  const panel = page.locator("section", { has: page.locator("#intake-title") });
  // What was refused is counted like events are, a moment after the answer.
  await expect(async () => {
    await page.reload();
    await expect(panel).toContainText("1 event was accepted, 1 was a repeat", { timeout: 500 });
  }).toPass();
  await expect(panel).toContainText("4 requests (66.7\u00a0%) were refused.");
  const { rows } = await tableOf(panel.getByRole("table"));
  expect(rows.map((row) => row.slice(0, 2))).toEqual([["helpline_unknown", "2"], ["session_id_personal", "1"], ["timestamp_invalid", "1"]]);
  expect(rows.every((row) => row[2].length > 20), "says what to do").toBe(true);
  const file = await download(page, panel.getByRole("link", { name: "Download CSV" }));
  expect(file.rows).toEqual([["outcome", "code", "requests"], ["accepted", "", "1"], ["duplicate", "", "1"], ["refused", "helpline_unknown", "2"], ["refused", "session_id_personal", "1"], ["refused", "timestamp_invalid", "1"]]);
});

test("a filter without events says so in every block", async ({ page, installation, signIn }) => {
  await signIn("Viewer");
  await open(page, "/overview?country_code=AQ");
  await expect(page.getByRole("list", { name: "Filters" })).toContainText("Country: AQ");
  await expect(page.locator("#breakdown")).toContainText("No events in this period.");
  expect((await cardsOf(page)).Reach.value).toBe("0");
  expect((await cardsOf(page)).CTR.value).toBe("–");
  expect(installation.demo.events).toBeGreaterThan(0);
});
