// Reports for regulators and the public: drafted, approved, corrected, published.

import { readFileSync } from "node:fs";
import { expect, expectStatus, looksRight, open, test } from "../harness/fixtures.js";

const LAST_YEAR = String(new Date().getUTCFullYear() - 1);
const draft = (page) => page.getByRole("button", { name: "Count a draft" }).click();
const fill = (page, name, text) => page.getByRole("textbox", { name, exact: true }).fill(text);
const DETECT = "Protocols to detect, remove and respond to suicidal ideation";
const PROHIBIT = "Protocols against responses about suicidal ideation or actions";

async function admin(installation, signIn) {
  const customer = await installation.customer();
  await signIn(await installation.user({ role: "customer_admin", customer }));
  return customer;
}

/** The two months before the running one, as the form takes them. */
function months() {
  const now = new Date();
  const month = (back) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7);
  return `${month(2)}/${month(1)}`;
}

test("an admin files California's yearly report and corrects it", async ({ page, installation, signIn }) => {
  await admin(installation, signIn);
  await open(page, "/reports");
  await expect(page.getByText("No reports yet")).toBeVisible();
  await page.getByRole("link", { name: "New report: California SB 243" }).click();
  await expect(page.getByLabel("Period")).toHaveValue(LAST_YEAR);
  await draft(page);
  await expect(page.getByLabel(DETECT)).toHaveAccessibleDescription(/asks for this text/);
  await fill(page, DETECT, "Every message is checked.");
  await fill(page, PROHIBIT, "The model declines and shows helplines.");
  await page.getByLabel("Period").fill("2999");
  await draft(page);
  await expect(page.getByLabel("Period")).toHaveAccessibleDescription(/not over yet/);
  await expect(page.getByLabel(DETECT)).toHaveValue("Every message is checked.");
  await page.getByLabel("Period").fill(LAST_YEAR);
  await draft(page);
  await expect(page.getByText("This is a draft")).toBeVisible();
  await expect(page.getByText("A notification is a referral, not a display")).toBeVisible();
  await page.getByRole("button", { name: "Approve" }).click();
  await expect(page.getByRole("status")).toHaveText(/Approved/);
  await expect(page.getByRole("button", { name: "Approve" })).toHaveCount(0);

  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click()]);
  const lines = readFileSync(await file.path(), "utf8").trim().split("\r\n");
  expect(lines).toEqual([
    "period,notifications,detection_protocol,prohibition_protocol",
    `${LAST_YEAR},0,Every message is checked.,The model declines and shows helplines.`,
  ]);

  const [pdf] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "PDF" }).click()]);
  expect(pdf.suggestedFilename()).toBe(`reachline-california-sb-243-${LAST_YEAR}-v1.pdf`);
  expect(readFileSync(await pdf.path()).subarray(0, 5).toString()).toBe("%PDF-");

  await page.getByRole("link", { name: "Correct it" }).click();
  await expect(page.getByLabel(DETECT)).toHaveValue("Every message is checked.");
  await fill(page, DETECT, "Every message is checked twice.");
  await draft(page);
  await expect(page.getByLabel("Why an approved report is corrected")).toHaveAccessibleDescription(/say why/);
  await fill(page, "Why an approved report is corrected", "The protocol has changed.");
  await draft(page);
  await expect(page.getByRole("heading", { name: "What this version changes" })).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "Every message is checked twice." })).toContainText("Every message is checked.");
  await page.getByRole("button", { name: "Delete the draft" }).click();
  await expect(page.getByRole("status")).toHaveText("The draft is deleted.");
  await expect(page.getByRole("row").filter({ hasText: "California" })).toHaveCount(1);
});

test("what Washington asks for is public while it is switched on", async ({ page, installation, signIn, browser }) => {
  const customer = await admin(installation, signIn);
  await open(page, "/reports");
  await page.getByRole("link", { name: "New report: Washington" }).click();
  await draft(page);
  await page.getByRole("button", { name: "Approve" }).click();
  await expect(page.getByRole("status")).toHaveText(/Approved/);
  await open(page, "/reports");
  await page.getByRole("button", { name: "Switch it on" }).click();
  await expect(page.getByRole("status")).toHaveText("The page is public now.");
  const path = await page.getByRole("link", { name: "Look at the public page" }).getAttribute("href");

  const stranger = await browser.newContext({ baseURL: installation.url });
  const seen = await stranger.newPage();
  await seen.goto(path);
  await expect(seen.getByRole("heading", { name: `${customer.name}, ${LAST_YEAR}` })).toBeVisible();
  await expect(seen.getByText("0 notifications")).toBeVisible();
  expect(await stranger.cookies()).toEqual([]);
  const json = await (await stranger.request.get(`${path}/report.json`)).json();
  expect(json.reports[0].figures).toEqual({ notifications: 0 });
  const widget = await stranger.request.get(`${path}/widget`);
  expect(widget.headers()["content-security-policy"]).toContain("frame-ancestors *");
  expect(widget.headers()["x-frame-options"]).toBeUndefined();

  await page.getByRole("button", { name: "Switch it off" }).click();
  await expect(page.getByRole("status")).toHaveText("The page is no longer public.");
  expect((await stranger.request.get(path)).status()).toBe(404);
  await stranger.close();
});

test("a viewer reads reports and makes none", async ({ page, signIn, complaints }) => {
  await signIn("Viewer");
  await open(page, "/reports");
  await expect(page.getByRole("heading", { name: "Kinds of report" })).toBeVisible();
  await expect(page.getByRole("link", { name: /New report/ })).toHaveCount(0);
  await expect(page.getByRole("button", { name: /Switch it/ })).toHaveCount(0);
  await open(page, "/reports/new?template=transparency", 403);
  expectStatus(complaints, 403);
});

test("an operator sees the reports of all customers, and takes them along", async ({ page, installation, signIn, server }) => {
  const [one, other] = [await installation.customer(), await installation.customer()];
  await signIn("Operator");
  // Whom a command has added the server knows within a second.
  const status = async (path) => (await page.request.get(server.url + path)).status();
  await expect.poll(() => status(`/reports?customer=${other.id}`)).toBe(200);
  for (const { id } of [one, other]) {
    await open(page, `/reports/new?template=washington-disclosure&customer=${id}`);
    await draft(page);
    await expect(page.getByText("This is a draft")).toBeVisible();
  }
  await page.getByRole("button", { name: "Approve" }).click();
  await expect(page.getByRole("status")).toHaveText(/Approved/);

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Reports" }).click();
  const row = (customer) => page.getByRole("row").filter({ hasText: customer.name });
  await expect(row(one)).toContainText("Draft");
  await expect(row(other)).toContainText("Approved");
  await page.getByLabel("Kind").selectOption("California SB 243: yearly report");
  await expect(page).toHaveURL(/template=california-sb-243/);
  await expect(row(one)).toHaveCount(0);
  await page.getByLabel("Kind").selectOption("Washington HB 2225: yearly disclosure");
  await expect(row(one)).toHaveCount(1);

  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download CSV" }).click()]);
  expect(file.suggestedFilename()).toBe("reachline-reports-washington-disclosure.csv");
  const lines = readFileSync(await file.path(), "utf8").split("\r\n");
  expect(lines.find((line) => line.startsWith(other.id))).toContain(`,${LAST_YEAR},`);
  expect(lines.find((line) => line.startsWith(one.id))).toContain(",draft,false,");

  await row(other).getByRole("link").click();
  await expect(page.getByText("How it was counted")).toBeVisible();
  await page.goBack();
  await page.getByRole("combobox", { name: "Customer" }).selectOption(other.name);
  await expect(page.getByRole("heading", { name: "Kinds of report" })).toBeVisible();
});

test("an impact report needs no words, and keeps those that it is given", async ({ page, installation, signIn }) => {
  await admin(installation, signIn);
  await open(page, "/reports");
  await page.getByRole("link", { name: "New report: Impact report" }).click();
  const introduction = page.getByRole("textbox", { name: "What these numbers mean to us", exact: true });
  await expect(introduction).toHaveAccessibleDescription(/^Optional/);
  await page.getByLabel("Period").fill(months());
  await draft(page);
  await expect(page.getByText("This is a draft")).toBeVisible();
  await expect(page.getByRole("heading", { name: "By month" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "What these numbers mean to us" })).toHaveCount(0);

  await open(page, "/reports/new?template=impact-report");
  await page.getByLabel("Period").fill(months());
  await introduction.fill("Why we do this.");
  await draft(page);
  await expect(page.getByRole("heading", { name: "What these numbers mean to us" })).toBeVisible();
  await expect(page.getByText("Why we do this.")).toBeVisible();
  const [pdf] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "PDF" }).click()]);
  expect(pdf.suggestedFilename()).toMatch(/^reachline-impact-report-.*-v1-draft\.pdf$/);
  await open(page, "/reports/new?template=impact-report");
  await expect(introduction).toHaveValue("Why we do this.");
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("an operator chooses figures and tables of a transparency report", async ({ page, installation, signIn }) => {
    await signIn("Operator");
    const { customer_id } = installation.demoApplication("Lumen web");
    await page.goto(`/reports/new?template=transparency&customer=${customer_id}`);
    await page.getByLabel("Period").fill(months());
    for (const name of ["Net displays", "Unique displays", "Net clicks", "Attributed clicks", "Helpline"]) {
      await page.getByRole("checkbox", { name, exact: true }).uncheck();
    }
    await draft(page);
    await expect(page.getByText("This is a draft")).toBeVisible();
    await expect(page.getByRole("heading", { name: "By country" })).toBeVisible();
    await expect(page.getByRole("heading", { name: "By helpline" })).toHaveCount(0);
    await expect(page.getByText("Counts from 1 to 9 are printed as <10")).toBeVisible();
    await page.getByRole("button", { name: "Delete the draft" }).click();
    await expect(page.getByRole("status")).toHaveText("The draft is deleted.");
  });
});

test("the pages look right", async ({ page, installation, signIn }) => {
  test.setTimeout(120_000);
  await signIn("Customer admin");
  await open(page, "/reports/new?template=transparency");
  await page.getByLabel("Period").fill(months());
  await looksRight(page, "report-editor");
  await draft(page);
  await expect(page.getByText("This is a draft")).toBeVisible();
  await looksRight(page, "report");
  await open(page, "/reports");
  await looksRight(page, "reports");
  await signIn("Operator");
  await open(page, "/reports");
  await looksRight(page, "reports-of-all");
});
