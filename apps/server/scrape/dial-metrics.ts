// What becomes of connections to others, counted under the reference's names.
import type { Socket } from "node:net";
import { Counter, type Registry } from "@narthex/client";

type Reason = "refused" | "resolution" | "timeout" | "unknown";

const REASONS: readonly Reason[] = ["refused", "resolution", "timeout", "unknown"];

/** Counts the connections of one dialer. */
export type DialObserver = (socket: Socket) => void;

/** The `net_conntrack_dialer_*` metrics. One instance per registry. */
export class DialMetrics {
  readonly #attempted: Counter<readonly ["dialer_name"]>;
  readonly #established: Counter<readonly ["dialer_name"]>;
  readonly #failed: Counter<readonly ["dialer_name", "reason"]>;
  readonly #closed: Counter<readonly ["dialer_name"]>;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = (name: string, help: string) =>
      new Counter({ name: `net_conntrack_dialer_conn_${name}`, help, labelNames: ["dialer_name"] as const, registers });
    this.#attempted = counter(
      "attempted_total",
      "Total number of connections attempted by the given dialer a given name.",
    );
    this.#established = counter(
      "established_total",
      "Total number of connections successfully established by the given dialer a given name.",
    );
    this.#failed = new Counter({
      name: "net_conntrack_dialer_conn_failed_total",
      help: "Total number of connections failed to dial by the dialer a given name.",
      labelNames: ["dialer_name", "reason"] as const,
      registers,
    });
    this.#closed = counter(
      "closed_total",
      "Total number of connections closed which originated from the dialer of a given name.",
    );
  }

  /** The observer of a dialer; all its series are there from now on. */
  observer(name: string): DialObserver {
    for (const counter of [this.#attempted, this.#established, this.#closed]) counter.labels(name).inc(0);
    for (const reason of REASONS) this.#failed.labels(name, reason).inc(0);
    return (socket) => {
      let established = false;
      let failed = false;
      this.#attempted.labels(name).inc();
      socket.once("connect", () => {
        established = true;
        this.#established.labels(name).inc();
      });
      socket.once("error", (error) => {
        if (established) return;
        failed = true;
        this.#failed.labels(name, reasonOf(error)).inc();
      });
      socket.once("close", () => {
        if (established) this.#closed.labels(name).inc();
        else if (!failed) this.#failed.labels(name, "timeout").inc();
      });
    };
  }
}

function reasonOf(error: NodeJS.ErrnoException & { errors?: readonly Error[] }): Reason {
  const last = (error.errors?.at(-1) ?? error) as NodeJS.ErrnoException;
  if (last.syscall === "getaddrinfo") return "resolution";
  if (last.code === "ECONNREFUSED") return "refused";
  return last.code === "ETIMEDOUT" ? "timeout" : "unknown";
}
