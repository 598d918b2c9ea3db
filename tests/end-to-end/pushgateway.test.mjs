// The Pushgateway as its users meet it: scraped by our server, stopped and killed, and pushed to by people who mean no good.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import bcrypt from "bcryptjs";
import { COMMAND, Gateway, REFERENCE, withoutReference } from "../lib/gateway.mjs";
import { labelPairs, PROTOBUF_TYPE, protobufBody } from "../lib/metric-messages.mjs";
import { Program, scratch } from "../lib/program.mjs";

const put = (gateway, path, body, more = {}) => gateway.send("PUT", path, { body, ...more });

/** The scrape page without what the gateway says about itself. */
async function pushed(gateway) {
  const { body } = await gateway.send("GET", "/metrics");
  return body
    .split("\n")
    .filter((line) => !/^(?:# (?:HELP|TYPE) )?(?:go_|process_|nodejs_|pushgateway_)/.test(line))
    .join("\n");
}

test("what is pushed is scraped by our server in every format, with its labels honoured", async (t) => {
  const gateway = await Gateway.start(t);
  assert.equal((await put(gateway, "/metrics/job/some_job", "some_metric 3.14\n")).status, 200);
  const native = {
    name: "sizes",
    type: "HISTOGRAM",
    metric: [
      {
        label: labelPairs({ a: "b" }),
        histogram: {
          sample_count: 3,
          sample_sum: 6,
          schema: 0,
          positive_span: [{ offset: 0, length: 2 }],
          positive_delta: [1, 1],
        },
      },
    ],
  };
  const headers = { "content-type": PROTOBUF_TYPE };
  assert.equal((await put(gateway, "/metrics/job/native/instance/i", protobufBody(native), { headers })).status, 200);
  const job = (protocol) => `
  - job_name: ${protocol}
    honor_labels: true
    scrape_protocols: [${protocol}]
    scrape_native_histograms: true
    static_configs: [{targets: ["127.0.0.1:${gateway.port}"], labels: {via: ${protocol}}}]`;
  const protocols = ["PrometheusText0.0.4", "OpenMetricsText1.0.0", "PrometheusProto"];
  const config = `global: {scrape_interval: 1s}\nscrape_configs:${protocols.map(job).join("")}\n`;
  const server = await Program.start(t, { config });
  const found = await server.until(
    'some_metric{job="some_job",instance=""}',
    (result) => result.length === protocols.length,
  );
  assert.deepEqual(
    found.map(({ value }) => value[1]),
    ["3.14", "3.14", "3.14"],
  );
  const histogram = await server.until(
    'histogram_count(sizes{job="native",instance="i"})',
    (result) => result.length === 1,
  );
  assert.equal(histogram[0].value[1], "3");
  const times = await server.query("push_time_seconds > bool time() - 60");
  assert.deepEqual(
    times.map(({ value }) => value[1]),
    Array(2 * protocols.length).fill("1"),
  );
});

test("a stop loses nothing that was acknowledged, even while pushes go on", async (t) => {
  const file = join(scratch(t), "gateway.data");
  const first = await Gateway.start(t, [`--persistence.file=${file}`]);
  const acknowledged = [];
  let isStopping = false;
  const client = async (name) => {
    for (let i = 0; !isStopping || i < 3; i++) {
      const answer = await put(first, `/metrics/job/${name}/n/${i}`, `m ${i}\n`).catch(() => undefined);
      if (answer === undefined) return;
      assert.equal(answer.status, 200);
      acknowledged.push(`m{instance="",job="${name}",n="${i}"} ${i}`);
    }
  };
  const clients = ["a", "b", "c", "d"].map(client);
  await sleep(300);
  // A machine that is busy elsewhere takes longer for enough of them.
  while (acknowledged.length < 20) await sleep(10);
  first.kill("SIGTERM");
  isStopping = true;
  assert.deepEqual(await first.exited, { code: 0, signal: null });
  await Promise.all(clients);
  const second = await Gateway.start(t, [`--persistence.file=${file}`]);
  const lines = new Set((await pushed(second)).split("\n"));
  assert.ok(acknowledged.length > 10);
  assert.deepEqual(
    acknowledged.filter((line) => !lines.has(line)),
    [],
  );
});

test("the same page after a restart", async (t) => {
  const flags = [`--persistence.file=${join(scratch(t), "gateway.data")}`];
  const first = await Gateway.start(t, flags);
  await put(
    first,
    "/metrics/job/a/e@base64/=",
    '# HELP h Sizes.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 3\nh_count 2\n',
  );
  await put(first, "/metrics/job/b", "bad 1 5\n");
  const before = await pushed(first);
  first.kill("SIGTERM");
  await first.exited;
  const second = await Gateway.start(t, flags);
  assert.equal(await pushed(second), before);
});

// The header was read by rules of the gateway's own, which knew fewer formats than those of every other page.
test("the page comes in the format that the Accept header prefers", async (t) => {
  const gateway = await Gateway.start(t);
  for (const [accept, contentType] of [
    ["text/html", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"],
    ["text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"],
    [
      "*/*;q=0.1,application/openmetrics-text;version=1.0.0;escaping=dots",
      "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots",
    ],
    [
      PROTOBUF_TYPE,
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores",
    ],
  ])
    assert.equal((await gateway.send("GET", "/metrics", { headers: { accept } })).headers["content-type"], contentType);
});

test("killed at any moment, it starts with the last state that was written whole", async (t) => {
  const folder = scratch(t);
  const flags = [`--persistence.file=${join(folder, "gateway.data")}`, "--persistence.interval=1ms"];
  let count = 0;
  for (let round = 0; round < 6; round++) {
    const gateway = await Gateway.start(t, flags);
    assert.doesNotMatch(gateway.log, /level=ERROR/);
    const groups = JSON.parse((await gateway.send("GET", "/api/v1/metrics")).body).data;
    assert.ok(groups.length >= count, `${groups.length} groups, there were ${count}`);
    count = groups.length;
    const until = Date.now() + 120 + round * 23;
    // A machine that is busy elsewhere takes longer for enough of them.
    for (let i = 0; i < 20 || Date.now() < until; i++)
      await put(gateway, `/metrics/job/j${round}/i/${i}`, "# HELP m Filler.\n".concat('m{a="b"} 1\n', "n 1\n"));
    await gateway.kill("SIGKILL");
  }
  assert.ok(count > 50);
});

test("a file that is none of ours is set aside and reported, and the gateway starts", async (t) => {
  const folder = scratch(t);
  const file = join(folder, "gateway.data");
  writeFileSync(file, "gob or anything");
  const gateway = await Gateway.start(t, [`--persistence.file=${file}`]);
  assert.match(
    gateway.log,
    /level=ERROR.*could not load all persisted metrics.*it is not a persistence file of this program/,
  );
  const [aside] = readdirSync(folder);
  assert.equal(readFileSync(join(folder, aside), "utf8"), "gob or anything");
  assert.equal((await put(gateway, "/metrics/job/a", "m 1\n")).status, 200);
});

test("an endless body, a bomb and a slow client are bounded and answered, and others are served meanwhile", async (t) => {
  const gateway = await Gateway.start(t, ["--push.max-body-size=4MB"]);
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, "# a comment of a bomb\n"));
  const answer = await put(gateway, "/metrics/job/bomb", bomb, { headers: { "content-encoding": "gzip" } });
  assert.equal(answer.status, 413);
  assert.match(answer.body, /^the body is larger than 4194304 bytes, which --push.max-body-size allows\n$/);
  const declared = await put(gateway, "/metrics/job/declared", Buffer.alloc(5 * 1024 * 1024, "\n"));
  assert.equal(declared.status, 413);
  const oneLine = await put(gateway, "/metrics/job/line", Buffer.alloc(5 * 1024 * 1024, "a"), {
    headers: { "transfer-encoding": "chunked" },
  });
  assert.equal(oneLine.status, 413);
  // Somebody who never ends: the answer comes, and then the connection goes.
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  socket.write("PUT /metrics/job/endless HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  let heard = "";
  socket.on("data", (text) => (heard += text));
  const closed = new Promise((done) => socket.once("close", done));
  const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(65_536, "#\n"), Buffer.from("\r\n")]);
  let sent = 0;
  while (!socket.destroyed && sent < 100 * 1024 * 1024) {
    if (!socket.write(chunk)) await Promise.race([new Promise((done) => socket.once("drain", done)), closed]);
    sent += chunk.length;
  }
  await closed;
  assert.match(heard, /^HTTP\/1\.1 413 /);
  assert.ok(sent < 60 * 1024 * 1024, `${sent} bytes were taken`);
  const slow = connect(gateway.port, "127.0.0.1");
  t.after(() => slow.destroy());
  slow.write("PUT /metrics/job/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nm ");
  assert.equal((await put(gateway, "/metrics/job/fine", "m 1\n")).status, 200);
  assert.equal((await gateway.send("GET", "/-/healthy")).body, "OK");
});

test("100,000 groups stay within the bound and are told so, and the page still comes", {
  timeout: 120_000,
}, async (t) => {
  const gateway = await Gateway.start(t, ["--push.max-store-size=64MB", "--web.enable-admin-api"]);
  const statuses = new Map();
  let refusal = "";
  let next = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  t.after(() => agent.destroy());
  const push = (path) =>
    new Promise((done, fail) => {
      const call = request({ host: "127.0.0.1", port: gateway.port, agent, method: "PUT", path }, (answer) => {
        let body = "";
        answer.on("data", (text) => (body += text));
        answer.on("end", () => done({ status: answer.statusCode, body }));
      });
      call.on("error", fail);
      call.end("m 1\n");
    });
  const worker = async () => {
    while (next < 100_000) {
      const { status, body } = await push(`/metrics/job/hostile/n/${next++}`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status !== 200) refusal ||= body;
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  assert.deepEqual([...statuses.keys()].sort(), [200, 507]);
  assert.match(
    refusal,
    /^the gateway is full: its \d+ groups take some \d+ of 67108864 bytes; delete groups, or raise /,
  );
  const kept = statuses.get(200);
  const { body } = await gateway.send("GET", "/metrics", { headers: { "accept-encoding": "identity" } });
  assert.equal(body.match(/^m\{/gm).length, kept);
  const resident = Number(/^process_resident_memory_bytes (.*)$/m.exec(body)[1]);
  t.diagnostic(`${kept} groups kept, ${Math.round(resident / 1048576)} MiB resident`);
  assert.ok(resident < 600 * 1024 * 1024);
  assert.equal((await put(gateway, "/metrics/job/hostile/n/0", "m 2\n")).status, 200, "what is there can be pushed to");
  const page = await gateway.send("GET", "/");
  assert.ok(page.body.length < 2_000_000);
  assert.equal((await gateway.send("PUT", "/api/v1/admin/wipe")).status, 202);
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(50))
    if ((await gateway.send("GET", "/api/v1/metrics")).body === '{"status":"success","data":[]}') return;
  assert.fail("the wipe did not come to its end");
});

test("groups end as a push or a rule says, and pushes add up where a rule says so", async (t) => {
  const rules = join(scratch(t), "rules.yml");
  writeFileSync(rules, "rules:\n  - match: {job: lambda}\n    aggregate: true\n");
  const gateway = await Gateway.start(t, ["--push.enable-ttl", `--push.rules-file=${rules}`]);
  const counted = "# TYPE calls_total counter\ncalls_total 2\n";
  for (let i = 0; i < 3; i++) await put(gateway, "/metrics/job/lambda", counted);
  assert.match(await pushed(gateway), /^calls_total\{instance="",job="lambda"\} 6$/m);
  assert.equal((await put(gateway, "/metrics/job/brief?ttl=1s", "m 1\n")).status, 200);
  assert.equal((await put(gateway, "/metrics/job/brief2", "m 1\n", { headers: { "narthex-ttl": "1s" } })).status, 200);
  assert.equal((await put(gateway, "/metrics/job/x?ttl=soon", "m 1\n")).status, 400);
  assert.match(await pushed(gateway), /job="brief"/);
  for (const until = Date.now() + 10_000; Date.now() < until; await sleep(100))
    if (!/job="brief/.test(await pushed(gateway))) return;
  assert.fail("the groups are still there");
});

test("a configuration or rules file that cannot be used ends the start with its place", async (t) => {
  const file = join(scratch(t), "rules.yml");
  writeFileSync(file, "rules:\n  - ttl: soon\n");
  await assert.rejects(Gateway.start(t, [`--push.rules-file=${file}`]), /rules\.yml:2:10: /);
  await assert.rejects(Gateway.start(t, [`--web.config.file=${file}`]), /rules\.yml:1:1: /);
  await assert.rejects(Gateway.start(t, ["--web.listen-adress=x"]), /did you mean --web\.listen-address/);
});

test("with --web.systemd-socket it listens on the sockets it is given", async (t) => {
  const held = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => held.once("listening", done));
  t.after(() => held.close());
  const { port } = held.address();
  const child = spawn(COMMAND, ["pushgateway", "--web.systemd-socket"], {
    env: { ...process.env, LISTEN_FDS: "1" },
    stdio: ["ignore", "ignore", "pipe", held._handle.fd],
  });
  t.after(() => child.kill("SIGKILL"));
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  for (const until = Date.now() + 10_000; Date.now() < until && !/Listening on/.test(log); ) await sleep(20);
  assert.match(log, new RegExp(`msg="Listening on" address=127\\.0\\.0\\.1:${port}`));
});

test("basic authentication by --web.config.file", async (t) => {
  const file = join(scratch(t), "web.yml");
  writeFileSync(file, `basic_auth_users:\n  ada: ${bcrypt.hashSync("secret", 4)}\n`);
  const gateway = await Gateway.start(t, [`--web.config.file=${file}`]);
  const authorization = `Basic ${Buffer.from("ada:secret").toString("base64")}`;
  assert.equal((await put(gateway, "/metrics/job/a", "m 1\n")).status, 401);
  assert.equal((await put(gateway, "/metrics/job/a", "m 1\n", { headers: { authorization } })).status, 200);
});

test("the reference's own pushed metrics come over as they are: its page, pushed here", {
  skip: withoutReference,
}, async (t) => {
  const [ours, reference] = await Promise.all([Gateway.start(t), Gateway.startReference(t)]);
  const text = (await reference.send("GET", "/metrics")).body.replace(
    /^((?:# \w+ )?)(go_|process_|pushgateway_)/gm,
    "$1their_$2",
  );
  const messages = await reference.send("GET", "/metrics", { headers: { accept: PROTOBUF_TYPE } });
  assert.equal((await put(ours, "/metrics/job/text", text)).status, 200, REFERENCE);
  assert.match(await pushed(ours), /^their_go_goroutines\{instance="",job="text"\} \d+$/m);
  // Its own families clash with ours in type only if they differ: this shows that they do not.
  const answer = await put(ours, "/metrics/job/messages", messages.bytes, {
    headers: { "content-type": PROTOBUF_TYPE },
  });
  assert.equal(answer.body, "");
});
