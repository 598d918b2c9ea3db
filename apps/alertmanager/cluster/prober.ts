// Finding out who is gone: one node after the other is asked for a sign of life, then by way of others and by stream, then suspected.
import type { Clock } from "../clock.ts";
import type { Answers } from "./answers.ts";
import type { Health } from "./health.ts";
import {
  encodeAccusation,
  encodeIndirectPing,
  encodePing,
  MESSAGE,
  NODE_STATE,
  type Ping,
  VERSION,
} from "./message.ts";
import { highestVersion, isMember, type Node, type NodeList } from "./node-list.ts";

/** Others that are asked to try. */
const HELPERS = 3;

export interface ProberOptions {
  readonly nodes: NodeList;
  readonly answers: Answers;
  readonly health: Health;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** How long an answer by packet may take. */
  readonly timeoutMs: number;
  /** Sends the messages in one packet. */
  readonly send: (messages: readonly Uint8Array[], to: Node) => void;
  /** Asks by a stream; resolves to whether the node answered within the time. */
  readonly pingByStream: (ping: Ping, to: Node, timeoutMs: number) => Promise<boolean>;
  readonly onAnswer: (node: Node, seconds: number) => void;
  readonly onOnlyByStream: (node: Node) => void;
}

export class Prober {
  readonly #options: ProberOptions;
  #index = 0;
  #isProbing = false;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Probes the next node, unless the last one is still being probed. */
  tick(): void {
    if (this.#isProbing) return;
    const node = this.#next();
    if (node === undefined) return;
    this.#isProbing = true;
    const done = (): void => {
      this.#isProbing = false;
    };
    this.#probe(node).then(done, done);
  }

  #next(): Node | undefined {
    const { nodes } = this.#options;
    for (let checked = 0; checked <= nodes.nodes.length; checked++) {
      if (this.#index >= nodes.nodes.length) {
        nodes.reshuffle();
        this.#index = 0;
      }
      const node = nodes.nodes[this.#index++];
      if (node !== undefined && node !== nodes.self && isMember(node)) return node;
    }
    return undefined;
  }

  async #probe(node: Node): Promise<void> {
    const { nodes, answers, health, clock, intervalMs, timeoutMs, send } = this.#options;
    const self = nodes.self;
    const ping: Ping = {
      sequence: answers.next(),
      node: node.node,
      sourceAddress: self.address,
      sourcePort: self.port,
      sourceNode: self.node,
    };
    const probeMs = health.scaled(intervalMs);
    const sentMs = clock.now();
    let refusals = 0;
    let isAnswered = false;
    const outcome = new Promise<boolean>((resolve) => {
      const isOpen = answers.expect(ping.sequence, probeMs, {
        answered: () => {
          isAnswered = true;
          resolve(true);
        },
        late: () => resolve(false),
        refused: () => refusals++,
      });
      if (!isOpen) resolve(true);
    });
    const messages = [encodePing(ping)];
    if (node.state !== NODE_STATE.alive)
      messages.push(
        encodeAccusation(MESSAGE.suspect, { incarnation: node.incarnation, node: node.node, from: self.node }),
      );
    send(messages, node);
    const soon = new Promise<boolean>((resolve) => {
      const timer = clock.after(timeoutMs, () => resolve(false));
      void outcome.then((isAlive) => {
        timer.cancel();
        resolve(isAlive);
      });
    });
    if (await soon) {
      health.change(-1);
      if (isAnswered) this.#options.onAnswer(node, (clock.now() - sentMs) / 1000);
      return;
    }
    const helpersAsked = this.#askHelpers(node, ping);
    const leftMs = Math.max(0, sentMs + probeMs - clock.now());
    const byStream =
      highestVersion(node) >= VERSION.tcpPing
        ? this.#options.pingByStream(ping, node, leftMs).catch(() => false)
        : Promise.resolve(false);
    if (await outcome) {
      health.change(-1);
      return;
    }
    if (await byStream) {
      health.change(-1);
      this.#options.onOnlyByStream(node);
      return;
    }
    // Others that did not even refuse were not heard: perhaps it is this member that hears nobody.
    health.change(helpersAsked > 0 ? Math.max(0, helpersAsked - refusals) : 1);
    nodes.suspect({ incarnation: node.incarnation, node: node.node, from: self.node });
  }

  /** Returns how many of them will say so when they get no answer either. */
  #askHelpers(node: Node, ping: Ping): number {
    const { nodes, send } = this.#options;
    const helpers = nodes.some(HELPERS, (other) => other !== node && other.state === NODE_STATE.alive);
    let refusing = 0;
    for (const helper of helpers) {
      const wantsNack = highestVersion(helper) >= VERSION.nack;
      if (wantsNack) refusing++;
      send([encodeIndirectPing({ ...ping, target: node.address, port: node.port, wantsNack })], helper);
    }
    return refusing;
  }
}
