// One member of a cluster: it hears packets and streams of the others, answers them, and speaks up at its own times.
//
// Source of the protocol: hashicorp/memberlist with its settings for a local network, as the reference configures it.
import type { Logger } from "@narthex/toolkit";
import { type Clock, every, type Timer } from "../clock.ts";
import { Answers } from "./answers.ts";
import { BroadcastQueue } from "./broadcast-queue.ts";
import { type Endpoint, formatEndpoint, ipBytes, ipText } from "./endpoint.ts";
import { Exchange, type SharedState } from "./exchange.ts";
import { Health } from "./health.ts";
import {
  decodeAccusation,
  decodeAlive,
  decodeIndirectPing,
  decodePing,
  encodeAnswer,
  encodePing,
  type IndirectPing,
  MESSAGE,
  NODE_STATE,
  OWN_VERSIONS,
  readAnswer,
  VERSION,
} from "./message.ts";
import { MsgpackReader } from "./msgpack.ts";
import {
  DEAD_NODE_KEPT_MS,
  highestVersion,
  isMember,
  isSpoken,
  type Node,
  type NodeEvents,
  NodeList,
} from "./node-list.ts";
import {
  COMPOUND_BYTES,
  COMPOUND_MESSAGE_BYTES,
  labelHeader,
  MAX_PACKET_BYTES,
  openPacket,
  sealPacket,
} from "./packet.ts";
import { Prober } from "./prober.ts";
import { Refusals } from "./refusals.ts";
import type { Transport } from "./transport.ts";

/** Each word about a node goes out `4 * ceil(log10(nodes + 1))` times. */
const NODE_MULTIPLIER = 4;
/** Each message of the program goes out to the chosen members twice, where the reference does it once: packets are lost. */
const MESSAGE_ROUNDS = 2;
/** Messages of the program that wait to go out, and words about nodes. */
const MAX_QUEUED = 4096;
/** In one packet, a message that it answers included. */
const MAX_MESSAGES = 255;
/** Clusters of more nodes exchange states less often. */
const FROM_HERE_ON_INTERVALS_GROW = 32;
const EMPTY: Uint8Array = new Uint8Array(0);

/** What the program has to say in a cluster. */
export interface Delegate {
  /** A message of another member; a view. */
  message(bytes: Uint8Array): void;
  /** All that this member knows. */
  localState(): Uint8Array;
  /** All that another member knows; a view. */
  remoteState(bytes: Uint8Array): void;
  /** A message went out by packet to so many members. */
  sent(message: Uint8Array, members: number): void;
  answered(node: Node, seconds: number): void;
}

export interface GossiperOptions {
  readonly name: string;
  readonly label: string;
  /** Where others reach this member; the host an IP address. */
  readonly advertise: Endpoint;
  readonly transport: Transport;
  readonly delegate: Delegate;
  readonly events: NodeEvents;
  readonly gossipIntervalMs: number;
  /** Members that hear of news each time. */
  readonly gossipNodes: number;
  readonly pushPullIntervalMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly streamTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly onDropped: () => void;
}

export class Gossiper {
  readonly #options: GossiperOptions;
  readonly #nodes: NodeList;
  readonly #answers: Answers;
  readonly #health = new Health();
  readonly #prober: Prober;
  readonly #exchange: Exchange;
  readonly #refusals: Refusals;
  /** Words about nodes, and messages of the program. */
  readonly #words: BroadcastQueue;
  readonly #messages: BroadcastQueue;
  readonly #timers: Timer[] = [];
  #pushPullTimer: Timer | undefined;
  #isClosed = false;

  constructor(options: GossiperOptions) {
    this.#options = options;
    const { clock, random, events, delegate, transport, label } = options;
    this.#refusals = new Refusals(options.logger, clock);
    this.#answers = new Answers(clock);
    this.#words = new BroadcastQueue({
      members: () => this.#nodes.nodes.length,
      multiplier: NODE_MULTIPLIER,
      capacity: MAX_QUEUED,
    });
    this.#messages = new BroadcastQueue({
      members: () => this.members.length,
      multiplier: MESSAGE_ROUNDS * options.gossipNodes,
      capacity: MAX_QUEUED,
      onDropped: options.onDropped,
    });
    const address = ipBytes(options.advertise.host);
    if (address === undefined) throw new Error(`failed to parse advertise address "${options.advertise.host}"`);
    this.#nodes = new NodeList({
      self: { node: options.name, address, port: options.advertise.port, meta: EMPTY, versions: OWN_VERSIONS },
      probeIntervalMs: options.probeIntervalMs,
      clock,
      random,
      broadcast: (message, about, finished) => this.#words.add(message, about, finished),
      onRefute: () => this.#health.change(1),
      events,
    });
    this.#exchange = new Exchange({
      transport,
      label,
      name: options.name,
      streamTimeoutMs: options.streamTimeoutMs,
      local: () => ({ nodes: this.#nodes.nodes, state: delegate.localState() }),
      merge: (state) => this.#merge(state),
      message: (bytes) => delegate.message(bytes),
    });
    this.#prober = new Prober({
      nodes: this.#nodes,
      answers: this.#answers,
      health: this.#health,
      clock,
      intervalMs: options.probeIntervalMs,
      timeoutMs: options.probeTimeoutMs,
      send: (messages, to) => this.#send(messages, to.endpoint, to),
      pingByStream: (ping, to, timeoutMs) => this.#exchange.ping(ping, to.endpoint, timeoutMs),
      onAnswer: (node, seconds) => delegate.answered(node, seconds),
      onOnlyByStream: ({ node }) =>
        options.logger.debug("A peer answers by TCP but not by UDP: the network may be misconfigured", { peer: node }),
    });
  }

  get self(): Node {
    return this.#nodes.self;
  }

  /** Alive and suspected ones, this one included. */
  get members(): Node[] {
    return this.#nodes.members;
  }

  get healthScore(): number {
    return this.#health.score;
  }

  /** Messages of the program that wait to go out. */
  get queued(): number {
    return this.#messages.size;
  }

  /** From here on this member speaks. The transport listens already, and hands over to `packet` and `stream`. */
  start(): void {
    const { clock, random, gossipIntervalMs, probeIntervalMs, pushPullIntervalMs } = this.#options;
    this.#nodes.begin();
    // A random wait first, so that members that were started together do not speak together.
    const regularly = (intervalMs: number, run: () => void): void => {
      if (intervalMs <= 0) return;
      this.#timers.push(
        clock.after(random() * intervalMs, () => {
          if (!this.#isClosed) this.#timers.push(every(clock, intervalMs, run));
        }),
      );
    };
    regularly(probeIntervalMs, () => this.#prober.tick());
    regularly(gossipIntervalMs, () => this.#gossip());
    if (pushPullIntervalMs > 0)
      this.#pushPullTimer = clock.after(random() * pushPullIntervalMs, () => this.#schedulePushPull());
  }

  /** Exchanges everything with whoever listens there. Rejects when that failed. */
  join(endpoint: Endpoint): Promise<void> {
    return this.#exchange.pushPull(endpoint, true);
  }

  /** A short message of the program, to everybody within a few intervals. */
  broadcast(message: Uint8Array): void {
    this.#messages.add(message);
  }

  /** A message of any length, to one member. Rejects when it cannot be delivered. */
  tell(message: Uint8Array, to: Node): Promise<void> {
    return this.#exchange.tell(message, to.endpoint);
  }

  /** Tells the others that this member goes, so that they need not find out. Resolves when enough were told, or in time. */
  async leave(timeoutMs: number): Promise<void> {
    if (this.#isClosed) return;
    const isAlone = this.members.length <= 1;
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(timeoutMs, resolve);
      this.#nodes.leave(() => {
        timer.cancel();
        resolve();
      });
      if (!isAlone) return;
      timer.cancel();
      resolve();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#pushPullTimer?.cancel();
    this.#answers.close();
    this.#nodes.close();
    await this.#options.transport.close();
  }

  /** A packet came in. What cannot be understood of it is refused, and only that. */
  packet(bytes: Uint8Array, from: Endpoint): void {
    if (this.#isClosed) return;
    try {
      openPacket(bytes, this.#options.label, (kind, message) => {
        try {
          this.#hear(kind, message, from);
        } catch (error) {
          this.#refusals.refuse("message", from, error as Error);
        }
      });
    } catch (error) {
      this.#refusals.refuse("packet", from, error as Error);
    }
  }

  /** A stream was opened by another. */
  stream(...[stream, from]: Parameters<Exchange["serve"]>): void {
    this.#exchange.serve(stream, from).catch((error: Error) => this.#refusals.refuse("stream", from, error));
  }

  #hear(kind: number, message: Uint8Array, from: Endpoint): void {
    switch (kind) {
      case MESSAGE.ping:
        this.#hearPing(message, from);
        break;
      case MESSAGE.indirectPing:
        this.#hearIndirectPing(decodeIndirectPing(message), from);
        break;
      case MESSAGE.ack:
        this.#answers.answer(readAnswer(new MsgpackReader(message)));
        break;
      case MESSAGE.nack:
        this.#answers.refuse(readAnswer(new MsgpackReader(message)));
        break;
      case MESSAGE.suspect:
        this.#nodes.suspect(decodeAccusation(message));
        break;
      case MESSAGE.alive:
        this.#nodes.alive(decodeAlive(message));
        break;
      case MESSAGE.dead:
        this.#nodes.dead(decodeAccusation(message));
        break;
      case MESSAGE.user:
        this.#options.delegate.message(message);
        break;
      default:
        throw new Error(`message type ${kind} not supported`);
    }
  }

  #hearPing(message: Uint8Array, from: Endpoint): void {
    const ping = decodePing(message);
    if (ping.node !== "" && ping.node !== this.#options.name) throw new Error(`a ping for another node, ${ping.node}`);
    this.#sendWithNews(encodeAnswer(MESSAGE.ack, ping.sequence), answerTo(ping, from), ping.sourceNode);
  }

  /** Pings a node for somebody who got no answer from it. */
  #hearIndirectPing(ping: IndirectPing, from: Endpoint): void {
    const host = ipText(ping.target);
    if (host === undefined || ping.port === 0) throw new Error("an indirect ping without a target");
    const asker = answerTo(ping, from);
    const sequence = this.#answers.next();
    const answer = (kind: typeof MESSAGE.ack | typeof MESSAGE.nack): void =>
      this.#sendWithNews(encodeAnswer(kind, ping.sequence), asker, ping.sourceNode);
    const isOpen = this.#answers.expect(sequence, this.#options.probeTimeoutMs, {
      answered: () => answer(MESSAGE.ack),
      late: () => {
        if (ping.wantsNack) answer(MESSAGE.nack);
      },
    });
    if (!isOpen) return;
    const { address, port, node } = this.#nodes.self;
    const own = encodePing({ sequence, node: ping.node, sourceAddress: address, sourcePort: port, sourceNode: node });
    this.#sendWithNews(own, { host, port: ping.port }, ping.node);
  }

  /** Tells news to a few nodes; also to those that died lately, who may know better. */
  #gossip(): void {
    if (this.#words.size === 0 && this.#messages.size === 0) return;
    const longAgo = this.#options.clock.now() - DEAD_NODE_KEPT_MS;
    const listeners = this.#nodes.some(
      this.#options.gossipNodes,
      (node) => isMember(node) || (node.state === NODE_STATE.dead && node.changedMs >= longAgo),
    );
    if (listeners.length === 0) return;
    // The same news for all of them: where there are few members, each hears everything at least once.
    const news = this.#news(this.#roomFor(0), MAX_MESSAGES, listeners.length);
    if (news.length === 0) return;
    for (const node of listeners) this.#send(news, node.endpoint, node);
  }

  #sendWithNews(message: Uint8Array, to: Endpoint, name: string): void {
    const news = this.#news(this.#roomFor(message.length), MAX_MESSAGES - 1, 1);
    this.#send([message, ...news], to, this.#nodes.get(name));
  }

  #roomFor(bytes: number): number {
    return MAX_PACKET_BYTES - bytes - COMPOUND_BYTES - labelHeader(this.#options.label).length;
  }

  /** Words about nodes first, then messages of the program. */
  #news(bytes: number, count: number, listeners: number): Uint8Array[] {
    const words = this.#words.take(bytes, COMPOUND_MESSAGE_BYTES, count, listeners);
    const used = words.reduce((sum, { length }) => sum + length + COMPOUND_MESSAGE_BYTES, 0);
    const messages = this.#messages.take(bytes - used, COMPOUND_MESSAGE_BYTES + 1, count - words.length, listeners);
    for (const message of messages) this.#options.delegate.sent(message, listeners);
    return [...words, ...messages.map((message) => Buffer.concat([Uint8Array.of(MESSAGE.user), message]))];
  }

  #send(messages: readonly Uint8Array[], to: Endpoint, node: Node | undefined): void {
    const withChecksum = node !== undefined && highestVersion(node) >= VERSION.checksum;
    this.#options.transport.send(sealPacket(messages, { label: this.#options.label, withChecksum }), to);
  }

  #schedulePushPull(): void {
    if (this.#isClosed) return;
    const { clock, pushPullIntervalMs, logger } = this.#options;
    const nodes = this.#nodes.nodes.length;
    const scale =
      nodes <= FROM_HERE_ON_INTERVALS_GROW ? 1 : 1 + Math.ceil(Math.log2(nodes / FROM_HERE_ON_INTERVALS_GROW));
    this.#pushPullTimer = clock.after(pushPullIntervalMs * scale, () => {
      const [node] = this.#nodes.some(1, ({ state }) => state === NODE_STATE.alive);
      const exchanged = node === undefined ? Promise.resolve() : this.#exchange.pushPull(node.endpoint, false);
      exchanged
        .catch((error: Error) =>
          logger.debug("Push/pull failed", {
            peer: node?.node,
            addr: node && formatEndpoint(node.endpoint),
            err: error.message,
          }),
        )
        .finally(() => this.#schedulePushPull());
    });
  }

  #merge({ nodes, state }: SharedState): void {
    if (this.#isClosed) return;
    const incompatible = nodes.find(
      ({ state: nodeState, versions }) => nodeState === NODE_STATE.alive && !isSpoken(versions),
    );
    if (incompatible !== undefined)
      throw new Error(
        `node ${incompatible.node} speaks protocol version ${incompatible.versions[2]}, which is not understood`,
      );
    this.#nodes.merge(nodes);
    if (state.length > 0) this.#options.delegate.remoteState(state);
  }
}

function answerTo(
  { sourceAddress, sourcePort }: { readonly sourceAddress: Uint8Array; readonly sourcePort: number },
  from: Endpoint,
): Endpoint {
  const host = ipText(sourceAddress);
  return host === undefined || sourcePort === 0 ? from : { host, port: sourcePort };
}
