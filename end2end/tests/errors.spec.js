// Addresses that lead nowhere, servers that do not answer: people are told what to do.

import { randomUUID } from "node:crypto";
import { expect, expectStatus, hydrated, open, test } from "../harness/fixtures.js";

test("addresses that lead nowhere say so", async ({ page, signIn, complaints }) => {
  await open(page, "/nothing/here", 404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing here");
  await expect(page).toHaveTitle("Nothing here – Reachline");
  await signIn("Operator");
  for (const path of [
    `/admin/customers/${randomUUID()}`,
    "/admin/customers/nonsense",
    `/admin/users/${randomUUID()}`,
    "/admin/helplines/nowhere",
    `/overview?customer=${randomUUID()}`,
    "/applications?customer=nonsense",
    "/admin",
  ]) {
    await open(page, path, 404);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing here");
  }
  await page.getByRole("link", { name: "Go to the overview" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  expectStatus(complaints, 404);
});

test("an address that asks for nonsense says what is wrong with it, all at once", async ({ page, signIn, complaints }) => {
  await signIn("Viewer");
  await open(page, "/overview?from=tomorrow&tier=gold&country_code=Narnia&interval=decade", 422);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing to show for this address");
  const details = page.locator(".state-details li");
  await expect(details).toHaveCount(4);
  await expect(details.first()).toHaveText("from: Must be a date such as 2026-11-24.");
  await open(page, "/overview?from=1900-01-01&to=2026-01-01", 422);
  await expect(details).toHaveText([/^to: At most/]);
  await open(page, "/overview?cursor=%00%ff&by=country", 422);
  await expect(details).toHaveText(["cursor: This is not where a page starts."]);
  expectStatus(complaints, 422);
});

test("text from the address or a name never runs", async ({ page, installation, signIn, complaints }) => {
  const evil = "<img src=x onerror=document.title='owned'>";
  const customer = await installation.customer({ name: evil });
  await installation.application(customer, { name: evil });
  await signIn(await installation.user({ role: "customer_admin", customer, name: evil }));
  for (const path of ["/overview", "/applications", "/account"]) {
    await open(page, path);
    await expect(page.getByText(evil).first()).toBeVisible();
  }
  await open(page, `/overview?country_code=${encodeURIComponent(evil)}`, 422);
  await expect(page.locator("img")).toHaveCount(0);
  await expect(page).not.toHaveTitle("owned");
  expectStatus(complaints, 422);
});

test("while the server is out of reach, the page says so and recovers", async ({ page, signIn, complaints }) => {
  await signIn("Viewer");
  await open(page, "/overview");
  await page.route("**/api/pages/**", (route) => route.abort("connectionrefused"));
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Applications" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Out of reach for a moment");
  await page.unroute("**/api/pages/**");
  await page.getByRole("link", { name: "Go to the overview" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  expect(complaints.every((complaint) => complaint.includes("ERR_CONNECTION_REFUSED"))).toBe(true);
  complaints.length = 0;
});

test("a slow page shows that it is coming", async ({ page, signIn }) => {
  await signIn("Viewer");
  await open(page, "/overview");
  let answer;
  const held = new Promise((done) => (answer = done));
  await page.route("**/api/pages/overview*", async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("link", { name: "Last 7 days" }).click();
  await expect(page.locator(".pending")).toHaveClass(/is-pending/);
  await expect(page.getByRole("heading", { level: 1 }), "what was there stays readable").toHaveText("Overview");
  answer();
  await expect(page.getByRole("link", { name: "Last 7 days" })).toHaveAttribute("aria-current", "true");
  await expect(page.locator(".pending")).not.toHaveClass(/is-pending/);
});

test("files are for those who may see the figures", async ({ page, server, signIn }) => {
  const period = "from=2026-01-01&to=2026-01-02";
  for (const file of ["summary", "timeseries", "breakdown", "intake"]) {
    const answer = await page.request.get(`${server.url}/download/${file}.csv?${period}`, { maxRedirects: 0 });
    expect([answer.status(), answer.headers().location]).toEqual([303, "/login"]);
  }
  await signIn("Viewer");
  for (const file of ["summary", "timeseries", "breakdown", "intake"]) {
    const answer = await page.request.get(`${server.url}/download/${file}.csv?${period}`);
    expect(answer.status()).toBe(200);
    expect(answer.headers()["content-type"]).toContain("text/csv");
    expect((await page.request.get(`${server.url}/download/${file}.csv?from=never`)).status()).toBe(422);
  }
});

test("other sites cannot post a form in a person's name", async ({ page, server, signIn }) => {
  await signIn("Operator");
  for (const headers of [{ "Sec-Fetch-Site": "cross-site" }, { Origin: "https://evil.example" }]) {
    const form = { "form[name]": "planted", "form[time_zone]": "UTC" };
    const answer = await page.request.post(`${server.url}/api/save_customer`, { form, headers });
    expect(answer.status()).toBe(403);
  }
});

test("the site's files come compressed, may be kept for ever, and are few", async ({ page }) => {
  const answers = [];
  page.on("response", (answer) => new URL(answer.url()).pathname.startsWith("/assets/") && answers.push(answer));
  await page.goto("/login");
  await hydrated(page);
  let bytes = 0;
  for (const kind of ["js", "wasm", "css"]) {
    const answer = answers.find((answer) => answer.url().endsWith(`.${kind}`));
    expect(answer, kind).toBeTruthy();
    expect(answer.headers()["cache-control"]).toContain("immutable");
    bytes += Number(answer.headers()["content-length"]);
  }
  expect(bytes, "compressed bytes of script, wasm and style").toBeLessThanOrEqual(350 * 1024);
});
