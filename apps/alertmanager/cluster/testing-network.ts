// A network in memory for tests: packets that can be lost, streams, members that can be cut off from each other.
import { silentLogger } from "@narthex/toolkit";
import { HandClock } from "../testing.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { type Delegate, Gossiper } from "./gossiper.ts";
import type { Arrivals, ByteStream, Transport } from "./transport.ts";

const LATENCY_MS = 1;
const STREAM_TIMEOUT_MS = 10_000;
const LONG_BYTES = 700;

/** The same numbers for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Network {
  readonly clock: HandClock = new HandClock();
  readonly random: () => number;
  readonly #open = new Map<string, Arrivals>();
  /** Whether what one member sends reaches another. */
  reaches: (from: Endpoint, to: Endpoint) => boolean = () => true;
  /** Of all packets, how many are lost: 0 to 1. */
  loss = 0;
  packets = 0;
  maxPacketBytes = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  transport(at: Endpoint): Transport {
    const address = formatEndpoint(at);
    return {
      listen: async (arrivals) => {
        this.#open.set(address, arrivals);
        return at.port;
      },
      send: (packet, to) => {
        this.packets++;
        this.maxPacketBytes = Math.max(this.maxPacketBytes, packet.length);
        if (this.random() < this.loss || !this.reaches(at, to)) return;
        this.clock.after(LATENCY_MS, () => this.#open.get(formatEndpoint(to))?.packet(packet, at));
      },
      dial: (to, timeoutMs) => {
        const arrivals = this.#open.get(formatEndpoint(to));
        if (arrivals === undefined) return Promise.reject(new Error("connection refused"));
        if (!this.reaches(at, to) || !this.reaches(to, at))
          return new Promise((_, reject) => {
            this.clock.after(timeoutMs, () => reject(new Error("i/o timeout")));
          });
        const [near, far] = pipe();
        arrivals.stream(far, at);
        return Promise.resolve(near);
      },
      close: async () => void this.#open.delete(address),
    };
  }
}

/** One member on such a network, that remembers what it heard. */
export class TestMember {
  readonly heard: string[] = [];
  readonly events: string[] = [];
  readonly endpoint: Endpoint;
  readonly gossiper: Gossiper;
  readonly #network: Network;
  /** What it gives to whoever exchanges states with it. */
  state = "";

  constructor(network: Network, name: string, port: number, label = "") {
    this.#network = network;
    this.endpoint = { host: "10.0.0.1", port };
    const delegate: Delegate = {
      message: (bytes) => this.#hear(Buffer.from(bytes)),
      localState: () => Buffer.from(this.state),
      remoteState: (bytes) => void this.heard.push(`state ${Buffer.from(bytes)}`),
      sent: () => {},
      answered: () => {},
    };
    const tell = (event: string): void => void this.events.push(event);
    this.gossiper = new Gossiper({
      name,
      label,
      advertise: this.endpoint,
      transport: network.transport(this.endpoint),
      delegate,
      events: {
        alive: () => {},
        joined: ({ node }) => tell(`joined ${node}`),
        left: ({ node }) => tell(`left ${node}`),
        updated: ({ node }) => tell(`updated ${node}`),
        conflict: (node) => tell(`conflict ${node}`),
        full: () => tell("full"),
        forgotten: (node) => tell(`forgotten ${node}`),
        refuted: (accusation) => tell(`refuted ${accusation}`),
      },
      gossipIntervalMs: 200,
      gossipNodes: 3,
      pushPullIntervalMs: 60_000,
      probeIntervalMs: 1000,
      probeTimeoutMs: 500,
      streamTimeoutMs: STREAM_TIMEOUT_MS,
      clock: network.clock,
      random: network.random,
      logger: silentLogger,
      onDropped: () => tell("dropped"),
    });
  }

  /** What is news here is news for others, as with the states of an Alertmanager. */
  #hear(message: Buffer): void {
    const text = message.toString();
    const isNews = !this.heard.includes(text);
    this.heard.push(text);
    if (isNews && message.length < LONG_BYTES) this.gossiper.broadcast(message);
  }

  async start(): Promise<this> {
    await this.listen();
    this.gossiper.start();
    return this;
  }

  async listen(): Promise<void> {
    await this.#network.transport(this.endpoint).listen({
      packet: (bytes, from) => this.gossiper.packet(bytes, from),
      stream: (stream, from) => this.gossiper.stream(stream, from),
    });
  }

  get sees(): string {
    return this.gossiper.members
      .map(({ node }) => node)
      .toSorted()
      .join(" ");
  }
}

function pipe(): [ByteStream, ByteStream] {
  const [a, b] = [new Half(), new Half()];
  return [streamOf(a, b), streamOf(b, a)];
}

class Half {
  readonly #chunks: Uint8Array[] = [];
  #waiting: ((result: IteratorResult<Uint8Array>) => void) | undefined;
  #isEnded = false;

  put(chunk: Uint8Array | undefined): void {
    if (chunk === undefined) this.#isEnded = true;
    else this.#chunks.push(chunk);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) void this.next().then(waiting);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.#chunks.shift();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    if (this.#isEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}

/** What is written arrives in pieces, as it would. */
const PIECE_BYTES = 1000;

function streamOf(incoming: Half, outgoing: Half): ByteStream {
  return {
    chunks: { next: () => incoming.next() },
    write: async (bytes) => {
      for (let start = 0; start < bytes.length; start += PIECE_BYTES)
        outgoing.put(bytes.slice(start, start + PIECE_BYTES));
    },
    close: () => outgoing.put(undefined),
  };
}
