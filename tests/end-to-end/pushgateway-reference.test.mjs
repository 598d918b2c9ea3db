// The same requests to our Pushgateway and to the reference's, in one run: status codes, headers, bodies, and what both then show.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Counter, Histogram, pushToGateway, Registry, Summary } from "@narthex/client";
import { Gateway, withoutReference } from "../lib/gateway.mjs";
import { labelPairs, PROTOBUF_TYPE, protobufBody, readProtobufBody } from "../lib/metric-messages.mjs";
import { CASES } from "../lib/push-cases.mjs";

const COMPARED_HEADERS = [
  "content-type",
  "location",
  "allow",
  "x-content-type-options",
  "access-control-allow-origin",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "access-control-expose-headers",
  "cache-control",
];

/** What must be the same: the reference prints blanks in its messages at its whim. */
function comparable({ status, headers, body }, how) {
  const shown = Object.fromEntries(COMPARED_HEADERS.map((name) => [name, headers[name]]));
  return how === "status" ? { status, ...shown } : { status, ...shown, body: body.replace(/ {2,}/g, " ") };
}

/** The pushed part of the scrape page, times apart. */
function pushedPart(page) {
  const own = /^(?:# (?:HELP|TYPE) )?(?:go_|process_|nodejs_|pushgateway_|promhttp_)/;
  return page.body
    .split("\n")
    .filter((line) => !own.test(line))
    .map((line) => line.replace(/^(push_(?:failure_)?time_seconds\{.*\}) 1\.\d+e\+09$/, "$1 NOW"));
}

/** The groups of the API, in an order of their own, times apart. */
function groupsOf(answer) {
  const { status, data } = JSON.parse(answer.body);
  assert.equal(status, "success");
  const text = JSON.stringify(data, (key, value) => {
    if (key === "time_stamp") return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) ? "NOW" : value;
    return key === "value" && /^1\.\d+e\+09$/.test(value) ? "NOW" : value;
  });
  return JSON.parse(text).sort((a, b) => (JSON.stringify(a.labels) < JSON.stringify(b.labels) ? -1 : 1));
}

const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const FUZZ_ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 300);
const WORDS = [
  "a",
  "h",
  "h_bucket",
  "h_count",
  "h_sum",
  "s",
  "s_sum",
  "le",
  "quantile",
  '"',
  "{",
  "}",
  "{",
  "}",
  "=",
  ",",
  " ",
  "\t",
  "#",
  "# HELP ",
  "# TYPE ",
  "histogram",
  "summary",
  "Gauge",
  "1",
  "-5",
  "2.5",
  "NaN",
  "\\",
  "\\n",
  "\u00ff",
  "Π",
  "1e400",
  "'",
];
const LINES = [
  'a{b="c"} 1',
  'h_bucket{le="1",x="y"} 1',
  "h_count 2.5",
  "h_sum 3",
  's{quantile="0.5"} 3',
  "s_count 7",
  "# HELP a Some \\n thing",
  "# TYPE h histogram",
  "# TYPE s summary",
  '{"a",b="c"} -5',
  "",
  "g 1e-9",
];

const PATH_PARTS = [
  "/",
  "/",
  "/",
  "/a",
  "/b",
  "/c/d",
  "/e@base64/",
  "YQ",
  "=",
  "/job/",
  "/__x/y",
  "/bad-name/",
  "%2F",
  "%20",
  "%CE%A0",
  "%zz",
  "%",
  "/..",
  "/.",
  "//",
  "+",
  "/k@base64/YWI",
];

/** Mulberry32: small, and the same everywhere. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lines that are right, lines that are nearly so, and now and then a byte that is not UTF-8. */
function randomBody(next) {
  const pick = (list) => list[Math.floor(next() * list.length)];
  let text = "";
  for (let lines = 1 + Math.floor(next() * 5); lines > 0; lines--) {
    if (next() < 0.7) text += pick(LINES);
    else {
      let line = "";
      for (let words = Math.floor(next() * 8); words > 0; words--) line += pick(WORDS);
      // Braces without a name first: the reference takes the labels for those of the line before, or crashes. Ours refuses them.
      text += /^[ \t]*\{/.test(line) ? `a${line}` : line;
    }
    if (lines > 1 || next() < 0.95) text += "\n";
  }
  const bytes = Buffer.from(text);
  if (next() > 0.2 || bytes.length === 0) return bytes;
  const mutated = Buffer.from(bytes);
  mutated[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
  return /^[ \t]*\{/m.test(mutated.toString("latin1")) ? bytes : mutated;
}

/** Compares one by one, and tells of all differences at the end. */
class Comparison {
  #differences = [];
  count = 0;

  add(name, ours, reference) {
    this.count++;
    try {
      assert.deepEqual(ours, reference);
    } catch {
      this.#differences.push({ name, ours, reference });
    }
  }

  finish(t) {
    assert.deepEqual(this.#differences, []);
    t.diagnostic(`${this.count} answers compared`);
  }
}

const both = (gateways, ...args) => Promise.all(gateways.map((each) => each.send(...args)));

async function start(t, flags = []) {
  return Promise.all([Gateway.start(t, flags), Gateway.startReference(t, flags)]);
}

/** Sends cases to both, then compares what both show. */
async function run(gateways, cases) {
  const comparison = new Comparison();
  for (const [name, method, path, { body, headers, before, compare, either }] of cases) {
    if (before !== undefined) {
      for (const { status } of await both(gateways, before[0], before[1], { body: before[2] }))
        assert.equal(status, 200, `${name}: what comes before it`);
    }
    const [ours, reference] = await both(gateways, method, path, { body, headers });
    if (either?.every((pattern) => !pattern.test(ours.body) || !pattern.test(reference.body)))
      for (const each of [ours, reference])
        if (either.some((pattern) => pattern.test(each.body))) each.body = "one of two";
    comparison.add(name, comparable(ours, compare), comparable(reference, compare));
  }
  const pages = await both(gateways, "GET", "/metrics");
  comparison.add("the scrape page's head", ...pages.map((page) => comparable(page, "status")));
  comparison.add("the scrape page", ...pages.map(pushedPart));
  const apis = await both(gateways, "GET", "/api/v1/metrics");
  comparison.add("/api/v1/metrics's head", ...apis.map((api) => comparable(api, "status")));
  comparison.add("/api/v1/metrics", ...apis.map(groupsOf));
  return comparison;
}

suite("Pushgateway beside the reference", { skip: withoutReference }, () => {
  test("requests of all kinds get the same answers, and leave the same metrics", async (t) => {
    const comparison = await run(await start(t), CASES);
    assert.ok(comparison.count > 120);
    comparison.finish(t);
  });

  test(`random bodies get the same answers (FUZZ_SEED=${seed})`, async (t) => {
    const gateways = await start(t);
    const comparison = new Comparison();
    const next = random(seed);
    for (let round = 0; round < FUZZ_ROUNDS; round++) {
      const body = randomBody(next);
      const [ours, reference] = await both(gateways, "PUT", "/metrics/job/fuzz", { body });
      // Which of several problems of one push the reference tells of first is left to chance.
      const how = /^pushed metrics/.test(reference.body) ? "status" : undefined;
      comparison.add(JSON.stringify(body.toString("latin1")), comparable(ours, how), comparable(reference, how));
      if (reference.status !== 200) continue;
      const pages = await both(gateways, "GET", "/metrics");
      comparison.add(`page after ${JSON.stringify(body.toString("latin1"))}`, ...pages.map(pushedPart));
    }
    comparison.finish(t);
  });

  test(`random paths get the same answers (FUZZ_SEED=${seed})`, async (t) => {
    const gateways = await start(t, ["--web.enable-admin-api"]);
    const comparison = new Comparison();
    const next = random(seed + 1);
    for (let round = 0; round < FUZZ_ROUNDS; round++) {
      let path = next() < 0.8 ? (next() < 0.6 ? "/metrics/job/x" : "/metrics/job@base64/YQ") : "";
      for (let parts = Math.floor(next() * 7); parts > 0; parts--)
        path += PATH_PARTS[Math.floor(next() * PATH_PARTS.length)];
      if (!path.startsWith("/")) path = `/${path}`;
      const method = ["PUT", "POST", "DELETE", "GET"][Math.floor(next() * 4)];
      if (method === "GET" && /^\/(status|metrics|debug|static)?\/?$/i.test(path)) continue;
      const [ours, reference] = await both(gateways, method, path, {
        body: "m 1\n",
      });
      // Empty labels and labels that are not UTF-8 are where ours differs, as the README says.
      if (/^pushed metrics|has a value that is not UTF-8/.test(reference.body + ours.body)) {
        await gateways[1].send("PUT", "/api/v1/admin/wipe");
        continue;
      }
      comparison.add(`${method} ${path}`, comparable(ours), comparable(reference));
    }
    comparison.finish(t);
  });

  test("what our client library pushes, in every format, leaves the same metrics", async (t) => {
    const gateways = await start(t);
    const comparison = new Comparison();
    const registry = new Registry();
    const registers = [registry];
    new Counter({ name: "calls_total", help: "Calls.", labelNames: ["a"], registers }).inc({ a: 'x"\n' }, 2);
    const sizes = new Histogram({ name: "sizes", help: "Sizes.", buckets: [1, 2], nativeHistogram: true, registers });
    for (const size of [0.5, 1.5, 70]) sizes.observe(size);
    new Summary({ name: "times", help: "Times.", objectives: { 0.5: 0.05 }, registers }).observe(3);
    for (const [name, more] of [
      ["text", {}],
      ["protobuf", { format: "protobuf" }],
      ["gzip", { gzip: true, grouping: { path: "/var/tmp", empty: "", word: "a b" } }],
    ]) {
      for (const { port } of gateways)
        await pushToGateway({ url: `http://127.0.0.1:${port}`, job: name, registry, ...more });
      comparison.add(`page after ${name}`, ...(await both(gateways, "GET", "/metrics")).map(pushedPart));
      const accept = { headers: { accept: PROTOBUF_TYPE } };
      const messages = await both(gateways, "GET", "/metrics", accept);
      comparison.add(`protobuf after ${name}`, ...messages.map(({ bytes }) => pushedFamilies(bytes)));
    }
    comparison.finish(t);
  });

  test("with UTF-8 names: escapes in paths, quoted names in bodies, every escaping of the scrape page", async (t) => {
    const gateways = await start(t, ["--push.enable-utf8-names"]);
    const protobuf = { "content-type": PROTOBUF_TYPE };
    const comparison = await run(gateways, [
      ["an escaped label name", "PUT", "/metrics/job/u/U__foo_2e_bar/x", { body: '{"a.b","c d"="e",f="g"} 1\n' }],
      ["an escaped label name in base64", "PUT", "/metrics/job/u/U__foo_2e_bar@base64/eXo", { body: "plain 1\n" }],
      ["an invalid escape stays", "PUT", "/metrics/job/u2/U__foo_zz/x", { body: "plain2 1\n" }],
      ["a label name beyond ASCII", "PUT", "/metrics/job/u3/%CE%A0/x", { body: "# TYPE Προ counter\n" }],
      ["a reserved label name", "PUT", "/metrics/job/u/__x/x", { body: "m 1\n" }],
      ["an empty label name", "PUT", "/metrics/job/u/@base64/x", { body: "m 1\n" }],
      [
        "a type and a help of a quoted name",
        "PUT",
        "/metrics/job/u4",
        {
          body: '# HELP "h.x" Help.\n# TYPE "h.x" histogram\n{"h.x_bucket",le="1"} 1\n{"h.x_sum"} 2\n{"h.x_count"} 1\n',
        },
      ],
      [
        "a name in protobuf",
        "PUT",
        "/metrics/job/u5",
        {
          body: protobufBody({
            name: "pb.x",
            type: "GAUGE",
            metric: [{ label: labelPairs({ "l.m": "v" }), gauge: { value: 1 } }],
          }),
          headers: protobuf,
        },
      ],
    ]);
    for (const escaping of ["allow-utf-8", "underscores", "dots", "values", "nonsense"]) {
      const accept = `text/plain;version=0.0.4;escaping=${escaping}`;
      const pages = await both(gateways, "GET", "/metrics", { headers: { accept } });
      comparison.add(`head with ${escaping}`, ...pages.map((page) => comparable(page, "status")));
      comparison.add(`page with ${escaping}`, ...pages.map(pushedPart));
      const messages = await both(gateways, "GET", "/metrics", {
        headers: { accept: `${PROTOBUF_TYPE};escaping=${escaping}` },
      });
      comparison.add(`protobuf head with ${escaping}`, ...messages.map((page) => comparable(page, "status")));
      comparison.add(`protobuf with ${escaping}`, ...messages.map(({ bytes }) => pushedFamilies(bytes)));
    }
    comparison.finish(t);
  });

  test("without the check: bad pushes are taken, break the page, and are mended by deleting", async (t) => {
    const gateways = await start(t, ["--push.disable-consistency-check"]);
    const send = [
      ["PUT", "/metrics/job/a", { body: "m 1\n" }],
      ["PUT", "/metrics/job/b", { body: "# TYPE m counter\nm 1\n" }],
      ["PUT", "/metrics/job/c", { body: "m 1 5\n" }],
      ["PUT", "/metrics/job/d", { body: "m x\n" }],
      ["GET", "/metrics", {}],
      ["DELETE", "/metrics/job/b", {}],
      ["GET", "/metrics", {}],
    ];
    const comparison = new Comparison();
    for (const [method, path, more] of send) {
      const answers = await both(gateways, method, path, more);
      comparison.add(`${method} ${path}`, ...answers.map((answer) => comparable(answer, "status")));
      if (answers[0].status === 500)
        for (const { body } of answers)
          assert.match(body, /^An error has occurred while serving metrics:\n\n.*"m".* is not a /);
    }
    const pages = await both(gateways, "GET", "/metrics");
    comparison.add("the page afterwards", ...pages.map(pushedPart));
    comparison.finish(t);
  });

  test("with lifecycle and admin API: wiping and quitting", async (t) => {
    const gateways = await start(t, ["--web.enable-lifecycle", "--web.enable-admin-api"]);
    const comparison = new Comparison();
    for (const [method, path, more] of [
      ["PUT", "/metrics/job/a", { body: "m 1\n" }],
      ["PUT", "/metrics/job/b", { body: "m 1\n" }],
      ["POST", "/api/v1/admin/wipe", {}],
      ["GET", "/api/v1/admin/wipe", {}],
      ["PUT", "/api/v1/admin/wipe", {}],
      ["GET", "/api/v1/metrics", {}],
      ["GET", "/-/quit", {}],
      ["PUT", "/-/quit", {}],
    ])
      comparison.add(
        `${method} ${path}`,
        ...(await both(gateways, method, path, more)).map((answer) => comparable(answer)),
      );
    for (const gateway of gateways) assert.deepEqual(await gateway.exited, { code: 0, signal: null });
    comparison.finish(t);
  });

  test("below a route prefix", async (t) => {
    const gateways = await start(t, ["--web.external-url=http://example.com/push/", "--web.telemetry-path=/own"]);
    const comparison = new Comparison();
    for (const [method, path, more] of [
      ["PUT", "/push/metrics/job/a", { body: "m 1\n" }],
      ["PUT", "/metrics/job/a", { body: "m 1\n" }],
      ["GET", "/push/-/ready", {}],
      ["GET", "/-/ready", {}],
      ["GET", "/", {}],
      ["GET", "/-/quit", {}],
      ["GET", "/push/metrics", {}],
      ["GET", "/push/api/v1/nothing", {}],
      ["GET", "/push/api/v1", {}],
    ])
      comparison.add(
        `${method} ${path}`,
        ...(await both(gateways, method, path, more)).map((answer) => comparable(answer)),
      );
    const pages = await both(gateways, "GET", "/push/own");
    comparison.add("the page", ...pages.map(pushedPart));
    comparison.finish(t);
  });
});

/** Pushed families of a protobuf page, times apart. */
function pushedFamilies(bytes) {
  return readProtobufBody(bytes)
    .filter(({ name }) => !/^(go|process|nodejs|pushgateway|promhttp)_/.test(name))
    .map((family) =>
      JSON.parse(JSON.stringify(family, (_key, value) => (value > 1.7e9 && value < 2e9 ? "NOW" : value))),
    );
}
