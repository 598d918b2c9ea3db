// `POST /api/v1/write`: what is asked of the request before its samples are looked at, and what is answered.
import { Counter, type Registry } from "@narthex/client";
import { EncodingError, uncompress, uncompressedLength } from "@narthex/encoding";
import type { Appendable } from "@narthex/storage";
import type { Logger } from "@narthex/toolkit";
import type { Call } from "../../web/call.ts";
import { MAX_MESSAGE_BYTES, RemoteWriteMessage } from "../wire.ts";
import { Intake } from "./intake.ts";
import { SeriesCache } from "./series-cache.ts";
import { protobufFault, WriteV1Reader } from "./write-v1.ts";
import { type WriteV2Outcome, WriteV2Reader } from "./write-v2.ts";

const PROTOBUF = "application/x-protobuf";
const MESSAGES: readonly string[] = Object.values(RemoteWriteMessage);
const DISABLED = "remote write receiver needs to be enabled with --web.enable-remote-write-receiver";
/** Label bytes of known series that are kept. */
const CACHE_BYTES = 256 * 1024 * 1024;
/** The buffer for uncompressed requests is kept up to this size; larger requests get one of their own. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** What the readers may look at behind a request. */
const SLACK_BYTES = 8;

export interface WriteReceiverOptions {
  readonly enabled: boolean;
  /** Names of the messages that are taken. */
  readonly acceptedMessages: readonly string[];
  readonly appendable: () => Appendable;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Whether the storage is to keep metadata with the series: the feature `metadata-wal-records`. */
  readonly keepsMetadata: boolean;
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

export class WriteReceiver {
  readonly #options: WriteReceiverOptions;
  readonly #cache: SeriesCache;
  readonly #v1: WriteV1Reader;
  readonly #v2: WriteV2Reader;
  readonly #invalidSamples: Counter;
  #buffer = new Uint8Array(64 * 1024);

  constructor(options: WriteReceiverOptions) {
    this.#options = options;
    this.#cache = new SeriesCache(CACHE_BYTES, options.seed ?? Math.floor(Math.random() * 2 ** 32));
    this.#v1 = new WriteV1Reader(this.#cache);
    this.#v2 = new WriteV2Reader(this.#cache);
    const registers = [options.registry];
    this.#invalidSamples = new Counter({
      name: "prometheus_api_remote_write_invalid_labels_samples_total",
      help: "The total number of received remote write samples and histogram samples which were rejected due to invalid labels.",
      registers,
    });
    new Counter({
      name: "prometheus_api_remote_write_without_metadata_appended_samples_total",
      help: "The total number of received remote write samples (and histogram samples) which were ingested without corresponding metadata.",
      registers,
    });
  }

  /** Gives up what is kept of series: memory is short. */
  forget(): void {
    this.#cache.clear();
  }

  /** Answers one request. Everything between the body's arrival and the answer runs straight through. */
  handle(call: Call): void {
    const { logger, enabled } = this.#options;
    if (!enabled) {
      call.refuse(404, DISABLED);
      return;
    }
    try {
      this.#receive(call);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status >= 500 || error.status === 415) {
        logger.error("Error while handling a remote write request", { err: error.message });
      }
      call.refuse(error.status, error.message);
    }
  }

  #receive(call: Call): void {
    const message = this.#messageOf(call);
    this.#checkEncoding(call);
    const length = this.#uncompress(call.body);
    const buffer = this.#buffer;
    try {
      if (message === RemoteWriteMessage.v1) this.#write(buffer, length);
      else this.#writeV2(call, buffer, length);
    } finally {
      if (buffer.length > KEPT_BYTES) this.#buffer = new Uint8Array(64 * 1024);
    }
    call.noContent();
  }

  #messageOf({ request }: Call): string {
    const contentType = (request.headers["content-type"] ?? PROTOBUF).trim();
    const [type, ...parameters] = contentType.split(";");
    if (type !== PROTOBUF) {
      throw new Refused(415, `expected ${PROTOBUF} as the first (media) part, got ${contentType} content-type`);
    }
    let message: string = RemoteWriteMessage.v1;
    for (const parameter of parameters) {
      const [key, value, ...more] = parameter.split("=");
      if (value === undefined || more.length > 0) {
        throw new Refused(
          415,
          `as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, got ${parameter} in ${contentType} content-type`,
        );
      }
      if (key !== "proto") continue;
      if (!MESSAGES.includes(value)) {
        throw new Refused(
          415,
          `got ${contentType} content type; unknown remote write protobuf message ${value}, supported: ${MESSAGES.join(", ")}`,
        );
      }
      message = value;
      break;
    }
    const { acceptedMessages } = this.#options;
    if (!acceptedMessages.includes(message)) {
      throw new Refused(
        415,
        `${message} protobuf message is not accepted by this server; accepted [${acceptedMessages.join(" ")}]`,
      );
    }
    return message;
  }

  /** The reference refuses other encodings, yet goes on to uncompress, and tells about that on a second line. */
  #checkEncoding({ request, body }: Call): void {
    const encoding = request.headers["content-encoding"] ?? "";
    if (encoding === "" || encoding.toLowerCase() === "snappy") return;
    let message = `${encoding} encoding (compression) is not accepted by this server; only snappy is acceptable`;
    try {
      this.#uncompress(body);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      message += `\n${error.message}`;
    }
    throw new Refused(415, message);
  }

  /** Uncompresses into the buffer; returns how many bytes there are. */
  #uncompress(body: Uint8Array): number {
    try {
      const length = uncompressedLength(body);
      if (length > MAX_MESSAGE_BYTES) {
        throw new Refused(400, `snappy: decoded length ${length} exceeds limit ${MAX_MESSAGE_BYTES}`);
      }
      if (length + SLACK_BYTES > this.#buffer.length) {
        this.#buffer = new Uint8Array(Math.max(length + SLACK_BYTES, Math.min(this.#buffer.length * 2, KEPT_BYTES)));
      }
      uncompress(body, MAX_MESSAGE_BYTES, this.#buffer);
      return length;
    } catch (error) {
      if (error instanceof EncodingError) throw new Refused(400, "snappy: corrupt input");
      throw error;
    }
  }

  #write(buffer: Uint8Array, length: number): void {
    const { appendable, now, logger } = this.#options;
    const intake = new Intake(appendable(), this.#cache, now(), this.#options.keepsMetadata);
    let isDone = false;
    try {
      const { refusal, invalidSeries, firstInvalid } = this.#v1.read(buffer, length, intake);
      if (refusal !== undefined) throw new Refused(refusal.fault === "sender" ? 400 : 500, refusal.message);
      isDone = true;
      intake.commit();
      if (invalidSeries > 0) {
        this.#invalidSamples.inc(invalidSeries);
        logger.warn("Series with invalid metric names or labels were left out", {
          got: firstInvalid,
          series: invalidSeries,
        });
      }
    } catch (error) {
      if (!isDone) intake.rollback();
      throw refusalOf(error, "WriteRequest");
    }
  }

  #writeV2(call: Call, buffer: Uint8Array, length: number): void {
    const { appendable, now } = this.#options;
    const intake = new Intake(appendable(), this.#cache, now(), this.#options.keepsMetadata);
    let outcome: WriteV2Outcome;
    let isDone = false;
    try {
      outcome = this.#v2.read(buffer, length, intake);
      if (outcome.failure !== undefined) throw new Refused(500, outcome.failure);
      isDone = true;
      intake.commit();
    } catch (error) {
      if (!isDone) intake.rollback();
      if (!(error instanceof EncodingError)) setWritten(call, 0, 0, 0);
      throw refusalOf(error, "Request");
    }
    setWritten(call, outcome.samples, outcome.histograms, outcome.exemplars);
    if (outcome.invalidSamples > 0) this.#invalidSamples.inc(outcome.invalidSamples);
    if (outcome.errors.length > 0) throw new Refused(400, outcome.errors.join("\n"));
  }
}

/** Bytes that are no request are the sender's fault; all else (a full disk, full memory) is ours. */
function refusalOf(error: unknown, message: string): Refused {
  if (error instanceof Refused) return error;
  if (error instanceof EncodingError) return new Refused(400, protobufFault(error, message));
  return new Refused(500, (error as Error).message);
}

function setWritten({ response }: Call, samples: number, histograms: number, exemplars: number): void {
  response.setHeader("X-Prometheus-Remote-Write-Samples-Written", samples);
  response.setHeader("X-Prometheus-Remote-Write-Histograms-Written", histograms);
  response.setHeader("X-Prometheus-Remote-Write-Exemplars-Written", exemplars);
}
