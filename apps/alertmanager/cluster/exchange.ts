// What goes through streams: the exchange of everything that two members know, messages too long for a packet, and pings of last resort.

import type { Endpoint } from "./endpoint.ts";
import { compressLzw } from "./lzw.ts";
import {
  encodeAnswer,
  encodeCompressed,
  encodeError,
  encodePing,
  encodePushPull,
  encodeUserStream,
  MAX_STATE_BYTES,
  MESSAGE,
  type Ping,
  readAnswer,
  readError,
  readNode,
  readPing,
  readPushPullHeader,
  readUserHeader,
  type SharedNode,
} from "./message.ts";
import { MAX_NODES } from "./node-list.ts";
import { labelHeader } from "./packet.ts";
import { StreamBudget, StreamInput } from "./stream-input.ts";
import type { ByteStream, Transport } from "./transport.ts";

/** What all streams together may hold of what they received. */
const MAX_RECEIVING_BYTES = 256 * 1024 * 1024;
/** More than this goes out as it is: compressing it would hold up everything else for too long, and either form is understood. */
const MAX_COMPRESSED_BYTES = 1024 * 1024;

/** All that a member knows: about nodes, and what the program knows. */
export interface SharedState {
  readonly nodes: readonly SharedNode[];
  readonly state: Uint8Array;
}

export interface ExchangeOptions {
  readonly transport: Transport;
  readonly label: string;
  readonly name: string;
  readonly streamTimeoutMs: number;
  readonly local: () => SharedState;
  /** Throws for what cannot be taken. */
  readonly merge: (state: SharedState) => void;
  /** A message of the program; a view. */
  readonly message: (bytes: Uint8Array) => void;
}

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #budget = new StreamBudget(MAX_RECEIVING_BYTES);

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** Sends everything, and takes everything. Rejects when either failed. */
  async pushPull(to: Endpoint, isJoin: boolean): Promise<void> {
    await this.#talk(to, this.#options.streamTimeoutMs, this.#pushPullMessage(isJoin), async (input) => {
      const kind = await input.kind();
      if (kind === MESSAGE.error) throw new Error(`remote error: ${await input.read(readError)}`);
      if (kind !== MESSAGE.pushPull) throw new Error(`received message type ${kind} where a state was expected`);
      this.#options.merge(await readState(input));
    });
  }

  tell(message: Uint8Array, to: Endpoint): Promise<void> {
    return this.#talk(to, this.#options.streamTimeoutMs, encodeUserStream(message), () => Promise.resolve());
  }

  /** Resolves to whether there was an answer in time. */
  async ping(ping: Ping, to: Endpoint, timeoutMs: number): Promise<boolean> {
    let isAnswered = false;
    await this.#talk(to, timeoutMs, encodePing(ping), async (input) => {
      isAnswered = (await input.kind()) === MESSAGE.ack && (await input.read(readAnswer)) === ping.sequence;
    });
    return isAnswered;
  }

  /** Answers a stream that another opened, and closes it. Rejects for what is not understood. */
  async serve(stream: ByteStream, _from: Endpoint): Promise<void> {
    const input = new StreamInput(stream, this.#budget);
    try {
      const label = await input.label();
      if (label === undefined) return;
      // Who is of another cluster gets no answer.
      if (label !== this.#options.label) throw new Error("a stream without the cluster's label, or with another one");
      await this.#answer(stream, input);
    } finally {
      input.close();
      stream.close();
    }
  }

  async #answer(stream: ByteStream, input: StreamInput): Promise<void> {
    const { name, merge, message } = this.#options;
    let kind: number;
    try {
      kind = await input.kind();
    } catch (error) {
      await stream.write(sealed(encodeError((error as Error).message))).catch(() => {});
      throw error;
    }
    if (kind === MESSAGE.pushPull) {
      const state = await readState(input);
      await stream.write(sealed(this.#pushPullMessage(state.isJoin)));
      merge(state);
    } else if (kind === MESSAGE.user) {
      const length = await input.read(readUserHeader);
      if (length > 0) message(await input.bytes(length));
    } else if (kind === MESSAGE.ping) {
      const ping = await input.read(readPing);
      if (ping.node !== "" && ping.node !== name) throw new Error(`a ping for another node, ${ping.node}`);
      await stream.write(sealed(encodeAnswer(MESSAGE.ack, ping.sequence)));
    } else throw new Error(`message type ${kind} not supported`);
  }

  async #talk(
    to: Endpoint,
    timeoutMs: number,
    message: Uint8Array,
    hear: (input: StreamInput) => Promise<void>,
  ): Promise<void> {
    const { transport, label } = this.#options;
    const stream = await transport.dial(to, timeoutMs);
    const input = new StreamInput(stream, this.#budget);
    try {
      await stream.write(Buffer.concat([labelHeader(label), sealed(message)]));
      await hear(input);
    } finally {
      input.close();
      stream.close();
    }
  }

  #pushPullMessage(isJoin: boolean): Uint8Array {
    const { nodes, state } = this.#options.local();
    // What is too large is not taken by others: the nodes at least are told.
    const sent = state.length > MAX_STATE_BYTES ? new Uint8Array(0) : state;
    return encodePushPull({ nodes: nodes.length, stateBytes: sent.length, isJoin }, nodes, sent);
  }
}

async function readState(input: StreamInput): Promise<SharedState & { readonly isJoin: boolean }> {
  const { nodes: count, stateBytes, isJoin } = await input.read(readPushPullHeader);
  if (count > MAX_NODES) throw new Error(`a state of ${count} nodes, of which at most ${MAX_NODES} are taken`);
  const nodes: SharedNode[] = [];
  while (nodes.length < count) nodes.push(await input.read(readNode));
  return { nodes, state: await input.bytes(stateBytes), isJoin };
}

/** A message for a stream, compressed. */
function sealed(message: Uint8Array): Uint8Array {
  if (message.length > MAX_COMPRESSED_BYTES) return message;
  return encodeCompressed(compressLzw(message));
}
