// From a request's body to families: decompressed, parsed piece by piece, and bounded in every direction.
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { EncodingError } from "@narthex/encoding";
import { isValidMetricName, type NameScheme } from "@narthex/model";
import { type Family, familyBytes } from "../family/family.ts";
import { goQuote } from "../family/go-text.ts";
import { IntakeError } from "../format/intake-error.ts";
import { LineSplitter } from "../format/line-splitter.ts";
import { DelimitedSplitter, readFamily } from "../format/protobuf-reader.ts";
import { TextIntake } from "../format/text-intake.ts";
import { SnappyFrames } from "./snappy-frames.ts";

/** Bounds of all pushes that are being read. */
export interface IntakeLimits {
  /** Of one body, decompressed. */
  readonly maxBodyBytes: number;
  /** Of memory that pushes take together until they are in the store, roughly. */
  readonly maxPendingBytes: number;
}

/** A body that was read. */
export interface ReadBody {
  readonly families: Family[];
  /** To be called once, when the families are in the store or given up: until then their memory counts against the bound. */
  release(): void;
}

/** Reads bodies; one for the whole program, since what pushes take together is bounded. */
export class BodyReader {
  readonly #limits: IntakeLimits;
  readonly #scheme: NameScheme;
  /** Memory that pushes take until they are in the store, roughly. */
  #pendingBytes = 0;

  constructor(limits: IntakeLimits, scheme: NameScheme) {
    this.#limits = limits;
    this.#scheme = scheme;
  }

  /** Rejects with an `IntakeError` for what cannot be taken, and with other errors when the client goes away. */
  async read(request: IncomingMessage): Promise<ReadBody> {
    const declared = Number(request.headers["content-length"] ?? 0);
    const encoding = (request.headers["content-encoding"] ?? "").toLowerCase();
    if (encoding !== "gzip" && encoding !== "snappy" && declared > this.#limits.maxBodyBytes) throw this.#tooLarge();
    let wireBytes = 0;
    if (encoding === "gzip") request.on("data", (piece: Buffer) => (wireBytes += piece.length));
    const body = decoded(request, encoding);
    const parser = isProtobuf(request.headers["content-type"]) ? new ProtobufBody() : new TextBody(this.#scheme);
    let bodyBytes = 0;
    let reserved = 0;
    const release = (): void => {
      this.#pendingBytes -= reserved;
    };
    try {
      // The connection must live on, to carry the answer.
      for await (const piece of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        bodyBytes += piece.length;
        if (bodyBytes > this.#limits.maxBodyBytes) throw this.#tooLarge();
        parser.push(piece);
        this.#pendingBytes += parser.bytes - reserved;
        reserved = parser.bytes;
        if (this.#pendingBytes > this.#limits.maxPendingBytes)
          throw new IntakeError("too much is being pushed at the same time: push less at once, or again later", 503);
      }
      return { families: parser.finish(), release };
    } catch (error) {
      release();
      throw asIntakeError(error, wireBytes);
    } finally {
      if (body !== request) body.destroy();
    }
  }

  #tooLarge(): IntakeError {
    return new IntakeError(
      `the body is larger than ${this.#limits.maxBodyBytes} bytes, which --push.max-body-size allows`,
      413,
    );
  }
}

/** A body on its way to families. */
interface BodyParser {
  /** Memory taken so far, roughly. */
  readonly bytes: number;
  push(piece: Buffer): void;
  finish(): Family[];
}

class TextBody implements BodyParser {
  readonly #intake: TextIntake;
  readonly #lines: LineSplitter;

  constructor(scheme: NameScheme) {
    this.#intake = new TextIntake(scheme);
    this.#lines = new LineSplitter((line, isTerminated) => this.#intake.line(line, isTerminated));
  }

  get bytes(): number {
    return this.#intake.bytes + this.#lines.heldBytes;
  }

  push(piece: Buffer): void {
    this.#lines.push(piece);
  }

  finish(): Family[] {
    this.#lines.end();
    return this.#intake.finish();
  }
}

class ProtobufBody implements BodyParser {
  readonly #families = new Map<string, Family>();
  readonly #messages = new DelimitedSplitter((message) => this.#take(readFamily(message)));
  #familyBytes = 0;

  get bytes(): number {
    return this.#familyBytes + this.#messages.heldBytes;
  }

  push(piece: Buffer): void {
    this.#messages.push(piece);
  }

  finish(): Family[] {
    this.#messages.end();
    return [...this.#families.values()];
  }

  #take(family: Family): void {
    // The reference lets such names pass, and its page is then no longer one.
    if (!isValidMetricName(family.name)) throw new IntakeError(`invalid metric name ${goQuote(family.name)}`);
    this.#families.set(family.name, family);
    this.#familyBytes += familyBytes(family);
  }
}

function isProtobuf(contentType: string | undefined): boolean {
  const [type = "", ...rest] = (contentType ?? "").split(";").map((part) => part.trim());
  const parameters = new Map(
    rest.map((part) => [
      part.slice(0, part.indexOf("=")).toLowerCase(),
      part.slice(part.indexOf("=") + 1).replaceAll('"', ""),
    ]),
  );
  return (
    type.toLowerCase() === "application/vnd.google.protobuf" &&
    parameters.get("encoding") === "delimited" &&
    parameters.get("proto") === "io.prometheus.client.MetricFamily"
  );
}

function decoded(request: IncomingMessage, encoding: string): Readable {
  if (encoding !== "gzip" && encoding !== "snappy") return request;
  const stream = encoding === "gzip" ? createGunzip() : new SnappyFrames();
  request.on("error", (error) => stream.destroy(error));
  request.on("aborted", () => stream.destroy(new Error("the client went away")));
  return request.pipe(stream);
}

const GZIP_HEAD_BYTES = 10;
/** What zlib calls it, in the reference's words. */
const GZIP_MESSAGES: Readonly<Record<string, string>> = {
  "incorrect header check": "gzip: invalid header",
  "unknown compression method": "gzip: invalid header",
  "incorrect data check": "gzip: invalid checksum",
  "incorrect length check": "gzip: invalid checksum",
  "unexpected end of file": "unexpected EOF",
};

function asIntakeError(error: unknown, wireBytes: number): unknown {
  if (error instanceof IntakeError) return error;
  if (error instanceof EncodingError)
    return new IntakeError(error.code === "truncated" ? "unexpected EOF" : `cannot parse protobuf: ${error.message}`);
  const { code, message } = error as NodeJS.ErrnoException;
  // The reference wants the whole head before it looks at it.
  if (code?.startsWith("Z_") && wireBytes < GZIP_HEAD_BYTES)
    return new IntakeError(wireBytes === 0 ? "EOF" : "unexpected EOF");
  if (code?.startsWith("Z_")) return new IntakeError(GZIP_MESSAGES[message] ?? "flate: corrupt input");
  if (message.startsWith("snappy:")) return new IntakeError(message);
  return error;
}
