// The objects of one kind as they are now, found by key and by what they belong to.
import { isDeepStrictEqual } from "node:util";
import { keyOf, type StoredObject } from "./object-meta.ts";

/** What happened to an object. */
export type StoreEvent = "add" | "update" | "delete";

/** Hears of everything that changes what is known of an object. Exactly one of the objects is missing for add and delete. */
export type StoreListener<T> = (key: string, now: T | undefined, before: T | undefined) => void;

/** Says under which keys an object is to be found. */
export type Indexer<T> = (object: T) => Iterable<string>;

/** A store, with indices that are kept up with every change: finding what belongs to something costs no search. */
export class ObjectStore<T extends StoredObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: Readonly<Record<string, Indexer<T>>>;
  readonly #indices = new Map<string, Map<string, Set<string>>>();
  readonly #listeners: StoreListener<T>[] = [];

  constructor(indexers: Readonly<Record<string, Indexer<T>>> = {}) {
    this.#indexers = indexers;
    for (const name of Object.keys(indexers)) this.#indices.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Calls back after each change, while the store is as it is then. */
  listen(listener: StoreListener<T>): void {
    this.#listeners.push(listener);
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** Keys of the objects that an index names for `value`. */
  *byIndex(index: string, value: string): Generator<string> {
    yield* this.#indices.get(index)?.get(value) ?? [];
  }

  /** Puts an object in its place. One that says nothing new changes nothing, and nobody hears of it. */
  put(object: T): void {
    const key = keyOf(object.meta);
    const before = this.#objects.get(key);
    if (before !== undefined && isDeepStrictEqual(before, object)) return;
    if (before !== undefined) this.#unindex(key, before);
    this.#objects.set(key, object);
    for (const [name, indexer] of Object.entries(this.#indexers)) {
      const index = this.#indices.get(name)!;
      for (const value of indexer(object)) {
        const keys = index.get(value);
        if (keys === undefined) index.set(value, new Set([key]));
        else keys.add(key);
      }
    }
    for (const listener of this.#listeners) listener(key, object, before);
  }

  remove(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#unindex(key, before);
    this.#objects.delete(key);
    for (const listener of this.#listeners) listener(key, undefined, before);
  }

  #unindex(key: string, object: T): void {
    for (const [name, indexer] of Object.entries(this.#indexers)) {
      const index = this.#indices.get(name)!;
      for (const value of indexer(object)) {
        const keys = index.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index.delete(value);
      }
    }
  }
}
