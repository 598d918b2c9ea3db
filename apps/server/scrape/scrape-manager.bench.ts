// Whole scrapes against a fake exporter in a process of its own: run `node apps/server/dist/scrape/scrape-manager.bench.js
// [targets] [series] [intervalSeconds] [seconds] [gzip|plain]`. Prints CPU per sample, how late scrapes start, how late
// their samples are taken in (the exporter's time included), and what garbage collection and the machine add to that.
import { fork } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Registry } from "@narthex/client";
import { Labels } from "@narthex/model";
import type { Appendable, Appender } from "@narthex/storage";
import { silentLogger } from "@narthex/toolkit";
import { type Clock, systemClock } from "./clock.ts";
import { ScrapeManager } from "./scrape-manager.ts";
import { scrapeConfig } from "./testing.ts";

const [targets = 1000, series = 100, interval = 5, seconds = 20] = process.argv.slice(2, 6).map(Number);
const gzip = process.argv[6] !== "plain";

/** Bodies are made before the measuring, so that the exporter costs little while it runs. */
function serveBodies(): void {
  const bodies = Array.from({ length: 16 }, (_, step) => {
    const lines = ["# HELP http_requests_total Requests that were answered.", "# TYPE http_requests_total counter"];
    for (let i = 0; i < series; i++) {
      const labels = `handler="/api/v1/resource-${i >> 3}",method="GET",code="${200 + (i & 7)}",service="checkout"`;
      lines.push(`http_requests_total{${labels}} ${i * 1000 + step * 7}`);
    }
    const text = Buffer.from(`${lines.join("\n")}\n`);
    return gzip ? gzipSync(text) : text;
  });
  let n = 0;
  const server = createServer((_, response) => {
    const headers: Record<string, string | number> = { "content-type": "text/plain; version=0.0.4" };
    if (gzip) headers["content-encoding"] = "gzip";
    const body = bodies[n++ % bodies.length] as Buffer;
    response.writeHead(200, { ...headers, "content-length": body.length }).end(body);
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
}

class CountingAppendable implements Appendable {
  samples = 0;
  scrapes = 0;
  readonly lateness: number[] = [];
  #refs = 0;

  appender(): Appender {
    const count = (n: number) => {
      this.samples += n;
      return 0 as const;
    };
    return {
      series: () => ++this.#refs,
      seriesOfBytes: () => ++this.#refs,
      append: () => count(1),
      appendStale: () => 0,
      appendBits: () => count(1),
      appendBatch: (_refs, _halves, n, t) => {
        this.scrapes++;
        this.lateness.push(systemClock.now() - t);
        return count(n);
      },
      appendHistogram: () => 0,
      appendExemplar: () => 0,
      updateMetadata: () => {},
      commit: () => {},
      rollback: () => {},
    };
  }
}

/** The system's clock, keeping how late each of its timers rang. */
class WatchedClock implements Clock {
  readonly lateness: number[] = [];

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  after(ms: number, callback: () => void): { cancel(): void } {
    const due = systemClock.monotonic() + Math.max(0, ms);
    return systemClock.after(ms, () => {
      this.lateness.push(Math.max(0, systemClock.monotonic() - due));
      callback();
    });
  }
}

/** Median, p99 and maximum. */
function spread(values: number[]): string {
  const sorted = values.sort((a, b) => a - b);
  const at = (q: number) => (sorted[Math.floor(q * (sorted.length - 1))] ?? 0).toFixed(1);
  return `${at(0.5)} / ${at(0.99)} / ${at(1)} ms`;
}

async function measure(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2, 7)], {
    env: { ...process.env, ROLE: "exporter" },
  });
  const port = await new Promise<number>((resolve) => child.once("message", (message) => resolve(message as number)));
  const appendable = new CountingAppendable();
  const clock = new WatchedClock();
  const manager = new ScrapeManager({
    clock,
    appendable,
    registry: new Registry(),
    logger: silentLogger,
    version: "3.14.0",
  });
  const job = scrapeConfig({ scrapeIntervalMs: interval * 1000, scrapeTimeoutMs: interval * 1000 });
  manager.applyConfig({ allScrapeConfigs: [job], global: { externalLabels: Labels.empty } });
  const found = Array.from(
    { length: targets },
    (_, i) =>
      new Map([
        ["__address__", `127.0.0.1:${port}`],
        ["instance", `i${i}`],
      ]),
  );
  manager.updateTargets(new Map([["j", [{ source: "0", labels: new Map(), targets: found }]]]));
  await new Promise((resolve) => setTimeout(resolve, (interval + 2) * 1000));
  appendable.samples = 0;
  appendable.scrapes = 0;
  appendable.lateness.length = 0;
  clock.lateness.length = 0;
  const pauses: number[] = [];
  new PerformanceObserver((list) => pauses.push(...list.getEntries().map(({ duration }) => duration))).observe({
    entryTypes: ["gc"],
  });
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const { user, system } = process.cpuUsage(before);
  console.log(
    `${targets} targets x ${series} series every ${interval} s, ${gzip ? "gzip" : "plain"}, Node ${process.version}: ` +
      `${(appendable.scrapes / seconds).toFixed(0)} scrapes/s, ${(appendable.samples / seconds).toFixed(0)} samples/s, ` +
      `${((user + system) / appendable.samples).toFixed(3)} µs CPU/sample, ${((user + system) / appendable.scrapes).toFixed(0)} µs CPU/scrape, ` +
      `RSS ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`,
  );
  console.log("after the tick (median / p99 / max):");
  console.log(`  timers ring ${spread(clock.lateness)}, samples are taken in ${spread(appendable.lateness)}`);
  console.log(
    `  event loop ${(loop.max / 1e6).toFixed(1)} ms at most; ${pauses.length} collections, ${spread(pauses)}`,
  );
  const errors = new Set(manager.activeTargets().map((target) => target.lastError));
  if (errors.size > 1 || !errors.has("")) console.log("errors:", [...errors].slice(0, 5));
  manager.stop();
  child.kill();
}

if (process.env["ROLE"] === "exporter") serveBodies();
else await measure();
