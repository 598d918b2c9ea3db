// OTLP over HTTP: one POST of protobuf for each batch. Source: OpenTelemetry Protocol Specification, OTLP/HTTP.
import http from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { HttpRouter, openRequest, PLAIN_HTTP, requestErrorText, tlsClientOptions } from "@narthex/toolkit";
import { collectorUrl, STANDARD_TIMEOUT_MS, type TracingConfig } from "./config.ts";
import { ExportError, MAX_ANSWER_BYTES, MAX_REASON_CHARS, type SpanExporter, untilLate } from "./span-exporter.ts";

const PATH = "/v1/traces";
/** Statuses that say: later. */
const TRANSIENT: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Node's compression is loaded with the first spans. */
const compress = (bytes: Uint8Array): Promise<Buffer> => promisify(gzip)(bytes);

export interface ExporterOptions {
  readonly config: TracingConfig;
  readonly userAgent: string;
  /** Where proxies may be named; the process's unless given. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export class HttpExporter implements SpanExporter {
  readonly #config: TracingConfig;
  readonly #url: URL;
  readonly #router: HttpRouter;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  readonly #headers: Readonly<Record<string, string>>;

  /** Throws for an endpoint that is none, and for files of certificates that cannot be read. */
  constructor({ config, userAgent, environment = process.env }: ExporterOptions) {
    this.#config = config;
    this.#url = new URL(PATH, collectorUrl(config));
    if (!config.insecure) tlsClientOptions(config.tls);
    const proxy = { ...PLAIN_HTTP.proxy, proxyFromEnvironment: true };
    this.#router = new HttpRouter(config.tls, proxy, undefined, environment);
    this.#headers = {
      "User-Agent": userAgent,
      ...Object.fromEntries(config.headers),
      "Content-Type": "application/x-protobuf",
      ...(config.compression === "gzip" ? { "Content-Encoding": "gzip" } : {}),
    };
  }

  async send(body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const payload = this.#config.compression === "gzip" ? await compress(body) : body;
    return this.#post(payload, signal);
  }

  close(): void {
    this.#router.close();
    this.#agent.destroy();
  }

  #post(body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const url = this.#url;
    return new Promise((resolve, reject) => {
      let callOff = (): void => {};
      const fail = (error: unknown): void => {
        callOff();
        // A collector that cannot be reached may be there later.
        reject(new ExportError(requestErrorText(url.href, error, "Post"), true, 0, { cause: error }));
      };
      let request: http.ClientRequest;
      try {
        request = openRequest(url, this.#router.to(url, ""), {
          method: "POST",
          agent: this.#agent,
          headers: { ...this.#headers, "Content-Length": body.length },
        });
      } catch (error) {
        fail(error);
        return;
      }
      callOff = untilLate(this.#config.timeoutMs || STANDARD_TIMEOUT_MS, signal, (reason) =>
        request.destroy(new Error(reason)),
      );
      request.on("error", fail);
      request.on("response", (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on("data", (part: Buffer) => {
          if (bytes < MAX_ANSWER_BYTES) parts.push(part);
          bytes += part.length;
        });
        response.on("error", fail);
        response.on("end", () => {
          callOff();
          const answer = Buffer.concat(parts);
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve(answer);
          else reject(refusal(url, status, answer, response.headers));
        });
      });
      request.end(body);
    });
  }
}

function refusal(url: URL, status: number, answer: Buffer, headers: http.IncomingHttpHeaders): ExportError {
  // The body is protobuf as a rule; only text is worth telling.
  const isText = headers["content-type"]?.startsWith("text/") === true;
  const reason = isText ? `: ${answer.toString("utf8").trim().slice(0, MAX_REASON_CHARS)}` : "";
  const after = headers["retry-after"] ?? "";
  const retryAfterMs = /^\d{1,6}$/.test(after) ? Number(after) * 1000 : 0;
  const message = `failed to send to ${url.href}: ${status} ${http.STATUS_CODES[status] ?? ""}`.trimEnd();
  return new ExportError(`${message}${reason}`, TRANSIENT.has(status), retryAfterMs);
}
