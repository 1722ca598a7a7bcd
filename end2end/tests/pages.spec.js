// How every page looks: accessible (WCAG AA) in light and dark, nothing beyond the edge from 320 to 1920 pixels, and
// clean on paper. Leaves pictures in results/screenshots.

import { click, display } from "../harness/api.js";
import { expect, expectStatus, looksRight, open, picture, test } from "../harness/fixtures.js";

/** Pages by name: who opens them, where, and the status of the answer. */
const PAGES = {
  overview: ["Viewer", "/overview"],
  "overview-year": ["Operator", "/overview?from=2026-01-01&to=2027-01-01&by=country"],
  "overview-hours": ["Viewer", "/overview?interval=hour&figure=ctr&by=application"],
  "overview-filtered": ["Auditor", "/overview?country_code=GB&contact_method=phone&by=helpline"],
  "overview-sandbox": ["Customer admin", "/overview?tier=sandbox&by=contact_method"],
  applications: ["Customer admin", "/applications"],
  "applications-of-all": ["Auditor", "/applications"],
  account: ["Viewer", "/account"],
  customers: ["Operator", "/admin/customers"],
  "customer-new": ["Operator", "/admin/customers/new"],
  users: ["Operator", "/admin/users"],
  "user-new": ["Operator", "/admin/users/new"],
  helplines: ["Operator", "/admin/helplines"],
  "helpline-new": ["Operator", "/admin/helplines/new"],
  system: ["Operator", "/admin/system"],
  "not-found": ["Viewer", "/nothing", 404],
  forbidden: ["Viewer", "/admin/customers", 403],
  invalid: ["Viewer", "/overview?from=never&tier=gold", 422],
};

for (const [name, [role, path, status = 200]] of Object.entries(PAGES)) {
  test(`${name} looks right`, async ({ page, signIn, complaints }) => {
    await signIn(role);
    await open(page, path, status);
    await looksRight(page, name);
    expectStatus(complaints, 403, 404, 422);
  });
}

test("login looks right, also when it is refused", async ({ page }) => {
  await open(page, "/login");
  await looksRight(page, "login");
  await page.getByLabel("Email").fill("nobody@example.org");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await looksRight(page, "login-refused");
});

test("an overview without events looks right", async ({ page, installation, signIn }) => {
  const customer = await installation.customer();
  await signIn(await installation.user({ role: "customer_admin", customer }));
  await open(page, "/overview");
  await looksRight(page, "overview-empty");
  await open(page, "/applications");
  await looksRight(page, "applications-empty");
});

test("an overview with warnings and refusals looks right", async ({ page, installation, signIn }) => {
  const customer = await installation.customer({ name: "An organisation with quite a long name for its customers" });
  const api = await installation.api(await installation.application(customer, { name: "x".repeat(60) }));
  const [helpline] = await api.helplines("GB");
  await api.record(Array.from({ length: 20 }, (_, i) => click(helpline, `session ${i}`, Date.now() - i * 1000)));
  const good = display(helpline, "one");
  await api.post([{ ...good, helpline_id: "nowhere" }, { ...good, session_id: "tess@example.org" }, { ...good, timestamp: "now" }]);
  await signIn(await installation.user({ role: "viewer", customer, name: "Maximiliane von und zu Hohenstein-Ehrenfels" }));
  await open(page, "/overview?by=application");
  await page.getByText("Values as a table").click();
  await looksRight(page, "overview-warnings");
});

test("new credentials and faulty forms look right", async ({ page, installation, signIn }) => {
  const customer = await installation.customer();
  await signIn(await installation.user({ role: "customer_admin", customer }));
  await open(page, "/applications");
  await page.getByText("New application").click();
  await page.getByLabel("Name").fill("  ");
  await page.getByRole("button", { name: "Create application" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await looksRight(page, "application-faulty");
  await page.getByLabel("Name").fill("web");
  await page.getByRole("button", { name: "Create application" }).click();
  await expect(page.locator(".secret")).toBeVisible();
  await page.locator("summary", { hasText: "Revoke…" }).click();
  await looksRight(page, "application-secret");
});

test("a refused helpline looks right", async ({ page, signIn }) => {
  await signIn("Operator");
  await open(page, "/admin/helplines/new");
  await page.locator("form[method=post]").last().evaluate((form) => (form.noValidate = true));
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await looksRight(page, "helpline-faulty");
});

test("definitions and menus look right", async ({ page, signIn }) => {
  await signIn("Viewer");
  await open(page, "/overview");
  for (const [name, width] of [["wide", 1440], ["middle", 800], ["narrow", 360]]) {
    await page.setViewportSize({ width, height: 800 });
    for (const term of await page.locator(".term-word").all()) {
      await term.hover();
      const box = await page.locator(".term-definition:visible").boundingBox();
      expect(box.x, "the definition is on the screen").toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(width);
    }
    await page.getByRole("banner").locator("summary").click();
    const box = await page.locator(".account-menu").boundingBox();
    expect(box.x >= 0 && box.x + box.width <= width, "the menu is on the screen").toBe(true);
    await page.screenshot({ path: picture(`menu-${name}`) });
    await page.getByRole("banner").locator("summary").click();
  }
});

test("a printed overview has the figures and nothing to click", async ({ page, signIn }) => {
  await signIn("Viewer");
  await open(page, "/overview");
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  for (const hidden of [page.getByRole("banner").getByRole("navigation"), page.getByRole("banner").locator("summary"), page.locator(".toolbar"), page.getByRole("button", { name: "Show" }), page.getByRole("link", { name: "Download CSV" }).first()]) {
    await expect(hidden).toBeHidden();
  }
  await expect(page.locator(".page-sub")).toBeVisible();
  await expect(page.locator(".card-value").first()).toBeVisible();
  await expect(page.getByRole("img", { name: /^Reach by day/ })).toBeVisible();
  await expect(page.locator("#breakdown").getByRole("table")).toBeVisible();
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe("rgb(255, 255, 255)");
  await page.setViewportSize({ width: 720, height: 1020 });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow, "pixels beyond the right edge of the paper").toBeLessThanOrEqual(0);
  await page.screenshot({ path: picture("overview-print"), fullPage: true });
  const paper = await page.pdf({ format: "A4" });
  expect(paper.length).toBeGreaterThan(10_000);
});
