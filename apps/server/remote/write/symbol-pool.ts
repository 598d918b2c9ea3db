// Texts of one queue's series, each once, by number: what requests of version 2.0 make their symbol tables from.

/** A place of a text. 0 is always the empty text. Texts that nobody uses any more are forgotten. */
export class SymbolPool {
  /** The texts by number. */
  readonly texts: string[] = [""];
  readonly #ids = new Map<string, number>([["", 0]]);
  readonly #uses: number[] = [1];
  readonly #free: number[] = [];

  /** The number of a text; its user gives it back with `release`. */
  take(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) {
      id = this.#free.pop() ?? this.texts.length;
      this.texts[id] = text;
      this.#uses[id] = 0;
      this.#ids.set(text, id);
    }
    (this.#uses[id] as number)++;
    return id;
  }

  release(id: number): void {
    if (id === 0) return;
    (this.#uses[id] as number)--;
    if (this.#uses[id] !== 0) return;
    this.#ids.delete(this.texts[id] as string);
    this.texts[id] = "";
    this.#free.push(id);
  }
}

/** The symbol table of one request: which of a pool's texts it has, in the order of their first use. */
export class RequestSymbols {
  /** Texts of the request; the first is the empty one. */
  readonly texts: string[] = [""];
  readonly #pool: SymbolPool;
  /** By number in the pool: ref in the request, valid where the stamp is the request's. */
  refs: Uint32Array = new Uint32Array(256);
  stamps: Uint32Array = new Uint32Array(256);
  stamp = 0;
  readonly #others = new Map<string, number>();

  constructor(pool: SymbolPool) {
    this.#pool = pool;
  }

  begin(): void {
    this.texts.length = 1;
    this.#others.clear();
    this.stamp = (this.stamp + 1) >>> 0;
    if (this.stamp === 0) {
      this.stamps.fill(0);
      this.stamp = 1;
    }
    const needed = this.#pool.texts.length;
    if (needed > this.refs.length) {
      this.refs = new Uint32Array(needed * 2);
      this.stamps = new Uint32Array(needed * 2);
    }
  }

  /** The ref of a text of the pool. */
  ref(id: number): number {
    if (id === 0) return 0;
    if (this.stamps[id] === this.stamp) return this.refs[id] as number;
    const ref = this.refOf(this.#pool.texts[id] as string);
    this.stamps[id] = this.stamp;
    this.refs[id] = ref;
    return ref;
  }

  /** The ref of any text. */
  refOf(text: string): number {
    if (text === "") return 0;
    let ref = this.#others.get(text);
    if (ref === undefined) {
      ref = this.texts.length;
      this.texts.push(text);
      this.#others.set(text, ref);
    }
    return ref;
  }
}
