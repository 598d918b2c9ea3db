// What the job tells of itself.
import { Counter, Gauge, Registry } from "@narthex/client";

export class JobMetrics {
  readonly register: Registry = new Registry();
  readonly files: Counter;
  readonly bytes: Counter;
  readonly #duration: Gauge;
  #succeeded = false;

  constructor() {
    const registers = [this.register];
    this.files = new Counter({ name: "clean_up_files_total", help: "Files that were looked at.", registers });
    this.bytes = new Counter({ name: "clean_up_bytes_total", help: "Size of those files.", registers });
    this.#duration = new Gauge({ name: "clean_up_duration_seconds", help: "How long the job took.", registers });
  }

  get succeeded(): boolean {
    return this.#succeeded;
  }

  /** Runs the job. A success leaves its time in a metric that a failure does not have: the last one stays in the gateway. */
  async time(job: () => Promise<void>): Promise<void> {
    const started = performance.now();
    try {
      await job();
      new Gauge({
        name: "clean_up_last_success_timestamp_seconds",
        help: "When the job last succeeded.",
        registers: [this.register],
      }).set(Date.now() / 1000);
      this.#succeeded = true;
    } finally {
      this.#duration.set((performance.now() - started) / 1000);
    }
  }
}
