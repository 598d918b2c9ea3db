// `POST /api/v1/read`: decoding, how many at once, and which form the answer takes.
import { Gauge, type Registry } from "@narthex/client";
import { EncodingError, uncompress, uncompressedLength } from "@narthex/encoding";
import { Matcher, RegexSyntaxError } from "@narthex/model";
import { QueryError } from "@narthex/promql";
import { QueryGate } from "../../query/query-gate.ts";
import type { QueryService } from "../../query/query-service.ts";
import type { Call } from "../../web/call.ts";
import { protobufFault } from "../receive/write-v1.ts";
import { MAX_MESSAGE_BYTES } from "../wire.ts";
import type { RemoteReadRequest } from "./read-answer.ts";
import { type ReadRequest, ResponseType, readReadRequest } from "./read-request.ts";

/** A read that waits for its turn waits until its client gives up, or for this long. */
const MAX_WAIT_MS = 10 * 60 * 1000;

export interface ReadHandlerOptions {
  readonly queries: () => QueryService;
  /** Sorted name, value pairs, as configured now. */
  readonly externalLabels: () => readonly string[];
  /** Samples per query, 0 for no limit. */
  readonly sampleLimit: number;
  /** Reads at once, 0 for no limit. */
  readonly concurrency: number;
  readonly maxFrameBytes: number;
  readonly registry: Registry;
}

export class ReadHandler {
  readonly #options: ReadHandlerOptions;
  readonly #gate: QueryGate;
  #current = 0;

  constructor(options: ReadHandlerOptions) {
    this.#options = options;
    this.#gate = new QueryGate(options.concurrency > 0 ? options.concurrency : Number.MAX_SAFE_INTEGER);
    new Gauge({
      name: "prometheus_remote_read_handler_queries",
      help: "The current number of remote read queries that are either in execution or queued on the handler.",
      registers: [options.registry],
      collect: (gauge) => gauge.set(this.#current),
    });
  }

  async handle(call: Call): Promise<void> {
    this.#current++;
    try {
      const waiting = this.#gate.enter(MAX_WAIT_MS, call);
      if (waiting !== undefined) await waiting;
    } catch (error) {
      this.#current--;
      call.refuse(500, (error as Error).message);
      return;
    }
    try {
      await this.#answer(call);
    } finally {
      this.#gate.leave();
      this.#current--;
    }
  }

  async #answer(call: Call): Promise<void> {
    const decoded = decode(call.body);
    if (typeof decoded === "string") {
      call.refuse(400, decoded);
      return;
    }
    const { acceptedTypes, queries } = decoded;
    const form = negotiate(acceptedTypes);
    if (form === undefined) {
      call.refuse(
        400,
        `server does not support any of the requested response types: [${acceptedTypes.map(typeName).join(" ")}]; supported: map[SAMPLES:{} STREAMED_XOR_CHUNKS:{}]`,
      );
      return;
    }
    const fault = faultOfMatchers(decoded);
    if (fault !== undefined) {
      call.refuse(500, fault);
      return;
    }
    const { externalLabels, sampleLimit, maxFrameBytes, queries: service } = this.#options;
    const request: RemoteReadRequest = {
      kind: "remoteRead",
      form,
      queries,
      externalLabels: externalLabels(),
      sampleLimit,
      maxFrameBytes,
    };
    const answer =
      form === "samples"
        ? call.stream({ contentType: "application/x-protobuf", encoding: "snappy" })
        : call.stream({
            contentType: "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse",
            encoding: "identity",
          });
    try {
      await service().run(request, answer, call);
      answer.end();
    } catch (error) {
      if (answer.started || call.response.destroyed) answer.break();
      else call.refuse(error instanceof QueryError && error.code === "bad_data" ? 400 : 500, (error as Error).message);
    }
  }
}

function decode(body: Uint8Array): ReadRequest | string {
  let bytes: Uint8Array;
  try {
    const length = uncompressedLength(body);
    if (length > MAX_MESSAGE_BYTES) return `snappy: decoded length ${length} exceeds limit ${MAX_MESSAGE_BYTES}`;
    bytes = uncompress(body, MAX_MESSAGE_BYTES);
  } catch (error) {
    if (error instanceof EncodingError) return "snappy: corrupt input";
    throw error;
  }
  try {
    return readReadRequest(bytes);
  } catch (error) {
    if (error instanceof EncodingError) return protobufFault(error, "ReadRequest");
    throw error;
  }
}

function negotiate(accepted: readonly number[]): "samples" | "chunks" | undefined {
  if (accepted.length === 0) return "samples";
  for (const type of accepted) {
    if (type === ResponseType.samples) return "samples";
    if (type === ResponseType.streamedXorChunks) return "chunks";
  }
  return undefined;
}

function typeName(type: number): string {
  return String(type);
}

function faultOfMatchers({ queries }: ReadRequest): string | undefined {
  try {
    for (const { matchers } of queries) for (const { type, name, value } of matchers) new Matcher(type, name, value);
    return undefined;
  } catch (error) {
    if (error instanceof RegexSyntaxError) return error.message;
    throw error;
  }
}
