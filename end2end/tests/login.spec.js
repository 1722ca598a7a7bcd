// Coming in and going out.

import { randomUUID } from "node:crypto";
import { address, expect, expectStatus, hydrated, open, test } from "../harness/fixtures.js";

async function fill(page, { email, password }) {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a person signs in, is named in the header, and signs out", async ({ page, server, context }) => {
  const user = server.demo.logins.find(({ role }) => role === "Customer admin");
  await open(page, "/");
  await expect(page).toHaveURL(/\/login\?next=%2Foverview$/);
  await fill(page, user);
  await expect(page).toHaveURL(/\/overview$/);
  await hydrated(page);
  const account = page.getByRole("banner").locator("details");
  await expect(account.locator("summary")).toHaveText(/Signed in as .+Customer admin, Lumen Chat/);

  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });
  await account.locator("summary").click();
  await expect(account.getByText(user.email)).toBeVisible();
  await account.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByRole("status")).toHaveText("You are signed out.");
  await expect(page.getByRole("banner").locator("details")).toHaveCount(0);

  // The session has ended on the server: its cookie is worth nothing.
  await context.addCookies([cookie]);
  await page.goto("/overview");
  await expect(page).toHaveURL(/\/login/);
});

test("a wrong password and an unknown account are told in the same words", async ({ page, installation }) => {
  const customer = await installation.customer();
  const user = await installation.user({ role: "viewer", customer });
  const words = [];
  for (const email of [user.email, `${randomUUID()}@example.org`]) {
    await open(page, "/login");
    await fill(page, { email, password: "not the password" });
    const alert = page.getByRole("alert");
    await expect(alert).toContainText("The email or the password is not right.");
    words.push(await alert.innerText());
    await expect(page.getByLabel("Email"), "what was entered stays").toHaveValue(email);
    await expect(page.getByLabel("Password"), "but never a password").toHaveValue("");
    await expect(page).toHaveURL(/\/login/);
  }
  expect(words[1]).toBe(words[0]);
  await page.reload();
  await expect(page.getByRole("alert"), "told once").toHaveCount(0);
  await fill(page, user);
  await expect(page).toHaveURL(/\/overview$/);
});

test("many wrong passwords slow down one account and no other", async ({ page, installation, server }) => {
  const customer = await installation.customer();
  const [user, colleague] = [
    await installation.user({ role: "viewer", customer }),
    await installation.user({ role: "viewer", customer }),
  ];
  const attempt = () =>
    page.request.post(`${server.url}/api/sign_in`, { form: { email: user.email, password: "a guess at it" } });
  let status = 401;
  for (let guesses = 0; status === 401; guesses += 1) {
    expect(guesses, "guesses that were let through").toBeLessThan(20);
    status = (await attempt()).status();
  }
  expect(status).toBe(429);
  await open(page, "/login");
  // Even the right one is not tried now.
  await fill(page, user);
  await expect(page.getByRole("alert")).toContainText("Too many attempts");
  await expect(page.getByRole("alert")).toContainText(/Try again in \d+ minutes\./);
  await fill(page, colleague);
  await expect(page).toHaveURL(/\/overview$/);
});

test("whoever must sign in first is then brought to where they wanted to go", async ({ page, server }) => {
  const user = server.demo.logins.find(({ role }) => role === "Viewer");
  await open(page, "/overview?tier=sandbox&by=country");
  await expect(page).toHaveURL(/\/login\?next=/);
  await fill(page, user);
  await expect.poll(() => address(page)).toBe("/overview?tier=sandbox&by=country");
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();

  // Who is signed in needs no form for it.
  await page.goto("/login");
  await expect(page).toHaveURL(/\/overview$/);
});

test("a foreign address as destination is not followed", async ({ page, server }) => {
  const user = server.demo.logins.find(({ role }) => role === "Viewer");
  await open(page, "/login?next=https%3A%2F%2Fevil.example%2F");
  await fill(page, user);
  await expect.poll(() => page.url()).toBe(`${server.url}/overview`);
});

test("a session that ends meanwhile leads to the login and back", async ({ page, context, installation, signIn, complaints }) => {
  const customer = await installation.customer();
  const user = await signIn(await installation.user({ role: "viewer", customer }));
  await open(page, "/overview");
  await context.clearCookies();
  await page.getByRole("link", { name: "Applications" }).first().click();
  await expect(page).toHaveURL(/\/login\?next=%2Fapplications$/);
  await expect(page.getByLabel("Email")).toBeVisible();
  await fill(page, user);
  await expect(page).toHaveURL(/\/applications$/);
  await expect(page.getByRole("heading", { name: "Applications" })).toBeVisible();
  expectStatus(complaints, 401);
});

test("a person changes the password; other sessions end, this one goes on", async ({ page, browser, installation, signIn }) => {
  const customer = await installation.customer();
  const user = await signIn(await installation.user({ role: "viewer", customer }));
  const elsewhere = await browser.newContext();
  await signIn(user, elsewhere);
  await open(page, "/account");
  await expect(page.getByText(user.email).last()).toBeVisible();

  const change = async (current, next, again) => {
    await page.getByLabel("Current password").fill(current);
    await page.getByLabel("New password", { exact: true }).fill(next);
    await page.getByLabel("New password once more").fill(again);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await change("not the present one", "another few words", "another few words");
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("Current password")).toHaveAttribute("aria-invalid", "true");
  await change(user.password, "another few words", "something else here");
  await expect(page.getByLabel("New password once more")).toHaveAccessibleDescription(/not the same/);
  await change(user.password, "short", "short");
  await expect(page.getByLabel("New password", { exact: true })).toHaveAttribute("aria-invalid", "true");

  await change(user.password, "another few words", "another few words");
  await expect(page.getByRole("status")).toContainText("Your password is changed.");
  await page.goto("/overview");
  await expect(page).toHaveURL(/\/overview/);
  const other = await elsewhere.newPage();
  await other.goto(page.url());
  await expect(other).toHaveURL(/\/login/);
  await elsewhere.close();
  await page.context().clearCookies();
  await signIn({ ...user, password: "another few words" });
});
