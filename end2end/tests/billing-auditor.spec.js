// What an auditor comes for: that a statement is what the events say.

import { expect, hydrated, open, test } from "../harness/fixtures.js";

test("an auditor counts a statement again, and changes nothing", async ({ page, signIn, server }) => {
  await signIn("Auditor");
  await open(page, "/billing");
  await expect(page.getByText("Whose bills?")).toBeVisible();
  await page.locator("select#customer").selectOption({ label: "Harbour Social" });
  await expect(page.getByText("months in Europe/Berlin")).toBeVisible();
  await page.getByRole("row").filter({ hasText: /Issued/ }).first().getByRole("link").click();
  await expect(page).toHaveURL(/\/billing\/\d{4}-\d\d\?customer=/);
  await hydrated(page);
  const steps = page.locator("table.waterfall");
  const before = await steps.innerText();
  await page.getByRole("button", { name: "Recompute from events" }).click();
  await expect(page.getByText("Equal, step by step")).toBeVisible();
  await expect(page).toHaveURL(/check=1/);
  expect(await steps.innerText()).toBe(before);
  await expect(page.getByText("Issue…")).toHaveCount(0);

  await page.getByRole("link", { name: /Harbour displays, version 1/ }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Harbour displays");
  for (const text of ["New version", "Assign to a customer"]) await expect(page.getByText(text)).toHaveCount(0);
  await open(page, "/admin/statements");
  await expect(page.getByText("Issue all…")).toHaveCount(0);
  await expect(page.getByRole("main").getByRole("button", { name: /^Issue/ })).toHaveCount(0);
  const month = await page.locator("select#month").inputValue();
  for (const [call, form] of [
    ["issue_statements", { month }],
    ["issue_statement", { month, customer: server.demo.applications[0].customer_id }],
    ["save_rate_card", { action: "save", "form[name]": "x" }],
    ["assign_rate_card", { page_of: "x", "form[customer]": server.demo.applications[0].customer_id, "form[from]": month }],
  ]) {
    expect((await page.request.post(`${server.url}/api/${call}`, { form })).status(), call).toBe(403);
  }
});
