// What stands around points — resources, scopes, metrics — worked out once and remembered by the bytes they came as.
import type { Metadata } from "@narthex/model";
import type { Attribute } from "./attributes.ts";
import type { LabelFault, ResourceLabels, ScopeLabels } from "./label-maker.ts";

export interface ResourceContext {
  readonly id: number;
  readonly attributes: readonly Attribute[];
  readonly labels: ResourceLabels | LabelFault;
  readonly identity: string;
}

export interface ScopeContext {
  readonly id: number;
  readonly resource: ResourceContext;
  readonly labels: ScopeLabels | LabelFault;
  readonly identity: string;
}

export interface MetricContext {
  readonly id: number;
  readonly scope: ScopeContext;
  /** The name that series begin with, or why there is none. */
  readonly name: string | LabelFault;
  readonly metadata: Metadata;
  /** Tells apart what counts by itself, also after all contexts were forgotten; "" unless somebody wants to know. */
  readonly identity: string;
}

/** Finds contexts by keys that their makers choose. When more than `maxChars` of keys are known, all are forgotten. */
export class Contexts {
  readonly #maxChars: number;
  readonly #onForget: () => void;
  readonly #resources = new Map<string, ResourceContext>();
  readonly #scopes = new Map<string, ScopeContext>();
  readonly #metrics = new Map<string, MetricContext>();
  #chars = 0;
  #lastId = 0;

  /** `onForget` is told before numbers lose their meaning. */
  constructor(maxChars: number, onForget: () => void) {
    this.#maxChars = maxChars;
    this.#onForget = onForget;
  }

  resource(key: string, make: (id: number) => ResourceContext): ResourceContext {
    return this.#find(this.#resources, key, make);
  }

  scope(key: string, make: (id: number) => ScopeContext): ScopeContext {
    return this.#find(this.#scopes, key, make);
  }

  metric(key: string, make: (id: number) => MetricContext): MetricContext {
    return this.#find(this.#metrics, key, make);
  }

  /** Between requests: keeps within the bound. Within one, its own size bounds what is added. */
  trim(): void {
    if (this.#chars > this.#maxChars) this.clear();
  }

  clear(): void {
    this.#onForget();
    this.#resources.clear();
    this.#scopes.clear();
    this.#metrics.clear();
    this.#chars = 0;
  }

  #find<T>(known: Map<string, T>, key: string, make: (id: number) => T): T {
    let context = known.get(key);
    if (context === undefined) {
      this.#lastId = (this.#lastId + 1) >>> 0;
      context = make(this.#lastId);
      known.set(key, context);
      this.#chars += key.length;
    }
    return context;
  }
}

/** Bytes as a string of as many characters, for a map's key. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}
