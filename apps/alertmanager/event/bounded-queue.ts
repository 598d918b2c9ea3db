// First in, first out, and no more than it was made for.

export interface QueueBounds {
  readonly items: number;
  /** Of all items together, as `push` is told. */
  readonly bytes: number;
}

export class BoundedQueue<T> {
  readonly #bounds: QueueBounds;
  #items: { readonly item: T; readonly bytes: number }[] = [];
  #head = 0;
  #bytes = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Returns false, and takes nothing, when it is full. One item that is too large by itself finds room in an empty queue. */
  push(item: T, bytes: number = 0): boolean {
    const { items, bytes: most } = this.#bounds;
    if (this.length >= items || (this.length > 0 && this.#bytes + bytes > most)) return false;
    this.#items.push({ item, bytes });
    this.#bytes += bytes;
    return true;
  }

  /** The oldest item, which is taken out; undefined when there is none. */
  shift(): T | undefined {
    const first = this.#items[this.#head];
    if (first === undefined) return undefined;
    this.#head++;
    this.#bytes -= first.bytes;
    // Moving the rest up each time would cost the square of the length.
    if (this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return first.item;
  }

  /** Bytes of the oldest item; undefined when there is none. */
  get nextBytes(): number | undefined {
    return this.#items[this.#head]?.bytes;
  }
}
