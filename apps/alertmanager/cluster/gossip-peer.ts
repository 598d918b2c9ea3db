// This Alertmanager in its cluster: it finds the others, tells and hears changes of silences and notifications, and knows its place.
import type { Registry } from "@narthex/client";
import type { Logger } from "@narthex/toolkit";
import { type Clock, every, type Timer } from "../clock.ts";
import { Acquaintances } from "./acquaintances.ts";
import { advertisedEndpoint, localAddresses } from "./advertise.ts";
import { ClusterMetrics, type ClusterNumbers } from "./cluster-metrics.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";
import { type Delegate, Gossiper } from "./gossiper.ts";
import type { Node, NodeEvents } from "./node-list.ts";
import { Oversized } from "./oversized.ts";
import { MAX_LABEL_BYTES, MAX_PACKET_BYTES } from "./packet.ts";
import { decodeFullState, decodePart, encodeFullState, encodePart } from "./part.ts";
import type { Peer, PeerInfo } from "./peer.ts";
import { type LookUp, resolvePeers, systemLookUp } from "./peer-names.ts";
import type { Transport } from "./transport.ts";
import { ulid } from "./ulid.ts";

/** The states that members share. */
export type StateKey = "sil" | "nfl";

/** One of them: everything, one record behind the other, and taking such records from others. */
export interface GossipState {
  snapshot(): Uint8Array;
  merge(bytes: Uint8Array): void;
}

export interface GossipPeerOptions {
  /** Empty: a fresh one. */
  readonly name: string;
  readonly label: string;
  readonly listenAddress: string;
  /** Empty: it is found out. */
  readonly advertiseAddress: string;
  readonly allowsPublicAddress: boolean;
  readonly peers: readonly string[];
  readonly resolveTimeoutMs: number;
  readonly gossipIntervalMs: number;
  readonly pushPullIntervalMs: number;
  readonly streamTimeoutMs: number;
  readonly probeTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly settleTimeoutMs: number;
  /** 0: lost peers are not looked for. */
  readonly reconnectIntervalMs: number;
  /** 0: they are looked for without end. */
  readonly reconnectTimeoutMs: number;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly lookUp?: LookUp;
  readonly transport: (bind: Endpoint) => Transport;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** Longer messages go by streams. */
const MAX_GOSSIP_BYTES = MAX_PACKET_BYTES / 2;
const REFRESH_INTERVAL_MS = 15_000;
const GIVE_UP_INTERVAL_MS = 300_000;
const LEAVE_TIMEOUT_MS = 10_000;
/** Gossip has settled when so many looks in a row found the same number of members. */
const EQUAL_LOOKS = 3;
const LOOK_GOSSIP_INTERVALS = 10;
/** Peers that are tried at the same time. */
const JOINS_AT_ONCE = 8;
const MIN_GOSSIP_NODES = 3;

export class GossipPeer implements Peer {
  readonly name: string;
  readonly #options: GossipPeerOptions;
  readonly #bind: Endpoint;
  readonly #advertise: Endpoint | undefined;
  readonly #states = new Map<string, GossipState>();
  readonly #oversized = new Map<string, Oversized<Node>>();
  readonly #acquaintances = new Acquaintances();
  readonly #metrics: ClusterMetrics;
  readonly #timers: Timer[] = [];
  readonly #ready: Promise<void>;
  #isReady = false;
  #setReady: () => void = () => {};
  #gossiper: Gossiper | undefined;
  #transport: Transport | undefined;
  /** While a long message is merged, changes are not told again: everybody was sent it. */
  #isMergingLong = false;
  #isJoining = false;

  /** Throws an error that says which address or label cannot be used. */
  constructor(options: GossipPeerOptions) {
    this.#options = options;
    this.name = options.name === "" ? ulid(options.clock.now()) : options.name;
    this.#bind = parsed("listen address", options.listenAddress);
    this.#advertise =
      options.advertiseAddress === "" ? undefined : parsed("advertise address", options.advertiseAddress);
    for (const peer of options.peers) parsed("peer", peer);
    if (Buffer.byteLength(options.label) > MAX_LABEL_BYTES)
      throw new Error(`could not use ${JSON.stringify(options.label)} as a label: too long`);
    this.#metrics = new ClusterMetrics(options.registry, this.name, this.#numbers());
    this.#ready = new Promise((resolve) => {
      this.#setReady = () => {
        this.#isReady = true;
        resolve();
      };
    });
  }

  get status(): "ready" | "settling" {
    return this.#isReady ? "ready" : "settling";
  }

  get members(): readonly PeerInfo[] {
    return this.#members().map(({ node, endpoint }) => ({ name: node, address: formatEndpoint(endpoint) }));
  }

  get position(): number {
    const own = Buffer.from(this.name);
    return this.#members().filter(({ node }) => Buffer.compare(Buffer.from(node), own) < 0).length;
  }

  /** Shares a state; before `start`. */
  addState(key: StateKey, state: GossipState): void {
    const { clock, logger } = this.#options;
    const metrics = this.#metrics;
    this.#states.set(key, state);
    this.#oversized.set(
      key,
      new Oversized({
        members: () => this.#members().filter(({ node }) => node !== this.name),
        tell: (message, to) => this.#gossiper?.tell(message, to) ?? Promise.resolve(),
        onSending: () => metrics.oversized("sent", key),
        onSent: (seconds) => metrics.oversizedTook(key, seconds),
        onFailed: ({ node }, { message }) => {
          metrics.oversized("failure", key);
          logger.debug("failed to send reliable", { key, node, err: message });
        },
        onDropped: () => metrics.oversized("dropped", key),
        now: () => clock.now(),
      }),
    );
  }

  /** Opens the port, and begins to look for the others. Rejects when the port or an address cannot be used. */
  async start(): Promise<void> {
    const { options, first } = await this.#listen().catch((error: Error) => {
      throw new Error(`unable to initialize gossip mesh: ${error.message}`, { cause: error });
    });
    const gossiper = new Gossiper(options);
    this.#gossiper = gossiper;
    gossiper.start();
    const { clock, reconnectIntervalMs, reconnectTimeoutMs } = this.#options;
    for (const endpoint of first) this.#acquaintances.expect(endpoint, clock.now());
    if (reconnectIntervalMs > 0) this.#regularly(reconnectIntervalMs, () => this.#reconnect());
    if (reconnectTimeoutMs > 0)
      this.#regularly(GIVE_UP_INTERVAL_MS, () => this.#acquaintances.giveUp(clock.now() - reconnectTimeoutMs));
    this.#regularly(REFRESH_INTERVAL_MS, () => this.#refresh());
    void this.#joinFirst(first).then(() => this.#settle());
  }

  untilReady(signal: AbortSignal): Promise<void> {
    if (this.#isReady) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(new Error(String(signal.reason)));
      if (signal.aborted) return aborted();
      signal.addEventListener("abort", aborted, { once: true });
      void this.#ready.then(() => {
        signal.removeEventListener("abort", aborted);
        resolve();
      });
    });
  }

  broadcast(key: StateKey, record: Uint8Array): void {
    if (this.#isMergingLong) return;
    const message = encodePart({ key, data: record });
    if (message.length > MAX_GOSSIP_BYTES) this.#oversized.get(key)?.add(message);
    else this.#gossiper?.broadcast(message);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    const gossiper = this.#gossiper;
    if (gossiper === undefined) {
      await this.#transport?.close();
      return;
    }
    await gossiper.leave(LEAVE_TIMEOUT_MS);
    await gossiper.close();
  }

  async #listen(): Promise<{ options: ConstructorParameters<typeof Gossiper>[0]; first: readonly Endpoint[] }> {
    const { clock, logger, peers, random, resolveTimeoutMs, lookUp = systemLookUp } = this.#options;
    const first = await resolvePeers(peers, resolveTimeoutMs, lookUp);
    const transport = this.#options.transport(this.#bind);
    this.#transport = transport;
    const port = await transport.listen({
      packet: (bytes, from) => this.#gossiper?.packet(bytes, from),
      stream: (stream, from) => (this.#gossiper === undefined ? stream.close() : this.#gossiper.stream(stream, from)),
    });
    const { endpoint, warnings } = advertisedEndpoint({
      bind: { host: this.#bind.host, port },
      advertise: this.#advertise,
      allowsPublic: this.#options.allowsPublicAddress,
      peers: first.map(formatEndpoint),
      local: localAddresses(),
    });
    for (const warning of warnings) logger.warn(warning);
    logger.info("Listening for peers", {
      name: this.name,
      addr: formatEndpoint({ host: this.#bind.host, port }),
      advertise: formatEndpoint(endpoint),
    });
    const own = formatEndpoint(endpoint);
    return {
      first: first.filter((peer) => formatEndpoint(peer) !== own),
      options: {
        name: this.name,
        label: this.#options.label,
        advertise: endpoint,
        transport,
        delegate: this.#delegate(),
        events: this.#events(),
        gossipIntervalMs: this.#options.gossipIntervalMs,
        gossipNodes: Math.max(Math.floor(peers.length / 2), MIN_GOSSIP_NODES),
        pushPullIntervalMs: this.#options.pushPullIntervalMs,
        probeIntervalMs: this.#options.probeIntervalMs,
        probeTimeoutMs: this.#options.probeTimeoutMs,
        streamTimeoutMs: this.#options.streamTimeoutMs,
        clock,
        random: random ?? Math.random,
        logger,
        onDropped: () => this.#metrics.pruned.inc(),
      },
    };
  }

  async #joinFirst(first: readonly Endpoint[]): Promise<void> {
    const { logger, reconnectIntervalMs } = this.#options;
    const failures: string[] = [];
    const joined = await this.#joinAll(first, (endpoint, error) => {
      if (error !== undefined) failures.push(`failed to join ${formatEndpoint(endpoint)}: ${error.message}`);
    });
    if (joined > 0) logger.debug("joined cluster", { peers: joined });
    else if (failures.length > 0)
      logger.warn("failed to join cluster", { err: failures.join("; "), retryEveryMs: reconnectIntervalMs });
  }

  /** Returns how many were reached. */
  async #joinAll(
    endpoints: readonly Endpoint[],
    report: (endpoint: Endpoint, error: Error | undefined) => void,
  ): Promise<number> {
    const waiting = [...endpoints];
    let joined = 0;
    const joinNext = async (): Promise<void> => {
      for (let endpoint = waiting.shift(); endpoint !== undefined; endpoint = waiting.shift()) {
        try {
          await this.#gossiper?.join(endpoint);
          joined++;
          report(endpoint, undefined);
        } catch (error) {
          report(endpoint, error as Error);
        }
      }
    };
    await Promise.all(Array.from({ length: JOINS_AT_ONCE }, joinNext));
    return joined;
  }

  /** Looks for peers that were lost. One that answers is met again by what it tells. */
  #reconnect(): void {
    const { logger } = this.#options;
    this.#joinUnlessJoining(async () => {
      await this.#joinAll(this.#acquaintances.missed, (endpoint, error) => {
        (error === undefined ? this.#metrics.reconnections : this.#metrics.failedReconnections).inc();
        logger.debug("reconnect", { addr: formatEndpoint(endpoint), err: error?.message ?? "" });
      });
    });
  }

  /** Looks names up again: peers may have moved, or be new. */
  #refresh(): void {
    const { peers, resolveTimeoutMs, lookUp, logger } = this.#options;
    this.#joinUnlessJoining(async () => {
      const resolved = await resolvePeers(peers, resolveTimeoutMs, lookUp);
      const known = new Set(this.members.map(({ address }) => address));
      const strangers = resolved.filter((endpoint) => !known.has(formatEndpoint(endpoint)));
      await this.#joinAll(strangers, (endpoint, error) => {
        (error === undefined ? this.#metrics.refreshes : this.#metrics.failedRefreshes).inc();
        if (error !== undefined)
          logger.warn("A peer of --cluster.peer cannot be joined", {
            addr: formatEndpoint(endpoint),
            err: error.message,
          });
      });
    });
  }

  /** Peers that do not answer take their time: the next round waits for the one before. */
  #joinUnlessJoining(join: () => Promise<void>): void {
    if (this.#isJoining) return;
    this.#isJoining = true;
    void join().finally(() => {
      this.#isJoining = false;
    });
  }

  /** Waits until no more members turn up, so that what they know is here before anything is sent. */
  #settle(): void {
    const { clock, logger, gossipIntervalMs, settleTimeoutMs } = this.#options;
    const lookMs = gossipIntervalMs * LOOK_GOSSIP_INTERVALS;
    const startMs = clock.now();
    const elapsed = (): number => Math.round(clock.now() - startMs);
    logger.info("Waiting for gossip to settle...", { intervalMs: lookMs });
    let [members, equal] = [0, 0];
    let look: Timer | undefined;
    const timeout = clock.after(settleTimeoutMs, () => {
      look?.cancel();
      logger.info("gossip not settled but continuing anyway", { elapsedMs: elapsed() });
      this.#setReady();
    });
    const lookAgain = (): void => {
      const found = this.#members().length;
      if (equal >= EQUAL_LOOKS) {
        timeout.cancel();
        logger.info("gossip settled; proceeding", { elapsedMs: elapsed() });
        this.#setReady();
        return;
      }
      if (found === members) equal++;
      else {
        equal = 0;
        logger.info("gossip not settled", { before: members, now: found, elapsedMs: elapsed() });
      }
      members = found;
      look = clock.after(lookMs, lookAgain);
      this.#timers.push(look);
    };
    look = clock.after(lookMs, lookAgain);
    this.#timers.push(timeout, look);
  }

  #delegate(): Delegate {
    const { logger } = this.#options;
    const metrics = this.#metrics;
    return {
      message: (bytes) => {
        metrics.received("update", bytes.length);
        const { key, data } = decodePart(bytes);
        this.#merge(key, data);
      },
      localState: () => {
        const state = encodeFullState([...this.#states].map(([key, state]) => ({ key, data: state.snapshot() })));
        metrics.sent("full_state", state.length);
        return state;
      },
      remoteState: (bytes) => {
        metrics.received("full_state", bytes.length);
        for (const { key, data } of decodeFullState(bytes)) {
          try {
            this.#merge(key, data);
          } catch (error) {
            logger.warn("merge remote state", { key, err: (error as Error).message });
          }
        }
      },
      sent: (message, members) => metrics.sent("update", message.length, members),
      answered: ({ node }, seconds) => metrics.answered(node, seconds),
    };
  }

  #merge(key: string, data: Uint8Array): void {
    const state = this.#states.get(key);
    if (state === undefined) return;
    this.#isMergingLong = data.length > MAX_GOSSIP_BYTES;
    try {
      state.merge(data);
    } finally {
      this.#isMergingLong = false;
    }
  }

  #events(): NodeEvents {
    const { clock, logger } = this.#options;
    const metrics = this.#metrics;
    return {
      alive: (name) => metrics.alive(name),
      joined: ({ node, endpoint }) => {
        metrics.joined.inc();
        this.#acquaintances.joined(endpoint);
        logger.debug("peer joined", { peer: node, addr: formatEndpoint(endpoint) });
      },
      left: ({ node, endpoint }) => {
        metrics.left.inc();
        if (node !== this.name) this.#acquaintances.left(endpoint, clock.now());
        logger.debug("peer left", { peer: node, addr: formatEndpoint(endpoint) });
      },
      updated: ({ node }) => {
        metrics.updated.inc();
        logger.debug("peer updated", { peer: node });
      },
      conflict: (name, mine, theirs) => {
        metrics.conflicts.inc();
        logger.warn("Found conflicting peer IDs", { peer: name, addr: formatEndpoint(mine), other: theirs });
      },
      full: (name) => logger.warn("Too many peers are known to take another one", { peer: name }),
      forgotten: (name) => metrics.forgotten(name),
      refuted: (accusation, from) => logger.debug("Refuted what was said of this node", { accusation, from }),
    };
  }

  #members(): readonly Node[] {
    return this.#gossiper?.members ?? [];
  }

  #numbers(): ClusterNumbers {
    const members = (): number => this.#members().length;
    const missed = (): number => this.#acquaintances.missedCount;
    const health = (): number => this.#gossiper?.healthScore ?? 0;
    const queued = (): number => this.#gossiper?.queued ?? 0;
    const position = (): number => this.position;
    return {
      get members() {
        return members();
      },
      get missedPeers() {
        return missed();
      },
      get healthScore() {
        return health();
      },
      get queued() {
        return queued();
      },
      get position() {
        return position();
      },
    };
  }

  #regularly(intervalMs: number, run: () => void): void {
    this.#timers.push(every(this.#options.clock, intervalMs, run));
  }
}

function parsed(what: string, address: string): Endpoint {
  try {
    return parseEndpoint(address);
  } catch (error) {
    throw new Error(`invalid ${what}: ${(error as Error).message}`);
  }
}
