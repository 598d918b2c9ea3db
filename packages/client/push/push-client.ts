// Pushing to a Pushgateway, for jobs that end before anyone scrapes them.
import type { ExpositionFormat } from "../format/negotiation.ts";
import { OPENMETRICS_CONTENT_TYPE, PROTOBUF_CONTENT_TYPE, TEXT_CONTENT_TYPE } from "../format/negotiation.ts";
import { type Exposable, joinedBytes, register } from "../registry.ts";
import { type Grouping, groupingPath } from "./grouping.ts";

/** A request to the gateway, as `send` gets it. */
export interface PushRequest {
  readonly url: string;
  readonly method: "PUT" | "POST" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/** What, where and how to push. */
export interface PushOptions {
  /** Of the gateway, with its path if it has one: `http://127.0.0.1:9091`. */
  readonly url: string;
  readonly job: string;
  /** Labels that, with the job, say which group of metrics is meant. */
  readonly grouping?: Grouping;
  /** What is pushed; the process-wide `register` unless given. */
  readonly registry?: Exposable;
  /** "text" unless given. The Pushgateway understands text and protobuf, which alone carries native histograms. */
  readonly format?: ExpositionFormat;
  readonly gzip?: boolean;
  readonly basicAuth?: { readonly username: string; readonly password: string };
  readonly headers?: Readonly<Record<string, string>>;
  /** 30 unless given. */
  readonly timeoutSeconds?: number;
  /** Sends a request, for what `fetch` cannot do, such as certificates of clients; `fetch` unless given. */
  readonly send?: (request: PushRequest) => Promise<{ readonly status: number; readonly body: string }>;
}

/** The gateway refused. */
export class PushError extends Error {
  readonly code = "push_refused";
  readonly status: number;
  /** What the gateway said. */
  readonly answer: string;

  constructor(status: number, answer: string) {
    super(`push failed with status ${status}, ${answer}`);
    this.name = "PushError";
    this.status = status;
    this.answer = answer;
  }
}

const CONTENT_TYPES: Record<ExpositionFormat, string> = {
  text: TEXT_CONTENT_TYPE,
  openmetrics: OPENMETRICS_CONTENT_TYPE,
  protobuf: PROTOBUF_CONTENT_TYPE,
};

/** How much of a refusal is kept. */
const ANSWER_CHARS = 4096;

/** Replaces the whole group. Rejects with a PushError when the gateway refuses, with the sender's error when it cannot be reached. */
export async function pushToGateway(options: PushOptions): Promise<void> {
  await push("PUT", options);
}

/** Replaces those metrics of the group that have the same names. */
export async function pushAddToGateway(options: PushOptions): Promise<void> {
  await push("POST", options);
}

/** Deletes the group. */
export async function deleteFromGateway(options: PushOptions): Promise<void> {
  await push("DELETE", options);
}

async function push(method: PushRequest["method"], options: PushOptions): Promise<void> {
  const { format = "text", basicAuth, timeoutSeconds = 30 } = options;
  const headers: Record<string, string> = { ...options.headers };
  let body: Uint8Array | undefined;
  if (method !== "DELETE") {
    body = await gathered(options.registry ?? register, format);
    headers["Content-Type"] = CONTENT_TYPES[format];
    if (options.gzip === true) {
      body = await gzipped(body);
      headers["Content-Encoding"] = "gzip";
    }
  }
  if (basicAuth !== undefined) {
    const bytes = new TextEncoder().encode(`${basicAuth.username}:${basicAuth.password}`);
    headers["Authorization"] = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  }
  const { status, body: answer } = await (options.send ?? sendByFetch)({
    url: options.url.replace(/\/+$/, "") + groupingPath(options.job, options.grouping),
    method,
    headers,
    body,
    signal: AbortSignal.timeout(timeoutSeconds * 1000),
  });
  if (status >= 400) throw new PushError(status, answer.slice(0, ANSWER_CHARS));
}

async function sendByFetch({
  url,
  method,
  headers,
  body,
  signal,
}: PushRequest): Promise<{ status: number; body: string }> {
  const response = await fetch(url, {
    method,
    headers: { ...headers },
    signal,
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, body: await response.text() };
}

async function gathered(registry: Exposable, format: ExpositionFormat): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await registry.stream(format)) chunks.push(chunk);
  return joinedBytes(chunks);
}

async function gzipped(bytes: Uint8Array): Promise<Uint8Array> {
  const compressed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(
    await new Response(compressed as unknown as ConstructorParameters<typeof Response>[0]).arrayBuffer(),
  );
}
