// The body of a request, whole.
import type { IncomingMessage } from "node:http";
import type { ByteLease } from "../care/byte-budget.ts";

/** Requests with these methods may have a body that somebody wants. */
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH", "DELETE"]);
const NOTHING = Buffer.alloc(0);

/** Larger than the limit; what else comes is not read. */
export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
}

/** What is said, with status 503, to who sends a body for which there is no memory beside those of others. */
export const BODIES_TAKE_TOO_MUCH = "too much is being sent at the same time: send less at once, or again later";
/** Seconds after which it may be tried again. */
export const RETRY_AFTER_SECONDS = 5;
/** Smaller bodies are not counted: their sum is bounded by the number of connections, and small requests always go on. */
const UNCOUNTED_BYTES = 64 * 1024;

/** There is no memory for it beside the bodies of others; what else comes is not read. */
export class BodyMemoryError extends Error {
  override readonly name = "BodyMemoryError";
}

/**
 * Reads up to `maxBytes`, which are taken from `memory` as they come. Rejects with a `BodyTooLargeError`, with a `BodyMemoryError`,
 * or when the client goes away before the end.
 */
export function readBody(request: IncomingMessage, maxBytes: number, memory: ByteLease): Promise<Buffer> | Buffer {
  if (!WITH_BODY.has(request.method ?? "") || request.headers["content-length"] === "0") return NOTHING;
  if (Number(request.headers["content-length"] ?? 0) > maxBytes)
    return Promise.reject(new BodyTooLargeError("request body too large"));
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const refuse = (error: Error): void => {
      parts.length = 0;
      request.pause();
      reject(error);
    };
    request.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBytes) refuse(new BodyTooLargeError("request body too large"));
      else if (bytes > UNCOUNTED_BYTES && !memory.grow(bytes - memory.bytes)) {
        refuse(new BodyMemoryError(BODIES_TAKE_TOO_MUCH));
      } else parts.push(part);
    });
    request.once("end", () => resolve(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)));
    request.once("error", reject);
    request.once("aborted", () => reject(new Error("the client went away")));
  });
}
