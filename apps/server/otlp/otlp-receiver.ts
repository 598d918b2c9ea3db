// `POST /api/v1/otlp/v1/metrics`: what is asked of the request before its points are looked at, and what is answered.
import { createGunzip } from "node:zlib";
import { Counter, type Registry } from "@narthex/client";
import { EncodingError, WireWriter } from "@narthex/encoding";
import type { Appendable } from "@narthex/storage";
import type { Logger } from "@narthex/toolkit";
import type { ByteLease } from "../care/byte-budget.ts";
import type { OtlpConfig } from "../config/types.ts";
import { SeriesCache } from "../remote/receive/series-cache.ts";
import type { Call } from "../web/call.ts";
import { BODIES_TAKE_TOO_MUCH, RETRY_AFTER_SECONDS } from "../web/request-body.ts";
import { DeltaStreams } from "./delta-streams.ts";
import { JsonRequestError, writeJsonRequest } from "./json-request.ts";
import { OtlpIntake } from "./otlp-intake.ts";
import { Translator } from "./translator.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
const DISABLED = "otlp write receiver needs to be enabled with --web.enable-otlp-receiver";
/** Uncompressed requests end here. Source: the reference. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
/** Bytes of known series that are kept. */
const CACHE_BYTES = 128 * 1024 * 1024;

export interface OtlpReceiverOptions {
  readonly enabled: boolean;
  readonly appendable: () => Appendable;
  /** As it is in force; another object means that it may have changed. */
  readonly config: () => OtlpConfig;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Whether the storage is to keep metadata with the series: the feature `metadata-wal-records`. */
  readonly keepsMetadata: boolean;
  readonly typeAndUnitLabels: boolean;
  /** The feature `otlp-native-delta-ingestion`. */
  readonly takesDeltas: boolean;
  /** The feature `otlp-deltatocumulative`. */
  readonly sumsDeltas: boolean;
  readonly lookbackDeltaMs: number;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** Starts the hashes of the series cache; random unless a test says otherwise. */
  readonly seed?: number;
}

/** An answer in plain text, apart from success. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class OtlpReceiver {
  readonly #options: OtlpReceiverOptions;
  readonly #cache: SeriesCache;
  readonly #withoutMetadata: Counter | undefined;
  readonly #lateExemplars: Counter | undefined;
  readonly #warnings: Counter<readonly ["category"]> | undefined;
  readonly #deltas: DeltaStreams | undefined;
  #translator: Translator | undefined;
  #config: OtlpConfig | undefined;

  constructor(options: OtlpReceiverOptions) {
    this.#options = options;
    this.#cache = new SeriesCache(CACHE_BYTES, options.seed ?? Math.floor(Math.random() * 2 ** 32));
    if (options.sumsDeltas) this.#deltas = new DeltaStreams(options.now);
    if (!options.enabled) return;
    const registers = [options.registry];
    this.#withoutMetadata = new Counter({
      name: "prometheus_api_otlp_appended_samples_without_metadata_total",
      help: "The total number of samples ingested from OTLP without corresponding metadata.",
      registers,
    });
    this.#lateExemplars = new Counter({
      name: "prometheus_api_otlp_out_of_order_exemplars_total",
      help: "The total number of received OTLP exemplars which were rejected because they were out of order.",
      registers,
    });
    this.#warnings = new Counter({
      name: "prometheus_api_otlp_translation_warnings_total",
      help: "The total number of warnings produced while translating OTLP metrics to the Prometheus model, by category.",
      labelNames: ["category"],
      registers,
    });
  }

  /** Gives up what is kept of series: memory is short. */
  forget(): void {
    this.#translator = undefined;
    this.#cache.clear();
  }

  async handle(call: Call): Promise<void> {
    const { enabled, logger } = this.#options;
    if (!enabled) {
      call.refuse(404, DISABLED);
      return;
    }
    try {
      const read = readerFor(call.request.headers["content-type"] ?? "");
      // The one wait; from here on it runs straight through.
      const body = await uncompressed(call);
      this.#take(read(body));
      call.bare(200);
    } catch (error) {
      const { status, message } = refusalOf(error);
      logger.error(status === 500 ? "Error appending OTLP write" : "Error decoding OTLP write request", {
        err: message,
      });
      if (status === 503) call.response.setHeader("Retry-After", RETRY_AFTER_SECONDS);
      call.refuse(status, message);
    }
  }

  #take(request: Uint8Array): void {
    const { appendable, keepsMetadata, now, logger } = this.#options;
    const intake = new OtlpIntake(appendable(), now(), keepsMetadata);
    let isDone = false;
    try {
      const { faults, warnings, withoutMetadata } = this.#currentTranslator().translate(
        request,
        request.length,
        intake,
      );
      for (const category of warnings.values()) this.#warnings?.labels(category).inc();
      if (warnings.size > 0) {
        logger.warn("Warnings translating OTLP metrics to Prometheus write request", {
          warnings: JSON.stringify([...warnings.keys()]),
        });
      }
      if (faults.length > 0) {
        const isSenders = faults.some((each) => each.isSenders);
        throw new Refused(isSenders ? 400 : 500, faults.map(({ message }) => message).join("\n"));
      }
      isDone = true;
      intake.commit();
      this.#deltas?.commit();
      if (withoutMetadata > 0) this.#withoutMetadata?.inc(withoutMetadata);
      if (intake.lateExemplars > 0) this.#lateExemplars?.inc(intake.lateExemplars);
    } finally {
      if (!isDone) intake.rollback();
      // After a commit there is nothing left of it.
      this.#deltas?.rollback();
    }
  }

  #currentTranslator(): Translator {
    const { typeAndUnitLabels, takesDeltas, lookbackDeltaMs } = this.#options;
    const deltas = this.#deltas;
    const config = this.#options.config();
    if (this.#translator === undefined || config !== this.#config) {
      this.#config = config;
      this.#translator = new Translator({
        config,
        cache: this.#cache,
        typeAndUnitLabels,
        takesDeltas,
        deltas,
        lookbackDeltaMs,
      });
    }
    return this.#translator;
  }
}

/** From a body to a request as protobuf. Throws a `Refused` for a type that is none of both. */
function readerFor(contentType: string): (body: Uint8Array) => Uint8Array {
  if (contentType === PROTOBUF) return (body) => body;
  if (contentType !== JSON_TYPE) {
    throw new Refused(400, `unsupported content type: ${contentType}, supported: [${JSON_TYPE}, ${PROTOBUF}]`);
  }
  return (body) => {
    const writer = new WireWriter(body.length);
    writeJsonRequest(Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8"), writer);
    return writer.view();
  };
}

async function uncompressed({ request, body, memory }: Call): Promise<Uint8Array> {
  const encoding = request.headers["content-encoding"] ?? "";
  if (encoding !== "" && encoding !== "gzip") {
    throw new Refused(400, `unsupported compression: ${encoding}. Only "gzip" or no compression supported`);
  }
  if (encoding === "") {
    if (body.length > MAX_MESSAGE_BYTES) throw new Refused(400, "request body too large");
    return body;
  }
  return gunzipped(body, memory);
}

/** Rejects with a `Refused`: for what is no gzip, for what comes to too much, and when `memory` has no more. */
function gunzipped(body: Uint8Array, memory: ByteLease): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const stream = createGunzip();
    const pieces: Buffer[] = [];
    let length = 0;
    const refuse = (status: number, message: string): void => {
      stream.destroy();
      reject(new Refused(status, message));
    };
    stream.on("data", (piece: Buffer) => {
      length += piece.length;
      if (length > MAX_MESSAGE_BYTES) refuse(400, "request body too large");
      else if (!memory.grow(piece.length)) refuse(503, BODIES_TAKE_TOO_MUCH);
      else pieces.push(piece);
    });
    stream.on("error", (error) => refuse(400, gunzipFault(error, body)));
    stream.on("end", () => resolve(Buffer.concat(pieces, length)));
    stream.end(body);
  });
}

function gunzipFault(error: NodeJS.ErrnoException, body: Uint8Array): string {
  if (body.length < 10) return body.length === 0 ? "EOF" : "unexpected EOF";
  return error.code === "Z_BUF_ERROR" ? "unexpected EOF" : "gzip: invalid header";
}

/** Bytes that are no request are the sender's fault; all else (a full disk, full memory) is ours. */
function refusalOf(error: unknown): { status: number; message: string } {
  if (error instanceof Refused) return error;
  const { message } = error as Error;
  if (error instanceof EncodingError) return { status: 400, message: `proto: ${message}` };
  return { status: error instanceof JsonRequestError ? 400 : 500, message };
}
