// What each role sees, and what it is refused.

import { randomUUID } from "node:crypto";
import { expect, expectStatus, hydrated, open, test } from "../harness/fixtures.js";

const NAVIGATION = {
  Viewer: ["Overview", "Billing", "Reports", "Exports", "Alerts", "Applications"],
  "Customer admin": ["Overview", "Billing", "Reports", "Exports", "Alerts", "Applications", "Access links", "Audit log"],
  Auditor: ["Overview", "Billing", "Reports", "Exports", "Alerts", "Applications", "Customers", "Users", "Helplines", "Statements", "Rate cards", "Audit log"],
  Operator: ["Overview", "Billing", "Reports", "Exports", "Alerts", "Applications", "Access links", "Customers", "Users", "Helplines", "Statements", "Rate cards", "Audit log", "System"],
};
const ADMIN = ["customers", "users", "helplines"];

for (const [role, entries] of Object.entries(NAVIGATION)) {
  test(`${role}: the navigation shows what the role has, and each entry opens`, async ({ page, signIn }) => {
    await signIn(role);
    await open(page, "/overview");
    const navigation = page.getByRole("navigation", { name: "Main" });
    expect(await navigation.getByRole("link").allInnerTexts()).toEqual(entries);
    for (const entry of entries) {
      await navigation.getByRole("link", { name: entry }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(entry);
      await expect(page).toHaveTitle(`${entry} – Reachline`);
      await expect(navigation.getByRole("link", { name: entry })).toHaveAttribute("aria-current", "page");
    }
  });
}

for (const role of ["Viewer", "Customer admin"]) {
  test(`${role}: administration pages say that they are not for the role`, async ({ page, signIn, complaints }) => {
    await signIn(role);
    for (const path of ADMIN.flatMap((list) => [`/admin/${list}`, `/admin/${list}/new`, `/admin/${list}/${randomUUID()}`])) {
      await open(page, path, 403);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Not for your role");
      await expect(page.getByRole("table")).toHaveCount(0);
    }
    await page.getByRole("link", { name: "Go to the overview" }).click();
    await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
    expectStatus(complaints, 403);
  });
}

test("customers never see each other's data", async ({ page, installation, signIn, complaints, server }) => {
  const [mine, theirs] = [await installation.customer(), await installation.customer()];
  const application = await installation.application(theirs, { name: "theirs" });
  const id = theirs.id;
  await signIn(await installation.user({ role: "customer_admin", customer: mine }));
  for (const [path, status, title] of [
    [`/overview?customer=${id}`, 404, "Nothing here"],
    [`/applications?customer=${id}`, 404, "Nothing here"],
    [`/overview?application_id=${application.id}`, 422, "Nothing to show for this address"],
  ]) {
    await open(page, path, status);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
    await expect(page.getByText(theirs.name)).toHaveCount(0);
  }
  const file = await page.request.get(`${server.url}/download/summary.csv?customer=${id}&from=2026-01-01&to=2026-01-02`);
  expect(file.status()).toBe(404);
  const forms = {
    create_application: { customer: id, "form[name]": "x", "form[tier]": "sandbox" },
    rotate_application: { customer: id, application: application.id },
    revoke_application: { customer: mine.id, application: application.id },
  };
  for (const [call, form] of Object.entries(forms)) {
    const answer = await page.request.post(`${server.url}/api/${call}`, { form });
    expect([403, 404], call).toContain(answer.status());
  }
  await installation.api(application);
  expectStatus(complaints, 404, 422);
});

test("a viewer reads applications and changes none", async ({ page, installation, signIn, server }) => {
  const customer = await installation.customer();
  const { id } = await installation.application(customer, { name: "web" });
  await signIn(await installation.user({ role: "viewer", customer }));
  await open(page, "/applications");
  await expect(page.getByRole("heading", { name: "web" })).toBeVisible();
  await expect(page.getByText("New application")).toHaveCount(0);
  await expect(page.getByRole("main").getByRole("button")).toHaveCount(0);
  await expect(page.getByText("Revoke")).toHaveCount(0);
  const forms = {
    create_application: { customer: customer.id, "form[name]": "x", "form[tier]": "sandbox" },
    rotate_application: { customer: customer.id, application: id },
    revoke_application: { customer: customer.id, application: id },
  };
  for (const [call, form] of Object.entries(forms)) {
    expect((await page.request.post(`${server.url}/api/${call}`, { form })).status(), call).toBe(403);
  }
});

test("an auditor reads everything and changes nothing", async ({ page, installation, signIn, server }) => {
  const customer = await installation.customer();
  const application = await installation.application(customer);
  const user = await installation.user({ role: "viewer", customer });
  await signIn("Auditor");
  const [helpline] = await (await installation.api(application)).helplines("GB");
  for (const [path, call, form] of [
    [`/admin/customers/${customer.id}`, "save_customer", { customer: customer.id, "form[name]": "x", "form[time_zone]": "UTC" }],
    [`/admin/users/${user.id}`, "save_user", { user: user.id, "form[email]": "x@example.org", "form[role]": "operator" }],
    [`/admin/helplines/${helpline.id}`, "save_helpline", { helpline: helpline.id, "form[name]": "x" }],
  ]) {
    await open(page, path);
    const main = page.getByRole("main");
    await expect(main.getByRole("button", { name: "Save" })).toHaveCount(0);
    const fields = main.locator("input:not([type=hidden]), select, textarea");
    expect(await fields.count()).toBeGreaterThan(3);
    for (const field of await fields.all()) await expect(field).not.toBeEditable();
    expect((await page.request.post(`${server.url}/api/${call}`, { form })).status(), call).toBe(403);
  }
  for (const list of ADMIN) {
    await open(page, `/admin/${list}`);
    await expect(page.getByRole("link", { name: /^New / })).toHaveCount(0);
  }
  await open(page, `/applications?customer=${customer.id}`);
  await expect(page.getByRole("heading", { name: "web" })).toBeVisible();
  await expect(page.getByRole("main").getByRole("button")).toHaveCount(0);
  const disable = await page.request.post(`${server.url}/api/set_user_disabled`, { form: { user: user.id, disabled: "true" } });
  expect(disable.status()).toBe(403);
});

test("the overview of an operator covers all customers, or one", async ({ page, installation, signIn }) => {
  const [lumen, harbour] = ["Lumen web", "Harbour web"].map((name) => installation.demoApplication(name));
  const [ours, theirs] = [await installation.api(lumen), await installation.api(harbour)];
  await signIn("Operator");
  // Of this time there is only the demo's traffic: other journeys cannot post so far back.
  await open(page, "/overview?from=2000-01-01&to=2000-01-02");
  const today = await page.getByRole("navigation", { name: "Period" }).getByRole("link", { name: "Today" }).getAttribute("href");
  const day = Date.parse(new URL(today, page.url()).searchParams.get("from"));
  // Hours of several customers differ: a day is shown as one.
  await open(page, today);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  const date = (days) => new Date(day + days * 86_400_000).toISOString().slice(0, 10);
  const period = { from: date(-60), to: date(-40) };
  await open(page, `/overview?from=${period.from}&to=${period.to}`);
  await expect(page.getByText("days in each customer’s own time zone")).toBeVisible();
  const value = page.locator(".card-value").first();
  const [of_lumen, of_harbour] = [(await ours.summary(period)).figures, (await theirs.summary(period)).figures];
  const written = (n) => n.toLocaleString("en-GB");
  await expect(value).toHaveText(written(of_lumen.reach + of_harbour.reach));

  const chooser = page.locator("select#customer");
  await expect(chooser.locator("option:checked")).toHaveText("All customers");
  await chooser.selectOption({ label: "Harbour Social" });
  await expect(page).toHaveURL(new RegExp(`customer=${harbour.customer_id}`));
  await expect(value).toHaveText(written(of_harbour.reach));
  await expect(page.getByText("days in Europe/Berlin")).toBeVisible();
  await expect(chooser, "the chooser keeps the focus").toBeFocused();
  // The period and the customer stay while one looks around.
  await page.locator("#breakdown").getByRole("link", { name: "Countries", exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`customer=${harbour.customer_id}`));
  await chooser.selectOption({ label: "Lumen Chat" });
  await expect(value).toHaveText(written(of_lumen.reach));
  await page.goBack();
  await expect(value).toHaveText(written(of_harbour.reach));
  await expect(chooser.locator("option:checked")).toHaveText("Harbour Social");
  await hydrated(page);
});

test("nobody gets past the login without signing in", async ({ page, server }) => {
  for (const path of ["/overview", "/applications", "/account", "/admin/customers", "/admin/users/new", "/admin/helplines"]) {
    await page.goto(path);
    await expect(page).toHaveURL(`${server.url}/login?next=${encodeURIComponent(path)}`);
    await expect(page.getByRole("banner").getByRole("navigation")).toHaveCount(0);
  }
  const form = { "form[name]": "x", "form[time_zone]": "UTC" };
  expect((await page.request.post(`${server.url}/api/save_customer`, { form })).status()).toBe(401);
});
