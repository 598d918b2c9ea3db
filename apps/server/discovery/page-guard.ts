// Keeps a paginated answer from having no end.

/** Pages of one listing: enough for what any cloud serves. */
const MAX_PAGES = 10_000;

/** Watches over the pages of one listing. */
export class PageGuard {
  readonly #what: string;
  readonly #maxItems: number;
  readonly #seen = new Set<string>();
  #items = 0;

  /** `what` is being listed; more than `maxItems` of it are refused. */
  constructor(what: string, maxItems: number = 1_000_000) {
    this.#what = what;
    this.#maxItems = maxItems;
  }

  /** A page with so many items came, which names the next one. Throws when that was there before, or when it is too much. */
  turn(items: number, next: string): void {
    this.#items += items;
    if (this.#items > this.#maxItems) throw new Error(`more than ${this.#maxItems} ${this.#what} listed`);
    if (this.#seen.has(next)) throw new Error(`the list of ${this.#what} has no end: a page came twice`);
    if (this.#seen.size === MAX_PAGES) throw new Error(`the list of ${this.#what} has more than ${MAX_PAGES} pages`);
    this.#seen.add(next);
  }
}
