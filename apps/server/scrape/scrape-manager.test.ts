import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Registry } from "@narthex/client";
import { isStaleAt, Labels, Matcher } from "@narthex/model";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { silentLogger } from "@narthex/toolkit";
import type { ScrapeConfig } from "../config/types.ts";
import type { TargetGroup } from "../discovery/target-group.ts";
import { ScrapeManager } from "./scrape-manager.ts";
import { ManualClock, scrapeConfig, until } from "./testing.ts";

const START = 1_700_000_000_000;
const TEXT = { "content-type": "text/plain; version=0.0.4" };
const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(handler: Handler): Promise<string> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function groups(addresses: readonly string[], job = "j"): ReadonlyMap<string, readonly TargetGroup[]> {
  const targets = addresses.map((address) => new Map([["__address__", address]]));
  return new Map([[job, [{ source: "0", labels: new Map(), targets }]]]);
}

/** A manager with its storage and a clock turned by hand. */
class Rig {
  readonly storage = new MemoryStorage();
  readonly clock = new ManualClock(START);
  readonly registry = new Registry();
  readonly manager: ScrapeManager;

  constructor() {
    this.manager = new ScrapeManager({
      appendable: this.storage,
      registry: this.registry,
      logger: silentLogger,
      clock: this.clock,
      version: "3.14.0",
      hostName: "host",
      features: new Set(["exemplar-storage"]),
    });
    closers.push(() => this.manager.stop());
  }

  apply(...jobs: readonly ScrapeConfig[]): void {
    this.manager.applyConfig({ allScrapeConfigs: jobs, global: { externalLabels: Labels.empty } });
  }

  begin(addresses: readonly string[], overrides: Partial<ScrapeConfig> = {}): void {
    this.apply(scrapeConfig(overrides));
    this.manager.updateTargets(groups(addresses));
  }

  /** Turns the clock on by whole seconds, waiting for the scrapes of each. */
  async turn(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      const before = this.scrapes();
      this.clock.turnTo(this.clock.now() + 1000);
      await until(() => this.scrapes() >= before + this.manager.activeTargets().length, "scrapes");
    }
  }

  /** Samples of `up` so far, all targets together. */
  scrapes(): number {
    return this.samples("up").reduce((sum, { values }) => sum + values.length, 0);
  }

  samples(name: string): { labels: Record<string, string>; times: number[]; values: (number | "stale")[] }[] {
    const querier = this.storage.querier(0, 1e15);
    const set = querier.select([new Matcher("=", "__name__", name)]);
    const found: { labels: Record<string, string>; times: number[]; values: (number | "stale")[] }[] = [];
    for (let i = 0; i < set.count; i++) {
      const buffer = new SampleBuffer();
      set.read(i, 0, 1e15, buffer);
      const values = Array.from({ length: buffer.count }, (_, s) =>
        isStaleAt(buffer.halves, s) ? ("stale" as const) : (buffer.values[s] as number),
      );
      found.push({ labels: set.labels(i).toObject(), times: [...buffer.times.subarray(0, buffer.count)], values });
    }
    querier.close();
    return found;
  }

  values(name: string): (number | "stale")[] {
    return this.samples(name)[0]?.values ?? [];
  }

  get lastError(): string {
    return this.manager.activeTargets()[0]?.lastError ?? "";
  }
}

test("scrape loop: samples and reports carry the ideal moment of each tick, at the target's own phase", async () => {
  const rig = new Rig();
  const seen: IncomingMessage["headers"][] = [];
  const address = await serve((request, response) => {
    seen.push(request.headers);
    response.writeHead(200, TEXT).end("# TYPE a gauge\na 1\n");
  });
  rig.begin([address]);
  await rig.turn(3);
  const [a] = rig.samples("a");
  assert.deepEqual(a?.labels, { __name__: "a", instance: address, job: "j" });
  assert.deepEqual(a?.values, [1, 1, 1]);
  const [first = 0, second = 0, third = 0] = a?.times ?? [];
  // Phases are rounded to whole milliseconds: the last of them is the interval itself.
  assert.ok(first >= START && first <= START + 1000);
  assert.deepEqual([second - first, third - first], [1000, 2000]);
  assert.deepEqual(rig.values("up"), [1, 1, 1]);
  assert.deepEqual(rig.values("scrape_samples_scraped"), [1, 1, 1]);
  assert.deepEqual(rig.values("scrape_series_added"), [1, 0, 0]);
  assert.equal(seen[0]?.["user-agent"], "Prometheus/3.14.0");
  assert.equal(seen[0]?.["x-prometheus-scrape-timeout-seconds"], "1");
  assert.equal(
    seen[0]?.accept,
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
  );
  const [target] = rig.manager.activeTargets();
  assert.equal(target?.health, "up");
  assert.equal(target?.lastScrape, third);
  assert.equal(target?.scrapeUrl, `http://${address}/metrics`);
  assert.deepEqual([target?.scrapeInterval, target?.scrapeTimeout], ["1s", "1s"]);
  assert.deepEqual([...(target?.metadata() ?? [])], [["a", { type: "gauge", help: "", unit: "" }]]);
});

test("scrape loop: a second manager with the same host and labels scrapes at the same phase", async () => {
  const address = await serve((_, response) => void response.writeHead(200, TEXT).end("a 1\n"));
  const phases: number[] = [];
  for (let i = 0; i < 2; i++) {
    const rig = new Rig();
    rig.begin([address]);
    await rig.turn(1);
    phases.push((rig.samples("up")[0]?.times[0] as number) % 1000);
  }
  assert.equal(phases[0], phases[1]);
});

const FAILURES: readonly { what: string; handler: Handler; error: RegExp; config?: Partial<ScrapeConfig> }[] = [
  {
    what: "a status other than 200",
    handler: (_, response) => void response.writeHead(500).end("no"),
    error: /^server returned HTTP status 500 Internal Server Error$/,
  },
  {
    what: "a target that never answers",
    handler: () => {},
    config: { scrapeTimeoutMs: 100 },
    error: /^Get "http:\/\/127\.0\.0\.1:\d+\/metrics": context deadline exceeded$/,
  },
  {
    what: "a body that stops in the middle",
    handler: (_, response) => void response.writeHead(200, TEXT).write("a 1\n"),
    config: { scrapeTimeoutMs: 100 },
    error: /^context deadline exceeded$/,
  },
  {
    what: "a connection that is cut in the middle of the body",
    handler: (_, response) => {
      response.writeHead(200, { ...TEXT, "content-length": "100" }).write("a 1\n");
      setTimeout(() => response.socket?.destroy(), 10);
    },
    error: /^unexpected EOF$/,
  },
  {
    what: "a connection closed without an answer",
    handler: (request) => void request.socket.destroy(),
    error: /^Get "http:\/\/[^"]+": EOF$/,
  },
  {
    what: "a connection reset without an answer",
    handler: (request) => void request.socket.resetAndDestroy(),
    error: /^Get "http:\/\/[^"]+": (EOF|read: connection reset by peer)$/,
  },
  {
    what: "garbage",
    handler: (_, response) => void response.writeHead(200, TEXT).end(Buffer.from([0xff, 0xfe, 1, 2, 3, 10])),
    error: /^expected a valid start token, got "\\xff" \("INVALID"\) while parsing: "\\xff"$/,
  },
  {
    what: "a web page",
    handler: (_, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
    error: /^received unsupported Content-Type "text\/html" and no fallback_scrape_protocol specified for target$/,
  },
  {
    what: "no Content-Type",
    handler: (_, response) => void response.writeHead(200).end("a 1\n"),
    error:
      /^non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target$/,
  },
  {
    what: "a body as large as the limit",
    handler: (_, response) => void response.writeHead(200, TEXT).end("a 1\n"),
    config: { bodySizeLimitBytes: 4 },
    error: /^body size limit exceeded$/,
  },
  {
    what: "an endless body",
    handler: (_, response) => {
      response.writeHead(200, TEXT);
      const chunk = Buffer.alloc(1 << 20, "a 1\n");
      const pour = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", pour);
      pour();
    },
    config: { bodySizeLimitBytes: 20_000_000, scrapeTimeoutMs: 1000 },
    error: /^body size limit exceeded$/,
  },
  {
    what: "a gzip bomb",
    handler: (_, response) =>
      void response
        .writeHead(200, { ...TEXT, "content-encoding": "gzip" })
        .end(gzipSync(Buffer.alloc(50_000_000, "a 1\n"))),
    config: { bodySizeLimitBytes: 1_000_000 },
    error: /^body size limit exceeded$/,
  },
  {
    what: "something that is not gzip under that name",
    handler: (_, response) => void response.writeHead(200, { ...TEXT, "content-encoding": "gzip" }).end("answer 42\n"),
    error: /^gzip: invalid header$/,
  },
  {
    what: "less than a gzip header under that name",
    handler: (_, response) => void response.writeHead(200, { ...TEXT, "content-encoding": "gzip" }).end("a 1\n"),
    error: /^unexpected EOF$/,
  },
  {
    what: "a gzip body cut short",
    handler: (_, response) => {
      const body = gzipSync("a 1\n".repeat(1000));
      response.writeHead(200, { ...TEXT, "content-encoding": "gzip" }).end(body.subarray(0, body.length - 20));
    },
    error: /^unexpected EOF$/,
  },
  {
    what: "too many samples",
    handler: (_, response) => void response.writeHead(200, TEXT).end("a 1\nb 1\nc 1\n"),
    config: { sampleLimit: 2 },
    error: /^sample limit exceeded$/,
  },
];

for (const { what, handler, error, config } of FAILURES) {
  test(`scrape loop: ${what}`, async () => {
    const rig = new Rig();
    rig.begin([await serve(handler)], config);
    await rig.turn(1);
    assert.match(rig.lastError, error);
    assert.equal(rig.manager.activeTargets()[0]?.health, "down");
    assert.deepEqual(rig.values("up"), [0]);
    assert.deepEqual(rig.samples("a"), []);
  });
}

test("scrape loop: a port where nobody listens", async () => {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const rig = new Rig();
  rig.begin([`127.0.0.1:${port}`]);
  await rig.turn(1);
  assert.equal(
    rig.lastError,
    `Get "http://127.0.0.1:${port}/metrics": dial tcp 127.0.0.1:${port}: connect: connection refused`,
  );
});

test("scrape loop: something that speaks no HTTP", async () => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.end("SSH-2.0-OpenSSH\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  const rig = new Rig();
  rig.begin([`127.0.0.1:${(server.address() as AddressInfo).port}`]);
  await rig.turn(1);
  assert.match(
    rig.lastError,
    /^Get "http:[^"]+": net\/http: HTTP\/1\.x transport connection broken: malformed HTTP response/,
  );
});

test("scrape loop: a failure ends the series, which come back with the next good scrape", async () => {
  const rig = new Rig();
  let calls = 0;
  const address = await serve((_, response) => {
    calls++;
    if (calls === 2) response.writeHead(503).end();
    else response.writeHead(200, TEXT).end(`a ${calls}\n`);
  });
  rig.begin([address]);
  await rig.turn(3);
  assert.deepEqual(rig.values("a"), [1, "stale", 3]);
  assert.deepEqual(rig.values("up"), [1, 0, 1]);
  // A failure makes no series new: the reference's cache knows them still.
  assert.deepEqual(rig.values("scrape_series_added"), [1, 0, 0]);
});

test("scrape loop: gzip bodies are read, and a kept-alive connection that was closed is replaced unseen", async () => {
  const rig = new Rig();
  const sockets = new Set<unknown>();
  let calls = 0;
  const address = await serve((request, response) => {
    sockets.add(request.socket);
    calls++;
    assert.equal(request.headers["accept-encoding"], "gzip");
    response.writeHead(200, { ...TEXT, "content-encoding": "gzip" }).end(gzipSync(`a ${calls}\n`));
    if (calls === 2) response.on("finish", () => setTimeout(() => request.socket.destroy(), 5));
  });
  rig.begin([address]);
  await rig.turn(2);
  assert.equal(sockets.size, 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  await rig.turn(1);
  assert.deepEqual(rig.values("a"), [1, 2, 3]);
  assert.deepEqual(rig.values("up"), [1, 1, 1]);
});

test("scrape loop: a redirect tells where it came from", async () => {
  const referers: unknown[] = [];
  const address = await serve((request, response) => {
    referers.push(request.headers.referer);
    if (request.url === "/metrics") response.writeHead(302, { location: "/other" }).end();
    else response.writeHead(200, TEXT).end("a 1\n");
  });
  const rig = new Rig();
  rig.begin([address]);
  await rig.turn(1);
  assert.deepEqual(referers, [undefined, `http://${address}/metrics`]);
});

test("scrape loop: redirects are followed, without credentials to another host", async () => {
  const seen: (string | undefined)[] = [];
  const other = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200, TEXT).end("a 1\n");
  });
  const address = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(302, { location: `http://${other}/x` }).end();
  });
  const rig = new Rig();
  const { http } = scrapeConfig();
  const password = { reveal: () => "p", isEmpty: false } as unknown as NonNullable<typeof http.basicAuth>["password"];
  rig.begin([address], {
    http: { ...http, basicAuth: { username: "u", usernameFile: "", password, passwordFile: "" } },
  });
  await rig.turn(1);
  assert.deepEqual(rig.values("a"), [1]);
  assert.deepEqual(seen, [`Basic ${Buffer.from("u:p").toString("base64")}`, undefined]);
});

test("scrape pool: targets beyond the limit fail all targets of the job, without a request", async () => {
  let requests = 0;
  const address = await serve((_, response) => {
    requests++;
    response.writeHead(200, TEXT).end("a 1\n");
  });
  const rig = new Rig();
  rig.begin([address, "127.0.0.1:1"], { targetLimit: 1 });
  await rig.turn(1);
  assert.equal(rig.lastError, "target_limit exceeded (number of targets: 2, limit: 1)");
  assert.equal(requests, 0);
});

test("scrape pool: a removed target's series end at the first tick after, but not if it comes back before", async () => {
  const address = await serve((_, response) => void response.writeHead(200, TEXT).end("a 1\n"));
  const rig = new Rig();
  rig.begin([address]);
  await rig.turn(6);
  const lastTick = rig.samples("a")[0]?.times.at(-1) as number;
  rig.manager.updateTargets(groups([]));
  assert.equal(rig.manager.activeTargets().length, 0);
  rig.clock.turnTo(rig.clock.now() + 1000);
  rig.manager.updateTargets(groups([address]));
  rig.clock.turnTo(rig.clock.now() + 4000);
  assert.equal(rig.samples("a")[0]?.values.at(-1), "stale");
  assert.equal(rig.samples("a")[0]?.times.at(-1), lastTick + 1000);
  assert.equal(rig.samples("up")[0]?.values.at(-1), "stale");
});

test("scrape pool: a reload that changes only the interval keeps the cache, and an equal one touches nothing", async () => {
  const address = await serve((_, response) => void response.writeHead(200, TEXT).end("a 1\n"));
  const rig = new Rig();
  rig.begin([address]);
  await rig.turn(2);
  rig.apply(scrapeConfig());
  await rig.turn(1);
  rig.apply(scrapeConfig({ sampleLimit: 100 }));
  await rig.turn(2);
  assert.deepEqual(rig.values("scrape_series_added"), [1, 0, 0, 0, 0]);
  rig.apply(scrapeConfig({ honorLabels: true }));
  await rig.turn(1);
  assert.deepEqual(rig.values("scrape_series_added"), [1, 0, 0, 0, 0, 1]);
});

test("scrape pool: a reload opens the failure log anew, of jobs that did not change as well", async () => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-failures-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  const scrapeFailureLogFile = join(folder, "failures.log");
  const address = await serve((_, response) => void response.writeHead(500).end());
  const rig = new Rig();
  rig.begin([address], { scrapeFailureLogFile });
  await rig.turn(1);
  renameSync(scrapeFailureLogFile, `${scrapeFailureLogFile}.1`);
  rig.apply(scrapeConfig({ scrapeFailureLogFile }));
  await rig.turn(1);
  const lines = (file: string): unknown[] =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
  await until(() => lines(scrapeFailureLogFile).length === 1, "the second line");
  assert.deepEqual(lines(`${scrapeFailureLogFile}.1`), ["server returned HTTP status 500 Internal Server Error"]);
});

test("scrape manager: target sets are applied at once, then at most every five seconds", async () => {
  const address = await serve((_, response) => void response.writeHead(200, TEXT).end("a 1\n"));
  const rig = new Rig();
  rig.begin([address]);
  assert.equal(rig.manager.activeTargets().length, 1);
  rig.manager.updateTargets(groups([address, "127.0.0.1:1"]));
  assert.equal(rig.manager.activeTargets().length, 1);
  rig.clock.turnTo(rig.clock.now() + 4999);
  assert.equal(rig.manager.activeTargets().length, 1);
  rig.clock.turnTo(rig.clock.now() + 1);
  assert.equal(rig.manager.activeTargets().length, 2);
});

test("scrape manager: targets that are found a moment after the start are applied at once", () => {
  const rig = new Rig();
  rig.begin([]);
  rig.manager.updateTargets(new Map([["j", []]]));
  rig.manager.updateTargets(groups(["127.0.0.1:1"]));
  assert.equal(rig.manager.activeTargets().length, 1);
});

test("scrape manager: a hanging target holds up nobody else", async () => {
  const rig = new Rig();
  const good = await serve((_, response) => void response.writeHead(200, TEXT).end("a 1\n"));
  const hanging = await serve(() => {});
  rig.begin([good, hanging]);
  const ups = () => rig.samples("up").find(({ labels }) => labels["instance"] === good)?.values.length ?? 0;
  for (let i = 1; i <= 3; i++) {
    rig.clock.turnTo(rig.clock.now() + 1000);
    await until(() => ups() === i, "the good target");
  }
});

test("scrape manager: extra reports, dropped targets and the metrics of its own", async () => {
  const address = await serve((_, response) => void response.writeHead(200, TEXT).end("a 1\na 2\n"));
  const rig = new Rig();
  const drop = {
    sourceLabels: ["__address__"],
    separator: ";",
    regex: "127.0.0.1:1",
    regexIsDefault: false,
    modulus: 0n,
    targetLabel: "",
    replacement: "$1",
    action: "drop",
    nameValidationScheme: "utf8",
  } as const;
  rig.begin([address, "127.0.0.1:1", "a/b"], { extraScrapeMetrics: true, relabelConfigs: [drop] });
  await rig.turn(1);
  assert.deepEqual(rig.values("scrape_timeout_seconds"), [1]);
  assert.deepEqual(rig.values("scrape_body_size_bytes"), [8]);
  assert.equal(rig.manager.droppedTargets()[0]?.discoveredLabels.get("__address__"), "127.0.0.1:1");
  assert.deepEqual(rig.manager.droppedTargetCounts(), { j: 1 });
  const text = await rig.registry.metrics();
  assert.match(text, /^prometheus_target_scrape_pool_targets\{scrape_job="j"\} 1$/m);
  assert.match(text, /^prometheus_target_sync_failed_total\{scrape_job="j"\} 1$/m);
  assert.match(text, /^prometheus_target_scrapes_sample_duplicate_timestamp_total 1$/m);
});

test("scrape loop: a clock set back a little neither repeats nor skips a tick; the tick waits for its moment", async () => {
  const rig = new Rig();
  const address = await serve((_, response) => response.writeHead(200, TEXT).end("a 1\n"));
  rig.begin([address]);
  await rig.turn(3);
  const before = rig.samples("up")[0]?.times ?? [];
  rig.clock.step(-400);
  // What is left of the second, and the four tenths that come once more.
  rig.clock.pass(1000);
  assert.equal(rig.scrapes(), 3, "not before its moment has come");
  rig.clock.pass(400);
  await until(() => rig.scrapes() === 4, "the scrape after the step");
  for (let i = 0; i < 2; i++) {
    rig.clock.pass(1000);
    await until(() => rig.scrapes() === 5 + i, "further scrapes");
  }
  const times = rig.samples("up")[0]?.times ?? [];
  assert.deepEqual(
    times.slice(2).map((t) => t - (before[2] as number)),
    [0, 1000, 2000, 3000],
  );
});

test("scrape loop: a clock set forward is followed at the next timer, and ticks keep their phase", async () => {
  const rig = new Rig();
  const address = await serve((_, response) => response.writeHead(200, TEXT).end("a 1\n"));
  rig.begin([address]);
  await rig.turn(2);
  rig.clock.step(10_250);
  for (let i = 3; i < 6; i++) {
    rig.clock.pass(1000);
    await until(() => rig.scrapes() === i, "a scrape");
  }
  const times = rig.samples("up")[0]?.times ?? [];
  const [, second = 0, third = 0, fourth = 0, fifth = 0] = times;
  assert.equal(third - second, 11_250, "a tick that was missed is taken late, with the time it has");
  assert.deepEqual([(fourth - second) % 1000, fifth - fourth], [0, 1000]);
});

test("scrape loop: a clock set back by hours does not stop scraping", async () => {
  const rig = new Rig();
  let requests = 0;
  const address = await serve((_, response) => {
    requests++;
    response.writeHead(200, TEXT).end("a 1\n");
  });
  rig.begin([address]);
  await rig.turn(2);
  rig.clock.step(-7_200_000);
  for (let i = 3; i < 6; i++) {
    const before = rig.manager.activeTargets()[0]?.lastScrape;
    rig.clock.pass(1000);
    rig.clock.pass(1000);
    await until(() => requests >= i, "a request");
    // Only when the answer was taken in is the next scrape armed; time that passes before that rings nothing.
    await until(() => rig.manager.activeTargets()[0]?.lastScrape !== before, "the end of a scrape");
  }
  assert.equal(rig.scrapes(), 2, "the storage has later samples and refuses these");
});
