// The operator's pages: customers, users, helplines.

import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dayOf, unique } from "../harness/api.js";
import { expect, hydrated, open, openOffering, test } from "../harness/fixtures.js";

/** Turns the pages of a list until a row with this text is there. */
async function findRow(page, path, text) {
  await page.goto(path);
  const row = page.getByRole("row").filter({ hasText: text });
  const next = page.getByRole("link", { name: "Next page" });
  while (!(await row.count()) && (await next.count())) await page.goto(await next.getAttribute("href"));
  await expect(row).toHaveCount(1);
  await hydrated(page);
  return row;
}

async function save(page) {
  await page.getByRole("button", { name: "Save" }).click();
}

test("an operator creates a customer and changes it", async ({ page, installation, signIn }) => {
  await signIn("Operator");
  await open(page, "/admin/customers");
  await page.getByRole("link", { name: "New customer" }).click();
  await expect(page.getByRole("heading", { name: "New customer" })).toBeVisible();
  const name = unique("Customer");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Time zone").fill("Pacific/Chatham");
  await page.getByLabel("Catalogue calls a day").fill("2500");
  await save(page);
  await expect(page.getByRole("status")).toHaveText("Saved.");
  const row = await findRow(page, "/admin/customers", name);
  await expect(row).toContainText("Pacific/Chatham");
  await expect(row).toContainText("2,500 catalogue calls a day");
  const stored = (await installation.command(["customer", "list"])).items.find((customer) => customer.name === name);
  expect(stored).toMatchObject({ time_zone: "Pacific/Chatham", limits: { catalogue_quota_per_day: 2500 } });

  await row.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await expect(page.getByLabel("Catalogue calls a day")).toHaveValue("2500");
  await page.getByLabel("Name").fill(`${name} & Sons`);
  await page.getByLabel("Catalogue calls a day").fill("");
  await page.getByLabel("Events a second, per application").fill("50");
  await save(page);
  await expect(page.getByRole("status")).toHaveText("Saved.");
  const changed = await findRow(page, "/admin/customers", `${name} & Sons`);
  await expect(changed).toContainText("50 events a second");
  await changed.getByRole("link", { name: "Figures" }).click();
  await expect(page).toHaveURL(new RegExp(`/overview\\?customer=${stored.id}`));
  await expect(page.getByText("days in Pacific/Chatham")).toBeVisible();
});

test("a shorter retention says first what it gives up", async ({ page, installation, signIn }) => {
  const customer = await installation.customer({ name: unique("Kept") });
  const application = await installation.application(customer);
  const [helpline] = await (await installation.api(application)).helplines("NZ");
  // One event in each of six months, the latest five months ago.
  const now = new Date();
  const days = [5, 6, 7, 8, 9, 10].map((ago) => dayOf(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - ago, 15)));
  const rows = days.map((day) => `helpline_display,${day}T12:00:00Z,${helpline.id},${randomUUID()}`);
  const file = test.info().outputPath("history.csv");
  writeFileSync(file, ["type,timestamp,helpline_id,session_id", ...rows].join("\n"));
  await installation.command(["events", "import", file, "--customer", customer.id, "--application", application.id]);

  await signIn("Operator");
  const path = `/admin/customers/${customer.id}`;
  await open(page, path);
  const field = page.getByLabel("Months that raw events are kept");
  // Longer than anything there is: nothing to ask.
  await field.fill("12");
  await save(page);
  await expect(page.getByRole("status")).toHaveText("Saved.");

  await open(page, path);
  await field.fill("4");
  await save(page);
  const what = /6 raw events before \d+ \w+ \d{4}/;
  await expect(page.getByRole("alert")).toContainText(what);
  await hydrated(page);
  await expect(field).toHaveAccessibleDescription(what);
  const confirm = page.getByRole("checkbox", { name: what });
  await expect(confirm).not.toBeChecked();
  const kept = async () =>
    (await installation.command(["customer", "list"])).items.find((it) => it.id === customer.id).limits.event_retention_months;
  expect(await kept()).toBe(12);

  // Even less is another question.
  await confirm.check();
  await field.fill("7");
  await save(page);
  await expect(page.getByRole("alert")).toContainText("3 raw events");
  await hydrated(page);
  expect(await kept()).toBe(12);
  await page.getByRole("checkbox").check();
  await save(page);
  await expect(page.getByRole("status")).toHaveText("Saved.");
  expect(await kept()).toBe(7);
});

test("what is wrong with a customer is said at its fields, all at once", async ({ page, signIn }) => {
  await signIn("Operator");
  await open(page, "/admin/customers/new");
  await page.getByLabel("Name").fill("  ");
  await page.getByLabel("Time zone").fill("Middle/Earth");
  await page.getByLabel("Catalogue calls a day").fill("plenty");
  await page.getByLabel("Events a second, per application").fill("-1");
  await save(page);
  await expect(page).toHaveURL(/\/admin\/customers\/new$/);
  await hydrated(page);
  for (const [label, words] of [
    ["Name", /\w/],
    ["Time zone", /No IANA time zone/],
    ["Catalogue calls a day", /whole number/],
    ["Events a second, per application", /whole number/],
  ]) {
    await expect(page.getByLabel(label)).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByLabel(label)).toHaveAccessibleDescription(words);
  }
  await expect(page.getByLabel("Time zone")).toHaveValue("Middle/Earth");
  await expect(page.getByRole("alert").getByRole("link")).toHaveCount(4);
  await page.getByRole("alert").getByRole("link", { name: /IANA/ }).click();
  await expect(page.getByLabel("Time zone")).toBeFocused();
  await page.reload();
  await expect(page.getByRole("alert"), "told once").toHaveCount(0);
});

test("an operator creates a user, who can sign in; changes, disables and enables it", async ({ page, browser, installation, server, signIn }) => {
  const customer = await installation.customer();
  const email = `${unique("u").replace(" ", "-")}@example.org`;
  const password = "a long enough one";
  await signIn("Operator");
  await openOffering(page, "/admin/users/new", customer);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Name").fill("Una User");
  await page.getByLabel("Role").selectOption({ value: "viewer" });
  await page.getByLabel("Customer").selectOption({ label: customer.name });
  await page.getByLabel("Password").fill(password);
  await save(page);
  await expect(page.getByRole("status")).toHaveText("Saved.");

  const theirs = await browser.newContext({ baseURL: server.url });
  await signIn({ email, password }, theirs);
  const their = await theirs.newPage();
  await open(their, "/overview");
  await expect(their.getByRole("banner")).toContainText(`Viewer, ${customer.name}`);
  await expect(their.getByRole("banner")).toContainText("Una User");

  const row = await findRow(page, "/admin/users", email);
  await expect(row).toContainText("Viewer");
  await expect(row).toContainText(customer.name);
  await row.getByRole("link").click();
  await expect(page.getByLabel("Role")).toHaveValue("viewer");
  await page.getByLabel("Role").selectOption({ value: "customer_admin" });
  await save(page);
  await expect(await findRow(page, "/admin/users", email)).toContainText("Customer admin");
  await their.goto("/applications");
  await expect(their, "who has another role now signs in anew").toHaveURL(/\/login/);
  await signIn({ email, password }, theirs);
  await open(their, "/applications");
  await expect(their.getByText("New application")).toBeVisible();

  await page.getByRole("link", { name: email }).click();
  await page.getByRole("button", { name: "Disable user" }).click();
  await expect(page.getByRole("status")).toHaveText("The user can no longer sign in.");
  await expect(await findRow(page, "/admin/users", email)).toContainText("Disabled");
  await their.goto("/overview");
  await expect(their).toHaveURL(/\/login/);
  const refused = await theirs.request.post(`${server.url}/api/sign_in`, { form: { email, password } });
  expect(refused.status()).toBe(401);

  await page.getByRole("link", { name: email }).click();
  await page.getByRole("button", { name: "Let the user sign in again" }).click();
  await expect(page.getByRole("status")).toHaveText("The user can sign in again.");
  await signIn({ email, password }, theirs);
  await theirs.close();
});

test("what is wrong with a user is said at its fields, and the password is not kept", async ({ page, installation, signIn }) => {
  const customer = await installation.customer();
  const taken = await installation.user({ role: "viewer", customer });
  await signIn("Operator");
  await openOffering(page, "/admin/users/new", customer);
  await page.getByLabel("Email").fill("nobody@nowhere");
  await page.getByLabel("Password").fill("short");
  await save(page);
  await expect(page.getByLabel("Role")).toHaveAccessibleDescription(/Choose a role/);
  await expect(page.getByLabel("Password")).toHaveAccessibleDescription(/12 characters/);
  await expect(page.getByLabel("Password")).toHaveValue("");

  await page.getByLabel("Email").fill(taken.email);
  await page.getByLabel("Role").selectOption({ value: "viewer" });
  await page.getByLabel("Password").fill("a long enough one");
  await save(page);
  await expect(page.getByLabel("Customer")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Customer").selectOption({ label: customer.name });
  await page.getByLabel("Password").fill("a long enough one");
  await save(page);
  await expect(page.getByLabel("Email")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Email")).toHaveValue(taken.email);
});

test("operators cannot lock themselves out", async ({ page, signIn }) => {
  const { email } = await signIn("Operator");
  const row = await findRow(page, "/admin/users", email);
  await expect(row).toContainText("You");
  await row.getByRole("link").click();
  await expect(page.getByRole("heading", { name: email })).toBeVisible();
  await expect(page.getByRole("button", { name: "Disable user" })).toHaveCount(0);
});

test("an operator creates a helpline, which partners get at once, and changes it", async ({ page, installation, signIn }) => {
  const api = await installation.api(installation.demoApplication("Lumen web"));
  const [id, name] = [unique("hl").replace(" ", "-"), unique("Night line")];
  await signIn("Operator");
  await open(page, "/admin/helplines/new");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Id", { exact: true }).fill(id);
  await page.getByLabel("Description").fill("Somebody listens.");
  await page.getByLabel("Country code").fill("is");
  await page.getByLabel("Country", { exact: true }).fill("Iceland");
  await page.getByLabel("Time zone").fill("Atlantic/Reykjavik");
  await page.getByLabel("Phone number").fill("+354 000 0000");
  await page.getByLabel("Topics").fill("Grief and loss\nSelf-harm | self_harm");
  await page.getByLabel("Languages").fill("is, en");
  await page.getByLabel("Monday").fill("09:00–12:30, 14:00–24:00");
  await save(page);
  await expect(page.getByRole("status")).toHaveText("Saved.");
  const [helpline] = (await api.helplines("IS")).filter((helpline) => helpline.id === id);
  expect(helpline).toMatchObject({ name, phoneNumber: "+354 000 0000", supported_languages: ["is", "en"] });
  expect(helpline.topics).toEqual([{ name: "Grief and loss", code: "grief_and_loss" }, { name: "Self-harm", code: "self_harm" }]);
  expect(helpline.hours.periods).toHaveLength(2);

  await page.getByRole("searchbox").fill(id);
  await page.getByRole("searchbox").press("Enter");
  await expect(page).toHaveURL(new RegExp(`search=${id}`));
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByRole("link", { name }).click();
  await expect(page.getByLabel("Id", { exact: true })).not.toBeEditable();
  await expect(page.getByLabel("Monday")).toHaveValue("09:00–12:30, 14:00–24:00");
  await page.getByLabel("Availability").selectOption("Limited");
  await page.getByLabel("Priority").check();
  await save(page);
  await expect(page.getByRole("status")).toHaveText("Saved.");
  const answer = await api.get(`/v1/helplines/${id}`);
  expect(answer.helpline).toMatchObject({ availability: "limited", priority: true, name });
});

test("what is wrong with a helpline is said at its fields, all at once", async ({ page, signIn }) => {
  await signIn("Operator");
  await open(page, "/admin/helplines/new");
  const entered = {
    Name: " ",
    Id: "not an id",
    "Country code": "X1",
    Country: "Nowhere",
    "Time zone": "Middle/Earth",
    "Web chat": "https://",
    Monday: "all day",
    Tuesday: "25:00–26:00",
  };
  for (const [label, text] of Object.entries(entered)) await page.getByLabel(label, { exact: true }).fill(text);
  // The browser would stop at the first; the server must know by itself.
  await page.locator("form[method=post]").last().evaluate((form) => (form.noValidate = true));
  await save(page);
  await expect(page).toHaveURL(/\/admin\/helplines\/new$/);
  await hydrated(page);
  for (const label of ["Name", "Id", "Country code", "Time zone", "Web chat", "Monday"]) {
    await expect(page.getByLabel(label, { exact: true }), label).toHaveAttribute("aria-invalid", "true");
  }
  for (const [label, text] of Object.entries(entered)) {
    await expect(page.getByLabel(label, { exact: true })).toHaveValue(text);
  }
  const links = page.getByRole("alert").getByRole("link");
  for (const link of await links.all()) {
    await expect(page.locator(await link.getAttribute("href")), "each fault leads to a field").toBeVisible();
  }
});

test("helplines are found by name, id and country, and come in pages", async ({ page, installation, signIn }) => {
  await signIn("Auditor");
  await open(page, "/admin/helplines");
  const names = () => page.getByRole("rowheader").getByRole("link").allInnerTexts();
  const first = await names();
  expect(first).toHaveLength(25);
  await page.getByRole("link", { name: "Next page" }).click();
  await expect(page).toHaveURL(/cursor=/);
  await expect(page.getByRole("rowheader").getByRole("link").first()).not.toHaveText(first[0]);
  const second = await names();
  expect(new Set([...first, ...second]).size, "no helpline twice").toBe(first.length + second.length);
  expect(first.length + second.length).toBeGreaterThanOrEqual(installation.demo.helplines);
  await page.getByRole("link", { name: "First page" }).click();
  await expect(page.getByRole("rowheader").getByRole("link").first()).toHaveText(first[0]);

  await page.getByRole("searchbox").fill("Nepal");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page).toHaveURL(/search=Nepal/);
  const api = await installation.api(installation.demoApplication("Lumen web"));
  const nepalese = (await api.helplines("NP")).map(({ name }) => name).sort();
  await expect.poll(async () => (await names()).sort()).toEqual(nepalese);
  await expect(page.getByRole("link", { name: "Next page" })).toHaveCount(0);
  await page.getByRole("searchbox").fill("nothing is called so");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByText("No helplines found")).toBeVisible();
});

test("long lists of customers come in pages", async ({ page, installation, signIn }) => {
  const mine = [];
  for (let i = 0; i < 26; i += 1) mine.push((await installation.customer({ name: unique("Paged") })).name);
  await signIn("Auditor");
  const next = page.getByRole("link", { name: "Next page" });
  // Processes of their own made the customers; the server hears of them within a second.
  await expect(async () => {
    const seen = [];
    await page.goto("/admin/customers");
    for (;;) {
      seen.push(...(await page.getByRole("rowheader").allInnerTexts()));
      if (!(await next.count())) break;
      await page.goto(await next.getAttribute("href"));
    }
    expect(new Set(seen).size, "no customer twice").toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(mine));
  }).toPass({ timeout: 20_000 });
  await expect(page.getByRole("link", { name: "First page" })).toBeVisible();
});
