// What every journey stands on: `import { expect, test } from "../harness/fixtures.js"`.

import { fileURLToPath } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import { expect, test as base } from "@playwright/test";

import { Installation } from "./api.js";

const WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const SHOTS = {
  wide: { width: 1440, height: 900, colorScheme: "light" },
  narrow: { width: 360, height: 800, colorScheme: "light" },
  dark: { width: 1440, height: 900, colorScheme: "dark" },
  "narrow-dark": { width: 360, height: 800, colorScheme: "dark" },
};
/** Where the picture of a name goes. */
export const picture = (name) => fileURLToPath(new URL(`../results/screenshots/${name}.png`, import.meta.url));

/** Widths at which nothing may stick out, besides those of the shots. */
const WIDTHS = [320, 600, 767, 768, 1024, 1920];

export { expect };

export const test = base.extend({
  /** The running server's address and what `reachline demo --json` printed. */
  server: [async ({}, use) => use(JSON.parse(process.env.END2END_SERVER)), { scope: "worker" }],

  /** The server as programs and its operator see it. */
  installation: [async ({ server }, use) => use(new Installation(server)), { scope: "worker" }],

  baseURL: async ({ server }, use) => use(server.url),

  /** What the browser complains of: an array of texts that must be empty when the journey ends, unless it clears it. */
  complaints: [
    async ({ page }, use) => {
      const complaints = [];
      watch(page, complaints);
      await use(complaints);
      expect(complaints, "what the browser complained of").toEqual([]);
    },
    { auto: true },
  ],

  /**
   * `signIn(who)`: signs in as the demo's first user of a role, such as "Viewer" or "Operator", or as a user with email
   * and password, and returns the login. The form itself is tried in `login.spec.js`.
   */
  signIn: async ({ context, server }, use) => {
    await use(async (who, of = context) => {
      const user = typeof who === "string" ? server.demo.logins.find((user) => user.role === who) : who;
      expect(user, `a demo user who is ${who}`).toBeTruthy();
      const form = { email: user.email, password: user.password };
      const answer = await of.request.post(`${server.url}/api/sign_in`, { form });
      expect(answer.status(), `signing in as ${user.email}`).toBe(200);
      return user;
    });
  },
});

/** The browser notes each answer of such a status; takes these notes out, so that only other complaints remain. */
export function expectStatus(complaints, ...statuses) {
  const others = complaints.filter((complaint) => !statuses.some((status) => complaint.includes(`status of ${status}`)));
  complaints.splice(0, complaints.length, ...others);
}

/** Notes what the browser complains of on a page. */
export function watch(page, complaints) {
  page.on("console", (message) => {
    // A browser without script has no use for what the page tells it to fetch ahead.
    const isNeedless = message.text().includes("preloaded using link preload but not used");
    if (["error", "warning"].includes(message.type()) && !isNeedless) complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
  page.on("requestfailed", (request) => {
    const { errorText } = request.failure();
    // A page that is left while it loads ends its requests, and a download is no page.
    if (errorText !== "net::ERR_ABORTED") complaints.push(`request: ${request.url()} ${errorText}`);
  });
}

/** Waits until the script has taken over the page. */
export async function hydrated(page) {
  await expect(page.locator("html[data-hydrated]")).toBeAttached();
}

/** Opens an address of the site and waits until the script has taken it over. */
export async function open(page, path, status = 200) {
  const answer = await page.goto(path);
  expect(answer.status(), path).toBe(status);
  await hydrated(page);
}

/** Opens an address whose page offers a customer that a process of its own made: the server hears of it within a second. */
export async function openOffering(page, path, customer) {
  await expect(async () => {
    await page.goto(path);
    await expect(page.locator("option", { hasText: customer.name })).toBeAttached({ timeout: 200 });
  }).toPass({ timeout: 10_000 });
  await hydrated(page);
}

/** The page's address without the server: `/overview?tier=sandbox`. */
export function address(page) {
  const { pathname, search } = new URL(page.url());
  return pathname + search;
}

/** The parameters of the page's address. */
export function parameters(page) {
  return Object.fromEntries(new URL(page.url()).searchParams);
}

/** Fails with a readable list if axe-core finds anything at WCAG level A or AA. */
export async function accessible(page) {
  // An address can be reached before the style is: what is measured then has no size.
  await page.waitForLoadState();
  const { violations } = await new AxeBuilder({ page }).withTags(WCAG_AA).analyze();
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target).join(" | ")}`);
  expect(found, `accessibility of ${page.url()}`).toEqual([]);
}

/** Fails if anything sticks out at the right of the page. */
async function fits(page, width) {
  const { overflow, culprits } = await page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    const isWide = (element) => element.getBoundingClientRect().right > clientWidth + 1;
    const wide = scrollWidth > clientWidth ? [...document.querySelectorAll("body *")].filter(isWide) : [];
    return { overflow: scrollWidth - clientWidth, culprits: wide.slice(0, 5).map((e) => `${e.tagName}.${e.className}`) };
  });
  expect(overflow, `${page.url()}, ${width} px wide: pixels beyond the right edge, by ${culprits}`).toBeLessThanOrEqual(0);
}

/** Accessible in light and dark, wide and narrow, and never wider than the window; leaves pictures in results/screenshots. */
export async function looksRight(page, name) {
  for (const [shot, { width, height, colorScheme }] of Object.entries(SHOTS)) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await accessible(page);
    await page.screenshot({ path: picture(`${name}-${shot}`), fullPage: true });
    await fits(page, width);
  }
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await fits(page, width);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(SHOTS.wide);
}
