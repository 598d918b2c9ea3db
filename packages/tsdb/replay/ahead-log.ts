// A log that a second thread reads ahead, as soon as that is up. Until then, and wherever the second thread leaves off, this thread
// reads by itself. See ahead-words.ts.
import type { FileSystem } from "../fs/file-system.ts";
import type { Head } from "../head/head.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { listSegments, type Segment, type WalCorruptionError } from "../wal/format.ts";
import { WalReader } from "../wal/wal-reader.ts";
import { AheadState, AheadWords, Entry, Word } from "./ahead-words.ts";
import { RecordRows } from "./record-rows.ts";
import type { ReplayThread } from "./replay-thread.ts";

const WAIT_MS = 100;
const PATIENCE_MS = 30_000;

/** Logs that were read ahead so far. */
let logs = 0;

/** What a log needs to know. */
export interface AheadLogOptions {
  readonly fs: FileSystem;
  readonly directory: string;
  readonly fromSegment: number;
  readonly onSegment: (index: number) => void;
  /** The second thread, its own from now on. */
  readonly thread: Pick<ReplayThread, "begin">;
  /** Without a sign from the second thread for so long (it may have died) this one reads on by itself; half a minute unless told. */
  readonly patienceMs?: number;
}

/** Walks over all records of a log, as `WalReader` does, and takes samples of later records ahead where that changes nothing. */
export class AheadLog {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  corruption: WalCorruptionError | undefined = undefined;
  readonly segments: readonly Segment[];
  /** Records that the second thread read. */
  readAhead = 0;
  readonly #kernels: Kernels;
  readonly #options: AheadLogOptions;
  readonly #shared: AheadWords;
  readonly #rows: RecordRows;
  /** What this thread reads by itself; undefined while both work. */
  #reader: WalReader | undefined;
  #hasBegun = false;
  /** How often no sign of the second thread came, since the last one that did. */
  #waits = 0;
  /** Number of the current record among those of the ring. */
  #index = -1;
  /** Up to here records of the ring may be taken. */
  #offered = 0;
  #segment: number;

  /** Lets the second thread begin. The log must stay as it is until `close`. The head has kernels. */
  constructor(head: Head, kernels: Kernels, options: AheadLogOptions) {
    this.#kernels = kernels;
    this.#options = options;
    this.segments = listSegments(options.fs, options.directory).filter(({ index }) => index >= options.fromSegment);
    this.#segment = this.segments[0]?.index ?? options.fromSegment;
    this.#shared = new AheadWords(head.memory);
    this.#shared.words.fill(0);
    this.#rows = new RecordRows(this.#shared, head, kernels);
    this.#reader = this.#readerFrom(options.fromSegment, 0);
    const { memory, layout } = head.memory;
    this.#shared.set(Word.log, ++logs);
    options.thread.begin({ memory, layout, directory: options.directory, log: logs });
  }

  /** When the second thread can begin; `next` lets it. For tests: nobody has to wait for it. */
  async whenUp(): Promise<void> {
    while (this.#shared.get(Word.state) === AheadState.starting) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  /** Goes to the next record; false at the end, or at damage (then `corruption` is set). Throws disk errors. */
  next(): boolean {
    if (this.#reader !== undefined) return this.#nextAlone(this.#reader);
    const shared = this.#shared;
    const index = this.#index + 1;
    shared.set(Word.done, index);
    shared.signal(Word.mainSignal);
    while (index >= this.#offered) {
      const seen = shared.get(Word.readerSignal);
      // First the state: all that is offered before it changes is offered.
      const state = shared.get(Word.state);
      this.#offered = shared.get(Word.offered);
      if (index < this.#offered) break;
      if (state !== AheadState.running) {
        this.#offered = shared.get(Word.produced);
        if (index >= this.#offered) return this.#readOn(state);
        break;
      }
      if (!this.#waitForReader(seen)) return this.#readOn(AheadState.failed);
    }
    this.#index = index;
    this.readAhead++;
    const entry = shared.entryOf(index);
    this.bytes = shared.data;
    this.start = shared.entries[entry + Entry.at];
    this.end = this.start + shared.entries[entry + Entry.length];
    this.#reached(shared.entries[entry + Entry.segment]);
    return true;
  }

  /**
   * Applies samples of the current record, which has plain samples, and of later ones of the same series, all series one after the
   * other. Returns where what is left of the current one begins; undefined where nothing was done.
   */
  takeSamples(): number | undefined {
    return this.#reader === undefined ? this.#rows.take(this.#index, this.#offered) : undefined;
  }

  /** As `WalReader.corruptionHere`. */
  corruptionHere(reason: string): WalCorruptionError {
    let reader = this.#reader;
    if (reader === undefined) {
      const { entries } = this.#shared;
      const entry = this.#shared.entryOf(this.#index);
      reader = this.#readerFrom(entries[entry + Entry.segment], entries[entry + Entry.offset]);
      reader.next();
    }
    this.corruption = reader.corruptionHere(reason);
    return this.corruption;
  }

  /** Ends the second thread. Idempotent. */
  close(): void {
    this.#reader?.close();
    if (this.#hasBegun) this.#leave();
    this.#shared.set(Word.state, AheadState.stop);
    Atomics.notify(this.#shared.words, Word.state);
  }

  #readerFrom(fromSegment: number, fromOffset: number): WalReader {
    const { fs, directory, onSegment } = this.#options;
    return new WalReader(fs, directory, { fromSegment, fromOffset, onSegment, kernels: this.#kernels });
  }

  #nextAlone(reader: WalReader): boolean {
    const shared = this.#shared;
    if (!this.#hasBegun && shared.get(Word.state) === AheadState.ready) {
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

  /** The second thread is up: it reads on from here. */
  #begin(reader: WalReader): void {
    const shared = this.#shared;
    const { segment, offset } = reader.position;
    reader.close();
    this.#reader = undefined;
    this.#hasBegun = true;
    this.#segment = segment;
    shared.set(Word.segment, segment);
    shared.set(Word.offset, offset | 0);
    shared.set(Word.state, AheadState.running);
    Atomics.notify(shared.words, Word.state);
  }

  /** The second thread has left off, and everything it produced is applied: the rest is read here. */
  #readOn(state: number): boolean {
    const shared = this.#shared;
    const last = this.#index;
    const segment = shared.get(Word.segment) >>> 0;
    const offset = shared.get(Word.offset) >>> 0;
    this.#leave();
    if (state === AheadState.ended) {
      this.#reached(Infinity);
      return false;
    }
    let reader: WalReader;
    if (state === AheadState.handedOver || last < 0) {
      this.#reached(segment);
      reader = this.#readerFrom(segment, offset);
    } else {
      // It failed: on from behind what it read last.
      const entry = shared.entryOf(last);
      this.#reached(shared.entries[entry + Entry.segment]);
      reader = this.#readerFrom(shared.entries[entry + Entry.segment], shared.entries[entry + Entry.offset]);
      reader.next();
    }
    this.#reader = reader;
    return this.#nextAlone(reader);
  }

  /** Waits until the second thread touches nothing any more, if it gives signs at all. */
  #leave(): void {
    const shared = this.#shared;
    Atomics.compareExchange(shared.words, Word.state, AheadState.running, AheadState.stop);
    for (;;) {
      const seen = shared.get(Word.readerSignal);
      if (shared.get(Word.hasLeft) === 1) return;
      shared.signal(Word.mainSignal);
      if (!this.#waitForReader(seen)) return;
    }
  }

  /** Waits a while for a sign of the second thread; false when none came for so long that it must be gone. */
  #waitForReader(seen: number): boolean {
    const shared = this.#shared;
    shared.wait(Word.readerSignal, seen, WAIT_MS);
    this.#waits = shared.get(Word.readerSignal) === seen ? this.#waits + 1 : 0;
    return this.#waits * WAIT_MS < (this.#options.patienceMs ?? PATIENCE_MS);
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
