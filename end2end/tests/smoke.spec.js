import { expect, hydrated, looksRight, test } from "../harness/fixtures.js";

test("the first page answers, styled and hydrated", async ({ page }) => {
  const answer = await page.goto("/login");
  expect(answer.status()).toBe(200);
  await hydrated(page);
  expect(await page.evaluate(() => document.styleSheets.length)).toBeGreaterThan(0);
  await looksRight(page, "login");
});

test("the site's files come compressed and may be kept for ever", async ({ page }) => {
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

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("the first page can be read", async ({ page }) => {
    await page.goto("/login");
    await expect(page.getByRole("button", { name: "Log in" })).toBeVisible();
  });
});
