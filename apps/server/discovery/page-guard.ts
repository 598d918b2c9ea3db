// Keeps a paginated answer from having no end.

/** Pages of one listing: enough for what any cloud serves. */
const MAX_PAGES = 10_000;
/** Characters of all pages together, where pages are kept until the last has come. */
const MAX_CHARS = 512 << 20;

/** Watches over the pages of one listing. */
export class PageGuard {
  readonly #what: string;
  readonly #maxItems: number;
  readonly #seen = new Set<string>();
  #items = 0;
  #chars = 0;

  /** `what` is being listed; more than `maxItems` of it are refused. */
  constructor(what: string, maxItems: number = 1_000_000) {
    this.#what = what;
    this.#maxItems = maxItems;
  }

  /**
   * A page with so many items came, of which `chars` of text are kept, and which names the next one. Throws when that was
   * there before, or when it is too much.
   */
  turn(items: number, next: string, chars: number): void {
    this.#items += items;
    this.#chars += chars;
    if (this.#chars > MAX_CHARS) throw new Error(`more than ${MAX_CHARS} characters of ${this.#what} listed`);
    if (this.#items > this.#maxItems) throw new Error(`more than ${this.#maxItems} ${this.#what} listed`);
    if (this.#seen.has(next)) throw new Error(`the list of ${this.#what} has no end: a page came twice`);
    if (this.#seen.size === MAX_PAGES) throw new Error(`the list of ${this.#what} has more than ${MAX_PAGES} pages`);
    this.#seen.add(next);
  }
}
