// Where a metric's series live: one row of numbers each in blocks that children point into, found by label values through nested
// maps. No string is built for a look-up, and two label sets can never be taken for each other. Nothing but the maps holds a
// series' labels: their text is put together for each exposition, level by level, which costs little and saves half of the memory.
import { escapeLabelValue, renderLabels } from "./format/names.ts";

type Level = Map<string, Level | number>;

/** Rows of a full block; a power of two. */
const BLOCK_BITS = 8;
const BLOCK_ROWS = 1 << BLOCK_BITS;

/** Whoever points into a row, and must be told when it moves. */
export interface RowHolder {
  /** Internal. From now on the row's numbers are at `offset` of `cells`. */
  move(cells: Float64Array, offset: number): void;
}

/**
 * Series by label values, which are given in the order of `names`. A row number stays a series' own until it is removed, then it is
 * used again. Numbers of a row: `blockOf(row)` from `offsetOf(row)` on, `width` of them; who keeps them must be the row's holder.
 */
export class SeriesTable<Holder extends RowHolder> {
  /** Ascending, as the labels of an exposition are. */
  readonly names: readonly string[];
  readonly #width: number;
  readonly #constLabels: Readonly<Record<string, string>>;
  #root: Level = new Map();
  #rowCount = 0;
  #blocks: Float64Array[] = [];
  #free: number[] = [];
  #holders: (Holder | undefined)[] = [];
  #size = 0;
  /** Changes when all rows are forgotten. */
  #generation = 0;

  /** `width` numbers a series. `names` and the constant labels' names must differ. */
  constructor(names: readonly string[], constLabels: Readonly<Record<string, string>>, width: number) {
    this.names = names.toSorted();
    this.#constLabels = constLabels;
    this.#width = width;
  }

  /** Number of series. */
  get size(): number {
    return this.#size;
  }

  blockOf(row: number): Float64Array {
    return this.#blocks[row >> BLOCK_BITS] as Float64Array;
  }

  offsetOf(row: number): number {
    return (row & (BLOCK_ROWS - 1)) * this.#width;
  }

  holderOf(row: number): Holder | undefined {
    return this.#holders[row];
  }

  setHolder(row: number, holder: Holder): void {
    this.#holders[row] = holder;
  }

  /** The row of these values, or -1. Not for a table without labels. */
  find(values: readonly string[]): number {
    let next: Level | number | undefined = this.#root;
    for (let i = 0; i < values.length; i++) {
      next = (next as Level).get(values[i] as string);
      if (next === undefined) return -1;
    }
    return next as number;
  }

  /**
   * The row of a record's values. -1: no such series, or not all names are there with simple values, or there are others; then the
   * caller has to look closer. Not for a table without labels.
   */
  findRecord(record: Readonly<Record<string, unknown>>): number {
    const { names } = this;
    let known = 0;
    for (const _ in record) known++;
    if (known !== names.length) return -1;
    let next: Level | number | undefined = this.#root;
    for (let i = 0; i < names.length; i++) {
      const value = record[names[i] as string];
      // The engine remembers the texts of small numbers.
      const key = typeof value === "string" ? value : typeof value === "number" ? String(value) : undefined;
      if (key === undefined) return -1;
      next = (next as Level).get(key);
      if (next === undefined) return -1;
    }
    return next as number;
  }

  /** Adds a series that is not there yet; its numbers start at 0. */
  add(values: readonly string[]): number {
    const row = this.#free.pop() ?? this.#rowCount++;
    if (values.length > 0) {
      const last = values.length - 1;
      let level = this.#root;
      for (let i = 0; i < last; i++) {
        let next = level.get(values[i] as string) as Level | undefined;
        if (next === undefined) level.set(values[i] as string, (next = new Map()));
        level = next;
      }
      level.set(values[last] as string, row);
    }
    this.#makeRoom(row);
    this.#size++;
    return row;
  }

  /** Takes a series out. Who holds its row goes on with numbers of its own. Tells whether there was one. */
  remove(values: readonly string[]): boolean {
    const row = this.find(values);
    if (row < 0) return false;
    this.#removePath(this.#root, values, 0);
    this.#release(row);
    return true;
  }

  /** Takes out all series for which `matches` says so, and hands each row to `removed` first. Returns how many. */
  removeWhere(matches: (values: readonly string[], row: number) => boolean, removed: (row: number) => void): number {
    const before = this.#size;
    if (this.names.length > 0) this.#sweep(this.#root, [], matches, removed);
    return before - this.#size;
  }

  /** Takes everything out. Holders go on with numbers of their own. */
  clear(): void {
    for (let row = 0; row < this.#holders.length; row++) this.#detach(row);
    this.#root = new Map();
    this.#rowCount = 0;
    this.#blocks = [];
    this.#free = [];
    this.#holders = [];
    this.#size = 0;
    this.#generation++;
  }

  /** All series, in the order in which their values came up, level by level. Series may come and go meanwhile. */
  cursor(): SeriesCursor {
    return new SeriesCursor(
      this.#root,
      this.names,
      this.#constLabels,
      this.#size > 0,
      this.#generation,
      () => this.#generation,
    );
  }

  /** Rendered labels, constant ones included. */
  render(values: readonly string[]): string {
    const all = { ...this.#constLabels };
    for (let i = 0; i < values.length; i++) all[this.names[i] as string] = values[i] as string;
    const names = Object.keys(all).sort();
    return renderLabels(
      names,
      names.map((name) => all[name] as string),
    );
  }

  #makeRoom(row: number): void {
    const index = row >> BLOCK_BITS;
    const block = this.#blocks[index];
    const needed = ((row & (BLOCK_ROWS - 1)) + 1) * this.#width;
    if (block !== undefined && block.length >= needed) return;
    // The first block begins small, as most metrics have few series; later ones are whole from the start.
    const unlabelled = this.names.length === 0;
    const rows = index > 0 ? BLOCK_ROWS : unlabelled ? 1 : Math.max(2, (block?.length ?? 0) / this.#width) * 2;
    const larger = new Float64Array(Math.min(rows, BLOCK_ROWS) * this.#width);
    if (block !== undefined) larger.set(block);
    this.#blocks[index] = larger;
    if (block === undefined) return;
    for (let held = 0; held < row; held++) this.#holders[held]?.move(larger, held * this.#width);
  }

  #removePath(level: Level, values: readonly string[], depth: number): void {
    const value = values[depth] as string;
    const next = level.get(value);
    if (typeof next === "object") {
      this.#removePath(next, values, depth + 1);
      if (next.size > 0) return;
    }
    level.delete(value);
  }

  #sweep(
    level: Level,
    path: string[],
    matches: (values: readonly string[], row: number) => boolean,
    removed: (row: number) => void,
  ): void {
    for (const [value, next] of level) {
      path.push(value);
      if (typeof next === "object") {
        this.#sweep(next, path, matches, removed);
        if (next.size === 0) level.delete(value);
      } else if (matches(path, next)) {
        removed(next);
        level.delete(value);
        this.#release(next);
      }
      path.pop();
    }
  }

  #release(row: number): void {
    this.#detach(row);
    const start = this.offsetOf(row);
    this.blockOf(row).fill(0, start, start + this.#width);
    this.#free.push(row);
    this.#size--;
  }

  #detach(row: number): void {
    const holder = this.#holders[row];
    if (holder === undefined) return;
    const start = this.offsetOf(row);
    holder.move(this.blockOf(row).slice(start, start + this.#width), 0);
    this.#holders[row] = undefined;
  }
}

/** Walks all series of a table. After `next` said true, `row` and `labels` are the series'. */
export class SeriesCursor {
  row = 0;
  /** Rendered, constant labels included. */
  labels = "";
  readonly #iterators: Iterator<[string, Level | number]>[] = [];
  /** What is rendered before the value of each level, and after the last one. */
  readonly #before: string[];
  readonly #after: string;
  /** Rendered labels of the levels above. */
  readonly #prefixes: string[] = [""];
  readonly #generation: number;
  readonly #currentGeneration: () => number;
  #isSole: boolean;

  /** Internal, see `SeriesTable.cursor`. */
  constructor(
    root: Level,
    names: readonly string[],
    constLabels: Readonly<Record<string, string>>,
    hasSeries: boolean,
    generation: number,
    currentGeneration: () => number,
  ) {
    const pieces = labelPieces(names, constLabels);
    this.#after = pieces.pop() as string;
    this.#before = pieces;
    this.#generation = generation;
    this.#currentGeneration = currentGeneration;
    this.#isSole = names.length === 0 && hasSeries;
    if (names.length > 0) this.#iterators.push(root.entries());
  }

  next(): boolean {
    if (this.#generation !== this.#currentGeneration()) return false;
    if (this.#isSole) {
      this.#isSole = false;
      this.labels = this.#after;
      return true;
    }
    const iterators = this.#iterators;
    while (iterators.length > 0) {
      const depth = iterators.length - 1;
      const step = (iterators[depth] as Iterator<[string, Level | number]>).next();
      if (step.done === true) {
        iterators.pop();
        continue;
      }
      const [value, next] = step.value;
      const text = `${this.#prefixes[depth]}${this.#before[depth]}${escapeLabelValue(value)}`;
      if (typeof next === "number") {
        this.row = next;
        this.labels = text + this.#after;
        return true;
      }
      this.#prefixes[depth + 1] = text;
      iterators.push(next.entries());
    }
    return false;
  }
}

/** Everything but the values of labels rendered in the order of all their names; one piece more than there are names. */
function labelPieces(names: readonly string[], constLabels: Readonly<Record<string, string>>): string[] {
  const all = [...names, ...Object.keys(constLabels)].sort();
  const pieces: string[] = [];
  let piece = "";
  for (const name of all) {
    if (piece !== "") piece += ",";
    if (!names.includes(name)) {
      piece += renderLabels([name], [constLabels[name] as string]);
      continue;
    }
    pieces.push(piece + renderLabels([name], [""]).slice(0, -1));
    piece = '"';
  }
  pieces.push(piece);
  return pieces;
}
