// How the billing pages look: as those of pages.spec.js.

import { expect, looksRight, open, picture, test } from "../harness/fixtures.js";

/** The address of the demo's last statement that is issued. */
async function issued(page, customer = "") {
  await open(page, `/billing${customer}`);
  return page.getByRole("row").filter({ hasText: /Issued/ }).first().getByRole("link").getAttribute("href");
}

test("billing looks right", async ({ page, signIn }) => {
  await signIn("Viewer");
  await open(page, "/billing");
  await looksRight(page, "billing");
});

test("statements look right", async ({ page, installation, signIn }) => {
  await signIn("Viewer");
  await open(page, `${await issued(page)}?check=1`);
  await looksRight(page, "statement-issued");
  await signIn("Operator");
  const { customer_id } = installation.demoApplication("Lumen web");
  await open(page, `/billing?customer=${customer_id}`);
  await open(page, await page.getByRole("link", { name: "See how it comes about" }).getAttribute("href"));
  await page.locator("summary", { hasText: "Issue…" }).click();
  await page.getByText("The month after all, as a chart").click();
  await looksRight(page, "statement-running");
});

for (const step of ["not_unique", "received", "duplicates"]) {
  test(`what is behind ${step} looks right`, async ({ page, signIn }) => {
    await signIn("Viewer");
    await open(page, `${await issued(page)}/${step}`);
    await looksRight(page, `step-${step.replace("_", "-")}`);
  });
}

for (const [name, path] of [["statements", "/admin/statements"], ["billing-choice", "/billing"], ["rate-cards", "/admin/rate-cards"]]) {
  test(`operators' ${name} look right`, async ({ page, signIn }) => {
    await signIn("Operator");
    await open(page, path);
    await looksRight(page, name);
  });
}

test("operators' rate card looks right", async ({ page, signIn }) => {
  await signIn("Operator");
  await open(page, "/admin/rate-cards");
  const card = await page.getByRole("link", { name: "Lumen reach" }).getAttribute("href");
  await open(page, card);
  await page.getByText("Assign to a customer").click();
  await looksRight(page, "rate-card");
  await open(page, `${card}/versions/new`);
  await looksRight(page, "rate-card-version");
  await page.getByLabel("Unit price, tier 1").fill("0.0000001");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await looksRight(page, "rate-card-faulty");
});

test("a printed statement has its figures and nothing to click", async ({ page, signIn }) => {
  await signIn("Viewer");
  await open(page, await issued(page));
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  for (const hidden of [page.getByRole("link", { name: "PDF" }), page.getByRole("link", { name: /^Download/ }).first(), page.getByRole("link", { name: /^See which/ }).first(), page.getByRole("button", { name: "Recompute from events" })]) {
    await expect(hidden).toBeHidden();
  }
  await expect(page.getByRole("table", { name: /^Lines of/ })).toBeVisible();
  await expect(page.getByRole("table", { name: /^Waterfall of/ })).toBeVisible();
  await expect(page.getByRole("img", { name: /^Waterfall of/ })).toBeVisible();
  await page.setViewportSize({ width: 720, height: 1020 });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow, "pixels beyond the right edge of the paper").toBeLessThanOrEqual(0);
  await page.screenshot({ path: picture("statement-print"), fullPage: true });
});
