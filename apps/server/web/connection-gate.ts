// How many connections are served at once; others are accepted but wait, unread, until one of them ends.
import type { EventEmitter } from "node:events";
import type { Socket, Server as TcpServer } from "node:net";

/** Waiting connections beyond this are closed: each holds a file descriptor. */
const MAX_WAITING = 4096;

/** Counts of connections since the start. */
export interface ConnectionCounts {
  accepted: number;
  closed: number;
}

/** One limit shared by all listeners. */
export class ConnectionGate {
  readonly #limit: number;
  readonly #servers: TcpServer[] = [];
  readonly #waiting: { readonly socket: Socket; readonly serve: () => void }[] = [];
  readonly counts: ConnectionCounts = { accepted: 0, closed: 0 };
  #served = 0;

  /** `limit` 0 means none. */
  constructor(limit: number) {
    this.#limit = limit > 0 ? limit : Number.POSITIVE_INFINITY;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Puts the gate in front of a server that does not listen yet. */
  guard(server: TcpServer): void {
    const emitter = server as EventEmitter;
    const listeners = emitter.listeners("connection") as ((socket: Socket) => void)[];
    emitter.removeAllListeners("connection");
    emitter.on("connection", (socket: Socket) => {
      this.#admit(socket, () => {
        for (const listener of listeners) listener.call(server, socket);
      });
    });
    this.#servers.push(server);
    this.#pauseNew();
  }

  /** Closes whatever waits. */
  close(): void {
    for (const { socket } of this.#waiting.splice(0)) socket.destroy();
  }

  #admit(socket: Socket, serve: () => void): void {
    if (this.#served < this.#limit) {
      this.#serve(socket, serve);
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      socket.destroy();
      return;
    }
    const entry = { socket, serve };
    this.#waiting.push(entry);
    socket.on("error", () => {});
    socket.once("close", () => {
      const at = this.#waiting.indexOf(entry);
      if (at >= 0) this.#waiting.splice(at, 1);
    });
  }

  #serve(socket: Socket, serve: () => void): void {
    this.#served++;
    this.counts.accepted++;
    this.#pauseNew();
    socket.once("close", () => {
      this.#served--;
      this.counts.closed++;
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.#serve(next.socket, next.serve);
        next.socket.resume();
      }
      this.#pauseNew();
    });
    serve();
  }

  /** A connection that must wait is not read from the first byte on: nothing of it is lost, and nothing buffered. */
  #pauseNew(): void {
    const pauses = this.#served >= this.#limit;
    for (const server of this.#servers) (server as unknown as { pauseOnConnect: boolean }).pauseOnConnect = pauses;
  }
}
