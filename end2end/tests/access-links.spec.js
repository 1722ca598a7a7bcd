// Links for auditors who have no account: made, handed over, opened, read with, and ended.

import { expect, looksRight, test, watch } from "../harness/fixtures.js";

/** Sends the form of a new link and answers the address that is shown. */
async function make(page, name, days) {
  await page.getByText("New link").click();
  await page.getByLabel("For whom").fill(name);
  if (days !== undefined) await page.getByLabel("Valid for days").fill(days);
  await page.getByRole("button", { name: "Make link" }).click();
  return page.locator(".secret code");
}

/** A browser of somebody else, who has no account, and what it complains of. */
async function stranger(browser, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [];
  watch(page, complaints);
  return { context, page, complaints };
}

const row = (page, name) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("an admin makes a link, an auditor reads with it, and is out when it is revoked", async ({ page, browser, baseURL, installation, signIn }) => {
    const customer = await installation.customer({ name: "Quay & Sons" });
    await signIn(await installation.user({ role: "customer_admin", customer }));
    await page.goto("/access-links");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Access links");
    await expect(page.getByText("No access links")).toBeVisible();
    const link = await make(page, "Ada Count", "7");
    const url = await link.innerText();
    expect(url).toMatch(new RegExp(`^${baseURL}/access/rll_[\\w-]{43}$`));
    await expect(page.getByRole("status")).toHaveText("The link is valid now.");
    await expect(page.locator(".secret")).toContainText("It is shown this once");
    await expect(row(page, "Ada Count")).toContainText("Valid");
    await expect(row(page, "Ada Count")).toContainText("Not yet");
    await page.reload();
    await expect(page.locator(".secret"), "shown this once").toHaveCount(0);
    expect(await page.content()).not.toContain(url);

    const { context, page: theirs } = await stranger(browser, { baseURL, javaScriptEnabled: false });
    const requests = [];
    theirs.on("request", (request) => requests.push(request.allHeaders()));
    await theirs.goto(url);
    await expect(theirs.getByRole("heading", { level: 1 })).toHaveText("Read-only access");
    await expect(theirs.getByText("Quay & Sons")).toBeVisible();
    expect(await context.cookies(), "looking opens nothing").toEqual([]);
    await theirs.getByRole("button", { name: "Open" }).click();
    await expect(theirs).toHaveURL(`${baseURL}/overview`);
    const referers = (await Promise.all(requests)).map(({ referer }) => referer).filter(Boolean);
    expect(referers, "the button's request says where it is from").toContain(`${baseURL}/`);
    expect(referers.filter((referer) => referer.includes("rll_")), "the token is told to nobody").toEqual([]);
    const banner = theirs.getByRole("banner");
    await expect(banner).toContainText("Ada Count");
    await expect(banner).toContainText(/Link until \d{1,2} \w{3} \d{4}, \d\d:\d\d \(UTC\)/);
    for (const name of ["Billing", "Reports", "Alerts", "Applications"]) {
      await banner.getByRole("link", { name }).click();
      await expect(theirs.getByRole("heading", { level: 1 })).toHaveText(name);
      await expect(theirs.getByText(/^New /)).toHaveCount(0);
    }
    await expect(banner.getByRole("link", { name: "Access links" })).toHaveCount(0);
    await theirs.goto("/account");
    await expect(theirs.getByText("Ada Count").last()).toBeVisible();
    await expect(theirs.locator("input[type=password]")).toHaveCount(0);
    const form = { customer: customer.id, "form[name]": "planted", "form[tier]": "sandbox" };
    expect((await context.request.post("/api/create_application", { form })).status(), "a change is refused").toBe(403);
    for (const [path, status] of [["/access-links", 403], ["/admin/users", 403]]) {
      expect((await theirs.goto(path)).status(), path).toBe(status);
    }

    await page.reload();
    await expect(row(page, "Ada Count")).not.toContainText("Not yet");
    await row(page, "Ada Count").getByText("Revoke…").click();
    await row(page, "Ada Count").getByRole("button", { name: "Revoke the link for Ada Count" }).click();
    await expect(page.getByRole("status")).toContainText("The link is revoked.");
    await expect(row(page, "Ada Count")).toContainText("Revoked");
    await expect(row(page, "Ada Count").getByRole("button")).toHaveCount(0);
    await theirs.goto("/overview");
    await expect(theirs, "out at the next click").toHaveURL(/\/login\?next=%2Foverview$/);
    await expect(theirs.getByText("You came by an access link?")).toBeVisible();
    expect((await theirs.goto(url)).status()).toBe(404);
    await expect(theirs.getByRole("heading", { level: 1 })).toHaveText("This link opens nothing");
    await context.close();
  });

  test("what is wrong with a new link is said at its field", async ({ page, installation, signIn }) => {
    const customer = await installation.customer();
    await signIn(await installation.user({ role: "customer_admin", customer }));
    await page.goto("/access-links");
    await expect(page.getByLabel("Valid for days")).toHaveValue("14");
    await make(page, "  ", "91");
    for (const label of ["For whom", "Valid for days"]) await expect(page.getByLabel(label)).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByLabel("Valid for days")).toHaveValue("91");
    await expect(page.getByLabel("Valid for days")).toHaveAccessibleDescription(/from 1 to 90/);
    await page.getByLabel("For whom").fill("<script>alert(1)</script>");
    await page.getByLabel("Valid for days").fill("90");
    await page.getByRole("button", { name: "Make link" }).click();
    await expect(row(page, "<script>alert(1)</script>")).toContainText("Valid");
  });

  test("an operator makes links to one customer and to all", async ({ page, browser, baseURL, installation, signIn }) => {
    const [lumen] = ["Lumen web"].map((name) => installation.demoApplication(name));
    await signIn("Operator");
    await page.goto("/access-links");
    await page.locator("select#customer").selectOption({ label: "Lumen Chat" });
    await page.locator(".page-actions").getByRole("button", { name: "Show" }).click();
    await expect(page).toHaveURL(new RegExp(`customer=${lumen.customer_id}`));
    await make(page, "Auditor of one");
    await expect(page.locator(".secret")).toContainText("Lumen Chat");
    await page.goto("/access-links");
    const link = await make(page, "Auditor of all");
    const url = await link.innerText();
    await expect(page.locator(".secret")).toContainText("All customers");
    await expect(row(page, "Auditor of one")).toContainText("Lumen Chat");
    await expect(row(page, "Auditor of all")).toContainText("All customers");

    const { context, page: theirs } = await stranger(browser, { baseURL, javaScriptEnabled: false });
    await signIn("Viewer", context);
    await theirs.goto(url);
    await expect(theirs.getByText("You are signed in here as")).toBeVisible();
    await theirs.goto("/account");
    await expect(theirs.getByLabel("Current password"), "still the viewer").toBeVisible();
    await theirs.goto(url);
    await theirs.getByRole("button", { name: "Open" }).click();
    for (const list of ["Customers", "Users", "Helplines", "Statements", "Rate cards"]) {
      await theirs.getByRole("banner").getByRole("link", { name: list }).click();
      await expect(theirs.getByRole("heading", { level: 1 })).toHaveText(list);
    }
    await expect(theirs.getByRole("main").getByRole("link", { name: /^New / })).toHaveCount(0);
    // An auditor's work: count a statement again.
    await theirs.goto(`/billing?customer=${lumen.customer_id}`);
    await theirs.getByRole("row").filter({ hasText: /Issued/ }).first().getByRole("link").click();
    await theirs.getByRole("button", { name: "Recompute from events" }).click();
    await expect(theirs.getByText("Equal, step by step")).toBeVisible();

    await theirs.getByRole("banner").locator("summary").click();
    await theirs.getByRole("banner").getByRole("button", { name: "Leave" }).click();
    await expect(theirs.getByRole("status")).toHaveText("You are signed out.");
    await context.close();
  });
});

test("the pages of links look right", async ({ page, browser, baseURL, installation, signIn, complaints }) => {
  const customer = await installation.customer({ name: "The Society of Quite Long Titles, Incorporated", timeZone: "America/Argentina/Buenos_Aires" });
  const by = ["access-link", "create", "--customer", customer.id, "--name"];
  const long = "Somebody of an office of auditors with a name of no less than a hundred characters, which is the most";
  await signIn(await installation.user({ role: "customer_admin", customer }));
  await page.goto("/access-links");
  await looksRight(page, "access-links-none");
  const revoked = await installation.command([...by, "Bo Revoked"]);
  await installation.command(["access-link", "revoke", revoked.id]);
  const { url } = await installation.command([...by, long.slice(0, 100)]);
  await make(page, "Ada Count");
  await expect(page.locator(".secret")).toBeVisible();
  await row(page, "Ada Count").getByText("Revoke…").click();
  await looksRight(page, "access-links");
  await page.getByText("New link").click();
  await looksRight(page, "access-links-form");

  const { context, page: theirs, complaints: theirComplaints } = await stranger(browser, { baseURL });
  await theirs.goto(url);
  await looksRight(theirs, "access-link");
  await theirs.getByRole("button", { name: "Open" }).click();
  await expect(theirs).toHaveURL(/\/overview$/);
  await looksRight(theirs, "access-link-overview");
  await theirs.goto("/account");
  await looksRight(theirs, "access-link-account");
  await theirs.goto(`${url}x`);
  await looksRight(theirs, "access-link-none");
  expect(theirComplaints.filter((complaint) => !complaint.includes("status of 404"))).toEqual([]);
  await context.close();
});
