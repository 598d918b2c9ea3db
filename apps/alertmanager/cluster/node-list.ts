// What this member believes of all members: who is alive, suspected, dead or has left, and by which word of whom.
//
// Beliefs change by messages only, whose incarnation numbers say which word is the newer one; a member alone raises its own number, to
// refute what others say of it. Source: hashicorp/memberlist, `state.go`, after SWIM.
import type { Clock } from "../clock.ts";
import { type Endpoint, ipText } from "./endpoint.ts";
import {
  type Accusation,
  type Alive,
  encodeAccusation,
  encodeAlive,
  MESSAGE,
  NODE_STATE,
  type NodeState,
  OWN_VERSIONS,
  type SharedNode,
} from "./message.ts";
import { Suspicion } from "./suspicion.ts";

/** Nodes that are known at a time, dead ones included. Clusters have a handful; what claims to be the next one is turned away. */
export const MAX_NODES = 1024;
/** A dead node is told news, and kept in mind, so long. */
export const DEAD_NODE_KEPT_MS = 30_000;
/** After so long, the name of a dead node may come back from another address. */
const DEAD_NODE_RECLAIM_MS = 10_000;
const MAX_INCARNATION = 0xffffffff;
/** What gossip without a port means. */
const NO_PORT = 0;

export interface Node extends SharedNode {
  readonly state: NodeState;
  /** Milliseconds since the epoch. */
  readonly changedMs: number;
  readonly endpoint: Endpoint;
}

type OwnNode = { -readonly [K in keyof Node]: Node[K] };

export interface NodeEvents {
  alive(name: string): void;
  joined(node: Node): void;
  left(node: Node): void;
  updated(node: Node): void;
  conflict(name: string, mine: Endpoint, theirs: string): void;
  /** Whether a message was refused because too many nodes are known. */
  full(name: string): void;
  forgotten(name: string): void;
  refuted(accusation: string, from: string): void;
}

export interface NodeListOptions {
  readonly self: Omit<Alive, "incarnation">;
  readonly probeIntervalMs: number;
  readonly clock: Clock;
  /** From 0 up to, and without, 1. */
  readonly random: () => number;
  /** Tells everybody; `about` is the node it is about. */
  readonly broadcast: (message: Uint8Array, about: string, finished?: () => void) => void;
  /** This member is asked to refute something: it was not heard. */
  readonly onRefute: () => void;
  readonly events: NodeEvents;
}

export class NodeList {
  readonly #options: NodeListOptions;
  readonly #byName = new Map<string, OwnNode>();
  /** In the order in which they are probed. */
  #order: OwnNode[] = [];
  readonly #suspicions = new Map<string, Suspicion>();
  #incarnation = 0;
  #hasLeft = false;

  constructor(options: NodeListOptions) {
    this.#options = options;
  }

  get self(): Node {
    return this.#byName.get(this.#options.self.node) as Node;
  }

  /** All that are known, dead ones included. */
  get nodes(): readonly Node[] {
    return this.#order;
  }

  /** Those that are not known to be gone. */
  get members(): Node[] {
    return this.#order.filter(isMember);
  }

  get(name: string): Node | undefined {
    return this.#byName.get(name);
  }

  /** This member appears. */
  begin(): void {
    this.#alive({ ...this.#options.self, incarnation: ++this.#incarnation }, true);
  }

  /** This member goes. `finished` is called when enough others were told. */
  leave(finished: () => void): void {
    const { node, incarnation } = this.self;
    this.#hasLeft = true;
    this.#dead({ incarnation, node, from: node }, finished);
  }

  /** Somebody says that a node is alive, perhaps the node itself. */
  alive(alive: Alive): void {
    this.#alive(alive, false);
  }

  /** Somebody did not hear of a node, this member perhaps. */
  suspect(accusation: Accusation): void {
    const node = this.#byName.get(accusation.node);
    if (node === undefined || accusation.incarnation < node.incarnation) return;
    const { clock, probeIntervalMs, broadcast, self, events } = this.#options;
    const suspicion = this.#suspicions.get(node.node);
    if (suspicion !== undefined) {
      if (suspicion.confirm(accusation.from)) broadcast(encodeAccusation(MESSAGE.suspect, accusation), node.node);
      return;
    }
    if (node.state !== NODE_STATE.alive) return;
    if (node.node === self.node) {
      this.#refute(node, accusation.incarnation);
      events.refuted("suspect", accusation.from);
      return;
    }
    broadcast(encodeAccusation(MESSAGE.suspect, accusation), node.node);
    node.incarnation = accusation.incarnation;
    this.#change(node, NODE_STATE.suspect);
    const isTimeUp = (): void => {
      this.#suspicions.delete(node.node);
      if (node.state === NODE_STATE.suspect)
        this.dead({ incarnation: node.incarnation, node: node.node, from: self.node });
    };
    this.#suspicions.set(
      node.node,
      new Suspicion(accusation.from, this.#order.length, probeIntervalMs, clock, isTimeUp),
    );
  }

  /** Somebody is sure that a node is gone; the node itself where it leaves. */
  dead(accusation: Accusation): void {
    this.#dead(accusation);
  }

  /** Takes what another member believes. That it holds somebody for dead is only a suspicion here. */
  merge(nodes: readonly SharedNode[]): void {
    for (const shared of nodes) {
      const { node, incarnation } = shared;
      if (shared.state === NODE_STATE.alive) this.alive(shared);
      else if (shared.state === NODE_STATE.left) this.dead({ incarnation, node, from: node });
      else this.suspect({ incarnation, node, from: this.#options.self.node });
    }
  }

  /** Forgets nodes that are gone for long, and puts the others in another order. */
  reshuffle(): void {
    const { clock, random, events } = this.#options;
    const longAgo = clock.now() - DEAD_NODE_KEPT_MS;
    for (const node of this.#order)
      if (!isMember(node) && node.changedMs < longAgo) {
        this.#byName.delete(node.node);
        events.forgotten(node.node);
      }
    this.#order = this.#order.filter(({ node }) => this.#byName.has(node));
    for (let i = this.#order.length - 1; i > 0; i--) this.#swap(i, Math.floor(random() * (i + 1)));
  }

  /** Up to `count` different nodes by chance. */
  some(count: number, isWanted: (node: Node) => boolean): Node[] {
    const wanted = this.#order.filter((node) => node.node !== this.#options.self.node && isWanted(node));
    const { random } = this.#options;
    for (let i = 0; i < Math.min(count, wanted.length - 1); i++) {
      const other = i + Math.floor(random() * (wanted.length - i));
      [wanted[i], wanted[other]] = [wanted[other] as OwnNode, wanted[i] as OwnNode];
    }
    return wanted.slice(0, count);
  }

  /** No timer of this list fires any more. */
  close(): void {
    for (const suspicion of this.#suspicions.values()) suspicion.cancel();
    this.#suspicions.clear();
  }

  #alive(alive: Alive, isOwnWord: boolean): void {
    const { self, events, broadcast } = this.#options;
    const isSelf = alive.node === self.node;
    if ((isSelf && this.#hasLeft) || !isSound(alive)) return;
    let node = this.#byName.get(alive.node);
    let isReclaimed = false;
    if (node === undefined) {
      if (this.#order.length >= MAX_NODES) {
        events.full(alive.node);
        return;
      }
      node = this.#add(alive);
    } else if (!isSameAddress(node, alive)) {
      isReclaimed = this.#mayMove(node);
      if (!isReclaimed) {
        events.conflict(node.node, node.endpoint, `${ipText(alive.address)}:${alive.port}`);
        return;
      }
    }
    events.alive(node.node);
    if (isSelf) {
      if (alive.incarnation < node.incarnation) return;
    } else if (alive.incarnation <= node.incarnation && !isReclaimed) return;
    this.#suspicions.get(node.node)?.cancel();
    this.#suspicions.delete(node.node);
    if (isSelf && !isOwnWord) {
      const isOwnState =
        alive.incarnation === node.incarnation &&
        isEqual(alive.meta, node.meta) &&
        isEqual(alive.versions, node.versions);
      if (isOwnState) return;
      this.#refute(node, alive.incarnation);
      events.refuted("alive", alive.node);
      return;
    }
    broadcast(encodeAlive(alive), node.node);
    const wasMember = isMember(node);
    const isChanged = !isEqual(alive.meta, node.meta);
    Object.assign(node, stated(alive));
    if (node.state !== NODE_STATE.alive) this.#change(node, NODE_STATE.alive);
    if (!wasMember) events.joined(node);
    else if (isChanged) events.updated(node);
  }

  #dead(accusation: Accusation, finished?: () => void): void {
    const node = this.#byName.get(accusation.node);
    if (node === undefined || accusation.incarnation < node.incarnation) return;
    this.#suspicions.get(node.node)?.cancel();
    this.#suspicions.delete(node.node);
    if (!isMember(node)) return;
    const { self, broadcast, events } = this.#options;
    if (node.node === self.node && !this.#hasLeft) {
      this.#refute(node, accusation.incarnation);
      events.refuted("dead", accusation.from);
      return;
    }
    broadcast(encodeAccusation(MESSAGE.dead, accusation), node.node, finished);
    node.incarnation = accusation.incarnation;
    this.#change(node, accusation.node === accusation.from ? NODE_STATE.left : NODE_STATE.dead);
    events.left(node);
  }

  #add(alive: Alive): OwnNode {
    const node = { ...stated(alive), incarnation: 0, state: NODE_STATE.dead, changedMs: 0 };
    this.#byName.set(node.node, node);
    this.#order.push(node);
    // Anywhere in the order, so that a new node waits no longer for its first probe than others.
    this.#swap(this.#order.length - 1, Math.floor(this.#options.random() * this.#order.length));
    return node;
  }

  #mayMove({ state, changedMs }: Node): boolean {
    if (state === NODE_STATE.left) return true;
    return state === NODE_STATE.dead && this.#options.clock.now() - changedMs > DEAD_NODE_RECLAIM_MS;
  }

  /** Tells everybody that this member is alive, by a number above the one it was accused with. */
  #refute(node: OwnNode, accusedIncarnation: number): void {
    this.#incarnation = Math.min(MAX_INCARNATION, Math.max(this.#incarnation, accusedIncarnation) + 1);
    node.incarnation = this.#incarnation;
    this.#options.onRefute();
    this.#options.broadcast(encodeAlive(node), node.node);
  }

  #change(node: OwnNode, state: NodeState): void {
    node.state = state;
    node.changedMs = this.#options.clock.now();
  }

  #swap(a: number, b: number): void {
    const order = this.#order;
    [order[a], order[b]] = [order[b] as OwnNode, order[a] as OwnNode];
  }
}

/** Alive or suspected. */
export function isMember({ state }: Node): boolean {
  return state === NODE_STATE.alive || state === NODE_STATE.suspect;
}

/** The highest protocol version that a node understands. */
export function highestVersion({ versions }: Node): number {
  return versions[1] ?? 0;
}

function isSound({ incarnation, node, address, port, versions }: Alive): boolean {
  if (incarnation === 0 || node === "" || port === NO_PORT || ipText(address) === undefined || versions.length < 6)
    return false;
  const [lowest, highest] = versions as unknown as [number, number];
  // A node that nobody understands would spoil every exchange that names it.
  return lowest > 0 && highest > 0 && lowest <= highest && isSpoken(versions);
}

/** Whether what a node says of its versions means that it speaks what is understood here. */
export function isSpoken(versions: Uint8Array): boolean {
  const [lowest, highest] = OWN_VERSIONS as unknown as [number, number];
  const spoken = versions[2] ?? 0;
  return spoken >= lowest && spoken <= highest;
}

/** A node's own statement, without the state that others give it. */
function stated({ incarnation, node, address, port, meta, versions }: Alive): Alive & { readonly endpoint: Endpoint } {
  return { incarnation, node, address, port, meta, versions, endpoint: { host: ipText(address) as string, port } };
}

function isSameAddress(node: Node, { address, port }: Alive): boolean {
  return node.port === port && isEqual(node.address, address);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
