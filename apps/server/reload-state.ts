// How the last attempt to read the configuration went: for metrics and the status API.
import { Gauge, type Registry } from "@narthex/client";

/** True from the first `note` on. */
export class ReloadState {
  /** Whether the last attempt succeeded. */
  successful = true;
  /** When one last did, in milliseconds. */
  lastSuccessMs = 0;
  readonly #successful: Gauge;
  readonly #time: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#successful = new Gauge({
      name: "prometheus_config_last_reload_successful",
      help: "Whether the last configuration reload attempt was successful.",
      registers,
    });
    this.#time = new Gauge({
      name: "prometheus_config_last_reload_success_timestamp_seconds",
      help: "Timestamp of the last successful configuration reload.",
      registers,
    });
  }

  /** An attempt is over. */
  note(successful: boolean): void {
    this.successful = successful;
    this.#successful.set(successful ? 1 : 0);
    if (!successful) return;
    this.lastSuccessMs = Date.now();
    this.#time.set(this.lastSuccessMs / 1000);
  }
}
