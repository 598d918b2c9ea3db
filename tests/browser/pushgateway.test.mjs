// The Pushgateway's page in a browser: by keyboard, on a phone, in both themes, with labels that mean no good.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { chromium } from "playwright-core";
import { Gateway } from "../lib/gateway.mjs";

const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const skip = existsSync(chromiumPath) ? false : `no browser at ${chromiumPath}`;

suite("Pushgateway's page", { skip }, () => {
  let browser;
  before(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: FLAGS.split(" ") });
  });
  after(() => browser?.close());

  /** A page of a gateway with a few groups; `problems` collects what its console says. */
  async function open(t, flags = [], options = {}) {
    const gateway = await Gateway.start(t, flags);
    const push = (path, body) => gateway.send("PUT", path, { body });
    await push(
      "/metrics/job/backup/instance/db-1",
      '# HELP took_seconds Time.\n# TYPE took_seconds gauge\ntook_seconds{db="orders"} 418.25\n',
    );
    const hostile = Buffer.from("<img src=x onerror=alert(1)>/\"'").toString("base64url");
    await push(
      `/metrics/job@base64/${hostile}`,
      '# TYPE h histogram\nh_bucket{le="1",a="</td><script>"} 1\nh_sum 3\nh_count 2\n',
    );
    await push("/metrics/job/failed", "m 1 5\n");
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    t.after(() => context.close());
    const page = await context.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("dialog", (dialog) => problems.push(`dialog: ${dialog.message()}`));
    await page.goto(`http://127.0.0.1:${gateway.port}/`);
    return { gateway, page, problems };
  }

  test("groups are opened and deleted by keyboard alone; what was opened stays open over a reload", async (t) => {
    const { page, problems } = await open(t);
    assert.equal(await page.locator("h1").textContent(), "3 groups");
    const group = page.locator("details.group").first();
    await group.locator("summary").first().focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Delete group");
    await page.reload();
    assert.ok(await group.getByRole("button", { name: "Delete group" }).isVisible());
    await group.getByRole("button", { name: "Delete group" }).focus();
    await page.keyboard.press("Enter");
    assert.match(await page.locator("dialog p").first().textContent(), /job="backup", instance="db-1"/);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("dialog[open]").count(), 0);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("h1").textContent === "2 groups");
    assert.deepEqual(problems, []);
  });

  test("a group whose labels need encoding is shown as text and can be deleted", async (t) => {
    const { page, problems } = await open(t);
    const group = page.locator("details.group").nth(1);
    assert.match(await group.locator("summary").first().textContent(), /job="<img src=x onerror=alert\(1\)>\/"'"/);
    await group.locator("summary").first().click();
    await group.getByRole("button", { name: "Delete group" }).click();
    await page.locator("dialog .danger").click();
    await page.waitForFunction(() => document.querySelector("h1").textContent === "2 groups");
    assert.deepEqual(problems, []);
  });

  test("a failed push is marked; the filter finds groups; all are deleted only where the admin API is on", async (t) => {
    const { page } = await open(t);
    assert.equal(await page.locator("details.group", { hasText: "Last push failed!" }).count(), 1);
    await page.getByRole("searchbox").fill('job="backup"');
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=/);
    assert.equal(await page.locator("details.group").count(), 1);
    assert.equal(await page.getByRole("button", { name: "Delete all groups" }).count(), 0);
    const { page: admin } = await open(t, ["--web.enable-admin-api"]);
    await admin.getByRole("button", { name: "Delete all groups" }).click();
    await admin.locator("dialog .danger").click();
    await admin.getByText("Nothing has been pushed.").waitFor();
  });

  test("on a phone nothing goes beyond the edge, and both themes have their colours; below a prefix too", async (t) => {
    const grounds = [];
    for (const colorScheme of ["light", "dark"]) {
      const { page, gateway, problems } = await open(t, [], { viewport: { width: 360, height: 740 }, colorScheme });
      for (const path of ["/", "/status"]) {
        await page.goto(`http://127.0.0.1:${gateway.port}${path}`);
        for (const summary of await page.locator("summary").all()) await summary.click().catch(() => {});
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, path);
      }
      grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      assert.deepEqual(problems, []);
    }
    assert.notEqual(grounds[0], grounds[1]);
    const gateway = await Gateway.start(t, ["--web.route-prefix=/push"]);
    const page = await browser.newPage();
    t.after(() => page.close());
    await page.goto(`http://127.0.0.1:${gateway.port}/push/`);
    await page.getByRole("link", { name: "Status" }).click();
    assert.match(page.url(), /\/push\/status$/);
    await page.waitForFunction(() => getComputedStyle(document.querySelector("nav")).display === "flex");
  });
});
