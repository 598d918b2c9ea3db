// The body of a request, whole.
import type { IncomingMessage } from "node:http";

/** Requests with these methods may have a body that somebody wants. */
const WITH_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH", "DELETE"]);
const NOTHING = Buffer.alloc(0);

/** Larger than the limit; what else comes is not read. */
export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
}

/** Reads up to `maxBytes`. Rejects with a `BodyTooLargeError`, or when the client goes away before the end. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> | Buffer {
  if (!WITH_BODY.has(request.method ?? "") || request.headers["content-length"] === "0") return NOTHING;
  if (Number(request.headers["content-length"] ?? 0) > maxBytes)
    return Promise.reject(new BodyTooLargeError("request body too large"));
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxBytes) {
        parts.length = 0;
        request.pause();
        reject(new BodyTooLargeError("request body too large"));
      } else parts.push(part);
    });
    request.once("end", () => resolve(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)));
    request.once("error", reject);
    request.once("aborted", () => reject(new Error("the client went away")));
  });
}
