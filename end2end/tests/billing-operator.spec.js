// What an operator does: price, try out, assign, issue.

import { display, unique } from "../harness/api.js";
import { expect, hydrated, open, openOffering, test } from "../harness/fixtures.js";

const MONTH = new Date().toISOString().slice(0, 7);

/** A customer with so many sessions in the running month, or in the last minutes of it. */
async function used(installation, sessions) {
  const customer = await installation.customer({ name: unique("Billed") });
  const api = await installation.api(await installation.application(customer));
  const [helpline] = await api.helplines("GB");
  await api.record(Array.from({ length: sessions }, (_, i) => display(helpline, `session ${i}`, Date.now() - i * 100)));
  return customer;
}

async function fill(page, fields) {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
}

const tier = (n, up_to, unit_price) => ({ [`Up to, tier ${n}`]: up_to, [`Unit price, tier ${n}`]: unit_price });

test("an operator tries out, creates and assigns a card, and issues a running month", async ({ page, installation, signIn }) => {
  const customer = await used(installation, 30);
  await signIn("Operator");
  await openOffering(page, "/admin/rate-cards/new", customer);
  const name = unique("Card");
  await fill(page, { Name: name, "Effective from": MONTH, Currency: "eur", Included: "10", "Base fee": "5", ...tier(1, "15", "0.5"), ...tier(2, "", "0.25") });
  await page.getByLabel("Tried out on").selectOption({ label: customer.name });
  await page.getByRole("button", { name: "Another tier" }).click();
  await expect(page.getByLabel("Up to, tier 4")).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue(name);
  await page.getByRole("button", { name: "Preview", exact: true }).last().click();
  const preview = page.getByRole("table", { name: /would have cost/ });
  // 5 and 15 at 0.5 and 5 at 0.25.
  await expect(preview.locator("tbody tr")).toHaveCount(1);
  await expect(preview.locator("tbody tr")).toContainText(/30 reach.*EUR\s13\.75/);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status").first()).toHaveText("Saved.");

  await page.getByRole("link", { name }).click();
  await hydrated(page);
  await expect(page.getByText("Not used yet")).toBeVisible();
  await page.getByText("Assign to a customer").click();
  await page.getByLabel("Customer", { exact: true }).selectOption({ label: customer.name });
  await page.getByLabel("From the month").selectOption({ value: MONTH });
  await page.getByRole("button", { name: "Assign" }).click();
  await expect(page.getByRole("status").first()).toHaveText("Assigned.");
  await page.getByRole("link", { name: customer.name }).click();
  await expect(page.locator(".card-value").first()).toHaveText(/EUR\s13\.75/);

  await page.getByRole("link", { name: "See how it comes about" }).click();
  await page.locator("summary", { hasText: "Issue…" }).click();
  await page.getByRole("button", { name: /^Issue the statement of/ }).click();
  await expect(page.getByRole("alert"), "it must be confirmed that the month still runs").toContainText("still runs");
  await page.getByLabel("Issue it before the month has ended").check();
  await page.getByRole("button", { name: /^Issue the statement of/ }).click();
  await expect(page.getByRole("status").first()).toHaveText("The statement is issued.");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Issued");
  await expect(page.getByText("Issue…")).toHaveCount(0);
  await expect(page.locator(".card").first()).toContainText(/EUR\s13\.75.*by operator@/);

  await page.getByRole("link", { name: `${name}, version 1` }).click();
  await expect(page.getByText("Used by statements")).toBeVisible();
  await expect(page.getByRole("link", { name: /^Change/ })).toHaveCount(0);
  await page.getByRole("link", { name: "New version" }).click();
  await fill(page, { "Effective from": MONTH });
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Effective from")).toHaveAccessibleDescription(/has been issued/);
});

test("what is wrong with a card is said at its fields, all at once, and nothing is saved", async ({ page, signIn }) => {
  await signIn("Operator");
  await open(page, "/admin/rate-cards/new");
  const name = unique("Faulty");
  await fill(page, { Name: name, Currency: "ZZZ", Included: "some", "Base fee": "-1", ...tier(1, "100", "0.0000001"), ...tier(2, "50", "0.1"), ...tier(3, "", "") });
  await page.getByRole("button", { name: "Save" }).click();
  await hydrated(page);
  for (const [label, words] of [
    ["Currency", /No currency of ISO 4217/],
    ["Included", /whole number/],
    ["Base fee", /not negative/],
    ["Unit price, tier 1", /At most 6 decimals/],
    ["Up to, tier 2", /overlap or go backwards/],
  ]) {
    await expect(page.getByLabel(label, { exact: true })).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByLabel(label, { exact: true })).toHaveAccessibleDescription(words);
  }
  await expect(page.getByLabel("Name")).toHaveValue(name);
  await page.getByRole("alert").getByRole("link", { name: /^Tier 2, up to/ }).click();
  await expect(page.getByLabel("Up to, tier 2")).toBeFocused();
  await page.getByRole("button", { name: "Preview", exact: true }).last().click();
  await expect(page.getByLabel("Tried out on")).toHaveAccessibleDescription(/Choose whose/);
  await open(page, "/admin/rate-cards");
  await expect(page.getByText(name)).toHaveCount(0);
});

test("all statements of a month are listed with totals, and issued one after the other", async ({ page, installation, signIn }) => {
  await signIn("Operator");
  await open(page, "/admin/statements");
  const row = page.getByRole("row").filter({ hasText: "Lumen Chat" });
  await expect(row).toContainText(/USD\s[\d,.]+/);
  await expect(row).toContainText("Issued");
  await expect(page.locator(".card", { hasText: "Total in USD" })).toBeVisible();
  await expect(page.locator(".card", { hasText: "Total in EUR" })).toBeVisible();

  // Customers whose last month can be issued: with a card from then on.
  const month = await page.locator("select#month").inputValue();
  const customers = [await installation.customer({ name: unique("Due") }), await installation.customer({ name: unique("Due") })];
  await openOffering(page, "/admin/rate-cards/new", customers[1]);
  const name = unique("Flat");
  await fill(page, { Name: name, "Effective from": month, Currency: "JPY", "Base fee": "100", ...tier(1, "", "1") });
  await page.getByRole("button", { name: "Save" }).click();
  for (const customer of customers) {
    await page.goto("/admin/rate-cards");
    await page.getByRole("link", { name }).click();
    await page.getByText("Assign to a customer").click();
    await page.getByLabel("Customer", { exact: true }).selectOption({ label: customer.name });
    await page.getByLabel("From the month").selectOption({ value: month });
    await page.getByRole("button", { name: "Assign" }).click();
    await expect(page.getByRole("link", { name: customer.name })).toBeVisible();
  }
  await open(page, `/admin/statements?month=${month}`);
  await expect(page.getByRole("row").filter({ hasText: customers[0].name })).toContainText(/JPY\s100.*Draft/);
  await page.getByRole("button", { name: `Issue the statement of ${customers[0].name}` }).click();
  await expect(page.getByRole("status").first()).toHaveText("The statement is issued.");
  await expect(page.getByRole("row").filter({ hasText: customers[0].name })).toContainText("Issued");
  await page.getByText("Issue all…").click();
  await page.getByRole("button", { name: /^Issue \d+ now$/ }).click();
  await expect(page.getByText(/\d+ statements? (was|were) issued\./)).toBeVisible();
  await expect(page).toHaveURL(/issued=\d+&refused=0/);
  await expect(page.getByRole("row").filter({ hasText: customers[1].name })).toContainText("Issued");
  await expect(page.getByText("No statement of this month waits to be issued.")).toBeVisible();
});
