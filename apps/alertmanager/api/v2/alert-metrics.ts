// What the API counts about alerts.
import { Counter, type Registry } from "@narthex/client";

export class AlertMetrics {
  readonly #received: Counter<readonly ["status", "version"]>;
  readonly #invalid: Counter<readonly ["version"]>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#received = new Counter({
      name: "alertmanager_alerts_received_total",
      help: "The total number of received alerts.",
      labelNames: ["status", "version"] as const,
      registers,
    });
    for (const status of ["firing", "resolved"]) this.#received.labels(status, "v2");
    this.#invalid = new Counter({
      name: "alertmanager_alerts_invalid_total",
      help: "The total number of received alerts that were invalid.",
      labelNames: ["version"] as const,
      registers,
    });
    this.#invalid.labels("v2");
  }

  received(status: "firing" | "resolved"): void {
    this.#received.labels(status, "v2").inc();
  }

  invalid(): void {
    this.#invalid.labels("v2").inc();
  }
}
