// How bytes get from member to member: packets that may be lost, and streams.
import type { Endpoint } from "./endpoint.ts";

/** One connection to another member. */
export interface ByteStream {
  /** What arrives, in pieces; ends when the other side has ended, rejects when the connection broke or its time was up. */
  readonly chunks: AsyncIterator<Uint8Array>;
  /** Resolves when the bytes are handed over; rejects when the connection broke. */
  write(bytes: Uint8Array): Promise<void>;
  /** Safe to call more than once. What was written still arrives. */
  close(): void;
}

export interface Arrivals {
  packet(bytes: Uint8Array, from: Endpoint): void;
  /** Whoever takes the stream closes it. */
  stream(stream: ByteStream, from: Endpoint): void;
}

export interface Transport {
  /** Opens the port; resolves to its number. Rejects when that is not possible. */
  listen(arrivals: Arrivals): Promise<number>;
  /** Sends a packet, or not: nobody is told. */
  send(packet: Uint8Array, to: Endpoint): void;
  /** Opens a stream that lives at most so long. Rejects when nobody answers in time. */
  dial(to: Endpoint, timeoutMs: number): Promise<ByteStream>;
  /** Ends everything that is open. */
  close(): Promise<void>;
}
