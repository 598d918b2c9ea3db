// The Alertmanager's page in a real browser: served by `narthex alertmanager` below a prefix, with alerts that are posted to it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, scratch } from "../lib/program.mjs";

const root = resolve(import.meta.dirname, "../..");
const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const skip = !existsSync(chromiumPath)
  ? `no browser at ${chromiumPath}`
  : !existsSync(join(root, "apps/web-ui/dist/alertmanager.html"))
    ? "the web page is not built (npm run build)"
    : false;
const FLAGS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const PREFIX = "/deep/am";
const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const HOSTILE = '"><img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>';
const PLACES = [
  "alerts",
  "silences",
  "silences/new",
  "silences/recurring",
  "silences/recurring/new",
  "notifications",
  "routes",
  "receivers",
  "status",
  "settings",
  "nowhere",
];

const cleanups = [];
let base;
let hook;
let browser;
/** What pages asked for outside of the prefix, and what they complained of. */
const seen = { foreign: [], complaints: [] };

before(async () => {
  if (skip) return;
  hook = createServer((request, response) => {
    request.resume();
    request.on("end", () => response.end("thank you"));
  }).listen(0, "127.0.0.1");
  await new Promise((done) => hook.once("listening", done));
  base = await startAlertmanager({ after: (cleanup) => cleanups.push(cleanup) });
  await post(alerts(40));
  await post([hostileAlert()]);
  const { chromium } = await import("playwright-core");
  browser = await chromium.launch({ executablePath: chromiumPath, args: FLAGS.split(" ") });
});

after(async () => {
  await browser?.close();
  for (const cleanup of cleanups.reverse()) await cleanup();
  hook?.closeAllConnections();
  hook?.close();
});

test("alerts: 25 of them with name, state, age, value and receiver are in sight on a desk at once", {
  skip,
}, async () => {
  await withPage("", DESKTOP, async (page) => {
    await page.locator(".alert-row").first().waitFor();
    const rows = await page.locator(".alert-row").evaluateAll((all) =>
      all
        .filter((row) => {
          const { top, bottom } = row.getBoundingClientRect();
          return top >= 0 && bottom <= innerHeight;
        })
        .map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent.trim())),
    );
    assert.ok(rows.length >= 25, `${rows.length} are in sight`);
    const full = rows.filter(([state, name, value, , since, receiver]) =>
      [state, name, value, since, receiver].every(Boolean),
    );
    assert.ok(full.length >= 25, JSON.stringify(rows.find((row) => !full.includes(row))));
    assert.match(page.url(), /\/deep\/am\/#\/alerts$/);
  });
});

test("alerts: hostile labels, annotations and links are text and nothing else", { skip }, async () => {
  await withPage('#/alerts?filter={kind="hostile"}', DESKTOP, async (page) => {
    const row = page.locator(".alert-row");
    await row.first().waitFor();
    assert.equal(await row.locator(".alert-name").textContent(), HOSTILE);
    await row.locator(".alert-name").click();
    await page.getByRole("dialog").getByText("Why am I").waitFor();
    assert.ok((await page.getByRole("dialog").textContent()).includes("javascript:window.hacked = 1"));
    assert.deepEqual(
      await page
        .locator("a")
        .evaluateAll((links) => links.map(({ protocol }) => protocol).filter((each) => !/^https?:$/.test(each))),
      [],
    );
    assert.equal(await page.evaluate(() => window.hacked), undefined);
  });
});

test("alerts: matchers become chips, are kept in the address, and go again", { skip }, async () => {
  await withPage("#/alerts", DESKTOP, async (page) => {
    const field = page.getByLabel("Filter alerts by matchers");
    await field.fill('job="api", instance=~"host-1.*"');
    await field.press("Enter");
    await untilCount(page, ".alert-row", (count) => count > 0 && count < 20);
    assert.equal(await page.locator("button.matcher").count(), 2);
    assert.equal(new URLSearchParams(page.url().split("?")[1]).get("filter"), '{job="api", instance=~"host-1.*"}');
    await page.locator(".alert-row .filter-chip", { hasText: "severity" }).first().click();
    await untilCount(page, "button.matcher", (count) => count === 3);
    await page.getByRole("button", { name: /^Take away severity/ }).click();
    await field.press("Backspace");
    await field.press("Backspace");
    await untilCount(page, "button.matcher", (count) => count === 0);
    await field.fill("a ~ b");
    await field.press("Enter");
    await page.getByRole("alert").waitFor();
    await field.fill("Slow");
    await field.press("Enter");
    await page.getByRole("button", { name: 'Take away alertname="Slow"' }).waitFor();
    await field.fill('job=~"("');
    await field.press("Enter");
    await page.getByText(/missing closing \)/).waitFor();
  });
});

test("alerts: a link of a notification shows one receiver's alerts, grouped as it is told", { skip }, async () => {
  await withPage("#/alerts?receiver=pager", DESKTOP, async (page) => {
    await page.locator(".alert-row").first().waitFor();
    const receivers = await page.locator("td.receiver-column").allTextContents();
    assert.deepEqual([...new Set(receivers)], ["pager"]);
    assert.equal(await page.getByLabel("Receiver", { exact: true }).inputValue(), "pager");
    await page.getByLabel("Grouping").selectOption("none");
    await untilCount(page, ".group-row", (count) => count === 0);
    await page.getByLabel("Grouping").selectOption("labels");
    await page.getByLabel("Labels to group by, comma-separated").fill("job");
    await page.keyboard.press("Enter");
    await page.locator(".group-row", { hasText: "job=api" }).waitFor();
    const before = await page.locator(".alert-row").count();
    await page.getByRole("button", { name: "job=api" }).click();
    await untilCount(page, ".alert-row", (count) => count < before);
  });
});

test("alerts: by keyboard, from the filter to an alert, what is known of it, and its silence", { skip }, async () => {
  await withPage("#/alerts", DESKTOP, async (page) => {
    await page.locator(".alert-row").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => document.activeElement?.closest(".alert-row.marked") !== null);
    const name = await page.evaluate(() => document.activeElement.textContent);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name }).waitFor();
    await page.keyboard.press("Escape");
    await untilCount(page, "dialog[open]", (count) => count === 0);
    await page.keyboard.press("j");
    await page.keyboard.press("s");
    await page.getByRole("heading", { name: "New silence" }).waitFor();
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("g");
    await page.keyboard.press("u");
    await page.getByRole("heading", { name: "Configuration" }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  });
});

test("silences: made with a preview, seen on the alert, changed, extended, expired and made anew", {
  skip,
}, async () => {
  await withPage('#/silences/new?filter={alertname="Down",job="api"}', DESKTOP, async (page) => {
    await page.getByRole("heading", { name: /alerts pass these matchers now/ }).waitFor();
    const affected = Number.parseInt(await page.locator(".preview h2").textContent(), 10);
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText("Say who creates it").waitFor();
    await page.getByLabel("Created by").fill("anna");
    await page.getByLabel("Comment").fill("a <b>test</b>");
    await page.getByLabel("Duration").fill("3h");
    const [start, end] = await Promise.all(
      ["Start (UTC)", "End (UTC)"].map((label) => page.getByLabel(label).inputValue()),
    );
    assert.equal(Date.parse(`${end}Z`) - Date.parse(`${start}Z`), 3 * 3_600_000);
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText("a <b>test</b>").waitFor();
    const id = /silences\/([0-9a-f-]{36})$/.exec(page.url())[1];
    const silence = await api(`silence/${id}`);
    assert.equal(Date.parse(silence.endsAt) - Date.parse(`${start}Z`), 3 * 3_600_000);
    await page.goto(`${base}#/alerts?silenced=true&active=false`);
    await untilCount(page, ".alert-row.silenced", (count) => count === affected);
    await page.locator(".alert-name").first().click();
    await page
      .getByText(/is not told: a silence covers it/)
      .first()
      .waitFor();
    await page.goto(`${base}#/silences`);
    await page.getByRole("button", { name: "+1 h" }).click();
    await until(async () => Date.parse((await api(`silence/${id}`)).endsAt) - Date.parse(silence.endsAt) === 3_600_000);
    await page.getByRole("link", { name: "Edit" }).click();
    assert.equal(await page.getByLabel("Created by").inputValue(), "anna");
    await page.getByLabel("Comment").fill("changed");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("changed", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Expire" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Expire" }).click();
    await page.getByRole("link", { name: "Recreate" }).click();
    await page.getByRole("heading", { name: "Recreate silence" }).waitFor();
    assert.equal((await api(`silence/${id}`)).status.state, "expired");
    await page.getByRole("button", { name: "Create" }).click();
    await until(async () =>
      (await api("silences")).some((each) => each.status.state === "active" && each.comment === "changed"),
    );
    for (const each of await api("silences"))
      if (each.status.state === "active") await api(`silence/${each.id}`, { method: "DELETE" });
  });
});

test("notifications and routing: what was sent and what came back; where an alert goes", { skip }, async () => {
  await withPage("#/notifications", DESKTOP, async (page) => {
    await page.locator("tr", { hasText: "200 thank you" }).first().waitFor();
    await page.goto(`${base}#/routes?labels=severity%3D"page"`);
    await page.locator(".route.taken", { hasText: "pager" }).waitFor();
    assert.equal(await page.locator(".route").count(), 3);
    assert.match(await page.locator("main p[role=status]").textContent(), /^pager is told/);
  });
});

test("recurring silences: made by keyboard with a preview, seen with the silence of now, and removed", {
  skip,
}, async () => {
  await withPage("#/silences", DESKTOP, async (page) => {
    await page.getByRole("link", { name: "Recurring" }).press("Enter");
    await page.getByText("No silence comes again by itself").waitFor();
    await page.goto(`${base}#/silences/recurring/new?filter={alertname="Full"}`);
    await page.getByRole("heading", { name: /alerts pass these matchers now/ }).waitFor();
    await page.getByRole("button", { name: "Create" }).press("Enter");
    await page.getByText(/^Say when it holds/).waitFor();
    for (const day of ["monday", "sunday"]) await page.getByRole("button", { name: day }).press("Space");
    await page.getByLabel("Times of day").fill("22:00-6:00");
    await page.getByLabel("Comment").fill("a <b>night</b>");
    await page.getByLabel("Created by").fill("anna");
    await page.keyboard.press("Enter");
    await page.getByText(/for a night write 22:00-24:00, 00:00-06:00$/).waitFor();
    await page.getByLabel("Times of day").fill("22:00-24:00, 0:00-6:00");
    await page.getByRole("button", { name: "Add other times" }).click();
    await page.getByLabel("Months").last().fill("Brumaire");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText(/brumaire is not a valid month/).waitFor();
    await page.getByLabel("Months").last().fill("january-december");
    await page.getByRole("button", { name: "Create" }).click();
    const row = page.locator("table.silences tbody tr");
    await row.getByText("Mon, Sun 22:00–24:00, 00:00–06:00 UTC; in january–december UTC").waitFor();
    await row.getByText("a <b>night</b>").waitFor();
    const [made] = await api("narthex/recurring-silences");
    assert.equal(made.matchers, '{alertname="Full"}');
    assert.deepEqual(made.timeIntervals[0].weekdays, ["monday", "sunday"]);
    await page.reload();
    await row.getByRole("link", { name: "now" }).click();
    await page.getByText(made.id).waitFor();
    await page.goto(`${base}#/silences/recurring`);
    await row.getByRole("button", { name: "Remove" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await untilCount(page, "table.silences tbody tr", (count) => count === 0);
    assert.deepEqual(await api("narthex/recurring-silences"), []);
    assert.ok((await api("silences")).every(({ status }) => status.state === "expired"));
  });
});

test("receivers: told of an alert that does not exist, and a template tried out on it", { skip }, async () => {
  await withPage("#/alerts", DESKTOP, async (page) => {
    await page.locator(".alert-row").first().waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("v");
    await page.getByRole("button", { name: "Send a test to pager" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type('alertname="<Try>", a!=b');
    await page.getByText("Labels are name").waitFor();
    assert.ok(await page.getByRole("button", { name: "Preview" }).isDisabled());
    await page.getByLabel(/^Labels of the alert/).fill('alertname="<Try>"');
    await page.getByRole("button", { name: "Send a test to pager" }).click();
    await page.locator(".outcome", { hasText: /sent\s*webhook\[0\]\s*200 thank you/ }).waitFor();
    const template = page.getByLabel(/^Template/);
    await template.press("Control+Enter");
    assert.equal(await page.locator(".output").textContent(), "<Try> is firing");
    await page.getByLabel("It is over").check();
    await page.getByLabel("As HTML").check();
    await page.getByRole("button", { name: "Preview" }).click();
    await page.locator(".output", { hasText: "&lt;Try&gt; is resolved" }).waitFor();
    await template.fill("{{ .Nothing");
    await template.press("Control+Enter");
    await page.locator(".card .field-error").waitFor();
    assert.ok(!(await api("alerts")).some(({ labels }) => labels.alertname === "<Try>"));
  });
});

test("page: no place is wider than a phone or asks anybody else, in both themes", { skip }, async () => {
  for (const colorScheme of ["light", "dark"])
    await withPage(
      "#/alerts",
      PHONE,
      async (page) => {
        for (const place of [...PLACES, `alerts?filter={kind="hostile"}`]) {
          await page.goto(`${base}#/${place}`);
          await page.locator("main h1, main .notice").first().waitFor({ state: "attached" });
          await sleep(150);
          const [inner, whole] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
          assert.ok(whole <= inner, `${place} is ${whole} wide in ${colorScheme}`);
        }
      },
      { colorScheme },
    );
});

test("page: the prefix without a slash leads on; the policy forbids everything foreign", { skip }, async () => {
  const bare = await fetch(base.slice(0, -1), { redirect: "manual" });
  assert.equal(new URL(bare.headers.get("location"), base.slice(0, -1)).href, base);
  const { headers } = await fetch(base);
  assert.equal(
    headers.get("content-security-policy"),
    "default-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'",
  );
  assert.equal((await fetch(`${base}assets/..%2f..%2fpackage.json`)).status, 404);
});

// Last: the others look at few alerts.
test("alerts: ten thousand are shown within seconds, and only those in sight are drawn", { skip }, async (t) => {
  await post(alerts(10_000));
  await withPage("#/alerts?by=none", DESKTOP, async (page) => {
    const started = performance.now();
    await page.getByText("10,001 active").waitFor();
    t.diagnostic(`ten thousand alerts after ${Math.round(performance.now() - started)} ms`);
    const drawn = await page.locator(".alert-row").count();
    assert.ok(drawn < 120, `${drawn} rows are drawn`);
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    const last = page.locator('.alert-row[data-row="10000"]');
    await last.waitFor();
    const { y } = await last.boundingBox();
    assert.ok(y > 0 && y < DESKTOP.height, `the last row is at ${y}`);
  });
});

test("page: nothing foreign was asked for and nothing complained, over all tests", { skip }, () => {
  assert.deepEqual(seen, { foreign: [], complaints: [] });
});

async function startAlertmanager(owner) {
  const folder = scratch(owner);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}${PREFIX}/`;
  const target = `http://127.0.0.1:${hook.address().port}/`;
  writeFileSync(
    join(folder, "alertmanager.yml"),
    `
route:
  receiver: default
  group_by: [alertname]
  group_wait: 100ms
  routes:
  - matchers: [severity="page"]
    receiver: pager
  - matchers: [severity="info"]
    receiver: default
receivers:
- name: default
  webhook_configs: [{url: "${target}"}]
- name: pager
  webhook_configs: [{url: "${target}"}]
`,
  );
  const child = spawn(
    join(root, "node_modules/.bin/narthex"),
    [
      "alertmanager",
      `--config.file=${folder}/alertmanager.yml`,
      `--storage.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--web.external-url=${url}`,
      "--cluster.listen-address=",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  const exited = new Promise((done) => child.once("exit", done));
  owner.after(() => {
    child.kill("SIGKILL");
    return exited;
  });
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(30)) {
    const answer = await fetch(`${url}-/ready`).catch(() => undefined);
    if (answer?.status === 200) return url;
  }
  throw new Error(`the Alertmanager is not ready:\n${log}`);
}

function alerts(count) {
  const endsAt = new Date(Date.now() + 3_600_000).toISOString();
  return Array.from({ length: count }, (_, i) => ({
    labels: {
      alertname: ["Down", "Slow", "Full", "Late"][i % 4],
      instance: `host-${i}:9100`,
      job: ["api", "db", "node"][i % 3],
      severity: ["page", "warning", "info"][i % 3],
    },
    annotations: { summary: `Something is wrong with host-${i}`, value: String(i / 4) },
    startsAt: new Date(Date.now() - i * 1000).toISOString(),
    endsAt,
  }));
}

function hostileAlert() {
  return {
    labels: { alertname: HOSTILE, kind: "hostile", severity: HOSTILE, value: "1" },
    annotations: { summary: HOSTILE, link: "javascript:window.hacked = 1" },
    generatorURL: "javascript:window.hacked=1",
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
  };
}

async function post(body) {
  for (let i = 0; i < body.length; i += 2000) await api("alerts", { method: "POST", body: body.slice(i, i + 2000) });
}

async function api(path, { method = "GET", body } = {}) {
  const answer = await fetch(`${base}api/v2/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, `${path}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

async function withPage(place, viewport, use, options = {}) {
  const context = await browser.newContext({ viewport, ...options });
  try {
    const page = await context.newPage();
    page.on("request", (request) => request.url().startsWith(base) || seen.foreign.push(request.url()));
    page.on("pageerror", (error) => seen.complaints.push(String(error)));
    page.on("console", (message) => {
      // Answers that a test provokes are told by the browser, too.
      if (["error", "warning"].includes(message.type()) && !/status of 400/.test(message.text()))
        seen.complaints.push(message.text());
    });
    await page.goto(base + place);
    await use(page);
  } finally {
    await context.close();
  }
}

async function untilCount(page, selector, accept) {
  let count;
  await until(async () => accept((count = await page.locator(selector).count()))).catch(() => {
    throw new Error(`${count} of ${selector}`);
  });
}

async function until(check, withinMs = 10_000) {
  for (const end = Date.now() + withinMs; Date.now() < end; await sleep(40)) if (await check()) return;
  throw new Error("it did not come to pass in time");
}
