// What a person at the page should know now, and who is told of it live.
import { Counter, Gauge, type Registry } from "@narthex/client";

export interface Notification {
  readonly text: string;
  readonly date: string;
  readonly active: boolean;
}

/** Takes a change: a notification that became active, or one that no longer is. */
export type NotificationListener = (notification: Notification) => boolean;

/** The notifications that are active. Their texts are the program's own, hence few. */
export class Notifications {
  readonly #active = new Map<string, Notification>();
  readonly #listeners = new Set<NotificationListener>();
  readonly #maxListeners: number;
  readonly #sent: Counter;
  readonly #dropped: Counter;

  /** `maxListeners` is how many may listen at once. */
  constructor(maxListeners: number, registry: Registry) {
    this.#maxListeners = maxListeners;
    const registers = [registry];
    new Gauge({
      name: "prometheus_api_notification_active_subscribers",
      help: "The current number of active notification subscribers.",
      registers,
      collect: (gauge) => gauge.set(this.#listeners.size),
    });
    this.#sent = new Counter({
      name: "prometheus_api_notification_updates_sent_total",
      help: "Total number of notification updates sent.",
      registers,
    });
    this.#dropped = new Counter({
      name: "prometheus_api_notification_updates_dropped_total",
      help: "Total number of notification updates dropped.",
      registers,
    });
  }

  add(text: string): void {
    if (this.#active.has(text)) return;
    const notification = { text, date: new Date().toISOString(), active: true };
    this.#active.set(text, notification);
    this.#tell(notification);
  }

  remove(text: string): void {
    const notification = this.#active.get(text);
    if (notification === undefined) return;
    this.#active.delete(text);
    this.#tell({ ...notification, active: false });
  }

  get active(): Notification[] {
    return [...this.#active.values()];
  }

  /**
   * Tells `listener` what is active now, and from then on each change; it returns false for one it could not take.
   * Returns the way to end that, or undefined when as many listen as may.
   */
  subscribe(listener: NotificationListener): (() => void) | undefined {
    if (this.#listeners.size >= this.#maxListeners) return undefined;
    this.#listeners.add(listener);
    for (const notification of this.#active.values()) this.#count(listener(notification));
    return () => void this.#listeners.delete(listener);
  }

  #tell(notification: Notification): void {
    for (const listener of this.#listeners) this.#count(listener(notification));
  }

  #count(taken: boolean): void {
    (taken ? this.#sent : this.#dropped).inc();
  }
}
