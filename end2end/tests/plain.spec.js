// The same dashboard in a browser that runs no script: links, forms, and nothing else.

import { requestToken, unique } from "../harness/api.js";
import { address, expect, parameters, test } from "../harness/fixtures.js";
import { cardsOf, count, download, periodOf, tableOf, written } from "../harness/read.js";

test.use({ javaScriptEnabled: false });

async function signInByForm(page, { email, password }) {
  await page.goto("/login");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("signing in and out", async ({ page, server }) => {
  const user = server.demo.logins.find(({ role }) => role === "Viewer");
  await page.goto("/overview?by=country");
  await expect.poll(() => address(page)).toMatch(/^\/login\?next=/);
  await signInByForm(page, { ...user, password: "not the password" });
  await expect(page.getByRole("alert")).toContainText("The email or the password is not right.");
  await signInByForm(page, user);
  await expect(page).toHaveURL(/\/overview$/);
  await page.getByRole("banner").locator("summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("status")).toHaveText("You are signed out.");
  await page.goto("/overview");
  await expect(page).toHaveURL(/\/login/);
});

test("the overview answers links and forms", async ({ page, installation, signIn }) => {
  const api = await installation.api(installation.demoApplication("Lumen web"));
  await signIn("Viewer");
  await page.goto("/overview");
  await page.getByRole("link", { name: "Last month" }).click();
  const period = await periodOf(page);
  expect(parameters(page)).toEqual(period);
  const { figures } = await api.summary(period);
  expect((await cardsOf(page)).Reach.value).toBe(count(figures.reach));

  await page.getByLabel("Figure of the chart").selectOption("Net clicks");
  await page.locator(".panel-actions").getByRole("button", { name: "Show" }).click();
  await expect(page.getByRole("heading", { name: "Net clicks over time" })).toBeVisible();
  await expect(page.getByRole("img", { name: /^Net clicks by day/ })).toBeVisible();
  await page.getByText("Values as a table").click();
  await expect(page.getByRole("table", { name: /all other figures/ })).toBeVisible();

  await page.getByRole("link", { name: "Countries", exact: true }).click();
  const expected = await api.breakdown({ ...period, by: "country", limit: 15 });
  const { rows } = await tableOf(page.locator("#breakdown table"));
  expect(rows).toEqual(expected.rows.map((row) => [row.name, ...written(row.figures)]));
  const file = await download(page, page.locator("#breakdown").getByRole("link", { name: "Download CSV" }));
  expect(file.rows).toHaveLength(rows.length + 1);

  await page.locator("#breakdown").getByRole("rowheader").getByRole("link").first().click();
  await expect(page.getByRole("list", { name: "Filters" })).toContainText(`Country: ${rows[0][0]}`);
  await page.getByLabel("From").fill("2026-01-10");
  await page.getByLabel("to", { exact: true }).fill("2026-01-01");
  await page.locator(".dates").getByRole("button", { name: "Show" }).click();
  await expect.poll(() => parameters(page)).toMatchObject({ from: "2026-01-01", to: "2026-01-11", country_code: expected.rows[0].key });
});

test("an operator chooses a customer", async ({ page, installation, signIn }) => {
  await signIn("Operator");
  await page.goto("/overview");
  await page.locator("select#customer").selectOption({ label: "Lumen Chat" });
  await page.locator(".page-actions").getByRole("button", { name: "Show" }).click();
  await expect(page).toHaveURL(new RegExp(`customer=${installation.demoApplication("Lumen web").customer_id}`));
  await expect(page.getByText("days in America/New_York")).toBeVisible();
});

test("applications are created, rotated and revoked", async ({ page, installation, server, signIn }) => {
  const customer = await installation.customer();
  await signIn(await installation.user({ role: "customer_admin", customer }));
  const works = async (credentials) => (await requestToken(server.url, credentials)).status;
  const secret = async () => {
    const [client_id, client_secret] = await page.locator(".secret code").allInnerTexts();
    return { client_id, client_secret };
  };
  await page.goto("/applications");
  await page.getByText("New application").click();
  await page.getByLabel("Name").fill("  ");
  await page.getByRole("button", { name: "Create application" }).click();
  await expect(page.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Name").fill("plain");
  await page.getByRole("button", { name: "Create application" }).click();
  const first = await secret();
  await expect(page.getByRole("button", { name: /Copy/ }), "what needs script is not offered").toHaveCount(0);
  await page.getByRole("button", { name: "New secret" }).click();
  const second = await secret();
  expect([await works(first), await works(second)]).toEqual([200, 200]);
  await page.reload();
  await expect(page.locator(".secret")).toHaveCount(0);
  await page.locator("summary", { hasText: "Revoke…" }).click();
  await page.getByRole("button", { name: "Revoke plain" }).click();
  await expect(page.getByText("None is valid")).toBeVisible();
  await expect.poll(() => works(second)).toBe(401);
});

test("customers and users are created and changed", async ({ page, installation, signIn }) => {
  await signIn("Operator");
  await page.goto("/admin/customers/new");
  const name = unique("Plain");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Time zone").fill("Nowhere/At all");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Time zone")).toHaveAccessibleDescription(/No IANA time zone/);
  await expect(page.getByLabel("Name")).toHaveValue(name);
  await page.getByLabel("Time zone").fill("Asia/Tokyo");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("Saved.");

  const password = "a long enough one";
  const email = `${unique("plain").replace(" ", "-")}@example.org`;
  await page.goto("/admin/users/new");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Role").selectOption({ value: "viewer" });
  await page.getByLabel("Customer").selectOption({ label: name });
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toHaveText("Saved.");
  const user = (await installation.command(["user", "list"])).items.find((user) => user.email === email);
  await page.goto(`/admin/users/${user.id}`);
  await page.getByRole("button", { name: "Disable user" }).click();
  await expect(page.getByRole("status")).toHaveText("The user can no longer sign in.");

  await page.goto("/admin/helplines");
  await page.getByRole("searchbox").fill("Ireland");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByRole("rowheader").first()).toBeVisible();
  await page.getByRole("rowheader").first().getByRole("link").click();
  await expect(page.getByLabel("Country code")).toHaveValue("IE");
});
