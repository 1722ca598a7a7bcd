// What every journey stands on: `import { expect, test } from "../harness/fixtures.js"`.

import AxeBuilder from "@axe-core/playwright";
import { expect, test as base } from "@playwright/test";

const WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const SHOTS = {
  wide: { width: 1440, height: 900, colorScheme: "light" },
  narrow: { width: 360, height: 800, colorScheme: "light" },
  dark: { width: 1440, height: 900, colorScheme: "dark" },
};

export { expect };

export const test = base.extend({
  /** The running server's address and what `reachline demo --json` printed. */
  server: [async ({}, use) => use(JSON.parse(process.env.END2END_SERVER)), { scope: "worker" }],

  baseURL: async ({ server }, use) => use(server.url),

  /** What the browser complains of: an array of texts that must be empty when the journey ends, unless it clears it. */
  complaints: [
    async ({ page }, use) => {
      const complaints = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`);
      });
      page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
      page.on("requestfailed", (request) => {
        const { errorText } = request.failure();
        // A page that is left while it loads ends its requests.
        if (errorText !== "net::ERR_ABORTED") complaints.push(`request: ${request.url()} ${errorText}`);
      });
      await use(complaints);
      expect(complaints, "what the browser complained of").toEqual([]);
    },
    { auto: true },
  ],

  /** `signIn(role)`: signs in as the demo's first user of a role, such as "Viewer" or "Operator", and returns the login. */
  signIn: async ({ page, server }, use) => {
    await use(async (role) => {
      const user = server.demo.logins.find((user) => user.role === role);
      expect(user, `a demo user who is ${role}`).toBeTruthy();
      await page.goto("/login");
      await page.getByLabel("E-mail address").fill(user.email);
      await page.getByLabel("Password").fill(user.password);
      await page.getByRole("button", { name: "Log in" }).click();
      await expect(page).not.toHaveURL(/\/login/);
      return user;
    });
  },
});

/** Waits until the script has taken over the page. */
export async function hydrated(page) {
  await expect(page.locator("html[data-hydrated]")).toBeAttached();
}

/** Fails with a readable list if axe-core finds anything at WCAG level A or AA. */
export async function accessible(page) {
  const { violations } = await new AxeBuilder({ page }).withTags(WCAG_AA).analyze();
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target).join(" | ")}`);
  expect(found, `accessibility of ${page.url()}`).toEqual([]);
}

/** The same in light and dark, wide and narrow; leaves a picture of each in results/screenshots, and no sideways scrolling. */
export async function looksRight(page, name) {
  for (const [shot, { width, height, colorScheme }] of Object.entries(SHOTS)) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await accessible(page);
    await page.screenshot({ path: `results/screenshots/${name}-${shot}.png`, fullPage: true });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(overflow, `${name} ${shot}: pixels beyond the right edge`).toBeLessThanOrEqual(0);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(SHOTS.wide);
}
