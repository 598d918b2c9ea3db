// Objects outside all namespaces, watched once for all namespaces that a discoverer follows.
import type { StoredObject } from "./object-meta.ts";
import { ObjectStore } from "./object-store.ts";
import { ObjectWatch, type ObjectWatchOptions } from "./object-watch.ts";

/** A store of what objects say of themselves, and the watch that keeps it. */
export class SharedWatch {
  readonly store: ObjectStore<StoredObject> = new ObjectStore();
  readonly #watch: ObjectWatch<StoredObject>;
  #waiting: (() => void)[] | undefined = [];

  constructor(options: Omit<ObjectWatchOptions<StoredObject>, "store" | "onSynced" | "namespace">) {
    this.#watch = new ObjectWatch({
      ...options,
      namespace: "",
      store: this.store,
      onSynced: () => {
        const waiting = this.#waiting ?? [];
        this.#waiting = undefined;
        for (const callback of waiting) callback();
      },
    });
  }

  /** Calls back once the store is complete for the first time, at once if it is already. */
  whenSynced(callback: () => void): void {
    if (this.#waiting === undefined) callback();
    else this.#waiting.push(callback);
  }

  start(): void {
    this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
  }
}
