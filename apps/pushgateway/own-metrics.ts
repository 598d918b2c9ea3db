// What the gateway tells about itself.
import { Counter, type FamilyHeader, Gauge, Registry, Summary } from "@narthex/client";
import { collectDefaultMetrics } from "@narthex/client/node";
import { BUILD_INFO } from "./build-info.ts";
import type { Family } from "./family/family.ts";
import { familiesOf, familyType } from "./own-families.ts";
import type { OwnFamily } from "./store/family-index.ts";

const OBJECTIVES = { 0.1: 0.01, 0.5: 0.05, 0.9: 0.01 };
/** Coarse on purpose: a finer watch of the event loop would be most of what an idle gateway does. */
const EVENT_LOOP_PRECISION_MS = 100;

export class OwnMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<readonly ["handler", "code", "method"]>;
  readonly #pushSizes: Summary<readonly ["method"]>;
  readonly #pushDurations: Summary<readonly ["method"]>;
  readonly #stopWatching: () => void;

  constructor() {
    const registers = [this.#registry];
    new Gauge({
      name: "pushgateway_build_info",
      help: "A metric with a constant '1' value labeled by version, revision, branch, goversion from which pushgateway was built, and the goos and goarch for the build.",
      labelNames: ["branch", "goarch", "goos", "goversion", "revision", "tags", "version"],
      registers,
    }).set(
      {
        branch: BUILD_INFO.branch as string,
        goarch: process.arch === "x64" ? "amd64" : process.arch,
        goos: process.platform,
        goversion: BUILD_INFO.goVersion as string,
        revision: BUILD_INFO.revision as string,
        tags: "typescript",
        version: BUILD_INFO.version as string,
      },
      1,
    );
    this.#requests = new Counter({
      name: "pushgateway_http_requests_total",
      help: "Total HTTP requests processed by the Pushgateway, excluding scrapes.",
      labelNames: ["handler", "code", "method"],
      registers,
    });
    this.#pushSizes = new Summary({
      name: "pushgateway_http_push_size_bytes",
      help: "HTTP request size for pushes to the Pushgateway.",
      labelNames: ["method"],
      objectives: OBJECTIVES,
      registers,
    });
    this.#pushDurations = new Summary({
      name: "pushgateway_http_push_duration_seconds",
      help: "HTTP request duration for pushes to the Pushgateway.",
      labelNames: ["method"],
      objectives: OBJECTIVES,
      registers,
    });
    this.#stopWatching = collectDefaultMetrics({
      register: this.#registry,
      go: true,
      goVersion: BUILD_INFO.goVersion as string,
      eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS,
    });
  }

  countRequest(handler: string, code: number, method: string): void {
    this.#requests.labels({ handler, code: String(code), method: method.toLowerCase() }).inc();
  }

  countPush(method: string, sizeBytes: number, durationSeconds: number): void {
    this.#pushSizes.labels({ method: method.toLowerCase() }).observe(sizeBytes);
    this.#pushDurations.labels({ method: method.toLowerCase() }).observe(durationSeconds);
  }

  /** Everything as it is now. */
  families(): Promise<Family[]> {
    return familiesOf(this.#registry);
  }

  /** Names that nobody may push as something else: those that are there now, and those that will be. */
  async names(): Promise<OwnFamily[]> {
    const families: OwnFamily[] = (await this.families()).map(({ name, type, help }) => ({
      name,
      type,
      help: help ?? "",
    }));
    const known = new Set(families.map(({ name }) => name));
    for (const metric of [this.#requests, this.#pushSizes, this.#pushDurations] as readonly FamilyHeader[])
      if (!known.has(metric.name)) families.push({ name: metric.name, type: familyType(metric), help: metric.help });
    return families;
  }

  close(): void {
    this.#stopWatching();
  }
}
