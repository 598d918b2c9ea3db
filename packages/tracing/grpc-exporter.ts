// OTLP over gRPC: one unary call for each batch. Source: gRPC over HTTP2, OpenTelemetry's TraceService.
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { requestFailure, tlsClientOptions } from "@narthex/toolkit";
import { collectorUrl, STANDARD_TIMEOUT_MS, type TracingConfig } from "./config.ts";
import type { ExporterOptions } from "./http-exporter.ts";
import { ExportError, MAX_ANSWER_BYTES, MAX_REASON_CHARS, type SpanExporter, untilLate } from "./span-exporter.ts";

export const EXPORT_PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/** In front of a message: whether it is compressed (1), its length (4, big-endian). */
export const MESSAGE_HEAD_BYTES = 5;

/** Codes that say: later. Source: OTLP/gRPC response, failures; RESOURCE_EXHAUSTED only counts with details that are not read here. */
const TRANSIENT: ReadonlyMap<number, string> = new Map([
  [1, "Canceled"],
  [4, "DeadlineExceeded"],
  [10, "Aborted"],
  [11, "OutOfRange"],
  [14, "Unavailable"],
  [15, "DataLoss"],
]);
const LASTING: ReadonlyMap<number, string> = new Map([
  [2, "Unknown"],
  [3, "InvalidArgument"],
  [5, "NotFound"],
  [6, "AlreadyExists"],
  [7, "PermissionDenied"],
  [8, "ResourceExhausted"],
  [9, "FailedPrecondition"],
  [12, "Unimplemented"],
  [13, "Internal"],
  [16, "Unauthenticated"],
]);
/** Statuses of HTTP in front of any gRPC that say: later. Source: HTTP to gRPC Status Code Mapping. */
const TRANSIENT_HTTP: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** The HTTP/2 error code of a stream that is not needed any more. */
const CANCEL = 8;
/** Node's compression is loaded with the first spans. */
const compress = (bytes: Uint8Array): Promise<Buffer> => promisify(gzip)(bytes);

export class GrpcExporter implements SpanExporter {
  readonly #config: TracingConfig;
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  #session: ClientHttp2Session | undefined;
  #isClosed = false;

  /** Throws for an endpoint that is none, and for files of certificates that cannot be read. */
  constructor({ config, userAgent }: ExporterOptions) {
    this.#config = config;
    this.#url = collectorUrl(config);
    this.#timeoutMs = config.timeoutMs || STANDARD_TIMEOUT_MS;
    if (!config.insecure) tlsClientOptions(config.tls);
    this.#headers = {
      "user-agent": userAgent,
      ...Object.fromEntries([...config.headers].map(([name, value]) => [name.toLowerCase(), value])),
      ":method": "POST",
      ":path": EXPORT_PATH,
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-timeout": `${this.#timeoutMs}m`,
      "grpc-accept-encoding": "identity",
      ...(config.compression === "gzip" ? { "grpc-encoding": "gzip" } : {}),
    };
  }

  async send(body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const isCompressed = this.#config.compression === "gzip";
    const payload = isCompressed ? await compress(body) : body;
    const head = Buffer.alloc(MESSAGE_HEAD_BYTES);
    head.writeUInt8(isCompressed ? 1 : 0, 0);
    head.writeUInt32BE(payload.length, 1);
    return this.#call(Buffer.concat([head, payload]), signal);
  }

  close(): void {
    this.#isClosed = true;
    this.#session?.destroy();
    this.#session = undefined;
  }

  #call(message: Buffer, signal: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let callOff = (): void => {};
      const fail = (error: unknown): void => {
        callOff();
        // A stream that its connection takes along says so, and has the connection's own failure beneath.
        const text = `connection error: ${requestFailure((error as Error).cause ?? error)}`;
        reject(new ExportError(text, true, 0, { cause: error }));
      };
      let stream: ClientHttp2Stream;
      try {
        stream = this.#connected().request(this.#headers);
      } catch (error) {
        fail(error);
        return;
      }
      const answer = new UnaryAnswer();
      callOff = untilLate(this.#timeoutMs, signal, (reason) => {
        stream.close(CANCEL);
        // Whoever was silent for so long may not be there any more: the next attempt connects anew.
        this.#drop();
        callOff();
        reject(new ExportError(reason, true));
      });
      stream.on("response", (headers) => answer.begin(headers));
      stream.on("trailers", (headers) => answer.finish(headers));
      stream.on("data", (part: Buffer) => answer.take(part));
      stream.on("error", fail);
      stream.on("close", () => {
        callOff();
        const error = answer.error;
        if (answer.httpStatus === 0) fail(new Error("the connection was closed before there was an answer"));
        else if (error !== undefined) reject(error);
        else resolve(answer.message);
      });
      stream.end(message);
    });
  }

  #connected(): ClientHttp2Session {
    if (this.#isClosed) throw new Error("the exporter is closed");
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const { insecure, tls } = this.#config;
    // Not before it is needed: HTTP/2 alone takes megabytes.
    const { connect } = process.getBuiltinModule("node:http2");
    const session = connect(this.#url, insecure ? {} : { ...tlsClientOptions(tls) });
    session.unref();
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    // Its streams tell why.
    session.on("error", forget);
    session.on("close", forget);
    // The collector takes no more calls over this connection; those under way still end.
    session.on("goaway", forget);
    this.#session = session;
    return session;
  }

  #drop(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }
}

/** What comes back of one call, piece by piece. */
class UnaryAnswer {
  httpStatus = 0;
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  #code: number | undefined;
  #text = "";

  begin(headers: IncomingHttpHeaders): void {
    this.httpStatus = Number(headers[":status"] ?? 0);
    // A refusal may come as nothing but headers.
    this.finish(headers);
  }

  take(part: Buffer): void {
    if (this.#bytes < MAX_ANSWER_BYTES) this.#parts.push(part);
    this.#bytes += part.length;
  }

  finish(headers: IncomingHttpHeaders): void {
    const code = headers["grpc-status"];
    if (code === undefined) return;
    this.#code = Number(code);
    this.#text = decoded(String(headers["grpc-message"] ?? "")).slice(0, MAX_REASON_CHARS);
  }

  /** Undefined for a call that succeeded. */
  get error(): ExportError | undefined {
    const code = this.#code;
    if (code === 0) return undefined;
    if (code === undefined) {
      const isHttp = this.httpStatus !== 200;
      const text = isHttp ? `unexpected HTTP status code ${this.httpStatus}` : "the answer has no grpc-status";
      return new ExportError(text, !isHttp || TRANSIENT_HTTP.has(this.httpStatus));
    }
    const name = TRANSIENT.get(code) ?? LASTING.get(code) ?? `Code(${code})`;
    return new ExportError(`rpc error: code = ${name} desc = ${this.#text}`, TRANSIENT.has(code));
  }

  /** The message of a call that succeeded, without its head; empty where there was none. */
  get message(): Uint8Array {
    return Buffer.concat(this.#parts).subarray(MESSAGE_HEAD_BYTES);
  }
}

/** `grpc-message` is percent-encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
