// Everything by keyboard alone, in the order in which it is read, with the focus in sight.

import { address, expect, hydrated, open, test } from "../harness/fixtures.js";

/** Presses Tab until the focus has been everywhere; answers what had it, in order. */
async function walk(page) {
  const stops = [];
  await page.evaluate(() => document.body.focus());
  for (;;) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body || element.dataset.walked) return null;
      element.dataset.walked = "1";
      const { top, left, width, height } = element.getBoundingClientRect();
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const name = element.ariaLabel || element.labels?.[0]?.innerText || element.innerText || element.name;
      const isShown = outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
      return { name: name.trim().split("\n")[0], top: top + scrollY, left, isSeen: width > 0 && height > 0 && isShown, tag: element.tagName };
    });
    if (!stop) return stops;
    stops.push(stop);
    expect(stops.length, "stops of the focus").toBeLessThan(200);
  }
}

test("signing in takes the keyboard alone", async ({ page, server }) => {
  const user = server.demo.logins.find(({ role }) => role === "Viewer");
  await open(page, "/login");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Reachline" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.type(user.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(user.password);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/overview$/);
});

test("the skip link leads to the content", async ({ page, signIn }) => {
  await signIn("Viewer");
  await open(page, "/overview");
  const skip = page.getByRole("link", { name: "Skip to content" });
  await page.keyboard.press("Tab");
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("navigation", { name: "Tier" }).getByRole("link").first()).toBeFocused();
});

for (const [path, role] of [["/overview", "Operator"], ["/applications", "Customer admin"], ["/admin/helplines/new", "Operator"], ["/admin/users", "Operator"]]) {
  test(`the focus goes over ${path} as one reads it, and shows`, async ({ page, signIn }) => {
    await signIn(role);
    await open(page, path);
    const stops = await walk(page);
    expect(stops.length).toBeGreaterThan(8);
    expect(stops.filter((stop) => !stop.isSeen), "stops where the focus cannot be seen").toEqual([]);
    // Down the page; within a line from left to right. Lines are as high as what stands in them.
    const content = stops.slice(stops.findIndex((stop) => stop.top > 60));
    const back = content.filter((stop, i) => i > 0 && stop.top < content[i - 1].top - 70);
    expect(back, "stops that jump back up").toEqual([]);
  });
}

test("periods, tabs and choosers are used by keyboard and keep the focus", async ({ page, signIn }) => {
  await signIn("Operator");
  await open(page, "/overview");
  const week = page.getByRole("link", { name: "Last 7 days" });
  await week.focus();
  await page.keyboard.press("Enter");
  await expect(week).toHaveAttribute("aria-current", "true");
  await expect(week).toBeFocused();
  const countries = page.getByRole("link", { name: "Countries", exact: true });
  await countries.focus();
  await page.keyboard.press("Enter");
  await expect(countries).toHaveAttribute("aria-current", "true");
  await expect(countries).toBeFocused();
  const chooser = page.locator("select#customer");
  await chooser.focus();
  await page.keyboard.press("h");
  await expect(page).toHaveURL(/customer=/);
  await expect(chooser.locator("option:checked")).toHaveText("Harbour Social");
  await expect(chooser).toBeFocused();
});

test("menus and details open by keyboard", async ({ page, signIn }) => {
  const user = await signIn("Customer admin");
  await open(page, "/overview");
  const account = page.getByRole("banner").locator("summary");
  await account.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByText(user.email)).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Account and password" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect.poll(() => address(page)).toBe("/account");
  await expect(page.getByRole("heading", { name: "Account" })).toBeVisible();
  await expect(page.getByText(user.email).first(), "the menu closes behind").toBeHidden();
  await hydrated(page);
  await page.goBack();
  await page.getByText("Values as a table").focus();
  await page.keyboard.press("Space");
  await expect(page.getByRole("table", { name: /all other figures/ })).toBeVisible();
});
