// For tests of whatever is traced: a collector on loopback that keeps the spans it gets, and a clock that is turned by hand.
import {
  createServer as createHttp,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import {
  createServer as createHttp2,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { WireReader } from "@narthex/encoding";
import { PLAIN_HTTP } from "@narthex/toolkit";
import { whenDone } from "@narthex/toolkit/testing";
import type { Clock } from "./clock.ts";
import type { TracingConfig } from "./config.ts";
import { Field, KIND_NUMBERS } from "./export-request.ts";
import { MESSAGE_HEAD_BYTES } from "./grpc-exporter.ts";
import type { SpanKind } from "./span.ts";

/** A span as the collector got it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly kind: SpanKind | undefined;
  /** Nanoseconds since the epoch. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
  readonly status: { readonly code: number; readonly message: string };
  readonly flags: number;
  /** Of the program. */
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
}

/** A request as the collector got it. */
export interface CollectedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly spans: readonly CollectedSpan[];
}

/** What the collector says: a status of HTTP, where 0 is silence, or a code of gRPC, where -1 is. */
export interface CollectorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** Key and certificate of a collector, as PEM. */
export interface CollectorSecrets {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
}

/** Answers all that comes as told, over HTTP or gRPC; with TLS where it has secrets. */
export class FakeCollector {
  readonly requests: CollectedRequest[] = [];
  /** May be replaced at any time. The standard takes everything. */
  answer: () => CollectorAnswer;
  readonly #server: Server | Http2Server | Http2SecureServer;
  readonly #sessions = new Set<ServerHttp2Session>();
  #watchers: (() => void)[] = [];
  readonly kind: "http" | "grpc";

  private constructor(kind: "http" | "grpc", secrets: CollectorSecrets | undefined) {
    this.kind = kind;
    this.answer = kind === "http" ? () => ({ status: 200 }) : () => ({ status: 0 });
    this.#server = kind === "http" ? this.#overHttp(secrets) : this.#overGrpc(secrets);
    whenDone(() => this.close());
  }

  static async start(kind: "http" | "grpc", secrets?: CollectorSecrets): Promise<FakeCollector> {
    const collector = new FakeCollector(kind, secrets);
    await new Promise<void>((resolve) => collector.#server.listen(0, "127.0.0.1", resolve));
    return collector;
  }

  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A configuration that sends everything here, without TLS. */
  config(changes: Partial<TracingConfig> = {}): TracingConfig {
    return {
      clientType: this.kind,
      endpoint: this.endpoint,
      samplingFraction: 1,
      insecure: true,
      tls: PLAIN_HTTP.tls,
      headers: new Map(),
      compression: "",
      timeoutMs: 0,
      ...changes,
    };
  }

  /** The same as a block of a configuration file. */
  get yaml(): string {
    return `tracing:\n  client_type: ${this.kind}\n  endpoint: ${this.endpoint}\n  sampling_fraction: 1\n  insecure: true\n`;
  }

  get spans(): CollectedSpan[] {
    return this.requests.flatMap(({ spans }) => spans);
  }

  named(name: string): CollectedSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** Resolves as soon as `isThere` holds; it is asked anew with each request. */
  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    if ("closeAllConnections" in this.#server) this.#server.closeAllConnections();
    this.#server.close();
  }

  #note(request: CollectedRequest): void {
    this.requests.push(request);
    for (const tell of this.#watchers.splice(0)) tell();
  }

  #overHttp(secrets: CollectorSecrets | undefined): Server {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const { headers, url = "" } = request;
        const raw = Buffer.concat(parts);
        const body = headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
        const { status, headers: more = {}, body: answer } = this.answer();
        this.#note({ path: url, headers, spans: spansOf(body) });
        if (status !== 0) response.writeHead(status, more).end(answer);
      });
    };
    return secrets === undefined ? createHttp(listener) : createHttps({ ...secrets }, listener);
  }

  #overGrpc(secrets: CollectorSecrets | undefined): Http2Server | Http2SecureServer {
    const server = secrets === undefined ? createHttp2() : createSecureServer({ ...secrets });
    server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
    });
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      const parts: Buffer[] = [];
      stream.on("error", () => {});
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        const message = Buffer.concat(parts);
        const raw = message.subarray(MESSAGE_HEAD_BYTES);
        const body = message.readUInt8(0) === 1 ? gunzipSync(raw) : raw;
        if (message.readUInt32BE(1) !== raw.length) throw new Error("the message's length is not what its head says");
        const { status, headers: more = {}, body: answer = new Uint8Array(0) } = this.answer();
        this.#note({ path: String(headers[":path"]), headers, spans: spansOf(body) });
        if (status < 0) return;
        const type = { ":status": 200, "content-type": "application/grpc" };
        if (status > 0) {
          stream.respond({ ...type, ...more, "grpc-status": String(status) }, { endStream: true });
          return;
        }
        const head = Buffer.alloc(MESSAGE_HEAD_BYTES);
        head.writeUInt32BE(answer.length, 1);
        stream.respond(type, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end(Buffer.concat([head, answer]));
      });
    });
    return server;
  }
}

/** Time that stands still until it is turned. */
export class HandClock implements Clock {
  #nowMs: number;
  readonly #timers: { dueMs: number; run: () => void }[] = [];

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = { dueMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return { cancel: () => this.#remove(timer) };
  }

  /** Timers that were set and neither rang nor were called off. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Goes on by so many milliseconds; what is due rings in its order. */
  turn(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = this.#timers.filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#remove(due);
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      due.run();
    }
    this.#nowMs = endMs;
  }

  #remove(timer: { dueMs: number; run: () => void }): void {
    const at = this.#timers.indexOf(timer);
    if (at >= 0) this.#timers.splice(at, 1);
  }
}

/** Reads the fields of a message, one after the other. */
function eachField(reader: WireReader, read: (field: number) => void): void {
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    const at = reader.position;
    read(field);
    if (reader.position === at) reader.skipField();
  }
}

function eachInside(reader: WireReader, read: (field: number) => void): void {
  const outer = reader.enter();
  eachField(reader, read);
  reader.leave(outer);
}

/** Decodes an `ExportTraceServiceRequest`. */
export function spansOf(body: Uint8Array): CollectedSpan[] {
  const reader = new WireReader(body);
  const spans: CollectedSpan[] = [];
  eachField(reader, (field) => {
    if (field !== Field.request.resourceSpans) return;
    const resource: Record<string, unknown> = {};
    eachInside(reader, (inner) => {
      if (inner === Field.resourceSpans.resource) eachInside(reader, () => readAttribute(reader, resource));
      else if (inner === Field.resourceSpans.scopeSpans) spans.push(...readScopeSpans(reader, resource));
    });
  });
  return spans;
}

function readScopeSpans(reader: WireReader, resource: Readonly<Record<string, unknown>>): CollectedSpan[] {
  const spans: CollectedSpan[] = [];
  let scope = "";
  eachInside(reader, (field) => {
    if (field === Field.scopeSpans.spans) spans.push(readSpan(reader, resource, scope));
    else if (field === Field.scopeSpans.scope) {
      eachInside(reader, (inner) => {
        if (inner === Field.scope.name) scope = reader.textField();
      });
    }
  });
  return spans;
}

function readSpan(reader: WireReader, resource: Readonly<Record<string, unknown>>, scope: string): CollectedSpan {
  const ids = { traceId: "", spanId: "", parentId: "", name: "" };
  let kind: SpanKind | undefined;
  const times = { start: 0n, end: 0n };
  const attributes: Record<string, unknown> = {};
  const events: string[] = [];
  const status = { code: 0, message: "" };
  let flags = 0;
  const hex = (): string => Buffer.from(reader.bytesField()).toString("hex");
  eachInside(reader, (field) => {
    const { span } = Field;
    if (field === span.traceId) ids.traceId = hex();
    else if (field === span.spanId) ids.spanId = hex();
    else if (field === span.parentSpanId) ids.parentId = hex();
    else if (field === span.name) ids.name = reader.textField();
    else if (field === span.kind) {
      const number = reader.uintField();
      kind = (Object.keys(KIND_NUMBERS) as SpanKind[]).find((name) => KIND_NUMBERS[name] === number);
    } else if (field === span.start) times.start = readTime(reader);
    else if (field === span.end) times.end = readTime(reader);
    else if (field === span.attributes) readAttribute(reader, attributes);
    else if (field === span.flags) flags = reader.fixed32Field();
    else if (field === span.status) {
      eachInside(reader, (inner) => {
        if (inner === Field.status.code) status.code = reader.uintField();
        else if (inner === Field.status.message) status.message = reader.textField();
      });
    } else if (field === span.events) {
      eachInside(reader, (inner) => {
        if (inner === Field.event.name) events.push(reader.textField());
      });
    }
  });
  return { ...ids, kind, ...times, attributes, events, status, flags, resource, scope };
}

function readTime(reader: WireReader): bigint {
  reader.doubleBitsField();
  return (BigInt(reader.high >>> 0) << 32n) | BigInt(reader.low >>> 0);
}

function readAttribute(reader: WireReader, into: Record<string, unknown>): void {
  let key = "";
  let value: unknown;
  eachInside(reader, (field) => {
    if (field === Field.keyValue.key) key = reader.textField();
    else if (field === Field.keyValue.value) value = readValue(reader);
  });
  into[key] = value;
}

function readValue(reader: WireReader): unknown {
  let value: unknown;
  eachInside(reader, (field) => {
    const { anyValue } = Field;
    if (field === anyValue.text) value = reader.textField();
    else if (field === anyValue.bool) value = reader.boolField();
    else if (field === anyValue.int) value = reader.intField();
    else if (field === anyValue.double) value = reader.doubleField();
    else if (field === anyValue.list) {
      const values: unknown[] = [];
      eachInside(reader, () => values.push(readValue(reader)));
      value = values;
    }
  });
  return value;
}
