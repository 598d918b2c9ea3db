// The answer of a remote storage, whose body is still to be read.
import { type IncomingMessage, STATUS_CODES } from "node:http";

/** So much of a body that nobody wants is read, so that the connection can be used again; beyond it, the connection is given up. */
const DRAINED_BYTES = 256 * 1024;

/** `end` must be called, once, whatever happens to the body. */
export class RemoteResponse {
  readonly message: IncomingMessage;
  /** Frees the deadline; closes the connection unless the body was read to its end. */
  readonly end: () => void;

  constructor(message: IncomingMessage, end: () => void) {
    this.message = message;
    this.end = end;
  }

  get status(): number {
    return this.message.statusCode ?? 0;
  }

  /** Whether the status is one of success. */
  get isGood(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** Code and text of the status: the usual text where the server says none. */
  get statusText(): string {
    const { statusMessage } = this.message;
    return `${this.status} ${statusMessage || (STATUS_CODES[this.status] ?? "")}`.trimEnd();
  }

  /** The body's first `maxBytes` as text; the rest is thrown away. Never rejects: a body that breaks off ends there. */
  async readStart(maxBytes: number): Promise<string> {
    const pieces: Buffer[] = [];
    let length = 0;
    try {
      for await (const piece of this.message as AsyncIterable<Buffer>) {
        if (length < maxBytes) pieces.push(piece.subarray(0, maxBytes - length));
        length += piece.length;
        if (length > maxBytes + DRAINED_BYTES) break;
      }
    } catch {
      // The status says what counts.
    }
    return Buffer.concat(pieces).toString("utf8");
  }
}
