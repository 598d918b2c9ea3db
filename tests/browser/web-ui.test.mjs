// The web page in a real browser, under the strictest policy, against canned answers.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const dist = join(root, "apps/web-ui/dist");
const chromiumPath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const skip = !existsSync(chromiumPath)
  ? `no browser at ${chromiumPath}`
  : !existsSync(join(dist, "index.html"))
    ? "the web page is not built (npm run build)"
    : false;

const POLICY = "default-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'";
const PREFIX = "/deep/prefix";
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const FLAGS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

let server;
let browser;
let origin;
/** What the page asked for and complained about, over the whole run. */
const seen = { requests: [], foreign: [], complaints: [] };

before(async () => {
  if (skip) return;
  server = createServer(serve);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${server.address().port}`;
  const { chromium } = await import("playwright-core");
  browser = await chromium.launch({ executablePath: chromiumPath, args: FLAGS.split(" ") });
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  await new Promise((done) => (server ? server.close(done) : done()));
});

test("query page: an expression that is typed and run shows its series in a table", { skip }, async () => {
  await withPage("query", {}, async (page) => {
    await editor(page).click();
    await page.keyboard.type("up");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("cell", { name: /up\{instance="a:1", job="node"\}/ }).waitFor();
    assert.equal(await page.locator(".series-table tbody tr").count(), 3);
    assert.match(page.url(), /[?&]g0\.expr=up&/);
    assert.match(await page.locator(".stats").textContent(), /3 results · .*ms.* · 42 samples read/);
  });
});

test("query page: the plain text area becomes the full editor and keeps what was typed", { skip }, async () => {
  await withPage("query?g0.expr=rate(up%5B5m%5D)", {}, async (page) => {
    await page.locator('[data-editor="full"]').waitFor();
    assert.equal(await page.locator("textarea").count(), 0);
    assert.equal(await page.locator(".cm-content").textContent(), "rate(up[5m])");
    const colour = await page
      .locator(".cm-content span")
      .first()
      .evaluate((element) => getComputedStyle(element).color);
    const plain = await page.locator(".cm-content").evaluate((element) => getComputedStyle(element).color);
    assert.notEqual(colour, plain, "the syntax is coloured under the policy");
  });
});

test("query page: whoever types while the full editor arrives loses no key", { skip }, async () => {
  let release;
  const wanted = new Promise((done) => {
    release = done;
  });
  const prepare = (page) => page.route(/code-editor/, (route) => wanted.then(() => route.continue()));
  await withPage("query", { prepare }, async (page) => {
    const text = "sum(rate(up[5m]))by(job)";
    await page.locator(".expression textarea").click();
    for (const [at, letter] of [...text].entries()) {
      if (at === 4) release();
      await page.keyboard.insertText(letter);
      if (at >= 4) await page.waitForTimeout(15);
      if (at === 12) await page.locator('[data-editor="full"]').waitFor();
    }
    assert.equal(await page.locator(".cm-content").textContent(), text);
  });
});

test("query page: completion offers the server's metrics, Enter takes one, Enter again runs it", { skip }, async () => {
  await withPage("query", {}, async (page) => {
    await page.locator('[data-editor="full"]').waitFor();
    await editor(page).click();
    await page.keyboard.type("node_lo");
    await page.locator(".cm-tooltip-autocomplete li", { hasText: "node_load1" }).first().waitFor();
    await page.waitForTimeout(150); // Completions take no key for their first 75 ms, so that typing is not mistaken for choosing.
    await page.keyboard.press("Enter");
    assert.equal(await page.locator(".cm-content").textContent(), "node_load1");
    await page.keyboard.press("Enter");
    await page.locator(".series-table tbody tr").first().waitFor();
    assert.match(page.url(), /g0\.expr=node_load1/);
  });
});

test("graph: the state of a link is restored and the lines are drawn", { skip }, async () => {
  const link =
    "query?g0.expr=node_load1&g0.tab=graph&g0.end_input=2025-11-21%2012%3A00%3A00&g0.range_input=30m&g0.res_type=fixed&g0.res_step=60&g0.display_mode=stacked";
  await withPage(link, {}, async (page) => {
    await page.locator(".u-over").waitFor();
    assert.equal(await page.getByLabel("Range", { exact: true }).inputValue(), "30m");
    assert.equal(await page.getByLabel(/^End/).inputValue(), "2025-11-21 12:00:00");
    assert.equal(await page.getByRole("button", { name: "Stacked" }).getAttribute("aria-pressed"), "true");
    const asked = new URLSearchParams(seen.requests.findLast(({ path }) => path.endsWith("/query_range")).body);
    const end = Date.UTC(2025, 10, 21, 12) / 1000;
    assert.deepEqual(
      [asked.get("start"), asked.get("end"), asked.get("step")],
      [String(end - 1800), String(end), "60"],
    );
    assert.ok((await paintedPixels(page)) > 500, "something is painted");
    assert.equal(await page.locator(".legend tbody tr").count(), 2);
  });
});

test("graph: dragging zooms, Shift and dragging pans, a double click zooms out, and the address follows", {
  skip,
}, async () => {
  await withPage(
    "query?g0.expr=node_load1&g0.tab=graph&g0.end_input=2025-11-21%2012:00:00&g0.range_input=1h",
    {},
    async (page) => {
      const drag = async (from, to) => {
        const box = await page.locator(".u-over").boundingBox();
        const y = box.y + box.height / 2;
        await page.mouse.move(box.x + box.width * from, y);
        await page.mouse.down();
        await page.mouse.move(box.x + box.width * ((from + to) / 2), y);
        await page.mouse.move(box.x + box.width * to, y);
        await page.mouse.up();
      };
      await page.locator(".u-over").waitFor();
      await drag(0.25, 0.75);
      await page.waitForURL(/range_input=(29m5\ds|30m|30m\ds)&/);
      const zoomed = new URL(page.url()).searchParams.get("g0.end_input");
      assert.match(zoomed, /^2025-11-21 11:4[45]:/);
      await page.locator(".graph:not(.busy)").waitFor();
      await page.keyboard.down("Shift");
      await drag(0.25, 0.75);
      await page.keyboard.up("Shift");
      await page.waitForURL((url) => url.searchParams.get("g0.end_input") !== zoomed);
      assert.match(new URL(page.url()).searchParams.get("g0.end_input"), /^2025-11-21 11:(29|30):/);
      await page.locator(".graph:not(.busy)").waitFor();
      await page.locator(".u-over").dblclick();
      await page.waitForURL(/range_input=(59m[45]\ds|1h|1h\d+s)&/);
    },
  );
});

test("graph: the line under the pointer is named with time, value and labels; a legend row stands alone when clicked", {
  skip,
}, async () => {
  await withPage(
    "query?g0.expr=node_load1&g0.tab=graph&g0.end_input=2025-11-21%2012:00:00&g0.range_input=1h",
    {},
    async (page) => {
      const over = page.locator(".u-over");
      await over.hover({ position: { x: 200, y: 40 } });
      const tip = await page.locator(".tip").textContent();
      assert.match(tip, /2025-11-21 11:\d\d:\d\d/);
      assert.match(tip, /instance\s*[ab]:1/);
      await page.locator(".legend-row").first().click();
      assert.deepEqual(await page.locator(".legend tbody tr").evaluateAll((rows) => rows.map((row) => row.className)), [
        "",
        "off",
      ]);
      await page.locator(".legend-row").first().click();
      assert.equal(await page.locator(".legend tr.off").count(), 0);
    },
  );
});

test("graph: several queries share one graph, each with its letter and colours", { skip }, async () => {
  await withPage("query?g0.expr=node_load1&g0.tab=graph&g1.expr=up&g1.tab=table", {}, async (page) => {
    await page.getByRole("button", { name: "All on one graph" }).click();
    await page.waitForURL(/overlay=1/);
    await page.locator(".u-over").waitFor();
    await page.locator(".legend tbody tr").nth(4).waitFor();
    assert.deepEqual(await page.locator(".legend .letter").allInnerTexts(), ["A", "A", "B", "B", "B"]);
    const colours = await page.locator(".legend .swatch").evaluateAll((all) => all.map((one) => one.style.background));
    assert.equal(new Set(colours).size, 5);
    await page.goBack();
    await page.getByRole("button", { name: "One graph each" }).waitFor();
    assert.equal(await page.locator(".panel").count(), 2);
  });
});

test("query page: a wrong expression is shown with its place, an unknown metric with its neighbours", {
  skip,
}, async () => {
  await withPage("query?g0.expr=sum(up)%20by%20job&g1.expr=node_laod1", {}, async (page) => {
    await page.getByText("Error in the expression at line 1, column 12").waitFor();
    assert.equal(await page.locator("pre.marked mark").textContent(), "j");
    await page.getByRole("button", { name: "node_load1", exact: true }).click();
    await page.waitForURL(/g1\.expr=node_load1/);
  });
});

test("query page: warnings are shown, and a server that is gone is said to be", { skip }, async () => {
  await withPage("query?g0.expr=warned", {}, async (page) => {
    await page.getByText("something to look at").waitFor();
    await page.route("**/api/v1/query", (route) => route.abort());
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByText("Network error or unable to reach the server").waitFor();
  });
});

test("query page: ten thousand series come as far as they are scrolled to, and can be filtered", { skip }, async () => {
  await withPage("query?g0.expr=many", {}, async (page) => {
    await page.locator(".series-table tbody tr").first().waitFor();
    const rows = await page.locator(".series-table tbody tr").count();
    assert.ok(rows >= 100 && rows <= 1000, `${rows} rows`);
    assert.match(await page.locator(".stats").textContent(), /10,000 results/);
    await page.getByPlaceholder("Filter these series").fill("i=9999");
    await page.getByText("1 of 10,000").waitFor();
    assert.equal(await page.locator(".series-table tbody tr").count(), 1);
  });
});

test("theme: the button goes through light, dark and automatic, and the choice outlives a reload", {
  skip,
}, async () => {
  await withPage("targets", { colorScheme: "light" }, async (page) => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.getByRole("button", { name: /Theme: automatic/ }).click();
    await page.getByRole("button", { name: /Theme: light/ }).click();
    const dark = await background();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await background(), dark);
    await page.getByRole("button", { name: /Theme: dark/ }).click();
    assert.equal(await background(), light);
    await page.emulateMedia({ colorScheme: "dark" });
    assert.equal(await background(), dark);
  });
});

test("targets: pools with counts, health, errors and labels; filters stand in the address", { skip }, async () => {
  await withPage("targets", {}, async (page) => {
    await page.getByText("1000 / 1001 up").or(page.getByText("1,000 / 1,001 up")).waitFor();
    await page.getByText("connection refused").waitFor();
    assert.equal(await page.getByText("not scraped yet").count(), 1);
    await page.getByRole("button", { name: /^Down/ }).click();
    await page.waitForURL(/health=down/);
    assert.equal(await page.locator(".badge.bad").count(), 1);
    assert.equal(await page.locator(".badge.good").count(), 0);
    await page.getByRole("button", { name: "discovered" }).click();
    await page.getByText("__address__").waitFor();
    await page.reload();
    await page.getByText("connection refused").waitFor();
    assert.equal(await page.locator(".badge.good").count(), 0);
  });
});

test("pages: each one opens by its address below a route prefix, with its heading and without a fault", {
  skip,
}, async () => {
  const headings = {
    query: "Query",
    targets: "Targets",
    "service-discovery": "Service discovery",
    alerts: "Alerts",
    rules: "Rules",
    status: "Runtime & build",
    "tsdb-status": "TSDB status",
    flags: "Flags",
    config: "Configuration",
    "alertmanager-discovery": "Alertmanagers",
  };
  for (const prefix of ["", PREFIX]) {
    await withPage("query", { prefix }, async (page) => {
      for (const [route, heading] of Object.entries(headings)) {
        await page.goto(`${origin}${prefix}/${route}`);
        await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
        await settled(page);
        assert.equal(
          await page.locator(".notice.error:visible").filter({ hasNotText: "Rule failed" }).count(),
          0,
          route,
        );
        assert.equal(new URL(page.url()).pathname, `${prefix}/${route}`);
      }
    });
  }
  await withPage("", { prefix: PREFIX }, (page) => page.waitForURL(`${origin}${PREFIX}/query`));
  await withPage("graph?g0.expr=up&g0.tab=1", {}, (page) => page.waitForURL(`${origin}/query?g0.expr=up&g0.tab=1`));
});

test("keyboard: skip link, navigation, running a query, tabs, the graph and the help dialog without a mouse", {
  skip,
}, async () => {
  await withPage("targets", {}, async (page) => {
    await page.getByRole("heading", { level: 1, name: "Targets" }).waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await focusText(page), "Skip to content");
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "content");

    await page.keyboard.press("g");
    await page.keyboard.press("q");
    await page.waitForURL(/\/query$/);
    await page.locator('[data-editor="full"]').waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.keyboard.type("node_load1 ");
    await page.keyboard.press("Enter");
    await page.locator(".series-table tbody tr").first().waitFor();

    await page.getByRole("tab", { name: "Table" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.locator(".u-over").waitFor();
    assert.equal(await focusText(page), "Graph");

    await page.getByRole("application").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    const spoken = await page.locator(".graph [aria-live]").textContent();
    assert.match(spoken, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: [\d.]+, +node_load1\{/);
    await page.keyboard.press("+");
    await page.waitForURL(/range_input=30m/);

    await page.getByRole("application").focus();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard and mouse" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
  });
});

test("targets page: a target whose new series are refused says so", { skip }, async () => {
  await withPage("targets?pool=full", {}, async (page) => {
    await page.getByText("New series refused:").waitFor();
    assert.match(await page.locator(".target-error").first().textContent(), /12 of the last scrape/);
  });
});

test("narrow screens: flags and their values stand under each other and have the whole width", { skip }, async () => {
  await withPage("flags", {}, async (page) => {
    await page.setViewportSize({ width: 390, height: 844 });
    const cells = page.locator(".flags tbody td");
    await cells.first().waitFor();
    const [name, value] = [await cells.nth(0).boundingBox(), await cells.nth(1).boundingBox()];
    assert.ok(name.width > 350 && value.width > 350, `${name.width} and ${value.width} of 390 pixels`);
    assert.ok(value.y >= name.y + name.height - 1);
  });
});

test("narrow screens: no page is wider than a phone, and the menu leads to every page", { skip }, async () => {
  for (const route of [
    "query?g0.expr=node_load1&g0.tab=graph",
    "query?g0.expr=up",
    "targets",
    "rules",
    "flags",
    "config",
    "tsdb-status",
  ]) {
    await withPage(route, { viewport: { width: 360, height: 780 } }, async (page) => {
      await page.getByRole("heading", { level: 1 }).waitFor();
      await settled(page);
      const excess = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(excess <= 0, `${route} is ${excess} pixels too wide`);
      await page.locator(".menu-button").click();
      await page.getByRole("link", { name: "Flags" }).click();
      await page.getByRole("heading", { level: 1, name: "Flags" }).waitFor();
    });
  }
});

test("accessibility: every control of every page has a name, and no two elements share an id", { skip }, async () => {
  for (const route of [
    "query?g0.expr=node_load1&g0.tab=graph",
    "query?g0.expr=up&g1.expr=up&overlay=1",
    "targets",
    "rules",
    "alerts",
    "flags",
  ]) {
    await withPage(route, {}, async (page) => {
      await page.getByRole("heading", { level: 1 }).waitFor();
      await settled(page);
      const faults = await page.evaluate(() => {
        const found = [];
        for (const control of document.querySelectorAll(
          "button, a[href], input, select, textarea, [role=tab], [role=application]",
        )) {
          if (control.closest("[aria-hidden=true]")) continue;
          const name =
            control.getAttribute("aria-label") ||
            control.textContent.trim() ||
            control.labels?.[0]?.textContent?.trim() ||
            control.textContent.trim();
          if (!name) found.push(control.outerHTML.slice(0, 120));
        }
        const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
        for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id ${id} twice`);
        return found;
      });
      assert.deepEqual(faults, [], route);
    });
  }
});

test("an empty server: the page says what to do next", { skip }, async () => {
  await withPage("query", { empty: true }, async (page) => {
    await page.getByRole("heading", { name: "Nothing scraped yet" }).waitFor();
    await page.getByText("scrape_configs:").waitFor();
    await page.getByRole("link", { name: "Alerts" }).first().click();
    await page.getByText("No alerting rules").waitFor();
    await page.getByRole("link", { name: "Rules" }).click();
    await page.getByText("No rules found").waitFor();
  });
});

test("a starting server: the replay's progress is shown, and the page follows once it is ready", { skip }, async () => {
  await withPage("targets", { starting: 2 }, async (page) => {
    await page.getByText("The server is starting up").waitFor();
    await page.getByText("Segment 3 of 10").waitFor();
    await page.getByRole("heading", { level: 1, name: "Targets" }).waitFor();
  });
});

test("privacy: over all of this no request left the host and the policy was never broken", { skip }, () => {
  assert.ok(seen.requests.length > 100);
  assert.deepEqual(seen.foreign, []);
  assert.deepEqual(seen.complaints, []);
});

/** Runs `use` on a fresh browser context at `route`; faults and foreign requests of any page are kept for the last test. */
async function withPage(route, options, use) {
  const context = await browser.newContext({
    viewport: options.viewport ?? { width: 1280, height: 800 },
    colorScheme: options.colorScheme ?? "light",
  });
  const extra = {};
  if (options.empty) extra["x-test-empty"] = "1";
  if (options.starting) startingAnswers = options.starting;
  await context.setExtraHTTPHeaders(extra);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  page.on("console", (message) => {
    if (/policy violation|Content Security Policy/i.test(message.text()))
      seen.complaints.push(`${route}: ${message.text()}`);
  });
  page.on("pageerror", (error) => seen.complaints.push(`${route}: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(origin)) seen.foreign.push(request.url());
  });
  await options.prepare?.(page);
  try {
    await page.goto(`${origin}${options.prefix ?? ""}/${route}`);
    await use(page);
  } finally {
    await context.close();
  }
}

/** Waits until nothing on the page is loading any more. */
function settled(page) {
  return page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector(".loading, .busy"));
}

function editor(page) {
  return page.locator(".cm-content, .expression textarea").first();
}

function focusText(page) {
  return page.evaluate(() => document.activeElement.textContent.trim());
}

/** How many pixels of the graph's canvas are neither transparent nor grey: lines, not axes. */
function paintedPixels(page) {
  return page.locator(".uplot canvas").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      const spread = Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]);
      if (data[i + 3] > 0 && spread > 40) count++;
    }
    return count;
  });
}

/** `/-/ready` refuses this many more times. */
let startingAnswers = 0;

/** The fake server: the built page below any of two prefixes, and `/api/v1` from canned answers. */
function serve(request, response) {
  const url = new URL(request.url, "http://local");
  const path = url.pathname.startsWith(PREFIX) ? url.pathname.slice(PREFIX.length) : url.pathname;
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    seen.requests.push({ path, body });
    if (path === "/-/ready") {
      const ready = startingAnswers-- <= 0;
      response.writeHead(ready ? 200 : 503).end(ready ? "ready" : "Service Unavailable");
    } else if (path.startsWith("/api/v1/")) {
      const parameters = new URLSearchParams(body || url.search);
      const answer = respond(path.slice("/api/v1/".length), parameters, request.headers["x-test-empty"] === "1");
      response.writeHead(answer.code ?? 200, { "content-type": "application/json" });
      response.end(JSON.stringify(answer.body ?? { status: "success", data: answer.data, warnings: answer.warnings }));
    } else {
      const file = path.startsWith("/assets/")
        ? join(dist, "assets", path.slice("/assets/".length).replaceAll("/", ""))
        : join(dist, "index.html");
      if (!existsSync(file)) return response.writeHead(404).end();
      response.writeHead(200, { "content-type": TYPES[extname(file)], "content-security-policy": POLICY });
      response.end(readFileSync(file));
    }
  });
}

function respond(path, parameters, empty) {
  switch (path) {
    case "query":
      return instant(parameters.get("query"), Number(parameters.get("time") ?? Date.now() / 1000));
    case "query_range":
      return range(parameters);
    case "label/__name__/values":
      return { data: empty ? [] : ["many", "node_load1", "node_load15", "up", "warned"] };
    case "labels":
      return { data: ["__name__", "instance", "job"] };
    case "series":
      return { data: [] };
    case "metadata":
      return { data: { node_load1: [{ type: "gauge", help: "1m load average.", unit: "" }] } };
    case "targets":
      return { data: targets(empty) };
    case "rules":
      return { data: { groups: empty ? [] : ruleGroups(parameters.get("type")) } };
    case "alertmanagers":
      return { data: { activeAlertmanagers: [], droppedAlertmanagers: [] } };
    case "status/runtimeinfo":
      return {
        data: { startTime: "2025-11-21T10:00:00Z", CWD: "/", reloadConfigSuccess: true, storageRetention: "15d" },
      };
    case "status/buildinfo":
      return { data: { version: "0.1.0", revision: "abc", goVersion: "none" } };
    case "status/walreplay":
      return { data: { min: 0, current: 3, max: 10 } };
    case "status/flags":
      return {
        data: {
          "config.file": "prometheus.yml",
          "web.external-url": "",
          "storage.tsdb.path": "data/with/a/rather/long/path/to/see/it/wrap",
        },
      };
    case "status/config":
      return { data: { yaml: `global:\n  scrape_interval: 15s # ${"long ".repeat(40)}\n` } };
    case "status/tsdb":
      return {
        data: {
          headStats: {
            numSeries: 5,
            chunkCount: 6,
            numLabelPairs: 7,
            minTime: 2 ** 63,
            maxTime: -(2 ** 63),
          },
          seriesCountByMetricName: [{ name: "up", value: 3 }],
          labelValueCountByLabelName: [{ name: "job", value: 1 }],
          memoryInBytesByLabelName: [{ name: "job", value: 4096 }],
          seriesCountByLabelValuePair: [{ name: "job=node", value: 3 }],
        },
      };
    default:
      return { code: 404, body: { status: "error", errorType: "not_found", error: `no ${path} here` } };
  }
}

const SERIES = {
  up: ["a:1", "b:1", "c:1"],
  node_load1: ["a:1", "b:1"],
  warned: ["a:1"],
};

function instant(query, time) {
  if (query === "time()") return { data: { resultType: "scalar", result: [time, String(time)] } };
  if (query === "many") {
    const result = Array.from({ length: 10_000 }, (_, i) => ({
      metric: { __name__: "many", i: String(i) },
      value: [time, String(i)],
    }));
    return { data: { resultType: "vector", result } };
  }
  if (query.includes("by job")) {
    const error =
      'invalid parameter "query": 1:12: parse error: unexpected identifier "job" in grouping opts, expected "("';
    return { code: 400, body: { status: "error", errorType: "bad_data", error } };
  }
  const name = query.trim();
  const result = (SERIES[name] ?? []).map((instance, i) => ({
    metric: { __name__: name, instance, job: "node" },
    value: [time, String(i)],
  }));
  const stats = { timings: { execTotalTime: 0.0012 }, samples: { totalQueryableSamples: 42 } };
  return {
    data: { resultType: "vector", result, stats },
    ...(name === "warned" ? { warnings: ["something to look at"] } : {}),
  };
}

function range(parameters) {
  const [start, end, step] = ["start", "end", "step"].map((key) => Number(parameters.get(key)));
  const name = parameters.get("query").trim();
  const times = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, i) => start + i * step);
  const result = (SERIES[name] ?? []).map((instance, i) => ({
    metric: { __name__: name, instance, job: "node" },
    values: times.map((t) => [t, String(Number((i + 1 + Math.sin(t / 300)).toFixed(3)))]),
  }));
  return { data: { resultType: "matrix", result } };
}

function targets(empty) {
  if (empty) return { activeTargets: [], droppedTargets: [], droppedTargetCounts: {} };
  const target = (scrapePool, instance, health, lastError = "") => ({
    discoveredLabels: { __address__: instance, job: scrapePool },
    labels: { instance, job: scrapePool },
    scrapePool,
    scrapeUrl: `http://${instance}/metrics`,
    globalUrl: `http://${instance}/metrics`,
    lastError,
    lastScrape: health === "unknown" ? "0001-01-01T00:00:00Z" : new Date().toISOString(),
    lastScrapeDuration: 0.0123,
    health,
    scrapeInterval: "15s",
    scrapeTimeout: "10s",
  });
  return {
    activeTargets: [
      ...Array.from({ length: 1000 }, (_, i) => target("node", `10.0.0.${i}:9100`, "up")),
      target("node", "bad:9100", "down", "connection refused"),
      { ...target("full", "full:1", "up"), refusedSeries: 12 },
      target("later", "new:1", "unknown"),
    ],
    droppedTargets: [{ discoveredLabels: { __address__: "gone:1", job: "node" }, scrapePool: "node" }],
    droppedTargetCounts: { node: 1 },
  };
}

function ruleGroups(type) {
  const timing = { health: "ok", evaluationTime: 0.001, lastEvaluation: new Date().toISOString() };
  const alerting = {
    ...timing,
    type: "alerting",
    name: "TargetDown",
    query: "up == 0",
    duration: 60,
    keepFiringFor: 0,
    labels: { severity: "page" },
    annotations: { summary: "down" },
    state: "firing",
    alerts: [
      {
        labels: { alertname: "TargetDown" },
        annotations: {},
        state: "firing",
        activeAt: new Date().toISOString(),
        value: "0e+00",
      },
    ],
  };
  const recording = {
    ...timing,
    type: "recording",
    name: "job:up:sum",
    query: "sum by (job) (up)",
    health: "err",
    lastError: "many-to-many",
  };
  return [
    {
      ...timing,
      name: "example",
      file: "rules.yml",
      interval: 15,
      rules: type === "alert" ? [alerting] : [alerting, recording],
    },
  ];
}
