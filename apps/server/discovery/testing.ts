// What tests of discovery share: a discoverer that runs on a clock turned by hand, and a server that answers as told.
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { Registry } from "@narthex/client";
import { createLogger } from "@narthex/toolkit";
import { ManualClock, until } from "../scrape/testing.ts";
import type { Discoverer, DiscovererContext } from "./discoverer.ts";
import { DiscoveryMetrics } from "./discovery-metrics.ts";
import type { TargetGroup } from "./target-group.ts";

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

/** Calls back when all tests of the file are done. */
export function whenDone(close: () => void): void {
  closers.push(close);
}

/** Runs a discoverer with a clock turned by hand, and keeps what it emitted. */
export class Rig {
  readonly clock: ManualClock = new ManualClock(1_700_000_000_000);
  readonly registry: Registry = new Registry();
  readonly lines: string[] = [];
  readonly emitted: (readonly TargetGroup[])[] = [];
  readonly groups: Map<string, TargetGroup> = new Map();
  readonly discoverer: Discoverer;

  constructor(make: (context: DiscovererContext) => Discoverer) {
    this.discoverer = make({
      logger: createLogger({ write: (line) => this.lines.push(line), level: "debug" }),
      clock: this.clock,
      metrics: new DiscoveryMetrics(this.registry),
      setName: "job",
    });
    this.discoverer.start((groups) => {
      this.emitted.push(groups);
      for (const group of groups) {
        if (group.targets.length === 0) this.groups.delete(group.source);
        else this.groups.set(group.source, group);
      }
    });
    whenDone(() => this.discoverer.stop());
  }

  /** All targets, with the labels of their groups. */
  get targets(): Record<string, string>[] {
    return [...this.groups.values()].flatMap(({ labels, targets }) =>
      targets.map((target) => ({ ...Object.fromEntries(labels), ...Object.fromEntries(target) })),
    );
  }

  get addresses(): string[] {
    return this.targets.map(({ __address__ }) => String(__address__)).sort();
  }

  /** Lines of level error. */
  get errors(): string[] {
    return this.lines.filter((line) => line.includes("level=ERROR"));
  }

  /** Lets so much time pass, and waits for what comes of it: something emitted, or an error. */
  async next(ms: number): Promise<void> {
    const before = this.emitted.length + this.errors.length;
    this.clock.pass(ms);
    await until(() => this.emitted.length + this.errors.length > before, "the next refresh");
  }

  /** The value of a metric, by the beginning of its line; undefined for none. */
  async metric(series: string): Promise<number | undefined> {
    const line = (await this.registry.metrics()).split("\n").find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}

/** A request as the server got it. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly params: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the server says: a body, or the response itself for whoever wants to misbehave. */
export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text goes as it is, everything else as JSON. */
  readonly body?: unknown;
  readonly act?: (response: ServerResponse) => void;
}

/** A server on loopback. `answer` may be replaced at any time. */
export class FakeApi {
  readonly requests: FakeRequest[] = [];
  answer: (request: FakeRequest) => FakeAnswer;
  /** Connections that closed before their answer had ended. */
  abandoned = 0;
  readonly #server: Server;

  private constructor(answer: (request: FakeRequest) => FakeAnswer) {
    this.answer = answer;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { pathname, searchParams } = new URL(request.url ?? "/", "http://fake");
        const seen: FakeRequest = {
          method: request.method ?? "",
          path: pathname,
          params: searchParams,
          headers: request.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        };
        this.requests.push(seen);
        response.on("close", () => {
          if (!response.writableFinished) this.abandoned++;
        });
        const { status = 200, headers = {}, body = "", act } = this.answer(seen);
        if (act !== undefined) act(response);
        else {
          response.writeHead(status, { "content-type": "application/json", ...headers });
          response.end(typeof body === "string" ? body : JSON.stringify(body));
        }
      });
    });
    whenDone(() => this.close());
  }

  /** `at`: a path of a Unix socket; otherwise a port on loopback is taken. */
  static async start(answer: (request: FakeRequest) => FakeAnswer, at?: string): Promise<FakeApi> {
    const api = new FakeApi(answer);
    await new Promise<void>((resolve) => {
      if (at === undefined) api.#server.listen(0, "127.0.0.1", resolve);
      else api.#server.listen(at, resolve);
    });
    return api;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Never answers. */
export const SILENCE: FakeAnswer = { act: () => {} };
