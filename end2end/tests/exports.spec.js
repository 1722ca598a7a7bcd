// Exports and the audit log: requested on a page, made in the background, downloaded, on record.

import { readFileSync } from "node:fs";
import { expect, expectStatus, looksRight, open, test } from "../harness/fixtures.js";

const make = (page) => page.getByRole("button", { name: "Export", exact: true }).click();
const facts = (page, name) => page.locator("dl.facts > div").filter({ has: page.getByText(name, { exact: true }) }).locator("dd");

test("what is on the overview is exported, and the audit log tells by whom", async ({ page, signIn }) => {
  await signIn("Customer admin");
  await open(page, "/overview?country_code=GB");
  const from = await page.getByLabel("From").inputValue();
  await page.getByRole("link", { name: "Export", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("New export");
  await expect(page.getByLabel("First day")).toHaveValue(from);
  await expect(page.getByLabel("Country")).toHaveValue("GB");
  await make(page);
  // By itself: nobody presses anything.
  await expect(page.getByRole("link", { name: "Download CSV" })).toBeVisible({ timeout: 15_000 });
  await expect(facts(page, "Country")).toHaveText("GB");
  await expect(facts(page, "Version of the rules")).toHaveText("1");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download CSV" }).click()]);
  const lines = readFileSync(await file.path(), "utf8").trim().split("\r\n");
  expect(lines[0]).toMatch(/^date,/);
  await expect(facts(page, "Rows")).toHaveText(String(lines.length - 1));
  expect(file.suggestedFilename()).toMatch(/^reachline-days-v1-.*\.csv$/);
  const [manifest] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download Manifest" }).click()]);
  const { sha256, filters } = JSON.parse(readFileSync(await manifest.path(), "utf8"));
  expect(filters.country_code).toBe("GB");
  await expect(facts(page, "SHA-256")).toHaveText(sha256);

  await page.getByRole("link", { name: "Exports" }).first().click();
  const row = page.getByRole("row").filter({ hasText: "Daily figures" }).first();
  await expect(row).toContainText("Done");
  await expect(row).toContainText("admin@lumen.example");

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Audit log" }).click();
  for (const action of ["Requested an export", "Made an export", "Downloaded an export"]) {
    await expect(page.getByRole("row").filter({ hasText: action }).filter({ hasText: "admin@lumen.example" }).first()).toBeVisible();
  }
  const made = page.getByRole("row").filter({ hasText: "Made an export" }).filter({ hasText: sha256 });
  await made.getByLabel(/^Details: Made an export/).click();
  await expect(page.getByText(sha256)).toBeVisible();
});

test("what is wrong is said at its field, and viewers do not read the audit log", async ({ page, installation, signIn, complaints }) => {
  const customer = await installation.customer();
  await signIn(await installation.user({ role: "viewer", customer }));
  await open(page, "/exports");
  await expect(page.getByText("No exports yet")).toBeVisible();
  await page.getByRole("link", { name: "New export" }).click();
  await page.getByLabel("First day").fill("2026-10-02");
  await page.getByLabel("Last day").fill("2026-10-01");
  await page.getByLabel("Helpline").fill("no such thing");
  await make(page);
  await expect(page.getByLabel("Last day")).toHaveAccessibleDescription(/Must not lie before the first day/);
  await expect(page.getByLabel("Helpline")).toHaveValue("no such thing");
  await page.getByLabel("Last day").fill("2026-10-05");
  await page.getByLabel("Helpline").fill("");
  await page.getByLabel("Rows").selectOption("Raw events");
  await page.getByLabel("Format").selectOption("Parquet");
  await make(page);
  await expect(page.getByRole("link", { name: "Download Parquet" })).toBeVisible({ timeout: 15_000 });
  await expect(facts(page, "Rows")).toHaveText("0");
  await open(page, "/audit-log", 403);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Not for your role");
  expectStatus(complaints, 403);
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("an operator exports for a customer and reads the audit log of all", async ({ page, installation, signIn }) => {
    await signIn("Operator");
    const { customer_id } = installation.demoApplication("Lumen web");
    await page.goto("/exports");
    await expect(page.getByRole("link", { name: "New export" })).toHaveCount(0);
    await page.goto(`/exports/new?customer=${customer_id}`);
    await page.getByLabel("Rows").selectOption("Figures by helpline");
    await page.getByLabel("Format").selectOption("XLSX");
    await make(page);
    await expect(async () => {
      const again = page.getByRole("link", { name: "Look again" });
      if (await again.count()) await again.click();
      await expect(page.getByRole("link", { name: "Download XLSX" })).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 15_000 });
    // It is among those of all customers, with its customer's name.
    await page.goto("/exports");
    const made = page.getByRole("row").filter({ hasText: "Figures by helpline" }).first();
    await expect(made).toContainText("Lumen Chat");
    await made.getByRole("link").click();
    await expect(page.getByRole("link", { name: "Download XLSX" })).toBeVisible();
    await page.goto("/audit-log");
    const row = page.getByRole("row").filter({ hasText: "Figures by helpline" }).first();
    await expect(row).toContainText("operator@reachline.example");
    await expect(row).toContainText("Lumen Chat");
    // Narrowed to a kind of action, and to a customer: the address says both.
    await page.getByLabel("Kind of action").selectOption("Applications and secrets");
    await page.getByRole("combobox", { name: "Customer" }).selectOption("Lumen Chat");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(page).toHaveURL(new RegExp(`customer=${customer_id}&kind=applications`));
    await expect(page.getByLabel("Kind of action")).toHaveValue("applications");
    const actions = page.getByRole("row").filter({ hasText: "Added an application" });
    await expect(actions.first()).toContainText("command line");
    await expect(page.getByRole("row").filter({ hasText: "Requested an export" })).toHaveCount(0);
  });
});

test("the pages look right", async ({ page, signIn }) => {
  test.setTimeout(120_000);
  await signIn("Customer admin");
  await open(page, "/exports/new");
  await looksRight(page, "export-editor");
  await make(page);
  await expect(page.getByRole("link", { name: "Download CSV" })).toBeVisible({ timeout: 15_000 });
  await looksRight(page, "export");
  await open(page, "/exports");
  await looksRight(page, "exports");
  await open(page, "/audit-log");
  await looksRight(page, "audit-log");
});
