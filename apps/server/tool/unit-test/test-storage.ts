// What the rules of a unit test see: the series the test gives, as far as its clock has come, and what the rules wrote.
import { MemoryStorage, type Querier, type Queryable } from "@narthex/storage";
import { mergeQueriers } from "@narthex/tsdb";

export class TestStorage implements Queryable {
  readonly #given: Queryable;
  readonly written: MemoryStorage = new MemoryStorage();
  /** Samples that are later have not been loaded yet; milliseconds. */
  now: number = Number.NEGATIVE_INFINITY;

  constructor(given: Queryable) {
    this.#given = given;
  }

  querier(minTime: number, maxTime: number): Querier {
    const given = this.#given.querier(minTime, Math.min(maxTime, this.now));
    return mergeQueriers([given, this.written.querier(minTime, maxTime)]);
  }
}
