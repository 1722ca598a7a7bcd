// Alerts, the endpoints that are called, and what became of each message. This installation sends no e-mail and calls
// no address of its own machine, so that a delivery fails at once.

import { randomUUID } from "node:crypto";
import { unique } from "../harness/api.js";
import { expect, expectStatus, hydrated, looksRight, open, openOffering, test } from "../harness/fixtures.js";

const ENDPOINT = "https://127.0.0.1/hooks";
const card = (page, name) => page.getByRole("listitem").filter({ has: page.getByRole("heading", { name, exact: true }) });
const field = (page, name) => page.getByRole("textbox", { name, exact: true });
const save = (page) => page.getByRole("button", { name: "Save" }).click();

async function addEndpoint(page, url) {
  await page.getByText("New endpoint").click();
  await field(page, "Web address").fill(url);
  await page.getByRole("button", { name: "Create endpoint" }).click();
}

async function secretOf(page) {
  await expect(page.locator(".secret")).toContainText("It is shown this once");
  return page.locator(".secret code").innerText();
}

async function admin(installation, signIn) {
  const customer = await installation.customer();
  await signIn(await installation.user({ role: "customer_admin", customer }));
  return customer;
}

/** An admin's endpoint and an alert about silence that calls it. */
async function silence(page, name) {
  await page.goto("/alerts/webhooks");
  await addEndpoint(page, ENDPOINT);
  await page.goto("/alerts/new?kind=silent");
  await field(page, "Hours without an event").fill("3");
  await field(page, "Name").fill(name);
  await page.getByLabel("Webhook endpoint").selectOption({ label: ENDPOINT });
  await save(page);
  await expect(page.getByRole("status")).toHaveText("Saved.");
}

test("an admin is to be told when the month's spend reaches an amount", async ({ page, installation, signIn }) => {
  await signIn("Customer admin");
  const url = `https://${randomUUID()}.example.org/hooks`;
  const name = unique("Budget");
  await open(page, "/alerts/webhooks");
  await addEndpoint(page, url);
  await open(page, "/alerts/new");
  await expect(page.getByText("This installation sends no e-mail")).toBeVisible();
  await expect(field(page, "E-mail addresses")).toHaveCount(0);
  await expect(page.getByRole("radio", { name: "Spend reaches an amount" })).toBeChecked();
  await expect(field(page, "Hours without an event")).toBeHidden();
  await page.getByRole("radio", { name: "The integration is silent" }).check();
  await expect(field(page, "Hours without an event")).toBeVisible();
  await expect(field(page, "Amount")).toBeHidden();
  await page.getByRole("radio", { name: "Spend reaches an amount" }).check();

  await field(page, "Amount").fill("12.345");
  await field(page, "Name").fill(name);
  await save(page);
  await expect(field(page, "Amount")).toHaveAccessibleDescription(/At most 2 decimals\./);
  await expect(field(page, "Name")).toHaveValue(name);
  await expect(page.getByLabel("Webhook endpoint")).toHaveAccessibleDescription(/Choose an endpoint/);
  await expect(field(page, "E-mail addresses")).toHaveCount(0);
  await hydrated(page);
  await page.getByRole("alert").getByRole("link").first().click();
  await expect(field(page, "Amount"), "the summary leads to the field").toBeFocused();
  await looksRight(page, "alert-faulty");

  await field(page, "Amount").fill("5000000");
  await page.getByLabel("Webhook endpoint").selectOption({ label: url });
  await save(page);
  await expect(page.getByRole("status")).toHaveText("Saved.");
  const { customer_id } = installation.demoApplication("Lumen web");
  const month = new Intl.DateTimeFormat("en-GB", { month: "long", timeZone: "America/New_York" }).format(new Date());
  await expect(card(page, name)).toContainText(`When ${month}’s spend reaches USD\u00a05,000,000.00`);
  await expect(card(page, name)).toContainText(`${month} so far`);
  await expect(card(page, name)).toContainText("Watching");
  await expect(card(page, name)).toContainText(url);
  await looksRight(page, "alerts");

  await card(page, name).getByRole("link", { name: `Change ${name}` }).click();
  await expect(field(page, "Amount")).toHaveValue("5000000.00");
  await page.getByRole("radio", { name: "The share of rejected events is high" }).check();
  await field(page, "More than this many per cent rejected").fill("100");
  await field(page, "Of at least this many events").fill("1000");
  await save(page);
  await expect(field(page, "More than this many per cent rejected")).toHaveAccessibleDescription(/from 1 to 99\./);
  await field(page, "More than this many per cent rejected").fill("7");
  await save(page);
  await expect(card(page, name)).toContainText("When more than 7\u00a0% of 24\u00a0hours’ events are rejected, of at least 1,000\u00a0events");

  await signIn("Operator");
  await open(page, `/alerts?customer=${customer_id}`);
  await card(page, name).locator("summary", { hasText: "Delete…" }).click();
  await card(page, name).getByRole("button", { name: `Delete ${name}` }).click();
  await expect(page.getByRole("status")).toHaveText("The alert is deleted.");
  await expect(card(page, name)).toHaveCount(0);
});

test("an endpoint's secret is shown once, changed, and the endpoint disabled and deleted", async ({ page, installation, signIn }) => {
  await admin(installation, signIn);
  await open(page, "/alerts/webhooks");
  await expect(page.getByText("No endpoints")).toBeVisible();
  await addEndpoint(page, "http://example.org/hooks");
  await expect(field(page, "Web address")).toHaveAccessibleDescription(/Must begin with https:\/\//);
  await expect(field(page, "Web address")).toHaveValue("http://example.org/hooks");
  await field(page, "Web address").fill(ENDPOINT);
  await page.getByRole("button", { name: "Create endpoint" }).click();
  const first = await secretOf(page);
  expect(first).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  await hydrated(page);
  await page.reload();
  await expect(page.locator(".secret"), "shown this once").toHaveCount(0);
  await expect(page.getByText(first)).toHaveCount(0);

  const endpoint = card(page, ENDPOINT);
  await expect(endpoint).toContainText(`…${first.slice(-4)}`);
  await endpoint.locator("summary", { hasText: "New secret…" }).click();
  await endpoint.getByRole("button", { name: /^Make a new secret/ }).click();
  expect(await secretOf(page)).not.toBe(first);
  await expect(endpoint).toContainText("The one before signs as well until");
  await endpoint.locator("summary", { hasText: "Delete…" }).click();
  await looksRight(page, "webhooks");

  await endpoint.getByRole("button", { name: /^Disable/ }).click();
  await expect(page.getByRole("status")).toHaveText("The endpoint is no longer called.");
  await expect(endpoint).toContainText("Disabled");
  await expect(endpoint.getByRole("button", { name: /^Send a test/ })).toHaveCount(0);
  await endpoint.getByRole("button", { name: /^Enable/ }).click();
  await expect(endpoint).toContainText("Active");
  await hydrated(page);
  await endpoint.locator("summary", { hasText: "Delete…" }).click();
  await endpoint.getByRole("button", { name: /^Delete endpoint/ }).click();
  await expect(page.getByRole("status")).toHaveText("The endpoint is deleted.");
  await expect(endpoint).toHaveCount(0);
});

test("a test shows among the deliveries, and is tried again at once", async ({ page, installation, signIn }) => {
  await admin(installation, signIn);
  await silence(page, "Still alive?");
  await expect(card(page, "Still alive?")).toContainText("When no event has come for 3\u00a0hours");
  await expect(card(page, "Still alive?")).toContainText("Not yet");
  await page.goto("/alerts/webhooks");
  await expect(card(page, ENDPOINT)).toContainText("choose another endpoint there before you delete it");
  await expect(card(page, ENDPOINT).getByRole("link", { name: "Still alive?" })).toBeVisible();
  await page.goto("/alerts");
  await card(page, "Still alive?").getByRole("button", { name: "Send a test" }).click();
  await expect(page.getByRole("status")).toHaveText("A test is on its way. Below you see how it goes.");
  const row = page.getByRole("row").filter({ hasText: "Test: nothing has happened" });
  const attempted = (text) =>
    expect(async () => {
      await page.getByRole("link", { name: "Look again" }).click();
      await expect(row).toContainText(text, { timeout: 200 });
    }).toPass();
  await attempted("Will be tried again");
  await expect(row).toContainText("the host is not on the public internet");
  await row.getByText("What is sent").click();
  await expect(row).toContainText('"type":"alert.test"');
  await hydrated(page);
  await looksRight(page, "deliveries");
  const attempts = async () => Number(await row.getByRole("cell").nth(3).innerText());
  const before = await attempts();
  await row.getByRole("button", { name: /^Retry now/ }).click();
  await expect(page.getByRole("status")).toHaveText("It is being tried again.");
  await expect(async () => {
    await page.getByRole("link", { name: "Look again" }).click();
    expect(await attempts()).toBeGreaterThan(before);
  }).toPass();
});

test("viewers and auditors read, and others' alerts are nobody's", async ({ page, installation, signIn, server, complaints }) => {
  const customer = await admin(installation, signIn);
  await silence(page, "Silence");
  const alert = (await card(page, "Silence").getByRole("link", { name: "Change Silence" }).getAttribute("href")).split("/").pop();
  const form = { customer: customer.id, alert };
  const viewer = await installation.user({ role: "viewer", customer });
  for (const [who, query] of [[viewer, ""], ["Auditor", `?customer=${customer.id}`]]) {
    await signIn(who);
    for (const [path, text] of [["/alerts", "When no event has come for 3\u00a0hours"], ["/alerts/webhooks", new URL(ENDPOINT).origin], ["/alerts/deliveries", "Nothing has been sent"]]) {
      await open(page, path + query);
      await expect(page.getByRole("main")).toContainText(text);
      await expect(page.getByRole("main"), "its path may be a secret").not.toContainText(ENDPOINT);
      await expect(page.getByRole("main").getByRole("button")).toHaveCount(0);
      await expect(page.getByRole("link", { name: /^(New|Change)/ })).toHaveCount(0);
    }
    await open(page, `/alerts/${alert}${query}`, 403);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Not for your role");
    expect((await page.request.post(`${server.url}/api/delete_alert`, { form })).status()).toBe(403);
  }
  await admin(installation, signIn);
  await open(page, `/alerts?customer=${customer.id}`, 404);
  await open(page, `/alerts/${alert}`, 404);
  for (const call of ["delete_alert", "test_alert", "save_alert"]) {
    expect((await page.request.post(`${server.url}/api/${call}`, { form })).status(), call).toBe(404);
  }
  expectStatus(complaints, 403, 404);
});

test("an operator chooses whose alerts", async ({ page, installation, signIn, server }) => {
  const customer = await installation.customer();
  await signIn("Operator");
  await openOffering(page, "/alerts", customer);
  await looksRight(page, "alerts-choice");
  await page.locator("select#customer").selectOption({ label: customer.name });
  await expect(page).toHaveURL(`${server.url}/alerts?customer=${customer.id}`);
  await expect(page.getByText("No alerts yet")).toBeVisible();
  await looksRight(page, "alerts-empty");
  await page.getByRole("link", { name: "Usage reaches a quantity" }).click();
  await expect(page.getByRole("radio", { name: "Usage reaches a quantity" })).toBeChecked();
  await expect(page.getByText("No rate card prices the running month.").filter({ visible: true })).toHaveCount(1);
  await looksRight(page, "alert-new");
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("an endpoint is added, an alert set, tried out and deleted", async ({ page, installation, signIn }) => {
    await admin(installation, signIn);
    await silence(page, "Plain");
    await page.goto("/alerts/new");
    await page.getByRole("radio", { name: "The integration is silent" }).check();
    await expect(field(page, "Hours without an event")).toBeVisible();
    await field(page, "Hours without an event").fill("0");
    await field(page, "Name").fill("Second");
    await save(page);
    await expect(field(page, "Hours without an event")).toHaveAccessibleDescription(/from 1 to 720\./);
    await expect(field(page, "Name")).toHaveValue("Second");
    await page.goto("/alerts");
    await card(page, "Plain").getByRole("button", { name: "Send a test" }).click();
    await expect(page.getByRole("row").filter({ hasText: "Test: nothing has happened" })).toContainText(ENDPOINT);
    await page.getByRole("link", { name: "Alerts", exact: true }).last().click();
    await card(page, "Plain").locator("summary", { hasText: "Delete…" }).click();
    await card(page, "Plain").getByRole("button", { name: "Delete Plain" }).click();
    await expect(page.getByText("No alerts yet")).toBeVisible();
  });
});
