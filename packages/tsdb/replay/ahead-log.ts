// A log that a second thread reads ahead, as soon as that is up. Until then, and wherever the second thread leaves off, this thread
// reads by itself. See ahead-words.ts.
import type { FileSystem } from "../fs/file-system.ts";
import type { Head } from "../head/head.ts";
import type { SampleRows } from "../head/sample-rows.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { listSegments, type Segment, type WalCorruptionError } from "../wal/format.ts";
import { WalReader } from "../wal/wal-reader.ts";
import { AheadState, AheadWords, WAIT_MS, Word } from "./ahead-words.ts";
import { ItemKind, ItemWord, itemAt, rowsOf, StretchWord, stretchWords } from "./stretch.ts";

const PATIENCE_MS = 30_000;

/** What a log needs to know. */
export interface AheadLogOptions {
  readonly fs: FileSystem;
  readonly directory: string;
  readonly fromSegment: number;
  readonly onSegment: (index: number) => void;
  /** Without a sign from the second thread for so long (it may have died) this one reads on by itself; half a minute unless told. */
  readonly patienceMs?: number;
}

/** Walks over a log as `WalReader` does, but for records of samples, of which several may come at once as rows. */
export class AheadLog {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  corruption: WalCorruptionError | undefined = undefined;
  /** What there is in place of a record. */
  rows: SampleRows | undefined = undefined;
  readonly segments: readonly Segment[];
  /** Records that the second thread read. */
  readAhead = 0;
  readonly #kernels: Kernels;
  readonly #options: AheadLogOptions;
  readonly #shared: AheadWords;
  /** What this thread reads by itself; undefined while both work. */
  #reader: WalReader | undefined;
  #hasBegun = false;
  /** How often no sign of the second thread came, since the last one that did. */
  #waits = 0;
  /** The stretch at hand: its bytes and words, which of its items is the current one, and how many it has. */
  #stretch: Uint8Array = new Uint8Array(0);
  #words: Uint32Array = new Uint32Array(0);
  #item = 0;
  #items = 0;
  /** Stretches taken up, the one at hand included. */
  #taken = 0;
  /** Where the log goes on behind the stretches that are through. */
  #behind = { segment: 0, offset: 0 };
  #segment: number;

  /**
   * A `ReplayThread` reads this log for the head, or comes up to do so. The log must stay as it is until `close`. The head has kernels.
   */
  constructor(head: Head, kernels: Kernels, options: AheadLogOptions) {
    this.#kernels = kernels;
    this.#options = options;
    this.segments = listSegments(options.fs, options.directory).filter(({ index }) => index >= options.fromSegment);
    this.#segment = this.segments[0]?.index ?? options.fromSegment;
    this.#shared = new AheadWords(head.memory);
    this.#behind = { segment: this.#segment, offset: 0 };
  }

  /** When the second thread is up. For tests: nobody has to wait for it. */
  async whenUp(): Promise<void> {
    while (this.#shared.state <= AheadState.late) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  /** Goes to the next record; false at the end, or at damage (then `corruption` is set). Throws disk errors. */
  next(): boolean {
    if (!this.#hasBegun && this.#reader === undefined) this.#start();
    if (this.#reader !== undefined) return this.#nextAlone(this.#reader);
    this.#item++;
    while (this.#item >= this.#items) {
      this.#finishStretch();
      const state = this.#waitForStretch();
      if (state !== AheadState.running) return this.#readOn(state);
    }
    this.#showItem();
    return true;
  }

  /**
   * The current rows and those that stand directly behind them, which are no longer to come: row by row in the order of the log. For
   * whoever needs the order between different series.
   */
  takeInOrder(visit: (rows: SampleRows, row: number) => void): void {
    const all: { rows: SampleRows; row: number; record: number }[] = [];
    for (;;) {
      const rows = this.rows as SampleRows;
      for (let row = 0; row < rows.rows; row++) all.push({ rows, row, record: rows.recordOf(row) });
      const next = this.#item + 1;
      if (next >= this.#items || this.#words[itemAt(next) + ItemWord.kind] !== ItemKind.rows) break;
      this.#item = next;
      this.#showItem();
    }
    all.sort((a, b) => a.record - b.record);
    for (const { rows, row } of all) visit(rows, row);
  }

  /** As `WalReader.corruptionHere`. */
  corruptionHere(reason: string): WalCorruptionError {
    let reader = this.#reader;
    if (reader === undefined) {
      const at = itemAt(this.#item);
      const segment = this.#words[at + ItemWord.segment] as number;
      reader = this.#readerFrom(segment, this.#words[at + ItemWord.offset] as number);
      reader.next();
    }
    this.corruption = reader.corruptionHere(reason);
    return this.corruption;
  }

  /** Ends the second thread. Idempotent. */
  close(): void {
    this.#reader?.close();
    this.#shared.end(this.#patienceMs);
  }

  get #patienceMs(): number {
    return this.#options.patienceMs ?? PATIENCE_MS;
  }

  /** Takes what the second thread has read; if that is not up yet, begins without it. */
  #start(): void {
    const { fromSegment } = this.#options;
    if (this.#shared.change(AheadState.starting, AheadState.late)) this.#reader = this.#readerFrom(fromSegment, 0);
    else this.#hasBegun = true;
  }

  #readerFrom(fromSegment: number, fromOffset: number): WalReader {
    const { fs, directory, onSegment } = this.#options;
    return new WalReader(fs, directory, { fromSegment, fromOffset, onSegment, kernels: this.#kernels });
  }

  #nextAlone(reader: WalReader): boolean {
    const shared = this.#shared;
    if (!this.#hasBegun && shared.state === AheadState.ready) {
      this.#begin(reader);
      return this.next();
    }
    const found = reader.next();
    this.bytes = reader.bytes;
    this.start = reader.start;
    this.end = reader.end;
    this.corruption = reader.corruption;
    return found;
  }

  /** The second thread is up, late: it reads on from here. */
  #begin(reader: WalReader): void {
    const shared = this.#shared;
    this.#behind = reader.position;
    const { segment, offset } = this.#behind;
    reader.close();
    this.#reader = undefined;
    this.#hasBegun = true;
    this.#segment = segment;
    shared.set(Word.segment, segment);
    shared.set(Word.offset, offset | 0);
    shared.change(AheadState.ready, AheadState.running);
  }

  #showItem(): void {
    const at = itemAt(this.#item);
    const words = this.#words;
    if (words[at + ItemWord.kind] === ItemKind.rows) {
      this.rows = rowsOf(words, this.#item);
      this.bytes = this.#stretch;
      this.start = 0;
      this.end = 0;
      return;
    }
    // All that the log has before a record stands before it.
    this.#reached(words[at + ItemWord.segment] as number);
    this.rows = undefined;
    this.bytes = this.#stretch;
    this.start = (words[at + ItemWord.at] as number) - this.#stretch.byteOffset;
    this.end = this.start + (words[at + ItemWord.length] as number);
  }

  /** Everything in the stretch at hand is applied. */
  #finishStretch(): void {
    if (this.#items === 0) return;
    const words = this.#words;
    this.#behind = {
      segment: words[StretchWord.segment] as number,
      offset: words[StretchWord.offset] as number,
    };
    this.#reached(this.#behind.segment);
    this.#items = 0;
    this.#shared.set(Word.done, this.#taken);
    this.#shared.signal(Word.mainSignal);
  }

  /** Takes up the next stretch. Returns `running`; else what the second thread is at, which fills no more of them. */
  #waitForStretch(): number {
    const shared = this.#shared;
    for (;;) {
      const seen = shared.get(Word.readerSignal);
      // First the state: all stretches that are filled before it changes are there.
      const { state } = shared;
      if (shared.get(Word.filled) > this.#taken) break;
      if (state !== AheadState.running) return state;
      shared.set(Word.isIdle, 1);
      if (this.#waitForReader(seen)) continue;
      shared.loseIt();
      return AheadState.failed;
    }
    this.#stretch = shared.stretch(this.#taken++);
    this.#words = stretchWords(this.#stretch);
    this.#items = this.#words[StretchWord.items] as number;
    this.#item = 0;
    this.readAhead += this.#words[StretchWord.records] as number;
    return AheadState.running;
  }

  /** The second thread has left off, and all that it read is applied: the rest is read here. */
  #readOn(state: number): boolean {
    const shared = this.#shared;
    let { segment, offset } = this.#behind;
    if (state === AheadState.handedOver || state === AheadState.ended) {
      segment = shared.get(Word.segment) >>> 0;
      offset = shared.get(Word.offset) >>> 0;
    }
    shared.end(this.#patienceMs);
    this.rows = undefined;
    const last = this.segments.at(-1);
    // The thread may have begun before the directory was ours alone: what came to the log meanwhile it did not see.
    const isAll = last === undefined || segment > last.index || (segment === last.index && offset >= last.bytes);
    if (state === AheadState.ended && isAll) {
      this.#reached(Infinity);
      return false;
    }
    this.#reached(segment);
    this.#reader = this.#readerFrom(segment, offset);
    return this.#nextAlone(this.#reader);
  }

  /** Waits a while for a sign of the second thread; false when none came for so long that it must be gone. */
  #waitForReader(seen: number): boolean {
    const shared = this.#shared;
    shared.wait(Word.readerSignal, seen, WAIT_MS);
    this.#waits = shared.get(Word.readerSignal) === seen ? this.#waits + 1 : 0;
    return this.#waits * WAIT_MS < this.#patienceMs;
  }

  /** Tells of the segments before `segment`, which are through. */
  #reached(segment: number): void {
    if (segment === this.#segment) return;
    for (const { index } of this.segments) {
      if (index >= this.#segment && index < segment) this.#options.onSegment(index);
    }
    this.#segment = segment;
  }
}
