// Whether the installation takes events in and its figures keep up.

import { click, display } from "../harness/api.js";
import { expect, expectStatus, open, test } from "../harness/fixtures.js";

test("an operator sees that events come in and figures keep up", async ({ page, installation, server, signIn }) => {
  const api = await installation.api(await installation.application(await installation.customer()));
  const [helpline] = await api.helplines("GB");
  await api.record([display(helpline, "one", Date.now() - 1000), click(helpline, "one")]);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  await signIn("Operator");
  await open(page, "/overview");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "System" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("System");
  await expect(page.getByText("Ready: events are taken in")).toBeVisible();
  const checks = page.getByRole("table", { name: "Checks" });
  await expect(checks.getByRole("rowheader")).toHaveText(["Database", "Tables", "Writing", "Figures"]);
  await expect(checks.getByText("Good", { exact: true })).toHaveCount(4);
  await expect(checks).toContainText("This process brings the figures up to date.");
  const measures = page.getByRole("list", { name: "Measures" }).getByRole("listitem");
  for (const measure of await measures.all()) {
    await expect(measure.locator(".card-value")).toHaveText(/^\d/);
    await expect(measure.getByRole("button")).toHaveAccessibleDescription(/\w+/);
  }

  const checked = page.locator(".page-sub strong");
  const before = await checked.innerText();
  expect(before).toMatch(/^\d+ \w{3} \d{4}, \d\d:\d\d:\d\d UTC$/);
  await expect(async () => {
    await page.getByRole("link", { name: "Check again" }).click();
    await expect(checked).not.toHaveText(before, { timeout: 500 });
  }).toPass();
});

for (const role of ["Viewer", "Customer admin", "Auditor"]) {
  test(`${role}: the system is none of the role's business`, async ({ page, signIn, complaints }) => {
    await signIn(role);
    await open(page, "/admin/system", 403);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Not for your role");
    await expect(page.getByRole("link", { name: "System" })).toHaveCount(0);
    expectStatus(complaints, 403);
  });
}
