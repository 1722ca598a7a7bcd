// A partner's developer, on the first day: from nothing to a figure on the screen.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, open, test } from "../harness/fixtures.js";
import { cardsOf, count } from "../harness/read.js";

const run = promisify(execFile);

for (const tier of ["sandbox", "production"]) {
  test(`the commands that an empty overview shows send the first ${tier} event`, async ({ page, installation, signIn }) => {
    const customer = await installation.customer();
    await signIn(await installation.user({ role: "customer_admin", customer }));
    await open(page, `/overview?tier=${tier}`);
    const help = page.locator("section", { has: page.getByRole("heading", { name: "No events here yet" }) });
    await expect(help).toContainText(`There are no ${tier} events in`);
    await expect(page.locator(".card")).toHaveCount(0);
    const [token, event] = await help.locator("pre").allInnerTexts();

    await help.getByRole("link", { name: "Applications" }).click();
    await page.getByText("New application").click();
    await page.getByLabel("Name").fill("first try");
    await page.getByLabel("Tier").selectOption({ value: tier });
    await page.getByRole("button", { name: "Create application" }).click();
    const made = page.locator(".secret");
    const [id, secret] = await made.locator("code").allInnerTexts();

    const [helpline] = await (await installation.api({ client_id: id, client_secret: secret })).helplines("NZ");
    const script = `${token}\n${event}`
      .replace("YOUR_CLIENT_ID", id)
      .replace("YOUR_CLIENT_SECRET", secret)
      .replace("HELPLINE_ID", helpline.id);
    const { stdout } = await run("bash", ["-c", script]);
    expect(JSON.parse(stdout).status).toBe("accepted");

    // "Figures appear here within seconds of the first event."
    await expect(async () => {
      await page.goto(`/overview?tier=${tier}`);
      expect((await cardsOf(page)).Reach?.value).toBe(count(1));
    }).toPass({ intervals: [100, 200, 500], timeout: 10_000 });
  });
}
