// Credentials in the hands of a customer's admin.

import { requestToken } from "../harness/api.js";
import { expect, hydrated, open, openOffering, test } from "../harness/fixtures.js";

const card = (page, name) => page.getByRole("listitem").filter({ has: page.getByRole("heading", { name, exact: true }) });

async function secretOf(page) {
  const notice = page.locator(".secret");
  await expect(notice).toContainText("The secret is shown this once");
  const [client_id, client_secret] = await notice.locator("code").allInnerTexts();
  return { client_id, client_secret };
}

async function create(page, name, tier) {
  await page.getByText("New application").click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Tier").selectOption({ value: tier });
  await page.getByRole("button", { name: "Create application" }).click();
}

test("an admin creates an application, rotates its secret and revokes it", async ({ page, context, installation, server, signIn }) => {
  const customer = await installation.customer();
  await signIn(await installation.user({ role: "customer_admin", customer }));
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, "/applications");
  await expect(page.getByText("No applications")).toBeVisible();

  await create(page, "web", "sandbox");
  await expect(page.getByRole("status")).toHaveText("The new secret is valid now.");
  const first = await secretOf(page);
  await hydrated(page);
  await page.getByRole("button", { name: "Copy client secret" }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(first.client_secret);
  const works = async (credentials) => (await requestToken(server.url, credentials)).status;
  expect(await works(first)).toBe(200);

  const application = card(page, "web");
  await expect(application).toContainText("Sandbox");
  await expect(application).toContainText("Active");
  await expect(application).toContainText(first.client_id);
  await page.reload();
  await hydrated(page);
  await expect(page.locator(".secret"), "shown this once").toHaveCount(0);
  await expect(page.getByText(first.client_secret)).toHaveCount(0);

  await application.getByRole("button", { name: "New secret" }).click();
  const second = await secretOf(page);
  expect(second.client_id).toBe(first.client_id);
  expect(second.client_secret).not.toBe(first.client_secret);
  expect(await works(first), "two secrets are valid while programs change over").toBe(200);
  expect(await works(second)).toBe(200);
  await expect(application).toContainText("Two secrets are valid.");
  await expect(application.getByRole("button", { name: "New secret" })).toHaveCount(0);

  const ending = first.client_secret.slice(-4);
  await application.getByRole("button", { name: `Revoke the secret that ends in ${ending}` }).click();
  await expect(page.getByRole("status")).toHaveText("The secret and its tokens are revoked.");
  await expect.poll(() => works(first)).toBe(401);
  expect(await works(second)).toBe(200);

  const api = await installation.api(second);
  await hydrated(page);
  await application.locator("summary", { hasText: "Revoke…" }).click();
  await expect(application).toContainText("This cannot be undone.");
  await application.getByRole("button", { name: "Revoke web" }).click();
  await expect(page.getByRole("status")).toHaveText("The application is revoked.");
  await expect(application).toContainText("Revoked");
  await expect(application.getByRole("button")).toHaveCount(0);
  await expect.poll(() => works(second)).toBe(401);
  // Its tokens end as well.
  const status = async () => (await fetch(`${server.url}/v1/topics`, { headers: api.headers() })).status;
  await expect.poll(status).toBe(401);
});

test("what is wrong with a new application is said at its field, and nothing is lost", async ({ page, installation, signIn }) => {
  const customer = await installation.customer();
  await signIn(await installation.user({ role: "customer_admin", customer }));
  await open(page, "/applications");
  await create(page, "   ", "production");
  const name = page.getByLabel("Name");
  await expect(page.getByRole("alert")).toContainText("Please check what you entered");
  await expect(name).toBeVisible();
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Tier")).toHaveValue("production");
  await hydrated(page);
  await page.getByRole("alert").getByRole("link").click();
  await expect(name, "the summary leads to the field").toBeFocused();
  await name.fill("x".repeat(500));
  await page.getByRole("button", { name: "Create application" }).click();
  await expect(name).toHaveAttribute("aria-invalid", "true");
  await name.fill("<script>alert(1)</script>");
  await page.getByRole("button", { name: "Create application" }).click();
  await expect(card(page, "<script>alert(1)</script>")).toContainText("Production");
});

test("an operator chooses a customer and manages its applications", async ({ page, installation, server, signIn }) => {
  const customer = await installation.customer();
  await signIn("Operator");
  await openOffering(page, "/applications", customer);
  await expect(page.getByText("Choose a customer to create or change applications.")).toBeVisible();
  await page.locator("select#customer").selectOption({ label: customer.name });
  await expect(page).toHaveURL(`${server.url}/applications?customer=${customer.id}`);
  await create(page, "made by the operator", "production");
  expect((await requestToken(server.url, await secretOf(page))).status).toBe(200);
  await expect(page.locator("select#customer option:checked")).toHaveText(customer.name);
  await expect(card(page, "made by the operator")).toBeVisible();
  await page.goBack();
  await expect(page.locator(".secret"), "the history keeps no secret").toHaveCount(0);
});

test("long lists of applications come in pages", async ({ page, installation, signIn }) => {
  const customer = await installation.customer();
  const names = Array.from({ length: 27 }, (_, i) => `application ${i + 1}`);
  const create = (name) => ["application", "create", "--customer", customer.id, "--tier", "sandbox", "--name", name];
  for (const name of names.slice(1)) await installation.command(create(name));
  await installation.application(customer, { name: names[0] });
  await signIn(await installation.user({ role: "viewer", customer }));
  await open(page, "/applications");
  const shown = () => page.getByRole("heading", { level: 2 }).allInnerTexts();
  const first = await shown();
  expect(first).toHaveLength(25);
  await page.getByRole("link", { name: "Next page" }).click();
  await expect(page.getByRole("heading", { level: 2 })).toHaveCount(2);
  expect([...first, ...(await shown())].sort()).toEqual(names.sort());
  await page.getByRole("link", { name: "First page" }).click();
  await expect(page.getByRole("heading", { level: 2 })).toHaveCount(25);
});
