// Billing in a browser that runs no script.

import { unique } from "../harness/api.js";
import { expect, test } from "../harness/fixtures.js";

test.use({ javaScriptEnabled: false });

test("a viewer goes from the bill to the events and filters them", async ({ page, signIn }) => {
  await signIn("Viewer");
  await page.goto("/billing");
  await page.getByRole("row").filter({ hasText: /Issued/ }).first().getByRole("link").click();
  await page.getByRole("button", { name: "Recompute from events" }).click();
  await expect(page.getByText("Equal, step by step")).toBeVisible();
  await page.getByRole("link", { name: "See which: Repeats" }).click();
  await page.getByRole("combobox", { name: "Application" }).selectOption({ index: 1 });
  await page.locator("form.filters").getByRole("button", { name: "Show" }).click();
  await expect(page.getByRole("list", { name: "Filters" })).toContainText("Application: ");
  await page.getByRole("link", { name: "Next page" }).click();
  await expect(page.getByRole("link", { name: "First page" })).toBeVisible();
  await expect(page.locator("#events tbody tr").first()).toContainText("Followed by another display");
});

test("an operator makes a card, tries it out and issues all that is due", async ({ page, installation, signIn }) => {
  const customer = await installation.customer({ name: unique("Plain") });
  await signIn("Operator");
  await expect(async () => {
    await page.goto("/admin/rate-cards/new");
    await expect(page.locator("option", { hasText: customer.name })).toBeAttached({ timeout: 200 });
  }).toPass();
  const name = unique("Plain card");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Currency").fill("XXL");
  await page.getByLabel("Base fee").fill("7");
  await page.getByLabel("Unit price, tier 1").fill("1");
  await page.getByLabel("Tried out on").selectOption({ label: customer.name });
  await page.getByRole("button", { name: "Preview" }).last().click();
  await expect(page.getByLabel("Currency")).toHaveAccessibleDescription(/No currency/);
  await page.getByLabel("Currency").fill("CHF");
  await page.getByRole("button", { name: "Preview" }).last().click();
  await expect(page.getByRole("table", { name: /would have cost/ })).toContainText(/CHF\s7\.00/);
  await page.goto("/admin/statements");
  const month = await page.locator("select#month").inputValue();
  await page.goto("/admin/rate-cards/new");
  for (const [label, value] of [["Name", name], ["Effective from", month], ["Currency", "CHF"], ["Base fee", "7"], ["Unit price, tier 1", "1"]]) {
    await page.getByLabel(label).fill(value);
  }
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("Saved.");
  await page.getByRole("link", { name }).click();
  await page.getByText("Assign to a customer").click();
  await page.getByRole("button", { name: "Assign" }).click();
  await expect(page.getByLabel("Customer", { exact: true })).toHaveAccessibleDescription(/Choose a customer/);
  await page.getByLabel("Customer", { exact: true }).selectOption({ label: customer.name });
  await page.getByLabel("From the month").selectOption({ value: month });
  await page.getByRole("button", { name: "Assign" }).click();
  await expect(page.getByRole("status")).toHaveText("Assigned.");
  await page.goto(`/admin/statements?month=${month}`);
  await page.getByText("Issue all…").click();
  await page.getByRole("button", { name: /^Issue \d+ now$/ }).click();
  await expect(page.getByText(/issued\.$/).first()).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: customer.name })).toContainText("Issued");
});
